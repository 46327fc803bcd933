"""Does every fit that is not refused end in lawful predictions, whatever is asked of it?"""

from contextlib import contextmanager

import numpy as np
import pytest
from conftest import _draw_rows
from distributions.cases import FAMILIES
from fuzzing import TRIED, errors_are_ours, tries
from hypothesis import given
from hypothesis import strategies as st
from kinds import estimator_of, one_of_each_kind
from lawful import check, same
from sklearn.exceptions import NotFittedError

from sklnll import NumericalWarning

pd = pytest.importorskip("pandas")

PARAMS = {
    "hidden_layer_sizes": [(), (3,), (4, 2)],
    "activation": ["silu", "relu", "tanh", "identity"],
    "solver": ["adam", "sgd", "lbfgs"],
    "x_scaling": ["robust", "standard", None],
    "n_estimators": [1, 2],
    "n_frequencies": ["auto", 0, 2],
    "batch_size": ["auto", 1, 7],
    "max_iter": [1, 4, 12],
    "learning_rate_init": [1e-3, 0.1, 10.0],
    "learning_rate": ["cosine", "constant", "adaptive"],
    "early_stopping": ["auto", True, False],
    "validation_fraction": [0.15, 0.5, 0.99],
    "alpha": [0.0, 1e-4, 1e3],
    "weight_decay": [0.0, 0.1],
    "dropout": [0.0, 0.5],
    "batch_norm": [False, True],
    "annealing": [0.0, 0.5, 1.0],
    "recalibrate": [None, "nll"],
    "max_grad_norm": [None, 1.0],
    "random_state": [0, 1],
}
"""What is asked of an estimator: few choices of each, of which most fits take the default."""

WEIGHTS = {
    "none": lambda n: None,
    "ones": np.ones,
    "whole": lambda n: np.arange(n) % 3,
    "one row": lambda n: (np.arange(n) == 0) * 1.0,
    "zero": np.zeros,
    "huge": lambda n: np.full(n, 1e30),
    "tiny": lambda n: np.full(n, 1e-30),
    "far apart": lambda n: 10.0 ** (np.arange(n) % 5 * 10 - 20),
}


@st.composite
def params(draw, family):
    """A few parameters of an estimator that are not the default.

    The same seed draws the same places for all families; the names differ that stand there.
    """
    names = np.random.default_rng(list(family.encode())).permutation(sorted(PARAMS)).tolist()
    some = draw(st.lists(st.sampled_from(names), max_size=5, unique=True))
    chosen = {name: draw(st.sampled_from(PARAMS[name])) for name in some}
    return {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0, **chosen}


def with_gap_column(X):
    X[:, -1] = np.nan


def with_gap_row(X):
    X[-1] = np.nan


def with_gap(X):
    X[-1, -1] = np.nan


def constant(X):
    X[:, 0] = X[0, 0]


def two_valued(X):
    X[:, 0] = np.where(X[:, 0] > 0, 3.0, -7.0)


def whole_numbers(X):
    X[:, 0] = np.round(X[:, 0])


COLUMNS = [with_gap, with_gap_column, with_gap_row, constant, two_valued, whole_numbers]
"""What happens to some of the numbers in X; the last column is the first one where X has one."""

LEVELS = {
    "text": lambda codes: np.array(["south", "north", "west"], dtype=object)[codes],
    "text with gaps": lambda codes: np.array(["south", None, "west"], dtype=object)[codes],
    "category": lambda codes: pd.Categorical.from_codes(codes, ["u", "v", "w", "never"]),
    "only gaps": lambda codes: pd.Categorical([None] * len(codes), ["u", "v"]),
    "a level a row": lambda codes: pd.Categorical(np.arange(len(codes)).astype(str)),
}
"""Columns of categories that a frame may have beside its numbers."""


@st.composite
def tables(draw, X):
    """An array or a frame of these numbers, some of them gaps, and which columns are categories."""
    X = X.copy()
    for change in draw(st.lists(st.sampled_from(COLUMNS), max_size=2, unique=True)):
        change(X)
    kind = draw(st.sampled_from(["array", "array", "codes", "frame"]))
    if kind == "array":
        return X, "from_dtype"
    if kind == "codes":
        X[:, 0] = np.round(X[:, 0] / max(np.nanmax(np.abs(X[:, 0]), initial=0), 1e-9))
        return X, [0]
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    levels = draw(st.sampled_from(sorted(LEVELS)))
    return frame.assign(level=LEVELS[levels](np.arange(len(X)) % 3)), "from_dtype"


def take(X, places):
    return X[places] if isinstance(X, np.ndarray) else X.iloc[places].reset_index(drop=True)


@st.composite
def rows(draw, name):
    """X and y that suit the family, in units and shapes of all kinds."""
    n, n_columns = draw(st.sampled_from([8, 1, 2, 3, 12])), draw(st.sampled_from([3, 1]))
    X, y = _draw_rows(name, max(n, 3), draw(st.integers(0, 9)))
    X, y = X[:n, :n_columns], y[:n]
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    X = (X * draw(st.sampled_from([1.0, 1e-6, 1e6]))).astype(dtype)
    units = FAMILIES[name].support.units
    if units != "none":
        y = y * draw(st.sampled_from([1.0, 1e-9, 1e9]))
    if units == "affine":
        y = y + draw(st.sampled_from([0.0, 1e6]))
    if draw(st.sampled_from([False, False, False, True])):
        y = np.repeat(y[:1], n, axis=0)
    return draw(tables(X)), y


def fit(name, X, y, weight, **chosen):
    """Fit, and let only errors and warnings of ours pass."""
    with errors_are_ours():
        return estimator_of(FAMILIES[name])(name, **chosen).fit(X, y, weight)


def params_of(net, X):
    with errors_are_ours():
        return net.predict_dist(X).params


def assert_lawful(net, X, y, weight):
    """Hold all that is true of each fitted net against one."""
    for value in params_of(net, X).values():
        assert np.isfinite(value).all(), "predicted parameters are finite"
    with errors_are_ours():
        log_prob = net.predict_dist(X).log_prob(y)
    counts = np.ones(len(X), bool) if weight is None else weight > 1e-3 * np.max(weight)
    assert np.isfinite(log_prob[counts]).all(), "the rows of training are possible"
    with unless_we_warn():
        assert len(net.predict(X)) == len(X)
    assert net.weights_.dtype == dtype_of(X)
    assert_what_is_unknown_is_told(net, X, counts)
    assert_rows_are_on_their_own(net, X)


@contextmanager
def unless_we_warn():
    """Hold what follows, unless a warning of ours says what cannot be computed."""
    try:
        with errors_are_ours():
            yield
    except NumericalWarning:
        TRIED["predictions that were warned of"] += 1


def dtype_of(X):
    return X.dtype if isinstance(X, np.ndarray) else X["x0"].dtype


def assert_rows_are_on_their_own(net, X):
    """A row is predicted as among others, in whatever order they come."""
    rtol = 1e-3 if dtype_of(X) == np.float32 else 1e-6
    together = params_of(net, X)
    for name, value in params_of(net, take(X, slice(None, None, -1))).items():
        assert same(value[::-1], together[name], rtol), "the order of rows does not count"
    for name, value in params_of(net, take(X, slice(-1, None))).items():
        assert same(value[0], together[name][-1], rtol), "a row alone is predicted the same"


def assert_what_is_unknown_is_told(net, X, counts):
    """A row of gaps alone is predicted, and is new where a column had none."""
    frame = pd.DataFrame(X)
    if isinstance(X, np.ndarray):
        gaps = np.full((1, X.shape[1]), np.nan, X.dtype)
    else:
        gaps = frame.iloc[:1].assign(**dict.fromkeys(frame.columns))
        gaps = gaps.astype(frame.dtypes)
    for value in params_of(net, gaps).values():
        assert np.isfinite(value).all(), "what is predicted of gaps is finite"
    had_gaps = frame.isna().any().all()
    had_some = frame[counts].isna().any().all()
    novelty = net.predict_dist(gaps).novelty
    if not had_gaps:
        assert np.isposinf(novelty).all(), "gaps are new where a column had none"
    if had_some:
        assert np.isfinite(novelty).all(), "gaps are not new where all columns had some"


@pytest.mark.parametrize("name", one_of_each_kind())
@tries(few=2, many=180)
@given(data=st.data())
def test_a_fit_is_lawful_or_refused(name, data):
    (X, categories), y = data.draw(rows(name))
    weight = WEIGHTS[data.draw(st.sampled_from(list(WEIGHTS)))](len(X))
    chosen = {**data.draw(params(name)), "categorical_features": categories}
    try:
        net = fit(name, X, y, weight, **chosen)
    except (ValueError, TypeError, NotFittedError):
        TRIED["fits that were refused"] += 1
        return
    TRIED["fits"] += 1
    assert_lawful(net, X, y, weight)
    if data.draw(st.sampled_from([True, False, False])):  # test_fuzzed_laws.py has the others
        with unless_we_warn():
            check(net.predict_dist(take(X, slice(2))))


@pytest.mark.parametrize("name", one_of_each_kind())
@tries(few=1, many=20)
@given(data=st.data())
def test_whole_weights_are_repetitions(name, data):
    X, y = _draw_rows(name, 12, data.draw(st.integers(0, 9)))
    X, categories = data.draw(tables(X))
    weight = np.random.default_rng(data.draw(st.integers(0, 9))).integers(1, 4, len(X))
    solver = data.draw(st.sampled_from(["adam", "sgd"]))
    chosen = {**data.draw(params(name)), "solver": solver, "categorical_features": categories}
    repeated = take(X, np.arange(len(X)).repeat(weight)), np.repeat(y, weight, axis=0)
    try:
        nets = fit(name, X, y, weight, **chosen), fit(name, *repeated, None, **chosen)
    except (ValueError, TypeError):
        TRIED["fits that were refused"] += 1
        return
    TRIED["fits"] += 2
    np.testing.assert_array_equal(nets[0].weights_, nets[1].weights_)
