"""Whitespace and comments: what a text has between the leaves of its syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quantcfg.source import Span
from quantcfg.textproto import tree

BLANKS = " \t\v\f\r"
"""What separates on a line; a carriage return alone ends none."""

_COMMENT = re.compile(r"#[^\n]*")


def line_end(text: str) -> str:
    """Return what the first line of a text ends with, and where it has no end, a line feed."""
    return "\r\n" if text[: text.find("\n") + 1].endswith("\r\n") else "\n"


def comments(document: tree.Document, node: tree.Field) -> tuple[str, ...]:
    """Return the comments within a field."""
    found: list[str] = []
    end = node.start
    for leaf in tree.leaves([node]):
        found += comments_between(Span(document.source, end, leaf.start))
        if not isinstance(leaf, tree.Literal):
            found += comments_between(document.span(leaf))
        end = leaf.end
    found += comments_between(Span(document.source, end, node.end))
    return tuple(found)


def comments_between(span: Span) -> Iterator[str]:
    """Yield the comments in a gap, or in a leaf that is no string, each without the blanks at its end."""
    for comment in _COMMENT.finditer(span.source.text, span.start, span.end):
        yield comment[0].rstrip(BLANKS)
