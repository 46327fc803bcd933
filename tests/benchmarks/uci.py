"""How good are the predicted distributions on the standard UCI splits, beside other libraries?

Fits every model to the training rows of every split, judges it on the test rows, prints a table and
stores a row for each fit. Nothing is chosen by test rows. Run from the checkout::

    python tests/benchmarks/uci.py --data ../shared/data/uci --save docs/uci.csv
    python tests/benchmarks/uci.py --data ... --sets yacht boston --splits 5 --models sklnll ngboost
    python tests/benchmarks/uci.py --table docs/uci.csv

The folder holds a file ``<set>.npz`` for each set with the arrays X, y, train_index and test_index
(a split each row). With ``--inside`` a tenth of the training rows takes the place of the test rows,
which stay unseen: so settings are chosen. With ``--folds`` the splits are those of repeated 10-fold
cross-validation, of which there are as many as ``--splits`` asks for. "NGBoost" needs
``pip install ngboost``.
"""

import argparse
from pathlib import Path

from comparison import MARGINAL, main, network  # first: it limits the threads

# isort: split
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import KFold, train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import NLLRegressor
from sklnll.distributions import Laplace, Mixture, Normal
from sklnll.predictive import ContinuousPredictive

SETS = ["boston", "concrete", "energy", "kin8nm", "wine-red", "yacht"]


# Models: from training rows to a function that predicts distributions ----------------------------


SLOW = {"annealing": 0.7}
SMOOTHED = {"n_frequencies": 16, "dropout": 0.1, **SLOW}
CANDIDATES = [
    {"distribution": "student_t", **SLOW},
    {"distribution": "student_t", **SMOOTHED},
    {"distribution": "laplace", **SMOOTHED},
]
"""For any y."""
MULTIMODAL = [{"distribution": Mixture(Laplace(), 3), **SMOOTHED}]
"""For a y that is not a few numbers in disguise: else components become spikes on them."""


def chosen(X, y, seed):
    """The candidate whose members predict best the rows that they held out.

    Then 20 members of it, who hold fewer rows out.
    """
    X = X.astype(np.float32)

    def held_out_score(params):
        net = NLLRegressor(**params, n_estimators=5, random_state=seed)
        return net.fit(X, y).best_validation_score_

    is_discrete = len(np.unique(y)) < 20
    best = max(CANDIDATES if is_discrete else CANDIDATES + MULTIMODAL, key=held_out_score)
    net = NLLRegressor(**best, n_estimators=20, validation_fraction=0.05, random_state=seed)
    return net.fit(X, y).predict_dist


def normal(params):
    """Normal distributions with these parameters."""
    return ContinuousPredictive(Normal(), dict(params))


def perceptron(X, y, seed):
    """scikit-learn's, as large, on all rows; its spread is that on rows held out before."""
    net = MLPRegressor(hidden_layer_sizes=(128, 128), max_iter=1000, random_state=seed)
    net = make_pipeline(StandardScaler(), net)
    net = TransformedTargetRegressor(net, transformer=StandardScaler())
    X_train, X_held, y_train, y_held = train_test_split(X, y, test_size=0.15, random_state=seed)
    scale = np.std(y_held - net.fit(X_train, y_train).predict(X_held))
    net.fit(X, y)

    def predict_dist(X_test):
        loc = net.predict(X_test)
        return normal({"loc": loc, "scale": np.full(len(loc), scale)})

    return predict_dist


def ngboost(X, y, seed):
    """As in its paper: stages chosen on a fifth of the rows, then fitted again on all of them."""
    from ngboost import NGBRegressor

    X_train, X_held, y_train, y_held = train_test_split(X, y, test_size=0.2, random_state=seed)
    trial = NGBRegressor(n_estimators=2000, verbose=False, random_state=seed)
    trial.fit(X_train, y_train, X_val=X_held, Y_val=y_held, early_stopping_rounds=50)
    n_stages = 1 + (1999 if trial.best_val_loss_itr is None else trial.best_val_loss_itr)
    net = NGBRegressor(n_estimators=n_stages, verbose=False, random_state=seed).fit(X, y)
    return lambda X_test: normal(net.pred_dist(X_test).params)


MODELS = {
    "marginal": MARGINAL,
    "MLPRegressor": perceptron,
    "NGBoost": ngboost,
    "sklnll": network(),
    "sklnll, one member": network(n_estimators=1),
    "sklnll, normal": network("normal"),
    "sklnll, laplace": network("laplace"),
    "sklnll, mixture of 3 laplace": network(Mixture(Laplace(), 3)),
    "sklnll, no annealing": network(annealing=0.0),
    "sklnll, annealing 0.7": network(annealing=0.7),
    "sklnll, no cosines": network(n_frequencies=0),
    "sklnll, no cosines, no annealing": network(n_frequencies=0, annealing=0.0),
    "sklnll, 16 cosines": network(n_frequencies=16),
    "sklnll, dropout 0.1": network(dropout=0.1),
    "sklnll, 20 members": network(n_estimators=20),
    "sklnll, robust scaling": network(x_scaling="robust"),
    "sklnll, constant rate": network(learning_rate="constant", learning_rate_init=0.001),
    "sklnll, relu": network(activation="relu", weight_init="he"),
    "sklnll, recalibrated": network(recalibrate="nll"),
    "sklnll, chosen": chosen,
}


# Tasks and scores --------------------------------------------------------------------------------


def scores(dist, y):
    """In y's units; the point is the mean."""
    return {
        "NLL": -dist.log_prob(y).mean(),
        "CRPS": dist.crps(y).mean(),
        "RMSE": np.sqrt(np.mean((dist.mean() - y) ** 2)),
        "coverage": np.mean(dist.contains(y, 0.9)),
    }


def task(path, *, inside):
    """From the number of a split to its rows."""

    def rows_of(split):
        file = np.load(path)
        X, y = file["X"].astype(float), file["y"].astype(float)
        train, test = file["train_index"][split], file["test_index"][split]
        if inside:
            train, test = train_test_split(train, test_size=0.1, random_state=split)
        return X[train], y[train], X[test], y[test]

    return rows_of


def folds(path):
    """From the number of a split to its rows, by 10-fold cross-validation, ever again."""

    def rows_of(split):
        file = np.load(path)
        X, y = file["X"].astype(float), file["y"].astype(float)
        repetition, fold = divmod(split, 10)
        splits = KFold(10, shuffle=True, random_state=repetition).split(X)
        train, test = list(splits)[fold]
        return X[train], y[train], X[test], y[test]

    return rows_of


def tasks(parser, args):
    if args.data is None or not args.data.is_dir():
        parser.error(f"--data must name the folder with the sets, boston.npz, ...; got {args.data}")
    paths = {name: args.data / f"{name}.npz" for name in SETS}
    if args.folds:
        return {name: folds(path) for name, path in paths.items()}
    return {name: task(path, inside=args.inside) for name, path in paths.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the sets")
    parser.add_argument("--inside", action="store_true", help="judge on training rows left out")
    parser.add_argument("--folds", action="store_true", help="cross-validate, with --splits 50 say")
    main(__doc__, tasks, MODELS, scores, parser)
