from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats

from sklnll._numerics.crps import crps_by_quadrature
from sklnll.distributions import (
    DISTRIBUTIONS,
    Bernoulli,
    Beta,
    Categorical,
    Distribution,
    Normal,
    Poisson,
    StudentT,
)
from sklnll.distributions._supports import REAL
from sklnll.distributions.links import positive
from sklnll.predictive import predictive

from .cases import (
    ANGLES,
    CASES,
    CONTINUOUS,
    DISCRETE,
    LABELS,
    LINEAR,
    NUMBERS,
    PURE,
    stacked,
    tensors,
    with_axis,
)


def by_row(params):
    for row in zip(*params.values(), strict=True):
        yield dict(zip(params, row, strict=True))


def whole_numbers(poisson):
    """All counts that have a mass, and some more."""
    return np.arange(np.ceil(poisson.mean() + 40 * poisson.std()) + 40)


def integrate_between(integrand, frozen, *ends):
    """Integral from the first end to the last, in units of the distribution's width."""
    low = frozen.support()[0]
    # A density may be infinite at the low end: y is exact there.
    center = low if np.isfinite(low) else frozen.median()
    law = getattr(frozen, "law", frozen)  # without the atoms
    width = law.ppf(0.75) - law.ppf(0.25)
    inner = [v for v in law.ppf([1e-3, 0.1, 0.5, 0.9, 0.999]) if ends[0] < v < ends[-1]]
    t = (np.sort([*ends, *inner]) - center) / width
    with np.errstate(all="ignore"):
        return width * sum(
            integrate.quad(
                lambda t: integrand(center + width * t), *piece, epsabs=0, epsrel=1e-10, limit=200
            )[0]
            for piece in pairwise(t)
            if piece[0] < piece[1]
        )


def expectation(name, params, function, log_prob):
    """Integral (or sum) of function(y, log_density) under our own density, for one row."""
    family, frozen = DISTRIBUTIONS[name](), CASES[name].scipy(**params)

    def integrand(y):
        log_density = log_prob(y)
        density = np.exp(log_density)
        with np.errstate(invalid="ignore"):
            return np.where(density > 0, density * function(y, log_density), 0.0)

    if name in DISCRETE:
        return integrand(whole_numbers(frozen)).sum()
    at_atoms = sum(map(integrand, family.support.atoms))
    return at_atoms + integrate_between(integrand, frozen, *frozen.support())


def own_log_prob(name, params):
    family, inputs = DISTRIBUTIONS[name](), tensors(params)
    return lambda y: family.log_prob(torch.tensor(y), **inputs).numpy()


def moments_of_density(name, params):
    log_prob = own_log_prob(name, params)
    if name not in DISCRETE:
        log_prob = cache(log_prob)  # four integrals meet at the same nodes
    total = expectation(name, params, lambda y, log_density: 1.0, log_prob)
    mean = expectation(name, params, lambda y, log_density: y, log_prob)
    var = expectation(name, params, lambda y, log_density: (y - mean) ** 2, log_prob)
    entropy = expectation(name, params, lambda y, log_density: -log_density, log_prob)
    return total, mean, var, entropy


@pytest.mark.parametrize("name", CONTINUOUS + DISCRETE)
def test_frozen_has_the_density_of_log_prob(name):
    family, (y, params) = DISTRIBUTIONS[name](), CASES[name].pairs(CASES[name].params, far=False)
    frozen = family.frozen(**params)
    log_density = frozen.logpmf(y) if family.support.discrete else frozen.logpdf(y)
    ours = family.log_prob(torch.tensor(y), **tensors(params)).numpy()
    np.testing.assert_allclose(log_density, ours, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["params", "large"])
@pytest.mark.parametrize("name", LINEAR)
def test_moments_are_those_of_the_density(name, kind):
    params = getattr(CASES[name], kind)
    dist = predictive(DISTRIBUTIONS[name](), params)
    for row, params_ in zip(dist, by_row(params), strict=True):
        if not np.isfinite(CASES[name].scipy(**params_).var()):
            continue
        total, mean, var, entropy = moments_of_density(name, params_)
        assert total == pytest.approx(1, rel=1e-8)
        assert row.mean() == pytest.approx(mean, rel=1e-8, abs=1e-8 * max(1, np.sqrt(var)))
        assert row.var() == pytest.approx(var, rel=1e-7)
        assert row.std() == pytest.approx(np.sqrt(var), rel=1e-7)
        assert row.entropy() == pytest.approx(entropy, rel=1e-7)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_cdf_is_the_integral_of_the_density(name):
    family = DISTRIBUTIONS[name]()
    for row in by_row(CASES[name].params):
        frozen = family.frozen(**row)
        low, high = frozen.ppf([0.05, 0.8])
        inputs = tensors(row)

        def density(y, inputs=inputs):
            return family.log_prob(torch.tensor(y), **inputs).exp().item()

        between = integrate_between(density, frozen, low, high)
        assert between == pytest.approx(0.75, rel=1e-9)
        assert frozen.cdf(high) - frozen.cdf(low) == pytest.approx(0.75, rel=1e-9)


@pytest.mark.parametrize("name", PURE)
def test_mode_has_the_largest_density(name):
    case = CASES[name]
    family, params = DISTRIBUTIONS[name](), stacked(case.params, case.large)
    frozen = case.scipy(**with_axis(params))
    density = frozen.logpmf if name in DISCRETE else frozen.logpdf
    mode = family.mode(**params)[:, None]
    everywhere = frozen.ppf(np.linspace(0, 1, 4001)[1:-1])
    assert mode.shape == (len(everywhere), 1)
    # Both sides are rounded: at the mode of large shapes the density is flat.
    assert (density(mode) >= density(everywhere).max(axis=1, keepdims=True) - 1e-9).all()


@pytest.mark.parametrize(
    ("a", "b"), [(0.5, 0.8), (0.8, 0.5), (0.5, 0.5), (1, 2), (2, 1), (0.5, 2), (2, 0.5), (2, 2)]
)
def test_mode_of_beta_is_an_end_where_the_density_is_largest_there(a, b):
    mode = Beta().mode(mean=np.array([a / (a + b)]), precision=np.array([float(a + b)]))
    beta = stats.beta(a, b)
    inside = beta.pdf(np.linspace(0.001, 0.999, 999)).max()
    assert beta.pdf(mode) >= inside
    mirrored = Beta().mode(mean=np.array([b / (a + b)]), precision=np.array([float(a + b)]))
    if a != b:
        assert mirrored == pytest.approx(1 - mode)


# Continuous ranked probability score ------------------------------------------------------------


def crps_of_cdf(name, y, params):
    """Its definition: the integral (or sum) of (F(x) - 1{y <= x})**2."""
    frozen = CASES[name].scipy(**params)
    if name in DISCRETE:
        x = whole_numbers(frozen)
        # F is constant between whole numbers; y cuts one of these steps in two.
        before = np.clip(y - x, 0, 1)
        return (before * frozen.cdf(x) ** 2 + (1 - before) * frozen.sf(x) ** 2).sum()
    low, high = frozen.support()
    below = integrate_between(lambda x: frozen.cdf(x) ** 2, frozen, low, y)
    return below + integrate_between(lambda x: frozen.sf(x) ** 2, frozen, y, high)


@pytest.mark.parametrize("name", LINEAR)
def test_crps_is_the_integral_of_its_definition(name):
    y, params = CASES[name].pairs(CASES[name].params, far=False)
    expected = [crps_of_cdf(name, *row) for row in zip(y, by_row(params), strict=True)]
    np.testing.assert_allclose(DISTRIBUTIONS[name]().crps(y, **params), expected, rtol=1e-9)


@pytest.mark.parametrize("name", LINEAR)
def test_crps_keeps_its_digits_for_large_shapes(name):
    y, params = CASES[name].pairs(CASES[name].large, far=False)
    expected = [crps_of_cdf(name, *row) for row in zip(y, by_row(params), strict=True)]
    # The functions of the closed forms lose as many digits as a shape of 1e6 has, one more in
    # early versions of scipy.
    np.testing.assert_allclose(DISTRIBUTIONS[name]().crps(y, **params), expected, rtol=1e-7)


@pytest.mark.parametrize("name", DISCRETE)
def test_crps_of_counts_holds_between_the_whole_numbers(name):
    y, params = CASES[name].pairs(CASES[name].params, far=False)
    expected = [crps_of_cdf(name, *row) for row in zip(y + 0.3, by_row(params), strict=True)]
    np.testing.assert_allclose(DISTRIBUTIONS[name]().crps(y + 0.3, **params), expected, rtol=1e-9)


@pytest.mark.parametrize("rate", [1e8, 1e10, 1e15, 1e100])
def test_crps_of_many_counts_is_the_normal_limit(rate):
    score = Poisson().crps(np.array([rate]), np.array([rate]))
    normal = Normal().crps(np.array([rate]), np.array([rate]), np.sqrt([rate]))
    np.testing.assert_allclose(score, normal, rtol=1e-4)


@pytest.mark.parametrize("df", [0.6, 0.8, 1.0, 1.0001, 1.0099, 1.0101, 1.05])
def test_crps_of_student_t_near_and_below_one_degree_of_freedom(df):
    y = np.array([-50.0, -1.0, 0.0, 2.0])
    params = {"df": df, "loc": 0.5, "scale": 2.0}
    expected = [crps_of_cdf("student_t", v, params) for v in y]
    ours = StudentT().crps(y, **{key: np.array(value) for key, value in params.items()})
    # The quadrature of the definition has tails that fall as slowly as x**(-2 * df).
    np.testing.assert_allclose(ours, expected, rtol=1e-6)


@pytest.mark.parametrize("df", [0.1, 0.4, 0.5])
def test_crps_is_infinite_where_tails_are_too_heavy(df):
    # The integral of F(x)**2, that is of abs(x)**(-2 * df), diverges.
    score = StudentT().crps(np.array([0.3]), np.array([df]), np.array([0.0]), np.array([1.0]))
    assert score == np.inf


def test_crps_by_quadrature_where_one_side_has_no_probability():
    """Beyond all floats that a tail can tell, the score is the distance from the mean."""
    for law in (stats.norm(), stats.rayleigh(), stats.logistic()):
        y = np.array([-1e3, 1e3])
        half_spread = crps_by_quadrature(law, law.mean()) - law.expect(
            lambda x, law=law: abs(x - law.mean())
        )
        expected = np.abs(y - law.mean()) + half_spread
        np.testing.assert_allclose(crps_by_quadrature(law, y), expected, rtol=1e-9)


def test_crps_by_quadrature_is_the_closed_forms():
    # Without laplace and mixtures, whose quantile functions have a kink or leap over gaps.
    for name in set(CONTINUOUS) - {"laplace", "normal_mixture", *ANGLES}:
        y, params = CASES[name].pairs(CASES[name].params, far=False)
        generic = crps_by_quadrature(CASES[name].scipy(**params), y)
        np.testing.assert_allclose(generic, DISTRIBUTIONS[name]().crps(y, **params), rtol=1e-11)


@pytest.mark.parametrize("name", NUMBERS)
def test_crps_beyond_the_support_grows_with_the_distance(name):
    family, params = DISTRIBUTIONS[name](), CASES[name].params
    low, high = CASES[name].scipy(**params).support()
    for end, away in [(low, -1.0), (high, 1.0)]:
        if np.isfinite(end).all():
            near, far = (family.crps(end + away * step, **params) for step in (1.0, 3.5))
            np.testing.assert_allclose(far - near, 2.5, rtol=1e-11)


# Labels -----------------------------------------------------------------------------------------


def test_log_proba_of_bernoulli_is_scipys_logistic():
    logits = np.array([-800.0, -1.0, 0.0, 30.0, 1e4])
    log_proba = Bernoulli().log_proba(logits)
    np.testing.assert_allclose(log_proba[:, 1], stats.logistic.logcdf(logits), rtol=1e-13)
    np.testing.assert_allclose(log_proba[:, 0], stats.logistic.logsf(logits), rtol=1e-13)
    assert np.isfinite(log_proba).all()
    np.testing.assert_array_equal(Bernoulli().mode(logits), log_proba.argmax(axis=1))


def test_frozen_bernoulli_is_scipys():
    logits = CASES["bernoulli"].params["logits"]
    np.testing.assert_allclose(Bernoulli().frozen(logits).mean(), special.expit(logits))


def test_log_proba_of_categorical_is_scipys_softmax():
    case = CASES["categorical"]
    logits = np.concatenate([case.params["logits"], case.extreme["logits"]])
    log_proba = Categorical().log_proba(logits)
    np.testing.assert_allclose(np.exp(log_proba), special.softmax(logits, axis=1), rtol=1e-12)
    assert np.isfinite(log_proba).all()
    np.testing.assert_array_equal(Categorical().mode(logits), logits.argmax(axis=1))


@pytest.mark.parametrize("name", LABELS)
def test_log_proba_is_log_prob_of_every_label(name):
    case, family = CASES[name], DISTRIBUTIONS[name]()
    y, params = case.pairs(case.params)
    labels = family.log_proba(**params)[np.arange(len(y)), y.astype(int)]
    ours = family.log_prob(torch.tensor(y), **tensors(params)).numpy()
    np.testing.assert_allclose(labels, ours, rtol=1e-12)


# What a family need not have --------------------------------------------------------------------


class WithScipy(Distribution):
    """A family that has no closed form of its CRPS."""

    support = REAL
    parameters = {"scale": positive}  # noqa: RUF012

    def __init__(self, scale=None):
        self.scale = scale

    def log_prob(self, y, scale):
        return Normal().log_prob(y, torch.zeros_like(scale), scale)

    def frozen(self, scale):
        return stats.norm(0, scale)


def test_crps_of_a_family_without_closed_form_is_by_quadrature():
    y, scale = np.array([-1.0, 0.3, 9.0]), np.array([1.0, 2.0, 0.5])
    expected = DISTRIBUTIONS["normal"]().crps(y, np.zeros(3), scale)
    np.testing.assert_allclose(WithScipy().crps(y, scale), expected, rtol=1e-11)
