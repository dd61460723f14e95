"""What an ONNX file says about the values of its graph beyond onnx_file: shapes and small tensors.

Only what needs shapes reads it. Anything invalid is as if it were missing: what
quantization needs has been read before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from quantcfg import contracts
from quantcfg.editions.onnx.known_numbers import Numbers, stored_numbers
from quantcfg.editions.onnx.onnx_file import Element, elements, parsed_element, text, value_name
from quantcfg.frozen import frozen_value
from quantcfg.wire import Bytes, MalformedError, TooDeepError

_PROTO = "onnx_operations"

_SMALL = 2**14
"""The number of bytes of a message with the largest tensor that is read."""

Sizes = tuple[int | None, ...]
"""The sizes of a value, None where they are unknown."""


@frozen_value
class GraphValues:
    """The shapes and numbers of values.

    inputs are the names of all inputs in their order, sizes those of inputs, outputs and
    other values, numbers those of initializers. attributes are the strings, tensors and
    lists of floats of each node.
    """

    inputs: tuple[str, ...]
    sizes: Mapping[str, Sizes]
    numbers: Mapping[str, Numbers]
    attributes: tuple[Mapping[str, Any], ...]


def read_graph_values(data: Bytes) -> GraphValues:
    """Return the values of the graph in a mapped file.

    Raises:
        MalformedError: the file is not a valid protobuf message.

    """
    parts: dict[str, list[Any]] = defaultdict(list)
    for graph in _elements(data, "ModelProto"):
        for part in _elements(data, "GraphProto", graph):
            parts[part.name].append(_READERS[part.name](data, part))
    values = [value for key in ("value_info", "output", "input") for value in parts[key]]
    return GraphValues(
        tuple(name for name, _ in parts["input"]),
        {name: sizes for name, sizes in values if sizes is not None},
        {name: numbers for name, numbers in parts["initializer"] if numbers},
        tuple(parts["node"]),
    )


def _read_node(data: Bytes, part: Element) -> Mapping[str, Any]:
    found = (_read_attribute(data, each) for each in _elements(data, "NodeProto", part))
    return {name: value for name, value in found if value is not None}


def _read_attribute(data: Bytes, part: Element) -> tuple[str, Any]:
    attribute = _small(data, part, "AttributeProto")
    if attribute.HasField("t"):
        return text(attribute.name), stored_numbers(attribute.t)
    if attribute.HasField("s"):
        return text(attribute.name), text(attribute.s)
    return text(attribute.name), tuple(attribute.floats) or None


def _read_initializer(data: Bytes, part: Element) -> tuple[str, Numbers | None]:
    tensor = _small(data, part, "TensorProto")
    return value_name(tensor.name), stored_numbers(tensor)


def _read_value(data: Bytes, part: Element) -> tuple[str, Sizes | None]:
    value = _small(data, part, "ValueInfoProto")
    tensor = value.type.tensor_type
    sizes = tuple(each.dim_value if each.dim_value > 0 else None for each in tensor.shape.dim)
    return value_name(value.name), sizes if tensor.HasField("shape") else None


_READERS: Mapping[str, Callable[[Bytes, Element], Any]] = {
    "node": _read_node,
    "initializer": _read_initializer,
    "input": _read_value,
    "output": _read_value,
    "value_info": _read_value,
}
"""How the fields of graphs are read."""


def _elements(data: Bytes, message: str, parent: Element | None = None) -> Iterator[Element]:
    return elements(data, message, parent, _PROTO)


def _small(data: Bytes, part: Element, name: str) -> Any:
    """Return a message, an empty one if it is invalid, or too large to have small tensors only."""
    if part.end - part.start <= _SMALL:
        try:
            return parsed_element(data, part, name, _PROTO)
        except (MalformedError, TooDeepError):
            pass
    return contracts.message_class(_PROTO, f"{_PROTO}.{name}")()
