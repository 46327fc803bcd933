"""What is the mean loss of a prediction q where y comes from a predicted p? Sums and quadrature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.polynomial import legendre

from .._laws.atoms import DensityWithAtoms
from .._laws.law import LEVELS, ContinuousLaw
from .._laws.von_mises import wrap
from .._numerics.line import Line
from ..predictive import (
    CircularPredictive,
    DiscretePredictive,
    PredictiveDistribution,
    TransformedPredictive,
)

Loss = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""A function of log p(y) and log q(y)."""

_NODES, _WEIGHTS = legendre.leggauss(8)
_N_BEYOND = 22
"""Number of stretches between an outermost quantile and the end of the line, ever longer."""
_N_HALVINGS = 6
_TOLERANCE, _ROUNDING = 1e-12, 1e-9
_NEGLIGIBLE = 1e-9
"""Share of the last stretch before infinity, above which an integral has no end."""
_N_COUNTS = 1024
"""Neighboring counts that are added one by one; of more, the rest is nearly an integral."""
_COUNTS_AT_ONCE = 64
_VALUES_AT_ONCE = 200_000


def mean_loss(p: PredictiveDistribution, q: PredictiveDistribution, loss: Loss) -> np.ndarray:
    """Average a loss over y from p, for each row and output; infinite where q excludes such y.

    Parameters
    ----------
    p, q : PredictiveDistribution
        Two predictions of the same shape, and of the same kind of y.
    loss : callable
        Loss at y, from log p(y) and log q(y).

    Returns
    -------
    ndarray of the shape of p
    """
    with np.errstate(all="ignore"):
        if isinstance(p, DiscretePredictive):
            total = _over_counts(p, q, loss)
        else:
            total = _over_atoms(p, q, loss) + _over_densities(p, q, loss)
        (low, high), (least, most) = p.support(), q.support()
    is_excluded = (low < least) | (high > most)
    return total if isinstance(p, CircularPredictive) else np.where(is_excluded, np.inf, total)


def _over_atoms(p: Any, q: Any, loss: Loss) -> np.ndarray:
    """Add up the y that have a probability of their own, which q may not know."""
    total = np.zeros(p.shape)
    for atom in p.distribution.support.atoms:
        y = np.full(p.shape, atom)
        log_p = p._log_prob(y)
        log_q = np.where(q.distribution.is_density(y), -np.inf, q._log_prob(y))
        total += _weighted(np.exp(log_p), loss(log_p, log_q))
    return total


def _over_counts(p: Any, q: Any, loss: Loss) -> np.ndarray:
    """Add up counts; where p spreads over too many, Euler and Maclaurin's sum takes the rest."""
    low = np.maximum(p.ppf(LEVELS[0]) - 1, 0)
    total = np.zeros(p.shape)
    for counts in np.arange(_N_COUNTS).reshape(-1, _COUNTS_AT_ONCE):
        y = low + counts.reshape(-1, *(1,) * low.ndim)
        total += np.where(y <= p.support()[1], _share(p, q, loss, y), 0.0).sum(axis=0)
    start = low + _N_COUNTS
    is_wide = (p.isf(LEVELS[0]) >= start).reshape(len(p), -1).any(axis=1)
    if is_wide.any():
        rows = np.flatnonzero(is_wide)
        some, start = (p[rows], q[rows], loss), start[rows]
        before, at, after = (_share(*some, start + k) for k in (-1, 0, 1))
        total[rows] += _Integral.of(*some, start).refined() + at / 2 - (after - before) / 24
    return total


def _over_densities(p: Any, q: Any, loss: Loss) -> np.ndarray:
    """Integrate over the y that have a density, a few rows at once."""
    whole = _Integral.of(p, q, loss, p.support()[0])
    n_blocks = 1 + len(_NODES) * whole.edges.size // _VALUES_AT_ONCE
    blocks = np.array_split(np.arange(len(p)), min(n_blocks, max(len(p), 1)))
    return np.concatenate([whole.of_rows(rows).refined() for rows in blocks])


def _share(p: Any, q: Any, loss: Loss, y: np.ndarray) -> np.ndarray:
    """Compute what a value of y adds to the mean loss, per unit of y where p is a density."""
    log_p = p._log_prob(y)
    return _weighted(np.exp(log_p), loss(log_p, q._log_prob(y)))


def _weighted(weight: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """Weigh a loss; where nothing is possible it does not count, though it may be infinite."""
    return np.where(weight > 0, weight * loss, 0.0)


@dataclass(frozen=True)
class _Integral:
    """The mean loss of a few rows is the integral of p(y) * loss over y, which this computes.

    Parameters
    ----------
    p, q : PredictiveDistribution
    loss : callable
    line : Line
        What the range of y is stretched over.
    edges : ndarray of shape (n_edges, ...)
        Increasing points of the line, between which the integrand is nearly a polynomial.
    """

    p: Any
    q: Any
    loss: Loss
    line: Line
    edges: np.ndarray

    @classmethod
    def of(cls, p: Any, q: Any, loss: Loss, low: np.ndarray) -> Self:
        """Prepare the integral over all y above `low`."""
        line = _line_above(p, low)
        of_q = wrap(_edges(q), line.center) if isinstance(p, CircularPredictive) else _edges(q)
        inner = np.clip(line.to_line(np.concatenate([_edges(p), of_q])), *line.ends)
        return cls(p, q, loss, line, _with_tails(np.sort(inner, axis=0), *line.ends))

    def refined(self) -> np.ndarray:
        """Integrate over ever shorter stretches, until the value stays the same."""
        total, size = self._sum()
        rows, finer, before = np.arange(len(total)), self, np.full(total.shape, np.inf)
        for _ in range(_N_HALVINGS):
            finer = finer._halved()
            value, size = finer._sum()
            change = np.abs(value - total[rows])
            total[rows] = value
            # Small changes that become no smaller are rounding's.
            is_rounding = (change < _ROUNDING * size) & (change > before / 2)
            is_open = (change > _TOLERANCE * size) & ~is_rounding & np.isfinite(value)
            keep = np.flatnonzero(is_open.reshape(len(rows), -1).any(axis=1))
            if not len(keep):
                break
            rows, finer, before = rows[keep], finer.of_rows(keep), change[keep]
        return total + self._at_ends()

    def _at_ends(self) -> np.ndarray:
        """Integrate over y that are nearer to a finite end than the line reaches.

        There p is a power of the distance, and the loss is linear in its logarithm.
        """
        total = np.zeros(self.p.shape)
        for end, sign in self.line.ends_of_y():
            first = self.line.nearest(end)
            y = end + sign * first * np.array([1, 2.0**-10]).reshape(-1, *(1,) * end.ndim)
            log_p = self.p._log_prob(y)
            loss = self.loss(log_p, self.q._log_prob(y))
            ratio = -np.diff(np.log(np.abs(y - end)), axis=0)[0]
            power = 1 - np.diff(log_p, axis=0)[0] / ratio
            slope = -np.diff(loss, axis=0)[0] / ratio
            share = np.exp(log_p[0] + np.log(first)) / power
            total += np.where(np.isfinite(end), _weighted(share, loss[0] - slope / power), 0.0)
        return total

    def _halved(self) -> Self:
        middles = (self.edges[1:] + self.edges[:-1]) / 2
        edges = np.sort(np.concatenate([self.edges, middles]), axis=0)
        return type(self)(self.p, self.q, self.loss, self.line, edges)

    def of_rows(self, rows: np.ndarray) -> Self:
        """Keep some of the rows."""
        line, edges = self.line.of_rows(rows), self.edges[:, rows]
        return type(self)(self.p[rows], self.q[rows], self.loss, line, edges)

    def _sum(self) -> tuple[np.ndarray, np.ndarray]:
        """Sum up the integral, infinite where the far ends count, and that of its size."""
        half = np.diff(self.edges, axis=0) / 2
        total, size = np.zeros(half.shape), np.zeros(half.shape)
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            t = self.edges[:-1] + half * (1 + node)
            y = self.line.to_y(t)
            log_p = self.p._log_prob(y)
            # Far out, only the product of density and slope is no smaller than floats are.
            share = (half > 0) * np.exp(log_p + self.line.log_slope(t))
            part = weight * half * _weighted(share, self.loss(log_p, self.q._log_prob(y)))
            total, size = total + part, size + np.abs(part)
        diverges = np.zeros(half.shape[1:], bool)
        for end, outermost in ((self.line.low, 0), (self.line.high, -1)):
            diverges |= np.isinf(end) & (size[outermost] > _NEGLIGIBLE * size.sum(axis=0))
        return np.where(diverges, np.inf, total.sum(axis=0)), size.sum(axis=0)


def _line_above(p: Any, low: np.ndarray) -> Line:
    """Stretch what a distribution may give above `low`."""
    high = p.support()[1]
    first, center, third = np.maximum(np.moveaxis(p.ppf([0.25, 0.5, 0.75]), -1, 0), low)
    width = np.select(
        [np.isfinite(high - low), np.isfinite(low), np.isfinite(high)],
        [high - low, center - low, high - center],
        third - first,
    )
    return Line(low, high, center, np.where(width > 0, width, 1.0))


def _edges(dist: Any) -> np.ndarray:
    """Give values of y on a first axis, between which the density is smooth."""
    if isinstance(dist, TransformedPredictive):
        return dist.to_scipy().to_y(_edges(dist.base))
    law = dist.to_scipy()
    if isinstance(law, ContinuousLaw):
        return law.edges()
    law = dist._along_levels()
    law = law.base if isinstance(law, DensityWithAtoms) else law
    return np.moveaxis(np.concatenate([law.ppf(LEVELS), law.isf(LEVELS)], axis=-1), -1, 0)


def _with_tails(inner: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Add points out to the ends, ever farther apart."""
    away = np.geomspace(0.05, 1, _N_BEYOND).reshape(-1, *(1,) * low.ndim)
    away = (away - away[0]) / (1 - away[0])
    below = inner[0] + away[::-1] * (low - inner[0])
    above = inner[-1] + away * (high - inner[-1])
    return np.concatenate([below[:-1], inner, above[1:]])
