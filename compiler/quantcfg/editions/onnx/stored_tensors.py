"""Where the values of the weights of an ONNX model are, in the model or in files beside it.

Tensors are found by name, and their values are not read. Only the weights of
quantizable nodes and of what is folded into them are looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import prod
from typing import NamedTuple

from quantcfg import contracts
from quantcfg.diagnostics import Report, catalogue
from quantcfg.editions.onnx import ONNX
from quantcfg.editions.onnx.external_data import ExternalDataError, Storage, amount, external_array
from quantcfg.editions.onnx.graph import Graph, input_of, weight_of
from quantcfg.editions.onnx.onnx_file import (
    PROTO,
    Element,
    Node,
    element_name,
    elements,
    is_external,
    parsed_element,
    text,
    value_name,
)
from quantcfg.network import Layer
from quantcfg.network.network import Shape
from quantcfg.network.operations import StoredArray, StoredWeights
from quantcfg.wire import LENGTH, VARINT, Bytes, declared

_PROTO = "onnx_weights"

_BIAS_INPUT = 2
_MOST_PIECES = 4096
"""The limit on the pieces of a list of values; exporters write one."""

Span = tuple[int, int]


_STORAGES = {
    "FLOAT": Storage("<f4", 4, "float_data"),
    "DOUBLE": Storage("<f8", 8, "double_data"),
    "FLOAT16": Storage("<f2", 2, "int32_data"),
    "BFLOAT16": Storage("bfloat16", 2, "int32_data"),
}


class _Values(NamedTuple):
    """Where the values of a tensor are: the pieces of each field, and the entries about external data."""

    pieces: Mapping[str, list[Span]]
    external: Mapping[str, str]


# --- the weights that are needed


def wanted_values(graph: Graph, layers: Iterable[Layer]) -> Mapping[str, Layer]:
    """Return the constants that are weights of quantizable nodes, or of nodes that are folded into them."""
    pairs = zip(graph.file.nodes, layers, strict=True)
    found: dict[str, Layer] = {}
    for node, layer in pairs:
        for name in _weights(node, layer):
            if name in graph.constants:
                found.setdefault(name, layer)
    return found


def _weights(node: Node, layer: Layer) -> Iterator[str]:
    known = ONNX.layer_types.known.get(node.type, {})
    if layer.quantizable and (weight := weight_of(node)):
        yield weight
        yield input_of(node, _BIAS_INPUT)
    elif layer.fusion:
        yield from (input_of(node, index) for index in known.get("parameter_inputs", ()))


# --- tensors in the file


def stored_tensors(
    name: str, data: Bytes, graph: Graph, wanted: Mapping[str, Layer], report: Report
) -> StoredWeights:
    """Return where the wanted values are in a model, and why others cannot be used.

    Errors in external data are reported. name is the file of the model.
    """
    once = _once(report)
    found: dict[str, tuple[StoredArray, ...]] = {
        each: (_unusable("its values are not stored in a tensor"),) for each in wanted
    }
    position = 0
    made: dict[str, tuple[StoredArray, ...]] = {}
    for part in _graph_parts(data):
        if part.name == "node":
            node, position = graph.file.nodes[position], position + 1
            value = node.outputs[0] if node.constant and node.outputs else ""
            if value in wanted:
                for tensor in _attribute_parts(data, part, "t"):
                    made[value] = (_stored_array(name, data, tensor, value, wanted[value], once),)
                if pieces := [each[1:] for each in _attribute_parts(data, part, "floats")]:
                    made[value] = (_listed_floats(data, pieces, graph.shape(value) or ()),)
                if number := [each[1:] for each in _attribute_parts(data, part, "f")][-1:]:
                    made[value] = (_listed_floats(data, number, ()),)
        elif part.name == "initializer":
            value = value_name(parsed_element(data, part, "TensorProto").name)
            if value in wanted:
                found[value] = (_stored_array(name, data, part, value, wanted[value], once),)
    # An initializer takes precedence over the output of a node, as in Graph.constants.
    return {**found, **{each: array for each, array in made.items() if each not in graph.file.initializers}}


def _once(report: Report) -> Callable[[Layer, str, str], None]:
    """Return a function that reports a reason for the first tensor that has it."""
    seen = set[str]()

    def reported(layer: Layer, tensor: str, why: str) -> None:
        if why not in seen:
            seen.add(why)
            report(catalogue.EXTERNAL_DATA.at(layer.span, tensor=_shown(tensor), reason=why))

    return reported


def _shown(value: str) -> str:
    return text(value.encode(errors="surrogateescape"))


def _graph_parts(data: Bytes) -> Iterator[Element]:
    for part in elements(data, "ModelProto"):
        if part.name == "graph":
            yield from elements(data, "GraphProto", part)


def _attribute_parts(data: Bytes, node: Element, name: str) -> Iterator[Element]:
    """Yield the fields with a name of the attributes of a node; a list may be in several pieces."""
    message = contracts.descriptors(PROTO)[f"{PROTO}.AttributeProto"]
    for attribute in elements(data, "NodeProto", node):
        if attribute.name == "attribute":
            for field, wire, start, end in declared(data, attribute.start, attribute.end, message):
                if field.name == name and wire != VARINT:
                    yield Element(name, start, end)


def _listed_floats(data: Bytes, pieces: list[Span], shape: Shape) -> StoredArray:
    """Return where the values of a Constant node are that has floats in its attribute."""
    storage = _STORAGES["FLOAT"]
    return _inner_array(data, _Values({storage.field: pieces}, {}), shape, storage)


def _stored_array(
    model: str,
    data: Bytes,
    part: Element,
    name: str,
    layer: Layer,
    report: Callable[[Layer, str, str], None],
) -> StoredArray:
    """Return where the values of a tensor are, or why they cannot be used."""
    tensor = parsed_element(data, part, "TensorProto")
    element = element_name(tensor.data_type)
    stored = _STORAGES.get(element)
    if stored is None:
        what = "supported" if "FLOAT" in element else "floating point"
        return _unusable(f"its values are {element}, which is not {what}")
    shape = tuple(tensor.dims)
    if min(shape, default=0) < 0:
        return _unusable(f"its shape is {'x'.join(map(str, shape))}")
    values = _values(data, part)
    if not is_external(tensor):
        return _inner_array(data, values, shape, stored)
    try:
        return external_array(model, values.external, shape, stored)
    except ExternalDataError as error:
        report(layer, name, str(error))
        return _unusable("its external data cannot be used")


def _unusable(problem: str) -> StoredArray:
    return StoredArray((), "", (), problem=problem)


def _values(data: Bytes, part: Element) -> _Values:
    message = contracts.descriptors(_PROTO)[f"{_PROTO}.TensorProto"]
    pieces: dict[str, list[Span]] = {}
    external: dict[str, str] = {}
    for field, wire, start, end in declared(data, part.start, part.end, message):
        if field.message and wire == LENGTH:
            entry = parsed_element(data, Element(field.name, start, end), "StringStringEntryProto", _PROTO)
            external[text(entry.key)] = text(entry.value)
        elif wire != VARINT:
            pieces.setdefault(field.name, []).append((start, end))
    return _Values(pieces, external)


def _inner_array(data: Bytes, values: _Values, shape: Shape, stored: Storage) -> StoredArray:
    count, size = prod(shape), 0
    raw = values.pieces.get("raw_data", [])[-1:]
    pieces = raw or values.pieces.get(stored.field, [])
    if len(pieces) > _MOST_PIECES:
        return _unusable(f"its values are in more than {_MOST_PIECES:,} pieces")
    is_packed = not raw and stored.field == "int32_data"
    if is_packed:
        found = sum(_varint_count(data[start:end]) for start, end in pieces)
    else:
        size = sum(end - start for start, end in pieces)
        found = size // stored.size
    if size % stored.size:
        needed = amount(count * stored.size, "byte")
        return _unusable(f"its shape needs {needed}, but the model has {size}")
    if found != count:
        return _unusable(f"its shape needs {amount(count, 'value')}, but the model has {found}")
    return StoredArray(shape, stored.dtype, tuple(pieces), is_varint=is_packed)


def _varint_count(content: bytes) -> int:
    return len(content.translate(None, bytes(range(0x80, 0x100))))
