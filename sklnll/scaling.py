"""In which units of y does training run, and how does one come back?"""

from dataclasses import dataclass

import numpy as np

from .distributions import Distribution
from .distributions._statistics import weighted_mean_std, weighted_median_spread


@dataclass(frozen=True)
class TargetScaling:
    """The affine map between y's units and training's: scaled = (y - shift) / unit.

    Families over all real numbers are shifted and scaled, positive ones scaled, pure numbers
    (counts, proportions, labels) left alone. Everything is exact up to rounding: densities get
    the Jacobian back, parameters called ``loc`` and ``scale`` move with y.

    Parameters
    ----------
    shift, unit : ndarray of shape (n_outputs,)
        In y's units.
    """

    shift: np.ndarray
    unit: np.ndarray

    @classmethod
    def fit(cls, distribution: Distribution, y: np.ndarray, weight: np.ndarray) -> "TargetScaling":
        """Choose shift and unit for `y` of shape (n_samples, n_outputs)."""
        units = distribution.support.units
        columns = [_center_and_spread(column, weight, distribution.robust) for column in y.T]
        center, spread = np.array(columns).T
        if units == "affine":
            return cls(center, np.where(spread > 0, spread, 1.0))
        if units == "ratio":
            return cls(np.zeros_like(center), np.where(center > 0, center, 1.0))
        return cls(np.zeros_like(center), np.ones_like(center))

    @property
    def log_jacobian(self) -> float:
        """What a row's negative log-likelihood gains on the way back to y's units."""
        return float(np.log(self.unit).sum())

    def scale(self, y: np.ndarray) -> np.ndarray:
        """From y's units to training's; shape (n_samples, n_outputs)."""
        with np.errstate(over="ignore"):
            scaled = (y - self.shift) / self.unit
        if not np.isfinite(scaled).all():
            raise ValueError(
                f"y spans from {y.min():g} to {y.max():g}, more than float64 can subtract; "
                "change its units."
            )
        # Beside an enormous value a small one underflows, but stays positive.
        underflow = (scaled == 0) & (y > 0) & (self.shift == 0)
        return np.where(underflow, np.finfo(float).tiny, scaled)

    def scale_parameter(self, name: str, value: float) -> np.ndarray:
        """Move a parameter fixed in y's units to training's; shape (n_outputs,)."""
        shift, unit = self._units_of(name)
        return (value - shift) / unit

    def unscale_parameter(self, name: str, value: np.ndarray) -> np.ndarray:
        """Move a parameter from training's units to y's; outputs on the second axis."""
        shift, unit = self._units_of(name)
        trailing = (1,) * (value.ndim - 2)
        with np.errstate(over="ignore"):
            moved = value * unit.reshape(-1, *trailing) + shift.reshape(-1, *trailing)
        largest = np.finfo(float).max
        return np.clip(moved, -largest, largest)

    def _units_of(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Parameters called loc and scale carry y's units, all others are pure numbers."""
        nothing = np.zeros_like(self.shift)
        if name == "loc":
            return self.shift, self.unit
        return nothing, self.unit if name == "scale" else np.ones_like(self.unit)


def _center_and_spread(y: np.ndarray, weight: np.ndarray, robust: bool) -> tuple[float, float]:
    return weighted_median_spread(y, weight) if robust else weighted_mean_std(y, weight)
