"""Families for a positive y: magnitudes, durations."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import special, stats
from torch import Tensor

from .._laws.elementary import weibull
from .._laws.gamma import gamma, log_gamma_tail
from .._laws.protocols import FrozenLaw
from .._numerics.special import (
    HALF_LOG_2PI,
    exp_of_finite_slope,
    log1mexp,
    log_ratio,
    log_ratio_deviance,
    stirling_error,
)
from .._numerics.statistics import weighted_mean_std
from ._base import Distribution
from ._supports import NON_NEGATIVE, POSITIVE
from ._tails import TailedDistribution, log1mexp_of_log
from .links import Log, capped_log, log, positive

__all__ = ["Exponential", "Gamma", "LogNormal", "Weibull"]

_steepness = Log(cap=1e8, start_range=(1e-3, 1e4))
"""This is the link of a shape whose inverse is a width. Where training starts at equal y, one step
must not raise the hazard beyond all floats: the width is then no less than a learned sigma's."""

_STEEP = 150.0
"""From such an inverse of the Weibull's shape on, its score is made of logarithms."""

_WIDE = 10.0
"""From such a sigma of the log-normal on, its score is made of logarithms."""


class Exponential(TailedDistribution):
    """The exponential distribution suits waiting times without memory.

    Support: y >= 0. Density::

        p(y) = exp(-y / scale) / scale

    Its standard deviation equals its mean; where the spread is another, `Gamma` fits better.

    Parameters
    ----------
    scale : None, "constant" or float, default=None
        Mean, in y's units. Log link.

    References
    ----------
    N. Johnson, S. Kotz and N. Balakrishnan (1994). Continuous Univariate Distributions, chapter 19.
    """

    support = NON_NEGATIVE
    parameters: ClassVar = {"scale": log}

    def __init__(self, scale: Any = None):
        self.scale = scale

    def log_prob(self, y: Tensor, scale: Tensor) -> Tensor:
        return -y / scale - torch.log(scale)

    def log_cdf(self, y: Tensor, scale: Tensor) -> Tensor:
        return log1mexp(-y / scale)

    def log_sf(self, y: Tensor, scale: Tensor) -> Tensor:
        return -y / scale

    def frozen(self, scale: np.ndarray) -> FrozenLaw:
        return stats.expon(scale=scale)

    def mode(self, scale: np.ndarray) -> np.ndarray:
        return np.zeros_like(scale)

    def crps(self, y: np.ndarray, scale: np.ndarray) -> np.ndarray:
        z = y / scale
        inside = np.maximum(z, 0)
        return scale * (np.abs(z) + 2 * np.expm1(-inside) + 0.5)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        return {"scale": np.average(y, weights=weight)}


class Gamma(Distribution):
    """The gamma distribution suits positive amounts whose spread grows with their size.

    Support: y > 0. Density::

        p(y) = y ** (shape - 1) * exp(-y / scale) / (Gamma(shape) * scale ** shape)

    With a constant shape it is the gamma generalized linear model with log link: the mean is
    shape * scale, the coefficient of variation 1 / sqrt(shape).

    Parameters
    ----------
    shape : None, "constant" or float, default=None
        Pure number; 1 is the exponential distribution. Log link; a learned shape stays below
        1e8, so that the likelihood of equal y is bounded.
    scale : None, "constant" or float, default=None
        In y's units. Log link.

    References
    ----------
    P. McCullagh and J. Nelder (1989). Generalized Linear Models, chapter 8.
    """

    support = POSITIVE
    parameters: ClassVar = {"shape": capped_log, "scale": log}

    def __init__(self, shape: Any = None, scale: Any = None):
        self.shape = shape
        self.scale = scale

    width_parameter = "shape"

    def squared_width(self, params: Mapping[str, Tensor]) -> Tensor:
        return 1 / params["shape"]

    def log_prob(self, y: Tensor, shape: Tensor, scale: Tensor) -> Tensor:
        finfo = torch.finfo(shape.dtype)
        mean = (shape * scale).clamp(finfo.tiny, finfo.max)
        deviance = shape * log_ratio_deviance(y, mean)
        return (
            deviance + 0.5 * torch.log(shape) - HALF_LOG_2PI - stirling_error(shape) - torch.log(y)
        )

    def frozen(self, shape: np.ndarray, scale: np.ndarray) -> FrozenLaw:
        return gamma(shape, scale)

    def mode(self, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return np.maximum(shape - 1, 0) * scale

    def crps(self, y: np.ndarray, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        # A. Jordan, F. Krueger and S. Lerch (2019), doi:10.18637/jss.v090.i12
        z = y / scale
        inside = np.maximum(z, 0)
        below, below_next = special.gammainc(shape, inside), special.gammainc(shape + 1, inside)
        spread = np.exp(special.gammaln(shape + 0.5) - special.gammaln(shape)) / np.sqrt(np.pi)
        return scale * (z * (2 * below - 1) - shape * (2 * below_next - 1) - spread)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        # T. Minka (2002). Estimating a gamma distribution: the approximation his Newton starts at.
        mean = np.average(y, weights=weight)
        ratio = np.maximum(y / mean, np.finfo(float).tiny)
        s = max(-np.average(np.log(ratio), weights=weight), 1e-16)
        shape = (3 - s + np.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s)
        return {"shape": shape, "scale": mean / shape}


class LogNormal(TailedDistribution):
    """The log-normal distribution suits positive amounts that are products of many factors.

    The logarithm of y is normal. Support: y > 0. Density, with z = log(y / scale) / sigma::

        p(y) = exp(-z**2 / 2) / (y * sigma * sqrt(2 pi))

    Its right tail is heavier than that of `Gamma`.

    Parameters
    ----------
    sigma : None, "constant" or float, default=None
        Standard deviation of log(y), a pure number. A learned one stays above 1e-4.
    scale : None, "constant" or float, default=None
        Median, in y's units. Log link: a linear model of it is least squares on log(y).

    References
    ----------
    N. Johnson, S. Kotz and N. Balakrishnan (1994). Continuous Univariate Distributions, chapter 14.
    """

    support = POSITIVE
    parameters: ClassVar = {"sigma": positive, "scale": log}

    def __init__(self, sigma: Any = None, scale: Any = None):
        self.sigma = sigma
        self.scale = scale

    width_parameter = "sigma"

    def squared_width(self, params: Mapping[str, Tensor]) -> Tensor:
        return params["sigma"].square()

    def log_prob(self, y: Tensor, sigma: Tensor, scale: Tensor) -> Tensor:
        z = log_ratio(y, scale) / sigma
        return -0.5 * z * z - torch.log(sigma) - torch.log(y) - HALF_LOG_2PI

    def log_cdf(self, y: Tensor, sigma: Tensor, scale: Tensor) -> Tensor:
        return torch.special.log_ndtr(log_ratio(y, scale) / sigma)

    def log_sf(self, y: Tensor, sigma: Tensor, scale: Tensor) -> Tensor:
        return torch.special.log_ndtr(-log_ratio(y, scale) / sigma)

    def frozen(self, sigma: np.ndarray, scale: np.ndarray) -> FrozenLaw:
        return stats.lognorm(sigma, scale=scale)

    def mode(self, sigma: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return scale * np.exp(-(sigma**2))

    def crps(self, y: np.ndarray, sigma: np.ndarray, scale: np.ndarray) -> np.ndarray:
        # A. Jordan, F. Krueger and S. Lerch (2019), doi:10.18637/jss.v090.i12
        inside = np.maximum(y, 0)
        with np.errstate(divide="ignore"):
            z = np.log(inside / scale) / sigma
        location = y * (2 * special.ndtr(z) - 1)
        first, second = z - sigma, -sigma / np.sqrt(2)
        with np.errstate(all="ignore"):
            mean = np.exp(sigma**2 / 2)
            parts = mean * (special.ndtr(first) - special.ndtr(second))
            # The mean overflows long before its shares do.
            far = [np.exp(sigma**2 / 2 + special.log_ndtr(end)) for end in (first, second)]
        return location - 2 * scale * np.where(sigma < _WIDE, parts, far[0] - far[1])

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        mean, std = weighted_mean_std(np.log(y), weight)
        return {"sigma": std, "scale": np.exp(mean)}


class Weibull(TailedDistribution):
    """The Weibull distribution suits durations whose hazard rises or falls with time.

    Support: y > 0. Density::

        p(y) = shape / scale * (y / scale) ** (shape - 1) * exp(-((y / scale) ** shape))

    A shape of 1 is the exponential distribution: constant hazard; above it wears out, below it
    settles in.

    Parameters
    ----------
    shape : None, "constant" or float, default=None
        Pure number. Log link; a learned shape stays below 1e8, so that the likelihood of equal y
        is bounded, and starts below 1e4.
    scale : None, "constant" or float, default=None
        The 63 % quantile, in y's units. Log link: a linear model of it with a constant shape is
        the accelerated failure time model.

    References
    ----------
    J. Kalbfleisch and R. Prentice (2002). The Statistical Analysis of Failure Time Data.
    """

    support = POSITIVE
    parameters: ClassVar = {"shape": _steepness, "scale": log}

    def __init__(self, shape: Any = None, scale: Any = None):
        self.shape = shape
        self.scale = scale

    width_parameter = "shape"

    def squared_width(self, params: Mapping[str, Tensor]) -> Tensor:
        return params["shape"] ** -2

    def log_prob(self, y: Tensor, shape: Tensor, scale: Tensor) -> Tensor:
        log_hazard = shape * log_ratio(y, scale)  # of the cumulative hazard (y / scale) ** shape
        return torch.log(shape) - torch.log(y) + log_hazard - exp_of_finite_slope(log_hazard)

    def log_cdf(self, y: Tensor, shape: Tensor, scale: Tensor) -> Tensor:
        return log1mexp_of_log(shape * log_ratio(y, scale))

    def log_sf(self, y: Tensor, shape: Tensor, scale: Tensor) -> Tensor:
        return -exp_of_finite_slope(shape * log_ratio(y, scale))

    def frozen(self, shape: np.ndarray, scale: np.ndarray) -> FrozenLaw:
        return weibull(shape, scale)

    def mode(self, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return scale * np.maximum(1 - 1 / shape, 0) ** (1 / shape)

    def crps(self, y: np.ndarray, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        # abs(y) less twice the survival function's integral up to y, plus that of its square.
        power = 1 / shape
        with np.errstate(all="ignore"):
            hazard = (np.maximum(y, 0) / scale) ** shape
            mean = scale * special.gamma(1 + power)
            closed = np.abs(y) - mean * (2 * special.gammainc(power, hazard) - 0.5**power)
            if np.all(power < _STEEP):
                return closed
            # The mean overflows long before both integrals do.
            log_mean = np.log(scale) + special.gammaln(1 + power)
            log_share = log_gamma_tail(power, hazard, upper=False).reshape(hazard.shape)
            far = 2 * np.exp(log_mean + log_share) - np.exp(log_mean - power * np.log(2))
            return np.where(power < _STEEP, closed, np.abs(y) - far)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        mean, std = weighted_mean_std(np.log(y), weight)
        shape = np.pi / np.sqrt(6) / max(std, 1e-6)
        return {"shape": shape, "scale": np.exp(mean + np.euler_gamma / shape)}
