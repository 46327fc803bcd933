"""A fault at any point of a fit leaves the estimator whole, and the process as it was.

Faults are raised at lines of the package: some of them, drawn anew for each way of fitting, or each
one where the environment variable SKLNLL_EVERY_FAULT is set (that takes hours).
"""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import warnings
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.testing import assert_array_equal
from sklearn.model_selection import cross_val_score

import sklnll
from sklnll import NLLClassifier, NLLRanker, NLLRegressor
from sklnll.estimators._base import _ATTRIBUTES_OF_FIT

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PACKAGE = str(Path(sklnll.__file__).parent)
EVERY = "SKLNLL_EVERY_FAULT" in os.environ
N_POINTS = 2

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 2))
Y = {
    NLLRegressor: X[:, 0] + rng.normal(size=24),
    NLLClassifier: np.where(X[:, 0] > 0, "yes", "no"),
    NLLRanker: rng.normal(size=(24, 3)).argsort(axis=1),
}
SMALL = {"hidden_layer_sizes": (3,), "max_iter": 2, "n_frequencies": 2, "random_state": 0}
SOLVERS = ["adam", "sgd", "lbfgs"]
FAULTS = [KeyboardInterrupt, RuntimeError, MemoryError]
WAYS = ["first", "again", "warm_start", "partial_fit"]

each_way = pytest.mark.parametrize(
    ("estimator", "solver", "way"),
    [
        (estimator, solver, way)
        for estimator in Y
        for solver in SOLVERS
        for way in WAYS
        if (solver, way) != ("lbfgs", "partial_fit") and (estimator, way) != (NLLRanker, WAYS[3])
    ],
)


def make(estimator, solver, way):
    """An estimator at the point before the fit that meets a fault."""
    net = estimator(solver=solver, warm_start=way == "warm_start", **SMALL)
    return net if way == "first" else fit(net, way)


def fit(net, way):
    y = Y[type(net)]
    if way != "partial_fit":
        return net.fit(X, y)
    classes = {"classes": ["no", "yes"]} if isinstance(net, NLLClassifier) else {}
    return net.partial_fit(X, y, **classes)


@cache
def expected_weights(estimator, solver, way):
    """Those after the fit without a fault."""
    return fit(make(estimator, solver, way), way).weights_


@contextmanager
def fault_at(point, fault):
    """Raise the fault at this line event of the package; yield the number of those so far."""
    seen = [0]

    def trace(frame, event, arg):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            seen[0] += 1
            if seen[0] == point:
                raise fault
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield seen
    finally:
        sys.settrace(before)


def points(estimator, solver, way):
    """Those to try: all, or as many as there is time for."""
    net = make(estimator, solver, way)
    with fault_at(0, None) as seen:
        fit(net, way)
    if EVERY:
        return range(1, seen[0] + 1)
    seed = [list(Y).index(estimator), SOLVERS.index(solver), WAYS.index(way)]
    return np.random.default_rng(seed).integers(1, seen[0], N_POINTS, endpoint=True).tolist()


def state_of_the_process():
    return {
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "differentiates": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "torch's generator": torch.get_rng_state().tolist(),
        "numpy's generator": repr(np.random.get_state()),  # noqa: NPY002
        "filters": list(warnings.filters),
        "errors": np.geterr(),
        "signals": [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)],
        "folder": Path.cwd(),
    }


def fitted_state(net):
    return {name: value for name, value in vars(net).items() if name in _ATTRIBUTES_OF_FIT}


def is_same(state, other):
    return state.keys() == other.keys() and all(state[name] is other[name] for name in other)


def assert_whole(net, before):
    """It has the fit before, or none, or one that an interrupt ended, or that came to its end."""
    after = fitted_state(net)
    if not after:
        assert not net.__sklearn_is_fitted__()
        return
    if is_same(after, before):
        return
    assert set(_ATTRIBUTES_OF_FIT) - after.keys() <= {"feature_names_in_", "classes_", "n_items_"}
    assert np.isfinite(net.weights_).all()
    assert net.n_iter_ >= 1
    assert net.loss_ == net.loss_curve_[-1]
    if not before:
        assert len(net.loss_curve_) == net.n_iter_
    assert np.isfinite(net.score(X, Y[type(net)]))


@each_way
def test_a_fault_leaves_the_estimator_and_the_process_whole(estimator, solver, way):
    expected = expected_weights(estimator, solver, way)
    for i, point in enumerate(points(estimator, solver, way)):
        for fault in FAULTS if EVERY else [FAULTS[i % 3]]:
            net = make(estimator, solver, way)
            before, process = fitted_state(net), state_of_the_process()
            with suppress(fault), fault_at(point, fault):
                fit(net, way)
            assert state_of_the_process() == process
            assert_whole(net, before)
            if way in ("warm_start", "partial_fit") and not is_same(fitted_state(net), before):
                net = make(estimator, solver, way)
            assert_array_equal(fit(net, way).weights_, expected)


# Real signals ------------------------------------------------------------------------------------

SIGNALS = """
import os, signal, time, warnings
from threading import Timer
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklnll import NLLRegressor
from test_faults import fitted_state, is_same, state_of_the_process

warnings.simplefilter("ignore", ConvergenceWarning)
rng = np.random.default_rng(0)
X = rng.normal(size=(100, 3))
y = X[:, 0] + rng.normal(size=100)


def make(**params):
    return NLLRegressor("normal", (4,), random_state=0, **params)


def is_interrupted(call, delay):
    "Whether the signal, sent after so many seconds, comes out of the call."
    timer = Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        call()
        timer.cancel()
        timer.join()
        time.sleep(0.001)  # here comes one that was sent after the call
    except KeyboardInterrupt:
        timer.join()
        return True
    return False


# At any moment of a short fit.
for params in ({}, {"solver": "lbfgs"}, {"warm_start": True}):
    params["max_iter"] = 5
    net = make(**params).fit(X, y)
    start = time.perf_counter()
    expected = make(**params).fit(X, y).weights_
    seconds = time.perf_counter() - start
    process = state_of_the_process()
    for delay in rng.uniform(0, 1.2 * seconds, N_SIGNALS):
        net = make(**params).fit(X, y) if params.get("warm_start") else make(**params)
        before = fitted_state(net)
        is_interrupted(lambda: net.fit(X, y), delay)
        assert state_of_the_process() == process
        if not is_same(fitted_state(net), before):
            assert net.n_iter_ >= 1 and np.isfinite(net.predict(X)).all()
        np.testing.assert_array_equal(make(**params).fit(X, y).weights_, expected)

# In the midst of a long one: the last good weights predict, and what stands around the fit ends.
long = {"max_iter": 10**6, "n_iter_no_change": np.inf, "learning_rate": "constant"}
net = make(**long)
assert is_interrupted(lambda: net.fit(X, y), 0.3)
assert np.ptp(net.predict(X)) > 1e-3 and len(net.loss_curve_) == net.n_iter_
pipe = make_pipeline(StandardScaler(), make(**long))
assert is_interrupted(lambda: pipe.fit(X, y), 0.3)
assert np.ptp(pipe.predict(X)) > 1e-3
assert is_interrupted(lambda: cross_val_score(make(**long), X, y, cv=3), 0.3)
search = GridSearchCV(make(**long), {"alpha": [1e-4, 1e-3]}, cv=2)
assert is_interrupted(lambda: search.fit(X, y), 0.3)
"""


def run(code):
    """Run code in a fresh process, which must end well."""
    path = os.pathsep.join([str(Path(PACKAGE).parent), str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("n_signals", [5, pytest.param(100, marks=pytest.mark.long)])
def test_control_c_at_any_moment_comes_out_of_fit_and_leaves_a_whole_model(n_signals):
    run(SIGNALS.replace("N_SIGNALS", str(n_signals)))


def test_an_interrupt_says_that_the_estimator_is_fitted(monkeypatch):
    net = NLLRegressor(**{**SMALL, "max_iter": 9})

    def print_and_interrupt(self, record):
        if record.n_iter == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("sklnll._training.monitor._Lines.print", print_and_interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        net.set_params(verbose=True).fit(X, Y[NLLRegressor])
    assert caught.value.__notes__ == ["This NLLRegressor is fitted, with the last good weights."]
    assert net.n_iter_ == len(net.loss_curve_) == 4


def test_an_interrupt_before_the_last_member_begins_leaves_no_ensemble(monkeypatch):
    """One of whose members were never trained would predict, and nobody would know."""
    net = NLLRegressor(solver="lbfgs", n_estimators=3, **{**SMALL, "max_iter": 6})

    def interrupt_at(n_iterations):
        seen = []

        def print_and_interrupt(self, record):
            seen.append(record)
            if len(seen) == n_iterations:
                raise KeyboardInterrupt

        monkeypatch.setattr("sklnll._training.monitor._Lines.print", print_and_interrupt)
        net.set_params(verbose=True)
        with suppress(KeyboardInterrupt):
            net.fit(X, Y[NLLRegressor])
        return len(seen)

    n_all = interrupt_at(0)
    assert net.__sklearn_is_fitted__()
    interrupt_at(3)
    assert not net.__sklearn_is_fitted__()
    interrupt_at(n_all - 1)
    assert net.__sklearn_is_fitted__()


# Full disks, dead workers ------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("dump", [pickle.dump, joblib.dump], ids=["pickle", "joblib"])
@pytest.mark.parametrize("estimator", Y)
def test_a_full_disk_is_told_and_leaves_the_estimator_as_it_was(estimator, dump):
    net = make(estimator, "adam", "again")
    before, predicted = dict(vars(net)), net.predict(X)
    with pytest.raises(OSError, match="No space left"), Path("/dev/full").open("wb") as file:
        dump(net, file)
    assert is_same(vars(net), before)
    assert_array_equal(net.predict(X), predicted)


class DiesInWorker(NLLRegressor):
    """Its process ends in the midst of a fit, unless it is that of the test."""

    def fit(self, X, y):
        if multiprocessing.parent_process() is not None or "LOKY_WORKER" in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


@pytest.mark.long
def test_a_worker_that_is_killed_is_told_and_the_process_goes_on():
    net = DiesInWorker(**SMALL)
    process = state_of_the_process()
    with pytest.raises(TerminatedWorkerError):
        cross_val_score(net, X, Y[NLLRegressor], cv=2, n_jobs=2)
    assert state_of_the_process() == process
    scores = cross_val_score(NLLRegressor(**SMALL), X, Y[NLLRegressor], cv=2, n_jobs=2)
    assert_array_equal(scores, cross_val_score(net, X, Y[NLLRegressor], cv=2))
