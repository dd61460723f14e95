"""Protobuf text format: syntax tree, parser, printer, and the binding of a tree to a message.

Nothing here knows of quantization or of Caffe. What a compile has no use for
is imported from its own module: cursor, edits, printer, trivia.
"""

from quantcfg.textproto.binder import bind
from quantcfg.textproto.binding import Binding, Bound, Given, Path, place_of
from quantcfg.textproto.parser import parse
from quantcfg.textproto.scalars import Place, converter

__all__ = ["Binding", "Bound", "Given", "Path", "Place", "bind", "converter", "parse", "place_of"]
