"""
Proportions: beta or binomial?
==============================

A share lies between 0 and 1, and its spread shrinks towards both ends. If the share is *k* out of
*n*, the binomial knows how exact it is. If only the share is known, the beta learns this. Which one
should you choose where both are possible?
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import KFold
from statsmodels import datasets

from sklnll import NLLRegressor
from sklnll.distributions import Beta, Normal

# %%
# Pupils above the median
# -----------------------
# The data describe 303 Californian school districts (J. Gill's *star98* data, from statsmodels).
# They contain how many of the *n* pupils of a district are above the national median in
# mathematics, and twelve columns about pupils and teachers, such as the share of families with low
# income and the spending per pupil.

data = datasets.star98.load_pandas().data
above = data["NABOVE"].to_numpy()
pupils = above + data["NBELOW"].to_numpy()
share = above / pupils
X = data.loc[:, "LOWINC":"PCTYRRND"].to_numpy()
print(
    f"{X.shape[0]} districts, {X.shape[1]} columns; n from {pupils.min():.0f} to {pupils.max():.0f}"
)

# %%
# Three linear networks, one link
# -------------------------------
# - ``"binomial"`` takes *k* as *y* and *n* as ``exposure``. It is logistic regression on grouped
#   data: :math:`-\log p = -k \log \mu - (n - k) \log(1 - \mu) + \text{const}`. The variance of the
#   share is :math:`\mu (1 - \mu) / n`, because it counts *n* independent pupils with equal chances.
# - ``"beta"`` takes the share itself. With the mean :math:`\mu` and the precision :math:`\varphi`,
#   its variance is :math:`\mu (1 - \mu) / (1 + \varphi)`, where :math:`\varphi` is learned.
# - Least squares on the share ignores the ends; its link is the identity.
#
# The probability of a *k* can be compared with a density of the share after multiplication by *n*,
# because the shares *k / n* lie 1 / *n* apart.

families = {
    "least squares": Normal(scale="constant"),
    "binomial": "binomial",
    "beta": Beta(precision="constant"),
}
columns = ["mean", "NLL", "inside", "width", "pit"]
found = {name: pd.DataFrame(0.0, range(len(X)), columns) for name in families}
for train, test in KFold(10, shuffle=True, random_state=0).split(X):
    for name, family in families.items():
        model = NLLRegressor(family, hidden_layer_sizes=(), solver="lbfgs")
        if name == "binomial":
            model.fit(X[train], above[train], exposure=pupils[train])
            dist = model.predict_dist(X[test], exposure=pupils[test])
            y, unit = above[test], pupils[test]
        else:
            dist = model.fit(X[train], share[train]).predict_dist(X[test])
            y, unit = share[test], 1.0
        low, high = dist.interval(0.9).T
        values = [dist.mean() / unit, -dist.log_prob(y) - np.log(unit)]
        values += [dist.contains(y, 0.9), (high - low) / unit, dist.pit(y, random_state=0)]
        found[name].loc[test] = np.column_stack(values)

table = pd.DataFrame({name: rows.mean() for name, rows in found.items()}).T
table["RMSE"] = [np.sqrt(np.mean((rows["mean"] - share) ** 2)) for rows in found.values()]
print(table[["NLL", "inside", "width", "RMSE"]].round(3))

small, middle, large = np.array_split(np.argsort(pupils), 3)
by_size = pd.DataFrame(
    {
        name: [rows["inside"][i].mean() for i in (small, middle, large)]
        for name, rows in found.items()
    },
    index=["small", "middle", "large"],
)
print("\nInside the 90 % interval, by size of the district", by_size.round(2), sep="\n")

gain = found["least squares"]["NLL"] - found["beta"]["NLL"]
print(f"\nLeast squares - beta: {gain.mean():.3f} +- {gain.std() / np.sqrt(len(gain)):.3f} nats")
residual = found["beta"]["mean"] - share
assert 0 < gain.mean() < 0.1
assert table["NLL"]["binomial"] > table["NLL"]["beta"] + 3
assert table["inside"]["binomial"] < 0.5
assert table["inside"][["beta", "least squares"]].between(0.83, 0.95).all()
assert np.ptp(table["RMSE"]) < 0.006
assert by_size.loc["large", "binomial"] < by_size.loc["small", "binomial"] - 0.15
assert by_size.loc["large", "beta"] > by_size.loc["small", "beta"] + 0.1
assert 0.4 < residual[large].std() / residual[small].std() < 0.75
assert np.sqrt(np.median(pupils[small]) / np.median(pupils[large])) < 0.35

# %%

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.semilogx(pupils, share - found["beta"]["mean"], ".", color="black", markersize=4)
size = np.geomspace(pupils.min(), pupils.max(), 100)
phi = NLLRegressor(families["beta"], (), solver="lbfgs").fit(X, share).predict_dist(X[:1])
phi = phi.params["precision"][0]
mean = share.mean()
for name, color, style, variance in [
    ("binomial", "tab:blue", "--", mean * (1 - mean) / size),
    ("beta", "tab:orange", "-", mean * (1 - mean) / (1 + phi) * np.ones_like(size)),
]:
    for side in (-1.645, 1.645):
        label = f"{name}, 90 %" if side > 0 else None
        left.plot(size, side * np.sqrt(variance), style, color=color, label=label)
left.set(xlabel="pupils of the district", ylabel="observed - predicted share")
left.set_title("The spread shrinks, but not as for coins")
left.legend(loc="lower right")
right.hist(
    [found[name]["pit"] for name in ("binomial", "beta")],
    bins=10,
    range=(0, 1),
    density=True,
    color=["tab:blue", "tab:orange"],
    label=["binomial", "beta"],
)
right.axhline(1, color="black", linewidth=1)
right.set(xlabel="predicted probability of less than was observed", ylabel="density of districts")
right.set_title("Too sure, and about right")
right.legend(loc="upper center")
plt.show()

# %%
# All three models find about the same mean. What differs is how sure they are. The binomial
# believes that the pupils of a district are independent draws with one probability, which the
# twelve columns determine. But districts differ in ways that no column describes, and all pupils of
# a district share these differences. The more pupils a district has, the narrower the binomial's
# interval is, and the more districts it misses: less than half of them lie inside. The right panel
# shows that observed shares fall where the binomial says that almost none can. A variance beyond
# that of the binomial is called *overdispersion*; it is the rule where trials come in groups.
#
# The beta learned how widely districts really scatter. Overall, its intervals contain about as many
# districts as they promise, and it beats least squares by a little, because few of the shares are
# near 0 or 1. Its single precision is a compromise: intervals contain more of the large districts
# than of the small ones, because the spread does shrink with *n*, although by far less than the
# square root of *n* would suggest. So choose the binomial where trials are independent given *x*,
# as patients or clicks may be, and check by its coverage whether they were; otherwise choose the
# beta. The beta refuses shares of exactly 0 or 1; for these there is ``"zero_one_inflated_beta"``.
