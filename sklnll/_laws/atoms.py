"""What is the law of a number that takes the ends of its range with probabilities of their own?"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from .._numerics.tails import LEAST, log_of_larger, log_of_smaller
from .protocols import FrozenLaw, FrozenMass

Score = Callable[[Any], np.ndarray]


@dataclass(frozen=True)
class LawWithAtoms(ABC):
    """A law with atoms is ``weight`` of a non-negative law and, for the rest, atoms at 0 and 1.

    The atom at 0 may be negative where the base has a larger mass there. All numbers are arrays
    that broadcast against the base's parameters.

    Parameters
    ----------
    base : FrozenLaw
    weight : ndarray
        Share of the base law.
    extra : ndarray
        What is added at 0: 1 - weight - one, given so that no digit is lost.
    zero : ndarray
        Probability of 0, the base's mass at it included.
    one : ndarray or float
        What is added at 1.
    """

    base: FrozenLaw
    weight: np.ndarray
    extra: np.ndarray
    zero: np.ndarray
    one: np.ndarray | float = 0.0

    def sf(self, y: Any) -> np.ndarray:
        y = np.asarray(y, dtype=float)
        above = self.weight * self.base.sf(y) + self.one * (y < 1)
        return np.where(y < 0, 1.0, np.minimum(above, 1))

    def cdf(self, y: Any) -> np.ndarray:
        y = np.asarray(y, dtype=float)
        # Where the base is nearly all at 0, what it has above 0 is only seen from above.
        above = self.sf(y)
        of_zero, beyond = self.base.cdf(0), self.base.sf(0)
        since = np.where(beyond < 0.5, beyond - self.base.sf(y), self.base.cdf(y) - of_zero)
        below = self.zero + self.weight * since
        below = np.where(above < 0.5, 1 - above, below + self.one * (y >= 1))
        return np.where(y < 0, 0.0, np.clip(below, 0, 1))

    def logcdf(self, y: Any) -> np.ndarray:
        return self._log_tail(self.cdf(y), self.sf(y), y, upper=False)

    def logsf(self, y: Any) -> np.ndarray:
        return self._log_tail(self.sf(y), self.cdf(y), y, upper=True)

    def _log_tail(self, tail: np.ndarray, other: np.ndarray, y: Any, *, upper: bool) -> np.ndarray:
        """Return the logarithm of a tail, by those of the parts where one of both underflows."""
        if not np.any(np.minimum(tail, other) < LEAST):
            return log_of_smaller(tail, other)
        log_tails = self._log_tails(y)
        return log_of_larger(*(log_tails[::-1] if upper else log_tails))

    def _log_tails(self, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the logarithms of both tails, which may be below all floats."""
        y = np.asarray(y, dtype=float)
        with np.errstate(all="ignore"):
            of_base = np.log(self.weight) + self.base.logcdf(y)
            below = np.logaddexp(np.log(self.extra), of_base)
            below = np.where((self.extra >= 0) & (y < 1), below, np.log(self.cdf(y)))
            of_base = np.log(self.weight) + self.base.logsf(y)
            above = np.logaddexp(np.log(self.one * (y < 1)), of_base)
        return np.where(y < 0, -np.inf, below), np.where(y < 0, 0.0, above)

    def ppf(self, q: Any) -> np.ndarray:
        q = np.asarray(q, dtype=float)
        return self._quantile(q, 1 - q, lambda y: self.cdf(y) < q)

    def isf(self, q: Any) -> np.ndarray:
        q = np.asarray(q, dtype=float)
        return self._quantile(1 - q, q, lambda y: self.sf(y) > q)

    def _quantile(
        self, below: np.ndarray, above: np.ndarray, falls_short: Callable[[Any], np.ndarray]
    ) -> np.ndarray:
        with np.errstate(all="ignore"):
            positive = self._positive_quantile(below, above, falls_short)
            value = np.where(falls_short(0.0), positive, 0.0)
            value = np.where(above == 0, self.base.support()[1], value)
        return np.where((below >= 0) & (above >= 0), value, np.nan)

    @abstractmethod
    def _positive_quantile(
        self, below: np.ndarray, above: np.ndarray, falls_short: Callable[[Any], np.ndarray]
    ) -> np.ndarray:
        """Return the value with these probabilities below and above it, where it is not 0."""

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        size = np.shape(self.mean()) if size is None else size
        return self.ppf(stats.uniform.rvs(size=size, random_state=random_state))

    def median(self) -> np.ndarray:
        return self.ppf(0.5)

    def mean(self) -> np.ndarray:
        return self.weight * self.base.mean() + self.one

    def std(self) -> np.ndarray:
        """Return the root of the variance between the parts, pair by pair, and within the base."""
        mean, std = self.base.mean(), self.base.std()
        unit = np.maximum.reduce(np.broadcast_arrays(mean, std, np.greater(self.one, 0)))
        with np.errstate(all="ignore"):
            between = self.extra * (mean / unit) ** 2 + self.one * ((1 - mean) / unit) ** 2
            squares = (
                self.weight * ((std / unit) ** 2 + between) + self.extra * self.one / unit / unit
            )
            return np.where(np.isfinite(unit), unit * np.sqrt(squares), unit)

    def var(self) -> np.ndarray:
        return self.std() ** 2

    def entropy(self) -> np.ndarray:
        """Return the entropy of probabilities at the atoms, of densities elsewhere."""
        positive = self.base.sf(0)
        within = self._base_entropy() / positive - np.log(self.weight)
        return special.entr(self.zero) + special.entr(self.one) + self.weight * positive * within

    @abstractmethod
    def _base_entropy(self) -> np.ndarray:
        """Return the entropy that the base has without its mass at 0."""

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.base.support()
        nothing = np.zeros(np.shape(self.mean()))
        return low + nothing, high + nothing

    def crps(self, y: np.ndarray, of_base: Score) -> np.ndarray:
        """Return the continuous ranked probability score, from the function that is the base's."""
        score = self.weight * of_base(y) + self.extra * (np.abs(y) - self.weight * of_base(0.0))
        if np.any(self.one):
            rest = np.abs(1 - y) - self.weight * of_base(1.0)
            score = score + self.one * (rest - self.extra)
        return score


class DensityWithAtoms(LawWithAtoms):
    """A density with atoms has a base with a density."""

    def _base_entropy(self) -> np.ndarray:
        return self.base.entropy()

    def _positive_quantile(
        self, below: np.ndarray, above: np.ndarray, falls_short: Callable[[Any], np.ndarray]
    ) -> np.ndarray:
        lower, upper = (below - self.zero) / self.weight, (above - self.one) / self.weight
        value = np.where(
            lower < upper,
            self.base.ppf(np.clip(lower, 0, 1)),
            self.base.isf(np.clip(upper, 0, 1)),
        )
        return np.where(upper < 0, 1.0, value)


class CountWithAtoms(LawWithAtoms):
    """A count with atoms has a base of counts."""

    base: FrozenMass

    def _base_entropy(self) -> np.ndarray:
        return self.base.entropy() - special.entr(self.base.pmf(0))

    def logpmf(self, y: Any) -> np.ndarray:
        y = np.asarray(y, dtype=float)
        with np.errstate(divide="ignore"):
            return np.where(y == 0, np.log(self.zero), np.log(self.weight) + self.base.logpmf(y))

    def pmf(self, y: Any) -> np.ndarray:
        return np.exp(self.logpmf(y))

    def _positive_quantile(
        self, below: np.ndarray, above: np.ndarray, falls_short: Callable[[Any], np.ndarray]
    ) -> np.ndarray:
        rest = np.clip(above / self.weight, 0, 1)
        start = self.base.ppf(1 - rest)
        if np.any(rest < _RARE):
            start = np.where(rest < _RARE, self.base.isf(rest), start)
        start = np.where(np.isfinite(start), np.maximum(start, 1), 1.0)
        return _smallest(lambda y: falls_short(y) & (above > 0), start)

    def crps(self, y: np.ndarray, of_base: Score) -> np.ndarray:
        with np.errstate(all="ignore"):
            closed = super().crps(y, of_base)
            # A base that is nearly all at 0 cancels there; then few counts have a probability.
            few = (self.base.sf(0) < 0.1) & (self.sf(_FEW) < 1e-17)
        if not few.any():
            return closed
        score = np.maximum(y - _FEW, 0) + np.maximum(-y, 0)
        for k in range(_FEW):
            before = np.clip(y - k, 0, 1)
            score = score + before * self.cdf(k) ** 2 + (1 - before) * self.sf(k) ** 2
        return np.where(few, score, closed)


_FEW = 20
_RARE = 1e-9
"""Of such a probability above, what is left below has no digits to search by."""


def _smallest(falls_short: Callable[[np.ndarray], np.ndarray], start: np.ndarray) -> np.ndarray:
    """Search from `start` the smallest whole number above 0 that does not fall short."""
    step = np.maximum(1.0, np.spacing(start))
    low, high = start - step, start
    while (short := falls_short(high)).any():
        low, high = np.where(short, high, low), np.where(short, high + step, high)
        step = 2 * step
    while (enough := (low > 0) & ~falls_short(low)).any():
        low, high = np.where(enough, low - step, low), np.where(enough, low, high)
        step = 2 * step
    low = np.maximum(low, 0.0)
    while True:
        middle = np.floor((low + high) / 2)
        inside = (low < middle) & (middle < high)
        if not inside.any():
            return high
        short = falls_short(middle)
        low = np.where(inside & short, middle, low)
        high = np.where(inside & ~short, middle, high)
