"""The optimizers make the steps of scikit-learn's and of torch's."""

import numpy as np
import pytest
import torch
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from sklnll._training.optimizers import Adam, Momentum

N_STEPS = 20


def trajectory(step, weights):
    """Weights after each step, where the gradient depends on the weights and on chance."""
    rng = np.random.default_rng(0)
    path = []
    for _ in range(N_STEPS):
        noise = torch.from_numpy(rng.normal(size=5))
        step(torch.sin(weights.detach()) + noise)
        path.append(weights.detach().clone())
    return torch.stack(path)


def start():
    return torch.linspace(-1, 1, 5, dtype=torch.float64)


def ours(move, rate, *args):
    weights = start()
    step = move(weights, *args)
    return trajectory(lambda gradient: step(gradient, rate), weights)


def sklearns(optimizer, **params):
    weights = start()
    array = weights.numpy()
    oracle = optimizer([array], **params)
    return trajectory(lambda gradient: oracle.update_params([array], [gradient.numpy()]), weights)


def torchs(optimizer, **params):
    weights = start().requires_grad_()
    oracle = optimizer([weights], **params)

    def step(gradient):
        weights.grad = gradient
        oracle.step()

    return trajectory(step, weights)


def assert_same(path, oracle):
    assert not torch.equal(path[0], start())
    torch.testing.assert_close(path, oracle, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_scikit_learns(momentum, nesterov):
    oracle = sklearns(SGDOptimizer, learning_rate_init=0.1, momentum=momentum, nesterov=nesterov)
    assert_same(ours(Momentum, 0.1, momentum, nesterov), oracle)


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd_is_torchs(momentum, nesterov):
    oracle = torchs(torch.optim.SGD, lr=0.1, momentum=momentum, nesterov=nesterov)
    assert_same(ours(Momentum, 0.1, momentum, nesterov), oracle)


@pytest.mark.parametrize("epsilon", [1e-8, 0.1])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.9), (0.5, 0.0)])
def test_adam_is_scikit_learns(betas, epsilon):
    oracle = sklearns(
        AdamOptimizer, learning_rate_init=0.1, beta_1=betas[0], beta_2=betas[1], epsilon=epsilon
    )
    assert_same(ours(Adam, 0.1, *betas, epsilon), oracle)


def test_adam_is_torchs_but_for_the_place_of_epsilon():
    # torch adds epsilon after the correction of the bias, scikit-learn before.
    oracle = torchs(torch.optim.Adam, lr=0.1, betas=(0.9, 0.999), eps=0.0)
    assert_same(ours(Adam, 0.1, 0.9, 0.999, 1e-300), oracle)


def test_a_changed_rate_counts_from_the_next_step():
    weights, array = start(), start().numpy()
    move = Momentum(weights, 0.9, True)
    oracle = SGDOptimizer([array], learning_rate_init=0.1, momentum=0.9, nesterov=True)
    for rate in [0.1, 0.02, 0.004]:
        oracle.learning_rate = rate
        gradient = torch.ones(5, dtype=torch.float64)
        move(gradient, rate)
        oracle.update_params([array], [gradient.numpy()])
        np.testing.assert_allclose(weights, array, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("move", [(Momentum, 0.9, True), (Adam, 0.9, 0.999, 1e-8)])
def test_weights_are_changed_in_place_and_keep_their_dtype(move, dtype):
    weights = torch.ones(2, 3, dtype=dtype)
    kind, *args = move
    row = weights[0]
    kind(weights, *args)(torch.ones_like(weights), 0.1)
    assert weights.dtype == dtype
    assert (row < 1).all()
