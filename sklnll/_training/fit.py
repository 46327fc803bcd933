"""How do checked rows become fitted weights?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from .._data.checks import Table
from .._data.holdout import hold_out
from .._data.rows import MemberRows, Rows
from .._data.x_units import InputScaling
from .._data.y_units import TargetScaling
from .._messages import warn_user
from .._network.devices import find_device
from .._network.fitted import FittedNetwork
from .._network.layout import Layout
from .._network.network import Architecture, Network, initial_weights
from .._network.threads import threads_for
from .lbfgs import fit_lbfgs
from .monitor import Watch
from .objective import Objective
from .plan import Plan
from .recalibration import fit_factor
from .record import Record, Settings
from .stochastic import fit_increment, fit_stochastic

_SEEDS = 2**31 - 1
_SHARE_TO_RECALIBRATE = 1 / 3
"""Of the rows that are held out, those that neither train nor stop any member."""


class TrainableNetwork(FittedNetwork):
    """The way from checked rows to fitted weights; abstract."""

    loss_curve_: list[float]
    validation_scores_: list[float] | None
    t_: int
    _optimizer_memory: dict[str, np.ndarray]
    """Of the last `partial_fit`."""

    @property
    @abstractmethod
    def _stratify(self) -> bool:
        """Whether a hold-out keeps the shares of y's values."""

    def _train(
        self,
        table: Table,
        validation: Table | None,
        plan: Plan,
        random_state: np.random.RandomState,
        make_watch: Callable[[int], Watch],
    ) -> None:
        """From checked rows to a trained network."""
        device = find_device(self.device, warn=True)
        split, members = self._random_states(random_state, plan)
        self._learn_units(table, plan)
        # Increments, which share no mean, take weights as they are.
        mean_weight = 1.0 if plan.is_increment else float(table.weight.mean())
        rows, held, unseen = self._split(table, validation, mean_weight, plan, split, device)
        if self.recalibrate is not None and unseen is None:
            raise ValueError(
                "recalibrate needs rows that training does not see; give X_val and y_val, or set "
                "early_stopping=True."
            )
        settings = self._scaled(plan.settings(len(rows)))
        head = self._head(device)
        network = self._start(table, rows, head.layout, members, plan, device)
        objective = Objective(network, head, self.alpha, mean_weight)
        n_fits = self.n_estimators if self.solver == "lbfgs" else 1  # one after the other
        n_products = settings.batch_size * network.products_of_a_row(self._density(table.X))
        with make_watch(n_fits * settings.max_iter) as watch:
            with threads_for(n_products, self.n_threads), head.training():
                record = self._minimise(objective, rows, held, settings, members, plan, watch)
                if not record.loss_curve:
                    record.loss_curve.append(objective.mean_nll(rows).mean().item())
            self._store(network, record, len(rows), plan)
            self.recalibration_ = self._recalibration(unseen)

    def _random_states(
        self, random_state: np.random.RandomState, plan: Plan
    ) -> tuple[np.random.RandomState, list[np.random.RandomState]]:
        """Those of the hold-out, and of each member: one after the other.

        So more members do not change the first ones.
        """
        split, *members = (random_state.randint(_SEEDS) for _ in range(1 + self.n_estimators))
        if plan.is_increment and plan.goes_on:  # not with the batches of the increment before
            n_seen = self.t_ % 2**32
            return np.random.RandomState(split), [
                np.random.RandomState([seed, n_seen]) for seed in members
            ]
        return np.random.RandomState(split), [np.random.RandomState(seed) for seed in members]

    def _learn_units(self, table: Table, plan: Plan) -> None:
        """Choose the units of training; those of a network that goes on stay."""
        if plan.goes_on:
            return
        self.scaling_ = TargetScaling.fit(self.distribution_, table.y, table.weight)
        self.n_outputs_ = self.scaling_.unit.size
        has_units = self.distribution_.support.units != "none"
        if plan.is_increment and has_units and (np.ptp(table.y, axis=0) == 0).any():
            warn_user(
                "The y of the first partial_fit are all equal, and the units of training are "
                "learned from them; begin with rows that show how far y spreads."
            )
        kind = plan.x_scaling
        scaling = InputScaling.fit(table.X, table.weight, kind) if kind else None
        if scaling and plan.others_follow:  # in which columns may vary that do not vary here
            scaling = scaling.with_finite_units()
        self.input_scaling_ = scaling

    def _minimise(
        self,
        objective: Objective,
        rows: MemberRows,
        held: MemberRows | None,
        settings: Settings,
        members: list[np.random.RandomState],
        plan: Plan,
        watch: Watch,
    ) -> Record:
        """Change the weights of the objective's network to smaller losses."""
        if self.solver == "lbfgs":
            return fit_lbfgs(objective, rows, settings, watch)
        n_seen = self.t_ if plan.goes_on else 0
        if not plan.is_increment:
            return fit_stochastic(objective, rows, held, settings, members, watch, n_seen)
        memory = getattr(self, "_optimizer_memory", {}) if plan.goes_on else {}
        record, self._optimizer_memory = fit_increment(
            objective, rows, settings, members, watch, n_seen, memory
        )
        return record

    def _recalibration(self, unseen: Table | None) -> float:
        """The factor by which distributions must be widened to fit rows that no member saw."""
        if self.recalibrate is None or unseen is None:
            return 1.0
        params = self._of_predictive_family(self._params_of(unseen.X, unseen.exposure))
        family = self._predictive_family
        return fit_factor(
            self.distribution_, family, params, unseen.y, unseen.weight, self.recalibrate
        )

    def _split(
        self,
        table: Table,
        validation: Table | None,
        mean_weight: float,
        plan: Plan,
        random_state: np.random.RandomState,
        device: torch.device,
    ) -> tuple[MemberRows, MemberRows | None, Table | None]:
        """The rows each member trains on, those that judge it, and those that none trains on."""
        rows = self._rows(table, mean_weight, device)
        if validation is not None:
            judges = self._rows(validation, float(validation.weight.mean()), device)
            return rows, judges, validation
        if not plan.holds_out(len(table)):
            return rows, None, None
        labels = table.y if self._stratify else None
        fraction = self.validation_fraction
        seen, unseen = np.arange(len(table)), None
        if self.recalibrate is not None:
            share = fraction * _SHARE_TO_RECALIBRATE
            (seen,), (unseen,) = hold_out(len(table), 1, share, random_state, labels)
            fraction = (fraction - share) / (1 - share)
        of_seen = None if labels is None else labels[seen]
        train, held = hold_out(len(seen), self.n_estimators, fraction, random_state, of_seen)
        of_train, of_held = (
            replace(rows, index=torch.from_numpy(seen[part]).to(device)) for part in (train, held)
        )
        return of_train, of_held, None if unseen is None else table.take(unseen)

    def _start(
        self,
        table: Table,
        rows: MemberRows,
        layout: Layout,
        members: list[np.random.RandomState],
        plan: Plan,
        device: torch.device,
    ) -> Network:
        """The network before training."""
        n_features = table.X.shape[1]
        architecture = Architecture(
            sizes=(n_features, *plan.hidden, layout.n_predicted),
            n_constants=layout.n_constant,
            activation=self.activation,
            dropout=self.dropout,
            batch_norm=self.batch_norm,
            n_frequencies=self._n_frequencies(plan, n_features),
        )
        if plan.goes_on:
            self._check_shapes(architecture, plan)
            weights = self.weights_.copy()
            statistics = torch.from_numpy(self.statistics_.copy()).to(device)
        else:
            raw, constants = self._fit_without_x(rows, table, plan)
            weights = self._null_weights(architecture, raw, constants, table.X.dtype, members)
            statistics = None
        self.architecture_ = architecture
        generators = [
            torch.Generator(device).manual_seed(int(member.randint(_SEEDS))) for member in members
        ]
        return Network(architecture, torch.from_numpy(weights).to(device), statistics, generators)

    def _n_frequencies(self, plan: Plan, n_features: int) -> int:
        """Cosines of each feature; "auto" is those of a network that goes on."""
        if plan.goes_on and self.n_frequencies == "auto" and self.solver != "lbfgs":
            return self.architecture_.n_frequencies
        return plan.n_frequencies(n_features)

    def _check_shapes(self, architecture: Architecture, plan: Plan) -> None:
        """Raise a ValueError where the fitted weights are those of another network."""
        fitted = self.architecture_
        if architecture.shapes != fitted.shapes or self.n_estimators != len(self.weights_):
            networks = ((fitted, len(self.weights_)), (architecture, self.n_estimators))
            had, wanted = (
                f"layers of {of.sizes} units, n_frequencies={of.n_frequencies}, "
                f"batch_norm={of.batch_norm} and n_estimators={n_members}"
                for of, n_members in networks
            )
            raise ValueError(
                f"{plan.name_of_going_on} goes on with the fitted network, which has {had}; the "
                f"parameters now ask for {wanted}. Set them back, or fit with warm_start=False."
            )

    @property
    def _outcomes(self) -> np.ndarray | None:
        """What y may be, if first rows may lack some of it that others have; as training sees it.

        Of shape (n, n_outputs) or (n, n_outputs, size).
        """
        return None

    def _fit_without_x(
        self, rows: MemberRows, table: Table, plan: Plan
    ) -> tuple[np.ndarray, np.ndarray]:
        """Raw values of the marginal fit.

        Where other rows follow, each outcome counts half a row: none is impossible from the start.
        """
        y, weight, exposure = rows.shared.y.cpu().numpy(), table.weight, table.exposure
        outcomes = self._outcomes if plan.is_increment else None
        if outcomes is not None:
            y = np.concatenate([y, outcomes])
            weight = np.append(weight, np.full(len(outcomes), 0.5))
            if exposure is not None:
                exposure = np.append(exposure, np.full(len(outcomes), exposure.mean()))
        with threads_for(100 * y.size, self.n_threads):
            return self._head().fit_constant(y, weight, exposure)

    def _null_weights(
        self,
        architecture: Architecture,
        raw: np.ndarray,
        constants: np.ndarray,
        dtype: np.dtype,
        members: list[np.random.RandomState],
    ) -> np.ndarray:
        """Those that predict the fit without x."""
        start = np.stack(
            [
                initial_weights(architecture, raw, constants, self.weight_init, member)
                for member in members
            ]
        )
        largest = np.finfo(dtype).max
        return np.clip(start, -largest, largest).astype(dtype)

    def _scaled(self, settings: Settings) -> Settings:
        """With a tol that suits training's units.

        Where the scale is fixed far above y's spread, all that can be gained is below tol.
        """
        spread = self.scaling_.unit.min()
        has_units = self.distribution_.support.units != "none"
        fixed = self.distribution_.fixed() if has_units else {}
        scale = max(spread, fixed.get("scale", spread))
        return replace(settings, tol=self.tol * (spread / scale) ** 2)

    def _rows(self, table: Table, mean_weight: float, device: torch.device) -> MemberRows:
        """Rows as training wants them: X and y in training's units, weights by their mean."""
        exposure = table.exposure
        is_density = self.distribution_.is_density(table.y)
        rows = Rows(
            self._features(table.X),
            torch.from_numpy(self.scaling_.scale(table.y)),
            torch.from_numpy(table.weight / mean_weight),
            None if exposure is None else torch.from_numpy(exposure)[:, None],
        )
        log_jacobian = torch.from_numpy(is_density @ self.scaling_.log_jacobian)
        return MemberRows(rows.to(device), log_jacobian.to(device))

    def _store(self, network: Network, record: Record, n_rows: int, plan: Plan) -> None:
        losses = self.loss_curve_ if plan.goes_on else []
        scores = (self.validation_scores_ if plan.goes_on else None) or []
        self.t_ = (self.t_ if plan.goes_on else 0) + record.n_iter * n_rows
        self.weights_ = network.weights.cpu().numpy()
        self.statistics_ = network.statistics.cpu().numpy()
        self.n_layers_ = len(self.architecture_.sizes)
        self.out_activation_ = self.distribution_.out_activation
        self.n_iter_ = record.n_iter
        self.loss_curve_ = losses + record.loss_curve
        self.loss_ = record.loss_curve[-1]
        self.validation_scores_ = [*scores, *(-loss for loss in record.validation_curve)] or None
        best = record.best_validation_loss
        self.best_validation_score_ = None if best is None else -best
        self.best_loss_ = min(self.loss_curve_) if best is None else None
