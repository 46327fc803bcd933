"""Sparse rows are fitted as dense ones are, and are never made dense all together."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from plain import plain_classifier, plain_ranker, plain_regressor
from scipy import sparse
from sklearn.preprocessing import MaxAbsScaler

from sklnll import NLLRegressor
from sklnll._data.x_units import InputScaling

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FORMATS = [sparse.csr_array, sparse.csc_array, sparse.coo_array, sparse.lil_array]
FORMATS += [sparse.csr_matrix, sparse.dok_matrix, sparse.bsr_matrix, sparse.dia_matrix]
MAKERS = {"regressor": plain_regressor, "classifier": plain_classifier, "ranker": plain_ranker}

rng = np.random.default_rng(0)
X = rng.normal(1, 1, (90, 6)) * (rng.uniform(size=(90, 6)) < 0.3)
WEIGHT = rng.uniform(0.5, 1.5, 90)
"""Rows of such weights keep their order."""
Y = {
    "regressor": X.sum(axis=1) + rng.normal(size=90),
    "classifier": (X.sum(axis=1) > 0.5).astype(int),
    "ranker": (X[:, :3] + rng.normal(size=(90, 3))).argsort(axis=1),
}


@pytest.fixture
def nothing_is_small(monkeypatch):
    monkeypatch.setattr("sklnll._data.sparse._SMALL", 0)


def predicted(net, rows):
    params = net.predict_dist(rows).params
    return np.hstack([params[name].reshape(90, -1) for name in sorted(params)])


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"solver": "lbfgs"},
        {"n_frequencies": 2},
        {"n_estimators": 2},
        {"n_estimators": 2, "early_stopping": True},
        {"batch_norm": True, "dropout": 0.2},
        {"hidden_layer_sizes": ()},
    ],
    ids=str,
)
def test_sparse_rows_are_fitted_as_dense_ones(kind, params, nothing_is_small):
    params = {"hidden_layer_sizes": (4,), "batch_size": 20, "max_iter": 5, **params}
    net = MAKERS[kind](**params, random_state=0)
    if params.get("solver") == "lbfgs":
        net.set_params(batch_size="auto")
    dense = predicted(net.fit(X, Y[kind], WEIGHT), X)
    rows = sparse.csr_array(X)
    assert_allclose(predicted(net.fit(rows, Y[kind], WEIGHT), rows), dense, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["standard", "robust"])
@pytest.mark.parametrize("hidden", [(4,), ()])
def test_sparse_rows_are_fitted_as_dense_ones_that_were_scaled_before(
    kind, hidden, nothing_is_small
):
    rows, y = sparse.csr_array(X), Y["regressor"]
    net = plain_regressor(hidden_layer_sizes=hidden, max_iter=5, batch_size=20, random_state=0)
    scaling = InputScaling.fit(rows, WEIGHT, kind if hidden else "standard")
    before = net.fit(scaling(X), y, WEIGHT).predict(scaling(X))
    net.set_params(x_scaling=kind).fit(rows, y, WEIGHT)
    assert_allclose(net.predict(rows), before, rtol=1e-9)
    assert_allclose(net.predict(X), before, rtol=1e-9)


def test_dense_fits_predict_sparse_rows():
    net = NLLRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(X, Y["regressor"])
    assert_allclose(net.predict(sparse.csr_array(X)), net.predict(X), rtol=1e-12)


@pytest.mark.parametrize("make", FORMATS, ids=lambda make: make.__name__)
def test_every_format_is_taken(make, nothing_is_small):
    net = plain_regressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0)
    expected = net.fit(X, Y["regressor"], WEIGHT).predict(X)
    assert_allclose(net.fit(make(X), Y["regressor"], WEIGHT).predict(make(X)), expected)


def test_single_precision_stays(nothing_is_small):
    net = NLLRegressor(hidden_layer_sizes=(4,), max_iter=2)
    net.fit(sparse.csr_array(X.astype(np.float32)), Y["regressor"])
    assert net.weights_.dtype == np.float32


def test_validation_rows_may_be_sparse(nothing_is_small):
    net = plain_regressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0)
    y, rows = Y["regressor"], sparse.csr_array(X)
    net.fit(X, y, WEIGHT, X_val=X, y_val=y)
    expected = net.validation_scores_
    net.fit(rows, y, WEIGHT, X_val=rows, y_val=y)
    assert_allclose(net.validation_scores_, expected)


@pytest.mark.parametrize(
    ("params", "most"),
    [({"x_scaling": "standard"}, 0), ({"n_frequencies": 2}, 20), ({"solver": "lbfgs"}, 20)],
    ids=str,
)
def test_no_more_rows_than_a_block_are_made_dense(params, most, nothing_is_small, monkeypatch):
    monkeypatch.setattr("sklnll._training.lbfgs._NUMBERS_AT_ONCE", 20 * X.shape[1])
    monkeypatch.setattr("sklnll._data.rows._NUMBERS_PICKED", 1)
    monkeypatch.setattr("sklnll._network.network._LEAST_ROWS", 20)
    monkeypatch.setattr("sklnll._network.network._NUMBERS_AT_ONCE", 1)
    seen, toarray = [], sparse.csr_array.toarray

    def watched(rows, *args, **params):
        seen.append(rows.shape[0])
        return toarray(rows, *args, **params)

    monkeypatch.setattr(sparse.csr_array, "toarray", watched)
    size = {} if "solver" in params else {"batch_size": 20}
    net = plain_regressor(hidden_layer_sizes=(4,), max_iter=2, **size, **params)
    net.fit(sparse.csr_array(X), Y["regressor"]).predict(sparse.csr_array(X))
    assert max(seen, default=0) == most


def test_lbfgs_sums_over_blocks(monkeypatch):
    net = plain_regressor("student_t", (4,), solver="lbfgs", max_iter=10, random_state=0)
    whole = net.fit(X, Y["regressor"]).loss_curve_
    monkeypatch.setattr("sklnll._training.lbfgs._NUMBERS_AT_ONCE", 7 * X.shape[1])
    assert_allclose(net.fit(X, Y["regressor"]).loss_curve_, whole, rtol=1e-9)


@pytest.mark.parametrize("kind", ["standard", "robust"])
def test_columns_are_scaled_as_scikit_learn_scales_sparse_ones(kind):
    rows = sparse.csr_array(X)
    scaling = InputScaling.fit(rows, WEIGHT, kind)
    assert scaling.keeps_zeros
    found = scaling.of_sparse(rows).toarray()
    assert_allclose(found, scaling(X), rtol=1e-12)
    expected = MaxAbsScaler().fit_transform(X)
    if kind == "robust":
        expected /= np.sqrt(1 + (expected / 6) ** 2)
    assert_allclose(found, expected, rtol=1e-12)


def test_zeros_cost_no_threads(nothing_is_small):
    thin = sparse.csr_array(X)
    net = plain_regressor(hidden_layer_sizes=(4,), max_iter=2).fit(thin, Y["regressor"])
    network, units = net.network_.network(), net.network_.units
    n_weights = net.weights_.size
    assert network.products_of_a_row(units.density(X)) == n_weights
    stored = thin.nnz / len(X) * 4
    expected = n_weights - 4 * X.shape[1] + stored
    assert_allclose(network.products_of_a_row(units.density(thin)), expected)


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_what_is_not_finite_is_named(value, kind):
    bad = X.copy()
    bad[7, 2] = value
    with pytest.raises(ValueError, match=rf"X contains {kind}.* at row 7, column 2 \(1 of"):
        NLLRegressor().fit(sparse.csc_array(bad), Y["regressor"])
