"""The values of scalar fields, by their type in the schema (spec: "Value Types")."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field as dataclass_field
from functools import partial
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from quantcfg.diagnostics import Diagnostic, Edit, catalogue
from quantcfg.diagnostics.suggestions import suggest
from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.textproto.literals import floating, integer, plain_text, quotable
from quantcfg.values import small_value

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
_WORDS = (tree.Number, tree.Identifier)
_WINDOWS_PATH = r"""["'](?:[A-Za-z]:\\|\\\\)"""
_MEANINGFUL = "abfnrtv?\\'\"01234567xuU"
_MOST_NAMES = 10
_FLAG_WORDS = dict.fromkeys(("true", "yes", "on"), "true") | dict.fromkeys(("false", "no", "off"), "false")
_PLAIN_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"


@small_value
class Place:
    """The field of a text that gave a value; one item of a list, where it was given in a list.

    earlier is the place that would have given it without this one: of the same
    field, or of another one of its oneof.
    """

    document: tree.Document
    field: tree.Field
    value: tree.Value
    earlier: Place | None = dataclass_field(default=None, compare=False, repr=False)

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


Converter = Callable[[tree.Document, tree.Value, FieldDescriptor], Any]
"""Returns the value of a scalar, or what is wrong with it."""


def converter(descriptor_field: FieldDescriptor) -> Converter:
    """Return what converts the values of a scalar field."""
    return _CONVERTERS[descriptor_field.type]


def _to_integer(
    document: tree.Document, value: tree.Value, descriptor_field: FieldDescriptor, *, low: int, high: int
) -> int | Diagnostic:
    number = integer(value) if isinstance(value, tree.Number) else None
    if number is None:
        return _wrong_scalar(document, value, descriptor_field, "an integer")
    # Even "-0" is no unsigned integer (spec: "Value Types").
    if not low <= number <= high or (low == 0 and value.text.startswith("-")):  # type: ignore[union-attr]
        return catalogue.INTEGER_RANGE.at(
            document.span(value), field=descriptor_field.name, low=low, high=high, value=_written(value)
        )
    return number


def _to_float(
    document: tree.Document, value: tree.Value, descriptor_field: FieldDescriptor
) -> float | Diagnostic:
    number = floating(value.text) if isinstance(value, _WORDS) else None
    return _wrong_scalar(document, value, descriptor_field, "a decimal number") if number is None else number


def _to_bool(
    document: tree.Document, value: tree.Value, descriptor_field: FieldDescriptor
) -> bool | Diagnostic:
    if isinstance(value, tree.Identifier) and value.text in _BOOLS:
        return _BOOLS[value.text]
    if isinstance(value, tree.Number) and not value.text.startswith("-") and integer(value) in (0, 1):
        return bool(integer(value))
    return _wrong_scalar(document, value, descriptor_field, "true or false")


def _to_string(
    document: tree.Document, value: tree.Value, descriptor_field: FieldDescriptor
) -> str | Diagnostic:
    if isinstance(value, tree.String) and (plain := plain_text(value)) is not None:
        return plain
    decoded = _to_bytes(document, value, descriptor_field)
    if isinstance(decoded, Diagnostic):
        return decoded
    try:
        return decoded.decode()
    except UnicodeDecodeError:
        return catalogue.TEXT_NOT_UTF8.at(document.span(value), field=descriptor_field.name)


def _to_bytes(
    document: tree.Document, value: tree.Value, descriptor_field: FieldDescriptor
) -> bytes | Diagnostic:
    if not isinstance(value, tree.String):
        return _wrong_scalar(document, value, descriptor_field, "a string in quotes")
    from quantcfg.textproto.literals import decode_string

    decoded = decode_string(value)
    if isinstance(decoded, tree.Literal):
        span, help = document.span(decoded), "write \\\\ for a backslash"
        return catalogue.BAD_ESCAPE.at(span, escape=decoded.text, help=help, fix=_escaped(document, value))
    return decoded


def _escaped(document: tree.Document, string: tree.String) -> list[Edit]:
    """Return the edits that double the backslashes of a string, where none of them can be meant otherwise."""
    edits = []
    for part in string.parts:
        is_path = re.match(_WINDOWS_PATH, part.text)
        for escape in re.finditer(r"\\.", part.text):
            if not is_path and escape[0][1] in _MEANINGFUL:
                return []
            at = part.start + escape.start()
            edits.append(Edit(Span(document.source, at, at + 1), "\\\\"))
    return edits


def _to_enum(
    document: tree.Document, value: tree.Value, descriptor_field: FieldDescriptor
) -> int | Diagnostic:
    enum = descriptor_field.enum_type
    assert enum
    if isinstance(value, tree.Identifier) and value.text in enum.values_by_name:
        return enum.values_by_name[value.text].number
    number = integer(value) if isinstance(value, tree.Number) else None
    if number is not None and not enum.is_closed:
        return _to_integer(document, value, descriptor_field, low=-(2**31), high=2**31 - 1)
    if number is not None and number in [known.number for known in enum.values]:
        return number
    names = list(enum.values_by_name)
    if not isinstance(value, tree.Identifier | tree.Number):
        few = len(names) <= _MOST_NAMES
        return _wrong_scalar(
            document, value, descriptor_field, f"one of {', '.join(names)}" if few else "one of its words"
        )
    suggestion = suggest(value.text, names)
    return catalogue.UNKNOWN_ENUM_VALUE.at(
        document.span(value),
        field=descriptor_field.name,
        value=_written(value),
        help=suggestion.help or (f"it can be {', '.join(names)}" if len(names) <= _MOST_NAMES else None),
        fix=[Edit(document.span(value), suggestion.slip)] if suggestion.slip else [],
    )


def _wrong_scalar(
    document: tree.Document, value: tree.Value, descriptor_field: FieldDescriptor, expected: str
) -> Diagnostic:
    """Return the diagnostic for what is no scalar of the kind that a field takes."""
    if not isinstance(value, tree.List):
        return wrong_type(document, value, descriptor_field, expected)
    span = document.span(value)
    items = [document.span(item).text for item in value.items]
    fix = [Edit(span, items[0])] if len(items) == 1 else []
    return catalogue.LIST_FOR_ONE.at(span, field=descriptor_field.name, fix=fix)


def wrong_type(
    document: tree.Document, value: tree.Value, descriptor_field: FieldDescriptor, expected: str
) -> Diagnostic:
    """Return the diagnostic for a value of a kind that a field does not take."""
    help, meant = _meant(value, descriptor_field)
    return catalogue.WRONG_TYPE.at(
        document.span(value),
        field=descriptor_field.name,
        expected=expected,
        found=_written(value),
        help=help,
        fix=[Edit(document.span(value), meant)] if meant else [],
    )


def _meant(value: tree.Value, descriptor_field: FieldDescriptor) -> tuple[str | None, str | None]:
    """Return what to do about a value of the wrong kind, and the text that was plainly meant."""
    kind = descriptor_field.type
    if isinstance(value, tree.Identifier) and kind == FieldDescriptor.TYPE_STRING:
        text = f'"{value.text}"'
        is_name = value.text.lower() not in (*_FLAG_WORDS, "null", "none", "nil")
        return f"put it in quotes: {quotable(text)}", text if is_name else None
    if isinstance(value, tree.String) and descriptor_field.message_type is None:
        text = "".join(part.text[1:-1] for part in value.parts)
        is_word = _is_word_for(text, descriptor_field)
        return ("write it without quotes", text) if is_word else (None, None)
    if isinstance(value, tree.Identifier) and kind == FieldDescriptor.TYPE_BOOL:
        return _meant_flag(value.text)
    if isinstance(value, tree.Number) and kind in _INTEGER_RANGES:
        number = floating(value.text)
        if number is not None and number.is_integer() and abs(number) < 2**53:
            return f"write {int(number)}", str(int(number))
    return None, None


def _meant_flag(word: str) -> tuple[str | None, str | None]:
    meant = _FLAG_WORDS.get(word.lower())
    return (f"write {meant}", meant) if meant else (None, None)


def _is_word_for(text: str, descriptor_field: FieldDescriptor) -> bool:
    """Tell whether a text, without the quotes around it, is a value of a field."""
    if descriptor_field.type == FieldDescriptor.TYPE_BOOL:
        return text in _BOOLS
    if descriptor_field.enum_type is not None:
        # Protobuf cannot look up what UTF-8 cannot say; the words of an enum are ASCII.
        return text.isascii() and text in descriptor_field.enum_type.values_by_name
    return bool(re.fullmatch(_PLAIN_NUMBER, text)) and (
        descriptor_field.type not in _INTEGER_RANGES or text.lstrip("-").isdigit()
    )


def _written(value: tree.Value) -> str:
    if isinstance(value, tree.Message):
        return "a message"
    if isinstance(value, tree.List):
        return "a list"
    if isinstance(value, tree.String):
        return "a string"
    return "nothing" if isinstance(value, tree.Missing) else quotable(value.text)


_CONVERTERS: Mapping[int, Converter] = {
    **{kind: partial(_to_integer, low=low, high=high) for kind, (low, high) in _INTEGER_RANGES.items()},
    FieldDescriptor.TYPE_FLOAT: _to_float,
    FieldDescriptor.TYPE_DOUBLE: _to_float,
    FieldDescriptor.TYPE_BOOL: _to_bool,
    FieldDescriptor.TYPE_STRING: _to_string,
    FieldDescriptor.TYPE_BYTES: _to_bytes,
    FieldDescriptor.TYPE_ENUM: _to_enum,
}
