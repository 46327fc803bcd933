"""Neural networks behind scikit-learn's fit and predict that answer with a distribution."""

from . import distributions, metrics
from .classifier import NLLClassifier
from .composition import predict_dist
from .regressor import NLLRegressor

__version__ = "0.1.0"

__all__ = ["NLLClassifier", "NLLRegressor", "distributions", "metrics", "predict_dist"]
