"""Commands that change files: write the new text, or show a diff."""

from __future__ import annotations

import argparse
import io
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import STANDARD_INPUT_NAME, STANDARD_STREAM, add_report_arguments
from quantcfg.cli.console import (
    print_diagnostics,
    print_file,
    print_report,
    print_result,
    reported,
)
from quantcfg.cli.streams import check_inputs, read
from quantcfg.diagnostics import Diagnostic, Report, has_errors, in_order
from quantcfg.diagnostics.phrases import counted
from quantcfg.frozen import frozen_value

if TYPE_CHECKING:
    from quantcfg.source import Source

_NO_NEWLINE = "\n\\ No newline at end of file\n"


def add_file_arguments(parser: argparse.ArgumentParser, *, help: str) -> None:
    """Add FILE... and --stdin-filename."""
    parser.add_argument("files", nargs="+", metavar="FILE", help=help)
    parser.add_argument(
        "--stdin-filename",
        metavar="NAME",
        default=STANDARD_INPUT_NAME,
        help="name of standard input in diagnostics",
    )


def write(options: argparse.Namespace, file: str, source: Source, text: str, report: Report) -> bool:
    """Write a file if its text has changed; return whether that succeeded.

    For standard input, the text goes to standard output.
    """
    from quantcfg.emit import rewrite_file

    if file == STANDARD_STREAM:
        print_file(text)
        return True
    return text == source.text or rewrite_file(file, text, report, options.guard)


def print_difference(source: Source, text: str, done: str) -> None:
    """Print a unified diff from a source to a new text; done labels the new one, such as "formatted"."""
    from difflib import unified_diff

    old, new = (list(io.StringIO(each, newline="\n")) for each in (source.text, text))
    lines = unified_diff(old, new, source.name, f"{source.name} ({done})")
    ended = (line if line.endswith("\n") else f"{line}{_NO_NEWLINE}" for line in lines)
    print_result("".join(ended), end="")


# --- commands that only rewrite files


@frozen_value
class Rewriting:
    """A command that rewrites files: rewrite returns the new text, or None after reporting an error.

    wanted is the kind of file, done the participle for the summary, such as "formatted".
    """

    rewrite: Callable[[Source, Report], str | None]
    wanted: str
    done: str


def add_rewriting_arguments(parser: argparse.ArgumentParser, *, help: str) -> None:
    """Add the arguments of such a command; help is that of FILE."""
    add_file_arguments(parser, help=f'{help}; "-" reads standard input and writes standard output')
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--check", action="store_true", help="list the files that would change, without changing them"
    )
    instead.add_argument("--diff", action="store_true", help="show what would change, without changing it")
    add_report_arguments(parser)


def run_rewriting(options: argparse.Namespace, rewriting: Rewriting) -> int:
    """Rewrite the files, or show what would change; return the exit status."""
    check_inputs(options, options.files)
    found: list[Diagnostic] = []
    outcomes = Counter(_outcome(options, file, rewriting, found) for file in options.files)
    changes_nothing = options.check or options.diff
    done = f"would be {rewriting.done}" if changes_nothing else rewriting.done
    parts = [
        f"{outcomes[outcome]} {words}"
        for outcome, words in ((True, done), (False, "unchanged"), (None, "with errors"))
        if outcomes[outcome]
    ]
    summary = f"{counted(len(options.files), 'file')}: {', '.join(parts)}"
    if changes_nothing or STANDARD_STREAM in options.files:
        print_report(options, found, summary)
    else:
        print_diagnostics(options, found, summary)
    return int(has_errors(found) or (changes_nothing and outcomes[True] > 0))


def _outcome(
    options: argparse.Namespace, file: str, rewriting: Rewriting, found: list[Diagnostic]
) -> bool | None:
    """Process a file and return whether its text changes, None if there are errors."""
    here: list[Diagnostic] = []
    source = read(options, file, here.append, wanted=rewriting.wanted)
    text = rewriting.rewrite(source, here.append) if source else None
    here = reported(options, in_order(here))
    if source is None or text is None or has_errors(here):
        found += here
        return None
    if options.check and text != source.text:
        print_result(source.name)
    elif options.diff:
        print_difference(source, text, rewriting.done)
    succeeded = options.check or options.diff or write(options, file, source, text, here.append)
    found += here
    return text != source.text if succeeded else None
