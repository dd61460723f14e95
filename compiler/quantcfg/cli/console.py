"""What commands write to standard output and standard error."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from quantcfg.diagnostics import Diagnostic, Severity, catalogue
from quantcfg.diagnostics.formats import DOCUMENTS, render_all
from quantcfg.diagnostics.phrases import counted
from quantcfg.files import reason
from quantcfg.frozen import replace


class OutputError(Exception):
    """Standard output cannot be written; reason is None if its reader has closed the pipe."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason)
        self.reason = reason


def print_result(text: str, end: str = "\n") -> None:
    """Write a result to standard output; characters that its encoding lacks are escaped.

    Raises:
        OutputError: standard output cannot be written.

    """
    encoding = sys.stdout.encoding if sys.stdout else "ascii"
    _put(f"{text}{end}".encode(encoding, errors="backslashreplace"))


def print_file(text: str) -> None:
    """Write the content of a file to standard output, always in UTF-8.

    Raises:
        OutputError: standard output cannot be written.

    """
    _put(text.encode())


def print_pieces(pieces: Iterable[bytes]) -> None:
    """Write the content of a binary file to standard output.

    Raises:
        OutputError: standard output cannot be written.

    """
    for piece in pieces:
        _put(piece)


def _put(content: bytes) -> None:
    if sys.stdout is None:
        raise OutputError(os.strerror(errno.EBADF))
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except OSError as error:
        # The interpreter must not flush it again at exit.
        silence(sys.stdout)
        raise OutputError(None if isinstance(error, BrokenPipeError) else reason(error)) from error


def print_stderr(text: str) -> None:
    """Write text and a newline to standard error; if that is impossible, do nothing."""
    if sys.stderr is None:
        return
    try:
        # One write: print makes two, and another process could write to the terminal in between.
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def print_output_error(error: OutputError) -> None:
    """Report why standard output cannot be written, unless its reader has closed the pipe."""
    if error.reason:
        failure = catalogue.UNWRITABLE_FILE.at(None, file="standard output", reason=error.reason)
        print_stderr(render_all("text", [failure]))


def silence(stream: TextIO) -> None:
    """Redirect a stream to the null device, so that its buffered text does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


# --- diagnostics, with the options of add_report_arguments


def reported(options: argparse.Namespace, found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics to report: without ignored ones, and warnings as errors if --strict."""
    kept = [each for each in found if each.severity is Severity.ERROR or each.code not in options.ignore]
    return [_as_error(each) for each in kept] if options.strict else kept


def _as_error(diagnostic: Diagnostic) -> Diagnostic:
    is_warning = diagnostic.severity is Severity.WARNING
    return replace(diagnostic, severity=Severity.ERROR) if is_warning else diagnostic


def print_diagnostics(options: argparse.Namespace, found: Sequence[Diagnostic], summary: str) -> None:
    """Write diagnostics, as the result, to standard output, and the summary to standard error."""
    text = render_all(options.format, found, color=_in_color(options, sys.stdout))
    if text:
        print_result(text)
    _print_summary(options, found, summary)


def print_plain(found: Sequence[Diagnostic]) -> None:
    """Write diagnostics to standard error as text, for a command without add_report_arguments."""
    if found:
        print_stderr(render_all("text", found))


def print_failure(found: Sequence[Diagnostic]) -> int:
    """Write diagnostics and their numbers to standard error, and return the exit status."""
    print_plain(found)
    print_stderr(f"\n{counts(found)}")
    return 1


def print_report(options: argparse.Namespace, found: Sequence[Diagnostic], summary: str) -> None:
    """Write diagnostics and the summary to standard error, for a command with another result."""
    text = render_all(options.format, found, color=_in_color(options, sys.stderr))
    if text:
        print_stderr(text)
    if options.format not in DOCUMENTS:
        _print_summary(options, found, summary)


def _print_summary(options: argparse.Namespace, found: Sequence[Diagnostic], summary: str) -> None:
    gap = "\n" if found and options.format == "text" else ""
    print_stderr(f"{gap}{_printable(summary)}")


def _printable(text: str) -> str:
    """Replace control characters, such as those in a file name; most text has none."""
    if text.isascii() and text.isprintable():
        return text
    from quantcfg.diagnostics.terminal import printable

    return printable(text)


def _in_color(options: argparse.Namespace, stream: TextIO | None) -> bool:
    if options.color != "auto":
        return bool(options.color == "always")
    is_terminal = stream is not None and stream.isatty()
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def counts(found: Iterable[Diagnostic]) -> str:
    """Return the numbers of errors and warnings in words."""
    severities = [diagnostic.severity for diagnostic in found]
    return ", ".join(counted(severities.count(each), each) for each in (Severity.ERROR, Severity.WARNING))
