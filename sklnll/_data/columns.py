"""What is the type of each column that came in, and is it one of numbers?"""

from __future__ import annotations

import datetime
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from numbers import Complex, Real
from typing import Any

import numpy as np
from scipy import sparse

_NUMBERS = "biuf"
_KINDS_OF_DTYPES = {
    "M": "dates",
    "m": "durations",
    "c": "complex numbers",
    "U": "text",
    "S": "text",
    "T": "text",
    "V": "records",
}
_KINDS_OF_VALUES: dict[str, tuple[type, ...]] = {  # in this order: a duration of numpy is a Real
    "text": (str, bytes, bytearray),
    "dates": (datetime.date, datetime.time, np.datetime64),
    "durations": (datetime.timedelta, np.timedelta64),
    "numbers": (Real, Decimal, np.bool_, type(None)),
    "complex numbers": (Complex,),
}
_KINDS_BY_NAME = {"Period": "periods", "Interval": "intervals", "NAType": "missing"}
"""Kinds of values of pandas, by the names of their types."""


@dataclass(frozen=True)
class Stranger:
    """What is no number, and where it stands.

    Parameters
    ----------
    kind : str
        What it is, such as "dates".
    type : str
        Its type, and the value itself where its column may hold other types, too.
    row, column : int, optional
        None where all of them are such.
    why : str, optional
        What Python says of it.
    """

    kind: str
    type: str
    row: int | None = None
    column: int | None = None
    why: str = ""


def names_of_columns(value: Any) -> list[Any] | None:
    """Return the names of a frame's columns; None for what is no frame."""
    return list(value.columns) if is_frame(value) else None


def is_frame(value: Any) -> bool:
    """Tell whether this is a data frame, be it of pandas or of another library."""
    kind = type(value)  # which computes neither of them
    return hasattr(kind, "columns") and hasattr(kind, "dtypes")


def column_of(rows: Any, place: int) -> Any:
    """Return one column of a frame or an array, as what can be gone through."""
    if not is_frame(rows):
        return rows[:, place].tolist()
    column = rows.iloc[:, place] if hasattr(rows, "iloc") else rows.to_series(place)
    return column.tolist() if hasattr(column, "tolist") else column.to_list()


def may_hold_text(frame: Any, place: int) -> bool:
    """Tell by the type of a frame's column whether its values may be text."""
    dtype = list(frame.dtypes)[place]
    return not _says_numbers(dtype) and _by_dtype(dtype) in (None, Stranger("text", str(dtype)))


def may_have_gaps(X: np.ndarray) -> bool:
    """Tell in one pass whether NaN may stand in an array; large numbers may say so, too."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isnan(X.sum()))


def name_place(row: int | None, column: int | None, names: Sequence[Any] | None = None) -> str:
    """Say in words where a value stands; columns go by their names where they have any."""
    name = column if names is None or column is None else names[column]
    name = name.item() if isinstance(name, np.generic) else name  # whose repr tells its type
    of_row = [] if row is None else [f"row {row}"]
    return ", ".join(of_row if column is None else [*of_row, f"column {name!r}"])


def find_stranger(value: Any) -> Stranger | None:
    """Find the first value, or column, that is no number; None where all are, or are missing.

    Parameters
    ----------
    value : frame, sparse matrix or array-like
    """
    if is_frame(value):
        return _first(_in_column(value, j, dtype) for j, dtype in enumerate(value.dtypes))
    if sparse.issparse(value):
        return _by_dtype(value.dtype)
    return _in_values(value, getattr(value, "dtype", None))


def _first(found: Iterable[Stranger | None]) -> Stranger | None:
    return next((stranger for stranger in found if stranger is not None), None)


def _in_column(frame: Any, place: int, dtype: Any) -> Stranger | None:
    """Look into a column of a frame, but only where its type may hold anything."""
    if _says_numbers(dtype):
        return None
    column = frame.iloc[:, place] if hasattr(frame, "iloc") else frame.to_series(place)
    is_list = _by_dtype(dtype) is None and np.ndim(column) > 1
    found = Stranger("lists", str(dtype)) if is_list else _in_values(column, dtype)
    return None if found is None else replace(found, column=place)


def _in_values(values: Any, dtype: Any) -> Stranger | None:
    """Look at the type of values, and into them where it may hold anything."""
    found = _by_dtype(dtype)
    if found is not None:
        return found
    array = np.asarray(values)
    found = _in_objects(array) if array.dtype.kind == "O" else _by_dtype(array.dtype)
    if found is None:
        may_be_codes = str(dtype) == "category"
        return Stranger("categories", "category") if may_be_codes else None
    is_said = dtype is None or isinstance(dtype, np.dtype) or found.type.startswith(str(dtype))
    told = str(dtype) if found.row is None else f"{dtype}, {found.type}"
    return found if is_said else replace(found, type=told)


def _says_numbers(dtype: Any) -> bool:
    """Tell whether a type of column, of numpy, pandas or polars, is one of numbers."""
    kind = getattr(dtype, "kind", None)
    if kind is None and hasattr(dtype, "is_numeric"):  # one of polars
        return bool(dtype.is_numeric()) or str(dtype) in {"Boolean", "Null"}
    return kind is not None and kind in _NUMBERS


def _by_dtype(dtype: Any) -> Stranger | None:
    """Tell by the type alone what is no number; None for numbers, and where values must tell."""
    kind = _KINDS_OF_DTYPES.get(getattr(dtype, "kind", "O"))
    return None if kind is None else Stranger(kind, str(dtype))


def _in_objects(array: np.ndarray) -> Stranger | None:
    """Find the first value that is no number, by its type."""
    values = array.ravel().tolist()
    kinds = {type(value): _kind_of(value) for value in values}
    strange = [i for i, value in enumerate(values) if kinds[type(value)] != "numbers"]
    if not strange:
        return None
    # Text that is missing in places is text, and not numbers that are missing.
    place = min(strange, key=lambda i: kinds[type(values[i])] == "missing")
    value = values[place]
    row, column, *_ = (*map(int, np.unravel_index(place, array.shape)), None, None)
    kind, told = kinds[type(value)], f"{type(value).__name__}: {reprlib.repr(value)}"
    return Stranger(
        kind, told, row, column, _why_no_number(value) if kind == "other objects" else ""
    )


def _kind_of(value: Any) -> str:
    """Say what a value is: "numbers", "missing" where numpy cannot read NaN, or another kind."""
    for kind, types in _KINDS_OF_VALUES.items():
        if isinstance(value, types):
            return kind
    by_name = _KINDS_BY_NAME.get(type(value).__name__)
    return by_name or ("other objects" if _why_no_number(value) else "numbers")


def _why_no_number(value: Any) -> str:
    """Return what Python says where it makes no number of a value; nothing where it does."""
    try:
        float(value)
    except (TypeError, ValueError) as error:
        return str(error)
    return ""
