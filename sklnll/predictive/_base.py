"""What do all predicted distributions share? One distribution per row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from ..distributions import Distribution

if TYPE_CHECKING:
    import pandas as pd

RandomState = int | np.random.RandomState | np.random.Generator | None


def as_generator(
    random_state: RandomState,
) -> np.random.RandomState | np.random.Generator:
    """Make a generator by scikit-learn's rule; numpy's newer generators pass, too."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    return check_random_state(random_state)


class Predictive(ABC):
    """A prediction holds one distribution per row; this is what all kinds of y share.

    Parameters
    ----------
    distribution : Distribution
        The family.
    params : mapping of str to ndarray
        Its parameters in y's units, with rows on the first axis.

    Attributes
    ----------
    novelty : ndarray of shape (n,) or None
        How far outside of the training rows each row of X lies: the largest distance of a column
        beyond its training range, in units of the column's spread. It is 0 where all columns lie
        inside, and infinite where a column differs that did not vary in training, where a category
        was never seen, and where a number is missing though none was in training. None where no
        estimator has made the prediction.
    """

    novelty: np.ndarray | None = None

    def __init__(self, distribution: Distribution, params: Mapping[str, np.ndarray]):
        self.distribution = distribution
        # In C order: torch takes no reversed views.
        self.params = {name: np.require(value, requirements="C") for name, value in params.items()}

    def __len__(self) -> int:
        return len(next(iter(self.params.values())))

    def __getitem__(self, rows: Any) -> Self:
        """Keep some rows: a slice, a mask, an array of positions, or one position."""
        if isinstance(rows, int | np.integer):
            rows = range(len(self))[rows]  # IndexError where it is out of range
            rows = slice(rows, rows + 1)
        part = self._with_params({name: value[rows] for name, value in self.params.items()})
        part.novelty = None if self.novelty is None else self.novelty[rows]
        return part

    def _as_novel_as(self, *others: Predictive) -> Self:
        """Take the novelty of predictions for the same rows: the largest that any of them saw."""
        known = [other.novelty for other in others if other.novelty is not None]
        self.novelty = np.max(known, axis=0) if known else None
        return self

    @abstractmethod
    def log_prob(self, y: ArrayLike) -> np.ndarray:
        """Compute the log-probability, or log-density, of `y`: the negative training loss."""

    @abstractmethod
    def mode(self) -> np.ndarray:
        """Find the most probable y of each row."""

    @abstractmethod
    def entropy(self) -> np.ndarray:
        """Compute the entropy of each row in nats, differential for densities."""

    @abstractmethod
    def rvs(self, size: int | None = None, random_state: RandomState = None) -> np.ndarray:
        """Draw one y from each row's distribution, or `size` of them on a further axis."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Make a pandas data frame of what is predicted, a row each; this needs pandas."""

    def _with_params(self, params: Mapping[str, np.ndarray]) -> Self:
        return type(self)(self.distribution, params)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.distribution!r}, n_rows={len(self)})"
