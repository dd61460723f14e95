"""The lines of a text as the protocol counts them, in whichever units its client counts columns.

Lines and columns start at 0, and a carriage return alone ends a line, too
(Language Server Protocol 3.17, "Position").
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from quantcfg.values import frozen_value

_LINE_END = re.compile(r"\r\n|\n|\r")
_CODECS = {"utf-8": "utf-8", "utf-16": "utf-16-le"}
_BYTES = {"utf-8": 1, "utf-16": 2}


@dataclass(frozen=True)
class Lines:
    """A text in lines; encoding is "utf-8", "utf-16" or "utf-32", the units that columns are counted in."""

    text: str
    encoding: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(line_end.end() for line_end in _LINE_END.finditer(self.text))]

    @cached_property
    def _columns(self) -> dict[int, Sequence[int]]:
        """The columns of the characters of lines that are looked at, where they are not those of ASCII."""
        return {}

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of an offset."""
        line = bisect_right(self._starts, offset) - 1
        index = offset - self._starts[line]
        columns = self._columns_of(line)
        return line, columns[index] if columns else index

    def _columns_of(self, line: int) -> Sequence[int]:
        """Return the column of each character of a line, and of its end; nothing where that is its index."""
        if line not in self._columns:
            end = self._starts[line + 1] if line + 1 < len(self._starts) else len(self.text)
            text = self.text[self._starts[line] : end]
            is_plain = self.encoding not in _CODECS or text.isascii()
            units = () if is_plain else (_units(char, self.encoding) for char in text)
            self._columns[line] = () if is_plain else tuple(accumulate(units, initial=0))
        return self._columns[line]

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a position; one beyond the end of a line, or of the text, is at that end."""
        if line >= len(self._starts):
            return len(self.text)
        start = self._starts[line]
        line_end = _LINE_END.search(self.text, start)
        return start + _characters(
            self.text[start : line_end.start() if line_end else None], column, self.encoding
        )


@frozen_value
class Change:
    """A text in place of what is between two positions, in lines and columns."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


def changed(text: str, changes: Iterable[Change], encoding: str) -> str:
    """Return a text after changes of it, each of which has its place in what those before it left.

    What a client does in many places at once comes as many changes: only the
    lines that one is in are looked at for it.
    """
    lines = _split(text)
    for change in changes:
        (first, start), (last, end) = (
            _place(lines, *position, encoding) for position in (change.start, change.end)
        )
        if (last, end) < (first, start):
            last, end = first, start
        between = lines[first][:start] + change.text + lines[last][end:]
        # With a line feed behind it, the carriage return before it ends no line any more.
        if first and between.startswith("\n") and lines[first - 1].endswith("\r"):
            first -= 1
            between = lines[first] + between
        is_end = last == len(lines) - 1
        lines[first : last + 1] = _split(between) if is_end else _split(between)[:-1]
    return "".join(lines)


def _split(text: str) -> list[str]:
    """Return the lines of a text with their ends; the last one has none."""
    ends = [0, *(line_end.end() for line_end in _LINE_END.finditer(text)), len(text)]
    return [text[start:end] for start, end in pairwise(ends)]


def _place(lines: Sequence[str], line: int, column: int, encoding: str) -> tuple[int, int]:
    """Return the line and the character in it of a position; one beyond an end is at that end."""
    if line >= len(lines):
        return len(lines) - 1, len(lines[-1])
    return line, _characters(lines[line].rstrip("\r\n"), column, encoding)


def _units(text: str, encoding: str) -> int:
    if encoding not in _CODECS or text.isascii():
        return len(text)
    return len(text.encode(_CODECS[encoding], errors="surrogatepass")) // _BYTES[encoding]


def _characters(line: str, column: int, encoding: str) -> int:
    """Return how many characters of a line are so many units; a character is never split."""
    if encoding not in _CODECS or line.isascii():
        return min(column, len(line))
    count = units = 0
    for char in line:
        units += _units(char, encoding)
        if units > column:
            break
        count += 1
    return count
