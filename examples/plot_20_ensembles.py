"""
Deep ensembles: how many members?
=================================

A network starts at random weights and stops on random rows, so another seed gives another network.
Which one is right? The plainest answer is to average the *distributions* of several networks, which
is called a deep ensemble (Lakshminarayanan, Pritzel and Blundell, 2017). What does it gain, what
does it cost, and what does it know where there are no data?
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.datasets import load_diabetes
from sklearn.model_selection import ShuffleSplit
from statsmodels.datasets import engel

from sklnll import NLLRegressor

# %%
# With ``n_estimators=M``, :class:`sklnll.NLLRegressor` trains M networks side by side and predicts
# the equally weighted mixture of their distributions:
#
# .. math:: p(y \mid x) = \frac{1}{M} \sum_{m=1}^{M} p_m(y \mid x) .
#
# Each member has its own weights and its own held-out rows, and adding members leaves the first
# ones unchanged. So a single fit of eight members tells what any smaller ensemble would have
# predicted: ``dist.params`` has a column for each member. The data are 442 diabetes patients, with
# ten measurements each and the progression of the disease a year later. We train on 200 of them,
# judge on the others, and repeat that with two splits.

X, y = load_diabetes(return_X_y=True)
sizes = np.arange(1, 9)
nll, alone = [], []
for train, test in ShuffleSplit(2, train_size=200, random_state=0).split(X):
    dist = (
        NLLRegressor(n_estimators=8, random_state=0).fit(X[train], y[train]).predict_dist(X[test])
    )
    log_prob = norm.logpdf(y[test][:, None], dist.params["loc"], dist.params["scale"])
    mixtures = [logsumexp(log_prob[:, :size], axis=1) - np.log(size) for size in sizes]
    assert np.allclose(mixtures[-1], dist.log_prob(y[test]))
    nll.append(-np.mean(mixtures, axis=1))
    alone.append(-log_prob.mean(axis=0))
nll, alone = np.array(nll), np.array(alone)
print("NLL of the mixture of the first members, mean over the splits")
print(dict(zip(sizes.tolist(), nll.mean(axis=0).round(3).tolist(), strict=True)))

assert np.all(nll[:, -1] < alone.mean(axis=1))  # by concavity of the logarithm, always
assert np.all(nll[:, 4] < nll[:, 0] - 0.01)
assert nll[:, 0].mean() - nll[:, 4].mean() > 3 * abs(nll[:, 4].mean() - nll[:, 7].mean())

# %%
# It is not luck that the mixture is no worse than its members are on average. The logarithm is
# concave, so for any y
#
# .. math:: -\log \frac{1}{M} \sum_m p_m(y \mid x) \le \frac{1}{M} \sum_m -\log p_m(y \mid x) .
#
# Where do members disagree? By the law of total variance, the variance of a mixture has two parts:
#
# .. math::
#    \operatorname{var}(y) = \underbrace{\tfrac{1}{M} \textstyle\sum_m \sigma_m^2}_{\text{within}}
#    + \underbrace{\tfrac{1}{M} \textstyle\sum_m (\mu_m - \bar\mu)^2}_{\text{between}} .
#
# The part *within* members is the noise that they expect, and more rows do not remove it. The part
# *between* members is what the rows leave open. We look at both parts in data where x is a single
# number: what 235 Belgian households earned and what they spent on food, in francs of 1857 (Engel's
# data, from statsmodels).

households = engel.load_pandas().data
income, food = households[["income"]].to_numpy(), households["foodexp"].to_numpy()
seconds = {}
for size in (1, 5):
    times = []
    for _ in range(2):
        start = time.process_time()
        model = NLLRegressor(n_estimators=size, random_state=0).fit(income, food)
        times.append(time.process_time() - start)
    seconds[size] = min(times)
print(f"five members cost {seconds[5] / seconds[1]:.1f} times the seconds of one")
assert seconds[5] < 5 * seconds[1]

grid = np.linspace(300, 6000, 300)[:, None]
dist = model.predict_dist(grid)
within = np.mean(dist.params["scale"] ** 2, axis=1)
between = np.var(dist.params["loc"], axis=1)
many = (grid[:, 0] > 600) & (grid[:, 0] < 1200)
none = (grid[:, 0] > 2900) & (grid[:, 0] < 4500)

assert np.allclose(dist.var(), within + between)
assert np.mean((income > 600) & (income < 1200)) > 0.5
assert np.sum((income > 2900) & (income < 4500)) == 0
assert between[many].mean() < within[many].mean() / 8
assert between[none].mean() > 100 * between[many].mean()
assert between[none].mean() > within[none].mean() / 4
assert dist.std()[none].mean() > 2 * dist.std()[many].mean()

# %%

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
left.plot(sizes, nll.T, color="tab:blue", alpha=0.4, lw=1)
left.plot(sizes, nll.mean(axis=0), "o-", color="tab:blue", label="mixture of the first M")
left.axhline(alone.mean(), color="0.4", ls="--", label="one member, on average")
left.set(xlabel="members M", ylabel="NLL of held-out patients (nats)", title="Five are enough here")
left.legend()

low, high = dist.interval(0.9).T
middle.fill_between(grid[:, 0], low, high, color="tab:blue", alpha=0.2, label="90 % interval")
middle.plot(grid, dist.params["loc"], color="tab:blue", lw=1)
middle.plot([], [], color="tab:blue", lw=1, label="means of the members")
middle.plot(income, food, "k.", ms=3, label="households")
middle.set(xlabel="income (francs)", ylabel="spent on food (francs)", title="Members part ways")
middle.set_ylim(0, 4300)
middle.legend(loc="upper left")

right.semilogy(grid, np.sqrt(within), color="tab:orange", label="within: expected noise")
right.semilogy(grid, np.sqrt(between), "--", color="tab:green", label="between: disagreement")
right.set(xlabel="income (francs)", ylabel="standard deviation (francs)", title="What is unknown")
right.set_ylim(1, 2000)
right.legend(loc="lower right")
plt.show()

# %%
# The left panel shows that the first members count most. From one to five members the loss falls by
# far more than from five to eight, and the mixture lies below the average loss of a single member.
# Five members cost less than five times one, because they are trained side by side.
#
# The middle and right panels show the two parts of the variance. From 600 to 1,200 francs, where
# most households are, the members agree, and nearly all the variance is noise that each of them
# expects. Between 2,900 and 4,500 francs there is no household. There the members go different
# ways, and their disagreement widens the mixture. A single network would show one of these curves
# and could not tell that it is a guess. Members do not always disagree where they should: they
# share their architecture, and far outside the data all of them may be wrong in the same direction.
