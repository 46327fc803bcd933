"""How does the network compute raw outputs from x, and gradients on the way back?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .._data.sparse import SparseRows
from .inputs import InputLayer
from .layers import Activation, Dense, Dropout, Layer, Mode, Norm
from .weights import Architecture, Weights

_NUMBERS_AT_ONCE = 2**18
_LEAST_ROWS, _MOST_ROWS = 64, 10_000


class Network:
    """A multi-layer perceptron whose arrays carry a leading axis of independent members.

    Parameters
    ----------
    weights : Weights
        All learned values.
    statistics : Tensor of shape (n_members, 2, sum of hidden units)
        Running means and variances of the hidden units, for batch normalization.
    generators : sequence of torch.Generator
        Sources of the dropout masks, one for each member.
    """

    def __init__(
        self,
        weights: Weights,
        statistics: Tensor | None = None,
        generators: Sequence[torch.Generator] = (),
    ):
        self.weights = weights
        if statistics is None:
            shape = (len(weights), sum(self.architecture.hidden))
            like = weights.flat
            statistics = torch.stack([like.new_zeros(shape), like.new_ones(shape)], 1)
        self.statistics = statistics
        self.generators = generators

    @property
    def architecture(self) -> Architecture:
        """What the network looks like."""
        return self.weights.architecture

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self.weights)

    def state(self) -> tuple[Tensor, Tensor]:
        """Copy all that training changes."""
        return self.weights.flat.clone(), self.statistics.clone()

    def load_state(self, state: tuple[Tensor, Tensor]) -> None:
        """Go back to what `state` returned."""
        self.weights.flat.copy_(state[0])
        self.statistics.copy_(state[1])

    def member(self, k: int) -> Network:
        """Return one member, whose arrays are views of these."""
        part = slice(k, k + 1)
        return Network(self.weights.member(k), self.statistics[part], self.generators[part])

    def __call__(self, x: Tensor | SparseRows, mode: Mode = Mode()) -> tuple[Tensor, Tensor]:  # noqa: B008
        """Compute raw outputs as `Pass.forward` does, in memory of their own."""
        return Pass(self, x.shape[-2]).forward(x, mode)

    def products_of_a_row(self, density: float) -> float:
        """Count the multiplications of a row: one a weight, but for the zeros of sparse X."""
        n_plain, width = self.architecture.sizes[:2]
        zeros = (1 - density) * n_plain * width
        looked_up = sum(map(math.prod, self.architecture.embeddings))
        return self.weights.flat.numel() - len(self) * (zeros + looked_up)

    @property
    def rows_at_once(self) -> int:
        """Number of rows for which the results of most layers stay in the processor's cache."""
        n_units = len(self) * (1 + sum(self.architecture.sizes))
        return min(max(_LEAST_ROWS, _NUMBERS_AT_ONCE // n_units), _MOST_ROWS)

    def settle_statistics(self, x: Tensor | SparseRows, row_weight: Tensor) -> None:
        """Make the running statistics those of these rows under the present weights."""
        self(x, Mode(row_weight, momentum=1.0))


class Pass:
    """The way of rows through a network, and that of a gradient back.

    Passes of equally many rows go through the same memory: the next one overwrites what the one
    before returned.

    Parameters
    ----------
    network : Network
        Each pass takes its present weights.
    n_rows : int

    Attributes
    ----------
    gradient : Weights
        The gradient of the last pass back.
    """

    def __init__(self, network: Network, n_rows: int):
        self.gradient = Weights.zeros(network.architecture, network.weights.flat)
        self._n_members = len(network)
        self._layers = _layers(network, self.gradient, n_rows)
        self._constants = network.weights.constants

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
        """Carry gradients by the outputs back to all learned values.

        Returns
        -------
        Tensor of shape (n_members, n_weights)
        """
        if d_constants.numel():
            self.gradient.constants.copy_(d_constants)
        d = d_raw
        for layer in reversed(self._layers):
            d = layer.backward(d)
        return self.gradient.flat


def _layers(network: Network, gradient: Weights, n_rows: int) -> list[Layer]:
    """Build the layers of a network, which note their gradients in the arrays of `gradient`."""
    architecture, weights = network.architecture, network.weights
    layers: list[Layer] = []
    if architecture.has_learned_inputs:
        layers.append(InputLayer(weights, gradient, n_rows))
    statistics = torch.split(network.statistics, list(architecture.hidden), dim=2)
    first = 0 if architecture.gates else architecture.sizes[0]
    hidden = zip(weights.layers[:-1], gradient.layers[:-1], statistics, strict=True)
    for learned, noted, running in hidden:
        if learned.gain is None or noted.gain is None:
            layers.append(Dense(learned[:2], noted[:2], n_rows, first))
        else:
            layers.append(Dense(learned[:1], noted[:1], n_rows, first))
            arrays, gradients = (learned.bias, learned.gain), (noted.bias, noted.gain)
            layers.append(Norm(arrays, gradients, running))
        shape = len(network), n_rows, learned.matrix.shape[2]
        layers.append(Activation(architecture.activation, shape, weights.flat))
        if architecture.dropout:
            layers.append(Dropout(architecture.dropout, shape, weights.flat, network.generators))
        first = 0
    return [*layers, Dense(weights.layers[-1][:2], gradient.layers[-1][:2], n_rows, first)]
