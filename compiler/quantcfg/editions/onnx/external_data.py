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

_LARGE_EXPONENT = 30
_LARGE = 10**_LARGE_EXPONENT


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
    start, needed = _number(entries, "offset") or 0, prod(shape) * stored.size
    length = _number(entries, "length")
    if length not in (None, needed):
        raise ExternalDataError(f"its length is {length}, but its shape needs {amount(needed, 'byte')}")
    size = _size(path, shown)
    if start + needed > size:
        missing = amount(needed, "byte") if needed >= _LARGE else f"bytes {start} to {start + needed}"
        raise ExternalDataError(f"{shown} has {counted(size, 'byte')}, but {missing} are needed")
    spans = ((start, start + needed),) if needed else ()
    return StoredArray(shape, stored.dtype, spans, file=path)


def amount(number: int, noun: str) -> str:
    """Return a number and its noun; that of the values of a shape may have thousands of digits."""
    return counted(number, noun) if number < _LARGE else f"more than 10^{_LARGE_EXPONENT} {noun}s"


def _is_inside(path: str, folder: str) -> bool:
    try:
        resolved, root = os.path.realpath(path), os.path.realpath(folder)
    except (OSError, ValueError):
        return True  # Reading it reports why.
    return os.path.commonpath((resolved, root)) == root


def _number(entries: Mapping[str, str], key: str) -> int | None:
    """Return a number that a model states, None if it does not."""
    value = entries.get(key)
    if value is None:
        return None
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        raise ExternalDataError(f"its {key} is {quoted([value])}, which is not a number")
    if digits != value:
        raise ExternalDataError(f"its {key} is {quoted([value])}, which is negative")
    if len(digits.lstrip("0")) >= _MOST_DIGITS:
        raise ExternalDataError(f"its {key} is {quoted([value])}, which is too large")
    return int(digits.lstrip("0") or "0")


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
