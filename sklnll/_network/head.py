"""How do the network's raw outputs become the parameters of a distribution, and a likelihood?"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..distributions import Distribution
from .layout import Layout
from .slopes import AnalyticGradient, writes_slopes


class Head:
    """The way from raw outputs to parameters and negative log-likelihoods, in training's units.

    The likelihood is computed in float64 whatever the network's dtype: it costs little beside the
    matrix products, and y keeps all its digits.

    Parameters
    ----------
    distribution : Distribution
    n_outputs : int
        Independent outputs d, each with parameters of its own.
    size : int
        Classes or components of y; 1 for families of numbers.
    fixed : dict of str to ndarray of shape (n_outputs,)
        Parameters that are not learned.
    device : torch.device, optional
        Where raw outputs and rows are; the CPU if it is left out.

    Attributes
    ----------
    fixed : dict of str to Tensor of shape (n_outputs,)
        With the axes that a value of the parameter has.
    """

    def __init__(
        self,
        distribution: Distribution,
        n_outputs: int,
        size: int,
        fixed: dict[str, np.ndarray],
        device: torch.device | None = None,
    ):
        self.distribution = distribution
        self.n_outputs = n_outputs
        self.size = size
        self.layout = Layout(distribution, n_outputs, size)
        with torch.inference_mode(False):  # or they could not take part in differentiation
            on_cpu = {name: self._repeated(name, value) for name, value in fixed.items()}
            self.fixed = {name: value.to(device) for name, value in on_cpu.items()}
        self._numbers = {name: value.numpy() for name, value in on_cpu.items()}
        self._analytic = None
        if (device is None or device.type == "cpu") and writes_slopes(distribution, self.layout):
            self._analytic = AnalyticGradient(distribution, self.layout, self._numbers)

    def training_mode(self) -> torch.no_grad | torch.inference_mode:
        """Return the mode of torch in which to train, without differentiation.

        Inference mode is the fastest, but families that torch differentiates cannot use tensors
        that were made in it.
        """
        return torch.no_grad() if self._analytic is None else torch.inference_mode()

    def _repeated(self, name: str, value: np.ndarray) -> Tensor:
        """Repeat the number of each output for all components of it."""
        link = self.distribution.parameters[name]
        numbers = torch.from_numpy(value).reshape(-1, *(1,) * link.event_ndim)
        return numbers.expand(-1, *(link.width(self.size),) * link.event_ndim)

    @property
    def penalty_units(self) -> np.ndarray:
        """Units in which `alpha` measures the last layer's weights; shape (n_predicted,).

        Where the scale is fixed to a number, the weights of the location are measured in that
        scale: least squares with an L2 penalty is then ridge regression with the same `alpha`.
        """
        predicted, family = self.layout.predicted, self.distribution
        units = {name: np.ones((self.n_outputs, width)) for name, width in predicted.items()}
        for scale in self.fixed.keys() & family.distances():
            for place in units.keys() & family.places():
                units[place] /= self._numbers[scale].reshape(self.n_outputs, -1)
        return np.concatenate([np.ones(0), *(unit.ravel() for unit in units.values())])

    @property
    def penalized_biases(self) -> np.ndarray:
        """Whether `alpha` holds each of the last layer's biases to its start; (n_predicted,)."""
        links = self.distribution.parameters
        count = [
            np.full(self.n_outputs * width, links[name].scale_free)
            for name, width in self.layout.predicted.items()
        ]
        return np.concatenate([np.ones(0, bool), *count])

    def params(self, raw: Tensor, constant: Tensor) -> dict[str, Tensor]:
        """Apply the links.

        Parameters
        ----------
        raw : Tensor of shape (..., n_samples, n_predicted)
        constant : Tensor of shape (..., n_constant)

        Returns
        -------
        dict of str to Tensor
            Each of shape (..., n_samples or 1, n_outputs), vectors and matrices with last axes of
            their own; fixed parameters without the axis of rows.
        """
        pieces = self.layout.pieces(raw.double(), constant.double())
        links = self.distribution.parameters
        return {
            name: links[name](pieces[name]) if name in pieces else self.fixed[name]
            for name in links
        }

    def nll(
        self, raw: Tensor, constant: Tensor, y: Tensor, exposure: Tensor | None = None
    ) -> Tensor:
        """Compute each row's negative log-likelihood, summed over outputs; shape (..., n_samples).

        `y` has shape (n_samples, n_outputs), rows of numbers a last axis of their own; `exposure`
        has shape (n_samples, 1).
        """
        params = self._exposed(raw, constant, exposure)
        return -self.distribution.log_prob(y, **params).sum(dim=-1)

    def _exposed(self, raw: Tensor, constant: Tensor, exposure: Tensor | None) -> dict[str, Tensor]:
        """Apply the links, and then the exposure of each row where there is one."""
        params = self.params(raw, constant)
        return params if exposure is None else self.distribution.exposed(params, exposure)

    def gradient(
        self,
        raw: Tensor,
        constant: Tensor,
        y: Tensor,
        row_weight: Tensor,
        exposure: Tensor | None = None,
        *,
        annealing: float = 0.0,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the loss of a batch, and the gradient of what training minimizes.

        The loss is the weighted sum of the rows' `nll` over their number: weights are normalized
        once over all rows of training, a batch's own sum would cancel them in small batches.

        Parameters
        ----------
        raw : Tensor of shape (n_members, n_samples, n_predicted)
        constant : Tensor of shape (n_members, n_constant)
        y, exposure : Tensor
            As `nll` takes them.
        row_weight : Tensor of shape (n_samples,) or (n_members, n_samples)
        annealing : float, default=0
            Power of ``distribution.annealing_weight`` that weights outputs in the gradient.

        Returns
        -------
        loss : Tensor of shape (n_members,)
            Not annealed.
        d_raw, d_constant : Tensor
            In the shapes of `raw` and `constant`.
        """
        if self._analytic and exposure is None:
            known = self._analytic.gradient(raw, constant, y, row_weight, annealing)
            if known is not None:
                return known
        with torch.inference_mode(False), torch.enable_grad():
            # Copies, because what inference mode has made cannot be differentiated.
            leaves = raw.clone().requires_grad_(), constant.clone().requires_grad_()
            y, share = y.clone(), row_weight / row_weight.shape[-1]
            exposure = None if exposure is None else exposure.clone()
            params = self._exposed(*leaves, exposure)
            nll = -self.distribution.log_prob(y, **params)
            weight = share.unsqueeze(-1) * self.distribution.annealing_factor(params, annealing)
            # Of one sum: torch imports sympy, half a second, where it is given the weights apart,
            # and an interrupt of that import would leave sympy broken for the whole process.
            total = (weight * nll).sum()
            d_raw, d_constant = torch.autograd.grad(total, leaves, materialize_grads=True)
        return (share * nll.detach().sum(dim=-1)).sum(dim=-1), d_raw, d_constant

    def of_output(self, j: int) -> Head:
        """Return the head of one of the independent outputs, on the CPU."""
        fixed = {name: value[j].ravel()[:1] for name, value in self._numbers.items()}
        return Head(self.distribution, 1, self.size, fixed)
