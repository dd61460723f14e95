"""Run the steps of a network in numpy, with the arithmetic of Caffe's layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from quantcfg.diagnostics.phrases import counted
from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.layer_weights import stored_layout
from quantcfg.network.network import Shape
from quantcfg.network.operations import Operations
from quantcfg.weights.arrays import Array
from quantcfg.weights.program import LayerWeights, Step

_COLUMN_VALUES = 2**21
"""About how many values of a convolution's windows are copied at once."""

_BLOCK_VALUES = 2**16
"""About how many values a depthwise convolution works on at once: they stay in the processor's cache."""


def obstacle(step: Step) -> str | None:
    """Return why a step cannot be run, None if it can."""
    operation, layer = step.operation, step.operation.layer
    if unknown := operation.unknown or operation.without_given:
        return unknown.reason
    if layer.type not in _RULES:
        return f"type {layer.type or '(none)'} is not supported"
    if len(step.outputs) > 1 and not caffe_types.may_have_any_tops(layer.type):
        return "a second output is not supported"
    check = _OBSTACLES.get(caffe_types.output_rule(layer.type))
    return check(step) if check else None


def _convolution_obstacle(step: Step) -> str | None:
    parameters = step.operation.parameters
    if parameters["axis"] != 1:
        return f"axis {parameters['axis']} is not supported"
    return None if parameters["kernel"] else "an input without spatial axes is not supported"


def _pooling_obstacle(step: Step) -> str | None:
    method = step.operation.layer.attributes.get("pool")
    return None if method in ("MAX", "AVE") else f"pooling method {method} is not supported"


def _upsample_obstacle(step: Step) -> str | None:
    if len(step.inputs) > 1:
        return "a second input is not supported"
    has_size = any(step.operation.parameters[name] for name in ("upsample_h", "upsample_w"))
    return "upsample_h and upsample_w are not supported" if has_size else None


def _dummy_data_obstacle(step: Step) -> str | None:
    fillers, tops = _fillers(step), len(step.outputs)
    if len(fillers) not in (1, tops):
        return f"it has {counted(len(fillers), 'data_filler')}, but {counted(tops, 'top')}"
    others = [kind for kind, _ in map(_filler, fillers) if kind != "constant"]
    return f"its values are random ({others[0]}): use an Input layer instead" if others else None


def run_step(step: Step, weights: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    """Return the outputs of a step."""
    with np.errstate(all="ignore"):
        return _RULES[step.operation.layer.type](step, weights, inputs)


# --- convolutions


def _convolution(step: Step, weights: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    weight = _weight(weights)
    outputs = [_convolved(step, weight, weights, image) for image in inputs[0]]
    return [np.stack(outputs)]


def _weight(weights: LayerWeights) -> Array:
    assert weights.weight is not None
    return weights.weight


def _convolved(step: Step, weight: Array, weights: LayerWeights, image: Array) -> Array:
    """Return the convolution of one image."""
    parameters = step.operation.parameters
    image = _padded(image, parameters, weights.padding)
    windows = _windows(image, parameters)
    group = parameters["group"]
    if weight.shape[1] == 1 and group == len(image):
        output = _depthwise(windows, weight)
    else:
        inputs = len(image) // group
        rows = np.split(weight.reshape(len(weight), -1), group)
        parts = [
            _multiplied(row, windows[index * inputs : (index + 1) * inputs]) for index, row in enumerate(rows)
        ]
        output = parts[0] if group == 1 else np.concatenate(parts)
    return _with_bias(output, weights.bias)


def _with_bias(output: Array, bias: Array | None) -> Array:
    """Add the bias of each channel in place."""
    if bias is not None:
        output += bias.reshape(-1, *(1,) * (output.ndim - 1))
    return output


def _padded(image: Array, parameters: Mapping[str, Any], values: Array | None) -> Array:
    """Return an image with its padding, at least as large as a window."""
    pads, kernel, dilation = (parameters[name] for name in ("pad", "kernel", "dilation"))
    # As Caffe rounds toward zero, a window may be larger than its input.
    shape = [
        max(size + 2 * pad, each_dilation * (each_kernel - 1) + 1)
        for size, pad, each_kernel, each_dilation in zip(image.shape[1:], pads, kernel, dilation, strict=True)
    ]
    if shape == [*image.shape[1:]]:
        return image
    padded = np.zeros((len(image), *shape), np.float32)
    if values is not None:
        padded[:] = values.reshape(-1, *(1,) * len(shape))
    inside = tuple(slice(pad, pad + size) for pad, size in zip(pads, image.shape[1:], strict=True))
    padded[:, *inside] = image
    return padded


def _windows(image: Array, parameters: Mapping[str, Any]) -> Array:
    """Return a view of the windows of an image, by channel, place in the window, and output position."""
    kernel, stride, dilation = (parameters[name] for name in ("kernel", "stride", "dilation"))
    sizes = [
        (size - each_dilation * (each_kernel - 1) - 1) // each_stride + 1
        for size, each_kernel, each_stride, each_dilation in zip(
            image.shape[1:], kernel, stride, dilation, strict=True
        )
    ]
    channel, *steps = image.strides
    inner = [step * each for step, each in zip(steps, dilation, strict=True)]
    outer = [step * each for step, each in zip(steps, stride, strict=True)]
    return np.lib.stride_tricks.as_strided(
        image, (len(image), *kernel, *sizes), (channel, *inner, *outer), writeable=False
    )


def _multiplied(rows: Array, windows: Array) -> Array:
    """Multiply the rows of a weight with windows, a few rows of the output at a time."""
    count = (windows.ndim - 1) // 2
    sizes = windows.shape[1 + count :]
    output = np.empty((len(rows), *sizes), np.float32)
    lines = max(1, _COLUMN_VALUES // max(1, rows.shape[1] * prod(sizes[1:])))
    for start in range(0, sizes[0], lines):
        part = windows[(slice(None),) * (1 + count) + (slice(start, start + lines),)]
        columns = part.reshape(rows.shape[1], -1)
        output[:, start : start + lines] = (rows @ columns).reshape(len(rows), -1, *sizes[1:])
    return output


def _depthwise(windows: Array, weight: Array) -> Array:
    """Return the convolution of each channel with its own filters."""
    channels, count = len(windows), (windows.ndim - 1) // 2
    kernel, sizes = windows.shape[1 : 1 + count], windows.shape[1 + count :]
    filters = weight.reshape(channels, -1, *kernel)
    output = np.zeros((channels, filters.shape[1], *sizes), np.float32)
    block = max(1, _BLOCK_VALUES // max(1, output[0].size))
    for start in range(0, channels, block):
        part = output[start : start + block]
        product = np.empty_like(part)
        for place in np.ndindex(*kernel):
            values = windows[start : start + block][(slice(None), *place)][:, None]
            by = filters[start : start + block][(slice(None), slice(None), *place)]
            np.multiply(values, by.reshape(*by.shape, *(1,) * count), out=product)
            part += product
    return output.reshape(-1, *sizes)


def _deconvolution(step: Step, weights: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    weight = stored_layout(step, _weight(weights))
    return [np.stack([_deconvolved(step, weight, weights.bias, image) for image in inputs[0]])]


def _deconvolved(step: Step, weight: Array, bias: Array | None, image: Array) -> Array:
    """Return the deconvolution of one image: each value adds a window to the output."""
    parameters = step.operation.parameters
    kernel, stride, pad, dilation = (parameters[name] for name in ("kernel", "stride", "pad", "dilation"))
    group, sizes = parameters["group"], image.shape[1:]
    whole = [
        each_stride * (size - 1) + each_dilation * (each_kernel - 1) + 1
        for size, each_kernel, each_stride, each_dilation in zip(sizes, kernel, stride, dilation, strict=True)
    ]
    outputs = weight.shape[1]
    output = np.zeros((group, outputs, *whole), np.float32)
    rows = weight.reshape(group, len(image) // group, outputs, *kernel).swapaxes(1, 2)
    values = image.reshape(group, len(image) // group, -1)
    for place in np.ndindex(*kernel):
        starts = [each * by for each, by in zip(place, dilation, strict=True)]
        target = tuple(
            slice(start, start + each_stride * (size - 1) + 1, each_stride)
            for start, each_stride, size in zip(starts, stride, sizes, strict=True)
        )
        output[:, :, *target] += (rows[:, :, :, *place] @ values).reshape(group, outputs, *sizes)
    kept = tuple(slice(each, size - each) for each, size in zip(pad, whole, strict=True))
    return _with_bias(np.concatenate(output[:, :, *kept]), bias)


def _inner_product(step: Step, weights: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    weight = _weight(weights)
    shape = inputs[0].shape
    axis = step.operation.parameters["axis"] % len(shape)
    product = inputs[0].reshape(-1, weight.shape[1]) @ weight.T
    output = product if weights.bias is None else product + weights.bias.reshape(-1)
    return [output.reshape(*shape[:axis], -1)]


# --- pooling


def _pooling(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    parameters, whole = step.operation.parameters, inputs[0]
    if parameters["pool"] == "MAX":
        return [_pooled(step, whole, np.maximum, float(np.finfo(np.float32).min))]
    total = _pooled(step, whole, np.add, 0)
    height, width = (
        _window_sizes(*each)
        for each in zip(
            total.shape[2:],
            whole.shape[2:],
            *(parameters[name] for name in ("kernel", "stride", "pad")),
            strict=True,
        )
    )
    total /= np.outer(height, width)
    return [total]


def _window_sizes(count: int, size: int, kernel: int, stride: int, pad: int) -> Array:
    """Return the sizes of the windows of average pooling: clipped to the input and its padding."""
    starts = np.arange(count) * stride - pad
    # Without padding, the last window may be outside the input; its value is undefined in Caffe.
    return np.maximum(np.minimum(starts + kernel, size + pad) - starts, 1).astype(np.float32)


def _pooled(step: Step, whole: Array, combine: np.ufunc, outside: float) -> Array:
    parameters = step.operation.parameters
    kernel, stride, pad = (parameters[name] for name in ("kernel", "stride", "pad"))
    outputs = step.operation.outputs[0]
    assert outputs
    sizes = outputs[2:]
    if prod(sizes) == 1 and not any(pad):
        window = whole[:, :, : kernel[0], : kernel[1]]
        return np.asarray(combine.reduce(window, axis=(2, 3), keepdims=True))
    needed = [
        (size - 1) * each_stride + each_kernel
        for size, each_stride, each_kernel in zip(sizes, stride, kernel, strict=True)
    ]
    room = [max(need, size + each) for need, size, each in zip(needed, whole.shape[2:], pad, strict=True)]
    padded = np.full((*whole.shape[:2], *room), outside, np.float32)
    padded[:, :, pad[0] : pad[0] + whole.shape[2], pad[1] : pad[1] + whole.shape[3]] = whole
    output = np.full((*whole.shape[:2], *sizes), outside, np.float32)
    for row, column in np.ndindex(*kernel):
        rows = slice(row, row + (sizes[0] - 1) * stride[0] + 1, stride[0])
        columns = slice(column, column + (sizes[1] - 1) * stride[1] + 1, stride[1])
        combine(output, padded[:, :, rows, columns], out=output)
    return output


# --- values one by one


_Function = Callable[[Mapping[str, Any], Array], Array]


def _elementwise(function: _Function) -> Callable[[Step, LayerWeights, Sequence[Array]], Sequence[Array]]:
    def rule(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
        return [np.asarray(function(step.operation.parameters, inputs[0]), np.float32)]

    return rule


def _relu(parameters: Mapping[str, Any], values: Array) -> Array:
    slope = np.float32(parameters.get("negative_slope") or 0)
    positive = np.maximum(values, 0)
    return np.asarray(positive + slope * np.minimum(values, 0) if slope else positive)


def _elu(parameters: Mapping[str, Any], values: Array) -> Array:
    negative = np.float32(parameters["alpha"]) * np.expm1(np.minimum(values, 0))
    return np.where(values > 0, values, negative).astype(np.float32)


def _sigmoid(_: Mapping[str, Any], values: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-values)))


def _swish(parameters: Mapping[str, Any], values: Array) -> Array:
    return np.asarray(values / (1 + np.exp(-np.float32(parameters["beta"]) * values)))


def _power(parameters: Mapping[str, Any], values: Array) -> Array:
    inner = values * np.float32(parameters["scale"]) + np.float32(parameters["shift"])
    return np.asarray(inner if parameters["power"] == 1 else np.power(inner, np.float32(parameters["power"])))


def _exp(parameters: Mapping[str, Any], values: Array) -> Array:
    base = parameters["base"]
    exponent = values * np.float32(parameters["scale"]) + np.float32(parameters["shift"])
    return np.asarray(np.exp(exponent) if base == -1 else np.power(np.float32(base), exponent))


def _log(parameters: Mapping[str, Any], values: Array) -> Array:
    base = parameters["base"]
    logarithm = np.log(values * np.float32(parameters["scale"]) + np.float32(parameters["shift"]))
    return np.asarray(logarithm if base == -1 else logarithm / np.float32(np.log(base)))


def _bnll(_: Mapping[str, Any], values: Array) -> Array:
    return np.asarray(np.maximum(values, 0) + np.log1p(np.exp(-np.abs(values))))


def _threshold(parameters: Mapping[str, Any], values: Array) -> Array:
    return (values > np.float32(parameters["threshold"])).astype(np.float32)


def _clip(parameters: Mapping[str, Any], values: Array) -> Array:
    return np.clip(values, np.float32(parameters["min"]), np.float32(parameters["max"]))


# --- channels


def _prelu(_: Step, weights: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    slopes = _along(weights.others[0], inputs[0])
    return [np.maximum(inputs[0], 0) + slopes * np.minimum(inputs[0], 0)]


def _batch_norm(step: Step, weights: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    eps, values = np.float32(step.operation.parameters["eps"]), inputs[0]
    if step.operation.parameters["use_global_stats"] is False:
        axes = tuple(axis for axis in range(values.ndim) if axis != 1)
        mean = values.mean(axis=axes, keepdims=True)
        return [(values - mean) / np.sqrt(values.var(axis=axes, keepdims=True) + eps)]
    mean, variance, count = weights.others
    by = np.float32(1) / count.reshape(-1)[0] if count.reshape(-1)[0] else np.float32(0)
    deviation = np.sqrt(_along(variance * by, values) + eps)
    return [(values - _along(mean * by, values)) / deviation]


def _along(channels: Array, values: Array, axis: int = 1) -> Array:
    """Return values of channels (or of several axes) in a shape that broadcasts with an array."""
    flat = channels.reshape(-1)
    shape = [1] * values.ndim
    shape[min(axis, values.ndim - 1)] = -1
    return flat.reshape(shape)


def _spread(values: Array, inner: Array, axis: int) -> Array:
    """Return an array with its axes at those of values from an axis on."""
    axis %= values.ndim
    inner = inner.reshape(values.shape[axis : axis + inner.ndim]) if inner.ndim else inner
    return inner.reshape(*inner.shape, *(1,) * (values.ndim - axis - inner.ndim))


def _scale(step: Step, weights: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    axis = step.operation.parameters["axis"]
    factors = [*inputs[1:], *weights.others]
    output = inputs[0] * _spread(inputs[0], factors[0], axis)
    return [output + _spread(inputs[0], factors[1], axis) if len(factors) > 1 else output]


def _bias(step: Step, weights: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    bias = [*inputs[1:], *weights.others][0]
    return [inputs[0] + _spread(inputs[0], bias, step.operation.parameters["axis"])]


def _lrn(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    parameters, values = step.operation.parameters, inputs[0]
    size, alpha, beta = parameters["local_size"], parameters["alpha"], np.float32(parameters["beta"])
    squares = values * values
    if parameters["norm_region"] == "WITHIN_CHANNEL":
        total, area = _box_sums(squares, size)
        return [values * (1 + np.float32(alpha) * total / area) ** -beta]
    sums = _sums_along(squares, 1, size)
    return [values * (np.float32(parameters["k"]) + np.float32(alpha / size) * sums) ** -beta]


def _sums_along(values: Array, axis: int, size: int) -> Array:
    """Return the sums of the windows of a size around each place of an axis."""
    sums = np.zeros_like(values)
    length = values.shape[axis]
    for shift in range(-(size // 2), size // 2 + 1):
        low, high = max(0, -shift), min(length, length - shift)
        if low < high:
            target = (slice(None),) * axis + (slice(low, high),)
            source = (slice(None),) * axis + (slice(low + shift, high + shift),)
            sums[target] += values[source]
    return sums


def _box_sums(values: Array, size: int) -> tuple[Array, Array]:
    """Return the sums of square windows, and their areas with the padding of average pooling."""
    pad = (size - 1) // 2
    sums = _sums_along(_sums_along(values, 2, size), 3, size)
    height, width = (_window_sizes(each, each, size, 1, pad) for each in values.shape[2:])
    return sums, np.outer(height, width)


def _mvn(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    parameters, values = step.operation.parameters, inputs[0]
    axes = tuple(range(1 if parameters["across_channels"] else 2, values.ndim))
    centred = values - values.mean(axis=axes, keepdims=True)
    if not parameters["normalize_variance"]:
        return [centred]
    deviation = np.sqrt(np.square(centred).mean(axis=axes, keepdims=True))
    return [centred / (deviation + np.float32(parameters["eps"]))]


def _softmax(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    axis = step.operation.parameters["axis"]
    powers = np.exp(inputs[0] - inputs[0].max(axis=axis, keepdims=True))
    return [powers / powers.sum(axis=axis, keepdims=True)]


def _normalize(step: Step, weights: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    parameters, values = step.operation.parameters, inputs[0]
    axes = (1, 2, 3) if parameters["across_spatial"] else (1,)
    norm = np.sqrt(np.square(values).sum(axis=axes, keepdims=True) + np.float32(parameters["eps"]))
    return [values / norm * _along(weights.others[0], values)]


def _shuffle_channel(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    values, group = inputs[0], step.operation.parameters["group"] or 1
    batch, channels, *sizes = values.shape
    return [values.reshape(batch, group, channels // group, *sizes).swapaxes(1, 2).reshape(values.shape)]


# --- several inputs or outputs, and shapes


def _concat(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    return [np.concatenate(inputs, axis=step.operation.parameters["axis"])]


def _slice(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    parameters = step.operation.parameters
    return np.split(inputs[0], parameters["points"][1:-1], axis=parameters["axis"])


def _eltwise(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    parameters = step.operation.parameters
    combine = {"PROD": np.multiply, "SUM": np.add, "MAX": np.maximum}[parameters["operation"]]
    terms = inputs
    if parameters["coeff"] and parameters["operation"] == "SUM":
        terms = [np.float32(by) * each for by, each in zip(parameters["coeff"], inputs, strict=True)]
    output = terms[0]
    for each in terms[1:]:
        output = combine(output, each)
    return [output]


def _crop(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    axis, offsets = step.operation.parameters["axis"], step.operation.parameters["offset"]
    sizes = (*inputs[0].shape[:axis], *inputs[1].shape[axis:])
    window = tuple(slice(start, start + size) for start, size in zip(offsets, sizes, strict=True))
    return [np.ascontiguousarray(inputs[0][window])]


def _reshape(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    return [inputs[0].reshape(_only_output(step))]


def _only_output(step: Step) -> Shape:
    shape = step.operation.outputs[0]
    assert shape is not None
    return shape


def _permute(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    return [np.ascontiguousarray(inputs[0].transpose(step.operation.parameters["order"]))]


def _copies(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    return [inputs[0]] * len(step.outputs)


def _tile(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    parameters = step.operation.parameters
    return [np.concatenate([inputs[0]] * parameters["tiles"], axis=parameters["axis"])]


def _reduction(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    parameters = step.operation.parameters
    rows = inputs[0].reshape(*_only_output(step), -1)
    terms = {"ASUM": np.abs(rows), "SUMSQ": np.square(rows)}.get(parameters["operation"], rows)
    total = terms.mean(axis=-1) if parameters["operation"] == "MEAN" else terms.sum(axis=-1)
    return [np.asarray(total * np.float32(parameters["coeff"]), np.float32)]


def _axpy(_: Step, __: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    factor = inputs[0].reshape(*inputs[0].shape[:2], *(1,) * (inputs[1].ndim - 2))
    return [factor * inputs[1] + inputs[2]]


def _upsample(step: Step, _: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
    scale = step.operation.parameters["scale"]
    return [inputs[0].repeat(scale, axis=2).repeat(scale, axis=3)]


def _dummy_data(step: Step, _: LayerWeights, __: Sequence[Array]) -> Sequence[Array]:
    values = [_filler(each)[1] for each in _fillers(step)]
    shapes = step.operation.outputs
    values = values * len(shapes) if len(values) == 1 else values
    return [np.full(shape or (), value, np.float32) for shape, value in zip(shapes, values, strict=True)]


def _fillers(step: Step) -> Sequence[Mapping[str, Any]]:
    return step.operation.parameters["data_filler"] or ({},)


def _filler(filler: Mapping[str, Any]) -> tuple[str, float]:
    """Return the type and the value of a filler."""
    return filler.get("type", "constant"), filler.get("value", 0.0)


def _parameter(_: Step, weights: LayerWeights, __: Sequence[Array]) -> Sequence[Array]:
    return weights.others


_Rule = Callable[[Step, LayerWeights, Sequence[Array]], Sequence[Array]]

_OBSTACLES: Mapping[str, Callable[[Step], str | None]] = {
    "convolution": _convolution_obstacle,
    "deconvolution": _convolution_obstacle,
    "dummy_data": _dummy_data_obstacle,
    "pooling": _pooling_obstacle,
    "upsample": _upsample_obstacle,
}
"""Why layers cannot be run, by the rule for their outputs."""

_RULES: Mapping[str, _Rule] = {
    "AbsVal": _elementwise(lambda _, values: np.abs(values)),
    "Axpy": _axpy,
    "BNLL": _elementwise(_bnll),
    "BatchNorm": _batch_norm,
    "Bias": _bias,
    "Clip": _elementwise(_clip),
    "Concat": _concat,
    "Convolution": _convolution,
    "ConvolutionDepthwise": _convolution,
    "Crop": _crop,
    "Deconvolution": _deconvolution,
    "DepthwiseConvolution": _convolution,
    "Dropout": _copies,
    "DummyData": _dummy_data,
    "ELU": _elementwise(_elu),
    "Eltwise": _eltwise,
    "Exp": _elementwise(_exp),
    "Flatten": _reshape,
    "InnerProduct": _inner_product,
    "LRN": _lrn,
    "Log": _elementwise(_log),
    "MVN": _mvn,
    "Normalize": _normalize,
    "PReLU": _prelu,
    "Parameter": _parameter,
    "Permute": _permute,
    "Pooling": _pooling,
    "Power": _elementwise(_power),
    "ReLU": _elementwise(_relu),
    "ReLU6": _elementwise(lambda _, values: np.clip(values, 0, 6)),
    "Reduction": _reduction,
    "Reshape": _reshape,
    "Scale": _scale,
    "ShuffleChannel": _shuffle_channel,
    "Sigmoid": _elementwise(_sigmoid),
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _copies,
    "Swish": _elementwise(_swish),
    "TanH": _elementwise(lambda _, values: np.tanh(values)),
    "Threshold": _elementwise(_threshold),
    "Tile": _tile,
    "Upsample": _upsample,
}


def preprocessing(operations: Operations, blob: str) -> tuple[Sequence[float], float]:
    """Return the mean and scale of the layer that writes an input, or those that change nothing."""
    for operation in operations.all:
        if blob in operation.layer.tops and not operation.layer.bottoms:
            parameters = operation.parameters
            return parameters.get("mean_value") or (), parameters.get("scale") or 1.0
    return (), 1.0
