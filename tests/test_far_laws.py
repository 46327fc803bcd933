"""Are scores, covariances and tails those of mpmath where parameters are far out?"""

import mpmath as mp
import numpy as np
import pytest

from sklnll.distributions import (
    Beta,
    Dirichlet,
    Hurdle,
    LogNormal,
    NegativeBinomial,
    Weibull,
)
from sklnll.predictive import predictive


def one(family, **params):
    return predictive(family, {name: np.array([value]) for name, value in params.items()})


def score_of_weibull(y, shape, scale):
    """The integral of the squared distance of distribution functions, over the hazard."""
    with mp.workdps(40):
        power, y, scale = 1 / mp.mpf(shape), mp.mpf(y), mp.mpf(scale)
        end = (y / scale) ** mp.mpf(shape)

        def below(h):
            return (1 - mp.exp(-h)) ** 2 * power * h ** (power - 1)

        def above(h):
            return mp.exp(-2 * h) * power * h ** (power - 1)

        peak = max(end, power / 2)
        parts = mp.quad(below, [0, end / 2, end]), mp.quad(above, [end, 2 * peak, 4 * peak, mp.inf])
        return scale * sum(parts)


@pytest.mark.parametrize(
    ("y", "shape", "scale"),
    [(0.5, 0.9, 1.0), (1e-20, 1 / 140, 1e-40), (1e-200, 1 / 200, 1e-300), (1e20, 1 / 160, 1e-250)],
)
def test_weibull_scores_where_the_mean_overflows(y, shape, scale):
    found = one(Weibull(), shape=shape, scale=scale).crps([y])
    np.testing.assert_allclose(found, float(score_of_weibull(y, shape, scale)), rtol=1e-7)


@pytest.mark.parametrize("shape", [1.1e-11, 2.5e-5])
def test_weibull_scores_beyond_all_floats_are_infinite(shape):
    assert one(Weibull(), shape=shape, scale=1.0).crps([1.0]) == np.inf


def score_of_beta(y, mean, precision):
    """The definition E|Y - y| - E|Y - Y'| / 2, of a Y that is nearly 0 or 1."""
    return (1 - mean) * y + mean * (1 - y) - mean * (1 - mean)


@pytest.mark.parametrize("mean", [0.0, 5e-324, 2.2250738585072014e-308, 1e-20, 0.3, 1.0])
@pytest.mark.parametrize("precision", [7.17e-88, 1e-12])
def test_beta_scores_of_tiny_precisions_are_those_of_two_points(mean, precision):
    found = one(Beta(), mean=mean, precision=precision).crps([0.4])
    np.testing.assert_allclose(found, score_of_beta(0.4, mean, precision), rtol=1e-9)


def test_beta_scores_go_on_across_the_two_formulas():
    params = {"mean": np.full(2, 0.3), "precision": np.array([1 - 1e-12, 1 + 1e-12])}
    low, high = predictive(Beta(), params).crps(np.full(2, 0.4))
    assert low == pytest.approx(high, rel=1e-10)


@pytest.mark.parametrize("small", [1e-20, 1e-12, 1e-3, 0.3])
def test_dirichlet_covariances_where_one_share_is_nearly_all(small):
    mean = np.array([small, 1 - 1.25 * small, small / 4])
    found = predictive(Dirichlet(), {"mean": mean[None], "precision": np.array([1e-3])}).cov()[0]
    with mp.workdps(50):
        exact = [mp.mpf(small), 1 - mp.mpf(small) * mp.mpf(5) / 4, mp.mpf(small) / 4]
        expected = [
            [float(m * ((i == j) - n) / (1 + mp.mpf(1e-3))) for j, n in enumerate(exact)]
            for i, m in enumerate(exact)
        ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_hurdle_tails_sum_up_where_the_base_is_nearly_all_at_zero():
    base = {"mean": 1506.0063053413871, "dispersion": 10686474581524.463}
    dist = one(Hurdle(NegativeBinomial()), inflation=0.0049, **base)
    for y in [0.0, 3.0, 1e3, 1e8]:
        np.testing.assert_allclose(dist.cdf([y]), 1 - dist.sf([y]), rtol=1e-12)


@pytest.mark.parametrize(
    "dist",
    [
        one(Weibull(), shape=1.1e-11, scale=1e-9),
        one(LogNormal(), sigma=800.0, scale=1e3),
        one(Beta(), mean=2.2250738585072014e-308, precision=7.17e-88),
        one(Hurdle(NegativeBinomial()), inflation=0.3, mean=1.4e279, dispersion=1.9e149),
    ],
    ids=["weibull", "log_normal", "beta", "hurdle"],
)
@pytest.mark.parametrize("method", ["mean", "var", "std", "mode", "entropy", "median"])
def test_numpy_does_not_warn_of_what_is_far_out(dist, method):
    assert getattr(dist, method)().shape == (1,)
    assert dist.rvs(random_state=0).shape == (1,)
    assert dist.rvs(5, random_state=0).shape == (1, 5)
    assert dist.isf([0.05, 1e-6]).shape == dist.interval(0.9).shape == (1, 2)
    assert not np.isnan(dist.crps(dist.median())).any()


@pytest.mark.parametrize(
    "dist",
    [
        one(Weibull(), shape=1.1e-11, scale=1e-9),
        one(Weibull(), shape=2.0, scale=1.0),
        one(LogNormal(), sigma=1.0, scale=1.0),
        one(Beta(), mean=0.3, precision=2.0),
    ],
    ids=["the widest", "weibull", "log_normal", "beta"],
)
def test_infinity_is_infinitely_far(dist):
    assert dist.crps([np.inf]) == np.inf
