"""How do rows come in at the door of `fit`, while the estimator stays as it is?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_consistent_length

from .._data.checks import Y_PARAMS, check_exposure, check_weight, check_weight_values
from .._data.columns import names_of_columns
from .._data.kinds import Columns, find_categories, first_look
from .._data.matrix import Codes, check_matrix, codes_of
from .._data.readable import NotNumbersError, as_rows
from .._data.tables import CheckedRows, FitInput
from .._data.values import as_labels
from ..distributions import Distribution, LabelDistribution
from ..predictive.reading import read_target, values_of
from ..predictive.targets import Target

_COLUMNS_OF_X = ("n_features_in_", "feature_names_in_")


class Door:
    """The check of rows that a fit is given; it learns from the first ones what X and y look like.

    Parameters
    ----------
    estimator : estimator
        It is not changed: a copy of it notes the columns of X.
    family : Distribution
    columns : Columns, optional
    target : Target, optional
        The kinds of X's columns, and the kind of y, of the fit that continues; learned from the
        rows where they are left out.

    Attributes
    ----------
    family : Distribution
        The one that fits the columns of y.
    columns : Columns
        The kinds of X's columns.
    target : Target
        The kind of y.
    """

    columns: Columns
    target: Target

    def __init__(
        self,
        estimator: BaseEstimator,
        family: Distribution,
        columns: Columns | None = None,
        target: Target | None = None,
    ):
        # Not by copy.copy, which would ask the user's own ways to copy and to pickle.
        self._reader = object.__new__(type(estimator))
        vars(self._reader).update(vars(estimator))
        self.family = family
        self._continues = target is not None
        if columns is not None and target is not None:
            self.columns, self.target = columns, target

    def read(self, given: FitInput, class_weight: Any = None) -> CheckedRows:
        """Check the rows to train on; a ValueError says what is not legal, where, and what to do.

        Parameters
        ----------
        given : FitInput
        class_weight : dict, "balanced" or None
            As `NLLClassifier` takes it.
        """
        given = replace(given, classes=as_labels(given.classes, "classes"))
        X, y = self._read_arrays(given, reset=not self._continues)
        exposure = check_exposure(given.exposure, X)
        if self._continues:
            self.target.check_continues(y, given)
        else:
            self.family, self.target = read_target(self.family, given, y)
        encoded = self.target.encode(y, "y", exposure)
        weight = check_weight(given.sample_weight, X)
        if not self._continues and self.columns.levels:
            self.columns = self.columns.settled(X, weight)
        self.target = self.target.with_class_weight(class_weight, encoded, weight)
        return self._weighted(X, encoded, weight, exposure)

    def read_validation(self, given: FitInput) -> CheckedRows:
        """Check the rows to stop early by, after those to train on."""
        X, y = self._read_arrays(given, reset=False, suffix="_val")
        exposure = check_exposure(given.exposure, X, "exposure_val")
        encoded = self.target.encode(y, "y_val", exposure)
        weight = check_weight(given.sample_weight, X, "sample_weight_val")
        return self._weighted(X, encoded, weight, exposure)

    def _read_arrays(
        self, given: FitInput, *, reset: bool, suffix: str = ""
    ) -> tuple[Any, np.ndarray]:
        """Check X and y by scikit-learn; `suffix` makes the names by which the user knows them."""
        name = f"X{suffix}"
        rows = as_rows(given.X, name)
        if given.y is None:
            raise ValueError(
                f"{type(self._reader).__name__} requires y to be passed, but the target y is None."
            )
        y = values_of(given.y, self.family, f"y{suffix}")
        codes = self._codes(rows, name, reset=reset)
        try:
            X = check_matrix(self._reader, rows, codes, reset=reset, name=name)
            y = check_array(y, input_name="y", estimator=self._reader, **_y_params(self.family))
            check_consistent_length(X, y)
        except NotNumbersError:
            raise
        except ValueError as error:
            if not suffix or str(error).startswith(f"Input {name} "):
                raise
            raise ValueError(f"{name}, y{suffix}: {error}") from error
        return X, y

    def _codes(self, rows: Any, name: str, *, reset: bool) -> Codes:
        """Read the columns of categories, which the first rows tell."""
        if not reset:
            return codes_of(self._reader, rows, self.columns, name, names_of_columns(rows))
        places = find_categories(rows, self._reader.categorical_features, name)
        self.columns, codes = first_look(places, rows)
        return codes

    def _weighted(
        self, X: Any, encoded: np.ndarray, weight: np.ndarray, exposure: np.ndarray | None
    ) -> CheckedRows:
        by_class = self.target.class_weight_of(encoded)
        if by_class is not None:
            with np.errstate(over="ignore"):  # which the check names
                weight = check_weight_values(weight * by_class)
        return CheckedRows(X, encoded, weight, exposure)

    @property
    def columns_of_x(self) -> dict[str, Any]:
        """Number of X's columns, and their names where it has names, as attributes."""
        seen = vars(self._reader)
        return {name: seen[name] for name in _COLUMNS_OF_X if name in seen}


def _y_params(family: Distribution) -> dict[str, Any]:
    """Say how scikit-learn checks y: labels keep their type, all else becomes numbers."""
    if not isinstance(family, LabelDistribution):
        return Y_PARAMS
    # Of probabilities the family's check names the row.
    return {**Y_PARAMS, "dtype": None, "ensure_all_finite": not family.event_ndim}
