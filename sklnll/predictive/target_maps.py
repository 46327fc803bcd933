"""What does a fitted transformer of targets do to each output: nothing, a stretch, a bend?"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

_FARTHEST = 1e150
"""Stands for infinity where a transformer is tried out."""
_N_BISECTIONS = 60
_STEP = np.finfo(float).eps ** 0.2
"""The step of differences of fourth order, at which their error is about that of rounding."""
_INVERSE_WITHIN = 1e-5
_OUT_OF_REACH = 1e6
_ROUNDING = 64 * np.finfo(float).eps


@dataclass(frozen=True)
class Probe:
    """A probe tells where predictions of the transformed y lie, a column for each output.

    Parameters
    ----------
    low, high : ndarray of shape (n_outputs,)
        Ends between which nearly all of the probability of all rows lies.
    center, unit : ndarray of shape (n_outputs,)
        A typical median, and a typical distance between quartiles.
    support : tuple of ndarray of shape (n_outputs,)
        Lowest and highest possible values.
    """

    low: np.ndarray
    high: np.ndarray
    center: np.ndarray
    unit: np.ndarray
    support: tuple[np.ndarray, np.ndarray]

    def grid(self) -> np.ndarray:
        """Lay increasing points, on a first axis, where the predictions lie."""
        whole = np.linspace(self.low, self.high, 65)
        inner = np.linspace(self.center - 3 * self.unit, self.center + 3 * self.unit, 65)
        return np.sort(np.concatenate([whole, np.clip(inner, self.low, self.high)]), axis=0)

    def far_grid(self) -> np.ndarray:
        """Lay points beyond them, too: no row's answer may depend on what else is predicted."""
        away = np.multiply.outer(np.geomspace(1, 1e3, 13), self.high - self.low)
        points = [self.grid(), self.low - away, self.high + away]
        return np.sort(np.clip(np.concatenate(points), *self.support), axis=0)


class TargetTransformer:
    """A target transformer is a fitted one, as TransformedTargetRegressor holds it.

    Parameters
    ----------
    transformer : transformer
        It takes and returns 2-d arrays, a column for each output.
    """

    def __init__(self, transformer: Any):
        self.transformer = transformer

    def to_z(self, y: np.ndarray) -> np.ndarray:
        """Take y to the units that the network is trained in; outputs stand on the last axis."""
        return self._call("transform", y)

    def to_y(self, z: np.ndarray) -> np.ndarray:
        """Take what the network is trained on back to y's units."""
        return self._call("inverse_transform", z)

    def _call(self, method: str, values: np.ndarray) -> np.ndarray:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # Some transformers turn numpy's warnings on again; where they end is searched for.
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                function = getattr(self.transformer, method)
                result = np.asarray(function(values.reshape(-1, values.shape[-1])), dtype=float)
            except Exception as error:  # which may be any: a transformer is the user's own
                raise ValueError(
                    f"{self.transformer!r} must be a monotone map of each column, known wherever "
                    "predicted distributions lie, for a distribution to be taken back to y's "
                    f"units; between {np.nanmin(values):g} and {np.nanmax(values):g} it fails with "
                    f"{type(error).__name__}: {error}. Use such a transformer, or another family "
                    "for y itself."
                ) from error
        if result.size != values.size:
            raise ValueError(
                f"{self.transformer!r} must keep the number of outputs for a distribution to be "
                f"taken back to y's units; {values.shape[-1]} columns became {result.shape[-1]}. "
                "Use a transformer that treats each column on its own, such as StandardScaler."
            )
        return result.reshape(values.shape)

    def __repr__(self) -> str:
        return repr(self.transformer)


@dataclass(frozen=True)
class AffineMap:
    """An affine map is y = slope * z + shift, with numbers for each output."""

    slope: np.ndarray
    shift: np.ndarray

    @property
    def rises(self) -> np.ndarray:
        """Tell whether y rises with z, for each output."""
        return self.slope > 0

    def to_z(self, y: np.ndarray) -> np.ndarray:
        """Take y to z, with outputs on the last axis."""
        return (y - self.shift) / self.slope

    def to_y(self, z: np.ndarray) -> np.ndarray:
        """Take z to y, with outputs on the last axis."""
        return self.slope * z + self.shift

    def log_slope(self, z: np.ndarray) -> np.ndarray:
        """Compute the logarithm of the derivative of z by y, without its sign."""
        return np.zeros(z.shape) - np.log(np.abs(self.slope))


@dataclass(frozen=True)
class MonotoneMap:
    """A monotone map rises, or falls, everywhere; only a transformer knows it.

    z beyond the ends, which the transformer cannot take back, belongs to the end of y.

    Parameters
    ----------
    transformer : TargetTransformer
    rises : ndarray of bool, of shape (n_outputs,)
        Whether y rises with z.
    z_ends : ndarray of shape (2, n_outputs)
        Ends between which the two directions of the transformer are inverse to each other.
    y_ends : ndarray of shape (2, n_outputs)
        y at `z_ends`, or its limit beyond them.
    center, unit : ndarray of shape (n_outputs,)
        A typical z, and over which distances z varies.
    """

    transformer: TargetTransformer
    rises: np.ndarray
    z_ends: np.ndarray
    y_ends: np.ndarray
    center: np.ndarray
    unit: np.ndarray

    def to_z(self, y: np.ndarray) -> np.ndarray:
        """Take y to z, with outputs on the last axis; z is infinite beyond the ends of y."""
        low, high = np.sort(self.y_ends, axis=0)
        inside = (low < y) & (y < high)
        # Transformers refuse what they do not know, and NaN.
        known = np.where(inside, y, self.transformer.to_y(self.center[None])[0])
        z = np.clip(self.transformer.to_z(known), *self.z_ends)
        upwards = np.where(self.rises, np.inf, -np.inf)
        z = np.where(y >= high, upwards, np.where(y < low, -upwards, z))
        z = np.where(y == low, np.where(self.rises, *self.z_ends), z)
        return np.where(np.isnan(y), np.nan, z)

    def to_y(self, z: np.ndarray) -> np.ndarray:
        """Take z to y, with outputs on the last axis."""
        (z_low, z_high), (y_low, y_high) = self.z_ends, self.y_ends
        inside = (z_low <= z) & (z <= z_high)
        y = self.transformer.to_y(np.where(inside, z, self.center))
        y = np.where(z < z_low, y_low, np.where(z > z_high, y_high, y))
        return np.where(np.isnan(z), np.nan, y)

    def log_slope(self, z: np.ndarray) -> np.ndarray:
        """Compute the logarithm of the derivative of z by y, without its sign, by differences.

        It has about twelve digits where the map is smooth over a thousandth of `unit`.
        """
        low, high = self.z_ends
        room = np.minimum(z - low, high - z)
        inside = room > 0  # false for NaN
        z, step = (
            np.where(inside, z, self.center),
            _STEP * np.where(inside, np.minimum(self.unit, room), self.unit),
        )
        one, two = (
            self.transformer.to_y(z + k * step) - self.transformer.to_y(z - k * step)
            for k in (1, 2)
        )
        with np.errstate(all="ignore"):
            log_slope = -np.log(np.abs((8 * one - two) / (12 * step)))
        return np.where(inside, log_slope, np.nan)


def read_map(transformer: TargetTransformer, probe: Probe) -> AffineMap | MonotoneMap | None:
    """Find out by trying which map a transformer is, where predictions lie.

    Parameters
    ----------
    transformer : TargetTransformer
    probe : Probe

    Returns
    -------
    AffineMap, MonotoneMap or None
        None for a transformer that changes nothing.

    Raises
    ------
    ValueError
        For a transformer that is not monotone, or mixes outputs.
    """
    _check_uncoupled(transformer, probe)
    grid = probe.far_grid()
    with np.errstate(all="ignore"):
        y = transformer.to_y(grid)
        if np.array_equal(y, grid):
            return None
        affine = AffineMap((y[-1] - y[0]) / (grid[-1] - grid[0]), _at_zero(transformer, grid))
        size = np.abs(y).max(axis=0) + np.abs(affine.slope * grid).max(axis=0)
        off = np.abs(affine.to_y(grid) - y).max(axis=0)
    if (affine.slope != 0).all() and (off <= _ROUNDING * size).all() and np.isfinite(size).all():
        return affine
    return _read_monotone(transformer, probe)


def _at_zero(transformer: TargetTransformer, grid: np.ndarray) -> np.ndarray:
    """Compute y at z = 0, exact where it is the transformer's own constant."""
    return transformer.to_y(np.zeros((1, grid.shape[1])))[0]


def _check_uncoupled(transformer: TargetTransformer, probe: Probe) -> None:
    """Raise a ValueError where one column of z changes another column of y."""
    n_outputs = len(probe.center)
    places = np.tile(probe.center, (n_outputs + 1, 1))
    places[1:] += np.diag(probe.unit)
    y = transformer.to_y(places)
    changed = y[1:] != y[0]
    if changed[~np.eye(n_outputs, dtype=bool)].any():
        raise ValueError(
            f"{transformer!r} mixes the outputs of y, and the outputs of a predicted distribution "
            "are moved one by one; use a transformer that treats each column on its own, such as "
            "StandardScaler."
        )


def _read_monotone(transformer: TargetTransformer, probe: Probe) -> MonotoneMap:
    grid = probe.grid()
    y = transformer.to_y(grid)
    rises = np.array([_direction(y[:, j]) for j in range(y.shape[1])])
    if (rises == 0).any() or not _returns(transformer, probe, probe.center).all():
        raise ValueError(
            f"{transformer!r} must be a monotone map, with an inverse_transform that is its "
            "inverse, for a distribution to be taken back to y's units; it is none for "
            f"transformed values between {grid.min():g} and {grid.max():g}, where the predicted "
            "distributions lie. Use such a transformer, or another family for y itself."
        )
    rises = rises > 0
    pairs = [_ends(transformer, probe, j, rises[j]) for j in range(len(rises))]
    z_ends, y_ends = np.array(pairs).transpose(1, 2, 0)
    return MonotoneMap(transformer, rises, z_ends, y_ends, probe.center, probe.unit)


def _direction(y: np.ndarray) -> int:
    """Return 1 where y rises, -1 where it falls, else 0; its ends may stay the same, or end."""
    y = y[np.flatnonzero(np.isfinite(y))]
    moves = np.sign(np.diff(y))
    moves = np.trim_zeros(moves)
    return int(moves[0]) if len(moves) and (moves == moves[0]).all() else 0


def _returns(transformer: TargetTransformer, probe: Probe, z: np.ndarray) -> np.ndarray:
    """Tell whether the way to y and back leads to the same z, for each output."""
    y = transformer.to_y(z[None])
    if not np.isfinite(y).all():
        return np.isfinite(y)[0]
    try:
        again = transformer.to_z(y)[0]
    except ValueError:  # some transformers refuse a y that their inverse gives
        return np.zeros(len(z), dtype=bool)
    return np.abs(again - z) <= _INVERSE_WITHIN * (probe.unit + np.abs(z))


def _ends(
    transformer: TargetTransformer, probe: Probe, j: int, rises: bool
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Find the lowest and highest z of an output that the transformer takes back, and their y."""
    z_ends, y_ends = [], []
    for side, support in zip((-1, 1), probe.support, strict=True):
        limit = float(np.clip(support[j], -_FARTHEST, _FARTHEST))
        end = _farthest(transformer, probe, j, limit, rises)
        at_end, at_limit = (_of_one(transformer, probe, j, z) for z in (end, limit))
        farther = at_limit >= at_end if rises == (side > 0) else at_limit <= at_end
        z_ends.append(end)
        y_ends.append(_or_infinite(at_limit if farther else at_end, transformer, probe, j))
    return tuple(z_ends), tuple(y_ends)


def _or_infinite(y: float, transformer: TargetTransformer, probe: Probe, j: int) -> float:
    """Return y, or infinity where it is so far out that only the transformer's digits end there."""
    low, middle, high = (
        _of_one(transformer, probe, j, probe.center[j] + k * probe.unit[j] / 2) for k in (-1, 0, 1)
    )
    is_far = abs(y - middle) > _OUT_OF_REACH * abs(high - low)
    return float(np.copysign(np.inf, y - middle)) if is_far else y


def _of_one(transformer: TargetTransformer, probe: Probe, j: int, z: float) -> float:
    """Compute y of one output, where the others have their typical value."""
    return float(transformer.to_y(_with(probe, j, z)[None])[0, j])


def _with(probe: Probe, j: int, z: float) -> np.ndarray:
    places = probe.center.copy()
    places[j] = z
    return places


def _farthest(
    transformer: TargetTransformer, probe: Probe, j: int, limit: float, rises: bool
) -> float:
    """Find the z nearest to `limit` up to which y rises, or falls, and its way leads back."""
    center = probe.center[j]
    upwards = rises == (limit > center)

    def returns(z: float) -> bool:
        y, middle = (_of_one(transformer, probe, j, at) for at in (z, center))
        # The way from beyond a pole leads back, too.
        is_ordered = y > middle if upwards else y < middle
        return is_ordered and bool(_returns(transformer, probe, _with(probe, j, z))[j])

    if returns(limit):
        return limit
    near, far = 1e-9 * probe.unit[j], abs(limit - center)
    for _ in range(_N_BISECTIONS):
        middle = np.sqrt(near) * np.sqrt(far)
        returned = returns(center + np.copysign(middle, limit - center))
        near, far = (middle, far) if returned else (near, middle)
    return center + np.copysign(near, limit - center)
