"""NLLRanker: the models it contains, what it predicts, and what it is used for."""

import pickle
import re
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain_classifier, plain_ranker
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from sklnll import predict_dist
from sklnll.distributions import PlackettLuce
from sklnll.metrics import neg_crps_scorer, neg_nll_scorer
from sklnll.orders import kendall_tau
from sklnll.predictive import RankingPredictive

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-10, "max_iter": 5000}
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 10, "learning_rate_init": 0.01, "random_state": 0}
N_ITEMS = 4


def ranking_rows(n=200, n_items=N_ITEMS, n_listed=None, seed=0):
    """Rows X and orders whose scores are linear in X; the first `n_listed` places of them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    scores = X @ rng.normal(size=(2, n_items)) + np.linspace(0, 1, n_items)
    y = (-scores - rng.gumbel(size=scores.shape)).argsort(axis=1)
    return X, y if n_listed is None else np.where(np.arange(n_items) < n_listed, y, -1)


def mixed_rows(**params):
    """The same with rankings of one place up to all."""
    X, y = ranking_rows(**params)
    n_listed = np.random.default_rng(1).integers(1, y.shape[1] + 1, size=(len(y), 1))
    return X, np.where(np.arange(y.shape[1]) < n_listed, y, -1)


@pytest.fixture(scope="module")
def fitted():
    X, y = mixed_rows()
    return plain_ranker(**LINEAR).fit(X, y), X, y


def refuses(*words):
    return pytest.raises(ValueError, match=".*".join(map(re.escape, words)))


# The models it contains ---------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0, 0.5])
def test_two_items_are_logistic_regression(alpha):
    X, y = ranking_rows(n_items=2)
    params = {**LINEAR, "alpha": alpha}
    # Two scores share what one difference has to bear alone: half of its square.
    other = plain_classifier("bernoulli", **{**params, "alpha": alpha / 2}).fit(X, y[:, 0])
    net = plain_ranker(**params).fit(X, y)
    assert_allclose(net.predict_proba(X), other.predict_proba(X), rtol=1e-7)
    assert_allclose(net.predict(X)[:, 0], other.predict(X))
    if not alpha:
        assert net.loss_ == pytest.approx(other.loss_, rel=1e-12)
        oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(X, y[:, 0])
        assert_allclose(net.predict_proba(X), oracle.predict_proba(X), rtol=1e-4)


def test_first_places_are_multinomial_logistic_regression():
    X, y = ranking_rows(n_listed=1)
    other = plain_classifier(**LINEAR).fit(X, y[:, 0])
    net = plain_ranker(**LINEAR).fit(X, y)
    assert net.loss_ == pytest.approx(other.loss_, rel=1e-12)
    assert_allclose(net.predict_proba(X), other.predict_proba(X), rtol=1e-6)
    assert_array_equal(net.predict(X)[:, 0], other.predict(X))


def plackett_luce_loss(flat, X, y, weight):
    """Mean negative log-likelihood of a linear model, place by place."""
    coef = flat.reshape(X.shape[1] + 1, -1)
    scores, loss = X @ coef[:-1] + coef[-1], np.zeros(len(X))
    left = np.ones(scores.shape, dtype=bool)
    for place in range(y.shape[1]):
        rows = np.flatnonzero(y[:, place] >= 0)
        total = np.log(np.where(left, np.exp(scores), 0).sum(axis=1))
        item = y[rows, place]
        loss[rows] += total[rows] - scores[rows, item]
        left[rows, item] = False
    return np.average(loss, weights=weight)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_linear_fit_reaches_the_maximum_likelihood(weighted):
    X, y = mixed_rows()
    weight = np.random.default_rng(2).uniform(0, 3, len(y)) if weighted else None
    net = plain_ranker(**LINEAR).fit(X, y, sample_weight=weight)
    start = np.zeros((X.shape[1] + 1) * N_ITEMS)
    oracle = minimize(plackett_luce_loss, start, args=(X, y, weight), tol=1e-9)
    assert net.loss_ == pytest.approx(oracle.fun, rel=1e-8)
    assert net.loss_ <= oracle.fun + 1e-12
    coef = oracle.x.reshape(X.shape[1] + 1, -1)
    # The oracle's finite differences end it at half of the digits.
    assert_allclose(net.predict_proba(X), softmax(X @ coef[:-1] + coef[-1], axis=1), rtol=1e-3)


def test_a_network_learns_scores_that_are_not_linear():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(2000, 1))
    scores = np.column_stack([X[:, 0] ** 2, np.full(2000, 1.5), 3 - X[:, 0] ** 2])
    y = PlackettLuce().draw(1, rng, scores)[:, 0]
    truth = RankingPredictive(PlackettLuce(), {"scores": scores})
    net = plain_ranker(early_stopping=True, learning_rate_init=0.01, random_state=0).fit(X, y)
    assert neg_nll_scorer(net, X, y) > truth.log_prob(y).mean() - 0.01
    linear = plain_ranker(**LINEAR).fit(X, y)
    assert neg_nll_scorer(net, X, y) > neg_nll_scorer(linear, X, y) + 0.2


@pytest.mark.slow
def test_a_network_comes_within_a_hundredth_of_a_nat_of_the_truth():
    def draw(n, seed):
        rng = np.random.default_rng(seed)
        X = rng.uniform(-2, 2, size=(n, 2))
        scores = np.column_stack(
            [X[:, 0] ** 2, 2 * np.sin(2 * X[:, 1]), X.sum(axis=1), 0 * X[:, 0]]
        )
        truth = RankingPredictive(PlackettLuce(), {"scores": scores})
        y = truth.rvs(random_state=rng)
        y[::4, 2:] = -1
        return X, y, truth.log_prob(y).mean()

    X, y, _ = draw(20_000, 0)
    X_test, y_test, truth = draw(20_000, 1)
    net = plain_ranker(early_stopping=True, learning_rate_init=0.003, random_state=0).fit(X, y)
    assert neg_nll_scorer(net, X_test, y_test) > truth - 0.01


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_whole_weights_are_repeated_rows(solver):
    X, y = mixed_rows(n=90)
    weight = np.random.default_rng(0).integers(0, 4, len(y))
    repeated = np.repeat(np.arange(len(y)), weight)
    net, other = (plain_ranker(**{**SMALL, "solver": solver}) for _ in range(2))
    net.fit(X, y, sample_weight=weight)
    other.fit(X[repeated], y[repeated])
    assert_array_equal(net.predict_proba(X), other.predict_proba(X))
    assert net.score(X, y, weight) == pytest.approx(net.score(X[repeated], y[repeated]))


def test_the_constant_family_ignores_x():
    X, y = mixed_rows()
    net = plain_ranker(PlackettLuce(scores="constant"), **LINEAR).fit(X, y)
    oracle = minimize(plackett_luce_loss, np.zeros(N_ITEMS), args=(X[:, :0], y, None), tol=1e-9)
    assert net.loss_ == pytest.approx(oracle.fun, rel=1e-8)
    assert len({tuple(row) for row in net.predict_proba(X).tolist()}) == 1


# What it predicts ---------------------------------------------------------------------------------


def test_predictions_are_those_of_the_distribution(fitted):
    net, X, y = fitted
    dist = net.predict_dist(X)
    assert isinstance(dist, RankingPredictive)
    assert_array_equal(net.predict(X), dist.mode())
    assert_array_equal(net.predict_proba(X), dist.probs)
    assert_allclose(dist.probs.sum(axis=1), 1, rtol=1e-12)
    assert_allclose(dist.log_probs, np.log(dist.probs), rtol=1e-12)
    assert net.predict(X).dtype.kind == "i"
    assert net.n_items_ == dist.n_items == net.n_outputs_ == N_ITEMS
    assert -dist.log_prob(y).mean() == pytest.approx(net.loss_, rel=1e-12)
    assert_array_equal(dist.pmf(y), np.exp(dist.log_prob(y)))
    assert_array_equal(dist.logpmf(y), dist.log_prob(y))


def test_rankings_of_the_predicted_distribution_are_those_of_the_enumeration(fitted):
    net, X, _ = fitted
    dist = net.predict_dist(X[:5])
    rankings = np.array(list(permutations(range(N_ITEMS))))
    p = dist.pmf(np.tile(rankings, (5, 1, 1)))
    assert p.shape == (5, 24)
    assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    assert_array_equal(dist.mode(), rankings[p.argmax(axis=1)])
    place = rankings.argsort(axis=1)
    assert_allclose(dist.expected_ranks(), p @ (1 + place), rtol=1e-12)
    assert_allclose(dist.expected_ranks().sum(axis=1), 10, rtol=1e-12)
    before = place[:, :, None] < place[:, None, :]
    assert_allclose(dist.pairwise(), np.einsum("nr,rij->nij", p, before), rtol=1e-11)
    assert_allclose(dist.entropy(), -(p * np.log(p)).sum(axis=1), rtol=1e-12)
    first = [p[:, rankings[:, 0] == item].sum(axis=1) for item in range(N_ITEMS)]
    assert_allclose(dist.probs, np.transpose(first), rtol=1e-12)


def test_log_prob_takes_one_ranking_a_row_one_for_all_or_many_a_row(fitted):
    net, X, y = fitted
    dist = net.predict_dist(X)
    for_all = dist.log_prob([[2, 0]])
    assert for_all.shape == (len(X),)
    assert_array_equal(for_all, dist.log_prob(np.tile([2, 0], (len(X), 1))))
    assert_array_equal(for_all, dist.log_prob(np.tile([2, 0, -1, -1], (len(X), 1))))
    both = dist.log_prob(np.stack([y, y[:, [0]] * [1, 0, 0, 0] - [0, 1, 1, 1]], axis=1))
    assert_array_equal(both[:, 0], dist.log_prob(y))
    assert_allclose(both[:, 1], np.log(dist.probs[np.arange(len(y)), y[:, 0]]), rtol=1e-11)
    assert_array_equal(dist.log_prob(pd.DataFrame(y)), dist.log_prob(y.tolist()))


def test_draws_have_the_predicted_first_places_and_entropy(fitted):
    net, X, _ = fitted
    dist = net.predict_dist(X[:4])
    draws = dist.rvs(4000, random_state=0)
    assert draws.shape == (4, 4000, N_ITEMS)
    assert_array_equal(np.sort(draws), np.broadcast_to(np.arange(N_ITEMS), draws.shape))
    shares = (draws[..., 0, None] == np.arange(N_ITEMS)).mean(axis=1)
    # Four standard errors of 4,000 draws.
    assert (np.abs(shares - dist.probs) < 4 * np.sqrt(dist.probs / 4000) + 1e-3).all()
    loss = -dist.log_prob(draws)
    assert (np.abs(loss.mean(axis=1) - dist.entropy()) < 4 * loss.std(axis=1) / 4000**0.5).all()
    assert dist.rvs().shape == (4, N_ITEMS)
    assert_array_equal(dist.rvs(3, 7), dist.rvs(3, np.random.RandomState(7)))
    assert (dist.rvs(3, 7) != dist.rvs(3, 8)).any()
    assert dist.rvs(3, np.random.default_rng(0)).shape == (4, 3, N_ITEMS)


def test_rows_can_be_picked_and_shown(fitted):
    net, X, y = fitted
    dist = net.predict_dist(X)
    assert len(dist) == len(X)
    assert len(dist[3]) == 1
    assert_array_equal(dist[5:9].log_prob(y[5:9]), dist.log_prob(y)[5:9])
    assert_array_equal(dist[X[:, 0] > 0].mode(), dist.mode()[X[:, 0] > 0])
    assert repr(dist) == "RankingPredictive(PlackettLuce(), n_rows=200)"
    assert_array_equal(dist.to_frame(), dist.probs)
    assert list(dist.to_frame().columns) == list(range(N_ITEMS))
    copy = pickle.loads(pickle.dumps(dist))
    assert_array_equal(copy.log_prob(y), dist.log_prob(y))


def test_score_is_the_mean_of_kendalls_tau(fitted):
    net, X, y = fitted
    weight = np.random.default_rng(0).uniform(size=len(y))
    tau = kendall_tau(y, net.predict(X))
    assert net.score(X, y) == pytest.approx(tau.mean(), rel=1e-12)
    assert net.score(X, y, weight) == pytest.approx(np.average(tau, weights=weight), rel=1e-12)
    assert net.score(X, net.predict(X)) == 1
    assert net.score(X, net.predict(X)[:, :2]) == 1
    assert net.score(X, net.predict(X)[:, ::-1].tolist()) == -1


# Behind scikit-learn's interface ------------------------------------------------------------------


def test_it_is_neither_a_classifier_nor_a_regressor():
    net = plain_ranker()
    assert not is_classifier(net)
    assert not is_regressor(net)
    tags = get_tags(net)
    assert tags.estimator_type is None
    target = tags.target_tags
    assert (target.required, target.multi_output) == (True, True)
    assert not target.two_d_labels  # which is for what takes y alone
    assert not target.single_output


def test_scores_in_cross_validation_are_those_of_the_folds():
    X, y = mixed_rows(n=90)
    folds, model = KFold(3), make_pipeline(StandardScaler(), plain_ranker(**SMALL))
    taus, losses = [], []
    for train, test in folds.split(X):
        net = clone(model).fit(X[train], y[train])
        taus.append(net.score(X[test], y[test]))
        losses.append(predict_dist(net, X[test]).log_prob(y[test]).mean())
    assert_array_equal(cross_val_score(model, X, y, cv=folds), taus)
    assert_allclose(cross_val_score(model, X, y, cv=folds, scoring=neg_nll_scorer), losses)


@pytest.mark.parametrize("scoring", [None, neg_nll_scorer])
def test_a_search_finds_the_settings_that_overfit_less(scoring):
    X, y = ranking_rows(n=60)
    grid = {"nllranker__alpha": [1e-4, 1e6], "nllranker__distribution": ["plackett_luce"]}
    pipe = make_pipeline(StandardScaler(), plain_ranker(**{**LINEAR, "max_iter": 50}))
    search = GridSearchCV(pipe, grid, scoring=scoring, error_score="raise").fit(X, y)
    assert search.best_params_["nllranker__alpha"] == 1e-4
    assert_array_equal(predict_dist(search, X).mode(), search.predict(X))


def test_likelihoods_of_first_places_only_can_be_scored(fitted):
    net, X, y = fitted
    weight = np.linspace(0, 1, len(y))
    expected = np.average(net.predict_dist(X).log_prob(y[:, :1]), weights=weight)
    assert neg_nll_scorer(net, X, y[:, :1], weight) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(TypeError, match=r"rankings use negative_log_likelihood \(neg_nll_scorer\)"):
        neg_crps_scorer(net, X, y)


def test_weights_are_routed():
    X, y = mixed_rows(n=60)
    weight = np.linspace(0, 2, 60)
    with config_context(enable_metadata_routing=True):
        net = plain_ranker(**SMALL).set_fit_request(sample_weight=True)
        net.set_score_request(sample_weight=True)
        folds = KFold(2)
        scores = cross_val_score(net, X, y, cv=folds, params={"sample_weight": weight})
    expected = [
        plain_ranker(**SMALL).fit(X[a], y[a], weight[a]).score(X[b], y[b], weight[b])
        for a, b in folds.split(X)
    ]
    assert_array_equal(scores, expected)


@pytest.mark.parametrize("given", [False, True])
def test_validation_rows_decide_when_to_stop(given):
    X, y = mixed_rows()
    X_val, y_val = mixed_rows(seed=3)
    net = plain_ranker(
        hidden_layer_sizes=(30,), learning_rate_init=0.05, early_stopping=not given, random_state=0
    )
    net.fit(X, y, **({"X_val": X_val, "y_val": y_val} if given else {}))
    assert net.n_iter_ < 200
    assert net.best_validation_score_ >= max(net.validation_scores_)
    if given:
        score = net.predict_dist(X_val).log_prob(y_val).mean()
        assert score == pytest.approx(net.best_validation_score_, rel=1e-10)


def test_validation_rankings_may_list_fewer_places():
    X, y = ranking_rows()
    nets = [
        plain_ranker(**SMALL).fit(X, y, X_val=X, y_val=y_val)
        for y_val in (y[:, :2], np.where(np.arange(N_ITEMS) < 2, y, -1))
    ]
    assert nets[0].validation_scores_ == nets[1].validation_scores_


@pytest.mark.parametrize(
    "form", [np.ndarray.tolist, pd.DataFrame, np.asfortranarray, lambda y: y.astype(np.float32)]
)
def test_the_form_of_y_changes_nothing(form):
    X, y = mixed_rows(n=60)
    net, other = plain_ranker(**SMALL).fit(X, y), plain_ranker(**SMALL).fit(X, form(y))
    assert_array_equal(net.predict_proba(X), other.predict_proba(X))
    assert net.score(X, form(y)) == net.score(X, y)


# Bad input ----------------------------------------------------------------------------------------

Y3 = np.tile([[0, 1, 2], [2, 0, -1]], (5, 1)).astype(float)
X3 = np.random.default_rng(0).normal(size=(10, 2))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([0, 1, 1], ["each item once", "row 4, column 2"]),
        ([0, 1, 3], ["items 0, ..., 2", "found 3 at row 4, column 2"]),
        ([0, -1, 1], ["-1 only at the end", "row 4, column 2"]),
        ([0, 1.5, 2], ["whole numbers", "found 1.5 at row 4, column 1"]),
        ([0, np.nan, 2], ["NaN", "row 4, column 1"]),
        ([-1, -1, -1], ["at least one item", "row 4"]),
    ],
    ids=str,
)
def test_rows_that_are_no_rankings_are_refused(row, words):
    y = Y3.copy()
    y[4] = row
    with refuses("y must", *words):
        plain_ranker(**SMALL).fit(X3, y)
    with refuses("y_val must", *words):
        plain_ranker(**SMALL).fit(X3, Y3, X_val=X3, y_val=y)
    net = plain_ranker(**SMALL).fit(X3, Y3)
    with refuses("y must", *words):
        net.score(X3, y)
    with refuses("y must", *words):
        net.predict_dist(X3).log_prob(y)


def test_ranks_are_told_from_orders():
    with refuses("items 0, ..., 2", "from 1 to 3", "ranks_to_orders", "subtract 1"):
        plain_ranker().fit(X3, np.tile([1, 3, 2], (10, 1)))


@pytest.mark.parametrize("shape", [(10,), (10, 1)], ids=str)
def test_a_ranking_has_two_items_or_more(shape):
    with refuses("shape (n_samples, n_items) with at least 2 items", str(shape), "NLLClassifier"):
        plain_ranker().fit(X3, np.zeros(shape))


def test_items_are_those_of_fit():
    with refuses("y_val must", "at most the 3 items", "(10, 4)"):
        plain_ranker(**SMALL).fit(X3, Y3, X_val=X3, y_val=np.tile([0, 1, 2, 3], (10, 1)))
    net = plain_ranker(**SMALL).fit(X3, Y3)
    with refuses("at most the 3 items", "(10,)"):
        net.score(X3, Y3[:, 0])
    with refuses("inconsistent numbers of samples"):
        net.score(X3, Y3[1:])


@pytest.mark.parametrize("shape", [(10,), (9, 3), (0, 3), (9, 2, 3), (10, 2, 1, 3)], ids=str)
def test_log_prob_says_which_shapes_it_takes(shape):
    dist = plain_ranker(**SMALL).fit(X3, Y3).predict_dist(X3)
    with refuses("(10, k)", "(1, k), one for all rows", "(10, m, k)", f"got shape {shape}"):
        dist.log_prob(np.zeros(shape))
