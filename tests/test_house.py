"""Do all imports of the package run down its list of rooms, and are its modules small?"""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median

import pytest

import sklnll
from sklnll._training.monitor import CallbackSupportMixin

ROOT = Path(sklnll.__file__).parent

ROOMS = [
    "__init__",
    "comparison",
    "testing",
    "estimators",
    "displays",
    "metrics",
    "composition",
    "_training",
    "_network",
    "predictive",
    "_data",
    "distributions",
    "_laws",
    "_numerics",
]
"""From the roof down: a room may import from itself and from those after it."""

LEAVES = ["_version", "_messages", "orders"]
"""Modules that import nothing of the package, so that anybody may import them."""


def modules():
    """The dotted names of all modules, without the package's, and their paths."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if len(parts) > 1 and parts[-1] == "__init__":
            parts = parts[:-1]
        yield ".".join(parts), path


MODULES = dict(modules())


@cache
def tree(module):
    return ast.parse(MODULES[module].read_text())


def imports(module):
    """The modules that it imports: those of functions and of type checking are among them."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {own(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = origin(module, node)
            found |= {own(f"{source}.{alias.name}") or own(source) for alias in node.names}
    return found - {None, module}


def origin(module, node):
    """The full name of what an import is from."""
    if not node.level:
        return node.module
    is_package = MODULES[module].name == "__init__.py"
    package = ["sklnll", *module.split(".")] if module != "__init__" else ["sklnll", ""]
    n_kept = len(package) - node.level + (is_package and module != "__init__")
    return ".".join([*package[:n_kept], *([node.module] if node.module else [])])


def own(name):
    """Which module of the package it is, if any."""
    package, _, module = name.partition(".")
    if package != "sklnll":
        return None
    module = module or "__init__"
    return module if module in MODULES else None


def room(module):
    return module.split(".")[0]


ARROWS = {module: sorted(imports(module)) for module in MODULES}


def test_every_module_is_in_a_room():
    assert {room(module) for module in MODULES} == {*ROOMS, *LEAVES}


def test_imports_are_found():
    """Relative ones of packages and of modules, of names and of modules."""
    assert "estimators.regressor" in ARROWS["__init__"]
    assert "_version" in ARROWS["__init__"]
    assert "distributions._supports" in ARROWS["distributions.real"]
    assert "_numerics.special" in ARROWS["distributions.real"]
    assert "distributions.real" in ARROWS["distributions"]


def test_imports_run_down_the_rooms():
    upwards = [
        f"{module} -> {other}"
        for module, others in ARROWS.items()
        for other in others
        if room(module) not in LEAVES and room(other) not in LEAVES
        if ROOMS.index(room(other)) < ROOMS.index(room(module))
    ]
    assert upwards == []


@pytest.mark.parametrize("leaf", LEAVES)
def test_leaves_import_nothing_of_the_package(leaf):
    assert ARROWS[leaf] == []


def test_no_modules_import_each_other():
    try:
        TopologicalSorter(ARROWS).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


# Sizes -------------------------------------------------------------------------------------------


def body(function):
    """Its statements, without docstring."""
    return function.body[ast.get_docstring(function, clean=False) is not None :]


def n_lines(function):
    """How many lines they take, from the first to the last."""
    statements = body(function)
    return statements[-1].end_lineno - statements[0].lineno + 1 if statements else 0


FUNCTIONS = {
    f"{module}.{node.name}:{node.lineno}": n_lines(node)
    for module in MODULES
    for node in ast.walk(tree(module))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body(node)
}


def depth(cls):
    """How many classes of the package stand above each other, itself the last.

    What stands in for scikit-learn's own class, where it has none yet, does not count.
    """
    if not cls.__module__.startswith("sklnll.") or cls is CallbackSupportMixin:
        return 0
    return 1 + max(map(depth, cls.__bases__))


def n_lines_beside_docs_of_classes(module):
    """Count the lines of a module, but for what its classes say to the user."""
    classes = (node for node in ast.walk(tree(module)) if isinstance(node, ast.ClassDef))
    docs = (ast.get_docstring(node, clean=False) or "" for node in classes)
    return len(MODULES[module].read_text().splitlines()) - sum(doc.count("\n") for doc in docs)


def test_no_module_is_long():
    lengths = {module: n_lines_beside_docs_of_classes(module) for module in MODULES}
    assert {module: n for module, n in lengths.items() if n > 450} == {}


def test_functions_are_short():
    assert median(FUNCTIONS.values()) <= 5
    assert {name: n for name, n in FUNCTIONS.items() if n > 45} == {}


@pytest.mark.parametrize("name", ["NLLRegressor", "NLLClassifier", "NLLRanker"])
def test_an_estimator_has_one_base_of_ours_at_most(name):
    assert depth(getattr(sklnll, name)) <= 2
