"""What does a function of tensors say of arrays?"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch


def own_tensor(array: np.ndarray) -> torch.Tensor:
    """Copy an array into a tensor: torch takes neither reversed views nor read-only arrays."""
    return torch.from_numpy(np.array(array, order="C"))


def in_numpy(
    function: Callable[..., torch.Tensor], /, *args: np.ndarray, **params: np.ndarray
) -> np.ndarray:
    """Call a function of tensors, such as a family's `log_prob`, with arrays.

    Parameters
    ----------
    function : callable
        From tensors to a tensor.
    *args, **params : ndarray
        Numpy's warnings about them are left out: far tails overflow.

    Returns
    -------
    ndarray
    """
    with np.errstate(all="ignore"):
        tensors: dict[str, Any] = {name: own_tensor(value) for name, value in params.items()}
        return function(*map(own_tensor, args), **tensors).numpy()
