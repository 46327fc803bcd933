"""Which of an estimator's parameters say how a network is built and trained?"""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any, Self

import numpy as np


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
        given = {field.name: getattr(estimator, field.name) for field in fields(cls)}
        sizes = given["hidden_layer_sizes"]
        given["hidden_layer_sizes"] = tuple(sizes) if np.iterable(sizes) else (sizes,)
        if any(not isinstance(n, Integral) or n < 1 for n in given["hidden_layer_sizes"]):
            raise ValueError(
                f"hidden_layer_sizes must be > 0, whole numbers in one tuple; got {sizes!r}."
            )
        return cls(**given)

    @property
    def is_linear(self) -> bool:
        """Whether raw outputs are linear in X; training then goes to the maximum likelihood."""
        return not self.hidden_layer_sizes


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

    @classmethod
    def of(cls, parameters: Hyperparameters, **resolved: Any) -> Self:
        """Take the hyperparameters of these names, and what was resolved instead of "auto"."""
        given = {field.name: getattr(parameters, field.name) for field in fields(cls)}
        return cls(**{**given, **resolved})
