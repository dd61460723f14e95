"""Decorators that make values: classes like dataclasses, but fast to import and to define.

The module dataclasses imports inspect, and compiles about six methods per class in
every process: a large share of the start-up time of a short command. Here nothing
is compiled per class. Type checkers treat these classes as dataclasses.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, dataclass_transform

_Class = TypeVar("_Class")
_MISSING: Any = object()


class Caching:
    """Base class of values with cached properties: it adds the __dict__ that cached_property needs."""


class _Field:
    """The default of a field, and whether == and repr include the field."""

    __slots__ = ("compare", "default", "repr")

    def __init__(self, default: Any = _MISSING, *, compare: bool = True, repr: bool = True) -> None:  # noqa: A002
        self.default, self.compare, self.repr = default, compare, repr


if TYPE_CHECKING:
    from dataclasses import field as field
    from dataclasses import replace as replace
else:
    field = _Field

    def replace(value, **changes):
        """Return a copy of a value in which some fields have other values."""
        return type(value)(**{name: getattr(value, name) for name in value.__match_args__} | changes)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen_value(cls: type[_Class]) -> type[_Class]:
    """Make a class of values whose fields can be set only once.

    Creating one takes three times as long as a small_value.
    """
    return _value(cls, __setattr__=_set_once, __delattr__=_refuse_deletion)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def small_value(cls: type[_Class]) -> type[_Class]:
    """Make a class for values that are created by the tens of thousands; only mypy treats it as frozen.

    Enforcing this at run time would make creation several times slower.
    """
    return _value(cls)


def _value(cls: type[_Class], **methods: Any) -> type[_Class]:
    """Return a class with slots for the fields, and with the methods that it does not define itself."""
    content = {name: each for name, each in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    defaults = {name: content.pop(name, _MISSING) for name in cls.__annotations__}
    fields = {name: each if isinstance(each, _Field) else _Field(each) for name, each in defaults.items()}
    # With the class there are at least two names, so the getter always returns a tuple.
    compared = attrgetter("__class__", *(name for name, each in fields.items() if each.compare))
    shown = [name for name, each in fields.items() if each.repr]

    def equal(self: _Class, other: object) -> bool:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: _Class) -> int:
        return hash(compared(self))

    def represented(self: _Class) -> str:
        named = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{self.__class__.__qualname__}({named})"

    methods |= {"__init__": _init(cls, fields), "__eq__": equal, "__hash__": hashed, "__repr__": represented}
    names = {"__qualname__": cls.__qualname__, "__slots__": tuple(fields), "__match_args__": tuple(fields)}
    made: type[_Class] = type(cls.__name__, cls.__bases__, methods | content | names)
    return made


def _init(cls: type[_Class], fields: Mapping[str, _Field]) -> FunctionType:
    """Return the __init__ of a class, which assigns the fields in order."""
    code = _assignments(len(fields)).replace(co_varnames=("self", *fields), co_names=tuple(fields))
    defaults = tuple(each.default for each in fields.values() if each.default is not _MISSING)
    init = FunctionType(code, {}, "__init__", defaults)
    init.__annotations__ = {**cls.__annotations__, "return": None}
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


@cache
def _assignments(count: int) -> CodeType:
    """Compile the assignment of parameters to attributes, once for all classes with as many fields.

    Renaming them takes a fraction of the time of compiling each __init__.
    """
    names = [f"field{index}" for index in range(count)]
    lines = "".join(f"\n self.{name} = {name}" for name in names) or " pass"
    module = compile(f"def __init__(self, {', '.join(names)}):{lines}", __file__, "exec")
    return next(each for each in module.co_consts if isinstance(each, CodeType))


def _set_once(value: object, name: str, content: object) -> None:
    if hasattr(value, name):
        _refuse("assign to", name)
    object.__setattr__(value, name, content)


def _refuse_deletion(value: object, name: str) -> None:  # noqa: ARG001
    _refuse("delete", name)


def _refuse(what: str, name: str) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot {what} field {name!r}")
