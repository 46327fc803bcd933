"""With what does the network compute: on which device, and with how many threads?"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch

from .._messages import warn_user

_WORTH_SHARING = 2e7
"""Multiplications from which on sharing them between threads costs less than it gains."""

_lock = Lock()
_inside = 0
_allowed = 1


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


@contextmanager
def threads_for(multiplications: float, at_most: int | None = None) -> Iterator[None]:
    """Compute with one thread where the work is small, else with as many as torch is allowed.

    Waiting for each other costs two threads more than a small matrix product takes; on a busy
    machine it costs a hundred times more. The caller's number of threads is put back, also where
    several threads of the caller come and go at once: what the first of them found.

    Parameters
    ----------
    multiplications : float
        Of one step: rows times weights.
    at_most : int, optional
        Threads to take, where torch is allowed more.
    """
    global _inside, _allowed
    with _lock:
        if _inside == 0:
            _allowed = torch.get_num_threads()
        _inside += 1
        most = min(_allowed, at_most or _allowed)
        torch.set_num_threads(1 if multiplications < _WORTH_SHARING else most)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            torch.set_num_threads(_allowed)


def _after_fork() -> None:
    """Let a forked process compute with one thread.

    A fork copies none of torch's threads; with two, it would wait for the other one for ever.
    """
    global _lock, _inside
    _lock, _inside = Lock(), 0
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)
