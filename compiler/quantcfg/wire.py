"""Walk the fields of a protobuf message in a mapped file, without parsing it.

The data of large fields is skipped, so a large file takes no more memory than a
small one.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from quantcfg.files import open_descriptor

VARINT, FIXED64, LENGTH, _GROUP_START, _GROUP_END, FIXED32 = range(6)
FIXED_LENGTHS = {FIXED64: 8, FIXED32: 4}
_KNOWN_WIRES = (VARINT, LENGTH, *FIXED_LENGTHS)
_MAX_VARINT = 10
_MAX_NUMBER = 2**29 - 1

Bytes = mmap.mmap
Field = tuple[int, int, int, int]
"""Number, wire type, value (a varint, or the offset of any other value), and the end of the field."""


class MalformedError(Exception):
    """The bytes at an offset are not a valid field."""

    def __init__(self, offset: int) -> None:
        self.offset = offset


@contextmanager
def mapped(name: str) -> Iterator[Bytes]:
    """Return the content of a regular file, mapped into memory.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is not a regular file, or the name is invalid.
        MalformedError: it is empty.

    """
    with open(name, "rb", opener=open_descriptor) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("not a regular file")
        if status.st_size == 0:
            raise MalformedError(0)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


def fields(data: Bytes, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of a message; groups are skipped, because no message that is read has one."""
    groups: list[int] = []
    while start < end:
        at = start
        key, start = varint(data, start, end)
        number, wire = key >> 3, key & 7
        if not 0 < number <= _MAX_NUMBER:
            raise MalformedError(at)
        if wire == _GROUP_START:
            groups.append(number)
        elif wire == _GROUP_END:
            if not groups or groups.pop() != number:
                raise MalformedError(at)
        else:
            if wire not in _KNOWN_WIRES:
                raise MalformedError(at)
            value, start = _value(data, wire, start, end)
            if start > end:
                raise MalformedError(at)
            if not groups:
                yield number, wire, value, start
    if groups:
        raise MalformedError(end)


def _value(data: Bytes, wire: int, start: int, end: int) -> tuple[int, int]:
    """Return the value of a field as in Field, and the end of the field."""
    if wire == VARINT:
        return varint(data, start, end)
    if wire == LENGTH:
        length, start = varint(data, start, end)
        return start, start + length
    return start, start + FIXED_LENGTHS[wire]


def varint(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """Return a varint and its end."""
    value = shift = 0
    for at in range(start, min(end, start + _MAX_VARINT)):
        byte = data[at]
        if byte < 0x80:
            return value | byte << shift, at + 1
        value |= (byte & 0x7F) << shift
        shift += 7
    raise MalformedError(start)


def signed(value: int, bits: int) -> int:
    """Return a varint as a signed integer with this number of bits."""
    value &= 2**bits - 1
    return value - 2**bits if value >= 2 ** (bits - 1) else value
