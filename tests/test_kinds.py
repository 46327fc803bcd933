"""Is every kind of family tried whenever tests run?"""

from distributions.cases import FAMILIES
from kinds import REPRESENTATIVES, one_of_each_kind

EXPECTED = [
    "normal",
    "normal_mixture",
    "exponential",
    "gamma",
    "beta",
    "von_mises",
    "multivariate_normal",
    "dirichlet",
    "poisson",
    "binomial",
    "zero_inflated_poisson",
    "hurdle_poisson",
    "zero_adjusted_gamma",
    "zero_one_inflated_beta",
    "bernoulli",
    "categorical",
    "ordinal",
    "plackett_luce",
]
"""Those that stand for others; a family of a new kind is to be added here."""


def test_the_kinds_are_those_that_are_known():
    assert sorted(REPRESENTATIVES.values()) == sorted(EXPECTED)


def test_no_family_is_left_out():
    names = [name if isinstance(name, str) else name.values[0] for name in one_of_each_kind()]
    assert names == list(FAMILIES)


def test_only_those_whose_kind_is_tried_are_marked():
    marked = {param.values[0] for param in one_of_each_kind() if not isinstance(param, str)}
    assert marked == FAMILIES.keys() - set(EXPECTED)
