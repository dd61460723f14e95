"""quantcfg rule: explain diagnostic codes."""

from __future__ import annotations

import argparse

from quantcfg.cli.arguments import rule_code
from quantcfg.cli.console import print_result
from quantcfg.diagnostics import catalogue
from quantcfg.diagnostics.catalogue import page, summary

EPILOG = """\
examples:
  quantcfg rule QC409
  quantcfg rule
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    parser.description = (
        "Explain diagnostic codes: what each means, an example, and the fix.\n"
        "Without a code, list all of them."
    )
    parser.add_argument("codes", nargs="*", type=rule_code, metavar="CODE", help="such as QC409")


def run(options: argparse.Namespace) -> int:
    """Print the pages of the codes, or the list of all codes."""
    if options.codes:
        print_result("\n".join(page(code) for code in options.codes), end="")
    else:
        print_result("\n".join(f"{code}  {rule.severity:7}  {summary(code)}" for code, rule in _rules()))
    return 0


def _rules() -> list[tuple[str, catalogue.Rule]]:
    return sorted(catalogue.rules().items())
