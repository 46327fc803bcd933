"""Displays show what scipy and scikit-learn compute of the same predictions."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import NLLClassifier, NLLRanker, NLLRegressor, displays
from sklnll.distributions import (
    Categorical,
    Gamma,
    MultivariateNormal,
    Normal,
    PlackettLuce,
    Poisson,
    VonMises,
    ZeroInflated,
)
from sklnll.predictive import (
    CircularPredictive,
    ContinuousPredictive,
    DiscretePredictive,
    IndicatorPredictive,
    LabelPredictive,
    MixedPredictive,
    RankingPredictive,
    VectorPredictive,
)

plt = pytest.importorskip("matplotlib.pyplot")

rng = np.random.default_rng(0)
N = 200
X = rng.normal(size=(N, 2))
LOC, SCALE = rng.normal(size=N), rng.uniform(0.5, 2, N)
WEIGHT = rng.integers(0, 3, N).astype(float)
TWICE = np.repeat(np.arange(N), WEIGHT.astype(int))
Y = LOC + SCALE * rng.standard_t(3, N)
NORMAL = ContinuousPredictive(Normal(), {"loc": LOC, "scale": SCALE})
SCIPY = stats.norm(LOC, SCALE)

COUNTS = DiscretePredictive(Poisson(), {"rate": np.exp(LOC)})
COUNT = rng.poisson(np.exp(LOC))

SHARES = rng.dirichlet(np.ones(3), N)
LABELS = np.array(["ant", "bee", "cat"])
LABEL = LABELS[(SHARES.cumsum(axis=1) > rng.uniform(size=(N, 1))).argmax(axis=1)]
OF_LABELS = LabelPredictive(Categorical(), {"logits": np.log(SHARES)}, LABELS)

CONCENTRATION = rng.uniform(1, 4, N)
ANGLES = CircularPredictive(VonMises(), {"loc": LOC, "concentration": CONCENTRATION})
ANGLE = rng.vonmises(LOC, CONCENTRATION)

WORTH = rng.gamma(1.0, size=(N, 3))
RANKINGS = RankingPredictive(PlackettLuce(), {"scores": np.log(WORTH)})
ORDER = np.argsort(-np.log(WORTH) - rng.gumbel(size=(N, 3)), axis=1)

OF_NUMBERS = [
    displays.PITHistogramDisplay,
    displays.QuantileReliabilityDisplay,
    displays.IntervalCoverageDisplay,
    displays.WormPlotDisplay,
]
FROM_PREDICTIONS = [
    *((cls, Y, NORMAL) for cls in [*OF_NUMBERS, displays.DensityDisplay]),
    (displays.ClassCalibrationDisplay, LABEL, OF_LABELS),
    (displays.RoseDisplay, ANGLE, ANGLES),
    (displays.RankingHeatMapDisplay, ORDER, RANKINGS),
]
WEIGHTED = [
    (displays.PITHistogramDisplay, "heights", Y, NORMAL),
    (displays.QuantileReliabilityDisplay, "shares", Y, NORMAL),
    (displays.IntervalCoverageDisplay, "observed", Y, NORMAL),
    (displays.ClassCalibrationDisplay, "observed", LABEL, OF_LABELS),
    (displays.RoseDisplay, "observed", ANGLE, ANGLES),
    (displays.RoseDisplay, "predicted", ANGLE, ANGLES),
    (displays.RankingHeatMapDisplay, "observed", ORDER, RANKINGS),
    (displays.RankingHeatMapDisplay, "predicted", ORDER, RANKINGS),
]


def name_of(value):
    return value.__name__ if isinstance(value, type) else ""


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    plt.close("all")  # of examples in docstrings, which ran before
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def linear():
    """A function: a linear network of a family, fitted to X."""
    return lambda y, kind=NLLRegressor, **params: kind(
        **{"hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 1000, **params}
    ).fit(X, y)


# Every display -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("cls", "y", "dist"), FROM_PREDICTIONS, ids=name_of)
def test_plot_returns_the_display_on_one_new_figure(cls, y, dist):
    display = cls.from_predictions(y, dist)
    assert plt.get_fignums() == [display.figure_.number]
    assert display.ax_.figure is display.figure_
    assert display.ax_.get_xlabel() or display.ax_.name == "polar"
    display.figure_.draw_without_rendering()
    assert display.plot() is display
    assert len(plt.get_fignums()) == 2


@pytest.mark.parametrize(("cls", "y", "dist"), FROM_PREDICTIONS, ids=name_of)
def test_given_axes_are_used_and_no_figure_is_made(cls, y, dist):
    from matplotlib.figure import Figure

    kind = {"projection": "polar"} if cls is displays.RoseDisplay else {}
    ax = Figure().subplots(subplot_kw=kind)
    display = cls.from_predictions(y, dist, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert plt.get_fignums() == []


@pytest.mark.parametrize(("cls", "y", "dist"), FROM_PREDICTIONS, ids=name_of)
def test_rc_parameters_are_left_alone(cls, y, dist):
    before = plt.rcParams.copy()
    cls.from_predictions(y, dist)
    assert plt.rcParams == before


@pytest.mark.parametrize(("cls", "data", "y", "dist"), WEIGHTED, ids=name_of)
def test_a_weight_of_two_is_the_row_twice(cls, data, y, dist):
    weighted = cls.from_predictions(y, dist, sample_weight=WEIGHT)
    repeated = cls.from_predictions(y[TWICE], dist[TWICE])
    assert_allclose(getattr(weighted, data), getattr(repeated, data), atol=1e-12)


@pytest.mark.parametrize(
    ("cls", "y", "dist", "fits"),
    [
        *((cls, LABEL, OF_LABELS, "ClassCalibrationDisplay") for cls in OF_NUMBERS),
        (displays.PITHistogramDisplay, ORDER, RANKINGS, "RankingHeatMapDisplay"),
        (displays.DensityDisplay, ORDER, RANKINGS, "RankingHeatMapDisplay"),
        (displays.ClassCalibrationDisplay, Y, NORMAL, "QuantileReliabilityDisplay"),
        (displays.RoseDisplay, Y, NORMAL, "PITHistogramDisplay"),
        (displays.RankingHeatMapDisplay, Y, NORMAL, "PITHistogramDisplay"),
        (displays.PITHistogramDisplay, Y, Y, "predict_dist"),
    ],
    ids=name_of,
)
def test_a_wrong_kind_of_y_is_told_what_fits(cls, y, dist, fits):
    with pytest.raises(TypeError, match=fits):
        cls.from_predictions(y, dist)
    assert plt.get_fignums() == []


def test_without_matplotlib_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "sklnll\[plots\]"'):
        displays.PITHistogramDisplay.from_predictions(Y, NORMAL)


@pytest.mark.parametrize("cls", OF_NUMBERS)
def test_one_output_of_several_is_chosen(cls):
    two = ContinuousPredictive(
        Normal(), {"loc": np.column_stack([LOC, -LOC]), "scale": np.column_stack([SCALE, SCALE])}
    )
    table = np.column_stack([-Y, Y])
    chosen = cls.from_predictions(table[:, ::-1], two, output=0)
    alone = cls.from_predictions(Y, NORMAL)
    for name, value in vars(alone).items():
        if isinstance(value, np.ndarray):
            assert_array_equal(getattr(chosen, name), value)
    with pytest.raises(ValueError, match="output must be one of"):
        cls.from_predictions(table, two)


@pytest.mark.parametrize("cls", OF_NUMBERS)
def test_vectors_are_judged_by_their_marginals(cls):
    joint = VectorPredictive(
        MultivariateNormal(),
        {
            "loc": np.column_stack([LOC, LOC]),
            "scale_tril": np.einsum("n,ij->nij", SCALE, [[1.0, 0.0], [0.6, 0.8]]),
        },
    )
    chosen = cls.from_predictions(np.column_stack([Y, Y]), joint, output=1)
    alone = cls.from_predictions(Y, NORMAL)
    for name, value in vars(alone).items():
        if isinstance(value, np.ndarray):
            assert_allclose(getattr(chosen, name), value, atol=1e-9)


@pytest.mark.parametrize("cls", [*OF_NUMBERS, displays.DensityDisplay])
def test_missing_y_is_refused(cls):
    y = np.where(np.arange(N) == 3, np.nan, Y)
    with pytest.raises(ValueError, match="found NaN at row 3"):
        cls.from_predictions(y, NORMAL)


@pytest.mark.parametrize("cls", [*OF_NUMBERS, displays.DensityDisplay])
def test_matplotlibs_keywords_are_taken_by_both_their_names(cls):
    display = cls.from_predictions(Y, NORMAL, c="red", lw=3)
    drawn = [artist for artist in display.ax_.get_children() if artist.get_gid() == "sklnll"]
    assert drawn
    for artist in drawn:
        assert artist.get_linewidth() == 3
        color = artist.get_color() if hasattr(artist, "get_color") else artist.get_edgecolor()
        assert plt.matplotlib.colors.to_hex(color) == "#ff0000"


@pytest.mark.parametrize("cls", OF_NUMBERS)
def test_confidence_is_a_probability(cls):
    with pytest.raises(ValueError, match="confidence must be between 0 and 1"):
        cls.from_predictions(Y, NORMAL, confidence=95)


# Through compositions ----------------------------------------------------------------------------


@pytest.mark.parametrize("cls", OF_NUMBERS)
def test_displays_reach_through_compositions(cls, linear):
    net = linear(Y)
    inner = make_pipeline(StandardScaler(), net)
    search = GridSearchCV(inner, {"nllregressor__alpha": [1e-3]}, cv=2).fit(X, Y)
    moved = TransformedTargetRegressor(search, transformer=StandardScaler()).fit(X, Y)
    for model in (inner.fit(X, Y), search, moved):
        display = cls.from_estimator(model, X, Y)
        assert display.name == type(model).__name__
        assert cls.from_estimator(model, X, Y, name="mine", sample_weight=WEIGHT).name == "mine"


def test_exposures_reach_the_prediction():
    years = rng.uniform(1, 3, N)
    net = NLLRegressor("poisson", hidden_layer_sizes=(), solver="lbfgs")
    net.fit(X, COUNT, exposure=years)
    display = displays.PITHistogramDisplay.from_estimator(net, X, COUNT, exposure=years)
    dist = net.predict_dist(X, exposure=years)
    same = displays.PITHistogramDisplay.from_predictions(COUNT, dist)
    assert_array_equal(display.heights, same.heights)


# Each display ------------------------------------------------------------------------------------


def test_pit_histogram_is_that_of_scipys_cdf():
    display = displays.PITHistogramDisplay.from_predictions(Y, NORMAL, n_bins=8)
    density, edges = np.histogram(SCIPY.cdf(Y), 8, (0, 1), density=True)
    assert_allclose(display.heights, density)
    assert_allclose(display.bin_edges, edges)
    low, high = np.array(stats.binom(N, 1 / 8).interval(0.95)) * 8 / N
    assert_allclose(display.band, [[low, high]] * 8)


def test_pit_of_counts_is_flat_where_they_are_right():
    display = displays.PITHistogramDisplay.from_predictions(COUNT, COUNTS, confidence=0.999)
    low, high = display.band.T
    assert ((low <= display.heights) & (display.heights <= high)).all()


def test_bands_widen_with_unequal_weights_and_not_with_their_unit():
    bands = [
        displays.PITHistogramDisplay.from_predictions(Y, NORMAL, sample_weight=weight).band
        for weight in (None, np.full(N, 7.0), rng.uniform(size=N) ** 3)
    ]
    assert_array_equal(bands[0], bands[1])
    assert np.ptp(bands[2], axis=1).min() > np.ptp(bands[0], axis=1).max()


def test_quantile_reliability_counts_y_below_scipys_quantiles():
    levels = [0.1, 0.25, 0.5, 0.9]
    display = displays.QuantileReliabilityDisplay.from_predictions(Y, NORMAL, levels=levels)
    below = [np.mean(SCIPY.ppf(level) >= Y) for level in levels]
    assert_allclose(display.shares, below)
    assert_allclose(display.band.T, np.array(stats.binom(N, levels).interval(0.95)) / N)


def test_coverage_counts_y_inside_scipys_intervals():
    coverages = [0.5, 0.8, 0.95]
    display = displays.IntervalCoverageDisplay.from_predictions(
        Y, NORMAL, coverages=coverages, sample_weight=WEIGHT
    )
    ends = [SCIPY.interval(coverage) for coverage in coverages]
    inside = [np.average((low <= Y) & (high >= Y), weights=WEIGHT) for low, high in ends]
    assert_allclose(display.observed, inside)
    n_rows = round(WEIGHT.sum() ** 2 / (WEIGHT**2).sum())
    expected = np.array(stats.binom(n_rows, coverages).interval(0.95)) / n_rows
    assert_allclose(display.band.T, expected)


def test_coverage_of_counts_includes_the_ends_of_scipys_intervals():
    coverages = [0.2, 0.5, 0.9]
    cls = displays.IntervalCoverageDisplay
    display = cls.from_predictions(COUNT, COUNTS, coverages=coverages)
    ends = [stats.poisson(np.exp(LOC)).interval(coverage) for coverage in coverages]
    inside = [np.mean((low <= COUNT) & (high >= COUNT)) for low, high in ends]
    assert_allclose(display.observed, inside)


def test_coverage_of_amounts_with_zeros_is_that_of_the_predicted_quantiles():
    family = ZeroInflated(Gamma())
    params = {"inflation": SHARES[:, 0], "shape": SCALE, "scale": np.exp(LOC)}
    dist = MixedPredictive(family, params)
    y = dist.rvs(random_state=0)
    display = displays.IntervalCoverageDisplay.from_predictions(y, dist, coverages=[0.3, 0.8])
    assert_allclose(display.observed, [dist.contains(y, c).mean() for c in (0.3, 0.8)])


def test_coverage_of_angles_is_that_in_any_turn():
    cls = displays.IntervalCoverageDisplay
    once, turned = (cls.from_predictions(ANGLE + t, ANGLES).observed for t in (0, 2 * np.pi))
    assert_allclose(once, turned)


@pytest.mark.parametrize("coverages", [[0.5, 90], [0.0], []])
def test_coverages_are_probabilities(coverages):
    with pytest.raises(ValueError, match="coverages must lie between 0 and 1"):
        displays.IntervalCoverageDisplay.from_predictions(Y, NORMAL, coverages=coverages)


def test_a_second_display_on_the_same_axes_shares_the_reference_and_has_another_color():
    cls = displays.QuantileReliabilityDisplay
    first = cls.from_predictions(Y, NORMAL, name="a")
    second = cls.from_predictions(-Y, NORMAL, name="b", ax=first.ax_)
    assert first.line_.get_color() != second.line_.get_color()
    names = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    assert names == ["95 % band if calibrated", "calibrated", "a", "b"]


def test_band_along_a_feature_is_the_prediction_there(linear):
    net = linear(Y)
    display = displays.PredictiveBandDisplay.from_estimator(
        net, X, Y, feature=1, grid_resolution=5, coverages=[0.8]
    )
    rows = np.column_stack([np.full(5, np.median(X[:, 0])), np.linspace(*_range(X[:, 1]), 5)])
    assert_allclose(display.grid, rows[:, 1])
    frozen = stats.norm(*net.predict(rows, return_std=True))
    assert_allclose(display.median, frozen.median())
    assert_allclose(display.intervals[0].T, frozen.interval(0.8))
    assert_array_equal(display.points_.get_offsets(), np.column_stack([X[:, 1], Y]))


def _range(x):
    return x.min(), x.max()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_band_of_a_frame_takes_names_and_other_kinds_of_columns(library):
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder

    frames = pytest.importorskip(library)
    kind = np.array(["red", "blue", "red"])[np.arange(N) % 3]
    frame = frames.DataFrame({"size": X[:, 0], "kind": kind})
    columns = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    net = NLLRegressor(hidden_layer_sizes=(), solver="lbfgs")
    model = make_pipeline(columns, net).fit(frame, Y)
    cls = displays.PredictiveBandDisplay
    display = cls.from_estimator(model, frame, Y, feature="size")
    assert display.x_label == "size"
    same = cls.from_estimator(model, frame, Y, feature=0, at=[0.0, "red"])
    assert_array_equal(display.median, same.median)
    other = cls.from_estimator(model, frame, feature="size", at=[0.0, "blue"])
    assert other.points_ is None
    assert not np.allclose(display.median, other.median)
    with pytest.raises(TypeError, match="must be a column of numbers"):
        cls.from_estimator(model, frame, Y, feature="kind")
    with pytest.raises(ValueError, match=r"one of \['size', 'kind'\]; got 'color'"):
        cls.from_estimator(model, frame, Y, feature="color")


def test_features_at_rest_keep_their_dtype_or_gain_the_digits_they_need():
    from sklnll.displays._bands import columns_of, rows_along

    grid = np.linspace(0, 1, 3)
    single = X.astype(np.float32)
    rows = rows_along(single, columns_of(single), 0, grid.astype(np.float32), None)
    assert rows.dtype == np.float32
    whole = np.array([[0, 2], [1, 3]])
    for at, value in ((None, 2.5), ([0, 2.7], 2.7)):
        assert_array_equal(rows_along(whole, columns_of(whole), 0, grid, at)[:, 1], value)
    with pytest.raises(ValueError, match="a value for each of 2 features"):
        rows_along(whole, columns_of(whole), 0, grid, [1])


def test_band_from_predictions_sorts_the_rows():
    display = displays.PredictiveBandDisplay.from_predictions(Y, NORMAL, x=X[:, :1])
    order = X[:, 0].argsort()
    assert_array_equal(display.grid, X[order, 0])
    assert_allclose(display.median, LOC[order])


def test_band_refuses_labels_and_angles():
    for dist in (OF_LABELS, ANGLES):
        with pytest.raises(TypeError, match=r"ClassCalibrationDisplay|RoseDisplay"):
            displays.PredictiveBandDisplay.from_predictions(None, dist, x=X[:, 0])


def test_loss_curves_are_the_estimators():
    net = NLLRegressor(hidden_layer_sizes=(8,), max_iter=15, early_stopping=True, random_state=0)
    model = make_pipeline(StandardScaler(), net).fit(X, X[:, 0] + 0.1 * Y)
    display = displays.LossCurveDisplay.from_estimator(model)
    training, validation = display.lines_
    assert_array_equal(training.get_ydata(), net.loss_curve_)
    assert_array_equal(validation.get_ydata(), -np.array(net.validation_scores_))
    assert display.best_epoch == 1 + np.argmax(net.validation_scores_)
    assert net.validation_scores_[display.best_epoch - 1] == pytest.approx(
        net.best_validation_score_
    )


def test_best_epoch_is_the_start_where_x_says_nothing():
    net = NLLRegressor(hidden_layer_sizes=(8,), max_iter=15, early_stopping=True, random_state=0)
    display = displays.LossCurveDisplay.from_estimator(net.fit(X, Y))
    assert net.best_validation_score_ > max(net.validation_scores_)
    assert display.best_epoch == 0


def test_a_validation_loss_without_bound_leaves_the_picture():
    training, validation = np.linspace(2, 1, 9), np.append(np.linspace(2, 1.5, 8), 100.0)
    display = displays.LossCurveDisplay(loss_curve=training, validation_loss=validation).plot()
    low, high = display.ax_.get_ylim()
    assert low < 1
    assert 4 <= high < 5


def test_loss_curve_without_validation_has_one_line(linear):
    display = displays.LossCurveDisplay.from_estimator(linear(Y))
    assert len(display.lines_) == 1
    assert display.best_epoch is None


def test_loss_curve_needs_a_network():
    with pytest.raises(TypeError, match="got StandardScaler"):
        displays.LossCurveDisplay.from_estimator(make_pipeline(StandardScaler()))
    with pytest.raises(TypeError, match="needs a fitted estimator"):
        displays.LossCurveDisplay.from_estimator(NLLRegressor())


def test_densities_are_scipys():
    display = displays.DensityDisplay.from_predictions(Y, NORMAL, rows=[5, 2])
    frozen = stats.norm(LOC[[5, 2], None], SCALE[[5, 2], None])
    assert_allclose(display.values, frozen.pdf(display.grid))
    assert_allclose(display.values_at_y, SCIPY.pdf(Y)[[5, 2]])
    assert_array_equal(display.y, Y[[5, 2]])


def test_a_narrow_density_beside_a_wide_one_keeps_its_peak():
    params = {"loc": np.array([0.3, 0.0]), "scale": np.array([1e-4, 10.0])}
    display = displays.DensityDisplay.from_predictions(None, ContinuousPredictive(Normal(), params))
    assert display.values[0].max() > 0.95 * stats.norm.pdf(0) / 1e-4


def test_masses_are_scipys():
    display = displays.DensityDisplay.from_predictions(COUNT, COUNTS, rows=[0, 1])
    assert_allclose(display.values, stats.poisson(np.exp(LOC[:2, None])).pmf(display.grid))
    assert_array_equal(np.diff(display.grid), 1)


def test_masses_of_labels_are_their_probabilities():
    display = displays.DensityDisplay.from_predictions(LABEL, OF_LABELS, rows=[3])
    assert_allclose(display.values, SHARES[[3]])
    assert_array_equal(display.grid, LABELS)


def test_masses_of_rare_and_of_many_events_are_seen_side_by_side():
    dist = DiscretePredictive(Poisson(), {"rate": np.array([2.0, 3e5])})
    display = displays.DensityDisplay.from_predictions(None, dist)
    assert_array_equal(display.grid[:6], range(6))
    assert_allclose(display.values[1].max(), stats.poisson(3e5).pmf(3e5), rtol=0.01)
    assert len(display.grid) < 1000


def test_an_infinite_density_leaves_the_picture_and_others_are_seen_whole():
    shape = np.array([0.3, 5.0])
    dist = ContinuousPredictive(Gamma(), {"shape": shape, "scale": np.ones(2)})
    display = displays.DensityDisplay.from_predictions([1e-9, 4.0], dist)
    median = stats.gamma(0.3).median()
    assert display.ax_.get_ylim()[1] == pytest.approx(5 * stats.gamma(0.3).pdf(median))
    bounded = displays.DensityDisplay.from_predictions([4.0], dist[1:])
    assert bounded.ceiling is None


def test_density_needs_a_row_that_there_is():
    assert_array_equal(displays.DensityDisplay.from_predictions(Y[:2], NORMAL[:2]).rows, [0, 1])
    with pytest.raises(ValueError, match="rows must name at least one of 200 rows"):
        displays.DensityDisplay.from_predictions(Y, NORMAL, rows=[N])


def test_density_of_one_output():
    params = {"loc": np.column_stack([LOC, -LOC]), "scale": np.column_stack([SCALE, SCALE])}
    two = ContinuousPredictive(Normal(), params)
    y = np.column_stack([Y, -Y])
    display = displays.DensityDisplay.from_predictions(y, two, output=1, rows=[0])
    assert_allclose(display.values[0], stats.norm(-LOC[0], SCALE[0]).pdf(display.grid))
    assert_allclose(display.values_at_y, SCIPY.pdf(Y)[:1])


def test_density_refuses_distributions_with_both_measures():
    params = {"inflation": np.full(3, 0.5), "shape": np.ones(3), "scale": np.ones(3)}
    mixed = MixedPredictive(ZeroInflated(Gamma()), params)
    with pytest.raises(TypeError, match="has both"):
        displays.DensityDisplay.from_predictions(None, mixed)


def test_class_calibration_is_scikit_learns():
    display = displays.ClassCalibrationDisplay.from_predictions(LABEL, OF_LABELS, n_bins=7)
    for place, label in enumerate(LABELS):
        observed, predicted = calibration_curve(label == LABEL, SHARES[:, place], n_bins=7)
        filled = display.counts[place] > 0
        assert_allclose(display.observed[place, filled], observed)
        assert_allclose(display.predicted[place, filled], predicted)
    assert_array_equal(display.counts.sum(axis=1), N)


def test_two_classes_have_one_curve(linear):
    net = linear(X[:, 0] + rng.logistic(size=N) > 0, NLLClassifier, solver="lbfgs")
    display = displays.ClassCalibrationDisplay.from_estimator(net, X, X[:, 0] > 0)
    assert display.classes.tolist() == [True]
    assert len(display.lines_) == 1


def test_several_labels_a_row_have_a_curve_each():
    tags = (rng.uniform(size=(N, 2)) < SHARES[:, :2]).astype(int)
    logits = np.log(SHARES[:, :2] / (1 - SHARES[:, :2]))
    net = NLLClassifier(hidden_layer_sizes=(), solver="lbfgs").fit(X, tags)
    dist = net.predict_dist(X)
    assert isinstance(dist, IndicatorPredictive)
    dist = IndicatorPredictive(dist.distribution, {next(iter(dist.params)): logits}, dist.classes)
    display = displays.ClassCalibrationDisplay.from_predictions(tags, dist)
    observed, _ = calibration_curve(tags[:, 1], dist.probs[:, 1], n_bins=10)
    assert_allclose(display.observed[1, display.counts[1] > 0], observed)


def test_worm_is_a_detrended_quantile_plot():
    display = displays.WormPlotDisplay.from_predictions(Y, NORMAL)
    z = np.sort((Y - LOC) / SCALE)
    expected = stats.norm.ppf((np.arange(N) + 0.5) / N)
    assert_allclose(display.expected, expected, atol=1e-12)
    assert_allclose(display.deviation, z - expected, atol=1e-7)


def test_worm_band_is_the_spread_of_order_statistics():
    """The asymptotic standard error, close to the exact spread of the median."""
    display = displays.WormPlotDisplay.from_predictions(Y, NORMAL)
    ends = stats.norm.ppf(stats.beta(N / 2, N / 2 + 1).ppf([0.025, 0.975]))
    assert_allclose(np.interp(0, display.grid, display.band), np.ptp(ends) / 2, rtol=0.02)


def test_worm_leaves_out_rows_without_weight():
    display = displays.WormPlotDisplay.from_predictions(Y, NORMAL, sample_weight=WEIGHT)
    assert len(display.deviation) == np.count_nonzero(WEIGHT)


def test_worm_is_finite_in_the_far_tails():
    display = displays.WormPlotDisplay.from_predictions(Y + 100 * np.sign(Y), NORMAL)
    assert np.isfinite(display.deviation).all()


def test_rose_holds_all_angles_and_the_mean_of_scipys_densities():
    display = displays.RoseDisplay.from_predictions(ANGLE + 2 * np.pi, ANGLES, n_bins=12)
    density, _ = np.histogram(ANGLE, 12, (-np.pi, np.pi), density=True)
    assert_allclose(display.observed, density)
    frozen = stats.vonmises(CONCENTRATION, LOC)
    assert_allclose(display.predicted, [frozen.pdf(angle).mean() for angle in display.grid])


def test_rose_needs_polar_axes():
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match="needs polar axes"):
        displays.RoseDisplay.from_predictions(ANGLE, ANGLES, ax=ax)


def test_pairs_of_plackett_luce_are_odds_of_worths():
    display = displays.RankingHeatMapDisplay.from_predictions(ORDER, RANKINGS)
    first = np.mean(WORTH[:, 0] / (WORTH[:, 0] + WORTH[:, 2]))
    assert_allclose(display.predicted[0, 2], first)
    before = np.argsort(ORDER, axis=1)
    assert_allclose(display.observed[0, 2], np.mean(before[:, 0] < before[:, 2]))
    assert np.isnan(display.predicted.diagonal()).all()


def test_places_sum_to_one_and_the_first_is_the_probability_to_win():
    display = displays.RankingHeatMapDisplay.from_predictions(
        ORDER, RANKINGS, kind="places", n_draws=2000
    )
    assert_allclose(display.predicted.sum(axis=0), 1)
    assert_allclose(display.predicted.sum(axis=1), 1)
    wins = (WORTH / WORTH.sum(axis=1, keepdims=True)).mean(axis=0)
    assert_allclose(display.predicted[:, 0], wins, atol=0.01)
    assert_allclose(display.observed[:, 1], np.bincount(ORDER[:, 1]) / N)


def test_partial_rankings_count_where_they_decide():
    orders = np.array([[0, 1, 2], [2, -1, -1], [2, -1, -1]])
    cls = displays.RankingHeatMapDisplay
    pairs = cls.from_predictions(orders, RANKINGS[:3])
    assert pairs.observed[0, 1] == 1
    assert pairs.observed[2, 0] == pytest.approx(2 / 3)
    places = cls.from_predictions(orders, RANKINGS[:3], kind="places")
    assert_allclose(places.observed[:, 0], [1 / 3, 0, 2 / 3])
    assert_allclose(places.observed[:, 1], [0, 1, 0])


def test_ranking_map_through_a_ranker(linear):
    net = linear(ORDER, NLLRanker)
    display = displays.RankingHeatMapDisplay.from_estimator(net, X, None, items=["a", "b", "c"])
    assert display.observed is None
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["a", "b", "c"]
    with pytest.raises(ValueError, match="items must name all 3 items"):
        displays.RankingHeatMapDisplay.from_estimator(net, X, None, items=["a"])
    with pytest.raises(ValueError, match="kind must be one of"):
        displays.RankingHeatMapDisplay.from_estimator(net, X, None, kind="triples")
