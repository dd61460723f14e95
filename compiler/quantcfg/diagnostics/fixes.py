"""Fixes applied: the edits of diagnostics, put into the text that they were found in."""

from __future__ import annotations

from collections.abc import Iterable

from quantcfg.diagnostics.diagnostic import Diagnostic, Edit
from quantcfg.source import Source


def fixed(source: Source, diagnostics: Iterable[Diagnostic]) -> tuple[str, int]:
    """Return a text with all fixes that do not get in each other's way, and of how many diagnostics they are.

    A fix is applied as a whole or not at all. What no edit names keeps every character.
    """
    chosen: list[Edit] = []
    count = 0
    for diagnostic in diagnostics:
        if diagnostic.fix and all(_fits(edit, source, chosen) for edit in diagnostic.fix):
            chosen += diagnostic.fix
            count += 1
    text, end = [], 0
    for edit in sorted(chosen, key=lambda edit: (edit.span.start, edit.span.end)):
        text += [source.text[end : edit.span.start], edit.text]
        end = edit.span.end
    return "".join([*text, source.text[end:]]), count


def _fits(edit: Edit, source: Source, chosen: Iterable[Edit]) -> bool:
    """Tell whether an edit is of this text, and touches no place that another one changes."""
    return edit.span.source is source and not any(
        edit.span.start <= other.span.end and other.span.start <= edit.span.end for other in chosen
    )
