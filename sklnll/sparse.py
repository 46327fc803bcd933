"""How does a network see sparse rows? A batch of them at once, made dense and scaled."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

_SMALL = 2**22
"""Numbers, zeros counted, up to which sparse rows are made dense all together: it is faster."""


def dense(X: Any) -> np.ndarray:
    """The same numbers as an array."""
    return X.toarray() if sparse.issparse(X) else X


def dense_if_small(X: Any) -> Any:
    """Sparse rows as an array, unless that would take much memory."""
    return dense(X) if np.prod(X.shape, dtype=float) <= _SMALL else X


class SparseFeatures:
    """Sparse rows that answer to indices as a dense tensor does, with the network's units.

    Parameters
    ----------
    X : sparse matrix or array of shape (n_samples, n_features)
        In CSR format.
    scale : callable
        From dense rows to those that the network sees.
    device : torch.device, optional
        Where dense rows go.
    """

    def __init__(
        self,
        X: Any,
        scale: Callable[[np.ndarray], np.ndarray],
        device: torch.device | None = None,
    ):
        self._X = X
        self._scale = scale
        self.device = device

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self._X.shape

    @property
    def dtype(self) -> torch.dtype:
        """Of the dense rows."""
        return torch.from_numpy(np.empty(0, self._X.dtype)).dtype

    def to(self, device: torch.device) -> "SparseFeatures":
        """The same rows for another device."""
        return SparseFeatures(self._X, self._scale, device)

    def __getitem__(self, where: tuple[slice]) -> Tensor:
        return self._dense(self._X[where[0]])

    def index_select(self, axis: int, index: Tensor) -> Tensor:
        """The rows at these positions; `axis` is 0."""
        return self._dense(self._X[index.cpu().numpy()])

    def _dense(self, some: Any) -> Tensor:
        return torch.from_numpy(self._scale(some.toarray())).to(self.device)
