"""Which probabilities of class labels are predicted at each row?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from ..distributions import LabelDistribution
from ._base import Predictive, RandomState, as_generator

if TYPE_CHECKING:
    import pandas as pd


class LabelPredictive(Predictive):
    """One predicted distribution over class labels per row.

    Parameters
    ----------
    distribution : LabelDistribution
        The family.
    params : mapping of str to ndarray
        Its parameters, rows on the first axis.
    classes : ndarray of shape (n_classes,)
        The labels, sorted.
    """

    distribution: LabelDistribution

    def __init__(
        self, distribution: LabelDistribution, params: Mapping[str, np.ndarray], classes: np.ndarray
    ):
        super().__init__(distribution, params)
        self.classes = classes

    def _with_params(self, params: Mapping[str, np.ndarray]) -> Self:
        return type(self)(self.distribution, params, self.classes)

    @property
    def log_probs(self) -> np.ndarray:
        """Log-probabilities of all labels, of shape (n, n_classes); finite however small."""
        return self.distribution.log_proba(**self.params)

    @property
    def probs(self) -> np.ndarray:
        """Probabilities of all labels, of shape (n, n_classes)."""
        return np.exp(self.log_probs)

    def log_prob(self, y: ArrayLike) -> np.ndarray:
        """Log-probability of each row's label: the negative of the training loss.

        Parameters
        ----------
        y : array-like of shape (n,)
            Labels out of `classes`.

        Returns
        -------
        ndarray of shape (n,)

        Raises
        ------
        ValueError
            If a label is not among `classes`.
        """
        y = np.asarray(y)
        if y.shape != (len(self),):
            raise ValueError(f"y must have shape ({len(self)},), a label a row; got {y.shape}.")
        position = encode_labels(y, self.classes)
        return self.log_probs[np.arange(len(y)), position]

    logpmf = log_prob

    def pmf(self, y: ArrayLike) -> np.ndarray:
        """Probability of each row's label."""
        return np.exp(self.log_prob(y))

    def mode(self) -> np.ndarray:
        """The most probable label."""
        return self.classes[self.log_probs.argmax(axis=1)]

    def entropy(self) -> np.ndarray:
        """Entropy in nats: 0 where one label is sure, log(n_classes) where all are equal."""
        return -(self.probs * self.log_probs).sum(axis=1)

    def rvs(self, size: int | None = None, random_state: RandomState = None) -> np.ndarray:
        """Draw labels; shape (n,), or (n, size)."""
        shape = (len(self), 1 if size is None else size)
        draws = as_generator(random_state).uniform(size=shape)
        cumulative = self.probs.cumsum(axis=1)
        cumulative /= cumulative[:, -1:]
        labels = self.classes[(draws[:, :, None] > cumulative[:, None, :]).sum(axis=-1)]
        return labels[:, 0] if size is None else labels

    def to_frame(self) -> pd.DataFrame:
        """The probabilities as a pandas data frame, a label each column; needs pandas."""
        import pandas as pd

        return pd.DataFrame(self.probs, columns=self.classes)


def encode_labels(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Positions of the labels `y` in the sorted `classes`.

    Raises
    ------
    ValueError
        If a label is not among `classes`.
    """
    unknown = ~np.isin(y, classes)
    if unknown.any():
        row = int(np.argmax(unknown))
        raise ValueError(
            f"y contains a label that was not seen in fit: {y[row]!r} at row {row}; "
            f"the classes are {classes.tolist()}."
        )
    return np.searchsorted(classes, y)
