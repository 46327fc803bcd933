"""Families for a y that is one of a few class labels."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import special, stats
from sklearn.utils.multiclass import type_of_target
from torch import Tensor

from .._laws.protocols import FrozenLaw
from ._base import Distribution
from ._supports import BINARY, CLASSES
from .links import identity, vector

__all__ = ["Bernoulli", "Categorical", "LabelDistribution"]

LEAST_PROBABILITY = 1e-15
"""A class without rows starts here: its maximum likelihood is zero, whose logarithm is no number.
The gradient of the marginal fit is zero to rounding there, and its search ends."""

_ROUNDING = 1e-5
"""The sum of a row of probabilities may be so far from 1: the rounding of float32, many times."""


class LabelDistribution(Distribution):
    """A label family is one over class labels, which training sees as 0, ..., n_classes - 1."""

    multi_class: ClassVar[bool] = True
    """It says whether there may be more than two labels."""

    def classes_of(self, y: np.ndarray, categories: np.ndarray | None = None) -> np.ndarray:
        """Return the labels in the order in which training counts them.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
        categories : ndarray of shape (n_classes,), optional
            All labels in their order, where the type of y knows one.

        Returns
        -------
        ndarray of shape (n_classes,)

        Raises
        ------
        ValueError
            Where the family is none for such labels.
        """
        return np.unique(y)

    def of_indicators(self) -> LabelDistribution | None:
        """Return the family of each column of indicators; None where y cannot be their matrix."""
        return None

    def widened(self, params: dict[str, Any], factor: float) -> dict[str, Any]:
        """Return the log-odds divided by the factor, which is known as temperature."""
        return {**params, **{name: params[name] / factor for name in self.parameters}}

    def frozen(self, *args: Any, **params: Any) -> FrozenLaw:
        """Return scipy's frozen distribution, where labels are numbers: 0 and 1 of `Bernoulli`."""
        raise NotImplementedError(
            f"{type(self).__name__} does not implement frozen, because labels are no numbers; use "
            "log_proba."
        )

    @abstractmethod
    def log_proba(self, *args: Any, **params: Any) -> np.ndarray:
        """Return the log-probabilities of all classes, for parameters given as arrays.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """


class Bernoulli(LabelDistribution):
    """The Bernoulli distribution suits a y that is one of two labels.

    Its negative log-likelihood is the logistic loss, also called binary cross-entropy.

    Mass, for y of 0 or 1::

        p(y) = exp(y * logits) / (1 + exp(logits))

    Parameters
    ----------
    logits : None, "constant" or float, default=None
        Log-odds of the second label in sorted order; log(p / (1 - p)). Where y is a 0/1 indicator
        matrix, those of a 1 in each column.

    References
    ----------
    D. R. Cox (1958). The regression analysis of binary sequences.
    """

    support = BINARY
    out_activation = "logistic"
    parameters: ClassVar = {"logits": identity}
    multi_class = False
    writes_slopes = True

    def __init__(self, logits: Any = None):
        self.logits = logits

    def classes_of(self, y: np.ndarray, categories: np.ndarray | None = None) -> np.ndarray:
        classes = np.unique(y)
        if len(classes) != 2:
            raise ValueError(
                f"Only binary classification is supported by {self!r}. The type of the target is "
                f"{type_of_target(y)}, with {len(classes)} class(es): {classes[:10].tolist()}. "
                "Use distribution='categorical'."
            )
        return classes

    def of_indicators(self) -> Bernoulli:
        return self

    def log_prob(self, y: Tensor, logits: Tensor) -> Tensor:
        return torch.nn.functional.logsigmoid((2 * y - 1) * logits)

    def value_and_slopes(
        self, y: np.ndarray, logits: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        value = -np.logaddexp(0, (1 - 2 * y) * logits)
        return value, {"logits": y - special.expit(logits)}

    def frozen(self, logits: np.ndarray) -> FrozenLaw:
        return stats.bernoulli(special.expit(logits))

    def mode(self, logits: np.ndarray) -> np.ndarray:
        return (logits > 0).astype(float)

    def log_proba(self, logits: np.ndarray) -> np.ndarray:
        return np.stack([special.log_expit(-logits), special.log_expit(logits)], axis=-1)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        p = np.clip(np.average(y, weights=weight), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        return {"logits": special.logit(p)}


class Categorical(LabelDistribution):
    """The categorical distribution suits a y that is one of any number of labels.

    Its negative log-likelihood is the cross-entropy of the softmax. With two labels it equals
    `Bernoulli` with the difference of the logits.

    Mass, for y of 0, ..., n_classes - 1::

        p(y) = exp(logits[y]) / sum(exp(logits))

    Soft targets are rows y of probabilities, one for each class, as several annotators or another
    model give them. What is minimized is then the cross-entropy of such rows::

        -sum(y * log(p))

    Parameters
    ----------
    logits : None or "constant", default=None
        One score per label, in sorted order of the labels; the softmax turns them into
        probabilities.
    soft_targets : bool, default=False
        Whether y holds a row of probabilities for each row of X, instead of a label.

    References
    ----------
    C. Bishop (2006). Pattern Recognition and Machine Learning, section 4.3.4.
    """

    support = CLASSES
    out_activation = "softmax"
    parameters: ClassVar = {"logits": vector}
    writes_slopes = True

    def __init__(self, logits: Any = None, soft_targets: bool = False):
        self.logits = logits
        self.soft_targets = soft_targets

    @property
    def event_ndim(self) -> int:  # type: ignore[override]
        return int(self.soft_targets)

    def check_params(self) -> None:
        if not isinstance(self.soft_targets, bool | np.bool_):
            raise ValueError(
                f"soft_targets of {self!r} must be True, where y holds rows of probabilities, or "
                f"False; got {self.soft_targets!r}."
            )
        super().check_params()

    def check_target(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> None:
        """Raise a ValueError that names the first row of `y` that holds no probabilities."""
        if self.soft_targets:
            _check_shares(y, name, self)
        else:
            super().check_target(y, name, exposure)

    def of_indicators(self) -> Bernoulli | None:
        return None if self.soft_targets else Bernoulli(self.logits)

    def log_prob(self, y: Tensor, logits: Tensor) -> Tensor:
        log_p = torch.log_softmax(logits, dim=-1)
        return (y * log_p).sum(dim=-1) if self.soft_targets else at_label(log_p, y)

    def value_and_slopes(
        self, y: np.ndarray, logits: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        shifted = logits - logits.max(axis=-1, keepdims=True)
        p = np.exp(shifted)
        total = p.sum(axis=-1, keepdims=True)
        log_total = np.log(total)
        p /= total
        if self.soft_targets:
            of_all = y.sum(axis=-1, keepdims=True)
            return (y * (shifted - log_total)).sum(axis=-1), {"logits": y - of_all * p}
        is_label = y[..., None] == np.arange(p.shape[-1])
        at_label = np.where(is_label, shifted, 0).sum(axis=-1)
        return at_label - log_total[..., 0], {"logits": is_label - p}

    def mode(self, logits: np.ndarray) -> np.ndarray:
        return np.argmax(logits, axis=-1)

    def log_proba(self, logits: np.ndarray) -> np.ndarray:
        return special.log_softmax(logits, axis=-1)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        total = weight @ y if self.soft_targets else label_totals(y, weight, size)
        log_share = np.log(np.maximum(total / weight.sum(), LEAST_PROBABILITY))
        return {"logits": log_share - log_share.mean()}


def _check_shares(y: np.ndarray, name: str, family: Distribution) -> None:
    illegal = ~(y >= 0)
    if illegal.any():
        row, column = np.argwhere(illegal)[0]
        raise ValueError(
            f"{name} must hold probabilities for {family!r}, non-negative numbers; found "
            f"{y[row, column]:g} at row {row}, column {column} ({illegal.sum()} of {y.size} values "
            "are none)."
        )
    total = y.sum(axis=1)
    off = ~(np.abs(total - 1) <= _ROUNDING)
    if off.any():
        row = int(np.argmax(off))
        raise ValueError(
            f"{name} must hold rows of probabilities for {family!r}, each with the sum 1; "
            f"row {row} sums to {total[row]:g} ({off.sum()} of {len(y)} rows are off). Divide each "
            "row by its sum; where the columns are labels of their own, set soft_targets=False."
        )


def at_label(log_p: Tensor, y: Tensor) -> Tensor:
    """Return those of the log-probabilities of all labels, on the last axis, that `y` names."""
    shape = np.broadcast_shapes(y.shape, log_p.shape[:-1])
    log_p = log_p.expand(*shape, -1)
    return log_p.gather(-1, y.long().expand(shape).unsqueeze(-1)).squeeze(-1)


def label_totals(y: np.ndarray, weight: np.ndarray, size: int) -> np.ndarray:
    """Return the total weight of each of the labels 0, ..., size - 1."""
    return np.bincount(y.astype(int), weights=weight, minlength=size)
