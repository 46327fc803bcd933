"""Over which variable is a density smooth, and falls exponentially at both ends?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import special

_FAR = 345.0
"""End of the line of integration: about the root of the largest float, in widths of p."""
_NEAREST = 1e-290
"""Distance from a finite end of y's range at which the line of integration ends."""
_ROUNDING = 2.0**-27
"""The same, as a share of an end that is not zero; there half of the digits are left."""


@dataclass(frozen=True)
class Line:
    """A line that y's range is stretched over, so that densities are smooth and fall at its ends.

    Parameters
    ----------
    low, high : ndarray
        Ends of the range of y, for each row.
    center, width : ndarray
        Where most of the probability lies.
    """

    low: np.ndarray
    high: np.ndarray
    center: np.ndarray
    width: np.ndarray

    def _choose(self, share: Any, above: Any, below: Any, real: Any) -> np.ndarray:
        has_low, has_high = np.isfinite(self.low), np.isfinite(self.high)
        return np.select([has_low & has_high, has_low, has_high], [share, above, below], real)

    @classmethod
    def of(cls, p: Any, low: np.ndarray) -> Self:
        """For a distribution, above `low`."""
        high = p.support()[1]
        first, center, third = np.maximum(np.moveaxis(p.ppf([0.25, 0.5, 0.75]), -1, 0), low)
        width = np.select(
            [np.isfinite(high - low), np.isfinite(low), np.isfinite(high)],
            [high - low, center - low, high - center],
            third - first,
        )
        return cls(low, high, center, np.where(width > 0, width, 1.0))

    def to_line(self, y: np.ndarray) -> np.ndarray:
        """From y to the line."""
        from_low, from_high = np.maximum(y - self.low, 0), np.maximum(self.high - y, 0)
        width = self.width
        return self._choose(
            np.log(from_low) - np.log(from_high),
            np.log(from_low / width),
            -np.log(from_high / width),
            np.arcsinh((y - self.center) / width),
        )

    @property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Between which floats can tell values of y apart."""
        of_low, of_high = (
            self.to_line(end + sign * self.nearest(end)) for end, sign in self.ends_of_y()
        )
        return (
            np.where(np.isfinite(self.low), of_low, -_FAR),
            np.where(np.isfinite(self.high), of_high, _FAR),
        )

    def ends_of_y(self) -> tuple[tuple[np.ndarray, int], tuple[np.ndarray, int]]:
        """With the direction into the range."""
        return (self.low, 1), (self.high, -1)

    def nearest(self, end: np.ndarray) -> np.ndarray:
        """Distance from an end at which floats still tell how far away they are."""
        return np.clip(np.abs(end) * _ROUNDING, _NEAREST, self.width / 1024)

    def to_y(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values of y, and the logarithm of its derivative."""
        span, width = self.high - self.low, self.width
        y = self._choose(
            self.low + span * special.expit(t),
            self.low + width * np.exp(t),
            self.high - width * np.exp(-t),
            self.center + width * np.sinh(t),
        )
        log_slope = self._choose(
            np.log(span) + special.log_expit(t) + special.log_expit(-t),
            np.log(width) + t,
            np.log(width) - t,
            np.log(width) + np.logaddexp(t, -t) - np.log(2),
        )
        return y, log_slope
