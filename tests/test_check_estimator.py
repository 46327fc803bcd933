"""scikit-learn's own checks: no failure, and none expected."""

import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklnll import NLLClassifier, NLLRegressor
from sklnll.distributions import (
    DISTRIBUTIONS,
    CircularDistribution,
    LabelDistribution,
    Normal,
    StudentT,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NUMBERS = [
    name for name, family in DISTRIBUTIONS.items() if not isinstance(family(), LabelDistribution)
]


class Squashed(NLLRegressor):
    """Fits a family on (0, 1) to any real y, which no tag of scikit-learn could announce."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, None if y is None else self._squash(y), sample_weight)

    def predict(self, X):
        return np.tan(np.pi * (super().predict(X) - 0.5))

    @staticmethod
    def _squash(y):
        y = np.asarray(y)
        if y.dtype.kind == "c":
            return y
        y = y.astype(float)
        return np.where(np.isfinite(y), np.arctan(y) / np.pi + 0.5, y)


class Wound(Squashed):
    """Fits a family of angles to any real y, wound once around the circle."""

    def predict(self, X):
        return np.tan(NLLRegressor.predict(self, X) / 2)

    def score(self, X, y, sample_weight=None):
        return r2_score(y, self.predict(X), sample_weight=sample_weight)

    @staticmethod
    def _squash(y):
        return 2 * np.pi * (Squashed._squash(y) - 0.5)


def regressor(name):
    family = DISTRIBUTIONS[name]()
    if isinstance(family, CircularDistribution):
        return Wound(name)
    return (NLLRegressor if family.support.high == np.inf else Squashed)(name)


DEFAULTS = [NLLRegressor(), NLLClassifier()]
OTHERS = [NLLClassifier("bernoulli"), *(regressor(name) for name in NUMBERS if name != "normal")]
ESTIMATORS = DEFAULTS + OTHERS


@parametrize_with_checks(DEFAULTS)
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(OTHERS)
def test_check_estimator_of_other_families(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_no_check_is_excused_by_a_tag(estimator):
    tags = get_tags(estimator)
    assert not tags.non_deterministic
    assert not tags.no_validation
    assert not tags._skip_test
    assert not (tags.regressor_tags or tags.classifier_tags).poor_score


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("as_name", [True, False])
def test_tags_state_the_support(name, as_name):
    family = DISTRIBUTIONS[name]()
    tags = get_tags(NLLRegressor(name if as_name else family)).target_tags
    assert tags.required
    assert tags.positive_only == (family.support.low >= 0)
    assert tags.multi_output == (family.support.low == -np.inf)


@pytest.mark.parametrize("cls", [NLLRegressor, NLLClassifier])
@pytest.mark.parametrize(
    "distribution",
    ["nonsense", 3, None, Normal, Normal(scale=-1), StudentT(1, 2, 3), [1], np.ones(2)],
)
def test_reading_tags_never_raises(cls, distribution):
    assert get_tags(cls(distribution, hidden_layer_sizes="wide", alpha=None)).target_tags.required


def test_only_bernoulli_is_limited_to_two_classes():
    assert get_tags(NLLClassifier()).classifier_tags.multi_class
    assert not get_tags(NLLClassifier("bernoulli")).classifier_tags.multi_class
