"""The numbers that operators compute from small constants and from shapes.

Exporters compute the operands of Reshape, Slice, Pad and Resize from the shapes of
other values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import product
from math import ceil, floor, prod

from quantcfg.editions.onnx.known_numbers import Number, Numbers, is_small, kept
from quantcfg.editions.onnx.onnx_file import CONSTANT, element_type
from quantcfg.editions.onnx.operands import Operands, axis_of, expect, shown
from quantcfg.network.network import Shape
from quantcfg.network.operations import UnknownShapeError

_LARGEST_BASE = 2**32
_LARGEST_EXPONENT = 64


def computed_numbers(operands: Operands, shape: Shape) -> Numbers | None:
    """Return the values of the first output of a node, None if they are unknown or not needed for shapes.

    shape is that of the output by the rule of its type.
    """
    rule = _RULES.get(operands.node.type)
    if rule is None or not is_small(shape):
        return None
    try:
        return kept(shape, rule(operands, shape))
    except UnknownShapeError:
        return None


_Rule = Callable[[Operands, Shape], Iterable[Number]]


def _same(operands: Operands, _: Shape) -> Iterable[Number]:
    return operands.values(0)


def _constant(operands: Operands, _: Shape) -> Iterable[Number]:
    attributes = operands.attributes
    found = next((attributes[name] for name in _CONSTANTS if name in attributes), ())
    if isinstance(found, Numbers):
        return found.values
    return found if isinstance(found, tuple) else (found,)


_CONSTANTS = ("value", "value_int", "value_ints", "value_float", "value_floats")


def _shape(operands: Operands, _: Shape) -> Iterable[Number]:
    return operands.shape()[operands.slice_of_shape()]


def _size(operands: Operands, _: Shape) -> Iterable[Number]:
    return (prod(operands.shape()),)


def _cast(operands: Operands, _: Shape) -> Iterable[Number]:
    to, values = operands.integer("to"), operands.values(0)
    names = [name for name in _CONVERSIONS if element_type(name) == to]
    expect(bool(names), "it converts to another type")
    return map(_CONVERSIONS[names[0]], values)


def _truth(number: Number) -> int:
    return int(bool(number))


_CONVERSIONS: Mapping[str, Callable[[Number], Number]] = {
    "FLOAT": float,
    "BOOL": _truth,
    "INT32": int,
    "INT64": int,
}
"""How values are converted to an element type."""


def _concat(operands: Operands, shape: Shape) -> Iterable[Number]:
    axis = axis_of(operands.integer("axis", 1), len(shape))
    parts = [
        _rows(operands.values(index), prod(operands.shape(index)[axis:]))
        for index in range(len(operands.node.inputs))
        if operands.values(index)
    ]
    return (value for row in zip(*parts, strict=True) for part in row for value in part)


def _rows(values: Sequence[Number], length: int) -> list[Sequence[Number]]:
    return [values[start : start + length] for start in range(0, len(values), length)]


def _gather(operands: Operands, _: Shape) -> Iterable[Number]:
    data, indices = operands.shape(0), operands.integers(1)
    axis = axis_of(operands.integer("axis", 0), len(data))
    return _picked(operands, [indices if each == axis else range(size) for each, size in enumerate(data)])


def _slice(operands: Operands, _: Shape) -> Iterable[Number]:
    return _picked(operands, operands.slices())


def _picked(operands: Operands, indices: Sequence[Sequence[int]]) -> Iterable[Number]:
    """Return the values of the first input with some indices on each axis."""
    values, data = operands.values(0), operands.shape(0)
    for picked, size in zip(indices, data, strict=True):
        expect(all(-size <= index < size for index in picked), "an index is out of range")
    strides = _strides(data)
    chosen = [[index % size for index in picked] for picked, size in zip(indices, data, strict=True)]
    return (values[sum(map(int.__mul__, position, strides))] for position in product(*chosen))


def _strides(shape: Shape) -> list[int]:
    return [prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _transpose(operands: Operands, shape: Shape) -> Iterable[Number]:
    values, strides = operands.values(0), _strides(operands.shape())
    order = operands.integer_list("perm", tuple(reversed(range(len(shape)))))
    turned = [strides[axis] for axis in order]
    return (values[sum(map(int.__mul__, position, turned))] for position in product(*map(range, shape)))


def _range(operands: Operands, shape: Shape) -> Iterable[Number]:
    (start,), (step,) = operands.values(0), operands.values(2)
    return (start + index * step for index in range(shape[0]))


def _constant_of_shape(operands: Operands, shape: Shape) -> Iterable[Number]:
    is_kept = "value" in operands.attributes or "value" not in operands.node.other_attributes
    expect(is_kept, "its value has another element type")
    value = operands.attributes.get("value", Numbers((1,), (0.0,)))
    return value.values[:1] * prod(shape) if isinstance(value, Numbers) else ()


def _expand(operands: Operands, shape: Shape) -> Iterable[Number]:
    return _broadcast(operands, 0, shape)


def _product(operands: Operands, shape: Shape) -> Iterable[Number]:
    expect(prod(shape) == 1, "it computes several products")
    return (prod(operands.values(0)),)


def _each(operate: Callable[..., Number], count: int | None = None) -> _Rule:
    """Return a rule for an operator that is applied to each value, with broadcasting.

    count is the number of its inputs, None for any number.
    """

    def rule(operands: Operands, shape: Shape) -> Iterable[Number]:
        found = len(operands.node.inputs)
        expect(count in (None, found), f"it has {found} inputs, not {count}")
        expect("axis" not in operands.attributes, "it broadcasts along an axis")
        return map(operate, *(_broadcast(operands, index, shape) for index in range(found)))

    return rule


def _one(operate: Callable[[Number], Number]) -> _Rule:
    return _each(operate, 1)


def _two(operate: Callable[[Number, Number], Number]) -> _Rule:
    return _each(operate, 2)


def _folded(operate: Callable[[Number, Number], Number]) -> _Rule:
    """Return a rule for an operator with any number of inputs."""
    return _each(lambda *values: reduce(operate, values))


def _broadcast(operands: Operands, index: int, shape: Shape) -> Iterable[Number]:
    """Return the values of an input as those of a tensor with a larger shape."""
    values, sizes = operands.values(index), operands.shape(index)
    sizes = (1,) * (len(shape) - len(sizes)) + sizes
    fits = len(sizes) == len(shape) and all(
        size in (1, wanted) for size, wanted in zip(sizes, shape, strict=True)
    )
    expect(fits, f"it broadcasts {shown(sizes)} to {shown(shape)}")
    strides = [stride if size > 1 else 0 for stride, size in zip(_strides(sizes), sizes, strict=True)]
    return (values[sum(map(int.__mul__, position, strides))] for position in product(*map(range, shape)))


def _divided(left: Number, right: Number) -> Number:
    """Divide; the quotient of integers is rounded toward zero."""
    expect(right != 0, "it divides by 0")
    if isinstance(left, float):
        return left / right
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _power(base: Number, exponent: Number) -> Number:
    """Return a power; large ones are not needed, and take long."""
    expect(abs(exponent) <= _LARGEST_EXPONENT and abs(base) <= _LARGEST_BASE, "its power is too large")
    is_real = base > 0 or (exponent >= 0 and exponent == int(exponent))
    expect(is_real, f"it cannot raise {base} to the power {exponent}")
    try:
        return type(base)(base**exponent)
    except OverflowError:
        raise UnknownShapeError("its power is too large") from None


_RULES: Mapping[str, _Rule] = {
    CONSTANT: _constant,
    "Add": _two(lambda left, right: left + right),
    "Cast": _cast,
    "Ceil": _one(lambda value: float(ceil(value))),
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Div": _two(_divided),
    "Equal": _two(lambda left, right: int(left == right)),
    "Expand": _expand,
    "Flatten": _same,
    "Floor": _one(lambda value: float(floor(value))),
    "Gather": _gather,
    "Greater": _two(lambda left, right: int(left > right)),
    "Identity": _same,
    "Less": _two(lambda left, right: int(left < right)),
    "Max": _folded(max),
    "Min": _folded(min),
    "Mul": _two(lambda left, right: left * right),
    "Neg": _one(lambda value: -value),
    "Not": _one(lambda value: 1 - value),
    "Pow": _two(_power),
    "Range": _range,
    "ReduceProd": _product,
    "Reshape": _same,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "Squeeze": _same,
    "Sub": _two(lambda left, right: left - right),
    "Transpose": _transpose,
    "Unsqueeze": _same,
    "Where": _each(lambda condition, left, right: left if condition else right, 3),
}
