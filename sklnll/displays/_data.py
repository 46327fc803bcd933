"""What do displays compute of y, its weights and the predicted distributions?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ..metrics import probability_integral_transform
from ..metrics._checks import check_known
from ..predictive import Predictive, PredictiveDistribution, VectorPredictive


def numbers_of(dist: Predictive, display: str) -> PredictiveDistribution:
    """Return predicted distributions of numbers; for vectors those of their components."""
    if isinstance(dist, VectorPredictive):
        return dist.marginals
    if not isinstance(dist, PredictiveDistribution):
        raise TypeError(
            f"{display} needs predicted distributions of numbers, as sklnll.predict_dist gives "
            f"them for a regressor; got {type(dist).__name__}. For class labels use "
            "ClassCalibrationDisplay, for rankings RankingHeatMapDisplay."
        )
    return dist


def one_output(
    values: np.ndarray, numbers: PredictiveDistribution, output: int | None
) -> np.ndarray:
    """Take the chosen output out of `values`, which a method of `numbers` gave."""
    if len(numbers.shape) == 1 and output in (None, 0):
        return values
    n_outputs = 1 if len(numbers.shape) == 1 else numbers.shape[1]
    if output is None or not 0 <= output < n_outputs:
        raise ValueError(
            f"a picture shows one output, and the distributions have {n_outputs}: output must be "
            f"one of {list(range(n_outputs))}; got {output!r}."
        )
    return values[:, output]


def transform(
    y: ArrayLike | None, dist: Predictive, output: int | None, random_state: Any, display: str
) -> np.ndarray:
    """Compute the probability integral transform of one output."""
    numbers = numbers_of(dist, display)
    pit = probability_integral_transform(known(y), numbers, random_state=random_state)
    return one_output(pit, numbers, output)


def known(y: ArrayLike | None) -> np.ndarray:
    """Return the y that a display cannot do without; a single column counts as a vector."""
    if y is None:
        raise ValueError("y must hold what was observed; got None.")
    values = check_known(y, "y")
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def effective_rows(weight: np.ndarray) -> float:
    """Count the rows of equal weight that tell as much as the weighted ones (L. Kish, 1965)."""
    return weight.sum() ** 2 / (weight**2).sum()


def chance_band(p: np.ndarray, n_rows: float, confidence: float) -> np.ndarray:
    """Find the ends between which a share of `n_rows` rows lies by chance, if p is right.

    Each share lies there with probability `confidence`, one by one.

    Returns
    -------
    ndarray of shape (k, 2)
        Lower and upper ends: quantiles of the binomial distribution, as shares.
    """
    n = max(round(n_rows), 1)
    return np.stack(stats.binom.interval(confidence, n, p), axis=-1) / n


def shares_and_band(
    holds: np.ndarray, expected: np.ndarray, confidence: float, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weigh the rows where something holds, a column each; add the band where chance leads."""
    shares = np.average(holds, axis=0, weights=weight)
    return shares, chance_band(expected, effective_rows(weight), check_confidence(confidence))


def check_confidence(confidence: float) -> float:
    """Pass a probability on that is strictly between 0 and 1."""
    if not 0 < confidence < 1:
        raise ValueError(
            f"confidence must be between 0 and 1, 0.95 for a band of 95 %; got {confidence!r}."
        )
    return confidence


def check_levels(levels: ArrayLike, name: str) -> np.ndarray:
    """Sort probabilities that are strictly between 0 and 1."""
    level = np.unique(np.asarray(levels, dtype=float))
    if not level.size or level[0] <= 0 or level[-1] >= 1:
        raise ValueError(f"{name} must lie between 0 and 1, 0.9 for 90 %; got {levels!r}.")
    return level
