"""Which weights does training judge and keep? Their running average, not those of the last step."""

from __future__ import annotations

from .._network.network import Network

_LAG = 10.0
"""Steps by which the average forgets its start more slowly than its decay says at first."""


class RunningAverage:
    """The exponential moving average of a network's weights over the steps of training.

    Single steps scatter around what they descend to, the farther the larger they are; their average
    does not. Steps go on from where they were, and between epochs the average takes their place.

    Parameters
    ----------
    network : Network
    decay : float
        Share of the average that remains at each step, but for the first few; 0 is no average.

    References
    ----------
    B. Polyak and A. Juditsky (1992). Acceleration of stochastic approximation by averaging.
    doi:10.1137/0330046. P. Izmailov et al. (2018). Averaging weights leads to wider optima and
    better generalization. arXiv:1803.05407
    """

    def __init__(self, network: Network, decay: float):
        self._weights = network.weights.flat
        self._decay = decay
        self._average = self._weights.clone()
        self._last = self._weights.clone()
        self._n_steps = 0

    def note_step(self) -> None:
        """Take the weights after a step into the average."""
        if not self._decay:
            return
        self._n_steps += 1
        decay = min(self._decay, self._n_steps / (self._n_steps + _LAG))
        self._average.lerp_(self._weights, 1 - decay)

    def enter(self) -> None:
        """Put the average in the place of the network's weights."""
        if self._decay:
            self._last.copy_(self._weights)
            self._weights.copy_(self._average)

    def leave(self) -> None:
        """Put the weights of the last step back."""
        if self._decay:
            self._weights.copy_(self._last)
