"""quantcfg check: report errors in quant.cfg files and configurations, and fix them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import (
    STANDARD_STREAM,
    add_edition_argument,
    add_model_arguments,
    add_report_arguments,
)
from quantcfg.cli.console import counts, print_diagnostics, print_report, reported
from quantcfg.cli.rewriting import add_file_arguments, print_difference, write
from quantcfg.cli.streams import Load, check_inputs, edition_of, loader, read, read_model
from quantcfg.diagnostics import Diagnostic, has_errors, in_order
from quantcfg.diagnostics.phrases import counted
from quantcfg.frozen import frozen_value

if TYPE_CHECKING:
    from quantcfg.source import Source

EPILOG = """\
examples:
  quantcfg check quant.cfg --model MODEL
  quantcfg check config.json --model MODEL --weights WEIGHTS
  quantcfg check --fix quant.cfg
  quantcfg check --diff quant.cfg

A file is a JSON configuration if its name ends in ".json" or its content starts with "{", otherwise a
quant.cfg.

exit status: 0 no errors, 1 errors, or fixes to apply with --diff, 2 usage error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    parser.description = (
        "Check quant.cfg files, and JSON configurations by the rules of AMCT.\n"
        "With a model, they are also checked against it."
    )
    add_file_arguments(parser, help='file to check; "-" is standard input')
    add_model_arguments(parser, required=False)
    add_edition_argument(parser)
    fixing = parser.add_mutually_exclusive_group()
    fixing.add_argument("--fix", action="store_true", help="fix automatically fixable errors in the files")
    fixing.add_argument(
        "--diff", action="store_true", help="show what --fix would change, without changing it"
    )
    add_report_arguments(parser)


@frozen_value
class _Checked:
    """A checked file: its diagnostics (before fixes: unfixed), source, fixed text and number of fixes."""

    file: str
    found: Sequence[Diagnostic]
    fixes: int = 0
    source: Source | None = None
    text: str | None = None
    unfixed: Sequence[Diagnostic] = ()


def run(options: argparse.Namespace) -> int:
    """Check the files, apply fixes, and report diagnostics and a summary."""
    check_inputs(options, options.files)
    load, of_models = loader(options), dict[Diagnostic, None]()
    checked = [_check(options, file, load, of_models) for file in options.files]
    if options.fix:
        checked = [_written(options, each) for each in checked]
    found = [*reported(options, of_models), *chain.from_iterable(each.found for each in checked)]
    summary = _summary(options, found, checked)
    if options.fix and STANDARD_STREAM in options.files:
        print_report(options, found, summary)
    elif options.diff:
        for each in checked:
            if each.source and each.text is not None:
                print_difference(each.source, each.text, "fixed")
        print_report(options, found, summary)
    else:
        print_diagnostics(options, found, summary)
    return int(has_errors(found) or (options.diff and any(each.fixes for each in checked)))


def _check(options: argparse.Namespace, file: str, load: Load, of_models: dict[Diagnostic, None]) -> _Checked:
    """Check a file; the diagnostics of its model go to of_models, without duplicates."""
    from quantcfg.compile import check_source

    found: list[Diagnostic] = []
    source = read(options, file, found.append, wanted="a quant.cfg or a JSON configuration")
    model = read_model(options, source, load=load)
    of_models |= dict.fromkeys(model.found)
    if source is None:
        return _Checked(file, reported(options, found))
    edition = edition_of(options, source, model)

    def check(text: Source) -> list[Diagnostic]:
        return reported(options, check_source(text, model.network, edition))

    if found or not (options.fix or options.diff):
        return _Checked(file, list(in_order([*reported(options, found), *check(source)])))
    return _fixed(file, source, check)


def _fixed(file: str, source: Source, check: Callable[[Source], list[Diagnostic]]) -> _Checked:
    """Check a source and apply fixes until there are no more."""
    from quantcfg.diagnostics.fixes import fixed_throughout

    unfixed = check(source)
    fixed, found, fixes = fixed_throughout(source, unfixed, check)
    return _Checked(file, found, fixes, source, fixed.text, unfixed)


def _written(options: argparse.Namespace, checked: _Checked) -> _Checked:
    """Write the fixed text to the file."""
    if checked.source is None or checked.text is None:
        return checked
    failures: list[Diagnostic] = []
    if not write(options, checked.file, checked.source, checked.text, failures.append):
        return _Checked(checked.file, [*failures, *checked.unfixed])
    return checked


def _summary(options: argparse.Namespace, found: Sequence[Diagnostic], checked: Sequence[_Checked]) -> str:
    fixes = sum(each.fixes for each in checked)
    if options.diff:
        return f"{counted(len(checked), 'file')} checked: {fixes} can be fixed; {counts(found)} left"
    if options.fix:
        return f"{counted(len(checked), 'file')} checked: {fixes} fixed; {counts(found)} left"
    fixable = sum(bool(diagnostic.fix) for each in checked for diagnostic in each.found)
    hint = f"; {fixable} can be fixed with --fix" if fixable else ""
    return f"{counted(len(checked), 'file')} checked: {counts(found)}{hint}"
