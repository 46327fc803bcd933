r"""
Sigmoid: squared error or cross-entropy?
========================================

A network for labels ends in a sigmoid: the raw score *z* becomes the probability
:math:`p = \sigma(z) = 1 / (1 + e^{-z})` of the label 1. Why is it trained with cross-entropy and
not with the squared error of *p*? Both are smallest at the true probability. The answer lies in
their slopes.
"""

from typing import ClassVar

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats
from scipy.special import expit
from sklearn.datasets import load_breast_cancer

from sklnll import MLP_DEFAULTS, NLLClassifier, NLLRegressor
from sklnll.distributions import Distribution, Support
from sklnll.distributions.links import logit

# %%
# Two slopes
# ----------
# Cross-entropy is the negative log-likelihood of the Bernoulli distribution. Squared error is that
# of a normal distribution with the mean *p*; with a fixed scale of 1/2 it is :math:`2 (y - p)^2`,
# apart from a constant. With :math:`\sigma'(z) = p (1 - p)`, their derivatives with respect to *z*
# are
#
# .. math::
#    \frac{\partial}{\partial z} \bigl[-y \log p - (1 - y) \log (1 - p)\bigr] = p - y,
#    \qquad
#    \frac{\partial}{\partial z}\, 2 (y - p)^2 = 4 (p - y)\, \sigma'(z) .
#
# At :math:`z = 0`, where :math:`\sigma' = 1/4`, the two slopes are the same; this is why the scale
# is 1/2. Everywhere else squared error has the smaller slope. For a label 1 and a score far below
# 0, which is as wrong as can be, cross-entropy has its largest slope, and squared error has none.

z = np.linspace(-8, 8, 321)
p, y = expit(z), 1
slopes = {"cross-entropy": p - y, "squared error": 4 * (p - y) * p * (1 - p)}
for name, loss in {"cross-entropy": -np.log(p), "squared error": 2 * (y - p) ** 2}.items():
    assert np.allclose(np.gradient(loss, z)[1:-1], slopes[name][1:-1], atol=1e-3)
    print(f"{name}: slope {slopes[name][0]:.3f} at z = -8, {slopes[name][160]:.3f} at z = 0")
assert slopes["cross-entropy"][0] < -0.99
assert slopes["squared error"][0] > -0.01

# %%
# One wrong start
# ---------------
# Does this matter? Two linear networks tell benign from malignant tumors (569 rows, 30
# measurements, :func:`sklearn.datasets.load_breast_cancer`). Both use plain gradient descent with a
# single learning rate, and each epoch is one step with all rows. The first network is a
# :class:`sklnll.NLLClassifier`. The squared error of a sigmoid is not a loss of the library, but a
# family of your own for it takes only a few lines.


class SigmoidNormal(Distribution):
    """A normal distribution of scale 1/2, with a mean that is a sigmoid."""

    support = Support("a number", "remove such rows")
    parameters: ClassVar = {"mean": logit}

    def __init__(self, mean=None):
        self.mean = mean

    def log_prob(self, y, mean):
        return -2 * (y - mean) ** 2 - np.log(0.5 * np.sqrt(2 * np.pi))

    def frozen(self, mean):
        return stats.norm(mean, 0.5)


# %%
# Both networks start from the same bad weights: those of a network that was trained with the labels
# exchanged. (The library itself starts at the best fit without *x*, where *z* is moderate.)

X, y = load_breast_cancer(return_X_y=True)
descent = MLP_DEFAULTS | {
    "hidden_layer_sizes": (),
    "x_scaling": "standard",
    "solver": "sgd",
    "momentum": 0.0,
    "learning_rate_init": 0.1,
    "batch_size": len(X),
    "random_state": 0,
}
wrong = NLLClassifier("bernoulli", **descent)
for _ in range(50):
    wrong.partial_fit(X, 1 - y, classes=[0, 1])

models = {
    "cross-entropy": NLLClassifier("bernoulli", **descent).partial_fit(X, y, classes=[0, 1]),
    "squared error": NLLRegressor(SigmoidNormal(), **descent).partial_fit(X, y),
}
accuracy = {name: [wrong.score(X, y)] for name in models}
for name, model in models.items():
    model.weights_[:] = wrong.weights_
    for _ in range(200):
        model.partial_fit(X, y)
        accuracy[name].append(np.mean((model.predict(X) > 0.5) == y))

needed = {name: int(np.argmax(np.greater(values, 0.9))) for name, values in accuracy.items()}
print(f"accuracy at the start {wrong.score(X, y):.2f}, epochs until it is above 0.9: {needed}")
assert wrong.score(X, y) < 0.05
assert accuracy["cross-entropy"][10] > 0.8
assert accuracy["squared error"][10] < 0.1
assert 0 < 1.5 * needed["cross-entropy"] < needed["squared error"]
assert min(values[-1] for values in accuracy.values()) > 0.97

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for name, style in {"cross-entropy": "-", "squared error": "--"}.items():
    left.plot(z, slopes[name], style, label=name)
    right.plot(accuracy[name], style, label=name)
left.axvspan(-8, -4, color="0.93", zorder=0)
left.text(-6, -0.5, "sure,\nand wrong", ha="center")
left.set(
    xlabel="score z of a row with label 1",
    ylabel="derivative of its loss by z",
    title="Squared error: no slope where z is most wrong",
)
right.set(xlim=(-2, 100), xlabel="epoch", ylabel="accuracy", title="From the same wrong start")
right.legend(loc="lower right")
plt.show()

# %%
# In the left panel, the two lines part far below 0: the more wrong the score is, the harder
# cross-entropy pulls, and the less squared error does. The right panel shows that this costs time.
# Both networks begin with nearly all labels wrong. After ten epochs, cross-entropy has most of them
# right, while squared error has hardly moved. In the end squared error arrives, too, because its
# slope is small but never zero. What slows it down is the factor :math:`\sigma'(z)`. The likelihood
# of the Bernoulli distribution cancels this factor, and that of the categorical distribution does
# the same for several labels.
