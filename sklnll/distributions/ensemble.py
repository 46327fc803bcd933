"""What do several fitted members predict together? The average of their distributions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any, NoReturn

import numpy as np
import torch
from scipy import special
from torch import Tensor

from .._laws.circular_mixing import CircularMixingLaw
from .._laws.mixing import WeightedLaw, chosen_members
from .._numerics.arrays import in_numpy
from ._base import Distribution
from ._mixing import Mixing, MixingOfNumbers
from .circular import CircularDistribution
from .finite import LabelDistribution
from .links import Components, FixedLink, Link
from .multivariate import VectorDistribution
from .ranking import RankingDistribution

__all__ = ["ensemble_of"]

_MOST_ITEMS_FOR_MODE = 5
_MOST_ITEMS_FOR_ENTROPY = 7
_VALUES_AT_ONCE = 2_000_000
"""So many log-probabilities are computed together, to bound the memory it takes."""
_N_DRAWS = 200
"""So many draws from each member estimate the entropy of vectors."""


class MemberAverage(Mixing):
    """A member average is that of `n_members` distributions of the family `base`; abstract.

    Not trained, but predicted with: the parameters of `base` have an axis for the members directly
    before their own axes, and `weight`, the members' probabilities, has it last.
    """

    def __init__(self, base: Distribution, n_members: int):
        self.base = base
        self.n_members = n_members

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base!r}, {self.n_members})"

    @property
    def own(self) -> Mapping[str, Link]:  # type: ignore[override]
        return {"weight": Components(FixedLink("given by the ensemble"), self.n_members)}

    @property
    def parameters(self) -> Mapping[str, Link]:  # type: ignore[override]
        links = self.base.parameters
        return {**self.own, **{k: Components(v, self.n_members) for k, v in links.items()}}

    @property
    def event_ndim(self) -> int:  # type: ignore[override]
        return self.base.event_ndim

    def setting(self, name: str) -> Any:
        return 1 / self.n_members if name == "weight" else super().setting(name)

    def check_base(self) -> None:
        """Accept the base: a family that was fitted can be averaged."""

    def check_target(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> None:
        self.base.check_target(y, name, exposure)

    def log_weight(self, params: Mapping[str, Tensor]) -> Tensor:
        return torch.log(params["weight"])

    def _log_average(self, log_p: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Return the log of the members' average of probabilities that sum to one.

        Parameters
        ----------
        log_p : ndarray of shape (..., n_members, n_classes)
        weight : ndarray of shape (..., n_members)
        """
        log_average = special.logsumexp(log_p, b=weight[..., None], axis=-2)
        # The digits of a probability near 1 are those of all others.
        others = np.exp(log_average) @ (1 - np.eye(log_average.shape[-1]))
        return np.where(others < 0.5, np.log1p(-np.minimum(others, 0.5)), log_average)

    def _from_members(self, method: str, params: Mapping[str, np.ndarray], *args: Any) -> Any:
        """Return what `base` says of each member, in shape (n_samples, n_members, ...)."""
        shape = params["weight"].shape
        return _unflatten(getattr(self.base, method)(*args, **self._as_rows(params)), shape)

    def _as_rows(self, params: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the members' parameters, a member of a row in each row."""
        return {
            name: value.reshape(-1, *value.shape[2:])
            for name, value in self.of_base(params).items()
        }

    def _of_drawn(
        self, size: int, random_state: Any, params: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Return the parameters of `size` members drawn for each row, a draw in each row."""
        weight = params["weight"]
        chosen = chosen_members(np.repeat(weight[:, None], size, axis=1), random_state)
        index = (np.arange(len(weight))[:, None] * weight.shape[1] + chosen).ravel()
        return {name: value[index] for name, value in self._as_rows(params).items()}


class Ensemble(MemberAverage, MixingOfNumbers):
    """An ensemble averages several distributions of a number, as a set of networks predicts it.

    Density (or mass)::

        p(y) = sum over k of weight[k] * base(y; parameters[k])

    Where ends of the range have probabilities of their own, these are averaged, too. Several
    outputs are averaged each on its own.

    Parameters
    ----------
    base : Distribution
        Family of the members.
    n_members : int
        How many.

    References
    ----------
    B. Lakshminarayanan, A. Pritzel and C. Blundell (2017). Simple and scalable predictive
    uncertainty estimation using deep ensembles. arXiv:1612.01474
    """

    @property
    def exact(self) -> Ensemble:
        base = self.base.exact
        return self if base is self.base else Ensemble(base, self.n_members)

    def frozen(self, **params: np.ndarray) -> WeightedLaw:
        exact = self.exact
        return super().frozen(**params) if exact is self else exact.frozen(**params)


class CircularEnsemble(MemberAverage, MixingOfNumbers, CircularDistribution):  # type: ignore[override]
    """A circular ensemble averages several distributions of an angle; see `Ensemble`.

    The circle is cut open opposite to the mean direction of the average.
    """

    def frozen(self, **params: np.ndarray) -> CircularMixingLaw:
        return CircularMixingLaw(self, params)

    def mean_direction(self, *args: Any, **params: Any) -> np.ndarray:
        return self.frozen(**self._by_name(args, params)).center

    def resultant(self, *args: Any, **params: Any) -> tuple[np.ndarray, np.ndarray]:
        return self.frozen(**self._by_name(args, params)).resultant


class LabelEnsemble(MemberAverage, LabelDistribution):
    """A label ensemble averages several distributions over labels; see `Ensemble`."""

    def log_prob(self, y: Tensor, *args: Any, **params: Any) -> Tensor:
        if not self.event_ndim:
            return super().log_prob(y, *args, **params)
        # Of soft targets the cross-entropy: not an average of the members'.
        labels = torch.eye(y.shape[-1], dtype=y.dtype)
        log_p = [super(LabelEnsemble, self).log_prob(label, **params) for label in labels]
        return (y * torch.stack(log_p, dim=-1)).sum(dim=-1)

    def log_proba(self, *args: Any, **params: Any) -> np.ndarray:
        params = self._by_name(args, params)
        return self._log_average(self.base.log_proba(**self.of_base(params)), params["weight"])

    def mode(self, *args: Any, **params: Any) -> np.ndarray:
        return self.log_proba(*args, **params).argmax(axis=-1)


class VectorEnsemble(MemberAverage, VectorDistribution):  # type: ignore[override]
    """A vector ensemble averages several joint distributions of vectors; see `Ensemble`.

    The mode is the best of the members' modes and their average. The entropy is the average of
    the members' and what draws from them say of their difference: exact where members agree, else
    it has a standard error of about 0.02 nats.
    """

    member_ndim = 1

    def size(self, params: Mapping[str, np.ndarray]) -> int:
        return self.base.size({name: value[:, 0] for name, value in self.of_base(params).items()})

    def contains(self, y: np.ndarray) -> np.ndarray:
        return self.base.contains(y)

    def frozen(self, *args: Any, **params: Any) -> NoReturn:
        raise NotImplementedError(
            f"{type(self).__name__} does not implement frozen: scipy has no averages of "
            f"distributions of vectors such as {self!r}; use the methods of the predicted "
            "distribution."
        )

    def marginals(self, *args: Any, **params: Any) -> tuple[Distribution, dict[str, np.ndarray]]:
        family, of_rows = self.base.marginals(**self._as_rows(params))
        shape = params["weight"].shape
        members = {
            name: np.swapaxes(_unflatten(value, shape), 1, 2) for name, value in of_rows.items()
        }
        size = next(iter(members.values())).shape[1]
        weight = np.repeat(params["weight"][:, None], size, axis=1)
        return ensemble_of(family, self.n_members), {"weight": weight, **members}

    def cov(self, *args: Any, **params: Any) -> np.ndarray:
        """Return covariance matrices by the law of total covariance."""
        family, of_rows = self.base.marginals(**self._as_rows(params))
        weight = params["weight"]
        mean = _unflatten(np.asarray(family.frozen(**of_rows).mean()), weight.shape)
        away = mean - (weight[..., None] * mean).sum(axis=1, keepdims=True)
        between = away[..., None] * away[..., None, :]
        return (weight[..., None, None] * (self._from_members("cov", params) + between)).sum(axis=1)

    def mode(self, *args: Any, **params: Any) -> np.ndarray:
        modes = self._from_members("mode", params)
        average = (params["weight"][..., None] * modes).sum(axis=1, keepdims=True)
        candidates = np.concatenate([modes, average], axis=1)
        heights = np.nan_to_num(self._heights(candidates, params), nan=-np.inf, posinf=np.inf)
        highest = heights.argmax(axis=1)[:, None, None]
        return np.take_along_axis(candidates, highest, axis=1)[:, 0]

    def _heights(self, y: np.ndarray, params: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return log-densities at several vectors of each row, of shape (n_samples, n_vectors)."""
        return in_numpy(self.log_prob, y, **_with_axis(params))

    def entropy(self, *args: Any, **params: Any) -> np.ndarray:
        within = (params["weight"] * self._from_members("entropy", params)).sum(axis=1)
        size, n_members = self.size(params), self.n_members
        n_blocks = 1 + len(within) * n_members**2 * size * _N_DRAWS // _VALUES_AT_ONCE
        generator = np.random.default_rng(0)
        parts = [
            self._divergence({name: value[rows] for name, value in params.items()}, generator)
            for rows in np.array_split(np.arange(len(within)), n_blocks)
        ]
        return within + np.concatenate(parts)

    def _divergence(self, params: dict[str, np.ndarray], generator: Any) -> np.ndarray:
        """Average divergence of the members from all together, by draws from each."""
        draws = self.base.rvs(_N_DRAWS, generator, **self._as_rows(params))
        draws = _unflatten(draws, params["weight"].shape)
        own = {name: value.reshape(-1, *value.shape[2:])[:, None] for name, value in params.items()}
        own.pop("weight")
        flat = draws.reshape(-1, *draws.shape[2:])
        of_own = in_numpy(self.base.log_prob, flat, **own).reshape(draws.shape[:3])
        of_all = self._heights(draws.reshape(len(draws), -1, draws.shape[-1]), params)
        ratio = of_own - of_all.reshape(of_own.shape)
        return (params["weight"] * ratio.mean(axis=-1)).sum(axis=1)

    def rvs(self, size: int, random_state: Any, *args: Any, **params: Any) -> np.ndarray:
        drawn = self._of_drawn(size, random_state, params)
        return self.base.rvs(1, random_state, **drawn).reshape(len(params["weight"]), size, -1)

    def condition(
        self, params: dict[str, np.ndarray], known: list[int], values: np.ndarray
    ) -> dict[str, np.ndarray]:
        weight, members = params["weight"], self._as_rows(params)
        values = np.repeat(values, self.n_members, axis=0)
        rest = self.base.condition(members, known, values)
        log_density = self._log_density_of_known(members, known, values, rest)
        with np.errstate(divide="ignore"):
            log_weight = np.log(weight) + log_density.reshape(weight.shape)
        shaped = {name: _unflatten(value, weight.shape) for name, value in rest.items()}
        return {"weight": special.softmax(log_weight, axis=1), **shaped}

    def _log_density_of_known(
        self,
        members: dict[str, np.ndarray],
        known: list[int],
        values: np.ndarray,
        rest: dict[str, np.ndarray],
    ) -> np.ndarray:
        """Return the joint density over that of the rest given the known, at any rest."""
        inner = self.base.mode(**rest)
        size = values.shape[1] + inner.shape[1]
        y = np.empty((len(values), size))
        y[:, known] = values
        y[:, [j for j in range(size) if j not in known]] = inner
        joint = in_numpy(self.base.log_prob, y, **members)
        return joint - in_numpy(self.base.log_prob, inner, **rest)


class RankingEnsemble(MemberAverage, RankingDistribution):  # type: ignore[override]
    """A ranking ensemble averages several distributions over rankings; see `Ensemble`.

    The mode of up to five items is the most probable of all orders; of more, that of the members'
    modes, the order of the expected ranks and that of the first-place probabilities.
    """

    def log_proba(self, *args: Any, **params: Any) -> np.ndarray:
        return self._log_average(self._from_members("log_proba", params), params["weight"])

    def pairwise(self, *args: Any, **params: Any) -> np.ndarray:
        before = self._from_members("pairwise", params)
        return (params["weight"][..., None, None] * before).sum(axis=1)

    def draw(
        self,
        size: int,
        generator: np.random.RandomState | np.random.Generator,
        *args: Any,
        **params: Any,
    ) -> np.ndarray:
        drawn = self._of_drawn(size, generator, params)
        return self.base.draw(1, generator, **drawn).reshape(len(params["weight"]), size, -1)

    def mode(self, *args: Any, **params: Any) -> np.ndarray:
        modes = self._from_members("mode", params)
        if modes.shape[-1] <= _MOST_ITEMS_FOR_MODE:
            orders = _all_orders(modes.shape[-1])
            return orders[self._log_probs(orders, params).argmax(axis=1)]
        by_rank = self.pairwise(**params).sum(axis=1).argsort(axis=-1, kind="stable")
        by_first = (-self.log_proba(**params)).argsort(axis=-1, kind="stable")
        candidates = np.concatenate([modes, by_rank[:, None], by_first[:, None]], axis=1)
        best = self._log_probs(candidates, params).argmax(axis=1)[:, None, None]
        return np.take_along_axis(candidates, best, axis=1)[:, 0]

    def entropy(self, *args: Any, **params: Any) -> np.ndarray:
        """Return the entropy in nats, summed over all orders.

        Raises
        ------
        NotImplementedError
            For more than 7 items, which have too many orders.
        """
        n_items = self._from_members("log_proba", params).shape[-1]
        if n_items > _MOST_ITEMS_FOR_ENTROPY:
            raise NotImplementedError(
                f"the entropy of averaged rankings is a sum over all orders of the items, too many "
                f"for {n_items} (at most {_MOST_ITEMS_FOR_ENTROPY}); estimate it by "
                "-dist.log_prob(dist.rvs(1000)).mean(axis=1)."
            )
        log_p = self._log_probs(_all_orders(n_items), params)
        return -(np.exp(log_p) * log_p).sum(axis=1)

    def _log_probs(self, orders: np.ndarray, params: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return log-probabilities of orders (m, n_items), or (n_samples, m, n_items), by row."""
        n_samples, n_members = params["weight"].shape
        orders = np.broadcast_to(orders, (n_samples, *orders.shape[-2:])).astype(float)
        n_blocks = 1 + orders.size * n_members // _VALUES_AT_ONCE
        with_axis = _with_axis(params)
        parts = [
            in_numpy(
                self.log_prob, orders[rows], **{name: v[rows] for name, v in with_axis.items()}
            )
            for rows in np.array_split(np.arange(n_samples), n_blocks)
        ]
        return np.concatenate(parts)


def ensemble_of(family: Distribution, n_members: int) -> Distribution:
    """Return the family of averages of several distributions of a family.

    Parameters
    ----------
    family : Distribution
        That of the members.
    n_members : int
        How many.

    Returns
    -------
    Distribution
        Of the same kind of y. Its parameters are ``weight``, the members' probabilities, and those
        of `family` with an axis for the members directly before their own axes.

    Raises
    ------
    ValueError
        For no member, or a family that has a parameter called ``weight`` itself.

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.distributions import Normal, ensemble_of
    >>> from sklnll.predictive import predictive
    >>> params = {"loc": np.array([[0.0, 2.0]]), "scale": np.ones((1, 2))}
    >>> dist = predictive(ensemble_of(Normal(), 2), {"weight": np.full((1, 2), 0.5), **params})
    >>> dist
    ContinuousPredictive(Ensemble(Normal(), 2), n_rows=1)
    >>> dist.mean(), dist.var()
    (array([1.]), array([2.]))
    """
    if n_members < 1:
        raise ValueError(f"an ensemble must have at least one member; got n_members={n_members}.")
    if "weight" in family.parameters:
        raise ValueError(
            f"{family!r} has a parameter called 'weight', which is the name of the members' "
            "probabilities in an ensemble; rename it."
        )
    for kind, ensemble in _KINDS.items():
        if isinstance(family, kind):
            return ensemble(family, n_members)
    return Ensemble(family, n_members)


_KINDS: dict[Any, Any] = {
    RankingDistribution: RankingEnsemble,
    VectorDistribution: VectorEnsemble,
    CircularDistribution: CircularEnsemble,
    LabelDistribution: LabelEnsemble,
}


def _with_axis(params: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give parameters an axis for several values of y in each row."""
    return {name: value[:, None] for name, value in params.items()}


def _unflatten(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return values of a member of a row in each row in shape (n_samples, n_members, ...)."""
    return values.reshape(*shape, *values.shape[1:])


def _all_orders(n_items: int) -> np.ndarray:
    return np.array(list(permutations(range(n_items))))
