"""Fast path of the parser: a run of plain fields is matched as one token.

A field is plain if its value is a scalar, a list of scalars, or a message. Most
input consists of plain fields. A run ends at anything else: a list of messages, a
name in brackets, a "-" apart from its number, an error. The grammar in
grammar/textproto.lark takes over there; it parses a run to the same tree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from sys import intern

from quantcfg import contracts, limits
from quantcfg.frozen import small_value
from quantcfg.textproto.tree import (
    Field,
    Identifier,
    List,
    Literal,
    Message,
    Number,
    Scalar,
    String,
    string_of,
)

_GAP, _IDENT, _LITERAL = map(contracts.terminal, ("_GAP", "IDENT", "STRING"))
_WORDS, _NUMBERS = f"-?{_IDENT}", f"-?{contracts.terminal('NUMBER')}"

# Repetitions with an extra "+" are possessive: they do not backtrack, so matching takes linear time.
# A match never ends where the next token could belong to its value.
_STRINGS = rf"( {_LITERAL} ) {_GAP} ( (?:{_LITERAL}{_GAP})++ )?"
_SCALAR = rf"(?: {_STRINGS} | (?: ( {_WORDS} ) | ( {_NUMBERS} ) ) {_GAP} )"
_SEPARATOR = rf"(?:[;,]{_GAP})?"
_PLAIN = re.compile(
    rf"""
      ( {_IDENT} ) {_GAP}
      (?: : {_GAP} (?: {_SCALAR} {_SEPARATOR} | ( \[ ) ) | (?: : {_GAP} )? ( [{{<] ) {_GAP} )
    | [}}>] {_GAP} {_SEPARATOR}
    """,
    re.VERBOSE,
)
_NAME, _STRING, _PARTS, _WORD, _NUMBER, _LIST, _MESSAGE = range(1, 8)
"""The groups of _PLAIN. The last group is the kind of the match; the end of a message has none."""

_NODES: Mapping[int, type[Scalar]] = {_STRING: String, _WORD: Identifier, _NUMBER: Number}
_CLOSING = {"{": "}", "<": ">"}


@small_value
class Run:
    """A run: its fields, the messages that it leaves open, outermost first, and its end.

    Each open message is the value of the last field around it.
    """

    fields: list[Field]
    opened: list[Message]
    end: int


def run_at(text: str, start: int) -> Run:
    """Return the run of plain fields at an offset, which may be empty."""
    offset = start
    fields = outermost = list[Field]()
    opened: list[Message] = []
    while match := _PLAIN.match(text, offset):
        kind, end = match.lastindex, match.end()
        if kind is None:
            if not opened or text[offset] != _CLOSING[text[opened[-1].start]]:
                break
            message = opened.pop()
            message.length = offset + 1 - message.start  # type: ignore[misc]
            fields = opened[-1].fields if opened else outermost
        elif kind == _MESSAGE:
            if len(opened) > limits.NESTING_READ:
                break
            # Created before its fields: garbage collection of deep trees is several times slower otherwise.
            message = Message([], match.start(_MESSAGE))
            fields.append(Field(intern(match[_NAME]), message, message.start - offset))
            opened.append(message)
            fields = message.fields
        else:
            value: Scalar | List | None
            if kind == _LIST:
                value, end = _list_at(text, match.start(_LIST))
                if value is None:
                    break
            else:
                value = _scalar(match, kind)
            # Few distinct names occur many times and are looked up often, so they are interned.
            fields.append(Field(intern(match[_NAME]), value, value.start - offset))
        offset = end
    return Run(outermost, opened, offset)


def _scalar(match: re.Match[str], kind: int) -> Scalar:
    """Return the scalar of a match of _PLAIN or _item(), whose groups have the same numbers."""
    if kind == _PARTS:
        parts = _part().finditer(match.string, match.start(_STRING), match.end(_PARTS))
        return string_of([Literal(part[1], part.start(1), len(part[1])) for part in parts])
    literal = match[kind]
    return _NODES[kind](literal, match.start(kind), len(literal))


def _list_at(text: str, start: int) -> tuple[List | None, int]:
    """Return the list of scalars at an offset, or None, and the end of the separator after it."""
    whole = _list().match(text, start)
    if whole is None:
        return None, start
    end = whole.end(1)
    items = _item().finditer(text, start + 1, end - 1)
    values = tuple(_scalar(item, item.lastindex or _NUMBER) for item in items)
    return List(values, start, end - start), whole.end()


@cache
def _list() -> re.Pattern[str]:
    """Return the pattern of a list of scalars; compiled on first use, as many files have no list."""
    item = rf"(?:(?:{_LITERAL}{_GAP})++|(?:{_WORDS}|{_NUMBERS}){_GAP})"
    items = rf"{item} (?: , {_GAP} {item} )*+"
    return re.compile(rf"( \[ {_GAP} (?: {items} )? \] ) {_GAP} {_SEPARATOR}", re.VERBOSE)


@cache
def _item() -> re.Pattern[str]:
    """Return the pattern of a list item; its groups have the same numbers as in _PLAIN."""
    return re.compile(rf"( {_GAP} ) {_SCALAR} ,?", re.VERBOSE)


@cache
def _part() -> re.Pattern[str]:
    """Return the pattern of a further literal of a string."""
    return re.compile(rf"( {_LITERAL} ) {_GAP}", re.VERBOSE)
