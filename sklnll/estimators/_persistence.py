"""What is stored with an estimator, and is what comes back whole?"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from .._data.stored import stored_error
from .._network.fitted import FittedNetwork
from .._version import __version__
from ..predictive.targets import Target
from ._digests import check_digests, digests_of

_VERSION = "_sklnll_version"
_DIGESTS = "_sklnll_digests"


def stored_state(
    estimator: BaseEstimator, state: dict[str, Any], names: Collection[str]
) -> dict[str, Any]:
    """Return a copy of the state that says which version wrote it, and what it then was.

    Parameters
    ----------
    estimator : estimator
    state : dict
    names : collection of str
        Attributes that loading must give back as they were: all but what users have added.
    """
    stored = {**state, _VERSION: __version__}
    if "network_" in state:
        stored[_DIGESTS] = digests_of(_attributes(estimator, state, names))
    return stored


def restored_state(
    estimator: BaseEstimator, state: dict[str, Any], names: Collection[str]
) -> dict[str, Any]:
    """Return the state without what `stored_state` added.

    Raises
    ------
    ValueError
        If the state is no longer what was stored; the message names the field.
    """
    _warn_of_another_version(type(estimator).__name__, state.get(_VERSION))
    own = {name: value for name, value in state.items() if name not in (_VERSION, _DIGESTS)}
    _check_parameters(estimator, own, state.get(_VERSION))
    if "network_" in state or _DIGESTS in state:
        _check_fit(own)
        check_digests(state.get(_DIGESTS), _attributes(estimator, own, names), _DIGESTS)
    return own


def _attributes(
    estimator: BaseEstimator, state: dict[str, Any], names: Collection[str]
) -> dict[str, Any]:
    own = {name: value for name, value in state.items() if name in names}
    return {"class of the estimator": type(estimator), **own}


def _check_parameters(estimator: BaseEstimator, state: dict[str, Any], version: str | None) -> None:
    """Raise a ValueError that names the first parameter that is missing.

    A file of another version may lack those that came since, but not all of them.
    """
    names = estimator._get_param_names()
    missing = [name for name in names if name not in state]
    if missing and (version == __version__ or len(missing) == len(names)):
        raise stored_error(missing[0], "a parameter of the estimator", "nothing")


def _check_fit(state: dict[str, Any]) -> None:
    """Raise a ValueError that names the first part of the fit that is not legal."""
    network: Any = state.get("network_")
    target: Any = state.get("_target")
    columns: Any = state.get("_columns")
    FittedNetwork.check(network, "network_", columns)
    Target.check(target, "_target")
    if target.size != network.units.size:
        raise stored_error("_target", f"of size {network.units.size}", f"one of {target.size}")
    expected = {"n_features_in_": network.units.x.n_features, **target.fitted_attributes()}
    for name, value in expected.items():
        if name not in state or not np.array_equal(state[name], value):
            raise stored_error(name, f"{value!r}", repr(state.get(name)))


def _warn_of_another_version(estimator: str, stored: str | None) -> None:
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
            stacklevel=4,
        )
