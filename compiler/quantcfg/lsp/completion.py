"""Completion in a quant.cfg."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

from quantcfg.contracts.config_schema import TENSORS
from quantcfg.contracts.descriptors import FieldDescriptor
from quantcfg.diagnostics.phrases import boolean, counted
from quantcfg.frozen import frozen_value
from quantcfg.lsp import fields
from quantcfg.lsp.document import Document
from quantcfg.network import Layer
from quantcfg.provenance import words
from quantcfg.source import Span
from quantcfg.textproto.cursor import Cursor, cursor_at
from quantcfg.textproto.literals import encode_string

_INDENT = "  "
_VALUE = re.compile(r"[ \t]*[:{<]")
_ESCAPED = re.compile(r"[\\$]")


class Kind(Enum):
    """What an item inserts."""

    FIELD = "field"
    MESSAGE = "message"
    VALUE = "value"
    LAYER = "layer"
    TYPE = "type"


@frozen_value
class Item:
    """A completion: text replaces span.

    snippet is text with tab stops, in the protocol's syntax, None if it needs none.
    detail is shown next to the label, documentation is Markdown.
    """

    label: str
    kind: Kind
    span: Span
    text: str
    snippet: str | None = None
    detail: str = ""
    documentation: str = ""


def completions(document: Document, offset: int) -> tuple[Item, ...]:
    """Return the completions at an offset, in the order of the .proto file or of the network."""
    cursor = cursor_at(document.source.text, offset) if document.is_request else None
    if cursor is None:
        return ()
    if cursor.field is not None:
        return tuple(_values(document, cursor, cursor.field))
    return () if cursor.quote else tuple(_fields(document, cursor))


def _fields(document: Document, cursor: Cursor) -> Iterator[Item]:
    """Yield the fields of the message, except deprecated ones, and set ones that cannot be repeated."""
    span = Span(document.source, cursor.start, cursor.end)
    has_value = _VALUE.match(document.source.text, cursor.end) is not None
    request = document.edition.request
    for field in fields.message_at(request, cursor.path).fields.values():
        if field.is_deprecated or (field.name in cursor.given and not field.is_repeated):
            continue
        is_message = field.message is not None
        yield Item(
            field.name,
            Kind.MESSAGE if is_message else Kind.FIELD,
            span,
            field.name if has_value else f"{field.name} {{" if is_message else f"{field.name}: ",
            None if has_value else _with_tab_stops("\n".join(_snippet(field))),
            fields.facts(document.edition.schema, (*cursor.path, field.name), field),
            fields.comment(field),
        )


_TAB_STOP = "\0"
"""Written before and after the default text of a tab stop."""


def _snippet(field: FieldDescriptor) -> list[str]:
    """Return the lines of a field, with the required fields of its message."""
    if field.message is None:
        return [f"{field.name}: {_placeholder(field)}"]
    required = [inner for inner in field.message.fields.values() if inner.is_required]
    lines = [line for inner in required for line in _snippet(inner)]
    inner = [f"{_INDENT}{line}" for line in lines or [f"{_TAB_STOP}{_TAB_STOP}"]]
    return [f"{field.name} {{", *inner, "}"]


def _placeholder(field: FieldDescriptor) -> str:
    if field.kind == "string":
        return f'"{_TAB_STOP}{_TAB_STOP}"'
    return f"{_TAB_STOP}{fields.default(field) or ''}{_TAB_STOP}"


def _with_tab_stops(marked: str) -> str:
    """Return marked text as a snippet; the cursor ends at the last tab stop, which is number 0."""
    parts = [_ESCAPED.sub(r"\\\g<0>", part) for part in marked.split(_TAB_STOP)]
    stops = len(parts) // 2
    text = parts[0]
    for index in range(stops):
        number = 0 if index + 1 == stops else index + 1
        text += f"${{{number}:{parts[2 * index + 1]}}}" if parts[2 * index + 1] else f"${number}"
        text += parts[2 * index + 2]
    return text


def _values(document: Document, cursor: Cursor, name: str) -> Iterator[Item]:
    request = document.edition.request
    field = fields.message_at(request, cursor.path).fields.get(name)
    if field is None or field.message is not None:
        return
    if field.kind == "string":
        yield from _names(document, cursor, name)
    elif not cursor.quote:
        span, comment = Span(document.source, cursor.start, cursor.end), fields.comment(field)
        described = fields.described(document.edition.schema, (*cursor.path, name))
        for value in _suggested(described, field):
            detail = "the default" if value == fields.default(field) else ""
            yield Item(value, Kind.VALUE, span, value, None, detail, comment)


def _suggested(described: Mapping[str, Any], field: FieldDescriptor) -> Iterable[str]:
    """Return the values of a bool or an enum, otherwise the default and the numbers that the schema names."""
    if field.kind == "bool":
        return map(boolean, (True, False))
    if field.enum:
        return field.enum.numbers
    default = fields.default(field)
    named = (*described.get("enum", ()), *described.get("examples", ()))
    return sorted({*map(words.value, named), *([default] if default else ())}, key=float)


def _names(document: Document, cursor: Cursor, field: str) -> Iterator[Item]:
    """Yield the layer names or layer types that make sense in a field."""
    plan = document.plan
    network = document.network or (plan.network if plan else None)
    known = fields.known_at(network, (*cursor.path, field)) if network else None
    if network is None or known is None:
        return
    if not known.are_layers:
        numbers = Counter(layer.type for layer in network.quantizable) if document.network else None
        yield from _items(
            document, cursor, Kind.TYPE, ((name, _number(numbers, name)) for name in known.likely)
        )
    elif document.network:
        layers = (network.by_name[name] for name in known.likely if name)
        is_tensor = cursor.path[:1] == (TENSORS,)
        details = ((layer.name, layer.type if is_tensor else _type(layer)) for layer in layers)
        yield from _items(document, cursor, Kind.LAYER, details)


def _number(numbers: Counter[str] | None, layer_type: str) -> str:
    return "" if numbers is None else counted(numbers[layer_type], "quantizable layer")


def _type(layer: Layer) -> str:
    return f"{layer.type}, cannot be quantized: {layer.obstacle}" if layer.obstacle else layer.type


def _items(
    document: Document, cursor: Cursor, kind: Kind, names: Iterable[tuple[str, str]]
) -> Iterator[Item]:
    """Yield names as string literals that replace what is at the cursor."""
    span = Span(document.source, cursor.start, cursor.end)
    for name, detail in names:
        yield Item(name, kind, span, _string(name, cursor), None, detail)


def _string(name: str, cursor: Cursor) -> str:
    """Return a name as a string literal, without the quotes that are already written."""
    text = encode_string(name)
    if not cursor.quote:
        return text
    inside = text[1:-1]
    if cursor.quote == "'":
        inside = inside.replace('\\"', '"').replace("'", "\\'")
    return inside if cursor.is_closed else inside + cursor.quote
