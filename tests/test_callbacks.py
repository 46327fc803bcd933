"""Callbacks of scikit-learn, and the printer, watch training; callbacks may end it."""

import numpy as np
import pytest
from plain import plain_classifier, plain_regressor
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import NLLRanker, NLLRegressor
from sklnll.metrics import neg_nll_scorer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BRIEF = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}

rng = np.random.default_rng(0)
X = rng.normal(3, 2, size=(100, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=100)


# The printer -------------------------------------------------------------------------------------


def test_nothing_is_printed_by_default(capsys):
    NLLRegressor(**BRIEF).fit(X, Y)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_verbose_prints_each_epoch(solver, capsys):
    net = plain_regressor(verbose=True, solver=solver, **BRIEF).fit(X, Y)
    out, err = capsys.readouterr()
    assert out.count("Iteration") == net.n_iter_ == 5
    assert f"Iteration 5, loss = {net.loss_:.8f}" in out
    assert not err


def test_a_bar_grows_on_one_line_of_stderr(capsys):
    plain_regressor(verbose="bar", early_stopping=True, **BRIEF).fit(X, Y)
    out, err = capsys.readouterr()
    assert not out
    assert err.count("\n") == 1
    last = err.split("\r")[-1]
    assert last.startswith("[" + "=" * 30 + "] 5/5, loss = ")
    assert "validation loss = " in last


def test_a_bar_that_ends_before_its_last_epoch_ends_its_line(capsys):
    plain_regressor(verbose="bar", tol=1e9, n_iter_no_change=1, **BRIEF).fit(X, Y)
    assert capsys.readouterr().err.endswith("\n")


# scikit-learn's callbacks ------------------------------------------------------------------------

callback = pytest.importorskip("sklearn.callback", reason="callbacks come with scikit-learn 1.9")


class EndsAfter:
    """A user's own callback: ends training after so many epochs, and counts what it is told."""

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs
        self.told = []
        self.losses = []

    def setup(self, estimator, context):
        self.told.append("setup")

    def on_fit_task_begin(self, estimator, context):
        self.told.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.told.append(f"end {context.task_name}")
        if context.task_name == "epoch" and fitted_estimator is not None:
            self.losses.append(-neg_nll_scorer(fitted_estimator, X, y))
            return len(self.losses) == self.n_epochs
        return False

    def teardown(self, estimator, context):
        self.told.append("teardown")


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_callback_is_told_of_each_epoch_and_may_end_training(solver):
    ends = EndsAfter(3)
    net = plain_regressor(solver=solver, **BRIEF).set_callbacks(ends).fit(X, Y)
    epochs = ["begin epoch", "end epoch"] * 3
    assert ends.told == ["setup", "begin fit", *epochs, "end fit", "teardown"]
    assert net.n_iter_ == 3
    assert ends.losses[-1] == pytest.approx(-neg_nll_scorer(net, X, Y), rel=1e-6)


@pytest.mark.parametrize("n_estimators", [1, 2])
@pytest.mark.parametrize("tol", [0.0, 0.1])
def test_each_iteration_of_each_member_is_told_once(n_estimators, tol):
    counts = EndsAfter(1000)
    net = plain_regressor(solver="lbfgs", tol=tol, n_estimators=n_estimators, **BRIEF)
    net.set_callbacks(counts).fit(X, Y)
    assert net.n_iter_ <= len(counts.losses) <= n_estimators * net.n_iter_
    begun, ended = (counts.told.count(f"{word} epoch") for word in ("begin", "end"))
    assert begun == ended


def test_what_a_callback_sees_predicts_as_the_fit_that_ended_there():
    seen = []

    class Keeps(EndsAfter):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "epoch":
                seen.append(fitted_estimator.predict(X))

    net = plain_regressor(**BRIEF).set_callbacks(Keeps(0)).fit(X, Y)
    np.testing.assert_array_equal(seen[-1], net.predict(X))
    three = plain_regressor(**{**BRIEF, "max_iter": 3}).fit(X, Y)
    np.testing.assert_array_equal(seen[2], three.predict(X))


def test_callbacks_change_nothing():
    alone = plain_regressor(dropout=0.2, batch_size=20, **BRIEF)
    expected = alone.fit(X, Y).predict(X)
    watched = alone.set_callbacks(EndsAfter(1000)).fit(X, Y)
    np.testing.assert_array_equal(watched.predict(X), expected)


def test_scores_are_monitored():
    monitor = callback.ScoringMonitor(scoring="r2")
    net = NLLRegressor(**BRIEF).set_callbacks(monitor).fit(X, Y, sample_weight=np.arange(100.0))
    scores = [entry["r2"] for entry in monitor.get_logs().data if entry["task_name"] == "epoch"]
    assert len(scores) == 5
    # The last epoch is not the best one that is kept.
    best = r2_score(Y, net.predict(X), sample_weight=np.arange(100.0))
    assert best == pytest.approx(scores[-1], abs=0.1)


@pytest.mark.parametrize(
    "scoring", [neg_nll_scorer, {"nll": neg_nll_scorer, "r2": "r2"}], ids=["one", "two"]
)
def test_likelihoods_are_monitored(scoring):
    if isinstance(scoring, dict):
        from sklearn.metrics import get_scorer

        scoring = {"nll": neg_nll_scorer, "r2": get_scorer("r2")}
    monitor = callback.ScoringMonitor(scoring=scoring)
    net = plain_regressor(**BRIEF).set_callbacks(monitor).fit(X, Y)
    last = [entry for entry in monitor.get_logs().data if entry["task_name"] == "epoch"][-1]
    name = "nll" if isinstance(scoring, dict) else "score"
    assert last[name] == pytest.approx(neg_nll_scorer(net, X, Y))


def test_callbacks_work_in_a_pipeline():
    ends = EndsAfter(2)
    net = plain_regressor(**BRIEF).set_callbacks(ends)
    model = make_pipeline(StandardScaler(), net).fit(X, Y)
    assert model[-1].n_iter_ == 2
    assert ends.told.count("end epoch") == 2


@pytest.mark.slow
def test_callbacks_work_in_a_search_in_parallel():
    monitor = callback.ScoringMonitor(scoring=neg_nll_scorer)
    net = plain_regressor(**BRIEF).set_callbacks(monitor)
    model = make_pipeline(StandardScaler(), net)
    grid = {"nllregressor__alpha": [1e-4, 1.0]}
    search = GridSearchCV(model, grid, cv=2, n_jobs=2, scoring=neg_nll_scorer).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    entries = [
        entry
        for log in monitor.get_logs(select="all")
        for entry in log.data
        if entry["task_name"] == "epoch"
    ]
    assert len(entries) == (2 * 2 + 1) * 5


def test_classifiers_and_rankers_have_callbacks():
    for net, y in [
        (plain_classifier(**BRIEF), Y > 0),
        (NLLRanker(**BRIEF), X.argsort(axis=1)),
    ]:
        ends = EndsAfter(2)
        net.set_callbacks(ends).fit(X, y)
        assert net.n_iter_ == 2


def test_increments_are_epochs():
    counts = EndsAfter(1000)
    plain_regressor(**BRIEF).set_callbacks(counts).partial_fit(X, Y).partial_fit(X, Y)
    assert counts.told.count("end epoch") == 2


def test_members_of_lbfgs_are_stopped_alike():
    ends = EndsAfter(3)
    net = plain_regressor(solver="lbfgs", n_estimators=3, **BRIEF).set_callbacks(ends).fit(X, Y)
    assert net.n_iter_ == 3
    assert len(ends.losses) == 9


@pytest.mark.parametrize("warm_start", [False, True])
def test_the_end_of_a_fit_sees_the_estimator_as_it_stays(warm_start):
    seen = []

    class Looks(EndsAfter):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "fit":
                seen.extend([dict(vars(estimator)), fitted_estimator])

    net = plain_regressor(warm_start=warm_start, **BRIEF).fit(X, Y)
    net.set_callbacks(Looks(0)).fit(X, Y)
    attributes, snapshot = seen
    for name in ("network_", "n_iter_", "t_", "loss_", "loss_curve_"):
        assert attributes[name] is vars(net)[name] is vars(snapshot)[name]
    np.testing.assert_array_equal(snapshot.predict(X), net.predict(X))
    assert snapshot.partial_fit(X, Y).t_ > net.t_
