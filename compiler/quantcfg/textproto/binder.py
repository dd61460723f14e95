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

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cache
from types import MappingProxyType

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from quantcfg import limits
from quantcfg.diagnostics import Diagnostic, Edit, Related, Report, catalogue
from quantcfg.diagnostics.suggestions import Suggestion, is_slip_of_any, suggest
from quantcfg.frozen import frozen_value
from quantcfg.textproto import tree
from quantcfg.textproto.bound import (
    Binding,
    Bound,
    BoundMessage,
    BoundScalar,
    Known,
    Path,
    Place,
    fields_of,
    holding_required,
    place_of,
    required,
)
from quantcfg.textproto.literals import quotable

_NOTHING: Mapping[str, str] = MappingProxyType({})
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
    enclosing: list[BoundMessage] = field(default_factory=list)
    ended: dict[Descriptor, BoundMessage] = field(default_factory=dict)
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
    descriptor: Descriptor,
    report: Report,
    *,
    lenient: bool = False,
    foreign: Mapping[str, str] = _NOTHING,
    hint: Hints = lambda _field, _value: None,
    refuse_repeated: bool = False,
) -> Binding:
    """Bind a syntax tree to the fields of a message type.

    A lenient binding passes over fields and enum values that the schema lacks,
    and over missing required fields: the schema knows only a part of the format.
    foreign holds names that are no misspelt fields, and what to say of them.
    With refuse_repeated a field that is not a list and is given twice is an error,
    as it is for Parse of C++; without, the message is what Merge would make of it.
    """
    context = _Context(document, report, lenient, foreign, hint, refuse_repeated)
    node = tree.Message(document.fields)
    whole = BoundMessage(descriptor, tree.Field("", node), node, (), 1, {})
    _bind_fields(context, node, whole)
    if not lenient:
        for diagnostic in _missing_fields(context, whole):
            report(diagnostic)
    return Binding(document, whole, context.unknown_enums, context.failed, context.damaged)


def _bind_fields(context: _Context, node: tree.Message, target: BoundMessage) -> Sequence[tree.Field]:
    """Bind the fields of a message; return those behind its end, the last first, if it has none."""
    context.enclosing.append(target)
    known_fields = fields_of(target.descriptor)
    waiting = [*node.fields]
    waiting.reverse()
    while waiting:
        field = waiting.pop()
        known = known_fields.get(field.text)
        if known is not None:
            waiting += _bind_field(context, field, known, target)
        elif _belongs_outside(context, field):
            waiting.append(field)
            break
        else:
            _bind_unknown_field(context, field, target)
    context.enclosing.pop()
    if context.document.closes_early:
        context.ended[target.descriptor] = target
    return waiting


def _belongs_outside(context: _Context, node: tree.Field) -> bool:
    """Tell whether a message around knows a field that its own does not, where one of them has no end."""
    if all(target.is_closed for target in context.enclosing):
        return False
    return any(node.text in fields_of(target.descriptor) for target in context.enclosing[:-1])


def _bind_unknown_field(context: _Context, node: tree.Field, target: BoundMessage) -> None:
    """Bind a field that its message does not have to what was meant; else report it."""
    if not node.text:
        context.damaged.add(target.path)
        return
    if context.document.closes_early:
        for ended in reversed(list(context.ended.values())):
            if known := fields_of(ended.descriptor).get(node.text):
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
            _bind_field(context, node, fields_of(target.descriptor)[suggestion.slip], target)
    elif suggestion.slip:
        _report_slip(context, node.name, target, suggestion)


def _bind_field(
    context: _Context, field: tree.Field, known: Known, target: BoundMessage
) -> Sequence[tree.Field]:
    """Bind a field; return the fields in it that belong to a message around it, the last first."""
    value = field.value
    if known.is_map and not isinstance(value, tree.Missing):
        context.report(catalogue.NOT_SUPPORTED.at(context.document.span(field.name), what="a map field"))
        return ()
    if not known.is_repeated or not isinstance(value, tree.List):
        return _bind_value(context, field, value, known, target)
    outside: list[tree.Field] = []
    for item in value.items:
        if isinstance(item, tree.String) and len(item.parts) > 1:
            help = 'put "," between them, if they are two'
            context.report(catalogue.ADJACENT_STRINGS.at(context.document.span(item), help=help))
        if not isinstance(item, tree.Missing):
            outside += reversed(_bind_value(context, field, item, known, target))
    return outside[::-1]


def _bind_value(
    context: _Context, field: tree.Field, node: tree.Value, known: Known, target: BoundMessage
) -> Sequence[tree.Field]:
    """Bind the value of a field, or an item of its list."""
    if known.convert:
        value = known.convert(node)
        if value is None:
            _refuse(context, field, node, known, target)
            return ()
        if context.unknown_enums:
            context.unknown_enums.pop((*target.path, known.name), None)
        _put(BoundScalar(value, field, node, _replaced(context, field, known, target)), known, target)
        return ()
    if not isinstance(node, tree.Message):
        _refuse(context, field, node, known, target)
        return ()
    earlier = _replaced(context, field, known, target)
    if target.depth >= limits.NESTING:
        context.failed.add(_next_path(known, target))
        span = Place(context.document, field, node).name_span
        context.report(catalogue.TOO_DEEP.at(span, limit=limits.NESTING))
        return ()
    return _bind_fields(context, node, _made(field, node, known, target, earlier))


def _made(
    field: tree.Field,
    node: tree.Message | tree.Missing,
    known: Known,
    target: BoundMessage,
    earlier: Bound | None = None,
) -> BoundMessage:
    """Return a new message of a field, with the fields of the one that is there, if it is not a list."""
    assert known.message
    there = None if known.is_repeated else target.message(known.name)
    fields, path = there.fields if there else {}, _next_path(known, target)
    made = BoundMessage(known.message, field, node, path, target.depth + 1, fields, earlier)
    _put(made, known, target)
    return made


def _put(bound: Bound, known: Known, target: BoundMessage) -> None:
    """Set a field, in place of all else of its oneof, or add an item to it."""
    if known.is_repeated:
        items = target.fields.setdefault(known.name, [])
        assert isinstance(items, list)
        items.append(bound)
        return
    for rival in known.rivals:
        target.fields.pop(rival, None)
    target.fields[known.name] = bound


def _next_path(known: Known, target: BoundMessage) -> Path:
    """Return where the next value of a field goes."""
    path: Path = (*target.path, known.name)
    return (*path, len(target.items(known.name))) if known.is_repeated else path


def _refuse(
    context: _Context, field: tree.Field, node: tree.Value, known: Known, target: BoundMessage
) -> None:
    """Report that a field does not take a value, or where a lenient binding passes over it, keep its word."""
    if isinstance(node, tree.Missing):
        context.failed.add((*target.path, known.name))
        _expect_fields(context, field, node, known, target)
        return
    from quantcfg.textproto.refusals import refusal

    wrong, path = refusal(context.document, node, known.descriptor), _next_path(known, target)
    if context.lenient and wrong.code == catalogue.UNKNOWN_ENUM_VALUE.code:
        context.unknown_enums[path] = Place(context.document, field, node)
        return
    context.failed.add(path)
    hint = context.hint(known.descriptor, node)
    if hint:
        fix = (Edit(context.document.span(node), hint.text),) if hint.text else ()
        wrong = replace(wrong, help=hint.help, fix=fix)
    context.report(wrong)


def _expect_fields(
    context: _Context, field: tree.Field, node: tree.Missing, known: Known, target: BoundMessage
) -> None:
    """Make a message of which only the name is there, for the fields behind it, if its bracket is missing."""
    if not known.message or known.is_map or not context.document.closes_early:
        return
    message = _made(field, node, known, target)
    context.damaged.add(message.path)
    context.ended[message.descriptor] = message


def _replaced(context: _Context, node: tree.Field, known: Known, target: BoundMessage) -> Bound | None:
    """Return what a field takes the place of: an earlier one of its name, or another of its oneof.

    A scalar that is given again is reported, and so is a member of a oneof that takes another's place.
    A list has all of them.
    """
    name = known.name
    other = name if not known.rivals else next((each for each in known.rivals if each in target.fields), name)
    earlier = target.fields.get(other)
    if earlier is None or isinstance(earlier, list):
        return None
    place = place_of(earlier, context.document)
    if other != name:
        related = [Related(place.name_span, f'"{other}" is set here')]
        span = context.document.span(node.name)
        context.report(catalogue.ONEOF_REPLACED.at(span, field=name, other=other, related=related))
    elif context.refuse_repeated:
        _report_repeated(context, node, place, target)
    elif known.convert and known.has_presence:
        related = [Related(place.span, "this value is lost")]
        context.report(catalogue.SET_AGAIN.at(context.document.span(node.name), field=name, related=related))
    return earlier


def _report_repeated(context: _Context, node: tree.Field, earlier: Place, target: BoundMessage) -> None:
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


def _report_unknown_field(
    context: _Context, name: tree.Name, target: BoundMessage, suggestion: Suggestion
) -> None:
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


def _report_slip(context: _Context, name: tree.Name, target: BoundMessage, suggestion: Suggestion) -> None:
    """Report a name that is nearly one of the schema, where the schema may lack names."""
    span = context.document.span(name)
    fix = [Edit(span, suggestion.slip or "")]
    context.report(
        catalogue.NEARLY_A_FIELD.at(
            span, name=name.text, message=_within(target), help=suggestion.help, fix=fix
        )
    )


def _owners(context: _Context, name: str, target: BoundMessage) -> list[str]:
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


def _missing_fields(context: _Context, message: BoundMessage) -> Iterator[Diagnostic]:
    """Find the required fields that are not set. Merge does not look for them (reference U21)."""
    path = message.path
    for name in required(message.descriptor):
        if name not in message.fields and path not in context.damaged and (*path, name) not in context.failed:
            span = place_of(message, context.document).name_span
            yield catalogue.MISSING_FIELD.at(span, field=name, message=_within(message))
    for name in holding_required(message.descriptor):
        for each in message.messages(name):
            yield from _missing_fields(context, each)


def _within(message: BoundMessage) -> str:
    """Return what a text calls a message."""
    return message.field.text if message.path else "the top level"
