"""Scipy's beta distribution, mended where its tails underflow and its quantiles are wrong."""

from typing import Any

import numpy as np
from scipy import special, stats

from .._numerics.arrays import in_numpy
from .._numerics.special import log_beta_weight
from .._numerics.tails import (
    FAR,
    Outward,
    beta_outward,
    log_of_tail,
    mended_quantiles,
    on_one_axis,
    outward_root,
)

_LARGE = 1e4
"""From such a sum of its parameters on, scipy's quantiles are looked at twice."""
_LEAST = np.array(1e-307)
_HUGE = 1e9
"""From such a sum on, so are its tails."""


def lower_beta_outward(a: np.ndarray, b: np.ndarray, x: np.ndarray, rest: np.ndarray) -> Outward:
    """Return the lower tail of the beta distribution at x = 1 - rest, over the log-odds of x."""
    total = a + b
    density = in_numpy(log_beta_weight, x, rest, a / total, b / total, total)
    return beta_outward(density, total, x, rest, a * rest - b * x)


def _tail(x: np.ndarray, a: np.ndarray, b: np.ndarray, upper: bool) -> np.ndarray:
    """Return the probability below `x`, or above it."""
    tail = special.betaincc(a, b, x) if upper else special.betainc(a, b, x)
    is_wrong = (a + b > _HUGE) & (x > 0) & (x < 1)
    if np.any(is_wrong):
        rest = 1 - x
        is_low = x * b < rest * a
        given = (np.where(is_low, *pair) for pair in ((a, b), (b, a), (x, rest), (rest, x)))
        with np.errstate(all="ignore"):
            smaller = np.exp(lower_beta_outward(*given).log_tail)
        tail = np.where(is_wrong, np.where(is_low != upper, smaller, 1 - smaller), tail)
    return tail


def _log_tail(x: np.ndarray, a: np.ndarray, b: np.ndarray, upper: bool) -> np.ndarray:
    """Return the logarithm of `_tail`, however small that is."""
    x, a, b = on_one_axis(x, a, b)

    def outward(rows: np.ndarray) -> Outward:
        place, rest, first, second = x[rows], 1 - x[rows], a[rows], b[rows]
        if upper:
            return lower_beta_outward(second, first, rest, place)
        return lower_beta_outward(first, second, place, rest)

    def other(rows: np.ndarray) -> np.ndarray:
        return _tail(x[rows], a[rows], b[rows], not upper)

    tail = _tail(x, a, b, upper)
    return log_of_tail(tail, other, (x > 0) & (x < 1), outward)


def _quantile(p: np.ndarray, a: np.ndarray, b: np.ndarray, upper: bool) -> np.ndarray:
    """Return the x below which there is this probability, or above it."""
    p, a, b = on_one_axis(p, a, b)
    inverse = special.betainccinv if upper else special.betaincinv
    flipped = p > 0.5
    rest = np.where(flipped, 1 - p, p)

    def tail(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        below, above = (_tail(x, a[rows], b[rows], side) for side in (False, True))
        return np.where(flipped[rows] == upper, below, above)

    def search(rows: np.ndarray) -> np.ndarray:
        is_low = flipped[rows] == upper
        first, second = np.where(is_low, a[rows], b[rows]), np.where(is_low, b[rows], a[rows])
        log_odds = _search(np.log(rest[rows]), first, second)
        below = np.where(is_low, rest[rows], 1 - rest[rows])
        above = np.where(is_low, 1 - rest[rows], rest[rows])
        zero = _tail(_LEAST, a[rows], b[rows], upper=False) >= below
        one = _tail(_LEAST, b[rows], a[rows], upper=False) >= above
        value = special.expit(np.where(is_low, log_odds, -log_odds))
        return np.where(zero, 0.0, np.where(one, 1.0, value))

    doubtful = (rest < FAR) | (a + b > _LARGE)
    values = mended_quantiles(inverse(a, b, p), rest, doubtful, tail, search)
    return np.maximum(values, np.finfo(float).tiny)  # as scipy has it: no y is 0


def _search(log_p: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the log-odds of the quantile with this probability below it."""
    # Farther out than the quantile, where b >= 1: by the density without its power of 1 - x, and
    # by the largest variance that the law can have.
    log_power = np.minimum((log_p + np.log(a) + special.betaln(a, b)) / a, -1e-3)
    by_variance = a / (a + b) - np.sqrt(-log_p / (2 * (a + b + 1)))
    start = np.maximum(
        log_power - np.log(-np.expm1(log_power)), special.logit(np.maximum(by_variance, 0))
    )

    def outward(s: np.ndarray, rows: np.ndarray) -> Outward:
        return lower_beta_outward(a[rows], b[rows], special.expit(s), special.expit(-s))

    return outward_root(outward, start, log_p, -np.ones(len(a)))


class _Beta(type(stats.beta)):  # type: ignore[misc]
    def _cdf(self, x: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return _tail(x, a, b, upper=False)

    def _sf(self, x: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return _tail(x, a, b, upper=True)

    def _logcdf(self, x: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return _log_tail(x, a, b, upper=False)

    def _logsf(self, x: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return _log_tail(x, a, b, upper=True)

    def _ppf(self, q: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return _quantile(q, a, b, upper=False)

    def _isf(self, q: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return _quantile(q, a, b, upper=True)


beta: Any = _Beta(a=0.0, b=1.0, name="beta")

LEAST_PARAMETER = 1e-100
"""Of the usual parameters: scipy squares their sum."""


class FrozenBeta(type(beta(1, 1))):  # type: ignore[misc]
    """A beta distribution by its mean and its precision, from which the usual parameters follow.

    Where those underflow, the moments are still what the mean and the precision say.
    """

    def __init__(self, mean: np.ndarray, precision: np.ndarray):
        usual = (np.maximum(m * precision, LEAST_PARAMETER) for m in (mean, 1 - mean))
        super().__init__(beta, *usual)
        self._moments = mean + 0.0 * precision, mean * (1 - mean) / (1 + precision)

    def mean(self) -> np.ndarray:
        return self._moments[0]

    def var(self) -> np.ndarray:
        return self._moments[1]

    def std(self) -> np.ndarray:
        return np.sqrt(self._moments[1])
