"""Where a likelihood has several maxima, or one at the boundary, a linear fit still knows where it
is: the same from any order of rows and columns, or with a warning that names the parameter."""

import warnings

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from sklnll import NLLRegressor
from sklnll._training.objective import Objective
from sklnll.distributions import (
    Gumbel,
    Mixture,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    Weibull,
    ZeroInflated,
)

LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-9, "max_iter": 2000}
EXACT = 1e-6
"""Nats, of all rows together."""


def rows(seed=0, n=100):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return rng, X, X @ [0.5, -0.3, 0.2]


def counts(kind, seed=0, n=100):
    rng, X, eta = rows(seed, n)
    y = {
        "poisson": lambda: rng.poisson(np.exp(eta)),
        "over-dispersed": lambda: rng.poisson(np.exp(1 + eta) * rng.gamma(2, 0.5, n)),
        "under-dispersed": lambda: rng.binomial(6, expit(eta)),
    }[kind]().astype(float)
    return X, y


def with_extra_zeros(seed=0, n=200):
    X, y = counts("over-dispersed", seed, n)
    extra = np.random.default_rng(seed + 1).uniform(size=n) < expit(X[:, 1] - 1)
    return X, np.where(extra, 0, y)


def real(tails, seed=0, n=100):
    rng, X, eta = rows(seed, n)
    return X, eta + tails(rng, n)


def normal_errors(rng, n):
    return rng.normal(size=n)


def two_answers(rng, n):
    return np.where(rng.uniform(size=n) < 0.4, 3, -3) + 0.7 * rng.normal(size=n)


def proportions(seed=0, n=200):
    rng, X, eta = rows(seed, n)
    y = rng.beta(4 * expit(eta), 4 * expit(-eta))
    u = rng.uniform(size=n)
    return X, np.where(u < 0.1, 0, np.where(u > 0.9, 1, y))


def tight(seed=0, n=100):
    rng, X, eta = rows(seed, n)
    return X, np.exp(eta) * (1 + 0.01 * rng.normal(size=n))


def seen_above_zero(seed=0, n=200):
    rng, X, eta = rows(seed, n)
    return X, stats.truncnorm.rvs(-1 - eta, np.inf, loc=1 + eta, random_state=rng)


def frechet(seed=0, n=100):
    rng, X, eta = rows(seed, n)
    return X, np.exp(eta) * rng.weibull(0.4, size=n)


negative_binomial = NegativeBinomial(dispersion="constant")
LAWS = {
    "negative binomial": (negative_binomial, counts("over-dispersed")),
    "negative binomial of Poisson counts": (negative_binomial, counts("poisson")),
    "negative binomial, under-dispersed": (negative_binomial, counts("under-dispersed")),
    "dispersion by x": ("negative_binomial", counts("over-dispersed")),
    "zero-inflated": (ZeroInflated(negative_binomial), with_extra_zeros()),
    "zero-inflated by x": ("zero_inflated_negative_binomial", with_extra_zeros()),
    "zero-inflated without extra zeros": (
        ZeroInflated(negative_binomial, inflation="constant"),
        counts("over-dispersed"),
    ),
    "hurdle": ("hurdle_negative_binomial", with_extra_zeros()),
    "hurdle, under-dispersed": ("hurdle_poisson", counts("under-dispersed")),
    "zero-one-inflated": ("zero_one_inflated_beta", proportions()),
    "Student's t of normal errors": (StudentT(df="constant"), real(normal_errors, seed=1)),
    "mixture": (Mixture(Normal(), 2), real(two_answers)),
    "gamma, nearly exact": ("gamma", tight()),
    "weibull, nearly exact": ("weibull", tight()),
    "weibull, heavy": ("weibull", frechet()),
    "gumbel of normal errors": ("gumbel", real(normal_errors)),
    "truncated": (Truncated(Normal(scale="constant"), low=0.0), seen_above_zero()),
}
TOGETHER = ["negative binomial of Poisson counts", "hurdle", "mixture", "weibull, heavy"]
each_law = pytest.mark.parametrize("name", LAWS)


def fit(family, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return NLLRegressor(family, **LINEAR).fit(X, y)


def log_likelihood(family, X, y):
    return fit(family, X, y).predict_dist(X).log_prob(y).sum()


@each_law
def test_the_maximum_does_not_depend_on_the_order_of_rows_and_columns(name):
    family, (X, y) = LAWS[name]
    expected = log_likelihood(family, X, y)
    order = np.random.default_rng(3).permutation(len(y))
    shuffled = log_likelihood(family, X[order][:, [2, 0, 1]], y[order])
    assert shuffled == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize("name", TOGETHER)
def test_an_output_ends_where_it_ends_alone(name):
    family, (X, y) = LAWS[name]
    both = np.column_stack([y, np.random.default_rng(0).permutation(y)])
    together = fit(family, X, both).predict_dist(X).log_prob(both).sum()
    alone = sum(log_likelihood(family, X, column) for column in both.T)
    assert together == pytest.approx(alone, abs=EXACT)


@pytest.mark.parametrize("larger", [negative_binomial, ZeroInflated(Poisson())])
def test_a_larger_model_is_no_worse_than_the_one_inside_it(larger):
    X, y = counts("under-dispersed")
    assert log_likelihood(larger, X, y) >= log_likelihood("poisson", X, y) - EXACT


@pytest.mark.long
def test_a_search_that_ran_to_an_end_begins_again_elsewhere():
    """Where the first search ends, these counts have no inflation at all."""
    X, y = counts("poisson")
    found = log_likelihood("zero_inflated_negative_binomial", X, y)
    assert found > log_likelihood("negative_binomial", X, y) + 0.5


AT_ENDS = {
    "dispersion": (negative_binomial, counts("poisson")),
    "df": (StudentT(df="constant"), real(normal_errors, seed=1)),
    "inflation": LAWS["zero-inflated without extra zeros"],
    "rate": ("poisson", (np.eye(3)[np.arange(60) % 3], np.where(np.arange(60) % 3, 2.0, 0.0))),
    "p": ("binomial", (np.arange(60.0)[:, None], (np.arange(60) > 30) * 1.0)),
    "scale": ("normal", (np.arange(60.0)[:, None], np.arange(60.0))),
}


@pytest.mark.parametrize("parameter", AT_ENDS)
def test_a_maximum_at_the_boundary_is_told_with_the_parameter(parameter):
    family, (X, y) = AT_ENDS[parameter]
    with pytest.warns(ConvergenceWarning, match=f"at the boundary.*'{parameter}'"):
        net = NLLRegressor(family, **LINEAR).fit(X, y)
    assert np.isfinite(net.predict(X)).all()


def test_a_place_that_runs_away_is_told():
    """A normal law cut at 0 fits exponential durations best where its mean is -infinity."""
    rng, X, eta = rows()
    family = Truncated(Normal(scale="constant"), low=0.0)
    with pytest.warns(ConvergenceWarning, match="at the boundary.*'loc'"):
        NLLRegressor(family, **LINEAR).fit(X, rng.exponential(np.exp(eta)))


ORDINARY = {
    "normal": ("normal", real(normal_errors)),
    "gamma": ("gamma", (rows()[1], stats.gamma.rvs(2, size=100, random_state=0))),
    "weibull": (Weibull(shape="constant"), frechet()),
    "gumbel": (Gumbel(), real(normal_errors)),
    "poisson": ("poisson", counts("poisson")),
    "zero-inflated": LAWS["zero-inflated by x"],
    "mixture": LAWS["mixture"],
}


@pytest.mark.parametrize("name", ORDINARY)
def test_a_maximum_in_the_interior_is_found_by_one_search_without_a_word(name, monkeypatch):
    monkeypatch.setattr("sklnll._training.lbfgs.best_from_simpler_models", None)
    family, (X, y) = ORDINARY[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NLLRegressor(family, **LINEAR).fit(X, y)


def test_searches_stay_within_max_fun(monkeypatch):
    calls = []
    gradient = Objective.gradient
    monkeypatch.setattr(
        Objective,
        "gradient",
        lambda self, *args, **kw: calls.append(1) or gradient(self, *args, **kw),
    )
    X, y = counts("poisson")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        NLLRegressor("zero_inflated_negative_binomial", max_fun=200, **LINEAR).fit(X, y)
    assert len(calls) <= 320  # scipy ends its line search first
