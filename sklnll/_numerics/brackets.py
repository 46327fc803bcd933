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
    products find it in ten.
    """
    low, high = (np.clip(end, -_MOST, _MOST) for end in (low, high))
    for _ in range(_N_STEPS):
        near, far = np.sort(np.abs([low, high]), axis=0)
        wide = far > _WIDE * near
        if not wide.any():
            break
        sign = np.where(high > 0, 1.0, -1.0)
        between = sign * np.sqrt(np.maximum(near, _LEAST)) * np.sqrt(far)
        middle = np.where(wide, np.where((low < 0) & (high > 0), 0.0, between), low)
        wide &= (low < middle) & (middle < high)
        is_low = excess(middle) < 0
        low, high = np.where(wide & is_low, middle, low), np.where(wide & ~is_low, middle, high)
    return low, high
