"""quantcfg fmt: format quant.cfg files and models in text format."""

from __future__ import annotations

import argparse

from quantcfg.cli.rewriting import Rewriting, add_rewriting_arguments, run_rewriting

EPILOG = """\
examples:
  quantcfg fmt quant.cfg MODEL
  quantcfg fmt --check quant.cfg
  quantcfg fmt --diff quant.cfg

A file with syntax errors is not changed.

exit status: 0 success, 1 errors, or changes to make with --check or --diff, 2 usage error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    parser.description = (
        "Format quant.cfg files and models in text format. Values and comments do not change."
    )
    add_rewriting_arguments(parser, help="file to format")


def run(options: argparse.Namespace) -> int:
    """Format the files and report diagnostics and a summary."""
    from quantcfg.format import format_source

    wanted = "a quant.cfg or a model in text format"
    return run_rewriting(options, Rewriting(format_source, wanted, "formatted"))
