"""What must a family of distributions say about itself?"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from .._laws.law import Law
from .._laws.numerical import numerical_law
from .._laws.protocols import FrozenLaw
from .._numerics.crps import crps_by_quadrature
from ._slopes import check_declared_slopes
from ._supports import Support
from ._units import DISTANCE, PLACE, USUAL_UNITS, Unit
from .links import Link

_LEAST_WEIGHT = 1e-8
_SAY_WHERE_Y_LIES = ("loc", "mean", "rate", "p", "scale")
_MOST_PLACES = {"affine": 1, "ratio": 0, "none": -1}
"""A law that is only a standard law, moved and stretched, has at most so many places."""


class Distribution(BaseEstimator, ABC):
    """A family of distributions is the only place that knows its formulas.

    A subclass names its `support` and its `parameters` (name -> link, in the order of the
    network's columns), takes each parameter in ``__init__`` with default None, and writes
    `log_prob` and `frozen`. Which parameters carry y's units is said by `units`: by default those
    called ``loc`` and ``scale`` do, and all others are pure numbers.

    Each parameter of an instance is one of

    - None: predicted from x (the default),
    - ``"constant"``: learned, one value for all rows,
    - a number: fixed; in y's units where the parameter carries them.
    """

    support: ClassVar[Support]
    parameters: ClassVar[Mapping[str, Link]]

    event_ndim: ClassVar[int] = 0
    """One observation has so many axes: 0 where y is a number, 1 where it is a row of numbers."""

    link_choices: ClassVar[Mapping[str, Mapping[str, Link]]] = {}
    """Each parameter with an argument ``<parameter>_link`` has here the links that the user may
    choose from, by name."""

    robust: ClassVar[bool] = False
    """It says whether y is scaled by median and spread, or by mean and standard deviation."""

    default_point: ClassVar[str] = "mean"
    """``point_estimate="auto"`` predicts this point: the mean where it always exists."""

    writes_slopes: ClassVar[bool] = False
    """It says whether `value_and_slopes` gives the slopes of `log_prob`. A subclass that replaces
    `log_prob` alone does not inherit it."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_declared_slopes(cls, "log_prob", "value_and_slopes")

    @property
    def units(self) -> Mapping[str, Unit]:
        """Return the unit of each parameter that carries y's units; all others are pure numbers.

        A subclass may name them, as ``units = {"center": PLACE, "width": DISTANCE}``. By default
        parameters called loc, low and high are places, those called scale and scale_tril
        distances, unless y is a pure number itself.
        """
        if self.support.units == "none":
            return {}
        return {name: USUAL_UNITS[name] for name in self.parameters if name in USUAL_UNITS}

    def places(self) -> list[str]:
        """Return the names of the parameters that move with y."""
        return [name for name, unit in self.units.items() if unit is PLACE]

    def distances(self) -> list[str]:
        """Return the names of the parameters that are stretched with y."""
        return [name for name, unit in self.units.items() if unit is DISTANCE]

    @abstractmethod
    def log_prob(self, y: Tensor, *args: Any, **params: Any) -> Tensor:
        """Return the log-density (or log-mass) at `y`, element by element, in torch."""

    def value_and_slopes(
        self, y: np.ndarray, *args: Any, **params: Any
    ) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
        """Return `log_prob` and its derivatives by the parameters, by name; in numpy.

        Training takes them where the family, and the links of all learned parameters, declare
        `writes_slopes`; None leaves these rows to automatic differentiation, which in small
        batches takes several times as long. Nothing given may be changed in place.
        """
        return None

    def frozen(self, *args: Any, **params: Any) -> FrozenLaw:
        """Return scipy's frozen distribution for parameters given as arrays.

        Where scipy has none, a law with the same methods takes its place; by default one that
        knows no more than `log_prob`, and answers by quadrature and root search.
        """
        return self._by_quadrature(args, params)

    def mode(self, *args: Any, **params: Any) -> np.ndarray:
        """Return the most probable value, for parameters given as arrays; searched by default."""
        frozen = self.frozen(*args, **params)
        law = frozen if isinstance(frozen, Law) else self._by_quadrature(args, params)
        return law.mode()

    def crps(self, y: np.ndarray, *args: Any, **params: Any) -> np.ndarray:
        """Return the continuous ranked probability score at `y`, by default from quadrature."""
        frozen = self.frozen(*args, **params)
        if isinstance(frozen, Law):
            return frozen.crps(y)
        if self.support.discrete:
            return self._by_quadrature(args, params).crps(y)
        return crps_by_quadrature(frozen, y)

    def _by_quadrature(self, args: tuple[Any, ...], params: dict[str, Any]) -> Law:
        return numerical_law(self, self._by_name(args, params))

    def mean_distance(
        self, first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]
    ) -> np.ndarray | None:
        """Return the expected distance of two independent draws, one from each set of parameters.

        The parameters are arrays that broadcast against each other; None without a closed form.
        """
        return None

    @property
    def out_activation(self) -> str:
        """Return the name of the map from raw outputs to the parameter that says where y lies.

        That is a place that is learned, or the location or mean; the first parameter of a family
        without such a name.
        """
        links = self.parameters
        places = [name for name in self.places() if links[name].learnable]
        usual = [name for name in _SAY_WHERE_Y_LIES if name in links]
        return links[[*places, *usual, *links][0]].activation

    @property
    def exact(self) -> "Distribution":
        """Return the family of y itself, where `log_prob` takes intervals of it; else this one."""
        return self

    def guess(self, y: np.ndarray, weight: np.ndarray, size: int) -> dict[str, Any]:
        """Return parameters near the marginal maximum-likelihood fit, to start its search.

        Parameters
        ----------
        y : ndarray of shape (n_samples,), rows of numbers (n_samples, size)
            In training's units.
        weight : ndarray of shape (n_samples,)
            Non-negative, with a positive sum.
        size : int
            Number of classes (or of components of y); 1 for univariate families.

        Returns
        -------
        dict
            Name -> value. What is left out starts at a raw value of zero.
        """
        return {}

    def std(self, *args: Any, **params: Any) -> np.ndarray:
        """Return the standard deviation, in y's units, for parameters given as arrays."""
        names = self._by_name(args, params)
        places, distances = self.places(), self.distances()
        if len(distances) != 1 or len(places) > _MOST_PLACES[self.support.units]:
            return self.frozen(**names).std()
        # Scipy's is the root of its variance, which overflows long before that of a standard law.
        standard = {**names, **dict.fromkeys(places, 0.0), **dict.fromkeys(distances, 1.0)}
        return self.frozen(**standard).std() * names[distances[0]]

    def widened(self, params: dict[str, Any], factor: float) -> dict[str, Any]:
        """Return the parameters of distributions that are wider by this factor.

        Parameters
        ----------
        params : dict of str to ndarray
            Entries that are no parameters of this family are passed on.
        factor : float
            Positive; below 1 they become narrower.

        Raises
        ------
        ValueError
            For a family without a scale in y's units.
        """
        name = self.width_parameter
        if name not in self.distances():
            raise self._no_scale()
        return {**params, name: params[name] * factor}

    def _no_scale(self) -> ValueError:
        return ValueError(
            f"{self!r} has no scale that could be recalibrated; set recalibrate=None, or use a "
            "family with a location and a scale, such as 'normal', or of class labels."
        )

    @property
    def width_parameter(self) -> str | None:
        """Return the name of the parameter that says how widely y varies, if there is one."""
        distances = self.distances()
        return distances[0] if self.support.units == "affine" and len(distances) == 1 else None

    def squared_width(self, params: Mapping[str, Tensor]) -> Tensor:
        """Return the square of how widely y varies about its center, up to a constant.

        The reciprocal of the Fisher information about the raw output that moves the center, as far
        as the parameter `width_parameter` changes it.
        """
        return params[self.distances()[0]].square()

    def annealing_weight(self, params: Mapping[str, Tensor]) -> Tensor | None:
        """Return the weight under which rows teach their centers alike, however wide they seem.

        The gradient by which a row moves its predicted center shrinks with the squared width that
        is predicted: rows that are not yet fitted, and so are thought to be wide, hardly teach it.
        Training weights rows by their squared width at first, to make up for that.

        Parameters
        ----------
        params : mapping of str to Tensor
            In training's units.

        Returns
        -------
        Tensor or None
            Broadcasts against `log_prob`; None where x does not move the width.

        References
        ----------
        M. Seitzer, A. Tavakoli, D. Antic and G. Martius (2022). On the pitfalls of
        heteroscedastic uncertainty estimation with probabilistic neural networks. ICLR.
        """
        is_predicted = (
            self.width_parameter is not None and self.setting(self.width_parameter) is None
        )
        return self.squared_width(params) if is_predicted else None

    def annealing_factor(self, params: Mapping[str, Tensor], power: float) -> Tensor | float:
        """Return `annealing_weight` to this power, within bounds, as a constant; 1 for none."""
        weight = self.annealing_weight(params) if power else None
        if weight is None:
            return 1.0
        return weight.detach().clamp(_LEAST_WEIGHT, 1 / _LEAST_WEIGHT) ** power

    def exposed(self, params: dict[str, Any], exposure: Any) -> dict[str, Any]:
        """Return the parameters of a row that was exposed for `exposure` units instead of one.

        Parameters
        ----------
        params : dict of str to Tensor or ndarray
        exposure : Tensor or ndarray
            Positive; broadcasts against the parameters.

        Raises
        ------
        ValueError
            For a family that knows no exposure.
        """
        raise ValueError(
            f"{self!r} has no exposure; leave it out, or use a family of counts such as 'poisson'."
        )

    def check_exposure(self, exposure: np.ndarray) -> None:
        """Raise a ValueError for exposures (positive and finite) that the family cannot have."""
        self.exposed({name: np.ones(1) for name in self.parameters}, exposure)

    def magnitudes(self, y: np.ndarray) -> np.ndarray:
        """Return numbers that stand for `y` where its units are chosen; rows first."""
        return y

    def is_density(self, y: np.ndarray) -> np.ndarray:
        """Say whether exp(log_prob) at each `y` is a density, which has units."""
        if self.support.atoms:
            return ~np.isin(y, self.support.atoms)
        return np.full(y.shape[: y.ndim - self.event_ndim], not self.support.discrete)

    def _by_name(self, args: tuple[Any, ...], params: dict[str, Any]) -> dict[str, Any]:
        """Return parameters that are given by position or by name, all by name."""
        return dict(zip(self.parameters, args, strict=False)) | params

    def _chosen_link(self, name: str) -> Link:
        return self.link_choices[name][getattr(self, f"{name}_link")]

    def setting(self, name: str) -> Any:
        """Return how a parameter comes about: None, "constant" or a number."""
        return getattr(self, name)

    def predicted(self) -> list[str]:
        """Return the names of the parameters that depend on x."""
        return [name for name in self.parameters if self.setting(name) is None]

    def constant(self) -> list[str]:
        """Return the names of the parameters learned as one value for all rows."""
        return [name for name in self.parameters if isinstance(self.setting(name), str)]

    def fixed(self) -> dict[str, float]:
        """Return the numbers of the parameters that are not learned, by name."""
        return {
            name: float(value)
            for name in self.parameters
            if isinstance(value := self.setting(name), Real)
        }

    def check_choices(self) -> None:
        """Raise a ValueError where the arguments that are no parameters make no family."""
        for name, choices in self.link_choices.items():
            choice = getattr(self, f"{name}_link")
            if not isinstance(choice, str) or choice not in choices:
                raise ValueError(
                    f"{name}_link of {self!r} must be one of {sorted(choices)}; got {choice!r}."
                )

    def check_params(self) -> None:
        """Raise a ValueError where a parameter is none of None, "constant" and a legal number."""
        self.check_choices()
        for name, link in self.parameters.items():
            value = self.setting(name)
            is_learned = value is None or (isinstance(value, str) and value == "constant")
            if is_learned and link.learnable:
                continue
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not is_number or not link.contains(float(value)):
                advice = (
                    " Give None to predict it from x, 'constant' to learn one value for all rows, "
                    "or a number to fix it."
                )
                raise ValueError(
                    f"{name} of {self!r} must be {link.domain}; got {value!r}."
                    + (advice if link.learnable else "")
                )
        if not self.predicted() and not self.constant():
            raise ValueError(
                f"{self!r} has nothing to learn: every parameter is fixed to a number. "
                "Set at least one to None (predicted from x) or 'constant'."
            )
        unknown = sorted(self.units.keys() - self.parameters.keys())
        if unknown:
            raise ValueError(
                f"{self!r} gives units to {unknown}, which are none of its parameters "
                f"{list(self.parameters)}."
            )
        self._check_total()

    def _check_total(self) -> None:
        """Warn where the total of a density that is known by `log_prob` alone is not one.

        Without a total, training can raise the density of all rows for ever.
        """
        links = self.parameters
        is_alone = type(self).frozen is Distribution.frozen and not self.event_ndim
        if is_alone and not any(link.event_ndim for link in links.values()):
            zero, fixed = torch.zeros((), dtype=torch.float64), self.fixed()
            start = {name: fixed.get(name, float(link(zero))) for name, link in links.items()}
            numerical_law(self, {name: np.array([value]) for name, value in start.items()}).total()

    def check_target(
        self, y: np.ndarray, name: str = "y", exposure: np.ndarray | None = None
    ) -> None:
        """Raise a ValueError that names the first row where `y` leaves the support.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        name : str
            What the message calls it.
        exposure : ndarray of shape (n_samples,), optional
            How long each row was watched; a ValueError where the family knows none.
        """
        if exposure is not None:
            self.check_exposure(exposure)
        outside = ~self.support.contains(y)
        if not outside.any():
            return
        place = np.argwhere(outside)[0]
        where = f"row {place[0]}" + (f", column {place[1]}" if y.ndim > 1 else "")
        value = y[tuple(place)]
        if np.isfinite(value):
            problem, advice = f"must be {self.support.words}", self.support.advice
        else:
            kind = "NaN" if np.isnan(value) else "infinity"
            problem, advice = f"must not contain {kind}", "remove or impute such rows"
            if kind == "infinity":
                advice += ", or, where only an interval is known, use Censored(family)"
        raise ValueError(
            f"{name} {problem} for {self!r}; found {value:g} at {where} "
            f"({outside.sum()} of {y.size} values are outside). To mend it, {advice}."
        )
