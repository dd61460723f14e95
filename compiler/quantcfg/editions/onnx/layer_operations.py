"""The operations of an ONNX network: shapes and costs of its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from shlex import quote
from typing import NamedTuple

from quantcfg.editions.onnx.computed_numbers import computed_numbers
from quantcfg.editions.onnx.graph import Graph, weight_of
from quantcfg.editions.onnx.graph_values import GraphValues, Sizes, read_graph_values
from quantcfg.editions.onnx.known_numbers import Numbers
from quantcfg.editions.onnx.onnx_file import Node, TooManyNodesError, element_type, read_onnx
from quantcfg.editions.onnx.operands import Operands
from quantcfg.editions.onnx.operators import entry
from quantcfg.editions.onnx.output_shapes import (
    filters_of,
    is_size,
    multiply_accumulates,
    output_shapes,
)
from quantcfg.editions.onnx.signs import never_negative
from quantcfg.network import Layer, Network
from quantcfg.network.network import Shape
from quantcfg.network.operations import Operation, Operations, Unknown, UnknownShapeError
from quantcfg.wire import MalformedError, TooDeepError, mapped

_EXAMPLE = (1, 3, 224, 224)
"""The sizes of an image in a help where they are unknown; those of other values are 1."""

_NO_WEIGHTS = ("BOOL", "INT32", "INT64", "STRING", "UINT32", "UINT64", "UNDEFINED")
"""Element types of constants that are shapes, indices and limits, not weights."""

_SIZES = {"DOUBLE": 8, "FLOAT16": 2, "BFLOAT16": 2, "INT16": 2, "UINT16": 2, "INT8": 1, "UINT8": 1}
"""The bytes of a value by element type; other floats have 4."""

_CHANGED = Unknown("the model has changed since it was read")
_UNDEFINED = Unknown("the model does not determine it")


class _Model(NamedTuple):
    """A graph and what its file says about its values."""

    graph: Graph
    values: GraphValues


class _Known(NamedTuple):
    """What is known of the values so far, by name."""

    shapes: dict[str, Shape | Unknown]
    numbers: dict[str, Numbers | Unknown]


def read_operations(network: Network, given: Mapping[str, Shape]) -> Operations:
    """Return the operations of a network that was read from an ONNX file, which is read again.

    given are shapes of inputs, and of other values whose shapes are unknown.
    """
    model = _read(network)
    if model is None:
        return Operations(tuple(map(_unknown, network.layers)), {}, ())
    graph, values = model
    inputs = [name for name in values.inputs if name not in graph.constants]
    known = _start(model, inputs, given)
    # Sizes in the file hold for the inputs in the file.
    is_changed = any(not _fits(given[name], values.sizes[name]) for name in given if name in values.sizes)
    sizes: Mapping[str, Sizes] = {} if is_changed else values.sizes
    usable = {name: shape for name, shape in given.items() if is_size(shape)}
    settable, seen, found = set(inputs), set[str](), []
    for layer, node, more in zip(network.layers, graph.file.nodes, values.attributes, strict=True):
        operands = _operands(node, {**node.attributes, **more}, known)
        shapes, unknown = _outputs(graph, operands, sizes)
        names = list(zip(node.outputs, shapes, strict=True))
        settable |= {name for name, shape in names if shape is None}
        shapes = [usable.get(name) if shape is None else shape for name, shape in names]
        missing = _helped(unknown, node.outputs, shapes, sizes)
        found.append(_operation(model, layer, operands, shapes, missing, seen))
        _learn(known, operands, shapes, missing, has_rule=unknown is None)
    shown = {name: None if isinstance(shape := known.shapes[name], Unknown) else shape for name in inputs}
    return Operations(tuple(found), shown, tuple(name for name in given if name not in settable))


def _read(network: Network) -> _Model | None:
    """Return the model of a network, None if the file is not the same anymore."""
    span = network.layers[0].span
    assert span
    try:
        with mapped(span.source.name) as data:
            graph, values = Graph(read_onnx(data)), read_graph_values(data)
    except (OSError, ValueError, MalformedError, TooDeepError, TooManyNodesError):
        return None
    kinds = [node.type for node in graph.file.nodes]
    return _Model(graph, values) if kinds == [layer.type for layer in network.layers] else None


def _unknown(layer: Layer) -> Operation:
    inputs, outputs = (None,) * len(layer.bottoms), (None,) * len(layer.tops)
    return Operation(layer, {}, inputs, outputs, None, 0, None, _CHANGED if outputs else None)


def _start(model: _Model, inputs: Sequence[str], given: Mapping[str, Shape]) -> _Known:
    """Return what is known of the inputs and constants of a graph."""
    shapes: dict[str, Shape | Unknown] = {}
    for name, constant in model.graph.file.initializers.items():
        is_valid = constant.shape is not None and is_size(constant.shape)
        shapes[name] = constant.shape if is_valid and constant.shape is not None else _UNDEFINED
    for name in inputs:
        sizes = given.get(name, model.values.sizes.get(name))
        complete = None if sizes is None else _complete(sizes)
        shapes[name] = complete if complete is not None and is_size(complete) else _unknown_input(model, name)
    return _Known(shapes, dict(model.values.numbers))


def _complete(sizes: Sizes) -> Shape | None:
    shape = tuple(size for size in sizes if size is not None)
    return shape if len(shape) == len(sizes) else None


def _fits(shape: Shape, sizes: Sizes) -> bool:
    return len(shape) == len(sizes) and all(
        known in (None, size) for size, known in zip(shape, sizes, strict=True)
    )


def _unknown_input(model: _Model, name: str) -> Unknown:
    sizes = model.values.sizes.get(name)
    return Unknown(f'the model does not have the shape of "{name}"', _help(name, sizes))


def _help(name: str, sizes: Sizes | None) -> str:
    usual = _EXAMPLE if sizes is None or len(sizes) == len(_EXAMPLE) else (1,) * len(sizes)
    example = [size or other for size, other in zip(sizes or usual, usual, strict=True)]
    option = quote(f"{name}={','.join(map(str, example))}")
    return f"pass its shape, such as --input {option}"


def _operands(node: Node, attributes: Mapping[str, object], known: _Known) -> Operands:
    return Operands(
        node,
        attributes,
        [known.shapes.get(name, _UNDEFINED) for name in node.inputs],
        [known.numbers.get(name, _UNDEFINED) for name in node.inputs],
    )


def _outputs(
    graph: Graph, operands: Operands, declared: Mapping[str, Sizes]
) -> tuple[list[Shape | None], Unknown | None]:
    """Return the shapes of the outputs of a node, by its rule or from the file, and why one is unknown."""
    node, unknown = operands.node, None
    shapes: list[Shape | None] = [None] * len(node.outputs)
    try:
        if node.type in graph.file.functions:
            raise UnknownShapeError(f"its type {node.type} is a function of the model, which is not read")
        shapes = output_shapes(operands)
    except UnknownShapeError as error:
        unknown = error.unknown
    sizes = [_complete(declared[name]) if name in declared else None for name in node.outputs]
    filled = [each if shape is None else shape for shape, each in zip(shapes, sizes, strict=True)]
    return [None if shape and not is_size(shape) else shape for shape in filled], unknown


def _learn(
    known: _Known,
    operands: Operands,
    shapes: Sequence[Shape | None],
    missing: Unknown | None,
    *,
    has_rule: bool,
) -> None:
    """Add the outputs of a node to what is known."""
    names = operands.node.outputs
    for name, shape in zip(names, shapes, strict=True):
        known.shapes[name] = missing or _UNDEFINED if shape is None else shape
    if names:
        # Without a rule, the shape is that of the file, which may contradict the operands.
        numbers = computed_numbers(operands, shapes[0]) if has_rule and shapes[0] is not None else None
        known.numbers[names[0]] = numbers or missing or _cause(operands)


def _cause(operands: Operands) -> Unknown:
    """Return the help for values that are unknown because an input is."""
    inputs = (each for each in (*operands.shapes, *operands.numbers) if isinstance(each, Unknown))
    return next((each for each in inputs if each.help), _UNDEFINED)


def _operation(
    model: _Model,
    layer: Layer,
    operands: Operands,
    shapes: Sequence[Shape | None],
    missing: Unknown | None,
    seen: set[str],
) -> Operation:
    """Return the operation of a layer, and add its constants to those of earlier layers, which are seen."""
    node, names = operands.node, _constants(model.graph, operands.node)
    inputs = dict(zip(node.inputs, operands.shapes, strict=True))
    outputs = [shape for name, shape in zip(node.outputs, shapes, strict=True) if name]
    shared = frozenset(index for index, name in enumerate(names) if name in seen)
    seen.update(names)
    blobs = [model.graph.constants[name].shape or () for name in names]
    is_open = node.has_subgraph or node.type in model.graph.file.functions
    return Operation(
        layer,
        operands.attributes,
        tuple(None if isinstance(shape := inputs[name], Unknown) else shape for name in layer.bottoms),
        tuple(outputs),
        None if is_open else tuple(blobs),
        filters_of(operands),
        None if is_open or node.type != node.op_type else multiply_accumulates(operands, shapes),
        missing,
        shared,
        _value_size(model.graph, names),
        never_negative(model.graph, operands),
        operands=node.inputs,
        is_constant=not layer.bottoms and any(node.inputs),
    )


def _helped(
    unknown: Unknown | None,
    names: Sequence[str],
    shapes: Sequence[Shape | None],
    declared: Mapping[str, Sizes],
) -> Unknown | None:
    """Return why an output is unknown, with a help, None if all are known."""
    missing = [name for name, shape in zip(names, shapes, strict=True) if name and shape is None]
    if not missing:
        return None
    help = _help(missing[0], declared.get(missing[0]))
    if unknown is None:
        return Unknown(f'the model does not have the shape of "{missing[0]}"', help)
    return unknown if unknown.help else Unknown(unknown.reason, help)


def _constants(graph: Graph, node: Node) -> list[str]:
    """Return the constants that are weights of a node, each once; its main weight is the first."""
    settings = entry(node.type).get("settings", len(node.inputs))
    names = [name for name in (weight_of(node), *node.inputs[:settings]) if name]
    return [name for name in dict.fromkeys(names) if _is_weight(graph, name)]


def _is_weight(graph: Graph, name: str) -> bool:
    constant = graph.constants.get(name)
    if constant is None or constant.shape is None or not is_size(constant.shape):
        return False
    return constant.element not in _elements_without_weights()


@cache
def _elements_without_weights() -> frozenset[int]:
    return frozenset(map(element_type, _NO_WEIGHTS))


def _value_size(graph: Graph, names: Sequence[str]) -> int:
    """Return the bytes of a value of the main weight."""
    elements = {element_type(name): size for name, size in _SIZES.items()}
    return elements.get(graph.constants[names[0]].element, 4) if names else 4
