"""Do the laws of all distributions hold wherever the raw outputs of a network may lead?"""

import numpy as np
import pytest
import torch
from distributions.cases import FAMILIES, LABELS, VECTORS, make_head
from fuzzing import TRIED, errors_are_ours, tries
from hypothesis import given
from hypothesis import strategies as st
from lawful import check

from sklnll._data.y_units import TargetScaling
from sklnll.distributions import (
    Beta,
    Categorical,
    Censored,
    Dirichlet,
    Gamma,
    Hurdle,
    LabelDistribution,
    Mixture,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Weibull,
)
from sklnll.predictive import LabelPredictive, predictive

ALL = {
    **FAMILIES,
    "mixture of gammas": Mixture(Gamma(), 2),
    "mixture of weibulls": Mixture(Weibull(shape="constant"), 2),
    "censored": Censored(StudentT()),
    "fixed df": StudentT(df=3.0),
    "fixed scale": Normal(scale=2.0),
    "soft targets": Categorical(soft_targets=True),
}
SIZES = {**dict.fromkeys([*LABELS, *VECTORS, "plackett_luce", "soft targets"], 3), "bernoulli": 1}

MIXTURES = ["normal_mixture", "mixture of gammas", "mixture of weibulls"]
SEARCHED = [
    "von_mises",
    "student_t",
    "censored",
    "zero_inflated_poisson",
    "hurdle_poisson",
    "zero_inflated_negative_binomial",
    "hurdle_negative_binomial",
    "zero_one_inflated_beta",
]
"""Those whose quantiles, scores, or entropies take a search; fewer of them are tried, and fewer
still of mixtures."""

values = st.floats(-1, 1, width=32)


@st.composite
def raw_outputs(draw, name):
    """Raw outputs of a few rows, constants, and the unit and the shift of y."""
    layout = make_head(ALL[name], size=SIZES.get(name, 1)).layout
    n_rows = draw(st.integers(1, 6))
    spread = draw(st.sampled_from([1.0, 5.0, 30.0]))
    n_raw = n_rows * layout.n_predicted
    raw = draw(st.lists(values, min_size=n_raw, max_size=n_raw))
    constant = draw(st.lists(values, min_size=layout.n_constant, max_size=layout.n_constant))
    unit = 10.0 ** draw(st.integers(-12, 12))
    shift = draw(st.sampled_from([0.0, 1.0, -1e4])) * unit
    return np.reshape(raw, (n_rows, -1)) * spread, np.array(constant) * spread, unit, shift


def scaling_of(family, size, unit, shift):
    """The units of y, as far as the family has any."""
    units = family.support.units
    shape = (1, size) if family.event_ndim and units != "none" else (1,)
    unit, shift = unit if units != "none" else 1.0, shift if units == "affine" else 0.0
    return TargetScaling(np.full(shape, shift), np.full(shape, unit))


def predicted(name, raw, constant, unit, shift):
    """What a network with these raw outputs predicts, in y's units."""
    family, size = ALL[name], SIZES.get(name, 1)
    params = make_head(family, size=size).params(
        torch.tensor(raw)[None], torch.tensor(constant, dtype=torch.float64)[None]
    )
    arrays = {key: value.numpy() for key, value in params.items()}
    rows = {}
    for key, value in (
        scaling_of(family, size, unit, shift).unscale_parameters(family, arrays).items()
    ):
        shape = value.shape[value.ndim - 1 - family.parameters[key].event_ndim :]
        rows[key] = np.broadcast_to(value, (1, len(raw), *shape))[0, :, 0].copy()
    if isinstance(family, LabelDistribution):
        return LabelPredictive(family, rows, np.arange(max(size, 2)))
    return predictive(family, rows)


@st.composite
def distributions(draw, name):
    return predicted(name, *draw(raw_outputs(name)))


def hold_laws(dist):
    """Check a prediction, and count its rows: each is a distribution of its own."""
    with errors_are_ours():
        warned = check(dist)
    TRIED["distributions"] += len(dist)
    TRIED["of them with a NumericalWarning"] += warned


@pytest.mark.parametrize("name", [name for name in ALL if name not in [*SEARCHED, *MIXTURES]])
@tries(few=2, many=280)
@given(data=st.data())
def test_the_laws_hold(name, data):
    hold_laws(data.draw(distributions(name)))


@pytest.mark.parametrize("name", SEARCHED)
@tries(few=1, many=40)
@given(data=st.data())
def test_the_laws_hold_of_what_is_searched(name, data):
    hold_laws(data.draw(distributions(name)))


@pytest.mark.parametrize("name", MIXTURES)
@tries(few=1, many=12)
@given(data=st.data())
def test_the_laws_hold_of_mixtures(name, data):
    hold_laws(data.draw(distributions(name)))


FOUND = {
    "a share whose lack floats hardly tell": (
        Dirichlet(),
        {
            "mean": [[7.1664619178398095e-09, 0.9999993232606582, 6.695728799637682e-07]],
            "precision": [25466.050938164393],
        },
    ),
    "a product that underflows": (Beta(), {"mean": [2.2e-308], "precision": [7e-88]}),
    "a ratio that underflows": (Gamma(), {"shape": [1.9e-9], "scale": [4.4e23]}),
    "a mixture with a member beyond all floats": (
        Mixture(Weibull(shape="constant"), 2),
        {"logits": [[10.0, -10.0]], "shape": [[1e8, 9.4e-14]], "scale": [[2.7e-9, 1.1e-9]]},
    ),
    "wide members of a mixture": (
        Mixture(Weibull(), 2),
        {"logits": [[-9.0, 9.0]] * 2, "shape": [[1.0, 4.5e-7]] * 2, "scale": [[1.7e-7, 11.5]] * 2},
    ),
    "tails of large counts": (Poisson(), {"rate": [178961879.58955783]}),
    "the widest Weibull": (Weibull(), {"shape": [1.1e-11], "scale": [1e-9]}),
    "the narrowest Weibull": (Weibull(), {"shape": [94786565.0], "scale": [0.186]}),
    "one share is nearly all": (
        Dirichlet(),
        {"mean": [[1e-20, 1 - 2e-20, 1e-20]], "precision": [1e-3]},
    ),
    "quantiles beyond all floats": (Weibull(), {"shape": [1e-4], "scale": [79209.3]}),
    "a hurdle before a base of zeros": (
        Hurdle(NegativeBinomial()),
        {"inflation": [0.0049], "mean": [1506.0], "dispersion": [1.07e13]},
    ),
}
"""What broke a law once."""


@pytest.mark.parametrize("name", FOUND)
def test_the_laws_hold_of_what_broke_them_once(name):
    family, params = FOUND[name]
    with errors_are_ours():
        check(predictive(family, {key: np.array(value) for key, value in params.items()}))
