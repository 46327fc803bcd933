"""From where else may a search for the maximum begin? From the maxima of simpler models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Protocol

import numpy as np
import scipy.optimize
import torch

from .._network.head import Head
from .._network.weights import Architecture, Weights


class Function(Protocol):
    """From all values to the objective and its gradient; it counts its calls."""

    n_calls: int

    def __call__(self, flat: np.ndarray) -> tuple[float, np.ndarray]: ...


_ROUGHLY = 1e-4
"""Largest component of the gradient at which a simpler model is known well enough."""
_MOST_CALLS = 200
"""Of one search; the best of them is continued to its end."""


class Block:
    """The learned values of one output of a linear network, in one flat vector of them all.

    Parameters
    ----------
    architecture : Architecture
        Without hidden layers.
    head : Head
    output : int
    """

    def __init__(self, architecture: Architecture, head: Head, output: int):
        places = torch.arange(sum(map(np.prod, architecture.shapes)))[None]
        weights = Weights(architecture, places)
        layer = weights.layers[0]
        matrix, bias = layer.matrix[0].numpy(), layer.bias[0, 0].numpy()
        self._links = head.distribution.parameters
        predicted = _columns(head.layout.predicted, head.n_outputs, output)
        constant = _columns(head.layout.constant, head.n_outputs, output)
        self._slopes = {name: matrix[:, columns].ravel() for name, columns in predicted.items()}
        self._biases = {name: bias[columns] for name, columns in predicted.items()}
        constants = weights.constants[0].numpy()
        self._constants = [constants[columns] for columns in constant.values()]

    @property
    def places(self) -> np.ndarray:
        """Positions of all its values."""
        return self._with_slopes(self._slopes)

    def _with_slopes(self, names: Iterable[str]) -> np.ndarray:
        slopes = [self._slopes[name] for name in names]
        return np.concatenate([*slopes, *self._biases.values(), *self._constants]).astype(int)

    def simpler_models(self) -> Iterator[np.ndarray]:
        """Give the positions of what simpler models learn: one parameter less, or only one, by x.

        These are nested in the whole model, and do not depend on the order of the columns.
        """
        names = tuple(self._slopes)
        sizes = {size for size in (len(names) - 1, 1) if 0 < size < len(names)}
        for size in sorted(sizes, reverse=True):
            for kept in combinations(names, size):
                yield self._with_slopes(kept)

    def bring_inside(self, flat: np.ndarray) -> None:
        """Move biases to where training may start, in place: from an end no search comes back."""
        for name, bias in self._biases.items():
            ends = self._links[name].start_range
            if ends is not None:
                low, high = (float(self._links[name].inverse(np.asarray(end))) for end in ends)
                flat[bias] = np.clip(flat[bias], low, high)


def _columns(widths: dict[str, int], n_outputs: int, output: int) -> dict[str, slice]:
    """Return the columns of one output, for each parameter; see `Layout` for their order."""
    columns, start = {}, 0
    for name, width in widths.items():
        first = start + output * width
        columns[name] = slice(first, first + width)
        start += n_outputs * width
    return columns


def best_from_simpler_models(
    function: Function,
    null: np.ndarray,
    best: np.ndarray,
    block: Block,
    *,
    tol: float,
    max_fun: int,
) -> np.ndarray:
    """Search for a block's best values from the maxima of simpler models.

    Parameters
    ----------
    function : Function
    null : ndarray of shape (n_values,)
        The fit without x.
    best : ndarray of shape (n_values,)
        The best values so far; other blocks keep theirs.
    block : Block
    tol : float
        Largest component of the gradient at the end.
    max_fun : int
        Calls of the function after which no search begins.

    Returns
    -------
    ndarray of shape (n_values,)
        Better by more than rounding, or `best` itself.
    """
    least = function(best)[0]
    for simpler in block.simpler_models():
        if function.n_calls + 2 * _MOST_CALLS > max_fun:
            break
        start = best.copy()
        start[block.places] = null[block.places]
        _search(function, start, simpler, max(tol, _ROUGHLY))
        block.bring_inside(start)
        value = _search(function, start, block.places, tol)
        if value < least - 1e-9 * max(1.0, abs(least)):
            best, least = start, value
    return best


def _search(function: Function, flat: np.ndarray, free: np.ndarray, tol: float) -> float:
    """Minimize over the values at these positions, in place; return the objective."""

    def of_free(values: np.ndarray) -> tuple[float, np.ndarray]:
        flat[free] = values
        value, gradient = function(flat)
        return value, gradient[free]

    options = {"maxfun": _MOST_CALLS, "gtol": tol, "ftol": 64 * np.finfo(float).eps}
    found = scipy.optimize.minimize(
        of_free, flat[free], jac=True, method="L-BFGS-B", options=options
    )
    flat[free] = found.x
    return float(found.fun)
