"""A guard against slow steps. Operations are counted, because times depend on the machine."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from plain import plain_classifier, plain_regressor
from torch.utils._python_dispatch import TorchDispatchMode

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


CONVERSIONS = ("lift_fresh", "detach", "to.dtype_layout", "resolve_conj", "resolve_neg")
"""Between numpy and torch, which compute nothing."""


BATCH, UNITS = 10, 8


class Counting(TorchDispatchMode):
    """Counts the operations of torch, and those that make room for as many numbers as a layer."""

    def __init__(self):
        super().__init__()
        self.calls = Counter()
        self.allocating = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls[str(func)] += 1
        known = {storage(value) for value in (*args, *(kwargs or {}).values())}
        result = func(*args, **(kwargs or {}))
        is_large = isinstance(result, torch.Tensor) and result.numel() >= BATCH * UNITS
        if is_large and storage(result) not in known:
            self.allocating[str(func)] += 1
        return result


def storage(value):
    return value.untyped_storage().data_ptr() if isinstance(value, torch.Tensor) else None


def operations(make, y, epochs):
    """Of a fit of 40 batches an epoch: all of them, and those that make room."""
    X = np.random.default_rng(0).normal(size=(len(y), 3)).astype(np.float32)
    with Counting() as counting:
        sizes = {"hidden_layer_sizes": (UNITS,), "batch_size": BATCH, "max_iter": epochs}
        make(**sizes, random_state=0).fit(X, y)
    return counting.calls, counting.allocating


def of_a_step(make, y):
    """Operations of a batch: what more epochs take more, over their batches."""
    found = []
    for more, fewer in zip(operations(make, y, 4), operations(make, y, 2), strict=True):
        more.subtract(fewer)
        found.append(
            {
                name: count / 80
                for name, count in more.items()
                if count and not any(conversion in name for conversion in CONVERSIONS)
            }
        )
    return found


@pytest.mark.parametrize("n_estimators", [1, 5])
def test_a_step_of_the_default_takes_few_operations(n_estimators):
    y = np.random.default_rng(1).normal(size=400)
    calls, _ = of_a_step(lambda **params: plain_regressor(n_estimators=n_estimators, **params), y)
    assert sum(calls.values()) < 22, calls


def test_a_step_of_labels_takes_few_operations():
    y = np.random.default_rng(1).integers(0, 3, 400)
    calls, _ = of_a_step(plain_classifier, y)
    assert sum(calls.values()) < 22, calls


def test_products_of_matrices_are_as_many_as_the_layers_need():
    """Two forth; and back one for each layer's weights, and one between the layers."""
    calls, _ = of_a_step(plain_regressor, np.random.default_rng(1).normal(size=400))
    products = sum(count for name, count in calls.items() if "bmm" in name)
    assert products == pytest.approx(2 + 2 + 1)


def test_steps_make_no_room_for_what_layers_compute():
    """They write in place, or to memory of their own."""
    _, allocating = of_a_step(plain_regressor, np.random.default_rng(1).normal(size=400))
    assert sum(allocating.values()) < 0.5, allocating


def test_predictions_in_blocks_are_those_of_all_rows_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 3)), rng.normal(size=300)
    net = plain_regressor("student_t", (8,), n_estimators=2, max_iter=3, random_state=0).fit(X, y)
    together = net.predict_dist(X).params
    monkeypatch.setattr(
        "sklnll._network.network._NUMBERS_AT_ONCE", 1
    )  # hence blocks of the least size
    assert net.network_.network().rows_at_once < 100
    for name, value in net.predict_dist(X).params.items():
        np.testing.assert_allclose(value, together[name], rtol=1e-12)


def test_training_in_blocks_is_that_of_all_rows_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(900, 3)), rng.normal(size=900), rng.uniform(0, 2, 900)
    net = plain_regressor(
        "student_t", (8,), n_estimators=2, batch_size=35, max_iter=3, early_stopping=True
    )
    curves = []
    for _ in range(2):
        net.set_params(random_state=0).fit(X, y, sample_weight=weight)
        curves.append([*net.loss_curve_, *net.validation_scores_])
        monkeypatch.setattr("sklnll._data.rows._NUMBERS_PICKED", 1)
        monkeypatch.setattr("sklnll._network.network._NUMBERS_AT_ONCE", 1)
    np.testing.assert_allclose(*curves, rtol=1e-12)


def test_fits_and_predictions_side_by_side_are_those_one_by_one():
    """No memory is shared between them."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 3)), rng.normal(size=200)

    def predicted(seed):
        net = plain_regressor(hidden_layer_sizes=(8,), max_iter=10, random_state=seed).fit(X, y)
        return [net.predict(X[k:]) for k in range(5)]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(predicted, range(8)))
    for seed, predictions in enumerate(together):
        for found, alone in zip(predictions, predicted(seed), strict=True):
            np.testing.assert_array_equal(found, alone)
