"""Which families average several members of the same family?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._laws.count_mixing import CountMixingLaw
from .._laws.mixing import MixingLaw, MixingLawWithAtoms, WeightedLaw
from .._numerics.arrays import in_numpy
from ._compound import Compound
from ._supports import Support


class Mixing(Compound):
    """A mixing family is a weighted average of several members of one family; abstract.

    Every parameter of `base` has an axis for the members, directly before its own ones.
    """

    @abstractmethod
    def log_weight(self, params: Mapping[str, Tensor]) -> Tensor:
        """Return the logarithms of the members' probabilities, on the last axis."""

    @property
    def support(self) -> Support:  # type: ignore[override]
        return self.base.support

    def log_prob(self, y: Tensor, *args: Any, **params: Any) -> Tensor:
        params = self._by_name(args, params)
        of_members = self.base.log_prob(y.unsqueeze(-1 - self.event_ndim), **self.of_base(params))
        return torch.logsumexp(self.log_weight(params) + of_members, dim=-1)

    def is_density(self, y: np.ndarray) -> np.ndarray:
        return self.base.is_density(y)

    def exposed(self, params: dict[str, Any], exposure: Any) -> dict[str, Any]:
        return super().exposed(params, exposure[..., None])

    def weights(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the members' probabilities, on the last axis, for parameters given as arrays."""

        def weights(**own: Tensor) -> Tensor:
            return self.log_weight(own).exp()

        return in_numpy(weights, **{name: np.asarray(params[name], float) for name in self.own})


class MixingOfNumbers(Mixing):
    """A mixing family of numbers has a frozen law that knows all of its answers; abstract."""

    def frozen(self, **params: np.ndarray) -> WeightedLaw:
        if self.support.discrete:
            return CountMixingLaw(self, params)
        return (MixingLawWithAtoms if self.support.atoms else MixingLaw)(self, params)

    def std(self, **params: np.ndarray) -> np.ndarray:
        return self.frozen(**params).std()
