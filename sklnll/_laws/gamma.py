"""Scipy's gamma distribution, mended where its tails and quantiles lose their digits.

Scipy's lower tail has no correct digit far below a mean of 1e7 and more, and the quantiles there
follow it; logarithms of tails end where tails underflow.
"""

from typing import Any

import numpy as np
from scipy import special, stats

from .._numerics.tails import (
    FAR,
    Outward,
    gamma_outward,
    log_of_tail,
    mended_quantiles,
    on_one_axis,
    outward_root,
)

_LARGE = 1e5
"""From such a shape on, lower tails of scipy's are wrong."""


def gamma_tail(shape: np.ndarray, x: np.ndarray, upper: bool) -> np.ndarray:
    """Return the probability below `x` of the gamma distribution of scale 1, or above it."""
    tail = special.gammaincc(shape, x) if upper else special.gammainc(shape, x)
    is_wrong = (shape > _LARGE) & (x < shape) & (x > 0)
    if np.any(is_wrong):
        with np.errstate(all="ignore"):
            below = np.exp(gamma_outward(shape, x, np.zeros((), bool)).log_tail)
        tail = np.where(is_wrong, 1 - below if upper else below, tail)
    return tail


def log_gamma_tail(shape: np.ndarray, x: np.ndarray, upper: bool) -> np.ndarray:
    """Return the logarithm of `gamma_tail`, however small that is."""
    shape, x = on_one_axis(shape, x)

    def outward(rows: np.ndarray) -> Outward:
        return gamma_outward(shape[rows], x[rows], np.full(len(rows), upper))

    def other(rows: np.ndarray) -> np.ndarray:
        return gamma_tail(shape[rows], x[rows], not upper)

    tail = gamma_tail(shape, x, upper)
    return log_of_tail(tail, other, (x > 0) & (x < np.inf), outward)


def _quantile(p: np.ndarray, shape: np.ndarray, upper: bool) -> np.ndarray:
    """Return the x below which there is this probability, or above it."""
    p, shape = on_one_axis(p, shape)
    inverse = special.gammainccinv if upper else special.gammaincinv
    flipped = p > 0.5
    rest = np.where(flipped, 1 - p, p)

    def tail(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        either = (gamma_tail(shape[rows], x, side) for side in (not upper, upper))
        return np.where(flipped[rows], *either)

    def search(rows: np.ndarray) -> np.ndarray:
        return _search(np.log(rest[rows]), shape[rows], flipped[rows] != upper)

    doubtful = (rest < FAR) | (shape > _LARGE)
    return mended_quantiles(inverse(shape, p), rest, doubtful, tail, search)


def _search(log_p: np.ndarray, shape: np.ndarray, upper: np.ndarray) -> np.ndarray:
    # S. Boucheron, G. Lugosi and P. Massart (2013). Concentration inequalities, section 2.4: these
    # bounds, and the one by the density without exp(-x), lie farther out than the quantile.
    width = np.sqrt(-2 * shape * log_p)
    power = np.exp((log_p + special.gammaln(shape + 1)) / shape)
    start = np.where(upper, shape + width - log_p, np.maximum(shape - width, power))
    sign = np.where(upper, 1.0, -1.0)

    def outward(s: np.ndarray, rows: np.ndarray) -> Outward:
        return gamma_outward(shape[rows], np.exp(s), upper[rows])

    return np.exp(outward_root(outward, np.log(start), log_p, sign))


class _Gamma(type(stats.gamma)):  # type: ignore[misc]
    def _cdf(self, x: np.ndarray, a: np.ndarray) -> np.ndarray:
        return gamma_tail(a, x, upper=False)

    def _sf(self, x: np.ndarray, a: np.ndarray) -> np.ndarray:
        return gamma_tail(a, x, upper=True)

    def _logcdf(self, x: np.ndarray, a: np.ndarray) -> np.ndarray:
        return log_gamma_tail(a, x, upper=False)

    def _logsf(self, x: np.ndarray, a: np.ndarray) -> np.ndarray:
        return log_gamma_tail(a, x, upper=True)

    def _ppf(self, q: np.ndarray, a: np.ndarray) -> np.ndarray:
        return _quantile(q, a, upper=False)

    def _isf(self, q: np.ndarray, a: np.ndarray) -> np.ndarray:
        return _quantile(q, a, upper=True)


gamma: Any = _Gamma(a=0.0, name="gamma")
