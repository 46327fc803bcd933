"""Do the estimators say the same of the parameters and attributes that they share?"""

import inspect
import re
from itertools import combinations

import pytest

from sklnll import NLLClassifier, NLLRanker, NLLRegressor

ESTIMATORS = [NLLRegressor, NLLClassifier, NLLRanker]
PAIRS = list(combinations(ESTIMATORS, 2))

DEFAULTS_THAT_DIFFER = {
    "distribution": "each kind of y has a family of its own",
}
TEXTS_THAT_DIFFER = {
    "distribution": "each kind of y has families of its own",
    "recalibrate": "numbers are widened; labels and rankings have a temperature",
}
ATTRIBUTES_THAT_DIFFER = {
    "distribution_": "an indicator matrix has a family for each column",
    "n_outputs_": "a y of rankings has one output for each item",
    "out_activation_": "each kind of y has maps of its own",
}


def entries(cls, title):
    """Entries of a section of a class's docstring: names -> type and text, without the default."""
    doc = inspect.getdoc(cls)
    body = re.search(rf"^{title}\n-+\n(.*?)(?=\n\n\S[^\n]*\n-+\n)", doc, re.DOTALL | re.MULTILINE)
    parts = re.split(r"^(\w[\w, ]*) : ", body[1], flags=re.MULTILINE)[1:]
    texts = (re.sub(r", default=.*", "", text).strip() for text in parts[1::2])
    return dict(zip(parts[::2], texts, strict=True))


def shared(first, second):
    return [name for name in first if name in second]


def differing(first, second):
    return {name for name in shared(first, second) if first[name] != second[name]}


@pytest.fixture(params=PAIRS, ids=lambda pair: "-".join(cls.__name__ for cls in pair))
def pair(request):
    return request.param


def test_shared_parameters_have_the_same_defaults_in_the_same_order(pair):
    first, second = (
        {name: given.default for name, given in inspect.signature(cls).parameters.items()}
        for cls in pair
    )
    assert shared(first, second) == shared(second, first)
    assert differing(first, second) <= DEFAULTS_THAT_DIFFER.keys()


@pytest.mark.parametrize(
    ("title", "allowed"),
    [("Parameters", TEXTS_THAT_DIFFER), ("Attributes", ATTRIBUTES_THAT_DIFFER)],
)
def test_what_estimators_share_is_documented_in_the_same_words_and_order(pair, title, allowed):
    first, second = (entries(cls, title) for cls in pair)
    assert shared(first, second) == shared(second, first)
    assert differing(first, second) <= allowed.keys()


def test_a_parameter_of_one_estimator_is_of_one_kind_of_y():
    names = [set(inspect.signature(cls).parameters) for cls in ESTIMATORS]
    assert set.union(*names) - set.intersection(*names) == {"point_estimate", "class_weight"}


def test_every_exception_is_needed():
    def differing_somewhere(title):
        return set().union(*(differing(*(entries(cls, title) for cls in pair)) for pair in PAIRS))

    assert differing_somewhere("Parameters") == TEXTS_THAT_DIFFER.keys()
    assert differing_somewhere("Attributes") == ATTRIBUTES_THAT_DIFFER.keys()
    signatures = [inspect.signature(cls).parameters for cls in ESTIMATORS]
    common = set.intersection(*map(set, signatures))
    differ = {n for n in common if len({repr(s[n].default) for s in signatures}) > 1}
    assert differ == DEFAULTS_THAT_DIFFER.keys()
