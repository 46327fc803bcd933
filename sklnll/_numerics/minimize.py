"""How is the minimum of a smooth function of few numbers found, down to rounding?"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.optimize


class Minimum(NamedTuple):
    """What a search found.

    Parameters
    ----------
    at : ndarray
    value : float
        The function there.
    is_sure : bool
        Whether the gradient vanishes there, or asks to leave the bounds, and the search met no
        value on its way that is not finite, over which it may have stumbled.
    """

    at: np.ndarray
    value: float
    is_sure: bool


_FLAT = 1e-6
"""The largest step that the gradient may ask for where a search has ended."""


@np.errstate(all="ignore")
def minimize(
    function: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> Minimum:
    """Minimize a smooth function between bounds down to rounding, from a good start.

    Adam follows the smallest gradient left at the start of training, so L-BFGS-B, which ends at
    about 1e-9, is followed by a root search for the gradient. That is a short way, unless the
    minimum lies at infinity, as for labels without rows: there the search is not followed.
    """
    is_finite = True

    def watched(raw: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal is_finite
        loss, gradient = function(raw)
        is_finite = is_finite and math.isfinite(loss) and bool(np.isfinite(gradient).all())
        return loss, gradient

    def loss_and_slope(raw: np.ndarray) -> tuple[float, float]:
        """Return the loss and the largest step its gradient asks for; NaN compares as worse."""
        loss, gradient = watched(raw)
        step = raw - np.clip(raw - gradient, low, high)
        return loss, float(np.abs(step).max(initial=0))

    best = np.clip(start, low, high)
    loss, slope = loss_and_slope(best)
    if slope <= 1e-12:
        return Minimum(best, loss, is_finite)
    options = {"gtol": 1e-9, "ftol": 0, "maxiter": 200}
    fit = scipy.optimize.minimize(
        watched,
        best,
        jac=True,
        method="L-BFGS-B",
        bounds=np.transpose([low, high]),
        options=options,
    )
    root = _root_of_gradient(function, fit.x, (low < fit.x) & (fit.x < high))
    # A root far away is that of a flat likelihood, not of this minimum.
    polished = np.clip(root, low, high) if np.abs(root - fit.x).max() < 1 else fit.x
    for candidate in (fit.x, polished):
        new_loss, new_slope = loss_and_slope(candidate)
        # Near a minimum losses differ by no more than their rounding, slopes still do.
        if new_loss <= loss + 1e-14 * max(1.0, abs(loss)) and new_slope < slope:
            best, loss, slope = candidate, new_loss, new_slope
    return Minimum(best, loss, is_finite and slope <= _FLAT)


def _root_of_gradient(
    function: Callable[[np.ndarray], tuple[float, np.ndarray]], start: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """Return where the gradient vanishes near `start`, of those values that are `free` to move."""
    raw = start.copy()
    if not free.any():
        return raw

    def gradient(values: np.ndarray) -> np.ndarray:
        raw[free] = values
        return function(raw)[1][free]

    # The search takes as many gradients a step as there are parameters.
    most = {"maxfev": min(200 * (len(start) + 1), 1000)}
    raw[free] = scipy.optimize.root(gradient, start[free], tol=1e-14, options=most).x
    return raw
