"""How is the predictive distribution reached inside scikit-learn's own compositions?"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.model_selection._search import BaseSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import Pipeline
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils.validation import check_is_fitted, validate_data

from .predictive import (
    LabelPredictive,
    Predictive,
    SeveralLabelsPredictive,
    average,
    average_of_labels,
    labels_by_probability,
    side_by_side,
    transformed,
)


def predict_dist(estimator: Any, X: ArrayLike, *, exposure: ArrayLike | None = None) -> Predictive:
    """Predict the distribution of y through scikit-learn's compositions.

    scikit-learn forwards ``predict`` through its compositions, but no method of others; this
    function walks to the fitted estimators inside, and answers in the units and labels of the
    outermost y.

    Parameters
    ----------
    estimator : estimator
        Fitted. One that has ``predict_dist``, or a composition of such, nested at will:

        - Pipeline, also of imbalanced-learn, RFE, RFECV, SelfTrainingClassifier, FrozenEstimator,
          GridSearchCV and other search objects: the distribution of the estimator inside;
        - FixedThresholdClassifier, TunedThresholdClassifierCV: that of the classifier inside, by
          whose probabilities they decide; the most probable label need not be what they predict;
        - CalibratedClassifierCV: a categorical distribution of the calibrated probabilities;
        - TransformedTargetRegressor: that distribution taken back to y's units, where the
          transformer is a monotone map of each column;
        - MultiOutputRegressor: that of independent outputs, if all have the same family;
        - MultiOutputClassifier: that of independent labels, one for each output;
        - BaggingRegressor, VotingRegressor: the (weighted) average of the members', if all have
          the same family;
        - BaggingClassifier, VotingClassifier with ``voting="soft"``: the (weighted) average of
          the members' probabilities;
        - StackingRegressor, StackingClassifier: that of the final estimator.
    X : array-like of shape (n_samples, n_features)
        As for the outermost ``predict``.
    exposure : array-like of shape (n_samples,), optional
        How long each row is watched; see `NLLRegressor.predict_dist`.

    Returns
    -------
    Predictive
        A distribution for each row, in the class that suits y: numbers, labels or rankings.

    Raises
    ------
    TypeError
        If an estimator without ``predict_dist`` is found, such as a chain, which has no
        distribution to predict, or distributions that cannot be put together.
    ValueError
        If a transformer of y is not monotone, or mixes the columns of y.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklnll import NLLRegressor, predict_dist
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = NLLRegressor(hidden_layer_sizes=(), solver="lbfgs")
    >>> model = make_pipeline(StandardScaler(), net).fit(X, y)
    >>> predict_dist(model, X[:2])
    ContinuousPredictive(Normal(), n_rows=2)
    """
    if hasattr(estimator, "predict_dist"):
        known = {} if exposure is None else {"exposure": exposure}
        return estimator.predict_dist(X, **known)
    if _through.dispatch(type(estimator)) is not _through.dispatch(object):
        check_is_fitted(estimator)
    return _through(estimator, X, exposure)


@singledispatch
def _through(estimator: Any, X: Any, exposure: Any) -> Predictive:
    """Predict by a composition; the class of the first argument chooses how."""
    raise TypeError(
        f"{type(estimator).__name__} has no predict_dist; expected an estimator of sklnll, or a "
        "composition of such: Pipeline, GridSearchCV and other searches, "
        "TransformedTargetRegressor, MultiOutput, Bagging, Voting and Stacking estimators, RFE, "
        "CalibratedClassifierCV, classifiers with a threshold, SelfTrainingClassifier."
    )


_WITHOUT_DISTRIBUTION: dict[type, str] = {
    ClassifierChain: "it hands predicted labels on to the next classifier as if they were known. "
    "Use NLLClassifier on the indicator matrix, or MultiOutputClassifier",
    RegressorChain: "it hands predicted numbers on to the next regressor as if they were known. "
    "Use MultiOutputRegressor, or NLLRegressor('multivariate_normal'), which learns how the "
    "outputs depend on each other",
    OneVsRestClassifier: "it scales the probabilities of several yes-or-no questions to sum to "
    "one. Use the classifier inside by itself: NLLClassifier takes any number of labels, and "
    "indicator matrices",
    OneVsOneClassifier: "it counts votes between pairs of labels. Use the classifier inside by "
    "itself: NLLClassifier takes any number of labels",
    OutputCodeClassifier: "it compares codes of the labels. Use the classifier inside by itself: "
    "NLLClassifier takes any number of labels",
    AdaBoostClassifier: "it weighs votes. Use the classifier inside by itself with n_estimators, "
    "or BaggingClassifier",
    AdaBoostRegressor: "it takes a median of points. Use the regressor inside by itself with "
    "n_estimators, or BaggingRegressor",
}
"""Why compositions have no distribution to predict, and what has one."""


def _refuse(estimator: Any, X: Any, exposure: Any) -> Predictive:
    reasons = (why for of, why in _WITHOUT_DISTRIBUTION.items() if isinstance(estimator, of))
    raise TypeError(f"{type(estimator).__name__} has no predict_dist: {next(reasons)}.")


for _composition in _WITHOUT_DISTRIBUTION:
    _through.register(_composition, _refuse)


# One estimator inside ----------------------------------------------------------------------------


@_through.register
def _(estimator: Pipeline, X: Any, exposure: Any) -> Predictive:
    # As its own predict goes, which leaves out samplers of imbalanced-learn.
    for _, _, step in estimator._iter(with_final=False):
        X = step.transform(X)
    return predict_dist(estimator.steps[-1][1], X, exposure=exposure)


@_through.register
def _(estimator: BaseSearchCV, X: Any, exposure: Any) -> Predictive:
    if not estimator.refit:
        raise AttributeError(
            f"this {type(estimator).__name__} was fitted with refit=False and has no best "
            "estimator to predict with; set refit=True."
        )
    return predict_dist(estimator.best_estimator_, X, exposure=exposure)


@_through.register
def _(estimator: RFE, X: Any, exposure: Any) -> Predictive:
    return predict_dist(estimator.estimator_, estimator.transform(X), exposure=exposure)


@_through.register
def _(estimator: SelfTrainingClassifier, X: Any, exposure: Any) -> Predictive:
    return predict_dist(estimator.estimator_, X, exposure=exposure)


@_through.register
def _(estimator: FrozenEstimator, X: Any, exposure: Any) -> Predictive:
    return predict_dist(estimator.estimator, X, exposure=exposure)


@_through.register(FixedThresholdClassifier)
@_through.register(TunedThresholdClassifierCV)
def _(estimator: Any, X: Any, exposure: Any) -> Predictive:
    return predict_dist(estimator.estimator_, X, exposure=exposure)


@_through.register
def _(estimator: CalibratedClassifierCV, X: Any, exposure: Any) -> Predictive:
    if exposure is not None:
        raise TypeError("CalibratedClassifierCV predicts labels, which have no exposure.")
    return labels_by_probability(estimator.predict_proba(X), estimator.classes_)


@_through.register
def _(estimator: TransformedTargetRegressor, X: Any, exposure: Any) -> Predictive:
    dist = predict_dist(estimator.regressor_, X, exposure=exposure)
    return transformed(dist, estimator.transformer_)


@_through.register
def _(estimator: StackingRegressor, X: Any, exposure: Any) -> Predictive:
    return predict_dist(estimator.final_estimator_, estimator.transform(X), exposure=exposure)


@_through.register
def _(estimator: StackingClassifier, X: Any, exposure: Any) -> Predictive:
    final = predict_dist(estimator.final_estimator_, estimator.transform(X), exposure=exposure)
    return _relabelled(final, estimator.classes_) if isinstance(final, LabelPredictive) else final


# Several -----------------------------------------------------------------------------------------


@_through.register
def _(estimator: MultiOutputRegressor, X: Any, exposure: Any) -> Predictive:
    return side_by_side([predict_dist(e, X, exposure=exposure) for e in estimator.estimators_])


@_through.register
def _(estimator: MultiOutputClassifier, X: Any, exposure: Any) -> Predictive:
    dists: list[Any] = [predict_dist(e, X, exposure=exposure) for e in estimator.estimators_]
    return SeveralLabelsPredictive(dists)


@_through.register
def _(estimator: BaggingRegressor, X: Any, exposure: Any) -> Predictive:
    return average(_of_bags(estimator, X, exposure))


@_through.register
def _(estimator: BaggingClassifier, X: Any, exposure: Any) -> Predictive:
    return _average_of_codes(_of_bags(estimator, X, exposure), estimator.classes_)


@_through.register
def _(estimator: VotingRegressor, X: Any, exposure: Any) -> Predictive:
    dists = [predict_dist(e, X, exposure=exposure) for e in estimator.estimators_]
    return average(dists, _weights(estimator))


@_through.register
def _(estimator: VotingClassifier, X: Any, exposure: Any) -> Predictive:
    if estimator.voting != "soft":
        raise TypeError(
            f"VotingClassifier(voting={estimator.voting!r}) counts votes and has no probabilities; "
            "set voting='soft'."
        )
    dists = [predict_dist(e, X, exposure=exposure) for e in estimator.estimators_]
    return _average_of_codes(dists, estimator.classes_, _weights(estimator))


def _of_bags(estimator: Any, X: Any, exposure: Any) -> list[Predictive]:
    """Let each member predict by the columns of X that it was given."""
    X = validate_data(
        estimator,
        X,
        reset=False,
        dtype=None,
        accept_sparse=["csr", "csc"],
        ensure_all_finite=False,
    )
    members = zip(estimator.estimators_, estimator.estimators_features_, strict=True)
    return [predict_dist(member, X[:, columns], exposure=exposure) for member, columns in members]


def _weights(estimator: VotingRegressor | VotingClassifier) -> list[float] | None:
    """Keep the weights of the members that were not dropped."""
    if estimator.weights is None:
        return None
    pairs = zip(estimator.estimators, estimator.weights, strict=True)
    return [weight for (_, member), weight in pairs if member != "drop"]


def _average_of_codes(
    dists: list[Any], classes: np.ndarray, weights: list[float] | None = None
) -> LabelPredictive:
    """Average over members that were trained on the positions of labels in `classes`."""
    return average_of_labels([_relabelled(dist, classes) for dist in dists], classes, weights)


def _relabelled(dist: LabelPredictive, classes: np.ndarray) -> LabelPredictive:
    """Put labels in place of their positions, which compositions train their members on."""
    relabelled = LabelPredictive(dist.distribution, dist.params, classes[dist.classes])
    return relabelled._as_novel_as(dist)
