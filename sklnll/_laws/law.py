"""How does a distribution without closed forms answer? By quadrature, sums and root search.

The laws have the methods of scipy's frozen distributions, and broadcast like them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.polynomial import legendre
from scipy.optimize import elementwise

from .._numerics.arrays import in_numpy
from .._numerics.tails import log_of_smaller
from .protocols import Family

_N_NODES = 20
NODES, WEIGHTS = legendre.leggauss(_N_NODES)
UP_TO_NODE = np.linalg.solve(
    legendre.legvander(NODES, _N_NODES - 1).T,
    np.stack([legendre.Legendre.basis(k).integ(lbnd=-1)(NODES) for k in range(_N_NODES)]),
).T
"""Values at the nodes, multiplied by row i, have their integral up to node i as their sum."""

LEVELS = np.concatenate(
    [
        [1e-14, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 6e-7, 4e-6, 2e-5, 1e-4, 5e-4, 2e-3, 8e-3],
        [0.03, 0.1, 0.25, 0.5],
    ]
)
"""Between points with these probabilities below and above them most densities are smooth, also
those that rise like the root of y at an end of the support."""

_COUNTS_AT_ONCE = 128
_VALUES_AT_ONCE = 100_000
_N_ZOOMS = 9
_ALL = 1 - 1e-12


@dataclass(frozen=True)
class Panel:
    """A panel is a few neighboring stretches of y's axis, each seen at some points; these are the
    first two axes.

    Parameters
    ----------
    y : ndarray of shape (n_stretches, n_points, ...)
        Quadrature nodes, or whole numbers.
    weight : ndarray
        Of the points in an integral or a sum; broadcasts against y.
    density : ndarray of shape (n_stretches, n_points, ...)
        Density or mass at the points.
    below : ndarray of shape (n_stretches, n_points, ...)
        Probability of a value at most that of the point.
    """

    y: np.ndarray
    weight: np.ndarray
    density: np.ndarray
    below: np.ndarray

    def integral(self, values: np.ndarray) -> np.ndarray:
        """Return the integral, or sum, of a function with these values at the points."""
        return (self.weight * values).sum(axis=(0, 1))

    @property
    def shares(self) -> np.ndarray:
        """Return the probability of each stretch."""
        return (self.weight * self.density).sum(axis=1)

    def expectation(self, values: np.ndarray) -> np.ndarray:
        """Return the share of this stretch in the expectation of a function with these values."""
        with np.errstate(invalid="ignore"):
            return self.integral(np.where(self.density > 0, self.density * values, 0.0))


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
        links = self.family.parameters
        params = {
            name: flat_rows(value, self.shape, links[name].event_ndim)[index]
            for name, value in self.params.items()
        }
        return type(self)(self.family, params)

    # What a subclass knows -----------------------------------------------------------------------

    @abstractmethod
    def cdf(self, y: np.ndarray) -> np.ndarray:
        """Return the probability of a value at most `y`."""

    @abstractmethod
    def sf(self, y: np.ndarray) -> np.ndarray:
        """Return the probability of a value above `y`."""

    @abstractmethod
    def panels(self, cut: np.ndarray | None = None) -> Iterator[Panel]:
        """Yield stretches, from low to high, that hold all but rounding's share of the probability.

        No stretch lies on both sides of `cut`, which broadcasts against the parameters.
        """

    @abstractmethod
    def _search(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        """Search for the value with these probabilities below and above it.

        Both have the shape of the result. What is found where one of them is 0 does not count.
        """

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

    def total(self) -> np.ndarray:
        """Return the total probability, as quadrature sees it."""
        return np.asarray(sum(panel.integral(panel.density) for panel in self.panels()))

    def mean(self) -> np.ndarray:
        """Return the expected value."""
        return np.asarray(sum(panel.expectation(panel.y) for panel in self.panels()))

    def var(self) -> np.ndarray:
        """Return the variance."""
        mean = self.mean()
        return np.asarray(sum(panel.expectation((panel.y - mean) ** 2) for panel in self.panels()))

    def std(self) -> np.ndarray:
        """Return the standard deviation."""
        return np.sqrt(self.var())

    def mode(self) -> np.ndarray:
        """Return the point with the largest density, or mass."""
        best, largest = np.full(self.shape, np.nan), np.full(self.shape, -np.inf)
        for panel in self.panels():
            y = np.broadcast_to(panel.y, panel.density.shape).reshape(-1, *self.shape)
            density = panel.density.reshape(y.shape)
            highest = density.argmax(axis=0)[None]
            value = np.take_along_axis(density, highest, axis=0)[0]
            best = np.where(value > largest, np.take_along_axis(y, highest, axis=0)[0], best)
            largest = np.maximum(value, largest)
        return best

    def entropy(self) -> np.ndarray:
        """Return the entropy in nats."""
        with np.errstate(divide="ignore"):
            return np.asarray(
                sum(panel.expectation(-np.log(panel.density)) for panel in self.panels())
            )

    def crps(self, y: np.ndarray) -> np.ndarray:
        """Return the continuous ranked probability score: the integral of (cdf - step at y)**2."""
        total = np.zeros(np.broadcast_shapes(np.shape(y), self.shape))
        all_below = self.total()
        for panel in self.panels(cut=y):
            # Of a whole number's step of the cdf, this share lies below y.
            share = np.clip(y - panel.y, 0, 1) if self.family.support.discrete else panel.y < y
            # Rounding's share must not be multiplied with the length of a far tail.
            above = np.where(panel.below < _ALL * all_below, all_below - panel.below, 0.0)
            total += panel.integral(share * panel.below**2 + (1 - share) * above**2)
        return total


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

    def panels(self, cut: np.ndarray | None = None) -> Iterator[Panel]:
        edges = self.edges()
        if cut is not None:
            shape = np.broadcast_shapes(np.shape(cut), self.shape)
            edges = np.broadcast_to(with_trailing_axes(edges, shape), (len(edges), *shape))
            edges = np.sort(np.concatenate([edges, np.broadcast_to(cut, shape)[None]]), axis=0)
        line = self._to_line(edges)
        below = np.zeros(line.shape[1:])
        nodes, weights = (v.reshape(-1, *(1,) * below.ndim) for v in (NODES, WEIGHTS))
        n_stretches = max(1, _VALUES_AT_ONCE // (_N_NODES * max(below.size, 1)))
        for start in range(0, len(line) - 1, n_stretches):
            low, high = (line[start + k :][:n_stretches, None] for k in (0, 1))
            half = (high - low[: len(high)]) / 2
            y, slope = self._from_line(low[: len(high)] + half * (1 + nodes))
            # An end where the density is infinite may be the whole of a stretch without length.
            density = np.where(half > 0, self.pdf(y), 0.0)
            up_to_node = np.einsum("ij,pj...->pi...", UP_TO_NODE, slope * density)
            panel = Panel(y, half * weights * slope, density, up_to_node)
            before = below + panel.shares.cumsum(axis=0) - panel.shares
            yield replace(panel, below=before[:, None] + half * up_to_node)
            below = below + panel.shares.sum(axis=0)

    def _to_line(self, y: np.ndarray) -> np.ndarray:
        """The variable over which the density is integrated."""
        return y

    def _from_line(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray | float]:
        """From that variable to y, and the derivative of y by it."""
        return t, 1.0

    def mode(self) -> np.ndarray:
        # Between two nodes, or a node and an edge, the top is searched by ever finer grids.
        best, edges = super().mode(), self.edges()
        reach = np.maximum(*(np.abs(edge - best) for edge in _around(edges, best))) / 4
        for _ in range(_N_ZOOMS):
            low, high = (np.maximum(best - reach, edges[0]), np.minimum(best + reach, edges[-1]))
            grid = np.linspace(low, high, 33)
            highest = self.logpdf(grid).argmax(axis=0)[None]
            best = np.take_along_axis(grid, highest, axis=0)[0]
            reach = reach / 12
        return best

    def _bracket(self, below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return two values that have the quantile between them."""
        edges = self.edges()
        return np.broadcast_to(edges[0], below.shape), np.broadcast_to(edges[-1], below.shape)

    def _search(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        inside = (below > 0) & (above > 0)
        below, above = np.where(inside, below, 0.5), np.where(inside, above, 0.5)
        low, high = self._bracket(below, above)
        index = np.broadcast_to(
            np.arange(np.prod(self.shape, dtype=int)).reshape(self.shape), below.shape
        )

        def excess(y: np.ndarray, below: Any, above: Any, index: np.ndarray) -> np.ndarray:
            law = self._rows(index.astype(int))
            # Measured at the smaller tail, which has the digits.
            return np.where(below < above, law.cdf(y) - below, above - law.sf(y))

        found = elementwise.find_root(excess, (low, high), args=(below, above, index + 0.0))
        # Where rounding hides the change of sign, the two ends are the same.
        return np.where(found.success, found.x, np.where(found.f_bracket[0] > 0, low, high))


class CountLaw(Law):
    """A law of counts has a mass at each whole number; abstract."""

    @abstractmethod
    def _range(self) -> tuple[float, float]:
        """Return the whole numbers below and above which there is no probability to speak of."""

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        """Return the logarithm of the mass."""
        return np.where(y == np.floor(y), self._log_prob(y), -np.inf)

    def pmf(self, y: np.ndarray) -> np.ndarray:
        """Return the mass."""
        return np.exp(self.logpmf(y))

    def panels(self, cut: np.ndarray | None = None) -> Iterator[Panel]:
        shape = self.shape if cut is None else np.broadcast_shapes(np.shape(cut), self.shape)
        low, high = self._range()
        if cut is not None:
            low, high = min(low, np.floor(np.min(cut))), max(high, np.ceil(np.max(cut)))
        below = np.zeros(shape)
        for start in np.arange(max(low, 0), high + 1, _COUNTS_AT_ONCE):
            counts = np.arange(start, min(start + _COUNTS_AT_ONCE, high + 1))
            y = counts.reshape(1, -1, *(1,) * len(shape))
            mass = np.exp(self.logpmf(y)) * np.ones(shape)
            running = below + np.cumsum(mass, axis=1)
            yield Panel(y, np.ones_like(y), mass, running)
            below = running[0, -1]

    def _bracket(self, below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return two whole numbers that have the quantile between them."""
        low, high = self._range()
        return np.full(below.shape, low), np.full(below.shape, high)

    def _search(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        low, high = self._bracket(below, above)
        # At the bracket's high end the cdf is at least `below`, by what it is.
        while (low < high).any():
            middle = np.floor(low + (high - low) / 2)
            enough = np.where(below < above, self.cdf(middle) >= below, self.sf(middle) <= above)
            low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
            low = np.minimum(low, high)
        return high

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


def with_trailing_axes(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Make room after the first axis, so that the others broadcast against `shape`."""
    return values.reshape(len(values), *(1,) * (len(shape) - values.ndim + 1), *values.shape[1:])


def _around(edges: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges next to `y` on both sides."""
    position = np.clip((edges <= y).sum(axis=0), 1, len(edges) - 1)[None]
    low, high = (np.take_along_axis(edges, position - step, axis=0)[0] for step in (1, 0))
    return low, high
