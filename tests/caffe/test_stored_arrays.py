"""Where the values of a caffemodel are."""

from __future__ import annotations

from math import prod
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest

from quantcfg import contracts
from quantcfg.diagnostics import Diagnostic
from quantcfg.editions.caffe.stored_arrays import read_stored_arrays
from quantcfg.editions.caffe.weights import read_weights
from quantcfg.network.operations import StoredWeights
from quantcfg.weights.arrays import map_weights, read_array
from tests.caffe.test_models import WITH_WEIGHTS, weights_file
from tests.shared import needs_shared
from tests.wire import FIXED32, key, length_field, varint

Net: Any = contracts.message_class("caffe", "caffe.StoredNet")
Blob: Any = contracts.message_class("caffe", "caffe.StoredBlob")


def arrays(path: Path) -> StoredWeights:
    found: list[Diagnostic] = []
    stored = read_stored_arrays(path, found.append)
    assert stored is not None, found
    return stored


def values(path: Path, stored: StoredWeights) -> dict[str, list[list[float]]]:
    """Return the values at the offsets."""
    content = path.read_bytes()
    return {
        name: [
            [
                value
                for start, end in each.spans
                for value in np.frombuffer(content[start:end], each.dtype).tolist()
            ]
            for each in found
        ]
        for name, found in stored.items()
    }


@needs_shared
@pytest.mark.parametrize("model", WITH_WEIGHTS)
def test_the_offsets_of_a_model_have_the_values_that_protobuf_reads(model: str) -> None:
    path = weights_file(model)
    net = Net.FromString(path.read_bytes())
    wanted = {
        layer.name.decode(): [list(blob.data) for blob in layer.blobs]
        for layer in (*net.layers, *net.layer)
        if layer.blobs
    }
    stored = arrays(path)
    assert values(path, stored) == wanted
    weights = read_weights(path, lambda _: None)
    assert weights
    assert {name: tuple(each.shape for each in found) for name, found in stored.items()} == {
        name: layer.shapes for name, layer in weights.layers.items()
    }


def net_of(tmp_path: Path, *blobs: bytes) -> Path:
    layer = length_field(1, b"a") + b"".join(length_field(7, blob) for blob in blobs)
    path = tmp_path / "net.caffemodel"
    path.write_bytes(length_field(100, layer))
    return path


SHAPE = length_field(7, length_field(1, b"\x03"))


def test_doubles_have_their_own_type(tmp_path: Path) -> None:
    path = net_of(tmp_path, SHAPE + length_field(8, pack("<3d", 1, 2, 3)))
    stored = arrays(path)
    assert [each.dtype for each in stored["a"]] == ["<f8"]
    assert values(path, stored) == {"a": [[1, 2, 3]]}


def test_values_in_pieces_have_several_spans(tmp_path: Path) -> None:
    pieces = length_field(5, pack("<2f", 1, 2)) + SHAPE + key(5, FIXED32) + pack("<f", 3)
    path = net_of(tmp_path, pieces)
    stored = arrays(path)
    assert len(stored["a"][0].spans) == 2
    assert values(path, stored) == {"a": [[1, 2, 3]]}


def shape(*sizes: int) -> bytes:
    return length_field(7, length_field(1, b"".join(varint(size) for size in sizes)))


def floats(count: int) -> bytes:
    """Return values that are not packed."""
    return b"".join(key(5, FIXED32) + pack("<f", index) for index in range(count))


def test_values_that_are_not_packed_are_one_span(tmp_path: Path) -> None:
    """As many as there are: each is a field of its own."""
    path = net_of(tmp_path, shape(96, 96) + floats(9216), floats(5) + shape(5))
    stored = arrays(path)
    assert [(len(each.spans), each.gap, each.problem) for each in stored["a"]] == [(1, 1, None)] * 2
    file = map_weights(path, stored)
    for array in stored["a"]:
        assert read_array(file, array, (-1,)).tolist() == [*range(prod(array.shape))]


BAD = {
    "too few values": (SHAPE + length_field(5, pack("<2f", 1, 2)), "the shape 3, but 2 values"),
    "no values": (SHAPE, "the shape 3, but 0 values"),
    "no shape": (floats(2), "the shape a scalar, but 2 values"),
    "negative sizes": (shape(-2, -3) + floats(6), "the shape -2x-3"),
    "a size of 0": (shape(2, 0), "the shape 2x0"),
    "too many axes": (shape(*[1] * 100) + floats(1), "100 axes, and 32 is the limit"),
    "too many pieces": (
        shape(5000) + length_field(5, pack("<f", 1)) * 5000,
        "the values of a blob are in too many pieces",
    ),
}


@pytest.mark.parametrize(("blob", "problem"), BAD.values(), ids=BAD)
def test_a_blob_that_cannot_be_used_has_a_problem(blob: bytes, problem: str, tmp_path: Path) -> None:
    (stored,) = arrays(net_of(tmp_path, blob))["a"]
    assert stored.problem
    assert stored.problem.endswith(problem)
    assert not stored.spans


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    found: list[Diagnostic] = []
    (tmp_path / "net.caffemodel").write_bytes(b"\xff\xff")
    assert read_stored_arrays(tmp_path / "net.caffemodel", found.append) is None
    assert [each.code for each in found] == ["QC310"]
