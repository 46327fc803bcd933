"""In which units does the network see x?"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches

from .._numerics.statistics import weighted_mean_std, weighted_quantiles
from .stored import check_array, check_number, check_part

_BOUND = 3.0
"""Where robustly scaled columns level off: few values of a normal column lie beyond."""
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
        In X's units.
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
            Median and interquartile range, bounded; or mean and standard deviation. Columns of a
            sparse X are divided by their largest magnitude and not shifted: zeros stay zeros, and
            what is rare is not blown up.
        """
        robust = kind == "robust"
        if sparse.issparse(X):
            center = np.zeros(X.shape[1])
            spread = abs(X).max(axis=0).toarray().ravel().astype(float)
        else:
            locate = _median_and_range if robust else weighted_mean_std
            columns = np.array([locate(column.astype(float), weight) for column in X.T])
            center, spread = columns.reshape(-1, 2).T
        unit = np.where(spread > 0, spread, np.inf)  # what did not vary has taught nothing
        return cls(center, unit, _BOUND if robust else np.inf)

    @staticmethod
    def check(scaling: Any, name: str, n_features: int) -> None:
        """Raise a ValueError that names the field of a stored scaling that is not legal."""
        check_part(scaling, InputScaling, name)
        check_array(scaling.center, f"{name}.center", (n_features,))
        # What did not vary is measured in an infinite unit.
        check_array(scaling.unit, f"{name}.unit", (n_features,), positive=True, infinite=True)
        check_number(scaling.bound, f"{name}.bound", lambda bound: bound > 0, "positive")

    def with_finite_units(self) -> Self:
        """Give columns that did not vary their own units, instead of none at all."""
        return replace(self, unit=np.where(np.isfinite(self.unit), self.unit, 1.0))

    @property
    def keeps_zeros(self) -> bool:
        """Whether zero is scaled to zero."""
        return not self.center.any()

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
        if np.isfinite(self.bound):
            np.clip(z, -_FARTHEST, _FARTHEST, out=z)
            z /= np.sqrt(1 + np.square(z / self.bound))
        return z


def _median_and_range(x: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return median and interquartile range; where that is zero, half the whole range."""
    low, center, high = weighted_quantiles(x, weight, (0.25, 0.5, 0.75))
    with np.errstate(over="ignore"):
        spread = high - low or x.max() / 2 - x.min() / 2
    return center, min(spread, float(np.finfo(float).max))
