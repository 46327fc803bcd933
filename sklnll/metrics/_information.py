"""How much information is there in a distribution, and how much is lost by predicting another?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import rel_entr, xlogy

from ..predictive import (
    CircularPredictive,
    DiscretePredictive,
    IndicatorPredictive,
    LabelPredictive,
    Predictive,
    PredictiveDistribution,
    encode_labels,
)
from ._checks import check_kind
from ._expectation import mean_loss

_OF_NUMBERS_OR_LABELS = (PredictiveDistribution, LabelPredictive, IndicatorPredictive)


def entropy(p: ArrayLike | Predictive, *, base: float = np.e) -> np.ndarray:
    """Compute the entropy H(p): how uncertain y is.

    For rows of probabilities it is -sum(p * log(p)).

    Parameters
    ----------
    p : array-like of shape (..., n_classes), or Predictive
        Rows that sum to one; or predicted distributions, whose entropy is differential where they
        have densities.
    base : float, default=e
        Base of the logarithm: e for nats, 2 for bits, 10 for decimal digits.

    Returns
    -------
    ndarray of shape (...), or (n_samples,)
        0 where one class is certain, log(n_classes) where all are equally probable. Independent
        outputs are summed.

    Notes
    -----
    The entropy of a prediction is what its method ``entropy`` says, by closed forms where they are
    known; that of ensembles has about 9 digits, of negative binomials 7. ``cross_entropy(p, p)``
    has more.
    """
    if isinstance(p, Predictive):
        return _over_outputs(p.entropy()) / np.log(base)
    p = _check_probabilities(p, "p")
    return -xlogy(p, p).sum(axis=-1) / np.log(base)


def cross_entropy(
    p: ArrayLike | Predictive, q: ArrayLike | Predictive, *, base: float = np.e
) -> np.ndarray:
    """Compute the cross-entropy H(p, q) = -sum(p * log(q)).

    It is the mean log-loss of predicting q where p is true, and H(p) + KL(p || q): least, and equal
    to the entropy, where q is p. Where a label was observed, p is 1 for it, and H(p, q) is -log(q)
    of that label.

    Parameters
    ----------
    p : array-like of shape (..., n_classes), or Predictive
        True probabilities, rows that sum to one; or predicted distributions of numbers or labels.
    q : array-like of shape (..., n_classes), or Predictive
        Predicted probabilities; shapes broadcast. Where p is a Predictive, q is another one of the
        same rows and the same kind of y, of any family.
    base : float, default=e
        Base of the logarithm: e for nats, 2 for bits, 10 for decimal digits.

    Returns
    -------
    ndarray of shape (...), or (n_samples,)
        Infinite where q excludes what p allows. Independent outputs are summed.

    See Also
    --------
    negative_log_likelihood : The loss at an observed y, whose mean over y from p this is.

    Notes
    -----
    For densities it is the integral of -p(y) * log(q(y)), in y's units, for counts a sum, and where
    numbers have both, both. Integrals are computed by quadrature between quantiles of p and q,
    refined until it stays the same: to about 12 digits where the families have their usual
    shapes, 7 where y is too near for floats to an end that is not 0 (`Beta` with most of its
    density at 1), and 3 for a y that was transformed by a map with kinks. An integral that grows
    without end, as of a normal q where p has tails so heavy that it has no variance, is infinite,
    and so is one that is beyond floats.

    References
    ----------
    T. Cover and J. Thomas (2006). Elements of Information Theory, chapter 2.
    doi:10.1002/047174882X

    Examples
    --------
    A mouse, a cat and a dog, and what was predicted of them. In base 10 the loss counts the zeros
    of the probability of what it was: none where that was certain, 1 for a tenth, 2 for a
    hundredth.

    >>> import numpy as np
    >>> from sklnll.metrics import cross_entropy
    >>> animals = ["mouse", "cat", "dog"]
    >>> true = np.eye(3)
    >>> predicted = [[0.8, 0.15, 0.05], [0.6, 0.1, 0.3], [0.01, 0.99, 0.0]]
    >>> cross_entropy(true, predicted, base=10).round(3)
    array([0.097, 1.   ,   inf])
    >>> cross_entropy(true[0], predicted, base=10).round(3)  # had all three been mice
    array([0.097, 0.222, 2.   ])

    Predictions of numbers:

    >>> from sklnll.distributions import Laplace, Normal
    >>> from sklnll.predictive import ContinuousPredictive
    >>> p = ContinuousPredictive(Normal(), {"loc": np.zeros(1), "scale": np.ones(1)})
    >>> q = ContinuousPredictive(Laplace(), {"loc": np.zeros(1), "scale": np.ones(1)})
    >>> cross_entropy(p, q).round(3)  # log(2) + sqrt(2 / pi)
    array([1.491])
    """
    if isinstance(p, Predictive) or isinstance(q, Predictive):
        return _between(p, q, lambda log_p, log_q: -log_q) / np.log(base)
    p, q = _check_probabilities(p, "p"), _check_probabilities(q, "q")
    with np.errstate(divide="ignore"):
        return -xlogy(p, q).sum(axis=-1) / np.log(base)


def kl_divergence(
    p: ArrayLike | Predictive, q: ArrayLike | Predictive, *, base: float = np.e
) -> np.ndarray:
    """Compute the Kullback-Leibler divergence KL(p || q) = sum(p * log(p / q)).

    It is what predicting q instead of the true p costs on average. For numbers it does not depend
    on their units.

    Parameters
    ----------
    p : array-like of shape (..., n_classes), or Predictive
        True probabilities, rows that sum to one; or predicted distributions of numbers or labels.
    q : array-like of shape (..., n_classes), or Predictive
        Predicted probabilities; shapes broadcast. Where p is a Predictive, q is another one of the
        same rows and the same kind of y, of any family.
    base : float, default=e
        Base of the logarithm: e for nats, 2 for bits, 10 for decimal digits.

    Returns
    -------
    ndarray of shape (...), or (n_samples,)
        0 where q is p, infinite where q excludes what p allows. Independent outputs are summed.

    Notes
    -----
    The accuracy for numbers is that of `cross_entropy`.

    References
    ----------
    S. Kullback and R. Leibler (1951). On information and sufficiency.
    doi:10.1214/aoms/1177729694

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.distributions import Normal
    >>> from sklnll.metrics import kl_divergence
    >>> from sklnll.predictive import ContinuousPredictive
    >>> p = ContinuousPredictive(Normal(), {"loc": np.zeros(2), "scale": np.ones(2)})
    >>> q = ContinuousPredictive(Normal(), {"loc": np.array([0.0, 2.0]), "scale": np.ones(2)})
    >>> kl_divergence(p, q).round(12)  # half of the squared distance
    array([0., 2.])
    """
    if isinstance(p, Predictive) or isinstance(q, Predictive):
        return _between(p, q, lambda log_p, log_q: log_p - log_q) / np.log(base)
    p, q = _check_probabilities(p, "p"), _check_probabilities(q, "q")
    return rel_entr(p, q).sum(axis=-1) / np.log(base)


def _between(p: Any, q: Any, loss: Any) -> np.ndarray:
    """Compute the mean loss of predicting q where y comes from p; one number a row."""
    for dist in (p, q):
        check_kind(dist, _OF_NUMBERS_OR_LABELS, "numbers or labels")
    if len(p) != len(q) or _kind_of_y(p) != _kind_of_y(q):
        raise ValueError(
            "p and q must predict the same rows of the same kind of y; got "
            f"{_kind_of_y(p)} for p={p!r} and {_kind_of_y(q)} for q={q!r}."
        )
    if isinstance(p, PredictiveDistribution):
        return _over_outputs(mean_loss(p, q, loss))
    if isinstance(p, LabelPredictive):
        log_p, log_q = p.log_probs, q.log_probs[:, encode_labels(p.classes, q.classes, "p")]
    else:
        log_p, log_q = p.log_probs_of_both, q.log_probs_of_both
    values = np.exp(log_p) * loss(log_p, log_q)
    return values.reshape(len(p), -1).sum(axis=1)


def _kind_of_y(dist: Any) -> str:
    """Say in words what is predicted, and of how many outputs."""
    if isinstance(dist, LabelPredictive):
        return "labels"
    if isinstance(dist, IndicatorPredictive):
        return f"indicators of {len(dist.classes)} labels"
    if isinstance(dist, CircularPredictive):
        kind = "angles"
    else:
        kind = "counts" if isinstance(dist, DiscretePredictive) else "numbers with a density"
    n_outputs = dist.shape[1] if len(dist.shape) > 1 else 1
    return kind if n_outputs == 1 else f"{kind} in {n_outputs} outputs"


def _over_outputs(values: np.ndarray) -> np.ndarray:
    """Sum over independent outputs, so that each row has one number."""
    return values if values.ndim == 1 else values.sum(axis=1)


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
