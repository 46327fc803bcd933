"""How does a law of torch.distributions become a family?"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import constraints

from ._base import Distribution
from ._late_imports import import_for_law
from ._supports import COUNTS, NON_NEGATIVE, POSITIVE, REAL, UNIT_INTERVAL, Support
from ._units import DISTANCE, PLACE, Unit
from .links import FixedLink, Link, Log, identity, logit, positive

__all__ = ["FromTorch"]

_SUPPORTS = {
    repr(constraints.real): REAL,
    repr(constraints.positive): POSITIVE,
    repr(constraints.nonnegative): NON_NEGATIVE,
    repr(constraints.unit_interval): UNIT_INTERVAL,
    repr(constraints.nonnegative_integer): COUNTS,
}
"""Torch's name of a support is how its constraint prints; constraints do not compare."""

_HALF_LINES = (type(constraints.positive), type(constraints.nonnegative))
_OPEN_INTERVALS = {repr(constraints.unit_interval), repr(constraints.half_open_interval(0.0, 1.0))}


class FromTorch(Distribution):
    """A law of torch.distributions makes a family, for a y that has none here yet.

    Links follow from the law's ``arg_constraints``: identity for real parameters, log for positive
    ones, logit for probabilities. What torch lacks (quantiles, mean, mode, entropy, CRPS) is
    computed from ``log_prob`` by quadrature and root search, so that predicting takes longer than
    with a family of this package.

    Parameters
    ----------
    law : type
        A univariate class such as ``torch.distributions.Kumaraswamy``.
    switches : dict, optional
        Name -> None (predicted from x), "constant" or a number; what is left out is predicted.
    y_support : Support, optional
        What y may be, where the law does not say it, or says it by its parameters.
    location_scale : bool, default=False
        Whether ``loc`` and ``scale`` are a place and a distance in y's units (or, for a positive
        y, ``scale`` alone is). Training then scales y. By default y keeps its own units, because
        torch's names mislead: ``loc`` of its LogNormal is a place of log(y).

    References
    ----------
    J. Dillon et al. (2017). TensorFlow Distributions. arXiv:1711.10604, whose design torch follows.

    Examples
    --------
    >>> import torch
    >>> from sklnll.distributions import FromTorch
    >>> FromTorch(torch.distributions.HalfNormal).predicted()
    ['scale']
    """

    def __init__(
        self,
        law: type[torch.distributions.Distribution],
        switches: Mapping[str, Any] | None = None,
        y_support: Support | None = None,
        location_scale: bool = False,
    ):
        self.law: Any = law
        self.switches = switches
        self.y_support = y_support
        self.location_scale = location_scale

    @property
    def parameters(self) -> Mapping[str, Link]:  # type: ignore[override]
        return {name: self._link(name) for name in self._names()}

    @property
    def units(self) -> Mapping[str, Unit]:
        in_units = {"loc": PLACE, "scale": DISTANCE} if self.location_scale else {}
        return {name: unit for name, unit in in_units.items() if name in self._names()}

    @property
    def support(self) -> Support:  # type: ignore[override]
        support = self.y_support or _SUPPORTS[repr(self.law.support)]
        return support if self.location_scale else replace(support, units="none")

    def _names(self) -> list[str]:
        names = list(self.law.arg_constraints)
        both = {"probs", "logits"} <= set(names)
        unused = "logits" if "probs" in (self.switches or {}) else "probs"
        return [name for name in names if not (both and name == unused)]

    def _link(self, name: str) -> Link:
        constraint: Any = self.law.arg_constraints[name]
        if repr(constraint) == repr(constraints.real):
            return identity
        if repr(constraint) in _OPEN_INTERVALS:
            return logit
        if isinstance(constraint, _HALF_LINES):
            is_scale = self.units.get(name) is DISTANCE and self.support.units == "affine"
            return positive if is_scale else Log(floor=float(constraint.lower_bound))
        return FixedLink(
            "given as a number in `switches`, because torch states no range to learn in"
        )

    def check_choices(self) -> None:
        """Raise a ValueError for a law that is no family of a single number, or bad switches."""
        name = getattr(self.law, "__name__", repr(self.law))
        is_law = isinstance(self.law, type) and issubclass(
            self.law, torch.distributions.Distribution
        )
        if not is_law or isinstance(self.law.arg_constraints, property):
            raise ValueError(
                f"law must be a class of torch.distributions that states its arg_constraints, "
                f"such as torch.distributions.Gumbel; got {name}."
            )
        if self.y_support is None and repr(self.law.support) not in _SUPPORTS:
            raise ValueError(
                f"{name} does not say which single numbers y may be; give y_support, such as "
                "sklnll.distributions.REAL or POSITIVE."
            )
        if self.law is torch.distributions.VonMises:
            raise ValueError("angles need distribution='von_mises', which knows the circle.")
        in_units = {"loc", "scale"} & set(self._names())
        needed = {"loc", "scale"} if self.support.low == -np.inf else {"scale"}
        if self.location_scale and in_units != needed:
            raise ValueError(
                f"location_scale=True needs a law whose parameters in y's units are "
                f"{sorted(needed)}; {name} has {self._names()}. Without it y keeps its units."
            )
        unknown = set(self.switches or {}) - set(self._names())
        if unknown:
            raise ValueError(
                f"{name} has no parameter {sorted(unknown)[0]!r}; its parameters are "
                f"{self._names()}."
            )

    def setting(self, name: str) -> Any:
        return (self.switches or {}).get(name)

    def log_prob(self, y: Tensor, **params: Tensor) -> Tensor:
        import_for_law(self.law)
        return self.law(**params, validate_args=False).log_prob(y)
