"""Which of the network's raw outputs belong to which parameter?"""

from collections.abc import Mapping
from typing import Any

from ..distributions import Distribution


class Layout:
    """The order of raw outputs: parameter by parameter, and for each of them output by output.

    Parameters
    ----------
    distribution : Distribution
    n_outputs : int
        Independent outputs, each with parameters of its own.
    size : int
        Classes or components of y; 1 for families of numbers.

    Attributes
    ----------
    predicted, constant : dict of str to int
        Name -> raw values for each output, of the parameters that the network predicts from x, and
        of those that are learned for all rows together.
    """

    def __init__(self, distribution: Distribution, n_outputs: int, size: int):
        self.n_outputs = n_outputs
        self._links = distribution.parameters
        self.predicted = self._widths(distribution.predicted(), size)
        self.constant = self._widths(distribution.constant(), size)
        self._predicted_places = self._places(self.predicted)
        self._constant_places = self._places(self.constant)

    def _widths(self, names: list[str], size: int) -> dict[str, int]:
        return {name: self._links[name].width(size) for name in names}

    def _places(self, widths: Mapping[str, int]) -> list[tuple[str, slice, int | None]]:
        """List name, columns, and how many of them go together, for each parameter."""
        places, start = [], 0
        for name, width in widths.items():
            stop = start + self.n_outputs * width
            together = width if self._links[name].together else None
            places.append((name, slice(start, stop), together))
            start = stop
        return places

    @property
    def learned(self) -> dict[str, int]:
        """Name -> raw values for each output, of all learned parameters, predicted ones first."""
        return {**self.predicted, **self.constant}

    @property
    def n_predicted(self) -> int:
        """Number of columns that the network predicts from x."""
        return self.n_outputs * sum(self.predicted.values())

    @property
    def n_constant(self) -> int:
        """Number of raw values that are learned for all rows together."""
        return self.n_outputs * sum(self.constant.values())

    def pieces(self, raw: Any, constant: Any) -> dict[str, Any]:
        """Cut raw outputs into what each learned parameter is made of; arrays of numpy or of torch.

        Parameters
        ----------
        raw : array of shape (..., n_samples, n_predicted)
        constant : array of shape (..., n_constant)

        Returns
        -------
        dict of str to array
            Of shape (..., n_samples, n_outputs), or with one row for constants; with a last axis
            for columns that go together.
        """
        pieces = {}
        rows = constant[..., None, :]
        for values, places in ((raw, self._predicted_places), (rows, self._constant_places)):
            for name, columns, together in places:
                piece = values[..., columns]
                if together is not None:
                    piece = piece.reshape(*piece.shape[:-1], self.n_outputs, together)
                pieces[name] = piece
        return pieces
