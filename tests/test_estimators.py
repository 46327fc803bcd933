"""The estimators behave as scikit-learn's do, and say what they are."""

import inspect
import os
import pickle
import re
import subprocess
import sys
from ast import literal_eval
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from distributions.cases import CONTINUOUS, DISCRETE, NUMBERS
from kinds import one_of_each_kind
from numpy.testing import assert_allclose, assert_array_equal
from plain import SMALL, plain_classifier, plain_regressor
from scipy import stats
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklnll
from sklnll import MLP_DEFAULTS, NLLClassifier, NLLRanker, NLLRegressor
from sklnll.distributions import (
    DISTRIBUTIONS,
    Bernoulli,
    Binomial,
    Gamma,
    Laplace,
    Normal,
    Poisson,
    StudentT,
    get_distribution,
)
from sklnll.metrics import neg_nll_scorer
from sklnll.predictive import (
    LabelPredictive,
    PredictiveDistribution,
    RankingPredictive,
    VectorPredictive,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [NLLRegressor, NLLClassifier, NLLRanker]


@pytest.fixture
def fit(draw_rows, make_net):
    """A function: a small fitted net of one's own, with other parameters than the shared one."""

    def fit(distribution, **params):
        X, y = draw_rows(distribution)
        return make_net(distribution, **{**SMALL, **params}).fit(X, y), X, y

    return fit


def assert_same_params(net, other, X):
    params, expected = net.predict_dist(X).params, other.predict_dist(X).params
    assert params.keys() == expected.keys()
    for name, value in params.items():
        assert_array_equal(value, expected[name])


# Copies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_copies_predict_the_same(name, fitted, tmp_path):
    net, X, y = fitted(name)
    joblib.dump(net, tmp_path / "net")
    for copy in [
        pickle.loads(pickle.dumps(net)),
        joblib.load(tmp_path / "net"),
        clone(net).fit(X, y),
    ]:
        assert_array_equal(copy.predict(X), net.predict(X))
        assert_same_params(copy, net, X)
        assert copy.loss_curve_ == net.loss_curve_


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_predicted_distributions_can_be_pickled(name, fitted):
    net, X, y = fitted(name)
    dist = net.predict_dist(X)
    assert_array_equal(pickle.loads(pickle.dumps(dist)).log_prob(y), dist.log_prob(y))


def test_a_fresh_process_predicts_the_same(fitted, tmp_path):
    nets = [fitted(name)[0] for name in DISTRIBUTIONS]
    X = fitted("normal")[1]
    joblib.dump((nets, X), tmp_path / "nets")
    code = (
        "import joblib\n"
        "nets, X = joblib.load('nets')\n"
        "joblib.dump([net.predict_dist(X).params for net in nets], 'params')"
    )
    path = os.pathsep.join(
        [str(Path(sklnll.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    )
    env = {**os.environ, "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)
    for net, params in zip(nets, joblib.load(tmp_path / "params"), strict=True):
        for name, value in net.predict_dist(X).params.items():
            # Another process may run on another number of threads, which add in another order.
            assert_allclose(params[name], value, rtol=1e-12)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_refit_forgets(name, fitted):
    net, X, y = fitted(name)
    X, y = X[30:, :2], y[30:]
    again = deepcopy(net).fit(X, y)
    assert_same_params(again, clone(net).fit(X, y), X)


# Model selection ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def heavy_tails():
    """Rows whose errors follow Cauchy's law."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    return X, X[:, 0] + 0.1 * rng.standard_cauchy(200)


def test_search_over_names_finds_the_family(heavy_tails):
    net = plain_regressor(hidden_layer_sizes=(), solver="lbfgs", max_iter=50)
    grid = {"distribution": ["normal", "student_t", Laplace()]}
    search = GridSearchCV(net, grid, scoring=neg_nll_scorer, cv=KFold(3)).fit(*heavy_tails)
    assert search.best_params_ == {"distribution": "student_t"}


def test_search_over_a_parameter_of_the_family(heavy_tails):
    net = plain_regressor(StudentT(), hidden_layer_sizes=(), solver="lbfgs", max_iter=50)
    grid = {"distribution__df": [1.0, 4.0, 50.0]}
    search = GridSearchCV(net, grid, scoring=neg_nll_scorer, cv=KFold(3)).fit(*heavy_tails)
    assert search.best_params_ == {"distribution__df": 1.0}
    assert search.best_estimator_.distribution_.df == 1.0
    assert net.distribution.df is None


@pytest.mark.slow
def test_search_over_the_network_in_parallel():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(200, 1))
    y = X[:, 0] ** 2 + 0.1 * rng.normal(size=200)
    net = plain_regressor(solver="lbfgs", max_iter=30, random_state=0)
    grid = {"hidden_layer_sizes": [(), (10,)], "activation": ["tanh"], "alpha": [1e-4]}
    search = GridSearchCV(net, grid, cv=3, n_jobs=2, error_score="raise").fit(X, y)
    assert search.best_params_["hidden_layer_sizes"] == (10,)
    serial = GridSearchCV(net, grid, cv=3).fit(X, y)
    # Each worker has one thread, this process may have more, which add in another order.
    mean = "mean_test_score"
    assert_allclose(search.cv_results_[mean], serial.cv_results_[mean], rtol=1e-4)


@pytest.mark.parametrize("name", ["normal", "gamma", "poisson", "categorical"])
def test_cross_val_score_is_the_score_of_each_fold(name, draw_rows, make_net):
    X, y = draw_rows(name)
    net, folds = make_net(name, **SMALL), KFold(3)
    expected = [clone(net).fit(X[a], y[a]).score(X[b], y[b]) for a, b in folds.split(X)]
    assert_array_equal(cross_val_score(net, X, y, cv=folds, error_score="raise"), expected)


@pytest.mark.parametrize("name", ["normal", "categorical"])
def test_a_pipeline_is_its_steps(name, fitted):
    net, X, y = fitted(name)
    pipe = make_pipeline(StandardScaler(), clone(net)).fit(3 * X + 1, y)
    scaled = StandardScaler().fit_transform(3 * X + 1)
    net = clone(net).fit(scaled, y)
    assert_array_equal(pipe.predict(3 * X + 1), net.predict(scaled))
    if name == "categorical":
        assert_array_equal(pipe.predict_proba(3 * X + 1), net.predict_proba(scaled))


# Forms of X and y --------------------------------------------------------------------------------


def test_names_of_features_are_kept_and_checked(fitted):
    net, X, y = fitted("normal")
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    named = clone(net).fit(frame, pd.Series(y, index=range(100, 100 + len(y))))
    assert_array_equal(named.feature_names_in_, ["a", "b", "c"])
    assert named.n_features_in_ == 3
    assert_array_equal(named.predict(frame), net.predict(X))
    assert not hasattr(net, "feature_names_in_")
    with pytest.raises(ValueError, match="feature names should match"):
        named.predict(frame[["b", "a", "c"]])


def _readonly(array):
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("name", ["normal", "categorical"])
@pytest.mark.parametrize(
    "form",
    [
        lambda a: a[::-1].copy()[::-1],
        lambda a: np.repeat(a, 2, axis=0)[::2],
        np.asfortranarray,
        _readonly,
        np.ndarray.tolist,
        pd.DataFrame,
        lambda a: a.astype(object),
        lambda a: a.astype(np.longdouble),
    ],
    ids=["reversed", "strided", "fortran", "readonly", "list", "frame", "object", "longdouble"],
)
def test_the_form_of_x_changes_nothing(name, form, fitted):
    net, X, y = fitted(name)
    other = clone(net).fit(form(X), y)
    assert_same_params(other, net, X)
    assert_array_equal(other.predict(form(X)), net.predict(X))


@pytest.mark.parametrize("name", ["normal", "poisson", "categorical"])
@pytest.mark.parametrize(
    "form",
    [
        lambda a: a[::-1].copy()[::-1],
        _readonly,
        np.ndarray.tolist,
        pd.Series,
        lambda a: a.astype(np.float32),
    ],
    ids=["reversed", "readonly", "list", "series", "float32"],
)
def test_the_form_of_y_changes_nothing(name, form, draw_rows, make_net):
    X, y = draw_rows(name)
    y = np.round(y).astype(int)
    net = make_net(name, **SMALL).fit(X, y)
    assert_same_params(clone(net).fit(X, form(y)), net, X)


@pytest.mark.parametrize("name", ["normal", "categorical"])
@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint16, bool])
def test_whole_numbers_in_x_are_numbers(name, dtype, fitted):
    net, X, y = fitted(name)
    whole = (3 * np.abs(X)).astype(dtype)
    other = clone(net).fit(whole, y)
    assert_same_params(other, clone(net).fit(whole.astype(float), y), whole)
    assert other.coefs_[0].dtype == np.float64


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_net_computes_in_the_dtype_of_x(name, fit):
    # Not Adam: its first steps have the same length whatever the gradient, rounding errors too.
    net, X, y = fit(name, solver="sgd")
    short = clone(net).fit(X.astype(np.float32), y)
    assert {array.dtype for array in short.coefs_ + short.intercepts_} == {np.dtype("float32")}
    assert {array.dtype for array in net.coefs_ + net.intercepts_} == {np.dtype("float64")}
    for key, value in short.predict_dist(X).params.items():
        # Some dozens of float32 roundings.
        assert_allclose(value, net.predict_dist(X).params[key], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("ignore::sklnll.NumericalWarning")  # a Cauchy has no moments
def test_points_have_the_dtype_of_the_network(name, dtype, fitted):
    """As those of scikit-learn's regressors; distributions keep all digits of y."""
    net, X, y = fitted(name)
    if dtype == np.float32:
        net = clone(net).fit(X.astype(dtype), y)
    point = net.predict(X)
    assert {values.dtype for values in (point, *net.predict(X, return_std=True))} == {
        np.dtype(dtype)
    }
    whole = net.predict_dist(X).point("auto")
    assert whole.dtype == np.float64
    assert_array_equal(point, whole.astype(dtype))


ACTIVATIONS = {
    "identity": lambda raw: raw,
    "exp": np.exp,
    "softplus": lambda raw: np.log1p(np.exp(raw)),
    "logistic": expit,
    "inverse_probit": stats.norm.cdf,
    "inverse_cloglog": lambda raw: -np.expm1(-np.exp(raw)),
}


@pytest.mark.parametrize(
    ("distribution", "name", "expected"),
    [
        ("student_t", "loc", "identity"),
        ("normal_mixture", "loc", "identity"),
        ("zero_inflated_negative_binomial", "mean", "exp"),
        ("gamma", "scale", "exp"),
        ("beta", "mean", "logistic"),
        (Poisson(rate_link="softplus"), "rate", "softplus"),
        (Binomial(trials=3, p_link="logit"), "p", "logistic"),
        (Binomial(trials=3, p_link="probit"), "p", "inverse_probit"),
        (Binomial(trials=3, p_link="cloglog"), "p", "inverse_cloglog"),
    ],
    ids=str,
)
def test_the_output_activation_makes_the_parameter_that_says_where_y_lies(
    distribution, name, expected
):
    family = get_distribution(distribution)
    assert family.out_activation == expected
    raw = torch.linspace(-2, 2, 9, dtype=torch.float64)
    value = family.parameters[name](raw)
    assert_allclose(value.numpy(), ACTIVATIONS[expected](raw.numpy()), rtol=1e-8)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        (Normal(scale=1.0), MLPRegressor(max_iter=2)),
        ("poisson", None),
        ("bernoulli", MLPClassifier(max_iter=2)),
        ("categorical", MLPClassifier(max_iter=2)),
    ],
    ids=repr,
)
def test_the_output_activation_is_scikit_learns(name, theirs, fit):
    net, X, y = fit(name)
    expected = "exp" if theirs is None else theirs.fit(X, y).out_activation_
    assert net.out_activation_ == expected


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_family_has_an_output_activation(name, fitted):
    known = {*ACTIVATIONS, "softmax", "atan2"}
    assert fitted(name)[0].out_activation_ in known


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_fit_changes_no_input(name, draw_rows, make_net):
    X, y = draw_rows(name)
    w = np.linspace(0, 2, len(y))
    given = [X.copy(), y.copy(), w.copy()]
    net = make_net(name, early_stopping=True, **SMALL).fit(*given)
    net.score(*given)
    for array, expected in zip(given, [X, y, w], strict=True):
        assert_array_equal(array, expected)


def test_fit_changes_no_parameter_and_no_global_generator(draw_rows):
    X, y = draw_rows("student_t")
    net = plain_regressor(StudentT(df=4), random_state=0, **SMALL)
    params, drawn = net.get_params(), np.random.mtrand._rand.get_state()[1].copy()
    net.fit(X, y)
    assert net.get_params() == params
    assert_array_equal(np.random.mtrand._rand.get_state()[1], drawn)
    assert net.distribution_ is not net.distribution


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", ["categorical", "bernoulli"])
@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype=object),
        np.array([False, True]),
        np.array([-1, 1]),
        np.array([3, 70], dtype=np.uint8),
        np.array([1.0, 2.0]),
    ],
    ids=lambda labels: f"{labels.dtype}",
)
def test_labels_come_back_as_they_are(name, labels, early_stopping, draw_rows, make_net):
    X, y = draw_rows("bernoulli")
    net = make_net(name, early_stopping=early_stopping, **SMALL)
    named = clone(net).fit(X, labels[y])
    assert_array_equal(named.classes_, labels)
    assert named.classes_.dtype == labels.dtype
    assert_array_equal(named.predict_proba(X), net.fit(X, y).predict_proba(X))
    assert_array_equal(named.predict(X), labels[net.predict(X)])
    assert named.predict(X).dtype == labels.dtype
    assert_array_equal(named.predict_dist(X).log_prob(labels[y]), net.predict_dist(X).log_prob(y))
    assert set(named.predict_dist(X).rvs(5, 0).ravel()) <= set(labels)


def test_labels_of_a_category_come_back_as_objects(fitted):
    net, X, y = fitted("categorical")
    named = clone(net).fit(X, pd.Series(pd.Categorical.from_codes(y, ["c", "a", "b"])))
    assert_array_equal(named.classes_, ["a", "b", "c"])
    assert set(named.predict(X)) <= set("abc")


# Shapes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", one_of_each_kind(NUMBERS))
@pytest.mark.parametrize("columns", [0, 1, 2, 3])
@pytest.mark.filterwarnings("ignore::sklnll.NumericalWarning")  # a Cauchy has no moments
def test_shapes_of_predictions(name, columns, draw_rows, make_net, fitted):
    if columns == 1:
        X, y = draw_rows(name)
        y = y[:, None]
        with pytest.warns(DataConversionWarning, match="column-vector"):
            net = make_net(name, **SMALL).fit(X, y)
    else:
        net, X, y = fitted(name, columns)
    shape = (len(X),) if columns <= 1 else (len(X), columns)
    assert net.n_outputs_ == max(columns, 1)
    assert net.predict(X).shape == shape
    assert [part.shape for part in net.predict(X, return_std=True)] == [shape, shape]
    assert net.predict_quantiles(X).shape == (*shape, 3)
    assert net.predict_quantiles(X, [0.1, 0.9]).shape == (*shape, 2)
    assert net.predict_quantiles(X, [0.5]).shape == (*shape, 1)
    assert net.predict_quantiles(X, 0.5).shape == shape
    assert net.predict_interval(X).shape == (*shape, 2)
    assert net.sample_y(X).shape == (*shape, 1)
    assert net.sample_y(X, 7).shape == (*shape, 7)
    dist = net.predict_dist(X)
    assert isinstance(dist, PredictiveDistribution)
    assert dist.shape == shape
    assert len(dist) == len(X)
    assert {value.shape[: len(shape)] for value in dist.params.values()} == {shape}
    assert dist.log_prob(y.reshape(shape)).shape == (len(X),)
    assert np.isfinite(dist.log_prob(y.reshape(shape))).all()


@pytest.mark.parametrize(
    ("name", "n_classes"),
    [("bernoulli", 2), ("categorical", 2), ("categorical", 3), ("ordinal", 2), ("ordinal", 3)],
)
def test_shapes_of_label_predictions(name, n_classes, draw_rows, make_net):
    X, _ = draw_rows(name)
    net = make_net(name, **SMALL).fit(X, np.arange(len(X)) % n_classes)
    assert net.predict(X).shape == (len(X),)
    assert net.predict_proba(X).shape == net.predict_log_proba(X).shape == (len(X), n_classes)
    assert net.decision_function(X).shape == ((len(X),) if n_classes == 2 else (len(X), n_classes))
    assert isinstance(net.predict_dist(X), LabelPredictive)
    assert net.n_outputs_ == 1


@pytest.mark.parametrize("name", NUMBERS)
def test_one_row_predicts_as_among_others(name, fitted):
    net, X, _ = fitted(name)
    # One row is another matrix product, whose sums run in another order.
    assert_allclose(net.predict(X[:1]), net.predict(X)[:1], rtol=1e-12)
    assert_allclose(net.predict_quantiles(X[:1]), net.predict_quantiles(X)[:1], rtol=1e-10)


@pytest.mark.parametrize("name", ["normal", "gamma", "poisson"])
def test_independent_outputs_of_a_linear_model_are_fitted_one_by_one(name, draw_rows, make_net):
    X, y = draw_rows(name)
    net = make_net(name, hidden_layer_sizes=(), solver="lbfgs", alpha=0, tol=1e-9, max_iter=2000)
    both = clone(net).fit(X, np.column_stack([y, y[::-1]])).predict_dist(X).params
    for column, target in enumerate([y, y[::-1]]):
        for key, value in clone(net).fit(X, target).predict_dist(X).params.items():
            # The gradient's tolerance, 1e-9, over the curvature.
            assert_allclose(both[key][:, column], value, rtol=1e-5)


# What the predictions are ------------------------------------------------------------------------


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("estimate", ["mean", "median"])
@pytest.mark.filterwarnings("ignore::sklnll.NumericalWarning")  # a Cauchy has no moments
def test_point_estimates_are_scipys(name, estimate, fitted):
    net, X, _ = fitted(name)
    net = deepcopy(net).set_params(point_estimate=estimate)
    assert_allclose(net.predict(X), getattr(net.predict_dist(X).to_scipy(), estimate)())


@pytest.mark.parametrize("name", CONTINUOUS + DISCRETE)
def test_the_mode_has_the_largest_density(name, fitted):
    net, X, _ = fitted(name)
    net = deepcopy(net).set_params(point_estimate="mode")
    dist = net.predict_dist(X)
    step = 1.0 if dist.distribution.support.discrete else 1e-3 * net.predict_quantiles(X, 0.5)
    density = getattr(dist, "pmf" if dist.distribution.support.discrete else "pdf")
    mode = net.predict(X)
    assert (density(mode) >= density(mode + step)).all()
    assert (density(mode) >= density(mode - step)).all()


def test_auto_is_the_mean_where_it_exists_and_else_the_median(fit):
    net, X, _ = fit(Gamma())
    assert_array_equal(net.predict(X), net.predict_dist(X).mean())
    net, X, _ = fit(StudentT(df=0.5))
    assert not np.isfinite(net.predict_dist(X).mean()).any()
    assert_array_equal(net.predict(X), net.predict_dist(X).params["loc"])


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.filterwarnings("ignore::sklnll.NumericalWarning")  # a Cauchy has no moments
def test_predictions_are_those_of_the_distribution(name, fitted):
    net, X, _ = fitted(name, 2)
    dist = net.predict_dist(X)
    point, std = net.predict(X, return_std=True)
    assert_array_equal(point, net.predict(X))
    assert_array_equal(std, dist.std())
    # (1 - 0.9) / 2 is not 0.05 to the last bit.
    assert_allclose(net.predict_interval(X, 0.9), dist.ppf([0.05, 0.95]), rtol=1e-12)
    assert_array_equal(net.predict_quantiles(X, 0.3), dist.ppf(0.3))
    quantiles = net.predict_quantiles(X, [0, 0.01, 0.3, 0.5, 0.9, 1])
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    ends = np.stack(dist.to_scipy().support(), axis=-1)
    finite = slice(-1, None) if dist.distribution.support.discrete else slice(None)
    expected = np.broadcast_to(ends, quantiles[..., [0, -1]].shape)
    assert_array_equal(quantiles[..., [0, -1]][..., finite], expected[..., finite])


@pytest.mark.parametrize("name", NUMBERS)
def test_samples_are_seeded_and_legal(name, fitted):
    net, X, _ = fitted(name, 2)
    draws = net.sample_y(X, 20)
    assert_array_equal(draws, net.sample_y(X, 20, random_state=0))
    assert (draws != net.sample_y(X, 20, random_state=1)).any()
    assert (draws[:, 0] != draws[:, 1]).any()
    assert DISTRIBUTIONS[name]().support.contains(draws).all()
    generator = np.random.RandomState(0)
    assert_array_equal(draws, net.sample_y(X, 20, generator))
    assert (draws != net.sample_y(X, 20, generator)).any()


@pytest.mark.parametrize(
    ("name", "n_classes"),
    [("bernoulli", 2), ("categorical", 2), ("categorical", 4), ("ordinal", 2), ("ordinal", 4)],
)
@pytest.mark.parametrize("stretch", [1.0, 1e8])
def test_probabilities_logits_and_labels_agree(name, n_classes, stretch, make_net):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.digitize(X[:, 0], np.linspace(-1, 1, n_classes + 1)[1:-1])
    net = make_net(name, hidden_layer_sizes=(), solver="lbfgs", max_iter=20).fit(X, y)
    X = stretch * X
    proba, log_proba, score = (
        net.predict_proba(X),
        net.predict_log_proba(X),
        net.decision_function(X),
    )
    assert_allclose(proba.sum(axis=1), 1)
    assert np.isfinite(log_proba).all()
    assert_array_equal(proba, np.exp(log_proba))
    assert_array_equal(net.predict(X), proba.argmax(axis=1))
    if n_classes == 2:
        assert_allclose(expit(score), proba[:, 1], atol=1e-15)
        assert_array_equal(net.predict(X), score > 0)
    else:
        assert_allclose(softmax(score, axis=1), proba, atol=1e-15)
        assert_array_equal(net.predict(X), score.argmax(axis=1))
    if stretch > 1:
        assert log_proba.min() < np.log(np.finfo(float).smallest_subnormal)


@pytest.mark.parametrize(("name", "metric"), [("gamma", r2_score), ("categorical", accuracy_score)])
@pytest.mark.parametrize("weight", [None, np.linspace(0, 3, 60)], ids=["", "weighted"])
def test_score_is_scikit_learns(name, metric, weight, fitted):
    net, X, y = fitted(name)
    assert net.score(X, y, weight) == metric(y, net.predict(X), sample_weight=weight)


def test_score_of_several_outputs_is_their_mean(fitted):
    net, X, y = fitted("normal", 2)
    assert_allclose(net.score(X, y), r2_score(y, net.predict(X), multioutput="uniform_average"))


# What fit leaves ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "columns", "n_raw"),
    [
        ("normal", 0, 2),
        ("normal", 3, 6),
        (Normal(scale="constant"), 2, 2),
        (Normal(scale=1.0), 0, 1),
        ("student_t", 0, 3),
        ("poisson", 0, 1),
        ("bernoulli", 0, 1),
        ("categorical", 0, 3),
        ("ordinal", 0, 1),
    ],
    ids=str,
)
@pytest.mark.parametrize("hidden", [(), 5, (5,), [6, 4]], ids=str)
def test_shapes_of_the_weights(distribution, columns, n_raw, hidden, draw_rows, make_net):
    X, y = draw_rows(distribution)
    y = np.column_stack([y] * columns) if columns else y
    net = make_net(distribution, **{**SMALL, "hidden_layer_sizes": hidden}).fit(X, y)
    sizes = [3, *np.atleast_1d(hidden).astype(int), n_raw]
    assert [coef.shape for coef in net.coefs_] == list(pairwise(sizes))
    assert [intercept.shape for intercept in net.intercepts_] == [(size,) for size in sizes[1:]]
    assert net.n_layers_ == len(sizes)
    assert net.n_features_in_ == 3
    assert net.n_outputs_ == max(columns, 1)
    assert {type(array) for array in net.coefs_ + net.intercepts_} == {np.ndarray}


def test_weights_are_those_of_the_forward_pass(fit):
    net, X, _ = fit(Bernoulli(), hidden_layer_sizes=(5, 4), activation="tanh")
    h = X
    for coef, intercept in zip(net.coefs_[:-1], net.intercepts_[:-1], strict=True):
        h = np.tanh(h @ coef + intercept)
    logits = h @ net.coefs_[-1] + net.intercepts_[-1]
    assert_allclose(net.decision_function(X), logits[:, 0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("name", ["gamma", "categorical"])
def test_counts_and_losses_of_training(solver, name, fit):
    net, X, _ = fit(name, solver=solver, batch_size=16)
    assert 0 < net.n_iter_ <= 5
    assert net.t_ == net.n_iter_ * len(X)
    assert len(net.loss_curve_) == net.n_iter_
    assert net.loss_ == net.loss_curve_[-1]
    assert net.best_loss_ == min(net.loss_curve_)
    assert net.validation_scores_ is None
    assert net.best_validation_score_ is None


@pytest.mark.parametrize("name", ["gamma", "categorical"])
def test_counts_and_scores_of_early_stopping(name, fit):
    net, X, _ = fit(name, early_stopping=True, validation_fraction=0.25)
    assert net.t_ == net.n_iter_ * 0.75 * len(X)
    assert len(net.validation_scores_) == len(net.loss_curve_) == net.n_iter_
    assert net.best_validation_score_ >= max(net.validation_scores_)


def test_rows_seen_are_counted_with_their_repetitions(fitted):
    net, X, y = fitted("normal")
    twice = clone(net).fit(np.tile(X, (2, 1)), np.tile(y, 2))
    assert twice.t_ == twice.n_iter_ * 2 * len(X)


@pytest.mark.parametrize("name", ["t_", "n_iter_", "loss_curve_", "n_layers_", "n_outputs_"])
@pytest.mark.parametrize("mlp", [MLPRegressor, MLPClassifier])
def test_fitted_attributes_are_multi_layer_perceptrons(name, mlp, draw_rows):
    make = plain_regressor if mlp is MLPRegressor else plain_classifier
    X, y = draw_rows("normal" if mlp is MLPRegressor else "bernoulli")
    distribution = Normal(scale=1.0) if mlp is MLPRegressor else "bernoulli"
    params = {"batch_size": 16, "random_state": 0, **SMALL}
    value = getattr(make(distribution, **params).fit(X, y), name)
    expected = getattr(mlp(**params).fit(X, y), name)
    assert np.shape(value) == np.shape(expected)
    assert name == "loss_curve_" or value == expected


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_weights_exist_only_after_fit(cls):
    for name in ["coefs_", "intercepts_"]:
        assert not hasattr(cls(), name)
        with pytest.raises(AttributeError, match="not fitted"):
            getattr(cls(), name)


def test_each_estimator_has_only_its_own_predictions():
    for name in ["predict_proba", "predict_log_proba", "decision_function"]:
        assert not hasattr(NLLRegressor, name)
        assert hasattr(NLLClassifier, name)
    for name in ["predict_quantiles", "predict_interval", "sample_y"]:
        assert hasattr(NLLRegressor, name)
        assert not hasattr(NLLClassifier, name)


# Parameters --------------------------------------------------------------------------------------


def test_parameters_of_the_distribution_are_nested():
    net = plain_regressor(StudentT(df=3))
    assert net.get_params()["distribution__df"] == 3
    assert "distribution__df" not in net.get_params(deep=False)
    assert "distribution__df" not in plain_regressor("student_t").get_params()
    assert net.set_params(distribution__df=5, alpha=1.0).distribution.df == 5
    assert net.alpha == 1.0
    assert net.set_params(distribution=Normal(), distribution__scale=2.0).distribution.scale == 2.0


def test_a_clone_has_a_distribution_of_its_own():
    net = plain_regressor(StudentT(df=3))
    copy = clone(net).set_params(distribution__df=5)
    assert (net.distribution.df, copy.distribution.df) == (3, 5)


@pytest.mark.parametrize(
    "net",
    [
        plain_regressor(),
        plain_regressor("gamma", alpha=0.1, hidden_layer_sizes=(5, 5)),
        plain_regressor(StudentT(df=3, scale="constant"), random_state=0),
        plain_classifier("bernoulli", class_weight={"a": 2}),
    ],
    ids=repr,
)
def test_repr_is_the_call(net):
    assert repr(eval(repr(net))) == repr(net)
    assert repr(eval(repr(net)).get_params()) == repr(net.get_params())


@pytest.mark.parametrize(
    ("cls", "mlp"),
    [(NLLRegressor, MLPRegressor), (NLLClassifier, MLPClassifier), (NLLRanker, MLPRegressor)],
)
def test_names_and_plain_defaults_are_multi_layer_perceptrons(cls, mlp):
    own, theirs = cls(**MLP_DEFAULTS).get_params(), mlp().get_params()
    assert own.pop("max_iter") == own.pop("n_iter_no_change") == "auto"
    assert (theirs["max_iter"], theirs["n_iter_no_change"]) == (200, 10)
    shared = own.keys() & theirs.keys()
    # distribution takes the place of loss
    assert theirs.keys() - shared <= {"loss", "warm_start", "max_iter", "n_iter_no_change"}
    assert {name: own[name] for name in shared} == {name: theirs[name] for name in shared}
    assert list(inspect.signature(cls).parameters)[:3] == [
        "distribution",
        "hidden_layer_sizes",
        "activation",
    ]


# Documentation -----------------------------------------------------------------------------------

DOCUMENTED = [
    *ESTIMATORS,
    *DISTRIBUTIONS.values(),
    sklnll.predict_dist,
    sklnll.orders_to_ranks,
    sklnll.ranks_to_orders,
    *(
        method
        for cls in [
            *ESTIMATORS,
            PredictiveDistribution,
            LabelPredictive,
            RankingPredictive,
            VectorPredictive,
        ]
        for name, method in inspect.getmembers(cls, inspect.isfunction)
        if method.__module__.startswith("sklnll")
        and "\nParameters\n" in (inspect.getdoc(method) or "")
    ),
]


def section(documented, title):
    """Entries of a section of a docstring: name -> text after the colon; "a, b : type" is two."""
    doc = inspect.getdoc(documented)
    match = re.search(
        rf"^{title}\n-+\n(.*?)(?=\n\n\S[^\n]*\n-+\n|\Z)", doc, re.DOTALL | re.MULTILINE
    )
    heads = re.findall(r"^(\w[\w, *]*?)(?: : (.*))?$", match[1] if match else "", re.MULTILINE)
    return {
        name: (text, place, names.count(",") + 1)
        for names, text in heads
        for place, name in enumerate(names.split(", "))
    }


@pytest.mark.parametrize("documented", DOCUMENTED, ids=lambda member: member.__qualname__)
def test_documented_parameters_are_those_of_the_signature(documented):
    signature = inspect.signature(documented).parameters
    expected = [name for name in signature if name not in ("self", "args", "params")]
    assert list(section(documented, "Parameters")) == expected


@pytest.mark.parametrize("documented", DOCUMENTED, ids=lambda member: member.__qualname__)
def test_documented_defaults_are_those_of_the_signature(documented):
    signature = inspect.signature(documented).parameters
    for name, (text, place, n_names) in section(documented, "Parameters").items():
        default = signature[name].default
        if "default=" in text:
            stated = literal_eval(text.split("default=")[1])
            assert (stated[place] if n_names > 1 else stated) == default, name
        else:
            assert default is (None if "optional" in text else inspect.Parameter.empty), name


@pytest.mark.parametrize("name", ["normal", "categorical", "plackett_luce"])
def test_documented_attributes_are_those_of_a_fitted_net(name, draw_rows, make_net):
    X, y = draw_rows(name)
    net = make_net(name, early_stopping=True, **SMALL).fit(pd.DataFrame(X).add_prefix("x"), y)
    documented = set(section(type(net), "Attributes"))
    assert {attribute for attribute in documented if not hasattr(net, attribute)} == set()
    learned = {name for name in vars(net) if name.endswith("_") and not name.startswith("_")}
    assert learned - documented == set()
