"""Which nodes have outputs that are never negative."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quantcfg.editions.onnx.graph import Graph
from quantcfg.editions.onnx.known_numbers import Numbers
from quantcfg.editions.onnx.operands import Operands
from quantcfg.network.operations import NeverNegative

_ALWAYS = (
    *("Abs", "Exp", "GlobalLpPool", "HardSigmoid", "LpPool", "ReduceL1", "ReduceL2", "ReduceSumSquare"),
    *("Relu", "Shape", "Sigmoid", "Size", "Softmax", "Softplus", "Sqrt"),
)
_KEEP_SIGN = (
    *("AveragePool", "Cast", "DepthToSpace", "Dropout", "Elu", "Flatten", "GlobalAveragePool"),
    *("GlobalMaxPool", "HardSwish", "Identity", "LRN", "LeakyRelu", "MaxPool", "PRelu", "ReduceMax"),
    *("ReduceMean", "ReduceMin", "ReduceSum", "SpaceToDepth", "Tanh", "Transpose"),
)
_KEEP_SIGN_OF_FIRST = ("Expand", "Gather", "Reshape", "Slice", "Split", "Squeeze", "Tile", "Unsqueeze")
"""Types whose other inputs are shapes or indices; those that are constants are not inputs of a layer."""

_COMBINE = ("Add", "Concat", "Div", "Mean", "Min", "Mul", "Sum")


def never_negative(graph: Graph, operands: Operands) -> NeverNegative:
    """Return when the outputs of a node are never negative."""
    kind = operands.node.type
    if kind in graph.file.functions:
        return NeverNegative.UNKNOWN
    if kind in _ALWAYS:
        return NeverNegative.ALWAYS
    if kind in _KEEP_SIGN or kind in _KEEP_SIGN_OF_FIRST:
        return NeverNegative.IF_ALL_INPUTS
    rule = _RULES.get(kind)
    return rule(graph, operands) if rule else NeverNegative.UNKNOWN


def _combined(graph: Graph, operands: Operands) -> NeverNegative:
    signs = _constants(graph, operands)
    return NeverNegative.IF_ALL_INPUTS if all(signs) else NeverNegative.UNKNOWN


def _maximum(graph: Graph, operands: Operands) -> NeverNegative:
    return NeverNegative.ALWAYS if any(_constants(graph, operands)) else NeverNegative.IF_ANY_INPUT


def _constants(graph: Graph, operands: Operands) -> list[bool]:
    """Return for each constant input whether it is known to have no negative values."""
    pairs = zip(operands.node.inputs, operands.numbers, strict=True)
    return [_is_positive(numbers) for name, numbers in pairs if name in graph.constants]


def _is_positive(numbers: object) -> bool:
    return isinstance(numbers, Numbers) and all(each >= 0 for each in numbers.values)


def _clip(_: Graph, operands: Operands) -> NeverNegative:
    low, high = (_limit(operands, *each) for each in (("min", 1), ("max", 2)))
    if high is None or high < 0 or low is None:
        return NeverNegative.UNKNOWN
    return NeverNegative.ALWAYS if low >= 0 else NeverNegative.IF_ALL_INPUTS


def _limit(operands: Operands, name: str, index: int) -> float | None:
    """Return a limit of Clip, an attribute or in later versions an input; None if it is unknown."""
    if operands.has(index):
        numbers = operands.numbers[index]
        return numbers.values[0] if isinstance(numbers, Numbers) and len(numbers.values) == 1 else None
    value = operands.attributes.get(name, float("-inf") if name == "min" else float("inf"))
    return value if isinstance(value, (int, float)) else None


def _pad(_: Graph, operands: Operands) -> NeverNegative:
    mode, value = operands.attributes.get("mode", "constant"), operands.attributes.get("value", 0.0)
    if mode == "constant" and operands.has(_PAD_VALUE):
        is_positive = _is_positive(operands.numbers[_PAD_VALUE])
    else:
        is_positive = mode != "constant" or (isinstance(value, (int, float)) and value >= 0)
    return NeverNegative.IF_ALL_INPUTS if is_positive else NeverNegative.UNKNOWN


_PAD_VALUE = 2


def _resize(_: Graph, operands: Operands) -> NeverNegative:
    """Cubic interpolation may exceed the range of the values."""
    is_within = operands.attributes.get("mode", "nearest") in ("nearest", "linear")
    return NeverNegative.IF_ALL_INPUTS if is_within else NeverNegative.UNKNOWN


_RULES: Mapping[str, Callable[[Graph, Operands], NeverNegative]] = {
    **dict.fromkeys(_COMBINE, _combined),
    "Clip": _clip,
    "Max": _maximum,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": _resize,
}
