"""Bad input is refused at the door, in words that say what came, where, and what to do."""

import re

import numpy as np
import pytest
from distributions.cases import NUMBERS, PLAIN
from plain import plain_classifier, plain_ranker, plain_regressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from sklnll import NLLClassifier, NLLRanker, NLLRegressor, predict_dist
from sklnll.distributions import (
    DISTRIBUTIONS,
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Exponential,
    Gamma,
    Laplace,
    Normal,
    Poisson,
    StudentT,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3))
Y = RNG.uniform(0.1, 0.9, size=20)
LABELS = np.tile(["a", "b"], 10)
ORDERS = np.tile([[0, 1, 2], [2, 0, -1]], (10, 1))
TARGETS = {NLLRegressor: Y, NLLClassifier: LABELS, NLLRanker: ORDERS}
PREDICTING = {
    NLLRegressor: ["predict_quantiles", "predict_interval", "sample_y"],
    NLLClassifier: ["predict_proba", "predict_log_proba", "decision_function"],
    NLLRanker: ["predict_proba"],
}
METHODS = [
    (cls, method)
    for cls, methods in PREDICTING.items()
    for method in ["predict", "predict_dist", *methods]
]


def put(array, row, value):
    """The array with another value at `row`."""
    array = np.array(array)
    array[row] = value
    return array


def refuses(message, error=ValueError):
    """The error must contain all of these words, in this order."""
    words = [message] if isinstance(message, str) else message
    return pytest.raises(error, match="(?s)" + ".*".join(map(re.escape, words)))


def fast(distribution="normal", **params):
    params = {"hidden_layer_sizes": (), "solver": "lbfgs", **params}
    names = {
        **dict.fromkeys(["categorical", "bernoulli", "ordinal"], NLLClassifier),
        "plackett_luce": NLLRanker,
    }
    cls = names.get(distribution, NLLRegressor) if isinstance(distribution, str) else NLLRegressor
    return cls(distribution, **params)


@pytest.fixture(scope="module")
def fitted():
    nets = [fast(), fast("categorical"), fast("plackett_luce")]
    return {type(net): net.fit(X, TARGETS[type(net)]) for net in nets}


# Targets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "value", "must"),
    [
        ("gamma", -1, "must be positive for Gamma()"),
        ("gamma", 0, "must be positive for Gamma()"),
        (Gamma(shape=2.0), -0.5, "must be positive for Gamma(shape=2.0)"),
        ("exponential", -1e-300, "must be non-negative for Exponential()"),
        ("beta", 0, "must be strictly between 0 and 1 for Beta()"),
        ("beta", 1, "must be strictly between 0 and 1 for Beta()"),
        ("beta", 1.5, "must be strictly between 0 and 1 for Beta()"),
        ("poisson", -1, "must be a non-negative count for Poisson()"),
        ("negative_binomial", -1, "must be a non-negative count for NegativeBinomial()"),
    ],
)
@pytest.mark.parametrize("row", [0, 7])
def test_y_outside_the_support_is_named(distribution, value, must, row):
    found = f"found {value:g} at row {row} (1 of 20 values"
    with refuses([must, found, "To mend it, use distribution='normal'"]):
        fast(distribution).fit(X, put(Y, row, value))


def test_y_outside_the_support_is_named_by_its_column():
    y = np.column_stack([Y, put(Y, 4, -2)])
    with refuses(["positive for Gamma()", "found -2 at row 4, column 1 (1 of 40"]):
        fast("gamma").fit(X, y)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize(
    ("value", "kind"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]
)
def test_y_that_is_not_finite_is_named(name, value, kind):
    family = repr(DISTRIBUTIONS[name]())
    with refuses([f"must not contain {kind} for {family}", "at row 5 (1 of 20", "impute"]):
        fast(name).fit(X, put(Y, 5, value))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_label_that_is_not_finite_is_refused(value):
    with refuses(["Input y contains", "NaN" if np.isnan(value) else "infinity"]):
        fast("categorical").fit(X, put(np.tile([0.0, 1.0], 10), 5, value))


@pytest.mark.parametrize("cls", PREDICTING)
def test_x_must_not_be_infinite(cls, fitted):
    bad = put(X, (5, 1), np.inf)
    with refuses(["Input X contains", "infinity", "row 5, column 1", "put NaN in its place"]):
        cls().fit(bad, TARGETS[cls])
    with refuses(["Input X contains", "infinity", "row 5, column 1", "put NaN in its place"]):
        fitted[cls].predict(bad)


@pytest.mark.parametrize("n_classes", [1, 3])
def test_bernoulli_has_two_labels(n_classes):
    y = np.arange(20) % n_classes
    with refuses(["Bernoulli()", str(list(range(n_classes))), "distribution='categorical'"]):
        fast("bernoulli").fit(X, y)


def test_a_classifier_refuses_numbers():
    with refuses(["Unknown label type", "continuous"]):
        fast("categorical").fit(X, Y)


@pytest.mark.parametrize("cls", PREDICTING)
def test_x_and_y_have_as_many_rows(cls):
    with refuses(["inconsistent numbers of samples", "20", "19"]):
        cls().fit(X, TARGETS[cls][1:])


def test_y_has_at_most_two_axes():
    with refuses("dim 3"):
        fast().fit(X, Y.reshape(20, 1, 1))


# Weights -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(20), ["zero"]),
        (put(np.ones(20), 6, -2), ["sample_weight", "non-negative", "found -2 at row 6"]),
        (put(np.ones(20), 6, np.nan), ["sample_weight contains NaN"]),
        (put(np.ones(20), 6, np.inf), ["sample_weight contains infinity"]),
        (np.ones(19), ["sample_weight.shape == (19,)", "(20,)"]),
        (np.ones((20, 1)), ["must be 1D"]),
    ],
    ids=["zero", "negative", "NaN", "infinite", "short", "column"],
)
@pytest.mark.parametrize("cls", PREDICTING)
def test_weights_are_checked(cls, weight, message):
    y = TARGETS[cls]
    with refuses(message):
        cls(solver="lbfgs", max_iter=1).fit(X, y, weight)
    with refuses(message):
        cls(max_iter=1).fit(X, y, X_val=X, y_val=y, sample_weight_val=weight)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({"a": 0, "b": 0}, ["zero for all rows", "class_weight"]),
        ({"a": 1, "b": -1}, "found -1 at row 1"),
        ({"a": 1, "c": 1}, ["['b']", "class_weight"]),
        ("equal", ["class_weight", "'balanced'", "'equal'"]),
    ],
)
def test_class_weights_are_checked(class_weight, message):
    with refuses(message):
        fast("categorical", class_weight=class_weight).fit(X, LABELS)


# Distributions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("norml", "normal"),
        ("Normal", "normal"),
        ("studentt", "student_t"),
        ("StudentT", "student_t"),
        ("poison", "poisson"),
        ("categoric", "categorical"),
    ],
)
@pytest.mark.parametrize("cls", PREDICTING)
def test_an_unknown_distribution_meets_the_nearest_name(cls, name, nearest):
    with refuses([repr(name), f"Did you mean {nearest!r}?", str(sorted(DISTRIBUTIONS))]):
        cls(name).fit(X, LABELS)


def test_a_distribution_like_no_other_meets_all_names():
    with refuses(["unknown distribution 'xyz'. The names are", str(sorted(DISTRIBUTIONS))]):
        plain_regressor("xyz").fit(X, Y)


@pytest.mark.parametrize("distribution", [None, 3, Normal, {"normal": 1}])
def test_a_distribution_is_a_name_or_an_instance(distribution):
    with refuses(["distribution must be a name", "or an instance of", repr(distribution)]):
        plain_regressor(distribution).fit(X, Y)


def test_a_class_instead_of_an_instance_is_told_how_to_write_it():
    with refuses("write Normal()"):
        NLLClassifier(Normal).fit(X, LABELS)


@pytest.mark.parametrize("family", PLAIN.values())
@pytest.mark.parametrize("value", ["constnat", True, np.nan, [1.0], (1.0, 2.0), b"constant"])
def test_a_parameter_of_a_family_is_checked(family, value):
    name = next(key for key, link in family().parameters.items() if link.learnable)
    distribution = family(**{name: value})
    cls = NLLClassifier if hasattr(family, "log_proba") else NLLRegressor
    with refuses(
        [f"{name} of {distribution!r} must be", f"got {value!r}", "None", "'constant'", "number"]
    ):
        cls(distribution).fit(X, Y)


@pytest.mark.parametrize(
    ("distribution", "domain"),
    [
        (Normal(scale=-1), "scale of Normal(scale=-1) must be positive; got -1"),
        (Normal(scale=0), "scale of Normal(scale=0) must be positive; got 0"),
        (Normal(loc=np.inf), "loc of Normal(loc=inf) must be a finite number; got inf"),
        (Laplace(scale=np.inf), "scale of Laplace(scale=inf) must be positive"),
        (StudentT(df=0), "df of StudentT(df=0) must be positive; got 0"),
        (Exponential(scale=-2.0), "scale of Exponential(scale=-2.0) must be positive; got -2.0"),
        (Gamma(shape=-1), "shape of Gamma(shape=-1) must be positive; got -1"),
        (Beta(mean=1), "mean of Beta(mean=1) must be strictly between 0 and 1; got 1"),
        (Poisson(rate=-1), "rate of Poisson(rate=-1) must be positive; got -1"),
        (Binomial(trials=2.5), "trials of Binomial(trials=2.5) must be a whole number"),
    ],
    ids=repr,
)
def test_a_fixed_parameter_stays_in_its_domain(distribution, domain):
    with refuses(domain):
        plain_regressor(distribution).fit(X, Y)


def test_a_vector_cannot_be_fixed():
    with refuses(["logits of Categorical(logits=1.0)", "'constant'", "vector"]):
        plain_classifier(Categorical(logits=1.0)).fit(X, LABELS)


@pytest.mark.parametrize(
    "distribution",
    [Normal(loc=0, scale=1), StudentT(3, 0, 1), Poisson(rate=2), Bernoulli(logits=0)],
    ids=repr,
)
def test_something_must_be_left_to_learn(distribution):
    cls = NLLClassifier if isinstance(distribution, Bernoulli) else NLLRegressor
    with refuses([repr(distribution), "nothing to learn", "None", "'constant'"]):
        cls(distribution).fit(X, LABELS)


@pytest.mark.parametrize("name", ["bernoulli", "categorical", "ordinal"])
def test_a_regressor_refuses_labels(name):
    family = DISTRIBUTIONS[name]()
    with refuses(["NLLRegressor predicts numbers", repr(family), "use NLLClassifier"]):
        plain_regressor(name).fit(X, Y)


@pytest.mark.parametrize("name", ["normal", "poisson"])
def test_a_classifier_refuses_families_of_numbers(name):
    family = DISTRIBUTIONS[name]()
    with refuses(["NLLClassifier predicts labels", repr(family), "use NLLRegressor"]):
        plain_classifier(name).fit(X, LABELS)


@pytest.mark.parametrize("cls", [NLLRegressor, NLLClassifier])
def test_only_a_ranker_takes_families_of_rankings(cls):
    with refuses([f"{cls.__name__} predicts", "PlackettLuce() rankings; use NLLRanker"]):
        cls("plackett_luce").fit(X, TARGETS[cls])


@pytest.mark.parametrize("name", ["normal", "categorical"])
def test_a_ranker_takes_no_other_families(name):
    family = DISTRIBUTIONS[name]()
    with refuses(["NLLRanker predicts rankings", repr(family), "'plackett_luce'"]):
        plain_ranker(name).fit(X, ORDERS)


# Names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [*PREDICTING, *PLAIN.values()])
def test_a_misspelt_parameter_is_refused(cls):
    with refuses("distribtion", TypeError):
        cls(distribtion="normal")
    with refuses(["Invalid parameter 'distribtion'", cls.__name__, "Valid parameters are"]):
        cls().set_params(distribtion="normal")


def test_a_misspelt_nested_parameter_is_refused():
    with refuses(["Invalid parameter 'dff'", "StudentT()", "['df', 'loc', 'scale']"]):
        plain_regressor(StudentT()).set_params(distribution__dff=3)


@pytest.mark.parametrize("cls", PREDICTING)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", 0),
        ("hidden_layer_sizes", -3),
        ("hidden_layer_sizes", (5, 0)),
        ("hidden_layer_sizes", (5, -1)),
        ("hidden_layer_sizes", (2.5,)),
        ("hidden_layer_sizes", [[5, 5]]),
        ("activation", "gelu"),
        ("solver", "newton"),
        ("alpha", -1),
        ("batch_size", 0),
        ("batch_size", "all"),
        ("batch_size", 2.5),
        ("learning_rate", "fast"),
        ("learning_rate_init", 0),
        ("power_t", -1),
        ("max_iter", 0),
        ("shuffle", "yes"),
        ("random_state", -1),
        ("tol", -1e-3),
        ("verbose", "loud"),
        ("momentum", 1.5),
        ("nesterovs_momentum", "yes"),
        ("early_stopping", None),
        ("validation_fraction", 0),
        ("validation_fraction", 1),
        ("beta_1", 1),
        ("beta_2", -0.1),
        ("epsilon", 0),
        ("n_iter_no_change", 0),
        ("n_iter_no_change", 2.5),
        ("max_fun", 0),
        ("dropout", 1),
        ("dropout", -0.1),
        ("batch_norm", "yes"),
        ("weight_init", "zeros"),
    ],
)
def test_an_illegal_parameter_is_named(cls, name, value):
    with refuses([name, str(value)]):
        cls(**{name: value}).fit(X, TARGETS[cls])


def test_an_illegal_point_estimate_is_named():
    with refuses(["point_estimate", "'median'", "'average'"]):
        plain_regressor(point_estimate="average").fit(X, Y)


# Validation rows ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X_val": X}, "X_val was given without y_val"),
        ({"y_val": Y}, "y_val was given without X_val"),
        ({"sample_weight_val": np.ones(20)}, "sample_weight_val was given without X_val and y_val"),
        ({"X_val": X[:, :2], "y_val": Y}, ["X_val", "X has 2 features", "expecting 3 features"]),
        ({"X_val": put(X, (3, 1), -np.inf), "y_val": Y}, ["X_val", "-inf at row 3, column 1"]),
        ({"X_val": X, "y_val": Y[1:]}, "inconsistent numbers of samples"),
        ({"X_val": X, "y_val": put(Y, 3, -1)}, ["positive for Gamma()", "-1 at row 3"]),
        ({"X_val": X, "y_val": put(Y, 3, np.nan)}, ["NaN for Gamma()", "row 3"]),
        ({"X_val": X, "y_val": np.column_stack([Y, Y])}, ["y_val", "columns of y", "(20, 2)"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_validation_rows_are_checked(arguments, message):
    with refuses(message):
        plain_regressor("gamma", max_iter=1).fit(X, Y, **arguments)


def test_validation_labels_are_known():
    with refuses(["y_val contains a label that was not seen in fit", "'c'", "row 3", "['a', 'b']"]):
        plain_classifier(max_iter=1).fit(X, LABELS, X_val=X, y_val=put(LABELS, 3, "c"))


@pytest.mark.parametrize("cls", PREDICTING)
def test_a_hold_out_needs_two_rows(cls):
    y = TARGETS[cls]
    with refuses("validation_fraction"):
        cls(early_stopping=True, validation_fraction=0.1).fit(X[:6], y[:6])


@pytest.mark.parametrize("cls", PREDICTING)
def test_lbfgs_has_no_stochastic_parts(cls):
    y = TARGETS[cls]
    with refuses(["solver='lbfgs'", "dropout=0", "'adam'"]):
        cls(solver="lbfgs", dropout=0.5).fit(X, y)
    with refuses(["X_val", "'adam'", "lbfgs"]):
        cls(solver="lbfgs").fit(X, y, X_val=X, y_val=y)


def test_a_batch_larger_than_the_data_warns():
    with pytest.warns(UserWarning, match=r"`batch_size`=21, larger than the 20 rows.*clipped"):
        plain_regressor(batch_size=21, max_iter=1).fit(X, Y)


# Predicting --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cls", "method"), METHODS)
def test_predicting_needs_a_fit(cls, method):
    with refuses([f"This {cls.__name__} instance is not fitted yet"], NotFittedError):
        getattr(cls(), method)(X)


@pytest.mark.parametrize("cls", PREDICTING)
def test_scoring_needs_a_fit(cls):
    with pytest.raises(NotFittedError):
        cls().score(X, TARGETS[cls])


@pytest.mark.parametrize(("cls", "method"), METHODS)
def test_features_are_counted(cls, method, fitted):
    message = f"X has 2 features, but {cls.__name__} is expecting 3 features"
    with refuses(message):
        getattr(fitted[cls], method)(X[:, :2])


@pytest.mark.parametrize("levels", [1.2, -0.1, np.nan, [0.5, 1.2], [0.5, np.nan], [[0.1], [0.9]]])
def test_levels_lie_between_0_and_1(fitted, levels):
    with refuses(["levels of quantiles must be a number or a 1-d array", "0 and 1", "got"]):
        fitted[NLLRegressor].predict_quantiles(X, levels)
    with refuses(["levels of quantiles must be", "between 0 and 1"]):
        fitted[NLLRegressor].predict_dist(X).isf(levels)


@pytest.mark.parametrize("coverage", [1.2, -0.1, np.nan, 90])
def test_coverage_lies_between_0_and_1(fitted, coverage):
    with refuses(["between 0 and 1", str(coverage)]):
        fitted[NLLRegressor].predict_interval(X, coverage)


@pytest.mark.parametrize(
    "method", ["log_prob", "logpdf", "pdf", "cdf", "logcdf", "sf", "logsf", "crps", "pit"]
)
@pytest.mark.parametrize("shape", [(5,), (1,), (20, 2), (1, 20), (2, 20), (20, 1, 1)], ids=str)
def test_y_must_have_the_shape_of_the_predictions(fitted, method, shape):
    dist = fitted[NLLRegressor].predict_dist(X)
    with refuses(["y must have shape (20,)", f"got shape {shape}"]):
        getattr(dist, method)(np.zeros(shape))


def test_y_must_have_the_columns_of_the_predictions():
    dist = fast().fit(X, np.column_stack([Y, Y])).predict_dist(X)
    for shape in [(20,), (20, 1), (20, 3)]:
        with refuses(["y must have shape (20, 2)", f"got shape {shape}"]):
            dist.log_prob(np.zeros(shape))


def test_labels_must_be_known_and_one_a_row(fitted):
    dist = fitted[NLLClassifier].predict_dist(X)
    with refuses(["not seen in fit", "'c'", "row 3", "['a', 'b']"]):
        dist.log_prob(put(LABELS, 3, "c"))
    with refuses(["y must have shape (20,)", "got (19,)"]):
        dist.log_prob(LABELS[1:])


def test_a_row_out_of_range_is_an_index_error(fitted):
    with pytest.raises(IndexError):
        fitted[NLLRegressor].predict_dist(X)[20]


def test_a_wrong_name_fails_loudly(fitted):
    dist = fitted[NLLRegressor].predict_dist(X)
    with refuses("quantile", AttributeError):
        dist.quantile(0.5)
    with refuses("pmf", AttributeError):
        dist.pmf(1)


@pytest.mark.parametrize("estimator", [LinearRegression(), "normal", None], ids=repr)
def test_predict_dist_needs_an_estimator_that_has_it(estimator):
    with refuses([type(estimator).__name__, "has no predict_dist", "Pipeline"], TypeError):
        predict_dist(estimator, X)


@pytest.mark.parametrize("sizes", [(16,), [8, 8], 16])
def test_sizes_of_layers_are_no_distribution(sizes):
    """As the first argument of scikit-learn's perceptrons is."""
    with pytest.raises(ValueError, match="for units of layers write hidden_layer_sizes="):
        NLLClassifier(sizes).fit(X, Y > 0)
