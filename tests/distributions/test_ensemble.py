"""Averages of several members' distributions: by brute force, for every family of cases.py."""

import pickle
from itertools import permutations

import numpy as np
import pytest
import torch
from scipy import special, stats
from sklearn.base import clone

from sklnll.distributions import (
    Bernoulli,
    Categorical,
    Censored,
    FromTorch,
    Gamma,
    Laplace,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    PlackettLuce,
    Poisson,
    Truncated,
    VonMises,
    ZeroInflated,
    ensemble_of,
    normal_mixture,
)
from sklnll.predictive import IndicatorPredictive, LabelPredictive, predictive

from .cases import (
    ANGLES,
    CASES,
    CONTINUOUS,
    DISCRETE,
    FAMILIES,
    LABELS,
    LINEAR,
    MIXED,
    NUMBERS,
    PURE,
    RANKINGS,
    VECTORS,
    all_orders,
    tensors,
)

# Two rows of three members, each the row of that number of a family's case.
MEMBERS = np.array([[0, 1, 2], [2, 0, 1]])
WEIGHT = np.array([[0.5, 0.3, 0.2], [0.05, 0.25, 0.7]])
LEVELS = np.array([1e-9, 0.01, 0.3, 0.5, 0.975, 1 - 1e-9])
SUMMARIES = ["mean", "median", "mode", "var", "std", "entropy"]

# Families that are made of others.
NESTED = {
    "truncated": (
        Truncated(Normal(), 0.0, 5.0),
        {
            "low": np.zeros((2, 3)),
            "high": np.full((2, 3), 5.0),
            "loc": np.array([[-1.0, 2.0, 6.0], [1.0, 1.5, 2.0]]),
            "scale": np.array([[1.0, 0.5, 2.0], [3.0, 1.0, 0.1]]),
        },
    ),
    "from_torch": (
        FromTorch(torch.distributions.Gumbel),
        {
            "loc": np.array([[0.0, 1.0, -2.0], [5.0, 5.0, 6.0]]),
            "scale": np.array([[1.0, 0.5, 2.0], [0.3, 1.0, 2.0]]),
        },
    ),
    "inflated_mixture": (
        ZeroInflated(normal_mixture(2).set_params(base=Gamma())),
        {
            "inflation": np.array([[0.1, 0.5, 0.3], [0.2, 0.2, 0.9]]),
            "logits": np.array([[[0.0, 1.0]] * 3, [[2.0, 0.0]] * 3]),
            "shape": np.array([[[2.0, 30.0], [3.0, 9.0], [1.0, 5.0]]] * 2),
            "scale": np.array([[[1.0, 0.5], [2.0, 1.0], [0.1, 3.0]]] * 2),
        },
    ),
}


def weighted(name, weight=WEIGHT):
    """The average of a family's members, and the members one by one."""
    family = FAMILIES[name]
    params = {key: value[MEMBERS] for key, value in CASES[name].params.items()}
    each = [{key: value[:, k] for key, value in params.items()} for k in range(3)]
    if name in LABELS:
        classes = np.arange(max(CASES[name].size, 2))
        make = lambda *args: LabelPredictive(*args, classes)  # noqa: E731
    else:
        make = predictive
    dist = make(ensemble_of(family, 3), {"weight": weight, **params})
    return dist, [make(family, member) for member in each]


def average(values):
    """Weighted by `WEIGHT`, of values whose rows are on the first axis."""
    return sum(
        WEIGHT[:, k].reshape(-1, *(1,) * (np.ndim(value) - 1)) * value
        for k, value in enumerate(values)
    )


def copies(name, n_members=3):
    """A distribution, and the average of as many copies of it."""
    family, params = FAMILIES[name], CASES[name].params
    repeated = {
        key: np.repeat(value[:, None], n_members, axis=1) for key, value in params.items()
    }
    weight = np.full((len(next(iter(params.values()))), n_members), 1 / n_members)
    pair = [(family, params), (ensemble_of(family, n_members), {"weight": weight, **repeated})]
    if name in LABELS:
        classes = np.arange(max(CASES[name].size, 2))
        return [LabelPredictive(*args, classes) for args in pair]
    return [predictive(*args) for args in pair]


def nested(name):
    family, params = NESTED[name]
    dist = predictive(ensemble_of(family, 3), {"weight": WEIGHT, **params})
    each = [{key: value[:, k] for key, value in params.items()} for k in range(3)]
    return dist, [predictive(family, member) for member in each]


NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(40)


def integral(function, each, row, cuts):
    """Over y, in stretches within which the members are smooth."""
    levels = np.r_[np.geomspace(1e-15, 1e-3, 25), 0.01, 0.05, 0.2, 0.5]
    ends = [method(levels)[0] for m in each for method in (m[row].ppf, m[row].isf)]
    ends = np.concatenate([*ends, each[0][row].mode(), *(m[row].mode() for m in each)])
    ends = np.unique(np.r_[ends, cuts])
    ends = ends[np.isfinite(ends)]
    if cuts and ends[0] in (0.0, cuts[0]):  # where densities rise or fall like a power
        near = np.geomspace(1e-30, 1, 61)
        ends = np.unique(np.r_[ends, ends[0] + (ends[1] - ends[0]) * near])
        ends = np.unique(np.r_[ends, ends[-1] - (ends[-1] - ends[-2]) * near])
    half = np.diff(ends)[:, None] / 2
    y = ends[:-1, None] + half * (1 + NODES)
    values = function(y.reshape(-1, 1))[:, 0].reshape(y.shape)
    return (half * NODE_WEIGHTS * values).sum()


# Equal members ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NUMBERS)
def test_equal_members_are_the_base(name):
    base, dist = copies(name)
    assert type(dist) is type(base)
    y = base.ppf([0.3, 0.99])
    for method in ("log_prob", "cdf", "sf", "logcdf", "crps"):
        for value in (y[:, 0], y[:, 1], y[:2, :1]):
            expected, values = (getattr(d, method)(value) for d in (base, dist))
            np.testing.assert_allclose(values, expected, rtol=1e-11, err_msg=method)
    for method in ("ppf", "isf"):
        expected, values = (getattr(d, method)(LEVELS) for d in (base, dist))
        np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-15, err_msg=method)
    for method in SUMMARIES:
        expected, values = (getattr(d, method)() for d in (base, dist))
        tolerance = 1e-8 if method == "entropy" else 1e-11
        np.testing.assert_allclose(values, expected, tolerance, atol=1e-14, err_msg=method)
    for end, expected in zip(dist.support(), base.support(), strict=True):
        np.testing.assert_allclose(end, expected, rtol=1e-15)


@pytest.mark.parametrize("name", VECTORS)
def test_equal_members_are_the_base_of_vectors(name):
    base, dist = copies(name)
    y = base.rvs(random_state=0)
    for value in (y, y[:2, None], y[0]):
        np.testing.assert_allclose(dist.log_prob(value), base.log_prob(value), rtol=1e-12)
    np.testing.assert_allclose(dist.crps(y), base.crps(y), rtol=1e-11)
    for method in ("mean", "median", "var", "std", "cov", "mode", "entropy", "interval"):
        expected, values = (getattr(d, method)() for d in (base, dist))
        np.testing.assert_allclose(values, expected, rtol=1e-11, err_msg=method)


@pytest.mark.parametrize("name", LABELS + RANKINGS)
def test_equal_members_are_the_base_of_labels_and_rankings(name):
    base, dist = copies(name)
    assert type(dist) is type(base)
    np.testing.assert_allclose(dist.log_probs, base.log_probs, rtol=1e-13)
    np.testing.assert_array_equal(dist.mode(), base.mode())
    np.testing.assert_allclose(dist.entropy(), base.entropy(), rtol=1e-12)
    for value in CASES[name].far:
        y = np.full((len(base), *np.shape(value)), value)
        np.testing.assert_allclose(dist.log_prob(y), base.log_prob(y), rtol=1e-12, atol=1e-15)
    if name in RANKINGS:
        np.testing.assert_allclose(dist.pairwise(), base.pairwise(), rtol=1e-12)
        np.testing.assert_allclose(dist.expected_ranks(), base.expected_ranks(), rtol=1e-12)


# Numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*LINEAR, *NESTED])
def test_probabilities_and_means_are_averages(name):
    dist, each = nested(name) if name in NESTED else weighted(name)
    for level in (0.01, 0.5, 0.99):
        for member in each:
            y = member.ppf(level)
            density = average([np.exp(m.log_prob(y)) for m in each])
            np.testing.assert_allclose(np.exp(dist.log_prob(y)), density, rtol=1e-9)
            for method in ("cdf", "sf"):
                expected = average([getattr(m, method)(y) for m in each])
                np.testing.assert_allclose(getattr(dist, method)(y), expected, rtol=1e-9)
            np.testing.assert_allclose(np.exp(dist.logcdf(y)), dist.cdf(y), rtol=1e-9)
    mean = average([m.mean() for m in each])
    np.testing.assert_allclose(dist.mean(), mean, rtol=1e-12)
    finite = np.isfinite(np.sum([m.var() for m in each], axis=0))
    with np.errstate(invalid="ignore"):
        variance = average([m.var() + (m.mean() - mean) ** 2 for m in each])
    np.testing.assert_allclose(dist.var()[finite], variance[finite], rtol=1e-9)
    np.testing.assert_allclose(dist.std()[finite] ** 2, variance[finite], rtol=1e-9)
    assert not np.isfinite(dist.var()[~finite]).any()


@pytest.mark.parametrize("name", [*CONTINUOUS, "truncated", "from_torch"])
def test_quantiles_invert_the_cdf(name):
    dist = (nested(name) if name in NESTED else weighted(name))[0]
    # From the cut of the average, members' probabilities are differences of numbers near 1/2.
    rtol, atol = (1e-7 if name == "truncated" else 1e-9), (1e-15 if name in ANGLES else 0)
    for level in [1e-30, *LEVELS] if name in LINEAR else LEVELS:
        np.testing.assert_allclose(dist.cdf(dist.ppf(level)), level, rtol=rtol, atol=atol)
        np.testing.assert_allclose(dist.sf(dist.isf(level)), level, rtol=rtol, atol=atol)
    np.testing.assert_array_equal(dist.ppf([0.0, 1.0]).T, dist.support())


@pytest.mark.parametrize("name", DISCRETE)
def test_quantiles_of_counts_are_the_least_that_hold_their_probability(name):
    dist = weighted(name)[0]
    for level in LEVELS:
        count = dist.ppf(level)
        assert (dist.cdf(count) >= level).all()
        assert (dist.cdf(count - 1) < level).all()


@pytest.mark.parametrize("name", [*MIXED, "inflated_mixture"])
def test_quantiles_hit_the_ends_that_have_a_probability(name):
    dist, each = nested(name) if name in NESTED else weighted(name)
    support = dist.distribution.support
    zero = average([m.cdf(0.0) for m in each])
    np.testing.assert_allclose(dist.cdf(0.0), zero, rtol=1e-12)
    assert (dist.ppf(zero.min() * 0.999) == 0).all()
    assert (dist.isf(1 - zero.min() * 0.999) == 0).all()
    assert (dist.ppf(min(1.0, zero.max() * 1.001)) > 0).all()
    if 1.0 in support.atoms:
        one = np.exp(dist.log_prob(1.0))
        assert (dist.ppf(1 - one.min() * 0.999) == 1).all()
        assert (dist.ppf(1 - one.max() * 1.001) < 1).all()
    for level in np.linspace(0.011, 0.987, 9):
        y = dist.ppf(level)
        inside = ~np.isin(y, support.atoms)
        np.testing.assert_allclose(dist.cdf(y)[inside], level, rtol=1e-9)
        np.testing.assert_allclose(dist.isf(1 - level), y, rtol=1e-7, atol=1e-15)


@pytest.mark.parametrize("name", [n for n in LINEAR if n not in DISCRETE] + [*NESTED])
def test_crps_and_entropy_are_their_integrals(name):
    dist, each = nested(name) if name in NESTED else weighted(name)
    y = dist.ppf(0.9)
    crps, entropy, support = dist.crps(y), dist.entropy(), dist.distribution.support
    cuts = [end for end in (support.low, support.high) if np.isfinite(end)]
    for row, one in enumerate(dist):

        def gap(t, one=one, cut=y[row]):
            return np.where(t < cut, one.cdf(t), one.sf(t)) ** 2

        def surprise(t, one=one):
            return special.entr(np.where(np.isin(t, support.atoms), 0, np.exp(one.log_prob(t))))

        score = integral(gap, each, row, [*cuts, y[row]])
        assert crps[row] == pytest.approx(score, rel=1e-6)
        uncertainty = integral(surprise, each, row, cuts)
        uncertainty += sum(special.entr(np.exp(one.log_prob(end)))[0] for end in support.atoms)
        assert entropy[row] == pytest.approx(uncertainty, rel=1e-6, abs=1e-6)
