"""Fixes and formatting, as edits."""

from __future__ import annotations

from quantcfg.compile import check_source
from quantcfg.diagnostics import Diagnostic, Edit
from quantcfg.diagnostics.fixes import fixed_throughout
from quantcfg.diagnostics.phrases import counted
from quantcfg.diagnostics.suggestions import common_prefix
from quantcfg.format import format_source
from quantcfg.frozen import frozen_value
from quantcfg.lsp.document import Document
from quantcfg.source import Source, Span

_LONGEST = 40


@frozen_value
class Fix:
    """A titled set of edits, with the diagnostic that it fixes; None if it fixes several."""

    title: str
    edits: tuple[Edit, ...]
    diagnostic: Diagnostic | None = None


def fixes(document: Document, start: int, end: int) -> tuple[Fix, ...]:
    """Return the fixes of the diagnostics that overlap a range of offsets."""
    return tuple(
        Fix(_title(each.fix), each.fix, each)
        for each in document.diagnostics
        if each.fix and each.span and each.span.start <= end and start <= each.span.end
    )


def fix_of_all(document: Document) -> Fix | None:
    """Return what "quantcfg check --fix" would change as one fix, None if it changes nothing."""
    source, _, count = fixed_throughout(
        document.source,
        document.diagnostics,
        lambda text: check_source(text, document.network, document.edition),
    )
    if not count:
        return None
    title = f"fix {counted(count, 'diagnostic')} automatically"
    return Fix(title, difference(document.source, source.text))


def _title(edits: tuple[Edit, ...]) -> str:
    first = edits[0]
    before, after = _shown(first.span.text), _shown(first.text)
    if not after:
        title = f"remove {before}"
    elif not before:
        title = f"insert {after}"
    else:
        title = f"replace {before} with {after}"
    more = len(edits) - 1
    return f"{title}, and {counted(more, 'more edit')}" if more else title


def _shown(text: str) -> str:
    words = " ".join(text.split()) or text.replace("\n", "\\n")
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."


def layout(document: Document) -> tuple[Edit, ...]:
    """Return the edit that formats a quant.cfg or a model; none if nothing changes or it is invalid."""
    text = None if document.is_configuration else format_source(document.source, lambda _: None)
    return () if text is None else difference(document.source, text)


def difference(source: Source, text: str) -> tuple[Edit, ...]:
    """Return one edit from the first to the last character that differs; none if the texts are equal."""
    before = source.text
    if text == before:
        return ()
    start = common_prefix(before, text)
    end = common_prefix(before[start:][::-1], text[start:][::-1])
    return (Edit(Span(source, start, len(before) - end), text[start : len(text) - end]),)
