"""How are the network's weights found?

Mini-batch stochastic descent or full-batch L-BFGS on the penalised negative log-likelihood, with
the stopping rules of scikit-learn's multi-layer perceptrons.
"""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import scipy.optimize
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import gen_batches
from torch import Tensor

from .head import Head
from .network import Network, penalty_shares
from .optimizers import SGD, Adam

_LEAST_LEARNING_RATE = 1e-6
_RUNNING_SHARE = 0.1
"""Share by which running statistics of batch normalisation move towards a batch's own."""


@dataclass(frozen=True)
class Rows:
    """Training rows as tensors.

    Parameters
    ----------
    x : Tensor of shape (n_samples, n_features)
        In the network's dtype.
    y : Tensor of shape (n_samples, n_outputs)
        In training's units, float64.
    weight : Tensor of shape (n_samples,)
        With mean 1 over all training rows, float64.
    """

    x: Tensor
    y: Tensor
    weight: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: Tensor | slice) -> "Rows":
        return Rows(self.x[index], self.y[index], self.weight[index])


@dataclass(frozen=True)
class Settings:
    """The estimator's parameters that say how to train; see its docstring."""

    solver: str
    alpha: float
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    max_fun: int
    shuffle: bool
    tol: float
    n_iter_no_change: float
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    verbose: bool | int


@dataclass
class Record:
    """What happened while training; losses are negative log-likelihoods a row, in y's units."""

    loss_curve: list[float] = field(default_factory=list)
    validation_curve: list[float] = field(default_factory=list)
    n_iter: int = 0


class NonFiniteLossError(ArithmeticError):
    """The loss is NaN or infinite; the message says where it came from."""


class Objective:
    """The penalised negative log-likelihood of a network: what the solvers minimise.

    Parameters
    ----------
    network : Network
    head : Head
    alpha : float
        Strength of the L2 penalty, as in scikit-learn's multi-layer perceptrons.
    mean_weight : float
        Mean of the rows' weights before they were divided by it: the penalty is shared by the
        rows' total weight, so that a weight of 2 means the row twice.
    log_jacobian : float
        Added to each row's loss in records, which are in y's units.
    """

    def __init__(
        self, network: Network, head: Head, alpha: float, mean_weight: float, log_jacobian: float
    ):
        self.network = network
        self.head = head
        self.alpha = alpha
        self.mean_weight = mean_weight
        self.log_jacobian = log_jacobian
        last_units = torch.from_numpy(head.penalty_units).to(network.weights.dtype)
        self._penalty_shares = penalty_shares(network, last_units)

    def nll(self, rows: Rows, *, momentum: float | None = None) -> Tensor:
        """Weighted sum of the rows' losses over their number; shape (n_members,)."""
        # Weights are normalised once over the training rows: a batch's own sum would cancel them
        # in small batches.
        raw, constants = self.network(rows.x, rows.weight, momentum=momentum)
        return (rows.weight * self.head.nll(raw, constants, rows.y)).mean(dim=-1)

    def _penalty_rate(self, n_rows: int) -> float:
        return self.alpha / (n_rows * self.mean_weight)

    def penalty(self, n_rows: int) -> Tensor:
        """L2 penalty of each member for a batch of `n_rows` rows."""
        squares = (self._penalty_shares * self.network.weights.square()).sum(dim=1)
        return 0.5 * self._penalty_rate(n_rows) * squares

    def gradient(self, rows: Rows, *, momentum: float) -> tuple[float, Tensor]:
        """Mean loss without the penalty; gradient of the sum of the members' objectives."""
        weights = self.network.weights.requires_grad_()
        try:
            nll = self.nll(rows, momentum=momentum)
            (gradient,) = torch.autograd.grad(nll.sum(), weights)
        finally:
            weights.requires_grad_(False)
        loss = nll.detach().mean().item()
        if not math.isfinite(loss):
            raise NonFiniteLossError(self._culprit(rows))
        gradient.addcmul_(self._penalty_shares, weights, value=self._penalty_rate(len(rows)))
        return loss, gradient

    @torch.no_grad()
    def mean_nll(self, rows: Rows) -> float:
        """The loss as prediction sees it: weighted mean over `rows`, mean over members."""
        return (self.nll(rows) / rows.weight.mean()).mean().item()

    @torch.no_grad()
    def _culprit(self, rows: Rows) -> str:
        """Name the parameter that made the loss of these rows non-finite."""
        raw, constants = self.network(rows.x)
        if not raw.isfinite().all():
            return "the network's outputs are not finite"
        for name, value in self.head.params(raw, constants).items():
            if not value.isfinite().all():
                return f"parameter {name!r} is not finite"
        family = type(self.head.distribution).__name__
        extremes = ", ".join(
            f"{name} from {value.min().item():.3g} to {value.max().item():.3g}"
            for name, value in self.head.params(raw, constants).items()
        )
        return f"the {family} likelihood overflows with {extremes} (in training's units)"


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

    With `validation` the best weights are kept, else the last ones.
    """
    network, record = objective.network, Record()
    optimizer = _make_optimizer(network.weights, settings)
    patience = Patience(settings.tol, settings.n_iter_no_change)
    probe = rows[:batch_size]
    null_loss = objective.mean_nll(probe)
    start = best = good = network.state()
    try:
        while record.n_iter < settings.max_iter:
            loss = _run_epoch(objective, rows, batch_size, optimizer, settings, random_state)
            good = network.state()
            monitored = _record_losses(objective, record, loss, validation)
            _print_losses(record, settings.verbose)
            if patience.improved(monitored):
                best = good
            _schedule(optimizer, settings, seen=record.n_iter * len(rows))
            if patience.is_over:
                if not _slow_down(optimizer, settings):
                    break
                patience.stale = 0
        else:
            _warn_not_converged(
                f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached"
            )
    except NonFiniteLossError as error:
        network.load(good)
        _warn_non_finite(record.n_iter + 1, str(error))
    except KeyboardInterrupt:
        _warn_interrupted()
    if validation is not None:
        network.load(best)
    final_loss = objective.mean_nll(probe)
    if not np.isfinite(final_loss):
        network.load(start)
        _warn_non_finite(record.n_iter, "after its last step")
    elif final_loss > null_loss + 1:
        _warn_diverged(final_loss, null_loss)
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
    return total / len(rows)


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
    record.n_iter += 1
    record.loss_curve.append(loss + objective.log_jacobian)
    if validation is None:
        return record.loss_curve[-1]
    record.validation_curve.append(objective.mean_nll(validation) + objective.log_jacobian)
    return record.validation_curve[-1]


def _print_losses(record: Record, verbose: bool | int) -> None:
    if not verbose:
        return
    message = f"Iteration {record.n_iter}, loss = {record.loss_curve[-1]:.8f}"
    if record.validation_curve:
        message += f", validation loss = {record.validation_curve[-1]:.8f}"
    print(message)


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


class _FlatObjective:
    """The objective over all rows as scipy wants it: a function of one float64 vector."""

    def __init__(self, objective: Objective, rows: Rows):
        self.objective = objective
        self.rows = rows
        self.loss = np.nan
        self._evaluated = False

    @property
    def flat(self) -> np.ndarray:
        return self.objective.network.weights.double().numpy().ravel().copy()

    def load(self, flat: np.ndarray) -> None:
        weights = self.objective.network.weights
        weights.copy_(torch.from_numpy(flat).reshape(weights.shape))

    def __call__(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        self.load(flat)
        try:
            self.loss, gradient = self.objective.gradient(self.rows, momentum=1.0)
        except NonFiniteLossError:
            if not self._evaluated:
                raise
            # A line search went too far; a wall sends it back.
            return 1e100, np.zeros_like(flat)
        self._evaluated = True
        value = self.loss + self.objective.penalty(len(self.rows)).sum().item()
        return value, gradient.double().numpy().ravel()


def fit_lbfgs(objective: Objective, rows: Rows, settings: Settings) -> Record:
    """Minimise over all rows at once by scipy's L-BFGS-B; the penalty counts, the record does not.

    Minimisation ends where the largest component of the gradient falls below ``tol``, or where
    rounding allows no further descent.
    """
    record, function = Record(), _FlatObjective(objective, rows)
    good = function.flat

    def note(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        good[:] = intermediate_result.x
        record.n_iter += 1
        record.loss_curve.append(function.loss + objective.log_jacobian)
        _print_losses(record, settings.verbose)

    try:
        result = scipy.optimize.minimize(
            function,
            good.copy(),
            jac=True,
            method="L-BFGS-B",
            callback=note,
            options={
                "maxiter": settings.max_iter,
                "maxfun": settings.max_fun,
                "gtol": settings.tol,
                "ftol": 64 * np.finfo(float).eps,
            },
        )
        if result.status == 1:
            _warn_not_converged(
                f"lbfgs: max_iter={settings.max_iter} iterations or max_fun={settings.max_fun} "
                "function calls reached"
            )
    except NonFiniteLossError as error:
        _warn_non_finite(record.n_iter + 1, str(error))
    except KeyboardInterrupt:
        _warn_interrupted()
    function.load(good)
    # Leaves the running statistics of batch normalisation at those of the final weights.
    objective.network(rows.x, rows.weight, momentum=1.0)
    return record


def _warn_not_converged(limit: str) -> None:
    warnings.warn(
        f"{limit} and the optimization hasn't converged yet.", ConvergenceWarning, stacklevel=6
    )


def _warn_interrupted() -> None:
    warnings.warn("Training interrupted by user.", stacklevel=6)


def _warn_non_finite(iteration: int, culprit: str) -> None:
    warnings.warn(
        f"Training met a non-finite loss in iteration {iteration}: {culprit}. The weights of the "
        "last good iteration are kept. Lower learning_rate_init, or scale X.",
        ConvergenceWarning,
        stacklevel=6,
    )


def _warn_diverged(loss: float, null_loss: float) -> None:
    warnings.warn(
        f"Training diverged: it ended at a loss of {loss:.3g} nats a row, above the "
        f"{null_loss:.3g} of the fit without x that it started from (on the first batch, in "
        "training's units). Lower learning_rate_init, or scale X.",
        ConvergenceWarning,
        stacklevel=6,
    )
