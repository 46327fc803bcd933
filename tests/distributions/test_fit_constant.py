import numpy as np
import pytest
import torch
from plain import marginal_raw
from scipy import optimize, special, stats

from sklnll._network.head import Head
from sklnll.distributions import (
    DISTRIBUTIONS,
    Bernoulli,
    Beta,
    Categorical,
    Exponential,
    Gamma,
    Laplace,
    Normal,
    Poisson,
    StudentT,
)

from .cases import CASES, FAMILIES, LABELS, LEARNED, NAMES, NUMBERS, make, make_head

# Every family with nothing fixed, and with each of its parameters fixed in turn.
PARTLY_FIXED = [
    pytest.param(name, {key: value}, id=f"{name}-{key}")
    for name in NUMBERS
    if name in CASES  # what lacks is named by test_registration.py
    for key, value in CASES[name].fixed.items()
]
FREE = [pytest.param(name, FAMILIES[name].fixed(), id=name) for name in NUMBERS]


def marginal_fit(distribution, y, weight=None, size=1):
    """Parameters of the fit without x, and their mean log-likelihood."""
    y, weight = np.asarray(y, float), np.ones(len(y)) if weight is None else weight
    fixed = {name: np.array([value]) for name, value in distribution.fixed().items()}
    head = Head(distribution, 1, size, fixed)
    raw, constant = map(torch.tensor, marginal_raw(head, y[:, None], weight))
    params = head.params(raw[None], constant)
    nll = head.nll(raw[None], constant, torch.tensor(y)[:, None]).numpy()
    values = {name: value.numpy().reshape(-1) for name, value in params.items()}
    values = {name: value.item() if len(value) == 1 else value for name, value in values.items()}
    return values, -np.average(nll, weights=weight)


def scipys_best(name, fixed, start):
    """The largest mean log-likelihood that a search finds from `start`, by scipy's densities."""
    case, free = CASES[name], [key for key in start if key not in fixed]
    ends = np.cumsum([np.size(start[key]) for key in free])[:-1]

    def named(values):
        pieces = (np.squeeze(piece) for piece in np.split(values, ends))
        return {**start, **dict(zip(free, pieces, strict=True))}

    def loss(values):
        frozen = case.scipy(**named(values))
        with np.errstate(all="ignore"):
            log_density = frozen.logpmf if hasattr(frozen, "logpmf") else frozen.logpdf
            value = -np.mean(log_density(case.sample))
        return value if np.isfinite(value) else 1e10

    values = np.concatenate([np.ravel(start[key]) for key in free]) * 1.05 + 0.01
    if len(values) <= 3:
        options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 5000}
        fit = optimize.minimize(loss, values, method="Nelder-Mead", options=options)
    else:  # a simplex stalls in many dimensions
        fit = optimize.minimize(loss, values, jac="3-point", options={"gtol": 1e-8})
    return -fit.fun, {key: value for key, value in named(fit.x).items() if key in free}


@pytest.mark.parametrize(("name", "fixed"), FREE + PARTLY_FIXED)
def test_fit_is_the_maximum_of_scipys_likelihood(name, fixed):
    params, log_likelihood = marginal_fit(make(name, **fixed), CASES[name].sample)
    best, at = scipys_best(name, fixed, params)
    assert log_likelihood == pytest.approx(best, abs=1e-10)
    for key, value in at.items():
        differences = np.mean if key == "logits" else np.zeros_like  # all that counts of logits
        # A maximum is flat: half the digits of the likelihood.
        np.testing.assert_allclose(params[key], value - differences(value), rtol=2e-5, atol=1e-6)
    for key, value in fixed.items():
        assert np.all(params[key] == value)


@pytest.mark.parametrize("name", NUMBERS)
def test_constant_parameters_are_fitted_as_predicted_ones(name):
    family, y = DISTRIBUTIONS[name](), CASES[name].sample
    predicted, best = marginal_fit(family, y)
    for key in LEARNED[name]:
        params, log_likelihood = marginal_fit(make(name, **{key: "constant"}), y)
        assert log_likelihood == pytest.approx(best, abs=1e-12)
        for name_, value in params.items():
            np.testing.assert_allclose(value, predicted[name_], rtol=1e-6)


def test_closed_forms():
    y = CASES["normal"].sample
    fit = marginal_fit(Normal(), y)[0]
    assert fit == pytest.approx({"loc": y.mean(), "scale": y.std()}, rel=1e-9)
    fit = marginal_fit(Normal(loc=2.0), y)[0]
    assert fit["scale"] == pytest.approx(np.sqrt(np.mean((y - 2) ** 2)), rel=1e-7)
    fit = marginal_fit(Laplace(), y)[0]  # an odd number of rows has one median
    deviation = np.abs(y - np.median(y)).mean()
    assert fit == pytest.approx({"loc": np.median(y), "scale": deviation}, rel=1e-6)
    y = CASES["exponential"].sample
    assert marginal_fit(Exponential(), y)[0]["scale"] == pytest.approx(y.mean(), rel=1e-9)
    y = CASES["gamma"].sample
    assert marginal_fit(Gamma(shape=2.0), y)[0]["scale"] == pytest.approx(y.mean() / 2, rel=1e-7)
    y = CASES["poisson"].sample
    assert marginal_fit(Poisson(), y)[0]["rate"] == pytest.approx(y.mean(), rel=1e-9)
    y = CASES["bernoulli"].sample
    fit = marginal_fit(Bernoulli(), y)[0]
    assert fit["logits"] == pytest.approx(special.logit(y.mean()), rel=1e-7)
    y = CASES["categorical"].sample
    share = special.softmax(marginal_fit(Categorical(), y, size=3)[0]["logits"])
    np.testing.assert_allclose(share, np.bincount(y.astype(int)) / len(y), rtol=1e-7)


def test_fit_is_that_of_scipys_fit_method():
    y = CASES["gamma"].sample
    shape, _, scale = stats.gamma.fit(y, floc=0)
    assert marginal_fit(Gamma(), y)[0] == pytest.approx({"shape": shape, "scale": scale}, rel=1e-6)
    y = CASES["beta"].sample
    a, b, *_ = stats.beta.fit(y, floc=0, fscale=1)
    expected = {"mean": a / (a + b), "precision": a + b}
    assert marginal_fit(Beta(), y)[0] == pytest.approx(expected, rel=1e-6)
    y = CASES["student_t"].sample
    df, loc, scale = stats.t.fit(y)
    # scipy stops its simplex at four digits.
    expected = {"df": df, "loc": loc, "scale": scale}
    assert marginal_fit(StudentT(), y)[0] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_integer_weights_are_repeated_rows(name):
    family, y, size = DISTRIBUTIONS[name](), CASES[name].sample, CASES[name].size
    counts = np.random.RandomState(3).randint(0, 4, len(y))
    weighted, weighted_best = marginal_fit(family, y, counts.astype(float), size)
    repeated, repeated_best = marginal_fit(family, np.repeat(y, counts, axis=0), size=size)
    assert weighted_best == pytest.approx(repeated_best, abs=1e-13)
    for key, value in weighted.items():
        np.testing.assert_allclose(value, repeated[key], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", NUMBERS)
def test_outputs_are_fitted_one_by_one(name):
    family, y = DISTRIBUTIONS[name](), CASES[name].sample
    other = y[::-1] ** 2
    both = make_head(family, n_outputs=2)
    raw, constant = marginal_raw(both, np.column_stack([y, other]), np.ones(len(y)))
    pieces = both.layout.pieces(raw[None], constant)
    one = make_head(family)
    for output, column in enumerate((y, other)):
        raw_alone, constant_alone = marginal_raw(one, column[:, None], np.ones(len(y)))
        for name, piece in one.layout.pieces(raw_alone[None], constant_alone).items():
            np.testing.assert_array_equal(pieces[name][:, output], piece[:, 0])


def test_everything_fixed_but_one_constant_needs_no_network_column():
    head = Head(Normal(loc="constant", scale=2.0), 1, 1, {"scale": np.array([2.0])})
    assert head.layout.n_predicted == 0
    raw, constant = marginal_raw(head, np.array([[1.0], [3.0]]), np.array([1.0, 3.0]))
    assert raw.shape == (0,)
    assert constant == pytest.approx([2.5])


@pytest.mark.parametrize("name", LABELS)
def test_label_without_rows_starts_finite(name):
    y = np.zeros(5)
    params, log_likelihood = marginal_fit(DISTRIBUTIONS[name](), y, size=CASES[name].size)
    assert all((np.abs(value) < 100).all() for value in params.values())
    assert log_likelihood == pytest.approx(0, abs=1e-6)
