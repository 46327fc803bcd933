"""Extreme but legal rows end in a finite fit, or in a warning; never in silent NaN."""

import warnings

import numpy as np
import pytest
from distributions.cases import NUMBERS, accepts
from kinds import marks, one_of_each_kind
from plain import plain_classifier, plain_regressor
from sklearn.exceptions import ConvergenceWarning

from sklnll import NLLClassifier, NLLRanker, NumericalWarning
from sklnll.distributions import DISTRIBUTIONS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 2))
UNIFORM = RNG.uniform(1, 2, 20)
SIGNS = np.tile([-1.0, 1.0], 10)

TARGETS = {
    "tiny": 1e-300 * UNIFORM,
    "subnormal": 1e-310 * UNIFORM,
    "tiny of both signs": 1e-300 * UNIFORM * SIGNS,
    "huge": 1e300 * UNIFORM,
    "huge of both signs": 1e300 * UNIFORM * SIGNS,
    "near one": 1 - 2.0**-53 * np.arange(1, 21),
    "both ends of the unit interval": np.where(SIGNS > 0, 1 - 2.0**-53, 1e-300),
    "both ends of the numbers": np.where(SIGNS > 0, 1e300, 1e-300),
    "zero": np.zeros(20),
    "zero but one": np.eye(20)[3],
    "equal": np.full(20, 0.3),
    "large offset": 1e15 + np.arange(20.0),
    "huge outlier": np.where(np.arange(20) == 3, 1e300, UNIFORM),
    "huge negative outlier": np.where(np.arange(20) == 3, -1e300, UNIFORM),
    "large counts": np.round(1e6 * UNIFORM),
    "one row": UNIFORM[:1] - 0.9,
    "two rows": UNIFORM[:2] - 0.9,
}


def legal(targets=TARGETS):
    """Pairs of a family and the name of a target; only one family of each kind is unmarked."""
    return [
        pytest.param(name, target, marks=marks(name))
        for name in NUMBERS
        for target in targets
        if accepts(DISTRIBUTIONS[name](), TARGETS[target])
    ]


SHORT = {"hidden_layer_sizes": (4,), "max_iter": 8, "learning_rate_init": 0.02}
FITS = {
    "adam": SHORT,
    "batches": {**SHORT, "batch_size": 8, "max_iter": 3},
    "sgd": {**SHORT, "solver": "sgd"},
    "batch norm": {**SHORT, "batch_norm": True},
    "lbfgs": {"hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 30},
}
DTYPES = [np.float64, np.float32]
HALF = [
    ("adam", np.float64),
    ("batches", np.float32),
    ("sgd", np.float64),
    ("batch norm", np.float32),
    ("lbfgs", np.float64),
]
"""Each way of fitting, and each dtype; the other half of their pairs is marked."""

WAYS = [
    pytest.param(how, dtype, marks=() if (how, dtype) in HALF else pytest.mark.every_family)
    for how in FITS
    for dtype in DTYPES
]


def fit(net, *rows, **params):
    """Fit a net; give it back with the messages of what went wrong in training."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        warnings.simplefilter("always", ConvergenceWarning)
        warnings.filterwarnings("ignore", message=".*Are these degrees")
        warnings.filterwarnings("ignore", message=".*larger than the .* rows")
        warnings.filterwarnings("ignore", message=".*alpha acts in X's units")
        net.set_params(random_state=0, **params).fit(*rows)
    messages = [str(warning.message) for warning in caught]
    return net, [text for text in messages if "non-finite" in text or "diverged" in text]


def assert_no_nan(net, X, y=None):
    """No prediction is NaN; infinity, where numbers end, is one, and is warned of."""
    with np.errstate(over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)
        dist = net.predict_dist(X)
        assert not any(np.isnan(value).any() for value in dist.params.values())
        if isinstance(net, NLLClassifier):
            assert np.isfinite(net.predict_log_proba(X)).all()
            np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1, rtol=1e-6)
        elif isinstance(net, NLLRanker):
            np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1, rtol=1e-6)
            assert not np.isnan(dist.expected_ranks()).any()
            assert not np.isnan(dist.entropy()).any()
        else:
            assert not np.isnan(net.predict(X)).any()
            assert not np.isnan(net.predict_interval(X)).any()
        assert y is None or not np.isnan(dist.log_prob(y)).any()


# Targets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "dtype"), [("adam", np.float64), ("lbfgs", np.float32)])
@pytest.mark.parametrize(("name", "target"), legal())
def test_extreme_y_is_fitted(name, target, how, dtype):
    y = TARGETS[target]
    rows = X[: len(y)].astype(dtype)
    net, trouble = fit(plain_regressor(name), rows, y, **FITS[how])
    assert np.isfinite(net.loss_) or trouble
    assert_no_nan(net, rows, y)


@pytest.mark.parametrize(
    ("name", "target"), legal(["tiny", "huge", "zero", "equal", "huge outlier"])
)
def test_extreme_y_of_several_outputs_is_fitted(name, target):
    both = np.column_stack([TARGETS[target], 0.5 / UNIFORM])
    net, trouble = fit(plain_regressor(name), X, both, **FITS["batches"])
    assert np.isfinite(net.loss_) or trouble
    assert_no_nan(net, X, both)


@pytest.mark.parametrize(("target", "unit"), [("tiny", 1e-300), ("huge", 1e300)])
@pytest.mark.parametrize(
    "name", [name for name in NUMBERS if DISTRIBUTIONS[name]().support.units != "none"]
)
def test_extreme_units_are_those_of_the_predictions(name, target, unit):
    net, trouble = fit(plain_regressor(name), X, TARGETS[target], **FITS["lbfgs"])
    assert not trouble
    assert (net.predict(X) > 0.5 * unit).all()
    assert (net.predict(X) < 4 * unit).all()
    fraction = net.predict_dist(X).cdf(TARGETS[target])
    assert 0.2 < fraction.mean() < 0.8


# Labels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("how", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("categorical", np.zeros(20)),
        ("categorical", np.arange(20)),
        ("categorical", np.eye(20)[3]),
        ("categorical", [7]),
        ("categorical", [7, 7]),
        ("categorical", [7, 8]),
        ("bernoulli", np.eye(20)[3]),
        ("bernoulli", X[:, 0] > 0),
        ("bernoulli", [7, 8]),
        ("ordinal", np.arange(20)),
        ("ordinal", np.eye(20)[3]),
        ("ordinal", [7, 8]),
        ("ordinal", X[:, 0] > 0),
    ],
)
def test_extreme_labels_are_fitted(name, labels, how, dtype):
    rows = X[: len(labels)].astype(dtype)
    net, trouble = fit(plain_classifier(name), rows, labels, **FITS[how])
    assert not trouble
    assert np.isfinite(net.loss_)
    assert_no_nan(net, rows)


def test_a_label_without_weight_is_kept_as_improbable():
    y = np.arange(20) % 3
    net, trouble = fit(plain_classifier(), X, y, (y < 2) * 1.0, **FITS["adam"])
    assert not trouble
    assert net.predict_proba(X).shape == (20, 3)
    assert (net.predict_proba(X)[:, 2] < 1e-6).all()
    assert_no_nan(net, X)


def test_separable_labels_have_finite_logits_however_long_the_fit():
    net, trouble = fit(
        plain_classifier("bernoulli"), X, X[:, 0] > 0, alpha=0, solver="lbfgs", max_iter=2000, tol=0
    )
    assert not trouble
    assert 0 <= net.loss_ < 1e-3
    assert_no_nan(net, 1e6 * X)


# Features ----------------------------------------------------------------------------------------


FEATURES = {
    "constant column": np.column_stack([X, np.full(20, 3.0)]),
    "zero": np.zeros((20, 2)),
    "large": 1e10 * X,
    "large offset": 1e10 + X,
    "very large": 1e30 * X,
    "tiny": 1e-30 * X,
    "one large": np.where(np.arange(40).reshape(20, 2) == 5, 1e10, X),
}


@pytest.mark.parametrize(("how", "dtype"), WAYS)
@pytest.mark.parametrize("name", one_of_each_kind())
def test_extreme_x_is_fitted(name, how, dtype, draw_rows, make_net):
    _, y = draw_rows(name, n=20)
    for features, rows in FEATURES.items():
        net, trouble = fit(make_net(name), rows.astype(dtype), y, **FITS[how])
        assert np.isfinite(net.loss_) or trouble, features
        assert_no_nan(net, rows.astype(dtype), y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_rows_far_from_training_are_predicted(name, dtype, draw_rows, make_net):
    rows, y = draw_rows(name, n=20)
    net, _ = fit(make_net(name), rows.astype(dtype), y, **FITS["lbfgs"])
    for distance in (1e3, 1e10, 1e30):
        assert_no_nan(net, (distance * rows).astype(dtype), y)


# Divergence --------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_diverging_training_in_float32_warns_and_says_where(name, solver, draw_rows, make_net):
    """The same in float64 is in test_training.py."""
    rows, y = draw_rows(name)
    net, trouble = fit(
        make_net(name),
        rows.astype(np.float32),
        y,
        solver=solver,
        learning_rate_init=1e6,
        max_iter=20,
        hidden_layer_sizes=(4,),
        batch_size=16,
    )
    assert trouble
    assert "learning_rate_init" in trouble[0]
    assert_no_nan(net, rows)
