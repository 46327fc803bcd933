"""How does a law of torch.distributions become a family?"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import constraints

from .._numerics.arrays import own_tensor
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

_Values = tuple[tuple[str, tuple[float, ...]], ...]
"""Names of parameters, each with several values, or the one that is fixed."""


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
        support, values = self._stated, self._learned_values()
        if self.y_support is not None and len(values) == len(self._names()):
            support = _narrowed(support, self.law, values)
        return support if self.location_scale else replace(support, units="none")

    @property
    def _stated(self) -> Support:
        """Return the support that the user, or torch, states."""
        if self.y_support is not None:
            return self.y_support
        if repr(self.law.support) not in _SUPPORTS:
            raise self._no_support()
        return _SUPPORTS[repr(self.law.support)]

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
            is_scale = self.units.get(name) is DISTANCE and self._stated.units == "affine"
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
            raise self._no_support()
        many = any(constraint.event_dim for constraint in self.law.arg_constraints.values())
        if many:
            raise ValueError(f"{name} is no law of single numbers: its parameters are vectors.")
        if self.law is torch.distributions.VonMises:
            raise ValueError("angles need distribution='von_mises', which knows the circle.")
        in_units = {"loc", "scale"} & set(self._names())
        needed = {"loc", "scale"} if self.support.low == -np.inf else {"scale"}
        if self.location_scale and in_units != needed:
            raise ValueError(
                f"location_scale=True needs a law whose parameters in y's units are "
                f"{sorted(needed)}; {name} has {self._names()}. Without it y keeps its units."
            )
        self._check_names(name)
        self._check_law(name)

    def _no_support(self) -> ValueError:
        return ValueError(
            f"{self.law.__name__} does not say which single numbers y may be; give y_support, such "
            "as sklnll.distributions.REAL or POSITIVE."
        )

    def _check_names(self, name: str) -> None:
        unknown = set(self.switches or {}) - set(self._names())
        if unknown:
            raise ValueError(
                f"{name} has no parameter {sorted(unknown)[0]!r}; its parameters are "
                f"{self._names()}."
            )

    def _check_law(self, name: str) -> None:
        """Raise a ValueError for a law that torch cannot evaluate, or whose support is learned."""
        example = self._example()
        if len(example) < len(self._names()):
            return  # `check_params` says which number is missing
        try:
            support = _support_of(self.law, example)
            y = torch.full((2,), _inner_point(self.support), dtype=torch.float64)
            values = self.log_prob(y, **{k: torch.full_like(y, v) for k, v in example.items()})
            if values.shape != y.shape or values.dtype != y.dtype:
                raise TypeError(f"log_prob of {tuple(y.shape)} numbers is {values!r}")
        except Exception as error:
            raise ValueError(
                f"torch cannot compute the likelihood of {name} in float64, element by element, "
                f"with parameters such as {example}: {type(error).__name__}: {error}. Write the "
                "law as a family of your own, whose log_prob is its formula."
            ) from error
        moved = _moving(self.law, self._learned_values())
        if moved:
            raise ValueError(
                f"which y {name} allows depends on its parameters {moved} (it is {support} at "
                f"{example}): the likelihood of parameters that exclude a row is zero, and cannot "
                f"be trained. Fix them, as FromTorch({name}, {{{moved[0]!r}: "
                f"{example[moved[0]]:g}}}, ...) does."
            )

    def _example(self) -> dict[str, float]:
        """Return legal parameters: the fixed ones, and the others where training may start."""
        return {name: values[len(values) // 2] for name, values in self._learned_values()}

    def _learned_values(self) -> _Values:
        """Return several values of each learned parameter, and the value of each fixed one."""
        fixed, raw = self.fixed(), torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
        return tuple(
            (name, (fixed[name],) if name in fixed else tuple(link(raw).tolist()))
            for name, link in self.parameters.items()
            if name in fixed or link.learnable
        )

    def check_target(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> None:
        super().check_target(y, name, exposure)
        if self.y_support is None or len(self._example()) < len(self._names()):
            return
        own = _support_of(self.law, self._example())
        outside = ~own.check(own_tensor(y)).numpy()
        if outside.any():
            place = np.argwhere(outside)[0]
            raise ValueError(
                f"{name} must be in the support that {self.law.__name__} itself states, {own}; "
                f"found {y[tuple(place)]:g} at row {place[0]} ({outside.sum()} of {y.size} values "
                "are outside). To mend it, remove such rows, or choose another law."
            )

    def setting(self, name: str) -> Any:
        return (self.switches or {}).get(name)

    def log_prob(self, y: Tensor, **params: Tensor) -> Tensor:
        if not self.location_scale:
            return self._log_prob_of_law(y, params)
        # Torch squares the scale, which overflows long before the scale does.
        places = {"loc": torch.zeros_like(params["loc"])} if "loc" in params else {}
        scale = params["scale"]
        standard = {**params, **places, "scale": torch.ones_like(scale)}
        z = (y - params.get("loc", 0.0)) / scale
        return self._log_prob_of_law(z, standard) - torch.log(scale)

    def _log_prob_of_law(self, y: Tensor, params: Mapping[str, Tensor]) -> Tensor:
        import_for_law(self.law)
        law = self.law(**params, validate_args=False)
        if self.y_support is None:
            return law.log_prob(y)
        # Outside of the law's own support torch's formulas go on.
        return torch.where(law.support.check(y), law.log_prob(y), -torch.inf)


def _support_of(law: Any, params: Mapping[str, float]) -> Any:
    """Return the law's own support for these parameters, as torch states it."""
    import_for_law(law)
    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in params.items()}
    return law(**tensors, validate_args=False).support


def _inner_point(support: Support) -> float:
    """Return a value of y inside of a support."""
    low, high = support.low, support.high
    if np.isinf(low) and np.isinf(high):
        return 0.5
    if np.isinf(low) or np.isinf(high):
        return low + 1 if np.isinf(high) else high - 1
    return np.floor((low + high) / 2) if support.discrete else (low + high) / 2


@lru_cache(maxsize=64)
def _moving(law: Any, values: _Values) -> list[str]:
    """Return the names of the learned parameters on which the law's own support depends."""
    example = {name: of_name[0] for name, of_name in values}
    return [
        name
        for name, of_name in values
        if len({repr(_support_of(law, {**example, name: value})) for value in of_name}) > 1
    ]


@lru_cache(maxsize=64)
def _narrowed(support: Support, law: Any, values: _Values) -> Support:
    """Return the part of a support that the law's own leaves, where that has fixed ends."""
    try:
        if _moving(law, values):
            return support
        own = _support_of(law, {name: of_name[0] for name, of_name in values})
        low, high = (float(getattr(own, f"{side}_bound", np.nan)) for side in ("lower", "upper"))
    except Exception:  # `check_choices` says what is wrong
        return support
    is_open = isinstance(own, type(constraints.positive))
    narrower: dict[str, Any] = {}
    if low > support.low:
        narrower |= {"low": low, "closed_low": not is_open}
    if high < support.high:
        narrower |= {"high": high, "closed_high": True}
    if not narrower:
        return support
    ends = (
        f"between {narrower.get('low', support.low):g} and {narrower.get('high', support.high):g}"
    )
    return replace(support, words=f"{support.words} {ends}", **narrower)
