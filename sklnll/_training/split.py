"""Which rows does each member train on, which judge it, and which does none see?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from .._data.holdout import hold_out
from .._data.rows import MemberRows, Rows
from .._data.tables import CheckedRows
from .._network.units import Units
from .plan import TrainingPlan

_SHARE_TO_RECALIBRATE = 1 / 3
"""Of the rows that are held out, the share that neither trains nor stops any member."""


@dataclass(frozen=True)
class Split:
    """The rows of a fit, by what they are for.

    Parameters
    ----------
    train : MemberRows
        Each member's own.
    held : MemberRows or None
        Rows that judge each member, to stop early.
    unseen : CheckedRows or None
        Rows that train no member, to recalibrate on where that is asked for.
    """

    train: MemberRows
    held: MemberRows | None = None
    unseen: CheckedRows | None = None


def split_rows(
    rows: CheckedRows,
    validation: CheckedRows | None,
    units: Units,
    plan: TrainingPlan,
    random_state: np.random.RandomState,
    device: torch.device,
    *,
    stratify: bool,
) -> Split:
    """Split the rows of a fit as the plan wants it.

    Parameters
    ----------
    rows : CheckedRows
    validation : CheckedRows or None
        Rows that the user holds out.
    units : Units
    plan : TrainingPlan
    random_state : RandomState
    device : torch.device
    stratify : bool
        Whether hold-outs keep the shares of y's values.

    Raises
    ------
    ValueError
        If rows are too few to be held out, or none are left to recalibrate on.
    """
    all_rows = training_rows(rows, units, plan.mean_weight(rows), device)
    if validation is not None:
        judges = training_rows(validation, units, float(validation.weight.mean()), device)
        recalibrates = plan.parameters.recalibrate is not None
        return Split(all_rows, judges, validation if recalibrates else None)
    if plan.holds_out(len(rows)):
        return _hold_out(rows, all_rows, plan, random_state, rows.y if stratify else None)
    if plan.parameters.recalibrate is not None:
        raise ValueError(
            "recalibrate needs rows that training does not see; give X_val and y_val, or set "
            "early_stopping=True."
        )
    return Split(all_rows)


def _hold_out(
    rows: CheckedRows,
    all_rows: MemberRows,
    plan: TrainingPlan,
    random_state: np.random.RandomState,
    labels: np.ndarray | None,
) -> Split:
    n_rows, fraction = len(rows), plan.parameters.validation_fraction
    seen, unseen = np.arange(n_rows), None
    if plan.parameters.recalibrate is not None:
        share = fraction * _SHARE_TO_RECALIBRATE
        (seen,), (left,) = hold_out(n_rows, 1, share, random_state, labels)
        fraction, unseen = (fraction - share) / (1 - share), rows.take(left)
    labels = None if labels is None else labels[seen]
    n_members = plan.parameters.n_estimators
    train, held = hold_out(len(seen), n_members, fraction, random_state, labels)
    return Split(_picked(all_rows, seen[train]), _picked(all_rows, seen[held]), unseen)


def _picked(rows: MemberRows, index: np.ndarray) -> MemberRows:
    return replace(rows, index=torch.from_numpy(index).to(rows.log_jacobian_of_rows.device))


def training_rows(
    rows: CheckedRows, units: Units, mean_weight: float, device: torch.device
) -> MemberRows:
    """Express rows as training wants them: X and y in its units, weights over their mean."""
    exposure = rows.exposure
    tensors = Rows(
        units.features(rows.X),
        torch.from_numpy(units.y.scale(rows.y)),
        torch.from_numpy(rows.weight / mean_weight),
        None if exposure is None else torch.from_numpy(exposure)[:, None],
    )
    is_density = units.family.is_density(rows.y)
    log_jacobian = torch.from_numpy(is_density @ units.y.log_jacobian)
    return MemberRows(tensors.to(device), log_jacobian.to(device))
