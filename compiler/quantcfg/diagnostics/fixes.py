"""Fixes applied: the edits of diagnostics, put into the text that they were found in."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence

from quantcfg.diagnostics.diagnostic import Diagnostic, Edit
from quantcfg.frozen import frozen_value
from quantcfg.source import Source

_MOST_ROUNDS = 10
"""How often fixes are applied: what one mends may show what another one can."""

_FAR = 200


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


def applied(source: Source, edits: Iterable[Edit], start: int = 0, end: int | None = None) -> str:
    """Return a text, or a part of it, with edits that do not overlap; all else keeps every character."""
    text = []
    for edit in sorted(edits, key=_place):
        text += [source.text[start : edit.span.start], edit.text]
        start = edit.span.end
    return "".join([*text, source.text[start:end]])


@frozen_value
class ChangedLine:
    """A line that edits remove ("-") or add ("+"), by its number in the old or the new text.

    column is that of the first edit in text, which leaves out what is far from the edits: a line may be as
    long as the file.
    """

    sign: str
    number: int
    text: str
    column: int


def changed_lines(edits: Iterable[Edit]) -> Iterator[ChangedLine]:
    """Yield the lines that edits of one source remove and add, in order."""
    shift = 0
    for group in _by_lines(sorted(edits, key=_place)):
        first, last = group[0].span, group[-1].span
        source, (line, _) = first.source, first.start_position
        start = max(first.start - _FAR, source.line_bounds(line)[0])
        end = min(last.end + _FAR, max(last.end, source.line_bounds(last.end_position[0])[1]))
        column, is_last = first.start - start + 1, end == len(source.text)
        old = _lines(source.text[start:end], is_last)
        new = _lines(applied(source, group, start, end), is_last)
        while old and new and old[-1] == new[-1]:
            del old[-1], new[-1]
        while old and new and old[0] == new[0]:
            del old[0], new[0]
            line, column = line + 1, 1
        for sign, number, lines in (("-", line, old), ("+", line + shift, new)):
            yield from (ChangedLine(sign, *numbered, column) for numbered in enumerate(lines, number))
        shift += len(new) - len(old)


def _lines(text: str, is_last: bool) -> list[str]:
    """Return the lines of a part of a text; behind the last newline of the whole text there is none."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if is_last and not lines[-1] else lines


def _by_lines(edits: Iterable[Edit]) -> Iterator[Sequence[Edit]]:
    """Yield edits that have a line in common together."""
    group: list[Edit] = []
    for edit in edits:
        if group and edit.span.start_position[0] > group[-1].span.end_position[0]:
            yield group
            group = []
        group.append(edit)
    yield group


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
