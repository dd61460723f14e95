"""The weights of Caffe's layers, with BatchNorm and Scale folded into them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from quantcfg.diagnostics.phrases import counted
from quantcfg.editions.caffe import caffe_types
from quantcfg.network.network import Shape
from quantcfg.network.operations import Operation
from quantcfg.weights.arrays import Array, WeightsFile, weights_of
from quantcfg.weights.folding import ChannelMap, folded_after, folded_before, normalization, padding, scaled
from quantcfg.weights.layout import input_first, output_first
from quantcfg.weights.program import LayerWeights, Step

_TRANSPOSED = "Deconvolution"
_MATRIX_AXES = 2


def folded_weights(file: WeightsFile, step: Step) -> LayerWeights:
    """Return the weights of a step with BatchNorm and Scale folded into them."""
    operation = step.operation
    blobs = weights_of(file, operation)
    if not caffe_types.is_weighted(operation.layer.type) or not blobs:
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
    """Return why the blobs of a layer cannot be used, None if they can."""
    stored = file.arrays.get(operation.layer.name, ())
    if problem := next((array.problem for array in stored if array.problem), None):
        return problem
    count = _blob_count(operation)
    if count and not stored:
        return "the file has none for this layer"
    if count is not None and len(stored) != count:
        return f"it has {counted(len(stored), 'blob')}, but needs {count}"
    if operation.blobs is None:
        return _unknown_shape_problem(operation, [array.shape for array in stored])
    for array, shape in zip(stored, operation.blobs, strict=True):
        if prod(array.shape) != prod(shape):
            return f"it has a blob of {counted(prod(array.shape), 'value')}, but needs {prod(shape)}"
    return None


def _blob_count(operation: Operation) -> int | None:
    """Return how many blobs a layer needs, None if that is unknown."""
    layer, parameters = operation.layer, operation.parameters
    if operation.blobs is not None:
        return len(operation.blobs)
    if caffe_types.is_weighted(layer.type) or (layer.type == "Scale" and len(layer.bottoms) == 1):
        return 2 if parameters["bias_term"] else 1
    return caffe_types.blob_count(layer.type)


def _unknown_shape_problem(operation: Operation, shapes: Sequence[Shape]) -> str | None:
    """Return why the blobs of a layer do not fit its type and parameters, if its input shape is unknown."""
    sizes = list(map(prod, shapes))
    wanted = sizes
    if caffe_types.is_weighted(operation.layer.type):
        if problem := _weight_shape_problem(operation, shapes[0]):
            return problem
        wanted = [sizes[0], operation.filters]
    elif operation.layer.type == "BatchNorm":
        wanted = [sizes[0], sizes[0], 1]
    elif operation.layer.type == "Scale" and sizes:
        wanted = [sizes[0], sizes[0]]
    for size, needed in zip(sizes, wanted, strict=False):
        if size != needed:
            return f"it has a blob of {counted(size, 'value')}, but needs {needed}"
    return None


def _weight_shape_problem(operation: Operation, shape: Shape) -> str | None:
    group, outputs = operation.parameters.get("group", 1), operation.filters
    if not group:
        return "its group is 0"
    shown = f"it has a weight of {'x'.join(map(str, shape))}"
    if operation.layer.type == "InnerProduct":
        # Old files have four axes for each blob.
        if len(shape) < _MATRIX_AXES or prod(shape[:-2]) != 1:
            return shown
        found = shape[-1 if operation.parameters["transpose"] else -2]
    else:
        if len(shape) < _MATRIX_AXES or shape[0] % group:
            return shown
        found = shape[1] * group if operation.layer.type == _TRANSPOSED else shape[0]
    return None if found == outputs else f"{shown}, but {counted(outputs, 'output')}"


def _fold_problem(file: WeightsFile, step: Step) -> str | None:
    """Return why the layers that are folded into a layer do not fit it, None if they do."""
    if not step.before and not step.after:
        return None
    shape = (step.operation.blobs or [array.shape for array in file.arrays[step.name]])[0]
    inputs = shape[1] * step.operation.parameters.get("group", 1)
    channels = [
        *((each, inputs) for each in step.before),
        *((each, step.operation.filters) for each in step.after),
    ]
    for each, count in channels:
        for array in file.arrays[each.layer.name][:2]:
            if prod(array.shape) != count:
                size = counted(prod(array.shape), "value")
                return f'"{each.layer.name}" has a blob of {size}, but it has {counted(count, "channel")}'
    return None
