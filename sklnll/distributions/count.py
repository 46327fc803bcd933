"""Families for a y of 0, 1, 2, ...: event counts."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import special
from torch import Tensor

from ._base import Distribution
from ._poisson import LARGE_RATE, poisson
from ._special import HALF_LOG_2PI, log_ratio_deviance, stirling_error
from ._supports import COUNTS
from .links import RATE_LINKS, Link
from .real import Normal


class Poisson(Distribution):
    """Poisson distribution, for counts of independent events.

    Support: 0, 1, 2, ... Mass::

        p(y) = rate ** y * exp(-rate) / y!

    Training accepts any y >= 0, with Gamma(y + 1) in place of y!, as scikit-learn's Poisson losses
    do. The variance equals the mean; a count whose variance is larger is over-dispersed, and its
    predicted intervals come out too narrow.

    Parameters
    ----------
    rate : None, "constant" or float, default=None
        Mean count.
    rate_link : {"log", "softplus"}, default="log"
        Maps the network's output to the rate: effects multiply, or, where the rate is large, add.

    References
    ----------
    P. McCullagh and J. Nelder (1989). Generalized Linear Models, chapter 6.
    """

    support = COUNTS
    link_choices: ClassVar = {"rate": RATE_LINKS}

    def __init__(self, rate: Any = None, rate_link: str = "log"):
        self.rate = rate
        self.rate_link = rate_link

    @property
    def parameters(self) -> Mapping[str, Link]:  # type: ignore[override]
        return {"rate": self._chosen_link("rate")}

    def log_prob(self, y: Tensor, rate: Tensor) -> Tensor:
        many = y > 16
        some = torch.where(many, 0.0, y)
        few = torch.xlogy(some, rate) - rate - torch.lgamma(some + 1)
        count = torch.where(many, y, 17.0)
        saddle = count * log_ratio_deviance(rate, count) - stirling_error(count)
        return torch.where(many, saddle - 0.5 * torch.log(count) - HALF_LOG_2PI, few)

    def exposed(self, params: dict[str, Any], exposure: Any) -> dict[str, Any]:
        return {**params, "rate": params["rate"] * exposure}

    def frozen(self, rate: np.ndarray) -> Any:
        return poisson(rate)

    def mode(self, rate: np.ndarray) -> np.ndarray:
        return np.floor(rate)

    def crps(self, y: np.ndarray, rate: np.ndarray) -> np.ndarray:
        # A. Jordan, F. Krueger and S. Lerch (2019), doi:10.18637/jss.v090.i12
        whole = np.floor(y)
        location = (y - rate) * (2 * poisson.cdf(whole, rate) - 1)
        spread = rate * (special.i0e(2 * rate) + special.i1e(2 * rate))
        score = location + 2 * rate * poisson.pmf(whole, rate) - spread
        return np.where(rate > LARGE_RATE, Normal().crps(y, rate, np.sqrt(rate)), score)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        return {"rate": np.average(y, weights=weight)}
