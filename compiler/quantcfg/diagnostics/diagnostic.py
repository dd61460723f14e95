"""The diagnostic: a mistake, or a remark, as a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from quantcfg.frozen import frozen_value
from quantcfg.source import Span


class Severity(StrEnum):
    """How bad it is: an error stops the compile, a warning and a note do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@frozen_value
class Related:
    """A second place that a diagnostic speaks of; it may be in another file."""

    span: Span
    message: str


def related(span: Span | None, message: str) -> tuple[Related, ...]:
    """Return a related place, or nothing where there is no place."""
    return (Related(span, message),) if span else ()


@frozen_value
class Edit:
    """A change of a text: what belongs in place of a span."""

    span: Span
    text: str


@frozen_value
class Diagnostic:
    """One finding.

    code is stable ("QC402"); span is the place to look at, None where there is
    none (a file that cannot be opened, which file names); help says what to do
    about it; fix holds the edits that do it, where no judgement is needed.
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
"""Where a stage puts its findings; the caller decides what becomes of them."""


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether any of the diagnostics is an error."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort diagnostics by source and place; those without a place come first."""

    def place(diagnostic: Diagnostic) -> tuple[str, int]:
        span = diagnostic.span
        return (span.source.name, span.start) if span else ("", -1)

    return tuple(sorted(diagnostics, key=place))
