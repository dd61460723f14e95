"""Read the graph of an ONNX file, without the data of its tensors.

The file is mapped into memory and walked there. Nodes and tensors are parsed one
by one, by what proto/onnx.proto declares. External data is never opened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from quantcfg import contracts, limits
from quantcfg.contracts.descriptors import Descriptor
from quantcfg.editions.onnx import ONNX
from quantcfg.frozen import frozen_value, small_value
from quantcfg.network.network import Shape
from quantcfg.wire import LENGTH, Bytes, declared, parsed

PROTO = "onnx"
"""The file of proto/ with the part of a model that quantization needs, and its package."""

CONSTANT = "Constant"
_VALUE_FIELDS = {"FLOAT": "f", "INT": "i", "INTS": "ints"}
"""The field with the value of an attribute, by the type of the attribute."""
_SCALAR_CONSTANTS = {
    "value_float": "FLOAT",
    "value_floats": "FLOAT",
    "value_int": "INT64",
    "value_ints": "INT64",
}
"""The element type of a constant, by the attribute with its value."""

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
    is_external: bool = False


class Operator(NamedTuple):
    """The operator of a node."""

    domain: str
    op_type: str

    @property
    def type(self) -> str:
        """The operator, with the domain in front if it is not one of ONNX itself."""
        return _qualified(self.domain, self.op_type)


@small_value
class Node:
    """A node of the top-level graph.

    type is the operator, with the domain in front if it is not one of ONNX itself.
    attributes has the numbers and lists of integers, other_attributes the names of all
    others. constant is the tensor of a Constant node. outer_reads are the values that
    subgraphs read from around them, inner the operators in them. is_misnamed is whether
    the name is not UTF-8: a request cannot contain it, so the node counts as unnamed.
    """

    name: str
    domain: str
    op_type: str
    type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Value]
    constant: Constant | None = None
    has_subgraph: bool = False
    outer_reads: frozenset[str] = frozenset()
    is_external: bool = False
    other_attributes: frozenset[str] = frozenset()
    inner: frozenset[Operator] = frozenset()
    is_misnamed: bool = False


@frozen_value
class OnnxFile:
    """The part of an ONNX file that is read.

    initializers are those of the top-level graph by name, elements the known element types of
    its values. functions are the types that the file defines itself, with the
    operators in them.
    """

    name: str
    nodes: tuple[Node, ...]
    initializers: Mapping[str, Constant]
    inputs: frozenset[str]
    outputs: frozenset[str]
    elements: Mapping[str, int]
    opset: int | None
    functions: Mapping[str, frozenset[Operator]]
    has_external_data: bool


class _Function(NamedTuple):
    """A function: its type, the operators in it, and whether it has external data."""

    type: str
    operators: frozenset[Operator]
    is_external: bool


class Element(NamedTuple):
    """A field of a message: its name, and the offsets of its content."""

    name: str
    start: int
    end: int


def elements(
    data: Bytes, message: str, parent: Element | None = None, proto: str = PROTO
) -> Iterator[Element]:
    """Yield the declared fields of an element, or of the whole file, except numbers.

    message is its type, in a file of proto/.
    """
    start, end = (parent.start, parent.end) if parent else (0, len(data))
    for each, wire, content, content_end in declared(data, start, end, _descriptor(message, proto)):
        if wire == LENGTH:
            yield Element(each.name, content, content_end)


def parsed_element(data: Bytes, part: Element, message: str, proto: str = PROTO) -> Any:
    """Parse an element as a message in a file of proto/.

    Raises:
        MalformedError: the message is invalid.
        TooDeepError: it is nested too deep.

    """
    message_class = contracts.message_class(proto, f"{proto}.{message}")
    return parsed(data, part.start, part.end, message_class, _descriptor(message, proto))


def _descriptor(message: str, proto: str = PROTO) -> Descriptor:
    return contracts.descriptors(proto)[f"{proto}.{message}"]


def element_type(name: str) -> int:
    """Return the number of an element type, such as "FLOAT16"."""
    return _numbers("TensorProto", "data_type")[name]


def element_name(number: int) -> str:
    """Return the name of an element type by its number."""
    return next(name for name, each in _numbers("TensorProto", "data_type").items() if each == number)


@cache
def _numbers(message: str, field: str) -> Mapping[str, int]:
    enum = _descriptor(message).fields[field].enum
    assert enum
    return enum.numbers


def read_onnx(data: Bytes) -> OnnxFile:
    """Return the graph in a mapped file.

    Raises:
        MalformedError: the file is not a valid protobuf message.
        TooDeepError: its messages are nested too deep.
        TooManyNodesError: it has too many nodes.

    """
    parts: dict[str, list[Any]] = defaultdict(list)
    for each in elements(data, "ModelProto"):
        inner = elements(data, "GraphProto", each) if each.name == "graph" else [each]
        for part in inner:
            if read := _READERS.get(part.name):
                parts[part.name].append(read(data, part))
                if len(parts["node"]) > limits.LAYERS:
                    raise TooManyNodesError
    initializers = [named for key in _INITIALIZERS for named in parts[key]]
    values = [value for key in ("input", "output", "value_info") for value in parts[key]]
    opsets = [version for domain, version in parts["opset_import"] if _is_of_onnx(domain)]
    with_data = [*parts["node"], *parts["functions"], *(tensor for _, tensor in initializers)]
    return OnnxFile(
        "".join(parts["name"][-1:]),
        tuple(parts["node"]),
        dict(initializers),
        frozenset(name for name, _ in parts["input"]),
        frozenset(name for name, _ in parts["output"]),
        {name: element for name, element in values if element},
        opsets[-1] if opsets else None,
        {function.type: function.operators for function in parts["functions"]},
        any(each.is_external for each in with_data) or any(parts["training_info"]),
    )


def _read_name(data: Bytes, part: Element) -> str:
    return text(data[part.start : part.end])


def _read_opset(data: Bytes, part: Element) -> tuple[str, int]:
    opset = parsed_element(data, part, "OperatorSetIdProto")
    return text(opset.domain), opset.version


def _read_function(data: Bytes, part: Element) -> _Function:
    function = parsed_element(data, part, "FunctionProto")
    return _Function(
        _qualified(text(function.domain), text(function.name)),
        _operators(function.node),
        any(map(_node_is_external, function.node)) or any(map(_value_is_external, function.attribute_proto)),
    )


def _read_training(data: Bytes, part: Element) -> bool:
    """Return whether the graphs for training have external data."""
    training = parsed_element(data, part, "TrainingInfoProto")
    return any(map(_graph_is_external, (training.initialization, training.algorithm)))


def _read_node(data: Bytes, part: Element) -> Node:
    return _node(parsed_element(data, part, "NodeProto"))


def _read_initializer(data: Bytes, part: Element) -> tuple[str, Constant]:
    tensor = parsed_element(data, part, "TensorProto")
    return value_name(tensor.name), _dense(tensor)


def _read_sparse(data: Bytes, part: Element) -> tuple[str, Constant]:
    tensor = parsed_element(data, part, "SparseTensorProto")
    return value_name(tensor.values.name), _sparse(tensor)


def _read_value(data: Bytes, part: Element) -> tuple[str, int]:
    """Return the name of a value and the number of its element type, 0 if it is not known."""
    value = parsed_element(data, part, "ValueInfoProto")
    return value_name(value.name), value.type.tensor_type.elem_type


_INITIALIZERS = ("initializer", "sparse_initializer")
_READERS: Mapping[str, Callable[[Bytes, Element], Any]] = {
    "opset_import": _read_opset,
    "functions": _read_function,
    "training_info": _read_training,
    "name": _read_name,
    "node": _read_node,
    "initializer": _read_initializer,
    "sparse_initializer": _read_sparse,
    "input": _read_value,
    "output": _read_value,
    "value_info": _read_value,
}
"""How the fields of models and graphs are read, by name; no name is in both."""


def text(content: bytes) -> str:
    """Return a name that is only shown, or compared with names of ONNX."""
    return content.decode(errors="replace")


def value_name(content: bytes) -> str:
    """Return the name of a value: different bytes stay different, because values are found by name."""
    return content.decode(errors="surrogateescape")


def _node_name(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _qualified(domain: str, op_type: str) -> str:
    return op_type if _is_of_onnx(domain) else f"{domain}.{op_type}"


def _is_of_onnx(domain: str) -> bool:
    """Return whether a domain has the operators of ONNX itself."""
    return domain in ONNX.layer_types.contract["onnx_domains"]


def _node(node: Any) -> Node:
    domain, op_type, values = text(node.domain), text(node.op_type), dict(_values(node))
    node_type, graphs = _qualified(domain, op_type), list(_graphs(node))
    name = _node_name(node.name)
    return Node(
        name or "",
        domain,
        op_type,
        node_type,
        tuple(map(value_name, node.input)),
        tuple(map(value_name, node.output)),
        values,
        _constant(node) if node_type == CONSTANT else None,
        bool(graphs),
        frozenset().union(*map(_outer_reads, graphs)) if graphs else frozenset(),
        _node_is_external(node),
        frozenset(text(each.name) for each in node.attribute).difference(values),
        frozenset().union(*(_operators(graph.node) for graph in graphs)) if graphs else frozenset(),
        is_misnamed=name is None,
    )


def _values(node: Any) -> Iterator[tuple[str, Value]]:
    for attribute in node.attribute:
        name = _value_fields().get(attribute.type) if attribute.type else _present(attribute)
        if name:
            value = getattr(attribute, name)
            yield text(attribute.name), tuple(value) if name == "ints" else value


@cache
def _value_fields() -> Mapping[int, str]:
    numbers = _numbers("AttributeProto", "type")
    return {numbers[name]: field for name, field in _VALUE_FIELDS.items()}


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
            return Constant(shape, element_type(_SCALAR_CONSTANTS[name]))
    return None


def _dense(tensor: Any) -> Constant:
    return Constant(tuple(tensor.dims), tensor.data_type, is_external(tensor))


def _sparse(tensor: Any) -> Constant:
    return Constant(tuple(tensor.dims), tensor.values.data_type, _sparse_is_external(tensor))


# Subgraphs


def _graphs(node: Any) -> Iterator[Any]:
    return chain.from_iterable(map(_graphs_of, node.attribute))


def _graphs_of(attribute: Any) -> Iterator[Any]:
    if attribute.HasField("g"):
        yield attribute.g
    yield from attribute.graphs


def _operators(nodes: Iterable[Any]) -> frozenset[Operator]:
    """Return the operators of nodes, and of those in their subgraphs."""
    own = {Operator(text(node.domain), text(node.op_type)) for node in nodes}
    return frozenset(own).union(*(_operators(graph.node) for node in nodes for graph in _graphs(node)))


def _outer_reads(graph: Any) -> frozenset[str]:
    """Return the values that a subgraph reads, and does not define itself."""
    reads = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    inner = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    inner |= {tensor.values.name for tensor in graph.sparse_initializer}
    inner |= {name for node in graph.node for name in node.output}
    nested = (_outer_reads(each) for node in graph.node for each in _graphs(node))
    return frozenset().union(map(value_name, reads - inner), *nested) - set(map(value_name, inner))


# External data


def is_external(tensor: Any) -> bool:
    """Return whether the values of a tensor are in another file."""
    return bool(tensor.data_location == _numbers("TensorProto", "data_location")["EXTERNAL"])


def _sparse_is_external(tensor: Any) -> bool:
    return is_external(tensor.values) or is_external(tensor.indices)


def _node_is_external(node: Any) -> bool:
    return any(map(_value_is_external, node.attribute))


def _value_is_external(attribute: Any) -> bool:
    return (
        any(map(is_external, (attribute.t, *attribute.tensors)))
        or any(map(_sparse_is_external, (attribute.sparse_tensor, *attribute.sparse_tensors)))
        or any(map(_graph_is_external, _graphs_of(attribute)))
    )


def _graph_is_external(graph: Any) -> bool:
    return (
        any(map(is_external, graph.initializer))
        or any(map(_sparse_is_external, graph.sparse_initializer))
        or any(map(_node_is_external, graph.node))
    )
