"""Sources and spans.

A span is a pair of offsets. Line and column are computed only for display, so
parsing does not track them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property

from quantcfg.frozen import Caching, field, frozen_value, small_value


@frozen_value
class Source(Caching):
    """The name and content of a file, or, if is_file is false, the value of an argument.

    The text of a binary file is a list of its elements: one line describes each, in file order.
    A span in it covers one line.
    """

    name: str
    text: str = field(repr=False)
    is_file: bool = True
    is_binary: bool = False

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        while newline := self.text.find("\n", starts[-1]) + 1:
            starts.append(newline)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column of an offset; columns count characters."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line_bounds(self, number: int) -> tuple[int, int]:
        """Return the start and end offsets of a 1-based line, without its line ending."""
        start = self._line_starts[number - 1]
        end = self._line_starts[number] - 1 if number < len(self._line_starts) else len(self.text)
        return start, end - (end > start and self.text[end - 1] == "\r")


@small_value
class Span:
    """A half-open range of offsets in a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The text in the span."""
        return self.source.text[self.start : self.end]

    @property
    def element(self) -> str | None:
        """The element of a binary file, in words; None in a text file."""
        return self.text if self.source.is_binary else None

    @property
    def location(self) -> str:
        """The file with the line and column of its first character, or with the element."""
        if self.source.is_binary:
            return f"{self.source.name}: {self.text}"
        line, column = self.start_position
        return f"{self.source.name}:{line}:{column}"

    @property
    def start_position(self) -> tuple[int, int]:
        """Line and column of its first character."""
        return self.source.position(self.start)

    @property
    def end_position(self) -> tuple[int, int]:
        """Line and column of the character after it."""
        return self.source.position(self.end)


@frozen_value
class Argument:
    """An argument as written by the caller: its name, the span of its value, and the text of its items."""

    name: str
    span: Span
    words: tuple[str, ...] = ()

    def items(self) -> Iterator[Span]:
        """Yield the span of each item."""
        source, end = self.span.source, self.span.start
        for word in self.words:
            start = source.text.index(word, end)
            end = start + len(word)
            yield Span(source, start, end)


Spell = Callable[[str, object], Argument]
"""Returns an argument as the caller writes it (Python or command line), by its Python name and value."""


def python_argument(name: str, value: object) -> Argument:
    """Return an argument as Python code writes it."""
    items = value if isinstance(value, list) else ()
    return Argument(name, argument_span(name, value), tuple(map(_repr, items)))


def argument_span(name: str, value: object) -> Span:
    """Return the span of the whole value of an argument."""
    source = argument_source(name, value)
    return Span(source, 0, len(source.text))


def argument_source(name: str, value: object) -> Source:
    """Return the value of an argument as a source, so that diagnostics can point into it."""
    return Source(f"argument {name}", _repr(value), is_file=False)


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # Any exception: a broken __repr__ must not fail the compile.
        return object.__repr__(value)
