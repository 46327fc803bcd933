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
from .elementary import log1mexp

_LARGE = 1e5
"""From such a shape on, lower tails of scipy's are wrong."""
_LEAST = np.finfo(float).tiny
"""Below this, a ratio loses digits."""


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


def _in_units(z: np.ndarray, log_p: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return quantiles in y's units, also where the unit brings back what underflows without it."""
    log_z = (log_p + special.gammaln(shape + 1)) / shape
    return np.where(z < _LEAST, np.exp(log_z + np.log(unit)), unit * z)


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


def _log_of_little(shape: np.ndarray, y: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return the logarithm of the lower tail where `y` over its unit is next to nothing."""
    log_tail = shape * (np.log(y) - np.log(unit)) - special.gammaln(shape + 1)
    return np.minimum(log_tail, -_LEAST)


class _Gamma(type(stats.gamma)):  # type: ignore[misc]
    """The law of y itself, not of y over its scale: of a small shape, the probability of all y
    whose ratio to the scale underflows may be nearly 1.
    """

    def _argcheck(self, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return (shape > 0) & (unit > 0)

    def _shape_info(self) -> list[Any]:
        return []

    def _pdf(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return np.exp(self._logpdf(y, shape, unit))

    def _logpdf(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        z = y / unit
        log_power = np.where(
            z < _LEAST, (shape - 1) * (np.log(y) - np.log(unit)), special.xlogy(shape - 1, z)
        )
        return log_power - z - special.gammaln(shape) - np.log(unit)

    def _cdf(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        little = np.exp(_log_of_little(shape, y, unit))
        return np.where(y / unit < _LEAST, little, gamma_tail(shape, y / unit, upper=False))

    def _sf(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        little = -np.expm1(_log_of_little(shape, y, unit))
        return np.where(y / unit < _LEAST, little, gamma_tail(shape, y / unit, upper=True))

    def _logcdf(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        little, tail = _log_of_little(shape, y, unit), log_gamma_tail(shape, y / unit, upper=False)
        return np.where(y / unit < _LEAST, little, tail)

    def _logsf(self, y: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        little, tail = _log_of_little(shape, y, unit), log_gamma_tail(shape, y / unit, upper=True)
        with np.errstate(divide="ignore"):
            return np.where(y / unit < _LEAST, log1mexp(little), tail)

    def _ppf(self, q: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return _in_units(_quantile(q, shape, upper=False), np.log(q), shape, unit)

    def _isf(self, q: np.ndarray, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return _in_units(_quantile(q, shape, upper=True), np.log1p(-q), shape, unit)

    def _munp(self, n: int, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return unit**n * special.poch(shape, n)

    def _stats(self, shape: np.ndarray, unit: np.ndarray) -> tuple[Any, ...]:
        return shape * unit, shape * unit * unit, 2 / np.sqrt(shape), 6 / shape

    def _entropy(self, shape: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return super()._entropy(shape) + np.log(unit)

    def _rvs(
        self, shape: np.ndarray, unit: np.ndarray, size: Any = None, random_state: Any = None
    ) -> np.ndarray:
        return unit * random_state.standard_gamma(shape, size)


gamma: Any = _Gamma(a=0.0, name="gamma", shapes="shape, unit")
