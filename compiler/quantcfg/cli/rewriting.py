"""Files whose text a command changes: how they are put back, and shown as a difference."""

from __future__ import annotations

import argparse
import io
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import STANDARD_INPUT_NAME, STANDARD_STREAM, add_report_arguments
from quantcfg.cli.console import (
    print_file,
    print_findings,
    print_remarks,
    print_result,
    weighed,
)
from quantcfg.cli.streams import check_inputs, read
from quantcfg.diagnostics import Diagnostic, Report, has_errors, in_order
from quantcfg.diagnostics.phrases import counted
from quantcfg.frozen import frozen_value

if TYPE_CHECKING:
    from quantcfg.source import Source

_NO_NEWLINE = "\n\\ No newline at end of file\n"


def add_file_arguments(parser: argparse.ArgumentParser, *, help: str) -> None:
    """Add FILE... and --stdin-filename; help says what is done with the files."""
    parser.add_argument("files", nargs="+", metavar="FILE", help=help)
    parser.add_argument(
        "--stdin-filename", metavar="NAME", default=STANDARD_INPUT_NAME, help="what standard input is called"
    )


def write(options: argparse.Namespace, file: str, source: Source, text: str, report: Report) -> bool:
    """Put a text in place of a file's, if it is another one; tell whether it is there now.

    Standard input has no file, and its text is the result.
    """
    from quantcfg.emit import rewrite_file

    if file == STANDARD_STREAM:
        print_file(text)
        return True
    return text == source.text or rewrite_file(file, text, report, options.guard)


def print_difference(source: Source, text: str, done: str) -> None:
    """Show how a text differs from that of its source; done says what was done to it."""
    from difflib import unified_diff

    old, new = (list(io.StringIO(each, newline="\n")) for each in (source.text, text))
    lines = unified_diff(old, new, source.name, f"{source.name} ({done})")
    ended = (line if line.endswith("\n") else f"{line}{_NO_NEWLINE}" for line in lines)
    print_result("".join(ended), end="")


# --- commands that change texts, and do nothing else


@frozen_value
class Rewriting:
    """What such a command does: from a source and a report to the text, or None after reporting why not.

    wanted says what the files should be, done what becomes of them.
    """

    rewrite: Callable[[Source, Report], str | None]
    wanted: str
    done: str


def add_rewriting_arguments(parser: argparse.ArgumentParser, *, help: str) -> None:
    """Add the arguments of such a command; help says what is done with the files."""
    add_file_arguments(parser, help=f'{help}; "-" is standard input, and goes to standard output')
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--check", action="store_true", help="name the files that would change, and change none"
    )
    instead.add_argument("--diff", action="store_true", help="show what would change, and change nothing")
    add_report_arguments(parser)


def run_rewriting(options: argparse.Namespace, rewriting: Rewriting) -> int:
    """Change the files, or say what would change in them; return the exit status."""
    check_inputs(options, options.files)
    found: list[Diagnostic] = []
    outcomes = Counter(_outcome(options, file, rewriting, found) for file in options.files)
    changes_nothing = options.check or options.diff
    done = f"to be {rewriting.done}" if changes_nothing else rewriting.done
    parts = [
        f"{outcomes[outcome]} {words}"
        for outcome, words in ((True, done), (False, "unchanged"), (None, "with errors"))
        if outcomes[outcome]
    ]
    summary = f"{counted(len(options.files), 'file')}: {', '.join(parts)}"
    if changes_nothing or STANDARD_STREAM in options.files:
        print_remarks(options, found, summary)
    else:
        print_findings(options, found, summary)
    return int(has_errors(found) or (changes_nothing and outcomes[True] > 0))


def _outcome(
    options: argparse.Namespace, file: str, rewriting: Rewriting, found: list[Diagnostic]
) -> bool | None:
    """Tell whether the text of a file changes, after doing what is asked for; None where there are errors."""
    here: list[Diagnostic] = []
    source = read(options, file, here.append, wanted=rewriting.wanted)
    text = rewriting.rewrite(source, here.append) if source else None
    here = weighed(options, in_order(here))
    if source is None or text is None or has_errors(here):
        found += here
        return None
    if options.check and text != source.text:
        print_result(source.name)
    elif options.diff:
        print_difference(source, text, rewriting.done)
    is_done = options.check or options.diff or write(options, file, source, text, here.append)
    found += here
    return text != source.text if is_done else None
