"""Recognize an ONNX model, and the files that are mistaken for one, by their first bytes."""

from __future__ import annotations

import re

from quantcfg import contracts
from quantcfg.editions.onnx import ONNX
from quantcfg.files import has_controls, looks_like_text, other_content
from quantcfg.wire import starts_like

_MAGIC = {
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file", "export the model to ONNX"),
    b"PK\x03\x04": ("a ZIP archive", "extract the model from it; export a PyTorch model to ONNX"),
    b"\x1f\x8b": ("a gzip file", "decompress it"),
}
_MARKS = ("ir_version", "graph")
"""The fields of a model that no other known file has."""
_FIRST_WORD = re.compile(r"(?:\s|#[^\n]*\n)*(\w+)")


def is_model(start: bytes) -> bool:
    """Return whether a file starts with fields of an ONNX model."""
    message = contracts.descriptors("onnx")["onnx.ModelProto"]
    return not starts_like(start, message, _MARKS).isdisjoint(_MARKS)


def other_file(name: str, start: bytes) -> tuple[str, str | None] | None:
    """Return what a file is instead of an ONNX model, and the help; None if it is not recognized."""
    if not start:
        return "empty", None
    for magic, found in _MAGIC.items():
        if start.startswith(magic):
            return found
    if looks_like_text(start) and not has_controls(start):
        return _other_text(name, start.decode(errors="ignore"))
    caffemodel = starts_like(start, contracts.descriptors("caffe")["caffe.NetParameter"])
    if not is_model(start) and not caffemodel.isdisjoint(("name", "layer", "layers")):
        return "a caffemodel", "use its prototxt as the model, and this file as the weights"
    return None


def _other_text(name: str, text: str) -> tuple[str, str | None]:
    if other := other_content(text):
        return other
    first = _FIRST_WORD.match(text)
    word = first[1] if first else ""
    if word in contracts.descriptors("caffe")["caffe.NetParameter"].fields:
        suffix = ONNX.words.model_suffix
        help = f"a prototxt must not have a name that ends in {suffix}" if name.endswith(suffix) else None
        return "a prototxt", help
    return "a text file", None
