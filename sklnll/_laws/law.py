"""How does a distribution without closed forms answer? By quadrature, sums and root search.

The laws have the methods of scipy's frozen distributions, and broadcast like them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from numbers import Integral
from typing import Any, Self

import numpy as np

from .._numerics.arrays import in_numpy
from .._numerics.tails import log_of_smaller
from .protocols import Family

LEVELS = np.concatenate(
    [
        [1e-14, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 6e-7, 4e-6, 2e-5, 1e-4, 5e-4, 2e-3, 8e-3],
        [0.03, 0.1, 0.25, 0.5],
    ]
)
"""Between points with these probabilities below and above them most densities are smooth, also
those that rise like the root of y at an end of the support."""


class Law(ABC):
    """A law is the distribution of a family for given parameters; abstract.

    Parameters
    ----------
    family : Family
    params : mapping of str to ndarray
        With the axes of a vector last.
    """

    def __init__(self, family: Family, params: Mapping[str, np.ndarray]):
        self.family = family
        self.params = {name: np.asarray(value, dtype=float) for name, value in params.items()}

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the laws, one for each set of parameters."""
        links = self.family.parameters
        return np.broadcast_shapes(
            *(v.shape[: v.ndim - links[name].event_ndim] for name, v in self.params.items())
        )

    def _rows(self, index: np.ndarray) -> Self:
        """Return the laws at these positions, counted through all axes."""
        return type(self)(
            self.family, {name: value[index] for name, value in self._flat_params.items()}
        )

    @cached_property
    def _flat_params(self) -> dict[str, np.ndarray]:
        """Return the parameters with one axis for all laws in front."""
        links = self.family.parameters
        return {
            name: flat_rows(value, self.shape, links[name].event_ndim)
            for name, value in self.params.items()
        }

    @property
    def _n_rows(self) -> int:
        return int(np.prod(self.shape, dtype=int))

    def _log_prob_of_rows(self, y: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Return the log-density, or log-mass, at values of y of these rows; -inf for none.

        Inside of the support none is infinite: there a formula overflows.
        """
        params = {name: value[row] for name, value in self._flat_params.items()}
        values = in_numpy(self.family.log_prob, y, **params)
        return np.where(self.family.support.contains(y) & (values < np.inf), values, -np.inf)

    # What a subclass knows -----------------------------------------------------------------------

    @abstractmethod
    def cdf(self, y: np.ndarray) -> np.ndarray:
        """Return the probability of a value at most `y`."""

    @abstractmethod
    def sf(self, y: np.ndarray) -> np.ndarray:
        """Return the probability of a value above `y`."""

    @abstractmethod
    def _search(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        """Search for the value with these probabilities below and above it.

        Both have the shape of the result. What is found where one of them is 0 does not count.
        """

    @abstractmethod
    def total(self) -> np.ndarray:
        """Return the total probability, as quadrature, or a sum, sees it."""

    @abstractmethod
    def mean(self) -> np.ndarray:
        """Return the expected value."""

    @abstractmethod
    def std(self) -> np.ndarray:
        """Return the standard deviation, found without squares that overflow."""

    @abstractmethod
    def mode(self) -> np.ndarray:
        """Return the point with the largest density, or mass."""

    @abstractmethod
    def entropy(self) -> np.ndarray:
        """Return the entropy in nats."""

    @abstractmethod
    def crps(self, y: np.ndarray) -> np.ndarray:
        """Return the continuous ranked probability score: the integral of (cdf - step at y)**2."""

    # What follows --------------------------------------------------------------------------------

    def _log_prob(self, y: np.ndarray) -> np.ndarray:
        y = np.asarray(y, dtype=float)
        return np.where(self.family.support.contains(y), self._formula(y), -np.inf)

    def _formula(self, y: np.ndarray) -> np.ndarray:
        """Return what the family says of any `y`, also outside the support."""
        return in_numpy(self.family.log_prob, y, **self.params)

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and highest possible values."""
        support = self.family.support
        return np.full(self.shape, support.low), np.full(self.shape, support.high)

    def logcdf(self, y: np.ndarray) -> np.ndarray:
        """Return the logarithm of `cdf`."""
        return log_of_smaller(self.cdf(y), self.sf(y))

    def logsf(self, y: np.ndarray) -> np.ndarray:
        """Return the logarithm of `sf`."""
        return log_of_smaller(self.sf(y), self.cdf(y))

    def _quantile(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        """Return the value with these probabilities below and above it; NaN for NaN."""
        shape = np.broadcast_shapes(below.shape, self.shape)
        below, above = np.broadcast_to(below, shape), np.broadcast_to(above, shape)
        quantile = self._search(below, above)
        low, high = (np.broadcast_to(end, shape) for end in self._outermost())
        quantile = np.where(below == 0, low, np.where(above == 0, high, quantile))
        return np.where(np.isnan(below), np.nan, quantile)

    def _outermost(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the quantiles at probabilities of 0 and 1."""
        return self.support()

    def ppf(self, q: np.ndarray) -> np.ndarray:
        """Return the quantile: the value that is not exceeded with probability `q`."""
        below = np.asarray(q, dtype=float)
        return self._quantile(below, 1 - below)

    def isf(self, q: np.ndarray) -> np.ndarray:
        """Return the value that is exceeded with probability `q`."""
        above = np.asarray(q, dtype=float)
        return self._quantile(1 - above, above)

    def median(self) -> np.ndarray:
        """Return the 0.5 quantile."""
        return self.ppf(np.full(self.shape, 0.5))

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        """Draw values, as the quantiles of uniform numbers."""
        shape = self.shape if size is None else size
        return self.ppf(as_generator(random_state).uniform(size=shape))

    def var(self) -> np.ndarray:
        """Return the variance."""
        with np.errstate(over="ignore"):
            return self.std() ** 2


class ContinuousLaw(Law):
    """A continuous law has a density that is smooth between its `edges`; abstract."""

    @abstractmethod
    def edges(self) -> np.ndarray:
        """Return increasing points, on a first axis, between which all probability lies."""

    def logpdf(self, y: np.ndarray) -> np.ndarray:
        """Return the logarithm of the density."""
        return self._log_prob(y)

    def pdf(self, y: np.ndarray) -> np.ndarray:
        """Return the density."""
        return np.exp(self.logpdf(y))


class CountLaw(Law):
    """A law of counts has a mass at each whole number; abstract."""

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        """Return the logarithm of the mass."""
        return np.where(y == np.floor(y), self._log_prob(y), -np.inf)

    def pmf(self, y: np.ndarray) -> np.ndarray:
        """Return the mass."""
        return np.exp(self.logpmf(y))

    @abstractmethod
    def _bracket(self, below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return two whole numbers that have the quantile between them."""

    def _search(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        low, high = self._bracket(below, above)
        # At the bracket's high end the cdf is at least `below`, by what it is.
        while (low < high).any():
            middle = np.floor(low + (high - low) / 2)
            enough = self._reaches(middle, below, above)
            low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
            low = np.minimum(low, high)
        return high

    def _reaches(self, y: np.ndarray, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        """Tell whether a value of at most `y` has this probability, by the smaller tail."""
        return np.where(below < above, self.cdf(y) >= below, self.sf(y) <= above)

    def _outermost(self) -> tuple[np.ndarray, np.ndarray]:
        lowest, highest = self.support()
        return lowest - 1, highest


def as_generator(random_state: Any) -> Any:
    """Return the generator that is given or, as scipy has it, the one of a seed or a new one."""
    if random_state is None:
        return np.random.default_rng()
    if isinstance(random_state, Integral):
        return np.random.RandomState(int(random_state))
    return random_state


def flat_rows(value: np.ndarray, shape: tuple[int, ...], event_ndim: int) -> np.ndarray:
    """Return a parameter's values for laws of this shape, on one axis."""
    event = value.shape[value.ndim - event_ndim :]
    return np.broadcast_to(value, (*shape, *event)).reshape(-1, *event)
