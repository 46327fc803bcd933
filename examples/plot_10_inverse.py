"""
Inverse problems: several answers at once
=========================================

A cause has one effect, but an effect often has several possible causes. Many positions of a robot's
joints reach the same point, for instance, and the mean of such answers need not be an answer. What
does a network say when it is asked for the cause?
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import argrelmax
from scipy.stats import norm

from sklnll import NLLRegressor

# %%
# One cause, one effect; one effect, three causes
# -----------------------------------------------
# This is a classic example (C. M. Bishop, *Mixture density networks*, 1994): the cause *y* is
# uniform on (0, 1), and the effect is :math:`x = y + 0.3 \sin(2 \pi y) + \varepsilon`, with normal
# noise of standard deviation 0.05. The data are simulated, so that the truth is known. By Bayes'
# rule it is :math:`p(y \mid x) = p(x \mid y) / \int_0^1 p(x \mid t)\, dt`.


def effect(y):
    return y + 0.3 * np.sin(2 * np.pi * y)


rng = np.random.default_rng(0)
y_train, y_test = rng.uniform(size=1000), rng.uniform(size=1000)
x_train, x_test = (effect(y) + 0.05 * rng.normal(size=1000) for y in (y_train, y_test))
grid = np.linspace(0, 1, 401)

# %%
# The *normal* has one peak. A *mixture* adds up several peaks, and the network predicts the weight,
# the place, and the width of each from *x*:
#
# .. math:: p(y \mid x) = \sum_k w_k(x)\, \mathcal{N}(y;\, \mu_k(x), \sigma_k(x)), \qquad
#    \text{loss} = -\log p(y \mid x).
#
# The logarithm stands outside the sum. The component that explains a row best therefore gets most
# of its gradient, and in this way the components divide the answers among themselves.

models = {name: NLLRegressor(name, random_state=0) for name in ("normal", "normal_mixture")}
dists = {}
for name, model in models.items():
    dists[name] = model.fit(x_train[:, None], y_train).predict_dist(x_test[:, None])

evidence = norm.pdf(x_test, effect(grid[:, None]), 0.05).mean(axis=0)
truth = norm.logpdf(x_test, effect(y_test), 0.05) - np.log(evidence)
nll = {"truth": -truth.mean()} | {name: -d.log_prob(y_test).mean() for name, d in dists.items()}
rmse = {name: np.sqrt(np.mean((y_test - dist.mean()) ** 2)) for name, dist in dists.items()}

# %%
# Does a predicted answer work? We compute its effect and see how far this is from *x*.

answers = {"mean of the normal": dists["normal"].mean()}
answers["mean of the mixture"] = dists["normal_mixture"].mean()
answers["mode of the mixture"] = dists["normal_mixture"].mode()
miss = {name: np.abs(effect(answer) - x_test).mean() for name, answer in answers.items()}
print("NLL of held-out rows", {name: round(float(v), 2) for name, v in nll.items()})
print("RMSE of the mean    ", {name: round(float(v), 3) for name, v in rmse.items()})
print("|effect(answer) - x|", {name: round(float(v), 3) for name, v in miss.items()})

assert nll["truth"] < nll["normal_mixture"] < nll["truth"] + 0.2
assert nll["normal"] > nll["normal_mixture"] + 0.4
assert abs(rmse["normal"] - rmse["normal_mixture"]) < 0.01
assert miss["mode of the mixture"] < 0.5 * miss["mean of the normal"]
assert miss["mean of the mixture"] > 2 * miss["mode of the mixture"]

# %%
# The predicted density of each *y* at each *x* is shown as an image, whose peaks are the answers. A
# cut at *x* = 0.62 compares the predicted density with the true one.

x_grid, cut = np.linspace(-0.1, 1.1, 241), 144
density = {name: m.predict_dist(x_grid[:, None]).pdf(grid[:, None]) for name, m in models.items()}
true = norm.pdf(x_grid[cut], effect(grid), 0.05)
true /= true.mean()
places, columns = argrelmax(density["normal_mixture"], axis=0)
is_high = density["normal_mixture"][places, columns] > 0.5
places, columns = places[is_high], columns[is_high]
n_answers = np.bincount(columns, minlength=len(x_grid))
between = np.argmin(abs(grid - models["normal"].predict([[x_grid[cut]]])))
assert np.isclose(x_grid[cut], 0.62)
assert true[between] < 0.6 * true.max()
assert density["normal"][between, cut] == density["normal"][:, cut].max()
assert np.median(n_answers[abs(x_grid - 0.5) < 0.05]) == 3
assert np.median(n_answers[abs(x_grid - 0.5) > 0.25]) == 1

fig, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
titles = {"normal": "One normal covers all", "normal_mixture": "A mixture finds the branches"}
for ax, (name, title) in zip(axes, titles.items(), strict=False):
    ax.pcolormesh(x_grid, grid, density[name], cmap="Blues", vmin=0, vmax=8, rasterized=True)
    ax.plot(x_test[:300], y_test[:300], ".", color="black", markersize=2, label="held-out rows")
    ax.set(xlabel="effect x", ylabel="cause y", title=title, xlim=(-0.1, 1.1), ylim=(0, 1))
axes[0].plot(x_grid, models["normal"].predict(x_grid[:, None]), color="tab:red", label="mean")
axes[1].plot(x_grid[columns], grid[places], ".", color="tab:red", markersize=4, label="peaks")
for ax in axes[:2]:
    ax.axvline(0.62, color="tab:gray", linestyle=":")
    ax.legend(loc="lower right")
axes[2].plot(grid, true, color="black", linewidth=3, alpha=0.4, label="truth")
axes[2].plot(grid, density["normal"][:, cut], "--", color="tab:blue", label="normal")
axes[2].plot(grid, density["normal_mixture"][:, cut], color="tab:red", label="normal_mixture")
axes[2].set(xlabel="cause y", ylabel="density", title="The cut at x = 0.62")
axes[2].legend(loc="upper left")
plt.show()

# %%
# In the left panel, one normal has to cover all branches at once. Its mean wanders from branch to
# branch, and in the cut it is highest where the true density has a valley. The mixture has one peak
# at the ends, where only one cause is possible, and three peaks near *x* = 0.5. Its likelihood is
# close to that of the true density, which nothing can beat on average.
#
# The mean of the mixture is no better than that of the normal: their squared errors are the same,
# and neither works as an answer. Squared error asks for a good mean, but that was not the question.
# If you need one answer, take the mode: its effect is less than half as far from *x*. The other
# peaks are the other solutions, with their probabilities.
