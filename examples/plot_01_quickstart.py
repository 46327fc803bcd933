"""
From fit to predictive distribution
===================================

How much better is a distribution than a number? Two of scikit-learn's data sets answer this
question: the progression of diabetes (a positive number) and breast cancer (one of two labels). All
predictions are judged on held-out rows and compared with honest baselines.

Run this page as ``python plot_01_quickstart.py --save figure.png``, or without ``--save`` to see
the figure on the screen.
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import NLLClassifier, NLLRegressor, compare
from sklnll.distributions import Normal

parser = argparse.ArgumentParser(description="Fit distributions to real data.")
parser.add_argument("--save", metavar="FILE", help="where to save the figure (default: show it)")
options = parser.parse_args()

# %%
# Numbers: the progression of diabetes
# ------------------------------------
# The data describe 442 patients: their age, sex, body mass index, blood pressure, and six blood
# serum measurements, and how far the disease had progressed a year later. Five small networks
# together predict a distribution for each patient.

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)

model = NLLRegressor("normal", n_estimators=5, random_state=0).fit(X_train, y_train)
dist = model.predict_dist(X_test)
inside = dist.contains(y_test, 0.9)

print("Three patients, not seen in training")
print("  truth           ", y_test[:3])
print("  mean            ", dist[:3].mean().round(1))
print("  std             ", dist[:3].std().round(1))
print("  90 % interval   ", dist[:3].interval(0.9).round(0).tolist())
print("  P(y > 200)      ", dist[:3].sf(200).round(3))

assert 0.8 < inside.mean() < 0.98
assert np.corrcoef(dist.mean(), dist.std())[0, 1] > 0.3  # who fares worse is less certain

# %%
# Is that better than the usual models? :func:`sklnll.compare` fits all models on the same five
# folds. The negative log-likelihood (NLL, in nats per row) and the continuous ranked probability
# score (CRPS, in y's units) judge the whole distribution, and lower values are better. The coverage
# is the share of held-out patients inside their 90 % interval. scikit-learn's models predict no
# distribution, so their points are compared by the root mean squared error. A linear network with a
# constant spread is least squares together with the standard deviation of its residuals.

linear = {"hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 1000}
mlp = make_pipeline(StandardScaler(), MLPRegressor(early_stopping=True, random_state=0))
regressors = {
    "linear, constant spread": NLLRegressor(Normal(scale="constant"), **linear),
    "marginal normal": NLLRegressor(Normal(loc="constant", scale="constant"), **linear),
    "five networks": NLLRegressor("normal", n_estimators=5, random_state=0),
    "LinearRegression": LinearRegression(),
    "MLPRegressor": TransformedTargetRegressor(mlp, transformer=StandardScaler()),
}
numbers = compare(regressors, X, y)
print(f"\nDiabetes, {len(y)} rows, 5-fold cross-validation")
print(numbers)

gain, error = numbers.difference("NLL")["five networks"]
print(f"five networks against linear: {gain:+.3f} ± {error:.3f} nats a row")
assert -0.07 < gain < -0.01
assert 0.01 < error < 0.05
assert numbers.difference("NLL", "marginal normal")["five networks"][0] < -0.3
assert 0.86 < numbers.mean("coverage")["five networks"] < 0.94
rmse = numbers.mean("RMSE")
assert rmse["five networks"] < 1.03 * rmse["LinearRegression"] < 1.06 * rmse["five networks"]

# %%
# Labels: breast cancer
# ---------------------
# The data describe 569 tumors by thirty measurements each. The networks and the principle are the
# same; the loss is now the cross-entropy.

X_cancer, y_cancer = load_breast_cancer(return_X_y=True)
networks = NLLClassifier(n_estimators=5, random_state=0)
mlp = MLPClassifier(max_iter=500, random_state=0)
classifiers = {
    "marginal shares": DummyClassifier(),
    "LogisticRegression": make_pipeline(StandardScaler(), LogisticRegression()),
    "MLPClassifier": make_pipeline(StandardScaler(), mlp),
    "five networks": networks,
}
folds = StratifiedKFold(3, shuffle=True, random_state=0)
benign, loss, nll = {}, {}, {}
print(f"\nBreast cancer, {len(y_cancer)} rows, 3-fold cross-validation")
print(f"{'':25s}   NLL  accuracy")
for name, classifier in classifiers.items():
    p = cross_val_predict(classifier, X_cancer, y_cancer, cv=folds, method="predict_proba")
    loss[name] = -np.log(p[np.arange(len(p)), y_cancer])
    benign[name], nll[name] = p[:, 1], loss[name].mean()
    print(f"{name:25s}{nll[name]:6.3f}{np.mean(p.argmax(axis=1) == y_cancer):10.3f}")

difference = loss["five networks"] - loss["LogisticRegression"]
error = difference.std() / np.sqrt(len(difference))
between = np.mean((benign["five networks"] > 0.2) & (benign["five networks"] < 0.8))
print(
    f"five networks against LogisticRegression: {difference.mean():+.3f} ± {error:.3f} nats a row"
)
print(f"share of tumours with a probability between 0.2 and 0.8: {between:.3f}")

for name in ("LogisticRegression", "MLPClassifier", "five networks"):
    sure = abs(benign[name] - 0.5) > 0.3
    assert np.mean((benign[name] > 0.5)[sure] == y_cancer[sure]) > 0.95
assert nll["five networks"] < nll["marginal shares"] / 4
assert abs(difference.mean()) < 2.5 * error
assert between < 0.15

# %%
# The figure
# ----------

order = np.argsort(dist.mean())
low, high = dist.interval(0.9)[order].T
truth, inside = y_test[order], inside[order]
rank = np.arange(len(order))

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
left.vlines(rank, low, high, color="tab:blue", alpha=0.35, lw=3, label="90 % interval")
left.plot(rank, dist.mean()[order], "_", color="tab:blue", ms=5, label="mean")
left.plot(rank[inside], truth[inside], "k.", label="truth")
left.plot(rank[~inside], truth[~inside], "x", color="tab:red", label="truth, outside")
left.set(
    xlabel="held-out patient, by predicted mean",
    ylabel="progression of diabetes",
    title=f"{inside.sum()} of {inside.size} patients inside their interval",
)
left.legend(loc="upper left")

for name, marker in {"LogisticRegression": "s", "MLPClassifier": "^", "five networks": "o"}.items():
    share, p = calibration_curve(y_cancer, benign[name], n_bins=5)
    right.plot(p, share, marker=marker, label=f"{name}, NLL {nll[name]:.3f}")
right.plot([0, 1], [0, 1], ":", color="gray", label="as predicted")
right.set(
    xlabel="predicted probability of a benign tumour",
    ylabel="share that is benign",
    title="Breast cancer: are the probabilities right?",
)
right.legend(loc="upper left")

if options.save:
    figure.savefig(options.save, dpi=150)
else:
    plt.show()

# %%
# On the left, patients with a mild prognosis get narrower intervals than patients with a severe
# one. The network learned that the spread grows with the mean, which a constant spread cannot
# express. About nine in ten held-out patients lie inside their interval. These 442 rows are nearly
# linear, so no mean is clearly better than the linear one. The likelihood of the networks is about
# 0.04 nats per patient better than that of the linear model, with an error of about 0.03. This gain
# comes from their spread. The networks are far ahead of the marginal model.
#
# On the right, most tumors lie at the two ends, where all three classifiers are nearly always
# right. The tumors between the ends are too few to tell which curve is better, and the likelihoods
# of the networks and of logistic regression do not differ by more than chance. Which distribution
# should you ask for? That is the question of
# :ref:`the next page <sphx_glr_auto_examples_plot_02_recipe.py>`.
