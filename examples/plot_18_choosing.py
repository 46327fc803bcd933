r"""
Which distribution? Choosing a family
=====================================

A table says which families suit which kind of y, but this leaves several. For a positive number
there are the gamma, the Weibull, the log-normal, and more. Which one is right for these rows, and
why?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from sklnll import NLLRegressor, compare
from sklnll.displays import ComparisonDisplay, WormPlotDisplay
from sklnll.distributions import StudentT

# %%
# In the breast cancer data of Street, Wolberg and Mangasarian (1993), the nuclei of the cells in an
# image differ in area. Here y is the standard error of that area, which is positive and strongly
# skewed. The features x are the logarithms of the nuclei's mean radius, texture, smoothness,
# compactness, and symmetry, for 569 images.

data = load_breast_cancer(as_frame=True).data
columns = ["mean radius", "mean texture", "mean smoothness", "mean compactness", "mean symmetry"]
X, y = np.log(data[columns]), data["area error"]
assert y.skew() > 3

# %%
# :func:`sklnll.compare` fits all candidates on the same ten folds. All of them are linear here, so
# that they are quick to fit and differ in little but the family. The positive families have the
# logarithm as link, which makes the model a power law; for the real families it is a plane. The
# last model is the normal of log y, whose spread depends on x. Student's t has 4 degrees of
# freedom: learned from such skewed y, they run to their lowest value, of which ``fit`` warns.

linear = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0.1}
families = ["log_normal", "gamma", "weibull", "student_t", "normal"]
models = {family: NLLRegressor(family, **linear) for family in families}
models["student_t"].set_params(distribution=StudentT(df=4))
models["normal, of log y"] = TransformedTargetRegressor(
    models["normal"], func=np.log, inverse_func=np.exp
)
result = compare(models, X, y, cv=10, random_state=0)
print(result.to_frame()[["NLL", "CRPS", "coverage", "RMSE"]].round(2))

# %%
# The likelihoods are densities, in nats per row. They may be compared if all models are densities
# of *the same y in the same unit*, on the same rows. So the normal of log y has to be transformed
# back to y, which ``compare`` does through scikit-learn's ``TransformedTargetRegressor``. The
# result is the log-normal, found again. A family of counts cannot be compared here, since its
# likelihood is a probability.
#
# The *continuous ranked probability score* (CRPS) generalizes the absolute error to distributions
# and is in y's unit. It asks how far the probability lies from y, whereas the likelihood asks how
# much of it lies exactly there. So the likelihood sees shapes, and the CRPS sees above all
# locations.

nll, crps = result.difference("NLL"), result.difference("CRPS")
for family in ["gamma", "weibull", "student_t", "normal"]:
    assert nll[family][0] > 2 * nll[family][1]
for family in ["student_t", "normal"]:
    assert crps[family][0] > 2 * crps[family][1]
relative = {name: crps[name][0] / result.mean("CRPS")["log_normal"] for name in models}
assert relative["gamma"] < 0.02
assert relative["weibull"] < 0.06
assert min(relative["student_t"], relative["normal"]) > 0.2
assert abs(nll["normal, of log y"][0]) < 0.02
assert result.mean("RMSE")["weibull"] < 0.9 * result.mean("RMSE")["normal"]

figure, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
for ax, score in zip(axes, ["NLL", "CRPS"], strict=True):
    ComparisonDisplay.from_comparison(result, score=score, ax=ax)

# %%
# Why is a family wrong? The *worm plot* shows it. Each held-out y is turned into the normal
# quantile of its predicted probability of a lower value, and then the expected quantile is
# subtracted. The worm of a right family lies flat in its band.

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
figure, axes = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained", sharey=True)
outside = {}
for ax, family in zip(axes, ["normal", "weibull", "log_normal"], strict=True):
    dist = models[family].fit(X_train, y_train).predict_dist(X_test)
    worm = WormPlotDisplay.from_predictions(y_test, dist, ax=ax, name=family)
    band = np.interp(worm.expected, worm.grid, worm.band)
    outside[family] = np.mean(np.abs(worm.deviation) > band)
    ax.set(ylim=(-1.4, 1.4), title=f"{family}, {100 * outside[family]:.0f} % outside")
    if family == "weibull":
        low, middle, high = (part.mean() for part in np.split(worm.deviation, [28, -8]))
        assert min(low, high) > 0.1 > 0 > middle
assert outside["log_normal"] < outside["normal"] < outside["weibull"]
assert outside["weibull"] > 0.3
plt.show()

# %%
# All positive families beat the real ones, by likelihood and by CRPS. So the possible values of y
# come first, and here they also lead to the better mean. Among the positive families the CRPS
# hardly differs, by less than 2 % for the gamma, because their means and widths are alike. The
# likelihood differs by more than two standard errors, and the worm of the Weibull shows why: it is
# a U, above zero at both ends and below it in between. Small values are not as small as predicted,
# and large values are larger, so y is more skewed than a Weibull. The worm of the log-normal is the
# closest to flat. The worm of the normal is less wrong than that of the Weibull, although its loss
# is higher: a worm shows whether predictions are right on average, not whether they tell rows
# apart.
#
# So proceed as follows. List the families that suit the possible values of y, and compare them by
# likelihood, on the same folds. Look at the worm of the best family, not only at its rank. If two
# families are within two standard errors, take the simpler one, or the one whose errors you can
# explain. If you care about the CRPS or an error, check that the winner is not worse by this
# measure. To choose a family *and* report its score, choose inside the training rows, as
# :ref:`sphx_glr_auto_examples_plot_19_tuning.py` does.
