import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from distributions.cases import (
    CASES,
    COMPOUND,
    CONTINUOUS,
    DISCRETE,
    LINEAR,
    MIXED,
    NUMBERS,
    PLAIN,
    PURE,
    with_axis,
)
from scipy import special, stats

from sklnll.distributions import DISTRIBUTIONS, Bernoulli, Categorical, Normal, StudentT
from sklnll.predictive import LabelPredictive, encode_labels, predictive

LEVELS = np.array([0.01, 0.3, 0.5, 0.975])
AT_Y = ["log_prob", "cdf", "logcdf", "sf", "logsf", "crps"]
DENSITY = {
    **{name: ["logpdf", "pdf"] for name in CONTINUOUS},
    **{name: ["logpmf", "pmf"] for name in DISCRETE},
    **{name: [] for name in MIXED},
}
WITH_UNITS = [name for name in CONTINUOUS if DISTRIBUTIONS[name]().support.units != "none"]
SUMMARIES = ["mean", "median", "mode", "var", "std", "entropy"]


def one_output(name):
    """The distribution, scipy's with rows on the first of two axes, and a y of its own per row."""
    case = CASES[name]
    frozen = case.scipy(**with_axis(case.params))
    return predictive(DISTRIBUTIONS[name](), case.params), frozen, frozen.ppf(0.3)[:, 0]


def two_outputs(name):
    """Two outputs, the second the rows of the first in reverse, with the two apart."""
    params = CASES[name].params
    other = {key: value[::-1].copy() for key, value in params.items()}
    both = {key: np.stack([params[key], other[key]], axis=1) for key in params}
    return tuple(predictive(DISTRIBUTIONS[name](), each) for each in (both, params, other))


def scipy_log_density(name, frozen):
    return frozen.logpmf if name in DISCRETE else frozen.logpdf


# Values of y ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NUMBERS)
def test_methods_at_y_are_scipys_element_by_element(name):
    dist, frozen, y = one_output(name)
    log_density = scipy_log_density(name, frozen)(y[:, None])[:, 0]
    np.testing.assert_allclose(dist.log_prob(y), log_density, rtol=1e-9)
    for method, expected in zip(DENSITY[name], [log_density, np.exp(log_density)], strict=False):
        np.testing.assert_allclose(getattr(dist, method)(y), expected, rtol=1e-9)
    for method in ("cdf", "logcdf", "sf", "logsf"):
        expected = getattr(frozen, method)(y[:, None])[:, 0]
        np.testing.assert_allclose(getattr(dist, method)(y), expected, rtol=1e-12)


@pytest.mark.parametrize("name", NUMBERS)
def test_number_is_the_same_y_for_all_rows(name):
    dist, _, y = one_output(name)
    for method in AT_Y + DENSITY[name]:
        values = getattr(dist, method)(y[1])
        assert values.shape == (len(dist),)
        np.testing.assert_allclose(values, getattr(dist, method)(np.full(len(dist), y[1])))


@pytest.mark.parametrize("name", NUMBERS)
def test_column_is_a_grid_against_all_rows(name):
    dist, _, y = one_output(name)
    grid = y[:2, None]
    for method in AT_Y + DENSITY[name]:
        values = getattr(dist, method)(grid)
        assert values.shape == (2, len(dist))
        for row, number in zip(values, grid[:, 0], strict=True):
            np.testing.assert_allclose(row, getattr(dist, method)(number))


@pytest.mark.parametrize("name", NUMBERS)
def test_two_outputs_are_two_distributions(name):
    dist, first, second = two_outputs(name)
    y = np.column_stack([first.ppf(0.3), second.ppf(0.8)])
    for method in ["cdf", "logcdf", "sf", "logsf", "crps", *DENSITY[name]]:
        apart = [getattr(first, method)(y[:, 0]), getattr(second, method)(y[:, 1])]
        np.testing.assert_allclose(getattr(dist, method)(y), np.column_stack(apart))
    together = first.log_prob(y[:, 0]) + second.log_prob(y[:, 1])
    np.testing.assert_allclose(dist.log_prob(y), together)
    for method in SUMMARIES:
        apart = [getattr(first, method)(), getattr(second, method)()]
        np.testing.assert_allclose(getattr(dist, method)(), np.column_stack(apart))
    for method in ("ppf", "isf"):
        apart = [getattr(first, method)(LEVELS), getattr(second, method)(LEVELS)]
        np.testing.assert_allclose(getattr(dist, method)(LEVELS), np.stack(apart, axis=1))
        assert getattr(dist, method)(0.1).shape == dist.shape
    assert dist.interval().shape == (*dist.shape, 2)
    assert dist.rvs(random_state=0).shape == dist.shape
    assert dist.rvs(7, random_state=0).shape == (*dist.shape, 7)
    assert all(end.shape == dist.shape for end in dist.support())


@pytest.mark.parametrize("shape", [(2,), (3, 2), (1, 4), (4, 1, 1)])
def test_y_of_another_shape_is_refused(shape):
    dist = one_output("normal")[0]
    for method in AT_Y + DENSITY["normal"]:
        with pytest.raises(ValueError, match=r"y must have shape \(4,\).*a column \(k, 1\)"):
            getattr(dist, method)(np.ones(shape))


@pytest.mark.parametrize("shape", [(4,), (4, 1), (2,), (4, 3)])
def test_y_of_another_number_of_outputs_is_refused(shape):
    dist = two_outputs("normal")[0]
    with pytest.raises(ValueError, match=r"y must have shape \(4, 2\)"):
        dist.log_prob(np.ones(shape))


@pytest.mark.parametrize("name", NUMBERS)
def test_outside_the_support_nothing_is_possible(name):
    dist = one_output(name)[0]
    support = DISTRIBUTIONS[name]().support
    for y in (support.low - 1, support.high + 1, -np.inf, np.inf):
        assert (dist.log_prob(y) == -np.inf).all()
        for method, nothing in zip(DENSITY[name], [-np.inf, 0], strict=False):
            assert (getattr(dist, method)(y) == nothing).all()


@pytest.mark.parametrize("name", NUMBERS)
def test_nan_stays_nan_as_in_scipy(name):
    dist = one_output(name)[0]
    for method in AT_Y + DENSITY[name]:
        assert np.isnan(getattr(dist, method)(np.nan)).all(), method


@pytest.mark.parametrize("name", DISCRETE)
def test_between_the_whole_numbers_there_is_a_training_loss_but_no_mass(name):
    dist = one_output(name)[0]
    assert np.isfinite(dist.log_prob(1.5)).all()
    assert (dist.logpmf(1.5) == -np.inf).all()
    assert (dist.pmf(1.5) == 0).all()


# Levels -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NUMBERS)
def test_quantiles_are_scipys_on_the_last_axis(name):
    dist, frozen, _ = one_output(name)
    for method in ("ppf", "isf"):
        expected = getattr(frozen, method)(LEVELS)
        assert expected.shape == (len(dist), len(LEVELS))
        np.testing.assert_allclose(getattr(dist, method)(LEVELS), expected, rtol=1e-12)
        np.testing.assert_allclose(getattr(dist, method)(LEVELS[0]), expected[:, 0], rtol=1e-12)
        assert getattr(dist, method)([0.5]).shape == (len(dist), 1)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_ppf_inverts_cdf_and_isf_inverts_sf(name):
    dist = one_output(name)[0]
    for level in LEVELS:
        np.testing.assert_allclose(dist.cdf(dist.ppf(level)), level, rtol=1e-10)
        np.testing.assert_allclose(dist.sf(dist.isf(level)), level, rtol=1e-10)


@pytest.mark.parametrize("confidence", [0.0, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", CONTINUOUS + DISCRETE)
def test_interval_holds_its_probability_between_equal_tails(name, confidence):
    dist = one_output(name)[0]
    interval = dist.interval(confidence)
    assert interval.shape == (len(dist), 2)
    low, high = interval.T
    if name in DISCRETE:
        assert (dist.cdf(high) - dist.cdf(low - 1) >= confidence).all()
        assert (dist.cdf(low - 1) < (1 - confidence) / 2).all()
    else:
        np.testing.assert_allclose(dist.cdf(high) - dist.cdf(low), confidence, atol=1e-10)
        np.testing.assert_allclose(dist.cdf(low), dist.sf(high), rtol=1e-9)


@pytest.mark.parametrize("levels", [-0.1, 1.1, [0.5, 2.0], [[0.5]], np.nan])
def test_what_is_no_level_is_refused(levels):
    with pytest.raises(
        ValueError, match="levels of quantiles must be a number or a 1-d array between 0 and 1"
    ):
        one_output("normal")[0].ppf(levels)


@pytest.mark.parametrize("name", CONTINUOUS + DISCRETE)
def test_contains_says_whether_y_lies_in_the_interval(name):
    dist = one_output(name)[0]
    low, high = dist.interval(0.8).T
    assert dist.contains(low, 0.8).all()
    assert dist.contains(high, 0.8).all()
    assert not dist.contains(np.nextafter(high, np.inf), 0.8).any()
    assert not dist.contains(np.nan).any()


@pytest.mark.parametrize("confidence", [-0.1, 1.1, 90, np.nan, [0.5, 0.9]])
def test_what_is_no_confidence_is_refused(confidence):
    with pytest.raises(ValueError, match="is one number between 0 and 1"):
        one_output("normal")[0].interval(confidence)


# Draws ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PURE)
def test_draws_have_the_distribution(name):
    dist, frozen, _ = one_output(name)
    draws = dist.rvs(4000, random_state=0)
    assert draws.shape == (len(dist), 4000)
    for i, row in enumerate(draws):
        alone = CASES[name].scipy(**{key: value[i] for key, value in dist.params.items()})
        if name in DISCRETE:
            values, counts = np.unique(row, return_counts=True)
            often = counts >= 10
            share = alone.pmf(values[often])
            # A share's Monte-Carlo error is sqrt(p (1 - p) / n); 4.5 of them, once in 1e5.
            error = np.sqrt(share * (1 - share) / 4000)
            assert (np.abs(counts[often] / 4000 - share) < 4.5 * error).all()
        else:
            assert stats.kstest(row, alone.cdf).pvalue > 1e-3
    finite = np.isfinite(frozen.var()[:, 0])
    error = np.sqrt(frozen.var()[finite, 0] / 4000)
    assert (np.abs(draws.mean(axis=1)[finite] - dist.mean()[finite]) < 4.5 * error).all()


@pytest.mark.parametrize("name", NUMBERS)
def test_draws_are_repeatable_and_leave_the_global_state(name):
    dist = one_output(name)[0]
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    np.testing.assert_array_equal(dist.rvs(3, 5), dist.rvs(3, np.random.RandomState(5)))
    assert (dist.rvs(3, 5) != dist.rvs(3, 6)).any()
    assert dist.rvs(random_state=0).shape == (len(dist),)
    assert dist.rvs(1, random_state=0).shape == (len(dist), 1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("name", NUMBERS)
def test_pit_of_draws_is_uniform(name):
    params = {key: np.repeat(value, 800, axis=0) for key, value in CASES[name].params.items()}
    dist = predictive(DISTRIBUTIONS[name](), params)
    pit = dist.pit(dist.rvs(random_state=1), random_state=2)
    assert pit.shape == (len(dist),)
    assert stats.kstest(pit, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("name", DISCRETE)
def test_pit_of_counts_lies_between_less_and_at_most(name):
    dist, _, y = one_output(name)
    pit = np.array([dist.pit(y, random_state=seed) for seed in range(200)])
    low, high = dist.cdf(y - 1), dist.cdf(y)
    assert ((low <= pit) & (pit <= high)).all()
    assert np.ptp(pit, axis=0) == pytest.approx(high - low, rel=0.1)
    np.testing.assert_array_equal(dist.pit(y, random_state=3), dist.pit(y, random_state=3))
    assert dist.pit(y[:2, None], random_state=0).shape == (2, len(dist))


# Summaries --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LINEAR)
def test_summaries_are_scipys(name):
    dist, frozen, _ = one_output(name)
    for method in ("mean", "median", "var", "std", "entropy"):
        values = getattr(dist, method)()
        assert values.shape == (len(dist),)
        expected = np.broadcast_to(getattr(frozen, method)(), (len(dist), 1))[:, 0]
        np.testing.assert_allclose(values, expected, rtol=1e-10)
    for end, expected in zip(dist.support(), frozen.support(), strict=True):
        np.testing.assert_array_equal(end, np.broadcast_to(expected, (len(dist), 1))[:, 0])


@pytest.mark.parametrize("name", NUMBERS)
def test_summaries_can_be_written_to(name):
    dist = one_output(name)[0]
    for method in SUMMARIES:
        before = {key: value.copy() for key, value in dist.params.items()}
        getattr(dist, method)()[:] = 7.0
        for key, value in dist.params.items():
            np.testing.assert_array_equal(value, before[key])


def test_student_t_has_no_mean_and_no_variance_where_tails_are_too_heavy():
    df = np.array([0.5, 1.0, 1.5, 2.0, 3.0])
    dist = predictive(StudentT(), {"df": df, "loc": np.ones(5), "scale": np.full(5, 2.0)})
    np.testing.assert_array_equal(np.isfinite(dist.mean()), df > 1)
    np.testing.assert_array_equal(np.isfinite(dist.var()), df > 2)
    np.testing.assert_allclose(dist.median(), 1.0, rtol=1e-15)


@pytest.mark.parametrize("name", NUMBERS)
def test_point_is_the_summary_of_that_name(name):
    dist = one_output(name)[0]
    for estimate in ("mean", "median", "mode"):
        np.testing.assert_array_equal(dist.point(estimate), getattr(dist, estimate)())
    assert np.isfinite(dist.point("auto")).all()
    central = dist.mean() if np.isfinite(dist.mean()).all() else dist.median()
    np.testing.assert_array_equal(dist.point(), central)


# The object -------------------------------------------------------------------------------------

ROWS = [
    1,
    -1,
    np.int64(2),
    slice(1, 3),
    slice(None, None, -1),
    slice(None, None, 2),
    [2, 0],
    np.array([True, False, True]),
]


@pytest.mark.parametrize("rows", ROWS, ids=repr)
@pytest.mark.parametrize("name", ["exponential", "poisson", "student_t"])
def test_slices_are_rows(name, rows):
    dist, _, y = one_output(name)
    dist, y = dist[:3], y[:3]
    some = dist[rows]
    assert type(some) is type(dist)
    for method in AT_Y + DENSITY[name]:
        expected = np.atleast_1d(getattr(dist, method)(y)[rows])
        np.testing.assert_array_equal(getattr(some, method)(np.atleast_1d(y[rows])), expected)
    assert len(some) == len(expected)
    np.testing.assert_array_equal(some.ppf(LEVELS), np.atleast_2d(dist.ppf(LEVELS)[rows]))


def test_row_out_of_range_is_an_index_error():
    dist = one_output("normal")[0]
    for row in (4, -5):
        with pytest.raises(IndexError):
            dist[row]


def test_iteration_ends():
    dist = one_output("normal")[0]
    assert [len(row) for row in dist] == [1] * 4


def test_two_outputs_are_sliced_by_row():
    dist = two_outputs("gamma")[0]
    assert dist[1:3].shape == (2, 2)
    np.testing.assert_array_equal(dist[2].mean(), dist.mean()[2:3])


@pytest.mark.parametrize("name", NUMBERS)
def test_reversed_rows_answer_as_before(name):
    """torch takes no arrays with negative strides."""
    dist, _, y = one_output(name)
    for method in AT_Y + DENSITY[name]:
        expected = getattr(dist, method)(y)[::-1]
        np.testing.assert_allclose(getattr(dist[::-1], method)(y[::-1]), expected, rtol=1e-12)
    for method in SUMMARIES:
        expected = getattr(dist, method)()[::-1]
        np.testing.assert_allclose(getattr(dist[::-1], method)(), expected, rtol=1e-12)


@pytest.mark.parametrize("name", NUMBERS)
def test_pickle_keeps_everything(name):
    dist, _, y = one_output(name)
    again = pickle.loads(pickle.dumps(dist))
    np.testing.assert_array_equal(again.log_prob(y), dist.log_prob(y))
    assert repr(again) == repr(dist)


def test_memory_mapped_parameters_are_read(tmp_path):
    dist, _, y = one_output("normal")
    joblib.dump(dist, tmp_path / "dist.joblib")
    mapped = joblib.load(tmp_path / "dist.joblib", mmap_mode="r")
    np.testing.assert_array_equal(mapped.log_prob(y), dist.log_prob(y))


def test_reversed_and_strided_y_are_read():
    dist, _, y = one_output("normal")
    np.testing.assert_array_equal(dist.log_prob(y[::-1]), dist.log_prob(y[::-1].copy()))
    np.testing.assert_array_equal(dist.log_prob(np.repeat(y, 2)[::2]), dist.log_prob(y))


def test_lists_series_and_integers_are_read():
    dist = one_output("poisson")[0]
    expected = dist.log_prob(np.arange(5.0))
    for y in ([0, 1, 2, 3, 4], pd.Series(range(5)), np.arange(5), np.arange(5, dtype="float32")):
        np.testing.assert_array_equal(dist.log_prob(y), expected)


def test_repr_says_family_and_rows():
    assert repr(one_output("gamma")[0]) == "ContinuousPredictive(Gamma(), n_rows=4)"
    assert repr(one_output("poisson")[0]) == "DiscretePredictive(Poisson(), n_rows=5)"


def test_to_frame_has_a_column_per_parameter():
    dist = one_output("gamma")[0]
    pd.testing.assert_frame_equal(dist.to_frame(), pd.DataFrame(CASES["gamma"].params))
    both = two_outputs("gamma")[0]
    frame = both.to_frame()
    assert list(frame.columns) == ["shape_0", "shape_1", "scale_0", "scale_1"]
    np.testing.assert_array_equal(frame["scale_1"], both.params["scale"][:, 1])


@pytest.mark.parametrize("name", [name for name in NUMBERS if name not in COMPOUND])
def test_to_scipy_is_scipys_frozen_distribution(name):
    dist, _, y = one_output(name)
    frozen = dist.to_scipy()
    is_scipys = isinstance(frozen, stats._distn_infrastructure.rv_frozen)
    assert is_scipys == (name in PLAIN)  # of others, something with the same methods
    np.testing.assert_array_equal(frozen.cdf(y), dist.cdf(y))


@pytest.mark.parametrize("name", NUMBERS)
def test_unknown_names_are_attribute_errors(name):
    dist = one_output(name)[0]
    wrong = {"meen", "quantile", "pdf", "logpdf", "pmf", "logpmf"} - set(DENSITY[name])
    for attribute in wrong:
        assert not hasattr(dist, attribute)
        with pytest.raises(AttributeError, match=attribute):
            getattr(dist, attribute)


@pytest.mark.parametrize("power", [-960, 3, 960])
@pytest.mark.parametrize("name", WITH_UNITS)
def test_change_of_units_moves_the_distribution(name, power):
    unit = 2.0**power
    before, _, y = one_output(name)
    carry_units = {"loc", "scale"}
    moved = {
        key: value * unit if key in carry_units else value for key, value in before.params.items()
    }
    after = predictive(DISTRIBUTIONS[name](), moved)
    log_prob = before.log_prob(y) - np.log(unit)
    np.testing.assert_allclose(after.log_prob(unit * y), log_prob, rtol=1e-12)
    np.testing.assert_allclose(after.cdf(unit * y), before.cdf(y), rtol=1e-12)
    np.testing.assert_allclose(after.crps(unit * y), unit * before.crps(y), rtol=1e-12)
    np.testing.assert_allclose(after.ppf(LEVELS), unit * before.ppf(LEVELS), rtol=1e-12)
    np.testing.assert_allclose(after.entropy(), before.entropy() + np.log(unit), rtol=1e-12)
    for method in ("mean", "median", "mode", "std"):
        expected = unit * getattr(before, method)()
        values = getattr(after, method)()
        if method == "mode" and name not in PLAIN:
            # At its top a density is flat: a search finds it to half the digits.
            assert (np.abs(values - expected) < 1e-6 * after.std()).all()
        else:
            np.testing.assert_allclose(values, expected, rtol=1e-12)


@pytest.mark.parametrize("rate", [1e6, 1e10, 1e12, 1e15, 1e100, 1e300])
def test_many_counts_are_nearly_normal(rate):
    dist = predictive(DISTRIBUTIONS["poisson"](), {"rate": np.array([rate])})
    normal = stats.norm(rate, np.sqrt(rate))
    np.testing.assert_allclose(dist.ppf(LEVELS)[0], normal.ppf(LEVELS), rtol=1e-5)
    np.testing.assert_allclose(dist.cdf(rate), 0.5, atol=1e-3)
    np.testing.assert_allclose(dist.entropy(), normal.entropy(), rtol=1e-6)


# Labels -----------------------------------------------------------------------------------------

COLORS = np.array(["blue", "green", "red"])
LOGITS = CASES["categorical"].params["logits"]


def colors():
    return LabelPredictive(Categorical(), {"logits": LOGITS}, COLORS)


def coins():
    logits = CASES["bernoulli"].params["logits"]
    return LabelPredictive(Bernoulli(), {"logits": logits}, np.array(["no", "yes"]))


def test_label_probabilities_are_the_softmax():
    dist = colors()
    np.testing.assert_allclose(dist.probs, special.softmax(LOGITS, axis=1), rtol=1e-14)
    np.testing.assert_allclose(dist.log_probs, special.log_softmax(LOGITS, axis=1), rtol=1e-14)
    np.testing.assert_allclose(coins().probs[:, 1], special.expit(coins().params["logits"]))


@pytest.mark.parametrize("make", [colors, coins])
def test_log_prob_picks_each_rows_label(make):
    dist = make()
    for j, label in enumerate(dist.classes):
        y = [label] * len(dist)
        np.testing.assert_array_equal(dist.log_prob(y), dist.log_probs[:, j])
        np.testing.assert_array_equal(dist.logpmf(y), dist.log_probs[:, j])
        np.testing.assert_allclose(dist.pmf(y), dist.probs[:, j])


@pytest.mark.parametrize("make", [colors, coins])
def test_mode_and_entropy_are_those_of_the_probabilities(make):
    dist = make()
    np.testing.assert_array_equal(dist.mode(), dist.classes[dist.probs.argmax(axis=1)])
    # atol: probabilities near 1 are rounded.
    expected = stats.entropy(dist.probs, axis=1)
    np.testing.assert_allclose(dist.entropy(), expected, rtol=1e-12, atol=1e-15)


def test_sure_labels_stay_finite():
    dist = LabelPredictive(Categorical(), {"logits": np.array([[1e4, 0.0, -1e300]])}, COLORS)
    assert np.isfinite(dist.log_probs).all()
    assert dist.log_prob(["blue"]) == 0
    assert dist.log_prob(["green"]) == -1e4
    assert dist.entropy() == 0


@pytest.mark.parametrize("make", [colors, coins])
def test_label_draws_have_the_probabilities(make):
    dist = make()
    draws = dist.rvs(4000, random_state=0)
    assert draws.shape == (len(dist), 4000)
    share = np.stack([(draws == label).mean(axis=1) for label in dist.classes], axis=1)
    error = np.sqrt(dist.probs * (1 - dist.probs) / 4000)
    assert (np.abs(share - dist.probs) <= 4.5 * error + 1e-3).all()
    np.testing.assert_array_equal(draws, dist.rvs(4000, random_state=0))
    assert dist.rvs(random_state=0).shape == (len(dist),)


def test_labels_slice_pickle_and_frame():
    dist = colors()
    assert len(dist[1:]) == 2
    np.testing.assert_array_equal(dist[-1].probs, dist.probs[-1:])
    np.testing.assert_array_equal(dist[::-1].probs, dist.probs[::-1])
    again = pickle.loads(pickle.dumps(dist))
    np.testing.assert_array_equal(again.probs, dist.probs)
    pd.testing.assert_frame_equal(dist.to_frame(), pd.DataFrame(dist.probs, columns=COLORS))
    assert repr(dist) == "LabelPredictive(Categorical(), n_rows=3)"


def test_labels_have_no_numbers():
    for attribute in ("mean", "cdf", "ppf", "interval", "crps", "meen"):
        with pytest.raises(AttributeError, match=attribute):
            getattr(colors(), attribute)


def test_unknown_label_is_shown_with_its_row():
    message = "label that was not seen in fit: .*'pink'.* at row 1; the classes are .*'red'"
    with pytest.raises(ValueError, match=message):
        colors().log_prob(["blue", "pink", "red"])


@pytest.mark.parametrize("y", ["blue", ["blue"], [["blue"], ["red"], ["red"]]])
def test_labels_of_another_shape_are_refused(y):
    with pytest.raises(ValueError, match=r"y must have shape \(3,\), a label a row"):
        colors().log_prob(y)


def test_labels_are_encoded_by_position():
    classes = np.array([-1, 3, 10])
    np.testing.assert_array_equal(encode_labels(np.array([10, -1, 3, 3]), classes), [2, 0, 1, 1])


def test_fixed_parameters_are_history():
    # The parameters are given for every row, however they were found.
    dist, _, y = one_output("normal")
    fixed = predictive(Normal(scale=3.0), dist.params)
    np.testing.assert_array_equal(fixed.log_prob(y), dist.log_prob(y))
