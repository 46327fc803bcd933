"""Does the sklnll that is installed here work, with its declared dependencies alone?

Run it from outside the checkout, in an environment of its own: ``python -I check_wheel.py``. ``-I``
keeps the current folder and PYTHONPATH out, so that no other copy can be imported.
"""

import importlib
import pkgutil
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

import sklnll

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
UTILITIES = X @ [[1, 0, -1], [0, 1, -1]] + RNG.gumbel(size=(60, 3))
ANSWERS = {
    sklnll.NLLRegressor: UTILITIES[:, 0],
    sklnll.NLLClassifier: UTILITIES.argmax(axis=1),
    sklnll.NLLRanker: UTILITIES.argsort(axis=1)[:, ::-1],
}


def check_origin():
    """Refuse a copy that was not installed into this environment."""
    found = Path(sklnll.__file__)
    if not found.is_relative_to(sys.prefix):
        sys.exit(f"sklnll comes from {found}, not from {sys.prefix}")
    if sklnll.__version__ != version("sklnll"):
        sys.exit(f"sklnll {sklnll.__version__} was installed as {version('sklnll')}")


def import_every_module():
    """Import public and private modules; return how many."""
    names = [module.name for module in pkgutil.walk_packages(sklnll.__path__, "sklnll.")]
    return len([importlib.import_module(name) for name in names])


def check_estimator(cls, y):
    """Fit briefly, and ask how probable the rows are that were fitted."""
    predicted = cls(max_iter=20, random_state=0).fit(X, y).predict_dist(X)
    if not np.isfinite(predicted.log_prob(y)).all():
        sys.exit(f"{cls.__name__} gives its own training rows no finite likelihood")


def main():
    """Check where sklnll comes from, its modules and its estimators."""
    check_origin()
    n_modules = import_every_module()
    for cls, y in ANSWERS.items():
        check_estimator(cls, y)
    print(f"sklnll {sklnll.__version__}: {n_modules} modules and {len(ANSWERS)} estimators work")


if __name__ == "__main__":
    main()
