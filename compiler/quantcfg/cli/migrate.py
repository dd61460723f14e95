"""quantcfg migrate: quant.cfg files without deprecated fields."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import add_edition_argument
from quantcfg.cli.rewriting import Rewriting, add_rewriting_arguments, run_rewriting
from quantcfg.cli.streams import edition_of

if TYPE_CHECKING:
    from quantcfg.diagnostics import Report
    from quantcfg.source import Source

_EPILOG = """\
examples:
  quantcfg migrate quant.cfg
  quantcfg migrate --check quant.cfg
  quantcfg migrate --diff quant.cfg

A file with mistakes stays as it is, and so does one without deprecated fields.

exit status: 0 done, 1 errors, or with --check or --diff something to change, 2 wrong usage
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add to the parser of the command what it says of itself, and its arguments."""
    parser.description = (
        "Write conv_calibration_config and fc_calibration_config of quant.cfg files as "
        "common_config and override_layer_types, which compile to the same on every network. All else stays."
    )
    parser.epilog = _EPILOG
    add_rewriting_arguments(parser, help="what to rewrite")
    add_edition_argument(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Rewrite the files, and say what was done."""
    return run_rewriting(options, Rewriting(partial(_migrated, options), "a quant.cfg", "migrated"))


def _migrated(options: argparse.Namespace, source: Source, report: Report) -> str | None:
    from quantcfg.migrate import migrate_source

    edition = edition_of(options, source, report=report)
    return migrate_source(source, edition, report)
