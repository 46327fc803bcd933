"""Several members are trained as each alone would be, and predict their equal mixture."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklnll import MLP_DEFAULTS, NLLRegressor
from sklnll._training.objective import Objective
from sklnll.distributions import DISTRIBUTIONS

every_family = pytest.mark.parametrize("name", DISTRIBUTIONS)
brief = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
BRIEF = {"hidden_layer_sizes": (8,), "max_iter": 3}


def of_member(net, k):
    """The same fit with one member."""
    alone = pickle.loads(pickle.dumps(net))
    weights, statistics = (v[k : k + 1] for v in (net.weights_, net.statistics_))
    alone.network_ = replace(net.network_, weights=weights, statistics=statistics)
    return alone


# Training -----------------------------------------------------------------------------------------


@brief
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"dropout": 0.3},
        {"batch_norm": True},
        {"early_stopping": False, "batch_size": 20},
        {"solver": "sgd", "n_iter_no_change": 1},
        {"solver": "lbfgs"},
        {"learning_rate": "constant", "learning_rate_init": 0.1, "max_iter": 60},
    ],
    ids=str,
)
def test_more_members_leave_the_first_ones_alone(params, draw_rows, make_default_net):
    X, y = draw_rows("normal", n=80)
    few, many = (
        make_default_net("normal", n_estimators=n, **{**BRIEF, **params}).fit(X, y) for n in (1, 4)
    )
    assert many.weights_.shape == (4, few.weights_.shape[1])
    # Batched products of other sizes may add in another order.
    assert_allclose(many.weights_[:1], few.weights_, rtol=1e-6, atol=1e-7)
    assert_allclose(many.statistics_[:1], few.statistics_, rtol=1e-6, atol=1e-7)
    assert len(np.unique(many.weights_[:, 0])) == 4


@brief
def test_losses_are_the_means_of_the_members(draw_rows, make_default_net):
    X, y = draw_rows("normal", n=80)
    nets = [make_default_net("normal", n_estimators=n, **BRIEF).fit(X, y) for n in (1, 2)]
    sums = 2 * np.array(nets[1].loss_curve_) - nets[0].loss_curve_
    second = make_default_net("normal", n_estimators=2, **BRIEF).fit(X, y)
    assert_allclose(second.loss_curve_, (nets[0].loss_curve_ + sums) / 2)
    assert sums.shape == (3,)
    X_val, y_val = draw_rows("normal", n=40, seed=1)
    net = make_default_net("normal", n_estimators=3, **{**BRIEF, "max_iter": 20})
    net.fit(X, y, X_val=X_val, y_val=y_val)
    alone = [of_member(net, k).predict_dist(X_val).log_prob(y_val).mean() for k in range(3)]
    assert net.best_validation_score_ == pytest.approx(np.mean(alone), rel=1e-9)


@brief
def test_each_member_stops_by_itself(draw_rows, make_default_net):
    X, y = draw_rows("normal", n=80)
    settings = {"learning_rate": "constant", "learning_rate_init": 0.05, "annealing": 0.0}
    params = {"hidden_layer_sizes": (30,), "max_iter": 200, "n_iter_no_change": 5, **settings}
    alone = make_default_net("normal", n_estimators=1, **params).fit(X, y)
    many = make_default_net("normal", n_estimators=8, **params).fit(X, y)
    assert alone.n_iter_ < many.n_iter_ < 200
    # It was kept as it was when it stopped.
    assert_allclose(many.weights_[:1], alone.weights_, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_member_that_breaks_leaves_the_others_alone(solver, draw_rows, make_default_net):
    X, y = draw_rows("normal", n=80)
    gradient, calls = Objective.gradient, []

    def broken(self, *args, **kwargs):
        loss, of_weights = gradient(self, *args, **kwargs)
        calls.append(None)
        if len(calls) > 4:
            loss[1], of_weights[1] = np.nan, np.nan
        return loss, of_weights

    net = make_default_net("normal", n_estimators=3, solver=solver, **BRIEF)
    whole = clone(net).fit(X, y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objective, "gradient", broken)
        with pytest.warns(ConvergenceWarning, match="non-finite loss in iteration 3"):
            net.fit(X, y)
    assert_array_equal(net.weights_[[0, 2]], whole.weights_[[0, 2]])
    assert np.isfinite(net.weights_).all()
    assert np.isfinite(net.loss_curve_).all()
    assert net.n_iter_ == 3


@brief
@every_family
def test_weights_are_repeated_rows_with_all_defaults(name, draw_rows, make_default_net):
    """Hold-outs and batches included, to the bit."""
    X, y = draw_rows(name, n=60)
    counts = np.random.default_rng(0).integers(0, 3, 60)
    net = make_default_net(name, n_estimators=2, max_iter=2, hidden_layer_sizes=(8,))
    weighted = clone(net).fit(X, y, sample_weight=counts)
    repeated = clone(net).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts, axis=0))
    assert_allclose(weighted.weights_, repeated.weights_, rtol=1e-9, atol=1e-9)


# Prediction ---------------------------------------------------------------------------------------


@brief
@every_family
def test_the_prediction_is_the_mixture_of_the_members(name, draw_rows, make_default_net):
    X, y = draw_rows(name)
    net = make_default_net(name, n_estimators=3, **BRIEF).fit(X, y)
    alone = [of_member(net, k).predict_dist(X).log_prob(y) for k in range(3)]
    assert_allclose(
        net.predict_dist(X).log_prob(y), logsumexp(alone, axis=0) - np.log(3), rtol=1e-9, atol=1e-9
    )
    assert np.isfinite(net.predict(X)).all()
    assert np.isfinite(net.score(X, y))
    again = pickle.loads(pickle.dumps(net))
    assert_array_equal(again.predict(X), net.predict(X))


@brief
def test_several_outputs(draw_rows, make_default_net):
    X, y = draw_rows("normal")
    y = np.column_stack([y, -y])
    net = make_default_net("normal", n_estimators=3, **BRIEF).fit(X, y)
    dist = net.predict_dist(X)
    assert net.predict(X).shape == net.predict(X, return_std=True)[1].shape == (60, 2)
    assert dist.log_prob(y).shape == (60,)
    assert net.predict_interval(X).shape == (60, 2, 2)
    assert net.sample_y(X, 4).shape == (60, 2, 4)


@brief
def test_exposure_reaches_every_member(draw_rows, make_default_net):
    X, y = draw_rows("poisson")
    net = make_default_net("poisson", n_estimators=3, **BRIEF).fit(X, y, exposure=np.full(60, 2.0))
    assert_allclose(net.predict(X, exposure=np.full(60, 5.0)), 5 * net.predict(X), rtol=1e-12)


@brief
def test_probabilities_are_means_of_the_members(draw_rows, make_default_net):
    X, y = draw_rows("categorical")
    net = make_default_net("categorical", n_estimators=3, **BRIEF).fit(X, y)
    alone = [of_member(net, k).predict_proba(X) for k in range(3)]
    assert_allclose(net.predict_proba(X), np.mean(alone, axis=0), rtol=1e-12)


@brief
def test_coefficients_have_an_axis_of_members(draw_rows, make_default_net):
    X, y = draw_rows("normal")
    net = make_default_net("normal", n_estimators=3, n_frequencies=2, **BRIEF).fit(X, y)
    assert [coef.shape for coef in net.coefs_] == [(3, 9, 8), (3, 8, 2)]
    assert [bias.shape for bias in net.intercepts_] == [(3, 8), (3, 2)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["normal", "poisson", "categorical"])
def test_five_members_predict_better_than_one(name, draw_rows, make_default_net):
    X, y = draw_rows(name, n=300)
    X_test, y_test = draw_rows(name, n=2000, seed=1)

    def score(n, seed):
        net = make_default_net(name, n_estimators=n).set_params(random_state=seed).fit(X, y)
        return net.predict_dist(X_test).log_prob(y_test).mean()

    assert score(5, 0) > np.mean([score(1, seed) for seed in range(3)])


# The defaults -------------------------------------------------------------------------------------


@brief
def test_auto_means_scikit_learns_numbers_where_the_rate_is_constant(draw_rows):
    X, y = draw_rows("normal", n=300)
    net = NLLRegressor(**MLP_DEFAULTS, tol=0.0, random_state=0).fit(X, y)
    assert net.n_iter_ == 200
