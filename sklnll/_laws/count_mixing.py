"""What is the law of a count that comes from one of several members of the same family?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from .._numerics.sums import N_STEPS, weights_of_sum
from .law import LEVELS, CountLaw
from .mixing import VALUES_AT_ONCE, WeightedLaw
from .panels import Panel

_LEVELS = np.array([1e-14, 1e-9, 1e-5, 1e-3, 0.02, 0.15, 0.5])
"""Between counts with these probabilities below and above them most masses are smooth."""
_N_APPROACH = 20
"""So many further counts come ever closer to each end; masses are smooth between them."""


class CountMixingLaw(WeightedLaw, CountLaw):
    """The law is a mixture of mass functions for given parameters."""

    @cached_property
    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the counts beyond which there is no probability to speak of."""
        low, high = self._of_members("ppf", LEVELS[0]), self._of_members("isf", LEVELS[0])
        return np.maximum(low.min(axis=-1), 0), high.max(axis=-1)

    def _stretches(self) -> tuple[np.ndarray, np.ndarray]:
        """Return starts and lengths of steps, on a first axis; seven steps from each reach all."""
        low, high = self._ends
        quantiles = [self._of_members(m, q) for m in ("ppf", "isf") for q in _LEVELS[1:]]
        inner = np.concatenate([np.moveaxis(q, -1, 0) for q in quantiles])
        # Masses may rise or fall like a power at the ends.
        away = np.geomspace(N_STEPS, np.maximum(high - low, N_STEPS + 1), _N_APPROACH)
        edges = np.sort(np.concatenate([low + away, high - away, inner, high[None]]), axis=0)
        place, starts, steps = low, [], []
        for edge in np.clip(edges, low, high):
            step = np.ceil(np.maximum(edge - place, 0) / N_STEPS)
            starts.append(place)
            steps.append(step)
            place = place + N_STEPS * step
        return np.stack(starts), np.stack(steps)

    def _mesh(self) -> tuple[np.ndarray, np.ndarray]:
        """Return counts on a first axis, and how many each of them stands for."""
        low, high = self._ends
        n_counts = int(min(np.max(high - low, initial=0) + 1, 1e9))
        if n_counts <= self._n_points():
            counts = low + np.arange(n_counts).reshape(-1, *(1,) * low.ndim)
            return counts, np.where(counts > high, 0.0, 1.0)
        starts, steps = self._stretches()
        j = np.arange(N_STEPS + 1).reshape(-1, *(1,) * low.ndim)
        counts = starts[:, None] + steps[:, None] * j
        weights = np.moveaxis(weights_of_sum(steps), 0, 1)
        weights[0, 0] += 0.5  # where a stretch begins, half of the count is the one's before
        counts, weights = (values.reshape(-1, *low.shape) for values in (counts, weights))
        return counts, np.where(counts > high, 0.0, weights)

    def _n_points(self) -> int:
        n_members = self.weights.shape[-1]
        return (2 * len(_LEVELS) * n_members + 2 * _N_APPROACH + 1) * (N_STEPS + 1)

    def panels(self) -> Iterator[Panel]:
        counts, weight = self._mesh()
        at_once = max(1, VALUES_AT_ONCE // max(1, self.weights.size))
        for start in range(0, len(counts), at_once):
            part = slice(start, start + at_once)
            y, weights = counts[None, part], weight[None, part]
            mass = np.where(weights == 0, 0.0, self.pmf(y))
            yield Panel(y, weights, mass)

    def mode(self) -> np.ndarray:
        best, (low, high) = super().mode(), self._ends
        reach = (high - low) / 64
        while (reach >= 1).any():
            grid = np.rint(np.clip(np.linspace(best - reach, best + reach, 33), low, high))
            highest = self.logpmf(grid).argmax(axis=0)[None]
            best = np.take_along_axis(grid, highest, axis=0)[0]
            reach = reach / 8
        return self._this_or_a_members_mode(best)

    def _values_per_law(self) -> int:
        return self._n_points() * self.weights.shape[-1]

    def _disagreement(self) -> np.ndarray:
        counts, weights = self._mesh()
        return (weights * self._spread(self._of_members("cdf", counts))).sum(axis=0)
