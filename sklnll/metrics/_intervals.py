"""How good are the quantiles and central intervals of a predicted distribution?

Each function gives a value of each row (`per_row`), or their weighted mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..predictive import Predictive
from ._checks import as_fitted, mean_over_outputs, of_numbers, summary


def interval_score(
    y_true: ArrayLike,
    dist: Predictive,
    *,
    coverage: float = 0.9,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Compute the interval score (Winkler score) of the central interval; lower is better.

    The score is the width of the interval in y's units, and where y lies outside, also the distance
    to it times 2 / (1 - coverage). It is proper for the pair of quantiles: on average no interval
    of this coverage does better than the true one.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Predictions of numbers, or of vectors of them.
    coverage : float, default=0.9
        Probability that the interval promises to hold, between 0 and 1.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the score of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        Averaged over the outputs.

    References
    ----------
    R. L. Winkler (1972). A decision-theoretic approach to interval estimation.
    doi:10.1080/01621459.1972.10481224
    """
    numbers = of_numbers(dist)
    low, high = np.moveaxis(numbers.interval(coverage), -1, 0)
    y = numbers._align(as_fitted(y_true, dist))  # of angles, counted as the ends are
    outside = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    scores = mean_over_outputs(high - low + 2 / (1 - coverage) * outside)
    return summary(scores, sample_weight, per_row)


def interval_coverage(
    y_true: ArrayLike,
    dist: Predictive,
    *,
    coverage: float = 0.9,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Compute the share of y inside the central interval, ends included; `coverage` is right.

    For counts, whose intervals hold at least what they promise, more may be right. The share is no
    score: the marginal distribution of y has the right coverage, too. Watch it beside the width.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Predictions of numbers, or of vectors of them.
    coverage : float, default=0.9
        Probability that the interval promises to hold, between 0 and 1.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return 1 or 0 for each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        Averaged over the outputs.
    """
    inside = of_numbers(dist).contains(as_fitted(y_true, dist), coverage)
    return summary(mean_over_outputs(inside.astype(float)), sample_weight, per_row)


def interval_width(
    dist: Predictive,
    *,
    coverage: float = 0.9,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Compute the width of the central interval: how sharp predictions are.

    Of distributions with the right coverage, sharper ones are better.

    Parameters
    ----------
    dist : Predictive
        Predictions of numbers, or of vectors of them.
    coverage : float, default=0.9
        Probability that the interval promises to hold, between 0 and 1.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the width of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        In y's units, averaged over the outputs.
    """
    low, high = np.moveaxis(of_numbers(dist).interval(coverage), -1, 0)
    return summary(mean_over_outputs(high - low), sample_weight, per_row)


def pinball_loss(
    y_true: ArrayLike,
    dist: Predictive,
    *,
    level: float = 0.5,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Compute the pinball loss of one predicted quantile; lower is better.

    The loss is level * (y - q) above the quantile q, and (1 - level) * (q - y) below it, in y's
    units. It is proper for that quantile, and half the absolute error for the median.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Predictions of numbers, or of vectors of them.
    level : float, default=0.5
        Level of the quantile, between 0 and 1.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the loss of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        Averaged over the outputs.

    References
    ----------
    R. Koenker and G. Bassett (1978). Regression quantiles. doi:10.2307/1913643
    """
    numbers = of_numbers(dist)
    away = numbers._align(as_fitted(y_true, dist)) - numbers.ppf(level)
    losses = mean_over_outputs(np.maximum(level * away, (level - 1) * away))
    return summary(losses, sample_weight, per_row)
