"""Which modules does torch import only in the midst of a computation, and how are they made safe?

Some functions of torch, `broadcast_shapes` among them, import sympy when they are first called.
An interrupt of that import leaves half of sympy behind: every later call then fails, for as long as
the process lives. Families of this package do without these functions; those of others may not.
"""

import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

from torch.distributions import TransformedDistribution

from ._base import Distribution

_LATE = "torch.fx.experimental.symbolic_shapes"


def import_for_family(family: Distribution) -> None:
    """Import what torch may ask for in the formulas of a family that is not of this package."""
    if not all(_is_own(type(part)) for part in _parts(family)):
        _import_late()


def import_for_law(law: type) -> None:
    """Import what torch asks for in a law of its own that is another one transformed."""
    if issubclass(law, TransformedDistribution) or not law.__module__.startswith("torch."):
        _import_late()


def _import_late() -> None:
    """Import the late modules whole, and leave the filters of warnings as they are.

    Interrupts reach the main thread only: in another one the import comes to its end.
    """
    if _LATE in sys.modules:
        return
    thread = Thread(target=_import)
    thread.start()
    thread.join()


def _import() -> None:
    with warnings.catch_warnings(), suppress(ImportError):  # another torch may not have it
        importlib.import_module(_LATE)


def _parts(family: Distribution) -> Iterator[Distribution]:
    """Go through a family, and those that it is made of."""
    yield family
    for part in family.get_params(deep=True).values():
        if isinstance(part, Distribution):
            yield part


def _is_own(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "sklnll"
