"""What do scipy's distributions over 0, 1, 2, ... need, so that extreme parameters end well?"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import special, stats

from .._numerics.arrays import in_numpy
from .._numerics.tails import Outward, log_of_tail, on_one_axis
from .law import as_generator

_LARGEST = np.finfo(float).max
_GAUSS_LEGENDRE = np.polynomial.legendre.leggauss(16)
_WIDE = 1e5
"""Beside such a standard deviation a count is no grain."""

_SUMMED = 4096
"""So many terms of a sum are added one by one; the smooth rest is integrated."""


class CountDistribution(stats.rv_discrete, ABC):
    """A distribution over counts is made of its mass, its tails and three moments; abstract.

    Quantiles are searched for in the tails (scipy's own searches of some families do not end for
    extreme parameters): exact up to 2**53, beyond that to rounding.
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

    @abstractmethod
    def _is_large(self, k: np.ndarray, *args: Any, **shapes: Any) -> np.ndarray:
        """Say where numbers are too large for `_tail`."""

    @abstractmethod
    def _outward(self, k: np.ndarray, upper: np.ndarray, *args: Any, **shapes: Any) -> Outward:
        """Return the same tail, the smaller one, as one that may underflow."""

    def _logpmf(self, k: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        return in_numpy(self._log_mass, *(np.asarray(v, dtype=float) for v in (k, *shapes)))

    def _pmf(self, k: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        return np.exp(self._logpmf(k, *shapes))

    def _cdf(self, x: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        return self._any_tail(x, False, *shapes)

    def _sf(self, x: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        return self._any_tail(x, True, *shapes)

    def _any_tail(self, x: np.ndarray, upper: bool, *args: np.ndarray) -> np.ndarray:
        k, *shapes = np.broadcast_arrays(np.floor(x), *args)
        is_large = self._is_large(k, *shapes)
        if not np.any(is_large):
            return self._tail(k, upper, *shapes)
        tail, rest = np.empty(k.shape), ~is_large
        tail[rest] = self._tail(k[rest], upper, *(value[rest] for value in shapes))
        k, shapes = k[is_large], [value[is_large] for value in shapes]
        is_upper = k + 0.7 > self._moments(*shapes)[0]
        with np.errstate(all="ignore"):
            smaller = np.exp(self._outward(k, is_upper, *shapes).log_tail)
        tail[is_large] = np.where(is_upper == upper, smaller, 1 - smaller)
        return tail

    def _logcdf(self, k: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        return self._log_tail(k, False, *shapes)

    def _logsf(self, k: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        return self._log_tail(k, True, *shapes)

    def _log_tail(self, x: np.ndarray, upper: bool, *args: np.ndarray) -> np.ndarray:
        k, *shapes = on_one_axis(np.floor(x), *args)

        def outward(rows: np.ndarray) -> Outward:
            of_rows = (value[rows] for value in shapes)
            return self._outward(k[rows], np.full(len(rows), upper), *of_rows)

        def other(rows: np.ndarray) -> np.ndarray:
            return self._any_tail(k[rows], not upper, *(value[rows] for value in shapes))

        tail = self._any_tail(k, upper, *shapes)
        return log_of_tail(tail, other, k < self._get_support(*shapes)[1], outward)

    def _stats(self, *shapes: np.ndarray) -> tuple[Any, Any, Any, None]:
        mean, std, skewness = self._moments(*shapes)
        with np.errstate(over="ignore"):
            return mean, std**2, skewness, None

    def _ppf(self, q: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        def reached(k: np.ndarray, q: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
            return self._compared(k, q, False, *shapes) >= 0

        return least_count(reached, self._guess(special.ndtri(q), *shapes), q, *shapes)

    def _isf(self, q: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        def reached(k: np.ndarray, q: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
            return self._compared(k, q, True, *shapes) <= 0

        return least_count(reached, self._guess(-special.ndtri(q), *shapes), q, *shapes)

    def _compared(
        self, k: np.ndarray, q: np.ndarray, upper: bool, *shapes: np.ndarray
    ) -> np.ndarray:
        """Return by how much a tail exceeds `q`, in logarithms where both nearly underflow."""
        excess = self._any_tail(k, upper, *shapes) - q
        tiny = q < 1e-305
        if np.any(tiny):
            of_tiny = (value[tiny] for value in shapes)
            excess[tiny] = self._log_tail(k[tiny], upper, *of_tiny) - np.log(q[tiny])
        return excess

    def _guess(self, z: np.ndarray, *shapes: np.ndarray) -> np.ndarray:
        """Return Cornish and Fisher's quantile."""
        mean, std, skewness = self._moments(*shapes)
        with np.errstate(all="ignore"):
            return np.nan_to_num(mean + std * (z + skewness * (z * z - 1) / 6))

    def rvs(
        self, *shapes: Any, size: Any = None, random_state: Any = None, **params: Any
    ) -> np.ndarray:
        """Draw counts: of type int64 as scipy's, or float where one is beyond that."""
        args, loc, _, size = self._parse_args_rvs(*shapes, size=size, **params)
        if not np.all(self._argcheck(*args)):
            raise ValueError(f"parameters of {self.name} must be legal; got {args}.")
        generator = self._random_state if random_state is None else as_generator(random_state)
        values = np.asarray(self._rvs(*args, size=size, random_state=generator) + loc)
        return values if np.any(values >= 2.0**63) else values.astype(np.int64)

    def _entropy(self, *shapes: Any) -> float:
        mean, std, skewness = self._moments(*shapes)
        if std > _WIDE and abs(skewness) < 1e-3:  # nearly a normal
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
