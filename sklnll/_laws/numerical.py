"""How does a family answer that says no more than its log-density?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Self

import numpy as np

from .doubts import SUMMARIES, TOLERANCE, warn_of_rows, warn_of_totals
from .half_lines import HalfLines, find_half_lines
from .law import LEVELS, ContinuousLaw, Law
from .masses import MassLaw
from .protocols import Family
from .quadrature import UP_TO_NODE, WEIGHTS, Integrator, Quadrature, integrated

_EPS = np.finfo(float).eps
_ROWS_AT_ONCE = 256
_MOST_STEPS = 100
_FOUND = 1e-7
"""Relative error of a probability with which a quantile counts as found."""


def numerical_law(family: Family, params: Mapping[str, np.ndarray]) -> Law:
    """Return the law of a family with these parameters, by its `log_prob` alone.

    For densities and masses with one peak, or a pole at an end of their support, and tails that
    fall exponentially or like powers; about nine digits, and many times slower than closed forms.
    What is not found to be a law, because its total probability is not one, answers NaN, with a
    `NumericalWarning`.
    """
    return (MassLaw if family.support.discrete else DensityLaw)(family, params)


class DensityLaw(ContinuousLaw):
    """A density law knows no more than its density, and answers by quadrature and root search.

    All distances are measured from the density's peak, and all integrals are divided by the
    total, so that no answer depends on where y's zero lies, nor on y's units.
    """

    def logpdf(self, y: np.ndarray) -> np.ndarray:
        values = super().logpdf(y)
        return np.where(np.isnan(values) & ~np.isnan(y), -np.inf, values)

    def _anchor(self, rows: np.ndarray) -> np.ndarray | None:
        """Return the peaks of some rows where they are known."""
        return None

    @cached_property
    def _lines(self) -> HalfLines:
        """Return the half lines below and above the peak of each density."""
        blocks = np.array_split(np.arange(self._n_rows), 1 + self._n_rows // _ROWS_AT_ONCE)
        end = np.stack([np.broadcast_to(e, self.shape).ravel() for e in self.support()])
        parts = [
            find_half_lines(
                partial(self._log_prob_of_rows, row=rows),
                end[:, rows],
                self._guesses(rows),
                self._anchor(rows),
            )
            for rows in blocks
        ]
        values = zip(*(part.values() for part in parts), strict=True)
        return HalfLines(*(np.concatenate(value, axis=-1) for value in values))

    def _guesses(self, rows: np.ndarray) -> np.ndarray:
        """Return where peaks may be: at parameters, their sums and differences, between them."""
        single = [value[rows] for value in self._flat_params.values() if value.ndim == 1]
        several = [value[rows].T for value in self._flat_params.values() if value.ndim == 2]
        pairs = [(a, b) for k, a in enumerate(single) for b in single[:k]]
        guesses = [*single, *(v for a, b in pairs for v in (a + b, a - b, b - a, (a + b) / 2))]
        return np.concatenate([np.empty((0, len(rows))), *(g[None] for g in guesses), *several])

    @cached_property
    def _quadrature(self) -> Quadrature:
        found = integrated(self._log_prob_of_rows, self._lines)
        warn_of_totals(self.family, self._flat_params, found.total)
        return found

    def total(self) -> np.ndarray:
        return self._quadrature.total.reshape(self.shape)

    def _rows(self, index: np.ndarray) -> Self:
        rows, flat = super()._rows(index), np.ravel(index)
        rows._lines, rows._quadrature = self._lines.of_rows(flat), self._quadrature.of_rows(flat)
        return rows

    # Probabilities -------------------------------------------------------------------------------

    def _row_of(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return which law stands at each position of a result."""
        rows = np.arange(self._n_rows).reshape(self.shape)
        return np.broadcast_to(rows, shape).ravel()

    def _placed(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the values of y, one for each law, on one axis; their half lines and places."""
        shape = np.broadcast_shapes(np.shape(y), self.shape)
        row, flat = self._row_of(shape), np.broadcast_to(y, shape).astype(float).ravel()
        lines = self._lines
        half, t = lines.place(np.clip(flat, *lines.end[:, row]), row)
        return flat, half, t

    def cdf(self, y: np.ndarray) -> np.ndarray:
        return self._tail(y, upper=False)

    def sf(self, y: np.ndarray) -> np.ndarray:
        return self._tail(y, upper=True)

    def _tail(self, y: np.ndarray, *, upper: bool) -> np.ndarray:
        """Return the probability between `y` and an end of the support."""
        flat, half, t = self._placed(y)
        is_above = half >= self._n_rows
        outwards = is_above == upper
        tail = self._share(half, t, outwards)
        tail += np.where(outwards, 0.0, self._whole_of_other(half))
        tail = np.where(np.isnan(flat), np.nan, np.minimum(tail, 1.0))
        return tail.reshape(np.broadcast_shapes(np.shape(y), self.shape))

    def _whole_of_other(self, half: np.ndarray) -> np.ndarray:
        """Return the probability on the other side of the anchor."""
        found = self._quadrature
        other = (half + self._n_rows) % (2 * self._n_rows)
        return found.inward[-1, other] + found.outward[-1, other]

    def _share(self, half: np.ndarray, t: np.ndarray, outwards: np.ndarray) -> np.ndarray:
        """Return the probability of a side beyond t or, where not `outwards`, before it."""
        found = self._quadrature
        first, last = (end.ravel()[half] for end in (self._lines.first, self._lines.last))
        inside = np.clip(np.where(np.isnan(t), first, t), first, last)
        position = _position(found.starts, half, inside)
        start, end = found.starts[position, half], found.starts[position + 1, half]
        low, high = np.where(outwards, inside, start), np.where(outwards, end, inside)
        known = np.where(outwards, found.outward[position + 1, half], found.inward[position, half])
        share = known + self._integral(half, low, high)
        with np.errstate(all="ignore"):
            inner = found.inward[0, half] * _power(found.inner_slope[half] * (t - first))
            outer = found.outward[-1, half] * _power(found.outer_slope[half] * (t - last))
        whole = found.inward[-1, half] + found.outward[-1, half]
        share = np.where(t < first, np.where(outwards, whole - inner, inner), share)
        return np.where(t > last, np.where(outwards, outer, whole - outer), share)

    def _integral(self, half: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the probability between two places in one stretch."""
        nodes = self._integrator.between(half, low, high)
        with np.errstate(all="ignore"):
            share = (high - low) / 2 * (WEIGHTS @ np.exp(nodes.log_height))
            return np.where(high > low, share, 0.0) / self._quadrature.total[half % self._n_rows]

    @property
    def _integrator(self) -> Integrator:
        return Integrator(self._log_prob_of_rows, self._lines)

    # Quantiles -----------------------------------------------------------------------------------

    def _search(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        found, n_rows = self._quadrature, self._n_rows
        row, shape = self._row_of(below.shape), below.shape
        inside = (below > 0) & (above > 0)
        below, above = (np.where(inside, q, 0.5).ravel() for q in (below, above))
        is_above = above < (found.inward[-1] + found.outward[-1])[n_rows:][row]
        half = row + n_rows * is_above
        far = np.where(is_above, above, below)
        near = np.where(is_above, below, above) - self._whole_of_other(half)
        near = np.maximum(near, 0.0)  # beside the anchor, less than rounding
        outwards = far < near
        target = np.where(outwards, far, near)
        known = np.where(outwards, found.outward[-1, half], found.inward[0, half])
        slope = np.where(outwards, found.outer_slope[half], found.inner_slope[half])
        ends = (end.ravel()[half] for end in (self._lines.last, self._lines.first))
        with np.errstate(all="ignore"):
            t = np.where(outwards, *ends) + np.log(target / known) / slope
        searched = (target > known) & np.isfinite(target)
        t[searched] = self._place_of(target[searched], half[searched], outwards[searched])
        y = self._lines.at(half, t)[1]
        warn_of_rows(self.family, np.isnan(t) & np.isfinite(target), "a quantile is not found")
        return y.reshape(shape)

    def _place_of(self, target: np.ndarray, half: np.ndarray, outwards: np.ndarray) -> np.ndarray:
        """Search the places beyond which, or before which, there are these probabilities.

        By Newton's steps for the logarithm of the probability, and halving where they leave the
        stretch; NaN where no such place is found.
        """
        found = self._quadrature
        of_half = np.where(outwards, found.outward[:, half], -found.inward[:, half])
        position = _last_true(of_half >= np.where(outwards, target, -target))
        low, high = found.starts[position, half], found.starts[position + 1, half]
        t, result = (low + high) / 2, np.full(len(target), np.nan)
        open_ = np.arange(len(target))
        for _ in range(_MOST_STEPS):
            if not len(open_):
                break
            gap, rate, rounding = self._gap(target, half, outwards, t)
            goes_up = (gap > 0) == outwards
            low, high = np.where(goes_up, t, low), np.where(goes_up, high, t)
            is_done = (np.abs(gap) <= 1e-13 + rounding) | ((high - low) <= _EPS * np.abs(t))
            is_done &= np.abs(gap) <= _FOUND + rounding
            result[open_[is_done]] = t[is_done]
            rest = ~is_done
            with np.errstate(all="ignore"):
                step = t - gap / rate
            t = np.where((step > low) & (step < high), step, (low + high) / 2)
            open_, t, low, high = open_[rest], t[rest], low[rest], high[rest]
            target, half, outwards = target[rest], half[rest], outwards[rest]
        return result

    def _gap(
        self, target: np.ndarray, half: np.ndarray, outwards: np.ndarray, t: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the logarithm of probability over target, its slope, and how rounding moves it."""
        share = self._share(half, t, outwards)
        here = self._integrator.at(half, t)
        with np.errstate(all="ignore"):
            rate = np.exp(here.log_height) / self._quadrature.total[half % self._n_rows] / share
            step = np.spacing(np.abs(here.y)) / np.exp(here.log_slope)
            rounding = np.nan_to_num(2 * rate * step)
            return np.log(share / target), np.where(outwards, -rate, rate), rounding

    def edges(self) -> np.ndarray:
        return self._edges

    @cached_property
    def _edges(self) -> np.ndarray:
        """Return quantiles and the peak, where the density may have a kink."""
        levels = LEVELS.reshape(-1, *(1,) * len(self.shape))
        inner = [self.ppf(levels), self.isf(levels[:-1]), self.mode()[None]]
        edges = np.concatenate(inner)
        return np.sort(edges, axis=0)

    # Summaries -----------------------------------------------------------------------------------

    def mode(self) -> np.ndarray:
        is_law = np.abs(self._quadrature.total - 1) <= TOLERANCE
        return np.where(is_law, self._lines.anchor, np.nan).reshape(self.shape)

    def mean(self) -> np.ndarray:
        lines, mean = self._lines, self._summary(0)
        with np.errstate(all="ignore"):
            return (lines.anchor + lines.unit * mean).reshape(self.shape)

    def std(self) -> np.ndarray:
        """Return the standard deviation, found without squares that overflow."""
        mean, square = self._summary(0), self._summary(1)
        with np.errstate(all="ignore"):
            spread = np.sqrt(np.maximum(square - mean**2, 0.0))
            spread = np.where(np.isinf(square) & ~np.isnan(mean), np.inf, spread)
            return (self._lines.unit * spread).reshape(self.shape)

    def var(self) -> np.ndarray:
        with np.errstate(over="ignore"):
            return self.std() ** 2

    def entropy(self) -> np.ndarray:
        return self._summary(2).reshape(self.shape)

    def _summary(self, k: int) -> np.ndarray:
        """Return one of mean, mean square and entropy, about the anchor; NaN where it is vague."""
        found = self._quadrature
        values = (found.mean, found.square, found.entropy)[k]
        is_vague = found.vague[k] & ~np.isnan(values)
        if is_vague.any():
            warn_of_rows(self.family, is_vague, f"{SUMMARIES[k]} hangs on y beyond floats")
        return np.where(is_vague, np.nan, values)

    def crps(self, y: np.ndarray) -> np.ndarray:
        """Return the continuous ranked probability score: the integral of (cdf - step at y)**2."""
        flat, half, t = self._placed(y)
        found, lines, n_rows = self._quadrature, self._lines, self._n_rows
        first, last = lines.first.ravel()[half], lines.last.ravel()[half]
        inside = np.clip(np.where(np.isnan(t), first, t), first, last)
        position = _position(found.starts, half, inside)
        start, end = found.starts[position, half], found.starts[position + 1, half]
        other = (half + n_rows) % (2 * n_rows)
        near = self._whole_of_other(half) + found.inward[position, half]
        before, till_here = self._square(half, start, inside, near, rising=True)
        after, from_here = self._square(
            half, inside, end, found.outward[position + 1, half], rising=False
        )
        score = before + after + found.inward_square[position, half]
        score += found.outward_square[position + 1, half] + found.outward_square[0, other]
        score += self._nearest_square(other)
        # Nearer to the anchor, or to an end, than the density is asked, nothing changes.
        beyond = np.abs(np.clip(flat, *lines.end[:, half % n_rows]) - lines.at(half, inside)[1])
        sign = np.where(t < first, -1.0, 1.0)
        with np.errstate(invalid="ignore"):
            change = sign * beyond * (till_here**2 - from_here**2)
            score += np.where((t < first) | (t > last), change, 0.0)
        outside = np.abs(flat - np.clip(flat, *lines.end[:, half % n_rows]))
        score = np.where(np.isnan(flat), np.nan, score + np.nan_to_num(outside, posinf=np.inf))
        return score.reshape(np.broadcast_shapes(np.shape(y), self.shape))

    def _square(
        self,
        half: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        known: np.ndarray,
        *,
        rising: bool,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Integrate over y, in one stretch, the square of a probability that rises or falls.

        Returns
        -------
        integral : ndarray
        largest : ndarray
            The probability at the end where it is not `known`.
        """
        nodes = self._integrator.between(half, low, high)
        with np.errstate(all="ignore"):
            height = np.exp(nodes.log_height) / self._quadrature.total[half % self._n_rows]
            step = (high - low) / 2
            up_to_node, share = step * (UP_TO_NODE @ height), step * (WEIGHTS @ height)
            probability = known + (up_to_node if rising else share - up_to_node)
            integral = step * (WEIGHTS @ (np.exp(nodes.log_slope) * probability**2))
        is_some = high > low
        return np.where(is_some, integral, 0.0), known + np.where(is_some, share, 0.0)

    def _nearest_square(self, half: np.ndarray) -> np.ndarray:
        """Integrate the square of a side's probability over what lies nearest to the anchor."""
        found, lines = self._quadrature, self._lines
        whole = found.inward[-1, half] + found.outward[-1, half]
        length = np.exp(lines.first.ravel()[half]) * (lines.length.ravel()[half] > 0)
        return length * whole**2


def _position(starts: np.ndarray, half: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return in which stretch of its half line each place lies."""
    return _last_true(starts[:, half] <= t)


def _last_true(holds: np.ndarray) -> np.ndarray:
    """Return how many of the first, but one, hold; of the last two ends the stretch between."""
    return np.clip(holds.sum(axis=0) - 1, 0, len(holds) - 2)


def _power(exponent: np.ndarray) -> np.ndarray:
    """Return the exponential, which a tail that is not there has none of."""
    return np.where(np.isnan(exponent), 0.0, np.exp(exponent))
