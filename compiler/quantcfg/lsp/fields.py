"""Facts about the fields of a quant.cfg: types and comments from proto/, ranges from schemas/."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quantcfg.contracts.config_schema import LAYER_NAME, TENSORS
from quantcfg.contracts.descriptors import Descriptor, FieldDescriptor
from quantcfg.emit import allowed
from quantcfg.network import ConfigSchema, MessageType, Network
from quantcfg.plan.passes.names import Known, known_names
from quantcfg.provenance import words


def message_at(request: MessageType, path: Sequence[str]) -> Descriptor:
    """Return the descriptor of the message at a path of field names.

    A field that its message does not have is looked up in the enclosing messages:
    a closing bracket may be missing.
    """
    opened = [request.descriptor]
    for name in path:
        around = opened[:]
        while around and name not in around[-1].fields:
            around.pop()
        inner = around[-1].fields[name].message if around else None
        if inner is None:
            return opened[-1]
        opened = [*around, inner]
    return opened[-1]


def field_at(request: MessageType, path: Sequence[str]) -> FieldDescriptor | None:
    """Return the descriptor of the field at a path, None if it does not exist."""
    return message_at(request, path[:-1]).fields.get(path[-1]) if path else None


def known_at(network: Network, path: Sequence[str]) -> Known | None:
    """Return the valid names of the field at a path, None if it does not hold names."""
    known, field = known_names(network), path[-1] if path else ""
    return known[TENSORS] if path[:1] == (TENSORS,) and field == LAYER_NAME else known.get(field)


def comment(field: FieldDescriptor) -> str:
    """Return the comments of a field and of its message type in the .proto file."""
    found = [field.comment, field.message.comment if field.message else ""]
    return "\n\n".join(dict.fromkeys(filter(None, found)))


_KINDS = {"message": "a message", "string": "a string", "bool": "true or false", "float": "a number"}


def kind(field: FieldDescriptor) -> str:
    """Return the type of a field in words."""
    word = " or ".join(field.enum.numbers) if field.enum else _KINDS.get(field.kind, "an integer")
    return f"{word}, repeated" if field.is_repeated else word


def default(field: FieldDescriptor) -> str | None:
    """Return the default of a field as it is written, None if the .proto file declares none."""
    if field.declared is None:
        return None
    return str(field.declared) if field.enum else words.value(field.declared)


def described(schema: ConfigSchema, path: Sequence[str]) -> dict[str, Any]:
    """Return the JSON Schema of the value that the field at a path sets."""
    return dict(schema.of_field(path[-1], path[-2] if len(path) > 1 else None)) if path else {}


def facts(schema: ConfigSchema, path: Sequence[str], field: FieldDescriptor) -> str:
    """Return the type, range and default of a field in one line."""
    parts = [kind(field)]
    if field.enum is None and (limits := allowed(described(schema, path))):
        parts.append(limits)
    if (value := default(field)) is not None:
        parts.append(f"default {value}")
    return "; ".join(parts)
