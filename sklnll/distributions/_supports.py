"""What may y be, and how may its units change?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Support:
    """A support is the set of values that a distribution allows y to take.

    Parameters
    ----------
    words : str
        Ends the sentence "y must be ...".
    advice : str
        What to do with a y outside, for the error message.
    low, high : float
        Ends of the support.
    closed_low, closed_high : bool
        Whether `low` and `high` themselves are allowed.
    discrete : bool
        Whether the distribution has a probability mass function.
    units : {"affine", "ratio", "none"}
        Which changes of units map the family onto itself: "affine" for y -> a*y + b, "ratio"
        for y -> a*y, both with a > 0, "none" for pure numbers. Training scales y accordingly.
    atoms : tuple of float
        Values that have a probability of their own where all others have a density.
    """

    words: str
    advice: str
    low: float = -np.inf
    high: float = np.inf
    closed_low: bool = False
    closed_high: bool = False
    discrete: bool = False
    units: Literal["affine", "ratio", "none"] = "none"
    atoms: tuple[float, ...] = ()

    def contains(self, y: np.ndarray) -> np.ndarray:
        """Say whether each value lies in the support; NaN never does."""
        above = y >= self.low if self.closed_low else y > self.low
        return above & (y <= self.high if self.closed_high else y < self.high)


REAL = Support("a real number", "remove such rows", units="affine")
POSITIVE = Support(
    "positive",
    "use distribution='normal', 'zero_adjusted_gamma' (which allows 0), or shift y",
    low=0.0,
    units="ratio",
)
NON_NEGATIVE = Support(
    "non-negative",
    "use distribution='normal', or shift y",
    low=0.0,
    closed_low=True,
    units="ratio",
)
UNIT_INTERVAL = Support(
    "strictly between 0 and 1",
    "use distribution='normal', 'zero_one_inflated_beta' (which allows 0 and 1), or move 0 and 1 "
    "inside, as (y * (n - 1) + 0.5) / n does",
    low=0.0,
    high=1.0,
)
SHARES = Support(
    "a positive share of a whole",
    "merge parts that are seldom there, or move zeros inside, as (y * (n - 1) + 1 / K) / n does "
    "with n rows of K shares",
    low=0.0,
)
ANGLE = Support("a finite angle in radians", "remove such rows")
COUNTS = Support(
    "a non-negative count", "use distribution='normal'", low=0.0, closed_low=True, discrete=True
)
SUCCESSES = Support(
    "a non-negative count",
    "use distribution='normal'",
    low=0.0,
    closed_low=True,
    discrete=True,
)
BINARY = Support("one of two classes", "use distribution='categorical'", discrete=True)
CLASSES = Support("a class label", "use NLLClassifier", discrete=True)
ORDERS = Support("an order of items 0, ..., K - 1, best first", "use NLLRanker", discrete=True)
