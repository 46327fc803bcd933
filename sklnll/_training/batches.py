"""In which batches does each member of a network see its rows?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .._data.rows import MemberRows, Rows

_ROWS_FOR_STATISTICS, _NUMBERS_FOR_STATISTICS = 10_000, 2**24


@dataclass(frozen=True)
class Batches:
    """The rows of training in batches, which are drawn anew each time they are gone through.

    Parameters
    ----------
    rows : MemberRows
    size : int
        Rows of a batch.
    shuffle : bool
        Whether they come in random order, unless all rows make one batch.
    random_states : list of RandomState
        One for each member, so that others change nothing for it.
    """

    rows: MemberRows
    size: int
    shuffle: bool
    random_states: list[np.random.RandomState]

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self.size)

    def __iter__(self) -> Iterator[Rows]:
        rows = self.rows
        if self.shuffle and self.size < len(rows):
            rows = rows.shuffled(self.random_states)
        return rows.batches(self.size)

    def sample(self) -> Rows:
        """Return enough rows to tell the statistics of the hidden units."""
        rows, n_features = self.rows, self.rows.shared.x.shape[1]
        enough = min(_ROWS_FOR_STATISTICS, max(1, _NUMBERS_FOR_STATISTICS // n_features))
        if len(rows) > enough:
            rows = rows.shuffled(self.random_states)
        return rows[slice(0, enough)]
