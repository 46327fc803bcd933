"""Laws of torch.distributions as families: their answers are torch's or scipy's."""

import pickle

import numpy as np
import pytest
import torch
import torch.distributions as td
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sklnll import NLLRegressor
from sklnll.distributions import (
    NON_NEGATIVE,
    POSITIVE,
    REAL,
    Exponential,
    FromTorch,
    Gumbel,
    Laplace,
    Poisson,
    Support,
)
from sklnll.metrics import neg_nll_scorer
from sklnll.predictive import predictive

LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-10, "max_iter": 2000}
ABOVE_ONE = Support("above 1", "remove such rows", low=1.0)

# The law, its parameters in two rows, and scipy's.
LAWS = {
    "half_normal": (td.HalfNormal, {"scale": [1.0, 3.0]}, lambda scale: stats.halfnorm(0, scale)),
    "half_cauchy": (td.HalfCauchy, {"scale": [1.0, 3.0]}, lambda scale: stats.halfcauchy(0, scale)),
    "gumbel": (
        td.Gumbel,
        {"loc": [0.0, -5.0], "scale": [1.0, 3.0]},
        lambda loc, scale: stats.gumbel_r(loc, scale),
    ),
    "inverse_gamma": (
        td.InverseGamma,
        {"concentration": [8.0, 12.0], "rate": [1.0, 3.0]},
        lambda concentration, rate: stats.invgamma(concentration, scale=rate),
    ),
    "fisher_snedecor": (
        td.FisherSnedecor,
        {"df1": [4.0, 9.0], "df2": [20.0, 30.0]},
        lambda df1, df2: stats.f(df1, df2),
    ),
    "chi2": (td.Chi2, {"df": [3.0, 8.0]}, lambda df: stats.chi2(df)),
    "kumaraswamy": (
        td.Kumaraswamy,
        {"concentration1": [2.0, 0.7], "concentration0": [3.0, 1.5]},
        None,
    ),
    "continuous_bernoulli": (td.ContinuousBernoulli, {"logits": [-1.0, 2.0]}, None),
    "geometric": (td.Geometric, {"logits": [-1.0, 0.5]}, None),
    "negative_binomial": (
        td.NegativeBinomial,
        {"total_count": [3.0, 1.5], "logits": [1.0, -1.0]},
        None,
    ),
}
SCIPYS = {
    "geometric": lambda logits: stats.geom(1 / (1 + np.exp(-logits)), loc=-1),
    # Torch counts successes until total_count failures, scipy failures until successes.
    "negative_binomial": lambda total_count, logits: stats.nbinom(
        total_count, 1 / (1 + np.exp(logits))
    ),
}
LEVELS = np.array([0.01, 0.3, 0.9])


def law_of(name):
    law, params, scipys = LAWS[name]
    params = {key: np.array(value) for key, value in params.items()}
    dist = predictive(FromTorch(law), params)
    torchs = law(**{key: torch.tensor(value) for key, value in params.items()})
    scipys = scipys or SCIPYS.get(name)
    return dist, torchs, None if scipys is None else scipys(**params)


def asked_of_torch(function, *args):
    """What torch answers; None where it does not know."""
    try:
        return function(*args).numpy()
    except NotImplementedError:
        return None


@pytest.mark.parametrize("name", LAWS)
def test_answers_are_torchs_where_torch_has_them(name):
    dist, torchs, _ = law_of(name)
    y = dist.ppf(0.3)
    value = torch.tensor(y)
    np.testing.assert_allclose(dist.log_prob(y), torchs.log_prob(value), rtol=1e-12)
    answers = [
        (dist.cdf(y), asked_of_torch(torchs.cdf, value)),
        (dist.mean(), torchs.mean.numpy()),
        (dist.var(), torchs.variance.numpy()),
        (dist.entropy(), asked_of_torch(torchs.entropy)),
    ]
    if not dist.distribution.support.discrete:
        level = torch.tensor(0.3, dtype=torch.float64)
        answers.append((y, asked_of_torch(torchs.icdf, level.expand(2))))
    for ours, theirs in answers:
        # The mean of Cauchy's law, which is infinite, and its variance are torch's only.
        if theirs is not None and name != "half_cauchy":
            np.testing.assert_allclose(ours, theirs, rtol=1e-7)


@pytest.mark.parametrize("name", [name for name in LAWS if LAWS[name][2] or name in SCIPYS])
def test_answers_are_scipys_where_scipy_has_the_law(name):
    dist, _, scipys = law_of(name)
    quantiles = np.stack([scipys.ppf(level) for level in LEVELS], axis=-1)
    np.testing.assert_allclose(dist.ppf(LEVELS), quantiles, rtol=1e-8)
    for method in ("cdf", "sf"):
        expected = getattr(scipys, method)(quantiles[:, 1])
        np.testing.assert_allclose(getattr(dist, method)(quantiles[:, 1]), expected, rtol=1e-8)
    if name != "half_cauchy":
        for method in ("mean", "std", "entropy"):
            expected = getattr(scipys, method)()
            np.testing.assert_allclose(getattr(dist, method)(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("law", "family", "location_scale"),
    [(td.Gumbel, Gumbel(), True), (td.Laplace, Laplace(), True), (td.Poisson, Poisson(), False)],
)
def test_the_fit_is_that_of_the_family_of_this_package(law, family, location_scale, draw_rows):
    X, y = draw_rows(family)
    ours = NLLRegressor(family, **LINEAR).fit(X, y)
    torchs = NLLRegressor(FromTorch(law, location_scale=location_scale), **LINEAR).fit(X, y)
    # Laplace's optimum lies in a kink, where both searches stall.
    rel = 1e-3 if law is td.Laplace else 1e-8
    assert torchs.loss_ == pytest.approx(ours.loss_, rel=rel)
    np.testing.assert_allclose(torchs.predict(X), ours.predict(X), rtol=max(1e-4, 30 * rel))


def test_the_rate_of_exponential_is_one_over_its_scale(draw_rows):
    X, y = draw_rows("exponential")
    ours = NLLRegressor(Exponential(), **LINEAR).fit(X, y)
    torchs = NLLRegressor(FromTorch(td.Exponential), **LINEAR).fit(X, y)
    assert torchs.loss_ == pytest.approx(ours.loss_, rel=1e-8)
    rate = torchs.predict_dist(X).params["rate"]
    np.testing.assert_allclose(1 / rate, ours.predict_dist(X).params["scale"], rtol=1e-4)


def test_parameters_are_switched():
    family = FromTorch(td.Gamma, {"concentration": "constant"})
    assert (family.predicted(), family.constant()) == (["rate"], ["concentration"])
    family = FromTorch(td.NegativeBinomial, {"total_count": 2.0})
    assert (family.predicted(), family.fixed()) == (["logits"], {"total_count": 2.0})
    assert FromTorch(td.NegativeBinomial, {"probs": None}).predicted() == ["total_count", "probs"]
    X = np.random.default_rng(0).normal(size=(80, 2))
    y = np.random.default_rng(1).gamma(2, size=80)
    fixed = FromTorch(td.Gamma, {"concentration": 2.0})
    for switched in (FromTorch(td.Gamma, {"concentration": "constant"}), fixed):
        params = NLLRegressor(switched, **LINEAR).fit(X, y).predict_dist(X).params
        assert np.ptp(params["concentration"]) == 0
        assert np.ptp(params["rate"]) > 0
    assert (params["concentration"] == 2.0).all()


def test_pareto_is_fitted_where_its_support_is_given():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 1)), 1 + rng.pareto(3.0, 200)
    family = FromTorch(td.Pareto, {"scale": 1.0}, y_support=ABOVE_ONE)
    net = NLLRegressor(family, (), solver="lbfgs", alpha=0, tol=1e-9).fit(np.zeros((200, 1)), y)
    # The textbook maximum: rows over the sum of their logarithms.
    alpha = 200 / np.log(y).sum()
    dist = net.predict_dist(X[:1])
    np.testing.assert_allclose(dist.params["alpha"], alpha, rtol=1e-6)
    np.testing.assert_allclose(dist.ppf(LEVELS)[0], stats.pareto(alpha).ppf(LEVELS), rtol=1e-6)
    with pytest.raises(ValueError, match=r"(?s)y must be above 1 .*found 0\.5 at row 3"):
        NLLRegressor(family).fit(X, np.where(np.arange(200) == 3, 0.5, y))


def test_copies_are_the_same_family(draw_rows):
    family = FromTorch(td.Gumbel, {"scale": "constant"}, location_scale=True)
    for copy in (clone(family), pickle.loads(pickle.dumps(family))):
        assert repr(copy) == repr(family)
        assert copy.constant() == ["scale"]
    X, y = draw_rows("gumbel")
    net = NLLRegressor(
        family, max_iter=3, **{k: LINEAR[k] for k in ("hidden_layer_sizes", "solver")}
    )
    with pytest.warns(ConvergenceWarning):
        net.fit(X, y)
    again = pickle.loads(pickle.dumps(net)).predict_dist(X)
    np.testing.assert_array_equal(again.log_prob(y), net.predict_dist(X).log_prob(y))


def test_grid_search_chooses_the_law_and_its_switches():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(150, 1)), rng.standard_cauchy(150)
    grid = {
        "distribution__law": [td.Normal, td.Cauchy],
        "distribution__switches": [{"scale": "constant"}, None],
    }
    net = NLLRegressor(FromTorch(td.Normal, location_scale=True), **{**LINEAR, "alpha": 1.0})
    search = GridSearchCV(net, grid, scoring=neg_nll_scorer, cv=3).fit(X, y)
    assert search.best_params_["distribution__law"] is td.Cauchy


@pytest.mark.parametrize("support", [REAL, POSITIVE, NON_NEGATIVE], ids=lambda s: s.words)
def test_y_is_scaled_only_on_request(support):
    assert FromTorch(td.Normal, y_support=support).support.units == "none"
    scaled = FromTorch(td.Normal, y_support=support, location_scale=True)
    assert scaled.support.units == support.units


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (
            FromTorch(td.Uniform),
            "law must be a class .*that states its arg_constraints.*got Uniform",
        ),
        (
            FromTorch(td.Dirichlet),
            "Dirichlet does not say which single numbers y may be; give y_support",
        ),
        (
            FromTorch(td.Gumbel, {"scal": 1.0}),
            r"no parameter 'scal'; its parameters are \['loc', 's",
        ),
        (FromTorch(td.Gumbel(0.0, 1.0)), "law must be a class of torch.distributions"),
        (FromTorch("Gumbel"), "law must be a class of torch.distributions.*got 'Gumbel'"),
        (FromTorch(Gumbel), "law must be a class of torch.distributions.*got Gumbel"),
        (FromTorch(td.Gumbel, {"scale": -1.0}), r"(?s)scale of .* must be positive; got -1\.0"),
        (
            FromTorch(td.Gumbel, {"scale": "const"}),
            r"(?s)scale of .* must be positive; got 'const'",
        ),
        (FromTorch(td.Gumbel, {"loc": 0.0, "scale": 1.0}), "nothing to learn"),
    ],
    ids=lambda value: None,
)
def test_what_is_no_family_is_refused(family, message):
    with pytest.raises(ValueError, match=message):
        NLLRegressor(family).fit(np.zeros((4, 1)), np.arange(4.0))
