"""Threads and processes side by side: each computes what it would alone, and finds what it had."""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from sklnll import NLLRegressor
from sklnll._network import compute
from sklnll._network.compute import AsFound, threads_for
from sklnll.distributions import DISTRIBUTIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TESTS = Path(__file__).parent
needs_own_setters = pytest.mark.skipif(
    [torch.set_num_threads] == compute._SETTERS, reason="the libraries beneath torch are not seen"
)


def run(code):
    """Run code in a fresh process, which must end well; return what it printed."""
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_new_thread(function):
    """What the function returns in a thread that has never used torch."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


# The number of torch's threads -------------------------------------------------------------------


@pytest.fixture(params=["own", "torch's"])
def three_threads(request, monkeypatch):
    """torch is allowed three, which is set by the libraries beneath it, or by torch alone."""
    if request.param == "torch's":
        monkeypatch.setattr(compute, "_SETTERS", [torch.set_num_threads])
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield request.param
    torch.set_num_threads(before)


def test_a_block_computes_with_its_number_and_puts_back_the_one_before(three_threads):
    with threads_for(1.0):
        assert torch.get_num_threads() == 1
        with threads_for(1e9):  # all that is allowed here
            assert torch.get_num_threads() == 1
    with threads_for(1e9, at_most=2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == 3
    assert in_new_thread(torch.get_num_threads) == 3


@needs_own_setters
@pytest.mark.parametrize("three_threads", ["own"], indirect=True)
def test_a_thread_that_begins_while_another_fits_has_the_number_of_the_process(three_threads):
    with threads_for(1.0):
        assert in_new_thread(torch.get_num_threads) == 3
    assert in_new_thread(torch.get_num_threads) == 3


def test_a_thread_that_began_with_one_does_not_put_one_back_for_all(three_threads):
    """It begins inside of one fit, and fits when that one is over."""
    is_inside, is_over = Event(), Event()

    def begin_early():
        torch.get_num_threads()
        is_inside.set()
        is_over.wait(10)
        with threads_for(1.0):
            pass

    with threads_for(1.0):
        thread = Thread(target=begin_early)
        thread.start()
        is_inside.wait(10)
    is_over.set()
    thread.join()
    assert torch.get_num_threads() == 3
    assert in_new_thread(torch.get_num_threads) == 3


@needs_own_setters
@pytest.mark.parametrize("three_threads", ["own"], indirect=True)
def test_a_thread_with_a_number_of_its_own_changes_no_other(three_threads):
    def work():
        torch.set_num_threads(2)
        torch_is = in_new_thread(torch.get_num_threads)
        with threads_for(1.0):
            pass
        return torch.get_num_threads(), in_new_thread(torch.get_num_threads) == torch_is

    assert in_new_thread(work) == (2, True)
    assert torch.get_num_threads() == 3
    with threads_for(1.0):
        pass
    assert in_new_thread(torch.get_num_threads) == 2  # as that thread has left it


def test_fits_in_several_threads_give_the_bits_of_each_alone(three_threads, draw_rows, make_net):
    names = ["normal", "gamma", "weibull", "categorical", "normal", "gamma", "weibull", "poisson"]

    def weights(k):
        net = make_net(names[k], (4,), max_iter=3, solver="lbfgs" if k > 3 else "adam")
        return net.fit(*draw_rows(names[k])).weights_

    alone = [weights(k) for k in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(weights, range(8)))
    for one, other in zip(alone, together, strict=True):
        assert_array_equal(one, other)
    assert torch.get_num_threads() == 3
    assert in_new_thread(torch.get_num_threads) == 3


def test_what_a_block_inside_has_not_put_back_is_put_back():
    before = torch.get_num_threads(), torch.is_grad_enabled(), np.geterr()
    try:
        torch.set_num_threads(2)
        with AsFound():
            torch.set_num_threads(1)
            torch.set_grad_enabled(False)
            np.seterr(all="ignore")
        assert (torch.get_num_threads(), torch.is_grad_enabled(), np.geterr()) == (2, *before[1:])
    finally:
        torch.set_num_threads(before[0])


# Another process ---------------------------------------------------------------------------------

FITS = """
import json, sys, warnings
import conftest
from test_threads import hash_of_fit
from sklearn.exceptions import ConvergenceWarning
from sklnll.distributions import DISTRIBUTIONS

warnings.simplefilter("ignore", ConvergenceWarning)
filters = list(warnings.filters)
functions = conftest._draw_rows, conftest._make_net
hashes = {name: hash_of_fit(name, *functions) for name in DISTRIBUTIONS}
assert warnings.filters == filters
assert "sympy" not in sys.modules, "sympy is imported in the midst of a fit"
print(json.dumps(hashes))
"""


def hash_of_fit(name, draw_rows, make_net):
    """The bits of the weights after a few steps, and of a prediction."""
    X, y = draw_rows(name)
    net = make_net(name, (4,), max_iter=2, tol=1e9).fit(X, y)
    bits = [net.weights_, *net.predict_dist(X).params.values()]
    return hashlib.sha256(b"".join(value.tobytes() for value in bits)).hexdigest()


def test_a_fresh_process_finds_the_same_bits_and_imports_nothing_on_the_way(draw_rows, make_net):
    there = json.loads(run(FITS))
    assert there == {name: hash_of_fit(name, draw_rows, make_net) for name in DISTRIBUTIONS}


# A law of torch that imports sympy, interrupted by a real signal in the midst of the import.
INTERRUPT_THE_IMPORT = """
import os, signal, sys, warnings
import numpy as np, torch
from sklnll import NLLRegressor
from sklearn.exceptions import ConvergenceWarning
from sklnll.distributions import FromTorch, UNIT_INTERVAL, Beta

warnings.simplefilter("ignore", ConvergenceWarning)

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "sympy.core.sympify":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

class Own(Beta):
    def log_prob(self, y, **params):
        torch.broadcast_shapes((2, 1), (1, 3))
        return super().log_prob(y, **params)

rng = np.random.default_rng(0)
X, y = rng.normal(size=(30, 2)), rng.uniform(0.1, 0.9, 30)
family = {family}
net = NLLRegressor(family, hidden_layer_sizes=(3,), max_iter=5, random_state=0, tol=1e9)
filters = list(warnings.filters)
assert "sympy" not in sys.modules
sys.meta_path.insert(0, Interrupt())
try:
    net.fit(X, y)
except KeyboardInterrupt:
    assert not net.__sklearn_is_fitted__()
else:
    raise AssertionError("it was not interrupted")
weights = net.fit(X, y).weights_
np.testing.assert_array_equal(net.fit(X, y).weights_, weights)
import sympy
assert sympy.core and sympy.simplify("x + x") == 2 * sympy.Symbol("x")
assert warnings.filters == filters
"""


@pytest.mark.long
@pytest.mark.parametrize(
    "family", ["FromTorch(torch.distributions.Kumaraswamy, y_support=UNIT_INTERVAL)", "Own()"]
)
def test_an_interrupted_import_is_whole_afterwards(family):
    run(INTERRUPT_THE_IMPORT.replace("{family}", family))


# Many times --------------------------------------------------------------------------------------


def used():
    """Megabytes, descriptors and threads of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    n_threads = len(list(Path("/proc/self/task").iterdir()))
    n_open = len(list(Path("/proc/self/fd").iterdir()))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, n_open, n_threads


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")
@pytest.mark.parametrize("n_cycles", [20, pytest.param(500, marks=pytest.mark.long)])
def test_nothing_grows_with_the_number_of_fits(n_cycles):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 20))
    y = X[:, 0] + rng.normal(size=2000)

    def cycle(k):
        solver = ["adam", "lbfgs"][k % 2]
        net = NLLRegressor("normal", (8,), solver=solver, max_iter=1, tol=1e9, random_state=k)
        net.fit(X, y).predict_dist(X).log_prob(y)

    for k in range(10):
        cycle(k)
    before = used()
    for k in range(n_cycles):
        cycle(k)
    after = used()
    assert after[0] - before[0] < 8
    assert after[1:] == before[1:]
