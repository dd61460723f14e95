"""Which nodes have outputs that are never negative."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quantcfg.editions.onnx.graph import Graph
from quantcfg.editions.onnx.known_numbers import Numbers
from quantcfg.editions.onnx.operands import Operands
from quantcfg.editions.onnx.operators import entry
from quantcfg.network.operations import NeverNegative


def never_negative(graph: Graph, operands: Operands) -> NeverNegative:
    """Return when the outputs of a node are never negative."""
    kind = operands.node.type
    rule = None if kind in graph.file.functions else entry(kind).get("never_negative")
    return _RULES[rule](graph, operands) if rule else NeverNegative.UNKNOWN


def _of_first(graph: Graph, operands: Operands) -> NeverNegative:
    """Return the sign of the first input, which is not an input of the layer if it is a constant."""
    if not operands.has(0):
        return NeverNegative.UNKNOWN
    if operands.node.inputs[0] not in graph.constants:
        return NeverNegative.IF_FIRST_INPUT
    return NeverNegative.ALWAYS if _is_positive(operands.numbers[0]) else NeverNegative.UNKNOWN


def _of_all(graph: Graph, operands: Operands) -> NeverNegative:
    signs = _constants(graph, operands)
    return NeverNegative.IF_ALL_INPUTS if all(signs) else NeverNegative.UNKNOWN


def _of_any(graph: Graph, operands: Operands) -> NeverNegative:
    return NeverNegative.ALWAYS if any(_constants(graph, operands)) else NeverNegative.IF_ANY_INPUT


def _constants(graph: Graph, operands: Operands) -> list[bool]:
    """Return for each constant input whether it is known to have no negative values."""
    pairs = zip(operands.node.inputs, operands.numbers, strict=True)
    return [_is_positive(numbers) for name, numbers in pairs if name in graph.constants]


def _is_positive(numbers: object) -> bool:
    return isinstance(numbers, Numbers) and all(each >= 0 for each in numbers.values)


def _clip(graph: Graph, operands: Operands) -> NeverNegative:
    low, high = (_limit(operands, *each) for each in (("min", 1), ("max", 2)))
    if high is None or high < 0 or low is None:
        return NeverNegative.UNKNOWN
    return NeverNegative.ALWAYS if low >= 0 else _of_first(graph, operands)


def _limit(operands: Operands, name: str, index: int) -> float | None:
    """Return a limit of Clip, an attribute or in later versions an input; None if it is unknown."""
    if operands.has(index):
        numbers = operands.numbers[index]
        return numbers.values[0] if isinstance(numbers, Numbers) and len(numbers.values) == 1 else None
    value = operands.attributes.get(name, float("-inf") if name == "min" else float("inf"))
    return value if isinstance(value, (int, float)) else None


def _pad(graph: Graph, operands: Operands) -> NeverNegative:
    mode = operands.attributes.get("mode", "constant")
    if mode == "constant" and operands.has(_PAD_VALUE):
        is_positive = _is_positive(operands.numbers[_PAD_VALUE])
    else:
        is_positive = mode != "constant" or _number(operands, "value", 0.0) >= 0
    return _of_first(graph, operands) if is_positive else NeverNegative.UNKNOWN


_PAD_VALUE = 2


def _resize(graph: Graph, operands: Operands) -> NeverNegative:
    """Cubic interpolation may leave the range of its input, and an extrapolation value may be negative."""
    attributes = operands.attributes
    is_within = attributes.get("mode", "nearest") in ("nearest", "linear")
    is_cropped = attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    is_positive = not is_cropped or _number(operands, "extrapolation_value", 0.0) >= 0
    return _of_first(graph, operands) if is_within and is_positive else NeverNegative.UNKNOWN


def _normalized(graph: Graph, operands: Operands) -> NeverNegative:
    """Values are divided by a power of bias + alpha * a sum of squares."""
    is_positive = _number(operands, "bias", 1.0) > 0 and _number(operands, "alpha", 1e-4) >= 0
    return _of_first(graph, operands) if is_positive else NeverNegative.UNKNOWN


def _number(operands: Operands, name: str, default: float) -> float:
    """Return an attribute that is a number, NaN for any other value."""
    value = operands.attributes.get(name, default)
    return value if isinstance(value, (int, float)) else float("nan")


_RULES: Mapping[str, Callable[[Graph, Operands], NeverNegative]] = {
    "always": lambda *_: NeverNegative.ALWAYS,
    "clip": _clip,
    "if_all_inputs": _of_all,
    "if_any_input": _of_any,
    "if_first_input": _of_first,
    "lrn": _normalized,
    "pad": _pad,
    "resize": _resize,
}
