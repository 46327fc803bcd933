"""How are the weights found by mini-batches?"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .._data.rows import MemberRows, Rows
from .averaging import RunningAverage
from .batches import Batches
from .early_stopping import EarlyStopping
from .hyperparameters import SolverSettings
from .monitor import FitMonitor
from .objective import Objective
from .optimizers import Optimizer, State, make_optimizer
from .record import (
    Record,
    warn_diverged,
    warn_non_finite,
    warn_not_converged,
)
from .schedule import Schedule

_DIVERGED = 1.0
"""Nats a row by which training may end above its start: dropout and batches make noise."""
_BLIND = 0.1
"""Mean weight of the validation rows, beside that of the rows trained on, below which they do not
judge alone."""
_RUNNING_SHARE = 0.1
"""Share by which running statistics of batch normalization move towards a batch's own."""


def fit_stochastic(
    objective: Objective,
    batches: Batches,
    validation: MemberRows | None,
    settings: SolverSettings,
    monitor: FitMonitor,
    n_seen: int,
) -> Record:
    """Train by mini-batches until the loss, or the validation loss where there is one, stalls.

    With `validation` the weights that are best on it are kept, else the last ones; but never such
    as are worse than the start, which is the fit without x or an earlier one.

    Parameters
    ----------
    objective : Objective
        Its network is changed.
    batches : Batches
        Rows to train on.
    validation : MemberRows or None
        Rows that judge each member, where some are held out.
    settings : SolverSettings
    monitor : FitMonitor
        Hears of each epoch, and may end training.
    n_seen : int
        Rows seen in earlier fits, repetitions counted.
    """
    network, record = objective.network, Record()
    optimizer = make_optimizer(network.weights, settings, settings.max_iter * len(batches))
    average = RunningAverage(network, settings.ema_decay)
    stopping = _early_stopping(objective, settings, keep_best=validation is not None)
    judges = batches.rows if validation is None else validation
    start_loss = objective.mean_nll(judges)
    blind = _are_blind(judges, batches.rows)
    train_loss = objective.mean_nll(batches.rows) if blind.any() else None
    try:
        while record.n_iter < settings.max_iter and stopping.training.any():
            monitor.begin()
            losses = run_epoch(objective, batches, optimizer, average, stopping, record.n_iter + 1)
            held_losses = _held_losses(objective, validation, stopping, record.n_iter + 1)
            if not stopping.training.any():
                break
            record.note(losses, held_losses, stopping.training)
            stopping.note(losses if held_losses is None else held_losses)
            optimizer.schedule.note_rows_seen(n_seen + record.n_iter * len(batches.rows))
            _end_stale(stopping, optimizer.schedule)
            if monitor.end(record, lambda: network):
                break
        else:  # a cosine's last step is its end, whether the loss still falls or not
            if stopping.training.any() and settings.learning_rate != "cosine":
                warn_not_converged(
                    f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached"
                )
    except KeyboardInterrupt as interrupt:
        monitor.end_by(interrupt, stopping.n_noted)
        record.cut(stopping.n_noted)
    stopping.load_kept()
    if train_loss is not None:
        _go_back_where_diverged(objective, batches.rows, stopping, train_loss, blind)
    end_loss = _go_back_where_worse(objective, judges, stopping, start_loss)
    if validation is not None:
        record.best_validation_loss = end_loss.mean().item()
    return record


def fit_increment(
    objective: Objective,
    batches: Batches,
    settings: SolverSettings,
    monitor: FitMonitor,
    n_seen: int,
    state: State,
) -> tuple[Record, State]:
    """Train for one epoch with the optimizer's `state` of earlier ones; return the new state.

    Step sizes do not depend on how many steps there will be, and nothing stops early: of
    `EarlyStopping` only the care for members whose loss is not finite is needed.
    """
    network, record = objective.network, Record()
    optimizer = make_optimizer(network.weights, settings, n_steps=1)
    optimizer.load_state_dict(state)
    optimizer.schedule.note_rows_seen(n_seen)
    stopping = _early_stopping(objective, settings, keep_best=False)
    monitor.begin()
    average = RunningAverage(network, decay=0.0)
    losses = run_epoch(objective, batches, optimizer, average, stopping, 1)
    if stopping.training.any():
        record.note(losses, None, stopping.training)
        stopping.note(losses)
        monitor.end(record, lambda: network)
    stopping.load_kept()
    optimizer.forget(~stopping.training)
    return record, optimizer.state_dict()


def run_epoch(
    objective: Objective,
    batches: Batches,
    optimizer: Optimizer,
    average: RunningAverage,
    stopping: EarlyStopping,
    epoch: int,
) -> Tensor:
    """Go through the rows once; return each member's mean of the losses met, in y's units.

    The network is left with the average of its weights. It ends before where no member trains any
    more; what it returns then means nothing.
    """
    network, rows = objective.network, batches.rows
    total = torch.zeros(len(network), dtype=torch.float64, device=network.weights.flat.device)
    average.leave()
    for batch in batches:
        loss, gradient = objective.gradient(
            batch, momentum=_RUNNING_SHARE, annealing=optimizer.schedule.annealing
        )
        total.add_(loss, alpha=len(batch))
        if _is_at_hand(total) and not math.isfinite(total.sum().item()):
            _retire_failed(objective, batch, stopping, ~loss.isfinite(), epoch)
            if not stopping.training.any():
                return total
        objective.penalty.add_gradient(gradient, len(batch))
        optimizer.step(gradient)
        average.note_step()
    average.enter()
    failed = stopping.training & ~(network.weights.flat.sum(dim=1) + total).isfinite()
    if failed.any():
        warn_non_finite(epoch, "its sum over the rows, or the network's weights, are not finite")
        stopping.retire(failed)
    if network.architecture.batch_norm:
        # The statistics met on the way lag behind those of the present weights.
        sample = batches.sample()
        network.settle_statistics(sample.x, sample.weight)
    return total / rows.total_weight + rows.log_jacobian


def _is_at_hand(values: Tensor) -> bool:
    """Tell whether it costs nothing to look at values, because no other device computes them."""
    return values.is_cpu


def _retire_failed(
    objective: Objective, batch: Rows, stopping: EarlyStopping, has_failed: Tensor, epoch: int
) -> None:
    """End the training of members whose loss of this batch is not finite, and say why."""
    failed = stopping.training & has_failed
    if failed.any():
        warn_non_finite(epoch, objective.culprit(batch, failed))
        stopping.retire(failed)


def _held_losses(
    objective: Objective, validation: MemberRows | None, stopping: EarlyStopping, epoch: int
) -> Tensor | None:
    """Return each member's loss of the validation rows, and end training where it is not finite."""
    if validation is None or not stopping.training.any():
        return None
    losses = objective.mean_nll(validation)
    failed = stopping.training & ~losses.isfinite()
    if failed.any():
        stopping.retire(failed)
        warn_non_finite(epoch, "the loss of the validation rows is not finite")
    return losses


def _early_stopping(
    objective: Objective, settings: SolverSettings, *, keep_best: bool
) -> EarlyStopping:
    return EarlyStopping(
        objective.network, settings.tol, settings.n_iter_no_change, keep_best=keep_best
    )


def _end_stale(stopping: EarlyStopping, schedule: Schedule) -> None:
    """End the training of stale members, unless smaller steps may help them all."""
    all_stale = stopping.are_stale.all()
    # While annealing lasts, the training loss is not yet what training minimizes: it may stall.
    not_yet = schedule.annealing > 0 and not stopping.keep_best
    if not_yet or (all_stale and schedule.slow_down()):
        stopping.forgive()
    elif all_stale or not schedule.is_adaptive:
        stopping.retire(stopping.are_stale)


def _are_blind(judges: MemberRows, trained_on: MemberRows) -> Tensor:
    """Tell for which members the judging rows hold so little weight that they do not see training.

    Such rows may gain while those that count are lost.
    """
    mean_weights = [rows.total_weight / len(rows) for rows in (judges, trained_on)]
    return mean_weights[0] < _BLIND * mean_weights[1]


def _go_back_where_diverged(
    objective: Objective,
    rows: MemberRows,
    stopping: EarlyStopping,
    start_loss: Tensor,
    some: Tensor,
) -> None:
    """Take those of `some` members that ended worse on the rows trained on back to the start."""
    stopping.load_start(_have_diverged(objective.mean_nll(rows), start_loss, some))


def _go_back_where_worse(
    objective: Objective, judges: MemberRows, stopping: EarlyStopping, start_loss: Tensor
) -> Tensor:
    """Take members that ended worse than they started back there; return the loss of each.

    Where the judging rows were trained on, a little worse is good enough.
    """
    loss = objective.mean_nll(judges)
    diverged = _have_diverged(loss, start_loss)
    worse = ~(loss <= start_loss) if stopping.keep_best else diverged
    stopping.load_start(worse)
    return torch.where(worse, start_loss, loss)


def _have_diverged(loss: Tensor, start_loss: Tensor, some: Tensor | bool = True) -> Tensor:
    """Tell which of `some` members ended far above the loss of their start, and warn of them."""
    diverged = some & ~(loss <= start_loss + _DIVERGED)
    if diverged.any():
        warn_diverged(loss[diverged].mean().item(), start_loss[diverged].mean().item())
    return diverged
