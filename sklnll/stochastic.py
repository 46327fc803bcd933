"""How are the weights found by mini-batches?"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from sklearn.utils import gen_batches
from torch import Tensor

from .network import Network, matrix_shares
from .objective import MemberRows, Objective, Rows
from .optimizers import SGD, Adam, clip, cosine, decay
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
_WARM_UP = 0.05
"""Share of training in which a "cosine" rate rises."""
_DIVERGED = 1.0
"""By so many nats a row training may end above its start, by the noise of dropout or batches."""
_RUNNING_SHARE = 0.1
"""Share by which running statistics of batch normalisation move towards a batch's own."""
_ROWS_FOR_STATISTICS = 10_000


class Members:
    """Which members still train, and which weights are kept of each.

    Training of a member is over after `n_iter_no_change` epochs without improvement by more than
    `tol`, as for scikit-learn's perceptrons, or when its loss is no longer finite.

    Parameters
    ----------
    network : Network
        At its start.
    tol, n_iter_no_change : float
    keep_best : bool
        Whether the weights with the least loss are kept, or the last ones.
    """

    def __init__(self, network: Network, tol: float, n_iter_no_change: float, *, keep_best: bool):
        n_members = len(network.weights)
        self.network = network
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.keep_best = keep_best
        self.training = torch.ones(n_members, dtype=torch.bool)
        self.best = torch.full((n_members,), math.inf, dtype=torch.float64)
        self.stale = torch.zeros(n_members)
        self._start, self._kept = network.state(), network.state()

    def note(self, losses: Tensor) -> None:
        """Take note of the losses, of shape (n_members,), that decide about an epoch."""
        better = self.training & (losses < self.best)
        stalls = losses > self.best - self.tol
        self.stale = torch.where(stalls, self.stale + 1, 0.0)
        self.best = torch.where(better, losses, self.best)
        now = self.network.weights, self.network.statistics
        self._copy(now, self._kept, better if self.keep_best else self.training)

    @property
    def are_stale(self) -> Tensor:
        """Which members have not improved for too long, or train no more."""
        return (self.stale > self.n_iter_no_change) | ~self.training

    def retire(self, members: Tensor) -> None:
        """End the training of these members, of which the kept weights remain."""
        self.training = self.training & ~members

    def load_kept(self) -> None:
        """Put the kept weights into the network."""
        self.network.load(self._kept)

    def load_start(self, members: Tensor) -> None:
        """Put the weights that training started from into the network, for these members."""
        state = self.network.state()
        self._copy(self._start, state, members)
        self.network.load(state)

    @staticmethod
    def _copy(
        source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor], members: Tensor
    ) -> None:
        for old, new in zip(target, source, strict=True):
            old[members] = new[members]


class _Steps:
    """The steps of an optimiser: how large they are, and how much of the spread they anneal."""

    def __init__(self, network: Network, settings: Settings, n_steps: int):
        self.settings = settings
        self.optimizer = _make_optimizer(network.weights, settings)
        self._shares = matrix_shares(network)
        self._n_steps = n_steps
        self._done = 0

    @property
    def annealing(self) -> float:
        """Share of the spread in a row's weight at the next step: from 1 down to 0."""
        span = self.settings.annealing * self._n_steps
        return max(0.0, 1 - self._done / span) if span else 0.0

    def step(self, gradient: Tensor) -> None:
        """Move the weights once."""
        self._done += 1
        if self.settings.learning_rate == "cosine":
            # Between the ends of the step: neither the first nor the last has a rate of 0.
            share = cosine((self._done - 0.5) / self._n_steps, _WARM_UP)
            self.optimizer.rate = self.settings.learning_rate_init * share
        clip(gradient, self.settings.max_grad_norm)
        rate = self.optimizer.rate * self.settings.weight_decay
        decay(self.optimizer.weights, self._shares, rate)
        self.optimizer.step(gradient)

    def shrink(self, n_seen: int) -> None:
        """Shrink sgd's rate with the number of rows seen, where learning_rate="invscaling"."""
        if self.settings.solver == "sgd" and self.settings.learning_rate == "invscaling":
            rate = self.settings.learning_rate_init / (n_seen + 1) ** self.settings.power_t
            self.optimizer.rate = rate

    @property
    def is_adaptive(self) -> bool:
        """Whether stalled training goes on with smaller steps."""
        return self.settings.solver == "sgd" and self.settings.learning_rate == "adaptive"

    def slow_down(self) -> bool:
        """Divide an adaptive rate by five; False where there is none, or it is too small."""
        if not self.is_adaptive or self.optimizer.rate <= _LEAST_LEARNING_RATE:
            return False
        self.optimizer.rate /= 5
        return True


def _make_optimizer(weights: Tensor, settings: Settings) -> SGD | Adam:
    rate = settings.learning_rate_init
    if settings.solver == "adam":
        return Adam(weights, rate, settings.beta_1, settings.beta_2, settings.epsilon)
    return SGD(weights, rate, settings.momentum, settings.nesterovs_momentum)


def fit_stochastic(
    objective: Objective,
    rows: MemberRows,
    validation: MemberRows | None,
    settings: Settings,
    random_states: list[np.random.RandomState],
) -> Record:
    """Train by mini-batches until the loss, or the validation loss where there is one, stalls.

    With `validation` the weights that are best on it are kept, else the last ones; but never such
    as are worse than the start, the fit without x. All that is random for a member comes from its
    own `random_states`.
    """
    network, record = objective.network, Record()
    steps = _Steps(network, settings, settings.max_iter * _n_batches(rows, settings))
    keep_best = validation is not None
    members = Members(network, settings.tol, settings.n_iter_no_change, keep_best=keep_best)
    null_loss = objective.mean_nll(rows if validation is None else validation)
    try:
        while record.n_iter < settings.max_iter and members.training.any():
            losses = _run_epoch(objective, rows, steps, members, record.n_iter + 1, random_states)
            if members.training.any():
                _note_epoch(objective, record, losses, validation, members)
                print_losses(record, settings.verbose)
                steps.shrink(n_seen=record.n_iter * len(rows))
                _end_stale(members, steps)
        if members.training.any() and settings.learning_rate != "cosine":
            warn_not_converged(
                f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached"
            )
    except KeyboardInterrupt:
        warn_interrupted()
    members.load_kept()
    _go_back_where_worse(objective, record, rows, validation, members, null_loss)
    return record


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


def _end_stale(members: Members, steps: _Steps) -> None:
    """End the training of stale members, unless smaller steps may help them all."""
    all_stale = members.are_stale.all()
    # Of rows it trains on, a member need not fit the likelihood before that is what it minimises.
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
    null_loss: Tensor,
) -> None:
    """Members that ended worse than the fit without x start from it again, and stay there."""
    probe = rows if validation is None else validation
    loss = objective.mean_nll(probe)
    diverged = ~(loss <= null_loss + _DIVERGED)
    if diverged.any():
        warn_diverged(loss[diverged].mean().item(), null_loss[diverged].mean().item())
    worse = diverged if validation is None else ~(loss <= null_loss)
    members.load_start(worse)
    if validation is not None:
        record.best_validation_loss = torch.where(worse, null_loss, loss).mean().item()


def _run_epoch(
    objective: Objective,
    rows: MemberRows,
    steps: _Steps,
    members: Members,
    epoch: int,
    random_states: list[np.random.RandomState],
) -> Tensor:
    """One pass over the rows; each member's mean of the losses met on the way, in y's units."""
    total = torch.zeros(len(random_states), dtype=torch.float64)
    for batch in _batches(rows, steps.settings, random_states):
        loss, gradient = objective.gradient(
            batch, momentum=_RUNNING_SHARE, annealing=steps.annealing
        )
        if not math.isfinite(loss.sum().item()):
            failed = members.training & ~loss.isfinite()
            if failed.any():
                warn_non_finite(epoch, objective.culprit(batch, failed))
                members.retire(failed)
            if not members.training.any():
                return total
        steps.step(gradient)
        total += loss * len(batch)
    failed = members.training & ~objective.network.weights.isfinite().all(dim=1)
    if failed.any():
        warn_non_finite(epoch, "the network's weights are not finite")
        members.retire(failed)
    if objective.network.architecture.batch_norm:
        _settle_statistics(objective.network, rows, random_states)
    return total / len(rows) + rows.log_jacobian


def _settle_statistics(
    network: Network, rows: MemberRows, random_states: list[np.random.RandomState]
) -> None:
    """Predict with the statistics of the present weights: those met on the way lag behind.

    Of many rows a random part tells them well enough.
    """
    if len(rows) > _ROWS_FOR_STATISTICS:
        rows = _shuffled(rows, random_states)
    some = rows[slice(0, _ROWS_FOR_STATISTICS)]
    network.settle(some.x, some.weight)


def _n_batches(rows: MemberRows, settings: Settings) -> int:
    return math.ceil(len(rows) / settings.batch_size)


def _batches(
    rows: MemberRows, settings: Settings, random_states: list[np.random.RandomState]
) -> Iterator[Rows]:
    """The rows, cut into batches; in random order unless all of them make one batch."""
    if settings.shuffle and settings.batch_size < len(rows):
        rows = _shuffled(rows, random_states)
    return (rows[part] for part in gen_batches(len(rows), settings.batch_size))


def _shuffled(rows: MemberRows, random_states: list[np.random.RandomState]) -> MemberRows:
    """The same rows of each member in another order, each member's own."""
    orders = [random_state.permutation(len(rows)) for random_state in random_states]
    order = torch.from_numpy(np.stack(orders))
    return MemberRows(rows.rows, order if rows.index is None else rows.index.gather(1, order))
