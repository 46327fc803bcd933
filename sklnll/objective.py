"""What does training minimise? The penalised negative log-likelihood of a network."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from sklearn.utils import gen_batches
from torch import Tensor

from .head import Head
from .network import Network, penalty_origin, penalty_shares

ROWS_AT_ONCE = 10_000
"""Rows that are evaluated together outside of training, to bound the memory it takes."""


@dataclass(frozen=True)
class Rows:
    """Rows as tensors.

    An axis of members may stand before that of the rows, where each member has rows of its own.

    Parameters
    ----------
    x : Tensor of shape (n_samples, n_features)
        In the network's dtype.
    y : Tensor of shape (n_samples, n_outputs) or (n_samples, n_outputs, size)
        In training's units, float64.
    weight : Tensor of shape (n_samples,)
        With mean 1 over the rows of training and hold-out, float64.
    log_jacobian : Tensor of shape (n_samples,)
        What each row's loss gains on the way back to y's units, float64.
    exposure : Tensor of shape (n_samples, 1), optional
        How long each row was watched, float64.
    """

    x: Tensor
    y: Tensor
    weight: Tensor
    log_jacobian: Tensor
    exposure: Tensor | None = None

    def __len__(self) -> int:
        return self.weight.shape[-1]

    def __getitem__(self, index: Tensor | slice) -> "Rows":
        """The rows at these positions; of shape (n_members, n) for an axis of members."""
        exposure = None if self.exposure is None else self.exposure[index]
        return Rows(
            self.x[index], self.y[index], self.weight[index], self.log_jacobian[index], exposure
        )


@dataclass(frozen=True)
class MemberRows:
    """The rows of each member of a network, picked from those that all members share.

    Parameters
    ----------
    shared : Rows
    index : Tensor of shape (n_members, n_samples), optional
        Positions of each member's rows; all rows for every member where it is left out.
    """

    shared: Rows
    index: Tensor | None = None

    def __len__(self) -> int:
        return len(self.shared) if self.index is None else self.index.shape[1]

    def __getitem__(self, part: slice) -> Rows:
        return self.shared[part if self.index is None else self.index[:, part]]

    def blocks(self) -> Iterator[Rows]:
        """All rows, so many at once as memory bears."""
        return (self[block] for block in gen_batches(len(self), ROWS_AT_ONCE))

    @cached_property
    def total_weight(self) -> Tensor:
        """Sum of the weights of each member's rows."""
        weight = self.shared.weight
        return (weight if self.index is None else weight[self.index]).sum(dim=-1)

    @cached_property
    def log_jacobian(self) -> Tensor:
        """What each member's mean loss gains on the way back to y's units."""
        gain = self.shared.log_jacobian * self.shared.weight
        return (gain if self.index is None else gain[self.index]).sum(dim=-1) / self.total_weight


class Objective:
    """The penalised negative log-likelihood of a network: what the solvers minimise.

    Parameters
    ----------
    network : Network
        At its start.
    head : Head
    alpha : float
        Strength of the L2 penalty, as in scikit-learn's multi-layer perceptrons.
    mean_weight : float
        Mean of the rows' weights before they were divided by it: the penalty is shared by the
        rows' total weight, so that a weight of 2 means the row twice.
    """

    def __init__(self, network: Network, head: Head, alpha: float, mean_weight: float):
        self.network = network
        self.head = head
        self.alpha = alpha
        self.mean_weight = mean_weight
        last_units = torch.from_numpy(head.penalty_units).to(network.weights.dtype)
        last_biases = torch.from_numpy(head.penalised_biases)
        self._penalty_shares = penalty_shares(network, last_units, last_biases)
        self._penalty_origin = penalty_origin(network, last_biases)

    def member(self, k: int) -> "Objective":
        """The objective of one member, which changes with it."""
        return Objective(self.network.member(k), self.head, self.alpha, self.mean_weight)

    def nll(self, rows: Rows) -> Tensor:
        """Weighted sum of the rows' losses over their number; shape (n_members,)."""
        raw, constants = self.network(rows.x)
        return (rows.weight * self.head.nll(raw, constants, rows.y, rows.exposure)).mean(dim=-1)

    def _penalty_rate(self, n_rows: int) -> float:
        return self.alpha / (n_rows * self.mean_weight)

    def penalty(self, n_rows: int) -> Tensor:
        """L2 penalty of each member for a batch of `n_rows` rows."""
        away = self.network.weights.double() - self._penalty_origin
        squares = (self._penalty_shares * away.square()).sum(dim=1)
        return 0.5 * self._penalty_rate(n_rows) * squares

    def gradient(
        self, rows: Rows, *, momentum: float, annealing: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Each member's loss without the penalty, and the gradient of its objective.

        Parameters
        ----------
        rows : Rows
        momentum : float
            As the network takes it.
        annealing : float, default=0
            How much a row is weighted by the spread that is predicted for it: 0 is the likelihood,
            with 1 a normal location learns as from squared errors. The loss is not weighted.

        Returns
        -------
        loss : Tensor of shape (n_members,)
        gradient : Tensor of shape (n_members, n_weights)
        """
        weights = self.network.weights.requires_grad_()
        try:
            raw, constants = self.network(rows.x, rows.weight, momentum=momentum)
            nll, objective = self.head.losses(
                raw, constants, rows.y, rows.exposure, annealing=annealing
            )
            # Weights are normalised once over the training rows: a batch's own sum would cancel
            # them in small batches.
            (gradient,) = torch.autograd.grad((rows.weight * objective).mean(-1).sum(), weights)
        finally:
            weights.requires_grad_(False)
        loss = (rows.weight * nll.detach()).mean(dim=-1)
        away = weights - self._penalty_origin
        gradient.addcmul_(self._penalty_shares, away, value=self._penalty_rate(len(rows)))
        return loss, gradient

    @torch.no_grad()
    def mean_nll(self, rows: MemberRows) -> Tensor:
        """The loss as prediction sees it, in y's units: each member's weighted mean over rows."""
        total = torch.stack([self.nll(block) * len(block) for block in rows.blocks()]).sum(dim=0)
        return total / rows.total_weight + rows.log_jacobian

    @torch.no_grad()
    def culprit(self, rows: Rows, members: Tensor) -> str:
        """Name the parameter that made the loss of these rows non-finite for some members."""
        raw, constants = (values[members] for values in self.network(rows.x))
        if not raw.isfinite().all():
            return "the network's outputs are not finite"
        params = self.head.params(raw, constants)
        for name, value in params.items():
            if not value.isfinite().all():
                return f"parameter {name!r} is not finite"
        family = type(self.head.distribution).__name__
        extremes = ", ".join(
            f"{name} from {value.min().item():.3g} to {value.max().item():.3g}"
            for name, value in params.items()
        )
        return f"the {family} likelihood overflows with {extremes} (in training's units)"
