"""A y of several numbers that depend on each other: fitted, predicted, conditioned."""

import pickle

import numpy as np
import pandas as pd
import pytest
from distributions.cases import CASES, FAMILIES, VECTORS
from plain import plain_regressor
from scipy import stats
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import predict_dist
from sklnll._data.y_units import TargetScaling
from sklnll.distributions import (
    DISTANCE,
    PLACE,
    Beta,
    Dirichlet,
    MultivariateNormal,
    Normal,
)
from sklnll.metrics import neg_crps_scorer, neg_nll_scorer
from sklnll.predictive import ContinuousPredictive, VectorPredictive, predictive

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-9, "max_iter": 5000}
LEVELS = np.array([0.01, 0.3, 0.975])
every_family = pytest.mark.parametrize("name", VECTORS)


def predicted(name):
    """A distribution of three rows, and a y for them."""
    params = CASES[name].params
    y = FAMILIES[name].rvs(1, np.random.RandomState(0), **params)[:, 0]
    return predictive(FAMILIES[name], params), y


def correlated_rows(n=200, seed=0):
    """X, y with three outputs whose errors are correlated, and their covariance."""
    rng = np.random.default_rng(seed)
    X, factor = rng.normal(size=(n, 2)), np.array([[1.0, 0, 0], [0.8, 0.5, 0], [-0.5, 0.4, 0.3]])
    return X, [5, 0, -2] + X @ rng.normal(size=(2, 3)) + rng.normal(size=(n, 3)) @ factor.T


# The predicted distribution -----------------------------------------------------------------------


@every_family
def test_log_prob_is_scipys(name):
    dist, y = predicted(name)
    expected = [row.logpdf(v) for row, v in zip(dist.to_scipy(), y, strict=True)]
    np.testing.assert_allclose(dist.log_prob(y), expected, rtol=1e-10)
    np.testing.assert_allclose(dist.logpdf(y), expected, rtol=1e-10)
    np.testing.assert_allclose(dist.pdf(y), np.exp(expected), rtol=1e-9)


@every_family
def test_one_vector_is_for_all_rows_and_a_grid_against_all(name):
    dist, y = predicted(name)
    for row in y:
        expected = dist.log_prob(np.tile(row, (3, 1)))
        np.testing.assert_allclose(dist.log_prob(row), expected, rtol=1e-12)
    grid = dist.log_prob(y[:2, None])
    assert grid.shape == (2, 3)
    for row, values in zip(y, grid, strict=False):
        np.testing.assert_allclose(values, dist.log_prob(row), rtol=1e-12)


@every_family
@pytest.mark.parametrize("shape", [(3,), (3, 2), (2, 3), (1, 3), (3, 3, 1), (2, 2, 3), ()])
def test_y_of_another_shape_is_refused(name, shape):
    dist = predicted(name)[0][:2] if shape == (2, 3) else predicted(name)[0]
    if shape in [(3,), (2, 3)]:
        assert dist.log_prob(np.full(shape, 1 / 3)).shape == (len(dist),)
        return
    with pytest.raises(ValueError, match=r"y must have shape \(3, 3\), .* one vector \(3,\)"):
        dist.log_prob(np.full(shape, 1 / 3))


@every_family
def test_nan_stays_nan_and_nothing_is_outside(name):
    dist, y = predicted(name)
    y[1, 2] = np.nan
    np.testing.assert_array_equal(np.isnan(dist.log_prob(y)), [False, True, False])
    outside = [np.inf, 0.0, 0.5] if name == "multivariate_normal" else [0.5, 0.5, 0.1]
    np.testing.assert_array_equal(dist.log_prob(outside), -np.inf)
    np.testing.assert_array_equal(dist.pdf(outside), 0)


def test_shares_of_zero_or_less_are_impossible():
    dist, _ = predicted("dirichlet")
    for y in [[0.0, 0.5, 0.5], [-0.5, 0.5, 1.0], [1.0, 0.0, 0.0]]:
        np.testing.assert_array_equal(dist.log_prob(y), -np.inf)


def test_a_y_beyond_the_numbers_is_impossible_but_no_nan():
    params = {"loc": np.zeros((1, 2)), "scale_tril": np.array([[[1e-200, 0], [1e200, 1e200]]])}
    assert predictive(MultivariateNormal(), params).log_prob([1e200, 0.0]) == -np.inf


@every_family
def test_marginals_have_the_methods_of_numbers(name):
    dist, y = predicted(name)
    assert dist.marginals.shape == dist.shape == (3, 3)
    for method in ("mean", "median", "var", "std"):
        np.testing.assert_array_equal(getattr(dist, method)(), getattr(dist.marginals, method)())
    np.testing.assert_array_equal(dist.crps(y), dist.marginals.crps(y))
    np.testing.assert_array_equal(dist.ppf(LEVELS), dist.marginals.ppf(LEVELS))
    assert dist.ppf(LEVELS).shape == (3, 3, 3)
    assert dist.ppf(0.5).shape == (3, 3)
    assert dist.interval().shape == (3, 3, 2)
    for j in range(3):
        one = dist.marginal(j)
        assert isinstance(one, ContinuousPredictive)
        assert one.shape == (3,)
        np.testing.assert_array_equal(one.ppf(LEVELS), dist.ppf(LEVELS)[:, j])
        np.testing.assert_array_equal(one.cdf(y[:, j]), dist.marginals.cdf(y)[:, j])
        np.testing.assert_allclose(one.var(), dist.cov()[:, j, j], rtol=1e-12)


def test_marginals_are_normal_or_beta():
    normal, beta = (predicted(name)[0] for name in ["multivariate_normal", "dirichlet"])
    deviation = np.sqrt(np.diagonal(normal.cov(), axis1=1, axis2=2))
    expected = stats.norm(normal.params["loc"], deviation).ppf(0.3)
    np.testing.assert_allclose(normal.ppf(0.3), expected, rtol=1e-12)
    a = beta.params["mean"] * beta.params["precision"][:, None]
    total = a.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(beta.ppf(0.3), stats.beta(a, total - a).ppf(0.3), rtol=1e-10)


@every_family
def test_point_is_the_summary_of_that_name(name):
    dist = predicted(name)[0]
    for estimate in ("mean", "median", "mode"):
        np.testing.assert_array_equal(dist.point(estimate), getattr(dist, estimate)())
        assert dist.point(estimate).shape == (3, 3)
    np.testing.assert_array_equal(dist.point(), dist.mean())


@every_family
def test_draws_are_seeded_and_shaped(name):
    dist = predicted(name)[0]
    assert dist.rvs(random_state=0).shape == (3, 3)
    assert dist.rvs(7, random_state=0).shape == (3, 7, 3)
    np.testing.assert_array_equal(dist.rvs(2, 5), dist.rvs(2, np.random.RandomState(5)))
    assert (dist.rvs(2, 5) != dist.rvs(2, 6)).any()
    assert np.isfinite(dist.rvs(2, np.random.default_rng(0))).all()
    assert np.isfinite(dist.log_prob(dist.rvs(random_state=1))).all()
    with pytest.raises(ValueError, match="size is the number of draws"):
        dist.rvs((2, 3))


@every_family
def test_entropy_is_the_mean_surprise_of_draws(name):
    dist = predicted(name)[0]
    draws = dist.rvs(20_000, random_state=0)
    for i in range(3):
        surprise = -dist[i].log_prob(draws[i][:, None])[:, 0]
        error = surprise.std() / np.sqrt(20_000)
        assert abs(surprise.mean() - dist.entropy()[i]) < 4.5 * error


@every_family
@pytest.mark.parametrize("rows", [1, slice(1, 3), [2, 0], np.array([True, False, True])], ids=repr)
def test_slices_are_rows(name, rows):
    dist, y = predicted(name)
    some = dist[rows]
    assert type(some) is VectorPredictive
    expected = np.atleast_1d(dist.log_prob(y)[rows])
    np.testing.assert_allclose(some.log_prob(np.atleast_2d(y[rows])), expected, rtol=1e-13)
    assert len(some) == len(expected)


@every_family
def test_copies_frames_and_names(name):
    dist, y = predicted(name)
    again = pickle.loads(pickle.dumps(dist))
    np.testing.assert_array_equal(again.log_prob(y), dist.log_prob(y))
    assert repr(dist) == f"VectorPredictive({FAMILIES[name]!r}, n_rows=3)"
    for attribute in ("cdf", "pit", "pmf", "meen"):
        with pytest.raises(AttributeError, match=attribute):
            getattr(dist, attribute)


def test_frame_has_a_column_per_entry():
    frame = predicted("multivariate_normal")[0].condition({1: 0.0}).to_frame()
    expected = ["loc_0", "loc_2", "scale_tril_0_0", "scale_tril_2_0", "scale_tril_2_2"]
    assert list(frame.columns) == expected
    frame = predicted("dirichlet")[0].to_frame()
    params = CASES["dirichlet"].params
    shares = {f"mean_{j}": params["mean"][:, j] for j in range(3)}
    expected = pd.DataFrame({**shares, "precision": params["precision"]})
    pd.testing.assert_frame_equal(frame, expected)


# Conditional distributions ------------------------------------------------------------------------


def test_joint_density_is_marginal_times_conditional():
    dist, y = predicted("multivariate_normal")
    for known in ([0], [1], [2], [0, 2], [2, 1]):
        rest = dist.condition({j: y[:, j] for j in known})
        remaining = [j for j in range(3) if j not in known]
        assert rest.components == remaining
        others = dist.condition(dict.fromkeys(remaining, 0.0))  # only their covariance is used
        assert others.components == sorted(known)
        first = ContinuousPredictive(*FAMILIES["multivariate_normal"].marginals(**dist.params))
        if len(known) == 1:
            alone = first.logpdf(y)[:, known[0]]
        else:
            loc, cov = dist.mean()[:, known], dist.cov()[:, known][:, :, known]
            alone = [
                stats.multivariate_normal.logpdf(*row)
                for row in zip(y[:, known], loc, cov, strict=True)
            ]
        joint = alone + rest.log_prob(y[:, remaining])
        np.testing.assert_allclose(joint, dist.log_prob(y), rtol=1e-9)


def test_conditions_can_follow_each_other():
    dist, y = predicted("multivariate_normal")
    at_once = dist.condition({2: y[:, 2], 0: 0.5})
    in_turn = dist.condition({2: y[:, 2]}).condition({0: 0.5})
    assert at_once.components == in_turn.components == [1]
    np.testing.assert_allclose(in_turn.mean(), at_once.mean(), rtol=1e-10)
    np.testing.assert_allclose(in_turn.std(), at_once.std(), rtol=1e-10)
    np.testing.assert_array_equal(at_once.marginal(1).mean(), at_once.mean()[:, 0])
    assert at_once[1:].components == [1]


def test_known_components_narrow_the_others_and_nothing_known_changes_nothing():
    dist, y = predicted("multivariate_normal")
    assert (dist.condition({0: 0.0}).std() <= dist.std()[:, 1:] * (1 + 1e-12)).all()
    same = dist.condition({})
    np.testing.assert_allclose(same.log_prob(y), dist.log_prob(y), rtol=1e-12)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({3: 0.0}, r"3 is no component .* the columns \[0, 1, 2\] of y"),
        ({"a": 0.0}, "'a' is no component"),
        ({-1: 0.0}, "-1 is no component"),
        ({0: 0.0, 1: 0.0, 2: 0.0}, r"all of the columns \[0, 1, 2\] .* leave at least one"),
        ({0: np.nan}, r"component 0 must be a finite number, or an array of shape \(3,\)"),
        ({0: np.ones(2)}, r"component 0 must be a finite number, or an array of shape \(3,\)"),
        ({0: np.ones((3, 1))}, "component 0 must be a finite number"),
    ],
)
def test_illegal_conditions_are_named(known, message):
    with pytest.raises(ValueError, match=message):
        predicted("multivariate_normal")[0].condition(known)


def test_a_component_that_is_known_has_no_marginal_any_more():
    with pytest.raises(ValueError, match=r"0 is no component .* the columns \[1, 2\]"):
        predicted("multivariate_normal")[0].condition({0: 1.0}).marginal(0)


def test_compositions_cannot_be_conditioned():
    with pytest.raises(NotImplementedError, match="Dirichlet does not implement condition"):
        predicted("dirichlet")[0].condition({0: 0.3})


@pytest.mark.parametrize("columns", [1, 2])
def test_covariance_of_independent_outputs_is_refused(columns):
    X, y = correlated_rows()
    target = y[:, 0] if columns == 1 else y[:, :2]
    dist = plain_regressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, target).predict_dist(X)
    with pytest.raises(ValueError, match=r"Normal\(\) .* no covariance .*'multivariate_normal'"):
        dist.cov()


# Exact fits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [[1, 1, 1], [1, 1e6, 1e-6]], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_linear_normal_is_least_squares_and_the_residual_covariance(units, weighted):
    X, y = correlated_rows()
    weight = np.random.default_rng(1).uniform(0, 3, len(y)) if weighted else np.ones(len(y))
    y = y * units
    mean = LinearRegression().fit(X, y, weight).predict(X)
    cov = np.cov((y - mean).T / np.array(units)[:, None], aweights=weight, bias=True, ddof=0)
    net = plain_regressor(MultivariateNormal(scale_tril="constant"), **LINEAR).fit(X, y, weight)
    dist = net.predict_dist(X)
    np.testing.assert_allclose(dist.mean() / units, mean / units, atol=1e-6)
    np.testing.assert_allclose(dist.cov()[7] / np.outer(units, units), cov, rtol=1e-6)
    oracle = stats.multivariate_normal(np.zeros(3), cov).logpdf((y - mean) / units)
    expected = np.average(oracle, weights=weight) - np.log(units).sum()
    assert np.average(dist.log_prob(y), weights=weight) == pytest.approx(expected, rel=1e-6)
    assert net.loss_ == pytest.approx(-expected, rel=1e-6)


def test_linear_normal_with_predicted_covariance_is_a_direct_maximisation():
    X, y = correlated_rows(n=150)
    y = y[:, :2] * np.exp(0.3 * X[:, :1])
    design = np.column_stack([np.ones(150), X])
    center, unit = y.mean(axis=0), y.std(axis=0)

    def loss(theta):
        raw = design @ theta.reshape(3, 5)
        loc = center + unit * raw[:, :2]
        z_0 = (y[:, 0] - loc[:, 0]) / (unit[0] * (1e-4 + np.logaddexp(0, raw[:, 2])))
        scale_1 = unit[1] * (1e-4 + np.logaddexp(0, raw[:, 4]))
        z_1 = (y[:, 1] - loc[:, 1] - unit[1] * raw[:, 3] * z_0) / scale_1
        scale_0 = unit[0] * (1e-4 + np.logaddexp(0, raw[:, 2]))
        log_density = stats.norm.logpdf(z_0) + stats.norm.logpdf(z_1)
        return -(log_density - np.log(scale_0 * scale_1)).sum()

    oracle = minimize(loss, np.zeros(15), method="BFGS")
    net = plain_regressor("multivariate_normal", **LINEAR).fit(X, y)
    assert net.predict_dist(X).log_prob(y).sum() == pytest.approx(-oracle.fun, rel=1e-6)


def test_linear_dirichlet_is_a_direct_maximisation():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 2))
    y = np.array(
        [rng.dirichlet(20 * p) for p in softmax(0.5 * X @ rng.normal(size=(2, 3)), axis=1)]
    )
    design = np.column_stack([np.ones(150), X])

    def loss(theta):
        raw = np.column_stack([np.zeros(150), design @ theta[:6].reshape(3, 2)])
        a = np.exp(theta[6]) * softmax(raw, axis=1)
        return -sum(stats.dirichlet.logpdf(v, p) for v, p in zip(y, a, strict=True))

    net = plain_regressor(Dirichlet(precision="constant"), **LINEAR).fit(X, y)
    oracle = minimize(loss, np.r_[np.zeros(6), 2.0], method="BFGS", options={"maxiter": 60})
    best = net.predict_dist(X).log_prob(y).sum()
    assert best == pytest.approx(-oracle.fun, rel=1e-6)


def gasoline_yield(folder):
    table = pd.read_csv(folder / "gasoline_yield.csv")
    batch = pd.get_dummies(table["batch"], drop_first=True, dtype=float)
    temp = table["temp"].to_numpy()
    return np.column_stack([(temp - temp.mean()) / temp.std(), batch]), table["yield"].to_numpy()


@pytest.mark.parametrize("source", ["generated", "gasoline_yield"])
def test_linear_dirichlet_of_two_shares_is_beta_regression(source, request, draw_rows):
    if source == "generated":
        X, y = draw_rows("beta", n=200)
    else:
        X, y = gasoline_yield(request.getfixturevalue("shared_data"))
    beta = plain_regressor(Beta(precision="constant"), **LINEAR).fit(X, y)
    shares = np.column_stack([y, 1 - y])
    net = plain_regressor(Dirichlet(precision="constant"), **LINEAR).fit(X, shares)
    log_likelihood = net.predict_dist(X).log_prob(shares).sum()
    assert log_likelihood == pytest.approx(beta.predict_dist(X).log_prob(y).sum(), rel=1e-6)
    np.testing.assert_allclose(net.predict(X)[:, 0], beta.predict(X), rtol=1e-5)
    if source == "gasoline_yield":
        # S. Ferrari and F. Cribari-Neto (2004), as in test_exact_likelihood.
        assert log_likelihood == pytest.approx(84.8, abs=0.05)


# Units and order ----------------------------------------------------------------------------------


@pytest.mark.parametrize("params", [{"hidden_layer_sizes": (20,), "max_iter": 50}, LINEAR], ids=str)
def test_units_of_each_output_change_nothing_but_the_units(params):
    X, y = correlated_rows()
    unit, shift = np.array([1e6, 1e-6, 3.0]), np.array([0.0, 1e-5, -7.0])
    net, other = (
        plain_regressor("multivariate_normal", random_state=0, **params).fit(X, target)
        for target in [y, unit * y + shift]
    )
    before, after = net.predict_dist(X), other.predict_dist(X)
    rtol = 1e-9 if params is not LINEAR else 1e-4
    np.testing.assert_allclose((after.mean() - shift) / unit, before.mean(), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(
        after.cov() / np.outer(unit, unit), before.cov(), rtol=rtol, atol=rtol
    )
    gained = after.log_prob(unit * y + shift).mean() + np.log(unit).sum()
    assert gained == pytest.approx(before.log_prob(y).mean(), rel=1e-9)
    assert other.loss_ == pytest.approx(net.loss_ + np.log(unit).sum(), rel=1e-9)


@every_family
def test_permuted_outputs_permute_the_prediction(name, draw_rows, make_net):
    X, y = draw_rows(name, n=150)
    order = np.arange(y.shape[1])[::-1]
    # Predicted covariances are linear in other terms when the components change places.
    family = MultivariateNormal(scale_tril="constant") if name == "multivariate_normal" else name
    dist, other = (make_net(family, **LINEAR).fit(X, v).predict_dist(X) for v in (y, y[:, order]))
    np.testing.assert_allclose(other.mean(), dist.mean()[:, order], rtol=1e-5)
    np.testing.assert_allclose(other.cov(), dist.cov()[:, order][:, :, order], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(other.log_prob(y[:, order]).sum(), dist.log_prob(y).sum(), rtol=1e-9)


def test_units_of_rows_of_numbers_leave_pure_numbers_alone():
    scaling = TargetScaling(np.array([[1.0, 2.0]]), np.array([[10.0, 100.0]]))
    np.testing.assert_array_equal(
        scaling.unscale_parameter(PLACE, np.ones((1, 3, 1, 2)))[0, 0], [[11, 102]]
    )
    factor = scaling.unscale_parameter(DISTANCE, np.tril(np.ones((1, 3, 1, 2, 2))))
    np.testing.assert_array_equal(factor[0, 0, 0], [[10, 0], [100, 100]])
    np.testing.assert_array_equal(
        scaling.unscale_parameter(None, np.full((1, 3, 1), 5.0)), [[[5]] * 3]
    )
    np.testing.assert_array_equal(scaling.scale_parameter(None, 5.0), [5.0])


# The estimator ------------------------------------------------------------------------------------


@every_family
def test_shapes_of_predictions(name, draw_rows, make_net):
    X, y = draw_rows(name)
    net = make_net(name, (4,), max_iter=5).fit(X, y)
    n, d = y.shape
    assert net.n_outputs_ == d
    assert net.predict(X).shape == (n, d)
    assert [part.shape for part in net.predict(X, return_std=True)] == [(n, d), (n, d)]
    assert net.predict_quantiles(X).shape == (n, d, 3)
    assert net.predict_quantiles(X, 0.5).shape == (n, d)
    assert net.predict_interval(X).shape == (n, d, 2)
    assert net.sample_y(X, 7).shape == (n, d, 7)
    assert net.sample_y(X).shape == (n, d, 1)
    dist = net.predict_dist(X)
    assert isinstance(dist, VectorPredictive)
    assert dist.cov().shape == (n, d, d)
    assert dist.log_prob(y).shape == dist.entropy().shape == (n,)
    assert net.score(X, y) <= 1
    np.testing.assert_allclose(net.predict(X[:1]), net.predict(X)[:1], rtol=1e-10)


def test_samples_are_the_draws_with_the_components_first():
    X, y = correlated_rows()
    net = plain_regressor("multivariate_normal", (), solver="lbfgs").fit(X, y)
    draws = net.predict_dist(X).rvs(5, random_state=0)
    np.testing.assert_array_equal(net.sample_y(X, 5), np.moveaxis(draws, 1, 2))


@pytest.mark.parametrize("estimate", ["mean", "median", "mode"])
@every_family
def test_point_estimates_are_those_of_the_distribution(name, estimate, draw_rows, make_net):
    X, y = draw_rows(name)
    net = make_net(name, (4,), max_iter=5, point_estimate=estimate).fit(X, y)
    np.testing.assert_array_equal(net.predict(X), getattr(net.predict_dist(X), estimate)())


def test_a_fixed_precision_is_kept():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2)), rng.dirichlet([2, 3, 4], size=50)
    dist = plain_regressor(Dirichlet(precision=7.5), **LINEAR).fit(X, y).predict_dist(X)
    np.testing.assert_array_equal(dist.params["precision"], np.full(50, 7.5))


def test_one_column_is_the_univariate_normal():
    X, y = correlated_rows()
    one = plain_regressor("multivariate_normal", **LINEAR).fit(X, y[:, :1])
    alone = plain_regressor("normal", **LINEAR).fit(X, y[:, 0])
    np.testing.assert_allclose(one.predict(X)[:, 0], alone.predict(X), rtol=1e-6)
    assert one.loss_ == pytest.approx(alone.loss_, rel=1e-9)
    assert neg_nll_scorer(one, X, y[:, :1]) == pytest.approx(neg_nll_scorer(alone, X, y[:, 0]))
    assert neg_crps_scorer(one, X, y[:, :1]) == pytest.approx(neg_crps_scorer(alone, X, y[:, 0]))


def test_correlated_errors_are_worth_learning():
    X, y = correlated_rows()
    joint = plain_regressor("multivariate_normal", (), solver="lbfgs").fit(X, y)
    apart = plain_regressor(Normal(), (), solver="lbfgs").fit(X, y)
    assert neg_nll_scorer(joint, X, y) > neg_nll_scorer(apart, X, y) + 0.5


@every_family
def test_scorers_judge_the_joint_density_and_the_marginals(name, draw_rows, make_net):
    X, y = draw_rows(name)
    model = make_pipeline(StandardScaler(), make_net(name, (), solver="lbfgs", max_iter=20)).fit(
        X, y
    )
    dist = predict_dist(model, X)
    assert neg_nll_scorer(model, X, y) == pytest.approx(dist.log_prob(y).mean(), rel=1e-12)
    by_component = [dist.marginal(j).crps(y[:, j]).mean() for j in range(y.shape[1])]
    assert neg_crps_scorer(model, X, y) == pytest.approx(-np.mean(by_component), rel=1e-12)
    for scorer in (neg_nll_scorer, neg_crps_scorer):
        assert np.isfinite(cross_val_score(model, X, y, scoring=scorer, cv=3)).all()


def test_a_search_prefers_the_joint_distribution_of_correlated_outputs():
    X, y = correlated_rows()
    net = plain_regressor(hidden_layer_sizes=(), solver="lbfgs")
    grid = {"distribution": ["normal", "multivariate_normal"]}
    search = GridSearchCV(net, grid, scoring=neg_nll_scorer, cv=3).fit(X, y)
    assert search.best_params_["distribution"] == "multivariate_normal"


# Bad input and extremes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "y", "message"),
    [
        (
            "multivariate_normal",
            np.ones(30),
            "must be 2-d .* at least two columns, or use 'normal'",
        ),
        ("dirichlet", np.full(30, 0.5), "must be 2-d .* at least two columns, or use 'beta'"),
        ("dirichlet", np.ones((30, 1)), "at least two columns"),
        ("dirichlet", np.full((30, 3), 30.0), "row 0 is 90 .* divide each row by its sum"),
        ("dirichlet", np.tile([0.0, 0.5, 0.5], (30, 1)), "found 0 at row 0, column 0"),
        (MultivariateNormal(loc=0.0), np.ones((30, 2)), "loc .* must be predicted or 'constant'"),
        (MultivariateNormal(scale_tril=1.0), np.ones((30, 2)), "because it is a matrix; got 1.0"),
        (Dirichlet(mean=0.5), np.ones((30, 2)), "because it is a vector; got 0.5"),
        (Dirichlet(precision=-1), np.ones((30, 2)), "precision .* must be positive; got -1"),
    ],
)
def test_bad_targets_and_parameters_are_named(distribution, y, message):
    with pytest.raises(ValueError, match=message):
        plain_regressor(distribution).fit(np.ones((30, 2)), y)


@every_family
@pytest.mark.parametrize(("value", "kind"), [(np.nan, "NaN"), (-np.inf, "infinity")])
def test_rows_without_a_number_are_named(name, value, kind, draw_rows, make_net):
    X, y = draw_rows(name)
    bad = y.copy()
    bad[5, 1] = value
    message = f"must not contain {kind} for .* at row 5, column 1 .*impute"
    with pytest.raises(ValueError, match="y " + message):
        make_net(name).fit(X, bad)
    with pytest.raises(ValueError, match="y_val " + message):
        make_net(name).fit(X, y, X_val=X, y_val=bad)
    with pytest.raises(ValueError, match="y_val must have the columns of y"):
        make_net("multivariate_normal").fit(X, y, X_val=X, y_val=y[:, :1])


@every_family
def test_exposure_is_for_counts(name, draw_rows, make_net):
    X, y = draw_rows(name)
    with pytest.raises(ValueError, match="no exposure"):
        make_net(name).fit(X, y, exposure=np.ones(len(X)))


_uniform = np.random.default_rng(0).uniform(1, 2, (20, 3))
_shares = _uniform / _uniform.sum(axis=1, keepdims=True)
EXTREME = {
    "multivariate_normal": {
        "tiny": 1e-300 * _uniform,
        "huge": 1e300 * _uniform,
        "of all magnitudes": _uniform * [1e-300, 1.0, 1e300],
        "equal": np.full((20, 3), 0.3),
        "zero": np.zeros((20, 3)),
        "equal columns": _uniform[:, [0, 1, 0]],
        "constant column": np.where(np.arange(3) == 1, 7.0, _uniform),
        "huge outlier": np.where(np.arange(60).reshape(20, 3) == 7, 1e300, _uniform),
        "large offset": 1e15 + np.arange(60.0).reshape(20, 3),
        "one row": _uniform[:1],
        "two rows": _uniform[:2],
    },
    "dirichlet": {
        "equal": np.full((20, 3), 1 / 3),
        "tiny shares": np.column_stack([np.full(20, 1e-300), _shares[:, 0], 1 - _shares[:, 0]]),
        "nearly whole": np.tile([1e-12, 1e-15, 1 - 1e-12 - 1e-15], (20, 1)),
        "one of them": np.roll(_shares, 1, axis=1) * 1e-9
        + np.eye(3)[np.arange(20) % 3] * (1 - 1e-9),
        "one row": _shares[:1],
        "two rows": _shares[:2],
    },
}
FITS = {
    "adam": {"hidden_layer_sizes": (4,), "max_iter": 20, "learning_rate_init": 0.01},
    "lbfgs": {"hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 50},
}


@pytest.mark.parametrize(
    ("how", "dtype"),
    [
        ("adam", np.float64),
        ("lbfgs", np.float32),
        pytest.param("adam", np.float32, marks=pytest.mark.every_family),
        pytest.param("lbfgs", np.float64, marks=pytest.mark.every_family),
    ],
)
@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name in EXTREME for kind in EXTREME[name]]
)
@pytest.mark.filterwarnings("ignore::sklnll.NumericalWarning")  # beyond float32
def test_extreme_y_is_fitted(name, kind, how, dtype):
    y = EXTREME[name][kind]
    X = np.random.default_rng(1).normal(size=(20, 2))[: len(y)].astype(dtype)
    net = plain_regressor(name, random_state=0, **FITS[how]).fit(X, y)
    dist = net.predict_dist(X)
    with np.errstate(over="ignore"):
        for value in (*dist.params.values(), dist.mean(), dist.std(), dist.mode()):
            assert np.isfinite(value).all()
        for value in (
            dist.log_prob(y),
            dist.cov(),
            dist.entropy(),
            dist.interval(),
            net.predict(X),
        ):
            assert not np.isnan(value).any()
    assert np.isfinite(net.loss_)


# Recovery -----------------------------------------------------------------------------------------


def held_out_regret(distribution, draw, truth, n=20_000):
    """Mean log-likelihood that a small net loses to the truth, on fresh rows."""
    rng = np.random.default_rng(0)
    X, X_new = rng.uniform(-1, 1, (2, n, 2))
    y, y_new = draw(X, rng), draw(X_new, rng)
    net = plain_regressor(distribution, (32, 32), early_stopping=True, random_state=0, max_iter=100)
    net.fit(X, y)
    return (truth(X_new).log_prob(y_new) - net.predict_dist(X_new).log_prob(y_new)).mean()


@pytest.mark.slow
def test_a_net_recovers_a_normal_whose_correlation_depends_on_x():
    def truth(X):
        loc = np.column_stack([np.sin(3 * X[:, 0]), X[:, 1] ** 2])
        factor = np.zeros((len(X), 2, 2))
        factor[:, 0, 0], factor[:, 1, 0] = np.exp(0.5 * X[:, 1]), np.sin(2 * X[:, 0])
        factor[:, 1, 1] = 0.5
        return predictive(MultivariateNormal(), {"loc": loc, "scale_tril": factor})

    def draw(X, rng):
        return truth(X).rvs(random_state=rng)

    assert held_out_regret("multivariate_normal", draw, truth) < 0.02


@pytest.mark.slow
def test_a_net_recovers_a_composition():
    def truth(X):
        mean = softmax(np.column_stack([np.sin(3 * X[:, 0]), X[:, 1], 0 * X[:, 0]]), axis=1)
        return predictive(Dirichlet(), {"mean": mean, "precision": np.exp(2 + X[:, 1])})

    def draw(X, rng):
        return truth(X).rvs(random_state=rng)

    assert held_out_regret("dirichlet", draw, truth) < 0.02
