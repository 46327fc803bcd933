"""Scorers: proper scores of whole distributions in scikit-learn's model selection."""

import copy
import pickle

import numpy as np
import pytest
from distributions.cases import CASES, NUMBERS
from numpy.testing import assert_allclose
from plain import plain_regressor
from scipy import stats
from scipy.integrate import quad
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.metrics import log_loss, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import metrics, predict_dist
from sklnll.metrics import (
    coverage_scorer,
    d2_scorer,
    neg_crps_scorer,
    neg_interval_score_scorer,
    neg_nll_scorer,
)
from sklnll.predictive import predictive

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SCORERS = {
    "nll": neg_nll_scorer,
    "crps": neg_crps_scorer,
    "interval": neg_interval_score_scorer,
    "coverage": coverage_scorer,
    "d2": d2_scorer,
}
PROPER = [scorer for name, scorer in SCORERS.items() if name != "coverage"]
FOLDS = KFold(3)
WEIGHTS = [None, np.linspace(0, 3, 60)]


@pytest.fixture
def linear(draw_rows, make_net):
    """A function: rows X, y and an unfitted linear net for them."""

    def linear(name, **params):
        params = {"hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 20, **params}
        return *draw_rows(name), make_net(name, **params)

    return linear


def in_pipeline(net):
    return make_pipeline(StandardScaler(), net)


def crps_by_definition(frozen, y):
    """The integral of (cdf - step at y) ** 2, for one row."""
    low, high = frozen.ppf(1e-13)[0], frozen.isf(1e-13)[0]
    below = quad(lambda t: frozen.cdf(t)[0] ** 2, low, y, limit=200)[0]
    return below + quad(lambda t: frozen.sf(t)[0] ** 2, y, high, limit=200)[0]


# Values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("weight", WEIGHTS, ids=["", "weighted"])
def test_nll_is_scipys(name, weight, linear):
    X, y, net = linear(name)
    frozen = CASES[name].scipy(**net.fit(X, y).predict_dist(X).params)
    log_prob = (frozen.logpmf if net.distribution_.support.discrete else frozen.logpdf)(y)
    # Scipy's parameters of a negative binomial keep few digits of a small dispersion.
    rtol = 1e-5 if name == "negative_binomial" else 1e-7
    expected = np.average(log_prob, weights=weight)
    assert_allclose(neg_nll_scorer(net, X, y, weight), expected, rtol=rtol)


@pytest.mark.parametrize("name", ["normal", "laplace", "exponential", "gamma", "beta"])
def test_crps_is_its_definition(name, linear):
    X, y, net = linear(name)
    dist = net.fit(X, y).predict_dist(X)
    crps = [crps_by_definition(dist[i].to_scipy(), y[i]) for i in range(len(y))]
    for weight in WEIGHTS:
        # The tolerance of the adaptive quadrature.
        expected = -np.average(crps, weights=weight)
        assert_allclose(neg_crps_scorer(net, X, y, weight), expected, rtol=1e-7)


@pytest.mark.parametrize("name", ["categorical", "bernoulli"])
@pytest.mark.parametrize("weight", WEIGHTS, ids=["", "weighted"])
def test_nll_of_labels_is_log_loss(name, weight, linear):
    X, y, net = linear(name)
    labels = np.array(["b", "a", "c"])[y]
    net.fit(X, labels)
    for rows in [slice(None), slice(30, 60)]:
        w = None if weight is None else weight[rows]
        expected = log_loss(
            labels[rows], net.predict_proba(X[rows]), sample_weight=w, labels=net.classes_
        )
        assert_allclose(neg_nll_scorer(net, X[rows], labels[rows], w), -expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["categorical", "bernoulli"])
def test_labels_have_no_crps(name, linear):
    X, y, net = linear(name)
    with pytest.raises(TypeError, match="neg_nll_scorer"):
        neg_crps_scorer(net.fit(X, y), X, y)


@pytest.mark.parametrize("coverage", [0.5, 0.9])
@pytest.mark.parametrize("weight", WEIGHTS, ids=["", "weighted"])
@pytest.mark.parametrize("name", ["normal", "gamma", "poisson"])
def test_interval_score_is_the_pinball_loss_of_both_ends(name, weight, coverage, linear):
    X, y, net = linear(name)
    frozen = CASES[name].scipy(**net.fit(X, y).predict_dist(X).params)
    tail = (1 - coverage) / 2
    pinball = sum(
        mean_pinball_loss(y, frozen.ppf(level), alpha=level, sample_weight=weight)
        for level in (tail, 1 - tail)
    )
    scorer = neg_interval_score_scorer.at(coverage)
    assert_allclose(scorer(net, X, y, weight), -pinball / tail, rtol=1e-9)


@pytest.mark.parametrize("coverage", [0.5, 0.9])
@pytest.mark.parametrize("weight", WEIGHTS, ids=["", "weighted"])
@pytest.mark.parametrize("name", ["normal", "gamma", "poisson"])
def test_coverage_is_the_share_between_scipys_quantiles(name, weight, coverage, linear):
    X, y, net = linear(name)
    frozen = CASES[name].scipy(**net.fit(X, y).predict_dist(X).params)
    low, high = frozen.interval(coverage)
    expected = np.average((low <= y) & (y <= high), weights=weight)
    assert_allclose(coverage_scorer.at(coverage)(net, X, y, weight), expected, rtol=1e-12)


def test_intervals_of_angles_run_around_the_circle(linear):
    X, y, net = linear("von_mises")
    net.fit(X, y)
    assert 0.6 < coverage_scorer(net, X, y) <= 1
    for scorer in (coverage_scorer, neg_interval_score_scorer):
        assert_allclose(scorer(net, X, y + 2 * np.pi), scorer(net, X, y), rtol=1e-9)


def test_intervals_of_several_outputs_and_of_vectors_are_averaged(linear):
    for name in ("normal", "multivariate_normal"):
        X, Y, net = *linear("multivariate_normal")[:2], linear(name)[2]
        interval = net.fit(X, Y).predict_dist(X).interval(0.8)
        held = (interval[..., 0] <= Y) & (interval[..., 1] >= Y)
        assert_allclose(coverage_scorer.at(0.8)(net, X, Y), held.mean(), rtol=1e-12)
        pinball = [
            sum(
                mean_pinball_loss(Y[:, j], interval[:, j, k], alpha=level)
                for k, level in enumerate([0.1, 0.9])
            )
            for j in range(2)
        ]
        expected = -np.mean(pinball) / 0.1
        assert_allclose(neg_interval_score_scorer.at(0.8)(net, X, Y), expected, rtol=1e-9)


@pytest.mark.parametrize("scorer", [coverage_scorer, neg_interval_score_scorer], ids=repr)
def test_labels_have_no_intervals(scorer, linear):
    X, y, net = linear("categorical")
    with pytest.raises(TypeError, match="central intervals need a y of numbers"):
        scorer(net.fit(X, y), X, y)


@pytest.mark.parametrize("coverage", [0, 1, 90, "0.9"])
def test_a_coverage_that_is_none_says_so(coverage):
    with pytest.raises(ValueError, match="coverage must be a number between 0 and 1"):
        coverage_scorer.at(coverage)


def test_another_coverage_is_a_scorer_of_its_own():
    other = coverage_scorer.at(0.5)
    assert repr(other) == "coverage_scorer.at(0.5)"
    assert repr(coverage_scorer) == "coverage_scorer"
    assert repr(other.at(0.9)) == "coverage_scorer"
    asking = other.set_score_request(sample_weight=True)
    assert repr(asking) == repr(pickle.loads(pickle.dumps(asking))) == repr(other)


def test_outputs_are_summed_in_nll_and_averaged_in_crps(linear):
    X, y, net = linear("normal")
    both = np.column_stack([y, y[::-1]])
    params = net.fit(X, both).predict_dist(X).params
    columns = [
        predictive(net.distribution_, {key: value[:, j] for key, value in params.items()})
        for j in range(2)
    ]
    nll = [columns[j].log_prob(both[:, j]).mean() for j in range(2)]
    crps = [columns[j].crps(both[:, j]).mean() for j in range(2)]
    assert_allclose(neg_nll_scorer(net, X, both), np.sum(nll))
    assert_allclose(neg_crps_scorer(net, X, both), -np.mean(crps))


@pytest.mark.parametrize("scorer", SCORERS.values(), ids=repr)
def test_whole_weights_are_repetitions(scorer, linear):
    X, y, net = linear("gamma")
    weight = np.arange(60) % 4
    repeated = np.repeat(X, weight, axis=0), np.repeat(y, weight)
    assert_allclose(scorer(net.fit(X, y), X, y, weight), scorer(net, *repeated), rtol=1e-12)


@pytest.mark.parametrize("scorer", SCORERS.values(), ids=repr)
def test_the_form_of_y_changes_no_score(scorer, linear):
    pandas = pytest.importorskip("pandas")
    X, y, net = linear("gamma")
    expected = scorer(net.fit(X, y), X, y)
    assert scorer(net, X.tolist(), y.tolist()) == expected
    assert scorer(net, X, pandas.Series(y, index=np.arange(60)[::-1])) == expected
    assert scorer(net, X, y, np.full(60, 2.0).tolist()) == pytest.approx(expected, rel=1e-14)
    # fit takes a column for one output; a score of all rows against all others would be wrong.
    assert scorer(net, X, y[:, None]) == expected


def test_a_y_outside_the_support_scores_minus_infinity(linear):
    X, y, net = linear("gamma")
    assert neg_nll_scorer(net.fit(X, y), X, -y) == -np.inf


@pytest.mark.parametrize("scorer", PROPER, ids=repr)
def test_higher_is_better(scorer, linear):
    X, y, net = linear("normal")
    null = clone(net).fit(np.zeros_like(X), y)
    assert scorer(net.fit(X, y), X, y) > scorer(null, np.zeros_like(X), y)


# In model selection ------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda net: net, in_pipeline], ids=["bare", "pipeline"])
@pytest.mark.parametrize("scorer", SCORERS.values(), ids=repr)
def test_cross_val_score_is_the_score_of_each_fold(wrap, scorer, linear):
    X, y, net = linear("gamma")
    model = wrap(net)
    expected = [scorer(clone(model).fit(X[a], y[a]), X[b], y[b]) for a, b in FOLDS.split(X)]
    scores = cross_val_score(model, X, y, scoring=scorer, cv=FOLDS, error_score="raise")
    assert_allclose(scores, expected, rtol=1e-12)


@pytest.mark.parametrize("wrap", [lambda net: net, in_pipeline], ids=["bare", "pipeline"])
def test_cross_validate_takes_several_at_once(wrap, linear):
    X, y, net = linear("poisson")
    scoring = {**SCORERS, "r2": "r2"}
    together = cross_validate(
        wrap(net), X, y, scoring=scoring, cv=FOLDS, return_train_score=True, error_score="raise"
    )
    for name, scorer in scoring.items():
        alone = cross_val_score(wrap(net), X, y, scoring=scorer, cv=FOLDS)
        assert_allclose(together[f"test_{name}"], alone, rtol=1e-12)
        assert np.isfinite(together[f"train_{name}"]).all()


def test_cross_validate_scores_labels(linear):
    X, y, net = linear("categorical")
    scores = cross_val_score(in_pipeline(net), X, y, scoring=neg_nll_scorer, cv=FOLDS)
    expected = cross_val_score(in_pipeline(net), X, y, scoring="neg_log_loss", cv=FOLDS)
    assert_allclose(scores, expected, rtol=1e-12)


def test_a_label_missing_from_training_is_an_error_that_names_it(linear):
    X, _, net = linear("categorical")
    with pytest.raises(ValueError, match="not seen in fit"):
        neg_nll_scorer(net.fit(X, np.arange(60) % 2), X, np.arange(60) % 3)


@pytest.mark.slow
@pytest.mark.parametrize("scorer", PROPER, ids=repr)
def test_search_in_parallel_takes_the_best(scorer, linear):
    X, y, net = linear("normal")
    model = Pipeline([("scale", StandardScaler()), ("net", net)])
    grid = {"net__alpha": [0.1, 1e6], "net__distribution": ["normal", "student_t"]}
    search = GridSearchCV(model, grid, scoring=scorer, cv=FOLDS, n_jobs=2, error_score="raise")
    search.fit(X, y)
    assert search.best_params_["net__alpha"] == 0.1
    results = search.cv_results_
    for params, score in zip(results["params"], results["mean_test_score"], strict=True):
        alone = cross_val_score(clone(model).set_params(**params), X, y, scoring=scorer, cv=FOLDS)
        # Each worker has one thread, this process may have more, which add in another order.
        assert_allclose(score, alone.mean(), rtol=1e-6)
    assert search.score(X, y) == scorer(search, X, y) == scorer(search.best_estimator_, X, y)


def test_scores_of_a_transformed_target_are_in_the_units_of_y(linear):
    X, y, _ = linear("log_normal")
    log = {"func": np.log, "inverse_func": np.exp}
    model = TransformedTargetRegressor(linear("normal")[2], **log).fit(X, y)
    params = model.regressor_.predict_dist(X).params
    law = stats.lognorm(params["scale"], scale=np.exp(params["loc"]))
    assert_allclose(neg_nll_scorer(model, X, y), law.logpdf(y).mean(), rtol=1e-9)
    low, high = law.interval(0.9)
    assert coverage_scorer(model, X, y) == np.mean((low <= y) & (y <= high))
    scores = cross_validate(model, X, y, scoring=SCORERS, cv=FOLDS, error_score="raise")
    assert all(np.isfinite(scores[f"test_{name}"]).all() for name in SCORERS)


def test_search_takes_several_scorers_and_refits_by_one(linear):
    X, y, net = linear("normal")
    grid = {"distribution": ["normal", "laplace"]}
    search = GridSearchCV(net, grid, scoring=SCORERS, refit="crps", cv=FOLDS).fit(X, y)
    best = np.argmax(search.cv_results_["mean_test_crps"])
    assert search.best_params_ == search.cv_results_["params"][best]
    assert search.score(X, y) == neg_crps_scorer(search, X, y)


@pytest.mark.parametrize("scorer", SCORERS.values(), ids=repr)
def test_copies_score_the_same(scorer, linear):
    X, y, net = linear("gamma")
    net.fit(X, y)
    for twin in [
        pickle.loads(pickle.dumps(scorer)),
        copy.deepcopy(scorer),
        clone(scorer, safe=False),
    ]:
        assert twin(net, X, y) == scorer(net, X, y)
        assert repr(twin) == repr(scorer)


def test_a_search_with_a_scorer_can_be_copied(linear):
    X, y, net = linear("normal")
    search = GridSearchCV(net, {"alpha": [0.1]}, scoring=neg_nll_scorer, cv=2)
    search = pickle.loads(pickle.dumps(clone(search).fit(X, y)))
    assert search.score(X, y) == neg_nll_scorer(search.best_estimator_, X, y)
    assert_allclose(search.score(X, y), predict_dist(search, X).log_prob(y).mean())


def test_scorers_say_their_names():
    scorers = {name for name in metrics.__all__ if name.endswith("_scorer")}
    assert scorers == {repr(scorer) for scorer in SCORERS.values()}


def test_weights_are_routed_where_asked_for():
    X, y = load_diabetes(return_X_y=True)
    weight = np.random.RandomState(0).exponential(size=len(y))
    net = plain_regressor(hidden_layer_sizes=(), solver="lbfgs", max_iter=500)
    folds = KFold(3)
    with config_context(enable_metadata_routing=True):
        net.set_fit_request(sample_weight=True)
        share = coverage_scorer.at(0.5).set_score_request(sample_weight=True)
        params = {"sample_weight": weight}
        covered = cross_val_score(net, X, y, scoring=share, params=params, cv=folds)
        scorer = neg_nll_scorer.set_score_request(sample_weight=True)
        params = {"sample_weight": weight}
        routed = cross_val_score(net, X, y, scoring=scorer, params=params, cv=folds)
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            cross_val_score(net, X, y, scoring=neg_nll_scorer, params=params, cv=folds)
    by_hand, inside = [], []
    for train, test in folds.split(X):
        dist = net.fit(X[train], y[train], sample_weight=weight[train]).predict_dist(X[test])
        by_hand.append(np.average(dist.log_prob(y[test]), weights=weight[test]))
        inside.append(np.average(dist.contains(y[test], 0.5), weights=weight[test]))
    np.testing.assert_allclose(covered, inside, rtol=1e-12)
    np.testing.assert_allclose(routed, by_hand, rtol=1e-12)
