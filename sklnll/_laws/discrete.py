"""What do scipy's distributions over 0, 1, 2, ... need, so that extreme parameters end well?"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import special, stats

from .._numerics.arrays import in_numpy

_LARGEST = np.finfo(float).max
_GAUSS_LEGENDRE = np.polynomial.legendre.leggauss(16)
_WIDE = 1e5
"""Beside such a standard deviation a count is no grain."""

_SUMMED = 4096
"""So many terms of a sum are added one by one; the smooth rest is integrated."""


class CountDistribution(stats.rv_discrete, ABC):
    """A distribution over counts is made of its mass, its tails and three moments; abstract.

    Quantiles are searched for in the tails (scipy's own searches of some families do not end for
    extreme parameters): exact up to 2**53, beyond that to rounding. Where the distribution is a
    rounded normal to all digits that matter, its tails are the normal's.
    """

    @abstractmethod
    def _log_mass(self, k: torch.Tensor, *args: Any, **shapes: Any) -> torch.Tensor:
        """Return the logarithm of the mass, in torch."""

    @abstractmethod
    def _moments(self, *args: Any, **shapes: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return mean, standard deviation and skewness."""

    @abstractmethod
    def _tail(self, k: np.ndarray, upper: bool, *args: Any, **shapes: Any) -> np.ndarray:
        """Return the probability of at most the whole number k, or of more (`upper`)."""

    def _logpmf(self, k: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        return in_numpy(self._log_mass, *(np.asarray(v, dtype=float) for v in (k, *shapes)))

    def _pmf(self, k: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        return np.exp(self._logpmf(k, *shapes))

    def _cdf(self, x: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        return self._tail_or_normal(x, False, *shapes)

    def _sf(self, x: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        return self._tail_or_normal(x, True, *shapes)

    def _tail_or_normal(self, x: np.ndarray, upper: bool, *args: np.ndarray) -> np.ndarray:
        k, *shapes = np.broadcast_arrays(np.floor(x), *args)
        mean, std, skewness = self._moments(*shapes)
        is_normal = (std > _WIDE) & (np.abs(skewness) < 2 / _WIDE)
        tail = special.ndtr((mean - k - 0.5 if upper else k + 0.5 - mean) / std)
        rest = ~is_normal
        tail[rest] = self._tail(k[rest], upper, *(value[rest] for value in shapes))
        return tail

    def _logcdf(self, k: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        below, above = self._cdf(k, *shapes), self._sf(k, *shapes)
        with np.errstate(divide="ignore"):
            return np.where(below < above, np.log(below), np.log1p(-above))

    def _stats(self, *shapes: np.ndarray) -> tuple[Any, Any, Any, None]:
        mean, std, skewness = self._moments(*shapes)
        with np.errstate(over="ignore"):
            return mean, std**2, skewness, None

    def _ppf(self, q: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        def reached(k: np.ndarray, q: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
            return self._cdf(k, *shapes) >= q

        return least_count(reached, self._guess(special.ndtri(q), *shapes), q, *shapes)

    def _isf(self, q: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        def reached(k: np.ndarray, q: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
            return self._sf(k, *shapes) <= q

        return least_count(reached, self._guess(-special.ndtri(q), *shapes), q, *shapes)

    def _guess(self, z: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        """Return Cornish and Fisher's quantile."""
        mean, std, skewness = self._moments(*shapes)
        with np.errstate(all="ignore"):
            return np.nan_to_num(mean + std * (z + skewness * (z * z - 1) / 6))

    def _entropy(self, *shapes: Any) -> float:
        mean, std, skewness = self._moments(*shapes)
        if std > _WIDE and abs(skewness) < 1e-3:
            return 0.5 * np.log(2 * np.pi * np.e) + np.log(std) - skewness**2 / 12

        def term(k: np.ndarray) -> np.ndarray:
            log_mass = self._logpmf(k, *shapes)
            return special.entr(np.exp(log_mass))

        # Masses fall as those of a normal, and then as exp(-k / (variance / mean)).
        reach = 40 * (std + std / mean * std + 1)
        last = self._get_support(*shapes)[1]
        return sum_of_smooth(term, max(mean - 40 * std, 0.0), min(mean + reach, last))


def least_count(
    reached: Callable[..., np.ndarray], guess: np.ndarray, *args: np.ndarray
) -> np.ndarray:
    """Return the smallest whole numbers k >= 0 at which ``reached(k, *args)`` holds.

    Steps outward from the guess that grow until they enclose it, then bisection.

    Parameters
    ----------
    reached : callable
        False below some number and True from it on. It gets those elements that are still open.
    guess : ndarray
        Finite; a good one saves time.
    *args : ndarray
        Broadcast against `guess`.

    Returns
    -------
    ndarray
        Exact up to 2**53; beyond that one of the neighboring floats.
    """
    first, *values = np.broadcast_arrays(guess, *args)
    k = np.clip(np.floor(first), 0, _LARGEST)
    low, high = np.full(k.shape, -1.0), np.full(k.shape, _LARGEST)
    step = 2.0
    while (rows := (low < k) & (k < high)).any():
        holds = reached(k[rows], *(value[rows] for value in values))
        high[rows] = np.where(holds, k[rows], high[rows])
        low[rows] = np.where(holds, low[rows], k[rows])
        k = _between(low, high, step)
        step = min(step * step, 1e100)
    return high


def _between(low: np.ndarray, high: np.ndarray, step: float) -> np.ndarray:
    """Return a whole number between two, or a step away from one while the other is not known."""
    with np.errstate(over="ignore"):
        is_far = high / 4 > low + 2
        middle = np.where(is_far, np.sqrt(low + 1) * np.sqrt(high), low + np.ceil((high - low) / 2))
        if step < 1e100:
            grain = step * 2.0**-50
            middle = np.where(low < 0, high - np.maximum(step, grain * high), middle)
            middle = np.where(high == _LARGEST, low + np.maximum(step, grain * low), middle)
    return np.clip(np.floor(middle), low + 1, high)


def sum_of_smooth(term: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> float:
    """Return the sum of ``term(k)`` over whole k from `low` to `high`; outside there is nothing.

    The first terms are added; the rest, which changes little from one k to the next, is integrated
    over intervals that grow with k, with the first term of Euler and Maclaurin's correction.
    """
    first = np.floor(low)
    head = term(np.arange(first, min(first + _SUMMED, np.floor(high) + 1)))
    if len(head) < _SUMMED:
        return float(head.sum())
    start = first + _SUMMED - 0.5
    n_pieces = 80 + int(4 * np.log(high / start + 1))
    edges = np.geomspace(start, max(high, start + 1), n_pieces + 1)
    half = np.diff(edges)[:, None] / 2
    nodes, weights = _GAUSS_LEGENDRE
    values = term((edges[:-1, None] + half + half * nodes).ravel()).reshape(n_pieces, -1)
    slope = term(np.array([start + 0.5]))[0] - head[-1]
    return float(head.sum() + (values * weights * half).sum() + slope / 24)
