"""Families for a y that is one of a few class labels that have an order."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from .._numerics.arrays import in_numpy
from ._places import in_the_type_of, places_of
from ._supports import CLASSES
from .finite import LEAST_PROBABILITY, LabelDistribution, at_label, label_totals
from .links import identity, ordered_from_zero

__all__ = ["Ordinal"]


class Ordinal(LabelDistribution):
    """Cumulative logits suit a y that is one of several labels with an order: grades, stages.

    A location on a hidden scale is seen through thresholds that cut the scale into classes. With
    constant thresholds this is the proportional odds model: x multiplies the odds of "at most
    this class" by the same factor for every class. `Categorical` knows no order and needs a
    column for each label; it is better where x does not move y up or down as a whole.

    Mass, for y of 0, ..., n_classes - 1 and n_classes - 1 thresholds::

        P(Y <= y) = 1 / (1 + exp(location - thresholds[y])), 1 for the last class
        p(y) = P(Y <= y) - P(Y <= y - 1)

    Numeric labels are ordered by value. All others need `order`, or a y that is an ordered
    categorical of pandas: the order of the alphabet is seldom meant.

    Parameters
    ----------
    location : None, "constant" or float, default=None
        Place on the hidden scale; the higher, the higher the class. A pure number: x moves the
        log-odds of a higher class by as much as the location.
    thresholds : None or "constant", default="constant"
        Places of the n_classes - 1 cuts. The first is 0, since the location has a constant term
        of its own. None makes the distances between them depend on x: the odds are then no
        longer proportional.
    order : sequence of labels, optional
        The labels from the lowest to the highest. Labels that y lacks are kept, as improbable
        ones. Not learned, and not one of the distribution's parameters.

    References
    ----------
    P. McCullagh (1980). Regression models for ordinal data. doi:10.1111/j.2517-6161.1980.tb01109.x
    """

    support = CLASSES
    out_activation = "logistic"
    parameters: ClassVar = {"location": identity, "thresholds": ordered_from_zero}

    def __init__(
        self,
        location: Any = None,
        thresholds: Any = "constant",
        order: Sequence[Any] | np.ndarray | None = None,
    ):
        self.location = location
        self.thresholds = thresholds
        self.order = order

    def check_params(self) -> None:
        super().check_params()
        if self.order is None:
            return
        if isinstance(self.order, str) or not np.iterable(self.order):
            raise ValueError(
                f"order of Ordinal must be a sequence of labels, from the lowest to the highest; "
                f"got {self.order!r}."
            )
        labels = list(self.order)
        repeated = [label for i, label in enumerate(labels) if label in labels[:i]]
        if repeated or len(labels) < 2:
            problem = f"{repeated[0]!r} stands there twice" if repeated else "they are too few"
            raise ValueError(
                f"order of Ordinal must hold two or more different labels, from the lowest to the "
                f"highest; got {labels}: {problem}."
            )

    def classes_of(self, y: np.ndarray, categories: np.ndarray | None = None) -> np.ndarray:
        classes = self._in_order(y, categories)
        if len(classes) < 2:
            raise ValueError(
                f"{self!r} needs two or more classes; y has {len(classes)} class(es): "
                f"{classes.tolist()}."
            )
        return classes

    def _in_order(self, y: np.ndarray, categories: np.ndarray | None) -> np.ndarray:
        if self.order is not None:
            return _in_the_type_of(y, list(self.order))
        if categories is not None:
            return categories
        classes = np.unique(y)
        _check_numeric(classes)
        return classes

    def log_prob(self, y: Tensor, location: Tensor, thresholds: Tensor) -> Tensor:
        return at_label(_log_proba(location, thresholds), y)

    def mode(self, location: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
        return np.argmax(self.log_proba(location, thresholds), axis=-1)

    def log_proba(self, location: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
        values = (np.asarray(value, dtype=float) for value in (location, thresholds))
        return in_numpy(_log_proba, *values)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        share = np.maximum(label_totals(y, weight, size) / weight.sum(), LEAST_PROBABILITY)
        # From both ends: one minus a sum would lose the last classes.
        at_most, above = share.cumsum()[:-1], share[::-1].cumsum()[::-1][1:]
        cuts = np.log(at_most) - np.log(above)
        return {"location": -cuts[0], "thresholds": cuts - cuts[0]}


def _log_proba(location: Tensor, thresholds: Tensor) -> Tensor:
    """Return the log-probabilities of all classes, on a last axis.

    With a < b the difference sigmoid(b) - sigmoid(a) is sigmoid(b) * sigmoid(-a) *
    (1 - exp(a - b)): no digit is lost, however far out a and b lie.
    """
    cut = thresholds - location.unsqueeze(-1)
    log_at_most = torch.nn.functional.logsigmoid(cut)
    log_above = torch.nn.functional.logsigmoid(-cut)
    # Far apart thresholds swallow a small gap between two others: zero would make NaN.
    gap = thresholds.diff(dim=-1).clamp(min=torch.finfo(thresholds.dtype).tiny)
    between = log_at_most[..., 1:] + log_above[..., :-1] + torch.log(-torch.expm1(-gap))
    return torch.cat([log_at_most[..., :1], between, log_above[..., -1:]], dim=-1)


def _in_the_type_of(y: np.ndarray, order: list[Any]) -> np.ndarray:
    """Return the labels that are listed, in y's type; those of y must be among them."""
    listed = np.fromiter(order, dtype=object, count=len(order))
    unknown = places_of(y, listed) < 0
    if unknown.any():
        row = int(np.argmax(unknown))
        raise ValueError(
            f"y contains the label {y[row : row + 1].tolist()[0]!r} at row {row}, which the order "
            f"of Ordinal lacks: {order}. List all labels, from the lowest to the highest."
        )
    return in_the_type_of(y, listed)


def _check_numeric(labels: np.ndarray) -> None:
    """Raise a ValueError for labels that have no order of their own."""
    if all(isinstance(label, Real) for label in labels.tolist()):
        return
    shown = labels[:10].tolist()
    raise ValueError(
        f"y holds labels that are no numbers, {shown}, and their alphabetical order is a trap: "
        f"Ordinal needs theirs. Give distribution=Ordinal(order=[...]), the labels from the "
        "lowest to the highest, or a y that is pandas.Categorical(y, categories=[...], "
        "ordered=True)."
    )
