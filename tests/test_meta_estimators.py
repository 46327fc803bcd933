"""predict_dist through samplers, calibration, thresholds and outputs of labels; and where not."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain_classifier, plain_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, RegressorChain
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from sklnll import predict_dist
from sklnll.metrics import (
    coverage_scorer,
    d2_score,
    d2_scorer,
    neg_crps_scorer,
    neg_nll_scorer,
    negative_log_likelihood,
)
from sklnll.predictive import SeveralLabelsPredictive

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 3))
EFFECT = X[:, 0] - X[:, 1]
LABELS = np.where(EFFECT + 0.5 * rng.normal(size=90) > 0.8, "rare", "common")
THREE = np.array(["low", "mid", "top"])[np.digitize(EFFECT, [-0.6, 0.6])]
NUMBERS = 10 + EFFECT + rng.normal(size=90)
BRIEF = {"hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 30, "random_state": 0}


def classifier(**params):
    return plain_classifier(**{**BRIEF, **params})


def regressor(*args, **params):
    return plain_regressor(*args, **{**BRIEF, **params})


# Samplers ----------------------------------------------------------------------------------------


def of_numbers(X, y):
    """Draw the upper half twice."""
    rows = np.r_[np.arange(len(y)), np.flatnonzero(y > np.median(y))]
    return X[rows], y[rows]


def samplers():
    """A sampler before the network, of labels and of numbers, in pipelines of imbalanced-learn."""
    imblearn = pytest.importorskip("imblearn")
    pytest.importorskip("imblearn.over_sampling")
    pytest.importorskip("imblearn.pipeline")
    more = imblearn.over_sampling.RandomOverSampler(random_state=0)
    again = imblearn.FunctionSampler(func=of_numbers, validate=False)
    return imblearn.pipeline.make_pipeline, {"labels": more, "numbers": again}


def resampled(kind, *before, net=None):
    make, sampler = samplers()
    default = classifier() if kind == "labels" else regressor()
    return make(*before, sampler[kind], default if net is None else net)


class Loud(Pipeline):
    """A pipeline of one's own, that goes through a step more."""

    def _iter(self, with_final=True, filter_passthrough=True):
        steps = super()._iter(with_final, filter_passthrough)
        return (step for step in steps if step[1] != "only in fit")


TARGETS = {"labels": LABELS, "numbers": NUMBERS}


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("before", [(), (StandardScaler(),), ("passthrough",)], ids=str)
def test_samplers_are_left_out_as_in_predict(kind, before):
    y = TARGETS[kind]
    model = resampled(kind, *before).fit(X, y)
    dist = predict_dist(model, X)
    assert len(dist) == len(X)
    point = dist.mode() if kind == "labels" else dist.mean()
    assert_array_equal(point, model.predict(X))
    if kind == "labels":
        assert_allclose(dist.probs, model.predict_proba(X), rtol=1e-12)


def test_a_sampler_may_stand_before_other_steps_and_inside():
    make, sampler = samplers()
    model = make(sampler["labels"], StandardScaler(), make(PCA(2), sampler["labels"], classifier()))
    model.fit(X, LABELS)
    assert_allclose(predict_dist(model, X).probs, model.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize("kind", TARGETS)
def test_scorers_give_numbers_and_searches_choose_by_them(kind):
    y = TARGETS[kind]
    net = resampled(kind)[-1].set_params(solver="adam", max_iter=20, learning_rate_init=0.02)
    model = resampled(kind, StandardScaler(), net=net)
    scoring = {"nll": neg_nll_scorer, "d2": d2_scorer}
    scoring |= {"crps": neg_crps_scorer, "coverage": coverage_scorer} if kind == "numbers" else {}
    scores = cross_validate(model, X, y, cv=3, scoring=scoring, error_score="raise")
    assert all(np.isfinite(scores[f"test_{name}"]).all() for name in scoring)
    name = f"{model.steps[-1][0]}__alpha"
    search = GridSearchCV(model, {name: [1e4, 1e-4]}, cv=3, scoring=neg_nll_scorer)
    search.fit(X, y)
    assert search.best_params_ == {name: 1e-4}
    by_hand = cross_val_score(model.set_params(**{name: 1e-4}), X, y, cv=3, scoring=neg_nll_scorer)
    assert search.best_score_ == pytest.approx(by_hand.mean(), rel=1e-9)
    assert len(predict_dist(search, X)) == len(X)


def test_members_may_resample():
    ensemble = pytest.importorskip("imblearn.ensemble")
    models = [
        BaggingClassifier(resampled("labels"), n_estimators=3, max_features=2, random_state=0),
        VotingClassifier([("a", resampled("labels")), ("b", classifier())], voting="soft"),
        ensemble.BalancedBaggingClassifier(classifier(), n_estimators=3, random_state=0),
    ]
    for model in models:
        model.fit(X, LABELS)
        assert_allclose(predict_dist(model, X).probs, model.predict_proba(X), rtol=1e-12)
        assert np.isfinite(neg_nll_scorer(model, X, LABELS))
    for model in (
        BaggingRegressor(resampled("numbers"), n_estimators=3, random_state=0),
        VotingRegressor([("a", resampled("numbers")), ("b", regressor())]),
        TransformedTargetRegressor(resampled("numbers"), transformer=StandardScaler()),
    ):
        model.fit(X, NUMBERS)
        assert_allclose(predict_dist(model, X).mean(), model.predict(X), rtol=1e-9)


def test_a_pipeline_of_ones_own_chooses_its_steps():
    center = FunctionTransformer(np.negative)
    model = Loud([("only in fit", center), ("scale", StandardScaler()), ("net", regressor())])
    model.fit(X, NUMBERS)
    assert_array_equal(predict_dist(model, X).mean(), model.predict(X))
    voting = VotingRegressor([("one", model), ("two", regressor())]).fit(X, NUMBERS)
    assert_allclose(predict_dist(voting, X).mean(), voting.predict(X), rtol=1e-9)


# Calibrated, decided, frozen ---------------------------------------------------------------------


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("y", [LABELS, THREE], ids=["two", "three"])
def test_calibrated_probabilities_are_those_of_predict_proba(method, y):
    model = CalibratedClassifierCV(make_pipeline(StandardScaler(), classifier()), method=method)
    dist = predict_dist(model.fit(X, y), X)
    probs = model.predict_proba(X)
    assert_array_equal(dist.classes, model.classes_)
    assert_allclose(dist.probs, probs, rtol=1e-9, atol=1e-300)
    assert_array_equal(dist.mode(), model.classes_[probs.argmax(axis=1)])
    if method == "sigmoid":
        assert neg_nll_scorer(model, X, y) == pytest.approx(-log_loss(y, probs), rel=1e-9)
    assert np.isfinite(dist.log_probs).all()
    assert len(dist[3:5]) == 2


def test_calibrated_labels_keep_their_type_and_have_no_exposure():
    y = np.where(LABELS == "rare", 2, 1)
    model = CalibratedClassifierCV(classifier(), cv=2).fit(X, y)
    assert predict_dist(model, X).mode().dtype == y.dtype
    with pytest.raises(TypeError, match="predicts labels, which have no exposure"):
        predict_dist(model, X, exposure=np.ones(len(X)))


@pytest.mark.parametrize(
    "decide",
    [
        lambda net: FixedThresholdClassifier(net, threshold=0.2, pos_label="rare"),
        lambda net: TunedThresholdClassifierCV(net, cv=2),
    ],
    ids=["fixed", "tuned"],
)
def test_a_threshold_decides_by_the_probabilities_inside(decide):
    model = decide(make_pipeline(StandardScaler(), classifier())).fit(X, LABELS)
    assert_array_equal(predict_dist(model, X).probs, model.predict_proba(X))
    assert neg_nll_scorer(model, X, LABELS) == pytest.approx(
        -log_loss(LABELS, model.predict_proba(X)), rel=1e-9
    )


def test_frozen_estimators_predict_as_they_did():
    model = make_pipeline(StandardScaler(), classifier()).fit(X, LABELS)
    expected = predict_dist(model, X).probs
    assert_array_equal(predict_dist(FrozenEstimator(model), X).probs, expected)
    calibrated = CalibratedClassifierCV(FrozenEstimator(model)).fit(X, LABELS)
    assert_allclose(predict_dist(calibrated, X).probs, calibrated.predict_proba(X), rtol=1e-9)


# Outputs of labels -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outputs():
    """Two outputs of labels with other classes each, and a model of them."""
    Y = np.column_stack([LABELS, THREE])
    return MultiOutputClassifier(make_pipeline(StandardScaler(), classifier())).fit(X, Y), Y


def test_outputs_of_labels_are_each_its_own_classifiers(outputs):
    model, Y = outputs
    dist = predict_dist(model, X)
    for ours, theirs in zip(dist.probs, model.predict_proba(X), strict=True):
        assert_allclose(ours, theirs, rtol=1e-12)
    for ours, theirs in zip(dist.classes, model.classes_, strict=True):
        assert_array_equal(ours, theirs)
    assert_array_equal(dist.mode(), model.predict(X))
    alone = [log_loss(Y[:, j], model.predict_proba(X)[j]) for j in range(2)]
    assert neg_nll_scorer(model, X, Y) == pytest.approx(-sum(alone), rel=1e-9)
    assert_allclose(dist.pmf(Y), np.exp(dist.log_prob(Y)), rtol=1e-12)
    entropies = [-(p * np.log(p)).sum(axis=1) for p in model.predict_proba(X)]
    assert_allclose(dist.entropy(), sum(entropies), rtol=1e-9)


def test_outputs_of_labels_can_be_cut_drawn_and_tabulated(outputs):
    pytest.importorskip("pandas")
    dist = predict_dist(outputs[0], X)
    assert_array_equal(dist[10:20].mode(), dist.mode()[10:20])
    assert (len(dist), len(dist[4]), len(dist[dist.entropy() > 0])) == (90, 1, 90)
    draws = dist.rvs(4000, random_state=0)
    assert draws.shape == (90, 2, 4000)
    assert dist.rvs(random_state=0).shape == (90, 2)
    share = (draws[:, 1] == "top").mean(axis=1)
    assert_allclose(share, dist.probs[1][:, 2], atol=5 * 0.5 / np.sqrt(4000))
    frame = dist.to_frame()
    assert frame.columns.tolist() == [
        (0, "common"),
        (0, "rare"),
        *((1, k) for k in dist.classes[1]),
    ]
    assert repr(dist[:2]).startswith("SeveralLabelsPredictive([LabelPredictive(Categorical(), n_ro")


def test_outputs_of_labels_beat_their_shares(outputs):
    model, Y = outputs
    dist = predict_dist(model, X)
    shares = [np.unique(column, return_counts=True)[1] / 90 for column in Y.T]
    null = -sum((p * np.log(p)).sum() for p in shares)
    nll = negative_log_likelihood(Y, dist)
    expected = -np.expm1(2 * (nll - null)) / -np.expm1(-2 * null)
    assert d2_score(Y, dist) == pytest.approx(expected, rel=1e-6)


def test_outputs_of_several_types_are_read_column_by_column():
    pd = pytest.importorskip("pandas")
    numbers = np.digitize(EFFECT, [0])
    fitted = [classifier().fit(X, column) for column in (LABELS, numbers)]
    dist = SeveralLabelsPredictive([net.predict_dist(X) for net in fitted])
    Y = np.column_stack([LABELS.astype(object), numbers.astype(object)])
    assert {type(label) for label in dist.mode()[:, 1].tolist()} == {int}
    assert {type(label) for label in dist.mode()[:, 0].tolist()} == {str}
    frame = pd.DataFrame(Y).convert_dtypes()
    assert_array_equal(dist.log_prob(frame), dist.log_prob(Y))
    assert negative_log_likelihood(frame, dist) == negative_log_likelihood(Y, dist)


def test_other_columns_of_labels_are_refused(outputs):
    model, Y = outputs
    dist = predict_dist(model, X)
    for y in (Y[:, 0], Y[:, :1], Y[:5], Y.T, np.column_stack([Y, Y])):
        with pytest.raises(
            ValueError, match=r"y must have shape \(90, 2\), a column of labels for"
        ):
            dist.log_prob(y)
    with pytest.raises(ValueError, match="label that was not seen in fit"):
        dist.log_prob(Y[:, ::-1])
    with pytest.raises(TypeError, match="needs a y of numbers"):
        neg_crps_scorer(model, X, Y)
    with pytest.raises(TypeError, match="LogisticRegression has no predict_dist"):
        predict_dist(MultiOutputClassifier(LogisticRegression()).fit(X, INDICATORS), X)


# What has no distribution ------------------------------------------------------------------------

INDICATORS = np.column_stack([EFFECT > 0, X[:, 2] > 0, X[:, 0] > 0]).astype(int)
REFUSED = {
    "ClassifierChain": (ClassifierChain(classifier()), INDICATORS, "indicator matrix"),
    "RegressorChain": (
        RegressorChain(regressor()),
        np.column_stack([NUMBERS, EFFECT]),
        "multivariate_normal",
    ),
    "OneVsRestClassifier": (OneVsRestClassifier(classifier()), THREE, "any number of labels"),
    "OneVsOneClassifier": (OneVsOneClassifier(classifier()), THREE, "any number of labels"),
    "OutputCodeClassifier": (OutputCodeClassifier(classifier()), THREE, "any number of labels"),
    "AdaBoostClassifier": (AdaBoostClassifier(classifier(), n_estimators=2), THREE, "Bagging"),
    "AdaBoostRegressor": (AdaBoostRegressor(regressor(), n_estimators=2), NUMBERS, "Bagging"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_distribution_says_why_and_what_has_one(name):
    model, y, instead = REFUSED[name]
    model.fit(X, y)
    with pytest.raises(TypeError, match=rf"^{name} has no predict_dist: it .*{instead}"):
        predict_dist(model, X)
    with pytest.raises(TypeError, match=rf"^{name} has no predict_dist: "):
        neg_nll_scorer(make_pipeline("passthrough", FrozenEstimator(model)).fit(X, y), X, y)


# Targets that are bent the wrong way -------------------------------------------------------------


def no_map(func, inverse_func):
    return FunctionTransformer(func, inverse_func, check_inverse=False)


TABLE = {float(k): float(k) for k in range(-5, 30)}
NO_MAPS = {
    "bins": (KBinsDiscretizer(4, encode="ordinal"), "must be a monotone map"),
    "codes": (OrdinalEncoder(), "must be a monotone map"),
    "indicators": (KBinsDiscretizer(4, encode="onehot-dense"), "must keep the number of outputs"),
    "rounded": (no_map(np.round, np.round), "must be a monotone map"),
    "looked up": (
        no_map(np.round, np.vectorize(TABLE.__getitem__)),
        r"must be a monotone map.*KeyError",
    ),
    "constant": (no_map(np.ones_like, np.ones_like), "must be a monotone map"),
    "wave": (no_map(np.arctan, lambda z: np.sin(5 * z)), "must be a monotone map"),
    "NaN": (no_map(np.copy, lambda z: np.nan * z), "must be a monotone map"),
    "text": (no_map(np.copy, lambda z: np.full(z.shape, "a")), r"must be a monotone.*ValueError"),
    "powers": (PolynomialFeatures(2, include_bias=False), r"must be a monotone.*AttributeError"),
    "two columns": (
        no_map(lambda y: np.hstack([y, y**3]), lambda z: z[:, :1]),
        "must keep the number of outputs .*; 2 columns became 1",
    ),
}


@pytest.mark.filterwarnings("ignore:Bins whose width:UserWarning")
@pytest.mark.filterwarnings("ignore:The current default behavior:FutureWarning")
@pytest.mark.parametrize("name", NO_MAPS)
def test_a_target_that_is_bent_the_wrong_way_says_so(name):
    transformer, message = NO_MAPS[name]
    y = np.round(NUMBERS) if name in ("codes", "looked up") else NUMBERS
    noisy = regressor(max_iter=5)
    model = TransformedTargetRegressor(noisy, transformer=transformer, check_inverse=False)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        predict_dist(model.fit(X, y), X)


@pytest.mark.parametrize("family", ["normal", "poisson"])
def test_bins_are_no_map_for_any_family(family):
    transformer = KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf")
    model = TransformedTargetRegressor(
        regressor(family), transformer=transformer, check_inverse=False
    )
    with pytest.raises(ValueError, match="must be a monotone map"):
        predict_dist(model.fit(X, NUMBERS), X)
