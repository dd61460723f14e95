"""Diagnostics for a terminal: place, message, the source line and a caret under the span."""

from __future__ import annotations

from collections.abc import Iterator
from unicodedata import category, combining, east_asian_width

from quantcfg.diagnostics.diagnostic import Diagnostic
from quantcfg.source import Span


def render(diagnostic: Diagnostic) -> str:
    """Return a diagnostic as lines of text, without a final newline."""
    return "\n".join(map(_shown, _lines(diagnostic)))


def render_line(diagnostic: Diagnostic) -> str:
    """Return a diagnostic as one line: place, message, code."""
    return _shown(f"{_place(diagnostic.span)}{diagnostic.message} [{diagnostic.code}]")


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
    line = span.source.line(number)
    marked = line[column - 1 : end - 1 if last == number else len(line)]
    margin = " " * len(str(number))
    yield f" {margin} |"
    yield f" {number} | {line}"
    yield f" {margin} | {_blank(line[: column - 1])}{'^' * max(1, _width(marked))}"


def _shown(text: str) -> str:
    """Replace what a terminal would obey instead of show; tabs stay."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_control(char) else char for char in text)


def _blank(text: str) -> str:
    """Return blanks as wide as a text; tabs stay, so that the caret is where they put it."""
    return "".join("\t" if char == "\t" else " " * _width(char) for char in text)


def _width(text: str) -> int:
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if combining(char) or category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def _is_control(char: str) -> bool:
    return char != "\t" and category(char) == "Cc"
