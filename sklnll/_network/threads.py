"""How many threads is a computation worth?"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch

_WORTH_SHARING = 2e7
"""Multiplications from which on sharing them between threads costs less than it gains."""

_lock = Lock()
_inside = 0
_allowed = 1


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
