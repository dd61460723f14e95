"""Why a field does not accept a value, and the value that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeGuard

from quantcfg.contracts.descriptors import EnumDescriptor, FieldDescriptor
from quantcfg.diagnostics import Diagnostic, Edit, catalogue
from quantcfg.diagnostics.suggestions import suggest
from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.textproto.literals import decode_string, floating, integer, quotable
from quantcfg.textproto.scalars import BOOLS, INTEGER_RANGES

_WINDOWS_PATH = r"""["'](?:[A-Za-z]:\\|\\\\)"""
_MEANINGFUL = "abfnrtv?\\'\"01234567xuU"
_MOST_NAMES = 10
_FLAG_WORDS = dict.fromkeys(("true", "yes", "on"), "true") | dict.fromkeys(("false", "no", "off"), "false")
_PLAIN_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
_EXPECTED = {
    **dict.fromkeys(INTEGER_RANGES, "an integer"),
    "float": "a decimal number",
    "double": "a decimal number",
    "bool": "true or false",
    "string": "a string in quotes",
    "bytes": "a string in quotes",
}


def refusal(document: tree.Document, value: tree.Value, field: FieldDescriptor) -> Diagnostic:
    """Return the error for a value that a field does not accept."""
    if field.message:
        return _wrong_type(document, value, field, "a message in braces")
    if isinstance(value, tree.List):
        return _list_for_one(document, value, field)
    enum, kind = field.enum, field.kind
    if enum and (isinstance(value, tree.Identifier) or _is_integer(value)):
        is_open = not enum.is_closed and isinstance(value, tree.Number)
        return _out_of_range(document, value, field) if is_open else _unknown_value(document, value, field)
    if kind in INTEGER_RANGES and _is_integer(value):
        return _out_of_range(document, value, field)
    if kind in ("string", "bytes") and isinstance(value, tree.String):
        return _bad_string(document, value, field)
    return _wrong_type(document, value, field, _one_of(enum) if enum else _EXPECTED[kind])


def _is_integer(value: tree.Value) -> TypeGuard[tree.Number]:
    return isinstance(value, tree.Number) and integer(value) is not None


def _out_of_range(
    document: tree.Document, value: tree.Number | tree.Identifier, field: FieldDescriptor
) -> Diagnostic:
    span, (low, high) = document.span(value), INTEGER_RANGES[field.kind]
    return catalogue.INTEGER_RANGE.at(span, field=field.name, low=low, high=high, value=quotable(value.text))


def _bad_string(document: tree.Document, string: tree.String, field: FieldDescriptor) -> Diagnostic:
    decoded = decode_string(string)
    if isinstance(decoded, bytes):
        return catalogue.TEXT_NOT_UTF8.at(document.span(string), field=field.name)
    span, help = document.span(decoded), "write \\\\ for a backslash"
    return catalogue.BAD_ESCAPE.at(span, escape=decoded.text, help=help, fix=_escaped(document, string))


def _escaped(document: tree.Document, string: tree.String) -> list[Edit]:
    """Return the edits that double all backslashes of a string, if none can be meant as an escape."""
    edits = []
    for part in string.parts:
        is_path = re.match(_WINDOWS_PATH, part.text)
        for escape in re.finditer(r"\\.", part.text):
            if not is_path and escape[0][1] in _MEANINGFUL:
                return []
            at = part.start + escape.start()
            edits.append(Edit(Span(document.source, at, at + 1), "\\\\"))
    return edits


def _one_of(enum: EnumDescriptor) -> str:
    names = list(enum.numbers)
    if len(names) > _MOST_NAMES:
        return "an enum value"
    return names[0] if len(names) == 1 else f"one of {', '.join(names)}"


def _unknown_value(
    document: tree.Document, value: tree.Number | tree.Identifier, field: FieldDescriptor
) -> Diagnostic:
    assert field.enum
    span, names = document.span(value), list(field.enum.numbers)
    suggestion = suggest(value.text, names)
    numbered = [name for name in names if _without_digits(name) == _without_digits(value.text)]
    return catalogue.UNKNOWN_ENUM_VALUE.at(
        span,
        field=field.name,
        value=quotable(value.text),
        help=_choose(numbered or suggestion.names or names),
        fix=[Edit(span, suggestion.slip)] if suggestion.slip else [],
    )


def _without_digits(name: str) -> str:
    return re.sub("[0-9]", "", name)


def _choose(names: Sequence[str]) -> str | None:
    if len(names) > _MOST_NAMES or not names:
        return None
    return f"use {names[0]}" if len(names) == 1 else f"use one of {', '.join(names)}"


def _list_for_one(document: tree.Document, value: tree.List, field: FieldDescriptor) -> Diagnostic:
    span = document.span(value)
    items = [document.span(item).text for item in value.items]
    fix = [Edit(span, items[0])] if len(items) == 1 else []
    return catalogue.LIST_FOR_ONE.at(span, field=field.name, fix=fix)


def _wrong_type(
    document: tree.Document, value: tree.Value, field: FieldDescriptor, expected: str
) -> Diagnostic:
    help, meant = _meant(value, field)
    return catalogue.WRONG_TYPE.at(
        document.span(value),
        field=field.name,
        expected=expected,
        found=_written(value),
        help=help,
        fix=[Edit(document.span(value), meant)] if meant else [],
    )


def _meant(value: tree.Value, field: FieldDescriptor) -> tuple[str | None, str | None]:
    """Return the help for a value of the wrong type, and its replacement, if that is certain."""
    kind = field.kind
    if isinstance(value, tree.Identifier) and kind == "string":
        text = f'"{value.text}"'
        is_name = value.text.lower() not in (*_FLAG_WORDS, "null", "none", "nil")
        return f"put it in quotes: {quotable(text)}", text if is_name else None
    if isinstance(value, tree.String) and field.message is None:
        text = "".join(part.text[1:-1] for part in value.parts)
        return ("remove the quotes", text) if _is_word_for(text, field) else (None, None)
    if isinstance(value, tree.Identifier) and kind == "bool":
        meant = _FLAG_WORDS.get(value.text.lower())
        return (f"write {meant}", meant) if meant else (None, None)
    if isinstance(value, tree.Number) and kind in INTEGER_RANGES:
        number = floating(value.text)
        if number is not None and number.is_integer() and abs(number) < 2**53:
            enum, whole = field.enum, int(number)
            is_known = enum is None or whole in enum.names
            return (f"write {whole}", str(whole)) if is_known else (None, None)
    return None, None


def _is_word_for(text: str, field: FieldDescriptor) -> bool:
    """Return whether the content of a string, unquoted, is a value of a field."""
    if field.kind == "bool":
        return text in BOOLS
    if field.enum:
        return text in field.enum.numbers
    return bool(re.fullmatch(_PLAIN_NUMBER, text)) and (
        field.kind not in INTEGER_RANGES or text.lstrip("-").isdigit()
    )


def _written(value: tree.Value) -> str:
    if isinstance(value, tree.Message):
        return "a message"
    if isinstance(value, tree.List):
        return "a list"
    if isinstance(value, tree.String):
        return "a string"
    return "nothing" if isinstance(value, tree.Missing) else quotable(value.text)
