"""What is the law of an angle that comes from one of several members of the same family?"""

from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from .._numerics.arrays import in_numpy
from .law import Law
from .mixing import ContinuousMixingLaw
from .quadrature import NODES, UP_TO_NODE, WEIGHTS
from .von_mises import wrap

_STDS = np.arange(1.5, 10, 1.5)
_POWERS = np.linspace(0, 1, 9)


class CircularMixingLaw(ContinuousMixingLaw):
    """A mixture of angles lives on the circle cut open opposite to its mean direction."""

    def _of_base_family(self, method: str) -> Any:
        return getattr(self.family.base, method)(**self._of_base)

    @cached_property
    def center(self) -> np.ndarray:
        """Return the mean direction, in (-pi, pi]."""
        direction, length = self._directions, self._of_base_family("resultant")[0]
        parts = (self._average(length * f(direction)) for f in (np.sin, np.cos))
        return np.arctan2(*parts)

    @property
    def _directions(self) -> np.ndarray:
        return self._with_members(self.family.base.mean_direction, **self._of_base)

    @property
    def resultant(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the length of the mean of (cos y, sin y), and one minus it."""
        length, rest = self._of_base_family("resultant")
        away = self._directions - self.center[..., None]
        along = self._average(length * np.cos(away))
        return np.maximum(along, 0), self._average(rest + length * 2 * np.sin(away / 2) ** 2)

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        return self.center - np.pi, self.center + np.pi

    def cdf(self, y: np.ndarray) -> np.ndarray:
        low, high = self.support()
        return self._arc(low, np.clip(y, low, high))

    def sf(self, y: np.ndarray) -> np.ndarray:
        low, high = self.support()
        return self._arc(np.clip(y, low, high), high)

    # The members are cut elsewhere, so that their tails are none of the mixture's.
    logcdf, logsf = Law.logcdf, Law.logsf

    def _arc(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Return the probability of the arc from `start` to `end`, at most a turn above."""
        start, end = (np.asarray(value)[..., None] for value in (start, end))
        direction = self._directions
        low, high = direction - np.pi, direction + np.pi
        # Seen from a member's own cut, the arc may go beyond it. Whether it does is told by its
        # length: that of a whole turn ends where it starts.
        first = np.clip(wrap(start, direction), low, high)
        last = first + (end - start)
        beyond = last > high
        last = np.clip(wrap(end, np.where(beyond, last - 2 * np.pi, last)), low, high)
        with np.errstate(all="ignore"):
            (below_first, above_first), (below_last, above_last) = (
                (self.members.cdf(angle), self.members.sf(angle)) for angle in (first, last)
            )
        inside = np.where(
            below_last < above_first, below_last - below_first, above_first - above_last
        )
        return np.clip(self._average(np.where(beyond, above_first + below_last, inside)), 0, 1)

    def _bracket(self, below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = (np.broadcast_to(end, below.shape) for end in self.support())
        return low, high

    def mode(self) -> np.ndarray:
        return wrap(super().mode())

    def _places(self) -> np.ndarray:
        """Return angles, on a first axis, between which the members' densities are smooth."""
        rest = np.maximum(self._of_base_family("resultant")[1], 1e-15)
        steps = [*(std * np.sqrt(2 * rest) for std in _STDS)]
        steps += [(rest / 4) ** (1 - power) * np.pi**power for power in _POWERS]
        away = np.minimum(np.stack([0 * rest, *steps, *(-step for step in steps)]), np.pi)
        places = self._directions + np.maximum(away, -np.pi)
        return np.moveaxis(places, -1, 1).reshape(-1, *self.shape)

    def edges(self) -> np.ndarray:
        low, high = self.support()
        inner = np.clip(wrap(self._places(), self.center), low, high)
        return np.sort(np.concatenate([low[None], inner, high[None]]), axis=0)

    def _values_per_law(self) -> int:
        n_members = self.weights.shape[-1]
        return 2 * (2 * len(_STDS) + 2 * len(_POWERS) + 1) * len(NODES) * n_members**2

    def _disagreement(self) -> np.ndarray:
        """Integrate over half circles, which take the place of half lines.

        The angular distance of two directions is the number of diameters, per radian, that
        separate them.
        """
        folded = np.mod(self._places(), np.pi)
        ends = np.zeros((1, *self.shape)), np.full((1, *self.shape), np.pi)
        line = np.sort(np.concatenate([ends[0], folded, ends[1]]), axis=0)
        half = np.diff(line, axis=0)[:, None] / 2
        nodes, weights = (v.reshape(-1, *(1,) * len(self.shape)) for v in (NODES, WEIGHTS))
        y = line[:-1, None] + half * (1 + nodes)
        here, opposite = self._densities_at(y), self._densities_at(y + np.pi)
        measure = (half * weights)[..., None]
        of_half_circle = (measure * here).sum(axis=(0, 1))
        slope = opposite - here
        share = (measure * slope).sum(axis=1)
        before = of_half_circle + share.cumsum(axis=0) - share
        up_to_node = half[..., None] * np.einsum("ij,pj...->pi...", UP_TO_NODE, slope)
        spread = self._spread(before[:, None] + up_to_node)
        return (measure[..., 0] * spread).sum(axis=(0, 1))

    def _densities_at(self, y: np.ndarray) -> np.ndarray:
        """Return the density of each member."""

        def density(y: Tensor, **params: Tensor) -> Tensor:
            return self.family.base.log_prob(y, **params).exp()

        return in_numpy(density, y[..., None], **self._of_base)
