"""The negative binomial distribution by mean and dispersion, for scipy's users."""

from typing import Any

import numpy as np
import torch
from scipy import special
from torch import Tensor

from .._numerics.special import log_poisson_mass, log_ratio_deviance, stirling_error
from .._numerics.tails import Outward, beta_outward
from .discrete import CountDistribution
from .poisson import poisson

_COUNTABLE = 1e15
_LARGE = 1e9
"""From such parameters of the incomplete beta function on, scipy's loses digits."""
_DISPERSIONS = 1e-290, 1e2
"""Between these, tails are integrals of a density without a cliff."""


def log_negative_binomial_mass(y: Tensor, mean: Tensor, dispersion: Tensor) -> Tensor:
    """Add what the dispersion does to the Poisson mass at the mean that y and `mean` agree on."""
    r = 1 / dispersion
    total = r + mean
    expected = mean / total * (r + y)
    of_counts = log_poisson_mass(y, expected, r / total * (mean - y))
    of_r = r * log_ratio_deviance(r + y, total, y - mean)
    errors = stirling_error(r + y) - stirling_error(r)
    return of_counts + of_r + errors - 0.5 * torch.log1p(dispersion * y)


class _NegativeBinomial(CountDistribution):
    _log_mass = staticmethod(log_negative_binomial_mass)  # type: ignore[assignment]

    def _moments(
        self, mean: np.ndarray, dispersion: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        odds = _odds(mean, dispersion)
        root, stretch = np.sqrt(mean), np.sqrt(1 + odds)
        return mean, root * stretch, (1 / stretch + 2 * (odds / stretch)) / root

    def _tail(
        self, k: np.ndarray, upper: bool, mean: np.ndarray, dispersion: np.ndarray
    ) -> np.ndarray:
        odds, r = _odds(mean, dispersion), 1 / dispersion
        # Of an event's probability and its complement, the smaller one has all its digits.
        few, many = special.betaincc, special.betainc
        if upper:
            few, many = many, few
        is_few = odds < 1
        tail = np.zeros(k.shape)
        few(k + 1, r, odds / (1 + odds), out=tail, where=is_few)
        many(r, k + 1, 1 / (1 + odds), out=tail, where=~is_few)
        # Where dispersions vanish, scipy before 1.17 has NaN: there the law is Poisson's, whose
        # tails scipy knows of numbers that it can count.
        limit = special.gammainc if upper else special.gammaincc
        is_known = (k >= 0) & (k < _COUNTABLE) & (mean < _COUNTABLE)
        limit(k + 1, mean, out=tail, where=np.isnan(tail) & is_known)
        return tail

    def _is_large(self, k: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
        is_known = (dispersion > _DISPERSIONS[0]) & (dispersion < _DISPERSIONS[1])
        return (k + 1 / dispersion > _LARGE) & is_known

    def _outward(
        self, k: np.ndarray, upper: np.ndarray, mean: np.ndarray, dispersion: np.ndarray
    ) -> Outward:
        odds = _odds(mean, dispersion)
        event, other = odds / (1 + odds), 1 / (1 + odds)
        x, rest = np.where(upper, event, other), np.where(upper, other, event)
        slope = np.where(upper, -1, 1) * (mean - k - 1) * other
        density = self._logpmf(k + 1, mean, dispersion) + np.log(k + 1)
        return beta_outward(density, k + 1 + 1 / dispersion, x, rest, slope)

    def _rvs(
        self,
        mean: np.ndarray,
        dispersion: np.ndarray,
        size: Any = None,
        random_state: Any = None,
    ) -> np.ndarray:
        share = dispersion * random_state.standard_gamma(1 / dispersion, size)
        with np.errstate(over="ignore"):
            return poisson._rvs(mean * share, size, random_state)


negative_binomial: Any = _NegativeBinomial(name="negative_binomial", shapes="mean, dispersion")


def _odds(mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.minimum(mean * dispersion, 1e300)
