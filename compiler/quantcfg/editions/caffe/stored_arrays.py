"""Where the values of the weights are in a caffemodel."""

from __future__ import annotations

from math import prod

from quantcfg.diagnostics import Report
from quantcfg.diagnostics.phrases import counted
from quantcfg.editions.caffe.shapes import MAX_AXES
from quantcfg.editions.caffe.weights import Blob, read_weights
from quantcfg.files import PathLike
from quantcfg.network.network import Shape
from quantcfg.network.operations import StoredArray, StoredWeights

_ITEM_TYPES = {"<f4": 4, "<f8": 8}


def read_stored_arrays(path: PathLike, report: Report) -> StoredWeights | None:
    """Return where the values of each layer are, or None after reporting why the file cannot be read."""
    weights = read_weights(path, report, located=True)
    if weights is None:
        return None
    return {name: tuple(map(_stored_array, layer.blobs)) for name, layer in weights.layers.items()}


def _stored_array(blob: Blob) -> StoredArray:
    shape, length = blob.shape or (), blob.data_length or 0
    if problem := _shape_problem(shape, length):
        return StoredArray(shape, "", (), problem=problem)
    size = sum(end - start for start, end in blob.spans)
    for dtype, item in _ITEM_TYPES.items():
        if size == length * item + (length - 1) * blob.gap:
            return StoredArray(shape, dtype, tuple(blob.spans), gap=blob.gap)
    return StoredArray(shape, "", (), problem="the values of a blob are in too many pieces")


def _shape_problem(shape: Shape, length: int) -> str | None:
    """Return why a blob cannot have a shape and this number of values, None if it can."""
    if len(shape) > MAX_AXES:
        return f"it has a blob of {len(shape)} axes, and {MAX_AXES} is the limit"
    sizes = "x".join(map(str, shape)) or "a scalar"
    if any(size < 1 for size in shape):
        return f"it has a blob with the shape {sizes}"
    if prod(shape) != length:
        return f"it has a blob with the shape {sizes}, but {counted(length, 'value')}"
    return None
