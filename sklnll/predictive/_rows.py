"""Which of the values that the user gives belong to which predicted rows?"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._data.columns import is_frame
from .._data.containers import is_named
from .._data.values import as_numbers


class Grid(np.ndarray):
    """A grid is a column of values, each of which every predicted row is asked at."""


def of_rows(y: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Read the values at which distributions of this shape are asked.

    Parameters
    ----------
    y : array-like
        A number for all rows, or the rows' own values, of this shape; a frame of one column counts
        as a vector, as in `fit`. For one output also a grid, every value against every row: a
        `Grid`, or an array of numpy of shape (k, 1), unless k is n.
    shape : tuple of int
        (n,), or (n, d) for d outputs.

    Returns
    -------
    ndarray of float, which broadcasts against `shape`

    Raises
    ------
    ValueError
        If these are no numbers, or might belong to other rows.
    """
    values = np.asarray(as_numbers(y, "y"), dtype=float)
    if not values.ndim or values.shape == shape:
        return values
    has_one_output, is_column = len(shape) == 1, values.ndim == 2 and values.shape[1] == 1
    if has_one_output and is_column and isinstance(y, np.ndarray):
        if len(values) == shape[0] > 1 and not isinstance(y, Grid):
            raise ValueError(
                f"y of shape {values.shape} may be the rows' own values, or a grid of values "
                "against every row. Give the former as a vector, y.ravel(), and the latter as "
                "dist.grid(values)."
            )
        return values
    if is_frame(y) and is_column and values.shape[:1] == shape:
        return values[:, 0]
    grid = ", a column (k, 1) of numpy, or dist.grid(values), as a grid" if has_one_output else ""
    raise ValueError(
        f"y must have shape {shape}, like the predicted rows, or be a number{grid}; got shape "
        f"{values.shape}."
    )


def check_named_rows(y: Any, n_rows: int) -> None:
    """Raise a ValueError for a frame or series that does not have a row for each predicted one.

    What is said once for all rows has no names.
    """
    if is_named(y) and (len(y.shape) != 2 or y.shape[0] != n_rows):
        raise ValueError(
            f"y must have {n_rows} rows, like the predicted ones; got a {type(y).__name__} of "
            f"shape {tuple(y.shape)}. What is meant for all rows is given as an array of numpy."
        )
