"""How does a family answer that says no more than its log-density?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Self

import numpy as np

from .law import NODES, WEIGHTS, ContinuousLaw, CountLaw, Law, with_trailing_axes
from .protocols import Family

_POWERS = np.geomspace(1e-18, 1e18, 217)
_STEPS = np.sinh(np.arange(0.6, 100, 0.6))
_APPROACH = np.geomspace(1e-60, 1, 121)
_N_ZOOMS = 14
_ENOUGH = 1 - 1e-13
_MOST_COUNTS = 2**17


def numerical_law(family: Family, params: Mapping[str, np.ndarray]) -> Law:
    """Return the law of a family with these parameters, by its `log_prob` alone.

    For densities with one peak, whose tails fall for good, and for masses of which all but
    rounding lies below 100,000; about nine digits, and many times slower than closed forms.
    """
    return (MassLaw if family.support.discrete else DensityLaw)(family, params)


class DensityLaw(ContinuousLaw):
    """A density law knows no more than its density."""

    def logpdf(self, y: np.ndarray) -> np.ndarray:
        values = super().logpdf(y)
        return np.where(np.isnan(values) & ~np.isnan(y), -np.inf, values)

    @cached_property
    def _edges(self) -> np.ndarray:
        """Return the peak, and points about it whose distances grow like its width, then faster."""
        low, high = self.family.support.low, self.family.support.high
        peak = self._peak()
        sides = [
            peak + sign * self._width(peak, sign) * _over_rows(_STEPS, peak) for sign in (-1, 1)
        ]
        # Towards a finite end a density may rise or fall like a power.
        ends = [end + sign * _APPROACH for end, sign in ((low, 1), (high, -1)) if np.isfinite(end)]
        ends = [_over_rows(end, peak) + np.zeros(peak.shape) for end in ends]
        edges = np.concatenate([*sides, peak[None], *ends])
        return np.sort(np.clip(edges, *np.clip([low, high], -1e300, 1e300)), axis=0)

    def edges(self) -> np.ndarray:
        return self._edges

    def _peak(self) -> np.ndarray:
        """Return where the density is largest, found by ever finer grids."""
        low, high = self.family.support.low, self.family.support.high
        inner = [
            end + sign * _POWERS for end in (low, high, 0.0) if np.isfinite(end) for sign in (-1, 1)
        ]
        grid = np.unique(np.concatenate([*inner, [0.0]]))
        grid = _over_rows(grid[(grid > low) & (grid < high)], np.empty(self.shape))
        for _ in range(_N_ZOOMS):
            grid = np.broadcast_to(grid, (len(grid), *self.shape))
            best = np.clip(self.logpdf(grid).argmax(axis=0), 1, len(grid) - 2)[None]
            left, right = (np.take_along_axis(grid, best + step, axis=0)[0] for step in (-1, 1))
            grid = np.linspace(left, right, 65)
        return np.take_along_axis(grid, self.logpdf(grid).argmax(axis=0)[None], axis=0)[0]

    def _width(self, peak: np.ndarray, sign: int) -> np.ndarray:
        """Return how far from the peak, on one side, the density has fallen by a third."""
        away = _over_rows(_POWERS, peak)
        fallen = self.logpdf(peak) - self.logpdf(peak + sign * away) > 0.4
        return np.where(fallen.any(axis=0), _POWERS[fallen.argmax(axis=0)], 1.0)

    @cached_property
    def _tails(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities below and above each edge."""
        shares = np.concatenate([panel.shares for panel in self.panels()])
        nothing = np.zeros((1, *self.shape))
        below = np.concatenate([nothing, shares.cumsum(axis=0)])
        above = np.concatenate([shares[::-1].cumsum(axis=0)[::-1], nothing])
        return below, above

    def _rows(self, index: np.ndarray) -> Self:
        rows = super()._rows(index)
        rows._edges, below, above = (
            values.reshape(len(values), -1)[:, index] for values in (self._edges, *self._tails)
        )
        rows._tails = below, above
        return rows

    def _at(self, values: np.ndarray, position: np.ndarray) -> np.ndarray:
        shape = position.shape[1:]
        values = np.broadcast_to(with_trailing_axes(values, shape), (len(values), *shape))
        return np.take_along_axis(values, position, axis=0)[0]

    def _from_edge(self, y: np.ndarray, *, upwards: bool) -> np.ndarray:
        """Return the probability between `y` and the end of the support on one side."""
        tail = self._tails[1 if upwards else 0]
        shape = np.broadcast_shapes(np.shape(y), self.shape)
        edges = with_trailing_axes(self._edges, shape)
        y = np.clip(np.broadcast_to(y, shape), edges[0], edges[-1])
        position = np.clip((edges <= y).sum(axis=0), 1, len(edges) - 1)[None] - (not upwards)
        edge = self._at(edges, position)
        low, high = (y, edge) if upwards else (edge, y)
        half = (high - low) / 2
        density = self.pdf(low + half * (1 + _over_rows(NODES, y)))
        return self._at(tail, position) + half * (_over_rows(WEIGHTS, y) * density).sum(axis=0)

    def cdf(self, y: np.ndarray) -> np.ndarray:
        return self._from_edge(np.asarray(y, dtype=float), upwards=False)

    def sf(self, y: np.ndarray) -> np.ndarray:
        return self._from_edge(np.asarray(y, dtype=float), upwards=True)

    def _bracket(self, below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        tail_below, tail_above = (with_trailing_axes(tail, below.shape) for tail in self._tails)
        is_left = np.where(below < above, tail_below < below, tail_above > above)
        position = np.clip(is_left.sum(axis=0), 1, len(self._edges) - 1)[None]
        return self._at(self._edges, position - 1), self._at(self._edges, position)

    def mode(self) -> np.ndarray:
        return self._peak()


class MassLaw(CountLaw):
    """A mass law knows no more than the masses of counts."""

    def _range(self) -> tuple[float, float]:
        return 0.0, self._highest

    @cached_property
    def _highest(self) -> float:
        """Return the count up to which there is all but rounding's share of the probability."""
        total, start, end = np.zeros(self.shape), 0, 64
        while end < _MOST_COUNTS:
            counts = _over_rows(np.arange(start, end, dtype=float), total)
            total = total + np.exp(self.logpmf(counts)).sum(axis=0)
            if (total > _ENOUGH).all():
                break
            start, end = end, 2 * end
        return float(min(end, _MOST_COUNTS))

    def _rows(self, index: np.ndarray) -> Self:
        rows = super()._rows(index)
        rows._highest = self._highest
        return rows

    def cdf(self, y: np.ndarray) -> np.ndarray:
        return self._total(y, np.less_equal)

    def sf(self, y: np.ndarray) -> np.ndarray:
        return self._total(y, np.greater)

    def _total(self, y: np.ndarray, compare: Callable[..., np.ndarray]) -> np.ndarray:
        """Return the probability of the counts that compare so with `y`."""
        panels = self.panels(cut=np.clip(y, *self._range()))
        total = sum(p.integral(np.where(compare(p.y, y), p.density, 0)) for p in panels)
        return np.where(np.isnan(y), np.nan, total)


def _over_rows(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return values on the first axis, against the axes of `rows`."""
    return values.reshape(-1, *(1,) * rows.ndim)
