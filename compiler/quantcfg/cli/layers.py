"""quantcfg layers: list the layers of a network."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from quantcfg.cli.arguments import add_model_arguments
from quantcfg.cli.console import print_plain, print_result, print_stderr
from quantcfg.cli.streams import check_inputs, read_model
from quantcfg.diagnostics import has_errors
from quantcfg.diagnostics.phrases import counted

if TYPE_CHECKING:
    from quantcfg.network import Layer

_EPILOG = """\
examples:
  quantcfg layers --model MODEL --weights WEIGHTS
  quantcfg layers --model MODEL --format json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the help of the command and add its arguments."""
    parser.description = (
        "List the layers of a network in its order: the type, whether it can be quantized or why not,\n"
        "the shape of the weight if known, and the layers that are fused. For Caffe, layers are those of\n"
        "phase TEST, for ONNX the nodes of the top graph."
    )
    parser.epilog = _EPILOG
    add_model_arguments(parser)
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

    from quantcfg.network.layer_table import layer_table

    print_result(_json(network.layers) if options.format == "json" else layer_table(network))
    layers, scope = counted(len(network.layers), "layer"), network.edition.words.scope
    print_stderr(f"{layers} in {scope}, {len(network.quantizable)} quantizable")
    return 0


def _json(layers: Sequence[Layer]) -> str:
    return json.dumps({"layers": [_entry(layer) for layer in layers]}, indent=2)


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
