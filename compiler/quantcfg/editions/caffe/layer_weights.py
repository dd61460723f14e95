"""The weights of Caffe's layers, with BatchNorm and Scale folded into them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from quantcfg.diagnostics.phrases import counted
from quantcfg.network.operations import Operation
from quantcfg.weights.arrays import Array, WeightsFile, weights_of
from quantcfg.weights.folding import ChannelMap, folded_after, folded_before, normalization, padding, scaled
from quantcfg.weights.layout import input_first, output_first
from quantcfg.weights.program import LayerWeights, Step

_TRANSPOSED = "Deconvolution"


def folded_weights(file: WeightsFile, step: Step) -> LayerWeights:
    """Return the weights of a step with BatchNorm and Scale folded into them."""
    operation = step.operation
    blobs = weights_of(file, operation)
    if operation.layer.type not in _WEIGHTED or not blobs:
        return LayerWeights(others=blobs)
    weight, bias, pads = blobs[0], blobs[1].reshape(-1) if len(blobs) > 1 else None, None
    group = operation.parameters.get("group", 1)
    if operation.layer.type == "InnerProduct":
        # Old files have four axes for each blob.
        weight = weight.reshape(weight.shape[-2:])
    if operation.layer.type == _TRANSPOSED:
        weight = output_first(weight, group)
    if operation.parameters.get("transpose"):
        weight = weight.T
    if step.before:
        channels = channel_map(file, step.before)
        weight, bias = folded_before(weight, bias, channels, group)
        pads = padding(channels) if any(operation.parameters.get("pad") or ()) else None
    if step.after:
        weight, bias = folded_after(weight, bias, channel_map(file, step.after))
    return LayerWeights(weight, bias, pads)


_WEIGHTED = ("Convolution", "ConvolutionDepthwise", "Deconvolution", "DepthwiseConvolution", "InnerProduct")


def channel_map(file: WeightsFile, folded: Sequence[Operation]) -> ChannelMap:
    """Return what a BatchNorm and the Scale after it compute for each channel."""
    statistics, scale = folded
    mean, variance, count = (blob.reshape(-1) for blob in weights_of(file, statistics))
    factor, *bias = (blob.reshape(-1) for blob in weights_of(file, scale))
    channels = normalization(mean, variance, count, statistics.parameters["eps"])
    return scaled(channels, factor, bias[0] if bias else None)


def stored_layout(step: Step, weight: Array) -> Array:
    """Return a weight with output channels first in the layout that its layer computes with."""
    is_transposed = step.operation.layer.type == _TRANSPOSED
    return input_first(weight, step.operation.parameters["group"]) if is_transposed else weight


def weight_problems(file: WeightsFile, step: Step) -> Iterator[tuple[str, str]]:
    """Yield the layers of a step whose weights cannot be used, and why."""
    operations = (*step.before, step.operation, *step.after)
    found = [(each.layer.name, _weight_problem(file, each)) for each in operations]
    if not any(problem for _, problem in found):
        found = [(step.name, _fold_problem(file, step))]
    for name, problem in found:
        if problem:
            yield name, f"its weights do not fit: {problem}"


def empty_statistics(file: WeightsFile, step: Step) -> Iterator[tuple[str, str]]:
    """Yield the BatchNorm layers of a step that have no statistics, and that."""
    for operation in (*step.before, step.operation, *step.after):
        if operation.layer.type == "BatchNorm":
            arrays = weights_of(file, operation)
            if len(arrays) > 2 and not arrays[2].any():
                yield operation.layer.name, "BatchNorm has no statistics (its scale factor is 0)"


def _weight_problem(file: WeightsFile, operation: Operation) -> str | None:
    stored = file.arrays.get(operation.layer.name, ())
    if not stored and operation.blobs:
        return "the file has none for this layer"
    count = len(stored) if operation.blobs is None else len(operation.blobs)
    if len(stored) != count:
        return f"it has {counted(len(stored), 'blob')}, but needs {count}"
    for array, shape in zip(stored, operation.blobs or (), strict=False):
        if prod(array.shape) != prod(shape):
            return f"it has a blob of {counted(prod(array.shape), 'value')}, but needs {prod(shape)}"
    return None


def _fold_problem(file: WeightsFile, step: Step) -> str | None:
    """Return why weights do not fit together, which their layers do not show if input shapes are unknown."""
    arrays = file.arrays.get(step.name, ())
    if step.operation.layer.type not in _WEIGHTED or not arrays:
        return None
    weight, group = arrays[0].shape, step.operation.parameters.get("group", 1)
    if len(weight) < 2 or weight[0] % group:
        return f"it has a weight of {'x'.join(map(str, weight))}"
    outputs, inputs = step.operation.filters, weight[1] * group
    for operations, channels in ((step.before, inputs), (step.after, outputs)):
        for each in operations:
            sizes = [prod(array.shape) for array in file.arrays.get(each.layer.name, ())[:2]]
            if len(sizes) < (2 if each.layer.type == "BatchNorm" else 1):
                return f'"{each.layer.name}", which is folded into it, has no weights'
            if any(size != channels for size in sizes):
                return f'"{each.layer.name}" has {sizes[0]} channels, but it has {channels}'
    return None
