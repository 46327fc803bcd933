"""What no closed form answers, quadrature, sums and root search do."""

import numpy as np
import pytest
import torch
from scipy import stats

from sklnll import NLLRegressor
from sklnll._laws.numerical import numerical_law
from sklnll.distributions import COUNTS, DISTRIBUTIONS, REAL, Distribution, Poisson
from sklnll.distributions.links import identity, log, positive
from sklnll.predictive import predictive

from .cases import CASES, CONTINUOUS, LINEAR, PLAIN

LEVELS = np.array([1e-12, 1e-3, 0.2, 0.5, 0.9, 1 - 1e-6])[:, None]
TAILS = {"student_t": 1e-6}
"""Relative errors where tails are so heavy that what lies beyond all nodes counts; else 1e-9."""

ONE_PEAK = [name for name in LINEAR if name in PLAIN and name in CONTINUOUS]
WITH_MOMENTS = [name for name in ONE_PEAK if name != "cauchy"]


def law_and_scipys(name):
    params = CASES[name].params
    if name == "student_t":
        params = {key: value[2:] for key, value in params.items()}  # of which the moments exist
    return numerical_law(DISTRIBUTIONS[name](), params), CASES[name].scipy(**params), params


@pytest.mark.parametrize("name", ONE_PEAK)
def test_probabilities_are_scipys(name):
    law, frozen, _ = law_and_scipys(name)
    y = np.stack([frozen.ppf(level) for level in LEVELS])
    for method in ("logpdf", "cdf", "sf", "logcdf", "logsf"):
        expected = getattr(frozen, method)(y)
        atol = 1e-13 if method.startswith("log") else 0  # a logarithm near zero
        np.testing.assert_allclose(getattr(law, method)(y), expected, rtol=1e-9, atol=atol)


def test_nan_stays_nan():
    for family, value in [
        (DISTRIBUTIONS["normal"](), {"loc": 0.0, "scale": 1.0}),
        (Poisson(), {"rate": 2.0}),
    ]:
        law = numerical_law(family, {key: np.array([number]) for key, number in value.items()})
        for method in ("cdf", "sf", "ppf", "isf"):
            assert np.isnan(getattr(law, method)(np.array([np.nan]))).all()


@pytest.mark.parametrize("name", ONE_PEAK)
def test_quantiles_are_scipys(name):
    law, frozen, _ = law_and_scipys(name)
    for method in ("ppf", "isf"):
        expected = getattr(frozen, method)(LEVELS)
        atol = 1e-9 * (frozen.isf(0.25) - frozen.ppf(0.25))  # near zero a place has fewer digits
        assert (
            np.abs(getattr(law, method)(LEVELS) - expected) <= 1e-9 * np.abs(expected) + atol
        ).all()
    ends = np.broadcast_arrays(*frozen.support(), law.mode())[:2]
    np.testing.assert_array_equal(law.ppf(np.array([[0.0], [1.0]])), ends)
    assert np.isnan(law.ppf(np.array(np.nan))).all()


@pytest.mark.parametrize("name", WITH_MOMENTS)
def test_summaries_are_scipys(name):
    law, frozen, params = law_and_scipys(name)
    rtol, unit = TAILS.get(name, 1e-9), frozen.std()
    assert (np.abs(law.mean() - frozen.mean()) <= rtol * unit).all()
    np.testing.assert_allclose(law.std(), unit, rtol=rtol if name != "student_t" else 1e-4)
    np.testing.assert_allclose(law.entropy(), frozen.entropy(), rtol=rtol, atol=rtol)
    # At its top a density is flat: a search finds it to half the digits.
    mode = np.broadcast_to(DISTRIBUTIONS[name]().mode(**params), unit.shape)
    assert (np.abs(law.mode() - mode) <= 1e-6 * unit).all()


@pytest.mark.parametrize("name", ONE_PEAK)
def test_crps_is_the_closed_form(name):
    law, frozen, params = law_and_scipys(name)
    for level in LEVELS[1::2]:
        y = frozen.ppf(level)
        expected = DISTRIBUTIONS[name]().crps(y, **params)
        np.testing.assert_allclose(law.crps(y), expected, rtol=TAILS.get(name, 1e-8))


@pytest.mark.parametrize("name", ONE_PEAK)
def test_draws_have_the_distribution(name):
    law, _, params = law_and_scipys(name)
    draws = law.rvs((800, *law.shape), np.random.RandomState(0))
    for j in range(draws.shape[1]):
        alone = CASES[name].scipy(**{key: value[j] for key, value in params.items()})
        assert stats.kstest(draws[:, j], alone.cdf).pvalue > 1e-3


def test_counts_are_scipys():
    rate = np.array([0.3, 4.5, 40.5, 3000.5])
    law, frozen = numerical_law(Poisson(), {"rate": rate}), stats.poisson(rate)
    levels = np.array([1e-9, 0.2, 0.5, 0.9, 1 - 1e-9])[:, None]
    counts = frozen.ppf(levels)
    for method in ("logpmf", "cdf", "sf"):
        np.testing.assert_allclose(
            getattr(law, method)(counts), getattr(frozen, method)(counts), rtol=1e-9
        )
    np.testing.assert_array_equal(law.ppf(levels), counts)
    np.testing.assert_array_equal(law.isf(levels), frozen.isf(levels))
    for method in ("mean", "var", "std", "entropy"):
        np.testing.assert_allclose(getattr(law, method)(), getattr(frozen, method)(), rtol=1e-9)
    np.testing.assert_array_equal(law.mode(), np.floor(rate))
    for y in (0.0, 3.0, 2990.0):
        np.testing.assert_allclose(
            law.crps(np.full(4, y)), Poisson().crps(np.full(4, y), rate), rtol=1e-9
        )


# A family of one's own ----------------------------------------------------------------------------


class HyperbolicSecant(Distribution):
    """Density 1 / (2 scale cosh(pi z / 2)), between the normal's and the Laplace's."""

    support = REAL
    parameters = {"loc": identity, "scale": positive}  # noqa: RUF012

    def __init__(self, loc=None, scale=None):
        self.loc = loc
        self.scale = scale

    def log_prob(self, y, loc, scale):
        z = (torch.pi / 2) * ((y - loc) / scale).abs()
        return -z - torch.log1p(torch.exp(-2 * z)) - torch.log(scale)


class Borel(Distribution):
    """Sizes, less one, of families whose members have Poisson(rate) children each."""

    support = COUNTS
    parameters = {"rate": log}  # noqa: RUF012

    def __init__(self, rate=None):
        self.rate = rate

    def log_prob(self, y, rate):
        n = y + 1
        rate = rate.clamp(max=1.0)
        return -rate * n + (n - 1) * torch.log(rate * n) - torch.lgamma(n + 1)


def test_a_family_that_says_no_more_than_its_log_density_is_a_family():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    scale = 0.5 * np.exp(0.5 * X[:, 1])
    y = 7 + X[:, 0] + scale * stats.hypsecant.rvs(scale=2 / np.pi, size=400, random_state=0)
    net = NLLRegressor(HyperbolicSecant(), (), solver="lbfgs", alpha=0, max_iter=500).fit(X, y)
    dist = net.predict_dist(X)
    oracle = stats.hypsecant(dist.params["loc"], 2 / np.pi * dist.params["scale"])
    assert net.loss_ == pytest.approx(-oracle.logpdf(y).mean(), rel=1e-10)
    assert net.loss_ < -stats.hypsecant(7 + X[:, 0], 2 / np.pi * scale).logpdf(y).mean()
    np.testing.assert_allclose(net.predict(X), oracle.mean(), rtol=1e-9)
    np.testing.assert_allclose(net.predict_interval(X, 0.8).T, oracle.interval(0.8), rtol=1e-9)
    for method in ("std", "entropy", "median"):
        np.testing.assert_allclose(getattr(dist, method)(), getattr(oracle, method)(), rtol=1e-9)
    np.testing.assert_allclose(dist.mode(), dist.params["loc"], rtol=1e-6)
    np.testing.assert_allclose(dist.cdf(y), oracle.cdf(y), rtol=1e-9)
    assert stats.kstest(oracle.cdf(dist.rvs(random_state=0)), "uniform").pvalue > 1e-3
    assert dist.rvs(5, random_state=0).shape == (400, 5)
    near, far = dist.crps(oracle.median()), dist.crps(oracle.median() + 10 * oracle.std())
    assert (near < far).all()
    assert dist.crps(y).shape == (400,)


def test_a_family_of_counts_that_says_no_more_than_its_mass_is_a_family():
    rate = np.array([0.2, 0.5])
    dist = predictive(Borel(), {"rate": rate})
    np.testing.assert_allclose(dist.mean(), 1 / (1 - rate) - 1, rtol=1e-9)
    np.testing.assert_allclose(dist.var(), rate / (1 - rate) ** 3, rtol=1e-9)
    np.testing.assert_allclose(dist.cdf(0.0), np.exp(-rate), rtol=1e-12)
    np.testing.assert_array_equal(dist.mode(), 0)
    y = np.repeat(np.arange(5.0), [50, 20, 10, 5, 2])
    net = NLLRegressor(Borel(), (), solver="lbfgs", alpha=0).fit(np.zeros((87, 1)), y)
    # The mean of the size is 1 / (1 - rate), also at the maximum.
    assert net.predict_dist([[0.0]]).params["rate"][0] == pytest.approx(1 - 1 / (y.mean() + 1))
