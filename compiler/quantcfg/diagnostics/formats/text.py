"""The format for people: location, message, an excerpt with underlined spans, help, and the fixed lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import groupby

from quantcfg.diagnostics.diagnostic import Diagnostic, Edit, Severity
from quantcfg.diagnostics.fixes import changed_lines
from quantcfg.diagnostics.phrases import counted
from quantcfg.diagnostics.terminal import printable, spaces, width
from quantcfg.frozen import frozen_value
from quantcfg.source import Source, Span

_LONGEST_LINE = 160
_BEFORE_SPAN = 60
_CUT = "..."
_CLOSE = 10
"""How many lines a related span may be away from a diagnostic to share its excerpt."""
_LONGEST_FIX = 6
"""How many changed lines of a fix are shown."""
_RESET = "\N{ESCAPE}[0m"


class _Style(StrEnum):
    """The style of a part of a line, as ANSI attributes."""

    PLAIN = ""
    BOLD = "1"
    ERROR = "1;31"
    WARNING = "1;33"
    NOTE = "1;36"
    MARGIN = "34"
    OLD = "31"
    NEW = "32"


@frozen_value
class _Line:
    """A line of output: styled parts, and in an excerpt a margin with a line number and a sign."""

    parts: tuple[tuple[str, _Style], ...]
    sign: str = ""
    number: int | None = None


@frozen_value
class _Mark:
    """A span within one line to underline with a character, and the label after it."""

    span: Span
    character: str
    style: _Style
    label: str = ""


_STYLES = {Severity.ERROR: _Style.ERROR, Severity.WARNING: _Style.WARNING, Severity.NOTE: _Style.NOTE}
_CHANGES = {"-": _Style.OLD, "+": _Style.NEW}


def render_all(diagnostics: Sequence[Diagnostic], *, color: bool = False) -> str:
    """Return diagnostics separated by empty lines."""
    return "\n\n".join(render(diagnostic, color=color) for diagnostic in diagnostics)


def render(diagnostic: Diagnostic, *, color: bool = False) -> str:
    """Return a diagnostic as lines of text, without a final newline."""
    lines = list(_lines(diagnostic))
    columns = max((len(str(line.number)) for line in lines if line.number), default=0)
    return "\n".join(_painted(line, columns, color) for line in lines)


def render_heading(diagnostic: Diagnostic, *, color: bool = False) -> str:
    """Return the first line of a diagnostic: location, severity, code, message."""
    return _painted(_heading(diagnostic), 0, color)


def render_line(diagnostic: Diagnostic) -> str:
    """Return a diagnostic as one line: location, message, code."""
    return printable(f"{_location(diagnostic)}{diagnostic.message} [{diagnostic.code}]")


def _painted(line: _Line, columns: int, color: bool) -> str:
    parts = [(printable(text), style) for text, style in line.parts if text]
    if line.sign:
        margin = f" {line.number or '':>{columns}} {line.sign}{' ' if parts else ''}"
        parts.insert(0, (margin, _Style.MARGIN))
    return "".join(f"\N{ESCAPE}[{style}m{text}{_RESET}" if color and style else text for text, style in parts)


def _lines(diagnostic: Diagnostic) -> Iterator[_Line]:
    style = _STYLES[diagnostic.severity]
    yield _heading(diagnostic)
    close = [each for each in diagnostic.related if _are_close(diagnostic.span, each.span)]
    if diagnostic.span and not diagnostic.span.source.is_binary:
        labelled = [mark for each in close for mark in _marks(each.span, "-", _Style.NOTE, each.message)]
        yield from _excerpt([*_marks(diagnostic.span, "^", style), *labelled])
    for each in diagnostic.related:
        if each not in close:
            location = (f"{each.span.location}: ", _Style.BOLD)
            yield _Line((location, ("note", _Style.NOTE), (f": {each.message}", _Style.PLAIN)))
            if not each.span.source.is_binary:
                yield from _excerpt([*_marks(each.span, "^", _Style.NOTE)])
    if diagnostic.help:
        yield _Line((("help", _Style.BOLD), (f": {diagnostic.help}", _Style.PLAIN)), "=")
    if diagnostic.fix:
        yield from _fix(diagnostic.fix)


def _heading(diagnostic: Diagnostic) -> _Line:
    severity = (f"{diagnostic.severity}[{diagnostic.code}]", _STYLES[diagnostic.severity])
    return _Line(((_location(diagnostic), _Style.BOLD), severity, (f": {diagnostic.message}", _Style.BOLD)))


def _location(diagnostic: Diagnostic) -> str:
    if diagnostic.span:
        return f"{diagnostic.span.location}: "
    return f"{diagnostic.file}: " if diagnostic.file else ""


def _are_close(span: Span | None, other: Span) -> bool:
    if span is None or span.source is not other.source or span.source.is_binary:
        return False
    return abs(span.start_position[0] - other.start_position[0]) <= _CLOSE


def _marks(span: Span, character: str, style: _Style, label: str = "") -> Iterator[_Mark]:
    """Yield what to underline of a span: its first line, and its last if there are several."""
    source, (first, _) = span.source, span.start_position
    last, _ = source.position(max(span.start, span.end - 1))
    end = source.line_bounds(first)[1]
    yield _Mark(Span(source, span.start, min(span.end, end)), character, style, label)
    if last > first:
        start, end = source.line_bounds(last)
        while start < min(span.end, end) and source.text[start].isspace():
            start += 1
        yield _Mark(Span(source, start, min(span.end, end)), character, style)


def _excerpt(marks: list[_Mark]) -> Iterator[_Line]:
    """Yield the lines that have marks, each with its marks below, and "..." for the lines between."""
    yield _Line((), "|")
    marks.sort(key=_shown_from)
    source, previous = marks[0].span.source, marks[0].span.start_position[0]
    for (number, first), group in groupby(marks, _shown_from):
        if number == previous + 2:
            yield _source_line(source, previous + 1, 0)
        elif number > previous + 2:
            yield _Line(((_CUT, _Style.MARGIN),))
        previous = number
        yield _source_line(source, number, first)
        for mark in group:
            yield _underline(mark, first)


def _shown_from(mark: _Mark) -> tuple[int, int]:
    """Return the line number of a mark, and the first column shown."""
    number, column = mark.span.start_position
    start, end = mark.span.source.line_bounds(number)
    return number, _first_shown(end - start, column)


def _first_shown(length: int, column: int) -> int:
    return max(0, column - 1 - _BEFORE_SPAN) if length > _LONGEST_LINE else 0


def _source_line(source: Source, number: int, first: int) -> _Line:
    start, end = source.line_bounds(number)
    return _Line(((_cut(source.text, start, end, first), _Style.PLAIN),), "|", number)


def _cut(text: str, start: int, end: int, first: int) -> str:
    """Return the shown part of the line between two offsets, starting at an index in the line."""
    shown = text[start + first : min(end, start + first + _LONGEST_LINE)]
    return f"{_CUT if first else ''}{shown}{_CUT if start + first + len(shown) < end else ''}"


def _underline(mark: _Mark, first: int) -> _Line:
    text, start = mark.span.source.text, mark.span.start - mark.span.start_position[1] + 1 + first
    before = (_CUT if first else "") + text[start : mark.span.start]
    marked = text[mark.span.start : min(mark.span.end, start + _LONGEST_LINE)]
    signs = "\t".join(mark.character * width(part) for part in marked.split("\t"))
    shown = f"{signs if signs.strip() else mark.character} {mark.label}".rstrip()
    return _Line(((spaces(before), _Style.PLAIN), (shown, mark.style)), "|")


def _fix(edits: Sequence[Edit]) -> Iterator[_Line]:
    """Yield the lines that a fix removes and adds, or only its number of edits if there are too many."""
    changed = list(changed_lines(edits))
    is_shown = 0 < len(changed) <= _LONGEST_FIX
    content = "" if is_shown else f" {counted(len(edits), 'edit')}"
    yield _Line((("fix", _Style.BOLD), (f":{content}", _Style.PLAIN)), "=")
    for each in changed if is_shown else ():
        length = len(each.text)
        text = _cut(each.text, 0, length, _first_shown(length, each.column))
        yield _Line(((text, _CHANGES[each.sign]),), each.sign, each.number)
