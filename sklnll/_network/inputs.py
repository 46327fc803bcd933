"""What does the first layer multiply? What was learned of each input, beside the inputs themselves.

First come the inputs, then the embedding vectors of categories, then cosines of numbers. All that
comes of one column of X is multiplied by its gate, which moves fast: it tells early in training
which columns matter, and so that the network does not learn by heart those that do not.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .._data.sparse import SparseRows, as_dense
from .layers import Layer, Mode
from .weights import GATE_RATE, Weights


class InputLayer(Layer):
    """The inputs, the vectors of categories that are embedded, and cosines of numbers, gated.

    Parameters
    ----------
    weights, gradient : Weights
        Learned values, and where their gradients are noted.
    n_rows : int

    References
    ----------
    C. Guo and F. Berkhahn (2016). Entity embeddings of categorical variables. arXiv:1604.06737.
    Y. Gorishniy, I. Rubachev and A. Babenko (2022). On embeddings for numerical features in tabular
    deep learning. arXiv:2203.05556. D. Holzmueller, L. Grinsztajn and I. Steinwart (2024). Better
    by default: strong pre-tuned MLPs and boosted trees on tabular data. arXiv:2407.04491
    """

    def __init__(self, weights: Weights, gradient: Weights, n_rows: int):
        architecture = weights.architecture
        n_plain = architecture.sizes[0]
        self._out = weights.flat.new_empty(len(weights), n_rows, architecture.fans[0][0])
        self._plain = self._out[:, :, :n_plain]
        start = n_plain
        self._embeddings = []
        for k, (table, noted) in enumerate(zip(weights.tables, gradient.tables, strict=True)):
            end = start + table.shape[2]
            self._embeddings.append(
                _Embedding(table, noted, n_plain + k, self._out[:, :, start:end])
            )
            start = end
        self._n_vectors = start - n_plain
        self._cosines = (
            _Cosines(weights, gradient, self._plain, self._out[:, :, start:])
            if architecture.n_frequencies
            else None
        )
        self._gates = _Gates(weights, gradient, self._out) if architecture.gates else None

    def forward(self, h: Tensor | SparseRows, mode: Mode) -> Tensor:
        rows = as_dense(h)
        self._plain.copy_(rows[..., : self._plain.shape[2]])
        for embedding in self._embeddings:
            embedding.forward(rows)
        if self._cosines is not None:
            self._cosines.forward()
        return self._out if self._gates is None else self._gates.forward()

    def backward(self, d: Tensor) -> Tensor:
        if self._gates is not None:
            d = self._gates.backward(d)[:, :, self._plain.shape[2] :]
        start = 0
        for embedding in self._embeddings:
            end = start + embedding.width
            embedding.backward(d[:, :, start:end])
            start = end
        if self._cosines is not None:
            self._cosines.backward(d[:, :, self._n_vectors :])
        return d


class _Embedding:
    """Vectors of a column of categories, which are gathered by its codes.

    What has no code of its own, one beyond the others, has the vector 0.
    """

    def __init__(self, table: Tensor, gradient: Tensor, column: int, out: Tensor):
        self._table, self._gradient = table, gradient
        self._column, self._out = column, out
        self.width = table.shape[2]

    def forward(self, rows: Tensor) -> None:
        n_codes = self._table.shape[1]
        codes = rows[..., self._column].long()
        codes = codes.expand(len(self._table), *codes.shape[-1:])
        self._known = (codes < n_codes).unsqueeze(-1)
        self._index = codes.clamp(max=n_codes - 1).unsqueeze(-1).expand(-1, -1, self.width)
        torch.mul(self._table.gather(1, self._index), self._known, out=self._out)

    def backward(self, d: Tensor) -> None:
        self._gradient.zero_().scatter_add_(1, self._index, d * self._known)


class _Cosines:
    """Cosines of numbers: cos(2 pi (phase + frequency * x)), several of each."""

    def __init__(self, weights: Weights, gradient: Weights, plain: Tensor, out: Tensor):
        self._frequency, self._phase = (array.unsqueeze(1) for array in weights.waves)
        self._d_frequency, self._d_phase = gradient.waves
        shape = self._frequency.shape[2:]
        waves = weights.architecture.waves
        self._columns = None if waves is None else torch.tensor(waves, device=plain.device)
        self._plain = self._x = plain
        self._cosines = out.unflatten(2, shape)
        self._angle = plain.new_empty(self._cosines.shape)

    def forward(self) -> None:
        if self._columns is not None:
            self._x = self._plain.index_select(2, self._columns)
        torch.addcmul(self._phase, self._x.unsqueeze(-1), self._frequency, out=self._angle)
        torch.cos(self._angle.mul_(2 * math.pi), out=self._cosines)

    def backward(self, d: Tensor) -> None:
        d_turns = self._angle.sin_().mul_(d.reshape(self._angle.shape)).mul_(-2 * math.pi)
        torch.sum(d_turns, 1, out=self._d_phase)
        torch.sum(d_turns.mul_(self._x.unsqueeze(-1)), 1, out=self._d_frequency)


class _Gates:
    """A learned factor of all that comes of one column of X."""

    def __init__(self, weights: Weights, gradient: Weights, ungated: Tensor):
        self._factors, self._d_factors = weights.gates, gradient.gates
        of_inputs = weights.architecture.gates_of_first_layer
        self._of_inputs = torch.tensor(of_inputs, device=ungated.device)
        self._ungated, self._out = ungated, torch.empty_like(ungated)

    def forward(self) -> Tensor:
        self._factor = self._factors.index_select(2, self._of_inputs).mul_(GATE_RATE)
        return torch.mul(self._ungated, self._factor, out=self._out)

    def backward(self, d: Tensor) -> Tensor:
        by_input = torch.mul(d, self._ungated, out=self._out).sum(1, keepdim=True)
        self._d_factors.zero_().index_add_(2, self._of_inputs, by_input, alpha=GATE_RATE)
        return d.mul_(self._factor)
