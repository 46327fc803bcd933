"""How is a y of class labels read, and in which form do they come back?"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import column_or_1d, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from .._data.checks import Given
from ..distributions import LabelDistribution
from . import (
    IndicatorPredictive,
    LabelPredictive,
    encode_indicators,
    encode_labels,
)

Params = Mapping[str, np.ndarray]


class Target(ABC):
    """A kind of y, as it was found in training.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The labels, in the order of the columns of probabilities.
    """

    stratify: ClassVar[bool] = False
    """Whether a hold-out can keep the shares of y's values."""

    def __init__(self, classes: np.ndarray):
        self.classes = classes

    @abstractmethod
    def encode(self, y: np.ndarray, name: str) -> np.ndarray:
        """Numbers for training, of shape (n_samples, n_outputs[, n_classes])."""

    @property
    @abstractmethod
    def outcomes(self) -> np.ndarray:
        """A row, or a few, in which each class is there; encoded."""

    @abstractmethod
    def predictive(
        self, distribution: LabelDistribution, params: Params
    ) -> LabelPredictive | IndicatorPredictive:
        """Wrap predicted parameters of shape (n_samples, n_outputs, ...)."""

    def as_predicted(self, y: Any) -> Any:
        """The `y` in the form of predictions, to compare them in scores."""
        return y

    def learn_class_weight(
        self, class_weight: Any, encoded: np.ndarray, weight: np.ndarray
    ) -> None:
        """Take the weight of each class from the parameter and the training rows."""
        if class_weight is not None:
            raise ValueError(
                f"class_weight={class_weight!r} weighs rows by their one label, which rows of "
                "indicators or probabilities do not have; use sample_weight."
            )

    def class_weight_of(self, encoded: np.ndarray) -> np.ndarray:
        """What the class weights multiply the weight of each row with."""
        return np.ones(len(encoded))


class Labels(Target):
    """One label a row."""

    stratify = True

    def encode(self, y: np.ndarray, name: str) -> np.ndarray:
        labels = column_or_1d(y, warn=True)
        return encode_labels(labels, self.classes, name)[:, None].astype(float)

    @property
    def outcomes(self) -> np.ndarray:
        return np.arange(len(self.classes), dtype=float)[:, None]

    def predictive(self, distribution: LabelDistribution, params: Params) -> LabelPredictive:
        return LabelPredictive(distribution, _of_one_output(params), self.classes)

    def learn_class_weight(
        self, class_weight: Any, encoded: np.ndarray, weight: np.ndarray
    ) -> None:
        places, n_classes = encoded[:, 0].astype(int), len(self.classes)
        if isinstance(class_weight, str):
            totals = np.bincount(places, weights=weight, minlength=n_classes)
            by_class = weight.sum() / (n_classes * np.where(totals > 0, totals, np.inf))
        else:
            by_class = compute_class_weight(
                class_weight, classes=self.classes, y=self.classes[places]
            )
        self.class_weight = by_class

    def class_weight_of(self, encoded: np.ndarray) -> np.ndarray:
        return self.class_weight[encoded[:, 0].astype(int)]


class Indicators(Target):
    """Several labels a row: a column of 0 and 1 for each."""

    def encode(self, y: np.ndarray, name: str) -> np.ndarray:
        return encode_indicators(y, len(self.classes), name)

    @property
    def outcomes(self) -> np.ndarray:
        return np.array([[0.0], [1.0]]) * np.ones(len(self.classes))

    def predictive(self, distribution: LabelDistribution, params: Params) -> IndicatorPredictive:
        return IndicatorPredictive(distribution, params, self.classes)


class SoftTargets(Target):
    """A row of probabilities instead of a label: a column for each class."""

    def __init__(self, classes: np.ndarray, distribution: LabelDistribution):
        super().__init__(classes)
        self.distribution = distribution

    def encode(self, y: np.ndarray, name: str) -> np.ndarray:
        if y.ndim != 2 or y.shape[1] != len(self.classes):
            raise ValueError(
                f"{name} must hold a row of probabilities for each row of X, a column for each "
                f"class, for {self.distribution!r}; got shape {y.shape}."
            )
        shares = y.astype(float)
        self.distribution.check_target(shares, name)
        return shares[:, None]

    @property
    def outcomes(self) -> np.ndarray:
        return np.full((1, 1, len(self.classes)), 1 / len(self.classes))

    def predictive(self, distribution: LabelDistribution, params: Params) -> LabelPredictive:
        return LabelPredictive(distribution, _of_one_output(params), self.classes)

    def as_predicted(self, y: Any) -> Any:
        shares = np.asarray(y)
        return self.classes[shares.argmax(axis=1)] if shares.ndim == 2 else shares


def read_target(
    distribution: LabelDistribution, given: Given, y: np.ndarray
) -> tuple[LabelDistribution, Target]:
    """Find out which kind of y this is, and which family fits its columns.

    Parameters
    ----------
    distribution : LabelDistribution
    given : Given
        Rows as they were given: the type of y may know names and orders that the array does not.
    y : ndarray of shape (n_samples,) or (n_samples, n_columns)

    Raises
    ------
    ValueError
        For a y that is none for this family.
    """
    if distribution.event_ndim:
        return distribution, SoftTargets(_names_of_columns(given.y, y), distribution)
    if type_of_target(y, input_name="y") == "multilabel-indicator":
        classes = np.arange(y.shape[1]) if given.classes is None else np.unique(given.classes)
        if len(classes) != y.shape[1]:
            raise ValueError(
                f"classes must name the {y.shape[1]} columns of y, which is an indicator matrix; "
                f"got {len(classes)} of them."
            )
        return _of_indicators(distribution), Indicators(classes)
    if y.ndim == 2 and y.shape[1] > 1:
        raise ValueError(
            f"y must hold a label a row, shape (n_samples,), or be an indicator matrix of 0 and 1 "
            f"for several labels at once; got shape {y.shape} with other values. Rows of "
            "probabilities need distribution=Categorical(soft_targets=True); several outputs of "
            "several classes each need sklearn.multioutput.MultiOutputClassifier around this "
            "estimator."
        )
    check_classification_targets(y)
    if given.is_part and given.classes is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    labels = np.ravel(y if given.classes is None else given.classes)
    return distribution, Labels(distribution.classes_of(labels, _categories(given.y)))


def _of_indicators(distribution: LabelDistribution) -> LabelDistribution:
    family = distribution.of_indicators()
    if family is None:
        raise ValueError(
            f"{distribution!r} takes one label a row, of shape (n_samples,), but y is an indicator "
            "matrix of several labels at once; use distribution='bernoulli' or 'categorical'."
        )
    return family


def _categories(given: Any) -> np.ndarray | None:
    """The labels in order, where y is an ordered categorical of pandas."""
    if getattr(given, "ndim", 1) == 2 and hasattr(given, "iloc") and given.shape[1] == 1:
        given = given.iloc[:, 0]
    dtype: Any = getattr(given, "dtype", None)
    return dtype.categories.to_numpy() if getattr(dtype, "ordered", False) else None


def _names_of_columns(given: Any, y: np.ndarray) -> np.ndarray:
    if hasattr(given, "columns"):
        return np.asarray(given.columns)
    return np.arange(y.shape[-1])


def _of_one_output(params: Params) -> dict[str, np.ndarray]:
    return {name: value[:, 0] for name, value in params.items()}
