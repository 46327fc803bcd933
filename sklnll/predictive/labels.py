"""Which probabilities of class labels are predicted at each row?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from .._data.columns import is_frame
from .._data.containers import take_out
from .._data.values import as_labels, as_numbers
from ..distributions import LabelDistribution
from ..distributions._places import places_of
from ._base import Predictive, RandomState, as_generator

if TYPE_CHECKING:
    import pandas as pd


class _OverClasses(Predictive, ABC):
    """Predicted probabilities have a column for each label, be it one label a row or several."""

    distribution: LabelDistribution

    def __init__(
        self, distribution: LabelDistribution, params: Mapping[str, np.ndarray], classes: np.ndarray
    ):
        super().__init__(distribution, params)
        self.classes = classes

    def _with_params(self, params: Mapping[str, np.ndarray]) -> Self:
        return type(self)(self.distribution, params, self.classes)

    @property
    @abstractmethod
    def log_probs(self) -> np.ndarray:
        """Return the log-probabilities, in the shape of `probs`; finite however small."""

    @property
    def probs(self) -> np.ndarray:
        """Return the probabilities of all labels, of shape (n, n_classes)."""
        return np.exp(self.log_probs)

    def to_frame(self) -> pd.DataFrame:
        """Make a pandas data frame of the probabilities, a label each column; this needs pandas."""
        import pandas as pd

        return pd.DataFrame(self.probs, columns=self.classes)


class LabelPredictive(_OverClasses):
    """Each row has a predicted distribution over class labels.

    Parameters
    ----------
    distribution : LabelDistribution
        The family.
    params : mapping of str to ndarray
        Its parameters, with rows on the first axis.
    classes : ndarray of shape (n_classes,)
        The labels, in the order of the columns of `probs`.
    """

    @property
    def log_probs(self) -> np.ndarray:
        """Return all labels' log-probabilities, of shape (n, n_classes); finite however small."""
        return self.distribution.log_proba(**self.params)

    @property
    def scores(self) -> np.ndarray:
        """Return the logits, which the sigmoid, or the softmax, turns into probabilities.

        For two labels they are the log-odds of the second, of shape (n,); else the
        log-probabilities, of shape (n, n_classes), which are logits too: the softmax gives them
        back.
        """
        log_probs = self.log_probs
        return log_probs[:, 1] - log_probs[:, 0] if len(self.classes) == 2 else log_probs

    def log_prob(self, y: ArrayLike) -> np.ndarray:
        """Compute the log-probability of each row's label: the negative of the training loss.

        Parameters
        ----------
        y : array-like of shape (n,), or (n, n_classes) for soft targets
            Labels out of `classes`; or rows of probabilities, for which it is the negative
            cross-entropy.

        Returns
        -------
        ndarray of shape (n,)

        Raises
        ------
        ValueError
            If a label is not among `classes`.
        """
        values = take_out(y, "y")
        if self.distribution.event_ndim and values.shape == (len(self), len(self.classes)):
            shares = as_numbers(y, "y")
            self.distribution.check_target(shares)
            return (shares * self.log_probs).sum(axis=1)
        values = as_labels(y, "y")
        if is_frame(y) and values.shape == (len(self), 1):
            values = values[:, 0]
        if values.shape != (len(self),):
            raise ValueError(
                f"y must have shape ({len(self)},), a label a row; got {values.shape}."
            )
        return self.log_probs[np.arange(len(self)), encode_labels(values, self.classes)]

    logpmf = log_prob

    def pmf(self, y: ArrayLike) -> np.ndarray:
        """Compute the probability of each row's label."""
        return np.exp(self.log_prob(y))

    def mode(self) -> np.ndarray:
        """Return the most probable label of each row, of shape (n,)."""
        return self.classes[self.log_probs.argmax(axis=1)]

    def entropy(self) -> np.ndarray:
        """Return the entropy in nats: 0 if one label is sure, log(n_classes) if all are equal."""
        return -(self.probs * self.log_probs).sum(axis=1)

    def rvs(self, size: int | None = None, random_state: RandomState = None) -> np.ndarray:
        """Draw labels, of shape (n,), or (n, size)."""
        shape = (len(self), 1 if size is None else size)
        draws = as_generator(random_state).uniform(size=shape)
        cumulative = self.probs.cumsum(axis=1)
        cumulative /= cumulative[:, -1:]
        labels = self.classes[(draws[:, :, None] > cumulative[:, None, :]).sum(axis=-1)]
        return labels[:, 0] if size is None else labels


class IndicatorPredictive(_OverClasses):
    """Each row has predicted probabilities of several labels, each of which is there or not.

    The labels of a row are independent of each other, given x.

    Parameters
    ----------
    distribution : LabelDistribution
        The family of each label.
    params : mapping of str to ndarray of shape (n, n_labels)
        Its parameters, with rows on the first axis.
    classes : ndarray of shape (n_labels,)
        The labels: numbers of the columns of y.
    """

    @property
    def log_probs_of_both(self) -> np.ndarray:
        """Return the log-probabilities of 0 and of 1, of shape (n, n_labels, 2)."""
        return self.distribution.log_proba(**self.params)

    @property
    def log_probs(self) -> np.ndarray:
        """Return the log-probabilities of a 1, of shape (n, n_labels); finite however small."""
        return self.log_probs_of_both[..., 1]

    @property
    def scores(self) -> np.ndarray:
        """Return the log-odds of a 1, of shape (n, n_labels)."""
        absent, present = np.moveaxis(self.log_probs_of_both, -1, 0)
        return present - absent

    def log_prob(self, y: ArrayLike) -> np.ndarray:
        """Compute the log-probability of each row of indicators: the negative training loss.

        Parameters
        ----------
        y : array-like of shape (n, n_labels)
            1 where a label is there, 0 where not.

        Returns
        -------
        ndarray of shape (n,)
            Summed over the labels.
        """
        encoded = encode_indicators(as_labels(y, "y"), len(self.classes))
        if len(encoded) != len(self):
            raise ValueError(
                f"y must have {len(self)} rows, like the predicted ones; got {len(encoded)}."
            )
        absent, present = np.moveaxis(self.log_probs_of_both, -1, 0)
        return np.where(encoded == 1, present, absent).sum(axis=1)

    logpmf = log_prob

    def pmf(self, y: ArrayLike) -> np.ndarray:
        """Compute the probability of each row of indicators."""
        return np.exp(self.log_prob(y))

    def mode(self) -> np.ndarray:
        """Return the most probable rows of 0 and 1, of shape (n, n_labels)."""
        return (self.scores > 0).astype(int)

    def entropy(self) -> np.ndarray:
        """Return the entropy of each row in nats, summed over the labels."""
        log_probs = self.log_probs_of_both
        return -(np.exp(log_probs) * log_probs).sum(axis=(1, 2))

    def rvs(self, size: int | None = None, random_state: RandomState = None) -> np.ndarray:
        """Draw rows of 0 and 1, of shape (n, n_labels), or (n, n_labels, size)."""
        shape = (*self.probs.shape, 1 if size is None else size)
        draws = as_generator(random_state).uniform(size=shape) < self.probs[..., None]
        return draws.astype(int)[..., 0] if size is None else draws.astype(int)


def encode_indicators(y: np.ndarray, n_labels: int, name: str = "y") -> np.ndarray:
    """Turn indicators of `n_labels` labels into float64; errors call them `name`.

    Raises
    ------
    ValueError
        If `y` has other columns, or holds anything but 0 and 1.
    """
    if y.ndim != 2 or y.shape[1] != n_labels:
        raise ValueError(
            f"{name} must be an indicator matrix, a column of 0 and 1 for each of {n_labels} "
            f"labels; got shape {y.shape}."
        )
    illegal = ~np.isin(y, [0, 1])
    if illegal.any():
        row, column = np.argwhere(illegal)[0]
        raise ValueError(
            f"{name} must be an indicator matrix, 1 where a label is there and 0 where not; found "
            f"{y[row, column]} at row {row}, column {column} ({illegal.sum()} of {y.size} values "
            "are neither)."
        )
    return y.astype(float)


def encode_labels(y: np.ndarray, classes: np.ndarray, name: str = "y") -> np.ndarray:
    """Find the positions of the labels `y` in `classes`; errors call them `name`.

    Raises
    ------
    ValueError
        If a label is not among `classes`.
    """
    places = places_of(y, classes)
    if (places < 0).any():
        row = int(np.argmax(places < 0))
        raise ValueError(
            f"{name} contains a label that was not seen in fit: {y[row]!r} at row {row}; "
            f"the classes are {classes.tolist()}."
        )
    return places
