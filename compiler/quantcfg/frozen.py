"""Dataclasses that are fast to define.

dataclass generates and compiles about six methods per class in every process,
a large share of the start-up time of a short command. These decorators let it
generate only __init__; the other methods are shared. For a frozen class with an
instance per layer or token, use dataclass(frozen=True, slots=True): slower to
define, but faster to instantiate.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_Class = TypeVar("_Class")


class Caching:
    """Base class of values with cached properties: it adds the __dict__ that cached_property needs."""


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen_value(cls: type[_Class]) -> type[_Class]:
    """Make a frozen dataclass: each field can be set only once.

    Compared to dataclass(frozen=True), the class takes a third of the time to
    define, and its instances three times as long to create.
    """
    return _with_methods(small_value(cls), __setattr__=_set_once, __delattr__=_refuse_deletion)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def small_value(cls: type[_Class]) -> type[_Class]:
    """Make a dataclass for values that are created by the ten thousands; only mypy treats it as frozen.

    Enforcing this at run time would make creation several times slower.
    """
    made: Any = dataclass(slots=True, eq=False, repr=False)(cls)
    # With the class there are at least two names, so the getter always returns a tuple.
    compared = attrgetter("__class__", *(each.name for each in fields(made) if each.compare))
    shown = [each.name for each in fields(made) if each.repr]

    def equal(self: _Class, other: object) -> bool:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: _Class) -> int:
        return hash(compared(self))

    def represented(self: _Class) -> str:
        named = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{self.__class__.__qualname__}({named})"

    return _with_methods(made, __eq__=equal, __hash__=hashed, __repr__=represented)


def _with_methods(cls: type[_Class], **methods: Any) -> type[_Class]:
    """Add the methods that a class does not define itself."""
    for name, method in methods.items():
        if name not in vars(cls):
            setattr(cls, name, method)
    return cls


def _set_once(value: object, name: str, content: object) -> None:
    if hasattr(value, name):
        raise FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(value, name, content)


def _refuse_deletion(value: object, name: str) -> None:  # noqa: ARG001
    raise FrozenInstanceError(f"cannot delete field {name!r}")
