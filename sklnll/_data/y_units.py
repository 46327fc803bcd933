"""In which units of y does training run, and how does one come back?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._numerics.statistics import weighted_mean_std, weighted_median_spread
from ..distributions import DISTANCE, PLACE, Distribution, Unit
from .stored import check_array, check_part, stored_error

_FAR, _MANY = 3.0, 0.25
"""Distance from the center, in units, and share of the rows beyond it, at which units widen."""


@dataclass(frozen=True)
class TargetScaling:
    """A scaling is the affine map between y's units and training's: scaled = (y - shift) / unit.

    Families over all real numbers are shifted and scaled, positive ones scaled, pure numbers
    (counts, proportions, angles, labels) left alone. Everything is exact up to rounding:
    densities get the Jacobian back, and parameters move with y as the family's `units` say.

    Parameters
    ----------
    shift, unit : ndarray of shape (n_outputs,), or (n_outputs, size) for rows of numbers
        In y's units.
    """

    shift: np.ndarray
    unit: np.ndarray

    @classmethod
    def fit(cls, distribution: Distribution, y: np.ndarray, weight: np.ndarray) -> "TargetScaling":
        """Choose shift and unit for `y` of shape (n_samples, n_outputs[, size])."""
        return cls.of_numbers(distribution, distribution.magnitudes(y), weight)

    @classmethod
    def of_numbers(
        cls, distribution: Distribution, numbers: np.ndarray, weight: np.ndarray
    ) -> "TargetScaling":
        """Choose shift and unit for the numbers that stand for y."""
        units = distribution.support.units
        if units == "none":
            return cls(np.zeros(numbers.shape[1:]), np.ones(numbers.shape[1:]))
        columns = [
            _center_and_spread(column, weight, distribution.robust)
            for column in numbers.reshape(len(numbers), -1).T
        ]
        center, spread = np.array(columns).T.reshape(2, *numbers.shape[1:])
        if units == "affine":
            return cls(center, np.where(spread > 0, spread, 1.0))
        return cls(np.zeros_like(center), np.where(center > 0, center, 1.0))

    @staticmethod
    def check(scaling: Any, name: str, family: Distribution, size: int) -> None:
        """Raise a ValueError that names the field of a stored scaling that is not legal."""
        check_part(scaling, TargetScaling, name)
        units = family.support.units
        is_of_rows = family.event_ndim and np.ndim(scaling.unit) == 2
        shape = (None, size) if is_of_rows else (None,)
        check_array(scaling.unit, f"{name}.unit", shape, positive=True)
        check_array(scaling.shift, f"{name}.shift", scaling.unit.shape)
        if units != "affine" and scaling.shift.any():
            raise stored_error(f"{name}.shift", f"zero for {family!r}", f"{scaling.shift}")
        if units == "none" and (scaling.unit != 1).any():
            raise stored_error(f"{name}.unit", f"one for {family!r}", f"{scaling.unit}")

    def widened(
        self,
        distribution: Distribution,
        numbers: np.ndarray,
        weight: np.ndarray,
        first: np.ndarray | None = None,
    ) -> "TargetScaling":
        """Return units for rows that spread farther than the first ones did.

        Parameters
        ----------
        distribution : Distribution
        numbers : ndarray of shape (n_samples, n_outputs) or (n_samples, n_outputs, size)
            They stand for y.
        weight : ndarray of shape (n_samples,)
        first : ndarray, optional
            Those of the first rows.

        Returns
        -------
        TargetScaling
            This one, unless y spreads where it did not at first, or a quarter of the rows lies
            beyond three units.
        """
        if distribution.support.units == "none":
            return self
        if first is not None and len(first):
            varies, varied = ((v != v[:1]).any(axis=0) for v in (numbers, first))
            if (varies & ~varied).any():
                return self.of_numbers(distribution, numbers, weight)
        with np.errstate(over="ignore"):
            is_far = np.abs(numbers - self.shift) / self.unit > _FAR
        if not (np.average(is_far, axis=0, weights=weight) > _MANY).any():
            return self
        return self.of_numbers(distribution, numbers, weight)

    @property
    def log_jacobian(self) -> np.ndarray:
        """Return what negative log-densities gain on the way back to y's units; (n_outputs,)."""
        return np.log(self.unit).reshape(len(self.unit), -1).sum(axis=1)

    def scale(self, y: np.ndarray) -> np.ndarray:
        """Move y from its units to training's, in its shape. What is infinite stays so."""
        with np.errstate(over="ignore"):
            scaled = (y - self.shift) / self.unit
        if not (np.isfinite(scaled) | np.isinf(y)).all():
            raise ValueError(
                f"y spans from {y.min():g} to {y.max():g}, more than float64 can subtract; "
                "change its units."
            )
        # Beside an enormous value a small one underflows, but stays positive.
        underflow = (scaled == 0) & (y > 0) & (self.shift == 0)
        return np.where(underflow, np.finfo(float).tiny, scaled)

    def scale_parameter(self, unit: Unit | None, value: float) -> np.ndarray:
        """Move a parameter fixed in y's units to training's; shape (n_outputs,)."""
        shift, factor = self._shift_and_factor(unit)
        return (value - shift) / factor

    def scale_fixed(self, distribution: Distribution) -> dict[str, np.ndarray]:
        """Return the numbers that a family's parameters are fixed to, in training's units."""
        units = distribution.units
        return {
            name: self.scale_parameter(units.get(name), value)
            for name, value in distribution.fixed().items()
        }

    def unscale_parameters(
        self, distribution: Distribution, params: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Return a family's parameters in y's units.

        Fixed numbers are as they were given, without the rounding of the way through training.
        """
        fixed, units = distribution.fixed(), distribution.units
        return {
            name: np.full(value.shape, fixed[name])
            if name in fixed
            else self.unscale_parameter(units.get(name), value)
            for name, value in params.items()
        }

    def unscale_parameter(self, unit: Unit | None, value: np.ndarray) -> np.ndarray:
        """Move a parameter from training's units to y's; outputs after members and rows."""
        shift, factor = self._shift_and_factor(unit)
        shape = (*factor.shape, *(1,) * (value.ndim - 2 - factor.ndim))
        with np.errstate(over="ignore"):
            moved = value * factor.reshape(shape) + shift.reshape(shape)
        largest = np.finfo(float).max
        return np.clip(moved, -largest, largest)

    def _shift_and_factor(self, unit: Unit | None) -> tuple[np.ndarray, np.ndarray]:
        """Return what a parameter of this unit is moved by, and what it is then divided by."""
        if unit is PLACE:
            return self.shift, self.unit
        if unit is DISTANCE:
            return np.zeros_like(self.shift), self.unit
        return np.zeros(len(self.shift)), np.ones(len(self.unit))


def _center_and_spread(y: np.ndarray, weight: np.ndarray, robust: bool) -> tuple[float, float]:
    return weighted_median_spread(y, weight) if robust else weighted_mean_std(y, weight)
