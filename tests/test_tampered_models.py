"""A stored model that was changed predicts the same, or is refused by the name of the field.

Files are taken apart (an archive of a tree in JSON and of arrays), changed in one place, and put
together again: nothing that a file holds may change what is predicted without a word.
"""

import copy
import io
import json
import pickle
import re
import traceback
import warnings
import zipfile
from collections import Counter
from dataclasses import replace
from functools import cache, partial
from itertools import islice
from operator import attrgetter

import numpy as np
import pytest
from kinds import one_of_each_kind
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError

from sklnll import NLLRegressor
from sklnll.distributions import StudentT
from sklnll.estimators._digests import digests_of
from sklnll.predictive.targets import Indicators

skops = pytest.importorskip("skops.io")
from stored.store import FOLDER, MODELS, ROWS, X, predicted_params  # noqa: E402

FILES = {name: FOLDER / f"{name}-0.1.0.skops" for name in MODELS}
NAMED = re.compile(r"the stored model's `([^`]+)` must be .*; got ", re.DOTALL)
EVERY = 37
"""Of the changes of a file, about 1,300, the usual run tries one in so many."""


# Taking apart ------------------------------------------------------------------------------------


@cache
def _parts(name):
    with zipfile.ZipFile(FILES[name]) as archive:
        return {member: archive.read(member) for member in archive.namelist()}


def parts(name):
    """The tree of a file, to be changed, and its arrays."""
    arrays = {member: data for member, data in _parts(name).items() if member.endswith(".npy")}
    return json.loads(_parts(name)["schema.json"]), arrays


def put_together(tree, arrays):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for member, data in {**arrays, "schema.json": json.dumps(tree)}.items():
            archive.writestr(member, data)
    return file.getvalue()


def nodes(node, path=()):
    """All nodes of a tree, each with the keys that lead to it."""
    if isinstance(node, dict):
        if "__loader__" in node:
            yield path, node
        for key, inner in node.items():
            yield from nodes(inner, (*path, key))
    elif isinstance(node, list):
        for place, inner in enumerate(node):
            yield from nodes(inner, (*path, place))


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def as_bytes(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


# Changes -----------------------------------------------------------------------------------------


def changed_arrays(array):
    """name -> the array, changed in one way."""
    first = (0,) * array.ndim
    changes = {
        "transposed": array.T,
        "truncated": array[:-1],
        "emptied": array[:0],
        "flat": array.ravel(),
        "another axis": array[None],
        "repeated": np.concatenate([array, array]),
        "text": np.full(array.shape, "a"),
        "complex": array.astype(complex) if array.dtype.kind == "f" else array.astype("S3"),
    }
    if array.dtype.kind != "f":
        return {**changes, "reversed": array[::-1]}
    for name, value in {"NaN": np.nan, "inf": np.inf, "huge": 1e300, "minus one": -1.0}.items():
        changes[name] = array.astype(float)
        changes[name][first] = value
    rounded = array.copy()
    rounded[first] = np.nextafter(rounded[first], np.inf)
    other = np.float32 if array.dtype == np.float64 else np.float64
    return {
        **changes,
        "negated": -array,
        "zeros": np.zeros_like(array),
        "another float": array.astype(other),
        "whole": array.astype(int),
        "one bit": rounded,
        "reversed": array[..., ::-1].copy(),
    }


SCALARS = (-1, 0, 2, 10**9, 1e300, -0.5, float("nan"), float("inf"), "text", "", None, True, False)


def changes_of_values(name):
    """Each value of the file, changed: what it is called, how the tree changes, and an array."""
    tree, arrays = parts(name)
    for path, node in nodes(tree):
        if node["__loader__"] == "NdArrayNode" and node["type"] == "numpy":
            value = np.load(io.BytesIO(arrays[node["file"]]))
            if value.size and value.ndim:
                edit = partial(replaced, path=path, file="new.npy")
                for how, changed in changed_arrays(value).items():
                    yield f"{where(path)} {how}", edit, changed
        elif node["__loader__"] == "JsonNode":
            for content in map(json.dumps, SCALARS):
                if content != node["content"]:
                    edit = partial(replaced, path=path, content=content)
                    yield f"{where(path)} = {content}", edit, None


def changes_of_structure(name):
    """Fields taken away, renamed or swapped; classes exchanged; contents left out."""
    tree, _ = parts(name)
    own = {path: node for path, node in nodes(tree) if node["__module__"].startswith("sklnll.")}
    classes = {(node["__class__"], node["__module__"]) for node in own.values()}
    for path, node in own.items():
        if path:  # of a whole estimator skops makes one that was never fitted
            yield f"{where(path)} is empty", partial(replaced, path=path, content=None)
        for other in sorted(classes - {(node["__class__"], node["__module__"])}):
            edit = partial(replaced, path=path, __class__=other[0], __module__=other[1])
            yield f"{where(path)} is a {other[0]}", edit
    for path, node in nodes(tree):
        if node["__loader__"] in ("TupleNode", "ListNode"):
            edit = partial(replaced, path=path, content=node["content"][:-1])
            yield f"{where(path)} is shorter", edit
        if node["__loader__"] == "DictNode":
            keys = list(node["content"])
            for key, following in zip(keys, keys[1:] + keys[:1], strict=True):
                for how, names in {
                    f"lacks {key}": {key: None},
                    f"calls {key} otherwise": {key: f"{key}_of_old"},
                    f"swaps {key} and {following}": {key: following, following: key},
                }.items():
                    yield f"{where(path)} {how}", partial(renamed, path=path, names=names)


def where(path):
    return ".".join(str(key) for key in path if key != "content") or "the estimator"


def replaced(tree, path, **values):
    """Change a node of the tree, and its number, or it would be taken for what had it."""
    at(tree, path).update(values, __id__=f"new{path}")


def renamed(tree, path, names):
    """Give fields of a dictionary other names; None takes them away."""
    node = at(tree, path)
    content = {names.get(key, key): value for key, value in node["content"].items()}
    content.pop(None, None)
    types = node["key_types"]
    types.update(content=types["content"][: len(content)], __id__=f"types{path}")
    node.update(content=content, __id__=f"new{path}")


# What becomes of it ------------------------------------------------------------------------------


@cache
def untouched(name):
    net = loaded(FILES[name].read_bytes())
    return type(net), net.predict(ROWS[name]), predicted_params(net, ROWS[name])


def loaded(data):
    types = skops.get_untrusted_types(data=data)
    assert all(name.startswith("sklnll.") for name in types), types
    return skops.loads(data, trusted=types)


def outcome(data, name):
    """Tell how it ends: "same", "refused", or "unreadable" where skops gives up before us."""
    try:
        net = loaded(data)
        found = type(net), net.predict(ROWS[name]), predicted_params(net, ROWS[name])
    except NotFittedError:
        return "refused"
    except Exception as error:
        if type(error) is ValueError and NAMED.search(str(error)):
            return "refused"
        files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
        if any("/sklnll/" in file for file in files):
            raise
        return "unreadable"
    kind, predicted, params = untouched(name)
    assert found[0] is kind
    np.testing.assert_array_equal(found[1], predicted)
    assert found[2] == params
    return "same"


def changes(name):
    """All changes of a file."""
    yield from changes_of_values(name)
    yield from ((what, edit, None) for what, edit in changes_of_structure(name))


def changed_file(name, edit, array):
    tree, arrays = parts(name)
    edit(tree)
    return put_together(tree, arrays if array is None else {**arrays, "new.npy": as_bytes(array)})


@pytest.mark.parametrize("step", [EVERY, pytest.param(1, marks=pytest.mark.every_family)])
@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_predicts_the_same_or_is_refused(name, step):
    outcomes = Counter()
    first = list(FILES).index(name)  # another place in each file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        for what, edit, array in islice(changes(name), first % step, None, step):
            try:
                outcomes[outcome(changed_file(name, edit, array), name)] += 1
            except Exception as error:
                pytest.fail(f"{name}: {what}: {error!r}")
    assert outcomes["refused"] > 0.8 * outcomes.total()
    assert outcomes["unreadable"] < 0.05 * outcomes.total()


# Pickles -----------------------------------------------------------------------------------------


def stored_with(net, path, value):
    """Pickle a model in which one field has another value, set by hand before it is stored."""
    net = copy.copy(net)
    name, *inner = path.split(".")
    parents = [attrgetter(".".join([name, *inner[:k]]))(net) for k in range(len(inner))]
    for part, field in zip(reversed(parents), reversed(inner), strict=True):
        value = replace(part, **{field: value})
    setattr(net, name, value)
    return pickle.dumps(net)


def with_first(value):
    def change(array):
        array = array.copy()
        array.flat[0] = value
        return array

    return change


# field -> how it is changed, and what the message says that it must be
CHANGES = [
    ("network_.weights", with_first(np.nan), "finite; got nan"),
    ("network_.weights", with_first(-np.inf), "finite; got -inf"),
    ("network_.weights", lambda w: w[:, :-1], r"of shape \('any', \d+\); got shape \(2, \d+\)"),
    ("network_.weights", lambda w: w.T, "of shape"),
    ("network_.weights", lambda w: w[:0], "of shape"),
    ("network_.weights", lambda w: w.astype(int), "an array of float64 or float32; got an array"),
    ("network_.weights", lambda w: w.astype(np.float16), "an array of float64 or float32"),
    ("network_.weights", lambda w: w.tolist(), "an array of float64 or float32"),
    ("network_.statistics", lambda s: s.astype(np.float32), "of float64, as weights"),
    ("network_.statistics", lambda s: s - 2, "non-negative variances"),
    ("network_.statistics", lambda s: s[:1], "of shape"),
    ("network_.recalibration", lambda _: -1.0, "positive, finite; got -1.0"),
    ("network_.recalibration", lambda _: np.inf, "positive, finite"),
    ("network_.recalibration", lambda _: True, "positive, finite"),
    ("network_.units", lambda _: None, "of the class Units; got None"),
    ("network_.units.size", lambda _: 0, "a whole number, at least 1; got 0"),
    ("network_.units.family", lambda _: "normal", "a family of distributions; got 'normal'"),
    ("network_.units.family", lambda _: StudentT(df=-1), "a legal family"),
    ("network_.units.y", lambda _: 1.0, "of the class TargetScaling"),
    ("network_.units.y.unit", with_first(0.0), "positive and finite; got 0.0"),
    ("network_.units.y.unit", with_first(np.inf), "positive and finite; got inf"),
    ("network_.units.y.unit", lambda u: u[None], "of shape"),
    ("network_.units.y.shift", with_first(np.nan), "finite; got nan"),
    ("network_.units.y.shift", lambda s: s + 1, r"zero for Gamma\(\)"),
    ("network_.units.x.scaling.unit", with_first(-1.0), "positive and free of NaN; got -1.0"),
    ("network_.units.x.scaling.unit", lambda u: u[:1], r"of shape \(2,\); got shape \(1,\)"),
    ("network_.units.x.scaling.center", with_first(np.inf), "finite; got inf"),
    ("network_.units.x.scaling.bound", lambda _: 0, "positive; got 0"),
    ("network_.architecture.sizes", lambda s: list(s), "a tuple of two or more numbers"),
    ("network_.architecture.sizes[1]", lambda s: -3, "a whole number, at least 1; got -3"),
    ("network_.architecture.sizes[-1]", lambda s: 3, r"2 for 1 outputs of Gamma\(\); got 3"),
    ("network_.architecture.n_constants", lambda _: 1, "0 for 1 outputs"),
    ("network_.architecture.activation", lambda _: "sine", "one of"),
    ("network_.architecture.dropout", lambda _: 1.0, "from 0 to below 1; got 1.0"),
    ("network_.architecture.batch_norm", lambda _: "no", "True or False; got 'no'"),
    ("_target.columns", lambda _: 2, "a tuple of at most one number"),
    ("_target.family", lambda _: None, "a family of distributions"),
    ("n_features_in_", lambda _: 3, "2; got 3"),
]


@pytest.mark.parametrize(("path", "change", "words"), CHANGES)
def test_the_message_says_which_field_is_not_legal(path, change, words):
    net = loaded(FILES["regressor_members"].read_bytes())
    field, _, place = path.partition("[")
    value = attrgetter(field)(net)
    if place:
        changed = list(value)
        changed[int(place[:-1])] = change(value)
        value = tuple(changed)
    else:
        value = change(value)
    with pytest.raises(
        ValueError, match=rf"the stored model's `{re.escape(path)}.*` must.*{words}"
    ):
        pickle.loads(stored_with(net, field, value))


LABELS = [
    ("_target.classes", lambda c: c[[0, 0, 1]], "different labels"),
    ("_target.classes", lambda c: c[:, None], "an array of labels"),
    ("_target.classes", lambda c: c.tolist(), "an array of labels"),
    ("_target.class_weight", lambda _: np.ones(2), "of shape"),
    ("classes_", lambda c: c[::-1], "got array"),
    ("_target", lambda target: Indicators(target.classes[:2]), "of size 3; got one of 2"),
]


@pytest.mark.parametrize(("path", "change", "words"), LABELS)
def test_labels_are_those_that_were_fitted(path, change, words):
    net = loaded(FILES["classifier"].read_bytes())
    with pytest.raises(ValueError, match=rf"the stored model's `{path}` must.*{words}"):
        pickle.loads(stored_with(net, path, change(attrgetter(path)(net))))


@pytest.mark.parametrize("name", one_of_each_kind())
def test_what_was_not_changed_is_not_refused(name, fitted):
    net, X, _ = fitted(name)
    for copied in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        np.testing.assert_array_equal(copied.predict(X), net.predict(X))


def test_a_change_that_is_legal_is_found_by_its_digest():
    net = loaded(FILES["regressor"].read_bytes())
    state = net.__getstate__()
    state["network_"] = replace(net.network_, weights=net.weights_ * (1 + 1e-12))
    with pytest.raises(ValueError, match=r"`network_\.weights` must be what was stored"):
        NLLRegressor().__setstate__(state)
    del state["_sklnll_digests"]
    with pytest.raises(ValueError, match="`_sklnll_digests` must be a text"):
        NLLRegressor().__setstate__(state)


def test_what_a_user_adds_or_sets_is_stored_as_it_is():
    net = loaded(FILES["regressor"].read_bytes())
    net.note = {"by": "a user"}
    net.network_ = replace(net.network_, weights=net.weights_ * 2)
    copied = pickle.loads(pickle.dumps(net))
    assert copied.note == net.note
    np.testing.assert_array_equal(copied.predict(X), net.predict(X))


def test_the_order_of_bytes_does_not_count():
    net = loaded(FILES["regressor"].read_bytes())
    state = net.__getstate__()
    swapped = net.weights_.astype(net.weights_.dtype.newbyteorder(">"))
    assert digests_of({"w": swapped}) == digests_of({"w": net.weights_})
    assert digests_of({"w": swapped}) != digests_of({"w": net.weights_.byteswap()})
    assert NLLRegressor().__setstate__(state) is None


@pytest.mark.parametrize("file", ["regressor_members", "classifier"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_an_estimator_without_its_state_is_refused(file):
    net = loaded(FILES[file].read_bytes())
    with pytest.raises(ValueError, match=r"the stored model's `.*` must be a parameter"):
        type(net).__new__(type(net)).__setstate__({})


def test_an_unfitted_estimator_that_lacks_a_parameter_is_refused():
    state = NLLRegressor("gamma").__getstate__()
    del state["alpha"]
    with pytest.raises(ValueError, match="the stored model's `alpha` must be a parameter"):
        NLLRegressor().__setstate__(state)
