"""Slopes that families and links write out are those of automatic differentiation."""

from typing import ClassVar

import numpy as np
import pytest
import torch

from distributions.cases import CASES, make_head
from sklnll import NLLRegressor
from sklnll.distributions import (
    DISTRIBUTIONS,
    Bernoulli,
    Categorical,
    Laplace,
    Normal,
    StudentT,
    get_distribution,
)
from sklnll.distributions.links import (
    Softplus,
    capped_log,
    degrees_of_freedom,
    identity,
    log,
    positive,
)

WRITTEN_OUT = {"normal", "laplace", "student_t", "bernoulli", "categorical"}
FAMILIES = [
    *((name, get_distribution(name)) for name in DISTRIBUTIONS),
    ("normal", Normal(scale="constant")),
    ("normal", Normal(loc="constant")),
    ("normal", Normal(loc="constant", scale="constant")),
    ("normal", Normal(scale=2.0)),
    ("laplace", Laplace(loc=0.5)),
    ("student_t", StudentT(df="constant")),
    ("student_t", StudentT(df=3.0, scale="constant")),
    ("categorical", Categorical(logits="constant")),
    ("categorical", Categorical(soft_targets=True)),
    ("bernoulli", Bernoulli(logits="constant")),
]


def differentiated(head, raw, constant, y, weight, annealing):
    """The same by automatic differentiation alone."""
    share = weight / weight.shape[-1]
    leaves = raw.clone().requires_grad_(), constant.clone().requires_grad_()
    params = head.params(*leaves)
    nll = -head.distribution.log_prob(y, **params)
    factor = head.distribution.annealing_factor(params, annealing)
    objective = (share.unsqueeze(-1) * factor * nll).sum()
    d_raw, d_constant = torch.autograd.grad(objective, leaves, materialize_grads=True)
    return (share * nll.sum(-1)).sum(-1).detach(), d_raw, d_constant


def given_rows(name, family, spread, n_outputs):
    """A head, and what its `gradient` takes."""
    case = CASES[name]
    head = make_head(family, n_outputs, size=case.size)
    rng = np.random.default_rng(0)
    sample = case.sample
    if getattr(family, "soft_targets", False):
        sample = rng.dirichlet(np.ones(case.size), len(sample))
    y = torch.tensor(np.repeat(sample[:, None], n_outputs, axis=1))
    shape = 2, len(y)
    raw = torch.from_numpy(spread * rng.normal(size=(*shape, head.layout.n_predicted)))
    constant = torch.from_numpy(rng.normal(size=(2, head.layout.n_constant)))
    weight = torch.from_numpy(rng.uniform(0, 2, size=shape))
    return head, (raw, constant, y, weight)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("annealing", [0.0, 0.6])
@pytest.mark.parametrize("spread", [0.5, 3.0])
@pytest.mark.parametrize(("name", "family"), FAMILIES)
def test_gradient_is_that_of_automatic_differentiation(name, family, spread, annealing, n_outputs):
    if family.event_ndim and n_outputs > 1:
        pytest.skip("a row is one observation")
    head, given = given_rows(name, family, spread, n_outputs)
    found = head.gradient(*given, annealing=annealing)
    for value, expected in zip(found, differentiated(head, *given, annealing), strict=True):
        assert value.shape == expected.shape
        size = max(expected.abs().max().item(), 1e-3) if expected.numel() else 1.0
        torch.testing.assert_close(value, expected, rtol=1e-10, atol=1e-12 * size)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_which_families_write_their_slopes_out(name):
    head = make_head(get_distribution(name), size=CASES[name].size)
    assert (head._analytic is not None) == (name in WRITTEN_OUT)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("distance", [0.0, 1e-12, 1.0, 1e6, 1e200])
def test_slopes_of_student_t_hold_far_out(distance, scale):
    df = torch.tensor([1.0, 1.5, 30.0, 1e6, 1e12], dtype=torch.float64, requires_grad=True)
    loc = torch.full_like(df, 3.0, requires_grad=True)
    scale = torch.full_like(df, scale, requires_grad=True)
    y = 3.0 + torch.full_like(df, distance).detach()
    leaves = {"df": df, "loc": loc, "scale": scale}
    log_prob = StudentT().log_prob(y, **leaves)
    expected = torch.autograd.grad(log_prob.sum(), list(leaves.values()))
    params = {name: leaf.detach().numpy() for name, leaf in leaves.items()}
    with np.errstate(all="ignore"):
        value, slopes = StudentT().value_and_slopes(y.numpy(), **params)
    np.testing.assert_allclose(value, log_prob.detach(), rtol=1e-12)
    for slope, other in zip(slopes.values(), expected, strict=True):
        np.testing.assert_allclose(slope, other, rtol=1e-9, atol=1e-16)


@pytest.mark.parametrize(("name", "family"), FAMILIES)
def test_in_single_precision_it_is_the_same_but_for_rounding(name, family):
    head, (raw, constant, y, weight) = given_rows(name, family, 1.0, 1)
    single = raw.float(), constant.float()
    exact = head.gradient(*(values.double() for values in single), y, weight)
    loss, *gradients = head.gradient(*single, y, weight)
    torch.testing.assert_close(loss, exact[0], rtol=1e-12, atol=0)
    for found, other in zip(gradients, exact[1:], strict=True):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, other.float(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    "link",
    [identity, positive, log, capped_log, degrees_of_freedom],
    ids=["identity", "positive", "log", "capped_log", "degrees_of_freedom"],
)
def test_links_write_out_what_they_are_however_far(link):
    raw = np.array(
        [-np.inf, -1e30, -1e3, -40.0, -1.0, 0.0, 0.5, 18.0, 19.0, 40.0, 700.0, 1e3, 1e30]
    )
    leaf = torch.tensor(raw, requires_grad=True)
    expected = link(leaf)
    (slope,) = torch.autograd.grad(expected.sum(), leaf)
    with np.errstate(all="ignore"):
        value, written_out = link.value_and_slope(raw)
        assert np.isnan(link.value_and_slope(np.array([np.nan]))[0]).all()
    np.testing.assert_allclose(value, expected.detach(), rtol=1e-9)
    np.testing.assert_allclose(written_out + np.zeros(len(raw)), slope, rtol=1e-6, atol=1e-300)


class Shifted(Normal):
    """A density of its own, with the slopes of another."""

    def log_prob(self, y, loc, scale):
        return super().log_prob(y, loc + 1, scale)


class Shift:
    """The same from outside the families."""

    def log_prob(self, y, loc, scale):
        return super().log_prob(y, loc + 1, scale)


class ShiftedByAnother(Shift, Normal):
    pass


class ShiftedTwice(Shifted):
    pass


@pytest.mark.parametrize("family", [Shifted(), ShiftedByAnother(), ShiftedTwice()], ids=repr)
def test_slopes_of_a_density_that_was_replaced_are_not_taken(family):
    assert not family.writes_slopes
    head = make_head(family)
    assert head._analytic is None
    raw, y = torch.zeros(1, 5, 2, dtype=torch.float64), torch.arange(5.0).double()[:, None]
    given = raw, torch.zeros(1, 0, dtype=torch.float64), y, torch.ones(5).double()
    torch.testing.assert_close(head.gradient(*given), differentiated(head, *given, 0.0))


class Exponential(Softplus):
    """A link of its own, with the slope of another."""

    def __call__(self, raw):
        return torch.exp(raw)


def test_slopes_of_a_link_that_was_replaced_are_not_taken():
    assert positive.writes_slopes
    assert not Exponential(floor=0.0).writes_slopes


def test_slopes_that_are_not_there_cannot_be_declared():
    message = "Doubled declares writes_slopes, but its log_prob is not the one whose slopes Normal"
    with pytest.raises(TypeError, match=message):

        class Doubled(Normal):
            writes_slopes = True

            def log_prob(self, y, loc, scale):
                return super().log_prob(y, loc, 2 * scale)

    with pytest.raises(TypeError, match=r"its __call__ is not the one whose slopes Softplus\."):

        class Steep(Softplus):
            writes_slopes = True

            def __call__(self, raw):
                return super().__call__(2 * raw)


def test_slopes_that_are_there_must_be_declared():
    message = "Dirac writes value_and_slopes, but does not declare it; set writes_slopes = True"
    with pytest.raises(TypeError, match=message):

        class Dirac(Shifted):
            def value_and_slopes(self, y, loc, scale):
                return super().value_and_slopes(y, loc + 1, scale)


class ShiftedWithSlopes(Shifted):
    writes_slopes = True

    def log_prob(self, y, loc, scale):
        return super().log_prob(y, loc, scale)

    def value_and_slopes(self, y, loc, scale):
        return super().value_and_slopes(y, loc + 1, scale)


class OfAnotherLink(Normal):
    parameters: ClassVar = {"loc": identity, "scale": Exponential(floor=0.0)}


class Undecided(Normal):
    def value_and_slopes(self, y, loc, scale):
        return None


class TailsWiden(StudentT):
    """The spread of a row depends on a parameter that may be fixed."""

    def squared_width(self, params):
        return params["scale"].square() * (1 + 1 / params["df"])


@pytest.mark.parametrize(
    "family", [OfAnotherLink(), Undecided(), TailsWiden(df=3.0), ShiftedWithSlopes()], ids=repr
)
def test_families_of_ones_own_are_followed(family):
    head, given = given_rows("normal", family, 0.5, 1)
    found = head.gradient(*given, annealing=0.5)
    torch.testing.assert_close(found, differentiated(head, *given, 0.5), rtol=1e-9, atol=1e-12)


class Implicit(Normal):
    """Differentiates by itself, and keeps what it made for later."""

    kept: ClassVar = {}

    def log_prob(self, y, loc, scale):
        half = self.kept.setdefault(y.shape, torch.full_like(y, 0.5))
        with torch.enable_grad():
            z = ((y - loc) / scale).detach().requires_grad_()
            (slope,) = torch.autograd.grad((half * z * z).sum(), z)
        z = (y - loc) / scale
        return -half * z * z - torch.log(scale) + 0.0 * slope


def test_a_family_may_use_torch_as_it_likes():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2)), rng.normal(size=50)
    settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
    net = NLLRegressor(Implicit(), **settings).fit(X, y)
    same = NLLRegressor("normal", **settings).fit(X, y)
    np.testing.assert_allclose(net.weights_, same.weights_, rtol=1e-7, atol=1e-9)
