"""Scipy's Poisson distribution, mended where its rate is large."""

from typing import Any

import numpy as np
from scipy import special, stats

LARGE_RATE = 1e10
"""From here on the Poisson distribution is a rounded normal to all digits that matter."""

_MOST_DRAWN = 2.0**63 - 1024
"""Scipy's draws, which are whole numbers of 64 bits, can hold no larger count."""


class _Poisson(type(stats.poisson)):  # type: ignore[misc]
    """The entropy is its asymptotic series; quantiles of large rates are Cornish and Fisher's."""

    def _entropy(self, mu: np.ndarray) -> np.ndarray:
        correction = (1 / 12 + (1 / 24 + 19 / 360 / mu) / mu) / mu
        many = 0.5 * np.log(2 * np.pi * np.e * mu) - correction
        return np.where(mu > 100, many, super()._entropy(np.minimum(mu, 100)))

    def _ppf(self, q: np.ndarray, mu: np.ndarray) -> np.ndarray:
        z = special.ndtri(q)
        many = np.floor(mu + np.sqrt(mu) * z + (z * z - 1) / 6 + 0.5)
        return np.where(mu > LARGE_RATE, many, super()._ppf(q, np.minimum(mu, LARGE_RATE)))

    def _cdf(self, x: np.ndarray, mu: np.ndarray) -> np.ndarray:
        many = special.ndtr((np.floor(x) + 0.5 - mu) / np.sqrt(mu))
        return np.where(mu > LARGE_RATE, many, super()._cdf(x, np.minimum(mu, LARGE_RATE)))

    def _sf(self, x: np.ndarray, mu: np.ndarray) -> np.ndarray:
        many = special.ndtr((mu - np.floor(x) - 0.5) / np.sqrt(mu))
        return np.where(mu > LARGE_RATE, many, super()._sf(x, np.minimum(mu, LARGE_RATE)))

    def _rvs(self, mu: np.ndarray, size: Any = None, random_state: Any = None) -> np.ndarray:
        few = super()._rvs(np.minimum(mu, LARGE_RATE), size, random_state)
        if np.all(mu <= LARGE_RATE):
            return few
        mu = np.minimum(mu, 2 * _MOST_DRAWN)
        many = np.round(mu + np.sqrt(mu) * random_state.standard_normal(size))
        return np.where(mu > LARGE_RATE, np.minimum(many, _MOST_DRAWN), few)


poisson: Any = _Poisson(name="poisson")
