"""Diagnostics for a terminal: place, message, the source line and a caret under the span."""

from __future__ import annotations

from collections.abc import Iterator

from quantcfg.diagnostics.diagnostic import Diagnostic
from quantcfg.diagnostics.terminal import blank, printable, width
from quantcfg.source import Span

_LONGEST_LINE = 160
_BEFORE_SPAN = 60
_CUT = "..."


def render(diagnostic: Diagnostic) -> str:
    """Return a diagnostic as lines of text, without a final newline."""
    return "\n".join(map(printable, _lines(diagnostic)))


def render_line(diagnostic: Diagnostic) -> str:
    """Return a diagnostic as one line: place, message, code."""
    return printable(f"{_place(diagnostic.span)}{diagnostic.message} [{diagnostic.code}]")


def _lines(diagnostic: Diagnostic) -> Iterator[str]:
    yield f"{_place(diagnostic.span)}{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"
    if diagnostic.span:
        yield from _excerpt(diagnostic.span)
    for related in diagnostic.related:
        yield f"{_place(related.span)}note: {related.message}"
        yield from _excerpt(related.span)
    if diagnostic.help:
        yield f"  = help: {diagnostic.help}"


def _place(span: Span | None) -> str:
    if span is None:
        return ""
    line, column = span.start_position
    return f"{span.source.name}:{line}:{column}: "


def _excerpt(span: Span) -> Iterator[str]:
    number, column = span.start_position
    last, end = span.end_position
    line, at, marked = _window(span.source.line(number), column - 1, end - 1 if last == number else None)
    margin = " " * len(str(number))
    yield f" {margin} |"
    yield f" {number} | {line}"
    yield f" {margin} | {blank(line[:at])}{'^' * max(1, width(marked))}"


def _window(line: str, start: int, end: int | None) -> tuple[str, int, str]:
    """Return a line, cut to what is around a span if it is long; where the span starts; and its text."""
    marked = line[start:end]
    if len(line) <= _LONGEST_LINE:
        return line, start, marked
    first = max(0, start - _BEFORE_SPAN)
    cut = line[first : first + _LONGEST_LINE]
    before = _CUT if first else ""
    after = _CUT if first + _LONGEST_LINE < len(line) else ""
    return f"{before}{cut}{after}", len(before) + start - first, marked[: _LONGEST_LINE - (start - first)]
