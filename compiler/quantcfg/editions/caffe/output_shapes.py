"""The output shapes of Caffe's layers, by the rules of Reshape and LayerSetUp (reference, weights.md 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import prod

from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.definitions import Definition
from quantcfg.editions.caffe.operation_parameters import Parameters, expect, expect_image, expect_setup
from quantcfg.editions.caffe.shapes import (
    MAX_AXES,
    PartialShape,
    parameter_shapes,
    scaled_shape,
    shown,
    whole_extent,
)
from quantcfg.network.network import Shape
from quantcfg.network.operations import UnknownShapeError

MAX_COUNT = 2**31 - 1
"""The largest number of values in a blob (Blob::Reshape)."""

_CHANNELS = 1
_COLORS = 3
_MOST_LEVELS = 16
_MOST_RATIOS = 100


def output_shapes(
    layer_type: str, parameters: Parameters, bottoms: Sequence[Shape], tops: int
) -> Sequence[Shape | None]:
    """Return the shapes of the tops of a layer.

    Raises:
        UnknownShapeError: they cannot be inferred.

    """
    rule = _RULES.get(caffe_types.output_rule(layer_type))
    if rule is None:
        raise UnknownShapeError(_unknown_type(layer_type))
    shapes = rule(parameters, bottoms, tops)
    expect(len(shapes) == tops, f"it has {tops} tops, but computes {len(shapes)}")
    for shape in shapes:
        if shape is not None:
            expect(len(shape) <= MAX_AXES, f"its output has more than {MAX_AXES} axes")
            expect(all(size > 0 for size in shape), f"its output has the size {shown(shape)}")
            expect(prod(shape) <= MAX_COUNT, f"its output has more than {MAX_COUNT} values")
    return shapes


def blob_shapes(
    layer: Definition, parameters: Parameters, bottoms: Sequence[Shape]
) -> Sequence[Shape] | None:
    """Return the shapes of the weights of a layer, None if these rules do not determine them."""
    if rule := _BLOBS.get(layer.type):
        return rule(parameters, bottoms)
    if layer.type == "Scale":
        _expect_inner(parameters, bottoms)
    is_convolution = caffe_types.is_weighted(layer.type) and "kernel" in parameters
    axes = len(parameters["kernel"]) if is_convolution else None
    expected = parameter_shapes(layer, [whole_extent(bottom) for bottom in bottoms], axes)
    if expected is None:
        return [] if caffe_types.has_no_blobs(layer.type) else None
    shapes = [_known(shape) for _, shape in expected]
    if axes is not None:
        channels = (bottoms[0][parameters["axis"]], parameters["num_output"])
        expect_setup(all(count % parameters["group"] == 0 for count in channels))
    return shapes


def _known(shape: PartialShape | None) -> Shape:
    sizes = [size for size in shape or () if size is not None]
    expect_setup(shape is not None and len(sizes) == len(shape))
    return tuple(sizes)


def filters_of(layer_type: str, parameters: Parameters) -> int:
    """Return the number of output channels of a convolution or inner product, 0 for other types."""
    return int(parameters["num_output"] or 0) if caffe_types.is_weighted(layer_type) else 0


def multiply_accumulates(
    layer_type: str, bottoms: Sequence[Shape], tops: Sequence[Shape | None], blobs: Sequence[Shape] | None
) -> int | None:
    """Return the multiply-accumulates of a layer (reference 3.2), None if unknown.

    A value needs one for each weight: of the input in a deconvolution, otherwise of the output.
    """
    if not caffe_types.is_weighted(layer_type):
        return 0
    if blobs is None or None in tops:
        return None
    values = sum(prod(shape or ()) for shape in (bottoms if layer_type == "Deconvolution" else tops))
    outputs = (tops[0] or (1,))[-1] if layer_type == "InnerProduct" else blobs[0][0]
    return values * (prod(blobs[0]) // outputs)


# --- helpers


def _unknown_type(layer_type: str) -> str:
    if layer_type in caffe_types.known_types(2):
        return f"the prototxt does not determine the output of type {layer_type}"
    return f"its type {layer_type} is unknown" if layer_type else "it has no type"


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
    (shape,) = _convolution({**parameters, "num_output": columns}, bottoms[:1], 1)
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
    expect_setup(bool(parameters["num_output"]))
    return [(*bottoms[0][: parameters["axis"]], parameters["num_output"])]


def _concat(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    axis = parameters["axis"]
    others = {(*bottom[:axis], *bottom[axis + 1 :]) for bottom in bottoms if len(bottom) == len(bottoms[0])}
    is_alike = len(others) == 1 and all(len(bottom) == len(bottoms[0]) for bottom in bottoms)
    expect(is_alike, f"its inputs differ: {', '.join(map(shown, bottoms))}")
    return [(*bottoms[0][:axis], sum(bottom[axis] for bottom in bottoms), *bottoms[0][axis + 1 :])]


def _eltwise(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    count = len(parameters["coeff"])
    expect(count in (0, len(bottoms)), f"it has {count} coefficients, but {len(bottoms)} inputs")
    expect(len(set(bottoms)) == 1, f"its inputs differ: {', '.join(map(shown, bottoms))}")
    return bottoms[:1]


def _lrn(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    expect(parameters["local_size"] % 2 == 1, f"its local_size is {parameters['local_size']}, not odd")
    return _same_image(parameters, bottoms, tops)


def _clip(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    expect(None not in (parameters["min"], parameters["max"]), "its min or max is missing")
    return _same(parameters, bottoms, tops)


def _same_image(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    expect_image(bottoms)
    return _same(parameters, bottoms, tops)


def _shuffle_channel(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    shapes = _same_image(parameters, bottoms, tops)
    expect(
        bottoms[0][_CHANNELS] % parameters["group"] == 0, "its input channels do not divide into its groups"
    )
    return shapes


def _crop(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    expect(len(bottoms) > 1 and len(bottoms[0]) == len(bottoms[1]), "its inputs differ in their axes")
    axis, offset = parameters["axis"], parameters["offset"]
    cropped = (*bottoms[0][:axis], *bottoms[1][axis:])
    room = zip(bottoms[0], cropped, offset, strict=True)
    expect(all(size + offset <= whole for whole, size, offset in room), "crop exceeds input size")
    return [cropped]


def _reshape(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    bottom = bottoms[0]
    dimensions = (parameters["shape"] or {}).get("dim", ())
    expect(len(dimensions) <= MAX_AXES, f"its shape has {len(dimensions)} axes")
    start = parameters["axis"]
    end = len(bottom) if parameters["num_axes"] == -1 else start + parameters["num_axes"]
    expect(start <= end <= len(bottom), "it reshapes axes that its input does not have")
    copies = [index for index, size in enumerate(dimensions) if size == 0]
    expect(
        all(start + index < len(bottom) for index in copies), "it copies an axis that its input does not have"
    )
    sizes = [bottom[start + index] if size == 0 else size for index, size in enumerate(dimensions)]
    inner, known = prod(bottom[start:end]), prod(size for size in sizes if size != -1)
    expect(sizes.count(-1) <= 1 and known > 0, f"its shape is {shown(dimensions)}")
    sizes = [inner // known if size == -1 else size for size in sizes]
    expect(prod(sizes) == inner, f"{shown(bottom)} does not reshape to {shown(tuple(sizes))}")
    return [(*bottom[:start], *sizes, *bottom[end:])]


def _flatten(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    bottom = bottoms[0]
    start, end = parameters["axis"], parameters["end_axis"]
    expect(start <= end, "its axis is after its end_axis")
    return [(*bottom[:start], prod(bottom[start : end + 1]), *bottom[end + 1 :])]


def _slice(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    bottom, axis = bottoms[0], parameters["axis"]
    return [
        (*bottom[:axis], end - start, *bottom[axis + 1 :]) for start, end in pairwise(parameters["points"])
    ]


def _reduction(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    return [bottoms[0][: parameters["axis"]]]


def _tile(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    bottom, axis = bottoms[0], parameters["axis"]
    return [(*bottom[:axis], bottom[axis] * (parameters["tiles"] or 0), *bottom[axis + 1 :])]


def _argmax(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    bottom, axis, count = bottoms[0], parameters["axis"], parameters["top_k"]
    if axis is not None:
        return [(*bottom[:axis], count, *bottom[axis + 1 :])]
    expect(len(bottom) > 0, "its input has no axes")
    pairs = 2 if parameters["out_max_val"] else 1
    return [(bottom[0], pairs, count, *(1,) * (len(bottom) - 3))]


def _embed(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    return [(*bottoms[0], parameters["num_output"] or 0)]


def _recurrent(parameters: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    expect(len(bottoms[0]) > 1, "its input needs the axes time and batch")
    if tops > 1:
        raise UnknownShapeError("the shapes of its states are not known")
    return [(*bottoms[0][:2], parameters["num_output"])]


def _spp(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    expect_image(bottoms)
    height = parameters["pyramid_height"] or 0
    expect(height <= _MOST_LEVELS, f"its pyramid has {height} levels")
    bins = sum(4**level for level in range(height))
    return [(bottoms[0][0], bottoms[0][1] * bins)]


def _batch_reindex(_: Parameters, bottoms: Sequence[Shape], __: int) -> _Shapes:
    expect(len(bottoms) > 1 and len(bottoms[1]) > 0, "its second input has no axes")
    return [(bottoms[1][0], *bottoms[0][1:])]


def _loss(_: Parameters, bottoms: Sequence[Shape], tops: int) -> _Shapes:
    # The second top of SoftmaxWithLoss and SigmoidCrossEntropyLoss has the shape of the input.
    return ((), *bottoms[:1])[:tops]


def _accuracy(_: Parameters, __: Sequence[Shape], tops: int) -> _Shapes:
    return [()] + [None] * (tops - 1)


def _silence(_: Parameters, __: Sequence[Shape], ___: int) -> _Shapes:
    return []


def _permute(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    return [tuple(bottoms[0][axis] for axis in parameters["order"])]


def _prior_box(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    expect_image(bottoms)
    expect(len(parameters["aspect_ratio"]) <= _MOST_RATIOS, "it has too many aspect ratios")
    ratios = [1.0]
    for ratio in parameters["aspect_ratio"]:
        if all(abs(ratio - other) >= 1e-6 for other in ratios):
            ratios += [ratio, 1 / ratio] if parameters["flip"] and ratio else [ratio]
    boxes = len(parameters["min_size"]) * len(ratios) + len(parameters["max_size"])
    return [(1, 2, prod(bottoms[0][2:]) * boxes * 4)]


def _detection_output(_: Parameters, __: Sequence[Shape], ___: int) -> _Shapes:
    return [(1, 1, 1, 7)]


def _axpy(_: Parameters, bottoms: Sequence[Shape], __: int) -> _Shapes:
    expect(len(bottoms) == 3, f"it has {len(bottoms)} inputs, not 3")
    factors, values, added = bottoms
    channels = values[: _CHANNELS + 1]
    is_alike = factors[: len(channels)] == channels and prod(factors) == prod(channels) and values == added
    expect(is_alike, f"its inputs differ: {', '.join(map(shown, bottoms))}")
    return [values]


def _upsample(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    expect_image(bottoms)
    height, width = parameters["upsample_h"], parameters["upsample_w"]
    if height and width:
        return [(*bottoms[0][:2], height, width)]
    if parameters["scale"] is None:
        raise UnknownShapeError("its size depends on another layer")
    return [(*bottoms[0][:2], *(size * parameters["scale"] for size in bottoms[0][2:]))]


def _reorg(parameters: Parameters, bottoms: Sequence[Shape], _: int) -> _Shapes:
    expect_image(bottoms)
    batch, channels, *sizes = bottoms[0]
    stride = parameters["stride"] or 0
    expect(stride > 0, "its stride is missing")
    if parameters["reverse"]:
        return [(batch, channels // stride**2, *(size * stride for size in sizes))]
    return [(batch, channels * stride**2, *(size // stride for size in sizes))]


# --- inputs


def _input(parameters: Parameters, _: Sequence[Shape], tops: int) -> _Shapes:
    return _for_tops([tuple(shape.get("dim", ())) for shape in parameters["shape"]], tops)


def _for_tops(shapes: Sequence[Shape], tops: int) -> _Shapes:
    """Return a shape for each top: one shape is for all of them."""
    return [*shapes] * tops if len(shapes) == 1 else [*shapes, *[None] * tops][:tops]


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
    return _for_tops([tuple(shape.get("dim", ())) for shape in parameters["shape"]] or list(legacy), tops)


_RULES: Mapping[str, _Rule] = {
    "accuracy": _accuracy,
    "arg_max": _argmax,
    "axpy": _axpy,
    "batch_reindex": _batch_reindex,
    "clip": _clip,
    "concat": _concat,
    "convolution": _convolution,
    "crop": _crop,
    "data": _data,
    "deconvolution": _deconvolution,
    "detection_output": _detection_output,
    "dummy_data": _dummy_data,
    "eltwise": _eltwise,
    "embed": _embed,
    "flatten": _flatten,
    "im2col": _im2col,
    "image_data": _image_data,
    "inner_product": _inner_product,
    "input": _input,
    "loss": _loss,
    "lrn": _lrn,
    "memory_data": _memory_data,
    "parameter": _parameter,
    "permute": _permute,
    "pooling": _pooling,
    "prior_box": _prior_box,
    "recurrent": _recurrent,
    "reduction": _reduction,
    "reorg": _reorg,
    "reshape": _reshape,
    "same": _same,
    "same_image": _same_image,
    "shuffle_channel": _shuffle_channel,
    "silence": _silence,
    "slice": _slice,
    "spp": _spp,
    "tile": _tile,
    "upsample": _upsample,
}


# --- weights


def _bias_blobs(parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape]:
    _expect_inner(parameters, bottoms)
    shape = scaled_shape(parameters["axis"], parameters["num_axes"], [whole_extent(bottoms[0])])
    return [_known(shape)] if len(bottoms) == 1 else []


def _expect_inner(parameters: Parameters, bottoms: Sequence[Shape]) -> None:
    """Expect the second input of a Scale or Bias to have the shape of the first from an axis on, or none."""
    axis, (first, *others) = parameters["axis"], bottoms
    is_inner = all(other in ((), first[axis : axis + len(other)]) for other in others)
    expect(is_inner, f"its inputs differ: {', '.join(map(shown, bottoms))}")


def _prelu_blobs(parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape]:
    expect(len(bottoms[0]) > _CHANNELS, "its input has no channels")
    return [(1,) if parameters["channel_shared"] else bottoms[0][_CHANNELS : _CHANNELS + 1]]


def _embed_blobs(parameters: Parameters, _: Sequence[Shape]) -> list[Shape]:
    outputs = parameters["num_output"] or 0
    bias = [(outputs,)] if parameters["bias_term"] else []
    return [(parameters["input_dim"] or 0, outputs), *bias]


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
    shape = tuple((parameters["shape"] or {}).get("dim", ()))
    expect(all(size > 0 for size in shape), f"its shape is {shown(shape)}")
    return [shape]


def _normalize_blobs(parameters: Parameters, bottoms: Sequence[Shape]) -> list[Shape]:
    return [(1,) if parameters["channel_shared"] else bottoms[0][_CHANNELS : _CHANNELS + 1]]


_BLOBS: Mapping[str, Callable[[Parameters, Sequence[Shape]], list[Shape] | None]] = {
    "Bias": _bias_blobs,
    "Embed": _embed_blobs,
    "LSTM": _lstm_blobs,
    "Normalize": _normalize_blobs,
    "PReLU": _prelu_blobs,
    "Parameter": _parameter_blobs,
    "RNN": _rnn_blobs,
}
