"""Syntax tree to protobuf message, by the message's descriptor.

The message ends up as text_format.Merge would leave it: a scalar that is given
again has its last value, a message that is given again is merged, and a member
of a oneof takes the place of another. What Merge does without a word is
reported as a warning; what the text format refuses is reported as an error, and
the binding goes on behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto
from google.protobuf.message import Message

from quantcfg.diagnostics import Diagnostic, Related, Report, catalogue
from quantcfg.diagnostics.suggest import nearest
from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.textproto.literals import quotable
from quantcfg.textproto.scalars import Place, convert, wrong_type

DEPTH_LIMIT = 100
"""How deep messages may be nested; protobuf's own limit for binary data."""

Path = tuple[str | int, ...]
"""Where a value is in a message: field names, and indices of repeated fields."""

_STEP = re.compile(r"(?P<name>\w+)(?:\[(?P<index>\d+)\])?")


@dataclass(frozen=True, slots=True)
class Binding:
    """A message that was filled from a text, and where each of its values came from.

    unknown_enums holds the words that a lenient binding found where the enum of
    the schema has no such value; the field is left unset then.
    """

    message: Any
    places: Mapping[Path, Place]
    unknown_enums: Mapping[Path, str]


@dataclass(frozen=True, slots=True)
class _Context:
    """What a binding works on."""

    document: tree.Document
    report: Report
    lenient: bool
    places: dict[Path, Place] = field(default_factory=dict)
    unknown_enums: dict[Path, str] = field(default_factory=dict)
    failed: set[Path] = field(default_factory=set)
    fields: dict[str, dict[str, FieldDescriptor]] = field(default_factory=dict)

    def fields_of(self, descriptor: Descriptor) -> dict[str, FieldDescriptor]:
        """Return the fields of a message type by the names that a text may use for them."""
        if descriptor.full_name not in self.fields:
            self.fields[descriptor.full_name] = _names(descriptor)
        return self.fields[descriptor.full_name]


def bind(document: tree.Document, message: Message, report: Report, *, lenient: bool = False) -> Binding:
    """Fill a message from a syntax tree.

    A lenient binding passes over fields and enum values that the schema lacks,
    and over missing required fields: the schema knows only a part of the format.
    """
    context = _Context(document, report, lenient)
    _bind_fields(context, document.fields, message, (), 1)
    if not lenient:
        for diagnostic in _missing_fields(context, message):
            report(diagnostic)
    return Binding(message, context.places, context.unknown_enums)


def _names(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    names = {}
    for descriptor_field in descriptor.fields:
        names[descriptor_field.name] = descriptor_field
        group = descriptor_field.message_type if descriptor_field.type == FieldDescriptor.TYPE_GROUP else None
        # A group goes by the name of its type as well (spec: "group Fields").
        if group and group.name.lower() == descriptor_field.name:
            names[group.name] = descriptor_field
    return names


def _bind_fields(
    context: _Context, fields: tuple[tree.Field, ...], message: Any, path: Path, depth: int
) -> None:
    known = context.fields_of(message.DESCRIPTOR)
    for node in fields:
        if not node.name.bracketed and node.name.text in known:
            _bind_field(context, node, known[node.name.text], message, path, depth)
        elif not context.lenient:
            _report_unknown_field(context, node.name, message.DESCRIPTOR, path)


def _bind_field(
    context: _Context,
    node: tree.Field,
    descriptor_field: FieldDescriptor,
    message: Any,
    path: Path,
    depth: int,
) -> None:
    if _is_map(descriptor_field):
        context.report(catalogue.NOT_SUPPORTED.at(context.document.span(node.name), what="a map field"))
    elif descriptor_field.is_repeated:
        items = node.value.items if isinstance(node.value, tree.List) else (node.value,)
        container = getattr(message, descriptor_field.name)
        for item in items:
            place = Place(context.document, node.name, item)
            item_path = (*path, descriptor_field.name, len(container))
            _add(context, place, descriptor_field, container, item_path, depth)
    else:
        place = Place(context.document, node.name, node.value)
        _set(context, place, descriptor_field, message, (*path, descriptor_field.name), depth)


def _is_map(descriptor_field: FieldDescriptor) -> bool:
    message_type = descriptor_field.message_type
    return message_type is not None and message_type.GetOptions().map_entry


def _add(
    context: _Context, place: Place, descriptor_field: FieldDescriptor, container: Any, path: Path, depth: int
) -> None:
    if descriptor_field.message_type is not None:
        _bind_message(context, place, descriptor_field, container.add, path, depth)
    elif (value := _value(context, place, descriptor_field, path)) is not None:
        context.places[path] = place
        container.append(value)


def _set(
    context: _Context, place: Place, descriptor_field: FieldDescriptor, message: Any, path: Path, depth: int
) -> None:
    name = descriptor_field.name
    if descriptor_field.message_type is not None:
        if isinstance(place.value, tree.Message):
            _report_replaced(context, place, descriptor_field, message, path)
        _bind_message(context, place, descriptor_field, lambda: _present(getattr(message, name)), path, depth)
    elif (value := _value(context, place, descriptor_field, path)) is not None:
        _report_replaced(context, place, descriptor_field, message, path)
        context.places[path] = place
        context.unknown_enums.pop(path, None)
        setattr(message, name, value)


def _present(message: Message) -> Message:
    message.SetInParent()
    return message


def _bind_message(
    context: _Context,
    place: Place,
    descriptor_field: FieldDescriptor,
    make: Callable[[], Message],
    path: Path,
    depth: int,
) -> None:
    if not isinstance(place.value, tree.Message):
        context.failed.add(path)
        context.report(wrong_type(place, descriptor_field, "a message in braces"))
    elif depth >= DEPTH_LIMIT:
        context.failed.add(path)
        context.report(catalogue.TOO_DEEP.at(place.name_span, limit=DEPTH_LIMIT))
    else:
        context.places[path] = place
        _bind_fields(context, place.value.fields, make(), path, depth + 1)


def _report_replaced(
    context: _Context, place: Place, descriptor_field: FieldDescriptor, message: Any, path: Path
) -> None:
    """Report a scalar that is given again, and a member of a oneof that takes another's place."""
    name, oneof = descriptor_field.name, descriptor_field.containing_oneof
    other = message.WhichOneof(oneof.name) if oneof else None
    if other and other != name:
        earlier = Related(context.places[(*path[:-1], other)].name_span, f'"{other}" is set here')
        context.report(
            catalogue.ONEOF_REPLACED.at(place.name_span, field=name, other=other, related=[earlier])
        )
    elif descriptor_field.message_type is None and descriptor_field.has_presence and message.HasField(name):
        earlier = Related(context.places[path].span, "this value is lost")
        context.report(catalogue.SET_AGAIN.at(place.name_span, field=name, related=[earlier]))


def _report_unknown_field(context: _Context, name: tree.Name, descriptor: Descriptor, path: Path) -> None:
    span = context.document.span(name)
    if name.bracketed:
        context.report(catalogue.NOT_SUPPORTED.at(span, what="the name of an extension or of an Any type"))
        return
    if name.text in _reserved_names(descriptor):
        return
    meant = nearest(name.text, context.fields_of(descriptor))
    if meant:
        context.failed.add((*path, meant))
    context.report(
        catalogue.UNKNOWN_FIELD.at(
            span,
            message=_within(context, path),
            name=quotable(name.text),
            help=f'did you mean "{meant}"?' if meant else None,
        )
    )


def _reserved_names(descriptor: Descriptor) -> list[str]:
    """Return the reserved names of a message type, which a text may use without effect (spec: "Fields")."""
    proto = DescriptorProto()
    descriptor.CopyToProto(proto)
    return list(proto.reserved_name)


def _missing_fields(context: _Context, message: Message) -> Iterator[Diagnostic]:
    """Find the required fields that are not set. Merge does not look for them (reference U21)."""
    for missing in message.FindInitializationErrors():  # type: ignore[attr-defined]
        path = _path(missing)
        if path in context.failed:
            continue
        parent = context.places.get(path[:-1])
        span = parent.name_span if parent else Span(context.document.source, 0, 0)
        yield catalogue.MISSING_FIELD.at(span, field=path[-1], message=_within(context, path[:-1]))


def _within(context: _Context, path: Path) -> str:
    """Return what a text calls the message at a path."""
    return context.places[path].name.text if path else "the top level"


def _path(dotted: str) -> Path:
    """Return the path that protobuf writes as "a[0].b"."""
    path: list[str | int] = []
    for step in _STEP.finditer(dotted):
        path.append(step["name"])
        if step["index"]:
            path.append(int(step["index"]))
    return tuple(path)


def _value(context: _Context, place: Place, descriptor_field: FieldDescriptor, path: Path) -> Any:
    """Return the value of a scalar, or None after reporting that the field does not take it."""
    value = convert(place, descriptor_field)
    if not isinstance(value, Diagnostic):
        return value
    if context.lenient and value.code == catalogue.UNKNOWN_ENUM_VALUE.code:
        context.unknown_enums[path] = place.span.text
        context.places[path] = place
        return None
    context.failed.add(path)
    context.report(value)
    return None
