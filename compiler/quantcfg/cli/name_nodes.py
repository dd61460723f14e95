"""quantcfg name-nodes: write a model whose nodes have unique names."""

from __future__ import annotations

import argparse
import sys

from quantcfg.cli.arguments import STANDARD_STREAM, add_output_argument
from quantcfg.cli.console import print_pieces, print_plain, print_stderr
from quantcfg.diagnostics import Diagnostic
from quantcfg.diagnostics.phrases import counted

EPILOG = """\
examples:
  quantcfg name-nodes model.onnx -o named.onnx
  quantcfg name-nodes model.onnx -o build/model.onnx

exit status: 0 success, 1 errors, 2 usage error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    parser.description = (
        "Write an ONNX model with a unique name for each node of its graph. An unnamed node is called\n"
        "after its operator and position, such as Conv_17; of nodes with the same name, all but the first\n"
        "get 1, 2, ... appended. Nothing else changes, and subgraphs stay as they are."
    )
    parser.add_argument("model", metavar="MODEL", help="the ONNX model")
    add_output_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Write the model, and report errors and a summary."""
    if options.model == STANDARD_STREAM:
        options.parser.error("MODEL must be a file, not standard input")
    if options.output == STANDARD_STREAM and sys.stdout and sys.stdout.isatty():
        options.parser.error("the output is binary: use -o FILE, or redirect standard output")

    from quantcfg.api import name_nodes, write_named_model

    found: list[Diagnostic] = []
    if options.output == STANDARD_STREAM:
        named = name_nodes(options.model, None, found.append)
        if named:
            print_pieces(named.content)
    else:
        named = write_named_model(options.model, options.output, found.append, options.guard)
    print_plain(found)
    if named is None:
        return 1
    where = "" if options.output == STANDARD_STREAM else f"{options.output}: "
    print_stderr(f"{where}{counted(len(named.names), 'node')} renamed")
    return 0
