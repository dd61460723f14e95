"""Edits that remove, replace or add a field and leave the rest of the document unchanged."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from quantcfg import contracts
from quantcfg.diagnostics import Edit
from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.textproto.bound import Place
from quantcfg.textproto.trivia import COMMENT, SPACES, comments, line_end

_SEPARATOR = re.compile(rf"{contracts.terminal('_GAP')}(?P<separator>[;,])")
_SPACES = re.compile(rf"[{SPACES}]*")
_REST_OF_LINE = re.compile(rf"[{SPACES}]*(?:\n|\Z)")
_REST_WITH_COMMENT = re.compile(rf"[{SPACES}]*(?:{COMMENT.pattern})?(?=\n|\Z)")


def removal(place: Place) -> tuple[Edit, ...]:
    """Return the edits that remove a field, or one item of its list.

    The result is empty if a comment would be lost.
    """
    value = place.field.value
    if isinstance(value, tree.List) and place.value is not value:
        return _item_removal(place, value)
    if comments(place.document, place.field):
        return ()
    return replacement(place.document, place.field, ())


def replacement(document: tree.Document, field: tree.Field, lines: Sequence[str]) -> tuple[Edit, ...]:
    """Return the edits that replace a field and its separator by lines, or remove them if there are none.

    Text after the field moves to a line of its own, except for a comment that can
    stay at the end of the last new line.
    """
    span, separator = document.span(field), _separator(document, field)
    if separator is None:
        return (_with_lines(span, lines),)
    if _SPACES.fullmatch(span.source.text, span.end, separator.start):
        return (_with_lines(Span(span.source, span.start, separator.end), lines),)
    return (_with_lines(span, lines), Edit(separator, ""))


def addition(document: tree.Document, field: tree.Field, lines: Sequence[str]) -> Edit:
    """Return the edit that adds lines after a field and any comment on its line."""
    text = document.source.text
    separator = _separator(document, field)
    end = separator.end if separator else field.end
    rest = _REST_WITH_COMMENT.match(text, end)
    at = end + len(rest[0].rstrip(SPACES)) if rest else end
    added = f"{line_end(text)}{_indented(document.span(field), lines)}"
    return Edit(Span(document.source, at, at), added if rest else added + line_end(text))


def _separator(document: tree.Document, field: tree.Field) -> Span | None:
    """Return the span of the separator after a field, if there is one."""
    found = _SEPARATOR.match(document.source.text, field.end)
    return Span(document.source, *found.span("separator")) if found else None


def _with_lines(span: Span, lines: Sequence[str]) -> Edit:
    if not lines:
        return Edit(_with_surroundings(span), "")
    text, end = span.source.text, line_end(span.source.text)
    put = ("" if _starts_line(span) else end) + _indented(span, lines).removeprefix(_indent(span))
    spaces = _SPACES.match(text, span.end)
    assert spaces
    is_commented = COMMENT.match(text, spaces.end())
    if _REST_OF_LINE.match(text, span.end) or (is_commented and not COMMENT.match(lines[-1])):
        return Edit(span, put)
    return Edit(Span(span.source, span.start, spaces.end()), put + end + _indent(span))


def _indented(span: Span, lines: Sequence[str]) -> str:
    """Join lines, indented like the line that a span starts."""
    indent = _indent(span)
    return line_end(span.source.text).join(f"{indent}{line}" if line else line for line in lines)


def _indent(span: Span) -> str:
    return span.source.text[_line_start(span) : span.start] if _starts_line(span) else ""


def _starts_line(span: Span) -> bool:
    return not span.source.text[_line_start(span) : span.start].strip(SPACES)


def _line_start(span: Span) -> int:
    return span.source.text.rfind("\n", 0, span.start) + 1


def _with_surroundings(span: Span) -> Span:
    """Return a field with the whitespace after it, or its whole line if nothing else is on it."""
    text = span.source.text
    rest = _REST_OF_LINE.match(text, span.end)
    if rest and _starts_line(span):
        return Span(span.source, _line_start(span), rest.end())
    spaces = _SPACES.match(text, span.end)
    assert spaces
    is_line_end = text.startswith("\r\n", spaces.end() - 1) and spaces.end() > span.end
    return Span(span.source, span.start, spaces.end() - is_line_end)


def _item_removal(place: Place, items: tree.List) -> tuple[Edit, ...]:
    """Return the edit that removes an item from a list, together with one comma."""
    index = bisect_left(items.items, place.value.start, key=lambda item: item.start)
    start, end = place.value.start, place.value.end
    if index + 1 < len(items.items):
        end = items.items[index + 1].start
    elif index:
        start = items.items[index - 1].end
    span = Span(place.document.source, start, end)
    gaps = span.text.replace(place.span.text, "", 1)
    return () if COMMENT.search(gaps) else (Edit(span, ""),)
