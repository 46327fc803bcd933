"""
From MLPRegressor to distributions
==================================

You have code that uses scikit-learn's ``MLPRegressor``. What changes when you change the import,
and what do you gain?
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import MLP_DEFAULTS, NLLRegressor, compare, predict_dist
from sklnll.distributions import Normal

# %%
# Parameters that have a meaning here have the same name, so keyword calls continue to work. Only
# ``loss`` becomes ``distribution``, because every loss is the negative log-likelihood of a
# distribution. For the squared error, this is the normal with a fixed scale,
#
# .. math:: -\log p(y \mid x) = \tfrac{1}{2} (y - \mu(x))^2 + \tfrac{1}{2} \log 2\pi ,
#
# so ``Normal(scale=1.0)`` *is* ``loss="squared_error"``. The defaults differ; ``MLP_DEFAULTS``
# contains those of scikit-learn. The data are 442 diabetes patients, with ten measurements each and
# the progression of the disease a year later.

X, y = load_diabetes(return_X_y=True)
settings = {"early_stopping": True, "max_iter": 2000, "random_state": 0}

before = make_pipeline(StandardScaler(), MLPRegressor(**settings))
same = NLLRegressor(Normal(scale=1.0), **{**MLP_DEFAULTS, **settings})
same = make_pipeline(StandardScaler(), same)
after = NLLRegressor("normal", random_state=0)  # the defaults, which scale X inside

# %%
# The first two models train the same network in the same way, except for two things: sklnll starts
# at the best constant instead of at random outputs, and it scales y inside. A step costs about the
# same; what changes is the number of steps.

X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
costs = []
for model in (before, same):
    start = time.process_time()
    model.fit(X_train, y_train)
    seconds = time.process_time() - start
    epochs = model[-1].n_iter_
    costs.append(seconds / epochs)
    print(f"{type(model[-1]).__name__:13s}{epochs:5d} epochs of {1000 * seconds / epochs:.1f} ms")
assert 0.3 < costs[1] / costs[0] < 2
assert same[-1].n_iter_ < before[-1].n_iter_ / 2
assert np.corrcoef(before.predict(X_test), same.predict(X_test))[0, 1] > 0.7

# %%
# Do they predict equally well? :func:`sklnll.compare` fits all models on the same five folds.

result = compare({"MLPRegressor": before, "same training": same, "normal": after}, X, y)
print(result.to_frame(against="same training").iloc[:, :5].round(2).to_string(na_rep="-"))
for name, (difference, error) in result.difference("RMSE").items():
    print(f"RMSE of {name} against MLPRegressor: {difference:+.1f} ± {error:.1f}")

gain, error = result.difference("RMSE")["same training"]
assert abs(gain) < 3 * error
gain, error = result.difference("RMSE")["normal"]
assert abs(gain) < 3 * error
assert result.mean("coverage")["same training"] < 0.1
assert 0.8 < result.mean("coverage")["normal"] < 0.95

# %%
# All three models have the same error, up to chance. The squared error does not specify the spread,
# so the intervals of the second model are those of a standard deviation of 1 and contain almost
# nobody. The third model learns the spread for each patient. Everything from here on is new:
# quantiles, intervals, probabilities, draws, and scores that judge them.

dist = predict_dist(after.fit(X_train, y_train), X_test)
risk = dist.sf(200)
low, high = dist.interval(0.9).T
patients = np.argsort(dist.mean())[[5, 55, 105]]
assert np.all(np.diff(risk[patients]) > 0)

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.plot(before.predict(X_test), same.predict(X_test), ".", color="tab:blue")
left.axline((150, 150), slope=1, color="0.4", ls="--", lw=1)
left.set(
    xlabel="predicted by MLPRegressor",
    ylabel="predicted by NLLRegressor",
    title="The same training, two starts",
    aspect="equal",
)
grid = np.linspace(-50, 450, 400)[:, None]
for patient, color in zip(patients, ["tab:blue", "tab:orange", "tab:green"], strict=True):
    label = f"P(y > 200) = {risk[patient]:.2f}"
    right.plot(grid, dist[patient : patient + 1].pdf(grid), color=color, label=label)
    right.axvline(before.predict(X_test)[patient], color=color, ls="--", lw=1)
right.set(xlabel="progression of diabetes", ylabel="predicted density", ylim=(0, None))
right.set_title("Three patients: points (dashed), distributions")
right.legend()
plt.show()

# %%
# In the left panel, the same network, trained from two starts, predicts much the same for most
# patients. In the right panel, the dashed lines are all that ``MLPRegressor`` says about three of
# them. A curve shows how far to trust the point, and it gives the probability of any event, such as
# y exceeding 200. This gain did not increase the error of the points.
