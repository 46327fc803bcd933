"""Which families stand for all others of their kind, where trying each takes long?

`one_of_each_kind(names)` parametrizes a test over families. Those that are the first of their kind
in the table of distributions are tried whenever tests run; the others are marked `every_family`,
which README's command leaves out and `.ci/run` runs afterwards.
"""

from collections.abc import Iterable

import pytest
from distributions.cases import COMPOUND, FAMILIES, LEARNED

from sklnll import NLLClassifier, NLLRanker, NLLRegressor
from sklnll.distributions import (
    CircularDistribution,
    Distribution,
    LabelDistribution,
    RankingDistribution,
    VectorDistribution,
)

SHAPES = (CircularDistribution, LabelDistribution, RankingDistribution, VectorDistribution)


def estimator_of(family: Distribution) -> type:
    """The class of estimators that fits the family."""
    if isinstance(family, RankingDistribution):
        return NLLRanker
    return NLLClassifier if isinstance(family, LabelDistribution) else NLLRegressor


def kind(name: str) -> tuple[str, str, str]:
    """What decides by which code a family is fitted: its estimator, what y may be, its law."""
    family = FAMILIES[name]
    return estimator_of(family).__name__, family.support.words, _law(name)


def _law(name: str) -> str:
    """A compound's own class, or what makes the law of a family different from a number's."""
    family = FAMILIES[name]
    if name in COMPOUND:
        return type(family).__name__
    of = next((shape.__name__ for shape in SHAPES if isinstance(family, shape)), "number")
    known = " with known numbers" if len(LEARNED[name]) < len(family.parameters) else ""
    return of + (" in order" if "order" in family.get_params() else "") + known


REPRESENTATIVES = {kind(name): name for name in reversed(FAMILIES)}
"""The first family of each kind; test_kinds.py has the list, so that a new kind is noticed."""


FIRST_OF_KIND = frozenset(REPRESENTATIVES.values())


def marks(name: str) -> tuple:
    """Return the marks of a test of this family, where one of each kind is tried."""
    return () if name in FIRST_OF_KIND else (pytest.mark.every_family,)


def one_of_each_kind(names: Iterable[str] = FAMILIES) -> list:
    """Return the names as parameters, of which all but the representatives are marked."""
    return [pytest.param(name, marks=marks(name)) for name in names]
