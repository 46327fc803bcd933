"""Over which variable is a density with one peak smooth, on each side of the peak?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

_LEAST, _MOST = 1e-307, 1e307
"""Distances between which floats keep their digits."""
_DISTANCES = np.geomspace(_LEAST, _MOST, 615)
_LONGEST = 690.0
"""The logarithm of the largest distance from the peak, in widths of the density."""
_EPS = np.finfo(float).eps
_OVERFLOWS = 200.0
"""So far from its width, on the axis of t, a density that is zero is one that overflows."""
_N_ZOOMS, _N_FINER, _N_HALVINGS = 17, 17, 40

LogDensity = Callable[[np.ndarray], np.ndarray]
"""From values of y, rows last, to the logarithm of the density."""


@dataclass(frozen=True)
class HalfLines:
    """The two sides of each row's anchor, its peak, are seen over the logarithm of the distance.

    With the distance r of y from the anchor, and D that of the end of the support, which may be
    infinite, ``t = log(r) - log(1 - r / D)``. Over t a power of r, or of the distance from the
    end, is an exponential, so that poles and heavy tails are smooth, and no digit is lost far away
    from y = 0. The side below stands first, then the one above; both have t rise outwards. Of the
    rows' sides, seen as one axis, side k of row i is number ``k * n_rows + i``.

    Parameters
    ----------
    anchor : ndarray of shape (n_rows,)
    end : ndarray of shape (2, n_rows)
        Lowest and highest value of y.
    log_unit : ndarray of shape (2, n_rows)
        Logarithm of the distance from the anchor about which most of a side's probability lies.
    first, last : ndarray of shape (2, n_rows)
        Where t begins and ends: the nearest and the farthest point at which the density is asked.
    """

    anchor: np.ndarray
    end: np.ndarray
    log_unit: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def about(cls, anchor: np.ndarray, end: np.ndarray, log_unit: np.ndarray) -> HalfLines:
        """Return half lines that reach as far as floats can tell values of y apart."""
        length = np.abs(end - anchor)
        with np.errstate(all="ignore"):
            nearest = _nearest(anchor, np.minimum(np.exp(log_unit), length / 2))
            # With the nearest distance d from the end, t is log(D) + log(D / d - 1).
            to_end = 2 * np.log(length) - np.log(_nearest(end, length / 2))
        to_infinity = np.minimum(np.log(_MOST), log_unit + _LONGEST)
        last = np.where(np.isfinite(length), to_end, to_infinity)
        is_some = length > 0
        return cls(
            anchor,
            end,
            log_unit,
            np.where(is_some, np.log(nearest), 0.0),
            np.where(is_some, last, 0.0),
        )

    @cached_property
    def length(self) -> np.ndarray:
        """Return the distance of each end from the anchor."""
        return np.abs(self.end - self.anchor)

    @cached_property
    def _log_length(self) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log(self.length)

    @cached_property
    def unit(self) -> np.ndarray:
        """Return the row's unit of distance, in y's units."""
        return np.exp(np.where(self.length > 0, self.log_unit, -np.inf).max(axis=0))

    def at(self, half: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the distance from the anchor, y, and the logarithm of the slope of y by t."""
        n_rows = len(self.anchor)
        length, log_length = self.length.ravel()[half], self._log_length.ravel()[half]
        anchor, end, sign = (
            self.anchor[half % n_rows],
            self.end.ravel()[half],
            2.0 * (half // n_rows) - 1,
        )
        with np.errstate(all="ignore"):
            is_open = np.isinf(length)
            to_end = special.expit(log_length - t)
            distance = np.where(is_open, np.exp(t), length * special.expit(t - log_length))
            y = np.where(to_end < 0.5, end - sign * length * to_end, anchor + sign * distance)
            bent = special.log_expit(log_length - t)
            log_slope = np.where(is_open, t, log_length + special.log_expit(t - log_length) + bent)
        return distance, y, log_slope

    def place(self, y: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the side of each y, and its t; -inf at the anchor and inf at the end."""
        half = np.where(y >= self.anchor[row], 1, 0) * len(self.anchor) + row
        length = self.length.ravel()[half]
        with np.errstate(all="ignore"):
            to_end = np.abs(self.end.ravel()[half] - y) / length
            bent = np.where(np.isinf(length), 0.0, np.log(np.minimum(to_end, 1)))
            return half, np.log(np.abs(y - self.anchor[row])) - bent

    def of_rows(self, rows: np.ndarray) -> HalfLines:
        """Return the half lines of some of the rows."""
        return HalfLines(*(value[..., rows] for value in self.values()))

    def values(self) -> tuple[np.ndarray, ...]:
        """Return what makes the half lines, rows last."""
        return self.anchor, self.end, self.log_unit, self.first, self.last


def _nearest(point: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Return the distance from a point below which floats do not tell how far away they are.

    There half of the digits of a distance are left, unless the density is too narrow for that.
    """
    size = np.abs(point)
    with np.errstate(invalid="ignore"):
        nearest = np.minimum(size * 2.0**-27, width * 2.0**-20)
        return np.maximum(np.maximum(nearest, 8 * _EPS * size), _LEAST)


def find_half_lines(
    log_density: LogDensity, end: np.ndarray, guesses: np.ndarray, anchor: np.ndarray | None = None
) -> HalfLines:
    """Search the peak of each row's density, and how wide it is on both sides.

    Parameters
    ----------
    log_density : callable
    end : ndarray of shape (2, n_rows)
        Ends of the support.
    guesses : ndarray of shape (n_guesses, n_rows)
        Where the peak may be, beside all powers of ten.
    anchor : ndarray of shape (n_rows,), optional
        The peaks, where they are known.
    """
    if anchor is None:
        anchor = _find_peak(log_density, end, guesses)
    lines = HalfLines.about(anchor, end, _log_unit(log_density, end, anchor))
    return _within_formula(log_density, lines)


def _find_peak(log_density: LogDensity, end: np.ndarray, guesses: np.ndarray) -> np.ndarray:
    """Return where the density is largest, by ever finer grids."""
    low, high = end
    away, zero = _DISTANCES[:, None], np.zeros((1, len(low)))
    points = [away + zero, -away + zero, zero, guesses]
    points += [value + sign * away for value, sign in ((low, 1), (high, -1)) if np.any(value != 0)]
    with np.errstate(invalid="ignore"):
        grid = np.concatenate(points)
        grid = np.sort(np.where((grid > low) & (grid < high), grid, np.nan), axis=0)
    grid = grid[~np.isnan(grid).all(axis=1)]
    share = np.linspace(0, 1, _N_FINER)[:, None]
    for _ in range(_N_ZOOMS):
        best = log_density(grid).argmax(axis=0)[None]
        peak = np.take_along_axis(grid, best, axis=0)[0]
        left = np.fmax.reduce(np.where(grid < peak, grid, np.nan), axis=0)
        right = np.fmin.reduce(np.where(grid > peak, grid, np.nan), axis=0)
        left, right = (np.where(np.isnan(side), peak, side) for side in (left, right))
        finer = [left + share * (peak - left), peak + share[1:] * (right - peak)]
        grid = np.concatenate(finer)
    return _or_an_end(log_density, end, peak)


def _or_an_end(log_density: LogDensity, end: np.ndarray, peak: np.ndarray) -> np.ndarray:
    """Return the end of the support towards which the density rises to the last, else the peak."""
    top = log_density(peak[None])[0]
    for value, sign in zip(end, (1, -1), strict=True):
        finite = np.where(np.isfinite(value), value, 0.0)
        inner = finite + sign * np.maximum(4 * _EPS * np.abs(finite), _LEAST)
        inner = np.where(np.isfinite(value), inner, peak)
        height = log_density(inner[None])[0]
        is_there = np.abs(value - peak) <= 8 * _EPS * np.abs(finite)
        is_higher = is_there | (np.isfinite(value) & (height >= top) & (height > -np.inf))
        peak, top = np.where(is_higher, value, peak), np.maximum(top, height)
    return peak


def _log_unit(log_density: LogDensity, end: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    """Return the logarithm of the distance at which the density over its logarithm is largest."""
    away, log_away = _DISTANCES[:, None], np.log(_DISTANCES)[:, None]
    units = []
    for value, sign in zip(end, (-1, 1), strict=True):
        length = np.abs(value - anchor)
        with np.errstate(all="ignore"):
            bent = np.log1p(-away / length)
            height = log_density(anchor + sign * away) + log_away + bent
        height = np.where(away < length, np.nan_to_num(height, nan=-np.inf), -np.inf)
        unit = log_away[height.argmax(axis=0), 0]
        unknown = np.log(np.clip(length / 2, _LEAST, 1.0))
        units.append(np.where(height.max(axis=0) > -np.inf, unit, unknown))
    return np.stack(units)


def _within_formula(log_density: LogDensity, lines: HalfLines) -> HalfLines:
    """Let t end where the formula of the density overflows, or underflows, far from its width.

    A density without a value there is none that ends: a tail follows from what is seen before.
    """
    first, last = (_last_seen(log_density, lines, end) for end in (lines.first, lines.last))
    return HalfLines(lines.anchor, lines.end, lines.log_unit, first, last)


def _last_seen(log_density: LogDensity, lines: HalfLines, end: np.ndarray) -> np.ndarray:
    """Return the farthest t, towards an end, at which the density is not zero."""

    def is_seen(t: np.ndarray) -> np.ndarray:
        y = lines.at(np.arange(t.size), t.ravel())[1]
        return log_density(y.reshape(t.shape)) > -np.inf

    near = lines.log_unit
    is_hidden = (lines.length > 0) & ~is_seen(end) & is_seen(near)
    if not is_hidden.any():
        return end
    seen, hidden = near, end
    for _ in range(_N_HALVINGS):
        middle = (seen + hidden) / 2
        holds = is_seen(middle)
        seen, hidden = np.where(holds, middle, seen), np.where(holds, hidden, middle)
    return np.where(is_hidden & (np.abs(seen - near) > _OVERFLOWS), seen, end)
