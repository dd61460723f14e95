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
from quantcfg.textproto.literals import decode_string, floating, integer, quotable

DEPTH_LIMIT = 100
"""How deep messages may be nested; protobuf's own limit for binary data."""

Path = tuple[str | int, ...]
"""Where a value is in a message: field names, and indices of repeated fields."""

_STEP = re.compile(r"(?P<name>\w+)(?:\[(?P<index>\d+)\])?")

_INTEGER_RANGES = {
    **dict.fromkeys(
        (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SFIXED32),
        (-(2**31), 2**31 - 1),
    ),
    **dict.fromkeys(
        (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SINT64, FieldDescriptor.TYPE_SFIXED64),
        (-(2**63), 2**63 - 1),
    ),
    **dict.fromkeys((FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32), (0, 2**32 - 1)),
    **dict.fromkeys((FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64), (0, 2**64 - 1)),
}
_BOOLS = {"true": True, "True": True, "t": True, "false": False, "False": False, "f": False}


@dataclass(frozen=True, slots=True)
class Place:
    """The field of a text that gave a value; one item of a list, where it was given in a list."""

    document: tree.Document
    name: tree.Name
    value: tree.Value

    @property
    def name_span(self) -> Span:
        """Where the name of the field stands."""
        return self.document.span(self.name)

    @property
    def span(self) -> Span:
        """Where the value stands."""
        return self.document.span(self.value)


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
        context.report(_wrong_type(place, descriptor_field, "a message in braces"))
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
            message=descriptor.name,
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
        within = parent.name.text if parent else message.DESCRIPTOR.name
        yield catalogue.MISSING_FIELD.at(span, field=path[-1], message=within)


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
    value = _convert(place, descriptor_field)
    if not isinstance(value, Diagnostic):
        return value
    if context.lenient and value.code == catalogue.UNKNOWN_ENUM_VALUE.code:
        context.unknown_enums[path] = place.span.text
        context.places[path] = place
        return None
    context.failed.add(path)
    context.report(value)
    return None


def _convert(place: Place, descriptor_field: FieldDescriptor) -> Any:
    """Return the value of a scalar, or what is wrong with it."""
    if isinstance(place.value, tree.List):
        return catalogue.LIST_FOR_ONE.at(place.span, field=descriptor_field.name)
    kind = descriptor_field.type
    if kind in _INTEGER_RANGES:
        return _convert_integer(place, descriptor_field, *_INTEGER_RANGES[kind])
    return _CONVERTERS[kind](place, descriptor_field)


def _convert_integer(
    place: Place, descriptor_field: FieldDescriptor, low: int, high: int
) -> int | Diagnostic:
    value = integer(place.value) if isinstance(place.value, tree.Number) else None
    if value is None:
        return _wrong_type(place, descriptor_field, "an integer")
    # Even "-0" is no unsigned integer (spec: "Value Types").
    if not low <= value <= high or (low == 0 and place.value.text.startswith("-")):  # type: ignore[union-attr]
        return catalogue.INTEGER_RANGE.at(
            place.span, field=descriptor_field.name, low=low, high=high, value=_written(place.value)
        )
    return value


def _convert_float(place: Place, descriptor_field: FieldDescriptor) -> float | Diagnostic:
    scalar = isinstance(place.value, tree.Number | tree.Identifier)
    value = floating(place.value.text) if scalar else None  # type: ignore[union-attr]
    return _wrong_type(place, descriptor_field, "a decimal number") if value is None else value


def _convert_bool(place: Place, descriptor_field: FieldDescriptor) -> bool | Diagnostic:
    value = place.value
    if isinstance(value, tree.Identifier) and value.text in _BOOLS:
        return _BOOLS[value.text]
    if isinstance(value, tree.Number) and not value.text.startswith("-") and integer(value) in (0, 1):
        return bool(integer(value))
    return _wrong_type(place, descriptor_field, "true or false")


def _convert_string(place: Place, descriptor_field: FieldDescriptor) -> str | Diagnostic:
    value = _convert_bytes(place, descriptor_field)
    if isinstance(value, Diagnostic):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return catalogue.TEXT_NOT_UTF8.at(place.span, field=descriptor_field.name)


def _convert_bytes(place: Place, descriptor_field: FieldDescriptor) -> bytes | Diagnostic:
    if not isinstance(place.value, tree.String):
        return _wrong_type(place, descriptor_field, "a string in quotes")
    value = decode_string(place.value)
    if isinstance(value, tree.Literal):
        return catalogue.BAD_ESCAPE.at(
            place.document.span(value), escape=value.text, help="write \\\\ for a backslash"
        )
    return value


def _convert_enum(place: Place, descriptor_field: FieldDescriptor) -> int | Diagnostic:
    enum, value = descriptor_field.enum_type, place.value
    assert enum
    if isinstance(value, tree.Identifier) and value.text in enum.values_by_name:
        return enum.values_by_name[value.text].number
    number = integer(value) if isinstance(value, tree.Number) else None
    if number is not None and not enum.is_closed:
        return _convert_integer(place, descriptor_field, -(2**31), 2**31 - 1)
    if number is not None and number in [known.number for known in enum.values]:
        return number
    names = list(enum.values_by_name)
    if not isinstance(value, tree.Identifier | tree.Number):
        return _wrong_type(place, descriptor_field, f"one of {', '.join(names)}")
    meant = nearest(value.text, names)
    return catalogue.UNKNOWN_ENUM_VALUE.at(
        place.span,
        field=descriptor_field.name,
        value=_written(value),
        help=f"did you mean {meant}?" if meant else f"it can be {', '.join(names)}",
    )


_CONVERTERS: Mapping[int, Callable[[Place, FieldDescriptor], Any]] = {
    FieldDescriptor.TYPE_FLOAT: _convert_float,
    FieldDescriptor.TYPE_DOUBLE: _convert_float,
    FieldDescriptor.TYPE_BOOL: _convert_bool,
    FieldDescriptor.TYPE_STRING: _convert_string,
    FieldDescriptor.TYPE_BYTES: _convert_bytes,
    FieldDescriptor.TYPE_ENUM: _convert_enum,
}


def _wrong_type(place: Place, descriptor_field: FieldDescriptor, expected: str) -> Diagnostic:
    value = place.value
    help = None
    if isinstance(value, tree.Identifier) and descriptor_field.type == FieldDescriptor.TYPE_STRING:
        help = f'put it in quotes: "{quotable(value.text)}"'
    elif isinstance(value, tree.String) and descriptor_field.message_type is None:
        help = "write it without quotes"
    return catalogue.WRONG_TYPE.at(
        place.span, field=descriptor_field.name, expected=expected, found=_written(value), help=help
    )


def _written(value: tree.Value) -> str:
    if isinstance(value, tree.Message):
        return "a message"
    if isinstance(value, tree.List):
        return "a list"
    if isinstance(value, tree.String):
        return "a string"
    return quotable(value.text)
