r"""
Softmax, cross-entropy and log C
================================

A network gives each of *C* classes a score. How do scores become probabilities? What does a loss of
0.7 mean? And which loss should you see in the first epoch, before anything has been learned?
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.special import log_softmax, softmax
from sklearn.datasets import load_digits

from sklnll import NLLClassifier
from sklnll.metrics import cross_entropy, entropy, kl_divergence

# %%
# From scores to probabilities
# ----------------------------
# The exponential makes the scores positive, and the division by their sum makes them add up to one:
#
# .. math:: p_k = \frac{e^{z_k}}{\sum_{j=1}^{C} e^{z_j}} .

z = np.array([2.0, 1.0, -1.0])
exponentials = np.exp(z)
p = exponentials / exponentials.sum()
steps = {"score z": z, "exp(z)": exponentials, "p": p, "-log p": -np.log(p)}
assert np.isclose(p.sum(), 1)
pd.DataFrame(steps, index=["mouse", "cat", "dog"]).round(3)

# %%
# Only differences between scores count: a constant that is added to all scores cancels. So the
# largest score is subtracted first. Then no exponential is above 1, whereas the exponentials of
# scores near 1000 would overflow. A *temperature* T divides the scores: a value below 1 makes the
# probabilities more certain, and a value above 1 makes them less certain.

with np.errstate(over="ignore", invalid="ignore"):
    assert np.isnan(np.exp(z + 1000) / np.exp(z + 1000).sum()).all()
shifted = np.exp(z + 1000 - (z + 1000).max())
assert np.allclose(shifted / shifted.sum(), p)

temperatures = [0.5, 1.0, 4.0]
tempered = [softmax(z / temperature) for temperature in temperatures]
assert tempered[0][0] > tempered[1][0] > tempered[2][0]

# %%
# What a wrong probability costs
# ------------------------------
# The loss of a row is :math:`-\log p_k`, where *k* is its true class. This is the negative
# log-likelihood of the categorical distribution. It is also the cross-entropy
# :math:`H(p, q) = -\sum_j p_j \log q_j` between the truth *p*, which is 1 for the observed class
# and 0 elsewhere, and the prediction *q*. In base 10 it can be read off the probabilities: a
# probability of 1/10 costs 1, and 1/100 costs 2.

truth = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]])
predicted = np.array([[0.9, 0.05, 0.05], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1], [0.19, 0.8, 0.01]])
costs = cross_entropy(truth, predicted, base=10)
assert np.allclose(costs, -np.log10([0.9, 0.5, 0.1, 0.01]))
table = pd.DataFrame(predicted, columns=["q(mouse)", "q(cat)", "q(dog)"])
table.insert(0, "seen", ["mouse", "cat", "dog", "dog"])
table.assign(**{"H(p, q)": costs.round(3)})

# %%
# If the truth itself is uncertain, as in a blurred picture that half of all people take for a cat,
# not all of the loss is the network's fault. The loss splits into the entropy of the truth, which
# nobody can go below, and the Kullback-Leibler divergence, which is 0 only for the true
# probabilities:
#
# .. math:: H(p, q) = H(p) + \mathrm{KL}(p \,\|\, q) .

blurred, guess = [0.3, 0.5, 0.2], [0.1, 0.8, 0.1]
parts = entropy(blurred, base=10), kl_divergence(blurred, guess, base=10)
whole = cross_entropy(blurred, guess, base=10)
print(f"H(p, q) = {whole:.3f} = {parts[0]:.3f} + {parts[1]:.3f}")
assert np.isclose(whole, sum(parts))

# %%
# The first loss
# --------------
# A network that knows nothing gives each of *C* equally frequent classes the probability 1/C, and
# its loss is :math:`-\log(1/C) = \log C`. Any loss can be read in this way:
# :math:`e^{-\text{loss}}` is the (geometric) mean probability of the true class. A
# :class:`sklnll.NLLClassifier` starts from the shares of the labels. Here it learns the ten digits
# of :func:`sklearn.datasets.load_digits`: 1797 pictures of 8 x 8 pixels, with about the same number
# of pictures for each digit.

X, y = load_digits(return_X_y=True)
model = NLLClassifier(random_state=0).fit(X, y)
log_c = np.log(10)
held_out = -np.array(model.validation_scores_)
best = held_out.min()
print(f"log 10 = {log_c:.3f}, first epoch {model.loss_curve_[0]:.3f}, best held-out {best:.3f}")
print(f"geometric mean probability of the true digit, held out: {np.exp(-best):.2f}")
assert abs(model.loss_curve_[0] - log_c) < 0.05
assert model.loss_curve_[-1] < best < 0.15

# %%
# A first loss far above :math:`\log C` is a warning. It means that scores are large before anything
# has been learned, for instance because the weights start too large or because the columns of X are
# not standardized. Random scores with a standard deviation of 5 cost more than twice as much as
# none:

random_scores = 5 * np.random.default_rng(0).normal(size=X[:, :10].shape)
random_loss = -log_softmax(random_scores, axis=1)[np.arange(len(y)), y].mean()
print(f"loss of random scores: {random_loss:.2f}")
assert random_loss > 2 * log_c

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for i, (temperature, q) in enumerate(zip(temperatures, tempered, strict=True)):
    left.bar(np.arange(3) + 0.27 * (i - 1), q, width=0.25, label=f"T = {temperature:g}")
left.set_xticks(range(3), ["mouse\nz = 2", "cat\nz = 1", "dog\nz = -1"])
left.set(ylabel="probability", title="Softmax of three scores")
left.legend()
epochs = np.arange(1, model.n_iter_ + 1)
right.plot(epochs, model.loss_curve_, label="training")
right.plot(epochs, held_out, "--", label="held out")
right.axhline(log_c, color="gray", ls=":", label="log 10, nothing learned")
right.set(
    xscale="log",
    ylim=0,
    xlabel="epoch",
    ylabel="loss (nats a row)",
    title="Ten digits: the loss starts at log 10",
)
right.legend()
plt.show()

# %%
# The left panel shows one vector of scores at three temperatures. The order of the classes stays
# the same; how certain they are changes. In the right panel, the loss of the first epoch is log 10,
# as it should be, and not more. At the end the held-out loss is below 0.15, so the true digit gets
# a probability above 0.86 in the geometric mean. The training loss falls further than the held-out
# loss, and only the latter tells what new pictures will cost.
