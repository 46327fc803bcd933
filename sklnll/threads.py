"""How many threads is a computation worth?"""

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
def threads_for(multiplications: float) -> Iterator[None]:
    """Compute with one thread where the work is small, else with as many as torch is allowed.

    Waiting for each other costs two threads more than a small matrix product takes; on a busy
    machine it costs a hundred times more. The caller's number of threads is put back, also where
    several threads of the caller come and go at once: what the first of them found.

    Parameters
    ----------
    multiplications : float
        Of one step: rows times weights.
    """
    global _inside, _allowed
    with _lock:
        if _inside == 0:
            _allowed = torch.get_num_threads()
        _inside += 1
        torch.set_num_threads(1 if multiplications < _WORTH_SHARING else _allowed)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            torch.set_num_threads(_allowed)
