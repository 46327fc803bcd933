"""Each estimator inside each tool of scikit-learn: what works, and why the rest cannot."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from joblib import parallel_backend
from numpy.testing import assert_allclose, assert_array_equal
from plain import plain_classifier, plain_ranker, plain_regressor
from sklearn import __version__ as sklearn_version
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils.fixes import parse_version

from sklnll.metrics import neg_nll_scorer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = ["regressor", "classifier", "ranker"]
BRIEF = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.02, "max_iter": 40, "random_state": 0}
ALPHAS = [1e-4, 1e4]  # with the second the network learns nothing

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 3))
EFFECT = X[:, 0] - X[:, 1]
TARGETS = {
    "regressor": 10 + 2 * EFFECT + rng.normal(size=90),
    "classifier": np.array(["low", "middle", "high"])[np.digitize(EFFECT, [-0.6, 0.6])],
    "ranker": (np.outer(EFFECT, [-2, 0, 2]) + 0.3 * rng.gumbel(size=(90, 3))).argsort(axis=1),
}
BY_CHANCE = {"regressor": 0.0, "classifier": 0.4, "ranker": 0.1}
MAKE = {"regressor": plain_regressor, "classifier": plain_classifier, "ranker": plain_ranker}


def brief(kind, **params):
    return MAKE[kind](**{**BRIEF, **params})


def assert_predicts(predicted, kind):
    """In the shape and type of y."""
    y = TARGETS[kind]
    assert (predicted.shape, predicted.dtype.kind) == (y.shape, y.dtype.kind)


def assert_is_good(model, kind):
    """A fitted model predicts what y looks like, and better than by chance."""
    assert_predicts(model.predict(X), kind)
    assert model.score(X, TARGETS[kind]) > BY_CHANCE[kind] + 0.3


# Where the network is the last step, or is chosen ------------------------------------------------


def in_pipeline(kind):
    assert_is_good(make_pipeline(StandardScaler(), brief(kind)).fit(X, TARGETS[kind]), kind)


def is_chosen(search):
    def check(kind):
        model = search(brief(kind)).fit(X, TARGETS[kind])
        assert model.best_params_ == {"alpha": 1e-4}
        assert_is_good(model, kind)

    return check


GRID = is_chosen(lambda net: GridSearchCV(net, {"alpha": ALPHAS}, cv=2, error_score="raise"))
HALVING_GRID = is_chosen(
    lambda net: HalvingGridSearchCV(
        net, {"alpha": ALPHAS}, cv=2, factor=2, random_state=0, error_score="raise"
    )
)
HALVING_RANDOM = is_chosen(
    lambda net: HalvingRandomSearchCV(
        net, {"alpha": ALPHAS}, n_candidates=2, cv=2, factor=2, random_state=0, error_score="raise"
    )
)


# Judged ------------------------------------------------------------------------------------------


def predicts_across(kind):
    assert_predicts(cross_val_predict(brief(kind), X, TARGETS[kind], cv=3), kind)


def is_validated(kind):
    scores = cross_val_score(brief(kind), X, TARGETS[kind], cv=3, error_score="raise")
    assert scores.min() > BY_CHANCE[kind] + 0.2
    nll = cross_val_score(
        brief(kind), X, TARGETS[kind], cv=3, scoring=neg_nll_scorer, error_score="raise"
    )
    idle = brief(kind, alpha=1e4)
    assert nll.mean() > cross_val_score(idle, X, TARGETS[kind], cv=3, scoring=neg_nll_scorer).mean()


def learns_from_rows(kind):
    _, train, test = learning_curve(
        brief(kind), X, TARGETS[kind], cv=3, train_sizes=[0.3, 1.0], error_score="raise"
    )
    assert train.shape == (2, 3)
    assert test[-1].mean() > BY_CHANCE[kind] + 0.2


def knows_what_matters(kind):
    model = brief(kind).fit(X, TARGETS[kind])
    importance = permutation_importance(model, X, TARGETS[kind], n_repeats=3, random_state=0)
    assert importance.importances_mean.argmin() == 2
    assert importance.importances_mean[:2].min() > 0.05


def depends_on_columns(kind):
    model = brief(kind).fit(X, TARGETS[kind])
    average = partial_dependence(model, X, [0], kind="average", grid_resolution=5)["average"]
    assert average.shape == (1 if kind == "regressor" else 3, 5)
    towards = 0 if kind == "regressor" else list(model.classes_).index("high")
    assert average[towards, -1] > average[towards, 0] + 0.3


def first_layer(net):
    """How much the columns of X weigh at the door."""
    return np.abs(net.coefs_[0][: net.n_features_in_]).sum(axis=1)


def drops_noise(kind):
    model = RFE(brief(kind), n_features_to_select=2, importance_getter=first_layer)
    model.fit(X, TARGETS[kind])
    assert_array_equal(model.support_, [True, True, False])
    assert_is_good(model, kind)


# Several of them ---------------------------------------------------------------------------------


def transforms_target(kind):
    model = TransformedTargetRegressor(brief(kind), func=np.log, inverse_func=np.exp)
    y = np.exp(TARGETS[kind] / 5)
    assert model.fit(X, y).score(X, y) > 0.3


def has_many_outputs(kind):
    of = {"regressor": MultiOutputRegressor, "classifier": MultiOutputClassifier}[kind]
    Y = np.column_stack([TARGETS[kind], TARGETS[kind][::-1]])
    model = of(brief(kind)).fit(X, Y)
    assert model.predict(X).shape == Y.shape
    assert np.mean(model.predict(X)[:, 0] == Y[:, 0]) > 0.7 or kind == "regressor"
    assert_is_good(model.estimators_[0], kind)


def together(of_numbers, of_labels):
    """Fits what is built around networks of its kind."""

    def check(kind):
        build = of_numbers if kind == "regressor" else of_labels
        assert_is_good(build(brief(kind)).fit(X, TARGETS[kind]), kind)

    return check


def members(net):
    return [("one", net), ("other", clone(net).set_params(random_state=1))]


BAGGING = together(
    lambda net: BaggingRegressor(net, n_estimators=3, random_state=0),
    lambda net: BaggingClassifier(net, n_estimators=3, random_state=0),
)
VOTING = together(
    lambda net: VotingRegressor(members(net)),
    lambda net: VotingClassifier(members(net), voting="soft"),
)
STACKING = together(
    lambda net: StackingRegressor(members(net), clone(net), cv=2),
    lambda net: StackingClassifier(members(net), clone(net), cv=2),
)


def boosts(kind):
    of = {"regressor": AdaBoostRegressor, "classifier": AdaBoostClassifier}[kind]
    model = of(brief(kind, hidden_layer_sizes=(2,)), n_estimators=4, random_state=0)
    assert_is_good(model.fit(X, TARGETS[kind]), kind)
    seeds = {member.random_state for member in model.estimators_}
    assert len(seeds) == len(model.estimators_) > 1


def is_calibrated(kind):
    model = CalibratedClassifierCV(brief(kind), cv=2).fit(X, TARGETS[kind])
    assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert_is_good(model, kind)


def decides(kind):
    y = np.where(TARGETS[kind] == "high", "high", "other")
    model = FixedThresholdClassifier(brief(kind), threshold=0.1, pos_label="high").fit(X, y)
    tuned = TunedThresholdClassifierCV(brief(kind), cv=2).fit(X, y)
    assert np.mean(model.predict(X) == "high") > np.mean(model.estimator_.predict(X) == "high")
    assert tuned.score(X, y) > BY_CHANCE[kind] + 0.3


def is_chained(kind):
    of = {"regressor": RegressorChain, "classifier": ClassifierChain}[kind]
    first = TARGETS[kind] if kind == "regressor" else (EFFECT > 0).astype(int)
    model = of(brief(kind)).fit(X, np.column_stack([first, first[::-1]]))
    assert model.estimators_[0].score(X, first) > BY_CHANCE[kind] + 0.3
    assert model.estimators_[1].n_features_in_ == X.shape[1] + 1


def asks_of_each_label(kind):
    for of in (OneVsRestClassifier, OneVsOneClassifier):
        assert_is_good(of(brief(kind)).fit(X, TARGETS[kind]), kind)


def stays_frozen(kind):
    model = brief(kind).fit(X, TARGETS[kind])
    frozen = FrozenEstimator(model).fit(X[:5], TARGETS[kind][:5])
    assert_array_equal(frozen.predict(X), model.predict(X))


def draws_rows(kind):
    pipeline = pytest.importorskip("imblearn.pipeline")
    sampler = pytest.importorskip("imblearn").FunctionSampler(validate=False)
    if kind == "classifier":
        sampler = pytest.importorskip("imblearn.over_sampling").RandomOverSampler(random_state=0)
    model = pipeline.make_pipeline(StandardScaler(), sampler, brief(kind))
    assert_is_good(model.fit(X, TARGETS[kind]), kind)


def trains_itself(kind):
    y = np.digitize(EFFECT, [-0.6, 0.6])
    some = np.where(np.arange(len(y)) % 3 == 0, -1, y)
    model = SelfTrainingClassifier(brief(kind)).fit(X, some)
    assert (model.labeled_iter_ > 0).any()
    assert np.mean(model.predict(X) == y) > 0.7


# Copied and stored -------------------------------------------------------------------------------


def is_cloned(kind):
    model = brief(kind).fit(X, TARGETS[kind])
    assert_array_equal(clone(model).fit(X, TARGETS[kind]).weights_, model.weights_)


def is_pickled(kind):
    model = brief(kind).fit(X, TARGETS[kind])
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def goes_through_skops(kind):
    skops = pytest.importorskip("skops.io")
    model = brief(kind).fit(X, TARGETS[kind])
    stored = skops.dumps(model)
    trusted = skops.get_untrusted_types(data=stored)
    assert_array_equal(skops.loads(stored, trusted=trusted).predict(X), model.predict(X))


# The table ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """An estimator inside a tool: the check that it works, or the reason why it does not."""

    tool: str
    kind: str
    check: Callable | None = None
    note: str = ""

    def __str__(self):
        return ": ".join(part for part in ("yes" if self.check else "no", self.note) if part)


def row(tool, check, note="", **reasons):
    """A tool and the three estimators; `reasons` name those that it cannot hold."""
    return [
        Cell(tool, kind, None, reasons[kind]) if kind in reasons else Cell(tool, kind, check, note)
        for kind in KINDS
    ]


NUMBERS = "for numbers"
LABELS = "for labels"
GETTER = "with an `importance_getter`"

CELLS = [
    *row("`Pipeline`", in_pipeline),
    *row("`GridSearchCV`", GRID),
    *row("`HalvingGridSearchCV`", HALVING_GRID),
    *row("`HalvingRandomSearchCV`", HALVING_RANDOM),
    *row("`cross_val_score`, `cross_validate`", is_validated),
    *row("`cross_val_predict`", predicts_across),
    *row("`learning_curve`", learns_from_rows),
    *row("`permutation_importance`", knows_what_matters),
    *row(
        "`partial_dependence`",
        depends_on_columns,
        ranker="it takes regressors and classifiers",
    ),
    *row("`RFE`", drops_noise, GETTER),
    *row(
        "`TransformedTargetRegressor`",
        transforms_target,
        classifier=NUMBERS,
        ranker="an order is no number to transform",
    ),
    *row(
        "`MultiOutputRegressor`, `MultiOutputClassifier`",
        has_many_outputs,
        ranker="its y has several columns already",
    ),
    *row(
        "`BaggingRegressor`, `BaggingClassifier`",
        BAGGING,
        ranker="they average numbers or vote for labels; use `n_estimators`",
    ),
    *row(
        "`VotingRegressor`, `VotingClassifier`",
        VOTING,
        ranker="they take regressors or classifiers; use `n_estimators`",
    ),
    *row(
        "`StackingRegressor`, `StackingClassifier`",
        STACKING,
        ranker="they take a y of one column",
    ),
    *row(
        "`AdaBoostRegressor`, `AdaBoostClassifier`",
        boosts,
        ranker="they take a y of one column",
    ),
    *row(
        "`CalibratedClassifierCV`",
        is_calibrated,
        regressor="for labels; use `recalibrate`",
        ranker="for labels; use `recalibrate`",
    ),
    *row(
        "`FixedThresholdClassifier`, `TunedThresholdClassifierCV`",
        decides,
        regressor=LABELS,
        ranker=LABELS,
    ),
    *row(
        "`RegressorChain`, `ClassifierChain`",
        is_chained,
        ranker="its y has several columns already",
    ),
    *row(
        "`OneVsRestClassifier`, `OneVsOneClassifier`",
        asks_of_each_label,
        regressor=LABELS,
        ranker=LABELS,
    ),
    *row("`SelfTrainingClassifier`", trains_itself, regressor=LABELS, ranker=LABELS),
    *row("`FrozenEstimator`", stays_frozen),
    *row("`Pipeline` of imbalanced-learn, with a sampler", draws_rows),
    *row("`clone`", is_cloned),
    *row("`pickle`", is_pickled),
    *row("`skops`", goes_through_skops),
]
WORKING = [cell for cell in CELLS if cell.check]


@pytest.mark.parametrize("cell", WORKING, ids=lambda cell: f"{cell.tool.strip('`')}-{cell.kind}")
def test_it_works(cell):
    cell.check(cell.kind)


REFUSED = {
    "partial_dependence": lambda net, y: partial_dependence(net.fit(X, y), X, [0]),
    "MultiOutputRegressor": lambda net, y: MultiOutputRegressor(net).fit(X, y),
    "VotingRegressor": lambda net, y: VotingRegressor([("net", net)]).fit(X, y),
    "VotingClassifier": lambda net, y: VotingClassifier([("net", net)]).fit(X, y),
    "StackingRegressor": lambda net, y: StackingRegressor([("net", net)]).fit(X, y),
    "StackingClassifier": lambda net, y: StackingClassifier([("net", net)]).fit(X, y),
    "BaggingClassifier": lambda net, y: BaggingClassifier(net).fit(X, y),
    "AdaBoostRegressor": lambda net, y: AdaBoostRegressor(net).fit(X, y),
    "AdaBoostClassifier": lambda net, y: AdaBoostClassifier(net).fit(X, y),
    "CalibratedClassifierCV": lambda net, y: CalibratedClassifierCV(net).fit(X, y),
    "SelfTrainingClassifier": lambda net, y: SelfTrainingClassifier(net).fit(X, y),
}


@pytest.mark.parametrize("tool", REFUSED)
def test_a_ranker_is_refused_where_it_has_no_meaning(tool):
    with pytest.raises((ValueError, TypeError, NotImplementedError)):
        REFUSED[tool](brief("ranker"), TARGETS["ranker"])


# Weights -----------------------------------------------------------------------------------------

HEAVY = rng.uniform(size=90) < 0.5
WEIGHT = np.where(HEAVY, 1.0, 0.01)
TWO_SIDES = {  # what heavy rows say, and what light ones do, whatever x
    "regressor": np.where(HEAVY, 3.0, -3.0) + 0.1 * rng.normal(size=90),
    "classifier": np.where(HEAVY, "right", "left"),
    "ranker": np.where(HEAVY[:, None], [2, 1, 0], [0, 1, 2]),
}


def side(model):
    """What is predicted on average: 1 for what the heavy rows say, 0 for what the light ones do."""
    predicted = model.predict(X)
    if predicted.ndim == 2:
        return np.mean(predicted[:, 0] == 2)
    if predicted.dtype.kind == "f":
        return np.mean(predicted) / 6 + 0.5
    return np.mean(predicted == ("right" if predicted.dtype.kind == "U" else 1))


def choosy(estimator):
    """That asks for weights, where metadata are routed."""
    with config_context(enable_metadata_routing=True):
        estimator.set_fit_request(sample_weight=True)
        return estimator.set_score_request(sample_weight=True)


def scaler():
    with config_context(enable_metadata_routing=True):
        return StandardScaler().set_fit_request(sample_weight=False)


def fitted_pipeline(net, y, routed):
    model = Pipeline([("scale", scaler()), ("net", net)])
    name = "sample_weight" if routed else "net__sample_weight"
    return [model.fit(X, y, **{name: WEIGHT})[-1]]


def fitted_grid(net, y, routed):
    model = GridSearchCV(net, {"alpha": [1e-4, 1e-3]}, cv=2, error_score="raise")
    return [model.fit(X, y, sample_weight=WEIGHT).best_estimator_]


def fitted_grid_of_pipelines(net, y, routed):
    model = Pipeline([("scale", scaler()), ("net", net)])
    search = GridSearchCV(model, {"net__alpha": [1e-4, 1e-3]}, cv=2, error_score="raise")
    name = "sample_weight" if routed else "net__sample_weight"
    return [search.fit(X, y, **{name: WEIGHT}).best_estimator_[-1]]


def cross_validated(net, y, routed):
    params = {"sample_weight": WEIGHT}
    scores = cross_validate(
        net, X, y, params=params, cv=3, return_estimator=True, error_score="raise"
    )
    return scores["estimator"]


def fitted_bags(net, y, routed):
    of = BaggingRegressor if y.dtype.kind == "f" else BaggingClassifier
    model = of(net, n_estimators=3, random_state=0).fit(X, y, sample_weight=WEIGHT)
    return [*model.estimators_, model]


def fitted_votes(net, y, routed):
    of = VotingRegressor if y.dtype.kind == "f" else VotingClassifier
    return [of(members(net)).fit(X, y, sample_weight=WEIGHT)]


def fitted_stack(net, y, routed):
    of = StackingRegressor if y.dtype.kind == "f" else StackingClassifier
    model = of([("net", net)], clone(net), cv=2).fit(X, y, sample_weight=WEIGHT)
    return [model]


def fitted_outputs(net, y, routed):
    of = MultiOutputRegressor if y.dtype.kind == "f" else MultiOutputClassifier
    return of(net).fit(X, np.column_stack([y, y]), sample_weight=WEIGHT).estimators_


def fitted_transformed(net, y, routed):
    model = TransformedTargetRegressor(net, func=np.negative, inverse_func=np.negative)
    return [model.fit(X, y, sample_weight=WEIGHT)]


def fitted_boosts(net, y, routed):
    of = AdaBoostRegressor if y.dtype.kind == "f" else AdaBoostClassifier
    model = of(net, n_estimators=3, random_state=0).fit(X, y, sample_weight=WEIGHT)
    return [model.estimators_[0], model]


def fitted_calibration(net, y, routed):
    model = CalibratedClassifierCV(net, cv=2).fit(X, y, sample_weight=WEIGHT)
    return [*(member.estimator for member in model.calibrated_classifiers_), model]


def fitted_selection(net, y, routed):
    model = RFE(net, n_features_to_select=3, importance_getter=first_layer)
    return [model.fit(X, y, sample_weight=WEIGHT).estimator_]


def self_trained(net, y, routed):
    codes = np.where(np.arange(len(y)) % 3 == 0, -1, y == "right")
    return [SelfTrainingClassifier(net).fit(X, codes, sample_weight=WEIGHT)]


BOTH = ["regressor", "classifier"]
PLAIN = "yes"
AS_STEP = "yes: as `step__sample_weight`"
TO_FIT = "yes: to `fit`, not to scores"
DRAWN = "yes: rows are drawn by them"

# tool -> (how it is fitted, to what, what the docs say of it without and with routing)
WEIGHTED = {
    "`Pipeline`": (fitted_pipeline, KINDS, AS_STEP, PLAIN),
    "`GridSearchCV`": (fitted_grid, KINDS, TO_FIT, PLAIN),
    "`GridSearchCV` of a `Pipeline`": (
        fitted_grid_of_pipelines,
        KINDS,
        AS_STEP + ", to `fit`, not to scores",
        PLAIN,
    ),
    "`cross_validate`": (cross_validated, KINDS, TO_FIT, PLAIN),
    "`BaggingRegressor`, `BaggingClassifier`": (fitted_bags, BOTH, DRAWN, DRAWN),
    "`VotingRegressor`, `VotingClassifier`": (fitted_votes, BOTH, PLAIN, PLAIN),
    "`StackingRegressor`, `StackingClassifier`": (
        fitted_stack,
        BOTH,
        PLAIN,
        "yes: to the final estimator too",
    ),
    "`MultiOutputRegressor`, `MultiOutputClassifier`": (fitted_outputs, BOTH, PLAIN, PLAIN),
    "`TransformedTargetRegressor`": (fitted_transformed, ["regressor"], PLAIN, PLAIN),
    "`AdaBoostRegressor`, `AdaBoostClassifier`": (
        fitted_boosts,
        BOTH,
        PLAIN,
        "no: scikit-learn does not route there yet",
    ),
    "`CalibratedClassifierCV`": (fitted_calibration, ["classifier"], PLAIN, PLAIN),
    "`RFE`": (fitted_selection, KINDS, PLAIN, PLAIN),
    "`SelfTrainingClassifier`": (
        self_trained,
        ["classifier"],
        "no: scikit-learn asks for routing",
        "no: scikit-learn gives the labeled rows the weights of all",
    ),
}


@pytest.mark.parametrize("routed", [False, True], ids=["off", "on"])
@pytest.mark.parametrize(
    ("tool", "kind"), [(tool, kind) for tool, (_, kinds, *_) in WEIGHTED.items() for kind in kinds]
)
def test_weights_decide(tool, kind, routed):
    fit, _, *texts = WEIGHTED[tool]
    is_old = parse_version(sklearn_version) < parse_version("1.8")
    if routed and is_old and tool == "`GridSearchCV` of a `Pipeline`":
        pytest.skip("before scikit-learn 1.8 a pipeline's own score is not asked what it wants")
    with config_context(enable_metadata_routing=routed):
        net = choosy(brief(kind))
        if texts[routed].startswith("no"):
            with pytest.raises((ValueError, NotImplementedError), match=r"routing|sample_weight"):
                fit(net, TWO_SIDES[kind], routed)
            return
        sides = [side(model) for model in fit(net, TWO_SIDES[kind], routed)]
    assert min(sides) > 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_weights_reach_the_scores_where_they_are_routed(kind):
    params = {"params": {"sample_weight": WEIGHT}, "cv": 2, "error_score": "raise"}
    idle = {"hidden_layer_sizes": (), "max_iter": 1, "learning_rate_init": 1e-9}
    with config_context(enable_metadata_routing=True):
        net = choosy(brief(kind, **idle))
        weighted = cross_validate(net, X, TWO_SIDES[kind], **params)["test_score"]
        net.set_score_request(sample_weight=False)
        plain = cross_validate(net, X, TWO_SIDES[kind], **params)["test_score"]
    assert (np.abs(weighted - plain) > 0.1).all()


# Validation rows ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_pipeline_transforms_validation_rows(kind):
    y = TARGETS[kind]
    train, val = slice(0, 60), slice(60, 90)
    with config_context(enable_metadata_routing=True):
        net = brief(kind).set_fit_request(X_val=True, y_val=True)
        model = make_pipeline(StandardScaler(), net, transform_input=["X_val"])
        model.fit(X[train], y[train], X_val=X[val], y_val=y[val])
    scale = StandardScaler().fit(X[train])
    rows = [scale.transform(X[part]) for part in (train, val)]
    alone = brief(kind).fit(rows[0], y[train], X_val=rows[1], y_val=y[val])
    assert_array_equal(model[-1].validation_scores_, alone.validation_scores_)
    assert_array_equal(model[-1].weights_, alone.weights_)


# Several processes and threads -------------------------------------------------------------------


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield 2
    torch.set_num_threads(before)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_searches_side_by_side_find_what_one_finds(backend, two_threads):
    def scores(n_jobs):
        search = GridSearchCV(
            brief("regressor"), {"alpha": ALPHAS}, cv=2, n_jobs=n_jobs, error_score="raise"
        )
        return search.fit(X, TARGETS["regressor"]).cv_results_["mean_test_score"]

    with parallel_backend(backend):
        found = scores(2)
    assert torch.get_num_threads() == two_threads
    assert_array_equal(found, scores(1))


# The tables of the docs --------------------------------------------------------------------------


def table(header, rows):
    """In markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def test_the_docs_show_these_tables():
    page = (Path(__file__).parents[1] / "docs" / "compatibility.md").read_text()
    by_tool = {}
    for cell in CELLS:
        by_tool.setdefault(cell.tool, []).append(cell)
    header = ["in scikit-learn", "`NLLRegressor`", "`NLLClassifier`", "`NLLRanker`"]
    assert table(header, [[tool, *cells] for tool, cells in by_tool.items()]) in page
    header = ["weights through", "without routing", "with routing"]
    assert table(header, [[tool, *texts] for tool, (_, _, *texts) in WEIGHTED.items()]) in page
