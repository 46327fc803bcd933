"""Rankings as orders and as ranks, and how they are checked and compared."""

import re

import numpy as np
import pandas as pd
import pytest
from distributions.cases import all_orders
from scipy import stats

from sklnll import orders_to_ranks, ranks_to_orders
from sklnll.orders import check_orders, kendall_tau, pad_orders

NAN = np.nan


def some_orders(n_rows, n_items, seed=0):
    return np.random.default_rng(seed).uniform(size=(n_rows, n_items)).argsort(axis=1)


def refuses(*words):
    return pytest.raises(ValueError, match=".*".join(map(re.escape, words)))


# Ranks and orders ---------------------------------------------------------------------------------


def test_ranks_of_full_orders_are_scipys():
    scores = np.random.default_rng(0).normal(size=(50, 6))
    ranks = stats.rankdata(-scores, axis=1)
    np.testing.assert_array_equal(ranks_to_orders(ranks), np.argsort(-scores, axis=1))
    np.testing.assert_array_equal(orders_to_ranks(np.argsort(-scores, axis=1)), ranks)


@pytest.mark.parametrize("n_items", [1, 2, 3, 4])
def test_ranks_and_orders_are_inverse_for_full_and_partial_rankings(n_items):
    orders = all_orders(n_items)
    ranks = orders_to_ranks(orders)
    np.testing.assert_array_equal(ranks_to_orders(ranks), orders)
    np.testing.assert_array_equal(orders_to_ranks(ranks_to_orders(ranks)), ranks)
    missing = np.where(ranks == -1, NAN, ranks)
    np.testing.assert_array_equal(ranks_to_orders(missing), orders)
    assert ranks.dtype.kind == ranks_to_orders(missing).dtype.kind == "i"


def test_ranks_may_come_in_a_data_frame():
    frame = pd.DataFrame({"tea": [1, 2], "coffee": [2, 1], "water": [3, None]})
    np.testing.assert_array_equal(ranks_to_orders(frame), [[0, 1, 2], [1, 0, -1]])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([1, 1, 2], ["not be shared", "found 1 at row 2, column 1", "break ties"]),
        ([1.5, 1.5, 3], ["whole numbers from 1 on", "found 1.5 at row 2, column 0"]),
        ([0, 1, 2], ["from 1 on", "found 0 at row 2, column 0", "start at 0 need 1 added"]),
        ([1, 2, 4], ["without gaps", "found 4 at row 2, column 2"]),
        ([2, NAN, 3], ["without gaps", "found 3 at row 2, column 2"]),
        ([1, 2, np.inf], ["whole numbers from 1 on", "found inf at row 2, column 2"]),
        ([1, 2, -2], ["found -2 at row 2, column 2"]),
    ],
    ids=str,
)
def test_illegal_ranks_are_named(row, words):
    with refuses("ranks must", *words):
        ranks_to_orders([[1, 2, 3], [3, 1, 2], row])


@pytest.mark.parametrize("convert", [ranks_to_orders, orders_to_ranks])
def test_one_ranking_is_a_row(convert):
    with refuses("must have shape (n_samples, n_items)", "(3,)"):
        convert([1, 2, 0])


# Checks -------------------------------------------------------------------------------------------


def test_orders_full_or_partial_are_legal():
    for n_items in [2, 3, 4]:
        check_orders(all_orders(n_items), "y")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([0, 1, 0], ["each item once", "found 0", "column 2", "ranks may have ties"]),
        ([1, 1, 2], ["each item once", "found 1", "column 1"]),
        ([0, 1, 3], ["items 0, ..., 2", "found 3", "column 2", "column of -1"]),
        ([0, 1, -2], ["items 0, ..., 2", "found -2", "column 2"]),
        ([0, -1, 2], ["-1 only at the end", "found 2", "column 2"]),
        ([-1, 0, 1], ["-1 only at the end", "found 0", "column 1"]),
        ([-1, -1, -1], ["at least one item in each row", "found -1", "column 0", "remove"]),
        ([0, 1.5, 2], ["whole numbers", "found 1.5", "column 1"]),
        ([0, NAN, 2], ["NaN or infinity", "found nan", "column 1", "ends in -1"]),
        ([0, 1, np.inf], ["NaN or infinity", "found inf", "column 2"]),
    ],
    ids=str,
)
def test_illegal_orders_are_named(row, words):
    for orders in ([[0, 1, 2], [2, 1, -1], row], [[[0, 1, 2]], [[2, 1, -1]], [row]]):
        with refuses("y_val must", *words[:2], "at row 2", *words[2:]):
            check_orders(np.array(orders, dtype=float), "y_val")
    with refuses("orders must", *words[:2], "at row 0"):
        orders_to_ranks([row])


def test_numbers_from_1_on_are_told_what_they_look_like():
    words = ["found 3 at row 0, column 1", "from 1 to 3", "ranks_to_orders", "subtract 1"]
    with refuses(*words):
        check_orders(np.array([[1.0, 3.0, 2.0], [2.0, 1.0, -1.0]]), "y")


def test_orders_of_the_first_places_are_completed():
    padded = pad_orders(np.array([[2.0], [0.0]]), 3)
    np.testing.assert_array_equal(padded, [[2, -1, -1], [0, -1, -1]])
    for shape in [(3,), (2, 4), (2, 0)]:
        with refuses("at most the 3 items", str(shape)):
            pad_orders(np.zeros(shape), 3)


# Kendall's tau ------------------------------------------------------------------------------------


def test_tau_of_full_rankings_is_scipys():
    orders, predicted = some_orders(40, 7), some_orders(40, 7, seed=1)
    expected = [
        stats.kendalltau(np.argsort(a), np.argsort(b)).statistic
        for a, b in zip(orders, predicted, strict=True)
    ]
    np.testing.assert_allclose(kendall_tau(orders, predicted), expected, rtol=1e-12)


def test_tau_of_partial_rankings_counts_the_pairs_that_they_decide():
    predicted = some_orders(64, 4)
    orders = all_orders(4)
    expected = []
    for order, guess in zip(orders, predicted, strict=True):
        listed, guess = order[order >= 0].tolist(), guess.tolist()
        missing = [item for item in range(4) if item not in listed]
        pairs = [
            (better, worse)
            for place, better in enumerate(listed)
            for worse in listed[place + 1 :] + missing
        ]
        signs = [1 if guess.index(a) < guess.index(b) else -1 for a, b in pairs]
        expected.append(np.mean(signs))
    np.testing.assert_allclose(kendall_tau(orders, predicted), expected, rtol=1e-12)


def test_tau_of_a_ranking_with_itself_is_1_and_with_its_reverse_minus_1():
    orders = some_orders(10, 5)
    np.testing.assert_array_equal(kendall_tau(orders, orders), 1)
    np.testing.assert_array_equal(kendall_tau(orders, orders[:, ::-1]), -1)
    first_two = np.where(np.arange(5) < 2, orders, -1)
    np.testing.assert_array_equal(kendall_tau(first_two, orders), 1)


def test_ranks_may_be_nullable():
    ranks = pd.DataFrame({"tea": [1, 2], "coffee": [2, 1], "water": [3, None]}).astype("Int64")
    np.testing.assert_array_equal(ranks_to_orders(ranks), [[0, 1, 2], [1, 0, -1]])
