"""Families for a y that is a ranking of a few items."""

from abc import abstractmethod
from typing import Any, ClassVar, NoReturn

import numpy as np
import torch
from scipy import special
from torch import Tensor

from .._numerics.arrays import in_numpy
from ..orders import check_orders
from ._base import Distribution
from ._supports import ORDERS
from .links import vector

__all__ = ["PlackettLuce", "RankingDistribution"]

_LEAST_WORTH = 1e-8
"""An item that never wins starts at this share of the largest worth: its maximum likelihood, zero,
would never be left again."""
_MM_STEPS = 10
_MOST_ITEMS_FOR_ENTROPY = 12
_ROWS_AT_ONCE = 1000
"""The entropy of so many rows is computed together, to bound the memory it takes."""


class RankingDistribution(Distribution):
    """A ranking family is one over rankings of K items; abstract.

    One observation is an order: the items 0, ..., K - 1, best first, of which a partial ranking
    lists the first few and ends in -1. Its probability is that of all full rankings which begin
    so.
    """

    support = ORDERS
    out_activation = "softmax"
    event_ndim = 1

    def widened(self, params: dict[str, Any], factor: float) -> dict[str, Any]:
        """Return the scores divided by the factor, which is known as temperature."""
        return {**params, **{name: params[name] / factor for name in self.parameters}}

    def frozen(self, *args: Any, **params: Any) -> NoReturn:
        """Refuse: an order of items is no number."""
        raise NotImplementedError(
            f"{type(self).__name__} does not implement frozen, because orders are no numbers; use "
            "log_prob."
        )

    @abstractmethod
    def mode(self, *args: Any, **params: Any) -> np.ndarray:
        """Return the most probable order, for parameters given as arrays.

        Returns
        -------
        ndarray of int, of shape (n_samples, K)
        """

    @abstractmethod
    def log_proba(self, *args: Any, **params: Any) -> np.ndarray:
        """Return the log-probabilities of each item to come first, for parameters given as arrays.

        Returns
        -------
        ndarray of shape (n_samples, K)
        """

    @abstractmethod
    def pairwise(self, *args: Any, **params: Any) -> np.ndarray:
        """Return the probabilities P(i before j), for parameters given as arrays; zero for i = j.

        Returns
        -------
        ndarray of shape (n_samples, K, K)
        """

    @abstractmethod
    def draw(
        self,
        size: int,
        generator: np.random.RandomState | np.random.Generator,
        *args: Any,
        **params: Any,
    ) -> np.ndarray:
        """Draw orders, for parameters given as arrays.

        Returns
        -------
        ndarray of int, of shape (n_samples, size, K)
        """

    def entropy(self, *args: Any, **params: Any) -> np.ndarray:
        """Return the entropy in nats, for parameters given as arrays."""
        raise NotImplementedError(f"{type(self).__name__} does not implement entropy")

    def check_target(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> None:
        if exposure is not None:
            super().check_target(y, name, exposure)
        check_orders(y, name)


class PlackettLuce(RankingDistribution):
    """The Plackett-Luce distribution suits a y that is a ranking of K items or its first places.

    The first place is a choice among all items, with probabilities in proportion to their worths
    exp(scores); the second a choice among those that are left; and so on. With two items this is
    `Bernoulli`, the logistic regression of which one is better; with first places only it is
    `Categorical`.

    Mass, for y of items y[0], ..., y[k - 1], best first, k <= K::

        rest[j] = log(sum(exp(scores[i]) for all items i but y[0], ..., y[j]))
        p(y) = product over j < min(k, K - 1) of 1 / (1 + exp(rest[j] - scores[y[j]]))

    Items that a partial ranking does not list are among the rest at all of its places. The choice
    at a place does not depend on which items are already gone; where two items are near
    substitutes of each other, that is too simple.

    Parameters
    ----------
    scores : None or "constant", default=None
        One score for each item, a pure number; only their differences matter.

    References
    ----------
    R. D. Luce (1959). Individual Choice Behavior.
    R. L. Plackett (1975). The analysis of permutations. doi:10.2307/2346567
    D. R. Hunter (2004). MM algorithms for generalized Bradley-Terry models.
    doi:10.1214/aos/1079120141
    """

    parameters: ClassVar = {"scores": vector}

    def __init__(self, scores: Any = None):
        self.scores = scores

    def log_prob(self, y: Tensor, scores: Tensor) -> Tensor:
        shape = np.broadcast_shapes(y.shape, scores.shape)
        order = _completed(y).expand(shape)
        ordered = scores.expand(shape).gather(-1, order)
        rest = ordered[..., 1:].flip(-1).logcumsumexp(-1).flip(-1)
        # Each place as a logistic regression against the rest keeps the digits of sure choices.
        choice = torch.nn.functional.logsigmoid(ordered[..., :-1] - rest)
        return torch.where(y[..., :-1] >= 0, choice, 0.0).sum(dim=-1)

    def mode(self, scores: np.ndarray) -> np.ndarray:
        return np.argsort(-scores, axis=-1, kind="stable")

    def log_proba(self, scores: np.ndarray) -> np.ndarray:
        return special.log_softmax(scores, axis=-1)

    def pairwise(self, scores: np.ndarray) -> np.ndarray:
        before = special.expit(scores[..., :, None] - scores[..., None, :])
        return before * (1 - np.eye(scores.shape[-1]))

    def draw(
        self,
        size: int,
        generator: np.random.RandomState | np.random.Generator,
        scores: np.ndarray,
    ) -> np.ndarray:
        """Draw orders: those of the scores with independent Gumbel noise added."""
        noise = generator.gumbel(size=(len(scores), size, scores.shape[-1]))
        largest = scores.max(axis=-1, keepdims=True)
        return self.mode((scores - largest)[:, None] + noise)

    def entropy(self, scores: np.ndarray) -> np.ndarray:
        """Return the entropy in nats: the choices' expected entropies, over all sets of items.

        Raises
        ------
        NotImplementedError
            For more than 12 items, which have too many subsets.
        """
        n_items = scores.shape[-1]
        if n_items > _MOST_ITEMS_FOR_ENTROPY:
            raise NotImplementedError(
                f"the entropy of rankings is a sum over all subsets of the items, too many for "
                f"{n_items} (at most {_MOST_ITEMS_FOR_ENTROPY}); estimate it by "
                "-dist.log_prob(dist.rvs(1000)).mean(axis=1)."
            )
        blocks = np.array_split(scores, 1 + len(scores) // _ROWS_AT_ONCE)
        return np.concatenate([_entropy(block) for block in blocks])

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        order = in_numpy(_completed, y)
        chosen = weight[:, None] * (y >= 0)
        chosen[:, -1] = 0  # the last place is no choice
        worth = np.ones(size)
        for _ in range(_MM_STEPS):
            worth = _mm_step(worth, order, chosen)
        log_worth = np.log(worth)
        return {"scores": log_worth - log_worth.mean()}


def _completed(y: Tensor) -> Tensor:
    """Return the orders with unlisted items at their end, by number; any completion would do."""
    n_items = y.shape[-1]
    place = torch.full((*y.shape[:-1], n_items + 1), n_items)
    item = torch.where(y >= 0, y, n_items).long()
    place.scatter_(-1, item, torch.arange(n_items).expand(y.shape))
    return place[..., :n_items].argsort(dim=-1, stable=True)


def _mm_step(worth: np.ndarray, order: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Take Hunter's step towards the maximum likelihood: wins over expected wins for a worth of 1.

    Parameters
    ----------
    worth : ndarray of shape (n_items,)
    order : ndarray of int, of shape (n_samples, n_items)
        Completed orders.
    chosen : ndarray of shape (n_samples, n_items)
        The row's weight where an item was chosen before others, else zero.
    """
    left = worth[order][:, ::-1].cumsum(axis=1)[:, ::-1]
    hazard = (chosen / left).cumsum(axis=1)
    wins, expected = (
        np.bincount(order.ravel(), weights=values.ravel(), minlength=len(worth))
        for values in (chosen, hazard)
    )
    new = wins / expected
    return np.maximum(new / new.max(), _LEAST_WORTH)


def _entropy(scores: np.ndarray) -> np.ndarray:
    """Return the entropy: each set of items that may be left is reached with some probability, and
    one of them is chosen.
    """
    n_items = scores.shape[-1]
    reached = np.zeros((2**n_items, len(scores)))
    reached[-1] = 1
    entropy = np.zeros(len(scores))
    for left in range(2**n_items - 1, 0, -1):  # a set comes before all of its subsets
        items = [i for i in range(n_items) if left >> i & 1]
        log_p = special.log_softmax(scores[:, items], axis=-1)
        p = np.exp(log_p)
        entropy -= reached[left] * (p * log_p).sum(axis=-1)
        for column, item in enumerate(items):
            reached[left ^ (1 << item)] += reached[left] * p[:, column]
    return entropy
