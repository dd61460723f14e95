"""Read an ONNX model into a network: a layer for each node of its top-level graph."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from quantcfg import limits
from quantcfg.diagnostics import Diagnostic, Report, catalogue, has_errors
from quantcfg.diagnostics.catalogue import limited
from quantcfg.editions import other_content
from quantcfg.editions.onnx import ONNX
from quantcfg.editions.onnx.graph import Graph
from quantcfg.editions.onnx.graph_checks import check_graph
from quantcfg.editions.onnx.node_layer import layer_of
from quantcfg.editions.onnx.onnx_file import Node, OnnxFile, TooManyNodesError, read_onnx
from quantcfg.files import HDF5, ZIP, PathLike, Reader, reason
from quantcfg.network.fusion_groups import with_fusion_groups
from quantcfg.network.network import Layer, Network
from quantcfg.source import Source, Span
from quantcfg.wire import MalformedError, TooDeepError, mapped

_EXPORT = {
    HDF5: "export the model to ONNX",
    ZIP: "extract the model from it; export a PyTorch model to ONNX",
}
"""The help for formats in which models are kept that can be exported."""

_LONGEST_NAME = 200
"""The number of characters of a node name that its location shows."""


def read_model(
    model: PathLike,
    weights: PathLike | None,
    report: Report,
    *,
    read: Reader,  # noqa: ARG001
) -> Network | None:
    """Return the network of an ONNX model, or None after reporting why it cannot be read.

    read is for text files, and not used.
    """
    name = os.fspath(model)
    if weights is not None:
        help = "omit the weights file"
        report(catalogue.WEIGHTS_IN_MODEL.at(None, file=os.fspath(weights), help=help))
    content = read_file(name, report)
    return None if content is None or weights is not None else network_of(name, content, report)


def network_of(name: str, content: OnnxFile, report: Report) -> Network | None:
    """Return the network of an ONNX file, or None after reporting why it cannot be used.

    Warnings are reported, and kept in the network as well.
    """
    found: list[Diagnostic] = []
    layers = _layers(name, content, limited(found.append))
    for diagnostic in found:
        report(diagnostic)
    return None if has_errors(found) else Network(ONNX, content.name, layers, tuple(found))


def read_file(name: str, report: Report) -> OnnxFile | None:
    """Return the content of an ONNX file, or None after reporting why it cannot be read."""
    try:
        with mapped(name) as data:
            content = read_onnx(data)
    except (OSError, ValueError) as error:
        report(catalogue.UNREADABLE_FILE.at(None, file=name, reason=reason(error)))
    except MalformedError as error:
        report(_malformed(name, error))
    except TooDeepError:
        report(catalogue.TOO_DEEP.at(None, file=name, limit=limits.NESTING))
    except TooManyNodesError:
        report(catalogue.TOO_MANY_LAYERS.at(None, file=name, limit=limits.LAYERS))
    else:
        if content.nodes:
            return content
        report(_other_file(name) or catalogue.NO_NODES.at(None, file=name))
    return None


def _malformed(name: str, error: MalformedError) -> Diagnostic:
    what = "truncated inside the field" if error.is_truncated else "malformed data"
    reason = f"{what} at byte {error.offset}"
    return _other_file(name) or catalogue.MALFORMED_ONNX.at(
        None, file=name, reason=reason, help="export or download the model again"
    )


def _other_file(name: str) -> Diagnostic | None:
    """Return the error for a file that is recognized as something else."""
    found = other_content(name, ONNX)
    if found is None:
        return None
    help = _EXPORT.get(found.what, found.help)
    return catalogue.OTHER_CONTENT.at(None, file=name, what=found.what, wanted=ONNX.words.model, help=help)


def _layers(name: str, content: OnnxFile, report: Report) -> tuple[Layer, ...]:
    graph = Graph(content)
    spans = _spans(name, content.nodes)
    layers = [layer_of(graph, node, span) for node, span in zip(content.nodes, spans, strict=True)]
    check_graph(name, graph, layers, report)
    return with_fusion_groups(layers, ONNX.layer_types, graph.read_elsewhere)


def _spans(name: str, nodes: Sequence[Node]) -> Iterator[Span]:
    """Return the spans of the nodes in a list of them."""
    lines = [_line(position, node) for position, node in enumerate(nodes)]
    source, start = Source(name, "\n".join(lines), is_binary=True), 0
    for line in lines:
        yield Span(source, start, start + len(line))
        start += len(line) + 1


def _line(position: int, node: Node) -> str:
    name = node.name if len(node.name) <= _LONGEST_NAME else f"{node.name[:_LONGEST_NAME]}..."
    line = f'node {position}, {node.type} "{name}"' if name else f"node {position}, {node.type}"
    return line.replace("\n", "\N{REPLACEMENT CHARACTER}")
