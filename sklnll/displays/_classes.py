"""Are labels observed as often as their predicted probabilities say? A curve for each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._data.checks import check_weight
from ..predictive import (
    IndicatorPredictive,
    LabelPredictive,
    Predictive,
    encode_indicators,
    encode_labels,
)
from ._base import PredictionDisplay
from ._data import known
from ._look import PALETTE, REFERENCE, legend, style, unit_square

_LARGEST_MARKER = 150


@dataclass(kw_only=True, eq=False, repr=False)
class ClassCalibrationDisplay(PredictionDisplay):
    """Show the share of rows with a label against its predicted probability, for each class.

    For each class, rows are grouped by its predicted probability in bins of equal width. The
    diagonal is right. The area of a marker shows how many rows it stands for: small ones stray by
    chance.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The labels; where there are two, only the second, which says all.
    predicted : ndarray of shape (n_classes, n_bins)
        Mean predicted probability in each bin; NaN where it holds no row.
    observed : ndarray of shape (n_classes, n_bins)
        Share of rows with the label.
    counts : ndarray of shape (n_classes, n_bins)
        Total weight of the rows; their number without weights.
    name : str, optional
        The title.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : The curve of one class of two.
    sklnll.metrics.expected_calibration_error : The same of the most probable label, as one number.

    References
    ----------
    J. Bröcker and L. A. Smith (2007). Increasing the reliability of reliability diagrams.
    doi:10.1175/WAF993.1

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklnll import NLLClassifier
    >>> from sklnll.displays import ClassCalibrationDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> net = NLLClassifier(hidden_layer_sizes=(), solver="lbfgs").fit(X, y)
    >>> ClassCalibrationDisplay.from_estimator(net, X, y).counts.sum(axis=1)
    array([150., 150., 150.])
    """

    classes: np.ndarray
    predicted: np.ndarray
    observed: np.ndarray
    counts: np.ndarray
    name: str | None = None

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike | None,
        dist: Predictive,
        *,
        n_bins: int = 10,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the curves and plot them.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels, or 0 and 1 for several at once.
        dist : LabelPredictive or IndicatorPredictive
        n_bins : int, default=10
            Number of bins of equal width.
        sample_weight : array-like of shape (n_samples,), optional
        ax : matplotlib Axes, optional
        name : str, optional
        **kwargs
            Keywords of `plot`.

        Returns
        -------
        ClassCalibrationDisplay
        """
        of_classes = of_labels(dist, cls.__name__)
        hits = indicators(known(y), of_classes)
        weight = check_weight(sample_weight, hits)
        told = slice(1, None) if is_binary(of_classes) else slice(None)
        data = calibration_curves(hits[:, told], of_classes.probs[:, told], n_bins, weight)
        return cls(**data, classes=of_classes.classes[told], name=name).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot a curve for each class.

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
        ClassCalibrationDisplay
        """
        ax = self._open(ax)
        ax.plot([0, 1], [0, 1], color=REFERENCE, linewidth=1, linestyle="--", zorder=0)
        self.lines_ = [self._plot_class(ax, place, kwargs) for place in range(len(self.classes))]
        unit_square(ax)
        ax.set(title=self._called(name) or "")
        ax.set(xlabel="predicted probability", ylabel="share of rows with the label")
        legend(ax, title="label (area: rows)", loc="best")
        return self

    def _plot_class(self, ax: Any, place: int, kwargs: dict[str, Any]) -> Any:
        x, height, count = self.predicted[place], self.observed[place], self.counts[place]
        filled = count > 0
        (line,) = ax.plot(
            x[filled],
            height[filled],
            **style(
                kwargs,
                color=PALETTE[place % len(PALETTE)],
                label=self.classes[place],
                linewidth=1.2,
                marker="o",
                markersize=3,
            ),
        )
        area = _LARGEST_MARKER * count[filled] / self.counts.max()
        color = line.get_color()
        ax.scatter(
            x[filled], height[filled], s=area, color=color, alpha=0.6, linewidth=0, clip_on=False
        )
        return line


def of_labels(dist: Predictive, display: str) -> LabelPredictive | IndicatorPredictive:
    """Return predicted probabilities of one label a row, or of several at once."""
    if not isinstance(dist, LabelPredictive | IndicatorPredictive):
        raise TypeError(
            f"{display} needs predicted probabilities of class labels, as sklnll.predict_dist "
            f"gives them for a classifier; got {type(dist).__name__}. For numbers use "
            "QuantileReliabilityDisplay, for rankings RankingHeatMapDisplay."
        )
    return dist


def is_binary(dist: LabelPredictive | IndicatorPredictive) -> bool:
    """Tell whether the second label's probabilities say what the first one's are."""
    return isinstance(dist, LabelPredictive) and len(dist.classes) == 2


def indicators(y: np.ndarray, dist: LabelPredictive | IndicatorPredictive) -> np.ndarray:
    """Mark by 1 where a label was observed, in a column for each."""
    if isinstance(dist, IndicatorPredictive):
        return encode_indicators(y, len(dist.classes))
    return np.eye(len(dist.classes))[encode_labels(y, dist.classes)]


def calibration_curves(
    hits: np.ndarray, probs: np.ndarray, n_bins: int, weight: np.ndarray
) -> dict[str, np.ndarray]:
    """Compute mean probability, share of hits and weight of each bin, a row for each class."""
    # The upper end of a bin belongs to it.
    bins = np.clip(np.ceil(probs * n_bins).astype(int) - 1, 0, n_bins - 1)

    def totals(values: np.ndarray) -> np.ndarray:
        return np.stack(
            [
                np.bincount(b, weights=v, minlength=n_bins)
                for b, v in zip(bins.T, values.T, strict=True)
            ]
        )

    weights = np.broadcast_to(weight[:, None], probs.shape)
    counts = totals(weights)
    with np.errstate(invalid="ignore"):
        predicted, observed = (totals(weights * values) / counts for values in (probs, hits))
    return {"predicted": predicted, "observed": observed, "counts": counts}
