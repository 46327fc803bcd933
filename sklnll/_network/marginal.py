"""Which distribution fits best where nothing is known of x, down to rounding?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch

from .._numerics.minimize import Minimum, minimize
from .head import Head

_FAR_APART = 1e6
"""Ratio of weights from which on rows that hardly count may still decide where a density ends."""
_TEMPERS = (0.5, 0.35, 0.25, 0.18, 0.125, 0.09, 0.06, 0.03, 0.0)
"""Powers of the weights with which a guess is made anew."""
_N_SEARCHES = 3
"""Of these guesses, how many are searched from at most."""


@dataclass(frozen=True)
class MarginalFit:
    """The marginal maximum-likelihood fit: the best distribution without x, in training's units.

    Parameters
    ----------
    head : Head
        Of the family, with its fixed parameters.
    raw : ndarray of shape (n_predicted,)
        Raw values of the parameters that are predicted from x: where training starts.
    constant : ndarray of shape (n_constant,)
        Raw values of the parameters that are learned as one value for all rows.
    """

    head: Head
    raw: np.ndarray
    constant: np.ndarray

    @classmethod
    def of(
        cls,
        head: Head,
        y: np.ndarray,
        weight: np.ndarray,
        exposure: np.ndarray | None = None,
        *,
        bounded: bool = True,
    ) -> Self:
        """Fit all learned parameters without x.

        Parameters
        ----------
        head : Head
        y : ndarray of shape (n_samples, n_outputs) or (n_samples, n_outputs, size)
        weight : ndarray of shape (n_samples,)
        exposure : ndarray of shape (n_samples,), optional
        bounded : bool, default=True
            Whether the search stays inside the links' ``start_range``, as training wants its start.

        Notes
        -----
        Inside the bounds the degrees of freedom of a y that looks normal without x, because x
        explains its spread, can still find the heavy tails of what x leaves, and no component of a
        mixture starts on a few equal rows.
        """
        fits = [
            _OneOutput(head.of_output(j), y[:, j], weight, exposure).fit(bounded)
            for j in range(head.n_outputs)
        ]
        layout = head.layout
        n_predicted = sum(layout.predicted.values())
        return cls(
            head,
            _parameter_by_parameter([raw[:n_predicted] for raw in fits], layout.predicted),
            _parameter_by_parameter([raw[n_predicted:] for raw in fits], layout.constant),
        )

    def params(self) -> dict[str, np.ndarray]:
        """Return the parameters in training's units, each of shape (1, 1, n_outputs, ...)."""
        raw, constant = torch.from_numpy(self.raw)[None], torch.from_numpy(self.constant)
        links = self.head.distribution.parameters
        params = {}
        for name, value in self.head.params(raw, constant).items():
            event = value.shape[value.ndim - links[name].event_ndim :]
            params[name] = value.numpy().reshape(1, 1, self.head.n_outputs, *event)
        return params


@dataclass(frozen=True)
class _Given:
    """The rows of one output.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, size)
    weight : ndarray of shape (n_samples,)
    exposure : ndarray of shape (n_samples,) or None
    """

    y: np.ndarray
    weight: np.ndarray
    exposure: np.ndarray | None

    @property
    def is_far_apart(self) -> bool:
        """Whether some rows hardly count beside others."""
        return bool(self.weight.max() > _FAR_APART * self.weight.min())

    def of_weight(self, least: float) -> _Given:
        """Return the rows of at least this weight."""
        some = self.weight >= least
        exposure = None if self.exposure is None else self.exposure[some]
        return _Given(self.y[some], self.weight[some], exposure)


class _OneOutput:
    """The likelihood of one output as a function of its raw values, predicted ones first.

    Parameters
    ----------
    head : Head
        Of this output alone.
    y : ndarray of shape (n_samples,) or (n_samples, size)
    weight : ndarray of shape (n_samples,)
    exposure : ndarray of shape (n_samples,) or None
    """

    def __init__(self, head: Head, y: np.ndarray, weight: np.ndarray, exposure: np.ndarray | None):
        self._head = head
        self._given = _Given(y, weight, exposure)
        self._y = torch.from_numpy(np.ascontiguousarray(y))[:, None]
        self._weight = torch.from_numpy(weight / weight.mean())
        self._exposure = None if exposure is None else torch.from_numpy(exposure)[:, None]

    def fit(self, bounded: bool) -> np.ndarray:
        """Find the raw values of the largest likelihood."""
        low, high = self._start_range()
        best = minimize(
            self._loss_and_gradient, self._raw(_guess(self._head, self._given)), low, high
        )
        if not best.is_sure or self._given.is_far_apart:
            best = self._search_again(best, low, high)
        if bounded:
            return best.at
        everywhere = np.full((2, 1), [[-np.inf], [np.inf]])
        return minimize(self._loss_and_gradient, best.at, *everywhere).at

    @np.errstate(all="ignore")
    def _search_again(self, best: Minimum, low: np.ndarray, high: np.ndarray) -> Minimum:
        """Search from the best of wider guesses, too, where it promises more.

        Where nearly all weight is on equal rows, the guess is so narrow that the loss of the
        others, however little they count, overflows: there is no way back from it. With powers
        of the weights the others count for more, and the guess is wider. The narrowest guess is
        that of the heavy rows alone.
        """
        weight = self._given.weight
        guesses = [_guess(self._head, replace(self._given, weight=weight**t)) for t in _TEMPERS]
        guesses.append(_guess(self._head, self._given.of_weight(weight.max() / _FAR_APART)))
        starts = [np.clip(self._raw(guess), low, high) for guess in guesses]
        losses = [_or_worst(self._loss_and_gradient(start)[0]) for start in starts]
        for k in np.argsort(losses, kind="stable")[:_N_SEARCHES]:
            if not best.is_sure or losses[k] < _or_worst(best.value):
                found = minimize(self._loss_and_gradient, starts[k], low, high)
                best = min(best, found, key=lambda one: _or_worst(one.value))
        return best

    def _loss_and_gradient(self, raw: np.ndarray) -> tuple[float, np.ndarray]:
        values, n_predicted = torch.from_numpy(raw), self._head.layout.n_predicted
        loss, *gradients = self._head.gradient(
            values[None, :n_predicted], values[n_predicted:], self._y, self._weight, self._exposure
        )
        return loss.item(), torch.cat([part.flatten() for part in gradients]).numpy()

    def _raw(self, guess: dict[str, float | np.ndarray]) -> np.ndarray:
        """Return the raw values of a family's guess, and zero where it makes none."""
        return np.concatenate(
            [
                self._inverse(name, width, guess.get(name))
                for name, width in self._head.layout.learned.items()
            ]
        )

    def _start_range(self) -> np.ndarray:
        """Return the lowest and highest raw values to start at, of shape (2, n_raw)."""
        ranges = []
        for name, width in self._head.layout.learned.items():
            ends = self._head.distribution.parameters[name].start_range
            raw = [(-np.inf,) * width, (np.inf,) * width]
            ranges.append(raw if ends is None else [self._inverse(name, width, e) for e in ends])
        return np.concatenate(ranges, axis=1)

    def _inverse(self, name: str, width: int, value: float | np.ndarray | None) -> np.ndarray:
        if value is None:
            return np.zeros(width)
        link = self._head.distribution.parameters[name]
        return np.broadcast_to(link.inverse(np.asarray(value, dtype=float)), (width,)).copy()


def _or_worst(loss: float) -> float:
    """Return the loss, and infinity for NaN."""
    return np.inf if np.isnan(loss) else loss


def _guess(head: Head, given: _Given) -> dict[str, float | np.ndarray]:
    """Ask the family for a guess; with exposure, of y per unit of it, which leaves rates alone."""
    y, weight, exposure = given.y, given.weight, given.exposure
    if exposure is None:
        return head.distribution.guess(y, weight, head.size)
    return head.distribution.guess(y / exposure, weight * exposure, head.size)


def _parameter_by_parameter(of_outputs: list[np.ndarray], widths: dict[str, int]) -> np.ndarray:
    """Put the raw values of each output into the order of `Layout`."""
    ends = np.cumsum([*widths.values()])[:-1]
    pieces = np.split(np.stack(of_outputs), ends, axis=1) if widths else []
    return np.concatenate([np.zeros(0), *(piece.ravel() for piece in pieces)])
