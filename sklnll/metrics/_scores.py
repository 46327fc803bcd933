"""How good is a predicted distribution, now that y is known?

Each function gives a loss of each row (`per_row`), or their weighted mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_consistent_length

from .._data.checks import check_weight
from ..orders import kendall_tau
from ..predictive import (
    IndicatorPredictive,
    LabelPredictive,
    PredictiveDistribution,
    VectorPredictive,
    encode_indicators,
    encode_labels,
)
from ..predictive._base import Predictive


def summary(
    values: np.ndarray, sample_weight: ArrayLike | None, per_row: bool
) -> np.ndarray | float:
    """The values of all rows, or their weighted mean."""
    if per_row:
        return values
    return float(np.average(values, weights=check_weight(sample_weight, values)))


def check_kind(dist: Any, kinds: type | tuple[type, ...], what: str) -> None:
    """Raise a TypeError where `dist` is no prediction of the kind that a metric is for."""
    if not isinstance(dist, kinds):
        raise TypeError(
            f"expected a predicted distribution of {what}, as predict_dist(X) gives it; got "
            f"{type(dist).__name__}."
        )


def negative_log_likelihood(
    y_true: ArrayLike,
    dist: Any,
    *,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Negative log-likelihood of what was observed, in nats; lower is better.

    Strictly proper: on average no distribution does better than the true one. It judges the whole
    distribution, far tails included, and is what training minimizes. For labels it is the log-loss.
    Only distributions of the same kind of y compare: densities change with y's units, by the
    logarithm of their ratio.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Of any kind, as `predict_dist` gives it.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the loss of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        Independent outputs are summed.

    References
    ----------
    I. J. Good (1952). Rational decisions. doi:10.1111/j.2517-6161.1952.tb00104.x

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.distributions import Normal
    >>> from sklnll.metrics import negative_log_likelihood
    >>> from sklnll.predictive import ContinuousPredictive
    >>> dist = ContinuousPredictive(Normal(), {"loc": np.zeros(2), "scale": np.ones(2)})
    >>> round(negative_log_likelihood([0.0, 1.0], dist), 3)
    1.169
    """
    check_kind(dist, Predictive, "any y")
    return summary(-dist.log_prob(as_fitted(y_true, dist)), sample_weight, per_row)


def continuous_ranked_probability_score(
    y_true: ArrayLike,
    dist: Any,
    *,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Distance between the predicted distribution and what was observed; lower is better.

    The integral of (F(t) - [y <= t])**2 over all t, in y's units: of a point prediction it is the
    absolute error. Strictly proper, and less sensitive to outliers than the likelihood. Of vectors
    it judges each component alone; `energy_score` judges them together.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Of numbers, or of vectors of them.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the score of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        Mean over outputs.

    Notes
    -----
    Closed forms, where they are known, and quadrature otherwise, to about 12 digits; for ensembles
    of heavy tails to 8, of negative binomials with thousands of counts to 7.

    References
    ----------
    T. Gneiting and A. Raftery (2007). Strictly proper scoring rules, prediction, and estimation.
    doi:10.1198/016214506000001437
    """
    check_kind(dist, Predictive, "numbers")
    if not hasattr(dist, "crps"):
        raise TypeError(
            "the continuous ranked probability score needs a y of numbers; for class labels and "
            "rankings use negative_log_likelihood (neg_nll_scorer)."
        )
    scores = mean_over_outputs(dist.crps(as_fitted(y_true, dist)))
    return summary(scores, sample_weight, per_row)


def energy_score(
    y_true: ArrayLike,
    dist: Any,
    *,
    n_draws: int = 1000,
    random_state: Any = 0,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """The continuous ranked probability score of vectors; lower is better.

    E|Y - y| - E|Y - Y'| / 2 with Euclidean distances and Y, Y' drawn from the predicted
    distribution, here by `n_draws` draws of it: an unbiased estimate. Strictly proper; it judges
    how components depend on each other, though not sharply. Components count by their units.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_outputs)
    dist : Predictive
        Of vectors, or of several independent outputs.
    n_draws : int, default=1000
        At least 2.
    random_state : int, RandomState instance or None, default=0
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the score of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)

    References
    ----------
    T. Gneiting and A. Raftery (2007). Strictly proper scoring rules, prediction, and estimation,
    section 4.2. doi:10.1198/016214506000001437
    """
    check_kind(dist, (VectorPredictive, PredictiveDistribution), "vectors, or several outputs")
    if n_draws < 2 or len(dist.shape) == 1:
        raise ValueError(
            f"energy_score needs several outputs and two draws or more; got shape {dist.shape} and "
            f"n_draws={n_draws}. Of one output it is the continuous ranked probability score."
        )
    y = check_array(y_true, dtype=float, input_name="y_true")
    draws = dist.rvs(n_draws, random_state)
    if not isinstance(dist, VectorPredictive):
        draws = np.moveaxis(draws, -1, 1)  # (n_samples, n_draws, n_outputs)
    to_y = np.linalg.norm(draws - y[:, None], axis=-1).mean(axis=1)
    # Each draw and the next one, around the circle: independent pairs, in linear time.
    apart = np.linalg.norm(draws - np.roll(draws, 1, axis=1), axis=-1).mean(axis=1)
    return summary(to_y - apart / 2, sample_weight, per_row)


def interval_score(
    y_true: ArrayLike,
    dist: Any,
    *,
    coverage: float = 0.9,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Interval score (Winkler score) of the central interval, in y's units; lower is better.

    The width of the interval, and where y lies outside, the distance to it times
    2 / (1 - coverage). Proper for the pair of quantiles: on average no interval of this coverage
    does better than the true one.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Of numbers, or of vectors of them.
    coverage : float, default=0.9
        Probability that the interval holds, between 0 and 1.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the score of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        Mean over outputs.

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
    dist: Any,
    *,
    coverage: float = 0.9,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Share of y inside the central interval, ends included; right is `coverage`.

    For counts, whose intervals hold at least what they promise, right may be above. No score:
    the marginal distribution of y has the right coverage, too. Watch it beside the width.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Of numbers, or of vectors of them.
    coverage : float, default=0.9
        Probability that the interval holds, between 0 and 1.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return 1 or 0 for each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        Mean over outputs.
    """
    inside = of_numbers(dist).contains(as_fitted(y_true, dist), coverage)
    return summary(mean_over_outputs(inside.astype(float)), sample_weight, per_row)


def interval_width(
    dist: Any,
    *,
    coverage: float = 0.9,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Width of the central interval, in y's units: how sharp predictions are.

    Of distributions with the right coverage, sharper ones are better.

    Parameters
    ----------
    dist : Predictive
        Of numbers, or of vectors of them.
    coverage : float, default=0.9
        Probability that the interval holds, between 0 and 1.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the width of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        Mean over outputs.
    """
    low, high = np.moveaxis(of_numbers(dist).interval(coverage), -1, 0)
    return summary(mean_over_outputs(high - low), sample_weight, per_row)


def pinball_loss(
    y_true: ArrayLike,
    dist: Any,
    *,
    level: float = 0.5,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Pinball loss of one predicted quantile, in y's units; lower is better.

    level * (y - q) above the quantile q, (1 - level) * (q - y) below. Proper for that quantile;
    half the absolute error for the median.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Of numbers, or of vectors of them.
    level : float, default=0.5
        Between 0 and 1.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the loss of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        Mean over outputs.

    References
    ----------
    R. Koenker and G. Bassett (1978). Regression quantiles. doi:10.2307/1913643
    """
    numbers = of_numbers(dist)
    away = numbers._align(as_fitted(y_true, dist)) - numbers.ppf(level)
    losses = mean_over_outputs(np.maximum(level * away, (level - 1) * away))
    return summary(losses, sample_weight, per_row)


def brier_score(
    y_true: ArrayLike,
    dist: LabelPredictive | IndicatorPredictive,
    *,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Squared distance between predicted probabilities and what was observed; lower is better.

    The sum over all labels of (p - [y is the label])**2, between 0 and 2; half of that is another
    convention for two labels. For several labels at once their mean of (p - y)**2. Strictly
    proper, and bounded: a label that was thought impossible costs no more than 2.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_classes)
        Labels, or 0 and 1 for several at once.
    dist : Predictive
        Of labels.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the score of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)

    References
    ----------
    G. W. Brier (1950). Verification of forecasts expressed in terms of probability.
    """
    check_kind(dist, (LabelPredictive, IndicatorPredictive), "labels")
    check_consistent_length(y_true, dist.probs)
    if isinstance(dist, IndicatorPredictive):
        indicators = encode_indicators(np.asarray(y_true), len(dist.classes), "y_true")
        scores = ((dist.probs - indicators) ** 2).mean(axis=1)
    else:
        places = encode_labels(np.asarray(y_true), dist.classes, "y_true")
        scores = ((dist.probs - np.eye(len(dist.classes))[places]) ** 2).sum(axis=1)
    return summary(scores, sample_weight, per_row)


def kendall_tau_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Kendall's tau between observed and predicted rankings; higher is better.

    The share of pairs of items in the right order, less that in the wrong one.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_items)
        Orders, best item first; partial ones end in -1, and decide the pairs of two listed items,
        and those of a listed and an unlisted one.
    y_pred : array-like of shape (n_samples, n_items)
        Full orders.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the score of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        1 where all decided pairs are in the right order, -1 where none is.

    References
    ----------
    M. G. Kendall (1938). A new measure of rank correlation. doi:10.1093/biomet/30.1-2.81
    """
    tau = kendall_tau(np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float))
    return summary(tau, sample_weight, per_row)


def mean_over_outputs(values: np.ndarray) -> np.ndarray:
    """One number for each row."""
    return values if values.ndim == 1 else values.mean(axis=1)


def as_fitted(y: ArrayLike, dist: Any) -> Any:
    """A single column as `fit` takes it: to distributions it would be a grid against all rows."""
    array = np.asarray(y)
    if array.dtype.kind == "f" and np.isnan(array).any():
        row = int(np.argwhere(np.isnan(array))[0][0])
        raise ValueError(f"y_true contains NaN, at row {row}; leave such rows out.")
    is_column = array.ndim == 2 and array.shape[1] == 1 and not dist.distribution.event_ndim
    return array[:, 0] if is_column else array


def of_numbers(dist: Any) -> Any:
    """Distributions with central intervals; of vectors those of their components."""
    check_kind(dist, Predictive, "numbers")
    if isinstance(dist, VectorPredictive):
        return dist.marginals
    if not hasattr(dist, "contains"):
        raise TypeError(
            "central intervals need a y of numbers; for class labels and rankings use "
            "negative_log_likelihood (neg_nll_scorer)."
        )
    return dist
