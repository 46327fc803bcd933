"""Far from zero, in any units, at poles and in heavy tails, numerical laws are right or warn."""

import numpy as np
import pytest
import torch
import torch.distributions as td
from scipy import special, stats
from torch.distributions import constraints

from sklnll import NLLRegressor, NumericalWarning
from sklnll.distributions import (
    COUNTS,
    POSITIVE,
    REAL,
    UNIT_INTERVAL,
    Beta,
    Distribution,
    FromTorch,
    Gamma,
    Mixture,
    NegativeBinomial,
    Normal,
    Poisson,
    Truncated,
)
from sklnll.distributions.ensemble import ensemble_of
from sklnll.distributions.links import identity, log, positive
from sklnll.predictive import predictive

from .test_numerical import HyperbolicSecant

LEVELS = np.array([1e-6, 0.01, 0.3, 0.5, 0.9])
OFFSETS = np.array([0.0, 1.0, -1e7, 1e8, 1e10])
EXTREME = [1e-300, 1e-150, 1e45, 1e300]


def on_grid(**axes):
    values = np.meshgrid(*(np.array(axis, float) for axis in axes.values()), indexing="ij")
    return {name: value.ravel() for name, value in zip(axes, values, strict=True)}


# Places and units ---------------------------------------------------------------------------------

PLACES = {
    "normal": (FromTorch(td.Normal), stats.norm),
    "normal, in units": (FromTorch(td.Normal, location_scale=True), stats.norm),
    "laplace": (FromTorch(td.Laplace), stats.laplace),
    "own": (HyperbolicSecant(), lambda: stats.hypsecant(0, 2 / np.pi)),
}


@pytest.mark.parametrize("name", PLACES)
def test_answers_move_with_y(name):
    family, standard = PLACES[name]
    law = standard()
    dist = predictive(family, {"loc": OFFSETS, "scale": np.ones(5)})
    quantiles = dist.ppf(LEVELS) - OFFSETS[:, None]
    np.testing.assert_allclose(quantiles, np.tile(law.ppf(LEVELS), (5, 1)), atol=4e-6, rtol=1e-8)
    np.testing.assert_allclose(dist.mean() - OFFSETS, law.mean(), atol=1e-6)
    np.testing.assert_allclose(dist.std(), law.std(), rtol=1e-6)
    np.testing.assert_allclose(dist.entropy(), law.entropy(), atol=1e-6)
    at_zero = predictive(family, {"loc": np.zeros(5), "scale": np.ones(5)})
    np.testing.assert_allclose(dist.crps(OFFSETS + 1), at_zero.crps(np.ones(5)), rtol=1e-6)


def test_crps_far_from_zero_is_the_normals():
    expected = Normal().crps(np.array([1.0]), loc=np.array([0.0]), scale=np.array([1.0]))
    dist = predictive(FromTorch(td.Normal), {"loc": OFFSETS, "scale": np.ones(5)})
    np.testing.assert_allclose(dist.crps(OFFSETS + 1), np.tile(expected, 5), rtol=1e-6)


@pytest.mark.parametrize(
    "family",
    [FromTorch(td.Laplace), FromTorch(td.Normal, location_scale=True), HyperbolicSecant()],
    ids=repr,
)
def test_answers_change_with_the_units(family):
    scale = np.array([1.0, *EXTREME])
    dist = predictive(family, {"loc": 0.3 * scale, "scale": scale})
    for answer in (dist.mean(), dist.std(), dist.crps(scale), *dist.interval(0.9).T):
        np.testing.assert_allclose(answer / scale, np.full(5, answer[0]), rtol=1e-9)
    np.testing.assert_allclose(dist.entropy() - np.log(scale), dist.entropy()[0], atol=1e-9)
    low, high = dist.interval(0.9).T
    assert (low < high).all()


def test_averages_of_members_move_with_y():
    family = FromTorch(td.Laplace)
    loc, scale, weight = np.array([-0.5, 0.2, 1.0]), np.array([1.0, 0.5, 2.0]), [0.2, 0.3, 0.5]

    def average(offset, unit):
        params = {"weight": [weight], "loc": [offset + unit * loc], "scale": [unit * scale]}
        params = {key: np.array(value) for key, value in params.items()}
        return predictive(ensemble_of(family, 3), params)

    def answers(offset, unit):
        dist = average(offset, unit)
        places = [dist.mean()[0], *dist.interval(0.9)[0]]
        return np.array(
            [
                *((place - offset) / unit for place in places),
                dist.crps(offset + unit)[0] / unit,
                dist.entropy()[0] - np.log(unit),
            ]
        )

    for offset, unit in [(1e10, 1.0), (0.0, 1e-100)]:
        np.testing.assert_allclose(answers(offset, unit), answers(0.0, 1.0), atol=2e-6)


def test_quantiles_of_mixtures_change_with_the_units():
    unit = np.array([1.0, 1e-290, 1e-303, 1e300])[:, None]
    params = {"logits": [-0.7, 0.4, 0.3], "loc": [-1.1, 0.2, 1.7], "scale": [0.01, 0.08, 0.12]}
    params = {key: np.array(value) * np.ones((4, 1)) for key, value in params.items()}
    params |= {"loc": params["loc"] * unit, "scale": params["scale"] * unit}
    quantiles = predictive(Mixture(Normal(), 3), params).ppf([0.05, 0.5, 0.95]) / unit
    np.testing.assert_allclose(quantiles, np.tile(quantiles[0], (4, 1)), rtol=1e-9)


def test_what_floats_do_not_resolve_is_nan_with_a_warning():
    params = {"loc": np.array([0.0, 1e17]), "scale": np.ones(2)}
    dist = predictive(FromTorch(td.Laplace), params)
    for answer in (dist.mean, dist.std, dist.entropy, lambda: dist.ppf(0.3), lambda: dist.crps(0)):
        with pytest.warns(NumericalWarning, match=r"total .* instead of 1 .*1 of 2 rows"):
            values = answer()
        np.testing.assert_array_equal(np.isnan(values), [False, True])
    # Torch squares the scale.
    dist = predictive(FromTorch(td.Normal), {"loc": np.zeros(1), "scale": np.array([1e-200])})
    with pytest.warns(NumericalWarning, match="has the total 0 instead of 1"):
        assert np.isnan(dist.mean()).all()


@pytest.mark.parametrize("offset", [0.0, 1e8, 1e10])
@pytest.mark.parametrize("loc", [-8.0, -1.0, 0.0, 3.0])
def test_truncated_moves_with_y(offset, loc):
    expected = stats.truncnorm(-loc, np.inf, loc=loc)
    params = {"loc": offset + loc, "scale": 1.0, "low": offset, "high": np.inf}
    family = Truncated(Normal(), low=offset)
    dist = predictive(family, {key: np.array([value]) for key, value in params.items()})
    atol = 1e-6 * max(1.0, offset / 1e10 / 0.4)
    np.testing.assert_allclose(dist.mean() - offset, expected.mean(), atol=atol)
    np.testing.assert_allclose(dist.std(), expected.std(), rtol=1e-6)


def test_truncated_asks_for_few_densities(monkeypatch):
    asked = []
    log_prob = Normal.log_prob

    def counted(self, y, *args, **params):
        asked.append(y.numel())
        return log_prob(self, y, *args, **params)

    monkeypatch.setattr(Normal, "log_prob", counted)
    n, low = 50, np.zeros(50)
    params = {"loc": np.linspace(-5e3, -1e3, n), "scale": np.full(n, 30.0)}
    dist = predictive(Truncated(Normal(), low=0), {**params, "low": low, "high": low + np.inf})
    mean = dist.mean()
    assert sum(asked) < 10_000 * n
    # Far out the tail is an exponential one, by the series of Mills's ratio.
    z = -params["loc"] / 30.0
    mills = special.erfcx(z / np.sqrt(2)) * np.sqrt(np.pi / 2)
    np.testing.assert_allclose(mean, 30.0 * (1 / mills - z), rtol=1e-9)


# Shapes -------------------------------------------------------------------------------------------

SHAPES = [0.01, 0.05, 0.3, 1.0, 3.0, 50.0, 1e4]
SWEPT = {
    "gamma": (
        td.Gamma,
        on_grid(concentration=SHAPES, rate=[1e-30, 1e30]),
        lambda concentration, rate: stats.gamma(concentration, scale=1 / rate),
    ),
    "inverse_gamma": (
        td.InverseGamma,
        on_grid(concentration=SHAPES[2:], rate=[1e-30, 1e30]),
        lambda concentration, rate: stats.invgamma(concentration, scale=rate),
    ),
    "weibull": (
        td.Weibull,
        on_grid(scale=[1e-30, 1e30], concentration=[0.05, 0.1, 1.0, 100.0, 1e4]),
        lambda scale, concentration: stats.weibull_min(concentration, scale=scale),
    ),
    "log_normal": (
        td.LogNormal,
        on_grid(loc=[0.0, 100.0, -100.0], scale=[0.01, 1.0, 5.0, 20.0]),
        lambda loc, scale: stats.lognorm(scale, scale=np.exp(loc)),
    ),
    "student_t": (
        td.StudentT,
        on_grid(df=[1.5, 2.0, 3.0, 1e6], loc=[0.0, 1e6], scale=[1.0, 1e6]),
        lambda df, loc, scale: stats.t(df, loc, scale),
    ),
    "fisher_snedecor": (
        td.FisherSnedecor,
        on_grid(df1=[0.1, 1.0, 100.0], df2=[0.1, 2.0, 5.0, 100.0]),
        lambda df1, df2: stats.f(df1, df2),
    ),
    "beta": (
        td.Beta,
        on_grid(concentration1=[0.01, 0.1, 1.0, 5.0, 1e3], concentration0=[0.1, 1.0, 5.0, 1e3]),
        lambda concentration1, concentration0: stats.beta(concentration1, concentration0),
    ),
    "pareto": (
        td.Pareto,
        on_grid(scale=[1e-30, 1e30], alpha=[0.1, 0.5, 1.0, 2.0, 3.0, 100.0]),
        lambda scale, alpha: stats.pareto(alpha, scale=scale),
    ),
    "half_cauchy": (
        td.HalfCauchy,
        {"scale": np.array([1e-30, 1.0])},
        lambda scale: stats.halfcauchy(0, scale),
    ),
}


@pytest.mark.parametrize("name", SWEPT)
def test_shapes_are_scipys(name):
    law, params, scipys = SWEPT[name]
    dist = predictive(FromTorch(law, y_support=POSITIVE if law is td.Pareto else None), params)
    expected = scipys(**params)
    quantiles = np.stack([expected.ppf(level) for level in LEVELS], axis=-1)
    atol = 1e-8 * (quantiles[:, -1:] - quantiles[:, 1:2]) + 1e-300
    assert (np.abs(dist.ppf(LEVELS) - quantiles) <= 2e-6 * np.abs(quantiles) + atol).all()
    for level in (0.3, 0.9):
        y = expected.ppf(level)
        np.testing.assert_allclose(dist.cdf(y), expected.cdf(y), rtol=1e-6)
        np.testing.assert_allclose(dist.sf(y), expected.sf(y), rtol=1e-6, atol=1e-6)
    with np.errstate(all="ignore"):
        entropy, mean, std = expected.entropy(), expected.mean(), expected.std()
    np.testing.assert_allclose(dist.entropy(), entropy, rtol=1e-5, atol=1e-6)
    # Infinite where scipy's are.
    is_same = np.isinf(mean) & (dist.mean() == mean)
    mean, ours = np.where(is_same, 0.0, mean), np.where(is_same, 0.0, dist.mean())
    assert (np.abs(ours - mean) <= 1e-6 * np.abs(mean) + atol[:, 0]).all()
    std[np.isnan(std) & is_same] = np.inf
    np.testing.assert_allclose(dist.std(), std, rtol=1e-5)


def test_moments_that_do_not_exist_are_no_numbers():
    one = {"scale": np.ones(1)}
    half = predictive(FromTorch(td.HalfCauchy), one)
    assert (half.mean()[0], half.std()[0], half.var()[0]) == (np.inf, np.inf, np.inf)
    whole = predictive(FromTorch(td.Cauchy), {"loc": np.zeros(1), **one})
    assert np.isnan([whole.mean(), whole.std()]).all()
    df = np.array([0.3, 1.0, 1.5, 2.0, 2.1])
    dist = predictive(FromTorch(td.StudentT), {"df": df, "loc": 0 * df, "scale": 1 + 0 * df})
    np.testing.assert_array_equal(np.isnan(dist.mean()), df <= 1)
    np.testing.assert_array_equal(np.isinf(dist.std()), (df > 1) & (df <= 2))
    # The score is finite where two draws have a distance that the score does not see.
    np.testing.assert_array_equal(np.isinf(dist.crps(1.0)), df <= 0.5)


def test_moments_beyond_floats_are_nan_with_a_warning():
    params = {"loc": np.zeros(2), "scale": np.array([1.0, 30.0])}
    dist = predictive(FromTorch(td.LogNormal), params)
    with pytest.warns(NumericalWarning, match="the mean hangs on y beyond floats"):
        mean = dist.mean()
    np.testing.assert_allclose(mean, [np.exp(0.5), np.nan])


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.05), (0.1, 0.1), (0.05, 3.0), (2.0, 5.0)])
def test_poles_of_kumaraswamy_keep_their_mass(a, b):
    params = {"concentration1": np.array([a]), "concentration0": np.array([b])}
    dist = predictive(FromTorch(td.Kumaraswamy), params)
    q = np.array([0.01, 0.3, 0.5, 0.7, 0.99])
    quantiles = (-np.expm1(np.log1p(-q) / b)) ** (1 / a)
    np.testing.assert_allclose(dist.ppf(q)[0], quantiles, rtol=1e-6)
    mean = b * special.beta(1 + 1 / a, b)
    np.testing.assert_allclose(dist.mean(), mean, atol=1e-6)


def test_poles_of_gamma_keep_their_mass():
    dist = predictive(FromTorch(td.Gamma), {"concentration": np.array([0.02]), "rate": np.ones(1)})
    np.testing.assert_allclose(dist.cdf(1.0), stats.gamma(0.02).cdf(1.0), rtol=1e-6)


def test_quantiles_and_probabilities_are_inverse():
    params = on_grid(concentration=SHAPES, rate=[1e-200, 1e200])
    dist = predictive(FromTorch(td.Gamma), params)
    for level in LEVELS:
        y = dist.ppf(level)
        seen = y > 1e-300
        np.testing.assert_allclose(dist.cdf(y)[seen], level, rtol=1e-9)


def test_kinks_and_jumps_are_found():
    class Box(Distribution):
        """Uniform between two numbers, with a density that says nothing of where they are."""

        support = REAL
        parameters = {"center": identity, "width": positive}  # noqa: RUF012

        def __init__(self, center=None, width=None):
            self.center = center
            self.width = width

        def log_prob(self, y, center, width):
            inside = (y - center).abs() <= width / 2
            return torch.where(inside, -torch.log(width), -torch.inf)

    center, width = np.array([0.3, 1e7, -5.0]), np.array([2.0, 1.0, 1e-3])
    dist = predictive(Box(), {"center": center, "width": width})
    np.testing.assert_allclose((dist.mean() - center) / width, 0, atol=1e-6)
    np.testing.assert_allclose(dist.std() / width, np.sqrt(1 / 12), rtol=1e-6)
    np.testing.assert_allclose(dist.entropy(), np.log(width), atol=1e-6)
    np.testing.assert_allclose((dist.ppf(0.2) - center) / width, -0.3, atol=1e-6)


def test_an_entropy_that_floats_hide_is_nan_with_a_warning():
    members = {"mean": [[0.5, 0.2]], "precision": [[0.02, 0.1]], "weight": [[0.5, 0.5]]}
    dist = predictive(ensemble_of(Beta(), 2), {key: np.array(v) for key, v in members.items()})
    with pytest.warns(NumericalWarning, match="the entropy hangs on y"):
        assert np.isnan(dist.entropy()).all()
    members = {"shape": [[0.02, 3.0]], "scale": [[1.0, 2.0]], "weight": [[0.5, 0.5]]}
    dist = predictive(ensemble_of(Gamma(), 2), {key: np.array(v) for key, v in members.items()})
    assert np.isfinite(dist.entropy()).all()


# Counts -------------------------------------------------------------------------------------------

COUNTED = {
    "poisson": (
        td.Poisson,
        {"rate": np.array([1e-3, 0.3, 4.5, 1e3, 1e5, 2e5])},
        lambda rate: stats.poisson(rate),
    ),
    "negative_binomial": (
        td.NegativeBinomial,
        on_grid(total_count=[0.05, 2.0, 1e3], logits=[-5.0, 0.1, 12.5]),
        lambda total_count, logits: stats.nbinom(total_count, special.expit(-logits)),
    ),
    "geometric": (
        td.Geometric,
        {"logits": np.array([-16.0, -3.0, 5.0])},
        lambda logits: stats.geom(special.expit(logits), loc=-1),
    ),
    "binomial": (
        td.Binomial,
        on_grid(total_count=[1, 10, 1e5], logits=[-8.0, 0.0, 3.0]),
        lambda total_count, logits: stats.binom(total_count, special.expit(logits)),
    ),
}


@pytest.mark.parametrize("name", COUNTED)
def test_counts_of_any_size_are_scipys(name):
    law, params, scipys = COUNTED[name]
    dist = predictive(FromTorch(law, y_support=COUNTS if law is td.Binomial else None), params)
    expected = scipys(**params)
    quantiles = np.stack([expected.ppf(level) for level in LEVELS], axis=-1)
    np.testing.assert_array_equal(dist.ppf(LEVELS), quantiles)
    for method in ("mean", "std"):
        np.testing.assert_allclose(getattr(dist, method)(), getattr(expected, method)(), rtol=1e-7)
    for method in ("cdf", "sf"):
        y = np.floor(expected.mean())
        ours = getattr(dist, method)(y)
        np.testing.assert_allclose(ours, getattr(expected, method)(y), rtol=1e-7)


def test_scores_of_large_counts_are_the_closed_forms():
    rate = np.array([1e3, 2e5, 1e7])
    y = rate + 0.7 * np.sqrt(rate)
    ours = predictive(FromTorch(td.Poisson), {"rate": rate}).crps(y)
    np.testing.assert_allclose(ours, Poisson().crps(y, rate=rate), rtol=1e-6)
    mean, n = np.full(2, 5e5), np.array([0.05, 2.0])
    params = {"total_count": n, "logits": np.log(mean / n)}
    ours = predictive(FromTorch(td.NegativeBinomial), params).crps(mean)
    expected = NegativeBinomial().crps(mean, mean=mean, dispersion=1 / n)
    np.testing.assert_allclose(ours, expected, rtol=1e-6)


def test_large_counts_ask_for_few_masses(monkeypatch):
    asked = []
    log_prob = td.Poisson.log_prob

    def counted(self, y):
        asked.append(y.numel())
        return log_prob(self, y)

    monkeypatch.setattr(td.Poisson, "log_prob", counted)
    dist = predictive(FromTorch(td.Poisson), {"rate": np.array([1e5])})
    assert dist.ppf(0.9) == stats.poisson(1e5).ppf(0.9)
    assert sum(asked) < 20_000


def test_counts_that_floats_do_not_resolve_are_nan_with_a_warning():
    dist = predictive(FromTorch(td.Poisson), {"rate": np.array([5.0, 1e13, 1e18])})
    with pytest.warns(NumericalWarning, match="2 of 3 rows"):
        np.testing.assert_array_equal(np.isnan(dist.mean()), [False, True, True])
    with pytest.warns(NumericalWarning, match="2 of 3 rows"):
        np.testing.assert_array_equal(np.isnan(dist.ppf(0.5)), [False, True, True])


class Zeta(Distribution):
    """Counts whose masses fall like a power of the count."""

    support = COUNTS
    parameters = {"power": log}  # noqa: RUF012

    def __init__(self, power=None):
        self.power = power

    def log_prob(self, y, power):
        total = torch.from_numpy(np.asarray(special.zeta(1 + power.detach().numpy())))
        return -(1 + power) * torch.log(y + 1) - torch.log(total)


def test_counts_with_heavy_tails_are_scipys():
    power = np.array([0.5, 1.0, 1.5, 2.5])
    dist, expected = predictive(Zeta(), {"power": power}), stats.zipf(1 + power, loc=-1)
    np.testing.assert_allclose(
        dist.sf(1e6), special.zeta(1 + power, 1e6 + 2) / special.zeta(1 + power), rtol=1e-7
    )
    np.testing.assert_allclose(dist.mean(), expected.mean(), rtol=1e-7)
    np.testing.assert_allclose(dist.std(), expected.std(), rtol=1e-6)
    np.testing.assert_array_equal(dist.ppf(0.99), expected.ppf(0.99))


# What is refused ----------------------------------------------------------------------------------


class Shifted(td.Distribution):
    """An exponential above `loc`, which says so or not."""

    arg_constraints = {"loc": constraints.real, "rate": constraints.positive}  # noqa: RUF012
    support = constraints.real

    def __init__(self, loc, rate, validate_args=None):
        self.loc, self.rate = loc, rate
        super().__init__(loc.shape, validate_args=validate_args)

    def log_prob(self, y):
        return torch.log(self.rate) - self.rate * (y - self.loc)


class ShiftedThatSaysSo(Shifted):
    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.greater_than_eq(self.loc)


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (
            FromTorch(td.Pareto, y_support=POSITIVE),
            r"which y Pareto allows depends on its parameters \['scale'\].*"
            r"FromTorch\(Pareto, {'scale': 1}",
        ),
        (FromTorch(ShiftedThatSaysSo, y_support=REAL), r"ShiftedThatSaysSo allows.*\['loc'\]"),
        (
            FromTorch(td.GeneralizedPareto, {"loc": 0.0}, y_support=POSITIVE),
            "cannot compute the likelihood of GeneralizedPareto in float64",
        ),
        (FromTorch(td.RelaxedBernoulli, y_support=UNIT_INTERVAL), "RelaxedBernoulli.*temperature"),
        (
            FromTorch(td.MultivariateNormal, y_support=REAL),
            "MultivariateNormal is no law of single",
        ),
        (FromTorch(td.LogisticNormal, y_support=REAL), "likelihood of LogisticNormal"),
        (FromTorch(td.Pareto), "Pareto does not say which single numbers"),
        (
            FromTorch(td.Bernoulli, y_support=COUNTS),
            "in the support that Bernoulli itself states.*found 3 at row 2",
        ),
        (
            FromTorch(td.Binomial, {"total_count": 2.0}, y_support=COUNTS),
            r"(?s)non-negative count between 0 and 2.*found 3 at row 2",
        ),
    ],
    ids=lambda value: getattr(getattr(value, "law", None), "__name__", ""),
)
def test_laws_that_cannot_be_trained_are_refused_by_name(family, message):
    with pytest.raises(ValueError, match=message):
        NLLRegressor(family).fit(np.zeros((4, 1)), np.array([1.0, 1.0, 3.0, 1.0]))


def test_a_law_keeps_to_its_own_support():
    params = {"scale": np.array([0.5, 2.0]), "alpha": np.array([3.0, 3.0])}
    dist = predictive(FromTorch(td.Pareto, y_support=POSITIVE), params)
    np.testing.assert_array_equal(dist.cdf(0.4), 0)
    assert dist.log_prob(np.array([0.4, 1.9])).tolist() == [-np.inf, -np.inf]
    expected = stats.pareto(3, scale=params["scale"])
    np.testing.assert_allclose(dist.mean(), expected.mean(), rtol=1e-9)
    np.testing.assert_allclose(dist.median(), expected.median(), rtol=1e-9)


@pytest.mark.parametrize("family", [FromTorch(Shifted), Zeta(power=0.0)], ids=repr)
def test_a_density_without_a_total_is_warned_of_at_the_door(family):
    with pytest.warns(NumericalWarning, match="instead of 1"):
        family._check_total()
