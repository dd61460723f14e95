"""The inputs of a simulation: images for each input of the network, generated or the user's."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from quantcfg.advice.images import (
    ImagesError,
    dead_leaves,
    image_count,
    load_images,
    preprocessed,
    standardized,
)
from quantcfg.diagnostics.phrases import listed, quoted
from quantcfg.files import PathLike
from quantcfg.frozen import frozen_value
from quantcfg.network.network import Shape
from quantcfg.weights.arrays import Array

_IMAGE_RANK = 4


Images = PathLike | Mapping[str, PathLike] | None
"""An .npy file or a folder, for the only input or by the names of inputs."""


@frozen_value
class Simulation:
    """How to simulate: the images, their preprocessing, and a limit in seconds.

    images are those of the only input, or of the named inputs; for the others, count
    images are generated from the seed. Without a mean or a scale, those in the model
    are used. If there are none either, images that are not from an .npy
    file get mean 0 and variance 1.
    """

    images: Images = None
    count: int | None = None
    seed: int = 0
    mean: Sequence[float] | None = None
    scale: float | None = None
    time_limit: float | None = None


GENERATED = 2
"""The number of generated images."""


InputShapes = Mapping[str, Shape]
"""The shapes of the inputs, by blob."""

Preprocessing = Mapping[str, tuple[Sequence[float], float]]
"""The mean and scale that the model has for each input: () and 1 if it has none."""


def images_by_input(images: Images, shapes: InputShapes) -> Mapping[str, PathLike]:
    """Return the images of each input that has any; without a name, for the only one with 4 axes.

    Raises:
        ImagesError: the input is not known.

    """
    if images is None:
        return {}
    if not isinstance(images, Mapping):
        inputs = [blob for blob, shape in shapes.items() if len(shape) == _IMAGE_RANK]
        inputs = inputs if len(inputs) == 1 else [*shapes]
        if len(inputs) > 1:
            raise ImagesError(f"the images need a name, as the inputs are {quoted(shapes)}")
        return dict.fromkeys(inputs, images)
    for blob in images:
        if blob not in shapes:
            raise ImagesError(f'"{blob}" is not an input of the layers to simulate: use {quoted(shapes)}')
    return images


def input_obstacle(simulation: Simulation, shapes: InputShapes) -> str | None:
    """Return why the network cannot be run with these images."""
    if not shapes:
        return "no layer to simulate reads an input of the network"
    for blob, shape in shapes.items():
        if len(shape) != _IMAGE_RANK and blob not in _given(simulation):
            found = f'the input "{blob}" has {len(shape)} axes, but images have 4'
            return f"{found}; pass its values, such as --images {blob}=values.npy"
    if len({shape[0] for shape in shapes.values()}) > 1:
        sizes = ", ".join(f'"{blob}" {shape[0]}' for blob, shape in shapes.items())
        return f"the network does not run with one image, and its inputs have other batches: {sizes}"
    if not count_of(simulation, shapes, batch_of(shapes)):
        return f"it runs with {batch_of(shapes)} images: give as many, or change the batch of the model"
    return None


def _given(simulation: Simulation) -> Mapping[str, PathLike]:
    assert isinstance(simulation.images, Mapping)
    return simulation.images


def count_of(simulation: Simulation, shapes: InputShapes, batch: int) -> int:
    """Return how many images are used: whole batches, and of several inputs, as many as each has."""
    counts = [image_count(path, shapes[blob], simulation.count) for blob, path in _given(simulation).items()]
    if counts:
        return min(counts) // batch * batch
    return -(-(simulation.count or GENERATED) // batch) * batch


def batch_of(shapes: InputShapes) -> int:
    """Return how many images each input has in a run of the network."""
    return next(shape[0] for shape in shapes.values())


def input_images(
    simulation: Simulation, preprocessing: Preprocessing, shapes: InputShapes, count: int
) -> Mapping[str, Array]:
    """Return the images of each input; preprocessing has the mean and scale in the model, by blob."""
    found = {}
    for index, (blob, shape) in enumerate(shapes.items()):
        path = _given(simulation).get(blob)
        if path:
            images = load_images(path, shape, count)
        else:
            images = dead_leaves(shape, count, simulation.seed, index)
        if len(shape) != _IMAGE_RANK:
            found[blob] = images
        elif blob in without_preprocessing(simulation, preprocessing, shapes):
            found[blob] = standardized(images)
        else:
            mean, scale = preprocessing[blob]
            mean = mean if simulation.mean is None else simulation.mean
            found[blob] = preprocessed(images, mean, scale if simulation.scale is None else simulation.scale)
    return found


def without_preprocessing(
    simulation: Simulation, preprocessing: Preprocessing, shapes: InputShapes
) -> Sequence[str]:
    """Return the inputs whose images are pixels, but whose mean and scale nothing gives.

    An .npy file may have values that are preprocessed already.
    """
    if simulation.mean is not None or simulation.scale is not None:
        return ()
    given = _given(simulation)
    return [
        blob
        for blob, shape in shapes.items()
        if len(shape) == _IMAGE_RANK
        and preprocessing[blob] == ((), 1.0)
        and (blob not in given or os.path.isdir(given[blob]))
    ]


def in_words(simulation: Simulation, shapes: InputShapes) -> str:
    """Return what the images are, for a message."""
    given = [str(path) for path in _given(simulation).values()]
    if not given:
        return "generated images"
    return f"images of {listed(given)}" + (" and generated ones" if len(given) < len(shapes) else "")
