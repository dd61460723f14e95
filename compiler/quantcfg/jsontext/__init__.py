"""Parse JSON with error recovery to a syntax tree with spans, independent of its schema."""

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
