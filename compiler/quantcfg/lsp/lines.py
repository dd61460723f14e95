"""Conversion between offsets and the positions of the protocol.

Lines and columns start at 0, and a carriage return alone also ends a line
(Language Server Protocol 3.17, "Position").
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from itertools import accumulate

_LINE_END = re.compile(r"\r\n|\n|\r")
_CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2)}
"""For each encoding, its codec, and the number of bytes of a unit; a unit of others is a character."""


@dataclass(frozen=True)
class Lines:
    """The lines of a document; encoding is the unit of columns: "utf-8", "utf-16" or "utf-32"."""

    text: str
    encoding: str

    @cached_property
    def _starts(self) -> list[int]:
        # Unlike a lone "\n", the "\r" never joins a line end that the text ends with.
        *starts, _ = accumulate(map(len, StringIO(self.text + "\r", newline="")), initial=0)
        return starts

    @cached_property
    def _is_plain(self) -> bool:
        """Whether columns are indices of characters."""
        return self.encoding not in _CODECS or self.text.isascii()

    @cached_property
    def _columns(self) -> dict[int, Sequence[int]]:
        """A cache for _columns_of, by line."""
        return {}

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of an offset."""
        line = bisect_right(self._starts, offset) - 1
        index = offset - self._starts[line]
        columns = () if self._is_plain else self._columns_of(line)
        return line, columns[index] if columns else index

    def _columns_of(self, line: int) -> Sequence[int]:
        """Return the columns of all characters of a line and of its end; empty if they are the indices."""
        if line not in self._columns:
            end = self._starts[line + 1] if line + 1 < len(self._starts) else len(self.text)
            text = self.text[self._starts[line] : end]
            codec, size = _CODECS[self.encoding]
            units = (len(char.encode(codec, errors="surrogatepass")) // size for char in text)
            self._columns[line] = () if text.isascii() else tuple(accumulate(units, initial=0))
        return self._columns[line]

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a position; one past the end of its line, or of the text, is at that end."""
        if line >= len(self._starts):
            return len(self.text)
        start, columns = self._starts[line], () if self._is_plain else self._columns_of(line)
        line_end = _LINE_END.search(self.text, start)
        index = bisect_right(columns, column) - 1 if columns else column
        return min(start + index, line_end.start() if line_end else len(self.text))
