"""With what does the network compute: on which device, and with how many threads?"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .._messages import warn_user

_WORTH_SHARING = 2e7
"""Multiplications from which on sharing them between threads costs less than it gains."""


def find_device(name: str, *, warn: bool = False) -> torch.device:
    """Find the device of this name, or the CPU where torch sees none of its kind.

    Parameters
    ----------
    name : str
        "cpu", "cuda", or "cuda:1" and so on.
    warn : bool, default=False
        Whether to say that the CPU takes its place.

    Raises
    ------
    ValueError
        If there is no such device.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise ValueError(
            f"device must be 'cpu', 'cuda', or 'cuda:1' and so on; got {name!r}. (Likelihoods are "
            "computed in double precision, which other devices lack.)"
        )
    if device.type == "cpu":
        return device
    if not torch.cuda.is_available():
        if warn:
            warn_user(
                f"device={name!r} is not here, the CPU computes instead: torch {torch.__version__} "
                "sees no CUDA device. Install a driver and a CUDA build of torch, or set "
                "device='cpu'."
            )
        return torch.device("cpu")
    n_devices = torch.cuda.device_count()
    if device.index is not None and device.index >= n_devices:
        raise ValueError(
            f"device={name!r} is not here: torch sees {n_devices}, 'cuda:0' to "
            f"'cuda:{n_devices - 1}'."
        )
    return device


def threads_for(multiplications: float, at_most: int | None = None) -> Threads:
    """Compute with one thread where the work is small, else with as many as torch is allowed.

    Waiting for each other costs two threads more than a small matrix product takes; on a busy
    machine it costs a hundred times more. The number of threads is that of the calling thread
    alone, which gets its own back at the end, whatever other threads do.

    Parameters
    ----------
    multiplications : float
        Of one step: rows times weights.
    at_most : int, optional
        Threads to take, where torch is allowed more.
    """
    allowed = torch.get_num_threads()
    most = min(allowed, at_most or allowed)
    return Threads(1 if multiplications < _WORTH_SHARING else most)


class Threads:
    """A block in which the calling thread computes with this many threads of torch."""

    def __init__(self, number: int):
        self._number = number

    def __enter__(self) -> None:
        self._found = torch.get_num_threads()
        _set_threads(self._number)

    def __exit__(self, *_: object) -> None:
        _set_threads(self._found)


def _set_threads(number: int) -> None:
    """Set the number of threads of the calling thread."""
    if number == torch.get_num_threads():
        return
    for set_number in _SETTERS:
        set_number(number)
    if number != torch.get_num_threads():
        torch.set_num_threads(number)


def _setters() -> list[Callable[[int], Any]]:
    """Return what sets the number of threads of the calling thread alone.

    Each thread has a number of its own. `torch.set_num_threads` also notes it as that with which
    threads begin that use torch for the first time: one that began while another fits would
    compute with one thread for ever. So the libraries beneath torch are told. It stands in for
    them where they cannot be reached, and is not called at all where nothing changes.
    """
    path = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    try:
        library = ctypes.PyDLL(str(path), mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        setters: list[Callable[[int], Any]] = [library.omp_set_num_threads]
        if torch.backends.mkl.is_available():
            setters.append(library.MKL_Set_Num_Threads_Local)
    except (OSError, AttributeError):
        return [torch.set_num_threads]
    return setters


_SETTERS = _setters()


class AsFound:
    """A block after which the calling thread has torch and numpy as it had them before.

    The blocks inside put back what they change themselves. This one repeats it: an interrupt may
    come just where one of them would have done so.
    """

    def __enter__(self) -> None:
        self._threads = torch.get_num_threads()
        self._differentiates = torch.is_grad_enabled()
        self._on_errors = np.geterr()

    def __exit__(self, *_: object) -> None:
        torch.set_grad_enabled(self._differentiates)
        np.seterr(**self._on_errors)
        _set_threads(self._threads)


def _after_fork() -> None:
    """Let a forked process compute with one thread.

    A fork copies none of torch's threads; with two, it would wait for the other one for ever.
    """
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)
