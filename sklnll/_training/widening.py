"""In which units does a fitted network go on, where more rows spread farther than the first?

Units are learned from the first rows. Where those hardly varied, or were others than the rows that
follow, the network would see all that follows far outside, or learn a y of which its units know
nothing. So units widen, and weights go along: exactly where a column's unit grows moderately and
inputs are not bent by their bound. A unit that was near zero has taught nothing worth keeping.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy import sparse

from .._data.inputs import Inputs
from .._data.seen import SeenRows
from .._data.tables import CheckedRows
from .._data.x_ranges import ColumnRanges
from .._data.x_units import InputScaling, centers_and_spreads
from .._messages import warn_user
from .._network.fitted import FittedNetwork
from .._network.units import as_tensor
from .._network.weights import GATE_RATE, Weights
from ..distributions import Distribution
from .optimizers import State
from .plan import TrainingPlan

_MOST_KEPT = 8.0
"""Growth of a column's unit up to which what was learned of it is kept."""
_LEAST_COVERED = 0.5
"""Share of earlier y that lies within the range of the last rows, unless they come in an order."""


def in_wider_units(
    plan: TrainingPlan, rows: CheckedRows, family: Distribution
) -> tuple[TrainingPlan, State]:
    """Let a network that continues do so in units that suit the rows.

    Returns
    -------
    plan : TrainingPlan
    seen : dict
        What is kept of these rows and those before; empty where training is not by increments.
    """
    X, y, x_weight, weight, state = rows.X, rows.y, rows.weight, rows.weight, {}
    first = None
    if plan.is_increment:
        before = _seen_before(plan, rows)
        first = family.magnitudes(before.y.reshape(-1, *y.shape[1:]))
        seen = before.followed_by(X, y.reshape(len(rows), -1))
        y, weight = seen.y.reshape(-1, *y.shape[1:]), seen.weight
        if not sparse.issparse(X):
            X, x_weight = seen.X, weight
        state = _compared(seen).state()
    if plan.start is None:
        return plan, state
    start, units = plan.start, plan.start.network.units
    scaling = units.y.widened(family, family.magnitudes(y), weight, first)
    if scaling is not units.y:
        network = replace(start.network, units=replace(units, y=scaling))
        start = replace(start, network=network, begin_with=(scaling.scale(y), weight))
    network = start.network if plan.x_scaling is None else _with_wider_x(start.network, X, x_weight)
    if network is not plan.start.network:
        start = replace(start, optimizer_state={})
    return plan.with_start(replace(start, network=_with_ranges(network, rows))), state


def _seen_before(plan: TrainingPlan, rows: CheckedRows) -> SeenRows:
    """Return what was kept of earlier increments."""
    state = {} if plan.start is None else plan.start.seen
    return SeenRows.of_state(state) if state else SeenRows.none(rows.X, rows.y)


def _compared(seen: SeenRows) -> SeenRows:
    """Let the last rows join the others, and warn where they are of another kind."""
    if not seen.are_compared:
        return seen
    if seen.covered < _LEAST_COVERED:
        warn_user(
            "The last rows of partial_fit hold less than half of the values of y that came before: "
            "rows seem to come in an order, as rows sorted by y do, and a network forgets what it "
            "does not see again. Shuffle the rows before they are given in parts."
        )
    return seen.merged()


def _with_wider_x(network: FittedNetwork, X: Any, weight: np.ndarray) -> FittedNetwork:
    inputs = network.units.x
    if inputs.scaling is None:
        return network
    scaling = inputs.scaling.widened(inputs.of_numbers(X), weight)
    if scaling is inputs.scaling:
        return network
    weights = _weights_for(scaling, network)
    units = replace(network.units, x=inputs.with_scaling(scaling))
    return replace(network, units=units, weights=weights)


def _with_ranges(network: FittedNetwork, rows: CheckedRows) -> FittedNetwork:
    """Take the rows into the ranges of X's columns."""
    before = network.units.ranges
    ranges = before.joined(ranges_of(rows, network.units.x, before))
    return replace(network, units=replace(network.units, ranges=ranges))


def _weights_for(scaling: InputScaling, network: FittedNetwork) -> np.ndarray:
    """Express the weights of the first layer, and of cosines, for other units of X.

    At the old center of each column the network sees what it saw before; elsewhere, too, where the
    unit grew moderately.
    """
    old = network.units.x.scaling
    assert old is not None
    growth = scaling.unit / np.where(np.isfinite(old.unit), old.unit, np.inf)
    factor = np.where((growth > 0) & (growth <= _MOST_KEPT), growth, 1.0)
    old_center = scaling(old.center[None])
    flat = as_tensor(network.weights).clone()
    weights = Weights(network.architecture, flat)
    by, moved = (torch.from_numpy(v).to(flat) for v in (factor[:, None], old_center))
    if weights.waves:
        frequency, phase = weights.waves
        waves = slice(None) if network.architecture.waves is None else [*network.architecture.waves]
        frequency.mul_(by[waves])
        phase.sub_(moved.mT[waves] * frequency)
    matrix, bias, gain = weights.layers[0]
    of_columns = matrix[:, : len(factor)]
    of_columns.mul_(by)
    if gain is None:  # a layer that is normalized over its batch takes away shifts by itself
        gates = list(network.architecture.gates[: len(factor)])
        seen = moved * weights.gates[:, :, gates] * GATE_RATE if gates else moved
        bias.sub_(seen @ of_columns)
    return flat.numpy()


def ranges_of(rows: CheckedRows, x: Inputs, before: ColumnRanges | None = None) -> ColumnRanges:
    """Note the ranges of X's columns, with spreads that are robust units, or known from before."""
    numbers = list(x.numbers)
    spread = np.zeros(rows.X.shape[1])  # no category lies near another
    if x.scaling is not None and x.is_bounded:
        spread[numbers] = np.where(np.isfinite(x.scaling.unit), x.scaling.unit, 0.0)
    elif before is not None and before.spread[numbers].all():
        spread = before.spread
    else:
        of_numbers = x.of_numbers(rows.X)
        spread[numbers] = centers_and_spreads(of_numbers, rows.weight, "robust")[1]
    return ColumnRanges.fit(rows.X, spread, numbers)
