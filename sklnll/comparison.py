"""Which model predicts best? The same cross-validation for all, and differences fold by fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error
from sklearn.model_selection import check_cv, cross_validate
from sklearn.utils import indexable

from .composition import predict_dist
from .displays import ComparisonDisplay
from .distributions import Distribution
from .estimators.regressor import NLLRegressor
from .metrics import (
    continuous_ranked_probability_score,
    interval_coverage,
    negative_log_likelihood,
)
from .metrics._scores import brier_of_labels
from .predictive import LabelPredictive, Predictive, PredictiveDistribution, VectorPredictive

if TYPE_CHECKING:
    import pandas as pd


def compare(
    models: Mapping[str, Any] | Sequence[str | Distribution],
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Any = 5,
    random_state: int | None = 0,
    n_jobs: int | None = None,
) -> Comparison:
    """Cross-validate several models on the same folds.

    Parameters
    ----------
    models : dict of str to estimator, or sequence of str and Distribution
        Estimators of any library by a name of your own: those of sklnll and compositions of them
        have scores of distributions, others of points (classifiers: of probabilities). Or families,
        each of which is fitted by `NLLRegressor` with its defaults.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    cv : int, cross-validation generator or iterable, default=5
        As for scikit-learn's ``cross_validate``; folds of a number are shuffled, and stratified
        for classifiers.
    random_state : int or None, default=0
        Seeds the folds, and the estimators of families.
    n_jobs : int, optional
        Number of processes.

    Returns
    -------
    Comparison
        The scores of each model and fold: "NLL" (nats a row), and for numbers "CRPS" and "RMSE"
        (y's units) and "coverage" (of the central 90 % interval), for labels "Brier" and
        "accuracy"; and "seconds" of the fit. NaN where a model has no such score.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklnll import NLLRegressor, compare
    >>> X, y = load_diabetes(return_X_y=True)
    >>> linear = NLLRegressor(hidden_layer_sizes=(), solver="lbfgs")
    >>> result = compare({"normal": linear, "least squares": LinearRegression()}, X, y)
    >>> result.mean("CRPS")["normal"].round(0)
    np.float64(31.0)
    >>> bool(abs(result.difference("RMSE")["least squares"][0]) < 1)  # nearly the same model
    True
    """
    named = _named(models, random_state)
    X, y = indexable(X, y)
    labels = all(is_classifier(model) for model in named.values())
    folds = list(_folds(cv, y, labels, random_state).split(X, y))
    results = [
        cross_validate(
            model,
            X,
            y,
            cv=folds,
            scoring=_scores_of_labels if labels else _scores_of_numbers,
            n_jobs=n_jobs,
            error_score="raise",
        )
        for model in named.values()
    ]
    names = [name for name in results[0] if name.startswith("test_")]
    scores = {
        name.removeprefix("test_"): np.stack([result[name] for result in results]) for name in names
    }
    scores["seconds"] = np.stack([result["fit_time"] for result in results])
    share = np.mean([len(test) / len(train) for train, test in folds])
    return Comparison(list(named), scores, float(share))


@dataclass(frozen=True)
class Comparison:
    """A comparison holds the scores of several models on the same folds.

    Printed, it is a table of their means.

    Parameters
    ----------
    names : list of str
        Names of the models.
    scores : dict of str to ndarray of shape (n_models, n_folds)
        Scores of each model and fold, by the name of the score.
    test_share : float
        Rows of a fold over rows that the models were fitted to.
    """

    names: list[str]
    scores: dict[str, np.ndarray]
    test_share: float

    def __str__(self) -> str:
        width = max(len(name) for name in self.names)
        rows = [" " * width + "".join(f"{score:>12}" for score in self.scores)]
        for i, name in enumerate(self.names):
            means = [values[i].mean() for values in self.scores.values()]
            cells = ["" if np.isnan(mean) else f"{mean:.4g}" for mean in means]
            rows.append(name.ljust(width) + "".join(f"{cell:>12}" for cell in cells))
        return "\n".join(rows)

    def mean(self, score: str) -> dict[str, np.float64]:
        """Average a score over the folds, for each model."""
        return dict(zip(self.names, self._of(score).mean(axis=1), strict=True))

    def difference(
        self, score: str, against: str | None = None
    ) -> dict[str, tuple[np.float64, np.float64]]:
        """Average the difference from another model on the same folds, with its standard error.

        Parameters
        ----------
        score : str
            One of `scores`.
        against : str, optional
            Name of a model; by default the first one.

        Returns
        -------
        dict of str to (float, float)
            The difference and its error, for each model. The error takes into account that the fits
            of different folds share most of their rows; without that it would be too small.

        References
        ----------
        C. Nadeau and Y. Bengio (2003). Inference for the generalization error.
        doi:10.1023/A:1024068626366
        """
        values = self._of(score)
        differences = values - values[self._place(against)]
        n_folds = values.shape[1]
        variance = differences.var(axis=1, ddof=1) * (1 / n_folds + self.test_share)
        pairs = zip(differences.mean(axis=1), np.sqrt(variance), strict=True)
        return dict(zip(self.names, pairs, strict=True))

    def to_frame(self, against: str | None = None) -> pd.DataFrame:
        """Make a data frame of the means, and of the differences of the first score.

        It has a row for each model, and the standard errors of the differences; it needs pandas.

        Parameters
        ----------
        against : str, optional
            Name of the model to compare with; by default the first one.
        """
        import pandas as pd

        first = next(iter(self.scores))
        columns: dict[str, Any] = {score: self.mean(score) for score in self.scores}
        differences = self.difference(first, against)
        columns[f"{first} difference"] = {name: pair[0] for name, pair in differences.items()}
        columns["standard error"] = {name: pair[1] for name, pair in differences.items()}
        return pd.DataFrame(columns, index=self.names)

    def plot(
        self, score: str | None = None, *, against: str | None = None, ax: Any = None
    ) -> ComparisonDisplay:
        """Plot the differences of a score, by default the first one, with their errors.

        Parameters
        ----------
        score : str, optional
            One of `scores`.
        against : str, optional
            Name of the model to compare with; by default the first one.
        ax : matplotlib Axes, optional
            By default those of a new figure.
        """
        return ComparisonDisplay.from_comparison(self, score=score, against=against, ax=ax)

    def _of(self, score: str) -> np.ndarray:
        if score not in self.scores:
            raise ValueError(f"unknown score {score!r}; known are {list(self.scores)}.")
        return self.scores[score]

    def _place(self, name: str | None) -> int:
        if name is not None and name not in self.names:
            raise ValueError(f"unknown model {name!r}; known are {self.names}.")
        return 0 if name is None else self.names.index(name)


def _named(models: Any, random_state: int | None) -> dict[str, Any]:
    if isinstance(models, Mapping):
        return dict(models)
    return {
        family if isinstance(family, str) else repr(family): NLLRegressor(
            family, random_state=random_state
        )
        for family in models
    }


def _folds(cv: Any, y: Any, labels: bool, random_state: int | None) -> Any:
    folds = check_cv(cv, y, classifier=labels)
    if isinstance(cv, Integral):
        folds.shuffle, folds.random_state = True, random_state
    return folds


def _scores_of_numbers(model: Any, X: Any, y: Any) -> dict[str, float]:
    """Score the predicted distributions, where there are any, and the points."""
    names = ["NLL", "CRPS", "coverage"]
    scores: dict[str, Any] = dict.fromkeys(names, np.nan)
    dist = _predicted(model, X)
    if dist is not None:
        scores["NLL"] = negative_log_likelihood(y, dist)
    if isinstance(dist, PredictiveDistribution | VectorPredictive):
        scores["CRPS"] = continuous_ranked_probability_score(y, dist)
        scores["coverage"] = interval_coverage(y, dist)
        point = dist.mean()
    else:
        point = model.predict(X)
    finite = np.isfinite(point).all()
    return {**scores, "RMSE": root_mean_squared_error(y, point) if finite else np.inf}


def _scores_of_labels(model: Any, X: Any, y: Any) -> dict[str, float]:
    """Score the predicted probabilities, where there are any, and the labels."""
    dist = _predicted(model, X)
    accuracy = accuracy_score(y, model.predict(X))
    scores: dict[str, Any] = {"NLL": np.nan, "Brier": np.nan, "accuracy": accuracy}
    if isinstance(dist, LabelPredictive):
        scores["NLL"] = negative_log_likelihood(y, dist)
        scores["Brier"] = brier_of_labels(y, dist.probs, dist.classes).mean()
    elif hasattr(model, "predict_proba"):
        probs = model.predict_proba(X)
        scores["NLL"] = log_loss(y, probs, labels=model.classes_)
        scores["Brier"] = brier_of_labels(y, probs, model.classes_).mean()
    return scores


def _predicted(model: Any, X: Any) -> Predictive | None:
    """Predict distributions; None stands for a model that has none."""
    try:
        return predict_dist(model, X)
    except TypeError:
        return None
