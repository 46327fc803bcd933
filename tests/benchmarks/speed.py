"""How long do fits and predictions take, beside scikit-learn's perceptrons and other libraries?

The same network, batches, epochs, optimizer and precision for all. Each model is timed in turn,
several times; the table gives the median of the ratios to scikit-learn's time. The threads are set
from outside, once each. Run from the checkout, on a quiet machine::

    OMP_NUM_THREADS=1 python tests/benchmarks/speed.py --save docs/speed.csv
    OMP_NUM_THREADS=2 python tests/benchmarks/speed.py --save docs/speed.csv
    python tests/benchmarks/speed.py --table docs/speed.csv --figure docs/speed.svg

"skorch" needs ``pip install skorch``, and is left out where it is absent.
"""

import argparse
import os
import time
import warnings
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

THREADS = int(os.environ.setdefault("OMP_NUM_THREADS", "1"))
os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

# isort: split
import numpy as np
import torch
from comparison import append, ratios, ratios_to, read
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklnll import MLP_DEFAULTS, NLLClassifier, NLLRegressor

BASE = "scikit-learn"

# Work: rows, columns, hidden units, rows of a batch, epochs ---------------------------------------

FITS = {
    "2,000 x 10, (50,), 32": (2_000, 10, (50,), 32, 40),
    "2,000 x 10, (100,), 200": (2_000, 10, (100,), 200, 120),
    "20,000 x 20, (100,), 200": (20_000, 20, (100,), 200, 12),
    "20,000 x 20, (256, 256), 256": (20_000, 20, (256, 256), 256, 6),
    "50,000 x 90, (512, 512), 1024": (50_000, 90, (512, 512), 1024, 3),
}
LABELS = {
    "1,800 x 64, (50,), 32, 10 labels": (1_800, 64, (50,), 32, 30),
    "1,800 x 64, (100,), 200, 10 labels": (1_800, 64, (100,), 200, 100),
}


def data(n_rows, n_features, n_labels=None):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_features)).astype(np.float32)
    signal = np.sin(2 * X[:, 0]) + X[:, 1] + 0.3 * rng.normal(size=n_rows)
    if n_labels is None:
        return X, signal.astype(np.float32)
    return X, np.digitize(signal, np.quantile(signal, np.arange(1, n_labels) / n_labels))


# Models: from a task to something that does it ---------------------------------------------------


def perceptron(cls, hidden, batch_size, epochs):
    return cls(
        hidden_layer_sizes=hidden,
        batch_size=batch_size,
        max_iter=epochs,
        n_iter_no_change=epochs,
        random_state=0,
    )


def ours(cls, hidden, batch_size, epochs, **params):
    settings = {**MLP_DEFAULTS, "hidden_layer_sizes": hidden, "random_state": 0, **params}
    return cls(batch_size=batch_size, max_iter=epochs, n_iter_no_change=epochs, **settings)


def skorch_net(n_features, hidden, batch_size, epochs):
    from skorch import NeuralNetRegressor
    from torch import nn

    fans = [n_features, *hidden]
    layers = [
        layer
        for fan_in, fan_out in pairwise(fans)
        for layer in (nn.Linear(fan_in, fan_out), nn.ReLU())
    ]
    net = nn.Sequential(*layers, nn.Linear(fans[-1], 2))
    params = {"max_epochs": epochs, "batch_size": batch_size, "train_split": None, "verbose": 0}
    return NeuralNetRegressor(
        net, criterion=_NormalLoss, optimizer=torch.optim.Adam, lr=0.001, **params
    )


class _NormalLoss(torch.nn.Module):
    def forward(self, raw, y):
        return torch.nn.functional.gaussian_nll_loss(
            raw[:, :1], y, torch.nn.functional.softplus(raw[:, 1:]).square()
        )


def fits():
    """(what, where, model) -> a function that does the work once."""
    work = {}
    for name, (n_rows, n_features, hidden, batch, epochs) in FITS.items():
        X, y = data(n_rows, n_features)
        nets = {
            BASE: perceptron(MLPRegressor, hidden, batch, epochs),
            "sklnll": ours(NLLRegressor, hidden, batch, epochs),
            "sklnll, five members": ours(NLLRegressor, hidden, batch, epochs, n_estimators=5),
        }
        work |= {("fit", name, model): _fit(net, X, y) for model, net in nets.items()}
        if find_spec("skorch") and batch <= 200:
            net = skorch_net(n_features, hidden, batch, epochs)
            work["fit", name, "skorch"] = _fit(net, X, y[:, None])
    for name, (n_rows, n_features, hidden, batch, epochs) in LABELS.items():
        X, y = data(n_rows, n_features, n_labels=10)
        nets = {
            BASE: perceptron(MLPClassifier, hidden, batch, epochs),
            "sklnll": ours(NLLClassifier, hidden, batch, epochs),
        }
        work |= {("fit", name, model): _fit(net, X, y) for model, net in nets.items()}
    return work


def _fit(net, X, y):
    return lambda: net.fit(X, y)


def predictions():
    X, y = data(1_000_000, 20)
    plain = perceptron(MLPRegressor, (100,), 200, 2).fit(X[:2000], y[:2000])
    net = ours(NLLRegressor, (100,), 200, 2).fit(X[:2000], y[:2000])
    where = "1,000,000 x 20, (100,)"
    return {
        ("predict", where, BASE): lambda: plain.predict(X),
        ("predict", where, "sklnll"): lambda: net.predict(X),
        ("predict", where, "sklnll, distribution and its 90 % interval"): (
            lambda: net.predict_dist(X).interval(0.9)
        ),
    }


# Timing ------------------------------------------------------------------------------------------


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--save", type=Path, help="append the rows to this file")
    parser.add_argument("--table", type=Path, help="print the table of this file, and time nothing")
    parser.add_argument("--figure", type=Path, help="with --table: save the figure of it here")
    args = parser.parse_args()
    if args.table:
        rows = read(args.table)
        print(ratios(BASE, rows))
        if args.figure:
            figure(rows, args.figure)
        return
    warnings.simplefilter("ignore", ConvergenceWarning)
    torch.set_num_threads(THREADS)
    rows = []
    tasks = {**fits(), **predictions()}
    for repeat in range(args.repeats):
        for (what, where, model), work in tasks.items():
            row = {"what": what, "where": where, "model": model, "threads": THREADS}
            row |= {"repeat": repeat, "seconds": f"{seconds(work):.4g}"}
            rows.append({name: str(value) for name, value in row.items()})
            if args.save:
                append(args.save, row)
    print(ratios(BASE, rows))


def figure(rows, target):
    """Save the medians of the ratios, a line for each task."""
    import matplotlib.pyplot as plt

    found = ratios_to(BASE, rows)
    tasks = list(dict.fromkeys((what, where, threads) for what, where, _, threads in found))
    models = list(dict.fromkeys(model for _, _, model, _ in found if model != BASE))
    fig, ax = plt.subplots(figsize=(7.5, 0.28 * len(tasks) + 1.2))
    for number, model in enumerate(models):
        places, medians = zip(
            *(
                (place, np.median(found[what, where, model, threads]))
                for place, (what, where, threads) in enumerate(tasks)
                if (what, where, model, threads) in found
            ),
            strict=True,
        )
        ax.plot(medians, places, "o", color=f"C{number}", ms=5, label=model)
    ax.axvline(1, color="0.45", lw=1)
    ax.set_xscale("log")
    ax.set_xticks([0.1, 0.2, 0.5, 1, 2, 5, 10], ["0.1", "0.2", "0.5", "1", "2", "5", "10"])
    ax.set_yticks(range(len(tasks)), [f"{a} {b}; threads: {c}" for a, b, c in tasks], fontsize=8)
    ax.invert_yaxis()
    ax.grid(axis="x", alpha=0.3)
    ax.set_xlabel("time / scikit-learn's time; to the left is faster")
    ax.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.3, 1.12), ncols=2)
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "sklnll"}):
        fig.savefig(target, metadata={"Date": None}, bbox_inches="tight")


if __name__ == "__main__":
    main()
