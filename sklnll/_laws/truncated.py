"""What is the law of a y of which only values between two limits are seen?"""

from typing import Any

import numpy as np

from .._numerics.arrays import in_numpy
from .law import LEVELS, ContinuousLaw
from .protocols import FrozenLaw

_LEAST_SHARE = 1e-280
"""Below such a share the base's quantile functions have no digits between the limits."""


class TruncatedLaw(ContinuousLaw):
    """The law is a truncated density for given parameters."""

    family: Any

    @property
    def _base(self) -> FrozenLaw:
        return self.family.base.frozen(**self.family.of_base(self.params))

    def _log_share(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the logarithm of the share of the base between these ends."""
        ends = (np.asarray(end, dtype=float) for end in (low, high))
        base = self.family.base
        return in_numpy(base.log_interval, *ends, **self.family.of_base(self.params))

    def _between(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the share between two ends inside the limits, of all that is seen."""
        seen = self._log_share(self.params["low"], self.params["high"])
        share = np.where(low < high, np.exp(self._log_share(low, high) - seen), 0.0)
        return np.where(np.isnan(low) | np.isnan(high), np.nan, share)

    def cdf(self, y: np.ndarray) -> np.ndarray:
        y = np.clip(y, self.params["low"], self.params["high"])
        return self._between(self.params["low"], y)

    def sf(self, y: np.ndarray) -> np.ndarray:
        y = np.clip(y, self.params["low"], self.params["high"])
        return self._between(y, self.params["high"])

    def _quantile(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        base, low, high = self._base, self.params["low"], self.params["high"]
        use_sf = base.sf(low) < base.cdf(high)
        beyond = np.where(use_sf, base.sf(high), base.cdf(low))
        share = np.where(use_sf, base.sf(low), base.cdf(high)) - beyond
        quantile = np.where(
            use_sf, base.isf(beyond + above * share), base.ppf(beyond + below * share)
        )
        underflows = share < _LEAST_SHARE
        if np.any(underflows):
            quantile = np.where(underflows, super()._quantile(below, above), quantile)
        return np.clip(quantile, low, high)

    def _bracket(self, below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ends of what is seen: where the base's quantiles underflow, it is narrow."""
        low, high = (np.broadcast_to(end, below.shape) for end in self.support())
        limit = np.abs(np.where(np.isinf(low), high, low))
        reach = 40 * np.maximum(self.family.largest_distance(self.params), limit)
        return np.where(np.isinf(low), high - reach, low), np.where(
            np.isinf(high), low + reach, high
        )

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self._base.support()
        return np.maximum(low, self.params["low"]), np.minimum(high, self.params["high"])

    def edges(self) -> np.ndarray:
        low, high = self.support()
        quantiles = [*(self.ppf(level) for level in LEVELS), *(self.isf(q) for q in LEVELS[:-1])]
        # At its mode a density may have a kink.
        inner = [*quantiles, self.family.mode(**self.params)]
        edges = np.clip(np.stack([edge + np.zeros(self.shape) for edge in inner]), low, high)
        return np.sort(edges, axis=0)
