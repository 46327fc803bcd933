"""Does fitting keep its word where something unusual happens?"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from plain import plain_classifier, plain_regressor
from scipy import stats
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score

from sklnll._network.compute import threads_for
from sklnll.distributions import Normal, StudentT

brief = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def linear_rows(noise, n=1000, seed=0):
    random_state = np.random.RandomState(seed)
    X = random_state.normal(size=(n, 3))
    return X, X.sum(axis=1), noise * random_state.standard_t(3, size=n)


@pytest.mark.parametrize("signal", [0.5, 5.0, 20.0])
@pytest.mark.parametrize("df", [None, "constant"])
def test_heavy_tails_are_found_behind_a_strong_signal(df, signal):
    """Without x such a y looks normal: the start must not pin the degrees of freedom there."""
    X, mean, error = linear_rows(noise=1.0)
    net = plain_regressor(
        StudentT(df=df), hidden_layer_sizes=(), solver="lbfgs", alpha=0, max_iter=1000, tol=1e-6
    )
    net.fit(X, signal * mean + error)
    truth = -stats.t.logpdf(error, 3).mean()
    assert truth - 0.02 < net.loss_ < truth
    assert 2 < np.median(net.predict_dist(X).params["df"]) < 4.5


@brief
def test_a_few_odd_rows_in_front_do_not_look_like_divergence():
    X, mean, error = linear_rows(noise=0.05, n=3000)
    y = np.where(np.arange(3000) < 200, 30 * error, mean + error)
    net = plain_regressor(max_iter=20, learning_rate_init=0.01, random_state=0).fit(X, y)
    assert r2_score(y[200:], net.predict(X[200:])) > 0.9


@brief
@pytest.mark.parametrize("batch_size", [20, 150])
def test_batch_norm_predicts_as_it_trained(batch_size):
    X, mean, error = linear_rows(noise=0.3, n=150)
    net = plain_regressor(batch_norm=True, batch_size=batch_size, max_iter=60, random_state=0)
    net.fit(5 * X + 100, mean + error)
    predicted = -net.predict_dist(5 * X + 100).log_prob(mean + error).mean()
    assert predicted < net.loss_ + 0.1


@brief
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_least_squares_trains_whatever_the_units_of_y(solver):
    """A fixed scale far above y's spread makes all losses nearly equal, and tol follows."""
    X, mean, error = linear_rows(noise=0.3)
    y = 1e-3 * (mean + error)
    net = plain_regressor(Normal(scale=1.0), solver=solver, hidden_layer_sizes=(), random_state=0)
    assert net.fit(X, y).score(X, y) > 0.75


@brief
def test_validation_rows_of_weight_zero_are_no_rows():
    X, mean, error = linear_rows(noise=0.3, n=100)
    y = mean + error
    weight = np.r_[np.ones(30), 0]
    nets = [
        plain_regressor(max_iter=20, random_state=0).fit(X, y, X_val=X_val, y_val=y_val, **weights)
        for X_val, y_val, weights in [
            (X[:30], y[:30], {}),
            (np.r_[X[:30], 1e300 * X[:1]], np.r_[y[:30], 1.0], {"sample_weight_val": weight}),
        ]
    ]
    np.testing.assert_array_equal(nets[0].predict(X), nets[1].predict(X))
    assert nets[0].validation_scores_ == nets[1].validation_scores_


def test_a_fit_that_fails_leaves_nothing_that_predicts():
    X, mean, error = linear_rows(noise=0.3, n=50)
    net = plain_regressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, mean + error)
    with pytest.raises(ValueError, match="must be positive"):
        net.set_params(distribution="gamma").fit(X, mean + error)
    with pytest.raises(NotFittedError):
        net.predict(X)
    classifier = plain_classifier(hidden_layer_sizes=(), solver="lbfgs").fit(X, mean > 0)
    with pytest.raises(ValueError, match="zero"):
        classifier.fit(X, np.where(mean > 0, "a", "b"), sample_weight=np.zeros(50))
    with pytest.raises(NotFittedError):
        classifier.predict(X)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@brief
def test_the_caller_may_have_switched_gradients_off(solver, mode):
    X, mean, error = linear_rows(noise=0.3, n=50)
    net = plain_regressor(solver=solver, max_iter=5, random_state=0)
    expected = net.fit(X, mean + error).predict(X)
    with mode():
        np.testing.assert_array_equal(net.fit(X, mean + error).predict(X), expected)


def test_rows_beyond_the_dtype_of_the_network_are_refused():
    X, mean, _ = linear_rows(noise=0.3, n=50)
    net = plain_regressor(hidden_layer_sizes=(), solver="lbfgs").fit(X.astype(np.float32), mean)
    with pytest.raises(ValueError, match="beyond float32"):
        net.predict(1e39 * X)


def test_threads_are_put_back_by_whoever_leaves_last():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:

        def work(_):
            for _ in range(50):
                with threads_for(1.0):
                    pass
            return torch.get_num_threads()

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(work, range(40))) == {2}
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)
