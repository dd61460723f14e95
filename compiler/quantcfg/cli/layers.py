"""quantcfg layers: list the layers of a network."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from quantcfg.cli.arguments import add_model_arguments
from quantcfg.cli.console import print_plain, print_result, print_stderr
from quantcfg.cli.given_shapes import add_input_argument, operations_of
from quantcfg.cli.streams import check_inputs, read_model
from quantcfg.diagnostics import has_errors
from quantcfg.diagnostics.phrases import counted
from quantcfg.diagnostics.terminal import printable

if TYPE_CHECKING:
    from quantcfg.network import Layer, Network
    from quantcfg.network.costs import Cost, Totals
    from quantcfg.network.operations import Operations, StoredWeights

_JSON_VERSION = 1

EPILOG = """\
examples:
  quantcfg layers --model MODEL --weights WEIGHTS
  quantcfg layers --model MODEL --input data=1,3,224,224
  quantcfg layers --model MODEL --format json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    parser.description = (
        "List the layers in network order: the type, the output shape, the parameters and the\n"
        "multiply-accumulates (MACs), whether it can be quantized or why not, the shape of the weight if\n"
        "known, and the layers that are fused; below them, the sums. For Caffe, layers are those of phase\n"
        "TEST, for ONNX the nodes of the top-level graph. Causes of unknown shapes go to standard error."
    )
    add_model_arguments(parser)
    add_input_argument(parser)
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="output format; default text"
    )


def run(options: argparse.Namespace) -> int:
    """Read the network and list its layers."""
    check_inputs(options)
    network, files, found, _ = read_model(options)
    print_plain(found)
    if network is None or has_errors(found):
        return 1
    if found:
        print_stderr("")

    from quantcfg.network.costs import costs_of, totals_of

    operations = operations_of(options, network)
    costs = costs_of(network, operations, _stored(network, operations, files))
    totals = totals_of(network.layers, costs)
    if options.format == "json":
        print_result(_json(network, operations, costs, totals))
    else:
        print_result(f"{_table(network, operations, costs)}\n{_summary(network, totals)}")

    from quantcfg.network.cost_table import unknown_shapes

    for line in unknown_shapes(operations.all):
        print_stderr(printable(line))
    return 0


def _stored(network: Network, operations: Operations, files: Sequence[str | None]) -> StoredWeights | None:
    """Return the arrays in the weights file if shapes do not determine all weights."""
    weights, read = files[1], network.edition.read_arrays
    if weights is None or read is None or all(each.blobs is not None for each in operations.all):
        return None
    return read(weights, lambda _: None)  # Errors in the file have been reported before.


def _table(network: Network, operations: Operations, costs: Sequence[Cost]) -> str:
    from quantcfg.network.cost_table import cost_columns
    from quantcfg.network.layer_table import layer_table

    return layer_table(network, cost_columns(operations.all, costs))


def _summary(network: Network, totals: Totals) -> str:
    from quantcfg.network.cost_table import totals_in_words

    layers, scope = counted(len(network.layers), "layer"), network.edition.words.scope
    summary = f"{layers} in {scope}, {len(network.quantizable)} quantizable"
    return ": ".join(filter(None, (summary, totals_in_words(totals))))


def _json(network: Network, operations: Operations, costs: Sequence[Cost], totals: Totals) -> str:
    from quantcfg.network.cost_table import cost_entry, totals_entry

    triples = zip(network.layers, operations.all, costs, strict=True)
    entries = [_entry(layer) | cost_entry(operation, cost) for layer, operation, cost in triples]
    document = {"version": _JSON_VERSION, "layers": entries, "totals": totals_entry(totals)}
    return json.dumps(document, indent=2)


def _entry(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "type": layer.type,
        "quantizable": layer.quantizable,
        "reason": layer.obstacle,
        "weight_shape": layer.weight_shape,
        "fusion": layer.fusion or None,
        "fusion_reason": layer.fusion_obstacle,
    }
