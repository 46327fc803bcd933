"""scikit-learn's own tests of its multi-layer perceptrons, on ours.

Its file is taken as it is installed, and sees ours under the names of its own.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from unittest.mock import patch

import pytest
import sklearn
import sklearn.neural_network
from sklearn_mlp import MLPClassifier, MLPRegressor

FILE = Path(sklearn.__file__).parent / "neural_network" / "tests" / "test_mlp.py"
VERSION = "1.9"

DIFFERENT = {
    "test_nonfinite_params": (
        "training that meets a non-finite loss ends with a warning and the last good weights"
    ),
    "test_mlp_diverging_loss": (
        "the same; no score that is not a number is noted, since no weights with it are kept"
    ),
    "test_early_stopping_stratified": (
        "a label of a single row does not keep the others from being held out in proportion"
    ),
}
"""The tests that cannot pass, and why: what they ask for is otherwise here on purpose."""

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

if not sklearn.__version__.startswith(VERSION + "."):
    pytest.skip(
        f"these are the tests of scikit-learn {VERSION}, installed is {sklearn.__version__}",
        allow_module_level=True,
    )
if not FILE.is_file():
    pytest.skip(f"scikit-learn is installed without its tests: no {FILE}", allow_module_level=True)


def _load_tests():
    """The functions of scikit-learn's file, by name."""
    spec = spec_from_file_location("sklearn_tests_of_mlp", FILE)
    module = module_from_spec(spec)
    ours = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}
    with patch.multiple(sklearn.neural_network, **ours):
        spec.loader.exec_module(module)
    return {name: test for name, test in vars(module).items() if name.startswith("test_")}


TESTS = _load_tests()
globals().update(TESTS)


@pytest.fixture(autouse=True)
def _expect_what_is_different(request):
    reason = DIFFERENT.get(request.node.name)
    if reason is not None:
        request.applymarker(pytest.mark.xfail(strict=True, reason=reason))


@pytest.fixture
def global_random_seed():
    """As scikit-learn's own run of its tests has it by default."""
    return 42


def test_none_is_missing():
    assert len(TESTS) == 43
