"""A fit that fails leaves the earlier network whole where it should continue it, else none."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklnll import NLLClassifier, NLLRanker, NLLRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
BRIEF = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
Y = {
    NLLRegressor: X[:, 0] + rng.normal(size=60),
    NLLClassifier: np.where(X[:, 0] > 0, "yes", "no"),
    NLLRanker: rng.normal(size=(60, 3)).argsort(axis=1),
}
each = pytest.mark.parametrize("estimator", Y, ids=lambda estimator: estimator.__name__)

# What fails -> rows and parameters that make it fail: at the door, before and in the middle.
FAILURES = {
    "infinity in X": ({"X": np.full_like(X, np.inf)}, {}),
    "rows of y": ({"rows": 59}, {}),
    "weights": ({"sample_weight": -np.ones(60)}, {}),
    "family": ({}, {"distribution": "nonsense"}),
    "sizes": ({}, {"hidden_layer_sizes": (4, 0)}),
    "hold-out": ({}, {"early_stopping": True, "validation_fraction": 1e-3}),
    "device": ({}, {"device": "tpu"}),
    "training": ({}, {"max_iter": 2}),
}
each_failure = pytest.mark.parametrize("failure", FAILURES)


def fail(net, failure, monkeypatch):
    """Fit such that it fails, and set the parameters back."""
    rows, params = FAILURES[failure]
    before = net.get_params()
    if failure == "training":
        raising = lambda *args, **kwargs: 1 / 0  # noqa: E731
        monkeypatch.setattr("sklnll._training.objective.Objective.gradient", raising)
    with pytest.raises((ValueError, ZeroDivisionError)):
        net.set_params(**params).fit(
            rows.get("X", X), Y[type(net)][: rows.get("rows", 60)], rows.get("sample_weight")
        )
    net.set_params(**before)
    monkeypatch.undo()


@each
@each_failure
def test_a_failed_fit_leaves_nothing_of_the_one_before(estimator, failure, monkeypatch):
    net = estimator(**BRIEF)
    unfitted = set(vars(net))
    net.fit(X, Y[estimator])
    fail(net, failure, monkeypatch)
    assert set(vars(net)) == unfitted
    assert not net.__sklearn_is_fitted__()
    for name in ("loss_", "weights_", "coefs_", "distribution_", "n_outputs_"):
        with pytest.raises(AttributeError):
            getattr(net, name)


@each
@each_failure
def test_a_failed_first_fit_leaves_no_attribute(estimator, failure, monkeypatch):
    net = estimator(**BRIEF)
    unfitted = set(vars(net))
    fail(net, failure, monkeypatch)
    assert set(vars(net)) == unfitted


@each
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_parameter_that_no_fit_takes_leaves_the_fit_before_as_it_was(estimator, warm_start):
    """scikit-learn refuses it before any fit begins."""
    net = estimator(warm_start=warm_start, **BRIEF).fit(X, Y[estimator])
    before = dict(vars(net), alpha=-1.0)
    with pytest.raises(ValueError, match="alpha"):
        net.set_params(alpha=-1.0).fit(X, Y[estimator])
    assert vars(net) == before


@each
@each_failure
def test_a_failed_warm_start_leaves_the_fit_before_as_it_was(estimator, failure, monkeypatch):
    net = estimator(warm_start=True, **BRIEF).fit(X, Y[estimator])
    before, weights, predicted = dict(vars(net)), net.weights_.copy(), net.predict(X)
    fail(net, failure, monkeypatch)
    assert vars(net).keys() == before.keys()
    assert all(vars(net)[name] is before[name] for name in before if name not in net.get_params())
    assert_array_equal(net.weights_, weights)
    assert_array_equal(net.predict(X), predicted)


@pytest.mark.parametrize("estimator", [NLLRegressor, NLLClassifier])
def test_a_failed_increment_leaves_the_one_before_as_it_was(estimator, monkeypatch):
    classes = {} if estimator is NLLRegressor else {"classes": ["no", "yes"]}
    net = estimator(**BRIEF).partial_fit(X, Y[estimator], **classes)
    again = estimator(**BRIEF).partial_fit(X, Y[estimator], **classes)
    with pytest.raises(ValueError, match="NaN"):
        net.partial_fit(np.full_like(X, np.inf), Y[estimator])
    # The optimizer's state is as it was, too.
    net.partial_fit(X, Y[estimator])
    again.partial_fit(X, Y[estimator])
    assert_array_equal(net.weights_, again.weights_)
    assert net.t_ == again.t_


def test_attributes_of_a_subclass_are_its_own():
    class Named(NLLRegressor):
        def fit(self, X, y):
            self.names_ = ["a", "b"]
            return super().fit(X, y)

    net = Named(**BRIEF).fit(X, Y[NLLRegressor])
    assert net.fit(X, Y[NLLRegressor]).names_ == ["a", "b"]


def test_a_fit_asks_no_way_to_copy_or_to_pickle():
    class Alone(NLLRegressor):
        def __getstate__(self):
            raise TypeError("do not pickle me")

        def __copy__(self):
            raise TypeError("do not copy me")

    net = Alone(warm_start=True, **BRIEF).fit(X, Y[NLLRegressor]).fit(X, Y[NLLRegressor])
    assert np.isfinite(net.predict(X)).all()
    with pytest.raises(ValueError, match="2 features, but Alone is expecting 3"):
        net.fit(X[:, :2], Y[NLLRegressor])


def test_a_subclass_may_have_an_init_of_its_own():
    class Mine(NLLRegressor):
        def __init__(self, alpha=1e-3, random_state=None):
            super().__init__("normal", (4,), max_iter=3, alpha=alpha, random_state=random_state)

    mine = Mine(random_state=0).fit(X, Y[NLLRegressor])
    assert list(mine.get_params()) == ["alpha", "random_state"]
    same = NLLRegressor("normal", alpha=1e-3, **BRIEF).fit(X, Y[NLLRegressor])
    assert_array_equal(mine.predict(X), same.predict(X))
