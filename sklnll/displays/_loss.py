"""How did training go, and when was it best?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

from ._base import Display
from ._look import PALETTE, REFERENCE, legend, style, tidy

_ROUNDING = 1e-6


@dataclass(kw_only=True, eq=False, repr=False)
class LossCurveDisplay(Display):
    """Show the negative log-likelihood of training and validation after each epoch.

    Where the validation curve rises again while the training curve falls, the network overfits, and
    the weights of the best epoch are kept.

    Parameters
    ----------
    loss_curve : ndarray of shape (n_epochs,)
        Training loss, in nats a row.
    validation_loss : ndarray of shape (n_epochs,), optional
        Loss of the rows that were held out, in nats a row.
    best_epoch : int, optional
        The epoch of the least validation loss, from 1; 0 where none was better than the fit
        without x. For several members it is that of their mean.
    name : str, optional
        The title.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D

    Notes
    -----
    Where the validation loss rises far above its start, it leaves the picture.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklnll import NLLRegressor
    >>> from sklnll.displays import LossCurveDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = NLLRegressor(max_iter=20, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(net)
    >>> len(display.loss_curve) == net.n_iter_
    True
    """

    loss_curve: np.ndarray
    validation_loss: np.ndarray | None = None
    best_epoch: int | None = None
    name: str | None = None

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, name: str | None = None, **kwargs: Any
    ) -> Self:
        """Read the curves of a fitted estimator, and plot them.

        Parameters
        ----------
        estimator : estimator
            A fitted one of this package, or a pipeline, search or transformed target around it.
        ax : matplotlib Axes, optional
        name : str, optional
        **kwargs
            Keywords of `plot`.

        Returns
        -------
        LossCurveDisplay
        """
        net = trained(estimator)
        scores = net.validation_scores_
        display = cls(
            loss_curve=np.asarray(net.loss_curve_),
            validation_loss=None if scores is None else -np.asarray(scores),
            best_epoch=None if scores is None else best_epoch(net),
            name=name,
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot the curves, and mark the best epoch.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to plot; by default axes of a new figure.
        name : str, optional
            The title, instead of the display's own.
        **kwargs
            Keywords of matplotlib's ``Axes.plot``, which draws both curves.

        Returns
        -------
        LossCurveDisplay
        """
        ax = self._open(ax)
        curves = {"training": self.loss_curve, "validation": self.validation_loss}
        self.lines_ = [
            ax.plot(np.arange(1, len(curve) + 1), curve, **style(kwargs, color=color, label=label))[
                0
            ]
            for (label, curve), color in zip(curves.items(), PALETTE, strict=False)
            if curve is not None
        ]
        self._mark_best(ax)
        ax.set_ylim(*self._limits())
        ax.set(xlabel="epoch", ylabel="negative log-likelihood (nats a row)")
        ax.set(title=self._called(name) or "")
        if self.validation_loss is not None:
            legend(ax)
        tidy(ax)
        return self

    def _limits(self) -> tuple[float, float]:
        """Show losses from the least one as far up as thrice the way to the start.

        A network that overfits has a validation loss without bound, beside which all else is flat.
        """
        curves = [c for c in (self.loss_curve, self.validation_loss) if c is not None]
        losses = np.concatenate(curves)
        losses = losses[np.isfinite(losses)]
        low = losses.min()
        high = min(losses.max(), low + 3 * (max(c[0] for c in curves) - low))
        margin = 0.05 * (high - low) or 0.05
        return low - margin, high + margin

    def _mark_best(self, ax: Any) -> None:
        if self.best_epoch is not None:
            label = f"best epoch ({self.best_epoch})"
            ax.axvline(
                self.best_epoch, color=REFERENCE, linewidth=1, linestyle=":", zorder=0, label=label
            )


def trained(estimator: Any) -> Any:
    """Find the network inside a composition that trains one."""
    if isinstance(estimator, Pipeline):
        return trained(estimator[-1])
    if isinstance(estimator, BaseSearchCV) and hasattr(estimator, "best_estimator_"):
        return trained(estimator.best_estimator_)
    if isinstance(estimator, TransformedTargetRegressor) and hasattr(estimator, "regressor_"):
        return trained(estimator.regressor_)
    if not hasattr(estimator, "validation_scores_"):
        raise TypeError(
            "LossCurveDisplay needs a fitted estimator of sklnll, or a pipeline, search or "
            f"transformed target around one; got {type(estimator).__name__} without curves."
        )
    return estimator


def best_epoch(net: Any) -> int:
    """Find the epoch of the largest validation score; 0 where none beat the fit without x.

    For several members it is that of their mean score: each keeps the weights of its own best.
    """
    best = int(np.nanargmax(net.validation_scores_))
    score = net.validation_scores_[best]
    kept_start = net.n_estimators == 1 and net.best_validation_score_ > score + _ROUNDING
    return 0 if kept_start else best + 1
