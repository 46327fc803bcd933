"""Which item comes before which, and in which place? A map of probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from .._data.checks import check_weight
from ..orders import places
from ..predictive import RankingPredictive
from ._base import PredictionDisplay

Kind = Literal["pairs", "places"]

_COLORS = {"pairs": "PuOr", "places": "Blues"}
_MOST_ITEMS_WITH_TEXT = 12
_MOST_LETTERS_IN_A_ROW = 40


@dataclass(kw_only=True, eq=False, repr=False)
class RankingHeatMapDisplay(PredictionDisplay):
    """Show predicted probabilities of pairs of items, or of items and places, as a map.

    They are averaged over the rows. Below each probability stands the share of rows that were
    observed so, if y is given.

    Parameters
    ----------
    predicted : ndarray of shape (n_items, n_items)
        For "pairs", the probability that the row's item comes before the column's, with NaN on the
        diagonal; for "places", the probability that the row's item has the column's place.
    observed : ndarray of shape (n_items, n_items), optional
        The same as shares of the rows that decide it: a partial ranking says nothing of two
        unlisted items, nor of the places after its last.
    items : list of str
        Names of the items.
    kind : {"pairs", "places"}, default="pairs"
        What the probabilities are of.
    name : str, optional
        The title.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.displays import RankingHeatMapDisplay
    >>> from sklnll.distributions import PlackettLuce
    >>> from sklnll.predictive import RankingPredictive
    >>> dist = RankingPredictive(PlackettLuce(), {"scores": np.log([[1.0, 4.0, 5.0]])})
    >>> display = RankingHeatMapDisplay.from_predictions(None, dist)
    >>> display.predicted.round(2)
    array([[ nan, 0.2 , 0.17],
           [0.8 ,  nan, 0.44],
           [0.83, 0.56,  nan]])
    """

    predicted: np.ndarray
    items: Sequence[str]
    kind: Kind = "pairs"
    observed: np.ndarray | None = None
    name: str | None = None

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike | None,
        dist: Any,
        *,
        kind: Kind = "pairs",
        items: Sequence[str] | None = None,
        n_draws: int = 200,
        random_state: Any = 0,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the probabilities and plot them.

        Parameters
        ----------
        y : array-like of shape (n_samples, n_items), or None
            Orders, best item first; partial ones end in -1. None leaves them out.
        dist : RankingPredictive
        kind : {"pairs", "places"}, default="pairs"
            What the probabilities are of.
        items : sequence of str, optional
            Names of the items; numbers by default.
        n_draws : int, default=200
            Draws from each row's distribution, to count how often an item has a place.
        random_state : int, RandomState instance or None, default=0
            Seeds these draws.
        sample_weight : array-like of shape (n_samples,), optional
        ax : matplotlib Axes, optional
        name : str, optional
        **kwargs
            Keywords of `plot`.

        Returns
        -------
        RankingHeatMapDisplay
        """
        check_ranking(dist, kind, items, cls.__name__)
        weight = check_weight(sample_weight, dist.probs)
        orders = None if y is None else dist._align(y)
        if kind == "pairs":
            predicted = without_diagonal(np.average(dist.pairwise(), axis=0, weights=weight))
            seen = None if orders is None else pair_shares(orders, weight)
        else:
            predicted = place_probabilities(dist, weight, n_draws, random_state)
            seen = None if orders is None else place_shares(orders, weight)
        names = list(items or map(str, range(dist.n_items)))
        display = cls(predicted=predicted, items=names, kind=kind, observed=seen, name=name)
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot the map, with its numbers up to twelve items.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to plot; by default axes of a new figure.
        name : str, optional
            The title, instead of the display's own.
        **kwargs
            Keywords of matplotlib's ``Axes.imshow``.

        Returns
        -------
        RankingHeatMapDisplay
        """
        ax = self._open(ax)
        style = {"cmap": _COLORS[self.kind], "vmin": 0, "vmax": 1} | kwargs
        self.image_ = ax.imshow(self.predicted, **style)
        has_text = len(self.items) <= _MOST_ITEMS_WITH_TEXT
        both = has_text and self.observed is not None
        meaning = "predicted (observed) probability" if both else "predicted probability"
        self.figure_.colorbar(self.image_, ax=ax, label=meaning, shrink=0.8)
        place = np.arange(len(self.items))
        columns = self.items if self.kind == "pairs" else [str(p) for p in place + 1]
        crowded = sum(map(len, columns)) > _MOST_LETTERS_IN_A_ROW
        ax.set_xticks(place, columns, rotation=90 if crowded else 0)
        ax.set_yticks(place, self.items)
        ax.set(ylabel="item", xlabel="before item" if self.kind == "pairs" else "place")
        ax.set(title=self._called(name) or "")
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        if has_text:
            self._write_numbers(ax)
        return self

    def _write_numbers(self, ax: Any) -> None:
        size = float(np.clip(60 / len(self.items), 5, 10))
        for (i, j), probability in np.ndenumerate(self.predicted):
            if np.isfinite(probability):
                red, green, blue, _ = self.image_.to_rgba(probability)
                bright = 0.3 * red + 0.59 * green + 0.11 * blue > 0.5
                color = "black" if bright else "white"
                ax.text(j, i, self._number(i, j), ha="center", va="center", color=color, size=size)

    def _number(self, i: int, j: int) -> str:
        predicted = f"{self.predicted[i, j]:.2f}"
        if self.observed is None or np.isnan(self.observed[i, j]):
            return predicted
        return f"{predicted}\n({self.observed[i, j]:.2f})"


def check_ranking(dist: Any, kind: str, items: Sequence[str] | None, display: str) -> None:
    """Refuse what the map cannot show."""
    if not isinstance(dist, RankingPredictive):
        raise TypeError(
            f"{display} needs predicted distributions of rankings, as sklnll.predict_dist gives "
            f"them for NLLRanker; got {type(dist).__name__}. For numbers use PITHistogramDisplay, "
            "for class labels ClassCalibrationDisplay."
        )
    if kind not in _COLORS:
        raise ValueError(f"kind must be one of {sorted(_COLORS)}; got {kind!r}.")
    if items is not None and len(items) != dist.n_items:
        raise ValueError(f"items must name all {dist.n_items} items; got {len(items)} names.")


def without_diagonal(table: np.ndarray) -> np.ndarray:
    """Blank the diagonal: no item comes before itself."""
    return np.where(np.eye(len(table), dtype=bool), np.nan, table)


def pair_shares(orders: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Compute in which share of the rows that decide between two items the first comes before."""
    place = places(orders)
    first, second = place[:, :, None], place[:, None, :]
    before = np.tensordot(weight, first < second, axes=1)
    with np.errstate(invalid="ignore"):
        return before / np.tensordot(weight, first != second, axes=1)


def place_probabilities(
    dist: RankingPredictive, weight: np.ndarray, n_draws: int, random_state: Any
) -> np.ndarray:
    """Compute the share of draws in which an item has a place, an item each row."""
    draws = dist.rvs(n_draws, random_state)
    return np.stack(
        [
            np.average((draws == item).mean(axis=1), axis=0, weights=weight)
            for item in range(dist.n_items)
        ]
    )


def place_shares(orders: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Compute in which share of the rows that list a place an item has it."""
    listed = weight @ (orders >= 0)
    with np.errstate(invalid="ignore"):
        return np.stack([weight @ (orders == item) for item in range(orders.shape[1])]) / listed
