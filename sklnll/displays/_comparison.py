"""Which model is better, and by how much more than chance?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ._base import Display
from ._look import PALETTE, REFERENCE, tidy

if TYPE_CHECKING:
    from ..comparison import Comparison


class ComparisonDisplay(Display):
    """Differences of a score between models on the same folds, with their standard errors.

    Parameters
    ----------
    names : list of str
        Of the models.
    differences, errors : ndarray of shape (n_models,)
        From the model that the others are compared with, and two standard errors.
    score : str
    against : str
        Name of that model.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was plotted last.
    figure_ : matplotlib Figure
        The figure of these axes.
    """

    def __init__(
        self,
        *,
        names: list[str],
        differences: np.ndarray,
        errors: np.ndarray,
        score: str,
        against: str,
    ):
        self.names = names
        self.differences = differences
        self.errors = errors
        self.score = score
        self.against = against

    @classmethod
    def from_comparison(
        cls,
        comparison: Comparison,
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
        score : str, optional
            By default the first one.
        against : str, optional
            Name of the model to compare with; by default the first one.
        ax : matplotlib Axes, optional
        **kwargs
            As `plot` takes them.

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
            By default those of a new figure.
        name : str, optional
            As title.
        **kwargs
            For matplotlib's ``Axes.errorbar``.

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
