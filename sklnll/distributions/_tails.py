"""Which families can say, differentiably, how probable it is that y lies in an interval?"""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from .._numerics.special import log1mexp
from ._base import Distribution

_NARROW = 1e-5
"""Below this difference of log-probabilities, an interval counts as a point with a width."""


class TailedDistribution(Distribution):
    """A tailed family has tails in closed form, so that y may be censored; abstract."""

    @abstractmethod
    def log_cdf(self, y: Tensor, *args: Any, **params: Any) -> Tensor:
        """Return the log-probability of a value at most `y`, element by element, in torch."""

    @abstractmethod
    def log_sf(self, y: Tensor, *args: Any, **params: Any) -> Tensor:
        """Return the log-probability of a value above `y`, element by element, in torch."""

    def inner_point(self, **params: Tensor) -> Tensor:
        """Return a point amid the distribution, where both tails are moderate, as a constant."""
        names = self.places() if self.support.low == -torch.inf else self.distances()
        return params[names[0]].detach()

    def log_interval(self, low: Tensor, high: Tensor, **params: Tensor) -> Tensor:
        """Return the log-probability of a value between `low` and `high`, with low < high.

        An end at or beyond that of the support leaves its side open. No end and no gradient
        becomes infinite on the way: where a branch is not meant, it sees a harmless number.
        """
        open_low, open_high = low <= self.support.low, high >= self.support.high
        closed = ~open_low & ~open_high
        center = self.inner_point(**params)
        inner_low = torch.where(open_low, center, low)
        inner_high = torch.where(open_high, center, high)
        below_low, below_high = (self.log_cdf(end, **params) for end in (inner_low, inner_high))
        above_low, above_high = (self.log_sf(end, **params) for end in (inner_low, inner_high))
        # The difference of the smaller tails, which has the digits.
        use_sf = above_low < below_high
        larger = torch.where(use_sf, above_low, below_high)
        drop = torch.where(closed, larger - torch.where(use_sf, above_high, below_low), 1.0)
        narrow = closed & ~(drop >= _NARROW)  # or so far out that both tails underflow
        between = larger + log1mexp(-torch.where(narrow, 1.0, drop))
        middle = torch.where(closed, inner_low + (inner_high - inner_low) / 2, center)
        width = torch.where(closed, inner_high - inner_low, 1.0)
        point = self.log_prob(middle, **params) + torch.log(width)
        one_side = torch.where(open_low, below_high, above_low)
        one_side = torch.where(open_low & open_high, 0.0, one_side)
        return torch.where(closed, torch.where(narrow, point, between), one_side)


def log1mexp_of_log(log_x: Tensor) -> Tensor:
    """Return log(1 - exp(-x)) for x = exp(log_x), which may underflow or overflow."""
    tiny = log_x < -15
    # log(x) - x / 2 + x**2 / 24, of which the last term is rounding.
    x = torch.exp(log_x.clamp(max=6.6))
    return torch.where(tiny, log_x - x / 2, log1mexp(-torch.where(tiny, 1.0, x)))
