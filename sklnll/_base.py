"""The way from `fit` to the predictive distribution that all estimators share."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import _fit_context, clone
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions

from ._fitted import FittedNetwork, as_tensor
from ._validation import Given, Table, check_validation
from .devices import find_device
from .distributions import Distribution, get_distribution
from .holdout import hold_out
from .inputs import InputScaling
from .layers import ACTIVATIONS
from .lbfgs import fit_lbfgs
from .network import Architecture, Network, initial_weights
from .objective import Objective
from .plan import Plan
from .progress import Record, Settings
from .recalibration import fit_factor
from .rows import MemberRows, Rows
from .scaling import TargetScaling
from .sparse import SparseFeatures
from .stochastic import fit_stochastic
from .threads import threads_for

_SEEDS = 2**31 - 1
_SHARE_TO_RECALIBRATE = 1 / 3
"""Of the rows that are held out, those that neither train nor stop any member."""
_REPEATED_UP_TO = 10_000
"""Rows up to which whole weights are repetitions to the bit."""


class NLLEstimator(FittedNetwork):
    """A neural network fitted by maximum likelihood; abstract."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "distribution": "no_validation",  # `get_distribution` says more
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "n_frequencies": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left")],
        "x_scaling": [StrOptions({"robust", "standard"}), None],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"cosine", "constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": [StrOptions({"auto"}), "boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "recalibrate": [StrOptions({"nll"}), None],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "annealing": [Interval(Real, 0, 1, closed="both")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "batch_norm": ["boolean"],
        "weight_init": [StrOptions({"glorot", "he"})],
        "device": [str],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    }

    # What the final classes say ------------------------------------------------------------------

    @abstractmethod
    def _check_family(self, distribution: Distribution) -> None:
        """Raise a ValueError for a family that this estimator cannot fit."""

    @abstractmethod
    def _check_table(self, given: Given, *, reset: bool) -> Table:
        """Check training (`reset`) or validation rows and encode y as numbers."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def _stratify(self) -> bool:
        """Whether a hold-out keeps the shares of y's values."""
        return False

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also nested ones of the distribution (``distribution__df=3``).

        Parameters
        ----------
        **params : dict
            Name -> value.

        Returns
        -------
        self
        """
        nested = [name for name in params if name.startswith("distribution__")]
        distribution = params.get("distribution", self.distribution)
        if nested and isinstance(distribution, str):
            family = get_distribution(distribution)
            raise ValueError(
                f"{nested[0]} needs an instance of the distribution, not its name; pass "
                f"distribution={family!r} instead of {distribution!r}."
            )
        return super().set_params(**params)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Fit the network by maximum likelihood.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The network computes in float32 where X is float32, in float64 otherwise.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, inside the support of the distribution. Several columns are independent
            outputs, unless the distribution reads a row as one observation.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights: a weight of 2 counts as the row twice, 0 as no row.
        X_val, y_val : array-like, optional
            Validation rows: training stops early on their loss, whatever `early_stopping` says,
            and keeps the weights that were best on them.
        sample_weight_val : array-like, optional
            Weights of the validation rows.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, X, y or a weight is not legal; the message says where and what to do.
        """
        return self._fit(Given(X, y, sample_weight), Given(X_val, y_val, sample_weight_val))

    def _fit(self, given: Given, given_validation: Given) -> Self:
        """From what the user gave to a fitted estimator."""
        self.__dict__.pop("weights_", None)  # a fit that fails leaves no estimator that predicts
        distribution = get_distribution(self.distribution)
        self._check_family(distribution)
        self._check_settings()
        self._check_recalibration(distribution)
        self.distribution_ = clone(distribution)
        random_state = check_random_state(self.random_state)

        table = self._check_table(given, reset=True)
        validation = None
        if check_validation(given_validation, given, self.solver):
            validation = self._check_validation_table(given_validation)
            validation = validation.astype(table.X.dtype).without_zero_weights()
        table = table.small_as_dense().without_zero_weights()
        n_given = len(table)
        if self.solver == "lbfgs":
            table = table.merged()
        elif self.shuffle:
            table = table.repeated(_REPEATED_UP_TO)
        with torch.inference_mode(False), torch.no_grad():
            self._train(table, validation, random_state)
        if self.solver == "lbfgs":
            self.t_ = self.n_iter_ * n_given
        return self

    def _check_validation_table(self, given: Given) -> Table:
        try:
            return self._check_table(given, reset=False)
        except ValueError as error:
            raise ValueError(f"X_val, y_val: {error}") from error

    def _check_settings(self) -> None:
        """Raise a ValueError for parameters that do not go together."""
        if any(not isinstance(size, Integral) or size < 1 for size in self._plan().hidden):
            raise ValueError(
                "hidden_layer_sizes must be > 0, whole numbers in one tuple; got "
                f"{self.hidden_layer_sizes!r}."
            )
        if self.solver == "lbfgs" and self.dropout > 0:
            raise ValueError(
                "solver='lbfgs' needs the same loss at each step, which dropout changes; "
                "set dropout=0, or use solver='adam' or 'sgd'."
            )

    def _check_recalibration(self, distribution: Distribution) -> None:
        """Raise a ValueError where the family, or the solver, cannot be recalibrated so."""
        if self.recalibrate is None:
            return
        if self.solver == "lbfgs":
            raise ValueError(
                "recalibrate needs rows that training does not see, and solver='lbfgs' holds none "
                "out; use solver='adam' or 'sgd', or set recalibrate=None."
            )
        distribution.widened({name: np.ones(1) for name in distribution.parameters}, 1.0)
        if "scale" in distribution.fixed():
            raise ValueError(
                f"recalibrate changes the scale, and {distribution!r} fixes it; leave the scale "
                "None or 'constant', or set recalibrate=None."
            )
        if self.recalibrate == "crps" and distribution.exact is not distribution:
            raise ValueError(
                f"recalibrate='crps' needs exact values of y, and {distribution!r} knows "
                "intervals; use recalibrate='nll'."
            )

    def _plan(self) -> Plan:
        sizes = self.hidden_layer_sizes
        return Plan(self.get_params(deep=False), tuple(sizes) if np.iterable(sizes) else (sizes,))

    def _train(
        self, table: Table, validation: Table | None, random_state: np.random.RandomState
    ) -> None:
        """From checked rows to a trained network."""
        plan, device = self._plan(), find_device(self.device, warn=True)
        split_seed = random_state.randint(_SEEDS)
        # One after the other: more members do not change the first ones.
        seeds = [random_state.randint(_SEEDS) for _ in range(self.n_estimators)]
        members = [np.random.RandomState(seed) for seed in seeds]
        self.scaling_ = TargetScaling.fit(self.distribution_, table.y, table.weight)
        kind = plan.x_scaling
        self.input_scaling_ = InputScaling.fit(table.X, table.weight, kind) if kind else None
        self.n_outputs_ = self.scaling_.unit.size
        mean_weight = float(table.weight.mean())
        split = np.random.RandomState(split_seed)
        rows, held, unseen = self._split(table, validation, plan, split, device)
        if self.recalibrate is not None and unseen is None:
            raise ValueError(
                "recalibrate needs rows that training does not see; give X_val and y_val, or set "
                "early_stopping=True."
            )
        settings = self._scaled(plan.settings(len(rows)))
        with threads_for(100 * table.y.size, self.n_threads):
            y = rows.shared.y.cpu().numpy()
            raw, constants = self._head().fit_constant(y, table.weight, table.exposure)
        network = self._start(table.X, raw, constants, members, plan, device)
        head = self._head(device)
        objective = Objective(network, head, self.alpha, mean_weight)
        n_products = settings.batch_size * network.weights.numel()
        with threads_for(n_products, self.n_threads), head.training():
            if self.solver == "lbfgs":
                record = fit_lbfgs(objective, rows, settings)
            else:
                record = fit_stochastic(objective, rows, held, settings, members)
            if not record.loss_curve:
                record.loss_curve.append(objective.mean_nll(rows).mean().item())
        if plan.is_linear:
            self._fold_inputs(network)
        self._store(network, record, len(rows))
        self.recalibration_ = self._recalibration(unseen)

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
        plan: Plan,
        random_state: np.random.RandomState,
        device: torch.device,
    ) -> tuple[MemberRows, MemberRows | None, Table | None]:
        """The rows each member trains on, those that judge it, and those that none trains on."""
        rows = self._rows(table, device)
        if validation is not None:
            return rows, self._rows(validation, device), validation
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
        X: Any,
        raw: np.ndarray,
        constants: np.ndarray,
        members: list[np.random.RandomState],
        plan: Plan,
        device: torch.device,
    ) -> Network:
        """The untrained network for such X, which predicts the fit without x."""
        self.architecture_ = Architecture(
            sizes=(X.shape[1], *plan.hidden, len(raw)),
            n_constants=len(constants),
            activation=self.activation,
            dropout=self.dropout,
            batch_norm=self.batch_norm,
            n_frequencies=plan.n_frequencies(X.shape[1]),
        )
        start = np.stack(
            [
                initial_weights(self.architecture_, raw, constants, self.weight_init, member)
                for member in members
            ]
        )
        largest = np.finfo(X.dtype).max
        weights = np.clip(start, -largest, largest).astype(X.dtype)
        generators = [
            torch.Generator(device).manual_seed(int(member.randint(_SEEDS))) for member in members
        ]
        weights = torch.from_numpy(weights).to(device)
        return Network(self.architecture_, weights, generators=generators)

    def _scaled(self, settings: Settings) -> Settings:
        """With a tol that suits training's units.

        Where the scale is fixed far above y's spread, all that can be gained is below tol.
        """
        spread = self.scaling_.unit.min()
        has_units = self.distribution_.support.units != "none"
        fixed = self.distribution_.fixed() if has_units else {}
        scale = max(spread, fixed.get("scale", spread))
        return replace(settings, tol=self.tol * (spread / scale) ** 2)

    def _rows(self, table: Table, device: torch.device) -> MemberRows:
        """Rows as training wants them: X and y in training's units, weights by their mean."""
        exposure = table.exposure
        is_density = self.distribution_.is_density(table.y)
        rows = Rows(
            self._features(table.X),
            torch.from_numpy(self.scaling_.scale(table.y)),
            torch.from_numpy(table.weight / table.weight.mean()),
            None if exposure is None else torch.from_numpy(exposure)[:, None],
        )
        log_jacobian = torch.from_numpy(is_density @ self.scaling_.log_jacobian)
        return MemberRows(rows.to(device), log_jacobian.to(device))

    def _features(self, X: Any) -> Any:
        """X as the network sees it; sparse rows a batch at a time."""
        scaling = self.input_scaling_
        if sparse.issparse(X):
            return SparseFeatures(X, scaling or (lambda rows: rows))
        return as_tensor(X if scaling is None else scaling(X))

    def _fold_inputs(self, network: Network) -> None:
        """Let a linear network see X as it is: its coefficients are those of X's columns."""
        if self.input_scaling_ is not None:
            center, unit = (
                torch.from_numpy(values).to(network.weights)
                for values in (self.input_scaling_.center, self.input_scaling_.unit)
            )
            network.fold_inputs(center, unit)
            self.input_scaling_ = None

    def _store(self, network: Network, record: Record, n_rows: int) -> None:
        self.weights_ = network.weights.cpu().numpy()
        self.statistics_ = network.statistics.cpu().numpy()
        self.n_layers_ = len(self.architecture_.sizes)
        self.n_iter_ = record.n_iter
        self.t_ = record.n_iter * n_rows
        self.loss_curve_ = record.loss_curve
        self.loss_ = record.loss_curve[-1]
        self.best_loss_ = min(record.loss_curve)
        self.validation_scores_ = [-loss for loss in record.validation_curve] or None
        best = record.best_validation_loss
        self.best_validation_score_ = None if best is None else -best
