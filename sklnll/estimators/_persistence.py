"""Which version of the library stored an estimator?"""

import warnings
from typing import Any

from sklearn.exceptions import InconsistentVersionWarning

from .._version import __version__

VERSION = "_sklnll_version"
"""Name of the version in the stored state."""


def with_version(state: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of the state that says which version wrote it."""
    return {**state, VERSION: __version__}


def warn_of_another_version(estimator: str, stored: str | None) -> None:
    """Warn as scikit-learn does where the state of an estimator is another version's.

    scikit-learn's own check reads scikit-learn's version, of its own estimators only.
    """
    if stored != __version__:
        warnings.warn(
            InconsistentVersionWarning(
                estimator_name=estimator,
                current_sklearn_version=f"{__version__} of sklnll",
                original_sklearn_version=f"{stored or 'unknown'} of sklnll",
            ),
            stacklevel=3,
        )
