"""How far are predicted angles from the true ones?"""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_consistent_length

from .._data.checks import check_weight
from .._data.values import as_numbers


def circular_mean_absolute_error(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Compute the mean angular distance, the shorter way around; lower is better.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Angles in radians, in any turn.
    sample_weight : array-like of shape (n_samples,), optional

    Returns
    -------
    float
        In radians, between 0 and pi; averaged over the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.metrics import circular_mean_absolute_error
    >>> circular_mean_absolute_error(np.deg2rad([359, 90]), np.deg2rad([1, 100])).round(3)
    np.float64(0.105)
    """
    true, pred, weight = _check_angles(y_true, y_pred, sample_weight)
    distance = 2 * np.arcsin(np.abs(np.sin((true - pred) / 2)))
    return np.average(distance, axis=0, weights=weight).mean()


def circular_r2_score(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Compute the coefficient of determination of angles; higher is better.

    It is R² with 1 - cos(error) in place of the squared error.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Angles in radians, in any turn.
    sample_weight : array-like of shape (n_samples,), optional

    Returns
    -------
    float
        1 is the best, 0 is as good as the mean direction of `y_true` for all rows; averaged over
        the outputs. For equal `y_true` it is 1 where the prediction is perfect, else 0, as in
        scikit-learn.

    Notes
    -----
    1 - cos is half the squared distance between two points of the unit circle; about the mean
    direction its mean is the circular variance.

    References
    ----------
    U. Lund (1999). Least circular distance regression for directional data.
    doi:10.1080/02664769922656

    Examples
    --------
    >>> import numpy as np
    >>> from sklnll.metrics import circular_r2_score
    >>> circular_r2_score([0.1, 3.1, -2.0], np.array([0.1, 3.1, -2.0]) + 2 * np.pi).round(3)
    np.float64(1.0)
    """
    true, pred, weight = _check_angles(y_true, y_pred, sample_weight)
    center = np.arctan2(weight @ np.sin(true), weight @ np.cos(true))
    error, total = (
        np.average(np.sin((true - point) / 2) ** 2, axis=0, weights=weight)
        for point in (pred, center)
    )
    # Equal angles, to the rounding of their mean direction.
    vanishes = total <= np.finfo(float).eps ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(vanishes, error <= total, 1 - error / total)
    return score.mean()


def _check_angles(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give both angles a column for each output, and all rows a weight."""
    true, pred = (
        check_array(as_numbers(y, name), dtype=float, ensure_2d=False, input_name=name)
        for name, y in (("y_true", y_true), ("y_pred", y_pred))
    )
    check_consistent_length(true, pred, sample_weight)
    true, pred = true.reshape(len(true), -1), pred.reshape(len(pred), -1)
    if true.shape != pred.shape:
        raise ValueError(
            f"y_true and y_pred must have the same outputs; got {true.shape[1]} and "
            f"{pred.shape[1]} columns."
        )
    return true, pred, check_weight(sample_weight, true)
