"""Several labels at once: an indicator matrix, a column of 0 and 1 for each label."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from plain import plain_classifier
from scipy import sparse, special, stats
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import predict_dist
from sklnll.distributions import Bernoulli, Categorical
from sklnll.metrics import neg_crps_scorer, neg_nll_scorer
from sklnll.predictive import IndicatorPredictive

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_multilabel_classification(n_samples=80, n_features=4, n_classes=3, random_state=0)
X = StandardScaler().fit_transform(X)
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs"}
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0}
LOGITS = np.array([[0.0, -3.0, 1.5], [20.0, -800.0, 0.1], [1e4, 0.0, -1e4]])


@pytest.fixture(scope="module")
def net():
    return plain_classifier(**LINEAR).fit(X, Y)


def indicators(logits=LOGITS):
    return IndicatorPredictive(Bernoulli(), {"logits": logits}, np.arange(logits.shape[1]))


# The predicted distribution -----------------------------------------------------------------------


def test_probabilities_are_the_sigmoid():
    dist = indicators()
    np.testing.assert_allclose(dist.probs, special.expit(LOGITS), rtol=1e-14)
    np.testing.assert_allclose(dist.log_probs, special.log_expit(LOGITS), rtol=1e-14)
    np.testing.assert_allclose(dist.scores, LOGITS, rtol=1e-14)


@pytest.mark.parametrize("row", list(np.ndindex(2, 2, 2)))
def test_log_prob_is_the_sum_over_torchs_bernoullis(row):
    y = np.tile(row, (3, 1)).astype(float)
    law = torch.distributions.Bernoulli(logits=torch.tensor(LOGITS))
    expected = law.log_prob(torch.tensor(y)).sum(dim=1)
    np.testing.assert_allclose(indicators().log_prob(y), expected, rtol=1e-12)
    np.testing.assert_array_equal(indicators().logpmf(y), indicators().log_prob(y))


def test_all_rows_of_indicators_have_probability_one_together():
    total = sum(indicators().pmf(np.tile(row, (3, 1))) for row in np.ndindex(2, 2, 2))
    np.testing.assert_allclose(total, 1, rtol=1e-14)


def test_entropy_is_the_sum_over_scipys_bernoullis():
    expected = stats.bernoulli(special.expit(LOGITS)).entropy().sum(axis=1)
    np.testing.assert_allclose(indicators().entropy(), expected, rtol=1e-12)


def test_mode_is_the_most_probable_row():
    rows = np.array(list(np.ndindex(2, 2, 2)))
    dist = indicators(LOGITS + 0.01)
    log_prob = np.stack([dist.log_prob(np.tile(row, (3, 1))) for row in rows])
    np.testing.assert_array_equal(dist.mode(), rows[log_prob.argmax(axis=0)])


def test_draws_have_the_probabilities():
    dist = indicators()
    draws = dist.rvs(4000, random_state=0)
    assert draws.shape == (3, 3, 4000)
    np.testing.assert_allclose(draws.mean(axis=-1), dist.probs, atol=4.5 * np.sqrt(0.25 / 4000))
    np.testing.assert_array_equal(draws, dist.rvs(4000, random_state=0))
    one = dist.rvs(random_state=0)
    assert one.shape == (3, 3)
    assert set(one.ravel()) <= {0, 1}


def test_indicators_slice_pickle_and_frame():
    dist = indicators()
    np.testing.assert_array_equal(dist[1:].probs, dist.probs[1:])
    np.testing.assert_array_equal(dist[-1].probs, dist.probs[-1:])
    np.testing.assert_array_equal(dist[::-1].log_probs, dist.log_probs[::-1])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(dist)).probs, dist.probs)
    pd.testing.assert_frame_equal(dist.to_frame(), pd.DataFrame(dist.probs, columns=[0, 1, 2]))
    assert repr(dist) == "IndicatorPredictive(Bernoulli(), n_rows=3)"
    assert len(dist) == 3


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros((3, 2)), r"a column of 0 and 1 for each of 3 labels; got shape \(3, 2\)"),
        (np.zeros(3), r"each of 3 labels; got shape \(3,\)"),
        (np.zeros((2, 3)), "must have 3 rows, like the predicted ones; got 2"),
        (np.eye(3) * 2, r"found 2.0 at row 0, column 0 \(3 of 9 values are neither\)"),
    ],
)
def test_other_rows_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        indicators().log_prob(y)


# As scikit-learn's --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [int, float, bool, np.uint8])
def test_forms_are_those_of_multi_layer_perceptrons(dtype):
    ours = plain_classifier(**SMALL).fit(X, Y.astype(dtype))
    theirs = MLPClassifier(**SMALL).fit(X, Y.astype(dtype))
    for method in ["predict", "predict_proba", "predict_log_proba"]:
        own, other = getattr(ours, method)(X), getattr(theirs, method)(X)
        assert (type(own), own.shape, own.dtype) == (type(other), other.shape, other.dtype)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.n_outputs_ == theirs.n_outputs_ == 3
    assert [coef.shape for coef in ours.coefs_] == [coef.shape for coef in theirs.coefs_]
    np.testing.assert_array_equal(ours.predict(X), ours.predict_proba(X) > 0.5)


def test_a_strongly_penalised_fit_is_the_multi_layer_perceptrons():
    # Both minimize sum(log loss) / n + alpha / (2 n) sum(weights**2); a penalty of the only layer
    # makes the minimum one that both reach.
    params = {"solver": "lbfgs", "alpha": 5.0, "tol": 1e-8, "max_iter": 2000}
    ours = plain_classifier(hidden_layer_sizes=(), **params).fit(X, Y)
    theirs = MLPClassifier(hidden_layer_sizes=(), random_state=0, **params).fit(X, Y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize(
    "y",
    [Y.tolist(), list(Y), pd.DataFrame(Y, columns=list("abc")), Y.astype(bool)],
    ids=["lists", "arrays", "frame", "bool"],
)
def test_the_form_of_the_matrix_changes_nothing(y, net):
    other = plain_classifier(**LINEAR).fit(X, y)
    np.testing.assert_array_equal(other.weights_, net.weights_)
    assert other.score(X, y) == net.score(X, Y)
    assert neg_nll_scorer(other, X, y) == neg_nll_scorer(net, X, Y)


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ("categorical", "Bernoulli()"),
        ("bernoulli", "Bernoulli()"),
        (Categorical(logits="constant"), "Bernoulli(logits='constant')"),
        (Bernoulli(logits="constant"), "Bernoulli(logits='constant')"),
    ],
)
def test_labels_are_independent_bernoullis(distribution, expected):
    net = plain_classifier(distribution, **LINEAR).fit(X, Y)
    assert repr(net.distribution_) == expected
    assert isinstance(net.predict_dist(X), IndicatorPredictive)
    if "constant" in expected:
        shares = np.broadcast_to(Y.mean(axis=0), Y.shape)
        np.testing.assert_allclose(net.predict_proba(X), shares, rtol=1e-6)


# Predictions --------------------------------------------------------------------------------------


def test_predictions_agree(net):
    dist = net.predict_dist(X)
    np.testing.assert_array_equal(net.predict_proba(X), dist.probs)
    np.testing.assert_array_equal(net.predict_log_proba(X), dist.log_probs)
    np.testing.assert_array_equal(net.predict(X), dist.mode())
    np.testing.assert_array_equal(net.predict(X), net.decision_function(X) > 0)
    np.testing.assert_allclose(special.expit(net.decision_function(X)), net.predict_proba(X))
    assert np.isfinite(net.predict_log_proba(1e9 * X)).all()


@pytest.mark.parametrize("weight", [None, np.linspace(0, 3, 80)], ids=["", "weighted"])
def test_score_is_the_share_of_rows_that_are_all_right(net, weight):
    all_right = (net.predict(X) == Y).all(axis=1)
    assert net.score(X, Y, weight) == pytest.approx(np.average(all_right, weights=weight))
    assert net.score(X, Y, weight) == accuracy_score(Y, net.predict(X), sample_weight=weight)


@pytest.mark.parametrize("weight", [None, np.linspace(0, 3, 80)], ids=["", "weighted"])
def test_the_likelihood_score_is_the_summed_log_loss(net, weight):
    loss = special.softplus((1 - 2 * Y) * net.decision_function(X)).sum(axis=1)
    score = neg_nll_scorer(net, X, Y, weight)
    assert score == pytest.approx(-np.average(loss, weights=weight), rel=1e-12)
    if weight is None:
        assert net.loss_ == pytest.approx(-score, rel=1e-12)


def test_indicators_have_no_crps(net):
    with pytest.raises(TypeError, match="neg_nll_scorer"):
        neg_crps_scorer(net, X, Y)


def test_model_selection_takes_indicators():
    model = make_pipeline(StandardScaler(), plain_classifier(**LINEAR))
    search = GridSearchCV(model, {"nllclassifier__alpha": [1e-4, 1.0]}, scoring=neg_nll_scorer)
    search.fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert predict_dist(search, X).probs.shape == (80, 3)


# Training -----------------------------------------------------------------------------------------


def test_training_starts_at_the_shares_of_the_columns():
    net = plain_classifier(max_iter=1, learning_rate_init=1e-12, random_state=0).fit(X, Y)
    shares = np.broadcast_to(Y.mean(axis=0), Y.shape)
    np.testing.assert_allclose(net.predict_proba(X), shares, rtol=1e-6)


@pytest.mark.parametrize("params", [LINEAR, SMALL], ids=["lbfgs", "adam"])
def test_columns_without_a_1_or_without_a_0_are_trained(params):
    y = np.column_stack([np.zeros(80), Y[:, 0], np.ones(80)]).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        net = plain_classifier(**params).fit(X, y)
    assert np.isfinite(net.loss_)
    assert (net.predict(X)[:, [0, 2]] == [0, 1]).all()
    assert (net.predict_proba(X)[:, 0] > 0).all()


def test_whole_weights_are_repeated_rows():
    weight = np.arange(80) % 3
    weighted = plain_classifier(**LINEAR).fit(X, Y, weight)
    repeated = plain_classifier(**LINEAR).fit(
        np.repeat(X, weight, axis=0), np.repeat(Y, weight, axis=0)
    )
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-9)


def test_early_stopping_holds_rows_out_without_strata():
    net = plain_classifier(early_stopping=True, shuffle=False, **SMALL).fit(X, Y)
    split_seed = np.random.RandomState(0).randint(2**31 - 1)
    train, held = train_test_split(
        np.arange(80), test_size=0.1, random_state=np.random.RandomState(split_seed)
    )
    score = net.predict_dist(X[held]).log_prob(Y[held]).mean()
    assert score == pytest.approx(net.best_validation_score_, rel=1e-10)
    assert net.t_ == net.n_iter_ * len(train)


def test_validation_rows_are_indicators_too():
    net = plain_classifier(**SMALL).fit(X[:60], Y[:60], X_val=X[60:], y_val=Y[60:])
    score = net.predict_dist(X[60:]).log_prob(Y[60:]).mean()
    assert score == pytest.approx(net.best_validation_score_, rel=1e-10)


def test_a_refit_on_labels_forgets_the_indicators(net):
    y = Y[:, 0]
    again = clone(net).fit(X, Y).fit(X, y)
    assert repr(again.distribution_) == "Categorical()"
    np.testing.assert_array_equal(again.weights_, clone(net).fit(X, y).weights_)


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y + 1, r"indicator matrix, 1 where a label is there.*found 2 at row \d+, column \d"),
        (2 * Y - 1, r"found -1 at row \d+, column \d .* values are neither"),
        (Y + np.eye(80, 3, dtype=int) * 2, r"label a row, shape \(n_samples,\).*shape \(80, 3\)"),
        (Y * 0.5 + 0.1, r"Categorical\(soft_targets=True\)"),
        (np.array(["a", "b"])[Y], "MultiOutputClassifier"),
    ],
    ids=["1 and 2", "-1 and 1", "several classes", "probabilities", "text"],
)
def test_a_matrix_of_anything_else_is_refused(y, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        plain_classifier().fit(X, y)


def test_sparse_indicators_are_refused():
    with pytest.raises(TypeError, match=r"Sparse data was passed for y.*toarray\(\)"):
        plain_classifier().fit(X, sparse.csr_array(Y))


def test_class_weights_are_refused():
    with pytest.raises(ValueError, match="class_weight='balanced' weighs rows by their one label"):
        plain_classifier(class_weight="balanced").fit(X, Y)


@pytest.mark.parametrize("y_val", [Y[:, :2], Y[:, 0]])
def test_validation_rows_have_the_columns_of_y(y_val):
    with pytest.raises(ValueError, match="a column of 0 and 1 for each of 3 labels; got shape"):
        plain_classifier().fit(X, Y, X_val=X, y_val=y_val)


def test_validation_rows_of_labels_are_labels():
    with pytest.raises(ValueError, match="y should be a 1d array"):
        plain_classifier().fit(X, Y[:, 0], X_val=X, y_val=Y)
