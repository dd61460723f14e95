"""Apply the fixes of diagnostics to their source."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence

from quantcfg.diagnostics.diagnostic import Diagnostic, Edit
from quantcfg.frozen import frozen_value
from quantcfg.source import Source

_MAX_ROUNDS = 10
"""How often fixes are applied: a fix may reveal errors that have fixes, too."""

_MAX_CONTEXT = 200
"""How many characters of a line are kept before and after its edits."""


def fixed_throughout(
    source: Source, found: Sequence[Diagnostic], check: Callable[[Source], Sequence[Diagnostic]]
) -> tuple[Source, Sequence[Diagnostic], int]:
    """Apply fixes until none is left; return the source, its remaining diagnostics and the number of fixes.

    found holds the diagnostics of the source; check returns those of a changed one.
    """
    fixes = 0
    for _ in range(_MAX_ROUNDS):
        text, count = fixed(source, found)
        if not count:
            break
        fixes += count
        source = Source(source.name, text)
        found = check(source)
    return source, found, fixes


def fixed(source: Source, diagnostics: Iterable[Diagnostic]) -> tuple[str, int]:
    """Return the text with all fixes that do not conflict, and the number of diagnostics fixed.

    A fix is applied as a whole or not at all. Text outside the edits is unchanged.
    """
    chosen: list[Edit] = []
    count = 0
    for diagnostic in diagnostics:
        edits = diagnostic.fix
        if edits and all(edit.span.source is source and _is_compatible(edit, chosen) for edit in edits):
            for edit in edits:
                insort(chosen, edit, key=_offsets)
            count += 1
    return applied(source, chosen), count


def applied(source: Source, edits: Iterable[Edit], start: int = 0, end: int | None = None) -> str:
    """Return the text between two offsets with edits applied; the edits must not overlap."""
    text = []
    for edit in sorted(edits, key=_offsets):
        text += [source.text[start : edit.span.start], edit.text]
        start = edit.span.end
    return "".join([*text, source.text[start:end]])


@frozen_value
class ChangedLine:
    """A line that edits remove ("-") or add ("+"), with its number in the old or new text.

    A line may be as long as the file, so text holds only the part near the edits. column is
    where the first edit starts in text.
    """

    sign: str
    number: int
    text: str
    column: int


def changed_lines(edits: Iterable[Edit]) -> Iterator[ChangedLine]:
    """Yield the lines that edits of one source remove and add, in order."""
    shift = 0
    for group in _by_lines(sorted(edits, key=_offsets)):
        first, last = group[0].span, group[-1].span
        source, (line, _) = first.source, first.start_position
        start = max(first.start - _MAX_CONTEXT, source.line_bounds(line)[0])
        end = min(last.end + _MAX_CONTEXT, max(last.end, source.line_bounds(last.end_position[0])[1]))
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
    """Return the lines of a part of the source; its final newline does not start another line."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if is_last and not lines[-1] else lines


def _by_lines(edits: Iterable[Edit]) -> Iterator[Sequence[Edit]]:
    """Yield edits in groups that share lines."""
    group: list[Edit] = []
    for edit in edits:
        if group and edit.span.start_position[0] > group[-1].span.end_position[0]:
            yield group
            group = []
        group.append(edit)
    yield group


def _offsets(edit: Edit) -> tuple[int, int]:
    return edit.span.start, edit.span.end


def _is_compatible(edit: Edit, chosen: Sequence[Edit]) -> bool:
    index = bisect_left(chosen, _offsets(edit), key=_offsets)
    return not any(_conflict(edit, other) for other in chosen[max(0, index - 1) : index + 2])


def _conflict(edit: Edit, other: Edit) -> bool:
    (start, end), (first, last) = _offsets(edit), _offsets(other)
    if start == end or first == last:  # An insertion conflicts even with an edit that only touches it.
        return start <= last and first <= end
    return start < last and first < end
