"""What do an estimator's parameters mean for its rows, in each of the three ways of fitting?

By batches until the loss stalls; by an increment, one epoch of many that follow; by all rows at
once. What differs between them in what parameters mean, in what rows are for and in what is legal
stands here; how weights move stands in `stochastic` and `lbfgs`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np

from .._data.tables import CheckedRows
from .._messages import warn_user
from . import recipe
from .hyperparameters import Hyperparameters, SolverSettings
from .lbfgs import fit_lbfgs
from .monitor import FitMonitor
from .optimizers import State
from .problem import Problem, RandomStates, Start, draw_seed
from .record import Record
from .stochastic import fit_increment, fit_stochastic

_LBFGS_ITERATIONS = 1000
_MLP_ITERATIONS, _MLP_PATIENCE, _MLP_BATCH = 200, 10, 200
_REPEATED_UP_TO = 10_000
"""Rows up to which whole weights are repetitions to the bit."""
_LARGEST_INCREMENT = 1e15
"""Weights from which on gradients, which nothing divides by the mean weight, leave float32."""


class TrainingPlan(ABC):
    """The plan of how a network is built and trained; abstract.

    "auto" means what suits the rows with ``learning_rate="cosine"``, and what it means to
    scikit-learn's multi-layer perceptrons with other rates.

    Parameters
    ----------
    parameters : Hyperparameters
    start : Start, optional
        The fit with which training continues; a new network is trained where it is left out.
    """

    name_of_continuing: ClassVar[str] = "warm_start=True"
    """The name under which the user asked for training to continue."""
    is_increment: ClassVar[bool] = False
    """Whether these are some of the rows, and the first ones may lack values, or a spread, that
    later ones have."""
    alpha_acts_in_units_of_x: ClassVar[bool] = False
    """Whether the penalty measures the first layer's weights per unit of X, not of scaled X."""

    def __init__(self, parameters: Hyperparameters, start: Start | None = None):
        self.parameters = parameters
        self.start = start

    def with_start(self, start: Start) -> Self:
        """Return the same plan to continue with another fit."""
        plan = copy(self)
        plan.start = start
        return plan

    @property
    def n_seen(self) -> int:
        """Rows that training has seen before, repetitions counted."""
        return 0 if self.start is None else self.start.n_seen

    def check(self) -> None:
        """Raise a ValueError for parameters that do not go together."""
        return

    def check_validation(self) -> None:
        """Raise a ValueError where training cannot stop early on rows that the user gives."""
        return

    @abstractmethod
    def prepare(self, rows: CheckedRows) -> CheckedRows:
        """Bring rows into the form and the order in which this way of fitting goes through them."""

    @property
    @abstractmethod
    def x_scaling(self) -> str | None:
        """The way columns of X are scaled; None where the network sees them as they are."""

    @abstractmethod
    def n_frequencies(self, n_numbers: int) -> int:
        """Return how many cosines of each number the network sees."""

    @property
    def has_gates(self) -> bool:
        """Whether each column of X has a factor that is learned."""
        if self.start is not None:
            return bool(self.start.network.architecture.gates)
        return self.parameters.gated_inputs and not self.parameters.is_linear

    @abstractmethod
    def holds_out(self, n_rows: int) -> bool:
        """Tell whether rows are held out to stop early by."""

    def mean_weight(self, rows: CheckedRows) -> float:
        """Return what the weights of rows are divided by."""
        return float(rows.weight.mean())

    def random_states(
        self, random_state: np.random.RandomState
    ) -> tuple[np.random.RandomState, RandomStates]:
        """Seed the generators of the hold-out, and of each member, one after the other.

        Hence more members change no draw of the first ones.
        """
        n_members = self.parameters.n_estimators
        split, *members = (draw_seed(random_state) for _ in range(1 + n_members))
        return np.random.RandomState(split), [self._of_member(seed) for seed in members]

    def _of_member(self, seed: int) -> np.random.RandomState:
        return np.random.RandomState(seed)

    @abstractmethod
    def settings(self, n_rows: int) -> SolverSettings:
        """Say how to train on this many rows."""

    def n_epochs(self, settings: SolverSettings) -> int:
        """Return how many epochs, or iterations, there may be."""
        return settings.max_iter

    @abstractmethod
    def solve(self, problem: Problem, monitor: FitMonitor) -> tuple[Record, State]:
        """Change the weights of the objective's network to smaller losses.

        Returns
        -------
        record : Record
        state : dict
            What the optimizer must know to continue with more rows.
        """


class ByBatches(TrainingPlan):
    """The plan to fit by mini-batches, with "adam" or "sgd", until the loss stalls."""

    def __init__(self, parameters: Hyperparameters, start: Start | None = None):
        if start is not None:  # its center is found already
            parameters = replace(parameters, annealing=0.0)
        super().__init__(parameters, start)
        self._follows_recipe = parameters.learning_rate == "cosine"

    def prepare(self, rows: CheckedRows) -> CheckedRows:
        return rows.repeated(_REPEATED_UP_TO) if self.parameters.shuffle else rows

    @property
    def x_scaling(self) -> str | None:
        kind = self.parameters.x_scaling
        if kind is None:
            return None
        return "standard" if self.parameters.is_linear else kind  # bounded columns are not linear

    def n_frequencies(self, n_numbers: int) -> int:
        """Return the number asked for.

        "auto" keeps the number of a network that continues, and is 0 where X is not scaled.
        """
        n_frequencies = self.parameters.n_frequencies
        if n_frequencies == "auto" and self.start is not None:
            return self.start.network.architecture.n_frequencies
        if self.parameters.is_linear or not n_numbers:
            return 0
        if isinstance(n_frequencies, str):
            return recipe.frequencies(n_numbers) if self.x_scaling else 0
        return n_frequencies

    def holds_out(self, n_rows: int) -> bool:
        choice = self.parameters.early_stopping
        if isinstance(choice, str):
            some = self.parameters.validation_fraction * n_rows > 1
            return some and not self.parameters.is_linear and recipe.holds_out(n_rows)
        return choice

    def settings(self, n_rows: int) -> SolverSettings:
        given = self.parameters
        batch_size = self._batch_size(n_rows)
        max_iter, patience = given.max_iter, given.n_iter_no_change
        if isinstance(max_iter, str):
            max_iter = self._max_iter(n_rows, batch_size)
        if isinstance(patience, str):
            patience = (
                recipe.patience(n_rows, batch_size) if self._follows_recipe else _MLP_PATIENCE
            )
        resolved = {"batch_size": batch_size, "max_iter": max_iter, "n_iter_no_change": patience}
        if given.is_linear:  # which goes to the maximum likelihood
            resolved |= {"annealing": 0.0, "weight_decay": 0.0, "ema_decay": 0.0}
        return SolverSettings.of(given, **resolved)

    def _batch_size(self, n_rows: int) -> int:
        size = self.parameters.batch_size
        if isinstance(size, str):
            return recipe.batch_size(n_rows) if self._follows_recipe else min(_MLP_BATCH, n_rows)
        if size > n_rows:
            warn_user(
                f"Got `batch_size`={size}, larger than the {n_rows} rows to train on. "
                "It is going to be clipped."
            )
        return min(size, n_rows)

    def _max_iter(self, n_rows: int, batch_size: int) -> int:
        if not self._follows_recipe:
            return _MLP_ITERATIONS
        return recipe.epochs(n_rows, batch_size, is_linear=self.parameters.is_linear)

    def solve(self, problem: Problem, monitor: FitMonitor) -> tuple[Record, State]:
        record = fit_stochastic(
            problem.objective,
            problem.batches,
            problem.held,
            problem.settings,
            monitor,
            self.n_seen,
        )
        return record, {}


class ByIncrement(ByBatches):
    """The plan to fit by one epoch of mini-batches, after which other rows follow."""

    name_of_continuing = "partial_fit"
    is_increment = True

    def __init__(self, parameters: Hyperparameters, start: Start | None = None):
        self._asked_to_stop_early = parameters.early_stopping is True
        learning_rate = parameters.learning_rate
        parameters = replace(
            parameters,
            max_iter=1,
            early_stopping=False,
            annealing=0.0,
            learning_rate="constant" if learning_rate == "cosine" else learning_rate,
        )
        super().__init__(parameters, start)

    def check(self) -> None:
        if self._asked_to_stop_early:
            raise ValueError(
                "partial_fit does not support early_stopping=True; set it to 'auto' or False."
            )
        if self.parameters.recalibrate is not None:
            raise ValueError("partial_fit does not support recalibrate; set it to None.")

    def prepare(self, rows: CheckedRows) -> CheckedRows:
        largest = rows.weight.max()
        if largest > _LARGEST_INCREMENT:
            raise ValueError(
                "partial_fit takes weights as they are, 1 for an ordinary row, and the largest "
                f"sample_weight is {largest:g} or more; divide all of them by their mean."
            )
        return rows

    def mean_weight(self, rows: CheckedRows) -> float:
        """Return 1: increments share no mean, and take weights as they are."""
        return 1.0

    def _of_member(self, seed: int) -> np.random.RandomState:
        """Draw other batches than the increments before."""
        if self.start is None:
            return super()._of_member(seed)
        return np.random.RandomState([seed, self.n_seen % 2**32])

    def solve(self, problem: Problem, monitor: FitMonitor) -> tuple[Record, State]:
        state = {} if self.start is None else self.start.optimizer_state
        return fit_increment(
            problem.objective, problem.batches, problem.settings, monitor, self.n_seen, state
        )


class ByAllRows(TrainingPlan):
    """The plan to fit by all rows at once, with "lbfgs", to convergence."""

    alpha_acts_in_units_of_x = True

    def check(self) -> None:
        if self.parameters.dropout > 0:
            raise ValueError(
                "solver='lbfgs' needs the same loss at each step, which dropout changes; "
                "set dropout=0, or use solver='adam' or 'sgd'."
            )
        if self.parameters.recalibrate is not None:
            raise ValueError(
                "recalibrate needs rows that training does not see, and solver='lbfgs' holds none "
                "out; use solver='adam' or 'sgd', or set recalibrate=None."
            )

    def check_validation(self) -> None:
        raise ValueError(
            "X_val is for solver='adam' or 'sgd', which stop early on it; lbfgs runs to its end."
        )

    def prepare(self, rows: CheckedRows) -> CheckedRows:
        return rows.merged()

    @property
    def has_gates(self) -> bool:
        """No, unless the network that continues has them: they make the loss harder to search."""
        return self.start is not None and super().has_gates

    @property
    def x_scaling(self) -> str | None:
        """None: lbfgs scales columns by itself, and its weights are in X's units.

        Only far columns are divided by powers of two, see `_data.far_columns`.
        """
        return None

    def n_frequencies(self, n_numbers: int) -> int:
        return 0

    def holds_out(self, n_rows: int) -> bool:
        return False

    def settings(self, n_rows: int) -> SolverSettings:
        max_iter = self.parameters.max_iter
        return SolverSettings.of(
            self.parameters,
            batch_size=n_rows,
            max_iter=_LBFGS_ITERATIONS if isinstance(max_iter, str) else max_iter,
            n_iter_no_change=np.inf,  # it stops by the gradient
        )

    def n_epochs(self, settings: SolverSettings) -> int:
        return self.parameters.n_estimators * settings.max_iter  # one member after the other

    def solve(self, problem: Problem, monitor: FitMonitor) -> tuple[Record, State]:
        return fit_lbfgs(problem.objective, problem.rows, problem.settings, monitor), {}


def make_plan(
    parameters: Hyperparameters, start: Start | None, *, is_increment: bool
) -> TrainingPlan:
    """Choose the way of fitting.

    Parameters
    ----------
    parameters : Hyperparameters
    start : Start or None
        The fit with which training continues.
    is_increment : bool
        Whether `partial_fit` was called.
    """
    if is_increment:
        return ByIncrement(parameters, start)
    kind = ByAllRows if parameters.solver == "lbfgs" else ByBatches
    return kind(parameters, start)
