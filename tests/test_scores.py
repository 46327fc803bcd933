"""Metrics of predicted distributions are those of the textbooks, and of other libraries."""

from inspect import isfunction, signature

import numpy as np
import pytest
from distributions.cases import CASES, FAMILIES, LINEAR
from numpy.testing import assert_allclose
from scipy import integrate, stats
from scipy.spatial.distance import cdist
from sklearn import metrics as sklearn_metrics

from sklnll import metrics
from sklnll.distributions import Categorical, MultivariateNormal, Normal, Poisson
from sklnll.predictive import (
    ContinuousPredictive,
    DiscretePredictive,
    IndicatorPredictive,
    LabelPredictive,
    VectorPredictive,
    average,
    predictive,
)

NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)
rng = np.random.default_rng(0)
N = 50
LOC, SCALE = rng.normal(size=N), rng.uniform(0.5, 2, N)
WEIGHT = rng.uniform(0, 2, N)
Y = LOC + SCALE * rng.standard_t(3, N)
NORMAL = ContinuousPredictive(Normal(), {"loc": LOC, "scale": SCALE})
SCIPY = stats.norm(LOC, SCALE)

SHARES = rng.dirichlet(np.ones(3), N)
LABELS = np.array(["ant", "bee", "cat"])
LABEL = LABELS[(SHARES.cumsum(axis=1) > rng.uniform(size=(N, 1))).argmax(axis=1)]
OF_LABELS = LabelPredictive(Categorical(), {"logits": np.log(SHARES)}, LABELS)

COUNTS = DiscretePredictive(Poisson(), {"rate": np.exp(LOC)})
COUNT = rng.poisson(np.exp(LOC))

COV = np.array([[1.0, 0.6], [0.6, 2.0]])
VECTORS = VectorPredictive(
    MultivariateNormal(),
    {
        "loc": np.column_stack([LOC, -LOC]),
        "scale_tril": np.tile(np.linalg.cholesky(COV), (N, 1, 1)),
    },
)
VECTOR = np.column_stack([LOC, -LOC]) + rng.multivariate_normal([0, 0], COV, N)


def crps_by_integration(frozen, y):
    below, above = lambda t: frozen.cdf(t) ** 2, lambda t: frozen.sf(t) ** 2
    return integrate.quad(below, -np.inf, y)[0] + integrate.quad(above, y, np.inf)[0]


def outside(y, low, high):
    return max(low - y, 0) + max(y - high, 0)


PER_ROW = {
    "negative_log_likelihood": -SCIPY.logpdf(Y),
    "continuous_ranked_probability_score": [
        crps_by_integration(stats.norm(loc, scale), y)
        for loc, scale, y in zip(LOC, SCALE, Y, strict=True)
    ],
    "interval_coverage": (np.abs(Y - LOC) <= SCALE * stats.norm.ppf(0.95)).astype(float),
    "interval_score": [
        high - low + 20 * outside(y, low, high)
        for y, low, high in zip(Y, *SCIPY.interval(0.9), strict=True)
    ],
    "pinball_loss": np.abs(Y - LOC) / 2,
}


@pytest.mark.parametrize("name", PER_ROW)
def test_each_row_is_the_definition(name):
    found = getattr(metrics, name)(Y, NORMAL, per_row=True)
    assert_allclose(found, PER_ROW[name], rtol=1e-8, atol=1e-10)
    mean = getattr(metrics, name)(Y, NORMAL, sample_weight=WEIGHT)
    assert isinstance(mean, float)
    assert mean == pytest.approx(np.average(PER_ROW[name], weights=WEIGHT), rel=1e-8)


def test_a_column_is_one_y_a_row():
    for name in PER_ROW:
        metric = getattr(metrics, name)
        assert metric(Y[:, None], NORMAL) == metric(Y, NORMAL)


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_interval_score_is_two_pinball_losses(coverage):
    tail = (1 - coverage) / 2
    losses = [
        sklearn_metrics.mean_pinball_loss(Y, SCIPY.ppf(q), alpha=q, sample_weight=WEIGHT)
        for q in (tail, 1 - tail)
    ]
    found = metrics.interval_score(Y, NORMAL, coverage=coverage, sample_weight=WEIGHT)
    assert found == pytest.approx(sum(losses) / tail, rel=1e-10)
    width = metrics.interval_width(NORMAL, coverage=coverage, per_row=True)
    assert_allclose(width, 2 * SCALE * stats.norm.ppf(1 - tail), rtol=1e-10)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.99])
def test_pinball_loss_is_scikit_learns(level):
    expected = sklearn_metrics.mean_pinball_loss(
        Y, SCIPY.ppf(level), alpha=level, sample_weight=WEIGHT
    )
    found = metrics.pinball_loss(Y, NORMAL, level=level, sample_weight=WEIGHT)
    assert found == pytest.approx(expected, rel=1e-10)


def test_outputs_are_averaged():
    both = ContinuousPredictive(
        Normal(), {"loc": np.column_stack([LOC, LOC]), "scale": np.column_stack([SCALE, 2 * SCALE])}
    )
    wide = ContinuousPredictive(Normal(), {"loc": LOC, "scale": 2 * SCALE})
    for name in ("continuous_ranked_probability_score", "interval_score", "pinball_loss"):
        metric = getattr(metrics, name)
        rows = metric(np.column_stack([Y, Y]), both, per_row=True)
        alone = metric(Y, NORMAL, per_row=True), metric(Y, wide, per_row=True)
        assert_allclose(rows, np.mean(alone, axis=0), rtol=1e-10)


def test_energy_score_is_the_distance_of_draws():
    """The oracle takes all pairs of the same draws; ours only neighbors, without bias."""
    draws = VECTORS.rvs(400, 0)
    expected = [
        cdist(d, y[None]).mean() - cdist(d, d).sum() / (400 * 399) / 2
        for d, y in zip(draws, VECTOR, strict=True)
    ]
    found = metrics.energy_score(VECTOR, VECTORS, n_draws=400, per_row=True)
    assert found.shape == (N,)
    assert_allclose(found, expected, atol=5 * np.sqrt(2 * COV.trace() / 400))
    assert np.mean(found - expected) == pytest.approx(0, abs=0.02)


def test_energy_score_is_a_loop_over_draws_and_their_neighbours():
    draws = VECTORS.rvs(7, 3)
    for row, (y, points) in enumerate(zip(VECTOR, draws, strict=True)):
        to_y = [np.hypot(*(point - y)) for point in points]
        apart = [np.hypot(*(points[k] - points[k - 1])) for k in range(7)]
        found = metrics.energy_score(
            VECTOR, VECTORS, n_draws=7, random_state=3, sample_weight=np.arange(N) == row
        )
        assert found == pytest.approx(np.mean(to_y) - np.mean(apart) / 2, rel=1e-12)


def test_energy_score_of_one_output_is_the_crps():
    column = ContinuousPredictive(Normal(), {"loc": LOC[:, None], "scale": SCALE[:, None]})
    found = metrics.energy_score(Y[:, None], column, n_draws=20_000, per_row=True)
    crps = metrics.continuous_ranked_probability_score(Y, NORMAL, per_row=True)
    assert_allclose(found, crps, atol=5 * SCALE.max() / np.sqrt(20_000))


def test_energy_score_prefers_the_true_dependence():
    wrong = {**VECTORS.params, "scale_tril": VECTORS.params["scale_tril"] * [[1, 1], [-1, 1]]}
    y = VECTORS.rvs(1, 1)[:, 0]
    gain = metrics.energy_score(y, VectorPredictive(MultivariateNormal(), wrong), per_row=True)
    assert np.mean(gain - metrics.energy_score(y, VECTORS, per_row=True)) > 0


@pytest.mark.parametrize("name", LINEAR)
def test_crps_is_its_definition_for_every_family(name):
    """The integral of (cdf - step at y)**2, between quantiles, over a line without far tails."""
    dist = predictive(FAMILIES[name], CASES[name].params)
    for level in (0.01, 0.3, 0.9):
        y = dist.ppf(level)
        found = metrics.continuous_ranked_probability_score(y, dist, per_row=True)
        expected = [crps_by_stretches(dist[i], y[i]) for i in range(len(dist))]
        assert_allclose(found, expected, rtol=1e-8)


@pytest.mark.parametrize("name", ["normal", "student_t", "cauchy", "weibull"])
def test_crps_of_ensembles_is_its_definition(name):
    p = predictive(FAMILIES[name], CASES[name].params)
    q = p[::-1]
    dist = average([p, q])
    for level in (0.01, 0.3, 0.9):
        y = dist.ppf(level)
        found = metrics.continuous_ranked_probability_score(y, dist, per_row=True)
        expected = [crps_by_stretches(dist[i], y[i], p[i], q[i]) for i in range(len(dist))]
        assert_allclose(found, expected, rtol=1e-8)


def crps_by_stretches(dist, y, *members):
    if dist.distribution.support.discrete:
        counts = np.arange(max(dist.isf(1e-14)[0], y) + 50)
        below, above = (method(counts[:, None])[:, 0] for method in (dist.cdf, dist.sf))
        return (np.where(counts < y, below, above) ** 2).sum()
    levels = np.concatenate([np.geomspace(1e-18, 1e-3, 60), np.linspace(0.002, 0.5, 300)])
    quantiles = [each for d in members or (dist,) for each in (d.ppf(levels), d.isf(levels))]
    edges = np.concatenate([*np.concatenate(quantiles), [y], *dist.support()])
    edges = edges[np.isfinite(edges)]
    center, width = dist.median(), 1e-3 * np.ptp(dist.ppf([0.1, 0.9])) or 1.0
    line = np.unique(np.arcsinh((edges - center) / width))
    half = np.diff(line)[:, None] / 2
    u = line[:-1, None] + half * (1 + NODES)
    t = center + width * np.sinh(u)
    below, above = (method(t.reshape(-1, 1)).reshape(t.shape) for method in (dist.cdf, dist.sf))
    return (WEIGHTS * half * width * np.cosh(u) * np.where(t < y, below, above) ** 2).sum()


def test_integral_transform_is_the_cdf():
    assert_allclose(metrics.probability_integral_transform(Y, NORMAL), SCIPY.cdf(Y), rtol=1e-10)


def test_integral_transform_of_counts_lies_between_its_steps():
    pit = metrics.probability_integral_transform(COUNT, COUNTS, random_state=0)
    frozen = stats.poisson(np.exp(LOC))
    assert (frozen.cdf(COUNT - 1) <= pit).all()
    assert (pit <= frozen.cdf(COUNT)).all()


def test_quantile_calibration_error_is_the_distance_of_two_lines():
    levels = [0.1, 0.5, 0.8]
    shares = [np.average(SCIPY.ppf(q) >= Y, weights=WEIGHT) for q in levels]
    found = metrics.quantile_calibration_error(Y, NORMAL, levels=levels, sample_weight=WEIGHT)
    assert found == pytest.approx(np.mean(np.abs(np.subtract(shares, levels))), rel=1e-10)


def test_right_distributions_have_a_small_quantile_calibration_error():
    many = ContinuousPredictive(Normal(), {"loc": np.zeros(4000), "scale": np.ones(4000)})
    y = np.random.default_rng(1).normal(size=4000)
    assert metrics.quantile_calibration_error(y, many) < 0.6 / np.sqrt(4000)
    assert metrics.quantile_calibration_error(2 * y, many) > 0.05


def test_log_loss_is_scikit_learns():
    found = metrics.negative_log_likelihood(LABEL, OF_LABELS, sample_weight=WEIGHT)
    expected = sklearn_metrics.log_loss(LABEL, SHARES, sample_weight=WEIGHT, labels=LABELS)
    assert found == pytest.approx(expected, rel=1e-10)


def test_brier_score_of_two_labels_is_twice_scikit_learns():
    p = SHARES[:, 0]
    shares = np.column_stack([1 - p, p])
    dist = LabelPredictive(Categorical(), {"logits": np.log(shares)}, np.array([0, 1]))
    y = (LABEL == "ant").astype(int)
    expected = 2 * sklearn_metrics.brier_score_loss(y, p, sample_weight=WEIGHT)
    assert metrics.brier_score(y, dist, sample_weight=WEIGHT) == pytest.approx(expected, rel=1e-10)


def test_brier_score_of_several_labels_is_the_mean_squared_error():
    family = Categorical().of_indicators()
    logits = np.log(SHARES / (1 - SHARES))
    dist = IndicatorPredictive(family, {"logits": logits}, np.arange(3))
    y = (LABEL[:, None] == LABELS).astype(int)
    expected = sklearn_metrics.mean_squared_error(y, SHARES)
    assert metrics.brier_score(y, dist) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("n_bins", [1, 4, 10])
def test_expected_calibration_error_is_a_loop_over_bins(n_bins):
    sure, right = SHARES.max(axis=1), LABELS[SHARES.argmax(axis=1)] == LABEL
    expected = 0.0
    for k in range(n_bins):
        inside = (sure > k / n_bins) & (sure <= (k + 1) / n_bins)
        if inside.any():
            gap = np.average(sure[inside] - right[inside], weights=WEIGHT[inside])
            expected += WEIGHT[inside].sum() / WEIGHT.sum() * abs(gap)
    found = metrics.expected_calibration_error(
        LABEL, OF_LABELS, n_bins=n_bins, sample_weight=WEIGHT
    )
    assert found == pytest.approx(expected, rel=1e-12)


def test_expected_calibration_error_by_hand():
    """Two bins: sure by 0.75 on average and right in 1 of 2; sure by 0.4, right in 1 of 1."""
    shares = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4]])
    dist = LabelPredictive(Categorical(), {"logits": np.log(shares)}, LABELS)
    found = metrics.expected_calibration_error(["ant", "ant", "cat"], dist, n_bins=2)
    assert found == pytest.approx(2 / 3 * 0.25 + 1 / 3 * 0.6)
    weighted = metrics.expected_calibration_error(
        ["ant", "ant", "cat"], dist, n_bins=2, sample_weight=[1, 0, 1]
    )
    assert weighted == pytest.approx((0.2 + 0.6) / 2)


def test_kendall_tau_is_scipys():
    orders, other = (np.argsort(rng.normal(size=(20, 4)), axis=1) for _ in range(2))
    expected = [
        stats.kendalltau(np.argsort(a), np.argsort(b)).statistic
        for a, b in zip(orders, other, strict=True)
    ]
    assert_allclose(metrics.kendall_tau_score(orders, other, per_row=True), expected, atol=1e-12)


def test_what_has_no_intervals_says_so():
    for name in ("interval_score", "pinball_loss", "continuous_ranked_probability_score"):
        with pytest.raises(TypeError, match="negative_log_likelihood"):
            getattr(metrics, name)(LABEL, OF_LABELS)


# All of them -------------------------------------------------------------------------------------

ANGLE = rng.uniform(-3, 3, N)
ORDERS, OTHER_ORDERS = (np.argsort(rng.normal(size=(N, 4)), axis=1) for _ in range(2))
CALLS = {
    "brier_score": (LABEL, OF_LABELS),
    "circular_mean_absolute_error": (ANGLE, LOC),
    "circular_r2_score": (ANGLE, LOC),
    "continuous_ranked_probability_score": (Y, NORMAL),
    "d2_score": (Y, NORMAL),
    "energy_score": (VECTOR, VECTORS),
    "expected_calibration_error": (LABEL, OF_LABELS),
    "interval_coverage": (Y, NORMAL),
    "interval_score": (Y, NORMAL),
    "interval_width": (NORMAL,),
    "kendall_tau_score": (ORDERS, OTHER_ORDERS),
    "negative_log_likelihood": (Y, NORMAL),
    "pinball_loss": (Y, NORMAL),
    "quantile_calibration_error": (Y, NORMAL),
}
"""The arguments of every metric that is a weighted mean, or made of such."""

OF_ROWS = {
    "cross_entropy": (NORMAL, NORMAL[::-1]),
    "entropy": (NORMAL,),
    "kl_divergence": (NORMAL, NORMAL[::-1]),
    "probability_integral_transform": (Y, NORMAL),
}
"""Of those that have a value for each row, and no mean."""

WITH_ROWS = [name for name in CALLS if "per_row" in signature(getattr(metrics, name)).parameters]


def test_every_metric_is_tested():
    functions = {name for name in metrics.__all__ if isfunction(getattr(metrics, name))}
    assert functions == {*CALLS, *OF_ROWS, "fit_marginal"}


@pytest.mark.parametrize("name", CALLS)
def test_whole_weights_are_repetitions(name):
    metric, args, weight = getattr(metrics, name), CALLS[name], np.arange(N) % 4
    rows = np.repeat(np.arange(N), weight)
    if name == "energy_score":  # draws are those of each row
        losses = metric(*args, per_row=True)
        expected = losses[rows].mean()
    else:
        expected = metric(*(arg[rows] for arg in args))
    assert metric(*args, sample_weight=weight) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", CALLS)
def test_a_metric_is_a_float_that_the_size_of_weights_does_not_change(name):
    metric, args = getattr(metrics, name), CALLS[name]
    value = metric(*args)
    assert isinstance(value, float)
    assert metric(*args, sample_weight=np.full(N, 7.0)) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("name", WITH_ROWS)
def test_a_metric_is_the_weighted_mean_of_its_rows(name):
    metric, args = getattr(metrics, name), CALLS[name]
    values = metric(*args, per_row=True)
    assert values.shape == (N,)
    expected = np.average(values, weights=WEIGHT)
    assert metric(*args, sample_weight=WEIGHT) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", [*WITH_ROWS, *OF_ROWS])
def test_a_row_knows_no_other(name):
    metric, args = getattr(metrics, name), {**CALLS, **OF_ROWS}[name]
    known = {"per_row": True} if name in WITH_ROWS else {}
    values = metric(*args, **known)
    assert values.shape == (N,)
    if name != "energy_score":  # whose draws follow each other
        some = metric(*(arg[5:9] for arg in args), **known)
        assert_allclose(some, values[5:9], rtol=1e-9)


# What is refused ---------------------------------------------------------------------------------

OF_NUMBERS = [
    "negative_log_likelihood",
    "continuous_ranked_probability_score",
    "interval_score",
    "interval_coverage",
    "pinball_loss",
    "quantile_calibration_error",
]


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_points_are_no_distributions(name):
    with pytest.raises(TypeError, match="gives it; got ndarray"):
        getattr(metrics, name)(Y, LOC)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_a_y_that_is_missing_is_named(name):
    y = Y.copy()
    y[7] = np.nan
    with pytest.raises(ValueError, match="y_true must not be missing; found NaN at row 7"):
        getattr(metrics, name)(y, NORMAL)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_negative_weights_are_refused(name):
    with pytest.raises(ValueError, match="weights must be non-negative"):
        getattr(metrics, name)(Y, NORMAL, sample_weight=WEIGHT - 1)


def test_metrics_of_labels_want_labels():
    for name in ("brier_score", "expected_calibration_error"):
        with pytest.raises(TypeError, match="label"):
            getattr(metrics, name)(Y, NORMAL)
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            getattr(metrics, name)(LABEL[:3], OF_LABELS)
    with pytest.raises(ValueError, match="n_bins must be 1 or more"):
        metrics.expected_calibration_error(LABEL, OF_LABELS, n_bins=0)


def test_energy_of_one_output_and_one_draw_is_refused():
    with pytest.raises(ValueError, match="Of one output it is the continuous ranked"):
        metrics.energy_score(Y, NORMAL)
    with pytest.raises(ValueError, match="two draws or more"):
        metrics.energy_score(VECTOR, VECTORS, n_draws=1)


def test_levels_are_probabilities():
    with pytest.raises(ValueError, match="levels must lie between 0 and 1"):
        metrics.quantile_calibration_error(Y, NORMAL, levels=[0.5, 2.0])
