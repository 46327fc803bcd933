"""How far outside of the training rows does a row lie?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches

from .._numerics.statistics import rounding_of
from .columns import may_have_gaps
from .stored import check_array, check_flags, check_part, stored_error

_NUMBERS_AT_ONCE = 2**20
"""Numbers of X that are compared together, to bound the memory it takes."""


@dataclass(frozen=True, eq=False)
class ColumnRanges:
    """The smallest and the largest value of each column in training.

    Parameters
    ----------
    low, high : ndarray of shape (n_features,)
        In X's units.
    spread : ndarray of shape (n_features,)
        How far each column spreads, in its units; 0 where it did not vary.
    gaps : ndarray of bool, of shape (n_features,)
        Which columns of numbers had missing values. NaN in another column, which is also what a
        category has that was never seen, lies infinitely far outside.
    """

    low: np.ndarray
    high: np.ndarray
    spread: np.ndarray
    gaps: np.ndarray

    @classmethod
    def fit(cls, X: Any, spread: np.ndarray, numbers: Sequence[int] | None = None) -> ColumnRanges:
        """Note the ranges of training rows, and which `numbers`, all unless given, had gaps."""
        gaps = np.zeros(X.shape[1], bool)
        if sparse.issparse(X):
            low, high = (end.toarray().ravel() for end in (X.min(axis=0), X.max(axis=0)))
            return cls(low.astype(float), high.astype(float), spread, gaps)
        low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
        numbers = list(range(X.shape[1]) if numbers is None else numbers)
        if may_have_gaps(X):
            gaps[numbers] = np.isnan(X[:, numbers]).any(axis=0)
        low, high = (np.nan_to_num(end.astype(float)) for end in (low, high))
        return cls(low, high, spread, gaps)

    @staticmethod
    def check(ranges: Any, name: str, n_features: int) -> None:
        """Raise a ValueError that names the field of stored ranges that is not legal."""
        check_part(ranges, ColumnRanges, name)
        for field in ("low", "high", "spread"):
            check_array(getattr(ranges, field), f"{name}.{field}", (n_features,))
        check_flags(ranges.gaps, f"{name}.gaps", (n_features,))
        if (ranges.low > ranges.high).any():
            raise stored_error(f"{name}.low", "at most `high`", "a column with a larger one")
        if (ranges.spread < 0).any():
            raise stored_error(f"{name}.spread", "non-negative", f"{ranges.spread.min()}")

    def joined(self, other: ColumnRanges) -> ColumnRanges:
        """Return the ranges of the rows of both."""
        return ColumnRanges(
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            np.maximum(self.spread, other.spread),
            self.gaps | other.gaps,
        )

    @property
    def length(self) -> np.ndarray:
        """Distance between the ends of each column's range, at most the largest float."""
        with np.errstate(over="ignore"):
            return np.minimum(self.high - self.low, np.finfo(float).max)

    def novelty(self, X: Any) -> np.ndarray:
        """Measure the largest distance of a column beyond its range, in units of its spread.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            0 where all columns lie inside, up to rounding; infinite where a column differs that did
            not vary.
        """
        return self._largest(X, self.spread)

    def share(self, X: Any) -> np.ndarray:
        """Measure the largest distance of a column beyond its range, in lengths of the range."""
        return self._largest(X, self.length)

    def shares(self, X: np.ndarray) -> np.ndarray:
        """Measure the distance of each column beyond its range, in lengths of the range."""
        return self._distances(X, slice(None), self.length)

    def _largest(self, X: Any, unit: np.ndarray) -> np.ndarray:
        if sparse.issparse(X):
            return self._largest_of_sparse(X, unit)
        low, high = (end.astype(X.dtype) for end in (self.low, self.high))
        largest = np.zeros(len(X))
        for block in gen_batches(len(X), max(1, _NUMBERS_AT_ONCE // max(1, X.shape[1]))):
            rows = X[block]
            is_inside = (rows >= low) & (rows <= high)
            if not is_inside.all():  # of few rows of most X
                far = np.flatnonzero(~is_inside.all(axis=1))
                of_far = self._distances(rows[far], slice(None), unit)
                largest[block.start + far] = of_far.max(axis=1)
        return largest

    def _largest_of_sparse(self, X: Any, unit: np.ndarray) -> np.ndarray:
        """Look at what is stored, and at all of the columns in which a zero lies outside."""
        stored = self._distances(X.data, X.indices, unit[X.indices])
        largest = np.zeros(X.shape[0])
        np.maximum.at(largest, np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)), stored)
        zero_is_far = np.flatnonzero((self.low > 0) | (self.high < 0))
        if zero_is_far.size:
            part = ColumnRanges(
                *(v[zero_is_far] for v in (self.low, self.high, self.spread, self.gaps))
            )
            size = max(1, _NUMBERS_AT_ONCE // zero_is_far.size)
            for block in gen_batches(X.shape[0], size):
                rows = X[block][:, zero_is_far].toarray()
                of_rows = part._largest(rows, unit[zero_is_far])
                largest[block] = np.maximum(largest[block], of_rows)
        return largest

    def _distances(self, x: np.ndarray, columns: Any, unit: np.ndarray) -> np.ndarray:
        """Measure how far values of these columns lie beyond the ranges; rounding counts as 0."""
        low, high, values = self.low[columns], self.high[columns], x.astype(float)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            distance = np.maximum(low - values, values - high)
            distance[distance <= rounding_of(np.maximum(-low, high), x.dtype)] = 0.0
            ratio = distance / unit
        ratio[distance == 0] = 0.0  # also over a unit of zero
        ratio[np.isinf(ratio) & (unit > 0)] = np.finfo(float).max
        is_missing = np.isnan(values)
        if is_missing.any():
            ratio[is_missing] = np.where(self.gaps, 0.0, np.inf)[columns][
                np.nonzero(is_missing)[-1]
            ]
        return ratio
