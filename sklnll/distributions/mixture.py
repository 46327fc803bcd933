"""Families for a y with several answers at once: mixtures of one family."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
import torch
from scipy import special
from torch import Tensor

from ._base import Distribution
from ._compound import Compound
from ._law import LEVELS, ContinuousLaw, CountLaw
from ._supports import Support
from .finite import LabelDistribution
from .links import Components, Contrasts, Link, Softplus
from .real import Normal

_LEAST_SCALE = 1e-3
_START_SCALE = (0.05, 1e6)


class Mixture(Compound):
    """Mixture of several components of one family, for a y with several answers at one x.

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
        return {"logits": Contrasts(self.n_components)}

    @property
    def parameters(self) -> Mapping[str, Link]:  # type: ignore[override]
        of_base = {
            name: Components(_bounded(link), self.n_components)
            for name, link in self.base.parameters.items()
        }
        return {**self.own, **of_base}

    @property
    def support(self) -> Support:  # type: ignore[override]
        return self.base.support

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

    def log_prob(self, y: Tensor, logits: Tensor, **params: Tensor) -> Tensor:
        components = self.base.log_prob(y.unsqueeze(-1), **params)
        return torch.logsumexp(torch.log_softmax(logits, dim=-1) + components, dim=-1)

    def annealing_weight(self, params: Mapping[str, Tensor]) -> Tensor | None:
        of_components = super().annealing_weight(params)
        if of_components is None:
            return None
        return (torch.softmax(params["logits"], dim=-1) * of_components).sum(dim=-1)

    def is_density(self, y: np.ndarray) -> np.ndarray:
        return self.base.is_density(y)

    def exposed(self, params: dict[str, Any], exposure: Any) -> dict[str, Any]:
        return super().exposed(params, exposure[..., None])

    def frozen(self, **params: np.ndarray) -> Any:
        kind = CountMixtureLaw if self.support.discrete else MixtureLaw
        return kind(self, params)

    def mode(self, **params: np.ndarray) -> np.ndarray:
        return self.frozen(**params).mode()

    def std(self, **params: np.ndarray) -> np.ndarray:
        return self.frozen(**params).std()

    def crps(self, y: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return self.frozen(**params).crps(y)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        """The base's guess for each of `n_components` parts of y with equal weight."""
        order = np.argsort(y, kind="stable")
        share = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
        part = np.empty(len(y), dtype=int)
        part[order] = np.minimum(share * self.n_components, self.n_components - 1)
        everywhere = self.base.guess(y, weight, size)
        guesses = [
            {**everywhere, **self.base.guess(y[part == k], weight[part == k], size)}
            if (part == k).any()
            else everywhere
            for k in range(self.n_components)
        ]
        return {name: np.array([guess[name] for guess in guesses]) for name in everywhere}


def normal_mixture(n_components: int = 3) -> Mixture:
    """Mixture of normal distributions, for a real y with several answers at one x.

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
    """The link of a component's parameter: a scale that starts wide enough, and stays so."""
    return Softplus(_LEAST_SCALE, _START_SCALE) if isinstance(link, Softplus) else link


class _Weighted:
    """What the laws of a mixture know of its components; mixed into a Law."""

    family: Mixture
    params: dict[str, np.ndarray]

    @property
    def weights(self) -> np.ndarray:
        """Of the components, on the last axis."""
        return special.softmax(self.params["logits"], axis=-1)

    @property
    def components(self) -> Any:
        """The base's frozen distribution, with the components on the last axis."""
        return self.family.base.frozen(**self.family.of_base(self.params))

    def _of_components(self, method: str, *args: Any) -> np.ndarray:
        with np.errstate(all="ignore"):
            values = getattr(self.components, method)(*(np.asarray(arg)[..., None] for arg in args))
        return np.broadcast_arrays(values, self.weights)[0]

    def _average(self, method: str, *args: Any) -> np.ndarray:
        return (self.weights * self._of_components(method, *args)).sum(axis=-1)

    def cdf(self, y: np.ndarray) -> np.ndarray:
        return self._average("cdf", np.asarray(y))

    def sf(self, y: np.ndarray) -> np.ndarray:
        return self._average("sf", np.asarray(y))

    def mean(self) -> np.ndarray:
        return self._average("mean")

    def var(self) -> np.ndarray:
        return self.std() ** 2

    def std(self) -> np.ndarray:
        """By the law of total variance, without squares that overflow."""
        distance = self._of_components("mean") - self.mean()[..., None]
        with np.errstate(all="ignore"):
            within = self.family.base.std(**self.family.of_base(self.params))
        spread = np.hypot(within, distance)
        largest = spread.max(axis=-1, keepdims=True)
        unit = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
        return unit[..., 0] * np.sqrt((self.weights * (spread / unit) ** 2).sum(axis=-1))

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        """Draw a component, then from it."""
        shape = self.weights.shape[:-1] if size is None else tuple(np.atleast_1d(size))
        random_state = np.random.default_rng() if random_state is None else random_state
        uniform = random_state.uniform(size=(*shape, 1))
        chosen = (uniform > self.weights.cumsum(axis=-1)[..., :-1]).sum(axis=-1)
        n_components = self.family.n_components
        draws = self.components.rvs(size=(*shape, n_components), random_state=random_state)
        return np.take_along_axis(draws, chosen[..., None], axis=-1)[..., 0]

    def _bracket(self, below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A quantile of the mixture lies between those of its components."""
        from_below = self._of_components("ppf", below)
        from_above = self._of_components("isf", above)
        quantiles = np.where((below < above)[..., None], from_below, from_above)
        return quantiles.min(axis=-1), quantiles.max(axis=-1)


class MixtureLaw(_Weighted, ContinuousLaw):
    """A mixture of densities for given parameters."""

    def edges(self) -> np.ndarray:
        low = [self._of_components("ppf", level) for level in LEVELS]
        high = [self._of_components("isf", level) for level in LEVELS[-2::-1]]
        # At its mode a component may have a kink.
        kinks = self.family.base.mode(**self.family.of_base(self.params))
        kinks = np.clip(np.broadcast_arrays(kinks, self.weights)[0], low[0], high[-1])
        return np.sort(
            np.concatenate([np.moveaxis(e, -1, 0) for e in (*low, *high, kinks)]), axis=0
        )

    # Towards an end of the support a density may rise like a power, which is smooth in log(y).

    @property
    def _is_positive(self) -> bool:
        return (self.family.support.low, self.family.support.high) == (0, np.inf)

    @property
    def _is_share(self) -> bool:
        return (self.family.support.low, self.family.support.high) == (0, 1)

    def _to_line(self, y: np.ndarray) -> np.ndarray:
        if self._is_positive:
            return np.log(np.maximum(y, 1e-300))
        return special.logit(np.clip(y, 1e-300, 1 - 1e-16)) if self._is_share else y

    def _from_line(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray | float]:
        if self._is_positive:
            return np.exp(t), np.exp(t)
        if self._is_share:
            return special.expit(t), special.expit(t) * special.expit(-t)
        return t, 1.0


class CountMixtureLaw(_Weighted, CountLaw):
    """A mixture of mass functions for given parameters."""

    def _range(self) -> tuple[float, float]:
        low, high = self._of_components("ppf", LEVELS[0]), self._of_components("isf", LEVELS[0])
        return low.min(), high.max()
