"""What does a solver take, note, and say on the way?"""

import warnings
from dataclasses import dataclass, field

from sklearn.exceptions import ConvergenceWarning


@dataclass(frozen=True)
class Settings:
    """The estimator's parameters that say how to train; see its docstring."""

    solver: str
    alpha: float
    batch_size: int
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
    weight_decay: float
    max_grad_norm: float | None
    annealing: float
    verbose: bool | int


@dataclass
class Record:
    """What happened while training; losses are negative log-likelihoods a row, in y's units.

    Those of several members are their mean.
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_curve: list[float] = field(default_factory=list)
    best_validation_loss: float | None = None
    n_iter: int = 0


def print_losses(record: Record, verbose: bool | int) -> None:
    """Print the newest losses, where `verbose` asks for it."""
    if not verbose:
        return
    message = f"Iteration {record.n_iter}, loss = {record.loss_curve[-1]:.8f}"
    if record.validation_curve:
        message += f", validation loss = {record.validation_curve[-1]:.8f}"
    print(message)


def warn_not_converged(limit: str) -> None:
    """Warn that training reached a limit before its end."""
    warnings.warn(
        f"{limit} and the optimization hasn't converged yet.", ConvergenceWarning, stacklevel=6
    )


def warn_interrupted() -> None:
    """Warn that the user stopped training."""
    warnings.warn("Training interrupted by user.", stacklevel=6)


def warn_non_finite(iteration: int, culprit: str) -> None:
    """Warn that training had to stop, and where."""
    warnings.warn(
        f"Training met a non-finite loss in iteration {iteration}: {culprit}. The weights of the "
        "last good iteration are kept. Lower learning_rate_init, or scale X.",
        ConvergenceWarning,
        stacklevel=7,
    )


def warn_diverged(loss: float, null_loss: float) -> None:
    """Warn that training ended worse than it started."""
    warnings.warn(
        f"Training diverged: it ended at a loss of {loss:.3g} nats a row, above the "
        f"{null_loss:.3g} of the fit without x that it started from, which is kept instead. "
        "Lower learning_rate_init, or scale X.",
        ConvergenceWarning,
        stacklevel=6,
    )
