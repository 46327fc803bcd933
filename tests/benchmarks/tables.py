"""How good are predicted distributions on raw tables, with text and gaps, beside boosting?

Fits every model to the frames as pandas reads them, judges it on the test rows, and stores a row
for each fit at once, in the place of that of the same set, model and split. Nothing is chosen by
test rows. Run from the checkout, with ``pip install -e .[benchmark]``::

    python tests/benchmarks/tables.py --data ../shared/data --save docs/tables.csv
    python tests/benchmarks/tables.py --data ... --tables churn --models sklnll catboost \
        --splits 0 1 2
    python tests/benchmarks/tables.py --table docs/tables.csv

Each folder (``SKLNLL_DATA`` may name one, too) holds files ``<table>.npz`` (arrays X and y, and
splits: ``train_index`` and ``test_index``, or the columns of the mask ``test``) and
``<table>.csv`` or ``.csv.gz`` (y is what `raw_tables.py` says, else the column "y", else the last
one), or has them in its folders ``tables`` and ``uci``. Where no splits are stored they are
``train_test_split(test_size=0.2, random_state=split)``, stratified for labels; the first 16,000
training rows are used. Models whose library is not there are left out and named, as are kinds of y
that a model cannot predict.

NLL, CRPS, RMSE (of the mean), accuracy, and the share of test rows in their 90 % interval are in
y's units. *Worst* is the greatest loss of a test row beyond that of the fit without x (normal,
negative binomial, Weibull, or shares of labels), averaged over the splits. Seconds of *fit* and
*predict* are those of all threads of the process together; ``OMP_NUM_THREADS`` says how many each
library may use (default: 1).
"""

import argparse
import os
import sys
from pathlib import Path

# BLAS reads these as numpy loads it: its kernels are its own choice, and all use as many threads.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
THREADS = int(os.environ.setdefault("OMP_NUM_THREADS", "1"))
for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(THREADS)

from comparison import read, replace, table

# isort: split
import platform
import time
import warnings
from importlib.metadata import version

import numpy as np
import raw_tables
import torch
from raw_models import LIBRARIES, MODELS, RefusalError, marginal
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_info

from sklnll.metrics import (
    continuous_ranked_probability_score,
    interval_coverage,
    negative_log_likelihood,
)

SCORES = ["NLL", "CRPS", "RMSE", "accuracy", "coverage", "worst", "fit", "predict"]


# A fit -------------------------------------------------------------------------------------------


def scores(kind, dist, null, y):
    """Of the test rows; what is not defined for the kind of y is left out."""
    loss = negative_log_likelihood(y, dist, per_row=True)
    beyond = loss - negative_log_likelihood(y, null, per_row=True)
    found = {"NLL": loss.mean(), "worst": beyond.max()}
    if kind == "label":
        return {**found, "accuracy": np.mean(dist.mode() == y)}
    if kind == "censored":
        return found
    return {
        **found,
        "CRPS": continuous_ranked_probability_score(y, dist),
        "RMSE": np.sqrt(np.mean((dist.mean() - y) ** 2)),
        "coverage": interval_coverage(y, dist, coverage=0.9),
    }


def fitted(name, path, split, model):
    """The scores and processor seconds of one fit, and how many rows and columns it saw."""
    kind, X_train, y_train, X_test, y_test = raw_tables.read(name, path, split)
    start = time.process_time()
    predict = MODELS[model](kind, X_train, y_train, split, THREADS)
    done = time.process_time()
    dist = predict(X_test)
    seconds = {"fit": done - start, "predict": time.process_time() - done}
    null = marginal(kind, X_train, y_train, split, THREADS)(X_test)
    found = {**scores(kind, dist, null, y_test), **seconds}
    shown = {score: f"{found[score]:.6g}" if score in found else "" for score in SCORES}
    return {**shown, "size": f"{len(X_train):,} x {X_train.shape[1]}"}


def machine():
    """The processor, the libraries of products of numpy and torch, and how many threads."""
    pools = [pool for pool in threadpool_info() if "numpy" in pool["filepath"]]
    of_numpy = " ".join(
        f"{pool['internal_api']} {pool['version']} {pool.get('architecture')}" for pool in pools
    )
    return f"{_processor()}; numpy: {of_numpy}; torch: {_blas_of_torch()}; threads: {THREADS}"


def _blas_of_torch():
    """MKL, linked into torch, tells nobody but torch."""
    lines = torch.__config__.show().splitlines()
    named = [line.strip(" -").split("-Product")[0] for line in lines if "Math Kernel" in line]
    return named[0] if named else "not MKL"


def _processor():
    """With the family and model, where the name alone says little."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    lines = (line.split(":", 1) for line in info.read_text().split("\n\n")[0].splitlines())
    known = {key.strip(): value.strip() for key, value in lines}
    name = known.get("model name", platform.machine())
    return f"{name}, family {known.get('cpu family')}, model {known.get('model')}"


def run(paths, models, splits, failed):
    """Yield a row of the results for each fit that was possible, and name those that `failed`."""
    for name, path in paths.items():
        for split in splits:
            for model in models:
                try:
                    result = fitted(name, path, split, model)
                except (RefusalError, ImportError) as reason:
                    print(f"{name}, {model}: left out, {reason}", flush=True)
                    continue
                except Exception as error:  # one library's fault is not the others'
                    failed.append(f"{name}, split {split}, {model}: {error!r}")
                    print("failed:", failed[-1], flush=True)
                    continue
                row = {"set": name, "split": str(split), "model": model, **result}
                library = LIBRARIES.get(model, "sklnll")
                yield {**row, "library": f"{library} {version(library)}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given = [Path(os.environ["SKLNLL_DATA"])] if "SKLNLL_DATA" in os.environ else []
    parser.add_argument("--data", nargs="+", type=Path, default=given, help="folders of the tables")
    parser.add_argument("--tables", nargs="+", help="default: all that the folder has")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--splits", nargs="+", type=int, default=[0], help="default: 0")
    parser.add_argument("--save", type=Path, help="store the rows in this file as they come")
    parser.add_argument("--table", type=Path, help="print the table of this file, and fit nothing")
    args = parser.parse_args()
    if args.table:
        print(table(read(args.table)))
        return
    paths = _paths(parser, args)
    where = machine()
    print(where, flush=True)
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows, failed = [], []
    for row in run(paths, args.models, args.splits, failed):
        rows.append({**row, "machine": where})
        print(*row.values(), flush=True)
        if args.save:
            replace(args.save, rows[-1])
    if rows:
        print(table(rows))
    if failed:
        sys.exit("\n".join(["failed:", *failed]))


def _paths(parser, args):
    if not args.data or not all(folder.is_dir() for folder in args.data):
        parser.error(
            "--data or SKLNLL_DATA must name folders with tables, churn.csv.gz, ...; got "
            f"{[str(folder) for folder in args.data]}"
        )
    found = raw_tables.find(args.data)
    unknown = set(args.tables or []) - set(found)
    if unknown:
        parser.error(f"unknown tables {sorted(unknown)}; there are {sorted(found)}")
    return {name: found[name] for name in args.tables or found}


if __name__ == "__main__":
    main()
