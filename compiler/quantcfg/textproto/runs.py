"""Runs of plain fields, taken from a text as one token: nearly all of a text is made of them.

A field is plain if its value is a scalar, a list of scalars, or a message. A run
ends at anything else: a list of messages, a name in brackets, a "-" apart from
its number, an error. The grammar (grammar/textproto.lark) reads that, and reads
what a run takes in the same way.
"""

from __future__ import annotations

import re
from functools import cache
from sys import intern

from quantcfg import limits
from quantcfg.textproto.tree import Field, Identifier, List, Literal, Message, Number, Scalar, String
from quantcfg.values import small_value

GAP = r"(?:\s*+(?:\#[^\n\0]*+\n\s*+)*+)"
"""Whitespace and comments that end before the end of the text, as a regular expression."""

# A repetition with "+" behind it is possessive: it gives nothing back, so a piece takes time in
# step with its length. A piece never ends where the next token could belong to its value.
_LITERALS = (rf"{quote}[^{quote}\\\n\0]*+(?:\\[^\n\0][^{quote}\\\n\0]*+)*+{quote}" for quote in "\"'")
_LITERAL = rf"(?:{'|'.join(_LITERALS)})"
_WORDS = r"-?[A-Za-z_]\w*+"
_DECIMALS = r"(?:(?:0|[1-9]\d*+)(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?[fF]?"
_NUMBERS = rf"-?(?:0[xX][0-9A-Fa-f]++|0[0-7]++|{_DECIMALS})(?![\w.])"
_STRINGS = rf"( {_LITERAL} ) {GAP} ( (?:{_LITERAL}{GAP})++ )?"
_SCALAR = rf"(?: {_STRINGS} | (?: ( {_WORDS} ) | ( {_NUMBERS} ) ) {GAP} )"
_SEPARATOR = rf"(?:[;,]{GAP})?"
_PIECE = re.compile(
    rf"""
      ( [A-Za-z_]\w*+ ) \s*+
      (?: :\s*+ (?: {_SCALAR} {_SEPARATOR} | ( \[ ) ) | (?::\s*+)? ( [{{<] ) {GAP} )
    | [}}>] {GAP} {_SEPARATOR}
    """,
    re.VERBOSE | re.ASCII,
)
_NAME, _STRING, _PARTS, _WORD, _NUMBER, _LIST, _MESSAGE = range(1, 8)
"""The groups of a piece. The last one that matches tells what it is; where it ends a message, none does."""

_CLOSING = {"{": "}", "<": ">"}

Opened = tuple[list[Field], str, int, int]
"""A message that is open: the fields before it, its name, where that starts, and where its bracket is."""


@small_value
class Run:
    """What was read of a text: the messages that it leaves open, the fields in the innermost, and its end."""

    opened: list[Opened]
    fields: list[Field]
    end: int


def run_at(text: str, start: int) -> Run:
    """Return the plain fields from an offset on, as far as there are any."""
    offset = start
    fields: list[Field] = []
    opened: list[Opened] = []
    while piece := _PIECE.match(text, offset):
        kind, end = piece.lastindex, piece.end()
        if kind is None:
            if not opened or text[offset] != _CLOSING[text[opened[-1][-1]]]:
                break
            outer, name, at, bracket = opened.pop()
            outer.append(Field(name, Message(tuple(fields), bracket, offset + 1 - bracket), bracket - at))
            fields = outer
        elif kind == _MESSAGE:
            if len(opened) > limits.NESTING_READ:
                break
            opened.append((fields, intern(piece[_NAME]), offset, piece.start(_MESSAGE)))
            fields = []
        else:
            value: Scalar | List | None
            at = piece.start(kind)
            if kind == _STRING:
                written = piece[_STRING]
                value = String((Literal(written, at, len(written)),))
            elif kind == _LIST:
                value, end = _list_at(text, at)
                if value is None:
                    break
            else:
                value = _scalar(piece, kind)
                at = value.start
            # The same few names stand again and again, and are looked up: one object of each will do.
            fields.append(Field(intern(piece[_NAME]), value, at - offset))
        offset = end
    return Run(opened, fields, offset)


def _scalar(piece: re.Match[str], kind: int) -> Scalar:
    """Return the scalar in a piece, or in an item of a list, whose groups have the same numbers."""
    at, written = piece.start(kind), piece[kind]
    if kind == _NUMBER:
        return Number(written, at, len(written))
    if kind == _WORD:
        return Identifier(written, at, len(written))
    if kind == _STRING:
        return String((Literal(written, at, len(written)),))
    first = Literal(piece[_STRING], piece.start(_STRING), len(piece[_STRING]))
    further = _part().finditer(piece.string, *piece.span(_PARTS))
    return String((first, *(Literal(part[1], part.start(1), len(part[1])) for part in further)))


def _list_at(text: str, start: int) -> tuple[List | None, int]:
    """Return the list of scalars at an offset, if it is one, and the end of the separator behind it."""
    whole = _list().match(text, start)
    if whole is None:
        return None, start
    end = whole.end(1)
    items = _item().finditer(text, start + 1, end - 1)
    values = tuple(_scalar(item, item.lastindex or _NUMBER) for item in items)
    return List(values, start, end - start), whole.end()


@cache
def _list() -> re.Pattern[str]:
    """Return the pattern of a list of scalars, compiled for the first list: many texts have none."""
    item = rf"(?:(?:{_LITERAL}{GAP})++|(?:{_WORDS}|{_NUMBERS}){GAP})"
    items = rf"{item} (?: , {GAP} {item} )*+"
    return re.compile(rf"( \[ {GAP} (?: {items} )? \] ) {GAP} {_SEPARATOR}", re.VERBOSE | re.ASCII)


@cache
def _item() -> re.Pattern[str]:
    """Return the pattern of an item of such a list; its groups have the numbers of those of a piece."""
    return re.compile(rf"( {GAP} ) {_SCALAR} ,?", re.VERBOSE | re.ASCII)


@cache
def _part() -> re.Pattern[str]:
    """Return the pattern of one more part of a string."""
    return re.compile(rf"( {_LITERAL} ) {GAP}", re.VERBOSE | re.ASCII)
