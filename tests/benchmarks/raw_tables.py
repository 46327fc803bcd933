"""Which raw tables are there, of which kind is their y, and how are their rows split?

A frame is handed on as pandas reads it: text, gaps and skew stay as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

MOST_ROWS = 16_000
"""Training rows beyond these are left out, or boosting takes hours."""


def _log(name):
    return lambda frame: np.log(frame[name].to_numpy(dtype=float))


def _plain(name):
    return lambda frame: frame[name].to_numpy()


def _labels(name):
    return lambda frame: frame[name].to_numpy(dtype=object)


def _days(frame):
    """Lower and upper ends; half a day where the day of the entry was the last."""
    days = frame["futime"].clip(lower=0.5).to_numpy()
    return np.column_stack([days, np.where(frame["death"] == 1, days, np.inf)])


@dataclass(frozen=True)
class Table:
    """Where y comes from: its kind, how it is read, and which columns tell too much of it."""

    kind: str  # "real", "count", "label" or "censored"
    y: Callable[[pd.DataFrame], np.ndarray]
    not_x: tuple[str, ...]


TABLES = {
    "churn": Table("label", _labels("churn"), ("churn",)),
    "adult": Table("label", _labels("income"), ("income",)),
    "ames": Table("real", _log("Sale_Price"), ("Sale_Price",)),
    "diamonds": Table("real", _log("price"), ("price",)),
    "rwm5yr": Table("count", _plain("docvis"), ("docvis",)),
    # The cause of death is known only of the dead.
    "flchain": Table("censored", _days, ("futime", "death", "chapter")),
}
"""What is known of files of comma-separated values; of others, the column "y", else the last."""


def find(folders):
    """Name -> path of all tables in the folders: in their own `tables` and `uci`, if they have any.

    A name counts where it is found first.
    """
    paths = {}
    for folder in folders:
        inside = [folder / name for name in ("tables", "uci") if (folder / name).is_dir()]
        for place in inside or [folder]:
            for path in sorted(place.iterdir()):
                name, _, ending = path.name.partition(".")
                if ending in ("npz", "csv", "csv.gz"):
                    paths.setdefault(name, path)
    return paths


def read(name, path, split):
    """Kind of y, and X_train, y_train, X_test, y_test of a split: frames and arrays."""
    if path.suffix == ".npz":
        kind, X, y, train, test = _from_arrays(path, split)
    else:
        kind, X, y = _from_frame(name, path)
        train, test = _drawn(y, kind, split)
    train = train[:MOST_ROWS]
    return kind, X.iloc[train], y[train], X.iloc[test], y[test]


def _from_frame(name, path):
    frame = pd.read_csv(path)
    table = TABLES.get(name) or _guessed(frame)
    return table.kind, frame.drop(columns=list(table.not_x)), table.y(frame)


def _guessed(frame):
    """Text and truth values are labels, all other y are real numbers."""
    name = "y" if "y" in frame else frame.columns[-1]
    is_real = pd.api.types.is_numeric_dtype(frame[name]) and frame[name].dtype != bool
    return (
        Table("real", _plain(name), (name,)) if is_real else Table("label", _labels(name), (name,))
    )


def _from_arrays(path, split):
    """Stored splits: indices with a line each, or masks with a column each."""
    file = np.load(path)
    X = pd.DataFrame(file["X"]).add_prefix("x")
    y = file["y"].astype(float).reshape(len(X))
    if "train_index" in file:
        train, test = file["train_index"][split], file["test_index"][split]
    elif "test" in file:
        is_test = file["test"][:, split].astype(bool)
        train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    else:
        train, test = _drawn(y, "real", split)
    return "real", X, y, train, test


def _drawn(y, kind, split):
    strata = y if kind == "label" else None
    return train_test_split(np.arange(len(y)), test_size=0.2, random_state=split, stratify=strata)
