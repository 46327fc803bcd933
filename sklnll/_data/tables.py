"""In which form do rows go from the door of `fit` to training?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from .columns import name_place
from .sparse import dense_if_small

_MISSING = float(np.finfo(float).max)
"""Stands for what is missing where rows are compared."""


@dataclass(frozen=True)
class FitInput:
    """Rows as the user gave them, not yet checked."""

    X: Any
    y: Any
    sample_weight: Any = None
    exposure: Any = None
    classes: Any = None
    may_lack_labels: bool = False
    """Whether these rows may lack labels that others have, which follow in later calls."""


@dataclass(frozen=True)
class CheckedRows:
    """Rows that passed the checks of `fit`.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        float32 or float64, in C order, or in CSR format. Categories are codes, and NaN is missing.
    y : ndarray of shape (n_samples, n_outputs) or (n_samples, n_outputs, size)
        float64, inside the family's support; labels as 0, ..., n_classes - 1. The last axis is
        there where one observation is a row of numbers.
    weight : ndarray of shape (n_samples,)
        float64, positive.
    exposure : ndarray of shape (n_samples,), optional
        float64, positive.
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray
    exposure: np.ndarray | None = None

    def __len__(self) -> int:
        return self.X.shape[0]

    def small_as_dense(self) -> "CheckedRows":
        """Return the same rows with X as an array, unless that would take much memory."""
        return replace(self, X=dense_if_small(self.X))

    def take(self, index: np.ndarray) -> "CheckedRows":
        """Return the rows at these positions, or under this mask."""
        exposure = None if self.exposure is None else self.exposure[index]
        return CheckedRows(self.X[index], self.y[index], self.weight[index], exposure)

    def astype(self, dtype: np.dtype, columns: Sequence[Any] | None = None) -> "CheckedRows":
        """Return the same rows with X, whose columns have these names, in this dtype."""
        return replace(self, X=cast(self.X, dtype, columns))

    def without_zero_weights(self) -> "CheckedRows":
        """Return the rows that have a positive weight."""
        return self if self.weight.all() else self.take(self.weight > 0)

    def repeated(self, at_most: int) -> "CheckedRows":
        """Return sorted rows, in which a row of whole weight w stands w times with weight 1.

        This makes the fit of repeated or shuffled rows equal to that of weighted ones, to the last
        bit, hold-outs and batches included. Rows are returned as they are where weights are not
        whole, X is sparse, or the repeated rows would be more than `at_most`.
        """
        n_rows = self.weight.sum()
        if (
            sparse.issparse(self.X)
            or n_rows > at_most
            or (self.weight != np.floor(self.weight)).any()
        ):
            return self
        merged = self.merged()
        table = merged.take(np.repeat(np.arange(len(merged)), merged.weight.astype(int)))
        return replace(table, weight=np.ones(len(table)))

    def merged(self) -> "CheckedRows":
        """Return sorted rows, in which equal rows are merged into one that has their total weight.

        In one full batch this changes nothing but the order of additions; it makes the fit of
        repeated or shuffled rows equal to that of weighted ones, to the last bit. Sparse rows are
        returned as they are.
        """
        if sparse.issparse(self.X):
            return self
        # No two NaN are equal.
        X = np.nan_to_num(self.X.astype(float), copy=False, nan=_MISSING)
        columns = [X, self.y.reshape(len(self), -1)]
        if self.exposure is not None:
            columns.append(self.exposure[:, None])
        _, index, inverse = np.unique(
            np.hstack(columns), axis=0, return_index=True, return_inverse=True
        )
        weight = np.bincount(inverse.ravel(), weights=self.weight)
        return replace(self.take(index), weight=weight)


def cast(X: Any, dtype: np.dtype, columns: Sequence[Any] | None = None) -> Any:
    """Convert X to the network's dtype; raise a ValueError where that cannot hold it."""
    with np.errstate(over="ignore"):
        converted = X.astype(dtype, copy=False)
    values = converted.data if sparse.issparse(X) else converted
    if converted.dtype != X.dtype and np.isinf(values).any():
        largest = abs(X) if sparse.issparse(X) else np.nan_to_num(abs(X))
        row, column = divmod(int(largest.argmax()), X.shape[1])
        raise ValueError(
            f"X holds values up to {largest.max():.3g}, at {name_place(row, column, columns)}, "
            f"beyond {np.dtype(dtype)}, in which the network was fitted because its X was; scale "
            "X, or fit on float64."
        )
    return converted
