"""What a version of the library has stored, later ones load, and predict the same by it."""

import json
import warnings

import numpy as np
import pytest
from sklearn.exceptions import InconsistentVersionWarning

import sklnll

io = pytest.importorskip("skops.io")
from stored.store import FOLDER, MODELS, ROWS, X, predicted_params  # noqa: E402

FILES = sorted(FOLDER.glob("*.skops"))


def load(path):
    types = io.get_untrusted_types(file=path)
    assert all(name.startswith("sklnll.") for name in types), types
    return io.load(path, trusted=types)


def test_each_kind_of_estimator_is_stored_by_this_version():
    names = {path.stem for path in FILES}
    missing = [name for name in MODELS if f"{name}-{sklnll.__version__}" not in names]
    assert not missing, f"run `python -m stored.store` in tests/ for {missing}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_loads_and_predicts_the_same(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        net = load(path)
    expected = json.loads(path.with_suffix(".json").read_text())
    rows = ROWS[path.stem.partition("-")[0]]
    found = predicted_params(net, rows)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-12)
    net.predict(rows)
    assert len(net.coefs_) == len(net.intercepts_)
    assert np.isfinite(net.loss_)


def test_training_continues_from_a_stored_network():
    net = load(FOLDER / f"regressor-{sklnll.__version__}.skops")
    seen = net.t_
    net.partial_fit(X, MODELS["regressor"][1])
    assert net.t_ == seen + len(X)
