"""Who watches training, and may end it? The user's callbacks, and a printer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from ._validation import Given
from .network import Network
from .progress import Record

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
    max_iter : int
        Most epochs, or iterations.
    """

    def __init__(self, estimator: Any, given: Given, max_iter: int):
        self._estimator = estimator
        self._print = _printer(estimator.verbose, max_iter)
        self._fit: Any = None
        self._epoch: Any = None
        if getattr(estimator, "_skl_callbacks", None):
            weight = given.sample_weight
            metadata = {} if weight is None else {"sample_weight": weight}
            self._rows = {"X": given.X, "y": given.y, "metadata": metadata}
            self._fit = estimator._init_callback_context(max_subtasks=max_iter)
            self._fit.call_on_fit_task_begin(estimator=estimator, **self._rows)

    def begin(self) -> None:
        """Say that an epoch begins."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._rows)

    def end(self, record: Record, network: Callable[[], Network]) -> bool:
        """Say that it ended; whether a callback wants training to end."""
        self._print(record)
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

    def close(self) -> None:
        """Say that the estimator is fitted."""
        if self._epoch is not None:  # it began, but nothing was left to do
            self._epoch.call_on_fit_task_end(estimator=self._estimator)
        if self._fit is not None:
            self._fit.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes={}, **self._rows
            )


def _printer(verbose: bool | int | str, max_iter: int) -> Callable[[Record], None]:
    if verbose == "bar":
        return _Bar(max_iter)
    return _print_losses if verbose else lambda record: None


def _losses(record: Record) -> str:
    text = f"loss = {record.loss_curve[-1]:.8f}"
    if record.validation_curve:
        text += f", validation loss = {record.validation_curve[-1]:.8f}"
    return text


def _print_losses(record: Record) -> None:
    print(f"Iteration {record.n_iter}, {_losses(record)}")


class _Bar:
    """One line on stderr that says how far training is, and how long it may last."""

    _EVERY = 0.1
    _WIDTH = 30

    def __init__(self, max_iter: int):
        self._max_iter = max_iter
        self._start = time.monotonic()
        self._last = -self._EVERY

    def __call__(self, record: Record) -> None:
        passed = time.monotonic() - self._start
        is_last = record.n_iter == self._max_iter
        if passed - self._last < self._EVERY and not is_last:
            return
        self._last = passed
        done = record.n_iter / self._max_iter
        bar = ("=" * round(self._WIDTH * done)).ljust(self._WIDTH)
        most = passed / done
        text = f"\r[{bar}] {record.n_iter}/{self._max_iter}, {_losses(record)}"
        text += f", {passed:.0f} s of at most {most:.0f} s"
        print(text, end="\n" if is_last else "", file=sys.stderr, flush=True)
