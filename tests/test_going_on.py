"""A fitted network goes on: warm_start with all rows, partial_fit with some of them."""

import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
from distributions.cases import NAMES
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain_classifier, plain_regressor
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor

from sklnll import NLLClassifier, NLLRanker, NLLRegressor
from sklnll.distributions import Normal, StudentT

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BRIEF = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}

rng = np.random.default_rng(0)
X = rng.normal(3, 2, size=(200, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=200)
LABELS = np.array(["a", "b", "c"])[np.digitize(Y, np.quantile(Y, [0.3, 0.6]))]


# partial_fit ------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_increments_of_all_rows_are_the_epochs_of_fit(solver):
    """Rows in order, so that the epochs see the same batches."""
    net = plain_regressor(solver=solver, shuffle=False, batch_size=50, random_state=0)
    net.set_params(hidden_layer_sizes=(8,), max_iter=4, n_iter_no_change=np.inf)
    whole = net.fit(X, Y)
    curve, weights = whole.loss_curve_, whole.weights_
    parts = plain_regressor(**{**net.get_params(), "random_state": 0})
    for _ in range(4):
        parts.partial_fit(X, Y)
    assert_allclose(parts.loss_curve_, curve, rtol=1e-12)
    assert_allclose(parts.weights_, weights, rtol=1e-10, atol=1e-12)
    assert (parts.n_iter_, parts.t_) == (1, 4 * len(X))


@pytest.mark.parametrize("name", NAMES)
def test_every_family_learns_in_increments(name, draw_rows, make_default_net):
    rows, y = draw_rows(name, n=120)
    net = make_default_net(name, hidden_layer_sizes=(8,))
    classes = {"classes": np.unique(y)} if isinstance(net, NLLClassifier) else {}
    for _ in range(30):
        for part in (slice(0, 60), slice(60, 120)):
            net.partial_fit(rows[part], y[part], **classes)
    assert len(net.loss_curve_) == 60
    assert np.mean(net.loss_curve_[-2:]) < np.mean(net.loss_curve_[:2])


def test_shuffles_differ_from_increment_to_increment():
    orders = []
    net = plain_regressor(batch_size=20, **BRIEF)
    for _ in range(2):
        net.partial_fit(X, Y)
        orders.append(net.loss_curve_[-1])
    again = plain_regressor(batch_size=20, **BRIEF).partial_fit(X, Y).partial_fit(X, Y)
    assert_array_equal(again.loss_curve_, orders)


def test_an_increment_has_the_weights_it_is_given():
    """They share no mean with those of other increments."""
    params = {"solver": "sgd", "learning_rate_init": 1e-3, "momentum": 0, "alpha": 0, **BRIEF}
    nets = [plain_regressor(batch_size=200, **params).partial_fit(X, Y) for _ in range(2)]
    before = nets[0].weights_.copy()
    nets[0].partial_fit(X, Y + 1)
    nets[1].partial_fit(X, Y + 1, sample_weight=np.full(len(X), 3.0))
    assert_allclose(nets[1].weights_ - before, 3 * (nets[0].weights_ - before), rtol=1e-6)


def test_a_linear_network_sees_x_as_it_is_between_increments():
    net = NLLRegressor(Normal(scale=1.0), (), alpha=0, learning_rate_init=0.03, random_state=0)
    for _ in range(200):
        net.partial_fit(X[:100], Y[:100]).partial_fit(X[100:], Y[100:])
    expected = LinearRegression().fit(X, Y).predict(X)
    assert_allclose(net.predict(X), expected, atol=0.05)


def test_a_column_that_does_not_vary_in_an_increment_keeps_its_weight():
    net = NLLRegressor(hidden_layer_sizes=(), random_state=0).fit(X, Y)
    before = net.predict(X)
    constant = X[:50].copy()
    constant[:, 0] = 7.0
    net.set_params(learning_rate_init=1e-12, weight_decay=0.0).partial_fit(constant, Y[:50])
    assert_allclose(net.predict(X), before, atol=1e-6)


def test_partial_fit_goes_on_after_fit_and_after_pickle():
    net = plain_regressor(**BRIEF).fit(X, Y)
    loss = net.loss_
    copy = pickle.loads(pickle.dumps(net.partial_fit(X, Y)))
    assert net.loss_ < loss
    assert_array_equal(net.partial_fit(X, Y).weights_, copy.partial_fit(X, Y).weights_)


def test_partial_fit_of_weights_that_cannot_be_written(tmp_path):
    """As joblib maps them from a file."""
    net = plain_regressor(**BRIEF).partial_fit(X, Y)
    for values in (net.weights_, net.statistics_, *net._optimizer_state.values()):
        values.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = net.predict(X)
        net.partial_fit(X, Y)
    assert (net.predict(X) != before).any()


def test_sparse_increments_are_those_of_dense_rows(monkeypatch):
    monkeypatch.setattr("sklnll._data.sparse._SMALL", 0)
    dense, thin = (plain_regressor(**BRIEF) for _ in range(2))
    for _ in range(2):
        dense.partial_fit(X, Y)
        thin.partial_fit(sparse.csr_array(X), Y)
    assert_allclose(thin.predict(X), dense.predict(X), rtol=1e-9)


def test_labels_are_known_from_the_first_increment():
    net = plain_classifier(**BRIEF)
    one = LABELS == "a"
    net.partial_fit(X[one], LABELS[one], classes=["c", "b", "a"])
    net.partial_fit(X, LABELS)
    assert_array_equal(net.classes_, ["a", "b", "c"])
    net.partial_fit(X, LABELS, classes=["a", "b", "c"])
    with pytest.raises(ValueError, match="is not the same as on last call to partial_fit"):
        net.partial_fit(X, LABELS, classes=["a", "b"])
    with pytest.raises(ValueError, match="'d'"):
        net.partial_fit(X[:1], ["d"])


def test_labels_must_be_given_first():
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        NLLClassifier().partial_fit(X, LABELS)


def test_rows_of_indicators_need_no_classes():
    y = np.column_stack([LABELS == "a", LABELS == "b"]).astype(int)
    net = plain_classifier("bernoulli", **BRIEF).partial_fit(X, y).partial_fit(X, y)
    assert net.predict_proba(X).shape == (200, 2)


def test_class_weights_hold_in_increments():
    weights = {"a": 100.0, "b": 1.0, "c": 1.0}
    net = plain_classifier(class_weight=weights, **BRIEF)
    for _ in range(20):
        net.partial_fit(X, LABELS, classes=["a", "b", "c"])
    assert (net.predict(X) == "a").mean() > 0.8
    with pytest.raises(ValueError, match="class_weight='balanced'"):
        NLLClassifier(class_weight="balanced").partial_fit(X, LABELS, classes=["a", "b", "c"])


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"early_stopping": True}, "partial_fit does not support early_stopping=True"),
        ({"recalibrate": "nll"}, "partial_fit does not support recalibrate"),
    ],
)
def test_what_needs_all_rows_is_refused(params, match):
    with pytest.raises(ValueError, match=match):
        NLLRegressor(**params).partial_fit(X, Y)


@pytest.mark.parametrize("estimator", [NLLRegressor, NLLClassifier, NLLRanker])
def test_lbfgs_has_no_increments(estimator):
    assert hasattr(estimator(), "partial_fit")
    assert not hasattr(estimator(solver="lbfgs"), "partial_fit")


def test_invscaling_counts_the_rows_of_all_increments():
    """As scikit-learn's perceptrons do: the third step is shorter by (400 + 1) ** 0.5."""
    params = {"solver": "sgd", "learning_rate": "invscaling", "momentum": 0.0, "alpha": 0.0}
    net = plain_regressor(Normal(scale=1.0), batch_size=200, **params, **BRIEF)
    net.partial_fit(X, Y).partial_fit(X, Y)
    before = net.weights_.copy()
    constant = plain_regressor(Normal(scale=1.0), batch_size=200, **params, **BRIEF)
    constant.set_params(learning_rate="constant").partial_fit(X, Y)
    constant.network_ = replace(constant.network_, weights=before.copy())
    net.partial_fit(X, Y)
    constant.partial_fit(X, Y)
    moved, whole = net.weights_ - before, constant.weights_ - before
    assert_allclose(moved * np.sqrt(401), whole, rtol=1e-6, atol=1e-12)


# warm_start -------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_warm_start_goes_on_where_fit_ended(solver, early_stopping):
    if solver == "lbfgs" and early_stopping:
        pytest.skip("lbfgs holds nothing out")
    net = plain_regressor(solver=solver, warm_start=True, early_stopping=early_stopping, **BRIEF)
    first = net.fit(X, Y).loss_curve_
    n_scores = len(net.validation_scores_ or [])
    net.fit(X, Y)
    assert net.loss_curve_[: len(first)] == first
    assert len(net.loss_curve_) == len(first) + net.n_iter_
    assert net.loss_curve_[-1] < first[-1]
    assert len(net.validation_scores_ or []) == (n_scores + net.n_iter_) * early_stopping


def test_without_warm_start_a_fit_begins_anew():
    net = plain_regressor(**BRIEF)
    assert net.fit(X, Y).loss_curve_ == net.fit(X, Y).loss_curve_


def test_a_warm_start_keeps_the_units_of_the_first_fit():
    net = NLLRegressor(warm_start=True, **BRIEF).fit(X, Y)
    scaling = net.input_scaling_, net.scaling_
    net.fit(1.2 * X, 0.01 * Y)
    assert (net.input_scaling_, net.scaling_) == scaling


def test_a_warm_start_never_ends_worse_on_the_rows_held_out():
    net = NLLRegressor("student_t", warm_start=True, random_state=0, hidden_layer_sizes=(16,))
    before = net.fit(X, Y).best_validation_score_
    assert net.set_params(max_iter=2).fit(X, Y).best_validation_score_ >= before


@pytest.mark.parametrize(
    "params", [{"hidden_layer_sizes": (9,)}, {"n_estimators": 2}, {"batch_norm": True}], ids=str
)
def test_other_networks_do_not_go_on(params):
    net = plain_regressor(warm_start=True, **BRIEF).fit(X, Y).set_params(**params)
    with pytest.raises(ValueError, match="warm_start=True goes on with the fitted network"):
        net.fit(X, Y)
    net.set_params(warm_start=False)
    net.fit(X, Y)


def test_other_families_do_not_go_on():
    net = plain_regressor(StudentT(df=4), warm_start=True, **BRIEF).fit(X, Y)
    with pytest.raises(ValueError, match=r"goes on with the fitted StudentT\(df=4\)"):
        net.set_params(distribution__df=5).fit(X, Y)


def test_other_columns_do_not_go_on():
    net = plain_regressor(warm_start=True, **BRIEF).fit(X, Y)
    with pytest.raises(ValueError, match="X has 2 features, but"):
        net.fit(X[:, :2], Y)
    with pytest.raises(ValueError, match="y must have the columns of y that were fitted"):
        net.fit(X, np.column_stack([Y, Y]))


def test_other_labels_do_not_go_on():
    net = plain_classifier(warm_start=True, **BRIEF).fit(X, LABELS)
    with pytest.raises(ValueError, match="same classes as in the previous call to fit"):
        net.fit(X, np.where(LABELS == "a", "b", LABELS))


def test_a_failed_warm_start_leaves_the_fitted_network():
    net = plain_regressor(warm_start=True, **BRIEF).fit(X, Y)
    before = net.predict(X)
    with pytest.raises(ValueError, match="infinity"):
        net.fit(np.full_like(X, np.inf), Y)
    assert_array_equal(net.predict(X), before)


def test_single_precision_goes_on_with_double_rows():
    net = plain_regressor(warm_start=True, **BRIEF).fit(X.astype(np.float32), Y)
    assert net.fit(X, Y).weights_.dtype == np.float32


def test_the_best_loss_is_scikit_learns():
    """None where rows are held out."""
    for early_stopping in (False, True):
        params = {"early_stopping": early_stopping, **BRIEF}
        found = plain_regressor(**params).fit(X, Y).best_loss_
        expected = MLPRegressor(**params).fit(X, Y).best_loss_
        assert (found is None) == (expected is None)


def test_increments_take_exposure():
    counts = rng.poisson(np.exp(0.1 * X[:, 0]) * 5)
    net = plain_regressor("poisson", **BRIEF)
    for _ in range(100):
        net.partial_fit(X, counts, exposure=np.full(200, 5.0))
    assert_allclose(net.predict(X).mean(), counts.mean() / 5, rtol=0.05)


# What goes wrong -------------------------------------------------------------------------------


class RaisesError:
    """A callback that fails after the first epoch."""

    def setup(self, estimator, context):
        pass

    teardown = on_fit_task_begin = setup

    def on_fit_task_end(self, estimator, context):
        raise ZeroDivisionError


@pytest.mark.parametrize("hidden", [(), (8,)])
@pytest.mark.parametrize("how", ["shapes", "hold-out", "rows", "increment", "callback"])
def test_what_fails_leaves_the_fitted_network(hidden, how):
    net = NLLRegressor(hidden_layer_sizes=hidden, warm_start=True, max_iter=5, random_state=0)
    before = net.fit(X, Y).predict(X)
    error = ZeroDivisionError if how == "callback" else ValueError
    if how == "callback":
        if not hasattr(net, "set_callbacks"):
            pytest.skip("callbacks come with scikit-learn 1.9")
        net.set_callbacks(RaisesError()).set_params(activation="tanh")
    changes = {"shapes": {"n_estimators": 3}, "hold-out": {"validation_fraction": 1e-3}}
    net.set_params(early_stopping=True, **changes.get(how, {}))
    rows = np.full_like(X, np.inf) if how == "rows" else 2 * X
    with pytest.raises(error):
        (net.partial_fit if how == "increment" else net.fit)(rows, Y)
    assert_array_equal(net.set_params(activation="silu").predict(X), before)


def test_a_narrow_increment_does_not_undo_the_others():
    """It is not taken for the new unit of its columns."""
    net = NLLRegressor(hidden_layer_sizes=(), learning_rate_init=0.03, random_state=0)
    for _ in range(200):
        net.partial_fit(X[:100], Y[:100]).partial_fit(X[100:], Y[100:])
    before = net.score(X, Y)
    narrow = X[:100].copy()
    narrow[:, 0] = 1e-4 * narrow[:, 0] + 3
    net.partial_fit(narrow, narrow @ [1.0, -2.0, 0.5])
    assert net.score(X, Y) > before - 0.05


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_increments_go_on_after_one_that_overflows(solver):
    rows = X.astype(np.float32)
    net = plain_regressor(x_scaling=None, solver=solver, **BRIEF).partial_fit(rows, Y)
    with pytest.warns(match="non-finite loss"):
        net.partial_fit(rows * np.float32(1e30), Y)
    assert all(np.isfinite(value).all() for value in net._optimizer_state.values())
    before = net.weights_.copy()
    net.partial_fit(rows, Y)
    assert (net.weights_ != before).any()


@pytest.mark.parametrize("hidden", [(), (16,)])
def test_columns_that_do_not_vary_first_are_learned_later(hidden):
    first = X.copy()
    first[:, 1] = 0.0
    net = NLLRegressor(hidden_layer_sizes=hidden, learning_rate_init=0.02, random_state=0)
    net.partial_fit(first, Y)
    for _ in range(150):
        net.partial_fit(X, Y)
    assert net.score(X, Y) > 0.95


def test_labels_that_come_later_are_not_impossible_at_first():
    net = NLLClassifier(hidden_layer_sizes=(), learning_rate_init=0.05, random_state=0)
    one = LABELS == "a"
    net.partial_fit(X[one], LABELS[one], classes=["a", "b", "c"])
    assert net.predict_proba(X).min() > 1e-4
    for _ in range(200):
        net.partial_fit(X, LABELS)
    assert net.score(X, LABELS) > 0.9


@pytest.mark.parametrize("name", ["poisson", "negative_binomial"])
def test_counts_may_begin_with_zeros(name):
    net = plain_regressor(name, **BRIEF).partial_fit(X[:5], np.zeros(5))
    assert (net.predict(X) > 1e-3).all()


def test_a_warm_start_takes_the_present_class_weights():
    rows, y = X, (np.median(Y) < Y).astype(int)
    net = NLLClassifier(hidden_layer_sizes=(), solver="lbfgs", warm_start=True, alpha=0.1)
    net.fit(rows, y).set_params(class_weight={0: 10.0, 1: 1.0}).fit(rows, y)
    fresh = clone(net).fit(rows, y)
    assert_allclose(net.predict_proba(rows), fresh.predict_proba(rows), atol=0.02)


def test_a_column_of_labels_goes_on():
    net = plain_classifier(warm_start=True, **BRIEF)
    with pytest.warns(match="column-vector"):
        net.fit(X, LABELS[:, None])
    with pytest.warns(match="column-vector"):
        net.fit(X, LABELS[:, None])


def test_cosines_are_kept_by_another_solver_or_named():
    net = NLLRegressor(warm_start=True, **BRIEF).fit(X, Y)
    with pytest.raises(ValueError, match=r"n_frequencies=16.*ask for.*n_frequencies=0"):
        net.set_params(solver="lbfgs").fit(X, Y)
    net = NLLRegressor(warm_start=True, solver="lbfgs", **BRIEF).fit(X, Y)
    assert net.set_params(solver="adam").fit(X, Y).architecture_.n_frequencies == 0


def test_columns_of_indicators_have_as_many_names():
    y = np.column_stack([LABELS == "a", LABELS == "b"]).astype(int)
    with pytest.raises(ValueError, match="classes must name the 2 columns of y"):
        plain_classifier(**BRIEF).partial_fit(X, y, classes=[0, 1, 2])
