"""How is a network trained where the user leaves it to us? Sizes that depend on the rows."""

import math
from typing import Any

MLP_DEFAULTS: dict[str, Any] = {
    "hidden_layer_sizes": (100,),
    "activation": "relu",
    "x_scaling": None,
    "n_frequencies": 0,
    "gated_inputs": False,
    "learning_rate": "constant",
    "learning_rate_init": 0.001,
    "early_stopping": False,
    "validation_fraction": 0.1,
    "weight_decay": 0.0,
    "max_grad_norm": None,
    "annealing": 0.0,
    "ema_decay": 0.0,
}
"""Settings of scikit-learn's multi-layer perceptrons: the same network, optimizer and stopping.

Only the start, at the fit without x, and the units of y remain our own.
"""

_STEPS = 6000
"""Steps of the optimizer that a fit of few rows takes, as long as epochs allow."""
_PATIENCE = 1000
"""Steps after which no improvement is to be expected."""
_EPOCHS = (20, 400)
_BATCH = (32, 1024)
_COSINES = (16, 256)
"""Most cosines of a number, and of all numbers together."""
_LEAST_ROWS_TO_HOLD_OUT = 8
_LONGEST_VECTORS = 8


def batch_size(n_rows: int) -> int:
    """Return the rows of a batch: about twice the root of all rows, in nearly equal batches."""
    low, high = _BATCH
    size = min(max(2 ** round(math.log2(2 * math.sqrt(n_rows))), low), high)
    return math.ceil(n_rows / max(1, round(n_rows / size)))


def epochs(n_rows: int, batch_size: int, *, is_linear: bool = False) -> int:
    """Return the passes over the rows: as many as make `_STEPS` steps, within limits."""
    low, high = _EPOCHS
    high = _STEPS if is_linear else high  # it cannot be overfitted by training for long
    return min(max(math.ceil(_STEPS / math.ceil(n_rows / batch_size)), low), high)


def patience(n_rows: int, batch_size: int) -> int:
    """Return the passes without improvement that end training: as many as make 1000 steps."""
    return math.ceil(_PATIENCE / math.ceil(n_rows / batch_size))


def frequencies(n_numbers: int) -> int:
    """Return how many cosines of each number the first layer sees: few of many numbers."""
    of_each, of_all = _COSINES
    return min(of_each, of_all // max(1, n_numbers))


def width_of_vectors(n_codes: int) -> int:
    """Return the length of the vectors that stand for so many categories."""
    return min(math.ceil(n_codes**0.5 / 2), _LONGEST_VECTORS)


def holds_out(n_rows: int) -> bool:
    """Tell whether this many rows can spare some to stop early by."""
    return n_rows >= _LEAST_ROWS_TO_HOLD_OUT
