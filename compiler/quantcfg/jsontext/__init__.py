"""JSON text with places: syntax tree and parser. Nothing here knows what the JSON is for."""

from quantcfg.jsontext.json_parser import parse
from quantcfg.jsontext.json_tree import (
    Array,
    Member,
    Missing,
    Object,
    Scalar,
    Value,
    is_distinct,
    is_whole,
    keyed,
    plain,
    removal,
)

__all__ = [
    "Array",
    "Member",
    "Missing",
    "Object",
    "Scalar",
    "Value",
    "is_distinct",
    "is_whole",
    "keyed",
    "parse",
    "plain",
    "removal",
]
