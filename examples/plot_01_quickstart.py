"""
From fit to predictive distribution
===================================

How much better is a distribution than a number? Two of scikit-learn's data sets answer it: the
progression of diabetes (a positive number) and breast cancer (one of two labels). Everything is
cross-validated, beside honest baselines.

Run it as ``python plot_01_quickstart.py --save figure.png``, or without ``--save`` to see the
figure on the screen.
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.calibration import calibration_curve
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    KFold,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklnll import NLLClassifier, NLLRegressor, predict_dist
from sklnll.distributions import Normal
from sklnll.metrics import neg_crps_scorer, neg_nll_scorer
from sklnll.predictive import ContinuousPredictive

parser = argparse.ArgumentParser(description="Fit distributions to real data.")
parser.add_argument("--save", metavar="FILE", help="where to save the figure (default: show it)")
options = parser.parse_args()

# %%
# Numbers: the progression of diabetes
# ------------------------------------
# Five small networks answer, together, with a distribution for each patient.

X, y = load_diabetes(return_X_y=True)

model = NLLRegressor("normal", n_estimators=5, random_state=0).fit(X[:-3], y[:-3])
dist = model.predict_dist(X[-3:])
print("Three patients, not seen in training")
print("  truth           ", y[-3:])
print("  mean            ", dist.mean().round(1))
print("  std             ", dist.std().round(1))
print("  90 % interval   ", dist.interval(0.9).round(0).tolist())
print("  P(y > 200)      ", dist.sf(200).round(3))

# %%
# The baselines answer with a number. With the standard deviation of their training residuals, the
# number becomes a normal distribution that is equally wide everywhere.


class WithResidualSpread(RegressorMixin, BaseEstimator):
    """A normal distribution around a point prediction."""

    def __init__(self, regressor):
        self.regressor = regressor

    def fit(self, X, y):
        self.regressor_ = clone(self.regressor).fit(X, y)
        self.scale_ = np.std(y - self.regressor_.predict(X))
        return self

    def predict(self, X):
        return self.regressor_.predict(X)

    def predict_dist(self, X):
        loc = self.predict(X)
        return ContinuousPredictive(Normal(), {"loc": loc, "scale": np.full_like(loc, self.scale_)})


# With so few rows, a point network has to stop early; the likelihood networks do by themselves.
mlp = MLPRegressor(max_iter=1000, early_stopping=True, validation_fraction=0.2, random_state=0)
mlp = make_pipeline(StandardScaler(), mlp)
regressors = {
    "marginal normal": WithResidualSpread(DummyRegressor()),
    "LinearRegression + residual sd": WithResidualSpread(LinearRegression()),
    "MLPRegressor + residual sd": WithResidualSpread(
        TransformedTargetRegressor(mlp, transformer=StandardScaler())
    ),
    "NLLRegressor('normal')": NLLRegressor("normal", n_estimators=5, random_state=0),
    "NLLRegressor('gamma')": NLLRegressor("gamma", n_estimators=5, random_state=0),
}

# %%
# Scorers judge the whole distribution: the negative log-likelihood (NLL, nats a row) and the
# continuous ranked probability score (CRPS, in y's units). Both are lower where it is better.
# The coverage is the share of held-out patients inside their 90 % interval.


def coverage(estimator, X, y):
    return np.mean(predict_dist(estimator, X).contains(y, 0.9))


def width(estimator, X, y):
    low, high = predict_dist(estimator, X).interval(0.9).T
    return np.mean(high - low)


scoring = {
    "nll": neg_nll_scorer,
    "crps": neg_crps_scorer,
    "r2": "r2",
    "coverage": coverage,
    "width": width,
}
folds = KFold(n_splits=10, shuffle=True, random_state=0)
results = {
    name: cross_validate(regressor, X, y, cv=folds, scoring=scoring)
    for name, regressor in regressors.items()
}

print(f"\nDiabetes, {len(y)} rows, 10-fold cross-validation, five networks each")
print("NLL and CRPS: lower is better. Coverage and width: of the 90 % interval on held-out rows.")
print(f"{'':32s}   NLL  (against linear)   CRPS     R2  coverage  width")
for name, result in results.items():
    nll, crps, r2, share, size = (result[f"test_{key}"].mean() for key in scoring)
    gain = results["LinearRegression + residual sd"]["test_nll"] - result["test_nll"]
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    print(
        f"{name:32s}{-nll:6.3f}  ({gain.mean():+.3f} +- {error:.3f}){-crps:7.2f}{r2:7.3f}"
        f"{share:10.3f}{size:7.1f}"
    )

# %%
# Labels: breast cancer
# ---------------------
# The same networks, the same likelihood principle; the loss is now the cross-entropy.

X_cancer, y_cancer = load_breast_cancer(return_X_y=True)
classifiers = {
    "marginal shares": DummyClassifier(),
    "LogisticRegression": make_pipeline(StandardScaler(), LogisticRegression()),
    "MLPClassifier": make_pipeline(StandardScaler(), MLPClassifier(max_iter=500, random_state=0)),
    "NLLClassifier": NLLClassifier(n_estimators=5, random_state=0),
}
strata = StratifiedKFold(n_splits=10, shuffle=True, random_state=0)
print(f"\nBreast cancer, {len(y_cancer)} rows, 10-fold cross-validation")
print(f"{'':32s}   NLL  accuracy")
probabilities, losses = {}, {}
for name, classifier in classifiers.items():
    p = cross_val_predict(classifier, X_cancer, y_cancer, cv=strata, method="predict_proba")
    probabilities[name], losses[name] = p[:, 1], log_loss(y_cancer, p)
    accuracy = np.mean(p.argmax(axis=1) == y_cancer)
    print(f"{name:32s}{losses[name]:6.3f}{accuracy:10.3f}")

# %%
# The figure
# ----------
# Left: the patients of one held-out fold, in the order of their predicted mean.

fold = next(folds.split(X))
model = regressors["NLLRegressor('normal')"].fit(X[fold[0]], y[fold[0]])
dist = model.predict_dist(X[fold[1]])
order = np.argsort(dist.mean())
dist, truth = dist[order], y[fold[1]][order]
low, high = dist.interval(0.9).T
inside = dist.contains(truth, 0.9)

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
rank = np.arange(len(truth))
left.vlines(rank, low, high, color="tab:blue", alpha=0.35, lw=4, label="90 % interval")
left.plot(rank, dist.mean(), "_", color="tab:blue", ms=8, label="mean")
left.plot(rank[inside], truth[inside], "k.", label="truth")
left.plot(rank[~inside], truth[~inside], "x", color="tab:red", label="truth, outside")
left.set(
    xlabel="held-out patient, by predicted mean",
    ylabel="progression of diabetes",
    title=f"{inside.sum()} of {inside.size} patients inside their interval",
)
left.legend(loc="upper left")

for name in ["LogisticRegression", "MLPClassifier", "NLLClassifier"]:
    share, p = calibration_curve(y_cancer, probabilities[name], n_bins=5)
    right.plot(p, share, "o-", label=f"{name}, NLL {losses[name]:.3f}")
right.plot([0, 1], [0, 1], ":", color="gray", label="as predicted")
right.set(
    xlabel="predicted probability of a benign tumour",
    ylabel="share that is benign",
    title="Breast cancer: are the probabilities right?",
)
right.legend(loc="upper left")

# %%
# On the left, patients with a mild prognosis get narrower intervals than those with a severe one:
# the network learned that the spread grows with the mean, which a residual standard deviation
# cannot say. That is worth more here than the choice of the regression function, because these 442
# rows are nearly linear: in likelihood the networks are ahead of linear regression, while no mean
# is better than the linear one. On the right most tumours lie at the two ends, where all three
# classifiers are right; of the few between them the likelihood networks, five of them averaged, are
# the least sure, and they have the lowest loss.

if options.save:
    figure.savefig(options.save, dpi=150)
else:
    plt.show()
