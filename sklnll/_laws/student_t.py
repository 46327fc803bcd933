"""Scipy's Student's t, mended where its far quantiles are of the wrong size, or even sign."""

from typing import Any

import numpy as np
from scipy import special, stats

from .._numerics.tails import (
    Outward,
    log_of_tail,
    mended_quantiles,
    on_one_axis,
    outward_root,
    t_outward,
)

_FAR, _LARGE = 1e-90, 1e100
"""Below such a probability, and from such a size on, quantiles are looked at twice."""
_SQUARE = 1e150
"""From such a value on, scipy's tail overflows on the way."""


def _tail(df: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the probability above `z`."""
    tail = special.stdtr(df, -z)
    if np.any(z > _SQUARE):
        with np.errstate(all="ignore"):
            far = np.exp(t_outward(df, np.abs(z)).log_tail)
        tail = np.where((z > _SQUARE) & (z < np.inf), far, tail)
    return tail


def _log_tail(df: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the logarithm of the probability above `z`, however small that is."""
    df, z = on_one_axis(df, z)

    def outward(rows: np.ndarray) -> Outward:
        return t_outward(df[rows], z[rows])

    def other(rows: np.ndarray) -> np.ndarray:
        return _tail(df[rows], -z[rows])

    return log_of_tail(_tail(df, z), other, (z > 0) & (z < np.inf), outward)


def _upper_quantile(p: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Return the value above which there is this probability."""
    p, df = on_one_axis(p, df)
    sign, rest = np.where(p > 0.5, -1.0, 1.0), np.where(p > 0.5, 1 - p, p)
    values = sign * -special.stdtrit(df, p)

    def tail(z: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return _tail(df[rows], z)

    def search(rows: np.ndarray) -> np.ndarray:
        return _search(np.log(rest[rows]), df[rows])

    doubtful = (rest < _FAR) | (values > _LARGE)
    return sign * mended_quantiles(values, rest, doubtful, tail, search)


def _search(log_p: np.ndarray, df: np.ndarray) -> np.ndarray:
    # Farther out than the quantile: the tail is at most cosh(u) ** -df / 2, with u as below.
    log_cosh = (-log_p - np.log(2)) / df
    start = np.where(
        log_cosh < 30, np.arcsinh(np.sqrt(np.expm1(2 * log_cosh))), log_cosh + np.log(2)
    )

    def outward(u: np.ndarray, rows: np.ndarray) -> Outward:
        return t_outward(df[rows], np.sqrt(df[rows]) * np.sinh(u))

    u = outward_root(outward, np.maximum(start, 1e-300), log_p, np.ones(len(df)))
    return np.sqrt(df) * np.sinh(u)


class _StudentT(type(stats.t)):  # type: ignore[misc]
    def _cdf(self, x: np.ndarray, df: np.ndarray) -> np.ndarray:
        return _tail(df, -x)

    def _sf(self, x: np.ndarray, df: np.ndarray) -> np.ndarray:
        return _tail(df, x)

    def _logcdf(self, x: np.ndarray, df: np.ndarray) -> np.ndarray:
        return _log_tail(df, -x)

    def _logsf(self, x: np.ndarray, df: np.ndarray) -> np.ndarray:
        return _log_tail(df, x)

    def _ppf(self, q: np.ndarray, df: np.ndarray) -> np.ndarray:
        return -_upper_quantile(q, df)

    def _isf(self, q: np.ndarray, df: np.ndarray) -> np.ndarray:
        return _upper_quantile(q, df)


student_t: Any = _StudentT(name="student_t")
