"""Who watches training, and may end it? The user's callbacks, and a printer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from .._data.tables import FitInput
from .._network.fitted import FittedNetwork
from .._network.network import Network
from .._network.units import Units
from .record import Record

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's support of callbacks, and has none."""


class FitMonitor:
    """The one who tells the estimator's callbacks what happens in training, and prints it.

    It is a block around the fit. An interrupt that ended training is raised again where the block
    ends, when what was learned until then is stored.

    Parameters
    ----------
    estimator : estimator
        It is being fitted, and may have callbacks of scikit-learn.
    given : FitInput
        The rows it is fitted to.
    attributes_to_predict : callable
        From a fitted network to the attributes with which the estimator predicts by it.
    """

    def __init__(
        self,
        estimator: Any,
        given: FitInput,
        attributes_to_predict: Callable[[FittedNetwork], dict[str, Any]],
    ):
        self._estimator = estimator
        self._given = given
        self._attributes_to_predict = attributes_to_predict
        self._printer: _Lines | _Bar | None = None
        self._rows: dict[str, Any] = {}
        self._fit: Any = None
        self._epoch: Any = None
        self._interrupt: KeyboardInterrupt | None = None

    def begin_fit(self, n_epochs: int, units: Units, null: np.ndarray) -> None:
        """Say that training begins, which takes `n_epochs` epochs, or iterations, at most."""
        self._units, self._null = units, null
        self._printer = _printer(self._estimator.verbose, n_epochs)
        if not getattr(self._estimator, "_skl_callbacks", None):
            return
        weight = self._given.sample_weight
        metadata = {} if weight is None else {"sample_weight": weight}
        self._rows = {"X": self._given.X, "y": self._given.y, "metadata": metadata}
        self._fit = self._estimator._init_callback_context(max_subtasks=n_epochs)
        self._fit.call_on_fit_task_begin(estimator=self._estimator, **self._rows)

    def begin(self) -> None:
        """Say that an epoch begins, unless one has."""
        if self._fit is not None and self._epoch is None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._rows)

    def end(self, record: Record, network: Callable[[], Network]) -> bool:
        """Say that the epoch ended; return whether a callback wants training to end."""
        if self._printer is not None:
            self._printer.print(record)
        if self._epoch is None:
            return False
        epoch, self._epoch = self._epoch, None
        return epoch.call_on_fit_task_end(
            estimator=self._estimator,
            reconstruction_attributes=lambda: self._attributes_to_predict(
                FittedNetwork.of(network(), self._units, self._null)
            ),
            **self._rows,
        )

    def end_by(self, interrupt: KeyboardInterrupt, n_iter: int) -> None:
        """Take note of an interrupt that ended training after `n_iter` epochs, or iterations.

        Before the first of them there is nothing to store, and the interrupt is raised at once.
        """
        if not n_iter:
            raise interrupt
        self._interrupt = interrupt

    def end_fit(self) -> None:
        """Say that the estimator is fitted, now that it has all attributes of the fit."""
        if self._interrupt is not None:
            name = type(self._estimator).__name__
            self._interrupt.add_note(f"This {name} is fitted, with the last good weights.")
            return
        if self._epoch is not None:  # it began, but nothing was left to do
            self._epoch.call_on_fit_task_end(estimator=self._estimator)
        if self._fit is not None:
            self._fit.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes={}, **self._rows
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._printer is not None:
                self._printer.close()
        finally:
            if self._interrupt is not None:
                raise self._interrupt


def _printer(verbose: bool | int | str, n_epochs: int) -> _Lines | _Bar | None:
    if verbose == "bar":
        return _Bar(n_epochs)
    return _Lines() if verbose else None


def _losses(record: Record) -> str:
    text = f"loss = {record.loss_curve[-1]:.8f}"
    if record.validation_curve:
        text += f", validation loss = {record.validation_curve[-1]:.8f}"
    return text


class _Lines:
    """A printer of a line for each epoch."""

    def print(self, record: Record) -> None:
        print(f"Iteration {record.n_iter}, {_losses(record)}")

    def close(self) -> None:
        pass


class _Bar:
    """A printer of one line on stderr: how far training is, and how long it may last."""

    _EVERY = 0.1
    """Seconds."""
    _WIDTH = 30

    def __init__(self, n_epochs: int):
        self._n_epochs = n_epochs
        self._n_done = 0
        self._start = self._last = time.monotonic()
        self._text = ""

    def print(self, record: Record) -> None:
        self._n_done += 1
        self._text = _losses(record)
        if time.monotonic() - self._last > self._EVERY:
            self._draw(end="")

    def close(self) -> None:
        self._draw(end="\n")

    def _draw(self, end: str) -> None:
        self._last = time.monotonic()
        share = self._n_done / self._n_epochs
        bar = ("=" * round(self._WIDTH * share)).ljust(self._WIDTH)
        seconds = self._last - self._start
        text = f"\r[{bar}] {self._n_done}/{self._n_epochs}, {self._text}, {seconds:.0f} s"
        if self._n_done:
            text += f" of at most {seconds / share:.0f} s"
        print(text, end=end, file=sys.stderr, flush=True)
