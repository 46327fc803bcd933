"""Angles: what differs on a circle from the families of numbers on a line."""

import mpmath as mp
import numpy as np
import pytest
import torch
from plain import marginal_raw
from scipy import integrate, optimize, special, stats

from sklnll._laws.von_mises import von_mises, wrap
from sklnll._network.head import Head
from sklnll._numerics.special import bessel_ratio, log_bessel_i0e
from sklnll.distributions import CircularDistribution, VonMises

CONCENTRATIONS = [1e-300, 1e-6, 0.3, 7.0, 29.99, 30.01, 49.0, 51.0, 1e3, 1e6, 1e8]


def log_prob(y, loc, concentration):
    values = (torch.tensor(value, dtype=torch.float64) for value in (y, loc, concentration))
    return VonMises().log_prob(*values).numpy()


def marginal_fit(y, weight=None, **fixed):
    family, weight = VonMises(**fixed), np.ones(len(y)) if weight is None else weight
    head = Head(family, 1, 1, {key: np.array([value]) for key, value in fixed.items()})
    raw, _ = marginal_raw(head, np.asarray(y)[:, None], weight)
    params = head.params(torch.tensor(raw)[None], torch.empty(0))
    return {name: value.item() for name, value in params.items()}


def exact_integral(integrand, low, high, concentration):
    """Quadrature in 30 digits, in pieces of the distribution's width about `low`."""
    width = mp.mpf(min(1.0, concentration**-0.5)) if concentration else mp.mpf(1)
    inner = [low + width * step for step in (1, 2, 3, 4, 6, 8, 12)]
    return mp.quad(integrand, [low, *(end for end in inner if end < high), high])


def exact_density(concentration):
    k = mp.mpf(concentration)
    norm = 2 * mp.pi * mp.besseli(0, k) * mp.exp(-k)
    return lambda t: mp.exp(-2 * k * mp.sin(t / 2) ** 2) / norm


# Special functions ------------------------------------------------------------------------------


@pytest.mark.parametrize("concentration", CONCENTRATIONS)
def test_bessel_functions_and_their_slopes_are_exact(concentration):
    k = torch.tensor(concentration, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(log_bessel_i0e(k), k)
    length, rest = bessel_ratio(k.detach())
    with mp.workdps(350):
        ratio = mp.besseli(1, concentration) / mp.besseli(0, concentration)
        expected = mp.log(mp.besseli(0, concentration)) - mp.mpf(concentration)
        # One digit less around 8, where torch changes its formula.
        assert log_bessel_i0e(k).item() == pytest.approx(float(expected), rel=1e-14, abs=1e-15)
        assert length.item() == pytest.approx(float(ratio), rel=1e-14)
        assert rest.item() == pytest.approx(float(1 - ratio), rel=1e-13)
        assert slope.item() == pytest.approx(float(ratio - 1), rel=1e-13)


# Density ----------------------------------------------------------------------------------------


def test_whole_turns_do_not_matter():
    y = np.linspace(-3, 3, 13)
    for turns in (-2, 1, 5):
        for moved in (
            log_prob(y + turns * 2 * np.pi, 0.7, 4.0),
            log_prob(y, 0.7 + turns * 2 * np.pi, 4.0),
        ):
            np.testing.assert_allclose(moved, log_prob(y, 0.7, 4.0), rtol=1e-13, atol=1e-13)


def test_without_concentration_it_is_uniform_and_with_much_nearly_normal():
    y = np.linspace(-3, 3, 7)
    np.testing.assert_allclose(log_prob(y, 0.3, 1e-300), -np.log(2 * np.pi), rtol=1e-15)
    np.testing.assert_allclose(log_prob(y, 0.3, 0.0), -np.log(2 * np.pi), rtol=1e-15)
    z = np.linspace(-5, 5, 11)
    normal = stats.norm.logpdf(z * 1e-4, scale=1e-4)
    np.testing.assert_allclose(log_prob(z * 1e-4, 0.0, 1e8), normal, rtol=1e-6)


@pytest.mark.parametrize("concentration", [0.0, *CONCENTRATIONS, 1e10, 1e15])
def test_density_is_finite_for_every_concentration(concentration):
    assert np.isfinite(log_prob([-1e300, -np.pi, 0.0, 1e-9, 3.0, 1e300], 0.5, concentration)).all()


@pytest.mark.parametrize("angle", [0.0, -np.pi, np.pi, 3.2, -3.2, 100.0, -1e9])
@pytest.mark.parametrize("center", [0.0, 3.0, -3.0])
def test_wrapped_angles_are_the_same_direction_near_the_center(angle, center):
    wrapped = wrap(np.array(angle), center)
    assert center - np.pi <= wrapped <= center + np.pi
    rounding = 1e-15 * (1 + abs(angle))
    assert np.exp(1j * wrapped) == pytest.approx(np.exp(1j * angle), abs=rounding)


def test_angles_that_need_no_wrapping_keep_all_digits():
    angle = np.array([-3.14, -1e-300, 0.0, 3.14, np.pi])
    np.testing.assert_array_equal(wrap(angle), angle)
    assert np.isnan(wrap(np.array([np.nan, np.inf, -np.inf]))).all()


# Distribution function --------------------------------------------------------------------------


@pytest.mark.parametrize("concentration", [0.0, *CONCENTRATIONS])
def test_distribution_function_is_exact_also_in_the_tails(concentration):
    width = min(1.0, concentration**-0.5) if concentration else 1.0
    law = von_mises(concentration)
    for z in (1e-3, 0.5, 1.0, 3.0, 7.0):
        x = z * width
        if x > np.pi:
            continue
        with mp.workdps(40):
            tail = exact_integral(exact_density(concentration), mp.mpf(x), mp.pi, concentration)
        assert law.sf(x) == pytest.approx(float(tail), rel=1e-12)
        assert law.cdf(-x) == pytest.approx(float(tail), rel=1e-12)
        assert law.cdf(x) == pytest.approx(1 - float(tail), rel=1e-14)


def test_distribution_function_is_scipys_where_that_is_right():
    y = np.linspace(-2, 2, 9)
    for concentration in (0.1, 1.0, 4.0):
        ours, scipys = von_mises(concentration, 0.5), stats.vonmises(concentration, 0.5)
        np.testing.assert_allclose(ours.cdf(y), scipys.cdf(y), rtol=1e-9)
        np.testing.assert_allclose(ours.entropy(), scipys.entropy(), rtol=1e-13)


@pytest.mark.parametrize("concentration", [0.0, *CONCENTRATIONS])
def test_quantiles_invert_the_distribution_function(concentration):
    law = von_mises(concentration, 0.0)
    levels = np.array([1e-12, 1e-3, 0.3, 0.5, 0.7, 0.999])
    # The cut has its rounding, where a uniform density has its farthest quantiles.
    np.testing.assert_allclose(law.cdf(law.ppf(levels)), levels, rtol=1e-11, atol=1e-15)
    np.testing.assert_array_equal(law.isf(levels), -law.ppf(levels))
    assert law.ppf(0.5) == 0
    np.testing.assert_array_equal(law.ppf([0, 1]), [-np.pi, np.pi])
    assert (np.diff(law.ppf(np.linspace(0, 1, 101))) > 0).all()


def test_median_is_the_mean_direction():
    """Rounding hides there on which side of one half the tail is."""
    law = VonMises().frozen(np.zeros(2000), np.geomspace(1e-3, 1e9, 2000))
    np.testing.assert_array_equal(law.ppf(0.5), 0)
    assert np.abs(law.ppf(np.nextafter(0.5, 0))).max() < 1e-13


def test_density_of_the_frozen_law_knows_every_turn():
    law = VonMises().frozen(np.array(3.0), np.array(2.0))
    y = np.linspace(-10, 10, 41)
    np.testing.assert_allclose(law.logpdf(y), stats.vonmises(2.0, 3.0).logpdf(y), rtol=1e-12)
    np.testing.assert_allclose(law.support(), [3 - np.pi, 3 + np.pi])
    assert VonMises().frozen(np.array(3.0 + 4 * np.pi), 2.0).median() == pytest.approx(3.0)


# Score ------------------------------------------------------------------------------------------


def crps_by_double_quadrature(away, concentration):
    """E d(X, y) - E d(X, X') / 2 by a sum over the circle, wrong by 1e-6 for the kinks of d."""
    n = 4000
    t = 2 * np.pi * (np.arange(n) + 0.5) / n - np.pi
    share = np.exp(log_prob(t, 0.0, concentration)) * 2 * np.pi / n
    distance = np.pi - np.abs(np.pi - np.abs(np.arange(n)) * 2 * np.pi / n)
    spread = np.fft.ifft(np.fft.fft(distance) * np.abs(np.fft.fft(share)) ** 2).real[0]
    to_y = np.abs(wrap(t - away))
    return share @ to_y - spread / 2


@pytest.mark.parametrize("concentration", [0.0, 0.3, 4.0, 30.0, 300.0])
@pytest.mark.parametrize("away", [0.0, 0.5, 2.0, np.pi])
def test_crps_is_its_definition(away, concentration):
    ours = VonMises().crps(np.array(away), np.array(0.0), np.array(concentration))
    assert ours == pytest.approx(crps_by_double_quadrature(away, concentration), abs=1e-5)


@pytest.mark.parametrize("concentration", [1e-300, 0.3, 1.0, 4.0, 30.0, 60.0])
@pytest.mark.parametrize("away", [0.0, 0.01, 0.5, 2.0, 3.1, np.pi])
def test_crps_is_its_fourier_series(away, concentration):
    # d has the cosines 4 / (pi n**2) for odd n; those of the density are ratios of Bessel's.
    n = np.arange(1, 400, 2)
    ratio = special.ive(n, concentration) / special.ive(0, concentration)
    series = np.pi / 4 - np.sum((4 * ratio * np.cos(n * away) - 2 * ratio**2) / n**2) / np.pi
    ours = VonMises().crps(np.array(away), np.array(0.0), np.array(concentration))
    assert ours == pytest.approx(series, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("concentration", [1e3, 1e5, 1e8])
@pytest.mark.parametrize("z", [0.0, 0.3, 2.0, 6.0])
def test_crps_keeps_its_digits_for_large_concentrations(z, concentration):
    away = z / np.sqrt(concentration)
    with mp.workdps(30):
        k, density = mp.mpf(concentration), exact_density(concentration)
        beyond = exact_integral(
            lambda t: (t - away) * density(t), mp.mpf(away), mp.pi, concentration
        )
        norm = 2 * mp.pi * (mp.besseli(0, k) * mp.exp(-k)) ** 2
        spread = exact_integral(
            lambda d: d * mp.besseli(0, 2 * k * mp.cos(d / 2)) * mp.exp(-2 * k) / norm,
            mp.mpf(0),
            mp.pi,
            concentration,
        )
        expected = float(away + 2 * beyond - spread)  # nothing lies opposite to y
    ours = VonMises().crps(np.array(away), np.array(0.0), np.array(concentration))
    assert ours == pytest.approx(expected, rel=1e-9)


def test_crps_of_draws_is_their_mean_distance():
    rng = np.random.default_rng(0)
    for concentration in (0.5, 5.0):
        x, other = rng.vonmises(1.0, concentration, (2, 200_000))
        to_y, spread = np.abs(wrap(x + 2.0)), np.abs(wrap(x - other)) / 2
        ours = VonMises().crps(np.array(-2.0), np.array(1.0), np.array(concentration))
        error = np.std(to_y - spread) / np.sqrt(len(x))
        assert abs(ours - np.mean(to_y - spread)) < 4 * error


# Fit without x ----------------------------------------------------------------------------------


@pytest.mark.parametrize("concentration", [0.2, 1.0, 3.0, 20.0, 1e4])
def test_fit_solves_fishers_equations(concentration):
    y = stats.vonmises(concentration, 2.0).rvs(200, random_state=np.random.RandomState(0))
    weight = np.random.default_rng(0).uniform(0, 2, 200)
    fit = marginal_fit(y, weight)
    mean = np.average(np.exp(1j * y), weights=weight)
    assert fit["loc"] == pytest.approx(np.angle(mean), rel=1e-6)
    k = fit["concentration"]
    assert special.i1e(k) / special.i0e(k) == pytest.approx(np.abs(mean), rel=1e-8)


def test_fit_with_a_known_direction_counts_the_mean_cosine_about_it():
    y = stats.vonmises(3.0, 2.0).rvs(100, random_state=np.random.RandomState(0))
    k = marginal_fit(y, loc=1.8)["concentration"]
    assert special.i1e(k) / special.i0e(k) == pytest.approx(np.cos(y - 1.8).mean(), rel=1e-8)


@pytest.mark.parametrize("length", [1e-3, 0.3, 0.52, 0.54, 0.7, 0.84, 0.86, 0.99, 1 - 1e-6])
def test_guess_is_near_the_maximum(length):
    # Two directions whose mean has this length.
    y = 1.0 + np.arccos(length) * np.array([-1.0, 1.0])
    guess = VonMises().guess(y, np.ones(2), 1)
    exact = optimize.brentq(
        lambda k: bessel_ratio(torch.tensor(k))[1].item() - (1 - length), 1e-9, 1e9
    )
    assert guess["loc"] == pytest.approx(1.0, rel=1e-9)
    assert guess["concentration"] == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize(
    "y",
    [
        np.full(30, 2.0),
        2 + 1e-4 * np.random.default_rng(0).normal(size=30),
        np.arange(30) * 2 * np.pi / 30,
        np.random.default_rng(1).uniform(-np.pi, np.pi, 30),
        np.tile([0.0, np.pi], 15),
        np.array([1.0]),
    ],
    ids=["equal", "spread 1e-4", "grid", "uniform", "opposite", "one"],
)
def test_start_is_stable_for_equal_and_for_uniform_angles(y):
    fit = marginal_fit(y)
    assert 0.1 * (1 - 1e-12) <= fit["concentration"] <= 1e10
    assert np.isfinite(log_prob(y, fit["loc"], fit["concentration"])).all()
    if np.ptp(y) < 1e-3:
        assert fit["loc"] == pytest.approx(y.mean(), abs=1e-9)
    if 0 < np.ptp(y) < 1e-3:
        assert fit["concentration"] == pytest.approx(1 / y.var(), rel=1e-6)


def test_mode_has_the_largest_density():
    turn = np.linspace(-np.pi, np.pi, 1001)
    for concentration in CONCENTRATIONS:
        mode = VonMises().mode(np.array(5.0), np.array(concentration))
        assert -np.pi < mode <= np.pi
        at_mode = log_prob(mode, 5.0, concentration)
        assert at_mode >= log_prob(turn, 5.0, concentration).max()


# The door ---------------------------------------------------------------------------------------


def test_degrees_are_suspected_once_and_the_way_out_is_named():
    family = VonMises()
    with pytest.warns(
        UserWarning, match=r"holds 359 \(row 1\).*Are these degrees.*np.deg2rad"
    ) as caught:
        family.check_target(np.array([10.0, 359.0, 180.0]))
    assert len(caught) == 1
    with pytest.warns(UserWarning, match=r"^y_val of VonMises.*\(row 0\)"):
        family.check_target(np.array([[1.0, -90.0]]), "y_val")
    family.check_target(np.array([-2 * np.pi, 0.0, 2 * np.pi]))


def test_the_base_of_angles_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        CircularDistribution()


@pytest.mark.parametrize(("loc", "concentration"), [(1.0, 0.3), (-2.5, 7.0), (9.0, 200.0)])
def test_mean_and_resultant_are_those_of_the_density(loc, concentration):
    def moment(function):
        return integrate.quad(
            lambda t: function(t) * np.exp(log_prob(t, loc, concentration)),
            loc - np.pi,
            loc + np.pi,
            points=[loc],
            epsabs=1e-12,
        )[0]

    mean = moment(np.cos) + 1j * moment(np.sin)
    params = {"loc": np.array(loc), "concentration": np.array(concentration)}
    assert VonMises().mean_direction(**params) == pytest.approx(np.angle(mean), rel=1e-9)
    length, rest = VonMises().resultant(**params)
    assert length == pytest.approx(np.abs(mean), rel=1e-9)
    assert rest == pytest.approx(1 - np.abs(mean), rel=1e-7)
