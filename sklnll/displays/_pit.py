"""Is the probability integral transform uniform? A histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._data.checks import check_weight
from ..predictive import Predictive
from ._base import PredictionDisplay
from ._data import chance_band, check_confidence, effective_rows, transform
from ._look import data_style, draw_reference, legend, tidy


@dataclass(kw_only=True, eq=False, repr=False)
class PITHistogramDisplay(PredictionDisplay):
    """Show a histogram of the probability integral transform, flat where predictions are right.

    The transform is the predicted probability of values up to the observed y. Where both ends are
    too high, predictions are too narrow; with a hump in the middle they are too wide, with a slope
    biased.

    Parameters
    ----------
    heights : ndarray of shape (n_bins,)
        Density of the transform: the share of rows in each bin, times the number of bins.
    bin_edges : ndarray of shape (n_bins + 1,)
        Edges of the bins, from 0 to 1.
    band : ndarray of shape (n_bins, 2)
        Ends between which each height lies by chance, if predictions are calibrated: pointwise,
        from the binomial distribution.
    confidence : float, default=0.95
        Probability of each bin's band.
    name : str, optional
        What the legend says.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    bars_ : matplotlib StepPatch

    See Also
    --------
    QuantileReliabilityDisplay : The same transform, summed up over levels.
    WormPlotDisplay : The same in the tails.

    References
    ----------
    T. Gneiting, F. Balabdaoui and A. Raftery (2007). Probabilistic forecasts, calibration and
    sharpness. doi:10.1111/j.1467-9868.2007.00587.x

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.displays import PITHistogramDisplay
    >>> from sklnll.distributions import Normal
    >>> from sklnll.predictive import ContinuousPredictive
    >>> too_narrow = ContinuousPredictive(Normal(), {"loc": np.zeros(500), "scale": np.ones(500)})
    >>> y = np.random.default_rng(0).normal(scale=2, size=500)
    >>> display = PITHistogramDisplay.from_predictions(y, too_narrow, n_bins=5)
    >>> display.heights.round(1)
    array([1.8, 0.6, 0.4, 0.6, 1.6])
    """

    heights: np.ndarray
    bin_edges: np.ndarray
    band: np.ndarray
    confidence: float = 0.95
    name: str | None = None

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike | None,
        dist: Predictive,
        *,
        n_bins: int = 10,
        confidence: float = 0.95,
        output: int | None = None,
        random_state: Any = 0,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the histogram and plot it.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        dist : Predictive
            Predictions of numbers, or of vectors of them.
        n_bins : int, default=10
            Number of bins of equal width.
        confidence : float, default=0.95
            Probability of each bin's band. Weighted rows count in it as their effective number,
            ``sum(w)**2 / sum(w**2)``.
        output : int, optional
            Which column of y, where it has several.
        random_state : int, RandomState instance or None, default=0
            Seeds the draws that spread the transform of counts over their probability.
        sample_weight : array-like of shape (n_samples,), optional
        ax : matplotlib Axes, optional
        name : str, optional
        **kwargs
            Keywords of `plot`.

        Returns
        -------
        PITHistogramDisplay
        """
        pit = transform(y, dist, output, random_state, cls.__name__)
        data = pit_histogram(pit, n_bins, confidence, check_weight(sample_weight, pit))
        return cls(**data, confidence=confidence, name=name).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot the histogram, its flat reference and the band.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to plot; by default axes of a new figure.
        name : str, optional
            What the legend says, instead of the display's own.
        **kwargs
            Keywords of matplotlib's ``Axes.stairs``.

        Returns
        -------
        PITHistogramDisplay
        """
        ax = self._open(ax)
        steps = np.append(self.band, self.band[-1:], axis=0)
        flat = np.ones_like(self.bin_edges)
        look = data_style(ax, kwargs, baseline=None, linewidth=1.8, label=self._called(name))
        draw_reference(ax, self.bin_edges, flat, steps, self.confidence, step="post")
        self.bars_ = ax.stairs(self.heights, self.bin_edges, **look)
        highest = max(self.heights.max(), self.band.max(), ax.get_ylim()[1] / 1.25)
        ax.set(xlim=(0, 1), ylim=(0, 1.25 * highest))
        ax.set(xlabel="probability integral transform of y", ylabel="density")
        legend(ax, loc="upper center", ncols=2)
        tidy(ax)
        return self


def pit_histogram(
    pit: np.ndarray, n_bins: int, confidence: float, weight: np.ndarray
) -> dict[str, np.ndarray]:
    """Compute heights, edges and the pointwise band of the histogram."""
    counts, edges = np.histogram(pit, n_bins, (0, 1), weights=weight)
    expected = np.full(n_bins, 1 / n_bins)
    band = chance_band(expected, effective_rows(weight), check_confidence(confidence))
    return {"heights": n_bins * counts / weight.sum(), "bin_edges": edges, "band": n_bins * band}
