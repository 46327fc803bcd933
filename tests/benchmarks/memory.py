"""How much memory does a fit take beside its rows?

The peak of a process's own that fits and predicts, less what it had when X was there. Run from the
checkout::

    python tests/benchmarks/memory.py
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklnll import MLP_DEFAULTS, NLLRegressor

N_ROWS, N_COLUMNS = 1_000_000, 50
SPARSE = (100_000, 50_000)
NON_ZEROS = 50
"""In each sparse row."""


def peak():
    """The largest memory of this process up to now, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def array(folder):
    X = np.random.default_rng(0).standard_normal((N_ROWS, N_COLUMNS), dtype=np.float32)
    return X, X[:, 0].astype(float)


def memory_map(folder):
    """Written by another process, whose memory does not count."""
    X = np.load(folder / "X.npy", mmap_mode="r")
    return X, np.array(X[:, 0], dtype=float)


def csr(folder):
    rng = np.random.default_rng(0)
    columns = rng.integers(SPARSE[1], size=SPARSE[0] * NON_ZEROS)
    values = rng.standard_normal(len(columns), dtype=np.float32)
    X = sparse.csr_array((values, columns, np.arange(0, len(columns) + 1, NON_ZEROS)), SPARSE)
    return X, np.asarray(X[:, :500].sum(axis=1)).ravel()


ROWS = {"array": array, "memory map": memory_map, "sparse": csr}
SETTINGS = {"defaults": {}, "MLP_DEFAULTS": MLP_DEFAULTS}


def measure(rows, settings, folder, pipe):
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = ROWS[rows](folder)
    size = (X.data.nbytes + X.indices.nbytes if sparse.issparse(X) else X.nbytes) / 1e6
    before, start = peak(), time.perf_counter()
    net = NLLRegressor(**{**SETTINGS[settings], "max_iter": 1}, random_state=0).fit(X, y)
    seconds = time.perf_counter() - start
    fitted = peak() - before
    net.predict(X)
    pipe.send((size, fitted, peak() - before, seconds))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    args = parser.parse_args()
    processes = multiprocessing.get_context("spawn")
    print("| X | its MB | settings | MB of fit | MB with predict | seconds of an epoch |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "memory map" in args.rows:
            np.save(folder / "X.npy", array(folder)[0])
        for rows in args.rows:
            for settings in args.settings:
                here, there = processes.Pipe()
                process = processes.Process(target=measure, args=(rows, settings, folder, there))
                process.start()
                size, fitted, whole, seconds = here.recv()
                process.join()
                numbers = f"{fitted:.0f} | {whole:.0f} | {seconds:.1f}"
                print(f"| {rows} | {size:.0f} | {settings} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
