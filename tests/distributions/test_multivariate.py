import mpmath as mp
import numpy as np
import pytest
import torch
from plain import marginal_raw
from scipy import optimize, special, stats

from sklnll._network.head import Head
from sklnll.distributions import Beta, Dirichlet, MultivariateNormal, Normal

from .cases import CASES, FAMILIES, VECTORS, rows, stacked, tensors
from .test_log_prob import exact

COV = np.array([[4.0, 1.0, 9.0], [1.0, 1.0, 5.0], [9.0, 5.0, 90.0]])


def two_shares(params):
    """Parameters of the beta distribution as those of Dirichlet's."""
    mean = np.column_stack([params["mean"], 1 - params["mean"]])
    return {"mean": mean, "precision": params["precision"]}


def by_row(params):
    for row in zip(*params.values(), strict=True):
        yield dict(zip(params, row, strict=True))


def both_kinds(name):
    return stacked(CASES[name].params, CASES[name].large)


def log_prob(family, y, params):
    return family.log_prob(torch.tensor(y), **tensors(params)).numpy()


# Against others -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VECTORS)
def test_frozen_is_scipys_distribution_of_each_row(name):
    y, params = CASES[name].pairs(CASES[name].params, far=False)
    scipys = [
        FAMILIES[name].frozen(**row).logpdf(v) for v, row in zip(y, by_row(params), strict=True)
    ]
    np.testing.assert_allclose(log_prob(FAMILIES[name], y, params), scipys, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", VECTORS)
def test_moments_are_scipys(name):
    family, params = FAMILIES[name], both_kinds(name)
    scipys = CASES[name].scipy(**params).rows
    marginal, of_marginal = family.marginals(**params)
    mean, var = (getattr(marginal.frozen(**of_marginal), m)() for m in ("mean", "var"))
    cov = family.cov(**params)
    for i, theirs in enumerate(scipys):
        their_mean = theirs.mean if name == "multivariate_normal" else theirs.mean()
        their_cov = theirs.cov if name == "multivariate_normal" else theirs.cov()
        their_cov = getattr(their_cov, "covariance", their_cov)
        np.testing.assert_allclose(mean[i], their_mean, rtol=1e-12)
        # Covariances near zero are sums of terms as large as the standard deviations' product.
        unit = np.sqrt(np.outer(np.diag(their_cov), np.diag(their_cov)))
        np.testing.assert_allclose(cov[i] / unit, their_cov / unit, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(var[i], np.diag(their_cov), rtol=1e-12)


@pytest.mark.parametrize("name", VECTORS)
def test_entropy_is_torchs(name):
    params = CASES[name].params
    torchs = CASES[name].torch(**tensors(params)).entropy()
    np.testing.assert_allclose(FAMILIES[name].entropy(**params), torchs, rtol=1e-10, atol=1e-12)


def test_entropy_of_dirichlet_is_exact_over_the_whole_domain():
    params = stacked(*(getattr(CASES["dirichlet"], k) for k in ("params", "extreme", "large")))

    def exactly(mean, precision):
        a = [mp.mpf(m) * mp.mpf(precision) for m in mean]
        log_beta = mp.fsum(mp.loggamma(v) for v in a) - mp.loggamma(precision)
        own = mp.fsum((v - 1) * mp.digamma(v) for v in a)
        return float(log_beta + (precision - len(a)) * mp.digamma(precision) - own)

    with mp.workdps(60):
        expected = [exactly(**row) for row in by_row(params)]
    np.testing.assert_allclose(Dirichlet().entropy(**params), expected, rtol=1e-11)


@pytest.mark.parametrize("name", VECTORS)
def test_draws_have_the_moments_and_marginals(name):
    family, params = FAMILIES[name], CASES[name].params
    draws = family.rvs(20_000, np.random.RandomState(0), **params)
    assert draws.shape == (3, 20_000, 3)
    marginal, of_marginal = family.marginals(**params)
    for i, row in enumerate(draws):
        frozen = [
            marginal.frozen(**{key: value[i, j] for key, value in of_marginal.items()})
            for j in range(3)
        ]
        assert min(stats.kstest(row[:, j], frozen[j].cdf).pvalue for j in range(3)) > 1e-3
        # A correlation's Monte-Carlo error is at most 1 / sqrt(n), here of a normal.
        unit = np.sqrt(np.diag(family.cov(**params)[i]))
        error = (np.cov(row.T) - family.cov(**params)[i]) / np.outer(unit, unit)
        assert np.abs(error).max() < 4.5 * 1.5 / np.sqrt(20_000)


def test_draws_of_tiny_precision_are_finite_shares():
    draws = Dirichlet().rvs(
        500, np.random.default_rng(0), **rows(mean=[[0.2, 0.8]], precision=[1e-6])
    )
    np.testing.assert_allclose(draws.sum(axis=-1), 1, rtol=1e-12)
    assert (draws[0, :, 1] > 0.5).mean() == pytest.approx(0.8, abs=4.5 * np.sqrt(0.16 / 500))


@pytest.mark.parametrize("name", VECTORS)
def test_mode_has_the_largest_density(name):
    params = both_kinds(name)
    params = {key: value[1:] for key, value in params.items()}  # the first has its mode on the edge
    mode = FAMILIES[name].mode(**params)
    at_mode = log_prob(FAMILIES[name], mode, params)
    draws = FAMILIES[name].rvs(500, np.random.RandomState(0), **params)
    for i, row in enumerate(by_row(params)):
        repeated = {key: np.repeat(value[None], 500, axis=0) for key, value in row.items()}
        assert (log_prob(FAMILIES[name], draws[i], repeated) <= at_mode[i] + 1e-9).all()


@pytest.mark.parametrize(
    ("a", "mode"),
    [
        ([3.0, 2.0, 2.0], [0.5, 0.25, 0.25]),
        ([3.0, 1.0, 2.0], [2 / 3, 0, 1 / 3]),
        ([3.0, 0.5, 2.0], [2 / 3, 0, 1 / 3]),
        ([1.0, 0.5, 0.5], [1, 0, 0]),
        ([0.2, 0.5, 0.3], [0, 1, 0]),
        ([1.0, 1.0, 1.0], [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_mode_of_dirichlet_lies_on_the_edge_where_a_parameter_is_small(a, mode):
    a = np.array(a)
    ours = Dirichlet().mode(mean=a[None] / a.sum(), precision=a.sum(keepdims=True))
    np.testing.assert_allclose(ours, [mode], rtol=1e-12, atol=1e-15)


def directions(key, row):
    """Ways to move a parameter, in units in which the log-density's slope is a pure number."""
    value = np.asarray(row[key])
    for index in np.ndindex(value.shape):
        step = np.zeros(value.shape)
        if key == "mean":  # shares move against each other
            step[index] += min(value[index], value[-1])
            step[-1] -= step.sum()
            yield step
        elif list(index) == sorted(index, reverse=True):  # not above a matrix's diagonal
            step[index] = row["scale_tril"][index * 2] if key == "loc" else value[index]
            yield step


def exact_slope(name, y, row, key, direction):
    """Of the log-density along the direction, by a central difference."""
    at, along = (np.array(exact(v), dtype=object) for v in (row[key], direction))
    others = {k: exact(v) for k, v in row.items()}
    sides = []
    for sign in (1, -1):
        moved = np.array(at + along * (sign * mp.mpf(10) ** -30), dtype=object).tolist()
        sides.append(CASES[name].log_density(exact(y), **{**others, key: moved}))
    return float((sides[0] - sides[1]) / (2 * mp.mpf(10) ** -30))


@pytest.mark.parametrize("name", VECTORS)
def test_gradient_is_exact_for_extreme_parameters(name):
    y, params = CASES[name].pairs(CASES[name].extreme, far=False)
    leaves = {key: value.requires_grad_() for key, value in tensors(params).items()}
    total = FAMILIES[name].log_prob(torch.tensor(y), **leaves).sum()
    gradients = dict(zip(leaves, torch.autograd.grad(total, list(leaves.values())), strict=True))
    with mp.workdps(250):
        for i, row in enumerate(by_row(params)):
            for key, gradient in gradients.items():
                for direction in directions(key, row):
                    expected = exact_slope(name, y[i], row, key, direction)
                    terms = gradient[i].numpy() * direction
                    # A sum of terms that cancel has the rounding of the largest.
                    atol = 1e-9 * max(1, np.abs(terms).max())
                    assert terms.sum() == pytest.approx(expected, rel=1e-8, abs=atol)


# Special cases ------------------------------------------------------------------------------------


def test_one_component_is_the_normal():
    y, params = CASES["normal"].pairs(CASES["normal"].params)
    vector = {"loc": params["loc"][:, None], "scale_tril": params["scale"][:, None, None]}
    ours = log_prob(MultivariateNormal(), y[:, None], vector)
    np.testing.assert_allclose(ours, log_prob(Normal(), y, params), rtol=1e-14)


def test_a_diagonal_factor_is_independent_normals():
    rng = np.random.RandomState(0)
    y, loc, scale = rng.normal(size=(3, 20, 4))
    vector = {"loc": loc, "scale_tril": np.exp(scale)[..., None] * np.eye(4)}
    apart = log_prob(Normal(), y, {"loc": loc, "scale": np.exp(scale)}).sum(axis=1)
    np.testing.assert_allclose(log_prob(MultivariateNormal(), y, vector), apart, rtol=1e-13)


@pytest.mark.parametrize("kind", ["params", "extreme", "large"])
def test_two_shares_are_the_beta(kind):
    case = CASES["beta"]
    y, params = case.pairs(getattr(case, kind))
    two = two_shares(params)
    ours = log_prob(Dirichlet(), np.column_stack([y, 1 - y]), two)
    # atol: a log-density near zero is a difference of numbers up to 1e3.
    np.testing.assert_allclose(ours, log_prob(Beta(), y, params), rtol=1e-11, atol=1e-11)


def test_moments_of_two_shares_are_the_betas():
    case = CASES["beta"]
    params = stacked(case.params, case.large)
    two = two_shares(params)
    frozen = Beta().frozen(**params)
    np.testing.assert_allclose(Dirichlet().cov(**two)[:, 0, 0], frozen.var(), rtol=1e-11)
    np.testing.assert_allclose(Dirichlet().cov(**two)[:, 0, 1], -frozen.var(), rtol=1e-11)
    np.testing.assert_allclose(Dirichlet().entropy(**two), frozen.entropy(), rtol=1e-8)
    for a, b in [(2, 3), (0.5, 0.5), (1, 1), (2, 0.5), (0.3, 0.7), (1, 2), (1, 0.2)]:
        mean, precision = np.array([a / (a + b)]), np.array([float(a + b)])
        mode = Dirichlet().mode(np.column_stack([mean, 1 - mean]), precision)[:, 0]
        np.testing.assert_allclose(mode, Beta().mode(mean, precision), atol=1e-15)


# The fit without x --------------------------------------------------------------------------------


def marginal_fit(family, y, weight=None):
    """Parameters of the fit without x, and their mean log-likelihood."""
    weight = np.ones(len(y)) if weight is None else weight
    fixed = {name: np.array([value]) for name, value in family.fixed().items()}
    head = Head(family, 1, y.shape[1], fixed)
    raw, constant = map(torch.tensor, marginal_raw(head, y[:, None], weight))
    params = {key: v.numpy()[0] for key, v in head.params(raw[None], constant).items()}
    nll = head.nll(raw[None], constant, torch.tensor(y)[:, None]).numpy()
    return {key: v[0] if v.ndim > 0 else v for key, v in params.items()}, -np.average(
        nll, weights=weight
    )


def test_marginal_fit_of_the_normal_is_mean_and_covariance():
    y = CASES["multivariate_normal"].sample
    weight = np.random.RandomState(0).uniform(0, 3, len(y))
    params, log_likelihood = marginal_fit(MultivariateNormal(), y, weight)
    cov = np.cov(y.T, aweights=weight, bias=True)
    np.testing.assert_allclose(params["loc"], np.average(y, axis=0, weights=weight), rtol=1e-12)
    np.testing.assert_allclose(params["scale_tril"], np.linalg.cholesky(cov), rtol=1e-11)
    oracle = stats.multivariate_normal(params["loc"], cov).logpdf(y)
    assert log_likelihood == pytest.approx(np.average(oracle, weights=weight), rel=1e-13)


@pytest.mark.parametrize("precision", [None, 6.0])
def test_marginal_fit_of_dirichlet_is_a_direct_maximisation(precision):
    y = CASES["dirichlet"].sample

    def parameters(theta):
        mean = special.softmax(theta[:3])
        return mean * (np.exp(theta[3]) if precision is None else precision)

    def loss(theta):
        return -stats.dirichlet.logpdf(y.T, parameters(theta)).mean()

    start = np.array([0.1, 0.5, -0.2, 2.0])
    oracle = optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-7})
    params, log_likelihood = marginal_fit(Dirichlet(precision=precision), y)
    assert log_likelihood == pytest.approx(-oracle.fun, abs=1e-10)
    ours = params["mean"] * params["precision"]
    np.testing.assert_allclose(ours, parameters(oracle.x), rtol=1e-5)


@pytest.mark.parametrize("name", VECTORS)
def test_constant_parameters_are_fitted_as_predicted_ones(name):
    family, y = FAMILIES[name], CASES[name].sample
    predicted, best = marginal_fit(family, y)
    for key in family.parameters:
        params, log_likelihood = marginal_fit(type(family)(**{key: "constant"}), y)
        assert log_likelihood == pytest.approx(best, abs=1e-12)
        for parameter, value in params.items():
            np.testing.assert_allclose(value, predicted[parameter], rtol=1e-6)


@pytest.mark.parametrize("size", [2, 3, 8])
@pytest.mark.parametrize("kind", ["equal columns", "few rows", "one row", "constant column"])
def test_singular_covariance_is_fitted_above_its_floor(kind, size):
    y = np.random.RandomState(0).normal(size=({"few rows": 2, "one row": 1}.get(kind, 50), size))
    if kind == "equal columns":
        y[:, -1] = y[:, 0]
    if kind == "constant column":
        y[:, 1] = 0.5
    params, log_likelihood = marginal_fit(MultivariateNormal(), y)
    assert np.isfinite(log_likelihood)
    assert (np.diag(params["scale_tril"]) >= 1e-4).all()
    covariance = params["scale_tril"] @ params["scale_tril"].T
    # To within the floor.
    np.testing.assert_allclose(params["loc"], y.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(covariance, np.cov(y.T, bias=True) if len(y) > 1 else 0, atol=1e-4)


def test_permuted_components_are_fitted_alike():
    for name in VECTORS:
        y, order = CASES[name].sample, [2, 0, 1]
        params, best = marginal_fit(FAMILIES[name], y)
        permuted, as_good = marginal_fit(FAMILIES[name], y[:, order])
        assert as_good == pytest.approx(best, rel=1e-11)
        cov, other = (
            FAMILIES[name].cov(**{k: v[None] for k, v in p.items()})[0] for p in (params, permuted)
        )
        np.testing.assert_allclose(other, cov[np.ix_(order, order)], rtol=1e-6)


# Conditional distributions ------------------------------------------------------------------------


@pytest.mark.parametrize("known", [[0], [1], [2], [2, 0], [1, 2], []])
@pytest.mark.parametrize("units", [[1.0, 1.0, 1.0], [1.0, 1e6, 1e-6]])
def test_conditional_normal_is_the_schur_complement(known, units):
    cov, loc = COV * np.outer(units, units), np.array([1.0, -2.0, 50.0]) * units
    rest = [j for j in range(3) if j not in known]
    value = np.array([[0.5, -1.0, 70.0]] * 2)[:, known] * np.array(units)[known]
    params = {
        "loc": np.tile(loc, (2, 1)),
        "scale_tril": np.tile(np.linalg.cholesky(cov), (2, 1, 1)),
    }
    ours = MultivariateNormal().condition(params, known, value)
    gain = cov[np.ix_(rest, known)] @ np.linalg.inv(cov[np.ix_(known, known)])
    expected = cov[np.ix_(rest, rest)] - gain @ cov[np.ix_(known, rest)]
    unit = np.array(units)[rest]
    shift = gain @ (value[0] - loc[known])
    np.testing.assert_allclose(ours["loc"][1] / unit, (loc[rest] + shift) / unit, rtol=1e-11)
    scaled = MultivariateNormal().cov(**ours)[1] / np.outer(unit, unit)
    np.testing.assert_allclose(scaled, expected / np.outer(unit, unit), rtol=1e-11)
    factor = ours["scale_tril"][1]
    assert (np.diag(factor) > 0).all()
    assert (np.triu(factor, 1) == 0).all()


def test_conditional_normal_is_what_draws_show():
    params = rows(loc=[[1.0, -2, 50]], scale_tril=[np.linalg.cholesky(COV)])
    draws = MultivariateNormal().rvs(400_000, np.random.default_rng(0), **params)[0]
    near = draws[np.abs(draws[:, 0] - 2.0) < 0.05][:, 1:]
    conditional = MultivariateNormal().condition(params, [0], np.array([[2.0]]))
    cov = MultivariateNormal().cov(**conditional)[0]
    error = np.sqrt(np.diag(cov) / len(near))
    assert len(near) > 5000
    assert (np.abs(near.mean(axis=0) - conditional["loc"][0]) < 4.5 * error).all()
    # The slice has a width of 0.1, which adds less than a thousandth to the variances.
    np.testing.assert_allclose(np.cov(near.T), cov, rtol=4.5 * np.sqrt(2 / len(near)))


def test_nearly_singular_covariance_keeps_its_digits_in_conditions():
    """With a correlation of 1 - 5e-17 the covariance matrix itself is singular to rounding."""
    params = rows(loc=[[0.0, 0.0]], scale_tril=[[[1.0, 0.0], [1.0, 1e-8]]])
    second = MultivariateNormal().condition(params, [0], np.array([[1.0]]))
    np.testing.assert_allclose(second["scale_tril"], 1e-8, rtol=1e-12)
    first = MultivariateNormal().condition(params, [1], np.array([[1.0]]))
    np.testing.assert_allclose(first["scale_tril"], 1e-8, rtol=1e-8)


def test_condition_is_named_where_it_is_missing():
    with pytest.raises(NotImplementedError, match="Dirichlet does not implement condition"):
        Dirichlet().condition({}, [0], np.ones((1, 1)))


# Targets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VECTORS)
def test_y_inside_the_support_is_accepted(name):
    FAMILIES[name].check_target(CASES[name].sample)
    FAMILIES[name].check_target(np.array(CASES[name].far))
    assert FAMILIES[name].contains(CASES[name].sample).all()


def test_shares_in_single_precision_are_accepted():
    y = CASES["dirichlet"].sample.astype(np.float32)
    Dirichlet().check_target(y.astype(float))
    Dirichlet().check_target(np.tile(np.round([1 / 3, 2 / 3, 1e-6], 6), (2, 1)))


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize(("value", "kind"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_rows_without_a_number_are_named(name, value, kind):
    y = CASES[name].sample.copy()
    y[17, 2] = value
    with pytest.raises(ValueError, match=f"must not contain {kind} for .* at row 17, column 2"):
        FAMILIES[name].check_target(y)


@pytest.mark.parametrize(
    ("name", "other"), [("multivariate_normal", "normal"), ("dirichlet", "beta")]
)
def test_one_dimensional_y_is_refused_with_advice(name, other):
    message = (
        rf"y must be 2-d for .*got shape \(81,\)\. Give a y of at least two columns.*'{other}'"
    )
    with pytest.raises(ValueError, match=message):
        FAMILIES[name].check_target(CASES[name].sample[:, 0])


@pytest.mark.parametrize("value", [0.0, -0.2])
def test_shares_that_are_not_positive_are_named(value):
    y = CASES["dirichlet"].sample.copy()
    y[5] = [value, 0.5, 0.5 - value]
    message = f"positive share of a whole .* found {value:g} at row 5, column 0 .* zeros inside"
    with pytest.raises(ValueError, match=message):
        Dirichlet().check_target(y)


def test_rows_that_do_not_sum_to_one_are_named():
    y = CASES["dirichlet"].sample.copy()
    y[[7, 9]] *= 100
    message = r"each row of y_val must sum to 1 .*row 7 is 100 \(2 of 81 rows .* divide each row"
    with pytest.raises(ValueError, match=message):
        Dirichlet().check_target(y, "y_val")


def test_one_share_alone_is_refused():
    with pytest.raises(ValueError, match="at least two columns"):
        Dirichlet().check_target(np.ones((5, 1)))
