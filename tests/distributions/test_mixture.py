"""Mixtures: sums over components, by brute force, and what training makes of them."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
import torch
from plain import plain_regressor
from scipy import integrate, optimize, special, stats
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklnll import NLLRegressor
from sklnll.distributions import (
    Categorical,
    Gamma,
    Laplace,
    Mixture,
    Normal,
    Poisson,
    StudentT,
    normal_mixture,
)
from sklnll.metrics import neg_nll_scorer
from sklnll.predictive import predictive

from .cases import CASES, FAMILIES, tensors

brief = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LOGITS = np.array([[0.0, 0.5, -1.0], [2.0, -3.0, 0.1]])
BASES = {
    "laplace": {"loc": [[-2.0, 0.0, 5.0], [1.0, 1.5, 1e3]], "scale": [[1.0, 0.1, 3.0]] * 2},
    "student_t": {
        "df": [[3.0, 5.0, 30.0]] * 2,
        "loc": [[-2.0, 0.0, 5.0], [1.0, 1.5, 2.0]],
        "scale": [[1.0, 0.1, 3.0]] * 2,
    },
    "gamma": {"shape": [[0.5, 3.0, 80.0]] * 2, "scale": [[2.0, 1.0, 0.1], [1.0, 3.0, 0.5]]},
    "poisson": {"rate": [[0.3, 4.0, 30.0], [1.0, 2.0, 100.0]]},
}
LEVELS = np.array([1e-300, 1e-30, 1e-9, 0.01, 0.3, 0.5, 0.9, 1 - 1e-9])


def components_of(name):
    """A mixture, its parameters in two rows, and scipy's distributions of its components."""
    params = {key: np.array(value) for key, value in BASES[name].items()}
    frozen = CASES[name].scipy(**params)
    return Mixture(FAMILIES[name], 3), {"logits": LOGITS, **params}, frozen


def normals(logits, loc, scale):
    """One row of a mixture of normal distributions."""
    values = {"logits": logits, "loc": loc, "scale": scale}
    params = {name: np.array([value], float) for name, value in values.items()}
    return predictive(normal_mixture(len(logits)), params)


# Formulas -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BASES)
def test_methods_are_weighted_sums_over_scipys_components(name):
    family, params, frozen = components_of(name)
    dist, weight = predictive(family, params), special.softmax(LOGITS, axis=1)
    y = np.array([3.0, 17.0])
    log = frozen.logpmf if name == "poisson" else frozen.logpdf
    expected = special.logsumexp(log(y[:, None]), b=weight, axis=1)
    np.testing.assert_allclose(dist.log_prob(y), expected, rtol=1e-11)
    for method in ("cdf", "sf"):
        expected = (weight * getattr(frozen, method)(y[:, None])).sum(axis=1)
        np.testing.assert_allclose(getattr(dist, method)(y), expected, rtol=1e-13)
    mean = (weight * frozen.mean()).sum(axis=1)
    second = (weight * (frozen.var() + frozen.mean() ** 2)).sum(axis=1)
    np.testing.assert_allclose(dist.mean(), mean, rtol=1e-13)
    np.testing.assert_allclose(dist.std(), np.sqrt(second - mean**2), rtol=1e-9)
    np.testing.assert_allclose(dist.var(), second - mean**2, rtol=1e-9)


@pytest.mark.parametrize("name", BASES)
def test_log_prob_is_torchs(name):
    family, params, _ = components_of(name)
    params, y = tensors(params), torch.tensor([3.0, 17.0], dtype=torch.float64)
    each = CASES[name].torch(**{key: value for key, value in params.items() if key != "logits"})
    weight = torch.distributions.Categorical(logits=params["logits"])
    oracle = torch.distributions.MixtureSameFamily(weight, each)
    torch.testing.assert_close(family.log_prob(y, **params), oracle.log_prob(y), rtol=1e-11, atol=0)


@pytest.mark.parametrize("n_components", [1, 4])
@pytest.mark.parametrize("name", BASES)
def test_equal_components_are_the_base(name, n_components):
    params = {key: np.array(value)[:, 1] for key, value in BASES[name].items()}
    base = predictive(FAMILIES[name], params)
    copies = {key: np.repeat(value[:, None], n_components, 1) for key, value in params.items()}
    logits = np.tile(np.arange(n_components), (2, 1)) / 2
    dist = predictive(Mixture(base.distribution, n_components), {"logits": logits, **copies})
    y = np.array([1.0, 6.0])
    for method in ("log_prob", "cdf", "sf", "crps"):
        expected = getattr(base, method)(y)
        # Tails as heavy as those of Student's t are cut at a probability of 1e-14.
        rtol = 1e-7 if (method, name) == ("crps", "student_t") else 1e-10
        np.testing.assert_allclose(getattr(dist, method)(y), expected, rtol=rtol, err_msg=method)
    for method in ("mean", "std", "entropy"):
        expected = getattr(base, method)()
        np.testing.assert_allclose(getattr(dist, method)(), expected, rtol=1e-9, err_msg=method)
    for method in ("ppf", "isf"):
        quantiles = getattr(base, method)(LEVELS[2:])
        np.testing.assert_allclose(
            getattr(dist, method)(LEVELS[2:]), quantiles, rtol=1e-10, atol=1e-15
        )


@pytest.mark.parametrize("ratio", [1.0, 1e3, 1e6])
def test_quantiles_invert_the_cdf_however_far_out(ratio):
    dist = normals([0.0, -1.0, 1.0], [0.0, 1.0, 30.0], [1.0, 1 / ratio, ratio])
    y = dist.ppf(LEVELS)
    np.testing.assert_allclose(dist.cdf(y.T)[:, 0], LEVELS, rtol=1e-10)
    np.testing.assert_allclose(dist.sf(dist.isf(LEVELS).T)[:, 0], LEVELS, rtol=1e-10)
    assert (np.diff(y) > 0).all()
    np.testing.assert_array_equal(dist.ppf([0.0, 1.0])[0], [-np.inf, np.inf])


@pytest.mark.parametrize("name", ["laplace", "gamma"])
def test_quantiles_of_other_bases_invert_the_cdf(name):
    family, params, _ = components_of(name)
    dist = predictive(family, params)
    for level in LEVELS[2:]:
        np.testing.assert_allclose(dist.cdf(dist.ppf(level)), level, rtol=1e-10)


def test_quantiles_of_counts_are_the_least_that_hold_their_probability():
    family, params, _ = components_of("poisson")
    dist = predictive(family, params)
    for level in [1e-12, 0.01, 0.3, 0.9, 1 - 1e-12]:
        count = dist.ppf(level)
        assert (dist.cdf(count) >= level).all()
        assert (dist.cdf(count - 1) < level).all()


@pytest.mark.parametrize("scale", [[1.0, 0.2, 3.0], [1e-3, 1.0, 1e3]])
@pytest.mark.parametrize("y", [-50.0, 0.0, 1.001, 7.0, 5000.0])
def test_crps_is_the_closed_form_of_normal_mixtures(y, scale):
    """E. Grimit and others (2006). The continuous ranked probability score for circular variables.

    doi:10.1256/qj.05.235
    """

    def expected_distance(mean, std):
        z = mean / std
        return mean * (2 * stats.norm.cdf(z) - 1) + 2 * std * stats.norm.pdf(z)

    loc, scale = np.array([0.0, 1.0, 5.0]), np.array(scale)
    weight = special.softmax([0.3, -1.0, 0.0])
    between = expected_distance(loc[:, None] - loc, np.hypot(scale[:, None], scale))
    closed = weight @ expected_distance(y - loc, scale) - weight @ between @ weight / 2
    dist = normals([0.3, -1.0, 0.0], loc, scale)
    np.testing.assert_allclose(dist.crps(y), closed, rtol=1e-9)


@pytest.mark.parametrize("scale", [[1.0, 0.2, 3.0], [0.01, 1.0, 30.0]])
def test_entropy_is_its_integral(scale):
    loc = [0.0, 1.0, 5.0]
    dist = normals([0.3, -1.0, 0.0], loc, scale)
    ends = np.sort(np.ravel(np.outer([-40, -8, 0, 8, 40], scale) + loc))
    entropy = sum(
        integrate.quad(lambda y: special.entr(dist.pdf(y)[0]), *piece, epsabs=1e-13)[0]
        for piece in pairwise(ends)
    )
    assert dist.entropy()[0] == pytest.approx(entropy, rel=1e-9)


@pytest.mark.parametrize("power", [-600, 0, 600])
def test_variance_is_that_of_draws_and_the_deviation_overflows_in_no_units(power):
    unit = 2.0**power
    dist = normals([0.3, -1.0, 0.0], unit * np.array([0, 1, 5.0]), unit * np.array([1, 0.2, 3.0]))
    draws = dist.rvs(40_000, random_state=0)[0] / unit
    # The error of a deviation is below 1 / sqrt(n) of it for tails as light as these.
    assert dist.std()[0] / unit == pytest.approx(draws.std(), rel=4 / np.sqrt(40_000))
    assert dist.mean()[0] / unit == pytest.approx(draws.mean(), abs=4 * draws.std() / 200)


@pytest.mark.parametrize("logits", [[0.0, 0.0, 0.0], [1.0, -3.0, 2.0], [-5.0, 1.0, 0.5]])
def test_mode_is_the_top_of_a_fine_grid(logits):
    dist = normals(logits, [-2.0, 0.5, 4.0], [1.0, 0.01, 0.5])
    grid = np.linspace(-6, 8, 200_001)
    density = dist.pdf(grid[:, None])[:, 0]
    mode = dist.mode()
    assert mode == pytest.approx(grid[density.argmax()], abs=7e-5)
    assert dist.pdf(mode)[0] >= density.max() * (1 - 1e-12)


def test_draws_come_from_the_components_as_often_as_they_weigh():
    dist = normals([0.0, 1.0, -2.0], [-100.0, 0.0, 100.0], [1.0, 2.0, 3.0])
    draws = dist.rvs(20_000, random_state=0)[0]
    weight = special.softmax([0.0, 1.0, -2.0])
    share = np.bincount((draws > -50) * 1 + (draws > 50), minlength=3) / 20_000
    assert (np.abs(share - weight) < 4.5 * np.sqrt(weight * (1 - weight) / 20_000)).all()
    middle = draws[np.abs(draws) < 50]
    assert stats.kstest(middle, stats.norm(0, 2).cdf).pvalue > 1e-3


# Parameters ---------------------------------------------------------------------------------------


def test_parameters_of_the_base_are_switched_through_it():
    family = Mixture(Normal(), 2).set_params(base__scale="constant", logits=0.0)
    assert family.predicted() == ["loc"]
    assert family.constant() == ["scale"]
    assert family.fixed() == {"logits": 0.0}
    assert repr(family) == "Mixture(base=Normal(scale='constant'), logits=0.0, n_components=2)"
    for copy in (clone(family), pickle.loads(pickle.dumps(family))):
        assert repr(copy) == repr(family)
    assert list(normal_mixture().parameters) == ["logits", "loc", "scale"]


def two_answers(n=300, seed=0):
    """Rows with answers near x and -x, the second twice as often."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(1, 3, size=(n, 1))
    sign = np.where(rng.uniform(size=n) < 1 / 3, 1, -1)
    return X, sign * X[:, 0] + 0.1 * rng.normal(size=n)


@brief
@pytest.mark.parametrize(
    ("switches", "shared"),
    [
        ({}, set()),
        ({"base__scale": "constant"}, {"scale"}),
        ({"base__scale": 0.1}, {"scale"}),
        ({"logits": "constant"}, {"logits"}),
        ({"logits": 0.0}, {"logits"}),
    ],
    ids=str,
)
def test_switches_are_kept_in_training(switches, shared):
    X, y = two_answers()
    family = normal_mixture(2).set_params(**switches)
    params = (
        NLLRegressor(family, (8,), max_iter=40, random_state=0).fit(X, y).predict_dist(X).params
    )
    assert {name for name, value in params.items() if (value == value[0]).all()} == shared
    for name, value in switches.items():
        if not isinstance(value, str):
            assert (params[name.removeprefix("base__")] == value).all()
    assert all(value.shape == (300, 2) for value in params.values())
    dist = predictive(family, params)[:3]
    np.testing.assert_allclose(dist.cdf(20.0), 1, rtol=1e-6)
    density = dist.pdf(np.linspace(-20, 20, 40_001)[:, None])
    np.testing.assert_allclose(density.sum(axis=0) / 1000, 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (Mixture(Normal(), 0), "n_components of Mixture must be a whole number, at least 1; got 0"),
        (Mixture(Normal(), 1.5), "n_components of Mixture must be a whole number.*got 1.5"),
        (Mixture("normal"), r"base of Mixture must be an instance of a family.*got 'normal'"),
        (Mixture(Normal), "base of Mixture must be an instance of a family"),
        (
            Mixture(Categorical()),
            r"base of single numbers, no angles, such as Normal\(\); got Categorical",
        ),
        (
            Mixture(normal_mixture()),
            r"base of single numbers, no angles, such as Normal\(\); got Mixture",
        ),
        (Mixture(Normal(scale=-1)), "scale of Mixture.* must be positive; got -1"),
        (Mixture(Normal(0.0, 1.0), logits=0.0), "nothing to learn"),
        (Mixture(Normal(), logits="equal"), "logits of Mixture.*must be a finite number"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_mixture_is_refused(family, message):
    with pytest.raises(ValueError, match=message):
        NLLRegressor(family).fit(np.zeros((4, 1)), np.arange(4.0))


# Training -----------------------------------------------------------------------------------------


# Their least scale is another in a mixture: scales that depend on x would be another model.
CONSTANT_SPREADS = [
    Normal(scale="constant"),
    Gamma(),
    Poisson(),
    StudentT(df=4.0, scale="constant"),
    Laplace(scale="constant"),
]


@pytest.mark.parametrize("base", CONSTANT_SPREADS)
def test_one_component_is_fitted_as_the_base(base, draw_rows):
    X, y = draw_rows(base)
    params = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-9}
    alone = NLLRegressor(base, max_iter=2000, **params).fit(X, y)
    mixed = NLLRegressor(Mixture(base, 1), max_iter=2000, **params).fit(X, y)
    # Laplace's likelihood has kinks, where searches stall apart.
    tolerance = 1e-2 if isinstance(base, Laplace) else 1e-6
    assert mixed.loss_ == pytest.approx(alone.loss_, rel=tolerance)
    np.testing.assert_allclose(mixed.predict(X), alone.predict(X), rtol=50 * tolerance)


@brief
@pytest.mark.parametrize("value", [0.0, 3.0, -1e8])
@pytest.mark.parametrize("share", [0.3, 0.9, 1.0])
def test_repeated_values_do_not_collapse_the_likelihood(share, value):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 2)), value + rng.normal(size=100)
    y[: int(100 * share)] = value
    net = NLLRegressor("normal_mixture", (8,), max_iter=200, learning_rate_init=0.05)
    net.set_params(random_state=0).fit(X, y)
    spread = y.std() or 1.0
    assert np.isfinite(net.loss_)
    assert (net.predict_dist(X).params["scale"] >= 1e-3 * spread).all()
    # The density of the narrowest component that may be.
    assert net.loss_ >= np.log(1e-3 * spread) + np.log(2 * np.pi) / 2


@brief
def test_components_start_along_the_quantiles_of_y():
    rng = np.random.default_rng(1)
    y = np.r_[rng.normal(-8, 1, 50), rng.normal(0, 0.5, 50), rng.normal(5, 2, 50)]
    order = rng.permutation(150)
    net = NLLRegressor("normal_mixture", max_iter=1, learning_rate_init=1e-12, random_state=0)
    dist = net.fit(rng.normal(size=(150, 1)), y[order]).predict_dist(np.zeros((1, 1)))
    np.testing.assert_allclose(dist.params["loc"][0], [-8, 0, 5], atol=1)
    np.testing.assert_allclose(dist.params["scale"][0], [1, 0.5, 2], atol=0.5)
    np.testing.assert_allclose(dist.params["logits"].sum(axis=1), 0, atol=1e-12)


@brief
def test_several_outputs_are_several_mixtures():
    X, y = two_answers(150)
    both = np.column_stack([y, 1e6 - 1e5 * y])
    net = NLLRegressor(normal_mixture(2), (8,), max_iter=200, random_state=0).fit(X, both)
    dist = net.predict_dist(X)
    assert dist.params["loc"].shape == (150, 2, 2)
    assert net.predict(X).shape == (150, 2)
    assert dist.interval().shape == (150, 2, 2)
    frame = dist.to_frame()
    assert list(frame.columns) == [
        f"{name}_{output}_{k}"
        for name in ("logits", "loc", "scale")
        for output in range(2)
        for k in range(2)
    ]
    np.testing.assert_array_equal(frame["loc_1_0"], dist.params["loc"][:, 1, 0])
    single = NLLRegressor(normal_mixture(2), (8,), max_iter=200, random_state=0).fit(X, y)
    frame = single.predict_dist(X).to_frame()
    assert list(frame.columns)[:3] == ["logits_0", "logits_1", "loc_0"]
    # The second output is the first, seen from the other side.
    cdf, mirrored = dist.cdf(both).T
    np.testing.assert_allclose(cdf, 1 - mirrored, atol=0.1)


@brief
def test_grid_search_counts_the_answers():
    X, y = two_answers()
    net = NLLRegressor(normal_mixture(1), (8,), max_iter=150, learning_rate_init=0.02)
    grid = {"distribution__n_components": [1, 2]}
    search = GridSearchCV(net.set_params(random_state=0), grid, scoring=neg_nll_scorer, cv=3)
    assert search.fit(X, y).best_params_ == {"distribution__n_components": 2}


def bishops_rows(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.uniform(size=n)
    x = y + 0.3 * np.sin(2 * np.pi * y) + rng.uniform(-0.1, 0.1, size=n)
    return x[:, None], y


@brief
def test_bishops_inverse_problem_has_several_answers():
    """C. Bishop (2006). Pattern Recognition and Machine Learning, section 5.6."""
    (X, y), (X_new, y_new) = bishops_rows(1000, 0), bishops_rows(1000, 1)
    params = {"hidden_layer_sizes": (30,), "activation": "tanh", "learning_rate_init": 0.02}
    nets = [
        plain_regressor(name, max_iter=150, random_state=0, **params).fit(X, y)
        for name in ("normal_mixture", "normal")
    ]
    mixture, normal = (net.predict_dist(X_new).log_prob(y_new).mean() for net in nets)
    assert mixture > normal + 0.5
    middle = nets[0].predict_dist(np.array([[0.5]]))
    density = middle.pdf(np.linspace(-0.2, 1.2, 1401)[:, None])[:, 0]
    is_top = (density[1:-1] > density[:-2]) & (density[1:-1] >= density[2:])
    assert (is_top & (density[1:-1] > 0.3)).sum() == 3
    branches = [
        optimize.brentq(lambda v: v + 0.3 * np.sin(2 * np.pi * v) - 0.5, *ends)
        for ends in [(0, 0.3), (0.4, 0.6), (0.7, 1)]
    ]
    draws = middle.rvs(1000, random_state=0)[0]
    near = np.abs(draws[:, None] - branches) < 0.1
    assert near.any(axis=1).mean() > 0.8
    assert (near.mean(axis=0) > 0.1).all()
