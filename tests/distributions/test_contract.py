import inspect
import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone

from sklnll import distributions
from sklnll.distributions import (
    DISTRIBUTIONS,
    Beta,
    Binomial,
    Categorical,
    Distribution,
    Exponential,
    Gamma,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    get_distribution,
)

from .cases import CASES, FAMILIES, LEARNED, NUMBERS, OPTIONS, PLAIN

PARAMETERS = [
    pytest.param(name, key, id=f"{name}-{key}") for name in PLAIN for key in LEARNED[name]
]
KNOWN = [
    pytest.param(name, key, id=f"{name}-{key}")
    for name, family in PLAIN.items()
    for key in family().parameters
    if key not in LEARNED[name]
]


@pytest.mark.parametrize("name", PLAIN)
def test_every_parameter_is_an_argument_that_is_predicted_by_default(name):
    family, options = DISTRIBUTIONS[name], OPTIONS.get(name, {})
    parameters, known = family().parameters, family().fixed()
    assert known.keys() == parameters.keys() - LEARNED[name]
    assert family().get_params() == {**dict.fromkeys(parameters), **known, **options}
    arguments = list(dict.fromkeys([*parameters, *options]))
    assert list(inspect.signature(family).parameters) == arguments
    predicted = family(**dict.fromkeys(LEARNED[name]))
    assert predicted.predicted() == LEARNED[name]
    assert predicted.constant() == []
    assert predicted.fixed() == known


@pytest.mark.parametrize("name", PLAIN)
def test_family_is_public_documented_and_named_after_its_class(name):
    family = DISTRIBUTIONS[name]
    assert family.__name__ in distributions.__all__
    assert getattr(distributions, family.__name__) is family
    assert name == re.sub(r"(?<!^)(?=[A-Z])", "_", family.__name__).lower()
    for parameter in family().parameters:
        kind = "None" if parameter in LEARNED[name] else "float"
        assert f"{parameter} : {kind}" in family.__doc__
    assert "References" in family.__doc__


@pytest.mark.parametrize(("name", "key"), PARAMETERS)
def test_a_parameter_is_predicted_constant_or_fixed(name, key):
    parameters = dict.fromkeys(LEARNED[name])
    constant = DISTRIBUTIONS[name](**{**parameters, key: "constant"})
    constant.check_params()
    assert constant.constant() == [key]
    assert key not in constant.predicted()
    if key in CASES[name].fixed:
        value = CASES[name].fixed[key]
        fixed = DISTRIBUTIONS[name](**{key: value})
        fixed.check_params()
        assert fixed.fixed() == {**DISTRIBUTIONS[name]().fixed(), key: value}
        assert key not in fixed.predicted()


@pytest.mark.parametrize(("name", "key"), PARAMETERS)
def test_clone_repr_and_pickle_keep_parameters(name, key):
    switch = "constant" if DISTRIBUTIONS[name]().setting(key) is None else None
    family = DISTRIBUTIONS[name]().set_params(**{key: switch})
    for copy in (clone(family), pickle.loads(pickle.dumps(family))):
        assert type(copy) is type(family)
        assert copy.get_params() == family.get_params()
    assert repr(family) == f"{type(family).__name__}({key}={switch!r})"
    assert repr(DISTRIBUTIONS[name]()) == f"{type(family).__name__}()"


@pytest.mark.parametrize("value", ["constnat", "", True, np.nan, np.inf, [1.0], {"a": 1}])
@pytest.mark.parametrize(("name", "key"), PARAMETERS)
def test_illegal_parameter_is_named(name, key, value):
    family = DISTRIBUTIONS[name](**{key: value})
    with pytest.raises(ValueError, match=f"^{key} of {type(family).__name__}") as error:
        family.check_params()
    for part in (repr(value), "None", "'constant'", "must be"):
        assert part in str(error.value)


@pytest.mark.parametrize("value", [None, "constant", True, np.nan, np.inf, [1.0]])
@pytest.mark.parametrize(("name", "key"), KNOWN)
def test_a_known_parameter_is_a_number(name, key, value):
    family = DISTRIBUTIONS[name](**{key: value})
    message = f"^{key} of {type(family).__name__}.* must be {family.parameters[key].domain}; got "
    with pytest.raises(ValueError, match=re.escape(repr(value)) + r"\.$") as error:
        family.check_params()
    assert re.match(message.replace("**", r"\*\*"), str(error.value))


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (Binomial(trials=2.5), r"trials of Binomial\(trials=2.5\) must be a whole number"),
        (Binomial(trials=0), "trials of .* must be a whole number from 1 .*; got 0"),
        (NegativeBinomial(dispersion=0), "dispersion of .* must be positive; got 0"),
        (Normal(scale=0), r"scale of Normal\(scale=0\) must be positive; got 0\."),
        (Normal(scale=-1.5), "must be positive; got -1.5"),
        (StudentT(df=-1), "df of .* must be positive; got -1"),
        (Gamma(shape=0.0), "shape of .* must be positive; got 0.0"),
        (Beta(mean=1), "mean of .* must be strictly between 0 and 1; got 1"),
        (Beta(precision=0), "precision of .* must be positive"),
        (Poisson(rate=-2), "rate of .* must be positive"),
        (Categorical(logits=1.0), "logits of .* must be predicted or 'constant'"),
    ],
)
def test_number_outside_the_domain_is_refused(family, message):
    with pytest.raises(ValueError, match=message):
        family.check_params()


def test_numpy_numbers_are_numbers():
    family = Normal(loc=np.float32(1), scale=np.int64(2))
    family.set_params(loc=None).check_params()
    assert family.fixed() == {"scale": 2.0}


@pytest.mark.parametrize("family", [Normal(loc=0, scale=1), Exponential(1.0), Poisson(rate=2)])
def test_nothing_to_learn_is_refused(family):
    with pytest.raises(ValueError, match=r"has nothing to learn.*None.*'constant'"):
        family.check_params()


def test_misspelt_parameter_fails_and_the_choices_are_listed():
    with pytest.raises(TypeError, match="scal"):
        Normal(scal=1.0)
    with pytest.raises(ValueError, match=r"Invalid parameter 'scal'.*\['loc', 'scale'\]"):
        Normal().set_params(scal=1.0)


# Targets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NUMBERS)
def test_y_inside_the_support_is_accepted(name):
    family, y = DISTRIBUTIONS[name](), CASES[name].sample
    family.check_target(y)
    family.check_target(np.array(CASES[name].far))
    family.check_target(np.column_stack([y, y]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gamma", 0.0),
        ("gamma", -2.5),
        ("exponential", -1.0),
        ("beta", 0.0),
        ("beta", 1.0),
        ("beta", 1.5),
        ("poisson", -1.0),
    ],
)
def test_y_outside_the_support_is_shown_with_its_row(name, value):
    family, y = DISTRIBUTIONS[name](), CASES[name].sample.copy()
    y[[17, 30]] = value
    message = rf"y must be .* for {type(family).__name__}\(\); found {value:g} at row 17 "
    with pytest.raises(ValueError, match=message + rf"\(2 of {len(y)} values are outside\).*use "):
        family.check_target(y)
    both = np.column_stack([CASES[name].sample, y])
    with pytest.raises(ValueError, match="at row 17, column 1"):
        family.check_target(both)


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "-inf")])
@pytest.mark.parametrize("name", NUMBERS)
def test_nan_and_infinite_y_are_shown_with_their_row(name, value, word):
    family, y = DISTRIBUTIONS[name](), CASES[name].sample.copy()
    y[5] = value
    kind = "NaN" if word == "NaN" else "infinity"
    pattern = rf"y must not contain {kind} for {re.escape(repr(family))}; found {word.lower()} "
    with pytest.raises(ValueError, match=pattern + "at row 5"):
        family.check_target(y)


def test_the_advice_names_families_that_exist():
    for family in FAMILIES.values():
        for name in re.findall("'([a-z_]+)'", family.support.advice):
            assert name in DISTRIBUTIONS


# Names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLAIN)
def test_name_makes_the_family(name):
    assert type(get_distribution(name)) is DISTRIBUTIONS[name]


def test_instance_passes_through():
    family = StudentT(df=3)
    assert get_distribution(family) is family


@pytest.mark.parametrize(
    ("typo", "nearest"),
    [("normall", "normal"), ("studentt", "student_t"), ("Gamma", "gamma"), ("poison", "poisson")],
)
def test_unknown_name_offers_the_nearest_and_lists_all(typo, nearest):
    message = f"unknown distribution '{typo}'. Did you mean '{nearest}'"
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        get_distribution(typo)
    assert str(sorted(DISTRIBUTIONS)) in str(error.value)


def test_name_like_no_other_lists_all():
    with pytest.raises(ValueError, match="unknown distribution 'xyz'") as error:
        get_distribution("xyz")
    assert "Did you mean" not in str(error.value)
    assert str(sorted(DISTRIBUTIONS)) in str(error.value)


@pytest.mark.parametrize("thing", [Normal, None, 3, b"normal"])
def test_what_is_no_family_is_refused(thing):
    with pytest.raises(ValueError, match="distribution must be a name, one of"):
        get_distribution(thing)


def test_illegal_instance_is_refused():
    with pytest.raises(ValueError, match="df of StudentT"):
        get_distribution(StudentT(df=0))


def test_abstract_family_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        Distribution()
