"""How are the weights found by all rows at once?"""

import math

import numpy as np
import scipy.optimize
import torch
from torch import Tensor

from .network import Network
from .objective import Objective
from .progress import (
    Record,
    Settings,
    print_losses,
    warn_interrupted,
    warn_non_finite,
    warn_not_converged,
)
from .rows import MemberRows, Rows


class NonFiniteLossError(ArithmeticError):
    """The loss is NaN or infinite; the message says where it came from."""


def fit_lbfgs(objective: Objective, rows: MemberRows, settings: Settings) -> Record:
    """Minimise over all rows at once, each member on its own; see `_fit_member`."""
    n_members = len(objective.network.weights)
    records = [_fit_member(objective.member(k), rows, settings) for k in range(n_members)]
    n_iter = max(record.n_iter for record in records)
    curves = [
        np.pad(curve, (0, n_iter - len(curve)), mode="edge")
        for curve in (record.loss_curve for record in records)
        if curve
    ]
    return Record(loss_curve=np.mean(curves, axis=0).tolist() if curves else [], n_iter=n_iter)


def _fit_member(objective: Objective, rows: MemberRows, settings: Settings) -> Record:
    """Minimise over all rows at once by scipy's L-BFGS-B, to convergence.

    Minimisation ends where the largest component of the gradient, with X standardised, falls below
    ``tol``. Where rounding, or a kink as the Laplace distribution has, ends it before, it starts
    again from there with a fresh memory, as long as that helps.
    """
    record = Record()
    log_jacobian = rows.log_jacobian.item()
    function = _StandardisedObjective(objective, rows.shared)
    good = function.flat

    def note(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        good[:] = intermediate_result.x
        record.n_iter += 1
        record.loss_curve.append(function.loss + log_jacobian)
        print_losses(record, settings.verbose)

    try:
        value = np.inf
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


class _StandardisedObjective:
    """The objective over all rows as scipy wants it: a function of one float64 vector.

    The first layer is expressed for standardised columns of X, which changes neither the objective
    nor its minimum, but lets L-BFGS find it whatever the units of X.
    """

    _WALL = 1e3
    """Height above the start, in nats a row, of the wall that sends a line search back."""

    def __init__(self, objective: Objective, rows: Rows):
        self.objective = objective
        self.network = objective.network
        self.rows = rows
        self.loss = math.nan
        self.n_calls = 0
        share = (rows.weight / rows.weight.sum())[:, None]
        self._mean = (share * rows.x).sum(dim=0)
        spread = (share * (rows.x - self._mean).square()).sum(dim=0).sqrt()
        rounding = 10 * torch.finfo(spread.dtype).eps * self._mean.abs()
        self._spread = torch.where(spread > rounding, spread, 1.0)
        self._first_value = math.inf

    @property
    def flat(self) -> np.ndarray:
        """The network's present weights, in this function's terms."""
        standard = Network(self.network.architecture, self.network.weights.double().clone())
        matrix, bias, *gain = standard.layers()[0]
        if not gain:  # a normalised layer takes its batch's mean away by itself
            bias.add_((self._mean @ matrix).unsqueeze(1))
        matrix.mul_(self._spread[:, None])
        return standard.weights.cpu().numpy().ravel()

    def _load(self, flat: np.ndarray) -> None:
        present = self.network.weights
        weights = torch.from_numpy(flat.copy()).reshape(present.shape).to(present.device)
        Network(self.network.architecture, weights).fold_inputs(self._mean, self._spread)
        present.copy_(weights)

    def __call__(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        self._load(flat)
        self.n_calls += 1
        losses, gradient = self.objective.gradient(self.rows, momentum=1.0)
        self.loss = losses.item()
        if not math.isfinite(self.loss):
            if self.n_calls == 1:
                raise NonFiniteLossError(self.objective.culprit(self.rows, ~losses.isfinite()))
            return self._first_value + self._WALL, np.zeros_like(flat)
        value = self.loss + self.objective.penalty(len(self.rows)).item()
        if self.n_calls == 1:
            self._first_value = value
        if value > self._first_value + self._WALL:
            return self._first_value + self._WALL, np.zeros_like(flat)
        return value, self._standardise(gradient.double().clone()).cpu().numpy().ravel()

    def _standardise(self, gradient: Tensor) -> Tensor:
        """By the chain rule, the gradient in this function's terms."""
        matrix, bias, *gain = Network(self.network.architecture, gradient).layers()[0]
        if not gain:
            matrix.sub_(self._mean[:, None] * bias)
        matrix.div_(self._spread[:, None])
        return gradient

    def finish(self, flat: np.ndarray) -> None:
        """Leave these weights in the network, and their statistics for batch normalisation."""
        self._load(flat)
        if self.network.architecture.batch_norm:
            self.network.settle(self.rows.x, self.rows.weight)
