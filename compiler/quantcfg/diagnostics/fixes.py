"""Fixes applied: the edits of diagnostics, put into the text that they were found in."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence

from quantcfg.diagnostics.diagnostic import Diagnostic, Edit
from quantcfg.source import Source

_MOST_ROUNDS = 10
"""How often fixes are applied: what one mends may show what another one can."""


def fixed_throughout(
    source: Source, found: Sequence[Diagnostic], check: Callable[[Source], Sequence[Diagnostic]]
) -> tuple[Source, Sequence[Diagnostic], int]:
    """Fix a text until nothing more can be fixed; return it, what is still wrong with it, and how many fixes.

    found is what is wrong with it, and check returns what is wrong with another text.
    """
    fixes = 0
    for _ in range(_MOST_ROUNDS):
        text, count = fixed(source, found)
        if not count:
            break
        fixes += count
        source = Source(source.name, text)
        found = check(source)
    return source, found, fixes


def fixed(source: Source, diagnostics: Iterable[Diagnostic]) -> tuple[str, int]:
    """Return a text with all fixes that do not get in each other's way, and of how many diagnostics they are.

    A fix is applied as a whole or not at all. What no edit names keeps every character.
    """
    chosen: list[Edit] = []
    count = 0
    for diagnostic in diagnostics:
        edits = diagnostic.fix
        if edits and all(edit.span.source is source and _fits(edit, chosen) for edit in edits):
            for edit in edits:
                insort(chosen, edit, key=_place)
            count += 1
    return applied(source, chosen), count


def applied(source: Source, edits: Iterable[Edit]) -> str:
    """Return a text with edits that do not overlap. What none of them names keeps every character."""
    text, end = [], 0
    for edit in sorted(edits, key=_place):
        text += [source.text[end : edit.span.start], edit.text]
        end = edit.span.end
    return "".join([*text, source.text[end:]])


def _place(edit: Edit) -> tuple[int, int]:
    return edit.span.start, edit.span.end


def _fits(edit: Edit, chosen: Sequence[Edit]) -> bool:
    """Tell whether an edit changes nothing that another one changes, and puts nothing in where it does."""
    index = bisect_left(chosen, _place(edit), key=_place)
    return not any(_collide(edit, other) for other in chosen[max(0, index - 1) : index + 2])


def _collide(edit: Edit, other: Edit) -> bool:
    (start, end), (first, last) = _place(edit), _place(other)
    if start == end or first == last:
        return start <= last and first <= end
    return start < last and first < end
