"""Who watches training, and may end it? The user's callbacks, and a printer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Self

from .._data.checks import Given
from .._network.network import Network
from .record import Record

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Without callbacks."""


class Watch:
    """Tells what happens in training to the estimator's callbacks, and prints it.

    Parameters
    ----------
    estimator : estimator
        That is fitted; it may have callbacks of scikit-learn.
    given : Given
        What it is fitted to.
    n_epochs : int
        How many epochs, or iterations, there may be.
    """

    def __init__(self, estimator: Any, given: Given, n_epochs: int):
        self._estimator = estimator
        self._printer = _printer(estimator.verbose, n_epochs)
        self._fit: Any = None
        self._epoch: Any = None
        if getattr(estimator, "_skl_callbacks", None):
            weight = given.sample_weight
            metadata = {} if weight is None else {"sample_weight": weight}
            self._rows = {"X": given.X, "y": given.y, "metadata": metadata}
            self._fit = estimator._init_callback_context(max_subtasks=n_epochs)
            self._fit.call_on_fit_task_begin(estimator=estimator, **self._rows)

    def begin(self) -> None:
        """Say that an epoch begins, unless one has."""
        if self._fit is not None and self._epoch is None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._rows)

    def end(self, record: Record, network: Callable[[], Network]) -> bool:
        """Say that it ended; whether a callback wants training to end."""
        if self._printer is not None:
            self._printer.print(record)
        if self._epoch is None:
            return False
        epoch, self._epoch = self._epoch, None
        return epoch.call_on_fit_task_end(
            estimator=self._estimator,
            reconstruction_attributes=lambda: self._fitted(network()),
            **self._rows,
        )

    @staticmethod
    def _fitted(network: Network) -> dict[str, Any]:
        """What the estimator lacks to predict as if training had ended."""
        weights, statistics = network.state()
        return {
            "weights_": weights.cpu().numpy(),
            "statistics_": statistics.cpu().numpy(),
            "recalibration_": 1.0,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        """Say that the estimator is fitted, unless it failed."""
        if self._printer is not None:
            self._printer.close()
        if error is not None:
            return
        if self._epoch is not None:  # it began, but nothing was left to do
            self._epoch.call_on_fit_task_end(estimator=self._estimator)
        if self._fit is not None:
            self._fit.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes={}, **self._rows
            )


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
    """A line for each epoch."""

    def print(self, record: Record) -> None:
        print(f"Iteration {record.n_iter}, {_losses(record)}")

    def close(self) -> None:
        pass


class _Bar:
    """One line on stderr that says how far training is, and how long it may last."""

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
