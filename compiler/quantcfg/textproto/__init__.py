"""Protobuf text format: syntax tree, parser, printer, and the binder to the fields of a schema.

This package does not depend on quantization. Modules that a compile
does not need are imported by name: cursor, edits, printer, trivia.
"""

from quantcfg.textproto.binder import Dialect, bind
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
    "Dialect",
    "Path",
    "Place",
    "bind",
    "parse",
    "place_of",
    "replaced_by",
]
