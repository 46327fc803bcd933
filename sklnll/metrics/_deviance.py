"""How much more is known of y with x than without it?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._data.checks import check_weight
from ..predictive import LabelPredictive, Predictive
from ._checks import as_fitted
from ._information import entropy
from ._marginal import fit_marginal
from ._scores import negative_log_likelihood


def d2_score(
    y_true: ArrayLike,
    dist: Predictive,
    dist_null: Predictive | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    exposure: ArrayLike | None = None,
) -> float:
    """Compute D², the share of the deviance explained against the marginal fit; higher is better.

    D² is R² for any y: numbers, counts, vectors, angles, labels, rankings. 1 is the best, 0 is as
    good as the distribution of y without x, worse ones are negative.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Predictions of any kind, as `predict_dist` gives them.
    dist_null : Predictive, optional
        What they are compared with; by default ``fit_marginal(y_true, dist)``, the same family
        fitted to the y that are scored, as scikit-learn's D² scores take the mean of them. To
        compare families, give all of them the same one.
    sample_weight : array-like of shape (n_samples,), optional
    exposure : array-like of shape (n_samples,), optional
        As it was given to `predict_dist`; the marginal fit uses it.

    Returns
    -------
    float
        At most 1. For equal `y_true` it is 1 where the prediction is as good as the marginal fit,
        else 0, as in scikit-learn.

    See Also
    --------
    fit_marginal : The null model; two calls of `negative_log_likelihood` with ``per_row=True``
        tell which rows gain by how much.
    sklearn.metrics.d2_log_loss_score : Another D², for labels alone.

    Notes
    -----
    With the mean negative log-likelihoods NLL of the prediction, NLL_null of the marginal fit, and
    NLL_best of a prediction that is certain of what was observed::

        D² = (1 - exp(-2 * (NLL_null - NLL))) / (1 - exp(-2 * (NLL_null - NLL_best)))

    2 * (NLL_null - NLL) is the deviance explained, per row. 1 - exp(-deviance) makes a share of
    it: for a normal distribution with one scale for all rows, fitted to the rows that are scored,
    it is R², because the likelihood ratio is a power of the ratio of the squared errors; for any
    other family it is the R² of a normal one that would know as much (Cox and Snell; Kent). Where
    y has probabilities (labels, counts, rankings), NLL_best is 0 (of soft targets their entropy),
    and the division, by Nagelkerke, lets the best be 1. A density has no upper end: NLL_best is
    -infinity and nothing is divided.

    The usual share 1 - deviance / deviance_null, of scikit-learn's D² scores, needs the deviance
    from a saturated model, one that fits each row as well as its family can. Where a scale is
    predicted, too, that is infinite. And 1 - NLL / NLL_null, which it is for labels (McFadden),
    means nothing for densities: it changes with y's units, by which NLL / NLL_null may have any
    sign. D² does not. It orders predictions of the same rows as the likelihood does, and is as
    proper, given `dist_null`. It is no mean of rows.

    References
    ----------
    D. R. Cox and E. J. Snell (1989). Analysis of Binary Data, second edition, pages 208-209.

    J. T. Kent (1983). Information gain and a general measure of correlation.
    doi:10.1093/biomet/70.1.163

    N. J. D. Nagelkerke (1991). A note on a general definition of the coefficient of determination.
    doi:10.1093/biomet/78.3.691

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklnll import NLLRegressor
    >>> from sklnll.distributions import Normal
    >>> from sklnll.metrics import d2_score
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = NLLRegressor(Normal(scale="constant"), (), solver="lbfgs", alpha=0).fit(X, y)
    >>> round(d2_score(y, net.predict_dist(X)), 3), round(net.score(X, y), 3)
    (0.518, 0.518)
    """
    given: dict[str, Any] = {"sample_weight": sample_weight}
    if dist_null is None:
        dist_null = fit_marginal(y_true, dist, exposure=exposure, **given)
    loss, null = (negative_log_likelihood(y_true, d, **given) for d in (dist, dist_null))
    y = as_fitted(y_true, dist)
    weight = check_weight(sample_weight, y)
    seen = y[weight > 0]
    if (seen == seen[0]).all():
        return float(loss <= null)
    with np.errstate(over="ignore"):
        least = _least_loss(y, dist, weight)
        explained, most = (np.expm1(2 * (value - null)) for value in (loss, least))
    return float(explained / most)


def _least_loss(y: np.ndarray, dist: Predictive, weight: np.ndarray) -> float:
    """Compute the mean loss of a prediction that is certain of what was observed."""
    if isinstance(dist, LabelPredictive):
        return np.average(entropy(y), weights=weight) if y.ndim == 2 else 0.0
    family = dist.distribution
    family = family.exact if y.ndim == 1 else family  # of intervals that hold y, those are two
    return -np.inf if family.is_density(y[weight > 0]).any() else 0.0
