"""What must every map from raw outputs to a parameter know?"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from torch import Tensor

from ._slopes import check_declared_slopes


class Link(ABC):
    """A differentiable map from raw outputs onto the domain of a parameter."""

    domain: str
    """Ends the sentence "the parameter must be ..."."""

    together = False
    """Whether the columns are mapped together (the last axis is theirs), or each on its own."""

    event_ndim = 0
    """Axes of one value of the parameter: 0 for a number, 1 for a vector, 2 for a matrix."""

    learnable = True
    """Whether the parameter may be predicted or constant, or is always given as a number."""

    scale_free = False
    """Whether the parameter depends on the ratio of its columns alone. The penalty then holds their
    biases to the start: weights that shrink along with the biases would escape it."""

    start_range: tuple[float, float] | None = None
    """Lowest and highest value that training starts at. Where other values hardly change the
    density, neither does raw, and training would not come back from there."""

    writes_slopes = False
    """Whether `value_and_slope` gives the slope of ``__call__``. A subclass that replaces
    ``__call__`` alone does not inherit it."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_declared_slopes(cls, "__call__", "value_and_slope")

    @property
    def activation(self) -> str:
        """Name of the map from raw outputs to the parameter."""
        return type(self).__name__.lower()

    def width(self, size: int) -> int:
        """Raw columns per parameter, for a y of `size` components or classes."""
        return size if self.together else 1

    @abstractmethod
    def __call__(self, raw: Tensor) -> Tensor:
        """Map raw outputs to the parameter."""

    def value_and_slope(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray | float]:
        """The parameter and its derivative by `raw`, in numpy; see `Distribution.value_and_slopes`.

        Links that do not declare `writes_slopes` leave it to automatic differentiation.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement value_and_slope")

    @abstractmethod
    def inverse(self, value: np.ndarray) -> np.ndarray:
        """Raw outputs of these parameter values, moved inside the reachable range if need be."""

    @abstractmethod
    def contains(self, value: float) -> bool:
        """Whether the parameter may be fixed to this number."""


class Identity(Link):
    """parameter = raw."""

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
