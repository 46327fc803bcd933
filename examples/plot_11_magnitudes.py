"""
Positive numbers: durations and amounts
=======================================

Durations, prices, and amounts are positive; many of them are small, and a few are large. The normal
distribution knows nothing of this: it is symmetric and assigns probability to values below zero.
What changes with distributions of positive numbers?
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
# In each of these families the unit of *y* is a factor, the scale :math:`\theta(x)`, and a log link
# keeps it positive. Linear networks are then well-known models. With :math:`z = y / \theta(x)`,
#
# - ``"exponential"`` has :math:`-\log p = \log \theta + z` and describes durations whose end is
#   equally near on each day that they last;
# - ``"gamma"`` has :math:`-\log p = \log \theta - (k - 1) \log z + z + \log \Gamma(k)`; it is the
#   gamma GLM if the shape *k* is constant, and the standard deviation is then a fixed share of the
#   mean;
# - in ``"weibull"``, :math:`z^k` is exponential, which suits ends that come nearer or recede;
# - in ``"log_normal"``, :math:`\log y` is normal.
#
# So the last family is least squares on :math:`\log y`, and its median is the exponential of that
# fit. In the first data set, the logarithm of income explains the food that 235 Belgian households
# buy in a year (Engel's data of 1857, in francs, from statsmodels).

engel = datasets.engel.load_pandas().data
X_food, food = np.log(engel[["income"]].to_numpy()), engel["foodexp"].to_numpy()
linear = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0}

log_normal = NLLRegressor(LogNormal(sigma="constant"), tol=1e-8, **linear).fit(X_food, food)
of_logs = LinearRegression().fit(X_food, np.log(food))
assert np.allclose(log_normal.predict_dist(X_food).median(), np.exp(of_logs.predict(X_food)))

# %%
# Held-out rows
# -------------
# The second data set is smaller and more skewed. It contains how many days 62 strikes in US
# manufacturing lasted (J. Kennan, 1985, from statsmodels), and how far industrial production was
# from its trend, which is one number for all strikes of a year. Whole years are therefore held out;
# of the households, ten random parts are held out. The normal competes twice: as least squares, and
# with a spread that depends on *x*. The differences are relative to the latter.

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
# Now the models are fitted to all rows and drawn with the central 90 % interval at each *x*.

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
# In the left panel, least squares gives about a sixth of its probability to strikes that last less
# than no time, and most of its intervals begin below zero. The exponential starts at zero, and its
# long strikes are on one side only. The gamma agrees, although its shape is free: the learned shape
# is about 1. The likelihood clearly prefers all four families. What is better is their shape and
# not their mean, however. The CRPS does not differ, and for years that are held out the mean of
# least squares is even closer, because a log link extrapolates steeply.
#
# In the right panel, the standard deviation is about 13 % of the mean, whatever the income. The
# gamma, the Weibull, and the log-normal express this with one constant, whereas least squares has
# one width for all incomes. A normal that learns its spread from *x* catches up. The exponential,
# whose standard deviation *is* the mean, is far behind. (The richest household buys less than the
# gamma's interval allows: a power of income is not the whole truth.) So it is not enough that a
# family is positive. Ask also how large the spread is relative to the mean, and compare a few
# families on held-out rows.
