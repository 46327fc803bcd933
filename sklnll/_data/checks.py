"""What may come in at the door of `fit`, and in which form does it go on?"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils.validation import _check_sample_weight

from .sparse import dense_if_small

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
    """How X is checked: float32 stays, anything else becomes float64; text is refused at once.

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
    """Name the column and a way out, which numpy's own message does not."""
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


@dataclass(frozen=True)
class Given:
    """Rows as the user gave them, unchecked."""

    X: Any
    y: Any
    sample_weight: Any = None
    exposure: Any = None
    classes: Any = None
    is_part: bool = False
    """Whether other rows follow, with labels that these may lack."""


@dataclass(frozen=True)
class Table:
    """Checked rows.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        float32 or float64, in C order, or in CSR format.
    y : ndarray of shape (n_samples, n_outputs) or (n_samples, n_outputs, size)
        float64, inside the family's support; labels as 0, ..., n_classes - 1. The last axis is
        there where one observation is a row of numbers.
    weight : ndarray of shape (n_samples,)
        float64, positive.
    exposure : ndarray of shape (n_samples,), optional
        float64, positive.
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray
    exposure: np.ndarray | None = None

    def __len__(self) -> int:
        return self.X.shape[0]

    def small_as_dense(self) -> "Table":
        """The same rows, X as an array unless that would take much memory."""
        return replace(self, X=dense_if_small(self.X))

    def take(self, index: np.ndarray) -> "Table":
        """The rows at these positions, or under this mask."""
        exposure = None if self.exposure is None else self.exposure[index]
        return Table(self.X[index], self.y[index], self.weight[index], exposure)

    def astype(self, dtype: np.dtype) -> "Table":
        """The same rows with X in this dtype."""
        return replace(self, X=cast(self.X, dtype))

    def without_zero_weights(self) -> "Table":
        """The rows that count."""
        return self if self.weight.all() else self.take(self.weight > 0)

    def repeated(self, at_most: int) -> "Table":
        """Sorted rows, a row of whole weight w as w rows of weight 1.

        So the fit of repeated or shuffled rows is that of weighted ones, to the last bit, hold-outs
        and batches included. Rows with other weights, sparse ones, or more than `at_most`, stay.
        """
        n_rows = self.weight.sum()
        if (
            sparse.issparse(self.X)
            or n_rows > at_most
            or (self.weight != np.floor(self.weight)).any()
        ):
            return self
        merged = self.merged()
        table = merged.take(np.repeat(np.arange(len(merged)), merged.weight.astype(int)))
        return replace(table, weight=np.ones(len(table)))

    def merged(self) -> "Table":
        """Equal rows merged into one that has their summed weight, in sorted order.

        In one full batch this changes nothing but the order of additions; it makes the fit of
        repeated or shuffled rows the same, to the last bit, as that of weighted ones. Sparse rows
        stay as they are.
        """
        if sparse.issparse(self.X):
            return self
        columns = [self.X.astype(float), self.y.reshape(len(self), -1)]
        if self.exposure is not None:
            columns.append(self.exposure[:, None])
        _, index, inverse = np.unique(
            np.hstack(columns), axis=0, return_index=True, return_inverse=True
        )
        weight = np.bincount(inverse.ravel(), weights=self.weight)
        return replace(self.take(index), weight=weight)


def check_finite(X: Any, estimator: str) -> None:
    """Raise a ValueError that names the first row and column of `X` that hold no number."""
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


def cast(X: Any, dtype: np.dtype) -> Any:
    """X in the network's dtype; a ValueError where that cannot hold it."""
    with np.errstate(over="ignore"):
        converted = X.astype(dtype, copy=False)
    values = converted.data if sparse.issparse(X) else converted
    if converted.dtype != X.dtype and not np.isfinite(values).all():
        raise ValueError(
            f"X holds values up to {abs(X).max():.3g}, beyond {np.dtype(dtype)}, in which the "
            "network was fitted because its X was; scale X, or fit on float64."
        )
    return converted


def check_weight(sample_weight: ArrayLike | None, X: np.ndarray) -> np.ndarray:
    """Weights as float64, one a row of `X`; non-negative and not all zero."""
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
    """Exposures as float64, one a row of `X`; positive and finite."""
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


def check_validation(validation: Given, training: Given, solver: str) -> bool:
    """Whether validation rows were given; half of them is an error, and so are they for lbfgs."""
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
    if X is not None and solver == "lbfgs":
        raise ValueError(
            "X_val is for solver='adam' or 'sgd', which stop early on it; lbfgs runs to its end."
        )
    return X is not None
