"""How does the network compute raw outputs from x?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._data.sparse import SparseRows
from .layers import Activation, Cosines, Dense, Dropout, Layer, Mode, Norm

_FREQUENCY = 0.3
"""Standard deviation of the frequencies at the start, in turns per unit of a scaled feature."""
_NUMBERS_AT_ONCE = 2**18
_LEAST_ROWS, _MOST_ROWS = 64, 10_000


@dataclass(frozen=True)
class Architecture:
    """What a network looks like.

    Parameters
    ----------
    sizes : tuple of int
        Units of each layer, from the features of x to the raw outputs.
    n_constants : int
        Free raw values beside the network, for parameters that do not depend on x.
    activation : str
        A key of `layers.ACTIVATIONS`.
    dropout : float
        Share of each hidden layer's units set to zero while training.
    batch_norm : bool
        Whether hidden layers are normalized before their activation.
    n_frequencies : int
        Cosines of each feature, of learned frequency and phase, that the first layer sees beside
        the features.

    References
    ----------
    Y. Gorishniy, I. Rubachev and A. Babenko (2022). On embeddings for numerical features in tabular
    deep learning. arXiv:2203.05556
    """

    sizes: tuple[int, ...]
    n_constants: int
    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False
    n_frequencies: int = 0

    @property
    def fans(self) -> list[tuple[int, int]]:
        """Inputs and outputs of each layer."""
        n_features, *widths = self.sizes
        return list(pairwise([n_features * (1 + self.n_frequencies), *widths]))

    @property
    def n_embedding(self) -> int:
        """Learned arrays before the first layer's."""
        return 2 if self.n_frequencies else 0

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of all learned arrays.

        Frequencies and phases, where there are any; per layer weights, biases (and norm's gain);
        constants.
        """
        shapes: list[tuple[int, ...]] = [(self.sizes[0], self.n_frequencies)] * self.n_embedding
        last = len(self.sizes) - 2
        for layer, (fan_in, fan_out) in enumerate(self.fans):
            shapes += [(fan_in, fan_out), (1, fan_out)]
            if self.batch_norm and layer < last:
                shapes.append((1, fan_out))
        return [*shapes, (self.n_constants,)]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of the hidden layers."""
        return self.sizes[1:-1]


class Network:
    """A multi-layer perceptron whose arrays carry a leading axis of independent members.

    All learned values live in one flat tensor, which the optimisers see; layers are views of it.

    Parameters
    ----------
    architecture : Architecture
    weights : Tensor of shape (n_members, n_weights)
        All learned values, in the order of ``architecture.shapes``.
    statistics : Tensor of shape (n_members, 2, sum of hidden units)
        Running means and variances of the hidden units, for batch normalization.
    generators : sequence of torch.Generator
        Draw the dropout masks, one for each member.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Tensor,
        statistics: Tensor | None = None,
        generators: Sequence[torch.Generator] = (),
    ):
        self.architecture = architecture
        self.weights = weights
        if statistics is None:
            hidden = sum(architecture.hidden)
            shape = (len(weights), hidden)
            statistics = torch.stack([weights.new_zeros(shape), weights.new_ones(shape)], 1)
        self.statistics = statistics
        self.generators = generators

    def state(self) -> tuple[Tensor, Tensor]:
        """A copy of all that training changes."""
        return self.weights.clone(), self.statistics.clone()

    def load(self, state: tuple[Tensor, Tensor]) -> None:
        """Go back to what `state` returned."""
        self.weights.copy_(state[0])
        self.statistics.copy_(state[1])

    def arrays(self) -> list[Tensor]:
        """Views of the learned values, each with the members' axis before its own shape."""
        shapes = self.architecture.shapes
        pieces = torch.split(self.weights, [math.prod(shape) for shape in shapes], dim=1)
        return [piece.unflatten(1, shape) for piece, shape in zip(pieces, shapes, strict=True)]

    def parts(self) -> tuple[list[Tensor], list[list[Tensor]], Tensor]:
        """The embedding's arrays; per layer its matrix, bias, and norm's gain; the constants."""
        *arrays, constants = self.arrays()
        start, step = self.architecture.n_embedding, 3 if self.architecture.batch_norm else 2
        layers = [arrays[i : i + step] for i in range(start, len(arrays), step)]
        return arrays[:start], layers, constants

    def layers(self) -> list[list[Tensor]]:
        """The second of `parts`."""
        return self.parts()[1]

    def member(self, k: int) -> "Network":
        """One member, of which the arrays are views."""
        part = slice(k, k + 1)
        return Network(
            self.architecture, self.weights[part], self.statistics[part], self.generators[part]
        )

    def fold_inputs(self, center: Tensor, unit: Tensor) -> None:
        """Take the scaling (x - center) / unit of the inputs into the first layer, exactly.

        A layer that is normalized over its batch takes away the center by itself.
        """
        matrix, bias, *gain = self.layers()[0]
        matrix.div_(unit[:, None])
        if not gain:
            bias.sub_((center @ matrix).unsqueeze(1))

    def __call__(self, x: Tensor | SparseRows, mode: Mode = Mode()) -> tuple[Tensor, Tensor]:  # noqa: B008
        """Compute raw outputs; as `Pass.forward`, in memory of its own."""
        return Pass(self, x.shape[-2]).forward(x, mode)

    def products_of_a_row(self, density: float) -> float:
        """Multiplications that a row takes: a weight each, but for the zeros of sparse X."""
        n_features, width = self.architecture.sizes[:2]
        zeros = (1 - density) * n_features
        return self.weights.numel() - len(self.weights) * zeros * width

    @property
    def rows_at_once(self) -> int:
        """So many rows that what most layers make of them stays in the processor's cache."""
        n_units = len(self.weights) * (1 + sum(self.architecture.sizes))
        return min(max(_LEAST_ROWS, _NUMBERS_AT_ONCE // n_units), _MOST_ROWS)

    def settle(self, x: Tensor | SparseRows, row_weight: Tensor) -> None:
        """Make the running statistics those of these rows, as prediction sees them."""
        self(x, Mode(row_weight, momentum=1.0))


class Pass:
    """The way of rows through a network, and that of a gradient back.

    Passes of as many rows each go through the same memory: what one returns, the next overwrites.

    Parameters
    ----------
    network : Network
        Whose present weights each pass takes.
    n_rows : int

    Attributes
    ----------
    gradient : Tensor of shape (n_members, n_weights)
        That of the last pass back.
    """

    def __init__(self, network: Network, n_rows: int):
        self.gradient = torch.zeros_like(network.weights)
        self._n_members = len(network.weights)
        self._layers = _layers(network, Network(network.architecture, self.gradient), n_rows)
        self._constants = network.parts()[2]
        self._d_constants = Network(network.architecture, self.gradient).parts()[2]

    def forward(self, x: Tensor | SparseRows, mode: Mode) -> tuple[Tensor, Tensor]:
        """Compute raw outputs.

        Parameters
        ----------
        x : Tensor or SparseRows
            Of shape (n_samples, n_features) or (n_members, n_samples, n_features), the latter
            where each member has rows of its own.
        mode : Mode

        Returns
        -------
        raw : Tensor of shape (n_members, n_samples, n_raw)
        constants : Tensor of shape (n_members, n_constants)
        """
        h: Any = x
        if isinstance(x, SparseRows) and not x.is_cpu:
            h = x.dense()
        if isinstance(h, Tensor) and h.ndim == 2:
            h = h.expand(self._n_members, *h.shape)
        for layer in self._layers:
            h = layer.forward(h, mode)
        return h, self._constants

    def backward(self, d_raw: Tensor, d_constants: Tensor) -> Tensor:
        """The gradient by all learned values of what has these gradients by the outputs."""
        if d_constants.numel():
            self._d_constants.copy_(d_constants)
        d = d_raw
        for layer in reversed(self._layers):
            d = layer.backward(d)
        return self.gradient


def _layers(network: Network, gradient: Network, n_rows: int) -> list[Layer]:
    """The layers of a network, which note their gradients in another one's arrays."""
    architecture, like = network.architecture, network.weights
    embedding, dense, _ = network.parts()
    d_embedding, d_dense, _ = gradient.parts()
    layers: list[Layer] = []
    if embedding:
        layers.append(Cosines(embedding, d_embedding, n_rows))
    statistics = torch.split(network.statistics, list(architecture.hidden), dim=2)
    first = architecture.sizes[0]
    for arrays, gradients, running in zip(dense[:-1], d_dense[:-1], statistics, strict=True):
        shape = len(like), n_rows, arrays[0].shape[2]
        if architecture.batch_norm:
            layers.append(Dense(arrays[:1], gradients[:1], n_rows, first))
            layers.append(Norm(arrays[1:], gradients[1:], running))
        else:
            layers.append(Dense(arrays, gradients, n_rows, first))
        layers.append(Activation(architecture.activation, shape, like))
        if architecture.dropout:
            layers.append(Dropout(architecture.dropout, shape, like, network.generators))
        first = 0
    return [*layers, Dense(dense[-1], d_dense[-1], n_rows, first)]


def matrix_shares(network: Network) -> Tensor:
    """1 for the weights of all layers, 0 for all else; shape (1, n_weights)."""
    shares = Network(network.architecture, torch.zeros_like(network.weights[:1]))
    for matrix, *_ in shares.layers():
        matrix.fill_(1)
    return shares.weights


def penalty_shares(network: Network, last_units: Tensor, last_biases: Tensor) -> Tensor:
    """Which learned values an L2 penalty counts, and in which units.

    Parameters
    ----------
    network : Network
    last_units : Tensor of shape (n_raw,)
        Units of the last layer's columns.
    last_biases : Tensor of shape (n_raw,)
        Whether their biases count.

    Returns
    -------
    Tensor of shape (1, n_weights)
        1 for the weights of the hidden layers and the biases that count, squared units for the
        weights of the last layer, 0 for all else.
    """
    shares = Network(network.architecture, matrix_shares(network))
    last, bias = shares.layers()[-1]
    last.copy_(last_units.square().expand_as(last))
    bias.copy_(last_biases.expand_as(bias))
    return shares.weights


def penalty_origin(network: Network, last_biases: Tensor) -> Tensor:
    """Where the penalty is least: at zero, and at the present biases of the last layer that count.

    Parameters
    ----------
    network : Network
    last_biases : Tensor of shape (n_raw,)
        Whether they count.

    Returns
    -------
    Tensor of shape (n_members, n_weights)
    """
    origin = Network(network.architecture, torch.zeros_like(network.weights))
    origin.layers()[-1][1].copy_(network.layers()[-1][1] * last_biases)
    return origin.weights


def initial_weights(
    architecture: Architecture,
    raw: np.ndarray,
    constants: np.ndarray,
    weight_init: str,
    random_state: np.random.RandomState,
) -> np.ndarray:
    """Draw one member's learned values, in float64.

    The last layer starts at zero weights and the biases `raw`: training starts as the null model,
    the marginal maximum-likelihood fit.

    Parameters
    ----------
    architecture : Architecture
    raw : ndarray of shape (n_raw,)
    constants : ndarray of shape (n_constants,)
    weight_init : {"glorot", "he"}
        "glorot": uniform, biases too, as scikit-learn's MLP; "he": normal with variance
        2 / fan_in, biases zero.
    random_state : RandomState

    Returns
    -------
    ndarray of shape (n_weights,)

    References
    ----------
    X. Glorot and Y. Bengio (2010). Understanding the difficulty of training deep feedforward
    neural networks. K. He et al. (2015). Delving deep into rectifiers. arXiv:1502.01852
    """
    shape = (architecture.sizes[0], architecture.n_frequencies)
    pieces = [
        random_state.normal(scale=_FREQUENCY, size=shape).ravel(),
        random_state.uniform(size=shape).ravel(),
    ]
    for fan_in, fan_out in architecture.fans[:-1]:
        if weight_init == "he":
            matrix = random_state.normal(scale=np.sqrt(2 / fan_in), size=fan_in * fan_out)
            bias = np.zeros(fan_out)
        else:
            gain = 2.0 if architecture.activation == "logistic" else 6.0
            bound = np.sqrt(gain / (fan_in + fan_out))
            matrix = random_state.uniform(-bound, bound, fan_in * fan_out)
            bias = random_state.uniform(-bound, bound, fan_out)
        pieces += [matrix, bias]
        if architecture.batch_norm:
            pieces.append(np.ones(fan_out))
    last_matrix = np.zeros(math.prod(architecture.fans[-1]))
    return np.concatenate([*pieces, last_matrix, raw, constants])
