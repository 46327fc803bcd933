"""What did the rows look like that increments brought so far?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

_MOST_ROWS, _LEAST_ROWS = 128, 16
_MOST_NUMBERS = 2**17
"""Numbers of X that are kept, where its columns are many."""
_ENOUGH = 32
"""Rows that are compared with those before: so many say what all of them look like."""


@dataclass(frozen=True, eq=False)
class SeenRows:
    """A small sample of all rows seen, and the last few rows, which have not joined it yet.

    Parameters
    ----------
    X : ndarray of shape (n_kept, n_features), or (n_kept, 0) of sparse rows
        Those of the sample come first.
    y : ndarray of shape (n_kept, n_columns)
        y as it is encoded for training, in its units.
    n_sampled : int
        Rows of the sample.
    n_rows : int
        Rows for which the sample stands.
    """

    X: np.ndarray
    y: np.ndarray
    n_sampled: int = 0
    n_rows: int = 0

    @classmethod
    def none(cls, X: Any, y: np.ndarray) -> SeenRows:
        """Begin before the first rows, of which these have the columns."""
        return cls(_dense(X)[:0], y.reshape(len(y), -1)[:0])

    @classmethod
    def of_state(cls, state: dict[str, np.ndarray]) -> SeenRows:
        """Continue with what `state` returned."""
        n_sampled, n_rows = state["counts"].tolist()
        return cls(state["X"], state["y"], n_sampled, n_rows)

    def state(self) -> dict[str, np.ndarray]:
        """Return plain arrays, to continue later."""
        return {"X": self.X, "y": self.y, "counts": np.array([self.n_sampled, self.n_rows])}

    @property
    def weight(self) -> np.ndarray:
        """How many rows each of the kept ones stands for."""
        weight = np.ones(len(self.y))
        weight[: self.n_sampled] = self.n_rows / max(1, self.n_sampled)
        return weight

    def followed_by(self, X: Any, y: np.ndarray) -> SeenRows:
        """Add the rows of an increment to the last ones."""
        X, y = np.concatenate([self.X, _dense(X)]), np.concatenate([self.y, y])
        return SeenRows(X, y, self.n_sampled, self.n_rows)

    @property
    def are_compared(self) -> bool:
        """Whether the last rows are enough to be compared, and then to join the sample."""
        return len(self.y) - self.n_sampled >= _ENOUGH

    @property
    def covered(self) -> float:
        """Share of the sample that lies within the range of the last rows' y; 1 without a sample.

        Half of it, or less, is left out by one of a hundred million sets of rows that come in no
        order, whatever the distribution of y.
        """
        sample, last = self.y[: self.n_sampled], self.y[self.n_sampled :]
        if not len(sample):
            return 1.0
        inside = (last.min(axis=0) <= sample) & (sample <= last.max(axis=0))
        return float(inside.mean(axis=0).min(initial=1.0))

    def merged(self) -> SeenRows:
        """Let the last rows join the sample, each row seen with the same probability."""
        n_last, n_rows = len(self.y) - self.n_sampled, self.n_rows + len(self.y) - self.n_sampled
        size = _MOST_ROWS
        if self.X.shape[1]:
            size = min(size, max(_LEAST_ROWS, _MOST_NUMBERS // self.X.shape[1]))
        kept = np.arange(len(self.y))
        if len(kept) > size:
            random_state = np.random.RandomState(n_rows % 2**32)
            n_new = random_state.binomial(size, n_last / n_rows)
            n_new = min(max(n_new, size - self.n_sampled), n_last)
            old = random_state.permutation(self.n_sampled)[: size - n_new]
            new = self.n_sampled + random_state.permutation(n_last)[:n_new]
            kept = np.concatenate([old, new])
        return SeenRows(self.X[kept], self.y[kept], len(kept), n_rows)


def _dense(X: Any) -> np.ndarray:
    """Keep rows of an array; of sparse rows, whose units follow their largest numbers, none."""
    return np.empty((X.shape[0], 0)) if sparse.issparse(X) else X
