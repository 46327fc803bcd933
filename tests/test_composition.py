"""predict_dist reaches the network through scikit-learn's compositions."""

import re
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import BaggingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklnll import predict_dist

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


@pytest.fixture(params=["student_t", "poisson", "categorical", "plackett_luce"])
def rows_and_net(request, draw_rows, make_net):
    """Rows X, y and an unfitted net for them."""
    X, y = draw_rows(request.param)
    net = make_net(request.param, hidden_layer_sizes=(), solver="lbfgs", max_iter=20)
    return 3 * X + 1, y, net


def innermost(model):
    """The net at the end of a fitted composition, found by hand."""
    while not hasattr(model, "predict_dist"):
        model = model[-1] if isinstance(model, Pipeline) else model.best_estimator_
    return model


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_the_distribution_is_that_of_the_net_inside(name, rows_and_net):
    X, y, net = rows_and_net
    compose, transform = COMPOSITIONS[name]
    model = compose(net).fit(X, y)
    dist, expected = predict_dist(model, X), innermost(model).predict_dist(transform(X))
    assert type(dist) is type(expected)
    assert dist.params.keys() == expected.params.keys()
    for key, value in dist.params.items():
        assert_array_equal(value, expected.params[key])
    point = dist.point() if hasattr(dist, "point") else dist.mode()
    assert_array_equal(point, model.predict(X))


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_new_rows_need_no_fit_of_their_own(name, rows_and_net):
    X, y, net = rows_and_net
    model = COMPOSITIONS[name][0](net).fit(X, y)
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
def test_compositions_can_be_cloned(name, rows_and_net):
    X, y, net = rows_and_net
    model = COMPOSITIONS[name][0](net).fit(X, y)
    twin = clone(model).fit(X, y)
    for key, value in predict_dist(twin, X).params.items():
        assert_array_equal(value, predict_dist(model, X).params[key])


@pytest.mark.parametrize(
    "model",
    [
        LinearRegression(),
        make_pipeline(StandardScaler(), LinearRegression()),
        GridSearchCV(LinearRegression(), {"positive": [False]}, cv=2),
        BaggingRegressor(),
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
