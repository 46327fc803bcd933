"""How does a network see sparse rows? Its first layer multiplies what is not zero."""

from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

_SMALL = 2**22
"""Numbers, zeros counted, up to which sparse rows are made dense all together: it is faster."""


def dense_if_small(X: Any) -> Any:
    """Make an array of sparse rows, unless that would take much memory."""
    is_small = np.prod(X.shape, dtype=float) <= _SMALL
    return X.toarray() if sparse.issparse(X) and is_small else X


def density(X: Any) -> float:
    """Return the share of numbers that are stored, which is 1 for an array."""
    return X.nnz / max(1.0, np.prod(X.shape, dtype=float)) if sparse.issparse(X) else 1.0


def as_dense(x: Any) -> Tensor:
    """Return the rows as a tensor."""
    return x.dense() if isinstance(x, SparseRows) else x


class SparseRows:
    """Sparse rows that are indexed like a tensor, the same for all members or each member's own.

    Parameters
    ----------
    parts : list of sparse array of shape (n_samples, n_features)
        In CSR format, in the network's units: one for all members, or one for each.
    ndim : int
        2 where there is one for all, 3 for one each.
    device : torch.device, optional
        Where the network is; on another than the CPU rows are made dense, a batch at a time.
    """

    def __init__(self, parts: list[Any], ndim: int = 2, device: torch.device | None = None):
        self._parts = parts
        self.ndim = ndim
        self.device = device

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of members (where each has rows of its own), of rows and of columns."""
        shape = self._parts[0].shape
        return shape if self.ndim == 2 else (len(self._parts), *shape)

    @property
    def is_cpu(self) -> bool:
        """Whether the network is on the CPU, where sparse rows are."""
        return self.device is None or self.device.type == "cpu"

    def to(self, device: torch.device) -> "SparseRows":
        """Return the same rows for a network on another device."""
        return SparseRows(self._parts, self.ndim, device)

    def __getitem__(self, where: tuple[slice, ...]) -> "SparseRows":
        return SparseRows([part[where[-1]] for part in self._parts], self.ndim, self.device)

    def split(self, size: int, axis: int) -> list["SparseRows"]:
        """Cut the rows, which are this axis, into parts of this size."""
        starts = range(0, self.shape[axis], size)
        return [self[(slice(start, start + size),)] for start in starts]

    def pick(self, index: Tensor) -> "SparseRows":
        """Return the rows at these positions, of shape (n_members, n)."""
        (part,) = self._parts
        return SparseRows([part[rows] for rows in index.cpu().numpy()], 3, self.device)

    def dense(self) -> Tensor:
        """Return all rows as one tensor."""
        parts = [torch.from_numpy(part.toarray()) for part in self._parts]
        return (parts[0] if self.ndim == 2 else torch.stack(parts)).to(self.device)

    def product(self, matrix: Tensor, out: Tensor) -> Tensor:
        """Multiply the rows by each member's matrix, of shape (n_members, n_features, width)."""
        for k, into in enumerate(out):
            into.copy_(torch.from_numpy(self._of(k) @ matrix[k].numpy()))
        return out

    def transposed_product(self, d: Tensor, out: Tensor) -> Tensor:
        """Multiply transposed rows by each member's `d`, of shape (n_members, n_samples, width)."""
        for k, into in enumerate(out):
            into.copy_(torch.from_numpy(self._of(k).T @ d[k].numpy()))
        return out

    def _of(self, k: int) -> Any:
        return self._parts[0 if self.ndim == 2 else k]
