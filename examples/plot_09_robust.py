"""
Robust regression: outliers in y
================================

Some values of *y* are wrong: a decimal point slipped, a sensor got stuck, or a unit was mistaken.
With squared error, a few such rows drag the whole fit away. Which likelihood is not affected by
them, and why?
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import stats
from sklearn.datasets import load_diabetes
from sklearn.linear_model import HuberRegressor
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import NLLRegressor
from sklnll.distributions import Laplace, Normal, StudentT
from sklnll.metrics import negative_log_likelihood

# %%
# The pull of one row
# -------------------
# With the residual :math:`r = y - \mu`, one row pulls the location :math:`\mu` by the slope of its
# loss, which is called the *score function* :math:`\psi(r) = -\frac{d}{dr} \log p(r)`. For a scale
# of 1 it is
#
# - :math:`r` for the normal: the farther away a row is, the stronger it pulls, without bound;
# - :math:`\operatorname{sign}(r)` for the Laplace, whose loss is the absolute error: all rows pull
#   equally strongly, so only the number of rows on either side counts;
# - :math:`(\nu + 1)\, r / (\nu + r^2)` for Student's *t* with :math:`\nu` degrees of freedom: the
#   pull rises up to :math:`r = \sqrt\nu` and falls back to 0, so a row that is far away is given
#   up. The Cauchy is the case :math:`\nu = 1`; with many degrees of freedom, Student's *t* becomes
#   the normal.

r = np.linspace(-8, 8, 1601)
laws = {"normal": stats.norm(), "laplace": stats.laplace()}
laws |= {"student_t, 4 df": stats.t(4), "cauchy": stats.cauchy()}
scores = {name: -np.gradient(law.logpdf(r), r) for name, law in laws.items()}

assert np.allclose(scores["laplace"][r > 0.1], 1)
assert np.allclose(scores["student_t, 4 df"], 5 * r / (4 + r**2), atol=0.01)
assert np.allclose(scores["cauchy"], 2 * r / (1 + r**2), atol=0.01)

# %%
# Patients with a slipped decimal point
# -------------------------------------
# scikit-learn's diabetes data contain the age, sex, mass index, blood pressure, and six serum
# values of 442 patients, and *y*, the progression of the disease after a year (25 to 346). In a
# growing share of rows, drawn at random, we record *y* ten times too large. Three folds are held
# out in turn. The models see only recorded values, but their errors are measured against the true
# ones. Linear networks suffice here. With a constant scale, the first two models minimize squared
# and absolute errors; the third learns its scale and its degrees of freedom. The baseline is
# scikit-learn's Huber regression, whose score function is a straight line that is cut off.

X, y = load_diabetes(return_X_y=True, scaled=False)
assert (y.min(), y.max(), len(y)) == (25, 346, 442)

linear = {"hidden_layer_sizes": (), "max_iter": 100, "random_state": 0}
models = {
    "normal": NLLRegressor(Normal(scale="constant"), **linear),
    "laplace": NLLRegressor(Laplace(scale="constant"), **linear),
    "student_t": NLLRegressor(StudentT(df="constant", scale="constant"), **linear),
    "Huber": make_pipeline(StandardScaler(), HuberRegressor()),
}
shares = [0.0, 0.05, 0.1, 0.2]
drawn = np.random.default_rng(0).uniform(size=len(y))
error = {(name, share): np.empty(len(y)) for name in models for share in shares}
nll = {key: np.full(len(y), np.nan) for key in error}
df = {share: [] for share in shares}
for name, share in error:
    recorded = np.where(drawn < share, 10 * y, y)
    for train, test in KFold(3, shuffle=True, random_state=0).split(X):
        model = models[name].fit(X[train], recorded[train])
        error[name, share][test] = np.abs(y[test] - model.predict(X[test]))
        if name != "Huber":
            dist = model.predict_dist(X[test])
            nll[name, share][test] = negative_log_likelihood(recorded[test], dist, per_row=True)
        if name == "student_t":
            df[share].append(dist.params["df"][0])

mean_error = pd.DataFrame(error).mean().unstack().loc[list(models)]
mean_nll = pd.DataFrame(nll).mean().unstack().loc[list(models)]
print("Mean absolute error from the true y", mean_error.round(1), sep="\n")
print("\nNLL of recorded y", mean_nll.round(2), sep="\n")
print("\nDegrees of freedom", {share: float(np.mean(df[share]).round(1)) for share in shares})
loss = error["Huber", 0.2] - error["student_t", 0.2]
print(f"\nHuber - student_t at 0.2: {loss.mean():.1f} +- {loss.std() / np.sqrt(len(y)):.1f}")

assert mean_error[0.2]["normal"] > 4 * mean_error[0.0]["normal"]
assert (mean_error.loc["student_t"] < 1.08 * mean_error[0.0]["normal"]).all()
assert loss.mean() > 2 * loss.std() / np.sqrt(len(y))
assert (mean_error[0.1][["laplace", "Huber"]] < 1.08 * mean_error[0.0]["normal"]).all()
assert abs(mean_nll[0.0]["student_t"] - mean_nll[0.0]["normal"]) < 0.05
assert (mean_nll.loc["student_t"] < mean_nll.loc[["normal", "laplace"]].min() - 0.3)[1:].all()
assert min(df[0.0]) > 20
assert max(df[0.1] + df[0.2]) < 1.5

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
styles = {"normal": "-", "laplace": "--", "student_t, 4 df": "-.", "cauchy": ":"}
for name, style in styles.items():
    left.plot(r, scores[name], style, label=name)
left.set(ylim=(-3, 3), xlabel="residual, in scales", ylabel="pull on the location")
left.set_title("How strongly one row pulls")
left.legend(loc="upper left")
styles = {"normal": "o-", "laplace": "s--", "student_t": "D-.", "Huber": "v:"}
for name, style in styles.items():
    color = "tab:gray" if name == "Huber" else None
    right.plot(100 * np.array(shares), mean_error.loc[name], style, color=color, label=name)
right.set(ylim=(0, None), xlabel="wrong values in training (%)", ylabel="mean absolute error")
right.set_xticks([0, 5, 10, 20])
right.set_title("Error from the true y, held out")
right.legend(loc="upper left")
plt.show()

# %%
# The left panel shows how strongly rows pull. The farther away a row is, the more strongly it pulls
# the normal and the less strongly it pulls Student's *t* and the Cauchy; it pulls the Laplace as
# strongly as any other row does. The right panel shows that this is decisive. With a fifth of the
# values wrong, the error of least squares is more than four times as large as before, while
# ``student_t`` predicts within a tenth of the result on clean data. Up to a tenth of wrong values,
# the Laplace and Huber regression do the same. At a fifth, Huber regression falls behind, because
# all wrong rows lie on the same side and each of them continues to pull.
#
# Nothing is lost on clean data. There the learned degrees of freedom are many, so the *t* is nearly
# a normal, and its likelihood is nearly the same, too. With a tenth of wrong values or more, they
# fall towards 1, which is the Cauchy. You need no clean data to see this: the likelihood of
# held-out rows *as recorded* already prefers ``student_t`` clearly. But keep in mind what this
# likelihood refers to. The wide tails describe the recording, so intervals promise where recorded
# values fall, not where true ones do.
