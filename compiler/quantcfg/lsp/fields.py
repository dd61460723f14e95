"""Facts about the fields of a quant.cfg: types and comments from proto/, ranges from schemas/."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quantcfg.contracts.config_schema import LAYER_NAME, TENSORS
from quantcfg.diagnostics.phrases import alternatives
from quantcfg.emit import allowed
from quantcfg.network import ConfigSchema, MessageType, Network
from quantcfg.plan.passes.names import Known, known_names
from quantcfg.provenance import words
from quantcfg.textproto.scalars import shortest_decimal


def message_at(request: MessageType, path: Sequence[str]) -> Any:
    """Return the descriptor of the message at a path of field names.

    A field that its message does not have is looked up in the enclosing messages:
    a closing bracket may be missing.
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
    """Return the descriptor of the field at a path, None if it does not exist."""
    return message_at(request, path[:-1]).fields_by_name.get(path[-1]) if path else None


def known_at(network: Network, path: Sequence[str]) -> Known | None:
    """Return the valid names of the field at a path, None if it does not hold names."""
    known, field = known_names(network), path[-1] if path else ""
    return known[TENSORS] if path[:1] == (TENSORS,) and field == LAYER_NAME else known.get(field)


def comment(request: MessageType, field: Any) -> str:
    """Return the comments of a field and of its message type in the .proto file."""
    comments = request.comments
    found = [comments.get(field.full_name, "")]
    if field.message_type is not None:
        found.append(comments.get(field.message_type.full_name, ""))
    return "\n\n".join(dict.fromkeys(filter(None, found)))


def is_deprecated(field: Any) -> bool:
    """Return whether a field is deprecated."""
    return bool(field.GetOptions().deprecated)


def is_bool(field: Any) -> bool:
    """Return whether a field is a bool."""
    return bool(field.type == field.TYPE_BOOL)


def is_string(field: Any) -> bool:
    """Return whether a field is a string."""
    return bool(field.type == field.TYPE_STRING)


def enum_names(field: Any) -> list[str]:
    """Return the names of the values of an enum field."""
    return [value.name for value in field.enum_type.values]


def kind(field: Any) -> str:
    """Return the type of a field in words."""
    if field.message_type is not None:
        word = "a message"
    elif field.enum_type is not None:
        word = alternatives(enum_names(field))
    elif is_string(field):
        word = "a string"
    elif is_bool(field):
        word = "true or false"
    else:
        word = "a number" if field.type == field.TYPE_FLOAT else "an integer"
    return f"{word}, repeated" if field.is_repeated else word


def default(field: Any) -> str | None:
    """Return the default of a field as it is written, None if the .proto file declares none."""
    if field.message_type is not None or not field.has_default_value:
        return None
    value = field.default_value
    if field.enum_type is not None:
        return str(field.enum_type.values_by_number[value].name)
    return words.value(shortest_decimal(value) if isinstance(value, float) else value)


def described(schema: ConfigSchema, path: Sequence[str]) -> dict[str, Any]:
    """Return the JSON Schema of the value that the field at a path sets."""
    return dict(schema.of_field(path[-1], path[-2] if len(path) > 1 else None)) if path else {}


def facts(schema: ConfigSchema, path: Sequence[str], field: Any) -> str:
    """Return the type, range and default of a field in one line."""
    parts = [kind(field)]
    if field.enum_type is None and (limits := allowed(described(schema, path))):
        parts.append(limits)
    if (value := default(field)) is not None:
        parts.append(f"default {value}")
    return "; ".join(parts)
