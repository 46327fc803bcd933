"""Families for a y of 0, 1, 2, ...: event counts."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import special
from torch import Tensor

from .._laws.binomial import binomial, log_binomial_mass
from .._laws.negative_binomial import log_negative_binomial_mass, negative_binomial
from .._laws.poisson import LARGE_RATE, poisson
from .._laws.protocols import FrozenLaw
from .._numerics.crps import half_mean_difference
from .._numerics.special import log_poisson_mass
from ._base import Distribution
from ._supports import COUNTS, SUCCESSES
from .links import PROBABILITY_LINKS, RATE_LINKS, Link, dispersion, number_of_trials
from .real import Normal

__all__ = ["Binomial", "NegativeBinomial", "Poisson"]

_TELLS_FROM_NONE = 1000
"""Multiples of a link's floor that a mean count must reach to be told from none."""


class _MeanCounts(Distribution):
    """The base of families whose mean count, of one unit of exposure, has a choice of links."""

    link_choices: ClassVar

    def check_target(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> None:
        super().check_target(y, name, exposure)
        if exposure is None:
            return
        (of_mean,) = self.link_choices
        floor = getattr(self._chosen_link(of_mean), "floor", 0.0)
        mean = np.sum(y / exposure.sum(), axis=0)
        if of_mean not in self.fixed() and ((mean > 0) & (mean < _TELLS_FROM_NONE * floor)).any():
            raise ValueError(
                f"{name} has {np.min(mean):.3g} events in a unit of exposure, which "
                f"{of_mean}_link='softplus' of {self!r} cannot tell from none. Give the exposure "
                f"in a larger unit, or use {of_mean}_link='log'."
            )


class Poisson(_MeanCounts):
    """The Poisson distribution suits counts of independent events.

    Support: 0, 1, 2, ... Mass::

        p(y) = rate ** y * exp(-rate) / y!

    Training accepts any y >= 0, with Gamma(y + 1) in place of y!, as scikit-learn's Poisson losses
    do. The variance equals the mean; a count whose variance is larger is over-dispersed, and its
    predicted intervals come out too narrow: use `NegativeBinomial`.

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
        return log_poisson_mass(y, rate)

    def exposed(self, params: dict[str, Any], exposure: Any) -> dict[str, Any]:
        return {**params, "rate": params["rate"] * exposure}

    def frozen(self, rate: np.ndarray) -> FrozenLaw:
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


class NegativeBinomial(_MeanCounts):
    """The negative binomial distribution, by mean and dispersion, suits over-dispersed counts.

    The variance is mean + dispersion * mean**2 (the form called NB2): a Poisson distribution whose
    rate varies from row to row, by a gamma distribution, beyond what x explains.

    Support: 0, 1, 2, ... Mass, with r = 1 / dispersion and p = r / (r + mean)::

        p(y) = Gamma(y + r) / (Gamma(r) * y!) * p ** r * (1 - p) ** y

    Training accepts any y >= 0, as `Poisson` does, and where the dispersion goes to 0 it is
    `Poisson`, which suits counts that are not over-dispersed.

    Parameters
    ----------
    mean : None, "constant" or float, default=None
        Mean count, by `mean_link`.
    dispersion : None, "constant" or float, default=None
        Pure number. Log link. The usual negative binomial regression has it constant.
    mean_link : {"log", "softplus"}, default="log"
        Maps the network's output to the mean: effects multiply, or, where it is large, add.

    References
    ----------
    A. C. Cameron and P. K. Trivedi (1998). Regression Analysis of Count Data.
    doi:10.1017/CBO9780511814365
    """

    support = COUNTS
    link_choices: ClassVar = {"mean": RATE_LINKS}

    def __init__(self, mean: Any = None, dispersion: Any = None, mean_link: str = "log"):
        self.mean = mean
        self.dispersion = dispersion
        self.mean_link = mean_link

    @property
    def parameters(self) -> Mapping[str, Link]:  # type: ignore[override]
        return {"mean": self._chosen_link("mean"), "dispersion": dispersion}

    width_parameter = "dispersion"

    def squared_width(self, params: Mapping[str, Tensor]) -> Tensor:
        return 1 + params["dispersion"] * params["mean"]

    def log_prob(self, y: Tensor, mean: Tensor, dispersion: Tensor) -> Tensor:
        return log_negative_binomial_mass(y, mean, dispersion)

    def exposed(self, params: dict[str, Any], exposure: Any) -> dict[str, Any]:
        return {**params, "mean": params["mean"] * exposure}

    def frozen(self, mean: np.ndarray, dispersion: np.ndarray) -> FrozenLaw:
        return negative_binomial(mean, dispersion)

    def mode(self, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
        return np.floor(mean * np.maximum(1 - dispersion, 0))

    def std(self, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
        return np.sqrt(mean) * np.sqrt(1 + dispersion * mean)

    def crps(self, y: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
        # A. Jordan, F. Krueger and S. Lerch (2019), doi:10.18637/jss.v090.i12
        whole = np.floor(y)
        r, odds = 1 / dispersion, np.minimum(dispersion * mean, 1e150)
        std = self.std(mean, dispersion)
        # The law of y + 1, each y weighted by itself, has r + 1 in place of r.
        biased = negative_binomial.cdf(whole - 1, mean + odds, dispersion / (1 + dispersion))
        below = negative_binomial.cdf(whole, mean, dispersion)
        distance = y * (2 * below - 1) - mean * (2 * biased - 1)
        spread = half_mean_difference(lambda s: -r * np.log1p(4 * odds * (1 + odds) * s), std)
        is_normal = mean > LARGE_RATE * (1 + odds)
        return np.where(is_normal, Normal().crps(y, mean, std), distance - spread)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        mean = np.average(y, weights=weight)
        unit = max(mean, 1e-150)
        excess = np.average((y / unit - mean / unit) ** 2, weights=weight) - 1 / unit
        return {"mean": mean, "dispersion": max(excess, 0.05)}


class Binomial(Distribution):
    """The binomial distribution suits the number of successes among a known number of trials.

    Support: 0, 1, ..., trials. Mass::

        p(y) = trials! / (y! * (trials - y)!) * p ** y * (1 - p) ** (trials - y)

    Give the numbers of trials that differ from row to row as ``exposure`` to `fit` and to the
    methods that predict. Training accepts any y between 0 and the trials, with Gamma functions in
    place of factorials. One trial with labels is `Bernoulli`; shares without a number of trials
    are `Beta`'s; counts without an upper end are `Poisson`'s.

    Parameters
    ----------
    trials : float, default=1
        Whole number of trials for one unit of exposure; known, never learned.
    p : None, "constant" or float, default=None
        Probability of a success.
    p_link : {"logit", "probit", "cloglog"}, default="logit"
        Maps the network's output to the probability.

    References
    ----------
    P. McCullagh and J. Nelder (1989). Generalized Linear Models, chapter 4.
    """

    support = SUCCESSES
    link_choices: ClassVar = {"p": PROBABILITY_LINKS}

    def __init__(self, trials: Any = 1, p: Any = None, p_link: str = "logit"):
        self.trials = trials
        self.p = p
        self.p_link = p_link

    @property
    def parameters(self) -> Mapping[str, Link]:  # type: ignore[override]
        return {"trials": number_of_trials, "p": self._chosen_link("p")}

    def check_exposure(self, exposure: np.ndarray) -> None:
        trials = self.trials * exposure
        illegal = ~((trials == np.floor(trials)) & (trials <= 2.0**53))
        if illegal.any():
            row = int(np.argmax(illegal))
            raise ValueError(
                f"trials * exposure must be whole numbers up to 2**53 for {self!r}; found "
                f"{trials[row]:g} at row {row}. Give the numbers of trials as exposure."
            )

    def check_target(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> None:
        super().check_target(y, name, exposure)
        trials = self.trials * np.ones(len(y)) if exposure is None else self.trials * exposure
        trials = trials.reshape(-1, *(1,) * (y.ndim - 1))
        above = y > trials
        if above.any():
            place = tuple(np.argwhere(above)[0])
            where = f"row {place[0]}" + (f", column {place[1]}" if y.ndim > 1 else "")
            raise ValueError(
                f"{name} must be at most the number of trials for {self!r}; found {y[place]:g} of "
                f"{trials[place[0]].item():g} at {where} ({above.sum()} of {y.size} values are "
                "above). To mend it, give the numbers of trials as exposure, or use "
                "Binomial(trials=n) where all rows have n."
            )

    def log_prob(self, y: Tensor, trials: Tensor, p: Tensor) -> Tensor:
        return log_binomial_mass(y, trials, p)

    def exposed(self, params: dict[str, Any], exposure: Any) -> dict[str, Any]:
        return {**params, "trials": params["trials"] * exposure}

    def frozen(self, trials: np.ndarray, p: np.ndarray) -> FrozenLaw:
        return binomial(trials, p)

    def mode(self, trials: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.minimum(np.floor((trials + 1) * p), trials)

    def crps(self, y: np.ndarray, trials: np.ndarray, p: np.ndarray) -> np.ndarray:
        whole, mean = np.floor(y), trials * p
        # As for the negative binomial; here one trial less is left.
        biased = binomial.cdf(whole - 1, trials - 1, p)
        distance = y * (2 * binomial.cdf(whole, trials, p) - 1) - mean * (2 * biased - 1)
        var = mean * (1 - p)
        std = np.sqrt(var)
        spread = half_mean_difference(lambda s: trials * np.log1p(-4 * p * (1 - p) * s), std)
        return np.where(var > LARGE_RATE, Normal().crps(y, mean, std), distance - spread)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        return {"p": np.average(y, weights=weight) / self.trials}
