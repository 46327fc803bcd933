"""The way from `fit` to the predictive distribution that all estimators share."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import _fit_context, clone
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.metaestimators import available_if

from .._data.checks import Given, Table, check_validation
from .._network.layers import ACTIVATIONS
from .._training.fit import TrainableNetwork
from .._training.monitor import CallbackSupportMixin, Watch
from .._training.plan import Plan
from ..distributions import Distribution, get_distribution

_REPEATED_UP_TO = 10_000
"""Rows up to which whole weights are repetitions to the bit."""


class NLLEstimator(CallbackSupportMixin, TrainableNetwork):
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
        "verbose": ["verbose", StrOptions({"bar"})],
        "warm_start": ["boolean"],
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
    def _check_table(self, given: Given, *, reset: bool, name: str = "y") -> Table:
        """Check rows and encode y, called `name`, as numbers; `reset` learns what y looks like."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def _stratify(self) -> bool:
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

    def _trains_in_batches(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
            )
        return True

    @available_if(_trains_in_batches)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch on some rows, and go on with the next ones later.

        The first rows choose the units of X and y. The step size is constant, unless it shrinks by
        ``learning_rate="invscaling"``; there is no hold-out and no annealing.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights, taken as they are: 1 is an ordinary row in any call.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X, y or a weight is not legal, or parameters ask for another network than before.
        """
        return self._fit(Given(X, y, sample_weight), Given(None, None), is_increment=True)

    def _fit(self, given: Given, given_validation: Given, *, is_increment: bool = False) -> Self:
        """From what the user gave to a fitted estimator.

        A fit that fails leaves the network that it should go on with, or none that predicts.
        """
        goes_on = hasattr(self, "weights_") and (is_increment or self.warm_start)
        plan = self._plan(goes_on=goes_on, is_increment=is_increment)
        before = dict(vars(self)) if goes_on else {}
        if not goes_on:
            self.__dict__.pop("weights_", None)
        if not is_increment:
            self.__dict__.pop("_optimizer_memory", None)
        try:
            self._take_family(plan)
            random_state = check_random_state(self.random_state)
            table, validation = self._tables(plan, given, given_validation)
            with torch.inference_mode(False), torch.no_grad():
                self._train(table, validation, plan, random_state, partial(Watch, self, given))
        except BaseException:
            self.__dict__.update(before)
            raise
        return self

    def _take_family(self, plan: Plan) -> None:
        """Note the family to fit; a ValueError where it, or what goes with it, is not legal.

        A network that goes on keeps its own.
        """
        distribution = get_distribution(self.distribution)
        self._check_family(distribution)
        self._check_settings(plan)
        self._check_recalibration(distribution)
        if not plan.goes_on:
            self.distribution_ = clone(distribution)
            self._asked_for = repr(distribution)
        elif repr(distribution) != self._asked_for:
            raise ValueError(
                f"{plan.name_of_going_on} goes on with the fitted {self._asked_for}; got "
                f"{distribution!r}. Set it back, or fit with warm_start=False."
            )

    def _tables(
        self, plan: Plan, given: Given, given_validation: Given
    ) -> tuple[Table, Table | None]:
        """Checked rows to train on, and those to stop early by where they were given."""
        table = self._check_table(given, reset=not plan.goes_on)
        if plan.goes_on:
            table = table.astype(self.weights_.dtype)
        validation = None
        if check_validation(given_validation, given, self.solver):
            validation = self._check_validation_table(given_validation)
            validation = validation.astype(table.X.dtype).without_zero_weights()
        table = table.small_as_dense().without_zero_weights()
        if self.solver == "lbfgs":
            table = table.merged()
        elif self.shuffle and not plan.is_increment:
            table = table.repeated(_REPEATED_UP_TO)
        return table, validation

    def _check_validation_table(self, given: Given) -> Table:
        try:
            return self._check_table(given, reset=False, name="y_val")
        except ValueError as error:
            raise ValueError(f"X_val, y_val: {error}") from error

    def _check_settings(self, plan: Plan) -> None:
        """Raise a ValueError for parameters that do not go together."""
        if plan.is_increment and self.early_stopping is True:
            raise ValueError(
                "partial_fit does not support early_stopping=True; set it to 'auto' or False."
            )
        if plan.is_increment and self.recalibrate is not None:
            raise ValueError("partial_fit does not support recalibrate; set it to None.")
        if any(not isinstance(size, Integral) or size < 1 for size in plan.hidden):
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

    def _plan(self, *, goes_on: bool, is_increment: bool) -> Plan:
        sizes = self.hidden_layer_sizes
        hidden = tuple(sizes) if np.iterable(sizes) else (sizes,)
        return Plan(self.get_params(deep=False), hidden, goes_on=goes_on, is_increment=is_increment)
