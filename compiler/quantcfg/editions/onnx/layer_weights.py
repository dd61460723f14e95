"""The weights of quantizable nodes, output channels first, with BatchNormalization folded into them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from quantcfg.diagnostics.phrases import counted
from quantcfg.editions.onnx import ONNX
from quantcfg.network.network import Shape
from quantcfg.network.operations import Operation, StoredArray
from quantcfg.weights.arrays import Array, WeightsFile, read_array
from quantcfg.weights.folding import ChannelMap, folded_after, normalization, scaled
from quantcfg.weights.layout import output_first
from quantcfg.weights.program import LayerWeights, Step

_BIAS_INPUT = 2
_DOUBLE = "<f8"
_EPSILON = 1e-5
_MATRIX_AXES = 2
_CONVOLUTIONS = ("Conv", "ConvTranspose")
_MOST_VALUES = 2**59
"""Larger arrays of doubles do not exist, even if they have no values."""


def folded_weights(file: WeightsFile, step: Step) -> LayerWeights:
    """Return the weights of a step, and those of a BatchNormalization folded into them."""
    operation = step.operation
    stored = _weight(file, operation)
    if stored is None:
        return LayerWeights()
    layout = _LAYOUTS[operation.layer.type]
    weight, bias = layout(operation.parameters, read_array(file, stored, stored.shape)), None
    bias_array = _stored(file, operation, _BIAS_INPUT)
    if bias_array and not _bias_problem(operation, bias_array, len(weight)):
        bias = read_array(file, bias_array, (-1,))
    for each in step.after:
        weight, bias = folded_after(weight, bias, _channel_map(file, each))
    return LayerWeights(weight, bias, is_rounded=_DOUBLE in (stored.dtype, bias_array and bias_array.dtype))


def _weight(file: WeightsFile, operation: Operation) -> StoredArray | None:
    """Return the constant weight of a quantizable node, None for any other."""
    layer = operation.layer
    index = ONNX.layer_types.known.get(layer.type, {}).get("weight_input")
    return _stored(file, operation, index) if layer.quantizable and index is not None else None


def _stored(file: WeightsFile, operation: Operation, index: int) -> StoredArray | None:
    name = operation.operands[index] if index < len(operation.operands) else ""
    arrays = file.arrays.get(name, ())
    return arrays[0] if arrays else None


def _of_convolution(_: Mapping[str, Any], weight: Array) -> Array:
    return weight


def _of_transposed(attributes: Mapping[str, Any], weight: Array) -> Array:
    return output_first(weight, attributes.get("group", 1))


def _of_gemm(attributes: Mapping[str, Any], weight: Array) -> Array:
    return weight if attributes.get("transB", 0) else weight.T


def _of_matmul(_: Mapping[str, Any], weight: Array) -> Array:
    return np.moveaxis(weight, -1, 0)


_LAYOUTS: Mapping[str, Callable[[Mapping[str, Any], Array], Array]] = {
    "Conv": _of_convolution,
    "ConvTranspose": _of_transposed,
    "Gemm": _of_gemm,
    "MatMul": _of_matmul,
}
"""How a weight gets its output channels first, by type."""


def _channel_map(file: WeightsFile, operation: Operation) -> ChannelMap:
    """Return the factor and the offset of a BatchNormalization for each channel."""
    scale, bias, mean, variance = (
        read_array(file, each, (-1,)) for each in _parameters(file, operation) if each
    )
    eps = operation.parameters.get("epsilon")
    eps = eps if isinstance(eps, float) else _EPSILON
    return scaled(normalization(mean, variance, np.ones(1, np.float32), eps), scale, bias)


def _parameters(file: WeightsFile, operation: Operation) -> list[StoredArray | None]:
    indices = ONNX.layer_types.known[operation.layer.type]["parameter_inputs"]
    return [_stored(file, operation, index) for index in indices]


# --- problems


def weight_problems(file: WeightsFile, step: Step) -> Iterator[tuple[str, str]]:
    """Yield why the weights of a step cannot be used, if they cannot."""
    stored = _weight(file, step.operation)
    problem = _problem(file, step, stored) if stored else None
    if problem:
        yield step.name, problem


def bias_problems(file: WeightsFile, step: Step) -> Iterator[tuple[str, str]]:
    """Yield why the bias of a step whose weights can be used cannot be; no statistics need it."""
    weight, bias = _weight(file, step.operation), _stored(file, step.operation, _BIAS_INPUT)
    outputs = _outputs(step.operation, weight.shape) if weight else None
    problem = _bias_problem(step.operation, bias, outputs) if bias and outputs is not None else None
    if problem:
        yield step.name, problem


def _bias_problem(operation: Operation, bias: StoredArray, outputs: int) -> str | None:
    if bias.problem:
        return _unusable("its bias", bias)
    # That of a Gemm may have any shape that can be broadcast.
    return _misfit("its bias", bias, outputs) if operation.layer.type in _CONVOLUTIONS else None


def _unusable(what: str, array: StoredArray) -> str:
    return f"{what} cannot be used: {array.problem}"


def _misfit(what: str, array: StoredArray, outputs: int) -> str | None:
    if prod(array.shape) == outputs:
        return None
    values, channels = counted(prod(array.shape), "value"), counted(outputs, "output channel")
    return f"{what} has {values}, but it has {channels}"


def _problem(file: WeightsFile, step: Step, weight: StoredArray) -> str | None:
    named = [("its weight", weight)]
    for each in step.after:
        what = f'a parameter of "{each.layer.name}", which is folded into it,'
        parameters = _parameters(file, each)
        if None in parameters:
            return f"{what} is missing: the model has changed since it was read"
        named += [(what, parameter) for parameter in parameters if parameter]
    for what, array in named:
        if array.problem:
            return _unusable(what, array)
    group = step.operation.parameters.get("group", 1)
    if step.operation.layer.type in _CONVOLUTIONS and not _is_group(group):
        stated = f"{group}, which is not" if isinstance(group, (int, float)) else "not"
        return f"its group is {stated} a positive integer"
    outputs = _outputs(step.operation, weight.shape)
    if outputs is None:
        return f"it has a weight of {'x'.join(map(str, weight.shape))} that does not fit"
    misfits = (_misfit(what, array, outputs) for what, array in named[1:])
    return next((each for each in misfits if each), None)


def _is_group(group: object) -> bool:
    return isinstance(group, int) and group > 0


def _outputs(operation: Operation, shape: Shape) -> int | None:
    """Return the number of output channels, None if the weight does not fit its type and group."""
    group = operation.parameters.get("group", 1) if operation.layer.type in _CONVOLUTIONS else 1
    # The axes of an array without values may be of any size.
    if prod(max(1, size) for size in (*shape, group)) > _MOST_VALUES:
        return None
    if operation.layer.type == "MatMul":
        return shape[-1] if len(shape) >= _MATRIX_AXES else None
    if operation.layer.type == "Gemm":
        return None if len(shape) != _MATRIX_AXES else shape[0 if operation.parameters.get("transB") else 1]
    if len(shape) < _MATRIX_AXES or shape[0] % group:
        return None
    return shape[1] * group if operation.layer.type == "ConvTranspose" else shape[0]
