"""What the tests share: rows for every family, and where real data lies."""

import os
from collections import Counter
from functools import cache
from pathlib import Path

# Tests run side by side; threads of one would only wait for those of another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Figures are drawn without windows.
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest
import torch
from fuzzing import PROFILE, SEED, TRIED, register_profiles
from kinds import estimator_of
from plain import SMALL, plainly
from scipy.special import expit

from sklnll.distributions import Dirichlet, MultivariateNormal, get_distribution
from sklnll.distributions._supports import ANGLE, BINARY, ORDERS, SUCCESSES

torch.set_num_threads(1)
register_profiles()


def pytest_report_header():
    """Say how a long run of hypothesis is tried once more."""
    return f"hypothesis: {PROFILE}" + (f", SKLNLL_HYPOTHESIS_SEED={SEED}" if SEED else "")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Note with the test what hypothesis has tried in it."""
    TRIED.clear()
    try:
        return (yield)
    finally:
        item.user_properties.extend(TRIED.items())


def pytest_terminal_summary(terminalreporter):
    """Say how much hypothesis has tried, in however many processes."""
    total = Counter()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        if report.when == "call":
            for what, n in report.user_properties:
                total[what] += n
    for what, n in sorted(total.items()):
        terminalreporter.write_line(f"hypothesis tried {n} {what}")


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data: $SKLNLL_DATA, or ../shared/data beside the checkout."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SKLNLL_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; SKLNLL_DATA may name another folder")
    return folder


@pytest.fixture(scope="session")
def draw_rows():
    """A function: rows X (n, 3) and a y that suits a family and depends on X."""
    return _draw_rows


def _draw_rows(distribution, n=60, seed=0):
    family = get_distribution(distribution)
    rng = np.random.default_rng(seed)
    X, y = _draw_rows_without_inflation(family, n, rng)
    if "inflation" in family.parameters:
        at_end = rng.uniform(size=n) < expit(X[:, 0] - 1)
        y = np.where(at_end, rng.choice(family.support.atoms or [0.0], n), y)
    return X, y


def _draw_rows_without_inflation(family, n, rng):
    support = family.support
    X = rng.normal(size=(n, 3))
    eta = 0.5 * X[:, 0] - 0.3 * X[:, 1]
    if isinstance(family, MultivariateNormal):
        common, own = rng.normal(size=n), rng.normal(size=(2, n)) * np.exp(0.3 * X[:, 2])
        return X, np.column_stack([5 + eta + common + own[0], 80 - eta + 10 * common - 3 * own[1]])
    if isinstance(family, Dirichlet):
        gamma = rng.gamma(3 * np.exp(np.outer(eta, [-1, 0, 1])))
        return X, gamma / gamma.sum(axis=1, keepdims=True)
    if support.units == "affine":
        return X, 5 + eta + rng.standard_t(5, n) * np.exp(0.3 * X[:, 2])
    if support.units == "ratio":
        return X, 10 * np.exp(eta) * rng.gamma(2.0, size=n)
    if support is ANGLE:
        return X, rng.vonmises(1 + eta, 4.0)
    if support is ORDERS:
        y = (np.outer(eta, [-1, 0, 1]) + rng.gumbel(size=(n, 3))).argsort(axis=1)[:, ::-1]
        return X, np.where(np.arange(3) <= 2 * rng.integers(2, size=(n, 1)), y, -1)
    if support is BINARY:
        return X, (rng.uniform(size=n) < expit(eta)).astype(int)
    if support is SUCCESSES:
        return X, (rng.uniform(size=n) < expit(eta)).astype(float)
    if support.discrete and support.low == 0:
        return X, rng.poisson(np.exp(0.5 + eta)).astype(float)
    if support.discrete:
        return X, (np.outer(eta, [-1, 0, 1]) + rng.gumbel(size=(n, 3))).argmax(axis=1)
    return X, rng.beta(4 * expit(eta), 4 * expit(-eta))


@pytest.fixture(scope="session")
def make_net():
    """A function: the estimator that fits a family, trained plainly, as perceptrons are."""
    return _make_net


def _make_net(distribution, *args, **params):
    family = get_distribution(distribution)
    return plainly(estimator_of(family), distribution, *args, random_state=0, **params)


@pytest.fixture(scope="session")
def make_default_net():
    """The same with the library's own defaults."""
    return _make_default_net


def _make_default_net(distribution, *args, **params):
    estimator = estimator_of(get_distribution(distribution))
    return estimator(distribution, *args, random_state=0, **params)


@pytest.fixture(scope="session")
def fitted():
    """A function: a small net of a family that all tests share, and the rows X, y that it saw.

    Neither is to be changed: `clone` and `deepcopy` give a net that may be.
    """
    return _fitted


@cache
def _fitted(distribution, n_columns=0):
    X, y = _draw_rows(distribution)
    y = np.column_stack([y, *[y[::-1]] * (n_columns - 1)]) if n_columns else y
    X.flags.writeable = y.flags.writeable = False
    return _make_net(distribution, **SMALL).fit(X, y), X, y
