"""What does the L2 penalty add to the loss, and to its gradient?"""

from __future__ import annotations

import torch
from torch import Tensor

from .._network.head import Head
from .._network.weights import Weights

_STRONGEST = 1e12
"""Nats of a squared weight from which on weights are zero in all digits that predictions show;
stronger penalties would overflow in float32."""


class Penalty:
    """The L2 penalty alpha / 2 * sum(weights**2) on the learned values of a network.

    It counts the weights of all layers, those of the last one in units of its outputs, and the
    biases of outputs of which only the ratio matters: these are held to their start.

    Parameters
    ----------
    weights : Weights
        At the start of training.
    head : Head
        Knows the units of the last layer's columns, and which of their biases count.
    alpha : float
        Strength of the penalty, as in scikit-learn's multi-layer perceptrons.
    mean_weight : float
        Mean of the rows' weights before they were divided by it: the penalty is shared by the
        rows' total weight, so that a weight of 2 means the row twice.
    x_unit : Tensor of shape (n_features,), optional
        Units of the network's inputs, where it counts the first layer's weights per unit of X.
    """

    def __init__(
        self,
        weights: Weights,
        head: Head,
        alpha: float,
        mean_weight: float,
        x_unit: Tensor | None = None,
    ):
        units = torch.from_numpy(head.penalty_units).to(weights.flat)
        held = torch.from_numpy(head.penalized_biases).to(weights.flat.device)
        self._weights = weights
        self._alpha = alpha
        self._mean_weight = mean_weight
        self._shares = _shares(weights, units, held)
        if x_unit is not None:
            _count_per_unit(Weights(weights.architecture, self._shares), x_unit)
        self._origin = _origin(weights, held)
        self._has_origin = bool(head.penalized_biases.any())

    def _rate(self, n_rows: int) -> float:
        """Return what the penalty costs in nats a row, a squared weight."""
        return min(self._alpha / (n_rows * self._mean_weight), _STRONGEST)

    def value(self, n_rows: int) -> Tensor:
        """Return the penalty of each member for a batch of `n_rows` rows."""
        if not self._alpha:
            return self._weights.flat.new_zeros(len(self._weights), dtype=torch.float64)
        away = self._weights.flat.double() - self._origin
        return 0.5 * self._rate(n_rows) * (self._shares * away.square()).sum(dim=1)

    def curvature(self, n_rows: int) -> Tensor:
        """Return the second derivative by each learned value; shape (1, n_weights)."""
        return self._rate(n_rows) * self._shares.double()

    def add_gradient(self, gradient: Tensor, n_rows: int) -> None:
        """Add the gradient of the penalty for a batch of `n_rows` rows, in place."""
        if self._alpha:
            away = self._weights.flat
            if self._has_origin:
                away = away - self._origin
            gradient.addcmul_(self._shares, away, value=self._rate(n_rows))


def matrix_shares(weights: Weights) -> Tensor:
    """Return 1 for the weights of all layers, 0 for all else; shape (1, n_weights)."""
    shares = Weights.zeros(weights.architecture, weights.flat[:1])
    for layer in shares.layers:
        layer.matrix.fill_(1)
    return shares.flat


def _shares(weights: Weights, last_units: Tensor, held_biases: Tensor) -> Tensor:
    """Return how much the penalty counts each learned value; shape (1, n_weights).

    It is 1 for the weights of the hidden layers and the biases that count, the squared unit for
    the weights of the last layer, and 0 for all else.
    """
    shares = Weights(weights.architecture, matrix_shares(weights))
    last = shares.layers[-1]
    last.matrix.copy_(last_units.square().expand_as(last.matrix))
    last.bias.copy_(held_biases.expand_as(last.bias))
    return shares.flat


def _count_per_unit(shares: Weights, x_unit: Tensor) -> None:
    """Count the first layer's weights per unit of X, in place."""
    matrix = shares.layers[0].matrix
    largest = torch.finfo(matrix.dtype).max ** 0.5
    per_square = x_unit.square().reciprocal().clamp(max=largest)
    matrix.mul_(per_square.to(matrix.dtype)[:, None])


def _origin(weights: Weights, held_biases: Tensor) -> Tensor:
    """Return where the penalty is least: at zero, and at the present values of held biases."""
    origin = Weights.zeros(weights.architecture, weights.flat)
    origin.layers[-1].bias.copy_(weights.layers[-1].bias * held_biases)
    return origin.flat
