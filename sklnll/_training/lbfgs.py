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
from .monitor import Watch
from .objective import Objective
from .record import (
    Record,
    Settings,
    warn_interrupted,
    warn_non_finite,
    warn_not_converged,
)

_NUMBERS_AT_ONCE = 2**22
"""Numbers of X that go through the network together, to bound what it makes of them."""


class NonFiniteLossError(ArithmeticError):
    """The loss is NaN or infinite; the message says where it came from."""


def fit_lbfgs(objective: Objective, rows: MemberRows, settings: Settings, watch: Watch) -> Record:
    """Minimize over all rows at once, each member on its own; see `_fit_member`.

    Where a callback stops a member, the next ones get as many iterations.
    """
    records: list[Record] = []
    for k in range(len(objective.network.weights)):
        end = records[0].n_iter if records and records[0].is_stopped else None
        records.append(_fit_member(objective, k, rows, settings, watch, end))
    n_iter = max(record.n_iter for record in records)
    curves = [
        np.pad(curve, (0, n_iter - len(curve)), mode="edge")
        for curve in (record.loss_curve for record in records)
        if curve
    ]
    return Record(loss_curve=np.mean(curves, axis=0).tolist() if curves else [], n_iter=n_iter)


def _fit_member(
    objective: Objective,
    k: int,
    rows: MemberRows,
    settings: Settings,
    watch: Watch,
    end: int | None,
) -> Record:
    """Minimize over all rows at once by scipy's L-BFGS-B, to convergence.

    Minimization ends where the largest component of the gradient, with X standardized, falls below
    ``tol``. Where rounding, or a kink as the Laplace distribution has, ends it before, it starts
    again from there with a fresh memory, as long as that helps. It stops after `end` iterations, or
    when a callback says so where there is no such end.
    """
    record = Record()
    log_jacobian = rows.log_jacobian.item()
    function = _StandardizedObjective(objective.member(k), rows)
    good = function.flat

    def present() -> Network:
        function.load(good)
        return objective.network

    def note(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        good[:] = intermediate_result.x
        record.n_iter += 1
        record.loss_curve.append(function.loss + log_jacobian)
        stops = watch.end(record, present)
        if stops if end is None else record.n_iter >= end:
            record.is_stopped = True
            raise StopIteration
        if record.n_iter < settings.max_iter:
            watch.begin()

    try:
        value = np.inf
        watch.begin()
        while record.n_iter < settings.max_iter and function.n_calls < settings.max_fun:
            options = {
                "maxiter": settings.max_iter - record.n_iter,
                "maxfun": settings.max_fun - function.n_calls,
                "gtol": settings.tol,
                "ftol": 64 * np.finfo(float).eps,
            }
            result = scipy.optimize.minimize(
                function, good.copy(), jac=True, method="L-BFGS-B", callback=note, options=options
            )
            least_gain = 1e-8 * max(1.0, abs(result.fun))
            if record.is_stopped:
                break
            if np.abs(result.jac).max(initial=0) <= settings.tol or result.fun > value - least_gain:
                break
            value = result.fun
        else:
            warn_not_converged(
                f"lbfgs: max_iter={settings.max_iter} iterations or max_fun={settings.max_fun} "
                "function calls reached"
            )
    except NonFiniteLossError as error:
        warn_non_finite(record.n_iter + 1, str(error))
    except KeyboardInterrupt:
        warn_interrupted()
    function.finish(good)
    return record


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
        self.rows = rows
        self.loss = math.nan
        self.n_calls = 0
        self._mean, self._spread = _mean_and_spread(rows, self._rows_at_once)
        self._first_value = math.inf

    @property
    def flat(self) -> np.ndarray:
        """The network's present weights, in this function's terms."""
        standard = Network(self.network.architecture, self.network.weights.double().clone())
        matrix, bias, *gain = standard.layers()[0]
        if not gain:  # a normalized layer takes its batch's mean away by itself
            bias.add_((self._mean @ matrix).unsqueeze(1))
        matrix.mul_(self._spread[:, None])
        return standard.weights.cpu().numpy().ravel()

    def load(self, flat: np.ndarray) -> None:
        """Take these weights for the network's."""
        present = self.network.weights
        weights = torch.from_numpy(flat.copy()).reshape(present.shape).to(present.device)
        Network(self.network.architecture, weights).fold_inputs(self._mean, self._spread)
        present.copy_(weights)

    def __call__(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        self.load(flat)
        self.n_calls += 1
        gradient = self._loss_and_gradient()
        if not math.isfinite(self.loss):
            return self._first_value + self._WALL, np.zeros_like(flat)
        self.objective.penalize(gradient, len(self.rows))
        value = self.loss + self.objective.penalty(len(self.rows)).item()
        if self.n_calls == 1:
            self._first_value = value
        if value > self._first_value + self._WALL:
            return self._first_value + self._WALL, np.zeros_like(flat)
        return value, self._standardize(gradient).cpu().numpy().ravel()

    def _loss_and_gradient(self) -> Tensor:
        """Sum the loss, and its gradient, over blocks of rows; one block for batch norm."""
        self.loss = 0.0
        total = torch.zeros_like(self.network.weights, dtype=torch.float64)
        for block in self.rows.batches(self._rows_at_once):
            loss, gradient = self.objective.gradient(block, momentum=1.0)
            self.loss += loss.item() * len(block) / len(self.rows)
            total.add_(gradient, alpha=len(block) / len(self.rows))
            if self.n_calls == 1 and not math.isfinite(self.loss):
                raise NonFiniteLossError(self.objective.culprit(block, ~loss.isfinite()))
        return total

    @property
    def _rows_at_once(self) -> int:
        if self.network.architecture.batch_norm:
            return len(self.rows)
        return min(len(self.rows), max(1, _NUMBERS_AT_ONCE // self.rows.shared.x.shape[1]))

    def _standardize(self, gradient: Tensor) -> Tensor:
        """By the chain rule, the gradient in this function's terms."""
        matrix, bias, *gain = Network(self.network.architecture, gradient).layers()[0]
        if not gain:
            matrix.sub_(self._mean[:, None] * bias)
        matrix.div_(self._spread[:, None])
        return gradient

    def finish(self, flat: np.ndarray) -> None:
        """Leave these weights in the network, and their statistics for batch normalization."""
        self.load(flat)
        if self.network.architecture.batch_norm:
            everyone = self.rows[slice(None)]
            self.network.settle(everyone.x, everyone.weight)


def _mean_and_spread(rows: MemberRows, rows_at_once: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each column of X; 1 where it does not vary."""

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
