"""Frames, tensors, files and lists: the same numbers give the same fit, in whatever they come."""

import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain_classifier, plain_ranker, plain_regressor
from sklearn import config_context
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import NLLRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BRIEF = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}
NAMES = ["age", "mass", "pressure"]

rng = np.random.default_rng(0)
X = rng.integers(-40, 40, size=(60, 3)) / 8  # exact in float16 too
Y = X[:, 0] - X[:, 1] + rng.normal(size=60)
CASES = {
    "regressor": (plain_regressor, Y),
    "classifier": (plain_classifier, (Y > 0).astype(int)),
    "ranker": (plain_ranker, X.argsort(axis=1)),
}


def in_pandas(values):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(values, columns=NAMES) if values.ndim == 2 else pandas.Series(values)


def in_nullable_pandas(values):
    return in_pandas(values).convert_dtypes()


def in_polars(values):
    polars = pytest.importorskip("polars")
    return polars.DataFrame(values, schema=NAMES) if values.ndim == 2 else polars.Series(values)


def in_read_only_file(values):
    """The operating system reads the rows when they are needed; nobody may write them."""
    path = in_read_only_file.folder / f"{id(values)}.dat"
    values.tofile(path)
    return np.memmap(path, dtype=values.dtype, mode="r", shape=values.shape)


@pytest.fixture(autouse=True)
def folder(tmp_path):
    in_read_only_file.folder = tmp_path


FORMS = {
    "pandas": in_pandas,
    "nullable pandas": in_nullable_pandas,
    "polars": in_polars,
    "file": in_read_only_file,
    "tensor": torch.from_numpy,
    "list": lambda values: values.tolist(),
    "fortran": np.asfortranarray,
    "reversed view": lambda values: values[::-1].copy()[::-1],
}


def assert_same_fit(net, other):
    assert net.weights_.dtype == other.weights_.dtype
    assert_array_equal(net.weights_, other.weights_)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", CASES)
def test_the_form_of_the_rows_does_not_matter(kind, form):
    make, y = CASES[kind]
    known = make(**BRIEF).fit(X, y)
    rows, given = FORMS[form](X), FORMS[form](y)
    net = make(**BRIEF).fit(rows, given)
    assert_same_fit(net, known)
    assert_array_equal(net.predict(rows), known.predict(X))
    # scikit-learn 1.6 compares no tensors in its scores.
    assert net.score(rows, y if form == "tensor" else given) == known.score(X, y)
    assert_array_equal(net.predict_dist(rows).log_prob(given), known.predict_dist(X).log_prob(y))


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_all_else_does_not_matter(form):
    """Weights, exposures, validation rows; with the library's own recipe, and in increments."""
    weight, years, counts = rng.uniform(1, 2, 60), rng.uniform(1, 2, 60), np.round(np.exp(Y / 9))
    net = {"distribution": "poisson", "hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}

    def fit(form):
        rows, y, w, time = map(form, (X, counts, weight, years))
        fitted = NLLRegressor(**net).fit(
            rows,
            y,
            sample_weight=w,
            exposure=time,
            X_val=rows,
            y_val=y,
            sample_weight_val=w,
            exposure_val=time,
        )
        return fitted.partial_fit(rows, y, w, exposure=time), rows, time

    known, *_ = fit(np.asarray)
    found, rows, time = fit(FORMS[form])
    assert_same_fit(found, known)
    assert_array_equal(found.predict(rows, exposure=time), known.predict(X, exposure=years))


@pytest.mark.parametrize("form", ["pandas", "polars", "file", "tensor", "fortran"])
@pytest.mark.parametrize("kind", CASES)
def test_float32_is_kept_in_any_form(kind, form):
    make, y = CASES[kind]
    known = make(**BRIEF).fit(X.astype(np.float32), y)
    net = make(**BRIEF).fit(FORMS[form](X.astype(np.float32)), y)
    assert known.weights_.dtype == np.float32
    assert_same_fit(net, known)
    assert_array_equal(net.predict(FORMS[form](X.astype(np.float32))), known.predict(X))


@pytest.mark.parametrize("dtype", [int, np.int8, np.uint16, bool, np.float16, object])
@pytest.mark.parametrize("form", ["array", "pandas", "tensor"])
def test_other_numbers_are_computed_in_float64(dtype, form):
    if form == "tensor" and dtype in (object, np.uint16):
        pytest.skip("no tensor holds these, or torch knows few of their operations")
    values = np.abs(X).astype(dtype)
    known = plain_regressor(**BRIEF).fit(values.astype(float), Y)
    rows = {**FORMS, "array": np.asarray}[form](values)
    assert_same_fit(plain_regressor(**BRIEF).fit(rows, Y), known)
    assert known.weights_.dtype == np.float64


def test_rows_in_a_file_are_left_as_they_are(tmp_path):
    path = tmp_path / "rows.dat"
    X.tofile(path)
    rows = np.memmap(path, dtype=float, mode="r+", shape=X.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NLLRegressor(max_iter=3, random_state=0).fit(rows, Y).predict(rows)
    assert_array_equal(rows, X)


@pytest.mark.parametrize("form", ["pandas", "polars"])
@pytest.mark.parametrize("kind", CASES)
def test_names_of_columns_are_checked(kind, form):
    make, y = CASES[kind]
    frame = FORMS[form](X)
    net = make(**BRIEF).fit(frame, y)
    assert_array_equal(net.feature_names_in_, NAMES)
    with pytest.raises(ValueError, match="feature names should match"):
        net.predict(frame[NAMES[::-1]])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        net.predict(X)


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_transformers_may_hand_on_frames(output):
    frame = FORMS[output](X)
    model = make_pipeline(StandardScaler(), plain_regressor(**BRIEF))
    known = model.fit(X, Y).predict(X)
    with config_context(transform_output=output):
        assert_allclose(model.fit(frame, Y).predict(frame), known, rtol=1e-9)
    assert_array_equal(model[-1].feature_names_in_, NAMES)
    model.set_output(transform=output).fit(frame, Y)
    assert_allclose(model.predict(frame), known, rtol=1e-9)


@pytest.mark.parametrize("form", ["pandas", "nullable pandas", "polars"])
def test_missing_values_of_frames_are_nan(form):
    gap = X.copy()
    gap[7, 1] = np.nan
    rows = FORMS[form](gap)
    if form == "polars":
        rows = rows.fill_nan(None)
    known = NLLRegressor(**BRIEF).fit(gap, Y)
    net = NLLRegressor(**BRIEF).fit(rows, Y)
    assert_allclose(net.predict(rows), known.predict(gap), rtol=1e-12)


def test_a_tensor_with_a_gradient_says_what_to_do():
    rows = torch.from_numpy(X).requires_grad_()
    with pytest.raises(ValueError, match=r"X must hold numbers .* Tensor .*\.detach\(\)"):
        plain_regressor(**BRIEF).fit(rows, Y)
