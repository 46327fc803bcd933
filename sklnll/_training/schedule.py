"""How far does each step go, and how much of the likelihood does it follow by then?"""

from __future__ import annotations

import math

from .hyperparameters import SolverSettings

_LEAST_LEARNING_RATE = 1e-6
_WARM_UP = 0.05
"""Share of training in which a "cosine" rate rises."""


class Schedule:
    """Step sizes, which stay the same here; the base of those that change.

    Parameters
    ----------
    settings : SolverSettings
    n_steps : int
        Most steps, over which rates fall and annealing ends.
    """

    is_adaptive = False
    """Whether stalled training goes on with smaller steps."""

    def __init__(self, settings: SolverSettings, n_steps: int):
        self.rate = settings.learning_rate_init
        self._n_steps = n_steps
        self._annealed_steps = settings.annealing * n_steps
        self._n_done = 0

    @property
    def annealing(self) -> float:
        """Exponent of the width in a row's weight at the next step: it falls from 1 to 0."""
        span = self._annealed_steps
        return max(0.0, 1 - self._n_done / span) if span else 0.0

    def next_rate(self) -> float:
        """Count a step, and return its size."""
        self._n_done += 1
        return self.rate

    def note_rows_seen(self, n_seen: int) -> None:
        """Take note of how many rows training has seen, repetitions counted."""

    def slow_down(self) -> bool:
        """Go on with smaller steps where training stalls; False where that is not meant."""
        return False


class Cosine(Schedule):
    """Step sizes that rise for a short while, and then fall to 0 along a cosine.

    References
    ----------
    I. Loshchilov and F. Hutter (2017). SGDR: stochastic gradient descent with warm restarts. ICLR.
    """

    def __init__(self, settings: SolverSettings, n_steps: int):
        super().__init__(settings, n_steps)
        self._largest = settings.learning_rate_init

    def next_rate(self) -> float:
        super().next_rate()
        # Between the ends of the step: neither the first nor the last has a rate of 0.
        progress = (self._n_done - 0.5) / self._n_steps
        self.rate = self._largest * _cosine(progress, _WARM_UP)
        return self.rate


class InverseScaling(Schedule):
    """Step sizes that shrink with the number of rows seen: rate / (n_seen + 1) ** power_t."""

    def __init__(self, settings: SolverSettings, n_steps: int):
        super().__init__(settings, n_steps)
        self._largest, self._power = settings.learning_rate_init, settings.power_t

    def note_rows_seen(self, n_seen: int) -> None:
        try:
            self.rate = self._largest / (n_seen + 1) ** self._power
        except OverflowError:
            self.rate = 0.0
        if self.rate == 0:
            raise ValueError(
                f"power_t={self._power:g} leaves steps of size 0 after {n_seen} rows: they are "
                "learning_rate_init / (rows + 1) ** power_t. Choose a power_t of about 0.5."
            )


class Adaptive(Schedule):
    """Step sizes that are divided by five each time training stalls."""

    is_adaptive = True

    def slow_down(self) -> bool:
        if self.rate <= _LEAST_LEARNING_RATE:
            return False
        self.rate /= 5
        return True


def _cosine(progress: float, warm_up: float) -> float:
    """Return the share of the largest step size that is due: it rises, then falls to 0."""
    return min(1.0, progress / warm_up) * (1 + math.cos(math.pi * progress)) / 2


_ONLY_FOR_SGD = {"invscaling": InverseScaling, "adaptive": Adaptive}


def make_schedule(settings: SolverSettings, n_steps: int) -> Schedule:
    """Choose the schedule that the settings name, over at most `n_steps` steps."""
    kind = Cosine if settings.learning_rate == "cosine" else Schedule
    if settings.solver == "sgd":
        kind = _ONLY_FOR_SGD.get(settings.learning_rate, kind)
    return kind(settings, n_steps)
