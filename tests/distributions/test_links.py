import numpy as np
import pytest
import torch
from scipy import special
from statsmodels.genmod.families import links as statsmodels_links

from sklnll.distributions import DISTRIBUTIONS
from sklnll.distributions.links import (
    PROBABILITY_LINKS,
    RATE_LINKS,
    CholeskyFactor,
    Contrasts,
    Direction,
    Log,
    Logit,
    OrderedFromZero,
    Simplex,
    Softplus,
    Vector,
    capped_log,
    cholesky_factor,
    direction,
    log,
    ordered_from_zero,
    positive,
    simplex,
)

TOGETHER_LINKS = Simplex | CholeskyFactor | OrderedFromZero | Direction | Contrasts
LINKS = [
    pytest.param(link, id=f"{name}-{parameter}")
    for name, family in DISTRIBUTIONS.items()
    for parameter, link in family().parameters.items()
    # The others have tests of their own.
    if link.learnable and not isinstance(link, TOGETHER_LINKS)
]
CHOICES = [
    pytest.param(link, id=f"choice-{name}")
    for choices in (PROBABILITY_LINKS, RATE_LINKS)
    for name, link in choices.items()
]
"""Links that map columns one by one; that of directions has tests of its own below."""

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


def test_links_of_vectors_have_the_columns_they_need_and_others_one():
    widths = {Vector: 5, Simplex: 5, CholeskyFactor: 15, OrderedFromZero: 3, Direction: 2}
    for family in DISTRIBUTIONS.values():
        for link in family().parameters.values():
            n_components = getattr(link, "n_components", 1)
            assert link.width(5) == widths.get(type(link), n_components)


# Ordered vectors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_ordered_values_start_at_zero_and_never_fall(dtype):
    raw = torch.tensor([[-1.0, 0.0, 2.0], FAR[:3], FAR[3:]], dtype=dtype)
    value = ordered_from_zero(raw)
    assert value.dtype == dtype
    assert value.isfinite().all()
    assert (value[:, 0] == 0).all()
    assert (value.diff() > 0)[:2].all()
    assert (value.diff() >= 0).all()


def test_ordered_values_are_sums_of_positive_gaps():
    raw = torch.tensor(np.random.RandomState(0).normal(size=(4, 7, 3)), requires_grad=True)
    torch.testing.assert_close(ordered_from_zero(raw).diff(), raw.exp(), rtol=1e-12, atol=1e-14)
    assert torch.autograd.gradcheck(ordered_from_zero, raw)


def test_ordered_values_go_back():
    raw = np.linspace(-8, 15, 24).reshape(8, 3)
    value = ordered_from_zero(torch.tensor(raw)).numpy()
    np.testing.assert_allclose(ordered_from_zero.inverse(value), raw, rtol=1e-12, atol=1e-12)
    equal = ordered_from_zero.inverse(np.zeros(4))
    assert np.isfinite(equal).all()


def test_two_classes_have_one_threshold_and_no_column():
    assert ordered_from_zero.width(2) == 0
    value = ordered_from_zero(torch.empty(5, 0))
    torch.testing.assert_close(value, torch.zeros(5, 1))
    assert ordered_from_zero.inverse(np.zeros(1)).shape == (0,)
    assert not ordered_from_zero.contains(0.0)


# Vectors and matrices -----------------------------------------------------------------------------

TOGETHER = [pytest.param(simplex, 4, id="simplex"), pytest.param(cholesky_factor, 6, id="cholesky")]


def assert_legal_value(link, value):
    if link is simplex:
        assert (value > 0).all()
        torch.testing.assert_close(value.sum(dim=-1), torch.ones_like(value[..., 0]))
    else:
        assert value.isfinite().all()
        assert (value.triu(diagonal=1) == 0).all()
        assert (value.diagonal(dim1=-2, dim2=-1) >= positive.floor).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("link", "width"), TOGETHER)
def test_far_raw_columns_give_legal_values_and_finite_gradients(link, width, dtype):
    """Each column alone far out, and all of them."""
    for far in FAR:
        raw = torch.vstack([far * torch.eye(width), far * torch.ones(1, width)]).to(dtype)
        value = link(raw.requires_grad_())
        assert value.dtype == dtype
        assert value.shape == (width + 1, *[{4: 4, 6: 3}[width]] * link.event_ndim)
        assert_legal_value(link, value.detach())
        for weight in value.detach().flatten():
            (gradient,) = torch.autograd.grad((value * weight).sum(), raw, retain_graph=True)
            assert gradient.isfinite().all()


@pytest.mark.parametrize(("link", "width"), TOGETHER)
def test_gradient_of_columns_together_is_finite_differences(link, width):
    raw = torch.tensor(np.random.RandomState(0).normal(size=(3, 2, width)), requires_grad=True)
    assert torch.autograd.gradcheck(link, raw)


@pytest.mark.parametrize(("link", "width"), TOGETHER)
def test_inverse_of_columns_together_goes_back(link, width):
    raw = torch.tensor(np.random.RandomState(0).normal(scale=3, size=(7, width)))
    value = link(raw).numpy()
    np.testing.assert_allclose(link(torch.tensor(link.inverse(value))), value, rtol=1e-9)
    # The softmax does not see what all columns share.
    shared = raw.mean(dim=-1, keepdim=True) if link is simplex else 0
    np.testing.assert_allclose(link.inverse(value), raw - shared, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("link", "value"),
    [
        (simplex, [0.0, 0.0, 1.0, 0.0]),
        (simplex, [1e-300, 1e-310, 0.5, 0.5]),
        (cholesky_factor, np.zeros((3, 3))),
        (cholesky_factor, [[1e-9, 0, 0], [1e300, 0, 0], [-1e300, 2, 1e300]]),
    ],
)
def test_inverse_beyond_the_reachable_values_is_finite(link, value):
    with np.errstate(all="raise", under="ignore"):
        raw = link.inverse(np.array(value))
    assert np.isfinite(raw).all()
    assert_legal_value(link, link(torch.from_numpy(raw)))


def test_simplex_is_scipys_softmax():
    raw = np.random.RandomState(0).normal(scale=50, size=(9, 5))
    expected = special.softmax(raw, axis=-1)
    np.testing.assert_allclose(simplex(torch.tensor(raw)), expected, rtol=1e-13)


def test_cholesky_factor_is_filled_row_by_row():
    raw = np.random.RandomState(0).normal(size=6)
    expected = np.zeros((3, 3))
    expected[np.tril_indices(3)] = raw
    np.fill_diagonal(expected, positive(torch.tensor(expected.diagonal().copy())))
    np.testing.assert_array_equal(cholesky_factor(torch.tensor(raw)), expected)


@pytest.mark.parametrize(("link", "width"), TOGETHER)
def test_vectors_and_matrices_are_no_number(link, width):
    assert not any(link.contains(value) for value in (0.0, 0.5, 1.0, np.nan))


# Directions -------------------------------------------------------------------------------------


def test_direction_is_the_angle_of_a_complex_number():
    raw = np.random.default_rng(0).normal(size=(50, 3, 2))
    angle = direction(torch.tensor(raw))
    np.testing.assert_allclose(angle, np.angle(raw[..., 0] + 1j * raw[..., 1]), rtol=1e-15)


@pytest.mark.parametrize("length", [1e-2, 1.0, 1e8])
def test_gradient_of_direction_is_finite_differences(length):
    turn = np.linspace(-3.1, 3.1, 20)
    raw = torch.tensor(length * np.column_stack([np.cos(turn), np.sin(turn)]), requires_grad=True)
    step = 1e-6 * length
    assert torch.autograd.gradcheck(direction, raw, eps=step, atol=1e-6 / length, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_direction_and_its_gradient_are_finite_everywhere(dtype):
    values = [0.0, -0.0, 1e-300, -1e-30, 1e-4, -1.0, *FAR]
    raw = torch.cartesian_prod(*[torch.tensor(values, dtype=dtype)] * 2).requires_grad_()
    angle = direction(raw)
    (gradient,) = torch.autograd.grad(angle.sum(), raw)
    assert angle.dtype == gradient.dtype == dtype
    assert (angle.abs() <= np.float32(np.pi)).all()
    assert gradient.isfinite().all()
    assert (gradient.norm(dim=1) <= 1000 * (1 + 1e-6)).all()  # bounded where nothing is pointed at


def test_inverse_of_direction_goes_back():
    angle = np.linspace(-20, 20, 401)
    again = direction(torch.tensor(direction.inverse(angle))).numpy()
    np.testing.assert_allclose(np.exp(1j * again), np.exp(1j * angle), atol=1e-14)


def test_a_direction_may_be_fixed_to_any_finite_number():
    assert all(direction.contains(value) for value in (0.0, -1e300, 7.0))
    assert not any(direction.contains(value) for value in (np.nan, np.inf))


def test_contrasts_keep_the_differences_and_have_no_sum():
    raw = np.array([[0.3, -2.0, 7.0], [1e30, 0.0, -1e30]])
    value = Contrasts(3)(torch.tensor(raw)).numpy()
    np.testing.assert_allclose(value.sum(axis=1) / np.abs(raw).max(axis=1), 0, atol=1e-15)
    np.testing.assert_allclose(np.diff(value), np.diff(raw), rtol=1e-15)
    np.testing.assert_array_equal(Contrasts(3)(torch.tensor(value)), value)
    assert torch.autograd.gradcheck(Contrasts(3), torch.tensor(raw[:1], requires_grad=True))


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
