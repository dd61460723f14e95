"""quantcfg fmt: quant.cfg files and prototxt in the canonical layout."""

from __future__ import annotations

import argparse
from typing import Any

from quantcfg.cli.rewriting import Rewriting, add_rewriting_arguments, run_rewriting

_EPILOG = """\
examples:
  quantcfg fmt quant.cfg deploy.prototxt
  quantcfg fmt --check quant.cfg
  quantcfg fmt --diff quant.cfg

A file with mistakes in its syntax stays as it is, and so does one that nothing changes in.

exit status: 0 done, 1 errors, or with --check or --diff something to change, 2 wrong usage
"""


def add_parser(commands: Any) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser(
        "fmt",
        help="lay out quant.cfg files and prototxt",
        description="Put quant.cfg files and prototxt into the one canonical layout. What they say, and "
        "their comments, stay.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_rewriting_arguments(parser, help="what to lay out")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Lay out the files, and say what was done."""
    from quantcfg.formatting import format_source

    return run_rewriting(options, Rewriting(format_source, "a quant.cfg or a prototxt", "formatted"))
