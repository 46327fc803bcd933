"""The families of distributions, grouped by what y may be."""

from collections.abc import Callable
from difflib import get_close_matches

from ._base import Distribution
from ._supports import COUNTS, NON_NEGATIVE, POSITIVE, REAL, UNIT_INTERVAL, Support
from .censored import Censored, Truncated
from .count import Poisson
from .finite import Bernoulli, Categorical, LabelDistribution
from .from_torch import FromTorch
from .mixture import Mixture, normal_mixture
from .positive import Exponential, Gamma, LogNormal, Weibull
from .real import Gumbel, Laplace, Logistic, Normal, StudentT
from .unit import Beta

__all__ = [
    "COUNTS",
    "DISTRIBUTIONS",
    "NON_NEGATIVE",
    "POSITIVE",
    "REAL",
    "UNIT_INTERVAL",
    "Bernoulli",
    "Beta",
    "Categorical",
    "Censored",
    "Distribution",
    "Exponential",
    "FromTorch",
    "Gamma",
    "Gumbel",
    "LabelDistribution",
    "Laplace",
    "LogNormal",
    "Logistic",
    "Mixture",
    "Normal",
    "Poisson",
    "StudentT",
    "Support",
    "Truncated",
    "Weibull",
    "get_distribution",
    "normal_mixture",
]

DISTRIBUTIONS: dict[str, Callable[[], Distribution]] = {
    "normal": Normal,
    "laplace": Laplace,
    "student_t": StudentT,
    "logistic": Logistic,
    "gumbel": Gumbel,
    "normal_mixture": normal_mixture,
    "exponential": Exponential,
    "gamma": Gamma,
    "log_normal": LogNormal,
    "weibull": Weibull,
    "beta": Beta,
    "poisson": Poisson,
    "bernoulli": Bernoulli,
    "categorical": Categorical,
}

_OTHER_NAMES = {"gaussian": "normal", "multinomial": "categorical"}
"""Names that are used elsewhere, for the hint in the error message."""


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
        raise ValueError(
            f"distribution must be a name, one of {sorted(DISTRIBUTIONS)}, or an instance of "
            f"sklnll.distributions.Distribution such as Normal(); got {distribution!r}."
        )
    distribution.check_params()
    return distribution
