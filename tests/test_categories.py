"""Columns of categories and gaps go into `fit` as they are, and mean what they say."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import OneHotEncoder

from sklnll import NLLClassifier, NLLRanker, NLLRegressor

pd = pytest.importorskip("pandas")

N = 60
rng = np.random.default_rng(0)
SIZE = rng.normal(size=N)
AREA = rng.permutation(np.array(["north", "south", "west"]).repeat(N // 3))
EFFECT = {"north": 0.0, "south": 2.0, "west": -1.0}
Y = SIZE + np.array([EFFECT[area] for area in AREA]) + 0.1 * rng.normal(size=N)
FRAME = pd.DataFrame({"size": SIZE, "area": AREA})
BRIEF = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 1e-3, "random_state": 0}
ESTIMATORS = {
    NLLRegressor: Y,
    NLLClassifier: (Y > 0).astype(int),
    NLLRanker: rng.normal(size=(N, 3)).argsort(axis=1),
}


def objects(values):
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    return array


FORMS = {
    "object": lambda: FRAME.astype({"area": object}),
    "string": lambda: FRAME.astype({"area": "string"}),
    "category": lambda: FRAME.astype({"area": "category"}),
    "unused category": lambda: FRAME.assign(
        area=pd.Categorical(AREA, ["west", "nowhere", "south", "north"])
    ),
    "polars": lambda: pytest.importorskip("polars").DataFrame({"size": SIZE, "area": AREA}),
    "polars category": lambda: polars_categories(FRAME),
}


def polars_categories(frame):
    polars = pytest.importorskip("polars")
    return polars.DataFrame({"size": SIZE, "area": polars.Series(AREA, dtype=polars.Categorical)})


@pytest.mark.parametrize("form", FORMS)
def test_text_and_categories_are_the_same_in_each_form(form):
    known = NLLRegressor(**BRIEF).fit(FRAME, Y)
    net = NLLRegressor(**BRIEF).fit(FORMS[form](), Y)
    assert_array_equal(net.predict(FORMS[form]()), known.predict(FRAME))
    assert_array_equal(net.feature_names_in_, ["size", "area"])


@pytest.mark.parametrize("chosen", [["area"], [1], [False, True], np.array([1], np.int8)])
def test_columns_may_be_chosen_by_name_place_or_mask(chosen):
    known = NLLRegressor(**BRIEF).fit(FRAME, Y).predict(FRAME)
    net = NLLRegressor(categorical_features=chosen, **BRIEF).fit(FRAME, Y)
    assert_array_equal(net.predict(FRAME), known)


def test_numbers_may_be_categories():
    codes = pd.factorize(AREA)[0] * 10
    rows = np.column_stack([SIZE, codes])
    known = NLLRegressor(**LINEAR).fit(FRAME, Y).predict(FRAME)
    net = NLLRegressor(categorical_features=[1], **LINEAR).fit(rows, Y)
    assert_allclose(net.predict(rows), known, rtol=1e-6)
    as_text = NLLRegressor(**LINEAR).fit(pd.DataFrame({"size": SIZE, "area": codes.astype(str)}), Y)
    assert as_text.weights_.shape == net.weights_.shape


@pytest.mark.parametrize("hidden", [(), (4,)])
def test_a_category_is_a_column_for_each_level(hidden):
    """As scikit-learn encodes it, the most frequent level first, or the first by its name."""
    params = {**LINEAR, "hidden_layer_sizes": hidden, "max_iter": 20}
    dummies = OneHotEncoder(sparse_output=False).fit_transform(FRAME[["area"]])
    rows = np.column_stack([SIZE, dummies])
    known = NLLRegressor(**params).fit(rows, Y)
    net = NLLRegressor(**params).fit(FRAME, Y)
    assert_allclose(net.predict(FRAME), known.predict(rows), rtol=1e-6)
    assert_allclose(net.coefs_[0], known.coefs_[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_each_estimator_takes_frames_with_gaps(cls):
    frame = FRAME.assign(age=np.where(SIZE > 1, np.nan, SIZE**2))
    frame.loc[:6, "area"] = None
    net = cls(**BRIEF).fit(frame, ESTIMATORS[cls])
    assert np.isfinite(net.weights_).all()
    assert net.__sklearn_tags__().input_tags.allow_nan
    assert net.__sklearn_tags__().input_tags.categorical
    assert len(net.predict(frame)) == N


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_categories_are_a_level(missing):
    gap = FRAME.assign(area=objects(AREA))
    gap.loc[gap["area"] == "south", "area"] = missing
    known = NLLRegressor(**BRIEF).fit(FRAME, Y).predict(FRAME)
    net = NLLRegressor(**BRIEF).fit(gap, Y)
    # The level "missing" comes last among the inputs, which changes the draws of weights alone.
    assert net.weights_.shape == NLLRegressor(**BRIEF).fit(FRAME, Y).weights_.shape
    linear = NLLRegressor(**LINEAR)
    assert_allclose(linear.fit(gap, Y).predict(gap), linear.fit(FRAME, Y).predict(FRAME), rtol=1e-3)
    assert len(known) == N


def test_missing_numbers_stand_in_the_middle_with_an_indicator():
    """As scikit-learn imputes them."""
    from sklearn.impute import SimpleImputer

    rows = np.column_stack([SIZE, np.where(rng.uniform(size=N) < 0.3, np.nan, SIZE**2)])
    imputer = SimpleImputer(add_indicator=True)
    imputed = imputer.fit_transform(rows)
    net, known = NLLRegressor(**LINEAR).fit(rows, Y), NLLRegressor(**LINEAR).fit(imputed, Y)
    assert_allclose(net.predict(rows), known.predict(imputed), rtol=1e-6)
    assert_allclose(net.coefs_[0], known.coefs_[0], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("column", ["all", "some"])
def test_a_column_or_a_row_without_numbers_is_no_catastrophe(solver, column):
    rows = np.column_stack([SIZE, SIZE**2, rng.normal(size=N)])
    if column == "all":
        rows[:, 2] = np.nan
    rows[3] = np.nan
    net = NLLRegressor(hidden_layer_sizes=(4,), solver=solver, max_iter=50, random_state=0)
    dist = net.fit(rows, Y).predict_dist(rows)
    assert np.isfinite(dist.logpdf(Y)).all()
    assert dist.novelty[3] == 0


def test_what_was_never_missing_is_unknown_where_it_is():
    net = NLLRegressor(random_state=0, max_iter=100).fit(FRAME, Y)
    new = pd.DataFrame({"size": [np.nan, 0.0, 0.0], "area": ["north", "east", None]})
    dist = net.predict_dist(new)
    assert_array_equal(dist.novelty, np.inf)
    null = NLLRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(np.zeros((N, 1)), Y)
    assert (dist.std() > 2 * net.predict_dist(FRAME).std().mean()).all()
    assert (dist.std() < 2 * null.predict_dist(np.zeros((1, 1))).std()).all()


def test_rare_and_unseen_levels_share_one():
    area = AREA.copy()
    area[:4] = ["one", "two", "three", "four"]
    frame = FRAME.assign(area=area)
    net = NLLRegressor(**BRIEF).fit(frame, Y)
    new = pd.DataFrame({"size": [0.0] * 3, "area": ["one", "four", "never seen"]})
    assert len(set(net.predict(new))) == 1
    assert_array_equal(net.predict_dist(new).novelty, 0)


def test_many_levels_are_embedded_and_their_vectors_are_learned():
    levels = rng.integers(0, 100, size=1000)
    effect = rng.normal(size=100)
    frame = pd.DataFrame({"level": np.char.add("level ", levels.astype(str))})
    y = effect[levels] + 0.2 * rng.normal(size=1000)
    net = NLLRegressor(random_state=0, max_iter=60).fit(frame, y)
    (n_codes, width), *_ = net.architecture_.embeddings
    assert 90 <= n_codes <= 101
    assert width == 5
    assert np.mean((net.predict(frame) - effect[levels]) ** 2) < 0.3


def test_repeated_rows_with_gaps_are_weighted_rows():
    frame = FRAME.assign(age=np.where(SIZE > 1, np.nan, SIZE**2))
    weight = rng.integers(0, 3, size=N)
    repeated = frame.loc[frame.index.repeat(weight)].reset_index(drop=True)
    weighted = NLLRegressor(**BRIEF).fit(frame, Y, weight).predict(frame)
    twice = NLLRegressor(**BRIEF).fit(repeated, np.repeat(Y, weight)).predict(frame)
    assert_array_equal(weighted, twice)


def test_the_order_of_rows_does_not_matter():
    order = rng.permutation(N)
    first = NLLRegressor(**BRIEF).fit(FRAME, Y)
    second = NLLRegressor(**BRIEF).fit(FRAME.iloc[order], Y[order])
    assert_array_equal(first.predict(FRAME), second.predict(FRAME))


def test_increments_know_the_levels_of_the_first():
    net = NLLRegressor(**{**BRIEF, "max_iter": 1}).partial_fit(FRAME[:30], Y[:30])
    net.partial_fit(FRAME[30:].assign(area="elsewhere"), Y[30:])
    assert np.isfinite(net.predict(FRAME)).all()


def text_of_no_categories():
    days = pd.date_range("2024-01-01", periods=N)
    return {
        "dates": days.strftime("%Y-%m-%d"),
        "days first": days.strftime("%d/%m/%Y"),
        "with times": days.strftime("%Y-%m-%d %H:%M:%S"),
        "names": [f"name of the {k}th" for k in range(N)],
    }


@pytest.mark.parametrize("name", text_of_no_categories())
def test_text_of_no_categories_is_named(name):
    values = text_of_no_categories()[name]
    frame = FRAME.assign(note=values)
    with pytest.raises(ValueError, match=r"column 'note' holds .*skrub\.tabular_pipeline"):
        NLLRegressor().fit(frame, Y)
    declared = frame.astype({"note": "category"})
    assert NLLRegressor(**BRIEF).fit(declared, Y).predict(declared).shape == (N,)


def test_a_column_that_changes_its_kind_is_named():
    net = NLLRegressor(**BRIEF).fit(FRAME, Y)
    with pytest.raises(ValueError, match=r"column 'area' held categories of text .*numbers"):
        net.predict(FRAME.assign(area=1.0))
    with pytest.raises(ValueError, match=r"column 'size' holds text"):
        net.predict(FRAME.assign(size="large"))
    with pytest.raises(ValueError, match=r"feature names"):
        net.predict(FRAME[["area", "size"]])
    with pytest.raises(ValueError, match=r"feature names|features"):
        net.predict(FRAME[["size"]])


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ([1.5], "must be an array-like of bool, int or str, got: float64"),
        ([-1], "must be in \\[0, n_features - 1\\]"),
        ([2], "must be in \\[0, n_features - 1\\]"),
        ([True], "boolean mask must have shape"),
        (["nothing"], "'nothing' which is not a valid feature name"),
        (objects(["area", 1]), "must be an array-like of bool, int or str, got: int, str"),
    ],
)
def test_a_choice_that_does_not_fit_is_named(chosen, message):
    with pytest.raises(ValueError, match=message):
        NLLRegressor(categorical_features=chosen).fit(FRAME, Y)
    if isinstance(chosen[0], str):
        with pytest.raises(ValueError, match="integers or as a boolean mask"):
            NLLRegressor(categorical_features=["size"]).fit(np.ones((N, 2)), Y)


def test_two_values_are_zero_and_one():
    """However rare one of them is, and whatever they are."""
    rare = (np.arange(N) < 5).astype(float)
    net = NLLRegressor(**BRIEF).fit(np.column_stack([SIZE, 3 + 2 * rare]), Y)
    scaling = net.input_scaling_
    assert (scaling.center[1], scaling.unit[1]) == (3, 2)
    assert net.architecture_.waves == (0,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_codes_alone_are_computed_in_the_precision_of_x(dtype):
    codes = pd.factorize(AREA)[0].astype(dtype)[:, None]
    net = NLLRegressor(categorical_features=[0], **BRIEF).fit(codes, Y)
    assert net.weights_.dtype == (np.float32 if dtype == np.float32 else np.float64)
    assert NLLRegressor(**BRIEF).fit(FRAME[["area"]], Y).weights_.dtype == np.float64
