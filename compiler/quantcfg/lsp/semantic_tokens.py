"""What each piece of a text is, for its colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from quantcfg.lsp import fields
from quantcfg.lsp.document import Document, all_fields, path_of
from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.textproto.trivia import COMMENT


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


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of one line, and what it is; one that is deprecated is for old texts only."""

    span: Span
    kind: Kind
    is_deprecated: bool = False


def tokens(document: Document) -> tuple[Token, ...]:
    """Return the pieces of a quant.cfg or a prototxt, in the order of the text."""
    old = _deprecated(document) if document.is_request else frozenset()
    found = [
        Token(document.span(leaf), _KINDS[type(leaf)], leaf.start in old)
        for leaf in tree.leaves(document.syntax.fields)
        if leaf.end > leaf.start and "\n" not in document.span(leaf).text
    ]
    found += [Token(comment, Kind.COMMENT) for comment in comments(document)]
    return tuple(sorted(found, key=lambda token: token.span.start))


def comments(document: Document) -> Iterator[Span]:
    """Yield the comments between the leaves of the tree."""
    source, end = document.source, 0
    for leaf in (*tree.leaves(document.syntax.fields), None):
        gap = leaf.start if leaf else len(source.text)
        for comment in COMMENT.finditer(source.text, end, gap):
            yield Span(source, *comment.span())
        end = leaf.end if leaf else gap


def _deprecated(document: Document) -> frozenset[int]:
    """Return where the names of deprecated fields of a quant.cfg start; they are at the top level."""
    request = document.edition.request
    top = (field for field, depth in all_fields(document) if depth == 0)
    known = ((field, fields.field_at(request, path_of([field]))) for field in top)
    return frozenset(field.name.start for field, each in known if each and fields.is_deprecated(each))
