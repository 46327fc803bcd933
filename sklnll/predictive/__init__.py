"""What does a fitted model say about y at each row? A whole distribution, in y's units."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..distributions import Distribution
from ._base import Predictive, RandomState
from .labels import LabelPredictive, encode_labels
from .numbers import (
    ContinuousPredictive,
    DiscretePredictive,
    MixedPredictive,
    PredictiveDistribution,
)

__all__ = [
    "ContinuousPredictive",
    "DiscretePredictive",
    "LabelPredictive",
    "MixedPredictive",
    "Predictive",
    "PredictiveDistribution",
    "RandomState",
    "encode_labels",
    "predictive",
]


def predictive(distribution: Distribution, params: Mapping[str, np.ndarray]) -> Any:
    """Wrap the parameters of numbers in the class for densities, for masses, or for both."""
    if distribution.support.discrete:
        return DiscretePredictive(distribution, params)
    kind = MixedPredictive if distribution.support.atoms else ContinuousPredictive
    return kind(distribution, params)
