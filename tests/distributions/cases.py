"""What every family is tried on, and who else knows its formulas: one entry per family."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import mpmath as mp
import numpy as np
import torch
from scipy import integrate, special, stats

from sklnll.distributions import DISTRIBUTIONS, Distribution, LabelDistribution

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


def _log_mixture_density(y, logits, loc, scale):
    densities = [mp.exp(_log_normal_density(y, m, s)) for m, s in zip(loc, scale, strict=True)]
    weights = [mp.exp(logit - max(logits)) for logit in logits]
    return mp.log(mp.fdot(weights, densities) / mp.fsum(weights))


class NormalMixture(stats.rv_continuous):
    """Three normal components in scipy's words; shapes are all weights, then locs, then scales."""

    def _argcheck(self, *args):
        return np.isfinite(sum(args))

    def _average(self, function, *args):
        weights, locs, scales = args[:3], args[3:6], args[6:]
        each = (w * function(m, s) for w, m, s in zip(weights, locs, scales, strict=True))
        return sum(each)

    def _logpdf(self, y, *args):
        logs = [-(((y - args[k]) / args[k + 3]) ** 2) / 2 - np.log(args[k + 3]) for k in (3, 4, 5)]
        weights = np.broadcast_arrays(*args[:3], logs[0])[:3]
        return special.logsumexp(logs, axis=0, b=weights) - np.log(2 * np.pi) / 2

    def _pdf(self, y, *args):
        return np.exp(self._logpdf(y, *args))

    def _cdf(self, y, *args):
        return self._average(lambda m, s: special.ndtr((y - m) / s), *args)

    def _sf(self, y, *args):
        return self._average(lambda m, s: special.ndtr((m - y) / s), *args)

    def _ppf(self, q, *args):
        return self._bisect(q, lambda y: self._cdf(y, *args) < q, stats.norm.ppf, *args)

    def _isf(self, q, *args):
        return self._bisect(q, lambda y: self._sf(y, *args) > q, stats.norm.isf, *args)

    def _bisect(self, q, is_below, quantile, *args):
        ends = [quantile(q, m, s) for m, s in zip(args[3:6], args[6:], strict=True)]
        low, high = np.min(ends, axis=0), np.max(ends, axis=0)
        for _ in range(100):
            middle = low + (high - low) / 2
            below = is_below(middle)
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return high

    def _stats(self, *args):
        mean = self._average(lambda m, s: m, *args)
        return mean, self._average(lambda m, s: s**2 + (m - mean) ** 2, *args), None, None

    def _entropy(self, *args):
        locs, scales = np.array(args[3:6]), np.array(args[6:])
        ends = np.sort(np.ravel(locs + np.array([[-38], [-9], [-3], [0], [3], [9], [38]]) * scales))

        def integrand(y):
            return special.entr(self._pdf(y, *args))

        pieces = [
            integrate.quad(integrand, *piece, epsrel=1e-12, epsabs=0, limit=200)[0]
            for piece in pairwise(ends)
            if integrand(np.linspace(*piece, 9)).any()
        ]
        return sum(pieces)


def _normal_mixture(logits, loc, scale):
    columns = np.broadcast_arrays(special.softmax(logits, axis=-1), loc, scale)
    names = [f"{name}{k}" for name in ("weight", "place", "width") for k in range(3)]
    law = NormalMixture(shapes=",".join(names), name="normal_mixture")
    return law(*(value[..., k] for value in columns for k in range(3)))


def _torch_mixture(logits, loc, scale):
    return torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=logits), torch.distributions.Normal(loc, scale)
    )


_rng, _groups = np.random.RandomState(0), np.random.RandomState(1)
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
    "normal_mixture": Case(
        params=rows(
            logits=[[0.0, 0.0, 0.0], [1.0, -2.0, 3.0], [0.3, 0.0, -1.0], [-5.0, 5.0, 0.1]],
            loc=[[-1.0, 0.0, 2.0], [-3.0, -3.1, 8.0], [1e3, 1e3, 1.1e3], [2.5, 2.501, 2.6]],
            scale=[[1.0, 0.5, 1.5], [0.2, 3.0, 1.0], [50.0, 10.0, 5.0], [1e-3, 2e-3, 0.01]],
        ),
        extreme=rows(
            logits=[[0.0, 0.0, 0.0], [0.0, 40.0, -40.0], [1e3, 1e3, 999.0], [-1.0, 0.0, 1.0]],
            loc=[[1e10, 0.0, -1e10], [0.0, 0.0, 0.0], [0.0, 1e200, 2e200], [-1e300, 0.0, 1e300]],
            scale=[[1.0, 1e-3, 5.0], [1.0, 1e-30, 1e30], [1e199, 1e200, 1e180], [1e298] * 3],
        ),
        large=rows(
            logits=[[0.0, 1.0, 2.0], [0.0, 0.0, -30.0]],
            loc=[[1e4, 2e4, 3e4], [0.0, 1e8, -1e8]],
            scale=[[1e4, 2e4, 1e3], [1e8, 1e8, 1e7]],
        ),
        far=_real["far"],
        sample=stats.norm([-6, 1, 9], [1, 0.5, 2]).rvs((27, 3), random_state=_groups).ravel(),
        fixed={"scale": 1.5},
        scipy=_normal_mixture,
        torch=_torch_mixture,
        log_density=_log_mixture_density,
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


def switched(name: str, switches: dict[str, Any]) -> Distribution:
    """The family with parameters constant or fixed; those of a component are its base's."""
    own = FAMILIES[name].get_params(deep=False)
    return DISTRIBUTIONS[name]().set_params(
        **{key if key in own else f"base__{key}": value for key, value in switches.items()}
    )


LABELS = [name for name in NAMES if isinstance(FAMILIES[name], LabelDistribution)]
NUMBERS = [name for name in NAMES if name not in LABELS]
CONTINUOUS = [name for name in NUMBERS if not FAMILIES[name].support.discrete]
DISCRETE = [name for name in NUMBERS if FAMILIES[name].support.discrete]
