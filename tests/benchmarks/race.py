"""How long until the likelihood of NGBoost's 500 stages is reached?

NGBoost, with its defaults, and ours are fitted to the same rows, in turn; of ours the least number
of epochs whose test NLL is no higher counts. Run from the checkout::

    python tests/benchmarks/race.py --data ../shared/data/uci

The folder holds ``kin8nm.npz``. Needs ``pip install ngboost``.
"""

import argparse
from pathlib import Path

from comparison import network  # first: it limits the threads

# isort: split
import time

import numpy as np
import uci

EPOCHS = (2, 5, 10, 20, 40)


def ngboost(X, y, seed):
    from ngboost import NGBRegressor

    net = NGBRegressor(n_estimators=500, verbose=False, random_state=seed).fit(X, y)
    return lambda X_test: uci.normal(net.pred_dist(X_test).params)


def generated(n_rows=50_000, n_test=5_000):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows + n_test, 10))
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + np.exp(0.3 * X[:, 3]) * rng.normal(size=len(X))
    return X[:n_rows], y[:n_rows], X[n_rows:], y[n_rows:]


def timed(fit, X_train, y_train, X_test, y_test):
    start = time.process_time()
    predict = fit(X_train, y_train, 0)
    seconds = time.process_time() - start
    return seconds, uci.scores(predict(X_test), y_test)["NLL"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of kin8nm.npz")
    args = parser.parse_args()
    sets = {
        "kin8nm": uci.task(args.data / "kin8nm.npz", inside=False)(0),
        "generated, 50,000 x 10": generated(),
    }
    print("| set | NGBoost, seconds | its NLL | epochs | seconds | NLL | ratio |")
    print("|" + "---|" * 7)
    for name, rows in sets.items():
        seconds, aim = timed(ngboost, *rows)
        for epochs in EPOCHS:
            ours, reached = timed(network("normal", n_estimators=1, max_iter=epochs), *rows)
            if reached <= aim:
                break
        cells = [f"{seconds:.1f}", f"{aim:.3f}", f"{epochs}", f"{ours:.2f}", f"{reached:.3f}"]
        print("|", " | ".join([name, *cells, f"{ours / seconds:.3f}"]), "|", flush=True)


if __name__ == "__main__":
    main()
