"""How does a batch's loss reach the raw outputs, where family and links write their slopes out?

In numpy, whose calls take a third of the time of torch's: small batches are bound by calls, not by
arithmetic. Other families are left to automatic differentiation.
"""

import numpy as np
import torch
from torch import Tensor

from ..distributions import Distribution
from .layout import Layout


def writes_slopes(distribution: Distribution, layout: Layout) -> bool:
    """Say whether the family, and the links of all that it learns, declare their slopes."""
    links = (distribution.parameters[name] for name in layout.learned)
    return distribution.writes_slopes and all(link.writes_slopes for link in links)


class AnalyticGradient:
    """The gradient of a head follows by the chain rule from slopes that family and links write out.

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
    ) -> tuple[Tensor, Tensor, Tensor] | None:
        """Return what `Head.gradient` does; None where the family gives no slopes.

        Numbers may overflow on the way: the trainer sees what is not finite.
        """
        values, constants = raw.numpy(), constant.numpy()
        pieces = self._layout.pieces(_float64(values), _float64(constants))
        d_raw, d_constant = np.empty_like(values), np.empty_like(constants)
        params, slopes = {}, {}
        for name, piece in pieces.items():
            params[name], slopes[name] = self._links[name].value_and_slope(piece)
        params |= self._fixed
        written_out = self._distribution.value_and_slopes(y.numpy(), **params)
        if written_out is None:
            return None
        log_prob, by_params = written_out
        weight = row_weight.numpy()[..., None] / -row_weight.shape[-1]
        loss = (weight * log_prob).sum(axis=(-2, -1))
        if annealing:
            weight = weight * self._annealing_factor(params, annealing)
        for name, into in self._layout.pieces(d_raw, d_constant).items():
            together = self._links[name].together
            of_piece = weight[..., None] if together else weight
            gradient = of_piece * by_params[name] * slopes[name]
            if gradient.shape != into.shape:  # the rows share what is constant
                gradient = gradient.sum(axis=-3 if together else -2, keepdims=True)
            into[...] = gradient
        return (
            torch.from_numpy(np.asarray(loss)),
            torch.from_numpy(d_raw),
            torch.from_numpy(d_constant),
        )

    def _annealing_factor(self, params: dict[str, np.ndarray], power: float) -> np.ndarray | float:
        tensors = {name: torch.from_numpy(value) for name, value in params.items()}
        factor = self._distribution.annealing_factor(tensors, power)
        return factor.numpy() if isinstance(factor, Tensor) else factor


def _float64(values: np.ndarray) -> np.ndarray:
    return values.astype(float, copy=False)
