"""How many threads is a computation worth?"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_WORTH_SHARING = 2e7
"""Multiplications from which on sharing them between threads costs less than it gains."""


@contextmanager
def threads_for(multiplications: float) -> Iterator[None]:
    """Compute with one thread where the work is small, else with as many as torch is allowed.

    Waiting for each other costs two threads more than a small matrix product takes; on a busy
    machine it costs a hundred times more. The caller's number of threads is put back.

    Parameters
    ----------
    multiplications : float
        Of one step: rows times weights.
    """
    allowed = torch.get_num_threads()
    torch.set_num_threads(1 if multiplications < _WORTH_SHARING else allowed)
    try:
        yield
    finally:
        torch.set_num_threads(allowed)
