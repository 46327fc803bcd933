"""Estimators that train as scikit-learn's multi-layer perceptrons do, for tests of single parts."""

from sklnll import MLP_DEFAULTS, NLLClassifier, NLLRanker, NLLRegressor


def plainly(estimator, *args, **params):
    """An instance with `MLP_DEFAULTS`, where `args` (distribution first) and `params` allow."""
    given = dict(zip(["distribution", "hidden_layer_sizes", "activation"], args, strict=False))
    return estimator(**{**MLP_DEFAULTS, **given, **params})


def plain_regressor(*args, **params):
    return plainly(NLLRegressor, *args, **params)


def plain_classifier(*args, **params):
    return plainly(NLLClassifier, *args, **params)


def plain_ranker(*args, **params):
    return plainly(NLLRanker, *args, **params)
