"""Which densities, or masses, are predicted for a few rows, and what was observed there?"""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from ..predictive import (
    DiscretePredictive,
    LabelPredictive,
    MixedPredictive,
    PredictiveDistribution,
)
from ._base import PredictionDisplay
from ._data import numbers_of, one_output
from ._look import PALETTE, data_style, tidy

Kind = Literal["density", "mass", "labels"]

_OUTERMOST = 0.005
_N_GRID = 300
_ROOM = 1.25  # for the legend above bars


class DensityDisplay(PredictionDisplay):
    """Predicted densities, or masses, of chosen rows, with what was observed there.

    Parameters
    ----------
    grid : ndarray of shape (k,)
        Values of y, in its units; labels for class labels.
    values : ndarray of shape (n_rows, k)
        Predicted densities there, or probabilities where y is a count or a label.
    rows : ndarray of shape (n_rows,)
        Positions of the rows, for the legend.
    kind : {"density", "mass", "labels"}
    y : ndarray of shape (n_rows,), optional
        What was observed.
    values_at_y : ndarray of shape (n_rows,), optional
        Predicted density or probability of it.
    name : str, optional
        For the title.

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

    def __init__(
        self,
        *,
        grid: np.ndarray,
        values: np.ndarray,
        rows: np.ndarray,
        kind: Kind,
        y: np.ndarray | None = None,
        values_at_y: np.ndarray | None = None,
        name: str | None = None,
    ):
        self.grid = grid
        self.values = values
        self.rows = rows
        self.kind = kind
        self.y = y
        self.values_at_y = values_at_y
        self.name = name

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike | None,
        dist: Any,
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
            Of numbers, of vectors of them, or of class labels.
        rows : array-like of int, default=(0, 1, 2, 3)
            Positions of the rows to show; those beyond the last row are left out.
        output : int, optional
            Which column of y, where it has several.
        sample_weight : None
            Taken for the sake of a common signature: densities of single rows have no weight.
        ax : matplotlib Axes, optional
        name : str, optional
        **kwargs
            As `plot` takes them.

        Returns
        -------
        DensityDisplay
        """
        chosen = np.ravel(rows)
        chosen = chosen[chosen < len(dist)] if hasattr(dist, "__len__") else chosen
        seen = None if y is None else np.asarray(y)[chosen]
        if isinstance(dist, LabelPredictive):
            data = label_masses(seen, dist[chosen])
        else:
            data = densities(seen, _with_one_measure(dist, cls.__name__)[chosen], output)
        return cls(**data, rows=chosen, name=name).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot a curve, or bars, for each row, and a mark at what was observed.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            By default those of a new figure.
        name : str, optional
            As title, instead of the display's own.
        **kwargs
            For matplotlib's ``Axes.plot``, or ``Axes.bar`` for labels.

        Returns
        -------
        DensityDisplay
        """
        ax = self._open(ax)
        draw = self._plot_bars if self.kind == "labels" else self._plot_curves
        draw(ax, kwargs)
        ax.set(title=(self.name if name is None else name) or "")
        ax.set(ylim=(0, _ROOM * ax.get_ylim()[1] if self.kind == "labels" else None))
        ax.set(xlabel="y", ylabel="density" if self.kind == "density" else "predicted probability")
        columns = len(self.rows) if self.kind == "labels" else 1
        title = None if self.y is None else "dot: observed"
        ax.legend(frameon=False, fontsize="small", title=title, ncols=columns)
        tidy(ax)
        return self

    def _plot_curves(self, ax: Any, kwargs: dict[str, Any]) -> None:
        marks = {"marker": "o", "markersize": 3, "linewidth": 0.8} if self.kind == "mass" else {}
        for i, row in enumerate(self.rows):
            style = data_style(ax, kwargs, **{"linewidth": 1.8, **marks, "label": f"row {row}"})
            (line,) = ax.plot(self.grid, self.values[i], **style)
            if self.y is not None and self.values_at_y is not None:
                x, height, color = self.y[i], self.values_at_y[i], line.get_color()
                ax.vlines(x, 0, height, color=color, linewidth=1, linestyle=":")
                ax.plot(x, height, "o", color=color, markersize=7, clip_on=False)

    def _plot_bars(self, ax: Any, kwargs: dict[str, Any]) -> None:
        """Bars of the rows side by side over each label."""
        width = 0.8 / len(self.rows)
        place = np.arange(len(self.grid))
        for i, row in enumerate(self.rows):
            x = place + (i - (len(self.rows) - 1) / 2) * width
            color = PALETTE[i % len(PALETTE)]
            ax.bar(
                x,
                self.values[i],
                **{"width": width, "color": color, "label": f"row {row}"} | kwargs,
            )
            if self.y is not None and self.values_at_y is not None:
                at = x[self.grid == self.y[i]]
                ax.plot(at, self.values_at_y[[i]], "o", color=color, markersize=7, mec="white")
        ax.set_xticks(place, [str(label) for label in self.grid])


def _with_one_measure(dist: Any, display: str) -> PredictiveDistribution:
    """Distributions that have either a density or a mass function."""
    numbers = numbers_of(dist, display)
    if isinstance(numbers, MixedPredictive):
        raise TypeError(
            f"{display} needs a density or a mass function; {numbers.distribution!r} has both. "
            "PITHistogramDisplay and PredictiveBandDisplay take it."
        )
    return numbers


def label_masses(y: np.ndarray | None, dist: LabelPredictive) -> dict[str, Any]:
    """Probabilities of all labels, and of the observed ones."""
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
    """Densities or masses of one output on a common grid, and at what was observed."""
    column = None if y is None else one_output(y, numbers, output).astype(float).reshape(-1)
    if isinstance(numbers, DiscretePredictive):
        kind, method = "mass", "pmf"
        grid = whole_numbers(numbers, column, output)
    else:
        kind, method = "density", "pdf"
        grid = fine_grid(numbers, column, output)
    values = np.column_stack([heights(numbers, v, method, output) for v in grid])
    at_y = None if column is None else heights(numbers, column, method, output)
    return {"grid": grid, "values": values, "kind": kind, "y": column, "values_at_y": at_y}


def heights(numbers: PredictiveDistribution, y: Any, method: str, output: int | None) -> np.ndarray:
    """Density or mass of one output at a number, or at one for each row."""
    table = np.empty(numbers.shape)
    table[...] = y if len(numbers.shape) == 1 or np.ndim(y) == 0 else y[:, None]
    return one_output(getattr(numbers, method)(table), numbers, output)


def whole_numbers(
    numbers: PredictiveDistribution, y: np.ndarray | None, output: int | None
) -> np.ndarray:
    """All counts between the outermost quantiles, or 300 of them, and what was observed."""
    ends = outermost(numbers, y, output)
    step = max(1, int(np.ptp(ends) // _N_GRID))
    return np.arange(ends[0], ends[1] + 1, step)


def fine_grid(
    numbers: PredictiveDistribution, y: np.ndarray | None, output: int | None
) -> np.ndarray:
    """Equal steps over all rows, and quantiles of each, so that a narrow peak is not missed."""
    levels = np.linspace(_OUTERMOST, 1 - _OUTERMOST, 99)
    quantiles = one_output(numbers.ppf(levels), numbers, output)
    return np.unique(
        np.concatenate([np.linspace(*outermost(numbers, y, output), _N_GRID), quantiles.ravel()])
    )


def outermost(
    numbers: PredictiveDistribution, y: np.ndarray | None, output: int | None
) -> tuple[float, float]:
    """From the lowest to the highest value that is shown."""
    tails = one_output(numbers.ppf([_OUTERMOST, 1 - _OUTERMOST]), numbers, output)
    values = np.append(tails, [] if y is None else y)
    return values.min(), values.max()
