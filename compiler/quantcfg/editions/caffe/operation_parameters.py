"""Read the parameters of layers, and normalize them for the shapes of their inputs."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from quantcfg import contracts
from quantcfg.contracts.descriptors import Descriptor
from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.definitions import Definition, v0_names
from quantcfg.editions.caffe.shapes import counted_axes, pooling_size, shown, slice_points, spatial_sizes
from quantcfg.network.network import Shape
from quantcfg.network.operations import UnknownShapeError
from quantcfg.textproto import Binding, BoundMessage, Dialect, bind

Parameters = Mapping[str, Any]
"""The values of the parameters of a layer, with defaults filled in."""

Written = ChainMap[str, Any]
"""Parameters as in the prototxt: the first map has those that are written, the second one the defaults."""

_IMAGE_RANK = 4

CHECK = "check its parameters and the sizes of its inputs"
"""The help for shapes that are unknown because a layer is wrong."""


_TRANSFORM = "transform_param"


def additional_layers(binding: Binding) -> Sequence[BoundMessage]:
    """Return the layers of a prototxt as caffe_operations.Layer, in text order.

    Invalid values are unset, as if the field were not written.
    """
    net = bind(binding.document, _descriptor("Net"), lambda _: None, Dialect(lenient=True)).whole
    return net.messages("layer") or net.messages("layers")


def parameters_of(layer: Definition, additional: BoundMessage) -> Written:
    """Return the parameters of a layer; data layers include those of transform_param.

    additional is its message of caffe_operations.
    """
    field = caffe_types.parameter_field(layer.type)
    fields = [name for name in (field, _TRANSFORM if not layer.bottoms else None) if name]
    messages = [
        part[name]
        for name in fields
        for part in (layer.parameter, additional)
        if name in part.descriptor.fields
    ]
    written = _merged(map(_written, messages))
    defaults = _merged(_defaults(message.descriptor) for message in messages)
    if v0 := additional.message("layer"):
        old = _written(v0)
        written |= {name: old[v0_name] for name, v0_name in v0_names(defaults).items() if v0_name in old}
    return ChainMap(written, defaults)


def _merged(maps: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value for each in maps for name, value in each.items()}


def _written(message: BoundMessage) -> dict[str, Any]:
    """Return the values of a message without their nodes: tuples, mappings and scalars."""
    return {name: _plain(message[name]) for name in message.fields}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return _written(value) if isinstance(value, BoundMessage) else value


@cache
def _defaults(descriptor: Descriptor) -> Mapping[str, Any]:
    fields = descriptor.fields.items()
    return MappingProxyType({name: () if field.is_repeated else field.declared for name, field in fields})


def _descriptor(name: str) -> Descriptor:
    return contracts.descriptors("caffe_operations")[f"caffe_operations.{name}"]


# --- normalized parameters


def normalized(layer: Definition, written: Written, bottoms: Sequence[Shape]) -> Parameters:
    """Return parameters with axes counted from 0, and one size or offset for each axis.

    Raises:
        UnknownShapeError: they do not fit the inputs.

    """
    if not bottoms:
        return MappingProxyType(dict(written))
    axes = _axes(layer.type, written, len(bottoms[0]))
    parameters = written.new_child(axes)
    rule = _NORMALIZED.get(caffe_types.output_rule(layer.type))
    return MappingProxyType({**parameters, **(rule(layer, parameters, bottoms) if rule else {})})


def expect(holds: bool, reason: str) -> None:
    """Raise an UnknownShapeError with a reason unless a condition holds."""
    if not holds:
        raise UnknownShapeError(reason, CHECK)


def expect_setup(holds: bool) -> None:
    """Expect what layer_setup checks, which has the words for it."""
    expect(holds, "it does not fit its input")


def expect_image(bottoms: Sequence[Shape]) -> None:
    """Expect an input with the axes batch, channels, height and width."""
    expect(len(bottoms[0]) == _IMAGE_RANK, f"expected {_IMAGE_RANK} axes, found shape {shown(bottoms[0])}")


def _axes(layer_type: str, written: Written, rank: int) -> dict[str, Any]:
    # Reshape may insert axes after the last one.
    places = rank + 1 if layer_type == "Reshape" else rank
    axes = {name: written[name] for name in ("axis", "end_axis") if written.get(name) is not None}
    for name in ("concat_dim", "slice_dim"):
        if _is_written(written, name):
            axes["axis"] = written[name]
    for axis in axes.values():
        expect(
            -places <= axis < places, f"axis {axis} is out of range for an input with {counted_axes(rank)}"
        )
    return {name: axis % places for name, axis in axes.items()}


def _is_written(parameters: Written, field: str) -> bool:
    return any(field in each for each in parameters.maps[:-1])


def _convolution_sizes(layer: Definition, parameters: Written, bottoms: Sequence[Shape]) -> Parameters:
    axes = len(bottoms[0]) - parameters["axis"] - 1
    defaults = {"kernel": 0, "stride": 1, "pad": 0, "dilation": 1}
    message = layer.parameter["convolution_param"]
    sizes = {name: spatial_sizes(message, name, axes, default) for name, default in defaults.items()}
    expect_setup(all(len(each) == axes for each in sizes.values()) and all(sizes["kernel"] + sizes["stride"]))
    return sizes


def _pooling_sizes(layer: Definition, parameters: Written, bottoms: Sequence[Shape]) -> Parameters:
    expect_image(bottoms)
    message = layer.parameter["pooling_param"]
    kernel = bottoms[0][2:] if parameters["global_pooling"] else pooling_size(message, "kernel")
    stride = pooling_size(message, "stride")
    expect_setup(all(kernel + stride))
    return {"kernel": kernel, "stride": stride, "pad": pooling_size(message, "pad")}


def _crop_offsets(_: Definition, parameters: Written, bottoms: Sequence[Shape]) -> Parameters:
    axis, offsets = parameters["axis"], parameters["offset"]
    count = len(bottoms[0]) - axis
    expect(len(offsets) in (0, 1, count), f"it has {len(offsets)} offsets, but crops {count} axes")
    each = offsets if len(offsets) == count else (offsets or (0,)) * count
    return {"offset": (0,) * axis + each}


def _slice_points(layer: Definition, parameters: Written, bottoms: Sequence[Shape]) -> Parameters:
    size, tops = bottoms[0][parameters["axis"]], len(layer.tops)
    points = slice_points(parameters["slice_point"], size, tops)
    expect(None not in points, f"{size} does not divide into {tops} equal parts")
    expect(len(points) == tops + 1, f"it has {len(points) - 2} slice points, but {tops} tops")
    return {"points": points}


def _permuted_order(_: Definition, parameters: Written, bottoms: Sequence[Shape]) -> Parameters:
    axes, order = range(len(bottoms[0])), parameters["order"]
    expect(set(order) <= set(axes) and len(set(order)) == len(order), f"its order is {order}")
    return {"order": (*order, *(axis for axis in axes if axis not in order))}


def _shuffle_groups(_: Definition, parameters: Written, __: Sequence[Shape]) -> Parameters:
    return {"group": parameters["group"] or 1}


def _upsample_scale(_: Definition, parameters: Written, bottoms: Sequence[Shape]) -> Parameters:
    # With a mask, SegNet's layer takes the sizes from another layer, unless they are written.
    is_known = len(bottoms) == 1 or _is_written(parameters, "scale")
    return {"scale": parameters["scale"] if is_known else None}


_NORMALIZED: Mapping[str, Callable[[Definition, Written, Sequence[Shape]], Parameters]] = {
    "convolution": _convolution_sizes,
    "crop": _crop_offsets,
    "deconvolution": _convolution_sizes,
    "im2col": _convolution_sizes,
    "permute": _permuted_order,
    "pooling": _pooling_sizes,
    "shuffle_channel": _shuffle_groups,
    "slice": _slice_points,
    "upsample": _upsample_scale,
}
