"""The bound tree: the values of a text, bound to the fields of a schema, each with its place in the text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field as dataclass_field
from functools import cache, cached_property
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from quantcfg.frozen import Remembering, frozen_value, small_value
from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.textproto.scalars import Converter, converter

Path = tuple[str | int, ...]
"""Where a value is in a message: field names, and indices of repeated fields."""


@frozen_value
class Known:
    """A field of a schema, with what the binding asks of it for every value.

    message is the type of a message, and convert reads a scalar; the other one is
    None. rivals are the fields of its oneof, itself among them.
    """

    descriptor: FieldDescriptor
    name: str
    is_map: bool
    is_repeated: bool
    has_presence: bool
    rivals: Collection[str]
    message: Descriptor | None
    convert: Converter | None


@cache
def fields_of(descriptor: Descriptor) -> Mapping[str, Known]:
    """Return the fields of a message type by the names that a text may use for them."""
    names = {}
    for field in descriptor.fields:
        names[field.name] = known = _known(field)
        group = field.message_type if field.type == FieldDescriptor.TYPE_GROUP else None
        # A group goes by the name of its type as well (spec: "group Fields").
        if group and group.name.lower() == field.name:
            names[group.name] = known
    return names


def _known(field: FieldDescriptor) -> Known:
    oneof, message = field.containing_oneof, field.message_type
    return Known(
        field,
        field.name,
        message is not None and message.has_options and message.GetOptions().map_entry,
        field.is_repeated,
        field.has_presence,
        [each.name for each in oneof.fields] if oneof else (),
        message,
        None if message else converter(field),
    )


@cache
def _members(descriptor: Descriptor, oneof: str) -> Sequence[str]:
    return [field.name for field in descriptor.oneofs_by_name[oneof].fields]


@cache
def required(descriptor: Descriptor) -> Sequence[str]:
    """Return the names of the fields that a message must have."""
    return [field.name for field in descriptor.fields if field.is_required]


@cache
def holding_required(descriptor: Descriptor) -> Sequence[str]:
    """Return the names of the fields whose messages have required fields, at any depth."""
    return [field.name for field in descriptor.fields if any(map(required, _message_types(field)))]


def _message_types(field: FieldDescriptor) -> Iterable[Descriptor]:
    """Return the type of a field's message, and those of all that it can hold."""
    found: dict[str, Descriptor] = {}
    waiting = [field]
    while waiting:
        message = waiting.pop().message_type
        if message and message.full_name not in found:
            found[message.full_name] = message
            waiting += message.fields
    return found.values()


@small_value
class BoundScalar:
    """A scalar, the field that gave it, and the node of its value: an item, where the field has a list.

    earlier is what the field, or its oneof, would have without it.
    """

    value: Any
    field: tree.Field
    node: tree.Value
    earlier: Bound | None = dataclass_field(default=None, compare=False, repr=False)


@small_value
class BoundMessage:
    """A message, the field that gave it, its node, and the values of its fields by name.

    path is where it is in the whole message, and depth how deep. The field of the
    whole text has no name. earlier is as in a scalar; of a message that is given
    again, its fields are those of all of them.
    """

    descriptor: Descriptor
    field: tree.Field
    node: tree.Message | tree.Missing
    path: Path
    depth: int
    fields: dict[str, Bound | list[Bound]]
    earlier: Bound | None = dataclass_field(default=None, compare=False, repr=False)

    @property
    def is_closed(self) -> bool:
        """Whether the bracket that ends it was found, if it has any."""
        return isinstance(self.node, tree.Missing) or self.node.is_closed

    def scalar(self, name: str) -> BoundScalar | None:
        """Return the value of a scalar field, if it is set."""
        bound = self.fields.get(name)
        return bound if isinstance(bound, BoundScalar) else None

    def chosen(self, oneof: str) -> str | None:
        """Return the name of the field of a oneof that is set, if there is one."""
        return next((name for name in _members(self.descriptor, oneof) if name in self.fields), None)

    def message(self, name: str) -> BoundMessage | None:
        """Return the message of a field, if it is set."""
        bound = self.fields.get(name)
        return bound if isinstance(bound, BoundMessage) else None

    def messages(self, name: str) -> list[BoundMessage]:
        """Return the messages of a field, if there are any: that of a single one too."""
        return [each for each in self.items(name) if isinstance(each, BoundMessage)]

    def items(self, name: str) -> Sequence[Bound]:
        """Return the values of a field, of which one that is no list has one at most."""
        bound = self.fields.get(name, ())
        return (bound,) if isinstance(bound, (BoundScalar, BoundMessage)) else bound

    def content(self) -> dict[str, Any]:
        """Return the values alone, as the class of the message takes them."""
        return {name: _content(bound) for name, bound in self.fields.items()}


Bound = BoundScalar | BoundMessage


def replaced_by(bound: Bound) -> Iterator[Bound]:
    """Yield what a field, or its oneof, has without a value, then without that one, and so on."""
    earlier = bound.earlier
    while earlier:
        yield earlier
        earlier = earlier.earlier


def _content(bound: Bound | list[Bound]) -> Any:
    if isinstance(bound, BoundScalar):
        return bound.value
    return bound.content() if isinstance(bound, BoundMessage) else list(map(_content, bound))


@small_value
class Place:
    """The field of a text that gave a value, and the node of that; one item, where it was given in a list."""

    document: tree.Document
    field: tree.Field
    value: tree.Value

    @property
    def name(self) -> tree.Name:
        """The name of the field."""
        return self.field.name

    @property
    def name_span(self) -> Span:
        """Where the name of the field stands; of a message in a list, its opening bracket."""
        if self.value is not self.field.value and isinstance(self.value, tree.Message):
            return Span(self.document.source, self.value.start, self.value.start + 1)
        return self.document.span(self.name)

    @property
    def span(self) -> Span:
        """Where the value stands."""
        return Span(self.document.source, self.value.start, self.value.end)


def place_of(bound: Bound, document: tree.Document) -> Place:
    """Return the place of a bound value of a document."""
    return Place(document, bound.field, bound.node)


@frozen_value
class Binding(Remembering):
    """The bound tree of a text, and what cannot be bound.

    unknown_enums holds the words that a lenient binding found where the enum of
    the schema has no such value; the field is left unset then. failed holds the
    fields that were given badly, and are therefore unset; damaged the messages
    in which something stands that cannot be read.
    """

    document: tree.Document
    whole: BoundMessage
    unknown_enums: Mapping[Path, Place]
    failed: AbstractSet[Path]
    damaged: AbstractSet[Path]

    @cached_property
    def message(self) -> Any:
        """The protobuf message, made when it is first asked for."""
        from google.protobuf.message_factory import GetMessageClass

        return GetMessageClass(self.whole.descriptor)(**self.whole.content())

    def place_at(self, path: Path) -> Place | None:
        """Return the place of the value at a path, None if there is none."""
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
