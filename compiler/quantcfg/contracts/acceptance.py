"""Compile a JSON Schema to a predicate: a fast path for valid values.

jsonschema is slow and is loaded only to explain why a value is invalid. A test
checks that both agree.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

Schema = Mapping[str, Any]
Accepts = Callable[[Any], bool]

_ANNOTATIONS = {
    *("$schema", "$id", "$comment", "title", "description", "default", "examples", "definitions"),
    # Extensions for editors.
    *("markdownDescription", "enumDescriptions", "defaultSnippets", "doNotSuggest"),
    # How a quant.cfg sets the key.
    "quantCfg",
}


def acceptor(schema: Schema | bool, root: Schema) -> Accepts:
    """Return a predicate for values, as json loads them, that are valid by a draft 7 schema.

    root is the document that references point into; recursive references are not
    supported.

    Raises:
        NotImplementedError: the schema has a keyword that this project does not use.

    """
    if isinstance(schema, bool):
        return lambda _: schema
    if "$ref" in schema:
        return acceptor(_referenced(schema["$ref"], root), root)
    unknown = schema.keys() - _KEYWORDS.keys() - _ANNOTATIONS
    if unknown:
        raise NotImplementedError(f"keywords of JSON Schema: {', '.join(unknown)}")
    makers = dict.fromkeys(_KEYWORDS[keyword] for keyword in schema if keyword in _KEYWORDS)
    accepted_by = tuple(make(schema, root) for make in makers)
    if len(accepted_by) == 1:
        return accepted_by[0]
    return lambda value: all(accepts(value) for accepts in accepted_by)


def _referenced(pointer: str, root: Schema) -> Schema:
    schema: Any = root
    for step in pointer.split("/")[1:]:
        schema = schema[step]
    return schema  # type: ignore[no-any-return]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


def _type(schema: Schema, _root: Schema) -> Accepts:
    return _TYPES[schema["type"]]


def _one_of_values(schema: Schema, _root: Schema) -> Accepts:
    values = frozenset(map(_key, schema["enum"] if "enum" in schema else [schema["const"]]))
    return lambda value: _key(value) in values


def _key(value: Any) -> Hashable:
    """Return a key that is equal for equal JSON values: 1 equals 1.0, but not true."""
    if isinstance(value, bool):
        return bool, value
    if isinstance(value, list):
        return list, *map(_key, value)
    if isinstance(value, dict):
        return dict, frozenset((key, _key(item)) for key, item in value.items())
    return value  # type: ignore[no-any-return]


def _minimum(schema: Schema, _root: Schema) -> Accepts:
    limit = schema["minimum"]
    return lambda value: not (_is_number(value) and value < limit)


def _exclusive_minimum(schema: Schema, _root: Schema) -> Accepts:
    limit = schema["exclusiveMinimum"]
    return lambda value: not (_is_number(value) and value <= limit)


def _maximum(schema: Schema, _root: Schema) -> Accepts:
    limit = schema["maximum"]
    return lambda value: not (_is_number(value) and value > limit)


def _length(schema: Schema, _root: Schema) -> Accepts:
    least, most = schema.get("minItems", 0), schema.get("maxItems", float("inf"))
    return lambda value: not isinstance(value, list) or least <= len(value) <= most


def _items(schema: Schema, root: Schema) -> Accepts:
    accepts = acceptor(schema["items"], root)
    return lambda value: not isinstance(value, list) or all(map(accepts, value))


def _unique(schema: Schema, _root: Schema) -> Accepts:
    if not schema["uniqueItems"]:
        return lambda _: True
    return lambda value: not isinstance(value, list) or len(set(map(_key, value))) == len(value)


def _members(schema: Schema, root: Schema) -> Accepts:
    named = {key: acceptor(each, root) for key, each in schema.get("properties", {}).items()}
    other = acceptor(schema.get("additionalProperties", True), root)
    return lambda value: (
        not isinstance(value, dict) or all(named.get(key, other)(item) for key, item in value.items())
    )


def _required(schema: Schema, _root: Schema) -> Accepts:
    keys = frozenset(schema["required"])
    return lambda value: not isinstance(value, dict) or keys <= value.keys()


def _any_of(schema: Schema, root: Schema) -> Accepts:
    accepted_by = [acceptor(each, root) for each in schema["anyOf"]]
    return lambda value: any(accepts(value) for accepts in accepted_by)


def _choice(schema: Schema, root: Schema) -> Accepts:
    condition = acceptor(schema.get("if", True), root)
    then, otherwise = (acceptor(schema.get(keyword, True), root) for keyword in ("then", "else"))
    return lambda value: then(value) if condition(value) else otherwise(value)


_TYPES: Mapping[str, Accepts] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": _is_number,
    "integer": _is_integer,
}
_KEYWORDS: Mapping[str, Callable[[Schema, Schema], Accepts]] = {
    "type": _type,
    "const": _one_of_values,
    "enum": _one_of_values,
    "minimum": _minimum,
    "exclusiveMinimum": _exclusive_minimum,
    "maximum": _maximum,
    "minItems": _length,
    "maxItems": _length,
    "items": _items,
    "uniqueItems": _unique,
    "properties": _members,
    "additionalProperties": _members,
    "required": _required,
    "anyOf": _any_of,
    "if": _choice,
    "then": _choice,
    "else": _choice,
}
