"""The inputs of a simulation: images for each input of the network, generated or the user's."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from quantcfg.advice.images import (
    IMAGE_RANK,
    dead_leaves,
    image_count,
    load_images,
    preprocessed,
    standardized,
)
from quantcfg.diagnostics.phrases import counted, listed, quoted
from quantcfg.files import PathLike
from quantcfg.frozen import frozen_value
from quantcfg.network.network import Shape
from quantcfg.weights.arrays import Array

Images = PathLike | Mapping[str, PathLike] | None
"""An .npy file or a directory, for the only input or by the names of inputs."""


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


class ArgumentError(ValueError):
    """An argument of a simulation does not fit the network: the name of the argument, and the reason."""

    def __init__(self, argument: str, reason: str) -> None:
        super().__init__(f"{argument} {reason}")
        self.argument, self.reason = argument, reason


@frozen_value
class Inputs:
    """What the inputs of a simulation are.

    shapes, paths and preprocessing are by blob; inputs without a path get generated images.
    """

    simulation: Simulation
    shapes: InputShapes
    paths: Mapping[str, PathLike]
    preprocessing: Preprocessing

    @property
    def batch(self) -> int:
        """How many images each input has in a run of the network."""
        return next(shape[0] for shape in self.shapes.values())


def inputs_of(simulation: Simulation, shapes: InputShapes, preprocessing: Preprocessing) -> Inputs:
    """Return the inputs of a simulation; images without a name are for the only input with 4 axes.

    Raises:
        ArgumentError: the images or the mean do not fit the inputs.

    """
    inputs = Inputs(simulation, shapes, _paths(simulation.images, shapes), preprocessing)
    if simulation.mean is not None:
        for blob in _images_among(shapes):
            count, channels = len(simulation.mean), shapes[blob][1]
            if count not in (1, channels):
                raise ArgumentError("mean", f"has {count} values, but the input has {channels} channels")
    return inputs


def _images_among(shapes: InputShapes) -> list[str]:
    return [blob for blob, shape in shapes.items() if len(shape) == IMAGE_RANK]


def _paths(images: Images, shapes: InputShapes) -> Mapping[str, PathLike]:
    if images is None:
        return {}
    if not isinstance(images, Mapping):
        inputs = _images_among(shapes)
        inputs = inputs if len(inputs) == 1 else [*shapes]
        if len(inputs) > 1:
            raise ArgumentError("images", f"needs the name of an input: {quoted(shapes)}")
        return dict.fromkeys(inputs, images)
    for blob in images:
        if blob not in shapes:
            known = f"use {quoted(shapes)}" if shapes else "there is none"
            raise ArgumentError("images", f'names "{blob}", not an input of the layers to simulate: {known}')
    return images


def input_obstacle(inputs: Inputs) -> str | None:
    """Return why the network cannot be run with these images."""
    if not inputs.shapes:
        return "no layer to simulate reads an input of the network"
    for blob, shape in inputs.shapes.items():
        if len(shape) != IMAGE_RANK and blob not in inputs.paths:
            found = f'the input "{blob}" has {len(shape)} axes, but images have 4'
            return f"{found}; pass its values, such as --images {blob}=values.npy"
    if inputs.simulation.mean is None:
        for blob in _images_among(inputs.shapes):
            count, channels = len(inputs.preprocessing[blob][0]), inputs.shapes[blob][1]
            if count not in (0, 1, channels):
                found = f'"{blob}" has {channels} channels, but the model has {count} values of mean_value'
                return f"{found}; pass --mean"
    if len({shape[0] for shape in inputs.shapes.values()}) > 1:
        sizes = ", ".join(f'"{blob}" {shape[0]}' for blob, shape in inputs.shapes.items())
        return f"the network does not run with one image, and its inputs have other batches: {sizes}"
    if not count_of(inputs):
        return f"it runs with {inputs.batch} images: give as many, or change the batch of the model"
    return None


def count_of(inputs: Inputs) -> int:
    """Return how many images are used: whole batches, and at most as many as each input has."""
    count = inputs.simulation.count
    counts = [image_count(path, inputs.shapes[blob], count) for blob, path in inputs.paths.items()]
    if counts:
        return min(counts) // inputs.batch * inputs.batch
    return -(-(count or GENERATED) // inputs.batch) * inputs.batch


def input_images(inputs: Inputs, count: int) -> Mapping[str, Array]:
    """Return the images of each input, preprocessed."""
    simulation, unknown = inputs.simulation, without_preprocessing(inputs)
    found = {}
    for index, (blob, shape) in enumerate(inputs.shapes.items()):
        path = inputs.paths.get(blob)
        if path:
            images = load_images(path, shape, count)
        else:
            images = dead_leaves(shape, count, simulation.seed, index)
        if len(shape) != IMAGE_RANK:
            found[blob] = images
        elif blob in unknown:
            found[blob] = standardized(images)
        else:
            mean, scale = inputs.preprocessing[blob]
            mean = mean if simulation.mean is None else simulation.mean
            found[blob] = preprocessed(images, mean, scale if simulation.scale is None else simulation.scale)
    return found


def without_preprocessing(inputs: Inputs) -> Sequence[str]:
    """Return the inputs whose images are pixels, but whose mean and scale nothing gives.

    An .npy file may have values that are preprocessed already.
    """
    if inputs.simulation.mean is not None or inputs.simulation.scale is not None:
        return ()
    return [
        blob
        for blob in _images_among(inputs.shapes)
        if inputs.preprocessing[blob] == ((), 1.0)
        and (blob not in inputs.paths or os.path.isdir(inputs.paths[blob]))
    ]


def in_words(inputs: Inputs, count: int) -> str:
    """Return what the images are, for a message."""
    given = [str(path) for path in inputs.paths.values()]
    if not given:
        return counted(count, "generated image")
    generated = " and generated ones" if len(given) < len(inputs.shapes) else ""
    return f"{counted(count, 'image')} of {listed(given)}{generated}"
