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
    labels : ndarray of shape (n_rows,), optional
        Each part keeps the shares of these labels.

    Returns
    -------
    train : ndarray of shape (n_members, n_train)
        Positions, increasing.
    held : ndarray of shape (n_members, n_held)

    Raises
    ------
    ValueError
        If the rows cannot be split so.
    """
    n_held = int(np.ceil(fraction * n_rows))
    everyone = np.arange(n_rows)
    left, parts = everyone, []
    for _ in range(n_members):
        try:
            part = _draw(left, n_held, random_state, labels)
        except ValueError:  # too few are left, or too few of a label
            left = everyone
            part = _draw(left, n_held, random_state, labels)
        parts.append(np.sort(part))
        left = np.setdiff1d(left, part)
    train = [np.setdiff1d(everyone, part) for part in parts]
    return np.stack(train), np.stack(parts)


def _draw(
    rows: np.ndarray, n: int, random_state: np.random.RandomState, labels: np.ndarray | None
) -> np.ndarray:
    if len(rows) == n:
        return rows
    stratify = None if labels is None else labels[rows]
    return train_test_split(rows, test_size=n, random_state=random_state, stratify=stratify)[1]
