"""
Positive numbers: durations and amounts
=======================================

Durations, prices and amounts are positive, many are small and a few are large. The normal knows
none of this: it is symmetric, and gives probability to values below zero. What do distributions of
positive numbers change?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, LeaveOneGroupOut
from statsmodels import datasets

from sklnll import NLLRegressor, compare
from sklnll.distributions import Gamma, LogNormal, Normal, Weibull

# %%
# Four families, one idea
# -----------------------
# In each of them the unit of *y* is a factor, the scale :math:`\theta(x)`, and a log link makes it
# positive; linear networks are then known models. With :math:`z = y / \theta(x)`,
#
# - ``"exponential"``: :math:`-\log p = \log \theta + z`, durations whose end is equally near on
#   each day that they last;
# - ``"gamma"``: :math:`-\log p = \log \theta - (k - 1) \log z + z + \log \Gamma(k)`, the gamma GLM
#   if the shape *k* is constant; the standard deviation is then a fixed share of the mean;
# - ``"weibull"``: :math:`z^k` is exponential, for ends that come nearer or recede;
# - ``"log_normal"``: :math:`\log y` is normal.
#
# So the last one is least squares of :math:`\log y`, and its median is the exponential of that fit.
# The food that 235 Belgian households buy in a year (Engel's data of 1857, in francs, from
# statsmodels) is explained by the logarithm of their income.

engel = datasets.engel.load_pandas().data
X_food, food = np.log(engel[["income"]].to_numpy()), engel["foodexp"].to_numpy()
linear = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0}

log_normal = NLLRegressor(LogNormal(sigma="constant"), tol=1e-8, **linear).fit(X_food, food)
of_logs = LinearRegression().fit(X_food, np.log(food))
assert np.allclose(log_normal.predict_dist(X_food).median(), np.exp(of_logs.predict(X_food)))

# %%
# Held-out rows
# -------------
# The second data set is smaller, and more skewed: how many days 62 strikes in US manufacturing
# lasted (J. Kennan, 1985, from statsmodels), and how far industrial production was from its trend,
# one number for all strikes of a year. So a year is held out as a whole; of the households ten
# random parts are. The normal competes twice: as least squares, and with a spread that depends on
# *x*, from which the differences are taken.

strikes = datasets.strikes.load_pandas().data
X_strike, days = strikes[["iprod"]].to_numpy(), strikes["duration"].to_numpy()

families = {
    "least squares": Normal(scale="constant"),
    "normal": Normal(),
    "exponential": "exponential",
    "gamma": Gamma(shape="constant"),
    "weibull": Weibull(shape="constant"),
    "log_normal": LogNormal(sigma="constant"),
}
models = {name: NLLRegressor(family, **linear) for name, family in families.items()}
years = list(LeaveOneGroupOut().split(X_strike, days, groups=X_strike[:, 0]))
parts = KFold(10, shuffle=True, random_state=0)
of_strikes = compare(models, X_strike, days, cv=years)
of_food = compare(models, X_food, food, cv=parts)
columns = ["NLL", "NLL difference", "standard error", "CRPS", "coverage", "RMSE"]
print("Strikes (days)", of_strikes.to_frame(against="normal")[columns].round(2), "", sep="\n")
print("Food (francs)", of_food.to_frame(against="normal")[columns].round(2), sep="\n")

for name in ["exponential", "gamma", "weibull", "log_normal"]:
    mean, error = of_strikes.difference("NLL", against="normal")[name]
    assert mean < -2 * error
    mean, error = of_food.difference("NLL", against="normal")[name]
    assert mean > 5 * error if name == "exponential" else abs(mean) < 2 * error
mean, error = of_strikes.difference("CRPS", against="normal")["exponential"]
assert abs(mean) < 2 * error
assert of_strikes.mean("RMSE")["exponential"] > of_strikes.mean("RMSE")["least squares"]

# %%
# Now fitted to all rows, with the central 90 % interval at each *x*.

squares, gamma = (models[name].fit(X_strike, days) for name in ("least squares", "gamma"))
dist = squares.predict_dist(X_strike)
print(f"Strikes that last less than no time, by least squares: {dist.cdf(0).mean():.0%}")
assert 0.1 < dist.cdf(0).mean() < 0.25
assert np.mean(dist.interval(0.9)[:, 0] < 0) > 0.8
assert abs(gamma.predict_dist(X_strike).params["shape"][0] - 1) < 0.1
dist = models["gamma"].fit(X_food, food).predict_dist(X_food)
assert np.allclose(dist.std() / dist.mean(), 0.13, atol=0.01)
assert food[engel["income"].argmax()] < dist.interval(0.9)[engel["income"].argmax(), 0]

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
log_income = np.linspace(X_food.min(), X_food.max(), 200)[:, None]
production = np.linspace(X_strike.min(), X_strike.max(), 200)[:, None]
colors = {"least squares": "tab:blue", "exponential": "tab:orange", "gamma": "tab:orange"}
for name in ("least squares", "exponential"):
    dist = models[name].fit(X_strike, days).predict_dist(production)
    left.fill_between(production[:, 0], *dist.interval(0.9).T, color=colors[name], alpha=0.3)
    left.plot(production, dist.median(), color=colors[name], label=name)
for name in ("least squares", "gamma"):
    dist = models[name].fit(X_food, food).predict_dist(log_income)
    right.fill_between(
        np.exp(log_income[:, 0]), *dist.interval(0.9).T, color=colors[name], alpha=0.3
    )
    right.plot(np.exp(log_income), dist.median(), color=colors[name], label=name)
left.plot(X_strike, days, ".", color="black", markersize=4)
left.set_xticks([-0.1, -0.05, 0, 0.05])
left.set(
    xlabel="production above its trend (log)",
    ylabel="duration (days)",
    title="Strikes: many short ones, few long",
)
right.plot(engel["income"], food, ".", color="black", markersize=4)
right.set(
    xlabel="income (francs a year)",
    ylabel="food (francs a year)",
    title="Food: the spread grows with the mean",
)
for ax, place in [(left, "upper right"), (right, "upper left")]:
    ax.axhline(0, color="black", linewidth=1)
    ax.legend(loc=place, title="median and 90 % interval")
plt.show()

# %%
# On the left, least squares gives about a sixth of its probability to strikes that last less than
# no time, and most of its intervals begin below zero. The exponential starts at zero, its long
# strikes are on one side only, and the gamma with its free shape agrees: the shape comes out as
# about 1. The likelihood prefers all four families clearly. But it is their shape that is better,
# not their mean: the CRPS is no different, and for years that are held out the mean of least
# squares is even nearer, because a log link extrapolates steeply.
#
# On the right, the standard deviation is about 13 % of the mean, whatever the income. The gamma,
# the Weibull and the log-normal know this by one constant; least squares has one width for all
# incomes. A normal that learns its spread from *x* catches up; the exponential, whose standard
# deviation *is* the mean, is far behind. (The richest household buys less than the gamma's interval
# allows: a power of income is not the whole truth.) So it is not enough that a family is positive.
# How large is the spread beside the mean? Compare a few on held-out rows.
