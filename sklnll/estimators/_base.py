"""How do estimators of all kinds of y come from `fit` to a fitted network, and predict by it?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context, clone
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._data.checks import check_exposure, check_validation
from .._data.columns import names_of_columns
from .._data.kinds import Columns
from .._data.matrix import check_matrix, codes_of
from .._data.readable import as_rows
from .._data.tables import CheckedRows, FitInput, cast
from .._network.compute import AsFound
from .._network.fitted import FittedNetwork
from .._network.layers import ACTIVATIONS
from .._network.memory import memory_errors
from .._training.fit import Fit, fit_network
from .._training.hyperparameters import Hyperparameters, plain
from .._training.monitor import CallbackSupportMixin, FitMonitor
from .._training.plan import TrainingPlan, make_plan
from .._training.problem import Start
from .._training.recalibration import check_recalibration
from ..distributions import Distribution, get_distribution
from ..predictive.targets import Target
from ._door import Door
from ._persistence import restored_state, stored_state
from ._views import biases, matrices, view_of_network

_ATTRIBUTES_OF_FIT = (
    "network_",
    "n_features_in_",
    "feature_names_in_",
    "classes_",
    "n_items_",
    "n_iter_",
    "t_",
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "_columns",
    "_target",
    "_requested",
    "_optimizer_state",
    "_seen",
)
"""All that a fit assigns."""


class NLLEstimator(CallbackSupportMixin, BaseEstimator, ABC):
    """Abstract base of the estimators, which fit a neural network by maximum likelihood."""

    network_: FittedNetwork
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    t_: int
    _columns: Columns
    _target: Target
    _optimizer_state: dict[str, np.ndarray]
    _seen: dict[str, np.ndarray]
    _requested: str

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "distribution": "no_validation",  # `get_distribution` says more
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "n_frequencies": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left")],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "gated_inputs": ["boolean"],
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
        "ema_decay": [Interval(Real, 0, 1, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "batch_norm": ["boolean"],
        "weight_init": [StrOptions({"glorot", "he"})],
        "device": [str],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    }

    @property
    def _class_weight(self) -> Any:
        """Weights of the classes, of an estimator that has any."""
        return None

    @abstractmethod
    def _check_family(self, distribution: Distribution) -> None:
        """Raise a ValueError for a family that this estimator cannot fit."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def set_params(self, **params: Any) -> Self:
        """Set parameters, including nested ones of the distribution (``distribution__df=3``).

        Parameters
        ----------
        **params : dict
            Parameters of the estimator, by name.

        Returns
        -------
        self : object
            The estimator itself.
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

    # Fitting -------------------------------------------------------------------------------------

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
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to train on. `categorical_features` says which columns are categories, and NaN is a
            missing number. The network computes in float32 if X is float32, else in float64.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets within the support of the distribution. Several columns are independent
            outputs, unless the distribution reads a row as one observation.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights: a row of weight 2 counts as two rows, one of weight 0 as none.
        X_val, y_val : array-like, optional
            Validation rows. Training stops early on their loss, whatever `early_stopping` says,
            and keeps the weights that were best on them.
        sample_weight_val : array-like, optional
            Non-negative weights of the validation rows.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or an argument is not legal; the message says where and what to do.
        """
        return self._fit(FitInput(X, y, sample_weight), FitInput(X_val, y_val, sample_weight_val))

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
        """Train for one epoch on some rows, and continue with other rows in later calls.

        The rows of the first call determine the units of X and y, which widen where later rows
        spread farther. The step size is constant unless ``learning_rate="invscaling"`` makes it
        shrink. There is no hold-out and no annealing. Give rows in no order: a network forgets what
        it does not see again, and a warning says where less than half of the y seen before lies
        within the range of the last 32 rows.

        Parameters
        ----------
        X : {array-like, data frame, sparse matrix} of shape (n_samples, n_features)
            Rows to train on, as for `fit`. The first call tells levels of categories.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, as for `fit`.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights, used as they are: 1 stands for an ordinary row in every call.

        Returns
        -------
        self : object
            The estimator, trained further.

        Raises
        ------
        ValueError
            If an argument is not legal, or if the parameters ask for another network than before.
        """
        return self._fit(FitInput(X, y, sample_weight), is_increment=True)

    def _fit(
        self,
        given: FitInput,
        given_validation: FitInput = FitInput(None, None),  # noqa: B008
        *,
        is_increment: bool = False,
    ) -> Self:
        """Fit the network to what the user gave, and leave torch and numpy as they are."""
        with AsFound():
            return self._fit_whole(given, given_validation, is_increment=is_increment)

    def _fit_whole(
        self, given: FitInput, given_validation: FitInput, *, is_increment: bool
    ) -> Self:
        """Fit the network, wholly or not at all.

        Nothing is assigned before the end: a fit that fails leaves the network with which it
        should continue as it was, or none at all. One that is interrupted in training leaves the
        last good weights.
        """
        start = self._start(is_increment=is_increment)
        if start is None:
            self._set_fit({})
        plan = make_plan(Hyperparameters.of(self), start, is_increment=is_increment)
        requested = self._requested_family(plan)
        random_state = check_random_state(self.random_state)
        door = self._door(requested, plan)
        rows, validation = self._read(door, given, given_validation, plan)
        to_predict = partial(self._attributes_to_predict, door)
        with FitMonitor(self, given, to_predict) as monitor:
            with torch.inference_mode(False), torch.no_grad(), memory_errors():
                fit = fit_network(
                    *(rows, validation, door.columns, door.family, door.target),
                    *(plan, random_state, monitor),
                )
            self._set_fit(
                {
                    **to_predict(fit.network),
                    **self._attributes_of_training(fit, plan),
                    "_requested": repr(requested),
                }
            )
            monitor.end_fit()
        return self

    def _start(self, *, is_increment: bool) -> Start | None:
        """Return the earlier fit with which training continues, if it does."""
        if "network_" not in vars(self) or not (is_increment or self.warm_start):
            return None
        state, seen = (self._optimizer_state, self._seen) if is_increment else ({}, {})
        return Start(self.network_, self.t_, state, seen)

    def _requested_family(self, plan: TrainingPlan) -> Distribution:
        """Return the family to fit; raise a ValueError where it, or the plan, is not legal."""
        family = get_distribution(self.distribution)
        self._check_family(family)
        plan.check()
        if plan.parameters.recalibrate is not None:
            check_recalibration(family, plan.parameters.recalibrate)
        if plan.start is not None and repr(family) != self._requested:
            raise ValueError(
                f"{plan.name_of_continuing} goes on with the fitted {self._requested}; got "
                f"{family!r}. Set it back, or fit with warm_start=False."
            )
        return family

    def _door(self, requested: Distribution, plan: TrainingPlan) -> Door:
        """Open the door for rows of a new fit, or for more rows of one that continues."""
        if plan.start is None:
            return Door(self, clone(requested))
        return Door(self, plan.start.network.family, self._columns, self._target)

    def _read(
        self, door: Door, given: FitInput, given_validation: FitInput, plan: TrainingPlan
    ) -> tuple[CheckedRows, CheckedRows | None]:
        """Check the rows to train on, and those to stop early by where they were given."""
        rows = door.read(given, self._class_weight)
        names = door.columns_of_x.get("feature_names_in_")
        if plan.start is not None:
            rows = rows.astype(plan.start.network.weights.dtype, names)
        validation = None
        if check_validation(given_validation, given):
            plan.check_validation()
            validation = door.read_validation(given_validation)
            validation = validation.astype(rows.X.dtype, names).without_zero_weights()
        return plan.prepare(rows.small_as_dense().without_zero_weights()), validation

    def _set_fit(self, attributes: dict[str, Any]) -> None:
        """Put these attributes in the place of those of an earlier fit.

        All at once, in one exchange of the estimator's dict: an interrupt finds the one fit whole,
        or the other.
        """
        others = {name: v for name, v in vars(self).items() if name not in _ATTRIBUTES_OF_FIT}
        object.__setattr__(self, "__dict__", others | attributes)

    def _attributes_to_predict(self, door: Door, network: FittedNetwork) -> dict[str, Any]:
        """Return the attributes with which this estimator predicts by a network."""
        return {
            "network_": network,
            "_columns": door.columns,
            "_target": door.target,
            **door.columns_of_x,
            **door.target.fitted_attributes(),
        }

    def _attributes_of_training(self, fit: Fit, plan: TrainingPlan) -> dict[str, Any]:
        """Return the attributes that tell of training, and those to continue it."""
        record, continues = fit.record, plan.start is not None
        loss_curve = (self.loss_curve_ if continues else []) + record.loss_curve
        scores = (self.validation_scores_ if continues else None) or []
        best = record.best_validation_loss
        return {
            "n_iter_": record.n_iter,
            "t_": fit.n_seen,
            "loss_": record.loss_curve[-1],
            "loss_curve_": loss_curve,
            "best_loss_": min(loss_curve) if best is None else None,
            "validation_scores_": [*scores, *(-loss for loss in record.validation_curve)] or None,
            "best_validation_score_": None if best is None else -best,
            "_optimizer_state": fit.optimizer_state,
            "_seen": fit.seen,
        }

    # What the fitted network shows ---------------------------------------------------------------

    distribution_ = view_of_network(lambda n: n.family, "The family that was fitted.")
    weights_ = view_of_network(lambda n: n.weights, "All learned values, one row per member.")
    statistics_ = view_of_network(
        lambda n: n.statistics, "Running means and variances of the hidden units."
    )
    architecture_ = view_of_network(
        lambda n: n.architecture, "Sizes of the layers, activation and other traits of the network."
    )
    scaling_ = view_of_network(
        lambda n: n.units.y, "The map between y's units and those of training."
    )
    input_scaling_ = view_of_network(
        lambda n: n.units.x.scaling,
        "The map from X's units to those of the network; None for none.",
    )
    recalibration_ = view_of_network(
        lambda n: n.recalibration, "The factor that `recalibrate` fitted."
    )
    coefs_ = view_of_network(
        matrices,
        "Weight matrices of the layers, each of shape (fan_in, fan_out) or, with several members, "
        "(n_estimators, fan_in, fan_out).",
    )
    intercepts_ = view_of_network(
        biases,
        "Biases of the layers, each of shape (fan_out,) or, with several members, "
        "(n_estimators, fan_out).",
    )
    n_layers_ = view_of_network(
        lambda n: len(n.architecture.sizes),
        "Number of layers, including those of X and of the outputs.",
    )
    n_outputs_ = view_of_network(lambda n: n.units.y.unit.size, "Number of outputs of y.")
    out_activation_ = view_of_network(
        lambda n: n.family.out_activation, "Name of the map from raw outputs to a parameter."
    )

    # Predicting ----------------------------------------------------------------------------------

    def _predict_dist(self, X: ArrayLike, exposure: ArrayLike | None = None) -> Any:
        """Predict the distribution of y at each row, in the class that suits its kind."""
        check_is_fitted(self)
        with AsFound(), memory_errors():
            checked = self._check_rows(X)
            time = check_exposure(exposure, checked)
            if time is not None:
                self.distribution_.check_exposure(time)
            params = self.network_.predict_params(
                checked, time, device=self.device, n_threads=plain(self.n_threads)
            )
            dist = self._target.predictive(self.network_.predictive_family, params)
            dist.novelty = self.network_.novelty(checked)
            return dist

    def _check_rows(self, X: ArrayLike) -> Any:
        """Check rows to predict at: numbers in the columns of `fit`, all of them finite."""
        of_fit = getattr(self, "feature_names_in_", None)
        rows = as_rows(X, "X")
        columns = names_of_columns(rows) or of_fit
        codes = codes_of(self, rows, self._columns, "X", columns)
        checked = check_matrix(self, rows, codes, reset=False, columns=of_fit)
        return cast(checked, self.weights_.dtype, columns)

    def __sklearn_is_fitted__(self) -> bool:
        return "network_" in vars(self)

    def __getstate__(self) -> dict[str, Any]:
        return stored_state(self, super().__getstate__(), self._names_of_state())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(restored_state(self, state, self._names_of_state()))

    def _names_of_state(self) -> set[str]:
        """Return the names of the attributes that a file must give back as they were."""
        return {*self._get_param_names(), *_ATTRIBUTES_OF_FIT}
