"""Which numbers does the network see of each kind of column: of numbers, of gaps, of categories?

First come the numbers, scaled, with the middle of its column in the place of a missing one; then,
for each column that had gaps in training, whether it has one here; then 0 and 1 for each code of
the categories that have few; last the codes of those that have many, which the network embeds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from scipy import sparse

from .._numerics.statistics import weighted_mean_std
from .categories import Levels
from .columns import may_have_gaps
from .stored import check_array, check_part, check_places, check_whole_number, stored_error
from .x_units import InputScaling, has_two_values

_MOST_DUMMIES = 64
"""Codes of a column of categories up to which each has an input of its own."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """The map from the columns of X to what the network sees.

    Parameters
    ----------
    n_features : int
        Columns of X.
    numbers : tuple of int
        Places of the columns of numbers.
    middle : ndarray of shape (n_numbers,)
        Where a missing number is put, in X's units.
    scaling : InputScaling or None
        The map from X's units to the network's; None where it sees numbers as they are.
    two_valued : tuple of int
        Those of the numbers that had two values in training, by their place among the numbers.
    gaps : tuple of int
        Those of the numbers that were missing in some rows, by their place among the numbers.
    dummies : dict of int to ndarray
        Shares of the codes of each column of categories that has an input for each code; they stand
        for what has none.
    embedded : dict of int to int
        Number of codes of each column of categories that is embedded.
    """

    n_features: int
    numbers: tuple[int, ...]
    middle: np.ndarray
    scaling: InputScaling | None = None
    two_valued: tuple[int, ...] = ()
    gaps: tuple[int, ...] = ()
    dummies: dict[int, np.ndarray] = field(default_factory=dict)
    embedded: dict[int, int] = field(default_factory=dict)

    @classmethod
    def fit(cls, X: Any, weight: np.ndarray, levels: dict[int, Levels], *, embeds: bool) -> Self:
        """Choose what the network sees of each column, with numbers as they are.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            With codes in the columns of categories.
        weight : ndarray of shape (n_samples,)
        levels : dict of int to Levels
            Of each column of categories.
        embeds : bool
            Whether categories that have many codes are embedded.
        """
        numbers = tuple(j for j in range(X.shape[1]) if j not in levels)
        if sparse.issparse(X):
            return cls(X.shape[1], numbers, np.zeros(len(numbers)))
        of_numbers = _part(X, numbers)
        gaps: tuple[int, ...] = ()
        if may_have_gaps(of_numbers):
            is_missing = np.isnan(of_numbers)
            varies = is_missing.any(axis=0) & ~is_missing.all(axis=0)
            gaps = tuple(np.flatnonzero(varies).tolist())
        many = {j for j, of_column in levels.items() if embeds and len(of_column) > _MOST_DUMMIES}
        return cls(
            X.shape[1],
            numbers,
            _middle(of_numbers, weight),
            two_valued=tuple(k for k, x in enumerate(of_numbers.T) if has_two_values(x)),
            gaps=gaps,
            dummies={j: levels[j].shares for j in levels if j not in many},
            embedded={j: len(levels[j]) for j in levels if j in many},
        )

    @staticmethod
    def check(inputs: Any, name: str, levels: dict[int, Levels]) -> None:
        """Raise a ValueError that names the field of stored inputs that is not legal."""
        check_part(inputs, Inputs, name)
        check_whole_number(inputs.n_features, f"{name}.n_features", 1)
        if any(place >= inputs.n_features for place in levels):
            raise stored_error(f"{name}.n_features", f"above {max(levels)}", f"{inputs.n_features}")
        check_places(inputs.numbers, f"{name}.numbers", inputs.n_features)
        n_columns = len(inputs.numbers) + len(levels)
        if inputs.n_features != n_columns:
            raise stored_error(f"{name}.n_features", f"{n_columns}", f"{inputs.n_features}")
        expected = tuple(j for j in range(n_columns) if j not in levels)
        if inputs.numbers != expected:
            raise stored_error(f"{name}.numbers", "the columns without levels", "others")
        n_numbers = len(expected)
        check_array(inputs.middle, f"{name}.middle", (n_numbers,), empty=True)
        if inputs.scaling is not None:
            InputScaling.check(inputs.scaling, f"{name}.scaling", n_numbers)
        check_places(inputs.two_valued, f"{name}.two_valued", n_numbers)
        check_places(inputs.gaps, f"{name}.gaps", n_numbers)
        n_codes = {place: len(of_column) for place, of_column in levels.items()}
        for place, n in inputs.embedded.items():
            check_whole_number(n, f"{name}.embedded[{place}]", 1)
        for place, shares in inputs.dummies.items():
            check_array(shares, f"{name}.dummies[{place}]", np.shape(shares), empty=True)
        if inputs.n_codes != n_codes:
            raise stored_error(
                f"{name}.dummies", f"of {n_codes} codes a column", f"{inputs.n_codes}"
            )

    @property
    def n_plain(self) -> int:
        """Number of inputs, the codes of embedded categories aside."""
        return len(self.numbers) + len(self.gaps) + sum(map(len, self.dummies.values()))

    @property
    def waves(self) -> tuple[int, ...] | None:
        """Inputs of which the network may see cosines, the continuous ones; None for all."""
        left_out = set(self.two_valued) if self.is_bounded else set()
        if not left_out and self.n_plain == len(self.numbers):
            return None
        return tuple(k for k in range(len(self.numbers)) if k not in left_out)

    @property
    def n_waves(self) -> int:
        """Number of inputs of which the network may see cosines."""
        return self.n_plain if self.waves is None else len(self.waves)

    @property
    def gates(self) -> tuple[int, ...]:
        """The column of X from which each input, and each code that is embedded, comes."""
        columns = [*self.numbers, *(self.numbers[k] for k in self.gaps)]
        columns += [place for place, shares in self.dummies.items() for _ in shares]
        return (*columns, *self.embedded)

    @property
    def is_bounded(self) -> bool:
        """Whether no row of X is seen far outside of the others."""
        return self.scaling is not None and self.scaling.is_bounded

    @property
    def keeps_zeros(self) -> bool:
        """Whether zeros of sparse rows are zeros to the network, too."""
        return self.scaling is None or self.scaling.keeps_zeros

    def with_scaling(self, scaling: InputScaling) -> Self:
        """Return the same map with numbers in these units, whose center is the middle."""
        return replace(self, scaling=scaling, middle=scaling.center)

    def in_units_near_one(self, scaling: InputScaling | None) -> Self:
        """Return the same map with numbers in these units, if any, and the middle as it is."""
        return replace(self, scaling=scaling)

    @property
    def n_codes(self) -> dict[int, int]:
        """Number of codes of each column of categories, by its place in X."""
        return {**{place: len(shares) for place, shares in self.dummies.items()}, **self.embedded}

    def by_input(self, columns: np.ndarray) -> np.ndarray:
        """Say of each input what is said of its column; False of whether there are gaps.

        Parameters
        ----------
        columns : ndarray of bool, of shape (n_samples, n_features)

        Returns
        -------
        ndarray of bool, of shape (n_samples, n_plain + n_embedded)
        """
        parts = [_part(columns, self.numbers), np.zeros((len(columns), len(self.gaps)), bool)]
        parts += [columns[:, [place]].repeat(len(n), 1) for place, n in self.dummies.items()]
        return np.hstack([*parts, columns[:, list(self.embedded)]])

    def center_and_unit(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what each input was shifted by and divided by, 0 and 1 where it was not."""
        center, unit = np.zeros(self.n_plain), np.ones(self.n_plain)
        if self.scaling is not None:
            center[: len(self.numbers)] = self.scaling.center
            unit[: len(self.numbers)] = self.scaling.unit
        return center, unit

    def of_numbers(self, X: Any) -> Any:
        """Return the columns of numbers, dense ones with the middle in the place of gaps."""
        if sparse.issparse(X):
            return X
        of_numbers = _part(X, self.numbers)
        if not may_have_gaps(of_numbers):
            return of_numbers
        return np.where(np.isnan(of_numbers), self.middle.astype(X.dtype), of_numbers)

    def of_sparse(self, X: Any) -> Any:
        """Express sparse rows as the network sees them, where zeros stay zeros."""
        return X if self.scaling is None else self.scaling.of_sparse(X)

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Express rows as the network sees them; shape (n_samples, n_plain + n_embedded)."""
        z = self.of_numbers(X)
        if self.scaling is not None:
            z = self.scaling(z)
        parts = [z]
        if self.gaps:
            parts.append(np.isnan(_part(X, self.numbers)[:, list(self.gaps)]).astype(X.dtype))
        parts += [_dummies(X[:, place], shares) for place, shares in self.dummies.items()]
        parts += [_codes(X[:, place], n)[:, None] for place, n in self.embedded.items()]
        return z if len(parts) == 1 else np.hstack(parts)


def _part(X: np.ndarray, places: tuple[int, ...]) -> np.ndarray:
    """Return some of the columns; X itself where they are all."""
    return X if len(places) == X.shape[1] else X[:, list(places)]


def _middle(X: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the mean of what is known of each column; 0 where nothing is."""
    middle = np.zeros(X.shape[1])
    for k, column in enumerate(X.T):
        known = ~np.isnan(column)
        if known.any():
            middle[k] = weighted_mean_std(column[known].astype(float), weight[known])[0]
    return middle


def _dummies(codes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Write 1 in the place of each code, and 0 elsewhere; shares where there is no code."""
    known = ~np.isnan(codes)
    inputs = np.zeros((len(codes), len(shares)), codes.dtype)
    inputs[np.flatnonzero(known), codes[known].astype(int)] = 1
    inputs[~known] = shares
    return inputs


def _codes(codes: np.ndarray, n_codes: int) -> np.ndarray:
    """Give what has no code one that is beyond the others."""
    return np.where(np.isnan(codes), n_codes, codes).astype(codes.dtype)
