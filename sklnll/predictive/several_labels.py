"""Which labels are predicted where y has several columns of them, each with its own classes?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._data.columns import is_frame
from .._data.containers import columns_of, take_out
from .._data.values import as_labels
from ._base import Predictive, RandomState, as_generator
from .labels import LabelPredictive

if TYPE_CHECKING:
    import pandas as pd


class SeveralLabelsPredictive(Predictive):
    """Each row has a predicted distribution over the labels of each of several outputs.

    The labels of a row are independent of each other, given x.

    Parameters
    ----------
    outputs : sequence of LabelPredictive
        The distributions of each output, for the same rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.distributions import Categorical
    >>> from sklnll.predictive import LabelPredictive, SeveralLabelsPredictive
    >>> p = np.log([[0.9, 0.1]])
    >>> color = LabelPredictive(Categorical(), {"logits": p}, np.array(["blue", "red"]))
    >>> size = LabelPredictive(Categorical(), {"logits": p}, np.array(["large", "small"]))
    >>> dist = SeveralLabelsPredictive([color, size])
    >>> dist.mode()
    array([['blue', 'large']], dtype='<U5')
    >>> dist.pmf([["blue", "small"]]).round(2)
    array([0.09])
    """

    def __init__(self, outputs: Sequence[LabelPredictive]):
        for output in outputs:
            if not isinstance(output, LabelPredictive):
                raise TypeError(f"outputs of labels must each be one label a row; got {output!r}.")
        self.outputs = list(outputs)
        params = {f"{j}": output.log_probs for j, output in enumerate(self.outputs)}
        super().__init__(self.outputs[0].distribution, params)

    def __getitem__(self, rows: Any) -> Self:
        return type(self)([output[rows] for output in self.outputs])

    @property
    def classes(self) -> list[np.ndarray]:
        """Return the labels of each output, in the order of the columns of `probs`."""
        return [output.classes for output in self.outputs]

    @property
    def probs(self) -> list[np.ndarray]:
        """Return the probabilities of each output's labels, of shape (n, n_classes) each."""
        return [output.probs for output in self.outputs]

    def columns_of_y(self, y: ArrayLike, name: str = "y") -> list[np.ndarray]:
        """Read the labels of each output; a ValueError calls them `name`."""
        if is_frame(y):
            columns = [column for _, column in columns_of(y)]
        else:
            table = take_out(y, name)
            columns = list(table.T) if table.ndim == 2 else []
        labels = [as_labels(column, name) for column in columns]
        if len(labels) != len(self.outputs) or any(len(column) != len(self) for column in labels):
            raise ValueError(
                f"{name} must have shape {(len(self), len(self.outputs))}, a column of labels for "
                f"each output; got shape {np.shape(y)}."
            )
        return labels

    def log_prob(self, y: ArrayLike) -> np.ndarray:
        """Compute the log-probability of each row of labels.

        Parameters
        ----------
        y : array-like of shape (n, n_outputs)

        Returns
        -------
        ndarray of shape (n,)
            Summed over the outputs.
        """
        columns = zip(self.outputs, self.columns_of_y(y), strict=True)
        return np.sum([output.log_prob(column) for output, column in columns], axis=0)

    logpmf = log_prob

    def pmf(self, y: ArrayLike) -> np.ndarray:
        """Compute the probability of each row of labels."""
        return np.exp(self.log_prob(y))

    def mode(self) -> np.ndarray:
        """Return the most probable label of each output, of shape (n, n_outputs)."""
        return beside_each_other([output.mode() for output in self.outputs])

    def entropy(self) -> np.ndarray:
        """Return the entropy of each row in nats, summed over the outputs."""
        return np.sum([output.entropy() for output in self.outputs], axis=0)

    def rvs(self, size: int | None = None, random_state: RandomState = None) -> np.ndarray:
        """Draw labels, of shape (n, n_outputs), or (n, n_outputs, size)."""
        generator = as_generator(random_state)
        return beside_each_other([output.rvs(size, generator) for output in self.outputs])

    def to_frame(self) -> pd.DataFrame:
        """Make a pandas data frame of the probabilities: columns are pairs of output and label."""
        import pandas as pd

        frames = {j: output.to_frame() for j, output in enumerate(self.outputs)}
        return pd.concat(frames, axis=1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.outputs!r})"


def beside_each_other(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Stack labels of several outputs on the second axis; of several types they are objects."""
    if len({column.dtype.kind for column in columns}) > 1:
        columns = [column.astype(object) for column in columns]
    return np.stack(columns, axis=1)
