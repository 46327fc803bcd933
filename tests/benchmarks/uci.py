"""How good are the predicted distributions on the standard UCI splits, beside other libraries?

Fits every model to the training rows of every split, judges it on the test rows, prints a table and
stores one row for each fit. Nothing is chosen by test rows. Run from the checkout::

    python tests/benchmarks/uci.py --data ../shared/data/uci --save docs/uci.csv
    python tests/benchmarks/uci.py --sets yacht boston --splits 5 --models sklnll ngboost
    python tests/benchmarks/uci.py --table docs/uci.csv

The folder holds a file ``<set>.npz`` for each set with the arrays X, y, train_index and test_index
(a split each row). "ngboost" needs ``pip install ngboost``.
"""

import argparse
import csv
import os
import time
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import NLLRegressor
from sklnll.distributions import Normal
from sklnll.predictive import ContinuousPredictive

SETS = ["boston", "concrete", "energy", "kin8nm", "wine-red", "yacht"]
COLUMNS = ["set", "split", "model", "nll", "crps", "rmse", "coverage", "seconds"]
HIDDEN = (128, 128)


# Models: from training rows to a function that predicts distributions ----------------------------


def sklnll_with(distribution="student_t", **params):
    """The fixed setting: all defaults but the family and five members."""

    def fit(X, y, seed):
        params_of_fit = {"n_estimators": 5, "random_state": seed, **params}
        return NLLRegressor(distribution, **params_of_fit).fit(X, y).predict_dist

    return fit


CANDIDATES = {
    "student_t": {"distribution": "student_t"},
    "laplace": {"distribution": "laplace"},
    "normal": {"distribution": "normal"},
}


def chosen_within(X, y, seed):
    """The candidate whose members predict their own held-out training rows best; 20 members."""

    def held_out_score(name):
        net = NLLRegressor(**CANDIDATES[name], n_estimators=5, random_state=seed)
        return net.fit(X, y).best_validation_score_

    best = max(CANDIDATES, key=held_out_score)
    net = NLLRegressor(**CANDIDATES[best], n_estimators=20, random_state=seed)
    return net.fit(X, y).predict_dist


def mlp_with_residual_variance(X, y, seed):
    """A perceptron of the same size on all rows; the spread is that on rows held out before."""

    def perceptron():
        net = MLPRegressor(HIDDEN, max_iter=1000, random_state=seed)
        net = make_pipeline(StandardScaler(), net)
        return TransformedTargetRegressor(net, transformer=StandardScaler())

    X_train, X_held, y_train, y_held = train_test_split(X, y, test_size=0.15, random_state=seed)
    scale = np.std(y_held - perceptron().fit(X_train, y_train).predict(X_held))
    net = perceptron().fit(X, y)

    def predict_dist(X_test):
        loc = net.predict(X_test)
        return ContinuousPredictive(Normal(), {"loc": loc, "scale": np.full(len(loc), scale)})

    return predict_dist


def ngboost(X, y, seed):
    """As in its paper: stages chosen on a fifth of the rows, then fitted again on all of them."""
    from ngboost import NGBRegressor

    X_train, X_held, y_train, y_held = train_test_split(X, y, test_size=0.2, random_state=seed)
    trial = NGBRegressor(n_estimators=2000, verbose=False, random_state=seed)
    trial.fit(X_train, y_train, X_val=X_held, Y_val=y_held, early_stopping_rounds=50)
    n_stages = (trial.best_val_loss_itr or 1999) + 1
    net = NGBRegressor(n_estimators=n_stages, verbose=False, random_state=seed).fit(X, y)

    def predict_dist(X_test):
        return ContinuousPredictive(Normal(), dict(net.pred_dist(X_test).params))

    return predict_dist


MODELS = {
    "marginal": sklnll_with(Normal(loc="constant", scale="constant"), n_estimators=1, max_iter=1),
    "mlp": mlp_with_residual_variance,
    "ngboost": ngboost,
    "sklnll": sklnll_with(),
    "sklnll normal": sklnll_with("normal"),
    "sklnll laplace": sklnll_with("laplace"),
    "sklnll, one member": sklnll_with(n_estimators=1),
    "sklnll, chosen": chosen_within,
}


# Scores ------------------------------------------------------------------------------------------


def scores(dist, y):
    """Mean scores on test rows, in y's units; the point is the mean, or the median without one."""
    low, high = dist.interval(0.9).T
    mean = dist.mean()
    point = np.where(np.isfinite(mean), mean, dist.median())
    return {
        "nll": -dist.log_prob(y).mean(),
        "crps": dist.crps(y).mean(),
        "rmse": np.sqrt(np.mean((point - y) ** 2)),
        "coverage": np.mean((low <= y) & (y <= high)),
    }


def run(folder, sets, models, n_splits):
    """Yield a row of the results for each fit."""
    for name in sets:
        file = np.load(folder / f"{name}.npz")
        X, y = file["X"].astype(float), file["y"].astype(float)
        for split in range(n_splits):
            train, test = file["train_index"][split], file["test_index"][split]
            for model in models:
                start = time.perf_counter()
                predict_dist = MODELS[model](X[train], y[train], split)
                seconds = time.perf_counter() - start
                result = scores(predict_dist(X[test]), y[test])
                yield {
                    "set": name,
                    "split": split,
                    "model": model,
                    **{key: f"{value:.6g}" for key, value in result.items()},
                    "seconds": f"{seconds:.3g}",
                }


def table(rows):
    """Means over the splits, with the standard error of the negative log-likelihood, as text."""
    cells = defaultdict(list)
    for row in rows:
        cells[row["set"], row["model"]].append([float(row[key]) for key in COLUMNS[3:]])
    lines = ["| set | model | NLL | ± | CRPS | RMSE | 90 % coverage | seconds | splits |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for (name, model), values in cells.items():
        nll, crps, rmse, coverage, seconds = np.mean(values, axis=0)
        error = stats.sem([value[0] for value in values]) if len(values) > 1 else np.nan
        lines.append(
            f"| {name} | {model} | {nll:.3f} | {error:.3f} | {crps:.4g} | {rmse:.4g} | "
            f"{coverage:.3f} | {seconds:.1f} | {len(values)} |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("SKLNLL_UCI"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--save", type=Path, help="append the rows to this file")
    parser.add_argument("--table", type=Path, help="print the table of this file, and fit nothing")
    args = parser.parse_args()
    if args.table:
        with args.table.open() as file:
            print(table(csv.DictReader(file)))
        return
    if args.data is None or not args.data.is_dir():
        parser.error(
            f"--data (or $SKLNLL_UCI) must name the folder of the sets, such as boston.npz; got "
            f"{args.data}."
        )
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = []
    for row in run(args.data, args.sets, args.models, args.splits):
        rows.append(row)
        print(*row.values(), flush=True)
        if args.save:
            is_new = not args.save.exists()
            with args.save.open("a", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS)
                if is_new:
                    writer.writeheader()
                writer.writerow(row)
    print(table(rows))


if __name__ == "__main__":
    main()
