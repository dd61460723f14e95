"""Edits offered for a text: fixes of diagnostics, and the canonical layout."""

from __future__ import annotations

from quantcfg.compile import check_source
from quantcfg.diagnostics import Diagnostic, Edit
from quantcfg.diagnostics.fixes import fixed_throughout
from quantcfg.diagnostics.phrases import counted
from quantcfg.format import format_source
from quantcfg.frozen import frozen_value
from quantcfg.lsp.document import Document
from quantcfg.source import Source, Span

_LONGEST = 40


@frozen_value
class Fix:
    """Something to choose: its title, the edits that do it, and what it mends; None if it mends all."""

    title: str
    edits: tuple[Edit, ...]
    diagnostic: Diagnostic | None = None


def fixes(document: Document, start: int, end: int) -> tuple[Fix, ...]:
    """Return the fixes of the diagnostics that touch what is between two offsets."""
    return tuple(
        Fix(_title(each.fix), each.fix, each)
        for each in document.diagnostics
        if each.fix and each.span and each.span.start <= end and start <= each.span.end
    )


def fix_of_all(document: Document) -> Fix | None:
    """Return all fixes as one, None where there is none: those of "quantcfg check --fix"."""
    source, _, count = fixed_throughout(
        document.source,
        document.diagnostics,
        lambda text: check_source(text, document.network, document.edition),
    )
    if not count:
        return None
    title = f"fix what needs no judgement: {counted(count, 'mistake')}"
    return Fix(title, difference(document.source, source.text))


def _title(edits: tuple[Edit, ...]) -> str:
    first = edits[0]
    before, after = _shown(first.span.text), _shown(first.text)
    if not after:
        title = f"remove {before}"
    elif not before:
        title = f"put in {after}"
    else:
        title = f"replace {before} by {after}"
    more = len(edits) - 1
    return f"{title}, and {counted(more, 'more edit')}" if more else title


def _shown(text: str) -> str:
    words = " ".join(text.split()) or text.replace("\n", "\\n")
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."


def layout(document: Document) -> tuple[Edit, ...]:
    """Return the edit that lays out a quant.cfg or a prototxt; none where nothing changes, or nothing can."""
    text = None if document.is_configuration else format_source(document.source, lambda _: None)
    return () if text is None else difference(document.source, text)


def difference(source: Source, text: str) -> tuple[Edit, ...]:
    """Return one edit from the first to the last character that differs; none where nothing does."""
    before = source.text
    if text == before:
        return ()
    start = _common(before, text)
    end = _common(before[start:][::-1], text[start:][::-1])
    return (Edit(Span(source, start, len(before) - end), text[start : len(text) - end]),)


def _common(one: str, other: str) -> int:
    """Return how many characters two texts start with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
