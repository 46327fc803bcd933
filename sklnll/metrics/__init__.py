"""How good are predicted distributions?

Functions of an observed y and a predicted distribution, and scorers for scikit-learn's model
selection.
"""

from ._angles import circular_mean_absolute_error, circular_r2_score
from ._calibration import (
    expected_calibration_error,
    probability_integral_transform,
    quantile_calibration_error,
)
from ._deviance import d2_score
from ._information import cross_entropy, entropy, kl_divergence
from ._intervals import interval_coverage, interval_score, interval_width, pinball_loss
from ._marginal import fit_marginal
from ._scorers import (
    DistributionScorer,
    IntervalScorer,
    coverage_scorer,
    d2_scorer,
    neg_crps_scorer,
    neg_interval_score_scorer,
    neg_nll_scorer,
)
from ._scores import (
    brier_score,
    continuous_ranked_probability_score,
    energy_score,
    kendall_tau_score,
    negative_log_likelihood,
)

__all__ = [
    "DistributionScorer",
    "IntervalScorer",
    "brier_score",
    "circular_mean_absolute_error",
    "circular_r2_score",
    "continuous_ranked_probability_score",
    "coverage_scorer",
    "cross_entropy",
    "d2_score",
    "d2_scorer",
    "energy_score",
    "entropy",
    "expected_calibration_error",
    "fit_marginal",
    "interval_coverage",
    "interval_score",
    "interval_width",
    "kendall_tau_score",
    "kl_divergence",
    "neg_crps_scorer",
    "neg_interval_score_scorer",
    "neg_nll_scorer",
    "negative_log_likelihood",
    "pinball_loss",
    "probability_integral_transform",
    "quantile_calibration_error",
]
