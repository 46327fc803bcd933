"""How good is a predicted distribution, now that y is known?

Each function gives a loss of each row (`per_row`), or their weighted mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._data.values import as_labels, as_numbers
from ..orders import kendall_tau
from ..predictive import (
    IndicatorPredictive,
    LabelPredictive,
    Predictive,
    PredictiveDistribution,
    VectorPredictive,
    encode_indicators,
    encode_labels,
)
from ._checks import as_fitted, check_kind, mean_over_outputs, summary


def negative_log_likelihood(
    y_true: ArrayLike,
    dist: Predictive,
    *,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Compute the negative log-likelihood of what was observed; lower is better.

    It is strictly proper: on average no distribution does better than the true one. It judges the
    whole distribution, far tails included, and is what training minimizes. For labels it is the
    log-loss. It compares only distributions of the same kind of y: densities change with y's
    units, by the logarithm of their ratio.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Predictions of any kind, as `predict_dist` gives them.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the loss of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        In nats; independent outputs are summed.

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
    dist: Predictive,
    *,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Compute how far the predicted distribution is from what was observed; lower is better.

    The score is the integral of (F(t) - [y <= t])**2 over all t, in y's units: for a point
    prediction it is the absolute error. It is strictly proper, and less sensitive to outliers than
    the likelihood. It judges each component of a vector alone; `energy_score` judges them together.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Predictions of numbers, or of vectors of them.
    sample_weight : array-like of shape (n_samples,), optional
    per_row : bool, default=False
        Whether to return the score of each row.

    Returns
    -------
    float or ndarray of shape (n_samples,)
        Averaged over the outputs.

    Notes
    -----
    The score has closed forms for many families; the others are integrated numerically, to about
    12 digits, those of ensembles with heavy tails to 8, and those of negative binomials with
    thousands of counts to 7.

    References
    ----------
    T. Gneiting and A. Raftery (2007). Strictly proper scoring rules, prediction, and estimation.
    doi:10.1198/016214506000001437
    """
    check_kind(dist, Predictive, "numbers")
    if not isinstance(dist, PredictiveDistribution | VectorPredictive):
        raise TypeError(
            "the continuous ranked probability score needs a y of numbers; for class labels and "
            "rankings use negative_log_likelihood (neg_nll_scorer)."
        )
    scores = mean_over_outputs(dist.crps(as_fitted(y_true, dist)))
    return summary(scores, sample_weight, per_row)


def energy_score(
    y_true: ArrayLike,
    dist: PredictiveDistribution | VectorPredictive,
    *,
    n_draws: int = 1000,
    random_state: Any = 0,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Compute the continuous ranked probability score of vectors; lower is better.

    The score is E|Y - y| - E|Y - Y'| / 2 with Euclidean distances and Y, Y' drawn from the
    predicted distribution; `n_draws` draws estimate it without bias. It is strictly proper and
    judges how components depend on each other, though not sharply. Components count by their units.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_outputs)
    dist : VectorPredictive or PredictiveDistribution
        Predictions of vectors, or of several independent outputs.
    n_draws : int, default=1000
        Draws from each row's distribution, at least 2.
    random_state : int, RandomState instance or None, default=0
        Seeds the draws.
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
    y = dist._align(as_fitted(y_true, dist))
    draws = dist.rvs(n_draws, random_state)
    if not isinstance(dist, VectorPredictive):
        draws = np.moveaxis(draws, -1, 1)  # (n_samples, n_draws, n_outputs)
    to_y = np.linalg.norm(draws - y[:, None], axis=-1).mean(axis=1)
    # Each draw and the next one, around the circle: independent pairs, in linear time.
    apart = np.linalg.norm(draws - np.roll(draws, 1, axis=1), axis=-1).mean(axis=1)
    return summary(to_y - apart / 2, sample_weight, per_row)


def brier_score(
    y_true: ArrayLike,
    dist: LabelPredictive | IndicatorPredictive,
    *,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Compute the squared distance of predicted probabilities from what was observed.

    The score is the sum over all labels of (p - [y is the label])**2, between 0 and 2; half of
    that is another convention for two labels. For several labels at once it is their mean of
    (p - y)**2. Lower is better; the score is strictly proper, and bounded: a label that was thought
    impossible costs no more than 2.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_classes)
        Labels, or 0 and 1 for several at once.
    dist : LabelPredictive or IndicatorPredictive
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
    observed = as_fitted(y_true, dist)
    if isinstance(dist, IndicatorPredictive):
        indicators = encode_indicators(observed, len(dist.classes), "y_true")
        scores = ((dist.probs - indicators) ** 2).mean(axis=1)
    else:
        scores = brier_of_labels(observed, dist.probs, dist.classes)
    return summary(scores, sample_weight, per_row)


def brier_of_labels(y_true: ArrayLike, probs: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Compute the Brier score of each row's one label by the probabilities of all `classes`."""
    places = encode_labels(np.ravel(as_labels(y_true, "y_true")), classes, "y_true")
    return ((probs - np.eye(len(classes))[places]) ** 2).sum(axis=1)


def kendall_tau_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> np.ndarray | float:
    """Compute Kendall's tau between observed and predicted rankings; higher is better.

    It is the share of pairs of items in the right order, less that in the wrong one.

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
    given = {"y_true": y_true, "y_pred": y_pred}
    tau = kendall_tau(*(as_numbers(orders, name).astype(float) for name, orders in given.items()))
    return summary(tau, sample_weight, per_row)
