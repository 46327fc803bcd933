r"""
Several outputs, and what one says of another
=============================================

Six numbers of a blood test, in different units, are to be predicted together. Are these six
separate regressions? For the means they may be, but not for the distribution, because the six
numbers go up and down together.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import chi2
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from sklnll import NLLRegressor, compare
from sklnll.distributions import MultivariateNormal, Normal
from sklnll.metrics import energy_score, negative_log_likelihood

# %%
# The diabetes data of Efron and others (2004) contain the age, sex, body mass index, and blood
# pressure of 442 patients, and six measurements of their blood serum: cholesterol (``s1``), its LDL
# and HDL parts (``s2``, ``s3``), their ratio (``s4``), the logarithm of triglycerides (``s5``), and
# blood sugar (``s6``). One of them is about 190, another about 4.

data = load_diabetes(scaled=False, as_frame=True).data
X, Y = data[["age", "sex", "bmi", "bp"]], data[["s1", "s2", "s3", "s4", "s5", "s6"]]
print(Y.describe().loc[["mean", "std"]].round(1))

# %%
# The densities of independent outputs are multiplied, so their losses add up. The *multivariate
# normal* has a covariance matrix :math:`\Sigma = L L^\top` instead,
#
# .. math:: -\log p(y) = \tfrac12 \lVert L^{-1} (y - \mu) \rVert^2 + \log \det L
#           + \tfrac{d}{2} \log 2\pi,
#
# where the network predicts the mean :math:`\mu` and, here, learns one :math:`L` for all patients.
# Both models are linear and have the same means, those of least squares, so they differ only in the
# covariance. ("multivariate_normal" predicts :math:`L` from x, too. That is 21 numbers per patient,
# which needs more rows than there are here.)

linear = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0}
apart = NLLRegressor(Normal(scale="constant"), **linear)
joint = NLLRegressor(MultivariateNormal(scale_tril="constant"), **linear)
result = compare({"independent": apart, "joint": joint}, X, Y, cv=10)
gain, error = result.difference("NLL", against="joint")["independent"]

dist = joint.fit(X, Y).predict_dist(X)
spread = np.sqrt(np.diag(dist.cov()[0]))
correlation = dist.cov()[0] / np.outer(spread, spread)
worth = -0.5 * np.linalg.slogdet(correlation)[1]
print(result.to_frame()[["NLL", "CRPS", "coverage", "RMSE"]].round(2))
print(f"gain {gain:.2f} +- {error:.2f} nats a row; -log(det R) / 2 is {worth:.2f}")
assert gain > 10 * error
assert abs(gain - worth) < 0.5
assert 2.5 < gain < 3.1
for score in ["RMSE", "CRPS", "coverage"]:
    assert np.isclose(*result.mean(score).values(), rtol=0.01)

# %%
# What is the gain? It is minus half the log-determinant of the correlation matrix :math:`R` of the
# residuals: the information that the outputs carry about each other, in nats. Scores of single
# outputs do not see it. :func:`sklnll.metrics.energy_score`, the CRPS of vectors, does. It adds up
# values in y's units, so we give it standardized outputs. This also shows that units do not matter
# to the fit: y is scaled inside, and in other units the loss is the same up to the logarithms of
# the units.

unit = Y.std()
train, test = train_test_split(np.arange(len(Y)), random_state=0)
energy, nll = {}, {}
for name, model in {"independent": apart, "joint": joint}.items():
    in_units = model.fit(X.iloc[train], Y.iloc[train]).predict_dist(X.iloc[test])
    dist = model.fit(X.iloc[train], Y.iloc[train] / unit).predict_dist(X.iloc[test])
    nll[name] = negative_log_likelihood(Y.iloc[test], in_units)
    moved = negative_log_likelihood(Y.iloc[test] / unit, dist) + np.log(unit).sum()
    assert np.isclose(moved, nll[name], atol=1e-3)
    energy[name] = energy_score(Y.iloc[test] / unit, dist, per_row=True)
worse = energy["independent"] - energy["joint"]
print(f"energy score, independent less joint: {worse.mean():.3f}", end=" ")
print(f"+- {worse.std() / np.sqrt(len(test)):.3f} of {energy['joint'].mean():.2f}")
assert worse.mean() > 2 * worse.std() / np.sqrt(len(test))

# %%
# The joint distribution also tells what remains unknown about one output once others are measured:
# this is ``condition``. We apply it to held-out patients.

dist = joint.fit(X.iloc[train], Y.iloc[train]).predict_dist(X.iloc[test])
truth, share = Y.iloc[test].to_numpy(), []
for j in range(6):
    rest = dist.condition({k: truth[:, k] for k in range(6) if k != j})
    share.append(rest.std()[0, 0] / dist.std()[0, j])
    shrinks = np.std(truth[:, j] - rest.mean()[:, 0]) / np.std(truth[:, j] - dist.mean()[:, j])
    assert abs(share[j] - shrinks) < 0.15
assert max(share[:5]) < 0.5 < 0.8 < share[5] < 1

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
residual, cov = truth - dist.mean(), dist.cov()[0][:2, :2]
turn = np.linspace(0, 2 * np.pi, 200)
circle = np.sqrt(chi2.ppf(0.9, df=2)) * np.stack([np.cos(turn), np.sin(turn)])
left.plot(residual[:, 0], residual[:, 1], ".", color="gray", label="held-out patients")
for name, matrix, style in [("independent", np.diag(np.diag(cov)), "--"), ("joint", cov, "-")]:
    left.plot(*(np.linalg.cholesky(matrix) @ circle), style, lw=2, label=f"{name}, 90 %")
left.set(xlabel="s1, cholesterol, less its mean (mg/dl)", ylabel="s2, LDL, less its mean (mg/dl)")
left.set(title="Two outputs, given age, sex, mass and pressure")
left.legend(loc="upper left")
names = ["cholesterol", "LDL", "HDL", "ratio", "triglycerides", "sugar"]
right.barh([f"{k}, {name}" for k, name in zip(Y, names, strict=True)], share, height=0.6)
right.axvline(1, color="gray", ls="--")
right.set(xlabel="predicted standard deviation, share that is left", xlim=(0, 1.1))
right.set(title="What the other five leave unknown")
right.invert_yaxis()
plt.show()

# %%
# In the left panel, both 90 % regions have the same extent along each axis, but most of the dashed
# region is empty: the independent model considers high cholesterol with low LDL possible. The loss
# pays for all that room, nearly 3 nats per patient. The right panel shows what remains once the
# other five outputs are known. For each of the first five outputs, it is less than half of the
# standard deviation, and the errors of the conditional means shrink by the same amount. This is
# partly arithmetic, since ``s4`` is a ratio of two others; the model learned it from the rows.
# Blood sugar is nearly independent of the others. If each output matters only on its own,
# independent outputs are enough. For sums, differences, and regions, or where outputs arrive one by
# one, predict them jointly.
