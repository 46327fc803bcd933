"""Into which stretches is a half line divided, so that a rule of few points is exact on each?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np

Parts = TypeVar("Parts")

_MOST_SPLITS = 48
_PATIENCE = 4
_VALUES_AT_ONCE = 400_000


@dataclass(frozen=True)
class Stretches:
    """Stretches of half lines are many short ranges, each of one half line; flat arrays.

    Parameters
    ----------
    half : ndarray of int
        Number of the half line.
    start, length : ndarray
        Where the stretch begins, and how long it is.
    """

    half: np.ndarray
    start: np.ndarray
    length: np.ndarray

    def __len__(self) -> int:
        return len(self.half)

    def __getitem__(self, which: np.ndarray | slice) -> Stretches:
        return Stretches(self.half[which], self.start[which], self.length[which])


Measure = Callable[[Stretches], tuple[np.ndarray, np.ndarray]]
"""From stretches to integrals over each, on a first axis, of which the first is its probability;
and whether the rule is too rough there."""
Split = Callable[[Stretches], Stretches]


def measured(
    stretches: Stretches, measure: Measure, split: Split, n_rows: int, n_points: int, crowd: int
) -> tuple[Stretches, np.ndarray]:
    """Split stretches where the rule is rough, until it is exact; return them and their integrals.

    Parameters
    ----------
    stretches : Stretches
        To begin with.
    measure, split : callable
        What is known of stretches; and both parts of each.
    n_rows : int
    n_points : int
        At which the measure asks for the density in each stretch, to bound the memory it takes.
    crowd : int
        So many rough stretches of one row, after a few splits, are noise that no split removes.
    """
    done, found = [], []
    at_once = max(1, _VALUES_AT_ONCE // n_points)
    for depth in range(_MOST_SPLITS + 1):
        blocks = [
            measure(stretches[start : start + at_once])
            for start in range(0, max(len(stretches), 1), at_once)
        ]
        values = np.concatenate([block[0] for block in blocks], axis=1)
        rough = np.concatenate([block[1] for block in blocks])
        row = stretches.half % n_rows
        if depth >= _PATIENCE:
            rough &= np.bincount(row, weights=rough, minlength=n_rows)[row] <= crowd
        if depth == _MOST_SPLITS:
            rough[:] = False
        done.append(stretches[~rough])
        found.append(values[:, ~rough])
        if not rough.any():
            break
        stretches = split(stretches[rough])
    all_done = Stretches(
        *(np.concatenate([getattr(part, name) for part in done]) for name in vars(done[0]))
    )
    return all_done, np.concatenate(found, axis=1)


def tabulated(
    stretches: Stretches, values: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Put flat stretches into a table with a column for each half line, in their order.

    Parameters
    ----------
    stretches : Stretches
    values : ndarray of shape (n_values, n_stretches)
    last : ndarray of shape (n_halves,)
        Where each half line ends.

    Returns
    -------
    starts : ndarray of shape (n_most + 1, n_halves)
        Starts of the stretches, then the last end, repeated where a half line has fewer.
    table : ndarray of shape (n_values, n_most, n_halves)
        Zero where it has fewer.
    """
    order = np.lexsort((stretches.start, stretches.half))
    half = stretches.half[order]
    count = np.bincount(half, minlength=len(last))
    position = np.arange(len(half)) - (np.cumsum(count) - count)[half]
    n_most = max(int(count.max(initial=0)), 1)
    starts = np.tile(last, (n_most + 1, 1))
    starts[position, half] = stretches.start[order]
    table = np.zeros((len(values), n_most, len(last)))
    table[:, position, half] = values[:, order]
    return starts, table


def of_rows(parts: Parts, rows: np.ndarray, n_rows: int) -> Parts:
    """Take some of the rows out of a data class of arrays.

    Each array ends in an axis of all `n_rows` rows, or of both half lines of each.
    """
    halves = np.concatenate([rows, n_rows + rows])
    named: Any = parts
    values = (getattr(parts, field.name) for field in fields(named))
    return type(parts)(*(v[..., rows if v.shape[-1] == n_rows else halves] for v in values))
