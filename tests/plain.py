"""Estimators that train as scikit-learn's multi-layer perceptrons do, for tests of single parts."""

from sklnll import MLP_DEFAULTS, NLLClassifier, NLLRanker, NLLRegressor
from sklnll._network.marginal import MarginalFit

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 5, "learning_rate_init": 0.01}
"""Parameters of a net that is fitted in a moment, and has learned a little."""


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


def marginal_raw(head, y, weight, **params):
    """The raw values of the fit without x: those of predicted and of constant parameters."""
    fit = MarginalFit.of(head, y, weight, **params)
    return fit.raw, fit.constant
