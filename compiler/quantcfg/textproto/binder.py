"""Syntax tree to protobuf message, by the message's descriptor.

The message ends up as text_format.Merge would leave it: a scalar that is given
again has its last value, a message that is given again is merged, and a member
of a oneof takes the place of another. What Merge does without a word is
reported as a warning; what the text format refuses is reported as an error, and
the binding goes on behind it.

Where the syntax is wrong, or a name is misspelt, the binding follows what was
meant as far as that is plain, so that one mistake is not reported twice.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from functools import cache
from types import MappingProxyType
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto
from google.protobuf.message import Message

from quantcfg import limits
from quantcfg.diagnostics import Diagnostic, Edit, Related, Report, catalogue
from quantcfg.diagnostics.suggest import Suggestion, suggest
from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.textproto.literals import quotable
from quantcfg.textproto.scalars import Place, convert, wrong_type
from quantcfg.values import frozen_value, small_value

Path = tuple[str | int, ...]
"""Where a value is in a message: field names, and indices of repeated fields."""

_NOTHING: Mapping[str, str] = MappingProxyType({})
_STEP = re.compile(r"(?P<name>\w+)(?:\[(?P<index>\d+)\])?")
_MOST_OWNERS = 3
_MOST_SUGGESTIONS = 1000
"""How many misspelt names of one text are looked up; a text with more of them is no text of this kind."""


@frozen_value
class Binding:
    """A message that was filled from a text, and where each of its values came from.

    unknown_enums holds the words that a lenient binding found where the enum of
    the schema has no such value; the field is left unset then. failed holds the
    fields that were given badly, and are therefore unset; damaged the messages
    in which something stands that cannot be read.
    """

    message: Any
    places: Mapping[Path, Place]
    unknown_enums: Mapping[Path, str]
    failed: AbstractSet[Path]
    damaged: AbstractSet[Path]


@frozen_value
class _Known:
    """A field of a schema, with what the binding asks of it for every value."""

    descriptor: FieldDescriptor
    name: str
    is_message: bool
    is_map: bool
    is_repeated: bool
    has_presence: bool
    oneof: str | None


@cache
def _fields_of(descriptor: Descriptor) -> Mapping[str, _Known]:
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


def _known(field: FieldDescriptor) -> _Known:
    message, oneof = field.message_type, field.containing_oneof
    return _Known(
        field,
        field.name,
        message is not None,
        message is not None and message.GetOptions().map_entry,
        field.is_repeated,
        field.has_presence,
        oneof.name if oneof else None,
    )


@small_value
class _Target:
    """A message that is being filled, where it is in the whole, and how deep."""

    message: Any
    fields: Mapping[str, _Known]
    path: Path = ()
    depth: int = 1
    is_closed: bool = True

    @property
    def descriptor(self) -> Descriptor:
        descriptor: Descriptor = self.message.DESCRIPTOR
        return descriptor

    def known(self, name: tree.Name) -> _Known | None:
        """Return the field of the message that a name stands for, if there is one."""
        return None if name.bracketed else self.fields.get(name.text)


def _target(message: Message, path: Path = (), depth: int = 1, is_closed: bool = True) -> _Target:
    return _Target(message, _fields_of(message.DESCRIPTOR), path, depth, is_closed)


@frozen_value
class _Context:
    """What a binding works on.

    failed holds the fields that are given, but badly; damaged the messages in
    which something stands that cannot be read; enclosing the messages that are
    being filled, the innermost last; ended the last message of each type, where a text closes early.
    """

    document: tree.Document
    report: Report
    lenient: bool
    foreign: Mapping[str, str]
    places: dict[Path, Place] = field(default_factory=dict)
    unknown_enums: dict[Path, str] = field(default_factory=dict)
    failed: set[Path] = field(default_factory=set)
    damaged: set[Path] = field(default_factory=set)
    enclosing: list[_Target] = field(default_factory=list)
    ended: dict[Descriptor, _Target] = field(default_factory=dict)
    suggestions: dict[tuple[str, str], Suggestion] = field(default_factory=dict)

    def suggestion(self, name: str, descriptor: Descriptor) -> Suggestion:
        """Return the fields that a name was probably meant to be."""
        key = (descriptor.full_name, name)
        if name in self.foreign:
            return Suggestion()
        if key not in self.suggestions and len(self.suggestions) < _MOST_SUGGESTIONS:
            fields = [field.name for field in descriptor.fields if not field.GetOptions().deprecated]
            self.suggestions[key] = suggest(name, fields)
        return self.suggestions.get(key, Suggestion())


def bind(
    document: tree.Document,
    message: Message,
    report: Report,
    *,
    lenient: bool = False,
    foreign: Mapping[str, str] = _NOTHING,
) -> Binding:
    """Fill a message from a syntax tree.

    A lenient binding passes over fields and enum values that the schema lacks,
    and over missing required fields: the schema knows only a part of the format.
    foreign holds names that are no misspelt fields, and what to say of them.
    """
    context = _Context(document, report, lenient, foreign)
    _bind_fields(context, document.fields, _target(message))
    if not lenient:
        for diagnostic in _missing_fields(context, message):
            report(diagnostic)
    return Binding(message, context.places, context.unknown_enums, context.failed, context.damaged)


def _bind_fields(context: _Context, fields: Iterable[tree.Field], target: _Target) -> Sequence[tree.Field]:
    """Bind the fields of a message; return those behind its end, where a bracket is missing."""
    context.enclosing.append(target)
    waiting = deque(fields)
    while waiting:
        node = waiting.popleft()
        known = target.known(node.name)
        if known is not None:
            if outside := _bind_field(context, node, known, target):
                waiting.extendleft(reversed(outside))
        elif _belongs_outside(context, node.name):
            waiting.appendleft(node)
            break
        else:
            _bind_unknown_field(context, node, target)
    context.enclosing.pop()
    if context.document.closes_early:
        context.ended[target.descriptor] = target
    return waiting


def _belongs_outside(context: _Context, name: tree.Name) -> bool:
    """Tell whether a message around knows a field that its own does not, where one of them has no end."""
    if all(target.is_closed for target in context.enclosing):
        return False
    return any(target.known(name) for target in context.enclosing[:-1])


def _bind_unknown_field(context: _Context, node: tree.Field, target: _Target) -> None:
    """Bind a field that its message does not have to what was meant; else report it."""
    if not node.name.text:
        context.damaged.add(target.path)
        return
    if context.document.closes_early:
        for ended in reversed(list(context.ended.values())):
            if known := ended.known(node.name):
                _bind_field(context, node, known, ended)
                return
    if isinstance(node.value, tree.Missing):
        # What is wrong here has been reported, and the name may only be a part of what was meant.
        context.damaged.add(target.path)
        return
    _report_unknown_field(context, node.name, target)
    slip = context.suggestion(node.name.text, target.descriptor).slip
    if slip and not context.lenient and not node.name.bracketed:
        _bind_field(context, node, target.fields[slip], target)


def _bind_field(context: _Context, node: tree.Field, known: _Known, target: _Target) -> Sequence[tree.Field]:
    """Bind a field; return the fields in it that belong to a message around it."""
    if isinstance(node.value, tree.Missing):
        context.failed.add((*target.path, known.name))
        _expect_fields(context, node, known, target)
    elif known.is_map:
        context.report(catalogue.NOT_SUPPORTED.at(context.document.span(node.name), what="a map field"))
    elif known.is_repeated:
        return _bind_items(context, node, known, target)
    elif known.is_message:
        return _set_message(context, Place(context.document, node, node.value), known, target)
    else:
        _set_scalar(context, Place(context.document, node, node.value), known, target)
    return ()


def _expect_fields(context: _Context, node: tree.Field, known: _Known, target: _Target) -> None:
    """Make a message of which only the name is there, for the fields behind it, if its bracket is missing."""
    if not known.is_message or not context.document.closes_early:
        return
    path: Path = (*target.path, known.name)
    holder = target.message
    if known.is_repeated:
        holder = getattr(holder, known.name)
        path = (*path, len(holder))
    context.places[path] = Place(context.document, node, node.value)
    context.damaged.add(path)
    message = _target(_made(holder, known), path, target.depth + 1)
    context.ended[message.descriptor] = message


def _bind_items(context: _Context, node: tree.Field, known: _Known, target: _Target) -> Sequence[tree.Field]:
    items = node.value.items if isinstance(node.value, tree.List) else (node.value,)
    container = getattr(target.message, known.name)
    outside: list[tree.Field] = []
    for item in items:
        place = Place(context.document, node, item)
        path = (*target.path, known.name, len(container))
        if isinstance(item, tree.String) and isinstance(node.value, tree.List) and len(item.parts) > 1:
            help = 'put "," between them, if they are two'
            context.report(catalogue.ADJACENT_STRINGS.at(place.span, help=help))
        if not isinstance(item, tree.Missing):
            outside += _add(context, place, known, container, path, target.depth)
    return outside


def _add(
    context: _Context, place: Place, known: _Known, container: Any, path: Path, depth: int
) -> Sequence[tree.Field]:
    if known.is_message:
        return _bind_message(context, place, known, container, path, depth)
    value = convert(place, known.descriptor)
    if isinstance(value, Diagnostic):
        _refuse(context, place, path, value)
    else:
        context.places[path] = place
        container.append(value)
    return ()


def _set_message(context: _Context, place: Place, known: _Known, target: _Target) -> Sequence[tree.Field]:
    path = (*target.path, known.name)
    if (known.oneof or path in context.places) and isinstance(place.value, tree.Message):
        place = _replacing(context, place, known, target.message, path)
    return _bind_message(context, place, known, target.message, path, target.depth)


def _set_scalar(context: _Context, place: Place, known: _Known, target: _Target) -> None:
    path = (*target.path, known.name)
    value = convert(place, known.descriptor)
    if isinstance(value, Diagnostic):
        _refuse(context, place, path, value)
        return
    if known.oneof or path in context.places:
        place = _replacing(context, place, known, target.message, path)
        context.unknown_enums.pop(path, None)
    context.places[path] = place
    setattr(target.message, known.name, value)


def _refuse(context: _Context, place: Place, path: Path, wrong: Diagnostic) -> None:
    """Report that a field does not take a value, or where a lenient binding passes over it, keep its word."""
    if context.lenient and wrong.code == catalogue.UNKNOWN_ENUM_VALUE.code:
        context.unknown_enums[path] = place.span.text
        context.places[path] = place
    else:
        context.failed.add(path)
        context.report(wrong)


def _made(holder: Any, known: _Known) -> Message:
    """Return the message of a field, made if it is not there, or a new one of a list."""
    if known.is_repeated:
        added: Message = holder.add()
        return added
    message: Message = getattr(holder, known.name)
    message.SetInParent()
    return message


def _bind_message(
    context: _Context, place: Place, known: _Known, holder: Any, path: Path, depth: int
) -> Sequence[tree.Field]:
    """Bind a message; holder is the list that it belongs in, or the message around it."""
    node = place.value
    if not isinstance(node, tree.Message):
        context.failed.add(path)
        context.report(wrong_type(place, known.descriptor, "a message in braces"))
    elif depth >= limits.NESTING:
        context.failed.add(path)
        context.report(catalogue.TOO_DEEP.at(place.name_span, limit=limits.NESTING))
    else:
        context.places[path] = place
        return _bind_fields(
            context, node.fields, _target(_made(holder, known), path, depth + 1, node.is_closed)
        )
    return ()


def _replacing(context: _Context, place: Place, known: _Known, message: Any, path: Path) -> Place:
    """Return a place with that of what it replaces: an earlier one of its field, or another of its oneof.

    A scalar that is given again is reported, and so is a member of a oneof that takes another's place.
    """
    name = known.name
    if known.oneof:
        other = message.WhichOneof(known.oneof)
    else:
        is_again = known.has_presence and path in context.places and message.HasField(name)
        other = name if is_again else None
    if other is None:
        return place
    earlier = context.places[(*path[:-1], other)]
    if other != name:
        related = [Related(earlier.name_span, f'"{other}" is set here')]
        context.report(catalogue.ONEOF_REPLACED.at(place.name_span, field=name, other=other, related=related))
    elif not known.is_message:
        related = [Related(earlier.span, "this value is lost")]
        context.report(catalogue.SET_AGAIN.at(place.name_span, field=name, related=related))
    return Place(place.document, place.field, place.value, earlier)


def _report_unknown_field(context: _Context, name: tree.Name, target: _Target) -> None:
    span = context.document.span(name)
    suggestion = context.suggestion(name.text, target.descriptor)
    fix = [Edit(span, suggestion.slip)] if suggestion.slip else []
    within = _within(context, target.path)
    if context.lenient:
        if suggestion.slip and not name.bracketed:
            context.report(
                catalogue.NEARLY_A_FIELD.at(
                    span, name=name.text, message=within, help=suggestion.help, fix=fix
                )
            )
    elif name.bracketed:
        context.report(catalogue.NOT_SUPPORTED.at(span, what="the name of an extension or of an Any type"))
    elif name.text not in _reserved_names(target.descriptor):
        context.failed.update((*target.path, meant) for meant in suggestion.names)
        owners = [] if suggestion.names else _owners(context, name.text, target)
        context.report(
            catalogue.UNKNOWN_FIELD.at(
                span,
                message=within,
                name=quotable(name.text),
                help=context.foreign.get(name.text) or suggestion.help or _belonging(name.text, owners),
                fix=fix,
            )
        )


def _owners(context: _Context, name: str, target: _Target) -> list[str]:
    """Return the messages that have a field of a name: the nearest, or all of them.

    A field of this message that leads to it is not missed: its part is there, at the wrong level.
    """
    for inner in target.descriptor.fields:
        if _holders([inner], name):
            context.failed.add((*target.path, inner.name))
    nearest = [field.name for field in target.descriptor.fields if _has_field(field.message_type, name)]
    around = [
        _within(context, each.path)
        for each in reversed(context.enclosing[:-1])
        if _has_field(each.descriptor, name)
    ]
    current = [field for field in context.enclosing[0].descriptor.fields if not field.GetOptions().deprecated]
    return nearest or around[:1] or _holders(current, name)


def _has_field(message: Descriptor | None, name: str) -> bool:
    return message is not None and name in message.fields_by_name


def _holders(fields: Iterable[FieldDescriptor], name: str) -> list[str]:
    """Return those of some fields, and of the fields in them, whose messages have a field of a name."""
    waiting = deque(fields)
    seen: set[str] = set()
    holders: dict[str, None] = {}
    while waiting:
        message, holder = waiting[0].message_type, waiting.popleft().name
        if message is None:
            continue
        if name in message.fields_by_name:
            holders[holder] = None
        if message.full_name not in seen:
            seen.add(message.full_name)
            waiting.extend(message.fields)
    return list(holders)


def _belonging(name: str, owners: list[str]) -> str | None:
    return f'"{name}" belongs in {" or ".join(owners[:_MOST_OWNERS])}' if owners else None


def _reserved_names(descriptor: Descriptor) -> list[str]:
    """Return the reserved names of a message type, which a text may use without effect (spec: "Fields")."""
    proto = DescriptorProto()
    descriptor.CopyToProto(proto)
    return list(proto.reserved_name)


def _missing_fields(context: _Context, message: Message) -> Iterator[Diagnostic]:
    """Find the required fields that are not set. Merge does not look for them (reference U21)."""
    for missing in message.FindInitializationErrors():  # type: ignore[attr-defined]
        path = _path(missing)
        if path in context.failed or path[:-1] in context.damaged:
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
