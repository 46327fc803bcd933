"""How does a gradient move the weights, and how far?

The same steps as scikit-learn's multi-layer perceptrons make, on one flat tensor, in place. (The
optimisers of torch wrap the same kernel, but importing them costs over a second.)
"""

import math

import torch
from torch import Tensor


def clip(gradient: Tensor, max_norm: float | None) -> None:
    """Shorten each member's gradient, of shape (n_members, n_weights), to this norm, in place."""
    if max_norm is not None:
        norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
        gradient.mul_((max_norm / norm).clamp(max=1.0))


def decay(weights: Tensor, shares: Tensor, rate: float) -> None:
    """Shrink weights by `rate` times their share, apart from the gradient, in place.

    References
    ----------
    I. Loshchilov and F. Hutter (2019). Decoupled weight decay regularization. ICLR.
    """
    if rate:
        weights.addcmul_(shares, weights, value=-rate)


def cosine(progress: float, warm_up: float) -> float:
    """Share of the largest step size after this share of training: up linearly, down to 0.

    References
    ----------
    I. Loshchilov and F. Hutter (2017). SGDR: stochastic gradient descent with warm restarts. ICLR.
    """
    return min(1.0, progress / warm_up) * (1 + math.cos(math.pi * progress)) / 2


class SGD:
    """Stochastic gradient descent with momentum.

    Parameters
    ----------
    weights : Tensor
        Changed in place.
    rate : float
        Step size; may be changed between steps.
    momentum : float
        Share of the last step that goes on.
    nesterov : bool
        Whether the step looks ahead.

    References
    ----------
    I. Sutskever et al. (2013). On the importance of initialization and momentum in deep learning.
    """

    def __init__(self, weights: Tensor, rate: float, momentum: float, nesterov: bool):
        self.weights = weights
        self.rate = rate
        self.momentum = momentum
        self.nesterov = nesterov
        self._velocity = torch.zeros_like(weights)

    def step(self, gradient: Tensor) -> None:
        """Move the weights once."""
        self._velocity.mul_(self.momentum).sub_(gradient, alpha=self.rate)
        if self.nesterov:
            self.weights.add_(self._velocity, alpha=self.momentum).sub_(gradient, alpha=self.rate)
        else:
            self.weights.add_(self._velocity)

    def memory(self) -> dict[str, Tensor]:
        """What `recall` takes, to go on later."""
        return {"velocity": self._velocity}

    def recall(self, velocity: Tensor) -> None:
        """Go on with what `memory` returned."""
        self._velocity.copy_(velocity)


class Adam:
    """Adaptive moment estimation.

    Parameters
    ----------
    weights : Tensor
        Changed in place.
    rate : float
        Step size.
    beta_1, beta_2 : float
        Decay of the running means of the gradient and of its square.
    epsilon : float
        Added to the root of the latter.

    References
    ----------
    D. Kingma and J. Ba (2014). Adam: a method for stochastic optimization. arXiv:1412.6980
    """

    def __init__(self, weights: Tensor, rate: float, beta_1: float, beta_2: float, epsilon: float):
        self.weights = weights
        self.rate = rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self._mean = torch.zeros_like(weights)
        self._square = torch.zeros_like(weights)
        self._steps = torch.zeros((), device=weights.device)
        self._n_steps = 0

    def step(self, gradient: Tensor) -> None:
        """Move the weights once."""
        self._n_steps += 1
        self._steps.fill_(self._n_steps)
        # The kernel adds epsilon to the unbiased root; as in scikit-learn, ours counts before that.
        epsilon = self.epsilon / math.sqrt(1 - self.beta_2**self._n_steps)
        torch._fused_adam_(
            [self.weights],
            [gradient],
            [self._mean],
            [self._square],
            [],
            [self._steps],
            lr=self.rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            weight_decay=0.0,
            eps=epsilon,
            amsgrad=False,
            maximize=False,
        )

    def memory(self) -> dict[str, Tensor]:
        """What `recall` takes, to go on later."""
        n_steps = torch.tensor(self._n_steps)
        return {"mean": self._mean, "square": self._square, "n_steps": n_steps}

    def recall(self, mean: Tensor, square: Tensor, n_steps: Tensor) -> None:
        """Go on with what `memory` returned."""
        self._mean.copy_(mean)
        self._square.copy_(square)
        self._n_steps = int(n_steps)
