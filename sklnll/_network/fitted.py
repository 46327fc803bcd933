"""How do fitted weights become the parameters of distributions, for new rows?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from .._data.checks import cast, check_exposure, check_finite, x_params
from .._data.sparse import SparseRows, density
from .._data.x_units import InputScaling
from .._data.y_units import TargetScaling
from ..distributions import Distribution
from ..distributions.ensemble import ensemble_of
from ..estimators._persistence import VERSION, warn_of_another_version, with_version
from .devices import find_device
from .head import Head
from .layers import Mode
from .network import Architecture, Network, Pass
from .threads import threads_for


class FittedNetwork(BaseEstimator, ABC):
    """What `fit` leaves behind, and the way from there to a predictive distribution; abstract."""

    distribution_: Distribution
    architecture_: Architecture
    scaling_: TargetScaling
    input_scaling_: InputScaling | None
    weights_: np.ndarray
    statistics_: np.ndarray
    recalibration_: float
    device: str
    n_threads: int | None

    @property
    @abstractmethod
    def _size(self) -> int:
        """Number of classes, or of the components of y; 1 where y is a number."""

    def _head(self, device: torch.device | None = None) -> Head:
        fixed = self.scaling_.scale_fixed(self.distribution_)
        return Head(self.distribution_, len(self.scaling_.unit), self._size, fixed, device)

    def _network(self, device: torch.device | None = None) -> Network:
        weights, statistics = as_tensor(self.weights_), as_tensor(self.statistics_)
        return Network(self.architecture_, weights.to(device), statistics.to(device))

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weight matrices of the layers, of shape (fan_in, fan_out) each.

        With several members (n_estimators, fan_in, fan_out).
        """
        return [self._of_one(matrix.numpy()) for matrix, *_ in self._fitted_layers()]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases of the layers, of shape (fan_out,) each.

        With several members (n_estimators, fan_out).
        """
        return [self._of_one(bias[:, 0].numpy()) for _, bias, *_ in self._fitted_layers()]

    def _of_one(self, values: np.ndarray) -> np.ndarray:
        """Without the members' axis where there is one member."""
        return values[0] if len(self.weights_) == 1 else values

    def _fitted_layers(self) -> list[list[torch.Tensor]]:
        """Of a linear network in X's units: its coefficients are those of X's columns."""
        if not hasattr(self, "weights_"):
            raise AttributeError(f"this {type(self).__name__} is not fitted yet")
        network = self._network()
        if not self.architecture_.hidden and self.input_scaling_ is not None:
            network = Network(self.architecture_, network.weights.clone())
            scaling = self.input_scaling_
            network.fold_inputs(
                *(torch.from_numpy(v).to(network.weights) for v in (scaling.center, scaling.unit))
            )
        return network.layers()

    def _predict_params(
        self, X: ArrayLike, exposure: ArrayLike | None = None
    ) -> dict[str, np.ndarray]:
        """Parameters of `_predictive_family` in y's units, of shape (n_samples, n_heads, ...)."""
        check_is_fitted(self)
        checked = validate_data(self, X, reset=False, **x_params(X))
        check_finite(checked, type(self).__name__)
        time = check_exposure(exposure, checked)
        if time is not None:
            self.distribution_.check_exposure(time)
        params = self._params_of(cast(checked, self.weights_.dtype), time)
        if self.recalibration_ != 1:
            params = self.distribution_.widened(params, self.recalibration_)
        return self._of_predictive_family(params)

    def _params_of(self, X: Any, exposure: np.ndarray | None) -> dict[str, np.ndarray]:
        """Each member's parameters in y's units, (n_members, n_samples, n_heads, ...)."""
        params = self._scaled_params_of(X)
        values = {name: value.numpy() for name, value in params.items()}
        values = self.scaling_.unscale_parameters(self.distribution_, values)
        values = {name: self._one_a_row(name, value, X.shape[0]) for name, value in values.items()}
        return values if exposure is None else self.distribution_.exposed(values, exposure[:, None])

    def _scaled_params_of(self, X: Any) -> dict[str, torch.Tensor]:
        """The head's parameters, in training's units; rows in blocks, to bound their memory."""
        device = find_device(self.device)
        network, head = self._network(device), self._head(device)
        n_rows = X.shape[0]
        size = min(n_rows, network.rows_at_once)
        raw = network.weights.new_empty(len(network.weights), n_rows, head.layout.n_predicted)
        products = size * network.products_of_a_row(self._density(X))
        with torch.no_grad(), threads_for(products, self.n_threads):
            passes = {n: Pass(network, n) for n in {size, n_rows % size or size}}
            for block in gen_batches(n_rows, size):
                x = self._features(X[block]).to(device)
                raw[:, block], constants = passes[x.shape[0]].forward(x, Mode())
            return {name: value.cpu() for name, value in head.params(raw, constants).items()}

    def _features(self, X: Any) -> torch.Tensor | SparseRows:
        """X as the network sees it."""
        scaling = self.input_scaling_
        if self._stays_sparse(X):
            return SparseRows([X if scaling is None else scaling.of_sparse(X)])
        rows = X.toarray() if sparse.issparse(X) else X
        return as_tensor(rows if scaling is None else scaling(rows))

    def _stays_sparse(self, X: Any) -> bool:
        """Whether zeros of X are zeros to the network, too."""
        scaling = self.input_scaling_
        return sparse.issparse(X) and (scaling is None or scaling.keeps_zeros)

    def _density(self, X: Any) -> float:
        """Share of X that the network multiplies."""
        return density(X) if self._stays_sparse(X) else 1.0

    def _one_a_row(self, name: str, value: np.ndarray, n_rows: int) -> np.ndarray:
        """Repeat what rows or members share; shape (n_members, n_rows, n_heads, ...)."""
        event = self.distribution_.parameters[name].event_ndim
        shape = value.shape[value.ndim - 1 - event :]
        return np.broadcast_to(value, (len(self.weights_), n_rows, *shape)).copy()

    @property
    def _predictive_family(self) -> Distribution:
        """What is predicted at each row: the family, or an equal mixture of the members' of it."""
        n_members = len(self.weights_)
        family = self.distribution_
        return family if n_members == 1 else ensemble_of(family, n_members)

    def _of_predictive_family(self, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Members' parameters, whose axis comes first, as those of `_predictive_family`."""
        n_members = len(self.weights_)
        if n_members == 1:
            return {name: value[0] for name, value in values.items()}
        links = self.distribution_.parameters
        moved = {
            name: np.moveaxis(value, 0, value.ndim - 1 - links[name].event_ndim)
            for name, value in values.items()
        }
        n_rows, n_heads = next(iter(moved.values())).shape[:2]
        return {"weight": np.full((n_rows, n_heads, n_members), 1 / n_members), **moved}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "weights_")

    def __getstate__(self) -> dict[str, Any]:
        return with_version(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        warn_of_another_version(type(self).__name__, state.get(VERSION))
        super().__setstate__({name: value for name, value in state.items() if name != VERSION})

    @abstractmethod
    def predict_dist(self, X: ArrayLike) -> Any:
        """Predict the distribution of y at each row."""


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """Share memory with the array, unless it is read-only, which torch cannot express."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())
