"""Read arrays from a mapped file of weights."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantcfg.files import PathLike
from quantcfg.frozen import frozen_value
from quantcfg.network.network import Shape
from quantcfg.network.operations import Operation, StoredArray, StoredWeights

Array = NDArray[np.float32]

_BFLOAT16 = "bfloat16"


_Bytes = NDArray[np.uint8]


@frozen_value
class WeightsFile:
    """A mapped file, and where its arrays are; others are the files that have some of them."""

    data: _Bytes
    arrays: StoredWeights
    others: Mapping[str, _Bytes] = MappingProxyType({})


def map_weights(path: PathLike, arrays: StoredWeights) -> WeightsFile:
    """Map a file into memory; its pages are read when they are used.

    Raises:
        OSError: the file cannot be read.

    """
    others = dict.fromkeys(array.file for each in arrays.values() for array in each if array.file)
    mapped = {name: np.memmap(name, mode="r") for name in others if os.path.getsize(name)}
    return WeightsFile(np.memmap(path, mode="r"), arrays, mapped)


def weights_of(file: WeightsFile, operation: Operation) -> tuple[Array, ...]:
    """Return the weights of a layer in the shapes that the layer needs; empty if the file has none."""
    arrays = file.arrays.get(operation.layer.name, ())
    shapes = [stored.shape for stored in arrays]
    if operation.blobs is not None and len(operation.blobs) == len(arrays):
        # Old files have four axes for each blob, and layers that share weights may differ in their axes.
        shapes = [*operation.blobs]
    return tuple(read_array(file, stored, shape) for stored, shape in zip(arrays, shapes, strict=True))


def read_array(file: WeightsFile, stored: StoredArray, shape: Shape) -> Array:
    """Return the values of an array without a problem, in a shape."""
    data = file.others.get(stored.file, file.data) if stored.file else file.data
    pieces = [_values(data[start:end], stored) for start, end in stored.spans]
    values = pieces[0] if len(pieces) == 1 else np.concatenate([*pieces, np.empty(0, np.float32)])
    return np.asarray(values, np.float32).reshape(shape)


def _values(data: _Bytes, stored: StoredArray) -> NDArray[Any]:
    if stored.gap:
        rows = np.append(data, np.zeros(stored.gap, np.uint8))
        item = np.dtype(stored.dtype).itemsize
        data = rows.reshape(-1, item + stored.gap)[:, :item].reshape(-1)
    if stored.is_varint:
        data = _varints(data).astype("<u2").view(np.uint8)
    if stored.dtype == _BFLOAT16:
        # A bfloat16 is the upper half of a float.
        bits = data.view("<u2").astype(np.uint32)
        bits <<= 16
        return bits.view(np.float32)
    return data.view(stored.dtype)


def _varints(data: _Bytes) -> NDArray[np.uint64]:
    """Return varints: 7 bits a byte, the lowest first; the last byte of each is less than 128."""
    ends = np.flatnonzero(data < 0x80)
    starts = np.concatenate([[0], ends[:-1] + 1])
    values = np.zeros(len(ends), np.uint64)
    for place in range(int((ends - starts).max(initial=0)) + 1):
        has = starts + place <= ends
        bits = (data[(starts + place)[has]] & 0x7F).astype(np.uint64)
        values[has] |= bits << np.uint64(min(7 * place, 63))
    return values
