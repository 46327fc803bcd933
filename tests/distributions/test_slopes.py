"""Slopes that families and links write out are those of automatic differentiation."""

import numpy as np
import pytest
import torch

from distributions.cases import CASES, make_head
from sklnll.distributions import (
    DISTRIBUTIONS,
    Bernoulli,
    Categorical,
    Laplace,
    Normal,
    StudentT,
    get_distribution,
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


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("annealing", [0.0, 0.6])
@pytest.mark.parametrize("spread", [0.5, 3.0])
@pytest.mark.parametrize(("name", "family"), FAMILIES)
def test_gradient_is_that_of_automatic_differentiation(name, family, spread, annealing, n_outputs):
    if family.event_ndim and n_outputs > 1:
        pytest.skip("a row is one observation")
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
    given = raw, constant, y, weight
    found = head.gradient(*given, annealing=annealing)
    for value, expected in zip(found, differentiated(head, *given, annealing), strict=True):
        assert value.shape == expected.shape
        size = max(expected.abs().max().item(), 1e-3) if expected.numel() else 1.0
        torch.testing.assert_close(value, expected, rtol=1e-10, atol=1e-12 * size)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_which_families_write_their_slopes_out(name):
    head = make_head(get_distribution(name), size=CASES[name].size)
    assert (head._written_out is not None) == (name in WRITTEN_OUT)


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


class Shifted(Normal):
    """A density of its own, with the slopes of another."""

    def log_prob(self, y, loc, scale):
        return super().log_prob(y, loc + 1, scale)


def test_slopes_of_a_density_that_was_replaced_are_not_taken():
    head = make_head(Shifted())
    assert not (head._written_out is not None)
    raw, y = torch.zeros(1, 5, 2, dtype=torch.float64), torch.arange(5.0).double()[:, None]
    given = raw, torch.zeros(1, 0, dtype=torch.float64), y, torch.ones(5).double()
    torch.testing.assert_close(head.gradient(*given), differentiated(head, *given, 0.0))
