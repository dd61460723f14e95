"""Recognize an ONNX model by its first bytes."""

from __future__ import annotations

from quantcfg import contracts
from quantcfg.editions.onnx import ONNX
from quantcfg.files import OtherContent
from quantcfg.wire import starts_like


def recognize(start: bytes) -> OtherContent | None:
    """Return that a file is a model if it starts with fields of one, and only with these."""
    found = starts_like(start, contracts.descriptors("onnx")["onnx.ModelProto"])
    return None if found.isdisjoint(("ir_version", "graph")) else OtherContent(ONNX.words.model)
