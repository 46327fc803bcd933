"""What do families that are built on another family share?"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from ._base import Distribution
from ._units import Unit
from .links import Link


class Compound(Distribution):
    """A compound family is made of a `base` family and some parameters of its own; abstract.

    Its parameters are its own, then those of `base`. A parameter of `base` is predicted, constant
    or fixed as `base` says; ``set_params(base__scale="constant")`` changes that.
    """

    own: ClassVar[Mapping[str, Link]]
    """These are the links of the parameters that `base` does not have, by name."""

    base: Distribution

    @property
    def parameters(self) -> Mapping[str, Link]:  # type: ignore[override]
        return {**self.own, **self.base.parameters}

    @property
    def units(self) -> Mapping[str, Unit]:
        own = {name: unit for name, unit in super().units.items() if name in self.own}
        return {**own, **self.base.units}

    @property
    def robust(self) -> bool:  # type: ignore[override]
        return self.base.robust

    @property
    def default_point(self) -> str:  # type: ignore[override]
        return self.base.default_point

    @abstractmethod
    def check_base(self) -> None:
        """Raise a ValueError for a `base` that this family cannot be built on."""

    def setting(self, name: str) -> Any:
        return getattr(self, name) if name in self.own else self.base.setting(name)

    def check_choices(self) -> None:
        if not isinstance(self.base, Distribution):
            raise ValueError(
                f"base of {type(self).__name__} must be an instance of a family, such as "
                f"Normal(); got {self.base!r}."
            )
        self.base.check_choices()
        self.check_base()

    def check_exposure(self, exposure: np.ndarray) -> None:
        self.base.check_exposure(exposure)

    def check_target(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> None:
        super().check_target(y, name, exposure)
        if self.support.discrete:
            self.base.check_target(y, name, exposure)

    def of_base(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of the parameters that `base` has."""
        return {name: params[name] for name in self.base.parameters}

    def annealing_weight(self, params: Mapping[str, Tensor]) -> Tensor | None:
        return self.base.annealing_weight(self.of_base(params))

    def exposed(self, params: dict[str, Any], exposure: Any) -> dict[str, Any]:
        return {**params, **self.base.exposed(self.of_base(params), exposure)}
