"""How does the predicted distribution change along one feature?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from ..composition import predict_dist
from ..predictive import CircularPredictive, Predictive, PredictiveDistribution
from ._base import Display
from ._data import check_levels, known, numbers_of, one_output
from ._look import data_style, legend, tidy

COVERAGES = (0.5, 0.9)
LIGHTEST, DARKEST = 0.15, 0.4


@dataclass(kw_only=True, eq=False, repr=False)
class PredictiveBandDisplay(Display):
    """Show median and central intervals along one feature, with the others held fixed.

    Observed points have other values of the other features, so that more of them than promised may
    lie outside the bands: with several features the picture shows what the model predicts, and
    `IntervalCoverageDisplay` whether that is right.

    Parameters
    ----------
    grid : ndarray of shape (k,)
        Values of the feature, rising.
    median : ndarray of shape (k,)
        Predicted medians there, in y's units.
    intervals : ndarray of shape (n_coverages, k, 2)
        Lower and upper ends of the central intervals, in y's units.
    coverages : ndarray of shape (n_coverages,)
        Probabilities that the intervals promise, rising.
    x, y : ndarray of shape (n_samples,), optional
        Observed points.
    x_label : str, default="x"
        Name of the feature.
    name : str, optional
        What the legend says.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The median.
    points_ : matplotlib PathCollection or None

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklnll import NLLRegressor
    >>> from sklnll.displays import PredictiveBandDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> net = NLLRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, y)
    >>> display = PredictiveBandDisplay.from_estimator(net, X, y, feature="bmi")
    >>> bool(display.median[-1] > display.median[0])
    True
    """

    grid: np.ndarray
    median: np.ndarray
    intervals: np.ndarray
    coverages: np.ndarray
    x: np.ndarray | None = None
    y: np.ndarray | None = None
    x_label: str = "x"
    name: str | None = None

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        feature: int | str = 0,
        at: Iterable[Any] | None = None,
        grid_resolution: int = 200,
        coverages: ArrayLike = COVERAGES,
        output: int | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Predict along one feature, and plot.

        Parameters
        ----------
        estimator : estimator
            A fitted one; whatever `sklnll.predict_dist` reaches through, such as a pipeline or a
            search.
        X : array-like or frame of shape (n_samples, n_features)
            Its range of the feature is shown, and its points.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Observed points; none are drawn without it.
        feature : int or str, default=0
            Position of a column of X, or its name where X is a frame.
        at : array-like of shape (n_features,), optional
            The row whose other features are held; by default the median of each column, and the
            most frequent value of columns that are no numbers.
        grid_resolution : int, default=200
            Number of values of the feature.
        coverages : array-like, default=(0.5, 0.9)
            Probabilities that the intervals promise.
        output : int, optional
            Which column of y, where it has several.
        ax : matplotlib Axes, optional
        name : str, optional
            What the legend says.
        **kwargs
            Keywords of `plot`.

        Returns
        -------
        PredictiveBandDisplay
        """
        columns = columns_of(X)
        key = name_of(feature, columns)
        x = feature_values(columns, key)
        grid = np.linspace(np.nanmin(x), np.nanmax(x), grid_resolution, dtype=x.dtype)
        return cls.from_predictions(
            y,
            predict_dist(estimator, rows_along(X, columns, key, grid, at)),
            x=x,
            grid=grid,
            coverages=coverages,
            output=output,
            x_label=key if isinstance(key, str) else f"feature {key}",
            ax=ax,
            name=name,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike | None,
        dist: Predictive,
        *,
        x: ArrayLike,
        grid: ArrayLike | None = None,
        coverages: ArrayLike = COVERAGES,
        output: int | None = None,
        x_label: str = "x",
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the bands and plot them.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Observed points; none are drawn without it.
        dist : Predictive
            Predictions of numbers, or of vectors of them, at the values `grid`, or else `x`.
        x : array-like of shape (n_samples,) or (n_samples, 1)
            The feature's values at the observed points.
        grid : array-like of shape (k,), optional
            The feature's values at the rows of `dist`; those of `x` by default.
        coverages : array-like, default=(0.5, 0.9)
            Probabilities that the intervals promise.
        output : int, optional
            Which column of y, where it has several.
        x_label : str, default="x"
            Name of the feature.
        ax : matplotlib Axes, optional
        name : str, optional
            What the legend says.
        **kwargs
            Keywords of `plot`.

        Returns
        -------
        PredictiveBandDisplay
        """
        numbers = numbers_of(dist, cls.__name__)
        if isinstance(numbers, CircularPredictive):
            raise TypeError(f"{cls.__name__} has a straight axis of y; for angles use RoseDisplay.")
        at_points = np.asarray(x, dtype=float).reshape(len(np.asarray(x)))
        at_rows = at_points if grid is None else np.asarray(grid, dtype=float)
        level = check_levels(coverages, "coverages")
        data = bands(at_rows, numbers, level, output)
        points = None if y is None else observed(y, numbers, output)
        display = cls(**data, coverages=level, x=at_points, y=points, x_label=x_label, name=name)
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot the bands, the median and the points.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to plot; by default axes of a new figure.
        name : str, optional
            What the legend says, instead of the display's own.
        **kwargs
            Keywords of matplotlib's ``Axes.plot``, which draws the median.

        Returns
        -------
        PredictiveBandDisplay
        """
        ax = self._open(ax)
        label = " ".join(filter(None, [self._called(name), "median"]))
        style = data_style(ax, kwargs, linewidth=1.8, label=label)
        self._plot_points(ax)
        (self.line_,) = ax.plot(self.grid, self.median, **style)
        self._plot_bands(ax, self.line_.get_color())
        ax.set(xlabel=self.x_label, ylabel="y")
        ax.margins(x=0.02)
        legend(ax, bbox_to_anchor=(0, 1), loc="lower left", ncols=4)
        tidy(ax)
        return self

    def _plot_points(self, ax: Any) -> None:
        """Draw points below the bands, so that many of them hide nothing."""
        if self.y is None or self.x is None:
            self.points_ = None
            return
        alpha = float(np.clip(100 / len(self.y), 0.15, 0.6))
        self.points_ = ax.scatter(
            self.x, self.y, s=10, color="0.3", alpha=alpha, linewidth=0, zorder=1, label="observed"
        )

    def _plot_bands(self, ax: Any, color: Any) -> None:
        """Draw the bands, the widest one lightest."""
        shades = np.linspace(DARKEST, LIGHTEST, len(self.coverages))
        for ends, coverage, alpha in zip(self.intervals, self.coverages, shades, strict=True):
            label = f"central {100 * coverage:g} %"
            ax.fill_between(self.grid, *ends.T, color=color, alpha=alpha, linewidth=0, label=label)


def bands(
    grid: np.ndarray, numbers: PredictiveDistribution, coverages: np.ndarray, output: int | None
) -> dict[str, np.ndarray]:
    """Compute median and central intervals, in the order of the rising `grid`."""
    if grid.shape != (len(numbers),):
        raise ValueError(
            f"the feature's values must have shape ({len(numbers)},), one for each predicted row; "
            f"got {grid.shape}."
        )
    order = np.argsort(grid, kind="stable")
    levels = np.concatenate([[0.5], (1 - coverages) / 2, (1 + coverages) / 2])
    quantiles = one_output(numbers[order].ppf(levels), numbers, output)
    low, high = np.split(quantiles[:, 1:], 2, axis=1)
    intervals = np.stack([low.T, high.T], axis=-1)
    return {"grid": grid[order], "median": quantiles[:, 0], "intervals": intervals}


def observed(y: ArrayLike, numbers: PredictiveDistribution, output: int | None) -> np.ndarray:
    """Take one column of what was observed."""
    values = np.asarray(known(y), dtype=float)
    return one_output(values, numbers, output).reshape(len(values))


# One feature moves, the others rest --------------------------------------------------------------


def columns_of(X: Any) -> dict[Any, np.ndarray]:
    """Return the columns of X by name, or by position where they have none."""
    if issparse(X):
        raise TypeError("X must be dense, to move one feature and hold the others; use X.toarray()")
    if hasattr(X, "columns"):
        return {name: np.asarray(X[name]) for name in X.columns}
    table = np.asarray(X)
    if table.ndim != 2:
        raise ValueError(f"X must have rows and columns; got shape {table.shape}.")
    return dict(enumerate(table.T))


def name_of(feature: int | str, columns: dict[Any, np.ndarray]) -> Any:
    """Find the key of `columns` that is meant by a name or a position."""
    names = list(columns)
    if feature in columns:
        return feature
    if isinstance(feature, int | np.integer) and -len(names) <= feature < len(names):
        return names[feature]
    raise ValueError(f"feature must be a column of X, one of {names}; got {feature!r}.")


def feature_values(columns: dict[Any, np.ndarray], key: Any) -> np.ndarray:
    """Return the column that moves, as numbers."""
    values = columns[key]
    if values.dtype.kind not in "biuf":
        raise TypeError(f"feature must be a column of numbers; {key!r} has dtype {values.dtype}.")
    return values if values.dtype.kind == "f" else values.astype(float)


def rows_along(
    X: Any, columns: dict[Any, np.ndarray], key: Any, grid: np.ndarray, at: Iterable[Any] | None
) -> Any:
    """Make rows with the feature at `grid` and the others at rest; a frame where X is one."""
    rest = [typical(column) for column in columns.values()] if at is None else list(at)
    if len(rest) != len(columns):
        raise ValueError(f"at must hold a value for each of {len(columns)} features; got {at!r}.")
    table = {
        name: grid if name == key else at_rest(columns[name], value, len(grid))
        for name, value in zip(columns, rest, strict=True)
    }
    return type(X)(table) if hasattr(X, "columns") else np.column_stack(list(table.values()))


def at_rest(column: np.ndarray, value: Any, n_rows: int) -> np.ndarray:
    """Repeat a value in a dtype that holds it: 2.5 may be the median of whole numbers."""
    is_number = column.dtype.kind in "biuf"
    return np.full(n_rows, value, np.result_type(column, value) if is_number else column.dtype)


def typical(column: np.ndarray) -> Any:
    """Return the median of numbers, or the most frequent value of anything else."""
    if column.dtype.kind in "iuf":
        return np.nanmedian(column)
    values, counts = np.unique(column.astype(str), return_counts=True)
    return column[column.astype(str) == values[counts.argmax()]][0]
