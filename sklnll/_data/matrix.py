"""How do the columns of X become one matrix of numbers, with NaN where there is none?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from .checks import check_finite, check_numeric_columns, x_params
from .columns import names_of_columns
from .kinds import Columns

Codes = dict[int, np.ndarray]
"""Codes of the columns of categories, by their places."""


def codes_of(
    estimator: BaseEstimator, rows: Any, columns: Columns, name: str, names: Sequence[Any] | None
) -> Codes:
    """Read the categories of rows that have the columns which the estimator has noted."""
    if not columns.levels:
        return {}
    validate_data(estimator, rows, reset=False, skip_check_array=True)
    return columns.codes(rows, name, names)


def check_matrix(
    estimator: BaseEstimator,
    rows: Any,
    codes: Codes,
    *,
    reset: bool,
    name: str = "X",
    columns: Sequence[Any] | None = None,
) -> Any:
    """Check rows by scikit-learn, and put codes in the place of categories.

    Parameters
    ----------
    estimator : estimator
        It notes the columns of X, or compares them with those that it has noted.
    rows : frame, array or sparse matrix
        Of `as_rows`.
    codes : dict of int to ndarray of shape (n_samples,)
    reset : bool
        Whether the columns are noted.
    name : str, default="X"
        The argument, as the user knows it.
    columns : sequence of str, optional
        Names of the columns, where the rows have none.

    Returns
    -------
    ndarray or sparse matrix of shape (n_samples, n_features)
        float32 or float64. A missing number is NaN, in an array.

    Raises
    ------
    ValueError
        For what is no number, for infinity, and for NaN in sparse rows.
    """
    own = names_of_columns(rows)
    names = columns if own is None else own
    if codes:
        if reset:  # else `codes_of` has compared them
            validate_data(estimator, rows, reset=True, skip_check_array=True)
        X = _with_codes(estimator, rows, codes, name, names)
    else:
        rows = check_numeric_columns(rows, name, columns)
        X = validate_data(estimator, rows, reset=reset, **x_params(rows))
    check_finite(X, type(estimator).__name__, name, names, may_lack=True)
    return X


def _with_codes(
    estimator: BaseEstimator, rows: Any, codes: Codes, name: str, names: Sequence[Any] | None
) -> np.ndarray:
    """Make numbers of the other columns, and put them together with the codes."""
    n_rows, n_features = rows.shape
    others = [j for j in range(n_features) if j not in codes]
    is_single = getattr(rows, "dtype", None) == np.float32
    numbers = np.empty((n_rows, 0), np.float32 if is_single else np.float64)
    if others:
        part = _columns(rows, others)
        part = check_numeric_columns(part, name, [j if names is None else names[j] for j in others])
        numbers = check_array(part, input_name="X", estimator=estimator, **x_params(part))
    X = np.empty((n_rows, n_features), numbers.dtype)
    X[:, others] = numbers
    for place, of_column in codes.items():
        X[:, place] = of_column
    return X


def _columns(rows: Any, places: list[int]) -> Any:
    """Return some of the columns, as the same kind of rows."""
    return rows.iloc[:, places] if hasattr(rows, "iloc") else rows[:, places]
