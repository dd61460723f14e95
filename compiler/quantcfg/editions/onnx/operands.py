"""What the rules for shapes know of a node: its attributes, and its inputs as far as they are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from quantcfg.editions.onnx.graph import input_of
from quantcfg.editions.onnx.known_numbers import Numbers
from quantcfg.editions.onnx.onnx_file import Node
from quantcfg.frozen import small_value
from quantcfg.network.network import Shape
from quantcfg.network.operations import Unknown, UnknownShapeError

_Fact = TypeVar("_Fact")

_CHECK = "check its attributes and the shapes of its inputs"


def expect(holds: bool, reason: str) -> None:
    """Raise an UnknownShapeError with a reason unless a condition holds."""
    if not holds:
        raise UnknownShapeError(reason, _CHECK)


def shown(shape: Sequence[int]) -> str:
    """Return a shape as text."""
    return "x".join(map(str, shape)) or "a scalar"


@small_value
class Operands:
    """A node with what is known of its inputs.

    attributes are those of all kinds. shapes and numbers have an entry for each input; for
    one that is omitted, it is unknown.
    """

    node: Node
    attributes: Mapping[str, Any]
    shapes: Sequence[Shape | Unknown]
    numbers: Sequence[Numbers | Unknown]

    def has(self, index: int) -> bool:
        """Return whether the node has an input."""
        return bool(input_of(self.node, index))

    def shape(self, index: int = 0) -> Shape:
        """Return the shape of an input.

        Raises:
            UnknownShapeError: it is unknown.

        """
        return self._known(index, self.shapes, "shape of its input {} is")

    def all_shapes(self) -> list[Shape]:
        """Return the shapes of all inputs, at least one."""
        return [self.shape(index) for index in range(max(1, len(self.node.inputs)))]

    def values(self, index: int) -> tuple[int | float, ...]:
        """Return the values of an input.

        Raises:
            UnknownShapeError: they are unknown.

        """
        numbers = self._known(index, self.numbers, "values of its input {} are")
        expect(numbers.shape == self.shapes[index], f"its input {index} has several shapes")
        return numbers.values

    def _known(self, index: int, facts: Sequence[_Fact | Unknown], what: str) -> _Fact:
        expect(self.has(index), f"its input {index} is missing")
        fact = facts[index]
        if isinstance(fact, Unknown):
            name = f'"{self.node.inputs[index]}"'
            raise UnknownShapeError(f"the {what.format(name)} unknown", fact.help)
        return fact

    def integers(self, index: int) -> tuple[int, ...]:
        """Return the values of an input that must be integers."""
        return _integers(f"input {index}", self.values(index))

    def integer(self, name: str, default: int | None = None) -> int:
        """Return an attribute that is an integer."""
        value = self.attributes.get(name, default)
        expect(value is not None, f"its {name} is missing")
        expect(isinstance(value, int), f"its {name} is not an integer")
        return int(value)

    def integer_list(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
        """Return an attribute that is a list of integers."""
        value = self.attributes.get(name, default)
        expect(value is not None, f"its {name} is missing")
        expect(isinstance(value, (tuple, list)), f"its {name} is not a list")
        return _integers(name, value)

    def text(self, name: str, default: str) -> str:
        """Return an attribute that is a string."""
        value = self.attributes.get(name, default)
        expect(isinstance(value, str), f"its {name} is not a string")
        return str(value)

    def axes(self, name: str, index: int) -> tuple[int, ...] | None:
        """Return a list of integers that is an attribute or, in later versions, an input, if any."""
        if name in self.attributes:
            return self.integer_list(name)
        return self.integers(index) if self.has(index) else None

    def slice_of_shape(self) -> slice:
        """Return which sizes of its input Shape returns."""
        return slice(self.integer("start", 0), self.integer("end", 2**63 - 1))

    def slices(self) -> list[range]:
        """Return the indices on each axis that Slice takes."""
        data, starts, ends = self.shape(), self.axes("starts", 1), self.axes("ends", 2)
        expect(starts is not None and ends is not None, "its starts or ends are missing")
        starts, ends, named = starts or (), ends or (), self.axes("axes", 3)
        axes = axes_of(range(len(starts)) if named is None else named, len(data))
        steps = self.integers(4) if self.has(4) else (1,) * len(starts)
        fits = len(starts) == len(ends) == len(axes) == len(steps)
        expect(fits, "its starts, ends, axes and steps differ in length")
        expect(0 not in steps, "its step is 0")
        parts = dict(zip(axes, zip(starts, ends, steps, strict=True), strict=True))
        return [_indices(size, *parts.get(axis, (0, size, 1))) for axis, size in enumerate(data)]


def _indices(size: int, start: int, end: int, step: int) -> range:
    """Return the indices of a slice. Unlike in Python, a start before the first value is the first value."""
    start, end = (bound + size if bound < 0 else bound for bound in (start, end))
    if step > 0:
        return range(min(max(start, 0), size), min(max(end, 0), size), step)
    return range(min(max(start, 0), size - 1), min(max(end, -1), size - 1), step) if size else range(0)


def _integers(name: str, values: Sequence[object]) -> tuple[int, ...]:
    numbers = tuple(each for each in values if isinstance(each, int))
    expect(len(numbers) == len(values), f"its {name} has values that are not integers")
    return numbers


def axis_of(axis: int, rank: int) -> int:
    """Return an axis as a non-negative index."""
    expect(-rank <= axis < rank, f"its axis is {axis}, but its input has {rank} axes")
    return axis % rank


def axes_of(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Return axes as non-negative indices, each of them once."""
    found = tuple(axis_of(axis, rank) for axis in axes)
    expect(len(set(found)) == len(found), "its axes are repeated")
    return found
