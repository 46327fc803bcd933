"""Is what was loaded what was stored? Each field has a digest, which changes with its value.

Digests find what a broken disk, a cut-off copy or a careless hand has changed, and say where. They
are no signature: who changes a file on purpose can write new ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from .._data.stored import stored_error
from ..distributions import Distribution

_N_BYTES = 8
_SCALARS = (bool, int, float, complex, str, bytes, type(None))


def digests_of(attributes: Mapping[str, Any]) -> str:
    """Return a line for each field of a model: its name, and the digest of its value.

    One text takes less space in a file than a dictionary.
    """
    return "\n".join(f"{name} {digest}" for name, digest in _digests(attributes).items())


def check_digests(stored: Any, attributes: Mapping[str, Any], name: str) -> None:
    """Raise a ValueError that names the first field that is not what `digests_of` saw.

    Parameters
    ----------
    stored : str
        What `digests_of` returned.
    attributes : mapping of str to object
    name : str
        What an error calls `stored`.
    """
    lines = [line.rpartition(" ") for line in stored.splitlines()] if type(stored) is str else []
    if not lines or not all(field for field, _, _ in lines):
        found = f"{stored!r}"[:80]
        raise stored_error(name, "a text, with a field and its digest in each line", found)
    expected = {field: digest for field, _, digest in lines}
    actual = _digests(attributes)
    for field in sorted(expected.keys() | actual.keys()):
        if field not in actual:
            raise stored_error(field, "there", "nothing")
        if field not in expected:
            raise stored_error(field, f"known to `{name}`", "a field that it lacks")
        if expected[field] != actual[field]:
            raise stored_error(field, "what was stored", "another value, by its digest")


def _digests(attributes: Mapping[str, Any]) -> dict[str, str]:
    return {
        field: _digest(value)
        for name, of_name in attributes.items()
        for field, value in _fields(name, of_name)
    }


def _fields(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """List the fields of data classes within each other, and the values there."""
    if not _is_own_dataclass(value):
        yield name, value
        return
    yield name, type(value)
    for field, inner in vars(value).items():
        yield from _fields(f"{name}.{field}", inner)


def _is_own_dataclass(value: Any) -> bool:
    return is_dataclass(value) and type(value).__module__.startswith("sklnll.")


def _digest(value: Any) -> str:
    digest = blake2b(digest_size=_N_BYTES)
    for piece in _pieces(value):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(value: Any) -> Iterator[Any]:
    """Write a value as bytes: the same ones on each machine and in each way of storing it.

    What is neither a number, a name, a family nor made of these is known by its class alone: what
    a user's own object is made of may change as it is stored.
    """
    if isinstance(value, np.ndarray):
        yield from _pieces_of_array(value)
    elif isinstance(value, Mapping):
        yield from _pieces_of_several("{", [part for item in value.items() for part in item])
    elif isinstance(value, list | tuple):
        yield from _pieces_of_several("[", list(value))
    elif isinstance(value, Distribution):
        yield f"{type(value).__name__}:".encode()
        names = type(value)._get_param_names()
        yield from _pieces({name: getattr(value, name, "nothing") for name in names})
    elif _is_own_dataclass(value):
        yield f"{type(value).__name__}:".encode()
        yield from _pieces(vars(value))
    elif isinstance(value, type):
        yield f"class {value.__qualname__};".encode()
    else:
        plain = value.item() if isinstance(value, np.generic) else value
        known = isinstance(plain, _SCALARS)
        yield f"{plain!r};".encode() if known else f"a {type(plain).__name__};".encode()


def _pieces_of_several(kind: str, values: list[Any]) -> Iterator[Any]:
    yield f"{kind}{len(values)}:".encode()
    for value in values:
        yield from _pieces(value)


def _pieces_of_array(array: np.ndarray) -> Iterator[Any]:
    yield f"{array.dtype.kind}{array.shape}:".encode()
    if array.dtype.kind not in "biufcSU":
        yield from _pieces(array.tolist())
        return
    little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    yield f"{array.dtype.itemsize}:".encode()
    yield np.ascontiguousarray(little).reshape(-1).view(np.uint8)
