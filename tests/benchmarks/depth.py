"""Do deeper networks need fewer passes over the data to learn random labels?

The inputs are those of MNIST-1D: ten templates of twelve points, padded, scaled, shifted, sheared
and resampled to forty, with noise. The labels are drawn at random, so that all there is to learn is
the rows themselves. Four networks of about 15,200 parameters, by gradient descent on all rows at
once; training ends where the mean loss falls below 0.01, or after `EPOCHS`. Takes hours. Run from
the checkout::

    OMP_NUM_THREADS=1 python tests/benchmarks/depth.py --save docs/depth.csv

References
----------
S. Greydanus and D. Kobak (2024). Scaling down deep learning with MNIST-1D. arXiv:2011.14439
S. J. D. Prince (2023). Understanding deep learning. MIT Press, chapter 20.
"""

import argparse
import csv
import os
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from joblib import Parallel, delayed
from scipy.ndimage import gaussian_filter1d
from sklearn.exceptions import ConvergenceWarning

from sklnll import MLP_DEFAULTS, NLLClassifier

TEMPLATES = np.array(
    [
        [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
        [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
        [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
        [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
        [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
        [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
        [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
        [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
    ]
)
"""The strokes of the digits 0 to 9."""
N_ROWS, N_POINTS = 4000, 40
HIDDEN = [(298,), (100, 100), (75, 75, 75), (63, 63, 63, 63)]
EPOCHS, AT_ONCE, LOW_LOSS = 200_000, 500, 0.01


def resampled(curve, n_points):
    """The same curve at another number of equidistant points."""
    return np.interp(np.linspace(0, 1, n_points), np.linspace(0, 1, len(curve)), curve)


def example(stroke, rng):
    """One row of X from a template."""
    padded = np.concatenate([stroke + 1e-8, np.zeros(rng.integers(36, 61))])
    x = resampled(padded, len(stroke) + 60) * (1 + 0.4 * rng.uniform(-0.5, 0.5))
    x = np.roll(x, rng.integers(48))
    x = np.where(x != 0, x, gaussian_filter1d(0.25 * rng.normal(size=len(x)), 2))
    x += 0.02 * rng.normal(size=len(x))
    x -= 0.75 * rng.uniform(-0.5, 0.5) * np.linspace(-0.5, 0.5, len(x))
    return resampled(x, N_POINTS)


def mnist_1d(n_rows, rng):
    """Rows of X, as many of each digit, standardized by one mean and one spread."""
    strokes = TEMPLATES - TEMPLATES.mean(axis=1, keepdims=True)
    strokes /= strokes.std(axis=1, keepdims=True)
    strokes = (strokes - strokes[:, :1]) / 6
    X = np.stack([example(stroke, rng) for stroke in np.tile(strokes, (n_rows // 10, 1))])
    return (X - X.mean()) / X.std()


def curve(X, y, hidden_layer_sizes):
    """Rows of the results: the loss and the accuracy after each `AT_ONCE` epochs."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # in each process
    net = NLLClassifier(**MLP_DEFAULTS, solver="sgd", alpha=0, momentum=0, weight_init="he")
    net.set_params(hidden_layer_sizes=hidden_layer_sizes, learning_rate_init=0.0025, tol=0)
    net.set_params(batch_size=len(X), warm_start=True, random_state=0)
    net.set_params(max_iter=1, n_iter_no_change=AT_ONCE).fit(X, y)
    last, rng = net.coefs_[-1], np.random.default_rng(1)
    last[:] = rng.normal(scale=np.sqrt(2 / len(last)), size=last.shape)  # as the layers before it
    rows, net.max_iter = [], AT_ONCE
    for epoch in range(AT_ONCE, EPOCHS + 1, AT_ONCE):
        net.fit(X, y)
        loss = net.loss_curve_[-1]
        rows.append([len(hidden_layer_sizes), epoch, f"{loss:.5f}", f"{net.score(X, y):.5f}"])
        if loss < LOW_LOSS:
            break
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", required=True, type=Path, help="where to store the curves")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    X = mnist_1d(N_ROWS, rng).astype(np.float32)
    y = rng.integers(10, size=N_ROWS)
    curves = Parallel(n_jobs=2)(delayed(curve)(X, y, sizes) for sizes in HIDDEN)
    with options.save.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["hidden_layers", "epoch", "loss", "accuracy"])
        rows.writerows(row for rows_of_one in curves for row in rows_of_one)


if __name__ == "__main__":
    main()
