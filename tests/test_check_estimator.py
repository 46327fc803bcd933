"""scikit-learn's own checks: no failure, and none expected."""

import numpy as np
import pandas as pd
import pytest
from distributions.cases import FAMILIES, LABELS, NUMBERS, RANKINGS, VECTORS, accepts
from kinds import FIRST_OF_KIND
from scipy import sparse
from scipy.special import softmax
from sklearn import __version__ as sklearn_version
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version
from sklearn.utils.metaestimators import available_if

from sklnll import MLP_DEFAULTS, NLLClassifier, NLLRanker, NLLRegressor
from sklnll.distributions import (
    DISTRIBUTIONS,
    Categorical,
    CircularDistribution,
    Normal,
    StudentT,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Adapted(NLLRegressor):
    """Fits a family to any real y, whose support no tag of scikit-learn could announce; abstract.

    `there` makes a legal y of a finite one, `back` the first again of a prediction.
    """

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, self._legal(y), sample_weight)

    def partial_fit(self, X, y, sample_weight=None):
        return super().partial_fit(X, self._legal(y), sample_weight)

    def _legal(self, y):
        values = np.asarray(y)
        if values.dtype.kind in "iuf" or (values.dtype.kind == "O" and values.ndim):
            values = values.astype(float)
            if np.isfinite(values).all():
                self._shape = values.shape[1:]
                return self.there(values)
        return y

    def predict(self, X, *, exposure=None):
        return self.back(super().predict(X, exposure=exposure))


class Squashed(Adapted):
    """To (0, 1)."""

    def there(self, y):
        return np.arctan(y) / np.pi + 0.5

    def back(self, y):
        return np.tan(np.pi * (y - 0.5))


class Shared(Adapted):
    """To shares, one for each column of y, and one for the rest."""

    def there(self, y):
        log_ratio = np.arctan(y).reshape(len(y), -1)
        return softmax(np.column_stack([log_ratio, np.zeros(len(y))]), axis=1)

    def back(self, y):
        return np.tan(np.log(y[:, :-1] / y[:, -1:])).reshape(-1, *self._shape)


class Stacked(Adapted):
    """To rows of numbers that depend on each other."""

    def there(self, y):
        columns = y.reshape(len(y), -1)
        return np.column_stack([columns, np.arctan(columns) + np.sin(3 * columns)])

    def back(self, y):
        return y[:, : y.shape[1] // 2].reshape(-1, *self._shape)


class Ranked(NLLRanker):
    """Fits rankings of three items by y, -y and 1/2 to any y of numbers or labels."""

    def fit(self, X, y, sample_weight=None):
        if sparse.issparse(X):
            raise TypeError("sparse rankings are fitted in test_sparse.py")
        return super().fit(X, None if y is None else self._orders(y), sample_weight)

    @available_if(NLLRanker._trains_in_batches)
    def partial_fit(self, X, y, sample_weight=None):
        return super().partial_fit(X, self._orders(y), sample_weight)

    def __sklearn_tags__(self):
        """Without sparse rows, whose check takes all that has probabilities for classifiers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags

    def score(self, X, y, sample_weight=None):
        return super().score(X, self._orders(y), sample_weight)

    @staticmethod
    def _orders(y):
        y = np.asarray(y).ravel()
        if y.dtype.kind == "c":
            return y
        if y.dtype.kind not in "fiu":
            y = np.unique(y, return_inverse=True)[1]
        orders = np.argsort(-np.outer(y, [1, -1, 0]) - [0, 0, 0.5], axis=1, kind="stable")
        return np.where(np.isfinite(y)[:, None], orders, np.nan)


class Alphabetical(NLLClassifier):
    """Takes the order of the alphabet for that of labels, which ordinal families refuse to do."""

    def fit(self, X, y, sample_weight=None):
        is_text = np.asarray(y).dtype.kind in "OU" and y is not None
        return super().fit(X, pd.Categorical(y, ordered=True) if is_text else y, sample_weight)


class Wound(Adapted):
    """To angles, wound once around the circle."""

    def there(self, y):
        return 2 * np.arctan(y)

    def back(self, y):
        return np.tan(y / 2)

    def score(self, X, y, sample_weight=None):
        return r2_score(y, self.predict(X), sample_weight=sample_weight)


def regressor(name):
    family = DISTRIBUTIONS[name]()
    if isinstance(family, CircularDistribution):
        return Wound(name)
    if name == "dirichlet":
        return Shared(name)
    has_no_end = name in VECTORS or accepts(family, np.array([1e3]))
    return (NLLRegressor if has_no_end else Squashed)(name)


def classifier(name):
    return (Alphabetical if name == "ordinal" else NLLClassifier)(name)


def of_family(name):
    if name in VECTORS and name != "dirichlet":
        return [regressor(name), Stacked(name)]  # beside itself: the checks give it one column
    if name in RANKINGS:
        return [Ranked(name)]
    return [classifier(name) if name in LABELS else regressor(name)]


BRIEF = {
    "hidden_layer_sizes": (32,),
    "max_iter": 15,
    "learning_rate_init": 0.05,
    "n_frequencies": 0,
}
"""Enough to learn what the checks ask for; the defaults are checked with one family each."""

DEFAULTS = [NLLRegressor(), NLLClassifier(), Ranked()]
FORMS = [
    NLLRegressor(n_estimators=2, **BRIEF),
    NLLClassifier(n_estimators=2, x_scaling="robust", **{**BRIEF, "n_frequencies": 2}),
    NLLRegressor(**MLP_DEFAULTS),
    NLLClassifier(**MLP_DEFAULTS),
]


def brief(names):
    return [estimator.set_params(**BRIEF) for name in names for estimator in of_family(name)]


OF_DEFAULTS = {estimator.distribution for estimator in DEFAULTS}
FIRST = brief(name for name in FAMILIES if name in FIRST_OF_KIND - OF_DEFAULTS)
OTHERS = brief(name for name in FAMILIES if name not in FIRST_OF_KIND)
ESTIMATORS = DEFAULTS + FORMS + FIRST + OTHERS

LEARNING = ("train", "class", "equivalence")
"""Names of the checks that ask how well a model has learned hold one of these words."""


def run(check, estimator):
    """The check, after a few steps where it does not matter how much is learned."""
    if not any(word in check.func.__name__ for word in LEARNING):
        estimator = clone(estimator).set_params(max_iter=2)
    check(estimator)


@parametrize_with_checks(DEFAULTS)
def test_check_estimator(estimator, check):
    run(check, estimator)


@pytest.mark.slow
@parametrize_with_checks(FORMS + FIRST)
def test_check_estimator_of_one_family_of_each_kind(estimator, check):
    is_old = parse_version(sklearn_version) < parse_version("1.7")
    is_of_weights = "sample_weight_equivalence" in str(check)
    if is_old and is_of_weights and getattr(estimator, "distribution", "") == "bernoulli":
        pytest.skip("before scikit-learn 1.7 the check gives its two fits opposite labels")
    run(check, estimator)


@pytest.mark.every_family
@parametrize_with_checks(OTHERS)
def test_check_estimator_of_other_families(estimator, check):
    run(check, estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_no_check_is_excused_by_a_tag(estimator):
    tags = get_tags(estimator)
    assert not tags.non_deterministic
    assert not tags.no_validation
    assert not tags._skip_test
    assert not getattr(tags.regressor_tags or tags.classifier_tags, "poor_score", False)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("as_name", [True, False])
def test_tags_state_the_support(name, as_name):
    family = DISTRIBUTIONS[name]()
    tags = get_tags(NLLRegressor(name if as_name else family)).target_tags
    assert tags.required
    assert tags.positive_only == (family.support.low >= 0)
    assert tags.multi_output == (family.support.low == -np.inf or family.event_ndim == 1)
    assert tags.single_output == (family.event_ndim == 0)


@pytest.mark.parametrize("cls", [NLLRegressor, NLLClassifier, NLLRanker])
@pytest.mark.parametrize(
    "distribution",
    ["nonsense", 3, None, Normal, Normal(scale=-1), StudentT(1, 2, 3), [1], np.ones(2)],
)
def test_reading_tags_never_raises(cls, distribution):
    assert get_tags(cls(distribution, hidden_layer_sizes="wide", alpha=None)).target_tags.required


def test_only_bernoulli_is_limited_to_two_classes():
    assert get_tags(NLLClassifier()).classifier_tags.multi_class
    assert get_tags(NLLClassifier("ordinal")).classifier_tags.multi_class
    assert not get_tags(NLLClassifier("bernoulli")).classifier_tags.multi_class


def test_several_labels_at_once_are_announced_where_they_can_be():
    for distribution in ["categorical", "bernoulli"]:
        assert get_tags(NLLClassifier(distribution)).classifier_tags.multi_label
    for distribution in ["ordinal", Categorical(soft_targets=True)]:
        assert not get_tags(NLLClassifier(distribution)).classifier_tags.multi_label
