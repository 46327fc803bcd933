"""What does a solver note, and say, on the way?"""

from dataclasses import dataclass, field

from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from .._messages import warn_user


@dataclass
class Record:
    """The record of training; losses are mean negative log-likelihoods, in y's units.

    The losses of several members are averaged. `is_stopped` says whether a callback ended training.
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_curve: list[float] = field(default_factory=list)
    best_validation_loss: float | None = None
    n_iter: int = 0
    is_stopped: bool = False

    def note(self, losses: Tensor, held_losses: Tensor | None, training: Tensor) -> None:
        """Note the losses of an epoch, averaged over the members that still train."""
        self.n_iter += 1
        self.loss_curve.append(losses[training].mean().item())
        if held_losses is not None:
            self.validation_curve.append(held_losses[training].mean().item())

    def cut(self, n_iter: int) -> None:
        """Go back to the first epochs: an interrupt may come where half of one is noted."""
        self.n_iter = n_iter
        del self.loss_curve[n_iter:], self.validation_curve[n_iter:]


class NonFiniteStartError(ArithmeticError):
    """The loss is NaN or infinite before training; there are no good weights to keep.

    Parameters
    ----------
    culprit : str
        Says where it came from.
    """

    def __init__(self, culprit: str):
        super().__init__(
            "Training cannot begin: the loss of its start (the fit without x, or the fit that it "
            f"goes on with) is not finite: {culprit}."
        )


def warn_not_converged(limit: str) -> None:
    """Warn that training reached a limit before its end."""
    warn_user(
        f"{limit} and the optimization hasn't converged yet. Increase it, or raise tol.",
        ConvergenceWarning,
    )


def warn_non_finite(iteration: int, culprit: str) -> None:
    """Warn that training had to stop, and where."""
    kept = "start, the fit without x or the fit that it went on with, is"
    if iteration > 1:
        kept = f"weights of iteration {iteration - 1}, the last good one, are"
    warn_user(
        f"Training met a non-finite loss in iteration {iteration}: {culprit}. The {kept} kept. "
        "Lower learning_rate_init, and use x_scaling='robust'.",
        ConvergenceWarning,
    )


def warn_diverged(loss: float, start_loss: float) -> None:
    """Warn that training ended worse than it started."""
    warn_user(
        f"Training diverged: it ended at a loss of {loss:.3g} nats a row, above the "
        f"{start_loss:.3g} that it started from (the fit without x, or the one that it went on "
        "with), which is kept instead. "
        "Lower learning_rate_init, and use x_scaling='robust'.",
        ConvergenceWarning,
    )
