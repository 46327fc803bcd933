"""Familiar losses and models are special cases of the likelihood."""

import numpy as np
import pytest
import statsmodels.api as sm
from distributions.cases import CASES
from plain import plain_classifier, plain_regressor
from scipy import special, stats
from scipy.optimize import brentq, linprog, minimize, minimize_scalar
from scipy.special import expit
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error

from sklnll.distributions import (
    DISTRIBUTIONS,
    Beta,
    Binomial,
    Cauchy,
    Exponential,
    Gamma,
    Gumbel,
    Hurdle,
    Laplace,
    Logistic,
    LogNormal,
    Mixture,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    VonMises,
    Weibull,
    ZeroInflated,
    ZeroOneInflated,
)

LINEAR = {
    "hidden_layer_sizes": (),
    "solver": "lbfgs",
    "alpha": 0,
    "tol": 1e-10,
    "max_iter": 5000,
}
HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)
brief = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def regression_rows(n=80, n_outputs=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) * [1, 5, 0.2]
    noise = rng.normal(size=(n, n_outputs or 1))
    y = 30 + X @ rng.normal(size=(3, n_outputs or 1)) + 2 * noise
    return X, (y if n_outputs else y[:, 0])


def class_rows(n=120, n_classes=2, seed=0):
    """Balanced labels that X does not separate."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    return rng.normal(size=(n, 3)) + 0.5 * y[:, None], y


# Least squares ------------------------------------------------------------------------------------


@brief
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize("hidden", [(), (5,)])
def test_unit_scale_loss_is_half_the_squared_error_and_a_constant(solver, hidden):
    X, y = regression_rows()
    net = plain_regressor(Normal(scale=1.0), hidden, solver=solver, max_iter=30, random_state=0)
    net.fit(X, y)
    half_squared_error = 0.5 * (y - net.predict(X)) ** 2
    loss = -net.predict_dist(X).log_prob(y)
    np.testing.assert_allclose(loss - half_squared_error, HALF_LOG_2PI, atol=1e-11)
    if solver == "lbfgs":  # its last loss is that of its last weights
        expected = 0.5 * mean_squared_error(y, net.predict(X)) + HALF_LOG_2PI
        assert net.loss_ == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n_outputs", [None, 2])
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_fixed_scale_linear_fit_is_linear_regression(scale, n_outputs):
    X, y = regression_rows(n_outputs=n_outputs)
    oracle = LinearRegression().fit(X, y)
    net = plain_regressor(Normal(scale=scale), **LINEAR).fit(X, y)
    np.testing.assert_allclose(net.predict(X), oracle.predict(X), rtol=1e-7)
    np.testing.assert_allclose(net.predict_dist(X).std(), np.full(y.shape, scale), rtol=1e-15)


@pytest.mark.parametrize("n_outputs", [None, 2])
@pytest.mark.parametrize("scale", [1.0, 3.0])
@pytest.mark.parametrize("alpha", [0.1, 20.0])
def test_fixed_scale_linear_fit_with_a_penalty_is_ridge(alpha, scale, n_outputs):
    X, y = regression_rows(n_outputs=n_outputs)
    oracle = Ridge(alpha=alpha, tol=1e-12).fit(X, y)
    net = plain_regressor(Normal(scale=scale), **{**LINEAR, "alpha": alpha}).fit(X, y)
    np.testing.assert_allclose(net.predict(X), oracle.predict(X), rtol=1e-6)


def test_weighted_fixed_scale_linear_fit_with_a_penalty_is_weighted_ridge():
    X, y = regression_rows()
    weight = np.random.default_rng(3).uniform(0, 4, len(y))
    oracle = Ridge(alpha=5.0, tol=1e-12).fit(X, y, sample_weight=weight)
    net = plain_regressor(Normal(scale=1.0), **{**LINEAR, "alpha": 5.0})
    net.fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(net.predict(X), oracle.predict(X), rtol=1e-6)


def test_constant_scale_linear_fit_is_least_squares_and_the_residual_deviation():
    X, y = regression_rows()
    oracle = LinearRegression().fit(X, y)
    net = plain_regressor(Normal(scale="constant"), **LINEAR).fit(X, y)
    dist = net.predict_dist(X)
    np.testing.assert_allclose(dist.mean(), oracle.predict(X), rtol=1e-7)
    residual_deviation = np.sqrt(mean_squared_error(y, oracle.predict(X)))
    np.testing.assert_allclose(dist.std(), residual_deviation, rtol=1e-7)
    expected = -stats.norm.logpdf(y, oracle.predict(X), residual_deviation).mean()
    assert net.loss_ == pytest.approx(expected, rel=1e-10)


# Least absolute deviations ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("scale", [1.0, "constant"])
def test_laplace_linear_fit_is_least_absolute_deviations(scale, seed):
    X, y = regression_rows(seed=seed)
    design = sm.add_constant(X)
    n, k = design.shape
    # Residuals as differences of two positive parts, whose sum is least.
    oracle = linprog(
        np.r_[np.zeros(k), np.ones(2 * n)],
        A_eq=np.hstack([design, np.eye(n), -np.eye(n)]),
        b_eq=y,
        bounds=[(None, None)] * k + [(0, None)] * (2 * n),
    )
    net = plain_regressor(Laplace(scale=scale), **LINEAR).fit(X, y)
    deviation = np.abs(y - net.predict(X)).sum()
    # The minimum lies in a kink, and a method for smooth functions stalls on the way there: the
    # sum of absolute deviations comes within two thousandths, from above.
    assert oracle.fun * (1 - 1e-12) <= deviation <= oracle.fun * 1.002


# Labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("distribution", "n_classes"), [("bernoulli", 2), ("categorical", 3), ("ordinal", 3)]
)
def test_label_loss_is_log_loss(distribution, n_classes, weighted):
    X, y = class_rows(n_classes=n_classes)
    weight = np.random.default_rng(1).uniform(0, 3, len(y)) if weighted else None
    net = plain_classifier(distribution, **LINEAR).fit(X, y, sample_weight=weight)
    expected = log_loss(y, net.predict_proba(X), sample_weight=weight)
    assert net.loss_ == pytest.approx(expected, rel=1e-12)


@brief
@pytest.mark.parametrize(
    ("distribution", "n_classes"),
    [("bernoulli", 2), ("categorical", 2), ("categorical", 3), ("categorical", 7), ("ordinal", 7)],
)
def test_an_untrained_classifier_starts_at_the_log_of_the_number_of_classes(
    distribution, n_classes
):
    X, y = class_rows(n=42 * n_classes, n_classes=n_classes)
    net = plain_classifier(distribution, max_iter=1, learning_rate_init=1e-12, random_state=0)
    net.fit(X, y)
    assert net.loss_curve_[0] == pytest.approx(np.log(n_classes), rel=1e-9)
    np.testing.assert_allclose(net.predict_proba(X), 1 / n_classes, rtol=1e-9)


@brief
def test_an_untrained_classifier_predicts_the_labels_shares():
    X, y = class_rows(n=100, n_classes=4)
    y[y == 3] = 0
    net = plain_classifier(max_iter=1, learning_rate_init=1e-12, random_state=0).fit(X, y)
    np.testing.assert_allclose(net.predict_proba(X[:1]), [[0.5, 0.25, 0.25]], rtol=1e-6)


def test_categorical_with_two_classes_is_bernoulli():
    X, y = class_rows()
    two = plain_classifier("categorical", **LINEAR).fit(X, y)
    one = plain_classifier("bernoulli", **LINEAR).fit(X, y)
    assert two.loss_ == pytest.approx(one.loss_, rel=1e-12)
    np.testing.assert_allclose(two.predict_proba(X), one.predict_proba(X), rtol=1e-7)
    np.testing.assert_allclose(two.decision_function(X), one.decision_function(X), atol=1e-7)


def test_a_sure_right_label_costs_nothing_and_a_sure_wrong_one_much_but_finitely():
    rng = np.random.default_rng(0)
    x = np.r_[rng.uniform(1, 2, 50), rng.uniform(-2, -1, 50)][:, None]
    y = (x[:, 0] > 0).astype(int)
    for distribution in ["bernoulli", "categorical"]:
        net = plain_classifier(distribution, **LINEAR).fit(x, y)
        far = np.array([[1e6], [-1e6]])
        np.testing.assert_array_equal(net.predict_dist(far).log_prob([1, 0]), [0, 0])
        wrong = net.predict_dist(far).log_prob([0, 1])
        assert np.isfinite(wrong).all()
        assert (wrong < -1e5).all()
        assert np.isfinite(net.predict_log_proba(far)).all()


# Without x ----------------------------------------------------------------------------------------


def _beta_fit(y):
    def loss(theta):
        return -stats.beta.logpdf(y, *np.exp(theta)).sum()

    a, b = np.exp(minimize(loss, np.zeros(2), tol=1e-10, method="Nelder-Mead").x)
    return {"mean": a / (a + b), "precision": a + b}


def _constants_of(family):
    return family(**dict.fromkeys(family().parameters, "constant"))


def _location_scale_fit(law):
    return lambda y: dict(zip(["loc", "scale"], law.fit(y), strict=True))


def _von_mises_fit(y):
    concentration, loc, _ = stats.vonmises.fit(y, fscale=1)
    return {"loc": loc, "concentration": concentration}


def _weibull_fit(y):
    shape, _, scale = stats.weibull_min.fit(y, floc=0)
    return {"shape": shape, "scale": scale}


def _negative_binomial_fit(y):
    """The mean is the sample's; the dispersion is found along a line."""

    def loss(log_dispersion):
        r = np.exp(-log_dispersion)
        return -stats.nbinom.logpmf(y, r, r / (r + y.mean())).sum()

    dispersion = np.exp(minimize_scalar(loss, (-5, 1), method="golden", tol=1e-10).x)
    return {"mean": y.mean(), "dispersion": dispersion}


def _gamma_fit(y):
    shape, _, scale = stats.gamma.fit(y, floc=0)
    return {"shape": shape, "scale": scale}


def _truncated_poisson_rate(mean):
    """The rate whose counts above 0 have this mean."""
    return brentq(lambda rate: rate / -np.expm1(-rate) - mean, 1e-9, 2 * mean)


def _zero_inflated_poisson_fit(y):
    # Where zeros are in excess, the maximum gives the zeros their share and the rest their mean.
    rate = _truncated_poisson_rate(y[y > 0].mean())
    inflation = 1 - np.mean(y > 0) / -np.expm1(-rate)
    assert inflation > 0
    return {"inflation": inflation, "rate": rate}


def _searched_fit(name):
    """The largest likelihood of the oracle that a simplex finds."""

    def params_of(raw):
        inflation, mean, dispersion = expit(raw[0]), *np.exp(raw[1:])
        return {"inflation": inflation, "mean": mean, "dispersion": dispersion}

    def fit(y):
        options = {"xatol": 1e-9, "fatol": 1e-11, "maxiter": 5000}
        start = [0.0, np.log(y[y > 0].mean()), -1.0]
        search = minimize(
            lambda raw: -log_likelihood(name, y, params_of(raw)).sum(),
            start,
            method="Nelder-Mead",
            bounds=[(-5, 5), (-3, 5), (-4, 2)],  # scipy's masses are wrong far outside
            options=options,
        )
        return params_of(search.x)

    return fit


def _mixture_fit(y):
    """The maximum that a search finds from components along y's quantiles."""

    def named(theta):
        logits, loc, log_scale = theta.reshape(3, 3)
        return {"logits": logits - logits.mean(), "loc": loc, "scale": np.exp(log_scale)}

    def loss(theta):
        params = named(theta)
        each = stats.norm.logpdf(y[:, None], params["loc"], params["scale"])
        weight = special.softmax(params["logits"])
        return -special.logsumexp(each, b=weight, axis=1).mean()

    parts = np.array_split(np.sort(y), 3)
    start = [[0, part.mean(), np.log(part.std())] for part in parts]
    return named(minimize(loss, np.ravel(np.transpose(start)), tol=1e-9).x)


# Families with a fit of somebody else's; test_fit_constant.py compares all with scipy's likelihood.
MARGINAL_FITS = {
    "normal": (
        Normal(loc="constant", scale="constant"),
        lambda y: {"loc": y.mean(), "scale": y.std()},
    ),
    "laplace": (
        Laplace(loc="constant", scale="constant"),
        lambda y: {"loc": np.median(y), "scale": np.abs(y - np.median(y)).mean()},
    ),
    "student_t": (
        StudentT(df="constant", loc="constant", scale="constant"),
        lambda y: dict(zip(["df", "loc", "scale"], stats.t.fit(y), strict=True)),
    ),
    "cauchy": (_constants_of(Cauchy), _location_scale_fit(stats.cauchy)),
    "logistic": (_constants_of(Logistic), _location_scale_fit(stats.logistic)),
    "gumbel": (_constants_of(Gumbel), _location_scale_fit(stats.gumbel_r)),
    "normal_mixture": (Mixture(Normal("constant", "constant"), 3, "constant"), _mixture_fit),
    "exponential": (Exponential(scale="constant"), lambda y: {"scale": y.mean()}),
    "log_normal": (
        _constants_of(LogNormal),
        lambda y: {"sigma": np.log(y).std(), "scale": np.exp(np.log(y).mean())},
    ),
    "weibull": (_constants_of(Weibull), _weibull_fit),
    "gamma": (Gamma(shape="constant", scale="constant"), _gamma_fit),
    "beta": (Beta(mean="constant", precision="constant"), _beta_fit),
    "von_mises": (_constants_of(VonMises), _von_mises_fit),
    "poisson": (Poisson(rate="constant"), lambda y: {"rate": y.mean()}),
    "negative_binomial": (_constants_of(NegativeBinomial), _negative_binomial_fit),
    "binomial": (Binomial(p="constant"), lambda y: {"trials": 1.0, "p": y.mean()}),
    "zero_inflated_poisson": (
        ZeroInflated(Poisson(rate="constant"), inflation="constant"),
        _zero_inflated_poisson_fit,
    ),
    "hurdle_poisson": (
        Hurdle(Poisson(rate="constant"), inflation="constant"),
        lambda y: {"inflation": np.mean(y == 0), "rate": _truncated_poisson_rate(y[y > 0].mean())},
    ),
    "zero_inflated_negative_binomial": (
        ZeroInflated(_constants_of(NegativeBinomial), inflation="constant"),
        _searched_fit("zero_inflated_negative_binomial"),
    ),
    "hurdle_negative_binomial": (
        Hurdle(_constants_of(NegativeBinomial), inflation="constant"),
        _searched_fit("hurdle_negative_binomial"),
    ),
    "zero_adjusted_gamma": (
        ZeroInflated(_constants_of(Gamma), inflation="constant"),
        lambda y: {"inflation": np.mean(y == 0), **_gamma_fit(y[y > 0])},
    ),
    "zero_one_inflated_beta": (
        ZeroOneInflated(_constants_of(Beta), inflation="constant", share_of_ones="constant"),
        lambda y: {
            "inflation": np.isin(y, [0, 1]).mean(),
            "share_of_ones": np.mean(y == 1) / np.isin(y, [0, 1]).mean(),
            **_beta_fit(y[(y > 0) & (y < 1)]),
        },
    ),
}


def log_likelihood(name, y, params):
    """Of each row, by the oracle's density or mass."""
    frozen = CASES[name].scipy(**params)
    return frozen.logpmf(y) if hasattr(frozen, "logpmf") else frozen.logpdf(y)


@pytest.mark.parametrize("name", MARGINAL_FITS)
def test_constant_parameters_are_the_marginal_fit(name, draw_rows):
    distribution, marginal = MARGINAL_FITS[name]
    X, y = draw_rows(name, n=200)
    params = (
        plain_regressor(distribution, solver="lbfgs", tol=1e-9).fit(X, y).predict_dist(X).params
    )
    for parameter, value in marginal(y).items():
        # scipy's searches stop at relative changes of 1e-4 in x.
        value = np.broadcast_to(value, params[parameter].shape)
        np.testing.assert_allclose(params[parameter], value, rtol=1e-3)
    expected = log_likelihood(name, y, marginal(y)).sum()
    ours = log_likelihood(name, y, {k: v[0] for k, v in params.items()}).sum()
    assert ours >= expected - 1e-6 * abs(expected)


@brief
@pytest.mark.parametrize("name", MARGINAL_FITS)
def test_training_starts_at_the_marginal_fit(name, draw_rows, make_net):
    X, y = draw_rows(name, n=200)
    net = make_net(name, max_iter=1, learning_rate_init=1e-12).fit(X, y)
    expected = -log_likelihood(name, y, MARGINAL_FITS[name][1](y)).mean()
    # As above: scipy's own fits are that far from the maximum.
    assert net.loss_curve_[0] == pytest.approx(expected, abs=1e-6)


# Several outputs ----------------------------------------------------------------------------------


# Laplace's optimum lies in a kink; a mixture has many.
@pytest.mark.parametrize(
    "name", sorted(MARGINAL_FITS.keys() - {"laplace", "von_mises", "normal_mixture"})
)
def test_several_outputs_are_several_fits(name, draw_rows, make_net):
    (X, first), (_, second) = (draw_rows(name, n=100, seed=seed) for seed in [0, 1])
    params = {**LINEAR, "alpha": 0.1}
    together = make_net(name, **params).fit(X, np.column_stack([first, second]))
    loss = 0.0
    for j, y in enumerate([first, second]):
        alone = make_net(name, **params).fit(X, y)
        loss += alone.loss_
        np.testing.assert_allclose(
            together.predict_dist(X).mean()[:, j], alone.predict_dist(X).mean(), rtol=1e-4
        )
    # Searches end where rounding hides the fall of the loss: over other seeds, up to 4e-8 apart.
    assert together.loss_ == pytest.approx(loss, rel=1e-6)


# Units of y ---------------------------------------------------------------------------------------

CHANGES = {
    "affine": [(1000.0, 0.0), (-3.0, 0.0), (1.0, 1e3), (-0.01, 7.0), (1e-200, 0.0), (1e200, 0.0)],
    "ratio": [(1000.0, 0.0), (1e-3, 0.0), (1e-200, 0.0), (1e200, 0.0)],
}
SKEW = {"gumbel"}  # turned around, y has another law
CHANGES_BY_NAME = [
    pytest.param(name, *change, id=f"{name}-{change[0]:g}-{change[1]:g}")
    for name, family in DISTRIBUTIONS.items()
    for change in CHANGES.get(family().support.units, [])
    if change[0] > 0 or name not in SKEW
]


def moved(params, a, b):
    """Parameters of a * y + b; -y counts the components of a mixture from the other end."""
    move = {"loc": lambda loc: a * loc + b, "scale": lambda scale: abs(a) * scale}
    move["scale_tril"] = move["scale"]
    params = {name: move.get(name, lambda value: value)(value) for name, value in params.items()}
    turn = a < 0 and "logits" in params
    return {name: value[..., ::-1] for name, value in params.items()} if turn else params


@brief
@pytest.mark.parametrize(("name", "a", "b"), CHANGES_BY_NAME)
def test_a_change_of_units_moves_the_predicted_distribution(name, a, b, draw_rows, make_net):
    X, y = draw_rows(name)
    net, other = (make_net(name, (20,), max_iter=50).fit(X, target) for target in [y, a * y + b])
    expected = moved(net.predict_dist(X).params, a, b)
    # y is only known to its own rounding: a shift of 1e3 costs it three digits of sixteen, and 50
    # steps of training spread what is lost.
    for parameter, value in other.predict_dist(X).params.items():
        np.testing.assert_allclose(value, expected[parameter], rtol=1e-9)
    columns = y.shape[1] if y.ndim == 2 else 1
    shift = np.log(abs(a)) * columns * net.distribution_.is_density(y).mean()
    np.testing.assert_allclose(other.loss_curve_, np.add(net.loss_curve_, shift), atol=1e-9)


@brief
@pytest.mark.parametrize("exponent", [-900, -10, 30, 900])
@pytest.mark.parametrize(
    "name", [name for name, family in DISTRIBUTIONS.items() if family().support.units in CHANGES]
)
def test_a_change_of_units_by_a_power_of_two_is_exact(name, exponent, draw_rows, make_net):
    X, y = draw_rows(name)
    a = 2.0**exponent
    net, other = (make_net(name, (20,), max_iter=50).fit(X, target) for target in [y, a * y])
    expected = moved(net.predict_dist(X).params, a, 0.0)
    for parameter, value in other.predict_dist(X).params.items():
        np.testing.assert_array_equal(value, expected[parameter])


def test_fixed_parameters_move_with_units():
    X, y = regression_rows()
    net = plain_regressor(Normal(scale=2.0), **LINEAR).fit(X, y)
    other = plain_regressor(Normal(scale=2000.0), **LINEAR).fit(X, 1000 * y)
    np.testing.assert_allclose(other.predict(X), 1000 * net.predict(X), rtol=1e-8)
    assert other.loss_ == pytest.approx(net.loss_ + np.log(1000), rel=1e-12)
