"""Where in a text an offset is, by the text before it alone: what is being written has no tree yet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from quantcfg.textproto.scan import pieces

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REST_OF_WORD = re.compile(r"[A-Za-z0-9_]*")
_REST_OF_STRING = {quote: re.compile(rf"(?:[^{quote}\\\n]|\\[^\n])*") for quote in "\"'"}


@dataclass(frozen=True, slots=True)
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


def cursor_at(text: str, offset: int) -> Cursor | None:
    """Return what can be written at an offset, or None in a comment."""
    opened, name, kind, start = [_Open("")], None, "", 0
    for piece in pieces(text, offset):
        if kind in ("word", "string", "unended") and not opened[-1].is_list:
            name = None  # The piece before was the value.
        kind, start = piece.lastgroup or "", piece.start()
        if kind == "field":
            name = _name(piece[0])
            opened[-1].given.add(name)
        elif kind == "opening":
            opened.append(_Open(name or "", piece[0] in "[("))
            name = name if opened[-1].is_list else None
        elif kind == "closing" and len(opened) > 1:
            opened.pop()
            name = opened[-1].name if opened[-1].is_list else None
        elif piece[0] in (",", ";") and not opened[-1].is_list:
            name = None
    if kind == "comment":
        return None
    path = tuple(each.name for each in opened[1:] if not each.is_list)
    given = frozenset(opened[-1].given)
    if kind == "unended" and "\n" not in text[start:offset]:
        quote = text[start]
        rest = _REST_OF_STRING[quote].match(text, offset)
        end = rest.end() if rest else offset
        return Cursor(path, given, name, start + 1, end, quote, text[end : end + 1] == quote)
    if kind in ("string", "unended") and not opened[-1].is_list:
        name = None
    rest = _REST_OF_WORD.match(text, offset)
    is_word = kind == "word"
    return Cursor(path, given, name, start if is_word else offset, rest.end() if rest and is_word else offset)


def _name(piece: str) -> str:
    """Return the name in a piece; one in brackets names nothing that is known."""
    name = _NAME.match(piece)
    return name[0] if name else ""
