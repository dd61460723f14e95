"""The message types in proto/ as values, so that reading text does not load protobuf.

"make proto" writes their table: for each message its fields, as arguments of
FieldDescriptor.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

from quantcfg.frozen import small_value

_ZEROS: Mapping[str, Any] = {"string": "", "bytes": b"", "bool": False, "message": None, "group": None}
"""The value of an unset field that declares no default, by its kind; 0 for all others."""


@small_value
class EnumDescriptor:
    """The values of an enum; a closed one does not accept any other number."""

    numbers: Mapping[str, int]
    names: Mapping[int, str]
    is_closed: bool = False


@small_value
class FieldDescriptor:
    """A field of a message type.

    kind is its type as protobuf calls it ("int32", "message", "group"). declared is
    the default that the .proto file declares, for an enum its name; default is the
    value if the field is not set. rivals are all fields of its oneof, including
    itself. is_implicit is whether its default cannot be distinguished from an unset
    field.
    """

    name: str
    full_name: str
    number: int
    kind: str
    message: Descriptor | None = None
    enum: EnumDescriptor | None = None
    declared: Any = None
    default: Any = None
    rivals: Collection[str] = ()
    is_repeated: bool = False
    is_required: bool = False
    is_implicit: bool = False
    is_map: bool = False
    is_deprecated: bool = False
    comment: str = ""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class Descriptor:
    """A message type.

    oneofs are the fields of each oneof; reserved are the names of deleted fields.
    """

    def __init__(self, full_name: str, types: Descriptors) -> None:
        self.full_name, self._types = full_name, types
        entry = types.table[full_name]
        self._fields: Mapping[str, Mapping[str, Any]] = entry.get("fields", {})
        self.oneofs: Mapping[str, Sequence[str]] = entry.get("oneofs", {})
        self.reserved: Sequence[str] = entry.get("reserved", ())
        self.comment: str = entry.get("comment", "")

    @cached_property
    def fields(self) -> Mapping[str, FieldDescriptor]:
        """The fields by name."""
        return {name: self._field(name, **entry) for name, entry in self._fields.items()}

    def _field(
        self, name: str, *, message: str | None = None, enum: Mapping[str, Any] | None = None, **entry: Any
    ) -> FieldDescriptor:
        names = {number: name for name, number in reversed(enum["numbers"].items())} if enum else {}
        first = next(iter(enum["numbers"])) if enum else _ZEROS.get(entry["kind"], 0)
        return FieldDescriptor(
            name,
            f"{self.full_name}.{name}",
            message=self._types[message] if message else None,
            enum=EnumDescriptor(names=names, **enum) if enum else None,
            default=() if entry.get("is_repeated") else entry.get("declared", first),
            rivals=next((members for members in self.oneofs.values() if name in members), ()),
            **entry,
        )

    @cached_property
    def spellings(self) -> Mapping[str, FieldDescriptor]:
        """The fields by every name that text format accepts: a group also has that of its type."""
        fields = dict(self.fields)
        for field in self.fields.values():
            type_name = field.message.full_name.rpartition(".")[2] if field.message else ""
            if field.kind == "group" and type_name.lower() == field.name:
                fields[type_name] = field
        return fields


class Descriptors(dict[str, Descriptor]):
    """The message types of a table by full name, each created on first use."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.table = table

    def __missing__(self, name: str) -> Descriptor:
        return self.setdefault(name, Descriptor(name, self))
