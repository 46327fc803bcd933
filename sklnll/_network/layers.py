"""What does each layer of the network compute, and how does a gradient pass back through it?

Layers write in place, or to memory of their own that is the same in each pass (all but
normalization over the batch): small networks are bound by allocation and by the bookkeeping of
automatic differentiation, not by arithmetic.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .._data.sparse import SparseRows

_BATCH_NORM_EPSILON = 1e-5
_BACKWARD = torch.ops.aten


@dataclass(frozen=True)
class Mode:
    """The way in which a pass treats its rows: as rows to predict, unless it trains.

    Parameters
    ----------
    row_weight : Tensor of shape (n_samples,) or (n_members, n_samples), optional
        Weights of the rows in batch normalization's statistics.
    momentum : float, optional
        Given, batches are normalized by their own statistics, and the running ones move towards
        these by this share.
    drop : bool, default=False
        Whether units are dropped.
    """

    row_weight: Tensor | None = None
    momentum: float | None = None
    drop: bool = False


class Layer(ABC):
    """A step of the network, forth and back; arrays carry a leading axis of members."""

    @abstractmethod
    def forward(self, h: Tensor, mode: Mode) -> Tensor:
        """Compute this layer's units from those before, of shape (n_members, n_rows, fan_in)."""

    @abstractmethod
    def backward(self, d: Tensor) -> Tensor:
        """Turn the gradient by this layer's output into that by its input.

        The gradients by learned arrays are noted on the way, and `d` may be changed.
        """


class Dense(Layer):
    """h @ matrix + bias.

    Parameters
    ----------
    arrays, gradients : sequence of Tensor
        The matrix, of shape (n_members, fan_in, fan_out), and, unless a norm follows that has it,
        the bias, of shape (n_members, 1, fan_out); where their gradients are noted.
    n_rows : int
    first : int, default=0
        Columns of the input that nothing learned comes before, first of all: `backward` leaves
        them out.
    """

    def __init__(
        self, arrays: Sequence[Tensor], gradients: Sequence[Tensor], n_rows: int, first: int = 0
    ):
        self._matrix, *self._bias = arrays
        self._d_matrix, *self._d_bias = gradients
        n_members, fan_in, fan_out = self._matrix.shape
        self._back = self._matrix[:, first:].mT
        self._out = self._matrix.new_empty(n_members, n_rows, fan_out)
        self._d_in = self._matrix.new_empty(n_members, n_rows, fan_in - first)
        self._in: Tensor | SparseRows = self._out

    def forward(self, h: Tensor | SparseRows, mode: Mode) -> Tensor:
        self._in = h
        if isinstance(h, SparseRows):
            h.product(self._matrix, out=self._out)
            return self._out.add_(self._bias[0]) if self._bias else self._out
        if self._bias:
            return torch.baddbmm(self._bias[0], h, self._matrix, out=self._out)
        return torch.bmm(h, self._matrix, out=self._out)

    def backward(self, d: Tensor) -> Tensor:
        if isinstance(self._in, SparseRows):
            self._in.transposed_product(d, out=self._d_matrix)
        else:
            torch.bmm(self._in.mT, d, out=self._d_matrix)
        if self._bias:
            torch.sum(d, 1, keepdim=True, out=self._d_bias[0])
        if self._d_in.shape[2]:
            torch.bmm(d, self._back, out=self._d_in)
        return self._d_in


class Norm(Layer):
    """(h - mean) / std * gain + bias, with the statistics of the batch or the running ones.

    Parameters
    ----------
    arrays, gradients : sequence of two Tensor of shape (n_members, 1, width)
        Bias and gain, and where their gradients are noted.
    running : Tensor of shape (n_members, 2, width)
        Running means and variances, which passes change where `Mode` says so.

    References
    ----------
    S. Ioffe and C. Szegedy (2015). Batch normalization: accelerating deep network training by
    reducing internal covariate shift. arXiv:1502.03167
    """

    def __init__(self, arrays: Sequence[Tensor], gradients: Sequence[Tensor], running: Tensor):
        self._bias, self._gain = arrays
        self._d_bias, self._d_gain = gradients
        self._running = running

    def forward(self, h: Tensor, mode: Mode) -> Tensor:
        # One row has no variance: it is normalized as a row to predict would be.
        self._share = None
        if mode.momentum is None or h.shape[1] == 1:
            mean, variance = self._running.unsqueeze(2).unbind(1)
        else:
            weight = mode.row_weight
            weight = h.new_ones(h.shape[1]) if weight is None else weight
            self._share = (weight / weight.sum(-1, keepdim=True)).to(h.dtype).unsqueeze(-1)
            mean = (self._share * h).sum(1, keepdim=True)
            variance = (self._share * (h - mean) ** 2).sum(1, keepdim=True)
            self._running.lerp_(torch.cat([mean, variance], 1), mode.momentum)
        self._std = torch.sqrt(variance + _BATCH_NORM_EPSILON)
        self._z = (h - mean) / self._std
        return self._z * self._gain + self._bias

    def backward(self, d: Tensor) -> Tensor:
        torch.sum(d, 1, keepdim=True, out=self._d_bias)
        torch.sum(d * self._z, 1, keepdim=True, out=self._d_gain)
        # The batch's own mean and variance move with each of its rows, by its share.
        along = self._d_bias + self._z * self._d_gain
        d_sum = d if self._share is None else d - self._share * along
        return d_sum * (self._gain / self._std)


class Activation(Layer):
    """A function of each unit.

    Parameters
    ----------
    name : str
        A key of `ACTIVATIONS`.
    shape : tuple of int
        That of the units.
    like : Tensor
        Of their dtype, on their device.
    """

    def __init__(self, name: str, shape: tuple[int, ...], like: Tensor):
        self._function, self._slope, in_place = ACTIVATIONS[name]
        self._out = None if in_place else like.new_empty(shape)

    def forward(self, h: Tensor, mode: Mode) -> Tensor:
        self._known = h
        return self._function(h, out=h if self._out is None else self._out)

    def backward(self, d: Tensor) -> Tensor:
        return self._slope(d, self._known)


def _identity(h: Tensor, out: Tensor) -> Tensor:
    return h


ACTIVATIONS: dict[str, tuple[Callable[..., Tensor], Callable[[Tensor, Tensor], Tensor], bool]] = {
    "identity": (_identity, lambda d, h: d, True),
    "logistic": (
        torch.sigmoid,
        lambda d, h: _BACKWARD.sigmoid_backward.grad_input(d, h, grad_input=d),
        True,
    ),
    "tanh": (
        torch.tanh,
        lambda d, h: _BACKWARD.tanh_backward.grad_input(d, h, grad_input=d),
        True,
    ),
    "relu": (
        lambda h, out: h.relu_(),
        lambda d, h: _BACKWARD.threshold_backward.grad_input(d, h, 0, grad_input=d),
        True,
    ),
    "silu": (
        _BACKWARD.silu.out,
        lambda d, h: _BACKWARD.silu_backward.grad_input(d, h, grad_input=d),
        False,
    ),
}
"""Name -> the function; the gradient by its input, from that by its output; and whether it takes
the place of its input, because its slope follows from its value."""


class Dropout(Layer):
    """Units set to zero at random, the others raised to make up for them; only in training.

    Parameters
    ----------
    rate : float
        Share of the units that is dropped.
    shape : tuple of int
        That of the units.
    like : Tensor
        Of their dtype, on their device.
    generators : sequence of torch.Generator
        One for each member, so that others change nothing for it.

    References
    ----------
    N. Srivastava et al. (2014). Dropout: a simple way to prevent neural networks from overfitting.
    """

    def __init__(
        self,
        rate: float,
        shape: tuple[int, ...],
        like: Tensor,
        generators: Sequence[torch.Generator],
    ):
        self._rate = rate
        self._generators = generators
        self._out, self._kept = like.new_empty(shape), like.new_empty(shape)

    def forward(self, h: Tensor, mode: Mode) -> Tensor:
        if not mode.drop:
            return h
        for of_member, generator in zip(self._kept, self._generators, strict=True):
            of_member.uniform_(generator=generator)
        torch.ge(self._kept, self._rate, out=self._kept).div_(1 - self._rate)
        return torch.mul(h, self._kept, out=self._out)

    def backward(self, d: Tensor) -> Tensor:
        return d.mul_(self._kept)
