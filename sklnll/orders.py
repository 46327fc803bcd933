"""In which forms is a ranking written, and how much do two rankings agree?

An *order* lists items 0, ..., K - 1, best first; a partial one ends in -1. *Ranks* say for each
item which place it has, 1 for the best.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

UNRANKED = -1


def ranks_to_orders(ranks: ArrayLike) -> np.ndarray:
    """Turn ranks, the place of each item, into orders, the item at each place.

    Parameters
    ----------
    ranks : array-like of shape (n_samples, n_items)
        1 for each row's best item, 2 for the next, ..., each once. NaN or -1 for items without
        a rank, which come after all others in no known order.

    Returns
    -------
    ndarray of int, of shape (n_samples, n_items)
        Items 0, ..., n_items - 1, best first, then -1 for each item without a rank: the y of
        `NLLRanker`.

    Raises
    ------
    ValueError
        If two items share a rank, or a rank is missing, is no whole number or is below 1; the
        message names the row.

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll import ranks_to_orders
    >>> ranks_to_orders([[2, 3, 1], [np.nan, 1, np.nan]])
    array([[ 2,  0,  1],
           [ 1, -1, -1]])
    """
    table = _as_table(ranks, "ranks")
    table = np.where(np.isnan(table), UNRANKED, table)
    ranked = table != UNRANKED
    _check_ranks(table, ranked)
    order = np.argsort(np.where(ranked, table, np.inf), axis=1, kind="stable")
    return np.where(np.arange(table.shape[1]) < ranked.sum(axis=1, keepdims=True), order, UNRANKED)


def orders_to_ranks(orders: ArrayLike) -> np.ndarray:
    """Turn orders, the item at each place, into ranks, the place of each item.

    Parameters
    ----------
    orders : array-like of shape (n_samples, n_items)
        Items 0, ..., n_items - 1, best first; a partial ranking ends in -1.

    Returns
    -------
    ndarray of int, of shape (n_samples, n_items)
        1 for the best item; -1 for items that the order does not list.

    Raises
    ------
    ValueError
        If a row is no order; the message names it.

    Examples
    --------
    >>> from sklnll import orders_to_ranks
    >>> orders_to_ranks([[2, 0, 1], [1, -1, -1]])
    array([[ 2,  3,  1],
           [-1,  1, -1]])
    """
    table = _as_table(orders, "orders")
    check_orders(table, "orders")
    n_items = table.shape[1]
    place = places(table)
    return np.where(place < n_items, place + 1, UNRANKED)


def kendall_tau(orders: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Compute Kendall's tau of each row: the share of pairs in the right order less the others'.

    A partial ranking decides the pairs of two listed items, and those of a listed and an unlisted
    one; only these are counted.

    Parameters
    ----------
    orders : ndarray of shape (n_samples, n_items)
        What was observed, full or partial.
    predicted : ndarray of shape (n_samples, n_items)
        Full orders.

    Returns
    -------
    ndarray of shape (n_samples,)
        1 where all decided pairs are in the right order, -1 where none is.

    References
    ----------
    M. G. Kendall (1938). A new measure of rank correlation. doi:10.1093/biomet/30.1-2.81
    """
    first, second = np.triu_indices(orders.shape[1], k=1)
    observed, expected = places(orders), places(predicted)
    decided = np.sign(observed[:, first] - observed[:, second])
    agreement = decided * np.sign(expected[:, first] - expected[:, second])
    return agreement.sum(axis=1) / np.abs(decided).sum(axis=1)


def places(orders: np.ndarray) -> np.ndarray:
    """Find the place of each item, 0 for the best and n_items for those that are not listed."""
    n_rows, n_items = orders.shape
    place = np.full((n_rows, n_items + 1), n_items)
    item = np.where(orders == UNRANKED, n_items, orders).astype(int)
    np.put_along_axis(place, item, np.arange(n_items)[None], axis=1)
    return place[:, :n_items]


def pad_orders(y: np.ndarray, n_items: int, name: str = "y") -> np.ndarray:
    """Complete orders of the first few places to partial orders of all items, on the last axis."""
    if y.ndim < 2 or not 1 <= y.shape[-1] <= n_items:
        raise ValueError(
            f"{name} must have an order in each row, of at most the {n_items} items seen in fit; "
            f"got shape {y.shape}."
        )
    width = [(0, 0)] * (y.ndim - 1) + [(0, n_items - y.shape[-1])]
    return np.pad(y, width, constant_values=UNRANKED)


def check_orders(orders: np.ndarray, name: str) -> None:
    """Raise a ValueError that names the first row that is no order.

    Parameters
    ----------
    orders : ndarray of shape (..., n_items)
        Places on the last axis.
    name : str
        What the message calls it.
    """
    n_items = orders.shape[-1]
    listed = orders != UNRANKED
    _refuse(
        ~np.isfinite(orders),
        f"{name} must not contain NaN or infinity",
        orders,
        "a partial ranking lists its first places and ends in -1",
    )
    _refuse(orders != np.floor(orders), f"{name} must list items by whole numbers", orders)
    legal = ~listed | ((orders >= 0) & (orders < n_items))
    _refuse(
        ~legal,
        f"{name} must list items 0, ..., {n_items - 1}, as many as it has columns, or end in -1",
        orders,
        _advice(orders, n_items),
    )
    _refuse(
        listed & ~np.logical_and.accumulate(listed, axis=-1),
        f"{name} must list items from the first place on, and -1 only at the end",
        orders,
        "an item comes after a -1",
    )
    _refuse(
        _repeats(orders) & listed,
        f"{name} must list each item once",
        orders,
        "ranks may have ties, orders cannot; ranks_to_orders turns ranks into orders",
    )
    _refuse(
        ~listed[..., :1],
        f"{name} must list at least one item in each row",
        orders,
        "remove rows without a ranking",
    )


def check_order_table(y: np.ndarray, name: str) -> None:
    """Raise a ValueError unless `y` has the shape of orders of two items or more."""
    if y.ndim != 2 or y.shape[1] < 2:
        raise ValueError(
            f"{name} must have shape (n_samples, n_items) with at least 2 items: each row lists "
            f"items 0, ..., n_items - 1, best first; got shape {y.shape}. A single label a row is "
            "a task for NLLClassifier."
        )


def _as_table(values: Any, name: str) -> np.ndarray:
    is_of_pandas = hasattr(values, "iloc")  # whose own missing value numpy cannot read
    table = values.to_numpy(float, na_value=np.nan) if is_of_pandas else np.asarray(values, float)
    if table.ndim != 2:
        raise ValueError(f"{name} must have shape (n_samples, n_items); got {table.shape}.")
    return table


def _check_ranks(ranks: np.ndarray, ranked: np.ndarray) -> None:
    """Raise a ValueError unless each row has the ranks 1, ..., k, each once."""
    _refuse(
        ranked & ~((ranks >= 1) & (ranks == np.floor(ranks)) & np.isfinite(ranks)),
        "ranks must be whole numbers from 1 on, NaN or -1 for items without one",
        ranks,
        "ranks that start at 0 need 1 added",
    )
    _refuse(
        _repeats(ranks) & ranked,
        "ranks must not be shared",
        ranks,
        "break ties first, or give tied last items no rank (NaN)",
    )
    _refuse(
        ranks > ranked.sum(axis=1, keepdims=True),
        "ranks must be 1, ..., k without gaps where k items have one",
        ranks,
        "rank the items of a row anew, or check its best ones for missing ranks",
    )


def _advice(orders: np.ndarray, n_items: int) -> str:
    """Explain how orders with items that do not exist come about."""
    listed = orders[orders != UNRANKED]
    if listed.size and listed.min() >= 1 and listed.max() == n_items:
        return (
            f"with numbers from 1 to {n_items} these look like ranks, which ranks_to_orders turns "
            "into orders, or like items counted from 1: then subtract 1"
        )
    return "a ranking of the first k of many items needs a column of -1 for each further item"


def _repeats(table: np.ndarray) -> np.ndarray:
    """Mark values that stand further left in their row, too."""
    order = np.argsort(table, axis=-1, kind="stable")
    ordered = np.take_along_axis(table, order, axis=-1)
    again = np.zeros(table.shape, dtype=bool)
    np.put_along_axis(again, order[..., 1:], ordered[..., 1:] == ordered[..., :-1], axis=-1)
    return again


def _refuse(wrong: np.ndarray, must: str, table: np.ndarray, advice: str = "") -> None:
    if not wrong.any():
        return
    place = tuple(np.argwhere(wrong)[0])
    raise ValueError(
        f"{must}; found {table[place]:g} at row {place[0]}, column {place[-1]}"
        + (f" ({advice})." if advice else ".")
    )
