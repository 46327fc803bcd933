"""What may come in at the door of `fit`, and what does the user hear of anything else?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils.validation import _check_sample_weight

from .columns import Stranger, find_stranger, is_frame, name_place, names_of_columns
from .readable import NotNumbersError, as_rows
from .tables import FitInput

_X_PARAMS: dict[str, Any] = {
    "accept_sparse": "csr",
    "accept_large_sparse": True,
    "dtype": [np.float64, np.float32],
    "order": "C",
    "ensure_all_finite": False,  # check_finite names the row
}

Y_PARAMS: dict[str, Any] = {"dtype": np.float64, "ensure_2d": False, "ensure_all_finite": False}
"""Of a y of numbers; the family's check names the row."""


_LARGEST_EXPONENT = 100
"""Exponents of two between which the largest weight is kept."""
_EXPOSURES = 1e-30, 1e30
"""The shortest and the longest: beyond them mean counts leave the range of float32."""
_WITHOUT_MISSING = "Put a SimpleImputer in front, or remove such rows."
_UNKNOWN = "If it stands for what is not known, put NaN in its place."
_AS_CATEGORIES = "Categories are taken from data frames, by `fit` with categorical_features."
SKRUB = "skrub.tabular_pipeline(estimator) takes such columns as they are."
"""The way out for columns that hold neither numbers nor categories."""
_WAYS_OUT = {
    "dates": "Say in numbers what matters of them, such as the days since a fixed date, the hour "
    "or the weekday.",
    "durations": "Divide them by a unit, such as pandas.Timedelta('1D').",
    "text": "Convert it by astype(float) if it spells numbers.",
    "categories": "Convert them by astype(float) if their values are numbers.",
    "complex numbers": "Give their real and imaginary parts.",
    "periods": "Say in numbers what matters of them, such as the years since a fixed one.",
    "intervals": "Give their ends, or their middle.",
    "records": "Give a column of numbers for each of their fields.",
}


def x_params(X: Any) -> dict[str, Any]:
    """Say how scikit-learn checks X: float32 stays, all else becomes float64.

    scikit-learn cannot read the dtype of polars' frames, and would make float64 of them all.
    """
    if not hasattr(X, "__array__") or not is_frame(X) or hasattr(X, "iloc"):
        return _X_PARAMS
    is_single = np.asarray(X[:1]).dtype == np.float32
    return {**_X_PARAMS, "dtype": np.float32} if is_single else _X_PARAMS


def check_numeric_columns(value: Any, name: str, columns: Sequence[Any] | None = None) -> Any:
    """Pass numbers on, frames as they are and all else as an array; refuse what is no number.

    Parameters
    ----------
    value : array-like, frame or sparse matrix
    name : str
        The argument, as the user knows it.
    columns : sequence of str, optional
        The names of the columns, where `value` has none itself.

    Raises
    ------
    NotNumbersError
        It names the argument, the column, its type and a way out: for dates, durations, periods,
        text, categories, complex numbers and records, for what has no rows, such as a path, and
        for masked values.
    """
    rows = as_rows(value, name)
    found = find_stranger(rows)
    if found is None:
        check_not_masked(rows, name, columns)
        return rows
    names = names_of_columns(rows) or columns
    place = name_place(found.row, found.column, names)
    if found.kind == "missing":
        raise NotNumbersError(
            f"Input {name} contains NaN: found <NA> at {place}. {_WITHOUT_MISSING}"
        )
    raise NotNumbersError(_describe(found, name, name_place(None, found.column, names)))


def _describe(found: Stranger, name: str, column: str) -> str:
    """Say what is no number, where it stands, and what to do."""
    at_row = "" if found.row is None else f" at row {found.row}"
    why = f"; {found.why}" if found.why else ""
    way_out = _WAYS_OUT.get(found.kind, "Give numbers, one in each place.")
    if name.startswith("X") and found.kind in {"text", "categories"}:
        way_out = f"{_AS_CATEGORIES} {way_out}"
    if name.startswith("X") and found.kind in {"dates", "durations", "text"}:
        way_out = f"{way_out} {SKRUB}"
    refused = "Complex data not supported: " if found.kind == "complex numbers" else ""
    return (
        f"{refused}{name} must be numbers; {column or 'it'} holds {found.kind} "
        f"({found.type}{at_row}{why}). {way_out}"
    )


def check_not_masked(value: Any, name: str, columns: Sequence[Any] | None = None) -> None:
    """Refuse masked values of numpy's masked arrays: all that follows would take them as known."""
    mask = np.ma.getmask(value)
    if not mask.any():
        return
    row, column, *_ = (*map(int, np.argwhere(mask)[0]), None, None)
    raise NotNumbersError(
        f"{name} is a masked array, and {mask.sum()} of its {mask.size} values are masked, the "
        f"first at {name_place(row, column, columns)}. Leave such rows out, or put known values "
        "in their place by its method filled()."
    )


def check_finite(
    X: Any,
    estimator: str,
    name: str = "X",
    columns: Sequence[Any] | None = None,
    *,
    may_lack: bool = False,
) -> None:
    """Raise a ValueError that names the first row and column where `X` holds no finite number.

    NaN may stand in an array where `may_lack` says so.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(X.sum()):
            return
    entries = sparse.coo_array(X) if sparse.issparse(X) else None
    values = X if entries is None else entries.data
    finite = np.isfinite(values)
    if may_lack and entries is None:
        finite |= np.isnan(values)
    if finite.all():
        return
    place = np.argwhere(~finite)[0]
    row, column = place if entries is None else (axis[place[0]] for axis in entries.coords)
    kind = "NaN" if np.isnan(X[row, column]) else "infinity"
    way_out = _UNKNOWN if may_lack and kind == "infinity" else _WITHOUT_MISSING
    raise ValueError(
        f"Input {name} contains {kind}, which {estimator} does not accept: found {X[row, column]} "
        f"at {name_place(row, column, columns)} ({np.sum(~finite)} of {finite.size} values are not "
        f"finite). {way_out}"
    )


def check_weight(
    sample_weight: ArrayLike | None, X: np.ndarray, name: str = "sample_weight"
) -> np.ndarray:
    """Check weights: float64, one for each row of `X`, non-negative and not all zero."""
    given = sample_weight
    if given is not None:
        given = np.asarray(check_numeric_columns(given, name), dtype=float)
        illegal = ~np.isfinite(given)
        if illegal.any():
            row = int(np.argwhere(np.atleast_1d(illegal))[0, 0])
            kind = "NaN" if np.isnan(given).any() else "infinity"
            raise ValueError(
                f"Input sample_weight contains {kind}: found it at row {row} of {name} "
                f"({illegal.sum()} of {given.size} values are not finite). Leave such rows out, or "
                "give them the weight 0."
            )
    return check_weight_values(_check_sample_weight(given, X, dtype=np.float64))


def check_weight_values(weight: np.ndarray) -> np.ndarray:
    """Pass finite, non-negative weights on that are not all zero, in a range that can be summed."""
    illegal = ~((weight >= 0) & (weight < np.inf))
    if illegal.any():
        row = int(np.argmax(illegal))
        if weight[row] < 0:
            raise ValueError(
                "Negative values in data passed to `sample_weight`: weights must be non-negative; "
                f"found {weight[row]:g} at row {row}."
            )
        raise ValueError(
            "The weight of each row, sample_weight times class_weight, must be finite; found "
            f"{weight[row]:g} at row {row}."
        )
    if not weight.any():
        raise ValueError(
            "sample_weight is zero for all rows: nothing is left to fit. Give at least one row a "
            "positive weight (class_weight counts too)."
        )
    return _in_range(weight)


def _in_range(weight: np.ndarray) -> np.ndarray:
    """Multiply extreme weights by a power of two, so that neither sums overflow nor means vanish.

    Their ratios stay, and so far out the penalty is nothing beside them, or all.
    """
    exponent = np.frexp(weight.max())[1]
    shift = np.clip(exponent, -_LARGEST_EXPONENT, _LARGEST_EXPONENT) - exponent
    return np.ldexp(weight, shift) if shift else weight


def check_exposure(
    exposure: ArrayLike | None, X: np.ndarray, name: str = "exposure"
) -> np.ndarray | None:
    """Check exposures: float64, one for each row of `X`, positive and finite."""
    if exposure is None:
        return None
    # A copy, because torch takes no view backwards.
    values = np.array(check_numeric_columns(exposure, name), dtype=float)
    if values.shape != (X.shape[0],):
        raise ValueError(
            f"{name} must have shape ({X.shape[0]},), a number for each row of X; got "
            f"{values.shape}."
        )
    _refuse_exposures(~((values > 0) & (values < np.inf)), values, name)
    shortest, longest = _EXPOSURES
    _refuse_exposures(~((values >= shortest) & (values <= longest)), values, name)
    return values


def _refuse_exposures(illegal: np.ndarray, values: np.ndarray, name: str) -> None:
    if not illegal.any():
        return
    row = int(np.argmax(illegal))
    value = values[row]
    if 0 < value < np.inf:
        must = "lie between {:g} and {:g}".format(*_EXPOSURES)
        advice = "Give it in another unit"
    else:
        must, advice = "be positive and finite", "Remove rows that were not watched"
    raise ValueError(f"{name} must {must}; found {value:g} at row {row}. {advice}.")


def check_validation(validation: FitInput, training: FitInput) -> bool:
    """Tell whether validation rows were given; raise a ValueError for half of them."""
    X, y = validation.X, validation.y
    if (X is None) != (y is None):
        given, missing = ("X_val", "y_val") if y is None else ("y_val", "X_val")
        raise ValueError(f"{given} was given without {missing}; give both or neither.")
    if X is None and validation.sample_weight is not None:
        raise ValueError("sample_weight_val was given without X_val and y_val; give all or none.")
    if X is None and validation.exposure is not None:
        raise ValueError("exposure_val was given without X_val and y_val; give all or none.")
    if X is not None and (validation.exposure is None) != (training.exposure is None):
        given, missing = "exposure", "exposure_val"
        if training.exposure is None:
            given, missing = missing, given
        raise ValueError(
            f"{given} was given without {missing}; where training rows are watched for different "
            "times, so are validation rows. Give both or neither."
        )
    return X is not None
