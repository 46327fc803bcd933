"""Over which variable is a density smooth, and falls exponentially at both ends?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import special

_FAR = 345.0
"""End of the line of integration: about the root of the largest float, in widths of p."""
_NEAREST = 1e-290
"""Distance from a finite end of y's range at which the line of integration ends."""
_ROUNDING = 2.0**-27
"""The same, as a share of an end that is not zero; there half of the digits are left."""

Answer = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Line:
    """A line stretches the range of y, so that densities are smooth on it and fall at its ends.

    Towards a finite end a density may rise or fall like a power, which is smooth in the logarithm
    of the distance from it; between two ends the line is the logit of y's place. Heavy tails on
    both sides are smooth in the logarithm of the distance from the center, which arcsinh becomes
    far out.

    Parameters
    ----------
    low, high : ndarray
        Ends of the range of y: the same for all rows, or those of each.
    center, width : ndarray
        Where most of the probability lies, in y's units. The width changes nothing but the origin
        of a line that has one end, and neither of the two matters between two ends.
    """

    low: np.ndarray
    high: np.ndarray
    center: np.ndarray
    width: np.ndarray

    def _by_ends(self, both: Answer, lower: Answer, upper: Answer, none: Answer) -> np.ndarray:
        """Choose the formula by the ends that a row's range has; most often they are alike."""
        has_low, has_high = np.isfinite(self.low), np.isfinite(self.high)
        kinds = [has_low & has_high, has_low & ~has_high, ~has_low & has_high]
        kinds.append(~has_low & ~has_high)
        answers = [both, lower, upper, none]
        for is_kind, answer in zip(kinds, answers, strict=True):
            if np.all(is_kind):
                return answer()
        with np.errstate(all="ignore"):  # each formula also sees the rows of other kinds
            return np.select(kinds, [answer() for answer in answers])

    def to_line(self, y: np.ndarray) -> np.ndarray:
        """Take y to the line."""
        return self._by_ends(
            lambda: np.log(self._from_low(y)) - np.log(self._from_high(y)),
            lambda: np.log(self._from_low(y) / self.width),
            lambda: -np.log(self._from_high(y) / self.width),
            lambda: np.arcsinh((y - self.center) / self.width),
        )

    def _from_low(self, y: np.ndarray) -> np.ndarray:
        return np.maximum(y - self.low, 0)

    def _from_high(self, y: np.ndarray) -> np.ndarray:
        return np.maximum(self.high - y, 0)

    def to_y(self, t: np.ndarray) -> np.ndarray:
        """Take points of the line to y."""
        return self._by_ends(
            lambda: self.low + (self.high - self.low) * special.expit(t),
            lambda: self.low + self.width * np.exp(t),
            lambda: self.high - self.width * np.exp(-t),
            lambda: self.center + self.width * np.sinh(t),
        )

    def slope(self, t: np.ndarray) -> np.ndarray:
        """Give the derivative of y by the line's variable."""
        return self._by_ends(
            lambda: (self.high - self.low) * special.expit(t) * special.expit(-t),
            lambda: self.width * np.exp(t),
            lambda: self.width * np.exp(-t),
            lambda: self.width * np.cosh(t),
        )

    def log_slope(self, t: np.ndarray) -> np.ndarray:
        """Give the logarithm of `slope`, also where that is beyond floats."""
        return self._by_ends(
            lambda: np.log(self.high - self.low) + special.log_expit(t) + special.log_expit(-t),
            lambda: np.log(self.width) + t,
            lambda: np.log(self.width) - t,
            lambda: np.log(self.width) + np.logaddexp(t, -t) - np.log(2),
        )

    @property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Tell between which points of the line floats can tell values of y apart."""
        of_low, of_high = (
            self.to_line(end + sign * self.nearest(end)) for end, sign in self.ends_of_y()
        )
        return (
            np.where(np.isfinite(self.low), of_low, -_FAR),
            np.where(np.isfinite(self.high), of_high, _FAR),
        )

    def ends_of_y(self) -> tuple[tuple[np.ndarray, int], tuple[np.ndarray, int]]:
        """Pair the ends of y's range with the direction that leads into it."""
        return (self.low, 1), (self.high, -1)

    def nearest(self, end: np.ndarray) -> np.ndarray:
        """Give the distance from an end at which floats still tell how far away they are."""
        return np.clip(np.abs(end) * _ROUNDING, _NEAREST, self.width / 1024)

    def of_rows(self, rows: np.ndarray) -> Self:
        """Keep some of the rows, each of which has its own ends, center and width."""
        return type(self)(*(value[rows] for value in vars(self).values()))
