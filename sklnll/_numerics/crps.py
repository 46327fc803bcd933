"""What is the continuous ranked probability score where there is no closed form?"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

# Tanh-sinh nodes on (0, 1): the distance to 0 is exact however small, so that the heavy ends of
# quantile functions integrate to rounding.
_T = np.linspace(-4.2, 4.2, 169)
NODES = 1 / (1 + np.exp(-np.pi * np.sinh(_T)))
WEIGHTS = np.pi * np.cosh(_T) * NODES * NODES[::-1] * (_T[1] - _T[0])


class Quantiles(Protocol):
    """A score needs to know no more of a frozen law."""

    def cdf(self, y: Any, /) -> np.ndarray:
        """Return the probability of a value at most `y`."""

    def sf(self, y: Any, /) -> np.ndarray:
        """Return the probability of a value above `y`."""

    def ppf(self, q: Any, /) -> np.ndarray:
        """Return the value that is not exceeded with probability `q`."""

    def isf(self, q: Any, /) -> np.ndarray:
        """Return the value that is exceeded with probability `q`."""


def crps_by_quadrature(frozen: Quantiles, y: np.ndarray) -> np.ndarray:
    """Integrate twice the pinball loss of all quantiles, apart on both sides of `y`.

    Parameters
    ----------
    frozen : Quantiles
        A continuous law; its parameters broadcast against `y`.
    y : ndarray

    Returns
    -------
    ndarray
        In y's units, lower is better.

    References
    ----------
    T. Gneiting and A. Raftery (2007). Strictly proper scoring rules, prediction, and estimation.
    doi:10.1198/016214506000001437
    """
    below, above = frozen.cdf(y), frozen.sf(y)
    total = np.zeros(np.shape(below))
    for node, rest, weight in zip(NODES, NODES[::-1], WEIGHTS, strict=True):
        lower = _quantile(frozen, below * node, above + below * rest)
        upper = _quantile(frozen, below + above * rest, above * node)
        # A side without probability has no quantiles, and no share in the score.
        total += weight * below * (below * node) * np.where(below > 0, y - lower, 0.0)
        total += weight * above * (above * node) * np.where(above > 0, upper - y, 0.0)
    return 2 * total


def _quantile(frozen: Quantiles, below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Return the value with these probabilities below and above it, from the smaller of the two."""
    return np.where(below < above, frozen.ppf(below), frozen.isf(above))


def half_mean_difference(
    log_square: Callable[[np.ndarray], np.ndarray], std: np.ndarray
) -> np.ndarray:
    """Return half of the mean distance of two independent draws from a distribution over counts.

    From its characteristic function phi, as the integral over v from 0 to infinity of
    (1 - abs(phi(t))**2) / (2 pi) with v = cot(t / 2), by the trapezoidal rule in log(v), whose
    error falls exponentially.

    Parameters
    ----------
    log_square : callable
        From sin(t / 2)**2 to the logarithm of abs(phi(t))**2.
    std : ndarray
        Standard deviation, for the width of the integrand.
    """
    step = 0.15
    total = np.zeros(np.shape(std))
    for log_v in np.arange(-31, 31, step):
        v = (1 + 2 * std) * np.exp(log_v)
        with np.errstate(divide="ignore", over="ignore"):
            total -= step * v * np.expm1(log_square(1 / (1 + v * v)))
    return total / (2 * np.pi)
