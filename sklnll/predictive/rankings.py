"""Which rankings are predicted at each row, and how surely?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .._data.values import as_numbers
from .._numerics.arrays import in_numpy
from ..distributions import RankingDistribution
from ..orders import pad_orders
from ._base import Predictive, RandomState, as_generator
from ._rows import check_named_rows

if TYPE_CHECKING:
    import pandas as pd


class RankingPredictive(Predictive):
    """Each row has a predicted distribution over rankings of n_items items.

    Rankings are orders: the items 0, ..., n_items - 1, best first.

    Parameters
    ----------
    distribution : RankingDistribution
        The family.
    params : mapping of str to ndarray
        Its parameters, with rows on the first axis.

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.distributions import PlackettLuce
    >>> from sklnll.predictive import RankingPredictive
    >>> dist = RankingPredictive(PlackettLuce(), {"scores": np.log([[1.0, 4.0, 5.0]])})
    >>> dist.mode()
    array([[2, 1, 0]])
    >>> dist.pmf([[2, 1, 0]])  # 5 of 10, then 4 of 5
    array([0.4])
    >>> dist.expected_ranks().round(2)
    array([[2.63, 1.76, 1.61]])
    """

    distribution: RankingDistribution

    @property
    def n_items(self) -> int:
        """Count the items that are ranked."""
        return self.log_probs.shape[1]

    @property
    def log_probs(self) -> np.ndarray:
        """Return the log-probability of each item to come first, of shape (n, n_items)."""
        return self.distribution.log_proba(**self.params)

    @property
    def probs(self) -> np.ndarray:
        """Return the probability of each item to come first, of shape (n, n_items)."""
        return np.exp(self.log_probs)

    def log_prob(self, y: ArrayLike) -> np.ndarray:
        """Compute the log-probability of rankings; of the rows' own it is the negative loss.

        Parameters
        ----------
        y : array-like of shape (n, k), (1, k) or (n, m, k)
            Orders of k <= n_items places: one for each row, one for all rows, or m for each row.
            A partial ranking lists the first places, or ends in -1; its probability is that of all
            full rankings which begin so.

        Returns
        -------
        ndarray of shape (n,) or (n, m)

        Raises
        ------
        ValueError
            If a row of `y` is no order of these items.
        """
        orders = self._align(y)
        several = orders.ndim == 3
        params = {
            name: np.expand_dims(value, 1) if several else value
            for name, value in self.params.items()
        }
        return in_numpy(self.distribution.log_prob, orders, **params)

    logpmf = log_prob

    def pmf(self, y: ArrayLike) -> np.ndarray:
        """Compute the probability of rankings, as `log_prob` takes them."""
        return np.exp(self.log_prob(y))

    def _align(self, y: ArrayLike) -> np.ndarray:
        """Check the orders and complete them by -1."""
        check_named_rows(y, len(self))
        orders = np.asarray(as_numbers(y, "y"), dtype=float)
        n_rows = {2: (1, len(self)), 3: (len(self),)}.get(orders.ndim, ())
        if not orders.size or len(orders) not in n_rows:
            n, items = len(self), self.n_items
            raise ValueError(
                f"y must hold orders of at most {items} items, in shape ({n}, k), an order a row, "
                f"(1, k), one for all rows, or ({n}, m, k), m for each row; got shape "
                f"{orders.shape}."
            )
        orders = pad_orders(orders, self.n_items)
        self.distribution.check_target(orders)
        return orders

    def mode(self) -> np.ndarray:
        """Return the most probable order, of shape (n, n_items)."""
        return self.distribution.mode(**self.params)

    def pairwise(self) -> np.ndarray:
        """Compute the probabilities of item i before item j, zero for i = j.

        They have shape (n, n_items, n_items).
        """
        return self.distribution.pairwise(**self.params)

    def expected_ranks(self) -> np.ndarray:
        """Compute the expected rank of each item, 1 for the best; of shape (n, n_items)."""
        # The rank of an item is 1 and one more for each item before it.
        return 1 + self.pairwise().sum(axis=1)

    def entropy(self) -> np.ndarray:
        """Return the entropy in nats: 0 where one ranking is sure, log(n_items!) if all are equal.

        Raises
        ------
        NotImplementedError
            Where the family cannot compute it, as "plackett_luce" for more than 12 items.
        """
        return self.distribution.entropy(**self.params)

    def rvs(self, size: int | None = None, random_state: RandomState = None) -> np.ndarray:
        """Draw orders, of shape (n, n_items), or (n, size, n_items)."""
        generator = as_generator(random_state)
        orders = self.distribution.draw(1 if size is None else int(size), generator, **self.params)
        return orders[:, 0] if size is None else orders

    def to_frame(self) -> pd.DataFrame:
        """Make a pandas data frame of the first-place probabilities, an item each column."""
        import pandas as pd

        return pd.DataFrame(self.probs)
