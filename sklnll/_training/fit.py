"""How do checked rows become a fitted network?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse

from .._data.far_columns import scaling_of_far_columns
from .._data.inputs import Inputs
from .._data.kinds import Columns
from .._data.tables import CheckedRows
from .._data.x_units import InputScaling
from .._data.y_units import TargetScaling
from .._network.compute import find_device, threads_for
from .._network.fitted import FittedNetwork
from .._network.head import Head
from .._network.initialization import initial_weights
from .._network.marginal import MarginalFit
from .._network.network import Network
from .._network.units import Units
from .._network.weights import Architecture, Weights
from ..distributions import Distribution
from ..distributions._late_imports import import_for_family
from ..predictive.targets import Target
from . import recipe
from .hyperparameters import SolverSettings
from .monitor import FitMonitor
from .objective import Objective
from .optimizers import State
from .plan import TrainingPlan
from .problem import Problem, RandomStates, draw_seed
from .recalibration import recalibrated
from .record import NonFiniteStartError, Record
from .soundness import UnsoundFitError, advice, check_fitted
from .split import Split, split_rows
from .widening import in_wider_units, ranges_of


@dataclass(frozen=True)
class Fit:
    """What training returns.

    Parameters
    ----------
    network : FittedNetwork
    record : Record
    n_seen : int
        Rows seen in this fit and those that it continues, repetitions counted.
    optimizer_state : dict
        What the optimizer must know to continue with more rows; empty where none may follow.
    seen : dict
        What is kept of the rows, to compare more of them with; empty where none may follow.
    """

    network: FittedNetwork
    record: Record
    n_seen: int
    optimizer_state: State
    seen: State


def fit_network(
    rows: CheckedRows,
    validation: CheckedRows | None,
    columns: Columns,
    family: Distribution,
    target: Target,
    plan: TrainingPlan,
    random_state: np.random.RandomState,
    monitor: FitMonitor,
) -> Fit:
    """Train a network by maximum likelihood.

    Parameters
    ----------
    rows : CheckedRows
        Prepared by the plan.
    validation : CheckedRows or None
        Rows to stop early by, where the user gave some.
    columns : Columns
        The kinds of X's columns.
    family : Distribution
    target : Target
        Says which kind of y this is.
    plan : TrainingPlan
    random_state : RandomState
        Seeds the hold-out and each member.
    monitor : FitMonitor
        Watches training, and may end it.
    """
    parameters = plan.parameters
    import_for_family(family)
    device = find_device(parameters.device, warn=True)
    split_state, members = plan.random_states(random_state)
    plan, seen = in_wider_units(plan, rows, family)
    units = _units(rows, columns, family, target, plan)
    split = split_rows(rows, validation, units, plan, split_state, device, stratify=target.stratify)
    settings = _with_tol_in_training_units(plan.settings(len(split.train)), units)
    head = units.head(device)
    x_unit = _unit_for_alpha(units, plan, device)
    network, null = _start_network(rows, split, target, units, head, plan, members, device, x_unit)
    objective = Objective(network, head, parameters.alpha, plan.mean_weight(rows), x_unit)
    problem = Problem(objective, split.train, split.held, settings, members)
    n_products = settings.batch_size * network.products_of_a_row(units.density(rows.X))
    monitor.begin_fit(plan.n_epochs(settings), units, null)
    threads = threads_for(n_products, parameters.n_threads)
    with threads, head.training_mode(), np.errstate(all="ignore"):  # losses may overflow
        try:
            record, optimizer_state = plan.solve(problem, monitor)
        except NonFiniteStartError as error:
            raise UnsoundFitError(f"{error} {advice(rows, parameters)}") from error
        if not record.loss_curve:  # training ended before its first epoch did
            record.loss_curve.append(objective.mean_nll(split.train).mean().item())
    fitted = FittedNetwork.of(network, units, null)
    check_fitted(
        fitted,
        rows,
        record.loss_curve[-1],
        parameters,
        is_increment=plan.is_increment,
    )
    if split.unseen is not None:
        fitted = recalibrated(fitted, split.unseen, parameters)
    n_seen = plan.n_seen + record.n_iter * len(split.train)
    return Fit(fitted, record, n_seen, optimizer_state, seen)


def _units(
    rows: CheckedRows, columns: Columns, family: Distribution, target: Target, plan: TrainingPlan
) -> Units:
    """Choose the units of training; a network that continues has some."""
    if plan.start is not None:
        return plan.start.network.units
    y_scaling = TargetScaling.fit(family, rows.y, rows.weight)
    inputs = _inputs(rows, columns, plan)
    return Units(family, target.size, y_scaling, inputs, ranges_of(rows, inputs))


def _inputs(rows: CheckedRows, columns: Columns, plan: TrainingPlan) -> Inputs:
    """Choose what the network sees of each column of X."""
    X, weight, embeds = rows.X, rows.weight, not plan.parameters.is_linear
    inputs = Inputs.fit(X, weight, columns.levels, embeds=embeds)
    if plan.x_scaling is not None:
        numbers = X if sparse.issparse(X) else X[:, list(inputs.numbers)]
        return inputs.with_scaling(InputScaling.fit(numbers, weight, plan.x_scaling))
    if plan.alpha_acts_in_units_of_x:
        return inputs.in_units_near_one(scaling_of_far_columns(inputs.of_numbers(X)))
    return inputs


def _unit_for_alpha(units: Units, plan: TrainingPlan, device: torch.device) -> torch.Tensor | None:
    """Return the units of the network's inputs, where alpha acts in those of X all the same."""
    if not plan.alpha_acts_in_units_of_x or units.x.scaling is None:
        return None
    return torch.from_numpy(units.x.center_and_unit()[1]).to(device)


def _with_tol_in_training_units(settings: SolverSettings, units: Units) -> SolverSettings:
    """Express `tol`, which is meant for y's units, in training's.

    Where the scale is fixed far above y's spread, all that can be gained is below tol.
    """
    family, spread = units.family, units.y.unit.min()
    fixed = family.fixed()
    scale = max([spread, *(fixed.get(name, spread) for name in family.distances())])
    return replace(settings, tol=settings.tol * (spread / scale) ** 2)


def _start_network(
    rows: CheckedRows,
    split: Split,
    target: Target,
    units: Units,
    head: Head,
    plan: TrainingPlan,
    members: RandomStates,
    device: torch.device,
    x_unit: torch.Tensor | None,
) -> tuple[Network, np.ndarray]:
    """Make the network before training: the one that continues, or the fit without x.

    Raw outputs of the fit without x are returned, too.
    """
    has_gates = plan.has_gates and not sparse.issparse(rows.X)
    architecture = _architecture(units.x, head, plan, has_gates=has_gates)
    statistics = None
    if plan.start is not None:
        fitted, raw = plan.start.network, plan.start.network.null
        _check_shapes(architecture, fitted, plan)
        values = fitted.weights.copy()
        statistics = torch.from_numpy(fitted.statistics.copy()).to(device)
        if plan.start.begin_with is not None:
            null = MarginalFit.of(head, *plan.start.begin_with)
            raw = null.raw
            Weights(architecture, torch.from_numpy(values)).begin_outputs(raw, null.constant)
    else:
        null = _fit_without_x(rows, split, target, head, plan)
        raw = null.raw
        values = start_weights(architecture, null, plan, members, rows.X.dtype)
    weights = Weights(architecture, torch.from_numpy(values).to(device))
    if x_unit is not None and plan.start is None:  # tiny columns start without much of a penalty
        weights.layers[0].matrix.mul_(x_unit.clamp(max=1).to(weights.flat)[:, None])
    generators = [torch.Generator(device).manual_seed(draw_seed(member)) for member in members]
    return Network(weights, statistics, generators), raw


def _architecture(x: Inputs, head: Head, plan: TrainingPlan, *, has_gates: bool) -> Architecture:
    parameters = plan.parameters
    n_frequencies = plan.n_frequencies(x.n_waves)
    return Architecture(
        sizes=(x.n_plain, *parameters.hidden_layer_sizes, head.layout.n_predicted),
        n_constants=head.layout.n_constant,
        activation=parameters.activation,
        dropout=parameters.dropout,
        batch_norm=parameters.batch_norm,
        n_frequencies=n_frequencies,
        waves=x.waves if n_frequencies else None,
        gates=x.gates if has_gates else (),
        embeddings=tuple((n, recipe.width_of_vectors(n)) for n in x.embedded.values()),
    )


def _check_shapes(architecture: Architecture, fitted: FittedNetwork, plan: TrainingPlan) -> None:
    """Raise a ValueError where the fitted weights are those of another network."""
    n_members = plan.parameters.n_estimators
    if architecture.shapes == fitted.architecture.shapes and n_members == len(fitted):
        return
    networks = ((fitted.architecture, len(fitted)), (architecture, n_members))
    had, wanted = (
        f"layers of {of.sizes} units, n_frequencies={of.n_frequencies}, "
        f"batch_norm={of.batch_norm} and n_estimators={n}"
        for of, n in networks
    )
    raise ValueError(
        f"{plan.name_of_continuing} goes on with the fitted network, which has {had}; the "
        f"parameters now ask for {wanted}. Set them back, or fit with warm_start=False."
    )


def _fit_without_x(
    rows: CheckedRows, split: Split, target: Target, head: Head, plan: TrainingPlan
) -> MarginalFit:
    """Fit the null model to all rows, as y's units are learned from all of them.

    Where other rows follow, each value that these may lack counts half a row: none is impossible
    from the start.
    """
    y, weight, exposure = split.train.shared.y.cpu().numpy(), rows.weight, rows.exposure
    pseudo_rows = target.pseudo_rows if plan.is_increment else None
    if pseudo_rows is not None:
        y = np.concatenate([y, pseudo_rows])
        weight = np.append(weight, np.full(len(pseudo_rows), 0.5))
        if exposure is not None:
            exposure = np.append(exposure, np.full(len(pseudo_rows), exposure.mean()))
    with threads_for(100 * y.size, plan.parameters.n_threads):
        return MarginalFit.of(head, y, weight, exposure)


def start_weights(
    architecture: Architecture,
    null: MarginalFit,
    plan: TrainingPlan,
    members: RandomStates,
    dtype: np.dtype,
) -> np.ndarray:
    """Draw weights that predict the fit without x; shape (n_members, n_weights)."""
    weight_init = plan.parameters.weight_init
    drawn = [
        initial_weights(architecture, null.raw, null.constant, weight_init, member)
        for member in members
    ]
    largest = np.finfo(dtype).max
    return np.clip(np.stack(drawn), -largest, largest).astype(dtype)
