"""Photographs of scikit-image, as inputs of a network."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import cache

import numpy as np

from quantcfg.network.network import Shape
from quantcfg.weights.arrays import Array

_PICTURES = ("astronaut", "camera", "cat", "coffee", "coins", "hubble_deep_field", "moon", "retina", "rocket")
"""The photographs in the package of scikit-image, without textures, in alphabetical order."""


class Part(Enum):
    """Three sets of photographs without a common one: every third of all."""

    CALIBRATION = 0
    TRUTH = 1
    DECISION = 2

    @property
    def pictures(self) -> Sequence[str]:
        """The names of the photographs."""
        return _PICTURES[self.value :: len(Part)]


_SMALL = 100
"""The sides of inputs that see more of each photograph."""


@cache
def photographs(part: Part, shape: Shape) -> Array:
    """Return photographs in the size of an input, in blue, green and red or in gray, from 0 to 255.

    A small input has too few pixels for a stable error, and gets their quarters as well.
    """
    from skimage import data

    pictures = [getattr(data, name)() for name in part.pictures]
    if max(shape[2:]) < _SMALL:
        pictures += [quarter for picture in pictures for quarter in _quarters(picture)]
    return np.stack([_fitted(picture, shape) for picture in pictures])


def _quarters(picture: Array) -> list[Array]:
    rows, columns = (size // 2 for size in picture.shape[:2])
    return [
        half for side in (picture[:rows], picture[rows:]) for half in (side[:, :columns], side[:, columns:])
    ]


def _fitted(picture: Array, shape: Shape) -> Array:
    from skimage.transform import resize

    _, channels, height, width = shape
    colors = picture if picture.ndim > 2 else np.repeat(picture[:, :, None], 3, axis=2)
    rows, columns = colors.shape[:2]
    # The largest part in the middle with the proportions of the input.
    part = min(rows / height, columns / width)
    kept_rows, kept_columns = round(part * height), round(part * width)
    top, left = (rows - kept_rows) // 2, (columns - kept_columns) // 2
    middle = colors[top : top + kept_rows, left : left + kept_columns].astype(np.float32)
    small = resize(middle, (height, width), anti_aliasing=True, preserve_range=True)
    planes = small.mean(axis=2, keepdims=True) if channels == 1 else small[:, :, ::-1]
    return np.ascontiguousarray(planes.transpose(2, 0, 1), np.float32)
