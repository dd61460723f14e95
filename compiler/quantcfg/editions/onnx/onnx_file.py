"""Read the graph of an ONNX file, without the data of its tensors.

The file is mapped into memory and walked there. Nodes and tensors are parsed one
by one, by what proto/onnx.proto declares. External data is never opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any, NamedTuple

from quantcfg import contracts, limits
from quantcfg.frozen import Caching, frozen_value, small_value
from quantcfg.network.network import Shape
from quantcfg.wire import LENGTH, Bytes, declared, parsed

DOMAINS = ("", "ai.onnx")
"""The domains of the operators of ONNX itself."""

CONSTANT = "Constant"
_EXTERNAL = 1
_FLOAT, _INT64 = 1, 7
_VALUE_FIELDS = {1: "f", 2: "i", 7: "ints"}
"""The field with the value of an attribute, by the type of the attribute."""
_SCALAR_CONSTANTS = {"value_float": _FLOAT, "value_floats": _FLOAT, "value_int": _INT64, "value_ints": _INT64}

Value = int | float | tuple[int, ...]


class TooManyNodesError(Exception):
    """The graph has more than limits.LAYERS nodes."""


@small_value
class Constant:
    """A tensor whose value is in the model: its shape and the number of its element type.

    The shape is None if it is not known.
    """

    shape: Shape | None
    element: int


@small_value
class Node:
    """A node of the top graph.

    attributes has the numbers and lists of integers. constant is the tensor of a
    Constant node. outer_reads are the values that subgraphs read from around them.
    """

    name: str
    domain: str
    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Value]
    constant: Constant | None = None
    has_subgraph: bool = False
    outer_reads: frozenset[str] = frozenset()

    @property
    def type(self) -> str:
        """The operator, with the domain in front if it is not one of ONNX itself."""
        return _qualified(self.domain, self.op_type)


@frozen_value
class OnnxFile(Caching):
    """The part of an ONNX file that is read.

    initializers are those of the top graph by name, elements the known element types of
    its values. functions are the types that the file defines itself.
    """

    name: str = ""
    nodes: tuple[Node, ...] = ()
    initializers: Mapping[str, Constant] = field(default_factory=dict)
    inputs: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    elements: Mapping[str, int] = field(default_factory=dict)
    opset: int | None = None
    functions: frozenset[str] = frozenset()
    has_external_data: bool = False


class Element(NamedTuple):
    """A field of a graph or model: its name, and the offsets of its content."""

    name: str
    start: int
    end: int


def elements(data: Bytes, message: str, spans: Iterable[tuple[int, int]]) -> Iterator[Element]:
    """Yield the declared fields of a message that is in some spans of a file, except numbers."""
    descriptor = contracts.message_descriptor("onnx", f"onnx.{message}")
    for span in spans:
        for each, wire, start, end in declared(data, *span, descriptor):
            if wire == LENGTH:
                yield Element(each.name, start, end)


def graph_spans(data: Bytes) -> list[tuple[int, int]]:
    """Return the spans of the top graph: protobuf merges a message that is there twice."""
    whole = elements(data, "ModelProto", [(0, len(data))])
    return [(each.start, each.end) for each in whole if each.name == "graph"]


def read_onnx(data: Bytes) -> OnnxFile:
    """Return the graph in a mapped file.

    Raises:
        MalformedError: the file is not a valid protobuf message.
        TooDeepError: its messages are nested too deep.
        TooManyNodesError: it has too many nodes.

    """
    reading = _Reading()
    for each in elements(data, "ModelProto", [(0, len(data))]):
        if each.name == "graph":
            _read_graph(reading, data, each)
        elif each.name == "opset_import":
            opset = message(data, each, "OperatorSetIdProto")
            if text(opset.domain) in DOMAINS:
                reading.opset = opset.version
        elif each.name == "functions":
            function = message(data, each, "FunctionProto")
            reading.functions.add(_qualified(text(function.domain), text(function.name)))
            reading.has_external_data |= any(map(_node_is_external, function.node))
    return reading.result()


class _Reading:
    """The parts of a file read so far."""

    def __init__(self) -> None:
        self.name = ""
        self.nodes: list[Node] = []
        self.initializers: dict[str, Constant] = {}
        self.elements: dict[str, int] = {}
        self.names: dict[str, set[str]] = {"input": set(), "output": set(), "value_info": set()}
        self.opset: int | None = None
        self.functions: set[str] = set()
        self.has_external_data = False

    def result(self) -> OnnxFile:
        return OnnxFile(
            self.name,
            tuple(self.nodes),
            self.initializers,
            frozenset(self.names["input"]),
            frozenset(self.names["output"]),
            self.elements,
            self.opset,
            frozenset(self.functions),
            self.has_external_data,
        )


def _read_graph(reading: _Reading, data: Bytes, graph: Element) -> None:
    for each in elements(data, "GraphProto", [(graph.start, graph.end)]):
        if each.name == "node":
            if len(reading.nodes) == limits.LAYERS:
                raise TooManyNodesError
            node = message(data, each, "NodeProto")
            reading.nodes.append(_node(node))
            reading.has_external_data |= _node_is_external(node)
        elif each.name == "name":
            reading.name = text(data[each.start : each.end])
        elif each.name == "initializer":
            tensor = message(data, each, "TensorProto")
            reading.initializers[text(tensor.name)] = _dense(tensor)
            reading.has_external_data |= _is_external(tensor)
        elif each.name == "sparse_initializer":
            sparse = message(data, each, "SparseTensorProto")
            reading.initializers[text(sparse.values.name)] = _sparse(sparse)
            reading.has_external_data |= _sparse_is_external(sparse)
        else:
            info = message(data, each, "ValueInfoProto")
            name = text(info.name)
            reading.names[each.name].add(name)
            if element := info.type.tensor_type.elem_type:
                reading.elements[name] = element


def message(data: Bytes, element: Element, name: str) -> Any:
    """Return the message of a type in proto/onnx.proto that an element is."""
    return parsed(data, element.start, element.end, contracts.message_class("onnx", f"onnx.{name}"))


def text(content: bytes) -> str:
    """Return a name."""
    return content.decode(errors="replace")


def _qualified(domain: str, op_type: str) -> str:
    return op_type if domain in DOMAINS else f"{domain}.{op_type}"


def _node(node: Any) -> Node:
    domain, op_type = text(node.domain), text(node.op_type)
    graphs = list(_graphs(node))
    return Node(
        text(node.name),
        domain,
        op_type,
        tuple(map(text, node.input)),
        tuple(map(text, node.output)),
        dict(_values(node)),
        _constant(node) if _qualified(domain, op_type) == CONSTANT else None,
        bool(graphs),
        frozenset().union(*map(_outer_reads, graphs)) if graphs else frozenset(),
    )


def _values(node: Any) -> Iterator[tuple[str, Value]]:
    for attribute in node.attribute:
        name = _VALUE_FIELDS.get(attribute.type) if attribute.type else _present(attribute)
        if name:
            value = getattr(attribute, name)
            yield text(attribute.name), tuple(value) if name == "ints" else value


def _present(attribute: Any) -> str | None:
    """Return the field with the value of an attribute that has no type, as in the first version of ONNX."""
    present = [each.name for each, _ in attribute.ListFields() if each.name in _VALUE_FIELDS.values()]
    return present[0] if present else None


def _constant(node: Any) -> Constant | None:
    """Return the tensor of a Constant node; it has one attribute, which says what it is."""
    for attribute in node.attribute:
        name = text(attribute.name)
        if name == "value":
            return _dense(attribute.t)
        if name == "sparse_value":
            return _sparse(attribute.sparse_tensor)
        if name in _SCALAR_CONSTANTS:
            shape = (len(attribute.floats) or len(attribute.ints),) if name.endswith("s") else ()
            return Constant(shape, _SCALAR_CONSTANTS[name])
    return None


def _dense(tensor: Any) -> Constant:
    return Constant(tuple(tensor.dims), tensor.data_type)


def _sparse(tensor: Any) -> Constant:
    return Constant(tuple(tensor.dims), tensor.values.data_type)


# Subgraphs


def _graphs(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _outer_reads(graph: Any) -> frozenset[str]:
    """Return the values that a subgraph reads, and does not define itself."""
    reads = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    inner = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    inner |= {tensor.values.name for tensor in graph.sparse_initializer}
    inner |= {name for node in graph.node for name in node.output}
    nested = (_outer_reads(each) for node in graph.node for each in _graphs(node))
    return frozenset().union(map(text, reads - inner), *nested) - set(map(text, inner))


# External data


def _is_external(tensor: Any) -> bool:
    return bool(tensor.data_location == _EXTERNAL)


def _sparse_is_external(tensor: Any) -> bool:
    return _is_external(tensor.values) or _is_external(tensor.indices)


def _node_is_external(node: Any) -> bool:
    return any(
        any(map(_is_external, (attribute.t, *attribute.tensors)))
        or any(map(_sparse_is_external, (attribute.sparse_tensor, *attribute.sparse_tensors)))
        for attribute in node.attribute
    ) or any(map(_graph_is_external, _graphs(node)))


def _graph_is_external(graph: Any) -> bool:
    return (
        any(map(_is_external, graph.initializer))
        or any(map(_sparse_is_external, graph.sparse_initializer))
        or any(map(_node_is_external, graph.node))
    )
