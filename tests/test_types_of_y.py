"""A y keeps its type: labels come back as they were given, and what is no label says so."""

import datetime
from decimal import Decimal

import numpy as np
import pytest
import torch
from plain import plain_classifier, plain_ranker, plain_regressor

from sklnll import NLLClassifier
from sklnll.distributions import Categorical, Ordinal
from sklnll.metrics import brier_score, d2_score, neg_nll_scorer

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning"),  # of frames
]

N = 30
CODES = np.arange(N) % 3
X = np.random.default_rng(0).normal(size=(N, 2)) + 2 * CODES[:, None]
BIG = 20240310000000001  # beyond 2**53: float64 merges it with its neighbors
DAYS = [datetime.date(2024, 3, day) for day in (9, 10, 11)]


def each(labels):
    """One of the labels for each row, as a list."""
    return [labels[code] for code in CODES]


def of_pandas():
    """Labels of pandas, and as a list of Python what they should come back as."""
    pd = pytest.importorskip("pandas")
    big, names = [BIG, BIG + 1, BIG + 2], ["low", "mid", "top"]
    return {
        "Int64": (pd.Series(each([3, 1, 2]), dtype="Int64"), int),
        "big Int64": (pd.Series(each(big), dtype="Int64"), int),
        "UInt64": (pd.Series(each([2**64 - k for k in (3, 2, 1)]), dtype="UInt64"), int),
        "boolean": (pd.Series(each([True, False, True]), dtype="boolean"), bool),
        "string": (pd.Series(each(names), dtype="string"), str),
        "categories": (pd.Series(each(names), dtype="category"), str),
        "big categories": (pd.Categorical(pd.array(each(big), dtype="Int64")), int),
        "Index": (pd.Index(each(big), dtype="Int64"), int),
        "frame": (pd.DataFrame({"label": pd.array(each(big), dtype="Int64")}), int),
        "frame of truths": (
            pd.DataFrame({"label": pd.array(each([True, False, True]), dtype="boolean")}),
            bool,
        ),
        "objects": (pd.Series(each(big), dtype=object), int),
        "dates": (pd.Series(pd.to_datetime(each(DAYS))), datetime.datetime),
        "zone": (pd.Series(pd.to_datetime(each(DAYS), utc=True)), pd.Timestamp),
        "periods": (pd.Series(pd.PeriodIndex(each(DAYS), freq="D")), pd.Period),
    }


def of_polars():
    pl = pytest.importorskip("polars")
    names = ["low", "mid", "top"]
    return {
        "polars Enum": (pl.Series(each(names), dtype=pl.Enum(names)), str),
        "polars Categorical": (pl.Series(each(names), dtype=pl.Categorical), str),
        "polars Boolean": (pl.Series(each([True, False, True])), bool),
        "polars Int64": (pl.Series(each([BIG, BIG + 1, BIG + 2])), int),
        "polars UInt64": (
            pl.Series(each([2**64 - k for k in (3, 2, 1)]), dtype=pl.UInt64),
            int,
        ),
        "polars Date": (pl.Series(each(DAYS)), datetime.date),
        "polars frame": (pl.DataFrame({"label": each([BIG, BIG + 1, BIG + 2])}), int),
    }


def of_others():
    return {
        "list": (each([BIG, BIG + 1, BIG + 2]), int),
        "huge": (each([2**70, 2**70 + 1, 2**70 + 2]), int),
        "huge and negative": (each([2**63 + 1, 2**63 + 2, -1]), int),
        "objects": (np.array(each([BIG, BIG + 1, BIG + 2]), dtype=object), int),
        "truths": (np.array(each([True, False, True]), dtype=object), bool),
        "numpy text": (np.array(each(["low", "mid", "top"])), str),
        "variable text": (np.array(each(["low", "mid", "top"]), np.dtypes.StringDType()), str),
        "numpy truth": (np.array(each([True, False, True])), bool),
        "numpy days": (np.array(each(DAYS), dtype="M8[D]"), datetime.date),
        "numpy hours": (np.array(each([1, 2, 3]), dtype="m8[h]"), datetime.timedelta),
        "days": (each(DAYS), datetime.date),
        "Decimal": (each([Decimal("0.1"), Decimal("0.2"), Decimal("0.3")]), Decimal),
        "tensor": (torch.tensor(each([BIG, BIG + 1, BIG + 2])), int),
        "bfloat16": (torch.tensor(each([1.0, 2.0, 3.0]), dtype=torch.bfloat16), float),
        "gradient": (torch.tensor(each([1.0, 2.0, 3.0]), requires_grad=True), float),
    }


FORMS = [
    *((of_pandas, name) for name in of_pandas()),
    *((of_polars, name) for name in of_polars()),
    *((of_others, name) for name in of_others()),
]


def plainly(y):
    """As a list of Python's own objects, by the library that y is of."""
    if hasattr(y, "columns"):
        y = y["label"]
    return y.tolist() if hasattr(y, "tolist") else list(y)


def brief(**params):
    return plain_classifier(hidden_layer_sizes=(), max_iter=3, random_state=0, **params)


@pytest.mark.parametrize(("forms", "name"), FORMS, ids=[name for _, name in FORMS])
def test_labels_come_back_as_they_were_given(forms, name):
    y, kind = forms()[name]
    expected = plainly(y)
    classes = sorted(set(expected))
    as_list = list(dict.fromkeys(expected))
    nets = [brief().fit(X, y, X_val=X, y_val=y), brief().partial_fit(X, y, classes=as_list)]
    for net in nets:
        assert net.classes_.tolist() == classes
        labels = net.predict(X).tolist()
        assert {type(label) for label in labels} == {kind}
        right = np.mean([label == true for label, true in zip(labels, expected, strict=True)])
        assert net.score(X, y) == pytest.approx(right, rel=1e-12)
        places = [classes.index(label) for label in expected]
        log_prob = net.predict_log_proba(X)[np.arange(N), places]
        np.testing.assert_allclose(net.predict_dist(X).log_prob(y), log_prob, rtol=1e-12)
        assert neg_nll_scorer(net, X, y) == pytest.approx(log_prob.mean(), rel=1e-12)
        assert np.isfinite(brier_score(y, net.predict_dist(X)))
        assert np.isfinite(d2_score(y, net.predict_dist(X)))
    np.testing.assert_array_equal(nets[0].classes_, nets[1].classes_)
    assert nets[0].classes_.dtype == nets[1].classes_.dtype


@pytest.mark.parametrize(("forms", "name"), FORMS, ids=[name for _, name in FORMS])
def test_class_weights_are_found_by_the_labels(forms, name):
    y, _ = forms()[name]
    labels = list(dict.fromkeys(plainly(y)))
    weight = {label: 1.0 + 3 * (place == 1) for place, label in enumerate(labels)}
    by_row = [weight[label] for label in plainly(y)]
    weighted = brief(class_weight=weight).fit(X, y)
    np.testing.assert_array_equal(weighted.weights_, brief().fit(X, y, by_row).weights_)


def test_class_weights_by_numbers_spelled_as_text():
    y = np.array(each(["1", "2", "3"]))
    weighted = brief(class_weight={"1": 3, "2": 1}).fit(X, y)
    np.testing.assert_array_equal(
        weighted.weights_, brief().fit(X, y, np.where(y == "1", 3, 1)).weights_
    )
    with pytest.raises(ValueError, match=r"\['1', '2', '3'\], are not in class_weight.*in their"):
        brief(class_weight={1: 3, 2: 1}).fit(X, y)


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        ("Int64", [3, 1, 2]),
        ("boolean", [True, False]),
        ("big Int64", [BIG + 2, BIG, BIG + 1]),
        ("dates", DAYS[::-1]),
    ],
)
def test_an_ordinal_family_finds_the_labels_that_it_lists(labels, order):
    y, kind = of_pandas()[labels]
    order = [np.datetime64(day) for day in order] if labels == "dates" else order
    net = brief(distribution=Ordinal(order=order)).fit(X, y)
    assert net.classes_.dtype == brief().fit(X, y).classes_.dtype
    assert [type(label) for label in net.predict(X).tolist()] == [kind] * N
    assert net.classes_.tolist() == np.array(order).astype(net.classes_.dtype).tolist()


def test_enumerations_of_polars_have_an_order():
    pl = pytest.importorskip("polars")
    names = ["top", "low", "mid", "none"]
    y = pl.Series(each(names), dtype=pl.Enum(names))
    for given in (y, y.to_frame("label")):
        assert brief(distribution="ordinal").fit(X, given).classes_.tolist() == names


# What is no label --------------------------------------------------------------------------------


def missing_labels():
    pd = pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    some, dates = (
        each(["low", None, "top"]),
        pd.to_datetime(pd.Series(each([DAYS[0], None, DAYS[1]]))),
    )
    return {
        "None": (some, "None at row 1"),
        "NaN": (each([1.0, np.nan, 2.0]), "NaN at row 1"),
        "NaN among text": (each(["low", np.nan, "top"]), "NaN at row 1"),
        "objects": (np.array(each([1, None, 2]), dtype=object), "None at row 1"),
        "Int64": (pd.Series(each([1, None, 2]), dtype="Int64"), "<NA> at row 1"),
        "boolean": (pd.Series(each([True, None, False]), dtype="boolean"), "<NA> at row 1"),
        "category": (pd.Series(some, dtype="category"), "None at row 1"),
        "NaT": (dates, "NaT at row 1"),
        "polars": (pl.Series(each([1, None, 2])), "None at row 1"),
        "polars text": (pl.Series(some), "None at row 1"),
        "masked": (np.ma.array(CODES, mask=CODES == 1), "None at row 1"),
    }


@pytest.mark.parametrize("name", missing_labels())
def test_a_missing_label_is_named(name):
    y, message = missing_labels()[name]
    with pytest.raises(ValueError, match=f"y must not be missing; found {message}.*10 of 30"):
        NLLClassifier().fit(X, y)
    net = brief().fit(X, CODES)
    with pytest.raises(ValueError, match=f"y_val must not be missing; found {message}"):
        NLLClassifier().fit(X, CODES, X_val=X, y_val=y)
    with pytest.raises(ValueError, match=f"y_true must not be missing; found {message}"):
        neg_nll_scorer(net, X, y)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["low", 1, 2], r"found text, as 'low' at row 0, and numbers, as 1 at row 1"),
        ([1, 2, "top"], r"found numbers, as 1 at row 0, and text, as 'top' at row 2"),
        ([True, "no", False], r"found numbers, as True at row 0, and text, as 'no' at row 1"),
        ([DAYS[0], "no", DAYS[1]], r"found dates, as .* and text, as 'no' at row 1"),
        ([Decimal(1), 2, 3], r"found objects of type Decimal, as .* and numbers, as 2 at row 1"),
        ([b"low", b"mid", b"top"], "bytes. Decode them"),
        ([1j, 2j, 3j], "Complex data not supported: y holds complex128"),
        ([{1}, {2}, {3}], "type set, which cannot be put in order"),
    ],
)
def test_labels_that_are_none_are_told_why(labels, message):
    for y in (each(labels), np.fromiter(each(labels), dtype=object)):
        if np.iscomplexobj(labels) and not isinstance(y, list):
            continue
        with pytest.raises(ValueError, match=message):
            NLLClassifier().fit(X, y)
    with pytest.raises(ValueError, match=message.replace("y holds", "classes holds")):
        NLLClassifier().partial_fit(X, each(labels), classes=labels)


@pytest.mark.parametrize(
    "y", [{"a": 1}, (label for label in CODES), {1, 2}], ids=["dict", "generator", "set"]
)
def test_what_has_no_rows_says_so(y):
    with pytest.raises(ValueError, match=r"y must hold labels, one for each row of X; got an obj"):
        NLLClassifier().fit(X, y)


def test_a_score_of_labels_of_another_kind_is_no_number():
    net = brief().fit(X, CODES)
    with pytest.raises(ValueError, match=r"y must hold labels like those of fit, numbers such as"):
        net.score(X, CODES.astype(str))
    assert net.score(X, CODES + 10) == 0


def test_indicators_and_probabilities_may_be_nullable():
    pd = pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    indicators = np.eye(3, dtype=int)[CODES]
    columns = dict(zip("abc", indicators.T, strict=True))
    expected = brief().fit(X, indicators)
    for frame in (
        pd.DataFrame(columns).astype("boolean"),
        pd.DataFrame(columns).astype("Int64"),
        pd.DataFrame(columns).astype({"a": "boolean", "b": "Int64"}),
        pl.DataFrame(columns).cast(pl.Boolean),
    ):
        net = brief().fit(X, frame)
        np.testing.assert_array_equal(net.weights_, expected.weights_)
        assert net.score(X, frame) == expected.score(X, indicators)
        assert neg_nll_scorer(net, X, frame) == neg_nll_scorer(expected, X, indicators)
    soft = brief(distribution=Categorical(soft_targets=True))
    shares = pd.DataFrame(columns).astype("Float64")
    net = soft.fit(X, shares)
    assert net.classes_.tolist() == list("abc")
    np.testing.assert_allclose(
        net.predict_dist(X).log_prob(shares), net.predict_dist(X).log_prob(indicators)
    )


# Numbers -----------------------------------------------------------------------------------------


def no_numbers():
    pd = pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    return {
        "dates": (pd.Series(pd.to_datetime(each(DAYS))), "dates"),
        "durations": (np.array(each([1, 2, 3]), dtype="m8[h]"), "durations"),
        "periods": (pd.Series(pd.PeriodIndex(each(DAYS), freq="D")), "periods"),
        "text": (each(["1.5", "2.5", "3.5"]), "text"),
        "polars text": (pl.Series(each(["1.5", "2.5", "3.5"])), "text"),
        "polars date": (pl.Series(each(DAYS)), "dates"),
        "complex": (np.array(each([1j, 2j, 3j])), "complex numbers"),
        "objects": (np.array(each([1.0, DAYS[0], 2.0]), dtype=object), "dates"),
    }


@pytest.mark.parametrize("name", no_numbers())
def test_a_y_that_is_no_number_is_refused_wherever_it_is_read(name):
    y, kind = no_numbers()[name]
    net = plain_regressor(hidden_layer_sizes=(), max_iter=2).fit(X, CODES.astype(float))
    dist = net.predict_dist(X)
    calls = {
        "y": [
            lambda: plain_regressor().fit(X, y),
            lambda: plain_regressor().partial_fit(X, y),
            lambda: plain_ranker().fit(X, y),
            lambda: net.score(X, y),
            *(lambda m=m: getattr(dist, m)(y) for m in ("cdf", "logpdf", "crps", "contains")),
        ],
        "y_val": [lambda: plain_regressor().fit(X, CODES, X_val=X, y_val=y)],
        "y_true": [lambda: neg_nll_scorer(net, X, y), lambda: d2_score(y, dist)],
    }
    for argument, every in calls.items():
        for call in every:
            with pytest.raises(ValueError, match=rf"\b{argument} must be numbers; .*holds {kind}"):
                call()


def test_missing_numbers_are_named_as_such():
    pd = pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    some = each([1.0, None, 2.0])
    for y in (some, pd.Series(some, dtype="Float64"), pl.Series(some), np.array(some, object)):
        with pytest.raises(ValueError, match=r"y must not contain NaN .* found nan at row 1"):
            plain_regressor().fit(X, y)
