"""What do all displays share? Axes, and the way from an estimator to a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

from numpy.typing import ArrayLike

from ..composition import predict_dist
from ..predictive import Predictive


class Display(ABC):
    """A display is a picture, and keeps the numbers that it shows.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was plotted last.
    figure_ : matplotlib Figure
        The figure of these axes.
    """

    ax_: Any
    figure_: Any
    name: str | None = None

    @abstractmethod
    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot what was computed."""

    def _open(self, ax: Any, projection: str | None = None) -> Any:
        """Keep the given axes, or those of a new figure, as attributes."""
        self.ax_ = new_axes(type(self).__name__, projection) if ax is None else ax
        self.figure_ = self.ax_.figure
        return self.ax_

    def _called(self, name: str | None) -> str | None:
        """Prefer a name that `plot` was given to the display's own."""
        return self.name if name is None else name


class PredictionDisplay(Display):
    """A prediction display shows predicted distributions and what was observed; see `Display`."""

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
            A fitted one; whatever `sklnll.predict_dist` reaches through, such as a pipeline or a
            search.
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What was observed.
        sample_weight : array-like of shape (n_samples,), optional
        exposure : array-like of shape (n_samples,), optional
            How long each row was watched; see `sklnll.NLLRegressor.predict_dist`.
        ax : matplotlib Axes, optional
            Where to plot; by default a new figure.
        name : str, optional
            What the legend says; by default the name of the estimator's class.
        **kwargs
            Keywords of `from_predictions`.

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
    def from_predictions(cls, y: ArrayLike | None, dist: Predictive, **kwargs: Any) -> Self:
        """Compute what the picture shows of an observed y and predicted distributions, and plot."""


def new_axes(display: str, projection: str | None) -> Any:
    """Make axes of a new figure, which pyplot knows, as it must for a notebook to show it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{display} plots with matplotlib; install it by pip install "sklnll[plots]".'
        ) from error
    _, ax = plt.subplots(layout="constrained", subplot_kw={"projection": projection})
    return ax
