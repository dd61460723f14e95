"""The bound tree: the values of a document by schema field, each with its syntax node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any

from quantcfg.contracts.descriptors import Descriptor, FieldDescriptor
from quantcfg.frozen import field as value_field
from quantcfg.frozen import frozen_value, small_value
from quantcfg.source import Span
from quantcfg.textproto import tree

Path = tuple[str | int, ...]
"""The path to a value in a message: field names, and indices into repeated fields."""


@cache
def required(descriptor: Descriptor) -> Sequence[str]:
    """Return the names of the required fields."""
    return [name for name, field in descriptor.fields.items() if field.is_required]


@cache
def holding_required(descriptor: Descriptor) -> Sequence[str]:
    """Return the names of the message fields that contain required fields at any depth."""
    return [name for name, field in descriptor.fields.items() if any(map(required, _message_types(field)))]


def _message_types(field: FieldDescriptor) -> Iterable[Descriptor]:
    """Return the message type of a field and all message types below it."""
    found: dict[str, Descriptor] = {}
    waiting = [field]
    while waiting:
        message = waiting.pop().message
        if message and message.full_name not in found:
            found[message.full_name] = message
            waiting += message.fields.values()
    return found.values()


@small_value
class BoundScalar:
    """A scalar value, the field that sets it, and its node (the list item, if the field has a list).

    earlier is the value that this one replaced.
    """

    value: Any
    field: tree.Field
    node: tree.Value
    earlier: Bound | None = value_field(default=None, compare=False, repr=False)


@small_value
class BoundMessage:
    """A message, the field that sets it, its node, and its field values by name.

    The path of the root message is empty, and its field has no name. earlier is
    the value that this one replaced, or was merged into.
    """

    descriptor: Descriptor
    field: tree.Field
    node: tree.Message | tree.Missing
    path: Path
    depth: int
    fields: dict[str, Bound | list[Bound]]
    earlier: Bound | None = value_field(default=None, compare=False, repr=False)

    @property
    def is_closed(self) -> bool:
        """Whether its closing bracket was found; true for a message without brackets."""
        return isinstance(self.node, tree.Missing) or self.node.is_closed

    def __contains__(self, name: str) -> bool:
        """Return whether a field is set."""
        return name in self.fields

    def __getitem__(self, name: str) -> Any:
        """Return the content of a field, or its default if it is not set.

        This is a plain value, a name for an enum, a message, which may be empty, or a
        tuple for a repeated field.
        """
        field = self.descriptor.fields[name]
        bound: Any = self.fields.get(name)
        if bound is None:
            return self._empty(field) if field.default is None and field.message else field.default
        if field.is_repeated:
            return tuple(bound) if field.message else tuple([_read(each, field) for each in bound])
        return bound if field.message else _read(bound, field)

    def _empty(self, field: FieldDescriptor) -> BoundMessage:
        """Return the empty message of a field that is not set."""
        assert field.message
        return BoundMessage(
            field.message, self.field, self.node, (*self.path, field.name), self.depth + 1, {}
        )

    def scalar(self, name: str) -> BoundScalar | None:
        """Return the value of a scalar field, if it is set."""
        bound = self.fields.get(name)
        return bound if isinstance(bound, BoundScalar) else None

    def chosen(self, oneof: str) -> str | None:
        """Return the name of the oneof member that is set, if any."""
        for name in self.descriptor.oneofs[oneof]:
            if name in self.fields:
                return name
        return None

    def message(self, name: str) -> BoundMessage | None:
        """Return the message of a field, if it is set."""
        bound = self.fields.get(name)
        return bound if isinstance(bound, BoundMessage) else None

    def messages(self, name: str) -> list[BoundMessage]:
        """Return the messages of a singular or repeated field."""
        return [each for each in self.items(name) if isinstance(each, BoundMessage)]

    def items(self, name: str) -> Sequence[Bound]:
        """Return the values of a singular or repeated field."""
        bound = self.fields.get(name, ())
        return (bound,) if isinstance(bound, (BoundScalar, BoundMessage)) else bound

    def content(self) -> dict[str, Any]:
        """Return the plain values, as keyword arguments of the message class."""
        return {name: _content(bound) for name, bound in self.fields.items()}


Bound = BoundScalar | BoundMessage


def replaced_by(bound: Bound) -> Iterator[Bound]:
    """Yield the values that a value replaced, latest first."""
    earlier = bound.earlier
    while earlier:
        yield earlier
        earlier = earlier.earlier


def _read(bound: BoundScalar, field: FieldDescriptor) -> Any:
    return field.enum.names.get(bound.value, bound.value) if field.enum else bound.value


def _content(bound: Bound | list[Bound]) -> Any:
    if isinstance(bound, BoundScalar):
        return bound.value
    return bound.content() if isinstance(bound, BoundMessage) else list(map(_content, bound))


@small_value
class Place:
    """The location of a value: its field in a document, and its node (the item, in a list)."""

    document: tree.Document
    field: tree.Field
    value: tree.Value

    @property
    def name(self) -> tree.Name:
        """The name of the field."""
        return self.field.name

    @property
    def name_span(self) -> Span:
        """The span of the field name, or of the opening bracket of a message in a list."""
        if self.value is not self.field.value and isinstance(self.value, tree.Message):
            return Span(self.document.source, self.value.start, self.value.start + 1)
        return self.document.span(self.name)

    @property
    def span(self) -> Span:
        """The span of the value."""
        return Span(self.document.source, self.value.start, self.value.end)


def place_of(bound: Bound, document: tree.Document) -> Place:
    """Return the location of a bound value in its document."""
    return Place(document, bound.field, bound.node)


@frozen_value
class Binding:
    """The bound tree of a document, and what could not be bound.

    unknown_enums: the enum values that a lenient binding does not know; their
    fields are unset. failed: fields that are unset because their value is
    invalid. broken: messages with a syntax error inside.
    """

    document: tree.Document
    whole: BoundMessage
    unknown_enums: Mapping[Path, Place]
    failed: AbstractSet[Path]
    broken: AbstractSet[Path]

    def place_at(self, path: Path) -> Place | None:
        """Return the location of the value at a path, or None if it is not set."""
        found: Bound | Sequence[Bound] | None = self.whole
        for step in path:
            if isinstance(found, BoundMessage):
                found = found.fields.get(str(step))
            elif isinstance(found, list) and int(step) < len(found):
                found = found[int(step)]
            else:
                return None
        assert not isinstance(found, Sequence)
        return place_of(found, self.document) if found else None
