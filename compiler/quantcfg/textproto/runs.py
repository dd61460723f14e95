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

from quantcfg import contracts, limits
from quantcfg.frozen import small_value
from quantcfg.textproto.tree import Field, Identifier, List, Literal, Message, Number, Scalar, String

_GAP, _IDENT, _LITERAL = map(contracts.terminal, ("_GAP", "IDENT", "STRING"))
_WORDS, _NUMBERS = f"-?{_IDENT}", f"-?{contracts.terminal('NUMBER')}"

# A repetition with "+" behind it is possessive: it gives nothing back, so a piece takes time in
# step with its length. A piece never ends where the next token could belong to its value.
_STRINGS = rf"( {_LITERAL} ) {_GAP} ( (?:{_LITERAL}{_GAP})++ )?"
_SCALAR = rf"(?: {_STRINGS} | (?: ( {_WORDS} ) | ( {_NUMBERS} ) ) {_GAP} )"
_SEPARATOR = rf"(?:[;,]{_GAP})?"
_PIECE = re.compile(
    rf"""
      ( {_IDENT} ) {_GAP}
      (?: : {_GAP} (?: {_SCALAR} {_SEPARATOR} | ( \[ ) ) | (?: : {_GAP} )? ( [{{<] ) {_GAP} )
    | [}}>] {_GAP} {_SEPARATOR}
    """,
    re.VERBOSE,
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
    item = rf"(?:(?:{_LITERAL}{_GAP})++|(?:{_WORDS}|{_NUMBERS}){_GAP})"
    items = rf"{item} (?: , {_GAP} {item} )*+"
    return re.compile(rf"( \[ {_GAP} (?: {items} )? \] ) {_GAP} {_SEPARATOR}", re.VERBOSE)


@cache
def _item() -> re.Pattern[str]:
    """Return the pattern of an item of such a list; its groups have the numbers of those of a piece."""
    return re.compile(rf"( {_GAP} ) {_SCALAR} ,?", re.VERBOSE)


@cache
def _part() -> re.Pattern[str]:
    """Return the pattern of one more part of a string."""
    return re.compile(rf"( {_LITERAL} ) {_GAP}", re.VERBOSE)
