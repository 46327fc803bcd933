"""What may come in at the door of `fit`, and what does the user hear of anything else?"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils.validation import _check_sample_weight

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


def x_params(X: Any) -> dict[str, Any]:
    """Say how scikit-learn checks X: float32 stays, all else becomes float64; refuse text at once.

    scikit-learn cannot read the dtype of arrays and frames of other libraries, such as torch's and
    polars', and would make float64 of them all.
    """
    _refuse_text(X)
    is_known = isinstance(X, np.ndarray) or sparse.issparse(X) or hasattr(X, "iloc")
    if is_known or not hasattr(X, "__array__"):
        return _X_PARAMS
    few = X[:1] if hasattr(X, "__getitem__") else X
    is_single = np.asarray(few).dtype == np.float32
    return {**_X_PARAMS, "dtype": np.float32} if is_single else _X_PARAMS


def _refuse_text(X: Any) -> None:
    """Raise a ValueError for text that names the column and a way out, as numpy's does not."""
    if not (hasattr(X, "iloc") and hasattr(X, "columns")):
        return
    for place in (j for j, dtype in enumerate(X.dtypes) if dtype.kind == "O"):
        try:
            np.asarray(X.iloc[:, place], dtype=float)
        except ValueError as error:
            raise ValueError(
                f"X must be numbers; column {X.columns[place]!r} holds text ({error}). Encode it "
                "first, in a pipeline: with OneHotEncoder or OrdinalEncoder of scikit-learn."
            ) from error
        except TypeError:  # pandas' own missing value, which scikit-learn names
            continue


def check_finite(X: Any, estimator: str) -> None:
    """Raise a ValueError that names the first row and column where `X` holds no finite number."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(X.sum()):
            return
    entries = sparse.coo_array(X) if sparse.issparse(X) else None
    values = X if entries is None else entries.data
    finite = np.isfinite(values)
    if finite.all():
        return
    place = np.argwhere(~finite)[0]
    row, column = place if entries is None else (axis[place[0]] for axis in entries.coords)
    kind = "NaN" if np.isnan(X[row, column]) else "infinity"
    raise ValueError(
        f"Input X contains {kind}, which {estimator} does not accept: found {X[row, column]} at "
        f"row {row}, column {column} ({np.sum(~finite)} of {finite.size} values are not finite). "
        "Put a SimpleImputer in front, or remove such rows."
    )


def check_weight(sample_weight: ArrayLike | None, X: np.ndarray) -> np.ndarray:
    """Check weights: float64, one for each row of `X`, non-negative and not all zero."""
    return check_weight_values(_check_sample_weight(sample_weight, X, dtype=np.float64))


def check_weight_values(weight: np.ndarray) -> np.ndarray:
    """Pass weights through that are non-negative and not all zero."""
    if (weight < 0).any():
        row = int(np.argmax(weight < 0))
        raise ValueError(
            "Negative values in data passed to `sample_weight`: weights must be non-negative; "
            f"found {weight[row]:g} at row {row}."
        )
    if not weight.any():
        raise ValueError(
            "sample_weight is zero for all rows: nothing is left to fit. Give at least one row a "
            "positive weight (class_weight counts too)."
        )
    return weight


def check_exposure(exposure: ArrayLike | None, X: np.ndarray) -> np.ndarray | None:
    """Check exposures: float64, one for each row of `X`, positive and finite."""
    if exposure is None:
        return None
    values = np.asarray(exposure, dtype=float).copy()  # torch takes no view backwards
    if values.shape != (X.shape[0],):
        raise ValueError(
            f"exposure must have shape ({X.shape[0]},), a number for each row of X; got "
            f"{values.shape}."
        )
    illegal = ~((values > 0) & (values < np.inf))
    if illegal.any():
        row = int(np.argmax(illegal))
        raise ValueError(
            f"exposure must be positive and finite; found {values[row]:g} at row {row}. Remove "
            "rows that were not watched."
        )
    return values


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
