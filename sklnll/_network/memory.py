"""What does the user hear where the memory does not suffice?"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

_TOLD = re.compile(
    "out of memory|not enough memory|can't allocate memory|failed to allocate"
    "|[Ss]torage size calculation overflowed|Maximum allowed dimension exceeded|array is too big"
)
"""Words of torch, and of numpy for sizes that no memory has."""


@contextmanager
def memory_errors() -> Iterator[None]:
    """Raise a MemoryError, as Python does, where torch or numpy raise others for the same reason.

    Raises
    ------
    MemoryError
        The message says which parameters ask for less.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if not _TOLD.search(str(error)):
            raise
        told = str(error).strip().splitlines()[0]
        raise MemoryError(
            f"there is not enough memory for this network and these rows ({told}). Smaller "
            "hidden_layer_sizes, n_frequencies, n_estimators or batch_size take less, as do fewer "
            "rows at a time."
        ) from error
