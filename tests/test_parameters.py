"""Parameters come in every type that scikit-learn takes for them, and in subclasses."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklnll import NLLClassifier, NLLRanker, NLLRegressor
from sklnll.distributions import (
    Binomial,
    Mixture,
    NegativeBinomial,
    Normal,
    StudentT,
    Truncated,
    ZeroInflated,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

INTEGERS = [np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64]
FLOATS = [np.float16, np.float32, np.float64, np.longdouble]
WHOLE = {
    "hidden_layer_sizes": 4,
    "n_estimators": 2,
    "n_frequencies": 2,
    "batch_size": 8,
    "max_iter": 5,
    "random_state": 7,
    "n_iter_no_change": 3,
    "max_fun": 100,
    "n_threads": 1,
    "verbose": 0,
}
REAL = {
    "alpha": 0.5,
    "learning_rate_init": 0.25,
    "power_t": 0.5,
    "tol": 0.25,
    "momentum": 0.5,
    "validation_fraction": 0.25,
    "beta_1": 0.5,
    "beta_2": 0.5,
    "epsilon": 0.25,
    "weight_decay": 0.5,
    "max_grad_norm": 0.5,
    "annealing": 0.5,
    "ema_decay": 0.5,
    "dropout": 0.5,
}

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 2))
Y = np.round(np.exp(X[:, 0] / 3 + rng.normal(size=24) / 3) * 3)
TARGETS = {
    NLLRegressor: Y,
    NLLClassifier: (X[:, 0] > 0).astype(int),
    NLLRanker: rng.normal(size=(24, 3)).argsort(axis=1),
}


def weights(cls, **params):
    """The weights of a short fit, which must predict, too."""
    brief = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0, **params}
    if "max_iter" in params:  # many, but not for long
        brief["n_iter_no_change"] = 1
    net = cls(**brief).fit(X, TARGETS[cls])
    net.predict_dist(X)
    return net.weights_


@pytest.mark.parametrize("cls", TARGETS)
@pytest.mark.parametrize("name", [*WHOLE, *REAL])
def test_numbers_of_numpy_are_numbers(cls, name):
    """In particular, 8 bits do not overflow."""
    value = {**WHOLE, **REAL}[name]
    solver = "lbfgs" if name == "max_fun" else "sgd" if name in ("power_t", "momentum") else "adam"
    also = {"solver": solver, "early_stopping": name == "validation_fraction"}
    if solver == "sgd":
        also["learning_rate"] = "invscaling"
    known = weights(cls, **{name: value}, **also)
    kinds = INTEGERS if name in WHOLE else FLOATS
    for kind in kinds if cls is NLLRegressor else kinds[:1]:
        assert_array_equal(weights(cls, **{name: kind(value)}, **also), known)


@pytest.mark.parametrize("kind", INTEGERS)
def test_sizes_of_layers_may_be_an_array(kind):
    known = weights(NLLRegressor, hidden_layer_sizes=(3, 4))
    for sizes in (np.array([3, 4], kind), [kind(3), kind(4)], (kind(3), kind(4))):
        assert_array_equal(weights(NLLRegressor, hidden_layer_sizes=sizes), known)


FAMILIES = {
    "trials": (lambda number: Binomial(trials=number(100)), INTEGERS + FLOATS),
    "n_components": (lambda number: Mixture(Normal(), n_components=number(2)), INTEGERS[::3]),
    "df": (lambda number: StudentT(df=number(5)), INTEGERS + FLOATS),
    "dispersion": (lambda number: NegativeBinomial(dispersion=number(0.5)), FLOATS),
    "scale": (lambda number: Normal(scale=number(0.5)), FLOATS),
    "low": (lambda number: Truncated(Normal(), number(0), number(100)), INTEGERS),
    "inflation": (lambda number: ZeroInflated(NegativeBinomial(), number(0.25)), FLOATS),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_numbers_of_numpy_are_parameters_of_families(name):
    make, kinds = FAMILIES[name]
    plain = int if INTEGERS[0] in kinds else float
    known = weights(NLLRegressor, distribution=make(plain))
    for kind in kinds:
        assert_array_equal(weights(NLLRegressor, distribution=make(kind)), known)


@pytest.mark.parametrize("kind", INTEGERS)
def test_numbers_of_numpy_are_arguments_of_predictions(kind):
    net = NLLRegressor(hidden_layer_sizes=(), max_iter=1, random_state=0).fit(X, Y)
    dist = net.predict_dist(X)
    assert_array_equal(net.sample_y(X, kind(100)), net.sample_y(X, 100))
    assert_array_equal(dist.rvs(kind(100), kind(3)), dist.rvs(100, 3))
    assert_array_equal(dist[kind(5)].mean(), dist[5].mean())


@pytest.mark.parametrize("kind", FLOATS)
def test_floats_of_numpy_are_levels(kind):
    net = NLLRegressor(hidden_layer_sizes=(), max_iter=1, random_state=0).fit(X, Y)
    assert_array_equal(net.predict_quantiles(X, kind(0.25)), net.predict_quantiles(X, 0.25))
    assert_array_equal(net.predict_interval(X, kind(0.5)), net.predict_interval(X, 0.5))


def test_a_search_goes_over_arrays():
    grid = {
        "batch_size": np.array([4, 8]),
        "n_estimators": np.array([1, 2], np.int8),
        "alpha": np.logspace(-3, 0, 2, dtype=np.float32),
    }
    net = NLLRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
    search = GridSearchCV(net, grid, cv=2, error_score="raise").fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# Subclasses --------------------------------------------------------------------------------------


class Brief(NLLRegressor):
    """A subclass that has fewer parameters, and a default of its own."""

    def __init__(self, alpha=1e-3, random_state=None, warm_start=False):
        super().__init__(
            "gamma",
            hidden_layer_sizes=(3,),
            max_iter=2,
            alpha=alpha,
            random_state=random_state,
            warm_start=warm_start,
        )


class WithOneMore(NLLClassifier):
    """A subclass that has one parameter more."""

    def __init__(self, power=1, hidden_layer_sizes=(3,), max_iter=2, random_state=None):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes, max_iter=max_iter, random_state=random_state
        )
        self.power = power


@pytest.mark.parametrize(
    ("cls", "same", "y"),
    [
        (Brief, NLLRegressor("gamma", hidden_layer_sizes=(3,), max_iter=2, alpha=1e-3), Y + 1),
        (WithOneMore, NLLClassifier(hidden_layer_sizes=(3,), max_iter=2), X[:, 0] > 0),
    ],
)
def test_a_subclass_may_have_another_init(cls, same, y):
    known = same.set_params(random_state=0).fit(X, y).weights_
    net = cls(random_state=0)
    assert_array_equal(net.fit(X, y).weights_, known)
    assert_array_equal(clone(net).fit(X, y).weights_, known)
    assert_array_equal(pickle.loads(pickle.dumps(net)).predict(X), net.predict(X))
    more = net.partial_fit(X, y).weights_
    assert_array_equal(more, same.partial_fit(X, y).weights_)
    search = GridSearchCV(cls(), {"random_state": np.arange(2)}, cv=2, error_score="raise")
    assert search.fit(X, y).best_estimator_.random_state in (0, 1)


def test_a_subclass_may_go_on():
    net = Brief(random_state=0, warm_start=True).fit(X, Y + 1)
    first = net.weights_.copy()
    assert (net.fit(X, Y + 1).weights_ != first).any()
    assert len(net.loss_curve_) == 4
