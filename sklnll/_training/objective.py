"""What does training minimize? The penalized negative log-likelihood of a network."""

from __future__ import annotations

import torch
from torch import Tensor

from .._data.rows import MemberRows, Rows
from .._network.head import Head
from .._network.layers import Mode
from .._network.network import Network, Pass
from .penalty import Penalty


class Objective:
    """The negative log-likelihood of a network, and its penalty: what the solvers minimize.

    Parameters
    ----------
    network : Network
        At its start.
    head : Head
    alpha, mean_weight, x_unit
        As `Penalty` takes them.
    """

    def __init__(
        self,
        network: Network,
        head: Head,
        alpha: float,
        mean_weight: float,
        x_unit: Tensor | None = None,
    ):
        self.network = network
        self.head = head
        self.alpha = alpha
        self.mean_weight = mean_weight
        self.x_unit = x_unit
        self.penalty = Penalty(network.weights, head, alpha, mean_weight, x_unit)
        self._passes: dict[int, Pass] = {}

    def member(self, k: int) -> Objective:
        """Return the objective of one member, which changes with it."""
        network = self.network.member(k)
        return Objective(network, self.head, self.alpha, self.mean_weight, self.x_unit)

    def nll(self, rows: Rows) -> Tensor:
        """Return the weighted sum of the rows' losses over their number; shape (n_members,)."""
        raw, constants = self._pass(len(rows)).forward(rows.x, Mode())
        return (rows.weight * self.head.nll(raw, constants, rows.y, rows.exposure)).mean(dim=-1)

    def mean_nll(self, rows: MemberRows) -> Tensor:
        """Return the loss as prediction sees it: each member's weighted mean, in y's units."""
        blocks = rows.batches(min(len(rows), self.network.rows_at_once))
        total = torch.stack([self.nll(block) * len(block) for block in blocks]).sum(dim=0)
        return total / rows.total_weight + rows.log_jacobian

    def gradient(
        self, rows: Rows, *, momentum: float, annealing: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Compute each member's loss, and its gradient, both without the penalty.

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
            In memory that the next call for equally many rows takes again.
        """
        one_pass = self._pass(len(rows))
        raw, constants = one_pass.forward(rows.x, Mode(rows.weight, momentum, drop=True))
        loss, d_raw, d_constants = self.head.gradient(
            raw, constants, rows.y, rows.weight, rows.exposure, annealing=annealing
        )
        return loss, one_pass.backward(d_raw, d_constants)

    def _pass(self, n_rows: int) -> Pass:
        """Keep a pass for each number of rows: batches, and blocks, have at most two sizes."""
        if n_rows not in self._passes:
            self._passes[n_rows] = Pass(self.network, n_rows)
        return self._passes[n_rows]

    def culprit(self, rows: Rows, members: Tensor) -> str:
        """Name what made the loss of these rows non-finite for some members."""
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
