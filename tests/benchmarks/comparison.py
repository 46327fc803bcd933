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
    """A model: the regressor with five members and all defaults, but for `params`.

    X is single precision, which halves the time and changes nothing else that can be measured.
    """

    def fit(X, y, seed):
        settings = {"n_estimators": 5, "random_state": seed, **params}
        return NLLRegressor(distribution, **settings).fit(X.astype(np.float32), y).predict_dist

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
                start = time.process_time()  # of this process: others may be running
                predict = fit(X_train, y_train, split)
                seconds = time.process_time() - start
                result = {**scores(predict(X_test), y_test), "seconds": seconds}
                shown = {name: f"{value:.6g}" for name, value in result.items()}
                yield {"set": task, "split": split, "model": model, **shown}


def append(path, row):
    """Add a row to a file of comma-separated values, with a header where it is new."""
    is_new = not path.exists()
    if not is_new and _columns(path) != list(row):
        raise ValueError(
            f"{path} has columns {_columns(path)}; got {list(row)}. Name another file."
        )
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def _columns(path):
    with path.open() as file:
        return next(csv.reader(file))


def replace(path, row):
    """Add a row to such a file, in the place of that of the same set, model and split, if any.

    The rows are sorted, and the file is written anew and then moved: whoever reads it meanwhile
    reads whole rows.
    """
    rows = {_key(old): old for old in (read(path) if path.exists() else [])} | {_key(row): row}
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    for key in sorted(rows):
        append(beside, rows[key])
    beside.replace(path)


def _key(row):
    return row["set"], row["model"], int(row["split"])


def read(path):
    """The rows of a file that `append` wrote."""
    with path.open() as file:
        return list(csv.DictReader(file))


def _by_set(rows):
    """Names of the scores, and set -> model -> split -> scores as an array, NaN where left empty.

    Columns of text say where and how the scores were taken.
    """
    others = [name for name in rows[0] if name not in ("set", "split", "model")]
    names = [name for name in others if all(_is_score(row[name]) for row in rows)]
    sets = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        scores = np.array([float(row[name] or "nan") for name in names])
        sets[row["set"]][row["model"]][row["split"]] = scores
    return names, sets


def _is_score(value):
    try:
        float(value or "nan")
    except ValueError:
        return False
    return True


def _models(sets):
    return list(dict.fromkeys(model for of_set in sets.values() for model in of_set))


def _first_scores(splits):
    return np.array([scores[0] for scores in splits.values()])


def _standard_error(values):
    return stats.sem(values) if len(values) > 1 else np.nan


def _markdown(header, lines):
    written = ["| " + " | ".join(cells) + " |" for cells in (header, *lines)]
    return "\n".join([written[0], "|" + "---|" * len(header), *written[1:]])


def table(rows):
    """Means over the splits, the first score with its standard error, as a table of markdown."""
    names, sets = _by_set(rows)
    first, *others = names
    lines = []
    for task, of_set in sets.items():
        for model, splits in of_set.items():
            mean = np.mean(list(splits.values()), axis=0)
            error = _standard_error(_first_scores(splits))
            numbers = [_cell(mean[0], ".3f"), _cell(error, ".3f")]
            numbers += [_cell(value, ".3g") for value in mean[1:]]
            lines.append([task, model, *numbers, str(len(splits))])
    return _markdown(["set", "model", first, "±", *others, "splits"], lines)


def _cell(value, form):
    return "" if np.isnan(value) else f"{value:{form}}"


def wide(rows):
    """Means of the first score: a line for each set, a column for each model."""
    sets = _by_set(rows)[1]
    models = _models(sets)
    lines = [
        [task, *(f"{_first_scores(of_set[model]).mean():.3f}" for model in models)]
        for task, of_set in sets.items()
    ]
    return _markdown(["set", *models], lines)


def differences(rows, base):
    """How much the first score exceeds that of a model on the same splits, with its error."""
    sets = _by_set(rows)[1]
    lines = [
        [model, *(_difference(of_set[model], of_set[base]) for of_set in sets.values())]
        for model in _models(sets)
        if model != base
    ]
    return _markdown(["model", *sets], lines)


def _difference(splits, base):
    gained = [splits[split][0] - base[split][0] for split in splits if split in base]
    return f"{np.mean(gained):+.3f} ± {_standard_error(gained):.3f}" if gained else ""


def ratios_to(base, rows):
    """(what, where, model, threads) -> its seconds over those of `base`, repeat by repeat."""
    seconds = defaultdict(dict)
    for row in rows:
        key = row["what"], row["where"], row["model"], row["threads"]
        seconds[key][row["repeat"]] = float(row["seconds"])
    return {
        (what, where, model, threads): [
            own[repeat] / seconds[what, where, base, threads][repeat] for repeat in own
        ]
        for (what, where, model, threads), own in seconds.items()
    }


def ratios(base, rows):
    """Medians over the repeats of the ratio to the time of `base`, and their quartiles."""
    lines = []
    for (what, where, model, threads), values in ratios_to(base, rows).items():
        if model != base:
            low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
            spread = f"{low:.2f} to {high:.2f}"
            lines.append([what, where, model, threads, f"{middle:.2f}", spread])
    header = ["what", "rows x columns, hidden units, batch", "model", "threads"]
    return _markdown([*header, "ratio", "quartiles"], lines)


def figure(rows, target):
    """Save a panel for each set: the models' first scores, and two standard errors of them."""
    import matplotlib.pyplot as plt

    (first, *_), sets = _by_set(rows)
    models = _models(sets)
    n_columns = min(3, len(sets))
    n_lines = -(-len(sets) // n_columns)
    size = 3.4 * n_columns, (0.8 + 0.22 * len(models)) * n_lines
    fig, panels = plt.subplots(n_lines, n_columns, figsize=size, sharey=True, squeeze=False)
    for panel in panels.flat[len(sets) :]:
        panel.axis("off")
    for panel, (task, of_set) in zip(panels.flat, sets.items(), strict=False):
        for place, model in enumerate(models):
            if model in of_set:
                values = _first_scores(of_set[model])
                color = "C0" if model.startswith("sklnll") else "0.45"
                error = 2 * _standard_error(values)
                panel.errorbar(values.mean(), place, xerr=error, fmt="o", ms=4, color=color)
        panel.set_title(task, fontsize=9)
        panel.tick_params(labelsize=8)
        panel.grid(axis="x", alpha=0.3)
    panels[0, 0].set_yticks(range(len(models)), models)
    panels[0, 0].set_ylim(len(models) - 0.5, -0.5)
    fig.supxlabel(f"{first} of the test rows; lower is better", fontsize=9)
    fig.tight_layout()
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "sklnll"}):
        fig.savefig(target, metadata={"Date": None})


def main(doc, tasks, models, scores, parser=None):
    """Run what the command line asks for; `tasks` may be a function of the parsed arguments."""
    parser = parser or argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--sets", nargs="+", help="default: all")
    parser.add_argument("--models", nargs="+", choices=models, default=list(models))
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--save", type=Path, help="append the rows to this file")
    parser.add_argument("--table", type=Path, help="print the table of this file, and fit nothing")
    parser.add_argument("--against", help="with --table: print differences from this model")
    parser.add_argument("--wide", action="store_true", help="with --table: print models as columns")
    parser.add_argument("--figure", type=Path, help="with --table: save the figure of it here")
    args = parser.parse_args()
    if args.table:
        rows = read(args.table)
        if args.against:
            print(differences(rows, args.against))
        else:
            print((wide if args.wide else table)(rows))
        if args.figure:
            figure(rows, args.figure)
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
