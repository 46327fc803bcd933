"""How are the values of a y taken out of what they came in: arrays, lists, series, frames?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .columns import is_frame

_REALS = "buif"
_EXACT_UP_TO = 2.0**53
"""float64 knows all whole numbers up to here, and not all of those beyond."""


def is_named(y: Any) -> bool:
    """Tell whether `y` is a frame, or a series or index, whose rows belong to those of a table."""
    return is_frame(y) or (hasattr(type(y), "to_numpy") and not isinstance(y, np.ndarray))


def columns_of(frame: Any) -> Iterator[tuple[Any, Any]]:
    """Go through the names and the columns of a frame; pandas may use a name twice."""
    frame = frame.compute() if hasattr(frame, "dask") else frame
    for place, name in enumerate(frame.columns):
        yield name, frame.iloc[:, place] if hasattr(frame, "iloc") else frame[name]


def take_out(y: Any, name: str) -> np.ndarray:
    """Take the values of `y`, called `name`, out of their container.

    Returns
    -------
    ndarray
        Of numpy's own type where there is one, else of objects; so too where values are missing,
        which stay what they were or are None, and where numpy would turn numbers into text, or
        whole ones into others.
    """
    if isinstance(y, np.ndarray) and not isinstance(y, np.ma.MaskedArray):
        return y
    if isinstance(y, np.ma.MaskedArray):
        return _without_masked(y) if np.ma.is_masked(y) else y.data
    if isinstance(y, torch.Tensor):
        y = y.detach().cpu()
        return (y.float() if y.dtype == torch.bfloat16 else y).numpy()
    if hasattr(y, "dask"):
        return take_out(y.compute(), name)
    if is_frame(y):
        return _of_frame(y, name)
    if hasattr(y, "null_count") and hasattr(y, "to_list"):  # a series of polars
        return _objects(y.to_list()) if y.null_count() else np.asarray(y.to_numpy())
    if hasattr(y, "isna") and not isinstance(y.dtype, np.dtype):
        return _of_extension(y, name)
    return _of_sequence(y, name)


def categories_in_order(y: Any) -> np.ndarray | None:
    """Return the labels in order where the type of `y` knows one.

    Ordered categoricals of pandas and enumerations of polars do.
    """
    if is_frame(y):
        columns = [column for _, column in columns_of(y)]
        y = columns[0] if len(columns) == 1 else None
    dtype: Any = getattr(y, "dtype", None)
    is_ordered = getattr(dtype, "ordered", type(dtype).__name__ == "Enum")
    return take_out(dtype.categories, "categories") if is_ordered else None


def _of_frame(y: Any, name: str) -> np.ndarray:
    columns = [take_out(column, name) for _, column in columns_of(y)]
    if not columns:
        return np.empty((len(y), 0))
    kinds = {"number" if c.dtype.kind in _REALS else c.dtype.kind for c in columns}
    if len(kinds) > 1:
        columns = [column.astype(object) for column in columns]
    return np.column_stack(columns)


def _of_extension(y: Any, name: str) -> np.ndarray:
    """Take values out of an array of pandas whose type is none of numpy's."""
    dtype = y.dtype
    if hasattr(dtype, "categories") and hasattr(dtype, "ordered"):
        codes = np.asarray(y.cat.codes if hasattr(y, "cat") else y.codes)
        values = take_out(dtype.categories, name)
        if (codes < 0).any():
            return _objects([None if code < 0 else values[code] for code in codes])
        return values[codes]
    if np.asarray(y.isna()).any():
        return _objects(list(y))
    plain = getattr(dtype, "numpy_dtype", None)
    return np.asarray(y) if plain is None else np.asarray(y.to_numpy(dtype=plain))


def _of_sequence(y: Any, name: str) -> np.ndarray:
    """Make an array of `y`, of objects where numpy would turn some of them into others."""
    try:
        values = np.asarray(y)
    except ValueError as error:
        raise ValueError(f"{name} must have rows of one length: {error}") from error
    except TypeError as error:
        raise ValueError(f"{name} cannot be read as an array: {error}") from error
    kind = values.dtype.kind
    may_differ = kind in "US" or (kind == "f" and (np.abs(values) > _EXACT_UP_TO).any())
    if not values.ndim or not may_differ or hasattr(y, "__array__"):
        return values
    objects = np.asarray(y, dtype=object)
    expected = {"U": str, "S": bytes, "f": float}[kind]
    return values if all(isinstance(value, expected) for value in objects.flat) else objects


def _without_masked(y: np.ma.MaskedArray) -> np.ndarray:
    values = y.data.astype(object)
    values[np.ma.getmaskarray(y)] = None
    return values


def _objects(values: list[Any]) -> np.ndarray:
    """Make a 1-d array of objects, even of those that have a length."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
