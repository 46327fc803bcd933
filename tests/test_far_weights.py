"""Where some rows hardly count beside others, is the fit at least as good as simpler ones?"""

import warnings

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from conftest import _draw_rows
from distributions.cases import FAMILIES
from kinds import estimator_of

from sklnll import NLLRegressor

N = 8
FAR = {
    "all but 1e-9": np.eye(N)[4] + 1e-9,
    "all but 1e-20": np.eye(N)[4] + 1e-20,
    "powers of 1e10": 10.0 ** (np.arange(N) % 5 * 10 - 20),
    "two rows": np.where(np.arange(N) > 5, 1.0, 1e-12),
}
WITHOUT_X = {"hidden_layer_sizes": (), "n_frequencies": 0, "max_iter": 1}
TRAINED = {"hidden_layer_sizes": (3,), "max_iter": 3}


def fit(name, X, y, weight, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        net = estimator_of(FAMILIES[name])(name, random_state=0, **params)
        return net.fit(X, y, weight)


def mean_log_prob(net, X, y, weight):
    """The weighted log-likelihood per unit of weight."""
    with np.errstate(all="ignore"):
        log_prob = net.predict_dist(X).log_prob(y)
    return np.average(log_prob.reshape(N, -1).sum(axis=1), weights=weight)


@pytest.mark.parametrize("far", ["all but 1e-9", "powers of 1e10"])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_fit_is_no_worse_than_that_of_the_rows_that_count(name, far):
    X, y = _draw_rows(name, N, 0)
    weight = FAR[far]
    heavy = np.where(weight > 1e-6 * weight.max(), weight, 0)
    still = {**WITHOUT_X, "learning_rate_init": 1e-12}
    start = mean_log_prob(fit(name, X, y, weight, **still), X, y, weight)
    alone = mean_log_prob(fit(name, X, y, heavy, **still), X, y, weight)
    trained = mean_log_prob(fit(name, X, y, weight, **TRAINED), X, y, weight)
    assert start > alone - 0.02
    assert trained > start - 1.001, "training ends no worse than it starts"


@pytest.mark.parametrize("far", FAR)
def test_a_weibull_start_is_the_maximum_that_scipy_finds(far):
    X, y = _draw_rows("weibull", N, 0)
    share = FAR[far] / FAR[far].sum()

    def loss(raw):
        with np.errstate(all="ignore"):
            shape, scale = np.exp(raw)
            log_prob = scipy.stats.weibull_min.logpdf(y, shape, scale=scale)
        return -share @ np.maximum(log_prob, -1e300)

    best = min(
        scipy.optimize.minimize(loss, [shape, np.log(y[4])], method="Nelder-Mead").fun
        for shape in range(5)
    )
    X = np.ones((N, 1))
    net = fit("weibull", X, y, FAR[far], **WITHOUT_X, learning_rate_init=1e-12)
    found = net.predict_dist(X[:1]).params
    raw = np.log([found["shape"][0], found["scale"][0]])
    assert loss(raw) < best + 1e-3


def test_rows_held_out_that_hardly_count_do_not_judge_alone():
    X, y = _draw_rows("gamma", N, 0)
    net = NLLRegressor("gamma", **TRAINED, early_stopping=True, random_state=0)
    with pytest.warns(UserWarning, match="diverged: it ended at a loss"):
        net.fit(X, y, FAR["all but 1e-20"])
    assert net.predict_dist(X).log_prob(y)[4] > 6
