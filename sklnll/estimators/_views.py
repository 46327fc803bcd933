"""What does a fitted estimator show of its network?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from .._network.fitted import FittedNetwork


def view_of_network(read: Callable[[FittedNetwork], Any], doc: str) -> property:
    """Make a read-only attribute that looks at the fitted network."""

    def get(estimator: Any) -> Any:
        if "network_" not in vars(estimator):
            raise AttributeError(f"this {type(estimator).__name__} is not fitted yet")
        return read(estimator.network_)

    return property(get, doc=doc)


def matrices(network: FittedNetwork) -> list[np.ndarray]:
    """Return the weight matrix of each layer."""
    return [_of_one(layer.matrix) for layer in network.layers()]


def biases(network: FittedNetwork) -> list[np.ndarray]:
    """Return the biases of each layer."""
    return [_of_one(layer.bias[:, 0]) for layer in network.layers()]


def _of_one(values: Tensor) -> np.ndarray:
    """Drop the members' axis where there is one member."""
    array = values.numpy()
    return array[0] if len(array) == 1 else array
