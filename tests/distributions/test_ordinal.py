import mpmath as mp
import numpy as np
import pandas as pd
import pytest
import torch
from plain import marginal_raw
from scipy import special, stats

from sklnll._network.head import Head
from sklnll.distributions import Bernoulli, Ordinal

from .cases import CASES, stacked, tensors

CASE = CASES["ordinal"]
PARAMS = stacked(CASE.params, CASE.extreme, CASE.large)


# Probabilities ------------------------------------------------------------------------------------


def test_probabilities_of_all_classes_sum_to_one():
    p = np.exp(Ordinal().log_proba(**PARAMS))
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-14)


def test_no_probability_is_lost():
    log_p = Ordinal().log_proba(**PARAMS)
    assert np.isfinite(log_p).all()
    assert (log_p <= 0).all()


def test_cumulative_probabilities_are_scipys_logistic():
    rng = np.random.RandomState(0)
    for size in (2, 3, 7):
        location = rng.normal(scale=3, size=20)
        thresholds = np.cumsum(rng.exponential(size=(20, size - 1)), axis=1)
        thresholds -= thresholds[:, :1]
        cumulative = np.exp(Ordinal().log_proba(location, thresholds)).cumsum(axis=1)
        expected = stats.logistic.cdf(thresholds, loc=location[:, None])
        np.testing.assert_allclose(cumulative[:, :-1], expected, rtol=1e-13)
        assert (np.diff(cumulative) > 0).all()


def test_probabilities_are_counts_of_a_noisy_location_between_thresholds():
    location, thresholds = np.array([0.7]), np.array([[0.0, 1.0, 2.5]])
    hidden = location + stats.logistic.rvs(size=200_000, random_state=0)
    counts = np.bincount(np.searchsorted(thresholds[0], hidden), minlength=4) / len(hidden)
    # Four standard errors.
    p = np.exp(Ordinal().log_proba(location, thresholds))[0]
    np.testing.assert_allclose(counts, p, atol=4 * np.sqrt(0.25 / len(hidden)))


def test_classes_counted_from_above_have_the_same_probabilities():
    last = CASE.params["thresholds"][:, -1:]
    turned = Ordinal().log_proba(
        last[:, 0] - CASE.params["location"], (last - CASE.params["thresholds"])[:, ::-1]
    )
    np.testing.assert_allclose(turned[:, ::-1], Ordinal().log_proba(**CASE.params), rtol=1e-12)


def test_a_higher_location_makes_higher_classes():
    location = np.linspace(-9, 9, 31)
    p = np.exp(Ordinal().log_proba(location, np.tile([0.0, 1.0, 2.5], (31, 1))))
    assert (np.diff(p.cumsum(axis=1)[:, :-1], axis=0) < 0).all()


def test_mode_is_the_most_probable_class():
    np.testing.assert_array_equal(
        Ordinal().mode(**PARAMS), Ordinal().log_proba(**PARAMS).argmax(axis=1)
    )


def test_two_classes_are_bernoulli():
    location = np.array([-1e300, -800.0, -1.0, 0.0, 30.0, 1e4])
    np.testing.assert_allclose(
        Ordinal().log_proba(location, np.zeros((6, 1))), Bernoulli().log_proba(location), rtol=1e-13
    )


# Gradients ----------------------------------------------------------------------------------------


def probability(y, location, thresholds):
    """Of class `y`, in mpmath."""
    return mp.exp(CASE.log_density(y, location, thresholds))


def test_gradient_is_exact_for_extreme_parameters():
    y, params = CASE.pairs({key: value[:5] for key, value in CASE.extreme.items()})
    leaves = {key: value.requires_grad_() for key, value in tensors(params).items()}
    log_p = Ordinal().log_prob(torch.tensor(y), **leaves)
    by_location, by_threshold = torch.autograd.grad(log_p.sum(), list(leaves.values()))
    with mp.workdps(400):
        for i, label in enumerate(y.astype(int)):
            loc = mp.mpf(params["location"][i])
            cuts = [mp.mpf(cut) for cut in params["thresholds"][i]]
            p = probability(label, loc, cuts)
            # The density of the hidden logistic variable at the thresholds around the class.
            density = [mp.sech((cut - loc) / 2) ** 2 / 4 for cut in cuts]
            expected = [0.0] * 3
            if label < 3:
                expected[label] += density[label] / p
            if label > 0:
                expected[label - 1] -= density[label - 1] / p
            expected = [float(value) for value in expected]
            np.testing.assert_allclose(by_threshold[i], expected, rtol=1e-9, atol=1e-12)
            # The two ends of a narrow class pull at its place in opposite directions.
            atol = 1e-12 * max(1, np.abs(expected).max())
            np.testing.assert_allclose(by_location[i], -sum(expected), rtol=1e-9, atol=atol)


@pytest.mark.parametrize("far", [-1e30, -1e4, 1e4, 1e30])
def test_far_predicted_thresholds_give_no_nan(far):
    head = Head(Ordinal(thresholds=None), 1, 4, {})
    assert head.layout.n_predicted == 3
    for column in range(3):
        raw = torch.zeros(81, 3, dtype=torch.float64)
        raw[:, column] = far
        raw.requires_grad_()
        nll = head.nll(raw, torch.empty(0), torch.tensor(CASE.sample)[:, None])
        (gradient,) = torch.autograd.grad(nll.sum(), raw)
        assert nll.isfinite().all()
        assert gradient.isfinite().all()


# The fit without x --------------------------------------------------------------------------------


@pytest.mark.parametrize("thresholds", ["constant", None])
@pytest.mark.parametrize("size", [2, 3, 6])
def test_the_marginal_fit_is_the_weighted_shares(size, thresholds):
    rng = np.random.RandomState(size)
    y, weight = rng.randint(size, size=50).astype(float), rng.exponential(size=50)
    head = Head(Ordinal(thresholds=thresholds), 1, size, {})
    raw, constant = map(torch.tensor, marginal_raw(head, y[:, None], weight))
    params = {name: v.numpy()[:, 0] for name, v in head.params(raw[None], constant).items()}
    shares = np.bincount(y.astype(int), weights=weight) / weight.sum()
    np.testing.assert_allclose(np.exp(Ordinal().log_proba(**params))[0], shares, rtol=1e-9)


@pytest.mark.parametrize("present", [[0], [3], [1], [0, 3], [0, 1], [2, 3]])
def test_classes_without_rows_start_improbable_but_finite(present):
    y = np.resize(np.array(present, dtype=float), 12)
    head = Head(Ordinal(), 1, 4, {})
    raw, constant = map(torch.tensor, marginal_raw(head, y[:, None], np.ones(12)))
    params = {name: v.numpy()[:, 0] for name, v in head.params(raw[None], constant).items()}
    p = np.exp(Ordinal().log_proba(**params))[0]
    np.testing.assert_allclose(p[present], 1 / len(present), rtol=1e-11)
    absent = np.delete(p, present)
    assert (absent > 1e-16).all()
    assert (absent < 1e-14).all()


# Labels in order ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ("abc", "must be a sequence of labels.* got 'abc'"),
        (3, "must be a sequence of labels.* got 3"),
        (["a"], "two or more different labels.*: they are too few"),
        ([], "two or more different labels.*: they are too few"),
        (["a", "b", "a"], "two or more different labels.*: 'a' stands there twice"),
        ([1, 2, 1.0], "1.0 stands there twice"),
    ],
)
def test_an_illegal_order_is_refused(order, problem):
    with pytest.raises(ValueError, match=f"order of Ordinal .*{problem}"):
        Ordinal(order=order).check_params()


@pytest.mark.parametrize(
    "order", [["b", "a"], ("b", "a"), np.array(["b", "a"]), pd.Index(["b", "a"])]
)
def test_any_sequence_is_an_order(order):
    family = Ordinal(order=order)
    family.check_params()
    np.testing.assert_array_equal(family.classes_of(np.array(["a", "b", "a"])), ["b", "a"])


def test_numbers_are_ordered_by_value():
    for y in (np.array([10, 9, 2]), np.array([10.0, 9.0, 2.0]), np.array([10, 9, 2], dtype=object)):
        np.testing.assert_array_equal(Ordinal().classes_of(y), [2, 9, 10])
    np.testing.assert_array_equal(Ordinal().classes_of(np.array([True, False])), [False, True])


def test_constant_location_and_thresholds_are_the_marginal_fit():
    family = Ordinal(location="constant")
    family.check_params()
    assert family.constant() == ["location", "thresholds"]
    head = Head(family, 1, 4, {})
    raw, constant = marginal_raw(head, CASE.sample[:, None], np.ones(81))
    assert raw.shape == (0,)
    at_most = special.expit(-constant[0])
    assert at_most == pytest.approx(np.mean(CASE.sample == 0), rel=1e-9)
