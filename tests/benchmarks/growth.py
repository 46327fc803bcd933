"""Does the time of training grow in proportion to rows and members?

Seconds of one more epoch: those of a fit of several epochs less those of a fit of one, over their
number. Run from the checkout, on a quiet machine::

    OMP_NUM_THREADS=1 python tests/benchmarks/growth.py
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklnll import MLP_DEFAULTS, NLLRegressor

ROWS = [1_000, 10_000, 100_000, 1_000_000, 10_000_000]
MEMBERS = [1, 2, 5, 10, 20]


def seconds_of_an_epoch(n_rows, n_estimators=1, repeats=3):
    """The least of some repetitions."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, 5), dtype=np.float32)
    y = X[:, 0] + rng.standard_normal(n_rows, dtype=np.float32)
    more = max(1, 300_000 // n_rows)

    def fit(epochs):
        settings = {**MLP_DEFAULTS, "hidden_layer_sizes": (50,), "batch_size": min(500, n_rows)}
        net = NLLRegressor(**settings, n_estimators=n_estimators, random_state=0)
        net.set_params(max_iter=epochs, n_iter_no_change=epochs)
        start = time.process_time()
        net.fit(X, y)
        return time.process_time() - start

    return min((fit(1 + more) - fit(1)) / more for _ in range(repeats))


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("| rows | members | seconds of an epoch | microseconds a row and member |")
    print("|---|---|---|---|")
    for n_rows, n_estimators in [(n, 1) for n in ROWS] + [(100_000, m) for m in MEMBERS[1:]]:
        seconds = seconds_of_an_epoch(n_rows, n_estimators)
        each = 1e6 * seconds / n_rows / n_estimators
        print(f"| {n_rows:,} | {n_estimators} | {seconds:.3g} | {each:.3f} |", flush=True)


if __name__ == "__main__":
    main()
