"""quantcfg schema: the JSON Schema of configurations, for editors and validators."""

from __future__ import annotations

import argparse

from quantcfg.cli.arguments import add_model_arguments, add_output_argument
from quantcfg.cli.console import print_plain
from quantcfg.cli.files import check_inputs, read_network, write_output
from quantcfg.diagnostics import in_order

_EPILOG = """\
examples:
  quantcfg schema
  quantcfg schema --model deploy.prototxt --weights net.caffemodel -o config.schema.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add to the parser of the command what it says of itself, and its arguments."""
    parser.description = (
        "Print the JSON Schema of configurations. With --model it is narrowed to that network: "
        "its layers by name, each with what its type can have, and no others."
    )
    parser.epilog = _EPILOG
    add_model_arguments(parser, required=False)
    add_output_argument(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the schema, or write it to a file."""
    check_inputs(options)

    from quantcfg.configuration import config_schema_text
    from quantcfg.editions.caffe.edition import CAFFE

    network, remarks = read_network(options)
    found = list(remarks)
    text = config_schema_text(network, CAFFE) if network or options.model is None else None
    inputs = (options.model, options.weights)
    written = text is not None and write_output(options, text, inputs, found.append)
    print_plain(in_order(found))
    return 0 if written else 1
