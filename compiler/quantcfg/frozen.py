"""The dataclasses of which most values are made.

dataclass writes and compiles half a dozen functions for each class, anew in
every process, which is a good part of what a short command takes to start. Of
these classes it writes __init__ alone; the other methods need no code of their
own. What must be frozen and is made for every layer or token is best a
dataclass(frozen=True, slots=True): it takes longer to load, but less to make.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_Class = TypeVar("_Class")


class Remembering:
    """The base of a value that keeps what was worked out of it, as functools.cached_property does."""


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen_value(cls: type[_Class]) -> type[_Class]:
    """Make a dataclass that is frozen: each of its fields is set once, and stays.

    Unlike one of dataclass(frozen=True) it is made in a third of the time, and
    its values in three times as much.
    """
    return _with_methods(small_value(cls), __setattr__=_set_once, __delattr__=_keep)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def small_value(cls: type[_Class]) -> type[_Class]:
    """Make a dataclass of which a large input makes tens of thousands: it is frozen for mypy only.

    The values of one that is frozen at run time as well take several times as
    long to make.
    """
    made: Any = dataclass(slots=True, eq=False, repr=False)(cls)
    # The class is among them, so that there are two names at least and the getter returns a tuple.
    compared = attrgetter("__class__", *(each.name for each in fields(made) if each.compare))
    shown = [each.name for each in fields(made) if each.repr]

    def equal(self: _Class, other: object) -> bool:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: _Class) -> int:
        return hash(compared(self))

    def written(self: _Class) -> str:
        named = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{self.__class__.__qualname__}({named})"

    return _with_methods(made, __eq__=equal, __hash__=hashed, __repr__=written)


def _with_methods(cls: type[_Class], **methods: Any) -> type[_Class]:
    """Return the class with the methods that it does not define itself."""
    for name, method in methods.items():
        if name not in vars(cls):
            setattr(cls, name, method)
    return cls


def _set_once(value: object, name: str, content: object) -> None:
    if hasattr(value, name):
        raise FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(value, name, content)


def _keep(value: object, name: str) -> None:  # noqa: ARG001
    raise FrozenInstanceError(f"cannot delete field {name!r}")
