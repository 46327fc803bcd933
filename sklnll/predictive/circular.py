"""Which density of an angle is predicted at each row?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._laws.von_mises import wrap
from ..distributions import CircularDistribution
from ._base import RandomState
from .numbers import ContinuousPredictive


class CircularPredictive(ContinuousPredictive):
    """Each row has a predicted density of an angle, in radians; see `PredictiveDistribution`.

    A circle has no lowest value. What counts from one counts from the *cut*, the direction
    opposite to the mean direction: `cdf`, `sf` and `pit` give the probability between the cut and
    y, quantiles lie within half a turn of the mean direction, and ``interval`` is the arc around
    it. Its ends, low <= high, may lie beyond -pi or pi; ``np.angle(np.exp(1j * low))`` wraps them,
    and `contains` says which y lie on the arc. Any y may be given in any turn.

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.distributions import VonMises
    >>> from sklnll.predictive import CircularPredictive
    >>> dist = CircularPredictive(
    ...     VonMises(), {"loc": np.array([0.0, 3.0]), "concentration": np.array([2.0, 50.0])}
    ... )
    >>> dist.mean()
    array([0., 3.])
    >>> dist.interval(0.9).round(2)
    array([[-1.42,  1.42],
           [ 2.77,  3.23]])
    >>> dist.contains([0.5, -3.1])
    array([ True,  True])
    """

    distribution: CircularDistribution

    def _align(self, y: ArrayLike) -> np.ndarray:
        """Check `y` against the broadcasting rule, and count it from the cut."""
        y = super()._align(y)
        return np.where(np.isfinite(y), wrap(y, self._center()), y)

    def _center(self) -> np.ndarray:
        """Return the direction opposite to the cut."""
        return self.distribution.mean_direction(**self.params)

    def rvs(self, size: int | None = None, random_state: RandomState = None) -> np.ndarray:
        return wrap(super().rvs(size, random_state))

    def mean(self) -> np.ndarray:
        """Return the mean direction: that of the mean of (cos y, sin y), in (-pi, pi]."""
        return self._full(self._center())

    def resultant_length(self) -> np.ndarray:
        """Return the length of the mean of (cos y, sin y): 0 if uniform, 1 for equal angles."""
        return self._full(self.distribution.resultant(**self.params)[0])

    def var(self) -> np.ndarray:
        """Return the circular variance, 1 - `resultant_length`: between 0 and 1."""
        return self._full(self.distribution.resultant(**self.params)[1])

    def std(self) -> np.ndarray:
        """Return the circular standard deviation, sqrt(-2 log(`resultant_length`)), in radians.

        It is that of the normal distribution which, wrapped around the circle, is as concentrated;
        infinite for uniform angles.
        """
        length, rest = self.distribution.resultant(**self.params)
        with np.errstate(divide="ignore"):
            log_length = np.where(length < 0.5, np.log(length), np.log1p(-rest))
        return self._full(np.sqrt(-2 * log_length))

    def crps(self, y: ArrayLike) -> np.ndarray:
        """Compute the circular continuous ranked probability score, in radians; lower is better.

        It is E d(X, y) - E d(X, X') / 2 with the angular distance d, between 0 and pi, and
        independent draws X and X'. For a point prediction it is the angular error.

        References
        ----------
        E. Grimit, T. Gneiting, V. Berrocal and N. Johnson (2006). The continuous ranked
        probability score for circular variables and its application to mesoscale forecast ensemble
        verification. doi:10.1256/qj.05.235
        """
        return super().crps(y)
