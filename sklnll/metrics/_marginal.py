"""Which distribution fits y best where nothing is known of x?"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._data.checks import check_exposure, check_weight
from .._data.y_units import TargetScaling
from .._network.head import Head
from .._network.marginal import MarginalFit
from ..distributions import Distribution
from ..predictive import SeveralLabelsPredictive, TransformedPredictive
from ..predictive._base import Predictive
from ..predictive.averages import base_of
from ..predictive.targets import Target, target_of
from ._checks import as_fitted, check_kind


def fit_marginal(
    y_true: ArrayLike,
    dist: Any,
    *,
    sample_weight: ArrayLike | None = None,
    exposure: ArrayLike | None = None,
) -> Any:
    """Fit the family of a prediction to y itself, without x: the null model.

    Parameters of the family that are fixed to a number stay so, all others are those of the
    largest likelihood, the same for all rows. What a metric says of it is what a prediction must
    beat: its skill is one minus the ratio of the two.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
    dist : Predictive
        Of any kind, as `predict_dist` gives it; for an ensemble the family of its members counts.
    sample_weight : array-like of shape (n_samples,), optional
    exposure : array-like of shape (n_samples,), optional
        As it was given to `predict_dist`: a marginal rate is that of one unit of it.

    Returns
    -------
    Predictive
        Of the same kind and for as many rows as `dist`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.distributions import Normal
    >>> from sklnll.metrics import continuous_ranked_probability_score as crps, fit_marginal
    >>> from sklnll.predictive import ContinuousPredictive
    >>> y = np.array([1.0, 2.0, 3.0, 6.0])
    >>> dist = ContinuousPredictive(Normal(), {"loc": y + 0.1, "scale": np.ones(4)})
    >>> null = fit_marginal(y, dist)
    >>> null.mean()
    array([3., 3., 3., 3.])
    >>> round(1 - crps(y, dist) / crps(y, null), 2)  # skill
    0.78
    """
    check_kind(dist, Predictive, "any y")
    given: dict[str, Any] = {"sample_weight": sample_weight, "exposure": exposure}
    y = as_fitted(y_true, dist)
    if isinstance(dist, SeveralLabelsPredictive):
        columns = zip(dist.columns_of_y(y), dist.outputs, strict=True)
        return SeveralLabelsPredictive([fit_marginal(*column, **given) for column in columns])
    if isinstance(dist, TransformedPredictive):
        z = dist.to_scipy().to_z(dist._align(y))
        return TransformedPredictive(fit_marginal(z, dist.base, **given), dist.target_map)
    marginal = copy.copy(dist)
    marginal.distribution = base_of(dist.distribution)
    target = target_of(dist, marginal.distribution)
    time = check_exposure(exposure, np.empty((len(dist), 1)))
    rows = target.encode(target.as_given_to_fit(y), "y_true", time)
    weight = check_weight(sample_weight, rows)
    params = _fit(rows, weight, time, marginal.distribution, target)
    marginal.params = target.without_outputs(params)
    return marginal


def _fit(
    y: np.ndarray,
    weight: np.ndarray,
    exposure: np.ndarray | None,
    family: Distribution,
    target: Target,
) -> dict[str, np.ndarray]:
    """Fit parameters in y's units, of shape (n_samples, n_outputs, ...)."""
    counts = weight > 0
    scaling = TargetScaling.fit(family, y[counts], weight[counts])
    head = Head(family, len(scaling.unit), target.size, scaling.scale_fixed(family))
    time = None if exposure is None else exposure[counts]
    fit = MarginalFit.of(head, scaling.scale(y[counts]), weight[counts], time, bounded=False)
    in_units = scaling.unscale_parameters(family, fit.params())
    params = {name: np.repeat(value[0], len(y), axis=0) for name, value in in_units.items()}
    return params if exposure is None else family.exposed(params, exposure[:, None])
