"""What is the law of a y that comes from one of several members of the same family?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Self, cast

import numpy as np
from numpy.polynomial import legendre
from scipy import special
from scipy.optimize import elementwise

from .._numerics.brackets import narrowed
from .._numerics.line import Line
from .atoms import LawWithAtoms
from .doubts import warn_of_rows
from .law import LEVELS, ContinuousLaw, Law, as_generator, flat_rows
from .panels import Panel
from .protocols import FrozenLaw
from .quadrature import NODES, WEIGHTS

_NODES, _NODE_WEIGHTS = legendre.leggauss(8)
_N_ZOOMS = 9
_SEEN = 1e-6
"""So much of the probability may be missing where the density is integrated."""
_FOUND = 1e-7
"""Relative error of a probability with which a quantile counts as found."""
VALUES_AT_ONCE, _POINTS_AT_ONCE = 1_000_000, 100_000
"""So many numbers are computed together, to bound the memory it takes."""

_ENDS_WITH_POWERS = [(0, np.inf), (0, 1)]
"""Ranges of y at whose ends a density may rise like a power."""
_NEAREST_TO_0, _NEAREST_TO_1, _FARTHEST = 1e-300, 1 - 1e-16, 1e300
"""Values of y that stand for ends of its range, which no point of the line belongs to."""


def chosen_members(weights: np.ndarray, random_state: Any) -> np.ndarray:
    """Draw the position of a member, for weights on the last axis."""
    uniform = random_state.uniform(size=(*weights.shape[:-1], 1))
    return (uniform > weights.cumsum(axis=-1)[..., :-1]).sum(axis=-1)


class WeightedLaw(Law):
    """A weighted law averages the laws of several members; abstract."""

    family: Any

    @cached_property
    def weights(self) -> np.ndarray:
        """Return the members' weights, on the last axis."""
        return self.family.weights(self.params)

    @cached_property
    def members(self) -> FrozenLaw:
        """Return the base's frozen distribution, with the members on the last axis."""
        return self.family.base.frozen(**self._of_base)

    @property
    def _of_base(self) -> dict[str, np.ndarray]:
        return self.family.of_base(self.params)

    def _rows(self, index: np.ndarray) -> Self:
        rows = super()._rows(index)
        if isinstance(self.members, Law):  # which keeps what it has searched for
            n_members = self.weights.shape[-1]
            rows.members = self.members._rows(index[..., None] * n_members + np.arange(n_members))
        return rows

    def _picked(self, index: np.ndarray) -> FrozenLaw:
        """Return the frozen law of the members at these positions, counted through all axes."""
        if isinstance(self.members, Law):
            return self.members._rows(index)
        links = self.family.base.parameters
        params = {
            name: flat_rows(value, self.weights.shape, links[name].event_ndim)[index]
            for name, value in self._of_base.items()
        }
        return self.family.base.frozen(**params)

    def _of_members(self, method: str, *args: Any) -> np.ndarray:
        return self._with_members(
            getattr(self.members, method), *(np.asarray(arg)[..., None] for arg in args)
        )

    def _with_members(self, answer: Callable[..., Any], *args: Any, **params: Any) -> np.ndarray:
        """Return an answer with the members on its last axis, even where it is the same for all."""
        with np.errstate(all="ignore"):
            return np.broadcast_arrays(answer(*args, **params), self.weights)[0]

    def _average(self, of_members: np.ndarray) -> np.ndarray:
        return (self.weights * of_members).sum(axis=-1)

    def _spread(self, of_members: np.ndarray) -> np.ndarray:
        """Return the weighted variance of the members' values."""
        away = of_members - self._average(of_members)[..., None]
        return self._average(away**2)

    def cdf(self, y: np.ndarray) -> np.ndarray:
        return np.minimum(self._average(self._of_members("cdf", y)), 1)

    def sf(self, y: np.ndarray) -> np.ndarray:
        return np.minimum(self._average(self._of_members("sf", y)), 1)

    def logcdf(self, y: np.ndarray) -> np.ndarray:
        return self._log_tail("logcdf", y, self.sf(y))

    def logsf(self, y: np.ndarray) -> np.ndarray:
        return self._log_tail("logsf", y, self.cdf(y))

    def _log_tail(self, method: str, y: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return the logarithm of a tail, which near 1 has the digits of the other one."""
        logs = self._of_members(method, y)
        with np.errstate(all="ignore"):
            tail = special.logsumexp(logs, b=self.weights, axis=-1)
            return np.where(other < 0.5, np.log1p(-other), tail)

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = (self._with_members(lambda end=end: end) for end in self.members.support())
        return low.min(axis=-1), high.max(axis=-1)

    def mean(self) -> np.ndarray:
        return self._average(self._of_members("mean"))

    def var(self) -> np.ndarray:
        return self.std() ** 2

    def std(self) -> np.ndarray:
        """Return the root of the total variance, found without squares that overflow."""
        distance = self._of_members("mean") - self.mean()[..., None]
        within = self._with_members(self.family.base.std, **self._of_base)
        spread = np.hypot(within, distance)
        largest = spread.max(axis=-1, keepdims=True)
        unit = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
        return unit[..., 0] * np.sqrt(self._average((spread / unit) ** 2))

    @abstractmethod
    def panels(self) -> Iterator[Panel]:
        """Yield stretches, from low to high, that hold all but rounding's share of probability."""

    def mode(self) -> np.ndarray:
        best, largest = np.full(self.shape, np.nan), np.full(self.shape, -np.inf)
        for panel in self.panels():
            y = np.broadcast_to(panel.y, panel.density.shape).reshape(-1, *self.shape)
            density = panel.density.reshape(y.shape)
            highest = density.argmax(axis=0)[None]
            value = np.take_along_axis(density, highest, axis=0)[0]
            best = np.where(value > largest, np.take_along_axis(y, highest, axis=0)[0], best)
            largest = np.maximum(value, largest)
        return best

    def total(self) -> np.ndarray:
        ones = (panel.expectation(np.ones_like(panel.density)) for panel in self.panels())
        return np.asarray(sum(ones))

    def entropy(self) -> np.ndarray:
        """Return the entropy in nats; NaN, with a warning, where part of the density is unseen."""
        total, entropy = np.zeros(self.shape), np.zeros(self.shape)
        with np.errstate(divide="ignore"):
            for panel in self.panels():
                total = total + panel.expectation(np.ones_like(panel.density))
                entropy = entropy + panel.expectation(-np.log(panel.density))
        is_lost = np.abs(total - self._share_of_panels()) > _SEEN
        warn_of_rows(
            self.family, is_lost, "the entropy hangs on y that floats do not tell from an end"
        )
        return np.where(is_lost, np.nan, entropy)

    def _share_of_panels(self) -> np.ndarray | float:
        """Return the probability that panels hold."""
        return 1.0

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        """Draw a member, then from it."""
        shape = self.shape if size is None else tuple(np.atleast_1d(size))
        random_state = as_generator(random_state)
        n_members = self.weights.shape[-1]
        weights = np.broadcast_to(self.weights, (*shape, n_members))
        law = np.broadcast_to(np.arange(np.prod(self.shape, dtype=int)).reshape(self.shape), shape)
        index = law * n_members + chosen_members(weights, random_state)
        return self._picked(index).rvs(size=shape, random_state=random_state)

    def _bracket(self, below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the members' least and largest quantile; that of the mixture lies between."""
        from_below = self._of_members("ppf", below)
        from_above = self._of_members("isf", above)
        quantiles = np.where((below < above)[..., None], from_below, from_above)
        return quantiles.min(axis=-1), quantiles.max(axis=-1)

    def _modes(self) -> np.ndarray:
        return self._with_members(self.family.base.mode, **self._of_base)

    def _this_or_a_members_mode(self, best: np.ndarray) -> np.ndarray:
        candidates = np.stack([best, *np.moveaxis(self._modes(), -1, 0)])
        heights = self._heights(candidates)
        # Of equals, a member's mode is exact.
        heights[0] -= 1e-13 * np.abs(np.nan_to_num(heights[0])) + 1e-13
        highest = np.where(np.isnan(heights), -np.inf, heights).argmax(axis=0)[None]
        return np.take_along_axis(candidates, highest, axis=0)[0]

    def _heights(self, y: np.ndarray) -> np.ndarray:
        """Return the log-density or log-mass, also at the ends of the support."""
        return self._formula(y)

    def crps(self, y: np.ndarray) -> np.ndarray:
        """Return the average of the members' scores, less their disagreement."""
        scores = self._with_members(
            self.family.base.crps, np.asarray(y)[..., None], **self._of_base
        )
        return self._average(scores) - self.disagreement()

    def disagreement(self) -> np.ndarray:
        """Return the integral of the weighted variance of the members' distribution functions.

        By so much the score of an average is lower than the average of the scores, at any y.
        """
        first, second = (
            {name: np.expand_dims(value, value.ndim - k) for name, value in self._of_base.items()}
            for k in (0, 1)
        )
        distance = self.family.base.mean_distance(first, second)
        if distance is None:
            return self._in_blocks(lambda law: law._disagreement())
        own = np.diagonal(distance, axis1=-2, axis2=-1)
        between = (self.weights[..., None] * distance).sum(axis=-2)
        return self._average(between - own) / 2

    def _in_blocks(self, answer: Callable[[Any], np.ndarray]) -> np.ndarray:
        """Return an answer for each of the laws, a few of them at once."""
        n_laws = int(np.prod(self.shape))
        n_blocks = 1 + n_laws * self._values_per_law() // VALUES_AT_ONCE
        blocks = np.array_split(np.arange(n_laws), n_blocks)
        return np.concatenate([answer(self._rows(block)) for block in blocks]).reshape(self.shape)

    def _values_per_law(self) -> int:
        """Return about how many numbers it takes to integrate over one of the laws."""
        n_members = self.weights.shape[-1]
        return 2 * len(LEVELS) * len(_NODES) * n_members**2

    @abstractmethod
    def _disagreement(self) -> np.ndarray:
        """Return the disagreement by quadrature, or summation, of few laws on one axis."""


class ContinuousMixingLaw(WeightedLaw, ContinuousLaw):
    """A mixing law of this kind averages densities; abstract."""

    def panels(self) -> Iterator[Panel]:
        line = self._to_line(self.edges())
        nodes, weights = (v.reshape(-1, *(1,) * (line.ndim - 1)) for v in (NODES, WEIGHTS))
        n_stretches = max(1, _POINTS_AT_ONCE // (len(NODES) * max(line[0].size, 1)))
        for start in range(0, len(line) - 1, n_stretches):
            low, high = (line[start + k :][:n_stretches, None] for k in (0, 1))
            half = (high - low[: len(high)]) / 2
            y, slope = self._from_line(low[: len(high)] + half * (1 + nodes))
            # An end where the density is infinite may be the whole of a stretch without length.
            density = np.where(half > 0, self.pdf(y), 0.0)
            yield Panel(y, half * weights * slope, density)

    def _to_line(self, y: np.ndarray) -> np.ndarray:
        """Return the variable over which the density is integrated."""
        return y

    def _from_line(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray | float]:
        """Return y for that variable, and its derivative by it."""
        return t, 1.0

    def mode(self) -> np.ndarray:
        """Search the mode between two nodes, or a node and an edge, by ever finer grids.

        It is compared with the members' modes.
        """
        best, edges = super().mode(), self.edges()
        reach = np.maximum(*(np.abs(edge - best) for edge in _around(edges, best))) / 4
        for _ in range(_N_ZOOMS):
            low, high = (np.maximum(best - reach, edges[0]), np.minimum(best + reach, edges[-1]))
            grid = np.linspace(low, high, 33)
            highest = self.logpdf(grid).argmax(axis=0)[None]
            best = np.take_along_axis(grid, highest, axis=0)[0]
            reach = reach / 12
        return self._this_or_a_members_mode(best)

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

        ends = narrowed(low, high, lambda y: excess(y, below, above, index))
        # The search knows an absolute tolerance, too, which must not count in y's units.
        unit = np.ldexp(1.0, np.frexp(np.abs(ends).max(axis=0))[1] - 1)
        found = elementwise.find_root(
            lambda z, unit, *given: excess(z * unit, *given),
            (ends[0] / unit, ends[1] / unit),
            args=(unit, below, above, index + 0.0),
        )
        # Where rounding hides the change of sign, the two ends are the same.
        end = np.where(found.f_bracket[0] > 0, low, high)
        y = np.where(found.success, found.x * unit, end)
        return self._checked(y, excess, below, above, index)

    def _checked(
        self,
        y: np.ndarray,
        excess: Callable[..., np.ndarray],
        below: np.ndarray,
        above: np.ndarray,
        index: np.ndarray,
    ) -> np.ndarray:
        """Return quantiles, but NaN, with a warning, where they are none to the last float."""
        tolerance = _FOUND * np.minimum(below, above)
        error = excess(y, below, above, index)
        doubtful = np.isfinite(y) & ~(np.abs(error) <= tolerance)
        if not doubtful.any():
            return y
        at, given = y[doubtful], (below[doubtful], above[doubtful], index[doubtful])
        far = 8 * np.spacing(np.abs(at))  # the search ends within four
        is_low = excess(at + far, *given) < -tolerance[doubtful]
        is_high = excess(at - far, *given) > tolerance[doubtful]
        is_lost = doubtful.copy()
        is_lost[doubtful] = is_low | is_high
        warn_of_rows(self.family, is_lost, "a quantile is not found")
        return np.where(is_lost, np.nan, y)


def _around(edges: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges next to `y` on both sides."""
    position = np.clip((edges <= y).sum(axis=0), 1, len(edges) - 1)[None]
    low, high = (np.take_along_axis(edges, position - step, axis=0)[0] for step in (1, 0))
    return low, high


class MixingLaw(ContinuousMixingLaw):
    """The law is a mixture of densities for given parameters."""

    @property
    def _densities(self) -> FrozenLaw:
        """Return the members' densities, frozen."""
        return self.members

    def edges(self) -> np.ndarray:
        densities = self._densities
        if isinstance(densities, ContinuousLaw):
            of_members = [*densities.edges()]
        else:
            low = [self._with_members(densities.ppf, level) for level in LEVELS]
            high = [self._with_members(densities.isf, level) for level in LEVELS[-2::-1]]
            # At its mode a member may have a kink.
            of_members = [*low, *high, np.clip(self._modes(), low[0], high[-1])]
        edges = np.concatenate([np.moveaxis(e, -1, 0) for e in of_members])
        return np.sort(np.clip(edges, -_FARTHEST, _FARTHEST), axis=0)

    @cached_property
    def _line(self) -> Line:
        """The line over which the densities are integrated."""
        low, high = self.family.support.low, self.family.support.high
        if (low, high) in _ENDS_WITH_POWERS:
            return Line(np.asarray(low), np.asarray(high), np.zeros(()), np.ones(()))
        return Line(np.asarray(-np.inf), np.asarray(np.inf), *self._middle())

    def _middle(self) -> tuple[np.ndarray, np.ndarray]:
        """Find a point amid the members, and the width of where most of them lie."""
        edges = self.edges()
        low, middle, high = (edges[k * len(edges) // 4] for k in (1, 2, 3))
        return middle, np.where(high > low, high - low, 1.0)

    def _to_line(self, y: np.ndarray) -> np.ndarray:
        low = _NEAREST_TO_0 if self._line.low == 0 else -np.inf
        high = _NEAREST_TO_1 if self._line.high == 1 else np.inf
        return self._line.to_line(np.clip(y, low, high))

    def _from_line(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._line.to_y(t), self._line.slope(t)

    def _disagreement(self) -> np.ndarray:
        line = self._to_line(self.edges())
        # In far tails, rounding's share of a number near 1 would count as disagreement.
        middle = len(line) // 2
        return self._integral("cdf", line[: middle + 1]) + self._integral("sf", line[middle:])

    def _integral(self, method: str, line: np.ndarray) -> np.ndarray:
        half, total = np.diff(line, axis=0) / 2, np.zeros(self.shape)
        for node, weight in zip(_NODES, _NODE_WEIGHTS, strict=True):
            y, slope = self._from_line(line[:-1] + half * (1 + node))
            spread = self._spread(self._of_members(method, y))
            total += (weight * half * slope * spread).sum(axis=0)
        return total


class MixingLawWithAtoms(MixingLaw):
    """The law is a mixture of densities that also have probabilities at the ends of their range."""

    @property
    def _densities(self) -> FrozenLaw:
        return cast(LawWithAtoms, self.members).base

    @property
    def _atoms(self) -> dict[float, np.ndarray]:
        """Return the probability of each end."""
        return {
            end: np.exp(self._log_prob(np.full(self.shape, end)))
            for end in self.family.support.atoms
        }

    def logpdf(self, y: np.ndarray) -> np.ndarray:
        """Return the logarithm of the density between the ends."""
        return np.where(np.isin(y, self.family.support.atoms), -np.inf, super().logpdf(y))

    def _heights(self, y: np.ndarray) -> np.ndarray:
        return self.logpdf(y)

    def _checked(self, y: np.ndarray, *args: Any) -> np.ndarray:
        """Return quantiles unchecked: at an end, which `_quantile` knows of, the cdf jumps."""
        return y

    def _quantile(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        value, nothing = super()._quantile(below, above), np.zeros(())
        zero = np.where(below < above, self.cdf(nothing) >= below, self.sf(nothing) <= above)
        one = above < self._atoms.get(1.0, 0.0)
        return np.where(np.isnan(value), value, np.where(zero, 0.0, np.where(one, 1.0, value)))

    def mode(self) -> np.ndarray:
        """Return an end with the larger half of the probability, else the top of the density."""
        mode = super().mode()
        for end, probability in self._atoms.items():
            mode = np.where(probability > 0.5, end, mode)
        return mode

    def _share_of_panels(self) -> np.ndarray:
        return 1 - np.asarray(sum(self._atoms.values()))

    def entropy(self) -> np.ndarray:
        """Return the entropy of probabilities at the ends, of densities elsewhere."""
        return super().entropy() + sum(special.entr(p) for p in self._atoms.values())

    def _disagreement(self) -> np.ndarray:
        # Between an end and the first of the density, the distribution functions are constant.
        low, high = self.support()
        first, last = self.edges()[[0, -1]]
        total = super()._disagreement() + (first - low) * self._spread(self._of_members("cdf", low))
        beyond = np.where(np.isfinite(high), high - last, 0.0)
        return total + beyond * self._spread(self._of_members("cdf", last))
