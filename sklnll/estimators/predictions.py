"""What does a fitted estimator say of new rows? A class for each kind of y."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from .._data.checks import Y_PARAMS
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
    """The answers of a regressor: points, quantiles, intervals, samples."""

    point_estimate: str

    def predict_dist(
        self, X: ArrayLike, *, exposure: ArrayLike | None = None
    ) -> PredictiveDistribution | VectorPredictive:
        """Predict the distribution of y at each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        exposure : array-like of shape (n_samples,), optional
            How long, or how much, each row is watched, for families of counts: the distribution is
            that of y after this many units of it, and after one unit where it is left out.

        Returns
        -------
        PredictiveDistribution
            In y's units, with scipy's methods: ``mean, std, ppf, interval, cdf, rvs, ...``; a
            VectorPredictive for families of vectors.
        """
        return self._predict_dist(X, exposure)

    def predict(
        self, X: ArrayLike, return_std: bool = False, *, exposure: ArrayLike | None = None
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict one number per row and output.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        return_std : bool, default=False
            Whether to return the standard deviation too.
        exposure : array-like of shape (n_samples,), optional
            How long each row is watched; see `predict_dist`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The `point_estimate` of the distribution, in y's units; float32 where the network
            computes in it, as X was in `fit`. (`predict_dist` has all digits of a float64 y.)
        std : ndarray of the same shape
            Only with `return_std`, in y's units.
        """
        dist = self.predict_dist(X, exposure=exposure)
        dtype = self.weights_.dtype
        point = dist.point(self.point_estimate).astype(dtype, copy=False)
        return (point, dist.std().astype(dtype, copy=False)) if return_std else point

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        exposure: ArrayLike | None = None,
    ) -> float:
        """Coefficient of determination R² of the predicted points.

        Of angles it is the circular one, `sklnll.metrics.circular_r2_score`.

        Scores of the whole distribution are in `sklnll.metrics`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
        exposure : array-like of shape (n_samples,), optional
            How long each row is watched; see `predict_dist`.

        Returns
        -------
        float
            1 is the best.
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
        return r2(y, point, sample_weight=sample_weight)

    def predict_quantiles(
        self,
        X: ArrayLike,
        quantiles: ArrayLike = (0.05, 0.5, 0.95),
        *,
        exposure: ArrayLike | None = None,
    ) -> np.ndarray:
        """Predict quantiles of y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        quantiles : float or array-like of shape (k,), default=(0.05, 0.5, 0.95)
            Levels between 0 and 1.
        exposure : array-like of shape (n_samples,), optional
            How long each row is watched; see `predict_dist`.

        Returns
        -------
        ndarray of shape (n_samples, k) or (n_samples, n_outputs, k)
            In y's units; without the last axis for a single level given as a number.
        """
        return self.predict_dist(X, exposure=exposure).ppf(quantiles)

    def predict_interval(
        self, X: ArrayLike, coverage: float = 0.9, *, exposure: ArrayLike | None = None
    ) -> np.ndarray:
        """Predict the central interval that holds y with probability `coverage`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        coverage : float, default=0.9
            Between 0 and 1; the rest is left out in equal parts below and above.
        exposure : array-like of shape (n_samples,), optional
            How long each row is watched; see `predict_dist`.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2)
            Lower and upper end, in y's units.
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
        X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        n_samples : int, default=1
            Draws per row.
        random_state : int, RandomState instance or None, default=0
        exposure : array-like of shape (n_samples_X,), optional
            How long each row is watched; see `predict_dist`.

        Returns
        -------
        ndarray of shape (n_samples_X, n_samples) or (n_samples_X, n_outputs, n_samples)
            In y's units.
        """
        draws = self.predict_dist(X, exposure=exposure).rvs(n_samples, random_state)
        return np.moveaxis(draws, 1, -1) if self.distribution_.event_ndim else draws


class PredictsLabels(_WithNetwork):
    """The answers of a classifier: labels and their probabilities."""

    def predict_dist(self, X: ArrayLike) -> LabelPredictive | IndicatorPredictive:
        """Predict the distribution over the labels at each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        LabelPredictive or IndicatorPredictive
            The latter for several labels at once.
        """
        return self._predict_dist(X)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the most probable label, or labels, of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_classes) of 0 and 1
            The latter for several labels at once.
        """
        return self.predict_dist(X).mode()

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy: share of the rows whose label, or labels, are predicted.

        Scores of the whole distribution are in `sklnll.metrics`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            As for `fit`. With several labels at once, a row counts where all of them are right;
            a row of probabilities stands for its most probable class.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            1 is the best.
        """
        check_is_fitted(self)
        predicted = self.predict(X)
        return accuracy_score(self._target.as_predicted(y), predicted, sample_weight=sample_weight)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict the probability of each label.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`. With several labels at once, the probability of
            each, else they sum to 1.
        """
        return self.predict_dist(X).probs

    def predict_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict the log-probability of each label, finite however small the probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self.predict_dist(X).log_probs

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Logits: the scores that the sigmoid, or the softmax, turns into probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two labels the log-odds of the second, for several labels at once the log-odds of
            each, else the log-probabilities, which are logits too: the softmax gives them back.
            (The location of an ordinal fit is ``predict_dist(X).params["location"]``.)
        """
        return self.predict_dist(X).scores


class PredictsRankings(_WithNetwork):
    """The answers of a ranker: orders of items and their probabilities."""

    def predict_dist(self, X: ArrayLike) -> RankingPredictive:
        """Predict the distribution over rankings at each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        RankingPredictive
            With the probability of any whole or partial ranking, expected ranks, pairwise
            probabilities, samples.
        """
        return self._predict_dist(X)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the most probable ranking of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of int, of shape (n_samples, n_items)
            Items, best first.
        """
        return self.predict_dist(X).mode()

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict the probability of each item to come first.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_items)
        """
        return self.predict_dist(X).probs

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Mean Kendall's tau between predicted and observed rankings.

        Of a partial ranking those pairs count that it decides: two listed items, or a listed and
        an unlisted one, which comes later. `sklnll.metrics.neg_nll_scorer` scores the whole
        distribution.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_items) or (n_samples, n_places)
            Orders, as for `fit`; columns that are missing at the end stand for -1.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            1 where all rankings are predicted exactly, -1 where all are reversed.
        """
        predicted = self.predict(X)
        observed = check_array(y, **Y_PARAMS)
        check_consistent_length(predicted, observed)
        orders = self._target.encode(observed)[:, 0]
        weight = _check_sample_weight(sample_weight, predicted)
        return float(np.average(kendall_tau(orders, predicted), weights=weight))
