"""Families for a y strictly between 0 and 1: proportions."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import special
from torch import Tensor

from .._laws.beta import LEAST_PARAMETER, FrozenBeta
from .._laws.protocols import FrozenLaw
from .._numerics.special import log_beta_weight
from ._base import Distribution
from ._supports import UNIT_INTERVAL
from .links import PROBABILITY_LINKS, Link, capped_log

__all__ = ["Beta"]


class Beta(Distribution):
    """The beta distribution, by mean and precision, suits proportions strictly between 0 and 1.

    Support: 0 < y < 1. Density, with a = mean * precision and b = (1 - mean) * precision::

        p(y) = y ** (a - 1) * (1 - y) ** (b - 1) / B(a, b)

    The variance is mean * (1 - mean) / (1 + precision).

    Parameters
    ----------
    mean : None, "constant" or float, default=None
        By `mean_link`.
    precision : None, "constant" or float, default=None
        a + b of the usual parameters. Log link; a learned precision stays below 1e8, so that the
        likelihood of equal y is bounded.
    mean_link : {"logit", "probit", "cloglog"}, default="logit"
        Maps the network's output to the mean.

    References
    ----------
    S. Ferrari and F. Cribari-Neto (2004). Beta regression for modelling rates and proportions.
    doi:10.1080/0266476042000214501
    """

    support = UNIT_INTERVAL
    link_choices: ClassVar = {"mean": PROBABILITY_LINKS}

    def __init__(self, mean: Any = None, precision: Any = None, mean_link: str = "logit"):
        self.mean = mean
        self.precision = precision
        self.mean_link = mean_link

    @property
    def parameters(self) -> Mapping[str, Link]:  # type: ignore[override]
        return {"mean": self._chosen_link("mean"), "precision": capped_log}

    width_parameter = "precision"

    def squared_width(self, params: Mapping[str, Tensor]) -> Tensor:
        return 1 / (1 + params["precision"])

    def log_prob(self, y: Tensor, mean: Tensor, precision: Tensor) -> Tensor:
        over_log_odds = log_beta_weight(y, 1 - y, mean, 1 - mean, precision)
        return over_log_odds - torch.log(y) - torch.log1p(-y)

    def frozen(self, mean: np.ndarray, precision: np.ndarray) -> FrozenLaw:
        return FrozenBeta(mean, precision)

    def mode(self, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        """Return where the density is largest: at an end, 0 in doubt, where it has no bound."""
        a, b = mean * precision, (1 - mean) * precision
        inner = (a - 1) / np.where(precision > 2, precision - 2, 1.0)
        end = np.where((a == 1) & (b == 1), 0.5, np.where(a <= b, 0.0, 1.0))
        return np.where((a > 1) & (b > 1), inner, end)

    def crps(self, y: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        # A. Jordan, F. Krueger and S. Lerch (2019), doi:10.18637/jss.v090.i12
        a = np.maximum(mean * precision, LEAST_PARAMETER)
        b = np.maximum((1 - mean) * precision, LEAST_PARAMETER)
        inside = np.clip(y, 0, 1)
        below, below_next = special.betainc(a, b, inside), special.betainc(a + 1, b, inside)
        return y * (2 * below - 1) + mean * (1 - 2 * below_next - _spread(a, b, mean))

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        mean = np.average(y, weights=weight)
        variance = np.average((y - mean) ** 2, weights=weight)
        precision = mean * (1 - mean) / max(variance, 1e-12) - 1
        return {"mean": mean, "precision": max(precision, 0.1)}


def _spread(a: np.ndarray, b: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return half of the mean distance of two independent draws, in units of the mean."""
    closed = 2 / a * np.exp(special.betaln(2 * a, 2 * b) - 2 * special.betaln(a, b))
    # Where a is next to nothing, without a division by it: z Gamma(z) is Gamma(1 + z).
    ratios = special.gammaln(1 + 2 * a) + special.gammaln(1 + 2 * b)
    ratios = ratios - special.gammaln(1 + 2 * (a + b)) + 2 * special.gammaln(1 + a + b)
    ratios = ratios - 2 * special.gammaln(1 + a) - 2 * special.gammaln(1 + b)
    return np.where(
        (a + b < 1) | (np.minimum(a, b) <= LEAST_PARAMETER), (1 - mean) * np.exp(ratios), closed
    )
