"""quantcfg layers: list the layers of a network."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from quantcfg.cli.arguments import add_model_arguments
from quantcfg.cli.console import print_plain, print_result, print_stderr
from quantcfg.cli.inputs import add_input_argument, operations_of
from quantcfg.cli.streams import check_inputs, read_model
from quantcfg.diagnostics import has_errors
from quantcfg.diagnostics.phrases import counted
from quantcfg.diagnostics.terminal import printable

if TYPE_CHECKING:
    from quantcfg.network import Layer, Network
    from quantcfg.network.costs import Cost, Totals
    from quantcfg.network.operations import Operations

_EPILOG = """\
examples:
  quantcfg layers --model MODEL --weights WEIGHTS
  quantcfg layers --model MODEL --input data=1,3,224,224
  quantcfg layers --model MODEL --format json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the help of the command and add its arguments."""
    parser.description = (
        "List the layers in network order: the type, the output shape, the parameters and the\n"
        "multiply-accumulates (MACs), whether it can be quantized or why not, the shape of the weight if\n"
        "known, and the layers that are fused. For Caffe, layers are those of phase TEST, for ONNX the\n"
        "nodes of the top graph, without output shapes, parameters and MACs."
    )
    parser.epilog = _EPILOG
    add_model_arguments(parser)
    add_input_argument(parser)
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="output format; default text"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read the network and list its layers."""
    check_inputs(options)
    network, _, found, _ = read_model(options)
    print_plain(found)
    if network is None or has_errors(found):
        return 1
    if found:
        print_stderr("")

    from quantcfg.network.costs import costs_of, totals_of

    operations = operations_of(options, network)
    costs = costs_of(network, operations) if operations else ()
    totals = totals_of(network.layers, costs) if operations else None
    render = _json if options.format == "json" else _table
    print_result(render(network, operations, costs, totals))
    layers, scope = counted(len(network.layers), "layer"), network.edition.words.scope
    summary = f"{layers} in {scope}, {len(network.quantizable)} quantizable"
    if operations is None or totals is None:
        print_stderr(summary)
        return 0

    from quantcfg.network.cost_table import totals_in_words, unknown_shapes

    for line in unknown_shapes(operations.all):
        print_stderr(printable(line))
    print_stderr(f"{summary}: {totals_in_words(totals)}")
    return 0


def _table(
    network: Network, operations: Operations | None, costs: Sequence[Cost], _totals: Totals | None
) -> str:
    from quantcfg.network.cost_table import cost_columns
    from quantcfg.network.layer_table import layer_table

    return layer_table(network, cost_columns(operations.all, costs) if operations else ())


def _json(
    network: Network, operations: Operations | None, costs: Sequence[Cost], totals: Totals | None
) -> str:
    from quantcfg.network.cost_table import cost_entry, totals_entry

    entries = [_entry(layer) for layer in network.layers]
    if operations is None or totals is None:
        return json.dumps({"layers": entries}, indent=2)
    for entry, operation, cost in zip(entries, operations.all, costs, strict=True):
        entry |= cost_entry(operation, cost)
    return json.dumps({"layers": entries, "totals": totals_entry(totals)}, indent=2)


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
