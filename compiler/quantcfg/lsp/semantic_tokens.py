"""What each piece of a text is, for its colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import chain, islice

from quantcfg.frozen import small_value
from quantcfg.lsp import fields
from quantcfg.lsp.document import Document, all_fields, path_of
from quantcfg.source import Source, Span
from quantcfg.textproto import tree
from quantcfg.textproto.trivia import COMMENT

_MOST_LEAVES = 50_000
"""How many names and values get a colour: an editor does not wait for more."""


class Kind(Enum):
    """What a piece is, in the words of the protocol."""

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
    """A piece of one line, and what it is; one that is deprecated is for old texts only."""

    span: Span
    kind: Kind
    is_deprecated: bool = False


def tokens(document: Document) -> tuple[Token, ...]:
    """Return the pieces of a quant.cfg or a prototxt, in their order; of a long text, the first ones."""
    old = _deprecated(document) if document.is_request else frozenset()
    source, leaves = document.source, list(islice(tree.leaves(document.syntax.fields), _MOST_LEAVES))
    end = leaves[-1].end if len(leaves) == _MOST_LEAVES else len(source.text)
    found = [
        Token(Span(source, leaf.start, leaf.end), _KINDS[type(leaf)], leaf.start in old)
        for leaf in leaves
        if leaf.end > leaf.start and "\n" not in source.text[leaf.start : leaf.end]
    ]
    found += [Token(comment, Kind.COMMENT) for comment in _comments(source, leaves, end)]
    return tuple(sorted(found, key=lambda token: token.span.start))


def comments(document: Document) -> Iterator[Span]:
    """Yield the comments between the leaves of the tree."""
    return _comments(document.source, tree.leaves(document.syntax.fields), len(document.source.text))


def _comments(source: Source, leaves: Iterable[tree.Leaf], end: int) -> Iterator[Span]:
    gap = 0
    for start, behind in chain(((leaf.start, leaf.end) for leaf in leaves), [(end, end)]):
        for comment in COMMENT.finditer(source.text, gap, start):
            yield Span(source, *comment.span())
        gap = behind


def _deprecated(document: Document) -> frozenset[int]:
    """Return where the names of deprecated fields of a quant.cfg start; they are at the top level."""
    request = document.edition.request
    top = (field for field, depth in all_fields(document) if depth == 0)
    known = ((field, fields.field_at(request, path_of([field]))) for field in top)
    return frozenset(field.name.start for field, each in known if each and fields.is_deprecated(each))
