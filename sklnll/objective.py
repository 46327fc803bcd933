"""What does training minimise? The penalised negative log-likelihood of a network."""

import math
from dataclasses import dataclass, replace

import torch
from sklearn.utils import gen_batches
from torch import Tensor

from .head import Head
from .network import Network, penalty_origin, penalty_shares

_ROWS_AT_ONCE = 10_000
"""Rows that are evaluated together outside of training, to bound the memory it takes."""


@dataclass(frozen=True)
class Rows:
    """Training rows as tensors.

    Parameters
    ----------
    x : Tensor of shape (n_samples, n_features)
        In the network's dtype.
    y : Tensor of shape (n_samples, n_outputs) or (n_samples, n_outputs, size)
        In training's units, float64.
    weight : Tensor of shape (n_samples,)
        With mean 1 over all training rows, float64.
    exposure : Tensor of shape (n_samples, 1), optional
        How long each row was watched, float64.
    log_jacobian : float
        Added to the mean loss of these rows in records, which are in y's units.
    """

    x: Tensor
    y: Tensor
    weight: Tensor
    exposure: Tensor | None = None
    log_jacobian: float = 0.0

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: Tensor | slice) -> "Rows":
        exposure = None if self.exposure is None else self.exposure[index]
        return replace(
            self,
            x=self.x[index],
            y=self.y[index],
            weight=self.weight[index],
            exposure=exposure,
        )


class NonFiniteLossError(ArithmeticError):
    """The loss is NaN or infinite; the message says where it came from."""


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

    def nll(self, rows: Rows, *, momentum: float | None = None) -> Tensor:
        """Weighted sum of the rows' losses over their number; shape (n_members,)."""
        # Weights are normalised once over the training rows: a batch's own sum would cancel them
        # in small batches.
        raw, constants = self.network(rows.x, rows.weight, momentum=momentum)
        return (rows.weight * self.head.nll(raw, constants, rows.y, rows.exposure)).mean(dim=-1)

    def _penalty_rate(self, n_rows: int) -> float:
        return self.alpha / (n_rows * self.mean_weight)

    def penalty(self, n_rows: int) -> Tensor:
        """L2 penalty of each member for a batch of `n_rows` rows."""
        away = self.network.weights.double() - self._penalty_origin
        squares = (self._penalty_shares * away.square()).sum(dim=1)
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
        away = weights - self._penalty_origin
        gradient.addcmul_(self._penalty_shares, away, value=self._penalty_rate(len(rows)))
        return loss, gradient

    @torch.no_grad()
    def mean_nll(self, rows: Rows) -> float:
        """The loss as prediction sees it: weighted mean over `rows`, mean over members."""
        total = sum(
            (self.nll(rows[block]) * len(rows.x[block])).mean().item()
            for block in gen_batches(len(rows), _ROWS_AT_ONCE)
        )
        return total / rows.weight.sum().item()

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
