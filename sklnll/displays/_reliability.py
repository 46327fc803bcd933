"""Does a quantile of 10 % have 10 % of y below it? A curve over all levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._data.checks import check_weight
from ..predictive import Predictive
from ._base import PredictionDisplay
from ._data import check_levels, shares_and_band, transform
from ._look import data_style, draw_shares

LEVELS = tuple(np.linspace(0.02, 0.98, 49).round(2))


@dataclass(kw_only=True, eq=False, repr=False)
class QuantileReliabilityDisplay(PredictionDisplay):
    """Show the share of y below the predicted quantiles against their levels.

    The diagonal is right. Where the curve is flatter than it in the middle, predictions are too
    narrow, where it is steeper, too wide; above the diagonal, predicted values are too high.

    Parameters
    ----------
    levels : ndarray of shape (k,)
        Levels of the quantiles.
    shares : ndarray of shape (k,)
        Shares of y below the quantiles of these levels.
    band : ndarray of shape (k, 2)
        Ends between which each share lies by chance, if predictions are calibrated: pointwise,
        from the binomial distribution.
    confidence : float, default=0.95
        Probability of each level's band.
    name : str, optional
        What the legend says.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D

    See Also
    --------
    sklnll.metrics.quantile_calibration_error : Mean distance from the diagonal.

    References
    ----------
    V. Kuleshov, N. Fenner and S. Ermon (2018). Accurate uncertainties for deep learning using
    calibrated regression. arXiv:1807.00263

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.displays import QuantileReliabilityDisplay
    >>> from sklnll.distributions import Normal
    >>> from sklnll.predictive import ContinuousPredictive
    >>> dist = ContinuousPredictive(Normal(), {"loc": np.zeros(500), "scale": np.ones(500)})
    >>> y = np.random.default_rng(0).normal(size=500)
    >>> display = QuantileReliabilityDisplay.from_predictions(y, dist, levels=[0.1, 0.5, 0.9])
    >>> display.shares.round(2)
    array([0.1 , 0.52, 0.89])
    """

    levels: np.ndarray
    shares: np.ndarray
    band: np.ndarray
    confidence: float = 0.95
    name: str | None = None

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike | None,
        dist: Predictive,
        *,
        levels: ArrayLike = LEVELS,
        confidence: float = 0.95,
        output: int | None = None,
        random_state: Any = 0,
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
        levels : array-like of shape (k,), default=(0.02, 0.04, ..., 0.98)
            Levels of the quantiles, between 0 and 1.
        confidence : float, default=0.95
            Probability of each level's band. Weighted rows count in it as their effective number,
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
        QuantileReliabilityDisplay
        """
        pit = transform(y, dist, output, random_state, cls.__name__)
        level = check_levels(levels, "levels")
        weight = check_weight(sample_weight, pit)
        shares, band = shares_and_band(pit[:, None] <= level, level, confidence, weight)
        data = {"levels": level, "shares": shares, "band": band}
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
        QuantileReliabilityDisplay
        """
        ax = self._open(ax)
        look = data_style(ax, kwargs, linewidth=1.8, label=self._called(name))
        self.line_ = draw_shares(ax, self.levels, self.shares, self.band, self.confidence, look)
        ax.set(xlabel="level of the predicted quantile", ylabel="share of y below the quantile")
        return self
