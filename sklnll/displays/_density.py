"""Which densities, or masses, are predicted for a few rows, and what was observed there?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from ..predictive import (
    DiscretePredictive,
    LabelPredictive,
    MixedPredictive,
    Predictive,
    PredictiveDistribution,
)
from ._base import PredictionDisplay
from ._data import known, numbers_of, one_output
from ._look import PALETTE, data_style, legend, style, tidy

Kind = Literal["density", "mass", "labels"]

_OUTERMOST = 0.005
_FAR = 1e-4
_N_GRID = 300
_POLE = 10
_ABOVE_MEDIAN = 5
_ROOM = 1.25  # for the legend above bars


@dataclass(kw_only=True, eq=False, repr=False)
class DensityDisplay(PredictionDisplay):
    """Show predicted densities, or masses, of chosen rows, with what was observed there.

    Parameters
    ----------
    grid : ndarray of shape (k,)
        Values of y, in its units; labels for class labels.
    values : ndarray of shape (n_rows, k)
        Predicted densities there, or probabilities where y is a count or a label.
    rows : ndarray of shape (n_rows,)
        Positions of the rows, for the legend.
    kind : {"density", "mass", "labels"}
        What the values are, and over what.
    y : ndarray of shape (n_rows,), optional
        What was observed.
    values_at_y : ndarray of shape (n_rows,), optional
        Predicted density or probability of it.
    ceiling : float, optional
        Where the picture ends, if a density is infinite somewhere.
    name : str, optional
        The title.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.displays import DensityDisplay
    >>> from sklnll.distributions import Poisson
    >>> from sklnll.predictive import DiscretePredictive
    >>> dist = DiscretePredictive(Poisson(), {"rate": np.array([0.5, 3.0])})
    >>> display = DensityDisplay.from_predictions([1, 2], dist)
    >>> display.values_at_y.round(2)
    array([0.3 , 0.22])
    """

    grid: np.ndarray
    values: np.ndarray
    rows: np.ndarray
    kind: Kind
    y: np.ndarray | None = None
    values_at_y: np.ndarray | None = None
    ceiling: float | None = None
    name: str | None = None

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike | None,
        dist: Predictive,
        *,
        rows: ArrayLike = (0, 1, 2, 3),
        output: int | None = None,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the densities and plot them.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or None
            What was observed; None leaves it out.
        dist : Predictive
            Predictions of numbers, of vectors of them, or of class labels.
        rows : array-like of int, default=(0, 1, 2, 3)
            Positions of the rows to show; those beyond the last row are left out.
        output : int, optional
            Which column of y, where it has several.
        sample_weight : None
            Taken for the sake of a common signature: densities of single rows have no weight.
        ax : matplotlib Axes, optional
        name : str, optional
        **kwargs
            Keywords of `plot`.

        Returns
        -------
        DensityDisplay
        """
        shown = dist if isinstance(dist, LabelPredictive) else one_measure(dist, cls.__name__)
        chosen = existing(rows, len(shown))
        seen = None if y is None else known(y)[chosen]
        data = (
            label_masses(seen, shown[chosen])
            if isinstance(shown, LabelPredictive)
            else densities(seen, shown[chosen], output)
        )
        return cls(**data, rows=chosen, name=name).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot a curve, or bars, for each row, and a mark at what was observed.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to plot; by default axes of a new figure.
        name : str, optional
            The title, instead of the display's own.
        **kwargs
            Keywords of matplotlib's ``Axes.plot``, or ``Axes.bar`` for labels.

        Returns
        -------
        DensityDisplay
        """
        ax = self._open(ax)
        draw = self._plot_bars if self.kind == "labels" else self._plot_curves
        draw(ax, kwargs)
        ax.set(title=self._called(name) or "")
        room = _ROOM * ax.get_ylim()[1] if self.kind == "labels" else self.ceiling
        ax.set(ylim=(0, room))
        ax.set(xlabel="y", ylabel="density" if self.kind == "density" else "predicted probability")
        columns = len(self.rows) if self.kind == "labels" else 1
        title = None if self.y is None else "dot: observed"
        legend(ax, title=title, ncols=columns)
        tidy(ax)
        return self

    def _plot_curves(self, ax: Any, kwargs: dict[str, Any]) -> None:
        marks = {"marker": "o", "markersize": 3, "linewidth": 0.8} if self.kind == "mass" else {}
        for i, row in enumerate(self.rows):
            look = data_style(ax, kwargs, **{"linewidth": 1.8, **marks, "label": f"row {row}"})
            (line,) = ax.plot(self.grid, self.values[i], **look)
            if self.y is not None and self.values_at_y is not None:
                x, color = self.y[i], line.get_color()
                height = np.minimum(self.values_at_y[i], self.ceiling or np.inf)
                ax.vlines(x, 0, height, color=color, linewidth=1, linestyle=":")
                ax.plot(x, height, "o", color=color, markersize=7, clip_on=False)

    def _plot_bars(self, ax: Any, kwargs: dict[str, Any]) -> None:
        """Draw bars of the rows side by side over each label."""
        width = 0.8 / len(self.rows)
        place = np.arange(len(self.grid))
        for i, row in enumerate(self.rows):
            x = place + (i - (len(self.rows) - 1) / 2) * width
            color = PALETTE[i % len(PALETTE)]
            ax.bar(
                x,
                self.values[i],
                **style(kwargs, width=width, color=color, label=f"row {row}"),
            )
            if self.y is not None and self.values_at_y is not None:
                at = x[self.grid == self.y[i]]
                ax.plot(at, self.values_at_y[[i]], "o", color=color, markersize=7, mec="white")
        ax.set_xticks(place, [str(label) for label in self.grid])


def existing(rows: ArrayLike, n_rows: int) -> np.ndarray:
    """Keep the chosen rows that there are."""
    chosen = np.ravel(rows)
    chosen = chosen[chosen < n_rows]
    if not chosen.size:
        raise ValueError(f"rows must name at least one of {n_rows} rows; got {rows!r}.")
    return chosen


def one_measure(dist: Predictive, display: str) -> PredictiveDistribution:
    """Return distributions that have either a density or a mass function."""
    numbers = numbers_of(dist, display)
    if isinstance(numbers, MixedPredictive):
        raise TypeError(
            f"{display} needs a density or a mass function; {numbers.distribution!r} has both. "
            "PITHistogramDisplay and PredictiveBandDisplay take it."
        )
    return numbers


def label_masses(y: np.ndarray | None, dist: LabelPredictive) -> dict[str, Any]:
    """Compute the probabilities of all labels, and of the observed ones."""
    at_y = None if y is None else dist.pmf(y)
    return {
        "grid": dist.classes,
        "values": dist.probs,
        "kind": "labels",
        "y": y,
        "values_at_y": at_y,
    }


def densities(
    y: np.ndarray | None, numbers: PredictiveDistribution, output: int | None
) -> dict[str, Any]:
    """Compute densities or masses of one output on a common grid, and at what was observed."""
    column = None if y is None else one_output(y, numbers, output).astype(float).reshape(-1)
    if isinstance(numbers, DiscretePredictive):
        kind, method = "mass", "pmf"
        grid = whole_numbers(numbers, column, output)
    else:
        kind, method = "density", "pdf"
        grid = fine_grid(numbers, column, output)
    values = np.column_stack([heights(numbers, v, method, output) for v in grid])
    return {
        "grid": grid,
        "values": values,
        "kind": kind,
        "y": column,
        "values_at_y": None if column is None else heights(numbers, column, method, output),
        "ceiling": None if kind == "mass" else ceiling(numbers, values, output),
    }


def ceiling(
    numbers: PredictiveDistribution, values: np.ndarray, output: int | None
) -> float | None:
    """Find where to end a picture of densities that rise without bound; None where none does."""
    at = {
        level: heights(numbers, one_output(numbers.ppf(level), numbers, output), "pdf", output)
        for level in (1e-6, 0.01, 0.5, 0.99, 1 - 1e-6)
    }
    rises = (at[1e-6] > _POLE * at[0.01]) | (at[1 - 1e-6] > _POLE * at[0.99])
    tops = np.where(rises, _ABOVE_MEDIAN * at[0.5], values.max(axis=1))
    return float(tops.max()) if rises.any() else None


def heights(numbers: PredictiveDistribution, y: Any, method: str, output: int | None) -> np.ndarray:
    """Compute the density or mass of one output at a number, or at one for each row."""
    table = np.empty(numbers.shape)
    table[...] = y if len(numbers.shape) == 1 or np.ndim(y) == 0 else y[:, None]
    return one_output(getattr(numbers, method)(table), numbers, output)


def whole_numbers(
    numbers: PredictiveDistribution, y: np.ndarray | None, output: int | None
) -> np.ndarray:
    """Choose about 300 counts between each row's outermost quantiles and what was observed."""
    rows = [numbers[i] for i in range(len(numbers))]
    seen = [None if y is None else y[[i]] for i in range(len(rows))]
    # So far out that the line to the next row's counts lies on the axis.
    ends = [outermost(*pair, output, _FAR) for pair in zip(rows, seen, strict=True)]
    steps = [max(1, int((high - low) // _N_GRID)) for low, high in ends]
    counts = [np.arange(*end, step) for end, step in zip(ends, steps, strict=True)]
    return np.unique(np.concatenate([*counts, np.ravel(ends)]))


def fine_grid(
    numbers: PredictiveDistribution, y: np.ndarray | None, output: int | None
) -> np.ndarray:
    """Take equal steps over all rows, and quantiles of each, to miss no narrow peak."""
    levels = np.linspace(_OUTERMOST, 1 - _OUTERMOST, 99)
    quantiles = one_output(numbers.ppf(levels), numbers, output)
    return np.unique(
        np.concatenate([np.linspace(*outermost(numbers, y, output), _N_GRID), quantiles.ravel()])
    )


def outermost(
    numbers: PredictiveDistribution,
    y: np.ndarray | None,
    output: int | None,
    tail: float = _OUTERMOST,
) -> tuple[float, float]:
    """Find the lowest and the highest value that is shown."""
    tails = one_output(numbers.ppf([tail, 1 - tail]), numbers, output)
    values = np.append(tails, [] if y is None else y)
    return values.min(), values.max()
