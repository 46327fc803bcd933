"""Which rows does each member of a network see, and in which batches?"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import torch
from sklearn.utils import gen_batches
from torch import Tensor

from .sparse import SparseRows

_NUMBERS_PICKED = 2**18
"""Numbers of X that are picked together: many small picks cost more, few large ones memory."""


@dataclass(frozen=True)
class Rows:
    """The rows of training as tensors.

    An axis of members may stand before that of the rows, where each member has rows of its own.

    Parameters
    ----------
    x : Tensor or SparseRows of shape (n_samples, n_features)
        In the network's dtype.
    y : Tensor of shape (n_samples, n_outputs) or (n_samples, n_outputs, size)
        In training's units, float64.
    weight : Tensor of shape (n_samples,)
        With mean 1 over the rows of training and hold-out, float64.
    exposure : Tensor of shape (n_samples, 1), optional
        How long each row was watched, float64.
    """

    x: Tensor | SparseRows
    y: Tensor
    weight: Tensor
    exposure: Tensor | None = None

    def __len__(self) -> int:
        return self.weight.shape[-1]

    def __getitem__(self, part: slice) -> "Rows":
        where = (slice(None),) * (self.weight.ndim - 1) + (part,)
        exposure = None if self.exposure is None else self.exposure[where]
        return Rows(self.x[where], self.y[where], self.weight[where], exposure)

    def to(self, device: torch.device) -> "Rows":
        """Move the rows to another device."""
        exposure = None if self.exposure is None else self.exposure.to(device)
        return Rows(self.x.to(device), self.y.to(device), self.weight.to(device), exposure)

    def split(self, size: int) -> Iterator["Rows"]:
        """Cut the rows into parts of this size."""
        axis = self.weight.ndim - 1
        parts = [values.split(size, axis) for values in (self.x, self.y, self.weight)]
        if self.exposure is not None:
            parts.append(self.exposure.split(size, axis))
        return (Rows(*batch) for batch in zip(*parts, strict=True))

    def pick(self, index: Tensor) -> "Rows":
        """Return the rows at these positions, of shape (n_members, n)."""

        def picked(values: Tensor) -> Tensor:
            return values.index_select(0, index.flatten()).unflatten(0, index.shape)

        exposure = None if self.exposure is None else picked(self.exposure)
        x = self.x.pick(index) if isinstance(self.x, SparseRows) else picked(self.x)
        return Rows(x, picked(self.y), picked(self.weight), exposure)


@dataclass(frozen=True)
class MemberRows:
    """The rows of each member of a network, picked from those that all members share.

    Parameters
    ----------
    shared : Rows
    log_jacobian_of_rows : Tensor of shape (n_samples,)
        What the loss of each shared row gains on the way back to y's units, float64.
    index : Tensor of shape (n_members, n), optional
        Positions of each member's rows; all rows for every member where it is left out.
    """

    shared: Rows
    log_jacobian_of_rows: Tensor
    index: Tensor | None = None

    def __len__(self) -> int:
        return len(self.shared) if self.index is None else self.index.shape[1]

    def __getitem__(self, part: slice) -> Rows:
        return self.shared[part] if self.index is None else self.shared.pick(self.index[:, part])

    def batches(self, size: int) -> Iterator[Rows]:
        """Go through all rows in batches of this size."""
        n_members = 1 if self.index is None else len(self.index)
        n_batches = _NUMBERS_PICKED // (size * n_members * max(1, self.shared.x.shape[1]))
        for block in gen_batches(len(self), max(1, n_batches) * size):
            yield from self[block].split(size)

    def shuffled(self, random_states: list[np.random.RandomState]) -> Self:
        """Return the same rows in another order, which is each member's own."""
        orders = [random_state.permutation(len(self)) for random_state in random_states]
        order = torch.from_numpy(np.stack(orders)).to(self.shared.x.device)
        index = order if self.index is None else self.index.gather(1, order)
        return type(self)(self.shared, self.log_jacobian_of_rows, index)

    @cached_property
    def total_weight(self) -> Tensor:
        """Sum of the weights of each member's rows."""
        weight = self.shared.weight
        return (weight if self.index is None else weight[self.index]).sum(dim=-1)

    @cached_property
    def log_jacobian(self) -> Tensor:
        """What each member's mean loss gains on the way back to y's units."""
        gain = self.log_jacobian_of_rows * self.shared.weight
        return (gain if self.index is None else gain[self.index]).sum(dim=-1) / self.total_weight
