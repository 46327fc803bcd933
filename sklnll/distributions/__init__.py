"""The families of distributions, grouped by what y may be."""

from collections.abc import Callable
from difflib import get_close_matches

from . import (
    censored,
    circular,
    count,
    ensemble,
    finite,
    from_torch,
    inflated,
    mixture,
    multivariate,
    ordinal,
    positive,
    ranking,
    real,
    unit,
)
from ._base import Distribution
from ._supports import COUNTS, NON_NEGATIVE, POSITIVE, REAL, UNIT_INTERVAL, Support
from ._units import DISTANCE, PLACE, Unit
from .censored import *
from .circular import *
from .count import *
from .ensemble import *
from .finite import *
from .from_torch import *
from .inflated import *
from .mixture import *
from .multivariate import *
from .ordinal import *
from .positive import *
from .ranking import *
from .real import *
from .unit import *

__all__ = [
    "COUNTS",
    "DISTANCE",
    "DISTRIBUTIONS",
    "NON_NEGATIVE",
    "PLACE",
    "POSITIVE",
    "REAL",
    "UNIT_INTERVAL",
    "Distribution",
    "Support",
    "Unit",
    "get_distribution",
]
__all__ += censored.__all__
__all__ += circular.__all__
__all__ += count.__all__
__all__ += ensemble.__all__
__all__ += finite.__all__
__all__ += from_torch.__all__
__all__ += inflated.__all__
__all__ += mixture.__all__
__all__ += multivariate.__all__
__all__ += ordinal.__all__
__all__ += positive.__all__
__all__ += ranking.__all__
__all__ += real.__all__
__all__ += unit.__all__

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
