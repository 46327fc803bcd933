"""Store a fitted estimator of each kind as this version does: ``python -m stored.store``.

Run it from the folder of the tests, once a version, and add the files to the repository. Files of
earlier versions are never made anew: `test_stored_models.py` holds that they can be loaded.
"""

import json
from pathlib import Path

import numpy as np
import skops.io

import sklnll
from sklnll.distributions import Mixture, Normal, StudentT

FOLDER = Path(__file__).parent
BRIEF = {"hidden_layer_sizes": (3,), "max_iter": 5, "random_state": 0}
_LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 50}

_rng = np.random.default_rng(0)
X = _rng.normal(size=(40, 2)).round(3)
_real = (X[:, 0] + _rng.normal(size=40)).round(3)
_labels = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]
_mixed = np.column_stack([X[:, 0], np.arange(40) % 4, np.where(X[:, 1] > 1, np.nan, X[:, 1])])
_orders = (X @ _rng.normal(size=(2, 3)) + _rng.gumbel(size=(40, 3))).argsort(axis=1)

# name -> estimator and y: each kind of y, scaled or not, one member or several.
MODELS = {
    "regressor": (sklnll.NLLRegressor(StudentT(df="constant"), **BRIEF), _real),
    "regressor_columns": (sklnll.NLLRegressor(categorical_features=[1], **BRIEF), _real),
    "regressor_members": (sklnll.NLLRegressor("gamma", n_estimators=2, **BRIEF), np.exp(_real)),
    "regressor_linear": (sklnll.NLLRegressor(Normal(scale="constant"), **_LINEAR), _real),
    "regressor_mixture": (sklnll.NLLRegressor(Mixture(Normal(), 2), **BRIEF), _real),
    "regressor_vectors": (
        sklnll.NLLRegressor("multivariate_normal", batch_norm=True, **BRIEF),
        np.column_stack([_real, X[:, 1]]),
    ),
    "classifier": (sklnll.NLLClassifier(**BRIEF), _labels),
    "classifier_indicators": (sklnll.NLLClassifier(**BRIEF), (X > 0).astype(int)),
    "classifier_ordinal": (sklnll.NLLClassifier("ordinal", **BRIEF), np.digitize(_real, [-1, 1])),
    "ranker": (sklnll.NLLRanker(**BRIEF), _orders),
}


ROWS = dict.fromkeys(MODELS, X) | {"regressor_columns": _mixed}


def predicted_params(net, rows) -> dict:
    """The parameters that are predicted for these rows, as lists."""
    return {name: value.tolist() for name, value in net.predict_dist(rows).params.items()}


def main() -> None:
    for name, (net, y) in MODELS.items():
        path = FOLDER / f"{name}-{sklnll.__version__}.skops"
        net.fit(ROWS[name], y)
        skops.io.dump(net, path)
        path.with_suffix(".json").write_text(json.dumps(predicted_params(net, ROWS[name])))


if __name__ == "__main__":
    main()
