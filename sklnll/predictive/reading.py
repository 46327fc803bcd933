"""Which kind of y is this, as it was given to `fit`?"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from .._data.containers import categories_in_order, take_out
from .._data.tables import FitInput
from .._data.values import as_labels, as_numbers, kind_of_labels
from ..distributions import Distribution, LabelDistribution, RankingDistribution
from ..distributions._places import in_the_type_of
from .targets import Indicators, Labels, Numbers, Orders, SoftTargets, Target


def values_of(y: Any, family: Distribution, name: str) -> Any:
    """Take the values of `y` out of its container: labels with their type, or numbers."""
    if isinstance(family, LabelDistribution) and not family.event_ndim:
        return as_labels(y, name)
    is_of_shares = isinstance(family, LabelDistribution)  # which are read once their shape is known
    return take_out(y, name) if is_of_shares and y is not None else as_numbers(y, name)


def read_target(
    family: Distribution, given: FitInput, y: np.ndarray
) -> tuple[Distribution, Target]:
    """Find out which kind of y this is, and which family fits its columns.

    Parameters
    ----------
    family : Distribution
    given : FitInput
        Rows as they were given: the type of y may know names and orders that the array does not.
    y : ndarray of shape (n_samples,) or (n_samples, n_columns)

    Raises
    ------
    ValueError
        For a y that does not suit this family.
    """
    if isinstance(family, LabelDistribution):
        return _read_labels(family, given, y)
    if isinstance(family, RankingDistribution):
        return family, Orders.read(family, y)
    return family, Numbers.read(family, y)


def _read_labels(
    family: LabelDistribution, given: FitInput, y: np.ndarray
) -> tuple[LabelDistribution, Target]:
    """Tell labels, indicators and probabilities apart."""
    if family.event_ndim:
        return family, SoftTargets(_names_of_columns(given.y, y), family)
    is_usual = y.dtype.kind != "O" or kind_of_labels(y) == "text"
    if is_usual and type_of_target(y, input_name="y") == "multilabel-indicator":
        return _of_indicators(family), Indicators(_columns_of_indicators(given, y))
    if y.ndim == 2 and y.shape[1] > 1:
        raise ValueError(
            f"y must hold a label a row, shape (n_samples,), or be an indicator matrix of 0 and 1 "
            f"for several labels at once; got shape {y.shape} with other values. Rows of "
            "probabilities need distribution=Categorical(soft_targets=True); several outputs of "
            "several classes each need sklearn.multioutput.MultiOutputClassifier around this "
            "estimator."
        )
    if is_usual:  # others passed the check of their type
        check_classification_targets(y)
    if given.may_lack_labels and given.classes is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    labels = np.ravel(y)
    if given.classes is not None:
        labels = in_the_type_of(labels, np.ravel(given.classes))
    return family, Labels(family.classes_of(labels, categories_in_order(given.y)))


def _columns_of_indicators(given: FitInput, y: np.ndarray) -> np.ndarray:
    classes = np.arange(y.shape[1]) if given.classes is None else np.unique(given.classes)
    if len(classes) != y.shape[1]:
        raise ValueError(
            f"classes must name the {y.shape[1]} columns of y, which is an indicator matrix; "
            f"got {len(classes)} of them."
        )
    return classes


def _of_indicators(family: LabelDistribution) -> LabelDistribution:
    of_columns = family.of_indicators()
    if of_columns is None:
        raise ValueError(
            f"{family!r} takes one label a row, of shape (n_samples,), but y is an indicator "
            "matrix of several labels at once; use distribution='bernoulli' or 'categorical'."
        )
    return of_columns


def _names_of_columns(given: Any, y: np.ndarray) -> np.ndarray:
    if hasattr(given, "columns"):
        return np.asarray(given.columns)
    return np.arange(y.shape[-1])
