"""Where does a root lie whose power of ten is not known?"""

from collections.abc import Callable

import numpy as np

_WIDE, _N_STEPS = 1e4, 12
"""Brackets wider than this ratio are narrowed, in so many steps at most."""
_LEAST, _MOST = np.finfo(float).tiny, np.finfo(float).max


def narrowed(
    low: np.ndarray, high: np.ndarray, excess: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return finite brackets whose ends are not many powers of ten apart.

    Halves of a bracket between 1e-300 and 1 find its power of ten in a thousand steps; roots of
    products find it in ten. Both ends are the least float where the root is nearer to zero.
    """
    low, high = (np.clip(end, -_MOST, _MOST) for end in (low, high))
    for _ in range(_N_STEPS):
        wide, middle = _halfway(low, high)
        if not wide.any():
            return low, high
        is_low = excess(middle) < 0
        low, high = np.where(wide & is_low, middle, low), np.where(wide & ~is_low, middle, high)
    wide, _ = _halfway(low, high)
    least = np.where(high > 0, _LEAST, -_LEAST)
    is_low = excess(np.where(wide, least, low)) < 0
    is_above, is_below = wide & (is_low | (least > 0)), wide & (~is_low | (least < 0))
    return np.where(is_above, least, low), np.where(is_below, least, high)


def _halfway(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which brackets are wide, and their middle power of ten, or zero between signs."""
    near, far = np.sort(np.abs([low, high]), axis=0)
    wide = far > _WIDE * near
    between = np.where(high > 0, 1.0, -1.0) * np.sqrt(np.maximum(near, _LEAST)) * np.sqrt(far)
    middle = np.where(wide, np.where((low < 0) & (high > 0), 0.0, between), low)
    return wide & (low < middle) & (middle < high), middle
