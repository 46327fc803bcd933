"""Which density of y is predicted where a network learned a transformed y?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._laws.protocols import FrozenLaw
from .._numerics.crps import NODES, WEIGHTS, crps_by_quadrature
from ..distributions import PLACE
from ._base import Predictive
from .numbers import ContinuousPredictive, PredictiveDistribution
from .target_maps import AffineMap, MonotoneMap, Probe, TargetTransformer, read_map
from .vectors import VectorPredictive

_FAR = 1e-4
_MOST_ROWS_TO_PROBE = 1000
_NEGLIGIBLE = 1e-6
_N_ZOOMS = 8


class TransformedLaw:
    """The law of y follows from that of z, where y is a monotone map of z.

    This law has the methods of scipy's frozen distributions, and broadcasts like them.

    Parameters
    ----------
    base : FrozenLaw
        The law of z.
    target_map : AffineMap or MonotoneMap
        The map from z to y.
    ndim : int
        Number of axes of `base`.
    axis : int or None
        The axis of the outputs, counted from the last one; None for one output without an axis.
    """

    def __init__(
        self, base: FrozenLaw, target_map: AffineMap | MonotoneMap, ndim: int, axis: int | None
    ):
        self.base = base
        self.target_map = target_map
        self.ndim = ndim
        self.axis = axis

    def _map(self, name: str, values: np.ndarray) -> np.ndarray:
        """Call a method of the map, which has the outputs on the last axis."""
        method = getattr(self.target_map, name)
        values = np.asarray(values, dtype=float)
        if self.axis is None:
            return method(values[..., None])[..., 0]
        return np.moveaxis(method(np.moveaxis(values, self.axis, -1)), -1, self.axis)

    def to_z(self, y: np.ndarray) -> np.ndarray:
        """Take y to z."""
        return self._map("to_z", y)

    def to_y(self, z: np.ndarray) -> np.ndarray:
        """Take z to y."""
        return self._map("to_y", z)

    def log_slope(self, z: np.ndarray) -> np.ndarray:
        """Compute the logarithm of the derivative of z by y, without its sign."""
        return self._map("log_slope", z)

    def _either(self, rising: str, falling: str, values: np.ndarray) -> np.ndarray:
        """Ask `base` by one of its methods where y rises with z, by another elsewhere."""
        rises = self.target_map.rises
        if rises.all():
            return getattr(self.base, rising)(values)
        if not rises.any():
            return getattr(self.base, falling)(values)
        by_output = rises.reshape(-1, *(1,) * (-1 - (self.axis or -1)))
        both = (getattr(self.base, name)(values) for name in (rising, falling))
        return np.where(by_output, *both)

    def cdf(self, y: np.ndarray) -> np.ndarray:
        """Compute the probability of a value at most `y`."""
        return self._either("cdf", "sf", self.to_z(y))

    def sf(self, y: np.ndarray) -> np.ndarray:
        """Compute the probability of a value above `y`."""
        return self._either("sf", "cdf", self.to_z(y))

    def logcdf(self, y: np.ndarray) -> np.ndarray:
        """Compute the logarithm of `cdf`."""
        return self._either("logcdf", "logsf", self.to_z(y))

    def logsf(self, y: np.ndarray) -> np.ndarray:
        """Compute the logarithm of `sf`."""
        return self._either("logsf", "logcdf", self.to_z(y))

    def ppf(self, q: np.ndarray) -> np.ndarray:
        """Find the quantiles: the values that are not exceeded with probability `q`."""
        return self.to_y(self._either("ppf", "isf", q))

    def isf(self, q: np.ndarray) -> np.ndarray:
        """Find the values that are exceeded with probability `q`."""
        return self.to_y(self._either("isf", "ppf", q))

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        """Draw values of y."""
        return self.to_y(self.base.rvs(size=size, random_state=random_state))

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest possible values."""
        ends = np.broadcast_arrays(*self.base.support(), np.empty((1,) * self.ndim))[:2]
        low, high = (self.to_y(end) for end in ends)
        return np.minimum(low, high), np.maximum(low, high)

    # Expectations: integrals over all quantiles of z, whose ends are approached exponentially ---

    def z_at_nodes(self) -> np.ndarray:
        """Find quantiles of z, low to high, on a first axis."""
        levels = NODES.reshape(-1, *(1,) * self.ndim)
        half = 1 + len(levels) // 2
        return np.concatenate(
            [self.base.ppf(levels[:half]), self.base.isf(levels[: len(levels) - half][::-1])]
        )

    def _expectation(self, values: np.ndarray) -> np.ndarray:
        """Average what has these values at the nodes; infinite where the ends count."""
        shares = WEIGHTS.reshape(-1, *(1,) * self.ndim) * values
        total = shares.sum(axis=0)
        size = np.abs(shares)
        ends = np.maximum(size[0], size[-1]) > _NEGLIGIBLE * size.sum(axis=0)
        return np.where(ends | ~np.isfinite(total), np.copysign(np.inf, total), total)

    def mean(self) -> np.ndarray:
        """Return the expected value."""
        if isinstance(self.target_map, AffineMap):
            return self.to_y(np.broadcast_to(self.base.mean(), self._shape))
        return self._expectation(self.to_y(self.z_at_nodes()))

    def var(self) -> np.ndarray:
        """Return the variance."""
        if isinstance(self.target_map, AffineMap):
            z = np.zeros(self._shape)
            return self.base.var() * np.exp(-2 * self.log_slope(z))
        y = self.to_y(self.z_at_nodes())
        mean = self._expectation(y)
        return np.where(np.isfinite(mean), self._expectation((y - mean) ** 2), np.inf)

    def std(self) -> np.ndarray:
        """Standard deviation."""
        return np.sqrt(self.var())

    def median(self) -> np.ndarray:
        """The 0.5 quantile."""
        return self.ppf(np.full(self._shape, 0.5))

    @property
    def _shape(self) -> tuple[int, ...]:
        return np.shape(self.base.ppf(0.5))

    def entropy(self) -> np.ndarray:
        """Return the entropy in nats."""
        log_slope = self.log_slope(self.z_at_nodes())
        return self.base.entropy() - self._expectation(np.nan_to_num(log_slope))


class TransformedPredictive(ContinuousPredictive):
    """Each row has a predicted density of a y that is a monotone map of what a network learned.

    It follows by the change of variables y = g(z), where z has the distribution `base`.
    `distribution` and `params` are those of z, all methods are about y, in y's units; see
    `PredictiveDistribution`.

    Parameters
    ----------
    base : ContinuousPredictive
        The distributions of z.
    target_map : AffineMap or MonotoneMap
        The map from z to y.

    Notes
    -----
    Where the map is affine, all is exact to rounding. Otherwise cdf, quantiles and draws have the
    accuracy of the transformer; densities have about twelve digits, because the slope comes from
    differences, and follow a map with kinks (QuantileTransformer) as far as a thousandth of the
    typical distance between quartiles. `mean`, `var`, `std` and `entropy` are integrals over the
    quantiles, with about nine digits for smooth maps, three to six for those with kinks; infinite
    where the far ends of the quantiles count. `mode` is searched.

    What the distribution of z holds beyond all that the transformer can take back (outside the
    training range of QuantileTransformer, or the bounds of a power transformation) belongs to the
    end of y: it counts in `cdf`, quantiles, draws and moments, but not in the density. That end is
    infinite for a power transformation with a bound above (a negative lambda of PowerTransformer):
    then the mean is infinite, and so is `crps`; use quantiles and the likelihood.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from sklnll.distributions import Normal
    >>> from sklnll.predictive import ContinuousPredictive, transformed
    >>> log_y = ContinuousPredictive(Normal(), {"loc": np.array([0.0, 1.0]), "scale": np.ones(2)})
    >>> logarithm = FunctionTransformer(np.log, np.exp)
    >>> dist = transformed(log_y, logarithm)
    >>> dist.median().round(3)
    array([1.   , 2.718])
    >>> dist.mean().round(3)
    array([1.649, 4.482])
    """

    def __init__(self, base: ContinuousPredictive, target_map: AffineMap | MonotoneMap):
        super().__init__(base.distribution, base.params)
        self.base = base
        self.target_map = target_map

    def _with_params(self, params: Mapping[str, np.ndarray]) -> Self:
        return type(self)(self.base._with_params(params), self.target_map)

    def __repr__(self) -> str:
        kind = type(self.target_map).__name__
        return f"{type(self).__name__}({self.base!r}, {kind})"

    def to_scipy(self) -> TransformedLaw:
        """Return the law of all rows, with the methods of scipy's frozen distributions."""
        several = len(self.shape) > 1
        return TransformedLaw(
            self.base.to_scipy(), self.target_map, len(self.shape), -1 if several else None
        )

    def _along_levels(self) -> TransformedLaw:
        several = len(self.shape) > 1
        return TransformedLaw(
            self.base._along_levels(),
            self.target_map,
            len(self.shape) + 1,
            -2 if several else None,
        )

    def _log_prob(self, y: np.ndarray) -> np.ndarray:
        return self._log_prob_at(self.to_scipy().to_z(y))

    def _log_prob_at(self, z: np.ndarray) -> np.ndarray:
        """Compute the log-density of y where it is the map of this z."""
        with np.errstate(invalid="ignore"):
            values = self.base._log_prob(z) + self.to_scipy().log_slope(z)
        return np.where(np.isnan(values) & ~np.isnan(z), -np.inf, values)

    def crps(self, y: ArrayLike) -> np.ndarray:
        with np.errstate(all="ignore"):
            return crps_by_quadrature(self.to_scipy(), self._align(y))

    def std(self) -> np.ndarray:
        return self._full(self._scipy("std"))

    def mode(self) -> np.ndarray:
        """Search the most probable value, the highest point of the density, by ever finer grids."""
        with np.errstate(all="ignore"):
            law = self.to_scipy()
            z = law.z_at_nodes()
            for _ in range(_N_ZOOMS):
                heights = np.nan_to_num(self._log_prob_at(z), nan=-np.inf, posinf=np.inf)
                best = np.clip(heights.argmax(axis=0), 1, len(z) - 2)[None]
                left, right = (np.take_along_axis(z, best + k, axis=0)[0] for k in (-1, 1))
                z = np.linspace(left, right, 33)
            return law.to_y(z[16])


_CHANGEABLE = {ContinuousPredictive, TransformedPredictive}


def transformed(dist: Predictive, transformer: Any) -> Predictive:
    """Take the distribution of ``transformer.transform(y)`` back to that of y.

    Parameters
    ----------
    dist : Predictive
        Predictions of the transformed y.
    transformer : transformer
        A fitted one; a monotone map of each column, and its inverse.

    Returns
    -------
    Predictive
        `dist` itself where the transformer changes nothing; the same family with its location and
        scale moved, where it is a stretch that the family knows; else a TransformedPredictive.

    Raises
    ------
    TypeError
        For distributions that cannot be transformed: those of counts, labels, angles and
        intervals, and joint ones of vectors by other than a stretch.
    ValueError
        For a transformer that is not monotone, or mixes outputs.
    """
    if not isinstance(dist, PredictiveDistribution | VectorPredictive):
        raise TypeError(
            f"{dist!r} is no distribution of a number, and cannot be transformed; fit y itself."
        )
    target_map = read_map(TargetTransformer(transformer), _probe(dist))
    if target_map is None:
        return dist
    if isinstance(target_map, AffineMap) and _is_closed(dist, target_map):
        return _moved(dist, target_map)._as_novel_as(dist)
    # Angles and intervals are densities, too, but more than numbers.
    if not isinstance(dist, ContinuousPredictive) or type(dist) not in _CHANGEABLE:
        raise TypeError(
            f"{type(dist).__name__} of {dist.distribution!r} cannot be taken back through "
            f"{transformer!r}: only densities of single numbers can, by any monotone map, and "
            "joint densities of vectors by a positive stretch. Fit y itself."
        )
    return TransformedPredictive(dist, target_map)._as_novel_as(dist)


def _probe(dist: PredictiveDistribution | VectorPredictive) -> Probe:
    """Find out where the distributions of up to a thousand rows lie."""
    dist = dist[:: 1 + len(dist) // _MOST_ROWS_TO_PROBE]
    quantiles = dist.ppf([_FAR, 0.25, 0.5, 0.75, 1 - _FAR]).reshape(len(dist), -1, 5)
    low, first, center, third, high = np.moveaxis(quantiles, -1, 0)
    marginals = dist.marginals if isinstance(dist, VectorPredictive) else dist
    support = tuple(end.reshape(len(dist), -1)[0] for end in marginals.support())
    unit = np.median(third - first, axis=0)
    return Probe(
        low=low.min(axis=0),
        high=high.max(axis=0),
        center=np.median(center, axis=0),
        unit=np.where(unit > 0, unit, 1.0),
        support=(support[0], support[1]),
    )


def _is_closed(dist: Predictive, target_map: AffineMap) -> bool:
    """Tell whether the family stays itself: location and scale move with y, and none is fixed."""
    family = dist.distribution
    units, low, high = family.support.units, family.support.low, family.support.high
    if (
        isinstance(dist, TransformedPredictive)
        or family.exact is not family
        or not target_map.rises.all()
        or family.units.keys() & family.fixed().keys()
    ):
        return False
    if units == "affine":
        return (low, high) == (-np.inf, np.inf)
    return units == "ratio" and (low, high) == (0, np.inf) and not target_map.shift.any()


def _moved(dist: PredictiveDistribution | VectorPredictive, target_map: AffineMap) -> Predictive:
    """Express the same distributions in other units."""
    family = dist.distribution
    axis = 1 + family.member_ndim if family.event_ndim else len(dist.shape) - 1

    def move(name: str, value: np.ndarray) -> np.ndarray:
        if name not in family.units:
            return value
        against = (-1, *(1,) * (value.ndim - axis - 1))
        slope, shift = (part.reshape(against) for part in (target_map.slope, target_map.shift))
        return slope * value + shift if family.units[name] is PLACE else slope * value

    return dist._with_params({name: move(name, value) for name, value in dist.params.items()})
