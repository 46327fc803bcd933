"""Families for a y that is often 0 (or 1): counts and amounts with many zeros, proportions."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from .._laws.atoms import CountWithAtoms, DensityWithAtoms, LawWithAtoms
from .._numerics.special import log1mexp, log_with_extra
from ._base import Distribution
from ._compound import Compound
from ._supports import NON_NEGATIVE, Support
from .count import NegativeBinomial, Poisson
from .links import Link, Logit
from .positive import Gamma
from .unit import Beta

__all__ = [
    "Hurdle",
    "ZeroInflated",
    "ZeroOneInflated",
    "hurdle_negative_binomial",
    "hurdle_poisson",
    "zero_adjusted_gamma",
    "zero_inflated_negative_binomial",
    "zero_inflated_poisson",
    "zero_one_inflated_beta",
]

_share = Logit(start_range=(1e-8, 1 - 1e-8))
"""This is the link of the share of rows that are seen to be at the end."""

_excess = Logit(start_range=(1e-3, 1 - 1e-3))
"""This is the link of the share of rows at the end beyond what the base explains: without x there
may be none."""


class _Inflated(Compound):
    """An inflated family gives a base extra probability at the ends of its range; abstract."""

    base_domain: ClassVar[str]
    """It ends the sentence "base must be ..."."""

    @abstractmethod
    def suits(self, support: Support) -> bool:
        """Say whether a base of this support is meant."""

    def check_base(self) -> None:
        clash = self.own.keys() & self.base.parameters.keys()
        if self.base.event_ndim or clash or not self.suits(self.base.support):
            raise ValueError(
                f"base of {type(self).__name__} must be {self.base_domain}; got {self.base!r}."
            )

    def std(self, *args: Any, **params: Any) -> np.ndarray:
        if isinstance(self.base, Compound):  # whose limits move with y's units, too
            return self.frozen(*args, **params).std()
        return super().std(*args, **params)

    @abstractmethod
    def frozen(self, *args: Any, **params: Any) -> LawWithAtoms:
        """Return a law with the methods of scipy's frozen distributions."""

    def crps(self, y: np.ndarray, *args: Any, **params: Any) -> np.ndarray:
        of_base = self.of_base(params)
        return self.frozen(**params).crps(
            y, lambda value: self.base.crps(np.asarray(value), **of_base)
        )


def _mode_of_counts(law: CountWithAtoms, mode_of_base: np.ndarray) -> np.ndarray:
    """Return zero, or the most probable count above it."""
    mode = np.maximum(mode_of_base, 1)
    return np.where(law.logpmf(0) >= law.logpmf(mode), 0.0, mode)


def _log_prob_of_counts(y: Tensor, log_zero: Tensor, log_above: Tensor) -> Tensor:
    """Return the log-mass of counts from those of zero and above; linear between 0 and 1.

    Training accepts y between the whole numbers; a formula for y >= 1 may be unbounded there.
    """
    share_of_zero = (1 - y).clamp(0, 1)
    return share_of_zero * log_zero + (1 - share_of_zero) * log_above


class ZeroInflated(_Inflated):
    """A zero-inflated family suits counts, or positive amounts, with extra zeros.

    With probability `inflation` y is 0, else it has the distribution of `base`.

    For counts, ``ZeroInflated(Poisson())``: zeros come from two sources, those who never have an
    event and those who happened to have none. Mass, with that of the base p_base::

        p(0) = inflation + (1 - inflation) * p_base(0)
        p(y) = (1 - inflation) * p_base(y)    for y = 1, 2, ...

    For positive amounts, ``ZeroInflated(Gamma())``, also called zero-adjusted: rain, insurance
    claims, purchases, of which many are exactly 0. Support: y >= 0. Probability of 0, and density
    of the rest::

        p(0) = inflation
        p(y) = (1 - inflation) * p_base(y)    for y > 0

    `Hurdle` suits counts whose zeros have one source, and may also be fewer than the base's. The
    `mode` of amounts is 0 where that has the larger half of the probability, else the base's.

    Parameters
    ----------
    base : Distribution
        A family of counts, or a continuous one on positive numbers, such as ``Poisson()``,
        ``Gamma()``, ``LogNormal()``, or on (0, 1), ``Beta()``.
    inflation : None, "constant" or float, default=None
        Probability of an extra zero. Logit link.

    References
    ----------
    D. Lambert (1992). Zero-inflated Poisson regression, with an application to defects in
    manufacturing. doi:10.2307/1269547

    G. Heller, M. Stasinopoulos and B. Rigby (2006). The zero-adjusted inverse Gaussian distribution
    as a model for insurance claims.
    """

    base_domain = "a family of counts or of positive numbers, such as Poisson() or Gamma()"

    def __init__(self, base: Distribution, inflation: Any = None):
        self.base = base
        self.inflation = inflation

    @property
    def own(self) -> Mapping[str, Link]:  # type: ignore[override]
        return {"inflation": _excess if self.base.support.discrete else _share}

    @property
    def support(self) -> Support:  # type: ignore[override]
        support = self.base.support
        if support.discrete:
            return support
        words = support.words if support.closed_low else f"0 or {support.words}"
        return replace(
            support,
            words=words,
            advice=NON_NEGATIVE.advice,
            closed_low=True,
            atoms=(0.0,),
            units="ratio" if support.units == "affine" else support.units,  # 0 must stay 0
        )

    def suits(self, support: Support) -> bool:
        return support.low == 0 and not support.atoms

    def log_prob(self, y: Tensor, inflation: Tensor, **params: Tensor) -> Tensor:
        log_rest = torch.log1p(-inflation)
        if self.support.discrete:
            log_zero = log_with_extra(inflation, self.base.log_prob(y.new_zeros(()), **params))
            log_above = log_rest + self.base.log_prob(y.clamp(min=1), **params)
            return _log_prob_of_counts(y, log_zero, log_above)
        is_zero = y == 0
        density = log_rest + self.base.log_prob(torch.where(is_zero, 0.5, y), **params)
        return torch.where(is_zero, torch.log(inflation), density)

    def frozen(self, inflation: np.ndarray, **params: Any) -> LawWithAtoms:
        base, rest = self.base.frozen(**params), 1 - inflation
        kind = CountWithAtoms if self.support.discrete else DensityWithAtoms
        return kind(base, weight=rest, extra=inflation, zero=inflation + rest * base.cdf(0))

    def mode(self, inflation: np.ndarray, **params: Any) -> np.ndarray:
        law, mode = self.frozen(inflation, **params), self.base.mode(**params)
        if isinstance(law, CountWithAtoms):
            return _mode_of_counts(law, mode)
        return np.where(inflation > 0.5, 0.0, mode)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        zero = y == 0
        share = np.average(zero, weights=weight)
        if not self.support.discrete:
            return {"inflation": share, **_guess_where(~zero, self.base, y, weight, size)}
        # Half of the zeros are taken for extra ones, the other half for the base's.
        of_base = self.base.guess(y, np.where(zero, weight / 2, weight), size)
        return {"inflation": np.clip(share / 2, 1e-3, 1), **of_base}


class Hurdle(_Inflated):
    """A hurdle family suits counts whose zeros are a matter of their own.

    With probability `inflation` y is 0, else it has the distribution of `base` given that it is
    positive: whether something happens, and then how often. Mass, with that of the base p_base::

        p(0) = inflation
        p(y) = (1 - inflation) * p_base(y) / (1 - p_base(0))    for y = 1, 2, ...

    Unlike in `ZeroInflated`, zeros may also be fewer than the base's.

    Parameters
    ----------
    base : Distribution
        A family of counts, such as ``Poisson()``.
    inflation : None, "constant" or float, default=None
        Probability of zero. Logit link.

    References
    ----------
    J. Mullahy (1986). Specification and testing of some modified count data models.
    doi:10.1016/0304-4076(86)90002-3
    """

    own: ClassVar = {"inflation": _share}
    base_domain = "a family of counts, such as Poisson()"

    def __init__(self, base: Distribution, inflation: Any = None):
        self.base = base
        self.inflation = inflation

    @property
    def support(self) -> Support:  # type: ignore[override]
        return self.base.support

    def suits(self, support: Support) -> bool:
        return support.low == 0 and support.discrete

    def log_prob(self, y: Tensor, inflation: Tensor, **params: Tensor) -> Tensor:
        log_base_above = log1mexp(self.base.log_prob(y.new_zeros(()), **params))
        log_mass = self.base.log_prob(y.clamp(min=1), **params) - log_base_above
        return _log_prob_of_counts(y, torch.log(inflation), torch.log1p(-inflation) + log_mass)

    def frozen(self, inflation: np.ndarray, **params: Any) -> CountWithAtoms:
        base = self.base.frozen(**params)
        base_zero, base_above = base.cdf(0), base.sf(0)
        return CountWithAtoms(
            base,
            weight=(1 - inflation) / base_above,
            extra=(inflation - base_zero) / base_above,
            zero=inflation,
        )

    def mode(self, inflation: np.ndarray, **params: Any) -> np.ndarray:
        return _mode_of_counts(self.frozen(inflation, **params), self.base.mode(**params))

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        share = np.average(y == 0, weights=weight)
        return {"inflation": share, **_guess_where(y > 0, self.base, y, weight, size)}


class ZeroOneInflated(_Inflated):
    """A zero-one-inflated family suits proportions that are sometimes exactly 0 or 1.

    With probability `inflation` y is an end, 1 with probability `share_of_ones` and else 0; the
    rest has the distribution of `base`. Support: 0 <= y <= 1. Probabilities, and density of the
    rest::

        p(0) = inflation * (1 - share_of_ones)
        p(1) = inflation * share_of_ones
        p(y) = (1 - inflation) * p_base(y)    for 0 < y < 1

    Where 1 never occurs, ``ZeroInflated(Beta())`` does with a parameter less. The `mode` is an end
    that has the larger half of the probability, else the base's.

    Parameters
    ----------
    base : Distribution
        A continuous family on (0, 1), such as ``Beta()``.
    inflation : None, "constant" or float, default=None
        Probability of an end. Logit link.
    share_of_ones : None, "constant" or float, default=None
        Probability of 1 among the ends. Logit link.

    References
    ----------
    R. Ospina and S. Ferrari (2010). Inflated beta distributions. doi:10.1007/s00362-008-0125-4
    """

    own: ClassVar = {"inflation": _share, "share_of_ones": _share}
    base_domain = "a continuous family on (0, 1), such as Beta()"

    def __init__(self, base: Distribution, inflation: Any = None, share_of_ones: Any = None):
        self.base = base
        self.inflation = inflation
        self.share_of_ones = share_of_ones

    @property
    def support(self) -> Support:  # type: ignore[override]
        return replace(
            self.base.support,
            words="between 0 and 1",
            advice="use distribution='normal', or divide y by its largest possible value",
            closed_low=True,
            closed_high=True,
            atoms=(0.0, 1.0),
            units="none",
        )

    def suits(self, support: Support) -> bool:
        is_inside = support.low == 0 and support.high == 1
        return is_inside and not support.discrete and not support.atoms

    def log_prob(
        self, y: Tensor, inflation: Tensor, share_of_ones: Tensor, **params: Tensor
    ) -> Tensor:
        is_zero, is_one = y == 0, y == 1
        share = torch.where(is_one, torch.log(share_of_ones), torch.log1p(-share_of_ones))
        is_end = is_zero | is_one
        density = self.base.log_prob(torch.where(is_end, 0.5, y), **params)
        return torch.where(is_end, torch.log(inflation) + share, torch.log1p(-inflation) + density)

    def frozen(
        self, inflation: np.ndarray, share_of_ones: np.ndarray, **params: Any
    ) -> DensityWithAtoms:
        zero = inflation * (1 - share_of_ones)
        return DensityWithAtoms(
            self.base.frozen(**params),
            weight=1 - inflation,
            extra=zero,
            zero=zero,
            one=inflation * share_of_ones,
        )

    def mode(self, inflation: np.ndarray, share_of_ones: np.ndarray, **params: Any) -> np.ndarray:
        is_zero = inflation * (1 - share_of_ones) > 0.5
        is_one = inflation * share_of_ones > 0.5
        return np.where(is_zero, 0.0, np.where(is_one, 1.0, self.base.mode(**params)))

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        is_end = (y == 0) | (y == 1)
        at_ends = weight * is_end
        ones = np.average(y, weights=at_ends) if at_ends.any() else 0.5
        return {
            "inflation": np.average(is_end, weights=weight),
            "share_of_ones": ones,
            **_guess_where(~is_end, self.base, y, weight, size),
        }


def _guess_where(
    rows: np.ndarray, base: Distribution, y: np.ndarray, weight: np.ndarray, size: int
) -> dict[str, Any]:
    """Return the base's guess for some rows; none where there are none."""
    return base.guess(y[rows], weight[rows], size) if weight[rows].any() else {}


def zero_inflated_poisson() -> ZeroInflated:
    """Return the family for counts of which some are zero for a reason of their own."""
    return ZeroInflated(Poisson())


def zero_inflated_negative_binomial() -> ZeroInflated:
    """Return the family for over-dispersed counts of which some are zero for another reason."""
    return ZeroInflated(NegativeBinomial())


def hurdle_poisson() -> Hurdle:
    """Return the family for counts whose zeros, be they many or few, are a matter of their own."""
    return Hurdle(Poisson())


def hurdle_negative_binomial() -> Hurdle:
    """Return the family for over-dispersed counts whose zeros are a matter of their own."""
    return Hurdle(NegativeBinomial())


def zero_adjusted_gamma() -> ZeroInflated:
    """Return the family for amounts of which many are exactly 0."""
    return ZeroInflated(Gamma())


def zero_one_inflated_beta() -> ZeroOneInflated:
    """Return the family for proportions of which some are exactly 0 or 1."""
    return ZeroOneInflated(Beta())
