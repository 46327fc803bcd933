"""A guard against slow steps. Operations are counted, because times depend on the machine."""

from collections import Counter

import numpy as np
import pytest
import torch
from plain import plain_classifier, plain_regressor
from torch.utils._python_dispatch import TorchDispatchMode

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


CONVERSIONS = ("lift_fresh", "detach", "to.dtype_layout", "resolve_conj", "resolve_neg")
"""Between numpy and torch, which compute nothing."""


class Counting(TorchDispatchMode):
    """Counts the operations of torch."""

    def __init__(self):
        super().__init__()
        self.calls = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls[str(func)] += 1
        return func(*args, **(kwargs or {}))


def operations(make, y, epochs):
    """Of a fit of 40 batches an epoch."""
    X = np.random.default_rng(0).normal(size=(len(y), 3)).astype(np.float32)
    with Counting() as counting:
        make(hidden_layer_sizes=(8,), batch_size=10, max_iter=epochs, random_state=0).fit(X, y)
    return counting.calls


def of_a_step(make, y):
    """Operations of a batch: what more epochs take more, over their batches."""
    more, fewer = operations(make, y, 4), operations(make, y, 2)
    more.subtract(fewer)
    return {
        name: count / 80
        for name, count in more.items()
        if not any(conversion in name for conversion in CONVERSIONS)
    }


@pytest.mark.parametrize("n_estimators", [1, 5])
def test_a_step_of_the_default_takes_few_operations(n_estimators):
    y = np.random.default_rng(1).normal(size=400)
    calls = of_a_step(lambda **params: plain_regressor(n_estimators=n_estimators, **params), y)
    assert sum(calls.values()) < 22, calls


def test_a_step_of_labels_takes_few_operations():
    y = np.random.default_rng(1).integers(0, 3, 400)
    calls = of_a_step(plain_classifier, y)
    assert sum(calls.values()) < 22, calls


def test_products_of_matrices_are_as_many_as_the_layers_need():
    """Two forth; and back one for each layer's weights, and one between the layers."""
    calls = of_a_step(plain_regressor, np.random.default_rng(1).normal(size=400))
    products = sum(count for name, count in calls.items() if "bmm" in name)
    assert products == pytest.approx(2 + 2 + 1)


def test_steps_allocate_nothing_that_grows_with_the_batch():
    """Layers write to memory of their own."""
    calls = of_a_step(plain_regressor, np.random.default_rng(1).normal(size=400))
    allocating = {"aten.empty.memory_format", "aten.clone.default", "aten.index_select.default"}
    assert sum(calls.get(name, 0) for name in allocating) < 0.5


def test_predictions_in_blocks_are_those_of_all_rows_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 3)), rng.normal(size=300)
    net = plain_regressor("student_t", (8,), n_estimators=2, max_iter=3, random_state=0).fit(X, y)
    together = net.predict_dist(X).params
    monkeypatch.setattr("sklnll.network._NUMBERS_AT_ONCE", 1)  # hence blocks of the least size
    assert net._network().rows_at_once < 100
    for name, value in net.predict_dist(X).params.items():
        np.testing.assert_allclose(value, together[name], rtol=1e-12)
    assert torch.is_inference_mode_enabled() is False
