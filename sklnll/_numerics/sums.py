"""How is a smooth function summed over very many whole numbers, from few of its values?"""

import numpy as np
from numpy.polynomial import legendre

N_STEPS = 7
_POWERS = np.array([1.0, -1.0, -3.0, -5.0])
_UNIT = 2 / N_STEPS
_PLACES = np.linspace(-1, 1, N_STEPS + 1)
_DEGREES = [legendre.Legendre.basis(degree) for degree in range(N_STEPS + 1)]
_TO_DEGREES = np.linalg.inv(legendre.legvander(_PLACES, N_STEPS))


def _rule(end: float) -> np.ndarray:
    """Return the coefficients of the step's `_POWERS` in the weight of each of the eight values.

    Up to the place `end` of the last number, from -1: the sums of polynomials up to degree 7 are
    exact, both ends counted half, by Euler and Maclaurin.
    """
    moments = [[np.diff(p.integ()([-1, end]))[0] / _UNIT for p in _DEGREES]]
    for k, factor in ((1, 1 / 12), (3, -1 / 720), (5, 1 / 30240)):
        moments.append([factor * _UNIT**k * np.diff(p.deriv(k)([-1, end]))[0] for p in _DEGREES])
    return np.array(moments) @ _TO_DEGREES


_RULES = np.stack([_rule(end) for end in _PLACES])
_RULES[0] = 0.0


def weights_of_sum(step: np.ndarray) -> np.ndarray:
    """Return the weights with which eight values sum a function, both ends counted half.

    Parameters
    ----------
    step : ndarray
        Whole numbers between two values; 0 for no sum.

    Returns
    -------
    ndarray of shape (8, ...)
    """
    return np.tensordot(_RULES[-1].T, _powers(step), axes=1)


def sums_up_to(step: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the sums from the first number up to each of the eight, which are counted whole.

    Parameters
    ----------
    step : ndarray
    values : ndarray of shape (8, ...)

    Returns
    -------
    ndarray of shape (8, ...)
    """
    sums = np.einsum("ipj,p...,j...->i...", _RULES, _powers(step), values, optimize=True)
    sums = sums + (values + values[:1]) / 2
    return np.where(np.arange(len(values)).reshape(-1, *(1,) * step.ndim) == 0, values, sums)


def last_degrees(values: np.ndarray) -> np.ndarray:
    """Return how large the last two Legendre coefficients are, which says how smooth values are."""
    return np.abs(np.tensordot(_TO_DEGREES[-2:], values, axes=1)).sum(axis=0)


def _powers(step: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(step > 0, [step**power for power in _POWERS], 0.0)
