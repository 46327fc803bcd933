"""Are these numbers, or labels, and of which type? Nothing is taken for what it is not."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from numbers import Complex, Integral, Real
from typing import Any

import numpy as np
import torch
from scipy import sparse

from .checks import check_numeric_columns
from .containers import take_out
from .readable import way_to_rows

_REALS = "buif"

_BY_KIND = {
    "M": "dates",
    "m": "durations",
    "U": "text",
    "T": "text",
    "S": "bytes",
    "c": "complex numbers",
}


def as_numbers(y: Any, name: str) -> Any:
    """Read a y of numbers; missing ones become NaN.

    Parameters
    ----------
    y : array-like
        An array, a list, or a series, frame or tensor of pandas, polars or torch.
    name : str
        What messages call it.

    Returns
    -------
    ndarray
        Of real numbers, as they came. None and sparse matrices are passed on.

    Raises
    ------
    ValueError
        For dates, durations, periods, text, complex numbers, and all else that is no number.
    """
    if y is None or sparse.issparse(y):
        return y
    y = take_out(y, name) if isinstance(y, torch.Tensor) else y
    values = take_out(check_numeric_columns(y, name), name)
    if values.dtype.kind != "O":
        return values
    numbers = [np.nan if is_missing(value) else value for value in values.flat]
    return np.array(numbers, dtype=float).reshape(values.shape)


def as_labels(y: Any, name: str) -> Any:
    """Read a y of labels, which keep their type.

    Parameters
    ----------
    y : array-like
        An array, a list, or a series, frame or tensor of pandas, polars or torch. Nullable types
        become the plain ones; categories become what they stand for.
    name : str
        What messages call it.

    Returns
    -------
    ndarray
        Of numpy's own type where there is one for such labels, else of objects. None and sparse
        matrices are passed on.

    Raises
    ------
    ValueError
        If a label is missing, or of another type than the others, or if labels of this type cannot
        be put in order.
    """
    if y is None or sparse.issparse(y):
        return y
    way_out = None if isinstance(y, str | bytes) else way_to_rows(y)
    if way_out is not None:
        raise ValueError(
            f"{name} must hold labels, one for each row of X; got an object of type "
            f"{type(y).__name__}. {way_out}"
        )
    values = take_out(y, name)
    kind = values.dtype.kind
    if kind == "c":
        raise ValueError(
            f"Complex data not supported: {name} holds {values.dtype}, and labels need an order. "
            "Give each label a name, or a whole number."
        )
    if kind == "S":
        raise _bytes(name)
    if kind in "OT" and values.ndim:
        return _of_one_type(values.astype(object), name)
    if kind in "fmM" and values.ndim:
        _refuse_missing(np.isnan(values) if kind == "f" else np.isnat(values), values, name)
    return values


def kind_of_labels(labels: np.ndarray) -> str:
    """Say in a word what kind of labels an array holds, as `as_labels` returns it."""
    if labels.dtype.kind in _REALS:
        return "numbers"
    is_empty = not labels.size
    return _BY_KIND.get(labels.dtype.kind) or ("labels" if is_empty else _kind(labels.flat[0]))


# Objects -----------------------------------------------------------------------------------------


def is_missing(value: Any) -> bool:
    """Tell whether a value stands for none: None, NaN, NaT and pandas' NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, Real | date | np.generic | Decimal) and bool(value != value)


def _kind(value: Any) -> str:
    """Say in a word what a value is."""
    if isinstance(value, str | bytes):
        return "text" if isinstance(value, str) else "bytes"
    if isinstance(value, date | np.datetime64):
        return "dates"
    if isinstance(value, timedelta | np.timedelta64):  # numpy's counts as a whole number, too
        return "durations"
    if isinstance(value, Real | np.bool_):
        return "numbers"
    if isinstance(value, Complex):
        return "complex numbers"
    name = type(value).__name__
    return "periods" if name == "Period" else f"objects of type {name}"


def _of_one_type(values: np.ndarray, name: str) -> np.ndarray:
    """Check labels that are objects; numbers among them get numpy's own type where it has one."""
    labels = values.ravel().tolist()
    if set(map(type, labels)) == {str}:  # by far the most frequent
        return values
    _refuse_missing(np.array([is_missing(v) for v in labels]).reshape(values.shape), values, name)
    kinds = [_kind(label) for label in labels]
    if "bytes" in kinds:
        raise _bytes(name)
    types = kinds if {"text", "numbers"} & set(kinds) else [type(v).__name__ for v in labels]
    if len(set(types)) > 1:
        row = next(i for i, kind in enumerate(types) if kind != types[0])
        raise ValueError(
            f"{name} must hold labels of one type; found {types[0]}, as {labels[0]!r} at row 0, "
            f"and {types[row]}, as {labels[row]!r} at row {row // (values.size // len(values))}. "
            "Convert them, for example all to text by map(str, ...)."
        )
    if kinds and kinds[0] == "numbers":
        return _in_numpys_type(values, labels)
    try:
        sorted(set(labels))
    except TypeError as error:
        raise ValueError(
            f"{name} holds labels of type {types[0]}, which cannot be put in order ({error}). Give "
            "each label a name, or a whole number."
        ) from error
    return values


def _in_numpys_type(values: np.ndarray, labels: list[Any]) -> np.ndarray:
    """Give numbers numpy's own type, unless none holds them exactly."""
    if all(isinstance(label, bool | np.bool_) for label in labels):
        return values.astype(bool)
    are_whole = all(isinstance(label, Integral | np.bool_) for label in labels)
    for dtype in (np.int64, np.uint64) if are_whole else (np.float64,):
        try:
            typed = values.astype(dtype)
        except OverflowError:
            continue
        if typed.ravel().tolist() == labels:
            return typed
    return values


# Messages ----------------------------------------------------------------------------------------


def _bytes(name: str) -> ValueError:
    return ValueError(
        f"{name} must hold labels that are text, numbers or dates; got bytes. Decode them, as in "
        "numpy.char.decode(y)."
    )


def _refuse_missing(missing: np.ndarray, values: np.ndarray, name: str) -> None:
    """Raise a ValueError that names the first row where nothing is known."""
    if not missing.any():
        return
    place = tuple(np.argwhere(missing)[0])
    found = "NaN" if isinstance(values[place], float | np.floating) else values[place]
    raise ValueError(
        f"Input {name} contains {found}: {name} must not be missing; found {found} at row "
        f"{place[0]} ({missing.sum()} of {missing.size} values are missing). Leave such rows out, "
        "or give what is missing a label of its own."
    )
