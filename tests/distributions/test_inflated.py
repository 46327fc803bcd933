import pickle
import re

import numpy as np
import pytest
import torch
from scipy import special, stats
from sklearn.base import clone
from statsmodels.distributions.discrete import zipoisson

from sklnll import NLLRegressor
from sklnll.distributions import (
    DISTRIBUTIONS,
    Beta,
    Distribution,
    Exponential,
    Gamma,
    Hurdle,
    LogNormal,
    Normal,
    Poisson,
    Weibull,
    ZeroInflated,
    ZeroOneInflated,
    get_distribution,
)
from sklnll.predictive import MixedPredictive, predictive

from .cases import CASES, COMPOUND, MIXED, make, tensors, with_axis
from .oracles import PointsAndDensity
from .test_fit_constant import marginal_fit

INFLATED = [name for name in COMPOUND if "inflation" in DISTRIBUTIONS[name]().parameters]
COUNTS = [name for name in INFLATED if name not in MIXED]
PARAMETERS = [(name, key) for name in INFLATED for key in DISTRIBUTIONS[name]().parameters]
ADJUSTED = {
    ZeroInflated(Exponential()): {"scale": 2.0},
    ZeroInflated(Gamma()): {"shape": 3.0, "scale": 0.5},
    ZeroInflated(LogNormal()): {"sigma": 0.7, "scale": 2.0},
    ZeroInflated(Weibull()): {"shape": 1.5, "scale": 2.0},
    ZeroInflated(Beta()): {"mean": 0.3, "precision": 5.0},
    ZeroOneInflated(Beta(), share_of_ones="constant"): {"mean": 0.3, "precision": 5.0},
}
BRIEF = {"hidden_layer_sizes": (4,), "max_iter": 20, "random_state": 0}
brief = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# What the families are ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", INFLATED)
def test_name_makes_the_family_of_a_base(name):
    family = get_distribution(name)
    assert list(family.parameters) == [*family.own, *family.base.parameters]
    assert family.predicted() == list(family.parameters)
    assert get_distribution(name).get_params()["base"] is not family.base
    assert DISTRIBUTIONS[name].__doc__
    for parameter in family.own:
        assert f"{parameter} : None" in type(family).__doc__
    assert "References" in type(family).__doc__


@pytest.mark.parametrize(("name", "key"), PARAMETERS)
def test_a_parameter_is_predicted_constant_or_fixed_wherever_it_lives(name, key):
    constant = make(name, **{key: "constant"})
    constant.check_params()
    assert constant.constant() == [key]
    value = CASES[name].fixed[key]
    fixed = make(name, **{key: value})
    fixed.check_params()
    assert fixed.fixed() == {key: value}
    for copy in (clone(fixed), pickle.loads(pickle.dumps(fixed))):
        assert repr(copy) == repr(fixed)
        assert copy.fixed() == fixed.fixed()


@pytest.mark.parametrize("value", ["constnat", True, np.nan, [1.0], 2.0, 0.0, 1])
@pytest.mark.parametrize("name", INFLATED)
def test_an_illegal_inflation_is_named(name, value):
    family = make(name, inflation=value)
    message = f"inflation of {family!r} must be strictly between 0 and 1; got {value!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        family.check_params()


@pytest.mark.parametrize(
    ("family", "words"),
    [
        (ZeroInflated(Normal()), "a family of counts or of positive numbers"),
        (ZeroInflated(ZeroInflated(Poisson())), "a family of counts or of positive numbers"),
        (ZeroInflated(DISTRIBUTIONS["categorical"]()), "a family of counts or of positive"),
        (Hurdle(Gamma()), r"a family of counts, such as Poisson\(\)"),
        (Hurdle(Hurdle(Poisson())), r"a family of counts, such as Poisson\(\)"),
        (ZeroOneInflated(Gamma()), r"a continuous family on \(0, 1\)"),
        (ZeroOneInflated(Poisson()), r"a continuous family on \(0, 1\)"),
        (ZeroOneInflated(ZeroInflated(Beta())), r"a continuous family on \(0, 1\)"),
    ],
    ids=repr,
)
def test_a_base_of_another_kind_is_refused(family, words):
    message = f"base of {type(family).__name__} must be {words}.*; got "
    with pytest.raises(ValueError, match=message + re.escape(repr(family.base))):
        get_distribution(family)


@pytest.mark.parametrize("family", [ZeroInflated, Hurdle, ZeroOneInflated])
@pytest.mark.parametrize("base", ["poisson", Poisson, None])
def test_a_base_is_an_instance(family, base):
    with pytest.raises(ValueError, match="must be an instance of a family"):
        get_distribution(family(base))


@pytest.mark.parametrize(
    ("family", "value", "words"),
    [
        (ZeroInflated(Gamma()), -1.0, "0 or positive"),
        (ZeroInflated(Exponential()), -1.0, "non-negative"),
        (ZeroInflated(Beta()), 1.0, "0 or strictly between 0 and 1"),
        (ZeroOneInflated(Beta()), 1.5, "between 0 and 1"),
        (Hurdle(Poisson()), -1.0, "a non-negative count"),
    ],
    ids=repr,
)
def test_y_outside_is_refused_and_the_ends_are_inside(family, value, words):
    ends = np.array([0.0, 1.0 if family.support.closed_high else 0.5])
    family.check_target(ends)
    with pytest.raises(ValueError, match=f"y must be {words} for .*found {value:g} at row 1"):
        family.check_target(np.array([0.0, value]))


# Log-probabilities -------------------------------------------------------------------------------


def test_zero_inflated_poisson_is_statsmodels():
    params = CASES["zero_inflated_poisson"].params
    y = np.arange(12.0)[:, None]
    ours = predictive(ZeroInflated(Poisson()), params).pmf(y)
    theirs = zipoisson.pmf(y, params["rate"], params["inflation"])
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_hurdle_with_the_bases_zeros_is_the_base():
    rate = np.array([1e-3, 0.5, 4.0, 30.0])
    hurdle = predictive(Hurdle(Poisson()), {"inflation": np.exp(-rate), "rate": rate})
    base = predictive(Poisson(), {"rate": rate})
    y = np.arange(40.0)[:, None]
    np.testing.assert_allclose(hurdle.log_prob(y), base.log_prob(y), rtol=1e-12)
    np.testing.assert_allclose(hurdle.crps(y), base.crps(y), rtol=1e-9)
    np.testing.assert_allclose(hurdle.var(), base.var(), rtol=1e-12)


@pytest.mark.parametrize("name", COUNTS)
def test_between_zero_and_one_the_log_mass_runs_straight(name):
    family, params = DISTRIBUTIONS[name](), tensors(CASES[name].params)
    zero, half, one = (family.log_prob(torch.tensor(y), **params) for y in (0.0, 0.5, 1.0))
    torch.testing.assert_close(half, (zero + one) / 2)


@pytest.mark.parametrize("name", MIXED)
def test_atoms_are_no_densities(name):
    family = DISTRIBUTIONS[name]()
    y = np.array([[0.0, 0.5], [1e-300, 1.0]])
    np.testing.assert_array_equal(family.is_density(y), ~np.isin(y, family.support.atoms))


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_no_densities(name):
    assert not DISTRIBUTIONS[name]().is_density(np.array([[0.0], [3.0]])).any()


# The law of counts, by brute force ---------------------------------------------------------------

DISPERSION = 0.5
RATES = np.array([1e-20, 1e-9, 1e-6, 1e-4, 0.01, 0.5, 3.0, 60.0])
SHARES = np.array([1e-9, 0.3, 1 - 1e-9])


def laws(name):
    rate, inflation = (grid.ravel() for grid in np.meshgrid(RATES, SHARES))
    return DISTRIBUTIONS[name](), law_params(name, inflation, rate)


def law_params(name, inflation, mean):
    """Parameters of the family for these means of the base."""
    if "poisson" in name:
        return {"inflation": inflation, "rate": mean}
    return {
        "inflation": inflation,
        "mean": mean,
        "dispersion": np.full(mean.shape, DISPERSION),
    }


def masses(family, params):
    """All counts that matter, and their masses: a row of them for each of the laws."""
    counts = np.arange(2500.0)
    log_mass = family.log_prob(torch.tensor(counts), **tensors(with_axis(params))).numpy()
    return counts, np.exp(log_mass)


def sums_above(mass):
    """Of the masses of all larger counts, the smallest first."""
    at_least = np.cumsum(mass[:, ::-1], axis=1)[:, ::-1]
    return np.column_stack([at_least[:, 1:], np.zeros(len(mass))])


@pytest.mark.parametrize("name", COUNTS)
def test_moments_and_entropy_are_sums_however_rare_the_events(name):
    family, params = laws(name)
    counts, mass = masses(family, params)
    law = family.frozen(**params)
    mean = mass @ counts
    np.testing.assert_allclose(mass.sum(axis=1), 1, rtol=1e-13)
    np.testing.assert_allclose(law.mean(), mean, rtol=1e-13)
    # Of counts that are all but surely 1, the variance is a difference of numbers near 1.
    variance = (mass * (counts - mean[:, None]) ** 2).sum(axis=1)
    np.testing.assert_allclose(law.var(), variance, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(family.std(**params), np.sqrt(law.var()), rtol=1e-15)
    np.testing.assert_allclose(law.entropy(), stats.entropy(mass, axis=1), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", COUNTS)
def test_cdf_and_sf_are_sums_however_rare_the_events(name):
    family, params = laws(name)
    counts, mass = masses(family, params)
    law = family.frozen(**with_axis(params))
    below = np.cumsum(mass, axis=1)
    above = sums_above(mass)
    np.testing.assert_allclose(law.pmf(counts), mass, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(law.cdf(counts), below, rtol=1e-12)
    np.testing.assert_allclose(law.cdf(counts + 0.5), below, rtol=1e-12)
    np.testing.assert_allclose(law.logcdf(counts), np.log(law.cdf(counts)), atol=1e-15)
    rare = above > 1e-20  # beyond, the counts that are summed end too early
    np.testing.assert_allclose(law.sf(counts)[rare], above[rare], rtol=1e-9)
    np.testing.assert_allclose(law.logsf(counts)[rare], np.log(above[rare]), rtol=1e-9, atol=1e-14)
    assert (law.cdf(-1) == 0).all()
    assert (law.sf(-1) == 1).all()


@pytest.mark.parametrize("name", COUNTS)
def test_quantiles_are_the_first_counts_that_reach_the_level(name):
    family, params = laws(name)
    law = family.frozen(**with_axis(params))
    levels = np.array([1e-300, 1e-9, 0.01, 0.5, 0.999, 1 - 1e-12])
    for quantile, reach in [(law.ppf, law.cdf), (law.isf, law.sf)]:
        upward = reach == law.cdf
        value = quantile(levels)
        assert (value == np.floor(value)).all()
        reached = reach(value) >= levels if upward else reach(value) <= levels
        before = reach(value - 1) < levels if upward else reach(value - 1) > levels
        assert reached.all()
        assert before.all()
    counts = np.arange(8.0)
    at = law.cdf(counts)
    sure = (law.cdf(counts - 1) < at) & (at < 1)  # tell the counts apart
    np.testing.assert_array_equal(law.ppf(at)[sure], np.tile(counts, (len(at), 1))[sure])
    assert (law.ppf(0) == 0).all()
    assert (law.ppf(1) == np.inf).all()
    assert (law.isf(0) == np.inf).all()
    assert np.isnan(law.ppf([-0.1, 1.1, np.nan])).all()


@pytest.mark.parametrize("name", COUNTS)
def test_crps_is_the_sum_of_its_definition_however_rare_the_events(name):
    family, params = laws(name)
    counts, mass = masses(family, params)
    below = np.cumsum(mass, axis=1)
    above = sums_above(mass)
    for y in (-2.5, 0.0, 0.4, 1.0, 2.0, 25.0, 70.0):
        before = np.clip(y - counts, 0, 1)
        score = (before * below**2 + (1 - before) * above**2).sum(axis=1) + max(-y, 0)
        # atol: of a y that is foreseen, the base's closed form is a difference.
        ours = family.crps(np.array(y), **params)
        np.testing.assert_allclose(ours, score, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", COUNTS)
def test_draws_of_rare_events_have_the_masses(name):
    params = law_params(name, np.array([0.3, 0.3]), np.array([1e-12, 0.2]))
    family = DISTRIBUTIONS[name]()
    draws = predictive(family, params).rvs(20_000, random_state=0)
    counts, mass = masses(family, params)
    for k in counts[:4]:
        share = mass[:, int(k)]
        error = np.sqrt(share * (1 - share) / 20_000)
        assert (np.abs((draws == k).mean(axis=1) - share) <= 4.5 * error).all()


def test_many_counts_do_not_overflow():
    law = Hurdle(Poisson()).frozen(inflation=np.array(0.25), rate=np.array(1e300))
    assert law.std() == pytest.approx(np.sqrt(0.25 * 0.75) * 1e300)
    assert law.ppf(0.25) == 0
    assert law.ppf(0.2500001) == pytest.approx(1e300)


def test_counts_that_scipy_cannot_tell_apart_have_quantiles():
    law = Hurdle(Poisson()).frozen(inflation=np.array(0.3), rate=np.array([1e-20, 1e20]))
    np.testing.assert_allclose(law.ppf([[0.3], [0.5]]), [[0, 0], [1, 1e20]], rtol=1e-9)


# The law of amounts and proportions --------------------------------------------------------------


def frozen_pair(family, params, inflation=0.3, share_of_ones=0.6):
    """Our law and the textbook's."""
    base, own = family.base.frozen(**params), {"inflation": np.array(inflation)}
    if isinstance(family, ZeroInflated):
        return family.frozen(**own, **params), PointsAndDensity(base, inflation)
    own["share_of_ones"] = np.array(share_of_ones)
    points = inflation * (1 - share_of_ones), inflation * share_of_ones
    return family.frozen(**own, **params), PointsAndDensity(base, *points)


@pytest.mark.parametrize("inflation", [1e-9, 0.3, 1 - 1e-9])
@pytest.mark.parametrize("family", ADJUSTED, ids=repr)
def test_law_with_atoms_is_the_textbooks(family, inflation):
    ours, theirs = frozen_pair(family, ADJUSTED[family], inflation)
    for summary in ("mean", "var", "std", "entropy"):
        expected = getattr(theirs, summary)()
        # The textbook's variance is a difference of squares.
        assert getattr(ours, summary)() == pytest.approx(expected, rel=1e-6, abs=1e-15), summary
    y = np.array([-0.5, 0.0, 1e-3, 0.2, 0.9, 1.0, 1.5])
    for at in ("cdf", "sf"):
        np.testing.assert_allclose(getattr(ours, at)(y), getattr(theirs, at)(y), rtol=1e-12)
    levels = np.array([1e-12, 0.05, 0.2, 0.31, 0.6, 0.9])
    for at in ("ppf", "isf"):
        expected = getattr(theirs, at)(levels)
        np.testing.assert_allclose(getattr(ours, at)(levels), expected, rtol=1e-6)
    np.testing.assert_array_equal(ours.support(), theirs.support())


@pytest.mark.parametrize("family", ADJUSTED, ids=repr)
def test_quantiles_invert_the_cdf_between_the_atoms(family):
    law, textbook = frozen_pair(family, ADJUSTED[family])
    y = textbook.law.ppf([1e-12, 0.01, 0.5, 0.99, 1 - 1e-9])
    np.testing.assert_allclose(law.ppf(law.cdf(y))[1:], y[1:], rtol=1e-6)
    np.testing.assert_allclose(law.isf(law.sf(y))[1:], y[1:], rtol=1e-9)
    zero, one = law.cdf(0), 1 - law.sf(1) - law.cdf(1 - 1e-16)
    assert law.ppf(zero) == 0
    assert law.ppf(0) == 0
    assert law.ppf(zero + 1e-9) > 0
    assert law.ppf(1) == textbook.law.support()[1]
    if one > 1e-3:
        assert law.ppf(1 - one + 1e-9) == 1
        assert law.ppf(1 - one - 1e-9) < 1


@pytest.mark.parametrize("family", ADJUSTED, ids=repr)
def test_crps_is_that_of_many_draws(family):
    params = ADJUSTED[family]
    _, textbook = frozen_pair(family, params)
    own = {"inflation": np.array(0.3)}
    if isinstance(family, ZeroOneInflated):
        own["share_of_ones"] = np.array(0.6)
    # All pairs of quantiles at the middles of 4000 equal levels: E|X - y| - E|X - X'| / 2.
    x = textbook.ppf((np.arange(4000) + 0.5) / 4000)
    rank = 2 * np.arange(4000) - 3999
    spread = 2 * (rank * np.sort(x)).sum() / 4000**2
    for y in (0.0, 0.1, 0.8, 1.0, 3.0):
        expected = np.abs(x - y).mean() - spread / 2
        ours = family.crps(np.array(y), **own, **params)
        # The ends of the quantile function are cut off: 1e-3 of LogNormal's spread.
        assert ours == pytest.approx(expected, abs=1e-3)


def test_mode_is_an_end_with_the_larger_half_else_the_bases():
    inflation = np.array([0.2, 0.5, 0.51])
    gamma = {"shape": np.full(3, 3.0), "scale": np.full(3, 2.0)}
    mode = ZeroInflated(Gamma()).mode(inflation, **gamma)
    np.testing.assert_array_equal(mode, [4.0, 4.0, 0.0])
    beta = {"mean": np.full(3, 0.5), "precision": np.full(3, 6.0)}
    mode = ZeroOneInflated(Beta()).mode(np.full(3, 0.8), np.array([0.1, 0.5, 0.9]), **beta)
    np.testing.assert_allclose(mode, [0.0, 0.5, 1.0])


@pytest.mark.parametrize(
    ("inflation", "rate", "mode"), [(0.9, 5.5, 0), (0.1, 5.5, 5), (0.3, 0.2, 1), (0.6, 0.2, 0)]
)
def test_mode_of_a_hurdle_is_never_between(inflation, rate, mode):
    assert Hurdle(Poisson()).mode(np.array(inflation), rate=np.array(rate)) == mode


# What is predicted -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MIXED)
def test_mixed_predictions_have_neither_density_nor_mass(name):
    dist = predictive(DISTRIBUTIONS[name](), CASES[name].params)
    assert type(dist) is MixedPredictive
    for method in ("pdf", "logpdf", "pmf", "logpmf"):
        assert not hasattr(dist, method)


@pytest.mark.parametrize("name", MIXED)
def test_intervals_of_mixed_predictions_hold_at_least_their_probability(name):
    dist = predictive(DISTRIBUTIONS[name](), CASES[name].params)
    low, high = dist.interval(0.8).T
    less = np.where(low == 0, 0.0, dist.cdf(low))
    assert (dist.cdf(high) - less >= 0.8 - 1e-12).all()
    assert (dist.cdf(low) >= 0.1 - 1e-12).all()
    assert (dist.sf(high) <= 0.1 + 1e-12).all()


@pytest.mark.parametrize("name", MIXED)
def test_draws_of_mixed_predictions_are_atoms_and_the_base(name):
    family, params = DISTRIBUTIONS[name](), CASES[name].params
    draws = predictive(family, params).rvs(8000, random_state=0)
    for i, row in enumerate(draws):
        textbook = CASES[name].scipy(**{key: value[i] for key, value in params.items()})
        inside = row[~np.isin(row, family.support.atoms)]
        assert stats.kstest(inside, textbook.law.cdf).pvalue > 1e-3
        for atom, share in zip((0.0, 1.0), (textbook.zero, textbook.one), strict=True):
            error = np.sqrt(share * (1 - share) / 8000)
            assert abs((row == atom).mean() - share) <= 4.5 * error


@pytest.mark.parametrize("name", MIXED)
def test_pit_at_an_atom_lies_between_less_and_at_most(name):
    dist = predictive(DISTRIBUTIONS[name](), CASES[name].params)
    pit = np.array([dist.pit(0.0, random_state=seed) for seed in range(300)])
    assert np.ptp(pit, axis=0) == pytest.approx(dist.cdf(0.0), rel=0.1)
    assert (pit <= dist.cdf(0.0)).all()
    y = dist.ppf(0.6)
    inside = ~np.isin(y, dist.distribution.support.atoms)
    np.testing.assert_array_equal(dist.pit(y, 0)[inside], dist.cdf(y)[inside])


@pytest.mark.parametrize("power", [-960, 3, 960])
def test_change_of_units_moves_the_density_but_no_probability(power):
    unit, params = 2.0**power, CASES["zero_adjusted_gamma"].params
    before = predictive(ZeroInflated(Gamma()), params)
    after = predictive(ZeroInflated(Gamma()), {**params, "scale": params["scale"] * unit})
    y = before.ppf(0.6)
    log_prob = before.log_prob(y) - np.log(unit)
    np.testing.assert_allclose(after.log_prob(unit * y), log_prob, rtol=1e-12)
    np.testing.assert_array_equal(after.log_prob(0.0), before.log_prob(0.0))
    np.testing.assert_allclose(after.cdf(unit * y), before.cdf(y), rtol=1e-12)
    np.testing.assert_allclose(after.crps(unit * y), unit * before.crps(y), rtol=1e-12)
    np.testing.assert_allclose(after.ppf(0.7), unit * before.ppf(0.7), rtol=1e-12)
    for method in ("mean", "median", "mode", "std"):
        expected = unit * getattr(before, method)()
        np.testing.assert_allclose(getattr(after, method)(), expected, rtol=1e-12)
    entropy = before.entropy() + (1 - params["inflation"]) * np.log(unit)
    np.testing.assert_allclose(after.entropy(), entropy, rtol=1e-12)


# Fits --------------------------------------------------------------------------------------------


@brief
@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e6])
@pytest.mark.parametrize("columns", [1, 2])
def test_loss_is_minus_the_mean_log_prob_in_y_units(unit, columns, draw_rows):
    X, y = draw_rows("zero_adjusted_gamma")
    y = unit * np.column_stack([y, 3 * y[::-1] ** 2][:columns]).squeeze()
    net = NLLRegressor("zero_adjusted_gamma", (), solver="lbfgs", max_iter=20).fit(X, y)
    # lbfgs notes the loss of its last weights.
    assert net.loss_ == pytest.approx(-net.predict_dist(X).log_prob(y).mean(), rel=1e-12)


@brief
@pytest.mark.parametrize("share_of_zeros", [0.9, 0.999])
def test_units_stay_sane_with_many_zeros(share_of_zeros):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 2))
    y = 1e6 * rng.gamma(3.0, size=5000) * (np.arange(5000) >= share_of_zeros * 5000)
    net = NLLRegressor("zero_adjusted_gamma", **BRIEF).fit(X, y)
    dist = net.predict_dist(X)
    assert dist.params["inflation"].mean() == pytest.approx(share_of_zeros, abs=0.02)
    positive = dist.params["shape"] * dist.params["scale"]
    assert np.median(positive) == pytest.approx(y[y > 0].mean(), rel=0.5)


@pytest.mark.parametrize("name", INFLATED)
@pytest.mark.parametrize("y", [np.zeros(20), np.arange(20) % 2.0, np.ones(20)], ids=str)
@brief
def test_y_of_nothing_but_atoms_or_without_them_trains(name, y):
    X = np.random.default_rng(0).normal(size=(20, 2))
    net = NLLRegressor(name, **BRIEF).fit(X, y)
    dist = net.predict_dist(X)
    assert np.isfinite(dist.log_prob(y)).all()
    assert np.isfinite(net.loss_)
    assert not np.isnan(dist.mean()).any()


@pytest.mark.parametrize("name", MIXED)
def test_without_atoms_the_base_is_fitted(name):
    y = CASES[name].sample
    y = y[~np.isin(y, [0, 1])]
    params, log_likelihood = marginal_fit(DISTRIBUTIONS[name](), y)
    of_base, best = marginal_fit(DISTRIBUTIONS[name]().base, y)
    assert {key: params[key] for key in of_base} == pytest.approx(of_base, rel=1e-6)
    assert log_likelihood == pytest.approx(best, abs=2e-8)


def test_where_the_base_explains_all_zeros_training_starts_near_it():
    y = stats.binom(10, 0.3).rvs(500, random_state=0).astype(float)  # fewer zeros than Poisson's
    params, _ = marginal_fit(ZeroInflated(Poisson()), y)
    assert params["inflation"] == pytest.approx(1e-3)
    assert params["rate"] == pytest.approx(y.mean(), rel=1e-3)


def test_hurdle_learns_fewer_zeros_than_the_bases():
    y = np.repeat([0.0, 1.0, 2.0, 3.0], [1, 60, 30, 9])
    params, log_likelihood = marginal_fit(Hurdle(Poisson()), y)
    assert params["inflation"] == pytest.approx(0.01, rel=1e-6)
    mean = params["rate"] / -np.expm1(-params["rate"])
    assert mean == pytest.approx(y[y > 0].mean(), rel=1e-9)
    assert log_likelihood > marginal_fit(ZeroInflated(Poisson()), y)[1] + 0.1


@pytest.mark.parametrize("family", [ZeroInflated, Hurdle])
def test_exposure_is_that_of_the_base(family):
    time = np.array([0.5, 2.0])
    params = {"inflation": np.array([0.3, 0.4]), "rate": np.array([1.0, 5.0])}
    exposed = family(Poisson()).exposed(params, time)
    np.testing.assert_array_equal(exposed["rate"], [0.5, 10.0])
    np.testing.assert_array_equal(exposed["inflation"], params["inflation"])
    with pytest.raises(ValueError, match=r"Gamma\(\) has no exposure"):
        ZeroInflated(Gamma()).exposed({"shape": 1.0, "scale": 1.0}, time)


class Geometric(Distribution):
    """A user's own family of counts, with no more than it must have."""

    support = Poisson.support
    parameters = {"p": ZeroOneInflated.own["inflation"]}  # noqa: RUF012

    def __init__(self, p=None):
        self.p = p

    def log_prob(self, y, p):
        return torch.log(p) + y * torch.log1p(-p)

    def frozen(self, p):
        return stats.geom(p, loc=-1)


def test_any_family_of_counts_can_be_inflated():
    y = stats.geom(0.4, loc=-1).rvs(400, random_state=0) * (np.arange(400) % 3 > 0)
    fitted = {family: marginal_fit(family(Geometric()), y) for family in (ZeroInflated, Hurdle)}
    # Without memory: beyond zero both say the same.
    params, best = fitted[Hurdle]
    assert params["p"] == pytest.approx(1 / y[y > 0].mean(), rel=1e-6)
    assert fitted[ZeroInflated][1] == pytest.approx(best, abs=1e-10)
    law = ZeroInflated(Geometric()).frozen(inflation=np.array(0.3), p=np.array(0.4))
    assert law.mean() == pytest.approx(0.7 * 1.5)
    assert law.ppf(0.99) == np.ceil(np.log(0.01 / 0.7) / np.log(0.6) - 1)
    assert special.logsumexp(law.logpmf(np.arange(500.0))) == pytest.approx(0, abs=1e-12)
