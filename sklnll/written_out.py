"""How does a batch's loss reach the raw outputs, where family and links write their slopes out?

In numpy, whose calls take a third of the time of torch's: small batches are bound by calls, not by
arithmetic. Other families are left to automatic differentiation.
"""

import numpy as np
import torch
from torch import Tensor

from .distributions import Distribution
from .layout import Layout


def writes_slopes(distribution: Distribution, layout: Layout) -> bool:
    """Whether the family and the links of what it learns write their slopes out."""
    return _writes_own_slopes(type(distribution)) and all(
        distribution.parameters[name].value_and_slope(np.zeros(1)) is not None
        for name in (*layout.predicted, *layout.constant)
    )


def _writes_own_slopes(family: type[Distribution]) -> bool:
    """Whether the slopes are those of this `log_prob`, and not of one that a subclass replaced."""
    for cls in family.__mro__:
        if "value_and_slopes" in vars(cls):
            return cls is not Distribution
        if "log_prob" in vars(cls):
            return False
    return False


class WrittenOut:
    """The gradient of a head by the chain rule.

    Parameters
    ----------
    distribution : Distribution
        One for which `writes_slopes`.
    layout : Layout
    fixed : dict of str to ndarray
        Parameters that are not learned.
    """

    def __init__(self, distribution: Distribution, layout: Layout, fixed: dict[str, np.ndarray]):
        self._distribution = distribution
        self._layout = layout
        self._links = distribution.parameters
        self._fixed = fixed

    def gradient(
        self, raw: Tensor, constant: Tensor, y: Tensor, row_weight: Tensor, annealing: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As `Head.gradient`."""
        pieces = self._layout.pieces(_float64(raw), _float64(constant))
        with np.errstate(all="ignore"):  # the trainer sees what is not finite
            linked = {name: self._link(name, piece) for name, piece in pieces.items()}
            params = {name: value for name, (value, _) in linked.items()}
            result = self._distribution.value_and_slopes(y.numpy(), **params, **self._fixed)
            assert result is not None
            log_prob, slopes = result
            weight = row_weight.numpy()[..., None] / -row_weight.shape[-1]
            loss = (weight * log_prob).sum(axis=(-2, -1))
            if annealing:
                weight = weight * self._annealing_factor(params, annealing)
            gradients = {
                name: self._columns(name, weight, slopes[name] * linked[name][1]) for name in pieces
            }
            d_raw = _joined([gradients[name] for name in self._layout.predicted], raw)
            d_constant = _joined([gradients[name] for name in self._layout.constant], constant)
        return torch.from_numpy(np.asarray(loss)), d_raw, d_constant

    def _link(self, name: str, piece: np.ndarray) -> tuple[np.ndarray, np.ndarray | float]:
        result = self._links[name].value_and_slope(piece)
        assert result is not None
        return result

    def _annealing_factor(self, params: dict[str, np.ndarray], power: float) -> np.ndarray | float:
        tensors = {name: torch.from_numpy(value) for name, value in params.items()}
        factor = self._distribution.annealing_factor(tensors, power)
        return factor.numpy() if isinstance(factor, Tensor) else factor

    def _columns(self, name: str, weight: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """The gradient by each column of a parameter, of shape (..., n_samples, n_columns)."""
        if not self._links[name].together:
            return weight * slope
        gradient = weight[..., None] * slope
        return gradient.reshape(*gradient.shape[:-2], -1)


def _float64(values: Tensor) -> np.ndarray:
    return values.numpy().astype(float, copy=False)


def _joined(columns: list[np.ndarray], like: Tensor) -> Tensor:
    """Columns side by side, summed over the rows where `like` has none of its own."""
    if not columns:
        return like
    joined = columns[0] if len(columns) == 1 else np.concatenate(columns, axis=-1)
    if joined.shape != like.shape:
        joined = joined.sum(axis=-2).reshape(like.shape)
    return torch.from_numpy(joined.astype(like.numpy().dtype, copy=False))
