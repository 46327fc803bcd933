"""Soft targets: rows of probabilities in place of labels, trained by their cross-entropy."""

import numpy as np
import pandas as pd
import pytest
from plain import plain_classifier
from scipy import special, stats
from sklearn.model_selection import cross_val_score

from sklnll.distributions import Categorical
from sklnll.metrics import neg_nll_scorer
from sklnll.predictive import LabelPredictive

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
P = special.softmax(X @ RNG.normal(size=(3, 4)) + RNG.normal(size=(60, 4)), axis=1)
LABELS = P.argmax(axis=1)
ONE_HOT = np.eye(4)[LABELS]
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs"}
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0}


def soft(**params):
    return plain_classifier(Categorical(soft_targets=True), **params)


def put(row, values, array=P):
    array = array.copy()
    array[row] = values
    return array


@pytest.fixture(scope="module")
def net():
    return soft(**LINEAR).fit(X, P)


# The cross-entropy --------------------------------------------------------------------------------


def test_the_loss_is_the_cross_entropy(net):
    q = net.predict_proba(X)
    divergence = stats.entropy(P, q, axis=1)  # scipy's relative entropy
    expected = divergence + stats.entropy(P, axis=1)
    np.testing.assert_allclose(-net.predict_dist(X).log_prob(P), expected, rtol=1e-10)
    assert net.loss_ == pytest.approx(expected.mean(), rel=1e-12)
    assert neg_nll_scorer(net, X, P) == pytest.approx(-expected.mean(), rel=1e-12)
    weight = np.linspace(0, 2, 60)
    expected = -np.average(expected, weights=weight)
    assert neg_nll_scorer(net, X, P, weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("params", [LINEAR, SMALL, {**SMALL, "batch_size": 16}])
def test_rows_of_one_label_are_the_ordinary_fit(params):
    ours = soft(**params).fit(X, ONE_HOT)
    ordinary = plain_classifier(**params).fit(X, LABELS)
    np.testing.assert_allclose(ours.loss_curve_, ordinary.loss_curve_, rtol=1e-12)
    np.testing.assert_allclose(ours.weights_, ordinary.weights_, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(ours.predict(X), ordinary.predict(X))
    np.testing.assert_allclose(
        ours.predict_dist(X).log_prob(ONE_HOT), ordinary.predict_dist(X).log_prob(LABELS)
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_the_fit_without_x_is_the_mean_of_the_rows(weighted):
    weight = np.linspace(0, 3, 60) if weighted else None
    family = Categorical(logits="constant", soft_targets=True)
    net = plain_classifier(family, **LINEAR).fit(X, P, weight)
    mean = np.average(P, axis=0, weights=weight)
    np.testing.assert_allclose(net.predict_proba(X[:1])[0], mean, rtol=1e-7)
    start = soft(max_iter=1, learning_rate_init=1e-12, random_state=0).fit(X, P, weight)
    np.testing.assert_allclose(start.predict_proba(X[:1])[0], mean, rtol=1e-6)


def test_whole_weights_are_repeated_rows():
    weight = np.arange(60) % 3
    weighted = soft(**LINEAR).fit(X, P, weight)
    repeated = soft(**LINEAR).fit(np.repeat(X, weight, axis=0), np.repeat(P, weight, axis=0))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-9)


def test_a_class_of_probability_zero_is_trained():
    p = put(slice(None), [0.0, 0.5, 0.5, 0.0])
    net = soft(**LINEAR).fit(X, p)
    assert np.isfinite(net.loss_)
    np.testing.assert_allclose(net.predict_proba(X)[:, [0, 3]], 0, atol=1e-6)


# What comes back ----------------------------------------------------------------------------------


def test_classes_are_numbers_of_columns_or_their_names(net):
    np.testing.assert_array_equal(net.classes_, np.arange(4))
    named = soft(**LINEAR).fit(X, pd.DataFrame(P, columns=["ant", "bee", "cat", "dog"]))
    assert named.classes_.tolist() == ["ant", "bee", "cat", "dog"]
    np.testing.assert_array_equal(named.weights_, net.weights_)
    np.testing.assert_array_equal(named.predict(X), named.classes_[net.predict(X)])


def test_shapes_and_forms_are_those_of_labels(net):
    assert isinstance(net.predict_dist(X), LabelPredictive)
    assert net.predict(X).shape == (60,)
    assert net.predict_proba(X).shape == net.decision_function(X).shape == (60, 4)
    np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1)
    assert net.n_outputs_ == 4
    assert soft(**LINEAR).fit(X, P.astype(np.float32).tolist()).n_outputs_ == 4


def test_log_prob_takes_labels_too(net):
    dist = net.predict_dist(X)
    np.testing.assert_allclose(dist.log_prob(LABELS), dist.log_prob(ONE_HOT), rtol=1e-14)
    with pytest.raises(ValueError, match=r"row 2 sums to 1\.5"):
        dist.log_prob(put(2, [0.5, 0.5, 0.5, 0.0]))


def test_labels_take_no_rows_of_probabilities():
    dist = plain_classifier(**LINEAR).fit(X, LABELS).predict_dist(X)
    with pytest.raises(ValueError, match=r"shape \(60,\), a label a row; got \(60, 4\)"):
        dist.log_prob(P)


@pytest.mark.parametrize("weight", [None, np.linspace(0, 3, 60)], ids=["", "weighted"])
def test_score_is_the_accuracy_for_the_most_probable_class(net, weight):
    right = net.predict(X) == LABELS
    assert net.score(X, P, weight) == pytest.approx(np.average(right, weights=weight))
    assert net.score(X, LABELS, weight) == net.score(X, P, weight)


def test_model_selection_takes_rows_of_probabilities():
    scores = cross_val_score(soft(**LINEAR), X, P, scoring=neg_nll_scorer)
    assert (scores > -2 * np.log(4)).all()
    assert (cross_val_score(soft(**LINEAR), X, P) > 0.25).all()


@pytest.mark.parametrize("given", [True, False])
def test_early_stopping_on_rows_of_probabilities(given):
    if given:
        net = soft(**SMALL).fit(X[:50], P[:50], X_val=X[50:], y_val=P[50:])
        score = net.predict_dist(X[50:]).log_prob(P[50:]).mean()
        assert score == pytest.approx(net.best_validation_score_, rel=1e-10)
    else:
        net = soft(early_stopping=True, **SMALL).fit(X, P)
        assert net.best_validation_score_ >= max(net.validation_scores_)


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (put(7, [0.5, 0.5, 0.5, 0.0]), r"with the sum 1; row 7 sums to 1.5 \(1 of 60 rows"),
        (put(slice(7, 9), 0.2), r"row 7 sums to 0.8 \(2 of 60 .* Divide each row by its sum"),
        (put(7, [0.6, 0.6, -0.2, 0.0]), "non-negative numbers; found -0.2 at row 7, column 2"),
        (put((7, 1), np.nan), "found nan at row 7, column 1"),
        (put((7, 1), np.inf), "row 7 sums to inf"),
        ((P > 0.2).astype(int), r"sums to \d .*columns are labels of their own.*=False"),
        (LABELS, r"row of probabilities for each row of X.*got shape \(60,\)"),
        (np.array(list("abcd"))[LABELS], r"row of probabilities.*got shape \(60,\)"),
    ],
    ids=["above", "below", "negative", "NaN", "infinite", "indicators", "labels", "text"],
)
def test_other_rows_are_refused_with_their_place(y, message):
    with pytest.raises(ValueError, match=message):
        soft().fit(X, y)


def test_validation_rows_are_checked():
    with pytest.raises(ValueError, match=r"y_val must hold.* row 3 sums to 2"):
        soft().fit(X, P, X_val=X, y_val=put(3, 0.5))
    with pytest.raises(ValueError, match=r"y_val must hold.*got shape \(60, 3\)"):
        soft().fit(X, P, X_val=X, y_val=P[:, :3])


def test_class_weights_are_refused():
    with pytest.raises(ValueError, match=r"class_weight.* rows of indicators or probabilities"):
        soft(class_weight={0: 2, 1: 1, 2: 1, 3: 1}).fit(X, P)


@pytest.mark.parametrize("value", [None, "yes", 1])
def test_soft_targets_is_true_or_false(value):
    with pytest.raises(ValueError, match=f"soft_targets of Categorical.* got {value!r}"):
        plain_classifier(Categorical(soft_targets=value)).fit(X, P)
