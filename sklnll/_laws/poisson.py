"""Scipy's Poisson distribution, mended where its rate is large, and in its far tails."""

from typing import Any

import numpy as np
from scipy import special, stats

from .._numerics.special import log_poisson_mass
from .._numerics.tails import FAR, Outward, gamma_outward
from .discrete import CountDistribution

LARGE_RATE = 1e10
"""From here on the Poisson distribution is a rounded normal, beside its far tails."""

_SMALL = 1e3
"""Below such a rate, scipy's masses have twelve digits, and are faster."""
_LARGE = 1e5
"""From such a rate on, scipy's tails are wrong."""


class _Poisson(CountDistribution):
    """The entropy is its asymptotic series; draws of large rates are a rounded normal's."""

    _log_mass = staticmethod(log_poisson_mass)  # type: ignore[assignment]

    def _argcheck(self, rate: np.ndarray) -> np.ndarray:
        return rate >= 0

    def _moments(self, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        root = np.sqrt(rate)
        with np.errstate(divide="ignore"):
            return rate, root, 1 / root

    def _tail(self, k: np.ndarray, upper: bool, rate: np.ndarray) -> np.ndarray:
        return special.pdtrc(k, rate) if upper else special.pdtr(k, rate)

    def _is_large(self, k: np.ndarray, rate: np.ndarray) -> np.ndarray:
        return rate > _LARGE

    def _outward(self, k: np.ndarray, upper: np.ndarray, rate: np.ndarray) -> Outward:
        # A count is above k where the time until the next event is short: that is a gamma variate.
        return gamma_outward(k + 1, rate, ~upper)

    def _pmf(self, k: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        if np.all(shapes[0] < _SMALL):
            return stats.poisson._pmf(k, *shapes)
        return super()._pmf(k, *shapes)

    def _ppf(self, q: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        q, rate = np.broadcast_arrays(q, *shapes)
        value = stats.poisson._ppf(q, np.minimum(rate, _LARGE))
        doubtful = (q < FAR) | (q > 1 - FAR) | (rate > _LARGE) | ~np.isfinite(value)
        if np.any(doubtful):
            value[doubtful] = super()._ppf(q[doubtful], rate[doubtful])
        return value

    def _entropy(self, rate: float) -> float:
        if rate <= 100:
            return super()._entropy(rate)
        correction = (1 / 12 + (1 / 24 + 19 / 360 / rate) / rate) / rate
        return 0.5 * np.log(2 * np.pi * np.e * rate) - correction

    def _rvs(self, rate: np.ndarray, size: Any = None, random_state: Any = None) -> np.ndarray:
        few = random_state.poisson(np.minimum(rate, LARGE_RATE), size)
        if np.all(rate <= LARGE_RATE):
            return few
        many = np.round(rate + np.sqrt(rate) * random_state.standard_normal(size))
        return np.where(rate > LARGE_RATE, many, few)


poisson: Any = _Poisson(name="poisson", shapes="rate")
