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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cache
from types import MappingProxyType

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from quantcfg import limits
from quantcfg.diagnostics import Diagnostic, Edit, Related, Report, catalogue
from quantcfg.diagnostics.suggestions import Suggestion, is_slip_of_any, suggest
from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.textproto.binding import (
    Binding,
    Bound,
    Given,
    Known,
    Path,
    bound_at,
    fields_of,
    place_of,
    place_of_bound,
)
from quantcfg.textproto.literals import quotable
from quantcfg.textproto.scalars import Place, wrong_type
from quantcfg.values import frozen_value

_NOTHING: Mapping[str, str] = MappingProxyType({})
_STEP = r"(?P<name>\w+)(?:\[(?P<index>\d+)\])?"
_NO_SUGGESTION = Suggestion()
_MOST_OWNERS = 3
_MOST_SUGGESTIONS = 1000
"""How many misspelt names of one text are looked up; a text with more of them is no text of this kind."""


@frozen_value
class Hint:
    """What to do about a value that a field does not take, and the text that was plainly meant, if any."""

    help: str
    text: str | None = None


Hints = Callable[[FieldDescriptor, tree.Value], Hint | None]
"""Tells what to do about a value that a field does not take, where the schema does not say enough."""


@frozen_value
class _Context:
    """What a binding works on.

    repeated holds the messages whose first field is given twice: what follows it was
    meant for another message; failed the fields that are given, but badly; damaged
    the messages with something that cannot be read; enclosing the messages that are
    being filled, the innermost last; ended the last message of each type, where a
    text closes early.
    """

    document: tree.Document
    report: Report
    lenient: bool
    foreign: Mapping[str, str]
    hint: Hints
    refuse_repeated: bool
    repeated: set[Path] = field(default_factory=set)
    unknown_enums: dict[Path, Place] = field(default_factory=dict)
    failed: set[Path] = field(default_factory=set)
    damaged: set[Path] = field(default_factory=set)
    enclosing: list[Bound] = field(default_factory=list)
    ended: dict[Descriptor, Bound] = field(default_factory=dict)
    suggestions: dict[tuple[str, str], Suggestion] = field(default_factory=dict)

    def suggestion(self, name: str, descriptor: Descriptor) -> Suggestion:
        """Return the fields that a name was probably meant to be; none for one in brackets.

        In a lenient binding most of the names that the schema lacks are right, and only a slip counts.
        """
        key = (descriptor.full_name, name)
        if name in self.foreign or name.startswith("["):
            return _NO_SUGGESTION
        if key not in self.suggestions and len(self.suggestions) < _MOST_SUGGESTIONS:
            fields = [field.name for field in _current_fields(descriptor)]
            is_near = not self.lenient or is_slip_of_any(name, fields)
            self.suggestions[key] = suggest(name, fields) if is_near else _NO_SUGGESTION
        return self.suggestions.get(key, _NO_SUGGESTION)


def bind(
    document: tree.Document,
    message: Message,
    report: Report,
    *,
    lenient: bool = False,
    foreign: Mapping[str, str] = _NOTHING,
    hint: Hints = lambda _field, _value: None,
    refuse_repeated: bool = False,
) -> Binding:
    """Fill a message from a syntax tree.

    A lenient binding passes over fields and enum values that the schema lacks,
    and over missing required fields: the schema knows only a part of the format.
    foreign holds names that are no misspelt fields, and what to say of them.
    With refuse_repeated a field that is not a list and is given twice is an error,
    as it is for Parse of C++; without, the message is what Merge would make of it.
    """
    context = _Context(document, report, lenient, foreign, hint, refuse_repeated)
    whole = Bound(message, fields_of(message.DESCRIPTOR))
    _bind_fields(context, document.fields, whole)
    if not lenient:
        for diagnostic in _missing_fields(context, whole):
            report(diagnostic)
    return Binding(document, whole, context.unknown_enums, context.failed, context.damaged)


def _bind_fields(context: _Context, fields: Iterable[tree.Field], target: Bound) -> Sequence[tree.Field]:
    """Bind the fields of a message; return those behind its end, the last first, if it has none."""
    context.enclosing.append(target)
    waiting = [*fields]
    waiting.reverse()
    while waiting:
        node = waiting.pop()
        known = target.known.get(node.text)
        if known is not None:
            waiting += _bind_field(context, node, known, target)
        elif _belongs_outside(context, node):
            waiting.append(node)
            break
        else:
            _bind_unknown_field(context, node, target)
    context.enclosing.pop()
    if context.document.closes_early:
        context.ended[target.descriptor] = target
    return waiting


def _belongs_outside(context: _Context, node: tree.Field) -> bool:
    """Tell whether a message around knows a field that its own does not, where one of them has no end."""
    if all(target.is_closed for target in context.enclosing):
        return False
    return any(node.text in target.known for target in context.enclosing[:-1])


def _bind_unknown_field(context: _Context, node: tree.Field, target: Bound) -> None:
    """Bind a field that its message does not have to what was meant; else report it."""
    if not node.text:
        context.damaged.add(target.path)
        return
    if context.document.closes_early:
        for ended in reversed(list(context.ended.values())):
            if known := ended.known.get(node.text):
                _bind_field(context, node, known, ended)
                return
    if isinstance(node.value, tree.Missing):
        # What is wrong here has been reported, and the name may only be a part of what was meant.
        context.damaged.add(target.path)
        return
    suggestion = context.suggestion(node.text, target.descriptor)
    if not context.lenient:
        _report_unknown_field(context, node.name, target, suggestion)
        if suggestion.slip:
            _bind_field(context, node, target.known[suggestion.slip], target)
    elif suggestion.slip:
        _report_slip(context, node.name, target, suggestion)


def _bind_field(context: _Context, node: tree.Field, known: Known, target: Bound) -> Sequence[tree.Field]:
    """Bind a field; return the fields in it that belong to a message around it, the last first."""
    if isinstance(node.value, tree.Missing):
        context.failed.add((*target.path, known.name))
        _expect_fields(context, node, known, target)
    elif known.is_map:
        context.report(catalogue.NOT_SUPPORTED.at(context.document.span(node.name), what="a map field"))
    elif known.is_repeated:
        return _bind_items(context, node, known, target)
    elif known.is_message:
        return _set_message(context, node, known, target)
    else:
        _set_scalar(context, node, known, target)
    return ()


def _expect_fields(context: _Context, node: tree.Field, known: Known, target: Bound) -> None:
    """Make a message of which only the name is there, for the fields behind it, if its bracket is missing."""
    if not known.is_message or known.is_map or not context.document.closes_early:
        return
    message = _made(node, known, target)
    context.damaged.add(message.path)
    context.ended[message.descriptor] = message


def _bind_items(context: _Context, node: tree.Field, known: Known, target: Bound) -> Sequence[tree.Field]:
    if not isinstance(node.value, tree.List):
        return _add(context, node, node.value, known, target)
    outside: list[tree.Field] = []
    for item in node.value.items:
        place = Place(context.document, node, item)
        if isinstance(item, tree.String) and len(item.parts) > 1:
            help = 'put "," between them, if they are two'
            context.report(catalogue.ADJACENT_STRINGS.at(place.span, help=help))
        if not isinstance(item, tree.Missing):
            outside += reversed(_add(context, place, item, known, target))
    return outside[::-1]


def _add(
    context: _Context, given: Given, node: tree.Value, known: Known, target: Bound
) -> Sequence[tree.Field]:
    """Bind a value to a list."""
    if known.is_message:
        return _bind_message(context, given, node, known, target)
    container = getattr(target.message, known.name)
    assert known.convert
    value = known.convert(context.document, node, known.descriptor)
    if isinstance(value, Diagnostic):
        wrong = _hinted(context, value, node, known)
        _refuse(context, given, (*target.path, known.name, len(container)), wrong)
    else:
        target.items(known.name).append(given)
        container.append(value)
    return ()


def _set_message(context: _Context, node: tree.Field, known: Known, target: Bound) -> Sequence[tree.Field]:
    given: Given = node
    if (known.oneof or known.name in target.fields) and isinstance(node.value, tree.Message):
        given = _replacing(context, node, known, target)
    return _bind_message(context, given, node.value, known, target)


def _set_scalar(context: _Context, node: tree.Field, known: Known, target: Bound) -> None:
    assert known.convert
    name, value = known.name, known.convert(context.document, node.value, known.descriptor)
    if isinstance(value, Diagnostic):
        _refuse(context, node, (*target.path, name), _hinted(context, value, node.value, known))
        return
    if context.unknown_enums:
        context.unknown_enums.pop((*target.path, name), None)
    is_first = known.oneof is None and name not in target.fields
    target.fields[name] = node if is_first else _replacing(context, node, known, target)
    setattr(target.message, name, value)


def _hinted(context: _Context, wrong: Diagnostic, node: tree.Value, known: Known) -> Diagnostic:
    hint = context.hint(known.descriptor, node)
    if hint is None:
        return wrong
    fix = (Edit(context.document.span(node), hint.text),) if hint.text else ()
    return replace(wrong, help=hint.help, fix=fix)


def _refuse(context: _Context, given: Given, path: Path, wrong: Diagnostic) -> None:
    """Report that a field does not take a value, or where a lenient binding passes over it, keep its word."""
    if context.lenient and wrong.code == catalogue.UNKNOWN_ENUM_VALUE.code:
        context.unknown_enums[path] = place_of(given, context.document)
    else:
        context.failed.add(path)
        context.report(wrong)


def _bind_message(
    context: _Context, given: Given, node: tree.Value, known: Known, target: Bound
) -> Sequence[tree.Field]:
    """Bind a message to a field, or to a list."""
    if not isinstance(node, tree.Message):
        context.failed.add(_next_path(known, target))
        wrong = wrong_type(context.document, node, known.descriptor, "a message in braces")
        context.report(_hinted(context, wrong, node, known))
    elif target.depth >= limits.NESTING:
        context.failed.add(_next_path(known, target))
        span = place_of(given, context.document).name_span
        context.report(catalogue.TOO_DEEP.at(span, limit=limits.NESTING))
    else:
        return _bind_fields(context, node.fields, _made(given, known, target))
    return ()


def _next_path(known: Known, target: Bound) -> Path:
    """Return where the next message of a field goes."""
    path: Path = (*target.path, known.name)
    return (*path, len(target.items(known.name))) if known.is_repeated else path


def _made(given: Given, known: Known, target: Bound) -> Bound:
    """Return the message of a field, made if it is not there, or a new one of a list."""
    name, path, depth = known.name, _next_path(known, target), target.depth + 1
    message = getattr(target.message, name)
    if known.is_repeated:
        message = message.add()
        made = Bound(message, fields_of(message.DESCRIPTOR), given, path, depth, {})
        target.items(name).append(made)
        return made
    message.SetInParent()
    there = target.fields.get(name)
    fields = there.fields if isinstance(there, Bound) else {}
    made = Bound(message, fields_of(message.DESCRIPTOR), given, path, depth, fields)
    target.fields[name] = made
    return made


def _replacing(context: _Context, node: tree.Field, known: Known, target: Bound) -> Given:
    """Return a field with what it replaces: an earlier one of its name, or another of its oneof.

    A scalar that is given again is reported, and so is a member of a oneof that takes another's place.
    """
    name = known.name
    other = target.message.WhichOneof(known.oneof) if known.oneof else name
    if other is None or other not in target.fields:
        return node
    earlier = place_of_bound(target.single(other), context.document)
    if other != name:
        del target.fields[other]
        related = [Related(earlier.name_span, f'"{other}" is set here')]
        span = context.document.span(node.name)
        context.report(catalogue.ONEOF_REPLACED.at(span, field=name, other=other, related=related))
    elif context.refuse_repeated:
        _report_repeated(context, node, earlier, target)
    elif not known.is_message and known.has_presence:
        related = [Related(earlier.span, "this value is lost")]
        context.report(catalogue.SET_AGAIN.at(context.document.span(node.name), field=name, related=related))
    return Place(context.document, node, node.value, earlier)


def _report_repeated(context: _Context, node: tree.Field, earlier: Place, target: Bound) -> None:
    """Report a field that is given twice.

    What follows in a message that starts twice, or in a message in it, was meant for another one.
    """
    if any(target.path[:depth] in context.repeated for depth in range(1, len(target.path) + 1)):
        return
    starts_again = bool(target.path) and next(iter(target.fields)) == node.text
    if starts_again:
        context.repeated.add(target.path)
    context.report(
        catalogue.GIVEN_TWICE.at(
            context.document.span(node.name),
            field=node.text,
            related=[Related(earlier.name_span, "first given here")],
            help="a closing brace is probably missing before it" if starts_again else "remove one of them",
        )
    )


def _report_unknown_field(context: _Context, name: tree.Name, target: Bound, suggestion: Suggestion) -> None:
    span = context.document.span(name)
    if name.bracketed:
        context.report(catalogue.NOT_SUPPORTED.at(span, what="the name of an extension or of an Any type"))
        return
    if name.text in _reserved_names(target.descriptor):
        return
    context.failed.update((*target.path, meant) for meant in suggestion.names)
    owners = [] if suggestion.names else _owners(context, name.text, target)
    context.report(
        catalogue.UNKNOWN_FIELD.at(
            span,
            message=_within(target),
            name=quotable(name.text),
            help=context.foreign.get(name.text) or suggestion.help or _belonging(name.text, owners),
            fix=[Edit(span, suggestion.slip)] if suggestion.slip else [],
        )
    )


def _report_slip(context: _Context, name: tree.Name, target: Bound, suggestion: Suggestion) -> None:
    """Report a name that is nearly one of the schema, where the schema may lack names."""
    span = context.document.span(name)
    fix = [Edit(span, suggestion.slip or "")]
    context.report(
        catalogue.NEARLY_A_FIELD.at(
            span, name=name.text, message=_within(target), help=suggestion.help, fix=fix
        )
    )


def _owners(context: _Context, name: str, target: Bound) -> list[str]:
    """Return the messages that have a field of a name: the nearest, or all of them.

    A field of this message that leads to it is not missed: its part is there, at the wrong level.
    """
    for inner in target.descriptor.fields:
        if name in _holders((inner,)):
            context.failed.add((*target.path, inner.name))
    nearest = [field.name for field in target.descriptor.fields if _has_field(field.message_type, name)]
    around = [_within(each) for each in reversed(context.enclosing[:-1]) if _has_field(each.descriptor, name)]
    return nearest or around[:1] or _holders(_current_fields(context.enclosing[0].descriptor)).get(name, [])


def _has_field(message: Descriptor | None, name: str) -> bool:
    return message is not None and name in message.fields_by_name


@cache
def _current_fields(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    return tuple(
        field for field in descriptor.fields if not (field.has_options and field.GetOptions().deprecated)
    )


@cache
def _holders(fields: tuple[FieldDescriptor, ...]) -> Mapping[str, list[str]]:
    """Return for each name those of some fields, and of the fields in them, whose messages have it."""
    waiting = deque(fields)
    seen: set[str] = set()
    holders: dict[str, dict[str, None]] = {}
    while waiting:
        message, holder = waiting[0].message_type, waiting.popleft().name
        if message is None:
            continue
        for name in message.fields_by_name:
            holders.setdefault(name, {})[holder] = None
        if message.full_name not in seen:
            seen.add(message.full_name)
            waiting.extend(message.fields)
    return {name: list(found) for name, found in holders.items()}


def _belonging(name: str, owners: list[str]) -> str | None:
    return f'"{name}" belongs in {" or ".join(owners[:_MOST_OWNERS])}' if owners else None


@cache
def _reserved_names(descriptor: Descriptor) -> list[str]:
    """Return the reserved names of a message type, which a text may use without effect (spec: "Fields")."""
    from google.protobuf.descriptor_pb2 import DescriptorProto

    proto = DescriptorProto()
    descriptor.CopyToProto(proto)
    return list(proto.reserved_name)


def _missing_fields(context: _Context, whole: Bound) -> Iterator[Diagnostic]:
    """Find the required fields that are not set. Merge does not look for them (reference U21)."""
    for missing in whole.message.FindInitializationErrors():
        path = _path(missing)
        if path in context.failed or path[:-1] in context.damaged:
            continue
        parent = bound_at(whole, path[:-1])
        assert isinstance(parent, Bound)
        place = place_of_bound(parent, context.document) if parent.given else None
        span = place.name_span if place else Span(context.document.source, 0, 0)
        yield catalogue.MISSING_FIELD.at(span, field=path[-1], message=_within(parent))


def _within(message: Bound) -> str:
    """Return what a text calls a message."""
    given = message.given
    if given is None:
        return "the top level"
    return given.field.text if isinstance(given, Place) else given.text


def _path(dotted: str) -> Path:
    """Return the path that protobuf writes as "a[0].b"."""
    path: list[str | int] = []
    for step in re.finditer(_STEP, dotted):
        path.append(step["name"])
        if step["index"]:
            path.append(int(step["index"]))
    return tuple(path)
