"""Which members of a network still train, and which weights are kept of each?"""

import math

import torch
from torch import Tensor

from .._network.network import Network


class Members:
    """The members of a network while it trains.

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
        device = network.weights.device
        self.training = torch.ones(n_members, dtype=torch.bool, device=device)
        self.best = torch.full((n_members,), math.inf, dtype=torch.float64, device=device)
        self.stale = torch.zeros(n_members, device=device)
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
            if members.all():
                old.copy_(new)
            else:
                old[members] = new[members]
