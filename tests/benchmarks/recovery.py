"""How much of the truth does a small net recover? Nats lost on fresh rows, for every family.

Each family's parameters are smooth functions of two features; y is drawn from it, a net is fitted
to 20,000 rows, and on as many fresh rows its log-likelihood is compared, row by row, with the
truth's. Run from the checkout, with the families' names or without for all of them::

    python tests/benchmarks/recovery.py --save docs/recovery.csv
"""

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
import torch

from sklnll import MLP_DEFAULTS, NLLClassifier, NLLRanker, NLLRegressor
from sklnll._network.head import Head
from sklnll.distributions import (
    DISTRIBUTIONS,
    Distribution,
    LabelDistribution,
    RankingDistribution,
    get_distribution,
)
from sklnll.predictive import LabelPredictive, predictive

N_ROWS = 20_000
SIZE = 3
"""Classes, components or items, where a family has several."""

NET = {
    **MLP_DEFAULTS,
    "hidden_layer_sizes": (32, 32),
    "activation": "tanh",
    "learning_rate_init": 0.005,
    "batch_size": 500,
    "early_stopping": True,
    "n_iter_no_change": 8,
    "tol": 1e-5,
    "max_iter": 100,
    "random_state": 0,
}


def truth(family: Distribution, X: np.ndarray, rng: np.random.Generator):
    """The distributions at the rows of X."""
    size = SIZE if family.event_ndim or isinstance(family, LabelDistribution) else 1
    fixed = {name: np.array([value]) for name, value in family.fixed().items()}
    head = Head(family, 1, size, fixed)
    waves = X @ rng.normal(size=(2, head.layout.n_predicted)) + rng.uniform(
        0, 6, head.layout.n_predicted
    )
    raw = rng.normal(scale=0.5, size=head.layout.n_predicted) + np.sin(waves)
    constant = rng.normal(scale=0.5, size=head.layout.n_constant)
    params = head.params(torch.tensor(raw), torch.tensor(constant))
    rows = {name: _one_a_row(family, name, value, len(X)) for name, value in params.items()}
    if isinstance(family, LabelDistribution):
        return LabelPredictive(family, rows, np.arange(size))
    return predictive(family, rows)


def _one_a_row(family: Distribution, name: str, value: torch.Tensor, n_rows: int) -> np.ndarray:
    event = value.shape[value.ndim - family.parameters[name].event_ndim :]
    return value.expand(n_rows, 1, *event)[:, 0].numpy().copy()


def _inside(family: Distribution, X: np.ndarray, y: np.ndarray, dist):
    """Without the few draws that were rounded to an end of the support."""
    if family.event_ndim or isinstance(family, LabelDistribution):
        return X, y, dist
    inside = family.support.contains(y)
    return X[inside], y[inside], dist[inside]


def recover(family: Distribution, seed: int = 0) -> dict[str, float]:
    """Nats lost by a net that was fitted to draws of the truth."""
    kind = NLLRegressor
    if isinstance(family, LabelDistribution):
        kind = NLLClassifier
    if isinstance(family, RankingDistribution):
        kind = NLLRanker
    X = np.random.default_rng(seed).uniform(-1.5, 1.5, size=(2 * N_ROWS, 2))
    dist = truth(family, X, np.random.default_rng(seed + 1))
    y = dist.rvs(random_state=seed + 2)
    X, y, dist = _inside(family, X, y, dist)
    train, fresh = slice(N_ROWS), slice(N_ROWS, None)
    start = time.perf_counter()
    net = kind(family, **NET).fit(X[train], y[train])
    seconds = time.perf_counter() - start
    null = kind(family, **{**NET, "learning_rate_init": 1e-12, "max_iter": 1})
    null.fit(X[train], y[train])
    true = dist[fresh].log_prob(y[fresh])
    lost = true - net.predict_dist(X[fresh]).log_prob(y[fresh])
    told = true - null.predict_dist(X[fresh]).log_prob(y[fresh])
    return {
        "nll of the truth": -true.mean(),
        "told by x": told.mean(),
        "lost": lost.mean(),
        "standard error": lost.std() / np.sqrt(len(lost)),
        "epochs": net.n_iter_,
        "seconds": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", nargs="*", default=list(DISTRIBUTIONS))
    parser.add_argument("--save", type=Path, help="where to write the table, as csv")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.families:
        row = recover(get_distribution(name))
        rows.append({"family": name} | {key: round(value, 4) for key, value in row.items()})
        print(*rows[-1].values(), sep="\t", file=sys.stderr, flush=True)
    with arguments.save.open("w", newline="") if arguments.save else sys.stdout as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
