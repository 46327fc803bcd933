"""What is no number is never cast to one: the error names the column, its type and a way out."""

import datetime

import numpy as np
import pytest
from plain import plain_classifier, plain_ranker, plain_regressor

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
    for argument, use in {
        "X": lambda: plain_regressor(max_iter=1).fit(given, Y),
        "X_val": lambda: plain_regressor(max_iter=1).fit(known, Y, X_val=given, y_val=Y),
        "X ": lambda: net.predict(given),
        "X  ": lambda: net.partial_fit(given, Y),
    }.items():
        with pytest.raises(ValueError) as told:
            use()
        assert f"{argument.strip()} must be numbers; column 'when' holds {what}" in str(told.value)
        assert str(told.value).endswith(".")
