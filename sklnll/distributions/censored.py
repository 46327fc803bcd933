"""Families for a y of which only an interval is known, or only a part of the range is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from .._laws.protocols import FrozenLaw
from .._laws.truncated import TruncatedLaw
from ._compound import Compound
from ._supports import Support
from ._tails import TailedDistribution
from .links import FixedLink

__all__ = ["Censored", "Truncated"]


class TailFamily(Compound):
    """A tail family is built on a base with tails in closed form; abstract."""

    base: TailedDistribution

    def check_base(self) -> None:
        """Raise a ValueError for a base whose tails have no closed form."""
        if not isinstance(self.base, TailedDistribution):
            raise ValueError(
                f"{type(self).__name__} needs the distribution function of its base in a closed, "
                f"differentiable form, which {self.base!r} does not have. Families that have it: "
                "Normal, Laplace, Logistic, Gumbel, Exponential, LogNormal, Weibull."
            )


class Censored(TailFamily):
    """A censored family suits a y of which some rows are known as intervals only: durations that
    are still running, detection limits.

    y has two columns, the lower and the upper end of what is known. Equal ends are an exact value;
    an end that is infinite (for a positive family, a lower end of 0 too) leaves its side open:
    ``(5, inf)`` says "more than 5", ``(-inf, 0.1)`` "at most 0.1". The likelihood of a row is ::

        p(lower)                    where lower = upper
        P(lower < y <= upper)       elsewhere

    What is predicted is the distribution of y itself, as `base` does, not of the interval. Each
    row must be censored for reasons that say nothing about its y beyond the interval.

    Parameters
    ----------
    base : Distribution
        `Normal`, `Laplace`, `Logistic`, `Gumbel`, `Exponential`, `LogNormal` or `Weibull`.

    References
    ----------
    J. Kalbfleisch and R. Prentice (2002). The Statistical Analysis of Failure Time Data.
    J. Tobin (1958). Estimation of relationships for limited dependent variables.
    doi:10.2307/1907382

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll import NLLRegressor
    >>> from sklnll.distributions import Censored, Exponential
    >>> X = np.zeros((4, 1))
    >>> y = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, np.inf], [4.0, np.inf]])
    >>> net = NLLRegressor(Censored(Exponential()), hidden_layer_sizes=(), solver="lbfgs")
    >>> net.fit(X, y).predict(X[:1])  # ten years under observation, two events
    array([5.])
    """

    event_ndim = 1
    own: ClassVar = {}

    def __init__(self, base: TailedDistribution):
        self.base = base

    @property
    def support(self) -> Support:  # type: ignore[override]
        return self.base.support

    def log_prob(self, y: Tensor, **params: Tensor) -> Tensor:
        lower, upper = y.unbind(-1)
        exact = lower == upper
        # Where a branch is not meant, it sees harmless numbers: its gradient would make NaN of all.
        inside = torch.where(exact, lower, self.base.inner_point(**params))
        low = torch.where(exact, self.support.low, lower)
        high = torch.where(exact, self.support.high, upper)
        density = self.base.log_prob(inside, **params)
        return torch.where(exact, density, self.base.log_interval(low, high, **params))

    def frozen(self, **params: np.ndarray) -> FrozenLaw:
        return self.base.frozen(**params)

    def mode(self, **params: np.ndarray) -> np.ndarray:
        return self.base.mode(**params)

    def std(self, **params: np.ndarray) -> np.ndarray:
        return self.base.std(**params)

    def crps(self, y: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return self.base.crps(y, **params)

    @property
    def exact(self) -> TailedDistribution:
        return self.base

    def magnitudes(self, y: np.ndarray) -> np.ndarray:
        """Return the middles of the intervals; of half-open ones the end that is known."""
        lower, upper = y[..., 0], y[..., 1]
        lower = np.where(lower <= self.support.low, np.nan, lower)
        upper = np.where(upper >= self.support.high, np.nan, upper)
        known = np.where(np.isnan(lower), upper, lower)
        middle = lower + (upper - lower) / 2
        numbers = np.where(np.isnan(middle), known, middle)
        fill = np.nanmean(numbers) if not np.isnan(numbers).all() else 1.0
        return np.where(np.isnan(numbers), fill, numbers)

    def is_density(self, y: np.ndarray) -> np.ndarray:
        return y[..., 0] == y[..., 1]

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        return self.base.guess(self.magnitudes(y), weight, 1)

    def check_target(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> None:
        if y.ndim != 2 or y.shape[1] != 2:
            raise ValueError(
                f"{name} of {self!r} must have two columns, the lower and the upper end of what is "
                f"known of each row (equal where it is exact); got shape {y.shape}."
            )
        lower, upper = y.T
        self._refuse(np.isnan(y).any(axis=1), y, name, "must not contain NaN", "remove such rows")
        self._refuse(
            lower > upper, y, name, "must have lower <= upper", "put the lower end into column 0"
        )
        if len(y) and ((lower <= self.support.low) & (upper >= self.support.high)).all():
            raise ValueError(
                f"{name} says nothing: all rows are open on both sides for {self!r}. Give each row "
                "an end that is known, such as the time until now of what still runs."
            )
        self._refuse(
            (lower == upper) & ~self.support.contains(lower)
            | (upper <= self.support.low)
            | (lower >= self.support.high),
            y,
            name,
            f"must be {self.support.words}, or an interval that holds such values",
            self.support.advice,
        )

    def _refuse(
        self, outside: np.ndarray, y: np.ndarray, name: str, problem: str, advice: str
    ) -> None:
        """Raise a ValueError that names the first of the rows `outside`."""
        if outside.any():
            row = int(np.argmax(outside))
            raise ValueError(
                f"{name} {problem} for {self!r}; found ({y[row, 0]:g}, {y[row, 1]:g}) at row {row} "
                f"({outside.sum()} of {len(y)} rows). To mend it, {advice}."
            )


class Truncated(TailFamily):
    """A truncated family suits a y of which only values between two limits are ever seen.

    Rows outside the limits are not in the data at all (where they are, with their value unknown,
    `Censored` is right). Density between `low` and `high`, both in y's units::

        p(y) = base(y) / P(low < y < high)

    Parameters
    ----------
    base : Distribution
        `Normal`, `Laplace`, `Logistic`, `Gumbel`, `Exponential`, `LogNormal` or `Weibull`.
    low : float, default=-inf
        Lowest value that is seen.
    high : float, default=inf
        Highest value that is seen.

    References
    ----------
    T. Amemiya (1973). Regression analysis when the dependent variable is truncated normal.
    doi:10.2307/1914031
    """

    own: ClassVar = {
        "low": FixedLink("a number below `high`"),
        "high": FixedLink("a number above `low`"),
    }

    def __init__(self, base: TailedDistribution, low: float = -np.inf, high: float = np.inf):
        self.base = base
        self.low = low
        self.high = high

    @property
    def support(self) -> Support:  # type: ignore[override]
        support = self.base.support
        low, high = max(self.low, support.low), min(self.high, support.high)
        return replace(
            support,
            words=f"between {low:g} and {high:g}",
            advice="change the limits, or remove such rows",
            low=low,
            high=high,
            closed_low=support.closed_low or low > support.low,
            closed_high=high < support.high,
        )

    def check_params(self) -> None:
        super().check_params()
        if not self.low < self.high or not self.support.low < self.support.high:
            raise ValueError(
                f"low of Truncated must be below high, and some of {self.base!r} between them; got "
                f"low={self.low!r} and high={self.high!r}."
            )

    def log_prob(self, y: Tensor, low: Tensor, high: Tensor, **params: Tensor) -> Tensor:
        shape = torch.broadcast_tensors(*params.values())[0]
        seen = self.base.log_interval(low.expand_as(shape), high.expand_as(shape), **params)
        return self.base.log_prob(y, **params) - seen

    def largest_distance(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the largest of the base's parameters that are distances of y, or else 1."""
        distances = [params[name] for name in self.base.distances()]
        return reduce(np.maximum, distances or [np.ones(())])

    def frozen(self, **params: np.ndarray) -> TruncatedLaw:
        return TruncatedLaw(self, params)

    def mode(self, low: np.ndarray, high: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return np.clip(self.base.mode(**params), low, high)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        return self.base.guess(y, weight, size)
