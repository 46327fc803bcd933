"""What does training minimize? The penalized negative log-likelihood of a network."""

import torch
from torch import Tensor

from .._data.rows import MemberRows, Rows
from .._network.head import Head
from .._network.layers import Mode
from .._network.network import Network, Pass, penalty_origin, penalty_shares


class Objective:
    """The penalized negative log-likelihood of a network: what the solvers minimize.

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
        last_units = torch.from_numpy(head.penalty_units).to(network.weights)
        last_biases = torch.from_numpy(head.penalized_biases).to(network.weights.device)
        self._penalty_shares = penalty_shares(network, last_units, last_biases)
        self._penalty_origin = penalty_origin(network, last_biases)
        self._has_origin = bool(head.penalized_biases.any())
        self._passes: dict[int, Pass] = {}

    def member(self, k: int) -> "Objective":
        """The objective of one member, which changes with it."""
        return Objective(self.network.member(k), self.head, self.alpha, self.mean_weight)

    def nll(self, rows: Rows) -> Tensor:
        """Weighted sum of the rows' losses over their number; shape (n_members,)."""
        raw, constants = self._pass(len(rows)).forward(rows.x, Mode())
        return (rows.weight * self.head.nll(raw, constants, rows.y, rows.exposure)).mean(dim=-1)

    def _penalty_rate(self, n_rows: int) -> float:
        return self.alpha / (n_rows * self.mean_weight)

    def penalize(self, gradient: Tensor, n_rows: int) -> None:
        """Add the gradient of the penalty for a batch of `n_rows` rows, in place."""
        if self.alpha:
            away = self.network.weights
            if self._has_origin:
                away = away - self._penalty_origin
            gradient.addcmul_(self._penalty_shares, away, value=self._penalty_rate(n_rows))

    def penalty(self, n_rows: int) -> Tensor:
        """L2 penalty of each member for a batch of `n_rows` rows."""
        away = self.network.weights.double() - self._penalty_origin
        squares = (self._penalty_shares * away.square()).sum(dim=1)
        return 0.5 * self._penalty_rate(n_rows) * squares

    def gradient(
        self, rows: Rows, *, momentum: float, annealing: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Each member's loss, and its gradient, both without the penalty.

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
            In memory that the next call for as many rows takes again.
        """
        one_pass = self._pass(len(rows))
        raw, constants = one_pass.forward(rows.x, Mode(rows.weight, momentum, drop=True))
        loss, d_raw, d_constants = self.head.gradient(
            raw, constants, rows.y, rows.weight, rows.exposure, annealing=annealing
        )
        return loss, one_pass.backward(d_raw, d_constants)

    def _pass(self, n_rows: int) -> Pass:
        """The pass of so many rows; there are two sizes of batches at most, and two of blocks."""
        if n_rows not in self._passes:
            self._passes[n_rows] = Pass(self.network, n_rows)
        return self._passes[n_rows]

    def mean_nll(self, rows: MemberRows) -> Tensor:
        """The loss as prediction sees it, in y's units: each member's weighted mean over rows."""
        blocks = rows.batches(min(len(rows), self.network.rows_at_once))
        total = torch.stack([self.nll(block) * len(block) for block in blocks]).sum(dim=0)
        return total / rows.total_weight + rows.log_jacobian

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
