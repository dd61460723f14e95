"""Recognize a prototxt or a caffemodel by its first bytes."""

from __future__ import annotations

import re

from quantcfg.editions.caffe import CAFFE, MODEL
from quantcfg.files import OtherContent, is_plain_text
from quantcfg.wire import starts_like

_CAFFEMODEL = OtherContent("a caffemodel", "use its prototxt as the model, and this file as the weights")
_FIRST_WORD = re.compile(r"(?:\s|#[^\n]*\n)*(\w+)")


def recognize(start: bytes) -> OtherContent | None:
    """Return that a file is a prototxt or a caffemodel if it starts with fields of one."""
    if is_plain_text(start):
        first = _FIRST_WORD.match(start.decode(errors="ignore"))
        is_prototxt = first is not None and first[1] in MODEL.descriptor.fields
        return OtherContent(CAFFE.words.model) if is_prototxt else None
    found = starts_like(start, MODEL.descriptor)
    return None if found.isdisjoint(("name", "layer", "layers")) else _CAFFEMODEL
