"""The binomial distribution for scipy's users, mended where its parameters are extreme."""

from typing import Any

import numpy as np
import torch
from scipy import special
from torch import Tensor

from .._numerics.special import log_poisson_mass
from .._numerics.tails import Outward, beta_outward
from .discrete import CountDistribution

_LARGE = 1e9
"""From so many trials on, scipy's tails lose digits."""


def log_binomial_mass(y: Tensor, trials: Tensor, p: Tensor) -> Tensor:
    """Return the log-mass of one of two Poisson counts with `trials` in sum; -inf beyond."""
    rest = (trials - y).clamp(min=0)
    difference = torch.where(p < 0.5, trials * p - y, rest - trials * (1 - p))
    log_p = (
        log_poisson_mass(y, trials * p, difference)
        + log_poisson_mass(rest, trials * (1 - p), -difference)
        - log_poisson_mass(trials, trials)
    )
    return torch.where(y > trials, -torch.inf, log_p)


class _Binomial(CountDistribution):
    _log_mass = staticmethod(log_binomial_mass)  # type: ignore[assignment]

    def _argcheck(self, trials: np.ndarray, p: np.ndarray) -> np.ndarray:
        return (trials >= 0) & (trials == np.floor(trials)) & (p >= 0) & (p <= 1)

    def _get_support(self, trials: np.ndarray, p: np.ndarray) -> tuple[Any, Any]:
        return self.a, trials

    def _moments(
        self, trials: np.ndarray, p: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        std = np.sqrt(trials * p) * np.sqrt(1 - p)
        with np.errstate(divide="ignore", invalid="ignore"):
            return trials * p, std, (1 - 2 * p) / std

    def _tail(self, k: np.ndarray, upper: bool, trials: np.ndarray, p: np.ndarray) -> np.ndarray:
        rest = trials - k
        inside = special.betainc if upper else special.betaincc
        return np.where(rest > 0, inside(k + 1, np.maximum(rest, 1), p), 0.0 if upper else 1.0)

    def _is_large(self, k: np.ndarray, trials: np.ndarray, p: np.ndarray) -> np.ndarray:
        return trials > _LARGE

    def _outward(
        self, k: np.ndarray, upper: np.ndarray, trials: np.ndarray, p: np.ndarray
    ) -> Outward:
        q = 1 - p
        mass = self._logpmf(k + 1, trials, p)
        x, rest = np.where(upper, p, q), np.where(upper, q, p)
        slope = np.where(upper, -1, 1) * (trials * p - k - q)
        return beta_outward(mass + np.log(k + 1) + np.log(q), trials + 1, x, rest, slope)

    def _entropy(self, *shapes: Any) -> float:
        trials, p = shapes
        return super()._entropy(trials, min(p, 1 - p))

    def _rvs(
        self, trials: np.ndarray, p: np.ndarray, size: Any = None, random_state: Any = None
    ) -> np.ndarray:
        return random_state.binomial(trials.astype(np.int64), p, size).astype(float)


binomial: Any = _Binomial(name="binomial", shapes="trials, p")
