"""How are the weights found by mini-batches?

Stochastic descent with the stopping rules of scikit-learn's multi-layer perceptrons.
"""

from collections.abc import Iterator

import numpy as np
import torch
from sklearn.utils import gen_batches
from torch import Tensor

from .network import Network
from .objective import NonFiniteLossError, Objective, Rows
from .optimizers import SGD, Adam
from .progress import (
    Record,
    Settings,
    print_losses,
    warn_diverged,
    warn_interrupted,
    warn_non_finite,
    warn_not_converged,
)

_LEAST_LEARNING_RATE = 1e-6
_DIVERGED = 1.0
"""By so many nats a row training may end above its start, by the noise of dropout or batches."""
_RUNNING_SHARE = 0.1
"""Share by which running statistics of batch normalisation move towards a batch's own."""
_ROWS_FOR_STATISTICS = 10_000


class Patience:
    """Counts epochs without improvement by more than `tol`, as scikit-learn's perceptrons do."""

    def __init__(self, tol: float, n_iter_no_change: float):
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.best = np.inf
        self.stale = 0

    def improved(self, loss: float) -> bool:
        """Take note of an epoch's loss; whether it is the best so far."""
        self.stale = self.stale + 1 if loss > self.best - self.tol else 0
        better = loss < self.best
        self.best = min(self.best, loss)
        return better

    @property
    def is_over(self) -> bool:
        return self.stale > self.n_iter_no_change


def fit_stochastic(
    objective: Objective,
    rows: Rows,
    validation: Rows | None,
    batch_size: int,
    settings: Settings,
    random_state: np.random.RandomState,
) -> Record:
    """Train by mini-batches until the loss, or the validation loss where there is one, stalls.

    With `validation` the weights that are best on it are kept, else the last ones; but never such
    as are worse than the start, the fit without x.
    """
    network, record = objective.network, Record()
    optimizer = _make_optimizer(network.weights, settings)
    patience = Patience(settings.tol, settings.n_iter_no_change)
    probe = rows if validation is None else validation
    null_loss = objective.mean_nll(probe)
    start = best = good = network.state()
    try:
        while record.n_iter < settings.max_iter:
            loss = _run_epoch(objective, rows, batch_size, optimizer, settings, random_state)
            loss += rows.log_jacobian
            monitored = _record_losses(objective, record, loss, validation)
            good = network.state()
            print_losses(record, settings.verbose)
            if patience.improved(monitored):
                best = good
            _schedule(optimizer, settings, seen=record.n_iter * len(rows))
            if patience.is_over:
                if not _slow_down(optimizer, settings):
                    break
                patience.stale = 0
        else:
            warn_not_converged(
                f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached"
            )
    except NonFiniteLossError as error:
        network.load(good)
        warn_non_finite(record.n_iter + 1, str(error))
    except KeyboardInterrupt:
        warn_interrupted()
    if validation is not None:
        network.load(best)
    loss = objective.mean_nll(probe)
    if not loss <= null_loss + _DIVERGED:
        warn_diverged(loss, null_loss)
    if not loss <= null_loss + (_DIVERGED if validation is None else 0):
        network.load(start)
        loss = null_loss
    if validation is not None:
        record.best_validation_loss = loss + validation.log_jacobian
    return record


def _run_epoch(
    objective: Objective,
    rows: Rows,
    batch_size: int,
    optimizer: SGD | Adam,
    settings: Settings,
    random_state: np.random.RandomState,
) -> float:
    """One pass over the rows; the mean of the losses met on the way."""
    total = 0.0
    for batch in _batches(rows, batch_size, settings.shuffle, random_state):
        loss, gradient = objective.gradient(batch, momentum=_RUNNING_SHARE)
        optimizer.step(gradient)
        total += loss * len(batch)
    if not objective.network.weights.isfinite().all():
        raise NonFiniteLossError("the network's weights are not finite")
    if objective.network.architecture.batch_norm:
        _settle_statistics(objective.network, rows, random_state)
    return total / len(rows)


def _settle_statistics(network: Network, rows: Rows, random_state: np.random.RandomState) -> None:
    """Predict with the statistics of the present weights: those met on the way lag behind.

    Of many rows a random part tells them well enough.
    """
    if len(rows) > _ROWS_FOR_STATISTICS:
        rows = rows[torch.from_numpy(random_state.permutation(len(rows))[:_ROWS_FOR_STATISTICS])]
    network.settle(rows.x, rows.weight)


def _batches(
    rows: Rows, batch_size: int, shuffle: bool, random_state: np.random.RandomState
) -> Iterator[Rows]:
    """The rows, cut into batches; in random order unless all of them make one batch."""
    if batch_size >= len(rows):
        yield rows
        return
    order = torch.from_numpy(random_state.permutation(len(rows))) if shuffle else None
    for part in gen_batches(len(rows), batch_size):
        yield rows[part] if order is None else rows[order[part]]


def _record_losses(
    objective: Objective, record: Record, loss: float, validation: Rows | None
) -> float:
    """Note an epoch's losses in y's units; the one that decides about stopping is returned."""
    if validation is not None:
        held_loss = objective.mean_nll(validation)
        if not np.isfinite(held_loss):
            raise NonFiniteLossError("the loss of the validation rows is not finite")
        record.validation_curve.append(held_loss + validation.log_jacobian)
    record.n_iter += 1
    record.loss_curve.append(loss)
    return record.loss_curve[-1] if validation is None else record.validation_curve[-1]


def _make_optimizer(weights: Tensor, settings: Settings) -> SGD | Adam:
    rate = settings.learning_rate_init
    if settings.solver == "adam":
        return Adam(weights, rate, settings.beta_1, settings.beta_2, settings.epsilon)
    return SGD(weights, rate, settings.momentum, settings.nesterovs_momentum)


def _schedule(optimizer: SGD | Adam, settings: Settings, seen: int) -> None:
    """Shrink sgd's rate with the number of rows seen, where learning_rate="invscaling"."""
    if settings.solver == "sgd" and settings.learning_rate == "invscaling":
        optimizer.rate = settings.learning_rate_init / (seen + 1) ** settings.power_t


def _slow_down(optimizer: SGD | Adam, settings: Settings) -> bool:
    """Divide sgd's rate by five, where learning_rate="adaptive"; False where training is over."""
    adaptive = settings.solver == "sgd" and settings.learning_rate == "adaptive"
    if not adaptive or optimizer.rate <= _LEAST_LEARNING_RATE:
        return False
    optimizer.rate /= 5
    return True
