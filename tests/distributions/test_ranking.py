"""Rankings against the enumeration of all of them, and against the models they contain."""

from itertools import permutations

import mpmath as mp
import numpy as np
import pytest
import torch
from plain import marginal_raw
from scipy import special, stats

from sklnll import NLLRanker
from sklnll._network.head import Head
from sklnll.distributions import Bernoulli, Categorical, PlackettLuce, RankingDistribution
from sklnll.orders import UNRANKED

from .cases import _log_plackett_luce_mass, all_orders

SIZES = [2, 3, 4, 5]
SCALES = [0.0, 1.0, 30.0]


def some_scores(n_items, scale=1.0, n_rows=4):
    return scale * np.random.default_rng(n_items).normal(size=(n_rows, n_items))


def log_prob(orders, scores):
    orders, scores = torch.tensor(np.array(orders, dtype=float)), torch.tensor(scores)
    return PlackettLuce().log_prob(orders, scores).numpy()


def every_ranking(n_items):
    return np.array(list(permutations(range(n_items))))


def probabilities(scores):
    """Of every full ranking, by the product of shares: shape (n_rows, n_items!)."""
    rankings = every_ranking(scores.shape[1])
    worth = np.exp(scores)[:, rankings]
    left = worth[..., ::-1].cumsum(axis=-1)[..., ::-1]
    return rankings, (worth / left).prod(axis=-1)


@pytest.fixture(params=[(n, scale) for n in SIZES for scale in SCALES], ids=str)
def scores(request):
    return some_scores(*request.param)


# The likelihood -----------------------------------------------------------------------------------


def test_the_probabilities_of_all_rankings_sum_to_one(scores):
    rankings, expected = probabilities(scores)
    ours = np.exp(log_prob(rankings[None], scores[:, None]))
    np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-300)
    np.testing.assert_allclose(ours.sum(axis=1), 1, rtol=1e-13)


def test_a_partial_ranking_has_the_probability_of_all_its_completions(scores):
    rankings, expected = probabilities(scores)
    for order in all_orders(scores.shape[1]):
        listed = order[order >= 0]
        completes = (rankings[:, : len(listed)] == listed).all(axis=1)
        ours = np.exp(log_prob(order[None], scores))
        np.testing.assert_allclose(ours, expected[:, completes].sum(axis=1), rtol=1e-11)


def test_the_place_of_the_last_item_says_nothing():
    scores = some_scores(4)
    full = np.array([[2, 0, 3, 1]])
    without_last = np.where(np.arange(4) < 3, full, UNRANKED)
    np.testing.assert_array_equal(log_prob(full, scores), log_prob(without_last, scores))


@pytest.mark.parametrize("shift", [-1e6, 3.0, 1e6])
def test_a_common_shift_of_the_scores_changes_nothing(shift):
    scores = some_scores(5)
    orders = all_orders(5)
    before, after = (log_prob(orders[:, None], s) for s in (scores, scores + shift))
    # A score of 1e6 has six digits less behind its point.
    np.testing.assert_allclose(after, before, rtol=1e-8)


@pytest.mark.parametrize("gap", [1.0, 40.0, 800.0, 1e5])
def test_log_prob_is_exact_for_sure_and_for_impossible_rankings(gap):
    scores = gap * np.array([0.3, 2.0, -1.0, 1.0])
    orders = all_orders(4)
    with mp.workdps(60 + int(5 * gap / np.log(10)) if gap < 1e3 else 60):
        log_masses = [
            _log_plackett_luce_mass(order, [mp.mpf(float(score)) for score in scores])
            for order in orders
        ]
        exactly = np.array([float(value) for value in log_masses])
    # Relative even where a ranking is nearly sure, and its log-probability nearly zero.
    atol = 0 if gap < 1e3 else 1e-300
    np.testing.assert_allclose(log_prob(orders, scores[None]), exactly, rtol=1e-12, atol=atol)


@pytest.mark.parametrize("gap", [1.0, 40.0, 800.0, 1e5])
def test_gradient_is_chosen_less_expected(gap):
    """The residual of each choice, as in multinomial logistic regression."""
    values = gap * np.array([0.3, 2.0, -1.0, 1.0])
    orders = all_orders(4)
    scores = torch.tensor(np.tile(values, (len(orders), 1)), requires_grad=True)
    PlackettLuce().log_prob(torch.tensor(orders), scores).sum().backward()
    expected = np.zeros_like(orders)
    for row, order in enumerate(orders):
        left = list(range(4))
        for item in order[order >= 0].astype(int):
            expected[row, item] += 1
            expected[row, left] -= special.softmax(values[left])
            left.remove(item)
    np.testing.assert_allclose(scores.grad.numpy(), expected, rtol=1e-9, atol=1e-9)


def test_gradient_is_finite_differences_for_full_and_partial_rankings():
    orders = torch.tensor(all_orders(4))
    scores = torch.tensor(np.random.default_rng(0).normal(size=(len(orders), 4)))
    scores.requires_grad_()
    assert torch.autograd.gradcheck(lambda s: PlackettLuce().log_prob(orders, s), scores)


@pytest.mark.parametrize("far", [-1e300, -1e30, 1e30, 1e300])
def test_far_scores_give_no_nan(far):
    orders = torch.tensor(all_orders(3))
    for column in range(3):
        scores = torch.zeros(len(orders), 3, dtype=torch.float64)
        scores[:, column] = far
        scores.requires_grad_()
        log_p = PlackettLuce().log_prob(orders, scores)
        (gradient,) = torch.autograd.grad(log_p.sum(), scores)
        assert log_p.isfinite().all()
        assert gradient.isfinite().all()
        assert gradient.abs().max() <= 3


def test_two_items_are_bernoulli():
    logits = np.linspace(-800, 800, 41)
    scores = np.stack([logits / 3, -2 * logits / 3], axis=1)
    for label, order in enumerate([[1, 0], [0, 1]]):
        y = torch.full((41,), float(label))
        expected = Bernoulli().log_prob(y, torch.tensor(scores[:, 0] - scores[:, 1])).numpy()
        np.testing.assert_array_equal(log_prob([order], scores), expected)


def test_first_places_are_categorical():
    scores = some_scores(6, scale=5.0)
    for winner in range(6):
        order = [[winner, *[UNRANKED] * 5]]
        y = torch.full((4,), float(winner))
        expected = Categorical().log_prob(y, torch.tensor(scores)).numpy()
        np.testing.assert_allclose(log_prob(order, scores), expected, rtol=1e-13, atol=1e-15)


# What follows from it -----------------------------------------------------------------------------


def test_mode_is_the_most_probable_ranking(scores):
    rankings, expected = probabilities(scores)
    mode = PlackettLuce().mode(scores)
    best = np.exp(log_prob(mode, scores))
    np.testing.assert_allclose(best, expected.max(axis=1), rtol=1e-12)
    if len(set(scores[0])) > 1:
        np.testing.assert_array_equal(mode, rankings[expected.argmax(axis=1)])


def test_equal_scores_keep_the_order_of_the_items():
    np.testing.assert_array_equal(PlackettLuce().mode(np.zeros((2, 4))), [[0, 1, 2, 3]] * 2)


def test_first_places_are_those_of_the_enumeration(scores):
    rankings, expected = probabilities(scores)
    first = [expected[:, rankings[:, 0] == item].sum(axis=1) for item in range(scores.shape[1])]
    ours = np.exp(PlackettLuce().log_proba(scores))
    np.testing.assert_allclose(ours, np.transpose(first), rtol=1e-11)


def test_pairwise_probabilities_are_those_of_the_enumeration(scores):
    rankings, expected = probabilities(scores)
    n_items = scores.shape[1]
    place = rankings.argsort(axis=1)
    ours = PlackettLuce().pairwise(scores)
    for i in range(n_items):
        for j in range(n_items):
            before = expected[:, place[:, i] < place[:, j]].sum(axis=1)
            np.testing.assert_allclose(ours[:, i, j], before, rtol=1e-11)


def test_entropy_is_that_of_the_enumeration(scores):
    _, p = probabilities(scores)
    # atol: probabilities near 1 are rounded.
    expected = special.entr(p).sum(axis=1)
    np.testing.assert_allclose(PlackettLuce().entropy(scores), expected, rtol=1e-11, atol=1e-14)


def test_entropy_of_equal_scores_is_the_logarithm_of_the_number_of_rankings():
    entropy = PlackettLuce().entropy(np.zeros((3, 12)))
    np.testing.assert_allclose(entropy, special.gammaln(13), rtol=1e-12)


def test_entropy_is_computed_row_by_row_however_many():
    scores = some_scores(3, n_rows=2500)
    entropy = PlackettLuce().entropy(scores)
    assert entropy.shape == (2500,)
    np.testing.assert_array_equal(entropy[2400:], PlackettLuce().entropy(scores[2400:]))


def test_entropy_of_too_many_items_says_what_to_do():
    with pytest.raises(NotImplementedError, match=r"subsets.*13 \(at most 12\).*rvs\(1000\)"):
        PlackettLuce().entropy(np.zeros((1, 13)))


def test_draws_have_the_probabilities_of_the_rankings():
    n = 20_000
    scores = some_scores(4, n_rows=3)
    draws = PlackettLuce().draw(n, np.random.RandomState(0), scores)
    assert draws.shape == (3, n, 4)
    rankings, p = probabilities(scores)
    for row in range(3):
        counts = [(draws[row] == ranking).all(axis=1).sum() for ranking in rankings]
        assert sum(counts) == n
        # A draw as extreme as this is expected once in 10,000.
        assert stats.chisquare(counts, n * p[row] / p[row].sum()).pvalue > 1e-4


def test_draws_of_extreme_scores_are_sure_where_they_must_be():
    scores = np.array([[1e300, 1e300, -1e300]])
    draws = PlackettLuce().draw(1000, np.random.default_rng(0), scores)[0]
    assert (draws[:, 2] == 2).all()
    assert abs((draws[:, 0] == 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(1000)


# Without x ----------------------------------------------------------------------------------------


def marginal_fit(orders, weight=None):
    orders = np.asarray(orders, dtype=float)
    weight = np.ones(len(orders)) if weight is None else weight
    head = Head(PlackettLuce(), 1, orders.shape[1], {})
    raw, _ = marginal_raw(head, orders[:, None], weight)
    return raw


def hunters_fit(orders, weight, n_steps=2000):
    """Hunter's MM algorithm, row by row and place by place."""
    n_items = orders.shape[1]
    worth = np.ones(n_items)
    for _ in range(n_steps):
        wins, expected = np.zeros(n_items), np.zeros(n_items)
        for order, w in zip(orders.astype(int), weight, strict=True):
            left = np.ones(n_items, dtype=bool)
            for item in order[order >= 0]:
                if left.sum() > 1:
                    wins[item] += w
                    expected[left] += w / worth[left].sum()
                left[item] = False
        worth = wins / expected
    return np.log(worth) - np.log(worth).mean()


def test_the_marginal_fit_is_hunters():
    rng = np.random.default_rng(0)
    orders = all_orders(4)[rng.integers(len(all_orders(4)), size=25)]
    weight = rng.uniform(0, 3, 25)
    np.testing.assert_allclose(
        marginal_fit(orders, weight), hunters_fit(orders, weight), rtol=1e-6, atol=1e-7
    )


def test_the_guess_is_near_the_marginal_fit():
    rng = np.random.default_rng(0)
    scores = np.array([[1.0, 0.5, 0.0, -0.5, -1.0]])
    orders = PlackettLuce().draw(500, rng, scores)[0].astype(float)
    orders[::3, 2:] = UNRANKED
    guess = PlackettLuce().guess(orders, np.ones(500), 5)["scores"]
    np.testing.assert_allclose(guess, marginal_fit(orders), atol=0.02)


def test_first_places_are_fitted_by_their_shares():
    orders = np.full((10, 3), float(UNRANKED))
    orders[:, 0] = [0] * 5 + [1] * 3 + [2] * 2
    guess = PlackettLuce().guess(orders, np.ones(10), 3)["scores"]
    np.testing.assert_allclose(special.softmax(guess), [0.5, 0.3, 0.2], rtol=1e-12)


@pytest.mark.parametrize(
    "orders",
    [
        [[0, 1, 2]] * 5,
        [[2, UNRANKED, UNRANKED]] * 5,
        [[0, 1, 2], [1, 0, 2]],
        [[0, UNRANKED, UNRANKED], [1, UNRANKED, UNRANKED]],
        [[5, 4, 3, 2, 1, 0]],
    ],
    ids=["one order", "one winner", "one loser", "never listed", "one row"],
)
def test_items_that_never_win_start_finite(orders):
    raw = marginal_fit(orders)
    assert np.isfinite(raw).all()
    assert np.ptp(raw) < 150
    listed = {tuple(order) for order in orders}
    expected = 1 / len(listed)  # the rankings that were seen, equally often
    np.testing.assert_allclose(np.exp(log_prob(orders, raw[None])), expected, rtol=1e-5)


def test_the_family_of_rankings_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        RankingDistribution()


class Uniform(RankingDistribution):
    """All rankings are equally probable: no more than a family must say."""

    parameters = PlackettLuce.parameters

    def __init__(self, scores=None):
        self.scores = scores

    def log_prob(self, y, scores):
        n_items, n_listed = scores.shape[-1], (y >= 0).sum(dim=-1)
        constant = torch.lgamma(n_items - n_listed + 1.0) - special.gammaln(n_items + 1)
        return constant + 0 * scores.sum(dim=-1)

    def mode(self, scores):
        return np.tile(np.arange(scores.shape[-1]), (len(scores), 1))

    def log_proba(self, scores):
        return np.full(scores.shape, -np.log(scores.shape[-1]))

    def pairwise(self, scores):
        return 0.5 * (1 - np.eye(scores.shape[-1])) * np.ones((len(scores), 1, 1))

    def draw(self, size, generator, scores):
        return generator.uniform(size=(len(scores), size, scores.shape[-1])).argsort(axis=-1)


def test_a_family_of_ones_own_is_ranked_with():
    X, y = np.random.default_rng(0).normal(size=(20, 2)), np.tile([[2, 0, 1], [1, -1, -1]], (10, 1))
    net = NLLRanker(Uniform(), hidden_layer_sizes=(), solver="lbfgs").fit(X, y)
    dist = net.predict_dist(X)
    np.testing.assert_allclose(dist.pmf(y), np.tile([1 / 6, 1 / 3], 10), rtol=1e-6)
    np.testing.assert_allclose(dist.expected_ranks(), 2)
    np.testing.assert_array_equal(net.predict(X), [[0, 1, 2]] * 20)
    assert dist.rvs(5, 0).shape == (20, 5, 3)
    with pytest.raises(NotImplementedError, match="Uniform does not implement entropy"):
        dist.entropy()


def test_exposure_is_refused():
    with pytest.raises(ValueError, match=r"PlackettLuce\(\) has no exposure"):
        PlackettLuce().check_target(np.array([[0.0, 1.0]]), exposure=np.ones(1))
