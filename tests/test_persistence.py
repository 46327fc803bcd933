"""A fitted estimator is stored, and predicts the same where it is loaded."""

import copy
import io
import os
import pickle
import re
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from plain import plain_classifier, plain_ranker, plain_regressor
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklnll
from sklnll.distributions import (
    Categorical,
    FromTorch,
    Normal,
    Ordinal,
    StudentT,
    ZeroInflated,
    normal_mixture,
)
from sklnll.distributions.positive import Gamma

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROOT = Path(__file__).parents[1]
BRIEF = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
Y = X[:, 0] + rng.normal(size=60)
LABELS = np.where(Y > 0, "yes", "no")

# name -> (estimator, y, the types of sklnll that it is stored with beside those of all)
CASES = {
    "regressor": (plain_regressor(**BRIEF), Y, ["NLLRegressor", "Normal"]),
    "scaled inside": (
        sklnll.NLLRegressor("laplace", **BRIEF),
        Y,
        ["NLLRegressor", "Laplace", "InputScaling"],
    ),
    "two members": (plain_regressor(n_estimators=2, **BRIEF), Y, ["NLLRegressor", "Normal"]),
    "mixture": (
        plain_regressor(normal_mixture(2), **BRIEF),
        Y,
        ["NLLRegressor", "Mixture", "Normal"],
    ),
    "fixed": (plain_regressor(StudentT(df=4), **BRIEF), Y, ["NLLRegressor", "StudentT"]),
    "constant": (
        plain_regressor(Normal(scale="constant"), **BRIEF, dropout=0.1, batch_norm=True),
        Y,
        ["NLLRegressor", "Normal"],
    ),
    "inflated": (
        plain_regressor(ZeroInflated(Gamma()), **BRIEF),
        np.maximum(Y, 0),
        ["NLLRegressor", "ZeroInflated", "Gamma"],
    ),
    "drawn seeds": (
        plain_regressor(**{**BRIEF, "random_state": np.random.RandomState(0)}),
        Y,
        ["NLLRegressor", "Normal"],
    ),
    "classifier": (
        plain_classifier(class_weight={"yes": 2, "no": 1}, **BRIEF),
        LABELS,
        ["NLLClassifier", "Categorical", "Labels"],
    ),
    "ordered": (
        plain_classifier(Ordinal(order=["no", "yes"]), **BRIEF),
        LABELS,
        ["NLLClassifier", "Ordinal", "Labels"],
    ),
    "indicators": (
        plain_classifier(**BRIEF),
        (X > 0).astype(int),
        ["NLLClassifier", "Bernoulli", "Indicators"],
    ),
    "soft": (
        plain_classifier(Categorical(soft_targets=True), **BRIEF),
        rng.dirichlet([1, 1, 1], 60),
        ["NLLClassifier", "Categorical", "SoftTargets"],
    ),
    "ranker": (plain_ranker(**BRIEF), X.argsort(axis=1), ["NLLRanker", "PlackettLuce"]),
}


@cache
def fitted_once(name):
    net, y, _ = CASES[name]
    return copy.deepcopy(net).fit(X, y)


def fitted(name):
    return copy.deepcopy(fitted_once(name))


def numbers(net, rows):
    """All that is predicted: the parameters of the distributions."""
    return net.predict_dist(rows).params


def assert_predicts_the_same(net, other):
    expected = numbers(net, X)
    for name, value in numbers(other, X).items():
        assert_array_equal(value, expected[name])
    assert_array_equal(other.predict(X), net.predict(X))


# In another process ------------------------------------------------------------------------------

LOAD = """
import pickle, sys
from pathlib import Path
import joblib
stored, answer = map(Path, sys.argv[1:])
models, X = joblib.load(stored) if stored.suffix == ".joblib" else pickle.loads(stored.read_bytes())
joblib.dump({name: model.predict_dist(X).params for name, model in models.items()}, answer)
"""


@pytest.mark.parametrize("kind", ["joblib", "pickle"])
def test_another_process_predicts_the_same_to_the_last_bit(kind, tmp_path):
    models = {name: fitted(name) for name in CASES}
    models["torch's"] = plain_regressor(FromTorch(torch.distributions.Gumbel), **BRIEF).fit(X, Y)
    stored, answer = tmp_path / f"models.{kind}", tmp_path / "answer"
    if kind == "joblib":
        joblib.dump((models, X), stored)
    else:
        stored.write_bytes(pickle.dumps((models, X)))
    subprocess.run(
        [sys.executable, "-W", "error", "-c", LOAD, str(stored), str(answer)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    answers = joblib.load(answer)
    assert answers.keys() == models.keys()
    for name, model in models.items():
        for param, value in numbers(model, X).items():
            assert_array_equal(answers[name][param], value)


@pytest.mark.parametrize("name", CASES)
def test_weights_mapped_from_a_file_predict_and_go_on(name, tmp_path):
    net = fitted(name)
    joblib.dump(net, tmp_path / "net")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapped = joblib.load(tmp_path / "net", mmap_mode="r")
        assert not mapped.weights_.flags.writeable
        assert_predicts_the_same(net, mapped)
        mapped.partial_fit(X, CASES[name][1])
    assert (mapped.weights_ != net.weights_).any()
    assert_array_equal(net.partial_fit(X, CASES[name][1]).weights_, mapped.weights_)


def test_coefficients_of_weights_mapped_from_a_file(tmp_path):
    net = sklnll.NLLRegressor("normal", (), max_iter=2, random_state=0).fit(X, Y)
    joblib.dump(net, tmp_path / "net")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapped = joblib.load(tmp_path / "net", mmap_mode="r")
        assert_array_equal(mapped.coefs_[0], net.coefs_[0])


# Where there is another machine ------------------------------------------------------------------


class WithoutTorch(pickle.Pickler):
    """Refuses what only torch, or only a machine with its device, can load."""

    def reducer_override(self, obj):
        kind = obj if isinstance(obj, type) else type(obj)
        if kind.__module__.split(".")[0] == "torch":
            raise TypeError(f"{obj!r} is torch's")
        return NotImplemented


@pytest.mark.parametrize("name", CASES)
def test_what_is_stored_holds_nothing_of_torch(name):
    net = fitted(name)
    WithoutTorch(io.BytesIO()).dump(net)
    WithoutTorch(io.BytesIO()).dump(net.partial_fit(X, CASES[name][1]))
    with pytest.raises(TypeError, match="is torch's"):
        WithoutTorch(io.BytesIO()).dump([torch.zeros(1)])


def test_a_model_of_a_gpu_predicts_where_there_is_none(monkeypatch):
    net = fitted("regressor")
    stored = pickle.dumps(net.set_params(device="cuda"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert_predicts_the_same(net.set_params(device="cpu"), pickle.loads(stored))


# skops -------------------------------------------------------------------------------------------


def documented_types():
    """Those of the guide, by their last name."""
    page = (ROOT / "docs" / "guide" / "saving.md").read_text()
    names = re.findall(r'"(sklnll\.[\w.]+)"|`(sklnll\.[\w.]+)`', page)
    return {name.rpartition(".")[2]: name for pair in names for name in pair if name}


def types_of(names):
    """The documented full names; families are those of their class."""
    documented = documented_types()
    full = set()
    kinds = {"NLLRegressor": "Numbers", "NLLRanker": "Orders"}
    of_y = [kinds[name] for name in names if name in kinds]
    everywhere = ["Architecture", "ColumnRanges", "Columns", "FittedNetwork", "Inputs"]
    everywhere += ["TargetScaling", "Units"]
    for name in [*everywhere, *of_y, *names]:
        family = getattr(sklnll.distributions, name, None)
        full.add(f"{family.__module__}.{name}" if family else documented[name])
    return sorted(full)


@pytest.mark.parametrize("name", CASES)
def test_skops_loads_it_with_the_documented_types_alone(name):
    io = pytest.importorskip("skops.io")
    net = fitted(name)
    stored = io.dumps(net)
    assert io.get_untrusted_types(data=stored) == types_of(CASES[name][2])
    loaded = io.loads(stored, trusted=types_of(CASES[name][2]))
    assert_predicts_the_same(net, loaded)
    y = CASES[name][1]
    assert_array_equal(loaded.partial_fit(X, y).weights_, net.partial_fit(X, y).weights_)


def test_skops_loads_a_pipeline_as_well():
    io = pytest.importorskip("skops.io")
    model = make_pipeline(StandardScaler(), fitted("regressor")).fit(X, Y)
    stored = io.dumps(model)
    loaded = io.loads(stored, trusted=types_of(CASES["regressor"][2]))
    assert_array_equal(loaded.predict(X), model.predict(X))


# Another version ---------------------------------------------------------------------------------


def stored_by(version, monkeypatch):
    net = fitted("regressor")
    with monkeypatch.context() as patch:
        patch.setattr("sklnll.estimators._persistence.__version__", version)
        return pickle.dumps(net)


def test_another_version_is_warned_of(monkeypatch):
    stored = stored_by("0.0.1", monkeypatch)
    expected = rf"NLLRegressor from version 0\.0\.1 of sklnll .* {sklnll.__version__} of sklnll"
    with pytest.warns(InconsistentVersionWarning, match=expected):
        net = pickle.loads(stored)
    assert_predicts_the_same(fitted("regressor"), net)


def test_a_state_without_a_version_is_warned_of():
    net = fitted("regressor")
    state = {name: v for name, v in net.__getstate__().items() if name != "_sklnll_version"}
    with pytest.warns(InconsistentVersionWarning, match="version unknown of sklnll"):
        sklnll.NLLRegressor().__setstate__(state)


def test_the_same_version_is_not_and_leaves_no_trace():
    net = fitted("regressor")
    assert vars(pickle.loads(pickle.dumps(net))).keys() == vars(net).keys()
    assert vars(copy.deepcopy(net)).keys() == vars(net).keys()


# On a page ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["regressor", "classifier", "ranker"])
def test_a_page_shows_it_without_links_to_pages_that_are_not_there(name):
    for net in (CASES[name][0], fitted(name)):
        page = net._repr_html_()
        assert type(net).__name__ in page
        assert net._get_doc_link() == ""
        assert not re.search(r"https?://[^\"'<> ]*(sklnll|NLL)", page)
