"""A fit ends with finite numbers that predict, or with an error that says what to do."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklnll import NLLClassifier, NLLRegressor
from sklnll._network.fitted import FittedNetwork
from sklnll._training.objective import Objective
from sklnll.distributions import Normal

rng = np.random.default_rng(0)
Z = rng.normal(size=(60, 3))
Y = Z @ [0.5, -0.3, 0.2] + rng.normal(size=60)
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-8, "max_iter": 2000}

FAR = {
    "1e154": [1e154, 1, 1],
    "1e200": [1e200, 1, 1],
    "1e300": [1, 1e300, 1],
    "largest": [6e307, 1, 1],
    "1e-300": [1e-300, 1, 1],
    "1e-308": [1, 1, 1e-308],
    "mixed": [1e300, 1e-300, 1],
}
FAR_SINGLE = {"1e37": [1e37, 1, 1], "1e-38": [1, 1e-38, 1], "mixed": [1e-37, 1e37, 1]}
EACH = [
    *(pytest.param(np.float64, factors, id=name) for name, factors in FAR.items()),
    *(
        pytest.param(np.float32, factors, id=f"{name} float32")
        for name, factors in FAR_SINGLE.items()
    ),
]


def least_squares(X, y):
    """Fitted values by numpy."""
    design = np.column_stack([np.ones(len(X)), X])
    return design @ np.linalg.lstsq(design, y, rcond=None)[0]


# Columns at the ends of floats -------------------------------------------------------------------


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize(("dtype", "factors"), EACH)
def test_far_columns_are_least_squares_with_lbfgs(dtype, factors, form):
    rows = np.where(np.abs(Z) > 0.2, Z, 0)
    net = NLLRegressor(Normal(scale="constant"), **LINEAR)
    X = form((rows * factors).astype(dtype))
    tolerance = 1e-5 if dtype is np.float64 else 1e-3
    np.testing.assert_allclose(net.fit(X, Y).predict(X), least_squares(rows, Y), atol=tolerance)


@pytest.mark.parametrize("factors", FAR.values(), ids=FAR)
def test_far_columns_have_coefficients_in_their_units(factors):
    near = NLLRegressor("normal", **LINEAR).fit(Z, Y)
    far = NLLRegressor("normal", **LINEAR).fit(Z * factors, Y)
    expected = near.coefs_[0] / np.array(factors)[:, None]
    np.testing.assert_allclose(far.coefs_[0], expected, rtol=1e-4)


def test_columns_within_the_floats_are_left_as_they_are():
    assert NLLRegressor("normal", **LINEAR).fit(Z * [1e-60, 1, 1e60], Y).input_scaling_ is None


def test_coefficients_beyond_floats_are_told():
    net = NLLRegressor("normal", **LINEAR).fit((Z * [1e-42, 1, 1]).astype(np.float32), Y)
    assert np.isfinite(net.predict((Z * [1e-42, 1, 1]).astype(np.float32))).all()
    with pytest.warns(UserWarning, match="column 0 of X.*coefs_ has 0 or infinity"):
        assert np.isinf(net.coefs_[0]).any()


@pytest.mark.parametrize("factor", [1e-5, 1e-30, 1e-300])
@pytest.mark.parametrize("hidden", [(), (4,)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_column_that_alpha_switches_off_is_told(factor, hidden):
    net = NLLRegressor("normal", hidden, solver="lbfgs", alpha=0.1, max_iter=30, random_state=0)
    with pytest.warns(UserWarning, match="Column 1 of X .*alpha acts in X's units"):
        net.fit(Z * [1, factor, 1], Y)
    assert net.loss_ < NLLRegressor("normal", (), solver="lbfgs").fit(0 * Z, Y).loss_ - 0.02
    without = net.predict(Z * [1, 0, 1])
    np.testing.assert_allclose(net.predict(Z * [1, factor, 1]), without, atol=1e-4)


def test_a_constant_column_is_not_switched_off_by_alpha():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NLLRegressor("normal", (), solver="lbfgs", alpha=10.0).fit(Z * [1, 0, 1], Y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("factors", FAR.values(), ids=FAR)
@pytest.mark.parametrize("solver", ["lbfgs", "adam", "sgd"])
def test_far_columns_end_in_finite_numbers_with_every_solver(solver, factors):
    net = NLLRegressor("normal", (4,), solver=solver, alpha=0, max_iter=5, random_state=0)
    assert np.isfinite(net.fit(Z * factors, Y).predict(Z * factors)).all()
    assert np.isfinite(net.weights_).all()


def test_far_rows_that_continue_a_fit_are_refused_by_column():
    net = NLLRegressor("normal", warm_start=True, **LINEAR).fit(Z, Y)
    before = net.weights_.copy()
    with pytest.raises(ValueError, match="column 2 reaches beyond the float64"):
        net.fit(Z * [1, 1, 1e200], Y)
    np.testing.assert_array_equal(net.weights_, before)


# The check after every fit -----------------------------------------------------------------------


@pytest.fixture
def spoiled(monkeypatch):
    """A function: fits end with one value spoiled, of these attributes of the fitted network."""

    def spoil(name, value):
        of = FittedNetwork.of.__func__

        def broken(cls, *given):
            fitted = of(cls, *given)
            getattr(fitted, name).flat[-1] = value
            return fitted

        monkeypatch.setattr(FittedNetwork, "of", classmethod(broken))

    return spoil


def ways():
    """The ways to fit."""
    yield "fit", lambda net: net.fit(Z, Y)
    yield "partial_fit", lambda net: net.partial_fit(Z, Y)
    yield "lbfgs", lambda net: net.set_params(solver="lbfgs").fit(Z, Y)
    yield "sgd", lambda net: net.set_params(solver="sgd").fit(Z, Y)
    yield "recalibrate", lambda net: net.set_params(recalibrate="nll").fit(Z, Y, X_val=Z, y_val=Y)
    yield "warm_start", lambda net: net.set_params(warm_start=True).fit(Z, Y)


each_way = pytest.mark.parametrize("way", [pytest.param(way, id=name) for name, way in ways()])


@each_way
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_no_fit_ends_with_weights_that_are_not_finite(way, value, spoiled):
    spoiled("weights", value)
    net = NLLRegressor("normal", (4,), max_iter=2, random_state=0)
    with pytest.raises(ValueError, match=r"weights are not finite.*column .* of X reaches"):
        way(net)
    assert not net.__sklearn_is_fitted__()


@each_way
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_no_fit_ends_with_a_nan_that_is_only_seen_in_predictions(way, spoiled):
    spoiled("weights", 1e200)  # moderate weights are enough for an increment
    net = NLLRegressor("normal", (4,), max_iter=2, random_state=0)
    predict = FittedNetwork.predict_params

    def with_nan(self, *args, **kwargs):
        return {name: value * np.nan for name, value in predict(self, *args, **kwargs).items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FittedNetwork, "predict_params", with_nan)
        with pytest.raises(ValueError, match="parameter 'loc' is not finite"):
            way(net)


def test_a_start_whose_loss_is_not_finite_is_an_error_with_lbfgs(monkeypatch):
    gradient = Objective.gradient

    def broken(self, rows, **kwargs):
        loss, d = gradient(self, rows, **kwargs)
        return loss * np.nan, d

    monkeypatch.setattr(Objective, "gradient", broken)
    with pytest.raises(ValueError, match=r"cannot begin.*not finite.*alpha"):
        NLLRegressor("normal", **LINEAR).fit(Z, Y)


@pytest.mark.parametrize(("first", "kept"), [(0, "The start"), (3, "weights of iteration 3")])
def test_the_warning_says_which_weights_are_kept(first, kept, monkeypatch):
    gradient, calls = Objective.gradient, []

    def broken(self, rows, **kwargs):
        calls.append(None)
        loss, d = gradient(self, rows, **kwargs)
        return (loss * np.nan if len(calls) > first else loss), d

    monkeypatch.setattr(Objective, "gradient", broken)
    net = NLLClassifier(hidden_layer_sizes=(4,), batch_size=60, early_stopping=False, max_iter=9)
    with pytest.warns(ConvergenceWarning, match=kept):
        net.fit(Z, Y > 0)
    assert np.isfinite(net.predict_proba(Z)).all()
    assert np.isfinite(net.loss_)
