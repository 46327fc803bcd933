"""Families for a y with several answers at once: mixtures of one family."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._base import Distribution
from ._mixing import MixingOfNumbers
from .finite import LabelDistribution
from .links import Components, Contrasts, Link, Softplus
from .real import Normal

__all__ = ["Mixture", "normal_mixture"]

_LEAST_SCALE = 1e-3
_START_SCALE = (0.05, 1e6)


class Mixture(MixingOfNumbers):
    """A mixture of several components of one family suits a y with several answers at one x.

    Density, with the weights w = softmax(logits)::

        p(y) = sum over k of w[k] * base(y; parameters[k])

    Every parameter of `base` becomes a vector with a value for each component, in the order in
    which the components start: along y's quantiles, the lowest first.

    Training starts with components spread over y's quantiles, and ends in a local maximum of the
    likelihood: fits from several `random_state` differ. Learned scales of real families stay above
    1e-3 of y's spread and start above 0.05 of it, so that no component collapses onto repeated
    values of y.

    Where y has one answer, `base` alone is easier to fit. The mean lies between the answers:
    ``point_estimate="mode"`` predicts the likeliest.

    Parameters
    ----------
    base : Distribution
        Family of a number, such as ``Normal()`` or ``Gamma(shape="constant")``. What it says of its
        parameters holds for each component: a constant one has a value for each component, a fixed
        one the same for all.
    n_components : int, default=3
        How many components.
    logits : None, "constant" or float, default=None
        Logarithms of the weights, up to a number that all share; learned ones have the sum 0. A
        fixed number is equal weights.

    References
    ----------
    C. Bishop (1994). Mixture density networks. Aston University, NCRG/94/004.
    """

    def __init__(self, base: Distribution, n_components: int = 3, logits: Any = None):
        self.base = base
        self.n_components = n_components
        self.logits = logits

    @property
    def own(self) -> Mapping[str, Link]:  # type: ignore[override]
        return {"logits": Contrasts(int(self.n_components))}

    @property
    def parameters(self) -> Mapping[str, Link]:  # type: ignore[override]
        of_base = {
            name: Components(_bounded(link), int(self.n_components))
            for name, link in self.base.parameters.items()
        }
        return {**self.own, **of_base}

    def check_base(self) -> None:
        """Raise a ValueError for a base, or a number of components, that makes no mixture."""
        n = self.n_components
        if not isinstance(n, Integral) or isinstance(n, bool) or n < 1:
            raise ValueError(
                f"n_components of Mixture must be a whole number, at least 1; got "
                f"{self.n_components!r}."
            )
        is_number = not self.base.event_ndim and not isinstance(self.base, LabelDistribution)
        if not is_number or any(link.together for link in self.base.parameters.values()):
            raise ValueError(
                f"a Mixture needs a base of single numbers, no angles, such as Normal(); got "
                f"{self.base!r}."
            )
        if self.base.support.atoms:
            raise ValueError(
                f"a Mixture needs a base with a density everywhere; got {self.base!r}. Put the "
                "inflation outside, as ZeroInflated(Mixture(Gamma())) does."
            )

    def log_weight(self, params: Mapping[str, Tensor]) -> Tensor:
        return torch.log_softmax(params["logits"], dim=-1)

    def annealing_weight(self, params: Mapping[str, Tensor]) -> Tensor | None:
        of_components = super().annealing_weight(params)
        if of_components is None:
            return None
        return (torch.softmax(params["logits"], dim=-1) * of_components).sum(dim=-1)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        """Return the base's guess for each of `n_components` parts of y with equal weight."""
        order = np.argsort(y, kind="stable")
        share = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
        part = np.empty(len(y), dtype=int)
        part[order] = np.minimum(share * int(self.n_components), int(self.n_components) - 1)
        everywhere = self.base.guess(y, weight, size)
        guesses = [
            {**everywhere, **self.base.guess(y[part == k], weight[part == k], size)}
            if (part == k).any()
            else everywhere
            for k in range(self.n_components)
        ]
        return {name: np.array([guess[name] for guess in guesses]) for name in everywhere}


def normal_mixture(n_components: int = 3) -> Mixture:
    """Return a mixture of normal distributions, for a real y with several answers at one x.

    Parameters
    ----------
    n_components : int, default=3
        How many components.

    Returns
    -------
    Mixture
        ``Mixture(Normal(), n_components)``.
    """
    return Mixture(Normal(), n_components)


def _bounded(link: Link) -> Link:
    """Return the link of a component's parameter: a scale that starts wide enough, and stays so."""
    return Softplus(_LEAST_SCALE, _START_SCALE) if isinstance(link, Softplus) else link
