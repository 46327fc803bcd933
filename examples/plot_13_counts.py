"""
Counts: exposure, overdispersion and many zeros
===============================================

The cases of a disease in a county and a person's visits to a doctor are counts: 0, 1, 2, and so on.
A large county has more cases because it is large, and many people see no doctor at all. How do
these two facts enter a model?
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, KFold
from statsmodels import datasets

from sklnll import NLLRegressor
from sklnll.distributions import NegativeBinomial, Normal

# %%
# Exposure is a factor of the mean
# --------------------------------
# The first data set is about breast cancer in 301 counties (J. Rice, *Mathematical Statistics and
# Data Analysis*, from statsmodels): there are *y* cases among *n* thousand people. If each thousand
# has :math:`\lambda(x)` cases on average, *n* thousand have :math:`n \lambda(x)`. So *n* is the
# ``exposure``, and with a log link it appears in the model as :math:`\log n` with the coefficient
# 1:
#
# .. math:: \log \operatorname{E}(y) = \log n + \log \lambda(x).
#
# One could also divide first and fit a normal to the rate *y / n*. But the rate of a small county
# is noisy and that of a large one is not: the variance of a Poisson rate is :math:`\lambda / n`.
# With :math:`x = \log n`, we let the rate itself depend on the size, too.

cancer = datasets.cancer.load_pandas().data
cases = cancer["cancer"].to_numpy()
thousands = cancer["population"].to_numpy() / 1000
X = np.log(thousands)[:, None]

linear = {"hidden_layer_sizes": (), "solver": "lbfgs"}
families = {
    "poisson": "poisson",
    "negative_binomial": NegativeBinomial(dispersion="constant"),
    "normal": Normal(scale="constant"),
    "normal, spread by n": Normal(),
}
nll = {name: np.empty(len(cases)) for name in families}
inside = {name: np.empty(len(cases)) for name in families}
for train, test in KFold(10, shuffle=True, random_state=0).split(X):
    for name, family in families.items():
        model = NLLRegressor(family, **linear)
        y, n = cases[test], thousands[test]
        if name.startswith("normal"):
            dist = model.fit(X[train], cases[train] / thousands[train]).predict_dist(X[test])
            mass = dist.cdf((y + 0.5) / n) - dist.cdf((y - 0.5) / n)  # of the whole number y
            nll[name][test], inside[name][test] = -np.log(mass), dist.contains(y / n, 0.9)
        else:
            model.fit(X[train], cases[train], exposure=thousands[train])
            dist = model.predict_dist(X[test], exposure=n)
            nll[name][test], inside[name][test] = -dist.log_prob(y), dist.contains(y, 0.9)

third = pd.qcut(thousands, 3, labels=["small", "middle", "large"])
table = pd.DataFrame(inside).groupby(third, observed=True).mean().T
table.insert(0, "NLL", pd.DataFrame(nll).mean())
print("Held-out NLL, and the share inside the 90 % interval by size of the county")
print(table.round(2))

free = NLLRegressor(families["negative_binomial"], **linear).fit(X, cases).coefs_[0].item()
print(f"Coefficient of log n without exposure: {free:.2f}")
gap = nll["normal"] - nll["negative_binomial"]
print(f"Normal - negative binomial: {gap.mean():.3f} +- {gap.std() / np.sqrt(len(gap)):.3f} nats")
assert abs(free - 1) < 0.1
assert gap.mean() > 1.5 * gap.std() / np.sqrt(len(gap))
assert np.mean(nll["poisson"] - nll["negative_binomial"]) > 0.2
assert abs(np.mean(nll["normal, spread by n"] - nll["negative_binomial"])) < 0.05
assert table.loc["poisson", "large"] < 0.65
assert table.loc["negative_binomial", ["small", "middle", "large"]].between(0.84, 0.96).all()
assert table.loc["normal", "small"] < 0.83
assert table.loc["normal", "large"] > 0.96

# %%
# The variance of the Poisson equals its mean :math:`\mu` and cannot be larger. The variance of the
# negative binomial is :math:`\mu + \alpha \mu^2`: counties of one size differ in their rates, too,
# and the dispersion :math:`\alpha` is learned.
#
# Many zeros
# ----------
# The second data set is the RAND health insurance experiment (statsmodels' *randhie*): visits to a
# doctor in a year, explained by nine columns about insurance and health. Each of the 20,190 rows is
# a year of a person. One half of the rows is held out. Neighboring rows with equal columns, which
# are usually years of one person, stay together. A *zero-inflated* family adds a probability that
# nothing can happen at all.

randhie = datasets.randhie.load_pandas().data
visits, X = randhie["mdvis"].to_numpy(), randhie.drop(columns="mdvis").to_numpy()
assert X.shape == (20190, 9)
person = np.cumsum(np.append(0, np.diff(X, axis=0).any(axis=1)))
half = GroupShuffleSplit(1, test_size=0.5, random_state=0)
train, test = next(half.split(X, groups=person))

numbers = np.arange(21)
observed = np.bincount(visits[test].astype(int))[: len(numbers)]
expected, scores = {}, {}
inflated = ["zero_inflated_poisson", "zero_inflated_negative_binomial"]
for name in ["poisson", "negative_binomial", *inflated]:
    dist = NLLRegressor(name, **linear).fit(X[train], visits[train]).predict_dist(X[test])
    scores[name] = -dist.log_prob(visits[test]).mean()
    expected[name] = dist.pmf(numbers[:, None]).sum(axis=1)
added = dist.params["inflation"].mean()
frame = pd.DataFrame({"NLL": scores, "zeros expected": {k: v[0] for k, v in expected.items()}})
print(frame.round(2), f"{observed[0]} of {len(test)} are zeros", sep="\n")

assert expected["poisson"][0] < 0.4 * observed[0]
for name in ["negative_binomial", *inflated]:
    assert abs(expected[name][0] - observed[0]) < 0.1 * observed[0]
assert expected["zero_inflated_poisson"][12:].sum() < 0.5 * observed[12:].sum()
assert abs(expected["negative_binomial"][12:].sum() / observed[12:].sum() - 1) < 0.35
assert scores["poisson"] > scores["zero_inflated_poisson"] + 0.2
assert scores["zero_inflated_poisson"] > scores["negative_binomial"] + 0.4
assert abs(scores["zero_inflated_negative_binomial"] - scores["negative_binomial"]) < 0.01
assert added < 0.05

# %%

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
size = np.geomspace(thousands.min(), thousands.max(), 100)
X, X_size = np.log(thousands)[:, None], np.log(size)[:, None]
ends = {}
for name in ("negative_binomial", "poisson"):
    model = NLLRegressor(families[name], **linear).fit(X, cases, exposure=thousands)
    ends[name] = model.predict_interval(X_size, exposure=size) / size[:, None]
ends["normal"] = (
    NLLRegressor(families["normal"], **linear).fit(X, cases / thousands).predict_interval(X_size)
)
left.fill_between(
    size, *ends["negative_binomial"].T, color="tab:orange", alpha=0.4, label="negative_binomial"
)
left.semilogx(size, ends["poisson"], color="tab:blue", label=["poisson", None])
left.plot(size, ends["normal"], "--", color="black", label=["normal", None])
left.plot(thousands, cases / thousands, ".", color="black", markersize=4)
left.set(xlabel="population (thousands)", ylabel="cases per thousand")
left.set_title("Rates of small counties scatter")
left.legend(loc="upper right", title="90 % interval")
right.bar(numbers, np.sqrt(observed), color="lightgray", label="observed")
lines = {"poisson": "o--", "zero_inflated_poisson": "s:", "negative_binomial": "D-"}
colors = {"poisson": "tab:blue", "zero_inflated_poisson": "tab:green"}
for name, style in lines.items():
    color = colors.get(name, "tab:orange")
    right.plot(numbers, np.sqrt(expected[name]), style, color=color, markersize=4, label=name)
right.set(xlabel="visits in a year", ylabel="root of the number of rows")
right.set_title("Zeros and the tail at once")
right.legend(loc="upper right")
plt.show()

# %%
# In the left panel, rates of small counties scatter more, because they are counts of few people.
# The negative binomial knows this from the exposure: its interval is a funnel and keeps about what
# it promises in counties of all sizes. The funnel of the Poisson becomes too narrow where counts
# are large. The normal of the rate has one width, which is too narrow for small counties and too
# wide for large ones. It catches up if it learns its spread from *n*, which the count families knew
# already. Without exposure, the learned coefficient of :math:`\log n` is nearly the 1 that exposure
# puts there.
#
# The right panel shows square roots of frequencies, so that rare counts can be seen. The Poisson
# expects fewer than half of the zeros. Zero inflation corrects the zeros, but not the tail. The
# negative binomial comes close to both, without a parameter for zeros: people differ, and those who
# seldom go to a doctor produce the zeros, while those who often go produce the tail. Given the
# choice, its zero-inflated form finds hardly any zeros to add. Many zeros alone are no reason for
# zero inflation; first ask whether the counts are overdispersed.
