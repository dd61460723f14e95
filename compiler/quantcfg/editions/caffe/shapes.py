"""Infer the ranks and channels of blobs, and the shapes of parameters, from a prototxt.

The rules are those of Reshape in the layers of BVLC Caffe (reference, weights.md
3.1). Spatial sizes are not inferred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise, repeat
from math import prod

from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.definitions import Definition
from quantcfg.frozen import small_value
from quantcfg.network.network import Shape
from quantcfg.textproto import BoundMessage

PartialShape = tuple[int | None, ...]
"""The dimensions of a blob, None for unknown ones."""

_CHANNELS = 1
"""The default axis of the channels."""

MAX_AXES = 32
"""The maximum number of axes of a blob (kMaxBlobAxes in blob.hpp)."""

SIDES = ("h", "w")
"""The ends of the names of fields for one side of an image."""

_SPATIAL_AXES = 2
_FILTER_AXES = 2
"""The axes of a filter for its output and input channels; the spatial axes follow."""

_IMAGE_RANK = 4


@small_value
class Extent:
    """The known part of the shape of a blob: its rank and the size of axis 1, or the whole shape."""

    rank: int | None = None
    channels: int | None = None
    shape: Shape | None = None

    def axis(self, axis: int) -> int | None:
        """Return an axis as a non-negative index; None if it is negative and the rank is unknown."""
        if axis >= 0:
            return axis
        return None if self.rank is None else axis + self.rank


UNKNOWN = Extent()


def shown(shape: PartialShape) -> str:
    """Return a shape for a message, such as "64x?x3x3"."""
    return "x".join("?" if size is None else str(size) for size in shape) or "no dimensions"


def counted_axes(rank: int | None) -> str:
    """Return a number of axes for a message: "1 axis", "4 axes"."""
    return "1 axis" if rank == 1 else f"{rank} axes"


def may_be_equal(one: PartialShape, other: PartialShape) -> bool:
    """Return whether two shapes are equal where both sizes are known."""
    return len(one) == len(other) and all(
        None in sizes or sizes[0] == sizes[1] for sizes in zip(one, other, strict=True)
    )


def input_extents(inputs: Mapping[str, Extent], layers: Sequence[Definition]) -> list[tuple[Extent, ...]]:
    """Return the extents of the bottoms of each layer; inputs are the inputs of the net."""
    extents = dict(inputs)
    found = []
    for layer in layers:
        bottoms = tuple([extents.get(blob, UNKNOWN) for blob in layer.bottoms])
        found.append(bottoms)
        for blob, extent in zip(layer.tops, _outputs(layer, bottoms), strict=False):
            extents[blob] = extent if (extent.rank or 0) <= MAX_AXES else UNKNOWN
    return found


def whole_extent(shape: Shape) -> Extent:
    """Return the extent of a known shape."""
    return Extent(len(shape), shape[_CHANNELS] if len(shape) > _CHANNELS else None, shape)


def extent_of(dimensions: Sequence[int]) -> Extent:
    """Return the extent of a shape in the prototxt."""
    channels = dimensions[_CHANNELS] if len(dimensions) > _CHANNELS else 0
    return Extent(len(dimensions), channels if channels > 0 else None)


# --- outputs


def _outputs(layer: Definition, bottoms: Sequence[Extent]) -> Iterator[Extent]:
    """Yield the extents of the tops of a layer, and possibly more."""
    name = caffe_types.output_rule(layer.type)
    if layer.type not in caffe_types.known_types(2):
        return _FORK_RULES.get(name, _same_rank)(layer, bottoms)
    rule = _RULES.get(name)
    return rule(layer, bottoms) if rule else repeat(UNKNOWN)


def first(bottoms: Sequence[Extent]) -> Extent:
    """Return the first extent, or UNKNOWN if there is none."""
    return bottoms[0] if bottoms else UNKNOWN


def _same(_: Definition, bottoms: Sequence[Extent]) -> Iterator[Extent]:
    return repeat(first(bottoms))


def _same_rank(_: Definition, bottoms: Sequence[Extent]) -> Iterator[Extent]:
    return repeat(Extent(first(bottoms).rank))


def _image(_layer: Definition, _bottoms: Sequence[Extent]) -> Iterator[Extent]:
    yield Extent(_IMAGE_RANK)
    yield from repeat(UNKNOWN)


def _input(layer: Definition, _: Sequence[Extent]) -> Iterator[Extent]:
    extents = [extent_of(shape["dim"]) for shape in layer.parameter["input_param"]["shape"]] or [UNKNOWN]
    # One shape is for all tops.
    return repeat(extents[0]) if len(extents) == 1 else iter(extents)


def _convolution(layer: Definition, bottoms: Sequence[Extent]) -> Iterator[Extent]:
    parameter, bottom = layer.parameter["convolution_param"], first(bottoms)
    rank, axis = bottom.rank, bottom.axis(parameter["axis"])
    if rank is None and axis is not None and (axes := _kernel_axes(parameter)):
        rank = axis + 1 + axes
    if axis == _CHANNELS:
        return repeat(Extent(rank, parameter["num_output"] or None))
    return repeat(Extent(rank, bottom.channels if axis is not None and axis > _CHANNELS else None))


def _inner_product(layer: Definition, bottoms: Sequence[Extent]) -> Iterator[Extent]:
    parameter, bottom = layer.parameter["inner_product_param"], first(bottoms)
    axis = bottom.axis(parameter["axis"])
    if axis is None or axis < 0:
        return repeat(UNKNOWN)
    if axis == _CHANNELS:
        return repeat(Extent(axis + 1, parameter["num_output"] or None))
    return repeat(Extent(axis + 1, bottom.channels if axis > _CHANNELS else None))


def _concat(layer: Definition, bottoms: Sequence[Extent]) -> Iterator[Extent]:
    parameter, bottom = layer.parameter["concat_param"], first(bottoms)
    axis = parameter["concat_dim"] if "concat_dim" in parameter else bottom.axis(parameter["axis"])
    if axis != _CHANNELS:
        return repeat(bottom if axis is not None else Extent(bottom.rank))
    sizes = [each.channels for each in bottoms if each.channels is not None]
    return repeat(Extent(bottom.rank, sum(sizes) if len(sizes) == len(bottoms) else None))


def _slice(layer: Definition, bottoms: Sequence[Extent]) -> Iterator[Extent]:
    parameter, bottom = layer.parameter["slice_param"], first(bottoms)
    axis = parameter["slice_dim"] if "slice_dim" in parameter else bottom.axis(parameter["axis"])
    if axis is None:
        return repeat(Extent(bottom.rank))
    if axis != _CHANNELS:
        return repeat(bottom)
    points = slice_points(parameter["slice_point"], bottom.channels, len(layer.tops))
    return (Extent(bottom.rank, _difference(*each)) for each in pairwise(points))


def slice_points(written: Sequence[int], size: int | None, parts: int) -> list[int | None]:
    """Return the bounds of the parts of Slice: its slice points, or those of equal parts; None if unknown."""
    is_equal = size is not None and parts > 0 and size % parts == 0
    equal = [index * size // parts if size and is_equal else None for index in range(1, parts)]
    return [0, *(written or equal), size]


def _difference(start: int | None, end: int | None) -> int | None:
    return end - start if start is not None and end is not None and end > start else None


def _crop(layer: Definition, bottoms: Sequence[Extent]) -> Iterator[Extent]:
    bottom = first(bottoms)
    axis = bottom.axis(layer.parameter["crop_param"]["axis"])
    if axis is None:
        return repeat(Extent(bottom.rank))
    # The second input gives the sizes of this axis and all later ones.
    source = bottom if axis > _CHANNELS else first(bottoms[1:])
    return repeat(Extent(bottom.rank, source.channels))


def _reshape(layer: Definition, bottoms: Sequence[Extent]) -> Iterator[Extent]:
    parameter, bottom = layer.parameter["reshape_param"], first(bottoms)
    if "shape" not in parameter:
        return repeat(UNKNOWN)
    before, after = _reshaped(parameter, bottom.rank)
    if before is None or after is None:
        return repeat(UNKNOWN)
    dimensions = list(parameter["shape"]["dim"])
    rank = before + len(dimensions) + after
    if before > _CHANNELS:
        return repeat(Extent(rank, bottom.channels))
    written = dimensions[_CHANNELS - before] if len(dimensions) > _CHANNELS - before else -1
    copied = bottom.channels if written == 0 else None
    return repeat(Extent(rank, written if written > 0 else copied))


def _reshaped(parameter: BoundMessage, rank: int | None) -> tuple[int | None, int | None]:
    """Return the number of dimensions before and after the reshaped ones, None if unknown."""
    start, count = parameter["axis"], parameter["num_axes"]
    if rank is None:
        return (start, 0) if start >= 0 and count == -1 else (None, None)
    start = start if start >= 0 else start + rank + 1
    end = rank if count == -1 else start + count
    return (start, rank - end) if 0 <= start <= end <= rank else (None, None)


def _flatten(layer: Definition, bottoms: Sequence[Extent]) -> Iterator[Extent]:
    parameter, bottom = layer.parameter["flatten_param"], first(bottoms)
    start, end = bottom.axis(parameter["axis"]), bottom.axis(parameter["end_axis"])
    if start is not None and parameter["end_axis"] == -1:
        return repeat(Extent(start + 1, bottom.channels if start > _CHANNELS else None))
    if start is None or end is None or bottom.rank is None:
        return repeat(UNKNOWN)
    return repeat(Extent(bottom.rank - (end - start), bottom.channels if start > _CHANNELS else None))


_Rule = Callable[[Definition, Sequence[Extent]], Iterator[Extent]]

_RULES: Mapping[str, _Rule] = {
    "batch_reindex": _same,
    "clip": _same,
    "concat": _concat,
    "convolution": _convolution,
    "crop": _crop,
    "data": _image,
    "deconvolution": _convolution,
    "eltwise": _same,
    "flatten": _flatten,
    "im2col": _same_rank,
    "image": _image,
    "image_data": _image,
    "inner_product": _inner_product,
    "input": _input,
    "lrn": _same,
    "memory_data": _image,
    "pooling": _same,
    "reshape": _reshape,
    "same": _same,
    "slice": _slice,
    "tile": _same_rank,
}
"""The rules for the types whose parameters are in caffe.proto, or do not change the rank."""

_FORK_RULES: Mapping[str, _Rule] = {
    "detection_output": lambda *_: repeat(Extent(4, 1)),
    "prior_box": lambda *_: repeat(Extent(3, 2)),
}
"""The rules for types of forks that change the rank."""


# --- parameters


def is_convolution(layer: Definition) -> bool:
    """Return whether a layer is a convolution or a deconvolution."""
    return layer.type in ("Convolution", "Deconvolution")


def spatial_axes(layer: Definition, bottoms: Sequence[Extent], stored: Shape | None) -> int:
    """Return the number of spatial axes of the filter of a convolution (reference U24).

    stored is the weight shape in the weights file, used only if the prototxt does not
    determine the number and the weight has a spatial axis.
    """
    parameter = layer.parameter["convolution_param"]
    if axes := _kernel_axes(parameter):
        return axes
    if (axes := axes_after_channels(parameter, first(bottoms))) is not None:
        return axes
    return len(stored) - _FILTER_AXES if stored and len(stored) > _FILTER_AXES else _SPATIAL_AXES


def axes_after_channels(parameter: BoundMessage, bottom: Extent) -> int | None:
    """Return the number of input axes after the channel axis of a convolution, None if unknown."""
    axis = bottom.axis(parameter["axis"])
    return None if bottom.rank is None or axis is None or axis >= bottom.rank else bottom.rank - axis - 1


def _kernel_axes(parameter: BoundMessage) -> int | None:
    """Return the number of axes with a kernel size of their own, None if one size is for all axes."""
    if _has_sides(parameter):
        return _SPATIAL_AXES
    count = len(parameter["kernel_size"])
    return count if count > 1 else None


Expected = tuple[str, PartialShape | None]
"""A blob that a layer needs: what it is, and its shape, None if unknown."""


@small_value
class Parameters:
    """A layer, and what the prototxt determines about its parameters.

    bottoms are the extents of its inputs; spatial_axes is the number of spatial axes
    of its filter, None if it has no filter; shapes are its expected blobs, None if
    even their number is unknown.
    """

    layer: Definition
    bottoms: Sequence[Extent]
    spatial_axes: int | None
    shapes: Sequence[Expected] | None


def _has_sides(parameter: BoundMessage) -> bool:
    return "kernel_h" in parameter or "kernel_w" in parameter


def parameter_shapes(layer: Definition, bottoms: Sequence[Extent], axes: int | None) -> list[Expected] | None:
    """Return the blobs that a layer needs, None if even their number is unknown.

    axes is the number of spatial axes of a convolution, None for other layers. Rules from
    base_conv_layer.cpp, inner_product_layer.cpp, batch_norm_layer.cpp and scale_layer.cpp.
    """
    bottom, parameter = first(bottoms), layer.parameter
    if axes is not None:
        return _with_bias(parameter["convolution_param"], _filter_shape(layer, bottom, axes))
    if layer.type == "InnerProduct":
        product = parameter["inner_product_param"]
        outputs = product["num_output"] or None
        inputs = None if bottom.shape is None else prod(bottom.shape[product["axis"] :])
        return _with_bias(product, (inputs, outputs) if product["transpose"] else (outputs, inputs))
    if layer.type == "BatchNorm":
        channels = 1 if bottom.rank == 1 else bottom.channels
        return [
            ("mean", (channels,)),
            ("variance", (channels,)),
            ("scale factor", (1,)),
        ]
    if layer.type == "Scale":
        return _scale_shapes(parameter["scale_param"], bottoms)
    return [] if caffe_types.blob_count(layer.type) == 0 else None


def _with_bias(parameter: BoundMessage, weight: PartialShape) -> list[Expected]:
    bias = [("bias", (parameter["num_output"] or None,))] if parameter["bias_term"] else []
    return [("weight", weight), *bias]


def _filter_shape(layer: Definition, bottom: Extent, axes: int) -> PartialShape:
    parameter = layer.parameter["convolution_param"]
    outputs, inputs = parameter["num_output"] or None, input_channels(parameter, bottom)
    outer, inner = (outputs, inputs) if layer.type != "Deconvolution" else (inputs, outputs)
    group = parameter["group"]
    in_group = inner // group if inner and group and not inner % group else None
    kernel = spatial_sizes(parameter, "kernel", axes)
    return (outer, in_group, *(size or None for size in kernel))


def input_channels(parameter: BoundMessage, bottom: Extent) -> int | None:
    """Return the number of input channels of a convolution, None if unknown."""
    axis = bottom.axis(parameter["axis"])
    if bottom.shape is not None and axis is not None:
        return bottom.shape[axis] if 0 <= axis < len(bottom.shape) else None
    return bottom.channels if axis == _CHANNELS else None


def spatial_sizes(parameter: BoundMessage, name: str, axes: int, default: int = 0) -> tuple[int, ...]:
    """Return the kernel, stride, pad or dilation of a convolution for each spatial axis."""
    sides = [f"{name}_{side}" for side in SIDES]
    if any(side in parameter for side in sides):
        return tuple(parameter[side] for side in sides)
    sizes = parameter["kernel_size" if name == "kernel" else name] or (default,)
    return tuple(sizes) if len(sizes) > 1 and axes else tuple(sizes[:1]) * axes


_POOLING_SIZES = {"kernel": "kernel_size", "pad": "pad", "stride": "stride"}
"""The sizes of a pooling layer, and the fields with one size for both sides."""


def pooling_size(parameter: BoundMessage, field: str) -> tuple[int, int]:
    """Return the height and width of the kernel, pad or stride of a pooling layer."""
    both, sides = _POOLING_SIZES[field], [f"{field}_{side}" for side in SIDES]
    if any(name in parameter for name in sides) and both not in parameter:
        height, width = (parameter[name] for name in sides)
        return height, width
    return parameter[both], parameter[both]


def _scale_shapes(parameter: BoundMessage, bottoms: Sequence[Extent]) -> list[Expected]:
    shape = scaled_shape(parameter["axis"], parameter["num_axes"], bottoms)
    # A second input replaces the scale.
    scale: list[Expected] = [("scale", shape)] if len(bottoms) == 1 else []
    return [*scale, ("bias", shape)] if parameter["bias_term"] else scale


def scaled_shape(axis: int, count: int, bottoms: Sequence[Extent]) -> PartialShape | None:
    """Return the shape of the values of Scale or Bias: some axes of the first input, None if unknown."""
    bottom = first(bottoms)
    if bottom.shape is None:
        is_along_channels = count == 1 and bottom.axis(axis) == _CHANNELS
        return (bottom.channels,) if is_along_channels else None
    if len(bottoms) > 1:
        return bottoms[1].shape
    start = bottom.axis(axis)
    return bottom.shape[axis:] if count == -1 or start is None else bottom.shape[start : start + count]
