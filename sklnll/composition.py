"""How is the predictive distribution reached inside scikit-learn's own compositions?"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted


def predict_dist(estimator: Any, X: ArrayLike, *, exposure: ArrayLike | None = None) -> Any:
    """Predict the distribution of y through a Pipeline or a search object.

    scikit-learn forwards ``predict`` through its compositions, but no method of others; this
    function walks to the fitted estimator at the end.

    Parameters
    ----------
    estimator : estimator, Pipeline, GridSearchCV, RandomizedSearchCV, ...
        Fitted, with an estimator that has ``predict_dist`` at its end.
    X : array-like of shape (n_samples, n_features)
        As for the outermost ``predict``.
    exposure : array-like of shape (n_samples,), optional
        How long each row is watched, for families of counts in `NLLRegressor`.

    Returns
    -------
    Predictive
        The class that suits y: of numbers, labels, rankings.

    Raises
    ------
    TypeError
        If no estimator with ``predict_dist`` is found.

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
    if isinstance(estimator, Pipeline):
        check_is_fitted(estimator)
        X = estimator[:-1].transform(X) if len(estimator) > 1 else X
        return predict_dist(estimator[-1], X, exposure=exposure)
    if isinstance(estimator, BaseSearchCV):
        check_is_fitted(estimator)
        if not estimator.refit:
            raise AttributeError(
                f"this {type(estimator).__name__} was fitted with refit=False and has no best "
                "estimator to predict with; set refit=True."
            )
        return predict_dist(estimator.best_estimator_, X, exposure=exposure)
    raise TypeError(
        f"{type(estimator).__name__} has no predict_dist; expected an estimator of sklnll, or a "
        "Pipeline or search object (such as GridSearchCV) that ends in one."
    )
