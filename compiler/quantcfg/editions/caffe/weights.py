"""Read the names, types and blob shapes of a caffemodel, without its weights.

A caffemodel is a caffe.NetParameter in binary form. The file is mapped into memory
and its fields are walked there. The data of large blobs is skipped, so a large file
takes no more memory than a small one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from quantcfg import contracts, limits
from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.editions import edition_of_binary, other_content
from quantcfg.editions.caffe import CAFFE, caffe_types
from quantcfg.files import EMPTY, HDF5, TEXT, PathLike, reason
from quantcfg.frozen import field as value_field
from quantcfg.frozen import frozen_value, small_value
from quantcfg.network.network import Shape
from quantcfg.wire import (
    LENGTH,
    VARINT,
    Bytes,
    MalformedError,
    declared,
    fields,
    mapped,
    signed,
    varint,
)

if TYPE_CHECKING:
    from quantcfg.contracts.descriptors import Descriptor

_ITEM_SIZES = {"data": 4, "double_data": 8}
_LEGACY_DIMENSIONS = ("num", "channels", "height", "width")
_CHUNK = 2**16
"""The number of bytes that protobuf parses at once; a larger layer is walked."""

_MAX_SPANS = 4096
"""The number of pieces of a blob whose offsets are kept; Caffe writes one piece."""

_KEY_SIZE = 1
"""The bytes of the key of data or double_data."""

_HELP = {
    EMPTY: "the file is empty: use the caffemodel of this network",
    HDF5: "this is an HDF5 file: save a binary caffemodel",
    TEXT: "this is a text file: use the binary caffemodel",
}


_Span = tuple[int, int]


@small_value
class Blob:
    """A stored blob; shape is None if the file has none.

    is_legacy is whether the shape is from num, channels, height and width, which
    override the field shape. data_length is the number of values in double_data, or
    else in data; None if there are none. spans are the offsets of these values in the
    file, if they were asked for; gap is the number of bytes between two values.
    """

    shape: Shape | None
    is_legacy: bool = False
    data_length: int | None = None
    spans: Sequence[_Span] = value_field(default=(), compare=False, repr=False)
    gap: int = value_field(default=0, compare=False, repr=False)


@small_value
class WeightLayer:
    """A layer of a weights file."""

    name: str
    type: str
    blobs: tuple[Blob, ...]

    @property
    def shapes(self) -> tuple[Shape | None, ...]:
        """The shapes of its blobs."""
        return tuple(blob.shape for blob in self.blobs)


@frozen_value
class Weights:
    """The layers of a weights file that have blobs, by name."""

    file: str
    layers: Mapping[str, WeightLayer]


class _TooManyLayersError(Exception):
    """The file has more than limits.LAYERS layers."""


def read_weights(path: PathLike, report: Report, *, located: bool = False) -> Weights | None:
    """Return the weights in a file, or None after reporting why it cannot be read.

    With located, the blobs have the offsets of their values.
    """
    name = os.fspath(path)
    try:
        with mapped(name) as data:
            found = _walked_layers(data, 0, len(data)) if located else _layers(data)
            layers = {layer.name: layer for layer in found if layer.blobs}
    except (OSError, ValueError) as error:
        report(catalogue.UNREADABLE_FILE.at(None, file=name, reason=reason(error)))
        return None
    except MalformedError as error:
        help = _kind(name)
        malformed = catalogue.MALFORMED_WEIGHTS.at(None, file=name, offset=error.offset, help=help)
        report(_other_model(name) or malformed)
        return None
    except _TooManyLayersError:
        report(catalogue.TOO_MANY_LAYERS.at(None, file=name, limit=limits.LAYERS))
        return None
    # A model of another edition may be a valid message, but has no layers.
    other = None if layers else _other_model(name)
    if other:
        report(other)
        return None
    return Weights(name, layers)


def _other_model(name: str) -> Diagnostic | None:
    """Return the error for a file that is a binary model of another edition, None for any other file."""
    edition = edition_of_binary(name)
    if edition is None:
        return None
    what, help = edition.words.model, "use it as the model, without weights"
    return catalogue.OTHER_CONTENT.at(None, file=name, what=what, wanted="a caffemodel", help=help)


def _kind(name: str) -> str | None:
    """Return the help for a file that is not a valid caffemodel, if its content is recognized."""
    found = other_content(name, CAFFE)
    if found is None:
        return None
    what, help = found
    return _HELP.get(what) or f"this is {what}{f': {help}' if help else ''}"


def _layers(data: Bytes) -> Iterator[WeightLayer]:
    for start, end in _chunks(data):
        parsed = _parsed_layers(data[start:end]) if end - start <= _CHUNK else None
        yield from _walked_layers(data, start, end) if parsed is None else parsed


def _chunks(data: Bytes) -> Iterator[tuple[int, int]]:
    """Divide a file into chunks of whole fields and at most _CHUNK bytes; a larger field is its own chunk."""
    if len(data) <= _CHUNK:
        # Too small for limits.LAYERS layers, so there is no need to count them.
        yield 0, len(data)
        return
    start = last = 0
    try:
        for end in _field_ends(data):
            if end - start > _CHUNK and start < last:
                yield start, last
                start = last
            last = end
    except (MalformedError, _TooManyLayersError):
        # An error inside an earlier field is reported first.
        yield start, last
        raise
    yield start, last


def _field_ends(data: Bytes) -> Iterator[int]:
    """Yield the end of each field of a file; fail after limits.LAYERS layers."""
    numbers = [field.number for field in _descriptor("StoredNet").fields.values()]
    count = 0
    for number, wire, _, end in fields(data, 0, len(data)):
        if wire == LENGTH and number in numbers:
            count += 1
            if count > limits.LAYERS:
                raise _TooManyLayersError
        yield end


# Fast path: protobuf parses a chunk


def _parsed_layers(content: bytes) -> list[WeightLayer] | None:
    """Return the layers with blobs, or None if the slow path must read the chunk.

    That is if protobuf rejects it, because only the slow path finds the offset of the
    error, or if it has both old and new layers, because their order would be lost.
    """
    try:
        net: Any = _message("StoredNet").FromString(content)
    except _decode_error():
        return None
    old, new = net.layers, net.layer
    if old and new:
        return None
    v1 = [_parsed_old_layer(layer) for layer in old]
    return v1 + [_parsed_layer(layer, "StoredLayer", blobs) for layer in new if (blobs := layer.blobs)]


def _parsed_old_layer(layer: Any) -> WeightLayer:
    """Return a V1 layer, or the V0 layer in it."""
    if layer.HasField("layer"):
        return _parsed_layer(layer.layer, "StoredV0Layer", layer.layer.blobs)
    return _parsed_layer(layer, "StoredV1Layer", layer.blobs)


def _parsed_layer(layer: Any, message: str, blobs: Any) -> WeightLayer:
    layer_type = _type(message, layer.type) if layer.HasField("type") else ""
    return WeightLayer(_text(layer.name), layer_type, tuple(map(_parsed_blob, blobs)))


def _parsed_blob(blob: Any) -> Blob:
    length = len(blob.double_data) or len(blob.data) or None
    has = blob.HasField
    if has("num") or has("channels") or has("height") or has("width"):
        return Blob((blob.num, blob.channels, blob.height, blob.width), True, length)
    return Blob(tuple(blob.shape.dim[:]) if blob.HasField("shape") else None, False, length)


# Slow path: the fields of a layer are walked


def _walked_layers(data: Bytes, start: int, end: int) -> Iterator[WeightLayer]:
    for field, _, value, field_end in declared(data, start, end, _descriptor("StoredNet")):
        if field.name == "layer":
            yield _walked_layer(data, [(value, field_end)], "StoredLayer")
        else:
            yield _walked_old_layer(data, value, field_end)


def _walked_old_layer(data: Bytes, start: int, end: int) -> WeightLayer:
    """Return a V1 layer, or the V0 layer in it; repeated V0 messages are merged."""
    fields = declared(data, start, end, _descriptor("StoredV1Layer"))
    v0 = [(value, field_end) for field, _, value, field_end in fields if field.name == "layer"]
    if v0:
        return _walked_layer(data, v0, "StoredV0Layer")
    return _walked_layer(data, [(start, end)], "StoredV1Layer")


def _walked_layer(data: Bytes, spans: Sequence[tuple[int, int]], message: str) -> WeightLayer:
    name, layer_type = "", ""
    blobs: list[Blob] = []
    descriptor = _descriptor(message)
    for field, wire, value, end in chain(*(declared(data, *span, descriptor) for span in spans)):
        if field.name == "name":
            name = _text(data[value:end])
        elif field.name == "type":
            layer_type = _type(message, signed(value, 32) if wire == VARINT else data[value:end])
        elif field.name == "blobs":
            blobs.append(_walked_blob(data, value, end))
    return WeightLayer(name, layer_type, tuple(blobs))


def _walked_blob(data: Bytes, start: int, end: int) -> Blob:
    lengths = dict.fromkeys(_ITEM_SIZES, 0)
    spans: dict[str, list[_Span]] = {name: [] for name in _ITEM_SIZES}
    # Values that are not packed have a key each; they are one span if nothing is between them.
    ends: dict[str, int | None] = {}
    dimensions: dict[str, int] = {}
    shape: Shape | None = None
    for field, wire, value, field_end in declared(data, start, end, _descriptor("StoredBlob")):
        if field.name == "shape":
            shape = (*(shape or ()), *_dimensions(data, value, field_end))
        elif field.name in lengths:
            lengths[field.name] += _items(value, field_end, _ITEM_SIZES[field.name])
            is_next = wire != LENGTH and ends.get(field.name, value - _KEY_SIZE) == value - _KEY_SIZE
            ends[field.name] = field_end if is_next else None
            if len(spans[field.name]) < _MAX_SPANS:
                spans[field.name].append((value, field_end))
        else:
            dimensions[field.name] = signed(value, 32)
    used = "double_data" if lengths["double_data"] else "data"
    length, found, gap = lengths[used] or None, spans[used], 0
    if len(found) > 1 and (last := ends[used]) is not None:
        found, gap = [(found[0][0], last)], _KEY_SIZE
    if dimensions:
        shape = tuple(dimensions.get(name, 0) for name in _LEGACY_DIMENSIONS)
    return Blob(shape, bool(dimensions), length, found, gap)


def _items(start: int, end: int, size: int) -> int:
    """Return the number of values of a size between two offsets."""
    if (end - start) % size:
        raise MalformedError(start)
    return (end - start) // size


def _dimensions(data: Bytes, start: int, end: int) -> Iterator[int]:
    for _, wire, value, field_end in declared(data, start, end, _descriptor("BlobShape")):
        if wire == VARINT:
            yield signed(value, 64)
            continue
        at = value
        while at < field_end:
            dimension, at = varint(data, at, field_end)
            yield signed(dimension, 64)


def _text(content: bytes) -> str:
    return content.decode(errors="replace")


@lru_cache
def _type(message: str, value: bytes | int) -> str:
    """Return the current name of a stored layer type."""
    if isinstance(value, int):
        name = caffe_types.enum("V1LayerParameter", "type").names.get(value)
        return caffe_types.v1_type(name) if name else f"V1 type {value}"
    text = _text(value)
    return caffe_types.v0_type(text) if message == "StoredV0Layer" else text


@cache
def _decode_error() -> type[Exception]:
    """Return DecodeError of protobuf, imported only when weights are read."""
    from google.protobuf.message import DecodeError

    return DecodeError


def _descriptor(message: str) -> Descriptor:
    return contracts.descriptors("caffe")[f"caffe.{message}"]


def _message(name: str) -> Any:
    return contracts.message_class("caffe", f"caffe.{name}")
