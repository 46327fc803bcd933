"""How are the weights found by mini-batches?"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from .._data.rows import MemberRows, Rows
from .._network.network import Network
from .early_stopping import Members
from .monitor import Watch
from .objective import Objective
from .record import (
    Record,
    Settings,
    warn_diverged,
    warn_interrupted,
    warn_non_finite,
    warn_not_converged,
)
from .schedule import Steps

_DIVERGED = 1.0
"""By so many nats a row training may end above its start, by the noise of dropout or batches."""
_RUNNING_SHARE = 0.1
"""Share by which running statistics of batch normalization move towards a batch's own."""
_ROWS_FOR_STATISTICS, _NUMBERS_FOR_STATISTICS = 10_000, 2**24


def fit_stochastic(
    objective: Objective,
    rows: MemberRows,
    validation: MemberRows | None,
    settings: Settings,
    random_states: list[np.random.RandomState],
    watch: Watch,
    n_seen: int,
) -> Record:
    """Train by mini-batches until the loss, or the validation loss where there is one, stalls.

    With `validation` the weights that are best on it are kept, else the last ones; but never such
    as are worse than the start, which is the fit without x or an earlier one. All that is random
    for a member comes from its own `random_states`. `n_seen` counts the rows of epochs before.
    """
    network, record = objective.network, Record()
    steps = Steps(network, settings, settings.max_iter * _n_batches(rows, settings))
    keep_best = validation is not None
    members = Members(network, settings.tol, settings.n_iter_no_change, keep_best=keep_best)
    start_loss = objective.mean_nll(rows if validation is None else validation)
    try:
        while record.n_iter < settings.max_iter and members.training.any():
            watch.begin()
            losses = _run_epoch(objective, rows, steps, members, record.n_iter + 1, random_states)
            if members.training.any():
                _note_epoch(objective, record, losses, validation, members)
                steps.shrink(n_seen + record.n_iter * len(rows))
                _end_stale(members, steps)
                if watch.end(record, lambda: network):
                    break
        else:
            if members.training.any() and settings.learning_rate != "cosine":
                warn_not_converged(
                    f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached"
                )
    except KeyboardInterrupt:
        warn_interrupted()
    members.load_kept()
    _go_back_where_worse(objective, record, rows, validation, members, start_loss)
    return record


def fit_increment(
    objective: Objective,
    rows: MemberRows,
    settings: Settings,
    random_states: list[np.random.RandomState],
    watch: Watch,
    n_seen: int,
    memory: dict[str, np.ndarray],
) -> tuple[Record, dict[str, np.ndarray]]:
    """Train for one epoch, with the optimiser's `memory` of those before; return the new one."""
    network, record = objective.network, Record()
    steps = Steps(network, settings, n_steps=1)
    steps.recall(memory)
    steps.shrink(n_seen)
    members = Members(network, settings.tol, settings.n_iter_no_change, keep_best=False)
    watch.begin()
    losses = _run_epoch(objective, rows, steps, members, 1, random_states)
    if members.training.any():
        _note_epoch(objective, record, losses, None, members)
        watch.end(record, lambda: network)
    members.load_kept()
    steps.forget(~members.training)
    return record, steps.memory()


def _note_epoch(
    objective: Objective,
    record: Record,
    losses: Tensor,
    validation: MemberRows | None,
    members: Members,
) -> None:
    """Note an epoch's losses, and what they mean for each member."""
    held_losses = None
    if validation is not None:
        held_losses = objective.mean_nll(validation)
        failed = members.training & ~held_losses.isfinite()
        if failed.any():
            members.retire(failed)
            warn_non_finite(record.n_iter + 1, "the loss of the validation rows is not finite")
            if not members.training.any():
                return
        record.validation_curve.append(held_losses[members.training].mean().item())
    record.n_iter += 1
    record.loss_curve.append(losses[members.training].mean().item())
    members.note(losses if held_losses is None else held_losses)


def _end_stale(members: Members, steps: Steps) -> None:
    """End the training of stale members, unless smaller steps may help them all."""
    all_stale = members.are_stale.all()
    # Of rows it trains on, a member need not fit the likelihood before that is what it minimizes.
    not_yet = steps.annealing > 0 and not members.keep_best
    if not_yet or (all_stale and steps.slow_down()):
        members.stale.zero_()
    elif all_stale or not steps.is_adaptive:
        members.retire(members.are_stale)


def _go_back_where_worse(
    objective: Objective,
    record: Record,
    rows: MemberRows,
    validation: MemberRows | None,
    members: Members,
    start_loss: Tensor,
) -> None:
    """Members that ended worse than they started go back to there."""
    probe = rows if validation is None else validation
    loss = objective.mean_nll(probe)
    diverged = ~(loss <= start_loss + _DIVERGED)
    if diverged.any():
        warn_diverged(loss[diverged].mean().item(), start_loss[diverged].mean().item())
    worse = diverged if validation is None else ~(loss <= start_loss)
    members.load_start(worse)
    if validation is not None:
        record.best_validation_loss = torch.where(worse, start_loss, loss).mean().item()


def _run_epoch(
    objective: Objective,
    rows: MemberRows,
    steps: Steps,
    members: Members,
    epoch: int,
    random_states: list[np.random.RandomState],
) -> Tensor:
    """One pass over the rows; each member's mean of the losses met on the way, in y's units."""
    weights = objective.network.weights
    total = weights.new_zeros(len(weights), dtype=torch.float64)
    for batch in _batches(rows, steps.settings, random_states):
        loss, gradient = objective.gradient(
            batch, momentum=_RUNNING_SHARE, annealing=steps.annealing
        )
        total.add_(loss, alpha=len(batch))
        if _is_at_hand(total) and not math.isfinite(total.sum().item()):
            failed = members.training & ~loss.isfinite()
            if failed.any():
                warn_non_finite(epoch, objective.culprit(batch, failed))
                members.retire(failed)
            if not members.training.any():
                return total
        objective.penalize(gradient, len(batch))
        steps.step(gradient)
    failed = members.training & ~(weights.sum(dim=1) + total).isfinite()
    if failed.any():
        warn_non_finite(epoch, "its sum over the rows, or the network's weights, are not finite")
        members.retire(failed)
    if objective.network.architecture.batch_norm:
        _settle_statistics(objective.network, rows, random_states)
    return total / rows.total_weight + rows.log_jacobian


def _is_at_hand(values: Tensor) -> bool:
    """Whether they can be looked at without waiting for another device, until an epoch's end."""
    return values.is_cpu


def _settle_statistics(
    network: Network, rows: MemberRows, random_states: list[np.random.RandomState]
) -> None:
    """Predict with the statistics of the present weights: those met on the way lag behind.

    Of many rows a random part tells them well enough.
    """
    enough = min(_ROWS_FOR_STATISTICS, max(1, _NUMBERS_FOR_STATISTICS // rows.shared.x.shape[1]))
    if len(rows) > enough:
        rows = rows.shuffled(random_states)
    some = rows[slice(0, enough)]
    network.settle(some.x, some.weight)


def _n_batches(rows: MemberRows, settings: Settings) -> int:
    return math.ceil(len(rows) / settings.batch_size)


def _batches(
    rows: MemberRows, settings: Settings, random_states: list[np.random.RandomState]
) -> Iterator[Rows]:
    """The rows, cut into batches; in random order unless all of them make one batch."""
    if settings.shuffle and settings.batch_size < len(rows):
        rows = rows.shuffled(random_states)
    return rows.batches(settings.batch_size)
