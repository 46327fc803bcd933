"""Does every fit that is not refused end in lawful predictions, whatever is asked of it?"""

import numpy as np
import pytest
from conftest import _draw_rows
from distributions.cases import FAMILIES
from fuzzing import TRIED, errors_are_ours, tries
from hypothesis import given
from hypothesis import strategies as st
from kinds import estimator_of, one_of_each_kind
from lawful import check, same
from sklearn.exceptions import NotFittedError

PARAMS = {
    "hidden_layer_sizes": [(), (3,), (4, 2)],
    "activation": ["silu", "relu", "tanh", "identity"],
    "solver": ["adam", "sgd", "lbfgs"],
    "x_scaling": ["robust", "standard", None],
    "n_estimators": [1, 2],
    "n_frequencies": ["auto", 0, 2],
    "batch_size": ["auto", 1, 7],
    "max_iter": [1, 4, 12],
    "learning_rate_init": [1e-3, 0.1, 10.0],
    "learning_rate": ["cosine", "constant", "adaptive"],
    "early_stopping": ["auto", True, False],
    "validation_fraction": [0.15, 0.5, 0.99],
    "alpha": [0.0, 1e-4, 1e3],
    "weight_decay": [0.0, 0.1],
    "dropout": [0.0, 0.5],
    "batch_norm": [False, True],
    "annealing": [0.0, 0.5, 1.0],
    "recalibrate": [None, "nll"],
    "max_grad_norm": [None, 1.0],
    "random_state": [0, 1],
}
"""What is asked of an estimator: few choices of each, of which most fits take the default."""

WEIGHTS = {
    "none": lambda n: None,
    "ones": np.ones,
    "whole": lambda n: np.arange(n) % 3,
    "one row": lambda n: (np.arange(n) == 0) * 1.0,
    "zero": np.zeros,
    "huge": lambda n: np.full(n, 1e30),
    "tiny": lambda n: np.full(n, 1e-30),
    "far apart": lambda n: 10.0 ** (np.arange(n) % 5 * 10 - 20),
}


@st.composite
def params(draw):
    """A few parameters of an estimator that are not the default."""
    names = draw(st.lists(st.sampled_from(sorted(PARAMS)), max_size=5, unique=True))
    chosen = {name: draw(st.sampled_from(PARAMS[name])) for name in names}
    return {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0, **chosen}


@st.composite
def rows(draw, name):
    """X and y that suit the family, in units and shapes of all kinds."""
    n, n_columns = draw(st.sampled_from([8, 1, 2, 3, 30])), draw(st.sampled_from([3, 1]))
    X, y = _draw_rows(name, max(n, 3), draw(st.integers(0, 9)))
    X, y = X[:n, :n_columns], y[:n]
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    X = (X * draw(st.sampled_from([1.0, 1e-6, 1e6]))).astype(dtype)
    if draw(st.booleans()):
        X[:, 0] = X[0, 0]
    units = FAMILIES[name].support.units
    if units != "none":
        y = y * draw(st.sampled_from([1.0, 1e-9, 1e9]))
    if units == "affine":
        y = y + draw(st.sampled_from([0.0, 1e6]))
    if draw(st.sampled_from([False, False, False, True])):
        y = np.repeat(y[:1], n, axis=0)
    return X, y


def fit(name, X, y, weight, **chosen):
    """Fit, and let only errors and warnings of ours pass."""
    with errors_are_ours():
        return estimator_of(FAMILIES[name])(name, **chosen).fit(X, y, weight)


def params_of(net, X):
    with errors_are_ours():
        return net.predict_dist(X).params


def assert_lawful(net, X, y, weight):
    """Hold all that is true of each fitted net against one."""
    for value in params_of(net, X).values():
        assert np.isfinite(value).all(), "predicted parameters are finite"
    with errors_are_ours():
        check(net.predict_dist(X[:2]))
        log_prob, point = net.predict_dist(X).log_prob(y), net.predict(X)
    counts = np.ones(len(X), bool) if weight is None else weight > 1e-3 * np.max(weight)
    assert np.isfinite(log_prob[counts]).all(), "the rows of training are possible"
    assert len(point) == len(X)
    assert net.weights_.dtype == X.dtype
    assert_rows_are_on_their_own(net, X)


def assert_rows_are_on_their_own(net, X):
    """A row is predicted as among others, in whatever order they come."""
    rtol = 1e-3 if X.dtype == np.float32 else 1e-6
    together = params_of(net, X)
    for name, value in params_of(net, X[::-1]).items():
        assert same(value[::-1], together[name], rtol), "the order of rows does not count"
    for name, value in params_of(net, X[-1:]).items():
        assert same(value[0], together[name][-1], rtol), "a row alone is predicted the same"


@pytest.mark.parametrize("name", one_of_each_kind())
@tries(few=2, many=180)
@given(data=st.data())
def test_a_fit_is_lawful_or_refused(name, data):
    X, y = data.draw(rows(name))
    weight = WEIGHTS[data.draw(st.sampled_from(list(WEIGHTS)))](len(X))
    chosen = data.draw(params())
    try:
        net = fit(name, X, y, weight, **chosen)
    except (ValueError, TypeError, NotFittedError):
        TRIED["fits that were refused"] += 1
        return
    TRIED["fits"] += 1
    assert_lawful(net, X, y, weight)


@pytest.mark.parametrize("name", one_of_each_kind())
@tries(few=1, many=20)
@given(data=st.data())
def test_whole_weights_are_repetitions(name, data):
    X, y = _draw_rows(name, 30, data.draw(st.integers(0, 9)))
    weight = np.random.default_rng(data.draw(st.integers(0, 9))).integers(1, 4, len(X))
    chosen = {**data.draw(params()), "solver": data.draw(st.sampled_from(["adam", "sgd"]))}
    repeated = np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0)
    try:
        nets = fit(name, X, y, weight, **chosen), fit(name, *repeated, None, **chosen)
    except (ValueError, TypeError):
        TRIED["fits that were refused"] += 1
        return
    TRIED["fits"] += 2
    np.testing.assert_array_equal(nets[0].weights_, nets[1].weights_)
