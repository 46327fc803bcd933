"""Which density, or mass function, of a number is predicted at each row?"""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._data.values import as_numbers
from .._laws.protocols import FrozenLaw
from .._numerics.arrays import in_numpy
from ._base import Predictive, RandomState, as_generator
from ._rows import Grid, of_rows

if TYPE_CHECKING:
    import pandas as pd


class PredictiveDistribution(Predictive):
    """Each row has a predicted distribution of a number, or of several independent ones.

    The methods have scipy's names and meanings. Rows come first in every result. With one output:

    - y of shape (n,), or a number, is taken element by element and gives (n,); so is a frame of
      one column, as in `fit`;
    - ``dist.grid(values)`` asks each of k values against all rows, and gives (k, n). An array of
      numpy of shape (k, 1) does so, too, unless k is n: then it might be the rows' own y;
    - quantile methods give (n,) for a number and (n, k) for k levels; intervals give (n, 2).

    With d independent outputs y and results are (n, d), quantiles (n, d, k), intervals (n, d, 2);
    only `log_prob`, of all outputs together, sums over them and gives (n,).

    Parameters
    ----------
    distribution : Distribution
        The family.
    params : mapping of str to ndarray of shape (n,) or (n, d)
        Its parameters in y's units.

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.distributions import Normal
    >>> from sklnll.predictive import ContinuousPredictive
    >>> dist = ContinuousPredictive(Normal(), {"loc": np.array([0.0, 5.0]), "scale": np.ones(2)})
    >>> dist.mean()
    array([0., 5.])
    >>> dist.interval(0.9).round(2)
    array([[-1.64,  1.64],
           [ 3.36,  6.64]])
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (n,) for one output, (n, d) for d outputs."""
        name, value = next(iter(self.params.items()))
        return value.shape[: value.ndim - self.distribution.parameters[name].event_ndim]

    def to_scipy(self) -> FrozenLaw:
        """Return scipy's frozen distribution of all rows, with scipy's own broadcasting rules."""
        return self.distribution.frozen(**self.params)

    def _scipy(self, method: str, *args: Any) -> Any:
        """Call a method of scipy's, without the floating-point warnings of its far tails."""
        with np.errstate(all="ignore"):
            return getattr(self.to_scipy(), method)(*args)

    def to_frame(self) -> pd.DataFrame:
        """Make a pandas data frame of the parameters, a row each; this needs pandas."""
        import pandas as pd

        return pd.DataFrame(
            {
                "_".join([name, *map(str, place)]): value[:, *place]
                for name, value in self.params.items()
                for place in np.ndindex(value.shape[1:])
            }
        )

    # Values of y -------------------------------------------------------------------------------

    def _align(self, y: ArrayLike) -> np.ndarray:
        """Check `y` against the broadcasting rule."""
        return of_rows(y, self.shape)

    def grid(self, values: ArrayLike) -> Grid:
        """Lay values out as a grid: all methods then take each of them against every row.

        Parameters
        ----------
        values : array-like of shape (k,)
            Values of y, the same for all rows.

        Returns
        -------
        Grid of shape (k, 1)
            An array for the methods that take y, whose results have shape (k, n).

        Raises
        ------
        ValueError
            For several outputs, which have no such grid.

        Examples
        --------
        >>> import numpy as np
        >>> from sklnll.distributions import Normal
        >>> from sklnll.predictive import ContinuousPredictive
        >>> params = {"loc": np.array([0.0, 5.0]), "scale": np.ones(2)}
        >>> dist = ContinuousPredictive(Normal(), params)
        >>> dist.cdf(dist.grid([0, 5])).round(2)
        array([[0.5, 0. ],
               [1. , 0.5]])
        """
        if len(self.shape) != 1:
            raise ValueError(
                f"a grid is for one output, and these predictions have shape {self.shape}; give "
                "a number for all rows, or values of that shape."
            )
        column = np.asarray(as_numbers(values, "values"), dtype=float).reshape(-1, 1)
        return column.view(Grid)

    def _log_prob(self, y: np.ndarray) -> np.ndarray:
        """Compute the log-density or log-mass element by element; -inf outside, NaN for NaN."""
        inside = self.distribution.support.contains(y)
        values = in_numpy(self.distribution.log_prob, y, **self.params)
        return np.where(inside | np.isnan(y), values, -np.inf)

    def log_prob(self, y: ArrayLike) -> np.ndarray:
        """Compute the log-density, or log-probability where `y` has one, of each row.

        Outputs are summed. This is the negative of the training loss.

        Parameters
        ----------
        y : array-like of shape (n,) or (n, d), or Grid of shape (k, 1)
            The rows' own values; or, for one output, a `grid`.

        Returns
        -------
        ndarray of shape (n,) or (k, n)
            In nats; -inf outside the support. A density in y's units, so that changing units
            shifts it.
        """
        values = self._log_prob(self._align(y))
        return values if len(self.shape) == 1 else values.sum(axis=-1)

    def cdf(self, y: ArrayLike) -> np.ndarray:
        """Compute the probability of a value at most `y`."""
        return np.minimum(self._scipy("cdf", self._align(y)), 1)

    def logcdf(self, y: ArrayLike) -> np.ndarray:
        """Compute the logarithm of `cdf`, which is finite where `cdf` itself underflows to 0."""
        return self._scipy("logcdf", self._align(y))

    def sf(self, y: ArrayLike) -> np.ndarray:
        """Compute the probability of a value above `y`."""
        return np.minimum(self._scipy("sf", self._align(y)), 1)

    def logsf(self, y: ArrayLike) -> np.ndarray:
        """Compute the logarithm of `sf`, which is finite where `sf` itself underflows to 0."""
        return self._scipy("logsf", self._align(y))

    def crps(self, y: ArrayLike) -> np.ndarray:
        """Compute the continuous ranked probability score: how far the distribution is from `y`.

        It is in y's units, and lower is better; for a point prediction it is the absolute error. It
        is infinite where tails are too heavy.

        References
        ----------
        T. Gneiting and A. Raftery (2007). Strictly proper scoring rules, prediction, and
        estimation. doi:10.1198/016214506000001437
        """
        y = self._align(y)
        with np.errstate(all="ignore"):
            score = np.maximum(self.distribution.crps(y, **self.params), 0)
            return score if np.isfinite(score).all() else self._crps_far_out(y, score)

    def _crps_far_out(self, y: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Return the distance from the median where a finite score was lost on the way to it.

        From so far out that the width of the distribution is rounding, it is the score.
        """
        median = self.distribution.frozen(**self.params).median()
        away = np.abs(y - median)
        width = self.distribution.crps(median, **self.params)
        is_far = np.isfinite(away) & (away > 1e17 * width)
        score = np.where(~np.isfinite(score) & is_far, away, score)
        return np.where(np.isinf(y), np.inf, score)

    def pit(self, y: ArrayLike, random_state: RandomState = None) -> np.ndarray:
        """Compute the probability integral transform: uniform on (0, 1) for right predictions.

        Where `y` has a probability of its own, as for counts, it is drawn uniformly between the
        probabilities of less than `y` and of at most `y`; `random_state` seeds these draws.
        """
        return self.cdf(y)

    def _between_less_and_at_most(
        self, y: ArrayLike, mass: np.ndarray, random_state: RandomState
    ) -> np.ndarray:
        below = mass * as_generator(random_state).uniform(size=mass.shape)
        return np.clip(self.cdf(y) - below, 0, 1)

    # Levels of probability ---------------------------------------------------------------------

    def _along_levels(self) -> FrozenLaw:
        """Freeze scipy's distribution with a last axis for levels or draws."""
        links = self.distribution.parameters
        return self.distribution.frozen(
            **{
                name: np.expand_dims(value, value.ndim - links[name].event_ndim)
                for name, value in self.params.items()
            }
        )

    def _quantiles(self, levels: ArrayLike, method: str) -> np.ndarray:
        levels = np.asarray(levels, dtype=float)
        if levels.ndim > 1 or not ((levels >= 0) & (levels <= 1)).all():
            raise ValueError(
                "levels of quantiles must be a number or a 1-d array between 0 and 1, 0.95 for "
                f"95 %; got {levels}."
            )
        with np.errstate(all="ignore"):
            values = getattr(self._along_levels(), method)(np.atleast_1d(levels))
        return values if levels.ndim else values[..., 0]

    def ppf(self, q: ArrayLike) -> np.ndarray:
        """Find the quantiles: the values that are not exceeded with probability `q`."""
        return self._quantiles(q, "ppf")

    def isf(self, q: ArrayLike) -> np.ndarray:
        """Find the values that are exceeded with probability `q`."""
        return self._quantiles(q, "isf")

    def interval(self, confidence: float = 0.9) -> np.ndarray:
        """Return the central interval that holds this probability, with equal tails left out.

        Lower and upper ends stand on the last axis. The interval of a discrete distribution holds
        at least this probability.
        """
        if not isinstance(confidence, Real) or not 0 <= confidence <= 1:
            raise ValueError(
                "the probability that an interval holds is one number between 0 and 1, 0.9 for "
                f"90 %; got {confidence!r}. Several levels are for quantiles."
            )
        return self.ppf([(1 - confidence) / 2, (1 + confidence) / 2])

    def contains(self, y: ArrayLike, confidence: float = 0.9) -> np.ndarray:
        """Tell whether `y` lies in ``interval(confidence)``, an arc for angles; ends count."""
        low, high = np.moveaxis(self.interval(confidence), -1, 0)
        y = self._align(y)
        return (low <= y) & (y <= high)

    def rvs(self, size: int | None = None, random_state: RandomState = None) -> np.ndarray:
        """Draw from each row's distribution.

        Parameters
        ----------
        size : int, optional
            Draws per row, on the last axis of the result; without it one draw and no such axis.
        random_state : int, RandomState, Generator or None, default=None

        Returns
        -------
        ndarray of shape (n,), (n, d), (n, size) or (n, d, size)
        """
        if size is not None and not isinstance(size, Integral):
            raise ValueError(f"size is the number of draws per row, one integer; got {size!r}.")
        random_state = as_generator(random_state)
        with np.errstate(all="ignore"):
            if size is None:
                return self.to_scipy().rvs(size=self.shape, random_state=random_state)
            shape = (*self.shape, int(size))
            return self._along_levels().rvs(size=shape, random_state=random_state)

    # Summaries ---------------------------------------------------------------------------------

    def _full(self, values: np.ndarray) -> np.ndarray:
        return np.broadcast_to(values, self.shape).copy()

    def mean(self) -> np.ndarray:
        """Return the expected value; infinite or NaN where it does not exist."""
        return self._full(self._scipy("mean"))

    def median(self) -> np.ndarray:
        """Return the 0.5 quantile."""
        return self.ppf(0.5)

    def mode(self) -> np.ndarray:
        """Return the most probable value."""
        with np.errstate(all="ignore"):
            return self._full(self.distribution.mode(**self.params))

    def var(self) -> np.ndarray:
        """Return the variance, in y's units squared."""
        return self._full(self._scipy("var"))

    def std(self) -> np.ndarray:
        """Return the standard deviation, in y's units."""
        with np.errstate(all="ignore"):
            return self._full(self.distribution.std(**self.params))

    def cov(self) -> np.ndarray:
        """Refuse: outputs are independent given x; `VectorPredictive` has covariances.

        Raises
        ------
        ValueError
            Always; the message says which family learns covariances.
        """
        raise ValueError(
            f"{self.distribution!r} predicts each output on its own and knows no covariance "
            "between them; fit distribution='multivariate_normal' to a y of several columns, or "
            "use var()."
        )

    def entropy(self) -> np.ndarray:
        """Return the entropy in nats, differential for densities."""
        return self._full(self._scipy("entropy"))

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest possible values."""
        low, high = self.to_scipy().support()
        return self._full(low), self._full(high)

    def point(self, estimate: str = "auto") -> np.ndarray:
        """Return a number per row: "mean", "median" or "mode"; "auto" leaves it to the family."""
        name = self.distribution.default_point if estimate == "auto" else estimate
        return getattr(self, name)()


class ContinuousPredictive(PredictiveDistribution):
    """Each row has a predicted density; see `PredictiveDistribution`."""

    def logpdf(self, y: ArrayLike) -> np.ndarray:
        """Compute the log-density at `y`, for each output on its own."""
        return self._log_prob(self._align(y))

    def pdf(self, y: ArrayLike) -> np.ndarray:
        """Compute the density at `y`, for each output on its own."""
        return np.exp(self.logpdf(y))


class CensoredPredictive(ContinuousPredictive):
    """Each row has a predicted density of a y that may be known as an interval only.

    `log_prob` takes y as `fit` does, in two columns: the log-density where they are equal, the
    log-probability of the interval elsewhere. All other methods are about y itself.
    """

    def log_prob(self, y: ArrayLike) -> np.ndarray:
        ends = np.asarray(as_numbers(y, "y"), dtype=float)
        if ends.shape != (len(self), 2):
            return super().log_prob(y)
        lower, upper = ends.T
        support = self.distribution.support
        exact = lower == upper
        is_possible = np.where(
            exact, support.contains(lower), (upper > support.low) & (lower < upper)
        )
        is_possible &= exact | (lower < support.high)
        values = in_numpy(self.distribution.log_prob, ends, **self.params)
        return np.where(is_possible | np.isnan(ends).any(axis=1), values, -np.inf)

    def crps(self, y: ArrayLike) -> np.ndarray:
        if np.shape(y) == (len(self), 2):
            raise ValueError(
                "the continuous ranked probability score needs exact values of y, of shape "
                f"({len(self)},); judge intervals by log_prob (neg_nll_scorer)."
            )
        return super().crps(y)

    def _log_prob(self, y: np.ndarray) -> np.ndarray:
        return ContinuousPredictive(self.distribution.exact, self.params)._log_prob(y)


class DiscretePredictive(PredictiveDistribution):
    """Each row has a predicted mass function over 0, 1, 2, ...; see `PredictiveDistribution`."""

    def logpmf(self, y: ArrayLike) -> np.ndarray:
        """Compute the log-mass at `y`, for each output on its own; -inf between whole numbers."""
        at = self._align(y)
        return np.where(at == np.floor(at), self._log_prob(at), np.where(np.isnan(at), at, -np.inf))

    def pmf(self, y: ArrayLike) -> np.ndarray:
        """Compute the mass at `y`, for each output on its own."""
        return np.exp(self.logpmf(y))

    def pit(self, y: ArrayLike, random_state: RandomState = None) -> np.ndarray:
        return self._between_less_and_at_most(y, self.pmf(y), random_state)


class MixedPredictive(PredictiveDistribution):
    """Each row has a predicted density, with probabilities at the ends of its range.

    Because neither tells all, there is no density method and no mass method: `log_prob` is a
    log-probability at the ends and a log-density elsewhere. See `PredictiveDistribution`.
    """

    def pit(self, y: ArrayLike, random_state: RandomState = None) -> np.ndarray:
        at = self._align(y)
        mass = np.where(self.distribution.is_density(at), 0.0, np.exp(self._log_prob(at)))
        return self._between_less_and_at_most(y, mass, random_state)
