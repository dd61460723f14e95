"""Find what can be typed at an offset, from the text before it: unfinished text has no syntax tree."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from quantcfg.frozen import frozen_value
from quantcfg.textproto.loose_lexer import token_at, tokens


@frozen_value
class Cursor:
    """What can be typed at an offset: a field name, or, if field is set, a value of that field.

    path holds the fields of the open messages, and given the field names already
    used in the innermost one. start and end enclose the word, or the content of
    the string, at the offset. quote is the quote of that string, or "" outside of
    strings; is_closed is whether the string has a closing quote.
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
    """An open bracket: the name of its field, and the field names after it."""

    name: str
    is_list: bool = False
    given: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Reading:
    """The state of the scan: the open brackets, the field whose value comes next, and the last token.

    word is a word that may turn out to be a field name before a bracket.
    """

    opened: list[_Open] = field(default_factory=lambda: [_Open("")])
    name: str | None = None
    word: str = ""
    kind: str = ""
    start: int = 0

    @property
    def innermost(self) -> _Open:
        """The innermost open bracket."""
        return self.opened[-1]

    def end_value(self) -> None:
        """End the field if the last token is a value."""
        if self.kind in ("word", "string", "unclosed"):
            self._end_field()

    def feed(self, token: re.Match[str]) -> None:
        """Process the next token."""
        self.end_value()
        self.kind, self.start = token.lastgroup or "", token.start()
        if self.kind == "field":
            # A name in brackets is never in the schema.
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
    """Return what can be typed at an offset, or None in a comment."""
    reading = _Reading()
    for token in tokens(text, offset):
        reading.feed(token)
    path = tuple(each.name for each in reading.opened[1:] if not each.is_list)
    given, start = frozenset(reading.innermost.given), reading.start
    if reading.kind == "comment":
        return None
    whole = token_at(text, start)
    if reading.kind == "unclosed" and whole:
        is_closed = whole.lastgroup == "string"
        return Cursor(path, given, reading.name, start + 1, whole.end() - is_closed, text[start], is_closed)
    if reading.kind == "word" and whole:
        return Cursor(path, given, reading.name, start, whole.end())
    reading.end_value()
    return Cursor(path, given, reading.name, offset, offset)
