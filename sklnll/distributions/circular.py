"""Families for a y that is an angle: directions, times of day, phases."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from .._laws.protocols import FrozenLaw
from .._laws.von_mises import angular_crps, resultant, von_mises, wrap
from .._messages import warn_user
from .._numerics.special import LOG_2PI, log_bessel_i0e
from ._base import Distribution
from ._supports import ANGLE
from .links import concentrated, direction

__all__ = ["CircularDistribution", "VonMises"]


class CircularDistribution(Distribution):
    """A circular family is one over angles in radians; abstract.

    An angle and the same angle plus a full turn are the same y. `frozen` cuts the circle open
    opposite to the mean direction, and counts its distribution function from there.
    """

    support = ANGLE

    @abstractmethod
    def mean_direction(self, *args: Any, **params: Any) -> np.ndarray:
        """Return the direction of the mean of (cos y, sin y), in (-pi, pi]."""

    @abstractmethod
    def resultant(self, *args: Any, **params: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the length of the mean of (cos y, sin y), and one minus it: its variance."""

    def _check_total(self) -> None:
        """Check nothing: over all real numbers a density of angles has no total."""

    def check_target(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> None:
        super().check_target(y, name, exposure)
        largest = np.abs(y).max()
        if largest > 2 * np.pi:
            place = np.unravel_index(np.abs(y).argmax(), y.shape)[0]
            warn_user(
                f"{name} of {self!r} is read in radians, but holds {largest:g} (row {place}), more "
                "than a full turn of 2 * pi. Are these degrees? Then give np.deg2rad(y); if they "
                "are radians, wrap them, as np.angle(np.exp(1j * y)) does."
            )


class VonMises(CircularDistribution):
    """The von Mises distribution suits angles: it is the normal distribution of the circle.

    Support: all angles, in radians; whole turns do not matter. Density, where I0 is the modified
    Bessel function::

        p(y) = exp(concentration * cos(y - loc)) / (2 pi I0(concentration))

    A concentration near 0 is the uniform distribution; a large one is nearly the normal with
    standard deviation 1 / sqrt(concentration). Where y never comes near a full turn, `Normal` does
    the same with the usual mean and variance.

    Parameters
    ----------
    loc : None, "constant" or float, default=None
        Mean direction, in radians. The angle of two raw outputs (cosine and sine), so that no
        direction is far from another one beside it.
    concentration : None, "constant" or float, default=None
        Pure number. Log link; a learned one stays below 1e10, so that the likelihood of equal y
        is bounded.

    References
    ----------
    K. Mardia and P. Jupp (2000). Directional Statistics. doi:10.1002/9780470316979

    N. Fisher (1993). Statistical Analysis of Circular Data. doi:10.1017/CBO9780511564345
    """

    parameters: ClassVar = {"loc": direction, "concentration": concentrated}

    def __init__(self, loc: Any = None, concentration: Any = None):
        self.loc = loc
        self.concentration = concentration

    width_parameter = "concentration"

    def squared_width(self, params: Mapping[str, Tensor]) -> Tensor:
        return 1 / (1 + params["concentration"])

    def log_prob(self, y: Tensor, loc: Tensor, concentration: Tensor) -> Tensor:
        # cos(y - loc) - 1 keeps its digits as -2 * sine**2.
        sine = torch.sin((y - loc) / 2)
        return -2 * concentration * sine * sine - log_bessel_i0e(concentration) - LOG_2PI

    def frozen(self, loc: np.ndarray, concentration: np.ndarray) -> FrozenLaw:
        return von_mises(concentration, wrap(loc))

    def mode(self, loc: np.ndarray, concentration: np.ndarray) -> np.ndarray:
        return wrap(loc)

    def mean_direction(self, loc: np.ndarray, concentration: np.ndarray) -> np.ndarray:
        return wrap(loc)

    def resultant(
        self, loc: np.ndarray, concentration: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return resultant(concentration)

    def crps(self, y: np.ndarray, loc: np.ndarray, concentration: np.ndarray) -> np.ndarray:
        return angular_crps(np.abs(wrap(y - loc)), concentration)

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        # D. Best and N. Fisher (1981). The bias of the maximum likelihood estimators of the von
        # Mises-Fisher concentration parameters. doi:10.1080/03610918108812225
        loc = np.arctan2(weight @ np.sin(y), weight @ np.cos(y))
        rest = np.average(2 * np.sin((y - loc) / 2) ** 2, weights=weight)
        length = 1 - rest
        if length < 0.53:
            concentration = length * (2 + length**2 + 5 / 6 * length**4)
        elif length < 0.85:
            concentration = -0.4 + 1.39 * length + 0.43 / rest
        else:
            concentration = 1 / (length * (2 + rest) * max(rest, 1e-300))
        return {"loc": loc, "concentration": concentration}
