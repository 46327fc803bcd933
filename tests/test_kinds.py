"""Is every kind of family tried whenever tests run?"""

from distributions.cases import FAMILIES
from kinds import FIRST_OF_KIND, one_of_each_kind

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
    assert sorted(FIRST_OF_KIND) == sorted(EXPECTED)


def test_all_families_are_tried_and_marked_where_another_stands_for_them():
    params = one_of_each_kind()
    assert [param.values for param in params] == [(name,) for name in FAMILIES]
    assert [param.values[0] for param in params if not param.marks] == EXPECTED
