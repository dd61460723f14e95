"""For people: place, message, the source line and a caret under the span, in colour if that is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from quantcfg.diagnostics.diagnostic import Diagnostic, Severity
from quantcfg.diagnostics.terminal import blank, printable, width
from quantcfg.source import Span

_LONGEST_LINE = 160
_BEFORE_SPAN = 60
_CUT = "..."
_RESET = "\N{ESCAPE}[0m"


class _Style(StrEnum):
    """How a piece of a line looks, as ANSI's attributes say it."""

    PLAIN = ""
    BOLD = "1"
    ERROR = "1;31"
    WARNING = "1;33"
    NOTE = "1;36"
    MARGIN = "34"


_Line = tuple[tuple[str, _Style], ...]

_STYLES = {Severity.ERROR: _Style.ERROR, Severity.WARNING: _Style.WARNING, Severity.NOTE: _Style.NOTE}


def render_all(diagnostics: Sequence[Diagnostic], *, color: bool = False) -> str:
    """Return diagnostics one below the other."""
    return "\n".join(render(diagnostic, color=color) for diagnostic in diagnostics)


def render(diagnostic: Diagnostic, *, color: bool = False) -> str:
    """Return a diagnostic as lines of text, without a final newline."""
    return "\n".join(_painted(line, color) for line in _lines(diagnostic))


def render_line(diagnostic: Diagnostic) -> str:
    """Return a diagnostic as one line: place, message, code."""
    return printable(f"{_place(diagnostic)}{diagnostic.message} [{diagnostic.code}]")


def _painted(line: _Line, color: bool) -> str:
    pieces = ((printable(text), style) for text, style in line)
    return "".join(
        f"\N{ESCAPE}[{style}m{text}{_RESET}" if color and style else text for text, style in pieces
    )


def _lines(diagnostic: Diagnostic) -> Iterator[_Line]:
    style = _STYLES[diagnostic.severity]
    yield (
        (_place(diagnostic), _Style.BOLD),
        (f"{diagnostic.severity}[{diagnostic.code}]", style),
        (f": {diagnostic.message}", _Style.BOLD),
    )
    if diagnostic.span:
        yield from _excerpt(diagnostic.span, style)
    for related in diagnostic.related:
        yield (
            (_place_of(related.span), _Style.BOLD),
            ("note", _Style.NOTE),
            (f": {related.message}", _Style.PLAIN),
        )
        yield from _excerpt(related.span, _Style.NOTE)
    if diagnostic.help:
        yield (("  = ", _Style.MARGIN), ("help", _Style.BOLD), (f": {diagnostic.help}", _Style.PLAIN))


def _place(diagnostic: Diagnostic) -> str:
    if diagnostic.span:
        return _place_of(diagnostic.span)
    return f"{diagnostic.file}: " if diagnostic.file else ""


def _place_of(span: Span) -> str:
    line, column = span.start_position
    return f"{span.source.name}:{line}:{column}: "


def _excerpt(span: Span, style: _Style) -> Iterator[_Line]:
    number, _ = span.start_position
    line, at, marked = _window(span, *span.source.line_bounds(number))
    margin = " " * len(str(number))
    yield ((f" {margin} |", _Style.MARGIN),)
    yield (f" {number} | ", _Style.MARGIN), (line, _Style.PLAIN)
    yield (
        (f" {margin} | ", _Style.MARGIN),
        (blank(line[:at]), _Style.PLAIN),
        ("^" * max(1, width(marked)), style),
    )


def _window(span: Span, start: int, end: int) -> tuple[str, int, str]:
    """Return the line of a span, cut to what is around it if long; where the span starts; and its text."""
    text = span.source.text
    first = max(start, span.start - _BEFORE_SPAN) if end - start > _LONGEST_LINE else start
    last = min(end, first + _LONGEST_LINE)
    before, after = (_CUT if first > start else ""), (_CUT if last < end else "")
    marked = text[span.start : min(span.end, last)]
    return f"{before}{text[first:last]}{after}", len(before) + span.start - first, marked
