"""How small is a tail that underflows, or whose parameters are too large for scipy's functions?

The incomplete gamma and beta functions, and Student's t, are integrals of densities that are
log-concave in a suitable variable. Such an integral from a point outwards is the density at the
point times the integral of exp(-fall), where fall(t) says by how many nats the log-density has
fallen at the distance t: a convex function, smooth enough for one rule of quadrature. So the
logarithm of a tail has nearly all digits however small it is, and however large the parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special

from .arrays import in_numpy
from .special import HALF_LOG_2PI, log_gamma_half_step, log_poisson_mass

NODES, WEIGHTS = special.roots_legendre(36)
NODES, WEIGHTS = (NODES + 1) / 2, WEIGHTS / 2
_NEGLIGIBLE = 40.0
"""So many nats below its largest value, an integrand is left out."""
_N_STEPS = 40
_SMALL = 0.1
_MOST_ITERATIONS = 100
_MISS = 1e-11
LEAST = 1e-290
"""Below such a probability scipy's tails lose digits, and soon underflow."""
FAR = 1e-13
"""Below such a probability scipy's quantiles are looked at twice."""

Fall = Callable[[np.ndarray], np.ndarray]


class Outward(NamedTuple):
    """A tail is seen from its point outwards.

    Parameters
    ----------
    log_density : ndarray
        At the point.
    log_integral : ndarray
        Logarithm of the integral of exp(-fall) from the point outwards.
    """

    log_density: np.ndarray
    log_integral: np.ndarray

    @property
    def log_tail(self) -> np.ndarray:
        """Return the logarithm of the tail."""
        return self.log_density + self.log_integral


@np.errstate(all="ignore")
def log_outward(fall: Fall, slope: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Return the logarithm of the integral of exp(-fall(t)) over t > 0.

    Parameters
    ----------
    fall : callable
        Convex, 0 at 0, and rising for good.
    slope, curvature : ndarray
        Its first and second derivative at 0.
    """
    # Far enough out by the parabola; convex functions rise between the parabola and the line.
    far = 2 * _NEGLIGIBLE / (slope + np.hypot(slope, np.sqrt(2 * _NEGLIGIBLE * curvature)))
    near, beyond = np.zeros(np.shape(far)), np.full(np.shape(far), np.inf)
    for _ in range(_N_STEPS):
        ratio = np.clip(fall(far) / _NEGLIGIBLE, 0.04, 1e4)
        # Each row stops by itself, so that it does not depend on the others.
        goes_on = ~((ratio > 0.9) & (ratio < 1.3)) & ~np.isnan(ratio)
        if not np.any(goes_on):
            break
        near = np.where(ratio < 1, np.maximum(near, far), near)
        beyond = np.where(ratio > 1, np.minimum(beyond, far), beyond)
        # Where a fall is flat at first and steep then, such steps alone go to and fro.
        step, middle = far / np.sqrt(ratio), np.sqrt(near * beyond)
        far = np.where(goes_on, np.where((near < step) & (step < beyond), step, middle), far)
    total = np.zeros(np.shape(far))
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        total += weight * np.exp(-fall(far * node))
    return np.log(total) + np.log(far)


def _exp_less_line(t: np.ndarray) -> np.ndarray:
    """Return exp(t) - 1 - t."""
    series = np.zeros(np.shape(t))
    for k in range(11, 1, -1):
        series = (1 + series) * t / k
    return np.where(np.abs(t) < _SMALL, series * t, np.expm1(t) - t)


def _coin_cumulants(p: np.ndarray, q: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return log(p + q * exp(t)) - q * t for t >= 0 and p = 1 - q, in a variable that is exact."""
    pq, skew = p * q, p - q
    third, fourth = skew / 6, (1 - 6 * pq) / 24
    fifth, sixth = skew * (1 - 12 * pq) / 120, (1 - 30 * pq + 120 * pq * pq) / 720
    near = pq * t * t * (0.5 + t * (third + t * (fourth + t * (fifth + t * sixth))))
    of_q = np.where(t < 600, np.log1p(q * np.expm1(np.minimum(t, 600))), np.log(q) + t) - q * t
    of_p = np.log1p(p * np.expm1(-t)) + p * t
    return np.where(t < 0.01, near, np.where(q < 0.5, of_q, of_p))


@np.errstate(all="ignore")
def gamma_outward(
    shape: np.ndarray, x: np.ndarray, upper: np.ndarray, excess: np.ndarray | None = None
) -> Outward:
    """Return the tail of the gamma distribution of scale 1 over the logarithm of x > 0.

    Parameters
    ----------
    shape, x : ndarray
    upper : ndarray of bool
        Which tail is meant, that above `x` or that below it.
    excess : ndarray, optional
        x - shape, where that is known better than by subtraction.
    """
    shape, x, upper = np.broadcast_arrays(shape, x, upper)
    excess = x - shape if excess is None else excess
    sign = np.where(upper, 1.0, -1.0)
    density = in_numpy(log_poisson_mass, shape, x, excess) + np.log(shape)

    def fall(t: np.ndarray) -> np.ndarray:
        return sign * excess * t + x * _exp_less_line(sign * t)

    return Outward(density, log_outward(fall, sign * excess, x))


@np.errstate(all="ignore")
def beta_outward(
    log_density: np.ndarray,
    total: np.ndarray,
    x: np.ndarray,
    rest: np.ndarray,
    slope: np.ndarray,
) -> Outward:
    """Return the lower tail of the beta distribution with a + b = total over the log-odds of x.

    Parameters
    ----------
    log_density : ndarray
        Logarithm of x**a * rest**b / B(a, b).
    total : ndarray
        a + b.
    x, rest : ndarray
        The point, and 1 - x, each to all digits.
    slope : ndarray
        a * rest - b * x.
    """

    def fall(t: np.ndarray) -> np.ndarray:
        return slope * t + total * _coin_cumulants(x, rest, t)

    return Outward(log_density, log_outward(fall, slope, total * x * rest))


@np.errstate(all="ignore")
def t_outward(df: np.ndarray, z: np.ndarray) -> Outward:
    """Return the upper tail of Student's t at z >= 0 over arcsinh(z / sqrt(df))."""
    root = np.hypot(np.sqrt(df), z)
    slope = z / root
    log_cosh = 0.5 * np.where(
        z * z < 1e300, np.log1p((z / np.sqrt(df)) ** 2), 2 * np.log(z) - np.log(df)
    )
    density = log_gamma_half_step(df / 2)[0] - HALF_LOG_2PI + 0.5 * np.log(df) - df * log_cosh

    def fall(t: np.ndarray) -> np.ndarray:
        near = np.minimum(t, 40.0)
        log_ratio = np.log1p(2 * np.sinh(near / 2) ** 2 + slope * np.sinh(near))
        return df * (log_ratio + (t - near))

    curvature = df * (np.sqrt(df) / root) ** 2
    return Outward(density, log_outward(fall, df * slope, curvature))


@np.errstate(all="ignore")
def outward_root(
    outward: Callable[[np.ndarray, np.ndarray], Outward],
    start: np.ndarray,
    log_p: np.ndarray,
    sign: np.ndarray,
    bound: float = 708.0,
) -> np.ndarray:
    """Search the point from which a log-concave density has this tail, by Newton's method.

    The logarithm of a tail is concave, so that steps from outside never pass the root.

    Parameters
    ----------
    outward : callable
        From points, and the positions of those that are still searched, to their `Outward`.
    start : ndarray, one axis
        Best farther out than the root.
    log_p : ndarray
        Logarithm of the tail.
    sign : ndarray
        1 where points with smaller tails are larger, -1 where they are smaller.
    bound : float
        Size from which on a point stands for an infinite one.
    """
    s = np.clip(start, -bound, bound)
    rows = np.arange(len(s))
    for _ in range(_MOST_ITERATIONS):
        tail = outward(s[rows], rows)
        step = sign[rows] * (tail.log_tail - log_p[rows]) * np.exp(tail.log_integral)
        before, s[rows] = s[rows], np.clip(s[rows] + step, -bound, bound)
        rows = rows[np.abs(s[rows] - before) > 1e-14 * np.abs(s[rows])]
        if not len(rows):
            break
    return np.where(np.abs(s) < bound, s, np.copysign(np.inf, s))


def on_one_axis(*values: np.ndarray) -> list[np.ndarray]:
    """Return arrays broadcast against each other, on one axis.

    Scipy leaves a lone parameter the axes that it has, and puts all others on one.
    """
    return [value.ravel() for value in np.broadcast_arrays(*values)]


def log_of_smaller(tail: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the logarithm of a tail, which near 1 has the digits of the other one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(tail < 0.5, np.log(tail), np.log1p(-other))


def log_of_larger(log_tail: np.ndarray, log_other: np.ndarray) -> np.ndarray:
    """Return the logarithm of a tail from those of both; near 1 the other one has the digits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(log_other < np.log(0.5), np.log1p(-np.exp(log_other)), log_tail)


def log_of_tail(
    tail: np.ndarray,
    other: Callable[[np.ndarray], np.ndarray],
    is_inside: np.ndarray,
    outward: Callable[[np.ndarray], Outward],
) -> np.ndarray:
    """Return the logarithm of a tail.

    Parameters
    ----------
    tail : ndarray, one axis
    other : callable
        From positions to the tail on the other side, which has the digits where `tail` is nearly 1.
    is_inside : ndarray of bool
        Whether y lies inside the support, where no tail is 0.
    outward : callable
        From positions to the `Outward` of those tails that underflow.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        log_tail = np.log(tail)
        rows = np.flatnonzero(tail >= 0.5)
        if len(rows):
            log_tail[rows] = np.log1p(-other(rows))
    rows = np.flatnonzero((tail < LEAST) & is_inside)
    if len(rows):
        log_tail[rows] = outward(rows).log_tail
    return log_tail


def mended_quantiles(
    values: np.ndarray,
    p: np.ndarray,
    is_doubtful: np.ndarray,
    tail: Callable[[np.ndarray, np.ndarray], np.ndarray],
    search: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Return quantiles, searched anew where those in doubt miss their probability.

    Parameters
    ----------
    values : ndarray, one axis
        Scipy's quantiles.
    p : ndarray
        Probability of the tail.
    is_doubtful : ndarray of bool
        Where scipy's are known to fail at times. Others are not looked at.
    tail : callable
        From values and their positions to the probability of their tails.
    search : callable
        From positions to the quantiles there.
    """
    rows = np.flatnonzero((is_doubtful | ~np.isfinite(values)) & (p > 0))
    if not len(rows):
        return values
    with np.errstate(all="ignore"):
        misses = np.abs(tail(values[rows], rows) / p[rows] - 1)
        is_wrong = ~(misses < _MISS) | (p[rows] < LEAST)
        wrong, before = rows[is_wrong], misses[is_wrong]
        found = search(wrong)
        # Where floats are too few for either, the one that misses by less.
        is_worse = (np.abs(tail(found, wrong) / p[wrong] - 1) > before) & (p[wrong] >= LEAST)
        values[wrong] = np.where(is_worse, values[wrong], found)
    return values
