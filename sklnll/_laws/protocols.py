"""What must a law know of its family, and what does every frozen law answer?"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from torch import Tensor


class Family(Protocol):
    """Laws need to know no more of the family of distributions that they are made of."""

    @property
    def support(self) -> Any:
        """Return the ends of the range of y, and whether it is discrete."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Return the link of each parameter, by name."""

    def log_prob(self, y: Tensor, *args: Any, **params: Any) -> Tensor:
        """Return the log-density, or log-mass, at `y`."""


class FrozenLaw(Protocol):
    """A frozen law is the distribution of a number for given parameters, in scipy's words.

    There is a law for each set of parameters; what is asked broadcasts against them.

    mypy holds the laws of this package to the protocol. Scipy's own frozen distributions are not
    typed, so mypy takes them for anything: where a method that returns a FrozenLaw builds one of
    ``scipy.stats``, a test is what holds it (``tests/distributions/test_frozen.py``).
    """

    def cdf(self, y: Any, /) -> np.ndarray:
        """Return the probability of a value at most `y`."""

    def sf(self, y: Any, /) -> np.ndarray:
        """Return the probability of a value above `y`."""

    def logcdf(self, y: Any, /) -> np.ndarray:
        """Return the logarithm of `cdf`."""

    def logsf(self, y: Any, /) -> np.ndarray:
        """Return the logarithm of `sf`."""

    def ppf(self, q: Any, /) -> np.ndarray:
        """Return the quantile: the value that is not exceeded with probability `q`."""

    def isf(self, q: Any, /) -> np.ndarray:
        """Return the value that is exceeded with probability `q`."""

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        """Draw values, in the shape `size`: by default one from each law."""

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest possible value."""

    def mean(self) -> np.ndarray:
        """Return the expected value."""

    def median(self) -> np.ndarray:
        """Return the 0.5 quantile."""

    def var(self) -> np.ndarray:
        """Return the variance."""

    def std(self) -> np.ndarray:
        """Return the standard deviation."""

    def entropy(self) -> np.ndarray:
        """Return the entropy in nats: of densities the differential one."""


class FrozenMass(FrozenLaw, Protocol):
    """A frozen law of a count has a mass at each value."""

    def logpmf(self, y: Any, /) -> np.ndarray:
        """Return the logarithm of the mass at `y`."""

    def pmf(self, y: Any, /) -> np.ndarray:
        """Return the mass at `y`."""


class FrozenVectorLaw(Protocol):
    """A joint law is that of several numbers for one set of parameters, in scipy's words."""

    def logpdf(self, y: Any, /) -> np.ndarray:
        """Return the logarithm of the density at `y`."""

    def pdf(self, y: Any, /) -> np.ndarray:
        """Return the density at `y`."""

    def entropy(self) -> np.ndarray:
        """Return the differential entropy in nats."""

    def rvs(self, size: Any = 1, random_state: Any = None) -> np.ndarray:
        """Draw vectors, in the shape `size`, with a last axis for the components."""
