"""Bind a syntax tree to a protobuf message type.

The result equals that of text_format.Merge: the last value of a repeated scalar
wins, repeated messages are merged, and setting a oneof member clears the others.
Where Merge drops a value silently, the binder warns. Where the text format does
not allow a value, the binder reports an error and continues.

After a syntax error or a misspelled name, the binder assumes what was probably
meant, so that one error is not reported twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from types import MappingProxyType

from quantcfg import limits
from quantcfg.contracts.descriptors import Descriptor, FieldDescriptor
from quantcfg.diagnostics import Diagnostic, Edit, Related, Report, catalogue
from quantcfg.diagnostics.suggestions import Suggestion, is_slip_of_any, suggest
from quantcfg.frozen import frozen_value, replace
from quantcfg.textproto import tree
from quantcfg.textproto.bound import (
    Binding,
    Bound,
    BoundMessage,
    BoundScalar,
    Path,
    Place,
    holding_required,
    place_of,
    required,
)
from quantcfg.textproto.literals import quotable
from quantcfg.textproto.scalars import converter

_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_SUGGESTION = Suggestion()
_MOST_OWNERS = 3
_MISSING_BRACE = 'check for a missing "}" before it'
_MOST_SUGGESTIONS = 1000
"""At most this many unknown names get a suggestion: a file with more of them is probably another format."""


@frozen_value
class Hint:
    """The help for a value that a field does not accept, and the replacement text, if it is certain."""

    help: str
    text: str | None = None


Hints = Callable[[FieldDescriptor, tree.Value], Hint | None]
"""Returns a better hint than the schema can give for a value that a field does not accept, or None."""

Misplaced = Callable[[FieldDescriptor, BoundMessage], bool]
"""Returns whether a message field cannot follow the fields that its message already has."""


@frozen_value
class Dialect:
    """How a schema is applied to a file.

    A lenient dialect ignores unknown fields, unknown enum values and missing
    required fields, for schemas that cover only a part of the format. It reports
    messages that belong to an enclosing message: a "}" is probably missing.
    foreign maps unknown names that are not misspelled fields to their help.
    With refuse_repeated, setting a singular field twice is an error, as in the
    C++ parser; otherwise the values are merged. open_enums are the full names of
    the fields whose unknown enum values a lenient dialect ignores, None for all.
    """

    lenient: bool = False
    foreign: Mapping[str, str] = _NOTHING
    hint: Hints = lambda _field, _value: None
    refuse_repeated: bool = False
    misplaced: Misplaced = lambda _field, _target: False
    open_enums: Collection[str] | None = None


_STRICT = Dialect()


class _Context:
    """The inputs and the state of one binding.

    repeated: messages that are set twice, or in which another message probably starts,
    because their first field is set twice or a field belongs to an enclosing message.
    failed: fields that have only invalid values. broken: messages with a syntax error inside. enclosing:
    the messages being bound, the innermost last. ended: the last message of each type,
    kept only if the document has an extra closing bracket.
    """

    def __init__(self, document: tree.Document, report: Report, dialect: Dialect) -> None:
        self.document, self.report, self.dialect = document, report, dialect
        self.repeated: set[Path] = set()
        self.unknown_enums: dict[Path, Place] = {}
        self.failed: set[Path] = set()
        self.broken: set[Path] = set()
        self.enclosing: list[BoundMessage] = []
        self.ended: dict[Descriptor, BoundMessage] = {}
        self.suggestions: dict[tuple[str, str], Suggestion] = {}

    def suggestion(self, name: str, descriptor: Descriptor) -> Suggestion:
        """Return the fields that an unknown name probably means.

        In a lenient dialect most unknown names are valid, so only a near match is used.
        """
        key = (descriptor.full_name, name)
        if name in self.dialect.foreign or name.startswith("["):
            return _NO_SUGGESTION
        if key not in self.suggestions and len(self.suggestions) < _MOST_SUGGESTIONS:
            fields = [field.name for field in _current_fields(descriptor)]
            is_near = not self.dialect.lenient or is_slip_of_any(name, fields)
            self.suggestions[key] = suggest(name, fields) if is_near else _NO_SUGGESTION
        return self.suggestions.get(key, _NO_SUGGESTION)


def bind(
    document: tree.Document, descriptor: Descriptor, report: Report, dialect: Dialect = _STRICT
) -> Binding:
    """Bind a syntax tree to the fields of a message type."""
    context = _Context(document, report, dialect)
    node = tree.Message([*document.fields])
    whole = BoundMessage(descriptor, tree.Field("", node), node, (), 1, {})
    _bind_fields(context, node, whole)
    if not dialect.lenient:
        for diagnostic in _missing_fields(context, whole):
            report(diagnostic)
    return Binding(document, whole, context.unknown_enums, context.failed, context.broken)


def _bind_fields(context: _Context, node: tree.Message, target: BoundMessage) -> Sequence[tree.Field]:
    """Bind the fields of a message; return those that belong to an enclosing message, in reverse order."""
    context.enclosing.append(target)
    known_fields = target.descriptor.spellings
    waiting = node.fields[::-1]
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
    """Return whether an enclosing message has this field and one of the open messages is not closed."""
    if all(target.is_closed for target in context.enclosing):
        return False
    return any(node.text in target.descriptor.spellings for target in context.enclosing[:-1])


def _bind_unknown_field(context: _Context, node: tree.Field, target: BoundMessage) -> None:
    """Bind an unknown field as the field it probably means, or report it."""
    if not node.text:
        context.broken.add(target.path)
        return
    if context.document.closes_early:
        for ended in reversed(list(context.ended.values())):
            if known := ended.descriptor.spellings.get(node.text):
                _bind_field(context, node, known, ended)
                return
    if isinstance(node.value, tree.Missing):
        # The syntax error is reported already, and the name may be incomplete.
        context.broken.add(target.path)
        return
    if context.dialect.lenient and (misplaced := _misplaced(context, node, target)):
        _report_misplaced(context, *misplaced, target)
        return
    suggestion = context.suggestion(node.text, target.descriptor)
    if not context.dialect.lenient:
        _report_unknown_field(context, node.name, target, suggestion)
        if suggestion.slip:
            _bind_field(context, node, target.descriptor.spellings[suggestion.slip], target)
    elif suggestion.slip:
        _report_slip(context, node.name, target, suggestion)


def _misplaced(context: _Context, node: tree.Field, target: BoundMessage) -> tuple[tree.Field, str] | None:
    """Return a message in an unknown field that belongs to an enclosing message, and where it is.

    The field itself may belong to any of them. The schema of its content is not known, so only
    messages of the outermost type count there, such as the layers of a net.
    """
    if not isinstance(node.value, tree.Message) or not target.path:
        return None
    if any(node.text in _message_fields(each.descriptor) for each in context.enclosing[:-1]):
        return node, _within(target)
    names, waiting = _message_fields(context.enclosing[0].descriptor), [node]
    while waiting:
        outer = waiting.pop()
        assert isinstance(outer.value, tree.Message)
        inner = [each for each in outer.value.fields if isinstance(each.value, tree.Message)]
        for each in inner:
            if each.text in names:
                return each, outer.text
        waiting += reversed(inner)
    return None


@cache
def _message_fields(descriptor: Descriptor) -> AbstractSet[str]:
    return {name for name, known in descriptor.spellings.items() if known.message}


def _report_misplaced(context: _Context, node: tree.Field, message: str, target: BoundMessage) -> None:
    """Report a field that belongs to an enclosing message; those after it in target are not reported."""
    if _is_after_another(context, target):
        return
    context.repeated.add(target.path)
    span, help = context.document.span(node.name), _MISSING_BRACE
    context.report(catalogue.UNKNOWN_FIELD.at(span, message=message, name=quotable(node.text), help=help))


def _bind_field(
    context: _Context, field: tree.Field, known: FieldDescriptor, target: BoundMessage
) -> Sequence[tree.Field]:
    """Bind a field; return the fields in it that belong to an enclosing message, in reverse order."""
    value = field.value
    if known.is_map and not isinstance(value, tree.Missing):
        context.report(catalogue.NOT_SUPPORTED.at(context.document.span(field.name), what="a map field"))
        return ()
    if not known.is_repeated or not isinstance(value, tree.List):
        return _bind_value(context, field, value, known, target)
    outside: list[tree.Field] = []
    for item in value.items:
        if isinstance(item, tree.String) and item.further:
            help = 'write "," between them if they are two strings'
            context.report(catalogue.ADJACENT_STRINGS.at(context.document.span(item), help=help))
        if not isinstance(item, tree.Missing):
            outside += reversed(_bind_value(context, field, item, known, target))
    return outside[::-1]


def _bind_value(
    context: _Context, field: tree.Field, node: tree.Value, known: FieldDescriptor, target: BoundMessage
) -> Sequence[tree.Field]:
    """Bind the value of a field, or an item of its list; return as _bind_field does."""
    # Nearly all fields are: this saves a call for each of them.
    is_first = known.name not in target.fields and not known.rivals
    if not known.message:
        value = converter(known)(node)
        if value is None:
            _refuse(context, field, node, known, target)
            return ()
        if context.unknown_enums and not context.dialect.refuse_repeated:
            context.unknown_enums.pop((*target.path, known.name), None)
        earlier = None if is_first else _replaced(context, field, known, target)
        _store(BoundScalar(value, field, node, earlier), known, target)
        return ()
    if not isinstance(node, tree.Message):
        _refuse(context, field, node, known, target)
        return ()
    if context.dialect.misplaced(known, target):
        _report_misplaced(context, field, _within(target), target)
        return ()
    earlier = None if is_first else _replaced(context, field, known, target)
    if target.depth >= limits.NESTING:
        context.failed.add(_next_path(known, target))
        span = Place(context.document, field, node).name_span
        context.report(catalogue.TOO_DEEP.at(span, limit=limits.NESTING))
        return ()
    return _bind_fields(context, node, _add_message(field, node, known, target, earlier))


def _add_message(
    field: tree.Field,
    node: tree.Message | tree.Missing,
    known: FieldDescriptor,
    target: BoundMessage,
    earlier: Bound | None = None,
) -> BoundMessage:
    """Add a new message for a field; a singular field starts from the fields that are already set."""
    assert known.message
    there, path = target.fields.get(known.name), _next_path(known, target)
    fields = there.fields if isinstance(there, BoundMessage) else {}
    message = BoundMessage(known.message, field, node, path, target.depth + 1, fields, earlier)
    _store(message, known, target)
    return message


def _store(bound: Bound, known: FieldDescriptor, target: BoundMessage) -> None:
    """Set a field and clear the others of its oneof, or append to a repeated field."""
    if known.is_repeated:
        items = target.fields.setdefault(known.name, [])
        assert isinstance(items, list)
        items.append(bound)
        return
    for rival in known.rivals:
        target.fields.pop(rival, None)
    target.fields[known.name] = bound


def _next_path(known: FieldDescriptor, target: BoundMessage) -> Path:
    """Return the path of the next value of a field."""
    path: Path = (*target.path, known.name)
    return (*path, len(target.items(known.name))) if known.is_repeated else path


def _refuse(
    context: _Context, field: tree.Field, node: tree.Value, known: FieldDescriptor, target: BoundMessage
) -> None:
    """Report a value that a field does not accept; a lenient binding only records unknown enum values."""
    if isinstance(node, tree.Missing):
        context.failed.add((*target.path, known.name))
        _expect_fields(context, field, node, known, target)
        return
    from quantcfg.textproto.refusals import refusal

    wrong, path = refusal(context.document, node, known), _next_path(known, target)
    is_open = context.dialect.open_enums is None or known.full_name in context.dialect.open_enums
    if context.dialect.lenient and is_open and wrong.code == catalogue.UNKNOWN_ENUM_VALUE.code:
        context.unknown_enums[path] = Place(context.document, field, node)
        return
    context.failed.add(path)
    hint = context.dialect.hint(known, node)
    if hint:
        fix = (Edit(context.document.span(node), hint.text),) if hint.text else ()
        wrong = replace(wrong, help=hint.help, fix=fix)
    context.report(wrong)


def _expect_fields(
    context: _Context, field: tree.Field, node: tree.Missing, known: FieldDescriptor, target: BoundMessage
) -> None:
    """Add a message whose opening bracket is missing, for the fields after its name."""
    if not known.message or known.is_map or not context.document.closes_early:
        return
    message = _add_message(field, node, known, target)
    context.broken.add(message.path)
    context.ended[message.descriptor] = message


def _replaced(
    context: _Context, node: tree.Field, known: FieldDescriptor, target: BoundMessage
) -> Bound | None:
    """Return the value that a field replaces: its own earlier one, or that of another oneof member.

    A replaced scalar and a replaced oneof member are reported.
    """
    name = known.name
    other = next((each for each in known.rivals if each in target.fields), name)
    earlier = target.fields.get(other)
    if earlier is None or isinstance(earlier, list):
        return None
    place = place_of(earlier, context.document)
    if other != name:
        related = [Related(place.name_span, f'"{other}" is set here')]
        span = context.document.span(node.name)
        context.report(catalogue.ONEOF_REPLACED.at(span, field=name, other=other, related=related))
    elif context.dialect.refuse_repeated:
        _report_repeated(context, node, place, target)
        # The fields of a message that is set twice would only repeat the error.
        context.repeated.update([_next_path(known, target)] if known.message else ())
    elif not known.message and not known.is_implicit:
        related = [Related(place.span, "this value is overridden")]
        context.report(catalogue.SET_AGAIN.at(context.document.span(node.name), field=name, related=related))
    return earlier


def _report_repeated(context: _Context, node: tree.Field, earlier: Place, target: BoundMessage) -> None:
    """Report a singular field that is set twice.

    If the first field of a message repeats, a new message probably starts there:
    later repetitions in it are not reported.
    """
    if _is_after_another(context, target):
        return
    starts_again = bool(target.path) and next(iter(target.fields)) == node.text
    if starts_again:
        context.repeated.add(target.path)
    context.report(
        catalogue.GIVEN_TWICE.at(
            context.document.span(node.name),
            field=node.text,
            related=[Related(earlier.name_span, "first set here")],
            help=_MISSING_BRACE if starts_again else "remove one of them",
        )
    )


def _is_after_another(context: _Context, target: BoundMessage) -> bool:
    """Return whether a message, or one around it, is set twice or has the start of another message."""
    return any(target.path[:depth] in context.repeated for depth in range(1, len(target.path) + 1))


def _report_unknown_field(
    context: _Context, name: tree.Name, target: BoundMessage, suggestion: Suggestion
) -> None:
    span = context.document.span(name)
    if name.bracketed:
        context.report(catalogue.NOT_SUPPORTED.at(span, what="an extension or Any type name"))
        return
    # Reserved names are accepted and ignored (spec: "Fields").
    if name.text in target.descriptor.reserved:
        return
    context.failed.update((*target.path, meant) for meant in suggestion.names)
    owners = [] if suggestion.names else _owners(context, name.text, target)
    context.report(
        catalogue.UNKNOWN_FIELD.at(
            span,
            message=_within(target),
            name=quotable(name.text),
            help=context.dialect.foreign.get(name.text) or suggestion.help or _move_help(owners),
            fix=[Edit(span, suggestion.slip)] if suggestion.slip else [],
        )
    )


def _report_slip(context: _Context, name: tree.Name, target: BoundMessage, suggestion: Suggestion) -> None:
    """Warn about a likely misspelling in a lenient binding."""
    span = context.document.span(name)
    fix = [Edit(span, suggestion.slip or "")]
    context.report(
        catalogue.NEARLY_A_FIELD.at(
            span, name=name.text, message=_within(target), help=suggestion.help, fix=fix
        )
    )


def _owners(context: _Context, name: str, target: BoundMessage) -> list[str]:
    """Return the messages that have a field of this name, the nearest ones if there are any.

    A required field of target that leads to it is marked as failed, not missing: its content is at the
    wrong level.
    """
    for inner in target.descriptor.fields.values():
        if name in _holders((inner,)):
            context.failed.add((*target.path, inner.name))
    nearest = [field.name for field in target.descriptor.fields.values() if _has_field(field.message, name)]
    around = [_within(each) for each in reversed(context.enclosing[:-1]) if _has_field(each.descriptor, name)]
    return nearest or around[:1] or _holders(_current_fields(context.enclosing[0].descriptor)).get(name, [])


def _has_field(message: Descriptor | None, name: str) -> bool:
    return message is not None and name in message.fields


@cache
def _current_fields(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    return tuple(field for field in descriptor.fields.values() if not field.is_deprecated)


@cache
def _holders(fields: tuple[FieldDescriptor, ...]) -> Mapping[str, list[str]]:
    """Map each field name to the fields, at any depth below the given ones, whose messages have it."""
    waiting = deque(fields)
    seen: set[str] = set()
    holders: dict[str, dict[str, None]] = {}
    while waiting:
        message, holder = waiting[0].message, waiting.popleft().name
        if message is None:
            continue
        for name in message.fields:
            holders.setdefault(name, {})[holder] = None
        if message.full_name not in seen:
            seen.add(message.full_name)
            waiting.extend(message.fields.values())
    return {name: list(found) for name, found in holders.items()}


def _move_help(owners: list[str]) -> str | None:
    return f"move it to {' or '.join(owners[:_MOST_OWNERS])}" if owners else None


def _missing_fields(context: _Context, message: BoundMessage) -> Iterator[Diagnostic]:
    """Report required fields that are not set. Merge does not check them (reference U21)."""
    path = message.path
    for name in required(message.descriptor):
        if name not in message.fields and path not in context.broken and (*path, name) not in context.failed:
            span = place_of(message, context.document).name_span
            yield catalogue.MISSING_FIELD.at(span, field=name, message=_within(message))
    for name in holding_required(message.descriptor):
        for each in message.messages(name):
            yield from _missing_fields(context, each)


def _within(message: BoundMessage) -> str:
    return message.field.text if message.path else "the top level"
