"""Which columns of X are beyond what "lbfgs" can learn from, because of their units?"""

import numpy as np
from torch import Tensor

from .._messages import warn_user

_SMALL = 1e-3
"""Spread, in X's units, below which the units of a column are to blame, not a strong alpha."""
_SWITCHED_OFF = 10.0
"""Spread that would curve the loss as the penalty does, in spreads of the column, from which on
almost nothing of its effect is left."""


def columns_switched_off(
    mean: Tensor, spread: Tensor, penalized: Tensor, x_unit: Tensor | None
) -> Tensor:
    """Find the columns that alpha switches off, and warn of them; their weights obey it alone.

    Parameters
    ----------
    mean, spread : Tensor of shape (n_features,)
        Of the columns that the network sees.
    penalized : Tensor of shape (n_features,)
        Spread that a column had if it curved the loss as much as the penalty on its weight does.
    x_unit : Tensor of shape (n_features,), optional
        Units of these columns, where they are not those of X.

    Returns
    -------
    Tensor of bool, of shape (n_features,)

    Raises
    ------
    ValueError
        For columns beyond floats.
    """
    is_beyond = ~(mean + spread).isfinite().cpu().numpy()
    if is_beyond.any():
        raise ValueError(
            f"X must hold numbers that can be squared and added up; column {_first(is_beyond)} "
            f"reaches beyond the {str(spread.dtype).removeprefix('torch.')} of the network. Divide "
            "the column by a power of ten, or fit anew with warm_start=False, which scales it."
        )
    in_units_of_x = spread if x_unit is None else spread * x_unit.to(spread)
    is_off = (in_units_of_x < _SMALL) & (penalized > _SWITCHED_OFF * spread)
    if is_off.any():
        column = _first(is_off.cpu().numpy())
        warn_user(
            f"Column {column} of X varies by {in_units_of_x[column].item():.3g} only, and alpha "
            "acts in X's units with solver='lbfgs': it holds the effect of the column near zero. "
            "Multiply the column by a power of ten (or use a StandardScaler), or set alpha=0."
        )
    return is_off


def _first(columns: np.ndarray) -> int:
    return int(np.argmax(columns))
