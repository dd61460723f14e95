"""Trivia: whitespace and comments between the tokens of a document."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quantcfg import contracts
from quantcfg.source import Span
from quantcfg.textproto import tree

COMMENT = re.compile(contracts.terminal("COMMENT"))
_WHITESPACE = re.compile(contracts.terminal("WHITESPACE"))

SPACES = "".join(char for char in map(chr, range(0x80)) if _WHITESPACE.match(char) and char != "\n")
"""All whitespace except the line feed. A carriage return alone does not end a line."""


def line_end(text: str) -> str:
    """Return the line ending of the first line, by default a line feed."""
    return "\r\n" if text[: text.find("\n") + 1].endswith("\r\n") else "\n"


def comments(document: tree.Document, node: tree.Field) -> tuple[str, ...]:
    """Return the comments inside a field."""
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
    """Yield the comments in a span that contains no string, without trailing whitespace."""
    for comment in COMMENT.finditer(span.source.text, span.start, span.end):
        yield comment[0].rstrip(SPACES)
