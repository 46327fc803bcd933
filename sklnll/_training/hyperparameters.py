"""Which of an estimator's parameters say how a network is built and trained?"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, Self

import numpy as np

_LARGEST_STEP = 1e30
_LONGEST_PATIENCE = 2**53


def plain(value: Any) -> Any:
    """Return a number as Python's own: numpy's small integers overflow, and torch takes none.

    Examples
    --------
    >>> plain(np.int8(100)) + 100
    200
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


@dataclass(frozen=True)
class Hyperparameters:
    """The estimator's parameters; its docstring says what they mean.

    Sizes of hidden layers are a tuple. A training plan may replace some of what the user gave.
    """

    hidden_layer_sizes: tuple[int, ...]
    activation: str
    n_estimators: int
    x_scaling: str | None
    n_frequencies: int | str
    gated_inputs: bool
    solver: str
    alpha: float
    batch_size: int | str
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int | str
    shuffle: bool
    tol: float
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool | str
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float | str
    max_fun: int
    weight_decay: float
    recalibrate: str | None
    max_grad_norm: float | None
    annealing: float
    ema_decay: float
    dropout: float
    batch_norm: bool
    weight_init: str
    device: str
    n_threads: int | None

    @classmethod
    def of(cls, estimator: Any) -> Self:
        """Read the attributes of an estimator that have these names.

        Raises
        ------
        ValueError
            If sizes of layers are not whole numbers above 0.
        """
        given = {field.name: plain(getattr(estimator, field.name)) for field in fields(cls)}
        sizes = given["hidden_layer_sizes"]
        given["hidden_layer_sizes"] = tuple(map(plain, sizes)) if np.iterable(sizes) else (sizes,)
        if any(not isinstance(n, Integral) or n < 1 for n in given["hidden_layer_sizes"]):
            raise ValueError(
                f"hidden_layer_sizes must be > 0, whole numbers in one tuple; got {sizes!r}."
            )
        _check_step(given)
        return cls(**given)

    @property
    def is_linear(self) -> bool:
        """Whether raw outputs are linear in X; training then goes to the maximum likelihood."""
        return not self.hidden_layer_sizes


def _check_step(given: dict[str, Any]) -> None:
    """Raise a ValueError for steps that leave float32, in which the network may compute."""
    for name in ("learning_rate_init", "weight_decay"):
        if given[name] > _LARGEST_STEP:
            raise ValueError(
                f"{name} must be at most {_LARGEST_STEP:g}, as steps overflow beyond it; got "
                f"{given[name]:g}."
            )
    if given["n_iter_no_change"] != "auto":  # a patience that no integer of torch holds is endless
        is_endless = given["n_iter_no_change"] > _LONGEST_PATIENCE
        given["n_iter_no_change"] = math.inf if is_endless else given["n_iter_no_change"]


@dataclass(frozen=True)
class SolverSettings:
    """What a solver is told, with "auto" resolved for the rows at hand."""

    solver: str
    batch_size: int
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    max_fun: int
    shuffle: bool
    tol: float
    n_iter_no_change: float
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    weight_decay: float
    max_grad_norm: float | None
    annealing: float
    ema_decay: float

    @classmethod
    def of(cls, parameters: Hyperparameters, **resolved: Any) -> Self:
        """Take the hyperparameters of these names, and what was resolved instead of "auto"."""
        given = {field.name: getattr(parameters, field.name) for field in fields(cls)}
        return cls(**{**given, **resolved})
