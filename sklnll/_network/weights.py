"""Which numbers does a network learn, and where do they stand in one flat tensor?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .._data.stored import (
    check_flag,
    check_number,
    check_part,
    check_places,
    check_whole_number,
    stored_error,
)
from .layers import ACTIVATIONS

GATE_RATE = 10.0
"""How much faster gates move than other learned values: they are this times what is learned."""


@dataclass(frozen=True)
class Architecture:
    """What a network looks like.

    Parameters
    ----------
    sizes : tuple of int
        Units of each layer, from the inputs to the raw outputs.
    n_constants : int
        Free raw values beside the network, for parameters that do not depend on x.
    activation : str
        A key of `layers.ACTIVATIONS`.
    dropout : float
        Share of each hidden layer's units that is set to zero while training.
    batch_norm : bool
        Whether hidden layers are normalized before their activation.
    n_frequencies : int
        Cosines of each number, of learned frequency and phase, that the first layer sees beside
        the inputs.
    waves : tuple of int, optional
        Inputs that have cosines; all where it is left out.
    embeddings : tuple of (int, int), default=()
        Codes of each column of categories that is embedded, and the length of their vectors.
    gates : tuple of int, default=()
        The gate of each input, and then of each column that is embedded: a learned factor. There
        is none where it is left out.
    """

    sizes: tuple[int, ...]
    n_constants: int
    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False
    n_frequencies: int = 0
    waves: tuple[int, ...] | None = None
    embeddings: tuple[tuple[int, int], ...] = ()
    gates: tuple[int, ...] = ()

    @staticmethod
    def check(architecture: Any, name: str) -> None:
        """Raise a ValueError that names the field of a stored architecture that is not legal."""
        check_part(architecture, Architecture, name)
        sizes = architecture.sizes
        if not isinstance(sizes, tuple) or len(sizes) < 2:
            raise stored_error(f"{name}.sizes", "a tuple of two or more numbers", f"{sizes!r}")
        for layer, n_units in enumerate(sizes):
            # All parameters may be constants: then the network predicts none.
            check_whole_number(n_units, f"{name}.sizes[{layer}]", int(layer < len(sizes) - 1))
        for field in ("n_constants", "n_frequencies"):
            check_whole_number(getattr(architecture, field), f"{name}.{field}", 0)
        if architecture.activation not in list(ACTIVATIONS):
            raise stored_error(
                f"{name}.activation",
                f"one of {sorted(ACTIVATIONS)}",
                f"{architecture.activation!r}",
            )
        check_number(
            architecture.dropout, f"{name}.dropout", lambda p: 0 <= p < 1, "from 0 to below 1"
        )
        check_flag(architecture.batch_norm, f"{name}.batch_norm")
        if architecture.waves is not None:
            check_places(architecture.waves, f"{name}.waves", sizes[0])
        embeddings = architecture.embeddings
        if not isinstance(embeddings, tuple) or any(np.shape(e) != (2,) for e in embeddings):
            raise stored_error(f"{name}.embeddings", "a tuple of pairs", f"{embeddings!r}")
        for k, n in np.ndindex(len(embeddings), 2):
            check_whole_number(embeddings[k][n], f"{name}.embeddings[{k}][{n}]", 1)
        if not isinstance(architecture.gates, tuple):
            raise stored_error(f"{name}.gates", "a tuple", f"{architecture.gates!r}")
        for gate in architecture.gates:
            check_whole_number(gate, f"{name}.gates", 0)

    @property
    def n_weights(self) -> int:
        """Number of all learned values of a member."""
        return sum(map(math.prod, self.shapes))

    @property
    def fans(self) -> list[tuple[int, int]]:
        """Inputs and outputs of each layer."""
        n_plain, *widths = self.sizes
        n_vectors = sum(width for _, width in self.embeddings)
        return list(pairwise([n_plain + n_vectors + self.n_waves * self.n_frequencies, *widths]))

    @property
    def n_waves(self) -> int:
        """Number of inputs that have cosines."""
        return self.sizes[0] if self.waves is None else len(self.waves)

    @property
    def has_learned_inputs(self) -> bool:
        """Whether the first layer sees more than the inputs themselves."""
        return bool(self.n_frequencies or self.embeddings or self.gates)

    @property
    def n_gates(self) -> int:
        """Number of learned factors of inputs."""
        return 1 + max(self.gates, default=-1)

    @property
    def gates_of_first_layer(self) -> list[int]:
        """The gate of each number that the first layer multiplies."""
        n_plain = self.sizes[0]
        gates = list(self.gates[:n_plain])
        for gate, (_, width) in zip(self.gates[n_plain:], self.embeddings, strict=True):
            gates += [gate] * width
        waves = range(n_plain) if self.waves is None else self.waves
        return gates + [self.gates[k] for k in waves for _ in range(self.n_frequencies)]

    @property
    def n_learned_inputs(self) -> int:
        """Number of learned arrays before the first layer's."""
        return len(self.embeddings) + (2 if self.n_frequencies else 0) + bool(self.gates)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of all learned arrays, in their order in the flat tensor.

        Vectors of categories, frequencies and phases, and gates stand first, where there are any;
        then the weights and biases (and the norm's gain) of each layer; the constants stand last.
        """
        shapes: list[tuple[int, ...]] = [*self.embeddings]
        if self.n_frequencies:
            shapes += [(self.n_waves, self.n_frequencies)] * 2
        if self.gates:
            shapes.append((1, self.n_gates))
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


class LayerWeights(NamedTuple):
    """The learned arrays of one layer, each with the members' axis first.

    The gain is None for a layer that is not normalized over its batch.
    """

    matrix: Tensor
    bias: Tensor
    gain: Tensor | None = None


class Weights:
    """All learned values of a network: one flat tensor, which optimizers see, and named views.

    Gradients, penalties and shares have the same layout, and are `Weights`, too.

    Parameters
    ----------
    architecture : Architecture
    flat : Tensor of shape (n_members, n_weights)
        All learned values, in the order of ``architecture.shapes``.
    """

    def __init__(self, architecture: Architecture, flat: Tensor):
        self.architecture = architecture
        self.flat = flat

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self.flat)

    @classmethod
    def zeros(cls, architecture: Architecture, like: Tensor) -> Weights:
        """Make zeros in the shape, in the dtype and on the device of a flat tensor."""
        return cls(architecture, torch.zeros_like(like))

    @cached_property
    def _arrays(self) -> list[Tensor]:
        shapes = self.architecture.shapes
        pieces = torch.split(self.flat, [math.prod(shape) for shape in shapes], dim=1)
        return [piece.unflatten(1, shape) for piece, shape in zip(pieces, shapes, strict=True)]

    @property
    def tables(self) -> list[Tensor]:
        """Views of the vectors of each column of categories that is embedded."""
        return self._arrays[: len(self.architecture.embeddings)]

    @property
    def waves(self) -> list[Tensor]:
        """Views of frequencies and phases; empty where the network has no cosines."""
        n_tables = len(self.architecture.embeddings)
        return self._arrays[n_tables : n_tables + (2 if self.architecture.n_frequencies else 0)]

    @property
    def gates(self) -> Tensor:
        """View of the factors of columns of X over `GATE_RATE`; shape (n_members, 1, n_gates)."""
        return self._arrays[self.architecture.n_learned_inputs - 1]

    @cached_property
    def layers(self) -> list[LayerWeights]:
        """Views of the arrays of each layer, from the first hidden one to the raw outputs."""
        arrays = iter(self._arrays[self.architecture.n_learned_inputs : -1])
        n_normed = len(self.architecture.hidden) if self.architecture.batch_norm else 0
        return [
            LayerWeights(next(arrays), next(arrays), next(arrays) if layer < n_normed else None)
            for layer in range(len(self.architecture.fans))
        ]

    @property
    def constants(self) -> Tensor:
        """View of the raw values that do not depend on x; shape (n_members, n_constants)."""
        return self._arrays[-1]

    def member(self, k: int) -> Weights:
        """Return one member, whose values are views of these."""
        return Weights(self.architecture, self.flat[k : k + 1])

    def begin_outputs(self, raw: np.ndarray, constants: np.ndarray) -> None:
        """Let the last layer, and the constants, begin at these values, whatever x is."""
        matrix, bias, _ = self.layers[-1]
        matrix.zero_()
        for values, begin in ((bias, raw), (self.constants, constants)):
            values.copy_(torch.from_numpy(begin))

    def fold_inputs(self, center: Tensor, unit: Tensor) -> None:
        """Take the scaling (x - center) / unit of the inputs into the first layer, exactly.

        A layer that is normalized over its batch takes away the center by itself.
        """
        matrix, bias, gain = self.layers[0]
        matrix.div_(unit[:, None])
        if gain is None:
            bias.sub_((center @ matrix).unsqueeze(1))

    def unfold_inputs(self, center: Tensor, unit: Tensor) -> None:
        """Undo `fold_inputs`: express the first layer for inputs (x - center) / unit."""
        matrix, bias, gain = self.layers[0]
        if gain is None:
            bias.add_((center @ matrix).unsqueeze(1))
        matrix.mul_(unit[:, None])
