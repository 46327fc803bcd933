r"""
Learned, constant and fixed variance
====================================

Least squares predicts a number. How sure is it of that number? The normal distribution answers with
its scale :math:`\sigma`, which may be fixed, learned as one number, or predicted from *x*. The data
are simulated, so that the right answer is known: *y* scatters around a wave, with a standard
deviation that grows from 0.3 on the left to 3 on the right.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import stats

from sklnll import NLLRegressor
from sklnll.displays import PredictiveBandDisplay
from sklnll.distributions import Normal
from sklnll.metrics import negative_log_likelihood

rng = np.random.default_rng(0)
x_train, x_test = rng.uniform(0, 10, size=(2, 1000))


def truth(x):
    return stats.norm(3 * np.sin(x), 0.3 * 10 ** (x / 10))


y_train, y_test = (truth(x).rvs(random_state=rng) for x in (x_train, x_test))
X_train, X_test = x_train[:, None], x_test[:, None]

# %%
# One formula, three models
# -------------------------
# Minus the logarithm of the normal density is
#
# .. math:: -\log p(y \mid \mu, \sigma)
#           = \frac{(y - \mu)^2}{2 \sigma^2} + \log \sigma + \tfrac12 \log 2\pi .
#
# There are three ways to treat :math:`\sigma`:
#
# - Fixed, ``Normal(scale=1.0)``: only the squared error is left to minimize, so this is least
#   squares.
# - Constant, ``Normal(scale="constant")``: one :math:`\sigma` is learned for all rows. Its best
#   value is the root mean squared error, so it says how wrong the model is on average.
# - Predicted, ``Normal()``: each *x* has its own :math:`\sigma`. The first term favors a large
#   value, :math:`\log \sigma` favors a small one, and the two balance where :math:`\sigma` is the
#   spread of *y* at that *x*.
#
# Each model is fitted by a :class:`sklnll.NLLRegressor` with the defaults of the library. It is
# judged on 1000 new rows by the negative log-likelihood (NLL), by the root mean squared error of
# the mean, and by the share of rows inside the 90 % interval, on the left and on the right.

families = {"fixed": Normal(scale=1.0), "constant": Normal(scale="constant"), "predicted": Normal()}
models, losses, rows = {}, {}, {}
for name, family in families.items():
    models[name] = NLLRegressor(family, random_state=0).fit(X_train, y_train)
    dist = models[name].predict_dist(X_test)
    losses[name] = negative_log_likelihood(y_test, dist, per_row=True)
    inside = dist.contains(y_test, 0.9)
    rows[name] = {
        "NLL": losses[name].mean(),
        "RMSE": np.sqrt(np.mean((y_test - dist.mean()) ** 2)),
        "inside, x < 3": inside[x_test < 3].mean(),
        "inside, x > 7": inside[x_test > 7].mean(),
    }
rows["truth"] = {"NLL": -truth(x_test).logpdf(y_test).mean()}
table = pd.DataFrame(rows).T

assert table["NLL"].is_monotonic_decreasing
assert np.ptp(table["RMSE"].dropna()) < 0.1
assert (table.loc[["fixed", "constant"], "inside, x < 3"] > 0.98).all()
assert (table.loc[["fixed", "constant"], "inside, x > 7"] < 0.8).all()
assert np.allclose(table.loc["predicted"].iloc[2:], 0.9, atol=0.07)
assert (
    abs(models["constant"].predict_dist(X_test[:1]).std() / table.loc["constant", "RMSE"] - 1) < 0.1
)
table.round(2)

# %%
# What is the learned spread worth? A constant can learn only the root mean square of the true
# :math:`\sigma`. In nats per row, the learned spread is therefore worth the logarithm of that root
# mean square minus the mean of the logarithm of :math:`\sigma`.

gain = losses["constant"] - losses["predicted"]
log_sigma = np.log(truth(x_test).std())
expected = np.log(np.mean(np.exp(2 * log_sigma))) / 2 - log_sigma.mean()
error = gain.std() / np.sqrt(gain.size)
print(f"gain of the predicted scale: {gain.mean():.2f} +- {error:.2f}, expected: {expected:.2f}")
assert abs(gain.mean() - expected) < 0.15
assert gain.mean() > 5 * error

# %%
# The figure
# ----------

figure, axes = plt.subplots(1, 3, figsize=(11, 4), sharey=True, layout="constrained")
grid = np.linspace(0, 10, 200)
for ax, (name, model) in zip(axes, models.items(), strict=True):
    PredictiveBandDisplay.from_estimator(model, X_train, y_train, coverages=[0.9], ax=ax)
    (line, _) = ax.plot(grid, np.transpose(truth(grid).interval(0.9)), "--", color="tab:red")
    line.set_label("true 90 %")
    ax.get_legend().remove()
    ax.set(xlabel="x", ylabel="y", title=f"{name} scale, NLL {table.loc[name, 'NLL']:.2f}")
    ax.label_outer()
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
ratio = models["predicted"].predict_dist(grid[:, None]).std() / truth(grid).std()
assert np.abs(np.log(ratio)).mean() < 0.2
plt.show()

# %%
# All three lines follow the same wave, and as point predictions they are about equally good. They
# differ in what they say about the scatter. The fixed band says nothing that was learned from the
# data: we chose its width, and only its center can be trusted. The constant band has the right
# width on average but nowhere else: it is too wide on the left and too narrow on the right. The
# predicted band follows the true one to within a fifth on average, and at both ends it contains
# about the share of new rows that it promises. It costs nothing to ask for, because ``"normal"`` is
# the default.
