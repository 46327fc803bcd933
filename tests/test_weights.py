"""A weight of 2 is the row twice, a weight of 0 no row, in every step of a fit."""

import numpy as np
import pytest
from kinds import one_of_each_kind
from plain import plain_classifier, plain_regressor
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from sklnll.distributions import DISTRIBUTIONS, Normal

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

all_families = pytest.mark.parametrize("name", DISTRIBUTIONS)
of_each_kind = pytest.mark.parametrize("name", one_of_each_kind())
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "tol": 1e-10, "max_iter": 5000}


def assert_same_prediction(net, other, X, atol=1e-9):
    """Predicted parameters agree; the likelihoods of labels are in them."""
    params = other.predict_dist(X).params
    for name, value in net.predict_dist(X).params.items():
        np.testing.assert_allclose(value, params[name], rtol=atol, atol=atol)


def integer_weights(n, largest=4, seed=5):
    return np.random.default_rng(seed).integers(0, largest, n)


@all_families
def test_integer_weights_are_repeated_rows(name, draw_rows, make_net):
    X, y = draw_rows(name, n=60)
    weight = integer_weights(60)
    repeated = np.repeat(np.arange(60), weight)
    assert len(repeated) <= 100
    net = make_net(name, max_iter=30).fit(X, y, sample_weight=weight)
    other = make_net(name, max_iter=30).fit(X[repeated], y[repeated])
    assert_same_prediction(net, other, X)
    assert net.loss_ == pytest.approx(other.loss_, rel=1e-9)


@of_each_kind
@pytest.mark.parametrize(
    "params",
    [
        {"alpha": 0.5},
        {"solver": "sgd"},
        {"batch_norm": True},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": (8, 8), "activation": "tanh"},
    ],
    ids=str,
)
def test_integer_weights_are_repeated_rows_whatever_the_parameters(
    name, params, draw_rows, make_net
):
    X, y = draw_rows(name, n=40)
    weight = integer_weights(40)
    repeated = np.repeat(np.arange(40), weight)
    params = {"hidden_layer_sizes": (8,), "max_iter": 15, **params}
    net = make_net(name, **params).fit(X, y, sample_weight=weight)
    other = make_net(name, **params).fit(X[repeated], y[repeated])
    assert_same_prediction(net, other, X)


# Laplace's optimum lies in a kink, where a method for smooth functions does not get; a mixture has
# many optima.
@pytest.mark.parametrize(
    "name", one_of_each_kind(n for n in DISTRIBUTIONS if n not in ("laplace", "normal_mixture"))
)
def test_integer_weights_are_repeated_rows_at_the_lbfgs_optimum(name, draw_rows, make_net):
    X, y = draw_rows(name, n=100)
    weight = integer_weights(100)
    repeated = np.repeat(np.arange(100), weight)
    params = {**LINEAR, "alpha": 1.0}
    net = make_net(name, **params).fit(X, y, sample_weight=weight)
    other = make_net(name, **params).fit(X[repeated], y[repeated])
    # Two searches end where rounding hides the loss's fall, at a distance of its square root over
    # that of the curvature, which is small for parameters that hardly matter, such as a large df.
    log_prob = other.predict_dist(X).log_prob(y)
    np.testing.assert_allclose(net.predict_dist(X).log_prob(y), log_prob, atol=1e-4)
    assert net.loss_ == pytest.approx(other.loss_, rel=1e-6)


@of_each_kind
@pytest.mark.parametrize(
    ("solver", "batch_size"), [("adam", "auto"), ("adam", 16), ("lbfgs", "auto")]
)
def test_a_weight_of_zero_is_no_row(name, solver, batch_size, draw_rows, make_net):
    X, y = draw_rows(name)
    weight = np.random.default_rng(2).uniform(0.5, 2, len(y))
    weight[::3] = 0
    present = weight > 0
    params = {"hidden_layer_sizes": (8,), "solver": solver, "batch_size": batch_size}
    net = make_net(name, max_iter=20, **params).fit(X, y, sample_weight=weight)
    other = make_net(name, max_iter=20, **params)
    other.fit(X[present], y[present], sample_weight=weight[present])
    np.testing.assert_array_equal(net.weights_, other.weights_)


@of_each_kind
@pytest.mark.parametrize("batch_size", ["auto", 16])
def test_the_unit_of_weights_does_not_matter(name, batch_size, draw_rows, make_net):
    X, y = draw_rows(name)
    weight = np.random.default_rng(2).uniform(0.5, 2, len(y))
    params = {"hidden_layer_sizes": (8,), "alpha": 0, "batch_size": batch_size, "max_iter": 20}
    net = make_net(name, **params).fit(X, y, sample_weight=weight)
    for factor in (1e-6, 3.0, 1e6):
        other = make_net(name, **params).fit(X, y, sample_weight=factor * weight)
        # Rounding of the rescaled weights, spread by 20 to 80 steps.
        assert_same_prediction(net, other, X, atol=1e-7)


@all_families
def test_weights_of_one_are_no_weights(name, draw_rows, make_net):
    X, y = draw_rows(name)
    net, other = (
        make_net(name, (8,), batch_size=16, max_iter=5).fit(X, y, sample_weight=weight)
        for weight in [None, np.ones(len(y))]
    )
    np.testing.assert_array_equal(net.weights_, other.weights_)


@all_families
def test_the_order_of_a_full_batch_does_not_matter_to_the_bit(name, draw_rows, make_net):
    X, y = draw_rows(name, n=100)
    order = np.random.default_rng(4).permutation(100)
    weight = integer_weights(100, largest=5)
    net = make_net(name, max_iter=30).fit(X, y, sample_weight=weight)
    other = make_net(name, max_iter=30).fit(X[order], y[order], sample_weight=weight[order])
    np.testing.assert_array_equal(net.weights_, other.weights_)
    assert net.loss_curve_ == other.loss_curve_


@of_each_kind
def test_weights_count_at_batch_size_one(name, draw_rows, make_net):
    X, y = draw_rows(name, n=40)
    params = {"hidden_layer_sizes": (), "batch_size": 1, "max_iter": 5, "learning_rate_init": 0.02}
    plain = make_net(name, **params).fit(X, y).predict_dist(X)
    weight = np.repeat([20.0, 1.0], [10, 30])
    heavy = make_net(name, **params).fit(X, y, sample_weight=weight).predict_dist(X)
    gain = heavy.log_prob(y) - plain.log_prob(y)
    assert gain[:10].mean() > 0.02
    assert gain[10:].mean() < -0.02


def test_a_pass_at_batch_size_one_by_hand():
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(30, 2)), rng.normal(size=30), rng.uniform(0, 3, 30)
    net = plain_regressor(
        Normal(scale=1.0),
        (),
        solver="sgd",
        alpha=0.1,
        batch_size=1,
        learning_rate_init=0.01,
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
        max_iter=1,
    ).fit(X, y, sample_weight=weight)
    mean = np.average(y, weights=weight)
    spread = np.sqrt(np.average((y - mean) ** 2, weights=weight))
    # In training's units the residual is (z - loc), measured in a standard deviation 1 / spread;
    # the penalty of one row is shared by its mean weight.
    coef, intercept = np.zeros(2), 0.0
    for x, z, w in zip(X, (y - mean) / spread, weight / weight.mean(), strict=True):
        slope = -w * spread**2 * (z - x @ coef - intercept)
        coef -= 0.01 * (slope * x + 0.1 / weight.mean() * spread**2 * coef)
        intercept -= 0.01 * slope
    np.testing.assert_allclose(net.coefs_[0].ravel(), coef, rtol=1e-10)
    np.testing.assert_allclose(net.intercepts_[0], intercept, rtol=1e-10)


@pytest.mark.parametrize("distribution", ["bernoulli", "categorical"])
@pytest.mark.parametrize("class_weight", [{"no": 1.0, "yes": 5.0}, "balanced", {"yes": 0.3}])
@pytest.mark.parametrize("batch_size", ["auto", 16])
def test_class_weight_is_a_sample_weight(distribution, class_weight, batch_size, draw_rows):
    X, y = draw_rows("bernoulli", n=100)
    y = np.array(["no", "yes"])[y]
    y[:20] = "no"
    params = {
        "hidden_layer_sizes": (8,),
        "learning_rate_init": 0.01,
        "max_iter": 20,
        "batch_size": batch_size,
        "random_state": 0,
    }
    net = plain_classifier(distribution, class_weight=class_weight, **params).fit(X, y)
    other = plain_classifier(distribution, **params)
    other.fit(X, y, sample_weight=compute_sample_weight(class_weight, y))
    assert_same_prediction(net, other, X)
    unweighted = plain_classifier(distribution, **params).fit(X, y)
    assert np.abs(net.predict_proba(X) - unweighted.predict_proba(X)).max() > 0.01


def test_balanced_class_weight_counts_sample_weights(draw_rows):
    X, y = draw_rows("categorical", n=60)
    weight = integer_weights(60)
    repeated = np.repeat(np.arange(60), weight)
    balanced = compute_class_weight("balanced", classes=np.unique(y), y=y[repeated])
    net = plain_classifier(class_weight="balanced", random_state=0)
    net.fit(X, y, sample_weight=weight)
    other = plain_classifier(random_state=0).fit(X, y, sample_weight=weight * balanced[y])
    assert_same_prediction(net, other, X)


def test_class_weight_multiplies_sample_weight(draw_rows):
    X, y = draw_rows("categorical")
    weight = np.random.default_rng(2).uniform(0.5, 2, len(y))
    class_weight = {0: 1.0, 1: 2.0, 2: 4.0}
    net = plain_classifier(class_weight=class_weight, random_state=0)
    net.fit(X, y, sample_weight=weight)
    other = plain_classifier(random_state=0).fit(X, y, sample_weight=weight * 2.0**y)
    assert_same_prediction(net, other, X)


@all_families
def test_validation_loss_is_weighted(name, draw_rows, make_net):
    X, y = draw_rows(name)
    X_val, y_val = draw_rows(name, n=40, seed=1)
    weight = np.random.default_rng(2).uniform(0, 3, 40)
    net = make_net(name, (8,), max_iter=30)
    net.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    log_prob = net.predict_dist(X_val).log_prob(y_val)
    assert net.best_validation_score_ == pytest.approx(np.average(log_prob, weights=weight))
    assert net.best_validation_score_ != pytest.approx(log_prob.mean(), rel=1e-6)


@pytest.mark.parametrize("class_weight", [{0: 1.0, 1: 6.0, 2: 2.0}, "balanced"])
def test_class_weight_counts_in_validation_as_in_training(class_weight, draw_rows):
    X, y = draw_rows("categorical", n=90)
    X_val, y_val = draw_rows("categorical", n=40, seed=1)
    X_val, y_val = np.r_[X_val, X_val[y_val == 0]], np.r_[y_val, y_val[y_val == 0]]
    net = plain_classifier(class_weight=class_weight, max_iter=30, random_state=0)
    net.fit(X, y, X_val=X_val, y_val=y_val)
    weight = compute_class_weight(class_weight, classes=np.unique(y), y=y)[y_val]
    log_prob = net.predict_dist(X_val).log_prob(y_val)
    assert net.best_validation_score_ == pytest.approx(np.average(log_prob, weights=weight))


@all_families
def test_starting_values_are_weighted(name, draw_rows, make_net):
    X, y = draw_rows(name)
    weight = integer_weights(len(y))
    repeated = np.repeat(np.arange(len(y)), weight)
    params = {"max_iter": 1, "learning_rate_init": 1e-12, "batch_size": 16}
    net = make_net(name, **params).fit(X, y, sample_weight=weight)
    other = make_net(name, **params).fit(X[repeated], y[repeated])
    # Searches without x end where gradients fall below 1e-9.
    assert_same_prediction(net, other, X, atol=1e-7)
