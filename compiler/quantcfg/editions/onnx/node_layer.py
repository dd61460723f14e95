"""The layer that a node of the top-level graph is: attributes, and why it cannot be quantized."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quantcfg.contracts.layer_types import Attribute, Feature, Obstacle
from quantcfg.editions.onnx import ONNX
from quantcfg.editions.onnx.graph import Graph, input_of, weight_of
from quantcfg.editions.onnx.onnx_file import Node
from quantcfg.network.network import INPUTS, MISSING_INPUTS, VARIABLE_INPUTS, Layer, Shape
from quantcfg.source import Span
from quantcfg.textproto.scalars import shortest_decimal

_TYPES = ONNX.layer_types
_FIXED_AXES = 2
"""Axes of a weight that are not spatial: outputs and inputs."""

Attributes = dict[str, Attribute]


def layer_of(graph: Graph, node: Node, span: Span) -> Layer:
    """Return the layer of a node; span is its location."""
    weight = weight_of(node)
    shape = graph.shape(weight) if weight else None
    attributes = _attributes(graph, node, weight, shape)
    obstacle = _TYPES.obstacle(Feature.QUANTIZABLE, node.type, attributes)
    return Layer(
        node.name,
        node.type,
        tuple(name for name in node.inputs if name and name not in graph.constants),
        tuple(name for name in node.outputs if name),
        attributes,
        shape,
        _reason(graph, node, obstacle),
        (),
        span,
        obstacle.title if obstacle and node.type in _TYPES.quantizable else None,
    )


def _reason(graph: Graph, node: Node, obstacle: Obstacle | None) -> str | None:
    """Return why a node is not quantizable, and that its subgraphs are not looked into (U27)."""
    if obstacle is None:
        return None
    if node.has_subgraph:
        return f"{obstacle.reason}, its subgraphs are not read"
    if node.type in graph.file.functions:
        return f"{obstacle.reason}, the nodes of the function are not read"
    return obstacle.reason


def _attributes(graph: Graph, node: Node, weight: str | None, shape: Shape | None) -> Attributes:
    """Return the attributes that conditions use; attributes missing from the file are omitted."""
    defaults: Mapping[str, Attribute] = _TYPES.known.get(node.type, {}).get("defaults", {})
    values = {name: _decimal(node.attributes.get(name, value)) for name, value in defaults.items()}
    values |= dict.fromkeys(node.other_attributes.intersection(defaults), "not a number")
    if weight is not None:
        kind = graph.kind(weight)
        values |= {"weight": kind, "shared_weight": graph.is_shared(weight)}
    if node.type in _TYPES.tensor_types:
        values |= _inputs(graph, node)
    if node.type in _SPECIAL:
        values |= _SPECIAL[node.type](graph, node, shape)
    return values


def _inputs(graph: Graph, node: Node) -> Attributes:
    """Return the number of inputs, the indices of those that are not constants, and those of omitted ones."""
    variable = [name and name not in graph.constants for name in node.inputs]
    missing = tuple(index for index, name in enumerate(node.inputs) if not name)
    return {
        INPUTS: len(node.inputs),
        VARIABLE_INPUTS: tuple(index for index, is_variable in enumerate(variable) if is_variable),
        **({MISSING_INPUTS: missing} if missing else {}),
    }


def _decimal(value: Attribute) -> Attribute:
    return shortest_decimal(value) if isinstance(value, float) else value


def _of_convolution(_graph: Graph, node: Node, shape: Shape | None) -> Attributes:
    dilations = node.attributes.get("dilations")
    told: Attributes = {} if dilations is None else {"dilations": dilations}
    if shape is None:
        return told
    axes = max(0, len(shape) - _FIXED_AXES)
    return {"spatial_axes": axes, "dilations": (1,) * axes, **told}


def _of_matmul(_graph: Graph, _node: Node, shape: Shape | None) -> Attributes:
    return {} if shape is None else {"weight_rank": len(shape)}


def _of_pooling(_graph: Graph, node: Node, _shape: Shape | None) -> Attributes:
    kernel = node.attributes.get("kernel_shape")
    return {"spatial_axes": len(kernel)} if isinstance(kernel, tuple) else {"kernel_shape": "missing"}


def _of_normalization(graph: Graph, node: Node, _shape: Shape | None) -> Attributes:
    kinds = [graph.kind(input_of(node, index)) for index in _TYPES.known[node.type]["parameter_inputs"]]
    parameters = next((kind for kind in kinds if kind != "constant"), "constant")
    is_training = len([name for name in node.outputs if name]) > 1
    return {"parameters": parameters, **({"training_mode": 1} if is_training else {})}


_SPECIAL: Mapping[str, Callable[[Graph, Node, Shape | None], Attributes]] = {
    "Conv": _of_convolution,
    "ConvTranspose": _of_convolution,
    "MatMul": _of_matmul,
    "AveragePool": _of_pooling,
    "BatchNormalization": _of_normalization,
}
"""Further attributes of some types."""
