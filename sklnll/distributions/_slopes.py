"""Are the slopes that a class writes out those of its own values?"""


def check_declared_slopes(cls: type, value: str, slopes: str) -> None:
    """Hold a new class to what it declares by `writes_slopes`.

    A class that replaces the method `value` without its slopes does not inherit the declaration:
    the slopes would be those of another function.

    Parameters
    ----------
    cls : type
        A subclass of Distribution or Link.
    value, slopes : str
        Names of the method that gives a value, and of the one that gives its slopes, too.

    Raises
    ------
    TypeError
        Where slopes are declared that are not written, or written and not declared.
    """
    declared, is_own = cls.writes_slopes, "writes_slopes" in vars(cls)  # type: ignore[attr-defined]
    owner = _owner(cls, slopes)
    is_replaced = cls.__mro__.index(_owner(cls, value)) < cls.__mro__.index(owner)
    if declared and is_replaced and not is_own:
        cls.writes_slopes = False  # type: ignore[attr-defined]
    elif declared and is_replaced:
        raise TypeError(
            f"{cls.__name__} declares writes_slopes, but its {value} is not the one whose slopes "
            f"{owner.__name__}.{slopes} gives; write {slopes}, too, or set writes_slopes = False."
        )
    elif owner is cls and not declared and not is_own:
        raise TypeError(
            f"{cls.__name__} writes {slopes}, but does not declare it; set writes_slopes = True, "
            f"and training takes them in place of automatic differentiation."
        )


def _owner(cls: type, method: str) -> type:
    """Return the class that `cls` has a method from."""
    return next(owner for owner in cls.__mro__ if method in vars(owner))
