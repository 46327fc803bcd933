"""Are angles observed where they are predicted? A rose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._data.checks import check_weight
from ..predictive import CircularPredictive, Predictive
from ._base import PredictionDisplay
from ._data import known, one_output
from ._look import PALETTE, legend, style

_N_GRID = 181


@dataclass(kw_only=True, eq=False, repr=False)
class RoseDisplay(PredictionDisplay):
    """Show a rose of observed angles, with the mean of the predicted densities.

    The area of a sector, not its length, shows how many rows it holds; the curve has the same
    scale, so that it cuts the sectors at equal area where predictions are right on average (which
    they may be without telling one row from another).

    Parameters
    ----------
    bin_edges : ndarray of shape (n_bins + 1,)
        Edges of the sectors in radians, from -pi to pi.
    observed : ndarray of shape (n_bins,)
        Density of the observed angles, per radian.
    grid : ndarray of shape (k,)
        Angles in radians, from -pi to pi.
    predicted : ndarray of shape (k,)
        Mean over the rows of their predicted densities there, per radian.
    name : str, optional
        The title.

    Attributes
    ----------
    ax_ : matplotlib PolarAxes
    figure_ : matplotlib Figure
    bars_ : matplotlib BarContainer
    line_ : matplotlib Line2D

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.displays import RoseDisplay
    >>> from sklnll.distributions import VonMises
    >>> from sklnll.predictive import CircularPredictive
    >>> params = {"loc": np.zeros(500), "concentration": np.full(500, 2.0)}
    >>> y = np.random.default_rng(0).vonmises(0, 2, size=500)
    >>> display = RoseDisplay.from_predictions(y, CircularPredictive(VonMises(), params), n_bins=4)
    >>> display.observed.round(2)
    array([0.03, 0.29, 0.29, 0.03])
    """

    bin_edges: np.ndarray
    observed: np.ndarray
    grid: np.ndarray
    predicted: np.ndarray
    name: str | None = None

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike | None,
        dist: Predictive,
        *,
        n_bins: int = 24,
        output: int | None = None,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Compute both densities and plot them.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Angles in radians, in any turn.
        dist : CircularPredictive
        n_bins : int, default=24
            Number of sectors of the circle.
        output : int, optional
            Which column of y, where it has several.
        sample_weight : array-like of shape (n_samples,), optional
        ax : matplotlib PolarAxes, optional
            Axes that were made with ``projection="polar"``.
        name : str, optional
        **kwargs
            Keywords of `plot`.

        Returns
        -------
        RoseDisplay
        """
        if not isinstance(dist, CircularPredictive):
            raise TypeError(
                f"{cls.__name__} needs predicted distributions of angles, as distribution="
                f"'von_mises' gives them; got {type(dist).__name__}. For other numbers use "
                "PITHistogramDisplay."
            )
        angle = one_output(np.asarray(known(y), dtype=float), dist, output).ravel()
        weight = check_weight(sample_weight, angle)
        data = rose(angle, n_bins, weight) | mean_density(dist, output, weight)
        return cls(**data, name=name).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot the sectors and the curve.

        Parameters
        ----------
        ax : matplotlib PolarAxes, optional
            Where to plot; by default axes of a new figure; given ones must be polar.
        name : str, optional
            The title, instead of the display's own.
        **kwargs
            Keywords of matplotlib's ``Axes.bar``, which draws the sectors.

        Returns
        -------
        RoseDisplay
        """
        if ax is not None and ax.name != "polar":
            raise ValueError(
                f"{type(self).__name__} needs polar axes; got {ax.name} ones. Make them by "
                'plt.subplots(subplot_kw={"projection": "polar"}).'
            )
        ax = self._open(ax, projection="polar")
        # The area of a sector goes with the square of its radius.
        self.bars_ = ax.bar(
            self.bin_edges[:-1],
            np.sqrt(self.observed),
            width=np.diff(self.bin_edges),
            align="edge",
            **style(kwargs, color=PALETTE[0], alpha=0.45, edgecolor="white", label="observed"),
        )
        (self.line_,) = ax.plot(
            self.grid, np.sqrt(self.predicted), color=PALETTE[1], linewidth=1.8, label="predicted"
        )
        ax.set(title=self._called(name) or "", yticklabels=[])
        ax.grid(linewidth=0.4, alpha=0.6)
        legend(ax, loc="lower left", bbox_to_anchor=(0.95, 0.9))
        return self


def rose(angle: np.ndarray, n_bins: int, weight: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the density of the angles in sectors of equal width."""
    wrapped = np.angle(np.exp(1j * angle))
    counts, edges = np.histogram(wrapped, n_bins, (-np.pi, np.pi), weights=weight)
    density = counts / weight.sum() / np.diff(edges)
    return {"bin_edges": edges, "observed": density}


def mean_density(
    dist: CircularPredictive, output: int | None, weight: np.ndarray
) -> dict[str, np.ndarray]:
    """Average the densities of the rows, around the circle."""
    grid = np.linspace(-np.pi, np.pi, _N_GRID)
    density = [
        np.average(one_output(dist.pdf(np.full(dist.shape, angle)), dist, output), weights=weight)
        for angle in grid
    ]
    return {"grid": grid, "predicted": np.array(density)}
