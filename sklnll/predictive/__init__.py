"""What does a fitted model say about y at each row? A whole distribution, in y's units."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..distributions import Censored, Distribution
from ._base import Predictive, RandomState
from .labels import LabelPredictive, encode_labels
from .numbers import (
    CensoredPredictive,
    ContinuousPredictive,
    DiscretePredictive,
    PredictiveDistribution,
)

__all__ = [
    "CensoredPredictive",
    "ContinuousPredictive",
    "DiscretePredictive",
    "LabelPredictive",
    "Predictive",
    "PredictiveDistribution",
    "RandomState",
    "encode_labels",
    "predictive",
]


def predictive(distribution: Distribution, params: Mapping[str, np.ndarray]) -> Any:
    """Wrap the parameters of numbers in the class for densities or for masses."""
    if isinstance(distribution, Censored):
        return CensoredPredictive(distribution, params)
    kind = DiscretePredictive if distribution.support.discrete else ContinuousPredictive
    return kind(distribution, params)
