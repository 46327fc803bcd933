"""Linear classifiers reach the maximum of the likelihood that other software finds."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from statsmodels.miscmodels.ordinal_model import OrderedModel

from sklnll import NLLClassifier
from sklnll.distributions import Categorical, Ordinal
from sklnll.metrics import neg_nll_scorer

LINEAR = {
    "hidden_layer_sizes": (),
    "solver": "lbfgs",
    "alpha": 0,
    "tol": 1e-9,
    "max_iter": 5000,
}
RTOL = 1e-6


def log_likelihood(net, X, y, weight=None):
    log_prob = net.predict_dist(X).log_prob(y)
    return log_prob.sum() if weight is None else weight @ log_prob


def features(n=400, seed=1):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.normal(size=(n, 2)), rng.uniform(size=n) < 0.3]), rng


def ordered_rows(n=400):
    X, rng = features(n)
    return X, np.digitize(X @ [0.5, -0.3, 0.8] + rng.logistic(size=n), [-1.5, 0.0, 0.4, 2.0])


def wine_bitterness(folder):
    table = pd.read_csv(folder / "wine_bitterness.csv")
    X = pd.get_dummies(table[["temp", "contact"]], drop_first=True, dtype=float)
    return X.to_numpy(), table["rating"].to_numpy()


# Ordered classes ----------------------------------------------------------------------------------


def statsmodels_ordered(y, X):
    model = OrderedModel(y, X, distr="logit")
    return model.fit(disp=0, method="bfgs", gtol=1e-7, maxiter=1000, skip_hessian=True)


@pytest.fixture(params=["generated", "wine_bitterness"])
def ordered(request):
    if request.param == "wine_bitterness":
        return wine_bitterness(request.getfixturevalue("shared_data"))
    return ordered_rows()


def test_linear_ordinal_is_statsmodels(ordered):
    X, y = ordered
    n_columns = X.shape[1]
    oracle = statsmodels_ordered(y, X)
    net = NLLClassifier("ordinal", **LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=RTOL)
    np.testing.assert_allclose(net.coefs_[0].ravel(), oracle.params[:n_columns], atol=1e-5)
    # Its thresholds have no zero among them, since its location has no constant.
    cuts = oracle.model.transform_threshold_params(np.asarray(oracle.params))[1:-1]
    thresholds = net.predict_dist(X[:1]).params["thresholds"][0] - net.intercepts_[0]
    np.testing.assert_allclose(thresholds, cuts, atol=1e-5)
    np.testing.assert_allclose(net.predict_proba(X), oracle.predict(X), atol=1e-6)


def test_linear_ordinal_on_wine_bitterness_is_the_published_fit(shared_data):
    # R. Christensen (2019), Cumulative link models for ordinal regression with the R package
    # ordinal: clm(rating ~ temp + contact).
    X, y = wine_bitterness(shared_data)
    net = NLLClassifier("ordinal", **LINEAR).fit(X, y)
    assert log_likelihood(net, X, y) == pytest.approx(-86.49, abs=0.005)
    np.testing.assert_allclose(net.coefs_[0].ravel(), [2.503, 1.528], atol=5e-4)
    thresholds = net.predict_dist(X[:1]).params["thresholds"][0] - net.intercepts_[0]
    np.testing.assert_allclose(thresholds, [-1.344, 1.251, 3.467, 5.006], atol=6e-4)


def test_the_order_of_ratings_helps_to_predict_them(shared_data):
    X, y = wine_bitterness(shared_data)
    judge = pd.read_csv(shared_data / "wine_bitterness.csv")["judge"]
    nll = {
        str(family): -cross_val_score(
            NLLClassifier(family, **{**LINEAR, "alpha": 1}),
            X,
            y,
            groups=judge,
            cv=LeaveOneGroupOut(),
            scoring=neg_nll_scorer,
        ).mean()
        for family in ["ordinal", "categorical", Categorical(logits="constant")]
    }
    # 1.306, 1.389 and 1.506 nats a row for judges that were left out.
    assert nll["ordinal"] < nll["categorical"] - 0.05
    assert nll["categorical"] < nll["Categorical(logits='constant')"] - 0.05


def test_weighted_linear_ordinal_is_statsmodels_on_repeated_rows():
    X, y = ordered_rows()
    weight = np.arange(len(y)) % 3
    rows = np.repeat(np.arange(len(y)), weight)
    oracle = statsmodels_ordered(y[rows], X[rows])
    net = NLLClassifier("ordinal", **LINEAR).fit(X, y, sample_weight=weight)
    assert log_likelihood(net, X, y, weight) == pytest.approx(oracle.llf, rel=RTOL)


def test_linear_ordinal_with_two_classes_is_logistic_regression():
    X, y = ordered_rows()
    y = y > 1
    oracle = sm.Logit(y, sm.add_constant(X)).fit(disp=0, tol=1e-10)
    net = NLLClassifier("ordinal", **LINEAR).fit(X, y)
    bernoulli = NLLClassifier("bernoulli", **LINEAR).fit(X, y)
    np.testing.assert_allclose(net.weights_, bernoulli.weights_, atol=1e-10)
    assert log_likelihood(net, X, y) == pytest.approx(oracle.llf, rel=1e-9)
    np.testing.assert_allclose(net.coefs_[0].ravel(), oracle.params[1:], atol=1e-6)


def test_predicted_thresholds_split_by_one_feature_are_the_shares_of_each_half():
    rng = np.random.default_rng(0)
    x, y = np.repeat([0.0, 1.0], 100), rng.integers(4, size=200)
    net = NLLClassifier(Ordinal(thresholds=None), **LINEAR).fit(x[:, None], y)
    for half in (0, 1):
        shares = np.bincount(y[x == half]) / 100
        np.testing.assert_allclose(net.predict_proba([[half]])[0], shares, atol=1e-6)


# Several labels at once ---------------------------------------------------------------------------


@pytest.mark.parametrize("distribution", ["categorical", "bernoulli"])
def test_linear_indicators_are_separate_logistic_regressions(distribution):
    X, rng = features()
    Y = (X @ rng.normal(size=(3, 4)) + rng.logistic(size=(400, 4)) > [0, -1, 1, 2]).astype(int)
    net = NLLClassifier(distribution, **LINEAR).fit(X, Y)
    oracles = [sm.Logit(y, sm.add_constant(X)).fit(disp=0, tol=1e-10) for y in Y.T]
    together = sum(oracle.llf for oracle in oracles)
    assert log_likelihood(net, X, Y) == pytest.approx(together, rel=RTOL)
    np.testing.assert_allclose(
        net.predict_proba(X), np.column_stack([oracle.predict() for oracle in oracles]), atol=1e-6
    )
    coefs = np.column_stack([oracle.params[1:] for oracle in oracles])
    np.testing.assert_allclose(net.coefs_[0], coefs, atol=1e-5)


# Soft targets -------------------------------------------------------------------------------------


def soft_rows(n=200):
    X, rng = features(n)
    return X, rng.dirichlet([1.0, 2.0, 0.5], size=n)


def test_linear_soft_targets_of_one_hot_rows_are_statsmodels_multinomial():
    X, y = ordered_rows()
    y = np.minimum(y, 2)
    oracle = sm.MNLogit(y, sm.add_constant(X)).fit(disp=0, method="newton", maxiter=100, tol=1e-10)
    rows = np.eye(3)[y]
    net = NLLClassifier(Categorical(soft_targets=True), **LINEAR).fit(X, rows)
    assert log_likelihood(net, X, rows) == pytest.approx(oracle.llf, rel=RTOL)
    np.testing.assert_allclose(net.predict_proba(X), oracle.predict(), atol=1e-6)


def test_linear_soft_targets_are_repeated_rows_with_weights():
    X, p = soft_rows()
    soft = NLLClassifier(Categorical(soft_targets=True), **LINEAR).fit(X, p)
    repeated, labels = np.repeat(X, 3, axis=0), np.tile([0, 1, 2], len(X))
    hard = NLLClassifier(**LINEAR).fit(repeated, labels, sample_weight=p.ravel())
    # A row counts once as a whole, and three times in parts: the mean is over fewer rows.
    np.testing.assert_allclose(soft.predict_proba(X), hard.predict_proba(X), atol=1e-7)
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000)
    oracle.fit(repeated, labels, sample_weight=p.ravel())
    np.testing.assert_allclose(soft.predict_proba(X), oracle.predict_proba(X), atol=1e-5)
