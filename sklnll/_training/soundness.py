"""Can what training leaves behind be predicted with? Its numbers are finite, or the fit fails."""

from __future__ import annotations

import numpy as np

from .._data.far_columns import farthest_column
from .._data.tables import CheckedRows
from .._network.fitted import FittedNetwork
from .hyperparameters import Hyperparameters

_N_ROWS = 64
"""Rows of training to predict: training itself has met the losses of all."""


class UnsoundFitError(ValueError):
    """Training has left, or was given, numbers with which nothing can be predicted."""


def check_fitted(
    network: FittedNetwork,
    rows: CheckedRows,
    loss: float,
    parameters: Hyperparameters,
    *,
    is_increment: bool,
) -> None:
    """Raise an UnsoundFitError where a fitted network cannot predict its rows of training.

    Parameters
    ----------
    network : FittedNetwork
    rows : CheckedRows
        It was trained on these.
    loss : float
        The last mean loss over them.
    parameters : Hyperparameters
    is_increment : bool
        Whether this is one of many fits. Their losses are known to be finite, and moderate weights
        then say as much as predictions do, for less.
    """
    culprit = _culprit(network, loss)
    if culprit is None and not (is_increment and _are_moderate(network.weights)):
        culprit = _culprit_of_predictions(network, rows, parameters)
    if culprit is not None:
        raise UnsoundFitError(f"The fit has failed: {culprit}. {advice(rows, parameters)}")


def _culprit(network: FittedNetwork, loss: float) -> str | None:
    if not np.isfinite(loss):
        return f"its loss, {loss:g} nats a row, is not finite"
    learned = {"weights": network.weights, "statistics of batch normalization": network.statistics}
    for name, values in learned.items():
        if not np.isfinite(values).all():
            return f"some {name} are not finite"
    return None


def _are_moderate(weights: np.ndarray) -> bool:
    largest = float(np.finfo(weights.dtype).max) ** 0.25
    return bool((np.abs(weights) < largest).all())


def _culprit_of_predictions(
    network: FittedNetwork, rows: CheckedRows, parameters: Hyperparameters
) -> str | None:
    """Name a learned parameter that is not finite where some of the rows are predicted."""
    some = rows.take(np.unique(np.linspace(0, len(rows) - 1, _N_ROWS).astype(int)))
    with np.errstate(all="ignore"):
        params = network.predict_params(
            some.X, some.exposure, device=parameters.device, n_threads=parameters.n_threads
        )
    family = network.family
    for name in (*family.predicted(), *family.constant()):
        if not np.isfinite(params[name]).all():
            return f"parameter {name!r} is not finite for rows that it was trained on"
    return None


def advice(rows: CheckedRows, parameters: Hyperparameters) -> str:
    """Say what to do: which column, and which settings."""
    settings = "set x_scaling='robust'"
    if parameters.solver == "lbfgs":
        settings = "set alpha to a larger number"
    elif parameters.x_scaling == "robust":
        settings = "lower learning_rate_init"
    reach = [farthest_column(rows.X), _reach("y", rows.y), _reach("weights", rows.weight)]
    if rows.exposure is not None:
        reach.append(_reach("exposure", rows.exposure))
    return f"Look at the rows ({', '.join(reach)}) and bring them near one, or {settings}."


def _reach(name: str, values: np.ndarray) -> str:
    known = values[np.isfinite(values)]  # of censored rows one end may not be
    return f"{name} from {known.min():.3g} to {known.max():.3g}" if known.size else f"no {name}"
