"""Do predicted distributions promise what they keep?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._data.checks import check_weight
from ..predictive import LabelPredictive, Predictive, encode_labels
from ._checks import as_fitted, check_kind, of_numbers

_LEVELS = tuple(np.linspace(0.05, 0.95, 19).round(2))


def probability_integral_transform(
    y_true: ArrayLike, dist: Predictive, *, random_state: Any = 0
) -> np.ndarray:
    """Compute the predicted probability of values up to y.

    It is uniform on (0, 1) where predictions are right. Where y has a probability of its own, as
    for counts, it is drawn uniformly between the probabilities of less than y and of at most y.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Predictions of numbers, or of vectors of them.
    random_state : int, RandomState instance or None, default=0
        Seeds these draws.

    Returns
    -------
    ndarray of the shape of y

    References
    ----------
    C. Czado, T. Gneiting and L. Held (2009). Predictive model assessment for count data.
    doi:10.1111/j.1541-0420.2009.01191.x
    """
    return of_numbers(dist).pit(as_fitted(y_true, dist), random_state)


def quantile_calibration_error(
    y_true: ArrayLike,
    dist: Predictive,
    *,
    levels: ArrayLike = _LEVELS,
    sample_weight: ArrayLike | None = None,
    random_state: Any = 0,
) -> float:
    """Compute the mean distance between the levels of quantiles and the shares of y below them.

    0 is the best that can be. The error is no score: the marginal distribution of y has 0, too, and
    the right distributions miss it by about 0.3 / sqrt(n_samples).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Predictions of numbers, or of vectors of them.
    levels : array-like of shape (k,), default=(0.05, 0.1, ..., 0.95)
        Levels of the quantiles, between 0 and 1.
    sample_weight : array-like of shape (n_samples,), optional
    random_state : int, RandomState instance or None, default=0
        Seeds the draws of `probability_integral_transform` for counts.

    Returns
    -------
    float
        Between 0 and 1; averaged over the outputs.

    References
    ----------
    V. Kuleshov, N. Fenner and S. Ermon (2018). Accurate uncertainties for deep learning using
    calibrated regression. arXiv:1807.00263
    """
    pit = probability_integral_transform(y_true, dist, random_state=random_state)
    level = np.asarray(levels, dtype=float)
    if not ((level > 0) & (level < 1)).all():
        raise ValueError(f"levels must lie between 0 and 1; got {level}.")
    below = pit.reshape(len(pit), -1, 1) <= level
    share = np.average(below, axis=0, weights=check_weight(sample_weight, pit))
    return float(np.abs(share - level).mean())


def expected_calibration_error(
    y_true: ArrayLike,
    dist: LabelPredictive,
    *,
    n_bins: int = 10,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute the mean distance between how sure predicted labels are and how often right.

    Rows are grouped by the largest of their probabilities, in bins of equal width; in each bin the
    mean of it is compared with the share of rows whose most probable label was observed.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Observed labels.
    dist : LabelPredictive
    n_bins : int, default=10
        Number of bins; the value depends on it, and grows with it where rows are few.
    sample_weight : array-like of shape (n_samples,), optional

    Returns
    -------
    float
        Between 0 and 1; 0 is the best. It is no score: constant shares of the labels have 0, too.

    References
    ----------
    C. Guo et al. (2017). On calibration of modern neural networks. arXiv:1706.04599
    """
    check_kind(dist, LabelPredictive, "one label a row")
    if n_bins < 1:
        raise ValueError(f"n_bins must be 1 or more; got {n_bins}.")
    places = encode_labels(as_fitted(y_true, dist), dist.classes, "y_true")
    sure = dist.probs.max(axis=1)
    right = dist.probs.argmax(axis=1) == places
    weight = check_weight(sample_weight, sure)
    # The upper end of a bin belongs to it.
    bins = np.clip(np.ceil(sure * n_bins).astype(int) - 1, 0, n_bins - 1)
    excess = np.bincount(bins, weights=weight * (sure - right), minlength=n_bins)
    return float(np.abs(excess).sum() / weight.sum())
