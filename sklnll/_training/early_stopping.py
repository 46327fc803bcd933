"""Which members of a network still train, and which weights are kept of each?"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .._network.network import Network

State = tuple[Tensor, Tensor]
"""Weights and statistics of a network."""


class EarlyStopping:
    """The rule that ends the training of each member, and keeps its last or its best weights.

    Training of a member is over after `n_iter_no_change` epochs without improvement by more than
    `tol`, as for scikit-learn's perceptrons, or when its loss is no longer finite.

    Parameters
    ----------
    network : Network
        At its start.
    tol, n_iter_no_change : float
    keep_best : bool
        Whether the weights with the least loss are kept, or the last ones.

    Attributes
    ----------
    training : Tensor of bool, of shape (n_members,)
        Which members still train.
    n_noted : int
        Epochs of which note was taken.
    """

    def __init__(self, network: Network, tol: float, n_iter_no_change: float, *, keep_best: bool):
        n_members, device = len(network), network.weights.flat.device
        self.keep_best = keep_best
        self.training = torch.ones(n_members, dtype=torch.bool, device=device)
        self._network = network
        self._tol = tol
        self._n_iter_no_change = n_iter_no_change
        self._best = torch.full((n_members,), math.inf, dtype=torch.float64, device=device)
        self._n_stalls = torch.zeros(n_members, device=device)
        self._start = self._kept = network.state()
        self.n_noted = 0

    def note(self, losses: Tensor) -> None:
        """Take note of the losses, of shape (n_members,), that decide about an epoch."""
        better = self.training & (losses < self._best)
        stalls = losses > self._best - self._tol
        self._n_stalls = torch.where(stalls, self._n_stalls + 1, 0.0)
        self._best = torch.where(better, losses, self._best)
        now = self._network.weights.flat, self._network.statistics
        kept = _replaced(self._kept, now, better if self.keep_best else self.training)
        # At once, so that an interrupt finds the weights of one epoch, and the number of it.
        self._kept, self.n_noted = kept, self.n_noted + 1

    @property
    def are_stale(self) -> Tensor:
        """Which members have not improved for too long, or train no more."""
        return (self._n_stalls > self._n_iter_no_change) | ~self.training

    def forgive(self) -> None:
        """Give all members as many epochs again."""
        self._n_stalls.zero_()

    def retire(self, members: Tensor) -> None:
        """End the training of these members, of which the kept weights remain."""
        self.training = self.training & ~members

    def load_kept(self) -> None:
        """Put the kept weights into the network."""
        self._network.load_state(self._kept)

    def load_start(self, members: Tensor) -> None:
        """Put the weights that training started from into the network, for these members."""
        self._network.load_state(_replaced(self._network.state(), self._start, members))


def _replaced(old: State, new: State, members: Tensor) -> State:
    """Copy a state in which these members are those of another one."""
    if members.all():
        return new[0].clone(), new[1].clone()
    weights, statistics = (
        torch.where(members.view(-1, *(1,) * (of_new.ndim - 1)), of_new, of_old)
        for of_old, of_new in zip(old, new, strict=True)
    )
    return weights, statistics
