"""Which environments check the package? ``nox --list`` names them, ``nox -s lint`` runs one.

What stands after ``--`` goes to a session's own tool: ``nox -s oldest -- tests/test_metrics.py``.
"""

from pathlib import Path

import nox
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "tests"]
nox.needs_version = ">=2026.10"

CONSTRAINTS = Path(".ci/constraints.txt")
"""The versions of the last run, which every session but `oldest` installs."""

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
TOOLS = ("dev", "benchmark")
"""The extras that no user installs, and whose lower bounds promise nothing."""


# What users and developers have ------------------------------------------------------------------


@nox.session
def tests(session):
    """Run the test command of README.md."""
    install(session, "-e", ".[test]")
    session.run("python", "-m", "pytest", "-n", "2", *session.posargs)


@nox.session
def every_family(session):
    """Run the tests that are long because they ask every family."""
    install(session, "-e", ".[test]")
    session.run("python", "-m", "pytest", "-n", "2", "-m", "every_family or long", *session.posargs)


@nox.session
def lint(session):
    """Look at format and lint, and change nothing."""
    install(session, "ruff")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session
def types(session):
    """Check the types."""
    install(session, "-e", ".", "mypy")
    session.run("mypy", *session.posargs)


@nox.session
def docs(session):
    """Build the site in docs/_site, and follow its links."""
    install(session, "-e", ".[docs]")
    site = "docs/_site"
    session.run("python", "-m", "sphinx", "-W", "--keep-going", *session.posargs, "docs", site)
    session.run("python", ".ci/check_site.py", site)


@nox.session
def wheel(session):
    """Build wheel and sdist, and use the wheel in an environment without anything else."""
    install(session, "build", "hatchling")
    session.run("python", ".ci/check_dists.py")


@nox.session
def benchmarks(session):
    """Time fits and predictions beside scikit-learn's perceptrons, once each."""
    install(session, "-e", ".")
    options = session.posargs or ["--repeats", "1"]
    session.run("python", "tests/benchmarks/speed.py", *options)


def install(session, *packages, constraints=CONSTRAINTS):
    """Install known versions: an open range of torch may take gigabytes.

    The variable, other than ``-c``, also holds for what builds need.
    """
    session.install(*packages, env={"PIP_CONSTRAINT": str(constraints.resolve())})


# The lowest versions -----------------------------------------------------------------------------


def lower_bound(requirement):
    """Return the version of the one ``>=``."""
    bounds = [part.version for part in requirement.specifier if part.operator == ">="]
    if len(bounds) != 1:
        raise ValueError(f"pyproject.toml must give one lower bound, as in 'a>=1': {requirement}")
    return bounds[0]


def lower_bounds():
    """Return name -> lowest version of what the package and its extras declare."""
    extras = PROJECT["optional-dependencies"]
    optional = [line for extra, lines in extras.items() if extra not in TOOLS for line in lines]
    requirements = [Requirement(line) for line in [*PROJECT["dependencies"], *optional]]
    others = [needed for needed in requirements if needed.name != PROJECT["name"]]
    return {canonicalize_name(needed.name): lower_bound(needed) for needed in others}


def constraints_without(names):
    """Return the lines of the constraints that say nothing of `names`."""
    pins = [line for line in CONSTRAINTS.read_text().splitlines() if "==" in line]
    return [pin for pin in pins if canonicalize_name(pin.split("==")[0]) not in names]


PYTHON = lower_bound(Requirement("python" + PROJECT["requires-python"]))


@nox.session(python=PYTHON)
def oldest(session):
    """Run the tests, and build the site without its figures, with the lowest versions."""
    install_oldest(session)
    session.run("python", "-m", "pytest", "-n", "2", *session.posargs)
    site = str(Path(session.create_tmp()) / "site")
    no_figures = ("-D", "sphinx_gallery_conf.plot_gallery=0")
    session.run("python", "-m", "sphinx", "-W", "--keep-going", "-q", *no_figures, "docs", site)


def install_oldest(session):
    """Install the lower bounds themselves, and beside them what the last run had."""
    bounds = lower_bounds()
    others = session.cache_dir / "beside_the_oldest.txt"
    others.write_text("\n".join(constraints_without(bounds)))
    pins = [f"{name}=={version}" for name, version in bounds.items()]
    install(session, "-e", ".", *pins, constraints=others)
