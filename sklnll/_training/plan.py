"""What do an estimator's parameters mean for its rows, where they leave it open?"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from .._messages import warn_user
from . import recipe
from .record import Settings

_LBFGS_ITERATIONS = 1000
_MLP_ITERATIONS, _MLP_PATIENCE, _MLP_BATCH = 200, 10, 200


class Plan:
    """How a network is built and trained.

    "auto" means what suits the rows with ``learning_rate="cosine"``, and what it means to
    scikit-learn's multi-layer perceptrons with other rates.

    Parameters
    ----------
    params : mapping of str to object
        The estimator's, by name.
    hidden : tuple of int
        Units of the hidden layers.
    goes_on : bool, default=False
        Whether training starts from a fitted network.
    is_increment : bool, default=False
        Whether it is one epoch of many, which follow with other rows.
    """

    def __init__(
        self,
        params: Mapping[str, Any],
        hidden: tuple[int, ...],
        *,
        goes_on: bool = False,
        is_increment: bool = False,
    ):
        self.params = dict(params)
        self.hidden = hidden
        self.goes_on = goes_on
        self.is_increment = is_increment
        if goes_on or is_increment:
            self.params["annealing"] = 0.0
        if is_increment:
            self.params |= {"max_iter": 1, "early_stopping": False}
            if params["learning_rate"] == "cosine":
                self.params["learning_rate"] = "constant"
        self._follows_recipe = self.params["learning_rate"] == "cosine"

    @property
    def name_of_going_on(self) -> str:
        """By which name the user asked for it."""
        return "partial_fit" if self.is_increment else "warm_start=True"

    @property
    def others_follow(self) -> bool:
        """Whether other rows may follow in later calls."""
        return self.is_increment or self.params["warm_start"]

    @property
    def is_linear(self) -> bool:
        """Whether raw outputs are linear in X; training then goes to the maximum likelihood."""
        return not self.hidden

    @property
    def x_scaling(self) -> str | None:
        """How the network sees X; lbfgs, which scales by itself, sees it as it is."""
        kind = self.params["x_scaling"]
        if kind is None or self.params["solver"] == "lbfgs":
            return None
        return "standard" if self.is_linear else kind  # bounded columns would not be linear

    def n_frequencies(self, n_features: int) -> int:
        """Cosines of each feature; by themselves none where X is not scaled."""
        n_frequencies = self.params["n_frequencies"]
        if self.is_linear or self.params["solver"] == "lbfgs":
            return 0
        if n_frequencies == "auto":
            return recipe.frequencies(n_features) if self.x_scaling else 0
        return n_frequencies

    def holds_out(self, n_rows: int) -> bool:
        """Whether rows are held out to stop early by."""
        if self.params["solver"] == "lbfgs":
            return False
        if self.params["early_stopping"] == "auto":
            some = self.params["validation_fraction"] * n_rows > 1
            return some and not self.is_linear and recipe.holds_out(n_rows)
        return self.params["early_stopping"]

    def settings(self, n_rows: int) -> Settings:
        """How to train on so many rows."""
        chosen = {field.name: self.params[field.name] for field in fields(Settings)}
        chosen["batch_size"] = self._batch_size(n_rows)
        if chosen["max_iter"] == "auto":
            chosen["max_iter"] = self._max_iter(n_rows, chosen["batch_size"])
        if chosen["n_iter_no_change"] == "auto":
            chosen["n_iter_no_change"] = (
                recipe.patience(n_rows, chosen["batch_size"])
                if self._follows_recipe
                else _MLP_PATIENCE
            )
        if self.is_linear:
            chosen["annealing"] = chosen["weight_decay"] = 0.0
        return Settings(**chosen)

    def _batch_size(self, n_rows: int) -> int:
        size = self.params["batch_size"]
        if self.params["solver"] == "lbfgs":
            return n_rows
        if size == "auto":
            return recipe.batch_size(n_rows) if self._follows_recipe else min(_MLP_BATCH, n_rows)
        if size > n_rows:
            warn_user(
                f"Got `batch_size`={size}, larger than the {n_rows} rows to train on. "
                "It is going to be clipped."
            )
        return min(size, n_rows)

    def _max_iter(self, n_rows: int, batch_size: int) -> int:
        if self.params["solver"] == "lbfgs":
            return _LBFGS_ITERATIONS
        if not self._follows_recipe:
            return _MLP_ITERATIONS
        return recipe.epochs(n_rows, batch_size, is_linear=self.is_linear)
