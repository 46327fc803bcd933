"""What every family is tried on, and who else knows its formulas: one entry per family."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np
import torch
from scipy import special, stats

from sklnll.distributions import DISTRIBUTIONS, CircularDistribution, LabelDistribution

Params = dict[str, np.ndarray]


def rows(**params: list) -> Params:
    return {name: np.array(value, dtype=float) for name, value in params.items()}


@dataclass(frozen=True)
class Case:
    """Parameters (a row per entry of the arrays), values of y, and the oracles.

    `far` holds legal y far out, `sample` a y to fit, `fixed` a number each parameter can be
    fixed to; `scipy` and `torch` make other people's distributions, `log_density` is the textbook
    formula in mpmath; `size` is the number of classes, 1 for numbers.
    """

    params: Params
    extreme: Params
    large: Params
    far: list[float]
    sample: np.ndarray
    fixed: dict[str, float]
    scipy: Callable[..., Any]
    torch: Callable[..., torch.distributions.Distribution]
    log_density: Callable[..., mp.mpf]
    size: int = 1

    def pairs(self, params: Params, *, far: bool = True) -> tuple[np.ndarray, Params]:
        """Values of y and parameters, element by element: each row with its quantiles.

        With `far`, also with the farthest quantiles and the far values.
        """
        frozen = self.scipy(**with_axis(params))
        with np.errstate(all="ignore"):
            y = frozen.ppf([1e-3, 0.2, 0.5, 0.9, 0.999])
            if far:
                y = np.hstack([y, frozen.ppf([1e-12]), frozen.isf([1e-12])])
                y = np.hstack([y, np.tile(self.far, (len(y), 1))])
        return self._legal(y, params)

    def _legal(self, y: np.ndarray, params: Params) -> tuple[np.ndarray, Params]:
        row, column = np.nonzero((y >= self.far[0]) & (y <= self.far[-1]))
        return y[row, column], {name: value[row] for name, value in params.items()}


@dataclass(frozen=True)
class LabelCase(Case):
    """The same for a family over labels: y runs over all of them, which `far` lists."""

    def pairs(self, params: Params, *, far: bool = True) -> tuple[np.ndarray, Params]:
        n_rows = len(next(iter(params.values())))
        return self._legal(np.tile(self.far, (n_rows, 1)), params)


def with_axis(params: Params) -> Params:
    """Room for an axis of y or of levels after the rows."""
    return {name: value[:, None] for name, value in params.items()}


def stacked(*params: Params) -> Params:
    """All rows of several sets of parameters."""
    return {name: np.concatenate([p[name] for p in params]) for name in params[0]}


def tensors(params: Params, dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value).to(dtype) for name, value in params.items()}


def _log_normal_density(y, loc, scale):
    return -(((y - loc) / scale) ** 2) / 2 - mp.log(scale) - mp.log(2 * mp.pi) / 2


def _log_t_density(y, df, loc, scale):
    gammas = mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2)
    z = (y - loc) / scale
    return gammas - mp.log(mp.pi * df) / 2 - mp.log(scale) - (df + 1) / 2 * mp.log1p(z**2 / df)


def _log_gamma_density(y, shape, scale):
    return (shape - 1) * mp.log(y) - y / scale - mp.loggamma(shape) - shape * mp.log(scale)


def _log_beta_density(y, mean, precision):
    a, b = mean * precision, (1 - mean) * precision
    norm = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
    return (a - 1) * mp.log(y) + (b - 1) * mp.log1p(-y) - norm


def _log_categorical_mass(y, logits):
    return logits[int(y)] - mp.log(mp.fsum(mp.exp(logit) for logit in logits))


def _log_von_mises_density(y, loc, concentration):
    return concentration * mp.cos(y - loc) - mp.log(2 * mp.pi) - _log_bessel_i0(concentration)


@cache
def _log_bessel_i0(x):
    return mp.log(mp.besseli(0, x))


def _log_logistic_density(y, loc, scale):
    z = abs(y - loc) / scale
    return -z - 2 * mp.log1p(mp.exp(-z)) - mp.log(scale)


def _torch_logistic(loc, scale):
    uniform = torch.distributions.Uniform(torch.zeros_like(loc), torch.ones_like(loc))
    to_logistic = torch.distributions.SigmoidTransform().inv
    move = torch.distributions.AffineTransform(loc, scale)
    return torch.distributions.TransformedDistribution(uniform, [to_logistic, move])


def _log_gumbel_density(y, loc, scale):
    z = (y - loc) / scale
    return -z - mp.exp(-z) - mp.log(scale)


def _log_log_normal_density(y, sigma, scale):
    return _log_normal_density(mp.log(y), mp.log(scale), sigma) - mp.log(y)


def _log_weibull_density(y, shape, scale):
    hazard = (y / scale) ** shape
    return mp.log(shape) - mp.log(y) + mp.log(hazard) - hazard


_rng = np.random.RandomState(0)
_loc, _scale = [0.0, -3.0, 1e3, 2.5], [1.0, 0.2, 50.0, 1e-3]
_real: dict[str, Any] = {
    "params": rows(loc=_loc, scale=_scale),
    "extreme": rows(loc=[1e10, 0.0, 0.0, -1e300], scale=[1e-4, 1e-30, 1e200, 1e298]),
    "large": rows(loc=[1e4, 0.0], scale=[1e4, 1e8]),
    "far": [-1e100, -1e9, -1.0, 0.0, 1e-300, 1e9, 1e100],
    "sample": stats.t(2, 3, 2).rvs(81, random_state=_rng),
    "fixed": {"loc": 2.0, "scale": 1.5},
}

CASES: dict[str, Case] = {
    "normal": Case(
        **_real,
        scipy=lambda loc, scale: stats.norm(loc, scale),
        torch=torch.distributions.Normal,
        log_density=_log_normal_density,
    ),
    "laplace": Case(
        **_real,
        scipy=lambda loc, scale: stats.laplace(loc, scale),
        torch=torch.distributions.Laplace,
        log_density=lambda y, loc, scale: -abs(y - loc) / scale - mp.log(2 * scale),
    ),
    "student_t": Case(
        params=rows(df=[0.7, 1.0, 3.0, 30.0], loc=_loc, scale=_scale),
        extreme=rows(
            df=[1e-8, 0.3, 31.99, 1e6, 1e10, 1e100, 5.0],
            loc=[0.0, 1e10, 0.0, 0.0, 1.0, 0.0, 0.0],
            scale=[1.0, 1e-4, 1e200, 1.0, 1.0, 1.0, 1e-200],
        ),
        large=rows(df=[100.0, 1e4, 1e6, 1e8], loc=[0.0] * 4, scale=[1.0, 2.0, 1.0, 0.1]),
        far=_real["far"],
        sample=_real["sample"],
        fixed={"df": 4.0, **_real["fixed"]},
        scipy=lambda df, loc, scale: stats.t(df, loc, scale),
        torch=torch.distributions.StudentT,
        log_density=_log_t_density,
    ),
    "cauchy": Case(
        **_real,
        scipy=lambda loc, scale: stats.cauchy(loc, scale),
        torch=torch.distributions.Cauchy,
        log_density=lambda y, loc, scale: (
            -mp.log(mp.pi) - mp.log(scale) - mp.log1p(((y - loc) / scale) ** 2)
        ),
    ),
    "logistic": Case(
        **_real,
        scipy=lambda loc, scale: stats.logistic(loc, scale),
        torch=_torch_logistic,
        log_density=_log_logistic_density,
    ),
    "gumbel": Case(
        **{**_real, "far": [-2.0, -1.0, 0.0, 1e-300, 1e9, 1e100]},
        scipy=lambda loc, scale: stats.gumbel_r(loc, scale),
        torch=torch.distributions.Gumbel,
        log_density=_log_gumbel_density,
    ),
    "exponential": Case(
        params=rows(scale=[1.0, 0.01, 300.0]),
        extreme=rows(scale=[1e-300, 1e-30, 1e30, 1e300]),
        large=rows(scale=[1e-8, 1e8]),
        far=[0.0, 1e-300, 1.0, 1e5, 1e8],
        sample=stats.expon(scale=5).rvs(81, random_state=_rng),
        fixed={},
        scipy=lambda scale: stats.expon(scale=scale),
        torch=lambda scale: torch.distributions.Exponential(1 / scale),
        log_density=lambda y, scale: -y / scale - mp.log(scale),
    ),
    "gamma": Case(
        params=rows(shape=[0.5, 1.0, 3.0, 80.0], scale=_scale),
        extreme=rows(
            shape=[1e-8, 0.01, 15.99, 1e6, 1e8, 2.0, 2.0],
            scale=[1.0, 1e10, 1.0, 1e-3, 1.0, 1e-200, 1e200],
        ),
        large=rows(shape=[100.0, 1e4, 1e5, 1e6], scale=[1.0, 0.37, 3.0, 1.7]),
        far=[1e-300, 1e-9, 1.0, 1e9, 1e100],
        sample=stats.gamma(2.5, scale=3).rvs(81, random_state=_rng),
        fixed={"shape": 2.0, "scale": 1.5},
        scipy=lambda shape, scale: stats.gamma(shape, scale=scale),
        torch=lambda shape, scale: torch.distributions.Gamma(shape, 1 / scale),
        log_density=_log_gamma_density,
    ),
    "log_normal": Case(
        params=rows(sigma=[0.5, 1.0, 0.1, 1.5], scale=_scale),
        extreme=rows(sigma=[1e-4, 10.0, 1.0, 1.0], scale=[1.0, 1e-3, 1e-200, 1e200]),
        large=rows(sigma=[0.01, 1e-3, 2.0], scale=[1.0, 0.37, 3.0]),
        far=[1e-300, 1e-9, 1.0, 1e9, 1e100],
        sample=stats.lognorm(0.7, scale=3).rvs(81, random_state=_rng),
        fixed={"sigma": 0.5, "scale": 1.5},
        scipy=lambda sigma, scale: stats.lognorm(sigma, scale=scale),
        torch=lambda sigma, scale: torch.distributions.LogNormal(torch.log(scale), sigma),
        log_density=_log_log_normal_density,
    ),
    "weibull": Case(
        params=rows(shape=[0.5, 1.0, 3.0, 40.0], scale=_scale),
        extreme=rows(shape=[0.01, 1e4, 2.0, 2.0], scale=[1.0, 1e-3, 1e-200, 1e200]),
        large=rows(shape=[100.0, 1e3, 1e4], scale=[1.0, 0.37, 3.0]),
        far=[1e-300, 1e-9, 1.0, 1e9, 1e100],
        sample=stats.weibull_min(1.7, scale=3).rvs(81, random_state=_rng),
        fixed={"shape": 2.0, "scale": 1.5},
        scipy=lambda shape, scale: stats.weibull_min(shape, scale=scale),
        torch=lambda shape, scale: torch.distributions.Weibull(scale, shape),
        log_density=_log_weibull_density,
    ),
    "beta": Case(
        params=rows(mean=[0.5, 0.1, 0.7, 0.95], precision=[5.0, 8.0, 4.2, 100.0]),
        extreme=rows(
            mean=[1e-12, 1e-300, 0.5, 1 - 1e-12, 0.3, 0.999],
            precision=[1e8, 10.0, 1e-6, 1e6, 1e8, 32.0],
        ),
        large=rows(mean=[0.5, 0.1, 0.7, 0.01], precision=[100.0, 1e4, 1e5, 1e6]),
        far=[1e-300, 1e-9, 0.01, 0.5, 0.999, 1 - 1e-12, 1 - 2.0**-53],
        sample=stats.beta(2.0, 5.0).rvs(81, random_state=_rng),
        fixed={"mean": 0.4, "precision": 6.0},
        scipy=lambda mean, precision: stats.beta(mean * precision, (1 - mean) * precision),
        torch=lambda mean, precision: torch.distributions.Beta(
            mean * precision, (1 - mean) * precision
        ),
        log_density=_log_beta_density,
    ),
    "von_mises": Case(
        params=rows(loc=[0.0, -3.0, 1.5, 2.5], concentration=[1.0, 0.2, 4.0, 8.0]),
        extreme=rows(
            loc=[0.0, 3.1, -1.0, 0.5, 1e-3, 2.0, 0.0],
            concentration=[1e-300, 1e-8, 29.99, 30.01, 1e4, 1e6, 1e8],
        ),
        large=rows(loc=[0.0, -3.0, 1e-3, 2.5], concentration=[100.0, 1e4, 1e5, 1e6]),
        far=[-2 * np.pi, -np.pi, -1e-300, 0.0, 1.0, np.pi, 2 * np.pi],
        sample=stats.vonmises(2.0, 2.5).rvs(81, random_state=np.random.RandomState(1)),
        fixed={"loc": 2.0, "concentration": 1.5},
        scipy=lambda loc, concentration: stats.vonmises(concentration, loc),
        torch=torch.distributions.VonMises,
        log_density=_log_von_mises_density,
    ),
    "poisson": Case(
        params=rows(rate=[0.3, 1.0, 4.5, 40.5, 300.0]),
        extreme=rows(rate=[1e-300, 1e-9, 16.5, 1e6, 1e12, 1e100, 1e300]),
        large=rows(rate=[30.0, 1e3, 1e5, 1e6]),
        far=[0.0, 1.0, 16.0, 17.0, 1000.0, 1e9],
        sample=stats.poisson(3.5).rvs(81, random_state=_rng).astype(float),
        fixed={},
        scipy=lambda rate: stats.poisson(rate),
        torch=torch.distributions.Poisson,
        log_density=lambda y, rate: y * mp.log(rate) - rate - mp.loggamma(y + 1),
    ),
    "bernoulli": LabelCase(
        params=rows(logits=[0.0, -3.0, 1.5, 20.0]),
        extreme=rows(logits=[1e-300, -800.0, 800.0, 1e4, -1e300]),
        large=rows(logits=[100.0, -1e4]),
        far=[0.0, 1.0],
        sample=stats.bernoulli(0.3).rvs(81, random_state=_rng).astype(float),
        fixed={},
        scipy=lambda logits: stats.bernoulli(special.expit(logits)),
        torch=lambda logits: torch.distributions.Bernoulli(logits=logits),
        log_density=lambda y, logits: -mp.log1p(mp.exp(-logits if y else logits)),
    ),
    "categorical": LabelCase(
        params=rows(logits=[[0.0, 0.0, 0.0], [1.0, -2.0, 3.0], [-5.0, 5.0, 0.1]]),
        extreme=rows(logits=[[0.0, 800.0, -800.0], [1e4, 1e4, 0.0], [-1e300, 0.0, 1e300]]),
        large=rows(logits=[[100.0, 0.0, -100.0], [1e4, 1.0, 0.0]]),
        far=[0.0, 1.0, 2.0],
        sample=_rng.randint(3, size=81).astype(float),
        fixed={},
        scipy=lambda logits: _Categorical(special.softmax(logits, axis=-1)),
        torch=lambda logits: torch.distributions.Categorical(logits=logits),
        log_density=_log_categorical_mass,
        size=3,
    ),
}


class _Categorical:
    """Scipy's multinomial distribution of one draw, with y as a label."""

    def __init__(self, p: np.ndarray):
        self.multinomial = stats.multinomial(1, p)
        self.n_labels = p.shape[-1]

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        return self.multinomial.logpmf(np.eye(self.n_labels)[y.astype(int)])


NAMES = list(DISTRIBUTIONS)
PLAIN = {name: make for name, make in DISTRIBUTIONS.items() if isinstance(make, type)}
"""The families that are classes whose arguments are their parameters."""

FAMILIES = {name: make() for name, make in DISTRIBUTIONS.items()}
LABELS = [name for name in NAMES if isinstance(FAMILIES[name], LabelDistribution)]
NUMBERS = [name for name in NAMES if name not in LABELS]
ANGLES = [name for name in NUMBERS if isinstance(FAMILIES[name], CircularDistribution)]
LINEAR = [name for name in NUMBERS if name not in ANGLES]
"""The families of numbers on a line; moments and scores of angles have tests of their own, in
test_circular.py and predictive/test_circular.py."""

CONTINUOUS = [name for name in NUMBERS if not FAMILIES[name].support.discrete]
DISCRETE = [name for name in NUMBERS if FAMILIES[name].support.discrete]
