"""What a command says on standard output and on standard error."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TextIO

from quantcfg.diagnostics import Diagnostic, Severity, catalogue
from quantcfg.diagnostics.formats import DOCUMENTS, render_all
from quantcfg.diagnostics.phrases import counted
from quantcfg.files import reason


class OutputError(Exception):
    """Standard output takes no more: for what reason, or None where whoever read it has enough."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason)
        self.reason = reason


def print_result(text: str, end: str = "\n") -> None:
    """Write what was asked for to standard output; what its encoding lacks is escaped.

    Raises:
        OutputError: standard output is closed, or takes no more.

    """
    encoding = sys.stdout.encoding if sys.stdout else "ascii"
    _put(f"{text}{end}".encode(encoding, errors="backslashreplace"))


def print_file(text: str) -> None:
    """Write the content of a file to standard output, in UTF-8 whatever its encoding is.

    Raises:
        OutputError: standard output is closed, or takes no more.

    """
    _put(text.encode())


def _put(content: bytes) -> None:
    if sys.stdout is None:
        raise OutputError(os.strerror(errno.EBADF))
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except OSError as error:
        # The interpreter must not try again at its end.
        silence(sys.stdout)
        raise OutputError(None if isinstance(error, BrokenPipeError) else reason(error)) from error


def print_remark(text: str) -> None:
    """Write a text and its line end to standard error at once, unless it is closed or takes no more."""
    if sys.stderr is None:
        return
    try:
        # In one write: print makes two, and another process may write to the terminal in between.
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def print_output_error(error: OutputError) -> None:
    """Say why standard output takes no more, unless whoever read it has enough."""
    if error.reason:
        failure = catalogue.UNWRITABLE_FILE.at(None, file="standard output", reason=error.reason)
        print_remark(render_all("text", [failure]))


def silence(stream: TextIO) -> None:
    """Send what is still to be written to a stream nowhere, so that nothing tries it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


# --- findings, by the arguments that add_report_arguments adds


def weighed(options: argparse.Namespace, found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the findings that count: without the ignored ones, and with --strict the warnings as errors."""
    counting = [each for each in found if each.severity is Severity.ERROR or each.code not in options.ignore]
    return [_as_error(each) for each in counting] if options.strict else counting


def _as_error(diagnostic: Diagnostic) -> Diagnostic:
    is_warning = diagnostic.severity is Severity.WARNING
    return replace(diagnostic, severity=Severity.ERROR) if is_warning else diagnostic


def print_findings(options: argparse.Namespace, found: Sequence[Diagnostic], summary: str) -> None:
    """Write findings to standard output, as the result that was asked for; the summary to standard error."""
    text = render_all(options.format, found, color=_in_color(options, sys.stdout))
    if text:
        print_result(text)
    _print_summary(options, found, summary)


def print_plain(found: Sequence[Diagnostic]) -> None:
    """Write findings to standard error as text, for a command that has no arguments for how to show them."""
    if found:
        print_remark(render_all("text", found))


def print_remarks(options: argparse.Namespace, found: Sequence[Diagnostic], summary: str) -> None:
    """Write findings to standard error, and what was done, as remarks beside the result."""
    text = render_all(options.format, found, color=_in_color(options, sys.stderr))
    if text:
        print_remark(text)
    if options.format not in DOCUMENTS:
        _print_summary(options, found, summary)


def _print_summary(options: argparse.Namespace, found: Sequence[Diagnostic], summary: str) -> None:
    gap = "\n" if found and options.format == "text" else ""
    print_remark(f"{gap}{summary}")


def _in_color(options: argparse.Namespace, stream: TextIO | None) -> bool:
    if options.color != "auto":
        return bool(options.color == "always")
    is_terminal = stream is not None and stream.isatty()
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def counts(found: Iterable[Diagnostic]) -> str:
    """Return how many errors and warnings there are, in words."""
    severities = [diagnostic.severity for diagnostic in found]
    return ", ".join(counted(severities.count(each), each) for each in (Severity.ERROR, Severity.WARNING))
