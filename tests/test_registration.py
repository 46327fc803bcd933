"""A family is complete: its class, its case, and three rows elsewhere.

`docs/contributing.md` says how a family is added; what lacks is named here.
"""

import inspect
import re
from pathlib import Path

import pytest
from distributions.cases import CASES

from sklnll import distributions
from sklnll.distributions import DISTRIBUTIONS, Distribution
from sklnll.distributions._compound import Compound

ROOT = Path(__file__).parents[1]
GUIDE, API, README = (
    ROOT.joinpath(*path).read_text()
    for path in (
        ("docs", "guide", "kinds.md"),
        ("docs", "api", "distributions.rst"),
        ("README.md",),
    )
)
NOT_BY_NAME = {"FromTorch"}
"""Families that need an argument, beside those made of another family."""


def is_family(value):
    return (
        inspect.isclass(value)
        and issubclass(value, Distribution)
        and not inspect.isabstract(value)
        and value.__module__.startswith("sklnll.")
    )


def families_in_files():
    """Public families, by the files that define them."""
    modules = [
        value
        for name, value in vars(distributions).items()
        if inspect.ismodule(value) and name != "ensemble"  # whose families ensemble_of makes
    ]
    return {
        cls.__name__: module
        for module in modules
        for cls in vars(module).values()
        if is_family(cls) and cls.__module__ == module.__name__ and cls.__name__[0] != "_"
    }


def missing_rows(name):
    """Where a named family is not registered yet."""
    family = DISTRIBUTIONS[name]()
    cls = type(family).__name__
    parameters = ", ".join(f"`{parameter}`" for parameter in family.parameters)
    row = f'| `"{name}"` | `{cls}` | {parameters} |'
    return [
        place
        for place, is_there in {
            "tests/distributions/cases.py: an entry of CASES": name in CASES,
            f"docs/guide/kinds.md: the row {row}": row in GUIDE,
            f"docs/api/distributions.rst: the row {cls}": re.search(rf"^ +{cls}$", API, re.M),
        }.items()
        if not is_there
    ]


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_named_family_has_its_case_and_its_rows(name):
    assert not missing_rows(name), f"{name!r} lacks {missing_rows(name)}"


@pytest.mark.parametrize("name", families_in_files())
def test_a_family_is_listed_by_its_file_and_has_a_name(name):
    module = families_in_files()[name]
    assert name in module.__all__, f"{module.__file__}: __all__ lacks {name!r}"
    named = {type(make()).__name__ for make in DISTRIBUTIONS.values()}
    cls = getattr(module, name)
    if not issubclass(cls, Compound) and name not in NOT_BY_NAME:
        assert name in named, f"sklnll/distributions/__init__.py: DISTRIBUTIONS lacks {name}"


def test_what_lacks_is_named(monkeypatch):
    """Here a family that is only half registered."""
    monkeypatch.setitem(DISTRIBUTIONS, "unheard_of", DISTRIBUTIONS["gamma"])
    lacking = missing_rows("unheard_of")
    assert [place.partition(":")[0] for place in lacking] == [
        "tests/distributions/cases.py",
        "docs/guide/kinds.md",
    ]


def kind(family):
    support = family.support
    return support.low, support.high, support.discrete, support.atoms, family.event_ndim


def test_readme_shows_every_kind_of_y():
    shown = {name for name in DISTRIBUTIONS if f'`"{name}"`' in README}
    kinds = {kind(DISTRIBUTIONS[name]()) for name in shown}
    lacking = [name for name, make in DISTRIBUTIONS.items() if kind(make()) not in kinds]
    assert not lacking, f"README.md: no family is shown for the y of {lacking}"
