"""Which rows does each member train on, and on which is it judged?"""

import numpy as np
from sklearn.model_selection import train_test_split


def hold_out(
    n_rows: int,
    n_members: int,
    fraction: float,
    random_state: np.random.RandomState,
    labels: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Hold a part of the rows out for each member.

    The parts differ as long as there are rows that no member has held out, so that each row trains
    some member. They do not depend on the number of members that follow.

    Parameters
    ----------
    n_rows, n_members : int
    fraction : float
        Share of the rows held out.
    random_state : RandomState
    labels : ndarray of shape (n_rows,) or (n_rows, n_outputs), optional
        Each part keeps their shares, but for those of single rows, as far as it has rows enough.

    Returns
    -------
    train : ndarray of shape (n_members, n_train)
        Positions, increasing.
    held : ndarray of shape (n_members, n_held)

    Raises
    ------
    ValueError
        If too few rows would be held out, or left to train on.
    """
    n_held = int(np.ceil(fraction * n_rows))
    if not 2 <= n_held < n_rows:
        raise ValueError(
            "The validation set is too small, or leaves too few rows to train on: early_stopping "
            f"with validation_fraction={fraction:g} holds {n_held} of {n_rows} rows out: it needs "
            "two or more, and one or more to train on. Change validation_fraction, give X_val and "
            "y_val, or set early_stopping=False. (Where recalibrate is set, a third of the rows is "
            "for that.)"
        )
    everyone = np.arange(n_rows)
    strata = None if labels is None else _strata(labels)
    if strata is not None and not 0 < strata.max() < min(n_held, n_rows - n_held):
        strata = None
    left, parts = everyone, []
    for _ in range(n_members):
        try:
            part = _draw(left, n_held, random_state, strata)
        except ValueError:  # too few are left, or too few of a label
            left = everyone
            part = _draw(left, n_held, random_state, strata)
        parts.append(np.sort(part))
        left = _without(left, part, n_rows)
    train = [_without(everyone, part, n_rows) for part in parts]
    return np.stack(train), np.stack(parts)


def _strata(labels: np.ndarray) -> np.ndarray:
    """Number the labels from 0; those of one row count as the most frequent one."""
    _, codes, counts = np.unique(labels, axis=0, return_inverse=True, return_counts=True)
    codes = np.where(counts > 1, np.arange(len(counts)), counts.argmax())[codes.ravel()]
    return np.unique(codes, return_inverse=True)[1]


def _without(rows: np.ndarray, part: np.ndarray, n_rows: int) -> np.ndarray:
    """Return positions, increasing, without some of them."""
    stays = np.ones(n_rows, bool)
    stays[part] = False
    return rows[stays[rows]]


def _draw(
    rows: np.ndarray, n: int, random_state: np.random.RandomState, strata: np.ndarray | None
) -> np.ndarray:
    if len(rows) == n:
        return rows
    stratify = None if strata is None else strata[rows]
    return train_test_split(rows, test_size=n, random_state=random_state, stratify=stratify)[1]
