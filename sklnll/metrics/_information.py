"""How much information is there in probabilities, and how much is lost by wrong ones?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import rel_entr, xlogy


def entropy(p: ArrayLike, *, base: float = np.e) -> np.ndarray:
    """Entropy H(p) = -sum(p * log(p)) of rows of probabilities.

    Parameters
    ----------
    p : array-like of shape (..., n_classes)
        Rows that sum to one.
    base : float, default=e
        Of the logarithm: e for nats, 2 for bits, 10 for decimal digits.

    Returns
    -------
    ndarray of shape (...)
        0 where one class is certain, log(n_classes) where all are equally probable.
    """
    p = _check_probabilities(p, "p")
    return -xlogy(p, p).sum(axis=-1) / np.log(base)


def cross_entropy(p: ArrayLike, q: ArrayLike, *, base: float = np.e) -> np.ndarray:
    """Cross-entropy H(p, q) = -sum(p * log(q)): the mean log-loss of predicting q where p is true.

    It is H(p) + KL(p || q): least, and equal to the entropy, where q is p. Of a label that was
    observed, p is 1 for it, and H(p, q) = -log(q) of that label.

    Parameters
    ----------
    p : array-like of shape (..., n_classes)
        True probabilities, rows that sum to one.
    q : array-like of shape (..., n_classes)
        Predicted ones; shapes broadcast.
    base : float, default=e
        Of the logarithm: e for nats, 2 for bits, 10 for decimal digits.

    Returns
    -------
    ndarray of shape (...)
        Infinite where q excludes what p allows.

    Examples
    --------
    >>> from sklnll.metrics import cross_entropy
    >>> cross_entropy([1, 0, 0], [0.1, 0.7, 0.2], base=10).round(3)
    np.float64(1.0)
    """
    p, q = _check_probabilities(p, "p"), _check_probabilities(q, "q")
    with np.errstate(divide="ignore"):
        return -xlogy(p, q).sum(axis=-1) / np.log(base)


def kl_divergence(p: ArrayLike, q: ArrayLike, *, base: float = np.e) -> np.ndarray:
    """Kullback-Leibler divergence KL(p || q) = sum(p * log(p / q)) of rows of probabilities.

    What predicting q instead of the true p costs on average.

    Parameters
    ----------
    p : array-like of shape (..., n_classes)
        True probabilities, rows that sum to one.
    q : array-like of shape (..., n_classes)
        Predicted ones; shapes broadcast.
    base : float, default=e
        Of the logarithm: e for nats, 2 for bits, 10 for decimal digits.

    Returns
    -------
    ndarray of shape (...)
        0 where q is p, infinite where q excludes what p allows.

    References
    ----------
    S. Kullback and R. Leibler (1951). On information and sufficiency.
    doi:10.1214/aoms/1177729694
    """
    p, q = _check_probabilities(p, "p"), _check_probabilities(q, "q")
    return rel_entr(p, q).sum(axis=-1) / np.log(base)


def _check_probabilities(p: ArrayLike, name: str) -> np.ndarray:
    p = np.asarray(p, dtype=float)
    sums = p.sum(axis=-1)
    if not ((p >= 0).all() and np.allclose(sums, 1)):
        raise ValueError(
            f"{name} must hold rows of probabilities, none negative, each row with sum 1; found "
            f"values from {p.min():g} to {p.max():g} and sums from {sums.min():g} to "
            f"{sums.max():g}."
        )
    return p
