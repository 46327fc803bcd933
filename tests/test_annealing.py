"""Rows teach their center the same at first, however wide they are thought to be."""

import numpy as np
import pytest
import torch
from distributions.cases import CASES, make_head
from numpy.testing import assert_allclose

from sklnll import NLLRegressor
from sklnll.distributions import (
    DISTRIBUTIONS,
    Beta,
    Gamma,
    Laplace,
    Logistic,
    LogNormal,
    Mixture,
    NegativeBinomial,
    Normal,
    StudentT,
    VonMises,
    Weibull,
    ZeroInflated,
    get_distribution,
)

# Family, the parameter of the center, that of the width, and values of it a hundredfold apart.
WIDTHS = [
    (Normal(), "loc", "scale", [0.03, 3.0]),
    (Laplace(), "loc", "scale", [0.03, 3.0]),
    (Logistic(), "loc", "scale", [0.03, 3.0]),
    (StudentT(df=5.0), "loc", "scale", [0.03, 3.0]),
    (Gamma(), "scale", "shape", [1.0, 100.0]),
    (Weibull(), "scale", "shape", [1.0, 10.0]),
    (LogNormal(), "scale", "sigma", [0.03, 3.0]),
    (Beta(), "mean", "precision", [3.0, 300.0]),
    (VonMises(), "loc", "concentration", [2.0, 200.0]),
    (NegativeBinomial(), "mean", "dispersion", [0.01, 3.0]),
]
CENTERS = {"loc": 0.7, "scale": 1.5, "mean": 0.4}


def information(family, center, width, value, *, weighted):
    """Expected squared slope of log_prob, by the logarithm of center where it is positive."""
    params = {center: CENTERS[center], width: value, **family.fixed()}
    if isinstance(family, NegativeBinomial):
        params["mean"] = 20.0
    y = family.frozen(**params).rvs(4000, random_state=0)
    leaves = {
        name: torch.full((4000,), float(params[name]), dtype=torch.float64, requires_grad=True)
        for name in family.parameters
    }
    log_prob = family.log_prob(torch.from_numpy(np.asarray(y, dtype=float)), **leaves)
    (slope,) = torch.autograd.grad(log_prob.sum(), leaves[center])
    unit = 1.0 if center == "loc" else params[center]
    weight = family.annealing_weight(leaves).detach() if weighted else 1.0
    return ((unit * slope) ** 2 * weight).mean().item()


@pytest.mark.parametrize(("family", "center", "width", "values"), WIDTHS, ids=str)
def test_weighted_rows_teach_their_centre_the_same(family, center, width, values):
    plain, weighted = (
        np.array([information(family, center, width, v, weighted=w) for v in values])
        for w in (False, True)
    )
    assert plain.max() / plain.min() > 20
    assert weighted.max() / weighted.min() < 2.5


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_weights_are_positive_and_broadcast(name):
    family = get_distribution(name)
    head = make_head(family, size=CASES[name].size)
    raw = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 7, head.layout.n_predicted)))
    params = head.params(raw, torch.zeros(2, head.layout.n_constant, dtype=torch.float64))
    weight = family.annealing_weight(params)
    if weight is not None:
        assert (weight > 0).all()
        assert torch.broadcast_shapes(weight.shape, (2, 7, 1)) == (2, 7, 1)


@pytest.mark.parametrize(
    "family", [Normal(scale=1.0), Normal(scale="constant"), Gamma(shape="constant")], ids=str
)
def test_a_width_that_x_does_not_move_needs_no_weights(family):
    params = {name: torch.ones(3) for name in family.parameters}
    assert family.annealing_weight(params) is None
    assert (
        ZeroInflated(Gamma(shape="constant")).annealing_weight(
            {"inflation": torch.ones(3), "shape": torch.ones(3), "scale": torch.ones(3)}
        )
        is None
    )


def test_a_mixture_averages_the_weights_of_its_components():
    logits = torch.log(torch.tensor([[0.25, 0.75]]))
    params = {"logits": logits, "loc": torch.zeros(1, 2), "scale": torch.tensor([[1.0, 2.0]])}
    assert_allclose(Mixture(Normal(), 2).annealing_weight(params), [0.25 + 0.75 * 4])


def test_annealing_saves_the_mean_where_the_likelihood_alone_starves_it():
    """A sine of growing height, nearly without noise, after Seitzer et al. (2022)."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (600, 1))
    y = np.sin(20 * np.pi * x[:, 0]) * x[:, 0] + 0.01 * rng.normal(size=600)
    settings = {"hidden_layer_sizes": (50, 50), "n_frequencies": 16, "max_iter": 100}
    starved, annealed = (
        NLLRegressor(annealing=share, early_stopping=False, random_state=0, **settings)
        .fit(x, y)
        .score(x, y)
        for share in (0.0, 0.7)
    )
    assert annealed > starved + 0.1
