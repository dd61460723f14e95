"""Semantic tokens, for syntax highlighting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import chain, islice

from quantcfg.frozen import small_value
from quantcfg.lsp.document import Document
from quantcfg.source import Source, Span
from quantcfg.textproto import tree
from quantcfg.textproto.trivia import COMMENT

_MAX_LEAVES = 50_000
"""Later names and values are not highlighted, so that the editor does not have to wait."""


class Kind(Enum):
    """A token type, as the protocol names it."""

    COMMENT = "comment"
    PROPERTY = "property"
    STRING = "string"
    NUMBER = "number"
    KEYWORD = "keyword"


_KINDS = {
    tree.Name: Kind.PROPERTY,
    tree.Literal: Kind.STRING,
    tree.Number: Kind.NUMBER,
    tree.Identifier: Kind.KEYWORD,
}


@small_value
class Token:
    """A token on one line; is_deprecated marks the name of a deprecated field."""

    span: Span
    kind: Kind
    is_deprecated: bool = False


def tokens(document: Document) -> tuple[Token, ...]:
    """Return the tokens of a quant.cfg or a model, in order; for a long one, only the first ones."""
    deprecated = _deprecated(document) if document.is_request else frozenset()
    source, leaves = document.source, list(islice(tree.leaves(document.syntax.fields), _MAX_LEAVES))
    end = leaves[-1].end if len(leaves) == _MAX_LEAVES else len(source.text)
    found = [
        Token(Span(source, leaf.start, leaf.end), _KINDS[type(leaf)], leaf.start in deprecated)
        for leaf in leaves
        if leaf.end > leaf.start and "\n" not in source.text[leaf.start : leaf.end]
    ]
    found += [Token(comment, Kind.COMMENT) for comment in _comments(source, leaves, end)]
    return tuple(sorted(found, key=lambda token: token.span.start))


def comments(document: Document) -> Iterator[Span]:
    """Yield the comments of a document."""
    return _comments(document.source, tree.leaves(document.syntax.fields), len(document.source.text))


def _comments(source: Source, leaves: Iterable[tree.Leaf], end: int) -> Iterator[Span]:
    gap = 0
    for start, leaf_end in chain(((leaf.start, leaf.end) for leaf in leaves), [(end, end)]):
        for comment in COMMENT.finditer(source.text, gap, start):
            yield Span(source, *comment.span())
        gap = leaf_end


def _deprecated(document: Document) -> frozenset[int]:
    """Return the start offsets of the names of deprecated fields, which are all at the top level."""
    known, top = document.edition.request.descriptor.fields, document.syntax.fields
    deprecated = {name for name, each in known.items() if each.is_deprecated}
    return frozenset(field.name.start for field in top if field.text in deprecated)
