"""Distributions of a transformed y, taken back to y's units by the change of variables."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain_regressor
from scipy import stats
from scipy.integrate import quad
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from sklnll import predict_dist
from sklnll.distributions import Cauchy, Gamma, Normal, Poisson, VonMises
from sklnll.predictive import (
    CircularPredictive,
    ContinuousPredictive,
    DiscretePredictive,
    TransformedPredictive,
    transformed,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LOC, SCALE = np.array([0.0, 1.0, -2.0]), np.array([1.0, 0.5, 0.1])
LEVELS = [1e-10, 0.01, 0.3, 0.5, 0.9, 0.999]
LOG = FunctionTransformer(np.log, np.exp)
LOG1P = FunctionTransformer(np.log1p, np.expm1)


def normal(loc=LOC, scale=SCALE):
    return ContinuousPredictive(Normal(), {"loc": loc, "scale": scale})


def positive_rows(n=300):
    return stats.lognorm(0.7).rvs((n, 1), random_state=0)


def exponential(z):
    """Not the function of numpy, which is recognized by nobody either."""
    return np.exp(-z)


def minus_log(y):
    return -np.log(y)


# name -> (transformer of z = f(y) with z normal, scipy's law of y)
LAWS = {
    "log": (LOG, stats.lognorm(SCALE, scale=np.exp(LOC))),
    "log1p": (LOG1P, stats.lognorm(SCALE, loc=-1, scale=np.exp(LOC))),
    "-log": (
        FunctionTransformer(minus_log, exponential),
        stats.lognorm(SCALE, scale=np.exp(-LOC)),
    ),
    "arcsinh": (
        FunctionTransformer(np.arcsinh, np.sinh),
        stats.johnsonsu(-LOC / SCALE, 1 / SCALE),
    ),
    "negative": (FunctionTransformer(np.negative, np.negative), stats.norm(-LOC, SCALE)),
}


@pytest.fixture(params=LAWS)
def both(request):
    """A predicted distribution, and scipy's of the same."""
    transformer, law = LAWS[request.param]
    return transformed(normal(), transformer), law


def test_methods_are_scipys(both):
    dist, law = both
    y = np.stack([law.ppf(level) for level in LEVELS[1:]])
    for k, row in enumerate(y):
        assert_allclose(dist.pdf(row), law.pdf(row), rtol=1e-10)
        assert_allclose(dist.log_prob(row), law.logpdf(row), rtol=1e-10, atol=1e-10)
        for method in ("cdf", "sf", "logcdf", "logsf"):
            assert_allclose(getattr(dist, method)(row), getattr(law, method)(row), rtol=1e-9)
        assert_allclose(dist.ppf(LEVELS[1:])[:, k], row, rtol=1e-9)
    assert_allclose(dist.isf(0.01), law.isf(0.01), rtol=1e-9)
    assert_allclose(dist.interval(0.8), np.stack(law.interval(0.8), axis=1), rtol=1e-9)


def test_moments_are_scipys(both):
    dist, law = both
    assert_allclose(dist.mean(), law.mean(), rtol=1e-9, atol=1e-15)
    assert_allclose(dist.var(), law.var(), rtol=1e-9)
    assert_allclose(dist.std(), law.std(), rtol=1e-9)
    assert_allclose(dist.entropy(), law.entropy(), rtol=1e-8)
    assert_allclose(dist.median(), law.median(), rtol=1e-12)


def test_the_mode_is_the_highest_point(both):
    dist, law = both
    best = dist.mode()
    for step in (-1e-3, 1e-3):
        assert (law.pdf(best) > law.pdf(best + step * law.std())).all()


def test_crps_is_its_definition(both):
    dist, law = both
    for y in (law.ppf(0.3), law.ppf(0.95)):
        low, high = law.ppf(1e-12), law.isf(1e-12)
        for i, crps in enumerate(dist.crps(y)):
            below = quad(lambda t, i=i: law.cdf(t)[i] ** 2, low[i], y[i], limit=200)[0]
            above = quad(lambda t, i=i: law.sf(t)[i] ** 2, y[i], high[i], limit=200)[0]
            assert_allclose(crps, below + above, rtol=1e-6)


def test_draws_follow_the_law():
    dist = transformed(normal(), LOG)
    draws = dist.rvs(4000, random_state=0)
    assert draws.shape == (3, 4000)
    for i in range(3):
        law = stats.lognorm(SCALE[i], scale=np.exp(LOC[i]))
        assert stats.kstest(draws[i], law.cdf).pvalue > 1e-3
    assert dist.rvs(random_state=0).shape == (3,)


def test_the_rules_of_broadcasting_are_those_of_all():
    dist, law = transformed(normal(), LOG), LAWS["log"][1]
    grid = np.array([[0.1], [1.0], [5.0], [9.0]])
    assert_allclose(dist.cdf(grid), law.cdf(grid), rtol=1e-12)
    assert_allclose(dist.pdf(grid), law.pdf(grid), rtol=1e-10)
    assert dist.ppf([0.1, 0.9]).shape == (3, 2)
    with pytest.raises(ValueError, match="y must have shape"):
        dist.pdf([1.0, 2.0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        dist.ppf(90)


def test_outside_the_support_there_is_nothing():
    dist = transformed(normal(), LOG)
    assert_array_equal(dist.log_prob(-1.0), np.full(3, -np.inf))
    assert_array_equal(dist.cdf([-1, 0, np.inf]), [0, 0, 1])
    assert np.isnan(dist.cdf(np.nan)).all()
    assert np.isnan(dist.log_prob(np.nan)).all()
    low, high = dist.support()
    assert (low == 0).all()
    assert (high == np.inf).all()
    assert_array_equal(dist.ppf([0, 1]), [[0, np.inf]] * 3)


def test_rows_can_be_taken_and_pickled():
    dist = transformed(normal(), LOG)
    assert len(dist) == 3
    assert_array_equal(dist[1:].median(), dist.median()[1:])
    assert_allclose(dist[-1].mean(), dist.mean()[-1:], rtol=1e-14)
    twin = pickle.loads(pickle.dumps(dist))
    assert_array_equal(twin.pdf(1.0), dist.pdf(1.0))
    assert_array_equal(dist.point("median"), dist.median())
    assert_array_equal(dist.point(), dist.mean())
    assert repr(dist).startswith("TransformedPredictive(ContinuousPredictive(Normal(), n_rows=3)")


def test_coverage_and_pit_are_uniform_where_right():
    dist = transformed(normal(np.zeros(2000), np.ones(2000)), LOG)
    y = stats.lognorm(1).rvs(2000, random_state=0)
    assert abs(dist.contains(y, 0.9).mean() - 0.9) < 0.02
    assert stats.kstest(dist.pit(y), "uniform").pvalue > 1e-3


# Stretches ---------------------------------------------------------------------------------------

SCALERS = [StandardScaler(), MinMaxScaler(), MaxAbsScaler(), RobustScaler()]


@pytest.mark.parametrize("scaler", SCALERS, ids=lambda s: type(s).__name__)
def test_a_stretched_family_is_itself(scaler):
    scaler.fit(positive_rows())
    dist = transformed(normal(), scaler)
    assert type(dist) is ContinuousPredictive
    zero, one = scaler.inverse_transform([[0.0], [1.0]]).ravel()
    assert_allclose(dist.params["loc"], zero + (one - zero) * LOC, rtol=1e-12)
    assert_allclose(dist.params["scale"], (one - zero) * SCALE, rtol=1e-12)


def test_a_positive_family_is_itself_where_only_its_unit_changes():
    params = {"shape": np.array([2.0, 3.0]), "scale": np.array([0.1, 0.2])}
    gamma = ContinuousPredictive(Gamma(), params)
    scaler = MaxAbsScaler().fit([[4.0]])
    dist = transformed(gamma, scaler)
    assert type(dist) is ContinuousPredictive
    assert_allclose(dist.params["scale"], 4 * params["scale"])
    shifted = transformed(gamma, StandardScaler().fit([[1.0], [5.0]]))
    assert isinstance(shifted, TransformedPredictive)
    law = stats.gamma(params["shape"], loc=3, scale=2 * params["scale"])
    for method in ("mean", "var", "std", "median", "entropy"):
        assert_allclose(getattr(shifted, method)(), getattr(law, method)(), rtol=1e-10)
    assert_allclose(shifted.pdf(4.0), law.pdf(4.0), rtol=1e-12)


def test_a_fixed_scale_is_not_moved():
    fixed = ContinuousPredictive(Normal(scale=1.0), {"loc": LOC, "scale": np.ones(3)})
    dist = transformed(fixed, StandardScaler().fit([[1.0], [5.0]]))
    assert_allclose(dist.pdf(3.0), stats.norm(3 + 2 * LOC, 2).pdf(3.0), rtol=1e-12)


def test_the_identity_changes_nothing():
    counts = DiscretePredictive(Poisson(), {"rate": np.array([1.0, 2.0])})
    assert transformed(counts, FunctionTransformer()) is counts


# What a transformer cannot take back -------------------------------------------------------------

BENT = [
    PowerTransformer(),
    PowerTransformer("box-cox"),
    QuantileTransformer(n_quantiles=100, output_distribution="normal"),
    QuantileTransformer(n_quantiles=100),
]


@pytest.mark.parametrize("transformer", BENT, ids=lambda t: str(t)[:40])
def test_fitted_transformers_keep_all_probability(transformer):
    y = positive_rows()
    z = transformer.fit_transform(y).ravel()
    z, scale = z[:20], np.full(20, 0.1 * z.std())
    dist = transformed(normal(z, scale), transformer)
    levels = np.linspace(0.001, 0.999, 2001)
    quantiles = dist.ppf(levels)
    assert (np.diff(quantiles) >= 0).all()
    # The integral of the density between two quantiles, where no end of the range is reached.
    area = np.array(
        [np.trapezoid(dist[i].pdf(q[:, None])[:, 0], q) for i, q in enumerate(quantiles)]
    )
    inside = (quantiles[:, 0] > y.min()) & (quantiles[:, -1] < y.max())
    assert inside.any()
    assert_allclose(area[inside], 0.998, atol=0.005)
    held = (quantiles > y.min()) & (quantiles < y.max())
    for i in range(20):
        assert_allclose(dist[i].cdf(quantiles[i][:, None])[held[i], 0], levels[held[i]], atol=1e-4)


def test_a_bound_of_the_transformed_y_takes_the_mean_away():
    transformer = PowerTransformer().fit(positive_rows())
    assert transformer.lambdas_[0] < 0
    dist = transformed(normal(np.zeros(1), np.ones(1)), transformer)
    assert_array_equal(dist.support()[1], [np.inf])
    assert_array_equal(dist.mean(), [np.inf])
    assert_array_equal(dist.var(), [np.inf])
    assert_allclose(dist.median(), transformer.inverse_transform([[0.0]])[0], rtol=1e-12)


def test_an_expectation_that_does_not_exist_is_infinite():
    cauchy = {"loc": np.zeros(1), "scale": np.ones(1)}
    assert_array_equal(transformed(ContinuousPredictive(Cauchy(), cauchy), LOG).mean(), [np.inf])


def test_beyond_the_training_range_probability_lies_at_its_end():
    y = positive_rows()
    transformer = QuantileTransformer(n_quantiles=100).fit(y)
    dist = transformed(normal(np.array([0.9]), np.array([0.1])), transformer)
    assert_array_equal(dist.cdf(y.max()), [1.0])
    assert_allclose(dist.sf(y.max() * (1 - 1e-9)), stats.norm.sf(1), rtol=1e-4)
    assert_array_equal(dist.ppf(0.95), [y.max()])
    assert dist.log_prob(2 * y.max()) == -np.inf


# Several outputs ---------------------------------------------------------------------------------


def test_outputs_are_transformed_column_by_column():
    loc, scale = np.stack([LOC, LOC + 1], axis=1), np.stack([SCALE, SCALE], axis=1)

    def to_y(z):
        return np.column_stack([np.exp(z[:, 0]), -z[:, 1]])

    def to_z(y):
        return np.column_stack([np.log(y[:, 0]), -y[:, 1]])

    dist = transformed(normal(loc, scale), FunctionTransformer(to_z, to_y))
    laws = stats.lognorm(SCALE, scale=np.exp(LOC)), stats.norm(-LOC - 1, SCALE)
    y = np.column_stack([law.ppf(0.3) for law in laws])
    assert dist.interval().shape == (3, 2, 2)
    assert dist.rvs(5, random_state=0).shape == (3, 2, 5)
    for j, law in enumerate(laws):
        assert_allclose(dist.ppf([0.1, 0.9])[:, j], np.stack([law.ppf(0.1), law.ppf(0.9)], 1))
        for method in ("cdf", "sf", "pdf"):
            assert_allclose(
                getattr(dist, method)(y)[:, j], getattr(law, method)(y[:, j]), rtol=1e-9
            )
        for method in ("mean", "var", "std"):
            assert_allclose(getattr(dist, method)()[:, j], getattr(law, method)(), rtol=1e-9)
    expected = sum(law.logpdf(y[:, j]) for j, law in enumerate(laws))
    assert_allclose(dist.log_prob(y), expected, rtol=1e-9)


# Refusals ----------------------------------------------------------------------------------------


def test_what_is_no_monotone_map_is_refused():
    square = FunctionTransformer(np.sqrt, np.square)
    with pytest.raises(ValueError, match=r"must be a monotone map.*Use such a transformer"):
        transformed(normal(), square)
    with pytest.raises(ValueError, match="must be a monotone map"):
        transformed(normal(), FunctionTransformer(np.exp, np.exp))
    far_from_zero = normal(np.array([5.0]), np.array([0.1]))
    law = stats.ncx2(1, 50.0**2, scale=0.01)
    assert_allclose(transformed(far_from_zero, square).cdf(24.0), law.cdf(24.0), rtol=1e-6)


def test_mixed_outputs_are_refused():
    pca = PCA(2).fit(np.random.default_rng(0).normal(size=(50, 2)) @ [[1, 2], [0, 1]])
    two = normal(np.stack([LOC, LOC], axis=1), np.stack([SCALE, SCALE], axis=1))
    with pytest.raises(ValueError, match="mixes the outputs of y"):
        transformed(two, pca)


@pytest.mark.parametrize(
    "dist",
    [
        DiscretePredictive(Poisson(), {"rate": np.array([1.0, 2.0])}),
        CircularPredictive(VonMises(), {"loc": np.zeros(2), "concentration": np.ones(2)}),
    ],
    ids=["counts", "angles"],
)
def test_counts_and_angles_are_refused(dist):
    with pytest.raises(TypeError, match="Fit y itself"):
        transformed(dist, StandardScaler().fit([[1.0], [5.0]]))


# Through TransformedTargetRegressor --------------------------------------------------------------


def test_a_network_of_log_y_is_log_normal(draw_rows):
    X, y = draw_rows("gamma")
    net = plain_regressor("normal", (4,), max_iter=5, random_state=0)
    model = TransformedTargetRegressor(net, func=np.log, inverse_func=np.exp).fit(X, y)
    dist = predict_dist(model, X)
    params = model.regressor_.predict_dist(X).params
    law = stats.lognorm(params["scale"], scale=np.exp(params["loc"]))
    assert_allclose(dist.log_prob(y), law.logpdf(y), rtol=1e-9)
    assert_allclose(dist.mean(), law.mean(), rtol=1e-9)
    # scikit-learn takes the predicted point back: the median of y, not its mean.
    assert_allclose(dist.median(), model.predict(X), rtol=1e-12)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (-1, 2)])
@pytest.mark.parametrize("family", ["normal", "student_t"])
def test_a_scaled_target_is_that_of_predict(family, shape, draw_rows):
    X, y = draw_rows(family)
    y = np.column_stack([y, 100 - 7 * y])[:, : abs(shape[-1])] if len(shape) > 1 else y
    net = plain_regressor(family, (4,), max_iter=5, random_state=0, n_estimators=2)
    model = TransformedTargetRegressor(net, transformer=StandardScaler()).fit(X, y)
    dist = predict_dist(model, X)
    assert type(dist) is ContinuousPredictive
    point = dist.point().reshape(len(X), -1)
    if family == "normal":
        assert_allclose(point, model.predict(X).reshape(len(X), -1), rtol=1e-12)
    inner, scaler = model.regressor_.predict_dist(X), model.transformer_
    jacobian = np.log(scaler.scale_).sum()
    z = scaler.transform(y.reshape(len(X), -1)).reshape(inner.shape)
    expected = inner.log_prob(z) - jacobian
    assert_allclose(dist.log_prob(y.reshape(inner.shape)), expected, rtol=1e-9)


def test_a_joint_distribution_is_stretched(draw_rows):
    X, Y = draw_rows("multivariate_normal")
    net = plain_regressor("multivariate_normal", (4,), max_iter=5, random_state=0, n_estimators=2)
    model = TransformedTargetRegressor(net, transformer=StandardScaler()).fit(X, Y)
    dist, inner = predict_dist(model, X), model.regressor_.predict_dist(X)
    scale = model.transformer_.scale_
    assert_allclose(dist.mean(), model.predict(X), rtol=1e-12)
    assert_allclose(dist.cov(), inner.cov() * np.outer(scale, scale), rtol=1e-9)
    model.set_params(transformer=PowerTransformer()).fit(X, Y)
    with pytest.raises(TypeError, match="joint densities of vectors by a positive stretch"):
        predict_dist(model, X)


def test_transformed_targets_can_be_nested(draw_rows):
    X, y = draw_rows("gamma")
    net = plain_regressor("normal", (4,), max_iter=5, random_state=0)
    inner = TransformedTargetRegressor(net, transformer=LOG1P)
    model = TransformedTargetRegressor(inner, transformer=MinMaxScaler((0.5, 2))).fit(X, y)
    dist = predict_dist(model, X)
    assert_allclose(dist.median(), model.predict(X), rtol=1e-12)
    values = dist[0].ppf(np.linspace(0.0005, 0.9995, 4001))[0]
    assert_allclose(np.trapezoid(dist[0].pdf(values[:, None])[:, 0], values), 0.999, rtol=1e-4)
    assert_allclose(
        dist[0].cdf(values[:, None])[:, 0], np.linspace(0.0005, 0.9995, 4001), rtol=1e-9
    )
