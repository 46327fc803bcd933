"""A search over families by likelihood finds the one that the data come from."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from sklnll import NLLRegressor
from sklnll._network.head import Head
from sklnll.distributions import DISTRIBUTIONS
from sklnll.metrics import neg_nll_scorer
from sklnll.predictive import predictive

# Plausible for the same y, and none a special case of another.
LINE_UPS = [
    ["normal", "laplace", "logistic", "gumbel", "cauchy"],
    ["gamma", "log_normal", "weibull"],
    ["poisson", "negative_binomial"],
]
CASES = [(name, line_up) for line_up in LINE_UPS for name in line_up]


def draw(name, n=2000, seed=0):
    """Rows whose parameters are linear in x before the links."""
    rng = np.random.default_rng(seed)
    family = DISTRIBUTIONS[name]()
    X = rng.normal(size=(n, 2))
    head = Head(family, 1, 1, {})
    import torch

    slopes = rng.uniform(-0.5, 0.5, size=(2, head.layout.n_predicted))
    params = head.params(torch.tensor(1 + X @ slopes), torch.zeros(0))
    dist = predictive(family, {key: value[:, 0].numpy() for key, value in params.items()})
    return X, dist.rvs(random_state=seed)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_search_finds_the_true_family_in_nine_of_ten_cases():
    found = []
    for name, line_up in CASES:
        X, y = draw(name)
        net = NLLRegressor(hidden_layer_sizes=(), solver="lbfgs", random_state=0)
        search = GridSearchCV(net, {"distribution": line_up}, scoring=neg_nll_scorer, cv=3)
        found.append(search.fit(X, y).best_params_["distribution"] == name)
    assert len(found) == 10
    assert sum(found) >= 9
