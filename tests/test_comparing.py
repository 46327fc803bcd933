"""Models are compared on the same folds, by differences whose errors are honest."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose
from plain import plain_classifier, plain_regressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import Comparison, compare
from sklnll.distributions import Normal
from sklnll.metrics import neg_crps_scorer, neg_nll_scorer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_diabetes(return_X_y=True)
LINEAR = plain_regressor("normal", (), solver="lbfgs")
TINY = make_pipeline(StandardScaler(), plain_regressor("student_t", (4,), max_iter=5))


@pytest.fixture(scope="module")
def result():
    models = {"linear": LINEAR, "tiny": TINY, "least squares": LinearRegression()}
    return compare(models, X, Y, cv=KFold(4))


@pytest.mark.parametrize(("score", "scorer"), [("NLL", neg_nll_scorer), ("CRPS", neg_crps_scorer)])
def test_scores_are_those_of_cross_validation(result, score, scorer):
    expected = -cross_val_score(LINEAR, X, Y, cv=KFold(4), scoring=scorer)
    assert_allclose(result.scores[score][0], expected)
    assert result.mean(score)["linear"] == pytest.approx(expected.mean())


def test_other_models_have_scores_of_points(result):
    mean = {score: result.mean(score)["least squares"] for score in result.scores}
    assert np.isnan([mean["NLL"], mean["CRPS"], mean["coverage"]]).all()
    scoring = "neg_root_mean_squared_error"
    expected = -cross_val_score(LinearRegression(), X, Y, cv=KFold(4), scoring=scoring)
    assert_allclose(result.scores["RMSE"][2], expected)
    assert (result.scores["seconds"] > 0).all()


def test_differences_are_paired_and_their_errors_corrected(result):
    values = result.scores["RMSE"]
    gap = values[1] - values[2]
    mean, error = result.difference("RMSE", against="least squares")["tiny"]
    assert mean == pytest.approx(gap.mean())
    assert error == pytest.approx(np.sqrt(gap.var(ddof=1) * (1 / 4 + 1 / 3)), rel=0.01)
    assert result.difference("RMSE")["linear"] == (0, 0)


def test_a_frame_has_a_row_for_each_model(result):
    frame = result.to_frame(against="tiny")
    assert list(frame.index) == result.names
    assert frame.loc["tiny", "NLL difference"] == 0
    assert frame.loc["linear", "standard error"] == result.difference("NLL", "tiny")["linear"][1]


def test_families_are_fitted_by_name_or_instance(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "sklnll.comparison.cross_validate",
        lambda model, *args, **kwargs: (
            seen.append(model) or {"fit_time": np.ones(2), "test_NLL": np.ones(2)}
        ),
    )
    result = compare(["laplace", Normal(scale="constant")], X, Y, cv=2)
    assert result.names == ["laplace", "Normal(scale='constant')"]
    assert [repr(model.distribution) for model in seen] == ["'laplace'", result.names[1]]


def test_folds_of_any_sizes_may_be_given_as_a_list():
    folds = list(GroupKFold(3).split(X, Y, X[:, 1] + (X[:, 2] > 0.03)))
    assert len({len(test) for _, test in folds}) > 1
    result = compare({"least squares": LinearRegression()}, X, Y, cv=folds)
    expected = cross_val_score(
        LinearRegression(), X, Y, cv=folds, scoring="neg_root_mean_squared_error"
    )
    assert_allclose(result.scores["RMSE"][0], -expected)


def test_labels_have_scores_of_probabilities():
    rows, y = load_iris(return_X_y=True)
    ours = plain_classifier(hidden_layer_sizes=(), solver="lbfgs", alpha=1.0)
    theirs = LogisticRegression(max_iter=1000)
    result = compare({"ours": ours, "theirs": theirs}, rows, y, cv=3)
    assert list(result.scores) == ["NLL", "Brier", "accuracy", "seconds"]
    for score in ("NLL", "Brier", "accuracy"):
        assert result.mean(score)["ours"] == pytest.approx(result.mean(score)["theirs"], abs=0.05)


def test_what_is_unknown_is_named(result):
    with pytest.raises(ValueError, match="unknown score 'R2'; known are"):
        result.mean("R2")
    with pytest.raises(ValueError, match="unknown model 'huge'; known are"):
        result.difference("NLL", against="huge")


def test_the_picture_shows_two_standard_errors(result):
    display = result.plot("RMSE", against="least squares")
    pairs = result.difference("RMSE", against="least squares")
    assert_allclose(display.differences, [mean for mean, _ in pairs.values()])
    assert_allclose(display.errors, [2 * error for _, error in pairs.values()])
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == result.names
    plt.close(display.figure_)


def test_nearly_equal_models_do_not_differ():
    scores = {"NLL": np.array([[1.0, 2.0, 3.0], [1.1, 1.9, 3.0]])}
    mean, error = Comparison(["a", "b"], scores, 0.5).difference("NLL")["b"]
    assert abs(mean) < 2 * error


def test_joint_distributions_have_the_scores_of_their_components():
    joint = plain_regressor("multivariate_normal", (), solver="lbfgs")
    result = compare({"joint": joint}, X[:, :2], X[:, 4:6], cv=KFold(3))
    folds = [
        joint.fit(X[train, :2], X[train, 4:6]).predict_dist(X[test, :2])
        for train, test in KFold(3).split(X)
    ]
    tests = [X[test, 4:6] for _, test in KFold(3).split(X)]
    expected = [
        (d.marginals.crps(y).mean(), d.marginals.contains(y, 0.9).mean())
        for d, y in zip(folds, tests, strict=True)
    ]
    assert_allclose(result.scores["CRPS"][0], [crps for crps, _ in expected])
    assert_allclose(result.scores["coverage"][0], [share for _, share in expected])


def test_printed_it_is_a_table_of_means_without_pandas(result):
    head, *rows = str(result).splitlines()
    assert head.split() == list(result.scores)
    assert [row.split()[0] for row in rows] == ["linear", "tiny", "least"]
    assert float(rows[0].split()[1]) == pytest.approx(result.mean("NLL")["linear"], rel=1e-3)
    assert len(rows[2].split()) == 2 + 2  # two words of the name, error and seconds


def test_the_picture_leaves_out_models_without_the_score(result):
    ax = result.plot().ax_
    assert [label.get_text() for label in ax.get_yticklabels()] == ["linear", "tiny"]
    plt.close(ax.figure)
