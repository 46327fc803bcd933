"""How do several raw outputs together become one parameter: a vector, a matrix, an angle?"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ._link import Identity, Link


class JointLink(Link):
    """A joint link maps onto vectors or matrices, which no number can fix; abstract."""

    domain = "predicted or 'constant', because it is a vector"
    together = True
    event_ndim = 1

    def contains(self, value: float) -> bool:
        return False


class Vector(JointLink, Identity):
    """A vector is as many raw columns as y has components or classes, passed on together."""


class Simplex(JointLink):
    """The parameter is softmax(raw): shares that sum to one, kept off 0 by rounding's width."""

    activation = "softmax"

    def __call__(self, raw: Tensor) -> Tensor:
        return torch.softmax(raw, dim=-1).clamp(min=torch.finfo(raw.dtype).tiny)

    def inverse(self, value: np.ndarray) -> np.ndarray:
        log_share = np.log(np.maximum(value, 1e-300))
        return log_share - log_share.mean(axis=-1, keepdims=True)


class CholeskyFactor(JointLink):
    """A lower triangular matrix, row by row, has the link `diagonal` there and none below.

    Parameters
    ----------
    diagonal : Link
        Onto positive numbers, with a floor that keeps the likelihood bounded.
    """

    domain = "predicted or 'constant', because it is a matrix"
    event_ndim = 2

    def __init__(self, diagonal: Link):
        self.diagonal = diagonal

    def width(self, size: int) -> int:
        return size * (size + 1) // 2

    def __call__(self, raw: Tensor) -> Tensor:
        size = math.isqrt(2 * raw.shape[-1])
        row, column = torch.tril_indices(size, size, device=raw.device)
        matrix = raw.new_zeros(*raw.shape[:-1], size, size)
        matrix[..., row, column] = torch.where(row == column, self.diagonal(raw), raw)
        return matrix

    def inverse(self, value: np.ndarray) -> np.ndarray:
        row, column = np.tril_indices(value.shape[-1])
        entries = value[..., row, column]
        raw = entries.copy()
        raw[..., row == column] = self.diagonal.inverse(entries[..., row == column])
        return raw


class Components(Link):
    """Each component of a mixture, or member of an ensemble, has a value by the same link.

    Parameters
    ----------
    link : Link
        That of one component.
    n_components : int
    """

    together = True

    def __init__(self, link: Link, n_components: int):
        self.link = link
        self.event_ndim = link.event_ndim + 1
        self.n_components = n_components
        self.domain = link.domain
        self.learnable = link.learnable
        self.start_range = link.start_range
        self.interior = link.interior

    @property
    def activation(self) -> str:
        return self.link.activation

    def width(self, size: int) -> int:
        return self.n_components

    def __call__(self, raw: Tensor) -> Tensor:
        return self.link(raw)

    def inverse(self, value: np.ndarray) -> np.ndarray:
        return self.link.inverse(value)

    def contains(self, value: float) -> bool:
        return self.link.contains(value)


class Contrasts(Components):
    """Only the differences of these numbers count: their sum is 0.

    Without that, no search could say where it ends.

    Parameters
    ----------
    n_components : int
    """

    def __init__(self, n_components: int):
        super().__init__(Identity(), n_components)

    def __call__(self, raw: Tensor) -> Tensor:
        return raw - raw.mean(dim=-1, keepdim=True)


class OrderedFromZero(JointLink):
    """The numbers increase, and the first is 0; each gap between neighbors has a raw column.

    Parameters
    ----------
    gap : Link
        From a raw column to a positive gap.
    """

    def __init__(self, gap: Link):
        self.gap = gap

    def width(self, size: int) -> int:
        return size - 2

    def __call__(self, raw: Tensor) -> Tensor:
        zero = raw.new_zeros((*raw.shape[:-1], 1))
        return torch.cat([zero, self.gap(raw).cumsum(dim=-1)], dim=-1)

    def inverse(self, value: np.ndarray) -> np.ndarray:
        return self.gap.inverse(np.diff(value))


class _Angle(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, raw: Tensor) -> Tensor:
        ctx.save_for_backward(raw)
        return torch.atan2(raw[..., 1], raw[..., 0])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (raw,) = ctx.saved_tensors
        cosine, sine = raw.unbind(-1)
        length = torch.hypot(cosine, sine).clamp(min=_NO_DIRECTION)
        across = torch.stack([-sine / length, cosine / length], dim=-1)
        return across * (gradient / length).unsqueeze(-1)


_NO_DIRECTION = 1e-3
"""So near to the origin, raw outputs point nowhere: there the gradient is bounded, lest one such
row outweighs all others."""


class Direction(Link):
    """The parameter is the angle of two raw outputs, atan2(raw[1], raw[0]).

    No jump: directions that are close have raw outputs that are close, also across -pi = pi.
    """

    domain = "a finite number"
    activation = "atan2"
    together = True
    scale_free = True

    def width(self, size: int) -> int:
        return 2

    def __call__(self, raw: Tensor) -> Tensor:
        return _Angle.apply(raw)

    def inverse(self, value: np.ndarray) -> np.ndarray:
        return np.stack([np.cos(value), np.sin(value)], axis=-1)

    def contains(self, value: float) -> bool:
        return bool(np.isfinite(value))
