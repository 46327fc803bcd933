"""Which predictions and which y can a metric judge, and how are its rows summed up?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length

from .._data.checks import check_weight
from .._data.values import as_labels
from ..predictive import Predictive, PredictiveDistribution, VectorPredictive
from ..predictive.reading import values_of
from ..predictive.several_labels import SeveralLabelsPredictive, beside_each_other
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
    return as_labels(y, name)


def as_fitted(y: ArrayLike, dist: Predictive, name: str = "y_true") -> np.ndarray:
    """Read `y` as `fit` does, a single column as a vector; it must have a row for each of `dist`.

    Distributions themselves take a number for all rows, too.
    """
    if isinstance(dist, SeveralLabelsPredictive):
        return beside_each_other(dist.columns_of_y(y, name))
    array = check_known(values_of(y, dist.distribution, name), name)
    if not array.ndim:
        raise ValueError(
            f"{name} must have {len(dist)} rows, like the predictions; got the one {array}."
        )
    check_consistent_length(array, next(iter(dist.params.values())))
    shape = getattr(dist, "shape", None)  # of numbers and vectors
    if array.shape == shape:
        return array
    array = array[:, 0] if is_one_column(dist.distribution, array) else array
    knows_intervals = dist.distribution.exact is not dist.distribution
    if shape is not None and array.shape != shape and not knows_intervals:
        raise ValueError(
            f"{name} must have shape {shape}, like the predictions; got shape {array.shape}."
        )
    return array


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
