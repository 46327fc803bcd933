"""Where does the shape of predicted distributions go wrong? A detrended quantile plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from .._data.checks import check_weight
from ..predictive import Predictive
from ._base import PredictionDisplay
from ._data import check_confidence, effective_rows, transform
from ._look import BAND, REFERENCE, data_style, legend, tidy

# Beyond these, probabilities round to 0 or 1, whose normal quantiles are infinite.
_SMALLEST = 1e-16
_LARGEST = 1 - _SMALLEST
_N_GRID = 200


@dataclass(kw_only=True, eq=False, repr=False)
class WormPlotDisplay(PredictionDisplay):
    """Show normal quantiles of the probability integral transform, less what is expected.

    Where the worm lies above zero, predicted values are too low; where it rises, predictions are
    too narrow, where it falls, too wide; a U or an S says that the family has the wrong skewness or
    the wrong tails. Points outside the band, at more than 1 in 20 of the places, are more than
    chance.

    Parameters
    ----------
    expected : ndarray of shape (n_samples,)
        Standard normal quantiles of the rows' plotting positions, rising.
    deviation : ndarray of shape (n_samples,)
        Deviations of the rows' normal quantiles from them, in standard deviations.
    grid : ndarray of shape (k,)
        Expected quantiles at which the band is drawn.
    band : ndarray of shape (k,)
        How far a point may deviate by chance, up or down: pointwise.
    confidence : float, default=0.95
        Probability of each point's band.
    name : str, optional
        The title.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    points_ : matplotlib Line2D

    References
    ----------
    S. van Buuren and M. Fredriks (2001). Worm plot: a simple diagnostic device for modelling growth
    reference curves. doi:10.1002/sim.746

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.displays import WormPlotDisplay
    >>> from sklnll.distributions import Normal
    >>> from sklnll.predictive import ContinuousPredictive
    >>> dist = ContinuousPredictive(Normal(), {"loc": np.zeros(500), "scale": np.ones(500)})
    >>> y = np.random.default_rng(0).normal(size=500)
    >>> display = WormPlotDisplay.from_predictions(y + 0.5, dist)
    >>> display.deviation.mean().round(1)
    np.float64(0.5)
    """

    expected: np.ndarray
    deviation: np.ndarray
    grid: np.ndarray
    band: np.ndarray
    confidence: float = 0.95
    name: str | None = None

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike | None,
        dist: Predictive,
        *,
        confidence: float = 0.95,
        output: int | None = None,
        random_state: Any = 0,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the worm and plot it.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        dist : Predictive
            Predictions of numbers, or of vectors of them.
        confidence : float, default=0.95
            Probability of each point's band. Weighted rows count in it as their effective number,
            ``sum(w)**2 / sum(w**2)``.
        output : int, optional
            Which column of y, where it has several.
        random_state : int, RandomState instance or None, default=0
            Seeds the draws that spread the transform of counts over their probability.
        sample_weight : array-like of shape (n_samples,), optional
            Rows of weight 0 are left out.
        ax : matplotlib Axes, optional
        name : str, optional
        **kwargs
            Keywords of `plot`.

        Returns
        -------
        WormPlotDisplay
        """
        pit = transform(y, dist, output, random_state, cls.__name__)
        data = worm(pit, confidence, check_weight(sample_weight, pit))
        return cls(**data, confidence=confidence, name=name).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot the worm and the band.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to plot; by default axes of a new figure.
        name : str, optional
            The title, instead of the display's own.
        **kwargs
            Keywords of matplotlib's ``Axes.plot``.

        Returns
        -------
        WormPlotDisplay
        """
        ax = self._open(ax)
        style = data_style(ax, kwargs, linestyle="none", marker="o", markersize=3, mew=0)
        label = f"{100 * self.confidence:g} % band if calibrated"
        ax.fill_between(self.grid, -self.band, self.band, color=BAND, linewidth=0, label=label)
        ax.axhline(0, color=REFERENCE, linewidth=1, linestyle="--")
        (self.points_,) = ax.plot(self.expected, self.deviation, **style)
        ax.set(xlim=(self.grid[0], self.grid[-1]), ylim=self._limits())
        ax.set(xlabel="standard normal quantile", ylabel="deviation (standard deviations)")
        ax.set(title=self._called(name) or "")
        legend(ax, loc="upper center")
        tidy(ax)
        return self

    def _limits(self) -> tuple[float, float]:
        """Show all points, and the middle 95 % of the band, which widens without end."""
        middle = np.abs(self.grid) <= stats.norm.ppf(0.975)
        middle[len(middle) // 2] = True
        highest = 1.2 * max(np.abs(self.deviation).max(), self.band[middle].max())
        return -highest, highest


def worm(pit: np.ndarray, confidence: float, weight: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the points of the worm, rising, and half the width of its pointwise band."""
    order = np.argsort(pit, kind="stable")
    order = order[weight[order] > 0]
    weight = weight[order]
    position = (weight.cumsum() - weight / 2) / weight.sum()
    expected = stats.norm.ppf(position)
    found = stats.norm.ppf(np.clip(pit[order], _SMALLEST, _LARGEST))
    grid = np.linspace(expected[0] - 0.1, expected[-1] + 0.1, _N_GRID)
    band = worm_band(grid, effective_rows(weight), check_confidence(confidence))
    return {"expected": expected, "deviation": found - expected, "grid": grid, "band": band}


def worm_band(z: np.ndarray, n_rows: float, confidence: float) -> np.ndarray:
    """Compute half the width of the band, a multiple of an order statistic's standard error."""
    p, density = stats.norm.cdf(z), stats.norm.pdf(z)
    return stats.norm.isf((1 - confidence) / 2) * np.sqrt(p * (1 - p) / n_rows) / density
