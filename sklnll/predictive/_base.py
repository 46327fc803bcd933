"""What do all predicted distributions share? One distribution per row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state

from ..distributions import Distribution

RandomState = int | np.random.RandomState | np.random.Generator | None


def as_generator(
    random_state: RandomState,
) -> np.random.RandomState | np.random.Generator:
    """scikit-learn's rule, and scipy's generators too."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    return check_random_state(random_state)


class Predictive:
    """One predicted distribution per row; the part that labels and numbers share.

    Parameters
    ----------
    distribution : Distribution
        The family.
    params : mapping of str to ndarray
        Its parameters in y's units, rows on the first axis.
    """

    def __init__(self, distribution: Distribution, params: Mapping[str, np.ndarray]):
        self.distribution = distribution
        # In C order: torch takes no reversed views.
        self.params = {name: np.require(value, requirements="C") for name, value in params.items()}

    def __len__(self) -> int:
        return len(next(iter(self.params.values())))

    def __getitem__(self, rows: Any) -> Self:
        """Keep some rows: a slice, a mask, an array of positions, or one position."""
        if isinstance(rows, int | np.integer):
            rows = range(len(self))[rows]  # IndexError where it is out of range
            rows = slice(rows, rows + 1)
        return self._with_params({name: value[rows] for name, value in self.params.items()})

    def _with_params(self, params: Mapping[str, np.ndarray]) -> Self:
        return type(self)(self.distribution, params)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.distribution!r}, n_rows={len(self)})"
