"""How does an unbounded network output become a legal parameter?

A link maps `raw` columns to parameter values and knows its inverse. The links are those of the
field, so that a network without hidden layers is the generalized linear model of that name.
"""

from abc import abstractmethod

import numpy as np
import torch
from scipy import special
from torch import Tensor

from ._joint_links import (
    CholeskyFactor,
    Components,
    Contrasts,
    Direction,
    JointLink,
    OrderedFromZero,
    Simplex,
    Vector,
)
from ._link import Identity, Link

__all__ = [
    "PROBABILITY_LINKS",
    "RATE_LINKS",
    "CLogLog",
    "CholeskyFactor",
    "Components",
    "Contrasts",
    "Direction",
    "FixedLink",
    "Identity",
    "JointLink",
    "Link",
    "Log",
    "Logit",
    "OrderedFromZero",
    "ProbabilityLink",
    "Probit",
    "Simplex",
    "Softplus",
    "Vector",
    "capped_log",
    "cholesky_factor",
    "concentrated",
    "degrees_of_freedom",
    "direction",
    "dispersion",
    "identity",
    "log",
    "logit",
    "number_of_trials",
    "ordered_from_zero",
    "positive",
    "simplex",
    "vector",
]


_NEAR_END = 1e-8
"""Distance from the end of a range at which a parameter has run there: beyond floats' roots."""


class FixedLink(Identity):
    """The parameter is a number that the user knows; it is never learned.

    Parameters
    ----------
    domain : str
        Ends the sentence "the parameter must be ...".
    low, high : float
        Smallest and largest legal number.
    whole : bool, default=False
        Whether it must be a whole number.
    """

    learnable = False

    def __init__(
        self, domain: str, low: float = -np.inf, high: float = np.inf, whole: bool = False
    ):
        self.domain = domain
        self.low = low
        self.high = high
        self.whole = whole

    def contains(self, value: float) -> bool:
        return self.low <= value <= self.high and (value.is_integer() or not self.whole)


class Softplus(Link):
    """The parameter is floor + log(1 + exp(raw)), linear far above so that no step explodes.

    Parameters
    ----------
    floor : float
        Smallest value, in training's units of y. A likelihood without a floor is unbounded: it
        grows for ever as the scale shrinks around a row that is fitted exactly.
    start_range : (float, float), optional
        Lowest and highest value that training starts at.
    """

    domain = "positive"
    writes_slopes = True

    def __init__(self, floor: float, start_range: tuple[float, float] | None = None):
        self.floor = floor
        self.start_range = start_range
        self.interior = (1.01 * floor, np.inf)

    def __call__(self, raw: Tensor) -> Tensor:
        return self.floor + torch.nn.functional.softplus(raw)

    def value_and_slope(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        small = np.exp(-np.abs(raw))
        value = self.floor + np.maximum(raw, 0) + np.log1p(small)
        return value, np.where(raw >= 0, 1.0, small) / (1 + small)

    def inverse(self, value: np.ndarray) -> np.ndarray:
        # Far below the floor the gradient of softplus vanishes and no training could come back.
        excess = np.maximum(value - self.floor, 1e-6)
        return excess + np.log(-np.expm1(-excess))

    def contains(self, value: float) -> bool:
        return 0 < value < np.inf


class Log(Link):
    """The logarithm of (parameter - floor) is raw, clamped so that neither the parameter nor its
    inverse square overflows.

    Parameters
    ----------
    floor : float, default=0
        Smallest value.
    start_range : (float, float), optional
        Lowest and highest value that training starts at.
    cap : float, default=inf
        Largest value, approached smoothly: 1 / parameter = 1 / exp(raw) + 1 / cap. It keeps the
        likelihood bounded where a large parameter means a narrow density.
    """

    domain = "positive"
    activation = "exp"
    writes_slopes = True

    def __init__(
        self,
        floor: float = 0.0,
        cap: float = np.inf,
        start_range: tuple[float, float] | None = None,
    ):
        self.floor = floor
        self.cap = cap
        self.start_range = start_range
        self.interior = (floor + _NEAR_END, min(1 / _NEAR_END, cap / 2))

    def __call__(self, raw: Tensor) -> Tensor:
        bound = self._bound(torch.finfo(raw.dtype).max)
        value = torch.exp(raw.clamp(-bound / 2, bound))
        if self.cap < np.inf:
            value = 1 / (1 / value + 1 / self.cap)
        return self.floor + value if self.floor else value

    def value_and_slope(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        bound = self._bound(np.finfo(raw.dtype).max)
        clamped = np.clip(raw, -bound / 2, bound)
        value = 1 / (np.exp(-clamped) + 1 / self.cap)
        return self.floor + value, value * (1 - value / self.cap) * (raw == clamped)

    @staticmethod
    def _bound(largest: float) -> float:
        return 0.98 * float(np.log(largest))

    def inverse(self, value: np.ndarray) -> np.ndarray:
        value = np.clip(value - self.floor, 1e-300, 0.99 * self.cap)
        return np.log(value) - np.log1p(-value / self.cap)

    def contains(self, value: float) -> bool:
        return 0 < value < np.inf


class ProbabilityLink(Link):
    """A probability link maps onto (0, 1), kept off 0 and 1 by rounding's width; abstract.

    Parameters
    ----------
    start_range : (float, float), optional
        Lowest and highest value that training starts at.
    """

    domain = "strictly between 0 and 1"
    interior = (_NEAR_END, 1 - _NEAR_END)

    def __init__(self, start_range: tuple[float, float] | None = None):
        self.start_range = start_range

    def __call__(self, raw: Tensor) -> Tensor:
        finfo = torch.finfo(raw.dtype)
        return self._squash(raw).clamp(finfo.tiny, 1 - finfo.eps)

    def inverse(self, value: np.ndarray) -> np.ndarray:
        return self._stretch(np.clip(value, 1e-300, 1 - 1e-15))

    def contains(self, value: float) -> bool:
        return 0 < value < 1

    @abstractmethod
    def _squash(self, raw: Tensor) -> Tensor:
        """Map raw outputs to probabilities."""

    @abstractmethod
    def _stretch(self, value: np.ndarray) -> np.ndarray:
        """Map probabilities to raw outputs."""


class Logit(ProbabilityLink):
    """The log-odds are raw: log(parameter / (1 - parameter)) = raw."""

    activation = "logistic"

    def _squash(self, raw: Tensor) -> Tensor:
        return torch.sigmoid(raw)

    def _stretch(self, value: np.ndarray) -> np.ndarray:
        return np.log(value) - np.log1p(-value)


class Probit(ProbabilityLink):
    """The standard normal's quantile of the parameter is raw."""

    activation = "inverse_probit"

    def _squash(self, raw: Tensor) -> Tensor:
        # Not torch's ndtr, which has no digits in the lower tail.
        return torch.exp(torch.special.log_ndtr(raw.clamp(-37, 37)))

    def _stretch(self, value: np.ndarray) -> np.ndarray:
        return special.ndtri(value)


class CLogLog(ProbabilityLink):
    """The complementary log-log is raw: log(-log(1 - parameter)) = raw."""

    activation = "inverse_cloglog"

    def _squash(self, raw: Tensor) -> Tensor:
        return -torch.expm1(-torch.exp(raw.clamp(max=50)))

    def _stretch(self, value: np.ndarray) -> np.ndarray:
        return np.log(-np.log1p(-value))


identity = Identity()
vector = Vector()
positive = Softplus(floor=1e-4)
log = Log()
ordered_from_zero = OrderedFromZero(gap=log)
capped_log = Log(cap=1e8)
degrees_of_freedom = Log(floor=1.0, start_range=(1.0, 30.0))
dispersion = Log(start_range=(0.05, 1e3))
logit = Logit()
simplex = Simplex()
cholesky_factor = CholeskyFactor(diagonal=positive)
number_of_trials = FixedLink("a whole number from 1 to 2**53", low=1, high=2.0**53, whole=True)
direction = Direction()
concentrated = Log(cap=1e10, start_range=(0.1, 1e10))


PROBABILITY_LINKS: dict[str, Link] = {"logit": logit, "probit": Probit(), "cloglog": CLogLog()}
"""These are the links of a probability that the field uses, by name."""

RATE_LINKS: dict[str, Link] = {"log": log, "softplus": Softplus(floor=1e-9)}
"""These are the links of a mean count: effects multiply, or, where it is large, add."""
