"""Weights files: what is read from them, and that nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from math import prod
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from typing import Any
from unittest.mock import patch

import pytest
from google.protobuf.message import DecodeError
from hypothesis import strategies as st

from quantcfg import contracts, limits
from quantcfg.diagnostics import Diagnostic, Severity, catalogue
from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe import weights as weights_module
from quantcfg.editions.caffe.weights import Blob, WeightLayer, Weights, read_weights
from quantcfg.network.network import Shape
from tests.laws import TWICE, calls, law
from tests.networks import codes, conv, diagnose, inner_product, layer, net, network, pool, relu
from tests.wire import (
    FIXED32,
    FIXED64,
    GROUP_END,
    GROUP_START,
    HIGHEST_NUMBER,
    UNKNOWN_NUMBERS,
    encoded,
    group_field,
    key,
    length_field,
    number_field,
    unknown_fields,
    varint,
)

Net: Any = contracts.message_class("caffe", "caffe.NetParameter")
StoredBlob: Any = contracts.message_class("caffe", "caffe.StoredBlob")
StoredNet: Any = contracts.message_class("caffe", "caffe.StoredNet")

# Field numbers of Caffe, as its own schema gives them.
LAYERS, LAYER = 2, 100
NAME, TYPE, BLOBS = 1, 2, 7
SHAPE, DATA, DOUBLE_DATA, NUM = 7, 5, 8, 1

PIECES = (0, 16, 2**16)
"""How much of a file protobuf is given at once: nothing, a layer or two, or all."""


def read(content: bytes) -> tuple[Weights | None, list[Diagnostic]]:
    """Read a file on the slow path, the fast path, and both; there must be no difference."""
    with NamedTemporaryFile(suffix="net.caffemodel") as file:
        file.write(content)
        file.flush()
        slow, *fast = (read_in_pieces(file.name, size) for size in PIECES)
    assert all(each == slow for each in fast)
    return slow


def read_in_pieces(path: str, size: int) -> tuple[Weights | None, list[Diagnostic]]:
    found: list[Diagnostic] = []
    with patch.object(weights_module, "_CHUNK", size):
        return read_weights(path, found.append), found


def layers(content: bytes) -> dict[str, WeightLayer]:
    """Return the layers of a file that must be in order."""
    weights, found = read(content)
    assert weights is not None, found
    assert found == []
    return dict(weights.layers)


def shapes(content: bytes) -> tuple[Shape | None, ...]:
    """Return the shapes of the blobs of the only layer of a file."""
    (layer,) = layers(content).values()
    return layer.shapes


def file_of(*fields: bytes) -> bytes:
    """Return a file with one V2 layer that has these fields besides a name."""
    return length_field(LAYER, length_field(NAME, b"conv") + b"".join(fields))


def blob(*fields: bytes) -> bytes:
    return length_field(BLOBS, b"".join(fields))


def shape(*dimensions: int) -> bytes:
    return length_field(SHAPE, length_field(1, b"".join(map(varint, dimensions))))


def fully_parsed(content: bytes) -> dict[str, WeightLayer]:
    """Return what protobuf's own parser finds in a file."""
    message = Net.FromString(content)
    found = (*map(_old_layer, message.layers), *map(_new_layer, message.layer))
    return {layer.name: layer for layer in found if layer.blobs}


def _new_layer(layer: Any) -> WeightLayer:
    return WeightLayer(layer.name, layer.type, tuple(map(_blob, layer.blobs)))


def _old_layer(layer: Any) -> WeightLayer:
    if layer.HasField("layer"):
        v0 = layer.layer
        return WeightLayer(v0.name, caffe_types.v0_type(v0.type), tuple(map(_blob, v0.blobs)))
    word = layer.DESCRIPTOR.enum_types_by_name["LayerType"].values_by_number[layer.type].name
    return WeightLayer(layer.name, caffe_types.v1_type(word), tuple(map(_blob, layer.blobs)))


def _blob(blob: Any) -> Blob:
    # NetParameter keeps the numbers as a field that it does not know.
    stored = StoredBlob.FromString(blob.SerializeToString())
    length = len(stored.double_data) or len(stored.data) or None
    if any(blob.HasField(name) for name in ("num", "channels", "height", "width")):
        return Blob((blob.num, blob.channels, blob.height, blob.width), True, length)
    return Blob(tuple(blob.shape.dim) if blob.HasField("shape") else None, False, length)


# The three versions


def v2_file() -> bytes:
    message = Net(name="net")
    layer = message.layer.add(name="conv1", type="Convolution", bottom=["data"], top=["conv1"])
    layer.blobs.add().shape.dim.extend([20, 3, 5, 5])
    layer.blobs.add().shape.dim.append(20)
    message.layer.add(name="relu1", type="ReLU")
    message.layer.add(name="ip1", type="InnerProduct").blobs.add().shape.dim.extend([10, 2880])
    content: bytes = message.SerializeToString()
    return content


def v1_file() -> bytes:
    message = Net()
    layer = message.layers.add(name="conv1", type="CONVOLUTION")
    layer.blobs.add(num=20, channels=3, height=5, width=5)
    layer.blobs.add(num=1, channels=1, height=1, width=20)
    message.layers.add(name="relu1", type="RELU")
    message.layers.add(name="ip1", type="INNER_PRODUCT").blobs.add(num=1, channels=1, height=10, width=2880)
    content: bytes = message.SerializeToString()
    return content


def v0_file() -> bytes:
    message = Net()
    layer = message.layers.add(top=["conv1"]).layer
    layer.name, layer.type = "conv1", "conv"
    layer.blobs.add(num=20, channels=3, height=5, width=5)
    layer.blobs.add(num=1, channels=1, height=1, width=20)
    message.layers.add().layer.name = "relu1"
    layer = message.layers.add().layer
    layer.name, layer.type = "ip1", "innerproduct"
    layer.blobs.add(num=1, channels=1, height=10, width=2880)
    content: bytes = message.SerializeToString()
    return content


VERSIONS: dict[str, Callable[[], bytes]] = {"V2": v2_file, "V1": v1_file, "V0": v0_file}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("V2", {"conv1": ((20, 3, 5, 5), (20,)), "ip1": ((10, 2880),)}),
        ("V1", {"conv1": ((20, 3, 5, 5), (1, 1, 1, 20)), "ip1": ((1, 1, 10, 2880),)}),
        ("V0", {"conv1": ((20, 3, 5, 5), (1, 1, 1, 20)), "ip1": ((1, 1, 10, 2880),)}),
    ],
)
def test_layers_with_blobs_are_read_with_names_types_and_shapes(
    version: str, expected: dict[str, tuple[Shape, ...]]
) -> None:
    found = layers(VERSIONS[version]())
    assert {name: layer.shapes for name, layer in found.items()} == expected
    assert {name: layer.type for name, layer in found.items()} == {
        "conv1": "Convolution",
        "ip1": "InnerProduct",
    }


def test_a_file_may_have_layers_of_all_versions() -> None:
    message = Net()
    message.layers.add(name="v1", type="POOLING").blobs.add()
    message.layers.add().layer.name = "v0"
    message.layers[-1].layer.blobs.add()
    message.layer.add(name="v2", type="pool").blobs.add()
    types = {name: layer.type for name, layer in layers(message.SerializeToString()).items()}
    assert types == {"v1": "Pooling", "v0": "", "v2": "pool"}


@pytest.mark.parametrize("number", [40, 99, 2**31 - 1])
def test_a_v1_type_of_a_fork_is_shown_by_its_number(number: int) -> None:
    content = length_field(LAYERS, length_field(4, b"x") + number_field(5, number) + length_field(6, b""))
    assert layers(content)["x"].type == f"V1 type {number}"


def test_of_layers_of_one_name_the_last_one_with_blobs_counts() -> None:
    content = file_of(blob(shape(1))) + file_of(blob(shape(2))) + file_of()
    assert shapes(content) == ((2,),)


def test_the_order_of_fields_does_not_matter() -> None:
    content = length_field(LAYER, blob(shape(4, 3)) + length_field(TYPE, b"T") + length_field(NAME, b"x"))
    assert layers(content) == {"x": WeightLayer("x", "T", (Blob((4, 3)),))}


def test_a_name_that_is_not_utf8_does_no_harm() -> None:
    assert list(layers(length_field(LAYER, length_field(NAME, b"\xff") + blob()))) == ["\ufffd"]


# Blobs


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (shape(8, 3, 5, 5), (8, 3, 5, 5)),
        (shape(8, 3, 3, 5, 5), (8, 3, 3, 5, 5)),
        (length_field(SHAPE, number_field(1, 8) + number_field(1, 3)), (8, 3)),
        (
            length_field(SHAPE, number_field(1, 8) + length_field(1, b"\x03\x05") + number_field(1, 7)),
            (8, 3, 5, 7),
        ),
        (shape(2**40, -1), (2**40, -1)),
        (shape(300) + shape(5), (300, 5)),
        (length_field(SHAPE, b""), ()),
        (length_field(SHAPE, length_field(1, b"")), ()),
        (b"", None),
        (length_field(DATA, b"\0" * 400), None),
        (number_field(NUM, 8) + number_field(2, 3) + number_field(3, 5) + number_field(4, 7), (8, 3, 5, 7)),
        (number_field(4, 20), (0, 0, 0, 20)),
        (number_field(NUM, 8) + shape(4, 4), (8, 0, 0, 0)),
        (shape(4, 4) + number_field(NUM, 8), (8, 0, 0, 0)),
        (number_field(NUM, -1), (-1, 0, 0, 0)),
        (number_field(NUM, 2**32 + 5), (5, 0, 0, 0)),
        (number_field(NUM, 1) + number_field(NUM, 2), (2, 0, 0, 0)),
        (length_field(DATA, b"\x3a\x00" * 200) + shape(400), (400,)),
        (key(DATA, FIXED32) + b"\0\0\0\0" + shape(1), (1,)),
        (key(8, FIXED64) + b"\0" * 8 + shape(1), (1,)),
    ],
    ids=[
        "packed",
        "five dimensions",
        "not packed",
        "packed and not packed",
        "64 bits",
        "a shape in two pieces",
        "an empty shape",
        "a shape packed of nothing",
        "empty",
        "data alone",
        "four numbers",
        "some of the four numbers",
        "four numbers before a shape",
        "four numbers behind a shape",
        "a negative number",
        "a number of more than 32 bits",
        "a number twice",
        "data that looks like a shape",
        "data not packed",
        "double data not packed",
    ],
)
def test_a_blob_has_a_shape_or_four_numbers_or_neither(fields: bytes, expected: Shape | None) -> None:
    content = file_of(blob(fields))
    assert shapes(content) == (expected,)
    assert layers(content)["conv"].shapes == _new_layer(Net.FromString(content).layer[0]).shapes


def test_each_blob_has_its_own_shape() -> None:
    assert shapes(file_of(blob(shape(2, 2)), blob(), blob(shape(2)))) == ((2, 2), None, (2,))


FLOATS, DOUBLES = b"\0" * 4, b"\0" * 8


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (b"", None),
        (length_field(DATA, FLOATS * 30), 30),
        (length_field(DATA, FLOATS * 30_000), 30_000),
        (length_field(DATA, FLOATS) + length_field(DATA, FLOATS * 2), 3),
        (length_field(DATA, FLOATS * 2) + (key(DATA, FIXED32) + FLOATS) * 3, 5),
        (length_field(DATA, b""), None),
        (length_field(DOUBLE_DATA, DOUBLES * 7), 7),
        ((key(DOUBLE_DATA, FIXED64) + DOUBLES) * 2, 2),
        (length_field(DATA, FLOATS * 4) + length_field(DOUBLE_DATA, DOUBLES * 3), 3),
        (length_field(DOUBLE_DATA, DOUBLES * 3) + length_field(DATA, FLOATS * 4), 3),
        (length_field(DATA, FLOATS * 4) + length_field(DOUBLE_DATA, b""), 4),
        (length_field(6, FLOATS * 4) + length_field(9, DOUBLES * 3), None),
        (key(DATA, FIXED64) + DOUBLES + key(DOUBLE_DATA, FIXED32) + FLOATS, None),
        (number_field(10, 2) + length_field(12, b"\0\x3c" * 48), None),
    ],
    ids=[
        "none",
        "packed",
        "many",
        "packed twice",
        "packed and not packed",
        "packed of nothing",
        "double",
        "double not packed",
        "double behind data",
        "double before data",
        "data and an empty double",
        "gradients",
        "other wire types",
        "raw data of a fork",
    ],
)
def test_the_numbers_of_a_blob_are_counted(fields: bytes, expected: int | None) -> None:
    content = file_of(blob(fields))
    assert [each.data_length for each in layers(content)["conv"].blobs] == [expected]
    assert layers(content) == fully_parsed(content)


def test_only_the_four_numbers_make_a_shape_a_legacy_one() -> None:
    (found,) = layers(
        file_of(blob(shape(4, 4)), blob(number_field(4, 4)), blob(shape(1) + number_field(NUM, 0)), blob())
    ).values()
    assert [each.is_legacy for each in found.blobs] == [False, True, True, False]


def test_a_layer_of_v0_in_pieces_is_one_layer() -> None:
    inner = [
        length_field(1, b"x") + length_field(50, shape(1)),
        length_field(50, shape(2)),
        length_field(2, b"conv"),
    ]
    content = length_field(LAYERS, b"".join(length_field(1, each) for each in inner))
    assert layers(content) == fully_parsed(content)
    assert layers(content) == {"x": WeightLayer("x", "Convolution", (Blob((1,)), Blob((2,))))}


def test_the_fields_read_of_a_caffemodel_have_the_numbers_of_the_schema() -> None:
    pairs = {
        "StoredNet": "NetParameter",
        "StoredLayer": "LayerParameter",
        "StoredV1Layer": "V1LayerParameter",
        "StoredV0Layer": "V0LayerParameter",
        "StoredBlob": "BlobProto",
    }
    for stored, whole in pairs.items():
        read_fields, fields = (
            {
                field.name: field.number
                for field in contracts.message_class("caffe", f"caffe.{name}").DESCRIPTOR.fields
            }
            for name in (stored, whole)
        )
        only_stored = {"data": DATA, "double_data": DOUBLE_DATA} if stored == "StoredBlob" else {}
        assert read_fields.items() <= (fields | only_stored).items()


# What Caffe has not


@pytest.mark.parametrize("number", UNKNOWN_NUMBERS)
@pytest.mark.parametrize("kind", unknown_fields(1))
def test_an_unknown_field_is_ignored_at_any_level(kind: str, number: int) -> None:
    unknown = unknown_fields(number)[kind]
    sized = length_field(SHAPE, unknown + length_field(1, b"\x08\x03") + unknown)
    content = unknown + file_of(unknown, blob(unknown, sized, unknown), unknown) + unknown
    assert shapes(content) == ((8, 3),)
    assert layers(content) == fully_parsed(content)


@pytest.mark.parametrize("kind", ["varint", "fixed64", "group", "fixed32"])
@pytest.mark.parametrize(
    ("number", "place"),
    [(LAYER, "net"), (LAYERS, "net"), (NAME, "layer"), (TYPE, "layer"), (BLOBS, "layer"), (SHAPE, "blob")],
)
def test_a_known_number_with_another_wire_type_is_another_field(number: int, place: str, kind: str) -> None:
    odd = unknown_fields(number)[kind]
    fields = {"net": b"", "layer": b"", "blob": b"", place: odd}
    content = fields["net"] + file_of(fields["layer"], blob(fields["blob"], shape(8)), fields["layer"])
    assert layers(content) == fully_parsed(content) == {"conv": WeightLayer("conv", "", (Blob((8,)),))}


def test_other_encodings_of_a_blob_do_not_hide_its_shape() -> None:
    # Half precision and raw bytes, as forks write them.
    raw = number_field(10, 2) + length_field(12, b"\0\x3c" * 48)
    assert shapes(file_of(blob(raw, shape(48)), blob(raw))) == ((48,), None)


def test_groups_may_be_nested_deep() -> None:
    content = b""
    for _ in range(5_000):
        content = group_field(150, content)
    assert shapes(file_of(content, blob(shape(1)))) == ((1,),)


# Damage


def assert_damaged(content: bytes) -> None:
    weights, found = read(content)
    assert weights is None
    (error,) = found
    assert (error.code, error.severity) == (catalogue.MALFORMED_WEIGHTS.code, Severity.ERROR)
    said, _, offset = error.message.rpartition(" ")
    assert said.endswith('net.caffemodel" is not a valid caffemodel: malformed data at byte')
    assert int(offset) <= len(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        key(LAYER, 6),
        key(LAYER, 7),
        varint(0),
        varint(2) + b"\0",
        varint((HIGHEST_NUMBER + 1) << 3) + b"\0",
        b"\xff" * 20,
        key(1, 0) + b"\xff" * 11,
        key(1, 0) + b"\xff" * 10 + b"\x01",
        key(LAYER, 2),
        key(LAYER, 2) + varint(1),
        key(LAYER, 2) + varint(2**63),
        key(150, FIXED64) + b"\0" * 7,
        key(150, FIXED32) + b"\0" * 3,
        key(150, GROUP_START),
        key(150, GROUP_END),
        key(150, GROUP_START) + key(151, GROUP_END),
        key(150, GROUP_START) + key(151, GROUP_START) + key(150, GROUP_END) + key(151, GROUP_END),
        file_of(key(150, GROUP_START)) + key(150, GROUP_END),
        file_of(blob(length_field(SHAPE, length_field(1, b"\x80")))),
        file_of(blob(length_field(SHAPE, key(1, 2) + varint(5)))),
        file_of(key(BLOBS, 2) + varint(5)),
        file_of(blob(length_field(DATA, b"\0" * 7))),
        file_of(blob(length_field(DOUBLE_DATA, b"\0" * 12))),
    ],
    ids=[
        "empty",
        "wire type 6",
        "wire type 7",
        "field 0",
        "field 0 with content",
        "a field number too high",
        "a key without end",
        "a number without end",
        "a number of eleven bytes",
        "no length",
        "a length over the end",
        "a very long length",
        "eight bytes cut",
        "four bytes cut",
        "a group without end",
        "an end without group",
        "the end of another group",
        "groups that overlap",
        "a group over the end of its layer",
        "a dimension without end",
        "a shape over its end",
        "a blob over its end",
        "data that ends within a number",
        "double data that ends within a number",
    ],
)
def test_bytes_that_are_not_a_message_are_an_error(content: bytes) -> None:
    assert_damaged(content)
    if content:
        with pytest.raises(DecodeError):
            fully_parsed(content)


@pytest.mark.parametrize("tail", [key(LAYER, 6), length_field(LAYER, length_field(NAME, b"x")[:-1])])
def test_of_more_than_one_damage_the_first_is_reported(tail: bytes) -> None:
    damaged = file_of(blob(length_field(SHAPE, key(1, 2) + varint(5))))
    _, alone = read(damaged)
    assert read(file_of() + damaged + tail)[1][0].message.endswith(str(at_byte(alone) + len(file_of())))


def at_byte(found: list[Diagnostic]) -> int:
    return int(found[0].message.rpartition(" ")[2])


@pytest.mark.parametrize(
    ("start", "help"),
    [
        (b"\x89HDF\r\n\x1a\n\0\0\0\0\0\x08", "HDF5 file: save a binary caffemodel"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", 'run "git lfs pull"'),
        (b"<!DOCTYPE html>\n<html lang=en>", "web page (HTML): download the raw file"),
        (b"\n\n  <HTML><head>", "web page (HTML): download the raw file"),
        (b"<html>\xff\xfe\0", "web page (HTML): download the raw file"),
        (b"layer { name: 'x' }", "text file: use the binary caffemodel"),
        (b"", "the file is empty"),
        (b"\x1f\x8b\x08\0\xff", "gzip file: decompress it"),
        (b"PK\x03\x04\0\xff", "ZIP archive: extract the file from it"),
    ],
)
def test_the_help_names_another_kind_of_file(start: bytes, help: str) -> None:
    _, (error,) = read(start)
    assert error.code == catalogue.MALFORMED_WEIGHTS.code
    assert error.help
    assert help in error.help


@pytest.mark.parametrize("start", [b"\x89HDF", b"HDF\r\n\x1a\n", b"\x1f\x8c"])
def test_other_bytes_have_no_help(start: bytes) -> None:
    _, (error,) = read(start + b"\0\xff")
    assert error.help is None


@pytest.mark.parametrize(
    "layer",
    [
        length_field(LAYER, b""),
        length_field(LAYERS, b""),
        length_field(LAYERS, length_field(1, b"")),
        length_field(LAYER, b"") + number_field(150, 1),
    ],
    ids=["V2", "V1", "V0", "with unknown fields"],
)
@pytest.mark.parametrize("piece", [PIECES[0], PIECES[-1]])
@pytest.mark.slow
def test_a_caffemodel_may_have_as_many_layers_as_a_prototxt(layer: bytes, piece: int, tmp_path: Path) -> None:
    path, last = tmp_path / "net.caffemodel", file_of(blob(shape(1)))
    path.write_bytes(layer * (limits.LAYERS - 1) + last)
    weights, found = read_in_pieces(str(path), piece)
    assert weights
    assert (list(weights.layers), found) == (["conv"], [])
    path.write_bytes(layer * limits.LAYERS + last)
    weights, (error,) = read_in_pieces(str(path), piece)
    assert weights is None
    assert error.code == catalogue.TOO_MANY_LAYERS.code
    assert error.message.endswith('net.caffemodel" has more than 50000 layers')


@pytest.mark.slow
def test_too_many_layers_are_found_early(tmp_path: Path) -> None:
    few, many = tmp_path / "few.caffemodel", tmp_path / "many.caffemodel"
    few.write_bytes(length_field(LAYERS, b"") * (limits.LAYERS + 1))
    many.write_bytes(length_field(LAYERS, b"") * 40 * limits.LAYERS)

    def work(path: Path) -> int:
        return calls(lambda: read_weights(path, lambda _: None))

    work(few)
    assert work(many) < TWICE * work(few)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_that_is_cut_is_an_error_unless_it_is_cut_between_layers(version: str) -> None:
    content = VERSIONS[version]()
    for end in range(len(content)):
        prefix = content[:end]
        try:
            expected = fully_parsed(prefix)
        except DecodeError:
            assert_damaged(prefix)
        else:
            assert end == 0 or layers(prefix) == expected


@pytest.mark.parametrize(
    "text",
    [
        conv("conv1"),
        "name: 'net'\n" + conv("conv1"),
        "input: 'data'\ninput_dim: 1\n" + conv("conv1"),
        "# a comment\n" + conv("conv1"),
        "\n\n" + conv("conv1"),
        "layers { name: 'x' type: POOLING }",
        "\ufefflayer {}",
    ],
)
def test_a_prototxt_is_not_a_weights_file(text: str) -> None:
    weights, found = read(text.encode())
    assert weights is None
    assert codes(found) == [catalogue.MALFORMED_WEIGHTS.code]


@pytest.mark.parametrize("name", ["absent.caffemodel", ".", "nul\0byte", "a" * 5000])
def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path, name: str) -> None:
    found: list[Diagnostic] = []
    assert read_weights(f"{tmp_path}/{name}", found.append) is None
    (error,) = found
    assert error.code == catalogue.UNREADABLE_FILE.code
    assert error.message.startswith(f'cannot read "{tmp_path}/{name}'[:1000])


# Laws


NAMES = st.sampled_from(["conv1", "fc", "", "a/b", "\u5377\u79ef", "x" * 200])
NUMBERS = st.integers(0, 5) | st.integers(-(2**31), 2**31 - 1)
DIMENSIONS = st.lists(st.integers(0, 600) | st.integers(-(2**63), 2**63 - 1), max_size=6)
OLD_NUMBERS = st.dictionaries(st.sampled_from(["num", "channels", "height", "width"]), NUMBERS)
LENGTHS = st.sampled_from([0, 0, 1, 5])
TYPES = st.sampled_from(["Convolution", "conv", "pool", "Swish", ""])
V1_TYPES = st.sampled_from(list(contracts.schema("caffe_layers.json")["v1_types"]))


@st.composite
def nets(draw: st.DrawFn) -> Any:
    """A net with layers of all versions, with different names for its old and its new layers."""
    message = Net(name=draw(NAMES))
    for _ in range(draw(st.integers(0, 3))):
        old = message.layers.add()
        if draw(st.booleans()):
            old.layer.name, old.layer.type = f"old {draw(NAMES)}", draw(TYPES)
            draw_blobs(draw, old.layer.blobs)
        else:
            old.name, old.type = f"old {draw(NAMES)}", draw(V1_TYPES)
            draw_blobs(draw, old.blobs)
    for _ in range(draw(st.integers(0, 3))):
        new = message.layer.add(name=draw(NAMES), type=draw(TYPES), bottom=["data"], top=["a", "b"])
        new.convolution_param.kernel_size.extend([3, 3])
        draw_blobs(draw, new.blobs)
    return message


def draw_blobs(draw: st.DrawFn, blobs: Any) -> None:
    for _ in range(draw(st.integers(0, 3))):
        blob = blobs.add(**draw(OLD_NUMBERS | st.just({})))
        if draw(st.booleans()):
            blob.shape.dim.extend(draw(DIMENSIONS))
            blob.shape.SetInParent()
        stored = StoredBlob(data=[0] * draw(LENGTHS), double_data=[0] * draw(LENGTHS))
        blob.MergeFromString(stored.SerializeToString())


def layers_or_nothing(content: bytes) -> dict[str, WeightLayer]:
    """Return the layers of a file in order; a file of no bytes is none, but a message all the same."""
    return layers(content) if content else {}


@law(nets())
def test_what_protobuf_writes_is_read_as_protobuf_reads_it(message: Any) -> None:
    content = message.SerializeToString()
    assert layers_or_nothing(content) == fully_parsed(content)


@law(nets(), st.integers(0, 2**32))
def test_what_protobuf_accepts_is_read_as_protobuf_reads_it(message: Any, seed: int) -> None:
    content = encoded(message, Random(seed))
    assert layers_or_nothing(content) == fully_parsed(content)


@law(nets(), st.data())
def test_a_file_cut_anywhere_is_read_as_protobuf_reads_it_or_is_damaged(
    message: Any, data: st.DataObject
) -> None:
    content = message.SerializeToString()
    prefix = content[: data.draw(st.integers(0, len(content)))]
    try:
        expected = fully_parsed(prefix)
    except DecodeError:
        assert_damaged(prefix)
    else:
        assert layers_or_nothing(prefix) == expected


@law(st.binary(max_size=300) | nets().map(lambda message: message.SerializeToString()), st.data())
def test_no_bytes_whatever_raise(content: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(content)))
        content = (
            content[:at] + data.draw(st.binary(max_size=4)) + content[at + data.draw(st.integers(0, 4)) :]
        )
    weights, found = read(content)
    # A few bytes can be a model of another edition, and no error in a caffemodel.
    refused = ([catalogue.MALFORMED_WEIGHTS.code], [catalogue.OTHER_CONTENT.code])
    assert (weights is None) == (codes(found) in refused)


@law(st.binary(max_size=12))
def test_no_few_bytes_raise_and_what_protobuf_accepts_is_accepted(content: bytes) -> None:
    weights, _ = read(content)
    try:
        Net.FromString(content)
    except DecodeError:
        return
    assert weights is not None or content == b""


# Size


MEASURE = """
import resource, sys, tracemalloc
from quantcfg.editions.caffe.weights import read_weights

def most_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

before = most_memory()
tracemalloc.start()
weights = read_weights(sys.argv[1], print)
added = max(tracemalloc.get_traced_memory()[1], most_memory() - before)
print([(layer.name, layer.shapes) for layer in weights.layers.values()])
print(added)
"""


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    size, path = 200 * 2**20, tmp_path / "large.caffemodel"
    # The shape comes after the data, so that the data cannot simply be left out.
    tail = shape(size // 4)
    start = key(DATA, 2) + varint(size)
    start = key(BLOBS, 2) + varint(len(start) + size + len(tail)) + start
    start = length_field(NAME, b"large") + start
    start = key(LAYER, 2) + varint(len(start) + size + len(tail)) + start
    with path.open("wb") as file:
        file.write(start)
        file.seek(size, 1)
        file.write(tail + file_of(blob(shape(1))))
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, path], capture_output=True, text=True, check=True
    )
    found, added = measured.stdout.splitlines()
    assert found == f"[('large', (({size // 4},),)), ('conv', ((1,),))]"
    assert int(added) < 64 * 2**20


# Beside a network


def weights_of(**blobs: tuple[int, ...]) -> Weights:
    message = StoredNet()
    for name, dimensions in blobs.items():
        stored = message.layer.add(name=name.encode())
        for shape in (dimensions, (8,)):
            blob = stored.blobs.add()
            blob.shape.dim.extend(shape)
            blob.data.extend([0.5] * prod(shape))
    weights, _ = read(message.SerializeToString())
    assert weights
    return weights


def test_a_layer_gets_the_weights_of_its_name() -> None:
    text = net(conv("a"), conv("b", "a"), relu("r", "b"))
    read_layers = network(text, weights_of(b=(8, 8, 3, 3), a=(8, 3, 3, 3), other=(1,))).by_name
    assert {name: layer.weight_shape for name, layer in read_layers.items()} == {
        "a": (8, 3, 3, 3),
        "b": (8, 8, 3, 3),
        "r": None,
    }


def test_the_four_numbers_of_an_old_blob_are_those_of_a_plane_filter_or_of_a_matrix() -> None:
    weights, _ = read(v1_file())
    text = net(
        layer("open", "HDF5Data", (), "open"),
        conv("conv1", "open", parameters="num_output: 20 kernel_size: 5"),
        inner_product("ip1", "conv1", parameters="num_output: 10"),
    )
    read_layers = network(text, weights).by_name
    assert read_layers["conv1"].quantizable
    assert read_layers["ip1"].quantizable
    assert read_layers["ip1"].weight_shape == (1, 1, 10, 2880)


def test_weights_for_no_layer_of_the_network_are_an_error() -> None:
    (error,) = diagnose(conv("conv"), weights_of(other=(1,), CONV=(8, 3, 3, 3)))
    assert (error.code, error.severity) == (catalogue.FOREIGN_WEIGHTS.code, Severity.ERROR)
    assert error.message.endswith('net.caffemodel" has no weights for any layer of "net.prototxt"')


def test_a_weights_file_without_a_blob_is_an_error() -> None:
    weights, found = read(file_of())
    assert weights is not None
    assert found == []
    assert codes(diagnose(conv("conv"), weights)) == [catalogue.FOREIGN_WEIGHTS.code]


def test_weights_are_not_blamed_for_a_network_without_layers() -> None:
    assert codes(diagnose("", weights_of(a=(1,)))) == [catalogue.NO_LAYERS.code]


def test_layers_without_weights_are_a_warning() -> None:
    text = net(conv("a"), conv("b", "a"), relu("r", "b"), pool("p", "r"), inner_product("c", "p"))
    (warning,) = diagnose(text, weights_of(a=(8, 3, 3, 3)))
    assert (warning.code, warning.severity) == (catalogue.WITHOUT_WEIGHTS.code, Severity.WARNING)
    assert warning.message.endswith('has no weights for "b" and "c"')
    assert warning.span
    assert warning.span.start == text.index('"b"')
    assert network(text, weights_of(a=(8, 3, 3, 3))).by_name["b"].quantizable


def test_a_layer_whose_entry_has_no_blobs_is_without_weights() -> None:
    entry = weights_of(a=(8, 3, 3, 3)).layers["a"]
    weights = Weights("net.caffemodel", {"a": entry})
    assert codes(diagnose(net(conv("a"), conv("b")), weights)) == [catalogue.WITHOUT_WEIGHTS.code]
    file, _ = read(Net(layer=[Net().layer.add(name="b")]).SerializeToString())
    assert file is not None
    assert not file.layers


def test_layers_that_the_network_lacks_do_no_harm() -> None:
    assert not diagnose(conv("a"), weights_of(a=(8, 3, 3, 3), loss=(1,), a_split=(2,)))


def test_layers_of_phase_train_need_no_weights() -> None:
    assert not diagnose(net(conv("a"), conv("b", include="phase: TRAIN")), weights_of(a=(8, 3, 3, 3)))


def test_weights_are_not_read_from_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Somebody must hold the other end, or opening it would wait.
    holder = os.open(pipe, os.O_RDWR)
    found: list[Diagnostic] = []
    assert read_weights(pipe, found.append) is None
    os.close(holder)
    assert [finding.message for finding in found] == [f'cannot read "{pipe}": is a named pipe']


def test_a_network_that_needs_no_weights_takes_any() -> None:
    assert diagnose(pool("pool"), Weights("net.caffemodel", {})) == []
