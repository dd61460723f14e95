"""The order of the axes of a weight."""

from __future__ import annotations

from quantcfg.weights.arrays import Array


def output_first(weight: Array, group: int) -> Array:
    """Return the weight of a deconvolution, stored with its input channels first, output channels first."""
    inputs, outputs, *kernel = weight.shape
    grouped = weight.reshape(group, inputs // group, outputs, *kernel)
    return grouped.swapaxes(1, 2).reshape(group * outputs, inputs // group, *kernel)


def input_first(weight: Array, group: int) -> Array:
    """Return a weight in the layout of a deconvolution: the inverse of output_first, and the same move."""
    return output_first(weight, group)
