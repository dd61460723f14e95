"""Find the values of tensors in files beside an ONNX model."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from math import prod
from typing import NamedTuple

from quantcfg.diagnostics.phrases import counted, quoted
from quantcfg.files import reason
from quantcfg.network.network import Shape
from quantcfg.network.operations import StoredArray

_MOST_DIGITS = 20


class Storage(NamedTuple):
    """How values of an element type are stored: as numpy calls them, and in a field beside raw_data."""

    dtype: str
    size: int
    field: str


class ExternalDataError(Exception):
    """External data cannot be used; the text is the reason."""


def external_array(model: str, entries: Mapping[str, str], shape: Shape, stored: Storage) -> StoredArray:
    """Return where external data is; entries are what a model says about it.

    Raises:
        ExternalDataError: it cannot be used.

    """
    location = entries.get("location")
    if not location:
        raise ExternalDataError("it has no location")
    folder = os.path.dirname(os.path.abspath(model))
    path = os.path.join(folder, location)
    shown = quoted([location])
    if os.path.isabs(location) or not _is_inside(path, folder):
        raise ExternalDataError(f"{shown} is outside of the directory of the model")
    start, needed = _number(entries, "offset", 0), prod(shape) * stored.size
    length = _number(entries, "length", needed)
    if length != needed:
        raise ExternalDataError(f"its length is {length}, but its shape needs {counted(needed, 'byte')}")
    size = _size(path, shown)
    if start + needed > size:
        raise ExternalDataError(
            f"{shown} has {counted(size, 'byte')}, but bytes {start} to {start + needed} are needed"
        )
    spans = ((start, start + needed),) if needed else ()
    return StoredArray(shape, stored.dtype, spans, file=path)


def _is_inside(path: str, folder: str) -> bool:
    try:
        resolved, root = os.path.realpath(path), os.path.realpath(folder)
    except (OSError, ValueError):
        return True  # Reading it reports why.
    return os.path.commonpath((resolved, root)) == root


def _number(entries: Mapping[str, str], key: str, default: int) -> int:
    value = entries.get(key, str(default))
    if not (value.isascii() and value.isdecimal() and len(value) < _MOST_DIGITS):
        raise ExternalDataError(f"its {key} is {quoted([value])}, which is not a number")
    return int(value)


def _size(path: str, shown: str) -> int:
    """Return the size of a regular file that can be read."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("not a regular file")
        with open(path, "rb"):
            return status.st_size
    except (OSError, ValueError) as error:
        raise ExternalDataError(f"cannot read {shown}: {reason(error)}") from error
