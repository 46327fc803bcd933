"""Which forms can rows come in, and what must be done first with all others?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from .columns import is_frame


class NotNumbersError(ValueError, TypeError):
    """What was given holds no numbers; the message names it, its type and a way out.

    It is a ValueError as all that is refused at the door, and a TypeError as in scikit-learn.
    """


def as_rows(value: Any, name: str) -> Any:
    """Read what the user gave, called `name`, once: frames stay, all else becomes an array.

    Raises
    ------
    NotNumbersError
        For what has no rows by itself, such as a path, a query or a generator, and for types that
        numpy does not know.
    """
    if isinstance(value, np.ndarray) or sparse.issparse(value):
        return value
    if hasattr(value, "__dask_graph__"):  # reading it twice would compute it twice
        return as_rows(value.compute(), name)
    if hasattr(value, "iloc") or hasattr(value, "categories"):  # a frame, or a column of one
        return value
    way_out = way_to_rows(value)
    if way_out is not None:
        raise _holds_no_rows(value, name, way_out)
    if is_frame(value) or hasattr(value, "__dataframe__"):
        return value
    return _as_array(value, name)


def _holds_no_rows(value: Any, name: str, way_out: str) -> NotNumbersError:
    is_table = name.startswith("X")
    wanted = "as an array, a frame or a list of rows" if is_table else "one for each row of X"
    told = f" {way_out}" if is_table and way_out else ""
    return NotNumbersError(
        f"{name} must hold numbers, {wanted}; got an object of type {type(value).__name__}.{told}"
    )


def way_to_rows(value: Any) -> str | None:
    """Say how to make rows of what has none by itself; None for what may have some."""
    if isinstance(value, str | bytes) or hasattr(value, "__fspath__"):
        return "Read a file first, as by pandas.read_csv(path)."
    if hasattr(value, "__array__"):
        return None
    for method in ("collect", "compute", "toPandas", "to_pandas"):
        if callable(getattr(value, method, None)):
            return f"Call its method first: .{method}()."
    if isinstance(value, Iterator):
        return "It can be read only once; make an array of it first: numpy.array(list(...))."
    if hasattr(value, "keys"):
        return "Make a frame of it first: pandas.DataFrame(...)."
    if isinstance(value, set | frozenset):
        return "It has no order; make a list of it."
    return None


def _as_array(value: Any, name: str) -> np.ndarray:
    """Read as an array; beside text, the numbers of a list stay numbers."""
    try:
        is_list = isinstance(value, list | tuple)
        if is_list and any(isinstance(row, np.ma.MaskedArray) for row in value):
            return np.ma.stack(value)  # which keeps the masks
        array = np.asarray(value)
        if array.dtype.kind in "US" and is_list:
            array = np.array(value, dtype=object)
        elif array.dtype.kind == "f" and is_list:  # which says nothing of a dtype
            array = array.astype(float, copy=False)
    except (TypeError, ValueError, NotImplementedError, RuntimeError) as error:
        # torch refuses what requires a gradient by a RuntimeError
        told = str(error).partition(". ")[0]
        dtype = getattr(value, "dtype", None)
        of_type = "" if dtype is None else f" of {dtype}"
        raise NotNumbersError(
            f"{name} must hold numbers that numpy can read; got a {type(value).__name__}{of_type} "
            f"({told}). {_way_to_array(value)}"
        ) from error
    if array.ndim == 0 and array.dtype == object:
        raise _holds_no_rows(value, name, "")
    return array


def _way_to_array(value: Any) -> str:
    if hasattr(value, "is_sparse"):  # a tensor
        return "Convert it first: .detach().to('cpu', torch.float64), and .to_dense() if sparse."
    return "Rows must be equally long, and hold numbers."
