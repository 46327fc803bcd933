"""Which y belongs to which predicted row? Frames and series are never a grid."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import stats
from sklearn.preprocessing import FunctionTransformer

from sklnll import metrics
from sklnll.distributions import (
    Bernoulli,
    Categorical,
    Censored,
    MultivariateNormal,
    Normal,
    PlackettLuce,
    Poisson,
    VonMises,
    zero_adjusted_gamma,
)
from sklnll.predictive import IndicatorPredictive, LabelPredictive, predictive, transformed

N = 5
LOC, SCALE = np.linspace(1, 3, N), np.linspace(0.5, 2, N)
Y = np.array([0.7, 2.0, 1.0, 4.0, 3.0])
DISTS = {
    "density": predictive(Normal(), {"loc": LOC, "scale": SCALE}),
    "mass": predictive(Poisson(), {"rate": LOC}),
    "mixed": predictive(
        zero_adjusted_gamma(),
        {"inflation": np.full(N, 0.2), "shape": LOC, "scale": SCALE},
    ),
    "angle": predictive(VonMises(), {"loc": LOC, "concentration": SCALE}),
    "censored": predictive(Censored(Normal()), {"loc": LOC, "scale": SCALE}),
    "transformed": transformed(
        predictive(Normal(), {"loc": LOC, "scale": SCALE}), FunctionTransformer(np.log, np.exp)
    ),
}
AT_Y = ["log_prob", "cdf", "sf", "logcdf", "crps", "pit", "contains"]
OWN = {"mass": ["pmf", "logpmf"], "mixed": []}
METHODS = [(name, method) for name in DISTS for method in AT_Y + OWN.get(name, ["pdf", "logpdf"])]
METRICS = [
    "negative_log_likelihood",
    "continuous_ranked_probability_score",
    "interval_score",
    "interval_coverage",
    "pinball_loss",
    "d2_score",
    "quantile_calibration_error",
    "probability_integral_transform",
]


def ask(name, method, y):
    seed = {"random_state": 0} if method == "pit" else {}
    return getattr(DISTS[name], method)(y, **seed)


def of_y(name):
    return np.ceil(Y) if name == "mass" else Y


def forms(y):
    """A column and a vector, by the libraries that people keep them in."""
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    return {
        "frame": pd.DataFrame({"y": y}),
        "series": pd.Series(y, index=range(100, 100 + len(y))),
        "nullable": pd.DataFrame({"y": pd.Series(y).convert_dtypes()}),
        "polars frame": pl.DataFrame({"y": y}),
        "polars series": pl.Series(y),
        "list": list(y),
        "tensor": torch.from_numpy(np.array(y)) if y.dtype.kind == "f" else y,
        "objects": np.array(y, dtype=object),
    }


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_every_form_of_a_column_is_the_rows_own(name, method):
    expected = ask(name, method, of_y(name))
    assert expected.shape == (N,)
    for form, y in forms(of_y(name)).items():
        assert_array_equal(ask(name, method, y), expected, err_msg=form)


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_a_column_of_another_length_is_no_grid(name, method):
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    few, one = of_y(name)[:3], of_y(name)[:1]
    others = [*forms(few).values(), *forms(one).values(), torch.from_numpy(few[:, None])]
    column = few[:, None].tolist()
    wide = np.tile(of_y(name), (3, 1))  # two columns would be intervals
    tables = [column, pd.DataFrame(wide), pl.DataFrame(wide), wide, wide.T, column[:1]]
    for y in others + tables:
        with pytest.raises(ValueError, match=rf"must have shape \({N},\), like the predicted rows"):
            ask(name, method, y)


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_a_grid_is_asked_for_plainly(name, method):
    dist, values = DISTS[name], of_y(name)
    # A draw of each place of the grid is its own.
    if method != "pit" or name not in OWN:
        each = np.stack([ask(name, method, value) for value in values])
        for given in (values, values.tolist(), forms(values)["series"], forms(values)["frame"]):
            assert_array_equal(ask(name, method, dist.grid(given)), each)
        assert_array_equal(ask(name, method, values[:3, None]), each[:3])
    assert ask(name, method, dist.grid(values)).shape == (N, N)
    with pytest.raises(ValueError, match=r"may be the rows' own .*y.ravel\(\).*dist.grid\(values"):
        ask(name, method, values[:, None])


def test_one_row_takes_any_grid():
    dist = DISTS["density"][2]
    assert_array_equal(dist.pdf(Y[:, None])[:, 0], dist.pdf(dist.grid(Y))[:, 0])
    np.testing.assert_allclose(
        dist.pdf(dist.grid(Y))[:, 0], stats.norm(LOC[2], SCALE[2]).pdf(Y), rtol=1e-12
    )


def test_several_outputs_have_no_grid():
    dist = predictive(Normal(), {"loc": np.zeros((N, 2)), "scale": np.ones((N, 2))})
    with pytest.raises(ValueError, match=r"a grid is for one output, .* shape \(5, 2\)"):
        dist.grid(Y)
    pd = pytest.importorskip("pandas")
    table = np.column_stack([Y, -Y])
    assert_array_equal(dist.log_prob(pd.DataFrame(table)), dist.log_prob(table))
    for y in (pd.DataFrame({"y": Y}), pd.Series(Y), Y, Y[:, None], table[:3], table.T):
        with pytest.raises(ValueError, match=r"y must have shape \(5, 2\), like the predicted"):
            dist.cdf(y)


def test_intervals_may_stand_in_a_frame():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    ends = np.column_stack([Y, np.add(Y, [0, 1, 0, np.inf, 2])])
    dist = DISTS["censored"]
    expected = dist.log_prob(ends)
    for table in (pd.DataFrame(ends), pl.DataFrame(ends), ends.tolist(), torch.from_numpy(ends)):
        assert_array_equal(dist.log_prob(table), expected)
        with pytest.raises(ValueError, match="needs exact values of y"):
            dist.crps(table)


# What else is predicted --------------------------------------------------------------------------


def test_vectors_and_rankings_are_not_repeated_for_frames():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    tril = np.tile(np.eye(N), (N, 1, 1))  # as many components as rows
    vectors = predictive(MultivariateNormal(), {"loc": np.zeros((N, N)), "scale_tril": tril})
    rankings = predictive(PlackettLuce(), {"scores": np.zeros((N, 3))})
    for dist, y in ((vectors, np.tile(Y, (N, 1))), (rankings, np.tile([2, 0, 1], (N, 1)))):
        for library in (pd, pl):
            assert_array_equal(dist.log_prob(library.DataFrame(y)), dist.log_prob(y))
            for other in (library.Series(y[0]), library.DataFrame(y[:1]), library.DataFrame(y[:2])):
                with pytest.raises(ValueError, match="y must have 5 rows, like the predicted ones"):
                    dist.log_prob(other)
    assert vectors.log_prob(Y).shape == (N,)
    assert rankings.log_prob([[2, 0, 1]]).shape == (N,)


def test_labels_may_stand_in_a_column_of_a_frame():
    labels = np.array(list("abcab"))
    dist = LabelPredictive(Categorical(), {"logits": np.outer(Y, [0, 1, 2])}, np.array(list("abc")))
    for form, y in forms(labels).items():
        assert_array_equal(dist.pmf(y), dist.pmf(labels), err_msg=form)
    for y in (forms(labels[:3])["frame"], labels[:1], forms(labels[:1])["series"], "a"):
        with pytest.raises(ValueError, match=r"y must have shape \(5,\), a label a row"):
            dist.pmf(y)


def test_indicators_need_a_row_each():
    pd = pytest.importorskip("pandas")
    dist = IndicatorPredictive(Bernoulli(), {"logits": np.outer(Y, [0, 1])}, np.arange(2))
    y = np.outer([0, 1, 0, 1, 1], [1, 1])
    assert_array_equal(dist.pmf(pd.DataFrame(y).astype("boolean")), dist.pmf(y))
    for other in (y[:1], y[:3], y[:, :1], y[0]):
        with pytest.raises(ValueError, match="y must"):
            dist.pmf(pd.DataFrame(other) if other.ndim == 2 else other)


# Metrics -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
def test_metrics_take_every_form_of_a_column(metric):
    measure = getattr(metrics, metric)
    for name in ("density", "mass", "angle"):
        expected = measure(of_y(name), DISTS[name])
        for form, y in {**forms(of_y(name)), "column": of_y(name)[:, None]}.items():
            assert_array_equal(measure(y, DISTS[name]), expected, err_msg=form)


@pytest.mark.parametrize("metric", METRICS)
def test_metrics_repeat_no_y(metric):
    measure, dist = getattr(metrics, metric), DISTS["density"]
    for y in (Y[:1], Y[:1, None], np.tile(Y, 2), Y[:3, None].tolist()):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            measure(y, dist)
    with pytest.raises(ValueError, match=r"y_true must have 5 rows, like the predictions; got the"):
        measure(2.0, dist)
    with pytest.raises(ValueError, match=r"y_true must have shape \(5,\), like the predictions"):
        measure(np.tile(Y[:, None], 5), dist)


def test_metrics_of_vectors_repeat_no_vector():
    tril = np.tile(np.eye(N), (N, 1, 1))
    dist = predictive(MultivariateNormal(), {"loc": np.zeros((N, N)), "scale_tril": tril})
    for metric in ("negative_log_likelihood", "energy_score"):
        with pytest.raises(ValueError, match=r"y_true must have shape \(5, 5\)"):
            getattr(metrics, metric)(Y, dist)
