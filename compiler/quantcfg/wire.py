"""Walk the fields of a protobuf message in a mapped file, without parsing it.

The data of large fields is skipped, so a large file takes no more memory than a
small one.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from quantcfg import limits
from quantcfg.files import open_descriptor

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from quantcfg.contracts.descriptors import Descriptor, FieldDescriptor

VARINT, _FIXED64, LENGTH, _GROUP_START, _GROUP_END, _FIXED32 = range(6)
_NUMBERS = {VARINT: 0, _FIXED64: 8, _FIXED32: 4}
"""The wire types of numbers, with their length if it is fixed."""

_WIRES = {
    **dict.fromkeys(("string", "bytes", "message"), LENGTH),
    **dict.fromkeys(("double", "fixed64", "sfixed64"), _FIXED64),
    **dict.fromkeys(("float", "fixed32", "sfixed32"), _FIXED32),
}
"""The wire type of each kind of field that is not a varint."""

_MAX_VARINT = 10
_MAX_NUMBER = 2**29 - 1
_ANY_SIZE = 2**63

_CHUNK = 2**16
"""The number of bytes that protobuf parses at once; a larger message is walked."""

Bytes = mmap.mmap | bytes
Field = tuple[int, int, int, int]
"""Number, wire type, value (a varint, or the offset of any other value), and the end of the field."""


class MalformedError(Exception):
    """The bytes at an offset are not a valid field; is_truncated is whether the file ends inside it."""

    def __init__(self, offset: int, *, is_truncated: bool = False) -> None:
        self.offset = offset
        self.is_truncated = is_truncated


class TooDeepError(Exception):
    """Messages are nested deeper than limits.NESTING."""


@contextmanager
def mapped(name: str) -> Iterator[mmap.mmap]:
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
        if wire == LENGTH:
            length, value = varint(data, start, end)
            start = value + length
        elif wire in _NUMBERS:
            value, start = varint(data, start, end) if wire == VARINT else (start, start + _NUMBERS[wire])
        elif wire == _GROUP_START:
            groups.append(number)
            continue
        elif wire == _GROUP_END and groups and groups.pop() == number:
            continue
        else:
            raise MalformedError(at)
        if start > end:
            raise MalformedError(at, is_truncated=start > len(data))
        if not groups:
            yield number, wire, value, start
    if groups:
        raise MalformedError(end)


def declared(
    data: Bytes, start: int, end: int, message: Descriptor
) -> Iterator[tuple[FieldDescriptor, int, int, int]]:
    """Yield the fields that a message type declares, with wire type, value and end; others are skipped."""
    known = _declared(message)
    for number, wire, value, field_end in fields(data, start, end):
        if field := known.get((number, wire)):
            yield field, wire, value, field_end


@cache
def _declared(message: Descriptor) -> Mapping[tuple[int, int], FieldDescriptor]:
    """Return the fields of a message type by number and wire type; a list of numbers may be packed."""
    known = {(field.number, _wire(field)): field for field in message.fields.values()}
    packed = {(field.number, LENGTH): field for field in message.fields.values() if field.is_repeated}
    return {**packed, **known}


def _wire(field: FieldDescriptor) -> int:
    return _WIRES.get(field.kind, VARINT)


def starts_like(sample: bytes, message: Descriptor, marks: Iterable[str] = ()) -> frozenset[str]:
    """Return the fields at the start of a file, or nothing if the message type does not declare them all.

    With one of the marks, which are fields that suffice to recognize the type, others may be unknown.
    """
    known, found, is_known = _declared(message), set[str](), True
    numbers = {number for number, _ in known}
    try:
        for number, wire, _, _ in fields(sample, 0, _ANY_SIZE):
            if field := known.get((number, wire)):
                found.add(field.name)
            elif number in numbers:
                return frozenset()
            else:
                is_known = False
    except MalformedError:
        return frozenset()
    except IndexError:  # The end of the sample.
        pass
    return frozenset(found) if is_known or not found.isdisjoint(marks) else frozenset()


def parsed(data: Bytes, start: int, end: int, message: type[Message], descriptor: Descriptor) -> Message:
    """Parse a message with protobuf; in messages over 64 KiB, undeclared fields are dropped first.

    Raises:
        MalformedError: the message is invalid.
        TooDeepError: it is nested too deep.

    """
    from google.protobuf.message import DecodeError

    try:
        return message.FromString(_condensed(data, start, end, descriptor, _CHUNK))
    except DecodeError:
        # The slow path finds the offset of the error, and skips groups of any depth.
        content = _condensed(data, start, end, descriptor, 0)
    try:
        return message.FromString(content)
    except DecodeError:
        raise MalformedError(start) from None


def _condensed(
    data: Bytes, start: int, end: int, message: Descriptor, chunk: int, depth: int = limits.NESTING
) -> bytes:
    """Return a message without the fields that it does not declare; at most a chunk is kept as it is."""
    if end - start <= chunk:
        return data[start:end]
    if not depth:
        raise TooDeepError
    parts: list[bytes] = []
    for field, wire, value, field_end in declared(data, start, end, message):
        parts.append(encoded(field.number << 3 | wire))
        if wire == VARINT:
            parts.append(encoded(value))
            continue
        inner = field.message
        content = (
            _condensed(data, value, field_end, inner, chunk, depth - 1) if inner else data[value:field_end]
        )
        parts += [encoded(len(content)), content] if wire == LENGTH else [content]
    return b"".join(parts)


def encoded(value: int) -> bytes:
    """Return a varint as bytes."""
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


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
