"""What every family is tried on, and who else knows its formulas: one entry per family."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, permutations
from typing import Any

import mpmath as mp
import numpy as np
import torch
from scipy import integrate, special, stats

from sklnll._network.head import Head
from sklnll.distributions import (
    DISTRIBUTIONS,
    CircularDistribution,
    Distribution,
    LabelDistribution,
    RankingDistribution,
    VectorDistribution,
)
from sklnll.distributions._compound import Compound

from .oracles import PointsAndCounts, PointsAndDensity, TorchPointsAnd, ZeroTruncated

Params = dict[str, np.ndarray]


def rows(**params: list) -> Params:
    return {name: np.array(value, dtype=float) for name, value in params.items()}


@dataclass(frozen=True)
class Case:
    """Parameters (a row per entry of the arrays), values of y, and the oracles.

    `far` holds legal y far out, `sample` a y to fit, `fixed` a number each parameter can be
    fixed to; `scipy` and `torch` make other people's distributions, `log_density` is the textbook
    formula in mpmath; `size` is the number of classes or components, 1 for numbers.
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


@dataclass(frozen=True)
class RankingCase(Case):
    """The same for a family over rankings: y runs over all orders, which `far` lists."""

    def pairs(self, params: Params, *, far: bool = True) -> tuple[np.ndarray, Params]:
        n_rows, n_orders = len(next(iter(params.values()))), len(self.far)
        rows = {name: np.repeat(value, n_orders, axis=0) for name, value in params.items()}
        return np.tile(self.far, (n_rows, 1)), rows


def all_orders(n_items: int) -> np.ndarray:
    """All full and partial rankings of the items, the latter completed by -1."""
    orders = [
        [*order, *[-1] * (n_items - n_listed)]
        for n_listed in range(1, n_items + 1)
        for order in permutations(range(n_items), n_listed)
    ]
    return np.array(orders, dtype=float)


class VectorCase(Case):
    """The same for a family of vectors: `far` is a list of them."""

    def pairs(self, params: Params, *, far: bool = True) -> tuple[np.ndarray, Params]:
        """Each row of parameters with seeded draws from it, and with the far vectors."""
        rng = np.random.RandomState(0)
        n_rows = len(next(iter(params.values())))
        y = [
            self.draw(rng, **{name: value[i] for name, value in params.items()})
            for i in range(n_rows)
        ]
        y = np.stack([np.vstack([draws, self.far]) if far else draws for draws in y])
        repeated = {name: np.repeat(value, y.shape[1], axis=0) for name, value in params.items()}
        y = y.reshape(-1, self.size)
        drawn = (np.abs(y) > 0).all(axis=1)  # shares of tiny precisions underflow in scipy
        return y[drawn], {name: value[drawn] for name, value in repeated.items()}

    def draw(self, rng: np.random.RandomState, **params: Any) -> np.ndarray:
        return self.scipy(**{name: value[None] for name, value in params.items()}).rvs(4, rng)


class TrialsCase(Case):
    """The same where y ends at a parameter called trials."""

    def _legal(self, y: np.ndarray, params: Params) -> tuple[np.ndarray, Params]:
        row, column = np.nonzero((y >= 0) & (y <= params["trials"][:, None]))
        return y[row, column], {name: value[row] for name, value in params.items()}


def with_axis(params: Params) -> Params:
    """Room for an axis of y or of levels after the rows."""
    return {name: value[:, None] for name, value in params.items()}


def stacked(*params: Params) -> Params:
    """All rows of several sets of parameters."""
    return {name: np.concatenate([p[name] for p in params]) for name in params[0]}


def make_head(family: Distribution, n_outputs: int = 1, size: int = 1) -> Head:
    """The head of a family whose fixed parameters have no units."""
    fixed = {name: np.full(n_outputs, value) for name, value in family.fixed().items()}
    return Head(family, n_outputs, size, fixed)


def accepts(family: Distribution, y: np.ndarray) -> bool:
    """Whether `y` may be fitted."""
    with warnings.catch_warnings(action="ignore"):  # of angles that look like degrees
        try:
            family.check_target(y)
        except ValueError:
            return False
    return True


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


def _log_plackett_luce_mass(y, scores):
    left, total = list(scores), mp.mpf(0)
    for item in y:
        if item >= 0:
            total += scores[int(item)] - mp.log(mp.fsum(mp.exp(score) for score in left))
            left.remove(scores[int(item)])
    return total


def _log_ordinal_mass(y, location, thresholds):
    cuts = [-mp.inf, *(threshold - location for threshold in thresholds), mp.inf]
    below, above = cuts[int(y)], cuts[int(y) + 1]
    # A difference of small numbers, instead of one of numbers near 1.
    if below > 0:
        below, above = -above, -below
    return mp.log(1 / (1 + mp.exp(-above)) - 1 / (1 + mp.exp(-below)))


def _torch_ordinal(location, thresholds):
    at_most = torch.sigmoid(thresholds - location[..., None])
    zero, one = torch.zeros_like(at_most[..., :1]), torch.ones_like(at_most[..., :1])
    return torch.distributions.Categorical(torch.cat([zero, at_most, one], -1).diff())


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


def _log_multivariate_normal_density(y, loc, scale_tril):
    z = []
    for row, v, mean in zip(scale_tril, y, loc, strict=True):
        before = mp.fsum(a * b for a, b in zip(row, z, strict=False))
        z.append((v - mean - before) / row[len(z)])
    of_z = [
        -(v**2) / 2 - mp.log(row[j]) for j, (v, row) in enumerate(zip(z, scale_tril, strict=True))
    ]
    return mp.fsum(of_z) - len(y) * mp.log(2 * mp.pi) / 2


def _log_dirichlet_density(y, mean, precision):
    # The floats nearest to shares miss a sum of one by their rounding.
    y = [v / mp.fsum(y) for v in y]
    a = [m * precision / mp.fsum(mean) for m in mean]
    norm = mp.fsum(mp.loggamma(v) for v in a) - mp.loggamma(precision)
    return mp.fsum((v - 1) * mp.log(share) for v, share in zip(a, y, strict=True)) - norm


def _log_negative_binomial_mass(y, mean, dispersion):
    r = 1 / dispersion
    gammas = mp.loggamma(y + r) - mp.loggamma(r) - mp.loggamma(y + 1)
    return gammas - r * mp.log1p(mean / r) - y * mp.log1p(r / mean)


def _log_binomial_mass(y, trials, p):
    gammas = mp.loggamma(trials + 1) - mp.loggamma(y + 1) - mp.loggamma(trials - y + 1)
    return gammas + y * mp.log(p) + (trials - y) * mp.log1p(-p)


def _log_zero_adjusted_gamma_density(y, inflation, shape, scale):
    if y == 0:
        return mp.log(inflation)
    return mp.log1p(-inflation) + _log_gamma_density(y, shape, scale)


def _log_zero_one_inflated_beta_density(y, inflation, share_of_ones, mean, precision):
    if y in (0, 1):
        return mp.log(inflation) + mp.log(share_of_ones if y else 1 - share_of_ones)
    return mp.log1p(-inflation) + _log_beta_density(y, mean, precision)


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
    "multivariate_normal": VectorCase(
        params=rows(
            loc=[[0.0, 0.0, 0.0], [-3.0, 1e3, 2.5], [1.0, 2.0, 3.0]],
            scale_tril=[
                [[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],
                [[0.2, 0, 0], [30.0, 40.0, 0], [1e-3, -2e-3, 5e-4]],
                [[2.0, 0, 0], [-1.9, 0.6, 0], [0.3, 1.4, 0.1]],
            ],
        ),
        extreme=rows(
            loc=[[1e10, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1e100, 1e-100]],
            scale_tril=[
                [[1e-4, 0, 0], [0.5, 1e-4, 0], [0.1, 0.5, 1e-4]],
                [[1.0, 0, 0], [1e6, 1e6, 0], [1e-6, -1e-6, 1e-6]],
                [[1e-100, 0, 0], [1e99, 1e98, 0], [3e-101, 0, 4e-101]],
            ],
        ),
        large=rows(
            loc=[[1e4, 0.0, 0.0]], scale_tril=[[[1e4, 0, 0], [1e8, 1e8, 0], [0.1, -0.1, 0.1]]]
        ),
        far=[[-1e9, -1.0, 2.0], [1e-300, -1e-9, 1.0], [1e100, 1e9, -1e100]],
        sample=stats.multivariate_normal([1.0, -2, 50], [[4, 1, 9], [1, 1, 5], [9, 5, 90]]).rvs(
            81, random_state=_rng
        ),
        fixed={},
        scipy=lambda loc, scale_tril: RowByRow(
            lambda loc, scale_tril: stats.multivariate_normal(
                loc, stats.Covariance.from_cholesky(scale_tril)
            ),
            loc=loc,
            scale_tril=scale_tril,
        ),
        torch=lambda loc, scale_tril: torch.distributions.MultivariateNormal(
            loc, scale_tril=scale_tril
        ),
        log_density=_log_multivariate_normal_density,
        size=3,
    ),
    "dirichlet": VectorCase(
        params=rows(
            mean=[[0.25, 0.25, 0.5], [0.125, 0.75, 0.125], [0.0625, 0.0625, 0.875]],
            precision=[4.0, 20.0, 300.0],
        ),
        extreme=rows(
            mean=[[0.25, 0.25, 0.5], [2.0**-40, 0.5, 0.5 - 2.0**-40], [0.25, 0.5, 0.25]],
            precision=[1e8, 1e6, 1e-6],
        ),
        large=rows(
            mean=[[0.5, 0.25, 0.25], [0.0625, 0.4375, 0.5], [0.25, 0.5, 0.25]],
            precision=[100.0, 1e4, 1e5],
        ),
        far=[[1e-300, 0.25, 0.75], [0.5, 0.5 - 1e-9, 1e-9], [0.125, 0.25, 0.625]],
        sample=stats.dirichlet([2.0, 5.0, 1.5]).rvs(81, random_state=_rng),
        fixed={"precision": 6.0},
        scipy=lambda mean, precision: RowByRow(
            lambda mean, precision: stats.dirichlet(mean * precision),
            mean=mean,
            precision=precision,
        ),
        torch=lambda mean, precision: torch.distributions.Dirichlet(mean * precision[..., None]),
        log_density=_log_dirichlet_density,
        size=3,
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
    "negative_binomial": Case(
        params=rows(mean=[0.3, 1.0, 4.5, 40.5, 300.0], dispersion=[1.0, 0.5, 2.0, 0.1, 0.01]),
        extreme=rows(
            mean=[1e-300, 1e-9, 16.5, 1e6, 1e6, 3.0, 4.0, 1e9, 1e100],
            dispersion=[1.0, 1.0, 1e-6, 1e-8, 5.0, 1e3, 1e-100, 1e-9, 1e-3],
        ),
        large=rows(mean=[30.0, 1e3, 1e5, 1e5], dispersion=[1e-6, 1e-4, 1e-5, 0.5]),
        far=[0.0, 1.0, 16.0, 17.0, 1000.0, 1e9],
        sample=stats.nbinom(2, 0.3).rvs(81, random_state=_rng).astype(float),
        fixed={"mean": 3.0, "dispersion": 0.5},
        scipy=lambda mean, dispersion: stats.nbinom(1 / dispersion, 1 / (1 + dispersion * mean)),
        torch=lambda mean, dispersion: torch.distributions.NegativeBinomial(
            1 / dispersion, logits=torch.log(mean * dispersion)
        ),
        log_density=_log_negative_binomial_mass,
    ),
    "binomial": TrialsCase(
        params=rows(trials=[2.0, 7.0, 40.0, 300.0, 12.0], p=[0.3, 0.5, 0.05, 0.9, 0.99]),
        extreme=rows(
            trials=[1.0, 16.0, 17.0, 1e3, 1e6, 1e9, 1e12, 1e15],
            p=[1e-300, 1 - 1e-12, 1e-9, 1e-12, 0.999999, 0.3, 1e-12, 1 - 1e-9],
        ),
        large=rows(trials=[1e3, 1e4, 1e5, 1e6], p=[0.5, 0.01, 0.999, 0.3]),
        far=[0.0, 1.0],
        sample=stats.bernoulli(0.3).rvs(81, random_state=_rng).astype(float),
        fixed={},
        scipy=lambda trials, p: stats.binom(trials, p),
        torch=lambda trials, p: torch.distributions.Binomial(trials, p, validate_args=False),
        log_density=_log_binomial_mass,
    ),
    "zero_adjusted_gamma": Case(
        params=rows(inflation=[0.3, 0.05, 0.45, 0.2], shape=[0.5, 1.0, 3.0, 80.0], scale=_scale),
        extreme=rows(
            inflation=[1e-12, 0.3, 1e-300, 1 - 1e-12, 0.5, 0.5, 0.5],
            shape=[1e-8, 0.01, 15.99, 1e6, 1e8, 2.0, 2.0],
            scale=[1.0, 1e10, 1.0, 1e-3, 1.0, 1e-200, 1e200],
        ),
        large=rows(inflation=[0.3, 0.01, 0.4], shape=[100.0, 1e4, 1e5], scale=[1.0, 0.37, 3.0]),
        far=[0.0, 1e-300, 1e-9, 1.0, 1e9, 1e100],
        sample=stats.gamma(2.5, scale=3).rvs(81, random_state=_rng) * (_rng.rand(81) < 0.6),
        fixed={"inflation": 0.3, "shape": 2.0, "scale": 1.5},
        scipy=lambda inflation, shape, scale: PointsAndDensity(
            stats.gamma(shape, scale=scale), inflation
        ),
        torch=lambda inflation, shape, scale: TorchPointsAnd(
            torch.distributions.Gamma(shape, 1 / scale), inflation
        ),
        log_density=_log_zero_adjusted_gamma_density,
    ),
    "zero_one_inflated_beta": Case(
        params=rows(
            inflation=[0.3, 0.05, 0.45, 0.2],
            share_of_ones=[0.5, 0.9, 0.1, 0.3],
            mean=[0.5, 0.1, 0.7, 0.95],
            precision=[5.0, 8.0, 4.2, 100.0],
        ),
        extreme=rows(
            inflation=[1e-12, 1e-300, 0.5, 1 - 1e-12, 0.3, 0.3],
            share_of_ones=[0.5, 0.5, 1e-12, 0.3, 1e-300, 1 - 1e-12],
            mean=[1e-12, 1e-300, 0.5, 1 - 1e-12, 0.3, 0.999],
            precision=[1e8, 10.0, 1e-6, 1e6, 1e8, 32.0],
        ),
        large=rows(
            inflation=[0.3, 0.05, 0.45, 0.2],
            share_of_ones=[0.5, 0.9, 0.1, 0.3],
            mean=[0.5, 0.1, 0.7, 0.01],
            precision=[100.0, 1e4, 1e5, 3e4],
        ),
        far=[0.0, 1e-300, 1e-9, 0.01, 0.5, 0.999, 1 - 1e-12, 1 - 2.0**-53, 1.0],
        sample=np.select(
            [_rng.rand(81) < 0.2, _rng.rand(81) < 0.1],
            [0.0, 1.0],
            stats.beta(2.0, 5.0).rvs(81, random_state=_rng),
        ),
        fixed={"inflation": 0.3, "share_of_ones": 0.6, "mean": 0.4, "precision": 6.0},
        scipy=lambda inflation, share_of_ones, mean, precision: PointsAndDensity(
            stats.beta(mean * precision, (1 - mean) * precision),
            inflation * (1 - share_of_ones),
            inflation * share_of_ones,
        ),
        torch=lambda inflation, share_of_ones, mean, precision: TorchPointsAnd(
            torch.distributions.Beta(mean * precision, (1 - mean) * precision),
            inflation * (1 - share_of_ones),
            inflation * share_of_ones,
        ),
        log_density=_log_zero_one_inflated_beta_density,
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
    "ordinal": LabelCase(
        params=rows(
            location=[0.0, 1.5, -2.0], thresholds=[[0.0, 1.0, 2.5], [0.0, 0.01, 3.0], [0, 5, 5.1]]
        ),
        extreme=rows(
            location=[0.5, 800.0, -800.0, 1e4, 1e4, -1e300, 1e300, 7.0],
            thresholds=[
                [0.0, 1e-300, 1e-9],
                [0.0, 1e-6, 800.0],
                [0.0, 1.0, 1e4],
                [0.0, 2e4, 2.1e4],
                [0.0, 9999.0, 10001.0],
                [0.0, 1.0, 2.0],
                [0.0, 1.0, 1e300],
                [0.0, 1e8, 1e8 + 1],
            ],
        ),
        large=rows(location=[100.0, -1e3], thresholds=[[0.0, 99.0, 101.0], [0.0, 10.0, 1e3]]),
        far=[0.0, 1.0, 2.0, 3.0],
        sample=_rng.randint(4, size=81).astype(float),
        fixed={},
        scipy=lambda location, thresholds: _Ordinal(location, thresholds),
        torch=_torch_ordinal,
        log_density=_log_ordinal_mass,
        size=4,
    ),
}

CASES["plackett_luce"] = RankingCase(
    params=rows(scores=[[0.0, 0.0, 0.0], [1.0, -2.0, 3.0], [-5.0, 5.0, 0.1]]),
    extreme=rows(scores=[[0.0, 800.0, -800.0], [1e4, 1e4, 0.0], [30.0, 0.0, -30.0]]),
    large=rows(scores=[[100.0, 0.0, -100.0], [1e4, 1.0, 0.0]]),
    far=all_orders(3),
    sample=all_orders(3)[_rng.randint(15, size=81)],
    fixed={},
    scipy=lambda scores: _Choices(scores, lambda left: _Categorical(special.softmax(left)).logpmf),
    torch=lambda scores: _Choices(
        scores, lambda left: torch.distributions.Categorical(logits=left).log_prob
    ),
    log_density=_log_plackett_luce_mass,
    size=3,
)


class RowByRow:
    """Scipy's distributions of vectors, a row each: `make` takes the parameters of one row."""

    def __init__(self, make: Callable[..., Any], **params: np.ndarray):
        rows_of = zip(*params.values(), strict=True)
        self.rows = [make(**dict(zip(params, row, strict=True))) for row in rows_of]

    def logpdf(self, y: np.ndarray) -> np.ndarray:
        return np.array([row.logpdf(v) for row, v in zip(self.rows, y, strict=True)])

    def rvs(self, size: int, rng: np.random.RandomState) -> np.ndarray:
        return self.rows[0].rvs(size, random_state=rng)


class _Categorical:
    """Scipy's multinomial distribution of one draw, with y as a label."""

    def __init__(self, p: np.ndarray):
        self.multinomial = stats.multinomial(1, p)
        self.n_labels = p.shape[-1]

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        return self.multinomial.logpmf(np.eye(self.n_labels)[y.astype(int)])


class _Choices:
    """Rankings as one choice after another; `law` gives the log-mass of a choice by scores."""

    def __init__(self, scores: Any, law: Callable[[Any], Callable[[Any], Any]]):
        self.scores = scores
        self.law = law

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        return np.array([self._log_mass(*row) for row in zip(y, self.scores, strict=True)])

    def log_prob(self, y: torch.Tensor) -> torch.Tensor:
        return torch.stack([self._log_mass(*row) for row in zip(y, self.scores, strict=True)])

    def _log_mass(self, order: Any, scores: Any) -> Any:
        left, total = list(range(len(order))), 0 * scores[0]
        for item in order[order >= 0]:
            place = left.index(int(item))
            total = total + self.law(scores[left])(0 * item + place)
            left.remove(int(item))
        return total


class _Ordinal:
    """Scipy's logistic distribution, cut at the thresholds."""

    def __init__(self, location: np.ndarray, thresholds: np.ndarray):
        ends = ((0, 0), (1, 1))
        at_most = stats.logistic.cdf(thresholds - location[:, None])
        self.p = np.diff(np.pad(at_most, ends, constant_values=(0, 1)))

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        return np.log(self.p[np.arange(len(y)), y.astype(int)])


def _counts_with_zeros(base: Case, *, is_hurdle: bool) -> Case:
    """The case of a zero-inflated or hurdle family, from that of its base."""

    def with_inflation(params: Params, inflation: list[float]) -> Params:
        return {"inflation": np.resize(inflation, len(next(iter(params.values())))), **params}

    def frozen(inflation, **params):
        law = base.scipy(**params)
        return PointsAndCounts(ZeroTruncated(law) if is_hurdle else law, inflation)

    def log_density(y, inflation, **params):
        base_zero = mp.exp(base.log_density(mp.mpf(0), **params))
        if y == 0:
            return mp.log(inflation if is_hurdle else inflation + (1 - inflation) * base_zero)
        above = mp.log1p(-inflation) + base.log_density(y, **params)
        return above - mp.log(1 - base_zero) if is_hurdle else above

    return Case(
        params=with_inflation(base.params, [0.3, 0.05, 0.7, 0.2, 0.4]),
        extreme=with_inflation(base.extreme, [0.3, 1e-12, 1 - 1e-12, 1e-300, 0.5, 1e-15]),
        large=with_inflation({key: v[:3] for key, v in base.large.items()}, [0.1, 0.5, 0.9]),
        far=base.far,
        sample=base.sample * (np.arange(len(base.sample)) % 10 < 7),
        fixed={"inflation": 0.3, **(base.fixed or {"rate": 2.5})},
        scipy=frozen,
        torch=lambda inflation, **params: TorchPointsAnd(
            base.torch(**params), inflation, counts=True, truncated=is_hurdle
        ),
        log_density=log_density,
    )


for _base in ("poisson", "negative_binomial"):
    CASES[f"zero_inflated_{_base}"] = _counts_with_zeros(CASES[_base], is_hurdle=False)
    CASES[f"hurdle_{_base}"] = _counts_with_zeros(CASES[_base], is_hurdle=True)

NAMES = list(DISTRIBUTIONS)
PLAIN = {name: make for name, make in DISTRIBUTIONS.items() if isinstance(make, type)}
"""The families that are classes whose arguments are their parameters, and options."""

OPTIONS: dict[str, dict[str, Any]] = {
    "beta": {"mean_link": "logit"},
    "poisson": {"rate_link": "log"},
    "negative_binomial": {"mean_link": "log"},
    "binomial": {"p_link": "logit"},
    "categorical": {"soft_targets": False},
    "ordinal": {"thresholds": "constant", "order": None},
}
"""Arguments that are no parameters, and parameters that are not predicted by default."""

FAMILIES = {name: make() for name, make in DISTRIBUTIONS.items()}
LEARNED = {
    name: [key for key, link in family.parameters.items() if link.learnable]
    for name, family in FAMILIES.items()
}
"""The parameters of each family that can be learned; all others are known numbers."""

LABELS = [name for name in NAMES if isinstance(FAMILIES[name], LabelDistribution)]
RANKINGS = [name for name in NAMES if isinstance(FAMILIES[name], RankingDistribution)]
VECTORS = [name for name in NAMES if isinstance(FAMILIES[name], VectorDistribution)]
NUMBERS = [name for name in NAMES if name not in LABELS and not FAMILIES[name].event_ndim]
ANGLES = [name for name in NUMBERS if isinstance(FAMILIES[name], CircularDistribution)]
LINEAR = [name for name in NUMBERS if name not in ANGLES]
"""The families of numbers on a line; moments and scores of angles have tests of their own, in
test_circular.py and predictive/test_circular.py."""

MIXED = [name for name in LINEAR if FAMILIES[name].support.atoms]
"""Families of numbers that have a density and, at the ends, probabilities."""

PURE = [name for name in LINEAR if name not in MIXED]
"""Those that have a density everywhere, or a mass."""

CONTINUOUS = [n for n in NUMBERS if not FAMILIES[n].support.discrete and n not in MIXED]
DISCRETE = [name for name in NUMBERS if FAMILIES[name].support.discrete]
COMPOUND = [name for name in NAMES if isinstance(FAMILIES[name], Compound)]


def make(name: str, **switches: Any) -> Distribution:
    """The family of that name with these parameters, which its base may hold."""
    family = DISTRIBUTIONS[name]()
    own = family.get_params(deep=False)
    return family.set_params(
        **{key if key in own else f"base__{key}": value for key, value in switches.items()}
    )
