"""Scipy's von Mises distribution, mended where its distribution function loses its digits.

Scipy's cdf is right to 1e-12 in the middle up to a concentration of 50, but not in the tails, and
to no more than three digits just above. Here the density is integrated from y outwards instead.
"""

from typing import Any

import numpy as np
import torch
from scipy import special, stats
from scipy.optimize.elementwise import find_root

from .._numerics.special import bessel_ratio

_NODES, _WEIGHTS = special.roots_legendre(64)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2
_NEGLIGIBLE = 40.0
"""So many nats below its largest value, an integrand is left out."""
_LEAST = -746.0
"""Below all logarithms of floats."""
_UNDERFLOW = 800.0
"""So many nats below its largest value, a density is zero."""


def wrap(angle: np.ndarray, center: np.ndarray | float = 0.0) -> np.ndarray:
    """Return the same direction in (center - pi, center + pi]; NaN for what is not finite."""
    away = angle - center
    inside = (-np.pi < away) & (away <= np.pi)
    with np.errstate(invalid="ignore"):
        return np.where(inside, angle, center + np.arctan2(np.sin(away), np.cos(away)))


def resultant(concentration: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean cosine about the mean direction, and one minus it."""
    length, rest = bessel_ratio(torch.tensor(concentration, dtype=torch.float64))
    return length.numpy(), rest.numpy()


def _upper(x: np.ndarray, concentration: np.ndarray, power: int) -> np.ndarray:
    """Integrate (t - x)**power times the standard density over t from `x` >= 0 to pi."""
    return np.exp(-2 * concentration * np.sin(x / 2) ** 2) * _outward(x, concentration, power)


def _log_upper(x: np.ndarray, concentration: np.ndarray) -> np.ndarray:
    """Return the logarithm of the probability above `x` >= 0, however small that is."""
    with np.errstate(divide="ignore"):
        integral = np.log(_outward(x, concentration, 0))
    return integral - 2 * concentration * np.sin(x / 2) ** 2


def _outward(x: np.ndarray, concentration: np.ndarray, power: int) -> np.ndarray:
    """Return `_upper` over exp(concentration * (cos(x) - 1))."""
    start = np.sin(x / 2) ** 2
    height = start + _NEGLIGIBLE / np.maximum(2 * concentration, _NEGLIGIBLE)
    width = np.maximum(2 * np.arcsin(np.sqrt(np.minimum(height, 1))) - x, 0)
    total = np.zeros(width.shape)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        away = width * node
        fall = np.sin((x + away) / 2) ** 2 - start
        total += weight * away**power * np.exp(-2 * concentration * fall)
    return total * width / (2 * np.pi * special.i0e(concentration))


def _half_distance(concentration: np.ndarray) -> np.ndarray:
    """Return half the expected angular distance between two angles of the same distribution.

    Their difference d has the density I0(2 k cos(d / 2)) / (2 pi I0(k)**2).
    """
    height = _NEGLIGIBLE / np.maximum(4 * concentration, _NEGLIGIBLE)
    width = np.minimum(4 * np.arcsin(np.sqrt(height)), np.pi)
    total = np.zeros(width.shape)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        d = width * node
        decay = np.exp(-4 * concentration * np.sin(d / 4) ** 2)
        total += weight * d * decay * special.i0e(2 * concentration * np.cos(d / 2))
    return total * width / (2 * np.pi * special.i0e(concentration) ** 2)


def angular_crps(away: np.ndarray, concentration: np.ndarray) -> np.ndarray:
    """Return the expected angular distance to `y`, less half of that between two draws.

    Parameters
    ----------
    away : ndarray
        Angular distance of y from the mean direction, between 0 and pi.
    concentration : ndarray

    References
    ----------
    E. Grimit, T. Gneiting, V. Berrocal and N. Johnson (2006). The continuous ranked probability
    score for circular variables and its application to mesoscale forecast ensemble verification.
    doi:10.1256/qj.05.235
    """
    away, concentration = np.broadcast_arrays(away, concentration)
    # Were all angles at the mean direction, the distance would be `away`. Those beyond y, and
    # beyond its opposite, are nearer or farther than that.
    beyond = _upper(away, concentration, 1) - _upper(np.pi - away, concentration, 1)
    return away + 2 * beyond - _half_distance(concentration)


class _VonMises(type(stats.vonmises_line)):  # type: ignore[misc]
    """The law lives on the line from -pi to pi, but has the density of every angle."""

    def _support_mask(self, x: np.ndarray, *args: Any) -> np.ndarray:
        return np.isfinite(x)

    def _cdf(self, x: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        tail = _upper(np.abs(x), kappa, 0)
        return np.where(x < 0, tail, 1 - tail)

    def _sf(self, x: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        return self._cdf(-x, kappa)

    def _logcdf(self, x: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        log_tail = _log_upper(np.abs(x), kappa)
        return np.where(x < 0, log_tail, np.log1p(-np.exp(log_tail)))

    def _logsf(self, x: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        return self._logcdf(-x, kappa)

    def _ppf(self, q: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        return np.sign(q - 0.5) * _upper_quantile(np.minimum(q, 1 - q), kappa)

    def _isf(self, q: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        return -self._ppf(q, kappa)

    def _stats(self, kappa: np.ndarray) -> tuple[Any, ...]:
        return 0.0, None, 0.0, None  # by symmetry; scipy integrates the others

    def _entropy(self, kappa: np.ndarray) -> np.ndarray:
        return np.log(2 * np.pi * special.i0e(kappa)) + kappa * resultant(kappa)[1]


def _upper_quantile(tail: np.ndarray, concentration: np.ndarray) -> np.ndarray:
    """Return the angle that is exceeded with probability `tail` <= 1/2."""
    tail, concentration = np.broadcast_arrays(tail, concentration)
    height = _UNDERFLOW / np.maximum(2 * concentration, _UNDERFLOW)
    reach = 2 * np.arcsin(np.sqrt(height))

    def excess(share: np.ndarray, log_tail: np.ndarray, k: np.ndarray, r: np.ndarray) -> Any:
        return np.maximum(_log_upper(r * share, k), _LEAST) - log_tail

    ends = (np.zeros(tail.shape), np.ones(tail.shape))
    with np.errstate(divide="ignore"):
        given = np.maximum(np.log(tail), _LEAST), concentration, reach
    share = find_root(excess, ends, args=given).x
    # At the median, rounding may hide the change of sign.
    return reach * np.where(excess(ends[0], *given) < 0, 0.0, share)


von_mises: Any = _VonMises(a=-np.pi, b=np.pi, name="von_mises")
