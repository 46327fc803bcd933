"""Labels with an order: where it comes from, and that nothing after it sorts them again."""

import re

import numpy as np
import pandas as pd
import pytest
from plain import plain_classifier
from sklearn.base import clone
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import predict_dist
from sklnll.distributions import Ordinal
from sklnll.metrics import neg_nll_scorer

ORDER = ["low", "mid", "high"]  # neither alphabetical nor backwards
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs"}
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0}
brief = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def grades(n=120, seed=0):
    """Features, and grades 0, 1, 2 that rise with them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    hidden = X @ [1.0, -0.5, 0.0] + rng.logistic(size=n)
    return X, np.digitize(hidden, [-0.5, 1.0])


X, CODES = grades()
Y = np.array(ORDER)[CODES]
CATEGORICAL = pd.Categorical.from_codes(CODES, ORDER, ordered=True)
SOURCES = {
    "order": (Ordinal(order=ORDER), Y),
    "order of objects": (Ordinal(order=tuple(ORDER)), Y.astype(object)),
    "order of a list": (Ordinal(order=np.array(ORDER)), Y.tolist()),
    "categorical": ("ordinal", CATEGORICAL),
    "series": (Ordinal(), pd.Series(CATEGORICAL, index=np.arange(120)[::-1])),
    "index": ("ordinal", pd.CategoricalIndex(CATEGORICAL)),
}
sources = pytest.mark.parametrize(("distribution", "y"), SOURCES.values(), ids=SOURCES)


@pytest.fixture(scope="module")
def net():
    return plain_classifier(Ordinal(order=ORDER), **LINEAR).fit(X, Y)


@pytest.fixture(scope="module")
def coded():
    return plain_classifier("ordinal", **LINEAR).fit(X, CODES)


# Where the order comes from -----------------------------------------------------------------------


@sources
def test_named_labels_are_fitted_as_their_numbers(distribution, y, coded):
    net = plain_classifier(distribution, **LINEAR).fit(X, y)
    assert net.classes_.tolist() == ORDER
    np.testing.assert_array_equal(net.weights_, coded.weights_)
    np.testing.assert_array_equal(net.predict_proba(X), coded.predict_proba(X))
    np.testing.assert_array_equal(net.predict(X), np.array(ORDER)[coded.predict(X)])
    assert net.score(X, y) == coded.score(X, CODES)
    assert neg_nll_scorer(net, X, y) == neg_nll_scorer(coded, X, CODES)


def test_an_order_outranks_that_of_pandas():
    net = plain_classifier(Ordinal(order=ORDER[::-1]), **LINEAR).fit(X, CATEGORICAL)
    assert net.classes_.tolist() == ORDER[::-1]


def test_numbers_may_have_another_order_than_their_values():
    net = plain_classifier(Ordinal(order=[2, 0, 1]), **LINEAR).fit(X, CODES)
    named = plain_classifier(Ordinal(order=["high", "low", "mid"]), **LINEAR).fit(X, Y)
    np.testing.assert_array_equal(net.weights_, named.weights_)
    assert net.classes_.dtype == CODES.dtype


@pytest.mark.parametrize("distribution", ["categorical", "bernoulli"])
def test_families_without_an_order_sort_their_labels(distribution):
    y = CATEGORICAL.rename_categories(["z", "y", "x"])
    rows = CODES < 2
    net = plain_classifier(distribution, **LINEAR).fit(X[rows], y[rows].remove_unused_categories())
    assert net.classes_.tolist() == ["y", "z"]


@pytest.mark.parametrize("family", [Ordinal(order=[*ORDER, "top"]), Ordinal()])
def test_labels_that_y_lacks_are_kept_as_improbable(family):
    y = pd.Categorical.from_codes(CODES, [*ORDER, "top"], ordered=True)
    net = plain_classifier(family, **LINEAR).fit(X, y)
    assert net.classes_.tolist() == [*ORDER, "top"]
    assert (net.predict_proba(X)[:, 3] < 1e-4).all()
    assert np.isfinite(net.predict_dist(X).log_prob(np.full(120, "top"))).all()


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "y",
    [Y, Y.astype(object), pd.Series(Y), pd.Categorical(Y)],
    ids=["text", "objects", "series", "unordered"],
)
def test_labels_without_an_order_are_told_how_to_give_one(y):
    message = r"\['high', 'low', 'mid'\].*alphabetical.*trap.*Ordinal\(order=\[.*pandas.Categorical"
    with pytest.raises(ValueError, match=message):
        plain_classifier("ordinal").fit(X, Y)


def test_a_label_that_the_order_lacks_is_named():
    y = Y.copy()
    y[7] = "top"
    message = "label 'top' at row 7, which the order of Ordinal lacks: ['low', 'mid', 'high']"
    with pytest.raises(ValueError, match=re.escape(message)):
        plain_classifier(Ordinal(order=ORDER)).fit(X, y)


def test_a_number_is_not_the_text_of_it():
    with pytest.raises(ValueError, match=r"label \d at row 0, which the order of Ordinal lacks"):
        plain_classifier(Ordinal(order=["0", "1", "2"])).fit(X, CODES)


def test_a_validation_label_that_was_not_seen_is_named():
    y = Y.copy()
    y[7] = "top"
    with pytest.raises(
        ValueError, match=r"not seen in fit.*'top'.* at row 7.*'low', 'mid', 'high'"
    ):
        plain_classifier(Ordinal(order=ORDER), max_iter=1).fit(X, Y, X_val=X, y_val=y)


@pytest.mark.parametrize("order", [["a"], ["a", "a"], "low", 3])
def test_an_order_is_two_different_labels_or_more(order):
    with pytest.raises(ValueError, match="order of Ordinal must"):
        plain_classifier(Ordinal(order=order)).fit(X, Y)


def test_one_class_is_too_few():
    with pytest.raises(ValueError, match=r"needs two or more classes; y has 1 class\(es\): \[2\]"):
        plain_classifier("ordinal").fit(X, np.full(120, 2))


def test_an_indicator_matrix_is_refused():
    with pytest.raises(ValueError, match=r"Ordinal\(\) takes one label a row.*'categorical'"):
        plain_classifier("ordinal").fit(X, np.eye(3, dtype=int)[CODES])


# Nothing sorts them again -------------------------------------------------------------------------


def test_columns_stand_in_the_order_of_the_labels(net):
    dist, p = net.predict_dist(X), net.predict_proba(X)
    for j, label in enumerate(ORDER):
        np.testing.assert_allclose(dist.pmf(np.full(120, label)), p[:, j], rtol=1e-14)
    assert dist.to_frame().columns.tolist() == ORDER
    np.testing.assert_array_equal(net.predict(X), net.classes_[p.argmax(axis=1)])
    np.testing.assert_array_equal(net.decision_function(X), net.predict_log_proba(X))
    draws = dist.rvs(2000, random_state=0)
    share = np.stack([(draws == label).mean(axis=1) for label in ORDER], axis=1)
    np.testing.assert_allclose(share, p, atol=4.5 * np.sqrt(0.25 / 2000))


def test_scores_of_probabilities_agree(net):
    assert net.score(X, Y) == accuracy_score(Y, net.predict(X)) > 0.5
    # log_loss sorts the labels, and takes the columns for sorted ones.
    in_sorted_order = net.predict_proba(X)[:, np.argsort(net.classes_)]
    assert neg_nll_scorer(net, X, Y) == pytest.approx(-log_loss(Y, in_sorted_order), rel=1e-12)
    assert net.loss_ == pytest.approx(-neg_nll_scorer(net, X, Y), rel=1e-12)


@pytest.mark.parametrize("weights", ["balanced", {"low": 3.0, "mid": 0.5, "high": 1.0}])
def test_class_weights_find_their_labels(weights):
    net = plain_classifier(Ordinal(order=ORDER), class_weight=weights, **LINEAR).fit(X, Y)
    if weights == "balanced":
        weights = {label: 40 / np.sum(label == Y) for label in ORDER}
    row_weight = np.array([weights[label] for label in Y])
    weighted = plain_classifier(Ordinal(order=ORDER), **LINEAR).fit(X, Y, row_weight)
    np.testing.assert_allclose(net.predict_proba(X), weighted.predict_proba(X), rtol=1e-12)


@brief
def test_model_selection_keeps_the_order():
    model = make_pipeline(StandardScaler(), plain_classifier(Ordinal(order=ORDER), **SMALL))
    search = GridSearchCV(
        model,
        {"nllclassifier__distribution__thresholds": ["constant", None]},
        scoring=neg_nll_scorer,
        cv=3,
    ).fit(X, Y)
    assert predict_dist(search, X).classes.tolist() == ORDER
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert cross_val_score(model, X, Y, cv=3).min() > 0.2


@brief
def test_early_stopping_keeps_the_shares_of_the_labels():
    net = plain_classifier(Ordinal(order=ORDER), early_stopping=True, **SMALL).fit(X, Y)
    same = plain_classifier("ordinal", early_stopping=True, **SMALL).fit(X, CODES)
    assert net.validation_scores_ == same.validation_scores_


def test_an_ordered_fit_is_cloned_and_sliced(net):
    again = clone(net).fit(X, Y)
    np.testing.assert_array_equal(again.weights_, net.weights_)
    part = net.predict_dist(X)[10:20]
    np.testing.assert_array_equal(
        part.log_prob(Y[10:20]), net.predict_dist(X[10:20]).log_prob(Y[10:20])
    )


# The model ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_small_net_recovers_the_distribution():
    rng = np.random.default_rng(0)
    (X, y, _), (fresh, y_fresh, log_p) = (_curved_rows(n, rng) for n in (20_000, 20_000))
    net = plain_classifier("ordinal", (50,), early_stopping=True, max_iter=50, random_state=0)
    excess = log_p.mean() - net.fit(X, y).predict_dist(fresh).log_prob(y_fresh).mean()
    # The mean over the same fresh rows takes out their own luck.
    assert 0 < excess < 0.01


def _curved_rows(n, rng):
    """Features, classes, and the true log-probabilities of these."""
    X = rng.uniform(-2, 2, size=(n, 2))
    location = 1 + 2 * np.sin(2 * X[:, 0]) + X[:, 1] ** 2
    thresholds = np.array([0.0, 1.0, 2.5, 4.0])
    y = np.digitize(location + rng.logistic(size=n), thresholds)
    log_p = Ordinal().log_proba(location, np.tile(thresholds, (n, 1)))
    return X, y, log_p[np.arange(n), y]


def test_the_location_moves_all_cumulative_logits_alike(net):
    dist = net.predict_dist(X)
    cumulative = dist.probs.cumsum(axis=1)[:, :-1]
    logits = np.log(cumulative) - np.log1p(-cumulative)
    expected = dist.params["thresholds"] - dist.params["location"][:, None]
    np.testing.assert_allclose(logits, expected, atol=1e-9)
    assert np.ptp(dist.params["thresholds"], axis=0).max() == 0
    assert (dist.params["thresholds"][:, 0] == 0).all()
    linear = X @ net.coefs_[0] + net.intercepts_[0]
    np.testing.assert_allclose(dist.params["location"], linear[:, 0], rtol=1e-12)


def test_predicted_thresholds_depend_on_x_and_fit_no_worse(coded):
    net = plain_classifier(Ordinal(thresholds=None), **LINEAR).fit(X, CODES)
    thresholds = net.predict_dist(X).params["thresholds"]
    assert (np.diff(thresholds, axis=1) > 0).all()
    assert np.ptp(thresholds[:, 1]) > 0
    assert net.loss_ < coded.loss_


def test_a_fixed_location_is_not_learned():
    net = plain_classifier(Ordinal(location=0.5, thresholds=None), **LINEAR).fit(X, CODES)
    np.testing.assert_array_equal(net.predict_dist(X).params["location"], 0.5)
