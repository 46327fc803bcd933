"""Which pieces of a log-density need care, so that large parameters lose no digits?

Written with `lgamma` alone, a log-density is a small difference of large numbers: at shape 1e6 it
has no correct digit in float32. The densities are therefore written as Loader does it: a deviance,
plus the error of Stirling's formula. Each piece brings its derivative, which is simpler and faster
than what differentiating its branches would give.

References
----------
C. Loader (2000). Fast and accurate computation of binomial probabilities.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.polynomial.polynomial import polyval
from scipy import special
from torch import Tensor
from torch.autograd.function import once_differentiable

LOG_PI = math.log(math.pi)
LOG_2PI = math.log(2 * math.pi)
HALF_LOG_2PI = 0.5 * LOG_2PI
_SERIES_FROM = 16.0
_ERROR_SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
_SLOPE_SERIES = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760)


class _StirlingError(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        ctx.save_for_backward(a)
        direct = torch.lgamma(a) - (a - 0.5) * torch.log(a) + a - HALF_LOG_2PI
        inverse = a.reciprocal()
        series = inverse * _polynomial(_ERROR_SERIES, inverse * inverse)
        return torch.where(a < _SERIES_FROM, direct, series)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return gradient * stirling_slope(a)


def stirling_error(a: Tensor) -> Tensor:
    """Return log Gamma(a) minus Stirling's (a - 1/2) log(a) - a + log(2 pi) / 2, for a > 0."""
    return _StirlingError.apply(a)


def stirling_slope(a: Tensor) -> Tensor:
    """Return the derivative of `stirling_error`: digamma(a) - log(a) + 1 / (2 a), for a > 0."""
    inverse = a.reciprocal()
    direct = torch.digamma(a) - torch.log(a) + 0.5 * inverse
    square = inverse * inverse
    series = -square * _polynomial(_SLOPE_SERIES, square)
    return torch.where(a < _SERIES_FROM, direct, series)


class _LogRatioDeviance(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, mean: Tensor, difference: Tensor) -> Tensor:
        ctx.save_for_backward(x, mean, difference)
        u = difference / mean
        # Near zero log(1 + u) = 2 artanh(s) with s = u / (2 + u), whose first term takes u away.
        s = u / (2 + u)
        square = s * s
        series = torch.zeros_like(s)
        for k in range(17, 1, -2):
            series = 1 / k + square * series
        near = s * (2 * square * series - u)
        far = torch.log(x) - torch.log(mean) - u
        return torch.where(u.abs() < 0.2, near, far)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, mean, difference = ctx.saved_tensors
        slope = -gradient * (difference / mean)
        by_x, by_mean, _ = ctx.needs_input_grad
        return (
            (slope / x).sum_to_size(x.shape) if by_x else None,
            (-slope / mean).sum_to_size(mean.shape) if by_mean else None,
            None,
        )


def log_ratio_deviance(x: Tensor, mean: Tensor, difference: Tensor | None = None) -> Tensor:
    """Return log(x / mean) - x / mean + 1, for positive x and mean; zero, its maximum, at x = mean.

    `difference` is x - mean, where that is known better than by subtraction.
    """
    difference = x - mean if difference is None else difference
    return _LogRatioDeviance.apply(x, mean, difference.detach())


def log_poisson_mass(y: Tensor, rate: Tensor, difference: Tensor | None = None) -> Tensor:
    """Return y log(rate) - rate - log(y!), with Gamma(y + 1) for y!, which masses consist of.

    `difference` is rate - y, where that is known better than by subtraction.
    """
    many = y > _SERIES_FROM
    some = torch.where(many, 0.0, y)
    few = torch.xlogy(some, rate) - rate - torch.lgamma(some + 1)
    count = torch.where(many, y, 17.0)
    saddle = count * log_ratio_deviance(rate, count, difference) - stirling_error(count)
    return torch.where(many, saddle - 0.5 * torch.log(count) - HALF_LOG_2PI, few)


def log_beta_weight(
    y: Tensor, rest: Tensor, mean: Tensor, lack: Tensor, precision: Tensor
) -> Tensor:
    """Return log(y**a * rest**b / B(a, b)) with a = mean * precision and b = lack * precision.

    `rest` is 1 - y, and `lack` is 1 - mean. It is the log-density over the log-odds of y.
    """
    tiny = torch.finfo(precision.dtype).tiny
    a = (mean * precision).clamp(min=tiny)
    b = (lack * precision).clamp(min=tiny)
    deviance = a * log_ratio_deviance(y, mean) + b * log_ratio_deviance(rest, lack)
    total, of_a, of_b = stirling_error(torch.stack(torch.broadcast_tensors(precision, a, b)))
    norm = 0.5 * (torch.log(a) + torch.log(lack)) - HALF_LOG_2PI
    return deviance + total - of_a - of_b + norm


def log_ratio(x: Tensor, reference: Tensor) -> Tensor:
    """Return log(x / reference) for positive numbers, exact to rounding where they are close."""
    u = (x - reference) / reference
    near = u.abs() < 0.5
    close = torch.log1p(torch.where(near, u, 0.0))
    return torch.where(near, close, torch.log(x) - torch.log(reference))


def exp_of_finite_slope(x: Tensor) -> Tensor:
    """Return exp(x), with a slope that stays finite: an infinite one makes NaN of a zero."""
    bounded = torch.exp(x.clamp(max=300)) * (1 + (x - 300).clamp(0, 1e30))
    return bounded + (torch.exp(x) - bounded).detach()


class _Log1pSquare(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, t: Tensor) -> Tensor:
        ctx.save_for_backward(t)
        size = t.abs()
        return torch.where(size > 1e8, 2 * torch.log(size), torch.log1p(t * t))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (t,) = ctx.saved_tensors
        # 2 t / (1 + t**2), which stays right where the square overflows.
        return gradient * torch.where(t.abs() > 1, 2 / (t + 1 / t), 2 * t / (1 + t * t))


def log1p_square(t: Tensor) -> Tensor:
    """Return log(1 + t**2) without overflow."""
    return _Log1pSquare.apply(t)


# Hankel's expansion: I_v(k) is exp(k) / sqrt(2 pi k) times the sum of these terms over k**j.
_ORDER_0 = [1.0]
_ORDER_1 = [1.0]
for _j in range(1, 19):
    _ORDER_0.append(_ORDER_0[-1] * (2 * _j - 1) ** 2 / (8 * _j))
    _ORDER_1.append(_ORDER_1[-1] * ((2 * _j - 1) ** 2 - 4) / (8 * _j))
_ORDER_0_LESS_1 = [zero - one for zero, one in zip(_ORDER_0, _ORDER_1, strict=True)]
_HANKEL_FROM = 30.0


def bessel_ratio(k: Tensor) -> tuple[Tensor, Tensor]:
    """Return I1(k) / I0(k) for k >= 0, the mean cosine of a von Mises angle, and one minus it.

    Each is exact to rounding, however small.
    """
    direct = torch.special.i1e(k) / torch.special.i0e(k)
    inverse = 1 / k.clamp(min=_HANKEL_FROM)
    series = _polynomial(_ORDER_0_LESS_1, inverse) / _polynomial(_ORDER_0, inverse)
    rest = torch.where(k < _HANKEL_FROM, 1 - direct, series)
    return torch.where(k < _HANKEL_FROM, direct, 1 - rest), rest


def _polynomial(coefficients: Sequence[float], x: Tensor) -> Tensor:
    """Evaluate a polynomial by Horner's scheme; two or more coefficients, from the constant on."""
    value = x * coefficients[-1]
    for coefficient in coefficients[-2:0:-1]:
        value.add_(coefficient).mul_(x)
    return value.add_(coefficients[0])


# log Gamma(a + 1/2) - log Gamma(a) - log(a) / 2 is the sum of these terms over a**(2 k - 1).
_HALF_STEP = [
    float((2.0 ** (1 - 2 * k) - 2) * special.bernoulli(12)[2 * k] / (2 * k * (2 * k - 1)))
    for k in range(1, 7)
]
_HALF_STEP_SLOPE = [(1 - 2 * k) * term for k, term in enumerate(_HALF_STEP, start=1)]


def log_gamma_half_step(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log Gamma(a + 1/2) - log Gamma(a) - log(a) / 2 and its slope, for a > 0; in numpy."""
    near = np.minimum(a, _SERIES_FROM)
    direct = special.gammaln(near + 0.5) - special.gammaln(near) - 0.5 * np.log(near)
    slope = special.psi(near + 0.5) - special.psi(near) - 0.5 / near
    far = 1 / np.maximum(a, _SERIES_FROM)
    square = far * far
    is_near = a < _SERIES_FROM
    return (
        np.where(is_near, direct, far * polyval(square, _HALF_STEP)),
        np.where(is_near, slope, square * polyval(square, _HALF_STEP_SLOPE)),
    )


class _LogBesselI0(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, k: Tensor) -> Tensor:
        ctx.save_for_backward(k)
        return torch.log(torch.special.i0e(k))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (k,) = ctx.saved_tensors
        return -gradient * bessel_ratio(k)[1]


def log_bessel_i0e(k: Tensor) -> Tensor:
    """Return log I0(k) - k, for k >= 0."""
    return _LogBesselI0.apply(k)


def log1mexp(x: Tensor) -> Tensor:
    """Return log(1 - exp(x)) for x < 0, exact near zero and far from it."""
    near = x > -math.log(2)
    small = torch.log(-torch.expm1(torch.where(near, x, -1.0)))
    return torch.where(near, small, torch.log1p(-torch.exp(torch.where(near, -1.0, x))))


def log_with_extra(p: Tensor, x: Tensor) -> Tensor:
    """Return log(p + (1 - p) * exp(x)) for x <= 0: of exp(x) with an extra probability p."""
    near = x > -math.log(2)
    large = torch.log1p((1 - p) * torch.expm1(torch.where(near, x, 0.0)))
    return torch.where(near, large, torch.logaddexp(torch.log(p), torch.log1p(-p) + x))
