"""Where in a text an offset is, by the text before it alone: what is being written has no tree yet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from quantcfg.frozen import frozen_value
from quantcfg.textproto.loose_lexer import token_at, tokens


@frozen_value
class Cursor:
    """What can be written at an offset: the name of a field, or where field is one, its value.

    path holds the fields whose messages are open, given the names before the
    offset in the innermost of them. From start to end stands the word, or the
    inside of the string, that the offset is in; quote is that string's, "" where
    it is in none, and is_closed tells that the string has an end.
    """

    path: tuple[str, ...]
    given: frozenset[str]
    field: str | None
    start: int
    end: int
    quote: str = ""
    is_closed: bool = True


@dataclass(slots=True)
class _Open:
    """A bracket that is open: the field it belongs to, and the names behind it."""

    name: str
    is_list: bool = False
    given: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Reading:
    """How far a text was read: brackets that are open, the field whose value is next, the last token.

    word is a word that may yet be the name of a field, before the bracket of a list.
    """

    opened: list[_Open] = field(default_factory=lambda: [_Open("")])
    name: str | None = None
    word: str = ""
    kind: str = ""
    start: int = 0

    @property
    def innermost(self) -> _Open:
        """The last bracket that is open."""
        return self.opened[-1]

    def end_value(self) -> None:
        """Take what was read last for the value of the field, if it was one."""
        if self.kind in ("word", "string", "unended"):
            self._end_field()

    def take(self, token: re.Match[str]) -> None:
        """Read a token on."""
        self.end_value()
        self.kind, self.start = token.lastgroup or "", token.start()
        if self.kind == "field":
            # A name in brackets names nothing that is known.
            self.name = "" if token[0].startswith("[") else token[0]
            self.innermost.given.add(self.name)
        elif self.kind == "opening":
            self.opened.append(_Open(self.name or self.word, token[0] in "[("))
            self._end_field()
        elif self.kind == "closing" and len(self.opened) > 1:
            self.opened.pop()
            self._end_field()
        elif self.kind == "separator":
            self._end_field()
        if self.kind not in ("whitespace", "comment"):
            self.word = token[0] if self.kind == "word" and not self.innermost.is_list else ""

    def _end_field(self) -> None:
        self.name = self.innermost.name if self.innermost.is_list else None


def cursor_at(text: str, offset: int) -> Cursor | None:
    """Return what can be written at an offset, or None in a comment."""
    reading = _Reading()
    for token in tokens(text, offset):
        reading.take(token)
    path = tuple(each.name for each in reading.opened[1:] if not each.is_list)
    given, start = frozenset(reading.innermost.given), reading.start
    if reading.kind == "comment":
        return None
    whole = token_at(text, start)
    if reading.kind == "unended" and whole:
        is_closed = whole.lastgroup == "string"
        return Cursor(path, given, reading.name, start + 1, whole.end() - is_closed, text[start], is_closed)
    if reading.kind == "word" and whole:
        return Cursor(path, given, reading.name, start, whole.end())
    reading.end_value()
    return Cursor(path, given, reading.name, offset, offset)
