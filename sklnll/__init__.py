"""Neural networks behind scikit-learn's fit and predict that answer with a distribution."""

from . import displays, distributions, metrics
from ._messages import NumericalWarning
from ._training.recipe import MLP_DEFAULTS
from ._version import __version__ as __version__
from .comparison import Comparison, compare
from .composition import predict_dist
from .estimators.classifier import NLLClassifier
from .estimators.ranker import NLLRanker
from .estimators.regressor import NLLRegressor
from .orders import orders_to_ranks, ranks_to_orders

__all__ = [
    "MLP_DEFAULTS",
    "Comparison",
    "NLLClassifier",
    "NLLRanker",
    "NLLRegressor",
    "NumericalWarning",
    "compare",
    "displays",
    "distributions",
    "metrics",
    "orders_to_ranks",
    "predict_dist",
    "ranks_to_orders",
]
