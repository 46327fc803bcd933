"""The package as a whole: its public names, what importing it does, what it ships."""

import importlib.metadata
import inspect
import json
import os
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest

import sklnll

MODULES = [sklnll, sklnll.displays, sklnll.distributions, sklnll.metrics]
CLASSES = [
    sklnll.NLLClassifier,
    sklnll.NLLRanker,
    sklnll.NLLRegressor,
    *sklnll.distributions.DISTRIBUTIONS.values(),
    *(getattr(sklnll.displays, name) for name in sklnll.displays.__all__),
    *(cls for cls in vars(sklnll.predictive).values() if inspect.isclass(cls)),
]
PARENT = Path(sklnll.__file__).parents[1]
LAZY = ["matplotlib", "pandas", "statsmodels", "mpmath", "sympy", "torch._dynamo", "torch.optim"]


def run(code):
    """Run code in a fresh process, which must end well."""
    path = os.pathsep.join([str(PARENT), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_public_names_exist_and_are_documented(module):
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        member = getattr(module, name)
        if not isinstance(member, dict):
            assert inspect.getdoc(member), name


@pytest.mark.parametrize("cls", CLASSES)
def test_public_methods_are_documented(cls):
    for name, member in inspect.getmembers(cls):
        is_own = (getattr(member, "__module__", None) or "").startswith("sklnll")
        if is_own and callable(member) and not name.startswith("_"):
            assert inspect.getdoc(member), name


def test_the_dict_of_distributions_is_public_and_complete():
    members = (getattr(sklnll.distributions, name) for name in sklnll.distributions.__all__)
    public = {member for member in members if callable(member)}
    families = {
        member
        for member in filter(inspect.isclass, public)
        if issubclass(member, sklnll.distributions.Distribution) and not inspect.isabstract(member)
    }
    built_on_another = {
        family
        for family in families
        if any(
            parameter.default is inspect.Parameter.empty
            for parameter in inspect.signature(family).parameters.values()
        )
    }
    named = set(sklnll.distributions.DISTRIBUTIONS.values())
    assert families - built_on_another <= named
    assert {family.__name__ for family in built_on_another} == {
        "Censored",
        "FromTorch",
        "Hurdle",
        "Mixture",
        "Truncated",
        "ZeroInflated",
        "ZeroOneInflated",
    }


def test_import_is_silent():
    result = run("import sklnll")
    assert (result.stdout, result.stderr) == ("", "")


def test_import_adds_nothing_heavy():
    code = (
        "import json, sys, torch, sklearn, scipy.stats\n"
        "before = set(sys.modules)\n"
        "import sklnll\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    added = json.loads(run(code).stdout)
    assert "sklnll" in added
    assert not set(LAZY) & set(added)


def test_import_leaves_global_state_alone():
    state = (
        "(torch.get_num_threads(), torch.get_default_dtype(), torch.initial_seed(), "
        "torch.distributions.Distribution._validate_args, torch.is_grad_enabled(), "
        "np.geterr(), len(warnings.filters), np.random.get_state()[1].tolist(), os.listdir())"
    )
    code = (
        "import os, warnings, numpy as np, torch, torch.distributions, scipy.stats\n"
        "import sklearn.model_selection, sklearn.pipeline\n"
        "np.random.seed(0); torch.manual_seed(0)\n"
        f"before = {state}\n"
        "import sklnll\n"
        f"print(before == {state})"
    )
    assert run(code).stdout.strip() == "True"


def test_types_are_shipped():
    assert (resources.files("sklnll") / "py.typed").is_file()


def test_the_installed_version_is_the_packages():
    try:
        version = importlib.metadata.version("sklnll")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("sklnll is not installed")
    assert version == sklnll.__version__


def test_pyproject_takes_its_version_from_the_package():
    path = PARENT / "pyproject.toml"
    if not path.is_file():
        pytest.skip("no pyproject.toml beside the package")
    config = tomllib.loads(path.read_text())
    assert "version" in config["project"]["dynamic"]
    source = (PARENT / config["tool"]["hatch"]["version"]["path"]).read_text()
    assert f'__version__ = "{sklnll.__version__}"' in source
