"""What a command says on standard output and on standard error."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from typing import TextIO

from quantcfg.diagnostics import Diagnostic, Severity
from quantcfg.diagnostics.text import render


def print_result(text: str, end: str = "\n") -> None:
    """Write what was asked for to standard output; what its encoding lacks is escaped.

    Raises:
        OSError: standard output is closed, or takes no more.

    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    encoding = sys.stdout.encoding
    sys.stdout.write(text.encode(encoding, errors="backslashreplace").decode(encoding) + end)
    sys.stdout.flush()


def print_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Show diagnostics, one after the other."""
    for diagnostic in diagnostics:
        print_summary(render(diagnostic))


def print_summary(text: str) -> None:
    """Show what was done, unless standard error is closed or takes no more."""
    if sys.stderr is None:
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Send what is still to be written to a stream nowhere, so that nothing tries it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def count(diagnostics: Iterable[Diagnostic], severity: Severity) -> str:
    """Return how many diagnostics have a severity, in words."""
    return counted(sum(diagnostic.severity is severity for diagnostic in diagnostics), severity)


def counted(number: int, noun: str) -> str:
    """Return a number of things in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
