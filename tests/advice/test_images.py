"""Images for a simulation: generated, or the user's."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from quantcfg.advice.images import ImagesError, dead_leaves, load_images, preprocessed
from quantcfg.editions.caffe.execution import preprocessing
from quantcfg.editions.caffe.layer_operations import read_operations
from quantcfg.editions.caffe.reader import read_network
from quantcfg.source import Source

SHAPE = (8, 3, 40, 50)


def test_the_same_seed_gives_the_same_images() -> None:
    images = dead_leaves(SHAPE, 3, 7)
    assert images.shape == (3, 3, 40, 50)
    assert (images == dead_leaves(SHAPE, 3, 7)).all()
    assert (images[:2] == dead_leaves(SHAPE, 2, 7)).all()
    assert (images != dead_leaves(SHAPE, 3, 8)).any()
    assert (images[0] != images[1]).any()


def test_generated_images_have_edges_and_values_from_0_to_255() -> None:
    images = dead_leaves((1, 3, 120, 160), 2, 0)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 255
    steps = np.abs(np.diff(images, axis=3))
    # Most neighbours differ by the noise only, but the edges of discs are large steps.
    assert np.median(steps) < 4
    assert (steps > 30).mean() > 0.01


@pytest.mark.parametrize("shape", [(1, 1, 28, 28), (1, 3, 12, 12), (1, 6, 1, 1), (1, 3, 1, 7)])
def test_an_input_of_any_size_has_images(shape: tuple[int, ...]) -> None:
    assert dead_leaves(shape, 1, 0).shape == shape


def test_images_of_an_array_are_its_values(tmp_path: Path) -> None:
    values = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    np.save(tmp_path / "x.npy", values)
    found = load_images(tmp_path / "x.npy", (1, 3, 4, 5))
    assert found.dtype == np.float32
    assert (found == values).all()
    assert (load_images(tmp_path / "x.npy", (1, 3, 4, 5), 1) == values[:1]).all()


def test_images_of_a_folder_are_resized_and_in_the_order_of_their_names(tmp_path: Path) -> None:
    Image.new("RGB", (10, 8), (10, 20, 30)).save(tmp_path / "b.png")
    Image.new("L", (5, 4), 200).save(tmp_path / "a.JPG")
    (tmp_path / "notes.txt").write_text("not an image")
    found = load_images(tmp_path, (1, 3, 4, 5))
    assert found.shape == (2, 3, 4, 5)
    # Blue, green, red.
    assert found[1, :, 0, 0].tolist() == [30, 20, 10]
    assert np.abs(found[0] - 200).max() <= 1
    assert load_images(tmp_path, (1, 1, 4, 5)).shape == (2, 1, 4, 5)
    assert len(load_images(tmp_path, (1, 3, 4, 5), 1)) == 1


BAD_ARRAYS = {
    "another size": (np.zeros((1, 3, 4, 6)), "the file has 1x3x4x6 values, but the input needs Nx3x4x5"),
    "three axes": (np.zeros((3, 4, 5)), "the file has 3x4x5 values, but the input needs Nx3x4x5"),
    "no images": (np.zeros((0, 3, 4, 5)), "the file has 0x3x4x5 values, but the input needs Nx3x4x5"),
    "text": (np.array(["a"]), "the file does not contain numbers"),
    "a value that is not a number": (
        np.full((1, 3, 4, 5), np.nan),
        "the file contains values that are not finite as 32-bit numbers",
    ),
    "a value that is too large": (
        np.full((1, 3, 4, 5), 1e300),
        "the file contains values that are not finite as 32-bit numbers",
    ),
}


@pytest.mark.parametrize(("values", "message"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_an_array_that_does_not_fit_is_refused(values: object, message: str, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.asarray(values))
    with pytest.raises(ImagesError) as caught:
        load_images(tmp_path / "x.npy", (1, 3, 4, 5))
    assert str(caught.value) == f'cannot read "{tmp_path / "x.npy"}": {message}'


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"no array"])
def test_a_file_that_is_not_an_array_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ImagesError, match=r"not an \.npy file"):
        load_images(tmp_path / "x.npy", (1, 3, 4, 5))


HEADERS = {
    "a negative size": "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3, 4, 5)}",
    "a size that is too large": "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999999999,)}",
    "a size that is not a number": "{'descr': '<f4', 'fortran_order': False, 'shape': (True, 3, 4, 5)}",
    "an incomplete type": "{'descr': ('<f4',), 'fortran_order': False, 'shape': (1, 3, 4, 5)}",
    "keys of two types": "{1: 2, 'a': 3}",
    "a deep value": "(" * 9000,
    "a long expression": "-" * 9000,
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_damaged_header_is_refused(header: str, tmp_path: Path) -> None:
    content = header.encode() + b"\n"
    start = b"\x93NUMPY\x01\x00" + len(content).to_bytes(2, "little")
    (tmp_path / "x.npy").write_bytes(start + content + bytes(1000))
    with pytest.raises(ImagesError, match=r": not an \.npy file$"):
        load_images(tmp_path / "x.npy", (1, 3, 4, 5))


def test_an_array_of_objects_is_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(ImagesError, match=r"not an \.npy file"):
        load_images(tmp_path / "x.npy", (1, 3, 4, 5))


def test_a_folder_without_usable_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImagesError, match="contains no PNG or JPEG files"):
        load_images(tmp_path, (1, 3, 4, 5))
    (tmp_path / "a.png").write_bytes(b"not an image")
    with pytest.raises(ImagesError, match=r"a\.png\": not a PNG or JPEG file"):
        load_images(tmp_path, (1, 3, 4, 5))
    with pytest.raises(ImagesError, match="the input has 6 channels, but images have 1 or 3"):
        load_images(tmp_path, (1, 6, 4, 5))
    with pytest.raises(ImagesError, match="the input has 2 axes, but images have 4"):
        load_images(tmp_path, (1, 6))


def test_only_files_with_png_and_jpeg_content_are_images(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    with pytest.raises(ImagesError, match="contains no PNG or JPEG files"):
        load_images(tmp_path, (1, 3, 4, 5))
    Image.new("P", (5, 4)).save(tmp_path / "c.png", format="GIF")
    with pytest.raises(ImagesError, match=r"c\.png\": not a PNG or JPEG file"):
        load_images(tmp_path, (1, 3, 4, 5))


def test_a_damaged_image_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    start, _, end = (tmp_path / "a.png").read_bytes().rpartition(b"IDAT")
    (tmp_path / "a.png").write_bytes(start + b"\xe3\xcc#\xeb" + end)
    with pytest.raises(ImagesError, match=r"a\.png\": broken PNG file"):
        load_images(tmp_path, (1, 3, 4, 5))


@pytest.mark.slow
def test_an_image_that_is_too_large_is_refused(tmp_path: Path) -> None:
    Image.new("1", (11_000, 11_000)).save(tmp_path / "a.png")
    with pytest.raises(ImagesError, match=r"a\.png\": Image size \(121000000 pixels\) exceeds limit"):
        load_images(tmp_path, (1, 3, 4, 5))


def test_of_16_bits_the_upper_8_are_the_value(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 5), 0xC801, np.uint16)).save(tmp_path / "a.png")
    assert (load_images(tmp_path, (1, 3, 4, 5)) == 0xC8).all()
    assert (load_images(tmp_path, (1, 1, 4, 5)) == 0xC8).all()


def test_preprocessing_subtracts_the_mean_and_scales() -> None:
    images = np.full((1, 3, 1, 1), 10, np.float32)
    assert preprocessed(images, (), 2).reshape(-1).tolist() == [20, 20, 20]
    assert preprocessed(images, (4,), 0.5).reshape(-1).tolist() == [3, 3, 3]
    assert preprocessed(images, (1, 2, 3), 1).reshape(-1).tolist() == [9, 8, 7]


PREPROCESSING = {
    "transform_param": ("transform_param { scale: 0.5 mean_value: [1, 2, 3] }", ((1, 2, 3), 0.5)),
    "the older field": ("data_param { scale: 0.5 }", ((), 0.5)),
    "neither": ("", ((), 1)),
}


@pytest.mark.parametrize(("parameters", "wanted"), PREPROCESSING.values(), ids=PREPROCESSING)
def test_the_preprocessing_is_that_of_the_data_layer(parameters: str, wanted: object) -> None:
    text = f'layer {{ name: "d" type: "Data" top: "x" {parameters} }}'
    network = read_network(Source("net.prototxt", text), None, lambda _: None)
    assert network
    assert preprocessing(read_operations(network, {}), "x") == wanted
