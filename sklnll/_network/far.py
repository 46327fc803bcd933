"""What does a network predict where x lies far outside of its training rows?

What it would say there was never compared with any y. So a column that lies far outside of its
training range counts as unknown, and so does a category that was never seen, or a missing value
where none was: the network is asked what it would predict with the column at several places of the
range. Where all answers agree, the column does not matter, and their mean is predicted; by as much
as they differ, the prediction falls back to the fit without x. Then no row, wherever it lies, can
be much worse than that fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.utils import gen_batches
from torch import Tensor

from .network import Network
from .units import Units

_MOSTLY = 0.5
"""Distance beyond a column's range, in lengths of the range, from which on most of what the network
says there is not believed."""
_LEAST = 0.1
"""The same distance up to which the network is believed altogether."""
_PLACES = (-1.0, -0.4, 0.0, 0.4, 1.0)
"""Places in a column's range, from its low end to its high one, where the network is asked."""
_NUMBERS_AT_ONCE = 2**20
"""Numbers of X that are made dense, and go through the network, together."""


def take_far_as_unknown(raw: Tensor, X: Any, network: Network, units: Units, null: Tensor) -> None:
    """Correct raw outputs of rows that lie far outside of the training rows, in place.

    Parameters
    ----------
    raw : Tensor of shape (n_members, n_samples, n_raw)
        Outputs of the network.
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        In X's units, in the network's dtype.
    network : Network
    units : Units
        With ranges, and with bounded inputs.
    null : Tensor of shape (n_raw,)
        Raw outputs of the fit without x.
    """
    ranges = units.ranges
    share = ranges.share(X)
    far = np.flatnonzero(share > _LEAST)
    if not far.size:
        return
    places = _places(units, X.dtype).to(raw.device)
    size = max(1, min(network.rows_at_once, _NUMBERS_AT_ONCE // X.shape[1]))
    for block in gen_batches(far.size, size):
        rows = far[block]
        dense = X[rows].toarray() if sparse.issparse(X) else X[rows]
        is_far = torch.from_numpy(units.x.by_input(ranges.shares(dense) > _LEAST)).to(raw.device)
        x = units.dense_features(dense).to(raw.device)
        answers = torch.stack([network(torch.where(is_far, place, x))[0] for place in places])
        disbelief = -np.expm1(-(np.minimum(share[rows] / _MOSTLY, 10.0) ** 3))
        index = torch.from_numpy(rows).to(raw.device)
        weight = torch.from_numpy(disbelief).to(raw)[:, None]
        raw[:, index] = raw[:, index].lerp(_agreed(answers, null), weight)


def _places(units: Units, dtype: np.dtype) -> Tensor:
    """Return inputs to ask the network at, which go through each number's range, and categories.

    They have shape (n_places, n_inputs). Columns go through their places in orders of their own, so
    that the effects of several cannot cancel each other in all places.
    """
    x, ranges = units.x, units.ranges
    n_places, column = len(_PLACES), np.arange(x.n_features)
    order = np.arange(n_places)[:, None] * (1 + column % (n_places - 1)) + column // (n_places - 1)
    order %= n_places
    ends, rows = np.stack([ranges.low, ranges.high]).astype(dtype), order.astype(dtype)
    for place, n_codes in x.n_codes.items():
        ends[:, place] = 0
        rows[:, place] %= n_codes
    numbers = slice(0, len(x.numbers))
    low, high = units.dense_features(ends).numpy()[:, numbers]
    step = np.array(_PLACES)[:, None]
    of_numbers = np.clip(np.where(step < 0, -step * low, step * high), low, high)
    inputs = units.dense_features(rows).numpy().copy()
    inputs[:, numbers] = np.take_along_axis(of_numbers, order[:, list(x.numbers)], axis=0)
    return torch.from_numpy(inputs)


def _agreed(answers: Tensor, null: Tensor) -> Tensor:
    """Take the mean of the answers, fallen back to the fit without x by as much as they differ."""
    mean = answers.mean(dim=0)
    differ = torch.linalg.vector_norm(answers.amax(dim=0) - answers.amin(dim=0), dim=-1)
    away = torch.linalg.vector_norm(mean - null, dim=-1)
    share = torch.where(differ < away, differ / away, 1.0)
    return mean.lerp(null.expand_as(mean), share.unsqueeze(-1))
