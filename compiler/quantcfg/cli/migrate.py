"""quantcfg migrate: replace deprecated fields in quant.cfg files."""

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

EPILOG = """\
examples:
  quantcfg migrate quant.cfg
  quantcfg migrate --check quant.cfg
  quantcfg migrate --diff quant.cfg

A file with errors is not changed.

exit status: 0 success, 1 errors, or changes to make with --check or --diff, 2 usage error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    parser.description = (
        "Replace conv_calibration_config and fc_calibration_config in quant.cfg files with common_config\n"
        "and override_layer_types, which compile to the same for every network. Nothing else changes."
    )
    add_rewriting_arguments(parser, help="file to rewrite")
    add_edition_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Rewrite the files and report diagnostics and a summary."""
    return run_rewriting(options, Rewriting(partial(_migrated, options), "a quant.cfg", "migrated"))


def _migrated(options: argparse.Namespace, source: Source, report: Report) -> str | None:
    from quantcfg.migrate import migrate_source

    edition = edition_of(options, source, report=report)
    return migrate_source(source, edition, report)
