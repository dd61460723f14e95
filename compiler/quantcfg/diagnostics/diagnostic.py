"""A diagnostic: an error, a warning or a note about the input."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from quantcfg.frozen import frozen_value
from quantcfg.source import Span


class Severity(StrEnum):
    """The severity of a diagnostic; only an error stops compilation."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@frozen_value
class Related:
    """Another location that belongs to a diagnostic, possibly in another file."""

    span: Span
    message: str


def related(span: Span | None, message: str) -> tuple[Related, ...]:
    """Return a related location, or nothing without a span."""
    return (Related(span, message),) if span else ()


@frozen_value
class Edit:
    """A change to a source: text replaces the span."""

    span: Span
    text: str


@frozen_value
class Diagnostic:
    """An error, warning or note with a stable code such as "QC402".

    span is None if the diagnostic is about a whole file, whose name is then in file. help is an
    instruction how to fix it. fix holds the edits for that, if they are safe to apply automatically.
    """

    code: str
    severity: Severity
    message: str
    span: Span | None = None
    related: tuple[Related, ...] = ()
    help: str | None = None
    fix: tuple[Edit, ...] = ()
    file: str | None = None


Report = Callable[[Diagnostic], None]
"""Receives the diagnostics of a compiler stage."""


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Return whether any of the diagnostics is an error."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort diagnostics by source and offset; those without a span come first."""

    def location(diagnostic: Diagnostic) -> tuple[str, int]:
        span = diagnostic.span
        return (span.source.name, span.start) if span else ("", -1)

    return tuple(sorted(diagnostics, key=location))
