"""
Calibration: do intervals hold what they promise?
=================================================

An interval of 90 % should contain the truth for nine rows in ten. Whether it does can be seen only
on rows that were not used for training. This page shows how to check it, what a network does that
was trained for too long, what corrects this, and why calibration alone does not make a good
prediction.
"""

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.model_selection import ShuffleSplit

from sklnll import NLLRegressor
from sklnll.displays import IntervalCoverageDisplay, PITHistogramDisplay, QuantileReliabilityDisplay
from sklnll.distributions import Normal
from sklnll.metrics import interval_coverage, interval_width, negative_log_likelihood

# %%
# With the predicted distribution function F, each held-out y has a *probability integral transform*
#
# .. math:: u_i = F(y_i \mid x_i),
#
# which is the predicted probability of values below the observed one. If the predictions are right,
# u is uniform between 0 and 1. All of calibration can be read from it: the share of rows with
# :math:`u \le q` is the share below the predicted q-quantile, and a central interval of 90 %
# contains the rows with :math:`0.05 \le u \le 0.95`.
#
# The data are 442 diabetes patients, with ten measurements each and the progression of their
# disease a year later. Three splits leave 150 patients for training and 292 for judging. So few
# training rows are enough to go wrong.
#
# * *No hold-out* trains for 30 epochs on all 150 rows.
# * *Default* holds 15 % of them out and keeps the weights that are best on those rows.
# * *Recalibrated* widens or narrows its distributions by one factor, which is determined by a third
#   of the held-out rows: seven or eight rows here.
# * *Five members* is the mixture of five networks, each with its own held-out rows.
# * *Marginal* ignores x: it is one normal distribution for all patients.

X, y = load_diabetes(return_X_y=True)
models = {
    "no hold-out": NLLRegressor(early_stopping=False, max_iter=30, random_state=0),
    "default": NLLRegressor(random_state=0),
    "recalibrated": NLLRegressor(recalibrate="nll", random_state=0),
    "five members": NLLRegressor(n_estimators=5, random_state=0),
    "marginal": NLLRegressor(Normal(loc="constant", scale="constant"), (), solver="lbfgs"),
}
scores, dists = [], {}
for train, test in ShuffleSplit(3, train_size=150, random_state=0).split(X):
    for name, model in models.items():
        dist = dists[name] = model.fit(X[train], y[train]).predict_dist(X[test])
        row = {f"{q:.0%}": interval_coverage(y[test], dist, coverage=q) for q in (0.5, 0.8, 0.9)}
        row |= {"width of 90%": interval_width(dist), "NLL": negative_log_likelihood(y[test], dist)}
        scores.append({"model": name, **row, "CRPS": dist.crps(y[test]).mean()})
table = pd.DataFrame(scores).groupby("model").mean().loc[list(models)]
print("share of held-out patients inside, width and scores, mean over the splits")
print(table.round(2).to_string())

# %%
# The scores in the last two columns are proper: on average, nothing beats the true distribution,
# and lower is better. Coverage and width are not proper, because each can be improved at the
# expense of the other.

assert table.loc["no hold-out", "90%"] < 0.65
assert table.loc["no hold-out", "NLL"] > table.loc["marginal", "NLL"] + 1
for name in ("five members", "marginal"):
    assert abs(table.loc[name, "90%"] - 0.9) < 0.07
assert table.loc["no hold-out", "90%"] + 0.1 < table.loc["default", "90%"]
assert table.loc["default", "90%"] < 0.9
assert abs(table.loc["recalibrated", "90%"] - table.loc["default", "90%"]) < 0.08
assert table.loc["marginal", "width of 90%"] > 1.2 * table.loc["five members", "width of 90%"]
best, others = ["recalibrated", "five members"], ["no hold-out", "default", "marginal"]
for score in ("NLL", "CRPS"):
    assert table.loc[best, score].max() < table.loc[others, score].min()

# %%
# Three displays show one split. The gray bands show what calibrated predictions reach by chance.

shown = ["no hold-out", "five members", "marginal"]
fig, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
ends = {}
for name, style in zip(shown, ["-", "-", "--"], strict=True):
    given = {"name": name, "linestyle": style}
    pit = PITHistogramDisplay.from_predictions(y[test], dists[name], ax=axes[0], **given)
    ends[name] = pit.heights[[0, -1]].mean()
    QuantileReliabilityDisplay.from_predictions(y[test], dists[name], ax=axes[1], **given)
    IntervalCoverageDisplay.from_predictions(y[test], dists[name], ax=axes[2], **given)
for ax, title in zip(
    axes, ["Too narrow: high ends", "Quantiles", "Central intervals"], strict=True
):
    ax.set_title(title)
axes[0].get_legend().remove()
assert ends["no hold-out"] > 1.5 > ends["five members"]
plt.show()

# %%
# The network without a hold-out believes that its errors are as small elsewhere as on the rows it
# knows. Its histogram has high ends, its quantiles are too close to each other, and its 90 %
# interval contains fewer than two thirds of the patients. The default stops in time, but with so
# few rows it is still too narrow. One factor from seven rows helps, and so do five members.
#
# The marginal distribution keeps its promise at 90 %, too, and yet it knows nothing: its intervals
# are wider by a fifth or more. So it is not enough to be calibrated. Among calibrated predictions
# the sharpest one is the best, and a proper score weighs both properties at once: NLL and CRPS are
# lowest where the width is recalibrated, and for five members. For labels,
# :class:`sklnll.displays.ClassCalibrationDisplay` asks the same question.
