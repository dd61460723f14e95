"""The output shapes of Caffe's layers, by the rules of Reshape and LayerSetUp (reference, weights.md 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import Any

from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.operation_parameters import Parameters, is_written
from quantcfg.editions.caffe.shapes import MAX_AXES
from quantcfg.network.network import Shape
from quantcfg.network.operations import UnknownShapeError

MAX_COUNT = 2**31 - 1
"""The largest number of values in a blob (Blob::Reshape)."""

_CHANNELS = 1
_SIDES = ("h", "w")
_IMAGE_RANK = 4
_COLORS = 3
_CHECK = "check its parameters and the sizes of its inputs"
_MOST_LEVELS = 16
_MOST_RATIOS = 100


def add_geometry(layer_type: str, parameters: Parameters, bottoms: Sequence[Shape]) -> None:
    """Add the sizes of a convolution or pooling layer, one for each spatial axis, and its axis."""
    if layer_type in _CONVOLUTIONS and bottoms:
        axis = _axis(parameters["axis"], len(bottoms[0]))
        count = len(bottoms[0]) - axis - 1
        defaults = {"kernel": None, "stride": 1, "pad": 0, "dilation": 1}
        sizes = {name: _sizes(parameters, name, count, default) for name, default in defaults.items()}
        parameters.update(sizes, axis=axis)
        if layer_type in _WEIGHTED:
            _expect_groups(parameters, bottoms[0][axis])
    elif layer_type == "Pooling" and bottoms:
        _expect(len(bottoms[0]) == _IMAGE_RANK, f"pooling needs 4 axes, its input has {len(bottoms[0])}")
        kernel = (
            bottoms[0][2:] if parameters["global_pooling"] else _sides(parameters, "kernel", "kernel_size")
        )
        sizes = {name: _sides(parameters, name, name) for name in ("stride", "pad")}
        parameters.update(sizes, kernel=kernel)


def _expect_groups(parameters: Parameters, inputs: int) -> None:
    """Expect a number of outputs, and channels that divide into the groups."""
    outputs, group = parameters["num_output"], parameters["group"]
    _expect(bool(outputs), "its num_output is missing")
    _expect(bool(group), "its group is 0")
    _expect(inputs % group == 0, "its input channels do not divide into its groups")
    _expect(outputs % group == 0, "its output channels do not divide into its groups")


def output_shapes(
    layer_type: str, parameters: Parameters, bottoms: Sequence[Shape], tops: int
) -> Sequence[Shape | None]:
    """Return the shapes of the tops of a layer.

    Raises:
        UnknownShapeError: they cannot be inferred.

    """
    rule = _RULES.get(layer_type)
    if rule is None and (layer_type in _SAME_IN_FORKS or caffe_types.output_rule(layer_type) == "same"):
        rule = _same
    if rule is None:
        raise UnknownShapeError(_unknown_type(layer_type))
    shapes = rule(parameters, bottoms, tops)
    _expect(len(shapes) == tops, f"it has {tops} tops, but computes {len(shapes)}")
    for shape in shapes:
        if shape is not None:
            _expect(len(shape) <= MAX_AXES, f"its output has more than {MAX_AXES} axes")
            _expect(all(size > 0 for size in shape), f"its output has the size {_shown(shape)}")
            _expect(prod(shape) <= MAX_COUNT, f"its output has more than {MAX_COUNT} values")
    return shapes


def is_of_fork(layer_type: str) -> bool:
    """Return whether a type with rules here belongs to a fork and needs at least one input."""
    has_rule = layer_type in _RULES or layer_type in _SAME_IN_FORKS
    return has_rule and layer_type not in caffe_types.known_types(2)


def blob_shapes(layer_type: str, parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape] | None:
    """Return the shapes of the weights of a layer, None if these rules do not determine them."""
    if rule := _BLOBS.get(layer_type):
        shapes: list[Shape] | None = rule(parameters, bottoms)
        return shapes
    return [] if has_no_blobs(layer_type) else None


def has_no_blobs(layer_type: str) -> bool:
    """Return whether layers of a type never have weights."""
    return caffe_types.blob_count(layer_type) == 0 or layer_type in _WITHOUT_BLOBS


def filters_of(layer_type: str, parameters: Parameters) -> int:
    """Return the number of output channels of a convolution or inner product, 0 for other types."""
    is_weighted = layer_type in _WEIGHTED
    return int(parameters["num_output"] or 0) if is_weighted else 0


def multiply_accumulates(
    layer_type: str, bottoms: Sequence[Shape], tops: Sequence[Shape | None], blobs: Sequence[Shape] | None
) -> int | None:
    """Return the multiply-accumulates of a layer (reference 3.2), None if unknown.

    A value needs one for each weight: of the input in a deconvolution, otherwise of the output.
    """
    if layer_type not in _WEIGHTED:
        return 0
    if blobs is None or None in tops:
        return None
    values = sum(prod(shape or ()) for shape in (bottoms if layer_type == "Deconvolution" else tops))
    outputs = (tops[0] or (1,))[-1] if layer_type == "InnerProduct" else blobs[0][0]
    return values * (prod(blobs[0]) // outputs)


# --- helpers


def _expect(holds: bool, reason: str) -> None:
    if not holds:
        raise UnknownShapeError(reason, _CHECK)


def _unknown_type(layer_type: str) -> str:
    if layer_type in caffe_types.known_types(2):
        return f"the prototxt does not determine the output of type {layer_type}"
    return f"its type {layer_type} is unknown" if layer_type else "it has no type"


def _shown(shape: Shape | None) -> str:
    return "x".join(map(str, shape or ()))


def _axis(axis: int, rank: int) -> int:
    """Return an axis as a non-negative index."""
    _expect(-rank <= axis < rank, f"its axis is {axis}, but its input has {rank}")
    return axis % rank


def _sizes(parameters: Parameters, name: str, count: int, default: int | None) -> tuple[int, ...]:
    """Return a size of a convolution for each spatial axis."""
    sides = [f"{name}_{side}" for side in _SIDES]
    written = parameters["kernel_size" if name == "kernel" else name]
    if any(is_written(parameters, side) for side in sides):
        _expect(count == len(sides), f"it has {sides[0]}, but {count} spatial axes")
        sizes = tuple(parameters[side] or 0 for side in sides)
    elif not written and default is None and count:
        raise UnknownShapeError("its kernel_size is missing", _CHECK)
    else:
        sizes = tuple(written) or (default or 0,)
        _expect(
            len(sizes) in (1, count) or not count, f"it has {len(sizes)} values of {name}, but {count} axes"
        )
        sizes = sizes * count if len(sizes) == 1 else sizes[:count]
    _expect(name not in ("kernel", "stride") or all(sizes), f"its {name} is 0")
    return sizes


def _sides(parameters: Parameters, name: str, both: str) -> tuple[int, int]:
    """Return the height and width of a size of a pooling layer."""
    sides = [f"{name}_{side}" for side in _SIDES]
    if any(is_written(parameters, side) for side in sides) and not is_written(parameters, both):
        height, width = (parameters[side] or 0 for side in sides)
    else:
        height = width = parameters[both] or 0
    _expect(name == "pad" or bool(height and width), f"its {name} is missing or 0")
    return height, width


def _toward_zero(value: int, divisor: int) -> int:
    """Divide as C++ does."""
    return value // divisor if value >= 0 else -(-value // divisor)


# --- rules


_Shapes = Sequence[Shape | None]
_Rule = Callable[[Parameters, Sequence[Shape], int], _Shapes]


def _same(_: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    return [bottoms[0]] * tops


def _convolution(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    def size(size: int, kernel: int, stride: int, pad: int, dilation: int) -> int:
        extent = dilation * (kernel - 1) + 1
        return _toward_zero(size + 2 * pad - extent, stride) + 1

    return _convolved(parameters, bottoms, size)


def _deconvolution(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    def size(size: int, kernel: int, stride: int, pad: int, dilation: int) -> int:
        extent = dilation * (kernel - 1) + 1
        return stride * (size - 1) + extent - 2 * pad

    return _convolved(parameters, bottoms, size)


def _convolved(parameters: Parameters, bottoms: Sequence[Shape], size: Callable[..., int]) -> _Shapes:
    axis, outputs = parameters["axis"], parameters["num_output"]
    geometry = [parameters[name] for name in ("kernel", "stride", "pad", "dilation")]
    return [(*bottom[:axis], outputs, *map(size, bottom[axis + 1 :], *geometry)) for bottom in bottoms]


def _im2col(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    columns = bottoms[0][parameters["axis"]] * prod(parameters["kernel"])
    (shape,) = _convolution(parameters.new_child({"num_output": columns}), bottoms[:1], 1)
    return [shape]


def _pooling(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    sizes = bottoms[0][2:]
    pooled = [
        _pooled(parameters, *each)
        for each in zip(sizes, *(parameters[name] for name in ("kernel", "stride", "pad")), strict=True)
    ]
    return [(*bottoms[0][:2], *pooled)] * tops


def _pooled(parameters: Parameters, size: int, kernel: int, stride: int, pad: int) -> int:
    room = size + 2 * pad - kernel
    count = (room // stride if parameters["round_mode"] == "FLOOR" else -(-room // stride)) + 1
    # The last window must start inside the input, but Caffe checks this only with padding.
    return count - 1 if any(parameters["pad"]) and (count - 1) * stride >= size + pad else count


def _inner_product(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    axis = _axis(parameters["axis"], len(bottoms[0]))
    _expect(bool(parameters["num_output"]), "its num_output is missing")
    return [(*bottoms[0][:axis], parameters["num_output"])]


def _concat(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    axis = _joined_axis(parameters, "concat_dim", bottoms)
    others = {(*bottom[:axis], *bottom[axis + 1 :]) for bottom in bottoms if len(bottom) == len(bottoms[0])}
    is_alike = len(others) == 1 and all(len(bottom) == len(bottoms[0]) for bottom in bottoms)
    _expect(is_alike, f"its inputs differ: {', '.join(map(_shown, bottoms))}")
    return [(*bottoms[0][:axis], sum(bottom[axis] for bottom in bottoms), *bottoms[0][axis + 1 :])]


def _joined_axis(parameters: Parameters, old: str, bottoms: Sequence[Shape]) -> int:
    """Return the axis of Concat or Slice, which an older field overrides."""
    axis = parameters[old] if is_written(parameters, old) else parameters["axis"]
    parameters["axis"] = _axis(axis, len(bottoms[0]))
    return int(parameters["axis"])


def _eltwise(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    count = len(parameters["coeff"])
    _expect(count in (0, len(bottoms)), f"it has {count} coefficients, but {len(bottoms)} inputs")
    _expect(len(set(bottoms)) == 1, f"its inputs differ: {', '.join(map(_shown, bottoms))}")
    return bottoms[:1]


def _softmax(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    parameters["axis"] = _axis(parameters["axis"], len(bottoms[0]))
    return _same(parameters, bottoms, tops)


def _lrn(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    _expect(parameters["local_size"] % 2 == 1, f"its local_size is {parameters['local_size']}, not odd")
    return _same_image(parameters, bottoms, tops)


def _clip(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    _expect(None not in (parameters["min"], parameters["max"]), "its min or max is missing")
    return _same(parameters, bottoms, tops)


def _same_image(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    _expect(len(bottoms[0]) == _IMAGE_RANK, "its input needs 4 axes")
    return _same(parameters, bottoms, tops)


def _shuffle_channel(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    group = parameters["group"] = parameters["group"] or 1
    shapes = _same_image(parameters, bottoms, tops)
    _expect(bottoms[0][_CHANNELS] % group == 0, "its input channels do not divide into its groups")
    return shapes


def _crop(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    _expect(len(bottoms) > 1 and len(bottoms[0]) == len(bottoms[1]), "its inputs differ in their axes")
    axis = parameters["axis"] = _axis(parameters["axis"], len(bottoms[0]))
    offsets = parameters["offset"]
    count = len(bottoms[0]) - axis
    _expect(len(offsets) in (0, 1, count), f"it has {len(offsets)} offsets, but crops {count} axes")
    each = offsets if len(offsets) == count else (offsets or (0,)) * count
    parameters["offset"] = (0,) * axis + each
    cropped = (*bottoms[0][:axis], *bottoms[1][axis:])
    room = zip(bottoms[0], cropped, parameters["offset"], strict=True)
    _expect(all(size + offset <= whole for whole, size, offset in room), "its crop does not fit its input")
    return [cropped]


def _reshape(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    bottom = bottoms[0]
    dimensions = (parameters["shape"] or {}).get("dim", ())
    _expect(len(dimensions) <= MAX_AXES, f"its shape has {len(dimensions)} axes")
    start = parameters["axis"] if parameters["axis"] >= 0 else parameters["axis"] + len(bottom) + 1
    end = len(bottom) if parameters["num_axes"] == -1 else start + parameters["num_axes"]
    _expect(0 <= start <= end <= len(bottom), "it reshapes axes that its input does not have")
    copies = [index for index, size in enumerate(dimensions) if size == 0]
    _expect(
        all(start + index < len(bottom) for index in copies), "it copies an axis that its input does not have"
    )
    sizes = [bottom[start + index] if size == 0 else size for index, size in enumerate(dimensions)]
    inner, known = prod(bottom[start:end]), prod(size for size in sizes if size != -1)
    _expect(sizes.count(-1) <= 1 and known > 0, f"its shape is {_shown(dimensions)}")
    sizes = [inner // known if size == -1 else size for size in sizes]
    _expect(prod(sizes) == inner, f"{_shown(bottom)} does not reshape to {_shown(tuple(sizes))}")
    return [(*bottom[:start], *sizes, *bottom[end:])]


def _flatten(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    bottom = bottoms[0]
    start, end = (_axis(parameters[name], len(bottom)) for name in ("axis", "end_axis"))
    _expect(start <= end, "its axis is after its end_axis")
    return [(*bottom[:start], prod(bottom[start : end + 1]), *bottom[end + 1 :])]


def _slice(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    bottom = bottoms[0]
    axis = _joined_axis(parameters, "slice_dim", bottoms)
    points = [0, *(parameters["slice_point"] or _equal_parts(bottom[axis], tops)), bottom[axis]]
    _expect(len(points) == tops + 1, f"it has {len(points) - 2} slice points, but {tops} tops")
    parameters["points"] = points
    return [(*bottom[:axis], end - start, *bottom[axis + 1 :]) for start, end in pairwise(points)]


def _equal_parts(size: int, count: int) -> list[int]:
    _expect(size % count == 0, f"{size} does not divide into {count} equal parts")
    return list(range(size // count, size, size // count))


def _reduction(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    return [bottoms[0][: _axis(parameters["axis"], len(bottoms[0]))]]


def _tile(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    bottom = bottoms[0]
    axis = parameters["axis"] = _axis(parameters["axis"], len(bottom))
    return [(*bottom[:axis], bottom[axis] * (parameters["tiles"] or 0), *bottom[axis + 1 :])]


def _argmax(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    bottom, count = bottoms[0], parameters["top_k"]
    if is_written(parameters, "axis"):
        axis = _axis(parameters["axis"], len(bottom))
        return [(*bottom[:axis], count, *bottom[axis + 1 :])]
    pairs = 2 if parameters["out_max_val"] else 1
    return [(bottom[0], pairs, count, *(1,) * (len(bottom) - 3))]


def _embed(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    return [(*bottoms[0], parameters["num_output"] or 0)]


def _recurrent(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    _expect(len(bottoms[0]) > 1, "its input needs the axes time and batch")
    if tops > 1:
        raise UnknownShapeError("the shapes of its states are not known")
    return [(*bottoms[0][:2], parameters["num_output"])]


def _spp(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    _expect(len(bottoms[0]) == _IMAGE_RANK, f"pooling needs 4 axes, its input has {len(bottoms[0])}")
    height = parameters["pyramid_height"] or 0
    _expect(height <= _MOST_LEVELS, f"its pyramid has {height} levels")
    bins = sum(4**level for level in range(height))
    return [(bottoms[0][0], bottoms[0][1] * bins)]


def _batch_reindex(_: Parameters, bottoms: Sequence[Shape], __: int) -> _Shapes:
    _expect(len(bottoms) > 1 and len(bottoms[1]) > 0, "its second input has no axes")
    return [(bottoms[1][0], *bottoms[0][1:])]


def _loss(_: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    # The second top of SoftmaxWithLoss and SigmoidCrossEntropyLoss has the shape of the input.
    return ((), *bottoms[:1])[:tops]


def _accuracy(_: Parameters, __: Sequence[Shape], tops: int) -> _Shapes:
    return [()] + [None] * (tops - 1)


def _silence(_: Parameters, __: Sequence[Shape], ___: int) -> _Shapes:
    return []


def _permute(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    axes = range(len(bottoms[0]))
    order = parameters["order"]
    _expect(set(order) <= set(axes) and len(set(order)) == len(order), f"its order is {order}")
    parameters["order"] = (*order, *(axis for axis in axes if axis not in order))
    return [tuple(bottoms[0][axis] for axis in parameters["order"])]


def _prior_box(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    _expect(len(bottoms[0]) == _IMAGE_RANK, "its input needs 4 axes")
    _expect(len(parameters["aspect_ratio"]) <= _MOST_RATIOS, "it has too many aspect ratios")
    ratios = [1.0]
    for ratio in parameters["aspect_ratio"]:
        if all(abs(ratio - other) >= 1e-6 for other in ratios):
            ratios += [ratio, 1 / ratio] if parameters["flip"] and ratio else [ratio]
    boxes = len(parameters["min_size"]) * len(ratios) + len(parameters["max_size"])
    return [(1, 2, prod(bottoms[0][2:]) * boxes * 4)]


def _detection_output(_: Parameters, __: Sequence[Shape], ___: int) -> _Shapes:
    return [(1, 1, 1, 7)]


def _axpy(_: Parameters, bottoms: Sequence[Shape], __: int) -> _Shapes:
    _expect(len(bottoms) == 3, f"it has {len(bottoms)} inputs, not 3")
    factors, values, added = bottoms
    channels = values[: _CHANNELS + 1]
    is_alike = factors[: len(channels)] == channels and prod(factors) == prod(channels) and values == added
    _expect(is_alike, f"its inputs differ: {', '.join(map(_shown, bottoms))}")
    return [values]


def _upsample(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    _expect(len(bottoms[0]) == _IMAGE_RANK, "its input needs 4 axes")
    height, width = (parameters[f"upsample_{side}"] for side in _SIDES)
    if height and width:
        return [(*bottoms[0][:2], height, width)]
    # With a mask, SegNet's layer takes the sizes from another layer, unless they are written.
    if len(bottoms) > 1 and not is_written(parameters, "scale"):
        raise UnknownShapeError("its size is that of another layer")
    return [(*bottoms[0][:2], *(size * parameters["scale"] for size in bottoms[0][2:]))]


def _reorg(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    _expect(len(bottoms[0]) == _IMAGE_RANK, "its input needs 4 axes")
    batch, channels, *sizes = bottoms[0]
    stride = parameters["stride"] or 0
    _expect(stride > 0, "its stride is missing")
    if parameters["reverse"]:
        return [(batch, channels // stride**2, *(size * stride for size in sizes))]
    return [(batch, channels * stride**2, *(size // stride for size in sizes))]


# --- inputs


def _input(parameters: Parameters, _: Sequence[Shape], tops: int) -> _Shapes:
    shapes = [tuple(shape.get("dim", ())) for shape in parameters["shape"]]
    if len(shapes) == 1:
        return shapes * tops
    return [*shapes, *[None] * tops][:tops]


def _parameter(parameters: Parameters, _: Sequence[Shape], __: int) -> _Shapes:
    shape = (parameters["shape"] or {}).get("dim")
    return [tuple(shape) if shape else None]


def _data(parameters: Parameters, _: Sequence[Shape], tops: int) -> _Shapes:
    # The file has the channels, and without crop_size the other sizes.
    return [None, _labels(parameters)][:tops]


def _labels(parameters: Parameters) -> Shape | None:
    return (parameters["batch_size"],) if parameters["batch_size"] else None


def _image_data(parameters: Parameters, _: Sequence[Shape], tops: int) -> _Shapes:
    crop = parameters["crop_size"]
    sizes = (crop, crop) if crop else (parameters["new_height"], parameters["new_width"])
    channels = _COLORS if parameters.get("is_color", True) else 1
    image = (parameters["batch_size"] or 0, channels, *sizes)
    return [image if all(image) else None, _labels(parameters)][:tops]


def _memory_data(parameters: Parameters, _: Sequence[Shape], tops: int) -> _Shapes:
    crop = parameters["crop_size"]
    sizes = (crop, crop) if crop else (parameters["height"], parameters["width"])
    image = (parameters["batch_size"], parameters["channels"], *sizes)
    return [image if all(image) else None, _labels(parameters)][:tops]


def _dummy_data(parameters: Parameters, _: Sequence[Shape], tops: int) -> _Shapes:
    legacy = zip(*(parameters[name] for name in ("num", "channels", "height", "width")), strict=False)
    shapes = [tuple(shape.get("dim", ())) for shape in parameters["shape"]] or list(legacy)
    return shapes * tops if len(shapes) == 1 else [*shapes, *[None] * tops][:tops]


_WEIGHTED = ("Convolution", "ConvolutionDepthwise", "Deconvolution", "DepthwiseConvolution", "InnerProduct")
_CONVOLUTIONS = (*_WEIGHTED[:-1], "Im2col")

_SAME_IN_FORKS = ("ReLU6", "BN")

_RULES: Mapping[str, _Rule] = {
    "Accuracy": _accuracy,
    "ArgMax": _argmax,
    "Axpy": _axpy,
    "BatchReindex": _batch_reindex,
    "Clip": _clip,
    "Concat": _concat,
    "ContrastiveLoss": _loss,
    "Convolution": _convolution,
    "ConvolutionDepthwise": _convolution,
    "Crop": _crop,
    "Data": _data,
    "Deconvolution": _deconvolution,
    "DepthwiseConvolution": _convolution,
    "DetectionOutput": _detection_output,
    "DummyData": _dummy_data,
    "Eltwise": _eltwise,
    "Embed": _embed,
    "EuclideanLoss": _loss,
    "Flatten": _flatten,
    "HingeLoss": _loss,
    "Im2col": _im2col,
    "ImageData": _image_data,
    "InfogainLoss": _loss,
    "InnerProduct": _inner_product,
    "Input": _input,
    "LRN": _lrn,
    "LSTM": _recurrent,
    "MemoryData": _memory_data,
    "MultinomialLogisticLoss": _loss,
    "Normalize": _same_image,
    "Parameter": _parameter,
    "Permute": _permute,
    "Pooling": _pooling,
    "PriorBox": _prior_box,
    "RNN": _recurrent,
    "Reduction": _reduction,
    "Reorg": _reorg,
    "Reshape": _reshape,
    "SPP": _spp,
    "SigmoidCrossEntropyLoss": _loss,
    "ShuffleChannel": _shuffle_channel,
    "Silence": _silence,
    "Slice": _slice,
    "Softmax": _softmax,
    "SoftmaxWithLoss": _loss,
    "Tile": _tile,
    "Upsample": _upsample,
}


# --- weights


def _convolution_blobs(parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape]:
    outputs, inputs = parameters["num_output"], bottoms[0][parameters["axis"]]
    return _with_bias(parameters, (outputs, inputs // parameters["group"], *parameters["kernel"]), outputs)


def _deconvolution_blobs(parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape]:
    outputs, inputs = parameters["num_output"], bottoms[0][parameters["axis"]]
    return _with_bias(parameters, (inputs, outputs // parameters["group"], *parameters["kernel"]), outputs)


def _with_bias(parameters: Parameters, weight: Shape, outputs: int) -> list[Shape]:
    return [weight, (outputs,)] if parameters["bias_term"] else [weight]


def _inner_product_blobs(parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape]:
    inputs = prod(bottoms[0][_axis(parameters["axis"], len(bottoms[0])) :])
    outputs = parameters["num_output"]
    return _with_bias(
        parameters, (inputs, outputs) if parameters["transpose"] else (outputs, inputs), outputs
    )


def _batch_norm_blobs(_: Parameters, bottoms: Sequence[Shape]) -> list[Shape]:
    channels = 1 if len(bottoms[0]) == 1 else bottoms[0][_CHANNELS]
    return [(channels,), (channels,), (1,)]


def _scale_blobs(parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape]:
    shape = _scaled(parameters, bottoms)
    scales = [shape] if len(bottoms) == 1 else []
    return [*scales, shape] if parameters["bias_term"] else scales


def _bias_blobs(parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape]:
    return [_scaled(parameters, bottoms)] if len(bottoms) == 1 else []


def _scaled(parameters: Parameters, bottoms: Sequence[Shape]) -> Shape:
    """Return the axes that Scale or Bias has values for."""
    axis, count = _axis(parameters["axis"], len(bottoms[0])), parameters["num_axes"]
    if len(bottoms) > 1:
        # A factor without axes is for all values.
        is_inner = bottoms[0][axis : axis + len(bottoms[1])] == bottoms[1]
        _expect(is_inner or not bottoms[1], f"its inputs differ: {', '.join(map(_shown, bottoms))}")
        return bottoms[1]
    return bottoms[0][axis:] if count == -1 else bottoms[0][axis : axis + count]


def _prelu_blobs(parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape]:
    _expect(len(bottoms[0]) > _CHANNELS, "its input has no channels")
    return [(1,) if parameters["channel_shared"] else bottoms[0][_CHANNELS : _CHANNELS + 1]]


def _embed_blobs(parameters: Parameters, _: Sequence[Shape]) -> list[Shape]:
    outputs = parameters["num_output"] or 0
    return _with_bias(parameters, (parameters["input_dim"] or 0, outputs), outputs)


def _lstm_blobs(parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape] | None:
    return _recurrent_blobs(parameters["num_output"], 4 * parameters["num_output"], bottoms)


def _rnn_blobs(parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape] | None:
    outputs = parameters["num_output"]
    blobs = _recurrent_blobs(outputs, outputs, bottoms)
    return blobs and [*blobs, (outputs, outputs), (outputs,)]


def _recurrent_blobs(outputs: int, gates: int, bottoms: Sequence[Shape]) -> list[Shape] | None:
    is_simple = len(bottoms) == 2  # the sequence and its marks, without a static input
    return [(gates, prod(bottoms[0][2:])), (gates,), (gates, outputs)] if is_simple else None


def _parameter_blobs(parameters: Parameters, _: Sequence[Shape]) -> list[Shape]:
    return [tuple((parameters["shape"] or {}).get("dim", ()))]


def _normalize_blobs(parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape]:
    return [(1,) if parameters["channel_shared"] else bottoms[0][_CHANNELS : _CHANNELS + 1]]


_WITHOUT_BLOBS = (
    "Axpy",
    "DetectionOutput",
    "Permute",
    "PriorBox",
    "ReLU6",
    "Reorg",
    "ShuffleChannel",
    "Upsample",
)

_BLOBS: Mapping[str, Callable[[Parameters, Sequence[Shape]], Any]] = {
    "BatchNorm": _batch_norm_blobs,
    "Bias": _bias_blobs,
    "Convolution": _convolution_blobs,
    "ConvolutionDepthwise": _convolution_blobs,
    "Deconvolution": _deconvolution_blobs,
    "DepthwiseConvolution": _convolution_blobs,
    "Embed": _embed_blobs,
    "InnerProduct": _inner_product_blobs,
    "LSTM": _lstm_blobs,
    "Normalize": _normalize_blobs,
    "PReLU": _prelu_blobs,
    "Parameter": _parameter_blobs,
    "RNN": _rnn_blobs,
    "Scale": _scale_blobs,
}
