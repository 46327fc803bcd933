"""In which units does a network see X and y, and of which family are its outputs?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse

from .._data.inputs import Inputs
from .._data.kinds import Columns
from .._data.sparse import SparseRows, density
from .._data.stored import check_family, check_part, check_whole_number
from .._data.x_ranges import ColumnRanges
from .._data.y_units import TargetScaling
from ..distributions import Distribution
from .head import Head


@dataclass(frozen=True, eq=False)
class Units:
    """The frame in which a network is trained and predicts.

    Parameters
    ----------
    family : Distribution
    size : int
        Classes, items or components of y; 1 where it is a number.
    y : TargetScaling
        The map between y's units and training's.
    x : Inputs
        The map from the columns of X to what the network sees.
    ranges : ColumnRanges
        The ranges of X's columns in training.
    """

    family: Distribution
    size: int
    y: TargetScaling
    x: Inputs
    ranges: ColumnRanges

    @staticmethod
    def check(units: Any, name: str, columns: Columns) -> None:
        """Raise a ValueError that names the field of stored units that is not legal."""
        check_part(units, Units, name)
        check_family(units.family, f"{name}.family")
        check_whole_number(units.size, f"{name}.size", 1)
        TargetScaling.check(units.y, f"{name}.y", units.family, units.size)
        Columns.check(columns, "_columns")
        Inputs.check(units.x, f"{name}.x", columns.levels)
        ColumnRanges.check(units.ranges, f"{name}.ranges", units.x.n_features)

    @property
    def n_heads(self) -> int:
        """Number of independent outputs, each with parameters of its own."""
        return len(self.y.unit)

    def head(self, device: torch.device | None = None) -> Head:
        """Make the way from raw outputs to parameters, in training's units."""
        fixed = self.y.scale_fixed(self.family)
        return Head(self.family, self.n_heads, self.size, fixed, device)

    def features(self, X: Any) -> torch.Tensor | SparseRows:
        """Express X as the network sees it."""
        if self._stays_sparse(X):
            return SparseRows([self.x.of_sparse(X)])
        return self.dense_features(X.toarray() if sparse.issparse(X) else X)

    def dense_features(self, X: np.ndarray) -> torch.Tensor:
        """Express rows of an array as the network sees them."""
        return as_tensor(self.x(X))

    def density(self, X: Any) -> float:
        """Return the share of X's numbers that the network multiplies."""
        return density(X) if self._stays_sparse(X) else 1.0

    def _stays_sparse(self, X: Any) -> bool:
        """Tell whether zeros of X are zeros to the network, too."""
        return sparse.issparse(X) and self.x.keeps_zeros


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """Share memory with the array, unless it is read-only or backwards, which torch cannot express.

    One row backwards counts as contiguous in numpy.
    """
    is_plain = array.flags.writeable and all(stride >= 0 for stride in array.strides)
    return torch.from_numpy(array if is_plain else array.copy())
