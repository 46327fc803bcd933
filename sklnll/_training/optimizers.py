"""How does a gradient move the weights? By a chain of small steps on one flat tensor, in place.

Adam and momentum make the same steps as in scikit-learn's multi-layer perceptrons. (The optimizers
of torch wrap the same kernel, but importing them costs over a second.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from .._network.weights import Weights
from .hyperparameters import SolverSettings
from .penalty import matrix_shares
from .schedule import Schedule, make_schedule

State = dict[str, np.ndarray]


class Part(Protocol):
    """One link of the chain: it changes the gradient, or moves the weights."""

    def __call__(self, gradient: Tensor, rate: float) -> None:
        """Take the gradient, of shape (n_members, n_weights), and the present step size."""


class Move(Part, Protocol):
    """The link that moves the weights along the gradient, and remembers earlier ones."""

    def state(self) -> dict[str, Tensor]:
        """Return what `load_state` takes, to continue later."""

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue with what `state` returned."""


class Clip:
    """A part that shortens each member's gradient to a norm.

    Parameters
    ----------
    max_norm : float
    """

    def __init__(self, max_norm: float):
        self.max_norm = max_norm

    def __call__(self, gradient: Tensor, rate: float) -> None:
        """Shorten the gradient, in place."""
        norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
        gradient.mul_((self.max_norm / norm).clamp(max=1.0))


class Decay:
    """A part that shrinks the weights of the layers' matrices, apart from the gradient.

    Parameters
    ----------
    weights : Weights
        Changed in place.
    decay : float
        Share of them, times the step size, that each step takes away.

    References
    ----------
    I. Loshchilov and F. Hutter (2019). Decoupled weight decay regularization. ICLR.
    """

    def __init__(self, weights: Weights, decay: float):
        self.flat = weights.flat
        self.decay = decay
        self._shares = matrix_shares(weights)

    def __call__(self, gradient: Tensor, rate: float) -> None:
        """Shrink the weights once."""
        self.flat.addcmul_(self._shares, self.flat, value=-rate * self.decay)


class Momentum:
    """A part that moves the weights by stochastic gradient descent with momentum.

    Parameters
    ----------
    flat : Tensor
        Changed in place.
    momentum : float
        Share of the last step that goes on.
    nesterov : bool
        Whether the step looks ahead.

    References
    ----------
    I. Sutskever et al. (2013). On the importance of initialization and momentum in deep learning.
    """

    def __init__(self, flat: Tensor, momentum: float, nesterov: bool):
        self.flat = flat
        self.momentum = momentum
        self.nesterov = nesterov
        self._velocity = torch.zeros_like(flat)

    def __call__(self, gradient: Tensor, rate: float) -> None:
        """Move the weights once."""
        self._velocity.mul_(self.momentum).sub_(gradient, alpha=rate)
        if self.nesterov:
            self.flat.add_(self._velocity, alpha=self.momentum).sub_(gradient, alpha=rate)
        else:
            self.flat.add_(self._velocity)

    def state(self) -> dict[str, Tensor]:
        """Return what `load_state` takes, to continue later."""
        return {"velocity": self._velocity}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue with what `state` returned."""
        self._velocity.copy_(state["velocity"])


class Adam:
    """A part that moves the weights by adaptive moment estimation.

    Parameters
    ----------
    flat : Tensor
        Changed in place.
    beta_1, beta_2 : float
        Decay of the running means of the gradient and of its square.
    epsilon : float
        Added to the root of the latter.

    References
    ----------
    D. Kingma and J. Ba (2014). Adam: a method for stochastic optimization. arXiv:1412.6980
    """

    def __init__(self, flat: Tensor, beta_1: float, beta_2: float, epsilon: float):
        self.flat = flat
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self._mean = torch.zeros_like(flat)
        self._square = torch.zeros_like(flat)
        self._steps = torch.zeros((), device=flat.device)
        self._n_steps = 0

    def __call__(self, gradient: Tensor, rate: float) -> None:
        """Move the weights once."""
        self._n_steps += 1
        self._steps.fill_(self._n_steps)
        # The kernel adds epsilon to the unbiased root; as in scikit-learn, ours counts before that.
        epsilon = self.epsilon / math.sqrt(1 - self.beta_2**self._n_steps)
        torch._fused_adam_(
            [self.flat],
            [gradient],
            [self._mean],
            [self._square],
            [],
            [self._steps],
            lr=rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            weight_decay=0.0,
            eps=epsilon,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """Return what `load_state` takes, to continue later."""
        n_steps = torch.tensor(self._n_steps)
        return {"mean": self._mean, "square": self._square, "n_steps": n_steps}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue with what `state` returned."""
        self._mean.copy_(state["mean"])
        self._square.copy_(state["square"])
        self._n_steps = int(state["n_steps"])


class Optimizer:
    """A chain of parts, each of which takes the gradient at the schedule's present step size.

    Parameters
    ----------
    before : sequence of Part
        Applied to the gradient, or to the weights, before they move.
    move : Move
    schedule : Schedule
    """

    def __init__(self, before: Sequence[Part], move: Move, schedule: Schedule):
        self.schedule = schedule
        self._parts = [*before, move]
        self._move = move

    def step(self, gradient: Tensor) -> None:
        """Move the weights once; the gradient may be changed."""
        rate = self.schedule.next_rate()
        for part in self._parts:
            part(gradient, rate)

    def state_dict(self) -> State:
        """Return what the optimizer must know to continue later."""
        return {name: value.cpu().numpy() for name, value in self._move.state().items()}

    def load_state_dict(self, state: State) -> None:
        """Continue with what `state_dict` returned; that of another optimizer is not used."""
        if state.keys() == self._move.state().keys():
            self._move.load_state({name: torch.tensor(value) for name, value in state.items()})

    def forget(self, members: Tensor) -> None:
        """Begin anew for these members."""
        for value in self._move.state().values():
            if value.ndim:
                value[members] = 0


def make_optimizer(weights: Weights, settings: SolverSettings, n_steps: int) -> Optimizer:
    """Chain the parts that the settings ask for: clip the gradient, decay the weights, move them.

    Parameters
    ----------
    weights : Weights
        Changed in place.
    settings : SolverSettings
    n_steps : int
        Most steps, over which the step size falls.
    """
    before: list[Part] = []
    if settings.max_grad_norm is not None:
        before.append(Clip(settings.max_grad_norm))
    if settings.weight_decay:
        before.append(Decay(weights, settings.weight_decay))
    return Optimizer(before, _make_move(weights.flat, settings), make_schedule(settings, n_steps))


def _make_move(flat: Tensor, settings: SolverSettings) -> Move:
    if settings.solver == "adam":
        return Adam(flat, settings.beta_1, settings.beta_2, settings.epsilon)
    return Momentum(flat, settings.momentum, settings.nesterovs_momentum)
