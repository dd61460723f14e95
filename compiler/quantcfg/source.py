"""A text, where it came from, and the places in it.

A place is a pair of offsets. Line and column are worked out only when a place
is shown, so that parsing pays nothing for them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import field
from functools import cached_property

from quantcfg.frozen import Remembering, frozen_value


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


@frozen_value
class Argument:
    """An argument as it is written: its name, the span of its value, and the words that are its items."""

    name: str
    span: Span
    words: tuple[str, ...] = ()

    def items(self) -> Iterator[Span]:
        """Yield the places of the words."""
        source, end = self.span.source, self.span.start
        for word in self.words:
            start = source.text.index(word, end)
            end = start + len(word)
            yield Span(source, start, end)


Spell = Callable[[str, object], Argument]
"""Returns how an argument is written, by its name in the library and its value."""


def python_argument(name: str, value: object) -> Argument:
    """Return an argument as a caller of the library writes its value."""
    items = value if isinstance(value, list) else ()
    return Argument(name, argument_span(name, value), tuple(map(_written, items)))


def argument_span(name: str, value: object) -> Span:
    """Return the place of the whole value of an argument."""
    source = argument_source(name, value)
    return Span(source, 0, len(source.text))


def argument_source(name: str, value: object) -> Source:
    """Return the value of an argument as a source, so that a mistake in it has a place, too."""
    return Source(f"argument {name}", _written(value), is_file=False)


def _written(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # Whatever it is, it is no reason to fail here.
        return object.__repr__(value)
