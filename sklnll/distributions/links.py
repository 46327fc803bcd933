"""How does an unbounded network output become a legal parameter?

A link maps `raw` columns to parameter values and knows its inverse. The links are those of the
field, so that a network without hidden layers is the generalized linear model of that name.
"""

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from scipy import special
from torch import Tensor
from torch.autograd.function import once_differentiable

from ._slopes import check_declared_slopes


class Link(ABC):
    """A differentiable map from raw outputs onto the domain of a parameter."""

    domain: str
    """Ends the sentence "the parameter must be ..."."""

    together = False
    """Whether the columns are mapped together (the last axis is theirs), or each on its own."""

    event_ndim = 0
    """Axes of one value of the parameter: 0 for a number, 1 for a vector, 2 for a matrix."""

    learnable = True
    """Whether the parameter may be predicted or constant, or is always given as a number."""

    scale_free = False
    """Whether the parameter depends on the ratio of its columns alone. The penalty then holds their
    biases to the start: weights that shrink along with the biases would escape it."""

    start_range: tuple[float, float] | None = None
    """Lowest and highest value that training starts at. Where other values hardly change the
    density, neither does raw, and training would not come back from there."""

    writes_slopes = False
    """Whether `value_and_slope` gives the slope of ``__call__``. A subclass that replaces
    ``__call__`` alone does not inherit it."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_declared_slopes(cls, "__call__", "value_and_slope")

    @property
    def activation(self) -> str:
        """Name of the map from raw outputs to the parameter."""
        return type(self).__name__.lower()

    def width(self, size: int) -> int:
        """Raw columns per parameter, for a y of `size` components or classes."""
        return size if self.together else 1

    @abstractmethod
    def __call__(self, raw: Tensor) -> Tensor:
        """Map raw outputs to the parameter."""

    def value_and_slope(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray | float]:
        """The parameter and its derivative by `raw`, in numpy; see `Distribution.value_and_slopes`.

        Links that do not declare `writes_slopes` leave it to automatic differentiation.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement value_and_slope")

    @abstractmethod
    def inverse(self, value: np.ndarray) -> np.ndarray:
        """Raw outputs of these parameter values, moved inside the reachable range if need be."""

    @abstractmethod
    def contains(self, value: float) -> bool:
        """Whether the parameter may be fixed to this number."""


class Identity(Link):
    """parameter = raw."""

    domain = "a finite number"
    activation = "identity"
    writes_slopes = True

    def __call__(self, raw: Tensor) -> Tensor:
        return raw

    def value_and_slope(self, raw: np.ndarray) -> tuple[np.ndarray, float]:
        return raw, 1.0

    def inverse(self, value: np.ndarray) -> np.ndarray:
        return value

    def contains(self, value: float) -> bool:
        return bool(np.isfinite(value))


class JointLink(Link):
    """A link onto vectors or matrices, which no number can fix; abstract."""

    domain = "predicted or 'constant', because it is a vector"
    together = True
    event_ndim = 1

    def contains(self, value: float) -> bool:
        return False


class Vector(JointLink, Identity):
    """As many raw columns as y has components or classes, passed on together."""


class Simplex(JointLink):
    """parameter = softmax(raw): positive shares that sum to one, kept off 0 by rounding's width."""

    activation = "softmax"

    def __call__(self, raw: Tensor) -> Tensor:
        return torch.softmax(raw, dim=-1).clamp(min=torch.finfo(raw.dtype).tiny)

    def inverse(self, value: np.ndarray) -> np.ndarray:
        log_share = np.log(np.maximum(value, 1e-300))
        return log_share - log_share.mean(axis=-1, keepdims=True)


class CholeskyFactor(JointLink):
    """A lower triangular matrix, row by row; its diagonal has the link `diagonal`, the rest none.

    Parameters
    ----------
    diagonal : Link
        Onto positive numbers, with a floor that keeps the likelihood bounded.
    """

    domain = "predicted or 'constant', because it is a matrix"
    event_ndim = 2

    def __init__(self, diagonal: Link):
        self.diagonal = diagonal

    def width(self, size: int) -> int:
        return size * (size + 1) // 2

    def __call__(self, raw: Tensor) -> Tensor:
        size = math.isqrt(2 * raw.shape[-1])
        row, column = torch.tril_indices(size, size, device=raw.device)
        matrix = raw.new_zeros(*raw.shape[:-1], size, size)
        matrix[..., row, column] = torch.where(row == column, self.diagonal(raw), raw)
        return matrix

    def inverse(self, value: np.ndarray) -> np.ndarray:
        row, column = np.tril_indices(value.shape[-1])
        entries = value[..., row, column]
        raw = entries.copy()
        raw[..., row == column] = self.diagonal.inverse(entries[..., row == column])
        return raw


class FixedLink(Identity):
    """A number that the user knows; it is never learned.

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


class Components(Link):
    """A value for each component of a mixture, or member of an ensemble, by the same link.

    Parameters
    ----------
    link : Link
        That of one component.
    n_components : int
    """

    together = True

    def __init__(self, link: Link, n_components: int):
        self.link = link
        self.event_ndim = link.event_ndim + 1
        self.n_components = n_components
        self.domain = link.domain
        self.learnable = link.learnable
        self.start_range = link.start_range

    @property
    def activation(self) -> str:
        return self.link.activation

    def width(self, size: int) -> int:
        return self.n_components

    def __call__(self, raw: Tensor) -> Tensor:
        return self.link(raw)

    def inverse(self, value: np.ndarray) -> np.ndarray:
        return self.link.inverse(value)

    def contains(self, value: float) -> bool:
        return self.link.contains(value)


class Contrasts(Components):
    """Numbers of which only the differences count: their sum is 0.

    Without that, no search could say where it ends.

    Parameters
    ----------
    n_components : int
    """

    def __init__(self, n_components: int):
        super().__init__(identity, n_components)

    def __call__(self, raw: Tensor) -> Tensor:
        return raw - raw.mean(dim=-1, keepdim=True)


class Softplus(Link):
    """parameter = floor + log(1 + exp(raw)): linear far above the floor, so that no step explodes.

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
    """log(parameter - floor) = raw, clamped so that neither it nor its inverse square overflows.

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
    """A link onto (0, 1), kept off 0 and 1 by rounding's width; abstract.

    Parameters
    ----------
    start_range : (float, float), optional
        Lowest and highest value that training starts at.
    """

    domain = "strictly between 0 and 1"

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
        """From raw outputs to probabilities."""

    @abstractmethod
    def _stretch(self, value: np.ndarray) -> np.ndarray:
        """From probabilities to raw outputs."""


class Logit(ProbabilityLink):
    """log(parameter / (1 - parameter)) = raw."""

    activation = "logistic"

    def _squash(self, raw: Tensor) -> Tensor:
        return torch.sigmoid(raw)

    def _stretch(self, value: np.ndarray) -> np.ndarray:
        return np.log(value) - np.log1p(-value)


class Probit(ProbabilityLink):
    """The standard normal's quantile of the parameter = raw."""

    activation = "inverse_probit"

    def _squash(self, raw: Tensor) -> Tensor:
        # Not torch's ndtr, which has no digits in the lower tail.
        return torch.exp(torch.special.log_ndtr(raw.clamp(-37, 37)))

    def _stretch(self, value: np.ndarray) -> np.ndarray:
        return special.ndtri(value)


class CLogLog(ProbabilityLink):
    """log(-log(1 - parameter)) = raw, the complementary log-log link."""

    activation = "inverse_cloglog"

    def _squash(self, raw: Tensor) -> Tensor:
        return -torch.expm1(-torch.exp(raw.clamp(max=50)))

    def _stretch(self, value: np.ndarray) -> np.ndarray:
        return np.log(-np.log1p(-value))


class OrderedFromZero(JointLink):
    """Increasing numbers, the first of which is 0; a raw column for each gap between neighbors.

    Parameters
    ----------
    gap : Link
        From a raw column to a positive gap.
    """

    def __init__(self, gap: Link):
        self.gap = gap

    def width(self, size: int) -> int:
        return size - 2

    def __call__(self, raw: Tensor) -> Tensor:
        zero = raw.new_zeros((*raw.shape[:-1], 1))
        return torch.cat([zero, self.gap(raw).cumsum(dim=-1)], dim=-1)

    def inverse(self, value: np.ndarray) -> np.ndarray:
        return self.gap.inverse(np.diff(value))


class _Angle(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, raw: Tensor) -> Tensor:
        ctx.save_for_backward(raw)
        return torch.atan2(raw[..., 1], raw[..., 0])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (raw,) = ctx.saved_tensors
        cosine, sine = raw.unbind(-1)
        length = torch.hypot(cosine, sine).clamp(min=_NO_DIRECTION)
        across = torch.stack([-sine / length, cosine / length], dim=-1)
        return across * (gradient / length).unsqueeze(-1)


_NO_DIRECTION = 1e-3
"""So near to the origin raw outputs point nowhere: there the gradient is bounded, lest one such
row outweighs all others."""


class Direction(Link):
    """The angle of two raw outputs, parameter = atan2(raw[1], raw[0]).

    No jump: directions that are close have raw outputs that are close, also across -pi = pi.
    """

    domain = "a finite number"
    activation = "atan2"
    together = True
    scale_free = True

    def width(self, size: int) -> int:
        return 2

    def __call__(self, raw: Tensor) -> Tensor:
        return _Angle.apply(raw)

    def inverse(self, value: np.ndarray) -> np.ndarray:
        return np.stack([np.cos(value), np.sin(value)], axis=-1)

    def contains(self, value: float) -> bool:
        return bool(np.isfinite(value))


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
"""The links of a probability that the field uses, by name."""

RATE_LINKS: dict[str, Link] = {"log": log, "softplus": Softplus(floor=1e-9)}
"""The links of a mean count: effects multiply, or, where it is large, add."""
