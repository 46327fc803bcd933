"""The way from `fit` to the predictive distribution that all estimators share."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import fields, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context, clone
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from ._validation import Given, Table, cast, check_exposure, check_finite, check_validation
from .distributions import Distribution, get_distribution
from .head import Head
from .lbfgs import fit_lbfgs
from .network import ACTIVATIONS, Architecture, Network, initial_weights
from .objective import Objective, Rows
from .progress import Record, Settings
from .scaling import TargetScaling
from .stochastic import fit_stochastic
from .threads import threads_for

X_PARAMS: dict[str, Any] = {
    "dtype": [np.float64, np.float32],
    "order": "C",
    "ensure_all_finite": False,  # check_finite names the row
}

Y_PARAMS: dict[str, Any] = {"dtype": np.float64, "ensure_2d": False, "ensure_all_finite": False}
"""Of a y of numbers; the family's check names the row."""


class NLLEstimator(BaseEstimator, ABC):
    """A neural network fitted by maximum likelihood; abstract."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "distribution": [str, Distribution],
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "batch_norm": ["boolean"],
        "weight_init": [StrOptions({"glorot", "he"})],
    }

    # What the final classes say ------------------------------------------------------------------

    @abstractmethod
    def _check_family(self, distribution: Distribution) -> None:
        """Raise a ValueError for a family that this estimator cannot fit."""

    @abstractmethod
    def _check_table(self, given: Given, *, reset: bool) -> Table:
        """Check training (`reset`) or validation rows and encode y as numbers."""

    @property
    @abstractmethod
    def _size(self) -> int:
        """Number of classes, or of the components of y; 1 where y is a number."""

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

    # Fit -----------------------------------------------------------------------------------------

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
        X : array-like of shape (n_samples, n_features)
            The network computes in float32 where X is float32, in float64 otherwise. Features
            should have comparable scales (StandardScaler).
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
        self.distribution_ = clone(distribution)
        random_state = check_random_state(self.random_state)

        table = self._check_table(given, reset=True)
        validation = None
        if check_validation(given_validation, given, self.solver):
            validation = self._check_table(given_validation, reset=False)
            validation = validation.astype(table.X.dtype).without_zero_weights()
        table = table.without_zero_weights()
        if self.early_stopping and self.solver != "lbfgs" and validation is None:
            table, validation = self._hold_out(table, random_state)
        n_rows = len(table)
        batch_size = n_rows if self.solver == "lbfgs" else self._batch_size(n_rows)
        if batch_size == n_rows and self.dropout == 0:
            table = table.merged()
        with torch.inference_mode(False), torch.enable_grad():
            network, record = self._train(table, validation, batch_size, random_state)
        return self._store(network, record, n_rows)

    def _check_settings(self) -> None:
        """Raise a ValueError for parameters that do not go together."""
        if any(not isinstance(size, Integral) or size < 1 for size in self._hidden_sizes()):
            raise ValueError(
                "hidden_layer_sizes must be > 0, whole numbers in one tuple; got "
                f"{self.hidden_layer_sizes!r}."
            )
        if self.solver == "lbfgs" and self.dropout > 0:
            raise ValueError(
                "solver='lbfgs' needs the same loss at each step, which dropout changes; "
                "set dropout=0, or use solver='adam' or 'sgd'."
            )

    def _hidden_sizes(self) -> tuple[int, ...]:
        sizes = self.hidden_layer_sizes
        return tuple(sizes) if np.iterable(sizes) else (sizes,)

    def _batch_size(self, n_rows: int) -> int:
        if self.batch_size == "auto":
            return min(200, n_rows)
        if self.batch_size > n_rows:
            warnings.warn(
                f"Got `batch_size`={self.batch_size}, larger than the {n_rows} rows to train on. "
                "It is going to be clipped.",
                stacklevel=5,
            )
        return min(self.batch_size, n_rows)

    def _hold_out(self, table: Table, random_state: np.random.RandomState) -> tuple[Table, Table]:
        """Split `validation_fraction` of the rows off."""
        try:
            train, held = train_test_split(
                np.arange(len(table)),
                test_size=self.validation_fraction,
                random_state=random_state,
                stratify=table.y if self._stratify else None,
            )
        except ValueError as error:
            raise ValueError(
                f"early_stopping cannot hold validation_fraction={self.validation_fraction} of "
                f"{len(table)} rows out: {error} Change validation_fraction, give X_val and y_val, "
                "or set early_stopping=False."
            ) from error
        if len(held) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                f"your dataset; {len(held)} of {len(table)} rows would be held out."
            )
        return table.take(train), table.take(held)

    def _train(
        self,
        table: Table,
        validation: Table | None,
        batch_size: int,
        random_state: np.random.RandomState,
    ) -> tuple[Network, Record]:
        """From checked rows to a trained network."""
        self.scaling_ = TargetScaling.fit(self.distribution_, table.y, table.weight)
        self.n_outputs_ = self.scaling_.unit.size
        head = self._head()
        mean_weight = float(table.weight.mean())
        rows = self._rows(table, mean_weight)
        with threads_for(100 * table.y.size):
            raw, constants = head.fit_constant(rows.y.numpy(), table.weight, table.exposure)
        network = self._start(table.X, raw, constants, random_state)
        objective = Objective(network, head, self.alpha, mean_weight)
        with threads_for(batch_size * network.weights.numel()):
            if self.solver == "lbfgs":
                record = fit_lbfgs(objective, rows, self._settings())
            else:
                held = None
                if validation is not None:
                    held = self._rows(validation, float(validation.weight.mean()))
                record = fit_stochastic(
                    objective, rows, held, batch_size, self._settings(), random_state
                )
            if not record.loss_curve:
                record.loss_curve.append(objective.mean_nll(rows) + rows.log_jacobian)
        return network, record

    def _start(
        self,
        X: np.ndarray,
        raw: np.ndarray,
        constants: np.ndarray,
        random_state: np.random.RandomState,
    ) -> Network:
        """The untrained network for such X, which predicts the fit without x."""
        self.architecture_ = Architecture(
            sizes=(X.shape[1], *self._hidden_sizes(), len(raw)),
            n_constants=len(constants),
            activation=self.activation,
            dropout=self.dropout,
            batch_norm=self.batch_norm,
        )
        start = initial_weights(self.architecture_, raw, constants, self.weight_init, random_state)
        largest = np.finfo(X.dtype).max
        weights = np.clip(start, -largest, largest).astype(X.dtype)
        generator = torch.Generator().manual_seed(random_state.randint(2**31 - 1))
        return Network(self.architecture_, torch.from_numpy(weights[None]), generator=generator)

    def _settings(self) -> Settings:
        settings = Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})
        # Where the scale is fixed far above y's spread, all that can be gained is below tol.
        spread = self.scaling_.unit.min()
        has_units = self.distribution_.support.units != "none"
        fixed = self.distribution_.fixed() if has_units else {}
        scale = max(spread, fixed.get("scale", spread))
        return replace(settings, tol=settings.tol * (spread / scale) ** 2)

    def _head(self) -> Head:
        fixed = {
            name: self.scaling_.scale_parameter(name, value)
            for name, value in self.distribution_.fixed().items()
        }
        return Head(self.distribution_, len(self.scaling_.unit), self._size, fixed)

    def _rows(self, table: Table, mean_weight: float) -> Rows:
        """Rows as training wants them: y in training's units, weights divided by their mean."""
        exposure = table.exposure
        is_density = self.distribution_.is_density(table.y)
        return Rows(
            as_tensor(table.X),
            torch.from_numpy(self.scaling_.scale(table.y)),
            torch.from_numpy(table.weight / mean_weight),
            None if exposure is None else torch.from_numpy(exposure)[:, None],
            self.scaling_.mean_log_jacobian(is_density, table.weight),
        )

    def _store(self, network: Network, record: Record, n_rows: int) -> Self:
        self.weights_ = network.weights.numpy()
        self.statistics_ = network.statistics.numpy()
        self.n_layers_ = len(self.architecture_.sizes)
        self.n_iter_ = record.n_iter
        self.t_ = record.n_iter * n_rows
        self.loss_curve_ = record.loss_curve
        self.loss_ = record.loss_curve[-1]
        self.best_loss_ = min(record.loss_curve)
        self.validation_scores_ = [-loss for loss in record.validation_curve] or None
        best = record.best_validation_loss
        self.best_validation_score_ = None if best is None else -best
        return self

    # Predict -------------------------------------------------------------------------------------

    def _network(self) -> Network:
        return Network(self.architecture_, as_tensor(self.weights_), as_tensor(self.statistics_))

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weight matrices of the layers, of shape (fan_in, fan_out) each."""
        return [matrix[0].numpy() for matrix, *_ in self._fitted_layers()]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases of the layers, of shape (fan_out,) each."""
        return [bias[0, 0].numpy() for _, bias, *_ in self._fitted_layers()]

    def _fitted_layers(self) -> list[list[torch.Tensor]]:
        if not hasattr(self, "weights_"):
            raise AttributeError(f"this {type(self).__name__} is not fitted yet")
        return self._network().layers()

    def _predict_params(
        self, X: ArrayLike, exposure: ArrayLike | None = None
    ) -> dict[str, np.ndarray]:
        """Parameters in y's units, of shape (n_samples, n_heads), vectors with a last axis."""
        check_is_fitted(self)
        checked = validate_data(self, X, reset=False, **X_PARAMS)
        check_finite(checked, type(self).__name__)
        time = check_exposure(exposure, checked)
        if time is not None:
            self.distribution_.check_exposure(time)
        x = as_tensor(cast(checked, self.weights_.dtype))
        network = self._network()
        with torch.no_grad(), threads_for(len(x) * network.weights.numel()):
            raw, constants = network(x)
            params = self._head().params(raw[0], constants[0])
        # Fixed numbers as they were given, without the rounding of the way through training.
        fixed = self.distribution_.fixed()
        values = {
            name: np.full(value.shape, fixed[name])[None]
            if name in fixed
            else self.scaling_.unscale_parameter(name, value.numpy())
            for name, value in params.items()
        }
        values = {name: _one_a_row(value, len(x)) for name, value in values.items()}
        return values if time is None else self.distribution_.exposed(values, time[:, None])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "weights_")

    @abstractmethod
    def predict_dist(self, X: ArrayLike) -> Any:
        """Predict the distribution of y at each row."""


def _one_a_row(value: np.ndarray, n_rows: int) -> np.ndarray:
    """Repeat what all rows share: constant and fixed parameters, of shape (1, n_heads, ...)."""
    return np.broadcast_to(value, (n_rows, *value.shape[1:])).copy()


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """Share memory with the array, unless it is read-only, which torch cannot express."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())
