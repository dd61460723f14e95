"""Changes of a text that leave all else in it as it is."""

from __future__ import annotations

import re
from bisect import bisect_left

from quantcfg.diagnostics import Edit
from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.textproto.scalars import Place

_SEPARATOR = re.compile(r"[ \t]*[;,]")
_BLANKS = re.compile(r"[ \t]*")
_REST_OF_LINE = re.compile(r"[ \t\r]*(?:\n|\Z)")


def removal(place: Place) -> tuple[Edit, ...]:
    """Return the edits that take a field, or one item of its list, out of a text.

    There are none where a comment would be lost.
    """
    value = place.field.value
    if isinstance(value, tree.List) and place.value is not value:
        return _item_removal(place, value)
    return (Edit(_with_surroundings(place.document.span(place.field)), ""),)


def _with_surroundings(span: Span) -> Span:
    """Return a field with its separator and the blanks behind it, or all of its line if it is alone."""
    text = span.source.text
    separator = _SEPARATOR.match(text, span.end)
    end = separator.end() if separator else span.end
    line_start = text.rfind("\n", 0, span.start) + 1
    rest = _REST_OF_LINE.match(text, end)
    if rest and not text[line_start : span.start].strip():
        return Span(span.source, line_start, rest.end())
    blanks = _BLANKS.match(text, end)
    assert blanks
    return Span(span.source, span.start, blanks.end())


def _item_removal(place: Place, items: tree.List) -> tuple[Edit, ...]:
    """Return the edit that takes an item out of a list, together with one comma."""
    index = bisect_left(items.items, place.value.start, key=lambda item: item.start)
    start, end = place.value.start, place.value.end
    if index + 1 < len(items.items):
        end = items.items[index + 1].start
    elif index:
        start = items.items[index - 1].end
    span = Span(place.document.source, start, end)
    gaps = span.text.replace(place.span.text, "", 1)
    return () if "#" in gaps else (Edit(span, ""),)
