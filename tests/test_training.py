"""Training minimizes the objective, stops where it should, and leaves all else alone."""

import pickle
import warnings
from unittest.mock import patch

import numpy as np
import pytest
import torch
from distributions.cases import CASES, make_head
from kinds import one_of_each_kind
from plain import plain_classifier, plain_regressor
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from statsmodels.tools.numdiff import approx_fprime

from sklnll._data.rows import Rows
from sklnll._network.layers import Mode
from sklnll._network.network import Network
from sklnll._network.weights import Architecture, Weights
from sklnll._training.objective import Objective
from sklnll.distributions import DISTRIBUTIONS, Gamma, Normal, get_distribution

every_family = pytest.mark.parametrize("name", DISTRIBUTIONS)
brief = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SOLVERS = ["adam", "sgd", "lbfgs"]


# The objective ------------------------------------------------------------------------------------


def objective_and_rows(name, draw_rows, *, batch_norm=False, alpha=2.0, n=30, n_members=2):
    X, y = draw_rows(name, n=n)
    distribution = get_distribution(name)
    size = y.shape[1] if distribution.event_ndim else CASES[name].size
    head = make_head(distribution, size=size)
    architecture = Architecture(
        (3, 4, head.layout.n_predicted),
        head.layout.n_constant,
        activation="tanh",
        batch_norm=batch_norm,
    )
    n_weights = sum(int(np.prod(shape)) for shape in architecture.shapes)
    flat = torch.from_numpy(0.5 * np.random.default_rng(1).normal(size=(n_members, n_weights)))
    weight = np.random.default_rng(2).uniform(0, 3, n)
    rows = Rows(*map(torch.from_numpy, [X, y[:, None], weight]))
    return Objective(Network(Weights(architecture, flat)), head, alpha, 0.7), rows


@every_family
@pytest.mark.parametrize("batch_norm", [False, True])
def test_gradient_is_finite_differences(name, batch_norm, draw_rows):
    objective, rows = objective_and_rows(name, draw_rows, batch_norm=batch_norm)
    weights = objective.network.weights.flat
    start = weights.numpy().ravel().copy()

    def value(flat):
        weights.copy_(torch.from_numpy(flat).reshape(weights.shape))
        raw, constants = objective.network(rows.x, Mode(rows.weight, momentum=0.1))
        nll = objective.head.nll(raw, constants, rows.y, rows.exposure)
        return ((rows.weight * nll).mean(-1) + objective.penalty.value(len(rows))).sum().item()

    expected = approx_fprime(start, value, centered=True)
    weights.copy_(torch.from_numpy(start).reshape(weights.shape))
    gradient = objective.gradient(rows, momentum=0.1)[1]
    objective.penalty.add_gradient(gradient, len(rows))
    gradient = gradient.numpy().ravel()
    # Central differences lose a third of the digits, those of the largest component.
    largest = np.abs(gradient).max()
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7 + 1e-10 * largest)


@every_family
def test_objective_is_weighted_likelihood_and_penalty(name, draw_rows):
    objective, rows = objective_and_rows(name, draw_rows, n_members=1)
    raw, constants = objective.network(rows.x)
    params = objective.head.params(raw[0], constants[0])
    log_prob = get_distribution(name).log_prob(rows.y, **params)[:, 0]
    loss, _ = objective.gradient(rows, momentum=0.1)
    assert loss.item() == pytest.approx(-(rows.weight * log_prob).sum().item() / 30, rel=1e-12)
    squares = sum((matrix**2).sum().item() for matrix, *_ in objective.network.weights.layers)
    penalty = objective.penalty.value(30).item()
    assert penalty == pytest.approx(2.0 / 2 / (30 * 0.7) * squares, rel=1e-12)


def test_members_objectives_are_summed(draw_rows):
    both, rows = objective_and_rows("normal", draw_rows)
    network = both.network
    alone = []
    for member in range(2):
        flat = network.weights.flat[member : member + 1].clone()
        part = Network(Weights(network.architecture, flat))
        alone.append(Objective(part, both.head, 2.0, 0.7).gradient(rows, momentum=0.1))
    loss, gradient = both.gradient(rows, momentum=0.1)
    torch.testing.assert_close(loss, torch.cat([alone[0][0], alone[1][0]]))
    torch.testing.assert_close(gradient, torch.cat([alone[0][1], alone[1][1]]))


@brief
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_full_batch_steps_by_hand(momentum):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    net = plain_regressor(
        Normal(scale=1.0),
        (),
        solver="sgd",
        alpha=0.1,
        learning_rate_init=0.01,
        momentum=momentum,
        nesterovs_momentum=False,
        max_iter=3,
    ).fit(X, y)
    z, spread = (y - y.mean()) / y.std(), y.std()
    coef, velocity = np.zeros(3), np.zeros(3)
    design = np.column_stack([X, np.ones(30)])
    for _ in range(3):
        gradient = spread**2 * (design.T @ (design @ coef - z) + 0.1 * np.r_[coef[:2], 0]) / 30
        velocity = momentum * velocity - 0.01 * gradient
        coef = coef + velocity
    np.testing.assert_allclose(np.r_[net.coefs_[0].ravel(), net.intercepts_[0]], coef, rtol=1e-10)


# As scikit-learn's multi-layer perceptrons --------------------------------------------------------


def null_model_start(init_coef):
    """Let the last layer of a perceptron start at zero, as ours does for centered y."""

    def start(self, fan_in, fan_out, dtype):
        if fan_out == (self.n_outputs_ if self.out_activation_ == "softmax" else 1):
            return np.zeros((fan_in, fan_out), dtype), np.zeros(fan_out, dtype)
        return init_coef(self, fan_in, fan_out, dtype)

    return start


def member_seed(seed):
    """Seed of the first member, after that of the hold-outs."""
    return np.random.RandomState(seed).randint(2**31 - 1, size=2)[1]


def standardized_rows(n=150):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    y = np.sin(2 * X[:, 0]) + X[:, 1] + 0.3 * rng.normal(size=n)
    return X, (y - y.mean()) / y.std()


MLP_SETTINGS = [
    {},
    {"alpha": 3.0, "max_iter": 100, "n_iter_no_change": 100},
    {"activation": "tanh"},
    {"activation": "logistic"},
    {"activation": "identity", "hidden_layer_sizes": ()},
    {"hidden_layer_sizes": (8, 5)},
    {"batch_size": 32},
    {"beta_1": 0.5, "beta_2": 0.8, "epsilon": 1e-3},
    {"n_iter_no_change": 3, "tol": 1e-2},
    {"solver": "sgd"},
    {"solver": "sgd", "batch_size": 32},
    {"solver": "sgd", "nesterovs_momentum": False},
    {"solver": "sgd", "momentum": 0.0},
    {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5, "batch_size": 32},
    {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5, "power_t": 0.2},
    {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.3, "tol": 1e-3},
    {"solver": "sgd", "learning_rate": "adaptive", "batch_size": 32, "tol": 1e-2},
]


@brief
@pytest.mark.parametrize("settings", MLP_SETTINGS, ids=str)
def test_training_with_a_unit_scale_is_mlp_regressors(settings):
    X, y = standardized_rows()
    settings = {
        "hidden_layer_sizes": (8,),
        "learning_rate_init": 0.01,
        "max_iter": 400,
        "tol": 1e-3,
        "shuffle": False,
        **settings,
    }
    alpha = settings.pop("alpha", 0.0)
    with patch.object(MLPRegressor, "_init_coef", null_model_start(MLPRegressor._init_coef)):
        oracle = MLPRegressor(alpha=alpha, **settings, random_state=member_seed(0)).fit(X, y)
    net = plain_regressor(Normal(scale=1.0), alpha=alpha, **settings, random_state=0).fit(X, y)
    if alpha == 0:  # its losses hold the penalty, ours do not
        assert net.n_iter_ == oracle.n_iter_
        losses = np.array(net.loss_curve_) - 0.5 * np.log(2 * np.pi)
        # Sums in another order, over some hundred steps.
        np.testing.assert_allclose(losses, oracle.loss_curve_, rtol=1e-6)
        assert net.t_ == oracle.t_
    np.testing.assert_allclose(net.predict(X), oracle.predict(X), rtol=1e-5, atol=1e-5)


@brief
@pytest.mark.parametrize(
    "settings", [{}, {"solver": "sgd", "batch_size": 32}, {"solver": "sgd", "alpha": 2.0}], ids=str
)
@pytest.mark.parametrize(("distribution", "n_classes"), [("bernoulli", 2), ("categorical", 3)])
def test_training_on_labels_is_mlp_classifiers(distribution, n_classes, settings):
    X, _ = standardized_rows()
    y = np.arange(150) % n_classes
    X += 0.5 * y[:, None]
    settings = {
        "hidden_layer_sizes": (8,),
        "learning_rate_init": 0.01,
        "max_iter": 60,
        "shuffle": False,
        "alpha": 0.0,
        **settings,
    }
    with patch.object(MLPClassifier, "_init_coef", null_model_start(MLPClassifier._init_coef)):
        oracle = MLPClassifier(**settings, random_state=member_seed(0)).fit(X, y)
    net = plain_classifier(distribution, **settings, random_state=0).fit(X, y)
    np.testing.assert_allclose(net.predict_proba(X), oracle.predict_proba(X), atol=1e-6)
    if settings["alpha"] == 0:
        np.testing.assert_allclose(net.loss_curve_, oracle.loss_curve_, rtol=1e-6)


# Stopping -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_too_few_iterations_warn(solver, draw_rows):
    X, y = draw_rows("normal")
    with pytest.warns(ConvergenceWarning, match="max_iter=3|Maximum iterations .3. reached"):
        net = plain_regressor(solver=solver, max_iter=3, random_state=0).fit(X, y)
    assert net.n_iter_ == len(net.loss_curve_) == 3


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_converged_fit_does_not_warn(solver, draw_rows):
    X, y = draw_rows("normal")
    net = plain_regressor(
        hidden_layer_sizes=(), solver=solver, learning_rate_init=0.05, max_iter=1000, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.fit(X, y)
    assert net.n_iter_ < 1000


def test_training_stops_once_the_loss_has_stalled(draw_rows):
    X, y = draw_rows("normal")
    for n_iter_no_change in [2, 15]:
        params = {"learning_rate_init": 0.05, "max_iter": 2000, "random_state": 0}
        net = plain_regressor(n_iter_no_change=n_iter_no_change, tol=1e-3, **params).fit(X, y)
        losses = np.array(net.loss_curve_)
        best = np.r_[np.inf, np.minimum.accumulate(losses)[:-1]]
        stale = losses > best - 1e-3
        assert stale[-n_iter_no_change - 1 :].all()
        assert not stale[-n_iter_no_change - 2]


@brief
def test_an_infinite_patience_runs_to_the_end(draw_rows):
    X, y = draw_rows("normal")
    net = plain_regressor(hidden_layer_sizes=(), n_iter_no_change=np.inf, tol=10.0, max_iter=50)
    assert net.fit(X, y).n_iter_ == 50


def overfitting(make_net, name, **params):
    params = {"learning_rate_init": 0.05, "max_iter": 200, **params}
    return make_net(name, (30,), n_iter_no_change=5, **params)


@every_family
@brief
def test_validation_rows_decide_when_to_stop_and_which_weights_stay(name, draw_rows, make_net):
    X, y = draw_rows(name)
    X_val, y_val = draw_rows(name, n=40, seed=1)
    net = overfitting(make_net, name).fit(X, y, X_val=X_val, y_val=y_val)
    score = net.predict_dist(X_val).log_prob(y_val).mean()
    assert score == pytest.approx(net.best_validation_score_, rel=1e-10)
    # The start, the fit without x, is a candidate too.
    assert net.best_validation_score_ >= max(net.validation_scores_)
    assert net.validation_scores_[-1] < score
    assert len(net.validation_scores_) == net.n_iter_ < 200


@every_family
@brief
def test_early_stopping_holds_rows_out(name, draw_rows, make_net):
    X, y = draw_rows(name, n=100)
    params = {"early_stopping": True, "validation_fraction": 0.25, "shuffle": False}
    net = overfitting(make_net, name, **params).fit(X, y)
    is_label = name in ("bernoulli", "categorical", "ordinal")
    split_seed = np.random.RandomState(0).randint(2**31 - 1)
    train, held = train_test_split(
        np.arange(100),
        test_size=0.25,
        random_state=np.random.RandomState(split_seed),
        stratify=y if is_label else None,
    )
    score = net.predict_dist(X[held]).log_prob(y[held]).mean()
    assert score == pytest.approx(net.best_validation_score_, rel=1e-10)
    # The start, the fit without x, is a candidate too.
    assert net.best_validation_score_ >= max(net.validation_scores_)
    assert net.t_ == net.n_iter_ * len(train)


@brief
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_best_weights_come_with_their_statistics(batch_norm, draw_rows, make_net):
    X, y = draw_rows("normal")
    X_val, y_val = draw_rows("normal", n=40, seed=1)
    net = overfitting(make_net, "normal", batch_norm=batch_norm, batch_size=16)
    net.fit(X, y, X_val=X_val, y_val=y_val)
    score = net.predict_dist(X_val).log_prob(y_val).mean()
    assert score == pytest.approx(net.best_validation_score_, rel=1e-10)


@brief
@pytest.mark.parametrize(("dtype", "dtype_val"), [("f4", "f8"), ("f8", "f4"), ("f8", "i8")])
def test_validation_rows_may_have_another_dtype(dtype, dtype_val, draw_rows, make_net):
    X, y = draw_rows("normal")
    X_val, y_val = draw_rows("normal", n=40, seed=1)
    X_val = (10 * X_val).astype(dtype_val)
    net = make_net("normal", max_iter=5)
    net.fit(X.astype(dtype), y, X_val=X_val, y_val=y_val)
    assert net.weights_.dtype == dtype
    score = net.predict_dist(X_val).log_prob(y_val).mean()
    assert score == pytest.approx(net.best_validation_score_, rel=1e-6)


@brief
def test_without_validation_there_are_no_scores(draw_rows):
    X, y = draw_rows("normal")
    net = plain_regressor(max_iter=3, random_state=0).fit(X, y)
    assert net.validation_scores_ is None
    assert net.best_validation_score_ is None


# The record ---------------------------------------------------------------------------------------


@brief
@pytest.mark.parametrize("solver", SOLVERS)
def test_losses_are_in_the_units_of_y(solver, draw_rows):
    X, y = draw_rows("normal")
    params = {"hidden_layer_sizes": (5,), "solver": solver, "max_iter": 10, "random_state": 0}
    net = plain_regressor(**params).fit(X, y)
    other = plain_regressor(**params).fit(X, 1024 * y)
    shift = np.log(1024)
    np.testing.assert_allclose(other.loss_curve_, np.array(net.loss_curve_) + shift, rtol=1e-12)
    if solver == "lbfgs":
        assert net.loss_ == pytest.approx(-net.predict_dist(X).log_prob(y).mean(), rel=1e-12)
    else:
        marginal = -stats.norm.logpdf(y, y.mean(), y.std()).mean()
        assert net.loss_curve_[0] == pytest.approx(marginal, rel=1e-12)
    assert net.loss_ == net.loss_curve_[-1]
    assert net.best_loss_ == min(net.loss_curve_)


@brief
@pytest.mark.parametrize("solver", SOLVERS)
def test_losses_do_not_hold_the_penalty(solver, draw_rows):
    X, y = draw_rows("normal")
    params = {"hidden_layer_sizes": (5,), "solver": solver, "random_state": 0}
    net = plain_regressor(alpha=1e3, max_iter=100, **params).fit(X, y)
    assert net.loss_curve_[-1] < 1 - stats.norm.logpdf(y, y.mean(), y.std()).mean()


@brief
@pytest.mark.parametrize("solver", SOLVERS)
def test_verbose_prints_and_silence_is_the_default(solver, draw_rows, capsys):
    X, y = draw_rows("normal")
    plain_regressor(solver=solver, max_iter=3, random_state=0).fit(X, y)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")
    net = plain_regressor(solver=solver, max_iter=3, random_state=0, verbose=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[-1] == f"Iteration 3, loss = {net.loss_:.8f}"


# When things go wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_interrupted_fit_leaves_a_usable_estimator(solver, draw_rows, make_net):
    X, y = draw_rows("normal")
    gradient, calls = Objective.gradient, []

    def interrupted(self, *args, **kwargs):
        calls.append(None)
        if len(calls) > 7:
            raise KeyboardInterrupt
        return gradient(self, *args, **kwargs)

    net = make_net("normal", solver=solver, batch_size=20, max_iter=50)
    with patch.object(Objective, "gradient", interrupted), pytest.raises(KeyboardInterrupt):
        net.fit(X, y)
    assert np.isfinite(net.predict(X)).all()
    assert np.isfinite(net.predict_dist(X).log_prob(y)).all()
    assert np.isfinite(net.loss_)
    assert net.n_iter_ < 50
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(net)).predict(X), net.predict(X))
    assert np.ptp(net.predict(X)) > 1e-6


@pytest.mark.parametrize("batch_norm", [False, True])
def test_an_interrupted_lbfgs_goes_back_to_its_last_iterate(batch_norm, draw_rows, make_net):
    X, y = draw_rows("normal")
    gradient, calls = Objective.gradient, []

    def interrupted(self, *args, **kwargs):
        calls.append(None)
        if len(calls) <= 12:
            return gradient(self, *args, **kwargs)
        self.network.weights.flat.add_(1.0)  # in the middle of a search along a line
        self.network.statistics.add_(1.0)
        raise KeyboardInterrupt

    net = make_net("normal", (5,), solver="lbfgs", batch_norm=batch_norm)
    with patch.object(Objective, "gradient", interrupted), pytest.raises(KeyboardInterrupt):
        net.fit(X, y)
    assert net.loss_ == pytest.approx(-net.predict_dist(X).log_prob(y).mean(), rel=1e-10)


def test_an_interruption_with_validation_keeps_the_best_weights(draw_rows, make_net):
    X, y = draw_rows("normal")
    X_val, y_val = draw_rows("normal", n=40, seed=1)
    gradient, calls = Objective.gradient, []

    def interrupted(self, *args, **kwargs):
        calls.append(None)
        if len(calls) > 15:
            raise KeyboardInterrupt
        return gradient(self, *args, **kwargs)

    net = make_net("normal", learning_rate_init=0.05, n_iter_no_change=100)
    with patch.object(Objective, "gradient", interrupted), pytest.raises(KeyboardInterrupt):
        net.fit(X, y, X_val=X_val, y_val=y_val)
    assert net.n_iter_ == 15
    score = net.predict_dist(X_val).log_prob(y_val).mean()
    assert score == pytest.approx(net.best_validation_score_, rel=1e-10)


@brief
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("decay", [0.5, 0.875, 0.99])
def test_what_training_keeps_is_the_running_average_of_its_steps(decay, batch_norm, draw_rows):
    X, y = draw_rows("normal", n=20)
    settings = {"hidden_layer_sizes": (3,), "n_estimators": 2, "batch_size": 20, "random_state": 0}
    settings |= {"learning_rate": "constant", "early_stopping": False, "batch_norm": batch_norm}

    def weights(n_steps, **params):
        return plain_regressor(max_iter=n_steps, **settings, **params).fit(X, y).weights_

    average = weights(1, learning_rate_init=1e-300, ema_decay=0.0)  # those of the start
    for n_steps in range(1, 12):
        share = min(decay, n_steps / (n_steps + 10))
        average = share * average + (1 - share) * weights(n_steps, ema_decay=0.0)
    np.testing.assert_allclose(weights(11, ema_decay=decay), average, rtol=1e-12)


@brief
def test_held_out_rows_judge_the_average(draw_rows, make_net):
    X, y = draw_rows("normal", n=40)
    net = plain_regressor(hidden_layer_sizes=(3,), max_iter=4, ema_decay=0.9, random_state=0)
    net.fit(X, y, X_val=X[:20], y_val=y[:20])
    log_prob = net.predict_dist(X[:20]).logpdf(y[:20])
    np.testing.assert_allclose(net.best_validation_score_, log_prob.mean())


# Angles may end uniform, which is too near the start for a warning; see test_circular.py.
@pytest.mark.parametrize("name", one_of_each_kind(n for n in DISTRIBUTIONS if n != "von_mises"))
@pytest.mark.parametrize("batch_size", ["auto", 10])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_diverging_training_warns_where_and_predicts_finite_numbers(
    name, solver, batch_size, draw_rows, make_net
):
    X, y = draw_rows(name)
    X = 1000 * X + 500  # not scaled, as in raw data
    net = make_net(
        name, solver=solver, batch_size=batch_size, learning_rate_init=1e6, max_iter=20, tol=0.0
    )
    with pytest.warns(ConvergenceWarning) as record:
        net.fit(X, y)
    messages = [str(warning.message) for warning in record]
    told = [message for message in messages if "non-finite" in message or "diverged" in message]
    assert told
    assert all("learning_rate_init" in message for message in told)
    assert all("in iteration" in message or "it ended at" in message for message in told)
    dist = net.predict_dist(X)
    assert all(np.isfinite(value).all() for value in dist.params.values())
    assert not np.isnan(dist.log_prob(y)).any()
    assert np.isfinite(net.weights_).all()
    if hasattr(dist, "mean"):
        assert not np.isnan(net.predict(X)).any()


@every_family
@brief
def test_lbfgs_survives_raw_data(name, draw_rows, make_net):
    X, y = draw_rows(name)
    net = make_net(name, (10,), solver="lbfgs", max_iter=50)
    net.fit(1e4 * X + 500, y)
    assert np.isfinite(net.predict_dist(1e4 * X + 500).log_prob(y)).all()
    assert net.loss_curve_[-1] <= net.loss_curve_[0]


# What is left as found ----------------------------------------------------------------------------


@brief
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", one_of_each_kind())
def test_float32_rows_make_a_float32_network(name, solver, draw_rows, make_net):
    X, y = draw_rows(name)
    # Twenty small steps of two trainings in different precision stay together; of lbfgs, whose
    # steps are large, the minimum does, which a linear model has only one of (where it lies is
    # less sure: around a kink of the Laplace likelihood the loss is nearly flat).
    params = {"max_iter": 20} if solver != "lbfgs" else {"hidden_layer_sizes": (), "alpha": 1.0}
    params = {"hidden_layer_sizes": (5,), "solver": solver, **params}
    single = make_net(name, **params).fit(X.astype(np.float32), y)
    assert single.weights_.dtype == single.statistics_.dtype == np.float32
    assert all(array.dtype == np.float32 for array in single.coefs_ + single.intercepts_)
    double = make_net(name, **params).fit(X, y)
    assert double.weights_.dtype == np.float64
    log_probs = [net.predict_dist(X).log_prob(y) for net in (single, double)]
    if (name, solver) == ("normal_mixture", "lbfgs"):  # it has many minima
        assert np.isfinite(log_probs).all()
        return
    if solver == "lbfgs":
        log_probs = [log_prob.mean() for log_prob in log_probs]
    np.testing.assert_allclose(*log_probs, atol=0.02 if solver != "lbfgs" else 0.005)


def test_global_state_is_left_alone(draw_rows):
    X, y = draw_rows("normal")
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002 (the global generator is what must not change)
    before = (
        torch.get_rng_state().tolist(),
        pickle.dumps(np.random.get_state()),  # noqa: NPY002
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        np.geterr(),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for solver, dropout in [("adam", 0.5), ("sgd", 0.0), ("lbfgs", 0.0)]:
            net = plain_regressor(
                solver=solver, dropout=dropout, batch_size=20, max_iter=5, random_state=0
            )
            net.fit(X, y).predict(X)
            net.predict_interval(X)
            net.sample_y(X, 3, random_state=0)
    after = (
        torch.get_rng_state().tolist(),
        pickle.dumps(np.random.get_state()),  # noqa: NPY002
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        np.geterr(),
    )
    assert before == after


@brief
@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.3, "batch_norm": True, "batch_size": 16},
        {"early_stopping": True},
        {"weight_init": "he"},
        {"solver": "lbfgs"},
    ],
    ids=str,
)
def test_the_same_seed_gives_the_same_fit(params, draw_rows, make_net):
    X, y = draw_rows("normal")
    params = {"hidden_layer_sizes": (8,), "max_iter": 10, **params}
    first, same = (make_net("normal", **params).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(first.weights_, same.weights_)
    np.testing.assert_array_equal(first.statistics_, same.statistics_)
    other = (
        make_net(
            "normal",
            **params,
        )
        .set_params(random_state=1)
        .fit(X, y)
    )
    assert not np.array_equal(first.weights_, other.weights_)


def test_fit_changes_neither_its_data_nor_its_parameters(draw_rows):
    X, y = draw_rows("normal")
    weight = np.linspace(0, 2, len(y))
    copies = [array.copy() for array in (X, y, weight)]
    net = plain_regressor(solver="lbfgs", hidden_layer_sizes=())
    before = net.get_params()
    net.fit(X, y, sample_weight=weight).predict(X)
    for array, copy in zip((X, y, weight), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert net.get_params() == before


# Batch normalization and dropout in a fit ---------------------------------------------------------


@brief
@pytest.mark.parametrize("name", ["normal", "bernoulli"])
def test_a_last_batch_of_one_row_works_with_batch_norm(name, draw_rows, make_net):
    X, y = draw_rows(name, n=21)
    net = make_net(name, (5, 4), batch_norm=True, batch_size=20, max_iter=20).fit(X, y)
    assert np.isfinite(net.predict_dist(X).log_prob(y)).all()
    assert np.isfinite(net.statistics_).all()


@brief
@pytest.mark.parametrize("solver", SOLVERS)
def test_batch_norm_learns(solver, draw_rows, make_net):
    X, y = standardized_rows()
    params = {"batch_size": 32, "learning_rate_init": 0.02}
    net = make_net("normal", (20,), solver=solver, batch_norm=True, **params)
    assert net.fit(X, y).score(X, y) > 0.8
    if solver == "lbfgs":
        # The statistics are those of the final weights, so that prediction is what was trained.
        assert net.loss_ == pytest.approx(-net.predict_dist(X).log_prob(y).mean(), rel=1e-10)


@brief
def test_dropout_learns_and_predicts_without_chance(make_net):
    X, y = standardized_rows()
    net = make_net("normal", (100,), dropout=0.2, learning_rate_init=0.01).fit(X, y)
    assert mean_squared_error(y, net.predict(X)) < 0.3
    np.testing.assert_array_equal(net.predict(X), net.predict(X))


@brief
@pytest.mark.parametrize("early_stopping", [False, True])
def test_training_never_ends_worse_than_it_started(early_stopping, draw_rows, make_net):
    """A rate far too large leaves the fit without x, with a warning."""
    X, y = draw_rows("gamma", n=100)
    params = {"learning_rate_init": 3.0, "max_iter": 5, "early_stopping": early_stopping}
    with pytest.warns(ConvergenceWarning, match="diverged|non-finite"):
        net = make_net("gamma", **params).fit(1e4 * X, y)
    null = make_net("gamma", **params).set_params(
        distribution=Gamma(shape="constant", scale="constant"), learning_rate_init=1e-12
    )
    with pytest.warns(ConvergenceWarning):
        null.fit(1e4 * X, y)
    dist, null_dist = net.predict_dist(X), null.predict_dist(X)
    np.testing.assert_allclose(dist.mean(), null_dist.mean(), rtol=1e-6)
