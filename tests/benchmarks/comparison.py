"""What do benchmarks that compare models on splits of data sets share?"""

import argparse
import csv
import os
import time
import warnings
from collections import defaultdict
from pathlib import Path

# Small products: threads would only wait for each other, and for those of other processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

from sklnll import NLLRegressor
from sklnll.distributions import Normal


def network(distribution="student_t", **params):
    """A model: the regressor with five members and all defaults, but for `params`."""

    def fit(X, y, seed):
        settings = {"n_estimators": 5, "random_state": seed, **params}
        return NLLRegressor(distribution, **settings).fit(X, y).predict_dist

    return fit


MARGINAL = network(Normal(loc="constant", scale="constant"), n_estimators=1, solver="lbfgs")
"""A model: the normal distribution without x."""


def run(tasks, models, scores, n_splits):
    """Yield a row of the results for each fit.

    Parameters
    ----------
    tasks : dict of str to callable
        Name of a set -> from the number of a split to X_train, y_train, X_test, y_test.
    models : dict of str to callable
        Name -> from X, y, seed to a function that predicts from X.
    scores : callable
        From what is predicted and y to a dict of scores, the first of which decides.
    n_splits : int
    """
    for task, rows_of in tasks.items():
        for split in range(n_splits):
            X_train, y_train, X_test, y_test = rows_of(split)
            for model, fit in models.items():
                start = time.perf_counter()
                predict = fit(X_train, y_train, split)
                seconds = time.perf_counter() - start
                result = {**scores(predict(X_test), y_test), "seconds": seconds}
                shown = {name: f"{value:.6g}" for name, value in result.items()}
                yield {"set": task, "split": split, "model": model, **shown}


def append(path, row):
    """Add a row to a file of comma-separated values, with a header where it is new."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def table(rows):
    """Means over the splits, the first score with its standard error, as a table of markdown."""
    cells = defaultdict(list)
    for row in rows:
        names = [name for name in row if name not in ("set", "split", "model")]
        cells[row["set"], row["model"]].append([float(row[name]) for name in names])
    first, *others = names
    lines = ["| " + " | ".join(["set", "model", first, "±", *others, "splits"]) + " |"]
    lines.append("|" + "---|" * (len(names) + 4))
    for (task, model), values in sorted(cells.items(), key=lambda item: item[0][0]):
        mean = np.mean(values, axis=0)
        error = stats.sem([value[0] for value in values]) if len(values) > 1 else np.nan
        numbers = [f"{mean[0]:.3f}", f"{error:.3f}", *(f"{value:.3g}" for value in mean[1:])]
        lines.append("| " + " | ".join([task, model, *numbers, str(len(values))]) + " |")
    return "\n".join(lines)


def main(doc, tasks, models, scores, parser=None):
    """Run what the command line asks for; `tasks` may be a function of the parsed arguments."""
    parser = parser or argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--sets", nargs="+", help="default: all")
    parser.add_argument("--models", nargs="+", choices=models, default=list(models))
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--save", type=Path, help="append the rows to this file")
    parser.add_argument("--table", type=Path, help="print the table of this file, and fit nothing")
    args = parser.parse_args()
    if args.table:
        with args.table.open() as file:
            print(table(csv.DictReader(file)))
        return
    found = tasks(parser, args) if callable(tasks) else tasks
    unknown = set(args.sets or []) - set(found)
    if unknown:
        parser.error(f"unknown sets {sorted(unknown)}; there are {sorted(found)}")
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = []
    chosen = {name: found[name] for name in args.sets or found}
    for row in run(chosen, {name: models[name] for name in args.models}, scores, args.splits):
        rows.append(row)
        print(*row.values(), flush=True)
        if args.save:
            append(args.save, row)
    print(table(rows))
