"""A text, where it came from, and the places in it.

A place is a pair of offsets. Line and column are worked out only when a place
is shown, so that parsing pays nothing for them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import field
from functools import cached_property

from quantcfg.values import Remembering, frozen_value


@frozen_value
class Source(Remembering):
    """A named text: a file, or, with is_file false, the value of an argument."""

    name: str
    text: str = field(repr=False)
    is_file: bool = True

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        while newline := self.text.find("\n", starts[-1]) + 1:
            starts.append(newline)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of an offset, both from 1; columns count characters."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line_bounds(self, number: int) -> tuple[int, int]:
        """Return where a line, counted from 1, starts, and where it ends before its line end."""
        start = self._line_starts[number - 1]
        end = self._line_starts[number] - 1 if number < len(self._line_starts) else len(self.text)
        return start, end - (end > start and self.text[end - 1] == "\r")


@frozen_value
class Span:
    """A piece of a source, from one offset up to but without another."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """What stands there."""
        return self.source.text[self.start : self.end]

    @property
    def start_position(self) -> tuple[int, int]:
        """Line and column of its first character."""
        return self.source.position(self.start)

    @property
    def end_position(self) -> tuple[int, int]:
        """Line and column of the character behind it."""
        return self.source.position(self.end)


def argument_span(name: str, value: object) -> Span:
    """Return the place of the whole value of an argument."""
    source = argument_source(name, value)
    return Span(source, 0, len(source.text))


def argument_source(name: str, value: object) -> Source:
    """Return the value of an argument as a source, so that a mistake in it has a place, too."""
    try:
        text = repr(value)
    except Exception:  # Whatever it is, it is no reason to fail here.
        text = object.__repr__(value)
    return Source(f"argument {name}", text, is_file=False)
