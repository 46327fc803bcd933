"""`check_distribution` passes the built-in families, and names what is wrong with a broken one."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from distributions.cases import ANGLES, FAMILIES, MIXED
from scipy import stats

from sklnll.distributions import (
    REAL,
    Categorical,
    Censored,
    Distribution,
    FromTorch,
    Gamma,
    Mixture,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    Weibull,
)
from sklnll.distributions.links import identity, positive
from sklnll.testing import check_distribution

pytestmark = pytest.mark.filterwarnings("error")  # a family that is right is not warned of

BUILT_IN = {
    name: family
    for name, family in FAMILIES.items()
    if not family.event_ndim and name not in [*ANGLES, *MIXED]
}
OTHERS = [
    Normal(scale=2),
    StudentT(df=3, scale="constant"),
    Mixture(Gamma(shape="constant"), 2),
    Mixture(Poisson(), 2),
    Truncated(Normal(), -1, 2),
    Truncated(Weibull(), 0.5),
    FromTorch(torch.distributions.HalfNormal),
    FromTorch(torch.distributions.Gumbel, location_scale=True),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_families_pass(name):
    check_distribution(BUILT_IN[name])


@pytest.mark.slow
@pytest.mark.parametrize("family", OTHERS, ids=repr)
def test_families_made_of_others_pass(family):
    check_distribution(family)


class Secant(Distribution):
    """Hyperbolic secant distribution, which neither scipy's families nor torch's have here."""

    support = REAL
    parameters: ClassVar = {"loc": identity, "scale": positive}

    def __init__(self, loc=None, scale=None):
        self.loc = loc
        self.scale = scale

    def log_prob(self, y, loc, scale):
        z = ((y - loc) / scale).abs() * torch.pi / 2
        return -z - torch.log1p(torch.exp(-2 * z)) - torch.log(scale)


class LostFactor(Secant):
    def log_prob(self, y, loc, scale):
        return super().log_prob(y, loc, scale) + 0.1


class WrongScipy(Secant):
    def frozen(self, loc, scale):
        return stats.norm(loc, scale)


class WrongMode(Secant):
    def mode(self, loc, scale):
        return loc + 0.2 * scale


class WrongCrps(Secant):
    def crps(self, y, loc, scale):
        return np.abs(y - loc)


class WrongUnits(Secant):
    def log_prob(self, y, loc, scale):
        return super().log_prob(y, loc, torch.ones_like(scale)) + 0 * scale


class SummedTooEarly(Secant):
    def log_prob(self, y, loc, scale):
        return super().log_prob(y, loc, scale).sum(dim=-1, keepdim=True)


class NoGradient(Secant):
    def log_prob(self, y, loc, scale):
        return super().log_prob(y, loc, scale.detach())


class WithSlopes(Secant):
    """That writes its slopes out, times a factor."""

    factor = 1.0
    writes_slopes = True

    def log_prob(self, y, loc, scale):
        return super().log_prob(y, loc, scale)

    def value_and_slopes(self, y, loc, scale):
        z = np.abs((y - loc) / scale) * np.pi / 2
        value = -z - np.log1p(np.exp(-2 * z)) - np.log(scale)
        pull = np.tanh(z) * np.pi / 2 * self.factor
        return value, {
            "loc": pull * np.sign(y - loc) / scale,
            "scale": (pull * np.abs(y - loc) / scale - 1) / scale,
        }


class WrongSlopes(WithSlopes):
    factor = 1.01


class Unpicklable(Secant):
    def __init__(self, loc=None, scale=None):
        super().__init__(loc, scale)
        self.hidden = lambda: 0


class WrongProbabilities(Categorical):
    def log_proba(self, logits):
        return logits


@pytest.mark.slow
@pytest.mark.parametrize("family", [Secant(), WithSlopes()])
def test_a_family_of_a_dozen_lines_passes(family):
    check_distribution(family)


@pytest.mark.parametrize(
    ("family", "failed"),
    [
        (LostFactor(), "total_probability_is_one"),
        (WrongScipy(), "frozen_is_the_law_of_log_prob"),
        (WrongMode(), "mode_is_the_top"),
        (WrongCrps(), "crps_is_the_integral"),
        (WrongUnits(), "units_are_those_of_the_support"),
        (NoGradient(), "gradient_is_right"),
        (SummedTooEarly(), "log_prob_is_finite_and_broadcasts"),
        (WrongSlopes(), "slopes_are_those_of_log_prob"),
        (Unpicklable(), "copies_keep_the_parameters"),
        (WrongProbabilities(), "probabilities_sum_to_one"),
    ],
)
def test_what_is_wrong_is_named(family, failed):
    with pytest.raises(AssertionError, match=failed):
        check_distribution(family)


def test_rows_of_numbers_are_not_for_it():
    with pytest.raises(ValueError, match=r"a y of .* is a row of numbers"):
        check_distribution(Censored(Normal()))


@pytest.mark.parametrize("name", [*ANGLES, *MIXED])
def test_angles_and_mixed_laws_are_not_for_it(name):
    with pytest.raises(ValueError, match="on a line with a density or a mass"):
        check_distribution(FAMILIES[name])


def test_an_illegal_family_is_refused():
    with pytest.raises(ValueError, match=r"scale of .* must be positive"):
        check_distribution(Normal(scale=-1))
