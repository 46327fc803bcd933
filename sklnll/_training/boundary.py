"""Which parameters have run to an end of their range, where the likelihood hardly knows them?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._data.rows import MemberRows
from .._messages import warn_user
from ..distributions import DISTANCE, PLACE
from ..distributions.links import Log
from .objective import Objective

_N_ROWS = 4096
"""Rows to look at, evenly spaced."""
_FAR = 100.0
"""Ranges of y from which on a place lies infinitely far away from it."""


@dataclass(frozen=True)
class AtEnd:
    """A learned parameter that has left the interior of its range.

    Parameters
    ----------
    name : str
    outputs : ndarray of bool, of shape (n_outputs,)
        For which outputs of y it has.
    low, high : float
        Its smallest and largest value over the rows, in training's units.
    """

    name: str
    outputs: np.ndarray
    low: float
    high: float


def parameters_at_ends(objective: Objective, rows: MemberRows) -> list[AtEnd]:
    """Find the learned parameters that have left their interior for some rows.

    Parameters
    ----------
    objective : Objective
        Of one member.
    rows : MemberRows
        Shared by all members.
    """
    step = max(1, len(rows) // _N_ROWS)
    some = rows.shared[slice(None, None, step)]
    head = objective.head
    params = head.params(*objective.network(some.x))
    found = []
    for name in head.layout.learned:
        value = params[name].detach().cpu().numpy()[0]
        low, high = _interior(objective, name, some.y.cpu().numpy())
        shape = (1, -1, *(1,) * (value.ndim - 2))
        beyond = (value < low.reshape(shape)) | (value > high.reshape(shape))
        outputs = beyond.reshape(len(value), head.n_outputs, -1).any(axis=(0, 2))
        if outputs.any():
            found.append(AtEnd(name, outputs, float(value.min()), float(value.max())))
    return found


def _interior(objective: Objective, name: str, y: np.ndarray) -> np.ndarray:
    """Return the ends of what is ordinary for a parameter, for each output; (2, n_outputs)."""
    family, n_outputs = objective.head.distribution, objective.head.n_outputs
    link, unit = family.parameters[name], family.units.get(name)
    everything = np.full((2, n_outputs), [[-np.inf], [np.inf]])
    if unit is PLACE and family.event_ndim == 0:
        least, most = y.min(axis=0), y.max(axis=0)
        away = _FAR * np.where(most > least, most - least, np.inf)
        return np.array([least - away, most + away])
    if unit is DISTANCE and isinstance(getattr(link, "link", link), Log):
        return everything  # near to zero beside its largest y is still a scale
    return np.broadcast_to(np.array(link.interior)[:, None], everything.shape)


def warn_at_ends(found: list[AtEnd]) -> None:
    """Warn that the maximum of the likelihood lies at the end of parameters' ranges."""
    if not found:
        return
    said = ", ".join(f"{end.name!r} ({end.low:.3g} to {end.high:.3g})" for end in found)
    warn_user(
        "The likelihood has no maximum in the interior: it lies at the boundary, or infinitely "
        f"far away, where these parameters ran (in training's units): {said}. What is predicted "
        "is near its limit; coefficients of these parameters mean nothing. Set alpha to a larger "
        "number, make the parameter 'constant' or a number, or use a family without it.",
        ConvergenceWarning,
    )
