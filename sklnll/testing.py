"""Does a family of your own keep the contract that the built-in ones keep?"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from ._laws.law import Law
from ._laws.numerical import numerical_law
from ._messages import NumericalWarning
from ._network.head import Head
from ._network.marginal import MarginalFit
from ._numerics.arrays import in_numpy
from .distributions import PLACE, CircularDistribution, Distribution, LabelDistribution
from .estimators.classifier import NLLClassifier
from .estimators.regressor import NLLRegressor
from .predictive import predictive

__all__ = ["check_distribution"]

_N_ROWS = 6
_N_DRAWS = 1000
_LEVELS = np.array([0.01, 0.2, 0.5, 0.8, 0.99])
_RTOL = 1e-6
"""Of comparisons with quadrature, which has about nine digits where tails are heavy."""


def check_distribution(distribution: Distribution, *, random_state: int = 0) -> None:
    """Put a family through the checks that every built-in family of its kind passes.

    Parameters are drawn from what its links can reach, y from the family itself; then all that it
    says is compared with what follows from its `log_prob` by quadrature: total probability, cdf,
    quantiles, moments, entropy, mode, continuous ranked probability score, draws. Its gradients
    are compared with finite differences, its units with those that its support states, its
    marginal fit with the truth, and it is fitted by an estimator.

    Parameters
    ----------
    distribution : Distribution
        An instance, of a family of single numbers (no angles, and not with a density here and
        probabilities there) or of class labels.
    random_state : int, default=0
        Seeds parameters and draws.

    Raises
    ------
    AssertionError
        Naming each check that failed, and why.
    ValueError
        If a parameter of the family is not legal, or y is no single number or label.

    Examples
    --------
    >>> from sklnll.distributions import Gamma
    >>> from sklnll.testing import check_distribution
    >>> check_distribution(Gamma(shape="constant"))
    """
    if not isinstance(distribution, Distribution):
        raise ValueError(
            f"distribution must be an instance of a family, such as Gamma(); got {distribution!r}."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)  # the checks tell more
        _check(distribution, random_state)


def _check(distribution: Distribution, random_state: int) -> None:
    """Check what was found to be a family; see `check_distribution`."""
    distribution.check_params()
    if distribution.event_ndim:
        raise ValueError(
            f"check_distribution is for families of single numbers and of labels; a y of "
            f"{distribution!r} is a row of numbers."
        )
    if isinstance(distribution, CircularDistribution) or distribution.support.atoms:
        raise ValueError(
            "check_distribution is for numbers on a line with a density or a mass; "
            f"{distribution!r} lives on the circle, or has both."
        )
    is_label = isinstance(distribution, LabelDistribution)
    probe = _draw_labels if is_label else _draw_numbers
    given = probe(distribution, np.random.RandomState(random_state))
    failures = []
    for check in (*_FOR_ALL, *(_FOR_LABELS if is_label else _FOR_NUMBERS)):
        try:
            with np.errstate(all="ignore"):
                check(given)
        except Exception as error:
            reason = " ".join(str(error).split())[:300] or repr(error)
            failures.append(f"- {check.__name__.lstrip('_')}: {reason}")
    if failures:
        raise AssertionError(
            f"{distribution!r} fails {len(failures)} check(s):\n" + "\n".join(failures)
        )


@dataclass(frozen=True)
class Trial:
    """What a family is tried on: a value of y for each row of parameters.

    Parameters
    ----------
    family : Distribution
    raw : ndarray of shape (n_rows, n_predicted)
    params : dict of str to ndarray
        Rows first.
    y : ndarray of shape (n_rows,)
    size : int
        Classes of y; 1 for numbers.
    rng : RandomState
    """

    family: Distribution
    raw: np.ndarray
    params: dict[str, np.ndarray]
    y: np.ndarray
    size: int
    rng: np.random.RandomState

    @property
    def head(self) -> Head:
        """The way from raw values to the likelihood."""
        return _head(self.family, self.size)

    @cached_property
    def law(self) -> Law:
        """What follows from `log_prob` by quadrature, a law for each row."""
        return numerical_law(self.family, self.params)

    def log_prob(self, y: np.ndarray, params: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return what the family says of arrays."""
        return in_numpy(self.family.log_prob, y, **params)

    def along_levels(self) -> dict[str, np.ndarray]:
        """The parameters, with an axis for levels after that of the rows."""
        links = self.family.parameters
        return {
            name: np.expand_dims(value, value.ndim - links[name].event_ndim)
            for name, value in self.params.items()
        }


def _head(family: Distribution, size: int) -> Head:
    fixed = {name: np.array([value]) for name, value in family.fixed().items()}
    return Head(family, 1, size, fixed)


def _draw_params(
    family: Distribution, size: int, n_rows: int, rng: np.random.RandomState
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Raw values near zero, and the parameters that they make."""
    head = _head(family, size)
    raw = 0.7 * rng.standard_normal((n_rows, head.layout.n_predicted))
    constant = 0.7 * rng.standard_normal(head.layout.n_constant)
    params = head.params(torch.tensor(raw), torch.tensor(constant))
    rows = {}
    for name, value in params.items():
        event = value.shape[value.ndim - family.parameters[name].event_ndim :]
        shape = value.shape[: value.ndim - len(event)]
        full = value.expand(*np.broadcast_shapes(shape, (n_rows, 1)), *event)
        rows[name] = full[:, 0].numpy().copy()
    return raw, rows


def _draw_numbers(family: Distribution, rng: np.random.RandomState) -> Trial:
    raw, params = _draw_params(family, 1, 20 * _N_ROWS, rng)
    rows = np.flatnonzero(_is_resolved(family, params))[:_N_ROWS]
    raw, params = raw[rows], {name: value[rows] for name, value in params.items()}
    y = predictive(family, params).rvs(random_state=rng)
    return Trial(family, raw, params, y, 1, rng)


def _is_resolved(family: Distribution, params: dict[str, np.ndarray]) -> np.ndarray:
    """Whether floats can tell the farthest values of each row from a finite end of the support."""
    low, high = family.support.low, family.support.high
    frozen = family.frozen(**params)
    with np.errstate(all="ignore"):
        near_low = low not in (-np.inf, 0) and frozen.ppf(1e-6) - low < 1e-9
        near_high = high < np.inf and high - frozen.isf(1e-6) < 1e-9
    return ~(near_low | near_high) & np.ones(len(next(iter(params.values()))), bool)


def _draw_labels(family: LabelDistribution, rng: np.random.RandomState) -> Trial:
    size = 4 if family.multi_class else 2
    raw, params = _draw_params(family, size, _N_ROWS, rng)
    return Trial(family, raw, params, rng.randint(size, size=_N_ROWS).astype(float), size, rng)


# Every family ------------------------------------------------------------------------------------


def _copies_keep_the_parameters(given: Trial) -> None:
    for copy in (clone(given.family), pickle.loads(pickle.dumps(given.family))):
        assert type(copy) is type(given.family), f"a copy is a {type(copy).__name__}"
        assert repr(copy) == repr(given.family), f"a copy is {copy!r}"


def _links_can_be_inverted(given: Trial) -> None:
    for name, width in given.head.layout.learned.items():
        link = given.family.parameters[name]
        raw = 2 * given.rng.standard_normal((_N_ROWS, width))
        value = _apply(link, torch.tensor(raw))
        back = np.stack([np.broadcast_to(link.inverse(v), width) for v in value.numpy()])
        _equal(_apply(link, torch.tensor(back)), value, f"{name}: link(inverse(value))")
        far = _apply(link, torch.tensor(np.tile([[-50.0], [50.0]], width)))
        assert far.isfinite().all(), f"{name} is not finite at a raw value of -50 or 50: {far}"


def _apply(link: Any, raw: torch.Tensor) -> torch.Tensor:
    return link(raw if link.together else raw[..., 0])


def _log_prob_is_finite_and_broadcasts(given: Trial) -> None:
    values = given.log_prob(given.y, given.params)
    assert values.shape == given.y.shape, f"shape {values.shape} for y of {given.y.shape}"
    assert np.isfinite(values).all(), f"log_prob of its own draws is {values}"
    members = {name: np.stack([value, value]) for name, value in given.params.items()}
    both = given.log_prob(given.y, members)
    _equal(both, np.stack([values, values]), "log_prob with an axis of members")


def _gradient_is_right(given: Trial) -> None:
    y = torch.tensor(given.y)[:, None]

    def nll(raw: torch.Tensor, constant: torch.Tensor) -> torch.Tensor:
        return given.head.nll(raw, constant, y)

    raw = torch.tensor(given.raw, requires_grad=True)
    constant = torch.full(
        (given.head.layout.n_constant,), 0.3, dtype=torch.float64, requires_grad=True
    )
    torch.autograd.gradcheck(nll, (raw, constant), eps=1e-6, atol=1e-5, rtol=1e-4)
    for factor in (10.0, 100.0):
        far = torch.tensor(factor * given.raw, requires_grad=True)
        gradients = torch.autograd.grad(nll(far, constant).sum(), [far], allow_unused=True)
        for gradient in gradients:
            assert gradient is None or not gradient.isnan().any(), (
                f"the gradient is NaN at raw values up to {far.abs().max():.3g}"
            )


def _slopes_are_those_of_log_prob(given: Trial) -> None:
    """What training follows, written out or not."""
    y, weight = torch.tensor(given.y)[:, None], torch.ones(len(given.y), dtype=torch.float64)
    raw = torch.tensor(given.raw[None], requires_grad=True)
    constant = torch.full((1, given.head.layout.n_constant), 0.3, dtype=torch.float64)
    constant.requires_grad_()
    loss, *gradient = given.head.gradient(raw.detach(), constant.detach(), y, weight)
    mean = given.head.nll(raw, constant, y).mean()
    expected = torch.autograd.grad(mean, [raw, constant], materialize_grads=True)
    _equal(loss, mean.detach(), "value_and_slopes' log_prob")
    for found, other in zip(gradient, expected, strict=True):
        _equal(found, other, "the gradient by value_and_slopes and the links' value_and_slope")


def _marginal_fit_is_the_best(given: Trial) -> None:
    """On many draws with the parameters of one row, the fit without x is as likely as the truth."""
    one = {name: value[:1] for name, value in given.params.items()}
    y = _draws(given, one)
    truth = given.log_prob(y, one).mean()
    null = MarginalFit.of(given.head, y[:, None], np.ones(len(y)))
    raw, constant = null.raw, null.constant
    fit = -given.head.nll(torch.tensor(raw[None]), torch.tensor(constant), torch.tensor(y)[:, None])
    best = fit.mean().item()
    assert best >= truth - 1e-9, (
        f"the marginal fit reaches a mean log-likelihood of {best:.6g}, "
        f"the true parameters {truth:.6g}"
    )


def _draws(given: Trial, one: dict[str, np.ndarray]) -> np.ndarray:
    if isinstance(given.family, LabelDistribution):
        shares = np.exp(given.family.log_proba(**one))[0]
        return given.rng.choice(len(shares), _N_DRAWS, p=shares / shares.sum()).astype(float)
    return predictive(given.family, one).rvs(_N_DRAWS, given.rng)[0]


def _estimator_fits(given: Trial) -> None:
    is_label = isinstance(given.family, LabelDistribution)
    X = np.column_stack([np.linspace(-1, 1, 5 * _N_ROWS), np.tile(given.y, 5)])
    kind: Any = NLLClassifier if is_label else NLLRegressor
    net = kind(given.family, hidden_layer_sizes=(5,), solver="lbfgs", max_iter=30, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a short training tells enough
        net.fit(X, np.tile(np.arange(_N_ROWS) % given.size if is_label else given.y, 5))
    assert np.isfinite(net.loss_), f"the loss is {net.loss_}"
    assert net.loss_ <= net.loss_curve_[0] + 1e-9, "the loss rose in training"
    assert net.predict(X).shape == (len(X),), "predict has another shape than y"


# Numbers -----------------------------------------------------------------------------------------


def _support_is_enforced(given: Trial) -> None:
    support = given.family.support
    given.family.check_target(given.y)
    outside = [value for value in (support.low - 1, support.high + 1) if np.isfinite(value)]
    for value in (np.nan, np.inf, *outside):
        try:
            given.family.check_target(np.append(given.y, value))
        except ValueError:
            continue
        raise AssertionError(f"check_target accepts {value} for a y that is {support.words}")


def _total_probability_is_one(given: Trial) -> None:
    _equal(given.law.total(), np.ones(_N_ROWS), "integral of exp(log_prob)")


def _frozen_is_the_law_of_log_prob(given: Trial) -> None:
    frozen, law = given.family.frozen(**given.params), given.law
    for method in ("cdf", "sf"):
        _equal(getattr(frozen, method)(given.y), getattr(law, method)(given.y), method)
    density = getattr(frozen, "logpmf" if given.family.support.discrete else "logpdf")
    _equal(density(given.y), given.log_prob(given.y, given.params), "frozen's log-density")
    for method in ("mean", "std", "entropy"):
        ours = np.broadcast_to(getattr(frozen, method)(), given.y.shape)
        # Where tails are so heavy that a moment hardly exists, quadrature has no digits.
        heavy = ~np.isfinite(ours) | ~_has_light_tails(law)
        if method != "entropy":
            ours = np.where(heavy, 0.0, ours)
        theirs = np.where(heavy & (method != "entropy"), 0.0, getattr(law, method)())
        _equal(ours, theirs, method)


def _has_light_tails(law: Any) -> np.ndarray:
    """Whether quantiles far out are no more than a thousand times those near by."""
    far, near = (law.isf(q) - law.ppf(q) for q in (1e-9, 0.1))
    return far < 1e3 * np.maximum(near, 1)


def _quantiles_invert_the_cdf(given: Trial) -> None:
    frozen = given.family.frozen(**given.along_levels())
    for quantile, tail in (("ppf", "cdf"), ("isf", "sf")):
        y = getattr(frozen, quantile)(_LEVELS)
        if not given.family.support.discrete:
            _equal(getattr(frozen, tail)(y), _LEVELS + np.zeros(y.shape), f"{tail}({quantile}(q))")
    if given.family.support.discrete:
        y = frozen.ppf(_LEVELS)
        assert (frozen.cdf(y) >= _LEVELS - 1e-12).all(), "ppf(q) has a cdf below q"
        assert (frozen.cdf(y - 1) <= _LEVELS + 1e-12).all(), "the count below ppf(q) reaches q"


def _mode_is_the_top(given: Trial) -> None:
    top = given.log_prob(np.asarray(given.family.mode(**given.params), float), given.params)
    levels = np.linspace(0, 1, 201)[1:-1]
    y = given.family.frozen(**given.along_levels()).ppf(levels)
    highest = given.log_prob(y.T, given.params).max(axis=0)
    at_an_end = ~np.isfinite(top)  # where the density is infinite, or not defined
    assert (at_an_end | (top >= highest - 1e-9 * np.maximum(1, np.abs(highest)))).all(), (
        "another value has a larger density than the mode"
    )


def _crps_is_the_integral(given: Trial) -> None:
    _equal(given.family.crps(given.y, **given.params), given.law.crps(given.y), "crps")


def _draws_follow_the_cdf(given: Trial) -> None:
    y = predictive(given.family, given.params).rvs(_N_DRAWS // _N_ROWS, given.rng)
    assert given.family.support.contains(y).all(), "draws leave the support"
    frozen = given.family.frozen(**given.along_levels())
    pit = frozen.cdf(y)
    if given.family.support.discrete:
        share = given.rng.uniform(size=y.shape)
        pit = share * frozen.cdf(y - 1) + (1 - share) * pit
    p_value = stats.kstest(pit.ravel(), "uniform").pvalue
    assert p_value > 1e-4, (
        f"draws do not follow the cdf: Kolmogorov and Smirnov's p = {p_value:.2g}"
    )


def _units_are_those_of_the_support(given: Trial) -> None:
    changes = {"affine": (3.0, -2.0), "ratio": (3.0, 0.0)}
    if given.family.support.units not in changes:
        return
    a, b = changes[given.family.support.units]
    moved = dict(given.params)
    for name, unit in given.family.units.items():
        moved[name] = a * moved[name] + (b if unit is PLACE else 0.0)
    change = given.log_prob(a * given.y + b, moved) - given.log_prob(given.y, given.params)
    is_density = given.family.is_density(given.y)
    _equal(
        change, np.where(is_density, -np.log(a), 0.0), f"change of log_prob from y to {a}y + {b}"
    )


# Labels ------------------------------------------------------------------------------------------


def _log_proba_is_log_prob_of_every_label(given: Trial) -> None:
    log_proba = given.family.log_proba(**given.params)
    assert log_proba.shape == (_N_ROWS, given.size), f"log_proba has shape {log_proba.shape}"
    for label in range(given.size):
        ours = given.log_prob(np.full(_N_ROWS, float(label)), given.params)
        _equal(log_proba[:, label], ours, f"log_proba of label {label}")


def _probabilities_sum_to_one(given: Trial) -> None:
    log_proba = given.family.log_proba(**given.params)
    _equal(np.exp(log_proba).sum(axis=1), np.ones(_N_ROWS), "sum of the probabilities")


def _equal(actual: Any, expected: Any, what: str) -> None:
    np.testing.assert_allclose(
        np.asarray(actual), np.asarray(expected), rtol=_RTOL, atol=_RTOL, err_msg=what
    )


_Check = Callable[[Trial], None]

_FOR_ALL: list[_Check] = [
    _copies_keep_the_parameters,
    _links_can_be_inverted,
    _log_prob_is_finite_and_broadcasts,
    _gradient_is_right,
    _slopes_are_those_of_log_prob,
    _marginal_fit_is_the_best,
    _estimator_fits,
]
_FOR_NUMBERS: list[_Check] = [
    _support_is_enforced,
    _total_probability_is_one,
    _frozen_is_the_law_of_log_prob,
    _quantiles_invert_the_cdf,
    _mode_is_the_top,
    _crps_is_the_integral,
    _draws_follow_the_cdf,
    _units_are_those_of_the_support,
]
_FOR_LABELS: list[_Check] = [_log_proba_is_log_prob_of_every_label, _probabilities_sum_to_one]
