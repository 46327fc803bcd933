"""How does the library speak to its user? Warnings that point at the user's own line."""

import sys
import warnings
from types import FrameType

_PASSED_OVER = {"sklnll", "sklearn", "functools"}
"""Modules whose lines are not the user's; functools computes what is kept for later."""


class NumericalWarning(RuntimeWarning):
    """What was asked of a distribution is no finite number for some rows.

    It does not exist, or cannot be computed and is NaN.

    ``warnings.filterwarnings("error", category=sklnll.NumericalWarning)`` makes an error of it.
    """


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the user's own line, the nearest one outside of this package and scikit-learn."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _package(frame) in _PASSED_OVER:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
