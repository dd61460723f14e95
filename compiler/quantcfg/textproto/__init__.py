"""Protobuf text format: syntax tree, parser, printer, and the binding of a tree to a message.

Nothing here knows of quantization or of Caffe.
"""

from quantcfg.textproto.binder import Binding, Path, bind
from quantcfg.textproto.cursor import Cursor, cursor_at
from quantcfg.textproto.edits import addition, removal, replacement
from quantcfg.textproto.lossless import comments
from quantcfg.textproto.parser import parse
from quantcfg.textproto.printer import print_document
from quantcfg.textproto.scalars import Place, convert

__all__ = [
    "Binding",
    "Cursor",
    "Path",
    "Place",
    "addition",
    "bind",
    "comments",
    "convert",
    "cursor_at",
    "parse",
    "print_document",
    "removal",
    "replacement",
]
