"""What does a fitted estimator say of new rows, for each kind of y?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import _check_sample_weight

from .._data.checks import Y_PARAMS, check_numeric_columns
from .._data.values import as_numbers
from .._messages import NumericalWarning, warn_user
from ..distributions import Censored, CircularDistribution
from ..metrics import circular_r2_score
from ..orders import kendall_tau
from ..predictive import (
    IndicatorPredictive,
    LabelPredictive,
    PredictiveDistribution,
    RandomState,
    RankingPredictive,
    VectorPredictive,
)

if TYPE_CHECKING:  # the estimators join these classes with it, and they call its methods
    from ._base import NLLEstimator as _WithNetwork
else:
    _WithNetwork = object


class PredictsNumbers(_WithNetwork):
    """Mixin that predicts points, quantiles, intervals and samples of a y of numbers."""

    point_estimate: str

    def predict_dist(
        self, X: ArrayLike, *, exposure: ArrayLike | None = None
    ) -> PredictiveDistribution | VectorPredictive:
        """Predict the distribution of y for each row.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.
        exposure : array-like of shape (n_samples,), optional
            How long, or how much, each row is watched, for families of counts. The distribution is
            that of y after this many units of exposure, and after one unit if it is left out.

        Returns
        -------
        PredictiveDistribution or VectorPredictive
            The distribution of each row in y's units, with the methods of scipy's distributions:
            ``mean, std, ppf, interval, cdf, rvs, ...``. The latter is for families of vectors.
            Its ``novelty``, of shape (n_samples,), says how far outside of the training rows each
            row lies: the largest distance of a column beyond its training range, in units of the
            column's spread.
        """
        return self._predict_dist(X, exposure)

    def predict(
        self, X: ArrayLike, return_std: bool = False, *, exposure: ArrayLike | None = None
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict one number for each row and output.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.
        return_std : bool, default=False
            Whether to return the standard deviation as well.
        exposure : array-like of shape (n_samples,), optional
            How long, or how much, each row is watched; see `predict_dist`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The `point_estimate` of the distribution, in y's units. It is float32 if the network
            computes in float32, because X was float32 in `fit`; `predict_dist` keeps all digits of
            a float64 y.
        std : ndarray of the same shape
            The standard deviation, in y's units; returned only if `return_std` is true.

        Warns
        -----
        NumericalWarning
            If a mean, or a standard deviation, is infinite or does not exist.
        """
        dist = self.predict_dist(X, exposure=exposure)
        estimate = self.point_estimate
        estimate = self.distribution_.default_point if estimate == "auto" else estimate
        point = self._in_own_dtype(dist.point(estimate), estimate)
        return (point, self._in_own_dtype(dist.std(), "std")) if return_std else point

    def _in_own_dtype(self, values: np.ndarray, name: str) -> np.ndarray:
        """Convert to the network's dtype; warn where there is no such finite number."""
        dtype = self.weights_.dtype
        with np.errstate(over="ignore"):
            converted = values.astype(dtype, copy=False)
        finite = np.isfinite(converted)
        if not finite.all():
            place = np.argwhere(~finite)[0]
            reason = "there is none that is finite"
            if np.isfinite(values[tuple(place)]):
                reason = f"it lies beyond {dtype}, in which X was fitted; predict_dist knows it"
            warn_user(
                f"The {name} of {self.distribution_!r} is {values[tuple(place)]:g} at row "
                f"{place[0]} ({np.sum(~finite)} of {finite.size} predictions): {reason}. "
                "point_estimate='median', predict_quantiles and predict_interval need no moments.",
                NumericalWarning,
            )
        return converted

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        exposure: ArrayLike | None = None,
    ) -> float:
        """Return the coefficient of determination R² of the predicted points.

        For angles, it is the circular one, `sklnll.metrics.circular_r2_score`. Scores of the whole
        distribution are in `sklnll.metrics`.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Observed values.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights of the rows.
        exposure : array-like of shape (n_samples,), optional
            How long, or how much, each row is watched; see `predict_dist`.

        Returns
        -------
        float
            R², of which 1 is the best value.
        """
        point = self.predict(X, exposure=exposure)
        if isinstance(self.distribution_, Censored) and np.ndim(y) == 2:
            raise ValueError(
                f"R² needs exact values of y, and {self.distribution_!r} knows intervals; score "
                "with sklnll.metrics.neg_nll_scorer, or give the exact values, of shape "
                "(n_samples,)."
            )
        is_circular = isinstance(self.distribution_, CircularDistribution)
        r2 = circular_r2_score if is_circular else r2_score
        return r2(as_numbers(y, "y"), point, sample_weight=_check_numbers(sample_weight))

    def predict_quantiles(
        self,
        X: ArrayLike,
        quantiles: ArrayLike = (0.05, 0.5, 0.95),
        *,
        exposure: ArrayLike | None = None,
    ) -> np.ndarray:
        """Predict quantiles of y for each row.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.
        quantiles : float or array-like of shape (k,), default=(0.05, 0.5, 0.95)
            Levels of the quantiles, between 0 and 1.
        exposure : array-like of shape (n_samples,), optional
            How long, or how much, each row is watched; see `predict_dist`.

        Returns
        -------
        ndarray of shape (n_samples, k) or (n_samples, n_outputs, k)
            The quantiles in y's units. The last axis is left out if `quantiles` is a number.
        """
        return self.predict_dist(X, exposure=exposure).ppf(quantiles)

    def predict_interval(
        self, X: ArrayLike, coverage: float = 0.9, *, exposure: ArrayLike | None = None
    ) -> np.ndarray:
        """Predict the central interval that holds y with probability `coverage`.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.
        coverage : float, default=0.9
            Probability between 0 and 1; the rest lies in equal parts below and above the interval.
        exposure : array-like of shape (n_samples,), optional
            How long, or how much, each row is watched; see `predict_dist`.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2)
            The lower and the upper end of each interval, in y's units.
        """
        return self.predict_dist(X, exposure=exposure).interval(coverage)

    def sample_y(
        self,
        X: ArrayLike,
        n_samples: int = 1,
        random_state: RandomState = 0,
        *,
        exposure: ArrayLike | None = None,
    ) -> np.ndarray:
        """Draw values of y from the predicted distributions.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples_X, n_features)
            Rows to predict.
        n_samples : int, default=1
            Number of draws for each row.
        random_state : int, RandomState instance or None, default=0
            Seed of the draws. The default makes the same draws in each call; None draws anew.
        exposure : array-like of shape (n_samples_X,), optional
            How long, or how much, each row is watched; see `predict_dist`.

        Returns
        -------
        ndarray of shape (n_samples_X, n_samples) or (n_samples_X, n_outputs, n_samples)
            The draws, in y's units.
        """
        draws = self.predict_dist(X, exposure=exposure).rvs(n_samples, random_state)
        return np.moveaxis(draws, 1, -1) if self.distribution_.event_ndim else draws


class PredictsLabels(_WithNetwork):
    """Mixin that predicts labels and their probabilities."""

    def predict_dist(self, X: ArrayLike) -> LabelPredictive | IndicatorPredictive:
        """Predict the distribution over the labels for each row.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        LabelPredictive or IndicatorPredictive
            The probabilities of the labels; the latter class is for several labels at once.
        """
        return self._predict_dist(X)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the most probable label, or labels, of each row.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            The labels; for several labels at once, an indicator matrix of 0 and 1.
        """
        return self.predict_dist(X).mode()

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy, the share of the rows whose label, or labels, are predicted.

        Scores of the whole distribution are in `sklnll.metrics`.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Observed labels, in the form that `fit` takes. With several labels at once, a row counts
            if all of them are right. A row of probabilities stands for its most probable class.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights of the rows.

        Returns
        -------
        float
            The accuracy, of which 1 is the best value.
        """
        predicted, weight = self.predict(X), _check_numbers(sample_weight)
        observed, predicted = (self._target.comparable(values) for values in (y, predicted))
        return accuracy_score(observed, predicted, sample_weight=weight)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict the probability of each label.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The probabilities, with columns in the order of `classes_`. They sum to 1 in each row,
            unless y has several labels at once, each of which has a probability of its own.
        """
        return self.predict_dist(X).probs

    def predict_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict the log-probability of each label, finite however small its probability is.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The log-probabilities, with columns in the order of `classes_`.
        """
        return self.predict_dist(X).log_probs

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return the logits, which the sigmoid or the softmax turns into probabilities.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two labels, the log-odds of the second; for several labels at once, the log-odds of
            each; else the log-probabilities, which are logits too: the softmax turns them into the
            probabilities. (The location of an ordinal fit is
            ``predict_dist(X).params["location"]``.)
        """
        return self.predict_dist(X).scores


class PredictsRankings(_WithNetwork):
    """Mixin that predicts orders of items and their probabilities."""

    def predict_dist(self, X: ArrayLike) -> RankingPredictive:
        """Predict the distribution over rankings for each row.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        RankingPredictive
            The distribution of each row, which gives the probability of any whole or partial
            ranking, expected ranks, pairwise probabilities, and samples.
        """
        return self._predict_dist(X)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the most probable ranking of each row.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of int, of shape (n_samples, n_items)
            The items, best first.
        """
        return self.predict_dist(X).mode()

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict for each item the probability that it comes first.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_items)
            The probabilities, which sum to 1 in each row.
        """
        return self.predict_dist(X).probs

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean Kendall's tau between predicted and observed rankings.

        A partial ranking counts with the pairs that it decides: two listed items, or a listed item
        and an unlisted one, which comes later. `sklnll.metrics.neg_nll_scorer` scores the whole
        distribution.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples, n_items) or (n_samples, n_places)
            Observed orders, as for `fit`; columns that are missing at the end stand for -1.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights of the rows.

        Returns
        -------
        float
            Kendall's tau, which is 1 if all rankings are predicted exactly and -1 if all are
            reversed.
        """
        predicted = self.predict(X)
        observed = check_array(as_numbers(y, "y"), **Y_PARAMS)
        check_consistent_length(predicted, observed)
        orders = self._target.encode(observed)[:, 0]
        weight = _check_sample_weight(_check_numbers(sample_weight), predicted)
        return float(np.average(kendall_tau(orders, predicted), weights=weight))


def _check_numbers(sample_weight: ArrayLike | None) -> np.ndarray | None:
    """Refuse weights that are no numbers, which scikit-learn would cast to some."""
    if sample_weight is None:
        return None
    return check_numeric_columns(sample_weight, "sample_weight")
