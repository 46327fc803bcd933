"""How is each kind of y encoded for training, and in which form do predictions give it back?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils import column_or_1d

from .._data.stored import check_array, check_family, check_part, check_whole_number, stored_error
from .._data.tables import FitInput
from .._data.values import as_labels, as_numbers, kind_of_labels
from ..distributions import Distribution, LabelDistribution, RankingDistribution
from ..distributions._places import places_of
from ..orders import check_order_table, pad_orders
from . import predictive
from ._base import Predictive
from .labels import IndicatorPredictive, LabelPredictive, encode_indicators, encode_labels
from .numbers import CensoredPredictive, PredictiveDistribution
from .rankings import RankingPredictive
from .vectors import VectorPredictive

Params = Mapping[str, np.ndarray]


class Target(ABC):
    """A kind of y, as it was found in training; abstract."""

    stratify: ClassVar[bool] = False
    """Whether a hold-out can keep the shares of y's values."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of classes, items or components of y; 1 where y is a number."""

    @abstractmethod
    def encode(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> np.ndarray:
        """Check `y`, and express it in numbers for training.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs) or (n_samples, n_outputs, size)

        Raises
        ------
        ValueError
            If `y`, called `name`, is not of this kind.
        """

    @classmethod
    def check(cls, target: Any, name: str) -> None:
        """Raise a ValueError that names the field of a stored kind of y that is not legal."""
        if not isinstance(target, cls):
            raise stored_error(name, "a kind of y", f"an object of {type(target).__name__}")
        check_part(target, type(target), name)
        target.check_fields(name)

    @abstractmethod
    def check_fields(self, name: str) -> None:
        """Raise a ValueError that names the field that is not legal."""

    @property
    def pseudo_rows(self) -> np.ndarray | None:
        """Encoded rows that hold what first rows may lack; None where they can lack nothing."""
        return None

    @abstractmethod
    def predictive(self, family: Any, params: Params) -> Any:
        """Wrap predicted parameters of shape (n_samples, n_outputs, ...)."""

    def without_outputs(self, params: Params) -> dict[str, np.ndarray]:
        """Drop the axis of the outputs, where predictions of this kind have none."""
        return {name: value[:, 0] for name, value in params.items()}

    def as_given_to_fit(self, y: np.ndarray) -> np.ndarray:
        """Bring `y` as metrics take it into the form that `fit` takes."""
        return y

    def fitted_attributes(self) -> dict[str, Any]:
        """Return what the estimator shows of this kind of y, by name."""
        return {}

    def check_continues(self, y: np.ndarray, given: FitInput) -> None:
        """Raise a ValueError where a fit that continues is given a `y` of other classes."""
        return

    def comparable(self, y: Any) -> np.ndarray:
        """Bring `y`, observed or predicted, into the one form in which both are compared."""
        return as_labels(y, "y")

    def with_class_weight(self, class_weight: Any, encoded: np.ndarray, weight: np.ndarray) -> Self:
        """Learn the weight of each class from the estimator's parameter and the training rows."""
        if class_weight is not None:
            raise ValueError(
                f"class_weight={class_weight!r} weighs rows by their one label, which rows of "
                "indicators or probabilities do not have; use sample_weight."
            )
        return self

    def class_weight_of(self, encoded: np.ndarray) -> np.ndarray | None:
        """Return what the class weights multiply each row's weight with; None for nothing."""
        return None


@dataclass(frozen=True, eq=False)
class Numbers(Target):
    """A number a row, several independent ones, or a row of numbers that belong together.

    Parameters
    ----------
    family : Distribution
    columns : tuple of int
        The shape of y without its rows.
    """

    family: Distribution
    columns: tuple[int, ...]

    @classmethod
    def read(cls, family: Distribution, y: np.ndarray) -> Self:
        """Note the columns of y; a single column of a single number counts as none."""
        return cls(family, () if is_one_column(family, y) else y.shape[1:])

    def check_fields(self, name: str) -> None:
        check_family(self.family, f"{name}.family")
        least = self.family.event_ndim
        if not isinstance(self.columns, tuple) or not least <= len(self.columns) <= 1:
            expected = f"a tuple of {'one number' if least else 'at most one number'}"
            raise stored_error(f"{name}.columns", expected, f"{self.columns!r}")
        for n_columns in self.columns:
            check_whole_number(n_columns, f"{name}.columns[0]", 1)

    @property
    def size(self) -> int:
        return self.columns[0] if self.family.event_ndim else 1

    def encode(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> np.ndarray:
        y = y.astype(float, copy=False)
        if is_one_column(self.family, y):
            y = column_or_1d(y, warn=True)
        self.family.check_target(y, name, exposure)
        if y.shape[1:] != self.columns:
            raise ValueError(
                f"{name} must have the columns of y that were fitted, rows of shape "
                f"{self.columns}; got shape {y.shape}."
            )
        event = self.columns if self.family.event_ndim else ()
        return y.reshape(len(y), -1, *event)

    @property
    def pseudo_rows(self) -> np.ndarray | None:
        n_outputs = self.columns[0] if self.columns else 1
        is_count = self.family.support.discrete and not self.family.event_ndim
        return np.ones((1, n_outputs)) if is_count else None

    def predictive(self, family: Distribution, params: Params) -> Any:
        return predictive(family, self.without_outputs(params))

    def without_outputs(self, params: Params) -> dict[str, np.ndarray]:
        has_one = self.family.event_ndim == len(self.columns)
        return super().without_outputs(params) if has_one else dict(params)

    def as_given_to_fit(self, y: np.ndarray) -> np.ndarray:
        """Take exact values for intervals, where the family knows intervals."""
        knows_intervals = self.family.exact is not self.family
        return np.column_stack([y, y]) if knows_intervals and y.ndim == 1 else y


@dataclass(frozen=True, eq=False)
class Orders(Target):
    """A ranking a row: items, best first.

    Parameters
    ----------
    family : RankingDistribution
    n_items : int
    """

    family: RankingDistribution
    n_items: int

    @classmethod
    def read(cls, family: RankingDistribution, y: np.ndarray) -> Self:
        """Count the items."""
        check_order_table(y, "y")
        return cls(family, y.shape[1])

    def check_fields(self, name: str) -> None:
        check_family(self.family, f"{name}.family")
        check_whole_number(self.n_items, f"{name}.n_items", 2)

    @property
    def size(self) -> int:
        return self.n_items

    def encode(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> np.ndarray:
        """Check the orders, and complete partial ones by -1."""
        orders = pad_orders(y.astype(float, copy=False), self.n_items, name)
        self.family.check_target(orders, name)
        return orders[:, None, :]

    def predictive(self, family: RankingDistribution, params: Params) -> RankingPredictive:
        return RankingPredictive(family, self.without_outputs(params))

    def fitted_attributes(self) -> dict[str, Any]:
        return {"n_items_": self.n_items}


@dataclass(frozen=True, eq=False)
class _OfClasses(Target):
    """A y that says something of each of a few classes; abstract.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The labels, in the order of the columns of probabilities.
    """

    classes: np.ndarray

    def check_fields(self, name: str) -> None:
        if not isinstance(self.classes, np.ndarray) or self.classes.ndim != 1:
            raise stored_error(f"{name}.classes", "an array of labels", f"{self.classes!r}")
        labels = self.classes.tolist()
        if not labels or len(set(labels)) < len(labels):
            raise stored_error(f"{name}.classes", "different labels", f"{labels}")

    @property
    def size(self) -> int:
        return len(self.classes)

    def predictive(
        self, family: LabelDistribution, params: Params
    ) -> LabelPredictive | IndicatorPredictive:
        return LabelPredictive(family, self.without_outputs(params), self.classes)

    def fitted_attributes(self) -> dict[str, Any]:
        return {"classes_": self.classes}

    def check_continues(self, y: np.ndarray, given: FitInput) -> None:
        if given.classes is not None and not self._are_all(given.classes):
            raise ValueError(
                f"`classes={given.classes!r}` is not the same as on last call to partial_fit, was: "
                f"{self.classes!r}"
            )

    def _are_all(self, labels: np.ndarray) -> bool:
        """Tell whether the labels are the classes: all of them, and no others."""
        places = places_of(np.ravel(labels), self.classes)
        return bool((places >= 0).all()) and len(np.unique(places)) == len(self.classes)

    def _places_to_compare(self, labels: np.ndarray) -> np.ndarray:
        """Find the positions of labels among the classes; -1 for one that is none of them."""
        kinds = kind_of_labels(labels), kind_of_labels(self.classes)
        if labels.size and kinds[0] != kinds[1]:
            raise ValueError(
                f"y must hold labels like those of fit, {kinds[1]} such as "
                f"{self.classes[0]!r}; got {kinds[0]} such as {labels[0]!r}."
            )
        return places_of(labels, self.classes)


@dataclass(frozen=True, eq=False)
class Labels(_OfClasses):
    """One label a row.

    Parameters
    ----------
    class_weight : ndarray of shape (n_classes,), optional
    """

    class_weight: np.ndarray | None = None
    stratify = True

    def check_fields(self, name: str) -> None:
        super().check_fields(name)
        if self.class_weight is not None:
            check_array(self.class_weight, f"{name}.class_weight", self.classes.shape)

    def encode(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> np.ndarray:
        labels = column_or_1d(y, warn=True)
        return encode_labels(labels, self.classes, name)[:, None].astype(float)

    @property
    def pseudo_rows(self) -> np.ndarray:
        return np.arange(len(self.classes), dtype=float)[:, None]

    def check_continues(self, y: np.ndarray, given: FitInput) -> None:
        super().check_continues(y, given)
        if not given.may_lack_labels and not self._are_all(y):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes}, `y` has {np.unique(y)}"
            )

    def with_class_weight(self, class_weight: Any, encoded: np.ndarray, weight: np.ndarray) -> Self:
        if class_weight is None:
            return replace(self, class_weight=None)
        places, n_classes = encoded[:, 0].astype(int), len(self.classes)
        if isinstance(class_weight, str):
            totals = np.bincount(places, weights=weight, minlength=n_classes)
            by_class = weight.sum() / (n_classes * np.where(totals > 0, totals, np.inf))
        else:
            by_class = _listed_weights(class_weight, self.classes)
        return replace(self, class_weight=by_class)

    def comparable(self, y: Any) -> np.ndarray:
        return self._places_to_compare(column_or_1d(as_labels(y, "y"), warn=True))

    def class_weight_of(self, encoded: np.ndarray) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        return self.class_weight[encoded[:, 0].astype(int)]


@dataclass(frozen=True, eq=False)
class Indicators(_OfClasses):
    """Several labels a row: a column of 0 and 1 for each."""

    def encode(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> np.ndarray:
        return encode_indicators(y, len(self.classes), name)

    @property
    def pseudo_rows(self) -> np.ndarray:
        return np.array([[0.0], [1.0]]) * np.ones(len(self.classes))

    def predictive(self, family: LabelDistribution, params: Params) -> IndicatorPredictive:
        return IndicatorPredictive(family, params, self.classes)

    def without_outputs(self, params: Params) -> dict[str, np.ndarray]:
        return dict(params)


@dataclass(frozen=True, eq=False)
class SoftTargets(_OfClasses):
    """A row of probabilities instead of a label: a column for each class.

    Parameters
    ----------
    family : LabelDistribution
    """

    family: LabelDistribution

    def check_fields(self, name: str) -> None:
        super().check_fields(name)
        check_family(self.family, f"{name}.family")

    def encode(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> np.ndarray:
        if y.ndim != 2 or y.shape[1] != len(self.classes):
            raise ValueError(
                f"{name} must hold a row of probabilities for each row of X, a column for each "
                f"class, for {self.family!r}; got shape {y.shape}."
            )
        shares = as_numbers(y, name).astype(float)
        self.family.check_target(shares, name)
        return shares[:, None]

    @property
    def pseudo_rows(self) -> np.ndarray:
        return np.full((1, 1, len(self.classes)), 1 / len(self.classes))

    def as_given_to_fit(self, y: np.ndarray) -> np.ndarray:
        """Take a label for the certainty of it."""
        if y.ndim != 1:
            return y
        return np.eye(len(self.classes))[encode_labels(y, self.classes, "y_true")]

    def comparable(self, y: Any) -> np.ndarray:
        values = as_labels(y, "y")
        return values.argmax(axis=1) if values.ndim == 2 else self._places_to_compare(values)


def is_one_column(family: Distribution, y: np.ndarray) -> bool:
    """Tell whether y is a single column of single numbers, which counts as a vector."""
    return y.ndim == 2 and y.shape[1] == 1 and not family.event_ndim


def _listed_weights(class_weight: Mapping[Any, float], classes: np.ndarray) -> np.ndarray:
    """Return the weight of each class; those that the dict does not list have weight 1.

    As in scikit-learn, it may list labels that these rows lack, but not instead of others.
    """
    labels = np.fromiter(class_weight, dtype=object, count=len(class_weight))
    places = places_of(labels, classes)
    missing = np.setdiff1d(np.arange(len(classes)), places)
    if (places < 0).any() and len(missing):
        raise ValueError(
            f"The classes, {classes[missing].tolist()}, are not in class_weight, which lists "
            f"{labels.tolist()}. Its keys must be the labels of y, in their type."
        )
    weight = np.ones(len(classes))
    listed = np.fromiter(class_weight.values(), dtype=float, count=len(class_weight))
    weight[places[places >= 0]] = listed[places >= 0]
    return weight


@singledispatch
def target_of(dist: Predictive, family: Any) -> Target:
    """Return the kind of y that a prediction is of, where its members are of this family."""
    raise TypeError(f"{type(dist).__name__} says nothing of a y that could be observed.")


@target_of.register(PredictiveDistribution)
@target_of.register(VectorPredictive)
def _(dist: PredictiveDistribution | VectorPredictive, family: Any) -> Target:
    return Numbers(family, dist.shape[1:])


@target_of.register
def _(dist: CensoredPredictive, family: Any) -> Target:
    return Numbers(family, (2,))


@target_of.register
def _(dist: RankingPredictive, family: Any) -> Target:
    return Orders(family, dist.n_items)


@target_of.register
def _(dist: IndicatorPredictive, family: Any) -> Target:
    return Indicators(dist.classes)


@target_of.register
def _(dist: LabelPredictive, family: Any) -> Target:
    return SoftTargets(dist.classes, family) if family.event_ndim else Labels(dist.classes)
