"""Which parameters carry y's units is what the family says, whatever they are called."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.preprocessing import StandardScaler

from sklnll import NLLRegressor
from sklnll.distributions import (
    DISTANCE,
    PLACE,
    POSITIVE,
    REAL,
    Censored,
    Distribution,
    FromTorch,
    Gamma,
    MultivariateNormal,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    VonMises,
    ZeroInflated,
    ensemble_of,
    normal_mixture,
)
from sklnll.distributions._tails import TailedDistribution
from sklnll.distributions.links import identity, log, positive
from sklnll.predictive import ContinuousPredictive, transformed
from sklnll.testing import check_distribution

LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-10, "max_iter": 3000}


class HeavyBelow(Distribution):
    """Generalized logistic; `low` is a pure number, that of its lower tail."""

    support = REAL
    parameters: ClassVar = {"low": log, "loc": identity, "scale": positive}
    units: ClassVar = {"loc": PLACE, "scale": DISTANCE}

    def __init__(self, low=None, loc=None, scale=None):
        self.low = low
        self.loc = loc
        self.scale = scale

    def log_prob(self, y, low, loc, scale):
        z = (y - loc) / scale
        softplus = torch.nn.functional.softplus(-z)
        return torch.log(low) - z - (low + 1) * softplus - torch.log(scale)


class Centered(TailedDistribution):
    """The normal distribution, in words of its own."""

    support = REAL
    parameters: ClassVar = {"center": identity, "width": positive}
    units: ClassVar = {"center": PLACE, "width": DISTANCE}

    def __init__(self, center=None, width=None):
        self.center = center
        self.width = width

    def log_prob(self, y, center, width):
        return Normal().log_prob(y, center, width)

    def log_cdf(self, y, center, width):
        return Normal().log_cdf(y, center, width)

    def log_sf(self, y, center, width):
        return Normal().log_sf(y, center, width)

    def frozen(self, center, width):
        return Normal().frozen(center, width)

    def mode(self, center, width):
        return center

    def guess(self, y, weight, size):
        guess = Normal().guess(y, weight, size)
        return {"center": guess["loc"], "width": guess["scale"]}


class TwoSided(Distribution):
    """Two halves of normal distributions, of which each has a width of its own."""

    support = REAL
    parameters: ClassVar = {"loc": identity, "left": positive, "right": positive}
    units: ClassVar = {"loc": PLACE, "left": DISTANCE, "right": DISTANCE}

    def __init__(self, loc=None, left=None, right=None):
        self.loc = loc
        self.left = left
        self.right = right

    def log_prob(self, y, loc, left, right):
        z = (y - loc) / torch.where(y < loc, left, right)
        return -z * z / 2 - torch.log((left + right) / 2) - np.log(2 * np.pi) / 2


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = 2 + X[:, 0] + np.exp(0.3 * X[:, 1]) * rng.gumbel(size=300)
    return X, y


@pytest.mark.parametrize(
    ("family", "units"),
    [
        (Normal(), {"loc": PLACE, "scale": DISTANCE}),
        (StudentT(), {"loc": PLACE, "scale": DISTANCE}),
        (Gamma(), {"scale": DISTANCE}),
        (MultivariateNormal(), {"loc": PLACE, "scale_tril": DISTANCE}),
        (Poisson(), {}),
        (VonMises(), {}),
        (ZeroInflated(Gamma()), {"scale": DISTANCE}),
        (Censored(Centered()), Centered.units),
        (Truncated(Centered()), {"low": PLACE, "high": PLACE, **Centered.units}),
        (normal_mixture(2), {"loc": PLACE, "scale": DISTANCE}),
        (ensemble_of(Centered(), 3), Centered.units),
        (FromTorch(torch.distributions.Gumbel), {}),
        (
            FromTorch(torch.distributions.Gumbel, location_scale=True),
            {"loc": PLACE, "scale": DISTANCE},
        ),
    ],
    ids=repr,
)
def test_which_parameters_carry_the_units_of_y(family, units):
    assert family.units == units


@pytest.mark.parametrize(("stretch", "shift"), [(1e3, -50.0), (1e-2, 7.0)])
def test_a_pure_number_called_low_stays_when_units_change(rows, stretch, shift):
    X, y = rows
    family = HeavyBelow(low="constant")
    dist, other = (
        NLLRegressor(family, **LINEAR).fit(X, v).predict_dist(X) for v in (y, stretch * y + shift)
    )
    assert_allclose(other.params["low"], dist.params["low"], rtol=1e-4)
    assert_allclose(other.params["loc"], stretch * dist.params["loc"] + shift, rtol=1e-4)
    assert_allclose(other.params["scale"], stretch * dist.params["scale"], rtol=1e-4)
    change = other.log_prob(stretch * y + shift) - dist.log_prob(y)
    assert_allclose(change, -np.log(stretch), rtol=1e-3)


def test_a_fixed_pure_number_is_the_same_in_all_units(rows):
    X, y = rows
    for v in (y, 1e3 * y - 50):
        dist = NLLRegressor(HeavyBelow(low=2.5), **LINEAR).fit(X, v).predict_dist(X)
        assert (dist.params["low"] == 2.5).all()
        assert abs((dist.cdf(v) < 0.5).mean() - 0.5) < 0.1


@pytest.mark.parametrize("settings", [LINEAR, {"hidden_layer_sizes": (4,), "max_iter": 5}])
@pytest.mark.parametrize(
    ("family", "usual"),
    [
        (Centered(), Normal()),
        (Centered(width=0.7), Normal(scale=0.7)),
        (Truncated(Centered(), -3.0), Truncated(Normal(), -3.0)),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_place_called_center_is_one(rows, family, usual, settings):
    X, y = rows
    settings = {"random_state": 0, "alpha": 0, **settings}
    nets = [NLLRegressor(f, **settings).fit(X, 100 * y + 500) for f in (family, usual)]
    dist, expected = (net.predict_dist(X) for net in nets)
    for method in ("mean", "std", "median", "entropy"):
        assert_allclose(getattr(dist, method)(), getattr(expected, method)(), rtol=1e-6)
    assert nets[0].out_activation_ == nets[1].out_activation_


def test_it_is_moved_stretched_and_widened_by_its_names():
    dist = ContinuousPredictive(Centered(), {"center": np.zeros(3), "width": np.ones(3)})
    moved = transformed(dist, StandardScaler().fit([[5.0], [9.0]]))
    assert isinstance(moved.distribution, Centered)
    assert_allclose(moved.params["center"], 7.0)
    assert_allclose(moved.params["width"], 2.0)
    wide = Centered().widened(dist.params, 1.5)
    assert_allclose([wide["center"], wide["width"]], [[0.0] * 3, [1.5] * 3])
    enormous = Centered().std(center=np.zeros(1), width=np.full(1, 1e200))
    assert_allclose(enormous, 1e200)


def test_two_distances_have_a_standard_deviation():
    left, right = np.array([1.0, 0.5]), np.array([2.0, 0.5])
    var = (1 - 2 / np.pi) * (right - left) ** 2 + left * right
    assert_allclose(TwoSided().std(np.ones(2), left, right) ** 2, var, rtol=1e-8)


def test_vectors_are_not_recalibrated():
    family = MultivariateNormal()
    with pytest.raises(ValueError, match="has no scale that could be recalibrated"):
        family.widened({"loc": np.zeros((1, 2)), "scale_tril": np.eye(2)[None]}, 2.0)


# The contract -------------------------------------------------------------------------------------


class Undeclared(HeavyBelow):
    """Leaves it to its names, of which one is a trap."""

    units = Distribution.units


class Forgotten(Centered):
    units: ClassVar = {"width": DISTANCE}


class Confused(Centered):
    units: ClassVar = {"center": DISTANCE, "width": DISTANCE}


class Misspelt(Centered):
    units: ClassVar = {"midle": PLACE, "width": DISTANCE}


class Lifetime(Distribution):
    """An exponential distribution whose mean is a distance by its declaration."""

    support = POSITIVE
    parameters: ClassVar = {"mean": log}
    units: ClassVar = {"mean": DISTANCE}

    def __init__(self, mean=None):
        self.mean = mean

    def log_prob(self, y, mean):
        return -y / mean - torch.log(mean)


class Timeless(Lifetime):
    units: ClassVar = {}


@pytest.mark.parametrize("family", [HeavyBelow(), Centered(), TwoSided(), Lifetime()], ids=repr)
def test_a_right_declaration_passes(family):
    check_distribution(family)


@pytest.mark.parametrize("family", [Undeclared(), Forgotten(), Confused(), Timeless()], ids=repr)
def test_a_wrong_declaration_is_noticed(family):
    with pytest.raises(AssertionError, match="units_are_those_of_the_support"):
        check_distribution(family)


def test_a_unit_of_no_parameter_is_refused():
    message = r"Misspelt\(\) gives units to \['midle'\], .* parameters \['center', 'width'\]"
    with pytest.raises(ValueError, match=message):
        Misspelt().check_params()
