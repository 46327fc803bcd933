"""In which units does the network see x?"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches

from .._numerics.statistics import (
    rounding_of,
    weighted_mean_std,
    weighted_median,
    weighted_quantiles,
)
from .stored import check_array, check_number, check_part

_BOUND = 6.0
"""Where robustly scaled columns level off: few values of a normal column lie beyond its half."""
_QUARTILES = 1.349
"""The distance between the quartiles of a normal column, in standard deviations."""
_FAR, _MANY = 3.0, 0.25
"""Distance from the center, in units, and share of the rows beyond it, at which units widen."""
_MOST_STD = 2.0
"""Standard deviation, in units of what the quartiles say of it, beyond which tails are long."""
_LEAST_OF_TWO = 5
"""Rows from which on a column of two values is one of a thing that is there or not."""
_ROWS_AT_ONCE = 10_000
"""Scaled together, to bound the memory it takes."""
_FARTHEST = 1e6
"""Clipped to this before it is bounded, so that no square overflows."""


@dataclass(frozen=True)
class InputScaling:
    """The map from X's units to those in which the network trains: z = (x - center) / unit.

    With a finite bound, outliers are drawn in smoothly: z / sqrt(1 + (z / bound)**2).

    Parameters
    ----------
    center, unit : ndarray of shape (n_features,)
        In X's units. The unit of a column that did not vary is infinite: it is scaled to zero.
    bound : float
        Largest value that a scaled column reaches; inf for none.

    References
    ----------
    D. Holzmueller, L. Grinsztajn and I. Steinwart (2024). Better by default: strong pre-tuned MLPs
    and boosted trees on tabular data. arXiv:2407.04491
    """

    center: np.ndarray
    unit: np.ndarray
    bound: float = np.inf

    @classmethod
    def fit(cls, X: Any, weight: np.ndarray, kind: str) -> Self:
        """Choose center and unit of each column.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
        weight : ndarray of shape (n_samples,)
            Positive.
        kind : {"robust", "standard"}
            Mean and standard deviation, or median and quartiles where outliers or long tails make
            up most of the deviation, bounded; or mean and standard deviation as they are.
            Columns of a sparse X are divided by their largest magnitude and not shifted: zeros stay
            zeros, and what is rare is not blown up.
        """
        center, spread = centers_and_spreads(X, weight, kind)
        unit = np.where(spread > 0, spread, np.inf)  # what did not vary has taught nothing
        return cls(center, unit, _BOUND if kind == "robust" else np.inf)

    @staticmethod
    def check(scaling: Any, name: str, n_features: int) -> None:
        """Raise a ValueError that names the field of a stored scaling that is not legal."""
        check_part(scaling, InputScaling, name)
        check_array(scaling.center, f"{name}.center", (n_features,))
        # What did not vary is measured in an infinite unit.
        check_array(scaling.unit, f"{name}.unit", (n_features,), positive=True, infinite=True)
        check_number(scaling.bound, f"{name}.bound", lambda bound: bound > 0, "positive")

    @property
    def is_bounded(self) -> bool:
        """Whether no row of X is seen far outside of the others."""
        return bool(np.isfinite(self.bound))

    @property
    def keeps_zeros(self) -> bool:
        """Whether zero is scaled to zero."""
        return not self.center.any()

    def widened(self, X: Any, weight: np.ndarray) -> Self:
        """Return units for rows that spread farther than the first ones did.

        Units are those of all rows in columns of which a quarter of the rows lies beyond three
        units, and in columns that vary for the first time; all others stay.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
        weight : ndarray of shape (n_samples,)
        """
        columns = np.flatnonzero(self._are_wider(X, weight))
        center, spread = centers_and_spreads(X[:, columns], weight, "robust")
        has_unit = np.isfinite(self.unit[columns])
        widens = spread > np.where(has_unit, self.unit[columns] / 2, 0.0)
        if not widens.any():
            return self
        columns, center, spread, has_unit = (v[widens] for v in (columns, center, spread, has_unit))
        centers, units = self.center.copy(), self.unit.copy()
        centers[columns] = center
        units[columns] = np.where(has_unit, np.maximum(spread, units[columns]), spread)
        return replace(self, center=centers, unit=units)

    def _are_wider(self, X: Any, weight: np.ndarray) -> np.ndarray:
        """Tell which columns need other units; shape (n_features,)."""
        if sparse.issparse(X):
            spread = centers_and_spreads(X, weight, "robust")[1]
            return np.where(np.isfinite(self.unit), spread > _FAR * self.unit, spread > 0)
        far, varies = np.zeros(X.shape[1]), np.zeros(X.shape[1], bool)
        for block in gen_batches(len(X), _ROWS_AT_ONCE):
            with np.errstate(over="ignore"):
                far += weight[block] @ (np.abs(X[block] - self.center) > _FAR * self.unit)
            varies |= (X[block] != X[:1]).any(axis=0)
        return np.where(np.isfinite(self.unit), far > _MANY * weight.sum(), varies)

    def of_sparse(self, X: Any) -> Any:
        """Scale sparse rows in CSR format, where zeros stay zeros; return a copy."""
        unit = self.unit.astype(X.dtype)[X.indices]
        scaled = X.copy()
        scaled.data = self._bounded(X.data / unit)
        return scaled

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Scale rows; return a copy in X's dtype."""
        z = np.empty(X.shape, X.dtype)
        for block in gen_batches(len(X), _ROWS_AT_ONCE):
            z[block] = self._scaled(X[block])
        return z

    def _scaled(self, X: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            z = (X - self.center.astype(X.dtype)) / self.unit.astype(X.dtype)
        return self._bounded(z)

    def _bounded(self, z: np.ndarray) -> np.ndarray:
        if self.is_bounded:
            np.clip(z, -_FARTHEST, _FARTHEST, out=z)
            z /= np.sqrt(1 + np.square(z / self.bound))
        return z


def centers_and_spreads(X: Any, weight: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Measure where each column lies and how far it spreads, which is 0 where it does not vary.

    The parameters are those of `InputScaling.fit`.
    """
    if sparse.issparse(X):
        return np.zeros(X.shape[1]), abs(X).max(axis=0).toarray().ravel().astype(float)
    locate = _robust_center_and_spread if kind == "robust" else weighted_mean_std
    columns = [_located(locate, column.astype(float), weight, X.dtype) for column in X.T]
    center, spread = np.array(columns).reshape(-1, 2).T
    return center, spread


def has_two_values(x: np.ndarray) -> bool:
    """Tell whether what is known of a column has two values; of a few rows nothing is told."""
    low, high = np.fmin.reduce(x), np.fmax.reduce(x)
    if not low < high:
        return False
    is_low, is_high = x == low, x == high
    n_known = np.count_nonzero(is_low) + np.count_nonzero(is_high)
    n_others = len(x) - n_known - np.count_nonzero(np.isnan(x))
    return bool(n_known >= _LEAST_OF_TWO and n_others == 0)


def _located(
    locate: Callable[..., tuple[float, float]], x: np.ndarray, weight: np.ndarray, dtype: np.dtype
) -> tuple[float, float]:
    """Measure a column by its known values; where there are none, it does not vary."""
    known = ~np.isnan(x)
    if not known.all():
        x, weight = x[known], weight[known]
    return locate(x, weight, dtype) if len(x) else (0.0, 0.0)


def _robust_center_and_spread(
    x: np.ndarray, weight: np.ndarray, dtype: np.dtype | type
) -> tuple[float, float]:
    """Return mean and standard deviation, or what outliers and long tails do not change.

    Where the standard deviation is more than twice what the quartiles of a normal column say, it
    is that of a few rows, and median and quartiles take its place. Where half of the values are
    equal up to rounding, the spread is the median distance of the others, in which their share has
    no say: a column of 0 and rare 1 keeps its unit, and no outlier rules over a column of zeros.
    Two values become 0 and 1, however rare one of them is.
    """
    if has_two_values(x):
        return float(x.min()), float(min(x.max() - x.min(), np.finfo(float).max))
    mean, std = weighted_mean_std(x, weight, dtype)
    low, median, high = weighted_quantiles(x, weight, (0.25, 0.5, 0.75))
    rounding = rounding_of(median, dtype)
    with np.errstate(over="ignore"):
        spread = (high - low) / _QUARTILES
        distance = np.abs(x - median)
    if spread > rounding:
        return (mean, std) if std <= _MOST_STD * spread else (median, spread)
    differs = distance > rounding
    spread = weighted_median(distance[differs], weight[differs]) if differs.any() else 0.0
    return median, min(spread, float(np.finfo(float).max))
