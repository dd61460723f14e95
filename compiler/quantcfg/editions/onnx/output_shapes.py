"""The output shapes of ONNX operators, by their specification; those of all versions share a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from math import ceil, floor, prod

from quantcfg.editions.onnx.known_numbers import MAX_AXES
from quantcfg.editions.onnx.onnx_file import CONSTANT
from quantcfg.editions.onnx.operands import Operands, axes_of, axis_of, expect, shown
from quantcfg.editions.onnx.operators import operators, output_rule
from quantcfg.network.network import Shape
from quantcfg.network.operations import UnknownShapeError

MAX_COUNT = 2**63 - 1
"""The largest number of values: sizes have 64 bits."""

_BATCH_AND_CHANNELS = 2
_IMAGE_RANK = 4


def output_shapes(operands: Operands) -> list[Shape | None]:
    """Return the shapes of the outputs of a node.

    Raises:
        UnknownShapeError: they cannot be inferred.

    """
    node = operands.node
    rule = _RULES.get(output_rule(node.type))
    if rule is None:
        raise UnknownShapeError(_unknown_type(node.type))
    found = rule(operands)
    expect(len(node.outputs) <= len(found), f"it has {len(node.outputs)} outputs, not {len(found)}")
    shapes = list(found)[: len(node.outputs)]
    for shape in shapes:
        expect(shape is None or is_size(shape), "its output is too large, or has negative sizes")
    return shapes


def is_size(shape: Shape) -> bool:
    """Return whether a shape is that of an ONNX value."""
    return len(shape) <= MAX_AXES and min(shape, default=0) >= 0 and prod(shape) <= MAX_COUNT


def multiply_accumulates(operands: Operands, outputs: Sequence[Shape | None]) -> int | None:
    """Return the multiply-accumulates of a node, None if they are unknown.

    A value needs one for each weight: of the input in a deconvolution, otherwise of the output.
    """
    count = _MACS.get(output_rule(operands.node.type))
    if count is None:
        return 0
    try:
        return count(operands, outputs[0]) if outputs and outputs[0] is not None else None
    except UnknownShapeError:
        return None


def filters_of(operands: Operands) -> int:
    """Return the number of output channels of a convolution or matrix product, 0 for other types."""
    filters = _FILTERS.get(output_rule(operands.node.type))
    try:
        return filters(operands) if filters else 0
    except UnknownShapeError:
        return 0


def _unknown_type(kind: str) -> str:
    if kind in operators():
        return f"the model does not determine the output of type {kind}"
    return f"its type {kind} is unknown" if kind else "it has no type"


# --- rules


_Shapes = Sequence[Shape | None]
_Rule = Callable[[Operands], _Shapes]


def _same(operands: Operands) -> _Shapes:
    return [operands.shape()]


def _all_same(operands: Operands) -> _Shapes:
    return [operands.shape()] * max(1, len(operands.node.outputs))


def _broadcast(operands: Operands) -> _Shapes:
    shapes = operands.all_shapes()
    if "broadcast" in operands.attributes:  # Before version 7, only the second input is broadcast.
        return shapes[:1]
    return [broadcast(shapes)]


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """Return the common shape of values by numpy's rules."""
    axes = zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1)
    sizes = [{size for size in axis if size != 1} or {1} for axis in axes]
    expect(all(len(each) == 1 for each in sizes), f"its inputs differ: {', '.join(map(shown, shapes))}")
    return tuple(min(each) for each in reversed(sizes))


def _constant(operands: Operands) -> _Shapes:
    constant = operands.node.constant
    if constant is None or constant.shape is None:
        raise UnknownShapeError(_unknown_type(CONSTANT))
    return [constant.shape]


# Windows


def _convolution(operands: Operands) -> _Shapes:
    data, weight = _weighted(operands)
    group = operands.integer("group", 1)
    fits = data[1] == weight[1] * group
    expect(fits, f"its input has {data[1]} channels, its weight {weight[1]} in {group} groups")
    return [(data[0], weight[0], *_windows(operands, data[2:], weight[2:]))]


def _weighted(operands: Operands) -> tuple[Shape, Shape]:
    """Return the shapes of the data and the weight of a convolution."""
    data, weight = operands.shape(0), operands.shape(1)
    is_alike = len(data) == len(weight) > _BATCH_AND_CHANNELS
    expect(is_alike, f"its input is {shown(data)}, its weight {shown(weight)}")
    kernel = operands.integer_list("kernel_shape", weight[2:])
    expect(kernel == weight[2:], f"its kernel_shape is {shown(kernel)}, its weight {shown(weight)}")
    return data, weight


def _pooling(operands: Operands) -> _Shapes:
    data, kernel = operands.shape(), operands.integer_list("kernel_shape")
    expect(len(data) == len(kernel) + _BATCH_AND_CHANNELS, f"it pools {len(kernel)} axes of {shown(data)}")
    return [(*data[:2], *_windows(operands, data[2:], kernel))] * 2


def _windows(operands: Operands, sizes: Sequence[int], kernel: Sequence[int]) -> list[int]:
    """Return how many windows there are along each spatial axis."""
    strides, dilations = _steps(operands, "strides", len(sizes)), _steps(operands, "dilations", len(sizes))
    extents = _extents(kernel, dilations)
    auto_pad = operands.text("auto_pad", "NOTSET")
    if auto_pad.startswith("SAME"):
        return [-(-size // stride) for size, stride in zip(sizes, strides, strict=True)]
    starts, ends = _padding(operands, len(sizes)) if auto_pad != "VALID" else _padding_of((), len(sizes))
    return [
        _count(*each, rounds_up=operands.integer("ceil_mode", 0) != 0)
        for each in zip(sizes, extents, strides, starts, ends, strict=True)
    ]


def _count(size: int, extent: int, stride: int, start: int, end: int, *, rounds_up: bool) -> int:
    room = size + start + end - extent
    expect(room >= 0, f"its kernel spans {extent}, but its padded input {size + start + end}")
    count = (-(-room // stride) if rounds_up else room // stride) + 1
    # The last window must start inside the input or the padding before it.
    return count - 1 if rounds_up and (count - 1) * stride >= size + start else count


def _extents(kernel: Sequence[int], dilations: Sequence[int]) -> list[int]:
    expect(min(kernel, default=1) > 0, f"its kernel is {shown(kernel)}")
    return [dilation * (size - 1) + 1 for size, dilation in zip(kernel, dilations, strict=True)]


def _steps(operands: Operands, name: str, count: int) -> tuple[int, ...]:
    steps = operands.integer_list(name, (1,) * count)
    expect(len(steps) == count and min(steps, default=1) > 0, f"its {name} are {shown(steps)}")
    return steps


def _padding(operands: Operands, count: int) -> tuple[Shape, Shape]:
    """Return the padding before and after each of some axes."""
    return _padding_of(operands.integer_list("pads", ()), count)


def _padding_of(pads: Sequence[int], count: int) -> tuple[Shape, Shape]:
    pads = tuple(pads or (0,) * 2 * count)
    expect(len(pads) == 2 * count, f"it has {len(pads)} pads for {count} axes")
    return pads[:count], pads[count:]


def _deconvolution(operands: Operands) -> _Shapes:
    data, weight = _weighted(operands)
    expect(data[1] == weight[0], f"its input has {data[1]} channels, its weight {weight[0]}")
    channels, count = weight[1] * operands.integer("group", 1), len(data) - _BATCH_AND_CHANNELS
    if "output_shape" in operands.attributes:
        sizes = operands.integer_list("output_shape")
        expect(len(sizes) == count, f"its output_shape has {len(sizes)} sizes for {count} axes")
        return [(data[0], channels, *sizes)]
    return [(data[0], channels, *_unwindowed(operands, data[2:], weight[2:]))]


def _unwindowed(operands: Operands, sizes: Sequence[int], kernel: Sequence[int]) -> list[int]:
    """Return the size along each axis of what has as many windows as the sizes say."""
    count, auto_pad = len(sizes), operands.text("auto_pad", "NOTSET")
    strides, extents = (
        _steps(operands, "strides", count),
        _extents(kernel, _steps(operands, "dilations", count)),
    )
    if auto_pad.startswith("SAME"):
        return [size * stride for size, stride in zip(sizes, strides, strict=True)]
    added = operands.integer_list("output_padding", (0,) * count)
    expect(len(added) == count, f"it has {len(added)} values of output_padding for {count} axes")
    starts, ends = _padding(operands, count) if auto_pad != "VALID" else _padding_of((), count)
    return [
        stride * (size - 1) + more + extent - start - end
        for size, stride, more, extent, start, end in zip(
            sizes, strides, added, extents, starts, ends, strict=True
        )
    ]


def _global_pooling(operands: Operands) -> _Shapes:
    data = operands.shape()
    expect(len(data) >= _BATCH_AND_CHANNELS, f"its input is {shown(data)}")
    return [(*data[:2], *(1,) * (len(data) - _BATCH_AND_CHANNELS))]


def _depth_to_space(operands: Operands) -> _Shapes:
    count, channels, height, width = _image(operands)
    block = _block(operands)
    expect(channels % block**2 == 0, f"its {channels} channels do not divide into blocks of {block}")
    return [(count, channels // block**2, height * block, width * block)]


def _space_to_depth(operands: Operands) -> _Shapes:
    count, channels, height, width = _image(operands)
    block = _block(operands)
    expect(height % block == 0 == width % block, f"its input does not divide into blocks of {block}")
    return [(count, channels * block**2, height // block, width // block)]


def _image(operands: Operands) -> Shape:
    data = operands.shape()
    expect(len(data) == _IMAGE_RANK, f"its input is {shown(data)}, which does not have 4 axes")
    return data


def _block(operands: Operands) -> int:
    block = operands.integer("blocksize")
    expect(block > 0, f"its blocksize is {block}")
    return block


# Matrices


def _matmul(operands: Operands) -> _Shapes:
    left, right = operands.shape(0), operands.shape(1)
    expect(bool(left and right), "an input is a scalar")
    rows, columns = left[-2:-1], right[-1:] if len(right) > 1 else ()
    inner = right[-2] if len(right) > 1 else right[0]
    expect(left[-1] == inner, f"its inputs are {shown(left)} and {shown(right)}")
    return [(*broadcast([left[:-2], right[:-2]]), *rows, *columns)]


def _gemm(operands: Operands) -> _Shapes:
    left, right = _matrix(operands, 0, "transA"), _matrix(operands, 1, "transB")
    expect(left[1] == right[0], f"it multiplies {shown(left)} by {shown(right)}")
    return [(left[0], right[1])]


def _matrix(operands: Operands, index: int, transposed: str) -> Shape:
    shape = operands.shape(index)
    expect(len(shape) == 2, f"its input {index} is {shown(shape)}, not a matrix")
    return shape[::-1] if operands.integer(transposed, 0) else shape


def _einsum(operands: Operands) -> _Shapes:
    equation = operands.text("equation", "").replace(" ", "")
    terms, arrow, result = equation.partition("->")
    expect(bool(arrow) and "." not in equation, f'its equation is "{equation}"')
    names, shapes = terms.split(","), operands.all_shapes()
    fits = [len(name) for name in names] == [len(shape) for shape in shapes]
    sizes = dict(zip("".join(names), (size for shape in shapes for size in shape), strict=False))
    expect(fits and set(result) <= set(sizes), f'its equation "{equation}" does not fit its inputs')
    return [tuple(sizes[name] for name in result)]


def _recurrent(operands: Operands) -> _Shapes:
    data, weight = operands.shape(0), operands.shape(2)
    expect(len(data) == len(weight) == 3, f"its input is {shown(data)}, its weight {shown(weight)}")
    hidden, directions = operands.integer("hidden_size", weight[2]), weight[0]
    is_batch_first = operands.integer("layout", 0) == 1
    length, batch = data[1::-1] if is_batch_first else data[:2]
    if is_batch_first:
        last = (batch, directions, hidden)
        return [(batch, length, directions, hidden), last, last]
    last = (directions, batch, hidden)
    return [(length, directions, batch, hidden), last, last]


# Axes


def _concat(operands: Operands) -> _Shapes:
    shapes = operands.all_shapes()
    axis = axis_of(operands.integer("axis", 1), len(shapes[0]))
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    is_alike = len(others) == 1 and len({len(shape) for shape in shapes}) == 1
    expect(is_alike, f"its inputs differ: {', '.join(map(shown, shapes))}")
    return [(*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])]


def _split(operands: Operands) -> _Shapes:
    data, count = operands.shape(), len(operands.node.outputs)
    axis = axis_of(operands.integer("axis", 0), len(data))
    sizes = operands.axes("split", 1)
    if sizes is None:
        parts = operands.integer("num_outputs", count)
        expect(parts == count, f"it has {count} outputs, not {parts}")
        size = -(-data[axis] // count)
        sizes = (*(size,) * (count - 1), data[axis] - size * (count - 1))
    fits = len(sizes) == count and sum(sizes) == data[axis]
    expect(fits, f"it does not split {data[axis]} into {', '.join(map(str, sizes))}")
    return [(*data[:axis], size, *data[axis + 1 :]) for size in sizes]


def _reshape(operands: Operands) -> _Shapes:
    sizes = operands.axes("shape", 1)
    expect(sizes is not None, "its shape is missing")
    sizes = sizes or ()
    copies_zeros = not operands.integer("allowzero", 0)
    if min(sizes, default=1) > 0:
        return [sizes]
    data = operands.shape()
    if copies_zeros:
        copied = [index for index, size in enumerate(sizes) if size == 0]
        expect(max(copied, default=-1) < len(data), "it copies an axis that its input does not have")
        sizes = tuple(size or data[index] for index, size in enumerate(sizes)) if copied else sizes
    known = prod(size for size in sizes if size != -1)
    expect(sizes.count(-1) <= 1, f"its shape is {shown(sizes)}")
    if -1 in sizes:
        expect(known > 0 and prod(data) % known == 0, f"{shown(data)} does not reshape to {shown(sizes)}")
        sizes = tuple(prod(data) // known if size == -1 else size for size in sizes)
    expect(prod(sizes) == prod(data), f"{shown(data)} does not reshape to {shown(sizes)}")
    return [sizes]


def _flatten(operands: Operands) -> _Shapes:
    data, axis = operands.shape(), operands.integer("axis", 1)
    expect(-len(data) <= axis <= len(data), f"its axis is {axis}, but its input has {len(data)} axes")
    axis = axis + len(data) if axis < 0 else axis
    return [(prod(data[:axis]), prod(data[axis:]))]


def _squeeze(operands: Operands) -> _Shapes:
    data, axes = operands.shape(), operands.axes("axes", 1)
    if axes is None:
        return [tuple(size for size in data if size != 1)]
    dropped = axes_of(axes, len(data))
    expect(all(data[axis] == 1 for axis in dropped), f"it removes axes of {shown(data)} that are not 1")
    return [tuple(size for axis, size in enumerate(data) if axis not in dropped)]


def _unsqueeze(operands: Operands) -> _Shapes:
    data, axes = operands.shape(), operands.axes("axes", 1)
    expect(axes is not None, "its axes are missing")
    rank = len(data) + len(axes or ())
    expect(rank <= MAX_AXES, f"its output has more than {MAX_AXES} axes")
    added, kept_sizes = axes_of(axes or (), rank), iter(data)
    return [tuple(1 if axis in added else next(kept_sizes) for axis in range(rank))]


def _transpose(operands: Operands) -> _Shapes:
    data = operands.shape()
    order = operands.integer_list("perm", tuple(reversed(range(len(data)))))
    expect(sorted(order) == list(range(len(data))), f"its perm does not fit its input {shown(data)}")
    return [tuple(data[axis] for axis in order)]


def _expand(operands: Operands) -> _Shapes:
    sizes = operands.integers(1)
    return [broadcast([operands.shape(), sizes])]


def _tile(operands: Operands) -> _Shapes:
    data, repeats = operands.shape(), operands.integers(1)
    expect(len(data) == len(repeats), f"it has {len(repeats)} repeats for {len(data)} axes")
    return [tuple(map(int.__mul__, data, repeats))]


def _pad(operands: Operands) -> _Shapes:
    data = operands.shape()
    pads = (
        operands.integer_list("paddings") if "paddings" in operands.attributes else operands.axes("pads", 1)
    )
    expect(pads is not None, "its pads are missing")
    axes = axes_of(operands.integers(3), len(data)) if operands.has(3) else tuple(range(len(data)))
    starts, ends = _padding_of(pads or (), len(axes))
    sizes = list(data)
    for axis, start, end in zip(axes, starts, ends, strict=True):
        sizes[axis] += start + end
    return [tuple(sizes)]


def _slice(operands: Operands) -> _Shapes:
    return [tuple(map(len, operands.slices()))]


def _gather(operands: Operands) -> _Shapes:
    data, indices = operands.shape(0), operands.shape(1)
    axis = axis_of(operands.integer("axis", 0), len(data))
    return [(*data[:axis], *indices, *data[axis + 1 :])]


def _gather_elements(operands: Operands) -> _Shapes:
    return [operands.shape(1)]


def _gather_nd(operands: Operands) -> _Shapes:
    data, indices, batches = operands.shape(0), operands.shape(1), operands.integer("batch_dims", 0)
    expect(bool(indices) and batches >= 0, "its indices are a scalar")
    expect(batches + indices[-1] <= len(data), f"its indices have {indices[-1]} axes, its input {len(data)}")
    return [(*indices[:-1], *data[batches + indices[-1] :])]


def _reduction(operands: Operands) -> _Shapes:
    data, axes = operands.shape(), operands.axes("axes", 1)
    if not axes and operands.integer("noop_with_empty_axes", 0):
        return [data]
    return [_reduced(operands, data, axes_of(axes or range(len(data)), len(data)))]


def _arg_reduction(operands: Operands) -> _Shapes:
    data = operands.shape()
    return [_reduced(operands, data, (axis_of(operands.integer("axis", 0), len(data)),))]


def _reduced(operands: Operands, data: Shape, axes: Sequence[int]) -> Shape:
    if operands.integer("keepdims", 1):
        return tuple(1 if axis in axes else size for axis, size in enumerate(data))
    return tuple(size for axis, size in enumerate(data) if axis not in axes)


def _top_k(operands: Operands) -> _Shapes:
    data = operands.shape()
    axis = axis_of(operands.integer("axis", -1), len(data))
    (count, *_) = (operands.integer("k"),) if "k" in operands.attributes else (*operands.integers(1), -1)
    expect(0 <= count <= data[axis], f"its k is {count}, but the axis has {data[axis]} values")
    return [(*data[:axis], count, *data[axis + 1 :])] * 2


def _one_hot(operands: Operands) -> _Shapes:
    indices, depth = operands.shape(0), operands.values(1)
    expect(len(depth) == 1, "its depth is not a single value")
    axis = axis_of(operands.integer("axis", -1), len(indices) + 1)
    return [(*indices[:axis], int(depth[0]), *indices[axis:])]


# Sizes


def _upsample(operands: Operands) -> _Shapes:
    data = operands.shape()
    scales = operands.attributes.get("scales") if not operands.has(1) else operands.values(1)
    return [_scaled(data, range(len(data)), scales)]


def _resize(operands: Operands) -> _Shapes:
    data = operands.shape()
    axes = axes_of(operands.integer_list("axes", tuple(range(len(data)))), len(data))
    if operands.has(3):
        return [_resized(operands, data, axes, operands.integers(3))]
    is_first_version = len(operands.node.inputs) == 2  # Version 10 has no input between data and scales.
    return [_scaled(data, axes, operands.values(1 if is_first_version else 2))]


def _resized(operands: Operands, data: Shape, axes: Sequence[int], sizes: Sequence[int]) -> Shape:
    expect(len(sizes) == len(axes), f"it has {len(sizes)} sizes for {len(axes)} axes")
    policy = operands.text("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        expect(all(data[axis] for axis in axes), "its input has no values")
        ratios = [size / data[axis] for size, axis in zip(sizes, axes, strict=True)]
        ratio = max(ratios) if policy == "not_smaller" else min(ratios)
        sizes = [floor(ratio * data[axis] + 0.5) for axis in axes]
    found = dict(zip(axes, sizes, strict=True))
    return tuple(found.get(axis, size) for axis, size in enumerate(data))


def _scaled(data: Shape, axes: Sequence[int], scales: object) -> Shape:
    expect(isinstance(scales, tuple), "its scales are missing")
    assert isinstance(scales, tuple)
    expect(len(scales) == len(axes), f"it has {len(scales)} scales for {len(axes)} axes")
    expect(all(0 < scale < MAX_COUNT for scale in scales), "its scales are not positive")
    found = dict(zip(axes, scales, strict=True))
    return tuple(floor(size * found.get(axis, 1)) for axis, size in enumerate(data))


def _shape(operands: Operands) -> _Shapes:
    return [(len(operands.shape()[operands.slice_of_shape()]),)]


def _scalar(_: Operands) -> _Shapes:
    return [()]


def _constant_of_shape(operands: Operands) -> _Shapes:
    return [operands.integers(0)]


def _range(operands: Operands) -> _Shapes:
    bounds = [operands.values(index) for index in range(3)]
    expect(all(len(each) == 1 for each in bounds), "its inputs are not scalars")
    (start,), (limit,), (step,) = bounds
    expect(step != 0, "its delta is 0")
    if all(isinstance(each, int) for each in (start, limit, step)):
        return [(max(0, int(-((start - limit) // step))),)]
    return [(max(0, ceil((limit - start) / step)),)]


def _shape_attribute(operands: Operands) -> _Shapes:
    return [operands.integer_list("shape")]


# Normalization and others


def _normalization(operands: Operands) -> _Shapes:
    """Return the shape of the data, and those of the statistics that training adds."""
    others = len(operands.node.outputs) - 1
    return [operands.shape(), *([operands.shape(3)] * others if others > 0 else [])]


def _layer_normalization(operands: Operands) -> _Shapes:
    data = operands.shape()
    axis = axis_of(operands.integer("axis", -1), len(data))
    statistics = (*data[:axis], *(1,) * (len(data) - axis))
    return [data, statistics, statistics]


def _dynamic_quantization(operands: Operands) -> _Shapes:
    return [operands.shape(), (), ()]


def _grid_sample(operands: Operands) -> _Shapes:
    data, grid = operands.shape(0), operands.shape(1)
    is_alike = len(data) == len(grid) > _BATCH_AND_CHANNELS
    expect(is_alike, f"its grid is {shown(grid)}, its input {shown(data)}")
    return [(*data[:2], *grid[1:-1])]


def _roi_align(operands: Operands) -> _Shapes:
    data, regions = _image(operands), operands.shape(1)
    expect(bool(regions), "its rois are a scalar")
    sizes = (operands.integer("output_height", 1), operands.integer("output_width", 1))
    return [(regions[0], data[1], *sizes)]


_RULES: Mapping[str, _Rule] = {
    "all_same": _all_same,
    "arg_reduction": _arg_reduction,
    "broadcast": _broadcast,
    "concat": _concat,
    "constant": _constant,
    "constant_of_shape": _constant_of_shape,
    "convolution": _convolution,
    "deconvolution": _deconvolution,
    "depth_to_space": _depth_to_space,
    "dynamic_quantization": _dynamic_quantization,
    "einsum": _einsum,
    "expand": _expand,
    "flatten": _flatten,
    "gather": _gather,
    "gather_elements": _gather_elements,
    "gather_nd": _gather_nd,
    "gemm": _gemm,
    "global_pooling": _global_pooling,
    "grid_sample": _grid_sample,
    "layer_normalization": _layer_normalization,
    "matmul": _matmul,
    "normalization": _normalization,
    "one_hot": _one_hot,
    "pad": _pad,
    "pooling": _pooling,
    "range": _range,
    "recurrent": _recurrent,
    "reduction": _reduction,
    "reshape": _reshape,
    "resize": _resize,
    "roi_align": _roi_align,
    "same": _same,
    "scalar": _scalar,
    "shape": _shape,
    "shape_attribute": _shape_attribute,
    "slice": _slice,
    "space_to_depth": _space_to_depth,
    "split": _split,
    "squeeze": _squeeze,
    "tile": _tile,
    "top_k": _top_k,
    "transpose": _transpose,
    "unsqueeze": _unsqueeze,
    "upsample": _upsample,
}


# --- costs


def _of_convolution(operands: Operands, output: Shape) -> int:
    return prod(output) * prod(operands.shape(1)[1:])


def _of_deconvolution(operands: Operands, _: Shape) -> int:
    return prod(operands.shape(0)) * prod(operands.shape(1)[1:])


def _of_matmul(operands: Operands, output: Shape) -> int:
    left = operands.shape(0)
    expect(bool(left), "an input is a scalar")
    return prod(output) * left[-1]


def _of_gemm(operands: Operands, output: Shape) -> int:
    return prod(output) * _matrix(operands, 0, "transA")[1]


_MACS: Mapping[str, Callable[[Operands, Shape], int]] = {
    "convolution": _of_convolution,
    "deconvolution": _of_deconvolution,
    "gemm": _of_gemm,
    "matmul": _of_matmul,
}
"""The multiply-accumulates of a node, by the rule for its output."""

_FILTERS: Mapping[str, Callable[[Operands], int]] = {
    "convolution": lambda operands: _weight(operands)[0],
    "deconvolution": lambda operands: _weight(operands)[1] * operands.integer("group", 1),
    "gemm": lambda operands: _matrix(operands, 1, "transB")[1],
    "matmul": lambda operands: _weight(operands)[-1],
}


def _weight(operands: Operands) -> Shape:
    weight = operands.shape(1)
    expect(len(weight) > 1, f"its weight is {shown(weight)}")
    return weight
