"""What is said where a law cannot be computed?"""

from collections.abc import Mapping

import numpy as np

from .._messages import NumericalWarning, warn_user
from .protocols import Family

TOLERANCE = 1e-5
"""A total probability that is farther from one is none."""

SUMMARIES = ("the mean", "the variance", "the entropy")


def warn_of_totals(family: Family, params: Mapping[str, np.ndarray], total: np.ndarray) -> None:
    """Warn of rows without a law: their total probability is not one, and all answers are NaN.

    Parameters
    ----------
    family : Family
    params : mapping of str to ndarray
        Rows first; rows with parameters that are no numbers have no law, and no warning.
    total : ndarray of shape (n_rows,)
    """
    is_given = np.ones(len(total), bool)
    for value in params.values():
        is_given &= np.isfinite(value).reshape(len(value), -1).all(axis=1)
    is_wrong = is_given & ~(np.abs(total - 1) <= TOLERANCE)
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        values = ", ".join(f"{name}={np.asarray(value[row])}" for name, value in params.items())
        what = (
            f"exp(log_prob) has the total {total[row]:.6g} instead of 1 at {values}, so that "
            "answers are NaN there: the density leaves out a factor, is not zero outside of the "
            "support, or is too extreme for floats"
        )
        warn_of_rows(family, is_wrong, what)


def warn_of_rows(family: Family, rows: np.ndarray, what: str) -> None:
    """Warn of what cannot be computed for the rows that are marked, if there are any."""
    if rows.any():
        warn_user(f"{family!r}: {what} ({rows.sum()} of {rows.size} rows).", NumericalWarning)
