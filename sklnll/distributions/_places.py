"""Where does a label stand among the classes?"""

from typing import Any

import numpy as np


def places_of(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Find the positions of labels in `classes`; -1 for a label that is not there.

    Labels are the same where Python says that they are equal: 1 is 1.0 and True, and no "1".

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of int, of shape (n_samples,)
    """
    labels, classes = _in_one_unit(labels, classes)
    position = {label: place for place, label in enumerate(classes.tolist())}
    return np.array([position.get(label, -1) for label in labels.tolist()], dtype=int)


def in_the_type_of(y: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return labels in y's type, or as they are where that would change any of them."""
    if y.dtype.kind == labels.dtype.kind == "U":
        return labels  # which may be longer than those of y
    with np.errstate(all="ignore"):
        try:
            cast = labels.astype(str if y.dtype.kind == "U" else y.dtype)
        except (TypeError, ValueError, OverflowError):
            return labels
    same = places_of(cast, labels) == np.arange(len(labels))
    return cast if same.all() else labels


def _in_one_unit(labels: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Express dates and durations of numpy in the finer of both units, as whole numbers."""
    if labels.dtype.kind == "O" and classes.dtype.kind in "mM":
        labels = _as_if(labels, classes.dtype)
    elif classes.dtype.kind == "O" and labels.dtype.kind in "mM":
        classes = _as_if(classes, labels.dtype)
    if labels.dtype.kind != classes.dtype.kind or labels.dtype.kind not in "mM":
        return labels, classes
    unit: Any = np.promote_types(labels.dtype, classes.dtype)
    return labels.astype(unit).view(np.int64), classes.astype(unit).view(np.int64)


def _as_if(labels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Make dates of numpy out of those of other libraries, where all of them are dates."""
    try:
        return labels.astype(np.dtype(f"{dtype.kind}8[us]"))
    except (TypeError, ValueError):
        return labels
