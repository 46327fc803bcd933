"""Exposure is how long a row was watched: the network learns what happens in one unit of it."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from distributions.cases import FAMILIES, NUMBERS
from kinds import one_of_each_kind
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain_regressor
from scipy.special import expit
from sklearn import __version__ as sklearn_version
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from sklnll import predict_dist
from sklnll.distributions import Binomial, NegativeBinomial
from sklnll.metrics import neg_crps_scorer, neg_nll_scorer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LINEAR = {
    "hidden_layer_sizes": (),
    "solver": "lbfgs",
    "alpha": 0,
    "tol": 1e-9,
    "max_iter": 5000,
}
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0}
FOLDS = KFold(3)


def knows_exposure(family):
    try:
        family.check_exposure(np.ones(1))
    except ValueError:
        return False
    return True


WITH_EXPOSURE = [name for name in NUMBERS if knows_exposure(FAMILIES[name])]
WITHOUT = [name for name in NUMBERS if name not in WITH_EXPOSURE]
RATES = [name for name in WITH_EXPOSURE if name != "binomial"]
PROPORTIONAL = [name for name in RATES if not name.startswith("hurdle")]
"""Families whose mean grows with the exposure; of hurdles the share of zeros stays."""


def draw(name, n=150, seed=0):
    """Rows X, counts y and the exposures that they took; whole for numbers of trials."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    eta = X @ [0.5, -0.3, 0.2]
    if name == "binomial":
        trials = rng.integers(1, 9, n)
        return X, rng.binomial(trials, expit(eta)), trials
    exposure = rng.uniform(0.2, 5, n)
    return X, rng.poisson(exposure * np.exp(eta) * rng.gamma(2, 0.5, n)), exposure


def draw_two_outputs(name, n=400):
    """The same for a likelihood with one maximum, which lies inside: counts overdispersed, and
    with zeros of their own where the family knows such, so that no parameter runs to its end.
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    eta = X @ [[0.5, -0.2], [-0.3, 0.4], [0.2, 0.1]]
    if name == "binomial":
        trials = rng.integers(1, 9, n)
        return X, rng.binomial(trials[:, None], expit(eta)), trials
    exposure = rng.uniform(0.5, 2, n)
    counts = rng.poisson(exposure[:, None] * np.exp(1.5 + eta) * rng.gamma(2, 0.5, eta.shape))
    is_extra_zero = rng.uniform(size=eta.shape) < expit(eta[:, ::-1] - 1)
    has_zeros = "inflation" in FAMILIES[name].parameters
    return X, np.where(is_extra_zero & has_zeros, 0, counts), exposure


def test_counts_know_exposure():
    assert {"poisson", "negative_binomial", "binomial"} <= set(WITH_EXPOSURE)
    assert {"normal", "gamma", "beta"} <= set(WITHOUT)


# Someone else's fits -----------------------------------------------------------------------------


def test_poisson_rates_are_statsmodels():
    X, y, exposure = draw("poisson")
    design = sm.add_constant(X)
    oracle = sm.GLM(y, design, family=sm.families.Poisson(), exposure=exposure).fit(tol=1e-10)
    net = plain_regressor("poisson", **LINEAR).fit(X, y, exposure=exposure)
    assert_allclose(net.coefs_[0].ravel(), oracle.params[1:], atol=1e-6)
    assert_allclose(net.predict(X, exposure=exposure), oracle.fittedvalues, rtol=1e-6)
    dist = net.predict_dist(X, exposure=exposure)
    assert dist.log_prob(y).sum() == pytest.approx(oracle.llf, rel=1e-9)
    assert net.loss_ == pytest.approx(-oracle.llf / len(y), rel=1e-9)


def test_negative_binomial_rates_are_statsmodels():
    X, y, exposure = draw("negative_binomial", n=400)
    oracle = sm.NegativeBinomial(y, sm.add_constant(X), exposure=exposure).fit(
        disp=0, maxiter=1000, gtol=1e-7
    )
    distribution = NegativeBinomial(dispersion="constant")
    net = plain_regressor(distribution, **LINEAR).fit(X, y, exposure=exposure)
    dist = net.predict_dist(X, exposure=exposure)
    assert dist.log_prob(y).sum() == pytest.approx(oracle.llf, rel=1e-9)
    assert_allclose(net.coefs_[0].ravel(), oracle.params[1:-1], atol=1e-4)
    assert_allclose(dist.params["dispersion"], oracle.params[-1], rtol=1e-4)


@pytest.mark.parametrize("weight", [None, np.linspace(0, 3, 150)], ids=["", "weighted"])
def test_poisson_rates_are_weighted_fits_of_the_quotient(weight):
    X, y, exposure = draw("poisson")
    net = plain_regressor("poisson", **LINEAR).fit(X, y, weight, exposure=exposure)
    total = exposure if weight is None else weight * exposure
    other = plain_regressor("poisson", **LINEAR).fit(X, y / exposure, sample_weight=total)
    assert_allclose(net.predict(X), other.predict(X), rtol=1e-7)


def test_numbers_of_trials_are_so_many_rows_of_one_trial():
    X, y, trials = draw("binomial")
    net = plain_regressor("binomial", **LINEAR).fit(X, y, exposure=trials)
    single = np.concatenate([np.arange(n) < k for n, k in zip(trials, y, strict=True)])
    other = plain_regressor("binomial", **LINEAR).fit(np.repeat(X, trials, axis=0), single)
    assert_allclose(net.predict(X), other.predict(X), rtol=1e-7)


def test_exposure_multiplies_the_trials():
    X, y, pairs = draw("binomial")
    net = plain_regressor("binomial", **LINEAR).fit(X, y, exposure=2 * pairs)
    other = plain_regressor(Binomial(trials=2), **LINEAR).fit(X, y, exposure=pairs)
    assert_allclose(other.predict(X), 2 * net.predict(X), rtol=1e-9)
    assert_array_equal(other.predict_dist(X, exposure=pairs).params["trials"], 2 * pairs)


# Whatever the family -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROPORTIONAL)
@pytest.mark.parametrize("params", [SMALL, {**SMALL, "early_stopping": True}], ids=["", "stop"])
def test_a_constant_exposure_only_changes_the_unit(name, params):
    X, y, _ = draw(name)
    plain = plain_regressor(name, **params).fit(X, y)
    net = plain_regressor(name, **params).fit(X, y, exposure=np.full(len(y), 12.0))
    yearly = net.predict_dist(X, exposure=np.full(len(y), 12.0))
    # The biases start elsewhere, and rounding spreads from there.
    assert_allclose(yearly.mean(), plain.predict(X), rtol=1e-8)
    assert_allclose(net.loss_curve_, plain.loss_curve_, rtol=1e-8)
    assert_allclose(net.predict(X), plain.predict(X) / 12, rtol=1e-8)


@pytest.mark.parametrize("name", WITH_EXPOSURE)
def test_what_is_predicted_is_that_of_the_exposure_and_of_one_unit_without(name):
    X, y, exposure = draw(name)
    net = plain_regressor(name, **SMALL).fit(X, y, exposure=exposure)
    dist = net.predict_dist(X, exposure=exposure)
    if name in [*PROPORTIONAL, "binomial"]:
        assert_allclose(dist.mean(), exposure * net.predict(X), rtol=1e-12)
    one = np.ones(len(y))
    assert_array_equal(net.predict_dist(X).mean(), net.predict(X, exposure=one))
    assert_array_equal(net.predict(X, exposure=exposure), dist.mean())
    assert_array_equal(net.predict(X, return_std=True, exposure=exposure)[1], dist.std())
    assert_array_equal(net.predict_quantiles(X, [0.1], exposure=exposure), dist.ppf([0.1]))
    assert_array_equal(net.predict_interval(X, 0.8, exposure=exposure), dist.interval(0.8))
    assert_array_equal(net.sample_y(X, 3, exposure=exposure), dist.rvs(3, random_state=0))
    squares = ((y - dist.mean()) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert net.score(X, y, exposure=exposure) == pytest.approx(1 - squares)
    assert neg_nll_scorer(net, X, y, exposure=exposure) == pytest.approx(dist.log_prob(y).mean())
    assert neg_crps_scorer(net, X, y, exposure=exposure) == pytest.approx(-dist.crps(y).mean())


@pytest.mark.parametrize("name", WITH_EXPOSURE)
def test_weights_are_repetitions_with_their_exposure(name):
    X, y, exposure = draw(name, n=60)
    weight = np.random.default_rng(5).integers(0, 4, 60)
    net = plain_regressor(name, **SMALL).fit(X, y, sample_weight=weight, exposure=exposure)
    X2, y2, exposure2 = (np.repeat(value, weight, axis=0) for value in (X, y, exposure))
    other = plain_regressor(name, **SMALL).fit(X2, y2, exposure=exposure2)
    assert_allclose(net.predict(X), other.predict(X), rtol=1e-9)
    assert net.loss_ == pytest.approx(other.loss_, rel=1e-9)


@pytest.mark.parametrize("name", WITH_EXPOSURE)
def test_several_outputs_share_the_exposure(name):
    X, both, exposure = draw_two_outputs(name)
    together = plain_regressor(name, **LINEAR).fit(X, both, exposure=exposure)
    alone = [plain_regressor(name, **LINEAR).fit(X, y, exposure=exposure) for y in both.T]
    log_likelihood = [
        net.predict_dist(X, exposure=exposure).log_prob(y).sum()
        for net, y in zip(alone, both.T, strict=True)
    ]
    dist = together.predict_dist(X, exposure=exposure)
    assert dist.log_prob(both).sum() == pytest.approx(sum(log_likelihood), rel=1e-9)
    expected = np.column_stack([net.predict(X, exposure=exposure) for net in alone])
    assert_allclose(together.predict(X, exposure=exposure), expected, rtol=1e-4)


@pytest.mark.parametrize("name", WITH_EXPOSURE)
def test_early_stopping_judges_validation_rows_by_their_exposure(name):
    X, y, exposure = draw(name)
    X_val, y_val, exposure_val = draw(name, n=40, seed=1)
    validation = {"X_val": X_val, "y_val": y_val, "exposure_val": exposure_val}
    net = plain_regressor(name, **SMALL).fit(X, y, exposure=exposure, **validation)
    by_hand = net.predict_dist(X_val, exposure=exposure_val).log_prob(y_val).mean()
    assert net.best_validation_score_ == pytest.approx(by_hand, rel=1e-9)
    assert net.best_validation_score_ == max(net.validation_scores_)


def test_the_form_of_the_exposure_does_not_matter():
    X, y, exposure = draw("binomial")
    expected = plain_regressor("binomial", **LINEAR).fit(X, y, exposure=exposure)
    index = np.arange(len(y))[::-1]
    for form in [exposure.tolist(), pd.Series(exposure, index=index), exposure.astype("float32")]:
        net = plain_regressor("binomial", **LINEAR).fit(X, y, exposure=form)
        assert_array_equal(net.predict(X, exposure=form), expected.predict(X, exposure=exposure))


# Model selection ---------------------------------------------------------------------------------


@pytest.fixture
def routing():
    """Metadata routing, switched on."""
    with config_context(enable_metadata_routing=True):
        yield


def asking(distribution="poisson", **params):
    """A net that asks for exposures wherever it may."""
    net = plain_regressor(distribution, **{**LINEAR, "alpha": 0.1, "tol": 1e-3, **params})
    for request in (net.set_fit_request, net.set_predict_request, net.set_score_request):
        request(exposure=True)
    return net


def in_pipeline(net):
    return make_pipeline(StandardScaler(), net)


def by_hand(model, X, y, exposure, measure):
    """A score of each fold, without scikit-learn's routing; `model` ends in a net."""
    scores = []
    for train, test in FOLDS.split(X):
        scaler = StandardScaler().fit(X[train])
        net = clone(model[-1]).fit(scaler.transform(X[train]), y[train], exposure=exposure[train])
        dist = net.predict_dist(scaler.transform(X[test]), exposure=exposure[test])
        scores.append(measure(dist, y[test]))
    return scores


MEASURES = {
    neg_nll_scorer: lambda dist, y: dist.log_prob(y).mean(),
    neg_crps_scorer: lambda dist, y: -dist.crps(y).mean(),
}


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("name", one_of_each_kind(WITH_EXPOSURE))
def test_cross_validation_routes_exposures_through_a_pipeline(name):
    X, y, exposure = draw(name)
    model = in_pipeline(asking(name))
    scoring = {repr(scorer): scorer.set_score_request(exposure=True) for scorer in MEASURES}
    settings = {"cv": FOLDS, "params": {"exposure": exposure}, "error_score": "raise"}
    together = cross_validate(model, X, y, scoring=scoring, **settings)
    for scorer, measure in MEASURES.items():
        expected = by_hand(model, X, y, exposure, measure)
        assert_allclose(together[f"test_{scorer!r}"], expected, rtol=1e-12)
        alone = cross_val_score(model, X, y, scoring=scoring[repr(scorer)], **settings)
        assert_allclose(alone, expected, rtol=1e-12)


@pytest.mark.skipif(
    parse_version(sklearn_version) < parse_version("1.8"),
    reason="before scikit-learn 1.8 a pipeline's own score is not asked what it wants",
)
@pytest.mark.usefixtures("routing")
def test_the_nets_own_score_takes_exposures():
    X, y, exposure = draw("poisson")
    model = in_pipeline(asking())
    scores = cross_val_score(model, X, y, cv=FOLDS, params={"exposure": exposure})

    def r2(dist, y):
        return 1 - ((y - dist.mean()) ** 2).sum() / ((y - y.mean()) ** 2).sum()

    assert_allclose(scores, by_hand(model, X, y, exposure, r2), rtol=1e-12)


@pytest.mark.usefixtures("routing")
def test_a_search_chooses_refits_and_predicts_with_exposures():
    X, y, exposure = draw("negative_binomial")
    model = in_pipeline(asking())
    grid = {"nllregressor__distribution": ["poisson", "negative_binomial"]}
    scorer = neg_nll_scorer.set_score_request(exposure=True)
    search = GridSearchCV(model, grid, scoring=scorer, cv=FOLDS, error_score="raise")
    search.fit(X, y, exposure=exposure)
    expected = [
        np.mean(
            by_hand(clone(model).set_params(**params), X, y, exposure, MEASURES[neg_nll_scorer])
        )
        for params in search.cv_results_["params"]
    ]
    assert_allclose(search.cv_results_["mean_test_score"], expected, rtol=1e-12)
    assert search.best_params_["nllregressor__distribution"] == "negative_binomial"
    dist = predict_dist(search, X, exposure=exposure)
    scaled = StandardScaler().fit_transform(X)
    net = clone(search.best_estimator_[-1]).fit(scaled, y, exposure=exposure)
    assert_array_equal(dist.mean(), net.predict(scaled, exposure=exposure))
    assert_array_equal(search.best_estimator_.predict(X, exposure=exposure), dist.mean())
    assert search.score(X, y, exposure=exposure) == pytest.approx(dist.log_prob(y).mean())


@pytest.mark.usefixtures("routing")
def test_exposures_and_weights_are_routed_together():
    X, y, exposure = draw("poisson")
    weight = np.linspace(0.1, 3, len(y))
    net = asking().set_fit_request(exposure=True, sample_weight=True)
    scorer = neg_nll_scorer.set_score_request(exposure=True, sample_weight=True)
    params = {"exposure": exposure, "sample_weight": weight}
    scores = cross_val_score(net, X, y, scoring=scorer, cv=FOLDS, params=params)
    expected = []
    for train, test in FOLDS.split(X):
        net.fit(X[train], y[train], weight[train], exposure=exposure[train])
        log_prob = net.predict_dist(X[test], exposure=exposure[test]).log_prob(y[test])
        expected.append(np.average(log_prob, weights=weight[test]))
    assert_allclose(scores, expected, rtol=1e-12)


@pytest.mark.usefixtures("routing")
def test_exposures_that_nobody_asked_for_are_an_error():
    X, y, exposure = draw("poisson")
    with pytest.raises(UnsetMetadataPassedError, match="exposure"):
        cross_val_score(
            plain_regressor("poisson"), X, y, scoring=neg_nll_scorer, params={"exposure": exposure}
        )


# Bad exposures -----------------------------------------------------------------------------------


def put(exposure, value, row=7):
    exposure = np.array(exposure, dtype=float)
    exposure[row] = value
    return exposure


BAD = [
    (0.0, "positive and finite; found 0 at row 7"),
    (-1.5, "positive and finite; found -1.5 at row 7"),
    (np.nan, "positive and finite; found nan at row 7"),
    (np.inf, "positive and finite; found inf at row 7"),
]


@pytest.mark.parametrize("name", WITH_EXPOSURE)
@pytest.mark.parametrize(("value", "message"), BAD)
def test_exposures_are_positive_and_finite(name, value, message):
    X, y, exposure = draw(name)
    bad = put(exposure, value)
    net = plain_regressor(name, **SMALL)
    with pytest.raises(ValueError, match=message):
        net.fit(X, y, exposure=bad)
    with pytest.raises(ValueError, match=message):
        net.fit(X, y, exposure=exposure, X_val=X, y_val=y, exposure_val=bad)
    net.fit(X, y, exposure=exposure)
    for predict in (net.predict, net.predict_dist, net.predict_interval, net.sample_y):
        with pytest.raises(ValueError, match=message):
            predict(X, exposure=bad)
    with pytest.raises(ValueError, match=message):
        neg_nll_scorer(net, X, y, exposure=bad)


@pytest.mark.parametrize("shape", [(), (149,), (150, 1), (1, 150)])
def test_exposures_are_one_a_row(shape):
    X, y, exposure = draw("poisson")
    net = plain_regressor("poisson", **SMALL)
    with pytest.raises(ValueError, match=r"exposure must have shape \(150,\)"):
        net.fit(X, y, exposure=np.ones(shape))
    with pytest.raises(ValueError, match=r"exposure must have shape \(150,\)"):
        net.fit(X, y, exposure=exposure).predict(X, exposure=np.ones(shape))


@pytest.mark.parametrize("name", WITHOUT)
def test_families_without_exposure_say_so(name, draw_rows):
    X, y = draw_rows(name)
    exposure = np.ones(len(y))
    message = "has no exposure; leave it out, or use a family of counts such as 'poisson'"
    net = plain_regressor(name, **SMALL)
    with pytest.raises(ValueError, match=message):
        net.fit(X, y, exposure=exposure)
    with pytest.raises(ValueError, match=message):
        net.fit(X, y).predict_dist(X, exposure=exposure)


def test_validation_exposures_need_validation_rows():
    X, y, exposure = draw("poisson")
    with pytest.raises(ValueError, match="exposure_val was given without X_val and y_val"):
        plain_regressor("poisson").fit(X, y, exposure=exposure, exposure_val=exposure)


def test_numbers_of_trials_are_whole():
    X, y, trials = draw("binomial")
    message = r"trials \* exposure must be whole numbers .* found 2.5 at row 7.*numbers of trials"
    net = plain_regressor("binomial", **SMALL)
    with pytest.raises(ValueError, match=message):
        net.fit(X, np.minimum(y, 1), exposure=put(trials, 2.5))
    net.fit(X, y, exposure=trials)
    with pytest.raises(ValueError, match=message):
        net.predict_dist(X, exposure=put(trials, 2.5))
    plain_regressor(Binomial(trials=2), **SMALL).fit(X, np.minimum(y, 1), exposure=put(trials, 2.5))


def test_there_are_no_more_successes_than_trials():
    X, y, trials = draw("binomial")
    message = r"y must be at most the number of trials for Binomial\(\); found 9 of 1 at row 7 "
    advice = r"\(1 of 150 values are above\).*trials as exposure, or use Binomial\(trials=n\)"
    net = plain_regressor("binomial", **SMALL)
    with pytest.raises(ValueError, match=message + advice):
        net.fit(X, put(np.minimum(y, 1), 9))
    both = np.column_stack([np.zeros(150), put(y, 9)])
    with pytest.raises(ValueError, match="found 9 of 8 at row 7, column 1"):
        net.fit(X, both, exposure=put(trials, 8))
    with pytest.raises(ValueError, match="y_val must be at most the number of trials"):
        net.fit(X, y, exposure=trials, X_val=X, y_val=y + 9, exposure_val=trials)
