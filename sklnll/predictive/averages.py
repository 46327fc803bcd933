"""What do several predicted distributions say together, about the same y or side by side?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ..distributions import Categorical, Distribution
from ..distributions.ensemble import LabelEnsemble, MemberAverage, ensemble_of
from ._base import Predictive
from .labels import IndicatorPredictive, LabelPredictive, encode_labels
from .numbers import PredictiveDistribution
from .transformed import TransformedPredictive

_LEAST_LOG_PROB = np.log(np.finfo(float).tiny)
"""The log-probability of labels that a member never saw: finite, as those of all labels are."""

P = TypeVar("P", bound=Predictive)


def average(dists: Sequence[P], weights: Sequence[float] | None = None) -> P:
    """Average distributions of the same y, of one family.

    Parameters
    ----------
    dists : sequence of Predictive
        Predictions of numbers, vectors or rankings, for the same rows.
    weights : sequence of float, optional
        Weights of the distributions, non-negative; equal by default.

    Returns
    -------
    Predictive
        The average, of the family that `sklnll.distributions.ensemble_of` makes, or of the family
        itself where there is one distribution; members of members stand side by side.

    Raises
    ------
    TypeError
        For distributions of several families.
    """
    if len(dists) == 1:
        return dists[0]
    _check_alike(dists, "averaged", "Let all members predict the same family")
    share = _shares(weights, len(dists))
    families, members = zip(*(_as_members(dist) for dist in dists), strict=True)
    links = families[0].parameters
    params = {
        name: np.concatenate([m[name] for m in members], axis=-1 - links[name].event_ndim)
        for name in links
    }
    weight = [w * m["weight"] for w, m in zip(share, members, strict=True)]
    params["weight"] = np.concatenate(weight, axis=-1)
    mean = type(dists[0])(ensemble_of(families[0], params["weight"].shape[-1]), params)
    return mean._as_novel_as(*dists)


def average_of_labels(
    dists: Sequence[LabelPredictive],
    classes: np.ndarray,
    weights: Sequence[float] | None = None,
) -> LabelPredictive:
    """Average the probabilities of labels, whatever their families.

    Parameters
    ----------
    dists : sequence of LabelPredictive
        Predictions for the same rows. A label that one does not know is there as good as
        impossible.
    classes : ndarray of shape (n_classes,)
        All labels, in the order of the result's columns.
    weights : sequence of float, optional
        Weights of the distributions, non-negative; equal by default.

    Returns
    -------
    LabelPredictive
        An ensemble of `Categorical`, with a member for each distribution.
    """
    logits = np.full((len(dists[0]), len(dists), len(classes)), _LEAST_LOG_PROB)
    for k, dist in enumerate(dists):
        logits[:, k, encode_labels(dist.classes, classes)] = dist.log_probs
    weight = np.tile(_shares(weights, len(dists)), (len(logits), 1))
    family = LabelEnsemble(Categorical(), len(dists))
    mean = LabelPredictive(family, {"weight": weight, "logits": logits}, classes)
    return mean._as_novel_as(*dists)


def labels_by_probability(probs: np.ndarray, classes: np.ndarray) -> LabelPredictive:
    """Make a distribution of labels out of their probabilities, whatever these come from.

    Parameters
    ----------
    probs : ndarray of shape (n_samples, n_classes)
        Zero is taken for as good as impossible: its logarithm is about -708.
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    LabelPredictive
        Of a `Categorical`.
    """
    logits = np.log(np.maximum(probs, np.exp(_LEAST_LOG_PROB)))
    return LabelPredictive(Categorical(), {"logits": logits}, classes)


def side_by_side(dists: Sequence[Predictive]) -> PredictiveDistribution:
    """Join distributions of one family, each of its own number, as independent outputs of one.

    Parameters
    ----------
    dists : sequence of PredictiveDistribution
        Predictions of one output each, for the same rows.

    Returns
    -------
    PredictiveDistribution
        A prediction of ``len(dists)`` outputs.

    Raises
    ------
    TypeError
        For distributions of several families, or of other things than one number.
    """
    numbers = [_one_number(dist) for dist in dists]
    _check_alike(numbers, "put side by side", "Fit each output on its own")
    shapes = [{name: value.shape for name, value in dist.params.items()} for dist in numbers]
    if any(shape != shapes[0] for shape in shapes):
        raise TypeError(
            "outputs side by side must have parameters of the same shapes, such as equally many "
            f"members; got {shapes}. Fit each output on its own."
        )
    params = {
        name: np.stack([dist.params[name] for dist in numbers], axis=1)
        for name in numbers[0].params
    }
    return numbers[0]._with_params(params)._as_novel_as(*numbers)


def _one_number(dist: Predictive) -> PredictiveDistribution:
    if not isinstance(dist, PredictiveDistribution) or len(dist.shape) != 1:
        raise TypeError(f"outputs side by side must each be one number; got {dist!r}.")
    return dist


def _shares(weights: Sequence[float] | None, n_members: int) -> np.ndarray:
    share = np.ones(n_members) if weights is None else np.asarray(weights, dtype=float)
    return share / share.sum()


def _check_alike(dists: Sequence[Predictive], done: str, advice: str) -> None:
    families = sorted({repr(base_of(dist.distribution)) for dist in dists})
    kinds = {type(dist) for dist in dists}
    if kinds & {TransformedPredictive, LabelPredictive, IndicatorPredictive}:
        names = sorted(kind.__name__ for kind in kinds)
        raise TypeError(
            f"distributions of kind {names} cannot be {done}. {advice}; where the target is "
            "transformed, put TransformedTargetRegressor outside, around the others."
        )
    if len(families) > 1 or len(kinds) > 1:
        raise TypeError(
            f"only distributions of one family can be {done}; got {families}. {advice}."
        )


def base_of(family: Distribution) -> Distribution:
    """Return the family of the members, where several are averaged, else the family itself."""
    return family.base if isinstance(family, MemberAverage) else family


def _as_members(dist: Predictive) -> tuple[Distribution, dict[str, np.ndarray]]:
    """Return the members' family, and their parameters with an axis for them and their weight."""
    family, params = dist.distribution, dist.params
    if isinstance(family, MemberAverage):
        return family.base, params
    members = {
        name: np.expand_dims(value, value.ndim - family.parameters[name].event_ndim)
        for name, value in params.items()
    }
    name, value = next(iter(members.items()))
    shape = value.shape[: value.ndim - family.parameters[name].event_ndim]
    return family, {"weight": np.ones(shape), **members}
