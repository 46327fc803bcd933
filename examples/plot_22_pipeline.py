"""
Text columns and missing values
===============================

Tables have text in some columns and missing values in others. The network takes both as they are;
most other models need scikit-learn's transformers in front. How do you fit, compare, and ask either
of them without leakage?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from statsmodels.datasets import anes96

from sklnll import NLLClassifier, predict_dist
from sklnll.metrics import neg_nll_scorer

# %%
# The rows are 944 voters of the American National Election Study of 1996 (from statsmodels), who
# said whether they would vote for Clinton or for Dole. Party and schooling are written out as text
# here. The table of the study is complete, so we delete one entry in ten, at random, to create
# gaps.

study = anes96.load_pandas().data
parties = [
    "strong Dem.",
    "weak Dem.",
    "leans Dem.",
    "neither",
    "leans Rep.",
    "weak Rep.",
    "strong Rep.",
]
schools = [
    "grades 1-8",
    "some high school",
    "high school",
    "some college",
    "college",
    "master",
    "PhD",
]
X = study[["age", "income", "TVnews", "logpopul"]].assign(
    party=study["PID"].map(dict(enumerate(parties))),
    school=study["educ"].map(dict(enumerate(schools, start=1))),
)
X = X.mask(np.random.default_rng(0).uniform(size=X.shape) < 0.1)
y = np.where(study["vote"] == 1, "Dole", "Clinton")
print(X.head().to_string())
complete = X.notna().all(axis=1).mean()
print(f"rows without a gap: {complete:.0%}")
assert 0.45 < complete < 0.62

# %%
# The network is given the frame itself. In columns of numbers, the middle of the column takes the
# place of a gap, and an additional input says where a number was missing. Text has an input for
# each value it takes, and a gap counts as one of these values.
#
# Logistic regression is given the same by a pipeline, and scaled. ``make_column_selector`` selects
# columns by type, so that new columns need no new code. In both models, what is learned of the
# columns is learned from the training rows of each fold.

numbers = (
    SimpleImputer(strategy="median", add_indicator=True),
    make_column_selector(dtype_include="number"),
)
text = (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number"))
network = NLLClassifier(random_state=0)
models = {
    "numbers only": make_pipeline(make_column_transformer(numbers), network),
    "all columns": network,
    "logistic regression": make_pipeline(
        make_column_transformer(numbers, text),
        StandardScaler(with_mean=False),
        LogisticRegression(),
    ),
}

# %%
# ``neg_nll_scorer`` reaches through the pipeline to the predicted distribution. For labels its
# value is minus scikit-learn's log-loss.

folds = StratifiedKFold(shuffle=True, random_state=0)
scores = {}
for name, model in models.items():
    nll = "neg_log_loss" if "logistic" in name else neg_nll_scorer
    scoring = {"nll": nll, "accuracy": "accuracy"}
    result = cross_validate(model, X, y, cv=folds, scoring=scoring)
    scores[name] = -result["test_nll"]
    print(
        f"{name:20s} NLL {scores[name].mean():.3f}   accuracy {result['test_accuracy'].mean():.3f}"
    )

shares = np.unique(y, return_counts=True)[1] / len(y)
gap = scores["all columns"] - scores["logistic regression"]
error = gap.std(ddof=1) * np.sqrt(1 / 5 + 1 / 4)  # fits of different folds share rows
print(f"all columns against logistic regression: {gap.mean():+.3f} ± {error:.3f}")
assert scores["numbers only"].mean() > -np.sum(shares * np.log(shares)) - 0.05
assert scores["all columns"].mean() < 0.65 * scores["numbers only"].mean()
assert 0 < gap.mean() < 0.06

# %%
# Rows to predict may have text and gaps, too, and :func:`sklnll.predict_dist` gives their
# distributions, of a network as of a pipeline. We ask what it would say about all voters
# if each of them belonged to one party, or if the party were not known.

model = models["all columns"].fit(X, y)
answers = {}
for party in [*parties, None]:
    dist = predict_dist(model, X.assign(party=party))
    answers["not known" if party is None else party] = dist.probs[:, 1]
assert list(model.classes_) == ["Clinton", "Dole"]
middle = [np.median(p) for p in answers.values()]
assert np.all(np.diff(middle[:3] + middle[4:7]) > -0.05)
assert middle[0] < 0.1
assert middle[6] > 0.9
assert 0.2 < middle[7] < 0.8

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for place, values in enumerate(scores.values()):
    left.plot(values, np.full(5, place), "o", alpha=0.5, color=f"C{place}")
    left.plot(values.mean(), place, "|", ms=24, mew=2, color=f"C{place}")
left.set(
    yticks=range(3),
    yticklabels=scores,
    ylim=(2.5, -0.5),
    xlim=(0, None),
    xlabel="NLL of held-out voters (nats), five folds",
    title="The text columns decide",
)
right.boxplot(list(answers.values()), whis=(5, 95), showfliers=False, orientation="horizontal")
right.set_yticks(range(1, 9), answers)
right.set(xlabel="predicted probability of a vote for Dole", title="If all were of one party")
right.invert_yaxis()
plt.show()

# %%
# In the left panel, the numbers alone tell next to nothing: their loss is about that of the shares
# of the two votes. With party and schooling, the loss falls to about half. Logistic regression
# behind its transformers is a little ahead of the network, so the effects of these columns
# seem simply to add up.
#
# In the right panel, boxes show the voters' predictions between the quartiles, and lines show 90 %
# of them. From strong Democrats to strong Republicans, the probability rises from nearly 0 to
# nearly 1. Where the party is not known, the typical answer is in the middle. If we had dropped all
# rows with a gap, half of the voters would be lost, and a row with a gap would have no answer.
