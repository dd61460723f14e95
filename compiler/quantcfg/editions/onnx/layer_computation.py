"""How the nodes of ONNX compute with their weights, which are in the model."""

from __future__ import annotations

from quantcfg.diagnostics import Diagnostic, Report, catalogue, has_errors
from quantcfg.diagnostics.catalogue import limited
from quantcfg.editions.onnx.graph import Graph
from quantcfg.editions.onnx.layer_weights import bias_problems, folded_weights, weight_problems
from quantcfg.editions.onnx.onnx_file import TooManyNodesError, read_onnx
from quantcfg.editions.onnx.stored_tensors import stored_tensors, wanted_values
from quantcfg.files import PathLike, reason
from quantcfg.network import Network
from quantcfg.weights.arrays import WeightsFile, map_weights
from quantcfg.weights.computation import Computation
from quantcfg.wire import MalformedError, TooDeepError, mapped


def _read(network: Network, weights: PathLike | None, report: Report) -> WeightsFile | None:  # noqa: ARG001
    span = network.layers[0].span
    assert span
    name = span.source.name
    found: list[Diagnostic] = []
    try:
        with mapped(name) as data:
            graph = Graph(read_onnx(data))
            if [node.type for node in graph.file.nodes] != [layer.type for layer in network.layers]:
                raise ValueError("it has changed since it was read")
            wanted = wanted_values(graph, network.layers)
            arrays = stored_tensors(name, data, graph, wanted, limited(found.append))
        file = None if has_errors(found) else map_weights(name, arrays)
    except (OSError, ValueError) as error:
        found.append(catalogue.UNREADABLE_FILE.at(None, file=name, reason=reason(error)))
        file = None
    except (MalformedError, TooDeepError, TooManyNodesError):
        found.append(catalogue.UNREADABLE_FILE.at(None, file=name, reason="it has changed since it was read"))
        file = None
    for diagnostic in found:
        report(diagnostic)
    return file


COMPUTATION = Computation(read=_read, folded=folded_weights, problems=weight_problems, facts=bias_problems)
