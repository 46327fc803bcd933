"""predict_dist reaches the network through scikit-learn's compositions."""

import re
from functools import cache, partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import RFE
from sklearn.linear_model import BayesianRidge, LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sklnll import NLLRegressor, predict_dist
from sklnll.distributions import get_distribution

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DOUBLE = FunctionTransformer(partial(np.multiply, 2.0))
ALPHAS = [0.1, 10.0]


def scaled(X):
    return StandardScaler().fit_transform(X)


def search(estimator, name="alpha"):
    return GridSearchCV(estimator, {name: ALPHAS}, cv=2, error_score="raise")


# name -> (composition of a net, what it does to X before the net sees it)
COMPOSITIONS = {
    "bare": (lambda net: net, lambda X: X),
    "pipeline": (lambda net: make_pipeline(StandardScaler(), net), scaled),
    "one step": (lambda net: make_pipeline(net), lambda X: X),
    "passthrough": (lambda net: Pipeline([("pass", "passthrough"), ("net", net)]), lambda X: X),
    "three steps": (
        lambda net: make_pipeline(DOUBLE, StandardScaler(), DOUBLE, net),
        lambda X: 2 * scaled(2 * X),
    ),
    "nested": (
        lambda net: make_pipeline(DOUBLE, make_pipeline(StandardScaler(), make_pipeline(net))),
        lambda X: scaled(2 * X),
    ),
    "grid": (search, lambda X: X),
    "randomized": (
        lambda net: RandomizedSearchCV(net, {"alpha": ALPHAS}, n_iter=2, cv=2, random_state=0),
        lambda X: X,
    ),
    "grid of pipelines": (
        lambda net: search(Pipeline([("scale", StandardScaler()), ("net", net)]), "net__alpha"),
        scaled,
    ),
    "pipeline to grid": (lambda net: make_pipeline(StandardScaler(), search(net)), scaled),
    "all": (
        lambda net: search(
            Pipeline([("double", DOUBLE), ("inner", make_pipeline(StandardScaler(), search(net)))]),
            "inner__gridsearchcv__estimator__tol",
        ),
        lambda X: scaled(2 * X),
    ),
}


@pytest.fixture(scope="module", params=["student_t", "poisson", "categorical", "plackett_luce"])
def rows_and_net(request, draw_rows, make_net):
    """Rows X, y and an unfitted net for them."""
    X, y = draw_rows(request.param)
    net = make_net(request.param, hidden_layer_sizes=(), solver="lbfgs", max_iter=20)
    return 3 * X + 1, y, net


@pytest.fixture(scope="module")
def fitted_composition(rows_and_net):
    """A function: the composition of that name, fitted once for all tests, which leave it so."""
    X, y, net = rows_and_net
    return cache(lambda name: COMPOSITIONS[name][0](clone(net)).fit(X, y))


def innermost(model):
    """The net at the end of a fitted composition, found by hand."""
    while not hasattr(model, "predict_dist"):
        model = model[-1] if isinstance(model, Pipeline) else model.best_estimator_
    return model


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_the_distribution_is_that_of_the_net_inside(name, rows_and_net, fitted_composition):
    X, transform = rows_and_net[0], COMPOSITIONS[name][1]
    model = fitted_composition(name)
    dist, expected = predict_dist(model, X), innermost(model).predict_dist(transform(X))
    assert type(dist) is type(expected)
    assert dist.params.keys() == expected.params.keys()
    for key, value in dist.params.items():
        assert_array_equal(value, expected.params[key])
    point = dist.point() if hasattr(dist, "point") else dist.mode()
    assert_array_equal(point, model.predict(X))


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_new_rows_need_no_fit_of_their_own(name, rows_and_net, fitted_composition):
    X, model = rows_and_net[0], fitted_composition(name)
    for key, value in predict_dist(model, X[10:20]).params.items():
        # Ten rows are another matrix product, whose sums may run in another order.
        assert_allclose(value, predict_dist(model, X).params[key][10:20], rtol=1e-9)


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_an_unfitted_composition_says_so(name, rows_and_net):
    X, _, net = rows_and_net
    with pytest.raises(NotFittedError, match="not fitted yet"):
        predict_dist(COMPOSITIONS[name][0](net), X)


def test_a_search_that_kept_no_estimator_says_so(rows_and_net):
    X, y, net = rows_and_net
    model = GridSearchCV(net, {"alpha": ALPHAS}, cv=2, refit=False).fit(X, y)
    with pytest.raises((AttributeError, TypeError), match="refit"):
        predict_dist(model, X)


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_compositions_can_be_cloned(name, rows_and_net, fitted_composition):
    X, y, _ = rows_and_net
    model = fitted_composition(name)
    twin = clone(model).fit(X, y)
    for key, value in predict_dist(twin, X).params.items():
        assert_array_equal(value, predict_dist(model, X).params[key])


@pytest.mark.parametrize(
    "model",
    [
        LinearRegression(),
        make_pipeline(StandardScaler(), LinearRegression()),
        GridSearchCV(LinearRegression(), {"positive": [False]}, cv=2),
        KNeighborsRegressor(),
        make_pipeline(StandardScaler(), StandardScaler()),
    ],
    ids=lambda model: re.sub(r"\W+", "-", str(model)),
)
def test_what_has_no_distribution_says_so(model, rows_and_net):
    X, y, _ = rows_and_net
    culprit = model.estimator if isinstance(model, GridSearchCV) else model
    culprit = culprit[-1] if isinstance(culprit, Pipeline) else culprit
    with pytest.raises(TypeError, match=f"{type(culprit).__name__} has no predict_dist; expected"):
        predict_dist(model.fit(X, y), X)


def test_steps_see_the_rows_of_predict_dist_as_of_predict(draw_rows, make_net):
    pandas = pytest.importorskip("pandas")
    X, y = draw_rows("normal")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    net = make_net("normal", hidden_layer_sizes=(), solver="lbfgs", max_iter=5)
    scaler = StandardScaler().set_output(transform="pandas")
    model = make_pipeline(scaler, net).fit(frame, y)
    assert_array_equal(model[-1].feature_names_in_, ["a", "b", "c"])
    assert_array_equal(predict_dist(model, frame).mean(), model.predict(frame))


# Several estimators inside -----------------------------------------------------------------------

FAMILIES = ["normal", "student_t", "gamma", "poisson", "von_mises"]


def briefly(make_net, family, **params):
    return make_net(family, hidden_layer_sizes=(4,), max_iter=5, **params)


def of_two_outputs(draw_rows, family):
    X, y = draw_rows(family)
    return X, np.column_stack([y, y[::-1]])


def assert_is_average(dist, members, weights, y):
    """Density and distribution function are the members', averaged."""
    weights = np.asarray(weights) / np.sum(weights)
    mass = "pmf" if dist.distribution.support.discrete else "pdf"
    for method in (mass, "cdf"):
        expected = sum(w * getattr(m, method)(y) for w, m in zip(weights, members, strict=True))
        assert_allclose(getattr(dist, method)(y), expected, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("n_estimators", [1, 2])
@pytest.mark.parametrize("family", ["normal", "student_t", "gamma", "poisson"])
def test_bagging_averages_its_members(family, n_estimators, draw_rows, make_net):
    X, y = draw_rows(family)
    net = briefly(make_net, family, n_estimators=n_estimators)
    model = BaggingRegressor(net, n_estimators=3, max_features=2, random_state=0).fit(X, y)
    columns = zip(model.estimators_, model.estimators_features_, strict=True)
    members = [member.predict_dist(X[:, features]) for member, features in columns]
    dist = predict_dist(model, X)
    assert_is_average(dist, members, np.ones(3), y)
    assert dist.distribution.n_members == 3 * n_estimators
    if get_distribution(family).default_point == "mean":
        assert_allclose(dist.mean(), model.predict(X), rtol=1e-9)


def test_bagging_averages_each_output_and_joint_distributions(draw_rows, make_net):
    X, Y = draw_rows("multivariate_normal")
    for family in ("normal", "multivariate_normal"):
        model = BaggingRegressor(briefly(make_net, family), n_estimators=2, random_state=0)
        members = [member.predict_dist(X) for member in model.fit(X, Y).estimators_]
        dist = predict_dist(model, X)
        assert_allclose(dist.mean(), model.predict(X), rtol=1e-9)
        if family == "multivariate_normal":
            expected = np.logaddexp(*(m.log_prob(Y) for m in members)) - np.log(2)
            assert_allclose(dist.log_prob(Y), expected, rtol=1e-9)


def test_bagging_sees_frames_as_its_predict_does(draw_rows, make_net):
    pandas = pytest.importorskip("pandas")
    X, y = draw_rows("normal")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    model = BaggingRegressor(briefly(make_net, "normal"), n_estimators=2, random_state=0)
    model.fit(frame, y)
    assert_allclose(predict_dist(model, frame).mean(), model.predict(frame), rtol=1e-12)


@pytest.mark.parametrize("weights", [None, [1, 3, 5]], ids=["equal", "weighted"])
def test_voting_weighs_its_members(weights, draw_rows, make_net):
    X, y = draw_rows("normal")
    nets = [briefly(make_net, "normal", alpha=alpha) for alpha in ALPHAS]
    pairs = [("a", nets[0]), ("out", "drop"), ("b", nets[1])]
    model = VotingRegressor(pairs, weights=weights).fit(X, y)
    dist = predict_dist(model, X)
    members = [member.predict_dist(X) for member in model.estimators_]
    assert_is_average(dist, members, [1, 1] if weights is None else [1, 5], y)
    assert_allclose(dist.mean(), model.predict(X), rtol=1e-12)


def test_members_of_several_families_are_refused(draw_rows, make_net):
    X, y = draw_rows("normal")
    pairs = [(family, briefly(make_net, family)) for family in ("normal", "laplace")]
    with pytest.raises(TypeError, match=r"only distributions of one family .*Laplace.*Normal"):
        predict_dist(VotingRegressor(pairs).fit(X, y), X)


@pytest.mark.parametrize("family", FAMILIES)
def test_outputs_side_by_side_are_each_its_own_regressors(family, draw_rows, make_net):
    X, Y = of_two_outputs(draw_rows, family)
    model = MultiOutputRegressor(briefly(make_net, family, n_estimators=2)).fit(X, Y)
    dist = predict_dist(model, X)
    assert dist.shape == Y.shape
    members = [member.predict_dist(X) for member in model.estimators_]
    for j, member in enumerate(members):
        assert_array_equal(dist.interval()[:, j], member.interval())
        assert_array_equal(dist.cdf(Y)[:, j], member.cdf(Y[:, j]))
    expected = sum(member.log_prob(Y[:, j]) for j, member in enumerate(members))
    assert_allclose(dist.log_prob(Y), expected, rtol=1e-12)


def test_outputs_of_other_things_than_numbers_are_refused(draw_rows, make_net):
    X, Y = of_two_outputs(draw_rows, "normal")
    nets = [briefly(make_net, family).fit(X, Y[:, 0]) for family in ("normal", "laplace")]
    model = MultiOutputRegressor(nets[0]).fit(X, Y)
    model.estimators_ = nets
    with pytest.raises(TypeError, match="only distributions of one family can be put side by side"):
        predict_dist(model, X)
    model.estimators_ = [make_net("categorical", max_iter=2).fit(X, Y[:, 0] > 5)]
    with pytest.raises(TypeError, match="must each be one number"):
        predict_dist(model, X)


def test_exposure_reaches_all_members(draw_rows, make_net):
    X, y = draw_rows("poisson")
    years = np.linspace(0.5, 2, len(X))
    net = briefly(make_net, "poisson")
    for model in (
        BaggingRegressor(net, n_estimators=2, random_state=0),
        VotingRegressor([("net", net)]),
        make_pipeline(StandardScaler(), net),
    ):
        once, for_years = (predict_dist(model.fit(X, y), X, exposure=e) for e in (None, years))
        assert_allclose(for_years.mean(), years * once.mean(), rtol=1e-9)


# Labels ------------------------------------------------------------------------------------------


@pytest.fixture
def labels(draw_rows):
    """Rows X, and labels that do not stand in the order of their codes."""
    X, y = draw_rows("categorical")
    return X, np.array(["c", "b", "a"])[y]


CLASSIFIERS = {
    "bagging": lambda make: BaggingClassifier(make("categorical"), n_estimators=3, random_state=0),
    "few labels": lambda make: BaggingClassifier(
        make("categorical"), n_estimators=8, max_samples=3, random_state=0
    ),
    "columns": lambda make: BaggingClassifier(
        make("categorical"), n_estimators=3, max_features=2, random_state=0
    ),
    "voting": lambda make: VotingClassifier(
        [("a", make("categorical")), ("b", make("ordinal"))], voting="soft"
    ),
    "weighted": lambda make: VotingClassifier(
        [("a", make("categorical")), ("b", make("categorical", alpha=10))],
        voting="soft",
        weights=[1, 3],
    ),
    "stacking": lambda make: StackingClassifier(
        [("a", LogisticRegression())], make("categorical"), cv=2
    ),
    "passthrough": lambda make: StackingClassifier(
        [("a", LogisticRegression())], make("categorical"), cv=2, passthrough=True
    ),
}


@pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_probabilities_are_those_of_predict_proba(name, labels, make_net):
    X, y = labels
    model = CLASSIFIERS[name](partial(briefly, make_net)).fit(X, y)
    dist, probs = predict_dist(model, X), model.predict_proba(X)
    assert_array_equal(dist.classes, model.classes_)
    assert_allclose(dist.probs, probs, rtol=1e-12, atol=1e-300)
    assert_array_equal(dist.mode(), model.predict(X))
    expected = np.log(probs[np.arange(len(y)), np.searchsorted(model.classes_, y)])
    assert_allclose(dist.log_prob(y), expected, rtol=1e-9)
    assert np.isfinite(dist.entropy()).all()


def test_self_training_answers_with_its_estimator(draw_rows, make_net):
    X, y = draw_rows("categorical")
    y[::4] = -1
    model = SelfTrainingClassifier(briefly(make_net, "categorical")).fit(X, y)
    assert_allclose(predict_dist(model, X).probs, model.predict_proba(X), rtol=1e-12)


def test_counted_votes_have_no_probabilities(labels, make_net):
    X, y = labels
    model = VotingClassifier([("net", briefly(make_net, "categorical"))]).fit(X, y)
    with pytest.raises(TypeError, match="set voting='soft'"):
        predict_dist(model, X)


# One estimator inside, that sees another X -------------------------------------------------------


@pytest.mark.parametrize("passthrough", [False, True])
def test_stacking_answers_with_its_final_estimator(passthrough, draw_rows, make_net):
    X, y = draw_rows("gamma")
    model = StackingRegressor(
        [("line", LinearRegression()), ("net", briefly(make_net, "gamma"))],
        briefly(make_net, "gamma"),
        cv=2,
        passthrough=passthrough,
    ).fit(X, y)
    dist = predict_dist(model, X)
    assert repr(dist.distribution) == "Gamma()"
    assert_array_equal(dist.mean(), model.predict(X))


def test_a_final_estimator_without_distribution_is_named(draw_rows, make_net):
    X, y = draw_rows("gamma")
    model = StackingRegressor([("net", briefly(make_net, "gamma"))], BayesianRidge(), cv=2)
    with pytest.raises(TypeError, match="BayesianRidge has no predict_dist; expected"):
        predict_dist(model.fit(X, y), X)


def slopes(net):
    return net.coefs_[0][:, 0]


def test_selected_columns_are_those_of_predict(draw_rows, make_net):
    X, y = draw_rows("normal")
    net = make_net("normal", hidden_layer_sizes=(), solver="lbfgs", max_iter=20)
    model = RFE(net, n_features_to_select=2, importance_getter=slopes).fit(X, y)
    assert_array_equal(predict_dist(model, X).mean(), model.predict(X))


# Nested ------------------------------------------------------------------------------------------


def test_compositions_of_compositions(draw_rows, make_net):
    X, y = draw_rows("log_normal")
    net = briefly(make_net, "normal")
    log = {"func": np.log, "inverse_func": np.exp}
    inner = make_pipeline(StandardScaler(), BaggingRegressor(net, n_estimators=2, random_state=0))
    model = search(
        TransformedTargetRegressor(inner, **log), "regressor__baggingregressor__estimator__alpha"
    ).fit(X, y)
    target = model.best_estimator_
    of_log = predict_dist(target.regressor_, X)
    dist = predict_dist(model, X)
    assert_allclose(dist.ppf([0.1, 0.5]), np.exp(of_log.ppf([0.1, 0.5])), rtol=1e-12)
    assert_allclose(dist.log_prob(y), of_log.log_prob(np.log(y)) - np.log(y), rtol=1e-9)
    assert isinstance(target.regressor_[-1].estimators_[0], NLLRegressor)


def test_members_that_transform_their_target_are_refused(draw_rows, make_net):
    X, y = draw_rows("gamma")
    member = TransformedTargetRegressor(
        briefly(make_net, "normal"), func=np.log, inverse_func=np.exp
    )
    model = BaggingRegressor(member, n_estimators=2, random_state=0).fit(X, y)
    with pytest.raises(TypeError, match="put TransformedTargetRegressor outside"):
        predict_dist(model, X)
