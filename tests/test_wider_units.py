"""Do units widen where the first rows hardly spread, and are rows in an order noticed?"""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from sklnll import NLLClassifier, NLLRegressor
from sklnll._data.seen import SeenRows
from sklnll._data.y_units import TargetScaling
from sklnll.distributions import Gamma, Laplace, Normal

NET = {"hidden_layer_sizes": (32,), "learning_rate_init": 0.01, "random_state": 0}

rng = np.random.default_rng(0)
X = rng.normal(size=(1000, 3))
Y = X[:, 0] + np.sin(2 * X[:, 1]) + 0.3 * rng.normal(size=1000)
FIRST = slice(0, 50)
PARTS = [slice(start, start + 100) for start in range(0, 1000, 100)]
IN_ORDER = "rows seem to come in an order"


def narrow(rows, center):
    rows = rows.copy()
    rows[:, 0] = center + 1e-6 * rows[:, 0]
    return rows


BEGINNINGS = {
    "column at 0": (narrow(X[FIRST], 0.0), Y[FIRST]),
    "column at 3": (narrow(X[FIRST], 3.0), Y[FIRST]),
    "column constant": (X[FIRST] * [0, 1, 1], Y[FIRST]),
    "y": (X[FIRST], 1e-6 * Y[FIRST]),
    "y constant": (X[FIRST], np.full(50, 2.0)),
    "one row": (X[:1], Y[:1]),
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_first_rows_do_not_fix_the_units_for_ever(name):
    net = NLLRegressor(**NET).partial_fit(*BEGINNINGS[name])
    for _ in range(8):
        for part in PARTS:
            net.partial_fit(X[part], Y[part])
    dist = net.predict_dist(X)
    assert np.mean((dist.mean() - Y) ** 2) < 0.15
    assert -dist.log_prob(Y).mean() < 0.5


@pytest.mark.parametrize("name", ["column at 0", "y"])
def test_a_warm_start_takes_units_of_its_rows(name):
    net = NLLRegressor(warm_start=True, max_iter=40, **NET).fit(*BEGINNINGS[name])
    net.fit(X, Y)
    assert np.mean((net.predict(X) - Y) ** 2) < 0.2


@pytest.mark.parametrize("hidden", [(8,), ()])
@pytest.mark.parametrize("growth", [4.0, 1e5])
def test_the_network_sees_the_old_center_as_before(hidden, growth):
    """And all else, where it is linear and the unit grew moderately."""
    net = NLLRegressor(hidden_layer_sizes=hidden, warm_start=True, max_iter=3, random_state=0)
    before = net.fit(X, Y).predict(X)
    center = net.input_scaling_.center[None]
    at_center = net.predict(center)
    net.set_params(learning_rate_init=1e-12, max_iter=1, weight_decay=0.0)
    net.set_params(early_stopping=False).fit(X * [growth, 1, 1], Y)
    assert net.input_scaling_.unit[0] > 0.8 * growth
    assert_allclose(net.predict(center), at_center, atol=1e-6)
    if not hidden and growth < 8:
        assert_allclose(net.predict(X), before, atol=1e-6)


def test_sparse_columns_widen(monkeypatch):
    monkeypatch.setattr("sklnll._data.sparse._SMALL", 0)
    net = NLLRegressor(**NET).partial_fit(sparse.csr_array(narrow(X[FIRST], 0.0)), Y[FIRST])
    for _ in range(8):
        for part in PARTS:
            net.partial_fit(sparse.csr_array(X[part]), Y[part])
    assert np.mean((net.predict(X) - Y) ** 2) < 0.2


@pytest.mark.parametrize("factor", [0.01, 1.0, 1.5])
@pytest.mark.parametrize("family", [Normal(), Laplace(), Gamma()])
def test_units_of_y_stay_where_they_suit(family, factor):
    y = np.exp(0.3 * Y)[:, None]
    scaling = TargetScaling.fit(family, y, np.ones(1000))
    assert scaling.widened(family, factor * y, np.ones(1000)) is scaling
    outliers = np.where(np.arange(1000)[:, None] < 200, 1e9, y)
    assert scaling.widened(family, outliers, np.ones(1000)) is scaling
    assert (scaling.widened(family, 100 * y, np.ones(1000)).unit > 10 * scaling.unit).all()


# Rows in an order -------------------------------------------------------------------------------


def messages(net, order, size, y=Y, **params):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for start in range(0, len(order), size):
            part = order[start : start + size]
            net.partial_fit(X[part], y[part], **params)
    return [str(warning.message) for warning in caught]


BY_Y = np.argsort(Y)
ORDERS = {
    "rising": BY_Y,
    "falling": BY_Y[::-1],
    "blocks": BY_Y.reshape(10, 100)[[3, 8, 1, 6, 0, 9, 2, 7, 4, 5]].ravel(),
}


@pytest.mark.parametrize("size", [20, 200])
@pytest.mark.parametrize("name", ORDERS)
def test_rows_that_come_in_an_order_are_warned_of(name, size):
    net = NLLRegressor(hidden_layer_sizes=(3,))
    assert any(IN_ORDER in text for text in messages(net, ORDERS[name], size))


def test_labels_that_come_in_an_order_are_warned_of():
    net, labels = NLLClassifier(hidden_layer_sizes=(3,)), np.array(["a", "b"])[(Y > 0).astype(int)]
    assert any(IN_ORDER in text for text in messages(net, BY_Y, 100, labels, classes=["a", "b"]))


@pytest.mark.parametrize("size", [1, 20, 100])
@pytest.mark.parametrize("kind", ["real", "heavy tails", "rare", "counts"])
def test_rows_in_no_order_are_not(kind, size):
    random_state = np.random.default_rng(1)
    y = {
        "real": Y,
        "heavy tails": random_state.standard_cauchy(1000),
        "rare": (random_state.uniform(size=1000) < 0.01).astype(float),
        "counts": random_state.poisson(0.5, 1000).astype(float),
    }[kind]
    net = NLLRegressor(hidden_layer_sizes=(3,))
    assert not messages(net, np.arange(100 if size == 1 else 1000), size, y)


def test_each_row_is_kept_with_the_same_probability():
    kept = []
    for seed in range(40):
        y = np.random.RandomState(seed).permutation(2000)[:, None].astype(float)
        seen = SeenRows.none(np.empty((0, 2)), y)
        for start in range(0, 2000, 40):
            part = y[start : start + 40]
            seen = seen.followed_by(np.zeros((len(part), 2)), part).merged()
        assert seen.weight.sum() == pytest.approx(2000)
        kept.append(seen.y.mean())
    assert np.mean(kept) == pytest.approx(999.5, abs=4 * 577 / np.sqrt(40 * 128))
    assert np.std(kept) == pytest.approx(577 / np.sqrt(128), rel=0.4)
