"""The families of distributions, grouped by what y may be."""

from collections.abc import Callable
from difflib import get_close_matches

from ._base import Distribution
from ._supports import COUNTS, NON_NEGATIVE, POSITIVE, REAL, UNIT_INTERVAL, Support
from ._units import DISTANCE, PLACE, Unit
from .censored import Censored, Truncated
from .circular import CircularDistribution, VonMises
from .count import Binomial, NegativeBinomial, Poisson
from .ensemble import ensemble_of
from .finite import Bernoulli, Categorical, LabelDistribution
from .from_torch import FromTorch
from .inflated import (
    Hurdle,
    ZeroInflated,
    ZeroOneInflated,
    hurdle_negative_binomial,
    hurdle_poisson,
    zero_adjusted_gamma,
    zero_inflated_negative_binomial,
    zero_inflated_poisson,
    zero_one_inflated_beta,
)
from .mixture import Mixture, normal_mixture
from .multivariate import Dirichlet, MultivariateNormal, VectorDistribution
from .ordinal import Ordinal
from .positive import Exponential, Gamma, LogNormal, Weibull
from .ranking import PlackettLuce, RankingDistribution
from .real import Cauchy, Gumbel, Laplace, Logistic, Normal, StudentT
from .unit import Beta

__all__ = [
    "COUNTS",
    "DISTANCE",
    "DISTRIBUTIONS",
    "NON_NEGATIVE",
    "PLACE",
    "POSITIVE",
    "REAL",
    "UNIT_INTERVAL",
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Censored",
    "CircularDistribution",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "FromTorch",
    "Gamma",
    "Gumbel",
    "Hurdle",
    "LabelDistribution",
    "Laplace",
    "LogNormal",
    "Logistic",
    "Mixture",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "Ordinal",
    "PlackettLuce",
    "Poisson",
    "RankingDistribution",
    "StudentT",
    "Support",
    "Truncated",
    "Unit",
    "VectorDistribution",
    "VonMises",
    "Weibull",
    "ZeroInflated",
    "ZeroOneInflated",
    "ensemble_of",
    "get_distribution",
    "hurdle_negative_binomial",
    "hurdle_poisson",
    "normal_mixture",
    "zero_adjusted_gamma",
    "zero_inflated_negative_binomial",
    "zero_inflated_poisson",
    "zero_one_inflated_beta",
]

DISTRIBUTIONS: dict[str, Callable[[], Distribution]] = {
    "normal": Normal,
    "laplace": Laplace,
    "student_t": StudentT,
    "cauchy": Cauchy,
    "logistic": Logistic,
    "gumbel": Gumbel,
    "normal_mixture": normal_mixture,
    "exponential": Exponential,
    "gamma": Gamma,
    "log_normal": LogNormal,
    "weibull": Weibull,
    "beta": Beta,
    "von_mises": VonMises,
    "multivariate_normal": MultivariateNormal,
    "dirichlet": Dirichlet,
    "poisson": Poisson,
    "negative_binomial": NegativeBinomial,
    "binomial": Binomial,
    "zero_inflated_poisson": zero_inflated_poisson,
    "hurdle_poisson": hurdle_poisson,
    "zero_inflated_negative_binomial": zero_inflated_negative_binomial,
    "hurdle_negative_binomial": hurdle_negative_binomial,
    "zero_adjusted_gamma": zero_adjusted_gamma,
    "zero_one_inflated_beta": zero_one_inflated_beta,
    "bernoulli": Bernoulli,
    "categorical": Categorical,
    "ordinal": Ordinal,
    "plackett_luce": PlackettLuce,
}

_OTHER_NAMES = {
    "gaussian": "normal",
    "mse": "normal",
    "squared_error": "normal",
    "mae": "laplace",
    "absolute_error": "laplace",
    "t": "student_t",
    "multinomial": "categorical",
    "negbin": "negative_binomial",
    "log_loss": "categorical",
}
"""These names are used elsewhere; the error message hints at ours."""


def get_distribution(distribution: str | Distribution) -> Distribution:
    """Turn a name into an instance; pass an instance through.

    Parameters
    ----------
    distribution : str or Distribution
        A key of `DISTRIBUTIONS`, or a family of your own.

    Returns
    -------
    Distribution

    Raises
    ------
    ValueError
        If the name is unknown, or a parameter of the instance is not legal.

    Examples
    --------
    >>> from sklnll.distributions import get_distribution
    >>> get_distribution("student_t")
    StudentT()
    """
    if isinstance(distribution, str):
        if distribution not in DISTRIBUTIONS:
            names = sorted(DISTRIBUTIONS)
            known = _OTHER_NAMES.get(distribution)
            near = [known] if known else get_close_matches(distribution, names, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"unknown distribution {distribution!r}.{hint} The names are {names}.")
        return DISTRIBUTIONS[distribution]()
    if not isinstance(distribution, Distribution):
        hint = f"; write {distribution.__name__}()" if isinstance(distribution, type) else ""
        if isinstance(distribution, tuple | list | int):
            hint = f"; for units of layers write hidden_layer_sizes={distribution!r}"
        raise ValueError(
            f"distribution must be a name, one of {sorted(DISTRIBUTIONS)}, or an instance of "
            f"sklnll.distributions.Distribution such as Normal(); got {distribution!r}{hint}."
        )
    distribution.check_params()
    return distribution
