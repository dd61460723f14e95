"""Protobuf text format: syntax tree, parser, printer, and the binding of a tree to the fields of a schema.

Nothing here knows of quantization. What a compile has no use for
is imported from its own module: cursor, edits, printer, trivia.
"""

from quantcfg.textproto.binder import bind
from quantcfg.textproto.bound import (
    Binding,
    Bound,
    BoundMessage,
    BoundScalar,
    Path,
    Place,
    place_of,
    replaced_by,
)
from quantcfg.textproto.parser import parse

__all__ = [
    "Binding",
    "Bound",
    "BoundMessage",
    "BoundScalar",
    "Path",
    "Place",
    "bind",
    "parse",
    "place_of",
    "replaced_by",
]
