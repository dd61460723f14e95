"""What a command says on standard output and on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from quantcfg.diagnostics import Diagnostic, Severity
from quantcfg.diagnostics.text import render


def print_result(text: str) -> None:
    """Show what was asked for; what the encoding of standard output lacks is escaped."""
    encoding = sys.stdout.encoding
    print(text.encode(encoding, errors="backslashreplace").decode(encoding), flush=True)


def print_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Show diagnostics, one after the other."""
    for diagnostic in diagnostics:
        print(render(diagnostic), file=sys.stderr)


def print_summary(text: str) -> None:
    """Show what was done."""
    print(text, file=sys.stderr)


def count(diagnostics: Iterable[Diagnostic], severity: Severity) -> str:
    """Return how many diagnostics have a severity, in words."""
    return counted(sum(diagnostic.severity is severity for diagnostic in diagnostics), severity)


def counted(number: int, noun: str) -> str:
    """Return a number of things in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
