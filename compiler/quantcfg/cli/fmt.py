"""quantcfg fmt: quant.cfg files and prototxt in the canonical layout."""

from __future__ import annotations

import argparse

from quantcfg.cli.rewriting import Rewriting, add_rewriting_arguments, run_rewriting

_EPILOG = """\
examples:
  quantcfg fmt quant.cfg deploy.prototxt
  quantcfg fmt --check quant.cfg
  quantcfg fmt --diff quant.cfg

A file with mistakes in its syntax stays as it is, and so does one that nothing changes in.

exit status: 0 done, 1 errors, or with --check or --diff something to change, 2 wrong usage
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add to the parser of the command what it says of itself, and its arguments."""
    parser.description = (
        "Put quant.cfg files and prototxt into the one canonical layout. What they say, and "
        "their comments, stay."
    )
    parser.epilog = _EPILOG
    add_rewriting_arguments(parser, help="what to lay out")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Lay out the files, and say what was done."""
    from quantcfg.format import format_source

    return run_rewriting(options, Rewriting(format_source, "a quant.cfg or a prototxt", "formatted"))
