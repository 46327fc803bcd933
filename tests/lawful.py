"""Which laws hold for every predicted distribution, whatever its family and its parameters?

`check(dist)` raises an AssertionError that names the law. Nothing is compared with numbers of our
own: each law is one that all distributions share.
"""

import numpy as np

from sklnll import NumericalWarning
from sklnll.predictive import (
    CircularPredictive,
    DiscretePredictive,
    IndicatorPredictive,
    LabelPredictive,
    RankingPredictive,
    VectorPredictive,
)

LEVELS = np.array([1e-6, 0.05, 0.5, 0.95, 1 - 1e-6])
ROUNDING = 1e-7
"""Of probabilities near one."""

_MOST_EXACT = 2.0**52
"""Beyond this, neighboring numbers are no whole numbers apart."""


def check(dist):
    """Hold all laws of its kind against a prediction; return how many rows were warned of.

    Some laws ask what no float can say: the quantile between two members of a mixture that lie
    1e300 apart, or the entropy of a density that is infinite over most of its probability. There
    the library warns with a `NumericalWarning`, which has to be an error here. Rows beside such a
    one are checked alone, and of that one the laws that do not ask for it.
    """
    warned = [law for law in _laws_of(dist) if _is_warned_of(law, dist)]
    if warned and len(dist) > 1:
        return sum(check(dist[[row]]) for row in range(len(dist)))
    return int(bool(warned))


def _is_warned_of(law, dist):
    try:
        law(dist)
    except NumericalWarning:
        return True
    return False


def _laws_of(dist):
    if isinstance(dist, RankingPredictive):
        return [_check_rankings, _check_slices]
    if isinstance(dist, IndicatorPredictive):
        return [_check_indicators, _check_slices]
    if isinstance(dist, LabelPredictive):
        return [_check_labels, _check_slices]
    if isinstance(dist, VectorPredictive):
        return [_check_vectors, _check_marginals, _check_slices]
    return [
        _check_quantiles,
        _check_probabilities,
        _check_summaries,
        _check_scores,
        _check_draws,
        _check_slices,
    ]


# Numbers -----------------------------------------------------------------------------------------


def _ends(dist):
    low, high = dist.support()
    if isinstance(dist, CircularPredictive):  # quantiles are counted in the turn around the mean
        return dist.mean() - np.pi, dist.mean() + np.pi
    return low, high


def _is_inside(y, low, high):
    slack = ROUNDING * np.where(np.isfinite(y), np.abs(y), 0)
    return (low - slack <= y) & (y <= high + slack)


def _check_quantiles(dist):
    y = dist.ppf(LEVELS)
    low, high = (end[..., None] for end in _ends(dist))
    assert not np.isnan(y).any(), "quantiles are numbers"
    assert (y[..., 1:] >= y[..., :-1]).all(), "quantiles rise with the level"
    assert _is_inside(y, low, high).all(), "quantiles lie inside the support"
    upper = dist.isf(LEVELS)
    assert (upper[..., 1:] <= upper[..., :-1]).all(), "upper quantiles fall with the level"
    intervals = [dist.interval(confidence) for confidence in (0.0, 0.5, 0.9)]
    for interval in intervals:
        assert (interval[..., 0] <= interval[..., 1]).all(), "ends of intervals are in order"
    _, narrow, wide = intervals
    assert (wide[..., 0] <= narrow[..., 0]).all(), "wider intervals begin earlier"
    assert (wide[..., 1] >= narrow[..., 1]).all(), "wider intervals end later"


def _neighbors(dist, y):
    """Values just below and just above, or the next lower and higher ones that are possible."""
    if isinstance(dist, DiscretePredictive):
        return np.where(y < _MOST_EXACT, y - 1, y * (1 - 1e-9)), np.maximum(y, y * (1 + 1e-12))
    away = 1e-9 * np.abs(y) + 1e-300
    with np.errstate(over="ignore", invalid="ignore"):
        before = np.where(y == np.inf, np.finfo(float).max, y - away)  # beyond all floats
        return before, y + away


def _check_probabilities(dist):
    grid = np.moveaxis(dist.ppf(LEVELS), -1, 0)
    low, high = _ends(dist)
    is_circular = isinstance(dist, CircularPredictive)
    previous = np.zeros(dist.shape)
    for level, y in zip(LEVELS, grid, strict=True):
        at, above = dist.cdf(y), dist.sf(y)
        assert ((at >= 0) & (at <= 1)).all(), "cdf lies in [0, 1]"
        assert ((above >= 0) & (above <= 1)).all(), "sf lies in [0, 1]"
        assert np.abs(at + above - 1).max(initial=0) < ROUNDING, "cdf and sf sum to 1"
        assert (at >= previous - ROUNDING).all(), "cdf rises"
        previous = at
        if is_circular and not 0.01 < level < 0.99:
            continue  # beyond the cut begins another turn
        before, after = _neighbors(dist, y)
        slack = ROUNDING + 1e-3 * min(level, 1 - level)
        is_first = y <= low
        underflows = is_first & (not isinstance(dist, DiscretePredictive))  # below the least float
        reaches = (dist.cdf(after) >= level - slack) | underflows
        assert reaches.all(), "the quantile's cdf reaches the level"
        assert ((dist.cdf(before) <= level + slack) | is_first).all(), "and no smaller one does"
    if not is_circular:
        assert (dist.cdf(low) >= 0).all()
        assert np.allclose(dist.cdf(high), 1), "cdf ends at 1"
        below = np.where(np.isfinite(low), low - 1, -np.inf)
        assert (dist.cdf(below) == 0).all(), "cdf begins at 0"


def _check_summaries(dist):
    low, high = _ends(dist)
    mean, var, std = dist.mean(), dist.var(), dist.std()
    outside = ~_is_inside(mean, low, high)
    assert (~outside | np.isnan(mean)).all(), "the mean lies inside the support"
    assert ((var >= 0) | np.isnan(var)).all(), "variances are not negative"
    assert ((std >= 0) | np.isnan(std)).all(), "standard deviations are not negative"
    normal = np.isfinite(var) & (var > 1e-290) & (var < 1e290)
    if not isinstance(dist, CircularPredictive):
        assert np.allclose(std[normal] ** 2, var[normal], rtol=1e-4), "std is the root of var"
        assert _is_inside(dist.mode(), low, high).all(), "the mode lies inside the support"
    assert not np.isnan(dist.entropy()).any(), "the entropy is a number"
    assert np.array_equal(dist.median(), dist.ppf(0.5)), "the median is the quantile of one half"


def _check_scores(dist):
    low, high = _ends(dist)
    quantiles = dist.ppf(LEVELS)
    crps = dist.crps(quantiles[..., -2])
    assert (crps >= -1e-9 * np.abs(crps)).all(), "the score is not negative"
    best, median = dist._log_prob(dist.mode()), quantiles[..., 2]
    for y in np.moveaxis(quantiles, -1, 0):
        inside = (low < y) & (y < high) & np.isfinite(y)
        value = dist._log_prob(np.where(inside, y, median))
        assert not np.isnan(value).any(), "log-probabilities are numbers"
        assert (value[inside] < np.inf).all(), "log-probabilities inside are no infinity"
        if isinstance(dist, DiscretePredictive):
            assert (value <= ROUNDING).all(), "masses are at most 1"
            assert (value <= best + 1e-6 * (1 + np.abs(best))).all(), "the mode is most probable"


def _check_draws(dist):
    low, high = _ends(dist)
    if isinstance(dist, CircularPredictive):
        low, high = -np.pi, np.pi
    else:
        low, high = low[..., None], high[..., None]
    draws = dist.rvs(5, random_state=0)
    assert draws.shape == (*dist.shape, 5)
    assert _is_inside(draws, low, high).all(), "draws lie inside the support"
    assert np.array_equal(draws, dist.rvs(5, random_state=0)), "a seed draws the same again"
    assert dist.rvs(random_state=0).shape == dist.shape


# Others ------------------------------------------------------------------------------------------


def _check_labels(dist):
    log_probs, probs = dist.log_probs, dist.probs
    assert np.isfinite(log_probs).all(), "log-probabilities are finite"
    assert (log_probs <= ROUNDING).all(), "log-probabilities are at most 0"
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-9), "probabilities sum to 1"
    assert np.array_equal(dist.mode(), dist.classes[probs.argmax(axis=1)])
    entropy = dist.entropy()
    assert (entropy >= -ROUNDING).all()
    assert (entropy <= np.log(len(dist.classes)) + ROUNDING).all(), "none is above the uniform's"
    assert np.isin(dist.rvs(5, random_state=0), dist.classes).all(), "draws are labels"
    if not dist.distribution.event_ndim:
        for k, label in enumerate(dist.classes):
            of_label = dist.log_prob(np.full(len(dist), label))
            assert np.array_equal(of_label, log_probs[:, k])


def _check_indicators(dist):
    assert ((dist.probs >= 0) & (dist.probs <= 1)).all()
    assert np.isfinite(dist.log_probs_of_both).all(), "log-probabilities are finite"
    assert np.allclose(np.exp(dist.log_probs_of_both).sum(axis=-1), 1), "both sum to 1"
    assert np.array_equal(dist.mode(), dist.probs > 0.5) or (dist.probs == 0.5).any()
    assert np.isin(dist.rvs(5, random_state=0), [0, 1]).all()
    assert (dist.entropy() >= 0).all()


def _check_rankings(dist):
    n_items, items = dist.n_items, np.arange(dist.n_items)
    assert np.allclose(dist.probs.sum(axis=1), 1, atol=1e-9), "first places sum to 1"
    both = dist.pairwise() + np.swapaxes(dist.pairwise(), 1, 2)
    assert np.allclose(both + np.eye(n_items), 1, atol=1e-6), "one of two comes first"
    ranks = dist.expected_ranks()
    assert np.allclose(ranks.sum(axis=1), n_items * (n_items + 1) / 2), "ranks sum up"
    draws = dist.rvs(5, random_state=0)
    assert np.array_equal(np.sort(draws), np.broadcast_to(items, draws.shape)), "draws are orders"
    best = dist.log_prob(dist.mode())
    assert not np.isnan(best).any()
    others = dist.log_prob(draws)
    assert (others <= best[:, None] + 1e-6 * (1 + np.abs(best[:, None]))).all(), "mode is best"
    assert (dist.entropy() >= -ROUNDING).all()


def _check_vectors(dist):
    assert not np.isnan(dist.mean()).any()
    covariance = dist.cov()
    finite = np.isfinite(covariance).all(axis=(1, 2))
    variances = np.einsum("ijj->ij", covariance)
    assert (variances[finite] >= 0).all()
    sizes = np.sqrt(variances[:, :, None]) * np.sqrt(variances[:, None, :])
    assert (np.abs(covariance)[finite] <= sizes[finite] * (1 + 1e-6) + 1e-290).all(), "correlations"
    off = np.abs(covariance - np.swapaxes(covariance, 1, 2))
    assert (off[finite] <= 1e-12 * sizes[finite] + 1e-290).all(), "covariances are symmetric"
    draws = dist.rvs(5, random_state=0)
    assert draws.shape == (len(dist), 5, dist.shape[1])
    assert np.array_equal(draws, dist.rvs(5, random_state=0))
    assert not np.isnan(dist.log_prob(dist.mode())).any(), "log-densities are numbers"
    assert not np.isnan(dist.entropy()).any()


def _check_marginals(dist):
    _check_quantiles(dist.marginals)
    _check_probabilities(dist.marginals)
    _check_summaries(dist.marginals)


# Slices ------------------------------------------------------------------------------------------


def numbers_of(dist):
    """Some of what is said of each row, with rows on the first axis."""
    if isinstance(dist, LabelPredictive | IndicatorPredictive):
        return [dist.log_probs, dist.entropy()]
    if isinstance(dist, RankingPredictive):
        return [dist.log_probs, dist.expected_ranks(), dist.mode()]
    if isinstance(dist, VectorPredictive):
        return [dist.mean(), dist.ppf(LEVELS), dist.log_prob(dist.mode())]
    return [dist.mean(), dist.std(), dist.ppf(LEVELS), dist.crps(dist.median())]


def _check_slices(dist):
    """A row says the same alone as among others."""
    last = len(dist) - 1
    for of_all, alone in zip(numbers_of(dist), numbers_of(dist[last]), strict=True):
        assert same(alone[0], of_all[last], 1e-6), "a row alone is the same"


def same(found, expected, rtol):
    return np.allclose(found, expected, rtol=rtol, atol=0, equal_nan=True)
