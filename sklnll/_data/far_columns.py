"""Which columns of X are so large, or so small, that products with them leave the floats?"""

from typing import Any

import numpy as np
from scipy import sparse

from .x_units import InputScaling


def scaling_of_far_columns(X: Any) -> InputScaling | None:
    """Divide far columns by powers of two, which is exact; None where no column is far.

    Far is what lies beyond the fourth root of the largest float, or of the smallest: sums of
    squares, and of products with weights, are safe before. All other columns are left as they are.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        Columns of numbers, without gaps.
    """
    largest, limits = largest_magnitudes(X), np.finfo(X.dtype)
    near_one = (largest >= float(limits.tiny) ** 0.25) & (largest <= float(limits.max) ** 0.25)
    is_far = (largest > 0) & ~near_one
    if not is_far.any():
        return None
    unit = np.ones(len(largest))
    unit[is_far] = np.exp2(np.floor(np.log2(largest[is_far])))
    return InputScaling(np.zeros(len(largest)), unit)


def largest_magnitudes(X: Any) -> np.ndarray:
    """Return the largest magnitude of each column, in float64."""
    if sparse.issparse(X):
        return abs(X).max(axis=0).toarray().ravel().astype(float)
    return np.maximum(X.max(axis=0), -X.min(axis=0)).astype(float)


def farthest_column(X: Any) -> str:
    """Say which column of X is the farthest from one, and how far."""
    largest = largest_magnitudes(X)
    with np.errstate(divide="ignore"):
        distance = np.abs(np.log(largest))
    place = int(np.argmax(np.where(largest > 0, distance, -1)))
    return f"column {place} of X reaches {largest[place]:.3g}"
