"""Families built on families of other files keep what those know."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.base import clone

from sklnll import NLLRegressor
from sklnll.distributions import (
    REAL,
    Binomial,
    Censored,
    Exponential,
    FromTorch,
    Gamma,
    Laplace,
    LogNormal,
    Mixture,
    Normal,
    Poisson,
    Truncated,
    Weibull,
    ZeroInflated,
    ZeroOneInflated,
)
from sklnll.predictive import predictive

LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs"}
X = np.random.default_rng(0).normal(size=(300, 2))


@pytest.mark.parametrize(("low", "high", "loc"), [(0, np.inf, -60), (0, 1, -60), (-np.inf, 0, 70)])
def test_limits_far_from_the_base_leave_an_exponential_tail(low, high, loc):
    law = Truncated(Normal(), low, high).frozen(
        loc=np.array([float(loc)]), scale=np.ones(1), low=np.array([low]), high=np.array([high])
    )
    width = 1 / abs(loc)  # to first order
    side = 1 if loc < 0 else -1
    assert law.mean() == pytest.approx(side * width, rel=1e-3)
    assert law.median() == pytest.approx(side * width * np.log(2), rel=1e-3)
    assert law.std() == pytest.approx(width, rel=1e-3)
    np.testing.assert_allclose(law.cdf(law.ppf(np.array([0.01, 0.3, 0.99]))), [0.01, 0.3, 0.99])


def test_a_truncated_normal_fits_what_decays_like_an_exponential():
    y = np.random.default_rng(1).exponential(1, 300)
    dist = NLLRegressor(Truncated(Normal(), 0), max_iter=500, **LINEAR).fit(X, y).predict_dist(X)
    assert np.isfinite(dist.rvs(random_state=0)).all()
    assert np.mean(dist.median()) == pytest.approx(np.median(y), rel=0.2)


@pytest.mark.parametrize(
    "family",
    [ZeroInflated(Truncated(LogNormal(), high=2)), FromTorch(torch.distributions.LogNormal)],
)
def test_std_is_the_root_of_the_variance(family):
    params = {"inflation": [0.3], "low": [-np.inf], "high": [2.0], "sigma": [0.5], "loc": [1.0]}
    params = {key: np.array(params.get(key, [0.5])) for key in family.parameters}
    dist = predictive(family, params)
    np.testing.assert_allclose(dist.std(), np.sqrt(dist.var()), rtol=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("family", "y"),
    [
        (ZeroInflated(Truncated(Normal(), 0)), np.abs(X[:, 0]) + 0.1),
        (ZeroOneInflated(Truncated(LogNormal(), high=1)), 0.05 + 0.9 * stats.norm.cdf(X[:, 1])),
    ],
)
def test_atoms_stay_where_they_are_in_training(family, y):
    y = np.where(np.arange(300) % 5 < 2, 0.0, y)
    net = NLLRegressor(family, **LINEAR).fit(X, y)
    dist = net.predict_dist(X)
    np.testing.assert_allclose(dist.params["inflation"].mean(), 0.4, atol=0.05)
    assert net.loss_ == pytest.approx(-dist.log_prob(y).mean(), abs=1e-3)


def test_mixtures_of_truncated_components_are_whole():
    params = {"logits": [[0.0, 1.0]], "loc": [[-1.0, 1.5]], "scale": [[0.5, 1.0]]}
    limits = {"low": [[-2.0, -2.0]], "high": [[2.0, 2.0]]}
    family = Mixture(Truncated(Normal(), -2, 2), 2)
    law = family.frozen(**{key: np.array(v) for key, v in {**params, **limits}.items()})
    assert law.total() == pytest.approx(1, abs=1e-12)
    draws = law.rvs((20_000, 1), np.random.RandomState(0))
    assert law.mean() == pytest.approx(draws.mean(), abs=5 * draws.std() / np.sqrt(20_000))


def test_mixtures_refuse_inflated_components_and_keep_the_checks_of_the_base():
    with pytest.raises(ValueError, match="Put the inflation outside"):
        Mixture(ZeroInflated(Gamma()), 2).check_params()
    with pytest.raises(ValueError, match="at most the number of trials"):
        NLLRegressor(Mixture(Binomial(3), 2)).fit(X, np.arange(300.0) % 9)
    with pytest.raises(ValueError, match="n_components of Mixture"):
        Mixture(Normal(), True).check_params()


def test_a_wrong_link_of_the_base_is_named_and_tags_can_be_read():
    net = NLLRegressor(ZeroInflated(Poisson(rate_link="foo")))
    assert net.__sklearn_tags__().target_tags.required
    with pytest.raises(ValueError, match=r"rate_link of Poisson.*must be one of"):
        net.fit(X, np.arange(300.0))


@pytest.mark.parametrize("family", [LogNormal(), Weibull(), Exponential()])
def test_rows_that_say_almost_nothing_do_no_harm(family):
    y = np.repeat(np.exp(X[:, :1]), 2, axis=1)
    y[0], y[1] = (0, np.inf), (-7, 5)
    net = NLLRegressor(Censored(family), **LINEAR).fit(X, y)
    assert np.isfinite(net.loss_)
    assert np.isfinite(net.predict(X)).all()


def test_intervals_outside_the_support_are_impossible_and_have_no_crps():
    y = np.repeat(np.exp(X[:, :1]), 2, axis=1)
    dist = NLLRegressor(Censored(LogNormal()), **LINEAR).fit(X, y).predict_dist(X)
    assert (dist.log_prob(np.full((300, 2), -1.0)) == -np.inf).all()
    with pytest.raises(ValueError, match=r"needs exact values of y.*neg_nll_scorer"):
        dist.crps(y)


def test_the_link_of_a_torch_scale_survives_a_copy():
    family = FromTorch(torch.distributions.Gumbel, y_support=REAL, location_scale=True)
    copied = clone(family)
    assert type(copied.parameters["scale"]) is type(family.parameters["scale"])


def test_inflated_mixtures_have_an_entropy():
    family = ZeroInflated(Mixture(Poisson(), 2))
    rows = {"inflation": [0.3], "logits": [[0.0, 0.0]], "rate": [[1.0, 9.0]]}
    dist = predictive(family, {key: np.array(value) for key, value in rows.items()})
    mass = dist.pmf(np.arange(60.0)[:, None])[:, 0]
    assert dist.entropy() == pytest.approx(-(mass * np.log(mass)).sum(), rel=1e-9)


def test_validation_rows_need_exposures_where_training_rows_have_them():
    y, exposure = np.arange(300.0) % 4, np.linspace(1, 2, 300)
    net = NLLRegressor("poisson", max_iter=2)
    with pytest.raises(ValueError, match="exposure was given without exposure_val"):
        net.fit(X, y, exposure=exposure, X_val=X, y_val=y)


def test_kinks_of_truncated_components_are_seen():
    law = Mixture(Truncated(Laplace(), -3, 3), 2).frozen(
        logits=np.zeros((1, 2)),
        loc=np.array([[-1.0, 1.0]]),
        scale=np.array([[0.5, 0.5]]),
        low=np.full((1, 2), -3.0),
        high=np.full((1, 2), 3.0),
    )
    assert law.total() == pytest.approx(1, abs=1e-12)
    assert law.mean() == pytest.approx(0, abs=1e-12)


def test_a_density_that_is_infinite_at_its_end_is_integrated():
    law = FromTorch(torch.distributions.Chi2).frozen(df=np.array([0.7, 1.0]))
    oracle = stats.chi2([0.7, 1.0])
    np.testing.assert_allclose(law.mean(), oracle.mean(), rtol=1e-9)
    np.testing.assert_allclose(law.ppf(np.full(2, 0.3)), oracle.ppf(0.3), rtol=1e-9)


@pytest.mark.parametrize("law", [torch.distributions.Gamma, torch.distributions.LogNormal])
def test_a_torch_law_without_places_in_units_of_y_is_none_of_locations(law):
    with pytest.raises(ValueError, match="location_scale=True needs a law"):
        FromTorch(law, location_scale=True).check_params()


def test_intervals_that_say_nothing_at_all_are_refused():
    with pytest.raises(ValueError, match="y says nothing"):
        NLLRegressor(Censored(Weibull())).fit(X, np.tile([0, np.inf], (300, 1)))
