"""Which predictions and which y can a metric judge, and how are its rows summed up?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._data.checks import check_weight
from ..predictive import Predictive, PredictiveDistribution, VectorPredictive
from ..predictive.targets import is_one_column


def check_kind(dist: object, kinds: type | tuple[type, ...], what: str) -> None:
    """Raise a TypeError where `dist` is no prediction of the kind that a metric is for."""
    if not isinstance(dist, kinds):
        raise TypeError(
            f"expected a predicted distribution of {what}, as predict_dist(X) gives it; got "
            f"{type(dist).__name__}."
        )


def of_numbers(dist: Predictive) -> PredictiveDistribution:
    """Return distributions that have central intervals; for vectors those of the components."""
    check_kind(dist, Predictive, "numbers")
    if isinstance(dist, VectorPredictive):
        return dist.marginals
    if not isinstance(dist, PredictiveDistribution):
        raise TypeError(
            "central intervals need a y of numbers; for class labels and rankings use "
            "negative_log_likelihood (neg_nll_scorer)."
        )
    return dist


def check_known(y: ArrayLike, name: str = "y_true") -> np.ndarray:
    """Return `y` as an array; raise a ValueError that calls it `name` where a value is missing."""
    values = np.asarray(y)
    if values.dtype.kind == "f" and np.isnan(values).any():
        row = np.argwhere(np.isnan(values))[0, 0]
        raise ValueError(
            f"{name} must not be missing; found NaN at row {row}. Leave such rows out."
        )
    return values


def as_fitted(y: ArrayLike, dist: Predictive) -> np.ndarray:
    """Take a single column as `fit` does: distributions would see a grid against all rows."""
    array = check_known(y)
    return array[:, 0] if is_one_column(dist.distribution, array) else array


def mean_over_outputs(values: np.ndarray) -> np.ndarray:
    """Average over the outputs, where there are several, so that each row has one number."""
    return values if values.ndim == 1 else values.mean(axis=1)


def summary(
    values: np.ndarray, sample_weight: ArrayLike | None, per_row: bool
) -> np.ndarray | float:
    """Return the values of all rows, or their weighted mean."""
    if per_row:
        return values
    return float(np.average(values, weights=check_weight(sample_weight, values)))
