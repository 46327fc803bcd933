"""How far does each step of an optimizer go, and what does it minimize by then?"""

import numpy as np
import torch
from torch import Tensor

from .._network.network import Network, matrix_shares
from .optimizers import SGD, Adam, clip, cosine, decay
from .record import Settings

_LEAST_LEARNING_RATE = 1e-6
_WARM_UP = 0.05
"""Share of training in which a "cosine" rate rises."""


class Steps:
    """The steps of an optimizer on a network's weights.

    Parameters
    ----------
    network : Network
    settings : Settings
    n_steps : int
        Most steps, over which rates fall and annealing ends.
    """

    def __init__(self, network: Network, settings: Settings, n_steps: int):
        self.settings = settings
        self.optimizer = _make_optimizer(network.weights, settings)
        self._shares = matrix_shares(network)
        self._n_steps = n_steps
        self._done = 0

    @property
    def annealing(self) -> float:
        """Exponent of the width in a row's weight at the next step: from 1 down to 0."""
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

    def memory(self) -> dict[str, np.ndarray]:
        """What the optimizer must know to go on later."""
        return {name: value.cpu().numpy() for name, value in self.optimizer.memory().items()}

    def forget(self, members: Tensor) -> None:
        """Let the optimizer begin anew for these members."""
        for value in self.optimizer.memory().values():
            if value.ndim:
                value[members] = 0

    def recall(self, memory: dict[str, np.ndarray]) -> None:
        """Go on with what `memory` returned; that of another optimizer is not used."""
        if memory.keys() == self.optimizer.memory().keys():
            self.optimizer.recall(**{name: torch.tensor(value) for name, value in memory.items()})

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
