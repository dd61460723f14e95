"""Read arrays from a mapped file of weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantcfg.files import PathLike
from quantcfg.frozen import frozen_value
from quantcfg.network.network import Shape
from quantcfg.network.operations import Operation, StoredArray, StoredWeights

Array = NDArray[np.float32]


@frozen_value
class WeightsFile:
    """A mapped file, and where its arrays are."""

    data: NDArray[np.uint8]
    arrays: StoredWeights


def map_weights(path: PathLike, arrays: StoredWeights) -> WeightsFile:
    """Map a file into memory; its pages are read when they are used.

    Raises:
        OSError: the file cannot be read.

    """
    return WeightsFile(np.memmap(path, mode="r"), arrays)


def weights_of(file: WeightsFile, operation: Operation) -> tuple[Array, ...]:
    """Return the weights of a layer in the shapes that the layer needs; empty if the file has none."""
    arrays = file.arrays.get(operation.layer.name, ())
    shapes = [stored.shape for stored in arrays]
    if operation.blobs is not None and len(operation.blobs) == len(arrays):
        # Old files have four axes for each blob, and layers that share weights may differ in their axes.
        shapes = [*operation.blobs]
    return tuple(_read(file.data, stored, shape) for stored, shape in zip(arrays, shapes, strict=True))


def _read(data: NDArray[np.uint8], stored: StoredArray, shape: Shape) -> Array:
    pieces = [data[start:end].view(stored.dtype) for start, end in stored.spans]
    values = pieces[0] if len(pieces) == 1 else np.concatenate([*pieces, np.empty(0, stored.dtype)])
    return np.asarray(values, np.float32).reshape(shape)
