"""Images for a simulation: generated, from an .npy file, or from a directory (reference, weights.md 4.0)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from warnings import catch_warnings

import numpy as np

from quantcfg.diagnostics import catalogue
from quantcfg.files import PathLike, is_special, reason
from quantcfg.network.network import Shape
from quantcfg.weights.arrays import Array

_DISCS = 250
_SMALL_AGAIN = 50
_LEAST_RADIUS = 1.5
_COLOR_SPREAD = 35.0
_SHADING = 15.0
_NOISE = 2.0
_SUFFIXES = (".png", ".jpg", ".jpeg")
IMAGE_RANK = 4
"""The number of axes of images: their number, the channels, the height and the width."""


class ImagesError(Exception):
    """Images cannot be read, or do not fit the input; diagnostic says which file, and why."""

    def __init__(self, file: PathLike, reason: str, help: str | None = None) -> None:
        self.diagnostic = catalogue.UNREADABLE_FILE.at(None, file=os.fspath(file), reason=reason, help=help)
        super().__init__(self.diagnostic.message)


def dead_leaves(shape: Shape, count: int, seed: int, index: int = 0) -> Array:
    """Return generated images of shaded discs that cover one another, with values from 0 to 255.

    shape is that of the network's input; its first size is ignored. Image i depends on
    the seed, on the index of the input and on i only.
    """
    channels, height, width = shape[1:]
    of_input = (index,) if index else ()
    seeds = [np.random.SeedSequence(seed, spawn_key=(*of_input, image)) for image in range(count)]
    return np.stack([_leaves(channels, height, width, np.random.default_rng(each)) for each in seeds])


def _leaves(channels: int, height: int, width: int, random: np.random.Generator) -> Array:
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    image = np.empty((channels, height, width), np.float32)
    image[:] = _color(channels, random)[:, None, None]
    for radius in _radii(min(height, width), random):
        row, column = random.uniform(-radius, height + radius), random.uniform(-radius, width + radius)
        top, bottom = (int(np.clip(edge, 0, height)) for edge in (row - radius, row + radius + 1))
        left, right = (int(np.clip(edge, 0, width)) for edge in (column - radius, column + radius + 1))
        color, slopes = _color(channels, random), random.uniform(-_SHADING, _SHADING, 2)
        down = rows[top:bottom, left:right] - row
        across = columns[top:bottom, left:right] - column
        inside = down * down + across * across <= radius * radius
        shade = color[:, None, None] + (slopes[0] * down + slopes[1] * across) / radius
        window = image[:, top:bottom, left:right]
        np.copyto(window, shade.astype(np.float32), where=inside)
    noise = random.normal(0, _NOISE, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.float32)


def _color(channels: int, random: np.random.Generator) -> Array:
    return (random.uniform(0, 255) + random.normal(0, _COLOR_SPREAD, channels)).astype(np.float32)


def _radii(side: int, random: np.random.Generator) -> Sequence[float]:
    """Return radii distributed as r^-3, the largest first, and then some of the smallest again."""
    least, most = _LEAST_RADIUS, max(_LEAST_RADIUS, side / 2)
    # The inverse of the distribution function.
    share = random.uniform(0, 1, _DISCS)
    radii = np.sort((least**-2 + share * (most**-2 - least**-2)) ** -0.5)[::-1]
    return [*map(float, radii), *map(float, radii[-_SMALL_AGAIN:])]


def image_count(path: PathLike, shape: Shape, count: int | None = None) -> int:
    """Return how many images load_images would return, without loading them.

    Raises:
        ImagesError: the images cannot be read, or do not fit the input.

    """
    found = len(_names(Path(path)) if os.path.isdir(path) else _mapped(path, shape))
    return found if count is None else min(count, found)


def load_images(path: PathLike, shape: Shape, count: int | None = None) -> Array:
    """Return the images of an .npy file, or of a directory of PNG and JPEG files, in the shape of the input.

    count is how many at most; a directory is read in the order of the names.

    Raises:
        ImagesError: the images cannot be read, or do not fit the input.

    """
    if os.path.isdir(path):
        if len(shape) != IMAGE_RANK:
            raise ImagesError(path, f"the input has {len(shape)} axes, but images have 4")
        return np.stack(list(_opened(_names(Path(path))[:count], shape)))
    with np.errstate(over="ignore"):
        images = np.asarray(_mapped(path, shape)[:count], np.float32)
    if not np.isfinite(images).all():
        raise ImagesError(path, "the file contains values that are not finite as 32-bit numbers")
    return images


def _mapped(path: PathLike, shape: Shape) -> np.memmap[Any, Any]:
    if is_special(path):
        raise ImagesError(path, "not a regular file")
    try:
        values = np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise ImagesError(path, reason(error)) from error
    except Exception as error:  # What numpy raises for an invalid header can be of any type.
        raise ImagesError(path, "not an .npy file", "pass an .npy file or a directory of images") from error
    if values.dtype.kind not in "buif":
        raise ImagesError(path, "the file does not contain numbers")
    if values.ndim != len(shape) or values.shape[1:] != shape[1:] or not len(values):
        found, wanted = ("x".join(map(str, sizes)) for sizes in (values.shape, ("N", *shape[1:])))
        raise ImagesError(path, f"the file has {found} values, but the input needs {wanted}")
    return values


def _names(folder: Path) -> Sequence[Path]:
    try:
        names = sorted(
            each for each in folder.iterdir() if each.suffix.lower() in _SUFFIXES and each.is_file()
        )
    except OSError as error:
        raise ImagesError(folder, reason(error)) from error
    if not names:
        raise ImagesError(folder, "the directory contains no PNG or JPEG files")
    return names


def _opened(names: Sequence[Path], shape: Shape) -> Iterator[Array]:
    if not find_spec("PIL"):
        raise ImagesError(names[0], "reading images needs Pillow", 'install "quantcfg[images]"')
    _, channels, height, width = shape
    if channels not in (1, 3):
        raise ImagesError(names[0].parent, f"the input has {channels} channels, but images have 1 or 3")
    for name in names:
        try:
            pixels = _pixels(name, "L" if channels == 1 else "RGB", (width, height))
        except OSError as error:
            raise ImagesError(name, reason(error)) from error
        except Exception as error:  # What Pillow raises for an invalid file can be of any type.
            raise ImagesError(name, str(error)) from error
        # As networks that can be simulated were trained: blue, green, red.
        bgr = pixels.reshape(height, width, channels)[:, :, ::-1]
        yield np.ascontiguousarray(bgr.transpose(2, 0, 1))


def _pixels(name: Path, mode: str, size: tuple[int, int]) -> Array:
    from PIL import Image, UnidentifiedImageError

    try:
        with catch_warnings(action="error", category=Image.DecompressionBombWarning):
            file = Image.open(name, formats=("PNG", "JPEG"))
    except UnidentifiedImageError:
        raise ValueError("not a PNG or JPEG file") from None
    with file:
        # Of 16 bits the upper 8, as OpenCV does; Pillow cuts off values over 255.
        has_16_bits = file.mode.startswith("I")
        image = Image.fromarray((np.asarray(file) >> 8).astype(np.uint8)) if has_16_bits else file
        return np.asarray(image.convert(mode).resize(size), np.float32)


def preprocessed(images: Array, mean: Sequence[float], scale: float) -> Array:
    """Return (images - mean) * scale; mean has no value, one, or one for each channel."""
    by_channel = np.array(mean or (0,), np.float32)[:, None, None]
    return (images - by_channel) * np.float32(scale)


def standardized(images: Array) -> Array:
    """Return images with mean 0 and variance 1 over all of them; equal values become 0."""
    centred = images - images.mean(dtype=np.float64)
    deviation = float(centred.std()) or 1.0
    return np.asarray(centred / deviation, np.float32)
