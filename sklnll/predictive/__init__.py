"""What does a fitted model say about y at each row? A whole distribution, in y's units."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..distributions import (
    CircularDistribution,
    Distribution,
    RankingDistribution,
    VectorDistribution,
)
from ._base import Predictive, RandomState
from .averages import average, average_of_labels, labels_by_probability, side_by_side
from .circular import CircularPredictive
from .labels import IndicatorPredictive, LabelPredictive, encode_indicators, encode_labels
from .numbers import (
    CensoredPredictive,
    ContinuousPredictive,
    DiscretePredictive,
    MixedPredictive,
    PredictiveDistribution,
)
from .rankings import RankingPredictive
from .several_labels import SeveralLabelsPredictive
from .transformed import TransformedPredictive, transformed
from .vectors import VectorPredictive

__all__ = [
    "CensoredPredictive",
    "CircularPredictive",
    "ContinuousPredictive",
    "DiscretePredictive",
    "IndicatorPredictive",
    "LabelPredictive",
    "MixedPredictive",
    "Predictive",
    "PredictiveDistribution",
    "RandomState",
    "RankingPredictive",
    "SeveralLabelsPredictive",
    "TransformedPredictive",
    "VectorPredictive",
    "average",
    "average_of_labels",
    "encode_indicators",
    "encode_labels",
    "labels_by_probability",
    "predictive",
    "side_by_side",
    "transformed",
]


def predictive(distribution: Distribution, params: Mapping[str, np.ndarray]) -> Any:
    """Wrap the parameters in the class that suits y: rankings, vectors, angles, numbers."""
    if isinstance(distribution, RankingDistribution):
        return RankingPredictive(distribution, params)
    if isinstance(distribution, VectorDistribution):
        return VectorPredictive(distribution, params)
    if isinstance(distribution, CircularDistribution):
        return CircularPredictive(distribution, params)
    if distribution.exact is not distribution:
        return CensoredPredictive(distribution, params)
    if distribution.support.discrete:
        return DiscretePredictive(distribution, params)
    kind = MixedPredictive if distribution.support.atoms else ContinuousPredictive
    return kind(distribution, params)
