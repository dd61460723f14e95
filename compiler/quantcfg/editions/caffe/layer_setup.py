"""Check the parameters of layers as Caffe does when it sets them up.

The checks are those of Net::Init and of LayerSetUp in base_conv_layer.cpp,
inner_product_layer.cpp, pooling_layer.cpp and batch_norm_layer.cpp.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from quantcfg.diagnostics import Report, catalogue
from quantcfg.diagnostics.phrases import counted
from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.definitions import Definition
from quantcfg.editions.caffe.shapes import (
    MAX_AXES,
    SIDES,
    Extent,
    Parameters,
    axes_after_channels,
    counted_axes,
    first,
    input_channels,
    pooling_size,
)
from quantcfg.textproto import BoundMessage

_CHECKED = ("", "Convolution", "Deconvolution", "InnerProduct", "Input", "Pooling", "Scale")
"""The layer types with parameter checks; "" is a layer without a type."""

_MAX_SIZE = 2**31 - 1
"""The largest size in Caffe, which stores sizes as int."""


def check_setup(parameters: Iterable[Parameters], report: Report) -> None:
    """Report the layers that Caffe cannot set up."""
    for each in parameters:
        layer = each.layer
        if layer.type in _CHECKED or "param" in layer.parameter:
            problems = _problems(layer, each.bottoms) if layer.type in _CHECKED else ()
            for problem, help in (*problems, *_param_problems(each)):
                report(catalogue.CANNOT_SET_UP.at(layer.span, layer=layer.name, problem=problem, help=help))


_Problem = tuple[str, str | None]
"""The end of the message "Caffe cannot set up layer …: it", and the help."""


def setup_problem(layer: Definition, bottoms: Sequence[Extent]) -> str | None:
    """Return why Caffe, or a fork with this type, cannot set up a layer; None if no reason is known."""
    return next((f"it {problem}" for problem, _ in _problems(layer, bottoms)), None)


def _problems(layer: Definition, bottoms: Sequence[Extent]) -> Iterator[_Problem]:
    bottom, rule = first(bottoms), caffe_types.output_rule(layer.type)
    if layer.is_v1_in_v0:
        # Its lost type is reported already.
        return
    if not layer.type:
        yield "has no type", "add a type, such as Convolution"
    elif rule in ("convolution", "deconvolution", "im2col"):
        yield from _convolution_problems(layer, bottom, is_weighted=rule != "im2col")
    elif layer.type == "InnerProduct":
        yield from _output_problems(layer, "inner_product_param")
        yield from _axis_problems(layer.parameter["inner_product_param"]["axis"], bottom)
    elif layer.type == "Pooling":
        yield from _pooling_problems(layer.parameter["pooling_param"], bottom)
        if len(layer.tops) > 1 and layer.attributes()["pool"] in ("AVE", "STOCHASTIC"):
            yield f"has {len(layer.tops)} tops, but only max pooling may have two", "remove the second top"
    elif layer.type == "Input":
        yield from _input_problems(layer.parameter["input_param"], len(layer.tops))
    elif layer.type == "Scale" and len(bottoms) == 1:
        yield from _scale_problems(layer.parameter["scale_param"], bottom)


def _input_problems(parameter: BoundMessage, tops: int) -> Iterator[_Problem]:
    sizes = {size for shape in parameter["shape"] for size in shape["dim"]}
    if any(size < 0 for size in sizes):
        yield f"has a dimension of {min(sizes)}", "write the sizes of the input; the batch size may be 1"
    if len(parameter["shape"]) not in (0, 1, tops):
        yield (
            f"has {len(parameter['shape'])} shapes, but {counted(tops, 'top')}",
            "write one shape, or one for each top",
        )


def _scale_problems(parameter: BoundMessage, bottom: Extent) -> Iterator[_Problem]:
    yield from _axis_problems(parameter["axis"], bottom)
    axis, count = bottom.axis(parameter["axis"]), parameter["num_axes"]
    if count < -1:
        yield f"has num_axes {count}", "use -1 for all axes"
    elif axis is not None and bottom.rank is not None and axis + count > bottom.rank > axis:
        yield f"scales {count} axes from axis {axis}, but its input has {counted_axes(bottom.rank)}", None


def _output_problems(layer: Definition, field: str) -> Iterator[_Problem]:
    parameter = layer.parameter[field]
    if "num_output" not in parameter:
        yield "has no num_output", _missing_field(layer, field, "num_output")
    elif not 0 < parameter["num_output"] <= _MAX_SIZE:
        yield f"has num_output {parameter['num_output']}", None


def _missing_field(layer: Definition, message: str, field: str) -> str:
    """Return the help for a missing field, whose message may be missing as well."""
    has_message = message in layer.parameter
    return f"add {field} to its {message}" if has_message else f"add {message} {{ {field}: ... }}"


def _axis_problems(axis: int, bottom: Extent) -> Iterator[_Problem]:
    if bottom.rank is not None and not -bottom.rank <= axis < bottom.rank:
        yield f"has axis {axis}, but its input has {counted_axes(bottom.rank)}", None
    elif not -MAX_AXES <= axis < MAX_AXES:
        yield f"has axis {axis}, but a blob has at most {MAX_AXES} axes", None


def _convolution_problems(layer: Definition, bottom: Extent, *, is_weighted: bool) -> Iterator[_Problem]:
    if "convolution_param" not in layer.parameter:
        yield "has no convolution_param", "add convolution_param { num_output: ... kernel_size: ... }"
        return
    parameter = layer.parameter["convolution_param"]
    if is_weighted:
        yield from _output_problems(layer, "convolution_param")
    yield from _axis_problems(parameter["axis"], bottom)
    axes = axes_after_channels(parameter, bottom)
    yield from _kernel_problems(parameter, axes)
    for field, names in _CONVOLUTION_SIZES.items():
        yield from _size_problems(parameter, field, names, axes)
    if is_weighted:
        yield from _group_problems(parameter, input_channels(parameter, bottom))


def _kernel_problems(parameter: BoundMessage, axes: int | None) -> Iterator[_Problem]:
    sizes, sides = parameter["kernel_size"], [name for name in _KERNEL_SIDES if name in parameter]
    if axes == 0 and not sides:
        # Without spatial axes, Caffe ignores the kernel size.
        return
    if not sizes and not sides:
        yield "has no kernel_size", "add kernel_size to its convolution_param"
    elif sizes and sides:
        yield "has both kernel_size and kernel_h or kernel_w", "remove one of them"
    elif len(sides) == 1:
        yield "has only one of kernel_h and kernel_w", "write both, or kernel_size"
    elif 0 in (sizes or [parameter[name] for name in sides]):
        yield "has a kernel of size 0", None
    elif sizes:
        yield from _count_problems("kernel_size", len(sizes), axes)
    elif axes not in (None, 2):
        yield f"has kernel_h and kernel_w, but {axes} spatial axes", "use kernel_size"


_KERNEL_SIDES = tuple(f"kernel_{side}" for side in SIDES)


_CONVOLUTION_SIZES = {"stride": ("stride_h", "stride_w"), "pad": ("pad_h", "pad_w"), "dilation": ()}
"""The optional sizes of a convolution, and the fields with a size for one side."""


def _size_problems(
    parameter: BoundMessage, field: str, names: Sequence[str], axes: int | None
) -> Iterator[_Problem]:
    sizes, sides = parameter[field], [name for name in names if name in parameter]
    if sides and sizes:
        yield f"has both {field} and {sides[0]}", "remove one of them"
    if sides and axes not in (None, 2):
        yield f"has {sides[0]}, but {axes} spatial axes", f"use {field}"
    if field == "stride" and len(sides) == 1:
        yield "has only one of stride_h and stride_w", "write both, or stride"
    elif field == "stride" and 0 in (*sizes, *[parameter[name] for name in sides]):
        yield f"has {field} 0", None
    if sizes and not sides:
        yield from _count_problems(field, len(sizes), axes)


def _count_problems(field: str, count: int, axes: int | None) -> Iterator[_Problem]:
    if count != 1 and axes is not None and count != axes:
        yield (
            f"has {count} values of {field}, but {axes} spatial axes",
            "write one value, or one for each axis",
        )


def _group_problems(parameter: BoundMessage, channels: int | None) -> Iterator[_Problem]:
    group = parameter["group"]
    if group == 0:
        yield "has 0 groups", None
        return
    if parameter["num_output"] % group:
        yield f"has num_output {parameter['num_output']}, not a multiple of group {group}", None
    if channels is not None and channels % group:
        yield f"has {counted(channels, 'input channel')}, not a multiple of group {group}", None


def _pooling_problems(parameter: BoundMessage, bottom: Extent) -> Iterator[_Problem]:
    if bottom.rank not in (None, 4):
        yield f"needs an input with 4 axes, found {bottom.rank}", None
    problems = _global_pooling_problems if parameter["global_pooling"] else _pooling_kernel_problems
    yield from problems(parameter)
    for field in ("pad", "stride"):
        yield from _pooling_size_problems(parameter, field)
    if parameter["pool"] == "STOCHASTIC" and any(pooling_size(parameter, "pad")):
        yield "has pad, which stochastic pooling does not support", "remove pad"


def _pooling_size_problems(parameter: BoundMessage, field: str) -> Iterator[_Problem]:
    """Yield the problems of pad or stride: one size for both sides, or a size for each."""
    sides = [f"{field}_{side}" for side in SIDES if f"{field}_{side}" in parameter]
    if sides and field in parameter:
        yield f"has both {field} and {sides[0]}", "remove one of them"
    elif len(sides) == 1:
        yield f"has only one of {field}_h and {field}_w", f"write both, or {field}"
    elif field == "stride" and 0 in pooling_size(parameter, field):
        yield "has stride 0", None


def _global_pooling_problems(parameter: BoundMessage) -> Iterator[_Problem]:
    if any(field in parameter for field in ("kernel_size", "kernel_h", "kernel_w")):
        yield "has both global_pooling and a kernel size", "remove the kernel size"
    if any(pooling_size(parameter, "pad")) or set(pooling_size(parameter, "stride")) - {0, 1}:
        yield "has both global_pooling and pad or stride", "remove them"


def _pooling_kernel_problems(parameter: BoundMessage) -> Iterator[_Problem]:
    kernel, pad = pooling_size(parameter, "kernel"), pooling_size(parameter, "pad")
    whole, height, width = (field in parameter for field in ("kernel_size", "kernel_h", "kernel_w"))
    if not (whole or height or width):
        yield "has no kernel_size", "add kernel_size to its pooling_param"
    elif whole and height and width:
        yield "has both kernel_size and kernel_h", "remove one of them"
    elif not whole and not (height and width):
        yield "has only one of kernel_h and kernel_w", "write both, or kernel_size"
    elif 0 in kernel:
        yield "has a kernel of size 0", None
    elif any(pad) and any(each >= size for each, size in zip(pad, kernel, strict=True)):
        yield "has a pad that is not smaller than its kernel", None


def _param_problems(parameters: Parameters) -> Iterator[_Problem]:
    layer, shapes = parameters.layer, parameters.shapes
    params = layer.params
    if shapes is not None and len(params) > len(shapes):
        found, needed = counted(len(params), "param message"), counted(len(shapes), "blob")
        yield f"has {found}, but {needed}", "remove the last ones"
    elif layer.type == "BatchNorm" and any(param["lr_mult"] for param in params):
        yield "has lr_mult, but statistics are not learned", "remove its param messages"
