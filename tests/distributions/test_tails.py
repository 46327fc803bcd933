"""Tails and quantiles of every family, against the textbook in 34 digits, as far as they go."""

import json
import warnings

import mpmath as mp
import numpy as np
import pytest
from kinds import one_of_each_kind
from sklearn.exceptions import ConvergenceWarning

from sklnll import NLLRegressor
from sklnll.distributions import (
    Beta,
    Exponential,
    Gamma,
    Gumbel,
    Laplace,
    LogNormal,
    Mixture,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    Weibull,
    ZeroInflated,
    ensemble_of,
)
from sklnll.predictive import predictive

from .cases import CASES, FAMILIES, LINEAR, NUMBERS
from .reference_tails import FILE

STORED = json.loads(FILE.read_text())
RTOL = 1e-10
FAR = np.array([1e-300, 1e-256, 1e-100, 1e-40, 1e-17, 1e-9, 0.01])


def dist(family, **params):
    return predictive(family, {name: np.atleast_1d(float(v)) for name, v in params.items()})


def stored_rows(name):
    """Each row's predicted distribution, beside columns of the stored numbers."""
    for row in STORED[name]:
        params = {key: np.array([value]) for key, value in row["params"].items()}
        columns = {key: np.array(row[key], float) for key in ("q", "side", "y", "logcdf", "logsf")}
        yield predictive(FAMILIES[name], params), columns


def test_every_family_of_numbers_is_stored():
    assert set(STORED) == set(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
def test_logarithms_of_tails_are_exact_however_far_out(name):
    for row, expected in stored_rows(name):
        for method in ("logcdf", "logsf"):
            values = getattr(row, method)(expected["y"][:, None])[:, 0]
            np.testing.assert_allclose(values, expected[method], rtol=RTOL, err_msg=method)


@pytest.mark.parametrize("name", NUMBERS)
def test_tails_are_those_of_their_logarithms(name):
    for row, expected in stored_rows(name):
        for method in ("cdf", "sf"):
            values = getattr(row, method)(expected["y"][:, None])[:, 0]
            with np.errstate(under="ignore"):
                tails = np.exp(expected[f"log{method}"])
            np.testing.assert_allclose(values, tails, rtol=1e-9, atol=1e-290)


@pytest.mark.parametrize("name", NUMBERS)
def test_quantiles_are_exact_down_to_1e_minus_300(name):
    for row, expected in stored_rows(name):
        unit = row.params.get("scale", np.zeros(1)).min()
        for side, method in enumerate(("ppf", "isf")):
            asked = (expected["side"] == side) & ~np.isnan(expected["q"])
            values = getattr(row, method)(expected["q"][asked])[0]
            np.testing.assert_allclose(
                values, expected["y"][asked], rtol=RTOL, atol=1e-14 * unit, err_msg=method
            )


@pytest.mark.parametrize("kind", ["params", "extreme", "large"])
@pytest.mark.parametrize("name", one_of_each_kind(LINEAR))
def test_quantiles_fall_never_back(name, kind):
    row = predictive(FAMILIES[name], getattr(CASES[name], kind))
    levels = np.concatenate([FAR, [0.3, 0.5, 0.7, 0.99, 1 - 1e-9, 1 - 2.0**-53]])
    for values in (row.ppf(levels), -row.isf(levels)):
        assert not np.isnan(values).any()
        assert (values[:, 1:] >= values[:, :-1]).all()


@pytest.mark.parametrize("kind", ["params", "extreme", "large"])
@pytest.mark.parametrize("name", one_of_each_kind(LINEAR))
def test_answers_at_any_y_are_numbers(name, kind):
    row = predictive(FAMILIES[name], getattr(CASES[name], kind))
    y = np.array([0.0, 1e-300, 0.3, 1.0, 17.0, 1e9, 1e100, 1e154, 1e253])
    if FAMILIES[name].support.low < 0:
        y = np.concatenate([-y, y])
    y = row.grid(y)
    for method in ("cdf", "sf"):
        values = getattr(row, method)(y)
        assert ((values >= 0) & (values <= 1)).all()
        log_values = getattr(row, f"log{method}")(y)
        assert (log_values <= 0).all()
        assert np.isfinite(log_values[values > 0]).all()


@pytest.mark.parametrize("kind", ["params", "large"])
@pytest.mark.parametrize("name", LINEAR)
def test_far_out_the_score_is_the_distance(name, kind):
    params = getattr(CASES[name], kind)
    row = predictive(FAMILIES[name], params)
    y = np.array([1e154, 1e253, 1e300])[:, None]
    score = row.crps(row.grid(y[:, 0]))
    heavy = params.get("df", np.full(len(row), 2.0)) < 1
    np.testing.assert_allclose(score[:, ~heavy], (y + 0 * score)[:, ~heavy], rtol=1e-12)
    assert not np.isnan(score).any()


# Of one family each ------------------------------------------------------------------------------


@mp.workdps(400)
def test_the_score_of_a_wide_law_is_finite():
    for sigma, y in ((40.0, 1.0), (12.0, 1e9), (9.0, 3.0), (50.0, 1e250)):
        s, z = mp.mpf(sigma), mp.log(y) / sigma
        share = mp.ncdf(z - s) - mp.ncdf(-s / mp.sqrt(2))
        expected = float(y * (2 * mp.ncdf(z) - 1) - 2 * mp.exp(s**2 / 2) * share)
        score = dist(LogNormal(), sigma=sigma, scale=1).crps(y)
        np.testing.assert_allclose(score, expected, rtol=1e-10)


def test_tails_of_an_average_are_those_of_its_members():
    members = {"loc": np.array([[0.0, 1.0]]), "scale": np.array([[1.0, 2.0]])}
    row = predictive(ensemble_of(Laplace(), 2), {"weight": np.full((1, 2), 0.5), **members})
    # All that is left of the average far out is its wider member.
    np.testing.assert_allclose(row.logcdf(-5e3), np.log(0.25) - 2500.5, rtol=1e-13)
    np.testing.assert_allclose(row.logsf(5e3), np.log(0.25) - 2499.5, rtol=1e-13)


@pytest.mark.parametrize("weights", [[0.1] * 10, [1 / 3] * 3, [0.7, 0.2, 0.1]])
def test_no_probability_of_an_average_is_above_1(weights):
    n = len(weights)
    members = {"loc": np.arange(n) / 7, "scale": np.ones(n)}
    weight = np.array(weights) * (1 + 2e-16)
    params = {name: np.array([value]) for name, value in {"weight": weight, **members}.items()}
    row = predictive(ensemble_of(Normal(), n), params)
    for method in ("cdf", "sf", "pit"):
        values = getattr(row, method)(np.linspace(-50, 50, 1001)[:, None])
        assert (values.min() >= 0) & (values.max() <= 1)


@mp.workdps(650)
@pytest.mark.parametrize(
    ("low", "high"), [(-100.0, np.inf), (0.0, np.inf), (-np.inf, 40.0), (37.5, np.inf), (-1, 2)]
)
def test_tails_of_what_is_truncated_are_exact(low, high):
    row = dist(Truncated(Normal(), low, high), low=low, high=high, loc=0, scale=1)

    def below(y):
        return mp.mpf(y > 0) if np.isinf(y) else mp.ncdf(mp.mpf(float(y)))

    seen = below(high) - below(low)
    for q in (1e-300, 1e-40, 1e-12, 1e-3, 0.5):
        for y in (row.ppf(q)[0], row.isf(q)[0]):
            if low < y < high:
                shares = below(y) - below(low), below(high) - below(y)
                expected = [float(mp.log(share / seen)) for share in shares]
                np.testing.assert_allclose(row.logcdf(y), expected[0], rtol=1e-9)
                np.testing.assert_allclose(row.logsf(y), expected[1], rtol=1e-9)
    if low in (0, -100):
        for q in (1e-300, 1e-100, 1e-20, 1e-7):
            np.testing.assert_allclose(row.logcdf(row.ppf(q)), np.log(q), rtol=1e-12)


@pytest.mark.parametrize("name", ["gamma", "student_t", "beta", "poisson", "negative_binomial"])
def test_a_lone_law_answers_many_levels(name):
    params = {key: value[:1, None] for key, value in CASES[name].params.items()}
    law, levels = FAMILIES[name].frozen(**params), np.concatenate([[0.0, np.nan], FAR, [1.0]])
    for method in ("ppf", "isf"):
        quantiles = getattr(law, method)
        alone = [quantiles(level).item() for level in levels]
        np.testing.assert_array_equal(quantiles(levels)[0], alone)
    y = np.array([np.nan, -np.inf, 0.0, 0.5, 3.0, 1e9, np.inf])
    for method in ("logcdf", "logsf"):
        tails = getattr(law, method)
        np.testing.assert_array_equal(tails(y)[0], [tails(v).item() for v in y])


def test_without_inflation_the_tails_are_the_bases():
    plain = dist(Gamma(), shape=80, scale=1)
    inflated = dist(ZeroInflated(Gamma()), inflation=0, shape=80, scale=1)
    for y in (1e-9, 1e-3, 5e3):
        np.testing.assert_allclose(inflated.logcdf(y), plain.logcdf(y), rtol=1e-14)
        np.testing.assert_allclose(inflated.logsf(y), plain.logsf(y), rtol=1e-14)


def test_large_counts_are_drawn_as_they_are():
    draws = dist(Poisson(), rate=1e20).rvs(1000, random_state=0)
    assert np.abs(draws.mean() / 1e20 - 1) < 1e-10
    assert 0.9e10 < draws.std() < 1.1e10
    assert dist(Poisson(), rate=3).rvs(5, random_state=0).dtype == np.int64


@pytest.mark.parametrize("family", [Poisson(), NegativeBinomial()])
def test_upper_quantiles_of_counts_are_numbers_however_rare(family):
    params = {"rate": 2.8} if isinstance(family, Poisson) else {"mean": 2.8, "dispersion": 0.7}
    row = dist(family, **params)
    k = row.isf(FAR)[0]
    assert (row.sf(k[:, None])[:, 0] <= FAR).all()
    assert (row.sf(k[:, None] - 1)[:, 0] > FAR).all()


@pytest.mark.parametrize("df", [0.7, 2.5, 4.2, 30.0])
def test_the_far_quantiles_of_t_have_the_right_sign(df):
    row = dist(StudentT(), df=df, loc=0, scale=1)
    assert (row.ppf(FAR) < 0).all()
    np.testing.assert_array_equal(row.isf(FAR), -row.ppf(FAR))


def test_a_beta_has_upper_quantiles():
    row = dist(Beta(), mean=0.01, precision=1e5)
    np.testing.assert_allclose(row.logsf(row.isf(FAR).T)[:, 0], np.log(FAR), rtol=RTOL)


def test_a_gumbels_log_density_ends_far_below():
    assert dist(Gumbel(), loc=0, scale=1).log_prob(-1e300) == -np.inf


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("y", [1e-300, 3.7, 1e300])
def test_equal_durations_can_be_fitted(y, solver):
    X = np.random.RandomState(0).randn(60, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        net = NLLRegressor(Weibull(), solver=solver, max_iter=5, random_state=0).fit(X, 60 * [y])
    np.testing.assert_allclose(net.predict(X), y, rtol=0.01)


@pytest.mark.parametrize("shape", [1.9e-9, 1e-3, 0.5, 3.0])
@pytest.mark.parametrize("scale", [1e-20, 4.4e23, 1e300])
def test_gamma_tails_do_not_hang_on_a_ratio_that_underflows(shape, scale):
    law, y = Gamma().frozen(np.array(shape), np.array(scale)), 1e-300
    with mp.workdps(40):
        log_z = mp.log(mp.mpf(y)) - mp.log(mp.mpf(scale))
        log_below = shape * log_z - mp.loggamma(mp.mpf(shape) + 1)  # the series' first term
        above = -mp.expm1(log_below)
        assert law.logcdf(y) == pytest.approx(float(log_below), rel=1e-12)
        assert law.logsf(y) == pytest.approx(float(mp.log(above)), rel=1e-10)
        assert law.sf(y) == pytest.approx(float(above), rel=1e-10)
        assert law.cdf(y) == pytest.approx(float(mp.exp(log_below)), rel=1e-12)
    if 1e-6 < law.cdf(y) < 1 - 1e-6:
        assert law.ppf(law.cdf(y)) == pytest.approx(y, rel=1e-6)


@pytest.mark.parametrize("precision", [1e3, 25466.05, 1e6])
@pytest.mark.parametrize("b", [0.017, 0.1, 0.3])
def test_quantiles_of_beta_laws_with_a_flat_top_are_where_their_probability_is(precision, b):
    mean = 1 - b / precision
    law, level = Beta().frozen(np.array(mean), np.array(precision)), 0.05
    rest = 1 - law.ppf(level)
    with mp.workdps(40):
        a, b = mp.mpf(mean) * precision, (1 - mp.mpf(mean)) * precision
        near = [
            1 - mp.betainc(b, a, 0, mp.mpf(rest) + k * 2.0**-53, regularized=True) for k in (-1, 1)
        ]
    assert near[1] <= level * (1 + 1e-9)
    assert level * (1 - 1e-9) <= near[0]


@pytest.mark.parametrize(("mean", "precision"), [(2.2e-308, 7e-88), (1e-9, 1e-95), (0.3, 1e-200)])
def test_moments_of_a_beta_law_are_what_its_parameters_say(mean, precision):
    law = Beta().frozen(np.array(mean), np.array(precision))
    variance = mp.mpf(mean) * (1 - mp.mpf(mean)) / (1 + mp.mpf(precision))
    assert law.mean() == mean
    assert law.var() == pytest.approx(float(variance), rel=1e-14)
    assert law.std() == pytest.approx(float(mp.sqrt(variance)), rel=1e-14)


@pytest.mark.parametrize("power", [-300, -100, 0, 100])
def test_quantiles_of_mixtures_whose_members_lie_far_apart(power):
    scale = np.array([[10.0**power, 1e250]])
    law = Mixture(Exponential(), 2).frozen(logits=np.zeros((1, 2)), scale=scale)
    # Where the wider member's share of the probability below is rounding.
    found = law.ppf(np.array([0.2]))
    assert found == pytest.approx(-np.log1p(-0.4) * 10.0**power, rel=1e-12)
