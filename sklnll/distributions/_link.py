"""What must every map from raw outputs to a parameter know?"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from torch import Tensor

from ._slopes import check_declared_slopes


class Link(ABC):
    """A link is a differentiable map from raw outputs onto the domain of a parameter."""

    domain: str
    """It ends the sentence "the parameter must be ..."."""

    together = False
    """It says whether the columns are mapped together (the last axis is theirs), or each alone."""

    event_ndim = 0
    """One value of the parameter has so many axes: 0 for a number, 1 for a vector, 2 for a matrix.
    """

    learnable = True
    """It says whether the parameter may be predicted or constant, or is always given as a number.
    """

    scale_free = False
    """It says whether the parameter depends on the ratio of its columns alone. The penalty then
    holds their biases to the start: weights that shrink along with the biases would escape it."""

    start_range: tuple[float, float] | None = None
    """Training starts between these two values. Where other values hardly change the density,
    neither does raw, and training would not come back from there."""

    interior: tuple[float, float] = (-np.inf, np.inf)
    """Beyond these two values the density hardly changes with the parameter: where training ends
    there, the maximum of the likelihood lies at the end of the range, or infinitely far away."""

    writes_slopes = False
    """It says whether `value_and_slope` gives the slope of ``__call__``. A subclass that replaces
    ``__call__`` alone does not inherit it."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_declared_slopes(cls, "__call__", "value_and_slope")

    @property
    def activation(self) -> str:
        """Return the name of the map from raw outputs to the parameter."""
        return type(self).__name__.lower()

    def width(self, size: int) -> int:
        """Return how many raw columns a parameter has, for a y of `size` components or classes."""
        return size if self.together else 1

    @abstractmethod
    def __call__(self, raw: Tensor) -> Tensor:
        """Map raw outputs to the parameter."""

    def value_and_slope(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray | float]:
        """Return the parameter and its derivative by `raw`, in numpy.

        See `Distribution.value_and_slopes`. Links that do not declare `writes_slopes` leave it to
        automatic differentiation.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement value_and_slope")

    @abstractmethod
    def inverse(self, value: np.ndarray) -> np.ndarray:
        """Return raw outputs of these values, moved inside the reachable range if need be."""

    @abstractmethod
    def contains(self, value: float) -> bool:
        """Say whether the parameter may be fixed to this number."""


class Identity(Link):
    """The parameter is raw itself."""

    domain = "a finite number"
    activation = "identity"
    writes_slopes = True

    def __call__(self, raw: Tensor) -> Tensor:
        return raw

    def value_and_slope(self, raw: np.ndarray) -> tuple[np.ndarray, float]:
        return raw, 1.0

    def inverse(self, value: np.ndarray) -> np.ndarray:
        return value

    def contains(self, value: float) -> bool:
        return bool(np.isfinite(value))
