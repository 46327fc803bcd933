import numpy as np
import pytest
from scipy import stats

from sklnll._numerics.statistics import (
    weighted_mean_std,
    weighted_median,
    weighted_median_spread,
    weighted_quantiles,
)

Y = np.random.RandomState(0).standard_t(2, 41).round(2)
COUNTS = np.random.RandomState(1).randint(0, 4, 41)
SUMMARIES = [weighted_mean_std, weighted_median, weighted_median_spread]
EXTREMES = {
    "tiny": np.array([1e-300, 2e-300, 5e-300]),
    "huge": np.array([-1e300, 2e300, 5e300]),
    "zeros": np.zeros(4),
    "equal": np.full(7, 0.1),
    "one": np.array([3.0]),
    "outlier": np.array([1.0, 2.0, 1.5, 1e300]),
}


def test_mean_and_deviation_are_numpys():
    ones = np.ones(len(Y))
    np.testing.assert_allclose(weighted_mean_std(Y, ones), (Y.mean(), Y.std()), rtol=1e-14)


@pytest.mark.parametrize("n_rows", [40, 41])
def test_median_is_numpys(n_rows):
    assert weighted_median(Y[:n_rows], np.ones(n_rows)) == np.median(Y[:n_rows])


@pytest.mark.parametrize("n_rows", [1, 2, 40, 41])
@pytest.mark.parametrize("counts", [np.ones(41, int), COUNTS + 1], ids=["equal", "unequal"])
def test_quantiles_are_numpys(n_rows, counts):
    levels = [0.0, 0.1, 0.25, 0.5, 0.77, 1.0]
    y, counts = Y[:n_rows], counts[:n_rows]
    expected = np.quantile(np.repeat(y, counts), levels, method="averaged_inverted_cdf")
    np.testing.assert_allclose(weighted_quantiles(y, counts, levels), expected, rtol=1e-15)


def test_spread_is_the_normal_consistent_deviation_about_the_median():
    median, spread = weighted_median_spread(Y, np.ones(len(Y)))
    assert median == np.median(Y)
    expected = stats.median_abs_deviation(Y, scale="normal")
    assert spread == pytest.approx(expected, rel=1e-4)  # 1.4826 has five digits


@pytest.mark.parametrize("summary", SUMMARIES)
def test_integer_weights_are_repeated_rows(summary):
    repeated = np.repeat(Y, COUNTS)
    np.testing.assert_allclose(
        summary(Y, COUNTS.astype(float)), summary(repeated, np.ones(len(repeated))), rtol=1e-14
    )


@pytest.mark.parametrize("summary", SUMMARIES)
def test_scaled_weights_change_nothing(summary):
    weight = np.random.RandomState(2).uniform(size=len(Y))
    np.testing.assert_allclose(summary(Y, weight), summary(Y, 1e-9 * weight), rtol=1e-12)


@pytest.mark.parametrize("summary", SUMMARIES)
def test_order_changes_nothing(summary):
    weight = COUNTS.astype(float)
    np.testing.assert_allclose(summary(Y, weight), summary(Y[::-1], weight[::-1]), rtol=1e-13)


def test_spread_falls_back_where_most_values_are_equal():
    y = np.array([1.0, 1.0, 1.0, 1.0, 6.0])
    assert weighted_median_spread(y, np.ones(5)) == (1.0, 1.0)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e300, 1e-300, 1e-307])
@pytest.mark.parametrize("summary", [weighted_mean_std, weighted_median_spread])
def test_equal_values_have_no_spread(summary, value):
    center, spread = summary(np.full(7, value), np.linspace(0.1, 1, 7))
    assert center == pytest.approx(value, rel=1e-14, abs=0)
    assert spread == 0


@pytest.mark.parametrize("y", EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("summary", SUMMARIES)
def test_extreme_values_do_not_overflow(summary, y):
    weight = np.ones(len(y))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        values = np.atleast_1d(summary(y, weight))
    assert np.isfinite(values).all()
    # Powers of two are exact, however large: the same y in other units.
    unit = 2.0 ** np.floor(np.log2(np.abs(y).max() or 1))
    if np.abs(y).max() < 1e3 * (np.abs(y).min() or 1e300):
        np.testing.assert_allclose(values, unit * np.atleast_1d(summary(y / unit, weight)))
