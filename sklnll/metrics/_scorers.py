"""Which settings predict the best distributions? Scorers for scikit-learn's model selection."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from numbers import Real
from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike
from sklearn.metrics._scorer import _BaseScorer
from sklearn.utils.metadata_routing import MetadataRequest

from ..composition import predict_dist
from ._deviance import d2_score
from ._intervals import interval_coverage, interval_score
from ._scores import continuous_ranked_probability_score, negative_log_likelihood


class DistributionScorer(_BaseScorer):
    """A distribution scorer judges whole predicted distributions; higher is better.

    It is what ``scoring=`` takes, and is called with ``(estimator, X, y, sample_weight=None,
    exposure=None)``. It works on whatever `sklnll.predict_dist` reaches through: an estimator of
    this package, or a pipeline, search object, transformed target or other composition with one
    inside. Several at once are a dict:
    ``scoring={"nll": neg_nll_scorer, "coverage": coverage_scorer}``.

    - `neg_nll_scorer`: mean log-likelihood, in nats a row, for every family. It is a proper score:
      no distribution does better on average than the true one. Only families of the same kind of y
      can be compared.
    - `neg_crps_scorer`: negative mean continuous ranked probability score, in y's units (mean over
      outputs), for families of numbers. It is proper, too, and less sensitive to outliers. It
      judges each component of a vector alone, not how they depend on each other.
    - `d2_scorer`: how much of the deviance is explained against the marginal fit of the rows that
      are scored, at most 1, for every family; see `d2_score`.
    - `neg_interval_score_scorer` and `coverage_scorer` judge central intervals; see
      `IntervalScorer`.

    Parameters
    ----------
    name : str
        What the scorer is printed as.
    metric : callable
        A function of y, a predictive distribution, and ``sample_weight``.
    sign : int, default=-1
        -1 for a loss.
    takes_exposure : bool, default=False
        Whether the metric takes ``exposure``, too.

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

    def __init__(
        self, name: str, metric: Callable[..., Any], sign: int = -1, takes_exposure: bool = False
    ):
        # Not scikit-learn's, which wants a function of predictions: only its kind is needed.
        self.name = name
        self._metric = metric
        self._sign = sign
        self._takes_exposure = takes_exposure
        self._asked_for: dict[str, bool | str | None] = {"sample_weight": None, "exposure": None}

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
        scorer._asked_for = {"sample_weight": sample_weight, "exposure": exposure}
        return scorer

    def get_metadata_routing(self) -> MetadataRequest:
        """Say what scikit-learn's metadata routing shall pass on."""
        # Made anew, because other libraries add methods that requests made before would lack.
        request = MetadataRequest(owner=self.name)
        for name, alias in self._asked_for.items():
            request.score.add_request(param=name, alias=alias)
        return request

    def __call__(
        self,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        exposure: ArrayLike | None = None,
    ) -> float:
        dist = predict_dist(estimator, X, exposure=exposure)
        known = {"exposure": exposure} if self._takes_exposure else {}
        return self._sign * self._metric(y, dist, sample_weight=sample_weight, **known)

    def _score(self, method_caller: Any, estimator: Any, X: Any, y: Any, **metadata: Any) -> float:
        """Answer scikit-learn, which calls several scorers at once that might share predictions."""
        return self(estimator, X, y, **metadata)

    def _accept_sample_weight(self) -> bool:
        return True

    def __repr__(self) -> str:
        return self.name


class IntervalScorer(DistributionScorer):
    """An interval scorer judges the central intervals of predicted distributions of numbers.

    - `neg_interval_score_scorer`: negative mean interval score (Winkler score), in y's units: the
      width of the interval, and where y lies outside, the distance to it times 2 / (1 - coverage).
      Higher is better: no interval of this coverage does better on average than the true one.
    - `coverage_scorer`: share of y inside the interval, ends included. **Higher is not better**:
      right is what the interval promises, so watch it beside another score and never select by it.
      For counts, whose intervals hold at least what they promise, more may be right.

    Both are about the interval of 90 %, unless `at` chooses another. With several outputs, or a
    family of vectors, they are means over the outputs.

    Parameters
    ----------
    name : str
        What the scorer is printed as.
    metric : callable
        A function of y, a predictive distribution, ``coverage`` and ``sample_weight``.
    sign : int, default=-1
        -1 for a loss.
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

    def __init__(
        self, name: str, metric: Callable[..., Any], sign: int = -1, coverage: float = 0.9
    ):
        super().__init__(name, partial(metric, coverage=coverage), sign)
        self.coverage = coverage

    def at(self, coverage: float) -> Self:
        """Make the same scorer of another central interval.

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
        scorer._metric = partial(self._metric, coverage=coverage)
        scorer.coverage = coverage
        return scorer

    def __repr__(self) -> str:
        return self.name if self.coverage == 0.9 else f"{self.name}.at({self.coverage!r})"


neg_nll_scorer = DistributionScorer("neg_nll_scorer", negative_log_likelihood)
"""Mean log-likelihood of held-out rows, in nats a row: a proper score, whatever the family."""

neg_crps_scorer = DistributionScorer("neg_crps_scorer", continuous_ranked_probability_score)
"""Negative mean continuous ranked probability score, in y's units (mean over outputs)."""

d2_scorer = DistributionScorer("d2_scorer", d2_score, sign=1, takes_exposure=True)
"""Deviance explained against the marginal fit of the rows that are scored; at most 1."""

neg_interval_score_scorer = IntervalScorer("neg_interval_score_scorer", interval_score)
"""Negative mean interval score of the central 90 % interval, in y's units; `at` chooses others."""

coverage_scorer = IntervalScorer("coverage_scorer", interval_coverage, sign=1)
"""Share of y inside the central 90 % interval: right is 0.9, higher is not better."""
