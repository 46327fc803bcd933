"""Families for a y that is a row of numbers: correlated outputs, compositions."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import special, stats
from torch import Tensor

from .._laws.protocols import FrozenVectorLaw
from .._numerics.arrays import in_numpy
from .._numerics.special import HALF_LOG_2PI, log_ratio_deviance, stirling_error, stirling_slope
from ._base import Distribution
from ._supports import REAL, SHARES
from .links import capped_log, cholesky_factor, positive, simplex, vector
from .real import Normal
from .unit import Beta

__all__ = ["Dirichlet", "MultivariateNormal", "VectorDistribution"]

_ROUNDING_OF_SUMS = 1e-6
"""A row of shares may miss 1 by so much, relatively: the rounding of single precision, or of six
digits."""


class VectorDistribution(Distribution):
    """The y of a vector family is a row of numbers that depend on each other; abstract.

    Parameters given as arrays have rows on the first axis.
    """

    event_ndim = 1

    member_ndim: ClassVar[int] = 0
    """The parameters have so many axes between those of rows and components."""

    def size(self, params: Mapping[str, np.ndarray]) -> int:
        """Return the number of components."""
        return next(iter(params.values())).shape[1]

    def frozen(self, *args: Any, **params: Any) -> FrozenVectorLaw:  # type: ignore[override]
        """Return scipy's frozen distribution for one set of parameters."""
        raise NotImplementedError(f"{type(self).__name__} does not implement frozen")

    @abstractmethod
    def marginals(self, *args: Any, **params: Any) -> tuple[Distribution, dict[str, np.ndarray]]:
        """Return the family of each component alone, and its parameters, of (n_samples, size)."""

    @abstractmethod
    def cov(self, *args: Any, **params: Any) -> np.ndarray:
        """Return the covariance matrices, of shape (n_samples, size, size)."""

    @abstractmethod
    def entropy(self, *args: Any, **params: Any) -> np.ndarray:
        """Return the differential entropy in nats, of shape (n_samples,)."""

    @abstractmethod
    def rvs(self, size: int, random_state: Any, *args: Any, **params: Any) -> np.ndarray:
        """Draw `size` rows from each distribution; of shape (n_samples, size, components)."""

    def condition(
        self, params: dict[str, np.ndarray], known: list[int], values: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return the parameters of all others, given `values` (n_samples, n_known) of these."""
        raise NotImplementedError(f"{type(self).__name__} does not implement condition")

    def widened(self, params: dict[str, Any], factor: float) -> dict[str, Any]:
        raise self._no_scale()

    def contains(self, y: np.ndarray) -> np.ndarray:
        """Say whether each row, on the last axis of `y`, lies in the support."""
        return np.all(self.support.contains(y), axis=-1)

    def check_target(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> None:
        if y.ndim != 2 or y.shape[1] < self._least_size:
            raise ValueError(
                f"{name} must be 2-d for {self!r}, a column for each component; got shape "
                f"{y.shape}. Give a {name} of at least two columns, or use {self._alone!r}."
            )
        super().check_target(y, name, exposure)

    _alone: ClassVar[str]
    """This is the name of the family for a y of one column."""
    _least_size: ClassVar[int] = 1


class MultivariateNormal(VectorDistribution):
    """The multivariate normal distribution suits several real outputs whose errors are correlated.

    Support: all real vectors, of D components. Density, with z the solution of
    scale_tril @ z = y - loc::

        p(y) = exp(-sum(z**2) / 2) / ((2 pi) ** (D / 2) * prod(diag(scale_tril)))

    The covariance matrix is scale_tril @ scale_tril.T. With ``scale_tril="constant"`` a linear
    model is least squares for each output, with the covariance of the residuals. Where the outputs
    do not depend on each other given x, `Normal` with a 2-d y has fewer parameters: this family
    has D (D + 3) / 2, which with many components and few rows asks for a constant `scale_tril`.

    Parameters
    ----------
    loc : None or "constant", default=None
        Mean vector, in y's units.
    scale_tril : None or "constant", default=None
        Cholesky factor of the covariance matrix: lower triangular with a positive diagonal; each
        row in the units of its component. Softplus link of the diagonal, which stays above 1e-4
        of the component's spread; identity below.

    References
    ----------
    P. Williams (1996). Using neural networks to model conditional multivariate densities.
    doi:10.1162/neco.1996.8.4.843
    """

    support = REAL
    parameters: ClassVar = {"loc": vector, "scale_tril": cholesky_factor}
    _alone = "normal"

    def __init__(self, loc: Any = None, scale_tril: Any = None):
        self.loc = loc
        self.scale_tril = scale_tril

    width_parameter = "scale_tril"

    def squared_width(self, params: Mapping[str, Tensor]) -> Tensor:
        return params["scale_tril"].square().mean(dim=(-1, -2))

    def log_prob(self, y: Tensor, loc: Tensor, scale_tril: Tensor) -> Tensor:
        z = _solve(scale_tril, y - loc)
        log_det = torch.log(scale_tril.diagonal(dim1=-2, dim2=-1))
        return (-0.5 * z * z - log_det - HALF_LOG_2PI).sum(dim=-1)

    def frozen(  # type: ignore[override]
        self, loc: np.ndarray, scale_tril: np.ndarray
    ) -> FrozenVectorLaw:
        return stats.multivariate_normal(loc, stats.Covariance.from_cholesky(scale_tril))

    def marginals(
        self, loc: np.ndarray, scale_tril: np.ndarray
    ) -> tuple[Distribution, dict[str, np.ndarray]]:
        # The root of the sum of squares, without the squares' overflow.
        return Normal(), {"loc": loc, "scale": np.hypot.reduce(scale_tril, axis=-1)}

    def cov(self, loc: np.ndarray, scale_tril: np.ndarray) -> np.ndarray:
        std = np.hypot.reduce(scale_tril, axis=-1)[..., None]
        directions = scale_tril / std
        return (directions @ directions.mT) * std * std.mT

    def mode(self, loc: np.ndarray, scale_tril: np.ndarray) -> np.ndarray:
        return loc

    def entropy(self, loc: np.ndarray, scale_tril: np.ndarray) -> np.ndarray:
        diagonal = np.diagonal(scale_tril, axis1=-2, axis2=-1)
        return (np.log(diagonal) + HALF_LOG_2PI + 0.5).sum(axis=-1)

    def rvs(
        self, size: int, random_state: Any, loc: np.ndarray, scale_tril: np.ndarray
    ) -> np.ndarray:
        z = random_state.standard_normal(size=(len(loc), size, loc.shape[-1]))
        return loc[:, None] + z @ scale_tril.mT

    def condition(
        self, params: dict[str, np.ndarray], known: list[int], values: np.ndarray
    ) -> dict[str, np.ndarray]:
        # The Cholesky factor of the components in another order, the known ones first, is
        # [[A, 0], [B, C]]: C is that of the rest's Schur complement. Found by orthogonal
        # transformations, it loses no digits to the squares of a covariance matrix.
        loc, scale_tril = params["loc"], params["scale_tril"]
        rest = [j for j in range(loc.shape[-1]) if j not in known]
        factor = _triangular(scale_tril[:, [*known, *rest]].mT)
        k = len(known)
        surprise = _solve(*map(torch.from_numpy, (factor[:, :k, :k], values - loc[:, known])))
        shift = factor[:, k:, :k] @ surprise.numpy()[..., None]
        return {"loc": loc[:, rest] + shift[..., 0], "scale_tril": factor[:, k:, k:]}

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        loc = np.average(y, axis=0, weights=weight)
        deviation = np.sqrt(weight / weight.sum())[:, None] * (y - loc)
        scale_tril = _triangular(np.vstack([deviation, np.zeros((size, size))]))
        if scale_tril.diagonal().min() < positive.floor:
            # Singular: what one row of the factor cannot take, the others must not.
            scale_tril = _triangular(np.vstack([deviation, positive.floor * np.eye(size)]))
        return {"loc": loc, "scale_tril": scale_tril}


class Dirichlet(VectorDistribution):
    """The Dirichlet distribution, by mean and precision, suits shares that sum to one.

    Support: rows of K positive shares with sum 1. Density, with a = mean * precision::

        p(y) = Gamma(precision) * prod(y ** (a - 1) / Gamma(a))

    Each share alone has the `Beta` distribution of its mean and the same precision, and with two
    shares the family equals `Beta`. The correlations of the shares follow from their means alone;
    where they are others, take log-ratios of the shares and use `MultivariateNormal`.

    Parameters
    ----------
    mean : None or "constant", default=None
        Mean shares, which sum to one. Softmax link.
    precision : None, "constant" or float, default=None
        Sum of the usual parameters a: the larger, the closer the shares are to their means. Log
        link; a learned precision stays below 1e8, so that the likelihood of equal y is bounded.

    References
    ----------
    R. Hijazi and R. Jernigan (2009). Modelling compositional data using Dirichlet regression
    models. Journal of Applied Probability and Statistics 4, 77-91.
    """

    support = SHARES
    parameters: ClassVar = {"mean": simplex, "precision": capped_log}
    _alone = "beta"
    _least_size = 2

    def __init__(self, mean: Any = None, precision: Any = None):
        self.mean = mean
        self.precision = precision

    width_parameter = "precision"

    def squared_width(self, params: Mapping[str, Tensor]) -> Tensor:
        return 1 / (1 + params["precision"])

    def log_prob(self, y: Tensor, mean: Tensor, precision: Tensor) -> Tensor:
        y = y / y.sum(dim=-1, keepdim=True)
        a = (mean * precision.unsqueeze(-1)).clamp(min=torch.finfo(precision.dtype).tiny)
        total = precision.unsqueeze(-1).expand_as(a[..., :1])
        arguments = torch.cat([a, total], dim=-1)
        gammas = 0.5 * torch.log(arguments) - stirling_error(arguments) - HALF_LOG_2PI
        norm = gammas[..., :-1].sum(dim=-1) - gammas[..., -1]
        return (a * log_ratio_deviance(y, mean) - torch.log(y)).sum(dim=-1) + norm

    def frozen(  # type: ignore[override]
        self, mean: np.ndarray, precision: np.ndarray
    ) -> FrozenVectorLaw:
        return stats.dirichlet(_concentration(mean, precision))

    def marginals(
        self, mean: np.ndarray, precision: np.ndarray
    ) -> tuple[Distribution, dict[str, np.ndarray]]:
        return Beta(), {
            "mean": mean,
            "precision": np.broadcast_to(precision[..., None], mean.shape),
        }

    def cov(self, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        # 1 - mean by the sum of the others: of a share that is nearly all it has no digits.
        column, one = mean[..., None], np.eye(mean.shape[-1])
        others = ((1 - one) * mean[..., None, :]).sum(axis=-1, keepdims=True)
        return np.where(one > 0, column * others, -column * column.mT) / (
            1 + precision[..., None, None]
        )

    def mode(self, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        """Return where the density is largest; on the edge where it has no bound there."""
        a = _concentration(mean, precision)
        excess = np.maximum(a - 1, 0)
        total = excess.sum(axis=-1, keepdims=True)
        inner = excess / np.where(total > 0, total, 1.0)
        largest = a.shape[-1] - 1 - a[..., ::-1].argmax(axis=-1)
        corner = np.eye(a.shape[-1])[largest]
        flat = (a == 1).all(axis=-1, keepdims=True)
        return np.where(total > 0, inner, np.where(flat, mean, corner))

    def entropy(self, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        # Stirling's formula and its error apart: the formula's large terms cancel.
        a, size = _concentration(mean, precision), mean.shape[-1]
        of_a = 0.5 * np.log(a) + HALF_LOG_2PI + _error(a) + (a - 1) * _log_excess(a)
        total = (size - 0.5) * np.log(precision) + HALF_LOG_2PI + _error(precision)
        return of_a.sum(axis=-1) - total - (precision - size) * _log_excess(precision)

    def rvs(
        self, size: int, random_state: Any, mean: np.ndarray, precision: np.ndarray
    ) -> np.ndarray:
        # Gamma variates in logarithms: those of small shapes underflow.
        a = _concentration(mean, precision)[:, None]
        shape = (len(mean), size, mean.shape[-1])
        log_gamma = np.log(random_state.standard_gamma(a + 1, size=shape))
        return special.softmax(log_gamma - random_state.standard_exponential(shape) / a, axis=-1)

    def contains(self, y: np.ndarray) -> np.ndarray:
        return super().contains(y) & _sums_to_one(y)

    def check_target(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> None:
        super().check_target(y, name, exposure)
        wrong = ~_sums_to_one(y)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"each row of {name} must sum to 1 for {self!r}; that of row {row} is "
                f"{y[row].sum():g} ({wrong.sum()} of {len(y)} rows miss 1). To mend it, divide "
                "each row by its sum."
            )

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        mean = np.average(y, axis=0, weights=weight)
        variance = np.average((y - mean) ** 2, axis=0, weights=weight).sum()
        precision = (mean * (1 - mean)).sum() / max(variance, 1e-12) - 1
        return {"mean": mean, "precision": max(precision, 0.1)}


def _solve(scale_tril: Tensor, residual: Tensor) -> Tensor:
    """Return the z with scale_tril @ z = residual."""
    if scale_tril.ndim > 3 and scale_tril.shape[-4] == 1:  # one matrix for all rows: solve at once
        columns = residual.movedim(-3, -1)
        z = torch.linalg.solve_triangular(scale_tril.squeeze(-4), columns, upper=False)
        return z.movedim(-1, -3)
    column = residual.unsqueeze(-1)
    return torch.linalg.solve_triangular(scale_tril, column, upper=False).squeeze(-1)


def _triangular(rows: np.ndarray) -> np.ndarray:
    """Return the Cholesky factors of rows.T @ rows, for stacks of matrices, also singular ones."""
    upper = np.linalg.qr(rows, mode="r")
    sign = np.where(np.diagonal(upper, axis1=-2, axis2=-1) < 0, -1.0, 1.0)
    return (sign[..., None] * upper).mT


def _concentration(mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Return the usual parameters a."""
    return np.maximum(mean * precision[..., None], 1e-100)


def _sums_to_one(y: np.ndarray) -> np.ndarray:
    return np.abs(y.sum(axis=-1) - 1) <= _ROUNDING_OF_SUMS


def _error(a: np.ndarray) -> np.ndarray:
    """Return the error of Stirling's formula for log Gamma(a)."""
    return in_numpy(stirling_error, a)


def _log_excess(a: np.ndarray) -> np.ndarray:
    """Return log(a) - digamma(a)."""
    return 0.5 / a - in_numpy(stirling_slope, a)
