"""What is no number is never cast to one: the error names the column, its type and a way out."""

import datetime
import pathlib
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from plain import plain_classifier, plain_ranker, plain_regressor
from scipy import sparse

from sklnll import NLLRegressor
from sklnll._data.checks import check_numeric_columns

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 20
rng = np.random.default_rng(0)
NUMBERS = np.arange(N) / 7
Y = rng.normal(size=N)
DAYS = np.datetime64("2024-01-01") + np.arange(N)
SPANS = DAYS - DAYS[0] + np.timedelta64(1, "D")
KINDS = {
    "regressor": (plain_regressor, Y),
    "classifier": (plain_classifier, (Y > 0).astype(int)),
    "ranker": (plain_ranker, rng.normal(size=(N, 3)).argsort(axis=1)),
}


def objects(values):
    array = np.empty(N, dtype=object)
    array[:] = list(values)
    return array


def pandas_columns():
    """Columns of pandas that are no numbers, with what the error calls them."""
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2024-01-01", periods=N)
    return {
        "datetime": (days, "dates (datetime64"),
        "time zone": (days.tz_localize("UTC"), "dates (datetime64"),
        "missing date": (days.where(np.arange(N) > 2), "dates (datetime64"),
        "duration": (days - days[0], "durations (timedelta64"),
        "period": (days.to_period("M"), "periods (period[M], Period:"),
        "interval": (pd.interval_range(0, N), "intervals (interval"),
        "text": (["a", "b"] * 10, "text (str: 'a' at row 0)"),
        "missing text": (
            pd.Series([pd.NA, "b"] * 10, dtype="string"),
            "text (string, str: 'b' at row 1)",
        ),
        "objects of text": (objects([pd.NA, "b"] * 10), "text (str: 'b' at row 1)"),
        "numbers in text": ([str(k) for k in range(N)], "text (str: '0' at row 0)"),
        "bytes": (objects([b"1"] * N), "text (bytes: b'1' at row 0)"),
        "codes": (pd.Categorical(np.arange(N) % 3), "categories (category)"),
        "categories": (pd.Categorical(["a", "b"] * 10), "text (category, str: 'a'"),
        "complex": (NUMBERS + 1j, "complex numbers (complex128)"),
        "objects": (objects([1.0] * 19 + [1j]), "complex numbers (complex: 1j at row 19)"),
        "date": (objects(DAYS.tolist()), "dates (date: datetime.date(2024, 1, 1) at row 0)"),
        "time": (objects([datetime.time(k) for k in range(N)]), "dates (time:"),
        "seldom a date": (objects([1.0, pd.NaT] * 10), "dates (NaTType: NaT at row 1)"),
        "lists": (objects([[1, 2]] * N), "other objects (list: [1, 2] at row 0;"),
    }


@pytest.mark.parametrize("name", pandas_columns())
@pytest.mark.parametrize("beside", [True, False], ids=["beside numbers", "alone"])
def test_a_column_that_is_no_number_is_named(name, beside):
    pd = pytest.importorskip("pandas")
    values, what = pandas_columns()[name]
    given = pd.DataFrame({"size": NUMBERS, "when": values} if beside else {"when": values})
    known = pd.DataFrame(dict.fromkeys(given, NUMBERS))
    net = plain_regressor(max_iter=1).fit(known, Y)
    numbers = plain_regressor(max_iter=1, categorical_features=None)
    for argument, use in {
        "X": lambda: numbers.fit(given, Y),
        "X_val": lambda: plain_regressor(max_iter=1).fit(known, Y, X_val=given, y_val=Y),
        "X ": lambda: net.predict(given),
        "X  ": lambda: net.partial_fit(given, Y),
    }.items():
        with pytest.raises(ValueError) as told:
            use()
        assert f"{argument.strip()} must be numbers; column 'when' holds {what}" in str(told.value)
        assert str(told.value).endswith(".")


def arrays():
    """What is given as a whole and holds no numbers, with what the error calls it."""
    two = np.column_stack
    return {
        "dates": (two([DAYS, DAYS]), "it holds dates (datetime64[D])"),
        "durations": (two([SPANS, SPANS]), "it holds durations (timedelta64[D])"),
        "text": (np.array([["a", "b"]] * N), "it holds text (<U1)"),
        "numbers in text": (np.array([["1", "2"]] * N), "it holds text (<U1)"),
        "bytes": (np.array([[b"1", b"2"]] * N), "it holds text (|S1)"),
        "complex": (np.ones((N, 2)) + 1j, "it holds complex numbers (complex128)"),
        "records": (np.zeros(N, dtype=[("a", float)]), "it holds records"),
        "list": ([[day, 1.0] for day in DAYS.tolist()], "column 0 holds dates (date"),
        "list of text": ([[1.0, "a"]] * N, "column 1 holds text (str: 'a' at row 0)"),
        "list of mappings": (
            [{"a": 1.0}] * N,
            "it holds other objects (dict: {'a': 1.0} at row 0;",
        ),
        "complex tensor": (torch.ones(N, 2) + 1j, "it holds complex numbers (complex64)"),
        "sparse": (sparse.csr_array(np.ones((N, 2)) + 1j), "it holds complex numbers"),
    }


@pytest.mark.parametrize("name", arrays())
@pytest.mark.parametrize("kind", KINDS)
def test_an_array_that_holds_no_numbers_is_refused(kind, name):
    given, what = arrays()[name]
    make, y = KINDS[kind]
    with pytest.raises(ValueError) as told:
        make(max_iter=1).fit(given, y)
    assert f"X must be numbers; {what}" in str(told.value)


def unreadable():
    """What numpy cannot read as rows, with the way out."""
    rows = np.ones((N, 2))
    return {
        "path": (pathlib.Path("table.csv"), ["PosixPath", "pandas.read_csv"]),
        "text": ("table.csv", ["str", "pandas.read_csv"]),
        "generator": ((row for row in rows), ["generator", "numpy.array(list(...))"]),
        "map": (map(list, rows), ["map", "numpy.array(list(...))"]),
        "dictionary": ({"a": [1.0]}, ["dict", "pandas.DataFrame(...)"]),
        "set": ({1.0, 2.0}, ["set", "make a list"]),
        "nothing": (None, ["NoneType"]),
        "function": (len, ["builtin_function"]),
        "ragged list": ([[1.0, 2.0], [1.0]], ["list", "equally long"]),
        "bfloat16": (torch.ones(N, 2).bfloat16(), ["torch.bfloat16", "torch.float64"]),
        "float8": (torch.ones(N, 2).to(torch.float8_e5m2), ["torch.float8_e5m2", "torch.float64"]),
        "no data": (torch.ones(N, 2, device="meta"), ["Tensor", "'cpu'"]),
        "sparse tensor": (torch.ones(N, 2).to_sparse(), ["Tensor", ".to_dense()"]),
    }


@pytest.mark.parametrize("name", unreadable())
def test_what_holds_no_rows_says_what_to_do(name):
    net = plain_regressor(max_iter=1).fit(np.ones((N, 2)), Y)
    for argument, use in {
        "X": lambda given: plain_regressor(max_iter=1).fit(given, Y),
        "X_val": lambda given: plain_regressor().fit(np.ones((N, 2)), Y, X_val=given, y_val=Y),
        "X ": net.predict,
    }.items():
        given, words = unreadable()[name]
        if given is None and argument == "X_val":  # none are given
            continue
        with pytest.raises(ValueError, match=rf"{argument.strip()} must hold numbers") as told:
            use(given)
        for word in words:
            assert word in str(told.value)


def test_a_query_says_to_collect_it():
    polars = pytest.importorskip("polars")
    query = polars.DataFrame({"a": NUMBERS}).lazy()
    with pytest.raises(ValueError, match=r"X must hold numbers.*LazyFrame.*\.collect\(\)"):
        NLLRegressor().fit(query, Y)
    with pytest.raises(ValueError, match=r"sample_weight must hold numbers.*LazyFrame"):
        NLLRegressor().fit(NUMBERS[:, None], Y, query)


@pytest.mark.parametrize(
    ("dtype", "what"),
    [
        ("Date", "dates (Date)"),
        ("Datetime", "dates (Datetime"),
        ("Duration", "durations (Duration"),
        ("Time", "dates (Time, time"),
        ("String", "text (String, str"),
        ("Categorical", "text (Categorical"),
        ("Struct", "(Struct"),
        ("List", "(List"),
        ("Array", "(Array"),
    ],
)
def test_a_column_of_polars_is_named(dtype, what):
    pl = pytest.importorskip("polars")
    days, times = DAYS.tolist(), [datetime.time(k) for k in range(N)]
    columns = {
        "Date": pl.Series(days),
        "Datetime": pl.Series(days).cast(pl.Datetime),
        "Duration": pl.Series(days) - days[0],
        "Time": pl.Series(times),
        "String": pl.Series(["a", None] * 10),
        "Categorical": pl.Series(["a", None] * 10, dtype=pl.Categorical),
        "Struct": pl.Series([{"a": 1}] * N),
        "List": pl.Series([[1.0, 2.0]] * N),
        "Array": pl.Series([[1.0, 2.0]] * N, dtype=pl.Array(pl.Float64, 2)),
    }
    given = pl.DataFrame({"size": NUMBERS, "when": columns[dtype]})
    with pytest.raises(ValueError) as told:
        plain_regressor(max_iter=1, categorical_features=None).fit(given, Y)
    assert "X must be numbers; column 'when' holds" in str(told.value)
    assert what in str(told.value)


@pytest.mark.parametrize(
    "values",
    [
        [Decimal(k) / 7 for k in range(N)],
        [Fraction(k, 7) for k in range(N)],
        [np.float32(k / 7) for k in range(N)],
        objects(NUMBERS),
        NUMBERS.astype(np.longdouble),
    ],
    ids=["Decimal", "Fraction", "float32", "objects", "longdouble"],
)
def test_other_kinds_of_numbers_are_numbers(values):
    pd = pytest.importorskip("pandas")
    expected = np.array([float(value) for value in values])
    known = plain_regressor(max_iter=2, random_state=0).fit(expected[:, None], Y)
    for rows in (pd.DataFrame({"a": objects(values)}), [[value] for value in values]):
        net = plain_regressor(max_iter=2, random_state=0).fit(rows, Y)
        assert_array_equal(net.weights_, known.weights_)


# Weights and exposures ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sample_weight", "exposure"])
@pytest.mark.parametrize(
    ("values", "what"),
    [
        (DAYS, "must be numbers; it holds dates (datetime64[D])"),
        (SPANS, "must be numbers; it holds durations (timedelta64[D])"),
        (["1"] * N, "must be numbers; it holds text (str: '1' at row 0)"),
        (np.array(["2"] * N), "must be numbers; it holds text (<U1)"),
        (np.ones(N) + 1j, "must be numbers; it holds complex numbers (complex128)"),
        (torch.ones(N).bfloat16(), "must hold numbers that numpy can read"),
        ("balanced", "must hold numbers, one for each row of X; got an object of type str"),
        ({0: 1.0}, "must hold numbers, one for each row of X; got an object of type dict"),
        (
            np.ma.masked_array(np.ones(N), mask=np.arange(N) > 6),
            "is a masked array, and 13 of its 20 values are masked, the first at row 7",
        ),
    ],
    ids=["dates", "durations", "list", "text", "complex", "bfloat16", "name", "dict", "masked"],
)
def test_weights_and_exposures_are_numbers(name, values, what):
    counts, rows = np.arange(N) % 4, NUMBERS[:, None]
    one = {"exposure": np.ones(N)} if name == "exposure" else {}
    net = plain_regressor("poisson", max_iter=1).fit(rows, counts, **one)
    fresh = plain_regressor("poisson", max_iter=1)
    given = {**one, **{f"{key}_val": value for key, value in one.items()}}
    validation = {"X_val": rows, "y_val": counts, **given}
    for argument, use in {
        name: lambda: fresh.fit(rows, counts, **{name: values}),
        f"{name}_val": lambda: fresh.fit(rows, counts, **{**validation, f"{name}_val": values}),
        f"{name} ": lambda: net.score(rows, counts, **{name: values}),
    }.items():
        with pytest.raises(ValueError) as told:
            use()
        assert f"{argument.strip()} {what}" in str(told.value)


# Masked arrays -----------------------------------------------------------------------------------


def test_masked_values_are_refused_and_others_are_not():
    pd = pytest.importorskip("pandas")
    rows = np.ma.masked_array(rng.normal(size=(N, 2)), mask=np.zeros((N, 2)))
    assert_array_equal(
        plain_regressor(max_iter=1, random_state=0).fit(rows, Y).weights_,
        plain_regressor(max_iter=1, random_state=0).fit(rows.data, Y).weights_,
    )
    named = plain_regressor(max_iter=1).fit(pd.DataFrame(rows.data, columns=["a", "b"]), Y)
    rows[7, 1] = np.ma.masked
    told = r"X is a masked array, and 1 of its 40 values .* row 7, column"
    with pytest.raises(ValueError, match=told + " 1"):
        plain_regressor().fit(rows, Y)
    with pytest.raises(ValueError, match=told + " 1"):
        plain_regressor().fit(list(rows), Y)
    with pytest.raises(ValueError, match=told + " 'b'"):
        named.predict(rows)
    with pytest.raises(ValueError, match=r"y is a masked array, and 1 of its 20 .* row 3"):
        plain_regressor().fit(rows.data, np.ma.masked_array(Y, mask=np.arange(N) == 3))


# The place ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_what_is_infinite_is_named_by_its_column():
    value, kind = np.inf, "infinity"
    pd = pytest.importorskip("pandas")
    known = pd.DataFrame(rng.normal(size=(N, 2)), columns=["size", "age"])
    bad = known.copy()
    bad.iloc[5, 1] = value
    net = plain_regressor(max_iter=1).fit(known, Y)
    place = f"contains {kind}, .* row 5, column 'age'"
    with pytest.raises(ValueError, match=f"X {place}"):
        plain_regressor().fit(bad, Y)
    with pytest.raises(ValueError, match=f"X_val {place}"):
        plain_regressor().fit(known, Y, X_val=bad, y_val=Y)
    for rows in (bad, bad.to_numpy(), bad.to_numpy().tolist(), sparse.csr_array(bad.to_numpy())):
        with pytest.raises(ValueError, match=f"X {place}"):
            net.predict(rows)
    numbered = known.set_axis([10, 20], axis=1)
    numbered.iloc[5, 1] = value
    with pytest.raises(ValueError, match="row 5, column 20"):
        plain_regressor().fit(numbered, Y)


def test_what_float32_cannot_hold_is_named_by_its_column():
    pd = pytest.importorskip("pandas")
    known = pd.DataFrame(rng.normal(size=(N, 2)).astype("f"), columns=["size", "age"])
    net = plain_regressor(max_iter=1).fit(known, Y)
    far = known.astype(float)
    far.iloc[5, 1] = -1e300
    with pytest.raises(ValueError, match="up to 1e\\+300, at row 5, column 'age', beyond float32"):
        net.predict(far)
    with pytest.raises(ValueError, match="at row 5, column 'age', beyond float32"):
        net.partial_fit(far, Y)


def test_missing_numbers_among_objects_are_missing():
    pd = pytest.importorskip("pandas")
    given = pd.DataFrame({"size": NUMBERS, "age": objects([1.0, pd.NA] * 10)})
    with pytest.raises(ValueError, match=r"X contains NaN: found <NA> at row 1, column 'age'"):
        plain_regressor().fit(given, Y)


def test_a_graph_of_dask_is_computed_once():
    """A stand-in for dask's frames, whose parts need pyarrow."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(rng.normal(size=(N, 2)).astype("f"), columns=["size", "age"])

    class Graph:
        n_computed = 0
        columns, dtypes, iloc = frame.columns, frame.dtypes, frame.iloc

        def __dask_graph__(self):
            return {}

        def compute(self):
            Graph.n_computed += 1
            return frame

        def __array__(self, dtype=None, copy=None):
            raise AssertionError("read twice")

    net = plain_regressor(max_iter=1, random_state=0).fit(Graph(), Y)
    assert Graph.n_computed == 1
    assert net.weights_.dtype == np.float32
    assert_array_equal(net.feature_names_in_, ["size", "age"])
    dask_array = pytest.importorskip("dask.array")
    known = plain_regressor(max_iter=1, random_state=0).fit(frame.to_numpy(), Y)
    lazy = dask_array.from_array(frame.to_numpy())
    net = plain_regressor(max_iter=1, random_state=0).fit(lazy, Y)
    assert_array_equal(net.weights_, known.weights_)


def test_numbers_pass_the_check_as_they_are():
    pd = pytest.importorskip("pandas")
    array, frame = NUMBERS[:, None], pd.DataFrame({"a": NUMBERS})
    assert check_numeric_columns(array, "X") is array
    assert check_numeric_columns(frame, "X") is frame
    assert_array_equal(check_numeric_columns(array.tolist(), "X"), array)
