"""Numbers at the edge of what floats hold end in a fit, or in an error that names them."""

import re

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain_classifier, plain_ranker, plain_regressor
from sklearn.linear_model import PoissonRegressor

from sklnll import NLLRegressor, NumericalWarning
from sklnll.distributions import NegativeBinomial, Normal, Poisson, StudentT, ZeroInflated
from sklnll.metrics import negative_log_likelihood

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 30
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 2))
Y = np.round(np.exp(X[:, 0] / 3 + rng.normal(size=N) / 3) * 3)
KINDS = {
    "normal": (plain_regressor, "normal", Y),
    "poisson": (plain_regressor, "poisson", Y),
    "categorical": (plain_classifier, "categorical", (X[:, 0] + rng.normal(size=N) > 0) * 1),
    "plackett_luce": (plain_ranker, "plackett_luce", rng.normal(size=(N, 3)).argsort(axis=1)),
}
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0.0}


def cycle(*values):
    return np.resize(np.array(values, dtype=float), N)


# Weights -----------------------------------------------------------------------------------------

WEIGHTS = {
    "huge": cycle(1e308),
    "tiny": cycle(5e-324),
    "denormal": cycle(5e-324, 1e-323, 2e-310),
    "tiny or zero": cycle(5e-324, 0),
    "huge and ordinary": cycle(1e308, 1),
    "all sizes": cycle(1e308, 5e-324, 1, 0),
    "tiny and ordinary": cycle(5e-324, 1),
}


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("solver", "dtype"), [("lbfgs", "f8"), ("adam", "f4"), ("sgd", "f8")])
def test_extreme_weights_end_in_a_finite_fit(kind, name, solver, dtype):
    make, family, y = KINDS[kind]
    net = make(family, hidden_layer_sizes=(3,), solver=solver, max_iter=3, random_state=0)
    with np.errstate(all="raise", under="ignore"):
        net.fit(X.astype(dtype), y, WEIGHTS[name])
    assert np.isfinite(net.weights_).all()
    assert np.isfinite(net.loss_curve_).all()
    assert np.isfinite(net.predict_dist(X.astype(dtype)).log_prob(y)).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [1e300, 2.0**1000, 1e-300])
def test_only_ratios_of_weights_matter_where_nothing_penalizes(kind, factor):
    make, family, y = KINDS[kind]
    if family == "plackett_luce":  # scores are held to their start, whatever alpha is
        pytest.skip("its biases are penalized")
    weight = rng.uniform(1, 2, N)
    known = make(family, **LINEAR, tol=1e-8).fit(X, y, weight).predict_dist(X)
    found = make(family, **LINEAR, tol=1e-8).fit(X, y, weight * factor).predict_dist(X)
    assert_allclose(found.log_prob(y), known.log_prob(y), rtol=1e-5, atol=1e-6)


def test_a_tiny_weight_beside_ordinary_ones_counts_as_none():
    weight = cycle(1, 1, 1e-310)
    known = PoissonRegressor(alpha=0, tol=1e-9, max_iter=1000)
    known.fit(X[weight == 1], Y[weight == 1])
    found = plain_regressor("poisson", **LINEAR, tol=1e-9).fit(X, Y, weight)
    assert_allclose(found.predict(X), known.predict(X), rtol=1e-5)


def test_increments_refuse_weights_that_overflow():
    with pytest.raises(ValueError, match=r"partial_fit takes weights as they are.*1e\+20"):
        plain_regressor().partial_fit(X, Y, cycle(1, 1e20))
    for weight in (cycle(1e-320), cycle(1e14)):
        net = plain_regressor(random_state=0).partial_fit(X.astype("f4"), Y, weight)
        assert np.isfinite(net.predict(X.astype("f4"))).all()


def test_metrics_take_extreme_weights():
    dist = plain_regressor(**LINEAR).fit(X, Y).predict_dist(X)
    weight = rng.uniform(1, 2, N)
    known = negative_log_likelihood(Y, dist, sample_weight=weight)
    for factor in (8e307, 1e-300):
        found = negative_log_likelihood(Y, dist, sample_weight=weight * factor)
        assert_allclose(found, known, rtol=1e-12)


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_weights_that_are_not_finite_are_named_by_their_row(value, kind):
    weight = np.ones(N)
    weight[6] = value
    with pytest.raises(ValueError, match=f"contains {kind}: .* row 6 of sample_weight "):
        plain_regressor().fit(X, Y, weight)
    with pytest.raises(ValueError, match=f"contains {kind}: .* row 6 of sample_weight_val"):
        plain_regressor().fit(X, Y, X_val=X, y_val=Y, sample_weight_val=weight)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e308])
def test_weights_of_classes_are_finite(value):
    y = KINDS["categorical"][2]
    with pytest.raises(ValueError, match="sample_weight times class_weight, must be finite"):
        plain_classifier(class_weight={0: 1, 1: value}).fit(X, y, cycle(1e10))


# Exposures ---------------------------------------------------------------------------------------

RATES = [Poisson(), NegativeBinomial(), ZeroInflated(Poisson())]
SOFT_RATES = [
    Poisson(rate_link="softplus"),
    NegativeBinomial(mean_link="softplus"),
    ZeroInflated(Poisson(rate_link="softplus")),
]


@pytest.mark.parametrize("value", [5e-324, 1e-300, 1e-31, 1e31, 1e300])
@pytest.mark.parametrize("family", [*RATES, *SOFT_RATES], ids=repr)
def test_extreme_exposures_are_refused(family, value):
    told = re.escape(f"exposure must lie between 1e-30 and 1e+30; found {value:g} at row 4.")
    exposure = np.ones(N)
    net = plain_regressor(family, **LINEAR).fit(X, Y, exposure=exposure)
    exposure[4] = value
    with pytest.raises(ValueError, match=told):
        net.predict(X, exposure=exposure)
    with pytest.raises(ValueError, match=told):
        net.fit(X, Y, exposure=exposure)


@pytest.mark.parametrize("unit", [1e-30, 1e30])
@pytest.mark.parametrize("family", RATES, ids=repr)
def test_units_of_exposure_do_not_matter(family, unit):
    known = plain_regressor(family, **LINEAR).fit(X, Y, exposure=np.ones(N)).predict(X)
    exposure = np.full(N, unit)
    found = plain_regressor(family, **LINEAR).fit(X, Y, exposure=exposure)
    assert_allclose(found.predict(X, exposure=exposure), known, rtol=1e-3)


@pytest.mark.parametrize("family", SOFT_RATES, ids=repr)
def test_a_rate_that_softplus_hides_asks_for_another_unit(family):
    """Its floor, 1e-9 events, would be predicted: 1,000 of them instead of three."""
    for unit in (1e8, 1e12, 1e30):
        with pytest.raises(ValueError, match=r"events in a unit of exposure.*_link='log'"):
            plain_regressor(family, **LINEAR).fit(X, Y, exposure=np.full(N, unit))
    known = plain_regressor(family, **LINEAR).fit(X, Y, exposure=np.ones(N)).predict(X)
    exposure = np.full(N, 1e5)
    found = plain_regressor(family, **LINEAR).fit(X, Y, exposure=exposure)
    assert_allclose(found.predict(X, exposure=exposure).mean(), known.mean(), rtol=1e-3)


# Parameters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"power_t": 200, "learning_rate": "invscaling"}, "power_t=200 leaves steps of size 0"),
        ({"power_t": 1e308, "learning_rate": "invscaling"}, r"power_t=1e\+308 leaves steps"),
        ({"learning_rate_init": 1e300}, "learning_rate_init must be at most"),
        ({"weight_decay": 1e300}, "weight_decay must be at most"),
    ],
)
def test_a_parameter_that_overflows_is_named(params, told):
    with pytest.raises(ValueError, match=told):
        NLLRegressor(solver="sgd", max_iter=3, **params).fit(X.astype("f4"), Y)


@pytest.mark.parametrize(
    "params",
    [
        {"alpha": 1e308},
        {"alpha": 5e-324},
        {"epsilon": 1e308},
        {"epsilon": 5e-324},
        {"tol": 1e308},
        {"max_grad_norm": 5e-324},
        {"max_grad_norm": 1e308},
        {"learning_rate_init": 5e-324},
        {"beta_1": 1 - 1e-16, "beta_2": 1 - 1e-16},
        {"n_iter_no_change": 10**30},
        {"n_threads": 10**6},
    ],
    ids=str,
)
def test_other_parameters_at_their_ends_leave_a_finite_fit(params):
    for dtype in ("f4", "f8"):
        rows = X.astype(dtype)
        net = NLLRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0, **params)
        assert np.isfinite(net.fit(rows, Y).predict(rows)).all()


# Memory ------------------------------------------------------------------------------------------


class Greedy(Normal):
    """A family that asks torch for more memory than there is."""

    def log_prob(self, y, loc, scale):
        torch.empty(2**60)
        return super().log_prob(y, loc, scale)


def test_too_little_memory_is_a_memory_error(monkeypatch):
    with pytest.raises(MemoryError, match=r"allocate memory.*hidden_layer_sizes.*batch_size"):
        NLLRegressor(Greedy(), max_iter=1).fit(X, Y)
    with pytest.raises(MemoryError, match="hidden_layer_sizes"):
        NLLRegressor(hidden_layer_sizes=(10**30,)).fit(X, Y)
    net = plain_regressor(**LINEAR).fit(X, Y)
    greedy = type(net.network_)
    monkeypatch.setattr(greedy, "predict_params", lambda *_, **__: torch.empty(2**60))
    with pytest.raises(MemoryError, match="allocate memory"):
        net.predict(X)


def test_other_errors_stay_as_they_are():
    class Broken(Normal):
        def log_prob(self, y, loc, scale):
            raise RuntimeError("no such law")

    with pytest.raises(RuntimeError, match="no such law"):
        NLLRegressor(Broken(), max_iter=1).fit(X, Y)


# Moments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("df", [0.5, 1.0])
def test_a_mean_that_does_not_exist_is_warned_of(df):
    net = plain_regressor(StudentT(df=df), point_estimate="mean", **LINEAR).fit(X, Y)
    with pytest.warns(NumericalWarning, match=r"The mean of StudentT\(df=.* at row 0.*'median'"):
        assert not np.isfinite(net.predict(X)).any()
    net.set_params(point_estimate="median")
    assert np.isfinite(net.predict(X)).all()


@pytest.mark.parametrize("df", [0.5, 1.5, 2.0])
def test_a_deviation_that_does_not_exist_is_warned_of(df):
    net = plain_regressor(StudentT(df=df), **LINEAR).fit(X, Y)
    with pytest.warns(
        NumericalWarning, match=r"The std of StudentT\(df=.*\(30 of 30 predictions\)"
    ):
        point, std = net.predict(X, return_std=True)
    assert np.isfinite(point).all()
    assert not np.isfinite(std).any()


def test_a_mean_beyond_float32_is_warned_of():
    rows, counts = X.astype("f4"), np.round(Y * 1e10)
    net = plain_regressor("poisson", **LINEAR).fit(rows, counts, exposure=np.ones(N))
    with pytest.warns(NumericalWarning, match=r"beyond float32.*predict_dist"):
        assert np.isinf(net.predict(rows, exposure=np.full(N, 1e30))).all()
    assert_array_equal(np.isfinite(net.predict(rows)), True)
