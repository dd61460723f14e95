"""Names, types and blob shapes of a caffemodel, without its numbers.

A caffemodel is a caffe.NetParameter in binary form. Its fields are walked in
the file itself; the blobs' data is stepped over, so a large file costs no more
memory than a small one. Field numbers come from proto/caffe.proto.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from quantcfg import contracts
from quantcfg.caffe import capabilities
from quantcfg.caffe.network import Shape
from quantcfg.diagnostics import Report, catalogue
from quantcfg.files import PathLike, looks_like_text, open_descriptor, reason
from quantcfg.values import frozen_value

_VARINT, _FIXED64, _LENGTH, _GROUP_START, _GROUP_END, _FIXED32 = range(6)
_FIXED_LENGTHS = {_FIXED64: 8, _FIXED32: 4}
_KNOWN_WIRES = (_VARINT, _LENGTH, *_FIXED_LENGTHS)
_LONGEST_VARINT = 10
_HIGHEST_NUMBER = 2**29 - 1
_SAMPLE = 4096
_POINTER = b"version https://git-lfs"


@frozen_value
class WeightLayer:
    """A layer of a weights file; the shape of a blob is None where the file does not say it."""

    name: str
    type: str
    shapes: tuple[Shape | None, ...]


@frozen_value
class Weights:
    """The layers of a weights file that have blobs, by name."""

    file: str
    layers: Mapping[str, WeightLayer]


class _DamagedError(Exception):
    """The bytes at an offset are no field of a message."""

    def __init__(self, offset: int) -> None:
        self.offset = offset


def read_weights(path: PathLike, report: Report) -> Weights | None:
    """Return what a weights file holds, or None after reporting why it cannot be read."""
    name = os.fspath(path)
    try:
        with open(name, "rb", opener=open_descriptor) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ValueError("it is no regular file")
            if status.st_size == 0:
                raise _DamagedError(0)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                layers = tuple(_layers(data))
    except (OSError, ValueError) as error:
        report(catalogue.UNREADABLE_FILE.at(None, file=name, reason=reason(error)))
        return None
    except _DamagedError as damage:
        help = _kind(name)
        report(catalogue.DAMAGED_WEIGHTS.at(None, file=name, offset=damage.offset, help=help))
        return None
    return Weights(name, {layer.name: layer for layer in layers if layer.shapes})


def _kind(name: str) -> str | None:
    """Return what a file that is no caffemodel seems to be."""
    try:
        with open(name, "rb", opener=open_descriptor) as file:
            sample = file.read(_SAMPLE)
    except OSError:
        return None
    if not sample:
        return "it is empty"
    if sample.startswith(_POINTER):
        return 'it is a pointer of git-lfs: "git lfs pull" brings the file itself'
    return "it is a text: is it the prototxt?" if looks_like_text(sample) and b"\0" not in sample else None


Bytes = mmap.mmap
Field = tuple[int, int, int, int]
"""Number, wire type, and where the value starts and ends; a varint is its own start."""


def _layers(data: Bytes) -> Iterator[WeightLayer]:
    net = _numbers("NetParameter")
    for number, wire, start, end in _fields(data, 0, len(data)):
        if wire == _LENGTH and number == net["layer"]:
            yield _layer(data, start, end, "LayerParameter")
        elif wire == _LENGTH and number == net["layers"]:
            yield _old_layer(data, start, end)


def _old_layer(data: Bytes, start: int, end: int) -> WeightLayer:
    """Read a V1 layer, or the V0 layer in it."""
    v1 = _numbers("V1LayerParameter")
    for number, wire, inner_start, inner_end in _fields(data, start, end):
        if wire == _LENGTH and number == v1["layer"]:
            return _layer(data, inner_start, inner_end, "V0LayerParameter")
    return _layer(data, start, end, "V1LayerParameter")


def _layer(data: Bytes, start: int, end: int, message: str) -> WeightLayer:
    numbers = _numbers(message)
    type_wire = _VARINT if message == "V1LayerParameter" else _LENGTH
    name, layer_type = "", ""
    shapes: list[Shape | None] = []
    for number, wire, value_start, value_end in _fields(data, start, end):
        if number == numbers["name"] and wire == _LENGTH:
            name = _text(data, value_start, value_end)
        elif number == numbers["type"] and wire == type_wire:
            layer_type = _type(data, message, value_start, value_end)
        elif number == numbers["blobs"] and wire == _LENGTH:
            shapes.append(_shape(data, value_start, value_end))
    return WeightLayer(name, layer_type, tuple(shapes))


def _type(data: Bytes, message: str, start: int, end: int) -> str:
    """Return the type of a layer as it is called today."""
    if message == "LayerParameter":
        return _text(data, start, end)
    if message == "V0LayerParameter":
        return capabilities.v0_type(_text(data, start, end))
    known = _message(message).DESCRIPTOR.enum_types_by_name["LayerType"].values_by_number.get(start)
    return capabilities.v1_type(known.name) if known else f"V1 type {start}"


def _text(data: Bytes, start: int, end: int) -> str:
    return data[start:end].decode(errors="replace")


def _shape(data: Bytes, start: int, end: int) -> Shape | None:
    """Return the shape of a blob: BlobShape, or the four numbers of V1; None if it has neither."""
    blob = _numbers("BlobProto")
    old = [blob[name] for name in ("num", "channels", "height", "width")]
    dimensions: dict[int, int] = {}
    shape: Shape | None = None
    for number, wire, value_start, value_end in _fields(data, start, end):
        if number == blob["shape"] and wire == _LENGTH:
            # A message that is given again goes on where it was.
            shape = (*(shape or ()), *_dimensions(data, value_start, value_end))
        elif number in old and wire == _VARINT:
            dimensions[number] = _signed(value_start, 32)
    return tuple(dimensions.get(number, 0) for number in old) if dimensions else shape


def _dimensions(data: Bytes, start: int, end: int) -> Iterator[int]:
    dim = _numbers("BlobShape")["dim"]
    for number, wire, value_start, value_end in _fields(data, start, end):
        if number == dim and wire == _VARINT:
            yield _signed(value_start, 64)
        elif number == dim and wire == _LENGTH:
            while value_start < value_end:
                value, value_start = _varint(data, value_start, value_end)
                yield _signed(value, 64)


def _signed(value: int, bits: int) -> int:
    """Return the signed number of so many bits that a varint stands for."""
    value &= 2**bits - 1
    return value - 2**bits if value >= 2 ** (bits - 1) else value


def _fields(data: Bytes, start: int, end: int) -> Iterator[Field]:
    """Walk the fields of a message, without looking into them; groups, which Caffe lacks, are passed over."""
    groups: list[int] = []
    while start < end:
        at = start
        key, start = _varint(data, start, end)
        number, wire = key >> 3, key & 7
        if not 0 < number <= _HIGHEST_NUMBER:
            raise _DamagedError(at)
        if wire == _GROUP_START:
            groups.append(number)
        elif wire == _GROUP_END:
            if not groups or groups.pop() != number:
                raise _DamagedError(at)
        else:
            if wire not in _KNOWN_WIRES:
                raise _DamagedError(at)
            value_start, value_end, start = _value(data, wire, start, end)
            if start > end:
                raise _DamagedError(at)
            if not groups:
                yield number, wire, value_start, value_end
    if groups:
        raise _DamagedError(end)


def _value(data: Bytes, wire: int, start: int, end: int) -> tuple[int, int, int]:
    """Return where a value starts and ends, as in a Field, and where the next field is."""
    if wire == _VARINT:
        value, start = _varint(data, start, end)
        return value, value, start
    if wire == _LENGTH:
        length, start = _varint(data, start, end)
    else:
        length = _FIXED_LENGTHS[wire]
    return start, start + length, start + length


def _varint(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    value = 0
    for index, byte in enumerate(data[start : min(end, start + _LONGEST_VARINT)]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, start + index + 1
    raise _DamagedError(start)


@cache
def _numbers(message: str) -> Mapping[str, int]:
    return {field.name: field.number for field in _message(message).DESCRIPTOR.fields}


def _message(name: str) -> Any:
    return contracts.message_class("caffe", f"caffe.{name}")
