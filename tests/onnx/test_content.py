"""An ONNX model is recognized by its content, and so is another file in its place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from quantcfg import contracts
from quantcfg.api import load_model
from quantcfg.editions import edition_named, edition_of_model
from quantcfg.editions.onnx import ONNX
from tests.onnx.models import conv, model, read
from tests.shared import MODELS, MODELS_ONNX, files, needs_shared
from tests.wire import length_field, number_field

MODEL = model(conv()).SerializeToString()
CAFFEMODEL: Any = contracts.message_class("caffe", "caffe.NetParameter")


def caffemodel() -> bytes:
    net = CAFFEMODEL(name="net")
    net.layer.add(name="conv1", type="Convolution").blobs.add().shape.dim.extend([8, 3, 3, 3])
    content: bytes = net.SerializeToString()
    return content


@pytest.mark.parametrize("name", ["net.onnx", "net", "net.prototxt", "net.pb"])
def test_a_model_is_recognized_whatever_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(MODEL)
    assert edition_of_model(str(tmp_path / name)) is edition_named("onnx")
    network, found = read(MODEL, name)
    assert (network is not None, found) == (True, [])


def test_a_model_may_have_a_field_that_is_not_known(tmp_path: Path) -> None:
    for unknown in (number_field(99, 1), length_field(98, b"x")):
        for content in (unknown + MODEL, MODEL + unknown):
            (tmp_path / "net").write_bytes(content)
            assert edition_of_model(str(tmp_path / "net")) is edition_named("onnx")
    (tmp_path / "net").write_bytes(number_field(99, 1) + caffemodel())
    assert edition_of_model(str(tmp_path / "net")) is edition_named("caffe")


@pytest.mark.parametrize(
    ("name", "content", "edition"),
    [
        ("net.onnx", b"", "onnx"),
        ("net.onnx", b"name: 'net'\n", "onnx"),
        ("net.prototxt", b"name: 'net'\n", "caffe"),
        ("net.prototxt", b"", "caffe"),
        ("net", caffemodel(), "caffe"),
        ("net", bytes(range(256)), "caffe"),
        ("nowhere.onnx", None, "onnx"),
        ("nowhere.prototxt", None, "caffe"),
    ],
)
def test_any_other_file_has_the_edition_of_its_suffix(
    name: str, content: bytes | None, edition: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert edition_of_model(str(tmp_path / name)) is edition_named(edition)


def test_a_named_pipe_is_not_read_to_recognize_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "net.onnx")
    network, (error,) = _loaded(tmp_path / "net.onnx")
    assert network is None
    assert error.message.endswith("is a named pipe")


def _loaded(path: Path) -> tuple[Any, list[Any]]:
    found: list[Any] = []
    return load_model(path, None, found.append), found


@pytest.mark.parametrize(
    "content",
    [
        number_field(1, 8),
        length_field(7, b""),
        length_field(2, b"pytorch") + number_field(1, 8),
        length_field(8, b"\x10\x0d") + length_field(7, bytes(9000))[:4096],
        number_field(1, 8) + length_field(14, b"\x0a\x01k") + length_field(7, b"\x0a\x00"),
    ],
)
def test_the_fields_of_a_model_may_have_any_order(content: bytes) -> None:
    assert ONNX.is_model(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        length_field(1, b"name"),
        number_field(1, 8) + number_field(7, 1),
        length_field(99, b"") + number_field(5, 1),
        length_field(2, b"layers") * 3,
        b"\x89HDF\r\n\x1a\n",
        caffemodel(),
    ],
)
def test_other_fields_are_not_those_of_a_model(content: bytes) -> None:
    assert not ONNX.is_model(content)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"

OTHERS: dict[str, tuple[bytes, str, str | None]] = {
    "empty": (b"", "empty", None),
    "text": (b"batch_num: 2\n", "a text file", None),
    "prototxt": (b"# LeNet\nname: 'net'\nlayer { }\n", "a prototxt", "ends in .onnx"),
    "web page": (b"<!DOCTYPE html><html></html>", "a web page (HTML)", "download the raw file"),
    "pointer": (POINTER, "a Git LFS pointer", 'run "git lfs pull"'),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file", "export the model to ONNX"),
    "ZIP": (b"PK\x03\x04" + bytes(100), "a ZIP archive", "export a PyTorch model to ONNX"),
    "gzip": (b"\x1f\x8b\x08" + bytes(100), "a gzip file", "decompress it"),
    "caffemodel": (caffemodel(), "a caffemodel", "use its prototxt as the model"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_error_says_what_a_file_is_instead(name: str) -> None:
    content, what, help = OTHERS[name]
    network, (error,) = read(content)
    assert network is None
    assert (error.code, error.message.partition('" ')[2]) == ("QC117", f"is {what}, not an ONNX model")
    assert help is None or (error.help and help in error.help)


def test_the_suffix_is_named_only_for_a_file_that_has_it() -> None:
    found: list[Any] = []
    name = "examples/tinynet/deploy.prototxt"
    assert load_model(name, None, found.append, edition=ONNX) is None
    assert [(each.code, each.message, each.help) for each in found] == [
        ("QC117", f'"{name}" is a prototxt, not an ONNX model', None)
    ]


@pytest.mark.parametrize(
    "content", [bytes(100), b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"\xff\xfe" + bytes(9)]
)
def test_what_is_not_recognized_is_malformed(content: bytes) -> None:
    network, (error,) = read(content)
    assert network is None
    assert error.code == "QC332"


def test_a_truncated_model_is_still_one() -> None:
    network, (error,) = read(MODEL[: len(MODEL) // 2], "net")
    assert network is None
    assert error.code == "QC332"
    assert error.message.partition("model: ")[2].startswith("truncated inside the field at byte ")


def test_a_length_that_exceeds_only_the_message_around_it_is_malformed() -> None:
    graph = b"\x0a\x05"
    network, (error,) = read(b"\x08\x08\x3a" + bytes([len(graph)]) + graph + bytes(100))
    assert network is None
    assert error.message.endswith("model: malformed data at byte 4")


def test_a_weights_file_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(MODEL)
    found: list[Any] = []
    assert load_model(tmp_path / "net.onnx", "net.caffemodel", found.append) is None
    assert [(each.code, each.file) for each in found] == [("QC334", "net.caffemodel")]


@needs_shared
@pytest.mark.parametrize("path", files(MODELS_ONNX, "*.onnx"), ids=lambda path: path.stem)
def test_real_models_are_recognized(path: Path) -> None:
    with path.open("rb") as file:
        assert ONNX.is_model(file.read(4096))


@needs_shared
@pytest.mark.parametrize("path", files(MODELS, "*/*.caffemodel"), ids=lambda path: path.stem)
def test_real_caffemodels_are_not(path: Path) -> None:
    with path.open("rb") as file:
        assert not ONNX.is_model(file.read(4096))
