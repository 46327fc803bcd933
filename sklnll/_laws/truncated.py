"""What is the law of a y of which only values between two limits are seen?"""

from typing import Any

import numpy as np

from .._numerics.arrays import in_numpy
from .._numerics.tails import log_of_larger
from .numerical import DensityLaw
from .protocols import FrozenLaw

_NEAR = 1e-5
"""Quantiles of smaller tails are searched from the limits on."""
_N_STEPS = 2
_ROUNDING = 1e-12
"""Share of a limit, so near to which values differ by little more than rounding."""
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

    def _log_between(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the logarithm of the share between two ends, of all that is seen."""
        seen = self._log_share(self.params["low"], self.params["high"])
        share = np.where(low < high, self._log_share(low, high) - seen, -np.inf)
        return np.where(np.isnan(low) | np.isnan(high), np.nan, np.minimum(share, 0))

    def _log_tails(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.params["low"], self.params["high"]
        y = np.clip(y, low, high)
        return self._log_between(low, y), self._log_between(y, high)

    def cdf(self, y: np.ndarray) -> np.ndarray:
        return np.exp(self._log_tails(y)[0])

    def sf(self, y: np.ndarray) -> np.ndarray:
        return np.exp(self._log_tails(y)[1])

    def logcdf(self, y: np.ndarray) -> np.ndarray:
        below, above = self._log_tails(y)
        return log_of_larger(below, above)

    def logsf(self, y: np.ndarray) -> np.ndarray:
        below, above = self._log_tails(y)
        return log_of_larger(above, below)

    def _quantile(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        base, low, high = self._base, self.params["low"], self.params["high"]
        use_sf = base.sf(low) < base.cdf(high)
        # Towards an end beyond which the base has nothing, its own tail has all digits.
        use_sf = np.where(below < above, use_sf & (base.cdf(low) > 0), use_sf)
        use_sf = np.where(above < below, use_sf | (base.sf(high) == 0), use_sf)
        beyond = np.where(use_sf, base.sf(high), base.cdf(low))
        share = np.where(use_sf, base.sf(low), base.cdf(high)) - beyond
        quantile = np.where(
            use_sf, base.isf(beyond + above * share), base.ppf(beyond + below * share)
        )
        near_end = self._near_ends(below, above)
        quantile = np.where(np.isnan(near_end), quantile, near_end)
        underflows = (share < _LEAST_SHARE) & np.isnan(near_end)
        if np.any(underflows):
            asked = (np.where(underflows, tail, np.nan) for tail in (below, above))
            quantile = np.where(underflows, super()._quantile(*asked), quantile)
        return np.clip(quantile, low, high)

    def _near_ends(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        """Search quantiles near a limit from the limit on; NaN for those that are not near one.

        There the sum with what lies beyond the limit costs their digits.
        """
        tail = np.minimum(below, above)
        if not np.any((tail > 0) & (tail < _NEAR)):
            return np.full(tail.shape, np.nan)
        low, high = self.support()
        limit = np.where(below < above, low, high)
        sign = np.where(below < above, 1.0, -1.0)
        with np.errstate(all="ignore"):
            away = straight = tail / np.exp(self.logpdf(limit + 0 * tail))
            for _ in range(_N_STEPS):
                y = limit + sign * away
                log_tail = np.where(below < above, *self._log_tails(y))
                away = away + (np.log(tail) - log_tail) * np.exp(log_tail - self.logpdf(y))
            is_rounding = straight < _ROUNDING * np.abs(limit)
            away = np.where(is_rounding, straight, away)
            is_found = (tail > 0) & (tail < _NEAR) & np.isfinite(limit) & (away > 0)
            is_found &= is_rounding | (np.abs(np.log(tail) - log_tail) < 1e-3)
            return np.where(is_found, limit + sign * away, np.nan)

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self._base.support()
        return np.maximum(low, self.params["low"]), np.minimum(high, self.params["high"])

    def _anchor(self, rows: np.ndarray) -> np.ndarray:
        mode = self.family.mode(**self._flat_params)
        return np.broadcast_to(mode, (self._n_rows,))[rows]
