"""A network without hidden layers is a model with a known maximum of the likelihood."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.preprocessing import StandardScaler
from statsmodels.discrete.count_model import ZeroInflatedNegativeBinomialP, ZeroInflatedPoisson
from statsmodels.discrete.truncated_model import (
    TruncatedLFNegativeBinomialP,
    TruncatedLFPoisson,
)
from statsmodels.genmod.families import links
from statsmodels.othermod.betareg import BetaModel

from sklnll import NLLClassifier, NLLRegressor
from sklnll.distributions import (
    DISTRIBUTIONS,
    Beta,
    Gamma,
    Hurdle,
    LogNormal,
    NegativeBinomial,
    Normal,
    Poisson,
    ZeroInflated,
    ZeroOneInflated,
)

LINEAR = {
    "hidden_layer_sizes": (),
    "solver": "lbfgs",
    "alpha": 0,
    "tol": 1e-9,
    "max_iter": 5000,
}
# Twice the differences of log-likelihoods are compared with chi-squared quantiles of order 1; the
# fits stop where gradients of the mean fall below 1e-9, long before that matters.
RTOL = 1e-6
# A line search sees the loss fall by gradient squared: below 1e-8 that is less than the loss's own
# rounding, and whether the oracle's search says that it has converged depends on the processor.
GTOL = 1e-7
# Newton's steps double the digits: after a change of 1e-10 only rounding is left.
TOL = 1e-10


def log_likelihood(estimator, X, y):
    return estimator.predict_dist(X).log_prob(y).sum()


def maximum(log_likelihood, n_parameters):
    """Maximize from zeros, with finite differences."""
    start = np.zeros(n_parameters)
    for method in ["Nelder-Mead", "BFGS"]:
        start = minimize(lambda theta: -log_likelihood(theta), start, method=method).x
    return log_likelihood(start)


def generated_features(n=400):
    rng = np.random.default_rng(1)
    return np.column_stack([rng.normal(size=(n, 2)), rng.uniform(size=n) < 0.3]), rng


def doctor_visits(folder):
    table = pd.read_csv(folder / "doctor_visits.csv").drop(columns="rownames", errors="ignore")
    y = table.pop("visits").to_numpy()
    X = pd.get_dummies(table, drop_first=True, dtype=float)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(params=["generated", "doctor_visits"])
def counts(request):
    if request.param == "doctor_visits":
        return doctor_visits(request.getfixturevalue("shared_data"))
    X, rng = generated_features()
    return X, rng.poisson(np.exp(X @ [0.5, -0.3, 0.8]))


def test_linear_poisson_is_statsmodels(counts):
    X, y = counts
    oracle = sm.GLM(y, sm.add_constant(X), family=sm.families.Poisson()).fit(tol=TOL)
    net = NLLRegressor("poisson", **LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=RTOL)
    np.testing.assert_allclose(net.coefs_[0].ravel(), oracle.params[1:], atol=1e-5)
    np.testing.assert_allclose(net.predict(X), oracle.fittedvalues, rtol=1e-4)


@pytest.mark.parametrize("source", ["generated", "doctor_visits"])
def test_linear_negative_binomial_is_statsmodels(source, request):
    if source == "doctor_visits":
        X, y = doctor_visits(request.getfixturevalue("shared_data"))
    else:
        X, rng = generated_features()
        y = rng.poisson(np.exp(X @ [0.5, -0.3, 0.8]) * rng.gamma(2, 0.5, size=len(X)))
    oracle = sm.NegativeBinomial(y, sm.add_constant(X)).fit(disp=0, maxiter=1000, gtol=GTOL)
    net = NLLRegressor(NegativeBinomial(dispersion="constant"), **LINEAR).fit(X, y)
    # At least its maximum: its search may stop early.
    assert log_likelihood(net, X, y) >= oracle.llf - RTOL * abs(oracle.llf)
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=1e-4)
    np.testing.assert_allclose(net.predict(X), np.exp(oracle.predict(which="linear")), rtol=1e-2)


@pytest.mark.parametrize("most_trials", [1, 40])
def test_linear_binomial_is_statsmodels(most_trials):
    X, rng = generated_features()
    trials = rng.integers(1, most_trials, len(X), endpoint=True)
    y = rng.binomial(trials, expit(X @ [0.5, -0.3, 0.8]))
    both = np.column_stack([y, trials - y])
    oracle = sm.GLM(both, sm.add_constant(X), family=sm.families.Binomial()).fit(tol=TOL)
    net = NLLRegressor("binomial", **LINEAR).fit(X, y, exposure=trials)
    dist = net.predict_dist(X, exposure=trials)
    assert dist.log_prob(y).sum() == pytest.approx(oracle.llf, rel=RTOL)
    np.testing.assert_allclose(net.coefs_[0].ravel(), oracle.params[1:], atol=1e-5)
    np.testing.assert_allclose(net.predict(X), oracle.fittedvalues, rtol=1e-5)


@pytest.mark.parametrize("distribution", ["bernoulli", "categorical"])
def test_linear_logistic_is_statsmodels(counts, distribution):
    X, y = counts[0], counts[1] > 0
    oracle = sm.Logit(y, sm.add_constant(X)).fit(disp=0, tol=TOL)
    net = NLLClassifier(distribution, **LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=RTOL)
    np.testing.assert_allclose(net.predict_proba(X)[:, 1], oracle.predict(), atol=1e-6)


def test_linear_multinomial_is_statsmodels(counts):
    X, y = counts[0], np.minimum(counts[1], 2)
    oracle = sm.MNLogit(y, sm.add_constant(X)).fit(disp=0, method="newton", maxiter=100, tol=TOL)
    net = NLLClassifier(**LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=RTOL)
    np.testing.assert_allclose(net.predict_proba(X), oracle.predict(), atol=1e-6)


@pytest.mark.parametrize(
    ("link", "oracle_link"),
    [("logit", links.Logit()), ("probit", links.Probit()), ("cloglog", links.CLogLog())],
)
def test_linear_beta_is_statsmodels(link, oracle_link):
    X, rng = generated_features()
    mean = expit(X @ [0.5, -0.3, 0.8])
    y = rng.beta(mean * 8, (1 - mean) * 8)
    oracle = BetaModel(y, sm.add_constant(X), link=oracle_link).fit(disp=0, gtol=GTOL)
    net = NLLRegressor(Beta(precision="constant", mean_link=link), **LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=RTOL)
    np.testing.assert_allclose(net.predict_dist(X).params["mean"], oracle.predict(), rtol=1e-5)
    precision = np.exp(oracle.params[-1])
    np.testing.assert_allclose(net.predict_dist(X).params["precision"], precision, rtol=1e-4)


def test_linear_beta_with_varying_precision_is_statsmodels():
    X, rng = generated_features()
    mean, precision = expit(X @ [0.5, -0.3, 0.8]), np.exp(2 + X @ [0.5, 0, -0.5])
    y = rng.beta(mean * precision, (1 - mean) * precision)
    exog = sm.add_constant(X)
    oracle = BetaModel(y, exog, exog_precision=exog).fit(disp=0, gtol=GTOL)
    net = NLLRegressor("beta", **LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=RTOL)


def test_linear_beta_on_gasoline_yield_is_the_published_fit(shared_data):
    # S. Ferrari and F. Cribari-Neto (2004), table 2, and betareg's output for the likelihood.
    table = pd.read_csv(shared_data / "gasoline_yield.csv")
    y = table["yield"].to_numpy()
    batch = pd.get_dummies(table["batch"], drop_first=True, dtype=float)
    temp = table["temp"].to_numpy()
    X = np.column_stack([(temp - temp.mean()) / temp.std(), batch])
    net = NLLRegressor(Beta(precision="constant"), **LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(84.8, abs=0.05)
    np.testing.assert_allclose(net.predict_dist(X).params["precision"], 440, atol=0.5)
    assert net.coefs_[0][0, 0] / temp.std() == pytest.approx(0.010967, abs=5e-7)
    oracle = BetaModel(y, sm.add_constant(X)).fit(disp=0)
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=RTOL)


def auto_claims(folder):
    table = pd.read_csv(folder / "auto_claims.csv")
    y = table.pop("PAID").to_numpy(dtype=float)
    X = pd.get_dummies(table[["GENDER", "CLASS", "AGE"]], drop_first=True, dtype=float)
    return StandardScaler().fit_transform(X), y


@pytest.mark.parametrize("source", ["generated", "auto_claims"])
def test_linear_gamma_with_constant_shape_is_a_direct_maximisation(source, request):
    if source == "auto_claims":
        X, y = auto_claims(request.getfixturevalue("shared_data"))
    else:
        X, rng = generated_features()
        y = 1e4 * rng.gamma(3, np.exp(X @ [0.5, -0.3, 0.8]))
    net = NLLRegressor(Gamma(shape="constant"), **LINEAR).fit(X, y)
    # The mean's maximum likelihood does not depend on the shape: statsmodels' fit of it is exact,
    # its log-likelihood (at Pearson's scale) is not, so that the shape is searched for directly.
    mean = sm.GLM(y, sm.add_constant(X), family=sm.families.Gamma(sm.families.links.Log())).fit(
        tol=TOL
    )
    oracle = minimize(
        lambda shape: -stats.gamma.logpdf(y, shape, scale=mean.fittedvalues / shape).sum(),
        x0=1.0,
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-8},
    )
    assert log_likelihood(net, X, y) == pytest.approx(-oracle.fun, rel=RTOL)
    np.testing.assert_allclose(net.predict(X), mean.fittedvalues, rtol=1e-4)
    np.testing.assert_allclose(net.predict_dist(X).params["shape"], oracle.x[0], rtol=1e-4)


def test_linear_gamma_with_varying_shape_is_a_direct_maximisation():
    X, rng = generated_features(n=200)
    y = rng.gamma(np.exp(1 + X @ [0.3, 0, -0.5]), np.exp(X @ [0.5, -0.3, 0.8]))
    design = sm.add_constant(X)

    def direct(theta):
        shape, scale = np.exp(design @ theta[:4]), np.exp(design @ theta[4:])
        return stats.gamma.logpdf(y, shape, scale=scale).sum()

    net = NLLRegressor("gamma", **LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(maximum(direct, 8), rel=RTOL)


def test_linear_heteroscedastic_normal_is_a_direct_maximisation():
    X, rng = generated_features(n=200)
    y = 100 + 20 * X[:, 0] + 10 * np.exp(X @ [0.3, 0, -0.5]) * rng.normal(size=200)
    design, spread = sm.add_constant(X), y.std()

    def direct(theta):
        loc = y.mean() + spread * design @ theta[:4]
        scale = spread * (1e-4 + np.logaddexp(0, design @ theta[4:]))
        return stats.norm.logpdf(y, loc, scale).sum()

    net = NLLRegressor("normal", **LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(maximum(direct, 8), rel=RTOL)


def test_linear_normal_with_constant_scale_is_ordinary_least_squares(counts):
    X, y = counts
    oracle = sm.OLS(y, sm.add_constant(X)).fit()
    net = NLLRegressor(Normal(scale="constant"), **LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=RTOL)


def test_weighted_linear_poisson_is_statsmodels():
    X, rng = generated_features()
    y, weight = rng.poisson(np.exp(X @ [0.5, -0.3, 0.8])), rng.uniform(0, 3, len(X))
    oracle = sm.GLM(y, sm.add_constant(X), family=sm.families.Poisson(), freq_weights=weight).fit(
        tol=TOL
    )
    net = NLLRegressor("poisson", **LINEAR).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(net.predict(X), oracle.fittedvalues, rtol=1e-5)


@pytest.fixture(params=["generated", "doctor_visits"])
def counts_with_zeros(request):
    if request.param == "doctor_visits":
        return doctor_visits(request.getfixturevalue("shared_data"))
    return generated_counts_with_zeros()


def generated_counts_with_zeros():
    X, rng = generated_features()
    is_extra = rng.uniform(size=len(X)) < expit(X @ [0.8, 0.5, -0.5])
    rate = np.exp(1 + X @ [0.5, -0.3, 0.8]) * rng.gamma(2, 0.5, size=len(X))
    return X, np.where(is_extra, 0, rng.poisson(rate))


@pytest.mark.parametrize("inflation", ["constant", None])
def test_linear_zero_inflated_poisson_is_statsmodels(inflation, counts_with_zeros):
    X, y = counts_with_zeros
    design = sm.add_constant(X)
    of_zeros = np.ones((len(y), 1)) if inflation else design
    oracle = ZeroInflatedPoisson(y, design, exog_infl=of_zeros).fit(
        method="bfgs", maxiter=5000, gtol=GTOL, disp=0
    )
    net = NLLRegressor(ZeroInflated(Poisson(), inflation), **LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=RTOL)
    np.testing.assert_allclose(net.predict(X), oracle.predict(exog_infl=of_zeros), rtol=1e-3)


ZERO_INFLATED_NEGATIVE_BINOMIAL = ZeroInflated(NegativeBinomial(dispersion="constant"), "constant")


def test_linear_zero_inflated_negative_binomial_is_statsmodels():
    X, y = generated_counts_with_zeros()
    design, ones = sm.add_constant(X), np.ones((len(y), 1))
    with np.errstate(invalid="ignore"):  # its steps leave the parameters' range
        oracle = ZeroInflatedNegativeBinomialP(y, design, exog_infl=ones, p=2).fit(
            method="bfgs", maxiter=5000, gtol=1e-6, disp=0, skip_hessian=True
        )
    net = NLLRegressor(ZERO_INFLATED_NEGATIVE_BINOMIAL, **LINEAR).fit(X, y)
    assert 0.1 < net.predict_dist(X).params["inflation"][0] < 0.9  # the maximum lies inside
    # At least its maximum: its search may stop early.
    assert log_likelihood(net, X, y) >= oracle.llf - RTOL * abs(oracle.llf)
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=1e-4)


def test_without_extra_zeros_it_is_the_negative_binomial_itself(shared_data):
    # The maximum lies at the end, at no inflation, where statsmodels' Hessian has no inverse.
    X, y = doctor_visits(shared_data)
    oracle = sm.NegativeBinomial(y, sm.add_constant(X)).fit(disp=0, maxiter=1000, gtol=GTOL)
    net = NLLRegressor(ZERO_INFLATED_NEGATIVE_BINOMIAL, **LINEAR).fit(X, y)
    assert net.predict_dist(X).params["inflation"][0] < 1e-6
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=RTOL)


def test_linear_hurdle_negative_binomial_is_a_logistic_and_a_truncated_regression(
    counts_with_zeros,
):
    X, y = counts_with_zeros
    design, is_positive = sm.add_constant(X), y > 0
    logistic = sm.Logit(is_positive, design).fit(disp=0, tol=TOL)
    truncated = TruncatedLFNegativeBinomialP(y[is_positive], design[is_positive], p=2)
    net = NLLRegressor(Hurdle(NegativeBinomial(dispersion="constant")), **LINEAR).fit(X, y)
    params = net.predict_dist(X).params
    coefficients = [*net.intercepts_[0][1:2], *net.coefs_[0][:, 1], params["dispersion"][0]]
    # Its likelihood, at our parameters: its own search is lost on these counts.
    expected = logistic.llf + truncated.loglike(np.array(coefficients))
    assert log_likelihood(net, X, y) == pytest.approx(expected, rel=RTOL)
    slope = truncated.score(np.array(coefficients)) / len(y)
    np.testing.assert_allclose(slope, 0, atol=1e-5)


def test_linear_zero_inflated_poisson_with_exposure_is_statsmodels(counts_with_zeros):
    X, y = counts_with_zeros
    exposure = np.random.default_rng(2).uniform(0.5, 2, len(y))
    design = sm.add_constant(X)
    oracle = ZeroInflatedPoisson(y, design, exog_infl=np.ones((len(y), 1)), exposure=exposure).fit(
        method="bfgs", maxiter=5000, gtol=GTOL, disp=0
    )
    net = NLLRegressor(ZeroInflated(Poisson(), "constant"), **LINEAR)
    dist = net.fit(X, y, exposure=exposure).predict_dist(X, exposure=exposure)
    assert dist.log_prob(y).sum() == pytest.approx(oracle.llf, rel=RTOL)


def test_linear_hurdle_is_a_logistic_and_a_truncated_regression(counts_with_zeros):
    X, y = counts_with_zeros
    design, is_positive = sm.add_constant(X), y > 0
    logistic = sm.Logit(is_positive, design).fit(disp=0, tol=TOL)
    truncated = TruncatedLFPoisson(y[is_positive], design[is_positive]).fit(
        method="bfgs", maxiter=5000, gtol=GTOL, disp=0
    )
    net = NLLRegressor(Hurdle(Poisson()), **LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(logistic.llf + truncated.llf, rel=RTOL)
    inflation = net.predict_dist(X).params["inflation"]
    np.testing.assert_allclose(inflation, 1 - logistic.predict(), rtol=1e-4)


@pytest.mark.parametrize("base", [Gamma(shape="constant"), LogNormal(sigma="constant"), Gamma()])
def test_linear_zero_adjusted_amounts_are_a_logistic_and_a_positive_regression(base):
    X, rng = generated_features()
    is_positive = rng.uniform(size=len(X)) < expit(X @ [0.8, 0.5, -0.5])
    y = np.where(is_positive, 1e4 * rng.gamma(3, np.exp(X @ [0.5, -0.3, 0.8])), 0)
    logistic = sm.Logit(is_positive, sm.add_constant(X)).fit(disp=0, tol=TOL)
    amounts = NLLRegressor(base, **LINEAR).fit(X[is_positive], y[is_positive])
    net = NLLRegressor(ZeroInflated(base), **LINEAR).fit(X, y)
    of_amounts = log_likelihood(amounts, X[is_positive], y[is_positive])
    assert log_likelihood(net, X, y) == pytest.approx(logistic.llf + of_amounts, rel=RTOL)
    expected = logistic.predict() * amounts.predict(X)
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-4)


def test_linear_zero_one_inflated_beta_is_two_logistic_and_a_beta_regression():
    X, rng = generated_features()
    mean, end = expit(X @ [0.5, -0.3, 0.8]), rng.uniform(size=len(X)) < expit(X @ [0.8, 0.5, -1])
    is_one = rng.uniform(size=len(X)) < mean
    y = np.where(end, is_one, rng.beta(mean * 8, (1 - mean) * 8))
    design = sm.add_constant(X)
    parts = [
        sm.Logit(end, design).fit(disp=0, tol=TOL),
        sm.Logit(is_one[end], design[end]).fit(disp=0, tol=TOL),
        BetaModel(y[~end], design[~end]).fit(disp=0, gtol=GTOL),
    ]
    net = NLLRegressor(ZeroOneInflated(Beta(precision="constant")), **LINEAR).fit(X, y)
    expected = sum(part.llf for part in parts)
    assert log_likelihood(net, X, y) == pytest.approx(expected, rel=RTOL)


# Laplace's maximum lies in a kink; a mixture has many.
@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS.keys() - {"laplace", "normal_mixture"}))
def test_the_maximum_is_reached_whatever_the_units_of_x(name, draw_rows, make_net):
    X, y = draw_rows(name, n=100)
    net = make_net(name, **LINEAR).fit(X, y)
    for factor in (1e-2, 1e3):
        other = make_net(name, **LINEAR).fit(factor * X, y)
        assert other.loss_ == pytest.approx(net.loss_, rel=RTOL)
