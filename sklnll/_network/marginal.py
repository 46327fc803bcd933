"""Which distribution fits best where nothing is known of x, down to rounding?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from .._numerics.minimize import minimize
from .head import Head


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
        self._guess = _guess(head, y, weight, exposure)
        self._y = torch.from_numpy(np.ascontiguousarray(y))[:, None]
        self._weight = torch.from_numpy(weight / weight.mean())
        self._exposure = None if exposure is None else torch.from_numpy(exposure)[:, None]

    def fit(self, bounded: bool) -> np.ndarray:
        """Find the raw values of the largest likelihood."""
        best = minimize(self._loss_and_gradient, self._start(), *self._start_range())
        if bounded:
            return best
        return minimize(self._loss_and_gradient, best, *np.full((2, 1), [[-np.inf], [np.inf]]))

    def _loss_and_gradient(self, raw: np.ndarray) -> tuple[float, np.ndarray]:
        values, n_predicted = torch.from_numpy(raw), self._head.layout.n_predicted
        loss, *gradients = self._head.gradient(
            values[None, :n_predicted], values[n_predicted:], self._y, self._weight, self._exposure
        )
        return loss.item(), torch.cat([part.flatten() for part in gradients]).numpy()

    def _start(self) -> np.ndarray:
        """Return the raw values of the family's guess, and zero where it makes none."""
        return np.concatenate(
            [
                self._inverse(name, width, self._guess.get(name))
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


def _guess(
    head: Head, y: np.ndarray, weight: np.ndarray, exposure: np.ndarray | None
) -> dict[str, float | np.ndarray]:
    """Ask the family for a guess; with exposure, of y per unit of it, which leaves rates alone."""
    if exposure is None:
        return head.distribution.guess(y, weight, head.size)
    return head.distribution.guess(y / exposure, weight * exposure, head.size)


def _parameter_by_parameter(of_outputs: list[np.ndarray], widths: dict[str, int]) -> np.ndarray:
    """Put the raw values of each output into the order of `Layout`."""
    ends = np.cumsum([*widths.values()])[:-1]
    pieces = np.split(np.stack(of_outputs), ends, axis=1) if widths else []
    return np.concatenate([np.zeros(0), *(piece.ravel() for piece in pieces)])
