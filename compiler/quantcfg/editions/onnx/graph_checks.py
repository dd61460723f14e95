"""Check what AMCT requires of a graph, and warn about what it may not support."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from shlex import quote

from quantcfg.diagnostics import Report, catalogue, related
from quantcfg.diagnostics.catalogue import Rule
from quantcfg.diagnostics.phrases import few, quoted
from quantcfg.editions.onnx import ONNX
from quantcfg.editions.onnx.graph import Graph, input_of, weight_of
from quantcfg.editions.onnx.onnx_file import Node, Operator, element_type
from quantcfg.editions.onnx.unique_names import new_names
from quantcfg.network.network import Layer


def check_graph(file: str, graph: Graph, layers: Sequence[Layer], report: Report) -> None:
    """Report errors in the graph of a file, and what AMCT may not support."""
    _check_opset(file, graph.file.opset, report)
    _check_amct_operators(file, graph, layers, report)
    _check_names(file, graph.file.nodes, layers, report)
    _check_weights(graph, layers, report)
    pairs = [(node, layer) for node, layer in zip(graph.file.nodes, layers, strict=True) if layer.quantizable]
    pooling = [layer for node, layer in pairs if node.type == "AveragePool" and _is_float16(graph, node)]
    _warn(catalogue.FLOAT16_POOLING, pooling, report)
    dilated = [layer for node, layer in pairs if node.type == "ConvTranspose" and _is_dilated(layer)]
    _warn(catalogue.DILATED_DECONVOLUTION, dilated, report)


def _check_opset(file: str, opset: int | None, report: Report) -> None:
    low, high = ONNX.layer_types.contract["opsets"]
    if opset is not None and not low <= opset <= high:
        report(catalogue.UNUSUAL_OPSET.at(None, file=file, opset=opset, low=low, high=high))


def _check_amct_operators(file: str, graph: Graph, layers: Sequence[Layer], report: Report) -> None:
    """Report nodes that AMCT adds when it quantizes a network, also in subgraphs and functions."""
    for node, layer in zip(graph.file.nodes, layers, strict=True):
        what = f'layer "{layer.name}"' if layer.name else "a layer"
        if _is_of_amct(Operator(node.domain, node.op_type)):
            report(catalogue.ALREADY_QUANTIZED.at(layer.span, what=what, type=layer.type))
        elif operator := next(filter(_is_of_amct, sorted(node.inner)), None):
            what = f"a node in a subgraph of {what}"
            report(catalogue.ALREADY_QUANTIZED.at(layer.span, what=what, type=operator.type))
    for name, operators in graph.file.functions.items():
        if operator := next(filter(_is_of_amct, sorted(operators)), None):
            what = f'a node of the function "{name}"'
            report(catalogue.ALREADY_QUANTIZED.at(None, file=file, what=what, type=operator.type))


def _is_of_amct(operator: Operator) -> bool:
    contract = ONNX.layer_types.contract
    return operator.domain in contract["amct_domains"] or operator.op_type in contract["amct_types"]


def _check_names(file: str, nodes: Sequence[Node], layers: Sequence[Layer], report: Report) -> None:
    """Report quantizable nodes without a unique name, which is a key of the configuration (U7, U24)."""
    proposed = new_names(nodes)
    command = f"quantcfg name-nodes {quote(os.path.basename(file))} -o named.onnx"
    first = {layer.name: layer for layer in reversed(layers) if layer.name}
    for position, name in proposed.items():
        layer, help = layers[position], f'name it "{name}", or run "{command}"'
        other = first.get(layer.name)
        if other is None and layer.quantizable:
            rule = catalogue.NAME_NOT_UTF8 if nodes[position].is_misnamed else catalogue.UNNAMED_NODE
            report(rule.at(layer.span, type=layer.type, help=help))
        elif other and (layer.quantizable or other.quantizable):
            place = related(other.span, "first used here")
            report(catalogue.REPEATED_NODE.at(layer.span, name=layer.name, related=place, help=help))


def _check_weights(graph: Graph, layers: Sequence[Layer], report: Report) -> None:
    """Warn about quantizable layers that share a weight: only parts of AMCT accept it (U10, U23)."""
    sharing: dict[str, list[Layer]] = defaultdict(list)
    for node, layer in zip(graph.file.nodes, layers, strict=True):
        weight = weight_of(node)
        if weight and graph.is_shared(weight):
            sharing[weight].append(layer)
    for group in sharing.values():
        if any(layer.quantizable for layer in group):
            _warn(catalogue.SHARED_WEIGHT, group, report)


def _warn(rule: Rule, layers: Sequence[Layer], report: Report) -> None:
    if layers:
        report(rule.at(layers[0].span, layers=_shown(layers)))


def _shown(layers: Sequence[Layer]) -> str:
    """Return layers in words: their names, or their locations if several have the same name."""
    names = [layer.name or f"unnamed {layer.type}" for layer in layers]
    if len(set(names)) == len(names):
        return quoted(names)
    return few(layer.span.text for layer in layers if layer.span)


def _is_float16(graph: Graph, node: Node) -> bool:
    """Return whether a node has float16 values: its input or output, else the weights of the graph."""
    known = (graph.file.elements.get(name) for name in (input_of(node, 0), *node.outputs[:1]))
    return next(filter(None, known), graph.weight_element) == element_type("FLOAT16")


def _is_dilated(layer: Layer) -> bool:
    dilations = layer.attributes.get("dilations")
    return isinstance(dilations, tuple) and any(each != 1 for each in dilations)
