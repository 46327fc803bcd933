"""Do central intervals hold as much of y as they promise?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._data.checks import check_weight
from ..metrics._checks import as_fitted
from ..predictive import (
    DiscretePredictive,
    MixedPredictive,
    Predictive,
    PredictiveDistribution,
)
from ._base import PredictionDisplay
from ._data import check_levels, known, numbers_of, one_output, shares_and_band
from ._look import data_style, draw_shares

COVERAGES = (*np.linspace(0.05, 0.95, 19).round(2), 0.99)


@dataclass(kw_only=True, eq=False, repr=False)
class IntervalCoverageDisplay(PredictionDisplay):
    """Show the share of y inside central intervals against what they promise.

    The diagonal is right. Below it predictions are too narrow, above it too wide. Intervals of
    counts hold at least what they promise, so that above it may be right.

    Parameters
    ----------
    nominal : ndarray of shape (k,)
        Probabilities that the intervals promise.
    observed : ndarray of shape (k,)
        Shares of y inside them, ends included.
    band : ndarray of shape (k, 2)
        Ends between which each share lies by chance, if predictions are calibrated: pointwise,
        from the binomial distribution.
    confidence : float, default=0.95
        Probability of each band.
    name : str, optional
        What the legend says.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D

    See Also
    --------
    sklnll.metrics.interval_coverage : The share for one interval.

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.displays import IntervalCoverageDisplay
    >>> from sklnll.distributions import Normal
    >>> from sklnll.predictive import ContinuousPredictive
    >>> dist = ContinuousPredictive(Normal(), {"loc": np.zeros(500), "scale": np.ones(500)})
    >>> y = np.random.default_rng(0).normal(size=500)
    >>> display = IntervalCoverageDisplay.from_predictions(y, dist, coverages=[0.5, 0.9])
    >>> display.observed.round(2)
    array([0.49, 0.92])
    """

    nominal: np.ndarray
    observed: np.ndarray
    band: np.ndarray
    confidence: float = 0.95
    name: str | None = None

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike | None,
        dist: Predictive,
        *,
        coverages: ArrayLike = COVERAGES,
        confidence: float = 0.95,
        output: int | None = None,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the shares and plot them.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        dist : Predictive
            Predictions of numbers, or of vectors of them.
        coverages : array-like of shape (k,), default=(0.05, 0.1, ..., 0.95, 0.99)
            Probabilities that the intervals promise.
        confidence : float, default=0.95
            Probability of each band. Weighted rows count in it as their effective number,
            ``sum(w)**2 / sum(w**2)``.
        output : int, optional
            Which column of y, where it has several.
        sample_weight : array-like of shape (n_samples,), optional
        ax : matplotlib Axes, optional
        name : str, optional
        **kwargs
            Keywords of `plot`.

        Returns
        -------
        IntervalCoverageDisplay
        """
        numbers = numbers_of(dist, cls.__name__)
        nominal = check_levels(coverages, "coverages")
        inside = are_inside(y, numbers, nominal, output)
        weight = check_weight(sample_weight, inside)
        observed, band = shares_and_band(inside, nominal, confidence, weight)
        data = {"nominal": nominal, "observed": observed, "band": band}
        return cls(**data, confidence=confidence, name=name).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot the shares, the diagonal and the band.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to plot; by default axes of a new figure. Those of another such display compare
            the two.
        name : str, optional
            What the legend says, instead of the display's own.
        **kwargs
            Keywords of matplotlib's ``Axes.plot``.

        Returns
        -------
        IntervalCoverageDisplay
        """
        ax = self._open(ax)
        label = self._called(name)
        look = data_style(ax, kwargs, linewidth=1.8, marker="o", markersize=4, label=label)
        self.line_ = draw_shares(ax, self.nominal, self.observed, self.band, self.confidence, look)
        ax.set(xlabel="promised coverage of the central interval", ylabel="share of y inside")
        return self


def are_inside(
    y: ArrayLike | None, numbers: PredictiveDistribution, coverages: np.ndarray, output: int | None
) -> np.ndarray:
    """Tell whether y lies in the central intervals, a column for each.

    y is at least a quantile where P(Y <= y) reaches its level, and at most one where P(Y < y) does
    not pass it: two probabilities take the place of many quantiles, which may have to be searched.
    """
    values = np.asarray(as_fitted(known(y), numbers), dtype=float)
    at_most, less = (
        one_output(probability(numbers, values), numbers, output)[:, None]
        for probability in (PredictiveDistribution.cdf, probability_of_less)
    )
    return (at_most >= (1 - coverages) / 2) & (less <= (1 + coverages) / 2)


def probability_of_less(numbers: PredictiveDistribution, y: np.ndarray) -> np.ndarray:
    """Compute P(Y < y) of each row."""
    if isinstance(numbers, DiscretePredictive):
        return numbers.cdf(np.ceil(y) - 1)
    if isinstance(numbers, MixedPredictive):
        mass = np.exp(numbers._log_prob(numbers._align(y)))
        return numbers.cdf(y) - np.where(numbers.distribution.is_density(y), 0, mass)
    return numbers.cdf(y)
