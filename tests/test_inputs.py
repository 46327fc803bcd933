"""X is scaled as scikit-learn's scalers do it, with weights, and outliers are drawn in."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain_classifier, plain_ranker, plain_regressor
from sklearn.preprocessing import RobustScaler, StandardScaler

from sklnll import NLLRegressor
from sklnll._data.x_units import InputScaling

rng = np.random.default_rng(0)
X = np.column_stack(
    [rng.normal(5, 3, 200), rng.lognormal(2, 2, 200), 1e6 * rng.uniform(size=200), np.ones(200)]
)
ONES = np.ones(len(X))


def test_standard_is_standard_scalers():
    scaled = InputScaling.fit(X, ONES, "standard")(X)
    assert_allclose(scaled, StandardScaler().fit_transform(X), atol=1e-12)


def drawn_in(z):
    return z / np.sqrt(1 + (z / 6) ** 2)


def test_robust_is_standard_scalers_drawn_in_without_outliers():
    ordinary = X[:, [0, 2, 3]]
    scaled = InputScaling.fit(ordinary, ONES, "robust")(ordinary)
    assert_allclose(scaled, drawn_in(StandardScaler().fit_transform(ordinary)), atol=1e-12)


def test_robust_is_robust_scalers_drawn_in_where_tails_are_long():
    odd = X[:199, 1:2]  # where quantiles at 1/4, 1/2 and 3/4 are values of y
    scaled = InputScaling.fit(odd, ONES[:199], "robust")(odd)
    z = RobustScaler(unit_variance=True).fit_transform(odd)
    # scikit-learn interpolates between neighboring values.
    assert_allclose(scaled, drawn_in(z), atol=0.05)
    assert np.abs(scaled).max() < 6


@pytest.mark.parametrize("outlier", [1e3, -1e6, 1e150, -1e300])
def test_no_outlier_changes_the_units_of_others(outlier):
    ordinary = rng.normal(5, 3, (999, 1))
    scaling = InputScaling.fit(np.vstack([ordinary, [[outlier]]]), np.ones(1000), "robust")
    expected = StandardScaler().fit(ordinary)
    assert_allclose(scaling.center, expected.mean_, atol=0.3)
    assert_allclose(scaling.unit, expected.scale_, rtol=0.1)


@pytest.mark.parametrize("kind", ["standard", "robust"])
def test_integer_weights_are_repeated_rows(kind):
    counts = rng.integers(1, 4, len(X))
    weighted = InputScaling.fit(X, counts.astype(float), kind)
    repeated = InputScaling.fit(np.repeat(X, counts, axis=0), np.ones(counts.sum()), kind)
    assert_allclose(weighted.center, repeated.center, rtol=1e-12)
    assert_allclose(weighted.unit, repeated.unit, rtol=1e-12)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_rare_values_have_units_of_their_own(share):
    """Their share has no say, and an outlier has none either."""
    n_rare = int(1000 * share)
    rare = np.zeros((1000, 2))
    rare[:n_rare] = 4.0
    rare[:n_rare, 1] = np.arange(1, n_rare + 1)
    rare[0, 1] = 1e9
    scaling = InputScaling.fit(rare, np.ones(1000), "robust")
    assert_array_equal(scaling.center, [0, 0])
    assert scaling.unit[0] == 4
    assert_allclose(scaling.unit[1], np.median(rare[:n_rare, 1]), rtol=0.1)
    constant = InputScaling.fit(np.full((9, 1), 7.0), np.ones(9), "robust")
    assert_array_equal(constant(np.full((2, 1), 7.0)), np.zeros((2, 1)))


@pytest.mark.parametrize("kind", ["standard", "robust"])
@pytest.mark.parametrize(
    ("center", "noise", "dtype"),
    [(1e9, 1e-6, float), (0.1, 1e-16, float), (-3e200, 1e185, float), (1e3, 1e-4, np.float32)],
)
def test_rounding_is_no_unit(kind, center, noise, dtype):
    column = (center + noise * rng.normal(size=(200, 1))).astype(dtype)
    column[0] += dtype(noise)
    scaling = InputScaling.fit(column, ONES, kind)
    assert_array_equal(scaling(column + dtype(0.1 * abs(center))), np.zeros((200, 1)))


@pytest.mark.parametrize("kind", ["standard", "robust"])
def test_what_varies_far_from_zero_has_a_unit(kind):
    column = 1e9 + rng.uniform(size=(200, 1))
    assert_allclose(InputScaling.fit(column, ONES, kind)(column).std(), 1, rtol=0.05)


@pytest.mark.parametrize("kind", ["standard", "robust"])
def test_enormous_values_stay_finite(kind):
    large = np.array([[-1.7e308], [0.0], [1.0], [1.7e308]])
    scaling = InputScaling.fit(large, np.ones(4), kind)
    assert np.isfinite(scaling(large)).all()


def test_the_dtype_stays():
    scaling = InputScaling.fit(X, ONES, "robust")
    assert scaling(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("x_scaling", ["standard", "robust"])
def test_units_of_x_do_not_matter(x_scaling):
    y = X[:, 0] + rng.normal(size=200)
    nets = [
        NLLRegressor(x_scaling=x_scaling, max_iter=5, random_state=0).fit(1024.0 * X * c, y)
        for c in (1.0, 2.0**-20)
    ]
    assert_array_equal(nets[0].weights_, nets[1].weights_)


@pytest.mark.parametrize("x_scaling", ["standard", "robust"])
def test_a_linear_network_has_coefficients_in_the_units_of_x(x_scaling):
    y = X[:, 0] + rng.normal(size=200)
    net = NLLRegressor(hidden_layer_sizes=(), x_scaling=x_scaling, random_state=0).fit(X, y)
    loc = X @ net.coefs_[0][:, 0] + net.intercepts_[0][0]
    unit, shift = net.scaling_.unit, net.scaling_.shift
    assert_allclose(loc * unit + shift, net.predict(X), rtol=1e-9)
    # Adam ends near least squares with weights, which lbfgs finds exactly.
    exact = plain_regressor("normal", (), solver="lbfgs", alpha=0.0, tol=1e-8).fit(X, y)
    assert net.loss_ == pytest.approx(exact.loss_, abs=2e-3)


@pytest.mark.parametrize(
    ("net", "y"),
    [
        (plain_regressor("normal"), X[:9, 0]),
        (plain_regressor("multivariate_normal"), X[:9, :2]),
        (plain_classifier(), np.arange(9) % 2),
        (plain_ranker(), X[:9, :3].argsort(axis=1)),
    ],
    ids=["numbers", "vectors", "labels", "orders"],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_row_read_backwards_is_a_row(net, y, dtype):
    """Numpy calls it contiguous."""
    rows = X[:9].astype(dtype)
    net.set_params(max_iter=2, random_state=0).fit(rows, y)
    expected = net.predict_dist(rows[:1]).params
    for backwards in (rows[:1][::-1], rows[:1, ::-1].copy()[:, ::-1]):
        for name, value in net.predict_dist(backwards).params.items():
            assert_array_equal(value, expected[name])
