"""Whitespace and comments: what a text has between the leaves of its syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quantcfg import contracts
from quantcfg.source import Span
from quantcfg.textproto import tree

COMMENT = re.compile(contracts.terminal("COMMENT"))
_WHITESPACE = re.compile(contracts.terminal("WHITESPACE"))

BLANKS = "".join(char for char in map(chr, range(0x80)) if _WHITESPACE.match(char) and char != "\n")
"""The whitespace that does not end a line; nor does a carriage return alone."""


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
    for comment in COMMENT.finditer(span.source.text, span.start, span.end):
        yield comment[0].rstrip(BLANKS)
