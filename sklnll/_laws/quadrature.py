"""What do integrals over a density with one peak say: probabilities, moments, scores, entropy?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre

from .doubts import TOLERANCE
from .half_lines import HalfLines
from .stretches import Stretches, measured, of_rows, tabulated

_N_NODES = 20
NODES, WEIGHTS = legendre.leggauss(_N_NODES)
UP_TO_NODE = np.linalg.solve(
    legendre.legvander(NODES, _N_NODES - 1).T,
    np.stack([legendre.Legendre.basis(k).integ(lbnd=-1)(NODES) for k in range(_N_NODES)]),
).T
"""Values at the nodes, multiplied by row i, have their integral up to node i as their sum."""
_TOP_DEGREES = np.arange(_N_NODES - 3, _N_NODES)
_TO_TOP = (2 * _TOP_DEGREES[:, None] + 1) * (legendre.legvander(NODES, _N_NODES - 1).T * WEIGHTS)[
    _TOP_DEGREES
]
"""Values at the nodes, multiplied by these, have twice their last Legendre coefficients as sums."""
_ROUGH = 1e-8
_NEGLIGIBLE = 1e-290
_CROWD = 24
_EPS = np.finfo(float).eps

_FROM_UNIT = np.array([1, 2, 3, 4.5, 6.5, 9, 13, 20, 35, 60, 110, 220, 400, 700, 1400])
_PLACES = np.concatenate([-_FROM_UNIT[::-1], [0.0], _FROM_UNIT])
"""Where t is divided to begin with, from the unit's."""

_STEP = np.log(16)
"""The slope of a tail is taken over this part of t's axis."""
_EXISTS = 1e-6
"""Tails that fall more slowly than this have no integral."""
_STRAIGHT = 1e-4
_COUNTS = 1e-9
"""A tail with a smaller share in an integral need not be known well."""

LogDensityOf = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From y and the positions of rows to the logarithm of the density."""


@dataclass(frozen=True)
class Tails:
    """The tails of half lines are what lies nearer to an end than the density can be asked.

    There the density over t is taken for an exponential, as that of a power is.

    Parameters
    ----------
    slope : ndarray
        Of the logarithm of the density over t.
    log_height : ndarray
        That logarithm, where the tail begins.
    log_density : ndarray
        The logarithm of the density of y there.
    is_straight : ndarray of bool
        Whether the slope is the same one step farther inside.
    """

    slope: np.ndarray
    log_height: np.ndarray
    log_density: np.ndarray
    is_straight: np.ndarray

    def integral(self, power: float = 0.0, shift: np.ndarray | float = 0.0) -> np.ndarray:
        """Return the integral of the density times exp(power * t + shift), which may be infinite.

        The sign of the slope tells on which side of its beginning the tail lies.
        """
        rate = np.abs(self.slope + power)
        outwards = self.slope < 0
        falls = np.where(outwards, self.slope + power < -_EXISTS, self.slope + power > _EXISTS)
        with np.errstate(all="ignore"):
            value = np.exp(self.log_height + shift) / rate
        return np.where(self.log_height == -np.inf, 0.0, np.where(falls, value, np.inf))


@dataclass(frozen=True)
class Quadrature:
    """Integrals over the density of each row, divided by its total; rows and half lines are last.

    Parameters
    ----------
    total : ndarray of shape (n_rows,)
        Total of the density before the division.
    mean, square, entropy : ndarray of shape (n_rows,)
        Mean of y's distance from the anchor and of its square, in units; entropy in nats.
    vague : ndarray of shape (3, n_rows)
        Whether these three depend on a tail beyond floats whose form is not known.
    starts : ndarray of shape (n_stretches + 1, n_halves)
        Ends of the stretches over t.
    inward, outward : ndarray of shape (n_stretches + 1, n_halves)
        Probability between the anchor and each of them, and beyond it.
    inward_square, outward_square : ndarray of shape (n_stretches + 1, n_halves)
        Integrals between the anchor and each of them, and beyond it: of the square of the
        probability on the anchor's side of y, and on the other; in units of y.
    inner_slope, outer_slope : ndarray of shape (n_halves,)
        Of the tails at the anchor and at the end.
    """

    total: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    entropy: np.ndarray
    vague: np.ndarray
    starts: np.ndarray
    inward: np.ndarray
    outward: np.ndarray
    inward_square: np.ndarray
    outward_square: np.ndarray
    inner_slope: np.ndarray
    outer_slope: np.ndarray

    def of_rows(self, rows: np.ndarray) -> Quadrature:
        """Return the integrals of some of the rows."""
        return of_rows(self, rows, len(self.total))


@dataclass(frozen=True)
class Nodes:
    """The density is asked at nodes: points of half lines, which may lie on a first axis.

    Parameters
    ----------
    log_density : ndarray
        Of y.
    log_slope : ndarray
        Logarithm of the derivative of y by t.
    distance : ndarray
        From the anchor.
    y : ndarray
    """

    log_density: np.ndarray
    log_slope: np.ndarray
    distance: np.ndarray
    y: np.ndarray

    @property
    def log_height(self) -> np.ndarray:
        """Return the logarithm of the density over t."""
        with np.errstate(invalid="ignore"):
            height = self.log_density + self.log_slope
        return np.where(np.isnan(height), -np.inf, height)

    def noise(self) -> np.ndarray:
        """Return the relative error of the density that comes from the rounding of y."""
        least = np.where(self.log_density > -np.inf, self.log_density, np.inf).min(axis=0)
        width = np.abs(self.y[-1] - self.y[0])
        with np.errstate(all="ignore"):
            change = (self.log_density.max(axis=0) - least) / width
            noise = 4 * _EPS * np.abs(self.y).max(axis=0) * change
        return np.where(np.isfinite(noise), noise, 0.0)


class Integrator:
    """An integrator asks a density at nodes, and adds up.

    Parameters
    ----------
    log_density : callable
    lines : HalfLines
    """

    def __init__(self, log_density: LogDensityOf, lines: HalfLines):
        self.log_density = log_density
        self.lines = lines
        self.n_rows = len(lines.anchor)

    def at(self, half: np.ndarray, t: np.ndarray) -> Nodes:
        """Ask the density at points of half lines."""
        distance, y, log_slope = self.lines.at(half, t)
        return Nodes(self.log_density(y, half % self.n_rows), log_slope, distance, y)

    def between(self, half: np.ndarray, low: np.ndarray, high: np.ndarray) -> Nodes:
        """Ask the density at the nodes between two points of each half line."""
        return self.at(half, low + (high - low) / 2 * (1 + NODES[:, None]))

    def stretches(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the stretches of all half lines, and integrals over each; see `tabulated`."""
        lines, n_rows = self.lines, self.n_rows
        places = np.clip(lines.log_unit + _PLACES[:, None, None], lines.first, lines.last)
        places = np.concatenate([lines.first[None], places, lines.last[None]])
        places = places.reshape(len(places), -1)
        low, high = places[:-1], places[1:]
        half = np.broadcast_to(np.arange(2 * n_rows), low.shape)
        is_some = high > low
        first = Stretches(half[is_some], low[is_some], (high - low)[is_some])
        found, values = measured(first, self._measure, _halved, n_rows, _N_NODES, _CROWD)
        return tabulated(found, values, lines.last.ravel())

    def _measure(self, stretches: Stretches) -> tuple[np.ndarray, np.ndarray]:
        """Return integrals over stretches, and whether these are too long for the nodes.

        They are those of the density, of its product with y's distance from the anchor and with
        its square, both in units, and with its own negative logarithm; then, over the distance in
        units, those of 1, of the probability between the stretch's start and y, and of its square.
        """
        half, low, length = stretches.half, stretches.start, stretches.length
        nodes = self.between(half, low, low + length)
        unit = self.lines.unit[half % self.n_rows]
        with np.errstate(all="ignore"):
            height, away = np.exp(nodes.log_height), nodes.distance / unit
            terms = height * np.stack([away, away**2, -nodes.log_density])
            terms = np.where(height > 0, terms, 0.0)
            up_to_node = length / 2 * (UP_TO_NODE @ height)
            slope = np.exp(nodes.log_slope) / unit
            of_distance = slope * np.stack([np.ones_like(slope), up_to_node, up_to_node**2])
            all_terms = np.concatenate([height[None], terms, of_distance])
            values = length / 2 * np.einsum("j,kj...->k...", WEIGHTS, all_terms)
            top = length / 2 * np.abs(_TO_TOP @ height).sum(axis=0)
            rough = top > values[0] * (_ROUGH + nodes.noise())
        return values, rough & (values[0] > _NEGLIGIBLE)

    def tails(self, place: np.ndarray, inwards: float) -> Tails:
        """Return what lies beyond a point of each half line.

        Parameters
        ----------
        place : ndarray of shape (2, n_rows)
        inwards : float
            1.0 or -1.0: where to go from there to see the slope.
        """
        half = np.arange(2 * self.n_rows)
        steps = np.arange(3)[:, None] * _STEP * inwards
        nodes = self.at(half, place.ravel() + steps)
        log_height = nodes.log_height
        with np.errstate(invalid="ignore"):
            slopes = np.diff(log_height, axis=0) / (_STEP * inwards)
            is_straight = np.abs(slopes[0] - slopes[1]) < _STRAIGHT
            # What bends a power is a power of the distance, too, and grows by the step.
            bent = slopes[0] + (slopes[0] - slopes[1]) / (np.exp(_STEP) - 1)
        is_there = (self.lines.length.ravel() > 0) & (log_height[0] > -np.inf)
        slope = np.where(is_straight, bent, slopes[0])
        slope = np.where(np.isfinite(slope), slope, inwards * np.inf)
        return Tails(
            slope,
            np.where(is_there, log_height[0], -np.inf),
            np.where(is_there, nodes.log_density[0], 0.0),
            is_straight | ~is_there,
        )


def _halved(stretches: Stretches) -> Stretches:
    half, start, length = stretches.half, stretches.start, stretches.length / 2
    return Stretches(
        np.concatenate([half, half]),
        np.concatenate([start, start + length]),
        np.concatenate([length, length]),
    )


def integrated(log_density: LogDensityOf, lines: HalfLines) -> Quadrature:
    """Integrate over the density of each row.

    Parameters
    ----------
    log_density : callable
    lines : HalfLines
    """
    integrator = Integrator(log_density, lines)
    starts, table = integrator.stretches()
    inner, outer = integrator.tails(lines.first, 1.0), integrator.tails(lines.last, -1.0)
    masses = np.concatenate([inner.integral()[None], table[0], outer.integral()[None]])
    total = masses.sum(axis=0).reshape(2, -1).sum(axis=0)
    with np.errstate(all="ignore"):
        divisor = np.where(np.abs(total - 1) <= TOLERANCE, total, np.nan)
        masses = masses / np.tile(divisor, 2)
        inward = masses[:-1].cumsum(axis=0)
        outward = masses[:0:-1].cumsum(axis=0)[::-1]
        of_squares = _squares(lines, divisor, table, inward, outward, outer)
        moments, vague = _moments(lines, divisor, table, inner, outer)
    (mean, square, entropy), (inward_square, outward_square) = moments, of_squares
    return Quadrature(
        total=total,
        mean=mean,
        square=square,
        entropy=entropy,
        vague=vague,
        starts=starts,
        inward=inward,
        outward=outward,
        inward_square=inward_square,
        outward_square=outward_square,
        inner_slope=inner.slope,
        outer_slope=outer.slope,
    )


def _moments(
    lines: HalfLines, total: np.ndarray, table: np.ndarray, inner: Tails, outer: Tails
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean, mean square and entropy, and whether they hang on a tail of unknown form."""
    sign = np.repeat([-1.0, 1.0], len(total))
    is_open = np.isinf(lines.length.ravel())
    is_bent = is_open & ~outer.is_straight
    unit = np.tile(lines.unit, 2)
    moments, vague = [], []
    for power, signs in ((1, sign), (2, 1.0)):
        inside = table[power].sum(axis=0)
        far = outer.integral(power, -power * np.log(unit) + power * lines.last.ravel())
        near_end = outer.integral() * (lines.length.ravel() / unit) ** power
        far = np.where(is_open, far, near_end)
        far = np.where(outer.log_height == -np.inf, 0.0, far)
        moments.append(_of_rows(signs * (inside + far)) / total)
        vague.append(_of_rows(is_bent & ~(far <= _COUNTS * inside)) > 0)
    entropy = table[3].sum(axis=0)
    for tails, bend in ((inner, 1.0), (outer, np.where(is_open, 1.0, -1.0))):
        mass = tails.integral()
        log_density = tails.log_density - (tails.slope - bend) / tails.slope
        entropy = entropy - np.where(mass > 0, mass * log_density, 0.0)
    vague.append(_of_rows(is_bent & ~(outer.integral() <= _COUNTS)) > 0)
    return np.stack([*moments, _of_rows(entropy) / total + np.log(total)]), np.stack(vague)


def _squares(
    lines: HalfLines,
    total: np.ndarray,
    table: np.ndarray,
    inward: np.ndarray,
    outward: np.ndarray,
    outer: Tails,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the integrals of squared probabilities between the anchor and each place, and beyond.

    See `Quadrature`.
    """
    length, first, second = (
        table[4],
        table[5] / np.tile(total, 2),
        table[6] / np.tile(total, 2) ** 2,
    )
    whole = inward[-1] + outward[-1]
    other = whole.reshape(2, -1)[::-1].ravel()
    below, above = other + inward[:-1], outward[:-1]
    unit = np.tile(lines.unit, 2)
    of_inner = np.exp(lines.first.ravel()) / unit * (lines.length.ravel() > 0)
    steps = below**2 * length + 2 * below * first + second
    inward_square = np.concatenate([(of_inner * other**2)[None], steps]).cumsum(axis=0)
    steps = above**2 * length - 2 * above * first + second
    is_open = np.isinf(lines.length.ravel())
    rate, reach = 2 * outer.slope + 1, np.exp(lines.last.ravel()) / unit
    of_outer = np.where(rate < -_EXISTS, outward[-1] ** 2 * reach / np.abs(rate), np.inf)
    of_outer = np.where(is_open & (outward[-1] > 0), of_outer, 0.0)
    steps = np.concatenate([np.maximum(steps, 0.0), of_outer[None]])
    outward_square = steps[::-1].cumsum(axis=0)[::-1]
    return inward_square * unit, outward_square * unit


def _of_rows(halves: np.ndarray) -> np.ndarray:
    """Return the sums of both half lines of each row."""
    return halves.reshape(2, -1).sum(axis=0)
