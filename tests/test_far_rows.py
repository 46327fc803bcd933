"""Does a row far outside of the training rows cost little, and is it counted?"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain_regressor
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, VotingClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from sklnll import MLP_DEFAULTS, NLLClassifier, NLLRanker, NLLRegressor, predict_dist
from sklnll._data.x_ranges import ColumnRanges

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = ["strong", "wave", "skewed", "rare", "nearly constant", "nothing"]
BRIEF = {"hidden_layer_sizes": (32,), "max_iter": 40, "random_state": 0}


def draw(n, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    X[:, 2] = np.exp(2 * X[:, 2])
    X[:, 3] = rng.uniform(size=n) < 0.05
    X[:, 4] = 5 + 1e-9 * X[:, 4]
    y = X[:, 0] + np.sin(2 * X[:, 1]) + 0.2 * np.log(X[:, 2]) + X[:, 3]
    return X, y + 0.2 * rng.normal(size=n)


X, Y = draw(500, 0)
X_TEST, Y_TEST = draw(40, 1)
NETS = {
    "default": {},
    "no cosines": {"n_frequencies": 0},
    "five members": {"n_estimators": 5, "distribution": "student_t"},
    "float32": {},
}


@pytest.fixture(scope="module")
def net_of():
    nets = {}

    def fit(name):
        if name not in nets:
            dtype = np.float32 if name == "float32" else float
            nets[name] = NLLRegressor(**BRIEF).set_params(**NETS[name]).fit(X.astype(dtype), Y)
        return nets[name]

    return fit


def moved(column, spreads):
    far = X_TEST.copy()
    far[:, column] = X[:, column].mean() + spreads * X[:, column].std()
    return far


def marginal_nll(y):
    """That of the normal distribution without x."""
    return 0.5 * ((y - Y.mean()) / Y.std()) ** 2 + np.log(Y.std()) + 0.5 * np.log(2 * np.pi)


@pytest.mark.parametrize("spreads", [43.0, -60.0, 1e3, 1e6, -1e6, 1e300])
@pytest.mark.parametrize("column", range(6), ids=NAMES)
@pytest.mark.parametrize("name", NETS)
def test_no_far_row_costs_much_more_than_the_marginal_fit(name, column, spreads, net_of):
    if name == "float32" and abs(spreads) > 1e30:
        pytest.skip("refused: float32 has no such number")
    before, dist = map(net_of(name).predict_dist, (X_TEST, moved(column, spreads)))
    allowed = np.maximum(marginal_nll(Y_TEST), -before.log_prob(Y_TEST)) + 4
    assert (-dist.log_prob(Y_TEST) < allowed).all()
    if not (name == "float32" and column == 4):  # whose steps are too small for float32
        assert (dist.novelty > 1).all()


@pytest.mark.parametrize("column", [4, 5], ids=NAMES[4:])
def test_far_columns_that_say_nothing_cost_nothing(column, net_of):
    net = net_of("default")
    before, after = (net.predict_dist(rows).mean() for rows in (X_TEST, moved(column, 1e6)))
    assert np.mean((before - Y_TEST) ** 2) < 0.2
    assert np.mean((after - Y_TEST) ** 2) < 0.4


def test_columns_that_are_far_together_do_not_hide_each_other():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(600, 2))
    y = rows @ [1.0, -1.0] + 0.1 * rng.normal(size=600)
    net = NLLRegressor(**BRIEF).fit(rows, y)
    far = net.predict_dist(np.array([[1e3, 1e3], [-1e3, 1e3], [1e6, -10.0]]))
    assert_allclose(far.mean(), y.mean(), atol=0.2)
    assert_allclose(far.std(), y.std(), rtol=0.3)


@pytest.mark.parametrize("estimator", [NLLClassifier, NLLRanker])
def test_far_rows_of_labels_and_rankings_fall_back(estimator):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 2))
    utility = np.column_stack([4 * rows[:, 0], -4 * rows[:, 0], np.zeros(300)])
    orders = (utility + rng.gumbel(size=(300, 3))).argsort(axis=1)[:, ::-1]
    y = orders if estimator is NLLRanker else orders[:, 0]
    far = rows.copy()
    far[:, 0] = 1e4
    dist = estimator(**BRIEF).set_params(max_iter=20).fit(rows, y).predict_dist(far)
    constant = np.zeros((300, 1))
    without_x = estimator(hidden_layer_sizes=(), solver="lbfgs").fit(constant, y)
    assert_allclose(dist.probs, without_x.predict_proba(constant), atol=0.01)


@pytest.mark.parametrize("params", [{"hidden_layer_sizes": ()}, MLP_DEFAULTS, {"solver": "lbfgs"}])
def test_other_ways_stay_as_they_are(params):
    """Linear networks are linear in X, and perceptrons go on as scikit-learn's do."""
    net = NLLRegressor(**{**params, "max_iter": 20}, random_state=0)
    net.fit(X[:, [0, 1, 5]], Y)
    z = np.outer([0.0, 1e3, 2e3, 3e3], [1.0, -2.0, 0.5])
    steps = np.diff(net.predict_dist(z).params["loc"])
    assert abs(steps[1]) > 1
    assert_allclose(steps[1], steps[2], rtol=1e-2)


# Novelty ----------------------------------------------------------------------------------------


def expected_novelty(rows, low, high, spread):
    beyond = np.maximum(0, np.maximum(low - rows, rows - high))
    return (beyond / spread).max(axis=1)


@pytest.mark.parametrize("params", [{}, {"x_scaling": None}, {"solver": "lbfgs"}])
def test_novelty_is_the_distance_beyond_the_range_in_spreads(params):
    rng = np.random.default_rng(0)
    rows = rng.normal([0, 5, -3], [1, 10, 0.1], (500, 3))
    net = plain_regressor(hidden_layer_sizes=(3,), max_iter=3, **params)
    net.fit(rows, rows[:, 0])
    assert_array_equal(net.predict_dist(rows).novelty, np.zeros(500))
    far = rng.normal([0, 5, -3], [3, 30, 0.3], (500, 3))
    found = net.predict_dist(far).novelty
    expected = expected_novelty(far, rows.min(axis=0), rows.max(axis=0), rows.std(axis=0))
    assert_array_equal(found > 0, expected > 0)
    assert_allclose(found, expected, rtol=0.1)


def test_novelty_of_a_column_that_never_varied_is_infinite_beyond_rounding():
    ranges = ColumnRanges.fit(np.array([[0.3, 1.0], [0.3, 2.0]]), np.array([0.0, 0.5]))
    rows = np.array([[0.1 + 0.2, 1.5], [0.30001, 1.5], [0.3, 3.0], [0.3, 1e300]])
    assert_array_equal(ranges.novelty(rows), [0, np.inf, 2, 2e300])
    assert_array_equal(ranges.novelty(sparse.csr_array(rows)), [0, np.inf, 2, 2e300])


def test_novelty_of_sparse_rows_is_that_of_dense_ones(monkeypatch):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 5)) * (rng.uniform(size=(300, 5)) < 0.3)
    rows[:, 4] = 3 + rng.uniform(size=300)  # where zero lies outside
    spread = rows.std(axis=0)
    far = 2 * rows
    far[:50, 4] = 0
    dense = ColumnRanges.fit(rows, spread)
    thin = ColumnRanges.fit(sparse.csr_array(rows), spread)
    expected = expected_novelty(far, rows.min(axis=0), rows.max(axis=0), spread)
    for size in (2**20, 7):
        monkeypatch.setattr("sklnll._data.x_ranges._NUMBERS_AT_ONCE", size)
        assert_allclose(dense.novelty(far), expected)
        assert_allclose(thin.novelty(sparse.csr_array(far)), expected)


def test_sparse_rows_far_outside_are_predicted_as_dense_ones(monkeypatch):
    monkeypatch.setattr("sklnll._data.sparse._SMALL", 0)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 5)) * (rng.uniform(size=(300, 5)) < 0.5)
    net = NLLRegressor(**BRIEF).fit(sparse.csr_array(rows), rows.sum(axis=1))
    far = 10 * rows
    assert_allclose(net.predict(sparse.csr_array(far)), net.predict(far), rtol=1e-6, atol=1e-9)


def test_novelty_goes_along_with_the_rows(net_of):
    dist = net_of("default").predict_dist(moved(0, np.linspace(0, 50, 40)))
    assert_array_equal(dist[::-2].novelty, dist.novelty[::-2])
    assert_array_equal(dist[dist.novelty > 3].novelty, dist.novelty[dist.novelty > 3])
    assert dist[7].novelty == dist.novelty[7]


COMPOSITIONS = {
    "pipeline": lambda net: make_pipeline(StandardScaler(), net),
    "transformed": lambda net: TransformedTargetRegressor(net, transformer=PowerTransformer()),
    "stretched": lambda net: TransformedTargetRegressor(net, transformer=StandardScaler()),
    "bagging": lambda net: BaggingRegressor(net, n_estimators=2, random_state=0),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_novelty_is_seen_through_compositions(name):
    net = plain_regressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
    model = COMPOSITIONS[name](net).fit(X[:, :2], Y)
    far = np.array([[0.0, 0.0], [43.0, 0.0]])
    near, beyond = predict_dist(model, far).novelty
    assert near == 0
    assert beyond > 30


@pytest.mark.filterwarnings("ignore")
def test_novelty_is_seen_through_votes_and_outputs():
    far = np.array([[0.0, 0.0], [43.0, 0.0]])
    voting = VotingClassifier(
        [(str(k), NLLClassifier(hidden_layer_sizes=(3,), max_iter=2)) for k in range(2)],
        voting="soft",
    )
    both = MultiOutputRegressor(NLLRegressor(hidden_layer_sizes=(3,), max_iter=2))
    for model in (voting.fit(X[:, :2], Y > 0), both.fit(X[:, :2], np.column_stack([Y, -Y]))):
        near, beyond = predict_dist(model, far).novelty
        assert near == 0
        assert beyond > 30
