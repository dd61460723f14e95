"""What the contracts say of the fields of a quant.cfg: proto/ of all, schemas/ of the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quantcfg.emit import allowed
from quantcfg.network import ConfigSchema, MessageType
from quantcfg.provenance import words
from quantcfg.textproto.float32 import shortest_decimal


def message_at(request: MessageType, path: Sequence[str]) -> Any:
    """Return the descriptor of the message that some fields of a quant.cfg lead to.

    A field that its message does not have is looked for in those around: a
    bracket may be missing.
    """
    opened = [request.descriptor]
    for name in path:
        around = opened[:]
        while around and name not in around[-1].fields_by_name:
            around.pop()
        inner = around[-1].fields_by_name[name].message_type if around else None
        if inner is None:
            return opened[-1]
        opened = [*around, inner]
    return opened[-1]


def field_at(request: MessageType, path: Sequence[str]) -> Any:
    """Return the descriptor of the field at the end of a path, None if there is none."""
    return message_at(request, path[:-1]).fields_by_name.get(path[-1]) if path else None


def comment(request: MessageType, field: Any) -> str:
    """Return what the .proto file says of a field, and of the message that is its value."""
    comments = request.comments
    said = [comments.get(field.full_name, "")]
    if field.message_type is not None:
        said.append(comments.get(field.message_type.full_name, ""))
    return "\n\n".join(dict.fromkeys(filter(None, said)))


def is_deprecated(field: Any) -> bool:
    """Tell whether a field is there for old texts only."""
    return bool(field.GetOptions().deprecated)


def is_bool(field: Any) -> bool:
    """Tell whether a field is a flag."""
    return bool(field.type == field.TYPE_BOOL)


def is_string(field: Any) -> bool:
    """Tell whether a field is a text."""
    return bool(field.type == field.TYPE_STRING)


def kind(field: Any) -> str:
    """Return in words what a field takes."""
    if field.message_type is not None:
        word = "a message"
    elif is_string(field):
        word = "a string"
    elif is_bool(field):
        word = "true or false"
    else:
        word = "a number" if field.type == field.TYPE_FLOAT else "an integer"
    return f"{word}, repeated" if field.is_repeated else word


def default(field: Any) -> str | None:
    """Return the default of a field as a text writes it, None if it has none of its own."""
    if field.message_type is not None or not field.has_default_value:
        return None
    value = field.default_value
    return words.value(shortest_decimal(value) if isinstance(value, float) else value)


def described(schema: ConfigSchema, path: Sequence[str]) -> dict[str, Any]:
    """Return what the JSON Schema says of the value that the field at the end of a path gives."""
    return dict(schema.of_field(path[-1], path[-2] if len(path) > 1 else None)) if path else {}


def facts(schema: ConfigSchema, path: Sequence[str], field: Any) -> str:
    """Return in one line what a field takes, its default and its range."""
    said = [kind(field)]
    if limits := allowed(described(schema, path)):
        said.append(limits)
    if (value := default(field)) is not None:
        said.append(f"default {value}")
    return "; ".join(said)
