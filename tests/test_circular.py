"""Angles from fit to prediction: nothing may depend on where the circle is cut."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain_regressor
from scipy import integrate, stats
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import cross_val_score

from sklnll._laws.von_mises import wrap
from sklnll.distributions import VonMises
from sklnll.metrics import circular_mean_absolute_error, circular_r2_score, neg_crps_scorer
from sklnll.predictive import CircularPredictive, predictive

brief = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-9, "max_iter": 5000}
LOC, CONCENTRATION = np.array([0.0, 3.0, -3.0, 1.5]), np.array([0.3, 2.0, 40.0, 1e6])


@pytest.fixture
def dist():
    return predictive(VonMises(), {"loc": LOC, "concentration": CONCENTRATION})


def same_direction(angle, expected, atol=1e-12):
    assert_allclose(np.exp(1j * np.asarray(angle)), np.exp(1j * np.asarray(expected)), atol=atol)


# The predicted distribution ---------------------------------------------------------------------


def test_angles_have_a_distribution_of_their_own(dist):
    assert type(dist) is CircularPredictive
    assert repr(dist[1:]) == "CircularPredictive(VonMises(), n_rows=3)"


@pytest.mark.parametrize("turns", [-3, 1, 40])
def test_any_turn_of_y_is_the_same_y(dist, turns):
    y = np.array([1.0, -2.0, 3.1, 1.501])
    for method in (
        "log_prob",
        "logpdf",
        "pdf",
        "cdf",
        "sf",
        "logcdf",
        "logsf",
        "crps",
        "pit",
        "contains",
    ):
        at_y = getattr(dist, method)
        # Eighty pi are known to 3e-14, in which a concentration of 1e6 sees 1e3 times as much.
        assert_allclose(at_y(y + 2 * np.pi * turns), at_y(y), rtol=1e-8)


def test_any_turn_of_loc_is_the_same_distribution(dist):
    moved = predictive(VonMises(), {"loc": LOC + 6 * np.pi, "concentration": CONCENTRATION})
    for summary in ("mean", "median", "mode", "std", "entropy"):
        assert_allclose(getattr(moved, summary)(), getattr(dist, summary)(), atol=1e-14)
    assert_allclose(moved.interval(), dist.interval(), atol=1e-14)


def test_centers_are_the_direction_wrapped(dist):
    for center in (dist.mean(), dist.mode()):
        assert_array_equal(center, LOC)
    assert_array_equal(dist.median(), LOC)
    assert_array_equal(dist.point(), LOC)
    turned = predictive(VonMises(), {"loc": np.array([4.0]), "concentration": np.ones(1)})
    for center in (turned.mean(), turned.mode(), turned.median()):
        assert center == pytest.approx(4 - 2 * np.pi)


@pytest.mark.parametrize("i", [0, 1, 2])
def test_circular_moments_are_those_of_the_density(i, dist):
    row, loc = dist[i], LOC[i]

    def moment(function):
        return integrate.quad(
            lambda t: function(t) * row.pdf(t)[0],
            loc - np.pi,
            loc + np.pi,
            points=[loc],
            epsabs=1e-13,
        )[0]

    assert moment(lambda t: 1.0) == pytest.approx(1, rel=1e-10)
    length = np.hypot(moment(np.cos), moment(np.sin))
    assert row.resultant_length() == pytest.approx(length, rel=1e-9)
    assert row.var() == pytest.approx(1 - length, rel=1e-7)
    assert row.std() == pytest.approx(np.sqrt(-2 * np.log(length)), rel=1e-7)
    assert row.entropy() == pytest.approx(moment(lambda t: -row.logpdf(t)[0]), rel=1e-9)


def test_concentrated_angles_have_the_normals_deviation_and_uniform_ones_none():
    extreme = {"loc": np.zeros(4), "concentration": np.array([1e-300, 1e-20, 1e8, 1e10])}
    std = predictive(VonMises(), extreme).std()
    assert_allclose(std[2:], [1e-4, 1e-5], rtol=1e-8)
    assert_allclose(std[:2], np.sqrt(-2 * np.log([0.5e-300, 0.5e-20])), rtol=1e-12)


def test_probability_counts_from_the_cut_opposite_to_the_mean(dist):
    assert_allclose(dist.cdf(LOC), 0.5, rtol=1e-14)
    assert_allclose(dist.cdf(LOC - np.pi + 1e-3)[:2], 1e-3 * dist.pdf(LOC - np.pi)[:2], rtol=1e-2)
    assert_allclose(dist.cdf(LOC + np.pi - 1e-3), 1, atol=1e-3)
    assert_allclose(dist.support(), [LOC - np.pi, LOC + np.pi])
    assert_allclose(dist.ppf([0, 1]), np.column_stack([LOC - np.pi, LOC + np.pi]))


@pytest.mark.parametrize("confidence", [0.1, 0.5, 0.9, 0.999])
def test_interval_is_the_arc_around_the_mean(dist, confidence):
    low, high = dist.interval(confidence).T
    assert (low <= high).all()
    assert (high - low <= 2 * np.pi).all()
    assert_allclose((low + high) / 2, LOC, atol=1e-12)
    draws = dist.rvs(2000, random_state=0)
    inside = dist[np.repeat(np.arange(4), 2000)].contains(draws.ravel(), confidence)
    error = np.sqrt(confidence * (1 - confidence) / 2000)
    # 4.5 Monte-Carlo errors.
    assert (np.abs(inside.reshape(4, 2000).mean(axis=1) - confidence) < 4.5 * error).all()


def test_an_arc_across_the_end_of_the_numbers_contains_both_sides(dist):
    assert dist.interval(0.5)[1, 1] > np.pi  # around 3
    assert_array_equal(dist.contains(-3.1, 0.5)[1], True)
    assert_array_equal(dist.contains(3.1 - 4 * np.pi, 0.5)[1], True)
    assert_array_equal(dist.contains(0.0, 0.5)[1], False)
    assert dist.contains(np.array([[3.0], [0.0]])).shape == (2, 4)


def test_draws_lie_within_half_a_turn_and_have_the_density(dist):
    draws = dist.rvs(4000, random_state=1)
    assert ((-np.pi < draws) & (draws <= np.pi)).all()
    for row, loc, concentration in zip(draws, LOC, CONCENTRATION, strict=True):
        # Far below a concentration of 50 scipy's distribution function is right.
        away, law = wrap(row - loc), stats.vonmises(concentration)
        law = law if concentration < 50 else stats.norm(scale=concentration**-0.5)
        assert stats.kstest(away, law.cdf).pvalue > 1e-3


def test_columns_of_angles_are_independent():
    y = np.array([[0.1, 3.0], [2.0, -3.0]])
    both = {"loc": np.array([[0.0, 3.1], [1.0, 3.1]]), "concentration": np.full((2, 2), 4.0)}
    apart = [
        predictive(VonMises(), {key: value[:, j] for key, value in both.items()}) for j in (0, 1)
    ]
    dist = predictive(VonMises(), both)
    for method in ("cdf", "crps", "contains", "pdf"):
        expected = np.column_stack([getattr(apart[j], method)(y[:, j]) for j in (0, 1)])
        assert_allclose(getattr(dist, method)(y), expected)
    assert dist.interval().shape == (2, 2, 2)
    assert_allclose(dist.std(), np.column_stack([one.std() for one in apart]))


# Fits -------------------------------------------------------------------------------------------


@brief
@pytest.mark.parametrize("turn", [1.0, np.pi / 2, 3.0, -2.5])
def test_turned_angles_give_turned_predictions(turn, draw_rows):
    X, y = draw_rows("von_mises", n=100)
    net, turned = (plain_regressor("von_mises", **LINEAR).fit(X, t) for t in (y, wrap(y + turn)))
    assert turned.loss_ == pytest.approx(net.loss_, rel=1e-9)
    same_direction(turned.predict(X), net.predict(X) + turn, atol=1e-4)
    concentration = net.predict_dist(X).params["concentration"]
    assert_allclose(turned.predict_dist(X).params["concentration"], concentration, rtol=1e-3)


@brief
def test_a_quarter_turn_changes_nothing_on_the_way(draw_rows):
    X, y = draw_rows("von_mises")
    net, turned = (
        plain_regressor("von_mises", max_iter=20, random_state=0).fit(X, t)
        for t in (y, y + np.pi / 2)
    )
    assert_allclose(turned.loss_curve_, net.loss_curve_, rtol=1e-9)
    same_direction(turned.predict(X), net.predict(X) + np.pi / 2, atol=1e-9)


@brief
def test_whole_turns_of_training_angles_change_nothing(draw_rows):
    X, y = draw_rows("von_mises")
    turns = np.where(np.arange(len(y)) % 2, 2 * np.pi, 0.0) * -np.sign(y)
    net, other = (
        plain_regressor("von_mises", max_iter=20, random_state=0).fit(X, t) for t in (y, y + turns)
    )
    assert_allclose(other.loss_curve_, net.loss_curve_, rtol=1e-9)
    same_direction(other.predict(X), net.predict(X), atol=1e-9)


def test_several_angles_are_several_fits(draw_rows):
    X, first = draw_rows("von_mises", n=100)
    targets = np.column_stack([first, wrap(2 - first + 0.3 * X[:, 2])])
    together = plain_regressor("von_mises", **LINEAR).fit(X, targets)
    alone = [plain_regressor("von_mises", **LINEAR).fit(X, y) for y in targets.T]
    assert together.loss_ == pytest.approx(sum(net.loss_ for net in alone), rel=1e-8)
    same_direction(together.predict(X), np.column_stack([n.predict(X) for n in alone]), atol=1e-3)


def test_the_penalty_leads_to_the_fit_without_x_and_not_to_raw_outputs_of_zero(draw_rows):
    X, y = draw_rows("von_mises", n=100)
    nets = [
        plain_regressor("von_mises", **{**LINEAR, "alpha": alpha}).fit(X, y)
        for alpha in (0, 10, 1e3, 1e6)
    ]
    spreads = [1 - np.abs(np.mean(np.exp(1j * net.predict(X)))) for net in nets]
    assert (np.diff(spreads) < 0).all()
    assert spreads[-1] < 1e-6
    marginal = plain_regressor(VonMises("constant", "constant"), **LINEAR).fit(X, y)
    same_direction(nets[-1].predict(X), marginal.predict(X), atol=1e-2)
    assert nets[-1].loss_ == pytest.approx(marginal.loss_, rel=1e-3)
    for net in nets[1:]:
        assert 0.3 < np.hypot(*net.intercepts_[-1][:2]) < 1.5


@brief
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("spread", [0.0, 1e-4, 10.0])
def test_nearly_equal_and_nearly_uniform_angles_are_fitted(solver, spread, draw_rows):
    X, _ = draw_rows("von_mises")
    y = wrap(2 + spread * np.random.default_rng(0).normal(size=len(X)))
    params = {"max_iter": 50, "random_state": 0, "solver": solver, "hidden_layer_sizes": (5,)}
    net = plain_regressor("von_mises", **params).fit(X, y)
    marginal = plain_regressor(VonMises("constant", "constant"), **LINEAR).fit(X, y)
    # Where the steps of adam are too long for so small an arc, the start is kept.
    assert -net.predict_dist(X).log_prob(y).mean() <= marginal.loss_ + 0.1


@brief
@pytest.mark.parametrize("batch_size", ["auto", 10])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_steps_that_are_far_too_long_end_within_a_nat_of_the_start(solver, batch_size, draw_rows):
    X, y = draw_rows("von_mises")
    params = {"solver": solver, "batch_size": batch_size, "max_iter": 20, "random_state": 0}
    net = plain_regressor("von_mises", learning_rate_init=1e6, **params).fit(1000 * X + 500, y)
    marginal = plain_regressor(VonMises("constant", "constant"), **LINEAR).fit(X, y)
    log_prob = net.predict_dist(1000 * X + 500).log_prob(y)
    # The uniform distribution is so near; what is farther is undone, with a warning.
    assert log_prob.mean() >= -marginal.loss_ - 1


def test_a_direction_may_be_fixed_in_any_turn(draw_rows):
    X, y = draw_rows("von_mises")
    near, far = (
        plain_regressor(VonMises(loc=loc), **LINEAR).fit(X, y) for loc in (1.0, 1.0 + 4 * np.pi)
    )
    assert near.loss_ == pytest.approx(far.loss_, rel=1e-12)
    assert_allclose(far.predict(X), 1.0, rtol=1e-12)


@brief
def test_degrees_are_suspected_once_in_fit():
    X = np.arange(20.0)[:, None]
    net = plain_regressor("von_mises", max_iter=2)
    with pytest.warns(UserWarning, match="Are these degrees") as caught:
        net.fit(X, np.linspace(0, 350, 20))
    suspicions = [warning for warning in caught if "degrees" in str(warning.message)]
    assert len(suspicions) == 1
    assert suspicions[0].filename == __file__


# Errors of angles -------------------------------------------------------------------------------


@brief
def test_score_is_the_circular_r2_of_the_predicted_directions(draw_rows):
    X, y = draw_rows("von_mises")
    weight = np.linspace(0, 2, len(y))
    net = plain_regressor("von_mises", max_iter=50, random_state=0).fit(X, y)
    assert net.score(X, y, weight) == circular_r2_score(y, net.predict(X), weight)
    assert net.score(X, wrap(y - 4 * np.pi)) == pytest.approx(net.score(X, y), rel=1e-12)


def test_circular_r2_is_one_less_the_share_of_circular_variance():
    rng = np.random.default_rng(0)
    y, pred, weight = *rng.uniform(-np.pi, np.pi, (2, 50)), rng.uniform(size=50)
    # scipy has no weights: whole ones are repetitions.
    counts = np.round(4 * weight).astype(int)
    y_, pred_ = np.repeat(y, counts), np.repeat(pred, counts)
    expected = 1 - np.mean(1 - np.cos(y_ - pred_)) / stats.circvar(y_)
    assert circular_r2_score(y, pred, counts) == pytest.approx(expected, rel=1e-12)
    mean = np.full(50, stats.circmean(y))
    assert circular_r2_score(y, mean) == pytest.approx(0, abs=1e-12)
    assert circular_r2_score(y, y + 2 * np.pi) == pytest.approx(1, rel=1e-12)
    both = circular_r2_score(np.column_stack([y, y]), np.column_stack([pred, mean]))
    assert both == pytest.approx(circular_r2_score(y, pred) / 2, rel=1e-10)


def test_circular_r2_is_r2_on_a_small_arc():
    rng = np.random.default_rng(0)
    y = 1e-4 * rng.normal(size=50)
    pred = y + 0.5e-4 * rng.normal(size=50)
    assert circular_r2_score(y, pred) == pytest.approx(r2_score(y, pred), rel=1e-6)


def test_circular_r2_of_equal_angles_is_one_or_zero():
    y = np.full(7, 2.3)
    assert circular_r2_score(y, y) == 1
    assert circular_r2_score(y, y + 0.1) == 0


def test_circular_mean_absolute_error_goes_the_shorter_way():
    y, pred = np.deg2rad([10, 350, 90, 0]), np.deg2rad([350, 10, 100, 180])
    assert np.rad2deg(circular_mean_absolute_error(y, pred)) == pytest.approx(
        (20 + 20 + 10 + 180) / 4
    )
    weighted = circular_mean_absolute_error(y, pred, [1, 1, 2, 0])
    assert np.rad2deg(weighted) == pytest.approx(15)
    both = circular_mean_absolute_error(np.column_stack([y, y]), np.column_stack([pred, y]))
    assert both == pytest.approx(circular_mean_absolute_error(y, pred) / 2)
    assert circular_mean_absolute_error(pd.Series(y), list(pred)) == circular_mean_absolute_error(
        y, pred
    )


@pytest.mark.parametrize("error", [circular_mean_absolute_error, circular_r2_score])
def test_errors_of_angles_check_their_input(error):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        error(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="same outputs; got 1 and 2 columns"):
        error(np.ones(3), np.ones((3, 2)))
    with pytest.raises(ValueError, match="y_pred contains NaN"):
        error(np.ones(3), np.full(3, np.nan))


@brief
def test_errors_of_angles_make_scorers(draw_rows):
    X, y = draw_rows("von_mises")
    net = plain_regressor("von_mises", hidden_layer_sizes=(), solver="lbfgs")
    error = make_scorer(circular_mean_absolute_error, greater_is_better=False)
    scores = cross_val_score(net, X, y, scoring=error, cv=3)
    crps = cross_val_score(net, X, y, scoring=neg_crps_scorer, cv=3)
    assert (scores < crps).all()  # a point is no better than the distribution around it
    assert (scores > -np.pi).all()
