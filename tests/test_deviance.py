"""D² is R², Nagelkerke's and the other textbooks', and its null model the largest likelihood."""

import numpy as np
import pytest
from distributions.cases import CASES, FAMILIES, NAMES
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.base import clone
from sklearn.metrics import log_loss, r2_score
from sklearn.model_selection import KFold, cross_val_score
from sklearn.preprocessing import FunctionTransformer

from sklnll.distributions import (
    Bernoulli,
    Categorical,
    Censored,
    Exponential,
    LogNormal,
    MultivariateNormal,
    Normal,
    Poisson,
    StudentT,
)
from sklnll.metrics import d2_score, d2_scorer, fit_marginal, negative_log_likelihood
from sklnll.predictive import (
    IndicatorPredictive,
    LabelPredictive,
    predictive,
    transformed,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
WEIGHTS = [None, np.linspace(0, 3, 60)]
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-10, "max_iter": 5000}


@pytest.fixture
def fitted(draw_rows, make_net):
    """A function: rows X, y, and a linear fit without a penalty."""

    def fitted(name, weight=None, **params):
        X, y = draw_rows(name)
        return X, y, make_net(name, **{**LINEAR, **params}).fit(X, y, weight)

    return fitted


# What it is --------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", WEIGHTS, ids=["", "weighted"])
def test_of_least_squares_it_is_r2(weight, fitted):
    X, y, net = fitted(Normal(scale="constant"), weight)
    found = d2_score(y, net.predict_dist(X), sample_weight=weight)
    assert found == pytest.approx(r2_score(y, net.predict(X), sample_weight=weight), abs=1e-8)


def test_of_joint_least_squares_it_is_wilks_lambda(fitted):
    X, Y, net = fitted(MultivariateNormal(scale_tril="constant"))
    within = np.cov((Y - net.predict(X)).T)
    expected = 1 - np.linalg.det(within) / np.linalg.det(np.cov(Y.T))
    assert d2_score(Y, net.predict_dist(X)) == pytest.approx(expected, abs=1e-6)


def test_of_logistic_regression_it_is_nagelkerkes(fitted):
    sm = pytest.importorskip("statsmodels.api")
    X, y, net = fitted("bernoulli")
    fit = sm.Logit(y, sm.add_constant(X)).fit(disp=0, tol=1e-10)
    expected = -np.expm1(-fit.llr / len(y)) / -np.expm1(2 * fit.llnull / len(y))
    assert d2_score(y, net.predict_dist(X)) == pytest.approx(expected, rel=1e-6)


def test_of_poisson_regression_it_is_cox_and_snells_over_its_largest(fitted):
    sm = pytest.importorskip("statsmodels.api")
    X, y, net = fitted("poisson")
    fit = sm.GLM(y, sm.add_constant(X), sm.families.Poisson()).fit(tol=1e-10)
    expected = fit.pseudo_rsquared(kind="cs") / -np.expm1(2 * fit.llnull / len(y))
    assert d2_score(y, net.predict_dist(X)) == pytest.approx(expected, rel=1e-6)


def test_of_labels_without_x_the_loss_is_that_of_their_shares(fitted):
    X, y, net = fitted("categorical")
    dist = net.predict_dist(X)
    shares = np.bincount(y) / len(y)
    loss, null = log_loss(y, dist.probs), log_loss(y, np.tile(shares, (len(y), 1)))
    expected = np.expm1(2 * (loss - null)) / np.expm1(-2 * null)
    assert d2_score(y, dist) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_linear_models_explain_something_and_less_than_all(name, fitted):
    X, y, net = fitted(name, max_iter=100)
    dist = net.predict_dist(X)
    null = fit_marginal(y, dist)
    assert 0 < d2_score(y, dist) < 1
    assert d2_score(y, null) == pytest.approx(0, abs=1e-9)
    assert d2_score(y, null, dist) < 0
    assert d2_score(y, dist, null) == d2_score(y, dist)


def test_units_change_nothing(fitted):
    X, y, net = fitted("log_normal")
    dist = net.predict_dist(X)
    expected = d2_score(y, dist)
    cents = {"sigma": dist.params["sigma"], "scale": 100 * dist.params["scale"]}
    assert d2_score(100 * y, predictive(LogNormal(), cents)) == pytest.approx(expected, abs=1e-9)
    log_y = {"loc": np.log(dist.params["scale"]), "scale": dist.params["sigma"]}
    log_y = predictive(Normal(), log_y)
    assert d2_score(np.log(y), log_y) == pytest.approx(expected, abs=1e-9)
    again = transformed(log_y, FunctionTransformer(np.log, np.exp))
    assert d2_score(y, again) == pytest.approx(expected, abs=1e-8)


def test_certain_and_right_is_1_and_impossible_minus_infinity():
    y = np.array([0, 1, 1, 0])
    certain = LabelPredictive(Categorical(), {"logits": 50.0 * np.eye(2)[y]}, np.arange(2))
    assert d2_score(y, certain) == pytest.approx(1)
    gamma = predictive(Exponential(), {"scale": np.ones(4)})
    null = predictive(Normal(), {"loc": np.zeros(4), "scale": np.ones(4)})
    assert d2_score(y - 1.0, gamma, null) == -np.inf


def test_of_equal_y_it_is_1_or_0():
    null = predictive(Poisson(), {"rate": np.full(4, 3.0)})
    assert d2_score(np.full(4, 3), null) == 1
    assert d2_score(np.full(4, 3), predictive(Poisson(), {"rate": np.full(4, 2.0)})) == 0
    weight = [1, 1, 0, 0]
    assert d2_score([3, 3, 1, 0], null, sample_weight=weight) == 1


def test_soft_targets_are_best_met_by_themselves():
    y = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]])
    dist = LabelPredictive(Categorical(soft_targets=True), {"logits": np.log(y)}, np.arange(3))
    assert d2_score(y, dist) == pytest.approx(1)
    assert_allclose(fit_marginal(y, dist).probs, np.tile(y.mean(axis=0), (3, 1)), rtol=1e-7)


@pytest.mark.parametrize("name", ["gamma", "poisson", "categorical", "plackett_luce", "von_mises"])
def test_whole_weights_are_repetitions(name, fitted):
    X, y, net = fitted(name, max_iter=20)
    weight = np.arange(60) % 4
    repeated = np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0)
    expected = d2_score(repeated[1], net.predict_dist(repeated[0]))
    found = d2_score(y, net.predict_dist(X), sample_weight=weight)
    assert found == pytest.approx(expected, rel=1e-9)


# The null model ----------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", WEIGHTS, ids=["", "weighted"])
@pytest.mark.parametrize("name", NAMES)
def test_marginal_is_the_fit_to_an_x_that_says_nothing(name, weight, draw_rows, make_net):
    X, y = draw_rows(name)
    dist = make_net(name, **LINEAR).fit(0 * X, y, weight).predict_dist(X)
    marginal = fit_marginal(y, dist, sample_weight=weight)
    assert type(marginal) is type(dist)
    assert len(marginal) == len(dist)
    found, expected = (
        negative_log_likelihood(y, each, sample_weight=weight) for each in (marginal, dist)
    )
    assert found <= expected + 1e-9
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["normal", "gamma", "weibull", "gumbel"])
def test_marginal_is_scipys_fit(name):
    y = CASES[name].sample
    law = {"normal": stats.norm, "gamma": stats.gamma, "weibull": stats.weibull_min}
    law = law.get(name, stats.gumbel_r)
    fixed = {"floc": 0} if name in ("gamma", "weibull") else {}
    expected = -law.logpdf(y, *law.fit(y, **fixed)).mean()
    some = {key: np.ones(len(y)) for key in CASES[name].params}
    dist = predictive(FAMILIES[name], some)
    found = negative_log_likelihood(y, fit_marginal(y, dist))
    assert found <= expected + 1e-12
    assert found == pytest.approx(expected, abs=1e-6)


def test_marginal_reaches_beyond_where_training_starts():
    """A Student-t of normal y has more degrees of freedom than the 30 that training starts with."""
    y = stats.norm.ppf((np.arange(400) + 0.5) / 400)
    ones = np.ones(400)
    heavy = predictive(StudentT(), {"df": 3 * ones, "loc": 0 * ones, "scale": ones})
    normal = predictive(Normal(), {"loc": 0 * ones, "scale": ones})
    found, expected = (negative_log_likelihood(y, fit_marginal(y, d)) for d in (heavy, normal))
    assert found == pytest.approx(expected, abs=1e-6)


def test_fixed_parameters_stay():
    dist = predictive(Normal(scale=2.0), {"loc": np.zeros(3), "scale": np.full(3, 2.0)})
    marginal = fit_marginal([1.0, 2.0, 6.0], dist)
    assert_allclose(marginal.mean(), 3.0, rtol=1e-12)
    assert (marginal.std() == 2.0).all()


def test_outputs_and_indicators_are_fitted_each_on_its_own():
    Y = np.array([[1.0, 10.0], [2.0, 30.0], [6.0, 20.0]])
    dist = predictive(Normal(), {"loc": np.zeros((3, 2)), "scale": np.ones((3, 2))})
    marginal = fit_marginal(Y, dist)
    assert_allclose(marginal.mean(), np.tile(Y.mean(axis=0), (3, 1)), rtol=1e-9)
    assert_allclose(marginal.std(), np.tile(Y.std(axis=0), (3, 1)), rtol=1e-9)
    indicators = np.array([[1, 0], [0, 0], [0, 1]])
    dist = IndicatorPredictive(Bernoulli(), {"logits": np.zeros((3, 2))}, np.arange(2))
    assert_allclose(fit_marginal(indicators, dist).probs, 1 / 3, rtol=1e-8)


def test_exposure_gives_a_rate():
    y, exposure = np.array([2.0, 3.0, 10.0]), np.array([1.0, 2.0, 3.0])
    dist = predictive(Poisson(), {"rate": exposure * 2})
    marginal = fit_marginal(y, dist, exposure=exposure)
    assert_allclose(marginal.mean(), exposure * 2.5, rtol=1e-9)
    found = d2_score(y, dist, exposure=exposure)
    assert found == pytest.approx(d2_score(y, dist, marginal))


def test_the_scorer_passes_exposure_on(make_net):
    rng = np.random.default_rng(0)
    X, exposure = rng.normal(size=(60, 2)), rng.uniform(0.1, 5, 60)
    y = rng.poisson(exposure * np.exp(1 + X[:, 0]))
    net = make_net("poisson", **LINEAR).fit(X, y, exposure=exposure)
    expected = d2_score(y, net.predict_dist(X, exposure=exposure), exposure=exposure)
    assert d2_scorer(net, X, y, exposure=exposure) == expected


def test_intervals_that_hold_y_have_a_marginal():
    y = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, np.inf], [4.0, np.inf]])
    dist = predictive(Censored(Exponential()), {"scale": np.ones(4)})
    marginal = fit_marginal(y, dist)
    assert_allclose(marginal.mean(), 5.0, rtol=1e-9)  # ten years, two events
    assert d2_score(y, marginal) == pytest.approx(0, abs=1e-12)
    assert_allclose(fit_marginal(y[:, 0], dist).mean(), 2.5, rtol=1e-9)
    assert d2_score(y[:, 0], fit_marginal(y[:, 0], dist)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["normal", "poisson", "categorical", "multivariate_normal"])
def test_of_ensembles_the_members_family_is_fitted(name, draw_rows, make_net):
    X, y = draw_rows(name)
    one, two = (
        make_net(name, **{**LINEAR, "max_iter": 20}, n_estimators=n).fit(X, y).predict_dist(X)
        for n in (1, 2)
    )
    assert repr(fit_marginal(y, two)) == repr(one)
    expected = d2_score(y, one, fit_marginal(y, two))
    assert d2_score(y, one) == pytest.approx(expected, rel=1e-9)


# In model selection ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gamma", "categorical", "plackett_luce", "multivariate_normal"])
def test_folds_are_scored_against_their_own_marginal(name, draw_rows, make_net):
    X, y = draw_rows(name)
    net, folds = make_net(name, **{**LINEAR, "max_iter": 20}), KFold(3)
    found = cross_val_score(net, X, y, scoring=d2_scorer, cv=folds, error_score="raise")
    expected = [
        d2_score(y[b], clone(net).fit(X[a], y[a]).predict_dist(X[b])) for a, b in folds.split(X)
    ]
    assert_allclose(found, expected, rtol=1e-12)


# What is refused ---------------------------------------------------------------------------------


def test_what_is_no_prediction_of_these_rows_is_refused():
    dist = predictive(Normal(), {"loc": np.zeros(3), "scale": np.ones(3)})
    with pytest.raises(TypeError, match="gives it; got ndarray"):
        d2_score(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        d2_score(np.arange(4.0), dist)
    with pytest.raises(ValueError, match="y_true must not be missing; found NaN at row 1"):
        d2_score([0.0, np.nan, 1.0], dist)
    with pytest.raises(ValueError, match="has no exposure"):
        d2_score(np.arange(3.0), dist, exposure=np.ones(3))
    with pytest.raises(ValueError, match="y_true must be non-negative"):
        fit_marginal([1.0, -1.0], predictive(Exponential(), {"scale": np.ones(2)}))


@pytest.mark.parametrize("name", ["normal", "plackett_luce"])
def test_numbers_may_come_as_objects(name, draw_rows, make_net):
    X, y = draw_rows(name)
    dist = make_net(name, **{**LINEAR, "max_iter": 5}).fit(X, y).predict_dist(X)
    assert d2_score(y.astype(object), dist) == d2_score(y, dist)
