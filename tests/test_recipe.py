"""Sizes and lengths of training suit the rows, and the defaults hold what they promise."""

import numpy as np
import pytest
from kinds import one_of_each_kind

from sklnll import NLLClassifier, NLLRegressor
from sklnll._data.holdout import hold_out
from sklnll._training import recipe
from sklnll._training.hyperparameters import Hyperparameters
from sklnll._training.plan import make_plan
from sklnll.distributions import Normal, StudentT

ROWS = [1, 2, 17, 50, 100, 300, 1000, 10_000, 1_000_000, 50_000_000]


@pytest.mark.parametrize("n_rows", ROWS)
def test_sizes_suit_the_rows(n_rows):
    batch = recipe.batch_size(n_rows)
    assert 1 <= batch <= min(n_rows, 1536)
    n_batches = -(-n_rows // batch)
    assert n_rows % batch == 0 or n_rows % batch >= batch - n_batches  # nearly equal
    epochs = recipe.epochs(n_rows, batch)
    assert 20 <= epochs <= 400
    assert epochs * n_batches >= 6000 or epochs == 400
    assert recipe.patience(n_rows, batch) * n_batches >= 1000


def test_more_rows_make_larger_batches_and_fewer_epochs():
    batches = [recipe.batch_size(n) for n in ROWS]
    epochs = [recipe.epochs(n, recipe.batch_size(n)) for n in ROWS]
    assert batches == sorted(batches)
    assert epochs == sorted(epochs, reverse=True)


@pytest.mark.parametrize("n_features", [1, 10, 32, 100, 257, 10_000])
def test_cosines_stay_few(n_features):
    n = recipe.frequencies(n_features)
    assert 0 <= n <= 16
    assert n * n_features <= 256 or n == 0


def plan(hidden=(4,), **params):
    given = Hyperparameters.of(NLLRegressor(hidden_layer_sizes=hidden, **params))
    return make_plan(given, None, is_increment=False)


def test_auto_is_what_suits_the_rows_or_what_it_is_to_scikit_learn():
    suited, plain = plan().settings(1000), plan(learning_rate="constant").settings(1000)
    assert suited.batch_size == recipe.batch_size(1000)
    assert suited.max_iter == recipe.epochs(1000, suited.batch_size)
    assert suited.n_iter_no_change == recipe.patience(1000, suited.batch_size)
    assert (plain.batch_size, plain.max_iter, plain.n_iter_no_change) == (200, 200, 10)
    assert plan(solver="lbfgs").settings(1000).batch_size == 1000
    given = plan(batch_size=50, max_iter=7, n_iter_no_change=3).settings(1000)
    assert (given.batch_size, given.max_iter, given.n_iter_no_change) == (50, 7, 3)


def test_a_linear_network_goes_to_the_maximum_likelihood():
    linear = plan(hidden=(), x_scaling="robust", n_frequencies=4, weight_decay=1.0)
    settings = linear.settings(1000)
    assert (settings.annealing, settings.weight_decay) == (0.0, 0.0)
    assert (linear.x_scaling, linear.n_frequencies(3)) == ("standard", 0)
    assert not linear.holds_out(1000)


def rows(n, d, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X[:, 0] + np.exp(0.5 * X[:, 0]) * rng.normal(size=n)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "d"), [(12, 1), (30, 3), (50, 20), (200, 100), (1000, 3)])
@pytest.mark.parametrize("distribution", one_of_each_kind(["normal", "student_t"]))
def test_no_set_is_a_catastrophe(distribution, n, d):
    """Not worse than the fit without x, however few the rows and many the columns.

    Of 12 rows, one set says little: there it holds on average.
    """
    net = NLLRegressor(distribution, n_estimators=5, random_state=0)
    null = NLLRegressor(Normal(loc="constant", scale="constant"), (), solver="lbfgs")
    gains = []
    for seed in range(0, 8 if n == 12 else 2, 2):
        (X, y), (X_test, y_test) = rows(n, d, seed), rows(3000, d, seed + 1)
        dists = (model.fit(X, y).predict_dist(X_test) for model in (net, null))
        loss, null_loss = (-dist.log_prob(y_test).mean() for dist in dists)
        gains.append(null_loss - loss)
    assert np.mean(gains) > -0.05


def test_raw_and_skewed_columns_need_no_preparation():
    X, y = rows(400, 3)
    raw = np.column_stack([1e6 * X[:, 0] + 1e9, np.exp(3 * X[:, 1]), X[:, 2] / 1e6])
    net = NLLRegressor(StudentT(), (32,), max_iter=60, random_state=0).fit(raw, 1e3 * y)
    assert net.score(raw, 1e3 * y) > 0.3


def test_few_rows_are_not_held_out_and_many_are(draw_rows):
    for n, is_held in [(7, False), (8, True), (100, True)]:
        X, y = draw_rows("normal", n=n)
        net = NLLRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(X, y)
        assert (net.validation_scores_ is not None) == is_held


def test_auto_holds_nothing_out_where_that_would_be_one_row(draw_rows):
    X, y = draw_rows("normal", n=10)
    net = NLLRegressor(hidden_layer_sizes=(4,), max_iter=2, validation_fraction=0.1).fit(X, y)
    assert net.validation_scores_ is None


def test_a_class_with_one_row_is_no_obstacle(draw_rows):
    X, y = draw_rows("categorical", n=80)
    y = np.where(np.arange(80) == 5, 7, y)
    for early_stopping in ("auto", True):
        net = NLLClassifier(hidden_layer_sizes=(4,), early_stopping=early_stopping, max_iter=2)
        assert net.fit(X, y).validation_scores_ is not None


@pytest.mark.parametrize("name", ["categorical", "poisson"])
def test_cells_of_discrete_rows_are_learned(name, make_default_net):
    """Many equal rows: held out are some of each kind, not some kinds."""
    rng = np.random.default_rng(0)
    cell = rng.integers(4, size=1500)
    p = np.array([0.1, 0.4, 0.6, 0.9])
    y = (rng.uniform(size=1500) < p[cell]) if name == "categorical" else rng.poisson(3 * p[cell])
    net = make_default_net(name, (16,), max_iter=30).fit(np.eye(4)[cell], y.astype(int))
    dist = net.predict_dist(np.eye(4))
    mean = dist.probs[:, 1] if name == "categorical" else dist.mean()
    truth = np.array([y[cell == k].mean() for k in range(4)])
    np.testing.assert_allclose(mean, truth, atol=0.06 * truth.max())


@pytest.mark.parametrize("n", [30, 90])
def test_a_linear_network_converges_on_few_rows(n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    y = X[:, 0] - X[:, 1] + 0.05 * rng.normal(size=n)
    losses = [
        NLLRegressor(hidden_layer_sizes=(), solver=solver, random_state=0).fit(X, y).loss_
        for solver in ("adam", "lbfgs")
    ]
    assert losses[0] < losses[1] + 0.02


def test_losses_are_weighted_means_with_a_hold_out(draw_rows):
    X, y = draw_rows("normal", n=100)
    weight = np.exp(np.random.default_rng(0).normal(size=100))
    params = {"max_iter": 1, "learning_rate_init": 1e-12, "shuffle": False, "random_state": 0}
    net = NLLRegressor(**params).fit(X, y, sample_weight=weight)
    split_seed = np.random.RandomState(0).randint(2**31 - 1)
    train, _ = hold_out(100, 1, 0.15, np.random.RandomState(split_seed), np.zeros(100))
    losses = -net.predict_dist(X[train[0]]).log_prob(y[train[0]])
    assert net.loss_ == pytest.approx(np.average(losses, weights=weight[train[0]]), rel=1e-6)
