"""Which distribution fits y best where nothing is known of x?"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length

from .._data.checks import check_exposure, check_weight
from .._data.y_units import TargetScaling
from .._network.head import Head
from ..orders import pad_orders
from ..predictive import (
    CensoredPredictive,
    IndicatorPredictive,
    LabelPredictive,
    PredictiveDistribution,
    RankingPredictive,
    TransformedPredictive,
    VectorPredictive,
)
from ..predictive._base import Predictive
from ..predictive.averages import base_of
from ..predictive.targets import Indicators, Labels, SoftTargets
from ._scores import as_fitted, check_kind


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
    y, given = as_fitted(y_true, dist), {"sample_weight": sample_weight, "exposure": exposure}
    if isinstance(dist, TransformedPredictive):
        z = dist.to_scipy().to_z(dist._align(y))
        return TransformedPredictive(fit_marginal(z, dist.base, **given), dist.target_map)
    marginal = copy.copy(dist)
    marginal.distribution = base_of(dist.distribution)
    time = check_exposure(exposure, np.empty((len(dist), 1)))
    rows = _rows(y, marginal, time)
    params = _fit(rows, check_weight(sample_weight, rows), marginal, time)
    marginal.params = params if _has_outputs(dist) else {key: v[:, 0] for key, v in params.items()}
    return marginal


def _rows(y: Any, dist: Any, exposure: np.ndarray | None) -> np.ndarray:
    """What `fit` makes of y: numbers, of shape (n_samples, n_outputs[, size])."""
    check_consistent_length(y, next(iter(dist.params.values())))
    family, name = dist.distribution, "y_true"
    if isinstance(dist, IndicatorPredictive):
        return Indicators(dist.classes).encode(y, name)
    if isinstance(dist, LabelPredictive):
        if not family.event_ndim:
            return Labels(dist.classes).encode(y, name)
        labels = Labels(dist.classes).encode(y, name)[:, 0].astype(int) if y.ndim == 1 else None
        shares = y if labels is None else np.eye(len(dist.classes))[labels]
        return SoftTargets(dist.classes, family).encode(shares, name)
    y = pad_orders(y, dist.n_items, name) if isinstance(dist, RankingPredictive) else y
    y = np.column_stack([y, y]) if isinstance(dist, CensoredPredictive) and y.ndim == 1 else y
    y = np.asarray(y, dtype=float)
    family.check_target(y, name, exposure)
    return y.reshape(len(y), -1, *(y.shape[1:] if family.event_ndim else ()))


def _size(dist: Any) -> int:
    """Classes, items or components of y; 1 where it is a number."""
    if isinstance(dist, LabelPredictive | IndicatorPredictive):
        return len(dist.classes)
    if isinstance(dist, RankingPredictive):
        return dist.n_items
    return dist.shape[1] if isinstance(dist, VectorPredictive) else 1


def _has_outputs(dist: Any) -> bool:
    """Whether parameters have an axis for several outputs."""
    if isinstance(dist, PredictiveDistribution):
        return len(dist.shape) > 1
    return isinstance(dist, IndicatorPredictive)


def _fit(
    y: np.ndarray, weight: np.ndarray, dist: Any, exposure: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Parameters in y's units, of shape (n_samples, n_outputs, ...)."""
    family, counts = dist.distribution, weight > 0
    scaling = TargetScaling.fit(family, y[counts], weight[counts])
    head = Head(family, y.shape[1], _size(dist), scaling.scale_fixed(family))
    time = None if exposure is None else exposure[counts]
    fitted = head.fit_constant(scaling.scale(y[counts]), weight[counts], time, bounded=False)
    raw, constant = map(torch.from_numpy, fitted)
    of_outputs = {}
    for name, value in head.params(raw[None], constant).items():
        event = value.shape[value.ndim - family.parameters[name].event_ndim :]
        of_outputs[name] = value.numpy().reshape(1, 1, y.shape[1], *event)
    in_units = scaling.unscale_parameters(family, of_outputs)
    params = {name: np.repeat(value[0], len(y), axis=0) for name, value in in_units.items()}
    return params if exposure is None else family.exposed(params, exposure[:, None])
