"""By which factor are the predicted distributions too narrow, or too wide?"""

from dataclasses import replace

import numpy as np
from scipy.optimize import minimize_scalar

from .._data.tables import CheckedRows
from .._network.fitted import FittedNetwork
from .._numerics.arrays import in_numpy
from ..distributions import Distribution
from .hyperparameters import Hyperparameters

_LARGEST_LOG_FACTOR = 7.0
_PRIOR = 40.0
"""Curvature of the penalty on the factor's logarithm: as much as 20 rows of a normal y say."""


def check_recalibration(family: Distribution, criterion: str) -> None:
    """Raise a ValueError where a family cannot be recalibrated by this score."""
    family.widened({name: np.ones(1) for name in family.parameters}, 1.0)
    if family.fixed().keys() & family.distances():
        raise ValueError(
            f"recalibrate changes the scale, and {family!r} fixes it; leave the scale "
            "None or 'constant', or set recalibrate=None."
        )
    if criterion == "crps" and family.exact is not family:
        raise ValueError(
            f"recalibrate='crps' needs exact values of y, and {family!r} knows "
            "intervals; use recalibrate='nll'."
        )


def recalibrated(
    network: FittedNetwork, unseen: CheckedRows, parameters: Hyperparameters
) -> FittedNetwork:
    """Return the network with the factor by which its distributions fit unseen rows best."""
    params = network.predict_params(
        unseen.X, unseen.exposure, device=parameters.device, n_threads=parameters.n_threads
    )
    factor = fit_factor(
        network.family,
        network.predictive_family,
        params,
        unseen.y,
        unseen.weight,
        str(parameters.recalibrate),
    )
    return replace(network, recalibration=factor)


def fit_factor(
    distribution: Distribution,
    family: Distribution,
    params: dict[str, np.ndarray],
    y: np.ndarray,
    weight: np.ndarray,
    criterion: str,
) -> float:
    """Find the factor by which `distribution.widened` fits best.

    It is drawn towards 1 where rows are few: they say little about it.

    Parameters
    ----------
    distribution : Distribution
        The family that was fitted.
    family : Distribution
        The family that is predicted: the same, or an ensemble of it.
    params : mapping of str to ndarray
        Predicted for rows that no member trained on, of shape (n_samples, n_outputs, ...).
    y : ndarray of shape (n_samples, n_outputs) or (n_samples, n_outputs, size)
        Observed there.
    weight : ndarray of shape (n_samples,)
    criterion : {"nll", "crps"}
        The score that is minimized.

    Returns
    -------
    float
        1 where no factor is better.

    Raises
    ------
    ValueError
        If the rows have no score.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Weinberger (2017). On calibration of modern neural networks.
    arXiv:1706.04599
    """
    loss = _crps if criterion == "crps" else _nll

    def mean_loss(log_factor: float) -> float:
        widened = distribution.widened(params, float(np.exp(log_factor)))
        return float(np.average(loss(family, widened, y), weights=weight))

    n_rows = weight.sum() ** 2 / np.square(weight).sum()  # as many as unequal weights are worth
    unit = mean_loss(0.0) if criterion == "crps" else 1.0

    def objective(log_factor: float) -> float:
        return n_rows * mean_loss(log_factor) / unit + 0.5 * _PRIOR * log_factor**2

    if np.isnan(unit) or np.isnan(objective(0.0)):
        raise ValueError(
            "recalibrate needs a score of the rows that training did not see, and theirs is NaN; "
            "look at these rows for values far from those of training, or set recalibrate=None."
        )
    bounds = (-_LARGEST_LOG_FACTOR, _LARGEST_LOG_FACTOR)
    found = minimize_scalar(objective, bounds=bounds, method="bounded")
    return float(np.exp(found.x)) if found.fun < objective(0.0) else 1.0


def _nll(family: Distribution, params: dict[str, np.ndarray], y: np.ndarray) -> np.ndarray:
    return -in_numpy(family.log_prob, y, **params).sum(axis=-1)


def _crps(family: Distribution, params: dict[str, np.ndarray], y: np.ndarray) -> np.ndarray:
    return family.crps(y, **params).sum(axis=-1)
