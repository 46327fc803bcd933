"""How are the weights found by all rows at once?"""

import math
from collections.abc import Callable

import numpy as np
import scipy.optimize
import torch
from torch import Tensor

from .._data.rows import MemberRows
from .._data.sparse import as_dense
from .._network.network import Network
from .._network.weights import Weights
from .boundary import AtEnd, parameters_at_ends, warn_at_ends
from .column_checks import columns_switched_off
from .hyperparameters import SolverSettings
from .monitor import FitMonitor
from .objective import Objective
from .record import NonFiniteStartError, Record, warn_not_converged
from .restarts import Block, best_from_simpler_models

_NUMBERS_AT_ONCE = 2**22
"""Numbers of X that go through the network together, to bound what it makes of them."""


def fit_lbfgs(
    objective: Objective, rows: MemberRows, settings: SolverSettings, monitor: FitMonitor
) -> Record:
    """Minimize over all rows at once, each member on its own; see `_Descent`.

    Where a callback stops a member, the next ones get as many iterations. An interrupt is kept by
    the monitor where no member is left without any.
    """
    records: list[Record] = []
    n_members = len(objective.network)
    for k in range(n_members):
        end = records[0].n_iter if records and records[0].is_stopped else None
        descent = _Descent(objective, k, rows, settings, monitor, end)
        try:
            descent.run()
        except KeyboardInterrupt as interrupt:
            monitor.end_by(interrupt, descent.n_iter if k + 1 == n_members else 0)
        records.append(descent.finish())
    n_iter = max(record.n_iter for record in records)
    curves = [
        np.pad(curve, (0, n_iter - len(curve)), mode="edge")
        for curve in (record.loss_curve for record in records)
        if curve
    ]
    return Record(loss_curve=np.mean(curves, axis=0).tolist() if curves else [], n_iter=n_iter)


class _Descent:
    """The way of one member to the minimum over all rows, by scipy's L-BFGS-B.

    Minimization ends where the largest component of the gradient, with X standardized, falls below
    ``tol``. Where rounding, or a kink as the Laplace distribution has, ends it before, it starts
    again from there with a fresh memory, as long as that helps. It stops after `end` iterations, or
    when a callback says so where there is no such end.

    A linear network whose parameters have run to an end of their range may have stopped on a ridge,
    or at a lesser maximum. It is then searched for from the maxima of simpler models, too.

    Attributes
    ----------
    n_iter : int
        Iterations that led to the weights that are kept.
    """

    def __init__(
        self,
        objective: Objective,
        k: int,
        rows: MemberRows,
        settings: SolverSettings,
        monitor: FitMonitor,
        end: int | None,
    ):
        self._network = objective.network
        self._function = _StandardizedObjective(objective.member(k), rows)
        self._log_jacobian = rows.log_jacobian.item()
        self._settings = settings
        self._monitor = monitor
        self._end = end
        self._null = self._function.flat
        self._good, self.n_iter = self._null.copy(), 0
        self._record = Record()

    def run(self) -> None:
        """Minimize."""
        self._monitor.begin()
        if self._minimize() and not self._network.architecture.hidden:
            self._leave_ends()

    def finish(self) -> Record:
        """Leave the last good weights in the network, and return the record of how they came."""
        self._function.finish(self._good)
        self._record.cut(self.n_iter)
        return self._record

    def _leave_ends(self) -> None:
        """Try other ways where parameters ran to an end of their range; warn if they stay there."""
        ends = self._ends()
        if ends and self._starts_without_x:
            best = self._good
            for output in np.flatnonzero(np.any([end.outputs for end in ends], axis=0)):
                head = self._function.objective.head
                best = best_from_simpler_models(
                    self._function,
                    self._null,
                    best,
                    Block(self._network.architecture, head, int(output)),
                    tol=self._settings.tol,
                    max_fun=self._settings.max_fun,
                )
            if best is not self._good:
                self._good = best
                self._minimize()
                ends = self._ends()
        warn_at_ends(ends)

    @property
    def _starts_without_x(self) -> bool:
        """Whether the start was the fit without x, and not an earlier fit."""
        start = Weights(self._network.architecture, torch.from_numpy(self._null)[None])
        return not start.layers[-1].matrix.any()

    def _ends(self) -> list[AtEnd]:
        self._function.load(self._good)
        return parameters_at_ends(self._function.objective, self._function.rows)

    def _minimize(self) -> bool:
        """Start again where a run ended before its time, as long as that helps; tell if it ended.

        A callback or a limit may have stopped it instead.
        """
        settings, record, function = self._settings, self._record, self._function
        value = np.inf
        while record.n_iter < settings.max_iter and function.n_calls < settings.max_fun:
            result = self._one_run()
            least_gain = 1e-8 * max(1.0, abs(result.fun))
            is_converged = np.abs(result.jac).max(initial=0) <= settings.tol
            if record.is_stopped or is_converged or result.fun > value - least_gain:
                return not record.is_stopped
            value = result.fun
        warn_not_converged(
            f"lbfgs: max_iter={settings.max_iter} iterations or max_fun={settings.max_fun} "
            "function calls reached"
        )
        return False

    def _one_run(self) -> scipy.optimize.OptimizeResult:
        options = {
            "maxiter": self._settings.max_iter - self._record.n_iter,
            "maxfun": self._settings.max_fun - self._function.n_calls,
            "gtol": self._settings.tol,
            "ftol": 64 * np.finfo(float).eps,
        }
        return scipy.optimize.minimize(
            self._function,
            self._good.copy(),
            jac=True,
            method="L-BFGS-B",
            callback=self._note,
            options=options,
        )

    def _note(self, intermediate_result: scipy.optimize.OptimizeResult) -> None:
        """Take note of an iteration; a StopIteration ends the run."""
        record = self._record
        record.n_iter += 1
        record.loss_curve.append(self._function.loss + self._log_jacobian)
        # At once, so that an interrupt finds the weights of one iteration, and the number of it.
        self._good, self.n_iter = intermediate_result.x.copy(), record.n_iter
        stops = self._monitor.end(record, self._present)
        if stops if self._end is None else record.n_iter >= self._end:
            record.is_stopped = True
            raise StopIteration
        if record.n_iter < self._settings.max_iter:
            self._monitor.begin()

    def _present(self) -> Network:
        self._function.load(self._good)
        return self._network


class _StandardizedObjective:
    """The objective over all rows as scipy wants it: a function of one float64 vector.

    The first layer is expressed for standardized columns of X, which changes neither the objective
    nor its minimum, but lets L-BFGS find it whatever the units of X.
    """

    _WALL = 1e3
    """Height above the start, in nats a row, of the wall that sends a line search back."""

    def __init__(self, objective: Objective, rows: MemberRows):
        self.objective = objective
        self.network = objective.network
        self._architecture = objective.network.architecture
        self.rows = rows
        self.loss = math.nan
        self.n_calls = 0
        self._mean, self._spread = _mean_and_spread(rows, self._rows_at_once)
        penalized = self._spread_of_penalty()
        is_off = columns_switched_off(self._mean, self._spread, penalized, objective.x_unit)
        self._spread = torch.where(is_off, penalized, self._spread)
        self._first_value = math.inf

    @property
    def flat(self) -> np.ndarray:
        """The network's present weights in this function's terms."""
        standard = Weights(self._architecture, self.network.weights.flat.double().clone())
        standard.unfold_inputs(self._mean, self._spread)
        return standard.flat.cpu().numpy().ravel()

    def load(self, flat: np.ndarray) -> None:
        """Put these weights into the network."""
        present = self.network.weights.flat
        values = torch.from_numpy(flat.copy()).reshape(present.shape).to(present.device)
        Weights(self._architecture, values).fold_inputs(self._mean, self._spread)
        present.copy_(values)

    def __call__(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        self.load(flat)
        self.n_calls += 1
        gradient = self._loss_and_gradient()
        if not math.isfinite(self.loss):
            return self._first_value + self._WALL, np.zeros_like(flat)
        penalty = self.objective.penalty
        penalty.add_gradient(gradient, len(self.rows))
        value = self.loss + penalty.value(len(self.rows)).item()
        if self.n_calls == 1:
            self._first_value = value
        if value > self._first_value + self._WALL:
            return self._first_value + self._WALL, np.zeros_like(flat)
        return value, self._standardize(gradient).cpu().numpy().ravel()

    def _loss_and_gradient(self) -> Tensor:
        """Sum the loss, and its gradient, over blocks of rows; one block for batch norm."""
        self.loss = 0.0
        total = torch.zeros_like(self.network.weights.flat, dtype=torch.float64)
        for block in self.rows.batches(self._rows_at_once):
            loss, gradient = self.objective.gradient(block, momentum=1.0)
            self.loss += loss.item() * len(block) / len(self.rows)
            total.add_(gradient, alpha=len(block) / len(self.rows))
            if self.n_calls == 1 and not math.isfinite(self.loss):
                raise NonFiniteStartError(self.objective.culprit(block, ~loss.isfinite()))
        return total

    @property
    def _rows_at_once(self) -> int:
        if self._architecture.batch_norm:
            return len(self.rows)
        return min(len(self.rows), max(1, _NUMBERS_AT_ONCE // self.rows.shared.x.shape[1]))

    def _spread_of_penalty(self) -> Tensor:
        """Return the spread of columns that would curve the loss as much as the penalty does."""
        curvature = self.objective.penalty.curvature(len(self.rows))
        matrix = Weights(self._architecture, curvature).layers[0].matrix
        if not matrix.shape[2]:  # nothing depends on x
            return torch.zeros_like(self._spread)
        return matrix.amax(dim=(0, 2)).sqrt().to(self._spread.dtype)

    def _standardize(self, gradient: Tensor) -> Tensor:
        """Express the gradient in this function's terms, by the chain rule."""
        matrix, bias, gain = Weights(self._architecture, gradient).layers[0]
        if gain is None:
            matrix.sub_(self._mean[:, None] * bias)
        matrix.div_(self._spread[:, None])
        return gradient

    def finish(self, flat: np.ndarray) -> None:
        """Leave these weights in the network, and their statistics for batch normalization."""
        self.load(flat)
        if self._architecture.batch_norm:
            everyone = self.rows[slice(None)]
            self.network.settle_statistics(everyone.x, everyone.weight)


def _mean_and_spread(rows: MemberRows, rows_at_once: int) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each column of X; 1 where it does not vary."""

    def mean_of(function: Callable[[Tensor], Tensor]) -> Tensor:
        parts = [
            (block.weight[:, None] * function(as_dense(block.x))).sum(dim=0)
            for block in rows.batches(rows_at_once)
        ]
        return torch.stack(parts).sum(dim=0) / rows.total_weight

    mean = mean_of(lambda x: x)
    spread = mean_of(lambda x: (x - mean).square()).sqrt()
    rounding = 10 * torch.finfo(spread.dtype).eps * mean.abs()
    return mean, torch.where(spread > rounding, spread, 1.0)
