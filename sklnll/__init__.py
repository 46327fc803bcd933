"""Neural networks behind scikit-learn's fit and predict that answer with a distribution."""

from . import displays, distributions, metrics
from .classifier import NLLClassifier
from .comparing import Comparison, compare
from .composition import predict_dist
from .orders import orders_to_ranks, ranks_to_orders
from .ranker import NLLRanker
from .recipe import MLP_DEFAULTS
from .regressor import NLLRegressor

__version__ = "0.1.0"

__all__ = [
    "MLP_DEFAULTS",
    "Comparison",
    "NLLClassifier",
    "NLLRanker",
    "NLLRegressor",
    "compare",
    "displays",
    "distributions",
    "metrics",
    "orders_to_ranks",
    "predict_dist",
    "ranks_to_orders",
]
