import mpmath as mp
import numpy as np
import pytest
import torch

from sklnll._numerics.special import log1p_square, log_ratio_deviance, stirling_error

# On both sides of each branch point, and far from it.
A = np.array([1e-300, 1e-8, 0.3, 1.0, 15.999999, 16.0, 16.000001, 40.0, 1e3, 1e8, 1e150, 1e300])
RATIO = np.array([1e-300, 1e-9, 0.5, 0.8, 0.7999999, 0.8000001, 1 - 1e-9, 1.0])
RATIO = np.concatenate([RATIO, [1 + 1e-9, 1.19999999, 1.2, 1.20000001, 2.0, 1e9, 1e300]])
T = np.array([0.0, 1e-300, 1e-160, 1e-9, 0.5, 1.0, 1.0000001, 3.0, 1e8, 1.0000001e8, 1e200, 1e300])


def exact_stirling_error(a):
    return mp.loggamma(a) - ((a - 0.5) * mp.log(a) - a + mp.log(2 * mp.pi) / 2)


def exact_log_ratio_deviance(x, mean):
    return mp.log(x / mean) - x / mean + 1


def exact_log1p_square(t):
    return mp.log1p(t * t)


def exactly(function, *columns):
    with mp.workdps(350):
        rows = zip(*(map(mp.mpf, map(float, column)) for column in columns), strict=True)
        return [float(function(*row)) for row in rows]


def exact_slope(function, *columns):
    """Derivative by the last argument, by a central difference in 350 digits."""

    def slope(*row):
        *others, last = row
        step = mp.mpf(10) ** -20 * (abs(last) or 1)
        return (function(*others, last + step) - function(*others, last - step)) / (2 * step)

    return exactly(slope, *columns)


def slope(function, *columns):
    leaves = [torch.tensor(column, requires_grad=True) for column in columns]
    return torch.autograd.grad(function(*leaves).sum(), leaves)[-1].numpy()


def test_stirling_error_is_exact():
    # Below the branch point it is a difference of numbers up to 30, hence atol.
    np.testing.assert_allclose(
        stirling_error(torch.tensor(A)), exactly(exact_stirling_error, A), rtol=1e-13, atol=1e-14
    )


def test_stirling_error_has_the_exact_slope():
    np.testing.assert_allclose(
        slope(stirling_error, A), exact_slope(exact_stirling_error, A), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("mean", [1e-3, 1.0, 7.0])
def test_log_ratio_deviance_is_exact(mean):
    x, means = RATIO * mean, np.full(len(RATIO), mean)
    np.testing.assert_allclose(
        log_ratio_deviance(torch.tensor(x), torch.tensor(means)),
        exactly(exact_log_ratio_deviance, x, means),
        rtol=1e-13,
    )


def test_log_ratio_deviance_is_exact_where_the_ratio_underflows():
    x, mean = np.array([1e-300, 1e-200, 1e-5]), np.array([1e200, 1e298, 1e305])
    np.testing.assert_allclose(
        log_ratio_deviance(torch.tensor(x), torch.tensor(mean)),
        exactly(exact_log_ratio_deviance, x, mean),
        rtol=1e-13,
    )


def test_log_ratio_deviance_has_the_exact_slopes():
    x, mean = RATIO[1:-1], np.full(len(RATIO) - 2, 0.7)
    np.testing.assert_allclose(
        slope(log_ratio_deviance, x, mean),
        exact_slope(exact_log_ratio_deviance, x, mean),
        rtol=1e-13,
    )
    np.testing.assert_allclose(
        slope(lambda m, v: log_ratio_deviance(v, m), mean, x),
        exact_slope(lambda m, v: exact_log_ratio_deviance(v, m), mean, x),
        rtol=1e-13,
    )


def test_log1p_square_is_exact():
    for t in (T, -T):
        np.testing.assert_allclose(
            log1p_square(torch.tensor(t)), exactly(exact_log1p_square, t), rtol=1e-14
        )


def test_log1p_square_has_the_exact_slope():
    for t in (T, -T):
        np.testing.assert_allclose(
            slope(log1p_square, t), exact_slope(exact_log1p_square, t), rtol=1e-14
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_branch_poisons_the_gradient_of_another(dtype):
    big, tiny = 0.1 * torch.finfo(dtype).max, 10 * torch.finfo(dtype).tiny
    ends = torch.tensor([tiny, 1.0, big], dtype=dtype)
    for function in (stirling_error, log1p_square):
        leaf = ends.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(function(leaf).sum(), leaf)
        assert gradient.isfinite().all()


def test_gradcheck_across_the_branch_points():
    near = torch.tensor([15.9, 16.1, 0.6, 50.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(stirling_error, near)
    x = torch.tensor([0.79, 0.81, 1.0, 1.19, 1.21], dtype=torch.float64, requires_grad=True)
    mean = torch.ones(1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(log_ratio_deviance, (x, mean))
    assert torch.autograd.gradcheck(log_ratio_deviance, (mean, x))
    t = torch.tensor([-2.0, -1.01, 0.0, 0.99, 1.01, 30.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(log1p_square, t)
