r"""
Ordered classes: grades, stages, ratings
========================================

Classes such as "strongly disagree", "disagree", and "agree" have an order, but no distances. A
classifier forgets the order, and a regression invents distances. What does the model in between
gain, and when?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit
from statsmodels.datasets import anes96

from sklnll import NLLClassifier, NLLRegressor
from sklnll.distributions import Normal

# %%
# In the American National Election Study of 1996 (statsmodels' ``anes96``), 944 persons place their
# party identification on seven levels, from 0 "strong Democrat" to 6 "strong Republican". We
# predict the level from eight columns: the size of the place, the amount of television news per
# week, age, education, income, and where between left and right each person places themselves and
# both candidates.

data = anes96.load_pandas().data
names = ["logpopul", "TVnews", "age", "educ", "income", "selfLR", "ClinLR", "DoleLR"]
X = data[names] / data[names].std()
y = data["PID"].to_numpy(dtype=int)

# %%
# The *proportional odds model* puts each row at a place :math:`f(x)` on a hidden scale. Thresholds
# :math:`t_0 < t_1 < \dots < t_5`, which are learned, too, cut this scale into classes:
#
# .. math:: P(y \le k \mid x) = \frac{1}{1 + e^{f(x) - t_k}}.
#
# The probability of class k is the difference of two such numbers, and the loss is minus its
# logarithm, as for any classifier. With eight columns the model learns 8 weights and 6 thresholds,
# whereas the softmax of :class:`sklnll.NLLClassifier` ``("categorical")`` learns 7 times 9 numbers.
# All models are linear here. The regression, :class:`sklnll.NLLRegressor` with a normal, takes
# levels for numbers; its probability of level k is the probability between k - ½ and k + ½.

linear = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 1.0}
models = {
    "ordinal": NLLClassifier("ordinal", **linear),
    "categorical": NLLClassifier("categorical", **linear),
    "normal, on numbers": NLLRegressor(Normal(scale="constant"), **linear),
}
sizes, n_splits = [60, 100, 200, 400, 700], 12
loss = {name: np.empty((len(sizes), n_splits)) for name in models}
steps = {name: np.empty((len(sizes), n_splits)) for name in models}
for i, size in enumerate(sizes):
    splits = StratifiedShuffleSplit(n_splits, train_size=size, random_state=0).split(X, y)
    for j, (train, test) in enumerate(splits):
        for name, model in models.items():
            dist = model.fit(X.iloc[train], y[train]).predict_dist(X.iloc[test])
            if name == "normal, on numbers":
                below = [dist.cdf(np.full(len(test), k + 0.5)) for k in range(6)]
                p = np.diff(below, axis=0, prepend=0, append=1).T
            else:
                p = dist.probs
            loss[name][i, j] = -np.mean(np.log(p[np.arange(len(test)), y[test]]))
            median = (p.cumsum(axis=1) < 0.5).sum(axis=1)
            steps[name][i, j] = np.mean(np.abs(median - y[test]))

print(f"{'rows to learn from':33s}", *(f"{size:6d}" for size in sizes))
for score, table in {"log-loss": loss, "error in steps": steps}.items():
    for name in models:
        print(f"{name:18s} {score:>14s}", *(f"{x:6.2f}" for x in table[name].mean(axis=1)))

few, many = [0, 1, 2], [3, 4]
for name in ["categorical", "normal, on numbers"]:
    differences = loss[name] - loss["ordinal"]
    assert np.all(differences.mean(axis=1)[few] > differences.std(axis=1)[few])
gap = {name: np.mean(loss[name] - loss["ordinal"], axis=1) for name in models}
further = {name: np.mean(steps[name] - steps["ordinal"], axis=1) for name in models}
assert np.all(np.diff(gap["categorical"][:4]) < 0)
assert np.all(np.abs(gap["categorical"][many]) < 0.06)
assert further["categorical"][-1] < 0.01
assert np.all(gap["normal, on numbers"] > 0.05)
assert np.all(further["normal, on numbers"] > 0.02)

# %%
# When it is fitted to all rows, the ordinal model shows how the levels change from left to right.
# All other columns are held at their medians.

model = models["ordinal"].fit(X, y)
persons = np.linspace(1, 7, 61)
typical = X.median().to_frame().T.loc[[0] * len(persons)]
p = model.predict_proba(typical.assign(selfLR=persons / data["selfLR"].std()))
assert np.all(np.diff(p.cumsum(axis=1)[:, :-1], axis=0) < 0)

thresholds = model.predict_dist(X[:1]).params["thresholds"][0]
assert np.diff(thresholds).max() > 2 * np.diff(thresholds).min()

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
for name, mark in zip(models, "os^", strict=True):
    left.plot(sizes, loss[name].mean(axis=1), marker=mark, label=name)
left.set(xscale="log", xticks=sizes, xticklabels=sizes, xlabel="rows to learn from")
left.minorticks_off()
left.set(ylabel="held-out log-loss (nats a row)", title="Order is worth most where rows are few")
left.legend()

colors = plt.colormaps["coolwarm"](np.linspace(0, 1, 7))
labels = ["strong Democrat", "weak", "independent-D.", "independent", "independent-R.", "weak"]
right.stackplot(persons, p.T, colors=colors, edgecolor="white", linewidth=0.5)
for k, (label, place) in enumerate(
    zip([*labels, "strong Republican"], [2, 3, 4, 4, 4, 5.7, 6.2], strict=True)
):
    row = np.argmin(np.abs(persons - place))
    height = p[row, : k + 1].sum() - p[row, k] / 2
    color = "white" if k in (0, 6) else "black"
    right.text(place, height, label, ha="center", va="center", color=color)
right.set(
    xlim=(1, 7), ylim=(0, 1), xlabel="own place, 1 extremely liberal to 7 extremely conservative"
)
right.set(ylabel="probability of each level", title="One scale, six thresholds")
plt.show()

# %%
# The left panel shows the means over twelve random splits. With 60 rows, about nine for each level,
# the softmax pays for weights that it does not need. With 700 rows it is nearly as good as the
# ordinal model, and its error in steps is no worse: the more rows there are, the less an assumption
# is worth. (This assumption can be dropped and the order kept: ``Ordinal(thresholds=None)``.) The
# regression has few weights, too, but its assumptions are wrong with any number of rows: it assumes
# levels at equal distances and normal errors.
#
# The right panel shows that one number moves all seven probabilities. Each step to the right
# divides the odds of "at most this level" by the same factor, whatever the level. The thin band of
# the independents shows that the learned distances between thresholds are far from equal.
