"""quantcfg schema: print the JSON Schema of configurations, for editors and validators."""

from __future__ import annotations

import argparse

from quantcfg.cli.arguments import add_edition_argument, add_model_arguments, add_output_argument
from quantcfg.cli.console import print_plain
from quantcfg.cli.streams import check_inputs, edition_of, read_model, write_output
from quantcfg.diagnostics import has_errors, in_order

EPILOG = """\
examples:
  quantcfg schema
  quantcfg schema --edition onnx
  quantcfg schema --model MODEL --weights WEIGHTS -o config.schema.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    parser.description = (
        "Print the JSON Schema of configurations. With --model it is restricted to that network: it allows\n"
        "only its layers, each with the keys that its type supports."
    )
    add_model_arguments(parser, required=False)
    add_edition_argument(parser)
    add_output_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Print the schema, or write it to a file."""
    check_inputs(options)

    from quantcfg.configuration import config_schema_text

    model = read_model(options)
    found = list(model.found)
    text = None if has_errors(found) else config_schema_text(model.network, edition_of(options, None, model))
    written = text is not None and write_output(options, text, model.files, found.append)
    print_plain(in_order(found))
    return 0 if written else 1
