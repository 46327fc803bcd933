"""Censored and truncated y: tails in many digits, and the fits of survival software."""

import warnings
from functools import partial

import mpmath as mp
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import integrate, optimize, stats
from sklearn.model_selection import cross_val_score

from sklnll import NLLRegressor
from sklnll.distributions import (
    Censored,
    Exponential,
    Gamma,
    Gumbel,
    Laplace,
    Logistic,
    LogNormal,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    Weibull,
)
from sklnll.metrics import neg_nll_scorer
from sklnll.predictive import predictive

from .cases import CASES, tensors

brief = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BASES = {
    "normal": Normal,
    "laplace": Laplace,
    "logistic": Logistic,
    "gumbel": Gumbel,
    "exponential": Exponential,
    "log_normal": LogNormal,
    "weibull": Weibull,
}
every_base = pytest.mark.parametrize("name", BASES)
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-10, "max_iter": 3000}


def _laplace_cdf(y, loc, scale):
    z = (y - loc) / scale
    return mp.exp(z) / 2 if z < 0 else 1 - mp.exp(-z) / 2


CDFS = {
    "normal": lambda y, loc, scale: mp.erfc((loc - y) / scale / mp.sqrt(2)) / 2,
    "laplace": _laplace_cdf,
    "logistic": lambda y, loc, scale: 1 / (1 + mp.exp((loc - y) / scale)),
    "gumbel": lambda y, loc, scale: mp.exp(-mp.exp((loc - y) / scale)),
    "exponential": lambda y, scale: -mp.expm1(-y / scale),
    "log_normal": lambda y, sigma, scale: mp.erfc(-mp.log(y / scale) / sigma / mp.sqrt(2)) / 2,
    "weibull": lambda y, shape, scale: -mp.expm1(-((y / scale) ** shape)),
}
"""The textbook distribution functions in mpmath."""


def exact_cdf(name, y, row):
    """In 400 digits, of which what is left of 1 minus it has some too."""
    if np.isinf(y):
        return mp.mpf(int(y > 0))
    if y <= 0 and BASES[name].support.low == 0:
        return mp.mpf(0)
    return CDFS[name](mp.mpf(float(y)), **{key: mp.mpf(float(value)) for key, value in row.items()})


def by_row(params):
    for row in zip(*params.values(), strict=True):
        yield dict(zip(params, row, strict=True))


def along(name, *levels):
    """Quantiles of the cases' parameters, from below for levels up to 1/2, else from above."""
    frozen = CASES[name].scipy(**CASES[name].params)
    return [frozen.isf(-level) if level < 0 else frozen.ppf(level) for level in levels]


# Tails --------------------------------------------------------------------------------------------


@every_base
@pytest.mark.parametrize("level", [1e-300, 1e-100, 1e-12, 0.3, 0.8, -1e-12, -1e-100, -1e-300])
def test_log_tails_are_exact_however_far_out(name, level):
    """Negative levels are probabilities above."""
    (y,), params = along(name, level), CASES[name].params
    with mp.workdps(400):
        below = [exact_cdf(name, *pair) for pair in zip(y, by_row(params), strict=True)]
        log_cdf = [float(mp.log(p)) for p in below]
        log_sf = [float(mp.log(1 - p)) for p in below]
    family, inputs = BASES[name](), tensors(params)
    ours = [getattr(family, tail)(torch.tensor(y), **inputs) for tail in ("log_cdf", "log_sf")]
    # Places are rounded: far to the left a relative error of y is many times one of the tail.
    np.testing.assert_allclose(ours[0], log_cdf, rtol=2e-9, atol=1e-305)
    np.testing.assert_allclose(ours[1], log_sf, rtol=2e-9, atol=1e-305)


@every_base
@pytest.mark.parametrize("tail", ["log_cdf", "log_sf"])
def test_gradients_of_tails_are_finite_differences(name, tail):
    for y in along(name, 0.01, 0.4, -0.2, -1e-3):
        leaves = [torch.tensor(y), *tensors(CASES[name].params).values()]
        leaves = [leaf.requires_grad_() for leaf in leaves]

        def function(y, *values, name=name):
            params = dict(zip(CASES[name].params, values, strict=True))
            return getattr(BASES[name](), tail)(y, **params)

        assert torch.autograd.gradcheck(function, leaves, eps=1e-8, rtol=1e-4)


@every_base
@pytest.mark.parametrize("tail", ["log_cdf", "log_sf"])
def test_gradients_of_tails_are_finite_far_out(name, tail):
    params = {key: value.requires_grad_() for key, value in tensors(CASES[name].params).items()}
    ends = [1e-200, 1e-30, 1.0, 1e6, 1e30]
    for y in ends if BASES[name].support.low == 0 else [-v for v in ends] + ends:
        values = getattr(BASES[name](), tail)(torch.tensor(y, dtype=torch.float64), **params)
        gradients = torch.autograd.grad(values.sum(), list(params.values()))
        assert not values.isnan().any()
        assert not any(gradient.isnan().any() for gradient in gradients)


INTERVALS = {
    "wide": (0.1, -0.1),
    "middle": (0.4, 0.6),
    "far left": (1e-220, 1e-200),
    "far right": (-1e-200, -1e-220),
    "from far left to far right": (1e-200, -1e-200),
}


def assert_log_interval(name, low, high):
    between = low < high  # quantiles of shapes below 1 underflow
    low, high = low[between], high[between]
    params = {key: value[between] for key, value in CASES[name].params.items()}
    with mp.workdps(500):
        exactly = [
            float(mp.log(exact_cdf(name, b, row) - exact_cdf(name, a, row)))
            for a, b, row in zip(low, high, by_row(params), strict=True)
        ]
    leaves = {key: value.requires_grad_() for key, value in tensors(params).items()}
    ours = BASES[name]().log_interval(torch.tensor(low), torch.tensor(high), **leaves)
    np.testing.assert_allclose(ours.detach(), exactly, rtol=1e-8, atol=1e-12)
    gradients = torch.autograd.grad(ours.sum(), list(leaves.values()), allow_unused=True)
    assert all(gradient.isfinite().all() for gradient in gradients if gradient is not None)


@every_base
@pytest.mark.parametrize("kind", INTERVALS)
def test_probability_of_an_interval_is_exact(name, kind):
    assert_log_interval(name, *along(name, *INTERVALS[kind]))


@every_base
@pytest.mark.parametrize("width", [1e-12, 1e-9, 1e-7, 1e-5, 1e-3])
def test_probability_of_a_narrow_interval_is_exact(name, width):
    for level in (0.01, 0.4, -0.01):
        (low,) = along(name, level)
        scale = CASES[name].params["scale"]
        high = np.maximum(low + width * scale, low + 4 * np.spacing(low))
        assert_log_interval(name, low, high)


@every_base
def test_open_sides_are_open(name):
    (middle,) = along(name, 0.4)
    start = np.full_like(middle, BASES[name].support.low)
    assert_log_interval(name, middle, np.full_like(middle, np.inf))
    assert_log_interval(name, start, middle)
    assert_log_interval(name, np.full_like(middle, -np.inf), middle)
    assert_log_interval(name, start, np.full_like(middle, np.inf))


# Survival -----------------------------------------------------------------------------------------


def durations(n=300, seed=0):
    """Rows, durations and whether they ended before the watch did."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    time = 10 * np.exp(0.5 * X[:, 0] - 0.8 * X[:, 1]) * rng.weibull(1.5, size=n)
    watched = rng.uniform(1, 30, size=n)
    return X, np.minimum(time, watched), time <= watched


def as_interval(time, ended):
    return np.column_stack([time, np.where(ended, time, np.inf)])


def rossi():
    """Weeks until prisoners who were released are arrested again."""
    from lifelines.datasets import load_rossi

    frame = load_rossi()
    X = frame.drop(columns=["week", "arrest"]).to_numpy(float)
    return X, frame["week"].to_numpy(float), frame["arrest"].to_numpy(bool)


def lifelines_fit(fitter, method, X, **columns):
    """The fitted model; its own code warns under the newest pandas and numpy."""
    frame = pd.DataFrame(X).add_prefix("x").assign(**columns)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings(
            "ignore", message=".*(Pandas4|ChainedAssignment|overflow|divide|inv).*"
        )
        names = {"fit": ["time", "ended"], "fit_interval_censoring": ["lower", "upper"]}[method]
        return getattr(fitter, method)(frame, *names, fit_options={"ftol": 1e-14})


@pytest.mark.parametrize("rows", [durations, rossi])
@pytest.mark.parametrize("name", ["weibull", "log_normal"])
def test_linear_fit_is_the_accelerated_failure_time_model_of_lifelines(name, rows):
    lifelines = pytest.importorskip("lifelines")
    X, time, ended = rows()
    fitters = {"weibull": lifelines.WeibullAFTFitter, "log_normal": lifelines.LogNormalAFTFitter}
    oracle = lifelines_fit(fitters[name](), "fit", X, time=time, ended=ended)
    base = {"weibull": Weibull(shape="constant"), "log_normal": LogNormal(sigma="constant")}[name]
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    net = NLLRegressor(Censored(base), **LINEAR).fit(scaled, as_interval(time, ended))
    log_likelihood = -net.loss_ * len(X)
    assert log_likelihood == pytest.approx(oracle.log_likelihood_, rel=1e-6)
    median = oracle.predict_median(pd.DataFrame(X).add_prefix("x"))
    np.testing.assert_allclose(net.predict_dist(scaled).median(), median, rtol=2e-3)


@pytest.mark.parametrize("rows", [durations, rossi])
def test_linear_exponential_fit_is_a_poisson_regression_with_the_time_as_exposure(rows):
    """Known since M. Aitkin and D. Clayton (1980), doi:10.2307/2986301."""
    import statsmodels.api as sm

    X, time, ended = rows()
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    net = NLLRegressor(Censored(Exponential()), **LINEAR).fit(scaled, as_interval(time, ended))
    family = sm.families.Poisson()
    design = sm.add_constant(scaled)
    oracle = sm.GLM(ended.astype(float), design, family=family, exposure=time).fit(tol=1e-10)
    rate = oracle.predict(design, exposure=np.ones(len(X)))
    log_likelihood = (ended * np.log(rate) - rate * time).sum()
    assert -net.loss_ * len(X) == pytest.approx(log_likelihood, rel=1e-6)
    np.testing.assert_allclose(net.predict(scaled), 1 / rate, rtol=1e-4)


def test_marginal_exponential_fit_is_lifelines():
    lifelines = pytest.importorskip("lifelines")
    X, time, ended = durations()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifelines' own, which differ by the versions around it
        oracle = lifelines.ExponentialFitter().fit(time, ended)
    net = NLLRegressor(Censored(Exponential("constant")), solver="lbfgs", tol=1e-10)
    net.fit(X, as_interval(time, ended))
    assert -net.loss_ * len(X) == pytest.approx(oracle.log_likelihood_, rel=1e-6)
    # Years under observation over events.
    np.testing.assert_allclose(net.predict(X), time.sum() / ended.sum(), rtol=1e-6)


def intervals(n=300):
    """Durations known between two visits, some of them before the first or after the last."""
    X, time, _ = durations(n)
    visits = np.array([0.0, 2.0, 5.0, 9.0, 14.0, 20.0, 30.0, np.inf])
    last = np.searchsorted(visits, time) - 1
    return X, np.column_stack([visits[last], visits[last + 1]])


def test_interval_censored_fit_is_lifelines():
    lifelines = pytest.importorskip("lifelines")
    X, y = intervals()
    fitter = lifelines.WeibullAFTFitter()
    lower = np.where(y[:, 0] == 0, 1e-12, y[:, 0])
    oracle = lifelines_fit(fitter, "fit_interval_censoring", X, lower=lower, upper=y[:, 1])
    net = NLLRegressor(Censored(Weibull(shape="constant")), **LINEAR).fit(X, y)
    assert -net.loss_ * len(X) == pytest.approx(oracle.log_likelihood_, rel=1e-6)


def normal_terms(theta, X):
    return X @ theta[:-2] + theta[-2], np.exp(theta[-1])


def maximize(log_likelihood, n_columns):
    start = np.zeros(n_columns + 2)
    fit = optimize.minimize(lambda theta: -log_likelihood(theta), start, options={"gtol": 1e-7})
    return -fit.fun


def test_left_censored_normal_fit_is_tobins():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    latent = 1 + X @ [1.0, -0.5] + rng.normal(size=200)
    seen = latent > 0.5

    def log_likelihood(theta):
        loc, scale = normal_terms(theta, X)
        below = stats.norm.logcdf(0.5, loc, scale)
        return np.where(seen, stats.norm.logpdf(latent, loc, scale), below).sum()

    y = np.column_stack([np.where(seen, latent, -np.inf), np.where(seen, latent, 0.5)])
    net = NLLRegressor(Censored(Normal(scale="constant")), **LINEAR).fit(X, y)
    assert -net.loss_ * 200 == pytest.approx(maximize(log_likelihood, 2), rel=1e-8)


@pytest.mark.parametrize("law", ["norm", "logistic", "gumbel_r", "laplace"])
def test_interval_censored_fit_is_the_direct_maximum(law):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(150, 2))
    latent = 1 + X @ [1.0, -0.5] + rng.normal(size=150)
    y = np.column_stack([np.floor(latent), np.floor(latent) + 1])
    frozen = getattr(stats, law)

    def log_likelihood(theta):
        loc, scale = normal_terms(theta, X)
        share = frozen.cdf(y[:, 1], loc, scale) - frozen.cdf(y[:, 0], loc, scale)
        return np.log(np.maximum(share, 1e-300)).sum()  # far from the maximum

    bases = {"norm": Normal, "logistic": Logistic, "gumbel_r": Gumbel, "laplace": Laplace}
    net = NLLRegressor(Censored(bases[law](scale="constant")), **LINEAR).fit(X, y)
    assert -net.loss_ * 150 == pytest.approx(maximize(log_likelihood, 2), rel=1e-6)


# Training -----------------------------------------------------------------------------------------


def some_censored(name, y):
    """Rows of all kinds around the values y."""
    kind = np.arange(len(y)) % 4
    low = np.select([kind == 1, kind == 3], [-np.inf, 0.8 * y], y)
    high = np.select([kind == 2, kind == 3], [np.inf, 1.3 * y], y)
    if BASES[name].support.low == 0:
        low = np.maximum(low, 0)
    return np.column_stack([np.minimum(low, high), np.maximum(low, high)])


@brief
@every_base
def test_exact_rows_are_uncensored_ones(name, draw_rows):
    X, y = draw_rows(name)
    params = {"max_iter": 30, "random_state": 0}
    net = NLLRegressor(Censored(BASES[name]()), (8,), **params).fit(X, np.column_stack([y, y]))
    other = NLLRegressor(BASES[name](), (8,), **params).fit(X, y)
    np.testing.assert_allclose(net.weights_, other.weights_, rtol=1e-9, atol=1e-12)
    assert net.loss_ == pytest.approx(other.loss_, rel=1e-12)


@brief
@every_base
def test_loss_is_minus_the_mean_log_prob_of_the_training_rows(name, draw_rows):
    X, y = draw_rows(name)
    y = some_censored(name, 100 * y)
    net = NLLRegressor(Censored(BASES[name]()), (), solver="lbfgs", alpha=0, max_iter=20)
    dist = net.fit(X, y).predict_dist(X)
    log_prob = dist.log_prob(y)
    assert net.loss_ == pytest.approx(-log_prob.mean(), rel=1e-10)
    low, high = y.T
    exact = low == high
    expected = dist[exact].to_scipy().logpdf(low[exact])
    np.testing.assert_allclose(log_prob[exact], expected, rtol=1e-9)
    share = (dist.cdf(high) - dist.cdf(low))[~exact]
    np.testing.assert_allclose(np.exp(log_prob[~exact]), share, rtol=1e-9, atol=1e-15)


@brief
@every_base
def test_a_change_of_units_moves_the_predicted_distribution(name, draw_rows):
    X, y = draw_rows(name)
    y = some_censored(name, y)
    dists = [
        NLLRegressor(Censored(BASES[name]()), (8,), max_iter=30, random_state=0)
        .fit(X, unit * y)
        .predict_dist(X)
        for unit in (1.0, 1024.0)
    ]
    np.testing.assert_allclose(dists[1].ppf(0.3), 1024 * dists[0].ppf(0.3), rtol=1e-11)
    gain = np.where(y[:, 0] == y[:, 1], np.log(1024), 0)
    np.testing.assert_allclose(dists[1].log_prob(1024 * y), dists[0].log_prob(y) - gain, rtol=1e-8)


@brief
def test_r2_needs_exact_values():
    X = np.linspace(-1, 1, 30)[:, None]
    y = np.exp(X[:, 0])  # without noise: the shape grows as far as its link lets it
    net = NLLRegressor(Censored(Weibull()), (), solver="lbfgs").fit(X, np.column_stack([y, y]))
    assert net.score(X, y) > 0.99
    with pytest.raises(ValueError, match=r"R² needs exact values of y.*neg_nll_scorer"):
        net.score(X, np.column_stack([y, y]))


def test_scorers_and_early_stopping_read_both_columns():
    X, time, ended = durations()
    y = as_interval(time, ended)
    net = NLLRegressor(Censored(Weibull(shape="constant")), (8,), max_iter=15, random_state=0)
    scores = cross_val_score(net, X, y, scoring=neg_nll_scorer, cv=3, error_score="raise")
    assert np.isfinite(scores).all()
    net.set_params(early_stopping=True, validation_fraction=0.3).fit(X, y)
    assert len(net.validation_scores_) > 1
    net.set_params(x_scaling="standard")  # else predictions bound what lies far outside
    net.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    best = net.predict_dist(X[200:]).log_prob(y[200:]).mean()
    assert net.best_validation_score_ == pytest.approx(best)


def test_all_but_log_prob_is_about_y_itself():
    X, time, ended = durations()
    net = NLLRegressor(Censored(LogNormal()), (), solver="lbfgs").fit(X, as_interval(time, ended))
    dist = net.predict_dist(X)
    base = predictive(LogNormal(), dist.params)
    for method in ("mean", "median", "mode", "std", "entropy"):
        np.testing.assert_array_equal(getattr(dist, method)(), getattr(base, method)())
    for method in ("log_prob", "logpdf", "cdf", "sf", "crps"):
        np.testing.assert_array_equal(getattr(dist, method)(time), getattr(base, method)(time))
    assert net.predict(X).shape == (300,)
    assert net.predict_interval(X).shape == (300, 2)


# Truncated ----------------------------------------------------------------------------------------

LIMITS = {
    "middle": (-1.0, 0.5),
    "right": (2.0, 6.0),
    "far right": (20.0, 21.0),
    "far left": (-31.0, -30.0),
    "below": (-np.inf, -3.0),
    "above": (1.0, np.inf),
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_truncated_normal_is_scipys(limits):
    low, high = limits
    loc, scale = np.array([0.0, 0.3]), np.array([1.0, 2.0])
    ends = {"low": np.full(2, low), "high": np.full(2, high)}
    dist = predictive(Truncated(Normal(), low, high), {**ends, "loc": loc, "scale": scale})
    oracle = stats.truncnorm((low - loc) / scale, (high - loc) / scale, loc, scale)
    for level in (0.01, 0.4, 0.95):
        y = oracle.ppf(level)
        np.testing.assert_allclose(dist.ppf(level), y, rtol=1e-9)
        np.testing.assert_allclose(dist.isf(level), oracle.isf(level), rtol=1e-9)
        for method in ("logpdf", "cdf", "sf"):
            expected = getattr(oracle, method)(y)
            np.testing.assert_allclose(getattr(dist, method)(y), expected, rtol=1e-8)
    for method in ("mean", "median"):
        np.testing.assert_allclose(getattr(dist, method)(), getattr(oracle, method)(), rtol=1e-9)
    np.testing.assert_allclose(dist.mode(), np.clip(loc, low, high))
    # Scipy's are differences: far out they lose digits, and the entropy all of them.
    np.testing.assert_allclose(dist.std(), oracle.std(), rtol=1e-4)
    if np.isfinite(limits).all() and low > -20 and high < 20:
        np.testing.assert_allclose(dist.entropy(), oracle.entropy(), rtol=1e-9)
    draws = dist.rvs(2000, random_state=0)
    for j in range(2):
        assert stats.kstest(dist[j].cdf(draws[j, :, None])[:, 0], "uniform").pvalue > 1e-3
        assert ((draws >= low) & (draws <= high)).all()
    for end, expected in zip(dist.support(), limits, strict=True):
        np.testing.assert_array_equal(end, expected)


@pytest.mark.parametrize("name", sorted(BASES.keys() - {"normal"}))
@pytest.mark.parametrize("levels", [(0.2, 0.7), (1e-9, 0.5), (-1e-3, -1e-9)])
def test_truncated_density_and_moments_are_quadrature(name, levels):
    row = {key: value[:1] for key, value in CASES[name].params.items()}
    (low, *_), (high, *_) = along(name, *levels)
    ends = {"low": np.array([low]), "high": np.array([high])}
    dist = predictive(Truncated(BASES[name](), low, high), {**ends, **row})

    def expectation(function, top=high):
        return integrate.quad(
            lambda y: function(y) * dist.pdf(y)[0], low, top, epsabs=0, epsrel=1e-11, limit=300
        )[0]

    middle = dist.ppf(0.4)[0]
    assert expectation(lambda y: 1.0) == pytest.approx(1, rel=1e-8)
    assert expectation(lambda y: 1.0, middle) == pytest.approx(0.4, rel=1e-8)
    assert dist.cdf(middle) == pytest.approx(0.4, rel=1e-9)
    mean = expectation(lambda y: y)
    assert dist.mean() == pytest.approx(mean, rel=1e-8)
    std = np.sqrt(expectation(lambda y: (y - mean) ** 2))
    assert dist.std() == pytest.approx(std, rel=1e-6)
    crps = integrate.quad(lambda y: dist.cdf(y)[0] ** 2, low, middle)[0]
    crps += integrate.quad(lambda y: dist.sf(y)[0] ** 2, middle, high)[0]
    assert dist.crps(middle) == pytest.approx(crps, rel=1e-7)


def test_marginal_truncated_fit_is_the_direct_maximum():
    y = stats.truncnorm(-1, 0.5, 2, 3).rvs(200, random_state=0)

    def loss(theta):
        loc, scale = theta[0], np.exp(theta[1])
        return -stats.truncnorm.logpdf(
            y, (-1 - loc) / scale, (3.5 - loc) / scale, loc, scale
        ).mean()

    oracle = optimize.minimize(loss, [0.0, 0.0], options={"gtol": 1e-8}).fun
    family = Truncated(Normal("constant", "constant"), -1.0, 3.5)
    net = NLLRegressor(family, solver="lbfgs", tol=1e-10, max_iter=2000).fit(np.zeros((200, 1)), y)
    assert net.loss_ == pytest.approx(oracle, rel=1e-8)


@brief
@every_base
def test_truncated_predictions_stay_between_the_limits(name, draw_rows):
    X, y = draw_rows(name)
    low, high = np.quantile(y, [0.1, 0.9])
    inside = (y >= low) & (y <= high)
    net = NLLRegressor(Truncated(BASES[name](), low, high), (8,), max_iter=40, random_state=0)
    net.fit(X[inside], y[inside])
    dist = net.predict_dist(X)
    assert np.isfinite(net.loss_)
    assert net.loss_ == pytest.approx(net.loss_curve_[-1])
    for predicted in (
        net.predict(X),
        net.predict_quantiles(X, [0, 0.01, 0.5, 0.99, 1]),
        dist.rvs(20, 0),
    ):
        assert ((predicted >= low) & (predicted <= high)).all()
    assert np.isfinite(dist.log_prob(np.full(len(X), low))).all()
    assert (dist.log_prob(np.full(len(X), low - 1e-6 * abs(low))) == -np.inf).all()


# Bad input ----------------------------------------------------------------------------------------

X4 = np.zeros((4, 1))
Y4 = np.array([[1.0, 1.0], [2.0, np.inf], [3.0, 4.0], [5.0, 5.0]])


def put(row, value):
    y = Y4.copy()
    y[row] = value
    return y


@pytest.mark.parametrize(
    ("family", "y", "message"),
    [
        (Normal(), put(2, [4, 3]), r"must have lower <= upper.*found \(4, 3\) at row 2 \(1 of 4"),
        (Normal(), put(1, [np.nan, 3]), r"must not contain NaN.*found \(nan, 3\) at row 1"),
        (Normal(), Y4[:, 0], r"must have two columns, the lower and the upper.*got shape \(4,\)"),
        (Normal(), np.c_[Y4, Y4[:, 0]], r"must have two columns.*got shape \(4, 3\)"),
        (Normal(), put(0, [np.inf, np.inf]), r"must be a real number.*found \(inf, inf\) at row 0"),
        (Weibull(), put(3, [-1, -1]), r"must be positive.*found \(-1, -1\) at row 3"),
        (Weibull(), put(3, [0, 0]), r"must be positive.*found \(0, 0\) at row 3"),
        (LogNormal(), put(3, [-2, -1]), r"must be positive, or an interval.*at row 3"),
        (Exponential(), put(3, [-2, 0]), r"must be non-negative, or an interval.*at row 3"),
    ],
    ids=lambda value: "",
)
def test_illegal_intervals_are_named_by_their_row(family, y, message):
    with pytest.raises(ValueError, match=message):
        NLLRegressor(Censored(family)).fit(X4, y)


@pytest.mark.parametrize("compound", [Censored, partial(Truncated, low=0.5)])
@pytest.mark.parametrize("base", [StudentT(), Gamma(), Poisson()], ids=repr)
def test_a_base_without_closed_tails_is_refused_with_the_reason(base, compound):
    message = r"closed, differentiable form, which .* does not have.*Normal, Laplace"
    with pytest.raises(ValueError, match=message):
        NLLRegressor(compound(base)).fit(X4, Y4)


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (
            Truncated(Normal(), 3.0, 3.0),
            "low of Truncated must be below high.*low=3.0 and high=3.0",
        ),
        (Truncated(Normal(), 4.0, 3.0), "low of Truncated must be below high"),
        (Truncated(Weibull(), -5.0, -3.0), r"some of Weibull\(\) between them"),
        (Truncated(Normal(), np.nan, 3.0), "low of .* must be a number below `high`; got nan"),
        (Truncated(Normal(), None, 3.0), "low of .* must be a number below `high`; got None"),
        (Truncated(Normal(), "constant", 3.0), "low of .* must be a number below `high`"),
        (Truncated(Normal(), 0.0, 2.0), r"must be between 0 and 2 .*found 3 at row 2"),
        (Truncated("normal", 0.0, 2.0), "base of Truncated must be an instance of a family"),
        (Censored(Normal), "base of Censored must be an instance of a family"),
    ],
    ids=lambda value: "",
)
def test_illegal_limits_are_refused(family, message):
    with pytest.raises(ValueError, match=message):
        NLLRegressor(family).fit(X4, np.array([0.5, 1.0, 3.0, 1.5]))
