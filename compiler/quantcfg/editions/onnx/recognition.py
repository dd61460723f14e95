"""Recognize an ONNX model by its first bytes."""

from __future__ import annotations

from quantcfg import contracts
from quantcfg.editions.onnx import ONNX
from quantcfg.files import OtherContent
from quantcfg.wire import starts_like

_MARKS = ("ir_version", "graph")
"""The fields of a model that no other known file has."""


def recognize(start: bytes) -> OtherContent | None:
    """Return that a file is a model if it starts with fields of one."""
    found = starts_like(start, contracts.descriptors("onnx")["onnx.ModelProto"], _MARKS)
    return None if found.isdisjoint(_MARKS) else OtherContent(ONNX.words.model)
