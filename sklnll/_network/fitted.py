"""How do fitted weights become the parameters of distributions, for new rows?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.utils import gen_batches

from .._data.inputs import Inputs
from .._data.kinds import Columns
from .._data.stored import check_array, check_number, check_part, stored_error
from .._data.tables import cast
from .._messages import warn_user
from ..distributions import Distribution
from ..distributions.ensemble import ensemble_of
from .compute import find_device, threads_for
from .far import take_far_as_unknown
from .layers import Mode
from .layout import Layout
from .network import Network, Pass
from .units import Units, as_tensor
from .weights import Architecture, LayerWeights, Weights

Params = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """The result of training: arrays of numpy, and the way from them to predictions.

    Parameters
    ----------
    units : Units
        The family, and the units of X and y.
    architecture : Architecture
        What the network looks like.
    weights : ndarray of shape (n_members, n_weights)
        All learned values.
    statistics : ndarray of shape (n_members, 2, n_hidden_units)
        Running means and variances of the hidden units, for batch normalization.
    null : ndarray of shape (n_raw,)
        Raw outputs of the fit without x, to which predictions far outside of the rows fall back.
    recalibration : float, default=1.0
        Factor by which predicted distributions are widened.
    """

    units: Units
    architecture: Architecture
    weights: np.ndarray
    statistics: np.ndarray
    null: np.ndarray
    recalibration: float = 1.0

    @classmethod
    def of(cls, network: Network, units: Units, null: np.ndarray) -> FittedNetwork:
        """Copy what training has found out of a network."""
        weights, statistics = (values.cpu().numpy() for values in network.state())
        return cls(units, network.architecture, weights, statistics, null)

    @staticmethod
    def check(network: Any, name: str, columns: Columns) -> None:
        """Raise a ValueError that names the field of a stored network that is not legal."""
        check_part(network, FittedNetwork, name)
        architecture, units = network.architecture, network.units
        Architecture.check(architecture, f"{name}.architecture")
        Units.check(units, f"{name}.units", columns)
        layout = Layout(units.family, units.n_heads, units.size)
        for field, found, expected in (
            ("sizes[0]", architecture.sizes[0], units.x.n_plain),
            ("sizes[-1]", architecture.sizes[-1], layout.n_predicted),
            ("n_constants", architecture.n_constants, layout.n_constant),
            ("waves", architecture.waves, units.x.waves if architecture.n_frequencies else None),
            ("embeddings", [n for n, _ in architecture.embeddings], [*units.x.embedded.values()]),
            ("gates", architecture.gates, units.x.gates if architecture.gates else ()),
        ):
            if found != expected:
                words = f"{expected} for {units.n_heads} outputs of {units.family!r}"
                raise stored_error(f"{name}.architecture.{field}", words, f"{found}")
        check_array(network.weights, f"{name}.weights", (None, architecture.n_weights))
        check_array(network.null, f"{name}.null", (layout.n_predicted,))
        of_hidden = (len(network), 2, sum(architecture.hidden))
        check_array(network.statistics, f"{name}.statistics", of_hidden)
        if network.statistics.dtype != network.weights.dtype:
            dtypes = network.weights.dtype, network.statistics.dtype
            raise stored_error(f"{name}.statistics", f"of {dtypes[0]}, as weights", f"{dtypes[1]}")
        if (network.statistics[:, 1] < 0).any():
            least = network.statistics[:, 1].min()
            raise stored_error(f"{name}.statistics[:, 1]", "non-negative variances", f"{least}")
        factor = network.recalibration
        check_number(factor, f"{name}.recalibration", lambda f: 0 < f < np.inf, "positive, finite")

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self.weights)

    @property
    def family(self) -> Distribution:
        """The family that was fitted."""
        return self.units.family

    @property
    def predictive_family(self) -> Distribution:
        """The family of predictions: the fitted one, or an equal mixture of its members."""
        return self.family if len(self) == 1 else ensemble_of(self.family, len(self))

    @property
    def far_is_unknown(self) -> bool:
        """Whether columns far outside of their ranges are not believed, as linear models do."""
        return self.units.x.is_bounded and bool(self.architecture.hidden)

    def network(self, device: torch.device | None = None) -> Network:
        """Make the network that computes with these weights."""
        weights, statistics = as_tensor(self.weights), as_tensor(self.statistics)
        return Network(Weights(self.architecture, weights.to(device)), statistics.to(device))

    def layers(self) -> list[LayerWeights]:
        """Return the layers' arrays; those of a linear network are coefficients of X's columns."""
        weights = Weights(self.architecture, as_tensor(self.weights))
        if not self.architecture.hidden and self.units.x.scaling is not None:
            scaled, weights = weights, Weights(self.architecture, weights.flat.clone())
            scaling = self.units.x.center_and_unit()
            weights.fold_inputs(*(as_tensor(v).to(weights.flat) for v in scaling))
            _check_coefficients(scaled.layers[0].matrix, weights.layers[0].matrix, self.units.x)
        return weights.layers

    def predict_params(
        self,
        X: Any,
        exposure: np.ndarray | None = None,
        *,
        device: str = "cpu",
        n_threads: int | None = None,
    ) -> Params:
        """Predict the parameters of `predictive_family` in y's units.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            Checked.
        exposure : ndarray of shape (n_samples,), optional
        device : str, default="cpu"
        n_threads : int, optional
            Most threads to compute with.

        Returns
        -------
        dict of str to ndarray
            Each of shape (n_samples, n_outputs, ...).
        """
        X = cast(X, self.weights.dtype)
        values = self._in_units_of_y(self._raw_params(X, device, n_threads), X.shape[0])
        if exposure is not None:
            values = self.family.exposed(values, exposure[:, None])
        if self.recalibration != 1:
            values = self.family.widened(values, self.recalibration)
        return self._of_predictive_family(values)

    def novelty(self, X: Any) -> np.ndarray:
        """Measure how far outside of the training rows each checked row of X lies."""
        return self.units.ranges.novelty(cast(X, self.weights.dtype))

    def _raw_params(self, X: Any, device: str, n_threads: int | None) -> Params:
        """Compute each member's parameters in training's units, rows in blocks to save memory."""
        where = find_device(device)
        network, head = self.network(where), self.units.head(where)
        n_rows = X.shape[0]
        size = min(n_rows, network.rows_at_once)
        raw = network.weights.flat.new_empty(len(self), n_rows, head.layout.n_predicted)
        products = size * network.products_of_a_row(self.units.density(X))
        with torch.no_grad(), threads_for(products, n_threads):
            passes = {n: Pass(network, n) for n in {size, n_rows % size or size}}
            for block in gen_batches(n_rows, size):
                x = self.units.features(X[block]).to(where)
                raw[:, block], constants = passes[x.shape[0]].forward(x, Mode())
            if self.far_is_unknown:
                take_far_as_unknown(raw, X, network, self.units, as_tensor(self.null).to(raw))
            params = head.params(raw, constants)
        return {name: value.cpu().numpy() for name, value in params.items()}

    def _in_units_of_y(self, params: Params, n_rows: int) -> Params:
        """Leave training's units; shape (n_members, n_rows, n_outputs, ...)."""
        values = self.units.y.unscale_parameters(self.family, params)
        return {name: self._one_a_row(name, value, n_rows) for name, value in values.items()}

    def _one_a_row(self, name: str, value: np.ndarray, n_rows: int) -> np.ndarray:
        """Repeat what rows or members share."""
        event = self.family.parameters[name].event_ndim
        shape = value.shape[value.ndim - 1 - event :]
        return np.broadcast_to(value, (len(self), n_rows, *shape)).copy()

    def _of_predictive_family(self, values: Params) -> Params:
        """Move the axis of the members from the front to where `predictive_family` has it."""
        n_members = len(self)
        if n_members == 1:
            return {name: value[0] for name, value in values.items()}
        links = self.family.parameters
        moved = {
            name: np.moveaxis(value, 0, value.ndim - 1 - links[name].event_ndim)
            for name, value in values.items()
        }
        n_rows, n_outputs = next(iter(moved.values())).shape[:2]
        return {"weight": np.full((n_rows, n_outputs, n_members), 1 / n_members), **moved}


def _check_coefficients(scaled: torch.Tensor, in_units_of_x: torch.Tensor, x: Inputs) -> None:
    """Warn of coefficients that are beyond floats in X's units, as infinity or zero."""
    unit = x.center_and_unit()[1]
    is_lost = ~in_units_of_x.isfinite() | ((in_units_of_x == 0) & (scaled != 0))
    lost = is_lost.any(dim=2).any(dim=0).numpy() & np.isfinite(unit)
    if lost.any():
        k = int(np.argmax(lost))
        warn_user(
            f"Coefficients of column {x.numbers[k]} of X, whose values are about {unit[k]:.3g}, "
            f"are beyond {in_units_of_x.numpy().dtype} in X's units: coefs_ has 0 or infinity "
            "there. Predictions are not affected; to read coefficients, fit the column divided "
            "by a power of ten."
        )
