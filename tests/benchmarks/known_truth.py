"""How much of a known truth is lost, on generated sets of all sizes, with one setting?

The score is the excess of the negative log-likelihood on 5,000 fresh rows over that of the truth.
Run from the checkout::

    python tests/benchmarks/known_truth.py --splits 5 --save docs/known_truth.csv
    python tests/benchmarks/known_truth.py --table docs/known_truth.csv
"""

from comparison import MARGINAL, main, network  # first: it limits the threads

# isort: split
import numpy as np
from scipy import stats

N_TEST = 5000

# Tasks: the law of y at each row of x, whose first columns matter --------------------------------


def sine(X):
    return stats.norm(np.sin(4 * X[:, 0]), 0.1 + 0.4 * (X[:, 0] > 0))


def jumps(X):
    return stats.norm(np.floor(3 * X[:, 0]) * np.sign(X[:, 1]), 0.3)


def heavy_tails(X):
    return stats.t(2.5, 2 * X[:, 0] - X[:, 1] ** 2, 0.3 + 0.2 * np.abs(X[:, 1]))


def skew(X):
    return stats.gumbel_r(X[:, 0] * X[:, 1], np.exp(0.5 * X[:, 0]))


def linear(X):
    return stats.norm(2 * X[:, 0] - X[:, 1], 1.0)


class Outliers:
    """A twentieth of the rows are ten times as wide."""

    def __init__(self, X):
        loc = np.sin(3 * X[:, 0]) + X[:, 1]
        self.parts = stats.norm(loc, 0.3), stats.norm(loc, 3.0)

    def rvs(self, random_state):
        narrow, wide = (part.rvs(random_state=random_state) for part in self.parts)
        return np.where(random_state.uniform(size=len(wide)) < 0.05, wide, narrow)

    def logpdf(self, y):
        narrow, wide = (part.logpdf(y) for part in self.parts)
        return np.logaddexp(np.log(0.95) + narrow, np.log(0.05) + wide)


LAWS = {
    "sine": sine,
    "jumps": jumps,
    "heavy tails": heavy_tails,
    "outliers": Outliers,
    "skew": skew,
    "linear": linear,
}
SIZES = [(50, 2), (50, 20), (200, 2), (200, 200), (1000, 5), (1000, 200), (10_000, 5), (50_000, 5)]


def task(law, n_rows, n_features):
    def rows_of(split):
        rng = np.random.default_rng([split, n_rows, n_features])
        X, X_test = rng.normal(size=(n_rows, n_features)), rng.normal(size=(N_TEST, n_features))
        y, y_test = (law(rows).rvs(random_state=rng) for rows in (X, X_test))
        # What the truth says of the test rows goes along with them.
        return X, y, X_test, np.column_stack([y_test, law(X_test).logpdf(y_test)])

    return rows_of


TASKS = {f"{name}, {n} x {d}": task(law, n, d) for n, d in SIZES for name, law in LAWS.items()}


# Models and scores -------------------------------------------------------------------------------


MODELS = {
    "marginal": MARGINAL,
    "sklnll": network(),
    "sklnll, normal": network("normal"),
    "sklnll, no cosines": network(n_frequencies=0),
    "sklnll, one member": network(n_estimators=1),
}


def scores(dist, y_and_truth):
    y, log_truth = y_and_truth.T
    return {
        "excess NLL": np.mean(log_truth - dist.log_prob(y)),
        "coverage": np.mean(dist.contains(y, 0.9)),
    }


if __name__ == "__main__":
    main(__doc__, TASKS, MODELS, scores)
