"""Where the values of the weights are in a caffemodel."""

from __future__ import annotations

from math import prod

from quantcfg.diagnostics import Report
from quantcfg.editions.caffe.weights import Blob, read_weights
from quantcfg.files import PathLike
from quantcfg.network.operations import StoredArray, StoredWeights

_ITEM_TYPES = {"<f4": 4, "<f8": 8}


def read_stored_arrays(path: PathLike, report: Report) -> StoredWeights | None:
    """Return where the values of each layer are, or None after reporting why the file cannot be read.

    Layers are omitted if a blob does not have as many values as its shape.
    """
    weights = read_weights(path, report, located=True)
    if weights is None:
        return None
    found = {name: [_stored_array(blob) for blob in layer.blobs] for name, layer in weights.layers.items()}
    return {name: tuple(filter(None, arrays)) for name, arrays in found.items() if all(arrays)}


def _stored_array(blob: Blob) -> StoredArray | None:
    count, size = prod(blob.shape or ()), sum(end - start for start, end in blob.spans)
    for dtype, item in _ITEM_TYPES.items():
        if blob.data_length == count and size == count * item:
            return StoredArray(blob.shape or (), dtype, tuple(blob.spans))
    return None
