"""Entropies and divergences are scipy's, torch's and the textbooks', of labels and of numbers."""

from itertools import product

import numpy as np
import pytest
import torch
from distributions.cases import CASES, NUMBERS, tensors
from numpy.testing import assert_allclose
from scipy import special, stats
from sklearn import metrics as sklearn_metrics
from sklearn.preprocessing import FunctionTransformer
from torch.distributions import kl

from sklnll import metrics
from sklnll._numerics.line import Line
from sklnll.distributions import (
    DISTRIBUTIONS,
    Bernoulli,
    Categorical,
    NegativeBinomial,
    Normal,
    PlackettLuce,
    Poisson,
    StudentT,
    Truncated,
    ZeroInflated,
)
from sklnll.predictive import (
    IndicatorPredictive,
    LabelPredictive,
    average,
    predictive,
    transformed,
)

rng = np.random.default_rng(0)
BASES = [np.e, 2, 10]

# Probabilities -----------------------------------------------------------------------------------

P, Q = rng.dirichlet(np.ones(4), size=(2, 10))


@pytest.mark.parametrize("base", BASES)
def test_information_is_scipys(base):
    assert_allclose(metrics.entropy(P, base=base), stats.entropy(P, base=base, axis=1))
    divergence = stats.entropy(P, Q, base=base, axis=1)
    assert_allclose(metrics.kl_divergence(P, Q, base=base), divergence)
    together = metrics.entropy(P, base=base) + metrics.kl_divergence(P, Q, base=base)
    assert_allclose(metrics.cross_entropy(P, Q, base=base), together, rtol=1e-12)


ANIMALS = ["mouse", "cat", "dog"]


@pytest.mark.parametrize(
    ("animal", "predicted", "loss"),
    [
        ("mouse", [0.8, 0.15, 0.05], -np.log10(0.8)),
        ("cat", [0.8, 0.15, 0.05], -np.log10(0.15)),
        ("dog", [0.8, 0.15, 0.05], -np.log10(0.05)),
        ("cat", [0.6, 0.1, 0.3], 1.0),
        ("mouse", [0.01, 0.99, 0.0], 2.0),
        ("dog", [0.0, 0.0, 1.0], 0.0),
        ("dog", [0.01, 0.99, 0.0], np.inf),
    ],
)
def test_in_base_10_the_loss_counts_the_zeros_of_the_probability(animal, predicted, loss):
    one_hot = np.eye(3)[ANIMALS.index(animal)]
    assert metrics.cross_entropy(one_hot, predicted, base=10) == pytest.approx(loss, rel=1e-14)
    assert metrics.kl_divergence(one_hot, predicted, base=10) == pytest.approx(loss, rel=1e-14)


def test_cross_entropy_with_observed_labels_is_their_log_loss():
    places = rng.integers(4, size=10)
    losses = metrics.cross_entropy(np.eye(4)[places], Q)
    dist = LabelPredictive(Categorical(), {"logits": np.log(Q)}, np.arange(4))
    assert_allclose(metrics.negative_log_likelihood(places, dist, per_row=True), losses)
    expected = sklearn_metrics.log_loss(places, Q, labels=np.arange(4))
    assert losses.mean() == pytest.approx(expected, rel=1e-12)


def test_impossible_events_cost_nothing_and_excluded_ones_everything():
    certain = [1.0, 0.0]
    assert metrics.entropy(certain) == 0
    assert metrics.cross_entropy(certain, certain) == 0
    assert metrics.cross_entropy([0.5, 0.5], certain) == np.inf
    assert metrics.kl_divergence([0.5, 0.5], certain) == np.inf


@pytest.mark.parametrize("p", [[0.5, 0.6], [-0.1, 1.1], [np.nan, 1.0]])
def test_what_is_no_distribution_is_refused(p):
    with pytest.raises(ValueError, match="q must hold rows of probabilities"):
        metrics.cross_entropy([0.5, 0.5], p)


# Labels ------------------------------------------------------------------------------------------

NAMES = np.array(["ant", "bee", "cat", "dog"])


@pytest.mark.parametrize("base", BASES)
def test_predicted_labels_are_rows_of_probabilities(base):
    order = [2, 0, 3, 1]
    p = LabelPredictive(Categorical(), {"logits": np.log(P)}, NAMES)
    q = LabelPredictive(Categorical(), {"logits": np.log(Q[:, order])}, NAMES[order])
    for name in ("cross_entropy", "kl_divergence"):
        metric = getattr(metrics, name)
        assert_allclose(metric(p, q, base=base), metric(P, Q, base=base), rtol=1e-12)
    assert_allclose(metrics.entropy(p, base=base), metrics.entropy(P, base=base), rtol=1e-12)


def test_predicted_indicators_are_torchs_bernoulli():
    logits = rng.normal(size=(2, 10, 3))
    p, q = (IndicatorPredictive(Bernoulli(), {"logits": v}, np.arange(3)) for v in logits)
    of_torch = [torch.distributions.Bernoulli(logits=torch.tensor(v)) for v in logits]
    expected = kl.kl_divergence(*of_torch).sum(dim=1).numpy()
    assert_allclose(metrics.kl_divergence(p, q), expected, rtol=1e-12)
    assert_allclose(metrics.cross_entropy(p, q), p.entropy() + expected, rtol=1e-12)


# Numbers -----------------------------------------------------------------------------------------

N = 30


def between(low, high):
    return np.exp(rng.uniform(np.log(low), np.log(high), N))


PARAMS = {
    "normal": lambda: {"loc": rng.normal(0, 5, N), "scale": between(0.05, 20)},
    "laplace": lambda: {"loc": rng.normal(0, 5, N), "scale": between(0.05, 20)},
    "gumbel": lambda: {"loc": rng.normal(0, 2, N), "scale": between(0.5, 5)},
    "cauchy": lambda: {"loc": rng.normal(0, 5, N), "scale": between(0.05, 20)},
    "exponential": lambda: {"scale": between(0.01, 100)},
    "gamma": lambda: {"shape": between(0.01, 100), "scale": between(0.1, 10)},
    "log_normal": lambda: {"sigma": between(0.1, 4), "scale": between(0.1, 10)},
    "beta": lambda: {"mean": rng.uniform(0.1, 0.9, N), "precision": between(2, 200)},
    "poisson": lambda: {"rate": between(0.01, 1e6)},
}
"""Of the families whose divergences torch knows: wide and narrow, near and far apart."""


def of_torch(*dists):
    try:
        return kl.kl_divergence(*dists).numpy()
    except NotImplementedError:
        return None


def torch_pairs():
    """Names of two families, two predictions of them, and the divergence by torch."""
    for first, second in product(PARAMS, PARAMS):
        params = PARAMS[first](), PARAMS[second]()
        if (first == "poisson") != (second == "poisson"):
            continue
        pair = zip((first, second), params, strict=True)
        expected = of_torch(*(CASES[name].torch(**tensors(values)) for name, values in pair))
        if expected is not None:
            yield pytest.param(first, second, *params, expected, id=f"{first}-{second}")


@pytest.mark.parametrize(("first", "second", "p", "q", "expected"), list(torch_pairs()))
def test_divergence_is_torchs(first, second, p, q, expected):
    p, q = predictive(DISTRIBUTIONS[first](), p), predictive(DISTRIBUTIONS[second](), q)
    found = metrics.kl_divergence(p, q)
    is_known = expected < 1e100  # beyond, the loss is larger than floats where it counts
    assert_allclose(found[is_known], expected[is_known], rtol=1e-8, atol=1e-11)
    assert (found[~is_known] == np.inf).all()
    together = p.entropy() + found
    assert_allclose(metrics.cross_entropy(p, q), together, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", NUMBERS)
def test_cross_entropy_is_entropy_and_divergence(name):
    """Of a family's rows against the same in reverse, and against themselves."""
    p = predictive(DISTRIBUTIONS[name](), CASES[name].params)
    q = p[::-1]
    for base in BASES:
        together = metrics.entropy(p, base=base) + metrics.kl_divergence(p, q, base=base)
        assert_allclose(metrics.cross_entropy(p, q, base=base), together, rtol=1e-9, atol=1e-9)
    assert_allclose(metrics.cross_entropy(p, p), p.entropy(), rtol=1e-9, atol=1e-9)
    assert_allclose(metrics.kl_divergence(p, p), 0, atol=1e-12)


@pytest.mark.parametrize("name", NUMBERS)
def test_divergence_is_the_gain_of_ensembles(name):
    """Jensen and Shannon: entropy of the average less the average of entropies."""
    p = predictive(DISTRIBUTIONS[name](), CASES[name].params)
    q = p[::-1]
    both = average([p, q])
    gain = metrics.cross_entropy(both, both) - (p.entropy() + q.entropy()) / 2
    divergences = metrics.kl_divergence(p, both) + metrics.kl_divergence(q, both)
    assert_allclose(divergences / 2, gain, rtol=1e-9, atol=1e-9)


def test_divergence_of_angles_is_the_closed_form():
    """log(I0(k) / I0(concentration)) + A * (concentration - k * cos(away)), A = I1 / I0."""
    loc, concentration = rng.uniform(-3, 3, (2, N)), np.array([between(0.1, 50), between(0.1, 50)])
    p, q = (
        predictive(DISTRIBUTIONS["von_mises"](), {"loc": a, "concentration": c})
        for a, c in zip(loc, concentration, strict=True)
    )
    away, (first, second) = loc[1] - loc[0], concentration
    length = special.i1e(first) / special.i0e(first)
    expected = np.log(special.i0e(second) / special.i0e(first)) + second - first
    expected += length * (first - second * np.cos(away))
    assert_allclose(metrics.kl_divergence(p, q), expected, rtol=1e-9, atol=1e-9)


def test_divergence_does_not_depend_on_units():
    p = predictive(Normal(), {"loc": rng.normal(size=N), "scale": between(0.1, 2)})
    q = predictive(StudentT(), {"df": np.full(N, 4.0), "loc": np.zeros(N), "scale": np.ones(N)})
    in_units = [transformed(dist, FunctionTransformer(np.log, np.exp)) for dist in (p, q)]
    expected = metrics.kl_divergence(p, q)
    assert_allclose(metrics.kl_divergence(*in_units), expected, rtol=1e-9)
    falling = FunctionTransformer(lambda y: -np.log(-y), lambda z: -np.exp(-z))
    in_units = [transformed(dist, falling) for dist in (p, q)]
    assert_allclose(metrics.kl_divergence(*in_units), expected, rtol=1e-9)


def test_outputs_are_summed():
    params = [{"loc": rng.normal(size=N), "scale": between(0.1, 2)} for _ in range(4)]
    first, second, third, fourth = (predictive(Normal(), each) for each in params)
    p, q = (
        predictive(Normal(), {key: np.column_stack([a[key], b[key]]) for key in a})
        for a, b in (params[:2], params[2:])
    )
    for name in ("cross_entropy", "kl_divergence"):
        metric = getattr(metrics, name)
        assert_allclose(metric(p, q), metric(first, third) + metric(second, fourth), rtol=1e-12)
    assert_allclose(metrics.entropy(p), first.entropy() + second.entropy(), rtol=1e-12)


def test_divergence_from_the_whole_is_minus_the_log_of_the_share():
    whole = predictive(Normal(), {"loc": np.zeros(3), "scale": np.array([0.5, 1.0, 10.0])})
    limits = {"low": np.full(3, -1.0), "high": np.full(3, 2.0)}
    part = predictive(Truncated(Normal(), -1.0, 2.0), {**limits, **whole.params})
    share = whole.cdf(2.0) - whole.cdf(-1.0)
    assert_allclose(metrics.kl_divergence(part, whole), -np.log(share), rtol=1e-10)
    assert (metrics.kl_divergence(whole, part) == np.inf).all()


def test_tails_so_heavy_that_there_is_no_variance_cost_a_normal_everything():
    df = np.array([1.0, 2.0, 2.1, 2.5, 10.0])
    p = predictive(StudentT(), {"df": df, "loc": np.zeros(5), "scale": np.ones(5)})
    q = predictive(Normal(), {"loc": np.zeros(5), "scale": np.ones(5)})
    variance = np.where(df > 2, df / np.maximum(df - 2, 1e-300), np.inf)
    expected = np.log(2 * np.pi) / 2 + variance / 2
    assert_allclose(metrics.cross_entropy(p, q), expected, rtol=1e-8)


@pytest.mark.parametrize("mean", [3.0, 1e3, 1e5])
def test_divergence_of_counts_is_a_sum(mean):
    dispersion = 0.01
    p = predictive(
        NegativeBinomial(), {"mean": np.array([mean]), "dispersion": np.array([dispersion])}
    )
    q = predictive(Poisson(), {"rate": np.array([mean])})
    counts = np.arange(0, mean + 60 * np.sqrt(mean + dispersion * mean**2) + 50)
    r = 1 / dispersion
    first, second = stats.nbinom(r, r / (r + mean)), stats.poisson(mean)
    expected = (first.pmf(counts) * (first.logpmf(counts) - second.logpmf(counts))).sum()
    # Scipy's mass of large counts has ten digits.
    assert_allclose(metrics.kl_divergence(p, q), expected, rtol=1e-8)


def test_a_probability_where_q_has_a_density_costs_everything():
    gamma = {"shape": np.array([2.0]), "scale": np.array([3.0])}
    p = predictive(ZeroInflated(DISTRIBUTIONS["gamma"]()), {"inflation": np.array([0.1]), **gamma})
    q = predictive(DISTRIBUTIONS["gamma"](), gamma)
    assert metrics.kl_divergence(p, q) == np.inf
    assert_allclose(metrics.kl_divergence(q, p), -np.log(0.9), rtol=1e-10)


# What is refused ---------------------------------------------------------------------------------

ONE = predictive(Normal(), {"loc": np.zeros(10), "scale": np.ones(10)})
OTHERS = {
    "other rows": ONE[:3],
    "counts": predictive(Poisson(), {"rate": np.ones(10)}),
    "angles": predictive(
        DISTRIBUTIONS["von_mises"](), {"loc": np.zeros(10), "concentration": np.ones(10)}
    ),
    "labels": LabelPredictive(Categorical(), {"logits": np.log(P)}, NAMES),
    "two outputs": predictive(Normal(), {"loc": np.zeros((10, 2)), "scale": np.ones((10, 2))}),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("metric", [metrics.cross_entropy, metrics.kl_divergence])
def test_predictions_of_other_kinds_are_refused(metric, other):
    for pair in ((ONE, other), (other, ONE)):
        with pytest.raises(ValueError, match="same rows of the same kind of y; got"):
            metric(*pair)


def test_points_and_rankings_have_no_divergence():
    rankings = predictive(PlackettLuce(), {"scores": P})
    for pair in ((ONE, np.zeros(10)), (P, ONE), (rankings, rankings)):
        with pytest.raises(TypeError, match="of numbers or labels"):
            metrics.kl_divergence(*pair)


def test_a_label_that_q_does_not_know_is_named():
    p = LabelPredictive(Categorical(), {"logits": np.log(P)}, NAMES)
    q = LabelPredictive(Categorical(), {"logits": np.log(Q)}, NAMES[[0, 1, 2, 2]])
    with pytest.raises(ValueError, match="'dog'"):
        metrics.kl_divergence(p, q)


# The line that integrals run over ----------------------------------------------------------------

ENDS = [(-1.0, 3.0), (-1.0, np.inf), (-np.inf, 3.0), (-np.inf, np.inf)]
LINES = [*ENDS, np.transpose(ENDS)]


@pytest.mark.parametrize("ends", LINES, ids=["both", "lower", "upper", "none", "one a row"])
def test_a_line_leads_back_and_its_slope_is_the_derivative(ends):
    line = Line(*map(np.asarray, ends), np.full(4, 0.5), np.full(4, 2.0))
    y = np.array([[-0.9], [0.5], [2.8]]) * np.ones(4)
    t = line.to_line(y)
    assert_allclose(line.to_y(t), y, rtol=1e-13)
    assert_allclose(line.slope(t), (line.to_y(t + 1e-6) - line.to_y(t - 1e-6)) / 2e-6, rtol=1e-8)
    assert_allclose(line.log_slope(t), np.log(line.slope(t)), atol=1e-13)
