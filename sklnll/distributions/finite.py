"""Families for a y that is one of a few class labels."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import special, stats
from torch import Tensor

from ._base import Distribution
from ._supports import BINARY, CLASSES
from .links import identity, vector

_LEAST_PROBABILITY = 1e-8
"""Start of a class without rows: its maximum likelihood, zero, would never be left again."""


class LabelDistribution(Distribution):
    """A family over class labels, which training sees as 0, ..., n_classes - 1."""

    @abstractmethod
    def log_proba(self, *args: Any, **params: Any) -> np.ndarray:
        """Log-probabilities of all classes, for parameters given as arrays.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """


class Bernoulli(LabelDistribution):
    """Bernoulli distribution, for a y that is one of two labels.

    Its negative log-likelihood is the logistic loss, also called binary cross-entropy.

    Mass, for y of 0 or 1::

        p(y) = exp(y * logits) / (1 + exp(logits))

    Parameters
    ----------
    logits : None, "constant" or float, default=None
        Log-odds of the second label in sorted order; log(p / (1 - p)).

    References
    ----------
    D. R. Cox (1958). The regression analysis of binary sequences.
    """

    support = BINARY
    parameters: ClassVar = {"logits": identity}

    def __init__(self, logits: Any = None):
        self.logits = logits

    def log_prob(self, y: Tensor, logits: Tensor) -> Tensor:
        return torch.nn.functional.logsigmoid((2 * y - 1) * logits)

    def frozen(self, logits: np.ndarray) -> Any:
        return stats.bernoulli(special.expit(logits))

    def mode(self, logits: np.ndarray) -> np.ndarray:
        return (logits > 0).astype(float)

    def log_proba(self, logits: np.ndarray) -> np.ndarray:
        return np.stack([special.log_expit(-logits), special.log_expit(logits)], axis=-1)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        p = np.clip(np.average(y, weights=weight), _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
        return {"logits": special.logit(p)}


class Categorical(LabelDistribution):
    """Categorical distribution, for a y that is one of any number of labels.

    Its negative log-likelihood is the cross-entropy of the softmax. With two labels it equals
    `Bernoulli` with the difference of the logits.

    Mass, for y of 0, ..., n_classes - 1::

        p(y) = exp(logits[y]) / sum(exp(logits))

    Parameters
    ----------
    logits : None or "constant", default=None
        One score per label, in sorted order of the labels; the softmax turns them into
        probabilities.

    References
    ----------
    C. Bishop (2006). Pattern Recognition and Machine Learning, section 4.3.4.
    """

    support = CLASSES
    parameters: ClassVar = {"logits": vector}

    def __init__(self, logits: Any = None):
        self.logits = logits

    def log_prob(self, y: Tensor, logits: Tensor) -> Tensor:
        log_p = torch.log_softmax(logits, dim=-1)
        shape = torch.broadcast_shapes(y.shape, log_p.shape[:-1])
        log_p = log_p.expand(*shape, -1)
        return log_p.gather(-1, y.long().expand(shape).unsqueeze(-1)).squeeze(-1)

    def mode(self, logits: np.ndarray) -> np.ndarray:
        return np.argmax(logits, axis=-1)

    def log_proba(self, logits: np.ndarray) -> np.ndarray:
        return special.log_softmax(logits, axis=-1)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        share = np.bincount(y.astype(int), weights=weight, minlength=size) / weight.sum()
        log_share = np.log(np.maximum(share, _LEAST_PROBABILITY))
        return {"logits": log_share - log_share.mean()}
