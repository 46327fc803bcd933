"""Families for a real y."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import special, stats
from torch import Tensor

from .._laws.elementary import gumbel, laplace
from .._laws.protocols import FrozenLaw
from .._laws.student_t import student_t
from .._numerics.crps import crps_by_quadrature
from .._numerics.special import (
    HALF_LOG_2PI,
    LOG_PI,
    exp_of_finite_slope,
    log1p_square,
    log_gamma_half_step,
    stirling_error,
)
from .._numerics.statistics import weighted_mean_std, weighted_median_spread
from ._base import Distribution
from ._supports import REAL
from ._tails import TailedDistribution, log1mexp_of_log
from .links import degrees_of_freedom, identity, positive

__all__ = ["Cauchy", "Gumbel", "Laplace", "Logistic", "Normal", "StudentT"]


class LocationScale(Distribution):
    """A family of location and scale is one standard law, moved and stretched; abstract.

    Its density is largest at `loc`.
    """

    support = REAL
    parameters: ClassVar = {"loc": identity, "scale": positive}

    def __init__(self, loc: Any = None, scale: Any = None):
        self.loc = loc
        self.scale = scale

    def mode(self, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return loc


class Normal(LocationScale, TailedDistribution):
    """The normal (Gaussian) distribution suits a real y whose errors have light tails.

    With a fixed scale its maximum likelihood is least squares; with ``scale="constant"`` the
    spread is learned once; by default the spread depends on x (heteroscedastic regression).

    Support: all real numbers. Density, with z = (y - loc) / scale::

        p(y) = exp(-z**2 / 2) / (scale * sqrt(2 pi))

    With outliers in y, `Laplace` or `StudentT` are better.

    Parameters
    ----------
    loc : None, "constant" or float, default=None
        Mean, in y's units.
    scale : None, "constant" or float, default=None
        Standard deviation, in y's units.

    References
    ----------
    N. Johnson, S. Kotz and N. Balakrishnan (1994). Continuous Univariate Distributions, chapter 13.
    """

    writes_slopes = True

    def log_prob(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        z = (y - loc) / scale
        return -0.5 * z * z - torch.log(scale) - HALF_LOG_2PI

    def value_and_slopes(
        self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        z = (y - loc) / scale
        square = z * z
        value = -0.5 * square - np.log(scale) - HALF_LOG_2PI
        return value, {"loc": z / scale, "scale": (square - 1) / scale}

    def log_cdf(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        return torch.special.log_ndtr((y - loc) / scale)

    def log_sf(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        return torch.special.log_ndtr((loc - y) / scale)

    def frozen(self, loc: np.ndarray, scale: np.ndarray) -> FrozenLaw:
        return stats.norm(loc, scale)

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        z = (y - loc) / scale
        return scale * (
            z * special.erf(z / np.sqrt(2)) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi)
        )

    def mean_distance(
        self, first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        # The difference is normal, too.
        scale = np.hypot(first["scale"], second["scale"])
        z = (first["loc"] - second["loc"]) / scale
        return scale * (z * special.erf(z / np.sqrt(2)) + 2 * stats.norm.pdf(z))

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        loc, scale = weighted_mean_std(y, weight)
        return {"loc": loc, "scale": scale}


class Laplace(LocationScale, TailedDistribution):
    """The Laplace (double exponential) distribution suits a real y with outliers.

    Its maximum likelihood is least absolute deviations: `loc` is the median.

    Support: all real numbers. Density, with z = (y - loc) / scale::

        p(y) = exp(-abs(z)) / (2 * scale)

    Parameters
    ----------
    loc : None, "constant" or float, default=None
        Median, and mean, in y's units.
    scale : None, "constant" or float, default=None
        Mean absolute deviation, in y's units. The standard deviation is sqrt(2) times as large.

    References
    ----------
    N. Johnson, S. Kotz and N. Balakrishnan (1995). Continuous Univariate Distributions, volume 2,
    chapter 24.
    """

    robust = True
    writes_slopes = True

    def log_prob(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        z = (y - loc) / scale
        return -z.abs() - torch.log(2 * scale)

    def value_and_slopes(
        self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        z = (y - loc) / scale
        away = np.abs(z)
        value = -away - np.log(2 * scale)
        return value, {"loc": np.sign(z) / scale, "scale": (away - 1) / scale}

    def log_cdf(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        z = (y - loc) / scale
        far = 0.5 * torch.exp(-z.abs())
        return torch.where(z < 0, z - math.log(2), torch.log1p(-far))

    def log_sf(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        return self.log_cdf(-y, -loc, scale)

    def frozen(self, loc: np.ndarray, scale: np.ndarray) -> FrozenLaw:
        return laplace(loc, scale)

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        z = np.abs((y - loc) / scale)
        return scale * (z + np.expm1(-z) + 0.25)

    def mean_distance(
        self, first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        # With g(b) = b**3 * exp(-away / b) it is away + (g(a) - g(b)) / (a**2 - b**2), here without
        # the difference of nearly equal numbers; in units of the wider scale, a.
        wide = np.maximum(first["scale"], second["scale"])
        b = np.minimum(first["scale"], second["scale"]) / wide
        away = np.abs(first["loc"] - second["loc"]) / wide
        fall = away * special.exprel(-away * (1 - b) / b)
        return wide * (away + np.exp(-away) * (1 + b + b * b + b * b * fall) / (1 + b))

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        loc = weighted_median_spread(y, weight)[0]
        return {"loc": loc, "scale": weighted_mean_std(np.abs(y - loc), weight)[0]}


class StudentT(Distribution):
    """Student's t distribution suits a real y with outliers or errors of unknown tail weight.

    The degrees of freedom say how heavy the tails are: 1 is `Cauchy`'s law, above about 30 it is
    nearly normal. Mean and variance exist only for df > 1 and df > 2, hence the median is what
    ``point_estimate="auto"`` predicts.

    Support: all real numbers. Density, with z = (y - loc) / scale::

        p(y) = Gamma((df + 1) / 2) / (Gamma(df / 2) sqrt(pi df) scale)
               * (1 + z**2 / df) ** (-(df + 1) / 2)

    With few rows, a fixed or constant `df` is steadier than a predicted one.

    Parameters
    ----------
    df : None, "constant" or float, default=None
        Degrees of freedom, a pure number. A learned one stays above 1, Cauchy's law: the tails of
        smaller ones are so heavy that no score of a prediction is finite.
    loc : None, "constant" or float, default=None
        Median, in y's units.
    scale : None, "constant" or float, default=None
        Scale, in y's units. The standard deviation is scale * sqrt(df / (df - 2)) for df > 2.

    References
    ----------
    K. Lange, R. Little and J. Taylor (1989). Robust statistical modeling using the t distribution.
    doi:10.1080/01621459.1989.10478852
    """

    support = REAL
    parameters: ClassVar = {"df": degrees_of_freedom, "loc": identity, "scale": positive}
    robust = True
    default_point = "median"
    writes_slopes = True

    def __init__(self, df: Any = None, loc: Any = None, scale: Any = None):
        self.df = df
        self.loc = loc
        self.scale = scale

    def log_prob(self, y: Tensor, df: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        z = (y - loc) / scale
        half = df / 2
        # log Gamma(half + 1/2) - log Gamma(half) - log(half) / 2
        upper, lower = stirling_error(torch.stack([half + 0.5, half]))
        gammas = half * torch.log1p(0.5 / half) - 0.5 + upper - lower
        tail = (half + 0.5) * log1p_square(z / torch.sqrt(df))
        return gammas - HALF_LOG_2PI - torch.log(scale) - tail

    def value_and_slopes(
        self, y: np.ndarray, df: np.ndarray, loc: np.ndarray, scale: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        z = (y - loc) / scale
        half = df / 2
        root = np.sqrt(df)
        t = z / root
        size = np.abs(t)
        log_tail = np.where(size > 1e8, 2 * np.log(size), np.log1p(t * t))
        gammas, gammas_slope = log_gamma_half_step(half)
        value = gammas - HALF_LOG_2PI - np.log(scale) - (half + 0.5) * log_tail
        # (df + 1) * z / (df + z**2), with no square that overflows.
        pull = np.where(size > 1, 1 / (t + 1 / t), t / (1 + t * t)) * ((df + 1) / root)
        return value, {
            "df": 0.5 * (gammas_slope - log_tail + pull * t / root),
            "loc": pull / scale,
            "scale": (pull * z - 1) / scale,
        }

    def frozen(self, df: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> FrozenLaw:
        return student_t(df, loc, scale)

    def mode(self, df: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return loc

    def crps(self, y: np.ndarray, df: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        z, df = np.broadcast_arrays((y - loc) / scale, df)
        closed = df > 1.01
        score = np.empty(z.shape)
        score[closed] = _standard_t_crps(z[closed], df[closed])
        score[~closed] = crps_by_quadrature(student_t(df[~closed]), z[~closed])
        # Where the integral of cdf**2, that is of abs(z)**(-2 * df), diverges.
        return scale * np.where(df > 0.5, score, np.inf)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        loc, scale = weighted_median_spread(y, weight)
        return {"df": 5.0, "loc": loc, "scale": scale}


class Cauchy(LocationScale):
    """The Cauchy distribution suits a real y whose outliers have no bound: ratios, resonances.

    Its tails are so heavy that it has no mean and no variance, hence the median is what
    ``point_estimate="auto"`` predicts.

    Support: all real numbers. Density, with z = (y - loc) / scale::

        p(y) = 1 / (pi * scale * (1 + z**2))

    `StudentT` learns how heavy the tails are; it ends at this family with one degree of freedom.

    Parameters
    ----------
    loc : None, "constant" or float, default=None
        Median, in y's units.
    scale : None, "constant" or float, default=None
        Half the distance between the quartiles, in y's units.

    References
    ----------
    N. Johnson, S. Kotz and N. Balakrishnan (1994). Continuous Univariate Distributions, chapter 16.
    """

    robust = True
    default_point = "median"

    def log_prob(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        z = (y - loc) / scale
        return -log1p_square(z) - torch.log(scale) - LOG_PI

    def frozen(self, loc: np.ndarray, scale: np.ndarray) -> FrozenLaw:
        return stats.cauchy(loc, scale)

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        # Its second derivative is twice the density; at z = 0 the integral is elementary.
        z = (y - loc) / scale
        return 2 / np.pi * scale * (z * np.arctan(z) - np.log(np.hypot(1, z) / 2))

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        loc, spread = weighted_median_spread(y, weight)
        return {"loc": loc, "scale": spread / 1.4826}


class Logistic(LocationScale, TailedDistribution):
    """The logistic distribution suits a real y with tails between the normal's and the Laplace's.

    Support: all real numbers. Density, with z = (y - loc) / scale::

        p(y) = exp(-z) / (scale * (1 + exp(-z)) ** 2)

    Parameters
    ----------
    loc : None, "constant" or float, default=None
        Mean and median, in y's units.
    scale : None, "constant" or float, default=None
        Scale, in y's units. The standard deviation is pi / sqrt(3) times as large.

    References
    ----------
    N. Johnson, S. Kotz and N. Balakrishnan (1995). Continuous Univariate Distributions, volume 2,
    chapter 23.
    """

    robust = True

    def log_prob(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        z = (y - loc).abs() / scale
        return -z - 2 * torch.log1p(torch.exp(-z)) - torch.log(scale)

    def log_cdf(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        return torch.nn.functional.logsigmoid((y - loc) / scale)

    def log_sf(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        return torch.nn.functional.logsigmoid((loc - y) / scale)

    def frozen(self, loc: np.ndarray, scale: np.ndarray) -> FrozenLaw:
        return stats.logistic(loc, scale)

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        z = np.abs((y - loc) / scale)
        return scale * (z + 2 * np.log1p(np.exp(-z)) - 1)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        loc, spread = weighted_median_spread(y, weight)
        return {"loc": loc, "scale": spread * np.sqrt(3) / np.pi}


class Gumbel(LocationScale, TailedDistribution):
    """The Gumbel distribution suits a real y that is the largest of many: floods, gusts, records.

    Support: all real numbers, with the longer tail to the right. Density, with
    z = (y - loc) / scale::

        p(y) = exp(-z - exp(-z)) / scale

    For the smallest of many, fit -y.

    Parameters
    ----------
    loc : None, "constant" or float, default=None
        Mode, in y's units. The mean is loc + 0.5772 * scale.
    scale : None, "constant" or float, default=None
        Scale, in y's units. The standard deviation is pi / sqrt(6) times as large.

    References
    ----------
    E. Gumbel (1958). Statistics of Extremes.
    """

    def log_prob(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        z = (y - loc) / scale
        return -z - exp_of_finite_slope(-z) - torch.log(scale)

    def log_cdf(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        return -exp_of_finite_slope((loc - y) / scale)

    def log_sf(self, y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
        return log1mexp_of_log((loc - y) / scale)

    def frozen(self, loc: np.ndarray, scale: np.ndarray) -> FrozenLaw:
        return gumbel(loc, scale)

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        # The integral of the squared distance of the cdf, by parts.
        z = (y - loc) / scale
        with np.errstate(over="ignore"):
            tail = special.exp1(np.exp(-z))
        # Far to the right exp(-z) underflows, and its exponential integral is z - 0.5772...
        tail = np.where(z > 700, z - np.euler_gamma, tail)
        return scale * (2 * tail - z + np.euler_gamma - np.log(2))

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        mean, std = weighted_mean_std(y, weight)
        scale = std * np.sqrt(6) / np.pi
        return {"loc": mean - np.euler_gamma * scale, "scale": scale}


def _standard_t_crps(z: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Return the CRPS of Student's t with location 0 and scale 1, for df > 1.

    A. Jordan, F. Krueger and S. Lerch (2019). Evaluating probabilistic forecasts with
    scoringRules. doi:10.18637/jss.v090.i12
    """
    size = np.abs(z / np.sqrt(df))
    with np.errstate(over="ignore"):
        log_tail = np.where(size > 1e8, 2 * np.log(np.maximum(size, 1)), np.log1p(size * size))
    # The density times df + z**2, with no square that overflows.
    log_norm = log_gamma_half_step(df / 2)[0] - HALF_LOG_2PI
    height = df * np.exp(log_norm - (df - 1) / 2 * log_tail)
    spread = np.exp(special.betaln(0.5, df - 0.5) - 2 * special.betaln(0.5, df / 2))
    location = z * (1 - 2 * special.stdtr(df, -z)) + 2 * height / (df - 1)
    return location - 2 * np.sqrt(df) / (df - 1) * spread
