"""How good are predicted distributions? Scorers for model selection, and errors of angles."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics._scorer import _BaseScorer
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.metadata_routing import MetadataRequest

from .composition import predict_dist
from .predictive import VectorPredictive

__all__ = [
    "circular_mean_absolute_error",
    "circular_r2_score",
    "coverage_scorer",
    "neg_crps_scorer",
    "neg_interval_score_scorer",
    "neg_nll_scorer",
]


def _nll(dist: Any, y: ArrayLike) -> np.ndarray:
    return -dist.log_prob(y)


def _crps(dist: Any, y: ArrayLike) -> np.ndarray:
    if not hasattr(dist, "crps"):
        raise TypeError(
            "the continuous ranked probability score needs a y of numbers; "
            "for class labels and rankings use neg_nll_scorer."
        )
    return _mean_over_outputs(dist.crps(y))


def _interval_score(dist: Any, y: ArrayLike, coverage: float) -> np.ndarray:
    """Width of the central interval, and the distance of `y` from it as often as it is rare."""
    dist = _of_numbers(dist)
    low, high = np.moveaxis(dist.interval(coverage), -1, 0)
    y = dist._align(y)  # of angles, counted as the ends are
    outside = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return _mean_over_outputs(high - low + 2 / (1 - coverage) * outside)


def _minus_inside(dist: Any, y: ArrayLike, coverage: float) -> np.ndarray:
    """Minus 1 where `y` lies inside: scorers negate their losses."""
    return _mean_over_outputs(-1.0 * _of_numbers(dist).contains(y, coverage))


def _of_numbers(dist: Any) -> Any:
    """Distributions with central intervals; of vectors those of their components."""
    if isinstance(dist, VectorPredictive):
        return dist.marginals
    if not hasattr(dist, "contains"):
        raise TypeError(
            "central intervals need a y of numbers; for class labels and rankings use "
            "neg_nll_scorer."
        )
    return dist


def _mean_over_outputs(values: np.ndarray) -> np.ndarray:
    return values if values.ndim == 1 else values.mean(axis=1)


class DistributionScorer(_BaseScorer):
    """A scorer, as ``scoring=`` takes it, of the whole predicted distribution; higher is better.

    Calls with ``(estimator, X, y, sample_weight=None, exposure=None)`` and works on whatever
    `sklnll.predict_dist` reaches through: an estimator of this package, or a pipeline, search
    object, transformed target or other composition with one inside. Several at once are a dict:
    ``scoring={"nll": neg_nll_scorer, "coverage": coverage_scorer}``.

    - `neg_nll_scorer`: mean log-likelihood, in nats a row, for every family. A proper score: no
      distribution does better on average than the true one. Only families of the same kind of y
      can be compared.
    - `neg_crps_scorer`: negative mean continuous ranked probability score, in y's units (mean over
      outputs), for families of numbers. Proper too, and less sensitive to outliers. Of families of
      vectors it judges each component alone (mean over them), not how they depend on each other.
    - `neg_interval_score_scorer` and `coverage_scorer` judge central intervals; see
      `IntervalScorer`.

    Parameters
    ----------
    name : str
    loss : callable
        From a predictive distribution and y to one loss per row.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklnll import NLLRegressor
    >>> from sklnll.metrics import neg_nll_scorer
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = NLLRegressor(hidden_layer_sizes=(), solver="lbfgs", max_iter=500)
    >>> cross_val_score(net, X, y, scoring=neg_nll_scorer).mean().round(1)
    np.float64(-5.4)
    """

    _response_method: ClassVar = "predict"

    def __init__(self, name: str, loss: Callable[[Any, ArrayLike], np.ndarray]):
        # Not scikit-learn's, which wants a function of predictions: only its kind is needed.
        self.name = name
        self._loss = loss
        self._request = _request(name)

    def set_score_request(
        self,
        *,
        sample_weight: bool | str | None = None,
        exposure: bool | str | None = None,
    ) -> Self:
        """Say whether scikit-learn's metadata routing passes weights and exposures on.

        Parameters
        ----------
        sample_weight, exposure : bool, str or None, default=None
            True, False, the name under which it is passed, or None to raise where it is.

        Returns
        -------
        DistributionScorer
            A copy that asks for them.
        """
        scorer = copy.copy(self)
        scorer._request = _request(self.name, sample_weight=sample_weight, exposure=exposure)
        return scorer

    def get_metadata_routing(self) -> MetadataRequest:
        """What scikit-learn's metadata routing shall pass on."""
        return self._request

    def __call__(
        self,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        exposure: ArrayLike | None = None,
    ) -> float:
        dist = predict_dist(estimator, X, exposure=exposure)
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] == 1 and not dist.distribution.event_ndim:
            y = y[:, 0]  # as fit takes it; to the distribution, a column would be a grid
        loss = self._loss(dist, y)
        weight = None if sample_weight is None else np.asarray(sample_weight)
        return -float(np.average(loss, weights=weight))

    def _score(self, method_caller: Any, estimator: Any, X: Any, y: Any, **metadata: Any) -> float:
        """As scikit-learn calls several scorers at once, which might share predictions."""
        return self(estimator, X, y, **metadata)

    def _accept_sample_weight(self) -> bool:
        return True

    def __repr__(self) -> str:
        return self.name


class IntervalScorer(DistributionScorer):
    """A scorer of the central intervals of predicted distributions of numbers.

    - `neg_interval_score_scorer`: negative mean interval score (Winkler score), in y's units: the
      width of the interval, and where y lies outside, the distance to it times 2 / (1 - coverage).
      Higher is better: no interval of this coverage does better on average than the true one.
    - `coverage_scorer`: share of y inside the interval, ends included. **Higher is not better**:
      right is what the interval promises, so watch it beside another score and never select by it.
      For counts, whose intervals hold at least what they promise, right may be above.

    Both are about the interval of 90 %, unless `at` chooses another; with several outputs, or a
    family of vectors, the mean over the outputs.

    Parameters
    ----------
    name : str
    loss : callable
        From a predictive distribution, y and ``coverage`` to one loss per row.
    coverage : float, default=0.9
        Probability that the interval holds, between 0 and 1.

    References
    ----------
    T. Gneiting and A. Raftery (2007). Strictly proper scoring rules, prediction, and estimation,
    section 6.2. doi:10.1198/016214506000001437

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import cross_validate
    >>> from sklnll import NLLRegressor
    >>> from sklnll.metrics import coverage_scorer, neg_nll_scorer
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = NLLRegressor(hidden_layer_sizes=(), solver="lbfgs", max_iter=500)
    >>> scoring = {"nll": neg_nll_scorer, "coverage": coverage_scorer.at(0.8)}
    >>> cross_validate(net, X, y, scoring=scoring)["test_coverage"].mean().round(1)
    np.float64(0.8)
    """

    def __init__(self, name: str, loss: Callable[..., np.ndarray], coverage: float = 0.9):
        super().__init__(name, partial(loss, coverage=coverage))
        self.coverage = coverage

    def at(self, coverage: float) -> Self:
        """The same scorer of another central interval.

        Parameters
        ----------
        coverage : float
            Probability that the interval holds, 0.8 for 80 %.

        Returns
        -------
        IntervalScorer
            A copy.
        """
        if not isinstance(coverage, Real) or not 0 < coverage < 1:
            raise ValueError(
                "coverage must be a number between 0 and 1, 0.8 for the central interval of 80 %; "
                f"got {coverage!r}."
            )
        scorer = copy.copy(self)
        scorer._loss = partial(self._loss, coverage=coverage)
        scorer.coverage = coverage
        return scorer

    def __repr__(self) -> str:
        return self.name if self.coverage == 0.9 else f"{self.name}.at({self.coverage!r})"


def _request(
    owner: str, sample_weight: bool | str | None = None, exposure: bool | str | None = None
) -> MetadataRequest:
    request = MetadataRequest(owner=owner)
    request.score.add_request(param="sample_weight", alias=sample_weight)
    request.score.add_request(param="exposure", alias=exposure)
    return request


neg_nll_scorer = DistributionScorer("neg_nll_scorer", _nll)
"""Mean log-likelihood of held-out rows, in nats a row: a proper score, whatever the family."""

neg_crps_scorer = DistributionScorer("neg_crps_scorer", _crps)
"""Negative mean continuous ranked probability score, in y's units (mean over outputs)."""

neg_interval_score_scorer = IntervalScorer("neg_interval_score_scorer", _interval_score)
"""Negative mean interval score of the central 90 % interval, in y's units; `at` chooses others."""

coverage_scorer = IntervalScorer("coverage_scorer", _minus_inside)
"""Share of y inside the central 90 % interval: right is 0.9, higher is not better."""


# Angles ------------------------------------------------------------------------------------------


def circular_mean_absolute_error(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Mean angular distance, the shorter way around; lower is better.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Angles in radians, in any turn.
    sample_weight : array-like of shape (n_samples,), optional

    Returns
    -------
    float
        In radians, between 0 and pi; mean over outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.metrics import circular_mean_absolute_error
    >>> circular_mean_absolute_error(np.deg2rad([359, 90]), np.deg2rad([1, 100])).round(3)
    np.float64(0.105)
    """
    true, pred, weight = _check_angles(y_true, y_pred, sample_weight)
    distance = 2 * np.arcsin(np.abs(np.sin((true - pred) / 2)))
    return np.average(distance, axis=0, weights=weight).mean()


def circular_r2_score(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Coefficient of determination of angles: R² with 1 - cos(error) for the squared error.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Angles in radians, in any turn.
    sample_weight : array-like of shape (n_samples,), optional

    Returns
    -------
    float
        1 is the best, 0 as good as the mean direction of `y_true` for all rows; mean over outputs.
        Of equal `y_true` it is 1 where the prediction is perfect, else 0, as in scikit-learn.

    Notes
    -----
    1 - cos is half the squared distance between two points of the unit circle; about the mean
    direction its mean is the circular variance.

    References
    ----------
    U. Lund (1999). Least circular distance regression for directional data.
    doi:10.1080/02664769922656

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.metrics import circular_r2_score
    >>> circular_r2_score([0.1, 3.1, -2.0], np.array([0.1, 3.1, -2.0]) + 2 * np.pi).round(3)
    np.float64(1.0)
    """
    true, pred, weight = _check_angles(y_true, y_pred, sample_weight)
    center = np.arctan2(weight @ np.sin(true), weight @ np.cos(true))
    error, total = (
        np.average(np.sin((true - point) / 2) ** 2, axis=0, weights=weight)
        for point in (pred, center)
    )
    # Equal angles, to the rounding of their mean direction.
    vanishes = total <= np.finfo(float).eps ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(vanishes, error <= total, 1 - error / total)
    return score.mean()


def _check_angles(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both with a column for each output; weights of one where none are given."""
    true: np.ndarray = check_array(y_true, dtype=float, ensure_2d=False, input_name="y_true")
    pred: np.ndarray = check_array(y_pred, dtype=float, ensure_2d=False, input_name="y_pred")
    check_consistent_length(true, pred, sample_weight)
    true, pred = true.reshape(len(true), -1), pred.reshape(len(pred), -1)
    if true.shape != pred.shape:
        raise ValueError(
            f"y_true and y_pred must have the same outputs; got {true.shape[1]} and "
            f"{pred.shape[1]} columns."
        )
    weight = np.ones(len(true)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    return true, pred, weight
