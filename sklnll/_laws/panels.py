"""What is known of a density on a few stretches of y's axis, to integrate over them?"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Panel:
    """A panel is a few neighboring stretches of y's axis, each seen at some points; these are the
    first two axes.

    Parameters
    ----------
    y : ndarray of shape (n_stretches, n_points, ...)
        Quadrature nodes, or whole numbers.
    weight : ndarray
        Of the points in an integral or a sum; broadcasts against y.
    density : ndarray of shape (n_stretches, n_points, ...)
        Density or mass at the points.
    """

    y: np.ndarray
    weight: np.ndarray
    density: np.ndarray

    def expectation(self, values: np.ndarray) -> np.ndarray:
        """Return the share of this stretch in the expectation of a function with these values."""
        with np.errstate(invalid="ignore"):
            terms = np.where(self.density > 0, self.density * values, 0.0)
        return (self.weight * terms).sum(axis=(0, 1))
