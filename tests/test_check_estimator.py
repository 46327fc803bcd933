"""scikit-learn's own checks: no failure, and none expected."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklnll import NLLClassifier, NLLRegressor
from sklnll.distributions import DISTRIBUTIONS, LabelDistribution, Normal, StudentT

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NUMBERS = [
    name for name, family in DISTRIBUTIONS.items() if not isinstance(family(), LabelDistribution)
]


class Adapted(NLLRegressor):
    """Fits a family to any real y, whose support no tag of scikit-learn could announce; abstract.

    `there` makes a legal y of a finite one, `back` the first again of a prediction.
    """

    def fit(self, X, y, sample_weight=None):
        values = np.asarray(y)
        if values.dtype.kind in "iuf" or (values.dtype.kind == "O" and values.ndim):
            values = values.astype(float)
            if np.isfinite(values).all():
                self._shape = values.shape[1:]
                y = self.there(values)
        return super().fit(X, y, sample_weight)

    def predict(self, X, exposure=None):
        return self.back(super().predict(X))


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


def regressor(name):
    if name == "dirichlet":
        return Shared(name)
    return (NLLRegressor if DISTRIBUTIONS[name]().support.high == np.inf else Squashed)(name)


DEFAULTS = [NLLRegressor(), NLLClassifier()]
OTHERS = [NLLClassifier("bernoulli"), *(regressor(name) for name in NUMBERS if name != "normal")]
OTHERS.append(Stacked("multivariate_normal"))  # beside itself, which the checks give one column
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
    assert tags.multi_output == (family.support.low == -np.inf or family.event_ndim == 1)
    assert tags.single_output == (family.event_ndim == 0)


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
