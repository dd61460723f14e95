"""What a binding leaves: a message, and in a tree like its own what gave each of its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from quantcfg.textproto import tree
from quantcfg.textproto.scalars import Converter, Place, converter
from quantcfg.values import frozen_value, small_value

Path = tuple[str | int, ...]
"""Where a value is in a message: field names, and indices of repeated fields."""


@frozen_value
class Known:
    """A field of a schema, with what the binding asks of it for every value.

    convert is None for a message.
    """

    descriptor: FieldDescriptor
    name: str
    is_message: bool
    is_map: bool
    is_repeated: bool
    has_presence: bool
    oneof: str | None
    convert: Converter | None


@cache
def fields_of(descriptor: Descriptor) -> Mapping[str, Known]:
    """Return the fields of a message type by the names that a text may use for them."""
    names = {}
    for known in map(_known, descriptor.fields):
        names[known.name] = known
        is_group = known.descriptor.type == FieldDescriptor.TYPE_GROUP
        group = known.descriptor.message_type if is_group else None
        # A group goes by the name of its type as well (spec: "group Fields").
        if group and group.name.lower() == known.name:
            names[group.name] = known
    return names


def _known(field: FieldDescriptor) -> Known:
    message, oneof = field.message_type, field.containing_oneof
    return Known(
        field,
        field.name,
        message is not None,
        message is not None and message.has_options and message.GetOptions().map_entry,
        field.is_repeated,
        field.has_presence,
        oneof.name if oneof else None,
        None if message else converter(field),
    )


Given = tree.Field | Place
"""What gave a value: a field of the text; the place in it, where that is not all there is to say of it."""


@small_value
class Bound:
    """A message that was filled, what gave it, and its fields that are set: what gave each of them.

    given is None for the whole text; path is where the message is in that, and
    depth how deep. A list has an item for each of its values.
    """

    message: Any
    known: Mapping[str, Known] = field(repr=False)
    given: Given | None = None
    path: Path = ()
    depth: int = 1
    fields: dict[str, Given | Bound | list[Given | Bound]] = field(default_factory=dict)

    @property
    def is_closed(self) -> bool:
        """Whether the bracket that ends it was found."""
        value = self.given.value if self.given else None
        return not isinstance(value, tree.Message) or value.is_closed

    @property
    def descriptor(self) -> Descriptor:
        """The type of the message."""
        descriptor: Descriptor = self.message.DESCRIPTOR
        return descriptor

    def given_to(self, name: str) -> Given:
        """Return what gave a scalar that is no list."""
        given = self.fields[name]
        assert not isinstance(given, (Bound, list))
        return given

    def given_items(self, name: str) -> list[Given]:
        """Return what gave the items of a list of scalars."""
        return [item for item in self.items(name) if not isinstance(item, Bound)]

    def message_of(self, name: str) -> Bound | None:
        """Return the message of a field, if it is set."""
        bound = self.fields.get(name)
        return bound if isinstance(bound, Bound) else None

    def messages_of(self, name: str) -> Iterator[Bound]:
        """Yield the messages of a list."""
        items = self.fields.get(name)
        yield from (item for item in items or () if isinstance(item, Bound))  # type: ignore[union-attr]

    def single(self, name: str) -> Given | Bound:
        """Return what gave a field that is no list."""
        given = self.fields[name]
        assert not isinstance(given, list)
        return given

    def items(self, name: str) -> list[Given | Bound]:
        """Return what gave the items of a list."""
        given = self.fields.setdefault(name, [])
        assert isinstance(given, list)
        return given


@frozen_value
class Binding:
    """A message that was filled from a text, and where each of its values came from.

    unknown_enums holds the words that a lenient binding found where the enum of
    the schema has no such value; the field is left unset then. failed holds the
    fields that were given badly, and are therefore unset; damaged the messages
    in which something stands that cannot be read.
    """

    document: tree.Document
    whole: Bound
    unknown_enums: Mapping[Path, Place]
    failed: AbstractSet[Path]
    damaged: AbstractSet[Path]

    @property
    def message(self) -> Any:
        """The message."""
        return self.whole.message

    def place_at(self, path: Path) -> Place | None:
        """Return the place of what gave the value at a path, None if nothing did."""
        found = bound_at(self.whole, path)
        return place_of_bound(found, self.document) if found else None


def place_of(given: Given, document: tree.Document) -> Place:
    """Return the place of what gave a value in a document."""
    return given if isinstance(given, Place) else Place(document, given, given.value)


def place_of_bound(given: Given | Bound, document: tree.Document) -> Place:
    """Return the place of what gave a value or a message in a document."""
    if isinstance(given, Bound):
        assert given.given
        given = given.given
    return place_of(given, document)


def bound_at(whole: Bound, path: Path) -> Given | Bound | None:
    """Return what gave the value at a path, None if nothing did."""
    found: Given | Bound | Sequence[Given | Bound] | None = whole
    for step in path:
        if isinstance(found, Bound):
            found = found.fields.get(str(step))
        elif isinstance(found, list) and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    assert not isinstance(found, Sequence)
    return found
