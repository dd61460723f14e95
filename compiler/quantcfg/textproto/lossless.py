"""A text as its syntax tree has it: leaves, and gaps between them, and together every character.

Comments, blanks, separators and brackets are in the gaps. Whoever changes a text
by its tree keeps the pieces that are not changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from quantcfg.source import Span
from quantcfg.textproto import tree

Leaf = tree.Name | tree.Literal | tree.Number | tree.Identifier

BLANKS = " \t\v\f\r"
"""What separates on a line; a carriage return alone ends none."""

_COMMENT = re.compile(r"#[^\n]*")


def pieces(document: tree.Document) -> Iterator[tuple[Leaf | None, str]]:
    """Yield the leaves of a tree with their texts, and the texts of the gaps between them with None.

    The texts one behind the other are the whole source, whatever it holds.
    """
    text = document.source.text
    end = 0
    for leaf in leaves(document.fields):
        yield None, text[end : leaf.start]
        yield leaf, text[leaf.start : leaf.end]
        end = leaf.end
    yield None, text[end:]


def leaves(nodes: Iterable[tree.Node]) -> Iterator[Leaf]:
    """Yield the names and values in some nodes that have no parts, in the order of the text."""
    waiting = list(nodes)[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.Name | tree.Literal | tree.Number | tree.Identifier):
            yield node
        else:
            waiting.extend(reversed(tree.children(node)))


def line_end(text: str) -> str:
    """Return what the first line of a text ends with, and where it has no end, a line feed."""
    return "\r\n" if text[: text.find("\n") + 1].endswith("\r\n") else "\n"


def comments(document: tree.Document, node: tree.Field) -> tuple[str, ...]:
    """Return the comments within a field."""
    found: list[str] = []
    end = node.start
    for leaf in leaves([node]):
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
