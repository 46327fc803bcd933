r"""
Class imbalance: what class weights do
======================================

A detector learns from 100,000 faces and 900,000 pieces of background. Should the rare class get a
larger weight? This page uses the same ratio of 1 : 9 on a small scale: is a handwritten digit an 8
or one of the nine others? The pictures of :func:`sklearn.datasets.load_digits` are coarsened to 4 x
4 pixels and the model is linear, so that the classes overlap. Half of the 1797 rows are held out.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss, recall_score, roc_auc_score, roc_curve
from sklearn.model_selection import train_test_split

from sklnll import NLLClassifier

images, digit = load_digits(return_X_y=True)
X = images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)
y = (digit == 8).astype(int)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)

# %%
# Weights of M / m
# ----------------
# Let M be the number of rows, of which :math:`m_i` belong to class *i*. The weight :math:`M / m_i`
# gives each class the same total:
#
# .. math:: -\sum_{n=1}^{M} \frac{M}{m_{y_n}} \log p(y_n \mid x_n) .
#
# ``class_weight="balanced"`` divides these weights by the number of classes, which changes nothing.

share = np.bincount(y_train) / len(y_train)
linear = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0, "tol": 1e-6}
plain = NLLClassifier("bernoulli", **linear).fit(X_train, y_train)
weights = {label: 1 / share[label] for label in (0, 1)}
weighted = NLLClassifier("bernoulli", class_weight=weights, **linear).fit(X_train, y_train)
balanced = NLLClassifier("bernoulli", class_weight="balanced", **linear).fit(X_train, y_train)
p_plain = plain.predict_proba(X_test)[:, 1]
p_weighted = weighted.predict_proba(X_test)[:, 1]
assert np.allclose(p_weighted, balanced.predict_proba(X_test)[:, 1], atol=1e-3)

# %%
# Another world, and the way back
# -------------------------------
# Weighting rows has the same effect as repeating them. So the weighted model predicts for a world
# in which both classes are equally frequent. By Bayes' theorem, its odds are the true odds times
# :math:`m_0 / m_1`, which is about 9 here. Hence the weighted probability is above 1/2 where the
# plain one is above the share of the rare class, :math:`m_1 / M`. The weighted odds times
# :math:`m_1 / m_0` are the odds of this world again.

odds = p_weighted / (1 - p_weighted) * share[1] / share[0]
p_back = odds / (1 + odds)
decisions = {
    "plain, above 1/2": (p_plain, 0.5),
    "weighted, above 1/2": (p_weighted, 0.5),
    "plain, above m_1 / M": (p_plain, share[1]),
    "weighted, converted back, above 1/2": (p_back, 0.5),
}
rows = {}
for name, (p, threshold) in decisions.items():
    rows[name] = {
        "recall": recall_score(y_test, p > threshold),
        "false alarms": np.mean(p[y_test == 0] > threshold),
        "errors": np.mean((p > threshold) != y_test),
        "mean probability": p.mean(),
        "NLL": log_loss(y_test, p),
        "ROC AUC": roc_auc_score(y_test, p),
    }
table = pd.DataFrame(rows).T

usual, heavy, moved, back = rows.values()
assert usual["recall"] < 0.4 < 0.65 < min(heavy["recall"], moved["recall"])
assert heavy["false alarms"] > 3 * usual["false alarms"]
assert usual["errors"] == table["errors"].min()
assert np.mean((p_weighted > 0.5) == (p_plain > share[1])) > 0.9
assert abs(usual["mean probability"] - y_test.mean()) < 0.02
assert heavy["mean probability"] > 2 * y_test.mean()
assert abs(back["mean probability"] - y_test.mean()) < 0.03
assert usual["NLL"] < back["NLL"] < heavy["NLL"] - 0.15
assert 0 < heavy["ROC AUC"] - usual["ROC AUC"] < 0.03
table.round(3)

# %%

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
curves = {"plain": p_plain, "weighted": p_weighted, "converted back": p_back}
for (name, p), style in zip(curves.items(), ["o-", "s--", "^:"], strict=True):
    observed, predicted = calibration_curve(y_test, p, n_bins=6, strategy="quantile")
    left.plot(predicted, observed, style, label=name)
left.plot([0, 0.75], [0, 0.75], color="gray", lw=0.8, label="as predicted")
left.set(xlabel="predicted probability of an 8", ylabel="share of eights")
left.set_title("Weights change the probabilities ...")
left.legend(loc="upper left")

for p, style in [(p_plain, "-"), (p_weighted, "--")]:
    false_alarms, recall, _ = roc_curve(y_test, p)
    right.plot(false_alarms, recall, style, alpha=0.5)
for name, style in zip(list(rows)[:3], ["o", "s", "D"], strict=True):
    color = "tab:orange" if name.startswith("weighted") else "tab:blue"
    right.plot(*table.loc[name, ["false alarms", "recall"]], style, color=color, ms=9, label=name)
right.set(xlabel="false alarms (share of the others)", ylabel="recall (share of eights)")
right.set_title("... and move along nearly one curve")
right.legend(loc="lower right")
plt.show()

# %%
# Without weights, most eights are missed at the threshold 1/2. This is right if all errors cost the
# same: every other line of the table makes more errors. With weights, most eights are found, and
# there are more than three times as many false alarms. The left panel shows the price: the weighted
# probabilities are, on average, more than twice too high for this world. Bayes' theorem corrects
# most of that, although the likelihood of the plain model remains the best. The right panel shows
# the gain, which is small. The plain model with the threshold :math:`m_1 / M` decides like the
# weighted model in more than nine of ten rows. The weighted curve lies a little higher, because a
# linear model is too simple to be right everywhere here, and weights change where it is right.
#
# So fit the likelihood without weights, and let the threshold express what errors cost: if a miss
# costs nine times as much as a false alarm, the threshold is 1/10. Weights are the right choice if
# the model will be used in a world with that balance, or if the threshold cannot be moved.
