"""quantcfg schema: the JSON Schema of configurations, for editors and validators."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import STANDARD_STREAM, add_model_arguments, add_output_argument
from quantcfg.cli.console import print_file, print_remark
from quantcfg.diagnostics import Diagnostic, in_order
from quantcfg.diagnostics.formats.text import render

if TYPE_CHECKING:
    from quantcfg.diagnostics import Report

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
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Print the schema, or write it to a file."""
    if options.weights is not None and options.model is None:
        options.parser.error("--weights goes with --model")
    found: list[Diagnostic] = []
    text = _schema(options, found.append)
    written = text is not None and _write(options, text, found.append)
    for diagnostic in in_order(found):
        print_remark(render(diagnostic))
    return 0 if written else 1


def _schema(options: argparse.Namespace, report: Report) -> str | None:
    from quantcfg.api import load_model
    from quantcfg.configuration import config_schema_text

    if options.model is None:
        return config_schema_text()
    network = load_model(options.model, options.weights, report)
    return None if network is None else config_schema_text(network)


def _write(options: argparse.Namespace, text: str, report: Report) -> bool:
    from quantcfg.output import bad_output_name, write_file

    if options.output == STANDARD_STREAM:
        print_file(text)
        return True
    inputs = [name for name in (options.model, options.weights) if name is not None]
    bad = bad_output_name(options.output, inputs)
    if bad:
        report(bad)
        return False
    return write_file(options.output, text, report)
