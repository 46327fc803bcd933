r"""
Rankings: which item first, which next
======================================

A guest ranks dishes, an order ranks suppliers, and a data set ranks algorithms: sometimes y is a
ranking of several items. What is its likelihood? And what is lost when only the first places are
known?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor

from sklnll import NLLRanker, orders_to_ranks
from sklnll.displays import RankingHeatMapDisplay
from sklnll.metrics import kendall_tau_score

# %%
# The rankings are made from scikit-learn's handwritten digits from 0 to 5, as Cheng, Hühn and
# Hüllermeier (2009) did with other data: naive Bayes orders the labels of each image by their
# probability. So each row of y lists the six digits, from the likeliest one to the one that the
# image resembles least. We learn these rankings from 600 images of 64 pixels and predict them for
# the other images.

X, digit = load_digits(n_class=6, return_X_y=True)
naive_bayes = GaussianNB(var_smoothing=0.1).fit(X, digit)
y = np.argsort(-naive_bayes.predict_log_proba(X), axis=1)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=600, random_state=0)
print(y[:3])

# %%
# The *Plackett-Luce model* gives each item a score :math:`s_i(x)`. The winner is drawn by a softmax
# over all scores, the second item by a softmax over those that are left, and so on:
#
# .. math:: -\log p(y \mid x) = -\sum_{j} \log \frac{e^{s_{y_j}}}{\sum_{l \ge j} e^{s_{y_l}}}.
#
# This is one loss, made of cross-entropies; when only the winners are known, it is the softmax of
# classification. If only the first k places are known, the sum simply ends after k terms.
# :class:`sklnll.NLLRanker` accepts such rows with -1 in the unknown places. *Kendall's tau* is the
# share of pairs of items in the right order minus the share in the wrong order.

known = [1, 2, 3, 6]
tau, first = {}, {}
for k in known:
    partial = np.where(np.arange(6) < k, y_train, -1)
    model = NLLRanker(random_state=0).fit(X_train, partial)
    predicted = model.predict(X_test)
    tau[k] = kendall_tau_score(y_test, predicted)
    first[k] = np.mean(predicted[:, 0] == y_test[:, 0])
    print(f"{k} places known: tau {tau[k]:.3f}, first place right {first[k]:.3f}")

# %%
# Two baselines take ranks for numbers and sort what they predict: least squares, and the mean rank
# among ten neighbors, which is Borda's count.

baselines = {"least squares": LinearRegression(), "neighbors": KNeighborsRegressor(10)}
for name, regressor in baselines.items():
    ranks = regressor.fit(X_train, orders_to_ranks(y_train)).predict(X_test)
    baselines[name] = kendall_tau_score(y_test, np.argsort(ranks, axis=1), per_row=True)
    print(f"{name}: tau {baselines[name].mean():.3f}")

full = kendall_tau_score(y_test, predicted, per_row=True)
for of_baseline in baselines.values():
    gain = full - of_baseline
    assert gain.mean() > 2 * gain.std() / np.sqrt(len(gain))
assert tau[1] + 0.02 < tau[2] < tau[3] < tau[6] - 0.01
assert max(first.values()) - min(first.values()) < 0.04
assert min(first.values()) > 0.9

threes = y_test[:, 0] == 3
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
left.plot(known, tau.values(), "o-", label="Kendall's tau")
left.plot(known, first.values(), "s--", label="share of first places right")
for (name, score), style in zip(baselines.items(), [":", "-."], strict=True):
    left.axhline(score.mean(), color="gray", ls=style, label=f"tau of {name}, all places known")
left.set(xlabel="places known in training", ylabel="on held-out images", xticks=known)
left.set(title="The winner needs one place, the rest needs more")
left.legend(loc="lower right")
display = RankingHeatMapDisplay.from_predictions(
    y_test[threes], model.predict_dist(X_test[threes]), kind="places", ax=right
)
right.set(title="Images that are most like a 3", ylabel="digit")
assert np.abs(display.predicted - display.observed).mean() < 0.05
assert display.predicted[2, 1] > 0.6
assert display.predicted[[0, 4], 4:].sum() > 1.7
plt.show()

# %%
# The left panel shows that one place per row is enough to tell which digit is first, and that
# further places do not help with that. The order of the other digits can be learned only from
# further places: tau rises with each of them. The ranker that has seen whole rankings also orders
# better than both baselines, which have seen whole rankings, too. The right panel shows its
# predictions for the held-out images whose first digit is a 3. The 2 mostly comes next, and the
# last two places are left to the 0 and the 4. On average, the predicted probabilities are within
# 0.05 of the observed shares, which are given in brackets. The prediction is not one order but a
# distribution over orders.
