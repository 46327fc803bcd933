"""What is the law of a y of which only values between two limits are seen?"""

from typing import Any

import numpy as np

from .._numerics.arrays import in_numpy
from .numerical import DensityLaw
from .protocols import FrozenLaw

_LEAST_SHARE = 1e-280
"""Below such a share the base's quantile functions have no digits between the limits."""


class TruncatedLaw(DensityLaw):
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

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self._base.support()
        return np.maximum(low, self.params["low"]), np.minimum(high, self.params["high"])

    def _anchor(self, rows: np.ndarray) -> np.ndarray:
        mode = self.family.mode(**self._flat_params)
        return np.broadcast_to(mode, (self._n_rows,))[rows]
