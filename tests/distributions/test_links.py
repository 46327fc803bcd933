import numpy as np
import pytest
import torch
from scipy import special
from statsmodels.genmod.families import links as statsmodels_links

from sklnll.distributions import DISTRIBUTIONS
from sklnll.distributions.links import (
    PROBABILITY_LINKS,
    RATE_LINKS,
    Contrasts,
    Log,
    Logit,
    Softplus,
    Vector,
    capped_log,
    log,
    positive,
)

LINKS = [
    pytest.param(link, id=f"{name}-{parameter}")
    for name, family in DISTRIBUTIONS.items()
    for parameter, link in family().parameters.items()
    if not isinstance(link, Contrasts)
]
"""Those that map each number on its own."""

CHOICES = [
    pytest.param(link, id=f"choice-{name}")
    for choices in (PROBABILITY_LINKS, RATE_LINKS)
    for name, link in choices.items()
]
FAR = [-1e30, -1e4, -100.0, 100.0, 1e4, 1e30]
DTYPES = [torch.float32, torch.float64]


def is_legal(link, value):
    return np.isfinite(value) if isinstance(link, Vector) else link.contains(value)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("link", LINKS + CHOICES)
def test_far_raw_outputs_give_legal_parameters(link, dtype):
    value = link(torch.tensor(FAR, dtype=dtype))
    assert value.dtype == dtype
    assert all(is_legal(link, v) for v in value.tolist()), value


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("link", LINKS + CHOICES)
def test_far_raw_outputs_give_finite_gradients(link, dtype):
    raw = torch.tensor(FAR, dtype=dtype, requires_grad=True)
    (gradient,) = torch.autograd.grad(link(raw).sum(), raw)
    assert gradient.isfinite().all(), gradient
    assert (gradient >= 0).all()


@pytest.mark.parametrize("link", LINKS)
def test_link_increases(link):
    raw = torch.linspace(-8, 8, 1001, dtype=torch.float64)
    assert (link(raw).diff() > 0).all()
    farther = torch.tensor(FAR, dtype=torch.float64)
    assert (link(farther).diff() >= 0).all()


@pytest.mark.parametrize("link", LINKS + CHOICES)
def test_gradient_is_finite_differences(link):
    raw = torch.linspace(-8, 17, 40, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(link, raw, rtol=1e-5)


@pytest.mark.parametrize("link", LINKS)
def test_inverse_goes_back(link):
    raw = np.linspace(-8, 15, 47)
    value = link(torch.tensor(raw)).numpy()
    # The value has lost what its floor or its cap took: digits of raw, not of the value.
    np.testing.assert_allclose(link.inverse(value), raw, rtol=1e-7, atol=1e-9)
    again = link(torch.tensor(link.inverse(value))).numpy()
    np.testing.assert_allclose(again, value, rtol=1e-13)


@pytest.mark.parametrize(
    ("link", "values", "rtol"),
    [
        # torch's softplus is the straight line from 20 on, which is 1e-10 off there.
        (positive, [2e-4, 0.01, 1.0, 20.05, 1e4, 1e300], 2e-10),
        (log, [1e-145, 1e-9, 1.0, 1e9, 1e290], 1e-12),
        (capped_log, [1e-145, 1e-9, 1.0, 1e7, 9e7], 1e-12),
        (Logit(), [1e-290, 1e-9, 0.5, 0.999, 1 - 1e-14], 1e-12),
    ],
)
def test_inverse_goes_back_far_out(link, values, rtol):
    again = link(torch.from_numpy(link.inverse(np.array(values)))).numpy()
    np.testing.assert_allclose(again, values, rtol=rtol)


@pytest.mark.parametrize("link", LINKS)
def test_inverse_is_finite_beyond_the_reachable_range(link):
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        raw = link.inverse(np.array([0.0, 1e-300, 1e300, 1.7e308]))
    assert np.isfinite(raw).all()
    assert all(is_legal(link, v) for v in link(torch.from_numpy(raw)).tolist())


def test_softplus_is_logaddexp_above_its_floor():
    raw = np.linspace(-30, 30, 61)
    ours = Softplus(floor=0.5)(torch.tensor(raw)).numpy()
    np.testing.assert_allclose(ours, 0.5 + np.logaddexp(0, raw), rtol=1e-9)


def test_log_is_the_log_link():
    # What is smaller than exp(-340) need not be reached: its square is no number.
    raw = np.linspace(-340, 690, 61)
    np.testing.assert_allclose(log(torch.tensor(raw)), np.exp(raw), rtol=1e-13)


def test_capped_log_is_the_log_link_far_below_its_cap():
    raw = np.linspace(-20, 60, 81)
    harmonic = 1 / (np.exp(-raw) + 1 / 1e8)
    np.testing.assert_allclose(Log(cap=1e8)(torch.tensor(raw)), harmonic, rtol=1e-13)


def test_logit_is_the_logit_link():
    raw = np.linspace(-690, 30, 61)
    np.testing.assert_allclose(Logit()(torch.tensor(raw)), special.expit(raw), rtol=1e-13)


@pytest.mark.parametrize("link", LINKS)
def test_nan_and_infinity_are_no_legal_number(link):
    assert not any(link.contains(value) for value in (np.nan, np.inf, -np.inf))


def test_contrasts_keep_the_differences_and_have_no_sum():
    raw = np.array([[0.3, -2.0, 7.0], [1e30, 0.0, -1e30]])
    value = Contrasts(3)(torch.tensor(raw)).numpy()
    np.testing.assert_allclose(value.sum(axis=1) / np.abs(raw).max(axis=1), 0, atol=1e-15)
    np.testing.assert_allclose(np.diff(value), np.diff(raw), rtol=1e-15)
    np.testing.assert_array_equal(Contrasts(3)(torch.tensor(value)), value)
    assert torch.autograd.gradcheck(Contrasts(3), torch.tensor(raw[:1], requires_grad=True))


def test_vector_has_a_column_per_class_components_have_their_number_and_others_one():
    for family in DISTRIBUTIONS.values():
        for link in family().parameters.values():
            n_components = getattr(link, "n_components", 1)
            assert link.width(5) == (5 if isinstance(link, Vector) else n_components)


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("logit", statsmodels_links.Logit),
        ("probit", statsmodels_links.Probit),
        ("cloglog", statsmodels_links.CLogLog),
    ],
)
def test_probability_links_are_statsmodels(name, oracle):
    link, raw = PROBABILITY_LINKS[name], np.linspace(-6, 3, 50)
    value = link(torch.tensor(raw)).numpy()
    np.testing.assert_allclose(value, oracle().inverse(raw), rtol=1e-12)
    np.testing.assert_allclose(link.inverse(value), raw, rtol=1e-7, atol=1e-9)
