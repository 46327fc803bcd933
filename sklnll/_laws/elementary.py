"""Scipy's laws whose tails are elementary, mended where the logarithm of a tail underflows."""

from typing import Any

import numpy as np
from numpy.polynomial.polynomial import polyval
from scipy import special, stats


def log1mexp(x: np.ndarray) -> np.ndarray:
    """Return log(1 - exp(x)) for x <= 0, exact near zero and far from it."""
    return np.where(x > -0.7, np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


def _log_ratio(y: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return log(y / unit), exact to rounding where they are close."""
    away = (y - unit) / unit
    near = np.abs(away) < 0.5
    return np.where(near, np.log1p(np.where(near, away, 0.0)), np.log(y) - np.log(unit))


_RISE = [0.0, 0.0, *((-1) ** k * special.zeta(k) / k * (2.0**k - 2) for k in range(2, 11))]
"""Coefficients of log Gamma(1 + 2 h) - 2 log Gamma(1 + h) in powers of h."""


class _Laplace(type(stats.laplace)):  # type: ignore[misc]
    """The logarithms of its tails are straight lines."""

    def _logcdf(self, x: np.ndarray) -> np.ndarray:
        far = np.log1p(-0.5 * np.exp(-np.abs(x)))
        return np.where(x < 0, x - np.log(2), far)

    def _logsf(self, x: np.ndarray) -> np.ndarray:
        return self._logcdf(-x)


class _Gumbel(type(stats.gumbel_r)):  # type: ignore[misc]
    """Its upper tail is nearly exp(-x)."""

    def _logsf(self, x: np.ndarray) -> np.ndarray:
        log_hazard = -x
        return np.where(x > 36, log_hazard, log1mexp(-np.exp(np.minimum(log_hazard, 700))))


class _Weibull(type(stats.weibull_min)):  # type: ignore[misc]
    """The law of y itself, not of y over its scale: rounding of that ratio, raised to a large
    shape, would cost half of the digits.
    """

    def _argcheck(self, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return (shape > 0) & (unit > 0)

    def _shape_info(self) -> list[Any]:
        return []

    def _log_hazard(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return shape * _log_ratio(y, unit)

    def _pdf(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return np.exp(self._logpdf(y, shape, unit))

    def _logpdf(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        log_ratio = _log_ratio(y, unit)
        rising = np.where(shape == 1, 0.0, (shape - 1) * log_ratio)
        return np.log(shape) - np.log(unit) + rising - np.exp(shape * log_ratio)

    def _cdf(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return -np.expm1(self._logsf(y, shape, unit))

    def _sf(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return np.exp(self._logsf(y, shape, unit))

    def _logcdf(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        log_hazard = self._log_hazard(y, shape, unit)
        return np.where(log_hazard < -36, log_hazard, log1mexp(-np.exp(log_hazard)))

    def _logsf(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return -np.exp(self._log_hazard(y, shape, unit))

    def _ppf(self, q: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return unit * super()._ppf(q, shape)

    def _isf(self, q: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return unit * super()._isf(q, shape)

    def _munp(self, n: int, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return unit**n * special.gamma(1 + n / shape)

    def _stats(self, shape: np.ndarray, unit: np.ndarray) -> tuple[Any, ...]:
        step = 1 / shape
        mean = special.gamma(1 + step)
        rise = special.gammaln(1 + 2 * step) - 2 * special.gammaln(1 + step)
        # Of large shapes the difference has no digits, and its series few terms.
        series = polyval(np.minimum(step, 0.01), _RISE)
        std = mean * np.sqrt(np.expm1(np.where(step < 0.01, series, rise)))
        return unit * mean, (unit * std) ** 2, None, None

    def _entropy(self, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return super()._entropy(shape) + np.log(unit)

    def _rvs(
        self, shape: np.ndarray, unit: np.ndarray, size: Any = None, random_state: Any = None
    ) -> np.ndarray:
        return self._ppf(random_state.uniform(size=size), shape, unit)


laplace: Any = _Laplace(name="laplace")
gumbel: Any = _Gumbel(name="gumbel_r")
weibull: Any = _Weibull(a=0.0, name="weibull", shapes="shape, unit")
