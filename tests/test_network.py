"""The network is a plain multi-layer perceptron, one per member."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sklnll._network.initialization import initial_weights
from sklnll._network.layers import ACTIVATIONS, Dropout, Mode
from sklnll._network.network import Network, Pass
from sklnll._network.weights import Architecture, Weights

TORCH_ACTIVATIONS = {
    "identity": torch.nn.Identity,
    "logistic": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "silu": torch.nn.SiLU,
}
TRAINING = Mode(momentum=0.1, drop=True)
HIDDEN = [(), (4,), (4, 6)]


def network(architecture, n_members=1, dtype=torch.float64, seed=0, **params):
    generator = torch.Generator().manual_seed(seed)
    n_weights = sum(int(np.prod(shape)) for shape in architecture.shapes)
    weights = torch.randn(n_members, n_weights, generator=generator, dtype=torch.float64)
    generators = [torch.Generator().manual_seed(seed + member) for member in range(n_members)]
    weights = Weights(architecture, weights.to(dtype))
    return Network(weights, generators=generators, **params)


def reference(net, member=0):
    """The same network out of torch.nn's layers."""
    modules = []
    for layer, (matrix, bias, gain) in enumerate(net.weights.layers):
        fan_in, fan_out = matrix.shape[1:]
        linear = torch.nn.Linear(fan_in, fan_out, bias=gain is None).to(matrix.dtype)
        linear.weight.data = matrix[member].T
        modules.append(linear)
        if gain is not None:
            norm = torch.nn.BatchNorm1d(fan_out, eps=1e-5, momentum=0.1).to(matrix.dtype)
            norm.weight.data, norm.bias.data = gain[member, 0], bias[member, 0]
            modules.append(norm)
        else:
            linear.bias.data = bias[member, 0]
        if layer < len(net.weights.layers) - 1:
            modules.append(TORCH_ACTIVATIONS[net.architecture.activation]())
    return torch.nn.Sequential(*modules)


def rows(n, dtype=torch.float64, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 3, generator=generator, dtype=torch.float64).to(dtype)


def test_all_activations_have_a_reference():
    assert set(TORCH_ACTIVATIONS) == set(ACTIVATIONS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_is_torchs(activation, hidden, dtype):
    net = network(Architecture((3, *hidden, 2), n_constants=1, activation=activation), dtype=dtype)
    raw, constants = net(rows(20, dtype))
    assert raw.dtype == constants.dtype == dtype
    torch.testing.assert_close(raw[0], reference(net)(rows(20, dtype)).detach())
    torch.testing.assert_close(constants, net.weights.flat[:, -1:])


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_members_do_not_see_each_other(hidden, batch_norm):
    architecture = Architecture((3, *hidden, 2), n_constants=2, batch_norm=batch_norm)
    together = network(architecture, n_members=3)
    raw, constants = together(rows(20), TRAINING)
    for member in range(3):
        alone = Network(Weights(architecture, together.weights.flat[member : member + 1]))
        raw_alone, constants_alone = alone(rows(20), TRAINING)
        torch.testing.assert_close(raw[member], raw_alone[0], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(constants[member], constants_alone[0])
        torch.testing.assert_close(together.statistics[member], alone.statistics[0])


def batch_normed(hidden=(4, 6), activation="tanh"):
    return network(Architecture((3, *hidden, 2), 0, activation=activation, batch_norm=True))


def test_batch_norm_in_training_is_torchs():
    net = batch_normed()
    expected = reference(net).train()(rows(20)).detach()
    torch.testing.assert_close(net(rows(20), TRAINING)[0][0], expected)


def test_batch_norm_in_prediction_is_torchs():
    net = batch_normed()
    generator = torch.Generator().manual_seed(5)
    net.statistics.copy_(torch.rand(net.statistics.shape, generator=generator) + 0.5)
    oracle = reference(net).eval()
    norms = [module for module in oracle if isinstance(module, torch.nn.BatchNorm1d)]
    for norm, running in zip(norms, torch.split(net.statistics[0], [4, 6], dim=1), strict=True):
        norm.running_mean, norm.running_var = running.double()
    torch.testing.assert_close(net(rows(20))[0][0], oracle(rows(20)).detach())


def test_running_statistics_are_torchs_with_the_biased_variance():
    net, n = batch_normed(hidden=(4,)), 20
    oracle = reference(net).train()
    variances = torch.ones(4, dtype=torch.float64)
    for seed in range(5):
        oracle(rows(n, seed=seed))
        net(rows(n, seed=seed), TRAINING)
        # torch's own running variance takes n / (n - 1) times what the batch was divided by.
        variances = 0.9 * variances + 0.1 * oracle[0](rows(n, seed=seed)).var(0, correction=0)
    torch.testing.assert_close(net.statistics[0, 0], oracle[1].running_mean)
    torch.testing.assert_close(net.statistics[0, 1], variances.detach())
    initial_share = 0.9**5
    torch.testing.assert_close(
        (net.statistics[0, 1] - initial_share) * n / (n - 1) + initial_share,
        oracle[1].running_var,
    )


def test_prediction_leaves_running_statistics_alone():
    net = batch_normed()
    before = net.statistics.clone()
    net(rows(20))
    assert torch.equal(net.statistics, before)


def test_weighted_batch_norm_is_that_of_repeated_rows():
    counts = torch.tensor([1, 3, 2, 1, 4])
    weighted, repeated = batch_normed(), batch_normed()
    raw, _ = weighted(rows(5), replace(TRAINING, row_weight=0.7 * counts.double()))
    raw_repeated, _ = repeated(rows(5).repeat_interleave(counts, 0), TRAINING)
    torch.testing.assert_close(raw.repeat_interleave(counts, 1), raw_repeated)
    torch.testing.assert_close(weighted.statistics, repeated.statistics)


def test_batch_norm_of_one_row_uses_the_running_statistics():
    net = batch_normed()
    for seed in range(3):
        net(rows(20, seed=seed), TRAINING)
    before = net.statistics.clone()
    torch.testing.assert_close(net(rows(1), TRAINING)[0], net(rows(1))[0])
    assert torch.equal(net.statistics, before)


def dropped(rate, hidden=(50,), seed=0):
    """A network whose outputs are its hidden units, all 1 before dropout."""
    net = network(Architecture((1, *hidden, *hidden[-1:]), 0, dropout=rate), seed=seed)
    for matrix, bias, _ in net.weights.layers[:-1]:
        matrix.zero_()
        bias.fill_(1.0)
    net.weights.layers[-1].matrix.copy_(torch.eye(hidden[-1]))
    net.weights.layers[-1].bias.zero_()
    return net


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_expectation(rate):
    units = dropped(rate)(torch.ones(2000, 1, dtype=torch.float64), TRAINING)[0]
    is_dropped = units == 0
    standard_error = np.sqrt(rate * (1 - rate) / units.numel())
    assert is_dropped.double().mean().item() == pytest.approx(rate, abs=5 * standard_error)
    torch.testing.assert_close(
        units[~is_dropped], torch.full_like(units[~is_dropped], 1 / (1 - rate))
    )
    # Each unit and each row draws for itself.
    assert is_dropped.double().mean(1).unique().numel() > 10
    assert is_dropped.double().mean(2).unique().numel() > 5


def test_dropout_is_off_in_prediction():
    units = dropped(0.5)(torch.ones(20, 1, dtype=torch.float64))[0]
    assert torch.equal(units, torch.ones_like(units))


def test_dropout_repeats_with_its_generator():
    x = torch.ones(20, 1, dtype=torch.float64)
    net, same, other = dropped(0.5, seed=3), dropped(0.5, seed=3), dropped(0.5, seed=4)
    first = net(x, TRAINING)[0]
    assert torch.equal(first, same(x, TRAINING)[0])
    assert not torch.equal(first, other(x, TRAINING)[0])
    assert not torch.equal(first, net(x, TRAINING)[0])


def drawn(architecture, weight_init="glorot", seed=0):
    """Initial values as arrays, layer by layer, and the constants."""
    raw = np.arange(1.0, 1 + architecture.sizes[-1])
    random_state = np.random.RandomState(seed)
    flat = initial_weights(architecture, raw, np.full(2, 7.0), weight_init, random_state)
    assert flat.dtype == np.float64
    weights = Weights(architecture, torch.from_numpy(flat[None]))
    layers = [
        [array[0].numpy() for array in layer if array is not None] for layer in weights.layers
    ]
    return layers, weights.constants


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("weight_init", ["glorot", "he"])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_training_starts_as_the_null_model(hidden, weight_init, batch_norm):
    architecture = Architecture((3, *hidden, 2), n_constants=2, batch_norm=batch_norm)
    layers, constants = drawn(architecture, weight_init)
    assert not layers[-1][0].any()
    np.testing.assert_array_equal(layers[-1][1], [[1.0, 2.0]])
    np.testing.assert_array_equal(constants, [[7.0, 7.0]])
    assert all((gain == 1).all() for _, _, *gains in layers[:-1] for gain in gains)


@pytest.mark.parametrize(("activation", "gain"), [("relu", 6), ("tanh", 6), ("logistic", 2)])
def test_glorot_is_uniform_within_its_bounds(activation, gain):
    layers, _ = drawn(Architecture((200, 100, 300, 1), 2, activation=activation))
    for (matrix, bias), fans in zip(layers[:-1], [300, 400], strict=True):
        bound = np.sqrt(gain / fans)
        assert np.abs(matrix).max() < bound
        assert np.abs(matrix).max() == pytest.approx(bound, rel=1e-3)
        assert np.abs(bias).max() < bound
        assert np.abs(bias).max() > 0.9 * bound
        assert abs(matrix.mean()) < 5 * matrix.std() / np.sqrt(matrix.size)
        assert matrix.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)


def test_he_is_normal_with_variance_two_over_fan_in():
    layers, _ = drawn(Architecture((200, 100, 300, 1), 2), "he")
    for (matrix, bias), fan_in in zip(layers[:-1], [200, 100], strict=True):
        # The standard deviation of 20,000 draws has a relative error of 0.5 %.
        assert matrix.std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.02)
        assert np.abs(matrix).max() > 3 * matrix.std()
        assert not bias.any()


def test_initial_weights_repeat_with_their_seed():
    architecture = Architecture((3, 4, 1), 2)
    first, same, other = (drawn(architecture, seed=seed)[0][0][0] for seed in [0, 0, 1])
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_state_is_a_copy_that_load_goes_back_to():
    net = batch_normed()
    state, before = net.state(), net(rows(20))[0]
    net.weights.flat.add_(1)
    net(rows(20), TRAINING)
    assert not torch.equal(net(rows(20))[0], before)
    net.load_state(state)
    assert torch.equal(net(rows(20))[0], before)


# The way back ------------------------------------------------------------------------------------


def differentiable(net, weights, x, row_weight, kept):
    """Raw outputs by functions that torch differentiates; `kept` units are given."""
    architecture = net.architecture
    learned = Weights(architecture, weights)
    waves, (*hidden, (matrix, bias, _)) = learned.waves, learned.layers
    rows = x.expand(len(weights), *x.shape[-2:])
    n_plain = architecture.sizes[0]
    h = rows[:, :, :n_plain]
    for k, table in enumerate(learned.tables):
        vectors = torch.cat([table, torch.zeros_like(table[:, :1])], dim=1)
        codes = rows[:, :, n_plain + k].long()
        of_members = [vectors[member][codes[member]] for member in range(len(weights))]
        h = torch.cat([h, torch.stack(of_members)], dim=2)
    if waves:
        frequency, phase = (array.unsqueeze(1) for array in waves)
        seen = h[:, :, : n_plain if architecture.waves is None else None]
        seen = seen if architecture.waves is None else seen[:, :, list(architecture.waves)]
        cosines = torch.cos(2 * torch.pi * (phase + frequency * seen.unsqueeze(-1)))
        h = torch.cat([h, cosines.flatten(2)], dim=2)
    if architecture.gates:
        h = h * 10 * learned.gates[:, :, architecture.gates_of_first_layer]
    activation = TORCH_ACTIVATIONS[architecture.activation]()
    for (layer_matrix, layer_bias, gain), mask in zip(hidden, kept, strict=True):
        h = h @ layer_matrix
        if gain is not None:
            share = (row_weight / row_weight.sum(-1, keepdim=True)).unsqueeze(-1)
            mean = (share * h).sum(-2, keepdim=True)
            variance = (share * (h - mean) ** 2).sum(-2, keepdim=True)
            h = (h - mean) / torch.sqrt(variance + 1e-5) * gain
        h = activation(h + layer_bias) * mask
    return h @ matrix + bias, learned.constants


@pytest.mark.parametrize("own_rows", [False, True])
@pytest.mark.parametrize("n_frequencies", [0, 2])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_way_back_is_that_of_automatic_differentiation(
    activation, hidden, batch_norm, dropout, n_frequencies, own_rows
):
    params = {"dropout": dropout, "batch_norm": batch_norm, "n_frequencies": n_frequencies}
    net = network(Architecture((3, *hidden, 2), 2, activation=activation, **params), n_members=2)
    x = torch.stack([rows(20), rows(20, seed=2)]) if own_rows else rows(20)
    generator = torch.Generator().manual_seed(3)
    row_weight = torch.rand(x.shape[:-1], generator=generator, dtype=torch.float64)
    d_raw = torch.randn(2, 20, 2, generator=generator, dtype=torch.float64)
    d_constants = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    one_pass = Pass(net, 20)
    for _ in range(2):  # the second one in memory that the first has written to
        raw, constants = one_pass.forward(x, Mode(row_weight, momentum=0.1, drop=True))
        gradient = one_pass.backward(d_raw.clone(), d_constants)
    dropped_layers = [layer for layer in one_pass._layers if isinstance(layer, Dropout)]
    kept = [layer._kept for layer in dropped_layers] or [1.0] * len(hidden)
    weights = net.weights.flat.clone().requires_grad_()
    expected = differentiable(net, weights, x, row_weight, kept)
    for found, other in zip((raw, constants), expected, strict=True):
        torch.testing.assert_close(found, other.detach(), rtol=1e-10, atol=1e-10)
    (other,) = torch.autograd.grad(expected, weights, (d_raw, d_constants))
    torch.testing.assert_close(gradient, other, rtol=1e-9, atol=1e-9)


INPUTS = {
    "vectors": {"embeddings": ((4, 2), (3, 3))},
    "vectors and cosines": {"embeddings": ((4, 2),), "n_frequencies": 2},
    "some cosines": {"n_frequencies": 2, "waves": (0, 2)},
    "gates": {"gates": (0, 1, 1)},
    "all": {
        "embeddings": ((4, 2), (3, 3)),
        "n_frequencies": 2,
        "waves": (2,),
        "gates": (1, 0, 0, 3, 2),
    },
}


@pytest.mark.parametrize("own_rows", [False, True])
@pytest.mark.parametrize("name", INPUTS)
def test_the_way_back_to_what_is_learned_of_inputs(name, own_rows):
    architecture = Architecture((3, 4, 2), 0, activation="tanh", **INPUTS[name])
    net = network(architecture, n_members=2)
    generator = torch.Generator().manual_seed(3)
    codes = [
        torch.randint(0, 1 + n, (2, 20, 1), generator=generator) for n, _ in architecture.embeddings
    ]
    x = torch.cat([torch.stack([rows(20), rows(20, seed=2)]), *codes], dim=2)
    x = x if own_rows else x[0]
    d_raw = torch.randn(2, 20, 2, generator=generator, dtype=torch.float64)
    one_pass = Pass(net, 20)
    for _ in range(2):
        raw, _ = one_pass.forward(x, Mode())
        gradient = one_pass.backward(d_raw.clone(), torch.zeros(2, 0).double())
    weights = net.weights.flat.clone().requires_grad_()
    expected, _ = differentiable(net, weights, x, None, [1.0])
    torch.testing.assert_close(raw, expected.detach(), rtol=1e-10, atol=1e-10)
    (other,) = torch.autograd.grad(expected, weights, d_raw)
    torch.testing.assert_close(gradient, other, rtol=1e-9, atol=1e-9)


def test_a_batch_of_one_row_goes_back_through_the_running_statistics():
    net = batch_normed()
    for seed in range(3):
        net(rows(20, seed=seed), TRAINING)
    one_pass, x = Pass(net, 1), rows(1)
    one_pass.forward(x, TRAINING)
    gradient = one_pass.backward(torch.ones(1, 1, 2).double(), torch.zeros(1, 0).double())
    step = 1e-6 * torch.randn(gradient.shape, generator=torch.Generator().manual_seed(0)).double()
    net.weights.flat.add_(step)
    above = net(x)[0].sum()
    net.weights.flat.sub_(2 * step)
    change = (above - net(x)[0].sum()) / 2
    torch.testing.assert_close(change, (gradient * step).sum(), rtol=1e-5, atol=0)
