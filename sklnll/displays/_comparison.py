"""Which model is better, and by how much more than chance?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from ._base import Display
from ._look import PALETTE, REFERENCE, tidy


class Scores(Protocol):
    """Scores of several models on the same folds are what the picture reads of a comparison."""

    @property
    def names(self) -> list[str]:
        """Name the models."""

    @property
    def scores(self) -> Mapping[str, np.ndarray]:
        """Give the scores of each model and fold, by the name of the score."""

    def difference(
        self, score: str, against: str | None = None
    ) -> Mapping[str, tuple[np.float64, np.float64]]:
        """Give each model's mean difference from another one, and its standard error."""


@dataclass(kw_only=True, eq=False, repr=False)
class ComparisonDisplay(Display):
    """Show how a score differs between models on the same folds, with standard errors.

    Parameters
    ----------
    names : list of str
        Names of the models.
    differences, errors : ndarray of shape (n_models,)
        Differences from the model that the others are compared with, and two standard errors.
    score : str
        Name of the score.
    against : str
        Name of the model that the others are compared with.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was plotted last.
    figure_ : matplotlib Figure
        The figure of these axes.
    """

    names: list[str]
    differences: np.ndarray
    errors: np.ndarray
    score: str
    against: str

    @classmethod
    def from_comparison(
        cls,
        comparison: Scores,
        *,
        score: str | None = None,
        against: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Read what `sklnll.compare` returns, and plot it.

        Parameters
        ----------
        comparison : Comparison
            Scores of several models, from `sklnll.compare`.
        score : str, optional
            Name of the score; by default the first one.
        against : str, optional
            Name of the model to compare with; by default the first one.
        ax : matplotlib Axes, optional
        **kwargs
            Keywords of `plot`.

        Returns
        -------
        ComparisonDisplay
        """
        score = next(iter(comparison.scores)) if score is None else score
        against = comparison.names[0] if against is None else against
        pairs = np.array([*comparison.difference(score, against).values()])
        display = cls(
            names=comparison.names,
            differences=pairs[:, 0],
            errors=2 * pairs[:, 1],
            score=score,
            against=against,
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot a line for each model that has the score, the first one on top.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to plot; by default axes of a new figure.
        name : str, optional
            The title.
        **kwargs
            Keywords of matplotlib's ``Axes.errorbar``.

        Returns
        -------
        ComparisonDisplay
        """
        ax = self._open(ax)
        known = np.flatnonzero(np.isfinite(self.differences))  # others have no such score
        places = np.arange(len(known))
        ax.axvline(0, color=REFERENCE, linewidth=1, linestyle="--", zorder=0)
        ax.errorbar(
            self.differences[known],
            places,
            xerr=self.errors[known],
            **{"fmt": "o", "color": PALETTE[0], "capsize": 3, **kwargs},
        )
        ax.set_yticks(places, [self.names[i] for i in known])
        ax.set_ylim(len(known) - 0.5, -0.5)
        ax.set(xlabel=f"{self.score}, difference from {self.against} (two standard errors)")
        ax.set(title=name or "")
        tidy(ax)
        return self
