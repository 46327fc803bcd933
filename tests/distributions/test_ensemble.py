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
    repeated = {key: np.repeat(value[:, None], n_members, axis=1) for key, value in params.items()}
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
    for method in ("log_prob", "cdf", "sf", "logcdf", "logsf", "crps"):
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
    if name in LINEAR:
        np.testing.assert_allclose(dist.cdf(dist.ppf(1e-30)), 1e-30, rtol=1e-7)
    for level in LEVELS:
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


@pytest.mark.parametrize("name", DISCRETE)
def test_crps_and_entropy_of_counts_are_their_sums(name):
    dist = weighted(name)[0]
    counts = np.arange(dist.isf(1e-15).max() + 1)[:, None]
    y = dist.ppf(0.9)
    gap = np.where(counts < y, dist.cdf(counts), dist.sf(counts))
    np.testing.assert_allclose(dist.crps(y), (gap**2).sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose(dist.entropy(), special.entr(dist.pmf(counts)).sum(0), rtol=1e-9)
    np.testing.assert_allclose(dist.pmf(dist.mode()), dist.pmf(counts).max(axis=0), rtol=1e-12)


@pytest.mark.parametrize(
    ("family", "params"),
    [
        (Poisson(), {"rate": [[20.0, 1e3, 3e4]]}),
        (NegativeBinomial(), {"mean": [[30.0, 500.0, 900.0]], "dispersion": [[8.0, 0.1, 2.0]]}),
    ],
)
def test_wide_ranges_of_counts_are_summed_by_a_few(family, params):
    params = {key: np.array(value) for key, value in params.items()}
    dist = predictive(ensemble_of(family, 3), {"weight": WEIGHT[:1], **params})
    counts = np.arange(60_000.0)[:, None]
    gap = np.where(counts < 800, dist.cdf(counts), dist.sf(counts))
    np.testing.assert_allclose(dist.crps(800.0), (gap**2).sum(axis=0), rtol=1e-7)
    np.testing.assert_allclose(dist.entropy(), special.entr(dist.pmf(counts)).sum(0), rtol=1e-6)
    np.testing.assert_allclose(dist.pmf(dist.mode()), dist.pmf(counts).max(axis=0), rtol=1e-12)


@pytest.mark.parametrize("family", [Normal(), Laplace()])
def test_scores_in_closed_form_are_the_integrals(family):
    loc = np.array([[0.0, 1.0, 1.0, 30.0]])
    scale = np.array([[1.0, 1.0, 1 + 1e-9, 1e-3]])
    params = {"weight": np.array([[0.4, 0.3, 0.2, 0.1]]), "loc": loc, "scale": scale}
    law = predictive(ensemble_of(family, 4), params).to_scipy()
    np.testing.assert_allclose(law.disagreement(), law._disagreement(), rtol=1e-9)
    first, second = ({"loc": np.array(a), "scale": np.array(b)} for a, b in ((0, 1), (5.0, 1e-9)))
    own = 2 / np.sqrt(np.pi) if isinstance(family, Normal) else 1.5
    np.testing.assert_allclose(family.mean_distance(first, first), own, rtol=1e-14)
    far = family.frozen(**first).expect(lambda x: abs(x - 5.0), epsabs=1e-12)
    np.testing.assert_allclose(family.mean_distance(first, second), far, rtol=1e-9)


@pytest.mark.parametrize("name", [n for n in CONTINUOUS if n in LINEAR])
def test_mode_is_the_top_of_a_fine_grid(name):
    dist, each = weighted(name)
    mode = dist.mode()
    top = dist.pdf(mode)
    for row, one in enumerate(dist):
        ends = np.concatenate([m[row].interval(0.999)[0] for m in each])
        near = np.concatenate([m[row].ppf(np.linspace(0.001, 0.999, 500))[0] for m in each])
        grid = np.r_[np.linspace(ends.min(), ends.max(), 2000), near][:, None]
        # A density without a bound has its mode at the end of the support.
        unbounded = not dist.distribution.support.contains(mode[row])
        assert unbounded or one.pdf(grid).max() <= top[row] * (1 + 1e-9)


@pytest.mark.parametrize("name", [*NUMBERS, *NESTED])
def test_draws_have_the_distribution(name):
    dist = (nested(name) if name in NESTED else weighted(name))[0]
    n = 100 if name == "from_torch" else 2000
    draws = dist.rvs(n, random_state=0)
    assert draws.shape == (2, n)
    assert dist.rvs(random_state=0).shape == (2,)
    np.testing.assert_array_equal(draws, dist.rvs(n, random_state=0))
    for row, one in zip(draws, dist, strict=True):
        pit = one.pit(row[:, None], random_state=1)[:, 0]
        assert stats.kstest(pit, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("name", NUMBERS)
def test_far_tails_hold_no_nan(name):
    case, family = CASES[name], FAMILIES[name]
    params = {key: value[MEMBERS] for key, value in case.params.items()}
    dist = predictive(ensemble_of(family, 3), {"weight": WEIGHT, **params})
    low, high = dist.support()
    for y in [*case.far, -np.inf, np.inf, low[0], high[0]]:
        assert not np.isnan(dist.log_prob(y)).any()
        if np.isfinite(y):
            for method in ("cdf", "sf", "logcdf", "logsf", "crps"):
                assert not np.isnan(getattr(dist, method)(y)).any(), (method, y)
    for method in ("log_prob", "cdf", "sf", "crps"):
        assert np.isnan(getattr(dist, method)(np.nan)).all()


@pytest.mark.parametrize("name", NUMBERS)
def test_rows_outputs_and_copies(name):
    dist, _ = weighted(name)
    y = dist.ppf(0.3)
    again = pickle.loads(pickle.dumps(dist))
    for method in ("log_prob", "cdf", "crps"):
        values = getattr(dist, method)(y)
        np.testing.assert_array_equal(getattr(again, method)(y), values)
        np.testing.assert_allclose(getattr(dist[1:], method)(y[1:]), values[1:], rtol=1e-9)
    assert repr(dist).endswith(f"Ensemble({FAMILIES[name]!r}, 3), n_rows=2)")
    both = {key: np.stack([value, value[::-1]], axis=1) for key, value in dist.params.items()}
    both = predictive(dist.distribution, both)
    assert both.shape == (2, 2)
    np.testing.assert_allclose(both.ppf(LEVELS)[:, 1], dist.ppf(LEVELS)[::-1], rtol=1e-9)
    np.testing.assert_allclose(both.std()[:, 0], dist.std(), rtol=1e-12)
    expected = dist.crps(y)
    np.testing.assert_allclose(both.crps(np.stack([y, y[::-1]], 1))[::-1, 1], expected, rtol=1e-9)
    assert len(both.to_frame()) == len(dist.to_frame()) == 2
    assert both.to_frame().shape[1] == 2 * dist.to_frame().shape[1]


def test_the_family_takes_part_in_scikit_learn():
    family = ensemble_of(Normal(scale="constant"), 4)
    assert repr(family) == "Ensemble(Normal(scale='constant'), 4)"
    assert family.get_params(deep=False) == {"base": family.base, "n_members": 4}
    assert repr(clone(family)) == repr(pickle.loads(pickle.dumps(family))) == repr(family)
    assert list(family.parameters) == ["weight", "loc", "scale"]
    dist = weighted("normal")[0]
    for name in ("meen", "pmf", "quantile"):
        with pytest.raises(AttributeError, match=name):
            getattr(dist, name)


def test_what_is_no_ensemble_is_refused():
    with pytest.raises(ValueError, match="at least one member; got n_members=0"):
        ensemble_of(Normal(), 0)
    with pytest.raises(ValueError, match=r"a parameter called 'weight'.*rename it"):
        ensemble_of(ensemble_of(Normal(), 2), 2)


def test_member_without_weight_does_not_count():
    weight = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    dist, each = weighted("gamma", weight)
    for method in ("mean", "std", "mode", "entropy"):
        expected = [getattr(each[k], method)()[row] for row, k in enumerate((1, 0))]
        np.testing.assert_allclose(getattr(dist, method)(), expected, rtol=1e-9, atol=1e-20)
    np.testing.assert_allclose(dist.ppf(0.3), [each[1].ppf(0.3)[0], each[0].ppf(0.3)[1]])


def test_exposure_multiplies_the_rates_of_all_members():
    family = ensemble_of(Poisson(), 2)
    params = {"weight": np.full((2, 2), 0.5), "rate": np.array([[1.0, 2.0], [3.0, 4.0]])}
    exposed = family.exposed(params, np.array([10.0, 100.0]))
    np.testing.assert_array_equal(exposed["rate"], [[10, 20], [300, 400]])
    np.testing.assert_array_equal(exposed["weight"], params["weight"])


def test_intervals_have_the_average_probability():
    params = {"loc": np.array([[0.0, 2.0]] * 3), "scale": np.array([[1.0, 3.0]] * 3)}
    weight = np.array([[0.3, 0.7]] * 3)
    dist = predictive(ensemble_of(Censored(Normal()), 2), {"weight": weight, **params})
    exact = predictive(ensemble_of(Normal(), 2), {"weight": weight, **params})
    y = np.array([[1.0, 1.0], [0.5, 2.0], [1.5, np.inf]])
    expected = [exact.pdf(1.0)[0], exact.cdf(2.0)[0] - exact.cdf(0.5)[0], exact.sf(1.5)[0]]
    np.testing.assert_allclose(np.exp(dist.log_prob(y)), expected, rtol=1e-12)
    for method in ("log_prob", "pdf", "cdf", "crps"):
        for value in (1.3, y[:, 0], y[:2, :1]):
            expected = getattr(exact, method)(value)
            np.testing.assert_allclose(getattr(dist, method)(value), expected, rtol=1e-13)
    for method in SUMMARIES:
        np.testing.assert_array_equal(getattr(dist, method)(), getattr(exact, method)())
    assert repr(dist) == "CensoredPredictive(Ensemble(Censored(base=Normal()), 2), n_rows=3)"
    with pytest.raises(ValueError, match="needs exact values"):
        dist.crps(y)


# Angles -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ANGLES)
def test_moments_and_scores_of_angles_are_integrals_over_the_circle(name):
    dist, _ = weighted(name)
    t = np.linspace(-np.pi, np.pi, 4000, endpoint=False)[:, None]
    step = 2 * np.pi / len(t)
    density = dist.pdf(t) * step
    np.testing.assert_allclose(density.sum(axis=0), 1, rtol=1e-12)
    moment = (density * np.exp(1j * t)).sum(axis=0)
    np.testing.assert_allclose(dist.mean(), np.angle(moment), rtol=1e-10)
    np.testing.assert_allclose(dist.resultant_length(), np.abs(moment), rtol=1e-10)
    np.testing.assert_allclose(dist.var(), 1 - np.abs(moment), rtol=1e-9)
    np.testing.assert_allclose(dist.entropy(), special.entr(dist.pdf(t)).sum(0) * step, rtol=1e-10)
    assert (dist.pdf(dist.mode()) >= dist.pdf(t).max(axis=0) * (1 - 1e-12)).all()
    # The scores of the formula's two expectations, on the grid; its error falls like step**2.
    apart = np.abs(np.angle(np.exp(1j * (t - t.T))))
    between = (density * (apart @ density)).sum(axis=0)
    for y in (0.3, -3.0):
        distance = (density * np.abs(np.angle(np.exp(1j * (t - y))))).sum(axis=0)
        np.testing.assert_allclose(dist.crps(y), distance - between / 2, rtol=2e-6)
    cut = dist.mean() - np.pi
    for share in (0.1, 0.4, 0.99):
        y = cut + share * 2 * np.pi
        expected = [
            np.trapezoid(one.pdf((grid := np.linspace(*ends, 20_001))[:, None])[:, 0], grid)
            for one, *ends in zip(dist, cut, y, strict=True)
        ]
        np.testing.assert_allclose(dist.cdf(y), expected, rtol=1e-6)
        np.testing.assert_allclose(dist.sf(y), 1 - np.array(expected), rtol=1e-5)


@pytest.mark.parametrize("concentration", [1e-8, 1.0, 1e4, 1e9])
def test_angles_that_straddle_the_cut(concentration):
    loc = np.array([[3.1, -3.1, 3.0], [0.0, 3.0, -3.0]])
    params = {"weight": WEIGHT, "loc": loc, "concentration": np.full((2, 3), concentration)}
    dist = predictive(ensemble_of(VonMises(), 3), params)
    for level in (0.01, 0.3, 0.5, 0.9):
        np.testing.assert_allclose(dist.cdf(dist.ppf(level)), level, rtol=1e-9)
    low, high = dist.interval(0.9).T
    np.testing.assert_allclose(dist.cdf(high) - dist.cdf(low), 0.9, rtol=1e-9)
    y = dist.rvs(random_state=0)
    assert (dist.crps(y) > 0).all()
    turned = predictive(dist.distribution, {**params, "loc": loc + 1.0})
    np.testing.assert_allclose(turned.crps(y + 1), dist.crps(y), rtol=1e-6)


# Vectors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VECTORS)
def test_densities_and_moments_of_vectors_are_averages(name):
    dist, each = weighted(name)
    y = each[1].rvs(random_state=0)
    for value in (y, y[:, None], y[0]):
        density = average_of_columns([m.log_prob(value) for m in each])
        np.testing.assert_allclose(dist.log_prob(value), density, rtol=1e-12)
    mean = average([m.mean() for m in each])
    np.testing.assert_allclose(dist.mean(), mean, rtol=1e-12)
    second = average([m.cov() + outer(m.mean() - mean) for m in each])
    np.testing.assert_allclose(dist.cov(), second, rtol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diagonal(second, 0, 1, 2)), dist.std(), rtol=1e-9)
    for j in range(3):
        marginal = dist.marginal(j)
        expected = average([m.marginal(j).cdf(y[:, j]) for m in each])
        np.testing.assert_allclose(marginal.cdf(y[:, j]), expected, rtol=1e-12)
        np.testing.assert_allclose(dist.ppf(0.2)[:, j], marginal.ppf(0.2), rtol=1e-12)
    assert dist.crps(y).shape == dist.interval().shape[:2] == (2, 3)


def average_of_columns(log_densities):
    """The same for log-densities of which rows are on the last axis."""
    return special.logsumexp(np.stack(log_densities, axis=-1), b=WEIGHT, axis=-1)


def outer(values):
    return values[..., None] * values[..., None, :]


@pytest.mark.parametrize("name", VECTORS)
def test_draws_of_vectors_have_the_mean_the_covariance_and_the_entropy(name):
    dist, each = weighted(name)
    draws = dist.rvs(20_000, random_state=0)
    assert draws.shape == (2, 20_000, 3)
    assert dist.rvs(random_state=0).shape == (2, 3)
    away = (draws - dist.mean()[:, None]) / dist.std()[:, None]
    assert (np.abs(away.mean(axis=1)) < 4.5 / np.sqrt(20_000)).all()
    cov = dist.cov() / outer(dist.std())
    np.testing.assert_allclose(np.einsum("nsi,nsj->nij", away, away) / 20_000, cov, atol=0.06)
    for row, one in enumerate(dist):
        surprise = -one.log_prob(draws[row][:, None])[:, 0]
        assert dist.entropy()[row] == pytest.approx(surprise.mean(), abs=0.1)
    modes = [np.diagonal(dist.log_prob(m.mode()[:, None])) for m in each]
    top = np.diagonal(dist.log_prob(dist.mode()[:, None]))
    assert (top >= np.nanmax(modes, axis=0) - 1e-12).all()


def test_members_that_foresaw_what_is_known_count_more():
    dist, _ = weighted("multivariate_normal")
    y = dist.rvs(random_state=1)
    given = dist.condition({1: y[:, 1]})
    assert given.components == [0, 2]
    joint = dist.log_prob(y) - dist.marginal(1).logpdf(y[:, 1])
    np.testing.assert_allclose(given.log_prob(y[:, [0, 2]]), joint, rtol=1e-9)
    np.testing.assert_allclose(given.params["weight"].sum(axis=1), 1, rtol=1e-12)
    last = given.condition({0: y[:, 0]})
    assert last.components == [2]
    np.testing.assert_allclose(
        last.log_prob(y[:, [2]]), dist.condition({1: y[:, 1], 0: y[:, 0]}).log_prob(y[:, [2]])
    )
    with pytest.raises(NotImplementedError, match="Dirichlet does not implement condition"):
        weighted("dirichlet")[0].condition({0: 0.5})


def test_vectors_slice_pickle_and_frame():
    dist, _ = weighted("multivariate_normal")
    y = dist.rvs(random_state=1)
    again = pickle.loads(pickle.dumps(dist))
    np.testing.assert_array_equal(again.log_prob(y), dist.log_prob(y))
    np.testing.assert_allclose(dist[1:].log_prob(y[1:]), dist.log_prob(y)[1:])
    frame = dist.to_frame()
    assert frame.shape == (2, 3 * (1 + 3 + 6))
    np.testing.assert_array_equal(frame["scale_tril_2_1_0"], dist.params["scale_tril"][:, 2, 1, 0])
    assert repr(dist) == "VectorPredictive(VectorEnsemble(MultivariateNormal(), 3), n_rows=2)"
    with pytest.raises(NotImplementedError, match="scipy has no averages"):
        dist.to_scipy()
    assert MultivariateNormal().size({"loc": np.zeros((2, 7))}) == 7


# Labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LABELS)
def test_label_probabilities_are_averages(name):
    dist, each = weighted(name)
    probs = average([m.probs for m in each])
    np.testing.assert_allclose(dist.probs, probs, rtol=1e-12)
    np.testing.assert_array_equal(dist.mode(), probs.argmax(axis=1))
    np.testing.assert_allclose(dist.entropy(), stats.entropy(probs, axis=1), rtol=1e-12)
    params = tensors(dist.params)
    for label in dist.classes:
        y = np.full(2, label)
        np.testing.assert_allclose(dist.pmf(y), probs[:, label], rtol=1e-12)
        torchs = dist.distribution.log_prob(torch.tensor(y, dtype=torch.float64), **params)
        np.testing.assert_allclose(torchs, np.log(probs[:, label]), rtol=1e-12)
    draws = dist.rvs(4000, random_state=0)
    share = (draws[..., None] == dist.classes).mean(axis=1)
    assert (np.abs(share - probs) < 4.5 * np.sqrt(probs / 4000) + 1e-9).all()
    again = pickle.loads(pickle.dumps(dist))[1:]
    np.testing.assert_array_equal(again.probs, dist.probs[1:])
    assert dist.to_frame().shape == probs.shape


def test_sure_labels_keep_their_digits():
    logits = np.array([[[60.0, 0.0, 0.0], [50.0, 0.0, -1e300]]])
    family = ensemble_of(Categorical(), 2)
    dist = LabelPredictive(family, {"weight": np.full((1, 2), 0.5), "logits": logits}, np.arange(3))
    rest = (2 * np.exp(-60.0) + np.exp(-50.0)) / 2
    np.testing.assert_allclose(dist.log_probs[0, 0], -rest, rtol=1e-12)
    assert np.isfinite(dist.log_probs).all()


def test_indicators_average_each_label_on_its_own():
    logits = np.random.default_rng(0).normal(size=(5, 2, 3))
    weight = np.broadcast_to(WEIGHT[0], (5, 2, 3))
    params = {"weight": weight, "logits": logits}
    dist = IndicatorPredictive(ensemble_of(Bernoulli(), 3), params, np.arange(2))
    probs = special.expit(logits) @ WEIGHT[0]
    np.testing.assert_allclose(dist.probs, probs, rtol=1e-12)
    np.testing.assert_allclose(dist.scores, special.logit(probs), rtol=1e-12)
    y = np.array([[0, 1]] * 5)
    np.testing.assert_allclose(dist.pmf(y), (1 - probs[:, 0]) * probs[:, 1], rtol=1e-12)
    assert dist.rvs(7, random_state=0).shape == (5, 2, 7)


def test_soft_targets_have_the_cross_entropy_of_the_average():
    logits = CASES["categorical"].params["logits"][MEMBERS]
    family = ensemble_of(Categorical(soft_targets=True), 3)
    dist = LabelPredictive(family, {"weight": WEIGHT, "logits": logits}, np.arange(3))
    y = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    expected = (y * np.log(average(list(special.softmax(logits, -1).swapaxes(0, 1))))).sum(axis=1)
    np.testing.assert_allclose(dist.log_prob(y), expected, rtol=1e-12)
    torchs = family.log_prob(torch.tensor(y), **tensors(dist.params))
    np.testing.assert_allclose(torchs, expected, rtol=1e-12)


# Rankings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RANKINGS)
def test_rankings_are_averages_over_all_orders(name):
    dist, each = weighted(name)
    orders = np.array(list(permutations(range(3))))
    probs = average([m.pmf(np.tile(orders, (2, 1, 1))) for m in each])
    np.testing.assert_allclose(dist.pmf(np.tile(orders, (2, 1, 1))), probs, rtol=1e-12)
    for order in all_orders(3):
        expected = average([m.pmf(order[None]) for m in each])
        np.testing.assert_allclose(dist.pmf(order[None]), expected, rtol=1e-12)
    first = np.stack([probs[:, orders[:, 0] == i].sum(axis=1) for i in range(3)], axis=1)
    np.testing.assert_allclose(dist.probs, first, rtol=1e-12)
    np.testing.assert_allclose(dist.expected_ranks(), 1 + probs @ orders.argsort(1), rtol=1e-12)
    np.testing.assert_array_equal(dist.mode(), orders[probs.argmax(axis=1)])
    np.testing.assert_allclose(dist.entropy(), special.entr(probs).sum(axis=1), rtol=1e-10)
    draws = dist.rvs(4000, random_state=0)
    share = (draws[:, :, None] == orders).all(axis=-1).mean(axis=1)
    assert (np.abs(share - probs) < 4.5 * np.sqrt(probs / 4000) + 1e-9).all()
    assert dist.rvs(random_state=0).shape == (2, 3)
    again = pickle.loads(pickle.dumps(dist))[1:]
    np.testing.assert_array_equal(again.pairwise(), dist.pairwise()[1:])


def test_many_items_have_the_best_of_some_orders_and_no_entropy():
    scores = np.random.default_rng(0).normal(size=(4, 3, 9))
    params = {"weight": np.full((4, 3), 1 / 3), "scores": scores}
    dist = predictive(ensemble_of(PlackettLuce(), 3), params)
    best = dist.log_prob(dist.mode())
    for k in range(3):
        assert (best >= dist.log_prob((-scores[:, k]).argsort(axis=-1))).all()
    assert (best >= dist.log_prob(dist.expected_ranks().argsort(axis=-1))).all()
    with pytest.raises(NotImplementedError, match=r"too many for 9 \(at most 7\)"):
        dist.entropy()
