"""Is each part of a stored model what it must be? An error names the part that is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from ..distributions import Distribution


def stored_error(name: str, expected: str, found: str) -> ValueError:
    """Make the error for a part of a stored model, such as "network_.weights"."""
    return ValueError(
        f"the stored model's `{name}` must be {expected}; got {found}. The model was changed or "
        "damaged since it was stored: take another copy of it, or fit it anew."
    )


def check_part(part: Any, kind: type, name: str) -> None:
    """Raise a ValueError where a data class is another one, or has other fields than its own."""
    if not isinstance(part, kind):
        raise stored_error(name, f"of the class {kind.__name__}", _in_words(part))
    known = {field.name: field.default is MISSING for field in fields(part)}  # type: ignore[arg-type]
    lacking = [field for field, is_needed in known.items() if is_needed and field not in vars(part)]
    if lacking:
        raise stored_error(f"{name}.{lacking[0]}", "there", "nothing")
    unknown = [field for field in vars(part) if field not in known]
    if unknown:
        raise stored_error(name, f"made of {list(known)}", f"{unknown[0]!r} beside them")


def check_whole_number(value: Any, name: str, low: int) -> None:
    """Raise a ValueError for anything but a whole number that is not below `low`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
        raise stored_error(name, f"a whole number, at least {low}", _in_words(value))


def check_number(value: Any, name: str, is_legal: Callable[[float], bool], words: str) -> None:
    """Raise a ValueError for anything but a number that is legal, `words` say how."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not is_legal(value):
        raise stored_error(name, words, _in_words(value))


def check_flag(value: Any, name: str) -> None:
    """Raise a ValueError for anything but True and False."""
    if not isinstance(value, bool | np.bool_):
        raise stored_error(name, "True or False", _in_words(value))


def check_flags(value: Any, name: str, shape: tuple[int, ...]) -> None:
    """Raise a ValueError for anything but an array of True and False of this shape."""
    if not isinstance(value, np.ndarray) or value.dtype != bool or value.shape != shape:
        raise stored_error(name, f"an array of True and False of shape {shape}", _in_words(value))


def check_array(
    value: Any,
    name: str,
    shape: Sequence[int | None],
    *,
    positive: bool = False,
    infinite: bool = False,
    empty: bool = False,
) -> None:
    """Raise a ValueError for anything but an array of legal numbers.

    Parameters
    ----------
    value : object
    name : str
    shape : sequence of int or None
        What its shape must be; None stands for any number but zero.
    positive : bool, default=False
        Whether all numbers must be positive.
    infinite : bool, default=False
        Whether infinity is legal.
    empty : bool, default=False
        Whether it may hold no numbers, whatever their type.
    """
    if empty and isinstance(value, np.ndarray) and value.shape == tuple(shape) and not value.size:
        return
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float64, np.float32):
        raise stored_error(name, "an array of float64 or float32", _in_words(value))
    fits = len(value.shape) == len(shape) and all(
        found > 0 if wanted is None else found == wanted
        for found, wanted in zip(value.shape, shape, strict=True)
    )
    if not fits:
        wanted = tuple("any" if n is None else n for n in shape)
        raise stored_error(name, f"of shape {wanted}", f"shape {value.shape}")
    illegal = np.isnan(value) if infinite else ~np.isfinite(value)
    if positive:
        illegal |= value <= 0
    if illegal.any():
        words = ["positive"] * positive + ["free of NaN" if infinite else "finite"]
        raise stored_error(name, " and ".join(words), f"{value[tuple(np.argwhere(illegal)[0])]}")


def check_places(value: Any, name: str, n: int) -> None:
    """Raise a ValueError for anything but a tuple of different places below `n`."""
    is_legal = isinstance(value, tuple) and all(
        isinstance(place, int) and 0 <= place < n for place in value
    )
    if not is_legal or len(set(value)) < len(value):
        raise stored_error(name, f"a tuple of different places below {n}", _in_words(value))


def check_family(family: Any, name: str) -> None:
    """Raise a ValueError for anything but a family whose parameters are legal."""
    _check_settings(family, name)
    try:
        family.check_params()
    except ValueError as error:
        raise stored_error(name, "a legal family", f"one that is not: {error}") from error


def _check_settings(family: Any, name: str) -> None:
    """Raise a ValueError where a family, or one that it is made of, lacks an argument."""
    if not isinstance(family, Distribution):
        raise stored_error(name, "a family of distributions", _in_words(family))
    for argument in type(family)._get_param_names():
        if argument not in vars(family) and not hasattr(family, argument):
            raise stored_error(f"{name}.{argument}", "there", "nothing")
        if argument == "base":
            _check_settings(family.base, f"{name}.base")


def _in_words(value: Any) -> str:
    """Say what was found, briefly."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, tuple | list):
        return f"{str(value)[:80]} ({type(value).__name__})"
    return f"an object of the class {type(value).__name__}"
