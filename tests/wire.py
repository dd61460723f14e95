"""Protobuf's binary form written by hand, so that it can also be what no library writes."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from struct import pack
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

VARINT, FIXED64, LENGTH, GROUP_START, GROUP_END, FIXED32 = range(6)

HIGHEST_NUMBER = 2**29 - 1
UNKNOWN_NUMBERS = (11, 12, 99, 150, 2000, HIGHEST_NUMBER)
"""Numbers that no message of proto/caffe.proto which weights are read from has."""


def varint(value: int, *, padding: int = 0) -> bytes:
    """Return a number in as few bytes as it needs, and some more that say nothing."""
    value &= 2**64 - 1
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F)
    groups += [0] * min(padding, 10 - len(groups))
    return bytes([*(group | 0x80 for group in groups[:-1]), groups[-1]])


def key(number: int, wire: int) -> bytes:
    return varint(number << 3 | wire)


def number_field(number: int, value: int) -> bytes:
    return key(number, VARINT) + varint(value)


def length_field(number: int, content: bytes) -> bytes:
    return key(number, LENGTH) + varint(len(content)) + content


def group_field(number: int, content: bytes) -> bytes:
    return key(number, GROUP_START) + content + key(number, GROUP_END)


def unknown_fields(number: int) -> dict[str, bytes]:
    """Return a field of each wire type there is, by the name of the type."""
    inner = number_field(1, 5) + length_field(2, b"inner")
    return {
        "varint": number_field(number, -1),
        "fixed64": key(number, FIXED64) + b"\xff" * 8,
        "length": length_field(number, b"\xff" * 40),
        "empty length": length_field(number, b""),
        "group": group_field(number, inner + group_field(number, inner)),
        "empty group": group_field(number, b""),
        "fixed32": key(number, FIXED32) + b"\xff" * 4,
    }


def encoded(message: Any, random: Random, unknown: Sequence[int] = UNKNOWN_NUMBERS) -> bytes:
    """Return the binary form of a message: its numbers not always as short as they could be,
    its lists packed or not, and between its fields others that nobody knows.
    """
    content = _unknown(random, unknown)
    for field, value in message.ListFields():
        if field.is_repeated and field.message_type is None and field.type not in _TEXTS:
            content += _numbers(field, list(value), random)
        else:
            for item in value if field.is_repeated else (value,):
                content += _one(field, item, random, unknown) + _unknown(random, unknown)
    return content


_TEXTS = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)


def _one(field: FieldDescriptor, value: Any, random: Random, unknown: Sequence[int]) -> bytes:
    if field.message_type is not None:
        return length_field(field.number, encoded(value, random, unknown))
    if field.type in _TEXTS:
        return length_field(field.number, value if isinstance(value, bytes) else value.encode())
    if field.type == FieldDescriptor.TYPE_FLOAT:
        return key(field.number, FIXED32) + _scalar(field, value, random)
    return key(field.number, VARINT) + _scalar(field, value, random)


def _numbers(field: FieldDescriptor, values: list[Any], random: Random) -> bytes:
    """Return a list of numbers in pieces, each of them packed or a field of its own."""
    content = b""
    while values:
        count = random.randint(1, 3)
        pieces, values = values[:count], values[count:]
        if random.random() < 0.5:
            content += length_field(field.number, b"".join(_scalar(field, each, random) for each in pieces))
        else:
            content += b"".join(_one(field, each, random, ()) for each in pieces)
    return content


def _scalar(field: FieldDescriptor, value: Any, random: Random) -> bytes:
    if field.type == FieldDescriptor.TYPE_FLOAT:
        return pack("<f", value)
    return varint(value, padding=random.choice((0, 0, 0, 1, 9)))


def _unknown(random: Random, numbers: Sequence[int]) -> bytes:
    if random.random() < 0.6:
        return b""
    return random.choice(list(unknown_fields(random.choice(numbers)).values()))
