"""Where and with how many threads the network computes.

No GPU is needed: torch's "meta" device knows shapes and devices but no numbers. It refuses what
mixes devices, and what looks at a number, which on a GPU would be to wait for it.
"""

import subprocess
import sys

import numpy as np
import pytest
import torch
from distributions.cases import CASES, FAMILIES, NAMES
from plain import plain_classifier, plain_regressor

from sklnll import NLLRegressor
from sklnll._data.rows import MemberRows, Rows
from sklnll._network.compute import find_device
from sklnll._network.head import Head
from sklnll._network.layers import Mode
from sklnll._network.network import Network, Pass
from sklnll._network.weights import Architecture, Weights
from sklnll._training.hyperparameters import Hyperparameters, SolverSettings
from sklnll._training.objective import Objective
from sklnll._training.optimizers import make_optimizer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

META = torch.device("meta")
N_MEMBERS, N_ROWS, N_FEATURES = 2, 7, 3


def meta_rows(name):
    y = CASES[name].sample[:N_ROWS]
    y = y[:, None] if FAMILIES[name].event_ndim else y.reshape(N_ROWS, 1)
    rows = Rows(
        torch.zeros(N_ROWS, N_FEATURES),
        torch.from_numpy(y.astype(float)),
        torch.ones(N_ROWS, dtype=torch.float64),
    )
    return rows.to(META)


def meta_objective(name, **architecture):
    family, size = FAMILIES[name], CASES[name].size
    fixed = {parameter: np.ones(1) for parameter in family.fixed()}
    head = Head(family, 1, size, fixed, META)
    shape = Architecture(
        sizes=(N_FEATURES, 4, head.layout.n_predicted),
        n_constants=head.layout.n_constant,
        **architecture,
    )
    n_weights = sum(int(np.prod(shape)) for shape in shape.shapes)
    weights = torch.empty(N_MEMBERS, n_weights, device=META)
    return Objective(Network(Weights(shape, weights)), head, alpha=1e-4, mean_weight=1.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_stays_on_its_device_and_waits_for_nothing(name):
    objective = meta_objective(name)
    loss, gradient = objective.gradient(meta_rows(name), momentum=0.1, annealing=0.5)
    assert (loss.device, loss.shape) == (META, (N_MEMBERS,))
    assert (gradient.device, gradient.shape) == (META, objective.network.weights.flat.shape)
    assert objective.mean_nll(MemberRows(meta_rows(name), torch.zeros(N_ROWS, device=META))).is_meta


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("learning_rate", ["cosine", "constant"])
def test_the_optimizers_wait_for_nothing(solver, learning_rate):
    weights = meta_objective("normal").network.weights
    given = Hyperparameters.of(NLLRegressor(solver=solver, learning_rate=learning_rate))
    optimizer = make_optimizer(weights, SolverSettings.of(given), n_steps=10)
    optimizer.step(torch.empty_like(weights.flat))


@pytest.mark.parametrize("params", [{"batch_norm": True}, {"n_frequencies": 2}], ids=str)
def test_layers_wait_for_nothing(params):
    network = meta_objective("normal", **params).network
    one_pass = Pass(network, N_ROWS)
    raw, constants = one_pass.forward(torch.empty(N_ROWS, N_FEATURES, device=META), Mode())
    assert one_pass.backward(torch.empty_like(raw), torch.empty_like(constants)).is_meta


@pytest.mark.parametrize("name", ["tpu", "meta", "cuda:x", ""])
def test_unknown_devices_are_named(name):
    with pytest.raises(ValueError, match="device must be 'cpu', 'cuda'"):
        NLLRegressor(device=name).fit(np.zeros((9, 1)), np.arange(9.0))


@pytest.fixture
def without_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_without_cuda_the_cpu_computes_and_fit_says_so(without_cuda, draw_rows):
    X, y = draw_rows("normal")
    params = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
    net = plain_regressor(device="cuda", **params)
    with pytest.warns(UserWarning, match="device='cuda' is not here, the CPU computes"):
        net.fit(X, y)
    here = plain_regressor(**params).fit(X, y)
    np.testing.assert_array_equal(net.predict(X), here.predict(X))


def test_devices_of_cuda_are_counted(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert find_device("cuda") == torch.device("cuda")
    assert find_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ValueError, match="torch sees 2, 'cuda:0' to 'cuda:1'"):
        find_device("cuda:2")


def test_a_device_that_is_not_looked_at_in_an_epoch_trains_the_same(monkeypatch, draw_rows):
    X, y = draw_rows("normal")
    net = plain_regressor(hidden_layer_sizes=(4,), batch_size=10, max_iter=5, random_state=0)
    here = net.fit(X, y).predict(X)
    monkeypatch.setattr("sklnll._training.stochastic._is_at_hand", lambda values: False)
    np.testing.assert_array_equal(net.fit(X, y).predict(X), here)


def test_a_device_that_is_not_looked_at_in_an_epoch_ends_at_the_last_good_one(monkeypatch):
    monkeypatch.setattr("sklnll._training.stochastic._is_at_hand", lambda values: False)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.normal(size=60)
    net = plain_regressor(
        hidden_layer_sizes=(4,), solver="sgd", learning_rate_init=1e30, batch_size=10
    )
    with pytest.warns(match="non-finite loss in iteration 1"):
        net.fit(X, y)
    assert np.isfinite(net.predict(X)).all()


needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


@needs_cuda
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("name", NAMES)
def test_cuda_fits_as_the_cpu_does(name, solver, draw_rows, make_net):
    X, y = draw_rows(name)
    params = {"hidden_layer_sizes": (4,), "solver": solver, "max_iter": 5, "n_estimators": 2}
    here = make_net(name, **params).fit(X, y)
    there = make_net(name, device="cuda", **params).fit(X, y)
    np.testing.assert_allclose(there.weights_, here.weights_, rtol=1e-6, atol=1e-8)
    for parameter, value in there.predict_dist(X).params.items():
        np.testing.assert_allclose(value, here.predict_dist(X).params[parameter], rtol=1e-6)


# Threads -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_threads", "most"), [(None, 3), (2, 2), (8, 3)])
def test_threads_are_no_more_than_asked_for_and_allowed(n_threads, most, monkeypatch, draw_rows):
    monkeypatch.setattr("sklnll._network.compute._WORTH_SHARING", 0.0)
    seen, before = set(), torch.get_num_threads()
    forward = Pass.forward

    def watched(*args):
        seen.add(torch.get_num_threads())
        return forward(*args)

    monkeypatch.setattr(Pass, "forward", watched)
    X, y = draw_rows("bernoulli")
    net = plain_classifier(n_threads=n_threads, hidden_layer_sizes=(4,), max_iter=2)
    try:
        torch.set_num_threads(3)
        net.set_params(tol=1e9).fit(X, y).predict(X)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert seen == {most}


FORK = """
import multiprocessing, warnings
import numpy as np, torch
from sklnll import NLLRegressor

def predicted(net):
    X = np.zeros((50_000, 2))
    dist = net.fit(X[:2000], np.arange(2000.0)).predict_dist(X)
    return dist.log_prob(np.zeros(len(X))).sum()

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(2)
    matrix = torch.ones(2000, 2000)
    (matrix @ matrix).exp().sum()
    net = NLLRegressor(hidden_layer_sizes=(256,), batch_size=2000, max_iter=3, random_state=0)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print(pool.apply_async(predicted, (net,)).get(60) == predicted(net))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_a_process_forked_after_torch_ran_in_parallel_does_not_hang():
    run = subprocess.run(
        [sys.executable, "-c", FORK], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.stdout == "True\n", run.stderr
