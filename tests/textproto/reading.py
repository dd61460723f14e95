"""Texts read by this package, and by google's text_format as the other opinion."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf import text_format

from quantcfg import contracts
from quantcfg.diagnostics import Diagnostic, has_errors
from quantcfg.source import Source
from quantcfg.textproto import Binding, Dialect, bind, parse, tree
from tests import protos, shared
from tests.protos import descriptor_of

if TYPE_CHECKING:
    from google.protobuf.message import Message

_HERE = Path(__file__).parent

EVERYTHING = protos.message_class(_HERE / "everything.proto", "everything.Everything")
STRICT = protos.message_class(_HERE / "everything.proto", "everything.Strict")
ENDLESS = protos.message_class(_HERE / "everything.proto", "everything.Endless")
IMPLICIT = protos.message_class(_HERE / "implicit.proto", "implicit.Implicit")
DELIMITED = protos.message_class(_HERE / "delimited.proto", "delimited.Delimited")
CONFIG = contracts.message_class("calibration_config_caffe", "amct_caffe.AMCTConfig")
ONNX_CONFIG = contracts.message_class("calibration_config_onnx", "amct_onnx.AMCTConfig")
CONFIGS = (CONFIG, ONNX_CONFIG)
"""The requests of all editions."""

_REPOSITORY = Path(__file__).parents[2]
OWN_TEXTS = [
    path for folder in ("examples", "fuzz/corpus") for path in sorted((_REPOSITORY / folder).glob("*/*"))
]
SHARED_TEXTS = [
    *shared.files(shared.MODELS, "*/*.prototxt"),
    *shared.files(shared.CONFIGS, "*.cfg"),
    *shared.files(shared.CONFIGS_ONNX, "*.cfg"),
]


_STRING_OR_COMMENT = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|(#[^\n]*)""")


@dataclass(frozen=True)
class Reading:
    """The result of parsing and binding text."""

    message: Message
    diagnostics: list[Diagnostic]

    @property
    def accepted(self) -> bool:
        return not has_errors(self.diagnostics)

    @property
    def codes(self) -> list[str]:
        return [diagnostic.code for diagnostic in self.diagnostics]


def parsed(text: str) -> tree.Document:
    """Return the tree of text without syntax errors."""
    diagnostics: list[Diagnostic] = []
    document = parse(Source("text", text), diagnostics.append)
    assert diagnostics == []
    assert document
    return document


def read(text: str, message_type: type[Message], *, lenient: bool = False) -> Reading:
    """Parse and bind text."""
    diagnostics: list[Diagnostic] = []
    document = parse(Source("text", text), diagnostics.append)
    binding = bind(document, descriptor_of(message_type), diagnostics.append, Dialect(lenient=lenient))
    return Reading(message_of(binding, message_type), diagnostics)


def message_of(binding: Binding, message_type: type[Message]) -> Message:
    """Return the message of protobuf with what a document is bound to."""
    return message_type(**binding.whole.content())


def read_by_google(text: str, message_type: type[Message]) -> Message | None:
    """Return the message that text_format parses, or None if it rejects the text."""
    message = message_type()
    with warnings.catch_warnings():
        # It has Python replace escapes, and Python grumbles at those it does not know.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            text_format.Merge(text, message)
        except (text_format.ParseError, ValueError):
            return None
    return message


def same(one: Message, other: Message) -> bool:
    """Return whether two messages are equal bit by bit, except for the payload of a NaN."""
    return text_format.MessageToString(one) == text_format.MessageToString(other)


def places(document: tree.Document) -> list[tuple[type, int, int, bool]]:
    """Return what the equality of trees ignores: where each node is, and whether it has an end."""
    found = []
    unseen: list[tree.Node] = list(document.fields)
    while unseen:
        node = unseen.pop()
        found.append((type(node), node.start, node.end, getattr(node, "is_closed", True)))
        unseen.extend(tree.children(node))
    return found


def comments_of(text: str) -> list[str]:
    """Return the comments of text without whitespace at their ends, found without its tree."""
    found = (piece[1] for piece in _STRING_OR_COMMENT.finditer(text))
    return [comment.rstrip(" \t\v\f\r") for comment in found if comment]
