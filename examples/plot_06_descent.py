r"""
Batch, stochastic and mini-batch gradient descent
=================================================

A step of gradient descent may use all rows, one row, or a few. Which choice gets furthest in one
pass over the rows, in one second, and in the end? The data are 2000 women from a survey on marriage
(a random part of ``statsmodels.datasets.fair``: age, years married, children, religiousness,
education, occupations, and how happy the marriage is). The task is to classify whether they had an
affair.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from statsmodels.datasets import fair

from sklnll import MLP_DEFAULTS, NLLClassifier

survey = fair.load_pandas().data.sample(2000, random_state=0)
X, y = survey.drop(columns="affairs"), survey["affairs"] > 0

# %%
# Four ways down
# --------------
# The loss is the mean of the rows' negative log-likelihoods, and its gradient is the mean of their
# gradients:
#
# .. math:: w \leftarrow w - \frac{\eta}{|B|} \sum_{i \in B}
#           \nabla_w \bigl[-\log p(y_i \mid x_i)\bigr] .
#
# With all rows in the batch *B*, a step is exact and expensive. With a single row, it is cheap but
# right only on average. The model is linear (logistic regression), so that the exact minimum is
# known: L-BFGS finds it. Each way uses a learning rate :math:`\eta` that suits it, and no momentum.
# After each epoch, ``"invscaling"`` divides the rate by the square root of the number of rows seen.
#
# The training rows are also passed as validation rows. Then ``validation_scores_`` is the
# log-likelihood of all rows after each epoch (``loss_curve_`` is the mean over an epoch, during
# which the weights move), and training ends when it no longer rises.

lowest = NLLClassifier("bernoulli", (), solver="lbfgs", alpha=0, tol=1e-8).fit(X, y).loss_
descent = MLP_DEFAULTS | {
    "hidden_layer_sizes": (),
    "solver": "sgd",
    "momentum": 0.0,
    "alpha": 0.0,
    "x_scaling": "standard",
    "random_state": 0,
}
ways = {
    "all rows": (len(X), 2.0, "constant"),
    "32 rows": (32, 0.1, "constant"),
    "1 row": (1, 0.03, "constant"),
    "1 row, shrinking rate": (1, 0.3, "invscaling"),
}
above, seconds, rest, reached = {}, {}, {}, {}
print(f"{'':24s}epochs  ms a step  s an epoch  s to 0.01  loss at rest")
for name, (size, rate, kind) in ways.items():
    settings = {"batch_size": size, "learning_rate_init": rate, "learning_rate": kind}
    model = NLLClassifier("bernoulli", **descent | settings)
    start = time.process_time()
    model.fit(X, y, X_val=X, y_val=y)
    seconds[name] = (time.process_time() - start) / model.n_iter_
    above[name] = -np.array(model.validation_scores_) - lowest
    rest[name] = above[name][-5:].mean()
    reached[name] = (1 + np.argmax(above[name] < 0.01)) * seconds[name]
    print(
        f"{name:24s}{model.n_iter_:6d}{1000 * seconds[name] * size / len(X):11.3f}"
        f"{seconds[name]:12.4f}{reached[name]:11.3f}{rest[name]:14.5f}"
    )

assert above["32 rows"][0] < above["all rows"][1]
assert seconds["1 row"] > 3 * seconds["32 rows"] > 3 * seconds["all rows"]
assert seconds["all rows"] < 100 * seconds["1 row"] / len(X)
assert reached["1 row, shrinking rate"] > 3 * max(reached["all rows"], reached["32 rows"])
assert above["1 row, shrinking rate"][0] > above["1 row"][0]
assert rest["1 row"] > 10 * rest["1 row, shrinking rate"]

# %%
# In the table, *ms a step* is the time of one step, *s to 0.01* is the time until the loss is
# within 0.01 nats of the minimum, and *loss at rest* is the mean of the last five epochs, above the
# minimum. One more row in the batch costs little: a step with all 2000 rows takes less than a
# hundred times as long as a step with a single row.

figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
for (name, loss), style in zip(above.items(), ["-", "--", ":", "-."], strict=True):
    epochs = np.arange(1, len(loss) + 1)
    axes[0].semilogy(epochs, loss, style, label=name)
    axes[1].loglog(epochs * seconds[name], loss, style)
axes[0].set(xlabel="epochs", ylabel="loss above the minimum (nats a row)", title="By passes")
axes[1].set(xlabel="seconds of processor time", title="By time")
figure.legend(loc="outside lower center", ncols=4)
plt.show()

# %%
# The left panel is by epochs: one pass in batches of 32, which is 63 steps, gets further than two
# exact steps. The right panel is by seconds, and the order is different. A pass in single rows
# takes several times as long as one in batches of 32, and the exact steps are far ahead of single
# rows, because for this small linear model they cost next to nothing. The more rows there are and
# the wider the network is, the more a full step costs, and the better mini-batches become.
#
# With a constant rate, single rows do not arrive at the minimum. There, the mean of the gradients
# is zero, but the gradient of a single row is not. Each step jumps away again, as far as the rate
# allows, and the loss stays on a plateau. With a rate that shrinks, the jumps shrink, too, and the
# loss at rest is less than a tenth of that on the plateau; only the first pass, with the undivided
# rate, is worse. The library's own default combines both: mini-batches, and a rate that falls to
# zero along a cosine.
