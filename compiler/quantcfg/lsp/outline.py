"""Document symbols and folding ranges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from quantcfg import limits
from quantcfg.frozen import frozen_value, small_value
from quantcfg.lsp.document import Document, all_fields, fields_in
from quantcfg.lsp.semantic_tokens import comments
from quantcfg.source import Span
from quantcfg.textproto import tree

_LONGEST = 60
_LONG = 2**20
"""Longer documents have only top-level symbols, so that the editor does not have to wait."""


@small_value
class Symbol:
    """A field in the outline, with its offsets and that of the end of its name.

    detail is its value in short, children are the fields inside it.
    """

    name: str
    detail: str
    start: int
    name_end: int
    end: int
    is_message: bool
    children: tuple[Symbol, ...] = ()


def symbols(document: Document) -> tuple[Symbol, ...]:
    """Return the outline of a quant.cfg or a model; for a long one, only its top level."""
    depth = limits.NESTING if len(document.source.text) <= _LONG else 0
    return tuple(_symbols(document, document.syntax.fields, depth))


def _symbols(document: Document, fields: Iterable[tree.Field], depth: int) -> Iterator[Symbol]:
    """Yield the symbols of fields, with depth levels of children."""
    for field in fields:
        name = field.name
        if name.text:
            inner = fields_in(field.value) if depth else ()
            yield Symbol(
                name.text,
                _detail(document, field),
                name.start,
                name.end,
                field.end,
                bool(inner) or isinstance(field.value, tree.Message),
                tuple(_symbols(document, inner, depth - 1)),
            )


def _detail(document: Document, field: tree.Field) -> str:
    """Return the value of a scalar; for a message, its name or else its first string."""
    value: tree.Value | None = field.value
    if isinstance(value, tree.Message):
        strings = [inner for inner in value.fields if isinstance(inner.value, tree.String)]
        named = next((inner for inner in strings if inner.text == "name"), None)
        value = (named or strings[0]).value if strings else None
    text = " ".join(document.source.text[value.start : value.end].split()) if value else ""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


@frozen_value
class Fold:
    """A span whose lines can be folded."""

    span: Span
    is_comment: bool = False


def folds(document: Document) -> tuple[Fold, ...]:
    """Return the foldable spans of a quant.cfg or a model, in order."""
    found = [*_brackets(document), *_comments(document)]
    return tuple(sorted(found, key=lambda fold: fold.span.start))


def _brackets(document: Document) -> Iterator[Fold]:
    for field in all_fields(document):
        if isinstance(field.value, tree.Message | tree.List) and "\n" in document.span(field.value).text:
            yield Fold(document.span(field.value))


def _comments(document: Document) -> Iterator[Fold]:
    """Yield runs of comments that are alone on their lines."""
    text = document.source.text
    run: Span | None = None
    for comment in comments(document):
        if text[text.rfind("\n", 0, comment.start) + 1 : comment.start].strip():
            continue
        gap = text[run.end : comment.start] if run else ""
        if run and gap.count("\n") == 1 and not gap.strip():
            run = Span(document.source, run.start, comment.end)
            continue
        if run and "\n" in run.text:
            yield Fold(run, is_comment=True)
        run = comment
    if run and "\n" in run.text:
        yield Fold(run, is_comment=True)
