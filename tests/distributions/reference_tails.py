"""What are the tails and quantiles of each family of numbers, to 34 digits, from the textbook?

``cd tests && python -m distributions.reference_tails`` computes them with mpmath and writes them
into reference_tails.json, which test_tails.py reads; it takes some minutes. Tails
without an elementary form are integrals of the textbook's density from y outwards. The package is
asked for nothing but where the search for a quantile may start.
"""

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import mpmath as mp
import numpy as np

from .cases import FAMILIES

FILE = Path(__file__).with_suffix(".json")
LEVELS = ["1e-300", "1e-100", "1e-17", "1e-6", "0.1"]
"""Probabilities below y, and above it; as decimals, of which the nearest float is meant."""
FARTHER = [-2e3]
"""Logarithms of probabilities that are no floats: only the logarithms of tails are asked there."""
MEDIAN = "0.5"

Tails = tuple[mp.mpf, mp.mpf]
Map = Callable[[mp.mpf], mp.mpf]
_NEGLIGIBLE = 85
"""So many nats below its largest value, an integrand is left out: 1e-37."""


def exp(x: mp.mpf) -> mp.mpf:
    """Return exp(x), as 0 where mpmath would take for ever, and as large at the other end."""
    return mp.exp(min(x, mp.mpf(10) ** 6)) if x > -(10**7) else mp.mpf(0)


def other(log_p: mp.mpf) -> mp.mpf:
    """Return log(1 - p)."""
    if log_p == 0:
        return -mp.inf
    return mp.log1p(-exp(log_p)) if log_p < -1 else mp.log(-mp.expm1(log_p))


def smaller(log_below: Callable[[], mp.mpf], log_above: Callable[[], mp.mpf], low: bool) -> Tails:
    """Return both tails from the one that is asked for, the smaller."""
    if low:
        below = log_below()
        return below, other(below)
    above = log_above()
    return other(above), above


def log_outward(fall: Callable[[mp.mpf], mp.mpf]) -> mp.mpf:
    """Return the logarithm of the integral of exp(-fall(t)) over t > 0, for a convex `fall`."""
    with mp.workdps(15):
        end = mp.mpf(1)
        while fall(end) < _NEGLIGIBLE:
            end *= 2
        while fall(end / 2) > _NEGLIGIBLE:
            end /= 2
    first = end / 32
    # A slow fall may end in a cliff, or begin after one.
    near = [mp.mpf(2) ** k for k in range(0, 40, 2) if mp.mpf(2) ** k < first]
    places = [0, *near, first, end / 16, end / 8, end / 4, end / 2, end]
    return mp.log(_integral(lambda t: exp(-fall(t)), places))


def _integral(function: Callable[[mp.mpf], mp.mpf], places: list) -> mp.mpf:
    """Add the integrals between the places."""
    return mp.fsum(
        mp.quad(function, pair, method="gauss-legendre", maxdegree=6) for pair in pairwise(places)
    )


# Incomplete functions, as integrals over variables in which densities are log-concave -------------


def gamma_tails(shape: mp.mpf, x: mp.mpf) -> Tails:
    """Return the tails of the gamma distribution, over the logarithm of x."""
    density = shape * mp.log(x) - x - mp.loggamma(shape)
    return smaller(
        lambda: density + log_outward(lambda t: shape * t + x * mp.expm1(-t)),
        lambda: density + log_outward(lambda t: x * mp.expm1(t) - shape * t),
        x < shape,
    )


def beta_tails(a: mp.mpf, b: mp.mpf, x: mp.mpf, rest: mp.mpf) -> Tails:
    """Return the tails of the beta distribution at x = 1 - rest, over the log-odds of x."""
    gammas = mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b)
    density = gammas + a * mp.log(x) + b * mp.log(rest)
    return smaller(
        lambda: density + log_outward(lambda t: a * t + (a + b) * mp.log1p(x * mp.expm1(-t))),
        lambda: density + log_outward(lambda t: b * t + (a + b) * mp.log1p(rest * mp.expm1(-t))),
        x * b < a * rest,
    )


def t_tails(df: mp.mpf, z: mp.mpf) -> Tails:
    """Return the tails of Student's t: half of a beta distribution's lower tail on each side."""
    u = mp.asinh(abs(z) / mp.sqrt(df))
    gammas = mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(mp.pi) / 2
    slope = mp.tanh(u)
    tail = (
        gammas
        - df * mp.log(mp.cosh(u))
        + log_outward(lambda t: df * mp.log(mp.cosh(t) + slope * mp.sinh(t)))
    )
    return (tail, other(tail)) if z < 0 else (other(tail), tail)


def normal_tails(z: mp.mpf) -> Tails:
    def upper(z: mp.mpf) -> mp.mpf:
        if z < 1e4:
            return mp.log(mp.erfc(z / mp.sqrt(2)) / 2)
        return -z * z / 2 - mp.log(2 * mp.pi) / 2 + log_outward(lambda t: z * t + t * t / 2)

    return smaller(lambda: upper(-z), lambda: upper(z), z < 0)


def von_mises_tails(concentration: mp.mpf, away: mp.mpf) -> Tails:
    """Return the tails of an angle between -pi and pi, cut opposite to the mean direction."""
    x, end = abs(away), mp.pi
    width = min(mp.pi, 1 / mp.sqrt(concentration))
    places, step = [x], width
    while places[-1] < end:
        places.append(min(end, places[-1] + step))
        step *= 2
    height = 2 * mp.sin(x / 2) ** 2

    def integrand(t: mp.mpf) -> mp.mpf:
        return exp(concentration * (height - 2 * mp.sin(t / 2) ** 2))

    norm = mp.log(2 * mp.pi) + mp.log(mp.besseli(0, concentration)) - concentration
    tail = mp.log(_integral(integrand, places)) - concentration * height - norm
    return (tail, other(tail)) if away < 0 else (other(tail), tail)


# Families -----------------------------------------------------------------------------------------


def on_line(standard: Callable[..., Tails]) -> Callable[..., Tails]:
    return lambda y, loc, scale, **shapes: standard((y - loc) / scale, **shapes)


def laplace(z: mp.mpf) -> Tails:
    tail = -abs(z) - mp.log(2)
    return (tail, other(tail)) if z < 0 else (other(tail), tail)


def cauchy(z: mp.mpf) -> Tails:
    tail = mp.log(mp.atan2(1, abs(z)) / mp.pi)
    return (tail, other(tail)) if z < 0 else (other(tail), tail)


def softplus(z: mp.mpf) -> mp.mpf:
    return max(z, mp.mpf(0)) + mp.log1p(exp(-abs(z)))


def logistic(z: mp.mpf) -> Tails:
    return -softplus(-z), -softplus(z)


def gumbel(z: mp.mpf) -> Tails:
    return -exp(-z), other(-exp(-z))


def weibull(y: mp.mpf, shape: mp.mpf, scale: mp.mpf) -> Tails:
    hazard = exp(shape * mp.log(y / scale))
    return other(-hazard), -hazard


def normal_mixture(y: mp.mpf, logits: list, loc: list, scale: list) -> Tails:
    weights = [exp(logit - max(logits)) for logit in logits]
    tails = [normal_tails((y - m) / s) for m, s in zip(loc, scale, strict=True)]
    both = (
        mp.log(mp.fdot(weights, [exp(t[side]) for t in tails]) / mp.fsum(weights))
        for side in (0, 1)
    )
    below, above = both
    return (below, other(below)) if below < above else (other(above), above)


def poisson(y: mp.mpf, rate: mp.mpf) -> Tails:
    above, below = gamma_tails(y + 1, rate)
    return below, above


def negative_binomial(y: mp.mpf, mean: mp.mpf, dispersion: mp.mpf) -> Tails:
    r = 1 / dispersion
    return beta_tails(r, y + 1, r / (r + mean), mean / (r + mean))


def binomial(y: mp.mpf, trials: mp.mpf, p: mp.mpf) -> Tails:
    if y >= trials:
        return mp.mpf(0), -mp.inf
    return beta_tails(trials - y, y + 1, 1 - p, p)


def with_zeros(base: Callable[..., Tails], *, hurdle: bool = False) -> Callable[..., Tails]:
    """Return the tails of a law that is zero with an extra probability."""

    def tails(y: mp.mpf, inflation: mp.mpf, **params: mp.mpf) -> Tails:
        above = mp.log1p(-inflation) + (
            base(y, **params)[1] if y > 0 or hurdle or not counts else base(mp.mpf(0), **params)[1]
        )
        if hurdle:
            above -= base(mp.mpf(0), **params)[1]
        return other(above), above

    counts = base in (poisson, negative_binomial)

    def of_amounts(y: mp.mpf, inflation: mp.mpf, **params: mp.mpf) -> Tails:
        above = mp.log1p(-inflation) + (base(y, **params)[1] if y > 0 else 0)
        return other(above), above

    return tails if counts else of_amounts


def beta(y: mp.mpf, mean: mp.mpf, precision: mp.mpf) -> Tails:
    return beta_tails(mean * precision, (1 - mean) * precision, y, 1 - y)


def zero_one_inflated_beta(
    y: mp.mpf, inflation: mp.mpf, share_of_ones: mp.mpf, **params: mp.mpf
) -> Tails:
    ones, rest = inflation * share_of_ones, 1 - inflation
    if y >= 1:
        return mp.mpf(0), -mp.inf
    if y == 0:
        zeros = mp.log(inflation * (1 - share_of_ones))
        return zeros, other(zeros)
    below, above = beta(y, **params)
    log_above = mp.log(ones + rest * exp(above))
    log_below = mp.log(inflation * (1 - share_of_ones) + rest * exp(below))
    return (log_below, other(log_below)) if log_below < log_above else (other(log_above), log_above)


def gamma(y: mp.mpf, shape: mp.mpf, scale: mp.mpf) -> Tails:
    return gamma_tails(shape, y / scale)


TAILS: dict[str, Callable[..., Tails]] = {
    "normal": on_line(normal_tails),
    "laplace": on_line(laplace),
    "student_t": on_line(lambda z, df: t_tails(df, z)),
    "cauchy": on_line(cauchy),
    "logistic": on_line(logistic),
    "gumbel": on_line(gumbel),
    "normal_mixture": normal_mixture,
    "exponential": lambda y, scale: (other(-y / scale), -y / scale),
    "gamma": gamma,
    "log_normal": lambda y, sigma, scale: normal_tails(mp.log(y / scale) / sigma),
    "weibull": weibull,
    "beta": beta,
    "von_mises": lambda y, loc, concentration: von_mises_tails(concentration, y - loc),
    "poisson": poisson,
    "negative_binomial": negative_binomial,
    "binomial": binomial,
    "zero_inflated_poisson": with_zeros(poisson),
    "hurdle_poisson": with_zeros(poisson, hurdle=True),
    "zero_inflated_negative_binomial": with_zeros(negative_binomial),
    "hurdle_negative_binomial": with_zeros(negative_binomial, hurdle=True),
    "zero_adjusted_gamma": with_zeros(gamma),
    "zero_one_inflated_beta": zero_one_inflated_beta,
}


# Where they are asked -----------------------------------------------------------------------------


def table(**params: list) -> list[dict]:
    """Return a dictionary for each row of parameters."""
    return [dict(zip(params, row, strict=True)) for row in zip(*params.values(), strict=True)]


_PLACES = {"loc": [0.0, -3.0, 1e10, 2.5], "scale": [1.0, 0.2, 1e-4, 1e200]}
_RATES = [1e-9, 0.3, 2.8, 40.5, 1e4, 1e8, 1e12]
_MEANS = {
    "mean": [1e-9, 0.3, 4.5, 40.5, 300.0, 1e6, 1e9, 1e12],
    "dispersion": [1.0, 1.0, 2.0, 0.1, 1e-3, 5.0, 1e-6, 1e-15],
}
_SHAPES = [1e-8, 0.01, 0.5, 1.0, 3.0, 80.0, 1e4, 1e8]
_PROPORTIONS = {
    "mean": [0.5, 0.1, 0.7, 0.95, 1e-12, 0.5, 0.3, 0.999, 0.01],
    "precision": [5.0, 8.0, 4.2, 100.0, 1e8, 1e-3, 1e8, 32.0, 1e5],
}
ROWS: dict[str, list[dict]] = {
    **{name: table(**_PLACES) for name in ("normal", "laplace", "cauchy", "logistic", "gumbel")},
    "student_t": table(
        df=[0.1, 0.7, 1.0, 3.0, 4.2, 30.0, 1e4, 1e8],
        loc=[0.0, -3.0, 0.0, 1e3, 2.5, 0.0, 0.0, 0.0],
        scale=[1.0, 0.2, 1.0, 50.0, 1e-3, 1.0, 1.0, 1.0],
    ),
    "normal_mixture": table(
        logits=[[0.0, 0.0, 0.0], [1.0, -2.0, 3.0], [-5.0, 5.0, 0.1]],
        loc=[[-1.0, 0.0, 2.0], [-3.0, -3.1, 8.0], [2.5, 2.501, 2.6]],
        scale=[[1.0, 0.5, 1.5], [0.2, 3.0, 1.0], [1e-3, 2e-3, 0.01]],
    ),
    "exponential": table(scale=[1.0, 0.01, 1e200]),
    "gamma": table(shape=_SHAPES, scale=[1.0, 1.0, 0.2, 1.0, 50.0, 1e-3, 1.0, 1.0]),
    "log_normal": table(sigma=[1e-4, 0.1, 1.0, 10.0], scale=[1.0, 50.0, 0.37, 1e-3]),
    "weibull": table(
        shape=[0.02, 0.5, 1.0, 3.0, 40.0, 1e4, 1e8], scale=[1.0, 1.0, 0.2, 50.0, 1e-3, 0.37, 3.0]
    ),
    "beta": table(**_PROPORTIONS),
    "von_mises": table(
        loc=[0.0, -3.0, 1.5, 2.5, 0.0, 1e-3, 2.0],
        concentration=[1e-8, 0.2, 4.0, 30.0, 100.0, 1e4, 1e8],
    ),
    "poisson": table(rate=_RATES),
    "negative_binomial": table(**_MEANS),
    "binomial": table(
        trials=[1.0, 8.0, 40.0, 300.0, 1e6, 1e9, 1e12, 2.0**53],
        p=[0.3, 0.5, 0.05, 0.9, 1e-3, 0.3, 1e-9, 0.999],
    ),
    "zero_inflated_poisson": table(inflation=[0.3, 1e-12, 0.9, 0.5], rate=[0.3, 2.8, 40.5, 1e4]),
    "hurdle_poisson": table(inflation=[0.3, 1e-12, 0.9, 0.5], rate=[1e-9, 2.8, 40.5, 1e4]),
    "zero_inflated_negative_binomial": table(
        inflation=[0.3, 1e-12, 0.9], mean=[0.3, 4.5, 1e6], dispersion=[1.0, 2.0, 0.5]
    ),
    "hurdle_negative_binomial": table(
        inflation=[0.3, 1e-12, 0.9], mean=[1e-9, 4.5, 1e6], dispersion=[1.0, 2.0, 0.5]
    ),
    "zero_adjusted_gamma": table(
        inflation=[0.3, 1e-12, 0.9, 0.4], shape=[0.01, 0.5, 3.0, 1e4], scale=[1.0, 0.2, 50.0, 1.0]
    ),
    "zero_one_inflated_beta": table(
        inflation=[0.3, 1e-12, 0.9, 0.5],
        share_of_ones=[0.5, 0.9, 1e-12, 0.3],
        mean=[0.5, 0.1, 0.7, 0.01],
        precision=[5.0, 8.0, 4.2, 1e5],
    ),
}
_COUNTS = {name for name in ROWS if "poisson" in name or "binomial" in name}
_POSITIVE = {"exponential", "gamma", "log_normal", "weibull", "zero_adjusted_gamma"}
_HALF_TURN = 3.14159
"""Nearer to the cut an angle has too few digits."""
_UNIT = {"beta", "zero_one_inflated_beta"}


def in_digits(value: object) -> object:
    """Return a parameter, which may be a list, as numbers of mpmath."""
    return [mp.mpf(v) for v in value] if isinstance(value, list) else mp.mpf(value)  # type: ignore[arg-type]


def line_of(name: str, params: dict) -> tuple[Map, Map, mp.mpf, mp.mpf]:
    """Return the maps from a line to y and back, and the ends between which y is a float."""
    low, high = mp.mpf(-690), mp.mpf(690)
    if name == "von_mises":
        return (
            (lambda s: params["loc"] + s),
            (lambda y: y - params["loc"]),
            mp.mpf(-_HALF_TURN),
            mp.mpf(_HALF_TURN),
        )
    if name in _UNIT:
        return (lambda s: 1 / (1 + mp.exp(-s))), (lambda y: mp.log(y / (1 - y))), low, mp.mpf(36)
    if name in _POSITIVE:
        return mp.exp, mp.log, low, high
    loc, scale = (
        params[key] if not isinstance(params[key], list) else key == "scale"
        for key in ("loc", "scale")
    )
    return (lambda s: loc + scale * mp.sinh(s)), (lambda y: mp.asinh((y - loc) / scale)), low, high


def guess(name: str, params: dict, level: float, side: int) -> float:
    """Return where the search starts; it does not matter whether that is right."""
    law = FAMILIES[name].frozen(**{key: np.array([value]) for key, value in params.items()})
    with np.errstate(all="ignore"):
        return float((law.isf if side else law.ppf)(level)[0])


def quantile(name: str, params: dict, log_p: mp.mpf, side: int, start: float) -> mp.mpf | None:
    """Return the y with this log-probability below (0) or above it (1); None beyond floats."""
    tails, (to_y, to_line, low, high) = TAILS[name], line_of(name, params)

    def excess(s: mp.mpf) -> mp.mpf:
        value = tails(to_y(s), **params)[side] - log_p
        return -value if side else value

    root = root_of(excess, low, high, to_line, start)
    return None if root is None else to_y(root)


def root_of(
    excess: Callable[[mp.mpf], mp.mpf],
    low: mp.mpf,
    high: mp.mpf,
    to_line: Callable[[mp.mpf], mp.mpf],
    start: float,
) -> mp.mpf | None:
    """Return the root of a rising function; None where it is not between these ends."""
    middle = to_line(mp.mpf(start)) if np.isfinite(start) and start not in (0, 1) else mp.nan
    if not low < middle < high or abs(excess(middle)) > 0.1:
        if excess(low) > 0 or excess(high) < 0:
            return None
        middle = low
    while abs(excess(middle)) > 0.1:
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    before, root = middle + min(1, abs(high - middle)) / 10**9, middle
    last, now = excess(before), excess(root)
    for _ in range(20):
        if abs(now) < mp.mpf("1e-15") or now == last:
            return root
        before, root = root, root - now * (root - before) / (now - last)
        last, now = now, excess(root)
    raise ArithmeticError(f"no root at {root}: {now}")


def count(name: str, params: dict, log_p: mp.mpf, side: int, start: float) -> mp.mpf | None:
    """Return the smallest count with at least this probability up to it, or at most this above."""

    def excess(k: mp.mpf) -> mp.mpf:
        value = TAILS[name](k, **params)[side] - log_p
        return -value if side else value

    if excess(mp.mpf(0)) >= 0:
        return mp.mpf(0)
    k = mp.mpf(start)
    if excess(k) >= 0 > excess(k - 1):
        return k
    if "trials" in params:
        return least_of(excess, int(params["trials"]))
    # Between whole numbers the incomplete functions go on.
    root = root_of(lambda s: excess(mp.expm1(s)), mp.mpf(0), mp.mpf(37), mp.log1p, np.nan)
    if root is None:
        return None
    k = mp.ceil(mp.expm1(root))
    while excess(k) < 0:
        k += 1
    while excess(k - 1) >= 0:
        k -= 1
    if np.isfinite(start):
        print(f"the package has {start} instead of {k} in {name} {params} {log_p} {side}")
    return k


def least_of(excess: Map, most: int) -> mp.mpf:
    """Return the smallest whole number above 0, at most `most`, at which this is not negative."""
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if excess(mp.mpf(middle)) >= 0 else (middle, high)
    return mp.mpf(high)


def entries(name: str, params: dict) -> Iterator[dict]:
    """Yield a level, its quantile and the tails there, for all levels that a float y has."""
    exact = {key: in_digits(value) for key, value in params.items()}
    asked = [(float(level), mp.log(mp.mpf(float(level)))) for level in [*LEVELS, MEDIAN]]
    asked += [(None, mp.mpf(log_p)) for log_p in FARTHER]
    search = count if name in _COUNTS else quantile
    for side in (0, 1):
        for level, log_p in asked:
            start = np.nan if level is None else guess(name, params, level, side)
            y = search(name, exact, log_p, side, start)
            if y is None or (not 1e-300 < abs(float(y)) < 1e300 and name not in _COUNTS):
                continue
            nearest = float(y)
            if (name in _UNIT and nearest == 1) or (
                name == "von_mises" and abs(nearest - params["loc"]) > _HALF_TURN
            ):
                continue
            below, above = TAILS[name](mp.mpf(nearest), **exact)
            yield {
                "q": level,
                "side": side,
                "y": nearest,
                "logcdf": float(below),
                "logsf": float(above),
            }


def main(names: list[str]) -> None:
    """Compute some families, or all, and write the file."""
    stored = json.loads(FILE.read_text()) if FILE.exists() else {}
    mp.mp.dps = 34
    for name in names or ROWS:
        rows = []
        for params in ROWS[name]:
            found = list(entries(name, params))
            columns = {key: [entry[key] for entry in found] for key in found[0]}
            rows.append({"params": params, **columns})
            print(name, params, len(found), flush=True)
        stored[name] = rows
        FILE.write_text(json.dumps(stored))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
