"""Weighted summaries of y that do not overflow."""

from collections.abc import Sequence

import numpy as np

_ROUNDING = 32
"""Spacings of neighboring floats up to which values differ by no more than rounding."""


def rounding_of(magnitude: np.ndarray | float, dtype: np.dtype | type = float) -> np.ndarray:
    """Return the spread of equal numbers of this magnitude that were rounded on their way."""
    return _ROUNDING * np.finfo(dtype).eps * np.abs(magnitude)


def weighted_mean_std(
    y: np.ndarray, weight: np.ndarray, dtype: np.dtype | type = float
) -> tuple[float, float]:
    """Return mean and standard deviation, which is exactly zero where values differ by rounding.

    `dtype` is that in which the values were rounded.
    """
    unit = _power_of_two(y)
    z = y / unit
    mean = np.average(z, weights=weight)
    std = np.sqrt(np.average((z - mean) ** 2, weights=weight))
    if std <= rounding_of(mean, dtype):
        std = 0.0
    return float(mean * unit), float(std * unit)


def weighted_quantiles(y: np.ndarray, weight: np.ndarray, levels: Sequence[float]) -> list[float]:
    """Return the middle of the set of quantiles of each level."""
    last = len(y) - 1
    if (weight == weight[0]).all():
        below = np.multiply(levels, len(y))
        low = np.maximum(np.ceil(below).astype(int) - 1, 0)
        high = np.minimum(below.astype(int), last)
        in_order = np.partition(y, [*low, *high])  # in these places: faster than to sort
    else:
        order = np.argsort(y, kind="stable")
        in_order, cumulative = y[order], np.cumsum(weight[order])
        below = np.multiply(levels, cumulative[-1])
        low = np.searchsorted(cumulative, below, side="left")
        high = np.minimum(np.searchsorted(cumulative, below, side="right"), last)
    return (in_order[low] / 2 + in_order[high] / 2).tolist()


def weighted_median(y: np.ndarray, weight: np.ndarray) -> float:
    """Return the middle of the set of medians."""
    return weighted_quantiles(y, weight, [0.5])[0]


def weighted_median_spread(y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return the median, and the median absolute deviation, as a normal's standard deviation.

    Where more than half of the values are equal, the mean absolute deviation takes its place.
    """
    center = weighted_median(y, weight)
    deviation = np.abs(y - center)
    rounding = rounding_of(center)
    spread = 1.4826 * weighted_median(deviation, weight)
    if spread <= rounding:
        spread = weighted_mean_std(deviation, weight)[0]
    return center, spread if spread > rounding else 0.0


def _power_of_two(y: np.ndarray) -> float:
    """Return a power of two near y: dividing by it is exact, and squares do not overflow."""
    largest = np.max(np.abs(y))
    return float(2.0 ** np.floor(np.log2(largest))) if largest > 0 else 1.0
