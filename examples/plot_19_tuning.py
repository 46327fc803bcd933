"""
Tuning a network with GridSearchCV
==================================

Which family should you use, how large a network, and how strong a penalty? ``GridSearchCV`` tries
all combinations if you tell it what "better" means. For distributions, this is not R².
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import PowerTransformer

from sklnll import NLLRegressor, predict_dist
from sklnll.distributions import Normal
from sklnll.metrics import neg_nll_scorer, negative_log_likelihood

# %%
# The data are 442 diabetes patients, with ten measurements each in their own units and the
# progression of the disease a year later. A quarter of them is set aside before anything is chosen.
# The others are split into four folds. Everything that a candidate learns, including the
# transformation of skewed columns, it learns inside the pipeline from three folds, and it is judged
# on the fourth. A limit of sixty epochs keeps the search short.

X, y = load_diabetes(return_X_y=True, scaled=False)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

model = Pipeline(
    [("columns", PowerTransformer()), ("net", NLLRegressor(max_iter=60, random_state=0))]
)
grid = {
    "net__distribution": [Normal(scale="constant"), "normal", "log_normal"],
    "net__hidden_layer_sizes": [(), (32,)],
    "net__alpha": [1e-4, 10.0],
}
search = GridSearchCV(
    model,
    grid,
    scoring={"nll": neg_nll_scorer, "r2": "r2"},
    refit="nll",
    cv=KFold(4, shuffle=True, random_state=0),
).fit(X_train, y_train)
print("chosen:", search.best_params_)

# %%
# ``neg_nll_scorer`` is the mean log-likelihood of the held-out rows. It is a proper score: on
# average, no distribution does better than the true one. R² looks only at the mean. It cannot
# distinguish candidates that differ only in their spread or their family.

results = search.cv_results_
nll = np.array([-results[f"split{fold}_test_nll"] for fold in range(4)])
r2 = results["mean_test_r2"]
names = []
for setting in results["params"]:
    family = str(setting["net__distribution"]).replace(
        "Normal(scale='constant')", "normal, one scale"
    )
    size = "linear" if setting["net__hidden_layer_sizes"] == () else "32 units"
    names.append(f"{family}, {size}, alpha {setting['net__alpha']:g}")
mean_nll = nll.mean(axis=0)
order = np.argsort(mean_nll)
difference = nll - nll[:, [search.best_index_]]
error = np.sqrt(difference.var(axis=0, ddof=1) * (1 / 4 + 1 / 3))
for place in order:
    print(
        f"{names[place]:42s}R² {r2[place]:.3f}   NLL {nll[:, place].mean():.3f}, "
        f"{difference[:, place].mean():.3f} ± {error[place]:.3f} more"
    )

one_scale = np.array(["one scale" in name for name in names])
spread = np.array([name.startswith("normal,") for name in names]) & ~one_scale
assert np.mean(mean_nll[spread] < mean_nll[one_scale]) >= 0.75
linear = np.array(["linear" in name for name in names])
assert np.all(np.abs(r2[spread & linear] - r2[one_scale & linear]) < 0.02)
assert mean_nll[spread].mean() + 0.01 < mean_nll[one_scale].mean()
near = difference.mean(axis=0) <= 2 * error
assert np.sum(near) >= 6
assert np.any(near & linear)
assert nll.mean(axis=1).std() > nll.mean(axis=0).std()

# %%
# The score of a winner is a little too good on average, because luck helped it to win. Its true
# worth shows on the rows that were set aside. There it is compared with the defaults of
# :class:`sklnll.NLLRegressor`, with the standard error of the difference. The number of members
# needs no search, because more members seldom do harm: search with one member, and then fit with
# five.

fits = {
    "defaults": NLLRegressor(random_state=0).fit(X_train, y_train),
    "chosen": search.best_estimator_,
    "chosen, five members": clone(search.best_estimator_).set_params(net__n_estimators=5),
}
fits["chosen, five members"].fit(X_train, y_train)
test_nll = {}
for name, fitted in fits.items():
    test_nll[name] = negative_log_likelihood(y_test, predict_dist(fitted, X_test), per_row=True)
    gain = test_nll[name] - test_nll["defaults"]
    error_of_gain = gain.std(ddof=1) / np.sqrt(len(gain))
    print(f"{name:21s} {test_nll[name].mean():.3f}  ({gain.mean():+.3f} ± {error_of_gain:.3f})")
assert test_nll["chosen, five members"].mean() < test_nll["chosen"].mean() + 0.02

# %%

fig, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4.5), layout="constrained", width_ratios=[3, 2]
)
rows = np.arange(len(order))
for fold, marker in enumerate("osD^"):
    left.plot(difference[fold, order], rows, marker, ms=5, alpha=0.6, color="tab:blue")
left.errorbar(
    difference.mean(axis=0)[order], rows, xerr=2 * error[order], fmt="|", color="k", ms=12, lw=1
)
left.axvline(0, color="0.4", ls="--", lw=1)
left.set_yticks(rows, [names[place] for place in order])
left.invert_yaxis()
left.set(
    xlabel="NLL above that of the chosen one (nats)", title="Four folds and two standard errors"
)

right.plot([r2[one_scale], r2[spread]], [mean_nll[one_scale], mean_nll[spread]], color="0.6", lw=1)
right.plot(r2[one_scale], mean_nll[one_scale], "s", color="tab:orange", label="normal, one scale")
right.plot(r2[spread], mean_nll[spread], "o", color="tab:blue", label="normal, scale from x")
right.set(xlabel="R² of held-out rows", ylabel="NLL (nats)", title="R² does not see the scale")
right.legend()
plt.show()

# %%
# In the left panel, the markers are the folds, which are the same four for all candidates. Folds
# differ more than candidates do, so only differences on the same rows are informative. At least
# half of the candidates, linear ones among them, lie within two standard errors of the chosen one.
# (These errors take into account that the fits share rows.) So the search says less than its single
# winner suggests. How much the winner gained is for the rows that were set aside to say, once.
#
# In the right panel, lines join candidates that differ only in their scale: one scale for all
# patients, or one for each. Most lines fall, and on average the second choice is worth more than a
# hundredth of a nat. For the linear candidates, R² is nearly the same at both ends, so a search by
# R² could not have seen this.
