"""Scipy's distributions over counts, mended: quantiles, sums and draws at any parameters."""

import mpmath as mp
import numpy as np
import pytest
from scipy import special, stats

from sklnll._laws.binomial import binomial
from sklnll._laws.discrete import least_count, sum_of_smooth
from sklnll._laws.negative_binomial import negative_binomial
from sklnll._numerics.crps import half_mean_difference
from sklnll.distributions import Binomial, Gamma, NegativeBinomial, Normal, Poisson

LEVELS = np.array([1e-300, 1e-12, 0.01, 0.3, 0.5, 0.975, 1 - 1e-12])


def grid(first, second):
    """All pairs, as two columns that broadcast against levels."""
    return [np.ravel(v)[:, None] for v in np.meshgrid(first, second)]


def powers(*exponents):
    return 10.0 ** np.array(exponents)


MEAN, DISPERSION = grid(
    powers(-300, -10, 0, 3, 9, 10.1, 15, 20, 100, 200, 300),
    powers(-150, -50, -15, -5, 0, 5, 50, 150, 300),
)
TRIALS, P = grid(
    [1.0, 2.0, 16.0, 17.0, 1e3, 1e9, 1e12, 2.0**53],
    [1e-300, 1e-15, 1e-9, 1e-3, 0.5, 0.9, 1 - 1e-9, 1 - 2.0**-52],
)
EXTREME = {
    "negative_binomial": negative_binomial(MEAN, DISPERSION),
    "binomial": binomial(TRIALS, P),
}
extreme = pytest.mark.parametrize("frozen", EXTREME.values(), ids=EXTREME)


# Searches ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("guess", [0.0, 1.0, 700.0, 1e5, 1e15, 1e300])
def test_least_count_is_found_from_any_guess(guess):
    target = np.array([0, 1, 2, 3, 17, 1000, 123456789, 2.0**53 - 1, 2.0**53])
    found = least_count(lambda k, t: k >= t, np.full(len(target), guess), target)
    np.testing.assert_array_equal(found, target)


@pytest.mark.parametrize("guess", [0.0, 1e20, 1e300])
def test_beyond_2_to_the_53_least_count_is_right_to_rounding(guess):
    target = np.array([1e17, 1e30, 1e100, 1e200, 1e308])
    found = least_count(lambda k, t: k >= t, np.full(len(target), guess), target)
    np.testing.assert_allclose(found, target, rtol=1e-15)


@pytest.mark.parametrize("guess", [0.0, 1e9, 1e300])
def test_a_search_takes_few_steps(guess):
    calls = []

    def reached(k, target):
        calls.append(k)
        return k >= target

    least_count(reached, np.array([guess]), np.array([12345.0]))
    assert len(calls) < 80
    calls.clear()
    least_count(reached, np.array([12344.0]), np.array([12345.0]))
    assert len(calls) <= 4


@pytest.mark.parametrize("high", [3.0, 4095.0, 4096.0, 1e5])
@pytest.mark.parametrize("low", [0.0, 7.5])
def test_sum_of_smooth_is_the_sum(low, high):
    scale = high / 50

    def term(k):
        return np.exp(-k / scale) * (k + 1) ** -0.5

    expected = term(np.arange(np.floor(low), high + 1)).sum()
    assert sum_of_smooth(term, low, high) == pytest.approx(expected, rel=1e-12)


# Tails and quantiles -----------------------------------------------------------------------------


@extreme
def test_quantiles_are_where_the_tails_say(frozen):
    for q, tail in [(frozen.ppf(LEVELS), frozen.cdf), (frozen.isf(LEVELS), frozen.sf)]:
        assert np.isfinite(q).all()
        exact = q < 2**53
        at, before = tail(q), tail(q - 1)
        if tail == frozen.cdf:
            at, before = -at, -before
        level = -LEVELS if tail == frozen.cdf else LEVELS
        assert (at <= level)[exact].all()
        assert (before > level)[exact & (q > 0)].all()


def test_quantiles_are_scipys_where_it_has_them():
    mean, dispersion = grid([0.1, 3.0, 40.5, 1e4, 1e6], [2e-6, 0.01, 1.0, 20.0])
    trials, p = grid([1.0, 10.0, 300.0, 1e6], [1e-3, 0.3, 0.5, 0.9])
    for ours, theirs in [
        (
            negative_binomial(mean, dispersion),
            stats.nbinom(1 / dispersion, 1 / (1 + dispersion * mean)),
        ),
        (binomial(trials, p), stats.binom(trials, p)),
    ]:
        # Near 1 a level has too few digits for a quantile.
        np.testing.assert_array_equal(ours.ppf(LEVELS[1:-1]), theirs.ppf(LEVELS[1:-1]))
        np.testing.assert_array_equal(ours.isf(LEVELS[1:-1]), theirs.isf(LEVELS[1:-1]))


@extreme
def test_tails_are_probabilities_that_add_up(frozen):
    y = np.concatenate([[0.0, 1.0, 20.0], powers(5, 9, 12, 15)])
    below, above = frozen.cdf(y), frozen.sf(y)
    np.testing.assert_allclose(below + above, 1, atol=1e-7)
    assert (np.diff(below) >= -1e-15).all()


@pytest.mark.parametrize("dispersion", [1e-100, 1e-20, 1e-9, 1e-3, 1.0, 1e3, 1e10])
@pytest.mark.parametrize("mean", [1e-9, 3.0, 300.0])
def test_negative_binomial_tails_are_exact(mean, dispersion):
    frozen = negative_binomial(mean, dispersion)
    counts = np.unique(frozen.ppf([1e-6, 0.5, 0.999]).clip(max=500))
    with mp.workdps(150):
        m, d = mp.mpf(mean), mp.mpf(dispersion)
        mass, masses = mp.exp(-mp.log1p(d * m) / d), []
        for i in range(int(counts[-1]) + 1):
            masses.append(mass)
            mass *= (1 / d + i) / (i + 1) * d * m / (1 + d * m)
        below = [mp.fsum(masses[: int(k) + 1]) for k in counts]
        above = [float(1 - value) for value in below]
    np.testing.assert_allclose(frozen.cdf(counts), [float(v) for v in below], rtol=1e-12)
    np.testing.assert_allclose(frozen.sf(counts), above, rtol=1e-12)


@pytest.mark.parametrize("dispersion", [1e-12, 1e-15, 1e-100])
def test_without_dispersion_it_is_poisson(dispersion):
    rate = np.array([0.3, 4.5, 300.0, 1e6])
    params = {"mean": rate, "dispersion": np.full(4, dispersion)}
    ours, poisson = NegativeBinomial().frozen(**params), Poisson().frozen(rate)
    np.testing.assert_array_equal(ours.ppf(0.3), poisson.ppf(0.3))
    np.testing.assert_allclose(ours.cdf(rate), poisson.cdf(rate), rtol=1e-6)
    np.testing.assert_allclose(ours.entropy(), poisson.entropy(), rtol=1e-6)
    score = NegativeBinomial().crps(rate + 1, **params)
    np.testing.assert_allclose(score, Poisson().crps(rate + 1, rate), rtol=1e-6)


@pytest.mark.parametrize("mean", powers(9, 12, 20, 100))
def test_with_large_means_it_is_the_gamma(mean):
    params = {"mean": np.array([mean]), "dispersion": np.array([0.7])}
    gamma_params = {"shape": 1 / 0.7, "scale": 0.7 * mean}
    ours, gamma = NegativeBinomial().frozen(**params), Gamma().frozen(**gamma_params)
    np.testing.assert_allclose(ours.ppf(LEVELS[2:]), gamma.ppf(LEVELS[2:]), rtol=1e-5)
    np.testing.assert_allclose(ours.entropy(), gamma.entropy(), rtol=1e-7)
    score = NegativeBinomial().crps(np.array([mean]), **params)
    theirs = Gamma().crps(np.array([mean]), **gamma_params)
    np.testing.assert_allclose(score, theirs, rtol=1e-7)


@pytest.mark.parametrize("trials", [1e11, 1e13, 2.0**53])
def test_with_many_trials_it_is_the_normal(trials):
    params = {"trials": np.array([trials]), "p": np.array([0.3])}
    mean, std = 0.3 * trials, np.sqrt(0.21 * trials)
    ours, normal = Binomial().frozen(**params), stats.norm(mean, std)
    np.testing.assert_allclose(ours.ppf(LEVELS), normal.ppf(LEVELS), atol=1e-3 * std)
    np.testing.assert_allclose(ours.entropy(), normal.entropy(), rtol=1e-6)
    score = Binomial().crps(np.array([mean + std]), **params)
    np.testing.assert_allclose(score, Normal().crps(np.array([mean + std]), mean, std), rtol=1e-4)


# Moments and draws -------------------------------------------------------------------------------


@extreme
def test_summaries_at_extremes_are_no_nan(frozen):
    for method in ("mean", "var", "std", "entropy", "median"):
        assert not np.isnan(getattr(frozen, method)()).any(), method
    np.testing.assert_array_equal(frozen.median(), frozen.ppf(0.5))


def test_the_standard_deviation_overflows_only_with_itself():
    params = {"mean": np.array([1e200]), "dispersion": np.array([1e50])}
    np.testing.assert_allclose(NegativeBinomial().std(**params), 1e225, rtol=1e-12)


@pytest.mark.parametrize("generator", [np.random.RandomState, np.random.default_rng])
@extreme
def test_draws_at_extremes_are_counts(frozen, generator):
    draws = frozen.rvs((len(frozen.mean()), 50), random_state=generator(0))
    assert np.isfinite(draws).all()
    np.testing.assert_array_equal(draws, np.floor(draws))
    assert (draws >= 0).all()
    assert (draws <= frozen.support()[1]).all()


@extreme
def test_entropy_is_the_sum_over_the_masses_or_nearly_none(frozen):
    # Where all y but few have no mass.
    y = np.arange(1000.0)
    mass = frozen.pmf(y)
    is_all = np.abs(mass.sum(axis=1) - 1) < 1e-13
    assert is_all.sum() > 5
    expected = special.entr(mass).sum(axis=1)[is_all]
    np.testing.assert_allclose(frozen.entropy()[is_all, 0], expected, rtol=1e-9, atol=1e-9)


# The mean distance of two draws ------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1e-9, 0.1, 1.0, 30.0, 1e6])
def test_half_mean_difference_of_poisson_is_its_closed_form(rate):
    ours = half_mean_difference(lambda s: -4 * rate * s, np.sqrt(rate))
    closed = rate * (special.i0e(2 * rate) + special.i1e(2 * rate))
    np.testing.assert_allclose(ours, closed, rtol=1e-12)


def test_half_mean_difference_of_a_coin_is_its_variance():
    p = np.array([1e-9, 0.3, 0.5, 0.999])
    square = 4 * p * (1 - p)
    ours = half_mean_difference(lambda s: np.log1p(-square * s), np.sqrt(square) / 2)
    np.testing.assert_allclose(ours, p * (1 - p), rtol=1e-12)


def test_half_mean_difference_of_the_geometric_is_its_closed_form():
    odds = np.array([1e-9, 0.3, 7.0, 1e6, 1e100])
    std = np.sqrt(odds) * np.sqrt(1 + odds)
    ours = half_mean_difference(lambda s: -np.log1p(4 * odds * (1 + odds) * s), std)
    np.testing.assert_allclose(ours, odds * ((1 + odds) / (1 + 2 * odds)), rtol=1e-12)
