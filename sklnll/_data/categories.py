"""Which levels does a column of categories have, and which number stands for each of its values?"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

import numpy as np

from .stored import check_array, check_flag, check_part, stored_error

_RARE = 5.0
"""Rows below which a level is taken together with the other rare ones."""
_NO_VALUES = {"NAType", "NaTType"}


@dataclass(frozen=True, eq=False)
class Levels:
    """The levels of a column of categories, the most frequent ones first.

    Their places are their codes. After them come, where training had any, the code of all rare
    levels together, which unseen ones share, and the code of a value that is missing. What training
    had nothing like has no code: it is NaN.

    Parameters
    ----------
    values : tuple of str, int, float or bool
    shares : ndarray of shape (n_codes,)
        Share of the training rows that has each code.
    has_others, has_gaps : bool, default=False
        Whether training had rare levels, or missing values.
    """

    values: tuple[Hashable, ...]
    shares: np.ndarray
    has_others: bool = False
    has_gaps: bool = False

    @classmethod
    def first_look(cls, column: Iterable[Any]) -> tuple[Self, np.ndarray]:
        """Give each value that occurs a code of its own; return the codes of the rows, too."""
        seen: dict[Hashable, int] = {}
        keys = as_keys(column)
        codes = np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=int)
        has_gaps = None in seen
        if has_gaps:  # whose code is the last one
            gap = seen.pop(None)
            order = np.append(np.delete(np.arange(len(seen) + 1), gap), gap).argsort()
            codes = order[codes]
        shares = np.bincount(codes, minlength=len(seen) + has_gaps) / max(1, len(codes))
        return cls(tuple(seen), shares, False, has_gaps), codes

    @staticmethod
    def check(levels: Any, name: str) -> None:
        """Raise a ValueError that names the field of stored levels that is not legal."""
        check_part(levels, Levels, name)
        values = levels.values
        if not isinstance(values, tuple) or not all(isinstance(v, str | Real) for v in values):
            raise stored_error(f"{name}.values", "a tuple of text and numbers", f"{values!r:.80}")
        if len(set(values)) < len(values):
            raise stored_error(f"{name}.values", "all different", "one of them twice")
        check_flag(levels.has_others, f"{name}.has_others")
        check_flag(levels.has_gaps, f"{name}.has_gaps")
        check_array(levels.shares, f"{name}.shares", (len(levels),))

    def __len__(self) -> int:
        """Return the number of codes."""
        return len(self.values) + self.has_others + self.has_gaps

    def settled(self, codes: np.ndarray, weight: np.ndarray) -> tuple[Self, np.ndarray]:
        """Sort levels by frequency, and take rare ones together.

        Parameters
        ----------
        codes : ndarray of int, of shape (n_samples,)
            Of `first_look`.
        weight : ndarray of shape (n_samples,)
            How many rows each row stands for.

        Returns
        -------
        levels : Levels
        codes : ndarray of shape (n_samples,)
            NaN where only rows of no weight have such a value.
        """
        counts = np.bincount(codes, weight, minlength=len(self))
        of_levels = counts[: len(self.values)]
        frequent = [i for i in range(len(self.values)) if of_levels[i] >= _RARE]
        frequent.sort(key=lambda i: (-of_levels[i], str(self.values[i])))
        rare = np.setdiff1d(np.arange(len(self.values)), frequent)
        gaps = np.arange(len(self.values), len(self))
        groups: list[Any] = [*([i] for i in frequent), rare, gaps]
        new_counts = np.array([counts[group].sum() for group in groups])
        has_others, has_gaps = (bool(n) for n in new_counts[-2:])
        exists = np.append(np.ones(len(frequent), bool), [has_others, has_gaps])
        new_code = np.where(exists, np.cumsum(exists) - 1.0, np.nan)
        codes_of = np.empty(len(self))
        for group, code in zip(groups, new_code, strict=True):
            codes_of[group] = code
        shares = new_counts[exists] / counts.sum()
        values = tuple(self.values[i] for i in frequent)
        return type(self)(values, shares, has_others, has_gaps), codes_of[codes]

    def codes(self, column: Iterable[Any]) -> np.ndarray:
        """Return the code of each value, as floats, of which NaN stands for what has none."""
        known: dict[Hashable, float] = {value: float(i) for i, value in enumerate(self.values)}
        other = float(len(self.values)) if self.has_others else np.nan
        known[None] = len(self) - 1.0 if self.has_gaps else np.nan
        return np.array([known.get(key, other) for key in as_keys(column)], dtype=float)

    @property
    def kinds(self) -> set[str]:
        """Whether the levels are text, numbers, or both."""
        return kinds_of(self.values)


def as_keys(column: Iterable[Any]) -> list[Hashable]:
    """Return values by which levels are known: text, numbers, or None for what is missing."""
    values = list(column)
    plain = {str, int, float, bool, type(None)}
    if {*map(type, values)} <= plain:
        return [None if value != value else value for value in values]
    return [_as_key(value) for value in values]


def _as_key(value: Any) -> Hashable:
    if value is None or type(value).__name__ in _NO_VALUES:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return None if value != value else float(value)
    return str(value)


def kinds_of(values: Iterable[Any]) -> set[str]:
    """Tell whether values are text, numbers, or both; missing ones are neither."""
    return {"text" if isinstance(v, str) else "numbers" for v in values if v is not None}
