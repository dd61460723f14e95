"""What of a text can be folded: messages and lists of several lines, and comments of several lines."""

from __future__ import annotations

from collections.abc import Iterator

from quantcfg.lsp.document import Document, all_fields
from quantcfg.lsp.tokens import comments
from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.values import frozen_value


@frozen_value
class Fold:
    """A span whose lines can be folded into its first one."""

    span: Span
    is_comment: bool = False


def folds(document: Document) -> tuple[Fold, ...]:
    """Return what of a quant.cfg or a prototxt can be folded, in the order of the text."""
    found = [*_brackets(document), *_comments(document)]
    return tuple(sorted(found, key=lambda fold: fold.span.start))


def _brackets(document: Document) -> Iterator[Fold]:
    for field, _ in all_fields(document):
        if isinstance(field.value, tree.Message | tree.List) and "\n" in document.span(field.value).text:
            yield Fold(document.span(field.value))


def _comments(document: Document) -> Iterator[Fold]:
    """Yield the runs of comments that each have a line of their own."""
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
