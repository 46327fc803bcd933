"""How does a family of counts answer that says no more than its log-mass?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from .._numerics.sums import N_STEPS, last_degrees, sums_up_to, weights_of_sum
from .doubts import SUMMARIES, TOLERANCE, warn_of_rows, warn_of_totals
from .law import CountLaw
from .stretches import Stretches, measured, of_rows, tabulated

_LARGEST = 2.0**53
"""Beyond it floats do not tell counts apart."""
_GRID = np.unique(np.floor(np.concatenate([np.arange(65.0), np.geomspace(64, _LARGEST, 400)])))
_N_FINER = 17
_ROUGH = 1e-11
_NEGLIGIBLE = 1e-290
_STEP = 16.0
"""The slope of a tail is taken from masses so many times nearer to the mode."""
_EXISTS = 1e-6
_NOISE = 1e-4
_TIE = 1e-13
_CROWD = 256
_STRAIGHT = 1e-4
_COUNTS_FOR_MUCH = 1e-9
_REMAINDER = np.arange(N_STEPS - 1.0)

LogMassOf = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From counts and the positions of rows to the logarithms of masses."""


@dataclass(frozen=True)
class Sums:
    """Sums over the masses of each row, divided by their total; rows and half lines are last.

    A half line counts the offsets 1, 2, ... from the mode, downwards or upwards.

    Parameters
    ----------
    mode, at_mode : ndarray of shape (n_rows,)
        The likeliest count, and its probability.
    total : ndarray of shape (n_rows,)
        Before the division.
    square, entropy, half_difference : ndarray of shape (n_rows,)
        Mean of the offset's square; entropy in nats; half of the mean distance of two draws.
    vague : ndarray of shape (3, n_rows)
        Whether the mean offset and the first two depend on a tail whose form is not known.
    ends : ndarray of shape (2, n_rows)
        Numbers of offsets that are asked.
    starts : ndarray of shape (n_stretches + 1, n_halves)
        First offsets of the stretches, and the offset after the last.
    inward, outward : ndarray of shape (2, n_stretches + 1, n_halves)
        Probability, and mean offset, of the offsets before each of them, and from it on.
    """

    mode: np.ndarray
    at_mode: np.ndarray
    total: np.ndarray
    square: np.ndarray
    entropy: np.ndarray
    half_difference: np.ndarray
    vague: np.ndarray
    ends: np.ndarray
    starts: np.ndarray
    inward: np.ndarray
    outward: np.ndarray

    def of_rows(self, rows: np.ndarray) -> Sums:
        """Return the sums of some of the rows."""
        return of_rows(self, rows, len(self.mode))


class Adder:
    """An adder asks masses at few of very many counts, and sums them.

    Parameters
    ----------
    log_mass : callable
        From counts and the positions of rows to the logarithm of their masses.
    mode : ndarray of shape (n_rows,)
    ends : ndarray of shape (2, n_rows)
        Numbers of offsets below and above the mode.
    """

    def __init__(self, log_mass: LogMassOf, mode: np.ndarray, ends: np.ndarray):
        self.log_mass = log_mass
        self.mode = mode
        self.ends = ends
        self.n_rows = len(mode)

    def at(self, half: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Return the logarithms of the masses at offsets of half lines; -inf beyond their ends."""
        sign = np.where(half < self.n_rows, -1.0, 1.0)
        values = self.log_mass(self.mode[half % self.n_rows] + sign * offset, half % self.n_rows)
        return np.where(offset <= self.ends.ravel()[half], values, -np.inf)

    def stretches(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the stretches of all half lines, and sums over each; see `tabulated`."""
        end = self.ends.ravel()
        half, start, parts = np.arange(len(end)), np.ones(len(end)), []
        while (is_some := start <= end).any():
            rest = np.maximum(end + 1 - start, 1)
            length = N_STEPS * np.maximum(np.floor(np.minimum(start, rest) / N_STEPS), 1)
            parts.append(Stretches(half, start, length)[is_some])
            start = np.where(is_some, start + length, start)
        first = Stretches(*(np.concatenate([vars(p)[n] for p in parts]) for n in vars(parts[0])))
        found, values = measured(first, self._measure, _divided, self.n_rows, N_STEPS + 1, _CROWD)
        return tabulated(found, values, start)

    def _measure(self, stretches: Stretches) -> tuple[np.ndarray, np.ndarray]:
        """Return sums over stretches, and whether these are too long for eight counts.

        They are those of the masses, of their products with the offset, with its square and with
        their own negative logarithm, of the masses up to each count, and of the squares of these.
        """
        step = stretches.length / N_STEPS
        offset = stretches.start + step * np.arange(N_STEPS + 1.0)[:, None]
        log_mass = self.at(stretches.half, offset)
        mass = np.exp(log_mass)
        up_to = sums_up_to(step, mass)
        with np.errstate(invalid="ignore"):
            surprise = np.where(mass > 0, -mass * log_mass, 0.0)
        terms = np.stack([mass, mass * offset, mass * offset**2, surprise, up_to, up_to**2])
        weights = weights_of_sum(step)
        weights[0] += 0.5
        weights[-1] -= 0.5  # the last count is the next stretch's first
        values = (weights * terms).sum(axis=1)
        is_long = (step > 1) & (mass.max(axis=0) * stretches.length > _NEGLIGIBLE)
        error = last_degrees(mass) * stretches.length
        return values, is_long & (error > _ROUGH * np.abs(values[0]))

    def sums(self, half: np.ndarray, start: np.ndarray, count: np.ndarray) -> np.ndarray:
        """Return the sums of so many masses, and of their products with the offset.

        They are smooth there: a part of one stretch.
        """
        step = np.floor(count / N_STEPS)
        offset = start + step * np.arange(N_STEPS + 1.0)[:, None]
        weights = weights_of_sum(step)
        is_some = step > 0
        weights[0] += 0.5 * is_some
        weights[-1] -= 0.5 * is_some
        further = (start + N_STEPS * step) + _REMAINDER[:, None]
        offset = np.concatenate([offset, further])
        weights = np.concatenate([weights, (further < start + count) * 1.0])
        mass = weights * np.exp(self.at(half, offset))
        return np.stack([mass.sum(axis=0), (mass * offset).sum(axis=0)])


def _divided(stretches: Stretches) -> Stretches:
    """Divide stretches into two, each of a multiple of seven counts."""
    half, start, length = stretches.half, stretches.start, stretches.length
    first = N_STEPS * np.floor(length / (2 * N_STEPS))
    return Stretches(
        np.concatenate([half, half]),
        np.concatenate([start, start + first]),
        np.concatenate([first, length - first]),
    )


def summed(log_mass: LogMassOf, mode: np.ndarray, ends: np.ndarray, is_cut: np.ndarray) -> Sums:
    """Sum over the masses of each row.

    Parameters
    ----------
    log_mass : callable
    mode : ndarray of shape (n_rows,)
    ends : ndarray of shape (2, n_rows)
        Numbers of offsets below and above the mode.
    is_cut : ndarray of shape (n_rows,)
        Whether there are further offsets above, at which the formula of the mass has no digits.
    """
    adder, rows = Adder(log_mass, mode, ends), np.arange(len(mode))
    starts, table = adder.stretches()
    tail, is_straight = _tails(adder)
    is_straight = is_straight & ~np.concatenate([np.zeros_like(is_cut), is_cut])
    log_at_mode = log_mass(mode, rows)
    at_mode = np.exp(log_at_mode)
    total = _of_rows(table[0].sum(axis=0) + tail[0]) + at_mode
    with np.errstate(all="ignore"):
        divisor = np.where(np.abs(total - 1) <= TOLERANCE, total, np.nan)
        scaled, tail = table / np.tile(divisor, 2), tail / np.tile(divisor, 2)
        scaled[5] = scaled[5] / np.tile(divisor, 2)
        parts, nothing = scaled[:2], np.zeros_like(scaled[:2, :1])
        inward = np.concatenate([nothing, parts.cumsum(axis=1)], axis=1)
        steps = np.concatenate([parts, tail[:2, None]], axis=1)
        outward = steps[:, ::-1].cumsum(axis=1)[:, ::-1]
        at_mode = at_mode / divisor
        square = scaled[2].sum(axis=0) + tail[2]
        entropy = _of_rows(scaled[3].sum(axis=0)) - at_mode * log_at_mode + np.log(divisor)
        inside = scaled[[1, 2, 0]].sum(axis=1)
        vague = ~is_straight & ~(tail[[1, 2, 0]] <= _COUNTS_FOR_MUCH * inside)
        difference = _half_difference(starts, scaled, inward[0], outward[0], at_mode)
    square, vague = _of_rows(square), vague.reshape(3, 2, -1).any(axis=1)
    return Sums(
        mode, at_mode, total, square, entropy, difference, vague, ends, starts, inward, outward
    )


def _tails(adder: Adder) -> tuple[np.ndarray, np.ndarray]:
    """Return the masses beyond the last offsets, taken for a power, and their mean offsets."""
    half, end = np.arange(2 * adder.n_rows), adder.ends.ravel()
    with np.errstate(all="ignore"):
        offset = np.floor(end / _STEP ** np.arange(3)[:, None])
        height = adder.at(half, offset) + np.log(offset)
        slopes = np.diff(height[::-1], axis=0) / np.log(_STEP)
        is_there = (end > _STEP**3) & (half >= adder.n_rows) & (height[0] > -np.inf)
        tails = []
        for power in range(3):
            rate = slopes[1] + power
            value = np.exp(height[0] + power * np.log(offset[0])) / -rate
            tails.append(np.where(rate < -_EXISTS, value, np.inf))
    found = np.where(is_there & (np.exp(height[0]) > 0), tails, 0.0)
    return found, (np.abs(slopes[1] - slopes[0]) < _STRAIGHT) | ~is_there


def _half_difference(
    starts: np.ndarray,
    scaled: np.ndarray,
    inward: np.ndarray,
    outward: np.ndarray,
    at_mode: np.ndarray,
) -> np.ndarray:
    """Return half of the mean distance of two draws: the sum of cdf times sf over all counts."""
    rest = (np.roll(outward[0].reshape(2, -1), 1, axis=0) + at_mode).ravel()
    before, beyond = rest + inward[:-1], outward[:-1]
    n = np.diff(starts, axis=0)
    steps = before * beyond * n + (beyond - before) * scaled[4] - scaled[5]
    return _of_rows(np.maximum(steps, 0.0).sum(axis=0) + rest * outward[0])


def _of_rows(halves: np.ndarray) -> np.ndarray:
    return halves.reshape(2, -1).sum(axis=0)


class MassLaw(CountLaw):
    """A mass law knows no more than the masses of counts, and answers by sums and bisection.

    Sums go outward from the likeliest count, over ever longer stretches, as far as floats tell
    counts apart.
    """

    @cached_property
    def _sums(self) -> Sums:
        low, high = (np.broadcast_to(end, self.shape).ravel() for end in self.support())
        low, high = np.maximum(low, -_LARGEST), np.minimum(high, _LARGEST)
        reach = self._reach()
        mode = self._find_mode(low, np.minimum(high, reach))
        ends = np.stack([mode - low, np.minimum(high, reach) - mode])
        found = summed(self._log_prob_of_rows, mode, ends, reach < high)
        warn_of_totals(self.family, self._flat_params, found.total)
        return found

    def _find_mode(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the likeliest counts, by ever finer grids."""
        rows = np.arange(self._n_rows)
        single = [np.floor(v) for v in self._flat_params.values() if v.ndim == 1]
        grid = np.broadcast_to(_GRID[:, None], (len(_GRID), len(rows)))
        grid = np.concatenate([grid, *(np.nan_to_num(value)[None] for value in single)])
        share = np.linspace(0, 1, _N_FINER)[:, None]
        while True:
            grid = np.clip(np.floor(grid), low, high)
            best = self._log_prob_of_rows(grid, rows).argmax(axis=0)[None]
            mode = np.take_along_axis(grid, best, axis=0)[0]
            left = np.where(grid < mode, grid, low).max(axis=0)
            right = np.where(grid > mode, grid, high).min(axis=0)
            if ((mode - left <= 1) & (right - mode <= 1)).all():
                return mode
            grid = np.concatenate([left + share * (mode - left), mode + share * (right - mode)])

    def _reach(self) -> np.ndarray:
        """Return the count up to which the formula of a mass that falls like a power has digits.

        Far out it is the difference of large numbers, and neighbors differ by their rounding.
        """
        rows, count = np.arange(self._n_rows), _STEP ** np.arange(14)[:, None]
        count = np.broadcast_to(count, (len(count), len(rows)))
        log_mass = np.stack([self._log_prob_of_rows(count + k, rows) for k in range(3)])
        height = log_mass[0] + np.log(count)
        with np.errstate(invalid="ignore"):
            slope = np.diff(height, axis=0) / np.log(_STEP)
            is_noise = np.abs(np.diff(log_mass, n=2, axis=0)[0]) > _NOISE
            is_power = (np.abs(np.diff(slope, axis=0)) < _STRAIGHT) & (slope[1:] < -_EXISTS)
        # Two steps farther inside, noise is less by the square of a step.
        ends = is_noise[4:] & is_power[:-2]
        return np.where(ends.any(axis=0), count[2 + ends.argmax(axis=0), rows], _LARGEST)

    def _rows(self, index: np.ndarray) -> Self:
        rows = super()._rows(index)
        rows._sums = self._sums.of_rows(np.ravel(index))
        return rows

    def total(self) -> np.ndarray:
        return self._sums.total.reshape(self.shape)

    # Probabilities -------------------------------------------------------------------------------

    def cdf(self, y: np.ndarray) -> np.ndarray:
        return self._tail(y, upper=False)

    def sf(self, y: np.ndarray) -> np.ndarray:
        return self._tail(y, upper=True)

    def _tail(self, y: np.ndarray, *, upper: bool) -> np.ndarray:
        """Return the probability of counts up to `y`, or of those above."""
        shape = np.broadcast_shapes(np.shape(y), self.shape)
        row, flat = self._row_of(shape), np.broadcast_to(y, shape).astype(float).ravel()
        away = np.floor(np.where(np.isnan(flat), 0.0, flat)) - self._sums.mode[row]
        is_above = away >= 0
        half = row + self._n_rows * is_above
        # Below the mode, what is up to a count is what is more than one offset less away.
        offset = np.where(is_above, away, -away - 1)
        outwards = is_above == upper
        tail = self._part(half, offset, outwards)[0]
        tail += np.where(outwards, 0.0, self._rest(half)[0])
        return np.where(np.isnan(flat), np.nan, np.clip(tail, 0.0, 1.0)).reshape(shape)

    def _row_of(self, shape: tuple[int, ...]) -> np.ndarray:
        rows = np.arange(self._n_rows).reshape(self.shape)
        return np.broadcast_to(rows, shape).ravel()

    def _rest(self, half: np.ndarray) -> np.ndarray:
        """Return probability and mean offset of the mode and of what lies on its other side."""
        found, n_rows = self._sums, self._n_rows
        rest = found.outward[:, 0, (half + n_rows) % (2 * n_rows)]
        return np.stack([rest[0] + found.at_mode[half % n_rows], rest[1]])

    def _part(self, half: np.ndarray, offset: np.ndarray, outwards: np.ndarray) -> np.ndarray:
        """Return probability and mean offset of what is farther than `offset`, or not."""
        found = self._sums
        position = np.clip((found.starts[:, half] <= offset).sum(axis=0) - 1, 0, None)
        position = np.minimum(position, len(found.starts) - 2)
        start, end = found.starts[position, half], found.starts[position + 1, half]
        inside = np.clip(offset, start - 1, end - 1)
        first = np.where(outwards, inside + 1, start)
        count = np.where(outwards, end - 1 - inside, inside + 1 - start)
        known = np.where(
            outwards, found.outward[:, position + 1, half], found.inward[:, position, half]
        )
        adder = Adder(self._log_prob_of_rows, found.mode, found.ends)
        with np.errstate(all="ignore"):
            return known + adder.sums(half, first, count) / found.total[half % self._n_rows]

    def _bracket(self, below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found, n_rows, shape = self._sums, self._n_rows, below.shape
        row, below, above = self._row_of(shape), below.ravel(), above.ravel()
        is_above = above < found.outward[0, 0, row + n_rows]
        half = row + n_rows * is_above
        tail = np.where(is_above, above, below)
        position = (found.outward[0][:, half] >= tail).sum(axis=0) - 1
        # A stretch more on each side, because both tails are rounded.
        places = np.clip(position + np.array([[-1], [2]]), 0, len(found.starts) - 1)
        near, far = found.starts[places, half]
        near = np.where(position <= 1, 0.0, near)
        mode = found.mode[row]
        low, high = np.where(is_above, [mode + near, mode + far], [mode - far, mode - near])
        lowest, highest = (np.broadcast_to(end, self.shape).ravel()[row] for end in self.support())
        low, high = np.maximum(low, lowest), np.clip(high, lowest, np.minimum(highest, _LARGEST))
        return low.reshape(shape), high.reshape(shape)

    def _reaches(self, y: np.ndarray, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        # Sums of masses are rounded; at a tie the smaller count is meant.
        return super()._reaches(y, below * (1 - _TIE), above * (1 + _TIE))

    def _search(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        found = super()._search(below, above)
        is_asked = (below > 0) & (above > 0) & ~np.isnan(self.mode())
        is_lost = is_asked & ~(self._reaches(found, below, above))
        is_lost |= is_asked & self._reaches(found - 1, below, above)
        warn_of_rows(self.family, is_lost, "a quantile is not found")
        return np.where(is_lost | np.isnan(self.mode()), np.nan, found)

    # Summaries -----------------------------------------------------------------------------------

    def mode(self) -> np.ndarray:
        found = self._sums
        return np.where(np.isnan(found.at_mode), np.nan, found.mode).reshape(self.shape)

    def _mean_offset(self) -> np.ndarray:
        lower, upper = self._sums.outward[1, 0].reshape(2, -1)
        return self._known(upper - lower, 0)

    def mean(self) -> np.ndarray:
        return (self._sums.mode + self._mean_offset()).reshape(self.shape)

    def var(self) -> np.ndarray:
        mean, square = self._mean_offset(), self._known(self._sums.square, 1)
        with np.errstate(invalid="ignore"):
            variance = np.where(np.isinf(square), square, square - mean**2)
        return np.where(np.isnan(mean), np.nan, variance).reshape(self.shape)

    def std(self) -> np.ndarray:
        return np.sqrt(self.var())

    def entropy(self) -> np.ndarray:
        return self._known(self._sums.entropy, 2).reshape(self.shape)

    def _known(self, values: np.ndarray, k: int) -> np.ndarray:
        """Return mean offset, mean square or entropy; NaN where it is vague."""
        is_vague = self._sums.vague[k] & ~np.isnan(values)
        warn_of_rows(self.family, is_vague, f"{SUMMARIES[k]} hangs on y beyond floats")
        return np.where(is_vague, np.nan, values)

    def crps(self, y: np.ndarray) -> np.ndarray:
        """Return the mean distance from `y`, less half of the mean distance of two draws."""
        shape = np.broadcast_shapes(np.shape(y), self.shape)
        row, flat = self._row_of(shape), np.broadcast_to(y, shape).astype(float).ravel()
        away = flat - self._sums.mode[row]
        half = row + self._n_rows * (away >= 0)
        distance = np.where(np.isnan(away), 0.0, np.abs(away))
        offset, inwards = np.floor(distance), np.zeros(len(half), bool)
        rest, far = self._rest(half), self._part(half, offset, ~inwards)
        near = self._part(half, offset, inwards)
        with np.errstate(invalid="ignore"):
            mean = distance * (rest[0] + near[0] - far[0]) + rest[1] - near[1] + far[1]
            score = mean - self._sums.half_difference[row]
        is_lost = np.isnan(score) & np.isfinite(flat) & ~np.isnan(self._sums.at_mode[row])
        warn_of_rows(self.family, is_lost, "the score is a difference of infinite distances")
        score = np.where(np.isinf(flat), np.inf, score)
        return np.where(np.isnan(flat), np.nan, score).reshape(shape)
