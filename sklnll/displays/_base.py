"""What do all displays share? Axes, and the way from an estimator to a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

from numpy.typing import ArrayLike

from ..composition import predict_dist


class Display(ABC):
    """A picture, and the numbers that it shows.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was plotted last.
    figure_ : matplotlib Figure
        The figure of these axes.
    """

    ax_: Any
    figure_: Any

    @abstractmethod
    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot what was computed."""

    def _open(self, ax: Any, projection: str | None = None) -> Any:
        """The given axes or those of a new figure, kept as attributes."""
        self.ax_ = new_axes(type(self).__name__, projection) if ax is None else ax
        self.figure_ = self.ax_.figure
        return self.ax_


class PredictionDisplay(Display):
    """A picture of predicted distributions and what was observed; see `Display`."""

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike | None,
        *,
        sample_weight: ArrayLike | None = None,
        exposure: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Predict by a fitted estimator, and plot.

        Parameters
        ----------
        estimator : estimator
            Fitted; whatever `sklnll.predict_dist` reaches through, such as a pipeline or a search.
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What was observed.
        sample_weight : array-like of shape (n_samples,), optional
        exposure : array-like of shape (n_samples,), optional
            How long each row was watched, for families of counts.
        ax : matplotlib Axes, optional
            Where to plot; by default a new figure.
        name : str, optional
            In the legend; by default the name of the estimator's class.
        **kwargs
            As `from_predictions` takes them.

        Returns
        -------
        PredictionDisplay
        """
        return cls.from_predictions(
            y,
            predict_dist(estimator, X, exposure=exposure),
            sample_weight=sample_weight,
            ax=ax,
            name=type(estimator).__name__ if name is None else name,
            **kwargs,
        )

    @classmethod
    @abstractmethod
    def from_predictions(cls, y: ArrayLike | None, dist: Any, **kwargs: Any) -> Self:
        """Compute what the picture shows of an observed y and predicted distributions, and plot."""


def new_axes(display: str, projection: str | None) -> Any:
    """Axes of a new figure; pyplot knows it, as of any figure that a notebook shall show."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{display} plots with matplotlib; install it by pip install "sklnll[plots]".'
        ) from error
    _, ax = plt.subplots(layout="constrained", subplot_kw={"projection": projection})
    return ax
