"""Textbook forms of laws that scipy and torch lack, out of those that they have."""

import numpy as np
import torch
from scipy import special


class PointsAnd:
    """Point masses at the ends, and scipy's `law` for the rest; `logpdf` is log-mass at the points.

    Parameters
    ----------
    law : scipy.stats frozen distribution
    zero, one : ndarray
        Probabilities of the points, beside what `law` has there.
    """

    def __init__(self, law, zero, one=0.0):
        self.law, self.zero, self.one = law, zero, one
        self.rest = 1 - zero - one

    def cdf(self, y):
        y = np.asarray(y)
        return self.zero * (y >= 0) + self.rest * self.law.cdf(y) + self.one * (y >= 1)

    def sf(self, y):
        y = np.asarray(y)
        return self.zero * (y < 0) + self.rest * self.law.sf(y) + self.one * (y < 1)

    def logcdf(self, y):
        return np.log(self.cdf(y))

    def logsf(self, y):
        return np.log(self.sf(y))

    def ppf(self, q):
        q = np.asarray(q)
        inside = np.clip((q - self.zero) / self.rest, 0, 1)
        value = np.where(q > 1 - self.one, 1.0, self.law.ppf(inside))
        return np.where(q <= self.cdf(0), 0.0, value)

    def isf(self, q):
        q = np.asarray(q)
        inside = np.clip((q - self.one) / self.rest, 0, 1)
        value = np.where(q < self.one, 1.0, self.law.isf(inside))
        return np.where(q >= self.sf(0), 0.0, value)

    def median(self):
        return self.ppf(0.5)

    def mean(self):
        return self.rest * self.law.mean() + self.one

    def var(self):
        square = self.rest * (self.law.var() + self.law.mean() ** 2) + self.one
        return square - self.mean() ** 2

    def std(self):
        return np.sqrt(self.var())

    def support(self):
        return 0.0, self.law.support()[1]


class PointsAndDensity(PointsAnd):
    def logpdf(self, y):
        point = np.where(y == 0, self.zero, self.one)
        at_point = (y == 0) | (np.asarray(self.one > 0) & (y == 1))
        with np.errstate(divide="ignore"):
            return np.where(at_point, np.log(point), np.log(self.rest) + self.law.logpdf(y))

    def entropy(self):
        points = special.entr(self.zero) + special.entr(self.one)
        return points + special.entr(self.rest) + self.rest * self.law.entropy()


class PointsAndCounts(PointsAnd):
    def pmf(self, y):
        return self.zero * (np.asarray(y) == 0) + self.rest * self.law.pmf(y)

    def logpmf(self, y):
        with np.errstate(divide="ignore"):
            above = np.log(self.rest) + self.law.logpmf(y)
            return np.where(np.asarray(y) == 0, np.log(self.pmf(0)), above)

    def entropy(self):
        counts = np.arange(np.max(self.law.mean() + 40 * self.law.std()) + 40)
        mass = PointsAndCounts(*(_with_last_axis(part) for part in (self.law, self.zero)))
        return special.entr(mass.pmf(counts)).sum(axis=-1)


class ZeroTruncated:
    """Scipy's law of counts, given that they are positive."""

    def __init__(self, law):
        self.law = law
        self.above = law.sf(0)

    def pmf(self, y):
        return np.where(np.asarray(y) > 0, self.law.pmf(y) / self.above, 0.0)

    def logpmf(self, y):
        return np.where(np.asarray(y) > 0, self.law.logpmf(y) - np.log(self.above), -np.inf)

    def cdf(self, y):
        return np.maximum(self.law.cdf(y) - self.law.cdf(0), 0) / self.above

    def sf(self, y):
        return np.minimum(self.law.sf(y) / self.above, 1)

    def ppf(self, q):
        return np.maximum(self.law.ppf(self.law.cdf(0) + np.asarray(q) * self.above), 1)

    def isf(self, q):
        return np.maximum(self.law.isf(np.asarray(q) * self.above), 1)

    def mean(self):
        return self.law.mean() / self.above

    def var(self):
        return (self.law.var() + self.law.mean() ** 2) / self.above - self.mean() ** 2

    def std(self):
        return np.sqrt(self.var())

    def support(self):
        return self.law.support()


def _with_last_axis(part):
    """An array, or a frozen law whose parameters are arrays, with one axis more."""
    if isinstance(part, ZeroTruncated):
        return ZeroTruncated(_with_last_axis(part.law))
    if hasattr(part, "dist"):
        return part.dist(*(np.asarray(value)[..., None] for value in part.args))
    return np.asarray(part)[..., None]


class TorchPointsAnd:
    """Point masses at the ends, and torch's `law` for the rest."""

    def __init__(self, law, zero, one=0.0, *, counts=False, truncated=False):
        self.law, self.zero, self.one = law, zero, one
        self.counts, self.truncated = counts, truncated

    def log_prob(self, y):
        if self.counts:
            base_zero = self.law.log_prob(torch.zeros(())).exp()
            above = (1 - self.zero).log() + self.law.log_prob(y)
            if self.truncated:
                zero, above = self.zero, above - (1 - base_zero).log()
            else:
                zero = self.zero + (1 - self.zero) * base_zero
            return torch.where(y == 0, zero.log(), above)
        zero, one = torch.as_tensor(self.zero), torch.as_tensor(self.one)
        at_point = (y == 0) | ((one > 0) & (y == 1))
        rest = (1 - zero - one).log() + self.law.log_prob(torch.where(at_point, 0.5, y))
        return torch.where(at_point, torch.where(y == 0, zero, one).log(), rest)
