"""quantcfg check: all that is wrong with a quant.cfg or a configuration, and fixes for it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import (
    STANDARD_STREAM,
    add_edition_argument,
    add_model_arguments,
    add_report_arguments,
)
from quantcfg.cli.console import counts, print_findings, print_remarks, weighed
from quantcfg.cli.rewriting import add_file_arguments, print_difference, write
from quantcfg.cli.streams import Load, check_inputs, edition_of, loader, read, read_model
from quantcfg.diagnostics import Diagnostic, has_errors, in_order
from quantcfg.diagnostics.phrases import counted
from quantcfg.frozen import frozen_value

if TYPE_CHECKING:
    from quantcfg.source import Source

_EPILOG = """\
examples:
  quantcfg check quant.cfg --model deploy.prototxt
  quantcfg check config.json --model deploy.prototxt --weights net.caffemodel
  quantcfg check --fix quant.cfg
  quantcfg check --diff quant.cfg

A file is taken for a JSON configuration if its name ends in ".json" or its text starts with "{", and
else for a quant.cfg.

exit status: 0 no errors, 1 errors, or with --diff something to fix, 2 wrong usage
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add to the parser of the command what it says of itself, and its arguments."""
    parser.description = (
        "Find all that is wrong with quant.cfg files, and with JSON configurations by the rules "
        "that AMCT reads them by; alone, or against a model."
    )
    parser.epilog = _EPILOG
    add_file_arguments(parser, help='what to check; "-" is standard input')
    add_model_arguments(parser, required=False)
    add_edition_argument(parser)
    fixing = parser.add_mutually_exclusive_group()
    fixing.add_argument("--fix", action="store_true", help="fix in the files what needs no judgement")
    fixing.add_argument(
        "--diff", action="store_true", help="show what --fix would change, and change nothing"
    )
    add_report_arguments(parser)
    parser.set_defaults(run=run)


@frozen_value
class _Checked:
    """A file that was checked: what is wrong with it, and how many fixes made which text of its source."""

    file: str
    found: Sequence[Diagnostic]
    fixes: int = 0
    source: Source | None = None
    text: str | None = None
    unfixed: Sequence[Diagnostic] = ()


def run(options: argparse.Namespace) -> int:
    """Check the files, fix what can be fixed, and say what was found."""
    check_inputs(options, options.files)
    load, of_models = loader(options), dict[Diagnostic, None]()
    checked = [_check(options, file, load, of_models) for file in options.files]
    if options.fix:
        checked = [_written(options, each) for each in checked]
    found = [*weighed(options, of_models), *(finding for each in checked for finding in each.found)]
    summary = _summary(options, found, checked)
    if options.fix and STANDARD_STREAM in options.files:
        print_remarks(options, found, summary)
    elif options.diff:
        for each in checked:
            if each.source and each.text is not None:
                print_difference(each.source, each.text, "fixed")
        print_remarks(options, found, summary)
    else:
        print_findings(options, found, summary)
    return int(has_errors(found) or (options.diff and any(each.fixes for each in checked)))


def _check(options: argparse.Namespace, file: str, load: Load, of_models: dict[Diagnostic, None]) -> _Checked:
    """Check a file; what is wrong with its model goes to of_models, which holds each finding once."""
    from quantcfg.compile import check_source

    found: list[Diagnostic] = []
    source = read(options, file, found.append, wanted="a quant.cfg or a JSON configuration")
    network, _, remarks = read_model(options, source, load=load)
    of_models |= dict.fromkeys(remarks)
    if source is None:
        return _Checked(file, weighed(options, found))
    edition = edition_of(options, source, network)

    def check(text: Source) -> list[Diagnostic]:
        return weighed(options, check_source(text, network, edition))

    if found or not (options.fix or options.diff):
        return _Checked(file, list(in_order([*weighed(options, found), *check(source)])))
    return _fixed(file, source, check)


def _fixed(file: str, source: Source, check: Callable[[Source], list[Diagnostic]]) -> _Checked:
    """Check a text and fix it, until nothing more can be fixed."""
    from quantcfg.diagnostics.fixes import fixed_throughout

    unfixed = check(source)
    now, found, fixes = fixed_throughout(source, unfixed, check)
    return _Checked(file, found, fixes, source, now.text, unfixed)


def _written(options: argparse.Namespace, checked: _Checked) -> _Checked:
    """Put the fixed text into the file."""
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
    fixable = sum(bool(finding.fix) for each in checked for finding in each.found)
    done = f"; {fixable} can be fixed with --fix" if fixable else ""
    return f"{counted(len(checked), 'file')} checked: {counts(found)}{done}"
