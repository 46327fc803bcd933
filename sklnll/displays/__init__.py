"""What do predicted distributions look like, and do they keep what they promise? Pictures.

Displays as scikit-learn makes them: ``from_estimator`` or ``from_predictions`` computes and plots,
the attributes keep what was computed, ``plot`` draws it again. They need matplotlib.
"""

from ._bands import PredictiveBandDisplay
from ._base import Display, PredictionDisplay
from ._classes import ClassCalibrationDisplay
from ._comparison import ComparisonDisplay
from ._coverage import IntervalCoverageDisplay
from ._density import DensityDisplay
from ._loss import LossCurveDisplay
from ._pit import PITHistogramDisplay
from ._rankings import RankingHeatMapDisplay
from ._reliability import QuantileReliabilityDisplay
from ._rose import RoseDisplay
from ._worm import WormPlotDisplay

__all__ = [
    "ClassCalibrationDisplay",
    "ComparisonDisplay",
    "DensityDisplay",
    "Display",
    "IntervalCoverageDisplay",
    "LossCurveDisplay",
    "PITHistogramDisplay",
    "PredictionDisplay",
    "PredictiveBandDisplay",
    "QuantileReliabilityDisplay",
    "RankingHeatMapDisplay",
    "RoseDisplay",
    "WormPlotDisplay",
]
