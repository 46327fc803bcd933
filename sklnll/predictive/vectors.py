"""Which joint density of several numbers is predicted at each row?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from .._data.values import as_numbers
from .._laws.protocols import FrozenVectorLaw
from .._numerics.arrays import in_numpy
from ..distributions import VectorDistribution
from ._base import Predictive, RandomState, as_generator
from ._rows import check_named_rows
from .numbers import ContinuousPredictive

if TYPE_CHECKING:
    import pandas as pd


class VectorPredictive(Predictive):
    """Each row has a predicted joint distribution of the D components of y.

    Results have rows first and components next. What is asked of one component at a time
    (`median`, `ppf`, `interval`, `crps`) is that of the marginal distributions, which `marginals`
    and `marginal` give with all methods of `PredictiveDistribution`, ``cdf`` and ``pit`` among
    them; `log_prob`, `cov`, `mode`, `entropy` and `rvs` are of the joint distribution.

    Parameters
    ----------
    distribution : VectorDistribution
        The family.
    params : mapping of str to ndarray
        Its parameters in y's units, rows on the first axis.
    components : sequence of int, optional
        Columns of the fitted y that the components are: all of them, unless `condition` took some
        away.

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.distributions import MultivariateNormal
    >>> from sklnll.predictive import VectorPredictive
    >>> params = {"loc": np.zeros((1, 2)), "scale_tril": np.array([[[1.0, 0.0], [0.6, 0.8]]])}
    >>> dist = VectorPredictive(MultivariateNormal(), params)
    >>> dist.cov()
    array([[[1. , 0.6],
            [0.6, 1. ]]])
    >>> dist.condition({0: 2.0}).mean()
    array([[1.2]])
    """

    distribution: VectorDistribution

    def __init__(
        self,
        distribution: VectorDistribution,
        params: Mapping[str, np.ndarray],
        components: Sequence[int] | None = None,
    ):
        super().__init__(distribution, params)
        self.components = list(
            range(distribution.size(self.params)) if components is None else components
        )

    def _with_params(self, params: Mapping[str, np.ndarray]) -> Self:
        return type(self)(self.distribution, params, self.components)

    @property
    def shape(self) -> tuple[int, int]:
        """Return (n, D)."""
        return len(self), len(self.components)

    def to_scipy(self) -> list[FrozenVectorLaw]:
        """Return scipy's frozen distributions, a row each."""
        return [
            self.distribution.frozen(**{name: value[i] for name, value in self.params.items()})
            for i in range(len(self))
        ]

    def to_frame(self) -> pd.DataFrame:
        """Make a pandas data frame of the parameters, a row each; this needs pandas.

        A vector has a column per component, ``loc_0, loc_1, ...``, a matrix one per entry of its
        lower triangle, ``scale_tril_1_0``. Those of an ensemble start with the member's number.
        """
        import pandas as pd

        columns = {}
        for name, value in self.params.items():
            for index in np.ndindex(value.shape[1:]):
                member = index[: self.distribution.member_ndim]
                place = index[self.distribution.member_ndim :]
                if list(place) == sorted(place, reverse=True):
                    labels = [name, *map(str, member), *(str(self.components[j]) for j in place)]
                    columns["_".join(labels)] = value[:, *index]
        return pd.DataFrame(columns)

    # One component -----------------------------------------------------------------------------

    @property
    def marginals(self) -> ContinuousPredictive:
        """Return the components, each on its own, as the distribution of D outputs."""
        return ContinuousPredictive(*self.distribution.marginals(**self.params))._as_novel_as(self)

    def marginal(self, component: int) -> ContinuousPredictive:
        """Return the distribution of one component, as of a single output.

        Parameters
        ----------
        component : int
            Column of the fitted y; a component keeps it where `condition` takes others away.

        Returns
        -------
        ContinuousPredictive
        """
        (j,) = self._positions([component])
        family, params = self.distribution.marginals(**self.params)
        of_component = {name: value[:, j] for name, value in params.items()}
        return ContinuousPredictive(family, of_component)._as_novel_as(self)

    def _positions(self, components: Sequence[int]) -> list[int]:
        for component in components:
            if component not in self.components:
                raise ValueError(
                    f"{component!r} is no component of this distribution; they are the columns "
                    f"{self.components} of y."
                )
        return [self.components.index(component) for component in components]

    def mean(self) -> np.ndarray:
        """Return the expected values, of shape (n, D)."""
        return self.marginals.mean()

    def median(self) -> np.ndarray:
        """Return the median of each component, of shape (n, D)."""
        return self.marginals.median()

    def var(self) -> np.ndarray:
        """Return the variances, of shape (n, D), in y's units squared."""
        return self.marginals.var()

    def std(self) -> np.ndarray:
        """Return the standard deviations, of shape (n, D), in y's units."""
        return self.marginals.std()

    def ppf(self, q: ArrayLike) -> np.ndarray:
        """Find the quantiles of each component, of shape (n, D), or (n, D, k) for k levels."""
        return self.marginals.ppf(q)

    def interval(self, confidence: float = 0.9) -> np.ndarray:
        """Return the central interval of each component, of shape (n, D, 2).

        That all components lie in theirs at once is less probable than `confidence`.
        """
        return self.marginals.interval(confidence)

    def crps(self, y: ArrayLike) -> np.ndarray:
        """Compute the continuous ranked probability score of each component, of shape (n, D).

        It does not judge the dependence between components; `log_prob` does.
        """
        return self.marginals.crps(y)

    # All components ----------------------------------------------------------------------------

    def cov(self) -> np.ndarray:
        """Return the covariance matrices, of shape (n, D, D)."""
        with np.errstate(over="ignore"):
            return self.distribution.cov(**self.params)

    def mode(self) -> np.ndarray:
        """Return the most probable vectors, of shape (n, D)."""
        return self.distribution.mode(**self.params).copy()

    def point(self, estimate: str = "auto") -> np.ndarray:
        """Return a vector per row: "mean", "median" or "mode"; "auto" leaves it to the family."""
        name = self.distribution.default_point if estimate == "auto" else estimate
        return getattr(self, name)()

    def entropy(self) -> np.ndarray:
        """Return the differential entropy of the joint distribution in nats, of shape (n,)."""
        return self.distribution.entropy(**self.params)

    def log_prob(self, y: ArrayLike) -> np.ndarray:
        """Compute the joint log-density of each row: the negative of the training loss.

        Parameters
        ----------
        y : array-like of shape (n, D), (D,) or (k, 1, D)
            A row each; one vector for all rows; or a grid, every vector against every row.

        Returns
        -------
        ndarray of shape (n,) or (k, n)
            In nats; -inf outside the support, NaN for NaN. A density in y's units.
        """
        y = self._align(y)
        values = in_numpy(self.distribution.log_prob, y, **self.params)
        missing = np.isnan(y).any(axis=-1)
        # Where y is so far out that residuals overflow, they cancel to NaN.
        inside = self.distribution.contains(y) & ~np.isnan(values)
        return np.where(missing, np.nan, np.where(inside, values, -np.inf))

    logpdf = log_prob

    def pdf(self, y: ArrayLike) -> np.ndarray:
        """Compute the joint density at `y`."""
        return np.exp(self.log_prob(y))

    def _align(self, y: ArrayLike) -> np.ndarray:
        check_named_rows(y, len(self))
        y = np.asarray(as_numbers(y, "y"), dtype=float)
        n, size = self.shape
        is_grid = y.ndim == 3 and y.shape[1:] == (1, size)
        if y.shape not in [(n, size), (size,)] and not is_grid:
            raise ValueError(
                f"y must have shape {self.shape}, like the predicted rows, or be one vector "
                f"({size},) or a grid (k, 1, {size}); got shape {y.shape}."
            )
        return y

    def rvs(self, size: int | None = None, random_state: RandomState = None) -> np.ndarray:
        """Draw vectors from each row's distribution.

        Parameters
        ----------
        size : int, optional
            Draws per row, on the second axis of the result; without it one draw and no such axis.
        random_state : int, RandomState, Generator or None, default=None

        Returns
        -------
        ndarray of shape (n, D) or (n, size, D)
        """
        if size is not None and not isinstance(size, Integral):
            raise ValueError(f"size is the number of draws per row, one integer; got {size!r}.")
        draws = self.distribution.rvs(
            1 if size is None else int(size), as_generator(random_state), **self.params
        )
        return draws[:, 0] if size is None else draws

    def condition(self, known: Mapping[int, ArrayLike]) -> Self:
        """Return the distribution of the other components, once some are known.

        Parameters
        ----------
        known : mapping of int to float or array-like of shape (n,)
            Column of the fitted y -> its value, one for all rows or one each.

        Returns
        -------
        VectorPredictive
            A distribution of the remaining components (also where that is one), which keep their
            column's number.

        Raises
        ------
        ValueError
            If a column or a value is not legal, or none is left.
        NotImplementedError
            For a family whose conditional distributions are not known.

        Examples
        --------
        >>> import numpy as np
        >>> from sklnll import NLLRegressor
        >>> rng = np.random.default_rng(0)
        >>> X, common = rng.normal(size=(2, 200, 1))
        >>> y = X + common + 0.1 * rng.normal(size=(200, 3))
        >>> net = NLLRegressor("multivariate_normal", (), solver="lbfgs").fit(X, y)
        >>> dist = net.predict_dist(X)
        >>> dist.condition({0: y[:, 0]}).components
        [1, 2]
        >>> bool((dist.condition({0: y[:, 0]}).std() < 0.3 * dist.std()[:, 1:]).all())
        True
        """
        positions = self._positions(list(known))
        if len(positions) == len(self.components):
            raise ValueError(
                f"all of the columns {self.components} of y are given; leave at least one to "
                "predict."
            )
        values = np.empty((len(self), len(positions)))
        for j, (component, value) in enumerate(known.items()):
            values[:, j] = self._known(component, value)
        rest = [component for component in self.components if component not in known]
        params = self.distribution.condition(self.params, positions, values)
        return type(self)(self.distribution, params, rest)._as_novel_as(self)

    def _known(self, component: int, value: ArrayLike) -> np.ndarray:
        value = np.asarray(as_numbers(value, f"the value of component {component}"), dtype=float)
        if value.shape not in [(), (len(self),)] or not np.isfinite(value).all():
            raise ValueError(
                f"the value of component {component} must be a finite number, or an array of "
                f"shape ({len(self)},) of them; got {value}."
            )
        return value
