"""Which columns of X are of categories, and how do rows become numbers, a code for each of them?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from scipy import sparse

from .categories import Levels, as_keys, kinds_of
from .checks import SKRUB
from .columns import column_of, is_frame, may_hold_text, name_place, names_of_columns
from .readable import NotNumbersError
from .stored import check_part, check_whole_number, stored_error

_LEAST_OF_MANY = 20
"""Different texts up to which a column is one of categories, however few its rows are."""
_MOST_LEVELS = 0.5
"""Different texts a row, from which on a column of text is one of names, or free text."""
_LOOKED_AT = 100
"""Texts of a column that are looked at to see whether they are dates."""
_DATE = re.compile(r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}.*)?\s*")


@dataclass(frozen=True, eq=False)
class Columns:
    """The kinds of X's columns in training.

    Parameters
    ----------
    levels : dict of int to Levels
        Those of each column of categories, by the place of the column.
    """

    levels: dict[int, Levels] = field(default_factory=dict)

    @staticmethod
    def check(columns: Any, name: str) -> None:
        """Raise a ValueError that names the field of stored columns that is not legal."""
        check_part(columns, Columns, name)
        if not isinstance(columns.levels, dict):
            raise stored_error(f"{name}.levels", "a dict", type(columns.levels).__name__)
        for place, levels in columns.levels.items():
            check_whole_number(place, f"{name}.levels", 0)
            Levels.check(levels, f"{name}.levels[{place}]")

    @property
    def places(self) -> list[int]:
        """Places of the columns of categories."""
        return list(self.levels)

    def n_codes(self) -> dict[int, int]:
        """Return how many codes each column of categories has."""
        return {place: len(levels) for place, levels in self.levels.items()}

    def codes(self, rows: Any, name: str, names: Sequence[Any] | None) -> dict[int, np.ndarray]:
        """Return the codes of other rows' categories.

        Raises
        ------
        NotNumbersError
            For a column that held text in training and now numbers, or the other way round.
        """
        return {
            place: _codes_of_same_kind(levels, column_of(rows, place), place, name, names)
            for place, levels in self.levels.items()
        }

    def settled(self, X: np.ndarray, weight: np.ndarray) -> Self:
        """Sort levels by frequency and take rare ones together; write the new codes into X."""
        in_all = weight * (len(weight) / weight.sum()) if (weight % 1).any() else weight
        levels = {}
        for place, of_column in self.levels.items():
            levels[place], codes = of_column.settled(X[:, place].astype(int), in_all)
            X[:, place] = codes
        return replace(self, levels=levels)


def first_look(places: Sequence[int], rows: Any) -> tuple[Columns, dict[int, np.ndarray]]:
    """Read the columns of categories of the first rows; `Columns.settled` must follow."""
    found = {place: Levels.first_look(column_of(rows, place)) for place in places}
    columns = Columns({place: levels for place, (levels, _) in found.items()})
    return columns, {place: codes for place, (_, codes) in found.items()}


def _codes_of_same_kind(
    levels: Levels, column: Any, place: int, name: str, names: Sequence[Any] | None
) -> np.ndarray:
    codes = levels.codes(column)
    if np.isfinite(codes).any():
        return codes
    kinds = kinds_of(as_keys(column))
    if kinds and levels.kinds and kinds.isdisjoint(levels.kinds):
        where = name_place(None, place, names)
        raise NotNumbersError(
            f"{name}: {where} held categories of {_in_words(levels.kinds)} when the model was "
            f"fitted, such as {levels.values[0]!r}; it now holds {_in_words(kinds)}. Convert it as "
            "for `fit`."
        )
    return codes


def _in_words(kinds: set[str]) -> str:
    return " and ".join(sorted(kinds))


def find_categories(rows: Any, chosen: Any, name: str = "X") -> list[int]:
    """Find the columns of categories.

    Parameters
    ----------
    rows : frame, array or sparse matrix
    chosen : "from_dtype", array-like of {bool, int, str} or None
        As the estimators' `categorical_features`.
    name : str, default="X"

    Returns
    -------
    list of int
        Their places.

    Raises
    ------
    ValueError
        For a choice that does not fit the rows.
    NotNumbersError
        For a column of text that holds dates, names, or free text.
    """
    if chosen is None or len(np.shape(rows)) != 2:
        return []
    if isinstance(chosen, str):
        if not is_frame(rows):
            return []
        return [j for j in range(rows.shape[1]) if _is_categorical(rows, j, name)]
    places = _chosen_places(np.asarray(chosen), rows)
    if places and sparse.issparse(rows):
        raise ValueError(
            "categorical_features needs a frame or an array; got sparse X. Convert it by its "
            "method toarray(), or encode the columns."
        )
    return places


def _chosen_places(chosen: np.ndarray, rows: Any) -> list[int]:
    """Read a mask, indices or names, with the words of HistGradientBoosting for what is wrong."""
    n_features, names = rows.shape[1], names_of_columns(rows)
    types = {type(value).__name__ for value in chosen.ravel().tolist()}
    if chosen.size == 0:
        return []
    if chosen.dtype.kind not in "iubUO" or (chosen.dtype.kind == "O" and types != {"str"}):
        got = ", ".join(sorted(types)) if chosen.dtype.kind == "O" else chosen.dtype.name
        raise ValueError(
            f"categorical_features must be an array-like of bool, int or str, got: {got}."
        )
    if chosen.dtype.kind == "b":
        if chosen.shape != (n_features,):
            raise ValueError(
                "categorical_features set as a boolean mask must have shape (n_features,), got: "
                f"{chosen.shape}; X has {n_features} columns."
            )
        return np.flatnonzero(chosen).tolist()
    if chosen.dtype.kind in "iu":
        if chosen.max() >= n_features or chosen.min() < 0:
            raise ValueError(
                "categorical_features set as integer indices must be in [0, n_features - 1]; got "
                f"{chosen.tolist()} for {n_features} columns."
            )
        return np.unique(chosen).tolist()
    return _places_of_names(chosen.tolist(), names)


def _places_of_names(chosen: list[str], names: list[Any] | None) -> list[int]:
    if names is None:
        raise ValueError(
            "categorical_features should be passed as an array of integers or as a boolean mask "
            "when the model is fitted on data without feature names."
        )
    for name in chosen:
        if name not in names:
            raise ValueError(
                f"categorical_features has an item value {name!r} which is not a valid feature "
                f"name of the training data. Observed feature names: {names}"
            )
    return sorted({names.index(name) for name in chosen})


def _is_categorical(frame: Any, place: int, name: str) -> bool:
    """Tell by its type, and by its values where that may hold anything, what a column is."""
    dtype = str(list(frame.dtypes)[place])
    if dtype.startswith(("category", "Categorical", "Enum")):
        return True
    if not may_hold_text(frame, place):
        return False
    values = column_of(frame, place)
    keys = as_keys(values)
    known = [value for value, key in zip(values, keys, strict=True) if key is not None]
    if not known or not all(isinstance(value, str) for value in known):
        return False
    texts = set(known)
    kind = _kind_of_text(texts, len(frame))
    if kind:
        where = name_place(None, place, names_of_columns(frame))
        raise NotNumbersError(
            f"{name}: {where} holds {kind}, such as {min(texts)!r:.60}. Leave the column "
            "out, or say in numbers what matters of it (by astype(float) if it spells numbers). "
            f"If it does hold categories, make them such by astype('category'). {SKRUB}"
        )
    return True


def _kind_of_text(texts: set[Any], n_rows: int) -> str:
    """Say what text is that holds no categories; nothing where it may."""
    some = sorted(texts)[:_LOOKED_AT]
    if some and all(_DATE.fullmatch(text) for text in some):
        return "dates as text"
    if len(texts) > max(_LEAST_OF_MANY, _MOST_LEVELS * n_rows):
        return f"{len(texts)} different texts in {n_rows} rows, as free text and names do"
    return ""
