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
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LOG_PI = math.log(math.pi)
LOG_2PI = math.log(2 * math.pi)
HALF_LOG_2PI = 0.5 * LOG_2PI
_SERIES_FROM = 16.0


class _StirlingError(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        ctx.save_for_backward(a)
        direct = torch.lgamma(a) - (a - 0.5) * torch.log(a) + a - HALF_LOG_2PI
        inverse = 1 / a
        square = inverse * inverse
        tail = 1 / 1260 - square * (1 / 1680 - square * (1 / 1188 - square * (691 / 360360)))
        series = inverse * (1 / 12 - square * (1 / 360 - square * tail))
        return torch.where(a < _SERIES_FROM, direct, series)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return gradient * stirling_slope(a)


def stirling_error(a: Tensor) -> Tensor:
    """Log Gamma(a) minus Stirling's formula (a - 1/2) log(a) - a + log(2 pi) / 2, for a > 0."""
    return _StirlingError.apply(a)


def stirling_slope(a: Tensor) -> Tensor:
    """Derivative of `stirling_error`: digamma(a) - log(a) + 1 / (2 a), for a > 0."""
    direct = torch.digamma(a) - torch.log(a) + 0.5 / a
    square = 1 / (a * a)
    tail = 1 / 252 - square * (1 / 240 - square * (1 / 132 - square * (691 / 32760)))
    series = -square * (1 / 12 - square * (1 / 120 - square * tail))
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
    """log(x / mean) - x / mean + 1, for positive x and mean; zero, its maximum, at x = mean.

    `difference` is x - mean, where that is known better than by subtraction.
    """
    difference = x - mean if difference is None else difference
    return _LogRatioDeviance.apply(x, mean, difference.detach())


def log_poisson_mass(y: Tensor, rate: Tensor, difference: Tensor | None = None) -> Tensor:
    """Y log(rate) - rate - log(y!), with Gamma(y + 1) for y!; the masses of counts consist of it.

    `difference` is rate - y, where that is known better than by subtraction.
    """
    many = y > _SERIES_FROM
    some = torch.where(many, 0.0, y)
    few = torch.xlogy(some, rate) - rate - torch.lgamma(some + 1)
    count = torch.where(many, y, 17.0)
    saddle = count * log_ratio_deviance(rate, count, difference) - stirling_error(count)
    return torch.where(many, saddle - 0.5 * torch.log(count) - HALF_LOG_2PI, few)


def log_ratio(x: Tensor, reference: Tensor) -> Tensor:
    """log(x / reference) for positive numbers, exact to rounding where they are close."""
    u = (x - reference) / reference
    near = u.abs() < 0.5
    close = torch.log1p(torch.where(near, u, 0.0))
    return torch.where(near, close, torch.log(x) - torch.log(reference))


def exp_of_finite_slope(x: Tensor) -> Tensor:
    """exp(x), whose slope grows no more beyond x = 300: an infinite one makes NaN of a zero."""
    bounded = torch.exp(x.clamp(max=300)) * (1 + torch.relu(x - 300))
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
    """log(1 + t**2) without overflow."""
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
    """I1(k) / I0(k) for k >= 0, the mean cosine of a von Mises angle, and one minus it.

    Each is exact to rounding, however small.
    """
    direct = torch.special.i1e(k) / torch.special.i0e(k)
    inverse = 1 / k.clamp(min=_HANKEL_FROM)
    series = _polynomial(_ORDER_0_LESS_1, inverse) / _polynomial(_ORDER_0, inverse)
    rest = torch.where(k < _HANKEL_FROM, 1 - direct, series)
    return torch.where(k < _HANKEL_FROM, direct, 1 - rest), rest


def _polynomial(coefficients: list[float], x: Tensor) -> Tensor:
    value = torch.zeros_like(x)
    for coefficient in reversed(coefficients):
        value = coefficient + x * value
    return value


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
    """Log I0(k) - k, for k >= 0."""
    return _LogBesselI0.apply(k)


def log1mexp(x: Tensor) -> Tensor:
    """log(1 - exp(x)) for x < 0, exact near zero and far from it."""
    near = x > -math.log(2)
    small = torch.log(-torch.expm1(torch.where(near, x, -1.0)))
    return torch.where(near, small, torch.log1p(-torch.exp(torch.where(near, -1.0, x))))


def log_with_extra(p: Tensor, x: Tensor) -> Tensor:
    """log(p + (1 - p) * exp(x)) for x <= 0: a probability exp(x) with an extra one, p, mixed in."""
    near = x > -math.log(2)
    large = torch.log1p((1 - p) * torch.expm1(torch.where(near, x, 0.0)))
    return torch.where(near, large, torch.logaddexp(torch.log(p), torch.log1p(-p) + x))
